# SPDX-License-Identifier: MIT
"""A mail reaches each real server, in TLS with its certificate and name checked, in clear where none is offered, with
each combination of PIPELINING and CHUNKING; each recipient gets its own verdict, and limits hold before the mail is
sent."""
import pytest

from cell import SIZE_LIMIT
from client import ALICE, BOB, GONE, LATER, REFUSED, SENDER, deferred, delivered, failed, new_token, raw_mail, said_no_mail

ALL = ["postfix", "exim", "sendmail", "dovecot", "aiosmtpd"]
every_server = pytest.mark.parametrize("server", ALL, indirect=True)
open_servers = [name for name in ALL if name != "dovecot"]       # Dovecot wants a login, and so TLS


def in_tls(mail):
    return any(word in received for received in mail.received for word in ("TLSv1.2", "TLS1.2", "ESMTPS"))


@every_server
def test_starttls(server, mailmote):
    token = new_token()
    delivered(mailmote.send(server, raw_mail(token)))
    mail = server.wait_for_mail(token)
    assert in_tls(mail) and mail.content == raw_mail(token)
    assert mail.sender == SENDER and mail.recipients == [ALICE]


@every_server
def test_implicit_tls(server, mailmote):
    token, login = new_token(), mailmote.login if server.needs_auth else []
    delivered(mailmote.send(server.ports["implicit"], raw_mail(token), "--tls", "implicit", *login))
    mail = server.wait_for_mail(token)
    assert in_tls(mail) and mail.content == raw_mail(token)


def test_rsa_certificate(postfix, mailmote):
    delivered(mailmote.send(postfix.ports["rsa"]))


def test_tls_name_is_not_the_address(postfix, mailmote):
    delivered(mailmote.send(postfix, None, "--tls-name", "mail.example.test", host="127.0.0.1"))


def test_ipv6(aiosmtpd, mailmote):
    if "ipv6" not in aiosmtpd.ports:
        pytest.skip("no IPv6 on this machine")
    delivered(mailmote.send(aiosmtpd.ports["ipv6"], None, "--tls-name", "localhost", host="[::1]"))


@pytest.mark.parametrize("server", [*open_servers, "opensmtpd"], indirect=True)
def test_clear_where_starttls_is_not_offered(server, mailmote):
    token = new_token()
    delivered(mailmote.send(server.ports["clear"], raw_mail(token), trust=False))
    mail = server.wait_for_mail(token)
    assert mail.content == raw_mail(token) and not in_tls(mail)


@pytest.mark.parametrize("server", open_servers, indirect=True)
def test_opportunistic_uses_starttls(server, mailmote):
    token = new_token()
    delivered(mailmote.send(server, raw_mail(token), trust=False))
    assert in_tls(server.wait_for_mail(token))


OFFERS = [("starttls", "BDAT"), ("nochunking", "DATA"), ("nopipelining", "BDAT"), ("neither", "DATA")]
ports = pytest.mark.parametrize("port", ["starttls", "nochunking", "nopipelining", "neither"])


@pytest.mark.parametrize("port, verb", OFFERS)
def test_offers(postfix, mailmote, port, verb):
    token = new_token()
    text = raw_mail(token, b".dots.\r\n" * 3000)
    result = delivered(mailmote.send(postfix.ports[port], text, to=(ALICE, BOB)))
    assert [v for v in result.verbs() if v in ("BDAT", "DATA")] == [verb]
    for address in (ALICE, BOB):
        assert postfix.wait_for_mail(token, address).content == text


@every_server
def test_one_recipient_refused(server, mailmote):
    token = new_token()
    result = mailmote.send(server, raw_mail(token), to=(ALICE, GONE, BOB))
    assert result.status == 69, result.out
    assert [(row.address, row.verdict) for row in result.rows] == [
        (ALICE, "delivered"), (GONE, "failed"), (BOB, "delivered")]
    assert len({row.id for row in result.rows}) == 1
    assert result.rows[1].code == 550 and "no such user" in result.rows[1].text
    for address in (ALICE, BOB):
        assert server.wait_for_mail(token, address).content == raw_mail(token)


@ports
def test_each_recipient_has_its_verdict(postfix, mailmote, port):
    result = mailmote.send(postfix.ports[port], to=(GONE, ALICE, LATER))
    assert result.status == 75      # nothing is kept: the caller's to send again
    assert [(row.verdict, row.code) for row in result.rows] == [("failed", 550), ("delivered", 250), ("deferred", 450)]


@ports
def test_all_recipients_refused(postfix, mailmote, port):
    failed(mailmote.send(postfix.ports[port], to=(GONE, GONE.capitalize())), "no such user", REFUSED)


@ports
def test_all_recipients_deferred(postfix, mailmote, port):
    deferred(mailmote.send(postfix.ports[port], to=(LATER,)), "come back later")


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_many_recipients(server, mailmote):
    """more than one buffer full of commands, and of replies"""
    delivered(mailmote.send(server, to=[f"r{n}@example.test" for n in range(400)]))


@every_server
def test_size_limit(server, mailmote):
    text = raw_mail(new_token(), (b"x" * 78 + b"\r\n") * (SIZE_LIMIT // 80 + 1))
    said_no_mail(failed(mailmote.send(server, text), rf"the mail has \d+ octets, more than the relay takes: {SIZE_LIMIT}$"))


@every_server
def test_large_mail(server, mailmote):
    token = new_token()
    text = raw_mail(token, b"".join(b"%06d .over the lazy dog\r\n.%d\r\n" % (n, n) for n in range(20000)))
    delivered(mailmote.send(server, text))
    assert server.wait_for_mail(token).content == text

# SPDX-License-Identifier: MIT
"""Logging in: PLAIN, LOGIN and tokens, inside verified TLS only; a login that is refused, not offered or impossible
defers the mail with its own reason, and no secret is seen outside."""
import base64

import pytest

from aio import TOKEN
from cell import PASSWORD
from client import NO_LOGIN, REFUSED, deferred, delivered, new_token, raw_mail, said_no_mail
from test_delivery import every_server

STRANGER = "x@elsewhere.invalid"


def no_secret(result, secret):
    """asserts that it shows nowhere, not in base64 either, at any of the three places in its groups of octets"""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret.encode()).decode()[4 if shift else 0:-4]
        for form in (secret, coded):
            assert form not in result.err and form.encode() not in result.out
    return result


def challenges(result):
    return result.err.count("\nS: 334")


@every_server
@pytest.mark.parametrize("port, mode", [("submission", "starttls"), ("implicit", "implicit")])
def test_plain(server, mailmote, port, mode):
    token = new_token()
    result = delivered(mailmote.send(server.ports[port], raw_mail(token), "--tls", mode, *mailmote.login))
    assert "\nS: 235" in result.err and challenges(result) == 0      # PLAIN, all in one line
    no_secret(result, PASSWORD)
    assert server.wait_for_mail(token).content == raw_mail(token)


@pytest.mark.parametrize("server", ["postfix", "exim", "aiosmtpd"], indirect=True)
def test_login_only(server, mailmote):
    token = new_token()
    result = delivered(mailmote.send(server.ports["login"], raw_mail(token), *mailmote.login))
    assert "\nS: 235" in result.err and challenges(result) == 2
    no_secret(result, PASSWORD)
    assert server.wait_for_mail(token).content == raw_mail(token)


def test_the_server_knows_us(postfix, mailmote):
    """it takes a mail for a foreign domain, which it refuses to a stranger"""
    result = mailmote.send(postfix, to=(STRANGER,))
    assert (result.status, result.rows[0].code) == (REFUSED, 554)
    delivered(mailmote.send(postfix.ports["submission"], None, *mailmote.login, to=(STRANGER,)))


@every_server
def test_wrong_password(server, mailmote):
    result = mailmote.send(server.ports["submission"], None, *mailmote.login_with("not the password"))
    said_no_mail(deferred(result, "auth|login|password|credential", NO_LOGIN))
    assert result.rows[0].code == 535
    no_secret(result, "not the password")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_password_file(aiosmtpd, mailmote, ending):
    delivered(mailmote.send(aiosmtpd.ports["submission"], None, *mailmote.login_with(PASSWORD + ending)))


def test_token(aiosmtpd, mailmote):
    token = new_token()
    result = mailmote.send(aiosmtpd.ports["token"], raw_mail(token), *mailmote.login_with(TOKEN + "\n", "token"))
    no_secret(delivered(result), TOKEN)
    assert aiosmtpd.wait_for_mail(token).mechanism in ("XOAUTH2", "OAUTHBEARER")


def test_wrong_token(aiosmtpd, mailmote):
    result = mailmote.send(aiosmtpd.ports["token"], None, *mailmote.login_with("expired" * 100, "token"))
    said_no_mail(deferred(result, "login|token|credential", NO_LOGIN))
    assert result.rows[0].code in (501, 535)         # ended by our "*", or by the server


@pytest.mark.parametrize("where, port", [
    ("aiosmtpd", "noauth"), ("aiosmtpd", "cram"), ("aiosmtpd", "token"), ("postfix", "starttls")])
def test_no_login_in_common(farm, mailmote, where, port):
    result = said_no_mail(deferred(mailmote.send(farm[where].ports[port], None, *mailmote.login), "AUTH|login"))
    assert "\nS: 3" not in result.err and "\nS: 5" not in result.err


@pytest.mark.parametrize("where", ["aiosmtpd", "postfix", "exim"])
def test_no_login_in_clear(farm, mailmote, proxy, where):
    """STARTTLS is not offered: nothing but EHLO is said"""
    between = proxy(farm[where].ports["clear"])
    deferred(mailmote.send(between, None, *mailmote.login), "TLS")
    said = b"".join(octets for who, octets in between.join() if who == "C")
    assert said in (b"EHLO client.example.org\r\n", b"EHLO client.example.org\r\nQUIT\r\n")


def test_login_without_trust_means_the_systems_trust(postfix, mailmote):
    """our CA is not one the system knows: whatever the command does, it does not log in"""
    result = said_no_mail(mailmote.send(postfix.ports["submission"], None, *mailmote.login, trust=False))
    assert result.status in (69, 78)                 # 78 where no system CA file is installed
    assert "\nS: 235" not in result.err

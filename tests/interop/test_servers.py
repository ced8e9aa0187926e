# SPDX-License-Identifier: MIT
"""What each real server that can be had takes from the command, octet by octet; `make servers` writes the README's table of it.
A server is asked for what it has."""
import email
import email.policy
import functools
import os
import pathlib
import sys

import pytest

from cell import SIZE_LIMIT
from client import ALICE, BOB, GONE, delivered, failed, new_token, raw_mail, said_no_mail
from test_kept import MAILS, Queue
from test_kept import delivered as all_delivered
from test_text import UTF8, opaque

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import size                                          # noqa: E402

NAMES = {"postfix": "Postfix", "exim": "Exim", "sendmail": "Sendmail", "dovecot": "Dovecot submission", "courier": "Courier",
         "opensmtpd": "OpenSMTPD", "haraka": "Haraka", "qpsmtpd": "qpsmtpd", "smtp-server": "smtp-server of Node", "aiosmtpd": "aiosmtpd",
         "nullmailer": "nullmailer-smtpd", "smtp-sink": "smtp-sink of Postfix"}
# what they do not have
CLEAR = ("opensmtpd", "nullmailer", "smtp-sink")             # neither TLS that works, nor a login
NO_EIGHT_BITS = ("nullmailer",)
NO_SIZE = ("nullmailer", "smtp-sink", "courier")
TAKES_ALL = ("nullmailer", "smtp-sink")
# and what these have
IMPLICIT = ("postfix", "exim", "sendmail", "dovecot", "aiosmtpd", "smtp-server", "haraka")
LOGIN = ("postfix", "exim", "aiosmtpd", "smtp-server")
COLUMNS = ("STARTTLS", "implicit TLS", "AUTH PLAIN", "AUTH LOGIN", "attachment", "dots", "8 bits", "SIZE", "one refused", "20 mails")
proved = set()


def servers(*without, column=None):
    """a test for all servers but these; when it has passed, the column is proved"""
    def wrap(test):
        @functools.wraps(test)
        def run(server, *args, **more):
            test(server, *args, **more)
            proved.add((server.name, column))
        return pytest.mark.parametrize("server", [name for name in NAMES if name not in without], indirect=True)(run)
    return wrap


def words(server, mailmote, port=None):
    """relay and options: STARTTLS verified where there is TLS"""
    port = port or ("clear" if server.name in CLEAR else "starttls")
    return server.ports[port], mailmote.login if server.needs_auth else []


def send(server, mailmote, text, *options, port=None, **more):
    number, login = words(server, mailmote, port)
    return mailmote.send(number, text, *login, *options, trust=server.name not in CLEAR, **more)


def arrived(server, token, text):
    assert server.wait_for_mail(token).content == text


@servers(*CLEAR, column="STARTTLS")
def test_starttls(server, mailmote):
    token = new_token()
    result = delivered(send(server, mailmote, raw_mail(token)))
    assert "STARTTLS" in result.verbs()
    arrived(server, token, raw_mail(token))


@servers(*set(NAMES) - set(IMPLICIT), column="implicit TLS")
def test_implicit(server, mailmote):
    token = new_token()
    delivered(send(server, mailmote, raw_mail(token), "--tls", "implicit", port="implicit"))
    arrived(server, token, raw_mail(token))


@servers(*CLEAR, column="AUTH PLAIN")
def test_auth_plain(server, mailmote):
    token = new_token()
    login = [] if server.needs_auth else mailmote.login
    result = delivered(send(server, mailmote, raw_mail(token), *login, port="submission"))
    assert "\nS: 235" in result.err
    arrived(server, token, raw_mail(token))


@servers(*set(NAMES) - set(LOGIN), column="AUTH LOGIN")
def test_auth_login(server, mailmote):
    token = new_token()
    result = delivered(send(server, mailmote, raw_mail(token), *mailmote.login, port="login"))
    assert "\nS: 235" in result.err and result.err.count("\nS: 334") == 2
    arrived(server, token, raw_mail(token))


@servers(column="attachment")
def test_attachment(server, mailmote, tmp_path):
    token, octets = new_token(), os.urandom(50000)
    (tmp_path / "data.bin").write_bytes(octets)
    delivered(send(server, mailmote, b"see there\n", "--subject", token, "--attach", str(tmp_path / "data.bin"), raw=False))
    mail = email.message_from_bytes(server.wait_for_mail(token).content, policy=email.policy.SMTP)
    text, attachment = mail.iter_parts()
    assert text.get_content() == "see there\r\n" or text.get_content() == "see there\n"
    assert (attachment.get_filename(), attachment.get_content()) == ("data.bin", octets)


@servers(column="dots")
def test_dots(server, mailmote):
    token = new_token()
    text = raw_mail(token, b".\r\n..\r\n...\r\n.x\r\n\r\n.\r\n\r\n" + b".dots.\r\n" * 2000 + b"." * 998 + b"\r\n.\r\n")
    delivered(send(server, mailmote, text))
    arrived(server, token, text)


@servers(*NO_EIGHT_BITS, column="8 bits")
def test_eight_bits(server, mailmote):
    """as they are, in what is no text"""
    token = new_token()
    text = opaque(token, UTF8 * 200)
    delivered(send(server, mailmote, text))
    arrived(server, token, text)


@servers(*set(NAMES) - set(NO_EIGHT_BITS))
def test_eight_bits_refused(server, mailmote):
    """before they are sent, where 8BITMIME is not offered; a text goes as quoted-printable"""
    token = new_token()
    said_no_mail(failed(send(server, mailmote, opaque(token, UTF8)), "8.?bit"))
    delivered(send(server, mailmote, raw_mail(token, UTF8)))
    assert server.wait_for_mail(token).content.isascii()


@servers(*NO_SIZE, column="SIZE")
def test_size(server, mailmote):
    text = raw_mail(new_token(), (b"x" * 78 + b"\r\n") * (SIZE_LIMIT // 80 + 1))
    said_no_mail(failed(send(server, mailmote, text), rf"the mail has \d+ octets, more than the relay takes: {SIZE_LIMIT}$"))


@servers(*TAKES_ALL, column="one refused")
def test_one_refused(server, mailmote):
    token = new_token()
    result = send(server, mailmote, raw_mail(token), to=(ALICE, GONE, BOB))
    assert [(row.verdict, row.code) for row in result.rows] == [("delivered", 250), ("failed", 550), ("delivered", 250)], result.out
    arrived(server, token, raw_mail(token))


@servers(column="20 mails")
def test_twenty_on_a_connection(server, mailmote, tmp_path):
    port, login = words(server, mailmote)
    queue = Queue(mailmote, tmp_path / "spool", MAILS, trust=server.name not in CLEAR, login=login)
    result = all_delivered(queue.flush(port))
    assert result.verbs().count("MAIL") == MAILS and result.verbs().count("QUIT") == 1, result.err
    for token, text in queue.mails.items():
        arrived(server, token, text)


def test_the_readme_shows_it(farm, record_property):
    rows = [("server", "version", *COLUMNS), ("---",) * (len(COLUMNS) + 2)]
    rows += [(known, farm[name].version(), *("yes" if (name, column) in proved else "-" for column in COLUMNS))
             for name, known in NAMES.items()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    record_property("cost", table)
    assert not size.stale("servers", table)

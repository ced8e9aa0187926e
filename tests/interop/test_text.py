# SPDX-License-Identifier: MIT
"""What is written is what arrives, octet by octet: dots, line ends, long lines, 8-bit text, and the mail the command
composes from plain text."""
import email
import email.policy
import re
import time

import pytest

from client import ALICE, BAD_INPUT, BOB, SENDER, delivered, failed, new_token, raw_mail, said_no_mail
from test_delivery import every_server

UTF8 = "Grüße, 世界 – naïve façade €\r\n".encode()
# body given with --raw -> body that arrives (None: the same)
BODIES = {
    "dots": (b".\r\n..\r\n...\r\n.x\r\n \r\n.\r\n", None),
    "dot_at_the_end": (b"text\r\n.", b"text\r\n.\r\n"),
    "from_line": (b"From here\r\n>From there\r\n", None),
    "bare_lf": (b"one\ntwo\n\n.\nthree\n", b"one\r\ntwo\r\n\r\n.\r\nthree\r\n"),
    "bare_cr": (b"one\rtwo\r\r.\rthree\r", b"one\r\ntwo\r\n\r\n.\r\nthree\r\n"),
    "mixed_ends": (b"one\r\ntwo\nthree\rfour\n\rfive\r\r\n.\n\r\n",
                   b"one\r\ntwo\r\nthree\r\nfour\r\n\r\nfive\r\n.\r\n\r\n"),
    "smuggling": (b"x\n.\r\nMAIL FROM:<e@example.org>\r\n\r.\r\nx\r\n.\rx\n.\nend\r\n",
                  b"x\r\n.\r\nMAIL FROM:<e@example.org>\r\n\r\n.\r\nx\r\n.\r\nx\r\n.\r\nend\r\n"),
    "no_final_newline": (b"one\r\ntwo", b"one\r\ntwo\r\n"),
    "blank_lines_at_the_end": (b"one\r\n\r\n\r\n\r\n", None),
    "empty": (b"", None),
    "line_of_998": (b"x" * 998 + b"\r\n" + b"." * 998 + b"\r\n", None),
    "every_octet": (bytes(c for c in range(1, 128) if c not in b"\r\n") + b"\r\n", None),
}


@every_server
@pytest.mark.parametrize("body", BODIES)
def test_raw(server, mailmote, body):
    given, arrives = BODIES[body]
    token = new_token()
    delivered(mailmote.send(server, raw_mail(token, given)))
    assert server.wait_for_mail(token).content == raw_mail(token, given if arrives is None else arrives)


@pytest.mark.parametrize("body", ["dots", "dot_at_the_end", "bare_lf", "bare_cr", "mixed_ends", "smuggling", "empty"])
@pytest.mark.parametrize("port", ["clear_nochunking", "nochunking", "neither"])
def test_raw_with_data(postfix, mailmote, port, body):
    given, arrives = BODIES[body]
    token = new_token()
    delivered(mailmote.send(postfix.ports[port], raw_mail(token, given), trust=not port.startswith("clear")))
    assert postfix.wait_for_mail(token).content == raw_mail(token, given if arrives is None else arrives)


@every_server
def test_dot_is_the_first_octet(server, mailmote):
    token = new_token()
    text = raw_mail(token, top=b".X-Dot: first\r\n")
    delivered(mailmote.send(server, text))
    assert server.wait_for_mail(token).content == text


def opaque(token, body):
    """a mail that is no text: nobody encodes it"""
    return raw_mail(token, body, b"Content-Type: application/x-test\r\n")


@every_server
@pytest.mark.parametrize("body", [UTF8 * 50, bytes(c for c in range(1, 256) if c not in b"\r\n") + b"\r\n"],
                         ids=["utf8", "every_octet"])
def test_8bit_that_is_no_text(server, mailmote, body):
    token = new_token()
    delivered(mailmote.send(server, opaque(token, body)))
    assert server.wait_for_mail(token).content == opaque(token, body)


@every_server
@pytest.mark.parametrize("length", [999, 1000, 2000, 5000])
def test_long_line(server, mailmote, length):
    """is broken with CR LF SP"""
    token = new_token()
    line = bytes(b"0123456789.abcdefghijk"[n % 22] for n in range(length))
    delivered(mailmote.send(server, opaque(token, line + b"\r\nend\r\n")))
    arrived = server.wait_for_mail(token).content
    head = opaque(token, b"")
    assert arrived.startswith(head) and max(map(len, arrived.split(b"\r\n"))) <= 998
    assert arrived[len(head):].replace(b"\r\n ", b"") == line + b"\r\nend\r\n"


def test_nul_is_refused(postfix, mailmote):
    result = mailmote.send(postfix, raw_mail(new_token(), b"a\0b\r\n"))
    assert result.status == BAD_INPUT and not result.said


@pytest.mark.parametrize("where, port", [("postfix", "no8bit"), ("aiosmtpd", "no8bit"), ("aiosmtpd", "clear_no8bit")])
def test_8bit_text_where_8bitmime_is_not_offered(farm, mailmote, where, port):
    """what is no text fails before it is sent; a composed text is 7-bit already"""
    server, trust, token = farm[where], not port.startswith("clear"), new_token()
    said_no_mail(failed(mailmote.send(server.ports[port], opaque(token, UTF8), trust=trust), "8.?bit"))
    delivered(mailmote.send(server.ports[port], token.encode() + UTF8, trust=trust, raw=False))
    assert server.wait_for_mail(token).content.isascii()


def test_8bit_text_is_declared(postfix, mailmote):
    result = delivered(mailmote.send(postfix, opaque(new_token(), UTF8)))
    assert any(re.match(r"MAIL FROM:<.*BODY=8BITMIME", line) for line in result.said)


def test_utf8_address(postfix, mailmote):
    token, address = new_token(), "grüße@example.test"
    result = delivered(mailmote.send(postfix, raw_mail(token), to=(address,)))
    assert any(line.startswith("MAIL FROM:") and "SMTPUTF8" in line for line in result.said)
    postfix.wait_for_mail(token, address)
    said_no_mail(failed(mailmote.send(postfix.ports["no8bit"], to=(address,)), "UTF.?8"))


TEXTS = {
    "plain": "hello\nworld\n",
    "utf8": "Grüße, 世界 – naïve façade €\n" * 20,
    "dots": ".\n..\n.x\n\n.\n",
    "equals_and_blanks": "a=b =3D\ntrailing \nand tab\t\n  indented\n",
    "from_line": "From here\nend\n",
    "crlf": "one\r\ntwo\r\n",
    "long_line": "word " * 400 + "\n" + "é" * 2000 + "\n",
    "lines_longer_than_what_is_composed_at_a_time": "y" * 4095 + "\r\n" + "é" * 5000 + "x" * 9000 + "\nend\n",
    "no_final_newline": "hello",
    "empty": "",
}


@pytest.mark.parametrize("text", TEXTS)
def test_composed(aiosmtpd, mailmote, text):
    token, given = new_token(), TEXTS[text]
    delivered(mailmote.send(aiosmtpd, given.encode(), "--subject", token, raw=False))
    content = aiosmtpd.wait_for_mail(token).content
    lines = content.split(b"\r\n")
    assert content.isascii() and b"\r" not in b"".join(lines) and b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 78 and not any(line.endswith((b" ", b"\t")) for line in lines)
    assert content.endswith(b"\r\n")
    mail = email.message_from_bytes(content, policy=email.policy.SMTP)
    assert mail.get_content_type() == "text/plain" and mail.get_content_charset() == "utf-8" and not mail.defects
    got = mail.get_payload(decode=True).decode()
    assert got.removesuffix("\r\n") == given.replace("\r\n", "\n").replace("\n", "\r\n").removesuffix("\r\n")


FIELDS = ["auto-submitted", "content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version",
          "subject", "to"]


@every_server
def test_composed_header(server, mailmote):
    token = new_token()
    subject = f"{token} – Wärme im Keller: 42 °C, " + "sehr ausführlich, " * 10 + "Ende"
    delivered(mailmote.send(server, (token + " Grüße\n").encode(), "--subject", subject, to=(ALICE, BOB), raw=False))
    content = server.wait_for_mail(token).content
    head = content.partition(b"\r\n\r\n")[0]
    assert head.isascii() and max(map(len, head.split(b"\r\n"))) <= 78
    mail = email.message_from_bytes(content, policy=email.policy.SMTP)
    assert sorted(name.lower() for name in mail.keys()) == FIELDS
    assert mail["Subject"] == subject
    assert [a.addr_spec for a in mail["From"].addresses] == [SENDER]
    assert [a.addr_spec for a in mail["To"].addresses] == [ALICE, BOB]
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 120
    assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", mail["Message-ID"].strip())
    assert mail["MIME-Version"] == "1.0" and mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Transfer-Encoding"] == "quoted-printable"
    assert mail.get_payload(decode=True).decode() == token + " Grüße\r\n"


def test_message_ids_differ(aiosmtpd, mailmote):
    ids = set()
    for _ in range(3):
        token = new_token()
        delivered(mailmote.send(aiosmtpd, token.encode(), raw=False))
        ids.add(email.message_from_bytes(aiosmtpd.wait_for_mail(token).content)["Message-ID"])
    assert len(ids) == 3

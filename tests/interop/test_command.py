# SPDX-License-Identifier: MIT
"""What the command shows when it works: its line for each recipient, the dialogue of -v, the names it gives itself."""
import re

import pytest

from client import ALICE, BOB, delivered, new_token, raw_mail
from relay import COMMAND, Relay, run


@pytest.fixture
def bare(aiosmtpd, mailmote):
    """the command without the options the other tests give it"""
    def send(*options, text):
        relay = f"127.0.0.1:{aiosmtpd.ports['starttls']}"
        result = mailmote.run("send", "-v", "--relay", relay, *options, ALICE, text=text)
        result.asked = (ALICE,)
        return delivered(result)
    return send


def test_output(aiosmtpd, mailmote):
    result = delivered(mailmote.send(aiosmtpd, verbose=False))
    assert re.fullmatch(rb"[^\t\n]+\ta@example.test\tdelivered\t250\t[ -~]+\n", result.out)
    assert result.err == ""


def test_given_twice(aiosmtpd, mailmote):
    """a recipient that is named twice is asked once"""
    result = mailmote.send(aiosmtpd, to=(ALICE, BOB, ALICE))
    result.asked = (ALICE, BOB)
    delivered(result)
    assert [word for word in result.said if word.startswith("RCPT")] == [f"RCPT TO:<{to}>" for to in result.asked]


def test_dialogue(aiosmtpd, mailmote):
    result = delivered(mailmote.send(aiosmtpd))
    assert result.said[0] == "EHLO client.example.org" and "STARTTLS" in result.said and result.said[-1] == "QUIT"
    assert re.search(r"^S: 220 ", result.err, re.M) and re.search(r"^S: 250-", result.err, re.M)


def test_whole_dialogue():
    """each line of both sides in its order, what happens between them, and each relay's mail as its own number of octets"""
    first, second = Relay(replies={"END": "451 4.3.0 later"}), Relay()
    try:
        done = run(COMMAND, "send", "-v", "--from", "s@example.org", "--helo", "client.example.org", "--relay", first.where,
                   "--relay", second.where, ALICE, text=b".line\n" * 3000)
        octets = len(second.mails[0].text) + len(b".\r\n")
        assert done.stderr.splitlines() == [line for relay, end in ((first, "451 4.3.0 later"), (second, "250 taken")) for line in (
            f"* relay {relay.where}", f"* connected to 127.0.0.1 port {relay.port}", "S: 220 relay.test",
            "C: EHLO client.example.org", "S: 250-relay.test", "S: 250 HELP", "C: MAIL FROM:<s@example.org>", "S: 250 ok",
            f"C: RCPT TO:<{ALICE}>", "S: 250 ok", "C: DATA", "S: 354 go", f"C: ({octets} octets of mail)", f"S: {end}", "C: QUIT")]
    finally:
        first.stop()
        second.stop()


def test_helo_is_never_localhost(bare):
    """without --helo: the host's full name, or an address literal"""
    said = bare("--from", "s@example.org", "--raw", text=raw_mail(new_token())).said[0].split(" ")[1]
    assert re.fullmatch(r"\[127\.0\.0\.1\]|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", said) and "localhost" not in said


def test_no_from(bare, aiosmtpd):
    """without --from there still is a sender, and a From: field"""
    token = new_token()
    bare("--helo", "client.example.org", text=token.encode())
    mail = aiosmtpd.wait_for_mail(token)
    assert mail.sender.endswith("@client.example.org")
    assert b"\r\nFrom: " + mail.sender.encode() + b"\r\n" in b"\r\n" + mail.content


def test_null_sender(bare, aiosmtpd):
    token = new_token()
    assert "MAIL FROM:<>" in bare("--helo", "client.example.org", "--from", "<>", "--raw", text=raw_mail(token)).err
    aiosmtpd.wait_for_mail(token)

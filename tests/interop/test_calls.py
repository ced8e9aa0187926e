# SPDX-License-Identifier: MIT
"""What programs hand to sendmail and mail (calls/NAME), and the mail that leaves, octet by octet. A file is a comment, the
words of the call behind a $, what it has on standard input, and behind => the envelope and the mail. At an end of a line ␍ is
a CR, and ␄ the end of the input; what differs from run to run is *."""
import email
import email.policy
import pathlib
import shlex

import pytest

from mta import HOST, Machine, plain

CALLS = sorted((pathlib.Path(__file__).parent / "calls").iterdir())


class Call:
    def __init__(self, path):
        what, words, rest = path.read_text().split("\n", 2)
        assert what[:2] + words[:2] == "# $ "
        self.words = shlex.split(words[2:])
        text, _, rest = rest.partition("\n=> ")
        text = text.partition("␄")[0] if "␄" in text else text + "\n"
        self.text = text.replace("␍\n", "\r\n").encode()
        envelope, _, mail = rest.partition("\n")
        self.sender, *self.to = envelope.split()
        self.mail = mail.replace("\n", "\r\n").encode()


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.name)
def test_call(machine, path):
    call = Call(path)
    mail = machine.sent(*call.words, text=call.text)
    assert (mail.sender or "<>", mail.to) == (call.sender, call.to)
    assert plain(mail.text).decode() == call.mail.decode()
    assert machine.empty()


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.name)
def test_mail_is_whole(path):
    """Python reads it without a defect: each field once, addresses with a domain, ASCII, a text that says what it is"""
    call = Call(path)
    assert call.mail.isascii() and max(map(len, call.mail.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(call.mail.replace(b"Date: *", b"Date: Sat, 28 Nov 2026 03:00:00 +0000"),
                                    policy=email.policy.SMTP)
    assert not any(part.defects for part in mail.walk())
    for name in "From", "To", "Date", "Message-ID", "MIME-Version":
        [value] = mail.get_all(name)
        assert value and not value.defects, name
    assert "Bcc" not in mail
    for name in "From", "To", "Cc":
        for field in mail.get_all(name, []):
            assert all("." in address.domain for address in field.addresses)
    assert call.sender == "<>" or call.sender.endswith((HOST, "@example.test"))

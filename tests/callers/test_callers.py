# SPDX-License-Identifier: MIT
"""Each caller runs where sendmail and mail are mailmote, and its mail arrives: what it handed over is what is read, and nothing
was said to it."""
import email
import email.policy
import re
import shutil
import time

import pytest

from callers import CALLERS, HOST
from cell import PASSWORD, USER, why_not
from clock import LIMIT_S

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
BOUND = """
    left=600
    while { %s; } && [ $((left -= 1)) -gt 0 ]; do sleep 0.1; done
    [ "$left" -gt 0 ] || { echo "waited in vain: %s"; ls -l /calls/*; mailmote.real queue; exit 1; }
"""
SCRIPT = """
    cd /root
    to=%s
    %s
"""


class Call:
    """as the recorder has it"""

    def __init__(self, folder):
        self.argv = (folder / "argv").read_text().split("\0")
        self.printed, self.status, self.uid = (folder / "printed").read_text(), int((folder / "status").read_text()), folder.stat().st_uid
        self.stdin = (folder / "stdin").read_bytes()
        self.is_mail = self.argv[0].endswith("sendmail")

    def leaves(self):
        return leaves(self.stdin) if self.is_mail else [lines(self.stdin)]


def lines(octets):
    octets = octets.replace(b"\r\n", b"\n")
    return octets if octets.endswith(b"\n") else octets + b"\n"


def leaves(mail):
    """the octets of each part, whatever they were sent as"""
    return [lines(part.get_payload(decode=True)) for part in email.message_from_bytes(mail).walk() if not part.is_multipart()]


def configure(world, postfix, box):
    world.path("etc").mkdir(exist_ok=True)
    shutil.copy(postfix.pki.ca, world.path("etc/ca.pem"))
    world.path("etc/mailmote.conf").write_text(
        f"relay localhost:{postfix.ports['submission']} user={USER} password-file=/etc/mailmote.password trust=/etc/ca.pem\n"
        f"alias root: {box}\nalias logcheck: root\n")
    password = world.path("etc/mailmote.password")
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)


def run(world, caller, box):
    """until all it handed over has left, and the calls are recorded"""
    count = len(caller.subjects)
    called = f'[ "$(ls /calls/*/status 2>/dev/null | wc -l)" -lt {count} ]'
    flush = "mailmote.real flush >/flushed" if caller.uid else ":"
    waits = '[ -n "$(mailmote.real queue)" ]'
    said = world("sh", "-ec", SCRIPT % (box, caller.script) + BOUND % (called, "a call") + flush + BOUND % (waits, "the spool"))
    assert said == ""
    return [Call(folder) for folder in sorted(world.path("calls").iterdir(), key=lambda folder: (folder / "status").stat().st_mtime_ns)]


def arrived(postfix, box, boxes, count):
    """each mail that came for it, with the copies of it that came for others, once there are so many in all"""
    end = time.monotonic() + LIMIT_S
    while sum(mail.recipients[0] in boxes for mail in postfix.mailbox.mails()) < count and time.monotonic() < end:
        time.sleep(0.02)
    everything = [(mail, email.message_from_bytes(mail.content, policy=email.policy.SMTP)) for mail in postfix.mailbox.mails()]
    mine = [(mail, read) for mail, read in everything if mail.recipients == [box]]
    return [(mail, read, [other for other, copy in everything if copy["Message-ID"] == read["Message-ID"]]) for mail, read in mine]


def full(addresses, box):
    return [word.replace("$to", box) if "$" in word else f"{word}@{HOST}" for word in addresses]


def check_header(caller, read, box):
    assert not any(part.defects for part in read.walk())
    for name in "From", "To", "Subject", "Date", "Message-ID", "MIME-Version":
        [value] = read.get_all(name)
        assert value and not value.defects, name
    assert str(read["From"]) == caller.author
    assert [str(address.addr_spec) for address in read["To"].addresses] == full(caller.to, box)
    assert "Bcc" not in read and ("X-Mailmote-Uid" in read) == bool(caller.uid)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_caller(world, postfix, version, caller, record_property):
    box = f"{caller.name}@example.test"
    configure(world, postfix, box)
    calls = run(world, caller, box)
    assert [(call.status, call.printed) for call in calls] == [(0, "")] * len(caller.subjects)
    assert all((call.uid != 0) == bool(caller.uid) for call in calls)
    boxes = [front + box for front in caller.boxes]
    mails = arrived(postfix, box, boxes, len(calls) * len(boxes))
    assert len(mails) == len(calls)
    for subject, call in zip(caller.subjects, calls):
        [(mail, read, copies)] = [each for each in mails if re.fullmatch(subject, each[1]["Subject"])]
        assert sorted(copy.recipients[0] for copy in copies) == sorted(boxes)
        assert {copy.sender for copy in copies} == {caller.sender} and {copy.content for copy in copies} == {mail.content}
        check_header(caller, read, box)
        assert leaves(mail.content) == call.leaves()
        assert caller.text.encode() in leaves(mail.content)[0]
    came = f"{len(mails)} to {len(caller.boxes)}, from {caller.sender}"
    record_property("row", f"{caller.name:20} {version(caller.packages.split()[0]):22} {caller.how:32} {came:38} {' '.join(calls[-1].argv)}")

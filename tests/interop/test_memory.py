# SPDX-License-Identifier: MIT
"""Each allocation fails in turn, in libc as well: a command does all of what it does with memory, or says what it has not done, and
why. Whatever the spool has is then as sound as before."""
import dataclasses
import re
import shutil

import pytest

from pretend import refuse
from relay import COMMAND, DEFERRED, OK, Relay, Spool, make_context, run

A, B, SENDER, MOST = "a@example.test", "b@example.test", "s@example.org", 3000
CONFIGURATION = """
defaults
domain example.org
user u
passwordeval echo secret
tls_trust_file {trust}
alias root: {a}, second@example.test
aliases {aliases}
account one
host 127.0.0.1
port {port}
from %U@%H.example.org
tls_host_override relay.test
account two : one
account default : two
"""
MIME = """From: root (Größe)
To: group: a@example.test, "B \\"b\\"" <b@example.test>;, root
Resent-To: c@example.test
Resent-From: s@example.org
Subject: Grüße
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

Grüße
"""


@dataclasses.dataclass
class Scene:
    words: str                                           # {trust} and so on are files, {where} is the relay
    text: str = "hello\n"
    status: int = OK
    spool: str = ""                                      # what is in it before: "mails", "damaged"
    replies: dict = dataclasses.field(default_factory=dict)
    copies: int | None = None                            # of the mail, where the status is 0


FROM = f"--from {SENDER} --helo client.example.org"
TLS = "--tls-name relay.test --trust {trust} --relay {where}"
COMPOSED = ("--subject Grüße --name Jörg --reply-to r@example.test --cc c@example.test --bcc d@example.test --priority high "
            "--attach {aliases} --attach {trust}:text/plain --html {html}")
SCENES = {
    "a mail": Scene(f"send {FROM} --relay {{where}} {A} {B}", copies=1),
    "composed": Scene(f"send {FROM} {COMPOSED} --relay {{where}} {A}", copies=1),
    "raw": Scene(f"send {FROM} --raw --relay {{where}} {A}", MIME, copies=1),
    "with a login": Scene(f"send -v {FROM} {TLS} --user u --password-file {{secret}} {A}", copies=1),
    "two relays": Scene(f"send {FROM} --relay {{where}} --relay {{where}} {A} {B}", status=DEFERRED, replies={A: "450 later"}),
    "configured": Scene("send -C {configuration} -a one root", copies=1),
    "kept": Scene(f"send --spool {{spool}} {FROM} --relay {{where}} {A} {B}", copies=1),
    "kept, two relays": Scene(f"send --spool {{spool}} {FROM} --relay {{where}} --relay {{where}} {A} {B}", status=DEFERRED,
                              replies={A: "450 later"}),
    "sendmail": Scene("sendmail -C {machine} -t -i", MIME),
    "sendmail, shares": Scene("sendmail -C {machine} -i " + " ".join(f"{n}@example.test" for n in range(40))),
    "mail": Scene(f"mail -C {{machine}} -s Grüße -c c@example.test -a X-Loop:ü -A {{aliases}} {A}"),
    "newaliases": Scene("newaliases -C {machine}"),
    "flush": Scene("flush --now -v --spool {spool} --relay {where}", spool="mails"),
    "flush, refused": Scene("flush --now --spool {spool} --relay {where}", spool="mails", status=69, replies={B: "550 no"}),
    "flush, damaged": Scene("flush --now --spool {spool} --relay {where}", spool="damaged", status=65),
    "queue": Scene("queue --spool {spool}", spool="damaged"),
    "mailq": Scene("mailq -C {machine}", spool="mails"),
    "trust": Scene("trust {trust} {trust}"),
    "trust, pins": Scene("trust --pin {trust}"),
    "trust, probed": Scene("trust --probe --pin {where}"),
    "probe": Scene("probe --trust {trust} --tls-name relay.test {where}"),
    "probe, JSON": Scene("probe --json {where}", status=1),
}


class Place:
    """files, a spool as each run finds it, and a relay"""

    def __init__(self, path):
        self.path, self.spool, self.template = path, Spool(path / "spool"), path / "template"
        self.relay = Relay(make_context(path), "good")
        self.names = {"where": self.relay.where, "spool": self.spool.path, "trust": path / "certificate.pem", "port": self.relay.port,
                      "a": A, "relay": self.relay.where}
        for name, text in {"secret": "secret\n", "html": "<b>x</b>\n", "aliases": f"root: {A}, b\n# x\nb: :include:/no\n",
                           "configuration": CONFIGURATION,
                           "machine": "relay {relay}\nspool {spool}\ndomain example.org\naliases {aliases}\nfrom " + SENDER + "\n"}.items():
            self.names[name] = path / name
            self.names[name].write_text(text.format(**self.names) if "{" in text else text)
            self.names[name].chmod(0o600)

    def fill(self, what):
        """the template of the spool"""
        self.relay.replies = {"MAIL": "450 later"}
        for to in ((A, B), (B,)) if what else ():
            self.spool.send(self.relay, to=to)
        if what == "damaged":
            self.spool.files()[0].path.write_bytes(b"x" * 2000)
        if what:
            self.spool.path.rename(self.template)

    def run(self, scene, number):
        shutil.rmtree(self.spool.path, ignore_errors=True)
        if self.template.exists():
            shutil.copytree(self.template, self.spool.path)
        self.relay.mails.clear()
        mark = self.path / "refused"
        mark.unlink(missing_ok=True)
        done = run(COMMAND, *(word.format(**self.names) for word in scene.words.split(" ")), text=scene.text.encode(),
                   wrap=refuse(number, mark), env={"LOGNAME": "root"})
        return done, mark.exists(), len(self.relay.mails)


def plain(text):
    """but for what no two runs have in common"""
    return re.sub(rb"\b[0-9a-f]{16}\b|\b\d+\t", b"*", text)


@pytest.mark.parametrize("name", SCENES)
def test_each_allocation_fails(tmp_path, name):
    scene, place = SCENES[name], Place(tmp_path)
    place.fill(scene.spool)
    place.relay.replies = scene.replies
    whole, _, mails = place.run(scene, 0)
    assert whole.returncode == scene.status and scene.copies in (None, mails), whole.stderr
    for number in range(1, MOST):
        done, refused, copies = place.run(scene, number)
        if not refused:
            break
        same = (done.returncode, plain(done.stdout)) == (whole.returncode, plain(whole.stdout))
        said = re.search("memory", done.stderr + done.stdout.decode(errors="replace"))
        assert done.returncode >= 0 and (same or (done.returncode != OK and said)), (number, done)
        assert done.returncode != OK or scene.copies in (None, copies), (number, done)
    place.relay.stop()
    assert not refused and number > 2

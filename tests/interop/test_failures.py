# SPDX-License-Identifier: MIT
"""Each allocation of a command fails in turn, in libc as well, and each of its system calls: it does all of what it does when
nothing fails, or says what it has not done. What then becomes of mails, `make faults` looks at."""
import concurrent.futures
import dataclasses
import os
import re
import shutil

import pytest

import faults
from pretend import apart_from_now, refusing
from relay import COMMAND, DEFERRED, OK, Relay, Spool, make_context, run

A, B, SENDER, MOST = "a@example.test", "b@example.test", "s@example.org", 3000
FEW, STEP = (4, 3) if os.environ.get("SHORT") else (12, 1)   # calls of a scene; behind the first, each allocation or each third
OTHER, seen = 65534, set()
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
    spool: str = ""                                      # what is in it before: see Place.fill()
    replies: dict = dataclasses.field(default_factory=dict)
    copies: int | None = None                            # of the mail, where the status is 0
    asks: bool = False                                   # it asks a relay; a conversation without memory says no to what was asked


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
    "kept, nobody": Scene(f"send --spool {{spool}} {FROM} --relay 127.0.0.1:1 {A}", status=DEFERRED),
    "kept, misconfigured": Scene(f"send --spool {{spool}} -C {{misconfigured}} {A}", status=DEFERRED),
    "sendmail": Scene("sendmail -C {machine} -t -i", MIME),
    "sendmail, shares": Scene("sendmail -C {machine} -i " + " ".join(f"{n}@example.test" for n in range(40))),
    "mail": Scene(f"mail -s Grüße -c c@example.test -a X-Loop:\tü -A {{aliases}} {A}"),
    "mail, a text": Scene(f"mail -s Grüße -c c@example.test -a X-Loop:\tü {A}"),
    "newaliases": Scene("newaliases -C {machine}"),
    "flush": Scene("flush --now -v --spool {spool} --relay {where}", spool="mails"),
    "flush, refused": Scene("flush --now --spool {spool} --relay {where}", spool="mails", status=69, replies={B: "550 no"}),
    "flush, damaged": Scene("flush --now --spool {spool} --relay {where}", spool="mails, damaged", status=65),
    "flush, names": Scene("flush --now -C {machine}", spool="names", copies=1),
    "flush, dropped": Scene("flush --now -C {machine}", spool="taken, names, dropped", copies=2),
    "flush, dropped and damaged": Scene("flush --now -C {machine}", spool="mails, damaged, dropped", status=65),
    "queue": Scene("queue --spool {spool}", spool="mails, damaged"),
    "queue, one": Scene("queue --spool {spool} --show {id}", spool="mails"),
    "queue, one less": Scene("queue --spool {spool} --delete {id}", spool="mails"),
    "mailq": Scene("mailq -C {machine}", spool="mails"),
    "trust": Scene("trust {trust} {trust}"),
    "trust, pins": Scene("trust --pin {trust}"),
    "trust, probed": Scene("trust --probe --trust {trust} --tls-name relay.test {where}", asks=True),
    "probe": Scene("probe --trust {trust} --tls-name relay.test {where}", asks=True),
    "probe, JSON": Scene("probe --json {where}", status=1, asks=True),
}


class Place:
    """files, a spool as each run finds it, and a relay"""

    def __init__(self, path):
        self.path, self.spool, self.template = path, Spool(path / "spool"), path / "template"
        self.relay = Relay(make_context(path), "good")
        (path / "default").mkdir()                       # where a mail is kept whose configuration is not read
        begin = (apart_from_now, (path / "default",)) if os.geteuid() == 0 else ()
        self.thread = concurrent.futures.ThreadPoolExecutor(1, "apart", *begin)
        self.names = {"where": self.relay.where, "spool": self.spool.path, "trust": path / "certificate.pem", "port": self.relay.port,
                      "a": A, "relay": self.relay.where}
        for name, text in {"secret": "secret\n", "html": "<b>x</b>\n", "aliases": f"root: {A}, b\n# x\nb: c@example.test\n",
                           "configuration": CONFIGURATION,
                           "misconfigured": "account one\nhost 127.0.0.1\nport {port}\nbogus 1\naccount default : one\n",
                           "bare": "spool {spool}\n",
                           "machine": "relay {relay}\nspool {spool}\ndomain example.org\naliases {aliases}\nfrom " + SENDER + "\n"}.items():
            self.names[name] = path / name
            self.names[name].write_text(text.format(**self.names) if "{" in text else text)
            self.names[name].chmod(0o600)

    def fill(self, what):
        """the template of the spool, with: a copy of what was dropped, which is half of its way ("taken"); "mails", one of them
        "damaged"; one whose "names" are not known yet; all of them but the copy "dropped" by another user"""
        self.relay.replies = {"MAIL": "450 later"}
        for to in ((B,),) * ("taken" in what) + ((A, B), (B,)) * ("mails" in what):
            self.spool.send(self.relay, to=to)
        if "taken" in what:
            self.files()[0].rename(self.files()[0].with_suffix(".taken"))
        if "names" in what:
            run(COMMAND, "sendmail", "-C", self.names["bare"], "-t", "-i", text=MIME.encode(), env={"LOGNAME": "root"})
        if "damaged" in what:
            self.files()[0].write_bytes(b"x" * 2000)
        if what:
            self.names["id"] = self.files()[0].stem
        if "dropped" in what:
            self.spool.drop.mkdir()
            self.spool.drop.chmod(0o1733)
            for file in self.files():
                os.chown(file.rename(self.spool.drop / file.name), OTHER, OTHER)
        if what:
            self.spool.path.rename(self.template)

    def files(self):
        return sorted(self.spool.path.glob("*.mail"))

    def run(self, scene, wrap=(), **environment):
        """and how many mails the relay took"""
        shutil.rmtree(self.spool.path, ignore_errors=True)
        if self.template.exists():
            shutil.copytree(self.template, self.spool.path, copy_function=copy)
        self.relay.mails.clear()
        done = self.thread.submit(
            run, COMMAND, *(word.format(**self.names) for word in scene.words.split(" ")), text=scene.text.encode(), decode=False,
            wrap=wrap, env={"LOGNAME": "root", "MAILMOTE_CONF": str(self.names["machine"]), **environment}).result()
        return done, len(self.relay.mails)

    def close(self):
        self.thread.shutdown()
        self.relay.stop()


def copy(file, to):
    """with its owner, which copytree() leaves out"""
    shutil.copy2(file, to)
    of = os.stat(file)
    os.chown(to, of.st_uid, of.st_gid)


def plain(text):
    """the lines, but for what no two runs have in common, a reply's words, and the order of mails, which is that of their times"""
    return sorted(re.sub(rb"\b[0-9a-f]{16}\b|\b\d+\t|(taken|accepted)$", b"*", text, flags=re.M).splitlines())


@pytest.fixture
def place(tmp_path, request):
    place = Place(tmp_path)
    scene = SCENES[request.node.callspec.params["name"]]
    if "dropped" in scene.spool and os.geteuid() != 0:
        pytest.skip("only root can be several users")
    place.fill(scene.spool)
    place.relay.replies = scene.replies
    yield place
    place.close()


def check(scene, whole, done, copies, words):
    """what is said has one of these words"""
    same = (done.returncode, plain(done.stdout)) == (whole.returncode, plain(whole.stdout))
    said = re.search(words, done.stderr + done.stdout.decode(errors="replace"))
    unwritten = "standard output cannot be written" in done.stderr
    assert done.returncode >= 0 and (same or unwritten or scene.asks or (done.returncode != OK and said)), done
    assert done.returncode != OK or scene.copies in (None, copies), done


@pytest.mark.parametrize("name", SCENES)
def test_each_allocation_fails(place, tmp_path, name):
    scene, mark = SCENES[name], tmp_path / "refused"
    whole, mails = place.run(scene, **refusing(0, mark))
    assert whole.returncode == scene.status and scene.copies in (None, mails), whole.stderr
    for number in (*range(1, 20), *range(20, MOST, STEP)):
        done, copies = place.run(scene, **refusing(number, mark))
        if not mark.exists():
            break
        mark.unlink()
        check(scene, whole, done, copies, "memory|passwordeval has failed")     # whose own process had none
    else:
        pytest.fail(f"more than {MOST} allocations")
    assert number > 2


def strace(trace, *more):
    return ["strace", "-f", "-qq", "-s", "4096", "-o", trace, *more]


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("name", SCENES)
def test_each_call_fails(place, tmp_path, name):
    """all of them with FAULTS=all"""
    scene, trace = SCENES[name], tmp_path / "trace"
    whole, _ = place.run(scene, strace(trace))
    once = [fault for fault in faults.faults_of(faults.calls_of(trace.read_text(errors="replace").splitlines()))
            if ":error=" in fault and not fault.endswith(faults.ENDLESS)]
    once = once if os.environ.get("FAULTS") == "all" else faults.sample(once, FEW, seen)
    assert len(once) >= FEW
    for fault in once:
        call = fault.partition(":")[0]                   # the others need not stop for strace
        done, copies = place.run(scene, strace(trace, "--seccomp-bpf", "-e", f"trace={call}", "-e", f"inject={fault}"))
        check(scene, whole, done, copies, ".")

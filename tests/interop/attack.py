# SPDX-License-Identifier: MIT
"""Attacks: one mail, a relay that does what no relay should, and what must come of it. Each is played with the relay's octets
as they come, one at a time, and split at random; what is read is cut by `pretend`, so that the splits are exact and need no
waiting, and inside TLS the records are cut the same way. The command has a few MB and a second or two of its own to live with, and
a clock that moves while it waits for what does not come (clock.py).

After the attack the relay is good: what was deferred is delivered then, once, as it was given; the rest is gone."""
import concurrent.futures
import dataclasses
import os
import random
import re
import subprocess
import tempfile
import unicodedata
import zlib

from client import COMMAND, DEFERRED, FAILED, OK, REFUSED
from clock import LIMIT_S, Clock
from pretend import INHERITED, environment
from relay import Spool
from scripted import Relay

MEMORY_KB, CPU_S, SIDE_BY_SIDE = 16 << 10, 4, 12
PIECES = ("whole", "one by one", "at random")
ALL = os.environ.get("ATTACKS") == "all"             # else each attack is played in one of the three ways, in turn
DONE = {"delivered": (OK,), "failed": (FAILED, REFUSED), "deferred": (DEFERRED,)}
TEXT = "Subject: attacked\r\n\r\n.one\r\n..two\r\nthree\r\n"


@dataclasses.dataclass
class Attack:
    """`script` is relay a's, or a list of those of relays a, b, ...; `seen` are their dialogues in the order of the connections, or a
    frozenset where there is more than one way; `verdict` is that of each recipient, or one for all: "in doubt" is deferred, and
    may have arrived; `reason` is a regular expression for what is told; `trust` names options of the relays (Stage)."""
    script: object
    seen: object
    verdict: object
    reason: str = ""
    code: object = None
    trust: str = "none"
    to: tuple = ("r",)
    text: str = TEXT
    good: object = dataclasses.field(default_factory=dict)


def played(attacks):
    """the names of attacks, each with how its octets come"""
    return [(name, pieces) for i, name in enumerate(attacks) for at, pieces in enumerate(PIECES) if ALL or (i + at) % 3 == 0]


def cutter(pieces, seed):
    """how a text becomes records"""
    if pieces == "whole":
        return lambda text: [text]
    drawn, most = random.Random(seed), 1 if pieces == "one by one" else 40

    def cut(text):
        while text:
            size = drawn.randint(1, most)
            yield text[:size]
            text = text[size:]
    return cut


def printable(text):
    return not [c for c in text.replace("\t", "").replace("\n", "") if unicodedata.category(c)[0] == "C"]


class Stage:
    """Where attacks are played, those of all selected tests side by side: the kinds of trust, by name, and a place for spools. A
    module has its attacks in ATTACKS; a test has the parameters `name` and `pieces`."""

    def __init__(self, contexts, directory, login, items=()):
        self.contexts, self.directory, pki = contexts, directory, contexts.pki
        trust = ["--trust", pki.ca, "--tls-name", "localhost"]
        self.trust = {"none": [], "trust": trust, "login": [*trust, *login], "pin": ["--pin", pki.pin("ecdsa")],
                      "implicit": ["--tls", "implicit"], "implicit trust": ["--tls", "implicit", *trust],
                      "implicit login": ["--tls", "implicit", *trust, *login]}

        self.items, self.plays, self.pool = items, {}, concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE)

    def begin(self, module):
        """plays what is selected of a module's attacks, from the first of its tests on"""
        if module not in self.plays:
            selected = [item.callspec.params for item in self.items if item.module is module and hasattr(item, "callspec")]
            self.plays[module] = {(each["name"], each["pieces"]): self.pool.submit(self.play, module.ATTACKS[each["name"]], each["pieces"])
                                  for each in selected if "pieces" in each}
        return self.plays[module]

    def stop(self):
        self.pool.shutdown(cancel_futures=True)

    def play(self, attack, pieces):
        seed = zlib.crc32(repr((attack.seen, attack.reason, attack.text)).encode()) % 65536 + 1
        log = []
        scripts = attack.script if isinstance(attack.script, list) else [attack.script]
        clock = Clock(self.directory)
        relays = [Relay(self.contexts, name, log, clock) for name, _ in zip("abcdefgh", scripts)]
        try:
            for relay, script in zip(relays, scripts):
                relay.cut = cutter(pieces, seed)
                relay.play(script)
            Play(self, attack, pieces, seed, relays, log, clock).act()
        finally:
            for relay in relays:
                relay.stop()


class Play:
    """one attack, once"""

    def __init__(self, stage, attack, pieces, seed, relays, log, clock):
        self.attack, self.relays, self.log = attack, relays, log
        self.spool = Spool(tempfile.mkdtemp(prefix="spool-", dir=stage.directory))
        self.addresses = [f"{name}@example.test" for name in attack.to]
        self.system = clock.settings
        self.recv = {"whole": {}, "one by one": {"RECV": 1}, "at random": {"RECV": -seed}}[pieces]
        self.words = ["--spool", str(self.spool.path), "--helo", "client.example.org"]
        for relay in relays:
            self.words += ["--relay", f"127.0.0.1:{relay.port}", *stage.trust[attack.trust]]
        verdict = attack.verdict
        self.verdicts = verdict if isinstance(verdict, dict) else dict.fromkeys(attack.to, verdict)
        lines = {frozenset: attack.seen, list: [attack.seen], str: [attack.seen]}[type(attack.seen)]
        self.seen, self.said = [[line] if isinstance(line, str) else line for line in lines], None

    def run(self, word, *args, text=b"", **more):
        done = subprocess.run([COMMAND, word, *self.words, *args], input=text, capture_output=True, timeout=LIMIT_S,
                              env={**INHERITED, **environment(**self.system, **more)})
        for relay in self.relays:
            relay.settle()
        out, err = done.stdout.decode(), done.stderr.decode()
        self.said = (done.returncode, out, err, self.dialogues())
        assert printable(out + err), self.said
        return done.returncode, [line.split("\t") for line in out.splitlines()], err

    def dialogues(self):
        return [f"{name}: {talk.dialogue()}".strip() for name, talk in self.log]

    def act(self):
        attack = self.attack
        status, rows, err = self.run("send", "--raw", "--from", "s@example.org", *self.addresses,
                                     text=attack.text.encode("latin-1"), CPU_S=CPU_S, MEMORY_KB=MEMORY_KB, **self.recv)
        told = {verdict.replace("in doubt", "deferred") for verdict in self.verdicts.values()}
        worst = next(verdict for verdict in ("failed", "deferred", "delivered") if verdict in told)
        assert status in DONE[worst], self.said
        assert len(rows) == len(self.verdicts), self.said
        for row, (name, verdict) in zip(rows, self.verdicts.items()):
            self.check_row(row, name, verdict)
        assert self.dialogues() in self.seen, self.said
        assert len(err.splitlines()) <= 1, self.said
        if "trust" in attack.trust or "login" in attack.trust or attack.trust == "pin":
            self.check_clear()
        self.check_spool()

    def check_row(self, row, name, verdict):
        _, address, said, code, text = row
        assert (address.partition("@")[0], said) == (name, verdict.replace("in doubt", "deferred")), self.said
        assert ("may have arrived" in text) == (verdict == "in doubt"), self.said
        assert re.search(self.attack.reason, text), self.said
        if self.attack.code is not None:
            assert code == str(self.attack.code), self.said

    def check_clear(self):
        """nothing of a login or a mail left outside TLS"""
        for relay in self.relays:
            assert not re.search(rb"AUTH|MAIL|RCPT|attacked", relay.clear), relay.clear

    def check_spool(self):
        """what is to be tried again is kept, as it was"""
        kept = [name for name, verdict in self.verdicts.items() if verdict in ("deferred", "in doubt")]
        if not kept:
            assert self.run("flush", "--now")[1] == [], self.said
            return
        file = self.spool.file()
        assert file.attempts == 1 and not file.begun, self.said
        for relay in self.relays:
            relay.mails.clear()
            relay.cut = cutter("whole", 0)
            relay.play(self.attack.good)
        status, rows, _ = self.run("flush", "--now")
        assert [row[1].partition("@")[0] for row in rows] == kept and {row[2] for row in rows} == {"delivered"}, self.said
        [(_, text)] = [mail for relay in self.relays for mail in relay.mails]
        assert text.decode("latin-1").endswith(self.attack.text.replace("\r\n.", "\r\n..").partition("\r\n\r\n")[2]), text
        if not [verdict for verdict in self.verdicts.values() if verdict == "failed"]:
            assert status == OK and not self.spool.files(), self.said

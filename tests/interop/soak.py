#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A year of a spool: `send` and `flush` as cron would call them, on a clock of their own, with two relays that go through
foul spells, a network that is missing, reboots, sleeps, and SIGKILL. Some mails are dropped by a user, of others the names are completed
when they are tried. A ledger knows what was accepted and what the relays
took; judge() says what must be true at the end.

    make soak                          a year
    soak.py --days 30 --seed 7         another one"""
import argparse
import collections
import contextlib
import dataclasses
import errno
import fcntl
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from pretend import library, pretend
from relay import COMMAND, File, Relay, Spool, as_user, make_context

DAY, HOUR, MINUTE, EXPIRES_S, KILLED = 86400, 3600, 60, 5 * 86400, -9
PEOPLE = ["a@example.test", "b@example.test", "c@example.test"]
KEPT = pathlib.Path(os.environ["MAILMOTE_BUILD"]) / "soak"
SENDER, RUN_S, KILLED_SHARE = "s@example.org", 60, 0.55  # are to be: a fifth is, as others have ended by then
GOOD = {}
SPELLS = [  # how often, what the relay replies, and how it is otherwise
    (8, GOOD, {}), (2, {"END": "450 later"}, {}), (1, {"END": "554 no"}, {}), (2, {"MAIL": "451 later"}, {}),
    (2, {PEOPLE[0]: "450 later", PEOPLE[1]: "450 later"}, {}), (1, {PEOPLE[1]: "550 no such user"}, {}),
    (2, GOOD, {"greeting": "421 too busy"}), (1, GOOD, {"greeting": "554 not you"}), (2, GOOD, {"cut_at_end": True}),
    (2, GOOD, {"starttls": "broken"}), (1, GOOD, {"starttls": "good"}), (1, {SENDER: "550 nobody"}, {}),
]
USUAL = {"greeting": "220 relay.test", "cut_at_end": False, "starttls": None}


@dataclasses.dataclass
class Mail:
    to: list
    posted_s: int
    accepted: bool = False
    id: str = ""
    failed: dict = dataclasses.field(default_factory=dict)     # whom, and when it was told
    due: set = dataclasses.field(default_factory=set)          # whose failure flush found: of each there is a notice
    background: bool = False                                    # as of those that nobody waits for
    kills: int = 0
    how: str = ""


class Year:
    def __init__(self, directory, seed):
        self.chance = random.Random(seed)
        self.spool = Spool(directory / "spool")
        self.spool.share()
        for path in (directory, library().parent):              # into which a user has to see
            path.chmod(0o755)
        self.users_command = shutil.copy(COMMAND, directory)
        self.named, self.unnamed = directory / "named", directory / "unnamed"
        self.named.write_text(f"from {SENDER}\nalias root: {PEOPLE[0]}\n")
        self.unnamed.write_text(f"spool {self.spool.path}\n")
        self.failed = {}                                        # files of mails that failed, of which only the newest stay
        self.boot_id = directory / "boot_id"
        tls = make_context(directory)
        self.relays = [Relay(tls), Relay(tls)]
        self.now_s, self.booted_s, self.boots = 0, 0, 0
        self.base_s = time.time()
        self.network, self.killing, self.mails, self.runs, self.wrong = True, True, {}, collections.Counter(), []
        self.reboot(0)

    # ---- What happens --------------------------------------------------------------------------------------------

    def reboot(self, off_s):
        """the time it was off passes, and the device does not know"""
        self.boots += 1
        self.now_s += off_s
        self.booted_s = self.now_s
        self.boot_id.write_text("%032x" % (self.boots + self.chance.getrandbits(64) * 65536))

    def weather(self, relay):
        _, replies, other = self.chance.choices(SPELLS, [spell[0] for spell in SPELLS])[0]
        relay.replies = replies
        for name, value in {**USUAL, **other}.items():
            setattr(relay, name, value)

    def asking(self, word, *words, text=b""):
        """one that asks the relays"""
        where = [word for relay in self.relays for word in ("--relay", relay.where)]
        return self.run(COMMAND, word, "--spool", self.spool.path, "--helo", "client.example.org", *where, *words, text=text)

    def flush(self, *words):
        return self.asking("flush", "-C", self.named, *words)

    def run(self, *command, text=b"", wrap=()):
        """it, perhaps not to its end"""
        self.now_s += 1
        up_s = self.now_s - self.booted_s
        settings = {"BOOTTIME": "+%d" % (up_s - int(time.clock_gettime(time.CLOCK_BOOTTIME))), "BOOT_ID": self.boot_id,
                    "REALTIME": "+%d" % (self.base_s + self.now_s - time.time())}
        if not self.network:
            settings["CONNECT"] = self.chance.choice([errno.ENETUNREACH, errno.ECONNREFUSED, errno.ETIMEDOUT])
        pipe = subprocess.PIPE
        with subprocess.Popen([*wrap, *pretend(**settings), *command], stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": os.environ["PATH"], "MAILMOTE_CONF": ""}) as process:
            ending = self.killing and self.chance.random() < KILLED_SHARE
            try:
                out, err = process.communicate(text, self.chance.uniform(0, 0.03) if ending else RUN_S)
            except subprocess.TimeoutExpired:
                self.wrong += [] if ending else [f"hung: {command[1]}"]
                process.kill()
                out, err = process.communicate(timeout=RUN_S)
        self.look()
        if process.returncode == KILLED:
            at_work = {path.name[:16] for path in self.waiting()}
            for mail in self.mails.values():
                mail.kills += not mail.id or mail.id in at_work
        elif process.returncode not in (0, 67, 69, 75):
            self.wrong.append(f"status {process.returncode}: {command[1]}: {err.decode()}")
        self.runs["killed" if process.returncode == KILLED else command[1]] += 1
        self.note_failed()
        rows = [line.split("\t") for line in out.decode().splitlines() if line.count("\t") == 4]
        for id_, address, verdict, code, text in rows:
            self.told(id_, address, verdict, code, text, command[1])
        return process.returncode, rows

    def note_failed(self):
        for path in self.spool.path.glob("*.failed"):
            if path.name not in self.failed:
                self.failed[path.name] = File(path)

    def told(self, id_, address, verdict, code, text, by):
        mail = next((mail for mail in self.mails.values() if mail.id == id_), None)
        if mail is None:
            mail = next((mail for mail in self.mails.values() if by == "send" and mail.posted_s == self.posting_s), None)
        if mail is not None:
            mail.id, mail.accepted = id_, True
            if verdict == "failed":
                mail.failed.setdefault(address, self.now_s)
                if by == "flush":
                    mail.due.add(address)
                if not code.startswith("5") and "before it told why" not in text and self.now_s - mail.posted_s < EXPIRES_S:
                    self.wrong.append(f"early: {id_} to {address}: {code} {text}")

    def post(self):
        token = f"soak-{len(self.mails)}-"
        self.posting_s = self.now_s
        mail = self.mails[token] = Mail(self.chance.sample(PEOPLE, self.chance.choice([1, 1, 1, 2, 3])), self.now_s)
        mail.how = self.chance.choices(["send", "background", "drop", "unnamed"], [6, 1, 2, 1])[0]
        text = token.encode() + b"\n" * self.chance.choice([1, 9000])
        words = "--from", SENDER, "--subject", token, *mail.to
        if mail.how == "unnamed":                               # by sendmail, where no configuration says yet who root is
            mail.to = PEOPLE[:1]
            code, _ = self.run(COMMAND, "sendmail", "-C", self.unnamed, "root", text=b"Subject: " + token.encode() + b"\n\n" + text)
        elif mail.how == "drop":
            code, _ = self.run(self.users_command, "send", "--spool", self.spool.path, "--relay", "relay.test", "--background", *words,
                               text=text, wrap=as_user())
        else:
            mail.background = mail.how == "background"
            code, _ = self.asking("send", *["--background"] * mail.background, *words, text=text)
        mail.accepted |= code == 0 and mail.how != "send"
        mail.how += f", status {code}"
        self.settle()
        self.note_failed()
        self.look()

    def settle(self):
        """until what runs in the background has ended: it holds the spool's lock or a mail's"""
        for path in [self.spool.path, *self.spool.path.glob("*.mail")]:
            with contextlib.suppress(FileNotFoundError):
                fd = os.open(path, os.O_RDONLY)
                fcntl.flock(fd, fcntl.LOCK_EX)
                os.close(fd)

    def look(self):
        """a mail is accepted as soon as its file is there, whatever became of the command; one that was dropped has an id of its own then"""
        for path in [*self.waiting(), *self.spool.path.glob("*.failed")]:
            with contextlib.suppress(FileNotFoundError):
                text = path.read_bytes()
                if b"multipart/report" not in text:
                    mail = self.mails[re.search(rb"soak-\d+-", text)[0].decode()]
                    mail.accepted, mail.id = True, path.name[:16]

    def waiting(self):
        return [path for names in ("*.mail", "*.taken", "drop/*.mail") for path in self.spool.path.glob(names)]

    # ---- The year ------------------------------------------------------------------------------------------------

    def go(self, days):
        end_s, draw = days * DAY, self.chance.expovariate
        due = {"mail": 0.0, "boot": draw(1 / (4 * DAY)), "network": draw(1 / DAY), 0: 0.0, 1: 0.0}
        month_s = 30 * DAY
        while self.now_s < end_s:
            for what, at in due.items():
                if at > self.now_s:
                    continue
                if what == "mail":
                    self.post()
                    due[what] = self.now_s + draw(1 / (20 * HOUR))
                elif what == "boot":
                    self.reboot(int(draw(1 / HOUR)))
                    due[what] = self.now_s + self.chance.choice([draw(1 / (4 * DAY)), draw(1 / 300)])
                elif what == "network":
                    self.network = not self.network
                    due[what] = self.now_s + draw(1 / (2 * DAY) if self.network else 1 / (2 * HOUR))
                else:
                    self.weather(self.relays[what])
                    due[what] = self.now_s + draw(1 / self.chance.choice([600, 6 * HOUR, 2 * DAY]))
            if self.waiting():
                self.flush()
                self.now_s += self.chance.choice([59, 59, 59, 299, HOUR, 3 * HOUR])      # a timer, or it slept
            else:
                self.now_s = max(self.now_s + MINUTE, int(min(due["mail"], due["boot"])))
            if self.now_s >= month_s:
                print(f"day {self.now_s // DAY:3}: {len(self.mails)} mails, {sum(self.runs.values())} runs", file=sys.stderr)
                month_s += 30 * DAY
        self.network, self.killing = True, False
        for relay in self.relays:
            relay.replies = GOOD
            for name, value in USUAL.items():
                setattr(relay, name, value)
        for _ in range(50):
            if not self.waiting():
                break
            self.flush("--now")
            self.now_s += 2 * HOUR

    # ---- What must be true ----------------------------------------------------------------------------------------

    def judge(self):
        """lost: neither arrived nor told. early: told though nobody refused it and it is not five days old. doubled: more copies than
        there were kills while it waited and connections that ended where the reply was due. notices: not one of a failure that a flush or
        the background found, or one of another. left: still in the spool, though the relays are good."""
        taken = [mail for relay in self.relays for mail in relay.mails]
        counts = collections.Counter()
        for token, mail in self.mails.items():
            own = [one for one in taken if token.encode() in one.text and one.sender == SENDER]
            failed = {to for file in self.failed.values() if token.encode() in file.text and file.sender
                      for n, to in enumerate(file.to) if file.failed >> n & 1}
            notices = self.notices(token, taken)
            due = mail.due | (failed if mail.background else set())
            counts["accepted"] += mail.accepted
            counts["notices"] += sum(notices.values())
            for address in mail.to:
                copies = sum(address in one.to for one in own)
                counts["delivered"] += copies != 0
                counts["failed"] += address in mail.failed
                counts["copies"] += copies
                if mail.accepted and not copies and address not in mail.failed and not notices[address]:
                    self.wrong.append(f"lost: {token} {mail.id} to {address}, posted on day {mail.posted_s / DAY:.1f}: {mail.how}")
                if copies > 1 + mail.kills + self.doubts(own):
                    self.wrong.append(f"doubled: {token} {mail.id} to {address}: {copies} copies: {mail.how}")
                if notices[address] != (address in due):
                    self.wrong.append(f"notices: {token} {mail.id} to {address}: {notices[address]}: {mail.how}")
        if self.waiting():
            self.wrong.append(f"left: {self.spool.names()}")
        return counts

    @staticmethod
    def doubts(own):
        return sum(one.doubt for one in own)

    def notices(self, token, taken):
        """of each recipient; one that arrived twice is one, and one that was refused for good lies there as a mail that failed"""
        texts = [one.text for one in taken if one.sender == ""] + [file.text for file in self.failed.values() if file.sender == ""]
        found = {(re.search(rb"^Message-ID: <(.*?)@", text, re.M)[1], to.decode()) for text in texts if token.encode() in text
                 for to in re.findall(rb"^Final-Recipient: rfc822; (\S+)\r$", text, re.M)}
        return collections.Counter(to for _, to in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        year = Year(pathlib.Path(directory), args.seed)
        year.go(args.days)
        counts = year.judge()
        for relay in year.relays:
            relay.stop()
        if year.wrong:
            shutil.copytree(year.spool.path, KEPT, dirs_exist_ok=True)
            print(f"the spool is kept in {KEPT}")
    print(f"{args.days} days: {len(year.mails)} mails, {counts['accepted']} accepted; to {counts['delivered']} recipients delivered, "
          f"{counts['copies'] - counts['delivered']} copies more; {counts['failed']} told as failed; {counts['notices']} notices")
    print(f"{year.runs['send'] + year.runs['sendmail']} runs of send and sendmail, {year.runs['flush']} of flush, "
          f"{year.runs['killed']} others killed; {year.boots} boots")
    for line in year.wrong[:20]:
        print(line)
    print(f"{len(year.wrong)} wrong")
    return bool(year.wrong)


if __name__ == "__main__":
    sys.exit(main())

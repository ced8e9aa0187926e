#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every system call of `send --spool`, `send --background` and `flush` meets a fault: the command is killed before it, it
fails once, or from then on each of its kind fails. Then the fault is gone and flush runs until nothing is left. What must
be true is in judge().

The end of a call is the beginning of the next one: to be killed before that one is to be killed behind this one. strace
counts calls of a kind, for each process by itself: in the background both meet the fault if both make so many.

    make faults                                          all of them, in FAULTS_JOBS rows
    faults.py 'flush' 'openat:error=EIO:when=3'          one of them, and what it did"""
import collections
import concurrent.futures
import dataclasses
import errno
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

from relay import DEFERRED, FAILED, NOT_STORED, OK, File, Relay, Spool

ERRORS = {"EIO": "read pread64 write pwrite64 fsync fdatasync openat close getdents64 newfstatat fstat renameat unlinkat mkdir",
          "ENOSPC": "write pwrite64 fsync fdatasync openat renameat mkdir",
          "EMFILE": "openat socket", "EACCES": "openat mkdir renameat unlinkat connect", "ENOLCK": "flock",
          "EINTR": "read pread64 write pwrite64 openat flock fsync poll ppoll sendto recvfrom",
          "ENOMEM": "brk mmap munmap mprotect poll ppoll clone clone3 fork vfork socket sendto recvfrom openat",
          "EAGAIN": "clone clone3 fork vfork getrandom", "ENETUNREACH": "connect", "ECONNRESET": "sendto recvfrom"}
OTHER = "EPERM"                                          # for calls that are not above
MAIN = '"/dev/null", O_WRONLY'                           # the first call of ours
ENDS = ("exit_group", "exit", "rt_sigreturn")
LIMIT_S, ROUNDS, ENDLESS, KILLED, LOADER = 60, 5, "+", -9, 127
A, B, SENDER, SEED = "a@example.test", "b@example.test", "s@example.org", 20261128


@dataclasses.dataclass
class Scene:
    words: str                                           # the command under the fault
    stored: int | tuple = 0                              # mails in the spool before, or whom each of them is for
    replies: tuple = ({},)                               # of each relay
    to: tuple = (A,)
    status: int = OK                                     # without a fault


LATER, NO, EACH_TAKES_ONE = ({"END": "450 later"},), ({"END": "550 no"},), ({B: "450 later"}, {A: "450 later"})
SCENES = {"send": Scene("send"), "send, deferred": Scene("send", 0, LATER, status=DEFERRED),
          "send, refused": Scene("send", 0, NO, status=FAILED), "send, two relays": Scene("send", 0, EACH_TAKES_ONE, (A, B)),
          "background": Scene("send --background"), "background, deferred": Scene("send --background", 0, LATER),
          "flush": Scene("flush --now", 1), "flush, deferred": Scene("flush --now", 1, LATER, status=DEFERRED),
          "flush, refused": Scene("flush --now", 1, NO, status=FAILED), "flush, two mails": Scene("flush --now", 2),
          "flush, refused, kept": Scene("flush --now", ((A, B),), ({A: "550 no", B: "450 later"},), status=FAILED),
          "flush, two relays": Scene("flush --now", 1, EACH_TAKES_ONE, (A, B)),
          "flush, kept, two relays": Scene("flush --now", ((A,), (A,), (B,), (A, B)), EACH_TAKES_ONE)}
# What is said instead of the error's own name.
NAMED = {"recvfrom": "the connection", "sendto": "the connection", "getrandom": "no random octets", "pread64": "cannot be read",
         "openat": "boot id cannot be read", "read": "boot id cannot be read"}
COLUMNS = ("lost", "untold", "doubled", "hung", "untrue", "silent", "litter", "crashed")


class Settling(Relay):
    """knows when all conversations are over, those with the dead included"""

    def __init__(self, **more):
        self.open, self.changed = 0, threading.Condition()
        super().__init__(**more)

    def _accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.open += 1
            threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link):
        super()._talk(link)
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def settle(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.open == 0, LIMIT_S), "a conversation does not end"


class Run:
    """one command under strace, with one fault or none, and what came of it"""

    def __init__(self, scene, fault=None):
        self.scene, self.fault, self.hung, self.done, self.after = scene, fault, False, None, []
        self.relays = [Settling() for _ in scene.replies]
        with tempfile.TemporaryDirectory(prefix="mailmote-faults-") as directory:
            self.spool, self.trace = Spool(pathlib.Path(directory) / "spool"), pathlib.Path(directory) / "trace"
            try:
                self._prepare()
                self._strike()
                self._recover()
            finally:
                for relay in self.relays:
                    relay.stop()

    def _answer(self, replies):
        for relay, its in zip(self.relays, replies):
            relay.settle()
            relay.replies = its

    def _prepare(self):
        self._answer([{A: "450 later", B: "450 later"}] * len(self.relays))
        stored = self.scene.stored if isinstance(self.scene.stored, tuple) else (self.scene.to,) * self.scene.stored
        self.before = {self.spool.send(*self.relays, to=to).rows[0][0]: to for to in stored}
        for age, name in enumerate(reversed(self.before)):   # the first one goes first
            file = File(self.spool.path / f"{name}.mail")
            file.age = age
            file.write()
        self._answer(self.scene.replies)

    def _strike(self):
        spool, (command, *options) = self.spool, self.scene.words.split()
        wrap = ["strace", "-f", "-qq", "-s", "4096", "-o", self.trace, *(["-e", f"inject={self.fault}"] if self.fault else [])]
        try:
            self.done = (spool.flush(*self.relays, options=options, wrap=wrap) if command == "flush" else
                         spool.send(*self.relays, options=options, wrap=wrap, to=self.scene.to))
        except subprocess.TimeoutExpired:
            self.hung = True
        self._answer([{}] * len(self.relays))
        self.trace = self.trace.read_text(errors="replace").splitlines()
        files = spool.files()
        self.left, self.sent = self.mails(), sum(file.sent for file in files)
        self.waiting = [file.path.stem for file in files if (file.delivered | file.failed) + 1 != 1 << file.rcpts]
        self.came_at_once = any(relay.mails for relay in self.relays)

    def _recover(self):
        """the first flush also clears away what a killed run has left"""
        while self.spool.path.exists() and len(self.after) < ROUNDS and (self.mails() or not self.after):
            self.after.append(self.spool.flush(*self.relays, options=["--now"]))
        self._answer([{}] * len(self.relays))
        self.names = self.spool.names() if self.spool.path.exists() else []
        self.failed = {path.stem: File(path).failed.bit_count() for path in self.spool.path.glob("*.failed")}
        self.rows = [row for done in [self.done, *self.after] if done for row in done.rows]
        self.copies = collections.Counter((mail.id.partition("@")[0], to) for relay in self.relays for mail in relay.mails
                                          for to in mail.to)

    def mails(self):
        return {path.stem for path in self.spool.path.glob("*.mail")}

    def calls(self):
        """(name, number) of each behind the loader's, whichever process made it; not on a descriptor that is not there"""
        counts, calls, ours = collections.Counter(), set(), False
        for line in self.trace:
            found = re.match(r"(\d+) +(\w+)\(", line)
            if found:
                counts[found.groups()] += 1
                ours = ours or MAIN in line
                calls |= {(found[2], counts[found.groups()])} if ours and "EBADF" not in line else set()
        return calls

    def struck(self):
        return any("(INJECTED)" in line or "killed by SIGKILL" in line for line in self.trace)

    def doubts(self):
        """the file says so, or the fault came between the end of a mail and its reply"""
        between, doubts = False, self.sent
        for line in self.trace:
            if re.search(r'sendto\(.*\\r\\n\.\\r\\n"', line):
                between = True
            if between and "(INJECTED)" in line:
                doubts += 1
            if re.search(r'"(250 taken|450 later|550 no)', line):
                between = False
        return doubts

    def unsaid(self):
        """whether it ended otherwise than without the fault, by an error that it did not name"""
        call, _, error = (self.fault or "").partition(":error=")
        if not error or self.done.returncode in (OK, self.scene.status, LOADER) or len(self.relays) > 1:
            return False                                 # a second relay has the last word
        name = os.strerror(getattr(errno, error.partition(":")[0]))
        said = self.done.stderr + self.done.stdout.decode()
        return name not in said and NAMED.get(call, name) not in said

    def lost(self):
        """whom a mail was accepted for that neither arrived nor failed; what a flush puts into the spool are notices"""
        new = (SENDER,) if self.scene.stored else self.scene.to
        wanted = {(mail, to) for mail, everybody in self.before.items() for to in everybody}
        wanted |= {(mail, to) for mail in self.left - self.before.keys() for to in new}
        taken = [done for done in [self.done, *self.after] if done and done.returncode != NOT_STORED]
        wanted |= {(row[0], row[1]) for done in taken for row in done.rows}
        failed = {(row[0], row[1]) for row in self.rows if row[2] == "failed"}
        kept = {name.removesuffix(".failed") for name in self.names}
        return [(mail, to) for mail, to in wanted - failed if mail not in kept and not self.copies[mail, to]]

    def untold(self):
        """mails of which it was not printed who failed, or of which flush has sent no notice"""
        told = collections.Counter(mail for mail, _ in {(row[0], row[1]) for row in self.rows if row[2] == "failed"})
        silent = {mail for mail, count in self.failed.items() if told[mail] < count}
        notices = {mail for mail, to in self.copies if to == SENDER}
        notices |= {row[0] for row in self.rows if row[1:3] == [SENDER, "failed"]}
        return silent, len(self.failed.keys() & self.before.keys()) - len(notices)

    def judge(self):
        """what is wrong, of COLUMNS, and why"""
        if self.hung:
            return {"hung": f"still there after {LIMIT_S} s"}
        wrong, status = {}, self.done.returncode
        extra = max([0, *(count - 1 for count in self.copies.values())])
        litter = [name for name in self.names if name != "relays" and not name.endswith(".failed")]
        if self.lost():
            wrong["lost"] = f"{self.lost()} were accepted, and neither arrived nor failed"
        silent, unnoticed = self.untold()
        if silent or unnoticed > 0:
            wrong["untold"] = f"{sorted(silent)} were not printed, {unnoticed} notices are missing"
        if extra > self.doubts():
            wrong["doubled"] = f"{extra} too many, {self.doubts()} doubts"
        if litter:
            wrong["litter"] = f"{litter} are left"
        if status in (OK, DEFERRED) and not self.left and not self.came_at_once:
            wrong["untrue"] = f"exit status {status}, nothing stored, nothing sent"
        if status == OK and "--background" not in self.scene.words and self.waiting:
            wrong["untrue"] = f"exit status 0, and {self.waiting} still to be sent"
        if self.unsaid() or (status not in (OK, DEFERRED, FAILED, KILLED) and not self.done.stderr.strip()):
            wrong["silent"] = f"exit status {status}, and not why"
        if status < 0 and status != KILLED:
            wrong["crashed"] = f"ended by signal {-status}"
        return wrong


def faults_of(calls):
    for name, number in sorted(calls):
        errors = [error for error, names in ERRORS.items() if name in names.split()] or [OTHER]
        yield f"{name}:signal=KILL:when={number}"
        for error in [] if name in ENDS else errors:
            what = "retval=0" if name == "brk" else f"error={error}"     # the kernel's own way to say no
            yield f"{name}:{what}:when={number}"
            if error != "EINTR":                         # which nothing says for ever
                yield f"{name}:{what}:when={number}{ENDLESS}"


def sample(faults, size, seen):
    """each call that is not in `seen` once, and others up to that size"""
    faults, chosen = list(faults), []
    random.Random(SEED).shuffle(faults)
    for fault in faults:
        call = fault.partition(":")[0]
        if call not in seen:
            seen.add(call)
            chosen.append(fault)
    rest = [fault for fault in faults if fault not in chosen]
    return chosen + rest[:max(0, size - len(chosen))]


def run_scene(name, jobs, choose=list):
    """of the faults that are chosen; returns a row of the table, and what was wrong"""
    calls = Run(SCENES[name]).calls()
    faults = choose(faults_of(calls))
    row, wrong = collections.Counter(calls=len(calls)), []

    def one(fault):
        run = Run(SCENES[name], fault)
        return fault, run, run.judge()

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for fault, run, found in pool.map(one, faults):
            row["faults"] += 1
            row["struck"] += run.struck()
            row["doubts"] += bool(run.doubts())
            row.update(found.keys())
            wrong += [f"{name!r} {fault!r}: {kind}: {why}" for kind, why in found.items()]
    return row, wrong


def table(rows):
    columns = ("calls", "faults", "struck", "doubts", *COLUMNS)
    width = max(map(len, rows))
    lines = [" ".join([" " * width, *(f"{column:>8}" for column in columns)])]
    for name, row in rows.items():
        lines.append(" ".join([f"{name:{width}}", *(f"{row[column]:8}" for column in columns)]))
    return "\n".join(lines)


def show(name, fault):
    run = Run(SCENES[name], fault)
    print("\n".join(run.trace))
    if run.done:
        print(run.done.returncode, run.done.stdout.decode(), run.done.stderr)
    for done in run.after:
        print("then", done.returncode, done.stdout.decode(), done.stderr)
    print(f"left {run.left}, copies {dict(run.copies)}, names {run.names}, doubts {run.doubts()}")
    print(run.judge() or "sound")
    return bool(run.judge())


def main(words):
    if len(words) == 2:
        return show(*words)
    began, rows, wrong = time.monotonic(), {}, []
    for name in words or SCENES:
        rows[name], found = run_scene(name, int(os.environ.get("FAULTS_JOBS", "2")))
        print("\n".join(found or [f"{name}: sound"]), flush=True)
        wrong += found
    print(f"\n{table(rows)}\n{time.monotonic() - began:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

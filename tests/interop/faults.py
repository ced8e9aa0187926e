#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every system call of `send --spool`, `send --background`, `sendmail` and `flush` meets a fault: the command is killed before it, it
fails once, or from then on each of its kind fails. Then the fault is gone and flush runs until nothing is left. What must
be true is in judge().

The end of a call is the beginning of the next one: to be killed before that one is to be killed behind this one. strace
counts calls of a kind, for each process by itself: in the background both meet the fault if both make so many.

    make faults                                          all of them, in FAULTS_JOBS rows
    faults.py 'flush' 'openat:error=EIO:when=3'          one of them, and what it did"""
import collections
import concurrent.futures
import errno
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from clock import LIMIT_S
from fault_scenes import A, B, SCENES, SENDER, Stage
from pretend import refuse
from relay import DEFERRED, FAILED, NOT_STORED, OK, SANITIZED, File, Relay

ERRORS = {"EIO": "read pread64 write pwrite64 fsync fdatasync openat close getdents64 newfstatat fstat renameat unlinkat mkdir",
          "ENOSPC": "write pwrite64 fsync fdatasync openat renameat mkdir",
          "EMFILE": "openat socket", "EACCES": "openat mkdir renameat unlinkat connect", "ENOLCK": "flock",
          "EINTR": "read pread64 write pwrite64 openat flock fsync poll ppoll sendto recvfrom",
          "ENOMEM": "brk mmap munmap mprotect poll ppoll clone clone3 fork vfork socket sendto recvfrom openat",
          "EAGAIN": "clone clone3 fork vfork getrandom", "ENETUNREACH": "connect", "ECONNRESET": "sendto recvfrom"}
MEMORY = "memory:"                                       # and the number of an allocation
OTHER = "EPERM"                                          # for calls that are not above
MAIN = '"/dev/null", O_WRONLY'                           # the first call of ours
SOUND = ("exit_group", "exit", "rt_sigreturn", "futex", "getuid", "geteuid",      # they do not fail, or are a sanitizer's
         *(("brk", "mmap", "munmap", "mprotect") if SANITIZED else ()))
ROUNDS, ENDLESS, KILLED, LOADER = 5, "+", -9, 127
SEED = 20261128
# What is said instead of the error's own name.
NAMED = {"recvfrom": "the connection", "sendto": "the connection", "getrandom": "no random octets", "pread64": "cannot be read",
         "write": "standard output cannot be written", "openat": "boot id cannot be read", "read": "boot id cannot be read"}
COLUMNS = ("lost", "untold", "twice", "doubled", "hung", "untrue", "silent", "litter", "crashed")


class Settling(Relay):
    """knows when all conversations are over, those with the dead included"""

    def __init__(self, **more):
        self.open, self.changed = 0, threading.Condition()
        super().__init__(**more)

    def _begin(self, link):
        with self.changed:
            self.open += 1
        super()._begin(link)

    def _talk(self, link):
        super()._talk(link)
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def settle(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.open == 0, LIMIT_S), "a conversation does not end"


def calls_of(trace):
    """(name, number) of each behind the loader's, whichever process made it; not on a descriptor that is not there"""
    counts, calls, ours = collections.Counter(), set(), False
    for line in trace:
        found = re.match(r"(\d+) +(\w+)\(", line)
        if found:
            counts[found.groups()] += 1
            ours = ours or MAIN in line
            calls |= {(found[2], counts[found.groups()])} if ours and "EBADF" not in line else set()
    return calls


class Run:
    """one command under strace, with one fault or none, and what came of it"""

    STAGE, DEFERS = Stage, {A: "450 later", B: "450 later"}

    def __init__(self, scene, fault=None):
        self.scene, self.fault, self.hung, self.done, self.after = scene, fault, False, None, []
        self.relays = self.make_relays()
        with tempfile.TemporaryDirectory(prefix="mailmote-faults-") as directory:
            self.stage = self.STAGE(scene, pathlib.Path(directory))
            self.spool = self.stage.spool
            try:
                self._answer([self.DEFERS] * len(self.relays))
                self.stage.fill(self.relays)
                self._answer(self.scene.replies)
                self._strike()
                self._recover()
            finally:
                for relay in self.relays:
                    relay.stop()

    def make_relays(self):
        return [Settling() for _ in self.scene.replies]

    def _answer(self, replies):
        for relay, its in zip(self.relays, replies):
            relay.settle()
            relay.replies = its

    def _strike(self):
        trace = self.stage.trace
        wrap = ["strace", "-f", "-qq", "-s", "4096", "-o", trace]
        if (self.fault or "").startswith(MEMORY):
            wrap += refuse(self.fault.removeprefix(MEMORY), self.stage.directory / "refused")
        elif self.fault:
            wrap += ["-e", f"inject={self.fault}"]
        try:
            self.done = self.stage.call(self.relays, wrap)
        except subprocess.TimeoutExpired:
            self.hung = True
            self._end()
        self._answer([{}] * len(self.relays))
        self.cut = sum(talk[-1:] == ["DATA"] for relay in self.relays if relay.context for talk in relay.talks)
        self.trace = trace.read_text(errors="replace").splitlines()
        self.refused = (self.stage.directory / "refused").exists()
        files = self.spool.files()
        self.left = {path.stem: [] for path in self.waiting()} | {file.path.stem: file.to for file in files}
        self.sent = sum(file.sent for file in files)
        done = {file.path.stem for file in files if (file.delivered | file.failed) + 1 == 1 << file.rcpts}
        self.unsent = self.left.keys() - done
        self.settled = any(relay.mails for relay in self.relays) or any(self.spool.path.glob("*.failed"))

    def _end(self):
        """what strace has left behind; a number may be another process's by now, whose words do not name this place"""
        for process in {int(line.split()[0]) for line in self.stage.trace.read_text(errors="replace").splitlines()}:
            try:
                if os.fsencode(self.stage.directory) in pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
                    os.kill(process, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                pass

    def _recover(self):
        """the first flush also clears away what a killed run has left"""
        while self.spool.path.exists() and len(self.after) < ROUNDS and (self.waiting() or not self.after):
            self.after.append(self.stage.flush(self.relays))
        self._answer([{}] * len(self.relays))
        spool = self.spool
        self.names = [name for name in spool.names() if name != "drop"] if spool.path.exists() else []
        self.names += [path.name for path in spool.drop.glob("*")]
        self.failed = [File(path) for path in spool.path.glob("*.failed")]
        self.mails = [mail for relay in self.relays for mail in relay.mails]
        self.copies = collections.Counter((self.name(mail.id.partition("@")[0]), to) for mail in self.mails for to in mail.to)

    def name(self, mail):
        return "all" if self.scene.shared() else mail

    def rows(self, *all_done):
        return [row for done in all_done if done for row in done.rows]

    def waiting(self):
        """files that are to be mails, wherever they have got to"""
        return [path for names in ("*.mail", "*.taken", "drop/*.mail") for path in self.spool.path.glob(names)]

    def struck(self):
        return self.refused or any("(INJECTED)" in line or "killed by SIGKILL" in line for line in self.trace)

    def doubts(self):
        """the file says so, or the fault came between the end of a mail and its reply: in TLS the relay alone sees that"""
        between, doubts = False, self.sent + self.cut
        for line in self.trace:
            if re.search(r'sendto\(.*\\r\\n\.\\r\\n"', line):
                between = True
            if between and "(INJECTED)" in line:
                doubts += 1
            if re.search(r'"(250 taken|450 later|550 no)', line):
                between = False
        return doubts

    def begun(self):
        """the loader had ended: a process or thread of ours that counts for itself has small numbers, which the loader meets first"""
        return any(MAIN in line for line in self.trace)

    def open(self):
        """what the fault has not closed is locked still, which no real failure of close() leaves behind"""
        return "close:error" in (self.fault or "")

    def mute(self):
        """it cannot write to standard error either"""
        return (self.fault or "").startswith("write:error") and self.fault.endswith(ENDLESS)

    def unsaid(self):
        """whether it ended otherwise than without the fault, by an error that it did not name"""
        call, _, error = (self.fault or "").partition(":error=")
        if not error or self.done.returncode in (OK, self.scene.status, LOADER) or self.another_speaks():
            return False
        name = os.strerror(getattr(errno, error.partition(":")[0]))
        return name not in self.said() and NAMED.get(call, name) not in self.said()

    def said(self):
        return self.done.stderr + self.done.stdout.decode()

    def another_speaks(self):
        """a second relay has the last word"""
        return len(self.relays) > 1

    def lost(self):
        """whom a mail was accepted for that neither arrived nor failed"""
        before = self.stage.before
        wanted = {(mail, to) for mail, everybody in (self.left | before).items() for to in everybody}
        not_taken = DEFERRED if self.scene.by_sendmail() else NOT_STORED
        taken = [done for done in [self.done] if done and done.returncode != not_taken] + self.after
        rows = self.rows(*taken)
        wanted = {(self.name(mail), to) for mail, to in wanted | {(row[0], row[1]) for row in rows}}
        failed = {(self.name(row[0]), row[1]) for row in rows if row[2] == "failed"}
        failed |= {(self.name(file.path.stem), to) for file in self.failed for to in file.to}
        return [one for one in wanted - failed if not self.copies[one]]

    def notices(self):
        """of each mail and recipient that failed; one that was sent twice, as there was a doubt, is one"""
        texts = [mail.text for mail in self.mails if mail.sender == ""]
        texts += [file.text for file in self.failed if file.sender == ""]
        found = set()
        for text in texts:
            its, of = re.search(rb"^Message-ID: <(\w+)@.*\nSubject: Mail (\w+) failed", text, re.M).groups()
            found |= {(its, of.decode(), to.decode()) for to in re.findall(rb"^Final-Recipient: rfc822; (\S+)\r$", text, re.M)}
        return collections.Counter((mail, to) for _, mail, to in found)

    def told(self):
        """who failed without a line or without a notice, and of whom there are several; who calls send has the line, and no notice"""
        failures = {(file.path.stem, to) for file in self.failed if file.sender for n, to in enumerate(file.to) if file.failed >> n & 1}
        alone, by_flush = self.scene.silent(), self.scene.words.startswith("flush")
        said = {(row[0], row[1]) for row in self.rows(self.done, *self.after) if row[2] == "failed"}
        due = {(row[0], row[1]) for row in self.rows(self.done if by_flush else None, *self.after) if row[2] == "failed"}
        due |= failures if alone else set()
        # of a notice there is none, nor of what was told and could not be stored, and arrived
        due = {one for one in due if one[1] != SENDER and not self.copies[one]}
        notices = self.notices()
        silent = set() if alone else failures - said
        return silent | due - notices.keys(), {one for one in notices if notices[one] > (one in due)}

    def judge(self):
        """what is wrong, of COLUMNS, and why"""
        return self.judge_mails() | (self.hangs() if self.hung else self.judge_end())

    def hangs(self):
        return {"hung": f"still there after {LIMIT_S} s"}

    def judge_mails(self):
        wrong = {}
        extra = max([0, *(count - 1 for count in self.copies.values())])
        litter = [name for name in self.names if name != "relays" and not name.endswith(".failed")]
        if self.lost():
            wrong["lost"] = f"{self.lost()} were accepted, and neither arrived nor failed"
        untold, twice = self.told()
        if untold:
            wrong["untold"] = f"{sorted(untold)} were not printed, or their notices are missing"
        if twice:
            wrong["twice"] = f"{sorted(twice)}: notices, {dict(self.notices())}"
        if extra > self.doubts():
            wrong["doubled"] = f"{extra} too many, {self.doubts()} doubts"
        if litter:
            wrong["litter"] = f"{litter} are left"
        return wrong

    def judge_end(self):
        wrong, status = {}, self.done.returncode
        if status in (OK, OK if self.scene.by_sendmail() else DEFERRED) and not self.left and not self.settled:
            wrong["untrue"] = f"exit status {status}, nothing stored, nothing sent"
        if status == OK and not self.scene.silent() and self.unsent and not self.open():
            wrong["untrue"] = f"exit status 0, and {self.unsent} still to be sent"
        if not self.mute() and self.begun() and (self.unsaid() or (status not in (OK, DEFERRED, FAILED, KILLED) and not self.done.stderr.strip())):
            wrong["silent"] = f"exit status {status}, and not why"
        if status < 0 and status != KILLED and self.begun():
            wrong["crashed"] = f"ended by signal {-status}"
        return wrong


def faults_of(calls):
    for name, number in sorted(calls):
        errors = [error for error, names in ERRORS.items() if name in names.split()] or [OTHER]
        yield f"{name}:signal=KILL:when={number}"
        for error in [] if name in SOUND else errors:
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


def run_scene(name, jobs, choose=list, run=Run, scenes=SCENES):
    """of the faults that are chosen; returns a row of the table, and what was wrong"""
    calls = calls_of(run(scenes[name]).trace)
    faults = choose(faults_of(calls))
    row, wrong = collections.Counter(calls=len(calls)), []

    def one(fault):
        done = run(scenes[name], fault)
        return fault, done, done.judge()

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for fault, done, found in pool.map(one, faults):
            row["faults"] += 1
            row["struck"] += done.struck()
            row["doubts"] += bool(done.doubts())
            row.update(found.keys())
            wrong += [f"{name!r} {fault!r}: {kind}: {why}" for kind, why in found.items() if kind in COLUMNS]
    return row, wrong


def table(rows, *more):
    columns = ("calls", "faults", "struck", "doubts", *COLUMNS, *more)
    width = max(map(len, rows))
    lines = [" ".join([" " * width, *(f"{column:>8}" for column in columns)])]
    for name, row in rows.items():
        lines.append(" ".join([f"{name:{width}}", *(f"{row[column]:8}" for column in columns)]))
    return "\n".join(lines)


def show(name, fault, run=Run, scenes=SCENES):
    run = run(scenes[name], fault)
    print("\n".join(run.trace))
    if run.done:
        print(run.done.returncode, run.done.stdout.decode(), run.done.stderr)
    for done in run.after:
        print("then", done.returncode, done.stdout.decode(), done.stderr)
    print(f"left {run.left}, notices {dict(run.notices())}, copies {dict(run.copies)}, names {run.names}, doubts {run.doubts()}")
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

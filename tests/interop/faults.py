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

from relay import DEFERRED, FAILED, OK, File, Relay, Spool

ERRORS = {"EIO": "read pread64 write pwrite64 fsync fdatasync openat close getdents64 newfstatat fstat renameat unlinkat mkdir",
          "ENOSPC": "write pwrite64 fsync fdatasync openat renameat mkdir",
          "EMFILE": "openat socket", "EACCES": "openat mkdir renameat unlinkat connect", "ENOLCK": "flock",
          "EINTR": "read pread64 write pwrite64 openat flock fsync poll ppoll connect sendto recvfrom",
          "ENOMEM": "brk mmap munmap mprotect poll ppoll clone clone3 fork vfork socket sendto recvfrom openat",
          "EAGAIN": "clone clone3 fork vfork getrandom", "ENETUNREACH": "connect", "ECONNRESET": "sendto recvfrom"}
OTHER = "EPERM"                                          # for calls that are not above
MAIN = '"/dev/null", O_WRONLY'                           # the first call of ours
ENDS = ("exit_group", "exit", "rt_sigreturn")
LIMIT_S, ROUNDS, ENDLESS = 60, 5, "+"
A, SEED = "a@example.test", 20261128
LATER, NO = {"END": "450 later"}, {"END": "550 no"}


@dataclasses.dataclass
class Scene:
    words: str                                           # the command under the fault
    stored: int = 0                                      # mails in the spool before
    replies: dict = dataclasses.field(default_factory=dict)

    @property
    def status(self):
        return OK if "--background" in self.words else {"4": DEFERRED, "5": FAILED}.get(self.replies.get("END", " ")[0], OK)

    @property
    def mails(self):
        return self.stored or 1


SCENES = {"send": Scene("send"), "send, deferred": Scene("send", replies=LATER), "send, refused": Scene("send", replies=NO),
          "background": Scene("send --background"), "background, deferred": Scene("send --background", replies=LATER),
          "flush": Scene("flush --now", 1), "flush, deferred": Scene("flush --now", 1, LATER),
          "flush, refused": Scene("flush --now", 1, NO), "flush, two mails": Scene("flush --now", 2)}
COLUMNS = ("lost", "doubled", "hung", "untrue", "silent", "litter", "crashed")


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
    """one command under strace, with one fault or none"""

    def __init__(self, scene, fault=None):
        self.scene, self.fault = scene, fault
        with tempfile.TemporaryDirectory(prefix="mailmote-faults-") as directory:
            self.path, self.relay = pathlib.Path(directory), Settling()
            self.spool = Spool(self.path / "spool")
            try:
                self._run()
            finally:
                self.relay.stop()

    def _run(self):
        scene, spool, relay = self.scene, self.spool, self.relay
        relay.replies = {"RCPT": "450 later", A: "450 later"}
        for _ in range(scene.stored):
            spool.send(relay)
        relay.replies = dict(scene.replies)
        trace = self.path / "trace"
        wrap = ["strace", "-f", "-qq", "-s", "4096", "-o", trace, *(["-e", f"inject={self.fault}"] if self.fault else [])]
        words = scene.words.split()
        self.before, self.hung, self.done = self.mails(), False, None
        try:
            self.done = (spool.flush if words[0] == "flush" else spool.send)(relay, options=words[1:], wrap=wrap)
        except subprocess.TimeoutExpired:
            self.hung = True
        relay.settle()
        self.trace = trace.read_text(errors="replace").splitlines() if trace.exists() else []
        self.left, self.first = self.mails(), list(relay.mails)
        files = spool.files()
        self.sent = sum(file.sent for file in files)
        self.waiting = [file.path.stem for file in files if (file.delivered | file.failed) + 1 != 1 << file.rcpts]
        relay.replies, self.rows = {}, list(self.done.rows) if self.done else []
        self.rounds = []
        while self.mails() and len(self.rounds) < ROUNDS:
            self.rounds.append(spool.flush(relay, options=["--now"]))
            self.rows += self.rounds[-1].rows
        relay.settle()
        if spool.path.exists() and not self.rounds:
            spool.flush(relay, options=["--now"])        # which clears away what a killed run has left
        self.names = spool.names() if spool.path.exists() else []
        self.copies = collections.Counter(mail.id.partition("@")[0] for mail in relay.mails)

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
        """whether it ended otherwise than well because of an error it did not name"""
        error = re.search(r"error=(\w+)", self.fault or "")
        said = self.done.stderr + self.done.stdout.decode()
        return bool(error) and self.done.returncode not in (OK, self.scene.status) and os.strerror(getattr(errno, error[1])) not in said

    def judge(self):
        """what is wrong, of COLUMNS, and why"""
        if self.hung:
            return {"hung": f"still there after {LIMIT_S} s"}
        wrong, done = {}, self.done
        told = {row[0] for row in self.rows}
        failed = {row[0] for row in self.rows if row[2] == "failed"} | {name[:-7] for name in self.names if name.endswith(".failed")}
        accepted = self.before | self.left | told
        lost = [mail for mail in accepted if not self.copies[mail] and mail not in failed]
        extra = sum(count - 1 for count in self.copies.values() if count > 1)
        litter = [name for name in self.names if name != "relays" and not name.endswith(".failed")]
        if lost:
            wrong["lost"] = f"{lost} were accepted, and neither arrived nor failed"
        if extra > self.doubts():
            wrong["doubled"] = f"{extra} too many, {self.doubts()} doubts"
        if litter:
            wrong["litter"] = f"{litter} are left"
        if done.returncode in (OK, DEFERRED) and not self.left and not self.first and not failed:
            wrong["untrue"] = f"exit status {done.returncode}, nothing stored, nothing sent"
        if done.returncode == OK and "--background" not in self.scene.words and self.waiting:
            wrong["untrue"] = f"exit status 0, and {self.waiting} still to be sent"
        if done.returncode not in (OK, DEFERRED, FAILED, -9, 137) and not done.stderr.strip():
            wrong["silent"] = f"exit status {done.returncode}, and nothing said"
        if self.unsaid():
            wrong["silent"] = f"exit status {done.returncode}, and not why"
        if done.returncode < 0 and done.returncode != -9:
            wrong["crashed"] = f"ended by signal {-done.returncode}"
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


def sample(faults, size):
    """one of each call, kind of fault and error, as far as they are wanted"""
    faults, chance, kinds = list(faults), random.Random(SEED), {}
    chance.shuffle(faults)
    for fault in faults:
        name, what, when = fault.split(":")
        kinds.setdefault((name, what[:5], when[-1] == ENDLESS), fault)
    chosen, rest = {}, sorted(kinds.values())
    chance.shuffle(rest)
    for fault in rest:
        chosen.setdefault(fault.split(":")[0], fault)    # each call once, before any comes twice
    chosen = list(chosen.values())
    return (chosen + [fault for fault in rest if fault not in chosen])[:max(size, len(chosen))]


def run_scene(name, jobs, size=None):
    """returns a row of the table, and what was wrong"""
    calls = Run(SCENES[name]).calls()
    faults = list(faults_of(calls))
    faults = faults if size is None else sample(faults, size)
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
    for done in run.rounds:
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

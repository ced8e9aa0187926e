#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plant faults, one at a time, and see which test finds each.

    tests/mutants/mutants.py --build BUILD [-n COUNT] [--seed SEED] [--left] [FILE...]
    tests/mutants/mutants.py --build BUILD --known

BUILD has the programs. A fault of core or of port/posix is looked for by the unit programs that run its line, one of port/lwip by
the tests of lwIP that do, one of the command, or of port/posix that the unit programs let pass, by ten seconds of tests of
the command that do, some of each file, but for those that start another server than Postfix; where nobody runs the line, by those
that run something of the file. A test that fails without a fault, too, or does not fail again, has found none. A fault that leaves
the object as it was is none. What came of each is kept in BUILD/mutants/results.txt: what is there is not done again, so a run
that was ended goes on. --left gives those that nobody found to the sanitizers, in full, and to all tests of the command that run
the line. Those of equal.txt change nothing anyone could see. --known replays the faults of known.txt: each must be found by the
test it names.
"""

import argparse
import atexit
import collections
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import faults as planting  # noqa: E402
from build import Build, run  # noqa: E402
from seen import Seen, forget, note  # noqa: E402

HERE = pathlib.Path(__file__).parent
PLACES = ("core", "port/posix", "port/lwip", "boards/host")
SANITIZE = "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
SCENES = [f"tests/interop/test_{name}.py" for name in os.environ.get("SCENES", "").split()] or sorted(
    str(path) for path in pathlib.Path("tests/interop").glob("test_*.py")
    if path.stem not in ("test_boards", "test_static", "test_readme", "test_cost"))
COVERAGE = ["CFLAGS=-O0 --coverage", "san=--coverage"]
Known = collections.namedtuple("Known", "file change test what")


def make(*words):
    subprocess.run(["make", "-s", "SHORT=", f"BEARSSL_LIB={os.environ['BEARSSL_LIB']}", *words], check=True, stdout=subprocess.DEVNULL)


def sanitized(build):
    """what make is told for a build of the sanitizers'"""
    return ["CC=clang", "CPPFLAGS=-DBR_LE_UNALIGNED=0", "LDFLAGS=-fuse-ld=lld", f"BEARSSL_LIB={build}/san/libbearssl.a", f"CFLAGS={SANITIZE}"]


class Tests:
    """What looks for faults: builds, and which test runs which line."""

    def __init__(self, build, target, *places):
        self.build, self.seen_in, self.target, self.places = build, f"{build}/mutants/seen", target, places
        self.path = f"{build}/mutants/{type(self).__name__.lower()}.json"
        self.last = collections.defaultdict(list)

    @functools.cached_property
    def seen(self):
        seen = Seen(self.path, *self.places)
        if not seen.fresh:
            print(f"{self.path}: what each test runs", flush=True)
            make(f"BUILD={self.seen_in}", *COVERAGE, self.target)
            forget(self.seen_in)                # also what a run that was ended left, of other objects
            seen.begin()
            self.see()
            seen.end()
            seen = Seen(self.path, *self.places)
            if not any(test["lines"] for test in seen.tests):
                os.unlink(self.path)
                sys.exit(f"{self.path}: no test has run")
        return seen

    def who(self, fault, text, plenty=False):
        """who finds it: a test, 'compiler', 'none' for a fault that is none; '' for nobody"""
        at_once = [build.plant(fault.file, text, planting.made(fault, text)) for build in self.builds]
        if "compiler" in at_once or all(at_once):
            return at_once[0]
        found = self.first(fault.file, self.in_order(fault), plenty)
        if found:
            self.last[fault.file].insert(0, found)
        return found

    def in_order(self, fault):
        """those first that found the last ones of the file, and then the quickest"""
        last = self.last[fault.file]
        return sorted(self.seen.of(fault.file, fault.line),
                      key=lambda test: last.index(test["name"]) if test["name"] in last else len(last))

    def first(self, file, tests, plenty):
        return next((test["name"] for test in tests if not self.passes(file, test, plenty)), "")


class Units(Tests):
    def __init__(self, build, words=()):
        self.builds = [Build(build, words, "unit-programs", f"{build}/mutants/units")]
        super().__init__(build, "unit-programs", "core", "port/posix", "include", "boards/host", "tests/unit")

    def see(self):
        for program in sorted(target for target in self.builds[0].commands if "/tests/test_" in target):
            name, since = os.path.basename(program), time.monotonic()
            if not run([f"{self.seen_in}/tests/{name}"], 600, dict(os.environ, TESTS="quick")):
                sys.exit(f"{name} fails without a fault")
            note(self.path, name, since, self.seen_in)

    def passes(self, file, test, plenty):
        program = self.builds[0].linked(f"{self.build}/tests/{test['name']}", file)
        seconds, mode = (60 * test["seconds"], {}) if plenty else (3 * test["seconds"], {"TESTS": "quick"})
        return program is not None and run([program], int(seconds) + 3, dict(os.environ, **mode))


class Lwip(Tests):
    KINDS = ("ipv4", "ipv6", "threads")

    def __init__(self, build):
        self.builds = [Build(build, [], "lwip-programs", f"{build}/mutants/{kind}", f"lwip/{kind}") for kind in self.KINDS]
        super().__init__(build, "lwip-programs", "core", "port/lwip", "include", "tests/lwip")

    def see(self):
        for kind in self.KINDS:
            program, run_in = f"{self.seen_in}/lwip/{kind}/test_lwip", f"{self.seen_in}/lwip/{kind}"
            said = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout
            forget(run_in)
            for test in re.findall(r"^(.*): ok$", said, re.M):
                since = time.monotonic()
                run([program, test], 600)
                note(self.path, f"{kind}: {test}", since, run_in)

    def passes(self, file, test, plenty):
        kind, _, name = test["name"].partition(": ")
        program = self.builds[self.KINDS.index(kind)].linked(f"{self.build}/lwip/{kind}/test_lwip", file)
        return program is not None and run([program, name], int(3 * test["seconds"]) + 10)


class Command(Tests):
    """The tests of the command, by pytest; it is there twice, as one of them waits less."""
    ALL_S, LONG_S = 10, 3                       # of the tests that look for a fault; of one of them
    PROGRAMS = "mailmote", "fast/mailmote"

    def __init__(self, build, words=()):
        self.sound, self.unsound = {"", "linker"}, set()
        self.builds = [Build(build, words, "all", f"{build}/mutants/command"),
                       Build(build, words, "fast", f"{build}/mutants/command/fast", "obj/fast")]
        super().__init__(build, "all", "core", "port/posix", "include", "boards/host", "tests/interop")
        self.path = f"{build}/mutants/{'-'.join(['command', *os.environ.get('SCENES', '').split()])}.json"

    def pytest(self, build, words, pass_fds=(), **more):
        names = dict(MAILMOTE=f"{build}/mailmote", MAILMOTE_FAST=f"{build}/fast/mailmote")
        environment = dict(os.environ, **{name: os.path.abspath(path) for name, path in names.items()}, PYTHONPATH=str(HERE), **more)
        return subprocess.Popen(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, *SCENES], env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=pass_fds)

    @functools.cached_property
    def standing(self):
        """a pytest that runs what it is told: where it is told, where it answers, and which tests it has"""
        self.unchanged()
        (told, tells), (reads, answers) = os.pipe(), os.pipe()
        process = self.pytest(f"{self.build}/mutants/command", ["-p", "standing"], (told, answers), TOLD=str(told), ANSWERS=str(answers))
        os.close(told)
        os.close(answers)
        tells, answers = os.fdopen(tells, "w", buffering=1), os.fdopen(reads)
        atexit.register(self.end, process, tells)
        return tells, answers, set(self.answer(answers))

    def end(self, process, tells):
        """it ends when nothing more is told; not at once if it is in the middle of a test"""
        tells.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.terminate()

    def unchanged(self):
        """the programs, for the next tests"""
        for build, program in zip(self.builds, self.PROGRAMS):
            build.made.clear()
            shutil.copy(f"{self.build}/{program}", f"{self.build}/mutants/command/{program}")

    def answer(self, answers):
        return json.loads(answers.readline() or sys.exit(f"pytest has ended: python3 -m pytest {' '.join(SCENES)} says why"))

    def fails(self, names):
        """the first of them that does, with the programs that are in its place"""
        tells, answers, _ = self.standing
        print(json.dumps(names), file=tells)
        found = self.answer(answers)
        return found if found in ["", *names] else sys.exit(f"pytest: {found}")

    def see(self):
        make(f"BUILD={self.seen_in}", *COVERAGE, "fast")
        for folder, _, _ in os.walk(self.seen_in):
            os.chmod(folder, 0o777)             # some tests are no root
        process = self.pytest(self.seen_in, ["-p", "seen"], SEEN=self.seen_in, SEEN_INTO=self.path)
        try:
            process.wait()
        finally:
            process.terminate()

    def in_order(self, fault):
        """Most lines are run by thousands of tests that say nothing of them: of each file of tests the one that runs most of the source
        for its time, then another one; in front of them those that found the last faults, and those of the files that have the
        first word of the source's name; behind them those that take long."""
        turns, own, last = collections.Counter(), f"/test_{pathlib.Path(fault.file).stem.partition('_')[0]}", self.last[fault.file]

        def turn(test):
            file, long = test["name"].partition("::")[0], test["seconds"] > self.LONG_S
            turns[file] += not long
            return test["name"] not in last, long, own not in test["name"], turns[file]

        def price(test):
            return (0.1 + test["seconds"]) / len(test["lines"][fault.file])
        return sorted(sorted(self.seen.of(fault.file, fault.line), key=price), key=turn)

    def first(self, file, tests, plenty):
        names, left_s = [], self.ALL_S
        for test in tests:
            if test["name"] in self.standing[2] - self.unsound and (plenty or test["seconds"] <= left_s or not names):
                names.append(test["name"])
                left_s -= test["seconds"]
        found = self.fails(names) if self.link(file) else "linker"
        while found not in self.sound:
            self.unchanged()                    # it must not fail without a fault, and must with it, also alone
            (self.sound if not self.fails([found]) and self.link(file) and self.fails([found]) else self.unsound).add(found)
            if found in self.unsound:
                print(f"{found} is left out: it fails without a fault, or once", flush=True)
                names.remove(found)
                self.link(file)
                found = self.fails(names)
        return found

    def link(self, file):
        return None not in [build.linked(f"{self.build}/{program}", file) for build, program in zip(self.builds, self.PROGRAMS)]


def known(build):
    lines = [line for line in (HERE / "known.txt").read_text().splitlines() if line.strip() and not line.startswith("#")]
    programs = Build(build, [], "unit-programs", f"{build}/mutants/known")
    passed = failed = 0
    for fault in (Known(*(part.strip() for part in line.split(" | "))) for line in lines):
        text = pathlib.Path(fault.file).read_text()
        changed = subprocess.run(["sed", fault.change], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
        name, _, test = fault.test.partition(":")
        why = "nothing is changed" if changed == text else not programs.compiled(fault.file, changed) and "does not compile"
        if not why:
            program = programs.linked(f"{build}/tests/{name}", fault.file)
            why = "is not linked" if program is None else run([program], 5, dict(os.environ, TESTS="quick", TEST=test)) and "no test finds it"
        good = not why
        passed, failed = passed + good, failed + (not good)
        print(f"{'found' if good else f'NOT FOUND, {why}'}: {fault.file}: {fault.change}: {fault.test} ({fault.what})", flush=True)
    for file, line, becomes in sorted(stale()):
        failed += 1
        print(f"NO FAULT of {file}, though listed as equal: {line} -> {becomes}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def named(file):
    """{name: fault} of a file: by what the line says, so that a change elsewhere changes no name"""
    text, names = pathlib.Path(file).read_text(), {}
    lines = text.splitlines()
    for fault in planting.faults(file, text):
        name = f"{file}: {text[fault.start:fault.end].strip()} -> {fault.text} in: {lines[fault.line - 1].strip()}"
        like_it = sum(1 for other in names if other.rpartition(" #")[0] == name)
        names[f"{name} #{like_it + 1}"] = fault
    return names


def drawn(files, seed, count):
    """faults by name, drawn by the seed, as many as are wanted: the same ones whatever else is changed"""
    found = {name: fault for file in files for name, fault in named(file).items()}
    order = sorted(found, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    return sorted((found[name], name) for name in order[:count or None])


@functools.cache
def equals():
    """those listed, as change() has them"""
    rows = [row.split(" :: ") for row in (HERE / "equal.txt").read_text().splitlines() if not row.startswith("#")]
    return {(file, line, line.replace(*change.split(" -> "), 1)) for file, line, change, _ in rows}


def change(fault, text):
    """the file, the line as it is, and as it becomes"""
    return fault.file, *(whole.splitlines()[fault.line - 1].strip() for whole in (text, planting.made(fault, text)))


def equal(fault, text):
    return change(fault, text) in equals()


def stale():
    """of those listed as equal: those that are no faults of the source"""
    texts = {file: pathlib.Path(file).read_text() for file, *_ in equals()}
    return equals() - {change(fault, text) for file, text in texts.items() for fault in planting.faults(file, text)}


def table(results):
    rows = collections.defaultdict(collections.Counter)
    for name, who in results.items():
        row = {"none": "none", "compiler": "none", "linker": "none", "equal": "equal", "": "left"}.get(who, "found")
        file = name.partition(":")[0]
        for place in (file, "all of " + next(place for place in PLACES if file.startswith(place))):
            rows[place][row] += 1
    print("| file | faults | found | left | equal | none | % |\n|---|---:|---:|---:|---:|---:|---:|")
    for place, row in sorted(rows.items(), key=lambda item: (item[0].removeprefix("all of "), item[0])):
        real = row["found"] + row["left"]
        print(f"| {place} | {real} | {row['found']} | {row['left']} | {row['equal']} | {row['none']} | "
              f"{100 * row['found'] / max(real, 1):.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("-n", type=int, default=0, help="faults; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--left", action="store_true")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    for file in args.files:
        if not os.path.exists(file):
            parser.error(f"there is no {file}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))      # and what was started ends, too
    return known(args.build) if args.known else plant(args)


def plant(args):
    files = args.files or sorted(str(path) for place in PLACES for path in pathlib.Path(place).rglob("*.c"))
    path = pathlib.Path(args.build, "mutants", "results.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    results = dict(line.rpartition("\t")[::2] for line in path.read_text().splitlines()) if path.exists() else {}
    look = Look(args.build, args.left)
    for fault, name in drawn(files, args.seed, 0 if args.left else args.n):
        text = pathlib.Path(fault.file).read_text()
        if results.get(name) != ("" if args.left else None):
            continue
        results[name] = "equal" if equal(fault, text) else look(fault, text)
        path.write_text("".join(f"{name}\t{who}\n" for name, who in results.items()))
        if not results[name]:
            print(f"left: line {fault.line} of {name}", flush=True)
    table(results)
    return 0


class Look:
    """Goes from one kind of tests to the next, until one finds the fault."""

    def __init__(self, build, left):
        self.build, self.left = build, left

    @functools.cached_property
    def units(self):
        return Units(self.build)

    @functools.cached_property
    def strict(self):
        strict = Units(f"{self.build}/san", sanitized(self.build))
        strict.seen = self.units.seen
        return strict

    @functools.cached_property
    def lwip(self):
        return Lwip(self.build)

    @functools.cached_property
    def command(self):
        return Command(self.build)

    @functools.cached_property
    def strict_command(self):
        strict = Command(f"{self.build}/san", sanitized(self.build))
        strict.seen = self.command.seen
        return strict

    def __call__(self, fault, text):
        if fault.file.startswith("port/lwip/"):
            return self.lwip.who(fault, text)
        command, who = fault.file.startswith(("boards/", "port/posix/")), ""
        if self.units.builds[0].has(fault.file):
            who = (self.strict if self.left else self.units).who(fault, text, self.left)
        if not who and self.left:
            who = self.strict_command.who(fault, text)
        if not who and (command or self.left):
            who = self.command.who(fault, text, self.left)
        return who


if __name__ == "__main__":
    sys.exit(main())

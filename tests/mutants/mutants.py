#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plant faults, one at a time, and see which test finds each.

    tests/mutants/mutants.py --tree BUILD/mutants [-n COUNT] [--seed SEED] [--survivors] [FILE...]
    tests/mutants/mutants.py --tree BUILD/mutants --known

The tree is a copy of the source; its library is a shared one, so that a fault costs one file compiled, one library linked, and the
programs of the unit tests until one fails. A fault that leaves the object as it was is none. What came of each is kept in
tree/results.txt: what is there is not done again, so a run that was ended goes on. --survivors gives those that no unit test
found to the sanitizers, and then to the tests of the command or of lwIP. --known replays the faults of known.txt: each must be found.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import faults as planting  # noqa: E402

KNOWN = pathlib.Path(__file__).parent / "known.txt"
PLACES = ("core", "port/posix", "port/lwip", "boards/host")
SLOW = ("test_outbox_power", "test_trust_limits", "test_certificates")      # they come last
HOST = "test_arguments or test_command or test_config or test_safe or test_raw or test_printable or test_spool"
SANITIZE = "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
Known = collections.namedtuple("Known", "file change programs what")


def run(command, limit, **words):
    """exit status; 'late' for one that did not end in time. What the command started ends with it."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True, **words)
    try:
        return child.wait(limit)
    except subprocess.TimeoutExpired:
        return "late"
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


class World:
    """The tree, built one way: its objects, the shared library made of them, and the programs that use it."""

    def __init__(self, tree, build, cc, cflags, more=()):
        self.tree, self.build, self.cc, self.cflags = tree, tree / build, cc, cflags
        self.flags = [f"BUILD={build}", f"BEARSSL_LIB={build}/libbearssl.a", f"CC={cc}", f"CFLAGS={cflags} -fPIC", *more,
                      "link=$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -L$(BUILD) "
                      f"-Wl,-rpath,{self.build} -l:libmailmote.so $(BEARSSL_LIB)"]
        self.make(f"{build}/libmailmote.a", f"{build}/libbearssl.a")
        self.objects = sorted(self.build.glob("obj/core/**/*.o")) + sorted(self.build.glob("obj/port/**/*.o"))
        self.library()
        self.make("unit-programs")
        self.programs = sorted((self.build / "tests").glob("test_*[a-z]"), key=lambda program: (program.name in SLOW, program.name))
        self.times = {}
        self.commands = {}

    def make(self, *targets):
        subprocess.run(["make", "-s", *self.flags, *targets], cwd=self.tree, check=True, stdout=subprocess.DEVNULL)

    def library(self):
        return run([*shlex.split(f"{self.cc} {self.cflags} -shared -o {self.build}/libmailmote.so"), *self.objects,
                    f"{self.build}/libbearssl.a"], 60) == 0

    def object(self, file):
        return self.build / "obj" / pathlib.Path(file).with_suffix(".o")

    def compiled(self, file):
        """the object as it is now, without what is for debuggers; None where it does not compile"""
        target = self.object(file)
        if file not in self.commands:
            said = subprocess.run(["make", "-n", "V=1", "-W", file, *self.flags, str(target.relative_to(self.tree))],
                                  cwd=self.tree, stdout=subprocess.PIPE, text=True, check=True).stdout
            self.commands[file] = next(line for line in said.splitlines() if f"-c -o {target.relative_to(self.tree)}" in line)
        if run(["sh", "-c", f"{self.commands[file]} -Werror=int-conversion -Werror=incompatible-pointer-types"], 60, cwd=self.tree) != 0:
            return None
        bare = target.with_suffix(".bare")
        subprocess.run(["objcopy", "--strip-debug", target, bare], check=True)
        return bare.read_bytes()

    def found(self, names=(), quick=True):
        """The first program that fails, or None. Each has three times what it ever took, and ten seconds more: so it is called once
        before there is a fault."""
        environment = dict(os.environ, **({"TESTS": "quick"} if quick else {}))
        for program in self.programs:
            if names and program.name not in names:
                continue
            start = time.monotonic()
            limit = 3 * self.times[program, quick] + 10 if (program, quick) in self.times else 600
            if run([program], limit, cwd=self.tree, env=environment) != 0:
                return program.name
            self.times[program, quick] = max(self.times.get((program, quick), 0), time.monotonic() - start)
        return None


def copy(tree):
    """the source as it is, without what it does not need; files that are the same keep their dates"""
    listed = subprocess.run(["git", "ls-files", "-z", "--", "Makefile", "README.md", "core", "port", "include", "boards", "tests",
                             ":!tests/fuzz/corpus"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in listed.split("\0")[:-1]:
        here, there = pathlib.Path(name), tree / name
        if not here.exists() or (there.exists() and there.read_bytes() == here.read_bytes()):
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(here, there)
    if not (tree / ".deps").exists():
        (tree / ".deps").symlink_to(pathlib.Path(".deps").resolve())


def key(fault, text):
    return f"{fault.file}:{fault.line} {fault.kind} {text[fault.start:fault.end]!r} -> {fault.text!r} at {fault.start}"


class Planter:
    """Makes a fault in the tree for as long as it takes to look for it."""

    def __init__(self, world, file):
        self.world, self.file = world, file
        self.path = world.tree / file
        self.text = self.path.read_text()
        self.before = world.compiled(file)
        self.object = world.object(file).read_bytes()

    def look(self, text, **words):
        """who finds it: a program, 'compiler', 'none' for a fault that is none; None for nobody"""
        world = self.world
        try:
            self.path.write_text(text)
            now = world.compiled(self.file)
            if now is None or now == self.before:
                return "compiler" if now is None else "none"
            if self.file.startswith(("boards/", "port/lwip/")):
                return None
            return world.found(**words) if world.library() else "linker"
        finally:
            self.path.write_text(self.text)

    def restore(self):
        self.world.object(self.file).write_bytes(self.object)
        self.world.library()


def whole(world, names=(), quick=True):
    who = world.found(names, quick)
    if who is not None:
        sys.exit(f"{who} fails without a fault")


def known(world):
    lines = [line for line in KNOWN.read_text().splitlines() if line.strip() and not line.startswith("#")]
    known_faults = [Known(*(part.strip() for part in line.split(" | "))) for line in lines]
    whole(world, {name for fault in known_faults for name in fault.programs.split()})
    passed = failed = 0
    for fault in known_faults:
        planter = Planter(world, fault.file)
        text = subprocess.run(["sed", fault.change], input=planter.text, stdout=subprocess.PIPE, text=True, check=True).stdout
        who = planter.look(text, names=fault.programs.split()) if text != planter.text else "nothing is changed"
        planter.restore()
        good = who in fault.programs.split()
        passed, failed = passed + good, failed + (not good)
        print(f"{'found' if good else 'NOT FOUND'}: {fault.file}: {fault.change}: {who or 'no test finds it'} ({fault.what})", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def sample(world, results, args):
    """Faults of the files, drawn by the seed, as many as are wanted."""
    drawn = []
    for file in args.files or sorted(str(path.relative_to(world.tree)) for place in PLACES for path in (world.tree / place).rglob("*.c")):
        if world.object(file).exists():
            drawn += planting.faults(file, (world.tree / file).read_text())
    random.Random(args.seed).shuffle(drawn)
    return sorted(drawn[:args.n] if args.n else drawn)


def table(results):
    rows = collections.defaultdict(collections.Counter)
    for line in results.read_text().splitlines():
        name, _, who = line.rpartition("\t")
        row = {"none": "none", "compiler": "none", "linker": "none", "": "survived"}.get(who, "found")
        rows[name.partition(":")[0]][row] += 1
        rows["all"][row] += 1
    print(f"{'file':34} {'faults':>7} {'found':>7} {'left':>7} {'none':>7} {'%':>7}")
    for file, row in sorted(rows.items(), key=lambda item: (item[0] == "all", item[0])):
        real = row["found"] + row["survived"]
        print(f"{file:34} {real:7} {row['found']:7} {row['survived']:7} {row['none']:7} {100 * row['found'] / max(real, 1):7.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", required=True, type=pathlib.Path)
    parser.add_argument("-n", type=int, default=0, help="faults; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))      # and what was started ends, too
    tree = args.tree.resolve()
    copy(tree)
    world = World(tree, "quick", "gcc", "-O1")
    if args.known:
        return known(world)
    results = tree / "results.txt"
    results.touch()
    done = dict(line.rpartition("\t")[::2] for line in results.read_text().splitlines())
    if args.survivors:
        return survivors(world, results, done)
    whole(world)
    planter = None
    for fault in sample(world, results, args):
        text = (tree / fault.file).read_text()
        name = key(fault, text)
        if name in done:
            continue
        if planter is None or planter.file != fault.file:
            if planter:
                planter.restore()
            planter = Planter(world, fault.file)
        who = planter.look(planting.made(fault, text))
        with results.open("a") as out:
            print(f"{name}\t{who or ''}", file=out)
        if who is None:
            print(f"left: {name}", flush=True)
    table(results)
    return 0


def survivors(world, results, done):
    """Those left go to the full tests under the sanitizers, and then to those of the command or of lwIP."""
    more = ["CPPFLAGS=-DBR_LE_UNALIGNED=0"]
    strict = World(world.tree, "strict", "clang", SANITIZE, more)
    whole(strict, quick=False)
    for name in [name for name, who in done.items() if who == ""]:
        file, line = re.match(r"(.*?):(\d+) ", name).groups()
        text = (world.tree / file).read_text()
        fault = next((fault for fault in planting.faults(file, text) if key(fault, text) == name), None)
        if fault is None:
            continue                             # of another state of the source
        planter = Planter(strict, file)
        who = planter.look(planting.made(fault, text), quick=False)
        planter.restore()
        if who is None:
            target = ["lwip-check"] if file.startswith("port/lwip/") else ["interop", f"T={HOST}"]
            try:
                planter.path.write_text(planting.made(fault, text))
                if run(["make", "-s", *target], 1800, cwd=world.tree) != 0:
                    who = target[0]
            finally:
                planter.path.write_text(text)
        done[name] = who or ""
        print(f"{who or 'left'}: {name}", flush=True)
        results.write_text("".join(f"{name}\t{who}\n" for name, who in done.items()))
    table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())

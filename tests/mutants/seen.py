# SPDX-License-Identifier: MIT
"""Which test runs which line. Programs are built with gcc's --coverage; what one test has run is read and taken away behind it.

As a plugin of pytest (-p seen) it writes what each test ran to the file SEEN_INTO, a line of JSON each, for programs built in SEEN.
"""

import collections
import hashlib
import json
import os
import pathlib
import subprocess
import time


def counts(build):
    return sorted(pathlib.Path(build).rglob("*.gcda"))


def forget(build):
    for path in counts(build):
        path.unlink()


def run_since(build):
    """{file: [line, ...]} that ran since it was asked, or told to forget, last"""
    ours = [path for path in counts(build) if "/bearssl/" not in str(path)]
    found = collections.defaultdict(set)
    if ours:
        read = ["gcov", "--json-format", "--stdout", *map(str, ours)]   # not those that are empty, as the system's calls failed
        said = subprocess.run(read, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for part in said.splitlines():
            for file in json.loads(part)["files"]:
                found[os.path.relpath(file["file"])] |= {line["line_number"] for line in file["lines"] if line["count"]}
    forget(build)
    return {file: sorted(lines) for file, lines in found.items() if lines and file.endswith(".c")}


def state(*places):
    """a hash of the sources, and of the tests"""
    paths = sorted(path for place in places for path in pathlib.Path(place).rglob("*.*") if path.suffix in (".c", ".h", ".py"))
    return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in paths)).hexdigest()


def note(path, name, since, build):
    seconds = round(time.monotonic() - since, 3)
    with open(path, "a") as out:
        print(json.dumps({"name": name, "seconds": seconds, "lines": run_since(build)}), file=out)


class Seen:
    """What each test runs, and how long it takes; kept in a file, for one state of the sources."""

    def __init__(self, path, *places):
        self.path, self.state = pathlib.Path(path), state(*places)
        rows = [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        self.fresh = rows[:1] == [self.state]
        self.tests = rows[1:] if self.fresh else []

    def begin(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("null\n")         # what is ended before end() is of no state, and begun again

    def end(self):
        self.path.write_text(self.path.read_text().replace("null", json.dumps(self.state), 1))

    def of(self, file, line):
        """Tests that run the line, the quickest first; where nobody runs it, as it may be a table, those that run something of the
        file."""
        there = [test for test in self.tests if file in test["lines"]]
        exact = [test for test in there if line in test["lines"][file]]
        return sorted(exact or there, key=lambda test: test["seconds"])


def pytest_runtest_setup(item):
    item.seen_from = time.monotonic()


def pytest_runtest_teardown(item):
    note(os.environ["SEEN_INTO"], item.nodeid, item.seen_from, os.environ["SEEN"])

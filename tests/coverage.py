#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run the unit programs and the fuzz harnesses over their corpora, and print for each file of the core which part of its lines,
branches and conditions (MC/DC) they went through, then each place that none did. Fail where one is not listed, with why it cannot be
reached, in tests/coverage.txt, or where one that is listed is reached.

    tests/coverage.py BUILD           what is there was compiled by clang-19 with -fcoverage-mapping -fcoverage-mcdc
    tests/coverage.py --ports BUILD   only show what has run of the ports and the command; what was missed goes to BUILD/missed.txt.
                                      Fail where fewer than 95 of 100 branches were taken

A branch is one way out of a condition; MC/DC wants each condition of a decision to have turned it on its own."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

LISTED = pathlib.Path("tests/coverage.txt")
TOOLS = "/usr/lib/llvm-19/bin/"
LIMIT_S = 1500
PORTS = ("boards/host/*.c", "port/posix/*.c", "port/lwip/*.c", "port/watchdog/*.c")
PORTS_PERCENT = 95


def run(program, profiles):
    """what is said of a program that failed"""
    corpus = re.fullmatch(r"replay_(.*)", program.name)
    inputs = sorted(pathlib.Path("tests/fuzz/corpus", corpus[1]).glob("*")) if corpus else []
    env = dict(os.environ, LLVM_PROFILE_FILE=f"{profiles}/{program.name}-%p.profraw")
    done = subprocess.run([program, *inputs], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False)
    return [] if done.returncode == 0 else [f"{program} failed: " + done.stdout.decode(errors="replace")[-300:]]


def exported(programs, profiles, patterns):
    """llvm-cov's files of these, with their numbers, branches and decisions"""
    merged = profiles / "all.profdata"
    subprocess.run([TOOLS + "llvm-profdata", "merge", "-o", merged, *sorted(profiles.glob("*.profraw"))], check=True)
    objects = [programs[0], *(word for program in programs[1:] for word in ("-object", program))]
    sources = [file for pattern in patterns for file in sorted(pathlib.Path().glob(pattern))]
    text = subprocess.run([TOOLS + "llvm-cov", "export", "-instr-profile", merged, *objects, *sources], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(text)["data"][0]["files"]


def merged(file):
    """what of a file was gone through, once where several programs have compiled it: branches {place: [times true, times false]}, and
    decisions {place: [condition shown]}"""
    branches, decisions = {}, {}
    for line, column, end, end_column, yes, no, *_ in file["branches"]:
        both = branches.setdefault((line, column, end, end_column), [0, 0])
        both[0] += yes
        both[1] += no
    for line, column, end, end_column, *_, shown in file["mcdc_records"]:
        before = decisions.get((line, column, end, end_column), [False] * len(shown))
        decisions[line, column, end, end_column] = [a or b for a, b in zip(before, shown)]
    return branches, decisions


def missed(file, branches, decisions, name):
    """(line number, what of it was missed, the line) of each that was not gone through"""
    places = set()
    for line, column, count, counted, entry, gap in file["segments"]:
        if counted and entry and not gap and count == 0:
            places.add((line, column, "never reached"))
    for (line, column, *_), both in branches.items():
        places |= {(line, column, what) for times, what in zip(both, ("never true", "never false")) if times == 0}
    for (line, column, *_), shown in decisions.items():
        places |= {(line, column, f"condition {i + 1} of {len(shown)} not shown alone") for i, yes in enumerate(shown) if not yes}
    lines = {}
    for line, _, what in sorted(places):
        lines.setdefault(line, []).append(what)
    source = pathlib.Path(name).read_text().splitlines()
    return [(line, ", ".join(dict.fromkeys(whats)), source[line - 1].strip()) for line, whats in lines.items()]


def listed():
    """{(file, source line)}"""
    lines = LISTED.read_text().splitlines() if LISTED.exists() else []
    return {tuple(line.split(": ", 1)) for line in lines if line and line[0] not in "# "}


def shown(covered, count):
    return "" if count == 0 else f"all {count}" if covered == count else f"{covered}/{count}, {100 * covered / count:.1f} %"


def table(files):
    """prints it; the places that were missed, and the last row's numbers"""
    places, sums = [], [0] * 6
    print("| file | lines | branches | MC/DC |\n|---|---:|---:|---:|")
    for file in files:
        name = str(pathlib.Path(file["filename"]).relative_to(pathlib.Path.cwd()))
        branches, decisions = merged(file)
        lines = file["summary"]["lines"]
        ways, conditions = ([x for row in rows.values() for x in row] for rows in (branches, decisions))
        row = [lines["covered"], lines["count"], sum(x != 0 for x in ways), len(ways), sum(conditions), len(conditions)]
        print(f"| `{name.removeprefix('core/')}` | " + " | ".join(shown(*row[i:i + 2]) for i in (0, 2, 4)) + " |")
        sums = [a + b for a, b in zip(sums, row)]
        places += [(name, *place) for place in missed(file, branches, decisions, name)]
    print("| all | " + " | ".join(shown(*sums[i:i + 2]) for i in (0, 2, 4)) + " |\n")
    return places, sums


def ports(build):
    """what has run of the ports and the command"""
    programs = [build / "mailmote", build / "fast/mailmote", *build.glob("lwip/*/test_lwip"), *build.glob("tests/test_*"),
                *build.glob("tests/replay_*")]
    places, sums = table(exported([p for p in programs if os.access(p, os.X_OK) and p.is_file()], build / "profiles", PORTS))
    (build / "missed.txt").write_text("".join(f"{name}:{line}: {what}: {source}\n" for name, line, what, source in places))
    print(f"{len(places)} places were missed: {build / 'missed.txt'}")
    return 100 * sums[2] < PORTS_PERCENT * sums[3]


def core(build, again):
    profiles = build / "profiles"
    programs = [p for p in sorted((build / "tests").glob("*_*")) if os.access(p, os.X_OK)]
    wrong = []
    if not again:
        profiles.mkdir(exist_ok=True)
        for old in profiles.glob("*"):
            old.unlink()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [said for program in pool.map(lambda p: run(p, profiles), programs) for said in program]
    (places, _), known = table(exported(programs, profiles, ["core/*/*.c"])), listed()
    for name, line, what, source in places:
        if (name, source) not in known:
            wrong.append(f"{name}:{line}: {what}: {source}")
    wrong += [f"{LISTED}: {name}: reached, or not there: {source}"
              for name, source in sorted(known - {(name, source) for name, _, _, source in places})]
    print("\n".join(wrong))
    return bool(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--again", action="store_true", help="only show what the last run has left")
    parser.add_argument("--ports", action="store_true", help="of the ports and the command, whose tests have run")
    args = parser.parse_args()
    return ports(args.build) if args.ports else core(args.build, args.again)


if __name__ == "__main__":
    sys.exit(main())

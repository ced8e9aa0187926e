#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Five looks at the source that need no run: gcc -fanalyzer, clang-tidy (bugprone, cert, and clang's analyzer, which is what
scan-build calls), cppcheck, and of cppcheck the MISRA C:2012 rules over the core.

    tests/lint/lint.py --inc DIRECTORY FILE...      DIRECTORY: BearSSL's headers

Each finding must be in deviations.txt, with its reason, and each line there must be one that something is found for.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
Finding = collections.namedtuple("Finding", "check file line words")

GCC = re.compile(r"^([^ :]+):(\d+):\d+: warning: (.*) \[-W([\w-]+)\]$", re.M)
TIDY = re.compile(r"^([^ :]+):(\d+):\d+: (?:warning|error): (.*) \[([\w.,+-]+)\]$", re.M)
CPPCHECK = re.compile(r"^([^ :]+)@(\d+)@([\w.-]+)@(.*)$", re.M)

# What each check is about is said by its name; those that are left out are so for everything, which deviations.txt says.
TIDY_CHECKS = "-*,bugprone-*,cert-*,clang-analyzer-*"
# Of the functions whose result must be looked at, those that can fail with nobody to tell it later. A stream remembers that
# printing failed, and is asked once, at its end.
TIDY_OPTIONS = ("{CheckOptions: [{key: cert-err33-c.CheckedFunctions, value: '::calloc;::malloc;::realloc;::strdup;::fopen;::fdopen;"
                "::fread;::fgets;::fclose;::strtol;::strtoul;::strtoull;::sscanf;::time;::mktime;::gmtime_r;::strchr;::memchr'}]}")


def run(words):
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return result.returncode, result.stdout, result.stderr


# What the files are compiled with that a build with DANE=1 has and another has not.
DANE = ["-DMOTE_DANE", "-Iport/dane", "-Iport/posix", "-Iboards/host"]


def flags(inc, file):
    return ["-std=c99", "-Iinclude", "-isystem", inc, *(DANE if "/dane/" in file else [])]


def gcc(file, inc):
    code, _, err = run(["gcc", *flags(inc, file), "-O2", "-fanalyzer", "-c", "-o", "/dev/null", file])
    if code != 0:
        sys.exit(err)
    return [Finding("gcc " + check, name, int(line), words) for name, line, words, check in GCC.findall(err)]


def tidy(file, inc):
    _, out, err = run(["clang-tidy", "--quiet", f"--checks={TIDY_CHECKS}", f"--config={TIDY_OPTIONS}", file, "--", *flags(inc, file)])
    if "error:" in out + err:
        sys.exit(out + err)
    here = os.getcwd() + "/"
    return [Finding("clang-tidy " + checks.split(",")[0], name.replace(here, ""), int(line), words)
            for name, line, words, checks in TIDY.findall(out)]


def cppcheck(what, words, inc):
    """In a directory of its own: what it notes of each file, for the rules over all of them, else stands beside the source, and is gone
    when another run ends."""
    with tempfile.TemporaryDirectory() as build:
        _, _, err = run(["cppcheck", "-q", "--std=c99", "--template={file}@{line}@{id}@{message}", "--template-location=",
                         f"--cppcheck-build-dir={build}", f"--suppress=*:{inc}/*", "-Iinclude", f"-I{inc}", *words])
    return [Finding(f"{what} {check.replace('misra-c2012-', '')}", name, int(line), text)
            for name, line, check, text in CPPCHECK.findall(err)]


def deviations():
    """check, glob of files, the line of source or "", reason"""
    for line in (HERE / "deviations.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            words = [word.strip() for word in line.split(" | ")]
            if len(words) not in (3, 4) or not words[-1]:
                sys.exit(f"{HERE}/deviations.txt: not `check | files | reason' or `check | files | source | reason': {line}")
            yield words[0], words[1], words[2] if len(words) == 4 else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inc", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    args.inc = args.inc.rstrip("/")
    core = [file for file in args.files if file.startswith("core/")]
    host, dane = [file for file in args.files if "/dane/" not in file], [file for file in args.files if "/dane/" in file]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(cppcheck, "misra", ["--addon=misra", *core], args.inc),
                pool.submit(cppcheck, "cppcheck", ["--enable=warning,performance,portability,style", *host], args.inc),
                pool.submit(cppcheck, "cppcheck", ["--enable=warning,performance,portability,style", *DANE, *dane], args.inc)]
        for file in args.files:
            jobs += [pool.submit(gcc, file, args.inc), pool.submit(tidy, file, args.inc)]
        found = {finding for job in jobs for finding in job.result()}

    allowed, used, bad = list(deviations()), set(), 0
    for finding in sorted(found):
        text = pathlib.Path(finding.file).read_text().splitlines()
        source = text[finding.line - 1].strip() if 0 < finding.line <= len(text) else ""
        fits = [rule for rule in allowed if rule[0] == finding.check and fnmatch.fnmatch(finding.file, rule[1])
                and rule[2] in ("", source)]
        used.update(fits[:1])
        if not fits:
            bad += 1
            print(f"{finding.file}:{finding.line}: {finding.check}: {finding.words}\n    {source}")
    for rule in allowed:
        if rule not in used:
            bad += 1
            print(f"deviations.txt: nothing is found any more for: {' | '.join(word for word in rule if word)}")
    print(f"{len(found)} findings; {len(allowed)} deviations with a reason; {bad} unexplained")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())

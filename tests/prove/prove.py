#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run the proofs in tests/prove/prove_*.c (prove.h says how they are written) and print a table of them.

    tests/prove/prove.py --cbmc BUILD/cbmc/run --bearssl FOLDER --work BUILD/prove [--short] [--planted] [NAME...]

--short leaves out the slow ones. --planted proves nothing: it plants each fault of each proof into a copy of the source, and passes where
CBMC refutes the proof. What CBMC says is kept below the work folder, with the values that break a proof.
"""

import argparse
import pathlib
import re
import resource
import shutil
import subprocess
import sys

HERE = pathlib.Path("tests/prove")
PROOF = re.compile(r"^/\*((?:(?!\*/).)*)\*/\nvoid prove_(\w+)\(void\)$", re.DOTALL | re.MULTILINE)
FIELD = re.compile(r"^(bounds|with|unwind|unwindset|replace|plant|slow): *(.*)$")
CHECKS = ("--bounds-check", "--pointer-check", "--signed-overflow-check", "--div-by-zero-check", "--undefined-shift-check",
          "--pointer-overflow-check", "--unwinding-assertions", "--object-bits", "11", "--drop-unused-functions", "--slice-formula", "--trace")
LIMIT_S, MEMORY = 1200, 8 << 30


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Proof:
    """A function prove_NAME() and what the comment above it says."""

    def __init__(self, file, comment, name):
        self.file, self.name = file, name
        self.fields = {"plant": [], "unwind": ["1"], "bounds": ["none"], "with": [], "slow": [], "unwindset": [], "replace": []}
        words, found = [], set()
        for line in comment.splitlines():
            line = line.strip().removeprefix("*").strip()
            match = FIELD.match(line)
            if match:
                name, value = match.groups()
                self.fields[name] = self.fields[name] + [value] if name in found else [value]
                found.add(name)
            elif line and not found:
                words.append(line)
        self.what = " ".join(words)
        if not self.fields["plant"]:
            sys.exit(f"{file}: prove_{self.name}() has no fault that is planted: nobody knows whether it can fail")

    def run(self, tools, top, log, more=()):
        """True, False, or None when it came to no end"""
        binary = log.with_suffix(".goto")
        folders = [top / "include", *(top / "core").iterdir(), tools.bearssl / "inc"]
        steps = [["goto-cc", "-o", binary, *(f"-I{folder}" for folder in folders), self.file,
                  *(top / source for line in self.fields["with"] for source in line.split())]]
        steps += [["goto-instrument", "--replace-calls", pair, binary, binary] for pair in self.fields["replace"]]
        steps.append(["cbmc", binary, "--function", f"prove_{self.name}", *CHECKS, "--unwind", self.fields["unwind"][0],
                      *(word for loops in self.fields["unwindset"] for word in ("--unwindset", loops)), *more])
        with log.open("w") as out:
            for program, *words in steps:
                print(program, *words, file=out, flush=True)
                try:
                    status = subprocess.run([tools.cbmc, program, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            timeout=LIMIT_S, preexec_fn=limit_memory).returncode
                except subprocess.TimeoutExpired:
                    return None
                if status != 0:
                    break
        return {0: True, 10: False}.get(status) if program == "cbmc" else None

    def planted(self, tools, number):
        """the same with a fault in the source"""
        path, _, change = self.fields["plant"][number].partition(": ")
        top = tools.work / f"planted-{self.name}-{number}"
        shutil.rmtree(top, ignore_errors=True)
        for folder in ("include", "core"):
            shutil.copytree(folder, top / folder)
        before = (top / path).read_text()
        subprocess.run(["sed", "-i", change, top / path], check=True)
        if (top / path).read_text() == before:
            print(f"{self.file}: nothing in {path} is changed by {change}")
            return None
        good = self.run(tools, top, tools.work / f"{self.name}-{number}.txt", ["--stop-on-fail"])
        shutil.rmtree(top)
        return good


def seconds():
    """Processor time, which does not depend on what else the machine does"""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cbmc", required=True)
    parser.add_argument("--bearssl", required=True, type=pathlib.Path)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)

    proofs = [Proof(file, *match.groups()) for file in sorted(HERE.glob("prove_*.c"))
              for match in PROOF.finditer(file.read_text())]
    proofs = [proof for proof in proofs if (not args.names or proof.name in args.names)
              and not (args.short and proof.fields["slow"])]
    failed = passed = 0
    for proof in proofs:
        for number in range(len(proof.fields["plant"]) if args.planted else 1):
            start = seconds()
            if args.planted:
                good, wanted = proof.planted(args, number), False
                text = proof.fields["plant"][number]
            else:
                good, wanted = proof.run(args, pathlib.Path("."), args.work / f"{proof.name}.txt"), True
                text = f"{proof.what} Bounds: {proof.fields['bounds'][0]}."
            word = {True: "proved", False: "refuted", None: "no answer"}[good]
            passed, failed = passed + (good is wanted), failed + (good is not wanted)
            print(f"{seconds() - start:7.1f} s  {word:9}  {proof.name}: {text}", flush=True)
            if good is not wanted:
                print(f"           see {args.work}/{proof.name}{f'-{number}' if args.planted else ''}.txt")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not proofs else 0


if __name__ == "__main__":
    sys.exit(main())

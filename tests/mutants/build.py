# SPDX-License-Identifier: MIT
"""A build of make's in which one object is exchanged: the object and the programs with it are made beside what is there, by make's
own commands. So a fault costs one file compiled, and one program linked for each that looks for it.
"""

import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess

UNKNOWN = "build/none"                  # where nothing is built, so that make says how all of it would be


def run(command, cpu_s, environment=None, text=None, wait_s=None):
    """True if it ends well. cpu_s: of processor time, for each process. What the command started ends with it."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True, env=environment,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s)))
    try:
        child.communicate(text, wait_s or 20 * cpu_s)
        return child.returncode == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


class Build:
    """build: make's BUILD; words: what else it is told; target: what it would make; objects: where its objects are in build, if they are
    not where all are."""

    def __init__(self, build, words, target, place, objects="obj"):
        self.places, self.place = (f"{build}/{objects}", f"{build}/obj"), pathlib.Path(place)
        self.place.mkdir(parents=True, exist_ok=True)
        said = subprocess.run(["make", "-n", "V=1", "SHORT=", f"BUILD={UNKNOWN}", f"BEARSSL_LIB={os.environ['BEARSSL_LIB']}", *words, target],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        self.commands = {}
        for line in said.replace(UNKNOWN, str(build)).splitlines():
            if match := re.search(r" -o (\S+)", line):
                self.commands[match.group(1)] = line.replace(" -Werror ", " ")
        self.bare, self.made = {}, {}

    def object(self, file):
        names = [f"{place}/{file.removesuffix('.c')}.o" for place in self.places]
        return next((name for name in names if name in self.commands), names[0])

    def has(self, file):
        return self.object(file) in self.commands

    def compiled(self, file, text):
        """the object of this text, without what is for debuggers; None where it does not compile"""
        made, bare, self.made = self.place / "fault.o", self.place / "fault.bare", {}
        command = self.commands[self.object(file)].partition(" -MMD ")[0]
        more = ["-Werror=int-conversion", "-Werror=incompatible-pointer-types", "-iquote", os.path.dirname(file)]
        if not run([*shlex.split(command), *more, "-c", "-o", str(made), "-x", "c", "-"], 60, text=text.encode()):
            return None
        subprocess.run(["objcopy", "--strip-debug", made, bare], check=True)
        return bare.read_bytes()

    def plant(self, file, text, fault):
        """what came of it at once: 'compiler', 'none' for a fault that is none; None if it is now for the tests"""
        if file not in self.bare:
            self.bare[file] = self.compiled(file, text)
        bare = self.compiled(file, fault)
        return "compiler" if bare is None else "none" if bare == self.bare[file] else None

    def linked(self, program, file):
        """the program with the object in it that was compiled last; None where it is not linked"""
        if program not in self.made:
            made, command = str(self.place / os.path.basename(program)), self.commands[program]
            command = re.sub(r" -o \S+", f" -o {made}", command)
            exchanged = re.sub(rf"(?<= ){re.escape(self.object(file))}(?= )", str(self.place / "fault.o"), command)
            if exchanged == command:        # it is in the library, and is not taken from there when it is here
                exchanged = re.sub(r"(?= \S+/libmailmote\.a )", f" {self.place}/fault.o", command)
            self.made[program] = made if run(shlex.split(exchanged), 60) else None
        return self.made[program]

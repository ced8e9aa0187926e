#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How deep the stack of a firmware can get, from the linked image alone; BearSSL, lwIP and libc are in it.

    tests/stack.py build/boards/BOARD/mailmote.elf...       prints the bound and the deepest way down

At each call the frame is what the compiler wrote into .debug_frame: the numbers of -fstack-usage, but for each instruction,
and also for code that was optimized when it was linked. Where a call goes is read from the instructions; where an
indirect one may go, from tests/calls.txt. One interrupt, or a fault, comes on top at the deepest place.

There is no bound where something is unknown: an indirect call or a function whose address is kept without a line in
calls.txt, a recursion, a frame whose size is known only when it runs. What the bound leaves out: a fault inside an
interrupt; and it is as true as calls.txt, where lines with a dash say what these firmwares never call.
"""

import bisect
import fnmatch
import pathlib
import re
import subprocess
import sys

CALLS = pathlib.Path(__file__).with_name("calls.txt")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?:\t([^<]*)(?:<.*)?)?$")


class Arm:
    """What its instructions and tools look like."""
    tools, comment = "arm-none-eabi-", "\t@"
    entry = 36                                       # what the processor pushes for an interrupt, aligned to 8
    keeps = re.compile(r"R_ARM_\w*ABS")
    condition = "(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
    call = re.compile(f"bl{condition}")
    jump = re.compile(rf"bl?{condition}(\.[nw])?|cbn?z")
    indirect = re.compile(f"bl?x{condition}")
    grows = re.compile(r"push|sub(\.w|w)?\tsp,|(add|mov)(\.w)?\tsp, r|stmdb\tsp!|str\S*\t.*\[sp, #-\d+\]!")

    @staticmethod
    def pushed(code):
        """octets that an instruction takes from the stack, where it tells"""
        if code.startswith("push"):
            return 4 * (code.count(",") + 1)
        stored = re.fullmatch(r"str\S*\t\w+, \[sp, #-(\d+)\]!", code)
        return int(stored[1]) if stored else None


class RiscV:
    """The same. Code with tables of jumps cannot be read: -fno-jump-tables."""
    tools, comment = "riscv64-unknown-elf-", " # "
    entry = 0
    keeps = re.compile(r"R_RISCV_(32|(PCREL_)?HI20)$")
    call = re.compile("jal")
    jump = re.compile("j|jal|b(eq|ne|lt|ge|ltu|geu|eqz|nez|ltz|gez|gtz|lez)")
    indirect = re.compile("jr|jalr")
    grows = re.compile(r"(c\.)?(add|addi|addi16sp|sub|mv)\tsp,(?!sp,\d|sp$)")

    @staticmethod
    def pushed(code):
        taken = re.fullmatch(r"addi?\tsp,sp,-(\d+)", code)
        return int(taken[1]) if taken else None


class Unbounded(Exception):
    """why there is no bound"""


class Image:
    """One linked firmware. A function is known by its address; `names` has file:function of each."""

    def __init__(self, elf):
        self.elf, self.ends, symbols = str(elf), {}, {}
        machine = pathlib.Path(elf).read_bytes()[18]
        self.cpu = RiscV if machine == 243 else Arm
        for line in self.tool("readelf", "-sW", self.elf).splitlines():
            words = line.split()
            if len(words) == 8 and words[3] == "FUNC" and int(words[2], 0):
                at = int(words[1], 16) & ~1
                self.ends[at] = at + int(words[2], 0)
                symbols.setdefault(at, set()).add(words[7].split(".")[0])
        self.starts = sorted(self.ends)
        files = {at: place[-1].split(":")[0] for at, place in self.places(self.starts).items()}
        self.names = {at: {f"{files[at]}:{name}" for name in symbols[at]} for at in symbols}
        self.frames = self.read_frames()

    def tool(self, name, *args):
        command = [self.cpu.tools + name, *args]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

    def places(self, addresses):
        """{address: [file:function, innermost inlined one first]}"""
        found, lines = {}, self.tool("addr2line", "-afis", "-e", self.elf, *map(hex, addresses)).splitlines()
        while lines:
            line = lines.pop(0)
            if line.startswith("0x"):
                place = found[int(line, 16)] = []
            else:
                place.append(f"{lines.pop(0).split(':')[0]}:{line.split('.')[0]}")
        return found

    def function(self, address):
        """the start of the function around an address, or None"""
        start = self.starts[bisect.bisect(self.starts, address) - 1]
        return start if start <= address < self.ends[start] else None

    def read_frames(self):
        """{address: octets of stack in use from there on}, where a row of .debug_frame begins. None: as many as before,
        counted from another register than sp."""
        rows = {}
        for line in self.tool("readelf", "--debug-dump=frames-interp", self.elf).splitlines():
            begins = re.search(r" FDE .* pc=([0-9a-f]+)", line)
            row = re.match(r"([0-9a-f]{8}) (\w+)\+(\d+) ", line)
            if begins:
                rows[int(begins[1], 16)] = 0
            elif row:
                rows[int(row[1], 16)] = int(row[3]) if row[2] in ("r13", "sp") else None
        return rows

    def kept(self):
        """functions whose address is in a table, a variable or another function's code: where the linker put it"""
        section, found = "", set()
        for line in self.tool("readelf", "-rW", self.elf).splitlines():
            words = line.split()
            if line.startswith("Relocation section"):
                section = words[2].replace("rela", "rel")
            elif section in ("'.rel.text'", "'.rel.data'") and len(words) >= 5 and self.cpu.keeps.match(words[2]):
                found.add(int(words[3], 16) + int("".join(words[5:]) or "0", 16) & ~1)
        if not found:
            raise Unbounded("it was linked without --emit-relocs")
        return found & self.ends.keys()

    def say(self, function):
        return min(self.names[function]).split(":")[1] if function in self.names else "?"


class Graph:
    """Who calls whom, and with how much on the stack: calls[function] = {(depth, callee)}"""

    def __init__(self, image):
        self.image, self.cpu = image, image.cpu
        self.own = dict.fromkeys(image.starts, 0)
        self.calls = {start: set() for start in image.starts}
        self.indirect = []                           # (function, depth, address)
        self.known = {}                              # what deepest() has found
        self.read_code()
        self.resolve()

    def read_code(self):
        start, depth, before = None, 0, ""
        for line in self.image.tool("objdump", "-d", "--no-show-raw-insn", self.image.elf).splitlines():
            found = INSTRUCTION.match(line.split(self.cpu.comment)[0].rstrip())
            at = int(found[1], 16) if found else None
            if found is None or self.image.function(at) is None:
                continue
            if self.image.function(at) != start:
                start, depth, before = self.image.function(at), 0, ""
            code = f"{found[2]}\t{found[3] or ''}".strip()
            if self.image.frames.get(at) is not None:
                depth = self.image.frames[at]
            elif not code.startswith("pop"):         # behind `add sp, rN' in an epilogue
                depth += self.pushed(start, before)
            before = code
            self.own[start] = max(self.own[start], depth)
            self.take(start, depth, at, found[2], (found[3] or "").split(",")[-1].strip())

    def pushed(self, start, code):
        """what an instruction takes from the stack that .debug_frame does not tell of, as in libc's assembly"""
        octets = self.cpu.pushed(code)
        if octets is None and self.cpu.grows.match(code):
            raise Unbounded(f"{self.image.say(start)} has a frame of no fixed size: {code}")
        return octets or 0

    def take(self, start, depth, at, mnemonic, operand):
        if self.cpu.indirect.fullmatch(mnemonic) and operand != "lr":
            self.indirect.append((start, depth, at))
        elif self.cpu.jump.fullmatch(mnemonic):
            target = int(operand, 16)
            callee = self.image.function(target)
            if callee is None:
                raise Unbounded(f"{self.image.say(start)} jumps to {operand}, where no function is")
            if callee != start or (self.cpu.call.fullmatch(mnemonic) and target == start):
                self.calls[start].add((depth, callee))

    # ---- Indirect calls ----------------------------------------------------------------------------------------------

    def resolve(self):
        table = [line.split() for line in CALLS.read_text().splitlines() if line.strip() and line[0] != "#"]
        kept, reached = self.image.kept(), set()

        def targets(caller):
            """the functions that the lines for a caller name; None where there is no line"""
            patterns = [p for row in table if fnmatch.fnmatchcase(caller, row[0]) for p in row[1:]]
            found = {at for at in kept if any(fnmatch.filter(self.image.names[at], p) for p in patterns)}
            reached.update(found)
            return found if patterns else None

        places = self.image.places([at for _, _, at in self.indirect])
        for start, depth, at in self.indirect:
            found = targets(places[at][0])
            if found is None:
                raise Unbounded(f"{CALLS.name} does not say what {places[at][0]} may call")
            self.calls[start].update((depth, callee) for callee in found)
        self.vectors, _ = targets("vectors"), targets("nobody")
        for at in kept - reached:
            raise Unbounded(f"{CALLS.name} does not say who may call {min(self.image.names[at])}")

    # ---- The bound ---------------------------------------------------------------------------------------------------

    def deepest(self, function, above=()):
        """(octets, [functions on the way]) of the deepest way down from a function"""
        if function in above:
            around = [*above[above.index(function):], function]
            raise Unbounded("recursion: " + ", ".join(map(self.image.say, around)))
        if function not in self.known:
            ways = [(self.own[function], [function])]
            for depth, callee in self.calls[function]:
                octets, way = self.deepest(callee, (*above, function))
                ways.append((depth + octets, [function, *way]))
            self.known[function] = max(ways)
        return self.known[function]


def bound(elf):
    """(octets, the deepest way down in words); Unbounded says why there is none"""
    graph = Graph(Image(elf))
    reset = next(at for at, names in graph.image.names.items() if "start.c:reset" in names)
    octets, way = graph.deepest(reset)
    interrupt, above = max(graph.deepest(at) for at in graph.vectors - {reset})
    words = " > ".join(graph.image.say(at) for at in way) + " + interrupt " + " > ".join(map(graph.image.say, above))
    return octets + graph.cpu.entry + interrupt, words


def main():
    for elf in sys.argv[1:]:
        try:
            octets, words = bound(elf)
        except Unbounded as why:
            print(f"{elf}: {why}", file=sys.stderr)
            return 1
        print(f"{elf}: {octets} octets at most: {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

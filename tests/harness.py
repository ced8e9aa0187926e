#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What of a firmware is there only because tests run it, from the linked image alone: the command line in memory, and what reads
settings from it and reports in words. A product has constants instead, and tells in its own way.

    tests/harness.py build/boards/BOARD/mailmote.elf...       prints it, in octets

An instruction is known by the line it was compiled from, wherever that was inlined; a variable or an array by the file that defines
it; a text in quotes by its octets, if no other source of the firmware has the same. What cannot be known that way, as addresses between
the code, counts as the product's.
"""

import pathlib
import re
import sys

import stack

TOP = pathlib.Path(__file__).resolve().parents[1]
FILES = ("boards/settings.c", "boards/words.c", "boards/bare-metal/command_line.c")
TEXT = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+')
SECTION = re.compile(r" \.text +PROGBITS +\w+ (\w+) (\w+) ")
FUNCTION = re.compile(r"[0-9a-f]+ <")
PLACE = re.compile(r"(/.*):\d+( \(discriminator \d+\))?$")
INSTRUCTION = re.compile(r" *[0-9a-f]+:\t([0-9a-f ]+?) *\t(?!\.)")
ENTRY = re.compile(r" <\w+><(\w+)>: .*\((DW_TAG_\w+)\)")


def ours(path):
    return path.endswith(FILES)


def code(image):
    """octets of the instructions that come from these files"""
    counts, found = False, 0
    for line in image.tool("objdump", "-d", "-l", image.elf).splitlines():
        place, instruction = PLACE.match(line), INSTRUCTION.match(line)
        if FUNCTION.match(line):
            counts = False
        elif place:
            counts = ours(place[1])
        elif instruction and counts:
            found += len(instruction[1].replace(" ", "")) // 2
    return found


def variables(image):
    """addresses of the variables and arrays that these files define themselves: of what they include, as the CAs, none"""
    unit, at, tag, places, defined = "", 0, "", {}, set()
    for line in image.tool("readelf", "-W", "--debug-dump=info", image.elf).splitlines():
        entry = ENTRY.match(line)
        if entry:
            at, tag = int(entry[1], 16), entry[2]
        elif tag == "DW_TAG_compile_unit" and " DW_AT_name " in line:
            unit = line.split()[-1]
        elif tag == "DW_TAG_variable" and " DW_AT_decl_file " in line and line.endswith(" 1") and ours(unit):
            defined.add(at)
        elif tag == "DW_TAG_variable" and " DW_AT_abstract_origin:" in line:
            at = int(re.search(r"<0x(\w+)>", line)[1], 16)
        elif tag == "DW_TAG_variable" and (place := re.search(r" DW_AT_location .*\(DW_OP_addr: (\w+)\)$", line)):
            places[int(place[1], 16)] = at
    return {address for address, entry in places.items() if entry in defined}


def texts_of(paths):
    """the string literals of sources, as the octets they are"""
    found = set()
    for path in paths:
        source = re.sub(r"#include.*", "", re.sub(r"(?s)/\*.*?\*/", "", path.read_text()))
        for text in TEXT.findall(source):
            pieces = re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)
            found.add("".join(pieces).encode().decode("unicode_escape").encode("latin-1"))
    return found


def texts(image):
    """octets of the texts that these files alone have"""
    sources = [path for room in ("boards", "core") for path in (TOP / room).rglob("*.c") if "host" not in path.parts]
    own = [path for path in sources if ours(str(path))]
    at, size = (int(number, 16) for number in SECTION.search(image.tool("readelf", "-SW", image.elf)).groups())
    octets = pathlib.Path(image.elf).read_bytes()[at:at + size]
    alone = texts_of(own) - texts_of(set(sources) - set(own))
    whole = (text for text in alone if text and re.search(rb"(?<![ -~])" + re.escape(text) + b"\0", octets))
    return sum(len(text) + 1 for text in whole if b"\0" not in text)


def harness(elf):
    """(octets of flash, octets of RAM)"""
    image = stack.Image(elf)
    rows = [line.split() for line in image.tool("readelf", "-sW", image.elf).splitlines()]
    symbols = [(words[7], int(words[1], 16), int(words[2], 0)) for words in rows if len(words) == 8 and words[0] != "Num:"]
    begins, of = next(at for name, at, _ in symbols if name == "link_data"), variables(image)
    sizes = {(at, size) for _, at, size in symbols if size and at in of}
    flash = code(image) + texts(image) + sum(size for at, size in sizes if at < begins)
    return flash, sum(size for at, size in sizes if at >= begins)


def main():
    for elf in sys.argv[1:]:
        flash, ram = harness(elf)
        print(f"{elf}: {flash:,} of flash, {ram:,} of RAM")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""strip.py FILE: takes from an ELF program what no kernel reads: the section headers, and all that is behind the last segment."""
import pathlib
import struct
import sys

# By the word size that octet 4 tells: the header's fields from the segments' place on, and where in it they stand; a segment's
# first fields, of which `at' and `size' are the places of its offset and its octets in the file.
LAYOUTS = {1: ("IIIHHHHHH", 28, "8I", 1, 4), 2: ("QQIHHHHHH", 32, "IIQQQQQQ", 2, 5)}


def stripped(elf):
    fields, start, segment, at, size = LAYOUTS[elf[4]]
    order = "<>"[elf[5] - 1]
    first, _, flags, header, entry, count, *_ = struct.unpack_from(order + fields, elf, start)
    segments = [struct.unpack_from(order + segment, elf, first + i * entry) for i in range(count)]
    struct.pack_into(order + fields, elf, start, first, 0, flags, header, entry, count, 0, 0, 0)
    return elf[:max(one[at] + one[size] for one in segments)]


def main(file):
    path = pathlib.Path(file)
    elf = bytearray(path.read_bytes())
    if elf[:4] != b"\x7fELF":
        sys.exit(f"{file}: no ELF file: nothing is taken from it")
    path.write_bytes(stripped(elf))


main(*sys.argv[1:])

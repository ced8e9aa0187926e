#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print the footprint of the core as a table in Markdown, and fail where it is over tests/budget.txt.

    tests/size.py --compile 'arm-none-eabi-gcc FLAGS' BUILD/cross/core/*/*.o

text is code and constants; the size of a struct is read from an array of that many octets in an object file. The table
is also in README.md: it fails as well where that is another one.
"""

import argparse
import pathlib
import re
import subprocess
import sys

BUDGET = pathlib.Path("tests/budget.txt")
README = pathlib.Path("README.md")
HEADERS = sorted(pathlib.Path("include").glob("mailmote*.h"))


def output(*command, stdin=None):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True).stdout


def stale(mark, table, slack=0):
    """what is wrong with the README's table between <!-- mark --> and <!-- /mark -->; numbers may differ by slack, or by what
    that says for a number"""
    def words(text):
        return re.split(r"\d[\d,]*", text), [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", text)]

    shown = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- /{mark} -->", README.read_text(), re.S)
    (kind, numbers), (other_kind, others) = words(shown[1] if shown else ""), words(table)
    if kind != other_kind or any(abs(a - b) > (slack(a) if callable(slack) else slack) for a, b in zip(numbers, others)):
        return [f"{README} shows another table: paste this one between its <!-- {mark} --> marks"]
    return []


def sections(objects):
    """{stem of the source: (text, data + bss)}, as `size` counts them"""
    lines = output("arm-none-eabi-size", *objects).splitlines()[1:] if objects else []
    rows = [line.split() for line in lines]
    return {pathlib.Path(row[5]).stem: (int(row[0]), int(row[1]) + int(row[2])) for row in rows}


def struct_sizes(compiler, names, scratch):
    """{struct: octets}; structs that no portable header defines are left out"""
    portable = [h for h in HEADERS if h.name not in ("mailmote_posix.h", "mailmote_lwip.h")]
    text = "".join(h.read_text() for h in portable)
    known = [name for name in names if re.search(rf"^{name} {{", text, re.M)]
    source = "".join(f'#include "{h.name}"\n' for h in portable)
    source += "".join(f"extern char size_{i}[]; char size_{i}[sizeof({name})];\n" for i, name in enumerate(known))
    output(*compiler.split(), "-x", "c", "-c", "-o", scratch, "-", stdin=source)
    symbols = [line.split() for line in output("arm-none-eabi-nm", "-S", scratch).splitlines()]
    sizes = {row[-1]: int(row[1], 16) for row in symbols}
    return {name: sizes[f"size_{i}"] for i, name in enumerate(known)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compile", required=True, metavar="COMMAND")
    parser.add_argument("objects", nargs="*")
    args = parser.parse_args()
    if not args.objects:
        return 0

    budget = [line.split(None, 2) for line in BUDGET.read_text().splitlines() if line and line[0] != "#"]
    parts = sections(args.objects)
    scratch = pathlib.Path(args.objects[0]).parent / "sizes.o"
    structs = struct_sizes(args.compile, [what for kind, _, what in budget if kind == "sizeof"], scratch)

    listed = " ".join(what for kind, _, what in budget if kind == "text").split()
    wrong = [f"core/{part}.c is in no line of {BUDGET}" for part in parts if part not in listed]
    print(f"Octets on a Cortex-M3, arm-none-eabi-gcc {output('arm-none-eabi-gcc', '-dumpversion').strip()} -Os:\n")
    table = ["| what | octets | at most |", "|---|---:|---:|"]
    for kind, limit, what in budget:
        if kind == "text" and all(part in parts for part in what.split()):
            octets = sum(parts[part][0] for part in what.split())
            name = "code: " + ", ".join(what.split())
        elif kind == "data":
            octets = sum(data for _, data in parts.values())
            name = "static variables"
        elif kind == "sizeof" and what in structs:
            octets, name = structs[what], f"`{what}`"
        elif limit == "-":
            continue
        else:
            wrong.append(f"{BUDGET} names {what}, which is not there")
            continue
        table.append(f"| {name} | {octets:,} | {'' if limit == '-' else format(int(limit), ',')} |")
        if limit != "-" and octets > int(limit):
            wrong.append(f"{name}: {octets} octets, {octets - int(limit)} more than {BUDGET} allows")

    print("\n".join(table))
    wrong += stale("size", "\n".join(table))
    for line in wrong:
        print(f"make size: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

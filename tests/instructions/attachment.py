#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print what an octet of an attachment costs in the core on a Cortex-M3, in instructions as QEMU counts them: while the mail is
measured, and while it is sent. Fail over the limit of boards/budget.txt.

    tests/instructions/attachment.py COMPILE...      the compiler and its flags"""
import pathlib
import subprocess
import sys
import tempfile

import machine

SIZES = 100000                                       # the difference, in octets, of the two mails
TOP = machine.HERE.parents[1]
SOURCES = [*sorted(TOP.glob("core/smtp/*.c")), *sorted(TOP.glob("core/message/*.c")), machine.HERE / "attachment.c"]
LINK = ["-Os", "-mcpu=cortex-m3", "-mthumb", "-ffunction-sections", "-fdata-sections", "-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections,--entry=main,--undefined=vectors",
        "-Wl,--section-start=.vectors=0,-Ttext=0x100,-Tdata=0x20000000,-Tbss=0x20001000", "-Wl,--defsym=stack_top=0x20010000"]


def limit():
    [line] = [line.split() for line in machine.BUDGET.read_text().splitlines() if line.startswith("attachment")]
    return float(line[1])


def build(compiler, directory):
    image = directory / "attachment.elf"
    subprocess.run([*compiler, *LINK, *SOURCES, "-o", image], check=True, cwd=TOP)
    symbols = subprocess.run(["arm-none-eabi-nm", image], check=True, stdout=subprocess.PIPE, text=True).stdout
    [mark] = [line.split()[0] for line in symbols.splitlines() if line.lower().endswith(" t mark")]
    return image, int(mark, 16)


def counts(image, mark, directory):
    """instructions at each mark: before and behind measuring, behind sending, of a small mail and of a large one"""
    command = ["qemu-system-arm", "-M", "lm3s6965evb", "-kernel", image, "-display", "none", "-monitor", "none", "-serial", "null",
               "-icount", "shift=0,sleep=off,rr=record,rrfile=events", "-gdb", "stdio", "-S"]
    with subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as qemu:
        try:
            gdb = machine.Gdb(qemu, set())
            found = []
            for _ in range(6):
                if not gdb.until(0, mark, 2):
                    raise machine.Failed("it ended too early")
                found.append(gdb.instructions())
                gdb.until(0, mark + 2, 2)
        finally:
            qemu.kill()
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="mailmote-") as directory:
        image, mark = build(sys.argv[1:], pathlib.Path(directory))
        small, large = (lambda at: (at[:3], at[3:]))(counts(image, mark, directory))
    measuring, sending = ((large[i + 1] - large[i] - small[i + 1] + small[i]) / SIZES for i in range(2))
    print(f"An octet of an attachment takes {measuring:.2f} instructions of the core while it is measured, "
          f"{sending:.2f} while it is sent; at most {limit():g} together")
    return measuring + sending > limit()


if __name__ == "__main__":
    sys.exit(main())

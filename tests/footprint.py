#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print what each firmware of boards/budget.txt takes as a table in Markdown, and fail where one takes more.

Flash and variables are the linked image's, without the harness (tests/harness.py), which has columns of its own. The stack's peak is read by the firmware itself, from the paint that is left
after it has delivered a mail in QEMU: the larger one of a relay with an ECDSA and one with an RSA certificate. The stack's
bound is that of tests/stack.py; it must not be below the peak, and must fit the RAM that the variables leave.
Environment: MAILMOTE_BUILD is where it is built.
"""

import pathlib
import re
import sys
import tempfile

import harness
import size
import stack

sys.path.append(str(pathlib.Path(__file__).with_name("interop")))

import board                                         # noqa: E402
from aio import Aiosmtpd                             # noqa: E402
from cell import BUILD                               # noqa: E402
from pki import Pki                                  # noqa: E402

BUDGET = pathlib.Path("boards/budget.txt")
FIXED_ADDRESS = ["ip=10.0.2.15", "gateway=10.0.2.2"]
# When an interrupt comes makes a difference: the frame of one, and what it calls.
SLACK = 64


class Failed(Exception):
    pass


def firmwares():
    """(flash limit, RAM limit, board, its BOARD_FLAGS); lines that begin with a word are others' budgets"""
    lines = [line.split() for line in BUDGET.read_text().splitlines() if line[:1].isdigit()]
    for flash, ram, name, *flags in lines:
        yield int(flash), int(ram), name, flags


def peak(firmware, server, tls):
    """octets of stack, of one delivery for each kind of certificate"""
    peaks = []
    for port in ("starttls", "rsa") if tls else ("clear",):
        result = firmware.boot(server.ports[port])
        delivered = f"delivered at END, reply 250{', in TLS' if tls else ''}:" in result.console
        if result.status != 0 or not delivered:
            raise Failed(f"no delivery ({port}): {result.console} {result.said}")
        peaks.append(board.stack_used(result.console))
    return max(peaks)


def room(image, prefix):
    """octets of RAM behind the variables"""
    symbols = size.output(f"{prefix}nm", image)
    end, begin = (int(re.search(rf"^(\w+) . {name}$", symbols, re.M)[1], 16) for name in ("link_stack_end", "link_bss_end"))
    return end - begin


def measure(name, flags, directory, server):
    """octets of flash, of variables, of stack, its bound, what room there is for it; and of the harness, whose are not among them"""
    into, tls = pathlib.Path(BUILD, *(flag.removeprefix("-D") for flag in flags)), "-DBOARD_CLEAR" not in flags
    bearssl = pathlib.Path(BUILD, "boards", name, "libbearssl.a")     # none of these flags is its; the board's first row makes it
    board.build(name, into, " ".join(flags), bearssl if flags else "", trust=server.pki.ca if tls else "")
    image = into / "boards" / name / "mailmote.elf"
    firmware = board.Board(name, directory, into, FIXED_ADDRESS if flags else ())
    used = peak(firmware, server, tls)
    of_flash, of_ram = harness.harness(image)
    flash, variables = firmware.sizes()
    return (flash - of_flash, variables - of_ram, used, stack.bound(image)[0], room(image, board.tools(name)[1]), of_flash,
            of_ram)


def over(flash, flash_limit, ram, ram_limit, used, bound, left):
    """what is wrong with these numbers, in words"""
    if flash > flash_limit:
        yield f"{flash:,} octets of flash, {flash - flash_limit:,} more than {BUDGET} allows"
    if ram > ram_limit:
        yield f"{ram:,} octets of RAM, {ram - ram_limit:,} more than {BUDGET} allows"
    if used > bound:
        yield f"the stack took {used:,} octets, and tests/stack.py says that {bound:,} is the most: it misses a call"
    if bound > left:
        yield f"the stack may take {bound:,} octets, and the variables leave {left:,}"


def rows(directory, server, wrong):
    for flash_limit, ram_limit, name, flags in firmwares():
        said = " ".join(f"`{flag}`" for flag in flags)
        try:
            flash, variables, used, bound, left, of_flash, of_ram = measure(name, flags, directory, server)
        except (Failed, stack.Unbounded, AssertionError) as why:      # the last: it does not build
            wrong.append(f"{name} {said}: {why}")
            continue
        ram = variables + used
        wrong += [f"{name} {said}: {what}" for what in over(flash, flash_limit, ram, ram_limit, used, bound, left)]
        yield (f"| {name} | {said} | {flash:,} | {flash_limit:,} | {variables:,} | {used:,} | {bound:,} | {ram:,} | "
               f"{ram_limit:,} | {of_flash:,} | {of_ram:,} |")


def main():
    wrong = []
    table = ["| board | BOARD_FLAGS | flash | at most | variables | stack, peak | stack, bound | RAM | at most | harness, flash "
             "| harness, RAM |", "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    print("\nFirmware, in octets, without the harness; RAM is the variables and the stack's peak of a delivery in QEMU:\n")
    print("\n".join(table))
    with tempfile.TemporaryDirectory(prefix="mailmote-") as directory:
        server = Aiosmtpd(Pki(pathlib.Path(directory)))
        server.start()
        for row in rows(pathlib.Path(directory), server, wrong):
            print(row, flush=True)
            table.append(row)
        server.stop()
    wrong = wrong or size.stale("firmware", "\n".join(table), SLACK)
    for line in wrong:
        print(f"make size: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print the instructions of a delivery, from link-up to the accepted mail, as a table in Markdown: the lines of
boards/budget.txt that begin with `instructions'; and of the longest computation with a public key, in which nothing else
is done. Fail where one is over its limit, where two runs differ, or where the README shows another table."""
import sys

import machine

sys.path.append(str(machine.HERE.parent))

import size                                          # noqa: E402

SLACK = 500                                          # not every change is worth a new table


def count(board, recording, flags):
    server = machine.Server(machine.pcap(recording))
    return machine.count(machine.boot(board, recording, flags, server.port), server)


def main():
    wrong = []
    table = ["| board | compiled with | relay | instructions | at most | longest computation |", "|---|---|---|---:|---:|---:|"]
    print("\n".join(table))
    for limit, board, recording, flags in machine.rows():
        name = f"{board} {recording}"
        try:
            first, second = (count(board, recording, flags) for _ in range(2))
        except machine.Failed as failed:
            wrong.append(f"{name}: {failed}")
            continue
        (all_of_it, longest), compiled = first, " ".join(f"`{flag}`" for flag in flags)
        table.append(f"| {board} | {compiled} | {recording} | {all_of_it:,} | {'' if limit is None else format(limit, ',')} "
                     f"| {format(longest, ',') if longest else ''} |")
        print(table[-1], flush=True)
        if first != second:
            wrong.append(f"{name}: {all_of_it:,} instructions, and {second[0]:,} the second time")
        if limit is not None and all_of_it > limit:
            wrong.append(f"{name}: {all_of_it - limit:,} instructions more than {machine.BUDGET.name} allows")
    wrong = wrong or size.stale("instructions", "\n".join(table), SLACK)
    for line in wrong:
        print(f"make instructions: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

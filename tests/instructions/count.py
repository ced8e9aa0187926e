#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print the instructions of a delivery, from link-up to the accepted mail, as a table in Markdown: the lines of
boards/budget.txt that begin with `instructions'. Fail where one is over its limit, or where two runs differ."""
import sys

import machine


def main():
    wrong = []
    print("| board | compiled with | relay | instructions | at most |\n|---|---|---|---:|---:|")
    for limit, board, recording, flags in machine.rows():
        name = f"{board} {recording}"
        try:
            first, second = (machine.count(board, recording, flags) for _ in range(2))
        except machine.Failed as failed:
            wrong.append(f"{name}: {failed}")
            continue
        compiled = " ".join(f"`{flag}`" for flag in flags)
        print(f"| {board} | {compiled} | {recording} | {first:,} | {'' if limit is None else format(limit, ',')} |",
              flush=True)
        if first != second:
            wrong.append(f"{name}: {first:,} instructions, and {second:,} the second time")
        if limit is not None and first > limit:
            wrong.append(f"{name}: {first - limit:,} instructions more than {machine.BUDGET.name} allows")
    for line in wrong:
        print(f"make instructions: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""Mail without a relay: each case of cases.py is sent once."""
import pytest

from cases import CASES, DEFERRED, FAILED, tls
from net import host


def outcome(world, to, send):
    """what became of a mail to this address: in TLS or clear, at which host, or the verdict"""
    before = len(world.taken())
    said = send(to)
    new = [mail for mail in world.taken()[before:] if to in mail["rcpts"]]
    rows = [line.split("\t") for line in said.stdout.splitlines()]
    assert len(rows) == 1, said.stderr
    verdict, text = rows[0][2], rows[0][4]
    assert (verdict == "delivered") == (len(new) == 1), (rows, new)
    return (f"{'TLS' if new[0]['tls'] else 'clear'}, host {new[0]['host'].rpartition('.')[2]}" if new else verdict), text, said


SENT = [case for case in CASES if case.name != "postfix"]


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.name)
def test_case(world, case):
    came, text, said = outcome(world, f"a@{case.domain}", world.send)
    assert came == case.expected, (text, said.stderr)
    assert case.says in text, said.stderr
    assert said.returncode == {DEFERRED: 75, FAILED: 69}.get(came, 0) or came == DEFERRED, said.stderr

# SPDX-License-Identifier: MIT
"""Mail without a relay: each case of cases.py is sent once."""
import pytest

from cases import CASES, DEFERRED, FAILED


def where(mails):
    """in TLS or clear, at which host"""
    assert len(mails) == 1, mails
    return f"{'TLS' if mails[0]['tls'] else 'clear'}, host {mails[0]['host'].rpartition('.')[2]}"


def outcome(world, to):
    """what became of a mail to this address, where it was taken or the verdict; the text of its line; and all that was said"""
    said = world.send(to)
    rows = [line.split("\t") for line in said.stdout.splitlines()]
    assert len(rows) == 1, said.stderr
    verdict, text = rows[0][2], rows[0][4]
    return where([m for m in world.taken() if to in m["rcpts"]]) if verdict == "delivered" else verdict, text, said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(world, case):
    came, text, said = outcome(world, f"a@{case.domain}")
    assert came == case.expected, (text, said.stderr)
    assert case.says in text, said.stderr
    assert not [m for m in world.taken() if f"a@{case.domain}" in m["rcpts"] and came in (DEFERRED, FAILED)]
    assert (said.returncode == 0) == (came not in (DEFERRED, FAILED)), said.stderr


def test_postfix_does_the_same(world, sender):
    """or cases.py says why not, and POLICY.md"""
    to = {case.name: f"p@{case.domain}" for case in CASES}
    sender.send(*to.values())
    wrong = []
    for case in CASES:
        verdict, why = sender.verdict(to[case.name])
        names = {"deferred": DEFERRED, "bounced": FAILED}
        came = names[verdict] if verdict in names else where([m for m in world.taken() if to[case.name] in m["rcpts"]])
        if came != case.postfix:
            wrong.append(f"{case.name}: {came}, not {case.postfix}: {why}")
    assert not wrong, "\n".join(wrong)

# SPDX-License-Identifier: MIT
"""One, two and three relays of every kind, that stay or change between attempts: what each of them sees and what
becomes of the mail is what POLICY.md says (P1..P6, P12), here in a second wording: expect()."""
import itertools

import pytest

from scripted import close
from scene import CLEAR, RETRY_S, TLS, TLS_RETRY_S, play  # noqa: F401 (a fixture)

# kind -> (script, what it sees, does its TLS fail, does it take the mail, does it fail as a site)
KINDS = {
    "good": ({}, TLS, False, True, False),
    "plain": ({"offers": []}, CLEAR, False, True, False),
    "down": (None, None, False, False, True),
    "refuses TLS": ({"STARTTLS": "454 no"}, "EHLO STARTTLS QUIT", True, False, False),
    "breaks TLS": ({"TLS": close}, "EHLO STARTTLS", True, False, False),
    "loses TLS": ({"+MAIL": close}, "EHLO STARTTLS [EHLO MAIL]", True, False, False),
    "shut": ({"greeting": "554 no"}, "QUIT", False, False, True),
    "busy": ({"+MAIL": "451 later"}, "EHLO STARTTLS [EHLO MAIL QUIT]", False, False, False),
    "full": ({"+.": "452 later"}, TLS, False, False, False),
    "lost early": ({"greeting": close}, "", False, False, True),
}
STAY, BAD, WORST = list(KINDS), ["down", "breaks TLS", "loses TLS", "shut", "busy"], ["down", "refuses TLS", "full"]


def expect(kinds, armed):
    """(dialogues, verdict, does it count as a TLS failure)"""
    seen, failed = [], []
    for name, kind in zip("abc", kinds):
        _, dialogue, tls_fails, takes, _ = KINDS[kind]
        seen += [f"{name}: {dialogue}"] if dialogue is not None else []
        failed += [name] if tls_fails else []
        if takes:
            return seen, "delivered", bool(failed)
    if armed and failed:                             # the first of them takes it: in clear all of them are good
        return seen + [f"{failed[0]}: {CLEAR}"], "delivered", True
    return seen, "deferred", bool(failed)


def attempts(world, *kinds_of_attempts):
    """Attempt after attempt, each with these kinds of relays. A relay that failed as a site is left alone longer than
    a mail waits for TLS (P12): then the attempt is forced."""
    scene, armed, after, sites = world.scene(*([None] * len(kinds_of_attempts[0]))), False, None, 0
    for kinds in kinds_of_attempts:
        scene.play(*(KINDS[kind][0] for kind in kinds))
        early = sites and after == TLS_RETRY_S
        dialogues, verdict, failed = expect(kinds, armed and not early)
        if after is None:
            scene.send(*dialogues, verdict=verdict)
        elif early:
            scene.forced(*dialogues, verdict=verdict)
        else:
            scene.due(*dialogues, verdict=verdict, after=after)
        if verdict == "delivered":
            scene.quiet()
            return
        armed, after = armed or failed, TLS_RETRY_S if failed else RETRY_S
        sites += any(KINDS[kind][4] for kind in kinds)


def chosen():
    """lists of attempts, each a list of the relays' kinds"""
    for one in STAY:                                 # one relay that stays, three attempts
        yield [one], [one], [one]
    for before, after in itertools.permutations(STAY, 2):       # one relay that changes
        if not KINDS[before][3]:
            yield [before], [after], [after]
    for pair in itertools.product(STAY, repeat=2):   # two relays that stay
        if not KINDS[pair[0]][3]:
            yield pair, pair
    for pair in itertools.product(BAD, repeat=2):    # two that change places
        yield pair, pair[::-1], pair
    for three in itertools.product(WORST, repeat=3):
        yield three, three
        yield three, (three[1], three[2], "good")


def name(case):
    return " then ".join(dict.fromkeys(", ".join(kinds) for kinds in case)) + f" ({len(case)})"


CASES = {name(case): (attempts, *case) for case in chosen()}


@pytest.mark.parametrize("case", CASES)
def test_relays(case, play):  # noqa: F811
    play()

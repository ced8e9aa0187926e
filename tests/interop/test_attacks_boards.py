# SPDX-License-Identifier: MIT
"""Attacks on firmware in QEMU: those on the command that a device with one recipient can meet, and silence. A boot lives through many:
its one mail is tried again and again, each connection is another attack, and the last relay is good. So the firmware has
neither crashed nor hung, and has its memory still, when the mail arrives as it was posted.

SHORT is played on BOARD; with ATTACKS=all, all of them are, and a part on the other boards."""
import concurrent.futures
import functools
import itertools
import re
import subprocess
import time

import pytest

import test_attacks_certificates as certificates
from test_attacks_certificates import forged  # noqa: F401 (a fixture)

import test_attacks_replies as replies
import test_attacks_tls as tls
from attack import ALL, Attack, cutter
from board import FALLBACK, SENTENCES, TOP, Board, build_with, content, stack_used
from client import DEFERRED, FAILED, LIMIT_S, OK, new_token
from scripted import Contexts, Relay, silence

BOARD, IN_A_BOOT, SIDE_BY_SIDE = "lm3s6965evb", 12, 4
PART = {"mps2-an385": 10, "rv32-virt": 20, "microbit": 20}    # one attack of so many: a modem takes five seconds to hang up
WORDS = {"clear": ["opportunistic"], "trust": [], "login": ["user=alice", "password=a-secret"]}
WORDS |= {f"implicit {kind}": ["implicit", *WORDS[kind]] for kind in ("trust", "login")}
GOOD = {"clear": {"offers": []}, **dict.fromkeys(("implicit trust", "implicit login"), {"implicit": True})}
STATUS = {"delivered": OK, "failed": FAILED, "deferred": DEFERRED, "in doubt": DEFERRED}
REPORT = re.compile(r"^(delivered|deferred|failed|in doubt) at (.*)$", re.M)


# ---- Which ----------------------------------------------------------------------------------------------------------

def slowly(octets, seconds):
    """with so long before each octet"""
    def action(talk):
        for octet in octets:
            time.sleep(seconds)
            talk.send(bytes([octet]))
    return action


def own():
    """the relay says nothing more, or its reply does not end, until the time is over; or it takes its time"""
    for step in replies.STEPS:
        for inside in (False, True) if step != "greeting" else (False,):
            for what, action in {"silence": silence, "slow": slowly(replies.own(step) + b"-" + b"x" * 1000, 1)}.items():
                name = f"{step}{' inside TLS' if inside else ''}: {what}"
                yield name, Attack(*replies.at(step, action, inside), replies.verdict_of(step), "in time")
    yield "slow, and good", Attack(replies.at("MAIL", slowly(b"250 ok\r\n", 0.2))[0], replies.CLEAR, "delivered")


def kind_of(attack):
    """how the relay is trusted; None where there are more recipients, or P5 would bring a connection that is not the next attack's"""
    seen = attack.seen if isinstance(attack.seen, str) else " ".join(attack.seen)
    if attack.to != ("r",):
        return None
    if attack.trust == "none":
        return "clear" if "STARTTLS" not in seen else None
    return attack.trust if attack.trust in WORDS else None


def attacks():
    """name -> (kind, attack)"""
    inside = {name: attack for name, attack in [*replies.ATTACKS.items(), *own()] if "STARTTLS [" in attack.seen}
    yield from ((name, ("trust", attack)) for name, attack in inside.items())
    for rows in (dict(own()), replies.ATTACKS, tls.ATTACKS, certificates.ATTACKS):
        yield from ((name, (kind_of(attack), attack)) for name, attack in rows.items() if kind_of(attack) and name not in inside)


ATTACKS = dict(attacks())
SHORT = ["greeting: HTTP", "EHLO: a line without end", "EHLO: 17 KB in a line", "offers: 20,000", "MAIL: a refusal in the second line", "MAIL: 354",
         "RCPT: a NUL in the code", "RCPT: half a code", "DATA: 250", ".: 354", ".: a reply without its end", ".: 421, reset", "early: 451 with 354",
         "offers: 127 unknown words", "offers: SIZE 10", "hidden, trust: stripped", "STARTTLS 454", "220 and an octet", "handshake garbage", "alert 40",
         "cut at octet 49 of flight 0", "flood, trust: ServerHellos", "flood, trust: one ServerHello without end", "tls13: trust",
         "EHLO inside TLS: letters", "cut, trust: no line's end", "in clear, trust: a reply", "trust: a record of 16 KB",
         "login: none on offer", "login: 334 and 200 KB", "login: refused, 535"]


def played():
    if not ALL:
        return [(BOARD, name) for name in SHORT]
    return [(BOARD, name) for name in ATTACKS] + [(board, name) for board, part in PART.items() for name in [name for name in ATTACKS if "61 cert" not in name][::part]]


# ---- Played ---------------------------------------------------------------------------------------------------------

class Life:
    """one boot through attacks of a kind; the last of them may be the mail's end"""

    def __init__(self, board, contexts, kind, names, pieces):
        self.names, self.token, relay = names, new_token(), Relay(contexts, "a", [])
        self.relay, good = relay, GOOD.get(kind, {})
        relay.cut = relay.split = cutter(pieces, 1)
        relay.play([*(ATTACKS[name][1].script for name in names), good])
        try:
            self.result = board.boot(relay.port, f"subject={self.token}", f"attempts={len(names) + 1}", *WORDS[kind], limit=2 * LIMIT_S)
            relay.settle()
        finally:
            relay.stop()
        self.said = REPORT.findall(self.result.console)
        self.heard = [f"a: {talk.dialogue()}".strip() for _, talk in relay.log]
        self.story = "\n".join([*names, self.result.console, self.result.said, *self.heard])

    def check(self, name):
        """what came of one attack"""
        attack, at = ATTACKS[name][1], self.names.index(name)
        assert at < len(self.said) and at < len(self.heard), self.story
        verdict, words = self.said[at]
        assert verdict == attack.verdict, self.story
        if attack.code is not None:
            assert f", reply {attack.code}" in words, self.story
        if verdict != "delivered" and not words.endswith(SENTENCES["REFUSED"]):     # that is told in the relay's own words elsewhere
            assert re.search(attack.reason, words), self.story
        assert self.heard[at] in (attack.seen if isinstance(attack.seen, frozenset) else (attack.seen,)), self.story

    def check_end(self, kind, bound):
        """it has lived to the end, with what stack a delivery may take; the mail has arrived, if nobody has refused it"""
        last = self.said[-1][0]
        assert self.result.status == STATUS[last] and last in ("delivered", "failed"), self.story
        assert stack_used(self.result.console) <= bound, self.story
        assert kind == "clear" or not re.search(rb"AUTH|MAIL|RCPT|attacked", self.relay.clear), self.relay.clear
        if last == "delivered":
            assert content(self.token).fullmatch(self.relay.mails[-1][1]), self.relay.mails[-1]


def lives(names):
    """(kind, attacks) of each boot: what ends the mail comes last, and what lets an extension be suspected (P16) alone"""
    for kind in WORDS:
        here = [name for name in names if ATTACKS[name][0] == kind]
        ends = [[name] for name in here if ATTACKS[name][1].verdict in ("delivered", "failed")]
        alone = [[name] for name in here if [name] not in ends and "BDAT" in ATTACKS[name][1].seen]
        others = [name for name in here if [name] not in ends + alone]
        boots = max(len(ends), -(-len(others) // IN_A_BOOT))
        yield from ((kind, [*others[at::boots], *end]) for at, end in zip(range(boots), itertools.chain(ends, itertools.repeat([]))))
        yield from ((kind, names) for names in alone)


@pytest.fixture(scope="module")
def played_out(request, pki, scratch):
    """(board, attack) -> its life, as a future; those of all selected tests, side by side"""
    selected = [item.callspec.params for item in request.session.items if item.module is request.module and "attack" in item.callspec.params]
    if any(each["attack"] in certificates.ATTACKS for each in selected):
        request.getfixturevalue("forged")
    contexts, futures = Contexts(pki), {}
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for name in dict.fromkeys(each["board"] for each in selected):
            into = build_with(name, "fallback", FALLBACK, pki.ca)[1]
            for at, (kind, names) in enumerate(lives([each["attack"] for each in selected if each["board"] == name])):
                life = pool.submit(Life, Board(name, scratch, into), contexts, kind, names, ("whole", "at random")[at % 2])
                futures.update(((name, each), life) for each in names)
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def bounds(pki):
    """what stack a delivery of a board may take at most, as counted in its image without fallback"""
    def bound(name):
        image = build_with(name, "trusting", "", pki.ca)[1] / "boards" / name / "mailmote.elf"
        said = subprocess.run([TOP / "tests/stack.py", image], cwd=TOP, check=True, capture_output=True, text=True).stdout
        return int(re.search(r"(\d+) octets at most", said)[1])
    return functools.lru_cache(bound)


@pytest.mark.parametrize("board, attack", played())
def test_board(board, attack, played_out, bounds):
    life = played_out[board, attack].result()
    life.check(attack)
    life.check_end(ATTACKS[attack][0], bounds(board))

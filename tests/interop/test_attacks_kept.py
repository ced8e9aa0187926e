# SPDX-License-Identifier: MIT
"""Attacks on the second of three mails on one connection: the first one's verdict stands, each is delivered in the end, and
once, unless its row has said that it may have arrived; whatever the second is answered, the third is not taken for it."""
import re
import zlib

import pytest

from attack import CPU_S, MEMORY_KB, Attack, cutter, played
from client import COMMAND
from pretend import environment
from relay import Spool, run
from scripted import Relay, close, reset, say, silence
from test_attacks_replies import LOST, NO_SMTP, TOO_LONG, endless

BODIES = ("one", "two", "three")
OFFERS = {"lock-step": [], "pipelined": ["PIPELINING"], "in one flight": ["PIPELINING", "CHUNKING"]}


def second(*actions):
    """these at the second mail; at others the relay behaves"""
    def action(talk):
        for each in actions if talk.words.count("MAIL") == 2 else (talk.usual(),):
            each(talk) if callable(each) else talk.say(each)
    return action


ANOTHER_CONNECTION = "takes no other mail on this connection"     # which is made in the same run

# step -> name -> (what the relay does, the second mail's verdict, what is told)
AT = {
    "MAIL": {
        "451": (("451 later",), "deferred", ANOTHER_CONNECTION), "550": (("550 no",), "deferred", ANOTHER_CONNECTION),
        "garbage": ((say(b"ok\r\n"), silence), "deferred", NO_SMTP), "354": (("354 go", silence), "deferred", NO_SMTP),
        "the code changes": ((say(b"250-a\r\n550 b\r\n"), silence), "deferred", NO_SMTP), "without end": ((endless(b"250-x\r\n"),), "deferred", TOO_LONG),
    },
    "RCPT": {
        "450": (("450 later",), "deferred", "later"), "550": (("550 no",), "failed", "no"), "lost": ((close,), "deferred", LOST),
        "reset": ((reset,), "deferred", LOST), "half a reply": ((say(b"25"), close), "deferred", LOST),
        "garbage": ((say(b"\0\0\0"), silence), "deferred", NO_SMTP), "17 KB": ((say(b"250 " + b"x" * 17000), silence), "deferred", TOO_LONG),
    },
    ".": {
        "lost": ((close,), "in doubt", LOST), "half a reply": ((say(b"250 taken"), close), "in doubt", LOST),
        "garbage": ((say(b"taken\r\n"), silence), "in doubt", NO_SMTP), "354": (("354 go", silence), "in doubt", NO_SMTP),
        "452": (("452 later",), "deferred", "later"), "554": (("554 no",), "failed", "no"),
        "without end": ((endless(b"250-x\r\n"),), "in doubt", TOO_LONG),
    },
}


def attacks():
    for kind, offers in OFFERS.items():
        for step, rows in AT.items():
            for name, (actions, verdict, told) in rows.items():
                flight = kind == "in one flight"
                if flight and step != "." and verdict != "failed":
                    verdict = "in doubt" if told in (LOST, NO_SMTP, TOO_LONG) else verdict     # the mail has left with its envelope
                yield f"{kind}, {step}: {name}", Attack({"offers": offers, step: second(*actions)}, "", verdict, told)


ATTACKS = dict(attacks())


@pytest.mark.parametrize("name, pieces", played(ATTACKS))
def test_second_mail(tmp_path, name, pieces):
    attack, spool, relay = ATTACKS[name], Spool(tmp_path / "spool"), Relay(None, "a", [])
    seed = zlib.crc32(name.encode()) % 65536 + 1
    recv = {"whole": {}, "one by one": {"RECV": 1}, "at random": {"RECV": -seed}}[pieces]
    ids = [run(COMMAND, "send", "--spool", spool.path, "--helo", "client.example.org", "--from", "", "--raw", "--relay", "127.0.0.1:1", "a@example.test",
               text=f"Subject: {body}\r\n\r\n{body}\r\n".encode()).rows[0][0] for body in BODIES]
    relay.play(attack.script)
    try:
        done = spool.flush(f"127.0.0.1:{relay.port}", options=["--now"], env=environment(CPU_S=CPU_S, MEMORY_KB=MEMORY_KB, **recv))
        relay.settle()
        first, other, third, *more = done.rows
        assert [row[2] for row in more] == ["delivered"] * (attack.reason == ANOTHER_CONNECTION), done.rows
        assert first[2] == third[2] == "delivered" and other[2] == attack.verdict.replace("in doubt", "deferred"), done.rows
        assert re.search(attack.reason, other[4]) and ("may have arrived" in other[4]) == (attack.verdict == "in doubt"), done.rows
        relay.cut = cutter("whole", 0)
        relay.play({"offers": []})
        again = spool.flush(f"127.0.0.1:{relay.port}", options=["--now"])
        relay.settle()
        assert {row[2] for row in again.rows} <= {"delivered"}, again.rows
        assert not [file for file in spool.files() if attack.verdict != "failed"]
    finally:
        relay.stop()
    bodies = [BODIES[ids.index(row[0])].encode() for row in done.rows]
    copies = [sum(b"\r\n\r\n" + body in text for _, text in relay.mails) for body in bodies]
    most = 2 if ", .:" in name or name.startswith("in one flight") else 1
    assert copies[0] == copies[2] == 1 and copies[1] <= most and (copies[1] >= 1 or attack.verdict == "failed"), (copies, done.rows, again.rows)

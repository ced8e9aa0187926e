# SPDX-License-Identifier: MIT
"""A relay has its time at each step (P13, RFC 5321 4.5.3.2): what it says a millisecond before the end of it is heard, and when it has
said nothing by then, the attempt ends. A step's time is not stretched by an octet now and then, and the attempt has an end of
its own, whatever the steps have left."""
import socket
import threading

import pytest

from clock import LIMIT_S
from scene import ATTEMPT_S, CLEAR, CONNECT_S, DATA_S, END_S, REPLY_S, TEXT_S, TLS, TLS_S, play  # noqa: F401 (a fixture)
from scripted import silence

D, IN = "EHLO STARTTLS", "EHLO STARTTLS [EHLO"
MS = 0.001
SILENT, LONG, DOUBT = "the relay did not answer in time", "the attempt took too long", "may have arrived"


def took(scene, seconds):
    """exactly"""
    assert round((scene.left - scene.accepted) / MS) == round(seconds / MS), scene.left - scene.accepted


def usual(talk):
    talk.say(talk.usual())


def late(seconds, then=usual):
    """a millisecond before the end of a time"""
    def action(talk):
        talk.relay.clock.hear(talk.link, seconds - MS)
        then(talk)
    return action


def late_flights(talk):
    """of a handshake: each of the relay's two"""
    def pass_on(data):
        late(TLS_S, lambda talk: talk.link.sendall(data))(talk)
    talk.handshake("ecdsa", pass_on)


def late_login(talk):
    """AUTH LOGIN: each of the relay's three lines"""
    for line, answered in (("334 VXNlcm5hbWU6", True), ("334 UGFzc3dvcmQ6", True), ("235 ok", False)):
        late(REPLY_S, lambda talk: talk.say(line))(talk)
        if answered:
            talk.until(b"\r\n")


# ---- One step --------------------------------------------------------------------------------------------------------

def options(world, kind):
    return {"": (), "login": world.login, "implicit": ["--tls", "implicit"]}[kind]


def given_up(world, kind, script, seen, seconds, reason=SILENT, text=None):
    """seen: up to the step that is not answered"""
    scene = world.scene(script, options=options(world, kind))
    scene.text = text
    done = scene.send(f"a: {seen}", code=None)
    took(scene, seconds)
    assert all(reason in row.text for row in done.rows), done.out


def in_time(world, kind, script, seen, seconds, text=None):
    scene = world.scene(script, options=options(world, kind))
    scene.text = text
    scene.send(f"a: {seen}", verdict="delivered")
    took(scene, seconds)


def up_to(step, dialogue):
    """the part of a dialogue that a relay has heard that is silent at that step"""
    inside = dialogue.index("[") if step.startswith("+") else 0
    end = dialogue.index(step.lstrip("+"), inside) + len(step.lstrip("+"))
    return dialogue[:end] + "]" * ("[" in dialogue[:end])


def steps():
    """(name, where, the rest of the script, the dialogue up to there, all of it, the step's time, the relay's options)"""
    bare, chunking, implicit = {"offers": []}, ["CHUNKING"], {"implicit": True}
    times = {"EHLO": REPLY_S, "MAIL": REPLY_S, "RCPT": REPLY_S, "DATA": DATA_S, ".": END_S}
    for step, seconds in times.items():
        yield step, step, bare, up_to(step, CLEAR), CLEAR, seconds, ""
        yield f"{step} inside TLS", "+" + step, {}, up_to("+" + step, TLS), TLS, seconds, ""
    for name, where, script, seen, rest, seconds, kind in (
            ("greeting", "greeting", bare, "", CLEAR, REPLY_S, ""),
            ("greeting inside TLS", "+greeting", implicit, "[]", f"[{CLEAR}]", REPLY_S, "implicit"),
            ("HELO", "HELO", {**bare, "EHLO": "502 what?"}, "EHLO HELO", " MAIL RCPT DATA . QUIT", REPLY_S, ""),
            ("STARTTLS", "STARTTLS", {}, D, TLS[len(D):], TLS_S, ""),
            ("AUTH", "+AUTH", {}, f"{IN} AUTH]", " MAIL RCPT DATA . QUIT]", REPLY_S, "login"),
            ("BDAT", ".", {"offers": chunking}, "EHLO MAIL RCPT BDAT", " QUIT", END_S, ""),
            ("BDAT inside TLS", "+.", {"+offers": chunking}, f"{IN} MAIL RCPT BDAT]", " QUIT]", END_S, "")):
        yield name, where, script, seen, (rest if rest[0] == "[" else seen.rstrip("]") + rest), seconds, kind


# ---- The text --------------------------------------------------------------------------------------------------------

TEXT = b"Subject: long\r\n\r\n" + 2000 * (70 * b"x" + b"\r\n")   # in more than one piece
BLOCK = 1000


def takes(octets):
    """of what the command says from now on"""
    return lambda talk: talk.relay.clock.take(octets)


def late_blocks(talk):
    for count in range(1, 6):
        late(TEXT_S, takes(BLOCK))(talk)
        while len(talk.buffer) < count * BLOCK:
            talk.read()
    silence(talk)


# ---- Connecting ------------------------------------------------------------------------------------------------------

def deaf(world, meanwhile, seen, seconds):
    """a relay whose queue of connections is full"""
    scene = world.scene(None, {})
    relay = scene.relays[0]
    relay.socket.listen(0)
    full = [socket.socket() for _ in range(4)]       # more than its queue holds
    for each in full:
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", relay.port))
    patience = threading.Thread(target=meanwhile, args=(scene, full), daemon=True)
    patience.start()
    scene.send(*seen, verdict="delivered")
    patience.join(LIMIT_S)
    took(scene, seconds)
    for each in full:
        each.close()


def nothing(scene, full):
    scene.clock.end_wait()


def room(scene, full):
    """in the queue, a millisecond before the end of the time: the system asks again"""
    scene.clock.waits()
    scene.clock.set(scene.clock.now + CONNECT_S - MS)
    queue = scene.relays[0].socket
    for each in full:
        each.close()
    queue.setblocking(False)
    try:
        while True:
            queue.accept()[0].close()
    except BlockingIOError:
        queue.setblocking(True)
    scene.relays[0].play({})


# ---- Many steps ------------------------------------------------------------------------------------------------------

def dribble(world, script, seen, limit_s):
    """an octet now and then does not stretch a step's time"""
    scene = world.scene(script, {})
    scene.send(f"a: {seen}", f"b: {TLS}", verdict="delivered")
    took(scene, limit_s)


def drip(talk):
    for octet in b"220 " + b"x" * 100 + b"\r\n":
        talk.relay.clock.hear(talk.link, 17)
        talk.send(bytes([octet]))


def deadline(world):
    """every reply comes in time, the mail's verdict does not: the attempt ends, no other relay is asked, and the next one begins there"""
    people = "xyz"
    scene = world.scene({"+MAIL": late(REPLY_S), "+RCPT": late(REPLY_S)}, {}, to=people)
    done = scene.send(f"a: {IN} MAIL RCPT RCPT RCPT]", code=None)
    took(scene, ATTEMPT_S)
    assert all(LONG in row.text for row in done.rows), done.out
    scene.play({}, {})
    scene.due(f"b: {TLS.replace('RCPT', 'RCPT RCPT RCPT')}", verdict="delivered")


def deadline_of_a_doubt(world):
    scene = world.scene({"+MAIL": late(REPLY_S), "+RCPT": late(REPLY_S), "+.": silence}, {})
    done = scene.send(f"a: {IN} MAIL RCPT DATA .]", code=None)
    took(scene, ATTEMPT_S)
    assert all(DOUBT in row.text for row in done.rows), done.out


def second_mail(world, script, seen, seconds, verdicts, reason):
    """on a connection: its steps and its attempt have the same times, from when it begins"""
    scene = world.scene(None)
    for name in "second", "first":                   # the latter finds the relay left alone: it has had no attempt (P18)
        scene.to = [f"{name}@example.test"]
        scene.send()
    scene.play(script)
    scene.accepted = scene.clock.now
    done = scene.forced(f"a: {seen}", verdict=verdicts)
    took(scene, seconds)
    assert reason in done.rows[-1].text, done.out


FLIGHT = {"+offers": ["PIPELINING"]}
CASES = {}
for name, where, script, seen, dialogue, seconds, kind in steps():
    CASES[f"{name}, silent"] = given_up, kind, {**script, where: silence}, seen, seconds, DOUBT if seconds == END_S else SILENT
    CASES[f"{name}, late"] = in_time, kind, {**script, where: late(seconds)}, dialogue, seconds - MS
CASES |= {
    "handshake, silent": (given_up, "", {"TLS": silence}, D, TLS_S),
    "handshake, silent, TLS from the beginning": (given_up, "implicit", {"implicit": True, "TLS": silence}, "", TLS_S),
    "handshake, late": (in_time, "", {"TLS": late_flights}, TLS, 2 * (TLS_S - MS)),
    "AUTH LOGIN, each line late": (in_time, "login", {"+offers": ["AUTH LOGIN"], "+AUTH": late_login},
                                   TLS.replace("[EHLO", "[EHLO AUTH"), 3 * (REPLY_S - MS)),
    "QUIT, silent": (in_time, "", {"offers": [], "QUIT": silence}, CLEAR, 0),
    "QUIT inside TLS, silent": (in_time, "", {"+QUIT": silence}, TLS, 0),
    "a flight, silent": (given_up, "", {**FLIGHT, "+MAIL": silence}, f"{IN} MAIL]", REPLY_S),
    "a flight, each reply late": (in_time, "", {**FLIGHT, "+MAIL": late(REPLY_S), "+RCPT": late(REPLY_S), "+DATA": late(DATA_S)},
                                  TLS, 2 * (REPLY_S - MS) + DATA_S - MS),
    **{f"the text{inside}, {how}": (what, "", {**script, mark + "DATA": [takes(0), "354 go", action]}, seen, *more, TEXT)
       for inside, script, mark, dialogue in (("", {"offers": []}, "", CLEAR), (" inside TLS", {}, "+", TLS))
       for how, what, action, seen, *more in (
           ("not taken", given_up, silence, up_to(mark + "DATA", dialogue), TEXT_S, SILENT),
           ("taken late", in_time, late(TEXT_S, takes(-1)), dialogue, TEXT_S - MS))},
    "the text, a block now and then": (given_up, "", {"offers": [], "DATA": [takes(0), "354 go", late_blocks]}, up_to("DATA", CLEAR),
                                       ATTEMPT_S, LONG, TEXT),
    "the text behind BDAT, not taken": (given_up, "", {"offers": ["CHUNKING"], "RCPT": [takes(0), "250 ok", silence]}, up_to("RCPT", CLEAR),
                                        TEXT_S, SILENT, TEXT),
    "QUIT, not taken": (in_time, "", {"offers": [], ".": [takes(0), "250 taken", silence]}, up_to(".", CLEAR), 0),
    "connecting, not answered": (deaf, nothing, [f"b: {TLS}"], CONNECT_S),
    "connecting, late": (deaf, room, [f"a: {TLS}"], CONNECT_S - MS),
    "dribbled greeting": (dribble, {"greeting": drip}, "", REPLY_S),
    "dribbled STARTTLS": (dribble, {"STARTTLS": drip}, D, TLS_S),
    "dribbled MAIL": (dribble, {"+MAIL": drip}, f"{IN} MAIL]", REPLY_S),
    "deadline": (deadline,),
    "deadline of a doubt": (deadline_of_a_doubt,),
    "a second mail, silent": (second_mail, {"+RCPT": {"second": silence}}, f"{IN} MAIL RCPT DATA . MAIL RCPT]", REPLY_S,
                              {"first": "delivered", "second": "deferred"}, SILENT),
    "a second mail, silent at RSET": (second_mail, {"+RCPT": {"first": "550 no"}, "+RSET": silence}, f"{IN} MAIL RCPT RSET]", REPLY_S,
                                      {"first": "failed", "second": "deferred"}, SILENT),
    "a second mail, its attempt": (second_mail, {"+.": late(END_S)}, f"{IN} MAIL RCPT DATA . MAIL RCPT DATA . QUIT]", 2 * (END_S - MS),
                                   {"first": "delivered", "second": "delivered"}, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_time(case, play):  # noqa: F811
    play()

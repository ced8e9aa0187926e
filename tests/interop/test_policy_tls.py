# SPDX-License-Identifier: MIT
"""Every way TLS can fail, on an opportunistic relay: the mail is deferred after STARTTLS alone, a forced attempt is the
same again, and the attempt that is due after the retry time begins with STARTTLS and ends in clear (P2..P5). With a
second relay, the mail is delivered there inside TLS (P3); repaired, inside TLS (P6). A relay that is verified gets
STARTTLS, and nothing else, for ever (P7)."""
import pytest

from scripted import alert, close, cut, hello_then, inject, notify, reset, say, silence, spoil, wire
from scene import CLEAR, RETRY_S, TLS, TLS_RETRY_S, play  # noqa: F401 (a fixture)

GARBAGE = bytes(range(128, 256)) * 4
SSL3_HELLO = bytes.fromhex("16030000320200002e0300") + bytes(32) + bytes.fromhex("00c02b000006ff0100020000")
# alert -> level: fatal, but for close_notify
CODES = (10, 20, 21, 22, 30, *range(40, 52), 60, 70, 71, 80, 86, 90, 100, *range(109, 117), 120, 255)
ALERTS = {0: 1, **dict.fromkeys(CODES, 2)}
REPLIES = ("221", "250", "354", "421", "450", "454", "500", "501", "502", "503", "530", "554")

# name -> (script, what the relay sees of a conversation with STARTTLS, reply code told)
FAULTS = {
    **{f"STARTTLS {code}": ({"STARTTLS": f"{code} no"}, "EHLO STARTTLS QUIT", int(code) if code != "221" else 421)
       for code in REPLIES},
    "STARTTLS 421, close": ({"STARTTLS": ["421 closing", close]}, "EHLO STARTTLS", 421),
    "STARTTLS 220-454": ({"STARTTLS": say(b"220-go\r\n454 no\r\n")}, "EHLO STARTTLS", None),
    "STARTTLS close": ({"STARTTLS": close}, "EHLO STARTTLS", None),
    "STARTTLS reset": ({"STARTTLS": reset}, "EHLO STARTTLS", None),
    "STARTTLS silence": ({"STARTTLS": silence}, "EHLO STARTTLS", None),
    "STARTTLS half a reply": ({"STARTTLS": [say(b"220"), close]}, "EHLO STARTTLS", None),
    "STARTTLS text": ({"STARTTLS": wire(b"Hello, who is there?\r\n")}, "EHLO STARTTLS", None),
    "STARTTLS garbage": ({"STARTTLS": wire(GARBAGE)}, "EHLO STARTTLS", None),
    "STARTTLS HTTP": ({"STARTTLS": [say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), close]}, "EHLO STARTTLS", None),
    "220 and a reply": ({"STARTTLS": inject(b"220 go\r\n250 ok\r\n")}, "EHLO STARTTLS", None),
    "220 and an octet": ({"STARTTLS": inject(b"220 go\r\n\x16")}, "EHLO STARTTLS", None),
    "220 and an alert": ({"STARTTLS": inject(b"220 go\r\n\x15\x03\x03\0\x02\x02\x28")}, "EHLO STARTTLS", None),
    "220, close": ({"TLS": close}, "EHLO STARTTLS", None),
    "220, reset": ({"TLS": reset}, "EHLO STARTTLS", None),
    "220, silence": ({"TLS": silence}, "EHLO STARTTLS", None),
    "handshake close": ({"TLS": hello_then(close)}, "EHLO STARTTLS", None),
    "handshake reset": ({"TLS": hello_then(reset)}, "EHLO STARTTLS", None),
    "handshake text": ({"TLS": hello_then(wire(b"454 TLS not available\r\n"))}, "EHLO STARTTLS", None),
    "handshake garbage": ({"TLS": hello_then(wire(GARBAGE))}, "EHLO STARTTLS", None),
    "handshake SSL 3.0": ({"TLS": hello_then(wire(SSL3_HELLO))}, "EHLO STARTTLS", None),
    **{f"alert {code}": ({"TLS": hello_then(alert(code, level))}, "EHLO STARTTLS", None)
       for code, level in ALERTS.items()},
    **{name: ({"TLS": name}, "EHLO STARTTLS", None) for name in ("nosuite", "tls13", "requires")},
    **{f"handshake cut at {n}": ({"TLS": cut(n)}, "EHLO STARTTLS", None) for n in (1, 5, 70, 10000)},
    "handshake cut at 70, reset": ({"TLS": cut(70, reset)}, "EHLO STARTTLS", None),
    "handshake cut at 70, silence": ({"TLS": cut(70, silence)}, "EHLO STARTTLS", None),
    "handshake without Finished": ({"TLS": cut(0, flight=1)}, "EHLO STARTTLS", None),
    "handshake without Finished, reset": ({"TLS": cut(0, reset, 1)}, "EHLO STARTTLS", None),
    "handshake half of Finished": ({"TLS": cut(20, flight=1)}, "EHLO STARTTLS", None),
    "handshake wrong Finished": ({"TLS": spoil(-1, 1)}, "EHLO STARTTLS", None),
    "handshake wrong signature": ({"TLS": spoil(-10, 0)}, "EHLO STARTTLS", None),
}
SEEN = "EHLO STARTTLS [EHLO MAIL RCPT DATA"
HOW = {"close": close, "reset": reset, "silence": silence, "close_notify": notify, "half a reply": [say(b"25"), close],
       "text on the wire": wire(b"421 closing\r\n"), "garbage on the wire": wire(GARBAGE), "an alert": alert(20),
       "text that is no reply": [say(b"Hello, who is there?\r\n"), silence], "garbage": [say(GARBAGE), silence]}
for step in ("EHLO", "MAIL", "RCPT", "DATA"):
    seen = SEEN[:SEEN.rindex(step)] + step + "]"
    FAULTS.update({f"inside TLS, {step}: {how}": ({"+" + step: action}, seen, None) for how, action in HOW.items()})
for step in ("MAIL", "RCPT", "DATA"):                # sent in one flight
    seen = SEEN[:SEEN.rindex(step)] + step + "]"
    offers = {"+offers": ["PIPELINING"]}
    FAULTS[f"inside TLS, pipelined, {step}: close"] = ({"+" + step: close, **offers}, seen, None)
FAULTS["inside TLS, records that are no longer TLS"] = ({"+EHLO": wire(b"\x17\x03\x03\0\x20" + bytes(32))},
                                                       "EHLO STARTTLS [EHLO]", None)
SOME = [name for name in FAULTS if "alert" not in name or name.endswith(("alert 40", "alert 0"))]


def alone(world, script, seen, code):
    scene = world.scene(script)
    scene.send(f"a: {seen}", code=code)
    first = scene.left
    scene.forced(f"a: {seen}", code=code)
    after = RETRY_S                                  # it ended when the time for a first retry was over
    if scene.left < first + TLS_RETRY_S:
        scene.left, after = first, TLS_RETRY_S       # it puts nothing off (P4)
    scene.due(f"a: {seen}", f"a: {CLEAR}", verdict="delivered", code=250, after=after)


def second(world, script, seen, _):
    world.scene(script, {}).send(f"a: {seen}", f"b: {TLS}", verdict="delivered", code=250)


def repaired(world, script, seen, _):
    scene = world.scene(script)
    scene.send(f"a: {seen}")
    scene.play({})
    scene.due(f"a: {TLS}", verdict="delivered", code=250)


def verified(world, script, seen, code):
    scene = world.scene(script, options=world.trust)
    scene.send(f"a: {seen}", code=code)
    scene.due(f"a: {seen}", code=code)
    scene.due(f"a: {seen}", code=code, after=RETRY_S)
    scene.never_clear()


CASES = {f"{name}, {how.__name__}": (how, *FAULTS[name])
         for how, names in ((alone, FAULTS), (verified, SOME), (repaired, SOME[::2]), (second, SOME)) for name in names}


@pytest.mark.parametrize("case", CASES)
def test_fault(case, play):  # noqa: F811
    play()

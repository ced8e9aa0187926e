# SPDX-License-Identifier: MIT
"""What is no TLS failure never arms the cleartext pass: refusals, losses before STARTTLS and in clear, doubt (P2, P6,
P8, P9). What the cleartext pass itself may meet (P8). Recipients with answers of their own over several relays and
attempts (P10). A relay that failed is left alone (P12)."""
import pytest

from scene import CLEAR, RETRY_S, TLS, TLS_RETRY_S, play  # noqa: F401 (a fixture)
from scripted import close, fin, notify, reset, say, silence, wire

D, REFUSED, IN = "EHLO STARTTLS", "EHLO STARTTLS QUIT", "EHLO STARTTLS [EHLO"
BROKEN = {"STARTTLS": "454 no"}


def not_armed(world, script, seen, code=()):
    """attempt 2 comes after the long wait, begins and ends as attempt 1; so does a forced one"""
    scene = world.scene(script)
    scene.send(f"a: {seen}", code=code)
    scene.due(f"a: {seen}", code=code, after=RETRY_S)
    scene.forced(f"a: {seen}", code=code)
    scene.play({})
    scene.forced(f"a: {TLS}", verdict="delivered")


def not_delivered(world, script, seen):
    """a reply that is none of this command's"""
    world.scene(script).send(f"a: {seen}")


def refused_for_good(world, script, seen, code):
    """nobody else is asked, and nothing is kept"""
    scene = world.scene(script, {})
    scene.send(f"a: {seen}", verdict="failed", code=code)
    scene.forced_nothing()


def second_relay(world, script, seen):
    world.scene(script, {}).send(f"a: {seen}", f"b: {TLS}", verdict="delivered")


def in_doubt(world, script, seen, to=("r",), plain=None):
    """the same mail later, sooner and as `plain` where an extension may be to blame (P16);
    and a TLS failure later is the first"""
    scene = world.scene(script, to=to)
    assert all("may have arrived" in row.text for row in scene.send(f"a: {seen}").rows)
    scene.due(f"a: {plain or seen}", after=TLS_RETRY_S if plain else RETRY_S)
    scene.play(BROKEN)
    scene.forced(f"a: {REFUSED}")
    scene.play({})
    scene.due(f"a: {TLS.replace('RCPT', ' '.join(['RCPT'] * len(to)))}", verdict="delivered")
    texts = {text for _, text in scene.relays[0].mails}
    assert len(texts) == 1 and b"Message-ID" in texts.pop()


def next_behind_a_doubt(world):
    """is the other relay, in another attempt"""
    scene = world.scene({"+.": close}, {})
    scene.send(f"a: {IN} MAIL RCPT DATA .]")
    scene.due(f"b: {TLS}", verdict="delivered", after=RETRY_S)


def in_doubt_for_one(world):
    """the others wait too, as to ask a second relay would be a second submission; a refusal stays"""
    scene = world.scene({"+RCPT": {"y": "450 later", "z": "550 no"}, "+.": close}, {}, to="xyz")
    scene.send(f"a: {rcpts(3, 'DATA .')}", verdict={"x": "deferred", "y": "deferred", "z": "failed"})
    scene.play({}, {})
    scene.due(f"b: {rcpts(2)}", verdict={"x": "delivered", "y": "delivered"}, after=RETRY_S)


def after_the_end(world, script):
    """a 2xx to the end of the mail is final, whatever becomes of QUIT"""
    scene = world.scene(script, {})
    scene.send(f"a: {TLS}", verdict="delivered", code=250)
    scene.forced_nothing()


def clear_pass(world, script, seen, verdict, code=(), then=None):
    """what relay a answers in clear; `then` is what b hears, broken too and good in clear"""
    scene = world.scene(BROKEN, BROKEN)
    scene.send(f"a: {REFUSED}", f"b: {REFUSED}")
    scene.play([BROKEN, script], BROKEN)
    rest = [f"b: {then}"] if then else []
    scene.due(f"a: {REFUSED}", f"b: {REFUSED}", f"a: {seen}", *rest, verdict=verdict, code=code)


def clear_pass_alone(world, script, seen):
    """deferred, and tried with STARTTLS first, again and again"""
    scene = world.scene([BROKEN, script])
    scene.send(f"a: {REFUSED}")
    for after in (TLS_RETRY_S, RETRY_S):
        scene.play([BROKEN, script])
        scene.due(f"a: {REFUSED}", f"a: {seen}", after=after)
    scene.play({})
    scene.forced(f"a: {TLS}", verdict="delivered")


def plain_speech(world, script, first, then=TLS, verdict="delivered", code=250):
    """an extension that is offered and does not work: nobody is failed for it, and the next attempt is without (P16)"""
    scene = world.scene(script)
    scene.send(f"a: {first}")
    scene.due(f"a: {then}", verdict=verdict, code=code)


def one_cannot_carry_it(world, script, other, text=None):
    """the next relay takes it; it fails only when each has said that it cannot (P10)"""
    seen = f"{IN} QUIT]"
    scene = world.scene(script, other)
    scene.text = text
    scene.send(f"a: {seen}", f"b: {TLS}", verdict="delivered")
    scene = world.scene(script, None)
    scene.text = text
    scene.send(f"a: {seen}")
    scene.play(script, script)
    scene.forced(f"a: {seen}", f"b: {seen}", verdict="failed")


def one_recipient_is_not_ascii(world):
    """the others are served by the relay that cannot have it, and it by the next; alone at one relay, it fails"""
    two = world.scene({}, {"+offers": ["SMTPUTF8", "8BITMIME"]}, to=("r", "r\u00fc"))
    one = world.scene({}, to=("r", "r\u00fc"))
    one.text = two.text = b"Subject: text\r\n\r\ntext\r\n"
    two.send(f"a: {TLS}", f"b: {TLS}", verdict="delivered")
    one.send(f"a: {TLS}", verdict={"r": "delivered", "r\u00fc": "failed"})


def trouble_of_the_relay(world, script, seen, code):
    """whatever it is an answer to: no verdict of the mail, the next relay is asked, and the relay is left alone (P10, P12)"""
    scene = world.scene(script, BROKEN)
    scene.send(f"a: {seen}", f"b: {REFUSED}")
    scene.send(f"b: {REFUSED}")
    world.scene(script).send(f"a: {seen}", code=code)


def verified_left_alone(world, script, seen):
    """no mail can use it then: left alone as long as its mail waits for TLS, and then as any that fails"""
    scene = world.scene(script, options=world.trust)
    scene.send(f"a: {seen}")
    first = scene.left
    scene.send()
    scene.left = first
    scene.wait(TLS_RETRY_S)
    scene.send(f"a: {seen}")
    scene.wait(TLS_RETRY_S)
    scene.send()


# ---- Recipients ------------------------------------------------------------------------------------------------------

def rcpts(count, end="DATA . QUIT"):
    return f"{IN} MAIL {'RCPT ' * count}{end}]"


def asked(relay):
    return [tuple(words) for words, _ in relay.mails]


def over_two_relays(world):
    """450 at a is asked at b in the same attempt, 250 and 550 are not"""
    scene = world.scene({"+RCPT": {"y": "450 later", "z": "550 no"}}, {}, to="xyz")
    scene.send(f"a: {rcpts(3)}", f"b: {rcpts(1)}", verdict={"x": "delivered", "y": "delivered", "z": "failed"})
    assert asked(scene.relays[0]) == [("x", "y", "z")] and asked(scene.relays[1]) == [("y",)]


def final_at_the_second(world):
    scene = world.scene({"+RCPT": {"x": "450 later", "y": "452 later"}}, {"+RCPT": {"y": "550 no"}}, to="xy")
    scene.send(f"a: {rcpts(2, 'QUIT')}", f"b: {rcpts(2)}", verdict={"x": "delivered", "y": "failed"})


def three_attempts(world):
    """one recipient leaves after the other"""
    late = {"x": "450 later", "y": "450 later", "z": "450 later"}
    scene = world.scene({"+RCPT": late}, to="xyz")
    scene.send(f"a: {rcpts(3, 'QUIT')}")
    scene.play({"+RCPT": {"y": "450 later", "z": "450 later"}})
    scene.due(f"a: {rcpts(3)}", verdict={"x": "delivered", "y": "deferred", "z": "deferred"}, after=RETRY_S)
    scene.play({"+RCPT": {"y": "550 no"}})
    scene.forced(f"a: {rcpts(2)}", verdict={"y": "failed", "z": "delivered"})
    scene.forced_nothing()


def busy_not_in_clear(world):
    """whom a relay put off inside TLS, it is not asked about in clear in that attempt"""
    scene = world.scene({"+RCPT": {"y": "450 later"}, "+DATA": close}, to="xy")
    scene.send(f"a: {rcpts(2, 'DATA')}")
    scene.due(f"a: {rcpts(2, 'DATA')}", f"a: {CLEAR}", verdict={"x": "delivered", "y": "deferred"})
    assert asked(scene.relays[0]) == [("x",)]
    scene.play({})
    scene.due(f"a: {TLS}", verdict={"y": "delivered"}, after=RETRY_S)


def refused_then_lost(world):
    """a 550 inside TLS stays, though the session was lost after it"""
    scene = world.scene({"+RCPT": {"y": "550 no"}, "+DATA": close}, to="xy")
    scene.send(f"a: {rcpts(2, 'DATA')}", verdict={"x": "deferred", "y": "failed"})
    scene.due(f"a: {rcpts(1, 'DATA')}", f"a: {CLEAR}", verdict={"x": "delivered"})


def somebody_took_it(world):
    """then there is no cleartext pass for those who are left"""
    scene = world.scene(BROKEN, BROKEN, to="xy")
    scene.send(f"a: {REFUSED}", f"b: {REFUSED}")
    scene.play(BROKEN, {"+RCPT": {"y": "450 later"}})
    scene.due(f"a: {REFUSED}", f"b: {rcpts(2)}", verdict={"x": "delivered", "y": "deferred"})
    scene.due(f"a: {REFUSED}", f"b: {rcpts(1, 'QUIT')}", f"a: {CLEAR}", verdict={"y": "delivered"}, after=RETRY_S)
    assert asked(scene.relays[0]) == [("y",)]


def refusal_is_not_taking(world):
    """b refuses y for good and takes nobody: x has its cleartext pass"""
    scene = world.scene(BROKEN, BROKEN, to="xy")
    scene.send(f"a: {REFUSED}", f"b: {REFUSED}")
    scene.play(BROKEN, {"+RCPT": {"x": "450 later", "y": "550 no"}})
    scene.due(f"a: {REFUSED}", f"b: {rcpts(2, 'QUIT')}", f"a: {CLEAR}", verdict={"x": "delivered", "y": "failed"})


def clear_recipients(world):
    """answers in the cleartext pass count as others do"""
    scene = world.scene({**BROKEN, "RCPT": {"y": "450 later", "z": "550 no"}}, to="xyz")
    scene.send(f"a: {REFUSED}")
    seen = "EHLO MAIL RCPT RCPT RCPT DATA . QUIT"
    scene.due(f"a: {REFUSED}", f"a: {seen}", verdict={"x": "delivered", "y": "deferred", "z": "failed"})
    scene.play({})
    scene.due(f"a: {TLS}", verdict={"y": "delivered"}, after=RETRY_S)


# ---- Relays over time ------------------------------------------------------------------------------------------------

def left_alone(world, script, seen, seconds=0):
    """so many seconds later, another mail does not ask it, only the other relay"""
    scene = world.scene(script, BROKEN)
    scene.send(f"a: {seen}", f"b: {REFUSED}")
    scene.wait(seconds)
    scene.send(f"b: {REFUSED}")
    scene.play({}, {})
    scene.send(f"b: {TLS}", verdict="delivered")


def cleared(world):
    """by one success, here of a forced attempt; and a wait that is over is no more"""
    scene = world.scene({"greeting": "554 no"})
    scene.send("a: QUIT")
    scene.play({})
    scene.forced(f"a: {TLS}", verdict="delivered")
    scene.send(f"a: {TLS}", verdict="delivered")
    scene.play({"greeting": "554 no"})
    scene.send("a: QUIT")
    scene.wait(RETRY_S)
    scene.play({})
    scene.send(f"a: {TLS}", verdict="delivered")


def not_left_alone(world, script, seen):
    """TLS trouble and a mail's own refusal are not the site's"""
    scene = world.scene(script)
    scene.send(f"a: {seen}")
    scene.play({})
    scene.send(f"a: {TLS}", verdict="delivered")


def unknown(world):
    """a relay without an address arms nothing either (P6)"""
    scene = world.scene(BROKEN)
    known, scene.words = scene.words, ["--relay", "x" * 64 + ".invalid"]
    scene.send()
    scene.words = known
    scene.due(f"a: {REFUSED}", after=RETRY_S)
    scene.due(f"a: {REFUSED}", f"a: {CLEAR}", verdict="delivered")


PLAIN = f"{IN} MAIL RCPT DATA .]"
BEFORE = {"close": close, "reset": reset, "silence": silence, "text": wire(b"Hello\r\n"),
          "half a reply": [say(b"25"), close]}
EHLO_AND_220 = wire(b"250-relay.test\r\n250 STARTTLS\r\n220 go\r\n")
CASES = {
    **{f"{where}: {how}": (not_armed, {where: action}, seen) for where, seen in (("greeting", ""), ("EHLO", "EHLO"))
       for how, action in BEFORE.items()},
    **{f"in clear, {step}: {how}": (not_armed, {"offers": [], step: action}, CLEAR[:CLEAR.index(step) + len(step)])
       for step in ("MAIL", "RCPT", "DATA") for how, action in BEFORE.items()},
    "greeting 421": (not_armed, {"greeting": "421 no"}, "QUIT", 421),
    "greeting 554": (not_armed, {"greeting": "554 no"}, "QUIT", 554),
    "EHLO 421": (not_armed, {"EHLO": "421 no"}, "EHLO QUIT", 421),
    "EHLO and HELO 550": (not_armed, {"EHLO": "550 no", "HELO": "550 no"}, "EHLO HELO QUIT", 550),
    "EHLO's last segment is the end": (not_armed, {"EHLO": fin}, "EHLO"),
    "220 before STARTTLS": (not_armed, {"EHLO": EHLO_AND_220}, "EHLO"),
    "EHLO 421 inside TLS": (not_armed, {"+EHLO": "421 no"}, f"{IN} QUIT]", 421),
    "EHLO 451 inside TLS": (not_armed, {"+EHLO": ["451 no"]}, f"{IN} QUIT]", 451),
    "EHLO and HELO 550 inside TLS": (not_armed, {"+EHLO": "550 no", "+HELO": "550 no"}, f"{IN} HELO QUIT]", 550),
    "MAIL 451": (not_armed, {"+MAIL": "451 no"}, f"{IN} MAIL QUIT]", 451),
    "MAIL 421, close": (not_armed, {"+MAIL": ["421 no", close]}, f"{IN} MAIL]", 421),
    "RCPT 552": (not_armed, {"+RCPT": "552 too many"}, f"{IN} MAIL RCPT QUIT]", 552),
    **{f"{step} {code}: the relay's trouble": (trouble_of_the_relay, {"+" + step: f"{code} bye"}, seen, code)
       for code in (421,) for step, seen in (("EHLO", f"{IN} QUIT]"), ("MAIL", f"{IN} MAIL QUIT]"),
                                             ("RCPT", f"{IN} MAIL RCPT QUIT]"),
                                             ("DATA", f"{IN} MAIL RCPT DATA QUIT]"), (".", TLS))},
    "SIZE, second relay": (one_cannot_carry_it, {"+offers": ["SIZE 10"]}, {}),
    "8BITMIME, second relay": (one_cannot_carry_it, {}, {"+offers": ["8BITMIME"]}, b"Content-Type: x/y\r\n\r\n\xc3\xbc\r\n"),
    "one recipient is not ASCII": (one_recipient_is_not_ascii,),
    "RCPT 450": (not_armed, {"+RCPT": "450 no"}, f"{IN} MAIL RCPT QUIT]", 450),
    "DATA 451": (not_armed, {"+DATA": "451 no"}, f"{IN} MAIL RCPT DATA QUIT]", 451),
    "end 452": (not_armed, {"+.": "452 no"}, TLS, 452),
    **{f"{step} {what}": (not_delivered, {"+" + step: what}, f"{IN}{seen}]") for step, what, seen in (
        ("MAIL", "354 go", " MAIL"), ("RCPT", "354 go", " MAIL RCPT"), ("DATA", "250 ok", " MAIL RCPT DATA"),
        ("MAIL", "250 ok\r\n250 ok", " MAIL"), ("EHLO", "250 relay.test\r\n250 ok", ""))},
    **{f"{step} {code}": (refused_for_good, {"+" + step: f"{code} no"}, seen, code) for step, code, seen in (
        ("MAIL", 550, f"{IN} MAIL QUIT]"), ("RCPT", 550, f"{IN} MAIL RCPT QUIT]"),
        ("DATA", 554, f"{IN} MAIL RCPT DATA QUIT]"), (".", 554, TLS))},
    **{f"{step} {code}, second relay": (second_relay, {"+" + step: f"{code} no"}, seen) for step, code, seen in (
        ("MAIL", 451, f"{IN} MAIL QUIT]"), ("RCPT", 450, f"{IN} MAIL RCPT QUIT]"),
        ("DATA", 451, f"{IN} MAIL RCPT DATA QUIT]"), (".", 452, TLS), ("EHLO", 451, f"{IN} QUIT]"))},
    **{f"in doubt: {how}": (in_doubt, {"+.": action}, f"{IN} MAIL RCPT DATA .]") for how, action in {
        "close": close, "reset": reset, "silence": silence, "close_notify": notify,
        "half a reply": [say(b"250"), close],
        "garbage": [say(b"Hello\r\n"), silence], "354": ["354 go", silence], "no TLS": wire(b"250 taken\r\n")}.items()},
    "in doubt: BDAT": (in_doubt, {"+.": close, "+offers": ["CHUNKING"]}, f"{IN} MAIL RCPT BDAT]", "r", PLAIN),
    "in doubt: pipelined": (in_doubt, {"+.": close, "+offers": ["CHUNKING", "PIPELINING"]}, f"{IN} MAIL RCPT BDAT]", "r",
                            PLAIN),
    **{f"plain speech: {name}": (plain_speech, *case) for name, case in {
        "BDAT 502": ({"+BDAT": "502 what?", "+offers": ["CHUNKING"]}, f"{IN} MAIL RCPT BDAT QUIT]"),
        "BDAT silent": ({"+BDAT": silence, "+offers": ["CHUNKING"]}, f"{IN} MAIL RCPT BDAT]"),
        "RCPT 503": ({"+RCPT": "503 what?", "+offers": ["PIPELINING"]}, f"{IN} MAIL RCPT DATA . QUIT]", f"{IN} MAIL RCPT QUIT]", "failed",
                     503)}.items()},
    "in doubt: in clear": (in_doubt, {"offers": [], ".": close}, "EHLO MAIL RCPT DATA ."),
    "in doubt: two recipients": (in_doubt, {"+.": close}, f"{IN} MAIL RCPT RCPT DATA .]", "xy"),
    "in doubt for one": (in_doubt_for_one,), "next behind a doubt": (next_behind_a_doubt,),
    **{f"QUIT: {how}": (after_the_end, {"+QUIT": action}) for how, action in {
        "close": close, "reset": reset, "silence": silence, "500": "500 what?", "garbage": wire(b"garbage")}.items()},
    **{f"in clear: {name}": (clear_pass, *case) for name, case in {
        "530": ({"MAIL": "530 no"}, "EHLO MAIL QUIT", "delivered", 250, CLEAR),
        "530 to RCPT": ({"RCPT": "530 no"}, "EHLO MAIL RCPT QUIT", "delivered", 250, CLEAR),
        "550": ({"MAIL": "550 no"}, "EHLO MAIL QUIT", "failed", 550),
        "550 to RCPT": ({"RCPT": "550 no"}, "EHLO MAIL RCPT QUIT", "failed", 550),
        "451": ({"MAIL": "451 no"}, "EHLO MAIL QUIT", "delivered", 250, CLEAR),
        "greeting 554": ({"greeting": "554 no"}, "QUIT", "delivered", 250, CLEAR),
        "greeting 421": ({"greeting": "421 no"}, "QUIT", "delivered", 250, CLEAR),
        "EHLO 550": ({"EHLO": "550 no"}, "EHLO HELO MAIL RCPT DATA . QUIT", "delivered"),
        "EHLO and HELO 550": ({"EHLO": "550 no", "HELO": "550 no"}, "EHLO HELO QUIT", "delivered", 250, CLEAR),
        "lost": ({"MAIL": close}, "EHLO MAIL", "delivered", 250, CLEAR),
        "lost at the end": ({".": close}, "EHLO MAIL RCPT DATA .", "deferred", None),
        "end 452": ({".": "452 no"}, CLEAR, "delivered", 250, CLEAR),
        "end 554": ({".": "554 no"}, CLEAR, "failed", 554)}.items()},
    **{f"in clear, alone: {name}": (clear_pass_alone, *case) for name, case in {
        "530": ({"MAIL": "530 no"}, "EHLO MAIL QUIT"), "530 to DATA": ({"DATA": "530 no"}, "EHLO MAIL RCPT DATA QUIT"),
        "451": ({"MAIL": "451 no"}, "EHLO MAIL QUIT"), "lost": ({"MAIL": close}, "EHLO MAIL")}.items()},
    **{what.__name__.replace("_", " "): (what,) for what in (
        over_two_relays, final_at_the_second, three_attempts, busy_not_in_clear, refused_then_lost, somebody_took_it,
        refusal_is_not_taking, clear_recipients)},
    **{f"left alone: {name}": (left_alone, *case) for name, case in {
        "greeting": ({"greeting": "554 no"}, "QUIT"), "EHLO": ({"EHLO": "421 no"}, "EHLO QUIT"),
        "lost": ({"greeting": close}, ""), "silent at MAIL": ({"offers": [], "MAIL": silence}, "EHLO MAIL"),
        "since it failed, not since it was asked": ({"greeting": silence}, "", RETRY_S / 2)}.items()},
    "cleared": (cleared,),
    **{f"not left alone: {name}": (not_left_alone, *case) for name, case in {
        "TLS": ({"TLS": close}, D), "silent in TLS": ({"+MAIL": silence}, f"{IN} MAIL]"),
        "MAIL 451": ({"+MAIL": "451 no"}, f"{IN} MAIL QUIT]")}.items()},
    **{f"verified, left alone: {name}": (verified_left_alone, *case) for name, case in {
        "refused": (BROKEN, REFUSED), "certificate": ({"TLS": "expired"}, D),
        "lost": ({"+MAIL": close}, f"{IN} MAIL]")}.items()},
    "unknown": (unknown,),
}


@pytest.mark.parametrize("case", CASES)
def test_mail(case, play):  # noqa: F811
    play()

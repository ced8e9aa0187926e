# SPDX-License-Identifier: MIT
"""POLICY.md section 5, row by row, and one real specimen: a mail server whose every handshake fails."""
import socket

import pytest

from client import new_token
from scripted import alert, close, hello_then, silence, wire
from scene import CLEAR, RETRY_S, TLS, TLS_RETRY_S, Scene, play, troupe_of  # noqa: F401 (a fixture)

D, REFUSED = "EHLO STARTTLS", "EHLO STARTTLS QUIT"
BROKEN = {"STARTTLS": "454 4.7.0 TLS not available"}
CERTIFICATES = ("ecdsa", "rsa", "expired", "stranger", "selfsigned", "wrongname", "tls10", "tls11", "asks")


def any_certificate(world, name):
    world.scene({"TLS": name}).send(f"a: {TLS}", verdict="delivered", code=250)


def warning(world):
    """an alert that only warns, before the handshake, changes nothing; behind the 220 in one piece it would be an injection"""
    def warned(talk):
        talk.link.recv(1, socket.MSG_PEEK)
        talk.link.sendall(bytes([21, 3, 3, 0, 2, 1, 112]))
        talk.handshake("ecdsa")
    world.scene({"TLS": warned}).send(f"a: {TLS}", verdict="delivered")


def multi_line_220(world):
    world.scene({"STARTTLS": "220-wait for it\r\n220 go"}).send(f"a: {TLS}", verdict="delivered")


def again_inside(world):
    """STARTTLS is offered inside TLS, and not used"""
    world.scene({"+offers": ["STARTTLS"]}).send(f"a: {TLS}", verdict="delivered")


def offers_forgotten(world, before, inside, seen):
    """what EHLO said before TLS (P14)"""
    world.scene({"offers": ["STARTTLS", *before], "+offers": inside}).send(f"a: {D} [{seen}]", verdict="delivered")


def not_offered(world, script, seen):
    scene = world.scene(script)
    scene.send(f"a: {seen}", verdict="delivered")
    assert len(scene.relays[0].mails) == 1


def broken(world, script, seen):
    scene = world.scene(script)
    scene.send(f"a: {seen}")
    scene.due(f"a: {seen}", f"a: {CLEAR}", verdict="delivered")


def first_broken(world):
    world.scene(BROKEN, {}).send(f"a: {REFUSED}", f"b: {TLS}", verdict="delivered")


def both_broken(world):
    scene = world.scene(BROKEN, {"TLS": close})
    scene.send(f"a: {REFUSED}", f"b: {D}")
    scene.due(f"a: {REFUSED}", f"b: {D}", f"a: {CLEAR}", verdict="delivered")


def repaired(world):
    scene = world.scene(BROKEN)
    scene.send(f"a: {REFUSED}")
    scene.play({})
    scene.due(f"a: {TLS}", verdict="delivered")


def late_failure(world):
    """down at attempt 1; the first TLS failure at attempt 2 does not count in it"""
    scene = world.scene(None)
    scene.send()
    scene.play(BROKEN)
    scene.due(f"a: {REFUSED}", after=RETRY_S)
    scene.due(f"a: {REFUSED}", f"a: {CLEAR}", verdict="delivered")


def forced(world, *waits):
    """so many seconds after the last attempt, and before the retry time: not in clear. That counts from the end of the attempt in
    which TLS failed first (P4)"""
    scene = world.scene(BROKEN)
    scene.send(f"a: {REFUSED}")
    first = scene.left
    for seconds in waits:
        scene.wait(seconds)
        scene.forced(f"a: {REFUSED}")
    scene.left = first                               # and the next one is not put off
    scene.due(f"a: {REFUSED}", f"a: {CLEAR}", verdict="delivered")


def forced_late(world):
    """a forced attempt is armed by the time since the first TLS failure, as any other (P5)"""
    scene = world.scene(BROKEN)
    scene.send(f"a: {REFUSED}")
    scene.wait(TLS_RETRY_S)
    scene.forced(f"a: {REFUSED}", f"a: {CLEAR}", verdict="delivered")


def credentials(world, script, seen):
    seen = seen.replace("[EHLO ", "[EHLO AUTH ")
    scene = world.scene(script, options=world.login)
    scene.send(f"a: {seen}")
    scene.due(f"a: {seen}")
    scene.due(f"a: {seen}", after=RETRY_S)
    scene.never_clear()


def wants_first(world, where, seen):
    """530 in TLS: a login is wanted that is not given (RFC 4954 6), which says nothing of the mail"""
    scene = world.scene({"+" + where: "530 5.7.0 Authentication required"})
    scene.send(f"a: {seen}", code=530)
    scene.due(f"a: {seen}", code=530, after=RETRY_S)
    scene.play({})
    scene.due(f"a: {TLS}", verdict="delivered", after=RETRY_S)


def clear_530(world, where, seen):
    """the cleartext pass is answered with 530: tried again, with STARTTLS first"""
    scene = world.scene({**BROKEN, where: "530 5.7.0 Must issue a STARTTLS command first"})
    scene.send(f"a: {REFUSED}", code=454)
    scene.due(f"a: {REFUSED}", f"a: {seen}", code=530)
    scene.due(f"a: {REFUSED}", f"a: {seen}", code=530, after=RETRY_S)
    scene.play({})
    scene.due(f"a: {TLS}", verdict="delivered", after=RETRY_S)


def lost_after_the_dot(world):
    """no second submission, the same mail later; and doubt does not arm: a TLS failure after it is the first"""
    scene = world.scene({"+.": close}, {})
    seen = "EHLO STARTTLS [EHLO MAIL RCPT DATA .]"
    assert "may have arrived" in scene.send(f"a: {seen}").rows[0].text
    scene.play(BROKEN, None)
    scene.due(f"a: {REFUSED}", after=RETRY_S)
    scene.due(f"a: {REFUSED}", f"a: {CLEAR}", verdict="delivered")
    first, second = (text for _, text in scene.relays[0].mails)
    assert first == second and b"Message-ID" in first


def recipients(world):
    """RCPT a 250, b 450, c 550"""
    scene = world.scene({"+RCPT": {"b": "450 4.2.1 later", "c": "550 5.1.1 gone"}}, to="abc")
    scene.send(f"a: {D} [EHLO MAIL RCPT RCPT RCPT DATA . QUIT]",
               verdict={"a": "delivered", "b": "deferred", "c": "failed"})
    scene.play({})
    scene.due(f"a: {TLS}", verdict={"b": "delivered"}, after=RETRY_S)
    assert [asked for asked, _ in scene.relays[0].mails] == [("a", "b", "c"), ("b",)]


def next_mail(world):
    """nothing sticks (P6)"""
    scene = world.scene(BROKEN)
    scene.send(f"a: {REFUSED}")
    scene.due(f"a: {REFUSED}", f"a: {CLEAR}", verdict="delivered")
    scene.send(f"a: {REFUSED}")


LOST = {step: ({"+" + step: close}, f"EHLO STARTTLS [{seen}]")
        for step, seen in (("EHLO", "EHLO"), ("MAIL", "EHLO MAIL"), ("RCPT", "EHLO MAIL RCPT"),
                           ("DATA", "EHLO MAIL RCPT DATA"))}
BREAKS = {**{code: ({"STARTTLS": f"{code} no"}, REFUSED) for code in ("454", "501", "554")},
          "close": ({"TLS": close}, D), "garbage": ({"TLS": hello_then(wire(b"\x80\0garbage"))}, D),
          "alert": ({"TLS": hello_then(alert(40))}, D), "silence": ({"TLS": silence}, D), **LOST}
CASES = {
    **{f"any certificate: {name}": (any_certificate, name) for name in CERTIFICATES},
    "a warning": (warning,),
    "a 220 of two lines": (multi_line_220,),
    "STARTTLS offered again inside": (again_inside,),
    "offers before TLS": (offers_forgotten, ["PIPELINING", "CHUNKING", "SIZE 10"], [], "EHLO MAIL RCPT DATA . QUIT"),
    "offers inside TLS": (offers_forgotten, [], ["PIPELINING", "CHUNKING"], "EHLO MAIL RCPT BDAT QUIT"),
    "STARTTLS not offered": (not_offered, {"offers": []}, CLEAR),
    "EHLO unknown": (not_offered, {"EHLO": "502 what?"}, "EHLO HELO MAIL RCPT DATA . QUIT"),
    "EHLO unknown inside TLS": (not_offered, {"+EHLO": "502 what?"}, "EHLO STARTTLS [EHLO HELO MAIL RCPT DATA . QUIT]"),
    **{f"broken: {name}": (broken, *case) for name, case in BREAKS.items()},
    **{f"credentials: {name}": (credentials, *case) for name, case in BREAKS.items()},
    "first broken, second good": (first_broken,),
    "both broken": (both_broken,),
    "broken, then repaired": (repaired,),
    "down, then broken": (late_failure,),
    "forced at once": (forced, 0, 0, 0),
    "forced in between": (forced, TLS_RETRY_S / 2),
    "forced after the retry time": (forced_late,),
    "530 to MAIL in TLS": (wants_first, "MAIL", "EHLO STARTTLS [EHLO MAIL QUIT]"),
    "530 to RCPT in TLS": (wants_first, "RCPT", "EHLO STARTTLS [EHLO MAIL RCPT QUIT]"),
    "530 to DATA in TLS": (wants_first, "DATA", "EHLO STARTTLS [EHLO MAIL RCPT DATA QUIT]"),
    "530 to MAIL": (clear_530, "MAIL", "EHLO MAIL QUIT"),
    "530 to RCPT": (clear_530, "RCPT", "EHLO MAIL RCPT QUIT"),
    "lost after the dot": (lost_after_the_dot,),
    "recipients": (recipients,),
    "the next mail": (next_mail,),
}


@pytest.mark.parametrize("case", CASES)
def test_case(case, play):  # noqa: F811
    play()


def test_opensmtpd(farm, request, scratch, pki):
    """answers 220, then every handshake fails"""
    server, token = farm["opensmtpd"], new_token()
    world = troupe_of(request.session, scratch, pki).world
    scene = Scene(world)
    scene.words, scene.token = ["-v", "--relay", f"127.0.0.1:{server.ports['broken']}"], token
    first = scene.send()
    assert first.verbs() == ["EHLO", "STARTTLS"]
    second = scene.due(verdict="delivered", code=250)
    verbs = second.verbs()
    assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"], second.err
    assert "TLS" not in server.wait_for_mail(token).received[0]

# SPDX-License-Identifier: MIT
"""A relay that is verified, by CA, by pin or for a login, gets TLS or nothing: no octet of the mail and no AUTH outside
verified TLS, whatever it offers and however often it is tried; another relay may still take the mail (P7, P15).
Implicit TLS never falls back, verified or not (P2)."""
import pytest

from scripted import close, hello_then, inject, reset, silence, wire
from scene import CLEAR, RETRY_S, TLS, play  # noqa: F401 (a fixture)

D, REFUSED = "EHLO STARTTLS", "EHLO STARTTLS QUIT"
LOGGED_IN = "EHLO STARTTLS [EHLO AUTH MAIL RCPT DATA . QUIT]"
INSIDE = "[EHLO MAIL RCPT DATA . QUIT]"
BROKEN = {"STARTTLS": "454 no"}


def options_of(world, kind):
    pki = world.contexts.pki
    return {"trust": world.trust, "login": world.login, "none": [], "pin": ["--pin", pki.pin("ecdsa")],
            "wrong pin": ["--pin", pki.pin("rsa")], "expired pin": ["--pin", pki.pin("expired")],
            "system": ["--tls-name", "localhost", *world.login[4:]], "implicit": ["--tls", "implicit"],
            "implicit trust": ["--tls", "implicit", *world.trust],
            "implicit login": ["--tls", "implicit", *world.login]}[kind]


def good(world, kind, script, seen):
    scene = world.scene(script, options=options_of(world, kind))
    scene.send(f"a: {seen}", verdict="delivered")
    scene.never_clear()


def never(world, kind, script, seen, after=None, code=()):
    """tried and tried again, and never in clear; delivered once it is good"""
    scene = world.scene(script, options=options_of(world, kind))
    more = {"after": after} if after else {}
    scene.send(f"a: {seen}", code=code)
    scene.due(f"a: {seen}", code=code, **more)
    scene.forced(f"a: {seen}", code=code)
    if not after:
        scene.due(f"a: {seen}", code=code, after=RETRY_S)
    scene.never_clear()


def next_relay(world, kinds, scripts, first, second):
    """attempt 1 and 2 over two relays: (dialogues, verdict) each"""
    scene = world.scene(*scripts, options=[options_of(world, kind) for kind in kinds])
    scene.send(*first[0], verdict=first[1])
    if second:
        scene.due(*second[0], verdict=second[1])
    assert not any(b"AUTH" in relay.clear for relay in scene.relays)
    assert not any(b"token" in relay.clear for relay, kind in zip(scene.relays, kinds) if kind in ("trust", "login"))


CERTIFICATES = ("expired", "stranger", "selfsigned", "wrongname", "wildcard", "ip", "tls10", "tls11")
AUTH_INSIDE = {"+offers": ["AUTH CRAM-MD5 DIGEST-MD5"]}
CASES = {
    "trust, good": (good, "trust", {}, TLS),
    "trust, RSA": (good, "trust", {"TLS": "rsa"}, TLS),
    "login, good": (good, "login", {}, LOGGED_IN),
    "pin, good": (good, "pin", {}, TLS),
    "a pin decides alone": (good, "expired pin", {"TLS": "expired"}, TLS),
    "implicit, good": (good, "implicit", {"implicit": True}, INSIDE),
    "implicit, any certificate": (good, "implicit", {"implicit": True, "TLS": "stranger"}, INSIDE),
    "implicit trust, good": (good, "implicit trust", {"implicit": True}, INSIDE),
    "implicit login, good": (good, "implicit login", {"implicit": True}, "[EHLO AUTH MAIL RCPT DATA . QUIT]"),
    "HELO inside TLS": (good, "trust", {"+EHLO": "502 no"}, "EHLO STARTTLS [EHLO HELO MAIL RCPT DATA . QUIT]"),
    **{f"{kind}, {leaf}": (never, kind, {"TLS": leaf}, D) for kind in ("trust", "login") for leaf in CERTIFICATES},
    "the system's CAs": (never, "system", {}, D),
    "wrong pin": (never, "wrong pin", {}, D),
    "expired pin, other key": (never, "expired pin", {}, D),
    "pin, TLS 1.0": (never, "pin", {"TLS": "tls10"}, D),
    **{f"{kind}, {name}": (never, kind, script, seen) for kind in ("login", "pin") for name, (script, seen) in {
        "STARTTLS refused": ({"STARTTLS": "502 no"}, REFUSED),
        "STARTTLS closed": ({"STARTTLS": close}, D),
        "STARTTLS silent": ({"STARTTLS": silence}, D),
        "injection": ({"STARTTLS": inject(b"220 go\r\n250 AUTH PLAIN\r\n")}, D),
        "handshake text": ({"TLS": hello_then(wire(b"250 ok\r\n"))}, D),
        "lost inside": ({"+EHLO": reset}, "EHLO STARTTLS [EHLO]")}.items()},
    "login, lost at AUTH": (never, "login", {"+AUTH": close}, "EHLO STARTTLS [EHLO AUTH]"),
    "login, lost at MAIL": (never, "login", {"+MAIL": close}, "EHLO STARTTLS [EHLO AUTH MAIL]"),
    "login, lost at DATA": (never, "login", {"+DATA": close}, "EHLO STARTTLS [EHLO AUTH MAIL RCPT DATA]"),
    **{f"{kind}, STARTTLS not offered": (never, kind, {"offers": ["AUTH PLAIN"]}, "EHLO QUIT", RETRY_S)
       for kind in ("trust", "login", "pin")},
    **{f"{kind}, EHLO refused": (never, kind, {"EHLO": "502 no"}, "EHLO QUIT", RETRY_S, 502)
       for kind in ("trust", "login", "pin")},
    "login, EHLO refused inside": (never, "login", {"+EHLO": "502 no"}, "EHLO STARTTLS [EHLO QUIT]", RETRY_S, 502),
    "AUTH not offered inside": (never, "login", {"offers": ["STARTTLS", "AUTH PLAIN"], "+offers": []},
                                "EHLO STARTTLS [EHLO QUIT]", RETRY_S),
    "no mechanism in common": (never, "login", AUTH_INSIDE, "EHLO STARTTLS [EHLO QUIT]", RETRY_S),
    "login refused": (never, "login", {"+AUTH": "535 5.7.8 no"}, "EHLO STARTTLS [EHLO AUTH QUIT]", RETRY_S, 535),
    "login put off": (never, "login", {"+AUTH": "454 4.7.0 later"}, "EHLO STARTTLS [EHLO AUTH QUIT]", RETRY_S, 454),
    **{f"{kind}, {name}": (never, kind, {"implicit": True, **script}, seen, RETRY_S)
       for kind in ("implicit", "implicit trust") for name, (script, seen) in {
           "close": ({"TLS": hello_then(close)}, ""), "text": ({"TLS": wire(b"220 relay.test ESMTP\r\n")}, ""),
           "TLS 1.3": ({"TLS": "tls13"}, ""), "lost at EHLO": ({"+EHLO": close}, "[EHLO]"),
           "lost at MAIL": ({"+MAIL": reset}, "[EHLO MAIL]"),
           "silent at DATA": ({"+DATA": silence}, "[EHLO MAIL RCPT DATA]"),
       }.items()},
    "implicit trust, expired": (never, "implicit trust", {"implicit": True, "TLS": "expired"}, "", RETRY_S),
    "wrong certificate, next relay": (next_relay, ("trust", "trust"), ({"TLS": "stranger"}, {}),
                                      ([f"a: {D}", f"b: {TLS}"], "delivered"), None),
    "login broken, next relay in the open": (next_relay, ("login", "none"), ({"TLS": close}, {"offers": []}),
                                             ([f"a: {D}", f"b: {CLEAR}"], "delivered"), None),
    "login refused, next relay": (next_relay, ("login", "login"), ({"+AUTH": "535 no"}, {}),
                                  (["a: EHLO STARTTLS [EHLO AUTH QUIT]", f"b: {LOGGED_IN}"], "delivered"), None),
    "verified broken, opportunistic broken": (
        next_relay, ("trust", "none"), (BROKEN, {"TLS": close}), ([f"a: {REFUSED}", f"b: {D}"], "deferred"),
        ([f"a: {REFUSED}", f"b: {D}", f"b: {CLEAR}"], "delivered")),
    "opportunistic broken, login broken": (
        next_relay, ("none", "login"), (BROKEN, {"TLS": "expired"}), ([f"a: {REFUSED}", f"b: {D}"], "deferred"),
        ([f"a: {REFUSED}", f"b: {D}", f"a: {CLEAR}"], "delivered")),
    "verified fails, opportunistic is good later": (
        next_relay, ("login", "none"), ({"TLS": close}, {"+MAIL": "451 later"}),
        ([f"a: {D}", "b: EHLO STARTTLS [EHLO MAIL QUIT]"], "deferred"),
        ([f"a: {D}", "b: EHLO STARTTLS [EHLO MAIL QUIT]"], "deferred")),
    "implicit busy, opportunistic broken": (
        next_relay, ("implicit", "none"), ({"implicit": True, "+MAIL": "451 later"}, BROKEN),
        (["a: [EHLO MAIL QUIT]", f"b: {REFUSED}"], "deferred"),
        (["a: [EHLO MAIL QUIT]", f"b: {REFUSED}", f"b: {CLEAR}"], "delivered")),
    "implicit lost, opportunistic broken": (
        next_relay, ("implicit", "none"), ({"implicit": True, "+DATA": close}, BROKEN),
        (["a: [EHLO MAIL RCPT DATA]", f"b: {REFUSED}"], "deferred"),
        (["a: [EHLO MAIL RCPT DATA]", f"b: {REFUSED}", f"b: {CLEAR}"], "delivered")),
}


@pytest.mark.parametrize("case", CASES)
def test_verified(case, play):  # noqa: F811
    play()


@pytest.mark.parametrize("words", [["--user", "u"], ["--user", "u", "--password-file", "/dev/null"],
                                   ["--password-file", "/dev/null"]])
def test_half_a_login(mailmote, words):
    """is refused at start, and nobody is asked"""
    result = mailmote.run("send", "--relay", "127.0.0.1:9", *words, "a@example.test", text=b"text")
    assert result.status in (64, 78) and not result.rows and result.err

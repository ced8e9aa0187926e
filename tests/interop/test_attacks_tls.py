# SPDX-License-Identifier: MIT
"""Attacks on STARTTLS, TLS and logins: TLS that is hidden, refused, injected into, cut short, spoilt at any octet, flooded; offers
that are said to be known; logins that ask on. A verified relay gets nothing outside TLS, no secret goes to whoever did not ask for
it in the right way, and an opportunistic relay never gets a mail in clear in the same attempt."""
import random

import pytest

from attack import Attack, played
from scripted import close, cut, hello_then, inject, say, silence, spoil, wire
from test_attacks_replies import BIG, CLEAR, LOST, NO_SMTP, TLS, endless, quiet
from test_policy_tls import FAULTS, SOME

TRIED, LEFT = "a: EHLO STARTTLS", "a: EHLO STARTTLS QUIT"
IN, AUTH = "a: EHLO STARTTLS [EHLO", "a: EHLO STARTTLS [EHLO AUTH"
LOGGED_IN = "a: EHLO STARTTLS [EHLO AUTH MAIL RCPT DATA . QUIT]"
NOT_OFFERED, NO_LOGIN, NO_TLS, NOT_ASKED = "does not offer STARTTLS", "no login mechanism", "TLS|relay's certificate", "nothing asked for"
TOO_LONG, REFUSED = "reply is too long", "user name, password or token refused"


# ---- STARTTLS -------------------------------------------------------------------------------------------------------

HIDDEN = {"stripped": [], "another word": ["STARTTLSX"], "half a word": ["STARTTL"], "two words": ["START TLS"], "X in front": ["XSTARTTLS"],
          "in AUTH's line": ["AUTH PLAIN STARTTLS"], "in SIZE's line": ["SIZE 1000000 STARTTLS"], "a NUL in it": ["START\0TLS"]}


def hidden():
    for what, lines in HIDDEN.items():
        script = {"offers": [*lines, "AUTH PLAIN LOGIN"]}
        for trust in ("trust", "login", "pin"):
            yield f"hidden, {trust}: {what}", Attack(script, "a: EHLO QUIT", "deferred", NOT_OFFERED, trust=trust)
        yield f"hidden: {what}", Attack(script, CLEAR, "delivered")
    for trust in ("trust", "login"):
        for code in ("500", "502", "550"):
            yield f"hidden, {trust}: EHLO {code}", Attack({"EHLO": f"{code} what?"}, "a: EHLO QUIT", "deferred", "what", trust=trust)
    yield "lower case", Attack({"offers": ["starttls"]}, TLS, "delivered")
    yield "an argument", Attack({"offers": ["STARTTLS REQUIRED"]}, TLS, "delivered", trust="trust")


# What a relay, or somebody in between, has in clear behind the 220. Read octet by octet, TLS has begun when it comes.
INJECTED = {"a reply": b"250 ok\r\n", "EHLO's reply": b"250-relay.test\r\n250 AUTH PLAIN\r\n", "many replies": b"250 ok\r\n" * 1000,
            "an octet": b"\0", "a line's end": b"\r\n", "LF": b"\n", "a 220": b"220 go\r\n", "a record": b"\x16\x03\x03\0\x04\x0e\0\0\0",
            "an alert that warns": b"\x15\x03\x03\0\x02\x01\x5a", "close_notify": b"\x15\x03\x03\0\x02\x01\0", "354": b"354 go\r\n", "16 KB": bytes(16384)}


def injected():
    for what, octets in INJECTED.items():
        for trust in ("none", "trust", "login"):
            for first in (b"220 go\r\n", b"220-wait\r\n220 go\n"):
                yield f"injected, {trust}: {what} behind {first!r}", Attack({"STARTTLS": inject(first + octets)}, frozenset((TRIED, TRIED + " EARLY")),
                                                                            "deferred", f"{NOT_ASKED}|TLS", trust=trust)


def remembered():
    """what EHLO said before TLS is not known inside, and the other way round"""
    both = ["STARTTLS", "AUTH PLAIN LOGIN", "PIPELINING", "CHUNKING", "SIZE 5"]
    yield "offers before TLS alone", Attack({"offers": both, "+offers": []}, TLS, "delivered")
    yield "a login before TLS alone", Attack({"offers": both, "+offers": []}, f"{IN} QUIT]", "deferred", NO_LOGIN, trust="login")
    yield "no EHLO inside TLS", Attack({"offers": both, "+EHLO": "502 what?"}, "a: EHLO STARTTLS [EHLO HELO MAIL RCPT DATA . QUIT]", "delivered")
    yield "no EHLO inside TLS, login", Attack({"offers": both, "+EHLO": "502 what?"}, f"{IN} QUIT]", "deferred", "what", trust="login")
    yield "a small SIZE inside", Attack({"+offers": ["SIZE 5"]}, f"{IN} QUIT]", "failed", BIG)
    yield "STARTTLS again inside", Attack({"+offers": ["STARTTLS"]}, TLS, "delivered", trust="trust")
    yield "12 KB of offers inside", Attack({"+offers": [f"{i}" * 200 for i in range(10, 40)]}, TLS, "delivered", trust="trust")


# ---- Handshakes -----------------------------------------------------------------------------------------------------

def broken():
    """what breaks TLS in test_policy_tls, where it comes whole"""
    for name, (script, seen, code) in ((name, FAULTS[name]) for name in SOME):
        early = frozenset((f"a: {seen}", f"a: {seen} EARLY"))
        yield name, Attack(script, early if "220 and" in name else f"a: {seen}", "deferred", "", code, trust="trust")


def spoilt():
    drawn = random.Random(7)
    for flight, size in ((0, 1000), (1, 51)):
        for place in sorted(drawn.sample(range(size), 12)):
            for trust in ("none", "trust"):
                yield f"spoilt, {trust}: octet {place} of flight {flight}", Attack({"TLS": spoil(place, flight)}, TRIED, "deferred", NO_TLS,
                                                                                  trust=trust)
            yield f"cut at octet {place} of flight {flight}", Attack({"TLS": cut(place, flight=flight)}, TRIED, "deferred", f"TLS|{LOST}", trust="login")


HELLO = bytes.fromhex("160303002a020000260303") + bytes(32) + bytes.fromhex("00c02b00")   # ECDHE-ECDSA, AES-128-GCM


def handshake(kind, octets):
    """a record with the beginning of a message of 16 MB"""
    return b"\x16\x03\x03" + (4 + len(octets)).to_bytes(2, "big") + bytes([kind]) + b"\xff\xff\xff" + octets


def record(octets):
    return b"\x16\x03\x03" + len(octets).to_bytes(2, "big") + octets


def flood(octets):
    """for as long as a handshake may take"""
    return endless(octets, 10)


LATE, FAILED, FOREIGN = "in time", "TLS handshake failed", "no TLS version or"
FLOODS = {
    "alerts that warn": (LATE, flood(b"\x15\x03\x03\0\x02\x01\x5a")), "empty records": (LATE, flood(b"\x16\x03\x03\0\0")),
    "HelloRequests": (LATE, flood(record(b"\0\0\0\0"))), "ServerHellos": (FAILED, flood(HELLO)), "zeros": (FOREIGN, flood(b"\0")),
    "text": (FOREIGN, flood(b"250 ok\r\n")), "one ServerHello without end": (FOREIGN, flood(record(b"\x02\xff\xff\xff" + bytes(1000)))),
    "a certificate without end": (LATE, say(HELLO + handshake(11, b"\xff\xff\xfc\xff\xff\xf9\x30\x83\xff\xff\xf5")), flood(record(b"\x30\x82\x10\0" * 1000))),
    "certificates without end": (LATE, say(HELLO + handshake(11, b"\xff\xff\xfc")), flood(record(b"\0\0\x04\x30\x02\5\0" * 500))),
    "a record of 65 KB": (FAILED, say(b"\x16\x03\x03\xff\xff"), flood(b"\0")),
}


def flooded():
    for what, (reason, *actions) in FLOODS.items():
        for trust in ("none", "trust"):
            yield f"flood, {trust}: {what}", Attack({"TLS": hello_then(*actions)}, TRIED, "deferred", reason, trust=trust)


def versions():
    for name, told in {"tls10": "no TLS version", "tls11": "no TLS version", "tls13": "no TLS version", "nosuite": "no TLS version"}.items():
        old = name in ("tls10", "tls11")
        yield f"{name}: trust", Attack({"TLS": name}, TRIED, "deferred", told, trust="trust")
        yield f"{name}: none", Attack({"TLS": name}, TLS if old else TRIED, "delivered" if old else "deferred", "" if old else told)
    yield "empty records in front of each", Attack({"TLS": "tls10 empty"}, TLS, "delivered")
    yield "a client's certificate is asked for", Attack({"TLS": "asks"}, TLS, "delivered", trust="trust")
    yield "a client's certificate is required", Attack({"TLS": "requires"}, TRIED, "deferred", NO_TLS, trust="trust")


FROM_THE_FIRST = {"implicit": True}


def implicit():
    """TLS from the first octet"""
    for trust in ("implicit", "implicit trust", "implicit login"):
        for what, octets in {"a greeting in clear": b"220 relay.test\r\n", "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n", "zeros": bytes(100)}.items():
            yield f"{trust}: {what}", Attack({"greeting": wire(octets)}, "a:", "deferred", "TLS", trust=trust, good=FROM_THE_FIRST)
    yield "implicit login: good", Attack(FROM_THE_FIRST, "a: [EHLO AUTH MAIL RCPT DATA . QUIT]", "delivered", trust="implicit login")
    yield "implicit login: another certificate", Attack({**FROM_THE_FIRST, "TLS": "stranger"}, "a:", "deferred", "no trusted CA", trust="implicit login",
                                                              good=FROM_THE_FIRST)


# ---- Inside TLS -----------------------------------------------------------------------------------------------------

def inside():
    end = f"{IN} MAIL RCPT DATA .]"
    for trust in ("none", "trust"):
        for what, octets in {"a code": b"250", "no line's end": b"250 taken", "a CR": b"250 taken\r", "two digits": b"25",
                             "a first line": b"250-taken\r\n"}.items():
            yield f"cut, {trust}: {what}", Attack({"+.": [say(octets), close]}, end, "in doubt", LOST, trust=trust)
        yield f"cut, {trust}: behind the reply", Attack({"+.": [say(b"250 taken\r\n"), close]}, frozenset((end, TLS)), "delivered", "taken", trust=trust)
        yield f"in clear, {trust}: a reply", Attack({"+.": wire(b"250 taken\r\n")}, end, "in doubt", "TLS", trust=trust)
        yield f"{trust}: a record of 16 KB", Attack({"+MAIL": say(b"250 " + b"x" * 16300 + b"\r\n")}, TLS, "delivered", trust=trust)
    for step, seen in (("EHLO", ""), ("MAIL", " MAIL"), ("RCPT", " MAIL RCPT")):
        usual = b"250 ok\r\n"
        yield f"two replies inside TLS: {step}", Attack({"+" + step: [say(usual * 2), silence]}, f"{IN}{seen}]", "deferred", f"{NOT_ASKED}|{NO_SMTP}|in time",
                                                           trust="trust")
        yield f"two replies: {step}", Attack({"offers": [], step: [say(usual * 2), silence]}, f"a: EHLO{seen}", "deferred", NOT_ASKED)
    for name, octets in {"taken before it was sent": b"354 go\r\n250 taken\r\n", "taken twice before": b"354 go\r\n250 taken\r\n250 taken\r\n"}.items():
        yield name, Attack({"offers": [], "DATA": say(octets), ".": quiet}, "a: EHLO MAIL RCPT DATA", "deferred", NO_SMTP)


# ---- Logins ---------------------------------------------------------------------------------------------------------

def ask(*prompts):
    """says each and hears a line; what was heard is kept"""
    def action(talk):
        for prompt in prompts:
            talk.say(prompt)
            talk.words.append("(" + talk.until(b"\r\n").decode("latin-1")[:1] + ")")
    return action


def logins():
    def attack(name, script, seen, verdict, reason="", code=None, **more):
        return f"login: {name}", Attack(script, seen, verdict, reason, code, trust="login", **more)

    for name, lines in {"none": [], "no mechanism": ["AUTH"], "CRAM-MD5 alone": ["AUTH CRAM-MD5"], "NTLM, GSSAPI and SCRAM": ["AUTH NTLM GSSAPI SCRAM-SHA-1"],
                        "PLAIN with a tail": ["AUTH PLAINTEXT", "AUTH PLAIN-"], "ANONYMOUS and EXTERNAL": ["AUTH ANONYMOUS EXTERNAL"],
                        "PLAIN elsewhere": ["PLAIN", "X PLAIN", "AUTHPLAIN", "AUTH2 PLAIN"]}.items():
        yield attack(f"{name} on offer", {"+offers": lines}, f"{IN} QUIT]", "deferred", NO_LOGIN)
    for name, lines in {"AUTH=PLAIN": ["AUTH=PLAIN"], "lower case": ["auth plain"], "behind 4 KB": ["AUTH " + "M " * 2000 + "PLAIN"],
                        "twice": ["AUTH CRAM-MD5", "AUTH PLAIN"]}.items():
        yield attack(f"{name} on offer", {"+offers": lines}, LOGGED_IN, "delivered")
    stop = "501 cancelled"
    yield attack("334 behind PLAIN", {"+AUTH": "334 ", "+*": stop}, f"{AUTH} * QUIT]", "deferred", "cancelled")
    yield attack("334 and 200 KB", {"+AUTH": say(b"334 " + b"A" * 200000 + b"\r\n")}, f"{AUTH}]", "deferred", TOO_LONG)
    yield attack("334 and 16 KB", {"+AUTH": say(b"334 " + b"A" * 16000 + b"\r\n"), "+*": stop}, f"{AUTH} * QUIT]", "deferred", "cancelled")
    yield attack("334 and no base64", {"+AUTH": "334 \x1b[2J !!!", "+*": stop}, f"{AUTH} * QUIT]", "deferred", "cancelled")
    yield attack("334 again behind *", {"+AUTH": "334 ", "+*": ["334 ", silence]}, f"{AUTH} *]", "deferred", NO_SMTP)
    yield attack("235 behind *", {"+AUTH": "334 ", "+*": ["235 welcome", silence]}, f"{AUTH} *]", "deferred", NO_SMTP)
    yield attack("354", {"+AUTH": ["354 go", silence]}, f"{AUTH}]", "deferred", "")
    yield attack("221", {"+AUTH": "221 bye"}, f"{AUTH} QUIT]", "deferred", "bye", 421)
    for code in ("432", "454", "421", "500", "501", "504", "530", "534", "535", "538", "550", "554"):
        yield attack(f"refused, {code}", {"+AUTH": f"{code} 5.7.8 no"}, f"{AUTH} QUIT]", "deferred",
                     REFUSED if code in ("534", "535", "550", "554") else "no", int(code))
    both = {"+offers": ["AUTH LOGIN"]}
    for name, prompts in {"usual": ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"), "with a NUL": ("334 VXNlciBOYW1lAA==", "334 UGFzc3dvcmQA"),
                          "empty": ("334 ", "334"), "no base64": ("334 \xff\x1b[2J user?", "334 !"), "swapped": ("334 UGFzc3dvcmQ6", "334 VXNlcm5hbWU6")}.items():
        yield attack(f"prompts, {name}", {**both, "+AUTH": [ask(*prompts), "235 ok"]}, f"{AUTH} (Y) (Y) MAIL RCPT DATA . QUIT]", "delivered")
    yield attack("welcome before the name", {**both, "+AUTH": ["235 ok", silence]}, f"{AUTH}]", "deferred", NO_SMTP)
    yield attack("welcome before the password", {**both, "+AUTH": [ask("334 "), "235 ok", silence]}, f"{AUTH} (Y)]", "deferred", NO_SMTP)
    yield attack("a third prompt", {**both, "+AUTH": [ask("334 ", "334 ", "334 again"), stop]}, f"{AUTH} (Y) (Y) (*) QUIT]", "deferred", "cancelled")
    yield attack("refused behind the name", {**both, "+AUTH": [ask("334 "), "535 no such user"]}, f"{AUTH} (Y) QUIT]", "deferred", REFUSED, 535)
    yield attack("lost behind the name", {**both, "+AUTH": [ask("334 "), close]}, f"{AUTH} (Y)]", "deferred", LOST)
    yield attack("400 in front of AUTH", {"+EHLO": "421 no"}, f"{IN} QUIT]", "deferred", "no", 421)


ATTACKS = {name: attack for rows in (hidden(), injected(), remembered(), broken(), spoilt(), flooded(), versions(), implicit(), inside(), logins())
           for name, attack in rows}

@pytest.mark.parametrize("name, pieces", played(ATTACKS))
def test_tls(name, pieces, attack):
    attack()

# SPDX-License-Identifier: MIT
"""Replies as no relay should give them, at each step of a conversation, in clear and inside TLS: without end, too long, no
replies at all, those of another command, too many, too few; what EHLO offers; groups of replies to PIPELINING and CHUNKING;
several recipients. A reply is never taken for the kinder of two, and nothing is waited for where the first wrong octet says enough."""
import pytest

from attack import Attack, played
from scripted import close, reset, say, silence

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", ".")
WORDS = {"greeting": "", "EHLO": "EHLO", "MAIL": "EHLO MAIL", "RCPT": "EHLO MAIL RCPT", "DATA": "EHLO MAIL RCPT DATA",
         ".": "EHLO MAIL RCPT DATA ."}
CLEAR, TLS = "a: EHLO MAIL RCPT DATA . QUIT", "a: EHLO STARTTLS [EHLO MAIL RCPT DATA . QUIT]"
OWN = {"greeting": "220", "DATA": "354"}             # the code of a good reply; 250 elsewhere
TOO_LONG, NO_SMTP, LOST, BIG = "reply is too long", "does not speak SMTP", "connection was lost", "(more|larger) than the relay"


def endless(octets, seconds=0):
    """again and again, some 64 KB in so many seconds, until the client leaves; 64 MB are without end"""
    unit = octets * (65536 // len(octets))

    def action(talk):
        for _ in range(1024):
            talk.link.sendall(unit)
            talk.pass_time(seconds)
    return action


def quiet(talk):
    """nothing is said, and the relay goes on listening"""


def at(step, what, inside=False):
    """script and dialogue of a conversation that ends there"""
    if not inside:
        return {"offers": [], step: what}, f"a: {WORDS[step]}".strip()
    return {"+" + step: what}, f"a: EHLO STARTTLS [{WORDS[step]}]"


def verdict_of(step):
    return "in doubt" if step == "." else "deferred"


# ---- One reply ------------------------------------------------------------------------------------------------------

def own(step):
    return OWN.get(step, "250").encode()


# What is no reply, whatever it was asked for; % is the code that would be right. Nothing follows: the first wrong octet is enough.
NO_REPLY = {
    "letters": b"abc hello\r\n", "HTTP": b"HTTP/1.1 400 Bad Request\r\n", "two digits": b"25 ok\r\n", "four digits": b"2500 ok\r\n",
    "000": b"000 ok\r\n", "1xx": b"150 soon\r\n", "6xx": b"650 ok\r\n", "999": b"999 ok\r\n", "no blank": b"%ok\r\n",
    "a blank in front": b" % ok\r\n", "a tab behind": b"%\tok\r\n", "an empty line": b"\r\n", "a NUL": b"\0" + b"% ok\r\n",
    "a NUL in the code": b"2\0" + b"50 ok\r\n", "8-bit": b"\xff\xfe", "UTF-16": "250 ok\r\n".encode("utf-16"), "a byte order mark": b"\xef\xbb\xbf% ok\r\n",
    "a sign": b"-250 ok\r\n", "a plus": b"%+ok\r\n", "full-width digits": "２５０ ok\r\n".encode(),
    "another code in the second line": b"%-one\r\n299 two\r\n", "a refusal in the second line": b"%-one\r\n550 two\r\n",
    "kinder in the second line": b"550-one\r\n% two\r\n", "no code in the second line": b"%-one\r\ntwo\r\n",
    "an empty second line": b"%-one\r\n\r\n", "a blank code in the second line": b"%-one\r\n    two\r\n",
}
# Too long.
LONG = {
    "a line without end": lambda code: endless(code + b"-" + b"x" * 1000), "lines without end": lambda code: endless(code + b"-x\r\n"),
    "empty lines without end": lambda code: endless(code + b"-\r\n"), "a NUL without end": lambda code: [say(code + b"-"), endless(b"\0")],
    "129 lines": lambda code: [say((code + b"-x\r\n") * 128 + code + b" x\r\n"), silence],
    "17 KB in a line": lambda code: [say(code + b" " + b"x" * 17000 + b"\r\n"), silence],
}
# Odd, and to be accepted.
ODD = {
    "no text": b"%\r\n", "a blank, no text": b"% \r\n", "a bare LF": b"% ok\n", "two CRs": b"% ok\r\r\n", "a NUL in the text": b"% o\0k\r\n",
    "8-bit text": b"% \xff\x80\xc3\xbc\r\n", "a line of 2,000 octets": b"% " + b"x" * 2000 + b"\r\n", "no text in two lines": b"%-\r\n%\r\n",
    "128 lines": b"%-x\r\n" * 127 + b"% x\r\n", "a code in the text": b"% 550 no\r\n", "a bare CR in the text": b"% a\r550 b\r\n",
    "an escape": b"% \x1b[2J\x1b]0;x\x07\r\n", "a wrong enhanced code": b"% 5.1.1 ok\r\n", "an enhanced code without end": b"% 2." + b"9" * 300 + b".1 x\r\n",
}


def replies():
    for step in STEPS:
        for inside in (False, True) if step != "greeting" else (False,):
            name = f"{step}{' inside TLS' if inside else ''}: "
            for what, octets in NO_REPLY.items():
                octets = octets.replace(b"%", own(step))
                if not (inside and what not in ("letters", "kinder in the second line")) and not (step == "EHLO" and b"-" in octets[:-9]):
                    yield name + what, Attack(*at(step, [say(octets), silence], inside), verdict_of(step), NO_SMTP)
            for what, make in LONG.items():
                if not inside:
                    yield name + what, Attack(*at(step, make(own(step))), verdict_of(step), TOO_LONG)
            for what, octets in ODD.items():
                if not inside or "128" in what or "2,000" in what:
                    script, _ = at(step, say(octets.replace(b"%", own(step))), inside)
                    yield name + what, Attack(script, TLS if inside and step != "EHLO" else CLEAR if not inside else TLS, "delivered")


# ---- Another command's reply ----------------------------------------------------------------------------------------

SWAPPED = {"greeting": ("334", "354"), "EHLO": ("334", "354"), "MAIL": ("334", "354"), "RCPT": ("334", "354"),
           "DATA": ("220", "235", "250", "251", "299"), ".": ("334", "354", "399")}


def swapped():
    for step, codes in SWAPPED.items():
        for code in codes:
            yield f"{step}: {code}", Attack(*at(step, [f"{code} ok", silence]), verdict_of(step), NO_SMTP)
        script, seen = at(step, "221 bye")
        yield f"{step}: 221", Attack(script, seen + " QUIT" * (step != "DATA"), verdict_of(step), "bye", 421)


# ---- The end at any step ----------------------------------------------------------------------------------------------

def ends():
    for step in STEPS:
        for what, action in {"421, close": ["421 4.3.2 closing", close], "421, silence": ["421 4.3.2 closing", silence]}.items():
            script, seen = at(step, action)
            yield f"{step}: {what}", Attack(script, seen, "deferred", "closing", 421)
        yield f"{step}: 421, reset", Attack(*at(step, ["421 4.3.2 closing", reset]), "deferred", "closing|lost|reset by peer")
        for what, action in {"half a code": [say(b"25"), close], "a reply without its end": [say(own(step) + b" ok"), close],
                             "a reply without its LF": [say(own(step) + b" ok\r"), close],
                             "half of two lines": [say(own(step) + b"-ok\r\n"), close]}.items():
            yield f"{step}: {what}", Attack(*at(step, action), verdict_of(step), LOST)


# ---- What EHLO offers -------------------------------------------------------------------------------------------------

OFFERS = {
    "127 unknown words": [f"X-{i}" for i in range(126)], "words in lower case": ["size 1000000", "8bitmime"],
    "a line of 4 KB": ["X" * 4000], "AUTH of 4 KB": ["AUTH " + " ".join(f"M{i}" for i in range(800))],
    "an empty word": ["", "SIZE"], "blanks": ["   ", " SIZE 5", "SIZE  "], "NULs": ["SI\0ZE 10", "\0"],
    "SIZE without a number": ["SIZE"], "SIZE 0": ["SIZE 0"], "SIZE -1": ["SIZE -1"], "SIZE 10^26": ["SIZE 1" + "0" * 26],
    "SIZE in words": ["SIZE ten"], "SIZE 2^32": ["SIZE 4294967296"], "SIZE 2^32 and a little": ["SIZE 4294967297"],
    "SIZE 2^64 and a little": ["SIZE 18446744073709551617"], "SIZE in hex": ["SIZE 0xA"], "SIZE +10": ["SIZE +10"],
    "SIZES": ["SIZES 10"], "half a word": ["PIPELININ", "CHUNKIN"], "more than a word": ["PIPELININGX", "CHUNKING2 "],
    "STARTTLS in an argument": ["X STARTTLS PIPELINING"], "a tab in front": ["\tPIPELINING"],
}
TOO_BIG = {"SIZE 10": ["SIZE 10"], "the smaller of two": ["SIZE 1000000", "SIZE 10"], "the smaller comes first": ["SIZE 10", "SIZE 1000000"],
           "leading zeros": ["SIZE 000000000000000000000000000010"], "a number, then words": ["SIZE 10 20"]}


def offers():
    for what, lines in OFFERS.items():
        yield f"offers: {what}", Attack({"offers": lines}, CLEAR, "delivered")
    for what, lines in TOO_BIG.items():
        yield f"offers: {what}", Attack({"offers": lines}, "a: EHLO QUIT", "failed", BIG)
        yield f"offers inside TLS: {what}", Attack({"+offers": lines}, "a: EHLO STARTTLS [EHLO QUIT]", "failed", BIG)
    yield "offers: 20,000", Attack({"offers": [f"X-{i}" for i in range(20000)]}, "a: EHLO", "deferred", TOO_LONG)
    yield "offers inside TLS: 20,000", Attack({"+offers": [f"X-{i}" for i in range(20000)]}, "a: EHLO STARTTLS [EHLO]", "deferred", TOO_LONG)
    yield "offers: in HELO's reply", Attack({"EHLO": "502 what?", "HELO": "250-relay.test\r\n250 PIPELINING"},
                                            "a: EHLO HELO MAIL RCPT DATA . QUIT", "delivered")
    yield "offers: in the greeting", Attack({"offers": [], "greeting": "220-relay.test\r\n220-PIPELINING\r\n220 STARTTLS"}, CLEAR, "delivered")


# ---- Groups of replies ------------------------------------------------------------------------------------------------

IN_A_FLIGHT = "a: EHLO MAIL RCPT RCPT DATA"
GROUP = {"offers": ["PIPELINING"], "MAIL": quiet, "RCPT": quiet}


def group(text, then=silence):
    """all replies to MAIL, RCPT, RCPT and DATA at once"""
    return {**GROUP, "DATA": [say(text), then] if then else say(text)}


def groups():
    def attack(name, script, seen, verdict, reason="", **more):
        return f"group: {name}", Attack(script, seen, verdict, reason, to=("x", "y"), **more)

    good = b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"
    yield attack("good", group(good, None), IN_A_FLIGHT + " . QUIT", "delivered")
    yield attack("bare LFs", group(good.replace(b"\r", b""), None), IN_A_FLIGHT + " . QUIT", "delivered")
    yield attack("two lines each", group(b"".join(line[:3] + b"-x\r\n" + line + b"\r\n" for line in good.split(b"\r\n")[:-1]), None),
                 IN_A_FLIGHT + " . QUIT", "delivered")
    yield attack("one too few", group(good[8:], close), IN_A_FLIGHT, "deferred", NO_SMTP)
    yield attack("lost in the second", group(good[:12], close), IN_A_FLIGHT, "deferred", LOST)
    yield attack("lost before the last", group(good[:24], close), IN_A_FLIGHT, "deferred", LOST)
    yield attack("354 first", group(good[24:] + good[:24]), IN_A_FLIGHT, "deferred", NO_SMTP)
    yield attack("354 for a recipient", group(b"250 ok\r\n354 go\r\n250 ok\r\n354 go\r\n"), IN_A_FLIGHT, "deferred", NO_SMTP)
    yield attack("250 for DATA", group(good[:24] + b"250 ok\r\n"), IN_A_FLIGHT, "deferred", NO_SMTP)
    yield attack("garbage in it", group(good[:16] + b"ok\r\n"), IN_A_FLIGHT, "deferred", NO_SMTP)
    yield attack("a line without end in it", group(good[:16] + b"250-" + b"x" * 17000), IN_A_FLIGHT, "deferred", TOO_LONG)
    yield attack("421 in it", group(good[:16] + b"421 closing\r\n", close), IN_A_FLIGHT, "deferred", "closing|ok", code=421)
    yield attack("nobody, and 354", group(b"250 ok\r\n550 no\r\n550 no\r\n354 go\r\n", None), IN_A_FLIGHT + " . QUIT", "failed", "no", code=550)
    yield attack("one, and 554 to DATA", group(b"250 ok\r\n250 ok\r\n550 no\r\n554 no\r\n", None), IN_A_FLIGHT, "failed", "no")
    yield attack("MAIL refused, all else accepted", group(b"550 no\r\n250 ok\r\n250 ok\r\n354 go\r\n", None), IN_A_FLIGHT + " . QUIT", "failed", "no", code=550)
    yield attack("450 and 550", group(b"250 ok\r\n450 later\r\n550 no\r\n554 nobody\r\n", None), IN_A_FLIGHT,
                 {"x": "deferred", "y": "failed"}, "later|no")
    yield attack("one refused", group(b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n", None), IN_A_FLIGHT + " . QUIT", {"x": "delivered", "y": "failed"})


ONE_FLIGHT = {"offers": ["PIPELINING", "CHUNKING"], "MAIL": quiet, "RCPT": quiet}
CHUNK = "a: EHLO MAIL RCPT BDAT"


def chunks():
    def attack(name, text, seen, verdict, reason="", then=None, **more):
        action = [say(text), then] if then else say(text)
        return f"chunk: {name}", Attack({**ONE_FLIGHT, "BDAT": action}, seen, verdict, reason, **more)

    yield attack("good", b"250 ok\r\n250 ok\r\n250 taken\r\n", CHUNK + " QUIT", "delivered", "taken")
    yield attack("one too few", b"250 ok\r\n250 ok\r\n", CHUNK, "in doubt", LOST, close)
    yield attack("QUIT's in the place of the last", b"250 ok\r\n250 ok\r\n221 bye\r\n", CHUNK + " QUIT", "in doubt", "bye", code=421)
    yield attack("421 in the place of the last", b"250 ok\r\n250 ok\r\n421 closing\r\n", CHUNK, "deferred", "closing", close, code=421)
    yield attack("421 to the recipient", b"250 ok\r\n421 closing\r\n", CHUNK, "deferred", "closing", close, code=421)
    yield attack("354 to BDAT", b"250 ok\r\n250 ok\r\n354 go\r\n", CHUNK, "in doubt", NO_SMTP, silence)
    yield attack("garbage", b"250 ok\r\n250 ok\r\nwhat?\r\n", CHUNK, "in doubt", NO_SMTP, silence)
    yield attack("without end", b"250 ok\r\n250 ok\r\n250-" + b"x" * 17000, CHUNK, "in doubt", TOO_LONG, silence)
    yield attack("the code changes", b"250 ok\r\n250 ok\r\n250-a\r\n550 b\r\n", CHUNK, "in doubt", NO_SMTP, silence)
    yield attack("refused, and no more", b"250 ok\r\n250 ok\r\n554 no\r\n", CHUNK + " QUIT", "failed", "no", code=554)
    yield attack("nobody, and BDAT is accepted", b"250 ok\r\n550 no\r\n250 taken\r\n", CHUNK + " QUIT", "failed", "no", code=550)
    yield attack("MAIL refused, BDAT accepted", b"550 no\r\n250 ok\r\n250 taken\r\n", CHUNK + " QUIT", "failed", "no", code=550)
    yield attack("502", b"250 ok\r\n250 ok\r\n502 what?\r\n", CHUNK + " QUIT", "deferred", "what", code=502)


# ---- Before its time --------------------------------------------------------------------------------------------------

def early():
    """a refusal of the mail that comes with 354 is its verdict, be any of it sent or not"""
    for what, octets in {"a refusal with 354": "354 go\r\n552 no", "451 with 354": "354 go\r\n451 later"}.items():
        yield f"early: {what}", Attack({"offers": [], "DATA": say(octets.encode() + b"\r\n"), ".": quiet}, frozenset(("a: EHLO MAIL RCPT DATA", CLEAR)),
                                       "failed" if "552" in octets else "deferred", "no|later")


SEVERAL = ("a", "b", "c", "d")


def recipients():
    def attack(name, answers, verdicts, more="DATA . QUIT", reason="", **script):
        verdict = {name: word.replace("doubt", "in doubt") for name, word in zip(SEVERAL, verdicts.split())}
        return f"recipients: {name}", Attack({"offers": [], "RCPT": answers, **script}, f"a: EHLO MAIL RCPT RCPT RCPT RCPT {more}".rstrip(),
                                             verdict, reason, to=SEVERAL)

    yield attack("251 and 252", {"a": "251 elsewhere", "b": "252 perhaps"}, "delivered delivered delivered delivered")
    yield attack("a refusal of each kind", {"a": "550 no", "b": "450 later", "c": "552 too many"}, "failed deferred deferred delivered")
    yield attack("only the last", {"a": "550 no", "b": "553 no", "c": "554 no"}, "failed failed failed delivered")
    yield attack("none", {name: "550 no" for name in SEVERAL}, "failed failed failed failed", "QUIT", "no")
    yield attack("refusals of 16 KB each", {name: say(b"550 " + b"n" * 16000 + b"\r\n") for name in "abc"}, "failed failed failed delivered")
    yield attack("refused, then the end is refused", {"a": "550 no"}, "failed deferred deferred deferred", "DATA . QUIT", **{".": "451 later"})
    yield attack("refused, then in doubt", {"a": "550 no", "b": "450 later"}, "failed deferred doubt doubt", "DATA .", **{".": close})
    yield attack("all but one put off", {name: "450 later" for name in "abc"}, "deferred deferred deferred delivered")
    yield "recipients: 421 to the second", Attack({"offers": [], "RCPT": {"b": ["421 closing", close]}}, "a: EHLO MAIL RCPT RCPT",
                                                  "deferred", "", to=SEVERAL)
    yield "recipients: lost at the third", Attack({"offers": [], "RCPT": {"a": "550 no", "c": close}}, "a: EHLO MAIL RCPT RCPT RCPT",
                                                  dict(zip(SEVERAL, ("failed", "deferred", "deferred", "deferred"))), "", to=SEVERAL)


ATTACKS = {name: attack for rows in (replies(), swapped(), ends(), offers(), groups(), chunks(), early(), recipients())
           for name, attack in rows}


@pytest.mark.parametrize("name, pieces", played(ATTACKS))
def test_reply(name, pieces, attack):
    attack()

# SPDX-License-Identifier: MIT
"""Whatever comes from outside, a terminal shows it and does nothing else: nothing that is printed holds a control
octet, a C1 control, an escape, or a character that turns the direction of text."""
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata
import zlib

import pytest

from relay import BAD_CONFIG, COMMAND, DEFERRED, LIMIT_S, NO_HOST, OK, USAGE, Relay, Spool, make_context, run

NASTY = {
    "c0": b"\x01\x1b[2J\x07\x08\x7f", "c1": "\x80\x9b2J\x9d\x9f".encode(), "raw c1": b"\x80\x9b2J\x9d\x9f",
    "bidi": "\u202a\u202e\u2066\u2069\u200e\u200f\u061c".encode(), "lines": "\r\t\u2028\u0085".encode(),
    "not utf-8": b"\xc3\xff\xe2\x80\xed\xa0\x80\xc1\x9b\xf4\x90\x80\x80",
}
nasty = pytest.mark.parametrize("octets", NASTY.values(), ids=NASTY.keys())
WORD = NASTY["c1"] + NASTY["raw c1"] + NASTY["bidi"]
GOOD = "grüße-世界"
FROM = ["--from", "s@example.org", "--helo", "client.example.org"]


def harmless(octets, tabs=0):
    """asserts it, of both streams; lines are ours, and hold so many tabs"""
    text = octets.decode()                           # strictly
    for line in text.splitlines() if text.isascii() else text.split("\n"):
        assert line.count("\t") in (0, tabs), line
        assert not [c for c in line.replace("\t", "") if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")], ascii(line)
    return text


def printed(*args, tabs=4, **options):
    done = run(COMMAND, *args, decode=False, **options)
    return done, harmless(done.stdout, tabs) + harmless(done.stderr_octets)


@pytest.mark.parametrize("args", [
    ["%"], ["send", "--%"], ["send", "-%"], ["send", "--relay", "%", *FROM, "r@x.test"],
    ["send", "--relay", "r:%", *FROM, "r@x.test"], ["send", "--relay", "r/%", *FROM, "r@x.test"],
    ["send", "--relay", "r", *FROM, "%"], ["send", "--relay", "r", *FROM, "%@"], ["send", "--relay", "r", "--from", "%", "r@x.test"],
    ["send", "--relay", "r", *FROM, "--subject", "%", "--raw", "r@x.test"],
    ["send", "--relay", "r", *FROM[:2], "--helo", "%", "r@x.test"], ["send", "--relay", "r", "--tls", "%", *FROM, "r@x.test"],
    ["send", "--relay", "r", "--pin", "%", *FROM, "r@x.test"], ["send", "--relay", "r", "--tls-name", "%" * 200, *FROM, "r@x.test"],
    ["send", "--relay", "r", "--trust", "/%", *FROM, "r@x.test"],
    ["send", "--relay", "r", "--user", "%", "--password-file", "/%", *FROM, "r@x.test"],
    ["send", "--relay", "r", "--user", "u", "--token-file", "/%", *FROM, "r@x.test"],
    ["send", "-C", "/%", "r@x.test"], ["queue", "--spool", "/%"], ["queue", "--spool", "/", "%"],
], ids=lambda args: " ".join(args)[:40])
@nasty
def test_arguments(args, octets):
    done, text = printed(*(word.encode().replace(b"%", octets) for word in args))
    assert done.returncode in (USAGE, BAD_CONFIG, NO_HOST, DEFERRED) and text


@pytest.mark.parametrize("line", [b"% x", b"relay %:0", b"relay r %", b"relay r %=x", b"relay r tls=%", b"relay r pin=%",
                                  b"relay r trust=/%", b"relay r user=% password-file=/%", b"relay r/%", b"spool /x %"])
@nasty
def test_configuration(tmp_path, line, octets):
    path = os.fsencode(tmp_path) + b"/" + WORD       # shown with what is wrong
    with open(path, "wb") as file:
        file.write(line.replace(b"%", octets.replace(b"\t", b"").replace(b"\r", b"")) + b"\n")
    done, text = printed("send", "-C", path, *FROM, "r@x.test")
    assert done.returncode == BAD_CONFIG and r"\xC2\x9B2J" in text and ":1: " in text


@pytest.fixture
def relay():
    relay = Relay()
    yield relay
    relay.stop()


@pytest.mark.parametrize("verbose", [[], ["-v"]])
@pytest.mark.parametrize("where", ["greeting", "MAIL", "r@x.test", "END"])
@nasty
def test_replies(relay, verbose, where, octets):
    said = b"550 " + octets.replace(b"\n", b"") + b" end"
    if where == "greeting":
        relay.greeting = said
    else:
        relay.replies = {where: said}
    done, text = printed("send", *verbose, "--relay", relay.where, *FROM, "r@x.test", text=b"x\n")
    assert " end" in text


@pytest.mark.parametrize("octets", [WORD[:4], WORD[-6:], "\u202e".encode(), b"\x9b\x1b[2J", b"\t\n\t"], ids=ascii)
def test_envelope_in_the_spool(tmp_path, closed, octets):
    """a file that somebody else wrote, with right checksums"""
    spool, name = Spool(tmp_path / "spool"), b"r" * len(octets)
    assert spool.send(closed, to=[name.decode() + "@x.test"]).verdicts == ["deferred"]
    [path] = spool.path.glob("*.mail")
    data = bytearray(path.read_bytes().replace(name + b"@x", octets + b"@x"))
    data[1028:1032] = struct.pack("<I", zlib.crc32(data[1032:]))
    path.write_bytes(data)
    for args in ["queue"], ["flush", "--now", "-v", "--relay", closed, *FROM[2:]]:
        done, text = printed(*args, "--spool", spool.path, tabs=9 if args[0] == "queue" else 4)
        assert text and done.stdout.count(b"\n") <= 1


@nasty
def test_queue(tmp_path, closed, octets):
    """subject and sender; all of a mail when a person looks, and its octets for a program"""
    spool, octets = Spool(tmp_path / "spool"), octets.replace(b"\r", b"")
    text = b"A: b\r\nContent-Type: x/y\r\nSubject: a" + octets + b"b\r\n\r\nlast " + octets
    done = printed("send", "--raw", "--spool", spool.path, "--relay", closed, *FROM, "r@x.test", text=text)[0]
    number = done.stdout.decode().partition("\t")[0]
    shown = printed("queue", "--spool", spool.path, tabs=9)[1]
    assert "\t<s@example.org>\t" in shown and re.search(r"\t(a|=\?)[^\t]*b(\?=)?\n$", shown) and shown.count("\n") == 1
    words = [COMMAND, "queue", "--spool", spool.path, "--show", number]
    assert b"\r\n\r\nlast " + octets.replace(b"\n", b"\r\n") in run(words[0], *words[1:], decode=False).stdout
    ours, its = pty.openpty()
    attributes = termios.tcgetattr(its)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(its, termios.TCSANOW, attributes)
    assert subprocess.run(words, stdout=its, timeout=LIMIT_S).returncode == OK
    os.close(its)
    lines = harmless(os.read(ours, 65536)).split("\n")
    os.close(ours)
    assert lines[0] == "A: b" and [line for line in lines if line.startswith("Subject: ")]


@pytest.mark.parametrize("first, last", [(0x7f, 0x9f), (0xad, 0xad), (0x61c, 0x61c), (0x200b, 0x200f), (0x2028, 0x202e), (0x2060, 0x206f),
                                         (0xfeff, 0xfeff), (0xfff9, 0xfffb), (0xe0000, 0xe007f)], ids=hex)
def test_first_and_last_of_what_is_not_shown(first, last):
    told = run(COMMAND, "".join(map(chr, (first - 1, first, last, last + 1))), decode=False).stderr
    assert [chr(code) in told for code in (first - 1, first, last, last + 1)] == [True, False, False, True]


def test_what_is_harmless_is_shown_as_it_is(tmp_path, relay):
    relay.replies = {"r@x.test": "550 " + GOOD}
    assert f"S: 550 {GOOD}\n" in printed("send", "-v", "--relay", relay.where, *FROM, "r@x.test", text=b"x\n")[1]
    text = printed("send", "--relay", relay.where, *FROM, f"{GOOD}@x.test", text=b"x\n")[1]
    assert f"\t{GOOD}@x.test\tfailed\t" in text
    assert GOOD in printed(GOOD)[1]


@pytest.mark.parametrize("octets", [NASTY["c0"].replace(b"\x7f", b""), NASTY["c1"], NASTY["bidi"]], ids=["c0", "c1", "bidi"])
def test_certificate(tmp_path, octets):
    """its names are told by -v"""
    relay = Relay(make_context(tmp_path, b"/CN=evil" + octets), "good")
    done, text = printed("send", "-v", "--relay", relay.where, *FROM, "r@x.test", text=b"x\n")
    relay.stop()
    assert "* certificate of CN=evil\\x" in text and "* issued by CN=evil\\x" in text and done.returncode == OK

# SPDX-License-Identifier: MIT
"""A thousand random messages with parts, composed by the library and read back by Python's email and by munpack: octet for octet
what was put in."""
import email
import email.header
import email.policy
import email.utils
import os
import pathlib
import random
import subprocess

import pytest

from cell import BUILD
from clock import LIMIT_S
from test_trust_header import STRICT

HERE = pathlib.Path(__file__).parent
MESSAGES = 1000
WORDS = ["Fire", "hall 3", "Grüße", "世界", "a=?b", "=", "€ 5", '"', "\\", "x" * 70, "(c)", "a, b;", "ß" * 40, "😀", "?=", "_", "."]
TYPES = ["image/jpeg", "application/octet-stream", "application/pdf", 'application/x-a; b="c d"']
PIECES = [b"a", b"\n", b"\r\n", b"=", b".", b"--", b"From ", b"--=_mixed", b" ", b"\t", "ü€".encode(), b"x" * 200]


def words(rng, least=0):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, 8)))


def text(rng):
    return b"".join(rng.choice(PIECES) for _ in range(rng.randint(0, 60)))


def lines(octets):
    """as a text arrives: lines that have ended with CR LF"""
    ended = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return ended + b"\r\n" if ended and not ended.endswith(b"\r\n") else ended


@pytest.fixture(scope="module")
def composer(tmp_path_factory):
    program = tmp_path_factory.mktemp("compose") / "compose"
    command = [*os.environ.get("CC", "cc").split(), *STRICT, f"-I{HERE.parents[1]}/include", HERE / "compose.c",
               BUILD / "libmailmote.a", "-o", program]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return program


@pytest.fixture(scope="module")
def messages(composer, tmp_path_factory):
    """[(file, what was put in)]"""
    directory, rng, script, put_in = tmp_path_factory.mktemp("messages"), random.Random(11), [], []
    for number in range(MESSAGES):
        parts = []
        for kind in ["other"] * rng.choice([0, 0, 1, 2]) + [rng.choice(["text", "file"]) for _ in range(rng.randint(0, 4))]:
            octets = rng.randbytes(rng.choice([0, 1, 2, 3, 56, 57, 58, rng.randint(0, 3000)])) if kind == "file" else text(rng)
            kind_of = rng.choice(TYPES) if kind == "file" else rng.choice(["text/html", "text/csv"])
            name = words(rng, 1).replace("/", "-")[:80].strip(' "') if kind != "other" and rng.randint(0, 3) else ""
            file = directory / f"{number}-{len(parts)}"
            file.write_bytes(octets)
            parts.append((kind_of, name, kind, octets))
            script.append(("part", kind_of, name, kind, file))
        body = text(rng)
        (directory / f"{number}-text").write_bytes(body)
        said = {"name": words(rng), "subject": words(rng), "priority": rng.randint(0, 2), "reply_to": rng.choice(["", "r@example.org"])}
        file = directory / f"{number}.eml"
        script.append(("mail", file, "m@example.org", said["name"], said["reply_to"], said["priority"], said["subject"],
                       directory / f"{number}-text", rng.choice([1, 2, 3, 7, 57, 100, 1360, 65536])))
        put_in.append((file, said, body, parts))
    subprocess.run([composer], input="".join("\t".join(map(str, row)) + "\t\n" for row in script).encode(), check=True, timeout=LIMIT_S,
                   env={"ASAN_OPTIONS": "detect_leaks=0"})          # it keeps what it reads to its end
    return put_in


def decoded(value):
    """encoded-words joined as RFC 2047 has it; what email.policy.default makes of those of a name has spaces between"""
    return str(email.header.make_header(email.header.decode_header(value)))


def leaves(message):
    return [part for part in message.walk() if not part.is_multipart()]


def test_read_by_python(messages):
    for file, said, body, parts in messages:
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        assert mail.defects == [] and (mail["Subject"] or "") == said["subject"], file
        name, address = email.utils.parseaddr(email.message_from_bytes(file.read_bytes())["From"])
        assert (decoded(name), address) == (said["name"], "m@example.org"), file
        assert (mail["Reply-To"] or "") == said["reply_to"]
        assert (mail["Importance"], mail["X-Priority"]) == [(None, None), ("high", "1"), ("low", "5")][said["priority"]]
        first, *others = leaves(mail)
        assert first.get_payload(decode=True) == lines(body), file
        for leaf, (kind_of, name, kind, octets) in zip(others, parts, strict=True):
            assert leaf.defects == []
            assert leaf.get_payload(decode=True) == (octets if kind == "file" else lines(octets)), file
            assert leaf.get_content_type() == kind_of.partition(";")[0]
            assert (leaf.get_filename() or "") == name, file
        if parts:
            [inner] = [part for part in mail.walk() if part.get_content_type() == "multipart/alternative"] or [None]
            others = sum(part[2] == "other" for part in parts)
            assert mail.get_content_type() == "multipart/mixed" and (len(list(inner.iter_parts())) - 1 if inner else 0) == others


def test_read_by_munpack(messages, tmp_path):
    """which writes each part that is no text into a file of its own, in order"""
    for file, _, _, parts in messages:
        attached = [octets for _, _, kind, octets in parts if kind == "file"]
        if not attached:
            continue
        into = tmp_path / file.stem
        into.mkdir()
        done = subprocess.run(["munpack", "-q", "-C", into, file], capture_output=True, timeout=LIMIT_S)
        assert done.returncode == 0, done.stderr
        found = [path.read_bytes() for path in into.iterdir() if not path.name.endswith(".desc")]
        wanted = sorted(attached)
        for octets in sorted(found):
            if octets in wanted:
                wanted.remove(octets)
        assert wanted == [], file

# SPDX-License-Identifier: MIT
"""What one verified mail costs the command: STARTTLS, a login, a chain of three certificates, and the system's CA file with
the root of that chain behind its last certificate."""
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from cell import BUILD
from relay import COMMAND, DEFERRED, LIMIT_S, OK, SANITIZED
from scripted import Relay

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer costs most of it")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
RSA, EC = "RSA 4096, 2048, 2048", "P-384, P-384, P-256"
KEYS = {RSA: ("rsa:4096", "rsa:2048", "rsa:2048"), EC: ("secp384r1", "secp384r1", "prime256v1")}
AUTHORITY = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"]
OFFERS = ["PIPELINING", "CHUNKING", "SIZE 1000000"]
INSTRUCTIONS = {RSA: 45_000_000, EC: 155_000_000}
MEMORY_KB, SYSTEM_CALLS, SEGMENTS = 300, 145, 2
# LOGNAME as cron sets it, and a relay by its address: else libc looks into a dozen files of its own
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LOGNAME": "sender"}


def certificate(directory, name, key, issuer, extension):
    key = ["-newkey", key] if ":" in key else ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{key}"]
    by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else []
    more = [word for text in extension for word in ("-addext", text)]
    subprocess.run(["openssl", "req", "-x509", *key, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days",
                    "30", "-subj", f"/CN=mailmote test {name}", *by, *more], cwd=directory, check=True,
                   capture_output=True, timeout=LIMIT_S)


class Place:
    """a relay with such a chain, and the words for the command that verify it"""

    def __init__(self, directory, keys):
        self.directory = directory
        names = ("root", "middle", "leaf")
        for name, key, issuer in zip(names, keys, (None, *names)):
            certificate(directory, name, key, issuer, ["subjectAltName=DNS:localhost"] if name == "leaf" else AUTHORITY)
        text = {name: (directory / f"{name}.pem").read_text() for name in names}
        (directory / "chain.pem").write_text(text["leaf"] + text["middle"])
        (directory / "bundle.pem").write_text(SYSTEM.read_text() + text["root"])
        (directory / "password").write_text("secret")
        (directory / "password").chmod(0o600)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "chain.pem", directory / "leaf.key")
        self.verified = ["--tls-name", "localhost", "--trust", str(directory / "bundle.pem"), "--user", "u",
                         "--password-file", str(directory / "password")]
        self.log = []
        self.relay = Relay({"chain": context}, "cost", self.log)

    def send(self, options, script, wrap=(), started=lambda pid: None, command=COMMAND):
        """returns what the command, or what it is wrapped in, said"""
        self.relay.play(script)
        words = ["send", "--relay", f"127.0.0.1:{self.relay.port}", "--from", "s@example.org", "--helo",
                 "client.example.org", *options, "a@example.test"]
        with subprocess.Popen([*wrap, command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=ENVIRONMENT, text=True) as process:
            try:
                started(process.pid)
                out, err = process.communicate("hello\n", LIMIT_S)
            finally:
                process.kill()
        assert process.returncode == OK and out.split("\t")[2] == "delivered", (out, err)
        return err

    def send_verified(self, script=None, **more):
        said = self.send(self.verified, {"TLS": "chain", "+offers": [*OFFERS, "AUTH PLAIN"], **(script or {})}, **more)
        assert self.log[-1][1].dialogue() == "EHLO STARTTLS [EHLO AUTH MAIL RCPT BDAT QUIT]"
        return said


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    if not SYSTEM.exists():
        pytest.skip(f"no {SYSTEM}")
    kept = {}

    def make(chain=RSA):
        if chain not in kept:
            kept[chain] = Place(tmp_path_factory.mktemp("cost"), KEYS[chain])
        return kept[chain]
    yield make
    for each in kept.values():
        each.relay.stop()


@pytest.fixture
def within(record_property):
    def check(what, cost, limit):
        record_property("cost", f"{what} of a verified mail: {cost:,}, at most {limit:,}")
        assert cost <= limit
    return check


@pytest.mark.parametrize("chain", KEYS)
def test_instructions(place, within, chain):
    wrap = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    said = place(chain).send_verified(wrap=wrap)
    count = int(re.search(r"I\s+refs:\s+([\d,]+)", said)[1].replace(",", ""))
    within(f"instructions ({chain})", count, INSTRUCTIONS[chain])


def test_many_mails(place, within, tmp_path):
    """a flush of many logs in once, and takes less than a tenth of what they take one by one"""
    here, mails = place(), 40
    words = ["--spool", str(tmp_path / "spool"), "--helo", "client.example.org", *here.verified, "--relay"]
    for _ in range(mails):
        kept = subprocess.run([COMMAND, "send", "--from", "s@example.org", *words, "127.0.0.1:1", "a@example.test"],
                              input=b"hello\n", capture_output=True, env=ENVIRONMENT, timeout=LIMIT_S)
        assert kept.returncode == DEFERRED, kept
    here.relay.play({"TLS": "chain", "+offers": [*OFFERS, "AUTH PLAIN"]})
    before, wrap = len(here.log), ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run([*wrap, COMMAND, "flush", "--now", *words, f"127.0.0.1:{here.relay.port}"],
                          capture_output=True, env=ENVIRONMENT, timeout=LIMIT_S, text=True)
    assert done.returncode == OK and done.stdout.count("\tdelivered\t") == mails, done
    assert len(here.log) == before + 1, "connections"
    count = int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))
    within(f"instructions ({mails} mails, each)", count // mails, INSTRUCTIONS[RSA] // 10)


def memory_kb(send, script):
    """what is resident when the relay has all of the mail: nothing was given back before"""
    process, known, resident = [], threading.Event(), []

    def started(pid):
        process.append(pid)
        known.set()

    def look(talk):
        assert known.wait(LIMIT_S)
        pages = pathlib.Path(f"/proc/{process[0]}/smaps_rollup").read_text()
        resident.append(int(re.search(r"^Anonymous:\s*(\d+) kB", pages, re.M)[1]))
    send({**script, "." if "offers" in script else "+.": [look, "250 taken"]}, started=started)
    return resident[0]


def test_memory(place, within):
    """beside what a mail in clear takes: the CA file is not held, only what anchors are made of"""
    here = place()
    clear = memory_kb(lambda script, **more: here.send([], script, **more), {"offers": OFFERS})
    within("KB of memory", memory_kb(here.send_verified, {}) - clear, MEMORY_KB)


def test_system_calls(place, within, tmp_path):
    """from the exec to the exit: those of libc and of its loader are half of them. How often the relay must be waited for
    is not the command's doing"""
    place().send_verified(wrap=["strace", "-f", "-qq", "-o", str(tmp_path / "calls")])
    calls = (tmp_path / "calls").read_text().splitlines()
    waits = [call for call in calls if " poll(" in call or call.endswith("= -1 EAGAIN (Resource temporarily unavailable)")]
    within("system calls", len(calls) - len(waits), SYSTEM_CALLS)


def segments_in(link):
    """of TCP with data in them: tcpi_data_segs_in"""
    info = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 156)
    return struct.unpack_from("I", info, 152)[0]


def test_segments(place, within):
    """each of the handshake's two flights is one, though the second is three records"""
    seen = []

    def look(talk):
        seen.append(segments_in(talk.link))

    def pass_on(talk, data):
        look(talk)                                   # the answer to the client's flight is yet to be sent
        talk.link.sendall(data)
    place().send_verified({"STARTTLS": [look, "220 go"],
                           "TLS": lambda talk: talk.handshake("chain", lambda data: pass_on(talk, data))})
    assert len(seen) == 3
    within("TCP segments in the handshake", seen[2] - seen[0], SEGMENTS)


def test_stack(place, within, tmp_path):
    """of a thread that makes one attempt, and of one that reads the CA file: as much as mailmote_posix.h says"""
    here, program = place(), tmp_path / "stack"
    subprocess.run([*os.environ["CC"].split(), "-std=c99", "-I", ROOT / "include", "-isystem", os.environ["BEARSSL_INC"],
                    ROOT / "tests/interop/stack.c", BUILD / "libmailmote.a", *os.environ["BEARSSL_LIB"].split(),
                    "-pthread", "-o", program], check=True, cwd=ROOT, timeout=LIMIT_S)
    here.relay.play({"TLS": "chain", "+offers": [*OFFERS, "AUTH PLAIN"]})
    done = subprocess.run([program, str(here.relay.port), here.directory / "bundle.pem"], check=True, capture_output=True,
                          timeout=LIMIT_S)
    said = re.findall(r"[Uu]p to (\d+) KB of stack", (ROOT / "include/mailmote_posix.h").read_text())
    for what, octets, kb in zip(("attempt", "CA file"), done.stdout.split(), said, strict=True):
        within(f"octets of stack ({what})", int(octets), 1024 * int(kb))

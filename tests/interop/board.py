# SPDX-License-Identifier: MIT
"""Firmware in QEMU, and a relay whose STARTTLS is broken."""
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import threading

import pytest

from cell import BUILD

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("qemu-system-arm", "arm-none-eabi-gcc")
LIMIT_S = 60


def build(board, into, flags=""):
    """makes the firmware of a board; skips the test where it cannot be made"""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"boards: no {' and no '.join(missing)} here (`make boards-check' installs them)")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-s", f"firmware-{board}", f"BUILD={into}", f"BOARD_FLAGS={flags}"], cwd=TOP,
                          env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode == 0, done.stdout.decode(errors="replace")


class Result:
    def __init__(self, done):
        self.status, self.console = done.returncode, done.stdout.decode(errors="replace")


class Board:
    """One board and its flash, a file that outlives each boot."""

    def __init__(self, name, scratch, pki, into=BUILD):
        self.name, self.ca, self.into = name, pki.ca, into
        self.flash = scratch / f"{name}-{os.urandom(4).hex()}.flash"

    def boot(self, port, *words, trust=None):
        """runs the firmware to its end"""
        words = [f"relay=localhost:{port}", "to=a@example.test", "from=mote@example.org", f"storage={self.flash}",
                 "helo=mote.example.org", *words]
        words += [] if trust == "" else [f"trust={trust or self.ca}"]
        env = {"PATH": os.environ["PATH"], "BUILD": str(self.into), "LIMIT_S": str(LIMIT_S)}
        done = subprocess.run([TOP / "boards/run.sh", self.name, *words], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT_S + 10)
        return Result(done)

    def sizes(self):
        """octets of flash, and of RAM without the stack"""
        image = self.into / "boards" / self.name / "mailmote.elf"
        said = subprocess.run(["arm-none-eabi-size", image], check=True, capture_output=True, text=True).stdout
        text, data, bss = map(int, said.splitlines()[1].split()[:3])
        return text + data, data + bss


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        verbs, lines = [], []
        self.server.talks.append(verbs)
        self._say("220 relay.test")
        for line in self.rfile:
            verb = line.split()[0].decode("ascii", "replace").upper() if line.split() else ""
            verbs.append(verb)
            if verb == "STARTTLS":
                self._say("220 go on")
                return                               # and hangs up
            if verb == "DATA":
                self._say("354 go on")
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    lines.append(line)
                self.server.mails.append(b"".join(lines))
            self._say("250-relay.test\r\n250 STARTTLS" if verb == "EHLO" else "221 bye" if verb == "QUIT" else "250 ok")

    def _say(self, line):
        self.wfile.write(line.encode() + b"\r\n")


class BrokenTls(socketserver.ThreadingTCPServer):
    """Offers STARTTLS and breaks it; takes a mail in clear. `talks` are the verbs of each connection."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Talk)
        self.port, self.talks, self.mails = self.server_address[1], [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


def content(token):
    """what the alert must be, as a regular expression"""
    return re.compile(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n"
                      rb"From: mote@example.org\r\nTo: a@example.test\r\nMessage-ID: <[0-9a-f]{16}@example.org>\r\n"
                      rb"Subject: " + re.escape(token).encode() + rb"\r\n(?:[A-Z][-\w]+: [^\r\n]*\r\n)+\r\n"
                      rb"The input fired.\r\n")

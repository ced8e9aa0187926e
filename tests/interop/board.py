# SPDX-License-Identifier: MIT
"""Firmware in QEMU, and a relay whose STARTTLS is broken."""
import os
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import threading

import pytest

from cell import BUILD
from client import COMMAND
from clock import LIMIT_S

TOP = pathlib.Path(__file__).resolve().parents[2]
# How many seconds stand for one, where more wants to run than there are processors for.
SLOW = max(1, round(os.getloadavg()[0] / os.cpu_count() / 4))
# Seconds in the place of minutes.
SHORT = " ".join(f"-DMOTE_{name}_S={seconds}" for name, seconds in {
    **dict.fromkeys(("TLS_RETRY", "RETRY_MIN", "RETRY_MAX", "OURS"), 1), **dict.fromkeys(("REPLY", "DATA", "TEXT", "END", "TLS"), 10 * SLOW)}.items())
FALLBACK = f"-DBOARD_OPPORTUNISTIC {SHORT}"


def tools(board):
    """a board's emulator, and what the names of its compiler's tools begin with"""
    if board.startswith("rv32-"):
        return "qemu-system-riscv32", "riscv64-unknown-elf-"
    return "qemu-system-arm", "arm-none-eabi-"


def skip_without_tools(board):
    """where its firmware cannot be made or run"""
    emulator, prefix = tools(board)
    missing = [tool for tool in (emulator, f"{prefix}gcc") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"boards: no {' and no '.join(missing)} here (`make boards-check' installs them)")


def build(board, into, flags="", bearssl="", trust="", peer=""):
    """makes the firmware of a board that trusts the CAs of a file, `bearssl` in it if that is there already, or another
    program in its place (boards/image.mk)"""
    skip_without_tools(board)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    words = [f"firmware-{board}", f"BUILD={into}", f"BOARD_FLAGS={flags}", f"BOARD_BEARSSL={bearssl}",
             f"TRUST={trust}", f"MAILMOTE={COMMAND}", f"PEER={peer}"]
    done = subprocess.run(["make", "-s", *words], cwd=TOP, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=2 * LIMIT_S)
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def renew(made, copy, ignore):
    """as `cp -ru' does, each file whole or not at all; whether there was anything to copy"""
    copied = []

    def renew_file(made, copy):
        if not os.path.exists(copy) or os.path.getmtime(made) > os.path.getmtime(copy):
            copied.append(shutil.copy2(made, f"{copy}.part"))
            os.replace(f"{copy}.part", copy)
    shutil.copytree(made, copy, dirs_exist_ok=True, copy_function=renew_file, ignore=shutil.ignore_patterns(*ignore))
    return bool(copied)


def build_with(name, kind, flags, trust):
    """firmware in a directory of its own, with the BearSSL of what `make firmware` builds"""
    build(name, BUILD)
    into, made = BUILD / kind, BUILD / "boards" / name
    if not flags:                                    # all is the same but what the CAs are in
        copy = into / "boards" / name
        if renew(made, copy, ["*.d", "bearssl", "libbearssl.a", "mailmote.*", "settings.o", "trust"]):
            (copy / "mailmote.elf").unlink(missing_ok=True)       # it may be newer than what was copied
    build(name, into, flags, made / "libbearssl.a", trust)
    return name, into


def stack_used(console):
    """octets, as a firmware says at its end"""
    return int(re.search(r"stack (\d+) octets", console)[1])


SENTENCES = dict(re.findall(r'^    X\((\w+), "(.*)"\)', (TOP / "core/smtp/names.c").read_text(), re.M))


def spelt_out(console):
    """the console, with sentences where a firmware with MOTE_NAMES_SHORT has the causes' names"""
    return re.sub(r"(?<=: )[A-Z0-9_]+$", lambda name: SENTENCES.get(name[0], name[0]), console, flags=re.M)


class Result:
    """exit status and console of a firmware; `said` is what run.sh and QEMU say about it"""

    def __init__(self, done):
        self.status = done.returncode
        self.console, self.said = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        self.console = spelt_out(self.console)


class Board:
    """One board and its flash, a file that outlives each boot."""

    def __init__(self, name, scratch, into=BUILD, words=()):
        self.name, self.into, self.words, self.nic = name, into, words, ""
        self.flash = scratch / f"{name}-{os.urandom(4).hex()}.flash"

    def run(self, *words, limit=LIMIT_S):
        """runs the firmware with these words to its end"""
        env = {"PATH": os.environ["PATH"], "BUILD": str(self.into), "LIMIT_S": str(limit), "NIC": self.nic}
        done = subprocess.run([TOP / "boards/run.sh", self.name, *words], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=3 * LIMIT_S)
        return Result(done)

    def boot(self, port, *words, limit=LIMIT_S):
        """the same with all the words an alert needs"""
        words = [f"relay=localhost:{port}", "to=a@example.test", "from=mote@example.org", f"storage={self.flash}",
                 "helo=mote.example.org", *self.words, *words]
        return self.run(*words, limit=limit)

    def sizes(self):
        """octets of flash, and of RAM without the stack"""
        image = self.into / "boards" / self.name / "mailmote.elf"
        said = subprocess.run([f"{tools(self.name)[1]}size", image], check=True, capture_output=True, text=True).stdout
        text, data, bss = map(int, said.splitlines()[1].split()[:3])
        return text + data, data + bss


class LossyNetwork:
    """Ethernet between a board and QEMU's own network that loses one frame of so many, in each direction for itself, and counts them.
    `nic` is what QEMU is told: a hub of it joins its network to us, as frames in datagrams."""

    def __init__(self, lose_each):
        self.lose_each, self.lost, self.ended = lose_each, 0, False
        ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        for end in ends:
            end.bind(("127.0.0.1", 0))
        self.ours, (self.board, self.world) = ends[:2], [end.getsockname() for end in ends[2:]]
        for end in ends[2:]:                          # QEMU's
            end.close()
        here = [f"udp=127.0.0.1:{end.getsockname()[1]}" for end in self.ours]
        self.nic = (f"-nic socket,{here[0]},localaddr=127.0.0.1:{self.board[1]} -netdev user,id=user "
                    f"-netdev socket,id=frames,{here[1]},localaddr=127.0.0.1:{self.world[1]} "
                    "-netdev hubport,id=one,hubid=1,netdev=user -netdev hubport,id=two,hubid=1,netdev=frames")
        self.carriers = [threading.Thread(target=self._carry, args=pair, daemon=True)
                         for pair in ((self.ours[0], self.ours[1], self.world), (self.ours[1], self.ours[0], self.board))]
        for carrier in self.carriers:
            carrier.start()

    def _carry(self, from_end, to_end, to):
        from_end.settimeout(0.2)
        count = 0
        while not self.ended:
            try:
                frame = from_end.recv(65536)
            except (TimeoutError, ConnectionRefusedError):
                continue
            count += 1
            if count % self.lose_each == 0:
                self.lost += 1
            else:
                to_end.sendto(frame, to)

    def stop(self):
        self.ended = True
        for carrier in self.carriers:
            carrier.join()
        for end in self.ours:
            end.close()


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        verbs, relay = [], self.server
        relay.talks.append(verbs)
        self._say("220 relay.test")
        for line in self.rfile:
            verb = line.split()[0].decode("ascii", "replace").upper() if line.split() else ""
            verbs.append(verb)
            if verb == "STARTTLS":
                self._say("220 go on" if relay.hangs_up else "220 go on\r\nthis is no TLS record")
                if relay.hangs_up:
                    return
                break
            if verb == "DATA":
                self._say("354 go on")
                relay.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                if not relay.answers:
                    self.wfile.write(b"250 ok")
                    return
            offer = "250-relay.test\r\n250 STARTTLS" if relay.offers else "250 relay.test"
            self._say(offer if verb == "EHLO" else "221 bye" if verb == "QUIT" else "250 ok")
        self.rfile.read()                            # until the client has closed the connection

    def _say(self, line):
        self.wfile.write(line.encode() + b"\r\n")


class BrokenTls(socketserver.ThreadingTCPServer):
    """Offers STARTTLS and breaks it: hangs up, or babbles and waits for the client to do so. Takes a mail in clear, and
    says so, or half of it and hangs up. `talks` are the verbs of each connection."""
    daemon_threads = True

    def __init__(self, offers=True, hangs_up=True, answers=True):
        super().__init__(("127.0.0.1", 0), _Talk)
        self.offers, self.hangs_up, self.answers = offers, hangs_up, answers
        self.port, self.talks, self.mails = self.server_address[1], [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _LiesAboutTheLine(socketserver.BaseRequestHandler):
    def handle(self):
        relay, heard = self.server, b""
        number = len(relay.heard)
        relay.heard.append(heard)
        self.request.settimeout(0.05)
        self.request.sendall(b"220 relay.test\r\n\r\nNO CARRIER\r\n")
        while True:
            try:
                octets = self.request.recv(4096)
            except TimeoutError:
                octets = None
            except OSError:
                return
            if octets == b"":
                return
            heard += octets or b""
            relay.heard[number] = heard
            try:
                self.request.sendall(relay.word * relay.babbles)
                if octets and b"ATD" in octets:
                    self.request.sendall(b"\r\nCONNECT 9600\r\n220 whoever you dialled\r\n")
            except OSError:
                return


class LiesAboutTheLine(socketserver.ThreadingTCPServer):
    """Says what a modem says, and never closes: NO CARRIER at once, OK again and again if it babbles, CONNECT when it
    hears that the board dials. `heard` is what each connection has brought."""
    daemon_threads = True
    word = b"\r\nOK\r\n"

    def __init__(self, babbles):
        super().__init__(("127.0.0.1", 0), _LiesAboutTheLine)
        self.port, self.heard, self.babbles = self.server_address[1], [], babbles
        threading.Thread(target=self.serve_forever, daemon=True).start()


def content(token):
    """what the alert must be, as a regular expression"""
    return re.compile(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n"
                      rb"From: mote@example.org\r\nTo: a@example.test\r\nMessage-ID: <[0-9a-f]{16}@example.org>\r\n"
                      rb"Subject: " + re.escape(token).encode() + rb"\r\n(?:[A-Z][-\w]+: [^\r\n]*\r\n)+\r\n"
                      rb"The input fired.\r\n")

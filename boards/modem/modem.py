#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays the modem on a board's UART: modem.py QEMU WORD... runs QEMU with its serial line led here.

ATDhost:port connects (CONNECT, or NO CARRIER), and octets pass until the relay leaves (NO CARRIER) or the board hangs
up: "+++" with a second of silence before and behind it, then ATH. As ITU-T V.250 has it, without echo. Ends with the
status of QEMU."""
import select
import socket
import subprocess
import sys
import time

DIAL_S, GUARD_S, BUFFER = 30, 1, 512


class Modem:
    def __init__(self, line):
        self.line, self.relay = line, None           # to the board; to the relay, while there is a connection
        self.carrying = False                        # octets pass; else they are commands
        self.typed = b""                             # of a command; while carrying: what may be "+++"
        self.heard = 0.0                             # when the board was heard last

    def say(self, words):
        self.line.sendall(b"\r\n" + words + b"\r\n")

    def run(self):
        """until the board's line is closed"""
        while True:
            held = self.carrying and self.typed
            wait = max(0, self.heard + GUARD_S - time.monotonic()) if held else None
            # the relay is not heard meanwhile: the second would be over while the line is full
            ready, _, _ = select.select([self.line] + [self.relay] * (self.carrying and not held), [], [], wait)
            if held and not ready:
                self.escape()
            if self.relay in ready:
                self.from_relay()
            if self.line in ready:
                octets = receive(self.line)
                if not octets:
                    return
                self.from_board(octets)

    def escape(self):
        """a second of silence after what may be "+++" """
        if self.typed == b"+++":
            self.carrying, self.typed = False, b""
            self.say(b"OK")
        else:
            self.pass_on()

    def from_relay(self):
        octets = receive(self.relay)
        if octets:
            self.line.sendall(octets)
        else:
            self.drop(b"NO CARRIER")

    def from_board(self, octets):
        quiet, self.heard = time.monotonic() - self.heard, time.monotonic()
        may_escape = self.typed or quiet >= GUARD_S
        self.typed += octets
        if not self.carrying:
            *commands, self.typed = self.typed.split(b"\r")
            for command in commands:
                self.obey(command.strip())
        elif not (may_escape and b"+++".startswith(self.typed)):
            self.pass_on()

    def pass_on(self):
        octets, self.typed = self.typed, b""
        try:
            self.relay.sendall(octets)
        except OSError:
            pass                                     # that it has left is read from it

    def obey(self, command):
        if command[:3].upper() == b"ATD":
            self.dial(command[3:].decode("ascii", "replace"))
        elif command[:3].upper() == b"ATH":
            self.drop(b"OK")
        elif command:
            self.say(b"OK" if command.upper() == b"AT" else b"ERROR")

    def dial(self, number):
        host, _, port = number.rpartition(":")
        try:
            self.relay = socket.create_connection((host, int(port)), DIAL_S)
        except (OSError, ValueError):
            self.say(b"NO CARRIER")
            return
        self.relay.settimeout(None)
        self.carrying = True
        self.say(b"CONNECT")

    def drop(self, words):
        if self.relay is not None:
            self.relay.close()
        self.relay, self.carrying, self.typed = None, False, b""
        self.say(words)


def receive(connection):
    try:
        return connection.recv(BUFFER)
    except OSError:
        return b""


def main():
    ours, boards = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    line = ["-chardev", f"socket,id=modem,fd={boards.fileno()}", "-serial", "chardev:modem"]
    qemu = subprocess.Popen(sys.argv[1:] + line, pass_fds=[boards.fileno()])
    boards.close()
    try:
        Modem(ours).run()
    except (OSError, KeyboardInterrupt):
        pass                                         # QEMU has ended, or was told to by the same key
    status = qemu.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())

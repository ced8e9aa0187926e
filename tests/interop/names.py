# SPDX-License-Identifier: MIT
"""names.py NAME COMMAND...: `COMMAND send` to the relay of that name. It is run in namespaces of its own, where it is the relay,
the DNS server, /etc/hosts and /etc/resolv.conf."""
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from relay import LIMIT_S, Relay

A, AAAA = 1, 28
ADDRESSES = {"v4.example.test": {A: "127.0.0.1"}, "v6.example.test": {AAAA: "::1"}, "short.search.test": {A: "127.0.0.1"}}
HOSTS = "127.0.0.1 localhost\n127.0.0.1 hosts.example.test\n"
RESOLV = "search search.test\nnameserver 127.0.0.1\n"


def answer(query):
    """to one question: its address of that kind, none of that kind, or no such name"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    name, kind = ".".join(labels).lower(), struct.unpack_from(">H", query, at + 1)[0]
    known = ADDRESSES.get(name)
    records = b""
    if known and kind in known:
        octets = socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, known[kind])
        records = struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(octets)) + octets
    code = 0x8180 if known else 0x8183
    return query[:2] + struct.pack(">HHHHH", code, 1, bool(records), 0, 0) + query[12:at + 5] + records


def serve(link):
    while True:
        query, client = link.recvfrom(1500)
        link.sendto(answer(query), client)


class Here(Relay):
    """for both families"""

    def __init__(self):
        super().__init__()
        self.six = socket.create_server(("::1", self.port), family=socket.AF_INET6)
        threading.Thread(target=self.pass_on, daemon=True).start()

    def pass_on(self):
        while True:
            there = self.six.accept()[0]
            back = socket.create_connection(("127.0.0.1", self.port))
            for one, other in ((there, back), (back, there)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(one, other):
        while data := one.recv(4096):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def main(name, *command):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as directory:
        for file, text in (("hosts", HOSTS), ("resolv.conf", RESOLV)):
            path = pathlib.Path(directory, file)
            path.write_text(text)
            subprocess.run(["mount", "--bind", path, pathlib.Path("/etc", file).resolve()], check=True)
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.bind(("127.0.0.1", 53))
        threading.Thread(target=serve, args=(link,), daemon=True).start()
        relay = Here()
        done = subprocess.run([*command, "send", "--from", "s@example.org", "--helo", "client.example.org", "--relay",
                               f"{name}:{relay.port}", "a@example.test"], input=b"hello\n", timeout=LIMIT_S,
                              env={"LOGNAME": "sender", "MAILMOTE_CONF": ""})
    return done.returncode


sys.exit(main(*sys.argv[1:]))

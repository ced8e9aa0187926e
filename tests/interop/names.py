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

A, CNAME, AAAA, IN = 1, 5, 28, 1
ADDRESSES = {"v4.example.test": {A: "127.0.0.1"}, "v6.example.test": {AAAA: "::1"}, "short.search.test": {A: "127.0.0.1"},
             "alias.example.test": {CNAME: "v4.example.test", A: "127.0.0.1"}, "long.example.test": {A: "127.0.0.1"},
             "cut.example.test": {A: "127.0.0.1"}, "lied.example.test": {A: "127.0.0.1"}}
HOSTS = "127.0.0.1 localhost\n127.0.0.1 box.example.test hosts.example.test # its names\n"
# Nobody is at the first. One of the others refuses what the other tells.
RESOLV = "search none.test search.test\nnameserver 127.0.0.3\nnameserver 127.0.0.1\nnameserver ::1\noptions timeout:2 attempts:2\n"
NOWHERE = "127.0.0.9"
TELLS, TRUNCATED, REFUSES, NO_SUCH_NAME = 0x8180, 0x8380, 0x8182, 0x8183


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(kind, value, owner=b"\xc0\x0c"):
    octets = wire(value) if kind == CNAME else socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, value)
    return owner + struct.pack(">HHIH", kind, IN, 60, len(octets)) + octets


def message(query, code, records=(), number=None, question=None):
    question = question or query[12:]
    return (number or query[:2]) + struct.pack(">HHHHH", code, 1, len(records), 0, 0) + question + b"".join(records)


def asked(query):
    """the name and the type"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack_from(">H", query, at + 1)[0]


def answer(query):
    """to one question: its address of that kind, none of that kind, or no such name"""
    name, kind = asked(query)
    if name not in ADDRESSES:
        return message(query, NO_SUCH_NAME)
    known = ADDRESSES[name]
    return message(query, TELLS, [record(one, known[one]) for one in (CNAME, kind) if one in known])


def lies(query):
    """what is no answer to the question, each with another's address"""
    false = [record(A, NOWHERE)]
    yield message(query, TELLS, false, number=bytes(octet ^ 1 for octet in query[:2]))
    yield message(query, TELLS, false, question=wire("other.example.test") + query[-4:])
    yield message(query, 0x0100, false)
    yield query[:7]
    yield b""


def datagrams(query, six):
    """all that a server sends for it"""
    name = asked(query)[0]
    if name.startswith("silent."):
        return []
    if name.startswith("v6.") != six:
        return [message(query, REFUSES)]
    if name.startswith("long."):
        return [message(query, TRUNCATED)]
    if name.startswith("cut."):
        return [message(query, TRUNCATED, [record(A, "127.0.0.1")])]
    return [*(lies(query) if name.startswith("lied.") else []), answer(query).replace(b"example", b"eXample")]


def serve(link, six):
    while True:
        query, client = link.recvfrom(1500)
        for datagram in datagrams(query, six):
            link.sendto(datagram, client)


def serve_long(listener):
    """by TCP, octet by octet; of what was cut the rest is not to be had"""
    while True:
        link = listener.accept()[0]
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        query = link.recv(1500)[2:]
        if not asked(query)[0].startswith("cut."):
            whole = answer(query)
            for octet in struct.pack(">H", len(whole)) + whole:
                link.send(bytes([octet]))
        link.close()


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
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            link = socket.socket(family, socket.SOCK_DGRAM)
            link.bind((address, 53))
            threading.Thread(target=serve, args=(link, family == socket.AF_INET6), daemon=True).start()
        threading.Thread(target=serve_long, args=(socket.create_server(("127.0.0.1", 53)),), daemon=True).start()
        relay = Here()
        done = subprocess.run([*command, "send", "--from", "s@example.org", "--helo", "client.example.org", "--relay",
                               f"{name}:{relay.port}", "a@example.test"], input=b"hello\n", timeout=LIMIT_S,
                              env={"LOGNAME": "sender", "MAILMOTE_CONF": ""})
    return done.returncode


sys.exit(main(*sys.argv[1:]))

# SPDX-License-Identifier: MIT
"""A scripted SMTP relay that misbehaves at any chosen moment, and notes the dialogue of each connection.

A script is a dict: where -> what. Where: "greeting", "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "."
(the end of the mail), "QUIT"; inside TLS with a "+" in front; "TLS" is the handshake. What: a reply, an action below, a
list of both, for RCPT also a dict by local part; for "TLS" also the name of a server context. Where nothing is said,
the relay behaves. "offers" and "+offers" are EHLO's lines; "implicit" begins with TLS.

The dialogue is the commands in order, those inside TLS in brackets: "EHLO STARTTLS [EHLO MAIL RCPT DATA . QUIT]";
"EARLY" are octets that came before they could be meant."""
import functools
import socket
import ssl
import struct
import threading
import warnings

from clock import LIMIT_S

GOOD = {"greeting": "220 relay.test", "STARTTLS": "220 go", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go",
        ".": "250 taken", "QUIT": "221 bye", "AUTH": "235 ok", "HELO": "250 relay.test", "RSET": "250 ok", "TLS": "ecdsa",
        "offers": ["STARTTLS", "SIZE 1000000"], "+offers": ["SIZE 1000000", "AUTH PLAIN"]}


class End(Exception):
    """of the connection"""


# ---- Actions: what can be done instead of a reply -------------------------------------------------------------------

def close(talk):
    raise End


def reset(talk):
    talk.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise End


def silence(talk):
    """nothing more is said, until the client leaves"""
    while talk.hear():
        pass
    raise End


def notify(talk):
    """close_notify, then nothing"""
    try:
        talk.tls.unwrap()
    except ssl.SSLError:
        pass                                         # the client's own is not waited for
    talk.flush()
    silence(talk)


def fin(talk):
    """the usual reply, with the end of the connection in the same segment"""
    talk.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    talk.say(talk.usual())
    talk.link.shutdown(socket.SHUT_WR)
    silence(talk)


def wire(octets):
    """these octets on the wire, be there TLS or not; then it listens"""
    def action(talk):
        talk.link.sendall(octets)
        silence(talk)
    return action


def say(text):
    """this text as it is, inside TLS if there is TLS"""
    return lambda talk: talk.send(text)


def inject(text):
    """this text in one segment; whatever the client says after that is EARLY"""
    def action(talk):
        talk.link.sendall(text)
        talk.words += ["EARLY"] * bool(talk.hear())
        silence(talk)
    return action


def hello_then(*actions):
    """waits for the client's first flight of the handshake"""
    def action(talk):
        talk.link.recv(65536)
        for each in actions:
            each(talk)
    return action


def alert(code, level=2):
    return wire(bytes([21, 3, 3, 0, 2, level, code]))


def cut(octets, then=close, flight=0):
    """a handshake that is lost after so many octets of the server's first (0) or second flight"""
    def action(talk):
        sent = []

        def pass_on(data):
            if len(sent) == flight:
                talk.link.sendall(data[:octets])
                then(talk)
            sent.append(data)
            talk.link.sendall(data)
        talk.handshake("ecdsa", pass_on)
    return action


def spoil(at, flight):
    """a handshake whose server's flight has a wrong octet there"""
    def action(talk):
        sent = []

        def pass_on(data):
            if len(sent) == flight:
                data = bytearray(data)
                data[at] ^= 1
            sent.append(data)
            talk.link.sendall(data)
        talk.handshake("ecdsa", pass_on)
        silence(talk)
    return action


# ---- TLS ------------------------------------------------------------------------------------------------------------

class Contexts:
    """server contexts by name: that of a leaf of the test's PKI, or of what is odd about it"""

    def __init__(self, pki):
        self.pki, self.lock = pki, threading.Lock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")          # old versions are what these are for
            self.make("tls10"), self.make("tls11"), self.make("tls10 empty")

    @functools.lru_cache(maxsize=None)
    def make(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_TICKET
        leaf = name if (self.pki.dir / f"{name}.key").exists() else "ecdsa"
        if leaf.startswith("forged"):
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self.pki.chain(leaf), self.pki.key(leaf))
        if name in ("tls10", "tls11", "tls10 empty"):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1 if name == "tls11" else ssl.TLSVersion.TLSv1
            if name.endswith("empty"):
                context.options &= ~0x800            # OpenSSL's SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS
        elif name == "tls13":
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        elif name == "nosuite":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("DHE-RSA-AES256-GCM-SHA384")
        elif name in ("asks", "requires"):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(self.pki.ca)
            context.verify_mode = ssl.CERT_OPTIONAL if name == "asks" else ssl.CERT_REQUIRED
        else:
            assert leaf == name, name
        return context

    def __getitem__(self, name):
        with self.lock:
            return self.make(name)


class Talk:
    """one connection"""

    def __init__(self, relay, link):
        self.relay, self.link = relay, link
        scripts = relay.script if isinstance(relay.script, list) else [relay.script]
        self.script = scripts[min(relay.count, len(scripts) - 1)]
        relay.count += 1
        self.tls, self.buffer, self.words, self.where, self.asked = None, b"", [], "greeting", []
        self.over = threading.Event()

    def send(self, text):
        if self.tls:
            for record in self.relay.cut(text):
                self.tls.write(record)
            self.flush()
        else:
            for piece in self.relay.split(text):
                self.link.sendall(piece)

    def flush(self, to=None):
        data = self.outgoing.read()
        if data:
            (to or self.link.sendall)(data)

    def say(self, reply):
        self.send(reply.encode() + b"\r\n")

    def pass_time(self, seconds):
        """while the client reads what it was sent"""
        if self.relay.clock:
            self.relay.clock.read_for(self.link, seconds)

    def hear(self):
        """what comes next on the wire; with a clock, the client waits until it comes to an end of its patience"""
        if self.relay.clock:
            self.relay.clock.hear(self.link)
        return self.link.recv(65536)

    def recv(self):
        got = self.link.recv(65536)
        if not got:
            raise End
        return got

    def read(self):
        """more of what the client says"""
        if not self.tls:
            got = self.recv()
            self.relay.clear += got
            self.buffer += got
            return
        try:
            got = self.tls.read(65536)
            if not got:
                raise End                            # close_notify
            self.buffer += got
        except ssl.SSLWantReadError:
            self.incoming.write(self.recv())

    def until(self, end):
        while end not in self.buffer:
            self.read()
        data, _, self.buffer = self.buffer.partition(end)
        return data

    def handshake(self, name, to=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.relay.contexts[name].wrap_bio(self.incoming, self.outgoing, server_side=True)
        while not self.tls:
            try:
                tls.do_handshake()
                self.flush(to)
                self.tls = tls
            except ssl.SSLWantReadError:
                self.flush(to)
                self.incoming.write(self.recv())
            except ssl.SSLError:
                self.flush()                         # the alert
                silence(self)

    # ---- Following the script ----

    def planned(self, where):
        return self.script.get(where, GOOD.get(where, GOOD.get(where.lstrip("+"))))

    def usual(self):
        verb = self.where.lstrip("+")
        if verb == "EHLO":
            lines = ["relay.test", *self.planned(self.where.replace("EHLO", "offers"))]
            return "\r\n".join("250" + "- "[line is lines[-1]] + line for line in lines)
        return GOOD[verb]

    def do(self, where, local_part=""):
        """plays what the script has there; returns whether the command was granted"""
        self.where, granted = where, True
        plan = self.planned(where) or self.usual()
        if isinstance(plan, dict):
            plan = plan.get(local_part, self.usual())
        for what in plan if isinstance(plan, list) else [plan]:
            if callable(what):
                what(self)
            else:
                self.say(what)
                granted = what.startswith("220") if where == "STARTTLS" else what[0] in "23"
        return granted

    def secure(self):
        self.words += ["EARLY"] * bool(self.buffer)
        plan = self.planned("TLS")
        plan(self) if callable(plan) else self.handshake(plan)
        self.words.append("[")

    def command(self):
        words = self.until(b"\r\n").decode("latin-1").split()
        verb, mark = words[0].upper() if words else "?", "+" if self.tls else ""
        self.words.append(verb)
        if verb == "BDAT":
            while len(self.buffer) < int(words[1]):
                self.read()
            text, self.buffer = self.buffer[:int(words[1])], self.buffer[int(words[1]):]
            if self.planned(mark + "BDAT"):
                self.do(mark + "BDAT")
            else:
                self.take(text, mark)
            return
        if self.buffer and "PIPELINING" not in self.planned(mark + "offers"):
            self.words.append("EARLY")
        local_part = words[1].partition("<")[2].partition("@")[0] if verb == "RCPT" else ""
        granted = self.do(mark + verb, local_part)
        if verb == "RCPT":
            self.asked.append(local_part)
        elif verb == "DATA" and granted:
            self.buffer = b"\r\n" + self.buffer     # the end of the line before, as the text may have none
            text = self.until(b"\r\n.\r\n")[2:] + b"\r\n"
            self.words.append(".")
            self.take(text, mark)
        elif verb == "STARTTLS" and granted:
            self.secure()

    def take(self, text, mark):
        self.relay.mails.append((tuple(self.asked), text))
        self.do(mark + ".")

    def run(self):
        try:
            if self.script.get("implicit"):
                self.secure()
            self.do("+greeting" if self.tls else "greeting")
            while True:
                self.command()
        except (End, OSError):
            pass                                     # ssl.SSLError is an OSError

    def dialogue(self):
        """all of it: the client may have left before its QUIT is read here"""
        assert self.over.wait(LIMIT_S), "a connection does not end"
        return " ".join(self.words).replace("[ ", "[") + "]" * ("[" in self.words)


class Relay:
    """Listens on a port of its own while `script` is not None, and plays it to each connection. `log` gets (name, talk)
    for each; `clear` is all that came outside TLS, `mails` are (local parts asked for, text), `cut` makes records of what is said
    inside it, `split` segments of what is said outside; `clock` is the client's, and moves while this one is silent (clock.py)."""

    def __init__(self, contexts, name, log, clock=None):
        self.contexts, self.name, self.log, self.clock, self.script, self.count = contexts, name, log, clock, None, 0
        self.clear, self.mails, self.marks, self.thread, self.cut = b"", [], {}, None, lambda text: [text]
        self.split = self.cut
        with socket.socket() as probe:               # a port that was asked for by number stays ours while we are down
            self.socket = socket.socket()
            for each, port in (probe, lambda: 0), (self.socket, lambda: probe.getsockname()[1]):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.bind(("127.0.0.1", port()))
        self.port = self.socket.getsockname()[1]

    def play(self, script):
        """what it does from now on; None: it is down; a list: one script per connection, the last stays. To be called
        between two attempts"""
        self.script, self.count = script, 0
        if script is not None and not self.thread:
            self.socket.listen(8)
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()
        elif script is None and self.thread:
            self.socket.shutdown(socket.SHUT_RDWR)   # Linux: it no longer listens, but stays bound
            self.thread.join(LIMIT_S)
            self.thread = None

    def settle(self):
        """returns when all connections there were are over: one of ours comes last"""
        if self.thread:
            with socket.socket() as mark:
                mark.bind(("127.0.0.1", 0))
                passed = self.marks[mark.getsockname()[1]] = threading.Event()
                mark.connect(("127.0.0.1", self.port))
                assert passed.wait(LIMIT_S), "a connection does not end"

    def stop(self):
        self.play(None)
        self.socket.close()

    def _run(self):
        while True:
            try:
                link, peer = self.socket.accept()
            except OSError:
                return
            with link:
                if peer[1] in self.marks:
                    self.marks.pop(peer[1]).set()
                    continue
                link.settimeout(LIMIT_S)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                talk = Talk(self, link)
                self.log.append((self.name, talk))   # another relay's may stand behind it at once
                talk.run()
                talk.over.set()

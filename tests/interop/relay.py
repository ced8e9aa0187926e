# SPDX-License-Identifier: MIT
"""A relay whose behaviour a test can change between two attempts, and the spool's files as they are on the disk."""
import base64
import dataclasses
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import zlib

from clock import LIMIT_S

COMMAND = os.environ.get("MAILMOTE") or "build/mailmote"
SANITIZED = b"__asan_init" in pathlib.Path(COMMAND).read_bytes()
FAST = os.environ.get("MAILMOTE_FAST")              # the same with MOTE_TLS_RETRY_S=2
RETRY_S = 2
OK, USAGE, BAD_INPUT, REFUSED, NO_HOST, FAILED, OS_ERROR, NOT_STORED, DEFERRED, NO_LOGIN, BAD_CONFIG = (
    0, 64, 65, 67, 68, 69, 71, 73, 75, 77, 78)


@dataclasses.dataclass
class Mail:
    id: str
    to: list
    secure: bool
    text: bytes
    sender: str = ""
    doubt: bool = False                             # the connection ended where the reply was due


def serve(listener, begin):
    """gives each connection to begin(), in a thread, until the listener is closed"""
    def accept():
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            begin(link)
    threading.Thread(target=accept, daemon=True).start()


class Relay:
    """Speaks enough SMTP, each connection in a thread. `starttls` is None, "good" or "broken"; `replies` are for
    addresses and commands, others are 250; `talks` are the verbs of each connection; `mails` were answered 250, or cut
    where that was due; `logins` are what AUTH said; `size` is offered, unless None; `holding` is set at the end of a mail, with `hold_greeting` at the greeting, and the answer comes when `hold` is. After a mail it rests
    for `rest_s` seconds of `now()`: 421."""

    def __init__(self, context=None, starttls=None, replies=None, address="127.0.0.1", port=0):
        self.context, self.starttls, self.replies = context, starttls, replies or {}
        self.greeting, self.cut_at_end, self.hold, self.holding = "220 relay.test", False, None, threading.Event()
        self.hold_greeting, self.rest_s, self.rested, self.now = False, 0, 0, time.monotonic
        self.talks, self.mails, self.auth, self.logins, self.size = [], [], "AUTH PLAIN", [], None
        self.listener = socket.create_server((address, port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.where = f"{address}:{self.port}"
        serve(self.listener, self._begin)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _begin(self, link):
        threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link):
        verbs, secure = [], False
        self.talks.append(verbs)
        try:
            link.settimeout(LIMIT_S)
            if self.hold_greeting:
                self.holding.set()
                self.hold.wait(LIMIT_S)
            greeting = self.greeting if self.now() >= self.rested else "421 one moment"
            file = self._say(link, None, greeting)
            while True:
                line = file.readline()
                if not line:
                    break
                verb = line.split()[0].decode("latin-1").upper()
                verbs.append(verb)
                if verb == "EHLO":
                    sender, to = "", []
                    offers = [self.auth] if secure else ["STARTTLS"] if self.starttls else []
                    offers += [f"SIZE {self.size}"] if self.size is not None else []
                    self._say(link, file, "".join(f"250-{word}\r\n" for word in ["relay.test", *offers]) + "250 HELP")
                elif verb == "STARTTLS":
                    self._say(link, file, "220 go")
                    if self.starttls == "broken":
                        link.sendall(b"no TLS here at all\r\n" * 20)
                        verbs.append("(broken)")
                        link.recv(65536)
                        break
                    link = self.context.wrap_socket(link, server_side=True)
                    file, secure = link.makefile("rb"), True
                elif verb == "MAIL":
                    sender, to = re.search(rb"<(.*?)>", line)[1].decode(), []
                    if self.now() < self.rested:
                        self._say(link, file, "421 one moment")
                        break
                    self._say(link, file, self.replies.get(verb, "250 ok"))
                elif verb == "RCPT":
                    address = re.search(rb"<(.*?)>", line)[1].decode()
                    reply = self.replies.get(address, "250 ok")
                    to += [address] if reply[0] == "2" else []
                    self._say(link, file, reply)
                elif verb == "DATA" and to:
                    self._say(link, file, "354 go")
                    text = self._text(file)
                    self.holding.set()
                    if self.hold:
                        self.hold.wait(LIMIT_S)
                    if self.replies.get("END", "250")[0] == "2":
                        name = re.search(rb"^Message-ID: <(.*?)>", text, re.M | re.I)
                        self.mails.append(Mail(name[1].decode() if name else "", to, secure, text, sender, self.cut_at_end))
                    if self.cut_at_end:
                        break
                    self.rested = self.now() + self.rest_s
                    self._say(link, file, self.replies.get("END", "250 taken"))
                elif verb == "DATA":
                    self._say(link, file, "554 nobody")
                elif verb == "QUIT":
                    self._say(link, file, "221 bye")
                    break
                elif verb == "AUTH":
                    self.logins.append(base64.b64decode(line.split()[-1]).decode())
                    self._say(link, file, self.replies.get(verb, "235 ok"))
                else:
                    to = [] if verb == "MAIL" else to
                    self._say(link, file, self.replies.get(verb, "250 ok"))
        except (OSError, ValueError):
            pass
        finally:
            link.close()

    @staticmethod
    def _text(file):
        lines = []
        while not lines or lines[-1] != b".\r\n":
            lines.append(file.readline())
            if not lines[-1].endswith(b"\n"):
                raise OSError("cut off")
        return b"".join(lines[:-1])

    @staticmethod
    def _say(link, file, text):
        link.sendall((text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return file or link.makefile("rb")


def make_context(path, subject="/CN=relay.test"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", path / "key.pem", "-out", path / "certificate.pem", "-utf8", "-subj", subject,
                    "-addext", "subjectAltName=DNS:relay.test"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path / "certificate.pem", path / "key.pem")
    return context


def run(command, *args, text=b"", wrap=(), decode=True, env=None, limit=LIMIT_S, **options):
    """decode: standard output as rows. No configuration is read that the test does not name."""
    done = subprocess.run([*wrap, command, *(word if isinstance(word, bytes) else str(word) for word in args)], input=text,
                          capture_output=True, timeout=limit,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                               "MAILMOTE_CONF": "", **(env or {})}, **options)
    done.stderr_octets, done.stderr = done.stderr, done.stderr.decode(errors="replace")
    done.rows = [line.split("\t") for line in done.stdout.decode().splitlines()] if decode else None
    done.verdicts = [row[2] for row in done.rows] if decode and args[0] != "queue" else None
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def as_user(uid=65534):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


class Spool:
    """`mailmote` with a spool and relays, the command behind `wrap` where a call has none of its own"""

    def __init__(self, path, command=COMMAND, wrap=()):
        self.path, self.command, self.wrap = pathlib.Path(path), command, wrap
        self.drop = self.path / "drop"

    def send(self, *relays, to=("a@example.test",), options=(), text=b"hello\n", wrap=None, **more):
        where = [word for relay in relays for word in ("--relay", getattr(relay, "where", relay))]
        return run(self.command, "send", "--spool", self.path, "--helo", "client.example.org", "--from",
                   "s@example.org", *options, *where, *to, text=text, wrap=wrap or self.wrap, **more)

    def keep(self, closed):
        """a mail that a flush tries at once, and relays of which nothing is known"""
        self.send(closed)
        file = self.file()
        file.wait = 0
        file.write()
        (self.path / "relays").unlink()

    def flush(self, *relays, options=(), wrap=None, **more):
        where = [word for relay in relays for word in ("--relay", getattr(relay, "where", relay))]
        return run(self.command, "flush", "--spool", self.path, "--helo", "client.example.org", *options, *where,
                   wrap=wrap or self.wrap, **more)

    def queue(self, *options):
        return run(self.command, "queue", "--spool", self.path, *options)

    def share(self):
        """makes it, and the directory into which users drop mails"""
        self.path.mkdir()
        self.path.chmod(0o711)
        self.drop.mkdir()
        self.drop.chmod(0o1733)

    def names(self):
        return sorted(entry.name for entry in self.path.iterdir())

    def waiting(self):
        """whether there is a mail; it may go at any time, and is not read"""
        return any(name.endswith(".mail") for name in self.names())

    def files(self):
        return [File(path) for path in sorted(self.path.glob("*.mail"))]

    def file(self):
        [file] = self.files()
        return file


class File:
    """the state of a mail's file; change attributes, then write()"""
    STATE, RECORD, MORE = "<8sI44s16sQH", "<H8sIIIHHBBBBHII", "<IB"

    def __init__(self, path):
        self.path, data = path, path.read_bytes()
        good = [data[at:at + 95] for at in (0, 512)
                if struct.unpack("<I", data[at + 82:at + 86])[0] == zlib.crc32(data[at:at + 82])]
        states = [struct.unpack(self.STATE, state[:82]) + struct.unpack(self.MORE, state[86:91]) for state in good]
        _, self.seq, record, self.boot, self.ms, self.spare, self.printed, self.notice = max(states, key=lambda state: state[1])
        (self.version, self.id, self.age, self.tls_since, self.wait, self.attempts, self.code, self.cause, self.flags,
         self.rcpts, self.mx, self.number, self.delivered, self.failed) = struct.unpack(self.RECORD, record[:40])
        assert struct.unpack("<I", record[40:])[0] == zlib.crc32(record[:40])
        [body_len], envelope_len = struct.unpack("<I", data[1024:1028]), int.from_bytes(data[1037:1040], "little")
        words = data[1040:1040 + envelope_len].decode(errors="replace").split("\0")
        self.sender, self.to, self.text = words[0], words[1:-1], data[1040 + envelope_len:1032 + body_len]

    tls_failed, sent, plain, verified_only, begun, left_alone = (
        property(lambda self, bit=1 << n: bool(self.flags & bit)) for n in range(6))

    def write(self):
        record = struct.pack(self.RECORD, self.version, self.id, self.age, self.tls_since, self.wait, self.attempts,
                             self.code, self.cause, self.flags, self.rcpts, self.mx, self.number,
                             self.delivered, self.failed)
        record += struct.pack("<I", zlib.crc32(record))
        self.seq += 1
        state = struct.pack(self.STATE, b"mailmot1", self.seq, record, self.boot, self.ms, self.spare)
        with open(self.path, "r+b") as file:
            file.seek(512 * (self.seq & 1))
            state += struct.pack("<I", zlib.crc32(state)) + struct.pack(self.MORE, self.printed, self.notice)
            file.write(state + struct.pack("<I", zlib.crc32(state)))

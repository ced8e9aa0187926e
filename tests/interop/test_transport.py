# SPDX-License-Identifier: MIT
"""What sockets can do to the command: refusals in the middle of a long mail, closed and reset connections, octets one at
a time, readers that dawdle, interrupted and failing system calls. Scripted servers, in clear and in TLS."""
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from clock import LIMIT_S
from pretend import pretend

COMMAND = os.environ.get("MAILMOTE", "build/mailmote")
OK, FAILED, DEFERRED = 0, 69, 75
HEADER = b"From: s@example.org\r\nDate: now\r\nMessage-ID: <big@example.org>\r\n\r\n"
BIG = HEADER + b"".join(b"%08d %s\r\n" % (i, b"x" * 60) for i in range(150_000))     # 10.6 MB


class Server(threading.Thread):
    """Accepts one connection and gives it to a function with this object; `heard` is what came."""

    def __init__(self, script, family=socket.AF_INET, tls=None):
        super().__init__(daemon=True)
        self.script, self.tls, self.heard, self.error, self.buffer = script, tls, b"", None, b""
        self.listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        with self.listener:
            self.link, _ = self.listener.accept()
        self.link.settimeout(LIMIT_S)
        try:
            self.script(self)
        except Exception as error:          # shown by send()
            self.error = error
        finally:
            self.link.close()               # the one inside TLS, where there is one

    def read(self, size=65536):
        got = self.link.recv(size)
        if not got:
            raise EOFError
        self.heard += got
        self.buffer += got
        return got

    def line(self):
        while b"\n" not in self.buffer:
            self.read()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line + b"\n"

    def say(self, text):
        self.link.sendall(text)

    def ask(self, text, *words):
        """says a line, then expects a command"""
        self.say(text)
        line = self.line()
        assert line.split()[0].upper() in words, line

    def envelope(self, offers=b""):
        self.ask(b"220 relay.test\r\n", b"EHLO")
        if self.tls:
            self.ask(b"250-relay.test\r\n250 STARTTLS\r\n", b"STARTTLS")
            self.say(b"220 go\r\n")
            self.link = self.tls.wrap_socket(self.link, server_side=True)
            assert self.line().startswith(b"EHLO")
        self.ask(b"250-relay.test\r\n" + offers + b"250 HELP\r\n", b"MAIL")
        self.ask(b"250 sender ok\r\n", b"RCPT")
        self.ask(b"250 recipient ok\r\n", b"DATA")

    def text(self):
        """the mail to its final dot"""
        while not self.buffer.endswith(b"\r\n.\r\n"):
            self.read()
        self.buffer = b""

    def reset(self):
        """closes with RST"""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.link.close()


@pytest.fixture(scope="module", params=["clear", "TLS"])
def tls(request, tmp_path_factory):
    """None, or a server's context"""
    if request.param == "clear":
        return None
    path = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", path / "key.pem", "-out", path / "certificate.pem", "-subj", "/CN=relay.test"],
                   check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path / "certificate.pem", path / "key.pem")
    return context


def whole(server):
    """a good conversation"""
    server.envelope()
    server.say(b"354 go\r\n")
    server.text()
    server.ask(b"250 taken\r\n", b"QUIT")
    try:
        server.say(b"221 bye\r\n")
    except OSError:
        pass        # the client need not wait for it


def whole_or_nothing(server):
    try:
        whole(server)
    except (EOFError, OSError):
        pass


def send(server, text=b"Subject: s\r\n\r\ntext\r\n", wrap=(), host="127.0.0.1", options=()):
    done = subprocess.run([*wrap, COMMAND, "send", "--relay", f"{host}:{server.port}", "--from", "s@example.org", "--raw",
                           *options, "r@example.org"], input=text, capture_output=True, timeout=LIMIT_S)
    server.join(LIMIT_S)
    assert server.error is None, repr(server.error)
    done.row = done.stdout.decode().rstrip("\n").split("\t")
    assert len(done.row) == 5, done
    return done


def test_whole():
    server = Server(whole)
    done = send(server)
    assert done.returncode == OK and done.row[2:] == ["delivered", "250", "taken"] and done.stderr == b""


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6")
def test_ipv6():
    server = Server(whole, socket.AF_INET6)
    done = send(server, host="[::1]")
    assert done.returncode == OK
    hello = server.heard.split()[1]
    assert hello == b"[IPv6:::1]" or b"." in hello


@pytest.mark.skipif(b"/ld-" not in pathlib.Path(COMMAND).read_bytes(), reason="into a static file nothing is preloaded")
def test_second_address():
    """one that does not listen is passed over"""
    assert send(Server(whole), host="relay.example.org", wrap=pretend(ADDRESSES="127.0.0.2 127.0.0.1")).returncode == OK


def test_big(tls):
    server = Server(whole, tls=tls)
    done = send(server, BIG)
    assert done.returncode == OK and BIG in server.heard


def test_dawdling_reader(tls):
    """writes come to a stop again and again"""
    def script(server):
        server.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.envelope()
        server.say(b"354 go\r\n")
        while not server.buffer.endswith(b"\r\n.\r\n"):
            server.read(200_000)
            time.sleep(0.01)
        server.buffer = b""
        server.ask(b"250 taken\r\n", b"QUIT")
    server = Server(script, tls=tls)
    assert send(server, BIG[:200_000] + b"\r\n").returncode == OK


def test_octet_by_octet(tls):
    def script(server):
        def say(text):
            for i in range(len(text)):
                server.link.sendall(text[i:i + 1])      # in TLS: records of one octet
                time.sleep(0.001)
        server.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.say = say
        whole(server)
    assert send(Server(script, tls=tls)).returncode == OK


@pytest.mark.parametrize("ending", ["close", "reset", "half-close", "read on"])
@pytest.mark.parametrize("pipelining", [b"", b"250-PIPELINING\r\n"], ids=["lock-step", "pipelining"])
@pytest.mark.parametrize("reply, verdict, status", [
    (b"552 5.3.4 too much\r\n", "failed", FAILED),
    (b"452 4.3.1 no room\r\n", "deferred", DEFERRED),
])
def test_refusal_during_the_mail(tls, ending, pipelining, reply, verdict, status):
    """is heard, and is the verdict"""
    def script(server):
        server.envelope(pipelining)
        server.say(b"354 go\r\n")
        while len(server.heard) < 1_000_000:
            server.read()
        server.say(reply)
        if ending == "half-close":
            socket.socket.shutdown(server.link, socket.SHUT_WR)
        if ending == "reset":
            time.sleep(0.2)         # so that the reply is not lost with the reset
            server.reset()
        elif ending != "close":
            try:
                while server.link.recv(1 << 20):
                    pass
            except OSError:
                pass
    done = send(Server(script, tls=tls), BIG)
    assert done.returncode == status, done
    assert done.row[2:4] == [verdict, reply[:3].decode()]


@pytest.mark.parametrize("script", [
    [b"220 relay.test\r\n250 relay.test\r\n"],
    [b"220 relay.test\r\n", b"250 relay.test\r\n250 ok\r\n"],
    [b"220 relay.test\r\n", b"250 relay.test\r\n", b"250 ok\r\n250 ok\r\n"],
    [b"220 relay.test\r\n", b"250 relay.test\r\n", b"250 ok\r\n", b"250 ok\r\n354 go\r\n"],
    [b"220 relay.test\r\n", b"250 relay.test\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n250 taken\r\n"],
], ids=["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_reply_before_its_command(script):
    """is an error at once, and no mail is believed to be delivered"""
    def play(server):
        for word in script[:-1]:
            server.say(word)
            server.line()
        server.say(script[-1])
        try:
            while True:
                server.read()
        except (EOFError, OSError):
            pass
    server = Server(play)
    done = send(server, BIG)
    assert done.returncode == DEFERRED and len(server.heard) < 10_000, done


def closing_at(step, how):
    def script(server):
        words = [b"220 relay.test\r\n", b"250 relay.test\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", None, b"250 ok\r\n"]
        for word in words[:step]:
            if word is None:
                server.text()
                continue
            server.say(word)
            if word[:3] != b"354":
                server.line()
        if how == "reset":
            server.reset()
    return Server(script)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("step", range(8))
def test_lost(step, how):
    """deferred; in doubt once the mail is out; delivered once it was accepted"""
    done = send(closing_at(step, how))
    if step == 7:
        assert done.returncode == OK and done.row[2:4] == ["delivered", "250"]
        return
    assert done.returncode == DEFERRED and done.row[2:4] == ["deferred", "-"]
    if step != 5:       # then the mail may be on its way already, or not
        assert ("may have arrived" in done.row[4]) == (step == 6)


def test_last_words():
    """421 and close, to a command"""
    def script(server):
        server.ask(b"220 relay.test\r\n", b"EHLO")
        server.ask(b"250 relay.test\r\n", b"MAIL")
        server.say(b"421 4.3.2 closing\r\n")
    done = send(Server(script))
    assert done.returncode == DEFERRED and done.row[3:] == ["421", "4.3.2 closing"]


def test_next_relay_after_loss():
    first, second = closing_at(2, "close"), Server(whole)
    done = send(first, options=["--relay", f"127.0.0.1:{second.port}"])
    second.join(LIMIT_S)
    assert done.returncode == OK and second.error is None


def test_no_second_submission_in_doubt():
    first = closing_at(6, "close")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = send(first, options=["--relay", f"127.0.0.1:{listener.getsockname()[1]}"])
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert done.returncode == DEFERRED and "may have arrived" in done.row[4]


def test_hostile_text():
    """neither the terminal nor the table is disturbed by what a relay says"""
    def script(server):
        server.ask(b"220 \x1b[2J\xff\r\n", b"EHLO")
        server.ask(b"250 relay.test\r\n", b"MAIL")
        server.say(b"550 no\t\x1b]0;x\x07\x00\r\xc3\xa4" + b"y" * 2000 + b"\r\n")
    done = send(Server(script), options=["-v"])
    assert done.returncode == FAILED and done.row[2:4] == ["failed", "550"]
    for out in (done.stdout, done.stderr):
        assert all(c in "\t\nä" or " " <= c <= "~" for c in out.decode())
    assert rb"S: 220 \x1B[2J\xFF" + b"\n" in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 1100


@pytest.mark.parametrize("call", ["sendto", "recvfrom", "poll"])
@pytest.mark.parametrize("error", ["EINTR", "EAGAIN"])
@pytest.mark.parametrize("when", ["1+2", "1..50"])
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_interrupted_calls(call, error, when):
    """storms of EINTR and EAGAIN change nothing"""
    if (call, error) == ("poll", "EAGAIN"):
        pytest.skip("poll has no EAGAIN to be waited for")
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={error}:when={when}"]
    assert send(Server(whole_or_nothing), wrap=wrap).returncode == OK       # QUIT is not waited for


@pytest.mark.parametrize("call", ["sendto", "recvfrom"])
@pytest.mark.parametrize("error", ["ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOMEM"])
@pytest.mark.parametrize("when", range(1, 12))
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_failing_calls(call, error, when):
    """every call fails once: the verdict is never better than the truth"""
    taken = []

    def script(server):
        try:
            server.envelope()
            server.say(b"354 go\r\n")
            server.text()
            taken.append(True)
            server.ask(b"250 taken\r\n", b"QUIT")
        except (EOFError, OSError):
            pass
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={error}:when={when}"]
    done = send(Server(script), wrap=wrap)
    assert done.returncode in (OK, DEFERRED), done
    assert done.row[2] == ("delivered" if done.returncode == OK else "deferred")
    assert taken or done.returncode == DEFERRED
    assert "may have arrived" in done.row[4] or done.returncode == OK or not taken


@pytest.mark.parametrize("call, status", [("socket", DEFERRED), ("connect", DEFERRED), ("getrandom", (OK, DEFERRED)),
                                          ("getsockname", (OK, DEFERRED)), ("fcntl", (OK, DEFERRED)),
                                          ("setsockopt", OK), ("shutdown", OK)])
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_other_calls_fail(call, status):
    server = Server(whole_or_nothing)
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error=ENOSYS"]
    done = subprocess.run([*wrap, COMMAND, "send", "--relay", f"127.0.0.1:{server.port}", "--from", "s@example.org",
                           "--helo", "mote.example.org", "r@example.org"], input=b"text", capture_output=True, timeout=LIMIT_S)
    assert done.returncode in (status if isinstance(status, tuple) else (status,)), done
    with socket.socket() as wake:
        wake.connect_ex(("127.0.0.1", server.port))
    server.join(LIMIT_S)


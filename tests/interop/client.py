# SPDX-License-Identifier: MIT
"""The command under test, and the mails it is given."""
import itertools
import os
import pathlib
import re
import subprocess

from cell import BUILD, PASSWORD, USER
from clock import LIMIT_S
from proxy import Proxy

COMMAND = os.environ.get("MAILMOTE") or str(BUILD / "mailmote")
OK, BAD_INPUT, REFUSED, NO_HOST, FAILED, DEFERRED, NO_LOGIN, BAD_CONFIG = 0, 65, 67, 68, 69, 75, 77, 78
UNTRUSTED = FAILED
SENDER, ALICE, BOB = "sender@example.org", "a@example.test", "b@example.test"
GONE, LATER = "gone@example.test", "later@example.test"      # 550 and 450 at every server
numbers = itertools.count(1)


def new_token():
    return f"token-{os.getpid()}-{next(numbers)}-"


def raw_mail(token, body=b"hello\r\n", top=b""):
    """a whole mail, with all a server might miss and would add"""
    head = f"""From: <{SENDER}>
To: <{ALICE}>
Subject: {token}
Date: Thu, 20 Nov 2025 12:00:00 +0000
Message-ID: <{token}@example.org>

"""
    return top + head.replace("\n", "\r\n").encode() + body


class Row:
    """one line of the command's standard output"""

    def __init__(self, line):
        self.id, self.address, self.verdict, code, self.text = line.split("\t")
        self.code = int(code) if code.isdigit() else None


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.rows = [Row(line) for line in out.decode().splitlines()]
        self.said = re.findall(r"^C: (.*)$", err, re.M)      # our side of the dialogue
        self.asked = ()

    def verbs(self):
        return [line.split(" ")[0].upper() for line in self.said]


class Mailmote:
    def __init__(self, scratch, pki):
        self.ca, self.files = pki.ca, pathlib.Path(scratch)
        self.login = self.login_with(PASSWORD + "\n")

    def file(self, name, text):
        """a file for --password-file and the like"""
        path = self.files / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return str(path)

    def login_with(self, secret, kind="password"):
        return ["--user", USER, f"--{kind}-file", self.file(f"{kind}-{next(numbers)}", secret)]

    def run(self, *args, text=b"", started=None):
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.files), "LC_ALL": "C.UTF-8", "MAILMOTE_CONF": ""}
        pipe = subprocess.PIPE
        with subprocess.Popen([COMMAND, *args], stdin=pipe, stdout=pipe, stderr=pipe, env=env) as process:
            try:
                if started:
                    started(process.pid)
                out, err = process.communicate(text, LIMIT_S)
            finally:
                process.kill()
        return Result(process.returncode, out, err.decode(errors="replace"))

    def send(self, relay, text=None, *options, to=(ALICE,), trust=True, raw=True, verbose=True, host="localhost"):
        """`relay` is a port, a server (then its STARTTLS port, with a login if it wants one), a recording proxy, or a
        list of ports; without `text` some mail; trust=True is the test's CA"""
        options, started = list(options), None
        if isinstance(relay, Proxy):
            started, relay = relay.watch, relay.port
        if hasattr(relay, "ports"):
            options += self.login if relay.needs_auth else []
            relay = relay.ports["starttls"]
        ports = relay if isinstance(relay, list) else [relay]
        relays = [word for port in ports for word in ("--relay", f"{host}:{port}")]
        switches = ["-v"] * verbose + ["--raw"] * raw + ["--trust", self.ca] * trust
        text = raw_mail(new_token()) if text is None else text
        result = self.run("send", *switches, "--helo", "client.example.org", "--from", SENDER, *options, *relays, *to,
                          text=text, started=started)
        result.asked = to
        return result


def check(result, status, verdict, reason=""):
    """asserts one verdict for all recipients, in order, and that it comes with its reason"""
    assert result.status == status, (result.out, result.err)
    assert [(row.address, row.verdict) for row in result.rows] == [(address, verdict) for address in result.asked]
    assert all(re.search(reason, row.text, re.I) for row in result.rows), result.out
    return result


def delivered(result):
    assert all(row.code == 250 for row in result.rows), (result.out, result.err)
    return check(result, OK, "delivered")


def deferred(result, reason, status=DEFERRED):
    return check(result, status, "deferred", reason)


def failed(result, reason, status=FAILED):
    return check(result, status, "failed", reason)


def said_no_mail(result):
    """asserts that not even the sender's address was said"""
    assert not {"MAIL", "RCPT", "DATA", "BDAT"} & set(result.verbs()), result.err
    return result

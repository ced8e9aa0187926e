# SPDX-License-Identifier: MIT
"""A machine, nas.example.test, whose sendmail and mail are mailmote; and what a relay got from it."""
import os
import pathlib
import re
import subprocess
import time

from pretend import pretend
from relay import COMMAND, LIMIT_S, Relay

HOST = "nas.example.test"
NAMES = ["sendmail", "mail", "mailx", "mailq", "newaliases"]


class Machine:
    def __init__(self, path, *lines, relay=None):
        self.path, self.relay = pathlib.Path(path), relay or Relay()
        self.spool, self.conf = self.path / "spool", self.path / "mailmote.conf"
        self.configure(f"relay {self.relay.where}", *lines)
        for name in NAMES:
            (self.path / name).symlink_to(os.path.abspath(COMMAND))

    def configure(self, *lines, spool=True):
        self.conf.write_text("".join(f"{line}\n" for line in (*lines, *([f"spool {self.spool}"] if spool else []))))

    def call(self, name, *args, text=b"", status=0, silent=True, env=(), wrap=(), config=True):
        """runs it until it is back; a mail is then on its way"""
        text = text if isinstance(text, bytes) else text.encode()
        words = {"LOGNAME": "root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **dict(env)}
        words |= {"MAILMOTE_CONF": str(self.conf)} if config else {}
        done = subprocess.run([*wrap, *pretend(HOST=HOST), self.path / name, *args], input=text, capture_output=True,
                              timeout=LIMIT_S, env=words)
        done.stderr = done.stderr.decode(errors="replace")
        assert "Sanitizer" not in done.stderr, done.stderr
        assert done.returncode == status, done.stderr
        assert not silent or (done.stdout, done.stderr) == (b"", ""), (done.stdout, done.stderr)
        return done

    @staticmethod
    def wait(condition):
        """until it holds, or its last value"""
        until = time.monotonic() + LIMIT_S
        while not (value := condition()) and time.monotonic() < until:
            time.sleep(0.01)
        return value

    def arrived(self, count=1):
        """the mails, when so many have come"""
        self.wait(lambda: len(self.relay.mails) >= count)
        assert len(self.relay.mails) == count
        return self.relay.mails

    def sent(self, *call, **more):
        """the one mail that a call sends"""
        before = len(self.relay.mails)
        self.call(*call, **more)
        return self.arrived(before + 1)[-1]

    def empty(self):
        """nothing waits, once whoever is at work is done"""
        return self.wait(lambda: not self.kept())

    def kept(self):
        return sorted(self.spool.glob("*.mail")) if self.spool.exists() else []

    def stop(self):
        self.relay.stop()


def plain(text):
    """a mail without the dots of SMTP, what differs from run to run as *"""
    text = re.sub(rb"(?m)^\.", b"", text)
    text = re.sub(rb"(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r$", b"Date: *\r", text)
    return re.sub(rb"(?m)^Message-ID: <[0-9a-f]{16}@", b"Message-ID: <*@", text)

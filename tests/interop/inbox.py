# SPDX-License-Identifier: MIT
"""Where the mail of a server lands, and what of it came from the sender: waiting for a mail without sleeping
(inotify), and taking off what servers add, so that the rest can be compared octet by octet."""
import ctypes
import os
import re
import select
import time

from clock import LIMIT_S

ADDED = {b"return-path", b"delivered-to", b"x-original-to", b"envelope-to", b"delivery-date", b"received", b"authentication-results",
         *(f"x-{name}".encode() for name in ("client-addr", "client-proto", "helo-args", "mail-args", "rcpt-args"))}
IN_MOVED_TO, IN_CREATE = 0x80, 0x100
libc = ctypes.CDLL(None, use_errno=True)


class Stored:
    """One mail as a server stored it: `raw` octets, envelope `sender` and `recipients`, the `content` that was sent."""

    def __init__(self, raw, sender=None, recipients=None):
        self.raw = raw
        crlf = raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")
        added, self.content = take_off_added(crlf)
        self.sender = sender if sender is not None else first(added, b"return-path", b"x-mail-args")
        self.recipients = recipients or [first(added, b"x-original-to", b"envelope-to", b"delivered-to", b"x-rcpt-args")]
        self.received = [v.decode("ascii", "replace") for k, v in added if k == b"received"]


def take_off_added(mail):
    """the fields at the top of `mail` that servers add, as a list, and the rest of the mail"""
    added = []
    while True:
        field = re.match(rb"([!-9;-~]+):(.*?\r\n)(?![ \t])", mail, re.S)
        if not field or field[1].lower() not in ADDED:
            return added, mail
        added.append((field[1].lower(), field[2]))
        mail = mail[field.end():]


def first(fields, *names):
    """the address in the first field of the first of these names that there is"""
    value = next((value for wanted in names for name, value in fields if name == wanted), b"")
    return value.strip().strip(b"<>").decode()


class Mailbox:
    """A directory into which a server moves each mail when it is complete."""

    def __init__(self, directory):
        self.dir = directory
        self.read = {}
        self.inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if libc.inotify_add_watch(self.inotify, str(directory).encode(), IN_MOVED_TO | IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(directory))

    def close(self):
        os.close(self.inotify)

    def mails(self):
        for name in os.listdir(self.dir):
            if name not in self.read:
                self.read[name] = Stored((self.dir / name).read_bytes())
        return self.read.values()

    def wait(self, token, to=None, timeout=LIMIT_S):
        """the mail that contains `token`, and was sent to `to`, if given"""
        end = time.monotonic() + timeout
        while True:
            for mail in self.mails():
                if token.encode() in mail.raw and (to is None or to in mail.recipients):
                    return mail
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.inotify], [], [], left)[0]:
                raise AssertionError(f"no mail with {token} to {to} came in {timeout} s; {len(self.read)} others did")
            os.read(self.inotify, 65536)

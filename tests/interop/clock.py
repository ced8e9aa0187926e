# SPDX-License-Identifier: MIT
"""A clock that stands until a test moves it, for the commands of that test: its `settings` are for pretend(). However busy the
machine is, time passes for these causes alone: the test says so (set), a relay of the test is silent (hear) or sends more than can
be read at once (read_for), the command sleeps."""
import ctypes
import fcntl
import math
import mmap
import os
import select
import struct
import tempfile
import termios
import time

SINCE_BOOT_S = 864000
LIMIT_S = 300                                      # on the machine's clock: only what never ends takes as long


class Face(ctypes.Structure):
    """what the command sees of it, as pretend.py has it in C: the time of the boot, the time since, when a wait of the command's
    ends (0: it does not wait), how often it was asked, and has answered, that it waits and has nothing to read, and how many octets
    its connections take (-1: as many as there are)"""
    _fields_ = [(name, ctypes.c_int64) for name in ("unix_s", "now_ms", "until_ms", "asked", "answered", "room")]


class Clock:
    def __init__(self, directory):
        fd, path = tempfile.mkstemp(prefix="clock-", dir=directory)
        os.truncate(fd, mmap.PAGESIZE)
        self.face = Face.from_buffer(mmap.mmap(fd, mmap.PAGESIZE))
        os.close(fd)
        self.settings = {"CLOCK": path}
        self.face.now_ms, self.face.unix_s = SINCE_BOOT_S * 1000, int(time.time()) - SINCE_BOOT_S
        self.take()

    @property
    def now(self):
        """seconds"""
        return self.face.now_ms / 1000

    def set(self, seconds):
        """forward only"""
        self.face.now_ms = max(self.face.now_ms, round(seconds * 1000))

    def take(self, octets=-1):
        """The command can send so many from now on, until more are taken."""
        self.face.room = octets

    def hear(self, link, seconds=math.inf):
        """Returns when there is something to read from this connection of the command's, or so much time has passed. Time passes
        when the command waits and has read all that it was sent, and no further than to the end of its wait."""
        end = self.now + seconds
        while self.now < end and not readable(link):
            if self.waits(link):
                self.set(min(end, self.face.until_ms / 1000))

    def read_for(self, link, seconds):
        """What was sent to the command takes it so long to read."""
        arrive(link)
        self.set(self.now + seconds)

    def end_wait(self):
        """what the command waits for next does not come"""
        self.waits()
        self.set(self.face.until_ms / 1000)

    def waits(self, link=None):
        """returns True once the command waits and has nothing to read, False when there is something to read from `link`"""
        if link:
            arrive(link)
        self.face.asked += 1
        while self.face.answered != self.face.asked or self.face.until_ms <= self.face.now_ms:
            if link and readable(link):
                return False
            time.sleep(0.001)
        return not (link and readable(link))


def readable(link):
    poll = select.poll()
    poll.register(link, select.POLLIN)
    return bool(poll.poll(0))


def arrive(link):
    """waits until all octets that were sent have come to the other end, or something comes from there"""
    while not readable(link) and struct.unpack("i", fcntl.ioctl(link, termios.TIOCOUTQ, bytes(4)))[0] > 0:
        time.sleep(0.001)

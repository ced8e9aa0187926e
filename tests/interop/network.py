# SPDX-License-Identifier: MIT
"""Two hosts in network namespaces of their own, and between them a network with a weather: each has a TUN device, and a thread
carries the packets over, or does not. Needs root."""
import contextlib
import ctypes
import dataclasses
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

from clock import LIMIT_S

NEAR, FAR = "10.98.0.1", "10.98.0.2"
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SYN, RST = 2, 4
libc = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass(frozen=True)
class Weather:
    """of each packet: seconds it takes at least and at most, which tells in which order they come; how likely it is lost, comes
    twice, or is replaced by a reset of its connection in both directions; from how many octets on it vanishes without a word.
    The link is up and down for so many seconds in turn."""
    delay_s: tuple = (0, 0)
    lost: float = 0
    twice: float = 0
    reset: float = 0
    vanishes: int = 65536
    up_s: float = 1
    down_s: float = 0


def into(namespace):
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def here():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


@contextlib.contextmanager
def back():
    """what this thread does in other namespaces, and is then again in its own"""
    own = here()
    try:
        yield
    finally:
        into(own)
        os.close(own)


class Host:
    def __init__(self, address, mtu):
        with back():
            if libc.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            self.namespace, self.tun = here(), os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"net", IFF_TUN | IFF_NO_PI))
            for words in (f"addr add {address}/24 dev net", f"link set net mtu {mtu} txqueuelen 5000 up", "link set lo up"):
                subprocess.run(["ip", *words.split()], check=True)

    def __call__(self, make, *args, **more):
        """make(...) there: a socket stays where it was made"""
        with back():
            into(self.namespace)
            return make(*args, **more)

    def wrap(self):
        """in front of a command that is to run there"""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.namespace}"]

    def close(self):
        os.close(self.tun)
        os.close(self.namespace)


def checksum(octets):
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def reset_segment(source, target, ports, number):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, target)
    tcp = struct.pack(">HHIIBBHHH", *ports, number, 0, 0x50, RST, 0, 0, 0)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return head + tcp[:16] + struct.pack(">H", checksum(source + target + struct.pack(">HH", 6, 20) + tcp)) + tcp[18:]


def resets(packet):
    """to the one it is for, and to the one it is from, or None where it belongs to no connection yet"""
    tcp = packet[(packet[0] & 15) * 4:]
    if packet[0] >> 4 != 4 or packet[9] != 6 or tcp[13] & (SYN | RST):
        return None
    source, target = packet[12:16], packet[16:20]
    ports, number, acknowledged = struct.unpack(">HH", tcp[:4]), *struct.unpack(">II", tcp[4:12])
    return reset_segment(source, target, ports, number), reset_segment(target, source, ports[::-1], acknowledged)


class Network:
    def __init__(self, weather, mtu=1500, seed=1):
        self.weather, self.random, self.begun = weather, random.Random(seed), time.monotonic()
        self.near, self.far = Host(NEAR, mtu), Host(FAR, mtu)
        self.under_way, self.counted, self.ended = [], 0, os.pipe()
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def stop(self):
        os.close(self.ended[1])
        self.thread.join(LIMIT_S)
        os.close(self.ended[0])
        self.near.close()
        self.far.close()

    def _carry(self):
        near, far, ended = self.near.tun, self.far.tun, self.ended[0]
        while True:
            wait = max(0, self.under_way[0][0] - time.monotonic()) if self.under_way else None
            ready = select.select([near, far, ended], [], [], wait)[0]
            if ended in ready:
                return
            for tun in ready:
                self._meet(os.read(tun, 65536), tun, far if tun == near else near)
            while self.under_way and self.under_way[0][0] <= time.monotonic():
                _, _, tun, packet = heapq.heappop(self.under_way)
                os.write(tun, packet)

    def _meet(self, packet, source, target):
        weather, chance = self.weather, self.random.random
        down = (time.monotonic() - self.begun) % (weather.up_s + weather.down_s) > weather.up_s
        if down or len(packet) >= weather.vanishes or chance() < weather.lost:
            return
        broken = resets(packet) if chance() < weather.reset else None
        if broken:
            self._put(broken[0], target)
            self._put(broken[1], source)
            return
        for _ in range(2 if chance() < weather.twice else 1):
            self._put(packet, target)

    def _put(self, packet, tun):
        self.counted += 1
        due = time.monotonic() + self.random.uniform(*self.weather.delay_s)
        heapq.heappush(self.under_way, (due, self.counted, tun, packet))

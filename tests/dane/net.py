# SPDX-License-Identifier: MIT
"""Two networks of their own, joined by a wire: CLIENT, where mail is sent from, and SERVERS, where name servers and mail hosts
have an address each. All of it goes with two processes."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
from cell import die_with_parent  # noqa: E402
from clock import LIMIT_S  # noqa: E402

CLIENT, CLIENT_6, HOST_6, NOBODY_6 = "10.53.0.1", "fd53::1", "fd53::6", "fd53::9"
ROOT_SERVER, RESOLVER, NO_TLSA, BROKEN_TLSA, SILENT, OTHER_SERVER, DENIED_TLSA = (f"10.53.0.{n}" for n in range(2, 9))
RESOLVER_ON_LINK = "fe80::53"   # the resolver as a router advertises it


def host(n):
    return f"10.53.1.{n}"


class Net:
    def __init__(self, addresses):
        self.client, self.servers = self._space(), self._space()
        self._ip(self.client, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", str(self.servers.pid))
        for space, own in ((self.client, [CLIENT, CLIENT_6]), (self.servers, addresses)):
            self._ip(space, "link", "set", "lo", "up")
            for address in own:
                self._ip(space, "address", "add", *([f"{address}/64", "nodad"] if ":" in address else [f"{address}/16"]), "dev", "wire")
            self._ip(space, "link", "set", "wire", "up")

    @staticmethod
    def _space():
        """a process that keeps a network of its own"""
        process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        process.stdout.readline()
        return process

    def _ip(self, space, *words):
        subprocess.run([*self.inside(space), "ip", *words], check=True, timeout=LIMIT_S)

    @staticmethod
    def inside(space):
        return ["nsenter", f"--net=/proc/{space.pid}/ns/net"]

    def link_number(self):
        """of the wire, where mail is sent from"""
        words = [*self.inside(self.client), "ip", "-o", "link", "show", "wire"]
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=LIMIT_S).stdout.partition(":")[0]

    def close(self):
        for space in (self.client, self.servers):
            space.kill()
            space.wait()

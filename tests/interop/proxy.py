# SPDX-License-Identifier: MIT
"""A recording TCP proxy that shows what a client sends without waiting for an answer: its flights.

The client's octets go on at once. The server's are held back until the client has nothing more to say: its process
sleeps, nothing of it is unread, and nothing comes for a while. So a flight does not depend on how fast the server
answers."""
import select
import socket
import threading

from clock import LIMIT_S

QUIET_S = 0.05


class Proxy:
    """One connection from a port of ours to `port` on 127.0.0.1. `talk` is [(who, octets)...], "C" and "S" in turn."""

    def __init__(self, port):
        self.to, self.talk, self.pid = port, [], None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LIMIT_S)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def watch(self, pid):
        """the client's process"""
        self.pid = pid

    def join(self):
        self.thread.join(LIMIT_S)
        assert not self.thread.is_alive()
        return self.talk

    def _run(self):
        try:
            with self.listener, self.listener.accept()[0] as client:
                with socket.create_connection(("127.0.0.1", self.to), LIMIT_S) as server:
                    self._pump(client, server)
        except OSError:
            pass                                     # a reset ends the talk

    def _pump(self, client, server):
        held, server_open = b"", True
        while True:
            ready = select.select([client, server] if server_open else [client], [], [], QUIET_S)[0]
            if client in ready:
                octets = client.recv(65536)
                self._record("C", octets)
                if not octets:
                    return
                server.sendall(octets)
            elif server in ready:
                octets = server.recv(65536)
                server_open = bool(octets)
                held += octets
            elif self._asleep() and not select.select([client], [], [], 0)[0]:
                self._record("S", held)
                client.sendall(held)
                held = b""
                if not server_open:
                    client.shutdown(socket.SHUT_WR)

    def _record(self, who, octets):
        if octets and self.talk and self.talk[-1][0] == who:
            self.talk[-1] = (who, self.talk[-1][1] + octets)
        elif octets:
            self.talk.append((who, octets))

    def _asleep(self):
        """Is the client waiting? One that computes, or wants to and is not let, is not."""
        if self.pid is None:
            return False
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as stat:
                return stat.read().rpartition(")")[2].split()[0] in "SZ"
        except FileNotFoundError:
            return True


def client_flights(talk):
    return [octets for who, octets in talk if who == "C"]


def records(octets):
    """the content types of the TLS records in `octets`"""
    types = []
    while len(octets) >= 5:
        types.append(octets[0])
        octets = octets[5 + int.from_bytes(octets[3:5], "big"):]
    return types

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print, side by side, what a mail takes with mailmote's lean image and with lwIP's own SMTP client on mbedTLS, as a table in
Markdown. Fail where one does not deliver, or where the README shows another table.

Both are delivered to the same Postfix in implicit TLS, once to an ECDSA and once to an RSA certificate, and recorded;
instructions are counted by playing these recordings back (tests/instructions)."""
import os
import pathlib
import shutil
import sys
import tempfile
import typing

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / folder) for folder in (".", "instructions", "interop")]

import board                                         # noqa: E402
import machine                                       # noqa: E402
import size                                          # noqa: E402
from cell import BUILD, Ports, why_not               # noqa: E402
from pki import Pki                                  # noqa: E402
from servers import Postfix                          # noqa: E402

BOARD, FLAGS = "mps2-an385", ["-DBOARD_LEAN"]
KEYS = {"ecdsa": "P-256", "rsa": "RSA-2048"}
ALERT = 21                                           # TLS: the record that says good-bye


class Client(typing.NamedTuple):
    name: str
    peer: str                                        # what image.mk is told
    words: str
    said: str
    quits_apart: bool                                # QUIT is a flight of its own, behind the accepted mail


CLIENTS = {
    "mailmote": Client("mailmote, lean", "", "implicit name=mail.example.test", "delivered at END, reply 250, in TLS",
                       False),
    "lwip": Client("lwIP's smtp.c, mbedTLS", "tests/bench/peer.mk", "", "accepted, stack", True),
}


class Relay(Postfix):
    smtpd = {key: f"-o smtpd_tls_wrappermode=yes -o smtpd_tls_chain_files=/cell/pki/{key}.key,/cell/pki/{key}.pem "
                  "-o tls_eecdh_auto_curves=prime256v1" for key in KEYS}
    port_names = tuple(smtpd)


class Until(machine.Server):
    """a recording whose count ends with the reply to the mail; `flights` are the client's up to there"""

    def __init__(self, file, quits_apart):
        super().__init__(file)
        turns, asked = [], False                     # the server's last data in each
        for frame in machine.frames(file):
            said = machine.segment(frame)
            if said is None or not said.data:
                continue
            if frame[6:12] == machine.MAC:
                asked = asked or frame[-said.data] != ALERT
            elif asked:
                turns.append(frame)
                asked = False
            elif turns:
                turns[-1] = frame
        self.flights = len(turns) - quits_apart
        self.last = next(frame for frame, _ in self.left if frame == turns[self.flights - 1])


def build(name, trust):
    into = BUILD / "bench" / name
    board.build(BOARD, into, " ".join(FLAGS), trust=trust, peer=CLIENTS[name].peer)
    return into


def deliver(client, image, port, file):
    """octets of stack, flights and instructions of one delivery"""
    words = f"time={machine.TIME_S} relay=10.0.2.2:{port} {machine.WORDS} {machine.FIXED_ADDRESS} {client.words}"
    boot = machine.Boot(BOARD, image, words.strip(), client.said)
    console = machine.record(boot, file)
    server = Until(file, client.quits_apart)
    flights = server.flights
    instructions, _ = machine.count(boot, server)
    return board.stack_used(console), flights, instructions


def measure(name, relay, scratch):
    """octets of flash, of variables, of stack, of RAM; flights; instructions for each key"""
    into = build(name, relay.pki.ca)
    flash, variables = board.Board(BOARD, scratch, into).sizes()
    image = into / "boards" / BOARD / "mailmote.elf"
    runs = [deliver(CLIENTS[name], image, relay.ports[key], scratch / f"{name}-{key}.pcap") for key in KEYS]
    stack, flights = (max(run[at] for run in runs) for at in (0, 1))
    return [flash, variables, stack, variables + stack, flights, *(run[2] for run in runs)]


def main():
    if why_not():
        sys.exit(f"make bench: {why_not()}")
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-"))
    scratch.chmod(0o755)
    for name in ("pki", "postfix"):
        (scratch / name).mkdir(mode=0o755)
    ports = Ports()
    relay = Relay(scratch / "postfix", Pki(scratch / "pki"), ports)
    relay.start()
    try:
        for name in CLIENTS:
            print(name, measure(name, relay, scratch), flush=True)
    finally:
        relay.stop()
        ports.close()
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())

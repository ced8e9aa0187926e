#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print, side by side, what a mail takes with mailmote's lean image and with lwIP's own SMTP client on mbedTLS, as a table in
Markdown. Fail where one does not deliver, or where the README shows another table.

Both are delivered to the same Postfix in implicit TLS, once to an ECDSA and once to an RSA certificate, and recorded;
instructions are counted by playing these recordings back (tests/instructions)."""
import contextlib
import pathlib
import re
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

BOARD, FLAGS = "mps2-an385", "-DBOARD_LEAN"
ROWS = ["flash, with the harness", "RAM: variables, the heap among them", "RAM: stack, peak", "RAM", "flights until the mail is accepted"]
# The relay's certificates: what is counted with the good ones, and what becomes of a mail with the others.
GOOD = {"ecdsa": "instructions, relay with P-256", "rsa": "instructions, relay with RSA-2048"}
WRONG = {"stranger": "a relay whose certificate is of another CA", "wrongname": "whose certificate is for another name",
         "expired": "whose certificate is out of date"}
# What cannot be measured, only read in the sources.
WORDS = [("STARTTLS", "yes", "no"), ("mails kept over a reset, and tried again", "yes", "no")]


class Client(typing.NamedTuple):
    name: str
    peer: str                                        # what boards/image.mk is told
    words: str
    said: str                                        # when it has delivered
    quit_waits: bool                                 # for the reply to the mail


MAILMOTE = Client("mailmote", "", "implicit tls-name=mail.example.test", "delivered at END, reply 250, in TLS", False)
LWIP = Client("lwip", "tests/bench/peer.mk", "", "accepted, stack", True)


class Relay(Postfix):
    smtpd = {leaf: f"-o smtpd_tls_wrappermode=yes -o smtpd_tls_chain_files=/cell/pki/{leaf}.key,/cell/pki/{leaf}.pem "
                   "-o tls_eecdh_auto_curves=prime256v1" for leaf in (*GOOD, *WRONG)}
    port_names = tuple(smtpd)


class Trial:
    """a client's image, and the relay it talks to"""

    def __init__(self, client, relay, scratch):
        self.client, self.relay, self.file = client, relay, scratch / f"{client.name}.pcap"
        into = BUILD / "bench" / client.name
        board.build(BOARD, into, FLAGS, trust=relay.pki.ca, peer=client.peer)
        self.sizes = board.Board(BOARD, scratch, into).sizes()
        self.image = into / "boards" / BOARD / "mailmote.elf"

    def _subject(self, leaf):
        return f"{self.client.name}-{leaf}"

    def _boot(self, leaf):
        words = (f"time={machine.TIME_S} relay=10.0.2.2:{self.relay.ports[leaf]} {machine.FIXED_ADDRESS} storage=flash.bin "
                 f"attempts=1 from=mote@example.org to=a@example.test subject={self._subject(leaf)} {self.client.words}")
        return machine.Boot(BOARD, self.image, words.strip(), self.client.said)

    def deliver(self, leaf):
        """octets of stack, flights and instructions of one delivery"""
        boot = self._boot(leaf)
        stack = board.stack_used(machine.record(boot, self.file))
        assert "The input fired." in self.relay.wait_for_mail(self._subject(leaf)).raw.decode()
        server = machine.Server(self.file, self.client.quit_waits)
        flights = server.flights
        return stack, flights, machine.count(boot, server)[0]

    def fate(self, leaf):
        """what becomes of a mail for such a relay"""
        try:
            machine.record(self._boot(leaf), self.file)
        except machine.Failed as failed:
            if not re.search(r"ended with (69|75):", str(failed)):
                raise
            return "refused"
        self.relay.wait_for_mail(self._subject(leaf))
        return "is given the mail"


def measure(trial):
    """the numbers of all rows, and the words of WRONG's"""
    flash, variables = trial.sizes
    stacks, flights, instructions = zip(*map(trial.deliver, GOOD))
    if len(set(flights)) != 1:
        raise machine.Failed(f"{trial.client.name}: flights differ by the kind of certificate: {flights}")
    numbers = [flash, variables, max(stacks), variables + max(stacks), flights[0], *instructions]
    return [f"{number:,}" for number in numbers] + list(map(trial.fate, WRONG))


@contextlib.contextmanager
def served():
    """a relay, and a directory beside it"""
    scratch, ports = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-")), Ports()
    scratch.chmod(0o755)
    for name in ("pki", "postfix"):
        (scratch / name).mkdir(mode=0o755)
    relay = Relay(scratch / "postfix", Pki(scratch / "pki"), ports)
    relay.start()
    try:
        yield relay, scratch
    finally:
        relay.stop()
        ports.close()
        shutil.rmtree(scratch)


def table(*columns):
    rows = [*zip((*ROWS, *GOOD.values(), *WRONG.values()), *columns), *WORDS]
    lines = ["| | mailmote, lean | lwIP's smtp.c, mbedTLS |", "|---|---:|---:|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def slack(number):
    """how far apart two runs may be. Flights: not at all. Octets: a signature may be shorter, and an interrupt may come where the
    stack is deepest. Instructions: keys and signatures are new each time."""
    return number // 50 if number > 1000000 else 64 if number > 100 else 0


def main():
    if why_not():
        print(why_not(), "1 skipped", sep="\n")
        return 0
    try:
        with served() as (relay, scratch):
            shown = table(*(measure(Trial(client, relay, scratch)) for client in (MAILMOTE, LWIP)))
    except (machine.Failed, AssertionError) as why:  # the last: it does not build
        sys.exit(f"make bench: {why}")
    print(shown)
    wrong = size.stale("bench", shown, slack)
    for line in wrong:
        print(f"make bench: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

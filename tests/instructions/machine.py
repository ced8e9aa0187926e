# SPDX-License-Identifier: MIT
"""A firmware image in QEMU, as it was built but for the file its entropy comes from: recorded while it talks to a real
server, or counted while the recording is played back to it.

A recording is a pcap of all frames. Each of the server's is handed over when the firmware sleeps and has said what the
frame acknowledges: they go in lock step, however fast this machine is. QEMU counts the instructions itself (-icount); it
tells the number in its record mode only, which is why that is on. It is led by its debugger interface, with a breakpoint
where the processor sleeps (WFI)."""
import contextlib
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import threading
import typing

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BUILD") or "build").resolve()
BUDGET = HERE.parents[1] / "boards/budget.txt"
ETHERNET = {"lm3s6965evb": 0x40048000, "mps2-an385": 0x40200000}    # the controllers' registers
REGISTERS = 0x100
MAC = bytes.fromhex("525400123456")                  # QEMU's first
TIME_S = 1893456000                                  # 2030-01-01
WORDS = "to=a@example.test from=mote@example.org subject=Alert storage=flash.bin"
FIXED_ADDRESS = "ip=10.0.2.15 gateway=10.0.2.2"
ALERT = 21                                           # a record of TLS
LIMIT_S = 120
SLEEPS = 1000                                        # in a row, without a frame: 10 s
AGAIN = ("The recording is of what the firmware said then. After a change to that, record again: "
         "`make instructions-record'.")


class Failed(Exception):
    pass


def rows():
    """of the budget: (limit or None, board, recording, compiler flags)"""
    lines = [line.split() for line in BUDGET.read_text().splitlines()]
    for _, limit, board, recording, *flags in (line for line in lines if line and line[0] == "instructions"):
        yield None if limit == "-" else int(limit), board, recording, flags


# ---- Recordings -----------------------------------------------------------------------------------------------------

def pcap(recording):
    return HERE / f"{recording}.pcap"


def relay_of(recording):
    """rsa2048 of rsa2048-20, which is as many mails"""
    return recording.partition("-")[0]


def mails(recording):
    return int(recording.partition("-")[2] or 1)


def ca(recording):
    """there is none for a relay without TLS"""
    return HERE / f"{relay_of(recording)}.pem"


def frames(file):
    data, at = file.read_bytes(), 24
    while at < len(data):
        length, = struct.unpack_from("<I", data, at + 8)
        yield data[at + 16:at + 16 + length]
        at += 16 + length


class Segment:
    """of TCP: the sender's port, how many octets of data, the sequence number behind it, what it acknowledges"""

    def __init__(self, frame):
        tcp = 14 + (frame[14] & 15) * 4
        self.port, _, sequence, self.acknowledged, offset, flags = struct.unpack_from(">HHIIBB", frame, tcp)
        self.data = struct.unpack_from(">H", frame, 16)[0] + 14 - tcp - (offset >> 4) * 4
        self.end = sequence + self.data + bool(flags & 1) + bool(flags & 2)


def segment(frame):
    """None where it is no TCP: ARP and DHCP"""
    return Segment(frame) if frame[12:14] == b"\x08\0" and frame[23] == 6 else None


class Server:
    """The server's side of a recording. `flights` are the client's that were answered, up to the accepted mail, `last` is the
    last data of that answer: the reply to the mail, with the one to QUIT behind it where the client does not wait
    before it says QUIT."""

    def __init__(self, file, quit_waits=False):
        self.left, asked = [], 0                     # frames, and how many that are no TCP came before
        for frame in frames(file):
            if frame[6:12] != MAC:
                self.left.append((frame, asked))
            elif segment(frame) is None:
                asked += 1
        answers = self._answers(file)
        self.flights = len(answers) - quit_waits
        self.last = next(frame for frame, _ in self.left if frame == answers[self.flights - 1])
        self.port = segment(self.last).port
        self.asked, self.heard = 0, None

    @staticmethod
    def _answers(file):
        """the last data of the server's answer to each flight; the greeting is none, and to a good-bye of TLS there is none"""
        answers, asked = [], False
        for frame in frames(file):
            data = segment(frame).data if segment(frame) else 0
            if data and frame[6:12] == MAC:
                asked = frame[-data] != ALERT
            elif data:
                if asked or answers:
                    answers[len(answers) - (not asked):] = [frame]
                asked = False
        return answers

    def hear(self, frame):
        said = segment(frame)
        if said is None:
            self.asked += 1
        else:
            self.heard = said.end

    def say(self):
        """the next frame, if it is its turn"""
        if not self.left:
            return None
        frame, asked = self.left[0]
        said = segment(frame)
        if said is None:
            due = self.asked >= asked
        else:
            due = self.heard is not None and (self.heard - said.acknowledged) % 2**32 < 2**31
        return self.left.pop(0)[0] if due else None


# ---- QEMU -----------------------------------------------------------------------------------------------------------

class Boot(typing.NamedTuple):
    """an image, the words it is booted with, and what it says when it has delivered a mail"""
    board: str
    image: pathlib.Path
    words: str
    said: str
    mails: int = 1


def image(board, flags):
    return pathlib.Path(BUILD, *(flag.removeprefix("-D") for flag in flags), "boards", board, "mailmote.elf")


def boot(board, recording, flags, port):
    """of an image that trusts the CAs of all recordings"""
    words = f"time={TIME_S} relay=10.0.2.2:{port} {WORDS} attempts={mails(recording)}"
    said = "delivered at END, reply 250"
    if "-DBOARD_CLEAR" in flags:
        words += f" {FIXED_ADDRESS}"
    if ca(recording).exists():
        words, said = words + " tls-name=mail.example.test", said + ", in TLS"
    if mails(recording) > 1:
        words += f" alerts={mails(recording)}"
    return Boot(board, image(board, flags), words, said, mails(recording))


@contextlib.contextmanager
def firmware(boot):
    """a directory with the image, and the command that boots it there. Paths and words are the same each time: the
    firmware reads them, and that is counted"""
    octets, random, zeros = boot.image.read_bytes(), b"/dev/urandom\0", b"////dev/zero\0"
    if octets.count(random) != 1:
        raise Failed(f"{boot.image}: its entropy does not come from {random[:-1].decode()}")
    with tempfile.TemporaryDirectory(prefix="mailmote-") as directory:
        pathlib.Path(directory, "mailmote.elf").write_bytes(octets.replace(random, zeros))
        yield directory, ["qemu-system-arm", "-M", boot.board, "-kernel", "mailmote.elf", "-append", boot.words, "-display",
                          "none", "-monitor", "none", "-serial", "null", "-semihosting-config",
                          "enable=on,target=native"]


def check_delivered(status, console, boot):
    if status != 0 or console.count(boot.said) != boot.mails:
        raise Failed(f"the firmware ended with {status}:\n{console}{AGAIN}")


def record(boot, file):
    """what the firmware says on its console"""
    with firmware(boot) as (directory, command):
        command += ["-nic", "user,id=wire", "-object", f"filter-dump,id=dump,netdev=wire,file={file}"]
        done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=LIMIT_S)
    check_delivered(done.returncode, done.stderr, boot)
    return done.stderr


class Gdb:
    """QEMU's side of gdb's remote protocol. On the way to where it is sent it measures the computations that begin at some
    addresses."""

    LINK, COUNTER = 14, 15                           # registers

    def __init__(self, process, computations):
        self.to, self.out = process.stdin, process.stdout
        self.computations, self.longest = computations, 0

    def ask(self, text):
        packet = text.encode()
        self.to.write(b"$%s#%02x" % (packet, sum(packet) % 256))
        self.to.flush()
        return self._answer()

    def _answer(self):
        answer = b""
        for wanted in b"$#":
            answer = b""
            while not answer.endswith(bytes([wanted])):
                octet = self.out.read(1)
                if not octet:
                    raise Failed(f"QEMU ended, or did not end within {LIMIT_S} s")
                answer += octet
        self.out.read(2)                             # the sum: a pipe damages nothing
        return answer[:-1].decode()

    def register(self, number):
        return struct.unpack_from("<I", bytes.fromhex(self.ask("g")), 4 * number)[0]

    def _run(self, *stops):
        """goes on until one of the breakpoints (0) or accesses (4). False: the firmware has ended"""
        for kind, address, length in stops:
            self.ask(f"Z{kind},{address:x},{length}")
        if self.ask("c")[0] == "W":
            return False
        for kind, address, length in stops:
            self.ask(f"z{kind},{address:x},{length}")
        return True

    def until(self, *stop):
        """the same for one, past all computations: the outermost, where one is made of others"""
        while True:
            if not self._run(stop, *((0, address, 2) for address in self.computations)):
                return False
            if self.register(self.COUNTER) not in self.computations:
                return True
            began = self.instructions()
            if not self._run((0, self.register(self.LINK) & ~1, 2)):
                return False
            self.longest = max(self.longest, self.instructions() - began)

    def instructions(self):
        said, answer = "", self.ask("qRcmd," + b"info replay\n".hex())
        while answer[0] == "O" and answer != "OK":
            said += bytes.fromhex(answer[1:]).decode()
            answer = self._answer()
        return int(re.search(r"instruction count = (\d+)", said)[1])


def wfi(directory):
    """the one place where the image sleeps"""
    code = subprocess.run(["arm-none-eabi-objdump", "-d", "mailmote.elf"], cwd=directory, check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    [address] = re.findall(r"^ *([0-9a-f]+):.*\twfi$", code, re.M)
    return int(address, 16)


def computations(directory):
    """where BearSSL's computations with public keys begin: the code for curves and for signatures of RSA"""
    symbols = subprocess.run(["arm-none-eabi-nm", "mailmote.elf"], cwd=directory, check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    return {int(address, 16) for address in re.findall(r"^(\w+) \w (?:api_mul\w*|br_rsa_\w+_pkcs1_vrfy)$", symbols, re.M)}


def deliver(gdb, wire, server, sleep, registers):
    """plays the server until the firmware ends. Instructions from the first access to the Ethernet controller until it sleeps,
    having heard the last that counts of what the server said; None when it ends before that"""
    if not gdb.until(4, registers, REGISTERS):
        return None
    start, slept, frame, counted = gdb.instructions(), 0, None, None
    while gdb.until(0, sleep, 2):
        if frame is server.last:
            counted = gdb.instructions() - start
        if slept == SLEEPS:
            raise Failed(f"the firmware waits for what the recording does not have. {AGAIN}")
        with contextlib.suppress(BlockingIOError):
            while True:
                server.hear(wire.recv(2048))
        frame = server.say()
        if frame:
            wire.send(frame)
            gdb.ask("?")                             # once it has answered it has the frame
        slept = 0 if frame else slept + 1
        gdb.until(0, sleep + 2, 2)
    return counted


def count(boot, server):
    """instructions of a delivery, and of its longest computation with a public key"""
    wire, nic = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with wire, nic, firmware(boot) as (directory, command):
        wire.setblocking(False)
        command += ["-icount", "shift=0,sleep=off,rr=record,rrfile=events", "-nic", f"socket,fd={nic.fileno()}",
                    "-gdb", "stdio", "-S"]
        with open(pathlib.Path(directory, "console"), "w+") as console, \
                subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=console,
                                 pass_fds=[nic.fileno()]) as qemu:
            limit = threading.Timer(LIMIT_S, qemu.kill)
            limit.start()
            try:
                gdb = Gdb(qemu, computations(directory))
                instructions = deliver(gdb, wire, server, wfi(directory), ETHERNET[boot.board])
                status = qemu.wait()
            finally:
                limit.cancel()
                qemu.kill()
            console.seek(0)
            check_delivered(status, console.read(), boot)
    return instructions, gdb.longest

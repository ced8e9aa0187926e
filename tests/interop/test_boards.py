# SPDX-License-Identifier: MIT
"""The firmware of the boards, booted in QEMU, against real servers; over a reset; a hundred times in a row."""
import concurrent.futures
import email
import os
import pathlib
import re
import select
import socket
import socketserver
import struct
import subprocess
import threading
import time

import pytest

from board import FALLBACK, SHORT, SLOW, TOP, Board, BrokenTls, LiesAboutTheLine, LossyNetwork, build, build_with, content, skip_without_tools
from cell import BUILD
from client import BAD_CONFIG, BAD_INPUT, COMMAND, DEFERRED, LIMIT_S, OK, new_token

BOARDS = sorted(mk.parent.name for mk in (TOP / "boards").glob("*/board.mk"))
# On which everything is tried. With SHORT rv32-virt only delivers, and says what is wrong, and `make size' boots mps2-an385.
QUICK = bool(os.environ.get("SHORT"))
THOROUGH = ["lm3s6965evb", "microbit"] if QUICK else BOARDS
DELIVER = [name for name in BOARDS if not QUICK or name != "mps2-an385"]
ADDRESS = ("ip=10.0.2.15", "gateway=10.0.2.2")       # of a firmware without DHCP
NOTHING_IN_TIME, CUT_S = 124, 3 * SLOW


@pytest.fixture(scope="session", params=DELIVER)
def built(request, pki):
    return build_with(request.param, "trusting", "", pki.ca)


@pytest.fixture
def board(built, scratch):
    name, into = built
    return Board(name, scratch, into)


@pytest.fixture(scope="session", params=THOROUGH)
def built_to_retry(request, pki):
    """firmware that may fall back to cleartext, with short waits"""
    return build_with(request.param, "fallback", FALLBACK, pki.ca)


@pytest.fixture
def fallback(built_to_retry, scratch):
    name, into = built_to_retry
    return Board(name, scratch, into)


@pytest.fixture
def without_tls(scratch):
    into = pathlib.Path(BUILD) / "fallback" / "BOARD_CLEAR"
    build("lm3s6965evb", into, f"-DBOARD_CLEAR {SHORT}")
    return Board("lm3s6965evb", scratch, into, ADDRESS)


def check_delivered(server, port, board):
    token = new_token()
    result = board.boot(server.ports[port], f"subject={token}")
    assert result.status == OK, result.console
    assert "delivered at END, reply 250, in TLS" in result.console
    mail = server.wait_for_mail(token)
    assert content(token).fullmatch(mail.content), mail.content
    assert any("TLS" in line for line in mail.received), mail.received
    assert (mail.sender, mail.recipients) == ("mote@example.org", ["a@example.test"])


@pytest.mark.parametrize("port", ["starttls", "rsa"])
def test_postfix(postfix, port, board):
    check_delivered(postfix, port, board)


def test_aiosmtpd(aiosmtpd, board):
    check_delivered(aiosmtpd, "starttls", board)


class Between(socketserver.ThreadingTCPServer):
    """hands connections on to a port, and counts them"""
    daemon_threads, count = True, 0

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), None)
        self.to = port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        self.count += 1
        with socket.create_connection(("127.0.0.1", self.to), LIMIT_S) as server:
            ends = {request: server, server: request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    octets = end.recv(65536)
                    if not octets:
                        return
                    ends[end].sendall(octets)


def test_many_alerts_one_connection(postfix, board):
    token = new_token()
    with Between(postfix.ports["starttls"]) as between:
        result = board.boot(between.server_address[1], f"subject={token}", "alerts=2")
        between.shutdown()
    assert result.status == OK and result.console.count("delivered at END, reply 250, in TLS") == 2, result.console
    assert between.count == 1
    assert content(token).fullmatch(postfix.wait_for_mail(token).content)


@pytest.mark.parametrize("port, reason", [
    ("wrongname", "the relay's certificate is for another name"),
    ("expired", "the relay's certificate is expired or not yet valid"),
    ("stranger", "the relay's certificate comes from no trusted CA"),
    ("clear", "TLS is required and the relay does not offer STARTTLS"),
])
def test_wrong_certificate(postfix, port, reason, board):
    token = new_token()
    result = board.boot(postfix.ports[port], f"subject={token}", "attempts=1")
    assert result.status == DEFERRED, result.console
    assert "deferred at " in result.console and reason in result.console


def test_no_time(postfix, board):
    result = board.boot(postfix.ports["starttls"], "attempts=1", "time=0")
    assert result.status == DEFERRED, result.console
    assert "the time is unknown and the certificate's dates need it" in result.console


class TimeServer(threading.Thread):
    """SNTP on loopback: it answers each question with this machine's date, or not at all; before, somebody who has not seen the question
    answers it with another date"""

    def __init__(self, answers=True):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.answers, self.asked = self.socket.getsockname()[1], answers, 0

    def run(self):
        while True:
            question, client = self.socket.recvfrom(100)
            if not question:
                return
            self.asked += 1
            if self.answers and self.asked > 1:
                self.socket.sendto(self.answer(question[40:48], time.time()), client)
            else:
                self.socket.sendto(self.answer(b"guessed!", 1000000000), client)

    @staticmethod
    def answer(origin, unix_s):
        return struct.pack("!4B 3I 2I 8s 4I", 0x24, 1, 6, 0xec, 0, 0, 0, 0, 0, origin, 0, 0, int(unix_s) + 2208988800, 0)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", self.socket.getsockname())
        self.join(LIMIT_S)
        self.socket.close()


@pytest.fixture(scope="session", params=[name for name in THOROUGH if name in ("lm3s6965evb", "mps2-an385")])
def built_with_sntp(request, pki):
    """and with 100,000 octets of its flash attached to each mail"""
    return build_with(request.param, "sntp", "-DBOARD_SNTP -DBOARD_ATTACH=100000", pki.ca)


@pytest.fixture
def with_sntp(built_with_sntp, scratch, pki):
    name, into = built_with_sntp
    return Board(name, scratch, into)


def test_attachment(postfix, with_sntp, scratch):
    """100,000 octets of its flash, read while they are sent, arrive as they are in the image"""
    token, image = new_token(), scratch / "image.bin"
    with TimeServer() as server:
        result = with_sntp.boot(postfix.ports["starttls"], f"ntp=10.0.2.2:{server.port}", f"subject={token}")
    assert result.status == OK and "delivered at END, reply 250, in TLS" in result.console, result.console
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", with_sntp.into / "boards" / with_sntp.name / "mailmote.elf", image], check=True)
    _, part = email.message_from_bytes(postfix.wait_for_mail(token).content).get_payload()
    assert part.get_filename() == "flash.bin"
    assert part.get_payload(decode=True) == image.read_bytes().ljust(100256, b"\0")[256:100256]


def test_sntp(aiosmtpd, with_sntp):
    """the date is unknown, until a server says it; the certificate's dates can then be checked. An answer to another question does not
    count"""
    token = new_token()
    with TimeServer() as server:
        result = with_sntp.boot(aiosmtpd.ports["starttls"], "time=0", f"ntp=10.0.2.2:{server.port}", f"subject={token}")
        assert server.asked > 1
    assert result.status == OK, result.console
    assert "delivered at END, reply 250, in TLS" in result.console.split("the clock is set")[1]
    assert int(re.search(r"(\d+) ms", result.console)[1]) < 60000, "a mail deferred before was not hurried"
    assert aiosmtpd.wait_for_mail(token)


def test_sntp_forged(aiosmtpd, with_sntp):
    """nobody answers but one who has not seen the question"""
    with TimeServer(answers=False) as server:
        result = with_sntp.boot(aiosmtpd.ports["starttls"], "time=0", "attempts=1", f"ntp=10.0.2.2:{server.port}")
        assert server.asked > 0
    assert result.status == DEFERRED, result.console
    assert "the time is unknown" in result.console and "the clock is set" not in result.console


@pytest.mark.parametrize("words", [(), ("ntp=nowhere",), ("ntp=10.0.2.2:0",), ("ntp=10.0.2.2:12x",), ("ntp=:123",)])
def test_sntp_misconfigured(words, with_sntp):
    result = with_sntp.boot(1, *words)
    assert result.status == BAD_CONFIG and "ntp= is missing, or is not ADDRESS or ADDRESS:PORT" in result.console


def test_mail_outlives_a_reset(postfix, fallback):
    """the relay is trusted only at the second boot; the mail is the one of the first"""
    token, board = new_token(), fallback
    assert board.boot(postfix.ports["wrongname"], f"subject={token}", "attempts=1").status == DEFERRED
    result = board.boot(postfix.ports["starttls"], "resume", "tls-name=mail.example.test")
    assert result.status == OK, result.console
    postfix.wait_for_mail(token)
    result = board.boot(postfix.ports["starttls"], "resume")
    assert "delivered" not in result.console         # it is gone from the storage


@pytest.mark.parametrize("lose_each", [5, 7, 9])
def test_small_pools_on_a_lossy_network(postfix, scratch, pki, lose_each):
    """three packet buffers and 1,100 octets for what is sent are enough where one frame of a few is lost, both ways"""
    name, into = build_with("lm3s6965evb", "BOARD_LEAN", "-DBOARD_LEAN", pki.ca)
    board, network, token = Board(name, scratch, into, ADDRESS), LossyNetwork(lose_each), new_token()
    board.nic = network.nic
    result = board.boot(postfix.ports["starttls"], f"subject={token}")
    network.stop()
    assert result.status == OK and network.lost >= 2, (result.console, result.said, network.lost)
    postfix.wait_for_mail(token)


def test_other_cas(aiosmtpd, scratch, pki):
    """the firmware is made again where TRUST= names another file, or a file is another CA's; it takes several, and the header made of them; with none,
    and with one that cannot be used, nothing goes out unverified"""
    ca = scratch / "changing.pem"

    def boot(trust):
        into = build_with("microbit", "changing", "", trust)[1]
        return Board("microbit", scratch, into).boot(aiosmtpd.ports["starttls"], "attempts=1")

    other = pki.dir / "otherca.pem"
    ca.write_text(other.read_text())
    assert "comes from no trusted CA" in boot(f"{other} {ca}").console
    ca.write_text(pathlib.Path(pki.ca).read_text())
    both = boot(f"{other} {ca}")
    assert both.status == OK, both.console
    header = scratch / "trust_anchors.h"
    header.write_bytes(subprocess.run([COMMAND, "trust", pki.ca], check=True, capture_output=True).stdout)
    assert boot(header).status == OK
    nobody = boot("")
    assert nobody.status == BAD_CONFIG and "refused: this firmware was built without CAs: make it with" in nobody.console
    ca.write_text("no certificate\n")
    with pytest.raises(AssertionError, match="changing.pem holds no certificate"):
        boot(ca)


def test_cas_are_of_no_use_without_tls(pki):
    done = make("firmware-microbit", "BOARD_FLAGS=-DBOARD_CLEAR", f"TRUST={pki.ca}")
    assert done.returncode == 2 and "a firmware with BOARD_CLEAR has no TLS" in done.stdout, done.stdout


# ---- Broken TLS ----------------------------------------------------------------------------------------------------

TRIED, IN_CLEAR = ["EHLO", "STARTTLS"], ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


def check_cleartext_after_a_reset(board, *words, **breakage):
    """P4, P5: STARTTLS fails; after the reset it is tried again, and only then comes cleartext"""
    token, relay = new_token(), BrokenTls(**breakage)
    first = board.boot(relay.port, f"subject={token}", "attempts=1", *words)
    assert first.status == DEFERRED, first.console
    assert relay.talks == [TRIED] and not relay.mails
    second = board.boot(relay.port, "resume", *words)
    assert second.status == OK, second.console
    assert relay.talks[1:] == [TRIED, IN_CLEAR]
    assert len(relay.mails) == 1 and content(token).fullmatch(relay.mails[0])


@pytest.mark.parametrize("hangs_up", [True, False], ids=["hangs_up", "babbles"])
def test_cleartext_after_a_reset(hangs_up, fallback):
    check_cleartext_after_a_reset(fallback, "opportunistic", hangs_up=hangs_up)


def test_lost_answer(fallback):
    """the relay hangs up within the answer to the end of the mail: nothing else on the wire is taken for the rest of it"""
    relay = BrokenTls(offers=False, answers=False)
    result = fallback.boot(relay.port, "attempts=1", "opportunistic")
    assert result.status == DEFERRED and "in doubt at END" in result.console, result.console
    assert relay.talks == [["EHLO", "MAIL", "RCPT", "DATA"]]


@pytest.mark.parametrize("babbles", [False, True], ids=["once", "babbles"])
def test_relay_says_the_modems_words(babbles, scratch, pki):
    """the line is hung up on whatever the relay says, and each dial reaches the modem"""
    name, into = build_with("microbit", "fallback", FALLBACK, pki.ca)
    relay = LiesAboutTheLine(babbles)
    result = Board(name, scratch, into).boot(relay.port, "attempts=2", "opportunistic")
    assert result.status == DEFERRED, result.console
    assert len(relay.heard) == 2 and not any(b"AT" in heard for heard in relay.heard), relay.heard


# ---- Firmware without TLS: STARTTLS on offer is broken TLS to it ---------------------------------------------------

def test_without_tls_refuses_what_it_cannot_check(without_tls):
    result = without_tls.boot(1, "user=alice", "password=secret")
    assert result.status == BAD_CONFIG, result.console
    assert "misuse: a login needs a user, one secret, and a relay that is verified" in result.console


def test_without_tls_starttls_on_offer(postfix, without_tls):
    result = without_tls.boot(postfix.ports["starttls"], "attempts=1")
    assert result.status == DEFERRED and "deferred at HANDSHAKE" in result.console, result.console


def test_without_tls_starttls_not_offered(postfix, without_tls):
    """in clear at once"""
    token = new_token()
    result = without_tls.boot(postfix.ports["clear"], f"subject={token}")
    assert result.status == OK and "delivered at END, reply 250:" in result.console, result.console
    assert content(token).fullmatch(postfix.wait_for_mail(token).content)


def test_without_tls_second_attempt(without_tls):
    """in one boot: deferred, and in clear after the wait"""
    token, relay = new_token(), BrokenTls()
    result = without_tls.boot(relay.port, f"subject={token}")
    assert result.status == OK, result.console
    assert re.search(r"deferred at HANDSHAKE.*\nnext attempt in [12] s\ndelivered at END", result.console)
    assert relay.talks == [TRIED, TRIED, IN_CLEAR]
    assert len(relay.mails) == 1 and content(token).fullmatch(relay.mails[0])


@pytest.mark.parametrize("hangs_up", [True, False], ids=["hangs_up", "babbles"])
def test_without_tls_after_a_reset(hangs_up, without_tls):
    check_cleartext_after_a_reset(without_tls, hangs_up=hangs_up)


# ---- As a user runs it ---------------------------------------------------------------------------------------------

def make(*words):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", f"BUILD={BUILD}", *words], cwd=TOP, env={**env, "LIMIT_S": str(LIMIT_S), "CUT_S": str(CUT_S)},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=3 * LIMIT_S)


@pytest.mark.parametrize("name", THOROUGH)
def test_make_run_tells_the_status(name):
    skip_without_tools(name)
    done = make("run", f"BOARD={name}")
    assert done.returncode == 2                      # make has no other
    assert "missing: relay\n" in done.stdout
    assert "\nfirmware: 78, the configuration is wrong" in done.stdout


@pytest.mark.parametrize("name", THOROUGH[:1] if QUICK else BOARDS)
def test_make_run(aiosmtpd, name, scratch, pki):
    skip_without_tools(name)
    token = new_token()
    done = make("run", f"BOARD={name}", f"RELAY=localhost:{aiosmtpd.ports['starttls']}", "TO=a@example.test",
                "FROM=mote@example.org", f"TRUST={pki.ca}",
                f"MCU_ARGS=subject={token} helo=mote.example.org storage={Board(name, scratch).flash}")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("\nfirmware: 0, all is delivered\n"), done.stdout
    assert re.search(r"^  SIZE ", done.stdout, re.M) or "LINK" not in done.stdout, done.stdout
    assert content(token).fullmatch(aiosmtpd.wait_for_mail(token).content)


@pytest.mark.parametrize("name", THOROUGH[1:] if QUICK else BOARDS)
def test_demo(name):
    skip_without_tools(name)
    done = make("demo", f"BOARD={name}")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(f"\n== All as it should be on {name}\n")


def test_sources_that_are_others(scratch):
    """are compiled, and those that have changed where they lie"""
    name, out = "lm3s6965evb", BUILD / "boards/lm3s6965evb"
    build(name, BUILD)
    asked = make("-n", f"firmware-{name}").stdout
    assert "port/bearssl.mk" in asked and "core/smtp/engine.c" not in asked and "tcp.c" not in asked, asked
    *_, bearssl, lwip = (out / "flags").read_text().split()
    image = re.search(r"^.* -f boards/image\.mk (.*\\\n)*.*$", asked, re.M)[0]
    for header, source in (f"{lwip}/src/include/lwip/tcp.h", "lwip/core/tcp.c"), (f"{bearssl}/inc/bearssl_ssl.h", "core/tls/session.c"):
        changed = subprocess.run(f"{image} -n -W {header}", shell=True, cwd=TOP, capture_output=True, text=True, check=True, timeout=LIMIT_S)
        assert source in changed.stdout, changed.stdout
    for word, there in ("BEARSSL_DIR", bearssl), ("LWIP_DIR", lwip):
        (scratch / word).symlink_to(TOP / there)
        asked = make("-n", f"firmware-{name}", f"{word}={scratch / word}").stdout
        assert f"{word}={scratch / word}" in asked and "core/smtp/engine.c" in asked and "lwip/core/tcp.c" in asked, asked


@pytest.mark.parametrize("goal", ["run", "demo"])
def test_no_such_board(goal):
    done = make(goal, "BOARD=pdp11")
    assert done.returncode == 2
    assert "BOARD=pdp11: there is no such board; BOARD= is one of: " in done.stdout, done.stdout
    assert all(name in done.stdout for name in BOARDS)


def test_not_built(scratch):
    result = Board("lm3s6965evb", scratch, scratch / "nowhere").run("relay=localhost:25")
    assert result.status == BAD_CONFIG and "make firmware" in result.said, result.said


@pytest.mark.parametrize("limit", [0, "00", "08", -1, 1.5])
def test_limit_that_is_none(limit, scratch):
    result = Board("lm3s6965evb", scratch).run("relay=localhost:25", limit=limit)
    assert result.status == BAD_CONFIG and f"LIMIT_S={limit}: give the seconds" in result.said, result.said


def test_no_relay(board):
    with socket.socket() as nobody:                  # bound, so that it is nobody else's, and not listening
        nobody.bind(("127.0.0.1", 0))
        result = board.boot(nobody.getsockname()[1], "attempts=1")
    assert result.status == DEFERRED, (result.console, result.said)
    assert "deferred at CONNECT: no connection to the relay" in result.console
    assert result.said.endswith("firmware: 75, deferred; the mail is in the storage, and `resume' goes on with it\n")


def test_nothing_in_time(board):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = board.run(f"relay=localhost:{silent.getsockname()[1]}", "to=a@example.test",
                           "from=mote@example.org", f"storage={board.flash}", "helo=mote.example.org", limit=CUT_S)
    assert result.status == NOTHING_IN_TIME and result.console == "the alert is stored\n", result.console
    assert f"no end in {CUT_S} s" in result.said


# What is wrong with the words that are given, and what the console says. A word given first counts.
WRONG = {
    "no relay": ([], "missing: relay"),
    "no recipient": (["relay=localhost:1"], "missing: to"),
    "no sender": (["relay=localhost:1", "to=a@example.test"], "missing: from"),
    "no port": (["relay=localhost:"], "refused: relay is HOST:PORT"),
    "port 0": (["relay=localhost:0"], "refused: relay is HOST:PORT"),
    "port 65536": (["relay=localhost:65536"], "refused: relay is HOST:PORT"),
    "port 25x": (["relay=localhost:25x"], "refused: relay is HOST:PORT"),
    "no host": (["relay=:25"], "refused: relay is HOST:PORT"),
    "long host": (["relay=" + "h" * 128 + ":25"], "refused: relay is HOST:PORT"),
    "trust": (["relay=localhost:1", "trust=ca.pem"], "unknown setting: trust=ca.pem"),
    "opportunistic": (["relay=localhost:1", "opportunistic"], "unknown setting: opportunistic"),
    "storage": (["relay=localhost:1", "storage=/nonexistent/flash"],
                "storage= cannot be opened: /nonexistent/flash"),
    "unknown": (["bogus=1"], "unknown setting: bogus=1"),
    "unknown, without a value": (["relay=localhost:1", "resum"], "unknown setting: resum"),
    "known to others": (["ip=10.0.2.15"], "unknown setting: ip=10.0.2.15"),
    "scheme": (["relay=smtp://localhost:25"], "refused: relay is HOST:PORT"),
    "too long": (["text=" + "x" * 600], "the command line is too long"),
}


@pytest.mark.parametrize("words, reason", WRONG.values(), ids=WRONG)
def test_wrong_configuration(words, reason, board):
    result = board.run(*words, f"storage={board.flash}")
    assert result.status == BAD_CONFIG, result.console
    assert reason in result.console
    assert result.said.endswith("firmware: 78, the configuration is wrong; boards/README.md has its settings\n")


def test_wrong_mail(board):
    for word in ("to=nobody", "from=nobody"):
        result = board.run(word, "relay=localhost:1", "to=a@example.test", "from=mote@example.org",
                           f"storage={board.flash}")
        assert result.status == BAD_INPUT, result.console
        assert "refused: sender or recipient is no mail address" in result.console
        assert "firmware: 65, the mail was not taken" in result.said


def test_no_room(postfix, fallback):
    """more mails than slots: the one too many is refused, no boot loses one that was taken, and they are delivered"""
    results = [fallback.boot(1, "attempts=1") for _ in range(5)]
    taken = [result.status for result in results].count(DEFERRED)
    assert taken == (2 if fallback.name == "microbit" else 4)
    for result in results[taken:]:
        assert result.status == BAD_INPUT and "refused: no room for another mail" in result.console, result.console
    result = fallback.boot(postfix.ports["rsa"])
    assert result.status == BAD_INPUT and result.console.count("delivered at END") == taken, result.console


@pytest.mark.parametrize("word, reason", [("user=alice", "a login needs a user, one secret"), ("helo=a@b", "EHLO")])
def test_misuse(word, reason, postfix, board):
    """what the core refuses when a relay is there: it ends at once, for waiting would not mend it"""
    result = board.run(word, f"relay=localhost:{postfix.ports['starttls']}", "to=a@example.test",
                       "from=mote@example.org", f"storage={board.flash}", "helo=mote.example.org")
    assert result.status == BAD_CONFIG, result.console
    assert "\nmisuse: " in result.console and reason in result.console, result.console


# ---- Again and again -----------------------------------------------------------------------------------------------

def test_hundred_boots(postfix, scratch, pki):
    """a mail delivered at each, on each board of THOROUGH with one flash; all at the same time, each boot with its limit; or BOOTS of them"""
    built = {name: build_with(name, "trusting", "", pki.ca)[1] for name in THOROUGH}

    def boot_on(name):
        board, tokens = Board(name, scratch, built[name]), [new_token() for _ in range(int(os.environ.get("BOOTS") or 100))]
        for token in tokens:
            result = board.boot(postfix.ports["rsa"], f"subject={token}")
            assert result.status == OK, (name, result.console, result.said)
            assert "delivered at END, reply 250, in TLS" in result.console
        return tokens

    with concurrent.futures.ThreadPoolExecutor(len(THOROUGH)) as pool:
        for tokens in pool.map(boot_on, THOROUGH):
            for token in tokens:
                assert content(token).fullmatch(postfix.wait_for_mail(token).content)

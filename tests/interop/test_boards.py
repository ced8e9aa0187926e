# SPDX-License-Identifier: MIT
"""The firmware of the boards, booted in QEMU, against real servers; and over a reset."""
import pathlib
import re

import pytest

from board import TOP, Board, BrokenTls, build, content
from cell import BUILD
from client import BAD_CONFIG, DEFERRED, OK, new_token

BOARDS = sorted(mk.parent.name for mk in (TOP / "boards").glob("*/board.mk"))
ETHERNET = [name for name in BOARDS if name != "microbit"]     # its wire serves one connection
RETRY = "-DBOARD_OPPORTUNISTIC -DMOTE_TLS_RETRY_S=2"


@pytest.fixture(scope="session", params=BOARDS)
def built(request):
    build(request.param, BUILD)
    return request.param


@pytest.fixture
def board(built, scratch, pki):
    return Board(built, scratch, pki)


@pytest.fixture(scope="session", params=ETHERNET)
def fallback(request, scratch, pki):
    """a board that may fall back to cleartext, with a short wait"""
    into = pathlib.Path(BUILD) / "fallback"
    build(request.param, into, RETRY)
    return Board(request.param, scratch, pki, into)


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


def test_mail_outlives_a_reset(postfix, fallback):
    """the relay is trusted only at the second boot; the mail is the one of the first"""
    token, board = new_token(), fallback
    assert board.boot(postfix.ports["wrongname"], f"subject={token}", "attempts=1").status == DEFERRED
    result = board.boot(postfix.ports["starttls"], "resume", "name=mail.example.test")
    assert result.status == OK, result.console
    postfix.wait_for_mail(token)
    result = board.boot(postfix.ports["starttls"], "resume")
    assert "delivered" not in result.console         # it is gone from the storage


def test_cleartext_after_a_reset(fallback):
    """P4, P5: STARTTLS fails; after the reset it is tried again, and only then comes cleartext"""
    token, relay = new_token(), BrokenTls()
    first = fallback.boot(relay.port, f"subject={token}", "attempts=1", trust="opportunistic")
    assert first.status == DEFERRED, first.console
    assert relay.talks == [["EHLO", "STARTTLS"]] and not relay.mails
    second = fallback.boot(relay.port, "resume", trust="opportunistic")
    assert second.status == OK, second.console
    assert relay.talks[1:] == [["EHLO", "STARTTLS"], ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]]
    assert len(relay.mails) == 1 and content(token).fullmatch(relay.mails[0])


def test_firmware_without_tls(postfix, scratch, pki):
    """it refuses what it cannot check, and STARTTLS on offer is broken TLS to it: no mail in clear at once"""
    into = pathlib.Path(BUILD) / "BOARD_CLEAR"
    build("lm3s6965evb", into, "-DBOARD_CLEAR")
    board, words = Board("lm3s6965evb", scratch, pki, into), ("ip=10.0.2.15", "gateway=10.0.2.2", "attempts=1")
    assert board.boot(postfix.ports["clear"], *words).status == BAD_CONFIG
    result = board.boot(postfix.ports["starttls"], *words, trust="")
    assert result.status == DEFERRED, result.console
    assert "deferred at HANDSHAKE" in result.console, result.console


BUDGETS = [line.split() for line in (TOP / "boards/budget.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("flash_limit, ram_limit, name, flags", [
    pytest.param(int(flash), int(ram), name, flags, id="".join([name, *flags]))
    for flash, ram, name, *flags in BUDGETS])
def test_budget(flash_limit, ram_limit, name, flags, postfix, scratch, pki):
    """flash and RAM of a delivery are within boards/budget.txt"""
    into = pathlib.Path(BUILD, *(flag.removeprefix("-D") for flag in flags))
    build(name, into, " ".join(flags))
    board, clear = Board(name, scratch, pki, into), "-DBOARD_CLEAR" in flags
    words = ["ip=10.0.2.15", "gateway=10.0.2.2"] if flags else []
    stacks = []
    for port in ["clear"] if clear else ["starttls", "rsa"]:
        result = board.boot(postfix.ports[port], *words, trust="" if clear else None)
        assert result.status == OK, result.console
        assert f"delivered at END, reply 250{'' if clear else ', in TLS'}:" in result.console
        stacks.append(int(re.search(r"stack (\d+) octets", result.console)[1]))
    flash, static = board.sizes()
    print(f"{name} {' '.join(flags)}: flash {flash}, RAM {static} + {max(stacks)}")
    assert flash <= flash_limit, flash
    assert static + max(stacks) <= ram_limit, (static, stacks)

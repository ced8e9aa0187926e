# SPDX-License-Identifier: MIT
"""What flash is worn by, for years: octets written to the spool and syncs, of each mail and of each flush that finds nothing due."""
import collections
import re
import shutil

import pytest

from pretend import environment, pretend
from relay import OK
from test_spool import A, relay, spool, stored  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
STATE, RELAYS = 95, 100                              # octets of a mail's state, and of what is remembered of a relay
WAIT_S = 4000                                        # the longest
CALLS = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlinkat,openat"


def wear(spool, tmp_path, act, **settings):
    """what the command did to the spool, in such a system (pretend.py): octets, syncs, names (made, changed or removed)"""
    trace, worn = tmp_path / "trace", collections.Counter()
    system = [word for name, value in (environment(**settings) if settings else {}).items() for word in ("-E", f"{name}={value}")]
    done = act(["strace", "-f", "--seccomp-bpf", "-y", "-qq", "-e", f"trace={CALLS}", "-o", trace, *system])
    for line in trace.read_text().splitlines():
        found = re.match(r"\d+ +(\w+)\((?:\d+|AT_FDCWD)<(.*?)>.* = (\d+)", line)
        if not found or not found[2].startswith(str(spool.path)):
            continue
        if "write" in found[1]:
            worn["octets"] += int(found[3])
        elif "sync" in found[1]:
            worn["syncs"] += 1
        elif found[1] != "openat" or "O_CREAT" in line:
            worn["names"] += 1
    return done, worn


def test_a_flush_with_nothing_to_do_writes_nothing(spool, relay, tmp_path):
    spool.path.mkdir(mode=0o700)
    done, worn = wear(spool, tmp_path, lambda wrap: spool.flush(relay, wrap=wrap))
    assert done.returncode == OK and not worn


def test_mails_that_failed_cost_no_flush_anything(spool, relay, tmp_path):
    relay.replies = {A: "550 no"}
    spool.send(relay)
    done, worn = wear(spool, tmp_path, lambda wrap: spool.flush(relay, wrap=wrap))
    assert done.returncode == OK and not worn and len(spool.names()) == 1


@pytest.mark.parametrize("octets", [60, 100_000])
def test_a_mail_is_written_once(spool, relay, tmp_path, octets):
    """and its state when an attempt begins, when the mail may have been sent, at its verdict, and at the end"""
    text = b"x" * 60 + b"\n"
    _, worn = wear(spool, tmp_path, lambda wrap: spool.send(relay, text=text * (octets // 61 + 1), wrap=wrap))
    [mail] = relay.mails
    assert worn["octets"] <= len(mail.text) + 1024 + 200 + 5 * STATE and worn["syncs"] <= 7 and worn["names"] <= 3, worn


@pytest.mark.parametrize("mails", [1, 3])
def test_waiting_is_stored_in_few_steps(spool, tmp_path, closed, mails):
    """a mail that is tried for days while its relay is down, a flush each minute: it is written eight times a wait, and not by each
    flush; each attempt writes two states, and the file of relays"""
    for _ in range(mails):
        spool.send(closed, wrap=pretend(BOOTTIME=10_000))
    for file in spool.files():
        file.age, file.wait, file.attempts = 172_800, WAIT_S, 50
        file.write()
    octets = [wear(spool, tmp_path, lambda wrap: spool.flush(closed, wrap=wrap), BOOTTIME=now)[1]["octets"]
              for now in range(10_000, 10_000 + WAIT_S + 60, 60)]
    assert all(file.attempts >= 50 for file in spool.files()) and any(file.attempts == 51 for file in spool.files())
    assert 6 * STATE * mails <= sum(octets[:-1]) <= 9 * STATE * mails and sum(map(bool, octets[:-1])) <= 9, octets
    assert octets[-1] <= (2 * STATE + RELAYS) * mails, octets


def test_a_mail_that_is_due_and_cannot_be_tried_is_stored_in_few_steps(spool, tmp_path, closed):
    """as seldom as one that waits"""
    conf = tmp_path / "conf"
    conf.write_text("relay relay.test:0\n")
    spool.send(closed, wrap=pretend(BOOTTIME=10_000))
    file = spool.file()
    file.age, file.wait = 172_800, 0
    file.write()
    octets = [wear(spool, tmp_path, lambda wrap: spool.flush(options=["-C", conf], wrap=wrap), BOOTTIME=now)[1]["octets"]
              for now in range(10_000, 10_000 + WAIT_S + 60, 120)]
    assert 6 * STATE <= sum(octets) <= 9 * STATE and spool.file().age >= 172_800 + WAIT_S * 7 // 8, octets


def test_a_state_that_was_stored_is_what_a_reboot_leaves(spool, closed):
    """no more than an eighth of the wait is waited again"""
    spool.send(closed, wrap=pretend(BOOTTIME=10_000))
    file = spool.file()
    file.age, file.wait, file.attempts = 172_800, WAIT_S, 50
    file.write()
    for now in range(10_000, 12_060, 60):
        spool.flush(closed, wrap=pretend(BOOTTIME=now))
    assert WAIT_S - 2_000 <= spool.file().wait <= WAIT_S - 2_000 + WAIT_S // 8

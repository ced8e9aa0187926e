# SPDX-License-Identifier: MIT
"""The policy over time, as the command keeps it: when a mail is due, when a cleartext pass is armed and when not, what
clocks and reboots do to that. The command is built with MOTE_TLS_RETRY_S=2; relays and their troubles are scripted."""
import base64
import hashlib
import re
import shutil
import subprocess
import time

import pytest

from relay import COMMAND, DEFERRED, FAILED, FAST, OK, RETRY_S, Relay, Spool, make_context, run

pytestmark = pytest.mark.skipif(FAST is None, reason="MAILMOTE_FAST is not set: no command with a short TLS retry")
NOW = ["--now"]
TLS, BROKEN, CLEAR = ["EHLO", "STARTTLS", "EHLO"], ["EHLO", "STARTTLS", "(broken)"], ["EHLO", "MAIL"]
DAY = 86400


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", FAST)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    context = make_context(tmp_path_factory.mktemp("tls"))
    return context


@pytest.fixture(scope="module")
def pin(context, tmp_path_factory):
    """--pin for the relays' key"""
    [key] = list(tmp_path_factory.getbasetemp().glob("tls*/key.pem"))[-1:]
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True)
    return "sha256:" + base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()


@pytest.fixture
def relays(context):
    made = [Relay(context, "broken"), Relay(context, "good")]
    yield made
    for relay in made:
        relay.stop()


@pytest.fixture
def broken(relays):
    return relays[0]


def age(spool, seconds):
    """as if so much time had passed since the last attempt: the file's clock is put back"""
    for file in spool.files():
        file.ms -= seconds * 1000
        assert file.ms > 0
        file.write()


def said(relay):
    """the first three verbs of each connection since the last call"""
    talks, relay.talks = [talk[:3] for talk in relay.talks], []
    return [talk[:2] if talk[1:2] == ["MAIL"] else talk for talk in talks]


def test_three_acts(spool, broken):
    """deferred; at once again: deferred; after the retry time STARTTLS, then clear"""
    assert spool.send(broken).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] and spool.file().tls_failed and spool.file().wait == RETRY_S
    assert spool.flush(broken).rows == [] and said(broken) == []             # not due
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] and broken.mails == []
    time.sleep(RETRY_S + 0.2)
    done = spool.flush(broken, options=["-v"])
    assert (done.returncode, done.verdicts) == (OK, ["delivered"])
    assert said(broken) == [BROKEN, CLEAR] and not broken.mails[0].secure
    assert re.search(rf"^\* relay {broken.where} in clear, as TLS has failed again$", done.stderr, re.M)


def test_early_attempts_arm_nothing(spool, broken):
    """not even many of them, and they do not put off the armed one"""
    spool.send(broken)
    start = time.monotonic()
    while time.monotonic() < start + RETRY_S - 0.5:
        assert spool.flush(broken, options=NOW).verdicts == ["deferred"]
    assert broken.mails == [] and CLEAR not in said(broken)
    time.sleep(max(0, start + RETRY_S + 0.2 - time.monotonic()))
    assert spool.flush(broken, options=NOW).verdicts == ["delivered"]
    assert said(broken) == [BROKEN, CLEAR]


def test_repaired_in_time(spool, broken):
    spool.send(broken)
    broken.starttls = "good"
    age(spool, RETRY_S)
    assert spool.flush(broken).verdicts == ["delivered"]
    assert [mail.secure for mail in broken.mails] == [True] and said(broken) == [BROKEN, TLS]


def test_armed_but_another_relay_is_good(spool, relays):
    """two passes: no cleartext while a relay takes the mail in TLS"""
    spool.send(relays[0])
    age(spool, RETRY_S)
    assert spool.flush(*relays).verdicts == ["delivered"]
    assert relays[0].mails == [] and relays[1].mails[0].secure


def test_clear_only_where_tls_failed_in_this_attempt(spool, relays):
    """a 4xx inside TLS stays inside TLS"""
    relays[1].replies = {"END": "451 later"}
    assert spool.send(*relays).verdicts == ["deferred"]
    age(spool, RETRY_S)
    done = spool.flush(*relays)
    assert said(relays[1]) == [TLS, TLS] and said(relays[0]) == [BROKEN, BROKEN, CLEAR]
    assert done.verdicts == ["delivered"]


def test_first_tls_failure_at_the_second_attempt(spool, broken):
    broken.greeting = "421 busy"
    spool.send(broken)
    assert not spool.file().tls_failed
    broken.greeting = "220 relay.test"
    age(spool, 10)
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"] and spool.file().tls_failed
    assert said(broken)[1:] == [BROKEN]
    age(spool, RETRY_S)
    assert spool.flush(broken, options=NOW).verdicts == ["delivered"] and said(broken) == [BROKEN, CLEAR]


def test_nothing_sticks(spool, broken):
    """the next mail starts with STARTTLS, and is not armed by the last one"""
    spool.send(broken)
    age(spool, RETRY_S)
    assert spool.flush(broken).verdicts == ["delivered"]
    assert spool.send(broken).verdicts == ["deferred"]
    assert said(broken) == [BROKEN, BROKEN, CLEAR, BROKEN]


def test_530_in_the_clear_is_a_deferral(spool, broken):
    spool.send(broken)
    broken.replies["MAIL"] = "530 Must issue a STARTTLS command first"
    age(spool, RETRY_S)
    assert spool.flush(broken).verdicts == ["deferred"] and len(spool.files()) == 1


@pytest.mark.parametrize("trust", ["login", "pin", "file"])
def test_verified_relays_never_hear_clear(spool, broken, tmp_path, pin, trust):
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    ca = next(tmp_path.parent.glob("tls*/certificate.pem"))
    options = {"login": ["--user", "u", "--password-file", secret, "--pin", pin], "pin": ["--pin", pin],
               "file": ["--trust", ca, "--tls-name", "relay.test"]}[trust]
    assert spool.send(broken, options=options).verdicts == ["deferred"]
    for _ in range(4):
        age(spool, 2 * RETRY_S)
        assert spool.flush(broken, options=options).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] * 5 and broken.mails == []
    broken.starttls = "good"
    age(spool, 2 * RETRY_S)
    assert spool.flush(broken, options=options + ["--now"]).verdicts == ["delivered"]
    assert broken.mails[0].secure


# ---- clocks ----------------------------------------------------------------------------------------------------------

def test_a_reboot_arms_nothing(spool, broken):
    """what passed before it counts, what passed while the system was off does not, and the wait begins anew"""
    spool.send(broken)
    file = spool.file()
    file.boot = bytes(16 * [7])
    file.ms = 1
    file.write()
    assert spool.flush(broken).rows == []
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"]
    assert said(broken) == [BROKEN, BROKEN] and spool.file().boot != file.boot
    time.sleep(RETRY_S + 0.2)
    assert spool.flush(broken).verdicts == ["delivered"]


def test_time_passes_after_a_reboot(spool, broken):
    """a flush that finds nothing due remembers that it was there"""
    spool.send(broken)
    file = spool.file()
    file.boot = bytes(16 * [7])
    file.write()
    assert spool.flush(broken).rows == []
    time.sleep(RETRY_S + 0.2)
    assert spool.flush(broken).verdicts == ["delivered"]


def test_an_unknown_boot_counts_nothing(spool, broken):
    spool.send(broken)
    file = spool.file()
    file.boot = bytes(16)
    file.write()
    assert spool.flush(broken).rows == []


def test_a_clock_that_ran_backwards(spool, broken):
    """the file is of a later time of the same boot, as from a container with a clock of its own"""
    spool.send(broken)
    file = spool.file()
    file.ms += 10 ** 9
    file.write()
    assert spool.flush(broken).rows == []
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"] and said(broken) == [BROKEN, BROKEN]


JUMP = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME)
        now->tv_sec += 40000000;
    return result;
}
time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return at ? (*at = now.tv_sec) : now.tv_sec;
}
"""


def test_setting_the_clock_arms_nothing(spool, broken, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc") or pytest.skip("no compiler")
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", tmp_path / "jump.so"], input=JUMP.encode(),
                   check=True)
    jump = ["env", f"LD_PRELOAD={tmp_path / 'jump.so'}"]
    assert spool.send(broken, wrap=jump).verdicts == ["deferred"]
    assert spool.flush(broken).rows == []
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"]
    assert spool.flush(broken, wrap=jump).rows == []
    assert spool.flush(broken, options=NOW, wrap=jump).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] * 3 and int(spool.queue().rows[0][1]) < 60


# ---- waits, expiry, doubt --------------------------------------------------------------------------------------------

def test_waits_grow_with_age(spool):
    """300 to 4000 s; at random a quarter more, then once up to twice as much more"""
    relay = Relay(replies={"END": "451 later"})
    spool.send(relay)
    for old, least, most in ((0, 300, 375), (400, 400, 1205), (1000, 1000, 1001), (100000, 4000, 4000)):
        file = spool.file()
        file.age = old
        file.write()
        assert spool.flush(relay, options=NOW).verdicts == ["deferred"]
        assert least <= spool.file().wait <= most and spool.file().code == 451
    relay.stop()


def test_expired(spool):
    relay = Relay(replies={"END": "451 later"})
    spool.send(relay, to=("a@example.test", "b@example.test"))
    file = spool.file()
    file.age = 5 * DAY
    file.write()
    done = spool.flush(relay, options=NOW)
    assert (done.returncode, done.verdicts) == (FAILED, ["failed"] * 2)
    assert all("expired" in row[4] and "451" in row[3] and "later" in row[4] for row in done.rows)
    assert spool.names() == []
    relay.stop()


def test_expiry_comes_after_the_attempt(spool):
    relay = Relay(replies={"END": "451 later"})
    spool.send(relay)
    file = spool.file()
    file.age = 6 * DAY
    file.write()
    relay.replies = {}
    assert spool.flush(relay, options=NOW).verdicts == ["delivered"]
    relay.stop()


def test_doubt(spool):
    """the answer to the end of the mail is lost: later again, with the same Message-ID"""
    relay = Relay()
    relay.cut_at_end = True
    done = spool.send(relay)
    assert done.verdicts == ["deferred"] and "may have arrived" in done.rows[0][4] and not spool.file().tls_failed
    assert spool.file().wait >= 300
    relay.cut_at_end = False
    assert spool.flush(relay, options=NOW).verdicts == ["delivered"]
    assert len(relay.mails) == 2 and relay.mails[0].text == relay.mails[1].text
    relay.stop()


# ---- relays that are left alone --------------------------------------------------------------------------------------

def test_a_relay_that_is_down_is_left_alone(spool, closed):
    spool.send(closed)
    done = spool.send(closed, options=["-v"])
    assert done.verdicts == ["deferred"] and "left alone" in done.rows[0][4] and done.stderr == ""
    done = spool.flush(closed, options=["--now", "-v"])                      # forced
    assert done.stderr.count("refused") == 2 and len(done.rows) == 2
    lines = (spool.path / "relays").read_text().splitlines()
    assert len(lines) == 2 and lines[1].startswith("3 ")
    assert lines[1].split()[2:] == ["starttls", closed.split(":")[1], "127.0.0.1"]


def test_other_relays_are_asked(spool, closed):
    relay = Relay()
    spool.send(closed)
    done = spool.send(closed, relay, options=["-v"])
    assert done.verdicts == ["delivered"] and closed not in done.stderr
    relay.stop()


def test_success_clears_it(spool):
    relay = Relay()
    relay.greeting = "421 busy"
    spool.send(relay)
    assert "left alone" in spool.send(relay).rows[0][4] and len(relay.talks) == 1
    relay.greeting = "220 relay.test"
    assert spool.flush(relay, options=NOW).verdicts == ["delivered"] * 2
    assert (spool.path / "relays").read_text().count("\n") == 1
    assert spool.send(relay).verdicts == ["delivered"]
    relay.stop()


def test_another_boot_leaves_nobody_alone(spool, closed):
    spool.send(closed)
    path = spool.path / "relays"
    title = path.read_text().splitlines()[0]
    path.write_text(path.read_text().replace(title, title[:-32] + "0" * 32))
    assert "left alone" not in spool.send(closed).rows[0][4]

# SPDX-License-Identifier: MIT
"""The policy over time, as the command keeps it: when a mail is due, when a cleartext pass is armed and when not, what
clocks and reboots do to that. The command is built with MOTE_TLS_RETRY_S=2; relays and their troubles are scripted."""
import base64
import hashlib
import re
import subprocess
import time

import pytest

from clock import Clock
from pretend import pretend
from relay import COMMAND, DEFERRED, FAILED, FAST, OK, RETRY_S, Relay, Spool, make_context, run

pytestmark = pytest.mark.skipif(FAST is None, reason="MAILMOTE_FAST is not set: no command with a short TLS retry")
NOW = ["--now"]
TLS, BROKEN, CLEAR = ["EHLO", "STARTTLS", "EHLO"], ["EHLO", "STARTTLS", "(broken)"], ["EHLO", "MAIL"]
DAY = 86400
UP = f"+{DAY}"


@pytest.fixture
def spool(tmp_path):
    """of a machine that has been up for longer than any wait: this one may have just been started"""
    return Spool(tmp_path / "spool", FAST, pretend(BOOTTIME=UP))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """where the relays' key and certificate are"""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def context(tls):
    return make_context(tls)


@pytest.fixture(scope="module")
def pin(context, tls):
    """--pin for the relays' key"""
    der = subprocess.run(["openssl", "pkey", "-in", tls / "key.pem", "-pubout", "-outform", "DER"], check=True,
                         capture_output=True)
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


def age(spool, seconds=None):
    """as if so much time, or all its wait, had passed since the last attempt: the clock of the files is put back"""
    for file in spool.files():
        seconds = file.wait if seconds is None else seconds
        file.ms -= seconds * 1000
        assert file.ms > 0
        file.write()
    relays = spool.path / "relays"
    if relays.exists():
        title, *lines = relays.read_text().splitlines()
        lines = [line.split() for line in lines]
        lines = [[*line[:2], str(int(line[2]) - seconds * 1000), *line[3:]] for line in lines]
        relays.write_text("\n".join([title, *map(" ".join, lines)]) + "\n")


def said(relay):
    """the first three verbs of each connection since the last call"""
    talks, relay.talks = [talk[:3] for talk in relay.talks], []
    return [talk[:2] if talk[1:2] == ["MAIL"] else talk for talk in talks]


def test_three_acts(spool, broken):
    """deferred; at once again: deferred; after the retry time STARTTLS, then clear"""
    assert spool.send(broken).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] and spool.file().tls_failed and RETRY_S <= spool.file().wait < 2 * RETRY_S
    assert spool.flush(broken).rows == [] and said(broken) == []             # not due
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] and broken.mails == []
    time.sleep(spool.file().wait + 0.2)
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


@pytest.mark.parametrize("early", [False, True])
def test_times_are_whole_to_the_millisecond(spool, broken, tmp_path, early):
    """what had passed before TLS failed first, and was no whole second, does not count; what has passed since does, whatever is tried in between"""
    clock = Clock(tmp_path)
    spool.wrap, broken.greeting = pretend(**clock.settings), "421 busy"
    spool.send(broken)
    clock.set(clock.now + 10.9)
    broken.greeting = "220 relay.test"
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"] and spool.file().tls_failed
    failed, wait = clock.now, RETRY_S if early else spool.file().wait
    clock.set(failed + 0.9)
    assert spool.flush(broken, options=NOW if early else []).verdicts == ["deferred"] * early
    clock.set(failed + wait - 0.1)
    assert spool.flush(broken, options=NOW if early else []).verdicts == ["deferred"] * early and broken.mails == []
    clock.set(failed + wait)
    assert spool.flush(broken, options=NOW if early else []).verdicts == ["delivered"] and said(broken)[-1] == CLEAR


def test_a_wait_after_cleartext_is_whole_to_the_millisecond(spool, broken, tmp_path):
    """what had passed before, and was no whole second, does not count"""
    clock = Clock(tmp_path)
    spool.wrap, broken.replies = pretend(**clock.settings), {"END": "451 later"}
    spool.send(broken)
    clock.set(clock.now + spool.file().wait + 0.9)
    assert spool.flush(broken).verdicts == ["deferred"] and said(broken)[-1] == CLEAR
    due = clock.now + spool.file().wait
    clock.set(due - 0.1)
    assert spool.flush(broken).rows == [] and said(broken) == []
    clock.set(due)
    assert spool.flush(broken).verdicts == ["deferred"] and said(broken) == [BROKEN, CLEAR]


def test_repaired_in_time(spool, broken):
    spool.send(broken)
    broken.starttls = "good"
    age(spool)
    assert spool.flush(broken).verdicts == ["delivered"]
    assert [mail.secure for mail in broken.mails] == [True] and said(broken) == [BROKEN, TLS]


def test_armed_but_another_relay_is_good(spool, relays):
    """two passes: no cleartext while a relay takes the mail in TLS"""
    spool.send(relays[0])
    age(spool)
    assert spool.flush(*relays).verdicts == ["delivered"]
    assert relays[0].mails == [] and relays[1].mails[0].secure


def test_clear_only_where_tls_failed_in_this_attempt(spool, relays):
    """a 4xx inside TLS stays inside TLS"""
    relays[1].replies = {"END": "451 later"}
    assert spool.send(*relays).verdicts == ["deferred"]
    age(spool)
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
    age(spool)
    assert spool.flush(broken, options=NOW).verdicts == ["delivered"] and said(broken) == [BROKEN, CLEAR]


def test_what_tls_did_without_a_relay_arms_nothing(spool, broken):
    """POLICY D7: a command built with DANE=1 left the mail"""
    spool.send(broken)
    for _ in range(2):
        age(spool)
        file = spool.file()
        file.mx = 1
        file.write()
        assert spool.flush(broken).verdicts == ["deferred"] and spool.file().tls_failed and spool.file().mx == 0
    age(spool)
    assert spool.flush(broken).verdicts == ["delivered"] and said(broken) == [BROKEN] * 4 + [CLEAR]


@pytest.mark.parametrize("mx", [0, 1])
def test_its_place_among_the_hosts_of_a_domain_is_none_among_relays(spool, relays, closed, mx):
    """POLICY D7: as it was in doubt whether the first one has the mail, the next attempt begins with the second"""
    spool.send(closed)
    file = spool.file()
    file.code, file.mx = file.code | 1 << 13, mx
    file.write()
    assert spool.flush(*relays, options=["--now", "-v"]).verdicts == ["delivered"]
    assert [len(relay.talks) for relay in relays] == ([1, 1] if mx else [0, 1])


def test_nothing_sticks(spool, broken):
    """the next mail starts with STARTTLS, and is not armed by the last one"""
    spool.send(broken)
    age(spool)
    assert spool.flush(broken).verdicts == ["delivered"]
    assert spool.send(broken).verdicts == ["deferred"]
    assert said(broken) == [BROKEN, BROKEN, CLEAR, BROKEN]


def test_530_in_the_clear_is_a_deferral(spool, broken):
    spool.send(broken)
    broken.replies["MAIL"] = "530 Must issue a STARTTLS command first"
    age(spool)
    assert spool.flush(broken).verdicts == ["deferred"] and len(spool.files()) == 1


@pytest.mark.parametrize("trust", ["login", "pin", "file"])
def test_verified_relays_never_hear_clear(spool, broken, tmp_path, tls, pin, trust):
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    options = {"login": ["--user", "u", "--password-file", secret, "--pin", pin], "pin": ["--pin", pin],
               "file": ["--trust", tls / "certificate.pem", "--tls-name", "relay.test"]}[trust]
    assert spool.send(broken, options=options).verdicts == ["deferred"]
    assert RETRY_S <= spool.file().wait < 2 * RETRY_S
    for _ in range(4):
        age(spool)
        assert spool.flush(broken, options=options).verdicts == ["deferred"]
        assert spool.file().wait >= 300                                      # it is asked less and less (P4, P12)
    assert said(broken) == [BROKEN] * 5 and broken.mails == [] and not spool.file().tls_failed
    broken.starttls = "good"
    age(spool)
    assert spool.flush(broken, options=options).verdicts == ["delivered"]
    assert broken.mails[0].secure


# ---- clocks ----------------------------------------------------------------------------------------------------------

OTHER_BOOT = bytes(16 * [7])


def test_a_reboot_arms_nothing(spool, broken):
    """for the wait, the time since the boot has passed; for the cleartext pass it has not"""
    spool.send(broken)
    file = spool.file()
    file.boot, file.ms = OTHER_BOOT, 1
    file.write()
    assert spool.flush(broken).verdicts == ["deferred"]
    assert said(broken) == [BROKEN] * 2 and spool.file().boot != OTHER_BOOT and spool.file().tls_since == 0
    time.sleep(spool.file().wait + 0.2)
    assert spool.flush(broken).verdicts == ["delivered"]


def test_time_passes_after_a_reboot(spool, broken):
    """a flush that finds nothing due remembers that it was there"""
    spool.send(broken)
    file = spool.file()
    file.boot, file.wait = OTHER_BOOT, 10 ** 9
    file.write()
    assert spool.flush(broken).rows == []
    after = spool.file()
    assert after.boot != OTHER_BOOT and after.tls_since == 0
    assert 10 ** 9 - after.wait == pytest.approx(after.ms / 1000, abs=2) == after.age


def test_boots_that_are_shorter_than_the_wait(spool, tmp_path):
    """a device that is up for 200 s at a time, with a flush each minute: a mail that waits 300 s is tried in the third boot
    at the latest"""
    relay, boot_id = Relay(replies={"END": "451 later"}), tmp_path / "boot_id"

    def flush(boot, seconds):
        boot_id.write_text("%032x" % (boot + 1))
        return spool.flush(relay, wrap=pretend(BOOTTIME=seconds, BOOT_ID=boot_id))
    boot_id.write_text("%032x" % 1)
    spool.send(relay, wrap=pretend(BOOTTIME=100, BOOT_ID=boot_id))
    tried = [boot for boot in range(1, 5) for seconds in (30, 90, 150) if flush(boot, seconds).rows]
    assert tried and tried[0] <= 3, tried
    assert spool.file().age >= 300
    relay.stop()


def test_a_boot_is_known_by_all_digits_of_its_id(spool, closed, tmp_path):
    """by another release, too"""
    (tmp_path / "boot_id").write_text("01234567-89ab-cdef-fedc-ba9876543210\n")
    spool.send(closed, wrap=pretend(BOOT_ID=tmp_path / "boot_id"))
    assert spool.file().boot.hex() == "0123456789abcdeffedcba9876543210"
    assert (spool.path / "relays").read_text().startswith("mailmote-relays 2 0123456789abcdeffedcba9876543210\n")


def test_the_state_is_not_stored_at_each_flush(spool, closed):
    """flash wears out: of a wait of 300 s every eighth is stored"""
    spool.send(closed)
    start = spool.file()
    for seconds in range(0, 300, 5):
        assert spool.flush(closed, wrap=pretend(BOOTTIME=start.ms // 1000 + seconds)).rows == []
    assert 2 < spool.file().seq - start.seq < 25


def test_an_unknown_boot_waits_and_arms_nothing(spool, broken, tmp_path):
    def flush(seconds, *options):
        return spool.flush(broken, options=options, wrap=pretend(BOOT_ID=tmp_path / "none", BOOTTIME=seconds))
    spool.send(broken, wrap=pretend(BOOT_ID=tmp_path / "none", BOOTTIME=1000))
    assert flush(1001).rows == []
    assert [flush(1000 + 10 * n).verdicts for n in range(1, 4)] == [["deferred"]] * 3
    assert flush(5).verdicts == ["deferred"]                                 # a reboot, as the clock shows
    assert said(broken) == [BROKEN] * 5 and spool.file().tls_since == 0 and spool.file().age >= 30
    done = spool.flush(broken, wrap=pretend(BOOT_ID=tmp_path / "none", BOOTTIME=6))
    assert (done.returncode, done.rows) == (71, []) and "boot id cannot be read" in done.stderr


@pytest.mark.parametrize("wait, passed_ms, due, age", [(100, 0, False, 7), (5, 4999, False, 7), (5, 5000, True, 12), (5, 5999, True, 12), (100, 36999, False, 7), (100, 37000, False, 44)])
def test_a_wait_ends_with_its_last_millisecond(spool, closed, wait, passed_ms, due, age):
    """and what has passed is stored when it is an eighth of 300 s, and not before"""
    up = pretend(BOOTTIME=DAY)
    spool.send(closed, wrap=up)
    file = spool.file()
    file.wait, file.age, file.ms = wait, 7, DAY * 1000 - passed_ms
    file.write()
    seq = spool.file().seq
    assert bool(spool.flush(closed, wrap=up).rows) == due and (spool.file().age, spool.file().seq == seq) == (age, age == 7)


@pytest.mark.parametrize("boot, ms, age", [(OTHER_BOOT, -1000, 7 + DAY), (OTHER_BOOT, 0, 7 + DAY), (OTHER_BOOT, 10 ** 9, 7 + DAY), (None, 1, 7), (None, 10 ** 9, 7)])
def test_what_another_clock_stored_is_stored_anew(spool, closed, boot, ms, age):
    """at once, whatever it showed: what passes from then on counts"""
    up = pretend(BOOTTIME=DAY)
    spool.send(closed, wrap=up)
    file = spool.file()
    file.boot, known = boot or file.boot, file.boot
    file.ms, file.wait, file.age = DAY * 1000 + ms, 10 ** 9, 7
    file.write()
    assert spool.flush(closed, wrap=up).rows == []
    file = spool.file()
    assert (file.boot, file.ms, file.age) == (known, DAY * 1000, age)


@pytest.mark.parametrize("seconds", [432000, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 9000, 2 ** 33])
def test_a_clock_that_leaps_far_ahead(spool, closed, seconds):
    """goes past the end of a mail, and not round to its beginning"""
    spool.send(closed, wrap=pretend(BOOTTIME=100))
    assert spool.flush(closed, wrap=pretend(BOOTTIME=100 + seconds)).verdicts == ["failed", "deferred"]    # of the notice


def test_a_clock_that_ran_backwards(spool, broken):
    """the file is of a later time of the same boot, as from a container with a clock of its own"""
    spool.send(broken)
    file = spool.file()
    file.ms += 10 ** 9
    file.write()
    assert spool.flush(broken).rows == []
    assert spool.flush(broken, options=NOW).verdicts == ["deferred"] and said(broken) == [BROKEN, BROKEN]


def test_setting_the_clock_arms_nothing(spool, broken):
    jump = pretend(REALTIME="+40000000", BOOTTIME=UP)
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


def test_attempts_that_never_end_expire_a_mail(spool, closed):
    """POLICY P11, P17: whoever ends each flush gets no copy more once it is five days old, and its sender is told"""
    relay = Relay()
    spool.send(closed)
    file = spool.file()
    file.age, file.flags = 5 * DAY, file.flags | 1 << 4                                     # begun
    file.write()
    done = spool.flush(relay, options=NOW)
    assert (done.returncode, done.verdicts) == (FAILED, ["failed", "delivered"])             # and the notice
    assert [mail.to for mail in relay.mails] == [["s@example.org"]] and not file.path.exists()
    relay.stop()


def test_a_day_off_behind_an_attempt_that_never_ended(spool, closed):
    """what has passed since then expires no mail"""
    relay = Relay()
    spool.send(closed)
    file = spool.file()
    file.age, file.flags, file.ms = 4 * DAY, file.flags | 1 << 4, 0
    file.write()
    done = spool.flush(relay, options=NOW, wrap=pretend(BOOTTIME=2 * DAY))
    assert (done.returncode, done.verdicts) == (OK, ["delivered"])
    relay.stop()


def test_expired(spool):
    relay = Relay(replies={"END": "451 later"})
    spool.send(relay, to=("a@example.test", "b@example.test"))
    file = spool.file()
    file.age = 5 * DAY
    file.write()
    done = spool.flush(relay, options=NOW)
    assert (done.returncode, done.verdicts) == (FAILED, ["failed", "failed", "deferred"])    # the last is the notice
    assert all("expired" in row[4] and "451" in row[3] and "later" in row[4] for row in done.rows[:2])
    assert file.path.stem + ".failed" in spool.names() and not file.path.exists()
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

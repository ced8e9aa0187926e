# SPDX-License-Identifier: MIT
"""The system's log: one line for each verdict of a recipient, whatever standard output is."""
import os
import re
import shutil
import socket
import time

import pytest

import cell
from relay import DEFERRED, FAILED, LIMIT_S, OK, Relay
from test_spool import A, B, C, relay, spool  # noqa: F401 (fixtures)
from test_spool_retry import context, pin, tls  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can put a log in the place of the system's")
IN_DEV = ('mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && touch /dev/log && mount --bind "$0" /dev/log || exit 99; '
          'exec "$@"')
INFO, NOTICE, ERROR, MAIL = 6, 5, 3, 2 << 3


def in_place(link):
    """of the system's log"""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_DEV, link]


@pytest.fixture
def log(tmp_path):
    """a prefix for the command line, and what reads the lines"""
    if cell.why_not():
        pytest.skip(cell.why_not())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(str(tmp_path / "log"))
        link.setblocking(False)

        def lines():
            seen = []
            while True:
                try:
                    seen.append(re.fullmatch(r"<(\d+)>mailmote\[\d+\]: (.*)", link.recv(10000).decode()).groups())
                except BlockingIOError:
                    return [(int(level), text) for level, text in seen]
        yield in_place(tmp_path / "log"), lines


def test_a_line_for_each_recipient(spool, relay, log):
    wrap, lines = log
    relay.replies = {B: "450 4.2.1 later", C: "550 5.1.1 un\x1bknown"}
    done = spool.send(relay, to=(A, B, C), wrap=wrap)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert done.returncode == FAILED
    number, where = done.rows[0][0], f"relay={relay.where}, tls=\"none\", from=<s@example.org>"
    size = len(spool.queue("--show", number).stdout)
    assert lines() == [
        (MAIL | INFO, f"{number}: {where}, to=<{A}>, size={size}, exit=0, reply=250 taken"),
        (MAIL | NOTICE, f"{number}: {where}, to=<{B}>, size={size}, exit=75, reply=450 4.2.1 later"),
        (MAIL | ERROR, f"{number}: {where}, to=<{C}>, size={size}, exit=67, reply=550 5.1.1 unknown")]
    relay.replies = {}
    assert spool.flush(relay, options=["--now"], wrap=wrap).returncode == OK
    [(level, text)] = lines()                                                # who was told of is not told of again
    assert level == MAIL | INFO and f"to=<{B}>" in text


def test_kept_for_a_slip(spool, relay, log, tmp_path):
    """with the directory, as a configuration that cannot be read names none, and what is wrong with it"""
    wrap, lines = log
    done = spool.send(relay, wrap=wrap, options=["-C", tmp_path / "none"])
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert done.returncode == DEFERRED
    told, kept, row = lines()
    assert told == (MAIL | ERROR, f"{tmp_path}/none cannot be read: No such file or directory"), told
    assert row[0] == MAIL | NOTICE and "the mail is kept" in row[1]
    assert kept == (MAIL | ERROR, f"the mail is kept: mailmote flush --spool {spool.path} sends it when the configuration "
                    "has been put right")


@pytest.mark.parametrize("background", [False, True])
def test_kept_for_a_secret(spool, relay, log, tmp_path, background):
    """why it is not tried, as nobody sees the standard error of who tries it in the background"""
    wrap, lines = log
    done = spool.send(relay, wrap=wrap, options=["--tls-name", "x.test", "--user", "u", "--password-file", tmp_path / "none",
                                                 *["--background"] * background])
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    until = time.monotonic() + LIMIT_S
    while not (seen := lines()) and time.monotonic() < until:
        time.sleep(0.01)
    why = f"{tmp_path}/none cannot be opened: No such file or directory"
    assert [(level, text.partition(", reply=- ")[2]) for level, text in seen] == [(MAIL | NOTICE, why)]
    assert done.rows == [] if background else done.rows[0][4] == why


@pytest.mark.parametrize("word, facility", [("", MAIL), ("on", MAIL), ("LOG_MAIL", MAIL), ("LOG_USER", 1 << 3),
                                            ("LOG_LOCAL0", 16 << 3), ("LOG_LOCAL7", 23 << 3), ("off", None)])
def test_facility(spool, relay, log, tmp_path, word, facility):
    wrap, lines = log
    (tmp_path / "conf").write_text(f"syslog {word}\n")
    done = spool.send(relay, wrap=wrap, options=["-C", tmp_path / "conf"])
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert done.returncode == OK and [level for level, _ in lines()] == ([facility | INFO] if facility else [])


@pytest.mark.parametrize("word, facility", [("on", MAIL), ("LOG_USER", 1 << 3), ("off", None)])
def test_what_is_removed_is_told_there(spool, relay, log, tmp_path, word, facility):
    """the oldest of more than a hundred that failed"""
    wrap, lines = log
    relay.replies = {A: "550 5.1.1 unknown"}
    spool.send(relay)
    [first] = spool.path.glob("*.failed")
    for number in range(99):
        shutil.copy(first, spool.path / f"{number:016x}.failed")
    (tmp_path / "conf").write_text(f"syslog {word}\n")
    done = spool.send(relay, wrap=wrap, options=["-C", tmp_path / "conf"])
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert len(re.findall(r"[0-9a-f]{16}\.failed is removed: the newest 100 ", done.stderr)) == done.stderr.count("is removed") == 1
    assert [level for level, text in lines() if "is removed" in text] == ([facility | 4] if facility else [])


def test_an_address_is_made_printable(spool, relay, log):
    wrap, lines = log
    done = spool.send(relay, to=("grüße\u202e@example.test",), wrap=wrap)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    [(level, text)] = lines()
    assert level == MAIL | ERROR and "to=<grüße\\xE2\\x80\\xAE@example.test>" in text


def test_tls_is_told(spool, log, context, pin, closed):
    wrap, lines = log
    relay = Relay(context, "good")
    done = spool.send(options=["--relay", closed, "--relay", relay.where, "--pin", pin], wrap=wrap)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    [(_, text)] = lines()
    assert f"relay={relay.where}, tls=\"TLS 1.2, " in text and ", the pinned key\", from=" in text
    relay.stop()


def test_no_relay_was_asked(spool, log, tmp_path):
    """the mail is kept, and the log says so"""
    wrap, lines = log
    done = spool.send(options=["--relay", "relay.test", "--trust", tmp_path / "none"], wrap=wrap)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    [(level, text)] = lines()
    assert done.returncode == DEFERRED and level == MAIL | NOTICE and "relay=none:0, tls=\"none\"" in text


def test_a_log_that_is_a_stream(spool, relay, tmp_path):
    """some loggers have one, where a NUL ends the line"""
    if cell.why_not():
        pytest.skip(cell.why_not())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.bind(str(tmp_path / "log"))
        link.listen()
        link.settimeout(LIMIT_S)
        done = spool.send(relay, wrap=in_place(tmp_path / "log"))
        if done.returncode == 99:
            pytest.skip("no mount: " + done.stderr)
        with link.accept()[0] as line, line.makefile("rb") as octets:
            text = octets.read()
    assert (done.returncode, done.stderr) == (OK, "")
    assert re.fullmatch(rb"<22>mailmote\[\d+\]: [0-9a-f]{16}: relay=[^\n\0]* reply=250 taken\0", text), text


@pytest.mark.parametrize("error, when, told", [("EAGAIN", "1", True), ("EAGAIN", "1+", False), ("ENOBUFS", "1+", False)])
def test_a_log_that_takes_its_time(spool, log, tmp_path, error, when, told):
    """a line that has no room yet is said once more; then it is given up, and that is said where it was for a lack of room"""
    wrap, lines = log
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    done = spool.send(options=["--relay", "relay.test", "--trust", tmp_path / "none"],
                      wrap=["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=sendto:error={error}:when={when}", *wrap])
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert done.returncode == DEFERRED and len(lines()) == told
    assert ("/dev/log takes no lines" in done.stderr) == (error == "EAGAIN" and not told)


def test_a_log_that_is_not_read(spool, relay, log, tmp_path):
    """a logger that hangs, its queue full, holds nothing up; and it is told of"""
    wrap, lines = log
    for _ in range(3):
        assert spool.send(options=["--relay", "127.0.0.1:1"]).returncode == DEFERRED
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as other:
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"<22>other: a line", str(tmp_path / "log"))
    done = spool.flush(relay, options=["--now"], wrap=wrap)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert done.returncode == OK and len(relay.mails) == 3
    assert done.stderr.count("/dev/log takes no lines") == 1

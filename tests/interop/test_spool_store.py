# SPDX-License-Identifier: MIT
"""A mail that is handed over is in the spool before anything but the command line can fail."""
import fcntl
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from pretend import pretend
from relay import COMMAND, DEFERRED, LIMIT_S, NOT_STORED, OK, USAGE, Relay, run
from test_spool import A, B, relay, spool  # noqa: F401 (fixtures)
from test_spool_retry import context, pin, tls  # noqa: F401 (fixtures)


def secret(tmp_path, text):
    path = tmp_path / "password"
    path.write_text(text)
    path.chmod(0o600)
    return path


TROUBLES = {
    "no password file": (lambda tmp: ["--user", "u", "--password-file", tmp / "none"], "none cannot be opened"),
    "empty password": (lambda tmp: ["--user", "u", "--password-file", secret(tmp, "")], "is empty"),
    "no CA file": (lambda tmp: ["--trust", tmp / "none.pem"], "none.pem cannot be read"),
    "no certificate": (lambda tmp: ["--trust", secret(tmp, "x")], "holds no certificate"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_files_of_relays_are_read_after_the_mail_is_stored(spool, relay, tmp_path, trouble):
    options, words = TROUBLES[trouble]
    done = spool.send(to=(A, B), options=["--relay", "relay.test", *options(tmp_path)])
    assert done.returncode == DEFERRED and words in done.stderr, done.stderr
    assert [row[1:4] for row in done.rows] == [[A, "deferred", "-"], [B, "deferred", "-"]]
    [file] = spool.files()
    assert (file.attempts, file.wait, file.verified_only) == (0, 0, True) and file.path.stem == done.rows[0][0]


def test_the_repaired_configuration_delivers_what_was_kept(spool, tmp_path, context, pin):
    relay = Relay(context, "good")
    where = ["--relay", relay.where, "--pin", pin, "--user", "u", "--password-file", tmp_path / "password"]
    assert spool.send(options=where).returncode == DEFERRED
    secret(tmp_path, "p")
    done = spool.flush(options=where)                                        # it is due: there was no attempt
    assert (done.returncode, done.verdicts) == (OK, ["delivered"]) and relay.mails[0].secure
    relay.stop()


def test_the_resolver_is_asked_after_the_mail_is_stored(spool):
    """neither for our own name nor for the relay's"""
    wrap = pretend(HOST="box", RESOLVER=60)
    with subprocess.Popen([*wrap, COMMAND, "send", "--spool", spool.path, "--relay", "relay.test", "--from", "s@x.test", A],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + LIMIT_S
        while not (spool.path.exists() and spool.waiting()) and time.monotonic() < until:
            time.sleep(0.02)
        running = process.poll() is None
        process.kill()
    assert running and len(spool.files()) == 1




# ---- --background ----------------------------------------------------------------------------------------------------

def processes_of(spool):
    """that work on it: {pid: session}"""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(spool.path) in (path / "cmdline").read_bytes().split(b"\0"):
                found[int(path.name)] = os.getsid(int(path.name))
        except OSError:
            pass
    return found


def test_background(spool, relay):
    """the caller is back while the relay makes the child wait; then its whole session is killed, and all it has left open
    is at its end"""
    relay.hold, relay.hold_greeting = threading.Event(), True
    ours, theirs = os.pipe()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    far = fcntl.fcntl(theirs, fcntl.F_DUPFD, min(most - 1, 2000))
    words = [COMMAND, "send", "--background", "--spool", spool.path, "--relay", relay.where, "--from", "s@x.test", A]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[theirs, far],
                          start_new_session=True) as process:
        os.close(theirs)
        os.close(far)
        out, err = process.communicate(b"hello\n", LIMIT_S)
        assert (process.returncode, out, err, os.read(ours, 1)) == (OK, b"", b"", b"")
        assert len(spool.files()) == 1 and relay.mails == []
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os.close(ours)
    assert relay.holding.wait(LIMIT_S)
    [(child, session)] = processes_of(spool).items()
    assert session == child and {os.readlink(f"/proc/{child}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    assert spool.flush(relay, options=["--now"]).rows == []                  # it is in other hands
    relay.hold.set()
    until = time.monotonic() + LIMIT_S
    while spool.waiting() and time.monotonic() < until:
        time.sleep(0.02)
    assert len(relay.mails) == 1 and spool.files() == []


def test_background_of_a_caller_who_has_left_much_open(spool, relay):
    """the mail's own descriptor is not closed with those, however high it is"""
    much = "import os, resource, sys; most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; most < 1200 and sys.exit(99); " \
        "resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)); " \
        "[os.dup2(1, fd) for fd in range(3, 1100)]; os.execv(sys.argv[1], sys.argv[1:])"
    done = spool.send(relay, options=["--background"], wrap=[sys.executable, "-c", much])
    if done.returncode == 99:
        pytest.skip("descriptors as high may not be opened")
    assert (done.returncode, done.stderr) == (OK, "")
    until = time.monotonic() + LIMIT_S
    while processes_of(spool) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(relay.mails) == 1 and spool.files() == []


@pytest.mark.parametrize("where", ["greeting", "end"])
def test_a_service_that_ends_takes_the_background_along(spool, relay, where):
    """as systemd does with what a unit leaves behind, unless it says KillMode=process: the mail stays, as one that was tried"""
    relay.hold, relay.hold_greeting = threading.Event(), where == "greeting"
    assert spool.send(relay, options=["--background"]).returncode == OK
    assert relay.holding.wait(LIMIT_S)
    [child] = processes_of(spool)
    os.kill(child, signal.SIGTERM)
    until = time.monotonic() + LIMIT_S
    while processes_of(spool) and time.monotonic() < until:
        time.sleep(0.02)
    relay.hold.set()
    assert (spool.flush(relay).rows, len(relay.talks)) == ([], 1) and 300 <= spool.file().wait <= 375
    file = spool.file()
    file.wait = 0
    file.write()
    assert spool.flush(relay).verdicts == ["delivered"] and spool.files() == []


def test_background_is_as_strict_as_send(spool, closed):
    """what is wrong with the command line or the spool is told, with the status it always has"""
    assert spool.send(closed, to=("bad",), options=["--background"]).returncode == USAGE
    done = run(COMMAND, "send", "--background", "--relay", closed, "--from", "s@x.test", A)
    assert done.returncode == USAGE and "--background needs --spool" in done.stderr
    done = run(COMMAND, "send", "--background", "--spool", "/proc/none", "--relay", closed, "--from", "s@x.test", A)
    assert done.returncode == NOT_STORED and "spool /proc/none cannot be created" in done.stderr and "deferred" in done.stdout.decode()


def test_without_a_process_the_mail_is_kept(spool, relay):
    """and the status is that of a mail that is stored: whoever calls is not to send it again"""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    done = spool.send(relay, options=["--background"], wrap=["strace", "-qq", "-o", "/dev/null", "-e",
                                                             "inject=clone,clone3,fork,vfork:error=EAGAIN"])
    assert (done.returncode, done.verdicts, relay.talks) == (OK, [], [])
    assert "no process for --background" in done.stderr
    assert spool.flush(relay).verdicts == ["delivered"]

# SPDX-License-Identifier: MIT
"""A mail that is handed over is in the spool before anything but the command line can fail."""
import subprocess
import time

import pytest

from pretend import pretend
from relay import COMMAND, DEFERRED, OK, Relay
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
        until = time.monotonic() + 30
        while not (spool.path.exists() and spool.files()) and time.monotonic() < until:
            time.sleep(0.02)
        running = process.poll() is None
        process.kill()
    assert running and len(spool.files()) == 1



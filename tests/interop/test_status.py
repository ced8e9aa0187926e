# SPDX-License-Identifier: MIT
"""The exit status says why (sysexits.h): each status, and what it is when recipients fare differently, with a spool and
without."""
import os
import subprocess

import pytest

from relay import (BAD_CONFIG, BAD_INPUT, COMMAND, DEFERRED, FAILED, LIMIT_S, NO_HOST, NO_LOGIN, NOT_STORED, OK, REFUSED, USAGE, Relay,
                   Spool, make_context, run)

A, B, C = "a@example.test", "b@example.test", "c@example.test"
FROM = ["--from", "s@example.org", "--helo", "client.example.org"]
GONE, LATER = "550 5.1.1 gone", "450 4.2.1 later"


@pytest.fixture
def relay():
    relay = Relay()
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls")
    (path / "context").mkdir()
    (path / "password").write_text("hunter2\n")
    (path / "password").chmod(0o600)
    return path


@pytest.fixture
def secure(directory):
    relay = Relay(make_context(directory), "good")
    yield relay
    relay.stop()


def send(relay, *options, to=(A,), text=b"x\n"):
    return run(COMMAND, "send", *FROM, "--relay", getattr(relay, "where", relay), *options, *to, text=text)


@pytest.mark.parametrize("replies, alone, kept", [
    ({}, OK, OK),
    ({A: GONE, B: GONE, C: GONE}, REFUSED, REFUSED),
    ({A: GONE, B: GONE}, FAILED, FAILED),
    ({"MAIL": GONE}, FAILED, FAILED), ({"END": GONE}, FAILED, FAILED),
    ({A: LATER}, DEFERRED, DEFERRED), ({"MAIL": LATER}, DEFERRED, DEFERRED), ({"END": LATER}, DEFERRED, DEFERRED),
    ({A: GONE, B: LATER, C: GONE}, DEFERRED, FAILED), ({A: GONE, B: LATER}, DEFERRED, FAILED),
])
def test_replies(relay, tmp_path, replies, alone, kept):
    """without a spool, and with one"""
    relay.replies = replies
    assert send(relay, to=(A, B, C)).returncode == alone
    assert Spool(tmp_path / "spool").send(relay, to=(A, B, C)).returncode == kept


def test_refused_when_others_have_it_already(relay, tmp_path):
    """67 is for all recipients of the mail, not of the attempt"""
    spool, relay.replies = Spool(tmp_path / "spool"), {B: LATER}
    assert spool.send(relay, to=(A, B)).returncode == DEFERRED
    relay.replies = {B: GONE}
    assert spool.flush(relay, options=["--now"]).returncode == FAILED
    relay.replies = {A: LATER, B: LATER}
    assert spool.send(relay, to=(A, B)).returncode == DEFERRED
    relay.replies = {A: GONE, B: GONE}
    assert spool.flush(relay, options=["--now"]).returncode == REFUSED


@pytest.mark.parametrize("replies, status", [({A: GONE, B: GONE}, REFUSED), ({A: GONE}, FAILED), ({A: GONE, B: LATER}, FAILED),
                                             ({B: LATER}, DEFERRED)])
def test_several_mails_fare_as_several_recipients_of_one(relay, closed, tmp_path, replies, status):
    spool, relay.replies = Spool(tmp_path / "spool"), replies
    for address in A, B:
        spool.send(closed, to=(address,))
    assert spool.flush(relay, options=["--now"]).returncode == status


def test_given_up_is_not_refused(relay, tmp_path):
    """a recipient whom the relay never took in five days"""
    spool, relay.replies = Spool(tmp_path / "spool"), {A: LATER}
    assert spool.send(relay).returncode == DEFERRED
    file = spool.file()
    file.age = 432000
    file.write()
    done = spool.flush(relay, options=["--now"])
    assert (done.returncode, done.verdicts) == (FAILED, ["failed", "delivered"]) and "expired" in done.rows[0][4]


def test_login(secure, directory, tmp_path):
    secure.replies["AUTH"] = "535 5.7.8 no"
    trust = ["--trust", directory / "certificate.pem", "--tls-name", "relay.test"]
    login = [*trust, "--user", "u", "--password-file", directory / "password"]
    assert send(secure, *login).returncode == NO_LOGIN
    done = Spool(tmp_path / "spool").send(secure, options=login)
    assert done.returncode == DEFERRED and done.verdicts == ["deferred"]
    secure.replies["AUTH"] = "454 4.7.0 later"
    assert send(secure, *login).returncode == DEFERRED


@pytest.mark.parametrize("options", [["--tls-name", "other.test"], ["--pin", "sha256:" + "A" * 43]])
def test_trust(secure, directory, tmp_path, options):
    trust = ["--trust", directory / "certificate.pem"] if "--pin" not in options else []
    done = send(secure, *trust, *options)
    assert (done.returncode, done.verdicts) == (FAILED, ["deferred"])
    assert Spool(tmp_path / "spool").send(secure, options=[*trust, *options]).returncode == DEFERRED


def test_who_is_deferred_is_not_kept_whatever_the_status(secure, relay, directory, tmp_path):
    """without a spool; who has a final verdict has nothing to be kept"""
    secure.replies["AUTH"] = "535 5.7.8 no"
    login = ["--trust", directory / "certificate.pem", "--tls-name", "relay.test", "--user", "u", "--password-file",
             directory / "password"]
    for to, options, status in ((secure, login, NO_LOGIN), (secure, ["--pin", "sha256:" + "A" * 43], FAILED),
                                ("relay.invalid", [], NO_HOST)):
        done = send(to, *options)
        assert (done.returncode, done.verdicts) == (status, ["deferred"])
        assert done.stderr.count("nothing is kept") == 1 and "--spool DIR" in done.stderr, done.stderr
        assert "nothing is kept" not in send(to, *options, "--spool", tmp_path / "spool").stderr
    relay.replies = {A: GONE}
    assert send(relay).stderr == send(relay, to=(B,)).stderr == send(relay, to=(A, B)).stderr == ""


def configured(tmp_path, where):
    (tmp_path / "conf").write_text(f"relay {where}\nspool {tmp_path}/spool\n")
    return str(tmp_path / "conf")


@pytest.mark.parametrize("command, replies, status", [("send", {}, OK), ("send", {A: GONE}, REFUSED), ("flush", {}, OK),
                                                      ("flush", {"MAIL": LATER}, DEFERRED)])
@pytest.mark.parametrize("closed_early", [False, True])
def test_output_that_nobody_gets(relay, closed, tmp_path, command, replies, status, closed_early):
    """as of a full disk or a reader that has gone: what has been delivered is not to be sent again for it"""
    words, relay.replies = ["send", *FROM, "--relay", relay.where, A], replies
    if command == "flush":
        Spool(tmp_path / "spool").keep(closed)
        words = ["flush"]
    reading, output = os.pipe() if closed_early else (os.open("/dev/null", os.O_RDONLY), os.open("/dev/full", os.O_WRONLY))
    os.close(reading)
    done = subprocess.run([COMMAND, *words], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, timeout=LIMIT_S,
                          env={"MAILMOTE_CONF": configured(tmp_path, relay.where) if command == "flush" else ""})
    os.close(output)
    assert done.returncode == status and done.stderr.endswith(b"standard output cannot be written: the exit status %d is still right\n" % status)


def test_queue_that_nobody_gets(closed, tmp_path):
    """is no empty one, though mailq is a word by itself"""
    Spool(tmp_path / "spool").keep(closed)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(["mailq"], executable=COMMAND, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                              env={"MAILMOTE_CONF": configured(tmp_path, closed)}, timeout=LIMIT_S)
    assert done.returncode == 74 and b"not all of it was told" in done.stderr


def test_tls_that_fails_is_no_question_of_trust(secure):
    secure.starttls = "broken"
    assert send(secure).returncode == DEFERRED


def test_the_others(relay, closed, tmp_path):
    assert send("relay.invalid").returncode == NO_HOST
    assert send(closed).returncode == DEFERRED
    assert send(closed, "--bogus").returncode == USAGE
    assert send(closed, to=("a",)).returncode == USAGE
    assert send(closed, text=b"a\0b").returncode == BAD_INPUT
    assert send(closed, "--trust", "/no/such/file").returncode == BAD_CONFIG
    assert send("relay.invalid", "--spool", "/dev/null", "--trust", "/no/such/file").returncode == NOT_STORED

# SPDX-License-Identifier: MIT
"""SIGKILL at 500 random moments of send and flush. A mail that was accepted (send has printed its line) is neither lost
nor sent twice; only when it was killed between the end of the mail and the answer may a mail come twice, and then its
file says so."""
import collections
import random
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest

from relay import COMMAND, File, Relay, Spool

KILLS, ROUND, SEED = 500, 10, 20261122
A, B = "a@example.test", "b@example.test"
HELO = ["--helo", "client.example.org"]
SEND = ["send", *HELO, "--from", "s@example.org", A, B]
FLUSH = ["flush", *HELO, "--now"]


class Killing:
    def __init__(self, spool, relays):
        self.spool, self.random, self.kills = spool, random.Random(SEED), 0
        self.where = [word for relay in relays for word in ("--relay", relay.where)]
        self.accepted, self.doubts = set(), collections.Counter()

    def run(self, words, limit_s=None):
        """returns how long it took; with a limit it is killed at some moment before that"""
        start = time.monotonic()
        process = subprocess.Popen([COMMAND, *words, "--spool", self.spool.path, *self.where], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            try:
                process.stdin.write(b"text\n" * 500)
                process.stdin.close()
            except BrokenPipeError:
                pass
            if limit_s:
                time.sleep(limit_s * self.random.random())
                process.kill()
            out, err = process.stdout.read(), process.stderr.read()
        assert process.returncode in (-signal.SIGKILL, 0) and err == b"", (process.returncode, err)
        self.kills += process.returncode != 0
        self.accepted |= {line.split("\t")[0] for line in out.decode().split("\n")[:-1]}
        self.doubts.update(path.stem for path in self.spool.path.glob("*.mail") if File(path).sent)
        return time.monotonic() - start


@pytest.fixture
def relays():
    """each takes one of the recipients"""
    made = [Relay(replies={B: "450 later"}), Relay(replies={A: "450 later"})]
    yield made
    for relay in made:
        relay.stop()


def test_kill(tmp_path, relays):
    spool = Spool(tmp_path / "spool")
    killing = Killing(spool, relays)
    usual_s = statistics.median(killing.run(SEND) for _ in range(7))
    for number in range(2 * KILLS):
        if killing.kills >= KILLS:
            break
        killing.run(SEND, usual_s)
        killing.run(FLUSH, usual_s * (1 + len(spool.files())) / 2)
        if number % ROUND == 0:
            killing.run(FLUSH)
    killing.run(FLUSH)
    assert killing.kills >= KILLS
    assert [name for name in spool.names() if name != "relays"] == []

    mails = [mail for relay in relays for mail in relay.mails]
    came = collections.Counter((mail.id.split("@")[0], to) for mail in mails for to in mail.to)
    ids = {mail for mail, _ in came}
    assert killing.accepted <= ids                                          # nothing is lost
    assert all((mail, to) in came for mail in ids for to in (A, B))         # not even for one recipient
    twice = {key: count for key, count in came.items() if count > 1}
    assert all(count - 1 <= killing.doubts[mail] for (mail, _), count in twice.items())
    print(f"{killing.kills} kills, {len(ids)} mails, {len(killing.accepted)} told, {len(killing.doubts)} in doubt, "
          f"{len(twice)} twice")


def test_verdicts_are_stored_before_the_next_relay_is_asked(tmp_path):
    """killed while the second relay is silent: who has the mail by the first is not asked about again"""
    spool, first = Spool(tmp_path / "spool"), Relay(replies={B: "450 later"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with subprocess.Popen([COMMAND, *SEND, "--spool", spool.path, "--relay", first.where, "--relay",
                               f"127.0.0.1:{silent.getsockname()[1]}"], stdin=subprocess.DEVNULL) as process:
            link, _ = silent.accept()
            process.kill()
        link.close()
    file = spool.file()
    assert (file.delivered, file.sent, file.begun, file.attempts) == (1, False, True, 1)
    first.replies = {}
    assert [row[1] for row in spool.flush(first, options=["--now"]).rows] == [B]
    assert [mail.to for mail in first.mails] == [[A], [B]]
    first.stop()


def test_the_end_of_the_mail_leaves_a_mark(tmp_path):
    """killed after the final dot: the file says that the mail may have been sent, and so does the queue"""
    spool, relay = Spool(tmp_path / "spool"), Relay()
    relay.hold = threading.Event()
    with subprocess.Popen([COMMAND, *SEND, "--spool", spool.path, "--relay", relay.where],
                          stdin=subprocess.DEVNULL) as process:
        assert relay.holding.wait(30)
        process.kill()
    assert spool.file().sent and {row[6] for row in spool.queue().rows} == {"cut short, the mail may have arrived"}
    relay.hold.set()
    assert spool.flush(relay, options=["--now"]).verdicts == ["delivered"] * 2
    assert len({mail.id for mail in relay.mails}) == 1
    relay.stop()


@pytest.mark.parametrize("where", ["greeting", "end"])
def test_a_run_that_is_ended_is_an_attempt(tmp_path, where):
    """ended again and again while the relay makes it wait: one attempt, and then the wait of a mail that was deferred; not
    an attempt for each run, and no second copy of the mail"""
    spool, relay = Spool(tmp_path / "spool"), Relay()
    relay.hold = threading.Event()
    relay.hold_greeting = where == "greeting"
    for words in (SEND, *[["flush", *HELO]] * 4):
        with subprocess.Popen([COMMAND, *words, "--spool", spool.path, "--relay", relay.where],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            if words is SEND:
                assert relay.holding.wait(30)
                assert (spool.file().begun, spool.file().sent) == (True, where == "end")
                process.kill()
            else:
                assert process.wait(30) == 0
    assert len(relay.talks) == 1
    [row] = spool.queue().rows[:1]
    assert row[2] == "1" and 290 < int(row[3]) <= 375 and row[6] == "the connection was lost before the reply"
    relay.hold.set()
    assert spool.flush(relay, options=["--now"]).verdicts == ["delivered"] * 2
    assert len({mail.id for mail in relay.mails}) == 1
    relay.stop()


def test_a_report_that_was_cut_short_is_given_again(tmp_path):
    """the verdict is stored, the line was not printed: a refusal is not lost"""
    spool, relay = Spool(tmp_path / "spool"), Relay(replies={A: "450 later", B: "450 later"})
    assert spool.send(relay, to=(A, B)).verdicts == ["deferred"] * 2
    file = spool.file()
    file.delivered, file.failed = 1, 2
    file.write()
    done = spool.flush(relay)
    assert (done.returncode, [row[1:3] for row in done.rows]) == (69, [[B, "failed"]])
    assert not file.path.exists() and len(relay.talks) == 1
    relay.stop()

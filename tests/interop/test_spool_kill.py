# SPDX-License-Identifier: MIT
"""What a run that was killed leaves behind, and what the next one makes of it. Every moment is for faults.py."""
import socket
import subprocess
import threading

import pytest

from relay import COMMAND, LIMIT_S, Relay, Spool

A, B = "a@example.test", "b@example.test"
HELO = ["--helo", "client.example.org"]
SEND = ["send", *HELO, "--from", "s@example.org", A, B]


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
        assert relay.holding.wait(LIMIT_S)
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
                assert relay.holding.wait(LIMIT_S)
                assert (spool.file().begun, spool.file().sent) == (True, where == "end")
                process.kill()
            else:
                assert process.wait(LIMIT_S) == 0
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
    assert (done.returncode, [row[1:3] for row in done.rows]) == (69, [[B, "failed"], ["s@example.org", "delivered"]])
    assert done.rows[0][4] == "refused or expired, in a run that was ended before it told why"
    assert not file.path.exists() and [mail.to for mail in relay.mails] == [["s@example.org"]]
    relay.stop()

# SPDX-License-Identifier: MIT
"""Several runs on one spool at once: nobody waits, and nothing is sent twice."""
import fcntl
import os
import threading
import time

import pytest

from pretend import pretend
from relay import DEFERRED, LIMIT_S, OK, Relay
from test_spool import relay, spool, stored  # noqa: F401 (fixtures)


def together(*calls):
    results = [None] * len(calls)

    def call(i):
        results[i] = calls[i]()
    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_flushes_do_not_send_twice(spool, relay, closed):
    ids = {spool.send(closed, options=["--raw"], text=b"Message-ID: <%d@x>\n\nx\n" % i).rows[0][0] for i in range(20)}
    done = together(*[lambda: spool.flush(relay, options=["--now"])] * 4)
    assert all(one.returncode == OK and one.stderr == "" for one in done)
    assert sorted(row[0] for one in done for row in one.rows) == sorted(ids)
    assert sorted(mail.id for mail in relay.mails) == sorted(f"{i}@x" for i in range(20))
    assert spool.names() == []


def test_a_flush_leaves_to_another_what_it_works_on(stored, relay, closed):
    """also the mails it has not come to yet; it does not wait, it is not an error, and -v tells"""
    slow = Relay()
    slow.hold = threading.Event()
    stored.send(closed)
    flush = threading.Thread(target=stored.flush, args=(slow,), kwargs={"options": ["--now"]})
    flush.start()
    while not any("DATA" in talk for talk in slow.talks):
        flush.join(0.01)
    done = stored.flush(relay, options=["--now"])
    assert (done.returncode, done.rows, done.stderr, relay.talks) == (OK, [], "", [])
    assert "another flush is at work" in stored.flush(relay, options=["-v"]).stderr and len(stored.files()) == 2
    slow.hold.set()
    flush.join()
    assert len(slow.mails) == 2 and stored.names() == []
    slow.stop()


def test_now_is_done_by_the_flush_that_is_at_work(spool, relay, closed):
    """it tries the mails that are not due, and once more those that it has tried already"""
    for to in ("later@example.test", "due@example.test"):
        spool.send(closed, to=(to,))
    [due] = [file for file in spool.files() if b"due@" in file.path.read_bytes()]
    due.wait = 0
    due.write()
    relay.hold = threading.Event()
    relay.replies = {"END": "450 not yet"}
    done = []
    flush = threading.Thread(target=lambda: done.append(spool.flush(relay)))
    flush.start()
    while not relay.holding.is_set():
        flush.join(0.01)
    other = spool.flush(relay, options=["--now"])
    assert (other.returncode, other.rows, other.stderr) == (OK, [], "")
    relay.hold.set()
    flush.join()
    assert sorted(row[1] for row in done[0].rows) == ["due@example.test", "due@example.test", "later@example.test"]
    assert "mailmote-now" not in spool.names()


@pytest.mark.parametrize("options", [[], ["--now"]])
def test_a_mail_that_is_stored_meanwhile_is_next(spool, relay, closed, options):
    """it waits for the mail that is being tried, not for those behind it that were tried before; each is tried once"""
    for _ in range(5):
        spool.send(closed)
    *old, new = spool.files()
    for file in spool.files():
        file.wait, file.attempts = 0, int(file.path != new.path)
        file.write()
    away = spool.path.parent / "away"
    new.path.rename(away)
    relay.hold, done = threading.Event(), []
    relay.replies = {"END": "450 later"}
    flush = threading.Thread(target=lambda: done.append(spool.flush(relay, options=options)))
    flush.start()
    assert relay.holding.wait(LIMIT_S)
    time.sleep(1.1)                                                      # it looks once a second
    away.rename(new.path)
    relay.hold.set()
    flush.join()
    order = [row[0] for row in done[0].rows]
    assert order[1] == new.path.stem and sorted(order) == sorted(file.path.stem for file in [*old, new])
    assert len(relay.talks) == 1                                         # a connection for all, those behind it too


def test_the_spool_is_free_before_the_last_look_for_the_mark(stored, relay, tmp_path):
    """who says --now behind that look is to have the spool himself, or nobody would do it"""
    trace = tmp_path / "trace"
    assert stored.flush(relay, wrap=["strace", "-qq", "-o", trace, "-e", "trace=flock,unlinkat"]).rows == []
    calls = trace.read_text().splitlines()
    assert max(at for at, call in enumerate(calls) if call.endswith(" = 0") and "LOCK_UN" in call) < \
        max(at for at, call in enumerate(calls) if '"mailmote-now"' in call)


@pytest.mark.parametrize("make", [lambda mark: mark.mkdir(), lambda mark: mark.symlink_to(mark.parent.parent / "elsewhere")],
                         ids=["a directory", "a link"])
def test_now_that_cannot_be_left_behind_is_told(spool, relay, closed, make):
    """and no file is made elsewhere"""
    spool.send(closed)
    relay.hold = threading.Event()
    flush = threading.Thread(target=spool.flush, args=(relay,), kwargs={"options": ["--now"]})
    flush.start()
    while not relay.holding.is_set():
        flush.join(0.01)
    make(spool.path / "mailmote-now")
    assert "cannot be told to try every mail" in spool.flush(relay, options=["--now"]).stderr
    relay.hold.set()
    flush.join()
    assert len(relay.mails) == 1 and not (spool.path.parent / "elsewhere").exists()


def test_a_flush_leaves_to_send_what_it_sends(spool, relay):
    """the mail of a send that is at work is not looked for, and is no error"""
    slow = Relay()
    slow.hold = threading.Event()
    send = threading.Thread(target=spool.send, args=(slow,))
    send.start()
    try:
        assert slow.holding.wait(LIMIT_S)
        done = spool.flush(relay, options=["--now"])
    finally:
        slow.hold.set()
        send.join()
        slow.stop()
    assert (done.returncode, done.rows, done.stderr, relay.talks) == (OK, [], "", [])
    assert len(slow.mails) == 1 and spool.names() == []


def test_send_does_not_wait_for_a_flush(stored, relay):
    slow = Relay()
    slow.hold = threading.Event()
    flush = threading.Thread(target=stored.flush, args=(slow,), kwargs={"options": ["--now"]})
    flush.start()
    while not any("DATA" in talk for talk in slow.talks):
        flush.join(0.01)
    assert stored.send(relay).verdicts == ["delivered"]
    assert stored.flush(relay, options=["--now"]).rows == []             # the mail is in other hands
    [row] = stored.queue().rows
    assert row[5] == "waiting"
    slow.hold.set()
    flush.join()
    assert len(slow.mails) == 1 and stored.names() == []
    slow.stop()


@pytest.mark.parametrize("seconds, options, told", [(3 * 3600 + 1, [], True), (4 * 3600, ["--now"], True), (3 * 3600 - 300, [], False),
                                                    (2 * 3600, ["-v"], False)])
def test_a_lock_of_who_does_not_flush_is_told(stored, relay, seconds, options, told):
    """when a mail has been due for three hours, by each flush; and only who says --now leaves the mark that says it"""
    lock = os.open(stored.path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    later = pretend(BOOTTIME=f"+{seconds}")
    done = stored.flush(relay, options=options, wrap=later)
    number = stored.file().path.stem
    assert (done.returncode, done.rows, relay.talks) == (DEFERRED if told else OK, [], [])
    assert (f"mail {number} has been due for hours" in done.stderr) == told and (f"fuser {stored.path}" in done.stderr) == told
    assert (f"another flush is at work on {stored.path}" in done.stderr) == ("-v" in options)
    assert ("mailmote-now" in stored.names()) == ("--now" in options)
    os.close(lock)
    assert stored.flush(relay, wrap=later).verdicts == ["delivered"]
    assert "mailmote-now" not in stored.names()

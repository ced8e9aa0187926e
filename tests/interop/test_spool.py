# SPDX-License-Identifier: MIT
"""The spool: what is accepted stays until it is finished, and is listed."""
import os
import stat

import pytest

from relay import BAD_CONFIG, COMMAND, DEFERRED, FAILED, OK, USAGE, Relay, Spool, run

A, B, C = "a@example.test", "b@example.test", "c@example.test"


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def relay():
    relay = Relay()
    yield relay
    relay.stop()


@pytest.fixture
def stored(spool, closed):
    """a spool with one mail that was deferred"""
    assert spool.send(closed).verdicts == ["deferred"]
    return spool


def test_delivered_at_once(spool, relay):
    done = spool.send(relay)
    assert (done.returncode, done.verdicts, done.stderr) == (OK, ["delivered"], "")
    assert spool.names() == []
    [mail] = relay.mails
    assert mail.id == done.rows[0][0] + "@client.example.org"


@pytest.mark.parametrize("octets, whose", [(199, "own"), (200, "sender's"), (246, "sender's")])
def test_an_id_has_no_room_for_each_name(relay, octets, whose):
    own = ".".join(["x" * (octets - 183), *["y" * 60] * 3])
    done = run(COMMAND, "send", "--relay", relay.where, "--helo", own, "--from", "s@example.org", A)
    assert (done.returncode, len(own)) == (OK, octets), done.stderr
    assert relay.mails[0].id == f"{done.rows[0][0]}@{own if whose == 'own' else 'example.org'}"


def test_deferred_is_kept_and_sent_later(spool, relay, closed):
    done = spool.send(closed)
    assert (done.returncode, done.verdicts, done.stderr) == (DEFERRED, ["deferred"], "")
    assert spool.names() == [done.rows[0][0] + ".mail", "relays"]
    assert (spool.flush(relay).returncode, relay.mails) == (OK, [])      # not due
    done_later = spool.flush(relay, options=["--now"])
    assert (done_later.returncode, done_later.verdicts) == (OK, ["delivered"])
    assert done_later.rows[0][0] == done.rows[0][0]
    assert [mail.id for mail in relay.mails] == [done.rows[0][0] + "@client.example.org"]
    assert relay.mails[0].text.endswith(b"\r\n\r\nhello\r\n")
    assert spool.names() == []


def test_without_spool_nothing_is_kept(closed):
    done = run(COMMAND, "send", "--relay", closed, "--from", "s@example.org", A)
    assert done.returncode == DEFERRED and "nothing is kept" in done.stderr and "--spool DIR" in done.stderr


def test_without_spool_a_deferral_is_not_hidden_by_a_refusal(spool, relay):
    """69 says that nothing is left to do, so 75 comes first where the caller must do it; with a spool, 69"""
    relay.replies = {B: "450 4.2.1 later", C: "550 5.1.1 unknown"}
    done = run(COMMAND, "send", "--relay", relay.where, "--from", "s@example.org", A, B, C)
    assert (done.returncode, done.verdicts) == (DEFERRED, ["delivered", "deferred", "failed"])
    assert "nothing is kept" in done.stderr and "to those deferred" in done.stderr
    done = run(COMMAND, "send", "--relay", relay.where, "--from", "s@example.org", A, C)
    assert (done.returncode, done.verdicts, done.stderr) == (FAILED, ["delivered", "failed"], "")
    done = spool.send(relay, to=(A, B, C))
    assert (done.returncode, done.stderr) == (FAILED, "") and len(spool.names()) == 1


def test_the_same_text_again(spool, relay, closed):
    """octets of a raw message, null sender, three recipients, an attempt that fails in the middle"""
    text = b"From: x@y\r\nDate: now\r\nMessage-ID: <x@y>\r\n\r\n.dot\r\n" + b"".join(b"%d\r\n" % i for i in range(50_000))
    spool.send(closed, to=(A, B, C), options=["--raw"], text=text)
    relay.replies["END"] = "451 not now"
    assert spool.flush(relay, options=["--now"]).verdicts == ["deferred"] * 3
    relay.replies.clear()
    assert spool.flush(relay, options=["--now"]).verdicts == ["delivered"] * 3
    [mail] = relay.mails
    assert mail.to == [A, B, C] and mail.text == text.replace(b"\r\n.dot", b"\r\n..dot")


def test_each_recipient_has_its_own_verdict(spool, relay):
    relay.replies = {B: "450 4.2.1 later", C: "550 5.1.1 unknown"}
    done = spool.send(relay, to=(A, B, C))
    assert (done.returncode, done.verdicts) == (FAILED, ["delivered", "deferred", "failed"])
    file = spool.file()
    assert (file.delivered, file.failed, file.code, file.sent, file.attempts) == (1, 4, 450, False, 1)
    relay.replies = {}
    done = spool.flush(relay, options=["--now"])
    assert (done.returncode, [row[1:3] for row in done.rows]) == (OK, [[B, "delivered"]])
    assert [mail.to for mail in relay.mails] == [[A], [B]] and spool.names() == [done.rows[0][0] + ".failed"]


def test_each_recipient_is_told_what_its_relay_said(spool, relay):
    """the last that was asked about it, and no other's words"""
    relay.replies, other = {B: "450 4.2.1 later", C: "550 5.1.1 unknown", "END": "250 first"}, Relay(replies={"END": "250 second"})
    done = spool.send(relay, other, to=(A, B, C))
    assert [row[1:] for row in done.rows] == [[A, "delivered", "250", "first"], [B, "delivered", "250", "second"], [C, "failed", "550", "5.1.1 unknown"]]
    assert [mail.to for mail in relay.mails + other.mails] == [[A], [B]]
    other.stop()


def test_queue(spool, relay, closed):
    relay.replies = {B: "450 4.2.1 later", C: "550 5.1.1 unknown"}
    spool.send(relay, to=(A, B, C))
    spool.send(closed)
    rows = sorted(spool.queue().rows, key=lambda row: row[4:])
    assert [row[4:7] for row in rows] == [
        [A, "delivered", "-"], [A, "waiting", "no connection to the relay"], [B, "waiting", "450 refused by the relay"],
        [C, "failed", "550 5.1.1 unknown"]]
    assert all(row[2] == "1" and 0 <= int(row[1]) < 60 for row in rows)
    assert all(290 < int(row[3]) <= 375 if row[5] == "waiting" else row[3] == "-" for row in rows)
    assert len({row[0] for row in rows}) == 2
    assert spool.queue().stdout == spool.queue().stdout != b""


def test_queue_of_a_cause_that_another_build_knows(spool, closed):
    spool.send(closed)
    [file] = spool.files()
    file.cause = 250
    file.write()
    assert spool.queue().rows[0][6] == "another mailmote's cause 250"


@pytest.mark.parametrize("umask", [0, 0o277])
def test_modes(spool, closed, umask):
    """whatever the umask: others read nothing, and a flush can read what was stored"""
    os.umask(umask)
    try:
        spool.send(closed)
    finally:
        os.umask(0o022)
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o700 & ~umask
    assert {stat.S_IMODE(path.stat().st_mode) for path in spool.path.iterdir()} == {0o600}


@pytest.mark.parametrize("args, status, word", [
    (["send", "--spool", "DIR/s", "--relay", "relay.test", "--from", "s@example.org", *[A] * 33], USAGE, "32"),
    (["flush", "--spool", "DIR/none", "--relay", "relay.test"], BAD_CONFIG, "there is no spool DIR/none"),
    (["flush", "--spool", "FILE", "--relay", "relay.test"], BAD_CONFIG, "FILE cannot be opened: Not a directory"),
    (["flush", "--spool", "DIR"], BAD_CONFIG, "--relay"),
    (["flush", "--spool", "DIR", "--relay", "relay.test", A], USAGE, A),
    (["flush", "--spool", "DIR", "--relay", "relay.test", "--subject", "s"], USAGE, "--subject"),
    (["send", "--now", "--spool", "DIR", "--relay", "relay.test", A], USAGE, "--now"),
    (["flush", "--background", "--spool", "DIR", "--relay", "relay.test"], USAGE, "--background"),
    (["send", "--show", "0" * 16, "--spool", "DIR", "--relay", "relay.test", A], USAGE, "--show"),
    (["flush", "--delete", "0" * 16, "--spool", "DIR", "--relay", "relay.test"], USAGE, "--delete"),
    (["queue", "-v", "--spool", "DIR"], USAGE, "-v"),
    *((["queue", "--spool", "DIR", "--show", name], USAGE, name) for name in ("0" * 15, "0" * 17, "0" * 15 + "g")),
    (["queue", "--spool", "DIR/none"], BAD_CONFIG, "there is no spool DIR/none: send --spool makes it"),
])
def test_usage(tmp_path, args, status, word):
    (tmp_path / "file").write_text("")
    *args, word = [arg.replace("DIR", str(tmp_path)).replace("FILE", str(tmp_path / "file")) for arg in [*args, word]]
    done = run(COMMAND, *args)
    assert done.returncode == status and word in done.stderr and done.stdout == b""
    assert done.stderr.startswith("mailmote: ") and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["file"]


def test_32_recipients(spool, relay, closed):
    to = [f"r{i}@example.test" for i in range(32)]
    spool.send(closed, to=to)
    assert spool.flush(relay, options=["--now"]).verdicts == ["delivered"] * 32
    assert relay.mails[0].to == to and spool.names() == []


def test_wrong_arguments_store_nothing(spool, closed):
    assert spool.send(closed, to=("bad",)).returncode == USAGE
    assert spool.send(closed, options=["--helo", "localhost"]).returncode == USAGE  # twice
    assert spool.send(closed, text=b"a\0b").returncode == 65
    assert not spool.path.exists() or spool.names() == []


def test_each_address_is_told_once(relay):
    """a local part is what it is, a domain is the same in any case; the order is that of the command line"""
    others = [f"r{i}@example.test" for i in range(300)]
    done = run(COMMAND, "send", "--relay", relay.where, "--from", "s@example.org", "--cc", B, "--cc", C, "--bcc", A, "--bcc", C.title(),
               A, "a@EXAMPLE.test", "A@example.test", *others, B, *others)
    wanted = [A, "A@example.test", *others, B, C, C.title()]
    assert done.returncode == OK and [row[1] for row in done.rows] == wanted and [mail.to for mail in relay.mails] == [wanted]

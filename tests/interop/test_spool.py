# SPDX-License-Identifier: MIT
"""The spool: what is accepted stays until it is finished, survives what disks and people do, and is listed."""
import errno
import fcntl
import os
import shutil
import stat
import struct
import subprocess
import threading
import zlib

import pytest

import cell
from pretend import pretend
from relay import (BAD_CONFIG, BAD_INPUT, COMMAND, DEFERRED, FAILED, NOT_STORED, OK, OS_ERROR, USAGE, File, Relay, Spool, run)

A, B, C = "a@example.test", "b@example.test", "c@example.test"
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system")


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


def test_queue(spool, relay, closed):
    relay.replies = {B: "450 4.2.1 later", C: "550 5.1.1 unknown"}
    spool.send(relay, to=(A, B, C))
    spool.send(closed)
    rows = sorted(spool.queue().rows, key=lambda row: row[4:])
    assert [row[4:7] for row in rows] == [
        [A, "delivered", "-"], [A, "waiting", "no connection to the relay"], [B, "waiting", "450 refused by the relay"],
        [C, "failed", "550 5.1.1 unknown"]]
    assert all(row[2] == "1" and 0 <= int(row[1]) < 60 and 290 < int(row[3]) <= 375 for row in rows)
    assert len({row[0] for row in rows}) == 2
    assert spool.queue().stdout == spool.queue().stdout != b""


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
    (["send", "--spool", "DIR/no/spool", "--relay", "relay.test", "--from", "s@example.org", A], BAD_CONFIG, "created"),
    (["send", "--spool", "FILE", "--relay", "relay.test", "--from", "s@example.org", A], BAD_CONFIG, "opened"),
    (["send", "--spool", "DIR/s", "--relay", "relay.test", "--from", "s@example.org", *[A] * 33], USAGE, "32"),
    (["flush", "--spool", "DIR/none", "--relay", "relay.test"], BAD_CONFIG, "opened"),
    (["flush", "--relay", "relay.test"], USAGE, "--spool"),
    (["flush", "--spool", "DIR"], USAGE, "--relay"),
    (["flush", "--spool", "DIR", "--relay", "relay.test", A], USAGE, A),
    (["flush", "--spool", "DIR", "--relay", "relay.test", "--subject", "s"], USAGE, "--subject"),
    (["send", "--now", "--spool", "DIR", "--relay", "relay.test", A], USAGE, "--now"),
    (["flush", "--background", "--spool", "DIR", "--relay", "relay.test"], USAGE, "--background"),
    (["send", "--show", "0" * 16, "--spool", "DIR", "--relay", "relay.test", A], USAGE, "--show"),
    (["flush", "--delete", "0" * 16, "--spool", "DIR", "--relay", "relay.test"], USAGE, "--delete"),
    (["queue"], USAGE, "--spool"),
    (["queue", "-v", "--spool", "DIR"], USAGE, "-v"),
    (["queue", "--spool", "DIR/none"], BAD_CONFIG, "opened"),
])
def test_usage(tmp_path, args, status, word):
    (tmp_path / "file").write_text("")
    args = [arg.replace("DIR", str(tmp_path)).replace("FILE", str(tmp_path / "file")) for arg in args]
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


# ---- damage ----------------------------------------------------------------------------------------------------------

def damage_middle(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def damage_states(path):
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    data[512 + 20] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "text": damage_middle,
    "states": damage_states,
    "empty": lambda path: path.write_bytes(b""),
    "short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "long": lambda path: os.truncate(path, path.stat().st_size + 50_000),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "other name": lambda path: path.rename(path.with_name("0" * 16 + ".mail")),
    "directory": lambda path: (path.unlink(), path.mkdir()),
    "fifo": lambda path: (path.unlink(), os.mkfifo(path)),
    "link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_file_is_set_aside(stored, relay, closed, how):
    DAMAGES[how](next(stored.path.glob("*.mail")))
    [name] = [path.name for path in stored.path.glob("*.mail")]
    stored.send(closed)
    looked = stored.queue()
    assert looked.returncode == OK and name in looked.stderr and "damaged" in looked.stderr and len(looked.rows) == 1
    done = stored.flush(relay, options=["--now"])
    assert (done.returncode, done.verdicts) == (BAD_INPUT, ["delivered"])
    assert done.stderr.count("\n") == 1 and name in done.stderr and "damaged" in done.stderr
    assert stored.names() == [name + ".damaged"]
    again = stored.flush(relay, options=["--now"])
    assert (again.returncode, again.stderr) == (OK, "")
    looked = stored.queue()
    assert looked.returncode == OK and f"/{name}.damaged was damaged" in looked.stderr and looked.rows == []


@pytest.mark.parametrize("slot", [0, 512])
def test_a_torn_state_is_not_believed(stored, relay, slot):
    """power went while one of the two states was written: the other holds"""
    before = stored.file()
    path = before.path
    data = bytearray(path.read_bytes())
    data[slot + 30:slot + 86] = bytes(56)
    path.write_bytes(data)
    assert stored.file().wait == (0 if slot == 0 else before.wait) and stored.file().seq == before.seq - (slot == 0)
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"]


def test_every_octet_counts(stored, relay):
    """a file with any octet changed is read as it was, or set aside, and never sent with another text"""
    path = stored.file().path
    data = path.read_bytes()
    for at in [*range(0, 86), *range(512, 598), *range(1024, len(data))]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:])
        rows, err = stored.queue().rows, stored.queue().stderr
        assert (rows == [] and "damaged" in err) if at >= 1024 else (len(rows) == 1 and err == "")


def test_temporary_files_of_dead_runs_are_removed(stored, relay):
    (stored.path / "tmp.0123456789abcdef").write_bytes(b"x")
    with open(stored.path / "tmp.held", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        stored.flush(relay)
        assert [name for name in stored.names() if name.startswith("tmp")] == ["tmp.held"]
    (stored.path / "stranger").write_text("left alone")
    stored.flush(relay)
    assert [name for name in stored.names() if not name.endswith(".mail")] == ["relays", "stranger"]


@pytest.mark.parametrize("text", [b"", bytes(100), b"mailmote-relays 1 x\n", b"x" * 10000, None],
                         ids=["empty", "zeros", "title", "long", "number"])
def test_damaged_relays_file_is_none(spool, closed, text):
    spool.send(closed)
    lines = (spool.path / "relays").read_bytes()
    assert lines.splitlines()[1].split()[0] == b"1"
    text = lines.replace(b"\n1 ", b"\n999 ") if text is None else text
    (spool.path / "relays").write_bytes(text)
    assert "left alone" not in spool.send(closed).rows[0][4]


# ---- disks -----------------------------------------------------------------------------------------------------------

def in_small_world(spool, script, *args):
    """runs a script with the spool on a disk of 100 KB of its own"""
    spool.path.mkdir(exist_ok=True)
    if cell.why_not():
        pytest.skip(cell.why_not())
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                           'mount -t tmpfs -o size=100k none "$0" || exit 99; cp -a "$0.old/." "$0"; ' + script,
                           spool.path, *map(str, args)], capture_output=True, timeout=60, text=True)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    return done


@pytest.fixture
def on_small_disk(spool, closed):
    (spool.path.parent / "spool.old").mkdir()
    return lambda script, *args: in_small_world(spool, script, *args)


@root
def test_full_disk_takes_no_mail(on_small_disk, spool, relay):
    """said before the relay is asked, and nothing is left behind"""
    done = on_small_disk('head -c 200000 /dev/zero >"$0/filler" 2>/dev/null; head -c 5000 /dev/zero | tr "\\0" x | '
                         '"$1" send --spool "$0" --relay "$2" --from s@example.org a@example.test; echo $?; ls "$0"',
                         COMMAND, relay.where)
    assert done.stdout.split() == [str(NOT_STORED), "filler"] and "cannot be stored" in done.stderr
    assert relay.talks == []


@root
def test_full_disk_keeps_states(on_small_disk, spool, relay):
    """a mail that is stored needs no more room"""
    relay.replies = {A: "450 later"}
    done = on_small_disk('echo x | "$1" send --spool "$0" --relay "$2" --from s@x.test a@example.test b@example.test; '
                         'head -c 200000 /dev/zero >"$0/full" 2>/dev/null; "$1" flush --now --spool "$0" --relay "$2"; '
                         '"$1" queue --spool "$0"', COMMAND, relay.where)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[1:3] for row in rows[:3]] == [[A, "deferred"], [B, "delivered"], [A, "deferred"]]
    assert [row[2] for row in rows[3:]] == ["2", "2"] and done.stderr == ""
    assert len(relay.mails) == 1


def test_limit_on_the_size_of_files(spool, relay):
    """is an error as others are, and no signal that ends us in the middle"""
    done = spool.send(relay, text=b"x" * 5000, wrap=["sh", "-c", 'ulimit -f 8; exec "$@"', "sh"])
    assert done.returncode == NOT_STORED and "cannot be stored" in done.stderr and relay.talks == []
    assert spool.names() == []


@root
def test_read_only_disk(on_small_disk, spool, relay):
    done = on_small_disk('echo x | "$1" send --spool "$0" --relay 127.0.0.1:1 --from s@example.org a@example.test; '
                         'mount -o remount,ro "$0"; '
                         'echo x | "$1" send --spool "$0" --relay "$2" --from s@example.org a@example.test; echo $?; '
                         '"$1" flush --now --spool "$0" --relay "$2"; echo $?; "$1" queue --spool "$0"',
                         COMMAND, relay.where)
    lines = done.stdout.splitlines()
    assert lines[1:3] == [str(NOT_STORED), str(DEFERRED)] and "waiting" in lines[3]
    assert done.stderr.count("Read-only file system") == 2 and relay.talks == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_without_permission(spool, relay):
    spool.path.mkdir(mode=0o500)
    done = spool.send(relay)
    assert done.returncode == NOT_STORED and relay.talks == []


def fail(path, call, error, when):
    """a prefix for the command line: this call fails where it is about this path"""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    return ["strace", "-qq", "-o", "/dev/null", "-P", path, "-e", f"inject={call}:error={error}:when={when}"]


@pytest.mark.parametrize("call, error, when, words", [
    ("flock", "ENOLCK", "1+", "No locks available"), ("flock", "EOPNOTSUPP", "1+", "Operation not supported"),
    *[("%fstat", "ESTALE", when, "Stale file handle") for when in (2, 3, 4)],
    *[("pread64", error, when, words) for when in (2, 3, 4)
      for error, words in (("EIO", "Input/output error"), ("ENOMEM", "Cannot allocate memory"))]])
def test_a_mail_that_cannot_be_had_is_told_and_left(stored, relay, call, error, when, words):
    """it is neither in other hands nor damaged"""
    name, names = stored.file().path, stored.names()
    done = stored.flush(relay, options=["--now"], wrap=fail(name, call, error, when))
    assert (done.returncode, done.rows, relay.talks) == (DEFERRED, [], [])
    assert done.stderr == f"mailmote: {name} cannot be read: {words}: it is left alone\n"
    assert [name for name in names if name != "relays"] == stored.names()
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"]


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOMEM, errno.ENFILE])
def test_a_mail_that_cannot_be_opened_is_told_and_left(stored, relay, error):
    done = stored.flush(relay, options=["--now"], wrap=pretend(OPENAT=error))
    assert (done.returncode, done.rows, relay.talks) == (DEFERRED, [], [])
    assert done.stderr == f"mailmote: {stored.file().path} cannot be read: {os.strerror(error)}: it is left alone\n"


@pytest.mark.parametrize("call", ["pread64", "%fstat"])
def test_a_mail_that_cannot_be_looked_at_has_its_turn(stored, relay, call):
    """the first look is for the order alone"""
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.file().path, call, "EIO", 1))
    assert (done.returncode, done.verdicts, done.stderr) == (OK, ["delivered"], "")


def test_a_text_that_cannot_be_read_is_sent_later(stored, relay):
    """nothing of it is taken for the whole"""
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.file().path, "pread64", "EIO", 5))
    assert (done.returncode, done.verdicts, relay.mails) == (DEFERRED, ["deferred"], []), done.rows
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"] and len(relay.mails) == 1


def test_a_lock_that_is_interrupted(stored, relay):
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.file().path, "flock", "EINTR", "1..3"))
    assert (done.returncode, done.verdicts, done.stderr) == (OK, ["delivered"], "")


@pytest.mark.parametrize("when, verdicts", [*((when, ["delivered"]) for when in range(1, 5)), (5, []), (6, [])])
def test_names_that_cannot_be_read(stored, relay, when, verdicts):
    """leftovers are looked for first, then what was taken from the drop directory, then mails"""
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.path, "getdents64", "EIO", when))
    assert (done.returncode, done.verdicts) == (OS_ERROR, verdicts)
    assert done.stderr == f"mailmote: {stored.path} cannot be read: Input/output error\n"


def test_without_locks_nothing_is_stored_or_left_behind(spool, relay):
    spool.path.mkdir()
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=flock:error=ENOLCK"]
    done = spool.send(relay, wrap=wrap)
    assert done.returncode == NOT_STORED and "No locks available" in done.stderr and relay.talks == []
    assert spool.names() == []
    (spool.path / "tmp.0123456789abcdef").write_bytes(b"x")
    done = spool.flush(relay, wrap=wrap)
    assert done.returncode == OS_ERROR and f"spool {spool.path} cannot be locked: No locks available" in done.stderr
    done = spool.flush(relay, wrap=fail(spool.path / "tmp.0123456789abcdef", "flock", "ENOLCK", "1+"))
    assert done.returncode == OS_ERROR and "tmp.0123456789abcdef cannot be locked: No locks available" in done.stderr


def test_no_null_device():
    done = run(COMMAND, "--version", wrap=fail("/dev/null", "openat", "EIO", "1+"))
    assert (done.returncode, done.stdout) == (OS_ERROR, b"")
    assert done.stderr == "mailmote: /dev/null cannot be opened: Input/output error\n"


# ---- several at once -------------------------------------------------------------------------------------------------

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


# ---- what cannot be stored, or cannot be sent ------------------------------------------------------------------------

@pytest.mark.parametrize("writes, heard", [(0, []), (1, ["EHLO", "MAIL", "RCPT", "DATA"])], ids=["beginning", "end"])
def test_a_state_that_cannot_be_stored_stops_the_mail(stored, relay, writes, heard):
    """each flush would send it again: no attempt without its beginning (P17), no end of a mail without its mark (P9)"""
    for _ in range(2):
        relay.talks.clear()
        done = stored.flush(relay, options=["--now"], wrap=pretend(PWRITE=writes))
        writes += bool(writes)                                               # the next run ends this attempt first
        assert (done.returncode, done.verdicts) == (DEFERRED, ["deferred"])
        assert "the storage does not keep what it is given" in done.rows[0][4] and "cannot be stored" in done.stderr
        assert [talk[:4] for talk in relay.talks] == [heard] * bool(heard) and relay.mails == []
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"]
    assert len(relay.mails) == 1


def plant(path, address):
    """another recipient into a mail's file, with a good checksum"""
    data = path.read_bytes()
    body = data[1032:].replace(A.encode(), address)
    assert len(body) == len(data) - 1032
    path.write_bytes(data[:1024] + struct.pack("<II", len(body), zlib.crc32(body)) + body)


def test_a_mail_that_cannot_be_sent_stops_no_other(stored, relay, closed):
    """an envelope that no relay may be told: the mail is named, waits as others do, and is given up at last"""
    plant(stored.file().path, b"a b@c d.e.test")
    bad = stored.file()
    bad.attempts = bad.wait = 0
    bad.write()
    names = {stored.send(closed).rows[0][0] for _ in range(3)}
    done = stored.flush(relay, options=["--now"])
    assert done.returncode == BAD_INPUT and {row[0] for row in done.rows} == names and len(relay.mails) == 3
    assert bad.path.stem in done.stderr and "no mail address" in done.stderr and done.stderr.count("\n") == 1
    assert stored.file().attempts == 1 and stored.flush(relay).stderr == ""
    last = stored.file()
    last.age = 6 * 86400
    last.write()
    done = stored.flush(relay, options=["--now"])
    assert done.verdicts == ["failed"] and "expired" in done.rows[0][4] and "no mail address" in done.rows[0][4]
    assert " at " not in done.rows[0][4]                                     # no relay was there
    assert f"{bad.path.stem}.failed" in stored.names() and not bad.path.exists()

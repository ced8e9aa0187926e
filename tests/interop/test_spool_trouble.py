# SPDX-License-Identifier: MIT
"""Disks that are full, read-only or broken, and no locks: what cannot be stored is told, tried at once and not kept
(test_unkept.py), what cannot be read is left."""
import errno
import os
import shutil
import subprocess

import pytest

import cell
from pretend import pretend
from relay import BAD_INPUT, COMMAND, DEFERRED, LIMIT_S, OK, OS_ERROR, run
from test_spool import A, B, C, relay, spool, stored  # noqa: F401 (fixtures)

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system")


def in_small_world(spool, script, *args):
    """runs a script with the spool on a disk of 100 KB of its own"""
    spool.path.mkdir(exist_ok=True)
    if cell.why_not():
        pytest.skip(cell.why_not())
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                           'mount -t tmpfs -o size=100k none "$0" || exit 99; cp -a "$0.old/." "$0"; ' + script,
                           spool.path, *map(str, args)], capture_output=True, timeout=LIMIT_S, text=True)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    return done


@pytest.fixture
def on_small_disk(spool, closed):
    (spool.path.parent / "spool.old").mkdir()
    return lambda script, *args: in_small_world(spool, script, *args)


@root
def test_full_disk_takes_no_mail(on_small_disk, spool, relay):
    """nothing is left behind"""
    done = on_small_disk('head -c 200000 /dev/zero >"$0/filler" 2>/dev/null; head -c 5000 /dev/zero | tr "\\0" x | '
                         '"$1" send --spool "$0" --relay "$2" --from s@example.org a@example.test; echo $?; ls "$0"',
                         COMMAND, relay.where)
    assert done.stdout.split()[-2:] == [str(OK), "filler"] and "cannot be stored" in done.stderr
    assert [mail.text.count(b"x") > 5000 for mail in relay.mails] == [True]


FULL = ('echo x | "$1" send --spool "$0" --relay "$2" --from s@x.test a@example.test >/dev/null; cd "$0"; first=$(ls *.failed); '
        'for n in 1 2 3 4 5 6; do cp "$first" "000000000000000$n.failed"; done; '
        'for f in 000*.failed; do head -c 8000 /dev/zero >>"$f"; done; '  # of these it is the names that tell the oldest
        'head -c 200000 /dev/zero >filler 2>/dev/null; ')


@root
def test_full_disk_gives_a_new_mail_the_room_of_what_failed(on_small_disk, spool, relay):
    """of the oldest, and of no more than it needs; the text comes through a pipe, once"""
    relay.replies = {A: "550 5.1.1 unknown"}
    done = on_small_disk(FULL + '{ head -c 9000 /dev/zero | tr "\\0" y | fold -w 70; sleep 0.1; echo; head -c 9000 /dev/zero | '
                         'tr "\\0" z | fold -w 70; } | "$1" send --spool "$0" --relay "$2" --from s@x.test b@example.test; '
                         'echo $?; ls', COMMAND, relay.where)
    lines = done.stdout.splitlines()
    assert "\tdelivered\t" in lines[0] and lines[1] == str(OK), (done.stdout, done.stderr)
    kept = [name for name in lines[2:] if name.endswith(".failed")]
    told = [line.split()[1] for line in done.stderr.splitlines() if "the disk is full" in line]
    assert 0 < len(told) < 7 and len(told) + len(kept) == 7 and not set(told) & set(kept)
    [mail] = relay.mails
    assert mail.text.count(b"y") >= 9000 and mail.text.count(b"z") >= 9000


@root
def test_full_disk_without_room_enough_takes_no_mail(on_small_disk, spool, relay):
    """what failed has gone then, and nothing of the new mail is left, which is sent"""
    relay.replies = {A: "550 5.1.1 unknown"}
    done = on_small_disk(FULL + 'head -c 300000 /dev/zero | tr "\\0" y | fold -w 70 | "$1" send --spool "$0" --relay "$2" '
                         '--from s@x.test b@example.test; echo $?; ls', COMMAND, relay.where)
    assert [name for name in done.stdout.split() if name != "relays"][-2:] == [str(OK), "filler"]
    assert done.stderr.count("the disk is full") == 7 and "cannot be stored" in done.stderr
    assert [mail.text.count(b"y") >= 300000 for mail in relay.mails] == [True]


@root
def test_full_disk_of_names_gives_a_new_mail_that_of_what_failed(on_small_disk, spool, relay):
    relay.replies = {A: "550 5.1.1 unknown"}
    done = on_small_disk('echo x | "$1" send --spool "$0" --relay "$2" --from s@x.test a@example.test >/dev/null; '
                         'mount -o remount,nr_inodes=20 "$0"; n=1; while touch "$0/$n" 2>/dev/null; do n=$((n + 1)); done; '
                         'echo x | "$1" send --spool "$0" --relay "$2" --from s@x.test b@example.test; echo $?; ls "$0"',
                         COMMAND, relay.where)
    lines = done.stdout.splitlines()
    assert "\tdelivered\t" in lines[0] and lines[1] == str(OK) and ".failed" not in done.stdout, (done.stdout, done.stderr)
    assert done.stderr.count("the disk is full") == 1 and len(relay.mails) == 1


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT"])
def test_a_quota_is_as_a_disk(spool, relay, error):
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    relay.replies = {A: "550 5.1.1 unknown"}
    failed = [spool.send(relay).rows[0][0] for _ in range(2)]
    done = spool.send(relay, to=(B,), wrap=["strace", "-qq", "-o", "/dev/null", "-e", f"inject=pwrite64:error={error}:when=2"])
    assert (done.returncode, done.verdicts) == (OK, ["delivered"]) and done.stderr.count("the disk is full") == 1
    [kept] = spool.path.glob("*.failed")
    assert kept.stem in failed and len(relay.mails) == 1


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
    assert (done.returncode, done.verdicts, spool.names()) == (OK, ["delivered"], []) and "cannot be stored" in done.stderr


@root
def test_read_only_disk(on_small_disk, spool, relay):
    done = on_small_disk('echo x | "$1" send --spool "$0" --relay 127.0.0.1:1 --from s@example.org a@example.test; '
                         'mount -o remount,ro "$0"; '
                         'echo x | "$1" send --spool "$0" --relay "$2" --from s@example.org a@example.test; echo $?; '
                         '"$1" flush --now --spool "$0" --relay "$2"; echo $?; "$1" queue --spool "$0"',
                         COMMAND, relay.where)
    lines = done.stdout.splitlines()
    assert "\tdelivered\t" in lines[1] and lines[2:4] == [str(OK), str(DEFERRED)] and "waiting" in lines[4]
    assert done.stderr.count("Read-only file system") == 2 and len(relay.mails) == 1


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
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.file().path, "pread64", "EIO", "5+"))
    assert (done.returncode, done.rows, relay.mails) == (DEFERRED, [], []) and "waits, as" in done.stderr
    assert "Input/output error" in done.stderr
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"] and len(relay.mails) == 1


@pytest.mark.parametrize("when", [1, 2], ids=["notice", "mail"])
def test_a_mail_that_cannot_be_deleted_is_told(stored, when):
    """and it is not said that it is gone"""
    path = stored.file().path
    done = run(COMMAND, "queue", "--spool", stored.path, "--delete", path.stem, wrap=fail(stored.path, "unlinkat", "EIO", when))
    assert (done.returncode, done.stderr) == (OS_ERROR, f"mailmote: {path} cannot be removed: Input/output error\n")
    assert path.exists() and stored.queue("--delete", path.stem).returncode == OK and stored.files() == []


def test_a_lock_that_is_interrupted(stored, relay):
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.file().path, "flock", "EINTR", "1..3"))
    assert (done.returncode, done.verdicts, done.stderr) == (OK, ["delivered"], "")


@pytest.mark.parametrize("call", ["pread64", "pwrite64"])
def test_a_file_that_is_interrupted(stored, relay, call):
    """whichever read or write it is; where it ends, it is not read for ever"""
    relay.replies = {A: "450 later"}
    for when in range(1, 8):
        done = stored.flush(relay, options=["--now"], wrap=fail(stored.file().path, call, "EINTR", when))
        assert (done.returncode, done.verdicts, done.stderr) == (DEFERRED, ["deferred"], ""), when


@pytest.mark.parametrize("when", [1, 2])
def test_a_file_that_ends_early_is_not_read_for_ever(stored, relay, when):
    """though a read of it was interrupted"""
    path = stored.file().path
    os.truncate(path, 600)
    done = stored.flush(relay, options=["--now"], wrap=fail(path, "pread64", "EINTR", when))
    assert (done.returncode, done.rows, relay.talks) == (BAD_INPUT, [], []) and f"{path} is damaged" in done.stderr


def test_a_disk_that_takes_nothing_is_not_written_to_for_ever(stored, relay):
    """and has no word for why"""
    file = stored.file()
    file.wait = 0
    file.write()
    done = stored.flush(relay, wrap=[*fail(file.path, "flock", "EINTR", 1), "-e", "inject=pwrite64:retval=0"])
    assert (done.returncode, done.verdicts, relay.talks) == (DEFERRED, ["deferred"], [])
    assert "the storage does not keep what it is given" in done.rows[0][4]


@pytest.mark.parametrize("when, verdicts", [*((when, ["delivered"]) for when in range(1, 5)), (5, []), (6, [])])
def test_names_that_cannot_be_read(stored, relay, when, verdicts):
    """leftovers are looked for first, then what was taken from the drop directory, then mails"""
    done = stored.flush(relay, options=["--now"], wrap=fail(stored.path, "getdents64", "EIO", when))
    assert (done.returncode, done.verdicts) == (OS_ERROR, verdicts)
    assert done.stderr == f"mailmote: {stored.path} cannot be read: Input/output error\n"


def test_a_queue_that_cannot_be_opened_is_not_empty(stored):
    """its directory can, but not for its names"""
    done = run(COMMAND, "queue", "--spool", stored.path, wrap=fail(stored.path, "openat", "EMFILE", 2))
    assert (done.returncode, done.rows) == (OS_ERROR, [])
    assert done.stderr == f"mailmote: {stored.path} cannot be read: Too many open files\n"


@pytest.mark.parametrize("relays, down", [("", 0), ("mailmote-relays 2 " + "0" * 32 + "\n", 0), ("", 1)], ids=["empty", "another boot", "down"])
def test_many_mails_need_few_files(spool, relay, closed, relays, down):
    """of each mail its file is closed before the next one is tried, whatever becomes of it, and the one of relays, which is read for each"""
    relay.replies = {B: "550 5.1.1 unknown", C: "450 4.2.1 later"}
    for to in [A, B, C] * 8:
        spool.send(closed, to=[to])
    (spool.path / "relays").write_text(relays)
    done = spool.flush(*[closed] * down, relay, options=["--now"], wrap=["prlimit", "--nofile=16"])
    assert (sorted(done.verdicts), done.stderr) == (["deferred"] * 8 + ["delivered"] * 16 + ["failed"] * 8, "")


def test_without_locks_nothing_is_stored_or_left_behind(spool, relay):
    spool.path.mkdir()
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=flock:error=ENOLCK"]
    done = spool.send(relay, wrap=wrap)
    assert done.returncode == OK and "No locks available" in done.stderr and len(relay.mails) == 1
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

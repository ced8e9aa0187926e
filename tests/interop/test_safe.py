# SPDX-License-Identifier: MIT
"""What the command refuses, so that nobody gets by it what is another's: setuid, spools that others may write. And what of a
secret, and of random octets, does not depend on luck."""
import errno
import os
import shutil
import stat
import subprocess
import threading
import time

import pytest

from pretend import pretend
from relay import BAD_CONFIG, COMMAND, DEFERRED, LIMIT_S, OK, Relay, Spool, make_context, run

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
NOBODY, FROM = 65534, ["--from", "s@example.org", "--helo", "client.example.org"]


@pytest.fixture
def relay():
    relay = Relay()
    yield relay
    relay.stop()


@pytest.fixture
def stored(tmp_path, closed):
    spool = Spool(tmp_path / "spool")
    assert spool.send(closed).verdicts == ["deferred"] and "relays" in spool.names()
    return spool


# ---- setuid ---------------------------------------------------------------------------------------------------------

@root
@pytest.mark.parametrize("mode, uid, gid", [(0o4755, NOBODY, 0), (0o2755, 0, NOBODY)], ids=["setuid", "setgid"])
def test_setuid(tmp_path, mode, uid, gid):
    """is refused, whatever it is asked"""
    path = shutil.copy(COMMAND, tmp_path / "mailmote")
    assert run(path, "--version", decode=False).returncode == OK
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    for words in ["--version"], ["send", "--relay", "relay.test", *FROM, "a@example.test"]:
        done = run(path, *words, decode=False)
        assert (done.returncode, done.stdout) == (BAD_CONFIG, b"")
        assert done.stderr.startswith("mailmote: ") and "setuid" in done.stderr and done.stderr.count("\n") == 1


# ---- Cores ----------------------------------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("words", [["send", *FROM, "a@example.test"], ["flush"]], ids=["send", "flush"])
@pytest.mark.parametrize("login", [True, False])
def test_no_core_holds_the_password(stored, closed, tmp_path, words, login):
    """also that of a flush which finds nothing due: the configuration has brought the password all the same"""
    config, trace = tmp_path / "config", tmp_path / "trace"
    config.write_text(f"host 127.0.0.1\nport {closed.split(':')[1]}\n"
                      + "tls on\ntls_host_override relay.test\nauth on\nuser u\npassword p\n" * login)
    config.chmod(0o600)
    run(COMMAND, *words, "-C", config, "--spool", stored.path, wrap=["strace", "-qq", "-e", "trace=prctl", "-o", trace])
    assert ("PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in trace.read_text()) == login


# ---- Pipes that nobody writes ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("what", ["password-file", "trust", "aliases", "config"])
def test_pipe_without_a_writer(tmp_path, relay, what):
    """is waited for a while, and no longer: whoever waits may hold the spool"""
    pipe, config = tmp_path / "pipe", tmp_path / "config"
    os.mkfifo(pipe, 0o600)
    config.write_text({"aliases": f"relay {relay.where}\naliases {pipe}\nmaildomain x.test\n",
                       "password-file": f"relay {relay.where} user=u pin=sha256:{'A' * 43} password-file={pipe}\n",
                       "trust": f"relay {relay.where} tls-name=x.test trust={pipe}\n", "config": ""}[what])
    begun = time.monotonic()
    done = run(COMMAND, "send", "--spool", tmp_path / "spool", "-C", pipe if what == "config" else config, *FROM,
               "a@example.test", text=b"x\n")
    assert 4 < time.monotonic() - begun < 15 and str(pipe) in done.stderr and done.returncode == DEFERRED, done.stderr
    assert len(list((tmp_path / "spool").glob("*.mail"))) == 1


@pytest.mark.parametrize("what", ["password-file", "aliases"])
def test_pipe_of_a_slow_writer(tmp_path, relay, what):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    (tmp_path / "config").write_text(f"relay {relay.where}\naliases {pipe}\nmaildomain x.test\n" if what == "aliases" else
                                     f"relay {relay.where} user=u pin=sha256:{'A' * 43} password-file={pipe}\n")

    def write():
        time.sleep(1)
        with open(pipe, "wb", buffering=0) as end:
            for piece in (b"ops: b@", b"example.test\n"):
                time.sleep(1)
                end.write(piece)
    thread = threading.Thread(target=write)
    thread.start()
    done = run(COMMAND, "send", "-C", tmp_path / "config", *FROM, "ops" if what == "aliases" else "a@example.test", text=b"x\n")
    thread.join()
    assert done.returncode == (OK if what == "aliases" else DEFERRED) and str(pipe) not in done.stderr, done.stderr
    assert what != "aliases" or relay.mails[0].to == ["b@example.test"]


# ---- The spool ------------------------------------------------------------------------------------------------------

def refused(spool, relay, what):
    """by all three commands, and nothing is asked or changed"""
    names = spool.names()
    for done in spool.send(relay), spool.flush(relay, options=["--now"]), spool.queue():
        assert (done.returncode, done.stdout) == (BAD_CONFIG, b"") and what in done.stderr, done.stderr
        assert str(spool.path) in done.stderr and done.stderr.count("\n") == 1
    assert spool.names() == names and relay.talks == []


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777, 0o720, 0o702])
def test_spool_that_others_may_write(stored, relay, mode):
    stored.path.chmod(mode)
    refused(stored, relay, "can be written by other users")
    assert ("chmod" in stored.queue().stderr) == (mode != 0o1777)      # nobody is told to take /tmp for himself
    stored.path.chmod(0o700)
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"]


@pytest.mark.parametrize("mode, then", [(0o755, 0o711), (0o750, 0o710), (0o704, 0o700), (0o711, 0o711), (0o2755, 0o2711)])
@pytest.mark.parametrize("command", ["send", "flush", "queue"])
def test_spool_that_others_may_read(stored, relay, mode, then, command):
    """may be locked by them: they may no longer"""
    stored.path.chmod(mode)
    done = getattr(stored, command)(*[relay] * (command != "queue"))
    assert (done.returncode, done.stderr, stat.S_IMODE(stored.path.stat().st_mode)) == (OK, "", then)


@pytest.mark.parametrize("drop, then", [(False, 0o755), (True, 0o711)])
def test_directory_that_is_no_spool(tmp_path, relay, drop, then):
    """named by mistake, stays as it is, but for a mail that is to be stored there: what others have written, too"""
    spool, foreign = Spool(tmp_path), ["now", "now.here", "relays", "tmp.", "tmp.0123456789abcdef.c", "tmp.Xq81kTz0Ab", "tmp.notes"]
    for name in foreign:
        (tmp_path / name).write_text("precious\n")
    if drop:
        (tmp_path / "drop").mkdir()
        (tmp_path / "drop").chmod(0o1733)
    tmp_path.chmod(0o755)
    for done in spool.queue(), spool.flush(relay), spool.flush(relay, options=["--now"]):
        assert (done.returncode, done.stdout, done.stderr) == (OK, b"", "")
        assert stat.S_IMODE(tmp_path.stat().st_mode) == then and [name for name in spool.names() if name != "drop"] == foreign
    assert spool.send(relay).verdicts == ["delivered"] and stat.S_IMODE(tmp_path.stat().st_mode) == 0o711
    assert [name for name in spool.names() if name != "drop"] == foreign


@root
def test_spool_of_another_user(stored, relay):
    os.chown(stored.path, NOBODY, 0)
    refused(stored, relay, "belongs to another user")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_relays_that_others_may_write(stored, relay, mode):
    (stored.path / "relays").chmod(mode)
    refused(stored, relay, "relays can be written by other users: remove it")


@root
def test_relays_of_another_user(stored, relay):
    os.chown(stored.path / "relays", NOBODY, 0)
    refused(stored, relay, "relays belongs to another user: remove it")
    (stored.path / "relays").unlink()
    assert stored.flush(relay, options=["--now"]).verdicts == ["delivered"]


def test_relays_that_are_a_link(stored, relay, closed, tmp_path):
    """put there while a mail is under way: what it leads to is not ours, and is not read for the next one"""
    stored.send(closed)
    (tmp_path / "elsewhere").write_text((stored.path / "relays").read_text().replace(closed.split(":")[1], str(relay.port)))
    relay.hold = threading.Event()

    def put():
        relay.holding.wait(LIMIT_S)
        (stored.path / "relays").symlink_to(tmp_path / "elsewhere")
        relay.hold.set()
    thread = threading.Thread(target=put)
    thread.start()
    done = stored.flush(relay, options=["--now"])
    thread.join()
    assert (done.verdicts, (stored.path / "relays").is_symlink()) == (["delivered"] * 2, True), done.rows


# ---- Closed streams -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("streams", ["0", "1", "2", "01", "02", "12", "012"])
def test_a_closed_stream_is_no_file_and_no_relay(stored, relay, streams):
    """its number is not given to what is opened next, which would hear what is meant for a person"""
    relay.hold, relay.hold_greeting = threading.Event(), True
    words = [COMMAND, "flush", "-v", "--now", "--spool", stored.path, "--relay", relay.where]
    with subprocess.Popen(["/bin/sh", "-c", 'exec "$@" ' + "".join(f" {stream}>&-" for stream in streams), "sh", *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert relay.holding.wait(LIMIT_S)
            assert all(os.readlink(f"/proc/{process.pid}/fd/{stream}") == "/dev/null" for stream in "012")
        finally:
            relay.hold.set()
    assert process.returncode == OK and relay.talks == [["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]] and stored.files() == []


# ---- Secrets --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("secret", [True, False])
def test_no_core_holds_the_secret(scratch, relay, secret):
    """the kernel gives the /proc of a process that must not be dumped to root"""
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    program, password = shutil.copy(COMMAND, scratch / "for-nobody"), scratch / "password-of-nobody"
    password.write_text("hunter2\n")
    password.chmod(0o600)
    relay.hold, relay.hold_greeting = threading.Event(), True
    login = ["--pin", "sha256:" + "A" * 43, "--user", "u", "--password-file", password] if secret else []
    more = {"user": uid} if uid != os.geteuid() else {}
    if more:
        os.chown(password, uid, -1)
    with subprocess.Popen([program, "send", "--relay", relay.where, *login, *FROM, "a@example.test"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, **more) as process:
        try:
            process.stdin.close()
            assert relay.holding.wait(LIMIT_S)
            assert os.stat(f"/proc/{process.pid}/mem").st_uid == (0 if secret else uid)
        finally:
            relay.hold.set()
            process.kill()


# ---- Random octets --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("error, status", [(errno.ENOSYS, OK), (errno.EIO, DEFERRED)], ids=["ENOSYS", "EIO"])
def test_kernel_without_getrandom(tmp_path, error, status):
    """has /dev/urandom; where that is not the cause, there is no TLS without random octets"""
    relay = Relay(make_context(tmp_path), "good")
    done = [run(COMMAND, "send", "--relay", relay.where, *FROM, "a@example.test", wrap=pretend(GETRANDOM=error)) for _ in "12"]
    relay.stop()
    assert [each.returncode for each in done] == [status] * 2 and done[0].rows[0][0] != done[1].rows[0][0]
    assert all(mail.secure for mail in relay.mails) and len(relay.mails) == (2 if status == OK else 0)

# SPDX-License-Identifier: MIT
"""What has become of a file of the spool: it is set aside and told, or cleared away, and no other mail suffers."""
import fcntl
import os
import socket
import struct
import zlib

import pytest

from relay import BAD_INPUT, COMMAND, OK, run
from test_drop import SENDER, forge
from test_spool_trouble import fail
from test_spool import A, relay, spool, stored  # noqa: F401 (fixtures)


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
    "socket": lambda path: (path.unlink(), socket.socket(socket.AF_UNIX).bind(str(path))),
    "link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
    "link to a mail": lambda path: path.symlink_to(path.rename(path.parent.parent / "elsewhere")),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_file_is_set_aside(stored, relay, closed, how):
    DAMAGES[how](next(stored.path.glob("*.mail")))
    [name] = [path.name for path in stored.path.glob("*.mail")]
    stored.send(closed)
    looked = stored.queue()
    assert looked.returncode == OK and (how == "text" or (name in looked.stderr and "damaged" in looked.stderr))
    assert len(looked.rows) == 1 + (how == "text")           # which the queue does not read
    done = stored.flush(relay, options=["--now"])
    assert (done.returncode, done.verdicts) == (BAD_INPUT, ["delivered"])
    assert done.stderr.count("\n") == 1 and name in done.stderr and "damaged" in done.stderr
    assert stored.names() == [name + ".damaged"]
    again = stored.flush(relay, options=["--now"])
    assert (again.returncode, again.stderr) == (OK, "")
    looked = stored.queue()
    identity = name.removesuffix(".mail")
    assert looked.returncode == OK and f"/{name}.damaged was damaged" in looked.stderr and looked.rows == []
    assert f"queue --delete {identity}" in looked.stderr
    assert f"mail {identity} was damaged: see in {stored.path}/{name}.damaged" in stored.queue("--show", identity).stderr
    done = stored.queue("--delete", identity)
    assert (done.returncode, done.stderr, stored.names()) == (OK, "", [])


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
        done = stored.queue("--show", path.stem)
        assert (done.stdout == b"" and "damaged" in done.stderr) if at >= 1024 else (done.stdout and done.stderr == "")


def test_every_part_of_a_long_text_counts(spool, closed):
    spool.send(closed, text=b"line\n" * 5000)
    path = spool.file().path
    data = path.read_bytes()
    for at in [*range(1024 + 4096, len(data), 4096), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:])
        done = spool.queue("--show", path.stem)
        assert done.stdout == b"" and "damaged" in done.stderr


def test_temporary_files_of_dead_runs_are_removed(stored, relay):
    (stored.path / "tmp.0123456789abcdef").write_bytes(b"x")
    with open(stored.path / "tmp.0123456789abcde0", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        stored.flush(relay)
        assert [name for name in stored.names() if name.startswith("tmp")] == ["tmp.0123456789abcde0"]
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


def plant(path, octets, old=A.encode()):
    """other octets into a mail's file in place of as many, a recipient's address, with a good checksum"""
    data = path.read_bytes()
    body = data[1032:].replace(old, octets)
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
    assert done.verdicts == ["failed", "delivered"] and "expired" in done.rows[0][4] and "no mail address" in done.rows[0][4]
    assert " at " not in done.rows[0][4]                                     # no relay was there
    assert f"{bad.path.stem}.failed" in stored.names() and not bad.path.exists()


def test_a_text_that_cannot_be_read_is_not_shown_as_whole(spool, closed):
    spool.send(closed, text=b"line\n" * 20000)
    path, shown, failed = spool.file().path, spool.queue("--show", spool.file().path.stem), 0
    for when in range(1, 9):
        done = run(COMMAND, "queue", "--spool", spool.path, "--show", path.stem, wrap=fail(path, "pread64", "EIO", when))
        assert (done.returncode, done.stdout) == (OK, shown.stdout) or (done.returncode != OK and path.stem in done.stderr), done.stderr
        failed += done.returncode != OK and shown.stdout.startswith(done.stdout)
    assert failed > 2


def test_damage_that_cannot_be_set_aside(stored, relay):
    """is told each time, and the mails behind it are sent"""
    [path] = stored.path.glob("*.mail")
    damage_middle(path)
    stored.send("127.0.0.1:1")
    for _ in range(2):
        done = stored.flush(relay, options=["--now"], wrap=fail(stored.path, "renameat", "EIO", "1+"))
        assert f"{path} is damaged, and cannot be renamed: Input/output error" in done.stderr and path.exists()
        assert done.returncode == BAD_INPUT
    assert len(relay.mails) == 1


@pytest.mark.parametrize("more, said", [({"envelope": (SENDER, "no address")}, "address"), ({"envelope": ("no address", A)}, "address"),
                                        ({"text": b"Subject: x\r\n\r\na\0b\r\n"}, "NUL")])
def test_a_mail_that_can_be_given_to_no_relay(stored, relay, more, said):
    """whole as its file is: it is told, no relay takes it, and it is there to be looked at"""
    [path] = stored.path.glob("*.mail")
    forge(path, **more)
    done = stored.flush(relay, options=["--now"])
    assert done.returncode == BAD_INPUT and f"mail {path.stem} cannot be sent: " in done.stderr and said in done.stderr, done.stderr
    assert relay.mails == [] and path.stem in stored.queue().stdout.decode()

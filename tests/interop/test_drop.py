# SPDX-License-Identifier: MIT
"""The drop directory: users who may not write the spool leave mails there. Each is sent once, whatever is killed when; what
is no mail is set aside, and none of it is anything to other users or to the spool's own mails."""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import threading
import time
import zlib

import pytest

from pretend import pretend
from relay import BAD_INPUT, COMMAND, DEFERRED, LIMIT_S, NOT_STORED, OK, OS_ERROR, File, Relay, Spool, as_user, run
from test_spool import relay  # noqa: F401 (fixture)
from test_spool_trouble import fail

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
A, USER, OTHER, SENDER = "a@example.test", 65534, 65533, "s@example.org"
BODY = 1024


@pytest.fixture
def place():
    """where every user may go"""
    path = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-drop-"))
    path.chmod(0o755)
    shutil.copy(COMMAND, path / "mailmote")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def spool(place):
    spool = Spool(place / "spool", place / "mailmote")
    spool.share()
    return spool


def drop(spool, *options, uid=USER, text=b"hello\n", to=(A,)):
    done = spool.send(options=["--relay", "relay.test", "--background", *options], wrap=as_user(uid), text=text, to=to)
    assert (done.returncode, done.stderr) == (OK, ""), done.stderr
    return done


def dropped(spool):
    return sorted(spool.drop.glob("*.mail"))


def own(path, uid=USER):
    os.chown(path, uid, uid, follow_symlinks=False)


def forge(path, envelope=(SENDER, A), text=b"Subject: x\r\n\r\nx\r\n", rcpts=1, number=None):
    """a file that is whole, but for what is in it; number: the id, in its name too"""
    old = path.read_bytes()
    words = envelope if isinstance(envelope, bytes) else b"".join(word.encode() + b"\0" for word in envelope)
    body = struct.pack("<I", len(text)) + b"\0" + len(words).to_bytes(3, "little") + words + text
    state = bytearray(old[:86])
    record = state[12:56]
    values = list(struct.unpack("<H8sIIIHHBBIII", record[:40]))
    values[9] = rcpts
    values[1] = bytes.fromhex(number or path.stem)
    record = struct.pack("<H8sIIIHHBBIII", *values)
    record += struct.pack("<I", zlib.crc32(record))
    state[12:56] = record
    state[82:86] = struct.pack("<I", zlib.crc32(bytes(state[:82])))
    head = bytes(state).ljust(BODY, b"\0") + struct.pack("<II", len(body), zlib.crc32(body))
    path.write_bytes(head + body)
    path.rename(path.parent / f"{number or path.stem}.mail")


def flush(spool, relay):
    return spool.flush(relay)


def test_a_user_drops_and_the_owner_sends(spool, relay):
    done = drop(spool)
    [file] = dropped(spool)
    about = file.stat()
    assert (stat.S_IMODE(about.st_mode), about.st_uid, about.st_nlink) == (0o600, USER, 1)
    assert done.rows == [] and relay.talks == [] and spool.names() == ["drop"]
    sent = flush(spool, relay)
    assert (sent.returncode, sent.stderr, sent.rows[0][:3]) == (OK, "", [sent.rows[0][0], A, "delivered"])
    [mail] = relay.mails
    assert mail.text.startswith(b"X-Mailmote-Uid: %d\r\n" % USER) and mail.text.endswith(b"\r\n\r\nhello\r\n")
    assert mail.id.split("@")[0] == file.stem != sent.rows[0][0] and dropped(spool) == [] and spool.names() == ["drop"]


def test_what_is_dropped_while_a_flush_is_at_work_is_next(spool, relay):
    """it waits for the mail that is being tried, not for those behind it that were tried before; each is tried once"""
    for _ in range(3):
        assert spool.send("127.0.0.1:1").returncode == DEFERRED
    for file in spool.files():
        file.attempts = 1
        file.write()
    relay.hold, done = threading.Event(), []
    thread = threading.Thread(target=lambda: done.append(spool.flush(relay, options=["--now"])))
    thread.start()
    assert relay.holding.wait(LIMIT_S)
    for uid in (USER, OTHER):
        drop(spool, uid=uid)
    ids = {file.stem for file in dropped(spool)}
    relay.hold.set()
    thread.join()
    assert {mail.id.split("@")[0] for mail in relay.mails[1:3]} == ids and len(relay.mails) == 5
    assert (done[0].returncode, done[0].verdicts, spool.names()) == (OK, ["delivered"] * 5, ["drop"])


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_what_is_dropped_while_another_is_taken_is_next(spool, relay, place):
    """a disk that takes its time: neither waits for the mail that was tried before"""
    assert spool.send("127.0.0.1:1").returncode == DEFERRED
    old, ids, done = spool.file().path.stem, [], []
    drop(spool)
    ids += [file.stem for file in dropped(spool)]
    slow = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=fsync:delay_enter=3s:when=1"]
    thread = threading.Thread(target=lambda: done.append(spool.flush(relay, options=["--now"], wrap=slow)))
    thread.start()
    while not list(spool.path.glob("tmp.*")):
        time.sleep(0.01)
    drop(spool, uid=OTHER)
    ids += [file.stem for file in dropped(spool) if file.stem not in ids]
    thread.join()
    assert len(ids) == 2 and [mail.id.split("@")[0] for mail in relay.mails] == [*ids, old], done[0].stderr


def test_without_background_it_is_deferred(spool, relay, place):
    secret = place / "password"
    secret.write_text("p")
    secret.chmod(0o600)
    done = spool.send(options=["--relay", "relay.test", "--user", "u", "--password-file", secret], wrap=as_user())
    assert (done.returncode, done.verdicts) == (DEFERRED, ["deferred"])
    assert "kept" in done.stderr and "password" not in done.stderr and len(dropped(spool)) == 1


def test_verified_relays_of_the_owner_hold_for_what_is_dropped(spool, relay, place):
    drop(spool)
    done = spool.flush(options=["--relay", relay.where, "--pin", "sha256:" + "A" * 43 + "="])
    assert done.returncode == DEFERRED and spool.file().verified_only
    assert flush(spool, relay).verdicts != ["delivered"] and relay.mails == []


@pytest.mark.parametrize("what, when", [("the file", 1), *(("the directory", when) for when in range(1, 5))])
def test_what_cannot_be_looked_at_waits_and_is_told(spool, relay, what, when):
    """the fourth look into the directory is at the file"""
    drop(spool)
    [file] = dropped(spool)
    done = spool.flush(relay, wrap=fail(file if what == "the file" else spool.drop, "newfstatat", "EIO", when))
    assert done.returncode not in (OK, BAD_INPUT) and "Input/output error" in done.stderr and done.rows == []
    assert spool.flush(relay).verdicts == ["delivered"]


def test_users_cannot_list_read_or_remove(spool):
    drop(spool)
    [file] = dropped(spool)
    for words in (["ls", spool.drop], ["cat", file], ["rm", "-f", file], ["mv", file, file.parent / "mine"],
                  ["ls", spool.path], ["cp", "/dev/null", spool.path / "x"]):
        assert subprocess.run([*as_user(OTHER), *words], capture_output=True, timeout=LIMIT_S).returncode != 0, words
    assert dropped(spool) == [file]


def symlink(file, _):
    file.unlink()
    file.symlink_to("/etc/passwd")


def hard_link(file, place):
    victim = place / "victim"
    file.rename(victim)
    os.link(victim, file)


def of_the_owner(file, _):
    own(file, 0)


def fifo(file, _):
    file.unlink()
    os.mkfifo(file)


def unix_socket(file, _):
    file.unlink()
    socket.socket(socket.AF_UNIX).bind(str(file))


def directory(file, _):
    file.unlink()
    file.mkdir()
    (file / "x").write_text("x")


def sparse(file, _):
    os.truncate(file, 1 << 40)


def no_id(file, _):
    file.rename(file.parent / "x\n\x1b[2J")


def other_id(file, _):
    file.rename(file.parent / ("0" * 16 + ".mail"))


def text(octets):
    return lambda file, _: forge(file, text=octets)


def envelope(*words, rcpts=1):
    return lambda file, _: forge(file, envelope=words[0] if isinstance(words[0], bytes) else words, rcpts=rcpts)


def overlong(file, _):
    """the envelope ends behind what has a checksum"""
    forge(file, text=b"")
    data = bytearray(file.read_bytes())
    body = data[BODY + 8:-5]
    data[BODY:BODY + 8] = struct.pack("<II", len(body), zlib.crc32(body))
    file.write_bytes(data)


WRONG = {
    "symbolic link": (symlink, "symbolic link"),
    "hard link": (hard_link, "other names"),
    "owner's file": (of_the_owner, "spool's owner"),
    "FIFO": (fifo, "no regular file"),
    "socket": (unix_socket, "No such device or address"),
    "directory": (directory, "no regular file"),
    "sparse": (sparse, "too large"),
    "empty": (lambda file, _: file.write_bytes(b""), "it is damaged"),
    "cut": (lambda file, _: os.truncate(file, 1045), "it is damaged"),
    "no id": (no_id, "no mail's"),
    "the longest name": (lambda file, _: file.rename(file.parent / ("\x01" * 255)), "/" + "\\x01" * 255 + f" of user {USER} "),
    "another id": (other_id, "not that of its name"),
    "NUL": (text(b"Subject: x\r\n\r\n\0"), "NUL"),
    "no text": (text(b""), "header field"),
    "continues our field": (text(b" 0\r\n\r\nx"), "header field"),
    "a CR in front": (text(b"\rX: y\r\n\r\nx"), "header field"),
    "continues it by a TAB": (text(b"\t0\r\n\r\nx"), "header field"),
    "endless header": (text(b"X: y\r\n" * 1_500_000 + b"\r\nx"), "header is too large"),
    "CR LF in a recipient": (envelope(SENDER, A + ">\r\nRCPT TO:<b@example.test"), "recipient"),
    "CR LF in the sender": (envelope("s@x.test>\r\nRSET", A), "sender"),
    "no recipient": (envelope(SENDER), "it is damaged"),
    "empty recipient": (envelope(SENDER, ""), "recipient"),
    "fewer recipients": (envelope(SENDER, A, rcpts=2), "it is damaged"),
    "33 recipients": (envelope(SENDER, *[A] * 33, rcpts=33), "it is damaged"),
    "no NUL": (envelope(SENDER.encode() + b"\0" + A.encode()), "it is damaged"),
    "envelope longer than the body": (overlong, "it is damaged"),
    "endless recipient": (envelope(SENDER, "a" * 13_200 + "@x.test"), "it is damaged"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_set_aside_once(spool, relay, place, wrong):
    drop(spool)
    [file] = dropped(spool)
    change, words = WRONG[wrong]
    change(file, place)
    for path in spool.drop.iterdir():
        if wrong not in ("owner's file", "hard link"):
            own(path)
    drop(spool, uid=OTHER)
    done = flush(spool, relay)
    assert (done.returncode, done.verdicts, len(relay.mails)) == (BAD_INPUT, ["delivered"], 1), done.stderr
    [line] = done.stderr.splitlines()
    assert words in line and "\x1b" not in line, line
    [aside] = [name for name in spool.names() if name.endswith(".damaged")]
    assert aside in line and list(spool.drop.iterdir()) == []
    again = flush(spool, relay)
    assert (again.returncode, again.stderr) == (OK, "") and aside in spool.queue().stderr


def test_who_writes_is_left_alone(spool, relay):
    """his file has no name of a mail yet"""
    drop(spool)
    with open(spool.drop / "tmp.0123456789abcdef", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        own(spool.drop / file.name)
        done = flush(spool, relay)
        assert (done.returncode, done.stderr, done.verdicts) == (OK, "", ["delivered"])
        assert [path.name for path in spool.drop.iterdir()] == ["tmp.0123456789abcdef"] and spool.names() == ["drop"]


def test_a_link_in_place_of_the_directory(spool, relay, place):
    """is not followed, neither by who drops nor by who takes"""
    drop(spool)
    spool.drop.rename(place / "elsewhere")
    spool.drop.symlink_to(place / "elsewhere")
    done = flush(spool, relay)
    assert (done.returncode, done.verdicts, len(dropped(spool))) == (OS_ERROR, [], 1)
    assert f"{spool.path}/drop cannot be opened: Not a directory: nothing is taken from it" in done.stderr
    done = spool.send(options=["--relay", "relay.test", "--background"], wrap=as_user(USER))
    assert done.returncode == NOT_STORED and "its directory drop cannot be used: Not a directory" in done.stderr and len(dropped(spool)) == 1


@pytest.mark.parametrize("mode, owner, used", [(0o755, 0, True), (0o1777, 0, True), (0o777, 0, False), (0o1733, USER, False)])
def test_a_directory_where_users_take_each_others_files(spool, relay, mode, owner, used):
    drop(spool)
    spool.drop.chmod(mode)
    os.chown(spool.drop, owner, owner)
    done = flush(spool, relay)
    assert done.verdicts == ["delivered"] * used and (done.returncode, len(dropped(spool))) == ((OK, 0) if used else (NOT_STORED, 1))
    assert used or "must belong to the spool's owner and have mode 1733: nothing is taken from it" in done.stderr


def test_the_same_file_unforged_is_sent(spool, relay):
    """what the forger makes is refused for what is in it"""
    drop(spool)
    forge(dropped(spool)[0])
    assert flush(spool, relay).verdicts == ["delivered"] and relay.mails[0].text.endswith(b"Subject: x\r\n\r\nx\r\n")


@pytest.mark.parametrize("text, sent", [(b"X: a\rb\r\nY: c\r\n\r\n\rx\r\n", b"X: a b\r\nY: c\r\n\r\n\r\nx\r\n"), (b"X: a\r", b"X: a \r\n"), (b"X: a\n\nx\n", b"X: a\r\n\r\nx\r\n"),
                                        (b"X: a\r\r\n\r\nx", b"X: a \r\n\r\nx\r\n")])
def test_a_cr_alone_is_a_blank_in_a_header(spool, relay, text, sent):
    """to a relay it would begin a field that nobody has looked at"""
    drop(spool)
    forge(dropped(spool)[0], text=text)
    assert flush(spool, relay).verdicts == ["delivered"]
    assert relay.mails[0].text == b"X-Mailmote-Uid: %d\r\n" % USER + sent


def test_what_else_is_the_droppers(spool, relay):
    """nobody as a sender, and that no relay but a verified one may have it"""
    drop(spool)
    forge(dropped(spool)[0], envelope=("", A))
    assert flush(spool, relay).verdicts == ["delivered"] and relay.mails[0].sender == ""
    drop(spool)
    file = File(dropped(spool)[0])
    file.flags |= 1 << 3
    file.write()
    assert flush(spool, relay).verdicts == ["deferred"] and spool.file().verified_only and len(relay.mails) == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("fault, status, said, kept", [
    (["-e", "inject=syncfs:error=EIO"], OK, "the mail's name cannot be written to the disk: Input/output error", 1),
    (["-e", "inject=openat:error=EMFILE", "-P", "SPOOL"], NOT_STORED, "its directory drop cannot be used: Too many open files", 0),
    (["-e", "inject=fsync:error=EIO"], NOT_STORED, "the mail cannot be stored in SPOOL: Input/output error", 0)])
def test_a_system_that_fails_who_drops(spool, place, fault, status, said, kept):
    """what is dropped all the same is no less a mail"""
    (place / "conf").write_text("relay relay.test\n")
    wrap = ["strace", "-qq", "-o", "/dev/null", *(spool.path if word == "SPOOL" else word for word in fault), *as_user()]
    done = spool.send(options=["-C", place / "conf", "--background"], wrap=wrap)
    assert said.replace("SPOOL", str(spool.path)) in done.stderr and (done.returncode, len(dropped(spool))) == (status, kept), done


def test_who_dropped_it_is_not_the_droppers_to_say(spool, relay):
    """fields with the name of ours are left out, however they are written; others, and the body, stay as they are"""
    kept = b"Subject: x\r\n X-Mailmote-Uid: 1\r\nX-Mailmote-Uids: 2\r\n%s\r\n\r\nX-Mailmote-Uid: 3\r\n"
    long = b"X-Long: " + b"\r\n ".join([b"y" * 900] * 200)
    drop(spool)
    forge(dropped(spool)[0], text=kept % (b"X-MAILMOTE-UID: 0\r\nx-mailmote-uid\t: 0\r\n 0\r\nX-Mailmote-Uid\r\n : 0\r\n" + long +
                                          b"\r\nX-Mailmote-Uid:0"))
    assert flush(spool, relay).verdicts == ["delivered"]
    assert relay.mails[-1].text == b"X-Mailmote-Uid: %d\r\n" % USER + kept % long
    drop(spool, "--raw", text=b"From: s@example.org\nX-Mailmote-Uid: 0\nSubject: x\n\nx\n")
    assert flush(spool, relay).verdicts == ["delivered"] and relay.mails[-1].text.count(b"X-Mailmote-Uid") == 1
    drop(spool)
    forge(dropped(spool)[0], text=b"X-Mailmote-Uid: 0\r\n\r\nx\r\n")
    assert flush(spool, relay).verdicts == ["delivered"]
    assert relay.mails[-1].text == b"X-Mailmote-Uid: %d\r\n\r\nx\r\n" % USER


def test_where_a_header_ends(spool, relay):
    """a text is read 4,096 octets at a time, and an end of line has two"""
    fields = b"".join(b"X: %s\r\n" % (b"y" * 900) for _ in range(4))
    texts = [fields + b"X: " + b"y" * (length - len(fields) - 3) + b"\r\n\r\nline\r\n" for length in range(4088, 4100)]
    for text in texts:
        drop(spool)
        forge(dropped(spool)[-1], text=text)
        assert flush(spool, relay).verdicts == ["delivered"]
    assert [mail.text for mail in relay.mails] == [b"X-Mailmote-Uid: %d\r\n" % USER + text for text in texts]
    for text, left in {
            b"X: y\n\nX-Mailmote-Uid: 0\r\n": b"X: y\r\n\r\nX-Mailmote-Uid: 0\r\n",  # of a maker who does not know of both
            b"X: y\n\r\nX-Mailmote-Uid: 0\n": b"X: y\r\n\r\nX-Mailmote-Uid: 0\r\n",
            b"X: y\r\rX-Mailmote-Uid: 0\r\n\r\ny\rz": b"X: y  X-Mailmote-Uid: 0\r\n\r\ny\r\nz\r\n",  # a CR alone ends no line
            b"X: y\r\nz\r\nX-Mailmote-Uid: 0\r\n\r\nline\r\n": b"X: y\r\nz\r\n\r\nline\r\n",  # what is no field ends no header
            b"X: y\n\rX-Mailmote-Uid: 0\r\r\n\n": b"X: y\r\n X-Mailmote-Uid: 0 \r\n\r\n",
            b"X: y\r" + b"z" * 16379 + b"\r\rX-Mailmote-Uid: 0\n\r\r\nX-Mailmote-Uid: 0\n\n": b""}.items():
        drop(spool)
        forge(dropped(spool)[-1], text=text)
        assert flush(spool, relay).verdicts == ["delivered"]
        mail = relay.mails[-1].text
        assert mail.startswith(b"X-Mailmote-Uid: %d\r\n" % USER) and mail.endswith(left)
        assert mail.partition(b"\r\n\r\n")[0].count(b"\nX-Mailmote-Uid") == 0


def waiting(spool, relay):
    """another user's mail that waits, its id, and its file's octets"""
    relay.replies = {A: "450 later"}
    [row] = spool.send(relay).rows
    return row[0], (spool.path / f"{row[0]}.mail").read_bytes()


def test_an_id_that_the_spool_has(spool, relay):
    """a mail cannot be written over by who knows its id, and his own is another mail, each time"""
    number, before = waiting(spool, relay)
    for uid in USER, OTHER:
        drop(spool, to=("b@example.test",))
        forge(dropped(spool)[0], envelope=(SENDER, "b@example.test"), number=number)
        own(dropped(spool)[0], uid)
        assert flush(spool, relay).verdicts == ["delivered"]
        assert (spool.path / f"{number}.mail").read_bytes() == before
    relay.replies = {}
    assert [row[:3] for row in spool.flush(relay, options=["--now"]).rows] == [[number, A, "delivered"]]


def test_an_id_whose_notice_would_be_another_mail(spool, relay):
    """the notice of a mail has an id that comes of the mail's, and so had its file"""
    number, before = waiting(spool, relay)
    chosen = f"{int(number, 16) ^ 2**64 - 1 ^ 1 << 56:016x}"
    drop(spool)
    forge(dropped(spool)[0], envelope=(SENDER, "b@example.test"), number=chosen)
    relay.replies["b@example.test"] = "550 no"
    assert flush(spool, relay).verdicts == ["failed", "delivered"]
    assert (spool.path / f"{number}.mail").read_bytes() == before
    relay.replies = {}
    assert [row[:3] for row in spool.flush(relay, options=["--now"]).rows] == [[number, A, "delivered"]]


def test_a_copy_that_is_damaged(spool, relay):
    """when it is found by the next run, in the place of no other mail"""
    number, before = waiting(spool, relay)
    (spool.path / f"{number}.taken").write_text("x")
    done = flush(spool, relay)
    [aside] = spool.path.glob("*.mail.damaged")
    assert done.returncode == BAD_INPUT and aside.name in done.stderr and aside.read_text() == "x"
    assert (spool.path / f"{number}.mail").read_bytes() == before


def test_a_directory_anybody_can_empty_is_not_used(spool, relay):
    drop(spool)
    spool.drop.chmod(0o733)
    done = flush(spool, relay)
    assert done.returncode == NOT_STORED and "1733" in done.stderr and relay.talks == []


def aside(spool):
    return sorted(spool.path.glob("*.damaged"))


def litter(spool, count):
    for number in range(count):
        path = spool.drop / f"junk{number}"
        path.write_text("x") if number % 2 else path.mkdir()
        own(path)


def test_one_user_does_not_hold_up_another(spool, relay):
    """what is no mail is set aside, sixteen at a time, behind which no flush stays for more of it; no more of a user is kept, and another's mail is sent"""
    drop(spool)
    [file] = dropped(spool)
    litter(spool, 50)
    own(file, OTHER)
    done = flush(spool, relay)
    left = len(list(spool.drop.iterdir()))
    assert (done.returncode, len(relay.mails)) == (BAD_INPUT, 1) and left >= 18, done.stderr
    kept = aside(spool)
    assert len(kept) == done.stderr.count("see what can be saved") == 16 and done.stderr.count("no mail to be sent") == 50 - left
    while left:
        left = max(left - 16, 0)
        done = flush(spool, relay)
        assert (done.returncode, len(list(spool.drop.iterdir())), aside(spool)) == (BAD_INPUT, left, kept)
        assert done.stderr.count("it is removed, as 16") == done.stderr.count("no mail to be sent")
    assert flush(spool, relay).returncode == OK
    assert spool.queue("--delete", kept[0].name[:16]).returncode == OK
    litter(spool, 2)
    assert flush(spool, relay).stderr.count("it is removed, as 16") == 1 and len(aside(spool)) == 16


def test_no_room_for_what_is_wrong_is_no_bound_for_others(spool, relay):
    litter(spool, 20)
    for number in range(20):
        own(spool.drop / f"junk{number}", USER if number < 16 else OTHER)
    assert flush(spool, relay).stderr.count("see what can be saved") == len(aside(spool)) == 20


def test_what_cannot_be_removed_is_told(spool, relay):
    """a directory that is not empty"""
    litter(spool, 16)
    flush(spool, relay)
    (spool.drop / "junk").mkdir()
    (spool.drop / "junk" / "x").write_text("x")
    own(spool.drop / "junk")
    done = flush(spool, relay)
    assert (done.returncode, len(aside(spool))) == (BAD_INPUT, 16) and "remove it; it cannot be removed: Directory not empty" in done.stderr


def test_all_that_was_dropped_is_taken(spool, relay):
    """by one flush, sixteen of a user at a time: another user waits for no more of them"""
    for _ in range(40):
        drop(spool)
    before = dropped(spool)
    drop(spool, uid=OTHER)
    [other] = set(dropped(spool)) - set(before)
    done = flush(spool, relay)
    assert (done.returncode, done.verdicts, done.stderr, dropped(spool)) == (OK, ["delivered"] * 41, "", [])
    assert other.stem in [mail.id.split("@")[0] for mail in relay.mails[:17]]


def multiply(spool, count):
    """a dropped mail"""
    drop(spool)
    [file] = dropped(spool)
    for number in range(count - 1):
        path = spool.drop / f"{number:016x}.mail"
        shutil.copy(file, path)
        own(path)
        forge(path)


def test_who_drops_without_end_keeps_no_flush_from_its_end(spool, relay):
    """and what is left is the next one's"""
    multiply(spool, 300)
    assert flush(spool, relay).verdicts == ["delivered"] * 16 * 18
    assert flush(spool, relay).verdicts == ["delivered"] * 12


class Watched(list):
    """calls at that length"""
    def __init__(self, at, call):
        self.at, self.call = at, call

    def append(self, one):
        super().append(one)
        if len(self) == self.at:
            self.call()


def test_who_drops_without_end_keeps_nobody_from_now(spool, relay):
    """flush --now, beside one that is at work on what was dropped behind the last mail"""
    number, _ = waiting(spool, relay)
    relay.replies = {}
    multiply(spool, 200)
    for file in dropped(spool):
        forge(file, envelope=(SENDER, "b@example.test"))
    relay.mails = Watched(40, (spool.path / "mailmote-now").touch)
    done = flush(spool, relay)
    assert done.returncode == OK and number in [row[0] for row in done.rows[:100]]


def test_memory_of_one_is_enough_for_all(spool, relay):
    for _ in range(8):
        drop(spool)
    done = spool.flush(relay, wrap=pretend(MEMORY_KB=40 << 10))
    assert (done.returncode, done.stderr) == (OK, "") and len(relay.mails) == 8 and dropped(spool) == []


def test_what_cannot_be_taken_is_not_tried_for_ever(spool, relay):
    """and what is behind it waits for another flush"""
    for _ in range(20):
        drop(spool)
    done = spool.flush(relay, wrap=["strace", "-qq", "-o", "/dev/null", "-e", "inject=renameat:error=EIO"])
    assert done.returncode == NOT_STORED and len(dropped(spool)) == 20
    assert flush(spool, relay).verdicts == ["delivered"] * 20


def call_at(spool, relay, trace, call, words):
    """the number of a call of a kind, as strace counts, of a flush without a fault: the first one with these words"""
    assert spool.flush(relay, wrap=["strace", "-qq", "-e", f"trace={call}", "-o", trace]).returncode == OK
    return next(number for number, line in enumerate(trace.read_text().splitlines(), 1) if words in line)


@pytest.mark.parametrize("call, words, error", [("openat", '.mail", O_RDONLY|O_NOCTTY', "EIO"),
                                                ("openat", '.mail", O_RDONLY|O_NOCTTY', "EACCES"),
                                                ("openat", '.mail", O_RDONLY|O_NOCTTY', "ESTALE"),
                                                ("openat", '.mail", O_RDONLY|O_NOCTTY', "ENFILE"),
                                                ("pread64", "mailmot1", "EIO")])
def test_what_cannot_be_read_now_waits(spool, relay, place, call, words, error):
    """and another user's does not; behind that one it is tried once more"""
    drop(spool)
    at = call_at(spool, relay, place / "trace", call, words)
    relay.mails.clear()
    drop(spool)
    drop(spool, uid=OTHER)
    names = {file.name for file in dropped(spool)}
    done = spool.flush(relay, wrap=["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={error}:when={at}"])
    assert (done.returncode, done.verdicts, dropped(spool)) == (OS_ERROR, ["delivered"] * 2, []), done.stderr
    [waited] = [name for name in names if name in done.stderr]
    assert done.stderr.count("it waits") == 1 and relay.mails[1].id.split("@")[0] == waited[:16]


@pytest.mark.parametrize("error, status, told", [("EIO", OS_ERROR, True), ("ENOENT", OK, False)])
def test_what_cannot_be_looked_at_waits(spool, relay, error, status, told):
    """and another user's does not, nor is a word said of one that its maker has taken away"""
    drop(spool)
    [file] = dropped(spool)
    drop(spool, uid=OTHER)
    done = spool.flush(relay, wrap=["strace", "-qq", "-o", "/dev/null", "-P", file.name, "-e", f"inject=%fstat:error={error}"])
    assert (done.returncode, done.verdicts, dropped(spool)) == (status, ["delivered"], [file]), done.stderr
    assert ("drop cannot be looked at: Input/output error: what was dropped waits" in done.stderr) == (done.stderr != "") == told


def test_what_has_gone_wrong_with_the_directory_is_told_once(spool, relay):
    """though there are more mails than are taken at a time"""
    multiply(spool, 18)
    done = spool.flush(relay, wrap=["strace", "-qq", "-o", "/dev/null", "-P", "drop", "-e", "inject=openat:error=EMFILE:when=2+"])
    assert (done.returncode, done.verdicts, len(dropped(spool))) == (OS_ERROR, ["delivered"] * 16, 2), done.stderr
    assert done.stderr == f"mailmote: {spool.path}/drop cannot be opened: Too many open files: nothing is taken from it\n"


def test_no_room_for_one_holds_up_no_other(spool, relay, place):
    """the first one in the directory is the one that does not fit; behind the other there is room"""
    drop(spool)
    at = call_at(spool, relay, place / "trace", "pwrite64", SENDER)
    relay.mails.clear()
    drop(spool)
    drop(spool, uid=OTHER)
    done = spool.flush(relay, wrap=["strace", "-qq", "-o", "/dev/null", "-e", f"inject=pwrite64:error=ENOSPC:when={at}"])
    assert (done.returncode, done.verdicts, dropped(spool)) == (NOT_STORED, ["delivered"] * 2, []), done.stderr
    assert len(relay.mails) == 2 and done.stderr.count("No space left") == 1


KILLER = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
static int left = -1;
static void count(void)
{
    if (left < 0)
        left = atoi(getenv("KILL_AT"));
    if (--left != 0)
        return;
    if (getenv("CUT") != NULL) {
        if (truncate(getenv("CUT"), atoi(getenv("CUT_TO"))) != 0)
            return;
    } else if (getenv("SPOIL") != NULL) {
        int fd = open(getenv("SPOIL"), O_WRONLY);
        syscall(SYS_pwrite64, fd, "", 1, lseek(fd, 0, SEEK_END) - 4);
        close(fd);
    } else if (getenv("FORGE") != NULL) {
        const char *field = "X-Mailmote-Uid: 0\r\n\r\n";
        int fd = open(getenv("FORGE"), O_WRONLY);
        syscall(SYS_pwrite64, fd, field, strlen(field), atol(getenv("FORGE_AT")));
        close(fd);
    } else {
        kill(getpid(), SIGKILL);
    }
}
int renameat(int a, const char *b, int c, const char *d) { count(); return (int)syscall(SYS_renameat2, a, b, c, d, 0); }
int unlinkat(int a, const char *b, int c) { count(); return (int)syscall(SYS_unlinkat, a, b, c); }
int fsync(int fd) { count(); return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { count(); return (int)syscall(SYS_fdatasync, fd); }
int syncfs(int fd) { count(); return (int)syscall(SYS_syncfs, fd); }
ssize_t pwrite(int a, const void *b, size_t c, off_t d) { count(); return syscall(SYS_pwrite64, a, b, c, d); }
ssize_t pread(int a, void *b, size_t c, off_t d) { count(); return syscall(SYS_pread64, a, b, c, d); }
int flock(int a, int b) { count(); return (int)syscall(SYS_flock, a, b); }
"""


@pytest.fixture(scope="module")
def killer():
    compiler = shutil.which("cc") or pytest.skip("no compiler")
    place = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-kill-"))
    place.chmod(0o755)
    library = place / "kill.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=KILLER.encode(), check=True)
    yield lambda at, *more: ["env", f"LD_PRELOAD={library}", f"KILL_AT={at}", *more]
    shutil.rmtree(place)


@pytest.mark.parametrize("who", ["send", "flush"])
def test_killed_at_each_call(spool, relay, killer, closed, who):
    """a mail that was stored is one mail, and what was not stored is none"""
    for at in range(1, 200):
        relay.mails.clear()
        if who == "send":
            done = spool.send(options=["--relay", closed, "--background"], wrap=[*as_user(), *killer(at)])
        else:
            drop(spool)
            done = spool.flush(closed, wrap=killer(at))
        ended = done.returncode != -signal.SIGKILL
        assert ended or done.returncode == -signal.SIGKILL
        spool.flush(closed)
        sent = spool.flush(relay, options=["--now"])
        assert (sent.returncode, sent.stderr) == (OK, ""), (at, sent.stderr)
        assert len(relay.mails) == 1 or (len(relay.mails) == 0 and who == "send" and not ended), at
        assert [name for name in spool.names() if name != "relays"] == ["drop"] and not list(spool.drop.iterdir()), at
        if ended:
            break
    assert ended and at > 5


@pytest.mark.parametrize("change", ["CUT", "SPOIL"])
def test_a_file_that_changes_while_it_is_read(spool, relay, killer, change):
    """before each call of flush: it is sent as it was, or set aside; never half of it, and never a NUL"""
    aside = 0
    for at in range(1, 40):
        relay.mails.clear()
        drop(spool, text=b"hello\n" * 2000)
        [file] = dropped(spool)
        before = file.stat().st_size
        done = spool.flush(relay, wrap=killer(at, f"{change}={file}", f"CUT_TO={before - 6000}"))
        if done.returncode == BAD_INPUT:
            aside += 1
            assert relay.mails == []
        else:
            assert done.returncode == OK and relay.mails[0].text.count(b"hello\r\n") == 2000, (at, done.stderr)
        assert list(spool.drop.iterdir()) == []
        for path in spool.path.glob("*.damaged"):
            path.unlink()
        assert [name for name in spool.names() if name != "relays"] == ["drop"], at
    assert 0 < aside < 39


def test_a_header_that_grows_while_it_is_read(spool, relay, killer):
    """before each call of flush its maker puts a field in the place of the empty line: what was looked at is what is sent"""
    for at in range(1, 40):
        relay.mails.clear()
        drop(spool, text=b"hello\n" * 2000)
        [file] = dropped(spool)
        end = file.read_bytes().index(b"\r\n\r\n") + 2
        done = spool.flush(relay, wrap=killer(at, f"FORGE={file}", f"FORGE_AT={end}"))
        assert done.returncode == BAD_INPUT or relay.mails[0].text.partition(b"\r\n\r\n")[0].count(b"X-Mailmote-Uid") == 1, at
        for path in spool.path.glob("*.damaged"):
            path.unlink()


@pytest.mark.parametrize("text", [b"hello\n", b"hello\n" * 3000], ids=["short", "long"])
def test_what_cannot_be_read_once_waits(spool, relay, text):
    """it is the disk that is to blame, not who dropped the mail"""
    late = 0
    for when in range(1, 60):
        relay.mails.clear()
        drop(spool, text=text)
        [file] = dropped(spool)
        done = spool.flush(relay, wrap=fail(file, "pread64", "EIO", when))
        late += done.returncode != OK
        assert done.returncode == OK or "Input/output error: it waits" in done.stderr, (when, done.stderr)
        assert not list(spool.path.glob("*.damaged")) and (done.returncode == OK or spool.flush(relay).returncode == OK), when
        assert len(relay.mails) == 1, when
        if done.returncode == OK and when > late + 3:
            break
    assert 2 < late < 50


def test_a_directory_in_the_place_of_a_file_that_was_taken(spool, relay, killer):
    """cut short when the copy is whole; then its maker puts a directory there"""
    drop(spool)
    [file] = dropped(spool)
    at = 1
    while not list(spool.path.glob("*.taken")) and at < 200:
        spool.flush(relay, wrap=killer(at))
        at += 1
    assert [path.stem for path in spool.path.glob("*.taken")] == [file.stem] and relay.mails == []
    file.unlink()
    file.mkdir()
    own(file)
    done = flush(spool, relay)
    assert (done.returncode, len(relay.mails), list(spool.drop.iterdir())) == (BAD_INPUT, 1, []), done.stderr
    assert flush(spool, relay).returncode == OK and len(relay.mails) == 1

# SPDX-License-Identifier: MIT
"""What `send` makes of its options: who gets the mail and who is seen, as a real server stored it."""
import contextlib
import email
import email.policy
import os
import pathlib
import pty
import re
import select
import subprocess
import time

import pytest

from client import ALICE, BOB, COMMAND, LIMIT_S, delivered, new_token
from clock import Clock
from pretend import pretend
from relay import Relay, run
from test_delivery import every_server
from test_spool_trouble import fail

CAROL = "c@example.test"


def read(mail):
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def lines(part):
    return part.get_content().replace("\r\n", "\n")


def compose(postfix, mailmote, *options, text=b"hello\n", to=(ALICE,)):
    token = new_token()
    result = mailmote.send(postfix, text, "--subject", token, *options, to=to, raw=False)
    return token, result


def test_copies(postfix, mailmote):
    """Cc is a field, Bcc is not; each gets the mail, and a line"""
    token, result = compose(postfix, mailmote, "--cc", BOB, "--bcc", CAROL)
    result.asked = (ALICE, BOB, CAROL)
    delivered(result)
    for to in (ALICE, BOB, CAROL):
        mail = postfix.wait_for_mail(token, to=to)
        assert read(mail)["To"] == ALICE and read(mail)["Cc"] == BOB
        assert CAROL.encode() not in mail.content


def test_nobody_but_bcc(postfix, mailmote):
    token, result = compose(postfix, mailmote, "--bcc", BOB, to=())
    result.asked = (BOB,)
    delivered(result)
    mail = postfix.wait_for_mail(token, to=BOB)
    assert "To" not in read(mail) and BOB.encode() not in mail.content


# ---- Fields ----------------------------------------------------------------------------------------------------------

def test_fields(postfix, mailmote):
    token, result = compose(postfix, mailmote, "--reply-to", BOB, "--name", 'Jürgen "Jo" Ö., Halle 3', "--priority", "high")
    delivered(result)
    mail = read(postfix.wait_for_mail(token))
    [sender] = mail["From"].addresses
    assert sender.display_name == 'Jürgen "Jo" Ö., Halle 3' and sender.addr_spec == "sender@example.org"
    assert mail["Reply-To"] == BOB and mail["Importance"] == "high" and mail["X-Priority"] == "1"


@pytest.mark.parametrize("priority, fields", [("low", ("low", "5")), ("normal", (None, None))])
def test_priority(postfix, mailmote, priority, fields):
    token, result = compose(postfix, mailmote, "--priority", priority)
    delivered(result)
    mail = read(postfix.wait_for_mail(token))
    assert (mail["Importance"], mail["X-Priority"]) == fields


@pytest.mark.parametrize("sender, domain", [("s@example.org", "example.org"), ("s@[192.0.2.1]", "mailmote.invalid"),
                                            ("s@" + "x." * 100 + "test", "mailmote.invalid")])
def test_message_id_of_a_host_without_a_name(sender, domain):
    """it has the sender's, where that is a name"""
    relay = Relay()
    done = run(COMMAND, "send", "--relay", relay.where, "--from", sender, ALICE, wrap=pretend(HOST="box", RESOLVER=0))
    relay.stop()
    assert done.returncode == 0 and re.fullmatch("[0-9a-f]{16}@" + domain, relay.mails[0].id), relay.mails


@pytest.mark.parametrize("keep", [True, False], ids=["spool", "no spool"])
@pytest.mark.parametrize("host", ["mote.example.com", f"mote.{'x' * 55}.com"], ids=["short", "64 octets"])
def test_message_id_of_a_host_with_a_full_name(tmp_path, host, keep):
    """it has that, whether the mail is kept or not: no resolver is needed to know it"""
    relay = Relay()
    done = run(COMMAND, "send", *(["--spool", tmp_path / "spool"] if keep else []), "--relay", relay.where, "--from", "s@example.org", ALICE,
               wrap=pretend(HOST=host))
    relay.stop()
    assert done.returncode == 0 and re.fullmatch("[0-9a-f]{16}@" + re.escape(host), relay.mails[0].id), relay.mails


@pytest.mark.parametrize("keep, line, sender, domain", [
    (False, "", "root@box.corp.test", "box.corp.test"), (True, "", "root@box.corp.test", "mailmote.invalid"),
    (False, "maildomain example.org", "root@example.org", "example.org"),
    (True, "maildomain example.org", "root@example.org", "example.org")])
def test_name_of_a_host_that_its_resolver_knows_in_full(tmp_path, keep, line, sender, domain):
    """it is asked for what nothing else completes; of a mail that is kept not before that is stored, and its id is made before"""
    relay, conf = Relay(), tmp_path / "conf"
    conf.write_text(f"relay {relay.where}\n{line}\n")
    done = run(COMMAND, "send", "-C", conf, *(["--spool", tmp_path / "spool"] if keep else []), ALICE, text=b"x\n",
               wrap=pretend(HOST="box", FULL="box.corp.test"), env={"LOGNAME": "root"})
    relay.stop()
    [mail] = relay.mails
    assert (done.returncode, mail.sender, mail.id[16:]) == (0, sender, f"@{domain}")


# ---- Files -----------------------------------------------------------------------------------------------------------

@every_server
def test_attachments(server, mailmote, tmp_path):
    """as they are, whatever they hold, in their order"""
    files = {"log.txt": b"one\n\ntwo\r\n.\n", "Bär \"1\" 世界.jpg": os.urandom(70001), "empty.bin": b"", "x.csv": b"a,b\n"}
    options = []
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
        options += ["--attach", str(tmp_path / name)]
    options[-1] += ":text/x-table"
    token = new_token()
    text = "Grüße\n.\nFrom here\n" + token
    delivered(mailmote.send(server, text.encode(), "--subject", token, *options, raw=False))
    mail = read(server.wait_for_mail(token))
    body, *parts = mail.iter_parts()
    assert lines(body) == text + "\n" and mail.get_content_type() == "multipart/mixed"
    assert {part.get_filename(): part.get_content() if part.get_content_maintype() != "text" else part.get_payload(decode=True)
            for part in parts} == files
    assert [part.get_content_type() for part in parts] == ["text/plain", "image/jpeg", "application/octet-stream", "text/x-table"]
    assert all(part.get_content_disposition() == "attachment" for part in parts)


def test_html(postfix, mailmote, tmp_path):
    page = "<p>Grüße</p>\n"
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    token, result = compose(postfix, mailmote, "--html", str(tmp_path / "page.html"), "--attach", str(tmp_path / "a.png"))
    delivered(result)
    mail = read(postfix.wait_for_mail(token))
    both, picture = mail.iter_parts()
    assert both.get_content_type() == "multipart/alternative"
    assert [lines(part) for part in both.iter_parts()] == ["hello\n", page]
    assert [part.get_content_type() for part in both.iter_parts()] == ["text/plain", "text/html"]
    assert picture.get_content() == b"\x89PNG"


def test_a_path_with_a_colon(postfix, mailmote, tmp_path):
    """a file that is there is no type"""
    (tmp_path / "a:b").mkdir()
    (tmp_path / "a:b/c").write_bytes(b"x")
    token, result = compose(postfix, mailmote, "--attach", str(tmp_path / "a:b/c"), "--attach", str(tmp_path / "a:b/c") + ":x/y")
    delivered(result)
    parts = list(read(postfix.wait_for_mail(token)).iter_parts())[1:]
    assert [(part.get_filename(), part.get_content_type()) for part in parts] == [("c", "application/octet-stream"), ("c", "x/y")]


def test_a_file_that_shows_no_size(postfix, mailmote, tmp_path):
    """as those of /proc: all of it arrives"""
    (tmp_path / "empty").write_bytes(b"")
    token, result = compose(postfix, mailmote, "--attach", "/proc/version", "--attach", str(tmp_path / "empty"))
    delivered(result)
    parts = list(read(postfix.wait_for_mail(token)).iter_parts())[1:]
    assert [part.get_content() for part in parts] == [pathlib.Path("/proc/version").read_bytes(), b""]


@pytest.mark.parametrize("keep", [True, False], ids=["spool", "no spool"])
@pytest.mark.parametrize("option", ["--attach", "--html"])
def test_unreadable(mailmote, tmp_path, option, keep):
    """told by its name before anything is stored or sent, or standard input is read"""
    spool = tmp_path / "spool"
    (tmp_path / "nul.html").write_bytes(b"a\0b")
    os.mkfifo(tmp_path / "pipe")
    for name, word in {"missing": "No such file", "a:/b": "No such file", "a:b/": "No such file", "a:b/c/d": "No such file", "pipe": "regular file", ".": "regular file", "nul.html": "NUL"}.items():
        if name == "nul.html" and option == "--attach":
            continue
        where = ["--spool", str(spool)] if keep else []
        result = mailmote.send([1], b"text", *where, option, f"{tmp_path}/{name}", raw=False, verbose=False)
        assert result.status == 66 and f"{tmp_path}/{name}" in result.err and word in result.err, result.err
        assert not spool.exists() or [file.name for file in spool.iterdir() if file.name != "drop"] == []


@pytest.mark.parametrize("name, given, status, says", [
    ("a\tb.txt", "", 65, "a\\x09b.txt: its name holds a control character: rename it"),
    ("a\x7f", ":text/plain", 65, "a\\x7F: its name holds a control character: rename it"),
    ("a.txt", ":text/pl\tain", 66, "a.txt:text/pl\\x09ain cannot be read: No such file"), ("a\tb/c.txt", "", 0, None)])
def test_control_characters_in_a_name(tmp_path, name, given, status, says):
    """are told with it; those of a directory go nowhere"""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"x")
    relay = Relay()
    done = run(COMMAND, "send", "--relay", relay.where, "--from", "s@example.org", "--attach", f"{tmp_path / name}{given}", ALICE, text=b"x\n")
    relay.stop()
    assert done.returncode == status and (done.stderr == "" if says is None else says in done.stderr), done.stderr
    assert len(relay.mails) == (status == 0)


@pytest.mark.parametrize("option, name, call, error, status", [
    ("--attach", "data", "%fstat", "EIO", 66), ("--attach", "data", "pread64", "EIO", 65), ("--attach", "/proc/version", "read", "EIO", 66),
    ("--html", "data", "%fstat", "EIO", 66), ("--html", "data", "read", "EIO", 66),
    ("--attach", "data", "pread64", "EINTR", 0), ("--attach", "/proc/version", "read", "EINTR", 0), ("--html", "data", "read", "EINTR", 0)])
def test_a_file_that_fails(tmp_path, option, name, call, error, status):
    """is named, and no part of it is sent; a signal is no failure"""
    (tmp_path / "data").write_bytes(b"<b>octets</b>\n" * 100)
    relay, path = Relay(), tmp_path / name
    done = run(COMMAND, "send", "--relay", relay.where, "--from", "s@example.org", option, path, ALICE, wrap=fail(path, call, error, 1))
    relay.stop()
    assert done.returncode == status, done.stderr
    if status == 0:
        *_, part = (part for part in email.message_from_bytes(relay.mails[0].text).walk() if not part.is_multipart())
        assert part.get_payload(decode=True).replace(b"\r\n", b"\n") == path.read_bytes()
    else:
        assert f"{path}" in done.stderr and "Input/output error" in done.stderr and relay.mails == []


def test_wrong_values(mailmote, tmp_path):
    for options, word in {("--priority", "urgent"): "high, normal or low", ("--priority", "urgent", "--attach", "a"): "high, normal or low",
                          ("--priority", "urgent", "--html", __file__): "high, normal or low",
                          ("--reply-to", "a b"): "--reply-to",
                          ("--name", "a\nb"): "--name"}.items():
        result = mailmote.send([1], b"text", *options, raw=False, verbose=False)
        assert result.status == 64 and word in result.err
    (tmp_path / "a").write_bytes(b"")
    for option, value in {"attach": str(tmp_path / "a"), "html": str(tmp_path / "a"), "reply-to": BOB, "priority": "high"}.items():
        result = mailmote.send([1], None, f"--{option}", value, verbose=False)
        assert result.status == 64 and f"--{option} with --raw: " in result.err
    for given in ("text/ü", " text/plain", "text/plain ", "text/a  b", "=?x?q?/y"):
        result = mailmote.send([1], b"text", "--attach", str(tmp_path / "a"), "--attach", f"{tmp_path}/a:{given}", raw=False, verbose=False)
        assert result.status == 65 and "part: give its TYPE/SUBTYPE in ASCII, right behind the colon" in result.err, result.err


def test_a_file_that_shrinks(mailmote, tmp_path):
    """is no mail: it is cut when its first octets have been read"""
    file, spool = tmp_path / "log", tmp_path / "spool"
    file.write_bytes(b"x" * 10000)
    words = [COMMAND, "send", "--relay", "127.0.0.1:1", "--from", "s@example.org", "--spool", str(spool), "--attach", str(file), ALICE]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + LIMIT_S
        while not any(os.path.samefile(link, file) for link in pathlib.Path(f"/proc/{process.pid}/fd").iterdir() if link.exists()):
            assert time.monotonic() < deadline
        file.write_bytes(b"x" * 100)
        err = process.communicate(b"text", LIMIT_S)[1]
    assert process.returncode == 65 and str(file).encode() in err and b"shorter" in err, err
    assert not list(spool.glob("*.mail"))


def test_too_large(mailmote, tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(1 << 30)
    result = mailmote.send([1], b"text", "--attach", str(tmp_path / "large"), raw=False, verbose=False)
    assert result.status == 66 and "large" in result.err and "send several mails" in result.err
    result = mailmote.send([1], b"text", *["--attach=x"] * 65536, raw=False, verbose=False)
    assert result.status == 71 and "65536 files: send several mails" in result.err
    result = mailmote.send([1], b"text", *["--attach=x"] * 65535, raw=False, verbose=False)
    assert result.status == 66 and "x cannot be read" in result.err


@pytest.mark.parametrize("sizes, large", [([64 << 20], False), ([(64 << 20) + 1], True), ([1, (64 << 20) - 1], False), ([1, 64 << 20], True)])
def test_as_large_as_they_may_be(mailmote, tmp_path, sizes, large):
    """all files together have 64 MiB; behind them stands one that is not there, so that they are not read"""
    for i, size in enumerate(sizes):
        with open(tmp_path / str(i), "wb") as file:
            file.truncate(size)
    words = [f"--attach={tmp_path / name}" for name in [*map(str, range(len(sizes))), "none"]]
    result = mailmote.send([1], b"text", *words, raw=False, verbose=False)
    assert result.status == 66 and ("send several mails" if large else "none cannot be read") in result.err


# ---- Progress --------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def terminal(relay, *options, wrap=()):
    """the descriptor of the one that standard error shows"""
    ours, theirs = pty.openpty()
    words = [*wrap, COMMAND, "send", "--relay", relay, "--from", "s@example.org", *options, ALICE]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        yield ours
        os.close(ours)
        assert process.wait(LIMIT_S) == 0


def on_a_terminal(relay, *options):
    """what standard error shows there"""
    with terminal(relay, *options) as shown:
        return rest_of(shown)


def rest_of(shown):
    said = b""
    try:
        while octets := os.read(shown, 4096):
            said += octets
    except OSError:                                  # nobody has the other end any more
        pass
    return said


def test_progress(tmp_path):
    """for more than a megabyte; the line is empty at the end"""
    relay = Relay()
    (tmp_path / "large").write_bytes(bytes(1200000))
    (tmp_path / "small").write_bytes(bytes(700000))
    said = on_a_terminal(relay.where, "--attach", str(tmp_path / "large"))
    assert re.match(rb"\rmailmote: 0 % of 1\.6 MB ", said) and re.search(rb"\r +\r$", said) and b"\n" not in said
    assert on_a_terminal(relay.where, "--attach", str(tmp_path / "small")) == b""
    relay.stop()


def test_progress_is_shown_four_times_a_second(tmp_path):
    """and no more often"""
    relay, clock = Relay(), Clock(tmp_path)
    (tmp_path / "large").write_bytes(bytes(1200000))
    clock.take(8000)
    with terminal(relay.where, "--attach", str(tmp_path / "large"), wrap=pretend(**clock.settings)) as shown:
        assert b" 0 % of" in os.read(shown, 4096)
        for passed_ms, told in (249, False), (1, True), (1, False), (248, False), (1, True), (999, True), (1, False):
            clock.waits()
            clock.set(clock.now + passed_ms / 1000)
            clock.take(8000)
            clock.waits()
            assert bool(select.select([shown], [], [], 0)[0]) == told
            assert not told or re.fullmatch(rb"\rmailmote: [0-4] % of 1\.6 MB ", os.read(shown, 4096))
        clock.take()
        assert re.fullmatch(rb"\r +\r", rest_of(shown))
    relay.stop()

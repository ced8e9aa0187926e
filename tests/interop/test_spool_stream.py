# SPDX-License-Identifier: MIT
"""Large mails need no more memory than small ones, and those that are not due are not read."""
import base64
import functools
import os
import pathlib
import quopri
import re
import subprocess
import threading

import pytest

from relay import BAD_INPUT, COMMAND, LIMIT_S, OK, SANITIZED, Relay, run
from test_spool import A, relay, spool, stored  # noqa: F401 (fixtures)
from test_spool_trouble import fail

NOW = ["--now"]
MEGABYTE = 1 << 20


def peak(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) << 10


def peak_of_sending(spool, text, *options):
    """of a run that has stored and sent the mail, and waits for the answer; and what arrived"""
    relay = Relay()
    relay.hold = threading.Event()
    words = [COMMAND, "send", "--spool", spool.path, "--relay", relay.where, "--from", "s@example.org", *options, A]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.stdin.write(text)
        process.stdin.close()
        assert relay.holding.wait(LIMIT_S)
        octets = peak(process.pid)
        relay.hold.set()
        assert process.wait(LIMIT_S) == OK
    [mail] = relay.mails
    relay.stop()
    return octets, mail.text.partition(b"\r\n\r\n")


LINE, MANY = b"x" * 59 + b"\n", MEGABYTE // 4   # two octets kept of each line would be seen


def test_memory_does_not_depend_on_the_mail(spool):
    small, large = peak_of_sending(spool, LINE)[0], peak_of_sending(spool, LINE * MANY)
    assert quopri.decodestring(large[1][2]) == LINE.replace(b"\n", b"\r\n") * MANY
    assert large[0] < small + MEGABYTE // 4, (small, large[0])


def test_memory_does_not_depend_on_attachments(spool, tmp_path):
    octets = os.urandom(MEGABYTE) * 20
    (tmp_path / "small").write_bytes(b"x")
    (tmp_path / "large").write_bytes(octets)
    small = peak_of_sending(spool, LINE, "--attach", str(tmp_path / "small"))[0]
    large, (_, _, body) = peak_of_sending(spool, LINE, "--attach", str(tmp_path / "large"))
    encoded = re.search(rb"filename=\"large\"\r\n\r\n(.*?)\r\n\r\n--=_", body, re.S)[1]
    assert base64.b64decode(encoded) == octets
    assert large < small + MEGABYTE // 4, (small, large)


@pytest.mark.parametrize("end", [b"", b"\xfc", b"y" * 999], ids=["as it is", "8-bit", "long line"])
def test_memory_does_not_depend_on_a_whole_message(spool, end):
    """what must be encoded for its last octets is read again from the disk"""
    head = b"Subject: s\n\n"
    small = peak_of_sending(spool, head + LINE + end, "--raw")[0]
    large, (header, _, body) = peak_of_sending(spool, head + LINE * MANY + end, "--raw")
    assert (b"quoted-printable" in header) == (end != b"")
    want = LINE.replace(b"\n", b"\r\n") * MANY + (end and end + b"\r\n")
    assert (quopri.decodestring(body) if end else body) == want
    assert large < small + MEGABYTE // 4, (small, large)


WINDOW = 4096
TEXTS = {
    "no end": b"abc",
    "empty": b"",
    "one line": b"x" * 3 * WINDOW,
    "one long line of many": b"a\n" + b"word " * WINDOW + b"\nb\n",
    "CR LF": b"0123456\r\n" * 3000,
    "CR LF across the window": b"x" * (WINDOW - 1) + b"\r\n" + b"y" * (WINDOW - 1) + b"\r\nz",
    "CR alone": b"a line\r" * 3000,
    "many CRs": b"\r" * 2 * WINDOW + b"\nend",
    "many LFs": b"\n" * 2 * WINDOW,
    "spaces": b" " * 2 * WINDOW + b"\n \n",
    "UTF-8": "Grüße, 你好, 🙂 ".encode() * 1000 + b"\n",
    "all octets": bytes(c for c in range(1, 256) if c not in b"\r\n") * 100,
    "dots": b".\n" * 5000,
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("piece", [1 << 16, 999])
def test_what_is_composed_piece_by_piece_is_the_text(spool, relay, name, piece):
    text = TEXTS[name]
    words = [COMMAND, "send", "--spool", spool.path, "--relay", relay.where, "--from", "s@example.org", "--subject", "s", A]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0) as process:
        for at in range(0, len(text), piece):
            process.stdin.write(text[at:at + piece])
        process.stdin.close()
        assert process.wait(LIMIT_S) == OK
    [mail] = relay.mails
    header, _, body = re.sub(rb"(?m)^\.\.", b".", mail.text).partition(b"\r\n\r\n")
    want = re.sub(rb"\r*\n|\r", b"\r\n", text)
    want += b"" if want.endswith(b"\r\n") or not want else b"\r\n"
    assert quopri.decodestring(body) == want and header.count(b"Subject: ") == 1
    assert max(map(len, body.split(b"\r\n"))) <= 76


def test_with_and_without_a_spool_a_mail_is_the_same(spool):
    texts = []
    for more in (["--spool", spool.path], []):
        relay = Relay()
        done = run(COMMAND, "send", *more, "--relay", relay.where, "--from", "s@example.org", "--subject", "ä", A,
                   text="häuser am see\n".encode() * 1000)
        assert done.returncode == OK
        texts.append(re.sub(rb"(?m)^(Date|Message-ID): .*", b"", relay.mails[0].text))
        relay.stop()
    assert texts[0] == texts[1]


BODIES = {"ASCII": b"a\r\nb\n" * 1000, "UTF-8": "Grüße, 你好, 🙂 ".encode() * 100 + b"\r\nend\n", "none": b"",
          "latin-1": b"Gr\xfc\xdfe\n" * 1000, "a character cut short": b"text\n" * 900 + "🙂".encode()[:3]}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_a_whole_message_in_pieces_is_the_message(relay, spool, name, end, piece):
    """with a spool and without; the header's end may be cut"""
    text = b"Subject: s" + end + b"Bcc: b@x.test" + end + end + BODIES[name]
    for more in [], ["--spool", spool.path]:
        words = [COMMAND, "send", "--raw", *more, "--relay", relay.where, "--from", "s@example.org", A]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0) as process:
            for at in range(0, len(text), piece):
                process.stdin.write(text[at:at + piece])
            process.stdin.close()
            assert process.wait(LIMIT_S) == OK
        mail = relay.mails.pop()
        header, _, body = re.sub(rb"(?m)^\.\.", b".", mail.text).partition(b"\r\n\r\n")
        encoded = not text.isascii()
        want = re.sub(rb"\r*\n|\r", b"\r\n", text).partition(b"\r\n\r\n")[2]
        want += b"" if want.endswith(b"\r\n") or not want else b"\r\n"
        assert (quopri.decodestring(body) if encoded else body) == want
        assert b"Bcc" not in header and (b"quoted-printable" in header) == encoded
        assert (b"unknown-8bit" in header, b"UTF-8" in header) == (name in ("latin-1", "a character cut short"), name == "UTF-8")


HEADER_MAX = 512 << 10


@pytest.mark.parametrize("line", [b"X: " + b"y" * 60 + b"\n", b"X: " + b"y" * 996 + b"\n"])
def test_a_header_that_is_too_long(spool, closed, line):
    """is refused, whether its end is near or never comes; a little less is not"""
    most = HEADER_MAX // len(line)
    send = functools.partial(spool.send, closed, options=["--raw"])
    assert send(text=line * most + b"\ntext\n").verdicts == ["deferred"]
    for text in line * (most + 1) + b"\ntext\n", line * (most + 1), line * 4 * most, b"X: " + b"y" * 2 * HEADER_MAX:
        done = send(text=text)
        assert done.returncode == BAD_INPUT and f"longer than {HEADER_MAX} octets" in done.stderr
    done = send(text=line * 2 + b"text\n" + line * 4 * most)
    assert done.returncode == BAD_INPUT and "line 3 of standard input is no header field" in done.stderr
    done = send(text=b"text " * HEADER_MAX)
    assert done.returncode == BAD_INPUT and "line 1 of standard input is no header field" in done.stderr
    assert len(spool.files()) == 1 and not [name for name in spool.names() if name.startswith("tmp.")]


@pytest.mark.parametrize("end", [b"", b"\xfc"], ids=["as it is", "encoded"])
def test_a_whole_message_is_on_the_disk_once(spool, closed, tmp_path, end):
    """under its name only when it is whole and as it is sent; nothing else is left"""
    fail("", "", "", "")
    trace = tmp_path / "trace"
    done = spool.send(closed, options=["--raw"], text=b"Subject: s\n\n" + LINE * 1000 + end,
                      wrap=["strace", "-qq", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,renameat,renameat2,unlinkat"])
    lines = [line for line in trace.read_text().splitlines() if "tmp." in line]
    calls = [re.match(r"(\w+)\(.*?(tmp\.[0-9a-f]+)", line).groups() for line in lines]
    relays = {name for (_, name), line in zip(calls, lines) if '"relays"' in line}
    calls = [call for call in calls if call[1] not in relays]
    last = calls[-1][1]
    assert [kind for kind, name in calls if name == last] == ["fsync", "renameat"], lines
    assert [kind for kind, name in calls if name != last] == ["unlinkat"] * bool(end), lines
    [file] = spool.files()
    assert file.path.stem == done.rows[0][0] and (b"quoted-printable" in file.path.read_bytes()) == (end != b"")
    assert not [name for name in spool.names() if name.startswith("tmp.")]


def test_no_room_for_the_encoded_form(spool, relay):
    """the mail is in no file, and arrives; the limit of a file's size is what the text as it came needs"""
    text = b"Subject: s\n\n" + b"\xfc" * 40000 + b"\n"
    done = spool.send(relay, options=["--raw"], text=text, wrap=["prlimit", "--fsize=60000"])
    assert (done.returncode, done.verdicts, spool.names()) == (OK, ["delivered"], []) and "cannot be stored" in done.stderr
    assert relay.mails[0].text.count(b"=FC") == 40000


def octets_read(spool, relay, tmp_path):
    """by a flush, of files of mails"""
    trace = tmp_path / "trace"
    done = spool.flush(relay, wrap=["strace", "-qq", "-y", "-o", trace, "-e", "trace=read,pread64,mmap"])
    lines = [line for line in trace.read_text().splitlines() if ".mail" in line]
    assert not any(line.startswith("mmap") for line in lines) and lines
    return sum(int(line.rpartition("= ")[2].split()[0]) for line in lines), done


def test_a_flush_with_nothing_due_reads_the_states_only(stored, relay, closed, tmp_path):
    fail("", "", "", "")                                                     # skips where there is no strace
    for _ in range(3):
        assert stored.send(closed, text=b"x" * 70 + b"\n" + b"y\n" * MEGABYTE).verdicts == ["deferred"]
    octets, done = octets_read(stored, relay, tmp_path)
    assert (done.returncode, done.rows, done.stderr) == (OK, [], "") and octets <= 4 * 4096


@pytest.mark.parametrize("states", [True, False], ids=["states", "zeros"])
def test_a_huge_file_costs_nothing(stored, relay, tmp_path, states):
    fail("", "", "", "")
    path = stored.file().path
    if not states:
        os.truncate(path, 0)
    os.truncate(path, 3 << 30)
    octets, done = octets_read(stored, relay, tmp_path)
    assert (done.returncode, relay.talks) == (BAD_INPUT, []) and octets <= 4096
    assert f"{path} is damaged" in done.stderr and os.path.exists(f"{path}.damaged")


def instructions(spool, text, *options):
    """of storing a mail that is then deferred"""
    not SANITIZED or pytest.skip("valgrind does not run a sanitizer")
    wrap = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = spool.send("127.0.0.1:1", text=text, options=options, wrap=wrap)
    assert done.verdicts == ["deferred"], done.stderr
    return int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))


@pytest.mark.parametrize("head, unit", [(b"", b"x"), (b"", b"\xc3\xa4"), (b"Subject: s\n\n", b"x"), (b"Subject: s\n\n", b"\xc3\xa4")],
                         ids=["text", "8-bit text", "message", "8-bit message"])
def test_a_long_line_costs_what_its_octets_cost(spool, head, unit):
    """in one line no more than half as much again as in many (a message of short lines is not encoded: that is another cost), and
    four times as many octets no more than five times as much"""
    options = ["--raw"] if head else []
    one, four, many = (instructions(spool, head + text, *options) for text in (
        unit * 200_000, unit * 800_000, (unit * 70 + b"\n") * (200_000 // 70)))
    assert (head or one < 1.5 * many) and four < 5 * one, (one, four, many)

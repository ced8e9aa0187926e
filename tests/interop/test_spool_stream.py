# SPDX-License-Identifier: MIT
"""Large mails need no more memory than small ones, and those that are not due are not read."""
import os
import pathlib
import quopri
import re
import subprocess
import threading

import pytest

from relay import BAD_INPUT, COMMAND, OK, Relay, run
from test_spool import A, fail, relay, spool, stored  # noqa: F401 (fixtures)

NOW = ["--now"]
MEGABYTE = 1 << 20


def peak(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) << 10


def peak_of_sending(spool, text):
    """of a run that has stored and sent the mail, and waits for the answer"""
    relay = Relay()
    relay.hold = threading.Event()
    words = [COMMAND, "send", "--spool", spool.path, "--relay", relay.where, "--from", "s@example.org", A]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.stdin.write(text)
        process.stdin.close()
        assert relay.holding.wait(50)
        octets = peak(process.pid)
        relay.hold.set()
        assert process.wait(50) == OK
    [mail] = relay.mails
    assert quopri.decodestring(mail.text.partition(b"\r\n\r\n")[2]) == text.replace(b"\n", b"\r\n")
    relay.stop()
    return octets


def test_memory_does_not_depend_on_the_mail(spool):
    line = b"x" * 59 + b"\n"
    small, large = peak_of_sending(spool, line), peak_of_sending(spool, line * MEGABYTE)
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
        assert process.wait(50) == OK
    [mail] = relay.mails
    header, _, body = re.sub(rb"(?m)^\.\.", b".", mail.text).partition(b"\r\n\r\n")
    want = re.sub(rb"\r\n|\r|\n", b"\r\n", text)
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

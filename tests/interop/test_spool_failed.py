# SPDX-License-Identifier: MIT
"""What failed stays with its reasons until a person deletes it; the queue shows it, and what else it is asked for."""
import email
import email.utils
import fcntl
import os
import shutil
import socket
import struct
import threading
import time
import zlib

import pytest

from pretend import pretend
from relay import BAD_CONFIG, BAD_INPUT, DEFERRED, FAILED, LIMIT_S, OK, REFUSED, USAGE, File, Relay, run
from test_spool import A, B, C, relay, spool, stored  # noqa: F401 (fixtures)
from test_spool_damage import plant
from test_spool_retry import DAY

NOW, S = ["--now"], "s@example.org"


def failed(spool):
    [path] = spool.path.glob("*.failed")
    return path


def lasts(spool):
    """of all mails but notices"""
    return {row[4]: row[5:7] for row in spool.queue().rows if row[7] != "<>"}


def test_what_failed_is_kept_with_its_reasons(spool, relay):
    """those of an earlier attempt too, and it is not tried again"""
    relay.replies = {B: "450 4.2.1 later", C: "550 5.1.1 no such user"}
    sent = spool.send(relay, to=(A, B, C), text=b"hello, C\n")
    assert lasts(spool)[C] == ["failed", "550 5.1.1 no such user"]
    relay.replies = {B: "554 5.7.1 go away"}
    done = spool.flush(relay, options=NOW)
    assert done.returncode == FAILED and [row[1] for row in done.rows] == [B, S]
    assert failed(spool).stem == sent.rows[0][0]
    assert lasts(spool) == {A: ["delivered", "-"], B: ["failed", "554 5.7.1 go away"],
                            C: ["failed", "550 5.1.1 no such user"]}
    assert (spool.flush(relay, options=NOW).rows, len(relay.talks)) == ([], 3)
    assert b"hello, C" in spool.queue("--show", failed(spool).stem).stdout


def test_expired_is_kept_too(stored, closed):
    file = stored.file()
    file.age = 5 * DAY
    file.write()
    assert stored.flush(closed, options=NOW).verdicts == ["failed", "deferred"]     # the notice
    verdict, last = lasts(stored)[A]
    assert verdict == "failed" and last.startswith("expired, given up after 120 hours: no connection")


def test_a_notice_is_tried_once_in_a_round(stored, closed):
    """though a second passes, and the spool is listed again"""
    file = stored.file()
    file.age = 5 * DAY
    file.write()
    slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=1200ms"]
    assert stored.flush(closed, options=NOW, wrap=slow).verdicts == ["failed", "deferred"]


def test_reasons_as_they_are_stored(spool, relay):
    """of each recipient one, in the order of the envelope, with nothing behind them: the code, the step above it, the text"""
    def reasons(number, ending, *what):
        data, rcpt = (spool.path / f"{number}{ending}").read_bytes(), 8
        stored = b"".join(struct.pack("<H", code | (rcpt << 10 if code else 0)) + text + b"\0" for code, text in what)
        assert data[1032 + int.from_bytes(data[1024:1028], "little"):] == (
            struct.pack("<II", len(stored), zlib.crc32(stored)) + stored if what else b"")

    relay.replies = {A: "450 4.2.1 later", C: "553 5.1.3 " + "x" * 300}
    long, none = (553, b"5.1.3 " + b"x" * 249), (0, b"")
    three, one, two = (spool.send(relay, to=to).rows[0][0] for to in ((A, B, C), (A,), (C, B)))
    reasons(three, ".mail", none, none, long)
    reasons(one, ".mail")
    reasons(two, ".failed", long, none)
    relay.replies[A] = "550 no"
    spool.flush(relay, options=NOW)
    reasons(three, ".failed", (550, b"no"), none, long)
    reasons(one, ".failed", (550, b"no"))


def test_reasons_that_are_torn_are_none(spool, relay):
    relay.replies = {A: "550 5.1.1 unknown"}
    spool.send(relay)
    path = failed(spool)
    data = path.read_bytes()
    start = data.index(b"5.1.1 unknown") - 10
    for torn in (data[:start], data[:-1], *(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:]
                                            for at in range(start, len(data)))):
        path.write_bytes(torn)
        assert lasts(spool) == {A: ["failed", "it is not known why"]}


def test_a_report_that_cannot_be_printed_is_given_again(spool, relay, tmp_path):
    """by the next flush, with its reason, and nobody is asked again; a CA file that is missing keeps back the notice alone"""
    relay.replies = {A: "450 4.2.1 later"}
    spool.send(relay)
    relay.replies = {A: "550 5.1.1 unknown"}
    for _ in range(2):
        done = run("sh", "-c", 'exec "$@" >/dev/full', "sh", spool.command, "flush", "--now", "--spool", spool.path, "--relay",
                   relay.where)
        assert done.returncode == REFUSED and "standard output cannot be written" in done.stderr
        assert len(spool.files()) == 1 and len(relay.talks) == 2
    done = spool.flush(relay, options=["--trust", tmp_path / "none", "--tls-name", "relay.test"])
    assert (done.returncode, [row[1:] for row in done.rows]) == (BAD_CONFIG, [[A, "failed", "550", "5.1.1 unknown"]])
    assert failed(spool).stem == done.rows[0][0] and len(relay.talks) == 2
    assert [row[1:3] for row in spool.flush(relay).rows] == [[S, "delivered"]]


@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC"])
@pytest.mark.parametrize("due", [False, True])
def test_who_was_refused_is_told_while_others_wait(spool, relay, closed, tmp_path, fault, due):
    """by the next run, whether the mail is due or not; once, and by one notice"""
    relay.replies = {A: "550 5.1.1 unknown", B: "450 later"}
    spool.send(closed, to=(A, B))
    spool.flush(relay, options=NOW, wrap=["strace", "-qq", "-o", tmp_path / "trace", "-e", f"inject=write:{fault}:when=1+"])
    done = spool.flush(relay, options=NOW * due)
    told = [row[1:] for row in done.rows if row[1] == A]
    assert (done.returncode, told) == (FAILED, [[A, "failed", "550", "5.1.1 unknown"]])
    assert len(notices(relay)) == 1 and len(relay.talks) == 2 + due
    done = spool.flush(relay, options=NOW)
    assert [row[1] for row in done.rows] == [B] and len(notices(relay)) == 1


def test_who_was_told_cannot_be_stored(spool, relay, closed, tmp_path):
    """then they are told again, and no notice is sent that would be sent again, too"""
    relay.replies = {A: "550 5.1.1 unknown", B: "450 later"}
    spool.send(closed, to=(A, B))
    kill = ["strace", "-qq", "-o", tmp_path / "trace", "-e", "inject=write:signal=KILL"]
    spool.flush(relay, options=NOW, wrap=kill)
    spoil = ["strace", "-qq", "-o", tmp_path / "trace", "-P", spool.file().path, "-e", "inject=fdatasync:error=EIO"]
    for _ in range(2):
        done = spool.flush(relay, wrap=spoil)
        assert (done.returncode, [row[1] for row in done.rows]) == (FAILED, [A])
        assert "cannot be stored: Input/output error" in done.stderr and len(spool.files()) == 1
    assert [row[1] for row in spool.flush(relay).rows] == [A, S] and len(notices(relay)) == 1
    assert spool.flush(relay).rows == []


# ---- queue -----------------------------------------------------------------------------------------------------------

def test_queue_shows_sender_subject_and_size_oldest_first(spool, closed):
    """and of each all of its text, which is longer than what is read of it at once"""
    subjects = {"": "", "Zu heiß": "=?UTF-8?Q?Zu=20hei=C3=9F?=", "Too hot": "Too hot"}
    for number, subject in enumerate(subjects):
        spool.send(closed, to=(f"r{number}@example.test",), options=["--subject", subject], text=b"hello\n" * 3000)
    for file in spool.files():
        file.age = 1000 + file.path.stat().st_size                           # any order but that of names
        file.write()
    rows = spool.queue().rows
    assert [int(row[1]) for row in rows] == sorted((int(row[1]) for row in rows), reverse=True)
    assert {row[4]: row[9] for row in rows} == {f"r{n}@example.test": s for n, s in enumerate(subjects.values())}
    assert {row[7] for row in rows} == {"<s@example.org>"}
    assert all(int(row[8]) == len(spool.queue("--show", row[0]).stdout) for row in rows)


@pytest.mark.parametrize("head, shown", [
    (b"SUBJECT:x", "x"), (b"A: b\nSubject:  a\n\tb\n c\nD: e", "a b c"), (b"Subject: \x1b[31mred", "\\x1B[31mred"),
    (b"Subject:", ""), (b"Subject:\n folded", "folded"), (b"A: b\n\nSubject: text", ""), (b"A: b\n Subject: folded", ""),
    (b"Subjects: no\nSubject: yes\nSubject: second", "yes"), (b"Subject: " + b"long " * 2000, ("long " * 200)[:999]),
    (b"A: " + b"b" * 5000 + b"\nSubject: too far", "")], ids=range(10))
def test_subjects_of_raw_messages(spool, closed, head, shown):
    spool.send(closed, options=["--raw"], text=head + b"\n\ntext\n" * (b"\n\n" not in head))
    assert [row[9].strip() for row in spool.queue().rows] == [shown.strip()]


def test_null_sender(spool, closed):
    spool.send(closed, options=["--raw"], text=b"Subject: s\n\n")
    assert spool.queue().rows[0][7] == "<s@example.org>"
    run(spool.command, "send", "--spool", spool.path, "--relay", closed, "--from", "", "--raw", B, text=b"A: b\n\n")
    assert sorted(row[7] for row in spool.queue().rows) == ["<>", "<s@example.org>"]


def test_delete(spool, relay, closed):
    """one that waits, one that failed, one that was set aside; the others stay"""
    waiting, other, damaged = [spool.send(closed).rows[0][0] for _ in range(3)]
    relay.replies = {A: "550 no"}
    bad = spool.send(relay).rows[0][0]
    os.truncate(spool.path / f"{damaged}.mail", 100)
    assert spool.flush(closed).returncode == BAD_INPUT
    assert spool.path.joinpath(f"{damaged}.mail.damaged").exists()
    for number in (waiting, bad, damaged):
        done = spool.queue("--delete", number)
        assert (done.returncode, done.stdout, done.stderr) == (OK, b"", "")
        done = spool.queue("--delete", number)
        assert done.returncode == BAD_INPUT and f"no mail {number}" in done.stderr
    assert [name for name in spool.names() if name != "relays"] == [other + ".mail"]


def test_a_mail_at_work_is_not_deleted(stored):
    slow = Relay()
    slow.hold = threading.Event()
    flush = threading.Thread(target=stored.flush, args=(slow,), kwargs={"options": NOW})
    flush.start()
    assert slow.holding.wait(LIMIT_S)
    done = stored.queue("--delete", stored.file().path.stem)
    assert done.returncode == DEFERRED and "is being tried" in done.stderr and len(stored.files()) == 1
    assert b"hello" in stored.queue("--show", stored.file().path.stem).stdout
    slow.hold.set()
    flush.join()
    slow.stop()


@pytest.mark.parametrize("options, status, words", [
    (["--show", "0123456789abcdef"], BAD_INPUT, "no mail 0123456789abcdef"),
    (["--delete", "0123456789abcdef"], BAD_INPUT, "no mail 0123456789abcdef"),
    (["--show", "../../etc/passwd"], USAGE, "no mail's ID"), (["--delete", "relays"], USAGE, "no mail's ID"),
    (["--show", ""], USAGE, "--show is empty"), (["--show", "0" * 16, "--delete", "0" * 16], USAGE, "one of them")])
def test_ids(stored, options, status, words):
    names = stored.names()
    done = stored.queue(*options)
    assert (done.returncode, done.stdout) == (status, b"") and words in done.stderr and stored.names() == names


@pytest.mark.parametrize("ending, told", [(".mail", "flush will set it aside"),
                                          (".failed", "see what can be saved, then remove it")])
def test_a_damaged_mail_is_not_shown(stored, ending, told):
    """and no flush looks at one that failed"""
    path = stored.file().path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    path = path.rename(path.with_suffix(ending))
    done = stored.queue("--show", path.stem)
    assert (done.returncode, done.stdout) == (BAD_INPUT, b"") and f"{path} is damaged: {told}\n" in done.stderr


# ---- notices ---------------------------------------------------------------------------------------------------------

def notices(relay):
    """parsed, and to whom they went"""
    return [(email.message_from_bytes(mail.text), mail.to) for mail in relay.mails if b"multipart/report" in mail.text]


def id_of_notice(number, told_of):
    """all bits turned, but those of the recipients"""
    return f"{int(number, 16) ^ 2**64 - 1 ^ int.from_bytes(told_of.to_bytes(8, 'little'), 'big'):016x}"


def refuse(spool, relay, *options, notice="250 fine", wrap=("env", "TZ=EAST-9"), **more):
    """each recipient, in the second attempt, whose notice is tried at once, and far from Greenwich"""
    relay.replies = {address: "450 4.2.1 later" for address in (A, B)}
    spool.send(relay, to=(A, B), **more)
    relay.replies = {A: "550 5.1.1 unknown", B: "550 no", S: notice}
    done = spool.flush(relay, options=[*NOW, *options], wrap=wrap)
    assert done.verdicts[:2] == ["failed"] * 2 and len(done.rows) == 3
    relay.replies = {}
    return done.rows[0][0]


def test_a_notice_goes_to_the_sender(spool, relay):
    number = refuse(spool, relay, options=["--subject", "Too hot"])
    [(mail, to)] = notices(relay)
    assert to == [S] and mail["To"] == f"<{S}>" and mail["Auto-Submitted"] == "auto-replied"
    assert mail["Message-ID"] == f"<{id_of_notice(number, 3)}@example.org>"
    assert abs(email.utils.parsedate_to_datetime(mail["Date"]).timestamp() - time.time()) < 120
    assert mail.get_content_type() == "multipart/report" and mail.get_param("report-type") == "delivery-status"
    words, status, header = mail.get_payload()
    assert "550 5.1.1 unknown" in words.get_payload() and number in words.get_payload()
    assert status.get_content_type() == "message/delivery-status"
    assert [dict(part) for part in status.get_payload()] == [
        {"Reporting-MTA": "dns; example.org"},
        {"Final-Recipient": f"rfc822; {A}", "Action": "failed", "Status": "5.1.1", "Diagnostic-Code": "smtp; 550 5.1.1 unknown"},
        {"Final-Recipient": f"rfc822; {B}", "Action": "failed", "Status": "5.0.0", "Diagnostic-Code": "smtp; 550 no"}]
    assert header.get_content_type() == "text/rfc822-headers" and "hello" not in header.get_payload()
    shown = email.message_from_string(header.get_payload())
    assert (shown["Subject"], shown["Message-ID"]) == ("Too hot", f"<{number}@client.example.org>")


def test_a_notice_has_no_date_where_nobody_knows_it(spool, relay):
    refuse(spool, relay, wrap=pretend(REALTIME=60))
    [(mail, _)] = notices(relay)
    assert mail["Date"] is None and mail["Message-ID"] is not None


def test_a_notice_has_the_whole_header(spool, relay):
    """of a mail; more than is read of it at once"""
    fields = [f"X-{i}: {'y' * 60}" for i in range(20)]
    refuse(spool, relay, options=["--raw"], text="\n".join([*fields, "", "hello", ""]).encode())
    [(mail, _)] = notices(relay)
    assert mail.get_payload()[2].get_payload().split("\r\n\r\n")[0].splitlines()[:20] == fields


def test_a_notice_has_no_text_of_a_mail_without_a_header(spool, relay, closed):
    """the first line, which ends it, is empty"""
    spool.send(closed)
    file = spool.file()
    plant(file.path, b"\r\nsecret".ljust(len(file.text), b"x"), file.text)
    relay.replies = {A: "550 5.1.1 unknown"}
    assert spool.flush(relay, options=NOW).verdicts == ["failed", "delivered"]
    [(mail, _)] = notices(relay)
    assert mail.get_payload()[2].get_payload() == "" and "secret" not in mail.as_string()


def test_no_notice_of_success(spool, relay):
    relay.replies = {A: "450 4.2.1 later"}
    spool.send(relay, to=(A, B))
    relay.replies = {}
    assert spool.flush(relay, options=NOW).verdicts == ["delivered"]
    assert spool.files() == [] and notices(relay) == []


@pytest.mark.parametrize("reply, status", [
    ("550 5.7.26 x", "5.7.26"), ("550 5.100.100 x", "5.100.100"), ("550 5.1000.100 x", "5.0.0"),
    ("550 5.1.12345678 x", "5.0.0"), ("550 4.2.1 x", "5.0.0"), ("550 5.1 x", "5.0.0"), ("550 5x1.1 y", "5.0.0")])
def test_status_of_a_notice(spool, relay, reply, status):
    """is a code of RFC 3463"""
    relay.replies = {A: "450 4.2.1 later"}
    spool.send(relay, to=(A,))
    relay.replies = {A: reply}
    assert spool.flush(relay, options=NOW).verdicts == ["failed", "delivered"]
    [(mail, _)] = notices(relay)
    assert mail.get_payload()[1].get_payload()[1]["Status"] == status


WHOLE = """Date: %s
From: mailmote <s@example.org>
To: <s@example.org>
Message-ID: <%s>
Subject: Mail %s failed
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="=_%s"

--=_%s
Content-Type: text/plain; charset=us-ascii

This mail could not be delivered to all of its recipients, and is not tried again:

a@example.test
    550 5.1.1 no ??ser

c@example.test
    554 go away

mailmote queue --show %s prints it, --delete removes it. It goes by itself when 100 others have failed
since, or the disk is full.
--=_%s
Content-Type: message/delivery-status

Reporting-MTA: dns; example.org

Final-Recipient: rfc822; a@example.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no ??ser

Final-Recipient: rfc822; c@example.test
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 554 go away

--=_%s
Content-Type: text/rfc822-headers

From: s@example.org
Subject: x
 y
To: z@x.test
Date: none
Message-ID: <1@x.test>
--=_%s--
""".replace("\n", "\r\n")


def test_a_notice_as_a_whole(spool, relay):
    """octet by octet: of two that failed, and not of the one between them who has the mail"""
    relay.replies = {A: "450 4.2.1 later", C: "450 later"}
    mail = spool.send(relay, to=(A, B, C), options=["--raw"], text=b"From: s@example.org\nSubject: x\n y\nTo: z@x.test\nDate: none\nMessage-ID: <1@x.test>\n\ntext\n").rows[0][0]
    relay.replies = {A: "550 5.1.1 no \u00fcser", C: "554 go away"}
    assert spool.flush(relay, options=NOW).verdicts == ["failed", "failed", "delivered"]
    notice = relay.mails[-1]
    date = email.message_from_bytes(notice.text)["Date"]
    number = notice.id.split("@")[0]
    assert (notice.sender, notice.to, notice.id) == ("", [S], f"{number}@example.org")
    assert notice.text.decode() == WHOLE % (date, notice.id, mail, number, number, mail, number, number, number)


def test_a_notice_tells_what_is_new(spool, relay):
    """not of those whose sender was told by send, nor of those an earlier notice told of"""
    relay.replies = {A: "550 5.1.1 unknown", B: "450 4.2.1 later", C: "450 4.2.1 later"}
    spool.send(relay, to=(A, B, C))
    for address in (B, C):
        relay.replies = {**relay.replies, address: "550 5.1.1 unknown"}
        spool.flush(relay, options=NOW)
    told = [[part["Final-Recipient"] for part in mail.get_payload()[1].get_payload()[1:]] for mail, _ in notices(relay)]
    assert told == [[f"rfc822; {B}"], [f"rfc822; {C}"]]


def test_a_notice_goes_to_the_admin(spool, relay, tmp_path):
    config = tmp_path / "config"
    config.write_text("admin root@example.org\n")
    refuse(spool, relay, "-C", config)
    assert [to for _, to in notices(relay)] == [["root@example.org"]]
    config.write_text("admin root@\n")
    done = spool.flush(relay, options=["-C", config])
    assert done.returncode == BAD_CONFIG and 'admin "root@"' in done.stderr


OWN = socket.gethostname()


@pytest.mark.parametrize("admin, host", [("root", OWN), ("root@localhost", OWN), (f"root@{OWN}", OWN), ("root@h", "h"),
                                         *((f"root@mote.{'x' * n}.com", f"mote.{'x' * n}.com") for n in (54, 55))],
                         ids=["root", "localhost", "own", "one letter", "63 octets", "64 octets"])
@pytest.mark.parametrize("aliases, to", [("", ["root@example.net"]), ("alias root: ann@example.com, bob\n",
                                                                    ["ann@example.com", "bob@example.net"])])
def test_an_admin_is_completed_as_other_names_are(spool, relay, tmp_path, admin, host, aliases, to):
    """however short or long the name of this host is"""
    config = tmp_path / "config"
    config.write_text(f"admin {admin}\nmaildomain example.net\n{aliases}")
    relay.replies = {A: "450 4.2.1 later"}
    spool.send(relay)
    relay.replies = {A: "550 5.1.1 unknown"}
    done = spool.flush(relay, options=[*NOW, "-C", config], wrap=pretend(HOST=host))
    assert done.verdicts == ["failed"] + ["delivered"] * len(to)
    [(mail, sent_to)] = notices(relay)
    assert sent_to == to and mail["To"] == "<root@example.net>" and b"mailmote.invalid" not in relay.mails[-1].text


def test_nobodys_mail_is_told_to_the_admin(spool, relay, tmp_path):
    """a notice that fails is not, and without an admin there is nobody to tell"""
    config = tmp_path / "config"

    def send(*options):
        run(spool.command, "send", "--spool", spool.path, "--relay", relay.where, "--from", "", "--raw", *options, A, text=b"A: b\n\nx\n")

    for admin, verdicts in ("", ["failed"]), ("admin root\nmaildomain example.net\n", ["failed"] * 2):
        config.write_text(admin)
        relay.replies = {A: "450 4.2.1 later"}
        send()
        relay.replies = {A: "550 5.1.1 unknown", "root@example.net": "550 5.1.1 unknown"}
        assert spool.flush(relay, options=[*NOW, "-C", config]).verdicts == verdicts
        assert spool.flush(relay, options=[*NOW, "-C", config]).rows == [] and spool.files() == []
    relay.replies = {A: "550 5.1.1 unknown"}
    send("--background", "-C", config)
    until = time.monotonic() + LIMIT_S
    while not notices(relay) and time.monotonic() < until:
        time.sleep(0.05)
    [(mail, to)] = notices(relay)
    assert to == ["root@example.net"] and mail["From"] == "mailmote <root@example.net>"
    assert mail.get_payload()[1].get_payload()[0]["Reporting-MTA"] == "dns; example.net"


def test_a_notice_that_waits_is_tried_once(spool, relay):
    """and not again behind a mail that another run has"""
    relay.replies = {A: "450 4.2.1 later"}
    first, second = [spool.send(relay).rows[0][0] for _ in range(2)]
    file = File(spool.path / f"{first}.mail")
    file.age = 1000
    file.write()
    relay.replies = {A: "550 5.1.1 unknown", S: "450 4.2.1 later"}
    with open(spool.path / f"{second}.mail", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = spool.flush(relay, options=NOW)
    assert [row[1:3] for row in done.rows] == [[A, "failed"], [S, "deferred"]]


def test_a_notice_that_fails_makes_no_notice(spool, relay):
    refuse(spool, relay, notice="550 5.1.1 unknown")
    assert (spool.flush(relay).rows, notices(relay)) == ([], [])
    assert spool.files() == [] and len(list(spool.path.glob("*.failed"))) == 2


def test_a_notice_that_fails_later_makes_no_notice(spool, relay, tmp_path):
    """it is known as one when it is tried again, whoever is told of what fails"""
    config = tmp_path / "config"
    config.write_text(f"admin {S}\n")
    refuse(spool, relay, "-C", config, notice="450 4.2.1 later")
    relay.replies = {S: "550 5.1.1 unknown"}
    assert spool.flush(relay, options=[*NOW, "-C", config]).verdicts == ["failed"]
    assert (spool.flush(relay, options=[*NOW, "-C", config]).rows, spool.files(), notices(relay)) == ([], [], [])


def test_a_mail_that_cannot_go_makes_no_notice_each_time(spool, relay):
    """it is finished and its file cannot be renamed: that is told, and no more until it can"""
    relay.replies = {A: "450 4.2.1 later"}
    spool.send(relay)
    number = spool.files()[0].path.stem
    in_the_way = spool.path / f"{number}.failed" / "x"
    in_the_way.mkdir(parents=True)
    relay.replies = {A: "550 5.1.1 unknown"}
    for _ in range(3):
        done = spool.flush(relay, options=NOW)
        assert done.returncode == REFUSED and "cannot be removed" in done.stderr and len(spool.files()) == 1
    shutil.rmtree(in_the_way.parent)
    done = spool.flush(relay)
    assert (done.returncode, done.verdicts) == (REFUSED, ["failed", "delivered"]) and failed(spool) and len(notices(relay)) == 1


@pytest.mark.parametrize("call", ["openat", "fchmod", "flock", "pwrite64", "pread64", "fsync", "fdatasync", "close", "renameat"])
@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC"])
@pytest.mark.parametrize("kept", [False, True])
def test_a_notice_is_made_once_whatever_fails(spool, relay, tmp_path, call, fault, kept):
    """at each call of the run that has the mail refused, from there on until the notice is a mail; kept: for somebody else"""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    trace = tmp_path / "trace"

    def refused(options):
        shutil.rmtree(spool.path, ignore_errors=True)
        relay.replies = {A: "450 4.2.1 later", B: "450 4.2.1 later"}
        number = spool.send(relay, to=(A, B)[:1 + kept]).rows[0][0]
        relay.replies[A] = "550 5.1.1 unknown"
        before = len(notices(relay))
        spool.flush(relay, options=NOW, wrap=["strace", "-qq", "-o", trace, *options])
        for _ in range(3):
            spool.flush(relay, options=NOW)
        made = [mail["Message-ID"] for mail, _ in notices(relay)[before:]]
        assert made == [f"<{id_of_notice(number, 1)}@example.org>"] and len(spool.files()) == kept
        assert [path.suffix for path in spool.path.glob("*.*")] == [".mail" if kept else ".failed"]

    refused(["-e", f"trace={call},write,renameat"])
    lines = trace.read_text().splitlines()
    printed = min(at for at, line in enumerate(lines) if line.startswith("write(1,"))
    made = max(at for at, line in enumerate(lines) if line.startswith("renameat(") and ".notice" in line)
    count = [sum(line.startswith(f"{call}(") for line in lines[:end]) for end in (printed, made + 1)]
    assert call in ("pread64", "fdatasync") or count[1] > count[0]
    for at in range(count[0] + 1, count[1] + 1):
        refused(["-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={at}"])


@pytest.mark.parametrize("kept", [False, True])
def test_power_that_goes_behind_a_notice_does_not_send_it_again(spool, relay, tmp_path, kept):
    """that its mail has failed is on the disk before it leaves; it knows itself that it has, whatever it is called"""
    relay.replies = {A: "450 4.2.1 later", B: "450 4.2.1 later"}
    number = spool.send(relay, to=(A, B)[:1 + kept]).rows[0][0]
    relay.replies[A] = "550 5.1.1 unknown"
    trace, notice = tmp_path / "trace", spool.path / f"{number}.notice"
    spool.flush(relay, options=NOW, wrap=["strace", "-qq", "-y", "-o", trace, "-e", "trace=renameat,fsync,fdatasync,unlinkat",
                                          "-e", "inject=unlinkat:error=EIO:when=1+"])
    calls = trace.read_text().splitlines()
    sent = next(at for at, call in enumerate(calls) if call.startswith("renameat") and f'"{number}.notice", ' in call)
    finished = next(at for at, call in enumerate(calls) if (f"fdatasync" if kept else f'"{number}.failed"') in call)
    synced = next(at for at in range(sent, 0, -1) if ("fdatasync" if kept else f"fsync(3<{spool.path}>)") in calls[at])
    assert finished <= synced < sent
    (spool.path / f"{id_of_notice(number, 1)}.mail").rename(notice)          # as it was, with what it knows
    for _ in range(2):
        assert spool.flush(relay, options=NOW).returncode in (OK, DEFERRED)
    assert len(notices(relay)) == 1 and not notice.exists() and len(spool.files()) == kept


def test_the_id_of_a_notice_names_each_recipient_it_tells_of(spool, relay):
    """the first and the last of each eight: another one's notice is not taken for it"""
    to = [f"r{number}@example.test" for number in range(32)]
    relay.replies = {address: "450 4.2.1 later" for address in to}
    number = spool.send(relay, to=to).rows[0][0]
    for at in (0, 7, 8, 15, 16, 23, 24, 31):
        relay.replies[to[at]] = "550 5.1.1 unknown"
        spool.flush(relay, options=NOW)
        assert notices(relay)[-1][0]["Message-ID"] == f"<{id_of_notice(number, 1 << at)}@example.org>", at


def test_a_notice_that_waits_goes_with_its_mail(spool, relay, tmp_path):
    """when that is deleted"""
    names, kill = [], 0
    while not any(name.endswith(".failed") for name in names):
        kill += 1
        assert kill < 50, "nothing fails"
        relay.replies = {A: "450 4.2.1 later"}
        number = spool.send(relay).rows[0][0]
        relay.replies = {A: "550 5.1.1 unknown"}
        spool.flush(relay, options=NOW, wrap=["strace", "-qq", "-o", tmp_path / "trace", "-e", f"inject=renameat:signal=KILL:when={kill}"])
        names = spool.names()
    assert f"{number}.notice" in names and notices(relay) == []
    for name in {name[:16] for name in names if name[16:] in (".failed", ".mail")}:
        assert spool.queue("--delete", name).returncode == OK
    assert [name for name in spool.names() if name[16:]] == []
    assert spool.flush(relay).rows == [] and notices(relay) == []


def test_a_notice_that_has_no_room_is_made_later(spool, relay, tmp_path):
    """who failed is told once, whoever fails meanwhile; of all of them tells one notice"""
    relay.replies = {A: "450 4.2.1 later", B: "450 4.2.1 later", C: "450 4.2.1 later"}
    spool.send(relay, to=(A, B, C))
    number, full = spool.file().path.stem, ["strace", "-qq", "-o", tmp_path / "trace", "-e", "inject=fchmod:error=ENOSPC"]
    relay.replies[A] = "550 5.1.1 unknown"
    done = spool.flush(relay, options=NOW, wrap=full)
    assert (done.returncode, [row[1:3] for row in done.rows if row[2] == "failed"]) == (FAILED, [[A, "failed"]])
    done = spool.flush(relay, wrap=full)
    assert (done.returncode, done.rows) == (DEFERRED, []) and "No space left" in done.stderr
    relay.replies[B] = relay.replies[C] = "550 no"
    for told in [B, C], []:
        assert [row[1] for row in spool.flush(relay, options=NOW, wrap=full).rows] == told
    assert [row[1:3] for row in spool.flush(relay).rows] == [[S, "delivered"]]
    [(mail, _)] = notices(relay)
    assert mail["Message-ID"] == f"<{id_of_notice(number, 7)}@example.org>" and failed(spool).stem == number
    assert [part["Diagnostic-Code"] for part in mail.get_payload()[1].get_payload()[1:]] == [
        "smtp; 550 5.1.1 unknown", "smtp; 550 no", "smtp; 550 no"]


def test_send_tells_its_caller_and_makes_no_notice(spool, relay):
    """in the background it makes one, and sends it"""
    relay.replies = {A: "550 5.1.1 unknown"}
    assert spool.send(relay).returncode == REFUSED and spool.files() == []
    assert spool.send(relay, options=["--background"]).returncode == OK
    until = time.monotonic() + LIMIT_S
    while (not notices(relay) or spool.waiting()) and time.monotonic() < until:
        time.sleep(0.05)
    assert [to for _, to in notices(relay)] == [[S]] and [row[5] for row in spool.queue().rows] == ["failed"] * 2


def test_a_notice_of_an_odd_header_is_well_formed(spool, relay, closed):
    """and every relay can carry it, unlike the mail: octets that are no ASCII, no empty line, a line that looks like a part's end"""
    text = b"Subject: ???\nContent-Type: x/y\n--=_0123456789abcdef--: x\nX: " + b"y" * 20000 + b"\n\n\xe4\n"
    spool.send(closed, options=["--raw"], text=text)
    plant(spool.file().path, b": \xff\x80\x7f\r\n", b": ???\r\n")
    row, notice = spool.flush(relay, options=NOW).rows
    assert "8BITMIME" in row[4] and notice[2] == "delivered"
    [(mail, _)] = notices(relay)
    header = mail.get_payload()[2].get_payload()
    assert len(mail.get_payload()) == 3 and "Subject: ??\x7f" in header and len(header) < 10000 and header.isascii()


def test_a_notice_of_an_address_in_utf_8_is_ascii(spool, relay, closed):
    """a relay need not be able to carry anything else"""
    spool.send(closed, to=("grüße@example.test",))
    assert spool.flush(relay, options=NOW).verdicts == ["failed", "delivered"]
    text = relay.mails[-1].text
    assert text.isascii() and text.count(b"gr\\xC3\\xBC\\xC3\\x9Fe@example.test\r\n") == 2


def test_a_notice_keeps_to_verified_relays(spool, relay, tmp_path):
    """as the mail it tells of"""
    spool.send(options=["--relay", relay.where, "--trust", tmp_path / "none"])
    file = spool.file()
    file.failed = 1
    file.write()
    assert spool.flush(relay).returncode == FAILED
    [notice] = spool.files()
    assert notice.verified_only


def test_a_hundred_that_failed_are_kept(spool, relay):
    """the oldest go, each with a word"""
    relay.replies = {A: "550 5.1.1 unknown"}
    spool.send(relay)
    first = failed(spool)
    for number in range(101):
        shutil.copy(first, spool.path / f"{number:016x}.failed")
    done = spool.send(relay)
    kept = {path.stem for path in spool.path.glob("*.failed")}
    assert done.rows[0][0] in kept and len(kept) == 100
    assert done.stderr.count("is removed") == 3


def copies(path, count, **state):
    """of a mail that failed, in another state"""
    for number in range(count):
        copy = File(shutil.copy(path, path.with_name(f"{number:016x}.failed")))
        vars(copy).update(state)
        copy.write()
        yield copy.path


@pytest.mark.parametrize("earlier_boot", [False, True])
def test_what_has_just_failed_is_not_what_failed_first(spool, relay, closed, earlier_boot):
    """though it waited for longer than others, and whatever the clock says"""
    relay.replies = {A: "550 5.1.1 unknown"}
    spool.send(relay)
    for path in copies(failed(spool), 100, **{"boot": b"x" * 16} if earlier_boot else {}):
        os.utime(path, (2**31, 2**31) if earlier_boot else None)
    number = spool.send(closed).rows[0][0]
    file = spool.file()
    file.age = 5 * DAY
    file.write()
    done = spool.flush(closed, options=NOW)
    kept = {path.stem for path in spool.path.glob("*.failed")}
    assert done.rows[0][0] == number in kept and len(kept) == 100 and done.stderr.count("is removed") == 2
    [notice] = spool.files()
    assert b"It is kept" not in notice.path.read_bytes() and b"It goes by itself when 100 others" in notice.path.read_bytes()


def test_notices_that_failed_go_first(spool, relay, tmp_path):
    """and crowd no mail out; from a full disk, too"""
    relay.replies = {A: "550 5.1.1 unknown"}
    spool.send(relay)
    list(copies(failed(spool), 98))
    number = refuse(spool, relay, notice="550 5.1.1 unknown")
    names = set(spool.names())
    assert f"{number}.failed" in names and f"{id_of_notice(number, 3)}.failed" not in names and len(names) == 100
    for path in copies(spool.path / f"{number}.failed", 98):
        path.unlink()
    other = refuse(spool, relay, notice="550 5.1.1 unknown")
    full = ["strace", "-qq", "-o", tmp_path / "trace", "-e", "inject=fchmod:error=ENOSPC:when=1"]
    assert f"{id_of_notice(other, 3)}.failed is removed: the disk is full" in spool.send(relay, wrap=full).stderr

# SPDX-License-Identifier: MIT
"""sendmail, mail, mailx, mailq, newaliases: what callers may rely on, rule by rule. What real ones hand over is in
test_calls.py."""
import email
import email.policy
import fcntl
import os
import pathlib
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pytest

from mta import HOST, Machine
from relay import BAD_CONFIG, BAD_INPUT, COMMAND, LIMIT_S, NOT_STORED, USAGE, Relay, run

A, B, ROOT = "a@example.test", "b@example.test", f"root@{HOST}"
SUBJECT = b"Subject: x\n\n"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


def parsed(mail):
    octets = mail.text.replace(b"\r\n..", b"\r\n.")
    return email.message_from_bytes(octets, policy=email.policy.SMTP)


def body(mail):
    """the lines, without the dots of SMTP"""
    text = mail.text.partition(b"\r\n\r\n")[2]
    return [line.removeprefix(b".") for line in text.split(b"\r\n")[:-1]]


# ---- sendmail: who ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, sender", [
    (["-f", B], B), ([f"-f{B}"], B), (["-r", B], B), ([f"-r{B}"], B), (["-f", "backup"], f"backup@{HOST}"),
    (["-f", ""], ""), (["-f", "<>"], ""), (["-r", "<>"], ""), (["-f", f"<{B}>"], B), (["-f", f"Ann <{B}>"], B), ([], ROOT)])
@pytest.mark.parametrize("behind", [False, True])
def test_sender(machine, words, sender, behind):
    mail = machine.sent("sendmail", *([A, *words] if behind else [*words, A]), text=SUBJECT)
    assert (mail.sender, mail.to) == (sender, [A]) and mail.text.count(b"From:") == 1


@pytest.mark.parametrize("name, user", [("DOM\\joe", pwd.getpwuid(os.getuid()).pw_name), ("j\u00f6rg", "nobody")])
def test_user_who_is_no_local_part(machine, name, user):
    """of each relay: neither his mail nor its notice would go to one without SMTPUTF8"""
    mail = machine.sent("sendmail", A, text=SUBJECT, env={"LOGNAME": name})
    assert mail.sender == f"{user}@{HOST}" and parsed(mail)["From"] == mail.sender


@pytest.mark.parametrize("words, rcpts", [
    ([A, B], [A, B]), ([f"{A},{B}"], [A, B]), ([f"Ann <{A}>, root"], [A, ROOT]), ([A, "-i", B], [A, B]), ([A, "--", B], [A, B]),
    (["root"], [ROOT]), ([f"<{A}>"], [A]), ([A, A, A.replace("example", "EXAMPLE")], [A]), (["--", A], [A]),
    (["--", "-i@example.test", A], ["-i@example.test", A])])
def test_recipients_of_words(machine, words, rcpts):
    assert machine.sent("sendmail", *words, text=SUBJECT).to == rcpts


@pytest.mark.parametrize("fields, words, rcpts", [
    (f"To: {A}\nCc: Ann <{B}>\nBcc: root, c@example.test", [], [A, B, ROOT, "c@example.test"]),
    (f"To: Ann\n <{A}>,\n\troot", [], [A, ROOT]), (f"To: {A}", [B], [B, A]), (f"To: {A}\nCc: {A}", [A], [A]),
    (f"Bcc: {A}", [], [A]), (f"to : {A}\nTO: {B}", [], [A, B]), (f"To: Staff: {A}, root;, {B}", [], [A, ROOT, B]),
    (f"To: undisclosed-recipients:;\nBcc: {A}", [], [A]), (f"To: root@old.test\nResent-To: {A}\nResent-Bcc: {B}", [], [A, B]),
    (f"Resent-To: {A}\nReceived: x\nResent-To: {B}\nTo: root", [], [A]),
    (f"Resent-From: root\nX: y\nResent-To: {A}\nResent-Cc: {B}\nTo: root\nResent-Bcc: root", [], [A, B]), (f"X: y\nResent-Cc: {A}\nTo: root", [], [A]), (f'To: "a, b" (c, d) <{A}>', [], [A]),
    (f"To: <>, x, {A}\nCc: <>", [], [f"x@{HOST}", A]), (f"To: <@relay.test:{A}>", [], [A]), *((f"{field}:{value}\nTo: {A}\nBcc: {B}", [], [A, B]) for value in ("", " ,", "\n\t")
                                          for field in ("Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-From")),
    *((f"{field}:\nTo: {A}", [], [A]) for field in ("Resent-Date", "Resent-Message-ID")), (f"Resent-To: {A}\nX:\nResent-Cc: {B}\nTo: root", [], [A]),
    (f"Resent-To: {A}\nResent-:\nResent-Cc: {B}\nTo: root", [], [A, B]), (f"To: root <>, {A}, root <(x)>, root (x) < >", [], [A]), (f"To: root <@x.test:>, {A}, root <,:{B}>", [], [A, B]),
    (f"Resent-From: root\nResent-Cc:\nResent-To: {A}\nResent-Bcc:\nResent-Cc: {B}\nTo: root", [], [A, B])])
def test_recipients_of_the_header(machine, fields, words, rcpts):
    mail = machine.sent("sendmail", "-t", *words, text=fields + "\nSubject: x\n\nBcc: stays\n")
    assert mail.to == rcpts
    assert b"bcc:" not in mail.text.partition(b"\r\n\r\n")[0].lower() and body(mail) == [b"Bcc: stays"]


def test_bcc_goes_without_t(machine):
    mail = machine.sent("sendmail", A, text=f"To: {A}\nBcc: {B}\n\nx\n")
    assert mail.to == [A] and B.encode() not in mail.text


@pytest.mark.parametrize("words, text, status, word", [
    ([], "To: a@example.test\n\n", USAGE, "no recipient"), (["-t"], "Subject: x\n\n", USAGE, "no recipient"),
    (["-t"], "To: a b c\n\n", BAD_INPUT, 'To "a b c"'), (["-t"], "To: " + "a b " * 100 + "\n\n", BAD_INPUT, 'To "' + "a b " * 75 + '": it '), (["-t"], "Cc: <a@example.test\n\n", BAD_INPUT, "Cc"),
    (["-t"], "To: <a@example.test, b@example.test>\n\n", BAD_INPUT, "To"), (["-t"], "To: <a:b@example.test>\n\n", BAD_INPUT, "To"),
    (["a b"], "", USAGE, '"a b"'), (["a@"], "", USAGE, '"a@"'), (["-f", "a b", A], "", USAGE, '"a b"'),
    (["-f"], "", USAGE, "-f needs a value"), (["-C", "", A], "", USAGE, "-C is empty"), (["-Z", A], "", USAGE, "-Z"), (["-:", A], "", USAGE, "-:"), (["-i;", A], "", USAGE, "-;"), (["-bs"], "", USAGE, "-bs"),
    (["-bd"], "", USAGE, "-bd"), (["-bs", A], "x\n", USAGE, "-bs")])
def test_refused(machine, words, text, status, word):
    """whole, with the reason; nothing is kept"""
    done = machine.call("sendmail", *words, text=text, status=status, silent=False)
    assert word in done.stderr and done.stderr.startswith("mailmote: ") and done.stdout == b""
    assert machine.relay.talks == [] and machine.kept() == []


@pytest.mark.parametrize("words", [
    ["-A", "x"], ["-Ac"], ["-B", "8BITMIME"], ["-B7BIT"], ["-bm"], ["-d", "0.1"], ["-D"], ["-e", "m"], ["-em"], ["-G"], ["-h", "3"],
    ["-L", "tag"], ["-m"], ["-N", "failure"], ["-n"], ["-O", "A=b"], ["-OA=b"], ["-o", "em"], ["-oem"], ["-oee"], ["-om"], ["-oo"],
    ["-odb"], ["-odi"], ["-odq"], ["-or0s"], ["-p", "SMTP"], ["-R", "hdrs"], ["-U"], ["-V", "id"], ["-X", "/dev/null"],
    ["-c"], ["-w"], ["-w", "30"], ["-w30"], ["-iw30m"], ["-w", "0123456789"], ["-w0123456789"], ["-oMr", "local"], ["-oMa", "192.0.2.1"], ["-oMrSMTP"],
    ["-inm"], ["-iB", "8BITMIME"]])
def test_options_that_change_nothing(machine, words):
    mail = machine.sent("sendmail", *words, A, text=SUBJECT + b"y\n")
    assert (mail.sender, mail.to, body(mail)) == (ROOT, [A], [b"y"])


@pytest.mark.parametrize("word", ["sendmail", "mail"])
def test_as_a_word(machine, word):
    (machine.path / "mailmote").symlink_to(os.path.abspath(COMMAND))
    assert machine.sent("mailmote", word, A, text=SUBJECT).to == [A]


@pytest.mark.parametrize("field, to", [("To:", A), ("Bcc: ", A), ("To: ,\nCc:\nBcc:", A), ("Cc: a@x.y", "undisclosed-recipients:;")])
def test_empty_to(machine, field, to):
    assert parsed(machine.sent("sendmail", A, text=f"{field}\nSubject: x\n\ny\n".encode())).get_all("To") == [to]


@pytest.mark.parametrize("words, end", [
    (["sendmail", "-t"], b"\n"), (["sendmail", "-t"], b"\r\n"), (["sendmail", "-t"], b"\r\0\r\n"), (["sendmail", "-i", A], b"\r\0\n"),
    (["mail", "-t"], b"\r\r\n")], ids=range(5))
@pytest.mark.parametrize("value", [b"a\r", b"a\r\0", b"a\r\r", b"a\0\r", b"a\n \r", b"a\n\t\r", b"\303\244\r", b"a" * 990 + b"\r", b"a\r \n ",
                                   b"a" * 16352 + b"\r", b"a" * 16351 + b"\r"], ids=range(11))
def test_a_cr_alone_ends_no_field(machine, words, end, value):
    """what takes LFs out of a stranger's words, and no CRs, gives nobody a mail by them"""
    field = value.replace(b"\n", end)
    mail = machine.sent(*words, text=b"To: " + A.encode() + end + b"Subject: " + field + b"Bcc: v@example.test\rX: y" + end + end + b"z\rz\n")
    assert mail.to == [A] and set(parsed(mail).keys()) <= {"To", "Subject", "From", "Date", "Message-ID", "MIME-Version"}
    assert parsed(mail)["Subject"].replace("\r\n", "").endswith(" Bcc: v@example.test X: y") and body(mail) == [b"z", b"z"]


# ---- The text --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words", [[], ["-i"], ["-oi"], ["-t", "-oi"], ["-ti"]])
@pytest.mark.parametrize("text", [b"a\n.\nb\n", b"a\r\n.\r\nb\r\n", b"a\n.\r\nb\n", b".\nb\n", b"a\n.", b"a\n.b\n..\n.", b"a\n.\r",
                                  b"a\r.\rb\r", b"a\r.\nb\n", b"a\n.\rb\n", b"a\n.\r.\nb\n", b".\r\nb", b"a\n.\r\r\nb\n"])
def test_lone_dot(machine, words, text):
    """ends the input without -i, between the ends of lines that LF makes: where a CR alone does, no program means it"""
    mail = machine.sent("sendmail", A, *words, text=b"Subject: x\n\n" + text)
    upto = text if words else re.split(rb"^\.\r?(?:\n|\Z)", text, maxsplit=1, flags=re.M)[0]
    lines = re.sub(rb"\r*\n", b"\n", upto).replace(b"\r", b"\n").removesuffix(b"\n")
    assert body(mail) == (lines.split(b"\n") if lines else [])


def test_dot_and_eight_bits(machine):
    assert body(machine.sent("sendmail", A, text=b"Subject: x\n\na\n.\xff\nb\n")) == [b"a", b"=2E=FF", b"b"]


@pytest.mark.parametrize("size", [*range(4084, 4102), 8191, 8192])
def test_lone_dot_anywhere(machine, size):
    """also where one read ends"""
    head = b"Subject: x\n\n"
    text = (b"x" * 63 + b"\n") * 200
    text = text[-(size - len(head)):]
    mail = machine.sent("sendmail", A, text=head + text + b".\nnever\n")
    assert body(mail) == text.splitlines()
    assert body(machine.sent("sendmail", A, text=head + text + b".\r\nnever\n")) == text.splitlines()
    mail = machine.sent("sendmail", A, text=head + text + b".x\n.y\n")
    assert body(mail) == [*text.splitlines(), b".x", b".y"]
    assert body(machine.sent("sendmail", A, text=head + text + b".\rx\n")) == [*text.splitlines(), b".", b"x"]


def test_lone_dot_that_cannot_be_read_behind(machine, tmp_path):
    """it may be none: the mail is not cut there"""
    (tmp_path / "text").write_bytes(b"Subject: x\n\ny\n.")
    said = machine.call("sendmail", A, status=65, silent=False, wrap=[
        "strace", "-f", "-qq", "-o", "/dev/null", "-P", tmp_path / "text", "-e", "inject=read:error=EIO:when=2",
        "sh", "-c", f'exec "$@" <{tmp_path}/text', "sh"]).stderr
    assert "standard input cannot be read" in said and machine.kept() == []


def test_a_dot_in_the_header_ends_it(machine):
    mail = machine.sent("sendmail", A, text=b"Subject: x\n.\nmore\n")
    assert parsed(mail)["Subject"] == "x" and body(mail) == []


def test_an_end_that_comes_late(machine):
    """of a pipe whose reads do not wait, behind a moment in which there was nothing to read"""
    input, output = os.pipe()
    os.set_blocking(input, False)
    process = subprocess.Popen([machine.path / "sendmail", A], stdin=input, env={"LOGNAME": "root", "MAILMOTE_CONF": str(machine.conf)})
    os.write(output, b"Subject: x\n\ny\n")
    while int.from_bytes(fcntl.ioctl(input, termios.FIONREAD, bytes(4)), sys.byteorder) > 0:
        time.sleep(0.01)
    time.sleep(0.1)
    os.close(input)
    os.close(output)
    assert process.wait(LIMIT_S) == 0 and body(machine.arrived()[0]) == [b"y"]


@pytest.mark.parametrize("first", [" x", "\tx", " " * 900 + "x", "no field", "From me today\nno field", "no field" * 100, ":", " Subject: x"],
                         ids=["blank", "tab", "blanks", "no field", "mailbox", "long", "colon", "folded"])
def test_a_text_without_a_header(machine, first):
    """longer than a header may be: each line arrives, also where all that follow its first one have the form of a header's"""
    lines = first.split("\n") + [f" {'y' * (at % 61)}" for at in range(20000)] + ["z: y" * (at % 17 + 1) for at in range(1000)]
    mail = machine.sent("sendmail", A, text="".join(line + "\n" for line in lines).encode())
    assert b"\n".join(body(mail)).decode().split("\n") == lines[first.startswith("From "):]


@pytest.mark.parametrize("first, more", [("X-1: x", [" folded", "\tfolded"]), ("X-1: x", ["X-2: x"]), ("X-1: x", [" folded", "X-2: y"]), ("X-1: x", [" ", " y"])])
def test_a_long_header_is_one(machine, first, more):
    """to its empty line, in however many pieces it comes; of lines of blanks alone none is left"""
    header = [first, *more * 4000]
    mail = machine.sent("sendmail", A, text="\n".join(["From: root", *header, "Subject: last", "", "x", "", "z: y", ""]).encode())
    assert mail.text.partition(b"\r\n\r\n")[0].count(b"\n") >= sum(1 for line in header if line.strip()) + 2
    assert parsed(mail)["Subject"] == "last" and body(mail) == [b"x", b"", b"z: y"]


@pytest.mark.parametrize("blocking", [True, False])
def test_pieces(machine, blocking):
    """what comes octet by octet is the same, through a pipe whose reads do not wait, too"""
    text = "From: Jürgen <root>\r\nTo: root\n\nx\r\n.y\n.\0\nw\r.\nz\n.\rv\n.\r\nu".encode()
    whole = machine.sent("sendmail", A, text=text)
    input, output = os.pipe()
    os.set_blocking(input, blocking)
    process = subprocess.Popen([machine.path / "sendmail", A], stdin=input,
                               env={"LOGNAME": "root", "MAILMOTE_CONF": str(machine.conf)})
    os.close(input)
    for at in range(len(text)):
        time.sleep(0.002)
        try:
            os.write(output, text[at:at + 1])
        except BrokenPipeError:
            break
    os.close(output)
    assert process.wait(LIMIT_S) == 0
    assert body(machine.arrived(2)[-1]) == body(whole) == [b"x", b".y", b".", b"w", b".", b"z", b".", b"v"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's spool is for all")
@pytest.mark.parametrize("mask", ["000", "022", "077"])
def test_who_may_what_in_the_spool(machine, mask):
    """others look for their mails in it, and drop new ones, whatever the mask of who made it"""
    machine.call("sendmail", "-i", "a@x.test", text=b"x\n", wrap=["sh", "-c", f'umask {mask}; exec "$@"', "sh"])
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (machine.spool, machine.spool / "drop")}
    assert modes == {machine.spool: 0o711, machine.spool / "drop": 0o1733}


def test_nuls_are_left_out(machine):
    """a log may hold them, and its mail is not to be lost"""
    mail = machine.sent("sendmail", A, text=b"Subject: x\0y\n\na\0b\n" + b"\0" * 9000 + b"c\n.\0\n\0.\n.\nd\n")
    assert parsed(mail)["Subject"] == "xy" and body(mail) == [b"ab", b"c", b".", b"."]  # a dot beside one is no lone dot
    assert body(machine.sent("sendmail", A, text=b"\n.\0")) == [b"."]
    mail = machine.sent("sendmail", "-t", text=f"To: {A}\r\0\r\nSubject: x\r\0\0\r\nBcc: {B}\n\n.\r\0\nd\n")
    assert mail.to == [A, B] and parsed(mail)["Bcc"] is None and body(mail) == [b".", b"d"]
    assert body(machine.sent("mail", A, text=b"a\0b\n")) == [b"ab"]


@pytest.mark.parametrize("text, subject, lines", [
    (b"", None, []), (b"hello\n", None, [b"hello"]), (b"\nhello\n", None, [b"hello"]), (b"12:30 now\n", None, [b"12:30 now"]),
    (b" two: x\n", None, [b" two: x"]), (b"Subject: x\nhello\n", "x", [b"hello"]), (b"Subject: x", "x", []),
    (b"Subject: x\n y\nhello\n\nz\n", "x y", [b"hello", b"", b"z"]), (b"From me\nSubject: x\n\nFrom you\n", "x", [b"From you"]),
    (b"Subject: x\r\n\r\nhello\n", "x", [b"hello"]), (b"Subject: x\r\n\nhello\r\n", "x", [b"hello"]),
    (b">From a\nSubject: x\n\n>From b\n", "x", [b">From b"]), (b"From a\n>From b\n>>From c\nFrom d\nSubject: x\n\ny\n", "x", [b"y"]),
    (b"x" * 300000, None, None)])
def test_header_that_is_none(machine, text, subject, lines):
    """is a text; a line that is no field begins one"""
    mail = machine.sent("sendmail", A, text=text)
    assert parsed(mail)["Subject"] == subject and parsed(mail)["To"] == A
    assert body(mail) == lines if lines is not None else parsed(mail).get_content().strip() == text.decode()


@pytest.mark.parametrize("words, text, rcpts, told", [
    (["-t"], f"To: {A}, a b c, Ann <{B}>\n\n", [A, B], ['field To "a b c"']),
    (["-t"], f'To: <{A}\nCc: "Bob, {B}\n\n', [B], [f'field To "<{A}"', 'field Cc "']),
    (["-t"], f"Bcc: a@@b, x@y@z, {A},, root,\n <c\n\n", [A, ROOT], ['field Bcc "a@@b"', 'field Bcc "x@y@z"', 'field Bcc "<c"']),
    (["-t"], f"To: Staff: a b, {A};, {B}\n\n", [A, B], ['field To "']),
    (["u@evil@localhost", A], "", [A], ['recipient "u@evil@localhost"']),
    (["-t"], f"To: u@evil@localhost, u@evil@{HOST}\nCc: {A}\n\n", [A], ['field To "u@evil@localhost"', f'field To "u@evil@{HOST}"']),
    ([A, "a b", B], "", [A, B], ['recipient "a b"'])])
def test_who_cannot_be_read_does_not_keep_it_from_the_others(machine, words, text, rcpts, told):
    done = machine.call("sendmail", *words, text=text, silent=False)
    [mail] = machine.arrived()
    assert mail.to == rcpts and done.stdout == b""
    assert [line.count(word) for line, word in zip(done.stderr.splitlines(), told, strict=True)] == [1] * len(told), done.stderr


@pytest.mark.parametrize("text", [b"X: " + b"y" * 600000, b"X: y\n" * 120000, (b"X: y\n z\n" * 70000)[:-1],
                                  b"X: " + b"y" * 500000 + b"\nX: " + b"y" * 50000, b"X: y\nX: " + b"y" * 600000], ids=range(5))
@pytest.mark.parametrize("end", [b"\n\n", b""])
def test_header_that_is_too_long(machine, text, end):
    """is not cut where it is read no further"""
    done = machine.call("sendmail", A, text=text + end, status=BAD_INPUT, silent=False)
    assert "the header is longer" in done.stderr and machine.kept() == []


@pytest.mark.parametrize("first", [" x", "\tx", " x: y", "x", "12:30", ""])
def test_text_longer_than_a_header(machine, first):
    """a table whose lines are indented, the first one too, say: it arrives to its end"""
    lines = [first, *[f" {number}\ty" for number in range(70000)]]
    mail = machine.sent("sendmail", A, text="\n".join(lines))
    assert body(mail) == "\n".join(lines).encode().split(b"\n")[first == "":]


@pytest.mark.parametrize("size", [4000, 12000, 400000])
@pytest.mark.parametrize("blank", [" ", "\t"])
@pytest.mark.parametrize("text", ["x\n", "\tx: y\n", ""])
def test_long_header(machine, size, blank, text):
    """is one, though it is read in pieces: what is folded begins no text"""
    fold = f"\r\n{blank}word{blank}word"
    note = "X-Note: a" + fold * (size // len(fold))
    mail = machine.sent("sendmail", "-t", text=f"To: {A}\r\n{note}\r\nBcc: {B}\r\nSubject: x\r\n\r\n{text}")
    assert mail.to == [A, B] and f"\r\n{note}\r\nSubject: x\r\n".encode() in mail.text and b"Bcc" not in mail.text
    assert body(mail) == text.encode().splitlines()


# ---- The header ------------------------------------------------------------------------------------------------------

def test_missing_fields(machine):
    mail = parsed(machine.sent("sendmail", A, text=b"\nx\n"))
    assert sorted(mail.keys()) == ["Date", "From", "MIME-Version", "Message-ID", "To"]
    assert (mail["From"], mail["To"], mail["MIME-Version"]) == (ROOT, A, "1.0")
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 120 and mail["Message-ID"].endswith(f"@{HOST}>")


@pytest.mark.parametrize("words, fields, to", [
    ([A], "", A), (["root"], "", ROOT), ([A, B], "", "undisclosed-recipients:;"), ([A], f"Cc: {B}\n", "undisclosed-recipients:;"),
    ([A], f"Bcc: {A}\n", "undisclosed-recipients:;"), (["-t"], f"Bcc: {A}\n", "undisclosed-recipients:;"), ([A], f"To: {B}\n", B)])
def test_to(machine, words, fields, to):
    """nobody is named to others who was not"""
    assert parsed(machine.sent("sendmail", *words, text=fields + "Subject: x\n\n"))["To"] == to


@pytest.mark.parametrize("field, sent", [
    ("From: root (Cron Daemon)", f"Cron Daemon <{ROOT}>"), ("From: root (A)", f"A <{ROOT}>"), ("From: root", ROOT), ("From: Ann <ann>", f"Ann <ann@{HOST}>"),
    ("From: Cron Daemon", f"Cron Daemon <{ROOT}>"), ("From: Jörg Ö. <j@x.test>", "Jörg Ö. <j@x.test>"),
    ('From: "Müller, A" <j@x.test>', '"Müller, A" <j@x.test>'), ("From: j@x.test (Jörg)", "Jörg <j@x.test>"),
    ("Reply-To: root, Jörg <j>", f"{ROOT}, Jörg <j@{HOST}>"), ("Cc: Büro: Jörg <j@x.test>, root;", f"Büro: Jörg <j@x.test>, {ROOT};"),
    ("From: Ann:;", f"Ann <{ROOT}>"),
    ("Sender: root", ROOT), ("Subject: Größe  ist  1 µm", "Größe  ist  1 µm"), ("X-Note: über\n Zeilen\n\tgefaltet ä", None),
    ("Subject: " + "Wärme im Keller " * 30, ("Wärme im Keller " * 30).strip()), ("Subject: " + "ü" * 500, "ü" * 500),
    ("Subject: a =?UTF-8?Q?=C3=BC?= ö", "a ü ö"), ("Comments: 世界 🐁", "世界 🐁")])
def test_field(machine, field, sent):
    """Python reads what was meant; it is ASCII, and in short lines"""
    mail = machine.sent("sendmail", A, text=field + "\n\nx\n")
    name = field.partition(":")[0]
    value = parsed(mail)[name]
    if name in ("From", "Reply-To", "Cc", "Sender"):
        groups = [(group.display_name, [(a.display_name, a.addr_spec) for a in group.addresses]) for group in value.groups]
        meant = email.policy.SMTP.header_factory(name, sent)
        assert groups == [(g.display_name, [(a.display_name, a.addr_spec) for a in g.addresses]) for g in meant.groups]
    else:
        assert value == (sent or "über Zeilen gefaltet ä")
    assert not value.defects and mail.text.isascii()
    assert max(map(len, mail.text.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize("type, subject", [
    ("", "Gr\xfc\xdfe"), ("Content-Type: text/plain; charset=ISO-8859-1\n", "Gr\xfc\xdfe"),
    ('Content-Type: text/plain; charset="ISO-8859-1"; format=flowed\n', "Gr\xfc\xdfe"),
    (f"Content-Type: text/plain; charset={'x' * 40}\n", "Gr\xfc\xdfe")])
def test_field_that_is_no_utf8(machine, type, subject):
    mail = machine.sent("sendmail", A, text=f"{type}Subject: {subject}\n\nx\n".encode("latin-1"))
    words = email.header.decode_header(email.message_from_bytes(mail.text)["Subject"])
    assert mail.text.isascii() and words == [(subject.encode("latin-1"), "iso-8859-1" if "ISO" in type else "unknown-8bit")]


def test_comment_behind_an_address_stays(machine):
    mail = machine.sent("sendmail", A, text="Cc: Ann <root> (home)\n\n")
    assert f"\r\nCc: Ann <{ROOT}> (home)\r\n".encode() in b"\r\n" + mail.text


def test_type_that_is_not_ascii(machine):
    """of a text that is not either"""
    mail = machine.sent("sendmail", A, text="Content-Type: text/plain; name=\"ü.txt\"\n\nGröße\n")
    whole = parsed(mail)
    assert mail.text.isascii() and whole.get_content() == "Größe\r\n"
    assert whole.get_filename() == "ü.txt" and whole.get_content_charset() == "utf-8"
    mail = machine.sent("sendmail", A, text='Content-Disposition: attachment; filename="a\\"ü; b.txt"; size=1\n\nGröße\n')
    assert mail.text.isascii() and parsed(mail).get_filename() == 'a"ü; b.txt' and b"; size=1\r\n" in mail.text


@pytest.mark.parametrize("words, sent", [(["-F", "Jörg, Ö"], "Jörg, Ö"), (["-FCron"], "Cron"), (["-F", "a\r\nBcc: b\t\x01\x7fc"], "a  Bcc: b   c"), ([], "")])
def test_name_of_the_sender(machine, words, sent):
    """for a From that is missing alone"""
    [address] = parsed(machine.sent("sendmail", *words, A, text=SUBJECT))["From"].addresses
    assert (address.display_name, address.addr_spec) == (sent, ROOT)
    assert parsed(machine.sent("sendmail", *words, A, text=f"From: {B}\n\n"))["From"] == B


@pytest.mark.parametrize("name, sent", [("A", "A"), ('"A"', "A"), ("", ""), ('""', ""), ("n" * 299, "n" * 299),
                                        ("n" * 301, "n" * 299)])
def test_name_beside_the_address_of_the_sender(machine, name, sent):
    """is written as well, as long as there is room for it"""
    [address] = parsed(machine.sent("sendmail", "-f", f"{name} <{B}>", A, text=SUBJECT))["From"].addresses
    assert (address.display_name, address.addr_spec) == (sent, B)


@pytest.mark.parametrize("empty", ["", "From:\n", "From: ,\n"])
def test_from_is_written_once(machine, empty):
    machine.configure(f"relay {machine.relay.where}", "from box@provider.test", "set_from_header on")
    mail = machine.sent("sendmail", A, text=f"{empty}From: Ann <{A}>\nSubject: x\nFrom: {B}\n\n")
    assert parsed(mail).get_all("From") == ["Ann <box@provider.test>"]


def test_a_name_longer_than_a_line(machine):
    """keeps its quotes"""
    mail = machine.sent("sendmail", A, text='To: "' + "a b " * 400 + f'" <root> (x), {B}\nSubject: x\n\n')
    assert [address.addr_spec for address in parsed(mail)["To"].addresses] == [ROOT, B]
    assert parsed(mail)["To"].addresses[0].display_name.split() == ["a", "b"] * 400
    assert max(map(len, mail.text.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("count, mails", [(32, 1), (33, 2), (40, 2), (64, 2), (1000, 32)])
@pytest.mark.parametrize("words", [[], ["-t"], ["-v"]])
def test_more_recipients_than_a_record_has(machine, words, count, mails):
    """each gets the same mail once, over one connection"""
    whom = [f"u{i}@x.test" for i in range(count)]
    text = f"Subject: x\nBcc: {', '.join(whom)}\n\nGröße\n" if "-t" in words else "Subject: x\n\nGröße\n"
    machine.call("sendmail", *words, *([] if "-t" in words else whom), text=text, silent=words != ["-v"])
    sent = machine.arrived(mails)
    assert sorted(address for mail in sent for address in mail.to) == sorted(whom)
    assert len({mail.text for mail in sent}) == 1 and b"u1@" not in sent[0].text
    time.sleep(0.2)
    assert machine.kept() == [] and len(machine.relay.talks) == 1


def test_mails_of_many_recipients_wait(machine):
    machine.relay.replies["MAIL"] = "451 later"
    machine.call("sendmail", "-v", *(f"u{i}@x.test" for i in range(70)), text=SUBJECT, silent=False)
    assert len(machine.kept()) == 3
    machine.relay.replies = {}
    assert run(COMMAND, "flush", "--now", "-C", machine.conf).returncode == 0
    assert sum(len(mail.to) for mail in machine.arrived(3)) == 70 and machine.kept() == []


def test_each_of_the_mails_has_its_notice(machine):
    """which goes at once, between them, over the same connection"""
    machine.relay.replies = {"u0@x.test": "550 no", "u40@x.test": "550 no"}
    machine.call("sendmail", *(f"u{i}@x.test" for i in range(70)), text=SUBJECT)
    sent = machine.arrived(5)
    assert [mail.to == [ROOT] and b"u0@" in mail.text for mail in sent] == [False, True, False, False, False]
    assert [mail.to == [ROOT] and b"u40@" in mail.text for mail in sent] == [False, False, False, True, False]
    assert len(machine.relay.talks) == 1


@pytest.mark.parametrize("piece", ["(,", "[,", "a@b c,"])
def test_a_list_without_end_that_cannot_be_read(machine, piece):
    """is not looked through piece by piece; who can be read before gets the mail, and who is in another list"""
    lists = f"To: {A}, {piece * 999}{B}, {piece * 3000}\nCc: {piece} root\n"
    done = machine.call("sendmail", "-t", "-v", text=f"{lists}Subject: x\n\n", silent=False)
    told = re.findall(r"\w+ \".*\": it(, and all behind it,)? cannot be read as an address", done.stderr)
    assert len(told) == 1002 and [at for at, rest in enumerate(told) if rest] == [1000]
    assert [mail.to for mail in machine.arrived(1)] == [[A, B, ROOT]]


@pytest.mark.parametrize("count", [65536, 65537])
def test_more_recipients_than_are_counted(machine, count):
    done = machine.call("sendmail", *(f"u{i}@x.y" for i in range(count)), text=SUBJECT, status=USAGE, silent=False)
    assert "recipients: send several mails" in done.stderr and machine.kept() == [] and machine.relay.talks == []


# ---- The configuration -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("field, sent", [
    ("From: root (Cron Daemon)", "Cron Daemon <box@provider.test>"), ("From: Jörg <j@x.test>", "Jörg <box@provider.test>"),
    ("From: j@x.test", "Box <box@provider.test>"), ("Subject: x", "Box <box@provider.test>")])
def test_from_that_the_relay_permits(machine, field, sent):
    machine.configure(f"relay {machine.relay.where}", "from box@provider.test", "from_full_name Box", "set_from_header on",
                      "allow_from_override off", "maildomain home.test")
    mail = machine.sent("sendmail", "-f", "other", "root", text=f"{field}\nReply-To: j\n\nx\n")
    assert parsed(mail)["From"] == sent and (mail.sender, mail.to) == ("box@provider.test", ["root@home.test"])
    assert parsed(mail)["Reply-To"] == "j@home.test"


def test_aliases(machine):
    aliases = machine.path / "aliases"
    aliases.write_text(f"root: admin\nadmin: {A}, {B}\nloop: pool\npool: loop\n")
    machine.configure(f"relay {machine.relay.where}", f"aliases {aliases}")
    mail = machine.sent("sendmail", "root", text=SUBJECT)
    assert mail.to == [A, B] and parsed(mail)["To"] == ROOT
    assert machine.sent("sendmail", "-t", text=f"To: admin\nCc: {B}\n\n").to == [A, B]
    assert machine.sent("mail", "root", text=b"x").to == [A, B]


@pytest.mark.parametrize("name", ['"u@evil"', '"u@evil"@localhost', f'"u@evil"@{HOST}'])
def test_a_name_that_holds_an_at(machine, name):
    """is completed as others are, and those beside it have the mail"""
    mail = machine.sent("sendmail", "-t", text=f"To: {name}, root\nCc: x@y@localhost\n\n", silent=False)
    assert mail.to == [f'"u@evil"@{HOST}', ROOT] and f'To: "u@evil"@{HOST},\r\n {ROOT}\r\n'.encode() in mail.text
    assert b"Cc: x@y@localhost\r\n" in mail.text


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost.localdomain", HOST])
def test_names_of_this_host(machine, host):
    """as fail2ban's root@localhost: they are local names, with their aliases"""
    machine.configure(f"relay {machine.relay.where}", f"alias root: {A}")
    machine.call("sendmail", f"root@{host}", f"x@{host}", text=b"Subject: s\n\nt\n")
    assert machine.arrived()[0].to == [A, f"x@{HOST}"]


def test_the_longest_name_of_this_host(machine, monkeypatch):
    """of 64 octets is known up to the last"""
    name = f"nas.{'x' * 55}.test"
    monkeypatch.setattr("mta.HOST", name)
    machine.configure(f"relay {machine.relay.where}", f"alias root: {A}")
    machine.call("sendmail", f"root@{name}", text=b"Subject: s\n\nt\n")
    assert len(name) == 64 and machine.arrived()[0].to == [A]


def test_a_name_of_another_host(machine):
    machine.configure(f"relay {machine.relay.where}", f"alias root: {A}")
    machine.call("sendmail", f"root@other.{HOST}", "root@localhost.test", text=b"Subject: s\n\nt\n")
    assert machine.arrived()[0].to == [f"root@other.{HOST}", "root@localhost.test"]


@pytest.mark.parametrize("alias", ["loop: pool\npool: loop", "loop: |sh", "loop: :include:/etc/list", "loop: x@", "loop: u@evil@localhost",
                                   "loop: " + ", ".join(f"n{i}@x.y" for i in range(33))])
@pytest.mark.parametrize("name", ["sendmail", "mail"])
def test_wrong_alias_costs_no_mail(machine, name, alias):
    aliases = machine.path / "aliases"
    aliases.write_text(f"{alias}\nroot: {A}\n")
    machine.configure(f"relay {machine.relay.where}", f"aliases {aliases}")
    done = machine.call(name, "loop", "root", text=SUBJECT, silent=False)
    assert f"{aliases}:" in done.stderr and f"loop is sent to loop@{HOST}" in done.stderr
    assert machine.arrived()[0].to == [f"loop@{HOST}", A]


@needs_root
def test_aliases_of_the_system(machine):
    """where the configuration has none"""
    etc = machine.path / "etc"
    etc.mkdir()
    shutil.copy("/etc/passwd", etc)
    wrap = ["unshare", "--mount", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh"]
    (etc / "aliases").write_text(f"root: {A}\n")
    assert machine.sent("sendmail", "root", text=SUBJECT, wrap=wrap).to == [A]
    assert machine.sent("mail", "root", text=b"x", wrap=wrap).to == [A]
    machine.call("newaliases", wrap=wrap)
    (etc / "aliases").write_text("root: |sh\n")
    assert "no command" in machine.call("newaliases", status=BAD_INPUT, silent=False, wrap=wrap).stderr
    (etc / "aliases").write_text("root: \\\n")
    assert "names nobody" in machine.call("newaliases", status=BAD_INPUT, silent=False, wrap=wrap).stderr
    machine.configure(f"relay {machine.relay.where}", f"alias root: {B}")
    assert machine.sent("sendmail", "root", text=SUBJECT, wrap=wrap).to == [B]


def test_newaliases(machine):
    aliases = machine.path / "aliases"
    machine.configure(f"relay {machine.relay.where}", f"aliases {aliases}")
    aliases.write_text(f"root: admin\nadmin: {A}\n*: {B}\n")
    for words in ["newaliases"], ["sendmail", "-bi"], ["sendmail", "-I"]:
        machine.call(*words)
    machine.configure(f"relay {machine.relay.where}", f"aliases {aliases}", spool=False)
    machine.call("newaliases")
    for text, word in (("root: root2\nroot2: root\n", "circle"), ("root: |sh\n", "no command"), ("what\n", "no alias"),
                       (f"root: root2, {A}\nroot2: root\n", "circle"), (f"root: {A}, |sh\n", "no command")):
        aliases.write_text(f"admin: {A}\n{text}")
        assert word in machine.call("newaliases", status=BAD_INPUT, silent=False).stderr
    aliases.unlink()
    assert "cannot be read" in machine.call("newaliases", status=BAD_CONFIG, silent=False).stderr


@pytest.mark.parametrize("line, word", [("relais x", "relais"), ("relay", "is empty"), ("timeout 0", "timeout"),
                                        ("from_full_name a\1b", "control character")])
def test_wrong_configuration_costs_no_mail(machine, line, word):
    """it alone is told, and the mail is sent when it is right again"""
    machine.configure(line)
    done = machine.call("sendmail", A, text=SUBJECT, silent=False)
    assert word in done.stderr and "no relay" not in done.stderr and done.stdout == b"" and len(machine.kept()) == 1
    for call in ["mailq"], ["sendmail", "-bp"]:
        done = machine.call(*call, status=BAD_CONFIG, silent=False)
        assert word in done.stderr and done.stdout.startswith(machine.kept()[0].stem.encode() + b"\t")
    assert word in machine.call("newaliases", status=BAD_CONFIG, silent=False).stderr
    machine.configure(f"relay {machine.relay.where}")
    machine.call("sendmail", "-q")
    assert machine.arrived()[0].to == [A] and machine.kept() == []


# ---- Stored first ----------------------------------------------------------------------------------------------------

def test_back_at_once(machine):
    """while the relay says nothing"""
    machine.relay.hold, machine.relay.hold_greeting = threading.Event(), True
    machine.call("sendmail", A, text=SUBJECT)
    machine.call("mail", "-s", "y", A, text=b"y")
    assert machine.relay.holding.wait(LIMIT_S) and len(machine.kept()) == 2
    machine.relay.hold.set()
    machine.arrived(2)


@pytest.mark.parametrize("words", [["-odi"], ["-v"], ["-o", "di"], ["-D"]])
def test_in_the_foreground(machine, words):
    done = machine.call("sendmail", *words, A, text=SUBJECT, silent=False)
    assert len(machine.relay.mails) == 1 and machine.kept() == []
    assert (b"delivered" in done.stdout and "RCPT TO" in done.stderr) == ("-v" in words)
    assert "-v" in words or (done.stdout, done.stderr) == (b"", "")


@pytest.mark.parametrize("words", [["-odi"], []])
def test_stored_is_a_success(machine, words):
    """whatever becomes of it; a relay that refuses is told of by mail"""
    machine.relay.replies = {A: "550 no"}
    machine.call("sendmail", *words, A, text=SUBJECT)
    machine.wait(lambda: machine.call("sendmail", "-q") and machine.relay.mails)  # whoever still writes it has it locked
    [notice] = machine.arrived()
    assert notice.to == [ROOT] and notice.sender == ""
    machine.configure("relay 127.0.0.1:1")
    machine.call("sendmail", *words, A, text=SUBJECT)
    assert len(machine.kept()) == 1


def test_queue_and_flush(machine):
    machine.configure("relay 127.0.0.1:1")
    for name in [["mailq"], ["sendmail", "-bp"], ["mailq", "-Ac"], ["sendmail", "-q"], ["mailq"]]:  # before a first mail, too
        assert machine.call(*name).stdout == b""
    machine.call("sendmail", "-odi", A, text=b"Subject: waits\n\n")
    rows = [machine.call(*name, silent=False).stdout for name in (["mailq"], ["sendmail", "-bp"], ["mailq", "-v"])]
    assert rows[0].count(b"\n") == 1 and b"\twaits" in rows[0] and A.encode() in rows[0] and len(set(rows)) == 1
    machine.configure(f"relay {machine.relay.where}")
    [kept] = machine.kept()
    subprocess.run([COMMAND, "flush", "--now", "-C", machine.conf], check=True, capture_output=True)
    assert machine.arrived()[0].to == [A] and machine.call("mailq").stdout == b""


@pytest.mark.parametrize("option", ["--show", "--delete"])
@pytest.mark.parametrize("number, status, word", [("0" * 16, BAD_CONFIG, "there is no spool"), ("1", USAGE, "is no mail's ID")])
def test_a_mail_of_a_spool_that_is_not_made_yet(machine, option, number, status, word):
    done = run(COMMAND, "queue", option, number, env={"MAILMOTE_CONF": str(machine.conf)})
    assert done.returncode == status and word in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["-q"], ["-q30m"], ["-q", "-v"]])
def test_flush(machine, words):
    machine.configure("relais")
    machine.call("sendmail", A, text=SUBJECT, silent=False)
    machine.configure(f"relay {machine.relay.where}")
    done = machine.call("sendmail", *words, silent=False)
    assert machine.arrived()[0].to == [A] and machine.kept() == []
    assert (b"delivered" in done.stdout) == ("-v" in words)


def test_another_configuration(machine):
    """for the queue and a flush as well"""
    other = machine.path / "other.conf"
    other.write_text(f"relais x\nspool {machine.spool}\n")
    machine.call("sendmail", "-C", other, A, text=SUBJECT, silent=False)
    other.write_text(f"relay {machine.relay.where}\nspool {machine.spool}\n")
    machine.configure("relay 127.0.0.1:1", f"spool {machine.path}/none", spool=False)
    assert A.encode() in machine.call("mailq", "-C", other, silent=False).stdout
    machine.call("sendmail", "-q", "-C", other)
    assert machine.arrived()[0].to == [A] and machine.kept() == []


@needs_root
@pytest.mark.parametrize("name, words", [("sendmail", ["-i"]), ("mail", ["-s", "x"])])
def test_spool_of_its_own(machine, name, words):
    """root's first mail makes /var/spool/mailmote, and users drop theirs into it, though the configuration is not theirs to read"""
    machine.configure(f"relay {machine.relay.where}", spool=False)
    place = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-spool-"))
    place.chmod(0o755)
    try:
        own = ["unshare", "--mount", "sh", "-c", f'mount --bind {place} /var/spool && exec "$@"', "sh"]
        machine.conf.chmod(0o600)
        shutil.copy(COMMAND, place / "copy")
        machine.call(name, *words, A, text=b"hello\n", wrap=own)
        machine.arrived()
        spool = place / "mailmote"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (spool, spool / "drop")] == [0o711, 0o1733]
        user = [*own, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run([*user, "/var/spool/copy", name, *words, "root"], input=b"hello\n", capture_output=True,
                              env={"LOGNAME": "guest", "MAILMOTE_CONF": str(machine.conf)}, timeout=LIMIT_S)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert len(list((spool / "drop").glob("*.mail"))) == 1
        machine.call("sendmail", "-q", wrap=own)
        mail = machine.arrived(2)[1]
        assert b"X-Mailmote-Uid: 65534" in mail.text and mail.sender.startswith("guest@")
    finally:
        shutil.rmtree(place)


@needs_root
def test_flush_makes_the_spool(machine):
    """that is configured: a user's mail may be the first one"""
    place = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-spool-"))
    try:
        place.chmod(0o755)
        conf, command, spool = place / "conf", place / "mailmote", place / "spool"
        conf.write_text(f"relay {machine.relay.where}\nfrom s@example.org\nspool {spool}\n")
        shutil.copy(COMMAND, command)
        for _ in range(2):
            done = run(command, "flush", "-C", conf)
            assert (done.returncode, done.stderr) == (0, "")
            assert [stat.S_IMODE(path.stat().st_mode) for path in (spool, spool / "drop")] == [0o711, 0o1733]
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = run(command, "sendmail", "-C", conf, A, text=SUBJECT, wrap=user)
        assert (done.returncode, done.stderr) == (0, "")
        assert run(command, "flush", "-C", conf).verdicts == ["delivered"] and machine.arrived()[0].to == [A]
    finally:
        shutil.rmtree(place)


@needs_root
def test_who_makes_the_spool_leaves_the_umask_as_it_was(tmp_path):
    """a command that prints a secret may write files"""
    conf, masks, wrap = tmp_path / "conf", tmp_path / "masks", ["sh", "-c", 'umask 027; exec "$@"', "sh"]
    conf.write_text(f'relay localhost:1 user=u "passwordeval=umask >>{masks}; echo p"\nfrom s@example.org\nspool {tmp_path}/spool\n')
    conf.chmod(0o600)
    run(COMMAND, "sendmail", "-odi", "-C", conf, A, text=SUBJECT, wrap=wrap)
    assert run(COMMAND, "flush", "--now", "-C", conf, wrap=wrap).verdicts == ["deferred"]
    assert masks.read_text() == "0027\n" * 2


@needs_root
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_spool_of_its_own_killed(machine, tmp_path, mask):
    """at each call while it is made: root's next mail makes what is missing, and users drop theirs into it"""
    place = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-spool-"))
    place.chmod(0o755)
    try:
        spool = place / "mailmote"
        machine.configure(f"relay {machine.relay.where}\nspool {spool}", spool=False)

        def under(*words):
            return subprocess.run(["strace", "-qq", *words, COMMAND, "sendmail", "-odi", A], input=b"hello\n", umask=mask,
                                  env={"MAILMOTE_CONF": str(machine.conf)}, capture_output=True, timeout=LIMIT_S).returncode
        trace = tmp_path / "trace"
        assert under("-y", "-o", trace) == 0
        calls = trace.read_text().splitlines()
        names = [line.partition("(")[0] for line in calls]
        first = next(n for n, line in enumerate(calls) if line.startswith("mkdir") and str(spool) in line)
        assert any(line.startswith("fsync(") and f"<{place}>" in line for line in calls[first:])  # its name is on the disk
        for n in range(first, first + 12):
            shutil.rmtree(spool)
            assert under("-o", "/dev/null", "-e", f"inject={names[n]}:signal=KILL:when={names[:n + 1].count(names[n])}") == -9
            assert under("-o", "/dev/null") == 0
            assert [stat.S_IMODE(path.stat().st_mode) for path in (spool, spool / "drop")] == [0o711, 0o1733], calls[n]
    finally:
        shutil.rmtree(place)


def test_no_spool(machine):
    machine.spool.write_text("")
    done = machine.call("sendmail", A, text=SUBJECT, silent=False)
    assert "spool" in done.stderr and len(machine.relay.mails) == 1

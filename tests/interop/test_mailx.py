# SPDX-License-Identifier: MIT
"""mail and mailx: a text, and options that make its header."""
import os
import pty
import re
import subprocess
import threading

import pytest

from mta import HOST
from relay import LIMIT_S, USAGE
from test_sendmail import A, B, ROOT, body, machine, parsed  # noqa: F401 (fixture)


@pytest.mark.parametrize("words, subject", [
    (["-s", "a b"], "a b"), (["-sa b"], "a b"), ([], None), (["-s", ""], None), (["-s", "Größe"], "Größe"),
    (["-s", "a\nBcc: c@example.test"], "a Bcc: c@example.test"),
    (["-s", "a\rBcc: c@example.test\r\nx"], "a Bcc: c@example.test  x"), (["-ns", "x"], "x"), (["-s", "x", "--"], "x")])
@pytest.mark.parametrize("name", ["mail", "mailx"])
def test_subject(machine, name, words, subject):
    mail = machine.sent(name, *words, A, text=b"text\n")
    assert parsed(mail)["Subject"] == subject and mail.to == [A] and body(mail) == [b"text"]


def test_text_of_a_pipe(machine):
    """is the text: no dot ends it, no tilde commands anything, no line is a header"""
    text = b"~r /etc/passwd\n~!id\n.\n..\nSubject: no\n\n~.\n"
    assert body(machine.sent("mail", A, text=text)) == text.splitlines()
    assert body(machine.sent("mail", A, text=b"")) == []
    assert parsed(machine.sent("mail", A, text="Größe\n".encode())).get_content() == "Größe\r\n"


@pytest.mark.parametrize("words, sender, shown", [
    (["-r", B], B, B), ([f"-r{B}"], B, B), (["-r", f"Jörg <{B}>"], B, f"Jörg <{B}>"), (["-r", "backup"], f"backup@{HOST}", None),
    (["-S", f"from={B}"], B, B), (["-S", "sendwait"], ROOT, ROOT), (["--", "-r", B], B, B), (["--", "-r"], ROOT, ROOT),
    (["-C", "X-Loop: y"], ROOT, ROOT), (["--", "-f", B], B, B), (["--", f"-f{B}"], B, B), (["-a", f"From: Ann <{B}>"], ROOT, f"Ann <{B}>")])
def test_sender_of_mail(machine, words, sender, shown):
    mail = machine.sent("mail", "-s", "x", A, *words, text=b"text\n")
    assert (mail.sender, mail.to, parsed(mail)["From"]) == (sender, [A], shown or sender)


def test_copies(machine):
    mail = machine.sent("mail", "-s", "x", "-c", f"Chef <{B}>, root", "-b", "hidden", A, text=b"text\n")
    assert mail.to == [A, B, ROOT, f"hidden@{HOST}"] and b"hidden" not in mail.text
    assert parsed(mail)["Cc"] == f"Chef <{B}>, {ROOT}" and parsed(mail)["To"] == A


@pytest.mark.parametrize("words, rcpts, to", [
    ([f"{A} {B}"], [A, B], f"{A}, {B}"), ([f" {A}\n\n\t{B}  root "], [A, B, ROOT], f"{A}, {B}, {ROOT}"), ([f"{A}, {B}"], [A, B], f"{A}, {B}"),
    ([f"root {A}", B], [ROOT, A, B], f"{ROOT}, {A}, {B}"), ([f"Ann Lee <{A}>"], [A], f"Ann Lee <{A}>"), ([f"{A} (Ann Lee)"], [A], A),
    ([f'"a b" <{A}>'], [A], f"a b <{A}>"), (["a @ example.test"], [A], A), (["a@ example.test b @example.test"], [A, B], f"{A}, {B}"),
    ([f"{A} {B}, root"], [A, B, ROOT], f"{A}, {B}, {ROOT}"), (["", A, " "], [A], A), ([f"{A} {B} "], [A, B], f"{A}, {B}"), ([f"{A}\r\n{B}"], [A, B], f"{A}, {B}"),
    ([f"{A} , {B}"], [A, B], f"{A}, {B}"), (["-c", f"{A} {B}", "-b", "x y", "-a", f"Cc: {ROOT} z", "w"], None, f"w@{HOST}")])
def test_blanks_part_recipients(machine, words, rcpts, to):
    """as in mail -s x "$PEOPLE" """
    mail = machine.sent("mail", *words, text=b"text\n")
    rcpts = rcpts or [f"w@{HOST}", A, B, ROOT, f"z@{HOST}", f"x@{HOST}", f"y@{HOST}"]
    assert mail.to == rcpts and parsed(mail)["To"] == to and re.search(rb"^To: (?!,)([^\r]|\r\n )*[^, \r] ?\r\n\S", mail.text, re.M)
    assert b",," not in mail.text
    assert parsed(mail)["Cc"] == (f"{A}, {B}, {ROOT}, z@{HOST}" if "-c" in words else None)


@pytest.mark.parametrize("words", [["-a", "Cc:"], ["-a", "Cc: "], ["-a", "Bcc: "], ["-c", ""], ["-b", ""]])
def test_no_copies(machine, words):
    """an empty one leaves no field"""
    mail = machine.sent("mail", "-s", "x", *words, A, text=b"text\n")
    assert mail.to == [A] and "Cc" not in parsed(mail) and "Bcc" not in parsed(mail)


@pytest.mark.parametrize("words", [[], ["-c", "root", "-b", "hidden", "-a", "X-Loop: ü"]])
def test_attachments(machine, words, tmp_path):
    file, other = tmp_path / "größe.bin", tmp_path / "b.txt"
    file.write_bytes(bytes(range(256)) * 40)
    other.write_text("text")
    mail = machine.sent("mail", "-s", "x", "-A", file, "-a", other, *words, A, text="Grüße\n".encode())
    whole = parsed(mail)
    text, *files = whole.iter_parts()
    assert text.get_content().rstrip() == "Grüße"
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in files] == [
        (path.name, path.read_bytes()) for path in (file, other)]
    assert mail.to == [A, *([ROOT, f"hidden@{HOST}"] if words else [])] and b"hidden" not in mail.text
    assert whole["X-Loop"] == ("ü" if words else None) and whole["Cc"] == (ROOT if words else None)


def test_an_empty_subject_is_none(machine, tmp_path):
    (tmp_path / "a").write_text("text")
    assert parsed(machine.sent("mail", "-s", "", "-A", tmp_path / "a", A, text=b"x\n"))["Subject"] is None
    assert parsed(machine.sent("mail", "-s", "", A, text=b"x\n"))["Subject"] is None


def test_fields_beside_attachments(machine, tmp_path):
    """what the message says itself is said once; nobody learns of a Bcc, who gets it"""
    (tmp_path / "file").write_text("text")
    words = [word for field in ("Bcc: hidden@x.test", "From: Ann <ann@x.test>", "Content-Type: text/html", "subject : s",
                                "MIME-Version: 1.0", "x-mailmote-uid : 0", "X-Loop: y") for word in ("-a", field)]
    mail = machine.sent("mail", *words, "-A", tmp_path / "file", A, text=b"x\n")
    whole = parsed(mail)
    assert mail.to == [A, "hidden@x.test"] and b"hidden" not in mail.text and b"mailmote-uid" not in mail.text and mail.sender == "ann@x.test"
    assert {name: whole.get_all(name) for name in ("From", "Subject", "X-Loop", "MIME-Version")} == {
        "From": ["Ann <ann@x.test>"], "Subject": ["s"], "X-Loop": ["y"], "MIME-Version": ["1.0"]}
    assert whole.get_content_type() == "multipart/mixed" and len(whole.get_all("Content-Type")) == 1


@pytest.mark.parametrize("words, subject, sender", [
    (["-a", "Date: x", "-a", "Message-ID: <x@x.test>"], None, ROOT), (["-s", "s", "-a", "Subject: t"], "s", ROOT),
    (["-a", "Subject: t", "-s", "s"], "s", ROOT), (["-a", "Subject: s", "-a", "Date: x", "-a", "Subject: t"], "s", ROOT),
    (["-r", B, "-a", "From: c@x.test", "-s", "s"], "s", B), (["-a", "From: b@x.test", "-a", "From: c@x.test"], None, "b@x.test")])
def test_subject_and_sender_beside_attachments(machine, tmp_path, words, subject, sender):
    """an option comes first, else the first field of that name; no other field is taken for one"""
    (tmp_path / "file").write_text("text")
    mail = machine.sent("mail", *words, "-A", tmp_path / "file", A, text=b"x\n")
    whole = parsed(mail)
    assert (whole.get_all("Subject"), whole.get_all("From"), mail.sender) == (subject and [subject], [sender], sender)
    assert [len(whole.get_all(name)) for name in ("Date", "Message-ID")] == [1, 1] and "x" not in (whole["Date"], whole["Message-ID"])


def test_nobody_waits_for_the_relay(machine):
    """mail ends when the mail is stored"""
    machine.relay.hold = threading.Event()
    machine.call("mail", "-s", "x", A, text=b"x\n")
    assert machine.relay.holding.wait(LIMIT_S) and len(machine.kept()) == 1
    machine.relay.hold.set()
    assert machine.arrived()[0].to == [A]


@pytest.mark.parametrize("with_file", [False, True])
@pytest.mark.parametrize("name", ["From", "Reply-To", "Sender", "Subject", "Resent-To", "In-Reply-To", "X-Y", "Content-Type"])
def test_fields_that_are_empty(machine, tmp_path, name, with_file):
    """variables of a script that are not set: the mail is as it is without them"""
    (tmp_path / "file").write_text("text")
    words = ["-s", "s", *(["-A", tmp_path / "file"] if with_file else []), A]
    for blank in "", " ", "\n":
        mail = machine.sent("mail", "-a", f"{name}:{blank}", *words, text=b"x\n")
        assert (mail.sender, mail.to) == (ROOT, [A])
        assert sorted(parsed(mail).keys()) == sorted(parsed(machine.sent("mail", *words, text=b"x\n")).keys())


@pytest.mark.parametrize("option", ["-a", "-C"])
@pytest.mark.parametrize("with_file", [False, True])
def test_people_of_fields(machine, tmp_path, option, with_file):
    """get the mail, as the message is sendmail -t's to others"""
    (tmp_path / "file").write_text("text")
    fields = ["To: Bob <b@x.test>", "cc:c@x.test, root", "Bcc : hidden@x.test", "Cc: ", "Cc: Dan <d@x.test>\n"]
    words = [word for field in fields for word in (option, field)] + (["-A", tmp_path / "file"] if with_file else [])
    mail = machine.sent("mail", *words, A, text=b"x\n")
    assert mail.to == ["b@x.test", A, "c@x.test", ROOT, "d@x.test", "hidden@x.test"] and b"hidden" not in mail.text
    assert [[address.addr_spec for address in field.addresses] for field in map(parsed(mail).__getitem__, ("To", "Cc"))] == [
        ["b@x.test", A], ["c@x.test", ROOT, "d@x.test"]]
    assert parsed(mail).get_all("Cc") == [str(parsed(mail)["Cc"])]


def test_a_field_names_the_only_recipient(machine):
    assert machine.sent("mail", "-a", f"To: {A}", text=b"x\n").to == [A]


def test_header_of_its_own(machine, tmp_path):
    """has no room for fields, which is told, and none for files"""
    (tmp_path / "file").write_text("text")
    message = f"To: {A}\nBcc: {B}\n\nx\n"
    done = machine.call("mail", "-t", "-A", tmp_path / "file", A, text=message, status=USAGE, silent=False)
    assert "-t with -A" in done.stderr and machine.kept() == []
    assert "warning" in machine.call("mail", "-t", "-s", "x", text=message, silent=False).stderr
    assert machine.arrived()[0].to == [A, B]


def test_a_file_without_a_text(machine, tmp_path):
    """is sent, and -a takes a file that is there, whatever it is called"""
    (tmp_path / "Note: x").write_text("text")
    mail = machine.sent("mail", "-E", "-a", "Note: x", A, wrap=["env", "-C", tmp_path])
    assert [part.get_filename() for part in parsed(mail).iter_attachments()] == ["Note: x"] and parsed(mail)["Note"] is None


def test_attachment_that_is_missing(machine):
    done = machine.call("mail", "-A", "/no/such", A, text=b"x", status=66, silent=False)
    assert "/no/such" in done.stderr and machine.kept() == []


def test_fields(machine):
    mail = parsed(machine.sent("mail", "-a", "Content-Type: text/html; charset=UTF-8", "-aX-Loop: a/b", "-a", "Reply-To: root",
                               "-s", "x", A, text="<p>ü\n".encode()))
    assert mail.get_content_type() == "text/html" and mail["X-Loop"] == "a/b" and mail["Reply-To"] == ROOT
    assert mail.get_content() == "<p>ü\r\n"


@pytest.mark.parametrize("words, sent", [(["-E"], False), (["-E", "set nonullbody"], False), (["-E", "set noheader"], True), ([], True)])
def test_empty_text(machine, words, sent):
    assert body(machine.sent("mail", *words, A, text=b"full\n")) == [b"full"]
    machine.call("mail", *words, "-s", "empty", A, text=b"")
    machine.call("mail", "-s", "last", A, text=b"x")
    assert {parsed(mail)["Subject"] for mail in machine.arrived(3 if sent else 2)} == {None, "last", *(["empty"] if sent else [])}


def test_mail_with_its_header(machine):
    mail = machine.sent("mail", "-t", text=f"To: {A}\nBcc: {B}\nSubject: x\n\n.\ny\n")
    assert mail.to == [A, B] and body(mail) == [b".", b"y"]


@pytest.mark.parametrize("words, word", [
    ([], "no recipient"), ([""], "no recipient"), (["-b", " "], "no recipient"), ([f"{A} |sh"], "|sh"), ([f"{A} /tmp/x"], "/tmp/x"), ([f"{A} +f"], "+f"), ([f"{A},/tmp/x"], "/tmp/x"), (["-c", "/tmp/x", A], "no file"),
    (["-b", '|sh -c "x"', A], "no command"),
    ([r"a\ b@example.test"], "b@example.test"), (["-f"], "no mailbox"), (["-u", "x"], "no mailbox"), (["-H"], "no mailbox"), (["-W", A], "-W"), (["-:", A], "-:"),
    *(([f"-{letter}", A], "no mailbox") for letter in "eLpT"), (["-q", "/x", A], "standard input"), (["+folder"], "no file"), (["-s"], "-s"),
    (["/tmp/file"], "no file"), (["|sh"], "no command"), (["-a", "X-Y", A], "X-Y"), (["-a", "", A], "-a is empty"), (["-A", "", A], "-A is empty"), (["<a b>"], "a b"),
    (["-C", "no field", A], "no header field"), (["-C", "X : y", "-C", ": y", A], "no header field")])
def test_mail_refuses(machine, words, word):
    done = machine.call("mail", *words, text=b"x\n", status=66 if "X-Y" in words else USAGE, silent=False)
    assert word in done.stderr and machine.kept() == [] and machine.relay.talks == []


def test_dialogue_of_mail(machine):
    """-v shows it, and does not leave before it is over"""
    done = machine.call("mail", "-v", "-s", "x", A, text=b"x\n", silent=False)
    assert "S: 250 taken" in done.stderr and machine.kept() == [] and len(machine.relay.mails) == 1


def test_mail_of_a_terminal(machine):
    """a lone dot ends it there"""
    master, slave = pty.openpty()
    process = subprocess.Popen([machine.path / "mail", "-s", "x", A], stdin=slave,
                               env={"LOGNAME": "root", "MAILMOTE_CONF": str(machine.conf)})
    os.close(slave)
    os.write(master, b"text\n.\n")
    assert process.wait(LIMIT_S) == 0
    os.close(master)
    assert body(machine.arrived()[0]) == [b"text"]

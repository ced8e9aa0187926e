# SPDX-License-Identifier: MIT
"""A mail that cannot be stored is tried at once, without being kept: the full disk may be what it has to tell. It arrives whole
and once, or the caller is told both reasons."""
import errno
import os
import re
import shutil
import subprocess

import pytest

import cell
from mta import Machine
from pretend import followed, pretend
from relay import COMMAND, DEFERRED, FAILED, LIMIT_S, NOT_STORED, OK, as_user, run
from test_drop import USER, place  # noqa: F401 (fixture)
from test_drop import spool as shared  # noqa: F401 (fixture)
from test_log import ERROR, MAIL, log  # noqa: F401 (fixture)
from test_spool import A, B, relay, spool, stored  # noqa: F401 (fixtures)

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system, and be several users")
WITHOUT = ": it is tried at once, and not kept\n"


def broken(call, error, when="1+"):
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={error}:when={when}"]


def octets(mail):
    """but for what no two mails have in common"""
    return re.sub(rb"(?m)^(Date|Message-ID): .*", rb"\1", mail.text)


TEXTS = {"composed": ([], b"one\ntwo\xc3\xbc\n" * 900), "whole": (["--raw"], b"Subject: s\n\n" + b"line\n" * 3000),
         "encoded": (["--raw"], b"Subject: s\n\n" + b"l\xc3\xbcne\n" * 2000)}


@pytest.mark.parametrize("kind, error", [("composed", "ENOSPC"), ("whole", "EDQUOT"), ("encoded", "EROFS")])
def test_whatever_was_written_it_arrives_whole(spool, relay, kind, error):
    """the text comes through a pipe, once; each write is the first that fails, and is so until the mail is stored"""
    options, text = TEXTS[kind]
    assert spool.send(relay, options=options, text=text).returncode == OK
    whole, count = octets(relay.mails.pop()), 0
    for count in range(1, 100):
        done = spool.send(relay, options=options, text=text, wrap=broken("pwrite64", error, f"{count}+"))
        if "state of mail" in done.stderr:
            break
        assert (done.returncode, done.verdicts) == (OK, ["delivered"]), done.stderr
        assert done.stderr.startswith(f"mailmote: the mail cannot be stored in {spool.path}: ") and done.stderr.endswith(WITHOUT)
        assert done.stderr.count("\n") == 1 and [octets(mail) for mail in relay.mails] == [whole]
        assert [name for name in spool.names() if name != "relays"] == []
        relay.mails.clear()
    assert 6 < count < 40 and done.verdicts == ["deferred"] and len(spool.files()) == 1


@pytest.mark.parametrize("call, error", [("fsync", "ENOSPC"), ("fsync", "EIO"), ("renameat", "EROFS"), ("renameat", "ENOSPC"),
                                         ("flock", "ENOLCK"), ("fchmod", "EROFS")])
@pytest.mark.parametrize("kind", ["composed", "encoded"])
def test_what_is_not_on_the_disk_under_its_name(spool, relay, kind, call, error):
    options, text = TEXTS[kind]
    spool.path.mkdir()
    done = spool.send(relay, options=options, text=text, wrap=broken(call, error))
    assert (done.returncode, done.verdicts, len(relay.mails)) == (OK, ["delivered"], 1)
    assert done.stderr.endswith(WITHOUT) and done.stderr.count("\n") == 1 and spool.names() == []


@pytest.mark.parametrize("error, tries, words", [("EEXIST", 10, "File exists"), ("EAGAIN", 10, "Resource temporarily unavailable"), ("ENOSPC", 1, "No space left on device")])
def test_how_often_a_name_is_tried(spool, relay, tmp_path, error, tries, words):
    """that others may have taken: ten times; and what else is wrong, once"""
    spool.path.mkdir()
    done = spool.send(relay, wrap=["strace", "-qq", "-o", tmp_path / "trace", "-e", "trace=fchmod", "-e", f"inject=fchmod:error={error}:when=1..20"])
    assert (done.verdicts, spool.names()) == (["delivered"], []) and words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert len((tmp_path / "trace").read_text().split(" 0600)")) == tries + 1


@pytest.mark.parametrize("call", ["mkdir", "openat"])
def test_a_spool_that_cannot_be_made_or_opened(spool, relay, call):
    spool.path.parent.joinpath("x").mkdir()
    done = spool.send(relay, wrap=[*broken(call, "EROFS"), *(["-P", spool.path] if call == "openat" else [])])
    assert (done.returncode, done.verdicts, len(relay.mails)) == (OK, ["delivered"], 1)
    assert done.stderr == f"mailmote: spool {spool.path} cannot be created or opened: Read-only file system" + WITHOUT


@pytest.mark.parametrize("options", [[], ["--background"]])
def test_not_delivered_either(spool, relay, options):
    """in the foreground: nobody else would tell"""
    relay.replies = {A: "450 4.2.1 later", B: "550 5.1.1 unknown"}
    done = spool.send(relay, to=(A, B), options=options, wrap=broken("fsync", "ENOSPC"))
    assert (done.returncode, done.verdicts) == (NOT_STORED, ["deferred", "failed"])  # 75 would say that it is kept
    assert "No space left" in done.stderr and "nothing is kept" in done.stderr and "--spool" not in done.stderr
    assert "is not delivered" not in done.stderr         # which the rows say
    assert [row[3:] for row in done.rows] == [["450", "4.2.1 later"], ["550", "5.1.1 unknown"]] and len(relay.talks) == 1


@pytest.mark.parametrize("count", [1, 2, 31])
def test_who_has_the_mail_is_not_told_to_send_it_again(relay, count):
    """whatever stands in the memory behind the recipients: here it is what means "deferred" there"""
    done = run(COMMAND, "send", "--relay", relay.where, "--from", "s@example.org", *(f"{n}@example.test" for n in range(count)),
               text=b"x\n", env=followed(2))
    assert (done.returncode, done.verdicts, done.stderr) == (OK, ["delivered"] * count, "")


def test_nobody_knows_whether_it_was_delivered(spool, relay):
    relay.cut_at_end = True
    done = spool.send(relay, wrap=broken("fsync", "ENOSPC"))
    assert (done.returncode, done.verdicts, len(relay.mails)) == (NOT_STORED, ["deferred"], 1) and "nothing is kept" in done.stderr


def test_not_to_be_tried(spool, relay, tmp_path):
    """what is wrong with the configuration is no reason not to keep a mail, but one not to send it: the line may say what relays are
    verified with"""
    config = tmp_path / "config"
    config.write_text(f"relay {relay.where}\nrely x.test\n")
    for words, told in ((["--relay", "relay.test", "--trust", tmp_path / "none"], "no relay can be asked"),
                        (["-C", config], "no relay can be asked"), (["-C", tmp_path / "none"], "no relay is known")):
        done = spool.send(options=words, wrap=broken("fsync", "ENOSPC"))
        assert (done.returncode, done.stdout) == (NOT_STORED, b"") and f"the mail is not sent: {told}" in done.stderr
        assert "No space left" in done.stderr and relay.talks == []


def test_not_to_be_held_either(spool, relay):
    """what was written of it cannot be read back"""
    done = spool.send(relay, text=b"x\n" * 9000, wrap=[*broken("pwrite64", "ENOSPC", "4+"),
                                                        *pretend(PREAD=errno.EIO)])
    assert done.returncode not in (OK, DEFERRED, NOT_STORED) and done.stdout == b"" and relay.talks == [] and spool.names() == []
    assert "No space left" in done.stderr and "the mail is not sent: it cannot be held in memory either" in done.stderr


@pytest.mark.parametrize("text, told", [(b"x\n" * 9000 + b"\0", "NUL"), (b"x\n" * (34 << 20), "larger than")], ids=["NUL", "size"])
def test_what_is_no_mail_is_refused_as_ever(spool, relay, text, told):
    done = spool.send(relay, text=text, wrap=broken("pwrite64", "ENOSPC"))
    assert done.returncode == 65 and told in done.stderr and done.stdout == b"" and relay.talks == []


@root
def test_the_systems_log_is_told(spool, relay, log):
    wrap, lines = log
    spool.path.mkdir()
    done = spool.send(relay, wrap=[*wrap, *broken("fsync", "ENOSPC")])
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    [why, became] = lines()
    assert why == (MAIL | ERROR, done.stderr[len("mailmote: "):-1]) and "exit=0" in became[1]


# ---- Called as sendmail ----------------------------------------------------------------------------------------------

@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    machine.spool.mkdir()
    yield machine
    machine.stop()


MANY = [f"u{i}@example.test" for i in range(70)]


@pytest.mark.parametrize("to, step", [([A], 1), (MANY, 8)], ids=["one", "shares"])
def test_sendmail_is_back_when_it_is_delivered(machine, to, step):
    """each write of a mail, and some of each of three shares, is the first that fails"""
    for count in range(1, 200, step):
        done = machine.call("sendmail", *to, text="Subject: x\n\n" + "line\n" * 3000, silent=False,
                            wrap=broken("pwrite64", "ENOSPC", f"{count}+"))
        if "cannot be stored in" not in done.stderr:
            break
        assert done.stdout == b"" and done.stderr.count("\n") == 1 and list(machine.spool.glob("*.mail")) == []
        [mail] = machine.relay.mails
        assert mail.to == to and mail.text.count(b"line\r\n") == 3000 and done.stderr.endswith(WITHOUT)
        machine.relay.mails.clear()
    assert len(to) + 5 * (len(to) // 32 + 1) < count < 199


def test_a_share_that_is_in_other_hands(machine):
    """is not taken back, and the mail is not tried a second time"""
    wrap = [*broken("pwrite64", "ENOSPC", "80+"), "-e", "inject=flock:error=EAGAIN:when=4+"]
    done = machine.call("sendmail", *MANY, text="Subject: x\n\nx\n", status=71, silent=False, wrap=wrap)
    assert "is not sent to all of its recipients" in done.stderr and machine.relay.talks == [] and len(machine.kept()) == 2
    assert re.search("^mailmote: mail [0-9a-f]{16} is being tried: delete it later$", done.stderr, re.M), done.stderr


@pytest.mark.parametrize("reply, status", [("450 4.2.1 later", DEFERRED), ("550 5.1.1 unknown", 67)])
def test_sendmail_tells_both_reasons(machine, reply, status):
    machine.relay.replies = {A: reply}
    done = machine.call("sendmail", A, B, text="Subject: x\n\nx\n", status=status if status == DEFERRED else FAILED, silent=False,
                        wrap=broken("fsync", "ENOSPC"))
    lines = done.stderr.splitlines()
    assert "No space left" in lines[0] and lines[1] == f"mailmote: the mail to {A} is not delivered: {reply[4:]}"
    assert [mail.to for mail in machine.relay.mails] == [[B]] and ("nothing is kept" in done.stderr) == (status == DEFERRED)
    assert len(lines) == 2 + (status == DEFERRED)                       # nothing of who has the mail, and of nobody else


@pytest.mark.parametrize("relay_line", ["relay nosuch.invalid", "relay localhost trust=/nonexistent/ca.pem"])
def test_sendmail_is_to_be_called_again(machine, relay_line):
    """whatever keeps a mail that is not kept from its relay, 75: what callers take for a failure for good is none"""
    machine.configure(relay_line, "from s@example.org")
    machine.call("sendmail", A, text="Subject: x\n\nx\n", status=DEFERRED, silent=False, wrap=broken("fsync", "ENOSPC"))


@root
@pytest.mark.parametrize("disk", ['mount -t tmpfs -o size=16k,mode=755 none "$0"; head -c 99999 /dev/zero >"$0/filler" 2>/dev/null; ',
                                  'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; '], ids=["full", "read-only"])
@pytest.mark.parametrize("name", ["sendmail", "mail"])
def test_on_a_real_disk(machine, disk, name):
    if cell.why_not():
        pytest.skip(cell.why_not())
    wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c", disk + 'exec "$@"', machine.spool]
    done = machine.call(name, A, text="x\n" * 5000, silent=False, wrap=wrap)
    assert done.stderr.endswith(WITHOUT) and done.stderr.count("\n") == 1
    assert [mail.to for mail in machine.relay.mails] == [[A]]


# ---- A user without rights -------------------------------------------------------------------------------------------

@root
def test_a_user_whose_drop_directory_is_full(shared, relay):  # noqa: F811
    """sends himself, if he may know the relays"""
    for options in ([], ["--background"]):
        done = shared.send(relay, options=options, wrap=[*as_user(), *broken("fsync", "ENOSPC")])
        assert (done.returncode, done.verdicts) == (OK, ["delivered"]) and "No space left" in done.stderr
        assert list(shared.drop.iterdir()) == []
    assert len(relay.mails) == 2


@root
def test_a_user_without_drop_directory(shared, relay):  # noqa: F811
    shared.drop.rmdir()
    done = shared.send(relay, wrap=as_user())
    assert (done.returncode, done.verdicts) == (OK, ["delivered"]) and "let its owner make it" in done.stderr


@root
def test_a_user_who_may_not_read_the_configuration(shared, relay, place):  # noqa: F811
    conf = place / "conf"
    conf.write_text(f"relay {relay.where}\nspool {shared.path}\n")
    conf.chmod(0o600)
    done = shared.send(options=["-C", conf], wrap=[*as_user(), *broken("fsync", "ENOSPC")])
    assert done.returncode == NOT_STORED and "the mail is not sent: no relay is known" in done.stderr and relay.talks == []


# ---- A spool that is not to be used ----------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_sendmail_does_not_wait_for_the_spool_to_be_put_right(machine, mode):
    """nothing is stored where others may write, as ever"""
    machine.spool.chmod(mode)
    done = machine.call("sendmail", A, text="Subject: x\n\nx\n", silent=False)
    assert "can be written by other users" in done.stderr and len(machine.relay.mails) == 1 and list(machine.spool.iterdir()) == []


def default_spool(before):
    """a prefix for the command line: /var/spool is this one"""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'mount -t tmpfs -o {before} none /var/spool; exec "$@"', "sh"]


@root
@pytest.mark.parametrize("before", ["", "mkdir /var/spool/mailmote; "])
def test_nothing_is_configured(before):
    """queue and flush look into the default spool, which is empty"""
    call = ["sh", "-c", f'{before}"$0" queue && "$0" flush --relay 127.0.0.1:1', COMMAND]
    done = subprocess.run([*default_spool("mode=755"), *call], capture_output=True, env={"PATH": os.environ["PATH"], "MAILMOTE_CONF": ""}, timeout=LIMIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@root
def test_the_default_spool_is_roots(relay, place):  # noqa: F811
    """where everybody may write into /var/spool, a user's first mail would make it his"""
    (place / "sendmail").symlink_to(place / "mailmote")
    (place / "conf").write_text(f"relay {relay.where}\n")
    call = ["sh", "-c", '"$0" "$@"; ls -A /var/spool', place / "sendmail", A]
    done = subprocess.run([*default_spool("mode=1777"), *as_user(), *call], input=b"Subject: x\n\nx\n", capture_output=True,
                          env={"PATH": os.environ["PATH"], "MAILMOTE_CONF": str(place / "conf"), "LOGNAME": "joe"}, timeout=LIMIT_S)
    assert b"there is no spool /var/spool/mailmote, which root makes" in done.stderr and done.stderr.endswith(WITHOUT.encode())
    assert done.stdout == b"" and [mail.to for mail in relay.mails] == [[A]]

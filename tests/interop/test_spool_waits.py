# SPDX-License-Identifier: MIT
"""What keeps a mail from being tried is told, in the system's log too, and lets it wait for five days and no longer (POLICY P11)."""
import os
import shutil

import pytest

from pretend import pretend
from relay import BAD_CONFIG, COMMAND, DEFERRED, FAILED, OK, Spool, run
from test_drop import USER, as_user, drop, dropped, place, spool as shared  # noqa: F401 (fixtures)
from test_later import ALIASES, flush, stored as named  # noqa: F401 (fixture)
from test_log import ERROR, MAIL, log  # noqa: F401 (fixture)
from test_sendmail import machine  # noqa: F401 (fixture)
from test_spool import A, B, relay, spool  # noqa: F401 (fixtures)
from test_spool_trouble import in_small_world, on_small_disk  # noqa: F401 (fixture)
from test_unkept import broken

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can put a log in the place of the system's")
EXPIRY_S = 5 * 24 * 3600
CAUSE = "the storage does not keep what it is given, or cannot be read"
NO_ALIASES = "its names cannot be completed"


def grow_old(spool):
    for file in spool.files():
        file.age, file.wait = EXPIRY_S + 1, 0
        file.write()


@pytest.fixture
def kept(spool, closed):
    spool.keep(closed)
    return spool


# A line of the configuration that lets no relay be asked, and what is told.
WRONG = {"a password file that is gone": ("relay relay.test user=u password-file=/nonexistent/p", "/nonexistent/p cannot be opened"),
         "a CA file that is gone": ("relay relay.test trust=/nonexistent/ca.pem", "/nonexistent/ca.pem cannot be read"),
         "a word that is misspelt": ("relay relay.test tsl=implicit", "tsl"),
         "a port that is none": ("relay relay.test:0", "the port is a number"),
         "a line that is none": ("realy relay.test", "realy"),
         "an address that is none": ("relay relay.test\nadmin root@@x", "admin"),
         "no relay": ("timeout 10", "no relay"),
         "no configuration": (None, "no relay"),
         "no name": ("relay relay.test\nhelo localhost", "helo")}


@root
@pytest.mark.parametrize("wrong", WRONG)
def test_a_configuration_that_lets_no_relay_be_asked(kept, relay, log, tmp_path, wrong):
    (wrap, lines), (line, told), conf = log, WRONG[wrong], tmp_path / "conf"
    conf.write_text(f"{line}\nspool {kept.path}\n")
    call = lambda: run(COMMAND, "flush", *(["-C", conf] if line else ["--spool", kept.path]), wrap=wrap)  # noqa: E731
    done = call()
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    assert (done.returncode, done.rows, len(kept.files())) == (BAD_CONFIG, [], 1) and told in done.stderr
    [(level, text)] = lines()
    assert level == MAIL | ERROR and text.startswith(f"no mail of {kept.path} is tried: ") and told in text
    grow_old(kept)
    name, done = kept.file().path.stem, call()
    assert done.returncode == BAD_CONFIG and [row[:3] for row in done.rows] == [[name, A, "failed"]], done.stderr
    assert "given up after 120 hours" in done.rows[0][4] and told in done.rows[0][4] and "given up" in lines()[1][1]
    assert (kept.path / f"{name}.failed").exists() and call().rows == []
    [listed] = [row[4:] for row in kept.queue().rows if row[0] == name]
    assert listed[:2] == [A, "failed"] and told in listed[2]             # and not as one that waits
    assert kept.flush(relay, options=["--now"]).returncode == OK
    [notice] = relay.mails
    assert (notice.sender, notice.to) == ("", ["s@example.org"]) and told.encode() in notice.text


def test_a_wrong_word_of_the_command_line_is_the_callers(kept):
    """who gives it reads what is told, and nothing expires for it"""
    grow_old(kept)
    assert kept.flush("relay.test:0").returncode == 64 and len(kept.files()) == 1


def test_a_system_that_is_never_on_for_five_days_at_a_stretch(spool, closed, tmp_path):
    """each night it is off, and what has waited in the day counts, though the mail was due all day and nothing could be tried"""
    boot, conf, told = tmp_path / "boot", tmp_path / "conf", []
    spool.send(closed)
    file = spool.file()
    file.age, file.wait = EXPIRY_S - 10 * 3600, 0
    file.write()
    conf.write_text("relay relay.test:0\n")
    for day in range(3):
        boot.write_text(f"{day + 1:032x}")
        for hour in range(5):
            told += spool.flush(options=["-C", conf], wrap=pretend(BOOTTIME=60 + hour * 3600, BOOT_ID=boot)).verdicts
        assert EXPIRY_S - 10 * 3600 + (day + 1) * 4 * 3600 <= spool.file().age or told == ["failed"]
    assert told == ["failed"] and len(list(spool.path.glob("*.failed"))) == 1


def test_what_is_dropped_is_not_taken_without_a_configuration(shared, relay, place):  # noqa: F811
    """it would not be known whether it is for verified relays alone"""
    drop(shared)
    (place / "conf").write_text(f"relay relay.test:0 user=u password=p\nspool {shared.path}\n")
    assert run(COMMAND, "flush", "-C", place / "conf").returncode == BAD_CONFIG and len(dropped(shared)) == 1
    assert shared.flush(relay).verdicts == ["delivered"]


# ---- Names that cannot be completed ----------------------------------------------------------------------------------

def spool_of(machine):
    return Spool(machine.spool)


def test_aliases_that_cannot_be_read(named):
    """names are not taken for addresses because of it"""
    aliases = named.path / "aliases"
    named.configure(f"relay {named.relay.where}", "from alerts@corp.test", f"aliases {aliases}")
    done = flush(named)
    assert done.returncode == DEFERRED and f"aliases {aliases} cannot be read" in done.stderr.splitlines()[-1]
    assert named.relay.talks == [] and spool_of(named).queue().rows[0][6] == NO_ALIASES
    aliases.write_text("root: admin@corp.test\n")
    assert flush(named).returncode == OK and "admin@corp.test" in named.relay.mails[0].to


@root
def test_the_log_has_one_line_for_all_mails_whose_names_wait(named, log):
    """of each flush, which may be each minute's"""
    wrap, lines = log
    named.call("sendmail", "-i", "root", "bob", text="Subject: x\n\nx\n", silent=False)
    named.configure(f"relay {named.relay.where}", "aliases /nonexistent/aliases")
    for _ in range(2):
        done = flush(named, wrap=wrap)
        if done.returncode == 99:
            pytest.skip("no mount: " + done.stderr)
        [(level, text)] = lines()
        assert level == MAIL | ERROR and "names cannot be completed: " in text and "aliases /nonexistent/aliases cannot be read" in text
        assert done.returncode == DEFERRED and done.stderr.count("waits, as its names cannot be completed") == 2


FULL = broken("fchmod", "ENOSPC")                        # a disk that has no room for another file


@pytest.mark.parametrize("wrap, told, cause", [([], "cannot be read", NO_ALIASES), (FULL, "No space left", CAUSE)],
                         ids=["aliases", "disk"])
def test_names_that_can_never_be_completed(named, wrap, told, cause):
    """for so many days; who asks what is in the queue is told as well"""
    named.configure(f"relay {named.relay.where}", "admin admin@x.test", *(ALIASES if wrap else ["aliases /nonexistent/aliases"]))
    done = flush(named, wrap=wrap)
    assert (done.returncode, done.rows) == (DEFERRED, []) and told in done.stderr.splitlines()[-1]
    assert [row[5:7] for row in spool_of(named).queue().rows] == [["waiting", cause]] * 3
    before = named.kept()[0].read_bytes()
    assert flush(named, wrap=wrap).returncode == DEFERRED and named.kept()[0].read_bytes() == before
    grow_old(spool_of(named))
    done = flush(named, wrap=wrap)
    assert done.returncode == FAILED and [row[2] for row in done.rows[:3]] == ["failed"] * 3, done.stderr
    assert all("given up" in row[4] and told in row[4] for row in done.rows[:3]), done.rows
    flush(named)
    assert [mail.to for mail in named.relay.mails] == [["admin@x.test"]] and len(list(named.spool.glob("*.failed"))) == 1


@pytest.mark.parametrize("reply, status, verdict", [("250 ok", OK, "delivered"), ("450 later", DEFERRED, "deferred"),
                                                    ("550 no", 67, "failed")])
def test_a_full_disk_keeps_no_mail_to_one_from_being_sent(machine, reply, status, verdict):
    """its state has its place, whatever it is called: it is tried as ever, once"""
    machine.configure()
    machine.call("sendmail", "-i", "root", text="From: root\nTo: root\nSubject: x\n\n" + "line\n" * 3000, silent=False)
    machine.configure(f"relay {machine.relay.where}", "from alerts@corp.test", "alias root: admin@corp.test")
    machine.relay.replies = {"admin@corp.test": reply}
    done = flush(machine, wrap=FULL)
    assert (done.returncode, [row[1:3] for row in done.rows]) == (status, [["admin@corp.test", verdict]]), done.stderr
    assert "No space left" in done.stderr and len(machine.relay.talks) == 1
    if verdict == "deferred":
        assert flush(machine, wrap=FULL).rows == [] and spool_of(machine).file().attempts == 1
        machine.relay.replies = {}
        assert run(COMMAND, "flush", "--now", env={"MAILMOTE_CONF": str(machine.conf)}).verdicts == ["delivered"]
    for mail in machine.relay.mails:
        assert (mail.sender, mail.to) == ("alerts@corp.test", ["admin@corp.test"]) and mail.text.count(b"line\r\n") == 3000
        assert b"To: admin@corp.test" not in mail.text and b"To: root@corp.test" in mail.text and b"name.mailmote" not in mail.text
    assert len(machine.relay.mails) == (verdict != "failed")


def send(machine, *to, wrap=()):
    """as a user of a host whose name has no dot"""
    return run(COMMAND, "send", *to, env={"LOGNAME": "joe", "MAILMOTE_CONF": str(machine.conf)}, text=b"x\n",
               wrap=[*wrap, *pretend(HOST="box", RESOLVER=0)])


def test_send_has_the_mail_while_it_completes_names(machine):
    """no flush that comes between the two files takes it away"""
    done = send(machine, A, wrap=broken("flock", "EAGAIN", "3+"))
    assert (done.returncode, done.verdicts, machine.kept()) == (OK, ["delivered"], [])
    assert [mail.sender for mail in machine.relay.mails] == ["joe@box"]


def test_send_says_why_it_could_not_complete_names(machine):
    done = send(machine, A, B, wrap=broken("fchmod", "ENOSPC", "2+"))
    assert (done.returncode, done.verdicts, len(machine.kept())) == (DEFERRED, ["deferred"] * 2, 1)
    assert "waits, as its names cannot be completed: the mail cannot be stored" in done.stderr and "No space left" in done.stderr
    assert machine.relay.talks == [] and all("No space left" in row[4] for row in done.rows)


def test_names_of_many_mails(machine):
    """each leaves nothing open"""
    machine.configure()
    for _ in range(12):
        machine.call("sendmail", "-i", "root", "bob", text="Subject: x\n\nx\n", silent=False)
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    done = flush(machine, wrap=["sh", "-c", 'ulimit -n 12; exec "$@"', "sh"])
    assert (done.returncode, done.stderr, len(machine.relay.mails)) == (OK, "", 12)


@root
def test_a_spool_that_became_read_only(on_small_disk, spool, relay, log):  # noqa: F811
    """is told once for all of its mails, in the system's log too; nothing is sent that would be sent again"""
    wrap, lines = log
    done = on_small_disk('at=$0 command=$1 relay=$2; shift 2; for n in 1 2 3; do echo x | "$command" send --spool "$at" --relay '
                         '127.0.0.1:1 --from s@example.org a@example.test >/dev/null; done; mount -o remount,ro "$at"; '
                         '"$@" "$command" flush --now --spool "$at" --relay "$relay"; echo $?', COMMAND, relay.where, *wrap)
    if done.stdout == "99\n":
        pytest.skip("no mount: " + done.stderr)
    told = f"spool {spool.path} cannot be written: Read-only file system: its mails are not tried, and wait"
    assert (done.stdout, done.stderr, relay.talks) == (f"{DEFERRED}\n", f"mailmote: {told}\n", [])
    assert lines()[-1] == (MAIL | ERROR, told)


@root
def test_a_spool_whose_user_may_not_write_into_it(relay, place):  # noqa: F811
    """is not taken for a disk that is read-only: its mails are tried, and none twice"""
    spool, user = Spool(place / "own", place / "mailmote"), as_user()
    spool.path.mkdir()
    os.chown(spool.path, USER, USER)
    assert spool.send("127.0.0.1:1", wrap=user).verdicts == ["deferred"]
    spool.path.chmod(0o500)
    done = spool.flush(relay, options=["--now"], wrap=user)
    assert done.verdicts == ["delivered"] and "is finished and cannot be removed: Permission denied" in done.stderr, done.stderr
    assert spool.flush(relay, options=["--now"], wrap=user).verdicts == [] and len(relay.mails) == 1


@root
def test_a_new_spool_whose_user_may_not_write_into_it(relay, place):  # noqa: F811
    """is not told to be another user's"""
    spool = Spool(place / "own", place / "mailmote")
    spool.path.mkdir(mode=0o500)
    os.chown(spool.path, USER, USER)
    done = spool.send(relay, wrap=as_user())
    assert done.returncode == OK and "Permission denied" in done.stderr and len(relay.mails) == 1, done.stderr

# SPDX-License-Identifier: MIT
"""Names whose domain is not known yet: the mail is stored at once, and they are completed when it is tried."""
import os
import shutil
import subprocess

import pytest

from mta import HOST
from pretend import pretend
from relay import COMMAND, DEFERRED, LIMIT_S, OK, Spool, as_user, run
from test_drop import place, spool as shared  # noqa: F401 (fixtures)
from test_sendmail import machine  # noqa: F401 (fixture)
from test_spool import A, relay  # noqa: F401 (fixture)
from test_spool_trouble import fail
from test_unkept import broken

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
TEXT = "From: root (Cron Daemon)\nTo: root\nCc: Bob <bob>, c@x.test\nSubject: x\n\nline\n"
ALIASES = ["from alerts@corp.test", "alias root: admin@corp.test, second@x.test"]


def header(mail):
    return [line for line in mail.text.decode().partition("\r\n\r\n")[0].split("\r\n") if not line.startswith(("Date:", "Message-ID:"))]


def flush(machine, host=HOST, wrap=(), options=()):
    """with its configuration"""
    return run(COMMAND, "flush", *options, env={"MAILMOTE_CONF": str(machine.conf), "LOGNAME": "root"},
               wrap=[*wrap, *pretend(HOST=host, RESOLVER=0)])


def call(machine, *words, wrap=()):
    """sendmail, on a host whose name has no dot"""
    env = {"LOGNAME": "root", "MAILMOTE_CONF": str(machine.conf), "PATH": os.environ["PATH"]}
    subprocess.run([*wrap, *pretend(HOST="box", RESOLVER=0), machine.path / "sendmail", *words], input=b"x\n", env=env, check=True,
                   timeout=LIMIT_S)


@pytest.fixture
def stored(machine):
    """by a sendmail whose configuration had no more than a spool"""
    machine.configure()
    machine.call("sendmail", "-t", "-i", text=TEXT, silent=False)
    assert len(machine.kept()) == 1
    return machine


def test_completed_with_the_configuration_that_it_gets(stored):
    stored.configure(f"relay {stored.relay.where}", *ALIASES)
    done = flush(stored)
    assert (done.returncode, done.stderr, stored.kept()) == (OK, "", [])
    [mail] = stored.relay.mails
    assert (mail.sender, mail.to) == ("alerts@corp.test", ["admin@corp.test", "second@x.test", "bob@corp.test", "c@x.test"])
    assert header(mail) == ["From: Cron Daemon <alerts@corp.test>", "To: root@corp.test", "Cc: Bob <bob@corp.test>,", " c@x.test",
                            "Subject: x", "MIME-Version: 1.0"]
    assert mail.text.endswith(b"\r\n\r\nline\r\n")


@pytest.mark.parametrize("pattern, sender", [
    ("alerts+%U@corp.test", "alerts+joe@corp.test"), ("alerts@%H.corp.test", "alerts@box.corp.test"),
    ("%U%U@x.test", "joejoe@x.test"), ("50%@corp.test", "50%@corp.test"), ("%U", "joe@box"), ("%U@%C", "joe@box")])
def test_a_sender_made_of_its_caller(pattern, sender, machine):
    """%U is who called sendmail, and not who flushes; what is not known here, or makes no address, is his name at the domain"""
    machine.configure()
    machine.call("sendmail", "-i", A, text="Subject: x\n\nx\n", silent=False, env={"LOGNAME": "joe"})
    machine.configure(f"relay {machine.relay.where}", f"from {pattern}")
    assert flush(machine, host="box").returncode == OK
    [mail] = machine.relay.mails
    assert mail.sender == sender and f"From: {sender}" in header(mail)


def test_a_host_whose_name_is_no_domain(machine):
    """is called localhost, as no address has such a name behind its @"""
    machine.configure()
    machine.call("sendmail", "-i", A, text="Subject: x\n\nx\n", silent=False, env={"LOGNAME": "joe"})
    machine.configure(f"relay {machine.relay.where}", "from %U")
    assert flush(machine, host="my_host").returncode == OK and [mail.sender for mail in machine.relay.mails] == ["joe@localhost"]


def test_names_in_the_header_alone(machine):
    machine.configure()
    machine.call("sendmail", "-i", "-f", "s@x.test", "a@x.test", silent=False,
                 text="From: root (Cron Daemon)\nReply-To: bob\nTo: ops\nSubject: x\n\nops@name.mailmote.invalid\n")
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    [mail] = machine.relay.mails
    assert (mail.sender, mail.to) == ("s@x.test", ["a@x.test"]) and mail.text.endswith(b"\r\n\r\nops@name.mailmote.invalid\r\n")
    assert all(line.count("@") == line.count("@corp.test") for line in header(mail)) and "Reply-To: bob@corp.test" in header(mail)


@pytest.mark.parametrize("before", [10, 4040, 4085, 4096, 6000, 70000])
def test_a_name_behind_a_long_header(machine, before):
    """wherever it stands; a line of one blank is no empty one"""
    field = "References: \n " + "".join(f"\n <{i:07}@x.test>" for i in range(before // 18)) + "\n " + "y" * (before % 18 + 1) + "\n"
    machine.configure()
    machine.call("sendmail", "-i", "-f", "s@x.test", "a@x.test", silent=False, text=f"From: s@x.test\n{field}Cc: ops\n\nx\n")
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    assert "Cc: ops@corp.test" in header(machine.relay.mails[0])


@pytest.mark.parametrize("octets", [4094, 4095, 4096, 8191, 8192])
def test_a_name_behind_a_long_line(machine, octets):
    """whose end is no empty line, nor does one that goes on hide a name"""
    machine.configure()
    machine.call("sendmail", "-i", "-f", "s@x.test", "a@x.test", silent=False,
                 text=f"Subject: {'y' * (octets - 9)} \u00e9\nFrom: s@x.test\nCc: ops\n\nx\n")
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    assert "Cc: ops@corp.test" in header(machine.relay.mails[0])


@pytest.mark.parametrize("before", [4068, 4076, 4088, 4095, 8092])
def test_a_name_that_is_read_in_two_pieces(machine, before):
    """octets of the header in front of the field: of a line that a piece of 4096 ends in, the rest is looked at with the next one"""
    lines, last = divmod(before - 66, 100)
    field = "".join(f"X: {'y' * (octets - 5)}\n" for octets in (*[100] * lines, last + 50))
    machine.configure()
    machine.call("sendmail", "-i", "-f", "s@x.test", "a@x.test", silent=False, text=f"From: s@x.test\n{field}Cc: ops\n\nx\n")
    text = machine.kept()[0].read_bytes()
    assert text.index(b"Cc: ops@name.mailmote.invalid\r\n") - text.index(b"From: ") == before
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    assert "Cc: ops@corp.test" in header(machine.relay.mails[0])


def test_addresses_whose_domain_has_that_of_names_in_it(machine):
    """are whole"""
    machine.configure()
    whole = ["a@name.mailmote.invalid.x.test", "b@x.name.mailmote.invalid"]
    machine.call("sendmail", "-i", "-f", "s@x.test", "root", *whole, silent=False, text="Subject: x\n\nx\n")
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    assert [mail.to for mail in machine.relay.mails] == [["admin@corp.test", "second@x.test", *whole]]


@pytest.mark.parametrize("when", range(4, 9))
def test_a_header_that_cannot_be_read_once(machine, when):
    """its names are completed, or it waits, and it is said why"""
    machine.configure()
    machine.call("sendmail", "-i", "-f", "s@x.test", "a@x.test", silent=False, text="To: ops\n\nx\n")
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    done = flush(machine, wrap=fail(machine.kept()[0], "pread64", "EIO", when))
    assert done.returncode == OK or "Input/output error" in done.stderr
    assert flush(machine).returncode == OK or flush(machine, options=["--now"]).returncode == OK
    [mail] = machine.relay.mails
    assert "To: ops@corp.test" in header(mail)


@pytest.mark.parametrize("host, domain", [(HOST, HOST), ("box", "box")])
def test_a_configuration_without_a_domain(stored, host, domain):
    stored.configure(f"relay {stored.relay.where}")
    assert flush(stored, host).returncode == OK
    [mail] = stored.relay.mails
    assert (mail.sender, mail.to) == (f"root@{domain}", [f"root@{domain}", f"bob@{domain}", "c@x.test"])


def test_this_host_by_its_names(machine):
    """each of them is one, and what only begins like it is another's"""
    machine.configure(f"relay {machine.relay.where}", "maildomain corp.test", "alias joe: ops@x.test")
    call(machine, "-i", "joe@box", "joe@BOX.corp.test", "joe@localhost", "joe@boxer", "joe@box.x.test", "joe@bo")
    [mail] = machine.arrived()
    assert mail.to == ["ops@x.test", "joe@boxer", "joe@box.x.test", "joe@bo"]


@pytest.mark.parametrize("name, words, text, author", [
    ("sendmail", ["root"], "Subject: x\n\nline\n", "From: alerts@corp.test"), ("sendmail", ["root"], "line\n", "From: alerts@corp.test"),
    ("sendmail", ["-F", "The Box", "root"], "line\n", "From: The Box <alerts@corp.test>"),
    ("mail", ["-s", "x", "root"], "line\n", "From: alerts@corp.test"), ("mail", ["-a", __file__, "root"], "line\n", "From: alerts@corp.test")])
def test_who_calls_is_the_sender_that_the_configuration_has(machine, name, words, text, author):
    machine.configure()
    machine.call(name, *words, text=text, silent=False)
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    [mail] = machine.relay.mails
    assert (mail.sender, mail.to) == ("alerts@corp.test", ["admin@corp.test", "second@x.test"])
    assert author in header(mail) and b"name.mailmote.invalid" not in mail.text


def test_send_with_a_configuration_that_cannot_be_read(machine):
    """its names, too"""
    machine.conf.write_text("\0")
    words = ["-C", machine.conf, "--spool", machine.spool, "root"]
    done = run(COMMAND, "send", *words, text=b"x\n", wrap=pretend(HOST=HOST), env={"LOGNAME": "root"})
    assert done.returncode == DEFERRED, done.stderr
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    [mail] = machine.relay.mails
    assert (mail.sender, mail.to) == ("alerts@corp.test", ["admin@corp.test", "second@x.test"]) and b"name.mailmote" not in mail.text


def test_more_than_a_mail_has_room_for(stored):
    """what all is for is one"""
    stored.configure(f"relay {stored.relay.where}", "from s@corp.test", "alias root: " + ", ".join(f"u{i}@x.test" for i in range(32)))
    done = flush(stored)
    [mail] = stored.relay.mails
    assert mail.to == ["root@corp.test", "bob@corp.test", "c@x.test"] and "names more than a mail has room for" in done.stderr


@pytest.mark.parametrize("call, error", [("pwrite64", "ENOSPC"), ("renameat", "EIO"), ("fsync", "EIO")])
def test_what_cannot_be_completed_waits(stored, call, error):
    before = stored.kept()[0].read_bytes()[1024:]
    stored.configure(f"relay {stored.relay.where}", *ALIASES)
    done = flush(stored, wrap=broken(call, error))
    assert done.returncode == DEFERRED and "cannot be stored" in done.stderr and stored.relay.talks == []
    assert stored.kept()[0].read_bytes()[1024:] == before
    assert flush(stored).returncode == OK and len(stored.relay.mails) == 1


def test_the_resolver_is_asked_after_the_mail_is_stored(machine):
    """for names of a host whose own has no dot: of sendmail, and of `send' without --from"""
    env = {"LOGNAME": "root", "MAILMOTE_CONF": str(machine.conf)}
    for number, words in enumerate((["sendmail", "-odi", "root"], ["send", "--raw", A], ["send", A]), 1):
        with subprocess.Popen([*pretend(HOST="box", RESOLVER=60), COMMAND, *words], stdin=subprocess.PIPE, env=env,
                              stdout=subprocess.DEVNULL) as process:
            process.stdin.write(b"Subject: x\n\nx\n")
            process.stdin.close()
            assert machine.wait(lambda: len(machine.kept()) == number)
            process.kill()
    machine.conf.write_text(machine.conf.read_text().replace("relay", "from s@x.test\nrelay"))
    machine.wait(lambda: flush(machine) and machine.kept() == [])
    assert [mail.sender for mail in machine.relay.mails] == ["s@x.test"] * 3
    assert all(b"name.mailmote" not in mail.text for mail in machine.relay.mails)


def test_at_once_where_nothing_is_missing(machine):
    """on a host whose name has no dot it is completed as soon as it is stored"""
    call(machine, "-odi", "root")
    [mail] = machine.arrived()
    assert (mail.sender, mail.to) == ("root@box", ["root@box"]) and b"From: root@box\r\n" in mail.text


def test_where_it_cannot_be_stored_either(machine):
    call(machine, "root", wrap=broken("fsync", "ENOSPC"))
    [mail] = machine.relay.mails
    assert (mail.sender, mail.to) == ("root@box", ["root@box"]) and b"To: root@box\r\n" in mail.text and machine.kept() == []


@root
def test_a_user_who_may_not_read_the_configuration(shared, relay, place):  # noqa: F811
    """his names are those of the owner's configuration, on a host with a full name as well"""
    (place / "sendmail").symlink_to(place / "mailmote")
    conf = place / "conf"
    conf.write_text(f"relay {relay.where}\nspool {shared.path}\nfrom alerts@corp.test\nalias root: admin@corp.test\n")
    conf.chmod(0o600)
    world = (f"mount -t tmpfs none /var/spool && mkdir /var/spool/mailmote && mount --bind {shared.path} /var/spool/mailmote && "
             'exec "$@"')
    done = run(place / "sendmail", "root", text=b"Subject: x\n\nx\n", env={"MAILMOTE_CONF": str(conf), "LOGNAME": "joe"},
               wrap=["unshare", "--mount", "sh", "-c", world, "sh", *as_user(), *pretend(HOST=HOST, RESOLVER=0)])
    assert done.returncode == OK and "mailmote: " not in done.stderr, done.stderr
    done = run(place / "mailmote", "flush", "--spool", shared.path, env={"MAILMOTE_CONF": str(conf)})
    assert done.returncode == OK, done.stderr
    [mail] = relay.mails
    assert (mail.sender, mail.to) == ("alerts@corp.test", ["admin@corp.test"]) and b"From: alerts@corp.test\r\n" in mail.text


@root
@pytest.mark.parametrize("alias", ["other@x.test", "|sh"])
def test_aliases_of_the_system_before_a_configuration_is_known(machine, alias):
    """are not looked up, nor complained of: those of the configuration hold"""
    etc = machine.path / "etc"
    etc.mkdir()
    shutil.copy("/etc/passwd", etc)
    (etc / "aliases").write_text(f"root: {alias}\n")
    machine.configure()
    done = machine.call("sendmail", "root", text="Subject: x\n\nx\n", silent=False,
                        wrap=["unshare", "--mount", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh"])
    assert "aliases:" not in done.stderr and alias not in done.stderr
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    assert machine.relay.mails[0].to == ["admin@corp.test", "second@x.test"]


@pytest.mark.parametrize("known", [True, False])
def test_an_address_at_this_host_is_a_name(machine, known):
    """of a sender, in fields and of recipients, whether names are completed at once or later"""
    lines = [f"relay {machine.relay.where}", "maildomain corp.test", "alias root: admin@corp.test"]
    machine.configure(*(lines if known else []))
    machine.call("sendmail", "-odi", "-t", "-f", "joe@localhost", silent=known,
                 text=f"From: Joe <joe@localhost>\nTo: root@localhost, bob@{HOST}\nCc: c@x.test, ann@LOCALHOST.localdomain\nSubject: x\n\nx\n")
    machine.configure(*lines)
    assert flush(machine).returncode == OK
    [mail] = machine.relay.mails
    assert (mail.sender, mail.to) == ("joe@corp.test", ["admin@corp.test", "bob@corp.test", "c@x.test", "ann@corp.test"])
    fields = b" ".join(mail.text.partition(b"\r\n\r\n")[0].split())
    assert b"From: Joe <joe@corp.test> To: root@corp.test, bob@corp.test Cc: c@x.test, ann@corp.test Subject: x" in fields


def test_names_of_a_mail_in_shares(machine):
    """are in one of them, and who is behind two gets one mail; none is left as it was"""
    machine.configure()
    many = [f"u{i}@x.test" for i in range(40)]
    machine.call("sendmail", "-i", "root", *many, "bob", text="Subject: x\n\nx\n", silent=False)
    machine.configure(f"relay {machine.relay.where}", "from s@corp.test", "alias root: admin@corp.test", "alias bob: admin@corp.test")
    assert flush(machine).returncode == OK
    assert sorted(to for mail in machine.relay.mails for to in mail.to) == sorted([*many, "admin@corp.test"])


@pytest.mark.parametrize("count", [31, 32])
def test_names_of_a_mail_that_is_one(machine, count):
    """stand where they were given: no share is filled with them"""
    machine.configure()
    many = [f"u{i}@x.test" for i in range(count - 1)]
    machine.call("sendmail", "-i", *many, "root", text="Subject: x\n\nx\n", silent=False)
    machine.configure(f"relay {machine.relay.where}", "from s@corp.test")
    assert flush(machine).returncode == OK
    assert [mail.to for mail in machine.relay.mails] == [[*many, "root@corp.test"]]


def test_each_share_is_for_verified_relays_only(machine):
    """where the mail is"""
    machine.configure("relay 127.0.0.1:1 pin=sha256:" + "A" * 43 + "=", "from s@corp.test")
    machine.call("sendmail", "-odi", "-i", *(f"u{i}@x.test" for i in range(40)), text="Subject: x\n\nx\n", silent=False)
    assert [file.verified_only for file in Spool(machine.spool).files()] == [True, True]


def test_names_of_each_share(machine):
    """sendmail completes those of the mail that it tries second, too"""
    names = [f"name{i}" for i in range(40)]
    call(machine, "-odi", "-i", *names)
    machine.arrived(2)
    assert sorted(to for mail in machine.relay.mails for to in mail.to) == sorted(f"{name}@box" for name in names)


@pytest.mark.parametrize("aliased, room", [(31, True), (32, False)])
def test_room_for_those_that_follow(machine, aliased, room):
    """a name may stand for as many as leave room for the others, and each has his own mail once"""
    machine.configure()
    machine.call("sendmail", "-i", "root", "c@x.test", text="Subject: x\n\nx\n", silent=False)
    machine.configure(f"relay {machine.relay.where}", "from s@corp.test", "alias root: " + ", ".join(f"u{i}@x.test" for i in range(aliased)))
    done = flush(machine)
    [mail] = machine.relay.mails
    assert len(mail.to) == (32 if room else 2) and mail.to[-1] == "c@x.test" and ("more than a mail has room" in done.stderr) != room


def test_who_is_behind_a_name_and_named(machine):
    machine.configure()
    machine.call("sendmail", "-i", "root", "admin@CORP.test", text="Subject: x\n\nx\n", silent=False)
    machine.configure(f"relay {machine.relay.where}", *ALIASES)
    assert flush(machine).returncode == OK
    assert [mail.to for mail in machine.relay.mails] == [["admin@corp.test", "second@x.test"]]


def test_a_name_that_makes_too_long_an_address(machine):
    """waits until there is a shorter domain, and it is said why"""
    name = "y" * 232
    machine.configure()
    machine.call("sendmail", "-i", "-f", "s@x.test", name, text="Subject: x\n\nx\n", silent=False)
    machine.configure(f"relay {machine.relay.where}", f"maildomain {'d' * 30}.test")
    done = flush(machine)
    assert done.returncode == DEFERRED and done.stderr.splitlines()[-1].endswith(": it is not an address of RFC 5321"), done.stderr
    assert "memory" not in done.stderr
    assert b"\twaiting\tits names cannot be completed" in machine.call("mailq", silent=False).stdout
    machine.configure(f"relay {machine.relay.where}", "maildomain x.test")
    assert flush(machine, options=["--now"]).returncode == OK and [mail.to for mail in machine.relay.mails] == [[f"{name}@x.test"]]

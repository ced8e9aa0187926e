# SPDX-License-Identifier: MIT
"""Mail without a relay: the words of the command and its configuration, what it tells, and what it keeps."""
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from cases import DOWN, MUTE, PAIRS, clear
from conftest import COMMAND
from net import HOST_6, host
from pretend import pretend
from relay import LIMIT_S, NOT_STORED, File
from test_dane import spool, taken_by, verdicts, where  # noqa: F401 (a fixture among them)


# ---- relay mx: ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["relay mx:", "relay MX:", "relay Mx:", 'relay "mx:"'])
def test_the_word(world, line):
    world.configure("", relay=line)
    done = world.send("word@ee311.example")
    world.configure("")
    assert verdicts(done)["word@ee311.example"][0] == "delivered", done.stderr


@pytest.mark.parametrize("line, name", [("relay mx", "mx"), ("relay mx:25", "mx"), ("relay MX:2525", "MX")])
def test_a_host_of_that_name_is_a_relay(world, line, name):
    world.configure("", relay=line)
    done = world.send("host@ee311.example")
    world.configure("")
    assert f"name servers have no address for {name}" in done.stderr or verdicts(done)["host@ee311.example"][0] == "deferred"
    assert "_25._tcp" not in done.stderr and not taken_by(world, "host@ee311.example")


ALONE, NO_TRUST = "mx: stands in place of all relays: give it alone", "mx: takes no login, tls, trust, pin or tls-name"


@pytest.mark.parametrize("lines, says", [
    ("relay mx:\nrelay mail.example", f"config:1: relay {ALONE}"),
    ("relay mail.example\nrelay mx:", f"config:2: relay {ALONE}"),
    ("relay mx:\nrelay mx:", f"config:1: relay {ALONE}"),
    ("host mail.example\nrelay mx:", f"config:2: relay {ALONE}"),
    ("relay mx: user=u password=p", f"config:1: relay {NO_TRUST}"),
    ("relay mx: trust=/etc/ca.pem", f"config:1: relay {NO_TRUST}"),
    ("relay mx: pin=sha256:AAAA", f"config:1: relay {NO_TRUST}"),
    ("relay mx: tls=implicit", f"config:1: relay {NO_TRUST}"),
    ("relay mx: tls=on", f"config:1: relay {NO_TRUST}"),
    ("relay mx: tls-name=mail.example", f"config:1: relay {NO_TRUST}"),
    ("relay mx:\nuser u\npassword p", "config:2: of which relay?"),
])
def test_lines_that_do_not_go_together(world, lines, says):
    world.configure("", relay=lines)
    done = world.run("send", "-C", world.config, "x@none.example")
    world.configure("")
    assert done.returncode == 78 and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("words, says", [
    (["--relay", "mx:", "--relay", "mail.example"], ALONE),
    (["--mx", "--mx"], ALONE),
    (["--mx", "--relay", "mail.example"], ALONE),
    (["--mx", "--trust", "/etc/ca.pem"], NO_TRUST),
    (["--user", "u", "--password-file", "/etc/secret", "--mx"], NO_TRUST),
    (["--relay", "mx:", "--tls", "starttls"], NO_TRUST),
])
def test_words_that_do_not_go_together(world, words, says):
    done = world.run("send", *words, "--from", "a@b.example", "x@none.example")
    assert done.returncode == 64 and f"mailmote: --{says}" in done.stderr


def test_without_relay_or_word(world):
    done = world.run("send", "-C", "/dev/null", "--from", "a@b.example", "x@none.example")
    assert "no relay: give --relay HOST[:PORT], or --mx, or a relay line" in done.stderr


def test_an_anchor_that_cannot_be_read_is_one_of_a_line(world):
    config = world.folder / "anchor.conf"
    config.write_text("relay mx:\ndnssec-anchor /nonexistent\nfrom a@b.example\n")
    done = world.run("send", "-C", config, "x@none.example")
    assert done.returncode == 78 and "anchor.conf:2: dnssec-anchor /nonexistent cannot be read" in done.stderr
    done = world.run("probe", "--mx", "--dnssec-anchor", "/nonexistent", "none.example", text="")
    assert done.returncode == 78 and done.stderr.startswith("mailmote: dnssec-anchor /nonexistent cannot be read")


# ---- nodane ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["nodane Undenied.EXAMPLE", "nodane undenied.example.", "nodane undenied.undenied.example", "nodane example"])
def test_nodane_is_of_the_domain_and_of_those_below_it(world, line):
    to = "d@undenied.undenied.example"
    world.configure(line + "\n")
    verdict, text = verdicts(world.send(to))[to]
    world.configure("")
    assert verdict == "delivered" and text.endswith("(nodane: DANE was not asked about undenied.undenied.example)")


def test_nodane_of_a_host_says_so_of_its_mails_alone(world):
    """the first host's records say that it is a stranger, and are not looked up"""
    world.configure("nodane mx.mismatch.example\n")
    said = verdicts(world.send("h@mismatch.example", "h@ee311.example"))
    world.configure("")
    assert said["h@mismatch.example"][0] == "delivered" and "(nodane: DANE was not asked about mx.mismatch.example)" in said["h@mismatch.example"][1]
    assert said["h@ee311.example"][0] == "delivered" and "nodane" not in said["h@ee311.example"][1]


@pytest.mark.parametrize("name, verdict", [("silent.silent.example", "deferred"), ("nullmx.example", "failed")])
def test_nodane_is_said_where_nobody_was_asked(world, name, verdict):
    world.configure(f"nodane {name}\n")
    came, text = verdicts(world.send(f"q@{name}"))[f"q@{name}"]
    world.configure("")
    assert came == verdict and text.endswith(f"(nodane: DANE was not asked about {name})")


def test_32_lines_of_nodane(world):
    world.configure("".join(f"nodane a{n}.example\n" for n in range(31)) + "nodane mismatch.example\n")
    said = verdicts(world.send("last@mismatch.example"))
    world.configure("")
    assert said["last@mismatch.example"][0] == "delivered"


@pytest.mark.parametrize("line, says", [("nodane", "nodane is empty: give a value"), ("nodane a@b.example", "nodane a@b.example: give the name behind the @"),
                                        ("nodane .", "nodane .: give the name"), ("nodane a..b", "nodane a..b: give the name"),
                                        ("nodane *.example", "nodane *.example: give a domain: it holds for all below it"),
                                        (33 * "nodane a.example\n", "more than 32 lines of nodane")])
def test_nodane_that_is_none(world, line, says):
    world.configure(line + "\n")
    done = world.send("x@none.example")
    world.configure("")
    assert done.returncode == 78 and says in done.stderr


# ---- What is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, words", [("ee311", "verified by TLSA 3 1 1"), ("ta201", "verified by TLSA 2 0 1"), ("rollover", "verified by TLSA 3 1 1"),
                                         ("unusable", "not verified: no usable TLSA"), ("none", "certificate not checked")])
def test_which_record_decided(world, name, words):
    assert re.search(rf"^\* TLS 1.2, \S+, {words}$", world.send(f"r@{name}.example").stderr, re.M)


def log_of(world, *rcpts):
    """the lines of the system's log that the command writes"""
    place = world.folder / "log"
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(str(place))
        link.setblocking(False)
        world.configure("syslog on\n")
        mount = ('mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 && touch /dev/log && '
                 'mount --bind "$0" /dev/log; exec "$@"')
        done = world.run("send", "-C", world.config, *rcpts, within=["sh", "-ec", mount, place])
        world.configure("")
        lines = []
        while True:
            try:
                lines.append(link.recv(10000).decode())
            except BlockingIOError:
                return done, lines


def test_the_log_names_the_host_of_each_verdict(world):
    to = [f"log@{name}.example" for name in ("ee311", "mismatch", "nonenotls", "nullmx")]
    done, lines = log_of(world, *to)
    by = {re.search(r"to=<(.*?)>", line)[1]: line for line in lines}
    assert set(by) == set(to), done.stderr
    assert "relay=mx.ee311.example:25, tls=\"TLS 1.2, " in by[to[0]] and "verified by TLSA 3 1 1\"" in by[to[0]]
    assert "relay=mx.mismatch.example:25, " in by[to[1]] and "no TLSA record knows the certificate of mx.mismatch.example" in by[to[1]]
    assert "relay=mx.nonenotls.example:25, tls=\"none\"" in by[to[2]]
    assert "relay=none:0, " in by[to[3]] and "takes no mail" in by[to[3]]
    assert not any(re.search(r"\bpin", line) for line in lines)


def test_the_queue_says_tlsa_and_not_pin(world, spool):
    world.send("q@mismatch.example", "q@bogus.bogus.example", "q@notlsa.notlsa.example", options=["--spool", spool])
    rows = {row.split("\t")[4]: row.split("\t")[6] for row in world.run("queue", "--spool", spool).stdout.splitlines()}
    assert rows == {"q@mismatch.example": "no TLSA record knows the host's certificate", "q@bogus.bogus.example": "DNSSEC refuses what DNS tells",
                    "q@notlsa.notlsa.example": "DNS does not tell who takes mail for the domain, or whom to believe"}


def test_a_stranger_is_69_without_a_spool(world):
    assert world.send("q@mismatch.example").returncode == 69


# ---- probe --mx -----------------------------------------------------------------------------------------------------


def probe(world, *words, config=None):
    if config is not None:
        world.configure(config)
    done = world.run("probe", "--mx", "-C", world.config, *words, text="")
    world.configure("")
    return done


def test_probe_reads_the_configuration(world):
    """as send does: the anchor, nodane, helo"""
    done = probe(world, "ee311.example")
    assert done.returncode == 0 and "verified by TLSA 3 1 1" in done.stdout, done.stdout + done.stderr
    done = probe(world, "undenied.undenied.example", config="nodane undenied.example\n")
    assert done.returncode == 1 and "TLSA            not looked up: nodane" in done.stdout, done.stdout
    assert "policy          TLS if it offers it, with any certificate" in done.stdout
    assert probe(world, "ee311.example", config="timeout nothing\n").returncode == 78
    done = probe(world, "ourselves.example.")        # as dig prints it
    assert done.returncode == 1 and "come back to this host: mx.ourselves.example is its name, its helo or an address" in done.stdout
    assert "MX              none is asked for: an address is its own host" in probe(world, "[10.53.1.3]").stdout


def test_probe_has_the_time_of_the_configuration(world):
    """a host that takes the connection and says nothing"""
    listen = f"import socket, time; one = socket.create_server(('{host(MUTE)}', 25)); print(flush=True); time.sleep(60)"
    with subprocess.Popen([*world.net.inside(world.net.servers), sys.executable, "-c", listen], stdout=subprocess.PIPE) as mute:
        mute.stdout.readline()
        started = time.monotonic()
        done = probe(world, "mute.example", config="timeout 2\n")
        mute.kill()
    assert done.returncode == 75 and "nothing was heard of it" in done.stdout
    assert time.monotonic() - started < 15           # else 30 s


def test_probe_by_the_option_alone(world):
    done = world.run("probe", "--dnssec-anchor", world.dns.anchor, "ee311.example", "--mx", text="")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words, says", [
    (["--mx"], "no domain is given"), (["--mx", "a.example", "b.example"], "and not also b.example"), (["--mx", "--json", "a.example"], "unknown option --json"),
    (["--mx", "a@b.example"], "a@b.example is no domain"), (["--mx", "a.example", "-C"], "-C has no value"), (["mx:"], "and not mx:"),
    (["--mx", "-C", "/nowhere/config", "a.example"], "/nowhere/config cannot be read"),
])
def test_probe_refuses(world, words, says):
    done = world.run("probe", *words, text="")
    assert done.returncode in (64, 78) and says in done.stderr and done.stdout == "", done.stderr


@pytest.mark.parametrize("name, says", [
    ("ee311", ["host            10 mx.ee311.example", "addresses       connected to 10.53.1.1 port 25", "TLSA            3 1 1 ", "offers in clear ", "certificate     "]),
    ("unusable", ["TLSA            none that can be used, which DNSSEC proves"]),
    ("none", ["TLSA            none, which DNSSEC proves, or the zone is not signed", "in clear if it does not"]),
    ("unusablenotls", ["it gets no mail: it does not offer STARTTLS"]), ("notls", ["it gets no mail: it does not offer STARTTLS"]),
    ("nonenotls", ["mail goes there, unauthenticated, and without TLS: it does not offer STARTTLS"]),
    ("mute", ["trouble         no connection came about: is the way open? Port 25 is closed in most networks"]),
])
def test_probe_tells_of_each_host(world, name, says):
    done = probe(world, f"{name}.example")
    for words in says:
        assert words in done.stdout, done.stdout


@pytest.mark.parametrize("name, octets", [("ee311", 32), ("ee312", 64), ("ee310", 91)])
def test_probe_shows_64_octets_of_a_record(world, name, octets):
    [(shown, more)] = re.findall(r"^TLSA +3 1 \d ([0-9a-f]+)(.*)$", probe(world, f"{name}.example").stdout, re.M)
    assert (len(shown), more) == (2 * min(octets, 64), "..." if octets > 64 else "")


@pytest.mark.parametrize("pair, status", PAIRS.items())
def test_probe_is_as_good_as_the_best_host(world, pair, status):
    assert probe(world, f"{pair}.example").returncode == status


def test_probe_of_an_address_asks_no_zone(world):
    done = probe(world, "[10.53.1.1]")
    assert "TLSA            none: an address has none\n" in done.stdout and "zone" not in done.stdout, done.stdout


# ---- What is kept ---------------------------------------------------------------------------------------------------


def waiting(world, spool):
    """of each recipient that waits, how many mails there are"""
    rows = [row.split("\t") for row in world.run("queue", "--spool", spool).stdout.splitlines()]
    return sorted(row[4] for row in rows if row[5] == "waiting")


RELAY = f"relay {host(MUTE)}:25"


@pytest.fixture
def mute_host(world):
    """takes mail once it has been started"""
    started = []

    def start(**more):
        started.append(world.start_hosts([{"address": host(MUTE), **more}]))
    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def broken_host(mute_host):
    """takes mail in clear; offers STARTTLS, and refuses it"""
    mute_host(refuses=True)


def store_for_a_relay_that_is_down(world, spool, *to):
    world.configure("", relay="relay 10.53.1.9:25")
    world.send(*to, options=["--spool", spool, "--timeout", "5"])
    world.configure("")


def flush(world, spool, *words, wrap=(), limit=60):
    return world.run("flush", "-C", world.config, "--spool", spool, *words, within=wrap, limit=limit)


def full(when="1+"):
    """a disk that has no room for another file"""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=fchmod:error=ENOSPC:when={when}"]


@pytest.mark.parametrize("room", [True, False])
def test_who_is_killed_while_a_mail_is_parted_makes_no_copies(world, spool, room):
    """the parts are stored, and the mail is not yet without them; or one is stored by then, and there is no room for the other"""
    to = sorted(f"{n}{room}@{name}.example" for n, name in (("p1", "mismatch"), ("p2", "notls"), ("p3", "Bogus.bogus"), ("p4", "bogus.bogus")))
    store_for_a_relay_that_is_down(world, spool, *to)
    [mail] = spool.glob("*.mail")
    before = mail.read_bytes()
    flush(world, spool, "--now")
    assert len(list(spool.glob("*.mail"))) == 3 and waiting(world, spool) == to
    mail.write_bytes(before)
    attempts, age = File(mail).attempts, File(mail).age
    for file in map(File, set(spool.glob("*.mail")) - {mail}):
        file.attempts, file.age = attempts + 1, age      # they were not tried yet
        file.write()
        if not room and to[1] in file.to:
            file.path.unlink()
    done = flush(world, spool, "--now", wrap=() if room else full())
    assert waiting(world, spool) == to and sorted(line.split("\t")[1] for line in done.stdout.splitlines()) == to
    assert done.stdout.startswith(mail.name[:16])    # the mail is looked at before its parts


@pytest.mark.parametrize("call, fault, room, times", [("renameat", "signal=KILL", True, 1), ("fdatasync", "error=EIO", True, 1), ("fdatasync", "error=EIO", True, 2),
                                                       ("fdatasync", "error=EIO", False, 1), ("fdatasync", "signal=KILL", False, 1)])
@pytest.mark.parametrize("then", ["reboot", "now"])
def test_each_gets_one_copy_whatever_goes_wrong_while_a_mail_is_parted(world, tmp_path, call, fault, room, times, then):
    """the disk fails once, or twice, when the parts are there, or the run is killed, or it has no room either; then the system is off, or goes on with a mail that was tried before it was due"""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    boot, trace, statuses = tmp_path / "boot", tmp_path / "trace", set()
    for at in range(1, 20):
        spool, to = tmp_path / f"spool{at}", [f"{call}-{fault[0]}-{then}-{room}{times}-{at}@{name}.example" for name in ("ee311", "none", "ta211")]
        boot.write_text(f"{1:032x}")
        up, words = (1400, []) if then == "reboot" else (1010, ["--now"])
        world.configure("", relay="relay 10.53.1.9:0")
        world.run("send", "--background", "-C", world.config, "--spool", spool, *to, within=pretend(BOOTTIME=1000, BOOT_ID=boot))
        world.configure("")
        [file] = map(File, spool.glob("*.mail"))
        file.attempts, file.wait = 1, 300
        file.write()
        inject = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-o", trace, "-e", f"trace={call},fchmod"]
        inject += [] if room else ["-e", "inject=fchmod:error=ENOSPC"]
        for when in [at] if times == 1 else [3 if then == "reboot" else 2, at]:      # first as the mail is stored behind its parts
            wrap = [*inject, "-e", f"inject={call}:{fault}:when={when}", *pretend(BOOTTIME=up, BOOT_ID=boot)]
            done = world.run("flush", "-C", world.config, "--spool", spool, *words, within=wrap)
            statuses.add(done.returncode)
            if done.returncode == NOT_STORED:        # without them; so it has them
                assert all(file.delivered == 0 for file in map(File, spool.glob("*.mail"))), at
        injected = re.sub(r".* fchmod.*", "", trace.read_text())
        if then == "reboot":
            boot.write_text(f"{2:032x}")
            up = 60
        told = done.stdout
        for words in ([], ["--now"], ["--now"]):
            up += 10
            told += world.run("flush", "-C", world.config, "--spool", spool, *words, within=pretend(BOOTTIME=up, BOOT_ID=boot)).stdout
        taken = [rcpt for mail in world.taken_for(*to) for rcpt in mail["rcpts"]]
        assert sorted(taken) == sorted(to) and not list(spool.glob("*.mail")), told
        if "INJECTED" not in injected and "killed" not in injected:
            assert (NOT_STORED in statuses) == (fault == "error=EIO" and room)
            return
    pytest.fail("it never ended")


def test_a_mail_that_cannot_be_had_is_no_success(world, tmp_path):
    """of a domain behind the first, which send has stored and let go: a lock, once"""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    left = 0
    for at in range(1, 6):
        spool = tmp_path / f"spool{at}"
        inject = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-o", "/dev/null", "-e", f"inject=flock:error=ENOLCK:when={at}"]
        done = world.run("send", "-C", world.config, "--spool", spool, f"l{at}@ee311.example", f"l{at}@none.example", within=inject)
        left += any(spool.glob("*.mail"))
        assert (done.returncode == 0) == (not any(spool.glob("*.mail"))), (at, done)
    assert left


@pytest.mark.parametrize("notice", [0, 1])
def test_parts_of_a_notice_are_notices(world, spool, notice):
    """of which none is made in turn when they fail"""
    to = [f"notice{notice}@{name}.example" for name in ("mismatch", "notls", "nullmx")]
    store_for_a_relay_that_is_down(world, spool, *to)
    [file] = map(File, spool.glob("*.mail"))
    file.notice = notice
    file.write()
    flush(world, spool, "--now")
    assert all(file.mx for file in map(File, spool.glob("*.mail")))  # not in the octet that says "notice" to earlier releases
    files = [File(path) for path in (*spool.glob("*.mail"), *spool.glob("*.failed"))]
    told = {tuple(file.to): file.notice for file in files if set(file.to) & set(to)}
    assert told == {tuple(to): notice, (to[1],): notice, (to[2],): notice}


def test_parts_of_a_notice_beside_as_many_as_a_mail_may_have(world, spool):
    """32 domains, and an administrator of five"""
    to = [f"many{i}@d{i}.nowhere.example" for i in range(32)]
    admins = [f"adm@{name}.example" for name in ("ee311", "none", "nonenotls", "ta211", "mismatch")]
    aliases = world.folder / "aliases"
    aliases.write_text(f"root: {', '.join(admins)}\n")
    store_for_a_relay_that_is_down(world, spool, *to)
    world.configure(f"aliases {aliases}\nadmin root\n")
    said = verdicts(flush(world, spool, "--now", limit=200))
    world.configure("")
    assert {said[rcpt][0] for rcpt in to} == {"failed"} and said[admins[4]][0] == "deferred"
    assert {said[rcpt][0] for rcpt in admins[:4]} == {"delivered"}


def note_failures(spool, **since):
    """as if each of these hosts of example. had failed so many seconds ago"""
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().replace("-", "").strip()
    now = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
    lines = "".join(f"1 0 {now - 1000 * seconds} starttls 25 {name.replace('_', '.')}.example -\n" for name, seconds in since.items())
    (spool / "relays").write_text(f"mailmote-relays 2 {boot}\n{lines}")
    return (spool / "relays").read_text()


def test_a_domain_is_due_when_the_first_of_its_hosts_is(world, spool):
    """POLICY P12: all are left alone, of runs before; it is no attempt"""
    world.send("first@second.example", options=["--spool", spool])
    note_failures(spool, mx_second=20, mx2_second=220)
    to = "wait@second.example"
    done = world.send(to, options=["--spool", spool])
    assert verdicts(done)[to] == ("deferred", "the relays failed a short while ago and are left alone for now"), done.stderr
    [file] = map(File, spool.glob("*.mail"))
    assert file.left_alone and 0 < file.wait <= 80 and file.attempts == 0


def test_parts_are_tried_behind_the_mail_they_come_from(world, spool):
    """so that a flush that finds both parts it first; and they are as old"""
    to = [f"b{i}@{name}.example" for i, name in enumerate(("mismatch", "notls", "unusablenotls", "better"))]
    store_for_a_relay_that_is_down(world, spool, *to)
    [mail] = spool.glob("*.mail")
    said = flush(world, spool, "--now").stdout.splitlines()
    assert len(said) == 4 and said[0].startswith(mail.name[:16])
    rows = [row.split("\t") for row in world.run("queue", "--spool", spool).stdout.splitlines()]
    rows = [row for row in rows if row[5] == "waiting"]
    assert sorted(row[2] for row in rows) == ["2", "3", "3", "3"]    # attempts
    assert max(int(row[1]) for row in rows) - min(int(row[1]) for row in rows) <= 1


def test_queue_has_one_line_of_each_recipient(world, spool):
    """and who has a mail of his own is not called delivered by the one it comes from, while it waits nor when it has failed"""
    waits, waits_too, also, fails = to = [f"q{i}@{name}.example" for i, name in enumerate(("mismatch", "notls", "NoTLS", "nullmx"))]
    store_for_a_relay_that_is_down(world, spool, *to)
    flush(world, spool, "--now")
    rows = [row.split("\t") for row in world.run("queue", "--spool", spool).stdout.splitlines()]
    assert sorted((row[4], row[5]) for row in rows if row[4] in to) == [(waits, "waiting"), (waits_too, "waiting"), (also, "waiting"), (fails, "failed")]


def test_a_disk_that_takes_no_part(world, spool):
    """then the mail stays as it was, and no domain's host gets another's recipients"""
    to = ["f1@ee311.example", "f2@none.example"]
    store_for_a_relay_that_is_down(world, spool, *to)
    done = world.run("flush", "-C", world.config, "--spool", spool, "--now", within=["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"])
    assert done.returncode != 0 and not taken_by(world, to[0]) and not taken_by(world, to[1])
    assert waiting(world, spool) == to and len(list(spool.glob("*.mail"))) == 1
    assert {verdict for verdict, _ in verdicts(flush(world, spool, "--now")).values()} == {"delivered"}


@pytest.mark.parametrize("when", ["1+", "2+"])
def test_a_full_disk_parts_no_mail_and_each_domain_is_tried(world, spool, when):
    """as any stored mail is, and it is parted when there is room"""
    to = [f"{when[0]}{i}@{name}.example" for i, name in enumerate(("mismatch", "ee311", "nullmx", "notls", "EE311", "nonenotls"))]
    store_for_a_relay_that_is_down(world, spool, *to)
    done = flush(world, spool, "--now", wrap=full(when))
    said = verdicts(done)
    assert [said[rcpt][0] for rcpt in to] == ["deferred", "delivered", "failed", "deferred", "delivered", "delivered"], done.stderr
    assert "no TLSA record knows" in said[to[0]][1] and "does not offer STARTTLS" in said[to[3]][1] and len(said) == len(done.stdout.splitlines())
    assert waiting(world, spool) == [to[0], to[3]] and len(list(spool.glob("*.mail"))) == 1
    done = flush(world, spool, "--now")
    assert sorted(rcpt for rcpt in verdicts(done) if rcpt in to) == [to[0], to[3]] and len(list(spool.glob("*.mail"))) == 2
    assert sorted(rcpt for mail in world.taken_for(to[1], to[4], to[5]) for rcpt in mail["rcpts"]) == sorted([to[1], to[4], to[5]])


def test_who_has_just_come_waits_for_no_part(world, spool):
    """POLICY P18: four domains, whose hosts take the connection and say nothing"""
    to = [f"slow@mute{n}.example" for n in range(4)]
    store_for_a_relay_that_is_down(world, spool, *to)
    world.configure("timeout 4\n")
    wrong = world.folder / "wrong"
    wrong.write_text("nonsense\n")
    listen = f"""import socket
one, held = socket.create_server(('{host(MUTE)}', 25)), []
while True:
    held.append(one.accept())
    print(flush=True)"""
    with subprocess.Popen([*world.net.inside(world.net.servers), sys.executable, "-c", listen], stdout=subprocess.PIPE) as mute:
        started = subprocess.Popen(world.inside(COMMAND, "flush", "-C", world.config, "--spool", spool, "--now"), stdout=subprocess.PIPE,
                                   text=True, cwd=world.folder)
        mute.stdout.readline()
        assert world.run("send", "-C", wrong, "--spool", spool, "--from", "s@example.org", "fresh@ee311.example").returncode == 75
        rows = [line.split("\t")[1:3] for line in started.communicate(timeout=LIMIT_S)[0].splitlines()]
        mute.kill()
    world.configure("")
    assert sorted(rows) == sorted([["fresh@ee311.example", "delivered"], *([one, "deferred"] for one in to)])
    assert rows.index(["fresh@ee311.example", "delivered"]) < 4, rows


def test_on_a_full_disk_tls_gives_no_short_wait_twice(world, spool, broken_host):
    """POLICY P4: what it did is forgotten, and each failure of it the first one"""
    store_for_a_relay_that_is_down(world, spool, "1@mismatch.example", "2@mute.example")
    [file] = map(File, spool.glob("*.mail"))
    file.attempts, file.age = 10, 86400
    file.write()
    flush(world, spool, "--now", wrap=full())
    [file] = map(File, spool.glob("*.mail"))
    assert file.attempts == 12 and file.wait > 1000


def test_on_a_full_disk_a_slow_domain_brings_no_other_its_cleartext(world, spool, broken_host):
    """POLICY P4: what TLS did at the first domain's host is longer ago than MOTE_TLS_RETRY_S when the third is tried"""
    to = [f"{n}@mute{n}.example" for n in range(3)]
    store_for_a_relay_that_is_down(world, spool, *to)
    done = flush(world, spool, "--now", wrap=[*full(), "-e", "inject=fdatasync:delay_exit=3000000"])
    assert [verdicts(done)[rcpt][0] for rcpt in to] == ["deferred"] * 3 and not world.taken_for(*to)


def test_on_a_full_disk_no_domain_brings_anothers_cleartext_nearer(world, spool, broken_host):
    """POLICY P5"""
    to = ["1@mute.example", "2@mismatch.example"]
    store_for_a_relay_that_is_down(world, spool, *to)
    for _ in range(3):
        said = verdicts(flush(world, spool, "--now", wrap=full()))
        assert said[to[0]][0] == said[to[1]][0] == "deferred"
        [file] = map(File, spool.glob("*.mail"))
        assert not file.tls_failed
        file.tls_since, file.wait = 100, 0
        file.write()


def test_relays_is_written_where_something_changed(world, spool):
    def written():
        file = spool / "relays"
        return (file.stat().st_ino, file.read_text()) if file.exists() else None

    for i in range(2):
        world.send(f"change{i}@ee311.example", f"change{i}@none.example", options=["--spool", spool])
        assert written() is None                     # who never failed needs no line
    world.send("change@mismatch.example", options=["--spool", spool])
    first = written()
    assert " 25 mx.mismatch.example " in first[1]
    world.send("change3@ee311.example", "change3@none.example", "change3@nullmx.example", options=["--spool", spool])
    assert written() == first



def test_a_host_that_fails_is_left_alone_by_other_mails(world, spool, mute_host):
    """POLICY P12, from run to run, and by the host's name; a success lets the others go at once"""
    to = [f"l{i}@mute.example" for i in range(3)]
    first = world.send(to[0], options=["--spool", spool])
    assert "no connection" in verdicts(first)[to[0]][1] and "1 0 " in (spool / "relays").read_text()
    second = world.send(to[1], "l@ee311.example", options=["--spool", spool])
    said = verdicts(second)
    assert said[to[1]] == ("deferred", "the relays failed a short while ago and are left alone for now")
    assert said["l@ee311.example"][0] == "delivered"
    assert verdicts(flush(world, spool)) == {}       # neither is due
    mute_host()
    assert verdicts(flush(world, spool)) == {}
    first_file = next(file for file in map(File, spool.glob("*.mail")) if to[0].encode() in file.path.read_bytes())
    first_file.wait = 0
    first_file.write()
    (spool / "relays").write_text(re.sub(r"^1 0 \d+ ", "1 0 1 ", (spool / "relays").read_text(), flags=re.M))
    assert verdicts(flush(world, spool)).keys() == {to[0]}
    assert verdicts(flush(world, spool)).keys() == {to[1]}


def test_a_certificate_for_another_name_is_its_domains_matter(world, spool):
    """POLICY P12: the host's other domain may be the one it is for"""
    to = ["1@beside.example", "1@nexthop.example"]
    for _ in range(2):
        said = verdicts(world.send(to[0], options=["--spool", spool]))
        assert said[to[0]][0] == "deferred" and "another name" in said[to[0]][1]
    assert verdicts(world.send(to[1], options=["--spool", spool]))[to[1]][0] == "delivered"
    before = note_failures(spool, mx_nexthop=400)       # nor is what was known of the host forgotten
    world.send(to[0], options=["--spool", spool])
    assert (spool / "relays").read_text() == before


@pytest.mark.parametrize("to, first, then", [("c1@mute.example", RELAY, "relay mx:"), ("c2@mute.example", "relay mx:", RELAY)])
def test_a_tls_failure_of_a_relay_is_none_of_a_host(world, spool, broken_host, to, first, then):
    """POLICY P5: its time begins anew with the first attempt at the other kind"""
    world.configure("", relay=first)
    world.send(to, options=["--spool", spool])
    world.configure("", relay=then)
    for failed in (True, False):
        [file] = map(File, spool.glob("*.mail"))
        assert file.tls_failed
        file.tls_since, file.wait = 100, 0
        file.write()
        done = flush(world, spool)
        assert verdicts(done)[to][0] == ("deferred" if failed else "delivered"), done.stderr
    world.configure("")
    assert where(world.taken_for(to)) == clear(MUTE)


def test_a_tls_failure_of_one_relay_arms_for_the_next(world, spool, broken_host):
    """POLICY P3: the bit is the mail's, whichever relays are configured"""
    to = "d@mute.example"
    world.configure("", relay=RELAY)
    world.send(to, options=["--spool", spool])
    world.configure("", relay=f"relay {host(DOWN)}\n{RELAY}")
    [file] = map(File, spool.glob("*.mail"))
    file.tls_since, file.wait = 100, 0
    file.write()
    done = flush(world, spool)
    world.configure("")
    assert verdicts(done)[to][0] == "delivered" and where(taken_by(world, to)) == clear(MUTE), done.stderr


def test_what_a_host_took_is_no_excuse_for_another_domains(world, spool):
    """POLICY P12: who has just taken a mail and then says 421 wants a pause; who says so at first is down"""
    listen = f"""import socket
server = socket.create_server(('{host(MUTE)}', 25))
print(flush=True)
while True:
    server.accept()[0].sendall(b'421 4.3.2 not now\\r\\n')"""
    with subprocess.Popen([*world.net.inside(world.net.servers), sys.executable, "-c", listen], stdout=subprocess.PIPE) as busy:
        busy.stdout.readline()
        said = verdicts(world.send("t@ee311.example", "t@mute.example", options=["--spool", spool]))
        busy.kill()
    assert said["t@ee311.example"][0] == "delivered" and "4.3.2 not now" in said["t@mute.example"][1]
    assert re.search(r"^1 0 \d+ starttls 25 mx.mute.example ", (spool / "relays").read_text(), re.M)


def test_hosts_with_ipv6(world):
    for to in ("six@six.example", "six@[IPv6:fd53::6]"):
        done = world.send(to)
        assert verdicts(done)[to][0] == "delivered", done.stderr
        assert [mail["host"] for mail in world.taken_for(to)] == [HOST_6]
    done = world.send("both@both.example")           # its first address is nobody's
    assert verdicts(done)["both@both.example"][0] == "delivered" and where(world.taken_for("both@both.example")) == "TLS, host 1"
    done = probe(world, "six.example")
    assert done.returncode == 0 and f"connected to {HOST_6} port 25" in done.stdout


def test_one_domain_waits_and_another_refuses(world, spool):
    to = ["o1@mismatch.example", "o2@nullmx.example", "o3@ee311.example"]
    done = world.send(*to, options=["--spool", spool])
    said = verdicts(done)
    assert [said[rcpt][0] for rcpt in to] == ["deferred", "failed", "delivered"] and done.returncode == 69
    assert waiting(world, spool) == [to[0]]


def test_the_sender_is_told_of_a_null_mx(world, spool):
    sender = "teller@ee311.example"
    world.configure("", relay="relay 10.53.1.9:25", sender=sender)
    world.send("n1@nullmx.example", "n2@mismatch.example", options=["--spool", spool, "--timeout", "5"])
    world.configure("", sender=sender)
    done = flush(world, spool, "--now")
    world.configure("")
    said = verdicts(done)
    assert said["n1@nullmx.example"] == ("failed", "5.1.10 nullmx.example takes no mail (null MX, RFC 7505)")
    assert said[sender][0] == "delivered" and len(world.taken_for(sender)) == 1
    queue = world.run("queue", "--spool", spool).stdout
    assert re.search(r"\tn1@nullmx.example\tfailed\t5.1.10 nullmx.example takes no mail", queue)


def test_one_domains_recipients_expire(world, spool):
    """the other's wait on, and the sender is told of those"""
    sender, to = "keeper@ee311.example", ["x1@mismatch.example", "x2@notls.example"]
    world.configure("", sender=sender)
    sent = world.send(*to, options=["--spool", spool]).stdout.splitlines()
    [number] = [row.split("\t")[0] for row in sent if to[0] in row]
    file = File(spool / f"{number}.mail")
    file.age, file.wait = 5 * 24 * 3600, 0
    file.write()
    (spool / "relays").unlink()                      # else the host may be left alone
    said = verdicts(flush(world, spool))
    world.configure("")
    assert {to[0], sender} <= set(said) <= {*to, sender} and said[to[0]][0] == "failed"
    assert said[to[0]][1].startswith("expired, given up after 120 hours: no TLSA record knows the certificate of mx.mismatch.example")
    assert said[sender][0] == "delivered" and waiting(world, spool) == [to[1]]

# SPDX-License-Identifier: MIT
"""Mail without a relay: each case of cases.py is sent once."""
import pathlib
import subprocess
import time

import pytest

from clock import LIMIT_S
from conftest import COMMAND
from cases import CASES, DEFERRED, FAILED, table
from net import host
from pretend import pretend


def where(mails):
    """in TLS or clear, at which host"""
    assert len(mails) == 1, mails
    return f"{'TLS' if mails[0]['tls'] else 'clear'}, host {mails[0]['host'].rpartition('.')[2]}"


def taken_by(world, rcpt):
    """by whoever took it, up to now"""
    return [mail for mail in world.taken() if rcpt in mail["rcpts"]]


def outcome(world, to):
    """what became of a mail to this address, where it was taken or the verdict; the text of its line; and all that was said"""
    said = world.send(to)
    rows = [line.split("\t") for line in said.stdout.splitlines()]
    assert len(rows) == 1, said.stderr
    verdict, text = rows[0][2], rows[0][4]
    return where(world.taken_for(to)) if verdict == "delivered" else verdict, text, said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(world, case):
    came, text, said = outcome(world, f"a@{case.domain}")
    assert came == case.expected, (text, said.stderr)
    assert case.says in text and ("and of another host" in text) == ("and of another host" in case.says), said.stderr
    assert came not in (DEFERRED, FAILED) or not taken_by(world, f"a@{case.domain}")
    assert (said.returncode == 0) == (came not in (DEFERRED, FAILED)), said.stderr


def test_hosts_their_order_and_what_is_known_of_them():
    """with answers as they are wanted, and a clock that runs when somebody waits"""
    done = subprocess.run([pathlib.Path(COMMAND).parent / "tests/find"], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0 and int(done.stdout.split()[0]) > 2000, done.stdout + done.stderr


def test_how_long_a_look_up_serves_and_what_is_remembered_of_hosts():
    """POLICY P12, D1, with a clock of its own"""
    done = subprocess.run([pathlib.Path(COMMAND).parent / "tests/route"], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0 and int(done.stdout.split()[0]) > 40, done.stdout + done.stderr


def test_a_record_is_of_no_other_key(world):
    """each bit of a chain flipped, and each octet its last"""
    files = []
    for name in ("one", "ca"):
        for words in (["x509", "-in", f"{name}.pem"], ["pkey", "-in", f"{name}.key", "-pubout"]):
            files.append(world.folder / f"{name}.{words[0]}.der")
            files[-1].write_bytes(world.certificates._openssl(*words, "-outform", "DER"))
    program = pathlib.Path(COMMAND).parent / "tests/tlsa"
    done = subprocess.run([program, *files], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0 and int(done.stdout.split()[0]) > 10000, done.stdout + done.stderr


def test_postfix_does_the_same(world, sender):
    """or cases.py says why not, and POLICY.md"""
    to = {case.name: f"p@{case.domain}" for case in CASES}
    sender.send(*to.values())
    wrong = []
    for case in CASES:
        verdict, why = sender.verdict(to[case.name])
        names = {"deferred": DEFERRED, "bounced": FAILED}
        came = names[verdict] if verdict in names else where(world.taken_for(to[case.name]))
        if came != case.postfix:
            wrong.append(f"{case.name}: {came}, not {case.postfix}: {why}")
    assert not wrong, "\n".join(wrong)


# ---- Beyond one mail and one domain ---------------------------------------------------------------------------------


def verdicts(done):
    """of each recipient the verdict and the text"""
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {row[1]: (row[2], row[4]) for row in rows}


@pytest.fixture
def spool(world, request):
    return world.folder / f"spool-{request.node.name}"


@pytest.mark.parametrize("name", ["undenied", "notlsa", "brokentlsa"])
def test_nodane_exempts_a_domain_and_says_so_each_time(world, name):
    to = f"n@{name}.{name}.example"
    world.configure(f"nodane {name}.example\n")
    said = world.send(to)
    world.configure("")
    verdict, text = verdicts(said)[to]
    assert verdict == "delivered" and f"nodane: DANE was not asked about {name}.{name}.example" in text, said.stderr
    assert where(world.taken_for(to)) == "TLS, host 1"


def test_nodane_is_of_no_other_domain(world):
    world.configure("nodane smatch.example\nnodane match.example\n")
    said = world.send("other@mismatch.example")
    world.configure("")
    verdict, text = verdicts(said)["other@mismatch.example"]
    assert verdict == "deferred" and "nodane" not in text


def test_equal_preferences_are_asked_at_random(world):
    for i in range(30):
        done = world.run("send", "-C", world.config, f"e{i}@equal.example")
        assert verdicts(done)[f"e{i}@equal.example"][0] == "delivered" and done.stderr == ""
    hosts = {mail["host"] for mail in world.taken_for(*(f"e{i}@equal.example" for i in range(30)))}
    assert len(hosts) == 2                           # one alone comes about once in 5e8 times


def test_eight_hosts_are_asked(world):
    assert world.send("many@many.example").stderr.count("* connected to ") == 8


def test_without_a_spool_each_domain_has_its_own_conversation(world):
    to = ["m1@ee311.example", "m2@refused.refused.example", "m3@EE311.example", "m4@nullmx.example", "m5@none.example"]
    done = world.send(*to)
    assert {rcpt: verdict for rcpt, (verdict, _) in verdicts(done).items()} == dict(
        zip(to, ["delivered", "deferred", "delivered", "failed", "delivered"]))
    assert done.returncode == 75                     # somebody is deferred
    assert "nothing is kept" in done.stderr
    assert [mail["rcpts"] for mail in world.taken_for(to[0], to[2], to[4])] in ([[to[0], to[2]], [to[4]]], [[to[4]], [to[0], to[2]]])


@pytest.mark.parametrize("names, status", [("bogus.bogus nullmx", 75), ("nullmx refused.refused", 75), ("mismatch refused.refused", 69),
                                           ("bogus.bogus mismatch", 69), ("ee311 nullmx", 69), ("nullmx ta211", 69)])
def test_without_a_spool_the_status_is_of_those_deferred(world, names, status):
    """in the order in which they are tried"""
    assert world.send(*(f"m@{name}.example" for name in names.split())).returncode == status


def test_in_the_spool_each_domain_is_a_mail(world, spool):
    to = ["s1@ee311.example", "s2@mismatch.example", "s3@ee311.example", "s4@none.example", "s5@nodomain.example"]
    done = world.send(*to, options=["--spool", spool])
    said = verdicts(done)
    assert [said[rcpt][0] for rcpt in to] == ["delivered", "deferred", "delivered", "delivered", "failed"], done.stderr
    ids = {line.split("\t")[1]: line.split("\t")[0] for line in done.stdout.splitlines()}
    assert ids[to[0]] == ids[to[2]] and len(set(ids.values())) == 4
    queue = world.run("queue", "--spool", spool).stdout
    assert "s2@mismatch.example\twaiting" in queue and "s5@nodomain.example\tfailed\t5.1.2 there is no domain" in queue
    assert "s1@" not in queue and len(queue.splitlines()) == 2


def test_a_mail_of_several_domains_that_waited_for_a_relay(world, spool):
    """the relay is down, then the configuration has none: each domain gets its mail"""
    to = ["w1@ee311.example", "w2@mismatch.example", "w3@ee311.example", "w4@none.example"]
    world.configure("", relay="relay 10.53.1.9:25")
    first = world.send(*to, options=["--spool", spool, "--timeout", "5"])
    world.configure("")
    assert {verdict for verdict, _ in verdicts(first).values()} == {"deferred"}
    rows = verdicts(world.run("flush", "-C", world.config, "--spool", spool, "--now"))
    assert [rows[rcpt][0] for rcpt in to] == ["delivered", "deferred", "delivered", "delivered"]
    assert sorted(mail["rcpts"] for mail in world.taken_for(to[0], to[2], to[3])) == [[to[0], to[2]], [to[3]]]
    waiting = [line for line in world.run("queue", "--spool", spool).stdout.splitlines() if "\twaiting\t" in line]
    assert len(waiting) == 1 and to[1] in waiting[0]


def test_one_domains_tls_failure_brings_no_other_nearer_to_clear(world, spool):
    """a mail to each, as they are kept: the one whose DANE host fails is never armed by the other"""
    to = ["c1@notls.example", "c2@nonenotls.example"]
    done = world.send(*to, options=["--spool", spool])
    assert [verdicts(done)[rcpt][0] for rcpt in to] == ["deferred", "delivered"]
    for _ in range(3):
        world.run("flush", "-C", world.config, "--spool", spool, "--now")
    assert not taken_by(world, to[0])


def test_accepted_for_verified_relays_only(world, spool):
    """POLICY P7: such a mail goes to a host that DANE authenticates, and to no other"""
    to = ["v1@ee311.example", "v2@unusable.example", "v3@none.example"]
    ca = world.folder / "pki/ca.pem"
    world.configure("", relay=f"relay 10.53.1.9:25 trust={ca} tls-name=mail.example")
    for rcpt in to:
        assert verdicts(world.send(rcpt, options=["--spool", spool, "--timeout", "5"]))[rcpt][0] == "deferred"
    world.configure("")
    done = world.run("flush", "-C", world.config, "--spool", spool, "--now")
    said = verdicts(done)
    assert said[to[0]][0] == "delivered", done.stderr
    for rcpt in to[1:]:
        assert said[rcpt][0] == "deferred" and "accepted for verified relays only" in said[rcpt][1]


def test_mails_of_one_domain_share_a_connection_and_others_have_their_own(world, spool):
    to = ["k1@ee311.example", "k2@none.example", "k3@ee311.example"]
    world.configure("", relay="relay 10.53.1.9:25")
    for rcpt in to:
        world.send(rcpt, options=["--spool", spool, "--timeout", "5"])
    world.configure("")
    done = world.run("flush", "-C", world.config, "--spool", spool, "--now", "-v")
    assert {verdict for verdict, _ in verdicts(done).values()} == {"delivered"}, done.stderr
    assert [where(world.taken_for(rcpt)) for rcpt in to] == ["TLS, host 1", "TLS, host 2", "TLS, host 1"]


def test_each_mail_has_its_own_order_of_equals(world, spool):
    """POLICY P9: where it begins is a host's place in that order"""
    to = [f"q{i}@equal.example" for i in range(40)]
    world.configure("", relay="relay 10.53.0.1:9")
    for rcpt in to:
        world.run("send", "-C", world.config, "--spool", spool, rcpt)
    world.configure("")
    done = world.run("flush", "-C", world.config, "--spool", spool, "--now")
    assert {verdict for verdict, _ in verdicts(done).values()} == {"delivered"}, done.stderr
    assert len({mail["host"] for mail in world.taken_for(*to)}) == 2   # one alone comes about once in 5e11 times


def test_an_address_is_its_own_host(world):
    assert verdicts(world.send("l@[10.53.1.3]"))["l@[10.53.1.3]"][0] == "delivered"
    assert where(world.taken_for("l@[10.53.1.3]")) == "clear, host 3"
    for own in ("l@[10.53.0.1]", "l@[127.0.0.1]", "l@[127.9.9.9]", "l@[IPv6:::1]"):
        verdict, text = verdicts(world.send(own))[own]
        assert verdict == "failed" and "come back to this host" in text


def test_name_servers_that_never_answer_take_a_bounded_time(world):
    """and a relay's name what the system's resolver is set to"""
    silent = world.folder / "silent.conf"
    silent.write_text("nameserver 10.53.0.6\noptions timeout:2 attempts:2\n")
    started = time.monotonic()
    for config, says in (("relay mx:", "no name server answered in time"), ("relay mx.none.example:25", "no network here")):
        world.configure("", relay=config)
        done = world.run("send", "-C", world.config, "t@none.example", resolv=silent)
        world.configure("")
        verdict, text = verdicts(done)["t@none.example"]
        assert verdict == "deferred" and says in text and done.returncode == 75
    assert time.monotonic() - started < 40           # 4 s a question here


def test_an_anchor_that_is_none(world):
    """nothing goes without DNSSEC"""
    for anchor, says in (("/nowhere", "dnssec-anchor /nowhere cannot be read"), (world.config, f"line 1 of dnssec-anchor {world.config} is no DS"),
                         ("/dev/null", "dnssec-anchor /dev/null has no DS or DNSKEY record of the root (.)")):
        world.config.write_text(f"relay mx:\nfrom a@b.example\nhelo client.example\ndnssec-anchor {anchor}\n")
        done = world.run("send", "-C", world.config, "x@ee311.example")
        world.configure("")
        assert done.returncode == 78 and says in done.stderr and not taken_by(world, "x@ee311.example")


def test_without_an_anchor_the_roots_keys_are_taken(world):
    """which have not signed this root"""
    world.config.write_text("relay mx:\nfrom a@b.example\nhelo client.example\n")
    done = world.send("root@none.example")
    world.configure("")
    verdict, text = verdicts(done)["root@none.example"]
    assert verdict == "deferred" and "refused by DNSSEC" in text and not taken_by(world, "root@none.example")


def test_etc_hosts_says_nothing_of_what_dnssec_is_about(world):
    hosts = world.folder / "etc-hosts"
    hosts.write_text("10.53.1.3 mismatch.example mx.mismatch.example\n")
    done = world.send("hosts@mismatch.example", hosts=hosts)
    verdict, text = verdicts(done)["hosts@mismatch.example"]
    assert verdict == "deferred" and "no TLSA record knows" in text and not taken_by(world, "hosts@mismatch.example")


@pytest.mark.parametrize("line", ["{} relay.lan", "{} relay.test", "{} relay.home.arpa", "{} box RELAY.lan#comment"])
def test_a_relay_is_found_in_etc_hosts(world, line):
    """whatever stands in the lines above"""
    hosts, name = world.folder / "relay-hosts", line.split()[-1].partition("#")[0].lower()
    hosts.write_text(f"127.0.0.1 localhost\nbad\n127.0.1 x.lan\nfe80::1%none y.lan\n127.0.0.1 bad..name\n{line.format(host(3))}\n")
    world.configure("", relay=f"relay {name}:25")
    done = world.send(f"to@{name}", hosts=hosts)
    world.configure("")
    assert verdicts(done)[f"to@{name}"][0] == "delivered" and "connected to" in done.stderr and "libunbound" not in done.stderr, done.stderr


@pytest.mark.parametrize("first", ["nameserver fe80::53%wire", "nameserver fe80::53%{}", "nameserver 1.2.3.4.5\nnameserver 10.53.0.3",
                                   "nameserver dns.example\nnameserver fe80::9%none\nnameserver 10.53.0.3"])
def test_name_servers_as_libc_reads_them(world, first):
    """and nothing is printed on success"""
    resolv = world.folder / "odd.conf"
    resolv.write_text(first.format(world.net.link_number()) + "\n")
    done = world.run("sendmail", "-C", world.config, "-odi", "libc@ee311.example", text="Subject: libc\n\nlibc\n", resolv=resolv)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert where(world.taken_for("libc@ee311.example")[-1:])


def test_no_network_and_a_clock_that_is_not_set_are_not_dns(world):
    nowhere = world.folder / "nowhere.conf"
    nowhere.write_text("nameserver 192.0.2.53\nnameserver 2001:db8::53\n")
    done = world.send("away@none.example", resolv=nowhere)
    verdict, text = verdicts(done)["away@none.example"]
    assert verdict == "deferred" and "there is no way to a name server" in text
    done = world.send("clock@none.example", within=pretend(REALTIME=60))
    verdict, text = verdicts(done)["clock@none.example"]
    assert verdict == "deferred" and text.startswith("the time is unknown and the dates of certificates and DNSSEC need it (MX of"), done.stderr


def test_a_clock_that_is_behind_is_our_own_trouble(world):
    """it goes on from the last shutdown, say: the root's keys are not signed yet"""
    to = ["behind@ee311.example", "behind@insecure.insecure.example"]
    done = world.run("send", "-C", world.config, *to, within=pretend(REALTIME=f"+-{20 * 86400}"))
    for verdict, text in verdicts(done).values():
        assert verdict == "deferred" and "this host's clock is not set, or behind: " in text, done.stdout


# ---- probe --mx -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain, status, says", [
    ("ee311.example", 0, ["MX              proven by DNSSEC", "TLSA            3 1 1 ", "verified by TLSA 3 1 1"]),
    ("mismatch.example", 1, ["it gets no mail: no TLSA record knows its certificate"]),
    ("unusable.example", 1, ["none of its TLSA records can be used", "mail goes there in TLS, unauthenticated"]),
    ("nonenotls.example", 1, ["mail goes there, unauthenticated"]),
    ("insecure.insecure.example", 1, ["not proven: the domain's zone is not signed"]),
    ("second.example", 1, ["host            10 mx.second.example", "host            20 mx2.second.example"]),
    ("nullmx.example", 1, ["takes no mail"]),
    ("bogus.bogus.example", 75, ["refused by DNSSEC"]),
    ("notlsa.notlsa.example", 75, ["TLSA of _25._tcp.mx.notlsa.notlsa.example"]),
])
def test_probe(world, domain, status, says):
    done = world.run("probe", "--mx", "--dnssec-anchor", world.dns.anchor, domain, text="")
    assert done.returncode == status, done.stdout + done.stderr
    for words in says:
        assert words in done.stdout


def test_the_table_in_policy_is_this_one():
    text = (pathlib.Path(__file__).resolve().parents[2] / "core/POLICY.md").read_text()
    assert text.split("<!-- dane -->\n")[1] == table()

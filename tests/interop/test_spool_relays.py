# SPDX-License-Identifier: MIT
"""What a spool remembers of relays (P7, P12, P18): which are left alone, by whom and for how long, what is our own trouble,
whose turn it is, and by which relays a mail may leave at all."""
import base64
import errno

import pytest

from cell import why_not
from clock import Clock
from pretend import pretend
from relay import BAD_CONFIG, DEFERRED, OK, Relay, make_context
from test_spool_retry import NOW, age, context, pin, pytestmark, spool, tls  # noqa: F401 (fixtures)

OURS_S = 10                                                                  # P12


def relay_lines(spool):
    path = spool.path / "relays"
    return [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []


def test_a_relay_that_is_down_is_left_alone(spool, closed):
    spool.send(closed)
    done = spool.send(closed, to=["a@example.test", "b@example.test"], options=["-v"])
    assert [row[1] for row in done.rows] == ["a@example.test", "b@example.test"]
    assert done.verdicts == ["deferred"] * 2 and all("left alone" in row[4] for row in done.rows) and done.stderr == ""
    [line] = relay_lines(spool)
    assert line[:2] == ["1", "0"] and line[3:] == ["starttls", closed.split(":")[1], "127.0.0.1", "-"]


def test_a_forced_round_counts_once(spool, closed):
    """what was remembered is forgotten at its start, and then the relay is asked once"""
    for _ in range(6):
        spool.send(closed)
    for _ in range(2):
        done = spool.flush(closed, options=["--now", "-v"])
        assert done.stderr.count("refused") == 1 and done.verdicts == ["deferred"] * 6
        assert sum("left alone" in row[4] for row in done.rows) == 5
        assert [line[:2] for line in relay_lines(spool)] == [["1", "0"]]


def test_other_relays_are_asked(spool, closed):
    relay = Relay()
    spool.send(closed)
    done = spool.send(closed, relay, options=["-v"])
    assert done.verdicts == ["delivered"] and closed not in done.stderr
    relay.stop()


def test_success_clears_it(spool):
    relay = Relay()
    relay.greeting = "421 busy"
    spool.send(relay)
    assert "left alone" in spool.send(relay).rows[0][4] and len(relay.talks) == 1
    relay.greeting = "220 relay.test"
    assert spool.flush(relay, options=NOW).verdicts == ["delivered"] * 2
    assert relay_lines(spool) == []
    assert spool.send(relay).verdicts == ["delivered"]
    relay.stop()


def test_success_makes_those_due_that_it_held_back(spool, closed):
    """and no others"""
    relay = Relay()
    relay.greeting = "421 busy"
    spool.send(relay, to=("first@example.test",))
    spool.send(relay, to=("second@example.test",))
    assert [file.left_alone for file in sorted(spool.files(), key=lambda file: file.ms)] == [False, True]
    assert spool.flush(relay).rows == []
    relays = spool.path / "relays"
    relays.write_text(relays.read_text().replace(relay_lines(spool)[0][2], "1"))     # its wait is over
    assert "busy" in spool.send(relay, to=("again@example.test",)).rows[0][4]        # which makes nobody due
    assert spool.flush(relay).rows == []
    relay.greeting = "220 relay.test"
    relays.write_text(relays.read_text().replace(relay_lines(spool)[0][2], "1"))
    assert spool.send(relay, to=("third@example.test",)).verdicts == ["delivered"]
    assert [row[1] for row in spool.flush(relay).rows] == ["second@example.test"]
    assert spool.flush(relay).rows == []
    relay.replies = {"fourth@example.test": "450 later"}
    spool.send(closed)
    spool.send(closed, relay, to=("fourth@example.test",))
    assert [file.left_alone for file in sorted(spool.files(), key=lambda file: file.ms)][-1]
    assert spool.flush(closed, relay).rows == []                             # the relay came back before it was stored
    relay.stop()


def test_many_failures_are_not_too_many(spool, closed):
    """at 255 the counter stands, and the wait goes on from the last failure"""
    spool.send(closed)
    relays = spool.path / "relays"
    [line] = relay_lines(spool)
    relays.write_text(relays.read_text().replace(f"1 0 {line[2]}", f"255 0 {int(line[2]) - 4001000}"))
    assert "refused" in spool.send(closed).rows[0][4]
    assert "left alone" in spool.send(closed).rows[0][4]
    assert relay_lines(spool)[0][:2] == ["255", "0"]


def test_other_configurations_relays_are_remembered(spool, closed):
    other = Relay()
    other.greeting = "421 busy"
    spool.send(closed)
    spool.send(other)
    assert "left alone" in spool.send(closed).rows[0][4] and "left alone" in spool.send(other).rows[0][4]
    other.stop()


def test_other_configurations_relays_are_forgotten_after_a_day(spool, closed):
    up, day_ms, relays = pretend(BOOTTIME=2 * 86400), 86400000, spool.path / "relays"
    spool.send(closed, wrap=up)
    with relays.open("a") as file:
        file.write(f"1 0 {day_ms} starttls 25 old.test -\n1 0 {day_ms + 60000} starttls 25 young.test -\n")
    other = Relay()
    other.greeting = "421 busy"
    spool.send(other, wrap=up)
    assert [line[5] for line in relay_lines(spool)] == ["127.0.0.1", "127.0.0.1", "young.test"]
    other.stop()


NO_LINES = ("x", "1", "1x 0 5 starttls 25 r.test -", "1 0 later starttls 25 r.test -", "1 0 5", "1 0 5 starttls", "256 0 5 starttls 25 r.test -",
            "1 256 5 starttls 25 r.test -", "1 0 99999999999999 starttls 25 r.test -", "1 0 5 starttls 65536 r.test -", "1 0 5 starttls 25",
            "1 0 5 starttls 25 r.test", f"1 0 5 starttls 25 {'x' * 400} -", f"1 0 5 {'x' * 40} 25 r.test -", f"{'1' * 30} 0 5 starttls 25 r.test -")


def test_what_is_no_line_is_forgotten(spool, closed):
    """of the file of relays; the others stay"""
    up = pretend(BOOTTIME=43200)
    spool.send(closed, wrap=up)
    with (spool.path / "relays").open("a") as file:
        file.write("".join(f"{line}\n" for line in (*NO_LINES, "1 0 5 starttls 25 good.test -")))
    other = Relay()
    other.greeting = "421 busy"
    spool.send(other, wrap=up)
    assert [line[5] for line in relay_lines(spool)] == ["127.0.0.1", "127.0.0.1", "good.test"]
    other.stop()


UP_MS = 172800000
LIMITS = {                                                                   # the last that is a line, and the next one, which is none
    "failures": ("255 0 172000000 starttls 25 r.test -", "256 0 172000000 starttls 25 r.test -"), "of TLS": ("0 255 172000000 tls 25 r.test -", "0 256 172000000 tls 25 r.test -"),
    "both": ("255 255 172000000 tls 25 r.test -", "-1 0 172000000 tls 25 r.test -"),
    "now": (f"1 0 {UP_MS} tls 25 r.test -", f"1 0 {UP_MS + 1} tls 25 r.test -"), "now, of TLS": (f"0 1 {UP_MS} tls 25 r.test -", f"0 1 {UP_MS + 1} tls 25 r.test -"),
    "now, of both": (f"1 1 {UP_MS} tls 25 r.test -", f"1 1 {UP_MS + 1} tls 25 r.test -"),
    "pause": (f"0 0 {UP_MS + 1000 * OURS_S} tls 25 r.test -", f"0 0 {UP_MS + 1000 * OURS_S + 1} tls 25 r.test -"),
    "a day": (f"1 0 {UP_MS - 86400000 + 1} tls 25 r.test -", f"1 0 {UP_MS - 86400000} tls 25 r.test -"),
    "TLS": (f"1 0 172000000 {'x' * 15} 25 r.test -", f"1 0 172000000 {'x' * 16} 25 r.test -"),
    "port": ("1 0 172000000 tls 65535 r.test -", "1 0 172000000 tls 65536 r.test -"), "port of one digit": ("1 0 172000000 tls 9 r.test -", "1 0 172000000 tls : r.test -"),
    "host": (f"1 0 172000000 tls 25 {'x' * 255} -", f"1 0 172000000 tls 25 {'x' * 256} -"), "login": ("1 0 172000000 tls 25 r.test 01234567", "1 0 172000000 tls 25 r.test 012345678"),
    "digits": (f"{1:023} 0 172000000 tls 25 r.test -", f"{1:024} 0 172000000 tls 25 r.test -"), "words": ("1 0 172000000 tls 25 r.test -", "1 0 172000000 tls 25  r.test -"),
    "end": ("1 0 172000000 tls 25 r.test -", "1 0 172000000 tls 25 r.test - "),
}


def test_how_far_a_line_goes(spool, closed):
    """of the file of relays; as it was written it is written again, in its place"""
    up, path, other = pretend(BOOTTIME=UP_MS // 1000), spool.path / "relays", Relay()
    spool.send(closed, wrap=up)
    title, line = path.read_text().splitlines()
    path.write_text("\n".join([title, *(word for both in LIMITS.values() for word in both), line, ""]))
    other.greeting = "421 busy"
    spool.send(other, wrap=up)
    assert path.read_text().splitlines() == [title, f"1 0 {UP_MS} starttls {other.port} 127.0.0.1 -", *(last for last, _ in LIMITS.values()), line]
    other.stop()


@pytest.mark.parametrize("passed_ms, asked", [(0, False), (298999, False), (376000, True)])
def test_how_long_a_relay_is_left_alone(spool, closed, passed_ms, asked):
    """300 s and up to a quarter more"""
    up, path = pretend(BOOTTIME=UP_MS // 1000), spool.path / "relays"
    spool.send(closed, wrap=up)
    path.write_text(path.read_text().replace(f"1 0 {UP_MS} ", f"1 0 {UP_MS - passed_ms} "))
    assert ("refused" in spool.send(closed, wrap=up).rows[0][4]) == asked


@pytest.mark.parametrize("line, boot, released", [("0 0 {}", False, False), ("0 0 {+1}", False, True), ("1 0 {+1}", False, False), ("0 1 {+1}", False, False), ("1 1 {}", False, False), ("0 0 {+1}", True, False)])
def test_when_a_relay_has_come_back(spool, closed, line, boot, released):
    """a mail that was left alone since is due; one of another boot is not known to be older"""
    up, path = pretend(BOOTTIME=UP_MS // 1000), spool.path / "relays"
    for _ in range(2):
        spool.send(closed, wrap=up)
    [first, file] = sorted(spool.files(), key=lambda file: file.left_alone)
    file.ms, file.wait = UP_MS - 5000, 10 ** 6
    file.boot = bytes(16 * [7]) if boot else file.boot
    file.write()
    first.path.unlink()
    path.write_text(f"{path.read_text().splitlines()[0]}\n{line.replace('{}', str(file.ms)).replace('{+1}', str(file.ms + 1))} tls 25 r.test -\n")
    assert bool(spool.flush(closed, wrap=up).rows) == released


@pytest.mark.parametrize("call", ["fchmod", "renameat"])
def test_what_cannot_be_written_is_told_and_leaves_nothing(spool, closed, call):
    """no file of the spool but the mail's, which waits as ever"""
    done = spool.send(closed, wrap=["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error=EDQUOT:when=2"])
    assert done.verdicts == ["deferred"] and f"{spool.path}/relays cannot be written: Disk quota exceeded" in done.stderr
    assert spool.names() == [f"{done.rows[0][0]}.mail"]


def test_64_other_relays_are_remembered(spool, closed, tmp_path):
    """those that were written last, with one write"""
    spool.send(closed)
    [line] = relay_lines(spool)
    with (spool.path / "relays").open("a") as file:
        file.writelines(f"1 0 {line[2]} starttls 25 mx{n}.test -\n" for n in range(100))
    other, trace = Relay(), tmp_path / "trace"
    other.greeting = "421 busy"
    spool.send(other, wrap=["strace", "-f", "-qq", "-y", "-s", "4096", "-o", trace, "-e", "trace=write,pwrite64", *spool.wrap])
    assert [line[5] for line in relay_lines(spool)] == ["127.0.0.1", "127.0.0.1", *(f"mx{n}.test" for n in range(63))]
    assert sum("starttls 25" in call or "mailmote-relays" in call for call in trace.read_text().splitlines()) == 1
    other.stop()


def test_a_relay_is_the_same_in_capitals(spool, closed):
    """DNS and configurations write names as they like"""
    spool.send(closed.replace("127.0.0.1", "localhost"))
    assert "left alone" in spool.send(closed.replace("127.0.0.1", "LOCALHOST")).rows[0][4]
    assert [line[5].lower() for line in relay_lines(spool)] == ["localhost"]


def test_a_refused_login_is_remembered_for_it_alone(spool, context, pin, tmp_path):
    """another user, or the right password, is not left alone; and no secret is kept"""
    relay = Relay(context, "good", {"AUTH": "535 5.7.8 no"})

    def login(user, secret):
        path = tmp_path / "secret"
        path.write_text(secret + "\n")
        path.chmod(0o600)
        return ["--pin", pin, "--user", user, "--password-file", path]
    assert "535" in spool.send(relay, options=login("u", "hunter2")).rows[0][3]
    assert "left alone" in spool.send(relay, options=login("u", "hunter2")).rows[0][4]
    again = ["--relay", relay.where, *login("u", "hunter2")[4:], *login("u", "hunter2")[:4]]     # whatever stands behind its words
    assert "left alone" in spool.send(options=again, env={"MALLOC_PERTURB_": "85"}).rows[0][4]
    assert "535" in spool.send(relay, options=login("v", "hunter2")).rows[0][3]
    relay.replies = {"AUTH": "235 yes"}
    assert spool.send(relay, options=login("u", "hunter3")).verdicts == ["delivered"]
    kept = (spool.path / "relays").read_bytes()
    assert b"hunter" not in kept and base64.b64encode(b"hunter2") not in kept and b"68756e746572" not in kept
    relay.stop()


def test_a_refused_certificate_is_remembered_for_its_trust_alone(spool, context, pin, tls, tmp_path):
    """the right pin, file of CAs or name is not left alone, be it put right or another line of the same relay"""
    relay, other = Relay(context, "good"), tmp_path / "other"
    other.mkdir()
    make_context(other)
    anchors = tmp_path / "ca.pem"
    anchors.write_bytes((other / "certificate.pem").read_bytes())
    wrong, right = ["--pin", "sha256:" + "A" * 43 + "="], ["--pin", pin]
    chain, name = ["--relay", f"localhost:{relay.port}", "--trust", anchors, "--tls-name"], ["relay.test"]

    def sent(*words):
        [row] = spool.send(options=words).rows
        return "left alone" in row[4], row[2]
    where = ["--relay", relay.where]
    for _ in range(2):
        assert sent(*where, *wrong, *where, *right) == (False, "delivered")
    assert sent(*where, *wrong) == (True, "deferred") and sent(*where, *right) == (False, "delivered")
    assert sent(*chain, *name) == (False, "deferred") and sent(*chain, *name) == (True, "deferred")
    anchors.write_bytes((tls / "certificate.pem").read_bytes())              # of the same name, with another key
    assert sent(*chain, "another.test") == (False, "deferred") and sent(*chain, "another.test") == (True, "deferred")
    assert sent(*chain, *name) == (False, "delivered")
    relay.stop()


def test_a_secret_is_read_when_a_mail_is_due(spool, context, tls, closed, tmp_path):
    """a flush that finds none runs no program and reads no CA file, not even for mails that wait behind a relay; one that
    finds some does so once"""
    relay, config, runs, anchors = Relay(context, "good"), tmp_path / "config", tmp_path / "runs", tmp_path / "ca.pem"
    spool.send(closed, to=("first@example.test",))
    spool.send(closed, to=("second@example.test",))
    assert [file.left_alone for file in sorted(spool.files(), key=lambda file: file.ms)] == [False, True]
    config.write_text(f"host 127.0.0.1\nport {relay.port}\ntls on\ntls_trust_file {anchors}\ntls_host_override relay.test\n"
                      f"auth on\nuser u\npasswordeval echo run >>{runs}; echo p\n")
    config.chmod(0o600)
    done = spool.flush(options=["-C", config])
    assert (done.returncode, done.rows, done.stderr) == (OK, [], "") and not runs.exists()
    done = spool.flush(options=["-C", config, *NOW])
    assert done.returncode == BAD_CONFIG and "ca.pem cannot be read" in done.stderr and relay.talks == []
    anchors.write_bytes((tls / "certificate.pem").read_bytes())
    done = spool.flush(options=["-C", config, *NOW])
    assert done.verdicts == ["delivered"] * 2 and runs.read_text() == "run\n"
    relay.stop()


@pytest.mark.parametrize("trouble", [{"SOCKET": errno.EMFILE}, {"SOCKET": errno.ENOBUFS}, {"CONNECT": errno.ENETUNREACH},
                                     {"CONNECT": errno.EHOSTUNREACH}, {"CONNECT": errno.EADDRNOTAVAIL}],
                         ids=lambda trouble: " ".join(f"{name} {errno.errorcode[code]}" for name, code in trouble.items()))
def test_our_own_trouble_is_not_the_relays(spool, trouble):
    """nothing is remembered of the relay, and the mail is due after 10 s, twice"""
    relay, wrap = Relay(), pretend(**trouble)
    words = "no memory, socket" if "SOCKET" in trouble else "no network here"
    done = spool.send(relay, wrap=wrap)
    assert done.verdicts == ["deferred"] and words in done.rows[0][4]
    for least, most in ((10, 10), (10, 10), (300, 375)):
        assert least <= spool.file().wait <= most and relay_lines(spool) == []
        assert spool.flush(relay, options=NOW, wrap=wrap).verdicts == ["deferred"]
    assert spool.send(relay).verdicts == ["delivered"]
    relay.stop()


@pytest.mark.skipif(why_not() is not None, reason="no namespaces")
@pytest.mark.parametrize("where", ["127.0.0.1:25", "relay.example:25"])
def test_no_network(spool, where):
    """a boot before the network is up: no route, and no name server"""
    done = spool.send(where, wrap=["unshare", "--net"])
    assert done.verdicts == ["deferred"] and "no network here" in done.rows[0][4], done.rows
    assert spool.file().wait == 10 and relay_lines(spool) == []


@pytest.mark.parametrize("refused", [[], ["x@example.test"]])
def test_a_pause_after_a_mail_is_no_failure(spool, tmp_path, refused):
    """a relay that takes one mail, and then none for a moment: the others follow in the same run, though it refuses some recipients"""
    relay, clock = Relay(replies={"x@example.test": "550 5.1.1 unknown"}), Clock(tmp_path)
    wrap = pretend(**clock.settings)
    relay.greeting, relay.now = "421 busy", lambda: clock.now
    for n in range(4):
        spool.send(relay, to=(*refused, f"r{n}@example.test"), wrap=wrap)
    relay.greeting, relay.rest_s = "220 relay.test", OURS_S / 2
    done = spool.flush(relay, options=NOW, wrap=wrap)
    assert done.verdicts.count("delivered") >= 2 and all(line[:2] == ["0", "0"] for line in relay_lines(spool)), done.rows
    assert max(file.wait for file in spool.files()) <= OURS_S
    assert spool.send(relay, wrap=wrap).verdicts == ["delivered"] # the next run keeps the pause, too
    relay.stop()


@pytest.mark.parametrize("before", [[], ["a@example.test"]])
def test_no_pause_after_a_mail_that_was_not_taken(spool, closed, before):
    """now, by anybody: a relay that ends the connection behind it has failed, and is left alone"""
    relay = Relay(replies={"later@example.test": "450 4.2.1 not now", "busy@example.test": "421 4.3.2 busy"})
    spool.send(relay, to=(*before, "later@example.test"))
    spool.send(closed, to=("busy@example.test",))
    assert spool.flush(relay, options=NOW).verdicts == ["deferred"] * 2 and len(relay.mails) == len(before)
    assert [line[:2] for line in relay_lines(spool) if line[4] == str(relay.port)] == [["1", "0"]]
    relay.stop()


class Leaving(Relay):
    """ends its first connection where a second mail begins, and its third one in front of what it would say to `verb`"""
    verb = None

    def _say(self, link, file, text):
        if len(self.talks) == 1 and self.talks[0].count("MAIL") == 2 or len(self.talks) == 3 and self.talks[2][-1:] == [self.verb]:
            raise OSError
        return super()._say(link, file, text)


@pytest.mark.parametrize("verb, waits", [("EHLO", []), ("MAIL", [300])])
def test_a_pause_is_wanted_before_a_mail_begins(spool, tmp_path, verb, waits):
    """a connection that is lost behind MAIL is another trouble, and that mail is not due again in a moment"""
    relay, clock = Leaving(), Clock(tmp_path)
    relay.greeting, relay.verb, wrap = "421 busy", verb, pretend(**clock.settings)
    for n in range(4):
        spool.send(relay, to=(f"r{n}@example.test",), wrap=wrap)
    relay.greeting = "220 relay.test"
    relay.talks.clear()
    done = spool.flush(relay, options=NOW, wrap=wrap)
    assert done.verdicts.count("delivered") == 4 - len(waits) and relay.talks[2] == ["EHLO", "MAIL"][:2 - (not waits)], done.rows
    assert [file.wait // 300 * 300 for file in spool.files()] == waits
    relay.stop()


class Two(Relay):
    """takes two mails on each connection"""
    def _say(self, link, file, text):
        if self.talks[-1].count("MAIL") == 3:
            raise OSError
        return super()._say(link, file, text)


def test_each_connection_takes_as_many_mails_as_the_first_one(spool, tmp_path):
    """and the relay hangs up no second time"""
    relay, wrap = Two(), pretend(**Clock(tmp_path).settings)
    relay.greeting = "421 busy"
    for n in range(6):
        spool.send(relay, to=(f"r{n}@example.test",), wrap=wrap)
    relay.greeting = "220 relay.test"
    relay.talks.clear()
    assert spool.flush(relay, options=NOW, wrap=wrap).verdicts.count("delivered") == len(relay.mails) == 6
    assert [talk.count("MAIL") for talk in relay.talks] == [3, 2, 1, 1] # the third mail once more in the end
    relay.stop()


@pytest.mark.parametrize("left_ms", [1, 1001, 9001])
def test_the_next_run_keeps_all_of_a_pause(spool, tmp_path, left_ms):
    """to its last millisecond"""
    relay, clock = Relay(), Clock(tmp_path)
    relay.greeting, relay.now, wrap = "421 busy", lambda: clock.now, pretend(**clock.settings)
    spool.send(relay, wrap=wrap)
    [line], path, until_ms = relay_lines(spool), spool.path / "relays", clock.face.now_ms + left_ms
    path.write_text(path.read_text().replace(f"1 0 {line[2]}", f"0 0 {until_ms}"))
    relay.greeting, relay.rested = "220 relay.test", until_ms / 1000
    assert spool.send(relay, wrap=wrap).verdicts == ["delivered"] and clock.face.now_ms - until_ms < 1000
    relay.stop()


def test_another_boot_leaves_nobody_alone(spool, closed):
    spool.send(closed)
    path = spool.path / "relays"
    title = path.read_text().splitlines()[0]
    path.write_text(path.read_text().replace(title, title[:-32] + "0" * 32))
    assert "left alone" not in spool.send(closed).rows[0][4]


# ---- whose turn it is ------------------------------------------------------------------------------------------------

def test_fewest_attempts_first(spool, closed):
    """then the older one: no old trouble stands before a new alert"""
    tried = {"old": (9, 5000), "older": (9, 6000), "new": (0, 10), "newer": (0, 1), "once": (1, 90000)}
    for name, (attempts, seconds) in tried.items():
        known = {file.id for file in spool.files()}
        spool.send(closed, to=(f"{name}@example.test",))
        [file] = [file for file in spool.files() if file.id not in known]
        file.attempts, file.age, file.wait = attempts, seconds, 0
        file.write()
    assert [row[4].split("@")[0] for row in spool.queue().rows] == ["once", "older", "old", "new", "newer"]
    relay = Relay()
    spool.flush(relay)
    assert [mail.to[0].split("@")[0] for mail in relay.mails] == ["new", "newer", "once", "older", "old"]
    relay.stop()


# ---- verified relays only --------------------------------------------------------------------------------------------

def test_accepted_for_verified_relays_only(spool, context, pin, closed):
    """by no other configuration does it leave by a relay that is not verified, forced or not; it waits, and says why"""
    spool.send(closed, options=["--pin", pin])
    assert spool.file().verified_only
    anybody, verified = Relay(), Relay(context, "good")
    age(spool)
    for options in ([], NOW, NOW):
        done = spool.flush(anybody, options=options)
        assert done.returncode == DEFERRED and "accepted for verified relays only" in done.rows[0][4]
    assert anybody.talks == [] and spool.file().attempts == 4
    [row] = spool.queue().rows
    assert "accepted for verified relays only" in row[6]
    where = ["--relay", anybody.where, "--relay", verified.where, "--pin", pin]
    assert spool.flush(options=[*NOW, *where]).verdicts == ["delivered"]
    assert anybody.talks == [] and verified.mails[0].secure
    anybody.stop(), verified.stop()


def test_accepted_for_any_relay_is_not_bound(spool, pin, closed):
    spool.send(closed, options=["--pin", pin, "--relay", "127.0.0.1:1"])     # --pin is every relay's
    assert spool.file().verified_only
    spool.flush(closed, options=["--now", "--pin", pin])
    assert spool.file().verified_only
    next(spool.path.glob("*.mail")).unlink()
    spool.send(options=["--relay", closed, "--pin", pin, "--relay", "127.0.0.1:1"])
    relay = Relay()
    assert not spool.file().verified_only and spool.flush(relay, options=NOW).verdicts == ["delivered"]
    relay.stop()


def test_a_clock_that_was_never_set(spool, context, tls):
    """is our own trouble: no relay is asked, none is left alone, and a new mail goes out once the clock is set"""
    relay = Relay(context, "good")
    where = ["--relay", f"localhost:{relay.port}", "--trust", tls / "certificate.pem", "--tls-name", "relay.test"]
    for _ in range(3):
        done = spool.send(options=where, wrap=pretend(REALTIME=60))
        assert done.returncode == DEFERRED and "the time is unknown" in done.rows[0][4] and relay_lines(spool) == []
    assert relay.talks == []
    assert spool.send(options=where).verdicts == ["delivered"]
    relay.stop()


@pytest.mark.parametrize("spoil", [lambda line: line[:-1] + b"\0rest\n", lambda line: line[:-4] + b"\0" + line[-4:],
                                   lambda line: line[:-1] + b" more\n", lambda line: line[:-1],
                                   lambda line: b"+" + line, lambda line: b"\t" + line])
def test_a_line_that_is_cut_short_is_none(spool, closed, spoil):
    """it is not read as far as it goes, nor run together with what is behind it when the file is written anew"""
    spool.send(closed)
    title, line = (spool.path / "relays").read_bytes().splitlines(keepends=True)
    (spool.path / "relays").write_bytes(title + spoil(line))
    assert "refused" in spool.send(closed).rows[0][4]
    (spool.path / "relays").write_bytes(title + spoil(line.replace(b"127.0.0.1", b"127.0.0.2")) + line)
    spool.flush(closed, options=["--now"])
    spool.send(closed)
    assert len((spool.path / "relays").read_bytes().splitlines()) == 2


@pytest.mark.parametrize("failures", ["1", "9", "19", "90", "255"])
def test_each_number_of_failures_is_read(spool, closed, failures):
    """whatever its digits: a relay that has failed so often is left alone, and it is not forgotten how often"""
    spool.send(closed)
    title, line = (spool.path / "relays").read_text().splitlines(keepends=True)
    (spool.path / "relays").write_text(f"{title}{failures} 0 {line.split(' ', 2)[2]}")
    assert "left alone" in spool.send(closed).rows[0][4]
    assert [row[0] for row in relay_lines(spool)] == [failures]

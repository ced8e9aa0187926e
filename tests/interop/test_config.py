# SPDX-License-Identifier: MIT
"""The configuration file: the same words as on the command line, errors with file and line."""
import pathlib
import re
import socket
import threading
import time

import pytest

from pretend import pretend
from relay import BAD_CONFIG, COMMAND, DEFERRED, OK, USAGE, Relay, Spool, make_context, run

A = "a@example.test"
MANUAL = pathlib.Path("port/install/mailmote.conf.5")


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "mailmote.conf"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write


@pytest.fixture
def relays():
    made = [Relay(), Relay()]
    yield made
    for relay in made:
        relay.stop()


def test_send_flush_and_queue(config, relays, tmp_path):
    relays[0].replies = {"END": "451 later"}
    relays[1].replies = {"END": "451 later"}
    path = config(f"""# where to
relay {relays[0].where}     # the first
  relay\t{relays[1].where}  tls=starttls\r

helo client.example.org
from s@example.org
spool {tmp_path}/spool
""")
    done = run(COMMAND, "send", "-v", "-C", path, A, text=b"x\n")
    assert done.returncode == DEFERRED and len(list((tmp_path / "spool").glob("*.mail"))) == 1
    assert done.stderr.index(f"* relay {relays[0].where}\n") < done.stderr.index(f"* relay {relays[1].where}\n")
    assert "C: EHLO client.example.org\nS:" in done.stderr and "C: MAIL FROM:<s@example.org>" in done.stderr
    assert run(COMMAND, "queue", "-C", path).rows[0][4] == A
    relays[1].replies = {}
    assert run(COMMAND, "flush", "--now", "-C", path).verdicts == ["delivered"]
    assert (relays[0].mails, len(relays[1].mails)) == ([], 1)


def test_options_win(config, relays, tmp_path):
    """relays of the command line take the place of all in the file, and the others the place of their lines"""
    path = config(f"relay {relays[0].where}\nfrom file@example.org\nhelo file.example.org\nspool {tmp_path}/no/such\n")
    done = run(COMMAND, "send", "-v", "-C", path, "--relay", relays[1].where, "--from", "line@example.org",
               "--helo", "line.example.org", "--spool", tmp_path / "spool", A, text=b"x\n")
    assert done.returncode == OK and "file" not in done.stderr and relays[0].talks == []


def test_words_of_a_relay(config, tmp_path):
    relay = Relay(make_context(tmp_path), "good")
    ca = tmp_path / "certificate.pem"
    (tmp_path / "password").write_text("hunter2\n")
    (tmp_path / "password").chmod(0o600)
    options = ["--from", "s@example.org", "--helo", "client.example.org", A]
    path = config(f"relay {relay.where} trust={ca} tls-name=relay.test user=u password-file={tmp_path}/password\n")
    relay.replies["AUTH"] = "235 ok"
    done = run(COMMAND, "send", "-v", "-C", path, *options, text=b"x\n")
    assert (done.returncode, done.verdicts) == (OK, ["delivered"])
    assert "AUTH" in relay.talks[0] and relay.mails[0].secure
    path = config(f"relay {relay.where} trust={ca} tls-name=other.test\n")
    assert run(COMMAND, "send", "-C", path, *options, text=b"x\n").verdicts == ["deferred"]
    path = config(f"relay {relay.where}\n")         # words before the first --relay are for those that have none
    assert run(COMMAND, "send", "-C", path, "--trust", ca, "--tls-name", "other.test", *options,
               text=b"x\n").verdicts == ["deferred"]
    relay.stop()


@pytest.mark.parametrize("text, line, words", [
    ("bogus x\n", 1, ["bogus", "unknown"]), ("prt 25\n", 1, ["prt is unknown: is port meant?"]), ("form s@example.org\n", 1, ["is from meant?"]),
    ("rely r.test\n", 1, ["is relay meant?"]),
    *((f"add_missing_from_header{'x' * more} x\n", 1, [says]) for more, says in [(8, "is add_missing_from_header meant?"), (9, "see mailmote --help")]),
    *((f"{'x' * many}\a x\n", 1, [f":1: {'x' * told}...: a setting"]) for many, told in [(199, 199), (200, 200), (201, 200), (300, 200)]),
    ('helo "a"b\n', 1, ["ends with one"]), ('helo "a"\1\n', 1, ["ends with one"]), ('helo "a""b"\n', 1, ["ends with one"]), ('helo "a" b\n', 1, ["one word too many"]),
    ("# c\n\nrelay\n", 3, ["relay is empty", "HOST[:PORT]"]), ("relay \"\" tls=starttls\n", 1, ["relay is empty", "HOST[:PORT]"]),
    ("helo\n", 1, ["helo is empty", "give a value"]), ("account\n", 1, ["account is empty", "NAME"]), ("account \"\"\n", 1, ["account is empty"]),
    ("relay r.test tls\n", 1, ["tls needs a value: give it"]),
    ("relay r.test tls=\n", 1, ["tls needs a value: give it"]),
    ("relay r.test tls=maybe\n", 1, ["maybe", "starttls or implicit"]),
    ("relay r.test tls=implicit tls=starttls\n", 1, ["tls is given twice: which"]),
    ("relay r.test colour=red\n", 1, ["no such word", "password-file"]),
    ("relay r.test user=u password=hunter2\n", 1, ["open to all users", "chmod"]),
    ("relay smtp://r.test:25\n", 1, ["scheme"]),
    ("relay r.test:0\n", 1, ["1 to 65535"]),
    ("relay r.test\nrelay r.test user=u\n", 2, ["--password-file"]),
    ("relay r.test trust=/no/such/file\n", 1, ["/no/such/file"]),
    ("relay r.test pin=sha256:AAAA\n", 1, ["32 octets"]),
    ("relay r.test user=u password-file=/no/such/file\n", 1, ["/no/such/file"]),
    ("helo a.test\nhelo b.test\n", 2, ["helo is given twice: which"]),
    ("spool /a b\n", 1, ["spool", "too many"]), ("defaults a\n", 1, ["defaults a: it has no value"]), ("defaults : a\n", 1, ["defaults", "too many"]),
    ("spool here\n", 1, ["spool here", "whole path"]), ("aliases ./a\n", 1, ["whole path"]),
    ("relay r.test trust=ca.pem\n", 1, ["trust ca.pem", "whole path"]),
    ("relay r.test user=u password-file=~p/p\n", 1, ["whole path"]), ("relay r.test user=u token-file=t\n", 1, ["whole path"]),
    ("port 25\nrelay r.test\n", 1, ["of which relay? Give its host"]), ("tls on\nrelay r.test\n", 1, ["of which relay? Give its host"]),
    ("host r.test # a relay\nuser u\npassword-file /x\npasswordeval echo x\n", 1, ["more than one of password-file, token-file, password and passwordeval"]),
    ("relay r.test user=u password-file=/x token-file=/y\n", 1, ["--password-file and --token-file", "give one"]),
    ("relay r.test\n" * 9, 9, ["8 relays", "fewer"]),
    ("bell\a x\n", 1, ["bell...: a setting"]), ("timeout bell\a\n", 1, ["\\x07"]), ("timeout del\x7f\n", 1, ["\\x7F"]),
    ("relay r.test spool=/x\n", 1, ["spool"]), ("relay \"r.test\n", 1, ["quote"]), ("relay r.test \"tls=implicit\n", 1, ["quote"]),
    ("account \"x\n", 1, ["quote"]), ("account x \"y\n", 1, ["quote"]),
    ("alias a: b@example.org\n" * 33, 33, ["32 lines", "into a file"]),
    ("helo %U" + "x" * 600 + "\n", 1, ["helo", "too long"]),
])
def test_errors(config, text, line, words):
    path = config(text)
    relay = [] if "relay" in text else ["--relay", "relay.test"]
    done = run(COMMAND, "send", "-C", path, *relay, "--from", "s@example.org", A)
    assert done.returncode == BAD_CONFIG and done.stdout == b""
    [complaint] = [said for said in done.stderr.splitlines() if "warning" not in said]
    assert complaint.startswith(f"mailmote: {path}:{line}: ") and all(word in complaint for word in words)
    assert "hunter2" not in done.stderr


# No sender and no name, no aliases, what was said before is taken back, and what is not asked for.
MAY_BE_EMPTY = {"user", "tls-name", "tls_host_override", "aliases", "maildomain", "from", "from_full_name", "alias", "tls_fingerprint", "tls_cert_file", "tls_key_file", "source_ip",
                "proxy_host", "socket", "eval"}
TOLD_WITHOUT_DANE = dict.fromkeys(("nodane", "dnssec-anchor"), ": this mailmote was built without DANE=1: ")
TOLD_BY_THE_SECRET = {"password": "password is empty", "passwordeval": "what passwordeval prints is empty"}


def test_empty_values(config):
    """of each key of the manual page: told as what they are"""
    keys = set(re.findall(r"^\.It Cm ([a-z_-]+)", MANUAL.read_text(), re.M))
    assert len(keys) > 40 and MAY_BE_EMPTY | set(TOLD_BY_THE_SECRET) < keys
    for key in sorted(keys - MAY_BE_EMPTY):
        host = "\nhost 127.0.0.1\nport 1\nuser u\ntls_host_override relay.test\n" if key in TOLD_BY_THE_SECRET else "\n"
        path = config(f'{key} ""{host}')
        path.chmod(0o600)
        done = run(COMMAND, "send", "-C", path, "--from", "s@example.org", A)
        told = (TOLD_BY_THE_SECRET | TOLD_WITHOUT_DANE).get(key, f"{key} is empty: give ")
        assert done.returncode == BAD_CONFIG and told in done.stderr.splitlines()[0], (key, done.stderr)
        assert done.stderr.startswith(f"mailmote: {path}:{2 if key in TOLD_BY_THE_SECRET else 1}: "), done.stderr


SLIPS = {
    "word": ("rely x.test\n", ":1: rely is unknown"),
    "option": ("relay x.test usr=x\n", ":1: a relay has no usr: give WORD=VALUE, of tls,"),
    "port": ("relay x.test:smtp\n", ":1: --relay x.test...: the port is a number"),
    "value": ("timeout soon\nrelay x.test\n", ":1: timeout soon is no number"),
    "quote": ('relay "x.test\n', ":1: a value in double quotes ends with one"),
    "admin": ("admin nobody@\nrelay x.test\n", ':1: admin "nobody@"'),
    "admin's name": ("admin <root>\nrelay x.test\n", ':1: admin "<root>"'),
    "no relay": ("", "no relay: give --relay HOST[:PORT]"),
    "NUL": ("relay r.test\n\0", ":2: a NUL character: take it out"),
    "missing": (None, "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("background", [[], ["--background"]])
def test_a_slip_costs_no_mail(config, relays, tmp_path, slip, background):
    """it is told, and the mail is kept until it has been put right"""
    text, said = SLIPS[slip]
    spool, path = Spool(tmp_path / "spool"), config(text or "")
    if text is None:
        path.unlink()
    done = spool.send(options=["-C", path, *background])
    assert (done.returncode, done.verdicts) == ((OK, []) if background else (DEFERRED, ["deferred"]))
    assert said in done.stderr and f"\nmailmote: the mail is kept: mailmote flush --spool {spool.path} " in done.stderr
    assert spool.file().attempts == 0 and relays[0].talks == []
    assert spool.flush(options=["-C", path]).returncode == BAD_CONFIG and len(spool.files()) == 1
    config(f"relay {relays[0].where}\n")
    assert spool.flush(options=["-C", path]).verdicts == ["delivered"]


def test_a_slip_does_not_hide_a_wrong_word(config, tmp_path):
    """whose caller can put it right at once"""
    spool = Spool(tmp_path / "spool")
    done = spool.send("relay.test:smtp", options=["-C", config("rely x.test\n")])
    assert done.returncode == USAGE and "the port is a number" in done.stderr and not spool.path.exists()


def test_a_slip_costs_its_line_alone(config, tmp_path):
    """each is told of, and the others hold: the spool of a line behind it, and what the relays are verified with"""
    path = config(f"frm x@y.test\nrelay x.test user=u\nfrom s@example.org\nspool {tmp_path}/spool\nrely x.test\n")
    done = run(COMMAND, "send", "-C", path, A, text=b"x\n")
    assert done.returncode == DEFERRED and ":1: frm is unknown" in done.stderr and ":5: rely is unknown" in done.stderr
    file = Spool(tmp_path / "spool").file()
    assert file.verified_only and b"s@example.org\0" in file.path.read_bytes()


@pytest.mark.parametrize("text, said", [("from nobody\nrelay x.test\n", ":1: from nobody: give local-part@domain"),
                                        ("relay x.test\nfrom a@b..c\n", ":2: from a@b..c: give local-part@domain"),
                                        ("frm s@example.org\nrelay x.test\n", ":1: frm is unknown"),
                                        ("helo localhost\nrelay x.test\n", ":1: helo: "), ("relay x.test\nadmin x@\n", ':2: admin "x@"')])
def test_a_slip_about_the_sender_costs_no_mail(config, tmp_path, text, said):
    """on a host without a full name: his name is completed when it has been put right (test_later.py)"""
    spool = Spool(tmp_path / "spool")
    done = run(COMMAND, "send", "-C", config(text), "--spool", spool.path, A, text=b"x\n", wrap=pretend(HOST="box", RESOLVER=0))
    assert done.returncode == DEFERRED and said in done.stderr and "\nmailmote: the mail is kept" in done.stderr, done.stderr
    assert b"@name.mailmote.invalid\0" + A.encode() in spool.file().path.read_bytes()
    done = run(COMMAND, "send", "-C", config(text), A, text=b"x\n", wrap=pretend(HOST="box", RESOLVER=0))
    assert done.returncode == BAD_CONFIG and said in done.stderr, done.stderr


def test_a_file_of_aliases_that_cannot_be_read_costs_no_mail(config, tmp_path):
    """to an address, which needs none, nor to a name, which is one of this domain"""
    path = config("aliases /no/such\nrelay x.test\nfrom s@example.org\n")
    done = run(COMMAND, "send", "-C", path, "--spool", tmp_path / "spool", A, "root", text=b"x\n")
    assert done.returncode == DEFERRED and f"{path}:1: aliases /no/such cannot be read" in done.stderr, done.stderr
    assert "\nmailmote: the mail is kept" in done.stderr
    assert [row[1] for row in done.rows] == [A, "root@example.org"] and len(Spool(tmp_path / "spool").files()) == 1


def test_what_is_wrong_on_the_command_line_is_refused(config, tmp_path):
    done = run(COMMAND, "send", "-C", config("rely x.test\n"), "--spool", tmp_path / "spool", "--from", "s@example.org", "bad@", text=b"x\n")
    assert done.returncode == USAGE and not (tmp_path / "spool").exists()


@pytest.mark.parametrize("text, told", [(b"\nrelay r.test\0\n", ":2: a NUL character"), (None, " cannot be read: Is a directory")])
def test_unreadable(config, tmp_path, text, told):
    path = tmp_path if text is None else config(text)
    done = run(COMMAND, "flush", "-C", path, "--spool", tmp_path / "spool")
    assert done.returncode == BAD_CONFIG and done.stderr.startswith(f"mailmote: {path}{told}"), done.stderr
    about, other = run(COMMAND, "queue", "-C", path, "--spool", tmp_path / "spool").stderr.splitlines()
    assert about.startswith(f"mailmote: {path}{told}") and other.startswith(f"mailmote: there is no spool {tmp_path}/spool")


def test_empty(config, tmp_path):
    for text in b"", b"# nothing\n\n   \n#":
        assert run(COMMAND, "flush", "-C", config(text), "--spool", tmp_path / "spool").returncode == BAD_CONFIG
    assert run(COMMAND, "flush", "-C", "/no/such/file", "--spool", tmp_path / "spool").returncode == BAD_CONFIG


@pytest.mark.parametrize("options, line, tls", [([], "", "implicit"), (["--tls", "implicit"], "", "implicit"),
                                               (["--tls", "starttls"], "", "starttls"), ([], " tls=starttls", "starttls")])
def test_port_465(config, tmp_path, options, line, tls):
    """means TLS from the first octet; who says STARTTLS gets it, and a warning. What speaks first tells which it is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        path = config(f"relay 127.0.0.1:465{line}\n")
        words = ["-C", path] if line else ["--relay", "127.0.0.1:465"]
        done = run(COMMAND, "send", "-v", *words, *options, "--timeout", "1", "--from", "s@example.org", A, text=b"x\n",
                   wrap=pretend(PORT=port))
    assert done.returncode == DEFERRED and len(done.rows) == 1, done.stderr
    assert ("HANDSHAKE" in done.rows[0][4]) == (tls == "implicit"), done.rows
    assert ("warning" in done.stderr and "port 465" in done.stderr) == (tls == "starttls")


@pytest.mark.parametrize("how", ["option", "line", "both"])
@pytest.mark.parametrize("hold", ["greeting", "end"])
def test_timeout(config, relays, how, hold):
    """ends the whole attempt, whichever step takes so long, and no other relay is asked"""
    relays[0].hold, relays[0].hold_greeting = threading.Event(), hold == "greeting"
    path = config("timeout 900\n" if how == "both" else "timeout 1\n" if how == "line" else "")
    words = [] if how == "line" else ["--timeout", "1"]
    begun = time.monotonic()
    done = run(COMMAND, "send", "-C", path, *words, "--relay", relays[0].where, "--relay", relays[1].where, "--from",
               "s@example.org", A, text=b"x\n")
    relays[0].hold.set()
    assert done.verdicts == ["deferred"] and 0.9 < time.monotonic() - begun < 30 and relays[1].talks == []


def test_timeout_at_a_silent_relay(tmp_path, relays):
    """the next attempt begins behind it"""
    spool, limit = Spool(tmp_path / "spool"), ["--timeout", "2"]
    relays[0].hold, relays[0].hold_greeting = threading.Event(), True
    verdicts = spool.send(*relays, options=limit).verdicts
    assert relays[1].talks == [] and verdicts == ["deferred"]
    verdicts = spool.flush(*relays, options=["--now", *limit]).verdicts
    relays[0].hold.set()
    assert verdicts == ["delivered"]


class Slow:
    """what each mail waits for before it is answered"""

    def __init__(self, *waits_s):
        self.waits_s = list(waits_s)

    def wait(self, _):
        time.sleep(self.waits_s.pop(0))


def test_timeout_of_mails_that_share_a_connection(tmp_path, closed):
    """each has all of it, and no more"""
    spool, relay = Spool(tmp_path / "spool"), Relay()
    for _ in range(3):
        assert spool.send(closed).verdicts == ["deferred"]
    relay.hold = Slow(3, 3, 20)
    begun = time.monotonic()
    done = spool.flush(relay, options=["--now", "--timeout", "5"])
    relay.stop()
    assert done.verdicts == ["delivered", "delivered", "deferred"] and 11 <= time.monotonic() - begun < 20, done.stdout
    assert [verbs.count("MAIL") for verbs in relay.talks] == [3]


@pytest.mark.parametrize("value", ["0", "901", "-1", "1s", "99999999999999999999"])
def test_wrong_timeout(config, value):
    done = run(COMMAND, "send", "--timeout", value, "--relay", "r.test", "--from", "s@example.org", A)
    assert done.returncode == USAGE and "seconds from 1 to 900" in done.stderr
    done = run(COMMAND, "send", "-C", config(f"relay r.test\ntimeout {value}\n"), "--from", "s@example.org", A)
    assert done.returncode == BAD_CONFIG and ":2: timeout " in done.stderr


def test_a_byte_order_mark(config, relays, tmp_path):
    """an editor's, in front of the file and of its aliases; elsewhere it is what it is"""
    mark, aliases = "\ufeff", tmp_path / "aliases"
    aliases.write_text(mark + f"root: {A}\n")
    path = config(f"{mark}relay {relays[0].where}\nfrom s@example.org\naliases {aliases}\n")
    done = run(COMMAND, "send", "-C", path, "root", text=b"x\n", env={"MALLOC_PERTURB_": "85"})    # what is behind the text is no 0
    assert (done.returncode, done.stderr) == (OK, "") and relays[0].mails[0].to == [A]
    done = run(COMMAND, "send", "-C", config(f"{mark}{mark}relay x\n"), A, text=b"x\n")
    assert done.returncode == BAD_CONFIG and f"{path}:1: " in done.stderr
    assert run(COMMAND, "send", "-C", config(mark), A, text=b"x\n").stderr.startswith("mailmote: no relay: ")   # of no line of the file

# SPDX-License-Identifier: MIT
"""What the command says to wrong arguments, files and input: the exit status, what is wrong, what to do. No server is
needed: nothing here may touch the network but a closed port."""
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from relay import LIMIT_S, as_user, make_context

COMMAND = os.environ.get("MAILMOTE", "build/mailmote")
OK, USAGE, BAD_INPUT, NO_HOST, FAILED, DEFERRED, BAD_CONFIG = 0, 64, 65, 68, 69, 75, 78
PIN = "sha256:" + "A" * 43 + "="
FROM = ["--from", "s@example.org"]


def run(*args, text=b"text\n", env=(), wrap=(), **options):
    done = subprocess.run([*wrap, COMMAND, *args], input=text, capture_output=True, timeout=LIMIT_S,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MAILMOTE_CONF": "", **dict(env)}, **options)
    done.stderr = done.stderr.decode()
    return done


def send(*args, **options):
    return run("send", *args, **options)


def test_empty_values():
    """of each option that takes one, but for no sender, no subject and no name: told as what they are"""
    source = pathlib.Path("boards/host/args.c").read_text()
    valued = re.findall(r'^    \{"([a-z-]+)", (?:COMMAND_)?(\w+), OPTION_(?:RELAY|ONCE|LIST|OF_RELAY)', source, re.M)
    assert len(valued) > 20
    for name, commands in valued:
        done = run(commands.lower() if commands in ("QUEUE", "FLUSH") else "send", f"--{name}", "", "r@example.org")
        assert (done.returncode, done.stderr) == (USAGE, f"mailmote: --{name} is empty: give a value\n")
    for letter, name in ("C", "config"), ("a", "account"):
        assert send(f"-{letter}", "", "r@example.org").stderr == f"mailmote: --{name} is empty: give a value\n"
    for name in "trust", "tls", "tls-name":
        done = run("probe", f"--{name}", "", "relay.test")
        assert done.returncode == USAGE and f"--{name} has no value" in done.stderr
    done = run("trust", "")
    assert done.returncode == USAGE and "a file's name is empty" in done.stderr
    done = run("probe", "")
    assert done.returncode == USAGE and "no relay is given" in done.stderr


@pytest.fixture
def file(tmp_path):
    def make(text, mode=0o600, name="file"):
        path = tmp_path / name
        path.write_bytes(text)
        path.chmod(mode)
        return str(path)
    return make


def refused(done, status, *words):
    """exit status, nothing on stdout, one line `mailmote: what: what to do` with these words in it"""
    assert done.returncode == status, done.stderr
    assert done.stdout == b""
    lines = [line for line in done.stderr.splitlines() if "warning" not in line]
    assert len(lines) == 1 and re.match(r"mailmote: .+: .+|mailmote: .+", lines[0]), done.stderr
    for word in words:
        assert word in lines[0]


def test_without_a_relay(file):
    """is what another build does (tests/dane); each word for it is known here, and says so"""
    why = "built without DANE=1: build it with make DANE=1"
    for words in (["--mx"], ["--relay", "mx:"], ["--relay", "MX:"]):
        refused(send(*words, *FROM, "r@example.org"), USAGE, "mailmote: --mx: ", why, "HOST[:PORT]")
    refused(send("-C", file(b"relay mx:\n"), *FROM, "r@example.org"), BAD_CONFIG, "file:1: relay mx: ", why)
    for line in ("nodane example.org", "nodane", "dnssec-anchor /etc/anchor", "dnssec-anchor # none"):
        refused(send("-C", file(f"{line}\nrelay relay.test\n".encode()), *FROM, "r@example.org"), BAD_CONFIG, f"file:1: {line.split()[0]}: this mailmote was ", why)
    refused(run("probe", "--mx", "example.org"), USAGE, "--mx: ", why)
    refused(run("probe", "example.org", "--mx"), USAGE, "--mx: ", why)


def test_help_and_version():
    for args in (["help"], ["--help"], ["-h"], *([word, "--help"] for word in ("send", "flush", "queue", "trust", "probe")),
                 ["trust", "--pin", "--help"], ["probe", "--json", "relay.test", "--help"]):
        done = run(*args)
        assert done.returncode == OK and b"--password-file" in done.stdout and done.stderr == ""
    assert all(f"{status} ".encode() in run("--help").stdout for status in (OK, USAGE, BAD_INPUT, 67, NO_HOST, FAILED, 71, 73, DEFERRED, 77, BAD_CONFIG))
    parts = ("usage: mailmote send ", "\nRelays, at most ", "\nThe mail:\n", "\nKeeping it:\n", "\nExit status, ", "DIR/drop",
             "\nCalled as sendmail")
    places = [run("--help").stdout.decode().find(part) for part in parts]
    assert places[0] == 0 and places == sorted(places)
    assert re.fullmatch(rb"mailmote \d+\.\d+\.\d+ with BearSSL 0\.6\n", run("--version").stdout)
    assert run("version").stdout == run("--version").stdout
    assert run().returncode == USAGE and "usage: mailmote" in run().stderr


@pytest.mark.parametrize("args, words", [
    (["r@example.org"], ["--relay"]),
    (["--relay", "relay.test"], ["recipient"]),
    (["--relay"], ["--relay", "value"]),
    (["--relay", "relay.test", "--bogus=hunter2", "r@example.org"], ["--bogus"]),
    (["-x", "--relay", "relay.test", "r@example.org"], ["-x"]),
    (["--relay", "relay.test", "r@example.org,s@example.org"], ["r@example.org,s@example.org", "comma", "argument of its own"]),
    (["--relay", "relay.test", "r@example.org", "s@example.org, t@example.org"], ["comma", "argument of its own"]),
    (["--relay", "::1", "r@example.org"], ["[2001:db8::7]:587"]),
    (["--relay", "[::1", "r@example.org"], ["--relay [::1: give", "HOST:PORT"]),
    (["--relay", ":25", "r@example.org"], ["HOST:PORT"]),
    (["--relay", "relay.test:", "r@example.org"], ["1 to 65535"]),
    (["--relay", "relay.test:0", "r@example.org"], ["1 to 65535"]),
    (["--relay", "relay.test:65536", "r@example.org"], ["1 to 65535"]),
    (["--relay", "relay.test:25x", "r@example.org"], ["1 to 65535"]),
    (["--relay", "relay.test:9999999999", "r@example.org"], ["1 to 65535"]),
    (["--relay", "smtp://relay.test:25", "r@example.org"], ["HOST:PORT", "scheme"]),
    (["--relay", "smtp://relay.test", "r@example.org"], ["HOST:PORT", "scheme"]),
    (["--relay", "relay.test/", "r@example.org"], ["HOST:PORT", "path"]),
    (["--relay", "user@relay.test", "r@example.org"], ["HOST:PORT", "user"]),
    (["--relay", "smtps://u:secret@y@relay.test:465", "r@example.org"], ["--relay ...: give", "HOST:PORT", "user"]),
    *((["--relay", place, "r@example.org"], [f"--relay {told}...: {says}"]) for place, told, says in [
        ("secret@relay.test:25", "", "give HOST"), ("relay.test:secret", "relay.test", "the port is"), ("relay.test:25:u:secret", "relay.test", "an IPv6"),
        ("relay.test:587 user=u@x password=secret", "", "give HOST"), ("u:sec@relay.test", "", "give HOST"), ("relay.test 587", "relay.test", "give HOST"),
        *((f"relay.test{sign}password=secret", "relay.test", "give HOST") for sign in ",;?=#\"'|\t\\\xa0"), ("[::1]:25x", "[::1", "the port is"),
        ("[::1,secret]", "[::1", "give HOST"), ("[::1]secret", "[::1", "give HOST")]),
    (["--relay", "h" * 256, "r@example.org"], [f"--relay {'h' * 256}: give HOST"]),
    (["--relay", "relay.test", "--user", "u\n", "--password-file", "f", "r@example.org"], ["--user", "control"]),
    (["--relay", "relay.test", "--user", "u=v", "--token-file", "f", "r@example.org"], ["--user", "'='"]),
    (["--relay", "relay.test", "--tls", "maybe", "r@example.org"], ["starttls or implicit"]),
    (["--relay", "relay.test", "--pin", PIN, "--trust", "ca.pem", "r@example.org"], ["--trust and --pin"]),
    (["--relay", "relay.test", "--pin", PIN, "--pin", PIN, "r@example.org"], ["--pin", "twice"]),
    (["--relay", "relay.test", "--pin", "sha256:AAAA", "r@example.org"], ["32 octets"]),
    (["--relay", "relay.test", "--pin", PIN[:-2] + "B=", "r@example.org"], ["32 octets"]),
    (["--relay", "relay.test", "--pin", "A" * 44, "r@example.org"], ["sha256:"]),
    (["--relay", "relay.test", "--tls-name", "192.0.2.7", "r@example.org"], ["DNS name", "--pin"]),
    (["--relay", "relay.test", "--user", "u", "r@example.org"], ["--password-file"]),
    (["--relay", "relay.test", "--password-file", "f", "r@example.org"], ["--user"]),
    (["--relay", "relay.test", "--user", "u", "--password-file", "-", "r@example.org"], ["standard input"]),
    (["--relay", "relay.test", "--user", "u", "--password-file", "f", "--token-file", "g", "r@example.org"], ["one"]),
    (["--relay", "relay.test", "--raw", "--subject", "s", "r@example.org"], ["--subject", "--raw"]),
    (["--relay", "relay.test", "--subject", "one\r\nBcc: two@example.org", "r@example.org"], ["--subject", "line"]),
    (["--relay", "relay.test", "--subject", "bell\a", "r@example.org"], ["--subject", "control"]),
    (["--relay", "relay.test", "r"], ['"r"', "local-part@domain"]),
    (["--relay", "relay.test", "@example.org"], ["local-part@domain"]),
    (["--relay", "relay.test", "r@"], ["local-part@domain"]),
    (["--relay", "relay.test", ""], ['""']),
    (["--relay", "relay.test", "r@example.org", "<q@example.org>"], ["<q@example.org>", "brackets"]),
    (["--relay", "relay.test", "r@example.org\r\nDATA"], [r"\x0D\x0ADATA", "control"]),
    (["--relay", "relay.test", "r\x7f@example.org"], [r"r\x7F@", "control"]),
    (["--relay", "relay.test", "r r@example.org"], ["space"]),
    (["--relay", "relay.test", "r@example.org\x7f"], [r"\x7F", "control"]), (["--relay", "relay.test", "r>@example.org"], ["brackets"]),
    (["--relay", "relay.test", "r@example..org"], ["RFC 5321"]),
    (["--relay", "relay.test", "--verbose=yes", "r@example.org"], ["verbose", "takes no value"]),
    (["--relay", "relay.test", "--background", "r@example.org"], ["--background", "--spool"]),
    (["--relay", "relay.test", "--subject", "rubout\x7f", "r@example.org"], ["--subject", "control"]),
    (["--relay", "relay.test", *["r@x"] * 65536], ["more than 65535 recipients"]),
    (["--relay", "relay.test", "r" * 250 + "@example.org"], ["longer"]),
    (["--relay", "relay.test", "--from", "s", "r@example.org"], ["sender"]),
    (["--relay", "relay.test", *["--relay", "r"] * 16, "r@example.org"], ["fewer"]),
    (["--relay", "r" * 300, "r@example.org"], ["HOST:PORT"]), (["--relay", "[::1]x", "r@example.org"], ["HOST:PORT"]),
    (["--relay", "relay.test", "--tls-name", "x" * 300, "r@example.org"], ["DNS name"]),
    (["--relay", "relay.test", "--pin", PIN + "x", "r@example.org"], ["32 octets"]),
    (["--relay", "relay.test", "--raw", "--cc", "c@example.org", "r@example.org"], ["cc"]),
])
def test_usage(args, words):
    args = args if "--from" in args else FROM + args
    done = send(*args)
    refused(done, USAGE, *words)
    assert "sec" not in done.stderr


UNKNOWN = "is unknown, ambiguous or takes no value"


@pytest.mark.parametrize("words, said", [
    (["-C"], "-C needs a value"), (["-a"], "-a needs a value"), (["-vC"], "-C needs a value"), (["-x"], f"option -x {UNKNOWN}"), (["-vx"], f"option -x {UNKNOWN}"),
    (["-:"], f"option -: {UNKNOWN}"), (["-v;"], f"option -; {UNKNOWN}"), (["--from"], "--from needs a value"),
    (["--fro"], "--fro needs a value"), (["--bogus"], f"option --bogus {UNKNOWN}"), (["--bogus=x"], f"option --bogus {UNKNOWN}"), (["--re", "x"], f"option --re {UNKNOWN}"),
    (["--rel", ""], "--relay is empty: give a value"), (["--verbose="], f"option --verbose {UNKNOWN}"), (["--raw=x"], f"option --raw {UNKNOWN}"),
    (["--mx=x"], f"option --mx {UNKNOWN}"), (["--=x"], f"option -- {UNKNOWN}"), (["--now"], "send does not take --now"), (["--show", "x"], "send does not take --show"),
])
def test_options_that_are_none(words, said):
    """what was given is repeated as it was given, but for what stands behind a '='"""
    done = send(*words)
    where = "" if "empty" in said else ": see mailmote --help"
    assert (done.returncode, done.stdout, done.stderr) == (USAGE, b"", f"mailmote: {said}{where}\n")


@pytest.mark.parametrize("option", ["--password", "--token"])
@pytest.mark.parametrize("glue", [" ", "="])
def test_secret_on_the_command_line(option, glue):
    """is refused, and not repeated"""
    done = send("--relay", "relay.test", *FROM, "--user", "u", *(option + glue + "hunter2").split(" "), "r@example.org")
    refused(done, USAGE, option + "-file")
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n"])
def test_empty_secret(file, text):
    refused(send("--relay", "relay.test", *FROM, "--user", "u", "--password-file", file(text), "r@example.org"),
            BAD_CONFIG, "empty")


@pytest.mark.parametrize("text, word", [
    (b"hunter2\0", "NUL"), (b"hunter2" * 10000, "larger"), (b"hunter2\n\n", "line"), (b"hunter2\r\n\r\n", "line"),
    (b"\nhunter2\n", "line"), (b"hun\ter2\n", "octet 4")], ids=["nul", "large", "two ends", "two CRLF", "two lines", "tab"])
@pytest.mark.parametrize("kind", ["--password-file", "--token-file"])
def test_bad_secret(file, kind, text, word):
    """the file is named, and what is wrong in it, but not the secret"""
    path = file(text)
    done = send("--relay", "relay.test", *FROM, "--pin", PIN, "--user", "u", kind, path, "r@example.org")
    refused(done, BAD_CONFIG, path, word)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("text, status", [
    (b"x" * 65535, DEFERRED), (b"x" * 65535 + b"\r\n", DEFERRED), (b"x" * 65536, BAD_CONFIG), (b"hun ter2\r\n", DEFERRED),
    (b"hunter2\x7f", DEFERRED), (b"hunter2\x1f", BAD_CONFIG), (b"hunter2\r", BAD_CONFIG)], ids=range(7))
def test_how_far_a_secret_goes(file, closed, text, status):
    """with or without the end of its line, which is none of it"""
    done = send("--relay", closed, *FROM, "--pin", PIN, "--user", "u", "--token-file", file(text), "r@example.org")
    assert (done.returncode, "hunter2" in done.stderr) == (status, False)


@pytest.mark.parametrize("mode, status", [(0o600, DEFERRED), (0o640, DEFERRED), (0o400, DEFERRED), (0o644, BAD_CONFIG),
                                          (0o604, BAD_CONFIG), (0o602, BAD_CONFIG), (0o666, BAD_CONFIG)])
@pytest.mark.parametrize("kind", ["--password-file", "--token-file"])
def test_secret_that_all_may_read(file, closed, kind, mode, status):
    path = file(b"hunter2\n", mode)
    done = send("--relay", closed, *FROM, "--pin", PIN, "--user", "u", kind, path, "r@example.org")
    assert (done.returncode, "hunter2" in done.stderr) == (status, False)
    assert done.stderr.startswith(f"mailmote: {path} is open to all users: chmod 600 {path}") == (status == BAD_CONFIG)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_secret_of_another_user(file, closed):
    """is not root's to use, whatever its mode"""
    path = file(b"hunter2\n")
    os.chown(path, 65534, 65534)
    done = send("--relay", closed, *FROM, "--pin", PIN, "--user", "u", "--password-file", path, "r@example.org")
    refused(done, BAD_CONFIG, path, "belongs to another user", "chown")


def test_secret_whose_owner_cannot_be_known(file, tmp_path):
    """is not read as if it were ours"""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    path = file(b"hunter2\n")
    done = send("--relay", "relay.test", *FROM, "--pin", PIN, "--user", "u", "--password-file", path, "r@example.org",
                wrap=["strace", "-qq", "-o", tmp_path / "trace", "-P", path, "-e", "inject=%fstat:error=EIO"])
    refused(done, BAD_CONFIG, path, "cannot be read: Input/output error")


@pytest.mark.parametrize("options", [["--trust", "FILE"], ["--user", "u", "--password-file", "FILE"]])
@pytest.mark.parametrize("name", ["missing", "."])
def test_unreadable_file(tmp_path, options, name):
    path = str(tmp_path / name)
    refused(send("--relay", "relay.test", *FROM, *(path if o == "FILE" else o for o in options), "r@example.org"),
            BAD_CONFIG, path)


@pytest.mark.parametrize("error, words, said", [
    ("EACCES", ["--relay"], None), ("ENOENT", ["--relay"], None), ("EIO", ["--relay"], "/etc/mailmote.conf cannot be read: Input/output error"),
    ("EACCES", [], "/etc/mailmote.conf cannot be read: Permission denied"), ("ENOENT", [], "no relay: give"), ("ENOENT", ["-a", "x"], "--account x: there is no /etc/mailmote.conf"),
    ("EACCES", ["-a", "x", "--relay"], "/etc/mailmote.conf cannot be read: Perm"), ("EACCES", ["-C", "/etc/mailmote.conf", "--relay"], "/etc/mailmote.conf cannot be read: Perm"),
    ("ENOENT", ["-C", "/etc/mailmote.conf", "--relay"], "/etc/mailmote.conf cannot be read: No such")])
def test_a_system_whose_configuration_cannot_be_read(closed, error, words, said):
    """is no trouble to a user who gives a relay where it may not be read; all else is told"""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    done = send(*words, *([closed] if "--relay" in words else []), *FROM, "r@example.org",
                wrap=["env", "-u", "MAILMOTE_CONF", "strace", "-qq", "-o", "/dev/null", "-P", "/etc/mailmote.conf", "-e", f"inject=openat,open:error={error}"])
    assert done.returncode == (DEFERRED if said is None else USAGE if error == "ENOENT" and not words else BAD_CONFIG), done.stderr
    assert done.stderr.startswith(f"mailmote: {said or 'nothing is kept'}"), done.stderr


@pytest.mark.parametrize("trust", [["--trust", "system"], ["--user", "u", "--password-file", "FILE"]], ids=["system", "login"])
def test_a_system_without_cas(file, trust):
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    calls = [word for call in ("access", "?faccessat", "?faccessat2") for word in ("-e", f"inject={call}:error=ENOENT")]
    done = send("--relay", "relay.test", *FROM, *(file(b"hunter2") if word == "FILE" else word for word in trust), "r@example.org",
                wrap=["strace", "-qq", "-o", "/dev/null", *calls])
    refused(done, BAD_CONFIG, "no CA file", "relay relay.test", "--trust FILE.pem")


BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("text, said", [
    (b"", " holds no certificate: give a PEM file"), (b"none\n", " holds no certificate: give a PEM file"),
    (b"none\n" + BEGIN + b"MIIB\n", ":2: this certificate has no END"),
    (BEGIN + b"MIIB\n*\n" + END, ":3: this certificate goes on with what is no base64"),
    (b"\n\n" + BEGIN + b"MIIB\n" + END, ":3: this certificate "),
])
def test_trust_that_is_damaged(file, text, said):
    """in the words of `mailmote trust', with the line"""
    path = file(text)
    done = send("--relay", "relay.test", *FROM, "--trust", path, "r@example.org")
    refused(done, BAD_CONFIG, path + said)
    assert done.stderr == run("trust", path).stderr


def test_trust_with_no_key_that_can_be_used(file, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-out", tmp_path / "ed.pem",
                    "-subj", "/CN=x"], check=True, capture_output=True)
    done = send("--relay", "relay.test", *FROM, "--trust", tmp_path / "ed.pem", "r@example.org")
    refused(done, BAD_CONFIG, "holds no certificate with a key that can be used", "RSA, P-256")


@pytest.mark.parametrize("relay", ["127.0.0.1", "[::1]:465", "127.1", "[fe80::1%lo]:25"])
def test_address_cannot_be_verified_by_name(file, relay):
    done = send("--relay", relay, *FROM, "--user", "u", "--password-file", file(b"hunter2"), "r@example.org")
    refused(done, BAD_CONFIG, "--tls-name", "--pin")


def test_octets_of_a_host():
    """each letter and digit, - and _, and dots"""
    host = "abcdefghijklmnopqrstuvwxyz.ABCDEFGHIJKLMNOPQRSTUVWXYZ.0123456789-_"
    refused(send("--relay", host, *FROM, "--user", "u", "r@example.org"), USAGE, f"--user for relay {host} needs --password-file")


@pytest.mark.parametrize("raw", [[], ["--raw"]])
def test_nul_in_the_text(raw):
    refused(send("--relay", "relay.test", *FROM, *raw, "r@example.org", text=b"abc\0def"), BAD_INPUT, "octet 4")


def test_empty_raw():
    refused(send("--relay", "relay.test", *FROM, "--raw", "r@example.org", text=b""), BAD_INPUT, "empty", "--raw")


def test_too_large():
    refused(send("--relay", "relay.test", *FROM, "r@example.org", text=b"x" * (64 * 1024 * 1024 + 1)), BAD_INPUT, "larger")


@pytest.mark.parametrize("helo", ["localhost", "two words", "under_score", "a\r\nb"])
def test_helo(helo, closed):
    """is refused before the network is touched"""
    refused(send("--relay", closed, *FROM, "--helo", helo, "r@example.org"), BAD_CONFIG)


def test_closed_port(closed):
    done = send("-v", "--relay", closed, *FROM, "r@example.org", "--", "q@example.org")
    assert done.returncode == DEFERRED
    lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [line[1:4] for line in lines] == [["r@example.org", "deferred", "-"], ["q@example.org", "deferred", "-"]]
    assert lines[0][0] == lines[1][0] and re.fullmatch(r"[0-9a-f]{16}", lines[0][0])
    assert all("refused" in line[4] for line in lines)
    assert done.stderr.startswith("* 127.0.0.1 port ")


def test_recipients_between_the_options(closed):
    """wherever they stand, each is one"""
    done = send("q@example.org", "r@example.org", "--relay", closed, "s@example.org", *FROM, "t@example.org", "--", "u@example.org")
    assert done.returncode == DEFERRED
    assert [line.split(b"\t")[1] for line in done.stdout.splitlines()] == [b"%c@example.org" % name for name in b"qrstu"]


def test_unknown_host():
    done = send("--relay", "relay.invalid:25", *FROM, "r@example.org")
    assert done.returncode == NO_HOST and b"deferred\t-\t" in done.stdout and b"relay.invalid" in done.stdout


def test_ids_differ(closed):
    ids = {send("--relay", closed, *FROM, "r@example.org").stdout.split(b"\t")[0] for _ in range(20)}
    assert len(ids) == 20


def test_every_relay_is_tried(closed):
    done = send("-v", "--relay", closed, "--relay", "relay.invalid:2525", *FROM, "r@example.org")
    assert done.returncode == NO_HOST
    assert f"* relay {closed}\n" in done.stderr and "* relay relay.invalid:2525\n" in done.stderr


def test_options_belong_to_their_relay(file, closed):
    """before the first --relay they are everybody's; the second relay's pin takes the place of the common trust"""
    args = ["--trust", file(b""), "--relay", closed, "--pin", PIN, "--relay", closed, "--pin", PIN]
    assert send(*args, *FROM, "r@example.org").returncode == DEFERRED
    refused(send(*args[:-2], *FROM, "r@example.org"), BAD_CONFIG)


@pytest.mark.parametrize("common, own", [
    (["--trust", "/none"], ["--pin", PIN]), (["--pin", PIN], ["--trust", "FILE"]), (["--token-file", "/none"], ["--password-file", "FILE"]),
    (["--password-file", "/none"], ["--token-file", "FILE"]), (["--password-file", "/none"], ["--password-file", "FILE"]),
    *(([f"--{kind}-file", "/none"], word) for kind in ("password", "token") for word in ("password=hunter2", '"passwordeval=echo hunter2"'))])
def test_what_a_relay_says_itself_takes_the_place_of_what_it_excludes(file, closed, tmp_path, common, own):
    """a login that all are given is not one of a relay that has another"""
    if isinstance(own, str):
        own = ["-C", file(f"relay {closed} {own}\n".encode())]
    elif "--trust" in own:
        make_context(tmp_path)
        own = ["--relay", closed, "--trust", tmp_path / "certificate.pem"]
    else:
        own = ["--relay", closed, *(file(b"hunter2\n") if word == "FILE" else word for word in own)]
    login = [] if "--pin" in common or "--trust" in common else ["--user", "u", "--pin", PIN]
    done = send(*common, *login, "--tls-name", "relay.test", *own, *FROM, "r@example.org")
    assert done.returncode == DEFERRED and "refused" in done.stdout.decode(), done.stderr


def test_default_sender(closed):
    """the user at --helo's name; without any full name it must be given"""
    done = send("--relay", closed, "--helo", "mote.example.org", "r@example.org", env={"LOGNAME": "me"})
    assert done.returncode == DEFERRED
    done = send("--relay", closed, "r@example.org", env={"LOGNAME": "me"})
    assert done.returncode == DEFERRED or (done.returncode == USAGE and "--from" in done.stderr)
    for null in "", "<>":
        done = send("--relay", closed, "--from", null, "--raw", "r@example.org", text=b"Subject: x\n\ntext\n")
        assert done.returncode == DEFERRED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a user without a name")
@pytest.mark.parametrize("user", ["a b", "a@b", "", "x" * 500])
def test_user_of_whom_no_address_can_be_made(closed, user):
    """he is what his number is called; where that is nothing, it is told of him and not of the host"""
    named = ["--relay", closed, "--helo", "mote.example.org"]
    assert send(*named, "r@example.org", env={"LOGNAME": user}).returncode == DEFERRED
    nobody = {"env": {"LOGNAME": user}, "wrap": as_user(54321)}
    refused(send(*named, "r@example.org", **nobody), USAGE, "this user has no valid name", "--from ADDRESS")
    for null in "", "<>":
        refused(send(*named, "--from", null, "r@example.org", **nobody), USAGE, "this user has no valid name", "From: field", "--raw")


@pytest.mark.parametrize("octets, status", [(254, DEFERRED), (255, USAGE)])
def test_user_with_a_host_name_that_is_as_long_as_an_address_can_be(closed, octets, status):
    """one octet more, and none can be made: the user's mail has no other sender"""
    host = f"{'h.' * 96}h"                                 # 193 octets
    done = send("--relay", closed, "--helo", host, "r@example.org", env={"LOGNAME": "u" * (octets - 1 - len(host))})
    assert done.returncode == status and (status == DEFERRED or "this user has no valid name" in done.stderr), done


def send_with(shell, closed):
    """as a shell calls it that did this before"""
    return subprocess.run(["/bin/sh", "-c", shell, "sh", COMMAND, "send", "-v", "--relay", closed, *FROM, "r@example.org"],
                          input=b"text\n", capture_output=True, timeout=LIMIT_S)


@pytest.mark.parametrize("stream", [1, 2])
def test_closed_output(closed, stream):
    """does no harm"""
    assert send_with(f'exec "$@" {stream}>&-', closed).returncode == DEFERRED


def test_closed_input(closed):
    """is not an empty mail; an empty file is one"""
    done = send_with('exec "$@" <&-', closed)
    assert done.returncode == BAD_INPUT and b"standard input is closed" in done.stderr and done.stdout == b""
    assert send_with('exec "$@" </dev/null', closed).returncode == DEFERRED


@pytest.mark.parametrize("words, status", [(["--help"], 74), (["--version"], 74), (["queue"], 74), (["probe", "127.0.0.1:1"], DEFERRED)],
                         ids=["help", "version", "queue", "probe"])
def test_what_is_not_told_is_no_success(words, status, closed, tmp_path):
    """a queue that cannot be printed is not an empty one"""
    if words == ["queue"]:
        words = ["queue", "--spool", str(tmp_path / "spool")]
        subprocess.run([COMMAND, "send", *words[1:], "--relay", closed, *FROM, "r@example.org"], input=b"text\n", timeout=LIMIT_S,
                       stdout=subprocess.DEVNULL)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, *words], stdout=full, stderr=subprocess.PIPE, timeout=LIMIT_S)
    assert done.returncode == status and b"not all of it was told" in done.stderr


@pytest.mark.parametrize("args", [["nonsense"], ["queue", "--spool", "/nonexistent/gr\u00fc\u00dfe\u202e"]])
def test_a_complaint_is_one_write(args):
    """a log that others write, too, gets it whole"""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, its:
        done = subprocess.run([COMMAND, *args], stdin=subprocess.DEVNULL, stderr=its, timeout=LIMIT_S,
                              env={"PATH": "/usr/bin:/bin", "MAILMOTE_CONF": ""})
        its.close()
        written = list(iter(lambda: ours.recv(65536), b""))
    assert done.returncode != OK and len(written) == 1 and written[0].startswith(b"mailmote: ") and written[0].endswith(b"\n")

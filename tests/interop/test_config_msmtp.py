# SPDX-License-Identifier: MIT
"""An msmtprc as the configuration: what its words mean, which are refused and which ignored, accounts, and secrets in the
file or printed by a command."""
import base64
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from pretend import pretend
from relay import BAD_CONFIG, COMMAND, DEFERRED, OK, SANITIZED, USAGE, Relay, make_context, run

A = "a@example.test"


@pytest.fixture
def config(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "msmtprc"
        path.write_text(text)
        path.chmod(mode)
        return path
    return write


@pytest.fixture
def relay():
    made = Relay()
    yield made
    made.stop()


@pytest.fixture
def secure(tmp_path):
    """with TLS; its certificate is trusted by `ca`"""
    made = Relay(make_context(tmp_path), "good")
    made.ca = tmp_path / "certificate.pem"
    yield made
    made.stop()


def send(path, *words, **options):
    return run(COMMAND, "send", "-C", path, *words, A, text=b"hello\n", **options)


def host(relay):
    return f"host 127.0.0.1\nport {relay.port}\n"


def login(relay, secret):
    return f"{host(relay)}tls on\ntls_trust_file {relay.ca}\ntls_host_override relay.test\nauth on\nuser meter\n{secret}\n"


def told(done):
    [line] = done.stderr.splitlines()
    return line


# ---- whole files ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_of_a_user(config, secure, end):
    """several accounts with defaults, as people keep them; the default one has another's name"""
    path = config(f"""# accounts of the meter room
defaults
auth           on
tls            on
tls_starttls   on
tls_trust_file {secure.ca}
logfile        ~/.msmtp.log
timeout        60

account        office
host           office.test
port           587
from           "office@example.org"
user           office
password       "two words # and no comment"

account        meter : office
host           127.0.0.1
port           {secure.port}
tls_host_override relay.test
from           meter@example.org
from_full_name "Meter, cellar"
user           meter     # as ever

account default : meter
""".replace("\n", end))
    done = send(path, "-v")
    assert (done.returncode, done.verdicts) == (OK, ["delivered"]), done.stderr
    assert "warning: logfile is ignored" in done.stderr and "MAIL FROM:<meter@example.org>" in done.stderr
    assert secure.mails[0].secure and secure.logins == ["\0meter\0two words # and no comment"]
    assert "two words" not in done.stderr
    assert b'\nFrom: "Meter, cellar" <meter@example.org>\r' in secure.mails[0].text.replace(b"\r\n ", b" ")


def test_of_a_system(config, relay):
    """one account, in the form that system administrators copy: a sender made of the user's name"""
    path = config(f"""account default
host 127.0.0.1
port {relay.port}
tls off
from %U@example.org
domain gate.example.org
syslog LOG_MAIL
aliases /dev/null
""")
    done = send(path, "-v", env={"LOGNAME": "cron"})
    assert done.verdicts == ["delivered"], done.stderr
    assert "EHLO gate.example.org" in done.stderr and "MAIL FROM:<cron@example.org>" in done.stderr


@pytest.mark.parametrize("name, found", [("%H", "nas"), ("%C", "nas.example.org"), ("%%", "%%"), ("%x", "%x")])
def test_names_in_the_sender(config, relay, name, found):
    path = config(f"{host(relay)}from a-{name}-b@example.org\n")
    done = send(path, "-v", env={"LOGNAME": "u"}, wrap=pretend(HOST="nas.example.org" if name == "%C" else "nas"))
    assert f"MAIL FROM:<a-{found}-b@example.org>" in done.stderr, done.stderr


def test_sender_without_from(config, relay):
    """is the user at maildomain, and the resolver is not asked for this host's name"""
    path = config(f"{host(relay)}maildomain example.org\nauto_from on\nspool {config('').parent}/spool\n")
    done = send(path, "-v", "--helo", "c.example.org", env={"LOGNAME": "u"})
    assert "MAIL FROM:<u@example.org>" in done.stderr and "auto_from is ignored" in done.stderr, done.stderr


@pytest.mark.parametrize("allowed, sender", [("on", "caller"), ("off", "file")])
def test_from_override(config, relay, allowed, sender):
    path = config(f"{host(relay)}from file@example.org\nallow_from_override {allowed}\n")
    assert f"MAIL FROM:<{sender}@example.org>" in send(path, "-v", "--from", "caller@example.org").stderr


@pytest.mark.parametrize("value, given, field", [
    ("auto", "Cellar <x@example.net>", b"Cellar <x@example.net>"), ("on", "Cellar <x@example.net>", b"Cellar <s@example.org>"),
    ("off", "", None), ("auto", "", b"s@example.org"), ("", "x@example.net", b"s@example.org")])
def test_from_header(config, relay, value, given, field):
    text = (f"From: {given}\n" if given else "") + "Subject: x\n\nx\n"
    path = config(f"{host(relay)}from s@example.org\nset_from_header {value}\n")
    assert run(COMMAND, "send", "-C", path, "--raw", A, text=text.encode()).verdicts == ["delivered"]
    lines = [line for line in relay.mails[0].text.split(b"\r\n") if line.startswith(b"From: ")]
    assert [line.replace(b"<s@example.org>", b"s@example.org") for line in lines] == (
        [b"From: " + field.replace(b"<s@example.org>", b"s@example.org")] if field else [])


# ---- accounts -------------------------------------------------------------------------------------------------------

def three(relay):
    return f"from top@example.org\naccount one\n{host(relay)}from one@example.org\naccount two : one\nfrom two@example.org\n" \
           f"defaults\nhelo late.example.org\naccount three: one, two\n"


@pytest.mark.parametrize("words, sender, name", [
    (["-a", "one"], "one", ""), (["--account", "two"], "two", ""), (["-a", "three"], "two", "late.example.org")])
def test_accounts(config, relay, words, sender, name):
    done = send(config(three(relay)), "-v", *words)
    assert f"MAIL FROM:<{sender}@example.org>" in done.stderr and f"EHLO {name}" in done.stderr, done.stderr


@pytest.mark.parametrize("more, words, says", [
    ("", [], "mailmote: FILE has several accounts"), ("", ["-a", "four"], "mailmote: FILE has no account four"), ("account one\n", [], "11: account one is there"),
    ("account x : y\n", [], "11: there is no account y above"), ("account\n", [], "11: account is empty: give NAME"),
    ("account x y\n", [], "11: y is one word too many"), (f"account x {'y' * 201}\n", [], f"11: {'y' * 200} is one word too many"),
    (f"account x : {'y' * 201}\n", [], f"11: there is no account {'y' * 200} above"), (f"alias {'y' * 201}\n", [], f"11: alias {'y' * 200}: give NAME")])
def test_wrong_accounts(config, relay, more, words, says):
    path = config(three(relay) + more)
    done = send(path, *words)
    assert done.returncode == BAD_CONFIG and says in told(done).replace(str(path), "FILE")
    assert relay.talks == []


def test_no_account_is_chosen(config, tmp_path):
    """what is in front of them is none; a mail is kept where that has it, not in a spool that only one of them has"""
    accounts = f"account a\nhost a.test\nspool {tmp_path}/a\naccount b\nhost b.test\nspool {tmp_path}/b\n"
    path = config(f"tls off\nport 26\nfrom s@example.org\n{accounts}")
    done = send(path)
    assert done.returncode == BAD_CONFIG and "several accounts" in told(done)
    done = send(config(f"defaults\ntls off\nspool {tmp_path}/both\n{accounts}"), env={"LOGNAME": "u"})
    assert done.returncode == DEFERRED and "several accounts" in done.stderr.splitlines()[0], done.stderr
    assert done.stderr.splitlines()[1:] == [
        f"mailmote: the mail is kept: mailmote flush --spool {tmp_path}/both sends it when the configuration has been put right"]
    assert len(list((tmp_path / "both").glob("*.mail"))) == 1


def test_account_with_a_comment(config, relay):
    path = config(f"account a # what: ever\nfrom a@example.org\n{host(relay)}account b : a # c: d\nfrom b@example.org\n")
    assert send(path, "--account", "a").verdicts == send(path, "--account", "b").verdicts == ["delivered"]
    assert [mail.sender for mail in relay.mails] == ["a@example.org", "b@example.org"]


def test_no_file_for_an_account(relay):
    done = run(COMMAND, "send", "-a", "one", "--relay", relay.where, A, env={"MAILMOTE_CONF": "/no/such/file"})
    assert done.returncode == BAD_CONFIG and "/no/such/file cannot be read" in told(done)


@pytest.mark.parametrize("more, tls", [("account default : secure, me", True), ("account default : me, secure", True),
                                       ("account x : me\naccount default : secure, x", True), ("account default : me", False),
                                       ("account default : secure, me\ntls off\nport {port}", False)])
def test_account_says_what_it_says_itself(config, relay, more, tls):
    """and not what it began with: its defaults are below all that the accounts of a list say"""
    more = more.format(port=relay.port)
    path = config(f"defaults\ntls off\nhost 127.0.0.1\nport {relay.port}\naccount secure\nhost localhost\nport 1\ntls on\n"
                  f"account me\nfrom me@example.org\n{more}\n")
    done = send(path, "-v")
    assert done.verdicts == (["deferred"] if tls else ["delivered"]), done.stderr
    assert len(relay.talks) == (not tls) and (" port 1: " in done.stderr) == tls
    assert tls or relay.mails[0].sender == "me@example.org"


@pytest.mark.parametrize("word", ["defaults", "defaults on", "protocol smtp"])
def test_a_word_that_sets_nothing(config, relay, word):
    """leaves the relay alone that stands in front of it"""
    done = send(config(f"from s@example.org\nrelay {relay.where}\n{word}\nhelo c.example.org\n"), "-v")
    assert done.verdicts == ["delivered"] and "EHLO c.example.org" in done.stderr, done.stderr


def test_defaults_that_are_said_again(config, relay):
    """in a section of their own"""
    path = config(f"defaults\nfrom a@example.org\n{host(relay)}defaults\nfrom b@example.org\naccount x\n")
    assert send(path).verdicts == ["delivered"] and relay.mails[0].sender == "b@example.org"


def test_relay_lines_of_defaults_are_below_those_of_a_list(config, relay):
    path = config(f"relay unused.test\nfrom s@example.org\naccount a\nrelay {relay.where}\naccount b\nhelo c.example.org\n"
                  f"account default : a, b\n")
    done = send(path, "-v")
    assert done.verdicts == ["delivered"] and "EHLO c.example.org" in done.stderr and "unused" not in done.stderr, done.stderr


@pytest.mark.parametrize("defaults", [0, 1, 3])
def test_relay_lines_of_another_account(config, defaults):
    """are all of the account's that takes them over, and no line of the defaults is beside them"""
    path = config("from s@example.org\n" + "relay 127.0.0.1:7\n" * defaults + "account a\nrelay 127.0.0.1:1\nrelay 127.0.0.1:2\naccount b : a\n")
    done = send(path, "-v", "-a", "b")
    assert re.findall(r"\* relay (.*)", done.stderr) == ["127.0.0.1:1", "127.0.0.1:2"], done.stderr


@pytest.mark.parametrize("names", ["first", "later, first", "first, other"])
def test_last_of_a_list_has_the_secret(config, secure, names):
    """wherever it stands in the file: the password of another account is not told to its relay. Nor do defaults behind it say
    another"""
    path = config(f"account first\nfrom s@example.org\n{login(secure, 'password hunter2')}"
                  + "account later\nuser other\npasswordeval echo wrong\naccount other\nhelo c.example.org\n"
                  "defaults\npasswordeval echo none\ntls_trust_file /no/such\n"
                  f"account default : {names}\n")
    done = send(path)
    assert done.verdicts == ["delivered"] and secure.logins == ["\0meter\0hunter2"], done.stderr


def test_spool_of_an_account(config, relay, tmp_path):
    path = config(f"from s@example.org\nrelay {relay.where}\naccount a\nspool {tmp_path}/a\naccount b\nspool {tmp_path}/b\n")
    relay.replies["MAIL"] = "451 later"
    assert send(path, "-a", "b").verdicts == ["deferred"]
    assert len(run(COMMAND, "queue", "-C", path, "-a", "b").rows) == 1 and not (tmp_path / "a").exists()
    relay.replies = {}
    assert run(COMMAND, "flush", "--now", "-C", path, "--account", "b").verdicts == ["delivered"]


def test_only_account(config, relay):
    assert send(config(f"from s@example.org\naccount x\n{host(relay)}")).verdicts == ["delivered"]


def test_account_relays(config, relay):
    """host first, then the relay lines; those of an account take the place of what it began with"""
    path = config(f"from s@example.org\nrelay unused.test\naccount x\nrelay {relay.where}\nhost 127.0.0.1\nport 1\n")
    done = send(path, "-v")
    assert done.verdicts == ["delivered"] and "unused" not in done.stderr
    assert done.stderr.index("* relay 127.0.0.1:1\n") < done.stderr.index(f"* relay {relay.where}\n"), done.stderr


# ---- TLS and logins -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("lines, verified", [("tls on", True), ("tls on\ntls_certcheck on", True), ("tls_starttls on", False),
                                             ("tls off", False), ("", False), ("tls starttls", False)])
def test_tls_on_is_verified(config, secure, lines, verified):
    """with the system's CAs, which know nothing of this relay; else TLS is used where it is offered, as by mail servers"""
    done = send(config(f"{host(secure)}tls-name relay.test\nfrom s@example.org\n{lines}\n"))
    assert done.verdicts == ["deferred" if verified else "delivered"], done.stdout
    assert not secure.mails or secure.mails[0].secure
    if verified:
        assert "CERT" in done.stdout.decode().upper()


@pytest.mark.parametrize("words, implicit", [("tls on\ntls_starttls off\n", True), ("tls_starttls off\n", True),
                                             ("tls on\n", False), ("port 465\ntls on\n", True)])
def test_tls_starttls(config, words, implicit):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        given = "" if "port" in words else f"port {port}\n"
        path = config(f"host localhost\n{given}{words}from s@example.org\n")
        done = send(path, "-v", "--timeout", "1", wrap=pretend(PORT=port))
    assert ("HANDSHAKE" in done.rows[0][4]) == implicit, done.rows


@pytest.mark.parametrize("secret", ["password hunter2", 'password "hunter2"', "passwordeval echo hunter2; echo more",
                                    "passwordeval echo hunter2; yes | head -c 200000",
                                    'passwordeval "printf hunter2"', "passwordeval cat {file}", "password-file {file}"])
def test_secrets(config, secure, tmp_path, secret):
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "secret").chmod(0o600)
    path = config(f"from s@example.org\n{login(secure, secret.format(file=tmp_path / 'secret'))}")
    done = send(path, "-v")
    assert done.verdicts == ["delivered"] and secure.logins == ["\0meter\0hunter2"], done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("secret", ['hunter2"', '"hunter2', 'hunter "2"', '"'])
def test_quotes_that_are_part_of_a_password(config, secure, secret):
    """only a pair around all of it is none of it"""
    done = send(config(f"from s@example.org\n{login(secure, f'password {secret}')}"))
    assert done.verdicts == ["delivered"] and secure.logins == [f"\0meter\0{secret}"], done.stderr


def test_command_does_not_read_the_mail(config, secure):
    path = config(f"from s@example.org\n{login(secure, 'passwordeval cat; echo p')}")
    assert send(path, "--timeout", "600").verdicts == ["delivered"]
    assert secure.logins == ["\0meter\0p"] and secure.mails[0].text.endswith(b"\r\nhello\r\n")


def test_command_of_a_pipe(config, secure):
    """whose signals are as in any shell"""
    done = send(config(f"from s@example.org\n{login(secure, 'passwordeval yes p | head -n 1')}"))
    assert done.verdicts == ["delivered"] and secure.logins == ["\0meter\0p"] and done.stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("secret", ["password p", "passwordeval echo p", "password-file /no/such"])
def test_file_of_another_user(config, secure, secret):
    """who may write it says which relay is told the secret"""
    path = config(f"from s@example.org\n{login(secure, secret)}")
    os.chown(path, 65534, 65534)
    done = send(path)
    assert done.returncode == BAD_CONFIG and "chown" in told(done) and secure.talks == []


@pytest.mark.parametrize("how", ["xoauth2", "oauthbearer"])
def test_tokens(config, secure, how):
    secure.auth = f"AUTH PLAIN {how.upper()}"
    path = config(f"from s@example.org\n{login(secure, 'passwordeval echo t0ken')}".replace("auth on", f"auth {how}"))
    assert send(path).verdicts == ["delivered"]
    assert len(secure.logins) == 1 and "Bearer t0ken" in secure.logins[0]


def test_relays_of_another_account(config, relay):
    path = config(f"from s@example.org\nrelay unused.test\naccount a\nrelay {relay.where}\naccount default : a\nhelo c.example.org\n")
    done = send(path, "-v")
    assert done.verdicts == ["delivered"] and "EHLO c.example.org" in done.stderr and "unused" not in done.stderr


def test_spool_of_the_user(config, relay, tmp_path):
    path = config(f"from s@example.org\n{host(relay)}spool ~/spool\n")
    assert send(path, env={"HOME": str(tmp_path)}).verdicts == ["delivered"] and (tmp_path / "spool").is_dir()


def test_files_of_the_user(config, secure, tmp_path):
    """~/ is his directory"""
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "aliases").write_text("ops: a@example.com\n")
    path = config(login(secure, "password-file ~/secret").replace(str(tmp_path), "~") + "from s@example.org\naliases ~/aliases\n")
    assert "~/certificate.pem" in path.read_text()
    done = send(path, "ops", env={"HOME": str(tmp_path)})
    assert done.verdicts == ["delivered"] * 2 and secure.logins == ["\0meter\0hunter2"], done.stderr
    assert "~/aliases cannot be read" in send(path, "ops").stderr


def pin_of(relay):
    der = subprocess.run(["openssl", "pkey", "-in", relay.ca.parent / "key.pem", "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    return "sha256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.mark.parametrize("before, after, verdict", [
    ("", "tls on\npin {pin}", "delivered"), ("tls on\ntls_trust_file /no/such", "pin {pin}", "delivered"),
    ("pin sha256:" + "A" * 43 + "=", "tls_trust_file {ca}", "delivered"), ("tls on\npin {pin}", "tls_trust_file /no/such", None),
    ("tls_trust_file /no/such", "tls off", "delivered"), ("pin sha256:" + "A" * 43 + "=", "tls off", "delivered"),
    ("pin sha256:" + "A" * 43 + "=", "", "deferred")])
def test_trust_of_the_account(config, secure, before, after, verdict):
    """takes the place of another kind in its defaults; tls off, of all"""
    path = config(f"from s@example.org\n{before}\naccount x\n{host(secure)}tls-name relay.test\n"
                  + after.format(pin=pin_of(secure), ca=secure.ca) + "\n")
    done = send(path)
    assert done.verdicts == ([verdict] if verdict else []), done.stderr
    assert verdict or "/no/such" in told(done)


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_ipv6(config, address):
    done = send(config(f"from s@example.org\nhost {address}\nport 1\n"), "-v")
    assert done.verdicts == ["deferred"] and "* ::1 port 1: " in done.stderr, done.stderr


@pytest.mark.parametrize("empty", ["", ' ""', " \t", " # none", ' "" # none'])
def test_taken_back(config, relay, tmp_path, empty):
    """what stands in the defaults, by a key without a value, and what is made of that account has it neither"""
    (tmp_path / "aliases").write_text(f"ops: {A}\n")
    path = config(f"user u\ntls_host_override no.test\naliases {tmp_path}/aliases\nmaildomain example.net\nfrom s@example.org\n"
                  f"account a\n{host(relay)}user{empty}\ntls_host_override{empty}\naliases{empty}\nmaildomain{empty}\n"
                  "defaults\nuser v\naccount b : a\n")
    for name in "a", "b":
        done = send(path, "-a", name, "ops", "-v", wrap=["unshare", "--mount", "sh", "-c",
                                                         'mount --bind /dev/null /etc/aliases 2>/dev/null; exec "$@"', "sh"])
        assert done.verdicts == ["delivered"] * 2 and relay.mails[-1].to == ["ops@example.org", A], done.stderr
    done = send(config(path.read_text() + "tls on\nuser w\n"), "-a", "b")
    assert done.returncode == BAD_CONFIG and "user" in done.stderr


SECRETS = ["password p", "passwordeval echo p", "password-file /no/such", "token-file /no/such", "auth on\npassword p", "auth xoauth2\npassword p"]


@pytest.mark.parametrize("secret", SECRETS)
def test_login_taken_back(config, relay, secret):
    """of the defaults, or of another account, by a user that is empty, as by auth off"""
    path = config(f"from s@example.org\nuser u\n{secret}\naccount a\n{host(relay)}user\naccount b : a\ndefaults\nuser v\n{secret}\n"
                  f'account c : b\naccount d\n{host(relay)}account e : d\nuser ""\n')
    for name in "abce":
        assert send(path, "-a", name).verdicts == ["delivered"], name
    assert len(relay.mails) == 4 and relay.logins == []
    done = send(config(f"from s@example.org\naccount a\n{host(relay)}user\n{secret}\n"))
    assert done.returncode == BAD_CONFIG and ("needs --user" in told(done) or "needs user" in told(done))


def test_login_after_one_that_was_taken_back(config, secure):
    path = config(f"from s@example.org\nuser u\npasswordeval echo no\naccount a\nuser\naccount b : a\n{login(secure, 'password hunter2')}")
    assert send(path, "-a", "b").verdicts == ["delivered"] and secure.logins == ["\0meter\0hunter2"]


def test_auth_off(config, relay):
    path = config(f"from s@example.org\n{host(relay)}auth off\nuser u\npassword p\n")
    assert send(path).verdicts == ["delivered"] and relay.logins == []


def test_secret_of_the_account(config, secure):
    """takes the place of another kind in its defaults, and so does its pin that of a trust file"""
    path = config(f"from s@example.org\npassword-file /no/such\ntls_trust_file /no/such\naccount x\n"
                  f"{login(secure, 'password hunter2')}")
    assert send(path).verdicts == ["delivered"] and secure.logins == ["\0meter\0hunter2"]


@pytest.mark.parametrize("mode, what, kept", [(0o640, "password p", False), (0o644, "password p", True),
                                              (0o660, "passwordeval echo p", True), (0o666, "passwordeval echo p", True),
                                              (0o644, "passwordeval echo p", False), (0o646, "password-file /no/such", True)])
def test_file_that_others_may_use(config, secure, tmp_path, mode, what, kept):
    """a password in it is no secret, and a command may be anybody's: the mail is kept"""
    path = config(f"from s@example.org\nspool {tmp_path}/spool\n{login(secure, what)}", mode)
    done = send(path)
    assert (done.returncode, done.verdicts) == ((DEFERRED, ["deferred"]) if kept else (OK, ["delivered"])), done.stderr
    if kept:
        assert "chmod" in done.stderr and secure.talks == []
        assert len(list((tmp_path / "spool").glob("*.mail"))) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_command_in_a_file_of_another_user(config, secure, tmp_path):
    """is not run: he may write what he likes there"""
    path = config(f"from s@example.org\nspool {tmp_path}/spool\n{login(secure, f'passwordeval echo p | tee {tmp_path}/run')}", 0o644)
    os.chown(path, 65534, 65534)
    done = send(path)
    assert done.verdicts == ["deferred"] and "chown it to yourself or root" in done.stderr and secure.talks == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("line, said", [(True, "chmod go-w"), (False, "/no/such cannot be opened")])
def test_file_that_others_may_write_and_its_first_line(config, line, said):
    """whoever wrote a relay there is told no secret; a relay of the command line is none of theirs"""
    words = {"user": "u", "pin": f"sha256:{'A' * 43}", "password-file": "/no/such"}
    path = config("relay r.test " * line + " ".join(f"{name}={value}" for name, value in words.items() if line) + "\n", 0o666)
    relay = ["--relay", "r.test", *(word for name, value in words.items() for word in (f"--{name}", value))]
    done = send(path, "--from", "s@example.org", *[] if line else relay)
    assert done.returncode == BAD_CONFIG and said in told(done), done.stderr


@pytest.mark.skipif(SANITIZED, reason="it looks itself")
def test_no_octet_behind_what_is_allocated(config, secure):
    """is written for a secret, an alias or what is made of a pattern, as the C library finds when they are freed"""
    word = "x" * 23
    path = config(f"from %U@{word}.test\nalias {word}: {word}@{word}.test\nmaildomain {word}.test\n{login(secure, f'password {word}')}")
    done = send(path, word, "root", "--helo", word, env={"LOGNAME": word, "MALLOC_CHECK_": "3", "LD_PRELOAD": "libc_malloc_debug.so.0"})
    assert done.returncode == OK and done.verdicts == ["delivered"] * 3 and secure.logins == [f"\0meter\0{word}"], done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("call, error, says", [("pipe2", "EMFILE", "Too many open files"), ("clone", "EAGAIN", "Resource"),
                                               ("wait4", "ECHILD", "No child")])
def test_command_that_cannot_be_run(config, secure, call, error, says):
    path = config(f"from s@example.org\n{login(secure, 'passwordeval echo p')}")
    done = send(path, wrap=["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={error}"])
    assert f"passwordeval cannot be run: {says}" in done.stderr
    assert done.returncode != OK and secure.talks == [], done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_command_without_a_shell(config, secure):
    path = config(f"from s@example.org\n{login(secure, 'passwordeval echo p')}")
    done = send(path, wrap=["strace", "-f", "-qq", "-o", "/dev/null", "-P", "/bin/sh", "-e", "inject=execve:error=ENOENT"])
    assert done.returncode == BAD_CONFIG and "passwordeval has failed, with status 127" in done.stderr and secure.talks == []


@pytest.mark.parametrize("command, says", [("exit 3", "status 3"), ("true", "empty"), ("kill -9 $$", "status 128"),
                                           ("printf 'a\\tb'", "control"), ("sleep 60", "longer than 1 second"),
                                           ("exec >&-; sleep 60", "longer than 1 second"),
                                           ("yes | tr -d '\\n'", "longer than 1 second"), ("/no/such", "status 127")])
def test_command_that_fails(config, secure, tmp_path, command, says):
    path = config(f"from s@example.org\nspool {tmp_path}/spool\n{login(secure, f'passwordeval {command}')}")
    begun = time.monotonic()
    done = send(path, "--timeout", "1")
    assert (done.returncode, done.verdicts) == (DEFERRED, ["deferred"]) and says in done.stderr, done.stderr
    assert secure.talks == [] and time.monotonic() - begun < 30 and len(list((tmp_path / "spool").glob("*.mail"))) == 1


def test_command_has_nothing_of_ours(config, secure, tmp_path):
    """but standard error: not the mail, not what is attached, not a file of the spool"""
    (tmp_path / "attached").write_text("x\n")
    path = config(f"from s@example.org\nspool {tmp_path}/spool\n"
                  + login(secure, f"passwordeval ls -l /proc/self/fd >{tmp_path}/fds; cat; echo p"))
    assert send(path, "--attach", str(tmp_path / "attached")).verdicts == ["delivered"] and secure.logins == ["\0meter\0p"]
    assert re.findall(r" (\d+) -> (?!pipe|/proc)(.*)", (tmp_path / "fds").read_text()) == [("0", "/dev/null"), ("1", f"{tmp_path}/fds")]


@pytest.mark.parametrize("signals", [["CHLD"], ["CHLD", "PIPE", "ALRM", "HUP", "TERM", "XFSZ"]])
@pytest.mark.parametrize("secret", ["passwordeval echo p", "passwordeval echo p; exec >&-; sleep 1"])
def test_command_for_a_caller_that_ignores_signals(config, secure, signals, secret):
    """as a daemon does for its children, and a program that it becomes still does"""
    path = config(f"from s@example.org\n{login(secure, secret)}")
    numbers = [signal.Signals[f"SIG{name}"] for name in signals]

    def ignore():
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    done = send(path, preexec_fn=ignore)
    assert (done.returncode, done.stderr) == (OK, "") and secure.logins == ["\0meter\0p"]


# ---- words that are refused or ignored ------------------------------------------------------------------------------

@pytest.mark.parametrize("line, says", [
    ("tls_fingerprint 01:23:45", ["tls_fingerprint", "pin sha256:", "mailmote probe"]),
    ("tls_certcheck off", ["tls_certcheck off", "pin sha256:"]),
    ("tls_cert_file /x", ["certificate of its own"]),
    ("auth cram-md5", ["auth cram-md5", "give on"]),
    ("protocol lmtp", ["lmtp", "smtp alone"]),
    ("source_ip 192.0.2.1", ["source_ip", "system chooses"]),
    ("proxy_host 127.0.0.1", ["proxy"]),
    ("undisclosed_recipients on", ["Bcc"]),
    ("eval echo x", ["passwordeval"]),
    ("set_from_header maybe", ["maybe", "auto on off"]),
    ("syslog LOG_KERN", ["LOG_KERN", "LOG_MAIL"]),
    ("syslog LOG_LOCAL", ["syslog LOG_LOCAL: ", "LOG_LOCAL7"]),
    ("syslog OG_MAIL", ["syslog OG_MAIL: "]),
    ("tls_startls on", ["tls_startls is unknown", "is tls_starttls meant"]),
    ("pasword hunter2", ["pasword is unknown", "is password meant"]),
    ("zzzzzzzzzzzz 1", ["unknown", "--help"]),
    ('spool "/a b', ["double quotes"]),
    ('spool "/a"b', ["double quotes ends with one"]),
    ("from *@example.org", ["--account"]),
    ("from box+*@example.org", ["--account"]),
    ("from box?@example.org", ["--account"]),
    ("port # none", ["port is empty"]),
    ('user "', ["double quotes ends with one"]),
    ('maildomain "', ["double quotes ends with one"]),
    ('tls_trust_file ""', ["tls_trust_file is empty"]),
    ("alias root ops@example.org", ["NAME: ADDRESS"]),
    ("host", ["host is empty: give a value"]),
    ("host mx:", ["host mx: is no host: write relay mx:"]),
    ("host MX:", ["host MX: is no host: write relay mx:"]),
    ("maildomain a@example.org", ["maildomain a@example.org", "behind the @"]),
    ("relay r.test password=pass hunter2 # c", ["WORD=VALUE", "double quotes"]),
    ("relay r.test user=u password=pass hunter2=x", ["WORD=VALUE", "double quotes"]),
    ('relay r.test user=u password="pass hunter2=x"', ["password: double quotes", '"WORD=VALUE"']),
    ('relay r.test user=u password="hunter2"', ["password: double quotes", '"WORD=VALUE"']),
    ("user me hunter2", ["user has one word too many"]),
    ("password=hunter2", ["password...: a setting is a word, then comes a blank; # begins a comment"]),
    ("relay: hunter2", ["relay...: a setting is a word, then comes a blank"]), ("; hunter2", ["# begins a comment"]),
    ("AuthPass=hunter2", ["AuthPass...: ", "then comes a blank"]),
    ("passwd:hunter2 x", ["passwd...: ", "then comes a blank"]), ("x" * 900 + "=hunter2", [":2: " + "x" * 200 + "...: ", "then comes a blank"]),
    ('"hunter2" x', [":2: ...: a setting"]),
    *((f"password{sign}hunter2", [":2: password...: a setting"]) for sign in ".,;\"'\v\f|\\\xa0"), ("relay r.test hunter2=", ["no such word: give"]),
    ("relay r.test user=u passwordeval=echo hunter2=", ["WORD=VALUE"]), ("relay r.test user=u password:hunter2=", ["WORD=VALUE"]),
    ("relay r.test,user=u,password=hunter2", ["--relay r.test...: give HOST"]), ("host r.test;password=hunter2", ["--relay r.test...: give HOST"]),
    ("relay smtps://u:hunter2@r.test auth=on", ["auth on needs user"]), ("relay u:hunter2@r.test tls=off user=u password=p", ["tls off, and a login"]),
    ("host u:hunter2@h\nauth on", ["auth on needs user"]), ("host u:hunter2@h\nuser u\npassword p\ntls off", ["tls off, and a login"]),
    ("host u:hunter2@h", ["--relay ...: "]), ('relay "r.test:587 user=u@x password=hunter2"', ["--relay ...: give HOST"]),
    ("user meter", ["which relay", "host"]),
])
def test_refused(config, line, says):
    done = send(config(f"\n{line}\n"), *[] if line.startswith(("user meter", "relay", "host ")) else ["--relay", "r.test"])
    assert done.returncode == BAD_CONFIG and told(done).startswith(f"mailmote: {config('')}:2: "), done.stderr
    assert all(word in told(done) for word in says) and "hunter2" not in told(done).split(": ", 2)[2]


@pytest.mark.parametrize("line, says", [
    ("auth on", "needs user"), ("user u", "--password-file"), ("user u\npassword p\ntls off", "in clear"),
    ("user u\npassword p\npassword-file /f", "more than one"), ("auth xoauth2\nuser u=v\npassword p", "'='"),
    ("user u\npasswordeval echo p\npassword p", "more than one"), ("password p", "--user"), ("port x", "1 to 65535"),
])
def test_refused_of_a_relay(config, line, says):
    done = send(config(f"host localhost\nfrom s@example.org\n{line}\n"))
    assert done.returncode == BAD_CONFIG and ":1: " in told(done) and says in told(done), done.stderr


def test_too_many_relays(config):
    lines = "relay r.test\n" * 8
    assert "8 relays" in told(send(config(f"from s@example.org\nhost h.test\n{lines}")))
    assert "8 relays" in told(send(config(f"from s@example.org\n{lines}relay r.test\n")))


IGNORED = ["logfile", "logfile_time_format %H", "tls_crl_file /x", "tls_priorities NORMAL", "tls_min_dh_prime_bits 512",
           "tls_force_sslv3 on", "auto_from off", "proxy_port 1", "ntlmdomain x", "dsn_notify off", "dsn_return headers",
           "keepbcc on", "remove_bcc_headers off", "set_date_header auto", "set_msgid_header auto",
           "add_missing_date_header on", "add_missing_from_header off"]
SILENT = ["protocol smtp", "tls_certcheck on", "tls_fingerprint", "tls_cert_file", "source_ip", "proxy_host", "socket",
          "undisclosed_recipients off", "timeout off", "syslog off"]


def test_ignored(config, relay):
    path = config(host(relay) + "from s@example.org\n" + "".join(f"{line}\n" for line in IGNORED + SILENT))
    done = send(path, "-v")
    assert done.verdicts == ["delivered"]
    warned = [line.split("warning: ")[1].split()[0] for line in done.stderr.splitlines() if "warning: " in line]
    assert warned == [line.split()[0] for line in IGNORED]
    assert send(path).stderr == ""                      # who looks at a mail of cron's?


# ---- which file -----------------------------------------------------------------------------------------------------

def in_etc(path):
    """the file is /etc/mailmote.conf, and nothing else is in /etc"""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            'exec 3<"$0" && mount -t tmpfs none /etc && cat <&3 >/etc/mailmote.conf && exec 3<&- "$@"', path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_default_file(config, relay, tmp_path):
    etc = in_etc(config(f"{host(relay)}from s@example.org\nhelo c.example.org\nspool {tmp_path}/spool\n"))
    relay.replies["END"] = "451 later"
    wrap = ["env", "-u", "MAILMOTE_CONF", *etc]
    assert run(COMMAND, "send", A, text=b"x\n", wrap=wrap).verdicts == ["deferred"]
    assert run(COMMAND, "queue", wrap=wrap).rows[0][4] == A
    relay.replies = {}
    assert run(COMMAND, "flush", "--now", wrap=wrap).verdicts == ["delivered"]
    done = run(COMMAND, "send", "--from", "s@example.org", A, wrap=etc)     # MAILMOTE_CONF is empty
    assert done.returncode == USAGE and "no relay" in done.stderr


@pytest.mark.parametrize("command", ["queue", "flush"])
def test_spool_that_leads_to_what_is_away(config, relay, tmp_path, command):
    """a disk that is not mounted: it was made, and is not called empty"""
    (tmp_path / "link").symlink_to(tmp_path / "away" / "spool")
    done = run(COMMAND, command, "-C", config(f"{host(relay)}from s@example.org\nspool {tmp_path}/link\n"))
    assert done.returncode == BAD_CONFIG and f"{tmp_path}/link" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_mails_in_the_spool_that_is_not_configured(config, relay, tmp_path):
    """as they came while the configuration was wrong, or not to be read by who sent them: flush and queue say where they wait"""
    path, all_ = config(f"{host(relay)}from s@example.org\nspool {tmp_path}/spool\n"), ["--spool", "/var/spool/mailmote"]
    drop = tmp_path / "mailmote" / "drop"
    wrap = ["env", "-u", "MAILMOTE_CONF", *in_etc(path)]
    wrap[-2] = f"mount --bind {tmp_path} /var/spool && {wrap[-2]}"

    def say(*words):
        return [run(COMMAND, command, *words, wrap=wrap).stderr for command in ("flush", "queue")]
    told = ["mailmote: mails wait in another spool: flush --spool /var/spool/mailmote\n"] * 2
    assert say() == ["", ""]
    relay.replies["END"] = "451 later"
    assert run(COMMAND, "send", *all_, A, text=b"x\n", wrap=wrap).verdicts == ["deferred"]
    assert say() == told and say("-C", path) == say(*all_) == ["", ""]
    relay.replies = {}
    assert run(COMMAND, "flush", "--now", *all_, wrap=wrap).verdicts == ["delivered"]
    assert say() == ["", ""]
    drop.mkdir(mode=0o1733, exist_ok=True)
    (drop / "0123456789abcdef.mail").write_text("x")
    assert say() == told
    path.write_text(path.read_text().replace(f"spool {tmp_path}/spool", "spool /var/spool//mailmote/"))
    assert not any("another spool" in said for said in say()), "the same by another name"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_mailname(config, relay):
    wrap = in_etc(config(f"{host(relay)}from s@%M\n"))
    wrap[-2] = wrap[-2].replace("exec 3<&-", "echo gate.example.org >/etc/mailname && exec 3<&- env -u MAILMOTE_CONF")
    assert "MAIL FROM:<s@gate.example.org>" in run(COMMAND, "send", "-v", A, text=b"x\n", wrap=wrap).stderr
    for other in "true", f"echo {255 * 'x'}":           # none, or one that is longer than a name can be
        done = run(COMMAND, "send", A, text=b"x\n",
                   wrap=[*wrap[:-2], wrap[-2].replace("echo gate.example.org", other), wrap[-1]])
        assert done.returncode == BAD_CONFIG and "from s@%M" in told(done) and "write it out" in told(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_default_file_of_others(config, relay):
    """who may not read it needs all that it says; then it is as if it were not there"""
    etc = in_etc(config(f"relay unused.test\n"))
    etc[-2] = etc[-2].replace("exec 3<&-", "chmod 640 /etc/mailmote.conf && exec 3<&- setpriv --reuid=65534 --regid=65534 --clear-groups")
    wrap = ["env", "-u", "MAILMOTE_CONF", *etc]
    words = ["send", "--from", "s@example.org", "--helo", "c.example.org"]
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        command = shutil.copy(COMMAND, place)
        assert run(command, *words, "--relay", relay.where, A, text=b"x\n", wrap=wrap).verdicts == ["delivered"]
        done = run(command, *words, A, text=b"x\n", wrap=wrap)
        assert done.returncode == BAD_CONFIG and "/etc/mailmote.conf cannot be read: Permission denied" in done.stderr


def test_file_of_the_environment(config, relay, tmp_path):
    path = config(f"{host(relay)}from s@example.org\n")
    done = run(COMMAND, "send", A, text=b"x\n", env={"MAILMOTE_CONF": str(path)})
    assert done.verdicts == ["delivered"]
    done = run(COMMAND, "send", "-C", "/no/such/file", A, text=b"x\n", env={"MAILMOTE_CONF": str(path)})
    assert done.returncode == BAD_CONFIG and "/no/such/file" in done.stderr

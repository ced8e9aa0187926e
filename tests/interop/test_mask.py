# SPDX-License-Identifier: MIT
"""A relay that repeats the login it refuses does not have it printed, logged, kept or mailed."""
import base64

import pytest

from pretend import refusing
from relay import COMMAND, DEFERRED, REFUSED, Relay, run
from test_log import log  # noqa: F401 (fixture)
from test_spool import A, spool  # noqa: F401 (fixture)
from test_spool_failed import NOW, S, notices
from test_spool_retry import context, pin, tls  # noqa: F401 (fixtures)

USER, SECRET = "alice@example.org", "sesame öffne dich+7"


@pytest.fixture
def relay(context):
    relay = Relay(context, "good")
    yield relay
    relay.stop()


def encoded(text):
    return base64.b64encode(text.encode()).decode()


PLAIN, LOGIN = encoded(f"\0{USER}\0{SECRET}"), encoded(SECRET)
HALF = len(PLAIN) // 2
ECHOES = {
    "line": f"535 5.7.8 AUTH PLAIN {PLAIN}: refused", "login": f"535 {LOGIN}", "capitals": f"535 AUTH PLAIN {PLAIN.upper()}",
    "small": f"535 {LOGIN.lower()}", "decoded": f"535 \0{USER}\0{SECRET}", "twice": f"535 {SECRET} {SECRET}.",
    "cut": f"535 {PLAIN[:-7]}", "inside": f"535 <{PLAIN}{PLAIN}>", "folded": f"535-5.7.8 AUTH {PLAIN[:HALF]}\r\n535 5.7.8 {PLAIN[HALF:]}",
    "blank": f"535 AUTH {PLAIN[:HALF]} {PLAIN[HALF:]}", "long": f"535 {'x' * 200} {PLAIN}", "end": f"535 {'x' * (255 - len(PLAIN) // 2)}{PLAIN}",
}


def silent(text):
    """asserts that no part of the secret that is worth something is in it"""
    text = text.lower()
    for secret in PLAIN[24:].rstrip("=").lower(), LOGIN.rstrip("=").lower(), SECRET.lower():
        for at in range(len(secret) - 8):
            assert secret[at:at + 8] not in text, secret[at:at + 8]


def login(tmp_path, pin, kind="password"):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return ["--pin", pin, "--user", USER, f"--{kind}-file", path]


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_login_that_is_repeated(spool, relay, pin, tmp_path, echo):
    """in a line for people, in the dialogue, in the spool"""
    relay.replies["AUTH"] = echo
    (tmp_path / "attached").write_text("x\n" * 1000)     # it is kept beside what was said
    done = spool.send(relay, options=[*login(tmp_path, pin), "-v", "--attach", tmp_path / "attached"])
    assert done.returncode == DEFERRED and relay.logins == [f"\0{USER}\0{SECRET}"] and "S: 535" in done.stderr and "***" in done.stderr + done.rows[0][4]
    for text in done.stdout.decode(), done.stderr, spool.file().path.read_bytes().decode("latin-1"):
        silent(text)


@pytest.mark.parametrize("echo, shown", [(ECHOES["line"], "535 5.7.8 AUTH PLAIN ***: refused"), (ECHOES["twice"], "535 *** ***."), (f"{PLAIN}!", "***!"),
                                         (f"{LOGIN[:9]}{SECRET}", "******"), (f"535 {LOGIN}", "535 ***="),
                                         (f"535 {SECRET[-7:]}!{SECRET[-8:]}!{SECRET[:7]}!{SECRET[:8]}!{LOGIN[3:8]}!{LOGIN[3:9]}!{PLAIN[:5]}!{PLAIN[:6]}",
                                          f"535 {SECRET[-7:]}!***!{SECRET[:7]}!***!{LOGIN[3:8]}!***!{PLAIN[:5]}!***")])
def test_the_rest_of_a_line_is_shown(spool, relay, pin, tmp_path, echo, shown):
    """no octet less and none more, be the login in front, behind or in the middle; such a line need be no reply"""
    relay.replies["AUTH"] = echo
    assert f"S: {shown}" in spool.send(relay, options=[*login(tmp_path, pin), "-v"]).stderr.splitlines()


@pytest.mark.parametrize("mechanism, line", [("XOAUTH2", f"user={USER}\1auth=Bearer {SECRET}\1\1"),
                                             ("OAUTHBEARER", f"n,a={USER},\1auth=Bearer {SECRET}\1\1")])
def test_a_token_that_is_repeated(spool, relay, pin, tmp_path, mechanism, line):
    relay.auth, relay.replies["AUTH"] = f"AUTH {mechanism}", f"535 {encoded(line)} {line}"
    done = spool.send(relay, options=[*login(tmp_path, pin, "token"), "-v"])
    assert relay.logins == [line] and "***" in done.rows[0][4]
    for text in done.rows[0][4], done.stderr:
        assert encoded(line)[40:60].lower() not in text.lower()
        silent(text)


def test_a_login_at_the_second_relay(spool, relay, pin, tmp_path, closed):
    """of which the first knows nothing"""
    relay.replies["AUTH"] = ECHOES["line"]
    done = spool.send(options=["-v", "--relay", closed, "--relay", relay.where, *login(tmp_path, pin)])
    assert relay.logins == [f"\0{USER}\0{SECRET}"] and "5.7.8 AUTH PLAIN ***" in done.stderr, done.stderr
    for text in done.stdout.decode(), done.stderr, spool.file().path.read_bytes().decode("latin-1"):
        silent(text)


def test_what_is_said_of_recipients_is_logged_and_mailed_without_it(spool, relay, pin, tmp_path, log):
    wrap, lines = log
    options = login(tmp_path, pin)
    relay.replies[A] = "450 4.2.1 later"
    spool.send(relay, options=options)
    relay.replies[A] = f"550 5.7.1 not with {PLAIN} or {SECRET}"
    done = spool.flush(relay, options=[*NOW, *options], wrap=wrap)
    if done.returncode == 99:
        pytest.skip("no mount: " + done.stderr)
    [(mail, _)], logged = notices(relay), str(lines())
    assert done.returncode == REFUSED and [row[1] for row in done.rows] == [A, S]
    for text in done.rows[0][4], logged, str(mail), spool.queue().stdout.decode():
        assert "5.7.1 not with *** or ***" in text
        silent(text)


def test_a_login_that_cannot_be_looked_for_is_not_shown(relay, pin, tmp_path):
    """for want of memory: no word of the reply is, whichever allocation fails"""
    relay.replies["AUTH"], mark, said = f"535 5.7.8 AUTH PLAIN {PLAIN}: refused, {SECRET}", tmp_path / "refused", []
    for number in range(1, 100):
        done = run(COMMAND, "send", "--from", S, "--helo", "c.example.org", *login(tmp_path, pin), "--relay", relay.where, A,
                   env=refusing(number, mark))
        said += [row[4] for row in done.rows]
        if not mark.exists():
            break
        mark.unlink()
    assert said[-1].endswith("at AUTH: 5.7.8 AUTH PLAIN ***: refused, ***") and sum(text.endswith("at AUTH") for text in said) > 4, said
    silent(str(said))


@pytest.mark.parametrize("secret", [SECRET, "in"])
def test_words_are_not_masked(spool, relay, pin, tmp_path, secret):
    """though they are in a password too, when they are short; a password of three octets is none"""
    options = login(tmp_path, pin)
    (tmp_path / "secret").write_text(secret)
    relay.replies["AUTH"] = "535 5.7.8 sesame, dich: invalid login"
    assert "sesame, dich: invalid login" in spool.send(relay, options=options).rows[0][4]


@pytest.mark.parametrize("secret", ["p4ss", "hunter2", "hunter22", "hunter234"])
def test_a_short_password_is_masked_as_a_whole(spool, relay, pin, tmp_path, secret):
    options = login(tmp_path, pin)
    (tmp_path / "secret").write_text(secret)
    relay.replies["AUTH"] = f"535 5.7.8 {secret}, {encoded(secret).rstrip('=')} or {secret.upper()[:-1]} {secret[-1]}: no login"
    assert "5.7.8 ***, *** or ***: no login" in spool.send(relay, options=options).rows[0][4]

# SPDX-License-Identifier: MIT
"""With trust configured it is verified TLS or nothing: each wrong certificate defers the mail with its own reason, and
nothing of the mail is said. Without trust any certificate will do, but a TLS that fails never means clear at once."""
import re

import pytest

from client import BAD_CONFIG, COMMAND, OK, UNTRUSTED, deferred, delivered, new_token, raw_mail, said_no_mail
from pretend import pretend
from relay import run
from test_delivery import in_tls

# port of Postfix with that certificate -> the name asked for, what the reason must say
WRONG = {
    "wrongname": ("localhost", "name"),
    "wildcard": ("example.test", "name"),
    "expired": ("localhost", "expired|date"),
    "stranger": ("localhost", "trust|unknown|anchor"),
    "selfsigned": ("localhost", "trust|unknown|anchor"),
}
ANY = [*WRONG, "ip", "rsa"]


@pytest.mark.parametrize("leaf", WRONG)
def test_wrong_certificate(postfix, mailmote, leaf):
    name, reason = WRONG[leaf]
    result = mailmote.send(postfix.ports[leaf], None, "--tls-name", name, host="127.0.0.1")
    said_no_mail(deferred(result, reason, UNTRUSTED))


def test_reasons_differ(postfix, mailmote):
    leaves = "wrongname", "expired", "stranger"
    assert len({mailmote.send(postfix.ports[leaf]).rows[0].text for leaf in leaves}) == 3


@pytest.mark.parametrize("leaf", ["wrongname", "expired", "stranger"])
def test_wrong_certificate_means_no_login(postfix, mailmote, leaf):
    assert "AUTH" not in deferred(mailmote.send(postfix.ports[leaf], None, *mailmote.login), WRONG[leaf][1], UNTRUSTED).err


def test_wrong_certificate_in_implicit_tls(aiosmtpd, mailmote):
    result = deferred(mailmote.send(aiosmtpd.ports["implicit_wrongname"], None, "--tls", "implicit"), "name", UNTRUSTED)
    assert not result.said


def test_address_is_not_a_name(postfix, mailmote):
    """the certificate has the address, but only names are compared: refused, saying that a name or a pin is wanted"""
    result = mailmote.send(postfix.ports["ip"], host="127.0.0.1")
    assert result.status == BAD_CONFIG and "--tls-name" in result.err and "--pin" in result.err and not result.said


@pytest.mark.parametrize("leaf", ANY)
def test_opportunistic_takes_any_certificate(postfix, mailmote, leaf):
    token = new_token()
    delivered(mailmote.send(postfix.ports[leaf], raw_mail(token), trust=False))
    assert in_tls(postfix.wait_for_mail(token))


@pytest.mark.parametrize("leaf", ANY)
def test_right_pin_decides_alone(postfix, mailmote, pki, leaf):
    token = new_token()
    delivered(mailmote.send(postfix.ports[leaf], raw_mail(token), "--pin", pki.pin(leaf), trust=False))
    assert in_tls(postfix.wait_for_mail(token))


def test_wrong_pin(postfix, mailmote, pki):
    """the certificate is good, its key is not the one we know"""
    said_no_mail(deferred(mailmote.send(postfix, None, "--pin", pki.pin("rsa"), trust=False), "pin|key", UNTRUSTED))


def test_pin_and_login(postfix, mailmote, pki):
    port = postfix.ports["submission"]
    delivered(mailmote.send(port, None, "--pin", pki.pin("ecdsa"), *mailmote.login, trust=False))


def test_trust_file_with_several_anchors(postfix, mailmote, pki):
    both = "".join((pki.dir / f"{name}.pem").read_text() for name in ("otherca", "ca"))
    options = ["--trust", mailmote.file("both.pem", "some words before\n" + both)]
    delivered(mailmote.send(postfix, None, *options, trust=False))
    delivered(mailmote.send(postfix.ports["stranger"], None, *options, trust=False))


@pytest.mark.parametrize("where", ["aiosmtpd", "postfix", "exim", "sendmail", "opensmtpd"])
@pytest.mark.parametrize("trust", ["ca", "pin"])
def test_trust_and_no_starttls(farm, mailmote, pki, where, trust):
    pin = ["--pin", pki.pin("ecdsa")] if trust == "pin" else []
    said_no_mail(deferred(mailmote.send(farm[where].ports["clear"], None, *pin, trust=not pin), "TLS"))


@pytest.mark.parametrize("trust", [True, False])
def test_broken_starttls(farm, mailmote, proxy, trust):
    """OpenSMTPD says 220 and then no handshake works: deferred, and not a word of the mail in clear"""
    token, between = new_token(), proxy(farm["opensmtpd"].ports["broken"])
    deferred(mailmote.send(between, raw_mail(token), trust=trust), "TLS|handshake")
    said = b"".join(octets for who, octets in between.join() if who == "C")
    assert b"STARTTLS\r\n" in said and b"MAIL FROM" not in said.upper() and token.encode() not in said


HANDSHAKE = re.compile(r"^\* (TLS .*)$", re.M)


@pytest.mark.parametrize("port, options, how", [
    ("starttls", ["--trust", "ca"], "certificate verified"),
    ("implicit", ["--trust", "ca", "--tls", "implicit"], "certificate verified"),
    ("starttls", ["--pin", "pin"], "the pinned key"),
    ("starttls", [], "certificate not checked"),
    ("implicit", ["--tls", "implicit"], "certificate not checked"),
], ids=lambda value: "-".join(value) if isinstance(value, list) else value)
def test_the_handshake_is_told(aiosmtpd, mailmote, pki, port, options, how):
    """once, before what is said inside TLS: version, suite, and who the relay has proved to be"""
    options = [{"ca": mailmote.ca, "pin": pki.pin("ecdsa")}.get(word, word) for word in options]
    result = delivered(mailmote.send(aiosmtpd.ports[port], None, *options, trust=False))
    [told] = HANDSHAKE.findall(result.err)
    assert re.fullmatch(r"TLS 1\.2, ECDHE_ECDSA_WITH_\w+_SHA\d+, " + how, told)
    lines = result.err.splitlines()
    before, after = lines[:lines.index("* " + told)], lines[lines.index("* " + told) + 1:]
    assert ("C: STARTTLS" in before) == (port == "starttls") and not any("MAIL FROM" in line for line in before)
    assert [line[:7] for line in after if line.startswith("C:")][:2] == ["C: EHLO", "C: MAIL"]


def told(result):
    """what -v tells of the certificate: {"certificate of": ..., "issued by": ..., "valid until": ..., "pin": ...}"""
    words = "certificate of|issued by|valid until|pin"
    found = re.findall(rf"^\* ({words}) (.*)$", result.err, re.M)
    assert [name for name, _ in found] == words.split("|"), result.err
    return dict(found)


@pytest.mark.parametrize("trust", [True, False])
@pytest.mark.parametrize("leaf", ["ecdsa", "rsa", "expired", "stranger", "selfsigned", "wrongname"])
def test_the_certificate_is_told(postfix, mailmote, pki, leaf, trust):
    """whether it is accepted or not; its pin is what --pin takes"""
    port = postfix.ports["starttls" if leaf == "ecdsa" else leaf]
    result = mailmote.send(port, trust=trust)
    said = told(result)
    issuer = {"stranger": "mailmote test otherca", "selfsigned": "mailmote test leaf"}.get(leaf, "mailmote test ca")
    assert said["certificate of"] == "CN=mailmote test leaf" and said["issued by"] == "CN=" + issuer
    assert said["pin"] == pki.pin(leaf)
    end = pki._openssl("x509", "-in", f"{leaf}.pem", "-noout", "-enddate", "-dateopt", "iso_8601").decode()
    assert end == f"notAfter={said['valid until']}Z\n"
    assert (result.status == OK) == (not trust or leaf in ("ecdsa", "rsa"))
    delivered(mailmote.send(port, None, "--pin", said["pin"], trust=False))
    assert not re.search(r"^\* (certificate|pin)", mailmote.send(port, verbose=False).err, re.M)


@pytest.mark.parametrize("port, options", [("clear", []), ("starttls", ["--pin", "rsa"])])
def test_no_handshake_is_told(aiosmtpd, mailmote, pki, port, options):
    """where there was none, or it failed"""
    options = [pki.pin(word) if word == "rsa" else word for word in options]
    assert not HANDSHAKE.search(mailmote.send(aiosmtpd.ports[port], None, *options, trust=False).err)


@pytest.mark.parametrize("seconds, cause, words", [
    (60, "the time is unknown", "this system's clock says 1970-01-01: set it"),
    (4102444800, "expired or not yet valid", "this system's clock says 2100-01-01")])
def test_a_wrong_clock_is_named(aiosmtpd, mailmote, seconds, cause, words):
    """by a clock that was never set no relay is judged; by another one the good certificate is no longer valid"""
    done = run(COMMAND, "send", "--trust", mailmote.ca, "--relay", f"localhost:{aiosmtpd.ports['starttls']}", "--from",
               "s@example.org", "--helo", "client.example.org", "a@example.test", wrap=pretend(REALTIME=seconds))
    assert done.verdicts == ["deferred"] and done.rows[0][4].endswith(words), done.rows
    assert cause in done.rows[0][4]

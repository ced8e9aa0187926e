# SPDX-License-Identifier: MIT
"""`mailmote probe`: what it says of real servers is what openssl s_client sees, and what the command then meets."""
import json
import os
import re
import ssl
import subprocess
import time

import pytest

from board import TOP
from cell import BUILD
from relay import COMMAND, LIMIT_S
from says import UNTIL_TLS, Says
from test_trust_header import STRICT, build, make_ca, openssl, run

VERIFIED, UNVERIFIED, USAGE, UNREACHABLE = 0, 1, 64, 75
SERVERS = ["postfix", "aiosmtpd", "exim", "sendmail"]


def probe(port, *options, host="localhost", wrap=()):
    where = host if port is None else f"{host}:{port}"
    done = subprocess.run([*wrap, COMMAND, "probe", *map(str, options), where], capture_output=True, text=True, timeout=LIMIT_S)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def told(port, *options, **more):
    done = probe(port, "--json", *options, **more)
    assert done.stdout.endswith("\n") and done.stdout[:-1].isprintable(), done.stdout
    return done.returncode, json.loads(done.stdout)


def s_client(port, ca, *options, starttls=True):
    words = ["openssl", "s_client", *(["-starttls", "smtp"] if starttls else []), "-connect", f"localhost:{port}", "-CAfile", ca,
             "-verify_hostname", "localhost", "-showcerts", "-tls1_2", *options]
    return subprocess.run(words, input="QUIT\r\n", capture_output=True, text=True, timeout=LIMIT_S).stdout


def pem_facts(pem):
    told = openssl("x509", "-noout", "-subject", "-issuer", "-startdate", "-enddate", "-dateopt", "iso_8601", text=pem.encode()).decode()
    pin = openssl("dgst", "-sha256", "-binary", text=openssl("pkey", "-pubin", "-outform", "DER", text=openssl(
        "x509", "-noout", "-pubkey", text=pem.encode())))
    names = [re.sub(r" = ", "=", name) for name in re.findall(r"^(?:subject|issuer)=(.*)$", told, re.M)]
    return names, [date.rstrip("Z") for date in re.findall(r"^not\w+=(.*)$", told, re.M)], pin


def pem_kinds(pem):
    """of key and signature, in our words"""
    said = openssl("x509", "-noout", "-text", text=pem.encode()).decode()
    curve, bits = re.search(r"NIST CURVE: (.*)", said), re.search(r"Public-Key: \((\d+) bit", said)[1]
    signature = re.search(r"Signature Algorithm: (.*)", said)[1]
    kind, digest = ("ECDSA" if "ecdsa" in signature else "RSA"), re.search(r"sha(\d+)", signature, re.I)[1]
    return curve[1] if curve else f"RSA {bits}", f"{kind} with SHA-{digest}"


def check_same_chain(found, said):
    chain = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", said, re.S)
    assert len(found["chain"]) == len(chain) >= 1
    for one, pem in zip(found["chain"], chain):
        (subject, issuer), (begin, end), pin = pem_facts(pem)
        assert (one["subject"], one["issuer"], one["from"], one["until"]) == (subject, issuer, begin, end)
        assert one["pin"] == "sha256:" + openssl("base64", "-A", text=pin).decode()
        assert (one["key"], one["signature"]) == pem_kinds(pem)


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_same_as_openssl_sees(server, pki):
    port = server.ports["starttls"]
    status, found = told(port, "--trust", pki.ca)
    said = s_client(port, pki.ca)
    assert "Verify return code: 0 (ok)" in said
    assert (status, found["verified"], found["verdict"], found["trouble"]) == (VERIFIED, True, "verified", "")
    check_same_chain(found, said)
    assert found["root"]["subject"] == "CN=mailmote test ca"
    assert re.match(r"220 ", found["greeting"]) and re.match(r"220 ", found["starttls"])
    assert found["tls"] == "1.2" and "STARTTLS" in found["offers_clear"] and "STARTTLS" not in found["offers_tls"]
    assert f"127.0.0.1 port {port}" in found["addresses"][-1]


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_ciphers_and_curves(server, pki):
    """each one that is told is taken by the server when openssl offers it alone, and no other"""
    port, names = server.ports["starttls"], {"CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305", "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
                                             "AES_256_GCM_SHA384": "AES256-GCM-SHA384", "AES_128_CBC_SHA256": "AES128-SHA256",
                                             "AES_256_CBC_SHA384": "AES256-SHA384", "AES_128_CBC_SHA": "AES128-SHA",
                                             "AES_256_CBC_SHA": "AES256-SHA"}
    found = told(port, "--trust", pki.ca)[1]
    for name, openssl_name in names.items():
        both = ":".join(f"ECDHE-{kind}-{openssl_name}" for kind in ("ECDSA", "RSA"))
        said = s_client(port, pki.ca, "-cipher", both + ":@SECLEVEL=0")
        assert (name in found["ciphers"]) == bool(re.search(r"Cipher is ECDHE", said)), (name, found["ciphers"])
    # A server whose certificate is on P-256 may want that offered as well, and then prefer it: such a curve is not told.
    assert "P-256" in found["curves"]
    for name, openssl_name in {"X25519": "X25519", "P-256": "prime256v1", "P-384": "secp384r1"}.items():
        said = s_client(port, pki.ca, "-curves", f"{openssl_name}:prime256v1" if name != "P-256" else openssl_name)
        assert name not in found["curves"] or re.search(rf"Server Temp Key: (ECDH, )?{openssl_name}", said), said


def test_curves_of_a_server_with_rsa(postfix, pki):
    port = postfix.ports["rsa"]
    found = told(port, "--trust", pki.ca)[1]
    for name, openssl_name in {"X25519": "X25519", "P-256": "prime256v1", "P-384": "secp384r1"}.items():
        said = s_client(port, pki.ca, "-curves", openssl_name)
        assert (name in found["curves"]) == ("Server Temp Key" in said), (name, found["curves"])


@pytest.mark.parametrize("leaf, verdict", [
    ("wrongname", "the certificate is for another name"),
    ("expired", "a certificate is expired or not yet valid"),
    ("stranger", "no trusted CA has signed it"),
    ("selfsigned", "no trusted CA has signed it"),
])
def test_not_verified(postfix, pki, leaf, verdict):
    status, found = told(postfix.ports[leaf], "--trust", pki.ca)
    assert (status, found["verified"], found["verdict"]) == (UNVERIFIED, False, verdict)
    assert "Verify return code: 0" not in s_client(postfix.ports[leaf], pki.ca) and "root" not in found
    assert found["chain"][0]["pin"] == pki.pin(leaf)


def test_the_systems_cas_do_not_know_the_test(postfix):
    status, found = told(postfix.ports["starttls"])
    assert (status, found["verdict"]) == (UNVERIFIED, "no trusted CA has signed it")


def test_an_address_has_no_name(postfix, pki):
    status, found = told(postfix.ports["starttls"], "--trust", pki.ca, host="127.0.0.1")
    assert (status, found["verdict"]) == (UNVERIFIED, "an address has no name to verify: give --tls-name")
    status, found = told(postfix.ports["starttls"], "--trust", pki.ca, "--tls-name", "mail.example.test", host="127.0.0.1")
    assert (status, found["verdict"]) == (VERIFIED, "verified")


def test_the_one_root(postfix, pki, tmp_path):
    """of many, the one that is needed"""
    many = tmp_path / "many.pem"
    with open("/etc/ssl/certs/ca-certificates.crt") as system:
        many.write_text((pki.dir / "otherca.pem").read_text() + system.read() + open(pki.ca).read())
    status, found = told(postfix.ports["starttls"], "--trust", many)
    assert status == VERIFIED and found["root"]["subject"] == "CN=mailmote test ca"


def test_the_first_of_two_roots(postfix, pki, tmp_path):
    """each of which does alone: its own certificate, and its CA's"""
    both = {"CN=mailmote test leaf": pki.dir / "ecdsa.pem", "CN=mailmote test ca": pki.dir / "ca.pem"}
    for names in (list(both), list(both)[::-1]):
        (tmp_path / "both.pem").write_text("".join(both[name].read_text() for name in names))
        status, found = told(postfix.ports["starttls"], "--trust", tmp_path / "both.pem")
        assert status == VERIFIED and found["root"]["subject"] == names[0]


def test_rsa_and_implicit_tls(aiosmtpd, postfix, pki):
    status, found = told(postfix.ports["rsa"], "--trust", pki.ca)
    assert status == VERIFIED and found["chain"][0]["key"] == "RSA 2048" and "P-256" in found["curves"]
    port = aiosmtpd.ports["implicit"]
    status, found = told(port, "--trust", pki.ca, "--tls", "implicit")
    assert status == VERIFIED and found["offers_clear"] == [] and found["starttls"] == ""
    check_same_chain(found, s_client(port, pki.ca, starttls=False))


@pytest.mark.parametrize("port, flights", [("starttls", 6), ("nochunking", 7), ("nopipelining", 8), ("neither", 9)])
def test_flights(postfix, pki, port, flights):
    """as test_flights.py counts the first two on the wire"""
    assert told(postfix.ports[port], "--trust", pki.ca)[1]["flights"] == flights


def test_time(postfix, pki):
    """it asks some seventy times, one after the other, and none of it waits for more to be sent"""
    began = time.monotonic()
    assert probe(postfix.ports["rsa"], "--trust", pki.ca).returncode == VERIFIED
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("leaf", ["submission", "stranger"])
def test_what_a_person_reads(postfix, pki, leaf):
    """line by line what --json has"""
    port = postfix.ports[leaf]
    found, said = told(port, "--trust", pki.ca)[1], probe(port, "--trust", pki.ca).stdout.partition("\n\n")[0]
    rows = [*zip(["addresses"] + [""] * 9, found["addresses"]), ("greeting", found["greeting"]),
            *zip(["offers in clear"] + [""] * 99, found["offers_clear"]), ("STARTTLS", found["starttls"]), ("TLS", found["tls"]),
            ("ciphers", "".join(name + " " for name in found["ciphers"])), ("curves", "".join(name + " " for name in found["curves"])),
            *zip(["offers in TLS"] + [""] * 99, found["offers_tls"]), ("login", found["login"] or "none offered"),
            ("flights", f"{found['flights']} until a mail is accepted, without a login"),
            ("short records", "granted (max_fragment_length 512)" if found["max_fragment_length"] else "not granted"),
            ("records", f"{found['record']} octets the longest, {found['record_free']} when not asked for short ones: "
                        f"a buffer of {found['buffer']} will do for these replies")]
    for name, one in zip(["certificate"] + ["its CA"] * 9, found["chain"]):
        rows += [(name, one["subject"]), ("", f"issued by {one['issuer']}"), ("", f"from {one['from']} until {one['until']} UTC"),
                 ("", f"key {one['key']}, signature {one['signature']}"), ("", f"pin {one['pin']}")]
    rows += [("verdict", f"{found['verdict']} (name localhost, CAs of {pki.ca})")]
    rows += [("root", found["root"]["subject"])] if "root" in found else []
    assert said.splitlines() == [f"{name:16}{value}" for name, value in rows]


def test_login(postfix, pki):
    found = told(postfix.ports["submission"], "--trust", pki.ca)[1]
    assert set(found["login"].split()) >= {"PLAIN", "LOGIN"}
    assert told(postfix.ports["starttls"], "--trust", pki.ca)[1]["login"] == ""


def test_lines_to_configure_it(postfix, mailmote, pki, scratch, tmp_path):
    """the line for the command delivers as it stands; so does the one of a relay that is not verified"""
    for leaf, port in (("ecdsa", postfix.ports["starttls"]), ("stranger", postfix.ports["stranger"])):
        said = probe(port, "--trust", pki.ca).stdout
        line = re.search(r"For mailmote -C FILE:\n  (.*)\n", said)[1]
        assert ("trust=" in line, "pin=" in line) == (leaf == "ecdsa", leaf != "ecdsa")
        (tmp_path / "conf").write_text(line + "\n")
        done = subprocess.run([COMMAND, "send", "-C", tmp_path / "conf", "--from", "a@example.org", "a@example.test"], input="x\n",
                              capture_output=True, text=True, timeout=LIMIT_S)
        assert done.returncode == 0 and "\tdelivered\t" in done.stdout, (done.stdout, done.stderr)
    assert re.search(r"static uint8_t record_buf\[\d+\];", said)


SMALL = re.compile(r"  /\* Smaller, .* refused:\n  (mote_trust_anchors_small\(.*\);) \*/\n\Z")


@pytest.mark.parametrize("leaf, small", [("starttls", False), ("starttls", True), ("rsa", True), ("stranger", False)])
def test_lines_of_c(postfix, pki, tmp_path, leaf, small):
    """they compile without a warning, and the mail they send is delivered: the relay's key or its root is the right one. So does
    what is shown as smaller"""
    port = postfix.ports[leaf]
    said = re.search(r"For firmware:\n(.*)", probe(port, "--trust", pki.ca).stdout, re.S)[1]
    lines = SMALL.sub("", said).splitlines(keepends=True)
    assert sum("mote_trust_" in line for line in lines) == 1 and "_small" not in "".join(lines)
    assert (SMALL.search(said) is None) == (leaf == "stranger")
    if small:
        lines = [SMALL.search(said)[1] + "\n" if "mote_trust_" in line else line for line in lines]
    top, body = [line for line in lines if "#include" in line], [line for line in lines if "#include" not in line]
    (tmp_path / "trust_anchors.h").write_text(trust_probe(port, "--trust", pki.ca).stdout)
    (tmp_path / "lines.c").write_text("".join(["#include <mailmote_posix.h>\n", "#include <mailmote_message.h>\n", *top, """
int main(void)
{
""", *body, """
    const char *to = "a@example.test";
    struct mote_rcpt rcpt = {.address = to};
    struct mote_message message = {.from = "mote@example.org", .to = &to, .to_count = 1, .id = "1@example.org"};
    struct mote_mail mail = {.from = message.from, .rcpts = &rcpt, .rcpt_count = 1, .read = mote_message_read};

    (void)record_buf;
    message.text = "x\\n";
    mail.ctx = &message;
    mote_posix_send(&relay, &mail, NULL, NULL);
    return rcpt.result.verdict == MOTE_DELIVERED ? 0 : rcpt.result.cause;
}
"""]))
    compiled = subprocess.run([*os.environ.get("CC", "cc").split(), *STRICT, f"-I{tmp_path}", f"-I{TOP}/include", "-isystem",
                               os.environ["BEARSSL_INC"], tmp_path / "lines.c", BUILD / "libmailmote.a",
                               *os.environ["BEARSSL_LIB"].split(), "-o", tmp_path / "lines"], capture_output=True, text=True, timeout=LIMIT_S)
    assert (compiled.returncode, compiled.stderr) == (0, ""), compiled.stderr
    assert run(tmp_path / "lines") == (0, "")


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
def test_smaller_where_it_works(tmp_path, curve):
    """not where the root has a key on a curve that it has not"""
    make_ca(tmp_path, "root", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key", "-out",
            tmp_path / "request", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    openssl("x509", "-req", "-sha256", "-days", "10", "-copy_extensions", "copy", "-in", tmp_path / "request", "-CA",
            tmp_path / "root.pem", "-CAkey", tmp_path / "root.key", "-CAcreateserial", "-out", tmp_path / "cert")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    relay = Says(UNTIL_TLS, context)
    done = probe(relay.port, "--trust", tmp_path / "root.pem")
    assert done.returncode == VERIFIED and "  mote_trust_anchors(&" in done.stdout, done.stdout
    assert (SMALL.search(done.stdout) is not None) == (curve == "P-256"), done.stdout


def test_smallest_buffer(aiosmtpd, postfix, pki):
    """a relay that grants no short records, and one that does (openssl); what it told is what openssl measures"""
    for port in (aiosmtpd.ports["starttls"], postfix.ports["starttls"]):
        found = told(port, "--trust", pki.ca)[1]
        said = s_client(port, pki.ca, "-maxfraglen", "512", "-tlsextdebug")
        assert found["max_fragment_length"] == ("TLS server extension \"max fragment length\"" in said)
        assert found["buffer"] == max(837, found["record"])


# ---- To a firmware in two commands -------------------------------------------------------------------------------------

def trust_probe(port, *options, host="localhost"):
    return subprocess.run([COMMAND, "trust", "--probe", *map(str, options), f"{host}:{port}"], capture_output=True, text=True,
                          timeout=LIMIT_S)


def test_header_of_the_root(postfix, pki, tmp_path):
    """of many CAs the one; what it makes verifies that relay"""
    many = tmp_path / "many.pem"
    many.write_text((pki.dir / "otherca.pem").read_text() + open(pki.ca).read())
    port = postfix.ports["starttls"]
    made = trust_probe(port, "--trust", many)
    assert (made.returncode, made.stderr) == (VERIFIED, "")
    assert made.stdout == subprocess.run([COMMAND, "trust", pki.ca], capture_output=True, text=True).stdout
    assert run(build(tmp_path, made.stdout), pki.ca, port) == (0, "delivered: no trouble\n")


def test_pins_of_a_relay(postfix, pki):
    """its own key first, as the probe shows them; the words in any order"""
    port = postfix.ports["rsa"]
    made = subprocess.run([COMMAND, "trust", "--trust", pki.ca, "--pin", f"localhost:{port}", "--probe"], capture_output=True, text=True)
    assert made.returncode == VERIFIED, made.stderr
    shown = [key["pin"] for key in json.loads(probe(port, "--json", "--trust", pki.ca).stdout)["chain"]]
    assert re.findall(r"sha256:[A-Za-z0-9+/]+=*", made.stdout) == shown and "mote_trust_pins" in made.stdout


@pytest.mark.parametrize("leaf", ["stranger", "wrongname", "expired"])
def test_no_header_of_a_stranger(postfix, pki, leaf):
    made = trust_probe(postfix.ports[leaf], "--trust", pki.ca)
    assert (made.returncode, made.stdout) == (UNVERIFIED, "")
    assert re.fullmatch(rf"mailmote: localhost port {postfix.ports[leaf]}: .*\n", made.stderr)
    told = f"no trusted CA has signed it (asked were those of {pki.ca}): give its CA with --trust FILE.pem"
    assert (told in made.stderr) == (leaf == "stranger")


def test_no_header_of_nobody(closed):
    host, port = closed.split(":")
    made = trust_probe(port, host=host)
    assert (made.returncode, made.stdout) == (UNREACHABLE, "") and "no connection came about" in made.stderr

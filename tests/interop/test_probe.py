# SPDX-License-Identifier: MIT
"""`mailmote probe`: what it says of real servers is what openssl s_client sees, and what the command then meets; hostile ones reach
no terminal and take no time."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from board import TOP
from cell import BUILD
from relay import COMMAND
from scripted import Contexts, Relay
from test_attacks_certificates import forged  # noqa: F401 (fixture)
from test_trust_header import STRICT, build, make_ca, openssl, run

VERIFIED, UNVERIFIED, USAGE, UNREACHABLE = 0, 1, 64, 75
SERVERS = ["postfix", "aiosmtpd", "exim", "sendmail"]


def probe(port, *options, host="localhost"):
    done = subprocess.run([COMMAND, "probe", *map(str, options), f"{host}:{port}"], capture_output=True, text=True, timeout=200)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def told(port, *options, **more):
    done = probe(port, "--json", *options, **more)
    assert done.stdout.endswith("\n") and done.stdout[:-1].isprintable(), done.stdout
    return done.returncode, json.loads(done.stdout)


def s_client(port, ca, *options, starttls=True):
    words = ["openssl", "s_client", *(["-starttls", "smtp"] if starttls else []), "-connect", f"localhost:{port}", "-CAfile", ca,
             "-verify_hostname", "localhost", "-showcerts", "-tls1_2", *options]
    return subprocess.run(words, input="QUIT\r\n", capture_output=True, text=True, timeout=60).stdout


def pem_facts(pem):
    told = openssl("x509", "-noout", "-subject", "-issuer", "-startdate", "-enddate", "-dateopt", "iso_8601", text=pem.encode()).decode()
    pin = openssl("dgst", "-sha256", "-binary", text=openssl("pkey", "-pubin", "-outform", "DER", text=openssl(
        "x509", "-noout", "-pubkey", text=pem.encode())))
    names = [re.sub(r" = ", "=", name) for name in re.findall(r"^(?:subject|issuer)=(.*)$", told, re.M)]
    return names, [date.rstrip("Z") for date in re.findall(r"^not\w+=(.*)$", told, re.M)], pin


def check_same_chain(found, said):
    chain = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", said, re.S)
    assert len(found["chain"]) == len(chain) >= 1
    for one, pem in zip(found["chain"], chain):
        (subject, issuer), (begin, end), pin = pem_facts(pem)
        assert (one["subject"], one["issuer"], one["from"], one["until"]) == (subject, issuer, begin, end)
        assert one["pin"] == "sha256:" + openssl("base64", "-A", text=pin).decode()


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
                              capture_output=True, text=True, timeout=60)
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
                               *os.environ["BEARSSL_LIB"].split(), "-o", tmp_path / "lines"], capture_output=True, text=True, timeout=60)
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
    relay = Says([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"], context)
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
                          timeout=120)


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


# ---- Where there is no relay, or a hostile one ------------------------------------------------------------------------

def test_nobody(closed):
    host, port = closed.split(":")
    done = probe(port, host=host)
    assert done.returncode == UNREACHABLE and "Connection refused" in done.stdout and "no connection came about" in done.stdout
    assert told(port, host=host)[1]["trouble"].startswith("no connection came about: are the name and the port right")


def test_no_such_name():
    done = probe(25, host="no-such-host.invalid")
    assert done.returncode == UNREACHABLE and "no-such-host.invalid" in done.stdout


@pytest.mark.parametrize("words, said", [
    ([], "no relay is given"),
    (["a", "b"], "one relay at a time"),
    (["--trust"], "--trust has no value"),
    (["--bogus", "a"], "unknown option --bogus"),
    (["a:99999"], "the port is a number from 1 to 65535"),
    (["a\"b"], "no host has such a name"),
    (["--tls", "maybe", "a"], "give starttls or implicit"),
])
def test_usage(words, said):
    done = subprocess.run([COMMAND, "probe", *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (USAGE, "") and said in done.stderr, done.stderr


def test_trust_file_is_wrong(closed):
    done = probe(25, "--trust", "/nonexistent.pem")
    assert done.returncode == 66 and "/nonexistent.pem cannot be read" in done.stderr


class Says:
    """a relay that says these lines, each as the answer to one of ours, and then nothing; TLS follows with a context"""

    def __init__(self, lines, context=None, once=False):
        self.lines, self.context, self.once, self.silent = lines, context, once, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            if self.once and self.silent:
                self.silent.append(link)
                continue
            self.silent.append(None)
            threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link):
        try:
            link.settimeout(60)
            for i, line in enumerate(self.lines):
                if i:
                    link.recv(4096)
                link.sendall(line)
            if self.context:
                with self.context.wrap_socket(link, server_side=True) as tls:
                    tls.recv(4096)
                    tls.sendall(b"250-hello\r\n250 SIZE 1000\r\n")
                    tls.recv(4096)
        except (OSError, ssl.SSLError):
            pass
        finally:
            link.close()


ESCAPE = b"\x1b[2J\x07\xff\"\\"


@pytest.mark.parametrize("lines, trouble", [
    ([b"554 go away " + ESCAPE + b"\r\n"], "its greeting is not 220"),
    ([b"220 hi " + ESCAPE + b"\r\n", b"502 what?\r\n"], "it refuses EHLO"),
    ([b"220 hi\r\n", b"250-" + ESCAPE + b"\r\n250 " + ESCAPE + b"\r\n"], "it does not offer STARTTLS"),
    ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 " + ESCAPE + b"\r\n"], "it does not do STARTTLS"),
    ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b"no TLS at all\r\n" * 10], "it grants STARTTLS, and then speaks no TLS"),
    ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b""], "the handshake failed: the relay hung up"),
    ([b"* OK IMAP4\r\n"], "that is no mail relay: is it the right port"),
    ([b"220-" + b"x" * 9000 + b"\r\n" * 5000], "its greeting is not 220"),
    ([b"\0" * 100 + b"\r\n"], "that is no mail relay"),
])
def test_hostile(lines, trouble):
    relay = Says(lines)
    done = probe(relay.port)
    assert done.returncode == UNVERIFIED and trouble in done.stdout, done.stdout
    assert done.stdout.isascii() and not set(done.stdout) & {chr(c) for c in range(32) if c != 10}
    status, found = told(relay.port)
    assert status == UNVERIFIED and trouble in found["trouble"]


@pytest.mark.parametrize("options, trouble", [([], "that is no mail relay: is it the right port"),
                                              (["--tls", "implicit"], "it does not speak TLS from the first octet: try port 587")])
def test_another_kind_of_server(options, trouble):
    """that waits, as SSH does; and a relay that wants STARTTLS. It is told at once"""
    for words in b"SSH-2.0-OpenSSH_9.2\r\n", b"220 relay.test ESMTP\r\n":
        relay, begun = Says([words, b"500 what?\r\n", b""]), time.monotonic()
        done = probe(relay.port, *options)
        assert done.returncode == UNVERIFIED and (trouble in done.stdout or (words[:3] == b"220" and not options)), done.stdout
        assert time.monotonic() - begun < 29               # the time limit is 30


def test_who_hangs_up():
    done = probe(Says([b""]).port)
    assert done.returncode == UNREACHABLE and "it hung up without a word" in done.stdout and "--tls implicit" in done.stdout
    assert "verdict         not verified: it has shown no certificate\n" in done.stdout


def test_a_relay_that_stops_answering(tmp_path):
    """TLS once, then every connection is taken and nothing is said: it ends, and tells what it has learned"""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key", "-out",
            tmp_path / "cert", "-subj", "/CN=x")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    relay = Says([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"], context, once=True)
    status, found = told(relay.port)
    assert status == UNVERIFIED and found["tls"] == "1.2" and found["ciphers"] == [] and len(found["chain"]) == 1


def test_hostile_certificate(tmp_path):
    """escape sequences in its names"""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key", "-out",
            tmp_path / "cert", "-utf8", "-subj", "/CN=\x1b[2Jü\"\\\\x/O=*\\/")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    relay = Says([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"], context)
    done = probe(relay.port)
    assert done.returncode == UNVERIFIED and "CN=\\x1B[2Jü" in done.stdout, done.stdout
    assert done.stdout.replace("\n", "").isprintable()
    assert told(relay.port)[1]["chain"][0]["subject"].startswith("CN=\\x1B[2J")


CA_OF_NONE, UNKNOWN = "a certificate in the chain is no CA's", "a certificate has a key or a signature mailmote does not know"
UNREADABLE = "its certificates are damaged, too long or too many"


@pytest.mark.parametrize("name, verdict, trouble", [
    ("good, below an intermediate", "verified", ""), ("the year 9999", "verified", ""), ("a common name alone", "verified", ""),
    ("version 1", "verified", ""), ("no subject", "verified", ""), ("RSA of 2048 bits, exponent 3", "verified", ""), ("P-384", "verified", ""),
    ("60 KB of an extension", "verified", ""), ("60 strangers behind a good one", "verified", UNREADABLE),
    ("a month of 13", "not verified: it has shown no certificate", UNREADABLE),
    ("expired intermediate", "a certificate is expired or not yet valid", ""), ("a spoilt signature", "no trusted CA has signed it", ""),
    ("intermediates in the wrong order", "the chain is out of order, or not signed by a trusted CA", ""),
    ("below a leaf", CA_OF_NONE, ""), ("below a certificate of version 1", CA_OF_NONE, ""), ("two below a CA for one", CA_OF_NONE, ""),
    ("name constraints", "BearSSL refuses the chain with error 57", ""), ("for clients", "the certificate is not for servers", ""),
    ("a NUL behind the name", "the certificate is for another name", ""), ("SHA-1", UNKNOWN, ""), ("MD5, below an intermediate", UNKNOWN, ""),
    ("RSA of 1024 bits", "a key of less than 2048 bits is in the chain", ""),
    ("RSA, an exponent of 200 bits", UNKNOWN, "the handshake failed: BearSSL's error"),
    ("Ed25519", "not verified: it has shown no certificate", "the relay said TLS alert 40")])
def test_forged_chains(pki, forged, name, verdict, trouble):  # noqa: F811
    """are judged as the command judges them (test_attacks_certificates.py), and the verdict says why; `trust' shows the same keys"""
    relay = Relay(Contexts(pki), "a", [])
    relay.play({"TLS": f"forged {name}"})
    status, found = told(relay.port, "--trust", pki.ca)
    relay.stop()
    assert (found["verdict"], status) == (verdict, VERIFIED if verdict == "verified" else UNVERIFIED)
    assert trouble in found["trouble"] and bool(trouble) == bool(found["trouble"])
    done = subprocess.run([COMMAND, "trust", "--pin", pki.chain(f"forged {name}")], capture_output=True, text=True, timeout=60)
    shown = re.findall(r"sha256:[A-Za-z0-9+/]+=*", done.stdout)
    assert trouble or (done.returncode == 0 and set(shown) == {one["pin"] for one in found["chain"]}), done
    assert "Sanitizer" not in done.stderr

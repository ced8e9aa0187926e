# SPDX-License-Identifier: MIT
"""`mailmote probe' where there is no relay, an odd one, or a hostile one: it reaches no terminal and takes no time."""
import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from clock import Clock
from forge import LOCAL, Forge, extension
from pretend import pretend, refusing
from relay import BAD_CONFIG, COMMAND, LIMIT_S
from says import UNTIL_TLS, Says, own_context
from scripted import Contexts, Relay
from test_attacks_certificates import forged  # noqa: F401 (fixture)
from test_probe import UNREACHABLE, UNVERIFIED, USAGE, VERIFIED, probe, told
from test_trust_header import make_ca, openssl


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
    (["a\"b"], "--relay a...: give HOST or HOST:PORT alone"),
    (["--tls", "maybe", "a"], "give starttls or implicit"),
])
def test_usage(words, said):
    done = subprocess.run([COMMAND, "probe", *words], capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout) == (USAGE, "") and said in done.stderr, done.stderr


def test_trust_file_is_wrong(closed):
    done = probe(25, "--trust", "/nonexistent.pem")
    assert done.returncode == 66 and "/nonexistent.pem cannot be read" in done.stderr


def test_offers(tmp_path):
    """each is told, with a NUL in it, too; of logins each once, of all lines, also of those of the old form"""
    inside = [b"220 hi\r\n", b"250-hello\r\n250-AUTH=LOGIN PLAIN\r\n250-X \0 Y\r\n250 AUTH LOGIN X\r\n"]
    context = own_context(tmp_path)
    said = probe(Says([], context, inside=inside).port, "--tls", "implicit").stdout
    found = told(Says([], context, inside=inside).port, "--tls", "implicit")[1]
    assert found["login"] == "LOGIN PLAIN X" and "\nlogin           LOGIN PLAIN X\n" in said
    assert found["offers_tls"] == ["AUTH=LOGIN PLAIN", "X \\x00 Y", "AUTH LOGIN X"]


ESCAPE = b"\x1b[2J\x07\xff\"\\"


@pytest.mark.parametrize("lines, trouble", [
    ([b"554 go away " + ESCAPE + b"\r\n"], "its greeting is not 220"),
    ([b"220 hi " + ESCAPE + b"\r\n", b"502 what?\r\n"], "it refuses EHLO"),
    ([b"220 hi\r\n", b"250-" + ESCAPE + b"\r\n250 " + ESCAPE + b"\r\n"], "it does not offer STARTTLS"),
    ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 " + ESCAPE + b"\r\n"], "it does not do STARTTLS"),
    ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b"no TLS at all\r\n" * 10], "it grants STARTTLS, and then speaks no TLS"),
    ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b""], "the handshake failed: the relay hung up"),
    ([b"* OK IMAP4\r\n"], "that is no mail relay: is it the right port"),
    (UNTIL_TLS + [b"\0" * 100], "it grants STARTTLS, and then speaks no TLS"),
    ([b"220 hi\r\n", b"2\n"], "it refuses EHLO"),
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


class GoneBehind:
    """a context whose relay goes when it has said that it would encrypt from now on"""
    CHANGE = b"\x14\x03\x03\0\1\1"

    def __init__(self, context):
        self.context = context

    def wrap_socket(self, link, server_side):
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(heard, said, server_side)
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            octets = said.read()
            link.sendall(octets[:octets.index(self.CHANGE) + len(self.CHANGE)] if self.CHANGE in octets else octets)
            if self.CHANGE in octets:
                raise OSError
            heard.write(link.recv(4096))


def test_who_goes_in_the_handshake(tmp_path):
    """has spoken TLS"""
    done = probe(Says(UNTIL_TLS, GoneBehind(own_context(tmp_path))).port)
    assert done.returncode == UNVERIFIED and "trouble         the handshake failed: the relay hung up\n" in done.stdout, done.stdout


class After:
    """a context whose relay does something before it speaks TLS"""

    def __init__(self, context, first):
        self.context, self.first = context, first

    def wrap_socket(self, link, server_side):
        self.first()
        return self.context.wrap_socket(link, server_side=server_side)


@pytest.mark.parametrize("late, ends", [(0, [8, 16, 24]), (4, [12, 20, 28]), (5, [13, 21])])
def test_a_relay_that_stops_answering(tmp_path, late, ends):
    """TLS once, then every connection is taken and nothing is said: each has 8 s, none is begun behind 20, and it tells what it has learned"""
    clock, seen, done = Clock(tmp_path), [], threading.Event()
    begun, relay = clock.now, Says(UNTIL_TLS, After(own_context(tmp_path), lambda: clock.set(clock.now + late)), once=True)

    def pass_time():
        while not done.wait(0.001):
            if len(relay.silent) > len(seen) + 1:
                clock.hear(relay.silent[len(seen) + 1])
                seen.append(clock.now - begun)

    passing = threading.Thread(target=pass_time, daemon=True)
    passing.start()
    status, found = told(relay.port, wrap=pretend(**clock.settings))
    done.set()
    passing.join(LIMIT_S)
    assert status == UNVERIFIED and found["tls"] == "1.2" and found["ciphers"] == [] and len(found["chain"]) == 1
    assert (seen, len(relay.silent)) == (ends, len(ends) + 1) and found["record_free"] == 0 and found["record"] > 0


def test_a_slow_relay(tmp_path):
    """takes 6 s for each conversation: of what is not asked any more behind 20 nothing is told"""
    clock = Clock(tmp_path)
    relay = Says(UNTIL_TLS, After(own_context(tmp_path), lambda: clock.set(clock.now + 6)))
    _, found = told(relay.port, wrap=pretend(**clock.settings))
    assert (found["ciphers"], found["curves"], len(relay.silent)) == (["CHACHA20_POLY1305_SHA256", "AES_128_GCM_SHA256"], [], 4)


MUCH = b"".join(b"250-X%d\r\n" % n for n in range(1000, 1400)) + b"250-\r\n250-Y\r\n250-TIGHT\n250 SIZE 1000\r\n"


def test_a_reply_of_more_than_there_is_room_for(tmp_path):
    """lines are kept as far as they go, those of one octet or that end in LF alone too"""
    status, found = told(Says(UNTIL_TLS, own_context(tmp_path), inside=(MUCH,)).port)
    assert status == UNVERIFIED and found["trouble"] == "" and found["record_free"] > 2900
    assert found["offers_tls"][:3] == ["X1001", "X1002", "X1003"] and 300 < len(found["offers_tls"]) < 390
    status, found = told(Says(UNTIL_TLS, own_context(tmp_path), inside=(MUCH[MUCH.index(b"250-X1399"):],)).port)
    assert found["offers_tls"] == ["Y", "TIGHT", "SIZE 1000"]


@pytest.mark.parametrize("greeting, hello, told_of", [
    (b"\n", None, []), (b"\r\n", None, []),
    (b"220-" + b"x" * 70 + b"\r\n220-two\r\n220 three\r\n", b"250-hi\r\n250-Y\r\n250 Z\r\n", ["Y", "Z"]),
    (b"220 hi\r\n", b"250-hi\r\n250-ONE\0FIVE\r\n250 SIX\r\n", ["ONE\\x00FIVE", "SIX"]), (b"559-" + b"x" * 70 + b"\r\n559 two\r\n", None, [])])
def test_lines_of_one_reply(greeting, hello, told_of):
    """all of them, a NUL in them or not, whatever digits the code has, and nothing of the reply before, which was longer"""
    _, found = told(Says([greeting, *([hello] if hello else [])]).port)
    assert found["greeting"].count("x" * 70) == greeting.count(b"x" * 70) and found["greeting"][-3:] == greeting.decode().strip()[-3:]
    assert found["offers_clear"] == told_of


@pytest.mark.parametrize("octets, record, free", [(20, 49, 49), (512, 541, 541), (513, 541, 542), (1000, 541, 1029)])
def test_the_longest_records(tmp_path, octets, record, free):
    """are told, of those that are encrypted: a reply has a header of 5 octets before it, and 24 of AES-GCM, in as many records as it needs"""
    context = own_context(tmp_path)
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0")
    relay = Says(UNTIL_TLS, context, inside=(b"250-hello\r\n250 " + b"x" * (octets - 17) + b"\r\n",))
    _, found = told(relay.port)
    assert (found["record"], found["record_free"], found["buffer"], found["max_fragment_length"]) == (record, free, 837, True)
    assert f"records         {record} octets the longest, {free} when not asked for short ones: a buffer of 837 will" in probe(relay.port).stdout


@pytest.mark.parametrize("lines, learned", [([b""], []), (UNTIL_TLS, ["ciphers", "curves", "record_free"])])
def test_no_memory(tmp_path, lines, learned):
    """whichever allocation fails: that is said, or it is one of a further conversation, of which less is learned and nothing else"""
    context, mark, words = own_context(tmp_path), tmp_path / "refused", []
    command = [COMMAND, "probe", "--json", "--trust", tmp_path / "cert", f"localhost:{Says(lines, context if learned else None).port}"]
    for number in range(100):
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env={**os.environ, **refusing(number, mark)})
        found = json.loads(done.stdout or "{}")
        if number == 0:
            whole = found
        elif not mark.exists() or all(found.get(name) == whole[name] for name in whole if name not in learned):
            break
        mark.unlink(missing_ok=True)
        words += [done.stderr + found.get("trouble", "") + found.get("verdict", "")]
    assert len(words) > 3 and all("memory" in said for said in words[1:]), words
    assert (mark.exists() and found != whole) == bool(learned)


@pytest.mark.parametrize("code", [0, 40, 255])
def test_an_alert_of_the_relay(code):
    said = told(Says([*UNTIL_TLS, bytes([21, 3, 3, 0, 2, 2, code])]).port)[1]["trouble"]
    assert said == f"the handshake failed: the relay said TLS alert {code}"


@pytest.mark.parametrize("curve, shown", [("prime256v1", "P-256"), ("secp384r1", "P-384")])
def test_one_curve_alone(tmp_path, curve, shown):
    """is told, though the certificate is on another, and no other is"""
    context = own_context(tmp_path)
    context.set_ecdh_curve(curve)
    assert told(Says(UNTIL_TLS, context).port)[1]["curves"] == [shown]


@pytest.mark.parametrize("left, kept", [(6, "FINAL"), (5, "FINA"), (4, "FIN"), (3, "FI"), (2, "F"), (1, None)])
def test_the_last_line_there_is_room_for(left, kept):
    """is cut: `left` octets are behind those before it, with the ends of lines, and one more for the NUL"""
    lines = ["X%04d" % n for n in range(339)] + ["Y" * (2047 - 339 * 6 - 1 - left)]
    reply = "".join(f"250-{line}\r\n" for line in ["relay.test", *lines]) + "250 FINAL\r\n"
    _, found = told(Says([b"220 hi\r\n", reply.encode()]).port)
    assert found["offers_clear"] == lines + [kept] * (kept is not None)


@pytest.mark.parametrize("lines, inside, trouble", [(UNTIL_TLS, (b"502 what?\r\n",), "it refuses EHLO inside TLS"),
                                                    ([], (), "it says nothing in TLS: is it a mail relay?"),
                                                    ([], (b"554 no\r\n",), "its greeting is not 220"),
                                                    ([], (b"220 hi\r\n", b"502 what?\r\n"), "it refuses EHLO")])
def test_what_it_says_inside_tls(tmp_path, lines, inside, trouble):
    """of a relay that does TLS and no mail its pin and ciphers are told all the same"""
    status, found = told(Says(lines, own_context(tmp_path), inside=inside).port, *([] if lines else ["--tls", "implicit"]))
    assert status == UNVERIFIED and trouble in found["trouble"], found["trouble"]
    assert found["tls"] == "1.2" and "AES_128_GCM_SHA256" in found["ciphers"] and len(found["chain"]) == 1


def test_old_ciphers_tls_first_and_no_name(tmp_path):
    """each is in the lines to configure it"""
    context = own_context(tmp_path)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0")
    done = probe(Says([], context, inside=(b"220 hi\r\n", b"250-hello\r\n250 SIZE 1\r\n")).port, "--tls", "implicit", host="127.0.0.1")
    assert done.returncode == UNVERIFIED and "ciphers         AES_128_CBC_SHA256 \n" in done.stdout, done.stdout
    assert " tls=implicit pin=sha256:" in done.stdout and ", .tls = MOTE_TLS_IMPLICIT}" in done.stdout and " tls-name=" not in done.stdout
    assert "  mote_trust_cbc(&relay.trust);\n" in done.stdout and "an address has no name to verify: give --tls-name (name none, " in done.stdout


@pytest.mark.parametrize("cipher, shown", [("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256"), ("AES128-GCM-SHA256", "AES_128_GCM_SHA256"),
                                           ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"), ("AES256-SHA384", "AES_256_CBC_SHA384")])
def test_one_cipher_alone(tmp_path, cipher, shown):
    """is told, and whether firmware must be told to take it; no conversation is held that tells nothing"""
    context = own_context(tmp_path)
    context.set_ciphers(f"ECDHE-ECDSA-{cipher}:@SECLEVEL=0")
    relay = Says(UNTIL_TLS, context)
    done = probe(relay.port)
    assert f"ciphers         {shown} \n" in done.stdout and ("mote_trust_cbc" in done.stdout) == ("CBC" in shown), done.stdout
    assert relay.heard.count(b"STARTTLS\r\n") <= 14    # 2, 7 for ciphers, 5 for curves; less on a busy machine


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_an_address_with_colons(tmp_path):
    """is between brackets where it is shown to be copied"""
    try:
        relay = Says(UNTIL_TLS, own_context(tmp_path), host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6: {error}")
    done = probe(relay.port, host="[::1]")
    assert done.returncode == UNVERIFIED and f"  relay [::1]:{relay.port} pin=" in done.stdout and '.host = "::1"' in done.stdout


@pytest.mark.parametrize("options, port, lines, asked", [([], None, UNTIL_TLS, 587), (["--tls", "implicit"], None, [], 465), ([], 465, [], 465)])
def test_ports(tmp_path, options, port, lines, asked):
    """those of RFC 6409 and RFC 8314, where none is given; at the second TLS comes first, whatever was said"""
    inside = (b"220 hi\r\n",) * (not lines) + (b"250-hello\r\n250 SIZE 1\r\n",)
    relay = Says(lines, own_context(tmp_path), inside=inside)
    status, found = told(port, *options, wrap=pretend(PORT=relay.port))
    assert (status, found["port"], found["tls"], found["trouble"]) == (UNVERIFIED, asked, "1.2", "")


def test_its_addresses_and_this_hosts_name(tmp_path):
    """each that was tried is shown"""
    relay = Says(UNTIL_TLS, own_context(tmp_path))
    wrap = pretend(ADDRESSES="127.0.0.2 127.0.0.1", HOST="mote.example.org")
    assert told(relay.port, wrap=wrap)[1]["addresses"] == [f"127.0.0.2 port {relay.port}: Connection refused", f"connected to 127.0.0.1 port {relay.port}"]
    assert set(relay.heard) >= {b"EHLO mote.example.org\r\n", b"STARTTLS\r\n"}
    assert re.search(rf"addresses +127.0.0.2 port {relay.port}: Connection refused\n +connected to 127.0.0.1 port {relay.port}\n",
                     probe(relay.port, wrap=wrap).stdout)


def test_a_server_that_is_trusted_itself(tmp_path):
    """its certificate is no CA's; others of the file have a key that cannot be used, or are not needed"""
    context = own_context(tmp_path, "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost")
    make_ca(tmp_path, "other", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-out", tmp_path / "ed.pem", "-subj", "/CN=ed")
    (tmp_path / "all").write_text("".join((tmp_path / name).read_text() for name in ("ed.pem", "cert", "other.pem")))
    status, found = told(Says(UNTIL_TLS, context).port, "--trust", tmp_path / "all")
    assert (status, found["verdict"], found["root"]["subject"]) == (VERIFIED, "verified", "CN=x")


def test_who_says_nothing(tmp_path):
    """for as long as there is time: it is told where that was"""
    relay, found, when = Says(UNTIL_TLS, own_context(tmp_path)), {"trouble": ""}, 2
    while "handshake" not in found["trouble"]:
        wrap = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject=poll:retval=0:when={when}+"]
        status, found = told(relay.port, wrap=wrap)
        assert status == (UNREACHABLE if when == 2 else UNVERIFIED) and found["trouble"]
        assert when != 2 or "it said nothing for 30 s: does it want TLS" in found["trouble"]
        when += 4
    assert found["trouble"] == "the handshake failed: the relay said nothing for 30 s"


def test_no_file_of_cas():
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    wrap = ["strace", "-qq", "-o", "/dev/null", *(word for call in ("access", "?faccessat", "?faccessat2") for word in ("-e", f"inject={call}:error=ENOENT"))]
    done = probe(25, host="127.0.0.1", wrap=wrap)
    assert (done.returncode, done.stdout) == (BAD_CONFIG, "") and "the system has no CA file" in done.stderr


def test_hostile_certificate(tmp_path):
    """escape sequences in its names"""
    relay = Says(UNTIL_TLS, own_context(tmp_path, subject="/CN=\x1b[2Jü\"\\\\x/O=*\\/"))
    done = probe(relay.port)
    assert done.returncode == UNVERIFIED and "CN=\\x1B[2Jü" in done.stdout, done.stdout
    assert done.stdout.replace("\n", "").isprintable()
    assert told(relay.port)[1]["chain"][0]["subject"].startswith("CN=\\x1B[2J")


@pytest.mark.parametrize("octets", [16384, 16385])
def test_the_longest_certificate_that_is_told(pki, tmp_path, octets):
    """by -v, has 16384 octets"""
    forge, der, pad = Forge(pki), b"", octets - 500
    while len(der) != octets:                              # a signature on a curve has more octets or less
        pad += octets - len(der) if der else 0
        der = forge.certificate("localhost", None, LOCAL, extension("unknown", bytes(pad)))
    forge.store(f"of {octets}", der)
    relay = Relay(Contexts(pki), "a", [])
    relay.play({"TLS": f"of {octets}"})
    sent = subprocess.run([COMMAND, "send", "-v", "--from", "s@example.org", "--relay", f"localhost:{relay.port}", "a@example.test"],
                          input="x\n", capture_output=True, text=True, timeout=LIMIT_S, env={"MAILMOTE_CONF": ""})
    relay.stop()
    assert ("* certificate of CN=localhost\n" in sent.stderr) == (octets == 16384), sent.stderr
    assert ("* certificate longer than 16384 octets\n" in sent.stderr) == (octets > 16384), sent.stderr


@pytest.mark.parametrize("name", ["relay.test", "relay.test.", "a", "a."])
def test_name_that_the_certificate_is_asked_for(tmp_path, name):
    """RFC 6066 3: without a final dot"""
    context, asked = own_context(tmp_path), set()
    context.sni_callback = lambda link, name, context: asked.add(name)
    assert told(Says(UNTIL_TLS, context).port, "--tls-name", name)[0] == UNVERIFIED
    assert asked == {name.removesuffix(".")}


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
    """are judged as the command judges them (test_attacks_certificates.py), and the verdict says why; `trust' and -v show the same keys"""
    relay = Relay(Contexts(pki), "a", [])
    relay.play({"TLS": f"forged {name}"})
    status, found = told(relay.port, "--trust", pki.ca)
    sent = subprocess.run([COMMAND, "send", "-v", "--from", "s@example.org", "--relay", f"localhost:{relay.port}", "--trust", pki.ca, "a@example.test"],
                          input="x\n", capture_output=True, text=True, timeout=LIMIT_S, env={"MAILMOTE_CONF": ""})
    relay.stop()
    pins = [re.search(r"^\* pin (\S+)$", sent.stderr, re.M)[1]] if "* certificate of" in sent.stderr else []
    long = name == "60 KB of an extension"
    assert long == ("* certificate longer than 16384 octets\n" in sent.stderr), sent.stderr
    assert not found["chain"] or pins == [found["chain"][0]["pin"]] or long, sent.stderr
    assert pins or long or "* certificate that cannot be read" in sent.stderr or "alert 40" in trouble, sent.stderr
    assert (found["verdict"], status) == (verdict, VERIFIED if verdict == "verified" else UNVERIFIED)
    assert trouble in found["trouble"] and bool(trouble) == bool(found["trouble"])
    done = subprocess.run([COMMAND, "trust", "--pin", pki.chain(f"forged {name}")], capture_output=True, text=True, timeout=LIMIT_S)
    shown = re.findall(r"sha256:[A-Za-z0-9+/]+=*", done.stdout)
    assert trouble or (done.returncode == 0 and set(shown) == {one["pin"] for one in found["chain"]}), done
    assert "Sanitizer" not in done.stderr

# SPDX-License-Identifier: MIT
"""Certificates as an attacker has them: for another name, another purpose, another time, with another's key, without a CA's right to
sign, weak, malformed, too many. With trust the mail waits, is told why, and no word of it is said; an opportunistic relay takes
it where the handshake itself is sound."""
import functools

import pytest

from attack import Attack, played
from forge import LOCAL, Forge, authority, extension, permitted, purposes, san, tlv

TLS, TRIED = "a: EHLO STARTTLS [EHLO MAIL RCPT DATA . QUIT]", "a: EHLO STARTTLS"
UNTRUSTED, NAME, DATE, INVALID, NO_COMMON = "no trusted CA", "for another name", "expired or not yet valid", "malformed, weak", "no TLS version or"
GOOD = ""
NEVER, LATER = ("200101000000Z", "200102000000Z"), ("20490101000000Z", "20491231235959Z")


def leaf(forge, *extensions, **more):
    return [forge.certificate("mailmote test leaf", None, *(extensions or (LOCAL,)), **more)]


def below(forge, *extensions, middle=None, **more):
    """a leaf below an intermediate CA with these extensions"""
    return [forge.certificate("mailmote test leaf", "middle", LOCAL, signer="k-other", **(middle or {})),
            forge.certificate("middle", None, *extensions, key="k-other", **more)]


def deep(forge, depth):
    """a leaf below so many intermediates, each signed by the one behind it"""
    chain = [forge.certificate("mailmote test leaf", "middle 1", LOCAL, signer="k-other")]
    for i in range(1, depth + 1):
        last = i == depth
        chain.append(forge.certificate(f"middle {i}", None if last else f"middle {i + 1}", authority(), key="k-other",
                                       signer="ca" if last else "k-other"))
    return chain


def two_below(forge):
    """leaf, lower, upper"""
    return deep(forge, 2)


# name -> (chain of the forge, what is told with trust)
CHAINS = {
    "good": (leaf, GOOD),
    "good, below an intermediate": (lambda f: below(f, authority()), GOOD),
    "not yet valid": (lambda f: leaf(f, dates=LATER), DATE),
    "expired": (lambda f: leaf(f, dates=NEVER), DATE),
    "ends before it begins": (lambda f: leaf(f, dates=("491231235959Z", "200101000000Z")), DATE),
    "expired intermediate": (lambda f: below(f, authority(), dates=NEVER), DATE),
    "a month of 13": (lambda f: leaf(f, dates=("201301000000Z", "491231235959Z")), INVALID),
    "the year 9999": (lambda f: leaf(f, dates=("200101000000Z", "99991231235959Z")), GOOD),
    "by somebody else with the CA's name": (lambda f: leaf(f, signer="k-other"), INVALID + "|" + UNTRUSTED),
    "a spoilt signature": (lambda f: leaf(f, spoil=True), INVALID + "|" + UNTRUSTED),
    "signed by itself": (lambda f: [f.certificate("localhost", "localhost", LOCAL, signer="k-ec")], UNTRUSTED),
    "signed by itself, in the CA's name": (lambda f: [f.certificate("mailmote test ca", None, LOCAL, signer="k-ec")], INVALID + "|" + UNTRUSTED),
    "by nobody known": (lambda f: [f.certificate("localhost", "nobody", LOCAL, signer="k-other")], UNTRUSTED),
    "without its intermediate": (lambda f: below(f, authority())[:1], UNTRUSTED),
    "intermediates in the wrong order": (lambda f: [two_below(f)[0], *two_below(f)[:0:-1]], UNTRUSTED),
    "twice the leaf": (lambda f: [below(f, authority())[0], *below(f, authority())], UNTRUSTED),
    "below a leaf": (lambda f: below(f, LOCAL), INVALID + "|" + UNTRUSTED),
    "below one that is no CA": (lambda f: below(f, extension("constraints", tlv(0x30), True)), INVALID + "|" + UNTRUSTED),
    "below a certificate of version 1": (lambda f: below(f, version=1), INVALID + "|" + UNTRUSTED),
    "two below a CA for one": (lambda f: [f.certificate("mailmote test leaf", "lower", LOCAL, signer="k-other"),
                                          f.certificate("lower", "upper", authority(), key="k-other", signer="k-other"),
                                          f.certificate("upper", None, authority(0), key="k-other")], INVALID + "|" + UNTRUSTED),
    "name constraints": (lambda f: below(f, authority(), permitted("example.org", True)), INVALID),
    "name constraints that allow it": (lambda f: below(f, authority(), permitted("localhost", True)), INVALID),
    "name constraints that say they may be passed over": (lambda f: below(f, authority(), permitted("example.org", False)), GOOD),
    "a critical extension nobody knows": (lambda f: leaf(f, LOCAL, extension("unknown", b"\5\0", True)), INVALID),
    "an extension nobody knows": (lambda f: leaf(f, LOCAL, extension("unknown", b"\5\0")), GOOD),
    "for clients": (lambda f: leaf(f, LOCAL, purposes("clients")), INVALID),
    "for clients, critical": (lambda f: leaf(f, LOCAL, purposes("clients", critical=True)), INVALID),
    "for clients and servers": (lambda f: leaf(f, LOCAL, purposes("clients", "servers")), GOOD),
    "for any purpose": (lambda f: leaf(f, LOCAL, purposes("any")), GOOD),
    "another name": (lambda f: leaf(f, san("localhost.example.org")), NAME),
    "a name that ends so": (lambda f: leaf(f, san("xlocalhost", "x.localhost")), NAME),
    "a name that begins so": (lambda f: leaf(f, san("localhosts", "localhost.x")), NAME),
    "a wildcard for all": (lambda f: leaf(f, san("*", "*.*", "*.")), NAME),
    "half a wildcard": (lambda f: leaf(f, san("local*", "l*t", "*localhost")), NAME),
    "a NUL behind the name": (lambda f: leaf(f, san((2, b"localhost\0.example.org"))), NAME),
    "a NUL in front of the name": (lambda f: leaf(f, san((2, b"\0localhost"))), NAME),
    "a name of no octets": (lambda f: leaf(f, san("")), NAME),
    "a blank behind the name": (lambda f: leaf(f, san("localhost ")), NAME),
    "upper case": (lambda f: leaf(f, san("LocalHost")), GOOD),
    "the name as an address": (lambda f: leaf(f, san((1, b"localhost"))), NAME),
    "the name as a URI": (lambda f: leaf(f, san((6, b"localhost"))), NAME),
    "the address alone": (lambda f: leaf(f, san((7, bytes([127, 0, 0, 1])))), NAME),
    "a common name alone": (lambda f: [f.certificate("localhost", None)], GOOD),
    "another common name alone": (lambda f: [f.certificate("example.org", None)], NAME),
    "the common name, and other names": (lambda f: [f.certificate("localhost", None, san("example.org"))], NAME),
    "version 1": (lambda f: [f.certificate("localhost", None, version=1)], GOOD),
    "no subject": (lambda f: [f.certificate("", None, LOCAL)], GOOD),
    "3,000 names": (lambda f: leaf(f, san(*(f"{i}.example.org" for i in range(3000)), "localhost")), GOOD),
    "3,000 other names": (lambda f: leaf(f, san(*(f"{i}.example.org" for i in range(3000)))), NAME),
    "60 KB of an extension": (lambda f: leaf(f, LOCAL, extension("unknown", bytes(60000))), GOOD),
    "a long serial number": (lambda f: leaf(f, serial=b"\x7f" * 200), GOOD),
    "61 certificates": (lambda f: deep(f, 60), GOOD),
    "61 certificates without an end": (lambda f: deep(f, 61)[:-1], UNTRUSTED),
    "60 strangers behind a good one": (lambda f: leaf(f) + [f.certificate("stranger", "nobody", authority(), signer="k-other")] * 60, GOOD),
    "SHA-1": (lambda f: leaf(f, digest="sha1"), INVALID + "|" + UNTRUSTED),
    "MD5, below an intermediate": (lambda f: [f.certificate("mailmote test leaf", "middle", LOCAL, signer="k-rsa", digest="md5"),
                                              f.certificate("middle", None, authority(), key="k-rsa")], INVALID + "|" + UNTRUSTED),
}
RSA = ("-algorithm", "RSA", "-pkeyopt")
# name -> (how openssl makes the relay's key, what is told with trust, what without)
KEYS = {
    "RSA of 1024 bits": ((*RSA, "rsa_keygen_bits:1024"), INVALID, GOOD),
    "RSA of 2048 bits, exponent 3": ((*RSA, "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"), GOOD, GOOD),
    "RSA, an exponent of 33 bits": ((*RSA, "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:4294967311"), INVALID, INVALID),
    "RSA, an exponent of 200 bits": ((*RSA, "rsa_keygen_bits:2048", "-pkeyopt", f"rsa_keygen_pubexp:{2 ** 199 + 1}"), INVALID, INVALID),
    "Ed25519": (("-algorithm", "ED25519"), NO_COMMON, NO_COMMON),
    "P-521": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"), "TLS|unsupported", "TLS|unsupported"),
    "secp256k1": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "TLS|unsupported", "TLS|unsupported"),
    "P-384": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), GOOD, GOOD),
}


def attack(name, trust, told):
    delivered = told == GOOD
    return Attack({"TLS": f"forged {name}"}, TLS if delivered else TRIED, "delivered" if delivered else "deferred", told, trust=trust)


ATTACKS = {}
for name, (_, told) in CHAINS.items():
    ATTACKS[f"{name}: trust"] = attack(name, "trust", told)
    ATTACKS[f"{name}: none"] = attack(name, "none", INVALID if "month" in name else GOOD)  # it cannot be read
for name, (_, with_trust, without) in KEYS.items():
    ATTACKS[f"{name}: trust"] = attack(name, "trust", with_trust)
    ATTACKS[f"{name}: none"] = attack(name, "none", without)
ATTACKS["expired: login"] = attack("expired", "login", DATE)
ATTACKS["another name: login"] = attack("another name", "login", NAME)


@functools.lru_cache(maxsize=None)
def make_all(pki):
    forge = Forge(pki)
    for name, (chain, _) in CHAINS.items():
        forge.store(f"forged {name}", *chain(forge))
    for i, (name, (options, _, _)) in enumerate(KEYS.items()):
        key = forge.key(f"k-{i}", *options)
        forge.store(f"forged {name}", *leaf(forge, key=key), key=key)


@pytest.fixture(scope="session")
def forged(pki):
    """all of the chains; each module that names this fixture has its own, but not its own chains"""
    make_all(pki)


@pytest.mark.parametrize("name, pieces", played(ATTACKS))
def test_certificate(forged, name, pieces, attack):
    attack()

# SPDX-License-Identifier: MIT
"""Chains under TLSA records: what counts for a CA that a record names (usage 2), and what does not for a key (usage 3)."""
import hashlib
import pathlib
import subprocess
import time

import pytest

from clock import LIMIT_S
from conftest import COMMAND
from pki import DAYS, Pki

CA = "critical,CA:TRUE"
SIGN = "critical,keyCertSign"
# name -> (who signs, kind of key, basicConstraints, keyUsage, name as a host, days)
MADE = {
    "ca": (None, "ec", CA, SIGN, None, DAYS),
    "rsaca": (None, "rsa", CA, SIGN, None, DAYS),
    "mid": ("ca", "ec", CA, SIGN, None, DAYS),
    "low": ("mid", "ec", CA, SIGN, None, DAYS),
    "oldmid": ("ca", "ec", CA, SIGN, None, "-1"),
    "oldca": (None, "ec", CA, SIGN, None, "-1"),
    "zero": (None, "ec", CA + ",pathlen:0", SIGN, None, DAYS),
    "belowzero": ("zero", "ec", CA, SIGN, None, DAYS),
    "crl": (None, "ec", CA, "critical,cRLSign", None, DAYS),
    "noca": (None, "ec", "critical,CA:FALSE", SIGN, None, DAYS),
    "stranger": (None, "ec", CA, SIGN, None, DAYS),
    "p521": (None, "p521", CA, SIGN, None, DAYS),
    "ed": (None, "ed", CA, SIGN, None, DAYS),
    "leaf": ("ca", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "rsaleaf": ("rsaca", "rsa", "CA:FALSE", "digitalSignature,keyEncipherment", "mx.example", DAYS),
    "oldleaf": ("ca", "ec", "CA:FALSE", "digitalSignature", "mx.example", "-1"),
    "midleaf": ("mid", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "lowleaf": ("low", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "oldmidleaf": ("oldmid", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "oldcaleaf": ("oldca", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "zeroleaf": ("zero", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "belowzeroleaf": ("belowzero", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "crlleaf": ("crl", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "nocaleaf": ("noca", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "p521leaf": ("p521", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "edleaf": ("ed", "ec", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
    "self": (None, "ec", CA, "critical,keyCertSign,digitalSignature", "mx.example", DAYS),
    "withed": ("ca", "ed", "CA:FALSE", "digitalSignature", "mx.example", DAYS),
}
KINDS = {"ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "p521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "ed": ["ED25519"]}
OK, SIGNATURE, NO_TIME, DATE, NAME, NOT_CA, USAGE, UNTRUSTED = 0, 52, 53, 54, 56, 58, 59, 62


class Chains(Pki):
    def __init__(self, directory):
        self.dir = directory
        for name, made in MADE.items():
            self._make(name, *made)
        # the same CA's key and name in a certificate by somebody else
        self._openssl("req", "-new", "-key", "ca.key", "-subj", "/CN=ca", "-out", "cross.csr")
        (directory / "cross.ext").write_text(f"basicConstraints={CA}\nkeyUsage={SIGN}\n")
        self._sign("cross", "stranger", DAYS)
        # the CA's name, and another key
        self._openssl("req", "-x509", "-new", "-key", "stranger.key", "-days", DAYS, "-out", "fake.pem", "-subj", "/CN=ca")
        self._der("fake")

    def _der(self, name):
        self._openssl("x509", "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.der")

    def _sign(self, name, signer, days):
        by = ["-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-CAcreateserial"] if signer else ["-signkey", f"{name}.key"]
        self._openssl("x509", "-req", "-in", f"{name}.csr", *by, "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        self._der(name)

    def _make(self, name, signer, kind, constraints, usage, host, days):
        self._openssl("genpkey", "-algorithm", *KINDS[kind], "-out", f"{name}.key")
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        names = f"subjectAltName=DNS:{host}\n" if host else ""
        (self.dir / f"{name}.ext").write_text(f"basicConstraints={constraints}\nkeyUsage={usage}\n{names}")
        self._sign(name, signer, days)

    def data(self, selector, matching, name):
        file = self.dir / f"data.{selector}.{matching}.{name}"
        octets = (self.dir / f"{name}.der").read_bytes() if selector == 0 else self._openssl(
            "pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER")
        file.write_bytes({0: octets, 1: hashlib.sha256(octets).digest(), 2: hashlib.sha512(octets).digest()}[matching])
        return file

    def judge(self, records, chain, base="mx.example", domain="-", alias="-", now=None):
        words = [str(word) for u, s, m, name in records for word in (u, s, m, self.data(s, m, name))]
        now = int(time.time()) if now is None else now
        done = subprocess.run([pathlib.Path(COMMAND).parent / "tests/judge", base, domain, alias, str(now), *words, "--",
                               *(f"{name}.der" for name in chain)], cwd=self.dir, capture_output=True, text=True, timeout=LIMIT_S)
        assert done.returncode == 0, done.stderr
        return int(done.stdout) if done.stdout.strip().isdigit() else done.stdout.strip()


@pytest.fixture(scope="module")
def chains(tmp_path_factory):
    return Chains(tmp_path_factory.mktemp("chains"))


ALL_FORMS = [(selector, matching) for selector in (0, 1) for matching in (0, 1, 2)]


@pytest.mark.parametrize("selector, matching", ALL_FORMS)
def test_each_form_of_a_record(chains, selector, matching):
    for leaf, ca in (("leaf", "ca"), ("rsaleaf", "rsaca")):
        assert chains.judge([(3, selector, matching, leaf)], [leaf]) == OK
        assert chains.judge([(2, selector, matching, ca)], [leaf, ca]) == OK
        for usage, of in ((3, ca), (2, leaf), (2, "stranger"), (3, "stranger")):
            assert chains.judge([(usage, selector, matching, of)], [leaf, ca]) != OK, (usage, of)


@pytest.mark.parametrize("ca, chain, expected", [
    ("ca", ["midleaf", "mid", "ca"], OK),
    ("mid", ["midleaf", "mid", "ca"], OK),
    ("mid", ["midleaf", "mid"], OK),
    ("ca", ["lowleaf", "low", "mid", "ca"], OK),
    # in any order, and with others among them
    ("ca", ["lowleaf", "ca", "mid", "low"], OK),
    ("ca", ["lowleaf", "mid", "stranger", "ca", "low", "zero"], OK),
    ("mid", ["midleaf", "ca", "mid"], OK),
    # what another has given that CA
    ("ca", ["leaf", "cross", "ca"], OK),
    ("ca", ["midleaf", "mid", "cross", "ca"], OK),
    ("cross", ["leaf", "ca", "cross"], OK),
    # something is missing, or comes twice
    ("ca", ["midleaf", "ca"], UNTRUSTED),
    ("ca", ["lowleaf", "low", "ca"], UNTRUSTED),
    ("ca", ["leaf"], UNTRUSTED),
    ("ca", ["leaf", "leaf", "leaf", "ca", "ca"], OK),
    ("ca", ["leaf", "stranger"], UNTRUSTED),
    # the name of that CA, but not its key
    ("fake", ["leaf", "fake"], SIGNATURE),
    # what a CA may do
    ("zero", ["zeroleaf", "zero"], OK),
    ("zero", ["belowzeroleaf", "belowzero", "zero"], NOT_CA),
    ("belowzero", ["belowzeroleaf", "belowzero", "zero"], OK),
    ("crl", ["crlleaf", "crl"], USAGE),
    ("noca", ["nocaleaf", "noca"], NOT_CA),
    # dates
    ("ca", ["oldleaf", "ca"], DATE),
    ("ca", ["oldmidleaf", "oldmid", "ca"], DATE),
    ("oldca", ["oldcaleaf", "oldca"], DATE),
])
def test_the_way_to_a_ca(chains, ca, chain, expected):
    assert chains.judge([(2, 0, 1, ca)], chain) == expected
    if expected != OK:
        assert chains.judge([(2, 0, 0, ca)], chain) != OK or (ca, chain) == ("ca", ["leaf"]) or (ca, chain) == ("ca", ["leaf", "stranger"])


def test_a_ca_that_is_not_sent_is_in_the_record(chains):
    assert chains.judge([(2, 0, 0, "ca")], ["leaf"]) == OK
    assert chains.judge([(2, 0, 0, "ca")], ["midleaf", "mid"]) == OK
    assert chains.judge([(2, 0, 0, "ca")], ["midleaf"]) == UNTRUSTED
    assert chains.judge([(2, 0, 0, "zero")], ["belowzeroleaf", "belowzero"]) == NOT_CA
    assert chains.judge([(2, 0, 0, "oldca")], ["oldcaleaf"]) == DATE
    assert chains.judge([(2, 0, 0, "fake")], ["leaf"]) == SIGNATURE
    assert chains.judge([(2, 1, 0, "ca")], ["leaf"]) == UNTRUSTED      # a CA's name is not in it


@pytest.mark.parametrize("names, expected", [
    ({}, OK),
    ({"base": "MX.example"}, OK),
    ({"base": "other.example"}, NAME),
    ({"base": "other.example", "domain": "mx.example"}, OK),
    ({"base": "other.example", "alias": "mx.example"}, OK),
    ({"base": "other.example", "domain": "d.example", "alias": "mx.example"}, OK),
    ({"base": "other.example", "domain": "d.example", "alias": "e.example"}, NAME),
    ({"base": "example"}, NAME),
    ({"base": "a.mx.example"}, NAME),
])
def test_names(chains, names, expected):
    assert chains.judge([(2, 1, 1, "ca")], ["leaf", "ca"], **names) == expected
    assert chains.judge([(3, 1, 1, "leaf")], ["leaf", "ca"], **names) == OK


def test_usage_3_has_no_date_no_name_and_no_ca(chains):
    assert chains.judge([(3, 1, 1, "oldleaf")], ["oldleaf"], base="other.example") == OK
    assert chains.judge([(3, 0, 1, "oldcaleaf")], ["oldcaleaf"], base="other.example", now=0) == OK
    assert chains.judge([(3, 1, 1, "leaf")], ["leaf"], now=1) == OK


def test_usage_2_needs_the_time(chains):
    assert chains.judge([(2, 1, 1, "ca")], ["leaf", "ca"], now=0) == NO_TIME
    assert chains.judge([(2, 1, 1, "ca")], ["leaf", "ca"], now=1000000000) == DATE


def test_of_several_records_one_decides(chains):
    chain = ["leaf", "ca"]
    assert chains.judge([(3, 1, 1, "stranger"), (2, 1, 1, "ca")], chain) == OK
    assert chains.judge([(2, 1, 1, "stranger"), (3, 1, 1, "leaf")], chain) == OK
    assert chains.judge([(2, 1, 1, "ca"), (2, 1, 1, "stranger")], chain, base="other.example") == NAME     # it came nearest
    assert chains.judge([(3, 1, 1, "stranger")] * 63 + [(3, 1, 1, "leaf")], chain) == OK


def test_eight_ways_to_a_ca_are_verified(chains):
    """else the records say how long a handshake takes; those that no way leads to cost nothing"""
    fake, stranger, ca = ((2, 0, 0, name) for name in ("fake", "stranger", "ca"))
    assert chains.judge([fake] * 7 + [stranger] * 50 + [ca], ["leaf"]) == OK
    assert chains.judge([fake] * 8 + [ca], ["leaf"]) == SIGNATURE
    assert chains.judge([fake] * 63 + [(3, 1, 1, "leaf")], ["leaf"]) == OK


def test_the_better_digest_counts_of_the_same_usage_and_selector_alone(chains):
    """RFC 7671 9"""
    chain = ["leaf", "ca"]
    assert chains.judge([(3, 1, 1, "leaf"), (3, 1, 2, "stranger")], chain) == UNTRUSTED
    assert chains.judge([(3, 1, 2, "stranger"), (3, 1, 1, "leaf")], chain) == UNTRUSTED
    assert chains.judge([(3, 1, 1, "leaf"), (3, 0, 2, "stranger")], chain) == OK
    assert chains.judge([(3, 1, 1, "leaf"), (2, 1, 2, "stranger")], chain) == OK
    assert chains.judge([(3, 1, 0, "leaf"), (3, 1, 2, "stranger")], chain) == OK
    assert chains.judge([(3, 1, 2, "leaf"), (3, 1, 1, "stranger")], chain) == OK
    assert chains.judge([(2, 1, 1, "ca"), (2, 1, 2, "stranger")], chain) == UNTRUSTED


def test_a_host_that_is_its_own_ca(chains):
    """a record of usage 2 is of a CA behind the host's own certificate"""
    assert chains.judge([(3, 1, 1, "self")], ["self"]) == OK
    assert chains.judge([(2, 1, 1, "self")], ["self"]) == UNTRUSTED


@pytest.mark.parametrize("octets", ["3000", "30023000", "30043002a000", "300630040201023000"])
def test_a_certificate_that_ends_too_early_is_no_ca(chains, octets):
    (chains.dir / "short.der").write_bytes(bytes.fromhex(octets))
    assert chains.judge([(2, 1, 1, "ca")], ["leaf", "short"]) == UNTRUSTED
    assert chains.judge([(2, 1, 1, "ca")], ["leaf", "short", "ca"]) == OK


def test_what_bearssl_cannot_do_fails_safe(chains):
    assert chains.judge([(3, 1, 1, "withed")], ["withed", "ca"]) != OK
    for ca, leaf in (("p521", "p521leaf"), ("ed", "edleaf")):
        assert chains.judge([(2, 1, 1, ca)], [leaf, ca]) != OK

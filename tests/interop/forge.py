# SPDX-License-Identifier: MIT
"""Certificates that no CA should sign, made to measure: an X.509 writer for the tests' PKI. openssl makes the keys and signs."""
import base64
import functools
import pathlib
import subprocess

from clock import LIMIT_S

OIDS = {"CN": "550403", "SAN": "551d11", "constraints": "551d13", "purposes": "551d25", "names": "551d1e",
        "unknown": "2b0601040182371501", "servers": "2b06010505070301", "clients": "2b06010505070302", "any": "551d2500"}
# signature algorithm of a kind of key, and the digest
SIGNED = {("ec", "sha256"): "300a06082a8648ce3d040302", ("ec", "sha1"): "300906072a8648ce3d0401",
          ("rsa", "sha256"): "300d06092a864886f70d01010b0500", ("rsa", "md5"): "300d06092a864886f70d0101040500"}
SIGNED = {key: bytes.fromhex(value) for key, value in SIGNED.items()}
YES = b"\x01\x01\xff"


def tlv(tag, *contents):
    content = b"".join(contents)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big") if size < 65536 else b"\x83" + size.to_bytes(3, "big")
    return bytes([tag]) + length + content


def oid(name):
    return tlv(6, bytes.fromhex(OIDS[name]))


def common_name(text):
    return tlv(0x30, tlv(0x31, tlv(0x30, oid("CN"), tlv(12, text.encode())))) if text else tlv(0x30)


def date(text):
    return tlv(0x17 if len(text) == 13 else 0x18, text.encode())


def extension(name, value, critical=False):
    return tlv(0x30, oid(name), YES * critical, tlv(4, value))


def san(*names):
    """alternative names: text for DNS, or (number of the kind, octets)"""
    pairs = [(2, name.encode()) if isinstance(name, str) else name for name in names]
    return extension("SAN", tlv(0x30, *(tlv(0x80 + kind, octets) for kind, octets in pairs)))


def authority(depth=None):
    return extension("constraints", tlv(0x30, YES, tlv(2, bytes([depth])) if depth is not None else b""), True)


def purposes(*names, critical=False):
    return extension("purposes", tlv(0x30, *map(oid, names)), critical)


def permitted(name, critical):
    """name constraints: only names below this one"""
    return extension("names", tlv(0x30, tlv(0xa0, tlv(0x30, tlv(0x82, name.encode())))), critical)


LOCAL = san("localhost")


class Forge:
    """Writes chains into the PKI's directory, where a relay finds them by name. Keys are "ec" or "rsa", made once, or those of `make`."""

    def __init__(self, pki):
        self.pki = pki
        for name, kind in (("k-ec", "ec"), ("k-other", "ec"), ("k-rsa", "rsa")):
            pki._key(name, kind)

    def key(self, name, *options):
        self.pki._openssl("genpkey", *options, "-out", f"{name}.key")
        return name

    @functools.lru_cache(maxsize=None)
    def public(self, key):
        return self.pki._openssl("pkey", "-in", f"{key}.key", "-pubout", "-outform", "DER")

    @functools.lru_cache(maxsize=None)
    def root(self):
        """the subject of the trusted CA"""
        return common_name("mailmote test ca")

    def certificate(self, subject, issuer=None, *extensions, key="k-ec", signer="ca", digest="sha256", version=3,
                    dates=("200101000000Z", "491231235959Z"), serial=b"\x11", spoil=False):
        """DER. `issuer` None is the trusted CA"""
        algorithm = SIGNED["rsa" if "rsa" in signer else "ec", digest]
        last = tlv(0xa3, tlv(0x30, *extensions)) if extensions else b""
        body = tlv(0x30, tlv(0xa0, tlv(2, bytes([version - 1]))) if version > 1 else b"", tlv(2, serial), algorithm,
                   self.root() if issuer is None else common_name(issuer), tlv(0x30, *map(date, dates)), common_name(subject),
                   self.public(key), last)
        signature = subprocess.run(["openssl", "dgst", f"-{digest}", "-sign", self.pki.key(signer)], input=body, check=True,
                                   capture_output=True, timeout=LIMIT_S).stdout
        if spoil:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return tlv(0x30, body, algorithm, tlv(3, b"\0", signature))

    def store(self, name, *chain, key="k-ec"):
        """a chain that a relay is given by that name"""
        text = b"".join(b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(der) for der in chain)
        directory = pathlib.Path(self.pki.dir)
        (directory / f"{name}.chain.pem").write_bytes(text)
        (directory / f"{name}.key").write_bytes((directory / f"{key}.key").read_bytes())

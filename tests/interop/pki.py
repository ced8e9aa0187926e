# SPDX-License-Identifier: MIT
"""The certificates of one test session, made by openssl in a temporary directory: a good CA with an ECDSA
and an RSA leaf, and one leaf for each way a certificate can be wrong."""
import base64
import hashlib
import subprocess

from clock import LIMIT_S

DAYS = "3650"
GOOD = "DNS:localhost,DNS:mail.example.test"
# name of the leaf -> (who signs, kind of key, subject alternative names, further options of `openssl x509`)
LEAVES = {
    "ecdsa": ("ca", "ec", GOOD, ["-days", DAYS]),
    "rsa": ("ca", "rsa", GOOD, ["-days", DAYS]),
    "ip": ("ca", "ec", "IP:127.0.0.1", ["-days", DAYS]),
    "wrongname": ("ca", "ec", "DNS:mail.example.org", ["-days", DAYS]),
    "wildcard": ("ca", "ec", "DNS:*.test", ["-days", DAYS]),
    "expired": ("ca", "ec", GOOD, ["-days", "-1"]),
    "stranger": ("otherca", "ec", GOOD, ["-days", DAYS]),
    "selfsigned": (None, "ec", GOOD, ["-days", DAYS]),
}


class Pki:
    def __init__(self, directory):
        self.dir = directory
        for name in ("ca", "otherca"):
            self._ca(name, "ec")
        for name, leaf in LEAVES.items():
            self._leaf(name, *leaf)
        self.ca = str(directory / "ca.pem")

    def key(self, name):
        return str(self.dir / f"{name}.key")

    def chain(self, name):
        """leaf first, then its CA"""
        return str(self.dir / f"{name}.chain.pem")

    def pin(self, name):
        """what --pin wants: the SHA-256 of the public key"""
        der = self._openssl("pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER")
        return "sha256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def _openssl(self, *args):
        return subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True, timeout=LIMIT_S).stdout

    def _key(self, name, kind):
        algorithm, option = {"ec": ("EC", "ec_paramgen_curve:P-256"), "rsa": ("RSA", "rsa_keygen_bits:2048")}[kind]
        self._openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", f"{name}.key")

    def _ca(self, name, kind):
        self._key(name, kind)
        self._openssl("req", "-x509", "-new", "-key", f"{name}.key", "-days", DAYS, "-out", f"{name}.pem",
                      "-subj", f"/CN=mailmote test {name}", "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _leaf(self, name, signer, kind, names, options):
        self._key(name, kind)
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", "/CN=mailmote test leaf", "-out", f"{name}.csr")
        (self.dir / f"{name}.ext").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        by = ["-signkey", f"{name}.key"]
        if signer:
            by = ["-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-CAcreateserial"]
        self._openssl("x509", "-req", "-in", f"{name}.csr", *by, *options, "-extfile", f"{name}.ext",
                      "-out", f"{name}.pem")
        chain = (self.dir / f"{name}.pem").read_text() + ((self.dir / f"{signer}.pem").read_text() if signer else "")
        (self.dir / f"{name}.chain.pem").write_text(chain)

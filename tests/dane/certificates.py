# SPDX-License-Identifier: MIT
"""Certificates of the mail hosts, and TLSA records of them."""
import hashlib

from pki import DAYS, Pki

# leaf -> (who signs, names, options of `openssl x509`)
LEAVES = {
    "one": ("ca", ["mx.ta211.example", "mx.ta201.example", "mx.ta200.example", "mx.ta210.example", "nexthop.example", "mx.target.example"], DAYS),
    "two": ("otherca", ["mx.two.example"], DAYS),
    "expired": ("ca", ["mx.taexpired.example"], "-1"),
    "wrongname": ("ca", ["mail.example.org"], DAYS),
    "postfix": ("ca", ["mx.postfix.example"], DAYS),
}


class Certificates(Pki):
    def __init__(self, directory):
        self.dir = directory
        for name in ("ca", "otherca"):
            self._ca(name, "ec")
        for name, (signer, names, days) in LEAVES.items():
            self._leaf(name, signer, "ec", ",".join(f"DNS:{n}" for n in names), ["-days", days])

        self._between("ca", "middle")
        self._leaf("deep", "middle", "ec", "DNS:mx.deep.example", ["-days", DAYS])
        chain = self.dir / "deep.chain.pem"
        chain.write_text(chain.read_text() + (self.dir / "ca.pem").read_text())
        self._leaf("long", "ca", "ec", "DNS:mx.long.example", ["-days", DAYS])
        (self.dir / "long.chain.pem").write_text((self.dir / "long.pem").read_text() + 16 * (self.dir / "ca.pem").read_text())

    def _between(self, ca, name):
        """a CA that this one has signed"""
        self._key(name, "ec")
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN=mailmote test {name}", "-out", f"{name}.csr")
        (self.dir / f"{name}.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", DAYS,
                      "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def tlsa(self, usage, selector, matching, name):
        """the record's data, as text"""
        if selector == 0:
            octets = self._openssl("x509", "-in", f"{name}.pem", "-outform", "DER")
        else:
            octets = self._openssl("pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER")
        data = {0: octets.hex(), 1: hashlib.sha256(octets).hexdigest(), 2: hashlib.sha512(octets).hexdigest()}[matching]
        return f"TLSA {usage} {selector} {matching} {data}"

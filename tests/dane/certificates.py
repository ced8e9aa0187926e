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

    def tlsa(self, usage, selector, matching, name):
        """the record's data, as text"""
        if selector == 0:
            octets = self._openssl("x509", "-in", f"{name}.pem", "-outform", "DER")
        else:
            octets = self._openssl("pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER")
        data = {0: octets.hex(), 1: hashlib.sha256(octets).hexdigest(), 2: hashlib.sha512(octets).hexdigest()}[matching]
        return f"TLSA {usage} {selector} {matching} {data}"

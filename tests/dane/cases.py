# SPDX-License-Identifier: MIT
"""The cases: what stands in DNS for a domain, and what becomes of a mail to it."""
from net import BROKEN_TLSA, CLIENT, NO_TLSA, OTHER_SERVER, RESOLVER, ROOT_SERVER, SILENT, host

# Mail hosts by their last number: the certificate, and what else is to be said.
GOOD, STRANGER, CLEAR, EXPIRED, WRONG_NAME, POSTFIX, LEAF_ALONE, DOWN = range(1, 9)
CERTIFICATES = {GOOD: "one", STRANGER: "two", CLEAR: None, EXPIRED: "expired", WRONG_NAME: "wrongname", LEAF_ALONE: "one"}
ADDRESSES = [ROOT_SERVER, RESOLVER, NO_TLSA, BROKEN_TLSA, SILENT, OTHER_SERVER, *map(host, range(1, 8))]

DEFERRED, FAILED = "deferred", "failed"


def tls(n):
    return f"TLS, host {n}"


def clear(n):
    return f"clear, host {n}"


class Case:
    """A domain below example. records: (usage, selector, matching, certificate) or text, at _25._tcp.mx.NAME.example. where says why Postfix
    does another thing, which is then in postfix."""

    def __init__(self, name, at, expected, *records, lines=None, says="", postfix=None, why="", zone="example.", domain=None):
        self.name, self.expected, self.says, self.zone, self.why = name, expected, says, zone, why
        self.domain = domain or f"{name}.{zone}"[:-1]
        self.postfix = postfix or expected
        mx = f"mx.{self.domain}."
        self.lines = lines if lines is not None else [f"{self.domain}. MX 10 {mx}", f"{mx} A {host(at)}"]
        self.records = [(f"_25._tcp.{mx}", record) for record in records]

    def at(self, owner, record):
        self.records.append((owner, record))
        return self

    def zone_lines(self, certificates):
        said = [f"{owner} {r if isinstance(r, str) else certificates.tlsa(*r)}" for owner, r in self.records]
        return [*self.lines, *said]


UNUSABLE = "TLSA 0 0 1 " + 64 * "0"
WRONG = (3, 1, 1, "two")
EE = (3, 1, 1, "one")

CASES = [
    # what a record says
    Case("ee311", GOOD, tls(GOOD), EE),
    Case("ee301", GOOD, tls(GOOD), (3, 0, 1, "one")),
    Case("ee312", GOOD, tls(GOOD), (3, 1, 2, "one")),
    Case("ee310", GOOD, tls(GOOD), (3, 1, 0, "one")),
    Case("ee300", GOOD, tls(GOOD), (3, 0, 0, "one")),
    Case("ta211", GOOD, tls(GOOD), (2, 1, 1, "ca")),
    Case("ta201", GOOD, tls(GOOD), (2, 0, 1, "ca")),
    Case("ta200", LEAF_ALONE, tls(LEAF_ALONE), (2, 0, 0, "ca")),
    Case("ta210", LEAF_ALONE, DEFERRED, (2, 1, 0, "ca"), says="not the pinned one", postfix=tls(LEAF_ALONE),
         why="a CA's key alone, not in the chain, is no anchor here: such records are hardly used, and RFC 7671 5.2.2 advises against"),
    Case("postfix", POSTFIX, tls(POSTFIX), (3, 1, 1, "postfix")),
    Case("eeexpired", EXPIRED, tls(EXPIRED), (3, 1, 1, "expired")),
    Case("eewrongname", WRONG_NAME, tls(WRONG_NAME), (3, 1, 1, "wrongname")),
    Case("taexpired", EXPIRED, DEFERRED, (2, 1, 1, "ca"), says="expired"),
    Case("tawrongname", WRONG_NAME, DEFERRED, (2, 1, 1, "ca"), says="another name"),
    Case("nexthop", GOOD, tls(GOOD), (2, 1, 1, "ca")),
    Case("mismatch", GOOD, DEFERRED, WRONG, says="not the pinned one"),
    Case("wrongdigest", GOOD, DEFERRED, "TLSA 3 1 1 " + 64 * "a", says="not the pinned one"),
    Case("better", GOOD, DEFERRED, EE, (3, 1, 2, "two"), says="not the pinned one"),
    Case("rollover", GOOD, tls(GOOD), WRONG, EE),
    Case("notls", CLEAR, DEFERRED, WRONG, says="does not offer STARTTLS"),
    Case("unusable", STRANGER, tls(STRANGER), UNUSABLE),
    Case("unusablenotls", CLEAR, DEFERRED, UNUSABLE, says="does not offer STARTTLS"),
    Case("none", STRANGER, tls(STRANGER)),
    Case("nonenotls", CLEAR, clear(CLEAR)),
    # what DNSSEC says
    Case("insecure", STRANGER, tls(STRANGER), EE, zone="insecure.example."),
    Case("insecuremx", GOOD, DEFERRED, says="not the pinned one", zone="insecure.example.",
         lines=["insecuremx.insecure.example. MX 10 mx.mismatch.example."]),
    Case("expired", GOOD, DEFERRED, EE, says="DNSSEC refuses", zone="expired.example."),
    Case("bogus", GOOD, DEFERRED, EE, says="DNSSEC refuses", zone="bogus.example."),
    Case("undenied", GOOD, DEFERRED, says="TLSA of _25._tcp.mx.undenied.undenied.example: refused by DNSSEC", zone="undenied.example."),
    Case("notlsa", GOOD, DEFERRED, EE, says="TLSA of _25._tcp.mx.notlsa.notlsa.example: ", zone="notlsa.example."),
    Case("brokentlsa", GOOD, DEFERRED, EE, says="TLSA of _25._tcp.mx.brokentlsa.brokentlsa.example: ", zone="brokentlsa.example."),
    Case("silent", GOOD, DEFERRED, says="MX of silent.silent.example: ", lines=[], zone="silent.example."),
    Case("refused", GOOD, DEFERRED, says="MX of refused.refused.example: the name servers have no answer", lines=[],
         zone="refused.example."),
    # who takes mail
    Case("second", GOOD, tls(STRANGER), WRONG,
         lines=["second.example. MX 10 mx.second.example.", "second.example. MX 20 mx2.second.example.", f"mx.second.example. A {host(GOOD)}",
                f"mx2.second.example. A {host(STRANGER)}"]),
    Case("secondzone", GOOD, tls(GOOD),
         lines=["secondzone.example. MX 10 mx.notlsa.notlsa.example.", "secondzone.example. MX 20 mx.ee311.example."]),
    Case("nullmx", GOOD, FAILED, lines=["nullmx.example. MX 0 ."], says="takes no mail"),
    Case("noaddress", GOOD, FAILED, lines=["noaddress.example. MX 10 nowhere.example."], says="has an address"),
    Case("nodomain", GOOD, FAILED, lines=[], says="there is no domain nodomain.example"),
    Case("nomx", GOOD, tls(GOOD), lines=[f"nomx.example. A {host(GOOD)}"]).at("_25._tcp.nomx.example.", EE),
    Case("nomxwrong", GOOD, DEFERRED, lines=[f"nomxwrong.example. A {host(GOOD)}"], says="not the pinned one").at("_25._tcp.nomxwrong.example.", WRONG),
    Case("alias", GOOD, tls(GOOD), lines=["alias.example. MX 10 mx.alias.example.", "mx.alias.example. CNAME mx.target.example.",
                                          f"mx.target.example. A {host(GOOD)}"]).at("_25._tcp.mx.target.example.", (2, 1, 1, "ca")),
    Case("aliasalone", GOOD, DEFERRED, EE, says="not the pinned one",
         lines=["aliasalone.example. MX 10 mx.aliasalone.example.", "mx.aliasalone.example. CNAME mx.none.example."]),
    Case("aliasout", GOOD, DEFERRED, EE, says="not the pinned one",
         lines=["aliasout.example. MX 10 mx.aliasout.example.", "mx.aliasout.example. CNAME mx.insecure.insecure.example."]),
    Case("aliasdomain", GOOD, tls(GOOD), lines=["aliasdomain.example. CNAME ee311.example."]),
    Case("ourselves", GOOD, FAILED, lines=["ourselves.example. MX 10 mx.ourselves.example.", "ourselves.example. MX 20 mx.none.example.",
                                           f"mx.ourselves.example. A {CLIENT}"], says="come back to this host"),
    Case("behindus", GOOD, tls(GOOD), lines=["behindus.example. MX 10 mx.ee311.example.", "behindus.example. MX 20 mx.ourselves.example."]),
]

# Zones below example.: who serves them, and how they are signed.
SERVERS = {"ns": ROOT_SERVER, "ns-other": OTHER_SERVER, "ns-notlsa": NO_TLSA, "ns-broken": BROKEN_TLSA, "ns-silent": SILENT}
CHILDREN = {
    "insecure.example.": ("ns", "unsigned"), "expired.example.": ("ns", "expired"), "bogus.example.": ("ns", "bogus"),
    "undenied.example.": ("ns", "undenied"), "notlsa.example.": ("ns-notlsa", "signed"), "brokentlsa.example.": ("ns-broken", "signed"),
}
UNSERVED = {"silent.example.": "ns-silent", "refused.example.": "ns-other"}


def zones(certificates):
    made = {zone: (f"{server}.example.", [], how) for zone, (server, how) in CHILDREN.items()}
    test = [f"{name}.example. A {address}" for name, address in SERVERS.items()]
    test += [f"{zone} NS {server}.example." for zone, (server, _) in CHILDREN.items()]
    test += [f"{zone} NS {server}.example." for zone, server in UNSERVED.items()]
    made["example."] = ("ns.example.", test, "signed")
    made["."] = ("ns.example.", ["example. NS ns.example.", f"ns.example. A {ROOT_SERVER}"], "signed")
    for case in CASES:
        if case.zone in made:
            made[case.zone][1].extend(case.zone_lines(certificates))
    made["example."][1].extend(["equal.example. MX 10 mx.ee311.example.", "equal.example. MX 10 mx.unusable.example."])
    return made

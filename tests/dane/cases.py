# SPDX-License-Identifier: MIT
"""The cases: what stands in DNS for a domain, and what becomes of a mail to it."""
from net import HOST_6, NOBODY_6, BROKEN_TLSA, CLIENT, DENIED_TLSA, NO_TLSA, OTHER_SERVER, RESOLVER, RESOLVER_ON_LINK, ROOT_SERVER, SILENT, host

# Mail hosts by their last number: the certificate, and what else is to be said.
GOOD, STRANGER, CLEAR, EXPIRED, WRONG_NAME, POSTFIX, LEAF_ALONE, DOWN = range(1, 9)
DEEP = 20
LONG = 22   # sends 17 certificates
SMALL = 21  # takes mails of ten octets
MUTE = 10   # takes connections where a test lets it, and says nothing
CERTIFICATES = {GOOD: "one", STRANGER: "two", CLEAR: None, EXPIRED: "expired", WRONG_NAME: "wrongname", LEAF_ALONE: "one", DEEP: "deep", LONG: "long", SMALL: None}
ADDRESSES = [ROOT_SERVER, RESOLVER, NO_TLSA, BROKEN_TLSA, SILENT, OTHER_SERVER, DENIED_TLSA, *map(host, range(1, 8)), host(MUTE), host(DEEP), host(SMALL), host(LONG), HOST_6,
             RESOLVER_ON_LINK]

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


def strangers(count, octets):
    """records of keys that nobody has"""
    matching = {32: 1, 64: 2}.get(octets, 0)
    return [f"TLSA 3 1 {matching} {n:02x}{(octets - 1) * 'aa'}" for n in range(count)]


def aliases(name, count):
    """mx.NAME.example. is that many aliases away from an address"""
    names = [f"mx.{name}.example.", *(f"a{n}.{name}.example." for n in range(1, count)), "mx.none.example."]
    return [f"{name}.example. MX 10 {names[0]}", *(f"{one} CNAME {other}" for one, other in zip(names, names[1:]))]


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
    Case("ta210", LEAF_ALONE, DEFERRED, (2, 1, 0, "ca"), says="no TLSA record knows the certificate of ", postfix=tls(LEAF_ALONE),
         why="BearSSL wants a CA by its name, which such a record does not have"),
    Case("ta211alone", LEAF_ALONE, DEFERRED, (2, 1, 1, "ca"), says="no TLSA record knows the certificate of "),
    Case("ta201alone", LEAF_ALONE, DEFERRED, (2, 0, 1, "ca"), says="no TLSA record knows the certificate of "),
    Case("deep", DEEP, tls(DEEP), (2, 1, 1, "ca")),
    Case("deepwrong", DEEP, DEFERRED, (2, 1, 1, "otherca"), says="no TLSA record knows the certificate of "),
    Case("postfix", POSTFIX, tls(POSTFIX), (3, 1, 1, "postfix")),
    Case("eeexpired", EXPIRED, tls(EXPIRED), (3, 1, 1, "expired")),
    Case("eewrongname", WRONG_NAME, tls(WRONG_NAME), (3, 1, 1, "wrongname")),
    Case("taexpired", EXPIRED, DEFERRED, (2, 1, 1, "ca"), says="expired"),
    Case("tawrongname", WRONG_NAME, DEFERRED, (2, 1, 1, "ca"), says="another name"),
    Case("nexthop", GOOD, tls(GOOD), (2, 1, 1, "ca")),
    Case("mismatch", GOOD, DEFERRED, WRONG, says="no TLSA record knows the certificate of "),
    Case("wrongdigest", GOOD, DEFERRED, "TLSA 3 1 1 " + 64 * "a", says="no TLSA record knows the certificate of "),
    Case("better", GOOD, DEFERRED, EE, (3, 1, 2, "two"), says="no TLSA record knows the certificate of "),
    Case("rollover", GOOD, tls(GOOD), WRONG, EE),
    Case("notls", CLEAR, DEFERRED, WRONG, says="does not offer STARTTLS"),
    Case("unusable", STRANGER, tls(STRANGER), UNUSABLE),
    Case("unusablenotls", CLEAR, DEFERRED, UNUSABLE, says="does not offer STARTTLS"),
    Case("none", STRANGER, tls(STRANGER)),
    Case("nonenotls", CLEAR, clear(CLEAR)),
    Case("recordalias", GOOD, tls(GOOD), "CNAME _25._tcp.mx.ee311.example."),
    Case("recordaliasout", STRANGER, tls(STRANGER), "CNAME _25._tcp.mx.insecure.insecure.example."),
    Case("full", GOOD, tls(GOOD), EE, *strangers(58, 1000)),
    Case("toomany", GOOD, DEFERRED, EE, *strangers(64, 32), says="more than 64 records", postfix=tls(GOOD), why="nobody has so many, and no memory is kept for more"),
    Case("long", LONG, DEFERRED, (3, 1, 1, "long"), says="malformed, weak or unsupported", postfix=tls(LONG), why="nobody sends so many, and no memory is kept for more"),
    # what DNSSEC says
    Case("insecure", STRANGER, tls(STRANGER), EE, zone="insecure.example."),
    Case("insecuremx", GOOD, DEFERRED, says="no TLSA record knows the certificate of ", zone="insecure.example.",
         lines=["insecuremx.insecure.example. MX 10 mx.mismatch.example."]),
    Case("expired", GOOD, DEFERRED, EE, says="DNSSEC refuses", zone="expired.example."),
    Case("bogus", GOOD, DEFERRED, EE, says="DNSSEC refuses", zone="bogus.example."),
    Case("undenied", GOOD, DEFERRED, says="TLSA of _25._tcp.mx.undenied.undenied.example: refused by DNSSEC", zone="undenied.example."),
    Case("notlsa", GOOD, DEFERRED, EE, says="TLSA of _25._tcp.mx.notlsa.notlsa.example: ", zone="notlsa.example."),
    Case("brokentlsa", GOOD, DEFERRED, EE, says="TLSA of _25._tcp.mx.brokentlsa.brokentlsa.example: ", zone="brokentlsa.example."),
    Case("iterated", GOOD, tls(GOOD), EE, zone="iterated.example."),
    Case("denied", STRANGER, DEFERRED, EE, says="TLSA of _25._tcp.mx.denied.denied.example: refused by DNSSEC", zone="denied.example.", postfix=tls(STRANGER),
         why="unbound takes a zone with more than 150 iterations for one that is not signed"),
    Case("optout", STRANGER, tls(STRANGER), zone="optout.example."),
    Case("silent", GOOD, DEFERRED, says="MX of silent.silent.example: ", lines=[], zone="silent.example."),
    Case("refused", GOOD, DEFERRED, says="MX of refused.refused.example: the name servers have no answer", lines=[],
         zone="refused.example."),
    Case("test", GOOD, DEFERRED, WRONG, says="no TLSA record knows the certificate of ", zone="test."),
    # who takes mail
    Case("second", GOOD, tls(STRANGER), WRONG,
         lines=["second.example. MX 10 mx.second.example.", "second.example. MX 20 mx2.second.example.", f"mx.second.example. A {host(GOOD)}",
                f"mx2.second.example. A {host(STRANGER)}"]),
    Case("secondzone", GOOD, tls(GOOD),
         lines=["secondzone.example. MX 10 mx.notlsa.notlsa.example.", "secondzone.example. MX 20 mx.ee311.example."]),
    Case("many", GOOD, DEFERRED, says="does not offer STARTTLS",
         lines=[line for n in range(10) for line in (f"many.example. MX {n} mx{n}.many.example.",
                                                     f"mx{n}.many.example. A {host(CLEAR if n < 9 else GOOD)}",
                                                     f"_25._tcp.mx{n}.many.example. {UNUSABLE}")]),
    Case("small", SMALL, FAILED, says="more than the relay takes"),
    Case("smallalone", SMALL, DEFERRED, says="(and of another host: TLSA of _25._tcp.mx.notlsa.notlsa.example: ", postfix=FAILED,
         why="one host's word stands for all",
         lines=["smallalone.example. MX 10 mx.notlsa.notlsa.example.", "smallalone.example. MX 20 mx.small.example."]),
    Case("nullmx", GOOD, FAILED, lines=["nullmx.example. MX 0 ."], says="takes no mail"),
    Case("noaddress", GOOD, FAILED, lines=["noaddress.example. MX 10 nowhere.example."], says="has an address"),
    Case("nodomain", GOOD, FAILED, lines=[], says="there is no domain nodomain.example"),
    Case("nomx", GOOD, tls(GOOD), lines=[f"nomx.example. A {host(GOOD)}"]).at("_25._tcp.nomx.example.", EE),
    Case("nomxwrong", GOOD, DEFERRED, lines=[f"nomxwrong.example. A {host(GOOD)}"], says="no TLSA record knows the certificate of ").at("_25._tcp.nomxwrong.example.", WRONG),
    Case("alias", GOOD, tls(GOOD), lines=["alias.example. MX 10 mx.alias.example.", "mx.alias.example. CNAME mx.target.example.",
                                          f"mx.target.example. A {host(GOOD)}"]).at("_25._tcp.mx.target.example.", (2, 1, 1, "ca")),
    Case("aliasalone", GOOD, DEFERRED, EE, says="no TLSA record knows the certificate of ",
         lines=["aliasalone.example. MX 10 mx.aliasalone.example.", "mx.aliasalone.example. CNAME mx.none.example."]),
    Case("aliasout", GOOD, DEFERRED, EE, says="no TLSA record knows the certificate of ",
         lines=["aliasout.example. MX 10 mx.aliasout.example.", "mx.aliasout.example. CNAME mx.insecure.insecure.example."]),
    Case("aliases", STRANGER, tls(STRANGER), lines=aliases("aliases", 8)),
    Case("aliasesmany", GOOD, DEFERRED, says="A of mx.aliasesmany.example: ", lines=aliases("aliasesmany", 20)),
    Case("aliasloop", GOOD, DEFERRED, says="A of mx.aliasloop.example: ", lines=["aliasloop.example. MX 10 mx.aliasloop.example.",
         "mx.aliasloop.example. CNAME a.aliasloop.example.", "a.aliasloop.example. CNAME mx.aliasloop.example."]),
    Case("aliasdomain", GOOD, tls(GOOD), lines=["aliasdomain.example. CNAME ee311.example."]),
    Case("ourselves", GOOD, FAILED, lines=["ourselves.example. MX 10 mx.ourselves.example.", "ourselves.example. MX 20 mx.none.example.",
                                           f"mx.ourselves.example. A {CLIENT}"], says="come back to this host"),
    Case("besideus", GOOD, FAILED, lines=["besideus.example. MX 10 mx.ee311.example.", "besideus.example. MX 10 mx.ourselves.example."], says="come back to this host"),
    Case("behindus", GOOD, tls(GOOD), lines=["behindus.example. MX 10 mx.ee311.example.", "behindus.example. MX 20 mx.ourselves.example."]),
]

# Zones below example.: who serves them, and how they are signed.
SERVERS = {"ns": ROOT_SERVER, "ns-other": OTHER_SERVER, "ns-notlsa": NO_TLSA, "ns-broken": BROKEN_TLSA, "ns-silent": SILENT, "ns-denied": DENIED_TLSA}
CHILDREN = {
    "insecure.example.": ("ns", "unsigned"), "expired.example.": ("ns", "expired"), "bogus.example.": ("ns", "bogus"),
    "undenied.example.": ("ns", "undenied"), "notlsa.example.": ("ns-notlsa", "signed"), "brokentlsa.example.": ("ns-broken", "signed"),
    "iterated.example.": ("ns", "iterated"), "denied.example.": ("ns-denied", "optout"), "optout.example.": ("ns", "optout"),
}
UNSERVED = {"silent.example.": "ns-silent", "refused.example.": "ns-other"}


# Domains of two hosts each, and what `probe' makes of them: one is authenticated, or none is.
PAIRS = {"ee311-none": 0, "none-ee311": 0, "mute-ee311": 0, "ee311-mute": 0, "none-mute": 1, "mute-none": 1}


def zones(certificates):
    made = {zone: (f"{server}.example.", [], how) for zone, (server, how) in CHILDREN.items()}
    test = [f"{name}.example. A {address}" for name, address in SERVERS.items()]
    test += [f"{zone} NS {server}.example." for zone, (server, _) in CHILDREN.items()]
    test += [f"{zone} NS {server}.example." for zone, server in UNSERVED.items()]
    made["example."] = ("ns.example.", test, "signed")
    made["test."] = ("ns.example.", [], "signed")
    made["."] = ("ns.example.", ["example. NS ns.example.", "test. NS ns.example.", f"ns.example. A {ROOT_SERVER}"], "signed")
    for case in CASES:
        if case.zone in made:
            made[case.zone][1].extend(case.zone_lines(certificates))
    made["example."][1].extend(["equal.example. MX 10 mx.ee311.example.", "equal.example. MX 10 mx.unusable.example.",
                              "six.example. MX 10 mx.six.example.", f"mx.six.example. AAAA {HOST_6}",
                              f"_25._tcp.mx.six.example. {certificates.tlsa(*EE)}",
                              "both.example. MX 10 mx.both.example.", f"mx.both.example. AAAA {NOBODY_6}", f"mx.both.example. A {host(GOOD)}",
                              f"_25._tcp.mx.both.example. {certificates.tlsa(*EE)}",
                              "beside.example. MX 10 mx.nexthop.example.",
                              "mute.example. MX 10 mx.mute.example.", f"mx.mute.example. A {host(MUTE)}",
                              *(f"{pair}.example. MX {n} mx.{name}.example." for pair in PAIRS for n, name in enumerate(pair.split("-"))),
                              *(row for n in range(4) for row in (f"mute{n}.example. MX 10 mx.mute{n}.example.", f"mx.mute{n}.example. A {host(MUTE)}"))])
    return made

# The same for people: core/POLICY.md has the table.
WORDS = {
    "ee311": "3 1 1 of its key",
    "ee301": "3 0 1 of its certificate",
    "ee312": "3 1 2: SHA-512",
    "ee310": "3 1 0: the key itself",
    "ee300": "3 0 0: the certificate itself",
    "ta211": "2 1 1 of its CA's key",
    "ta201": "2 0 1 of its CA",
    "ta200": "2 0 0: the CA itself, which the host does not send",
    "ta210": "2 1 0: the CA's key itself, the CA is not sent",
    "ta211alone": "2 1 1 of its CA's key, the CA is not sent",
    "ta201alone": "2 0 1 of its CA, which is not sent",
    "deep": "2 1 1 of a CA, and another between it and the host",
    "deepwrong": "the same, of another CA",
    "postfix": "3 1 1, the host is Postfix",
    "eeexpired": "3 1 1, the certificate is out of date",
    "eewrongname": "3 1 1, the certificate is for another name",
    "taexpired": "2 1 1, the certificate is out of date",
    "tawrongname": "2 1 1, the certificate is for another name",
    "nexthop": "2 1 1, the certificate is for the domain, not the host",
    "mismatch": "3 1 1 of another key",
    "wrongdigest": "3 1 1, a digest of nothing",
    "better": "3 1 1 of its key, 3 1 2 of another: the better digest counts",
    "rollover": "two records, one of them of its key",
    "notls": "3 1 1, STARTTLS is not offered",
    "unusable": "0 0 1 alone, which cannot be used",
    "unusablenotls": "the same, STARTTLS is not offered",
    "recordalias": "an alias of the record of its key",
    "recordaliasout": "an alias of a record in a zone that is not signed",
    "full": "3 1 1 of its key among 59 records, 60,000 octets",
    "toomany": "65 records, one of them of its key",
    "long": "3 1 1 of its key, the host sends 17 certificates",
    "none": "proven that there is none",
    "nonenotls": "the same, STARTTLS is not offered",
    "insecure": "of another key, in a zone that is not signed",
    "insecuremx": "the domain is not signed, its host is, and has a record of another key",
    "expired": "the zone's signatures are out of date",
    "bogus": "the zone is signed with another key",
    "undenied": "that there is no record is not proven (internot.no)",
    "notlsa": "TLSA is never answered (mail.mil)",
    "brokentlsa": "TLSA is answered with SERVFAIL",
    "iterated": "3 1 1 of its key, in a zone whose NSEC3 has 500 iterations",
    "denied": "the same of another key, and somebody on the way denies it with what the zone signed of another name",
    "optout": "none, in a zone that proves it by NSEC3 with opt-out",
    "silent": "the zone's name server is silent",
    "refused": "the zone's name server does not know it",
    "test": "the domain is below test., which is signed; 3 1 1 of another key",
    "second": "first host: of another key; second host: none",
    "secondzone": "first host: TLSA is never answered; second host: of its key",
    "many": "ten hosts, of which the last alone has TLS, which all of them must have",
    "small": "the host takes no mail of that size",
    "smallalone": "first host: TLSA is never answered; second host: takes no mail of that size",
    "nullmx": "null MX",
    "noaddress": "MX of a host without an address",
    "nodomain": "no such domain",
    "nomx": "no MX, an address; 3 1 1 of its key",
    "nomxwrong": "no MX, an address; 3 1 1 of another key",
    "alias": "the host is an alias; what it stands for has 2 1 1",
    "aliasalone": "the host is an alias; it alone has a record, of another key",
    "aliasout": "the same, of a host in a zone that is not signed",
    "aliases": "the host is eight aliases away from its address",
    "aliasesmany": "the host is twenty aliases away from its address",
    "aliasloop": "the host is an alias of an alias of itself",
    "aliasdomain": "the domain is an alias of one with 3 1 1",
    "ourselves": "the first host is ourselves",
    "besideus": "the first two hosts are equals, and one is ourselves",
    "behindus": "the second host is ourselves",
}


def table():
    """for core/POLICY.md"""
    def words(outcome):
        return {"TLS": "delivered in TLS", "clear": "delivered in clear"}.get(outcome.partition(",")[0], outcome)

    rows = ["| records of the host, or what else there is | mailmote | Postfix |", "|---|---|---|"]
    for case in CASES:
        theirs = "same" if case.postfix == case.expected else f"{words(case.postfix)}: {case.why}"
        rows.append(f"| {WORDS[case.name]} | {words(case.expected)} | {theirs} |")
    return "".join(row + "\n" for row in rows)

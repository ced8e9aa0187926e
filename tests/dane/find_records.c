/* SPDX-License-Identifier: MIT
 *
 * What is known of a host: whose records count, which can be used, what must be proven.
 */
#include "find.h"

#include <stdio.h>
#include <string.h>

void test_aliases(void)
{
    static const struct {
        unsigned how, own_how; /* of the chain to the address; of the alias alone */
        bool there, here;      /* TLSA records of what it stands for, and of itself */
        uint8_t policy;
        const char *base;
    } rows[] = {
        {SECURE, SECURE, true, false, MOTE_DANE_AUTHENTICATED, "target.example"},
        {SECURE, SECURE, true, true, MOTE_DANE_AUTHENTICATED, "target.example"},
        {SECURE, SECURE, false, true, MOTE_DANE_AUTHENTICATED, "mx.example"},
        {SECURE, SECURE, false, false, MOTE_DANE_OPPORTUNISTIC, "mx.example"},
        {0, SECURE, true, true, MOTE_DANE_AUTHENTICATED, "mx.example"},
        {0, SECURE, true, false, MOTE_DANE_OPPORTUNISTIC, "mx.example"},
        {0, 0, true, true, MOTE_DANE_OPPORTUNISTIC, "mx.example"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_clear();
        fake_answer("d.example", MOTE_DANE_MX, SECURE);
        fake_mx(10, "mx.example");
        fake_host("mx.example", rows[i].how, "192.0.2.1");
        fake_alias("target.example.");
        fake_answer("mx.example", MOTE_DANE_CNAME, rows[i].own_how);
        fake_data("\6target\7example", 16);
        if (rows[i].there) {
            fake_answer("_25._tcp.target.example", MOTE_DANE_TLSA, SECURE);
            fake_tlsa(3, 1, 1, 35);
        }
        if (rows[i].here) {
            fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SECURE);
            fake_tlsa(3, 1, 1, 35);
        }
        want_policy("d.example", rows[i].policy, rows[i].base);
    }
    /* in a zone that is not signed TLSA is not asked for: some of its servers never answer */
    fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SILENT);
    want_policy("d.example", MOTE_DANE_OPPORTUNISTIC, "mx.example");
    fake_answer("mx.example", MOTE_DANE_CNAME, SILENT);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_DNS, "CNAME of mx.example: no name server answered in time");
    fake_answer("mx.example", MOTE_DANE_CNAME, BOGUS);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_BOGUS, "CNAME of mx.example: refused by DNSSEC");

    /* the domain is an alias: both its names are good for a certificate, where that is proven */
    for (unsigned how = 0; how <= SECURE; how++) {
        fake_clear();
        fake_answer("d.example", MOTE_DANE_MX, how);
        fake_alias("real.example.");
        fake_mx(10, "mx.example");
        fake_host("mx.example", SECURE, "192.0.2.1");
        find("d.example");
        want(found.count == 1 && (found.hosts[0].domain != NULL) == (how == SECURE) &&
                 (found.hosts[0].alias != NULL) == (how == SECURE),
             "names", "alias of a domain");
        want(how == 0 ||
                 (strcmp(found.hosts[0].domain, "d.example") == 0 && strcmp(found.hosts[0].alias, "real.example") == 0),
             "names", "alias of a domain");
    }
}

void test_proofs(void)
{
    static const struct {
        unsigned address, tlsa;
        uint8_t policy, cause;
    } rows[] = {
        {SECURE, SECURE, MOTE_DANE_AUTHENTICATED, 0}, {0, SECURE, MOTE_DANE_OPPORTUNISTIC, 0},
        {SECURE, 0, MOTE_DANE_OPPORTUNISTIC, 0},      {0, SILENT, MOTE_DANE_OPPORTUNISTIC, 0},
        {SECURE, SILENT, 0, MOTE_CAUSE_DNS},          {SECURE, SERVFAIL, 0, MOTE_CAUSE_DNS},
        {SECURE, BOGUS, 0, MOTE_CAUSE_BOGUS},         {BOGUS, SECURE, 0, MOTE_CAUSE_BOGUS},
        {SERVFAIL, SECURE, 0, MOTE_CAUSE_DNS},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_clear();
        fake_answer("d.example", MOTE_DANE_MX, SECURE);
        fake_mx(10, "mx.example");
        fake_host("mx.example", rows[i].address, "192.0.2.1");
        fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, rows[i].tlsa);
        fake_tlsa(3, 1, 1, 35);
        if (rows[i].cause != 0) {
            want_none("d.example", MOTE_DEFERRED, rows[i].cause, " of ");
        } else {
            want_policy("d.example", rows[i].policy, "mx.example");
        }
        find_exempted = i % 2 == 0 ? "mx.example" : "d.example";
        if ((rows[i].address & (BOGUS | SERVFAIL)) == 0) {
            want_policy("d.example", MOTE_DANE_EXEMPT, "mx.example");
        }
        find_exempted = NULL;
    }
    /* one address is not proven */
    fake_clear();
    fake_host("both.example", SECURE, "192.0.2.1");
    fake_host("both.example", 0, "2001:db8::7");
    fake_answer("_25._tcp.both.example", MOTE_DANE_TLSA, SECURE);
    fake_tlsa(3, 1, 1, 35);
    want_policy("both.example", MOTE_DANE_OPPORTUNISTIC, "both.example");
}

void test_records(void)
{
    static const struct {
        unsigned usage, selector, matching;
        size_t len;
        bool usable;
    } rows[] = {
        {3, 1, 1, 32, true},  {3, 0, 1, 32, true},    {2, 1, 1, 32, true},  {2, 0, 1, 32, true},
        {3, 1, 2, 64, true},  {3, 1, 0, 91, true},    {2, 0, 0, 200, true}, {3, 1, 0, 1, true},
        {0, 1, 1, 32, false}, {1, 1, 1, 32, false},   {4, 1, 1, 32, false}, {255, 1, 1, 32, false},
        {3, 2, 1, 32, false}, {3, 255, 1, 32, false}, {3, 1, 3, 32, false}, {3, 1, 255, 64, false},
        {3, 1, 1, 31, false}, {3, 1, 1, 33, false},   {3, 1, 1, 64, false}, {3, 1, 2, 32, false},
        {3, 1, 2, 63, false}, {3, 1, 2, 65, false},   {3, 1, 1, 0, false},  {3, 1, 0, 0, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int mixed = 0; mixed < 2; mixed++) {
            fake_clear();
            fake_host("mx.example", SECURE, "192.0.2.1");
            fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SECURE);
            fake_tlsa(rows[i].usage, rows[i].selector, rows[i].matching, 3 + rows[i].len);
            if (mixed) {
                fake_tlsa(3, 0, 1, 35);
            }
            want_policy("mx.example", rows[i].usable || mixed ? MOTE_DANE_AUTHENTICATED : MOTE_DANE_ENCRYPTED,
                        "mx.example");
            want(found.hosts[0].record_count == (unsigned)mixed + rows[i].usable, "records", "mixed");
        }
    }
    for (size_t len = 0; len < 3; len++) {
        fake_clear();
        fake_host("mx.example", SECURE, "192.0.2.1");
        fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SECURE);
        fake_tlsa(3, 1, 1, len);
        want_policy("mx.example", MOTE_DANE_ENCRYPTED, "mx.example");
    }
    for (unsigned count = 63; count <= 66; count++) {
        fake_clear();
        fake_host("mx.example", SECURE, "192.0.2.1");
        fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SECURE);
        for (unsigned i = 0; i < count; i++) {
            fake_tlsa(count == 66 ? 0 : 3, 1, 1, 35);
        }
        if (count <= 64) {
            want_policy("mx.example", MOTE_DANE_AUTHENTICATED, "mx.example");
            want(found.hosts[0].record_count == count, "all of them", "many");
        } else {
            want_none("mx.example", MOTE_DEFERRED, MOTE_CAUSE_DNS, "TLSA of _25._tcp.mx.example: more than 64 records");
        }
    }
}

/* A name of labels of 63 octets, and a last one: so many in all. */
static const char *long_name(size_t octets)
{
    static char name[300];

    for (size_t i = 0; i < octets; i++) {
        name[i] = i % 64 == 63 && i + 1 != octets ? '.' : 'a';
    }
    name[octets] = 0;
    return name;
}

/* What no name server has a reason to send. */
void test_odd_data(void)
{
    char odd_name[300];

    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    fake_data("", 0);
    fake_data("\0", 1);
    want_none("d.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.4 no host");
    fake_answer("long.example", MOTE_DANE_MX, SECURE);
    fake_mx(10, long_name(270));
    want_none("long.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.4 no host");
    want(strstr(find_said, "an MX record names what is no host") != NULL, "is told", "a name that is too long");
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    fake_data("", 0);
    fake_data("\0", 1);
    fake_mx(20, long_name(253)); /* 255 in DNS: there is no longer one */
    fake_host(long_name(253), SECURE, "192.0.2.1");
    want_hosts("d.example", long_name(253));
    want(found.hosts[0].policy == MOTE_DANE_OPPORTUNISTIC, "without a record", "a long name");
    snprintf(odd_name, sizeof odd_name, "_25._tcp.%s", long_name(253));
    fake_answer(odd_name, MOTE_DANE_TLSA, SYNTAX);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_DNS, "syntax error");

    /* a record as long as there is one */
    for (unsigned selector = 0; selector < 2; selector++) {
        fake_clear();
        fake_host("mx.example", SECURE, "192.0.2.1");
        fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SECURE);
        fake_tlsa(3, selector, 0, UINT16_MAX);
        fake_tlsa(3, selector, 1, UINT16_MAX);
        want_policy("mx.example", MOTE_DANE_AUTHENTICATED, "mx.example");
        want(found.hosts[0].record_count == 1 && found.hosts[0].records[0].len == UINT16_MAX - 3, "one", "huge");
    }

    /* an alias of itself, which has an address all the same */
    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    fake_alias("d.example.");
    fake_mx(10, "mx.example");
    fake_host("mx.example", SECURE, "192.0.2.1");
    fake_alias("mx.example.");
    fake_answer("mx.example", MOTE_DANE_CNAME, SECURE);
    fake_data("\2mx\7example", 12);
    want_policy("d.example", MOTE_DANE_OPPORTUNISTIC, "mx.example");
    fake_answer("_25._tcp.mx.example", MOTE_DANE_TLSA, SECURE);
    fake_tlsa(3, 1, 1, 35);
    want_policy("d.example", MOTE_DANE_AUTHENTICATED, "mx.example");
}

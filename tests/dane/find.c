/* SPDX-License-Identifier: MIT
 *
 * Who takes mail for a domain, and how each is trusted, with answers as they are wanted (fake.h).
 */
#include "find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mote_dane_domain found;
uint8_t find_id[8];
static unsigned checks;
const char *find_helo, *find_exempted;
char find_said[8192];

void want(bool holds, const char *what, const char *of)
{
    checks++;
    if (!holds) {
        printf("%s: %s; found %u, verdict %u, cause %u, %s\n%s", of, what, found.count, found.verdict, found.cause,
               found.why, find_said);
        exit(1);
    }
}

static void hear(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    size_t used = strlen(find_said);

    (void)ctx, (void)who, (void)step;
    snprintf(find_said + used, sizeof find_said - used, "%.*s\n", (int)len, data);
}

static bool is_exempt(const void *ctx, const char *name)
{
    (void)ctx;
    return find_exempted != NULL && strcmp(find_exempted, name) == 0;
}

void find(const char *domain)
{
    const struct mote_trace trace = {hear, NULL};

    find_said[0] = 0;
    mote_dane_find(&found, domain, find_id, is_exempt, NULL, find_helo, &trace);
}

/* The hosts, and no other. */
void want_hosts(const char *domain, const char *hosts)
{
    char list[3000] = "";

    find(domain);
    for (unsigned i = 0; i < found.count; i++) {
        size_t used = strlen(list);

        snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : " ", found.hosts[i].name);
        want(found.relays[i].host == found.hosts[i].name && found.relays[i].port == 25 &&
                 found.relays[i].tls == MOTE_TLS_STARTTLS,
             "its relay", domain);
    }
    want(strcmp(list, hosts) == 0, list, domain);
}

void want_none(const char *domain, uint8_t verdict, uint8_t cause, const char *why)
{
    find(domain);
    want(found.count == 0 && found.verdict == verdict && found.cause == cause && strstr(found.why, why) != NULL, why,
         domain);
}

void want_policy(const char *domain, uint8_t policy, const char *base)
{
    find(domain);
    want(found.count == 1 && found.hosts[0].policy == policy, "policy", domain);
    want(strcmp(found.hosts[0].base, base) == 0, found.hosts[0].base, domain);
}

/* ---- The hosts --------------------------------------------------------------------------------------------------- */

static void test_order(void)
{
    char name[32];

    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    for (unsigned i = 150; i > 0; i--) { /* the best stands last */
        snprintf(name, sizeof name, "mx%u.example", i);
        fake_mx(i, name);
    }
    for (unsigned i = 1; i <= 12; i++) {
        snprintf(name, sizeof name, "mx%u.example", i);
        if (i != 2) {
            fake_host(name, SECURE, i % 2 != 0 ? "192.0.2.1" : "2001:db8::7");
        }
    }
    want_hosts("d.example",
               "mx1.example mx3.example mx4.example mx5.example mx6.example mx7.example mx8.example mx9.example");
    want(!found.drawn && found.mx_secure && !found.mx_none, "no equals", "d.example");
    want(strstr(find_said, "mx2.example: it has no address") != NULL, "mx2", "d.example");

    fake_clear();
    fake_answer("twice.example", MOTE_DANE_MX, SECURE);
    fake_mx(10, "mx.example");
    fake_mx(10, "MX.example");
    fake_mx(20, "mx.example");
    fake_mx(30, "other.example");
    fake_host("mx.example", SECURE, "192.0.2.1");
    fake_host("other.example", SECURE, "192.0.2.2");
    find("twice.example");
    want(found.count == 2 && strcmp(found.hosts[1].name, "other.example") == 0, "a host is asked once", "twice");
}

/* Equals of the seventh preference: drawn by the mail's find_id, one by one, whatever others there are. */
static void test_equals(void)
{
    enum { EQUALS = 12, IDS = 600 };
    unsigned first[EQUALS] = {0}, left_out[EQUALS] = {0};

    for (unsigned round = 0; round < IDS; round++) {
        char name[32], before[MOTE_RELAYS_MAX][MOTE_DANE_NAME], gone[MOTE_DANE_NAME] = "";
        bool listed[EQUALS] = {false};
        unsigned same = 0;

        memcpy(find_id, &(uint64_t){(uint64_t)round * UINT64_C(0x2545f4914f6cdd1d) & ~UINT64_C(0xffffffff)},
               sizeof find_id);
        for (int changed = 0; changed < 2; changed++) {
            fake_clear();
            fake_answer("d.example", MOTE_DANE_MX, SECURE);
            for (unsigned i = 0; i < EQUALS; i++) {
                unsigned at = changed ? EQUALS - 1 - i : i; /* records come in any order */

                snprintf(name, sizeof name, "mx%u.example", at);
                if (strcmp(name, gone) != 0) {
                    fake_mx(7, name);
                }
            }
            for (unsigned i = 0; i < EQUALS; i++) {
                snprintf(name, sizeof name, "mx%u.example", i);
                fake_host(name, SECURE, "192.0.2.1");
            }
            find("d.example");
            want(found.count == 8 && found.drawn, "eight are drawn", "equals");
            for (unsigned i = 0; i < 8 && !changed; i++) {
                listed[strtoul(found.hosts[i].name + 2, NULL, 10)] = true;
                memcpy(before[i], found.hosts[i].name, sizeof before[i]);
            }
            memcpy(gone, before[7], sizeof gone);
        }
        while (same < 7 && strcmp(before[same], found.hosts[same].name) == 0) {
            same++;
        }
        want(same == 7, "the others keep their places", "equals");
        first[strtoul(before[0] + 2, NULL, 10)]++;
        for (unsigned i = 0; i < EQUALS; i++) {
            left_out[i] += !listed[i];
        }
    }
    for (unsigned i = 0; i < EQUALS; i++) {
        want(first[i] > 25 && first[i] < 85 && left_out[i] > 140 && left_out[i] < 260, "as often as others", "equals");
    }
}

static void test_none(void)
{
    fake_clear();
    fake_answer("null.example", MOTE_DANE_MX, SECURE);
    fake_mx(0, "");
    want_none("null.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.10 null.example takes no mail");
    fake_answer("also.example", MOTE_DANE_MX, SECURE);
    fake_mx(0, "");
    fake_mx(10, "mx.example");
    fake_host("mx.example", SECURE, "192.0.2.1");
    want_hosts("also.example", "mx.example");
    fake_answer("nowhere.example", MOTE_DANE_MX, SECURE);
    fake_mx(10, "gone.example");
    want_none("nowhere.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.4 no host");
    fake_answer("gone.example", MOTE_DANE_A, SILENT);
    want_none("nowhere.example", MOTE_DEFERRED, MOTE_CAUSE_DNS, "A of gone.example: no name server answered in time");
    fake_answer("not.example", MOTE_DANE_MX, NXDOMAIN | SECURE);
    want_none("not.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.2 there is no domain");
    fake_answer("odd..example", MOTE_DANE_MX, SYNTAX);
    want_none("odd..example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.2 odd..example is no name of DNS");
    want_none("b\xc3\xbc.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.2 b\xc3\xbc.example is not ASCII");
    fake_answer("damaged.example", MOTE_DANE_MX, SECURE);
    fake_data("\0\1\7a b", 6);
    fake_data("\0\1\77a", 4);
    fake_data("\0\1", 2);
    fake_data("\0\1\1a", 4);
    fake_data("\0\1\1a\0b", 6);
    want_none("damaged.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.4 no host");
    want(strstr(find_said, "an MX record names what is no host") != NULL, "is told", "damaged");
    fake_host("itself.example", 0, "192.0.2.1");
    want_hosts("itself.example", "itself.example");
    want(found.mx_none && found.mx_secure, "no MX", "itself");
    fake_answer("plain.example", MOTE_DANE_MX, 0);
    fake_host("plain.example", SECURE, "192.0.2.1");
    want_hosts("plain.example", "plain.example");
    want(!found.mx_secure && found.hosts[0].domain == NULL, "that it is its own host is not proven", "plain");
    fake_host("many.example", SECURE, "192.0.2.1");
    for (unsigned i = 0; i < 30; i++) {
        fake_data("\300\0\2\1", 4);
    }
    want_hosts("many.example", "many.example");
    fake_answer("short.example", MOTE_DANE_A, SECURE);
    fake_data("\300\0\2", 3);
    want_none("short.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.4 no host");
}

static void test_literals(void)
{
    static const char *const good[] = {"[192.0.2.7]", "[IPv6:2001:db8::7]", "[ipv6:2001:db8::7]",
                                       "[IPv6:::ffff:192.0.2.7]"};
    static const char *const wrong[] = {"[]",
                                        "[",
                                        "[192.0.2]",
                                        "[192.0.2.77",
                                        "[IPv6:2001:db8::77",
                                        "[192.0.2.7]x",
                                        "[192.0.2.256]",
                                        "[0x7f.0.0.1]",
                                        "[127.1]",
                                        "[1]",
                                        "[2001:db8::7]",
                                        "[IPv6:]",
                                        "[IPv6:192.0.2.7]",
                                        "[IPv6:fe80::1%lo]",
                                        "[IPv6:2001:db8::7]]",
                                        "[localhost]",
                                        "[mx.example]",
                                        "[X-tag:mx]"};
    static const char *const own[] = {"[198.51.100.1]",
                                      "[127.0.0.1]",
                                      "[127.9.9.9]",
                                      "[0.0.0.0]",
                                      "[IPv6:2001:db8::1]",
                                      "[IPv6:2001:DB8:0:0::1]",
                                      "[IPv6:::1]",
                                      "[IPv6:::]",
                                      "[IPv6:::ffff:127.0.0.1]",
                                      "[IPv6:::ffff:198.51.100.1]"};

    fake_clear();
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        find(good[i]);
        want(found.count == 1 && found.hosts[0].policy == MOTE_DANE_OPPORTUNISTIC && found.relays[0].port == 25 &&
                 !mote_relays_verified(found.relays, 1) &&
                 strncmp(found.relays[0].host, strpbrk(good[i], ":1") + (good[i][1] != '1'), 4) == 0,
             "its address", good[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        want_none(wrong[i], MOTE_FAILED, MOTE_CAUSE_LOOKUP, "is no address literal");
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        want_none(own[i], MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.6 ");
    }
    want(fake.asked == 0, "DNS was asked", "literals");
}

/* ---- Trouble ----------------------------------------------------------------------------------------------------- */

static void test_causes(void)
{
    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SILENT);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_DNS, "MX of d.example: no name server answered in time");
    fake.cut_off = true;
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_NO_NETWORK, "MX of d.example: there is no way to a name server");
    fake_answer("d.example", MOTE_DANE_MX, SERVFAIL);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_NO_NETWORK, "there is no way to a name server");
    fake.cut_off = false;
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_DNS, "the name servers have no answer (SERVFAIL), or refuse");
    fake_answer("d.example", MOTE_DANE_MX, BOGUS);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_BOGUS, "MX of d.example: refused by DNSSEC: signature expired");
    fake.why_bogus =
        "validation failure <d.example. MX IN>: signature before inception date from 192.0.2.1 and 192.0.2.2";
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_BOGUS, "refused by DNSSEC: validation failure");
    fake.why_bogus = "signature before inception date from 192.0.2.1 for trust anchor . while building chain of trust";
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_NO_TIME,
              "this host's clock is not set, or behind: signature before");
    fake.why_bogus = "signature expired from 192.0.2.1 for trust anchor . while building chain of trust";
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_BOGUS, "refused by DNSSEC: signature expired");
    fake.unix_s = 0;
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_NO_TIME, "this host's clock is not set, or behind");
    /* the first host's is told, where nobody is left */
    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    fake_mx(1, "one.example");
    fake_mx(2, "two.example");
    fake_mx(3, "three.example");
    fake_answer("one.example", MOTE_DANE_A, BOGUS);
    fake_answer("two.example", MOTE_DANE_A, SILENT);
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_BOGUS, "A of one.example");
    fake_host("three.example", SECURE, "192.0.2.3");
    want_hosts("d.example", "three.example");
}

static void test_no_memory(void)
{
    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    fake_mx(10, "mx.example");
    fake_host("mx.example", SECURE, "192.0.2.1");
    fake.no_memory = true;
    want_none("d.example", MOTE_DEFERRED, MOTE_CAUSE_NO_MEMORY, "no memory");
    want_none("[192.0.2.7]", MOTE_DEFERRED, MOTE_CAUSE_NO_MEMORY, "no memory");
    want_none("[127.0.0.1]", MOTE_DEFERRED, MOTE_CAUSE_NO_MEMORY, "no memory");
    fake.no_memory = false;
    want_hosts("d.example", "mx.example");
}

static uint32_t seconds_for(const char *domain)
{
    uint32_t began = fake.now_ms;

    find(domain);
    return (fake.now_ms - began + 999) / 1000;
}

static void test_time(void)
{
    enum { HOSTS = 16 };
    const uint32_t all = HOSTS * 2 * MOTE_QUESTION_S;
    uint32_t spent;
    char name[32];

    for (int interrupted = 0; interrupted < 2; interrupted++) {
        fake_clear();
        fake.interrupted = interrupted != 0;
        fake_answer("silent.example", MOTE_DANE_MX, SILENT);
        want(seconds_for("silent.example") == MOTE_QUESTION_S, "seconds of a question", "time");
        fake_answer("d.example", MOTE_DANE_MX, SECURE);
        for (unsigned i = 0; i < HOSTS; i++) {
            snprintf(name, sizeof name, "mx%u.example", i);
            fake_mx(i, name);
        }
        for (unsigned i = 0; i < HOSTS; i++) { /* IPv6 is silent, and so are TLSA records */
            snprintf(name, sizeof name, "mx%u.example", i);
            fake_answer(name, MOTE_DANE_AAAA, SILENT);
            fake_host(name, SECURE, "192.0.2.1");
            snprintf(name, sizeof name, "_25._tcp.mx%u.example", i);
            fake_answer(name, MOTE_DANE_TLSA, SILENT);
        }
        spent = seconds_for("d.example");
        want(spent <= MOTE_QUESTIONS_S && spent >= (all < MOTE_QUESTIONS_S ? all : MOTE_QUESTIONS_S) &&
                 found.count == 0 && found.cause == MOTE_CAUSE_DNS,
             "seconds of a domain", "time");
    }
}

int main(void)
{
    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, NXDOMAIN);
    want_none("d.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "no domain");
    want(fake.anchors == 0 && fake.silent, "without an anchor, in silence", "options");
    want(strcmp(fake.servers, "192.0.2.53\n192.0.2.54\n") == 0, "a name server that is none is passed over", "servers");
    want(strstr(fake.options, "local-zone: test. nodefault\n") != NULL, "test. is asked of nobody", "options");
    want(strstr(fake.options, "local-zone: home.arpa. nodefault\n") != NULL, "home.arpa. is asked of nobody",
         "options");
    want(strstr(fake.options, "infra-host-ttl: 0\n") != NULL, "a silent name server is left alone", "options");
    want(strstr(fake.options, "val-nsec3-keysize-iterations: 1024 65535\n") != NULL, "NSEC3 has a limit", "options");
    test_order();
    test_equals();
    test_none();
    test_literals();
    test_ourselves();
    test_aliases();
    test_proofs();
    test_records();
    test_odd_data();
    test_causes();
    test_no_memory();
    test_time();
    test_anchor();
    mote_dane_forget(&found);
    fake_clear();
    want(fake.results == 0, "an answer is not given back", "memory");
    printf("%u checks\n", checks);
    return 0;
}

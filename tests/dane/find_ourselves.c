/* SPDX-License-Identifier: MIT
 *
 * A host that is ourselves, whatever the draw and whatever a second answer says.
 */
#define _POSIX_C_SOURCE 200809L

#include "find.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_end(void)
{
    static const char *const own[] = {"198.51.100.1", "2001:db8::1", "::ffff:198.51.100.1", "::ffff:127.0.0.2", "::1"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        fake_clear();
        fake_answer("first.example", MOTE_DANE_MX, SECURE);
        fake_mx(10, "us.example");
        fake_mx(20, "mx.example");
        fake_host("us.example", SECURE, own[i]);
        fake_host("us.example", SECURE, strchr(own[i], ':') == NULL ? "2001:db8::99" : "192.0.2.99");
        fake_host("mx.example", SECURE, "192.0.2.1");
        want_none("first.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.6 mail for first.example would come back");
        fake_answer("second.example", MOTE_DANE_MX, SECURE);
        fake_mx(1, "mx.example");
        fake_mx(2, "us.example");
        fake_mx(3, "behind.example");
        fake_host("behind.example", SECURE, "192.0.2.2");
        want_hosts("second.example", "mx.example");
    }
    fake_clear();
    find_helo = "Client.example";
    fake_host("client.example", SECURE, "192.0.2.1");
    want_none("client.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.6 ");
    find_helo = NULL;
    want_hosts("client.example", "client.example");
}

/* Our name is enough, where DNS does not tell the addresses as well. */
static void test_name(void)
{
    fake_clear();
    find_helo = "us.example";
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    fake_mx(10, "us.example");
    fake_mx(20, "mx.example");
    fake_host("mx.example", SECURE, "192.0.2.1");
    fake_answer("us.example", MOTE_DANE_A, SILENT);
    want_none("d.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.6 ");
    find_helo = NULL;
    want_hosts("d.example", "mx.example");
}

static void name_of(char name[32], unsigned i, unsigned better)
{
    snprintf(name, 32, i < better ? "better%u.example" : "equal%u.example", i);
}

/* Ourselves among equals, of which one is not told of: the same for each mail. better: hosts before them. */
static void test_equals_of_ours(unsigned better, unsigned equals, const char *hosts)
{
    char name[32];

    fake_clear();
    fake_answer("d.example", MOTE_DANE_MX, SECURE);
    for (unsigned i = 0; i < better + equals; i++) {
        name_of(name, i, better);
        fake_mx(i < better ? i : 10, name);
    }
    fake_mx(10, "silent.example");
    fake_mx(10, "us.example");
    fake_mx(20, "behind.example");
    fake_answer("silent.example", MOTE_DANE_A, SILENT);
    fake_host("us.example", SECURE, "198.51.100.1");
    fake_host("behind.example", SECURE, "192.0.2.1");
    for (unsigned i = 0; i < better + equals; i++) {
        name_of(name, i, better);
        fake_host(name, SECURE, "192.0.2.1");
    }
    for (unsigned round = 0; round < 50; round++) {
        find_id[0] = (uint8_t)round;
        if (better == 0) {
            want_none("d.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.6 ");
        } else {
            want_hosts("d.example", hosts);
        }
    }
}

static void want_address(const char *host, const char *address)
{
    const struct addrinfo *list = mote_dane_addresses(host);
    char text[INET_ADDRSTRLEN] = "";

    if (list != NULL && list->ai_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)list->ai_addr;

        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        want(in->sin_port == htons(25) && list->ai_next == NULL, "its port, and no other address", host);
    }
    want(strcmp(text, address) == 0, text, host);
}

/* An answer that lives for no time, and then another. */
static void test_rebinding(void)
{
    unsigned asked;

    fake_clear();
    fake_host("d.example", 0, "192.0.2.1");
    want_hosts("d.example", "d.example");
    asked = fake.asked;
    fake_clear();
    fake_host("d.example", 0, "127.0.0.1");
    want_address(found.relays[0].host, "192.0.2.1");
    want_address(found.relays[0].host, "192.0.2.1");
    want(fake.asked == 0 && asked != 0, "DNS is asked twice", "rebinding");
    want_address("d.example", ""); /* a relay of that name */
    want_none("d.example", MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.6 ");
    find("[192.0.2.7]");
    want_address(found.relays[0].host, "192.0.2.7");
}

void test_ourselves(void)
{
    test_end();
    test_name();
    test_equals_of_ours(0, 3, "");
    test_equals_of_ours(0, 12, "");
    test_equals_of_ours(2, 1, "better0.example better1.example");
    test_equals_of_ours(2, 12, "better0.example better1.example");
    test_rebinding();
}

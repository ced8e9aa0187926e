/* SPDX-License-Identifier: MIT
 *
 * What EHLO offers: keywords, AUTH mechanisms, the number of SIZE, and the hashes they are told apart by.
 */
#include "rig.h"

static struct rig rig;

static const struct {
    const char *name;
    uint32_t hash;
} words[] = {
#define WORD(name, hash) {#name, hash},
    MOTE_OFFERS(WORD)
#undef WORD
};

static void test_hashes(void **state)
{
    for (size_t i = 0; i < COUNT(words); i++) {
        uint32_t hash = 0;

        for (const char *at = words[i].name; *at != 0; at++) {
            hash = hash * 33 ^ (uint8_t)*at;
        }
        assert_int_equal(hash, words[i].hash);
        for (size_t other = 0; other < i; other++) {
            assert_int_not_equal(words[i].hash, words[other].hash);
        }
        assert_int_not_equal(words[i].hash, 0); /* that of no word */
    }
}

/* The offers of an answer to EHLO, whole and octet by octet. */
static unsigned offers_of(const char *reply)
{
    unsigned offers;

    rig_set(&rig);
    rig_open(&rig, reply);
    offers = rig.engine.offers;
    rig_set(&rig);
    rig_begin(&rig);
    rig_hear(&rig, "220 x\r\n");
    for (size_t i = 0; i < strlen(reply); i++) {
        mote_engine_feed(&rig.engine, reply + i, 1);
    }
    assert_int_equal(rig.engine.offers, offers);
    return offers;
}

static void test_each_keyword(void **state)
{
    for (size_t i = 0; i < 8; i++) {
        const char *name = words[i].name;
        char lower[32], mixed[32], reply[400];

        for (size_t at = 0; at <= strlen(name); at++) {
            lower[at] = (char)(name[at] >= 'A' && name[at] <= 'Z' ? name[at] + 32 : name[at]);
            mixed[at] = at % 2 != 0 ? lower[at] : name[at];
        }
        snprintf(reply, sizeof reply, "250-relay\r\n250 %s\r\n", name);
        assert_int_equal(offers_of(reply), 1u << i);
        snprintf(reply, sizeof reply, "250-relay\n250-%s\n250 HELP\n", name);
        assert_int_equal(offers_of(reply), 1u << i);
        snprintf(reply, sizeof reply, "250-relay\r\n250-%s \r\n250 %s\r\n", lower, lower);
        assert_int_equal(offers_of(reply), 1u << i);
        snprintf(reply, sizeof reply, "250-relay\r\n250-X\r\n250-%s\r\n250 Y\r\n", mixed);
        assert_int_equal(offers_of(reply), 1u << i);
        /* a beginning, a continuation, a neighbour; the greeting's line; no first word */
        snprintf(reply, sizeof reply,
                 "250-%s\r\n250-%.*s\r\n250-%sX\r\n250-X%s\r\n250-%s-\r\n250-x.%s\r\n250 \"%s\"\r\n", name,
                 (int)strlen(name) - 1, name, name, name, name, name, name);
        assert_int_equal(offers_of(reply), 0);
        snprintf(reply, sizeof reply, "250 %s\r\n", name);
        assert_int_equal(offers_of(reply), 0);
        snprintf(reply, sizeof reply, "250-relay\r\n250-XFOO %s\r\n250-HELP X %s\r\n250 XBAR\t%s\r\n", name, name,
                 name);
        assert_int_equal(offers_of(reply), 0);
    }
}

static void test_mechanisms(void **state)
{
    static const struct {
        const char *line;
        unsigned offers;
    } cases[] = {
        {"AUTH", OFFER_AUTH},
        {"AUTH ", OFFER_AUTH},
        {"AUTH PLAIN", OFFER_AUTH | OFFER_PLAIN},
        {"AUTH LOGIN", OFFER_AUTH | OFFER_LOGIN},
        {"AUTH XOAUTH2", OFFER_AUTH | OFFER_XOAUTH2},
        {"AUTH OAUTHBEARER", OFFER_AUTH | OFFER_OAUTHBEARER},
        {"AUTH PLAIN LOGIN", OFFER_AUTH | OFFER_PLAIN | OFFER_LOGIN},
        {"AUTH LOGIN PLAIN XOAUTH2 OAUTHBEARER", OFFER_AUTH | OFFER_MECHANISMS},
        {"AUTH  LOGIN   PLAIN ", OFFER_AUTH | OFFER_PLAIN | OFFER_LOGIN},
        {"AUTH\tPLAIN", OFFER_AUTH | OFFER_PLAIN},
        {"auth plain Login", OFFER_AUTH | OFFER_PLAIN | OFFER_LOGIN},
        {"AUTH=PLAIN", OFFER_AUTH | OFFER_PLAIN},
        {"AUTH=LOGIN PLAIN", OFFER_AUTH | OFFER_PLAIN | OFFER_LOGIN},
        {"auth=login", OFFER_AUTH | OFFER_LOGIN},
        {"AUTH= PLAIN", OFFER_AUTH | OFFER_PLAIN},
        {"AUTH CRAM-MD5 DIGEST-MD5 NTLM GSSAPI", OFFER_AUTH},
        {"AUTH CRAM-MD5 PLAIN GSSAPI", OFFER_AUTH | OFFER_PLAIN},
        {"AUTH PLAINX XPLAIN PLAI SCRAM-PLAIN PLAIN-CLIENTTOKEN", OFFER_AUTH},
        {"AUTH PLAIN=LOGIN", OFFER_AUTH},
        {"AUTH STARTTLS SIZE CHUNKING 8BITMIME", OFFER_AUTH},
        {"PLAIN", 0},
        {"LOGIN PLAIN", 0},
        {"XAUTH PLAIN", 0},
        {"AUTHX PLAIN", 0},
        {"X-AUTH AUTH PLAIN", 0},
        {"SIZE AUTH PLAIN", OFFER_SIZE},
        {"STARTTLS AUTH PLAIN", OFFER_STARTTLS},
        {"PIPELINING=AUTH PLAIN", 0}, /* it is AUTH alone that old servers write so */
        {"STARTTLS=", 0},
        {"SIZE=AUTH PLAIN", 0},
        {"STARTTLS REQUIRED", OFFER_STARTTLS},
    };
    char reply[200];
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned offers;

        snprintf(reply, sizeof reply, "250-relay\r\n250 %s\r\n", cases[i].line);
        offers = offers_of(reply);
        if (offers != cases[i].offers) {
            print_error("%s: %x\n", cases[i].line, offers);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(offers_of("250-relay\r\n250-AUTH LOGIN\r\n250 AUTH=PLAIN\r\n"),
                     OFFER_AUTH | OFFER_LOGIN | OFFER_PLAIN);
}

/* A line of 4,000 octets and 126 lines of unknown words hide nothing. */
static void test_long_offers(void **state)
{
    static char reply[16384];
    size_t at = (size_t)sprintf(reply, "250-relay\r\n250-AUTH");

    for (unsigned i = 0; i < 400; i++) {
        at += (size_t)sprintf(reply + at, " MECH-%04u", i);
    }
    sprintf(reply + at, " PLAIN\r\n250 PIPELINING\r\n");
    assert_int_equal(offers_of(reply), OFFER_AUTH | OFFER_PLAIN | OFFER_PIPELINING);
    at = (size_t)sprintf(reply, "250-relay\r\n");
    for (unsigned i = 0; i < 126; i++) {
        at += (size_t)sprintf(reply + at, "250-X%u\r\n", i);
    }
    sprintf(reply + at, "250 CHUNKING\r\n");
    assert_int_equal(offers_of(reply), OFFER_CHUNKING);
}

static void test_size(void **state)
{
    static const struct {
        const char *lines;
        uint32_t limit; /* 0: none */
    } cases[] = {
        {"250 SIZE 1\r\n", 1},
        {"250 SIZE 35882577\r\n", 35882577},
        {"250 size 1000\r\n", 1000},
        {"250 SIZE 1000 \r\n", 1000},
        {"250 SIZE 1000   \r\n", 1000},
        {"250 SIZE   1000\r\n", 1000},
        {"250 SIZE\t1000\t\r\n", 1000},
        {"250 SIZE 1000\n", 1000},
        {"250 SIZE 0001000\r\n", 1000},
        {"250 SIZE 429496728\r\n", 429496728},
        {"250 SIZE 4294967280\r\n", 4294967280},
        {"250 SIZE 4294967295\r\n", UINT32_MAX},
        {"250 SIZE 4294967296\r\n", UINT32_MAX},
        {"250 SIZE 42949672950\r\n", UINT32_MAX},
        {"250 SIZE 100000000000000000000000000\r\n", UINT32_MAX},
        {"250 SIZE 18446744073709551617\r\n", UINT32_MAX},
        /* none */
        {"250 SIZE\r\n", 0},
        {"250 SIZE \r\n", 0},
        {"250 SIZE 0\r\n", 0},
        {"250 SIZE 000\r\n", 0},
        {"250 SIZE -5\r\n", 0},
        {"250 SIZE +5\r\n", 0},
        {"250 SIZE 12x4\r\n", 0},
        {"250 SIZE x12\r\n", 0},
        {"250 SIZE 12x 34\r\n", 0},
        {"250 SIZE 1.5\r\n", 0},
        {"250 SIZE 0x10\r\n", 0},
        {"250 SIZE unlimited\r\n", 0},
        {"250 XSIZE 5\r\n", 0},
        {"250 SIZEX 5\r\n", 0},
        {"250 SIZE=1000\r\n", 0},
        {"250 SIZE= 1000\r\n", 0},
        /* the smallest of several */
        {"250-SIZE 1000\r\n250 SIZE 500\r\n", 500},
        {"250-SIZE 500\r\n250 SIZE 1000\r\n", 500},
        {"250-SIZE 0\r\n250 SIZE 1000\r\n", 1000},
        {"250-SIZE 1000\r\n250 SIZE 0\r\n", 1000},
        {"250-SIZE 1000\r\n250 SIZE\r\n", 1000},
        {"250-SIZE 1000\r\n250 SIZE -1\r\n", 1000},
        {"250-SIZE 1000\r\n250 SIZE=5\r\n", 1000},
        {"250-SIZE 100000000000000000000000000\r\n250 SIZE 7\r\n", 7},
        {"250-SIZE 7\r\n250 SIZE 100000000000000000000000000\r\n", 7},
    };
    char reply[200];
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(reply, sizeof reply, "250-relay\r\n%s", cases[i].lines);
        offers_of(reply);
        if (rig.engine.size_limit != cases[i].limit) {
            print_error("%s: %lu\n", cases[i].lines, (unsigned long)rig.engine.size_limit);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* The limit is that of the mail as it is on the wire: 21 octets here. */
static void test_size_decides(void **state)
{
    rig_set(&rig);
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 SIZE 21\r\n"), "MAIL FROM:<a@example.test> SIZE=21\r\n");
    rig_set(&rig);
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 SIZE 20\r\n"), "QUIT\r\n");
    rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_TOO_BIG);
    assert_int_equal(rig.rcpts[0].result.cause, MOTE_CAUSE_TOO_BIG);
    rig_set(&rig);
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 SIZE\r\n"), "MAIL FROM:<a@example.test> SIZE=21\r\n");
}

/* What was offered before TLS is forgotten, SIZE's number too (I8). */
static void test_offers_are_forgotten(void **state)
{
    rig_set(&rig);
    rig.setup.tls = MOTE_TLS_STARTTLS;
    assert_string_equal(rig_open(&rig, "250-relay\r\n250-SIZE 5\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN\r\n"
                                       "250-8BITMIME\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n"),
                        "STARTTLS\r\n");
    rig_hear(&rig, "220 go\r\n");
    assert_int_equal(mote_engine_poll(&rig.engine, 0), MOTE_WANT_TLS);
    mote_engine_secured(&rig.engine);
    assert_int_equal(rig.engine.offers, 0);
    assert_int_equal(rig.engine.size_limit, 0);
    assert_string_equal(rig_write(&rig), "EHLO device.example.test\r\n");
    assert_string_equal(rig_hear(&rig, "250 relay\r\n"), "MAIL FROM:<a@example.test>\r\n");
}

/* Offers in another reply are none: not in the greeting, not behind HELO. */
static void test_only_ehlo_offers(void **state)
{
    rig_set(&rig);
    rig_begin(&rig);
    rig_hear(&rig, "220-relay\r\n220-CHUNKING\r\n220 SIZE 1\r\n");
    assert_int_equal(rig.engine.offers, 0);
    assert_string_equal(rig_hear(&rig, "502-no\r\n502-PIPELINING\r\n502 SIZE 1\r\n"), "HELO device.example.test\r\n");
    assert_int_equal(rig.engine.offers, 0);
    assert_int_equal(rig.engine.size_limit, 0);
    assert_string_equal(rig_hear(&rig, "250-relay\r\n250-PIPELINING\r\n250 SIZE 1\r\n"),
                        "MAIL FROM:<a@example.test>\r\n");
    assert_int_equal(rig.engine.offers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_each_keyword),
        cmocka_unit_test(test_mechanisms),
        cmocka_unit_test(test_long_offers),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_size_decides),
        cmocka_unit_test(test_offers_are_forgotten),
        cmocka_unit_test(test_only_ehlo_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

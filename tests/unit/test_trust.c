/* SPDX-License-Identifier: MIT
 *
 * Who the relay is: chains, names, dates and keys, good and bad, over whole sessions against BearSSL's server in memory.
 */
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MAIL         "mail.example.test"
#define CA           .issuer = "Test CA", .signer = P_256_CA

static struct trust_bench bench;
static struct trust_anchor anchors[3];
static br_x509_trust_anchor anchor_list[3];

static const struct trust_spec ca = {.cn = "Test CA", .key = P_256_CA, .signer = P_256_CA, .ca = true};

/* A session with a relay trusted through certificate authorities. */
static void set_anchors(const char *name)
{
    static const struct trust_spec specs[] = {
        {.cn = "Other CA", .key = P_256, .signer = P_256, .ca = true},
        {.cn = "RSA CA", .key = RSA_3072, .signer = RSA_3072, .ca = true},
        {.cn = "Test CA", .key = P_256_CA, .signer = P_256_CA, .ca = true},
    };
    static struct trust_cert cert;

    for (size_t i = 0; i < COUNT(specs) && anchors[2].anchor.dn.len == 0; i++) {
        trust_cert_make(&cert, &specs[i]);
        trust_anchor_set(&anchors[i], &cert);
        anchor_list[i] = anchors[i].anchor;
    }
    trust_bench_set(&bench);
    mote_trust_anchors(&bench.relay.trust, anchor_list, COUNT(anchor_list), name);
}

static uint8_t run_one(const struct trust_spec *leaf)
{
    trust_bench_certify(&bench, leaf);
    return trust_bench_run(&bench);
}

/* ---- Opportunistic: anything goes -------------------------------------------------------------------------------- */

static void test_opportunistic(void **state)
{
    static const struct trust_spec leaves[] = {
        {.cn = MAIL, .names = {MAIL}, .key = P_256, .signer = P_256},
        {.cn = MAIL, .names = {MAIL}, .key = P_384, .signer = P_384},
        {.cn = MAIL, .names = {MAIL}, .key = RSA_1024, .signer = RSA_1024},
        {.cn = MAIL, .names = {MAIL}, .key = RSA_2048, .signer = RSA_2048},
        {.cn = MAIL, .names = {MAIL}, .key = RSA_4096, .signer = P_256_CA, .issuer = "Nobody"},
        {.cn = MAIL, .key = P_256, .signer = P_256, .from = "100101000000Z", .till = "110101000000Z"},
        {.cn = MAIL, .key = P_256, .signer = P_256, .from = "400101000000Z"},
        {.cn = "x", .names = {"other.test", "*.test"}, .key = P_256, .signer = P_256},
        {.cn = "x", .key = P_256, .signer = P_256_CA, .critical = true},
        {.cn = "", .key = P_256, .signer = P_256},
    };

    for (size_t i = 0; i < COUNT(leaves); i++) {
        trust_bench_set(&bench);
        mote_trust_opportunistic(&bench.relay.trust, i % 2 != 0 ? MAIL : NULL);
        bench.relay.tls = i % 3 == 0 ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
        bench.setup.unix_s = i % 2 * BENCH_NOW;
        assert_int_equal(run_one(&leaves[i]), MOTE_CAUSE_NONE);
        assert_string_equal(bench.peer.server_name, i % 2 != 0 ? MAIL : "");
    }
}

/* A certificate of which nothing can be read is no key to talk with. */
static void test_garbage_for_a_certificate(void **state)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        static const uint8_t pin[32];

        trust_bench_set(&bench);
        if (kind == 0) {
            mote_trust_opportunistic(&bench.relay.trust, MAIL);
        } else if (kind == 1) {
            mote_trust_pin(&bench.relay.trust, pin, MAIL);
        } else {
            set_anchors(MAIL);
        }
        trust_bench_certify(&bench, &(struct trust_spec){.cn = MAIL, .names = {MAIL}, .key = P_256, CA});
        bench.peer.chain[0].der[4] ^= 0xff;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_INVALID);
    }
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

static void test_good_chains(void **state)
{
    static const struct trust_spec leaves[] = {
        {.cn = "x", .names = {MAIL}, .key = P_256, CA},
        {.cn = "x", .names = {MAIL}, .key = P_384, CA},
        {.cn = "x", .names = {MAIL}, .key = RSA_2048, CA},
        {.cn = "x", .names = {MAIL}, .key = RSA_3072, CA},
        {.cn = "x", .names = {MAIL}, .key = RSA_4096, CA},
        {.cn = "x", .names = {MAIL}, .key = RSA_2048, .issuer = "RSA CA", .signer = RSA_3072},
        {.cn = "x", .names = {MAIL}, .key = P_256_CA, .issuer = "Other CA", .signer = P_256},
    };

    for (size_t i = 0; i < COUNT(leaves); i++) {
        set_anchors(MAIL);
        bench.relay.tls = i % 2 == 0 ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
        assert_int_equal(run_one(&leaves[i]), MOTE_CAUSE_NONE);
        assert_string_equal(bench.peer.server_name, MAIL);
        assert_int_equal(bench.peer.version, BR_TLS12);
    }
}

static const struct trust_spec by_p384 = {
    .cn = "x", .names = {MAIL}, .key = P_256, .issuer = "Middle", .signer = P_384};
static const struct trust_spec middle = {.cn = "Middle", .key = P_384, .ca = true, CA};

static void test_intermediates(void **state)
{
    static const struct trust_spec by_leaf = {.cn = "Leaf", .key = P_384, CA};
    static const struct trust_spec under_leaf = {
        .cn = "x", .names = {MAIL}, .key = P_256, .issuer = "Leaf", .signer = P_384};
    static const struct trust_spec weak = {.cn = "Weak", .key = RSA_1024, .ca = true, CA};
    static const struct trust_spec under_weak = {
        .cn = "x", .names = {MAIL}, .key = P_256, .issuer = "Weak", .signer = RSA_1024};
    static const struct trust_spec old = {.cn = "Middle", .key = P_384, .ca = true, .till = "250101000000Z", CA};
    static const struct {
        const struct trust_spec *chain[3];
        uint8_t cause, also;
    } cases[] = {
        {{&by_p384, &middle}, MOTE_CAUSE_NONE, 0},
        {{&by_p384, &middle, &ca}, MOTE_CAUSE_NONE, 0},
        {{&by_p384}, MOTE_CAUSE_CERT_UNTRUSTED, 0},
        {{&by_p384, &ca}, MOTE_CAUSE_CERT_UNTRUSTED, 0},
        {{&by_p384, &ca, &middle}, MOTE_CAUSE_CERT_UNTRUSTED, 0},
        {{&by_p384, &by_p384, &middle}, MOTE_CAUSE_CERT_UNTRUSTED, 0},
        {{&by_p384, &old}, MOTE_CAUSE_CERT_DATE, 0},
        {{&under_leaf, &by_leaf}, MOTE_CAUSE_CERT_INVALID, MOTE_CAUSE_CERT_UNTRUSTED},
        {{&under_weak, &weak}, MOTE_CAUSE_CERT_INVALID, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t cause;

        set_anchors(MAIL);
        for (size_t n = 0; n < 3 && cases[i].chain[n] != NULL; n++) {
            trust_bench_certify(&bench, cases[i].chain[n]);
        }
        cause = trust_bench_run(&bench);
        if (cause != cases[i].cause && cause != cases[i].also) {
            print_error("chain %u: %u\n", (unsigned)i, cause);
        }
        assert_true(cause == cases[i].cause || cause == cases[i].also);
    }
}

static void test_bad_chains(void **state)
{
    static const struct {
        struct trust_spec leaf;
        uint8_t cause;
    } cases[] = {
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .signer = P_256}, MOTE_CAUSE_CERT_UNTRUSTED},
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .signer = P_256_CA}, MOTE_CAUSE_CERT_UNTRUSTED},
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .issuer = "Nobody", .signer = P_256_CA},
         MOTE_CAUSE_CERT_UNTRUSTED},
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .issuer = "test ca", .signer = P_384}, MOTE_CAUSE_CERT_UNTRUSTED},
        {{.cn = MAIL, .names = {MAIL}, .key = RSA_1024, CA}, MOTE_CAUSE_CERT_INVALID},
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .critical = true, CA}, MOTE_CAUSE_CERT_INVALID},
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .till = "200201000000Z", CA}, MOTE_CAUSE_CERT_DATE},
        {{.cn = MAIL, .names = {MAIL}, .key = P_256, .from = "400101000000Z", CA}, MOTE_CAUSE_CERT_DATE},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        set_anchors(MAIL);
        assert_int_equal(run_one(&cases[i].leaf), cases[i].cause);
    }
    /* the CA's name and another key: a forgery */
    set_anchors(MAIL);
    assert_int_not_equal(
        run_one(&(struct trust_spec){.cn = MAIL, .names = {MAIL}, .key = P_256, .issuer = "Test CA", .signer = P_384}),
        MOTE_CAUSE_NONE);
    /* a good certificate whose key the relay does not have */
    set_anchors(MAIL);
    trust_bench_certify(&bench, &(struct trust_spec){.cn = MAIL, .names = {MAIL}, .key = P_256, CA});
    bench.peer.key = P_256_CA;
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_HANDSHAKE);
    /* a self-signed certificate that is its own anchor, for its name only */
    for (unsigned other = 0; other < 2; other++) {
        struct trust_spec leaf = {.cn = MAIL, .key = P_384, .signer = P_384};
        static struct trust_anchor own;

        trust_bench_set(&bench);
        trust_bench_certify(&bench, &leaf);
        trust_anchor_set(&own, &bench.peer.chain[0]);
        mote_trust_anchors(&bench.relay.trust, &own.anchor, 1, other != 0 ? "other.example.test" : MAIL);
        assert_int_equal(trust_bench_run(&bench), other != 0 ? MOTE_CAUSE_CERT_NAME : MOTE_CAUSE_NONE);
    }
    /* no anchors at all */
    set_anchors(MAIL);
    bench.relay.trust.anchor_count = 0;
    assert_int_equal(run_one(&(struct trust_spec){.cn = MAIL, .key = P_256, CA}), MOTE_CAUSE_CERT_UNTRUSTED);
}

/* Valid from 2026-01-01 00:00:00 to 2026-01-31 23:59:59, both included. */
static void test_dates_to_the_second(void **state)
{
    static const struct trust_spec leaf = {
        .cn = MAIL, .key = P_256, .from = "260101000000Z", .till = "260131235959Z", CA};
    static const struct {
        uint64_t unix_s;
        uint8_t cause;
    } cases[] = {
        {1, MOTE_CAUSE_CERT_DATE},
        {BENCH_NOW - 86400, MOTE_CAUSE_CERT_DATE},
        {BENCH_NOW - 1, MOTE_CAUSE_CERT_DATE},
        {BENCH_NOW, MOTE_CAUSE_NONE},
        {BENCH_NOW + 1, MOTE_CAUSE_NONE},
        {BENCH_NOW + 31 * 86400 - 1, MOTE_CAUSE_NONE},
        {BENCH_NOW + 31 * 86400, MOTE_CAUSE_CERT_DATE},
        {UINT32_MAX, MOTE_CAUSE_CERT_DATE},
        {UINT64_C(4294967296) + BENCH_NOW, MOTE_CAUSE_CERT_DATE}, /* the year 2162 */
    };
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        set_anchors(MAIL);
        bench.setup.unix_s = cases[i].unix_s;
        if (run_one(&leaf) != cases[i].cause) {
            print_error("date %u: cause %u\n", (unsigned)i, mote_session_result(&bench.session)->cause);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Valid for a second of each day that is tested, early and late in it. */
static void test_dates_within_a_day(void **state)
{
    static const struct {
        const char *valid;
        uint32_t at;
    } days[] = {{"260101000101Z", 61}, {"260101000207Z", 127}, {"260101000208Z", 128}, {"260101235959Z", 86399}};

    for (size_t i = 0; i < COUNT(days); i++) {
        struct trust_spec leaf = {.cn = MAIL, .key = P_256, .from = days[i].valid, .till = days[i].valid, CA};

        for (int off = -1; off <= 1; off++) {
            set_anchors(MAIL);
            bench.setup.unix_s = (uint64_t)((int64_t)BENCH_NOW + days[i].at + off);
            assert_int_equal(run_one(&leaf), off == 0 ? MOTE_CAUSE_NONE : MOTE_CAUSE_CERT_DATE);
        }
    }
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

enum { UTF8 = 12, PRINTABLE = 19, TELETEX = 20, IA5 = 22, BMP = 30 };

static const struct {
    const char *name, *cn, *names[3];
    uint8_t cn_tag;
    bool good;
} names[] = {
    {MAIL, "x", {MAIL}, 0, true},
    {MAIL, "x", {"a.test", "b.test", MAIL}, 0, true},
    {MAIL, "x", {"MAIL.Example.TEST"}, 0, true},
    {"Mail.EXAMPLE.test", "x", {MAIL}, 0, true},
    {MAIL, "x", {"other.example.test"}, 0, false},
    {MAIL, "x", {"example.test"}, 0, false},
    {MAIL, "x", {"mail.example.test.evil.test"}, 0, false},
    {MAIL, "x", {"xmail.example.test"}, 0, false},
    {MAIL, "x", {"mail.example.tes"}, 0, false},
    {MAIL, "x", {"mail.example.test."}, 0, false},
    {MAIL, "x", {"mail?example.test"}, 0, false},
    /* the common name counts only when there is nothing better */
    {MAIL, MAIL, {NULL}, 0, true},
    {MAIL, MAIL, {NULL}, PRINTABLE, true},
    {MAIL, "MAIL.EXAMPLE.TEST", {NULL}, IA5, true},
    {MAIL, "x", {NULL}, 0, false},
    {MAIL, "", {NULL}, 0, false},
    {MAIL, MAIL, {"other.example.test"}, 0, false},
    /* wildcards: one label, the first, whole, and never for a top-level domain's all */
    {MAIL, "x", {"*.example.test"}, 0, true},
    {MAIL, "x", {"*.EXAMPLE.test"}, 0, true},
    {MAIL, "*.example.test", {NULL}, 0, true},
    {"a.mail.example.test", "x", {"*.example.test"}, 0, false},
    {"example.test", "x", {"*.example.test"}, 0, false},
    {MAIL, "x", {"mail.*.test"}, 0, false},
    {MAIL, "x", {"mai*.example.test"}, 0, false},
    {MAIL, "x", {"*mail.example.test"}, 0, false},
    {MAIL, "x", {"*.*.test"}, 0, false},
    {MAIL, "x", {"*.test"}, 0, false},
    {MAIL, "x", {"*"}, 0, false},
    {"example.test", "x", {"example.test"}, 0, true},
    {"example.test", "x", {"*.test"}, 0, false},
    {"example.test", "x", {"*.TEST"}, 0, false},
    {"example.test", "x", {"*.tEsT"}, 0, false},
    {"EXAMPLE.TEST", "x", {"*.test"}, 0, false},
    {"example.test", "x", {"example.test", "*.test"}, 0, false},
    {"example.test", "x", {"*.test", "example.test"}, 0, false},
    {"example.test", "x", {"*.Test", "x.test", "example.test"}, 0, false},
    {"example.test", "*.test", {NULL}, 0, false},
    {"example.test", "*.TEST", {NULL}, PRINTABLE, false},
    {"example.test", "*.test", {NULL}, TELETEX, false},
    {"example.test", "*.test", {NULL}, IA5, false},
    {"example.test", "*.test", {NULL}, BMP, false},
    {"example.test", "*.test", {"example.test"}, 0, false},
    {"example.test", "x", {"\357\273\277*.test"}, 0, false}, /* BearSSL skips a byte order mark */
    {"example.test", "\357\273\277*.test", {NULL}, 0, false},
    {"example.test", "x", {"*."}, 0, false},
    {"test", "x", {"*"}, 0, false},
    {"test", "x", {"*."}, 0, false},
    {"test", "x", {"*.test"}, 0, false},
    {"test", "x", {"test"}, 0, true},
    {".test", "x", {"*.test"}, 0, false},
    /* no false alarm */
    {"example.test", "*.test.example", {"example.test"}, 0, true},
    {"example.test", "x", {"example.test", "*.test.example"}, 0, true},
    {"example.test", "x", {"example.test", "*.example.test"}, 0, true},
    {"example.test", "x", {"example.test", "*.tes"}, 0, true},
    {"example.test", "x", {"example.test", "*.testing"}, 0, true},
    {"example.test", "x", {"example.test", "*.testA"}, 0, true},
    {"example.test", "x", {"example.test", "*.testz"}, 0, true},
    {"example.test", "x", {"example.test", "*.test-"}, 0, true},
    {"example.az", "x", {"*.AZ"}, 0, false},
    {MAIL, "*.test", {MAIL, "*.test"}, 0, true},
};

static void test_names(void **state)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(names); i++) {
        struct trust_spec leaf = {.cn = names[i].cn, .key = P_256, .cn_tag = names[i].cn_tag, CA};
        uint8_t cause;

        memcpy(leaf.names, names[i].names, sizeof leaf.names);
        set_anchors(names[i].name);
        cause = run_one(&leaf);
        if (cause != (names[i].good ? MOTE_CAUSE_NONE : MOTE_CAUSE_CERT_NAME)) {
            print_error("%s, CN %s (%u), SAN %s: cause %u\n", names[i].name, names[i].cn, names[i].cn_tag,
                        names[i].names[0] != NULL ? names[i].names[0] : "none", cause);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

static void set_pin(const uint8_t pin[32], const char *name)
{
    trust_bench_set(&bench);
    mote_trust_pin(&bench.relay.trust, pin, name);
    bench.setup.unix_s = 0;
}

/* What openssl says about each key is the pin; one bit of it wrong is another key. */
static void test_pins(void **state)
{
    for (unsigned key = 0; key < P_521; key++) {
        uint8_t pin[32], computed[32];
        struct trust_spec leaf = {.cn = "x", .key = (uint8_t)key, .signer = P_256};

        trust_key_pin(key, pin, computed);
        assert_memory_equal(pin, computed, 32);
        set_pin(pin, key % 2 != 0 ? MAIL : NULL);
        bench.relay.tls = key % 3 == 0 ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
        assert_int_equal(run_one(&leaf), MOTE_CAUSE_NONE);
        assert_string_equal(bench.peer.server_name, key % 2 != 0 ? MAIL : "");
        assert_int_equal(bench.peer.version, BR_TLS12);
        for (size_t i = 0; i < 32; i += 31) {
            pin[i] ^= i == 0 ? 128 : 1;
            set_pin(pin, MAIL);
            assert_int_equal(run_one(&leaf), MOTE_CAUSE_CERT_PIN);
            pin[i] ^= i == 0 ? 128 : 1;
        }
    }
}

static void test_pins_decide_alone(void **state)
{
    static const struct trust_spec expired = {
        .cn = "other", .names = {"other"}, .key = P_256, .signer = P_384, .till = "200102000000Z", .critical = true};
    static const struct trust_spec other = {.cn = MAIL, .names = {MAIL}, .key = P_384, CA};
    uint8_t pin[32], unused[32];

    trust_key_pin(P_256, pin, unused);
    set_pin(pin, MAIL);
    assert_int_equal(run_one(&expired), MOTE_CAUSE_NONE);
    /* the first certificate's key counts, no other's */
    set_pin(pin, MAIL);
    trust_bench_certify(&bench, &expired);
    assert_int_equal(run_one(&other), MOTE_CAUSE_NONE);
    set_pin(pin, MAIL);
    trust_bench_certify(&bench, &other);
    assert_int_equal(run_one(&expired), MOTE_CAUSE_CERT_PIN);
    /* no key is pinned by zeros */
    memset(unused, 0, 32);
    set_pin(unused, MAIL);
    assert_int_equal(run_one(&expired), MOTE_CAUSE_CERT_PIN);
    /* the pinned certificate and not its key */
    set_pin(pin, MAIL);
    trust_bench_certify(&bench, &expired);
    bench.peer.key = P_256_CA;
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_HANDSHAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opportunistic),
        cmocka_unit_test(test_garbage_for_a_certificate),
        cmocka_unit_test(test_good_chains),
        cmocka_unit_test(test_intermediates),
        cmocka_unit_test(test_bad_chains),
        cmocka_unit_test(test_dates_to_the_second),
        cmocka_unit_test(test_dates_within_a_day),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_pins_decide_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Several pins, and pins in a chain: which certificate's key may be pinned, what is verified up to it, and that nothing else is
 * ever enough.
 */
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MAIL         "mail.example.test"
#define ROOT         .issuer = "Root", .signer = P_256_CA
#define MIDDLE       .issuer = "Middle", .signer = P_384
#define LEAF         .cn = "x", .names = {MAIL}, .key = P_256

static struct trust_bench bench;
static uint8_t pins[4][32];

static const struct trust_spec leaf = {LEAF, MIDDLE},
                               root = {.cn = "Root", .key = P_256_CA, .signer = P_256_CA, .ca = true},
                               middle = {.cn = "Middle", .key = P_384, .ca = true, ROOT};

static const uint8_t (*pin(enum trust_key key))[32]
{
    uint8_t unused[32];

    trust_key_pin(key, pins[0], unused);
    return (const uint8_t(*)[32])pins;
}

static void certify(const struct trust_spec *const chain[3])
{
    for (size_t i = 0; i < 3 && chain[i] != NULL; i++) {
        trust_bench_certify(&bench, chain[i]);
    }
}

/* ---- Several keys of a relay ------------------------------------------------------------------------------------- */

static void test_any_of_several(void **state)
{
    static const uint8_t keys[] = {RSA_2048, P_256, P_384};
    uint8_t unused[32];

    for (size_t i = 0; i < COUNT(keys); i++) {
        trust_key_pin(keys[i], pins[i], unused);
    }
    for (size_t count = 0; count <= COUNT(keys); count++) {
        for (size_t i = 0; i < COUNT(keys); i++) {
            trust_bench_set(&bench);
            bench.setup.unix_s = 0;
            mote_trust_pins(&bench.relay.trust, (const uint8_t(*)[32])pins, count, NULL);
            trust_bench_certify(&bench, &(struct trust_spec){.cn = "x", .key = keys[i], .signer = P_256});
            assert_int_equal(trust_bench_run(&bench), i < count ? MOTE_CAUSE_NONE : MOTE_CAUSE_CERT_PIN);
            trust_bench_set(&bench);
            bench.setup.unix_s = 0;
            mote_trust_pins_small(&bench.relay.trust, (const uint8_t(*)[32])pins, count, NULL, &br_ec_all_m31);
            trust_bench_certify(&bench, &(struct trust_spec){.cn = "x", .key = keys[i], .signer = P_256});
            assert_int_equal(trust_bench_run(&bench), i < count ? MOTE_CAUSE_NONE : MOTE_CAUSE_CERT_PIN);
        }
    }
}

/* The small one has ChaCha20-Poly1305 alone, and the curves it is given. */
static void test_small(void **state)
{
    static const struct trust_spec p384 = {.cn = "x", .key = P_384, .signer = P_256};
    const struct mote_result *result = mote_session_result(&bench.session);

    trust_bench_set(&bench);
    mote_trust_pins_small(&bench.relay.trust, pin(P_256), 1, NULL, &br_ec_all_m31);
    trust_bench_certify(&bench, &(struct trust_spec){.cn = "x", .key = P_256, .signer = P_256});
    bench.peer.suites[0] = BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_NO_COMMON);
    trust_bench_set(&bench);
    mote_trust_pins_small(&bench.relay.trust, pin(P_384), 1, NULL, &br_ec_p256_m31);
    trust_bench_certify(&bench, &p384);
    assert_int_not_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    for (unsigned i = 0; i < 2; i++) {
        trust_bench_set(&bench);
        mote_trust_pins_small(&bench.relay.trust, i == 0 ? NULL : pin(P_256), 1, NULL, i == 0 ? &br_ec_p256_m31 : NULL);
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        assert_int_equal(mote_session_poll(&bench.session, 0), MOTE_DONE);
        assert_int_equal(result->cause, MOTE_CAUSE_TRUST);
    }
}

/* A list that is not there is no trust, and no pin is one that holds zeros. */
static void test_none(void **state)
{
    const struct mote_result *result = mote_session_result(&bench.session);

    for (unsigned i = 0; i < 2; i++) {
        trust_bench_set(&bench);
        (i == 0 ? mote_trust_pins : mote_trust_pinned_chain)(&bench.relay.trust, NULL, i, MAIL);
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        assert_int_equal(mote_session_poll(&bench.session, 0), MOTE_DONE);
        assert_int_equal(bench.rcpt.result.verdict, MOTE_MISUSE);
        assert_int_equal(result->cause, MOTE_CAUSE_TRUST);
    }
    memset(pins, 0, sizeof pins);
    for (size_t count = 0; count < 2; count++) {
        trust_bench_set(&bench);
        mote_trust_pinned_chain(&bench.relay.trust, (const uint8_t(*)[32])pins, count, MAIL);
        certify((const struct trust_spec *const[]){&leaf, &middle, &root});
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_PIN);
    }
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

static void test_chains(void **state)
{
    static const uint8_t clients[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    static const struct trust_spec other_name = {.cn = "x", .names = {"other.example.test"}, .key = P_256, MIDDLE};
    static const struct trust_spec old_leaf = {LEAF, .till = "250101000000Z", MIDDLE};
    static const struct trust_spec old_middle = {
        .cn = "Middle", .key = P_384, .ca = true, .till = "250101000000Z", ROOT};
    static const struct trust_spec future_root = {
        .cn = "Root", .key = P_256_CA, .signer = P_256_CA, .ca = true, .from = "300101000000Z"};
    static const struct trust_spec forged = {LEAF, .issuer = "Middle", .signer = RSA_2048};
    static const struct trust_spec own = {LEAF, .issuer = "x", .signer = P_256};
    static const struct trust_spec no_ca = {.cn = "Middle", .key = P_384, ROOT};
    static const struct trust_spec forged_middle = {
        .cn = "Middle", .key = P_384, .ca = true, .issuer = "Root", .signer = P_384};
    static const struct trust_spec wide = {.cn = "x", .names = {"*.test"}, .key = P_256, MIDDLE};
    static const struct trust_spec client = {LEAF, .usage = {clients, sizeof clients}, MIDDLE};
    static const struct trust_spec by_rsa = {LEAF, .issuer = "RSA", .signer = RSA_3072};
    static const struct trust_spec rsa = {.cn = "RSA", .key = RSA_3072, .ca = true, ROOT};
    static const struct trust_spec weak = {LEAF, .issuer = "Weak", .signer = RSA_1024};
    static const struct trust_spec weak_ca = {.cn = "Weak", .key = RSA_1024, .ca = true, ROOT};
    static const struct {
        const struct trust_spec *chain[3];
        uint8_t pinned, cause;
    } cases[] = {
        {{&leaf, &middle, &root}, P_256, MOTE_CAUSE_NONE},
        {{&leaf, &middle, &root}, P_384, MOTE_CAUSE_NONE},
        {{&leaf, &middle, &root}, P_256_CA, MOTE_CAUSE_NONE},
        {{&leaf, &middle}, P_384, MOTE_CAUSE_NONE},
        {{&by_rsa, &rsa, &root}, RSA_3072, MOTE_CAUSE_NONE},
        {{&leaf}, P_256, MOTE_CAUSE_NONE},
        {{&leaf, &middle, &root}, RSA_2048, MOTE_CAUSE_CERT_PIN},
        /* the pinned one is not there */
        {{&leaf}, P_384, MOTE_CAUSE_CERT_PIN},
        {{&leaf, &middle}, P_256_CA, MOTE_CAUSE_CERT_PIN},
        /* what stands behind it does not count */
        {{&leaf, &middle, &rsa}, P_384, MOTE_CAUSE_NONE},
        {{&leaf, &old_middle}, P_256, MOTE_CAUSE_NONE},
        {{&leaf, &middle, &rsa}, RSA_3072, MOTE_CAUSE_CERT_UNTRUSTED},
        /* name, dates, signatures, and what a CA is, up to it */
        {{&other_name, &middle, &root}, P_384, MOTE_CAUSE_CERT_NAME},
        {{&other_name, &middle, &root}, P_256, MOTE_CAUSE_CERT_NAME},
        {{&wide, &middle}, P_384, MOTE_CAUSE_CERT_NAME},
        {{&wide, &middle}, P_256, MOTE_CAUSE_CERT_NAME},
        {{&client, &middle}, P_384, MOTE_CAUSE_CERT_INVALID},
        {{&old_leaf, &middle, &root}, P_384, MOTE_CAUSE_CERT_DATE},
        {{&old_leaf, &middle, &root}, P_256, MOTE_CAUSE_CERT_DATE},
        {{&leaf, &old_middle, &root}, P_384, MOTE_CAUSE_CERT_DATE},
        {{&leaf, &old_middle, &root}, P_256_CA, MOTE_CAUSE_CERT_DATE},
        {{&leaf, &middle, &future_root}, P_256_CA, MOTE_CAUSE_CERT_DATE},
        {{&forged, &middle, &root}, P_384, MOTE_CAUSE_CERT_INVALID},
        {{&forged, &middle, &root}, P_256_CA, MOTE_CAUSE_CERT_INVALID},
        {{&leaf, &forged_middle, &root}, P_256_CA, MOTE_CAUSE_CERT_INVALID},
        {{&leaf, &no_ca, &root}, P_384, MOTE_CAUSE_CERT_INVALID},
        {{&weak, &weak_ca, &root}, RSA_1024, MOTE_CAUSE_CERT_INVALID},
        /* a stranger's own, with the CA put behind it */
        {{&own, &middle, &root}, P_384, MOTE_CAUSE_CERT_UNTRUSTED},
        {{&own, &root}, P_256_CA, MOTE_CAUSE_CERT_UNTRUSTED},
    };
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t cause;

        trust_bench_set(&bench);
        bench.peer.piece = i % 3;
        mote_trust_pinned_chain(&bench.relay.trust, pin(cases[i].pinned), 1, MAIL);
        certify(cases[i].chain);
        cause = trust_bench_run(&bench);
        if (cause != cases[i].cause) {
            print_error("case %zu: %s\n", i, mote_cause_name(cause));
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* The key and the next one: both lists at once. */
static void test_rollover(void **state)
{
    uint8_t unused[32];

    for (unsigned i = 0; i < 3; i++) {
        pin(RSA_4096);
        trust_key_pin(P_256_CA, pins[1], unused);
        trust_key_pin(P_384, pins[2], unused);
        trust_bench_set(&bench);
        mote_trust_pinned_chain(&bench.relay.trust, (const uint8_t(*)[32])pins, i + 1, MAIL);
        certify((const struct trust_spec *const[]){&leaf, &middle, &root});
        assert_int_equal(trust_bench_run(&bench), i == 0 ? MOTE_CAUSE_CERT_PIN : MOTE_CAUSE_NONE);
    }
}

static void test_what_it_needs(void **state)
{
    const struct mote_result *result = mote_session_result(&bench.session);

    trust_bench_set(&bench);
    bench.setup.unix_s = 0;
    mote_trust_pinned_chain(&bench.relay.trust, pin(P_384), 1, MAIL);
    mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
    assert_int_equal(mote_session_poll(&bench.session, 0), MOTE_DONE);
    assert_int_equal(result->verdict, MOTE_DEFERRED);
    assert_int_equal(result->cause, MOTE_CAUSE_NO_TIME);
    for (unsigned i = 0; i < 2; i++) {
        trust_bench_set(&bench);
        mote_trust_pinned_chain(&bench.relay.trust, pin(P_384), 1, i == 0 ? NULL : "");
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        assert_int_equal(mote_session_poll(&bench.session, 0), MOTE_DONE);
        assert_int_equal(result->cause, MOTE_CAUSE_TRUST);
    }
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

/* How long the element at a place is, with its tag and length. */
static size_t element(const uint8_t *der)
{
    assert_true(der[1] <= 0x82 && der[1] != 0x80);
    return der[1] < 0x80 ? 2u + der[1] : der[1] == 0x81 ? 3u + der[2] : 4 + ((size_t)der[2] << 8 | der[3]);
}

/* An octet of what the middle certificate signs in the leaf, or one of the pinned key, is another: not accepted. */
static void test_damaged(void **state)
{
    struct trust_cert good[3];
    size_t tried = 0;

    trust_bench_set(&bench);
    certify((const struct trust_spec *const[]){&leaf, &middle, &root});
    memcpy(good, bench.peer.chain, sizeof good);
    for (size_t which = 0; which < 2; which++) {
        size_t begin = good[which].der[1] == 0x81 ? 3 : 4, end = begin + element(good[which].der + begin);

        for (size_t at = begin; at < end; at++) {
            trust_bench_set(&bench);
            mote_trust_pinned_chain(&bench.relay.trust, pin(which == 0 ? P_384 : P_256_CA), 1, MAIL);
            memcpy(bench.peer.chain, good, sizeof good);
            bench.peer.key = P_256;
            bench.peer.chain[which].der[at] ^= (uint8_t)(1 << at % 8);
            mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
            trust_talk(&bench.session, &bench.peer);
            assert_int_equal(mote_session_result(&bench.session)->verdict, MOTE_DEFERRED);
            tried++;
        }
    }
    assert_true(tried > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_of_several), cmocka_unit_test(test_small),    cmocka_unit_test(test_none),
        cmocka_unit_test(test_chains),         cmocka_unit_test(test_rollover), cmocka_unit_test(test_what_it_needs),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

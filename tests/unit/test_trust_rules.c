/* SPDX-License-Identifier: MIT
 *
 * What BearSSL leaves to us: purposes of certificates, names with a final dot, curves, CBC for relays that are verified, the
 * watchdog between computations.
 */
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MAIL         "mail.example.test"
#define CA           .issuer = "Test CA", .signer = P_256_CA
#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static struct trust_bench bench;

static const struct trust_spec rsa_leaf = {.cn = MAIL, .key = RSA_2048, CA};
static const struct trust_spec ec_leaf = {.cn = MAIL, .key = P_256, CA};

/* ---- Purposes ---------------------------------------------------------------------------------------------------- */

#define SERVERS    "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"
#define CLIENTS    "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02"
#define CODE       "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03"
#define EMAIL      "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x04"
#define ANYTHING   "\x06\x04\x55\x1d\x25\x00"
#define LOGON      "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x02"
#define EIGHT(x)   x x x x x x x x
#define NAME_OF_IT "\x06\x03\x55\x1d\x25"

static const struct {
    struct trust_octets usage;
    bool good;
} usages[] = {
    {OCTETS("\x30\x0a" SERVERS), true},
    {OCTETS("\x30\x14" SERVERS CLIENTS), true},
    {OCTETS("\x30\x14" CLIENTS SERVERS), true},
    {OCTETS("\x30\x06" ANYTHING), true},
    {OCTETS("\x30\x10" CLIENTS ANYTHING), true},
    {OCTETS("\x30\x1a" SERVERS ANYTHING SERVERS), true},
    {OCTETS("\x30\x2a" LOGON CLIENTS CODE SERVERS), true},
    {OCTETS("\x30\x0a" CLIENTS), false},
    {OCTETS("\x30\x0a" CODE), false},
    {OCTETS("\x30\x1e" CLIENTS CODE EMAIL), false},
    {OCTETS("\x30\x0c" LOGON), false},
    {OCTETS("\x30\x00"), false},
    /* long forms of the lengths */
    {OCTETS("\x30\x81\x8c" EIGHT(CLIENTS) EIGHT("\x06\x03\x55\x1d\x26") CODE SERVERS), true},
    {OCTETS("\x30\x81\x8c" EIGHT(CLIENTS) EIGHT("\x06\x03\x55\x1d\x26") CODE EMAIL), false},
    {OCTETS("\x30\x82\x01\x4a" EIGHT(CLIENTS CODE EMAIL LOGON) SERVERS), true},
    {OCTETS("\x30\x82\x01\x4a" EIGHT(CLIENTS CODE EMAIL LOGON) CLIENTS), false},
};

static struct trust_spec with_usage(size_t i)
{
    struct trust_spec leaf = ec_leaf;

    leaf.usage = usages[i].usage;
    return leaf;
}

static uint8_t cause_of(bool good)
{
    return good ? MOTE_CAUSE_NONE : MOTE_CAUSE_CERT_INVALID;
}

/* A list of purposes without servers is no relay's, for a chain. Pins and opportunistic relays have no use for it. */
static void test_purposes(void **state)
{
    for (size_t i = 0; i < COUNT(usages); i++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            struct trust_spec leaf = with_usage(i);
            bool chain = kind == ANCHORS || kind == ANCHORS_SMALL;
            uint8_t cause;

            trust_bench_kind(&bench, kind, &leaf);
            cause = trust_bench_run(&bench);
            if (cause != cause_of(usages[i].good || !chain)) {
                print_error("purposes %u, trust %u: cause %u\n", (unsigned)i, kind, cause);
            }
            assert_int_equal(cause, cause_of(usages[i].good || !chain));
        }
    }
}

/* BearSSL refuses a critical list, whatever is in it. One that is said not to be critical counts like any other, in however many
 * octets that is said. */
static void test_critical_purposes(void **state)
{
    static const struct {
        struct trust_octets critical;
        bool good;
    } cases[] = {
        {OCTETS("\1\1\377"), false}, {OCTETS("\1\1\1"), false},    {OCTETS("\1\1\4"), false},
        {OCTETS("\1\1\0"), true},    {OCTETS("\1\201\1\0"), true}, {OCTETS("\1\202\0\1\0"), true},
    };

    for (size_t i = 0; i < COUNT(usages); i++) {
        for (size_t n = 0; n < COUNT(cases); n++) {
            struct trust_spec leaf = with_usage(i);

            leaf.usage_critical = cases[n].critical;
            trust_bench_kind(&bench, n % 2 == 0 ? ANCHORS : ANCHORS_SMALL, &leaf);
            assert_int_equal(trust_bench_run(&bench), cause_of(usages[i].good && cases[n].good));
        }
    }
}

/* A CA may list what it likes: only the relay's own certificate is for a server. */
static void test_purposes_of_a_ca(void **state)
{
    struct trust_spec leaf = {.cn = MAIL, .key = P_256, .issuer = "Middle", .signer = P_384};
    struct trust_spec middle = {.cn = "Middle", .key = P_384, .ca = true, .usage = usages[7].usage, CA};

    trust_bench_kind(&bench, ANCHORS, &leaf);
    trust_bench_certify(&bench, &middle);
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    /* and the leaf's list counts when there is an intermediate, too */
    leaf.usage = usages[7].usage;
    middle.usage.len = 0;
    trust_bench_kind(&bench, ANCHORS, &leaf);
    trust_bench_certify(&bench, &middle);
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_INVALID);
}

/* What its owner put into a certificate for clients makes it none for servers: lists of his own, before the true one, around
 * it, behind it. */
static void test_purposes_made_up(void **state)
{
    static const char *const made_up[] = {
        NAME_OF_IT "\x04\x0c\x30\x0a" SERVERS,
        SERVERS,
        "\x30\x0a" SERVERS,
        NAME_OF_IT "\x04\x82\x7f\x7f\x30\x82\x7f\x7f" SERVERS,
        NAME_OF_IT "\x04\x82\x7f\x7f\x30\x82\x7f\x7f" CLIENTS,
        NAME_OF_IT "\x04\x83\x7f\x7f\x7f",
        NAME_OF_IT NAME_OF_IT "\x04\x0c\x30\x0a" SERVERS,
        NAME_OF_IT "\x01\x01\x7f\x04\x0c\x30\x0a" SERVERS,
        NAME_OF_IT "\x01",
    };
    char cn[COUNT(made_up)][80], extra[COUNT(made_up)][80];

    for (size_t before = 0; before < COUNT(made_up); before++) {
        for (size_t behind = 0; behind < COUNT(made_up); behind++) {
            struct trust_spec leaf = with_usage(7);
            static const struct trust_octets written[] = {OCTETS(""), OCTETS("\1\1\0")};

            leaf.usage_critical = written[(before + behind) % 2];
            /* as a common name, which stands in front: the name itself is in subjectAltName */
            snprintf(cn[before], sizeof cn[before], "%s", made_up[before]);
            snprintf(extra[behind], sizeof extra[behind], "%s", made_up[behind]);
            leaf.cn = cn[before];
            leaf.names[0] = MAIL;
            leaf.extra.data = extra[behind];
            leaf.extra.len = strlen(extra[behind]);
            trust_bench_kind(&bench, ANCHORS, &leaf);
            assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_INVALID);
        }
    }
}

/* A list whose length takes two octets ends where it says: what stands behind it is not in it. */
static void test_purposes_behind_a_long_list(void **state)
{
    struct trust_spec leaf = with_usage(COUNT(usages) - 1);

    leaf.extra = (struct trust_octets)OCTETS(SERVERS);
    trust_bench_kind(&bench, ANCHORS, &leaf);
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_INVALID);
}

/* ---- Names with a final dot -------------------------------------------------------------------------------------- */

static void test_final_dot(void **state)
{
    static const struct {
        const char *name, *in_certificate, *sni;
        uint8_t cause;
    } cases[] = {
        {"mail.example.test.", MAIL, MAIL, MOTE_CAUSE_NONE},
        {"Mail.Example.Test.", MAIL, "Mail.Example.Test", MOTE_CAUSE_NONE},
        {"mail.example.test.", "*.example.test", MAIL, MOTE_CAUSE_NONE},
        {"mail.example.test.", "other.example.test", MAIL, MOTE_CAUSE_CERT_NAME},
        {"example.test.", "*.test", "example.test", MOTE_CAUSE_CERT_NAME},
        {"example.test.", "*.test.", "example.test", MOTE_CAUSE_CERT_NAME},
        {"example.test", "*.test.", "example.test", MOTE_CAUSE_CERT_NAME},
        {"mail.example.test..", MAIL, "mail.example.test.", MOTE_CAUSE_CERT_NAME},
        {"test.", "test", "test", MOTE_CAUSE_NONE},
        {"test.", "*.", "test", MOTE_CAUSE_CERT_NAME},
        {".", "*", ".", MOTE_CAUSE_CERT_NAME},
        {".", MAIL, ".", MOTE_CAUSE_CERT_NAME},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            struct trust_spec leaf = {.cn = "x", .names = {cases[i].in_certificate}, .key = P_256, CA};
            bool chain = kind == ANCHORS || kind == ANCHORS_SMALL;
            uint8_t cause;

            trust_bench_kind(&bench, kind, &leaf);
            bench.relay.trust.name = cases[i].name;
            cause = trust_bench_run(&bench);
            if (cause != (chain ? cases[i].cause : MOTE_CAUSE_NONE)) {
                print_error("%s, SAN %s, trust %u: cause %u\n", cases[i].name, cases[i].in_certificate, kind, cause);
            }
            assert_int_equal(cause, chain ? cases[i].cause : MOTE_CAUSE_NONE);
            if (cause == MOTE_CAUSE_NONE) {
                assert_string_equal(bench.peer.server_name, cases[i].sni);
            }
        }
    }
}

/* The longest name BearSSL takes has 255 octets; one more, or many more, is refused, with a dot as without. */
static void test_long_names(void **state)
{
    static char name[2000];

    for (size_t len = 250; len < sizeof name; len += len < 260 ? 1 : 500) {
        for (unsigned dot = 0; dot < 2; dot++) {
            memset(name, 'a', sizeof name);
            name[len - 1] = dot != 0 ? '.' : 'a';
            name[len] = 0;
            trust_bench_kind(&bench, OPPORTUNISTIC, &ec_leaf);
            bench.relay.trust.name = name;
            bench.setup.buf_len = MOTE_SESSION_BUF_MIN;
            assert_int_equal(trust_bench_run(&bench), len - dot <= 255 ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_HANDSHAKE);
            for (size_t i = MOTE_SESSION_BUF_MIN; i < sizeof bench.buf; i++) {
                assert_int_equal(bench.buf[i], 0);
            }
        }
    }
}

/* ---- Curves ------------------------------------------------------------------------------------------------------ */

static br_ec_impl peers;
static uint8_t low_order[32];

/* Public keys of small order make X25519's shared secret zeros, whatever the other's key is. */
static size_t low_order_mulgen(unsigned char *to, const unsigned char *x, size_t xlen, int curve)
{
    memcpy(to, low_order, sizeof low_order);
    return sizeof low_order;
}

static uint32_t zeros_mul(unsigned char *point, size_t len, const unsigned char *x, size_t xlen, int curve)
{
    memset(point, 0, len);
    return 1;
}

static void test_low_order_points(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };

    peers = br_ec_c25519_m31;
    peers.supported_curves |= (uint32_t)1
                              << BR_EC_secp256r1; /* without one in common it would not come to the choice */
    for (size_t i = 0; i <= COUNT(points); i++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            bool good = i == COUNT(points) && kind != ANCHORS_SMALL;

            for (size_t n = 0; i < COUNT(points) && n < sizeof low_order; n++) {
                unsigned octet;

                assert_int_equal(sscanf(points[i] + 2 * n, "%2x", &octet), 1);
                low_order[n] = (uint8_t)octet;
            }
            trust_bench_kind(&bench, kind, &ec_leaf);
            bench.peer.ec = &peers;
            bench.peer.forced = BR_EC_curve25519;
            peers.mulgen = i == COUNT(points) ? br_ec_c25519_m31.mulgen : low_order_mulgen;
            peers.mul = i == COUNT(points) ? br_ec_c25519_m31.mul : zeros_mul;
            /* an honest point, the last one, is taken where the curve is offered */
            assert_int_equal(trust_bench_run(&bench), good ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_HANDSHAKE);
        }
    }
}

/* A relay's choice of curve, forced upon us: P-521 is not computed with. */
static void test_key_exchange_on_each_curve(void **state)
{
    static const int curves[] = {BR_EC_secp256r1, BR_EC_secp384r1, BR_EC_secp521r1, BR_EC_curve25519};

    for (size_t i = 0; i < COUNT(curves); i++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            bool good = curves[i] == BR_EC_curve25519 ? kind != ANCHORS_SMALL : curves[i] != BR_EC_secp521r1;

            for (unsigned forced = 0; forced < 2; forced++) {
                uint8_t cause;

                peers = *br_ec_get_default();
                peers.supported_curves = (uint32_t)1 << curves[i] | (uint32_t)forced << BR_EC_secp256r1;
                trust_bench_kind(&bench, kind, &ec_leaf);
                bench.peer.ec = &peers;
                bench.peer.forced = forced != 0 ? curves[i] : 0;
                cause = trust_bench_run(&bench);
                if (good) {
                    assert_int_equal(cause, MOTE_CAUSE_NONE);
                } else {
                    assert_int_equal(cause, forced ? MOTE_CAUSE_TLS_HANDSHAKE : MOTE_CAUSE_TLS_NO_COMMON);
                }
            }
        }
    }
}

/* A key on P-521 is a certificate that is not supported, and not a handshake that failed. */
static void test_p521_keys(void **state)
{
    static const struct trust_spec leaf = {.cn = MAIL, .key = P_521, CA};

    for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
        trust_bench_kind(&bench, kind, &leaf);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_INVALID);
    }
}

/* Chains are signed over SHA-256, SHA-384 or SHA-512; the smallest image has the first. */
static void test_hashes_of_chains(void **state)
{
    static const struct trust_spec middle = {.cn = "Middle", .key = P_384, .ca = true, CA};
    static const struct {
        struct trust_spec leaf;
        bool small;
    } cases[] = {
        {{.cn = MAIL, .key = P_256, CA}, true},
        {{.cn = MAIL, .key = P_256, .issuer = "Middle", .signer = P_384}, false},
        {{.cn = MAIL, .key = P_256, .sha512 = true, CA}, false},
        {{.cn = MAIL, .key = P_256, .sha512 = true, .issuer = "Middle", .signer = P_384}, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned kind = ANCHORS; kind < ALL_KINDS; kind++) {
            trust_bench_kind(&bench, kind, &cases[i].leaf);
            if (cases[i].leaf.signer == P_384) {
                trust_bench_certify(&bench, &middle);
            }
            assert_int_equal(trust_bench_run(&bench), cause_of(cases[i].small || kind != ANCHORS_SMALL));
        }
    }
}

/* ---- CBC --------------------------------------------------------------------------------------------------------- */

static const uint16_t cbc[] = {
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,    BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,    BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
};

/* Relays that have nothing else are verified as any; without the call they are refused. */
static void test_cbc(void **state)
{
    for (size_t i = 0; i < COUNT(cbc); i++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            for (unsigned calls = 0; calls < 3; calls++) {
                bool good = calls != 0 || kind == OPPORTUNISTIC;

                trust_bench_kind(&bench, kind, i % 2 == 0 ? &ec_leaf : &rsa_leaf);
                for (unsigned n = 0; n < calls; n++) {
                    mote_trust_cbc(&bench.relay.trust);
                }
                bench.peer.suites[0] = cbc[i];
                assert_int_equal(trust_bench_run(&bench), good ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_NO_COMMON);
                if (good) {
                    assert_int_equal(bench.peer.suite, cbc[i]);
                }
            }
        }
    }
}

/* It is the last choice, and nothing else is given up for it. */
static void test_cbc_is_the_last_choice(void **state)
{
    static const uint16_t never[] = {BR_TLS_RSA_WITH_AES_128_GCM_SHA256, BR_TLS_RSA_WITH_AES_128_CBC_SHA256,
                                     BR_TLS_RSA_WITH_AES_128_CBC_SHA, BR_TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA};

    for (unsigned kind = ANCHORS; kind < ALL_KINDS; kind++) {
        trust_bench_kind(&bench, kind, &rsa_leaf);
        mote_trust_cbc(&bench.relay.trust);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(bench.peer.suite, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256);
        trust_bench_kind(&bench, kind, &rsa_leaf);
        mote_trust_cbc(&bench.relay.trust);
        bench.peer.suites[0] = BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256;
        bench.peer.suites[1] = BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(bench.peer.suite, BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384);
        for (size_t i = 0; i < COUNT(never); i++) {
            trust_bench_kind(&bench, kind, &rsa_leaf);
            mote_trust_cbc(&bench.relay.trust);
            bench.peer.suites[0] = never[i];
            assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_NO_COMMON);
        }
        trust_bench_kind(&bench, kind, &rsa_leaf);
        mote_trust_cbc(&bench.relay.trust);
        bench.peer.version_min = BR_TLS10;
        bench.peer.version_max = BR_TLS11;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_NO_COMMON);
        trust_bench_kind(&bench, kind, &rsa_leaf);
        mote_trust_cbc(&bench.relay.trust);
        bench.relay.trust.name = "other.example.test";
        assert_int_equal(trust_bench_run(&bench), kind == PIN ? MOTE_CAUSE_NONE : MOTE_CAUSE_CERT_NAME);
    }
}

/* SHA-1 is there for the records: a relay that signs with it is not verified. Opportunistic ones may. */
static void test_cbc_does_not_bring_signatures_over_sha1(void **state)
{
    for (unsigned rsa = 0; rsa < 2; rsa++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            trust_bench_kind(&bench, kind, rsa != 0 ? &rsa_leaf : &ec_leaf);
            mote_trust_cbc(&bench.relay.trust);
            bench.peer.suites[0] = cbc[4 + rsa];
            bench.peer.sha1 = true;
            assert_int_equal(trust_bench_run(&bench),
                             kind == OPPORTUNISTIC ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_HANDSHAKE);
        }
    }
}

/* ---- Watchdog ---------------------------------------------------------------------------------------------------- */

static unsigned fed;

static void feed(void)
{
    fed++;
}

/* One for each computation: signatures of the chain, of the key exchange, and the exchange's two halves, or RSA's one. */
static void test_watchdog(void **state)
{
    static const struct trust_spec by_rsa = {.cn = MAIL, .key = RSA_2048, .issuer = "Middle", .signer = RSA_3072};
    static const struct trust_spec middle = {.cn = "Middle", .key = RSA_3072, .ca = true, CA};
    static const struct {
        const struct trust_spec *leaf, *middle;
        uint16_t suite;
        unsigned kind, fed;
    } cases[] = {
        {&ec_leaf, NULL, 0, OPPORTUNISTIC, 3},
        {&rsa_leaf, NULL, 0, OPPORTUNISTIC, 3},
        {&rsa_leaf, NULL, BR_TLS_RSA_WITH_AES_128_CBC_SHA, OPPORTUNISTIC, 1},
        {&ec_leaf, NULL, 0, PIN, 3},
        {&rsa_leaf, NULL, 0, PIN, 3},
        {&ec_leaf, NULL, 0, ANCHORS, 4},
        {&rsa_leaf, NULL, 0, ANCHORS, 4},
        {&by_rsa, &middle, 0, ANCHORS, 5},
    };

    memset(&bench.relay.trust, 0, sizeof bench.relay.trust);
    assert_false(mote_watchdog(&bench.relay.trust, feed));
    trust_bench_kind(&bench, ANCHORS, &ec_leaf);
    assert_false(mote_watchdog(&bench.relay.trust, NULL));
    for (size_t i = 0; i < COUNT(cases); i++) {
        trust_bench_kind(&bench, cases[i].kind, cases[i].leaf);
        assert_true(mote_watchdog(&bench.relay.trust, feed));
        if (cases[i].middle != NULL) {
            trust_bench_certify(&bench, cases[i].middle);
        }
        bench.peer.suites[0] = cases[i].suite;
        fed = 0;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(fed, cases[i].fed);
    }
}

/* Relays that compute otherwise than the first one are left alone, and work as they did. */
static void test_watchdog_has_one_kind(void **state)
{
    trust_bench_kind(&bench, PIN, &rsa_leaf);
    assert_true(mote_watchdog(&bench.relay.trust, feed));
    assert_false(mote_watchdog(&bench.relay.trust, feed));
    trust_bench_kind(&bench, ANCHORS_SMALL, &rsa_leaf);
    assert_false(mote_watchdog(&bench.relay.trust, feed));
    fed = 0;
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    trust_bench_kind(&bench, ANCHORS, &rsa_leaf);
    mote_trust_cbc(&bench.relay.trust);
    assert_false(mote_watchdog(&bench.relay.trust, feed));
    bench.peer.suites[0] = cbc[5];
    bench.peer.sha1 = true;
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_HANDSHAKE);
    assert_int_equal(fed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_purposes),
        cmocka_unit_test(test_critical_purposes),
        cmocka_unit_test(test_purposes_of_a_ca),
        cmocka_unit_test(test_purposes_made_up),
        cmocka_unit_test(test_purposes_behind_a_long_list),
        cmocka_unit_test(test_final_dot),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_low_order_points),
        cmocka_unit_test(test_key_exchange_on_each_curve),
        cmocka_unit_test(test_p521_keys),
        cmocka_unit_test(test_hashes_of_chains),
        cmocka_unit_test(test_cbc),
        cmocka_unit_test(test_cbc_is_the_last_choice),
        cmocka_unit_test(test_cbc_does_not_bring_signatures_over_sha1),
        cmocka_unit_test(test_watchdog),
        cmocka_unit_test(test_watchdog_has_one_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What a small image may be built with: AES-128-GCM beside ChaCha20-Poly1305, and no curve longer than P-256. The trust here is
 * compiled with both, in place of the library's.
 */
#define MOTE_SMALL_GCM
#define MOTE_P256_ALONE
#include "../../core/tls/curves.c"
#include "../../core/tls/trust.c"
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAIL "mail.example.test"

static struct trust_bench bench;

static const struct trust_spec rsa_leaf = {.cn = MAIL, .key = RSA_2048, .issuer = "Test CA", .signer = P_256_CA};
static const struct trust_spec ec_leaf = {.cn = MAIL, .key = P_256, .issuer = "Test CA", .signer = P_256_CA};
static const struct trust_spec long_leaf = {.cn = MAIL, .key = P_384, .issuer = "Test CA", .signer = P_256_CA};

/* Both suites of a kind of key; ChaCha20-Poly1305 where the relay leaves it to us; AES-256 not. */
static void gcm(void **state)
{
    static const struct {
        const struct trust_spec *leaf;
        uint16_t only, cause;
    } cases[] = {
        {&ec_leaf, BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MOTE_CAUSE_NONE},
        {&rsa_leaf, BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MOTE_CAUSE_NONE},
        {&ec_leaf, BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, MOTE_CAUSE_NONE},
        {&rsa_leaf, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, MOTE_CAUSE_NONE},
        {&ec_leaf, BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MOTE_CAUSE_TLS_NO_COMMON},
        {&rsa_leaf, BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, MOTE_CAUSE_TLS_NO_COMMON},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        trust_bench_kind(&bench, ANCHORS_SMALL, cases[i].leaf);
        bench.peer.suites[0] = cases[i].only;
        assert_int_equal(trust_bench_run(&bench), cases[i].cause);
        if (cases[i].cause == MOTE_CAUSE_NONE) {
            assert_int_equal(bench.peer.suite, cases[i].only);
        }
    }
    trust_bench_kind(&bench, ANCHORS_SMALL, &ec_leaf);
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    assert_int_equal(bench.peer.suite, BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
}

/* A relay's key on P-384 and a key exchange on it are refused before they are computed with, by every trust. */
static void p256_alone(void **state)
{
    assert_int_equal(mote_curves.supported_curves, 1u << BR_EC_secp256r1 | 1u << BR_EC_curve25519);
    for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
        trust_bench_kind(&bench, (enum trust_kind)kind, &long_leaf);
        assert_int_not_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(bench.session.client.eng.iec->supported_curves & 1u << BR_EC_secp384r1, 0);
        trust_bench_kind(&bench, (enum trust_kind)kind, &ec_leaf);
        bench.peer.forced = BR_EC_secp384r1;
        assert_int_not_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    }
}

/* An exponent is as long as it is without its zeros. */
static void exponents(void **state)
{
    static unsigned char octets[9];

    for (unsigned zeros = 0; zeros < 9; zeros++) {
        memset(octets, 0x81, sizeof octets);
        memset(octets, 0, zeros);
        for (unsigned len = 0; len <= 9; len++) {
            br_x509_pkey key = {.key_type = BR_KEYTYPE_RSA, .key.rsa = {.e = octets, .elen = len}};
            struct integer i = integer(octets, len);

            assert_int_equal(i.len, len == 0 ? 0 : len > zeros ? len - zeros : 1);
            assert_int_equal(i.lead, len > zeros);
            assert_int_equal(mote_trust_key_error(&key), len > zeros + 4 ? BR_ERR_X509_UNSUPPORTED : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gcm), cmocka_unit_test(p256_alone),
                                       cmocka_unit_test(exponents)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

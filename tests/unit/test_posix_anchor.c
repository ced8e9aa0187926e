/* SPDX-License-Identifier: MIT
 *
 * One certificate as an anchor, against BearSSL's decoder: of good certificates and of damaged ones of every kind (damage.h)
 * both take the same, or nothing.
 */
#include "../../port/posix/posix.h"
#include "damage.h"
#include "one.h"
#include "trust_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* ---- BearSSL's decoder ------------------------------------------------------------------------------------------- */

static struct {
    br_x509_decoder_context x509;
    unsigned char dn[200000];
    size_t dn_len;
} theirs;

static void take_name(void *ctx, const void *octets, size_t len)
{
    assert_true(theirs.dn_len + len <= sizeof theirs.dn);
    memcpy(theirs.dn + theirs.dn_len, octets, len);
    theirs.dn_len += len;
}

/* NULL: it takes no key. */
static const br_x509_pkey *decode(const uint8_t *der, size_t len)
{
    theirs.dn_len = 0;
    br_x509_decoder_init(&theirs.x509, take_name, NULL);
    mote_certificate_push(&theirs.x509, der, len);
    return br_x509_decoder_get_pkey(&theirs.x509);
}

static void check_octets(const void *a, size_t a_len, const void *b, size_t b_len)
{
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a, b, a_len);
}

static void check_same(const br_x509_trust_anchor *anchor, const br_x509_pkey *key)
{
    const br_x509_pkey *ours = &anchor->pkey;

    check_octets(anchor->dn.data, anchor->dn.len, theirs.dn, theirs.dn_len);
    assert_int_equal(anchor->flags, br_x509_decoder_isCA(&theirs.x509) ? BR_X509_TA_CA : 0);
    assert_int_equal(ours->key_type, key->key_type);
    if (key->key_type == BR_KEYTYPE_RSA) {
        check_octets(ours->key.rsa.n, ours->key.rsa.nlen, key->key.rsa.n, key->key.rsa.nlen);
        check_octets(ours->key.rsa.e, ours->key.rsa.elen, key->key.rsa.e, key->key.rsa.elen);
    } else {
        assert_int_equal(ours->key.ec.curve, key->key.ec.curve);
        check_octets(ours->key.ec.q, ours->key.ec.qlen, key->key.ec.q, key->key.ec.qlen);
    }
}

/* A point of a wrong length is a key to BearSSL; it verifies nothing. */
static bool odd_point(const br_x509_pkey *key)
{
    static const size_t lens[] = {[BR_EC_secp256r1] = 65, [BR_EC_secp384r1] = 97, [BR_EC_secp521r1] = 133};

    return key->key_type == BR_KEYTYPE_EC && key->key.ec.qlen != lens[key->key.ec.curve];
}

/* Returns whether we take it. An anchor's dates do not count, sound or not. */
static bool compare(const uint8_t *der, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0)); /* for the sanitizers */
    br_x509_trust_anchor anchor;
    const br_x509_pkey *key = decode(der, len);
    bool taken;

    assert_non_null(copy);
    memcpy(copy, der, len);
    taken = mote_posix_anchor(&anchor, copy, len);
    if (taken && key != NULL) {
        check_same(&anchor, key);
    } else if (taken) {
        assert_int_equal(br_x509_decoder_last_error(&theirs.x509), BR_ERR_X509_BAD_TIME);
    } else {
        assert_true(key == NULL || odd_point(key));
    }
    free(copy);
    return taken;
}

/* ---- Certificates ------------------------------------------------------------------------------------------------ */

static void test_good(void **state)
{
    static struct trust_cert cert;

    for (unsigned key = 0; key < TRUST_KEYS; key++) {
        for (unsigned ca = 0; ca < 2; ca++) {
            struct trust_spec spec = {.cn = "mail.example.test", .key = (uint8_t)key, .signer = (uint8_t)key, .ca = ca};

            trust_cert_make(&cert, &spec);
            assert_true(compare(cert.der, cert.len));
        }
    }
}

static unsigned used, taken, refused;

static void compare_damaged(const struct damaged *damaged)
{
    bool is_taken;

    if (one_quick() && damaged->one_octet && used++ % 10 != 0) {
        return;
    }
    is_taken = compare(damaged->der, damaged->len);

    assert_true(!is_taken || !damaged->keyless);
    taken += is_taken;
    refused += !is_taken;
}

static void test_damaged(void **state)
{
    damage_each("mail.example.test", compare_damaged);
    assert_true(taken != 0 && refused != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * One certificate as an anchor, against BearSSL's decoder: of good certificates and of damaged ones of every kind (damage.h)
 * both take the same, or nothing.
 */
#include "../../port/posix/der.h"
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

/* ---- Certificates made for what others never hold ---------------------------------------------------------------- */

static uint8_t made[1000];
static size_t made_len;

static void put(const void *octets, size_t len)
{
    assert_true(made_len + len <= sizeof made);
    memcpy(made + made_len, octets, len);
    made_len += len;
}

/* Puts tag and length, in as many octets, in front of all from at on. */
static void wrap(size_t at, uint8_t tag, size_t length_octets)
{
    size_t len = made_len - at, head = 2 + length_octets;

    assert_true(made_len + head <= sizeof made);
    memmove(made + at + head, made + at, len);
    made[at] = tag;
    made[at + 1] = (uint8_t)(0x80 | length_octets);
    for (size_t i = 0; i < length_octets; i++) {
        made[at + head - 1 - i] = i < sizeof len ? (uint8_t)(len >> 8 * i) : 0;
    }
    made_len += head;
}

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

struct shape {
    struct trust_octets curve; /* with what stands behind it; or, a SEQUENCE, the whole key */
    struct trust_octets ids;
    struct trust_octets constraints; /* without octets: no extensions */
    unsigned length_octets;          /* of the whole */
    bool taken;
};

static void put_point(const struct trust_octets *curve)
{
    static const uint8_t ec[] = {6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1}, point[66] = {0, 4};
    size_t at = made_len;

    put(ec, sizeof ec);
    put(curve->data, curve->len);
    wrap(at, 0x30, 1);
    at = made_len;
    put(point, sizeof point);
    wrap(at, 3, 1);
}

static void put_extensions(const struct trust_octets *constraints)
{
    size_t extensions = made_len, value;

    put("\x06\x03\x55\x1d\x13", 5);
    value = made_len;
    put(constraints->data, constraints->len);
    wrap(value, 4, 1);
    for (unsigned i = 0; i < 2; i++) {
        wrap(extensions, 0x30, 1);
    }
    wrap(extensions, 0xa3, 1);
}

/* P-256, no names. */
static void make(const struct shape *shape)
{
    static const uint8_t front[] = {0xa0, 3, 2, 1, 2, 2, 1, 1, 0x30, 0, 0x30, 0};
    static const char dates[] = "\x30\x1e\x17\x0d"
                                "200101000000Z"
                                "\x17\x0d"
                                "490101000000Z\x30";
    static const uint8_t signature[] = {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2, 3, 1, 0};
    size_t key;

    made_len = 0;
    put(front, sizeof front);
    put(dates, sizeof dates); /* with its NUL: the length of the subject */
    key = made_len;
    if (memcmp(shape->curve.data, "\x30", 1) == 0) {
        put(shape->curve.data, shape->curve.len);
    } else {
        put_point(&shape->curve);
    }
    wrap(key, 0x30, 1);
    put(shape->ids.data, shape->ids.len);
    if (shape->constraints.data != NULL) {
        put_extensions(&shape->constraints);
    }
    wrap(0, 0x30, 2);
    put(signature, sizeof signature);
    wrap(0, 0x30, shape->length_octets);
}

#define CURVE "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define CA    OCTETS("\x30\x03\x01\x01\xff")
#define NO_ID OCTETS("")
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define LONG  ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS /* 128 octets */
#define RSA   "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"

static void test_shapes(void **state)
{
    static const struct shape shapes[] = {
        {OCTETS(CURVE), NO_ID, CA, 2, true},
        {OCTETS(CURVE), NO_ID, CA, 3, true},
        {OCTETS(CURVE "\x05\x00"), NO_ID, CA, 2, false},
        {OCTETS(CURVE), OCTETS("\x81\x02\x00\x7f"), CA, 2, true},
        {OCTETS(CURVE), OCTETS("\x81\x02\x00\x7f\x82\x01\x00"), CA, 2, true},
        {OCTETS(CURVE), OCTETS("\x82\x01\x00"), CA, 2, true},
        {OCTETS(CURVE), OCTETS("\x84\x01\x00"), CA, 2, false},
        {OCTETS(CURVE), OCTETS("\x81\x80" LONG), CA, 2, false},
        {OCTETS(CURVE), OCTETS("\x81\x81\x80" LONG), CA, 2, true},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x00"), 2, true},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x03\x01\x01\x00"), 2, true},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x06\x01\x01\xff\x02\x01\x00"), 2, true},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x03\x02\x01\x00"), 2, true},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x04\x01\x02\xff\xff"), 2, false},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x02\x01\x00"), 2, false},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x02\x01\x01"), 2, false},
        {OCTETS(CURVE), NO_ID, OCTETS("\x30\x03\x01\x01\xff\x00"), 2, false},
        {OCTETS(CURVE), NO_ID, OCTETS(""), 2, false},
        {OCTETS(CURVE), NO_ID, {NULL, 0}, 2, true},
        {OCTETS(CURVE), OCTETS("\x05\x00"), {NULL, 0}, 2, false},
        {OCTETS(RSA "\x03\x0a\x00\x30\x07\x02\x02\x00\xc5\x02\x01\x03"), NO_ID, CA, 2, true},
        {OCTETS(RSA "\x03\x0a\x00\x30\x07\x02\x02\x00\xc5\x02\x01\x03\x05\x00"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x04\x0a\x00\x30\x07\x02\x02\x00\xc5\x02\x01\x03"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x0a\x00\x31\x07\x02\x02\x00\xc5\x02\x01\x03"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x0b\x00\x30\x07\x02\x02\x00\xc5\x02\x01\x03\x00"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x0b\x00\x30\x08\x02\x02\x00\xc5\x02\x01\x03\x00"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x0a\x00\x30\x07\x04\x02\x00\xc5\x02\x01\x03"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x0a\x00\x30\x07\x02\x02\x00\xc5\x04\x01\x03"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x00"), NO_ID, CA, 2, false},
        {OCTETS(RSA "\x03\x08\x00\x30\x05\x02\x00\x02\x01\x03"), NO_ID, CA, 2, false},
        {OCTETS(CURVE), OCTETS("\x81\x05\x00"), {NULL, 0}, 2, false},
        {OCTETS(CURVE), OCTETS("\x82\x05\x00"), {NULL, 0}, 2, false},
        {OCTETS(CURVE), OCTETS("\xa3\x02\x30\x00"), {NULL, 0}, 2, true},
        {OCTETS(CURVE), OCTETS("\xa3\x04\x30\x00\x05\x00"), {NULL, 0}, 2, false},
    };

    for (size_t i = 0; i < COUNT(shapes); i++) {
        make(&shapes[i]);
        assert_int_equal(compare(made, made_len), shapes[i].taken);
    }
}

/* A modulus of 0 is a key to BearSSL; it verifies nothing. */
static void test_no_number(void **state)
{
    static const struct shape shape = {OCTETS(RSA "\x03\x0a\x00\x30\x07\x02\x02\x00\x00\x02\x01\x03"), NO_ID, CA, 2,
                                       false};
    br_x509_trust_anchor anchor;

    make(&shape);
    assert_false(mote_posix_anchor(&anchor, made, made_len));
}

/* A length has three octets at most; BearSSL takes more, if they are zeros. */
static void test_long_length(void **state)
{
    static const struct shape shape = {OCTETS(CURVE), NO_ID, CA, 4, false};
    br_x509_trust_anchor anchor;

    make(&shape);
    assert_false(mote_posix_anchor(&anchor, made, made_len));
}

/* What is not whole is no element, wherever it stands. */
static void test_elements(void **state)
{
    static const struct {
        struct trust_octets octets;
        int len; /* of what is inside, or -1: there is none */
    } elements[] = {
        {OCTETS(""), -1},
        {OCTETS("\x30"), -1},
        {OCTETS("\x31\x00"), -1},
        {OCTETS("\x30\x00"), 0},
        {OCTETS("\x30\x01"), -1},
        {OCTETS("\x30\x02x"), -1},
        {OCTETS("\x30\x02xxx"), 2},
        {OCTETS("\x30\x7f" LONG), 127},
        {OCTETS("\x30\x80" LONG), -1},
        {OCTETS("\x30\x81"), -1},
        {OCTETS("\x30\x81\x00"), 0},
        {OCTETS("\x30\x81\x80" LONG), 128},
        {OCTETS("\x30\x81\x81" LONG), -1},
        {OCTETS("\x30\x82\x00"), -1},
        {OCTETS("\x30\x82\x00\x01x"), 1},
        {OCTETS("\x30\x83\x00\x00\x01x"), 1},
        {OCTETS("\x30\x83\x01\x00\x00" LONG), -1},
        {OCTETS("\x30\x84\x00\x00\x00\x01x"), -1},
        {OCTETS("\x30\xff" LONG), -1},
    };

    for (size_t i = 0; i < COUNT(elements); i++) {
        struct mote_der in = {(const uint8_t *)elements[i].octets.data, elements[i].octets.len}, inside = {NULL, 0};

        assert_int_equal(mote_der_take(&in, DER_SEQUENCE, &inside), elements[i].len >= 0);
        assert_int_equal(inside.len, elements[i].len < 0 ? 0 : elements[i].len);
        assert_true(in.at + in.len == (const uint8_t *)elements[i].octets.data + elements[i].octets.len);
        assert_true(elements[i].len < 0 ? in.len == elements[i].octets.len : in.at == inside.at + inside.len);
    }
}

/* ---- Damaged ones ------------------------------------------------------------------------------------------------ */

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

/* An element behind the signature, and a length that is to be found out. */
static void test_loose_ends(void **state)
{
    static const struct shape shape = {OCTETS(CURVE), NO_ID, CA, 2, true};
    br_x509_trust_anchor anchor;

    make(&shape);
    memmove(made, made + 4, made_len - 4);
    made_len -= 4;
    put("\x05\x00", 2);
    wrap(0, 0x30, 2);
    assert_false(mote_posix_anchor(&anchor, made, made_len));
    make(&shape);
    memmove(made + 2, made + 4, made_len - 4);
    made[1] = 0x80;
    made_len -= 2;
    put("\x00\x00", 2);
    assert_false(mote_posix_anchor(&anchor, made, made_len));
    made_len = 0;
    put("\x30\x80", 2);
    assert_false(mote_posix_anchor(&anchor, made, made_len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_shapes),     cmocka_unit_test(test_long_length),
        cmocka_unit_test(test_no_number), cmocka_unit_test(test_loose_ends), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_elements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

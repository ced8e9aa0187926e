/* SPDX-License-Identifier: MIT
 *
 * The certificate maker of trust_cert.h. DER is written from its end to its start, so that every length is known when
 * its turn comes.
 */
#include "trust_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../pki/keys.h"

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

struct octets {
    uint8_t data[3000];
    size_t len;
};

static void append(void *ctx, const void *data, size_t len)
{
    struct octets *to = ctx;

    assert_true(len <= sizeof to->data - to->len);
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

static void unpem(struct octets *to, const char *pem)
{
    br_pem_decoder_context decoder;
    size_t len = strlen(pem);

    to->len = 0;
    br_pem_decoder_init(&decoder);
    while (len != 0) {
        size_t used = br_pem_decoder_push(&decoder, pem, len);

        pem += used;
        len -= used;
        if (br_pem_decoder_event(&decoder) == BR_PEM_BEGIN_OBJ) {
            br_pem_decoder_setdest(&decoder, append, to);
        }
    }
}

static const br_skey_decoder_context *private_key(enum trust_key key)
{
    static br_skey_decoder_context decoded[TRUST_KEYS];
    static struct octets der;
    br_skey_decoder_context *to = &decoded[key];

    if (br_skey_decoder_key_type(to) == 0) {
        unpem(&der, keys[key].private_pem);
        br_skey_decoder_init(to);
        br_skey_decoder_push(to, der.data, der.len);
    }
    assert_int_equal(br_skey_decoder_last_error(to), 0);
    return to;
}

const char *trust_key_name(enum trust_key key)
{
    return keys[key].name;
}

bool trust_key_is_rsa(enum trust_key key)
{
    return key <= RSA_4096;
}

const br_rsa_private_key *trust_key_rsa(enum trust_key key)
{
    return br_skey_decoder_get_rsa(private_key(key));
}

const br_ec_private_key *trust_key_ec(enum trust_key key)
{
    return br_skey_decoder_get_ec(private_key(key));
}

void trust_key_pin(enum trust_key key, uint8_t stored[32], uint8_t computed[32])
{
    static struct octets der;
    br_sha256_context hash;

    unpem(&der, keys[key].public_pem);
    br_sha256_init(&hash);
    br_sha256_update(&hash, der.data, der.len);
    br_sha256_out(&hash, computed);
    for (size_t i = 0; i < 32; i++) {
        unsigned octet;

        assert_int_equal(sscanf(keys[key].pin + 2 * i, "%2x", &octet), 1);
        stored[i] = (uint8_t)octet;
    }
}

/* ---- DER --------------------------------------------------------------------------------------------------------- */

/* What is written lies at the end of data, from at on. */
struct der {
    uint8_t data[6000];
    size_t at;
};

static void put(struct der *der, const void *octets, size_t len)
{
    assert_true(len <= der->at);
    der->at -= len;
    memcpy(der->data + der->at, octets, len);
}

static void put_octet(struct der *der, unsigned octet)
{
    uint8_t one = (uint8_t)octet;

    put(der, &one, 1);
}

/* All that was written since at was end becomes the contents of an element. */
static void wrap(struct der *der, unsigned tag, size_t end)
{
    size_t len = end - der->at;

    put_octet(der, len & 255);
    if (len >= 256) {
        put_octet(der, len >> 8 & 255);
        put_octet(der, 0x82);
    } else if (len >= 128) {
        put_octet(der, 0x81);
    }
    put_octet(der, tag);
}

static void element(struct der *der, unsigned tag, const void *octets, size_t len)
{
    size_t end = der->at;

    put(der, octets, len);
    wrap(der, tag, end);
}

enum {
    SEQUENCE = 0x30,
    SET = 0x31,
    OCTET_STRING = 4,
    OID = 6,
    UTF8 = 12,
    UTC_TIME = 0x17,
    GENERALIZED_TIME = 0x18,
    BMP = 0x1e
};

static const uint8_t oid_cn[] = {0x55, 4, 3}, oid_san[] = {0x55, 0x1d, 17}, oid_constraints[] = {0x55, 0x1d, 19};
static const uint8_t oid_usage[] = {0x55, 0x1d, 37};
static const uint8_t oid_unknown[] = {0x2b, 6, 1, 4, 1, 0x82, 0xda, 0x3c, 1};
static const uint8_t rsa_sha256[] = {OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0};
static const uint8_t ecdsa_sha256[] = {OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
static const uint8_t ecdsa_sha512[] = {OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4};
static const uint8_t ecdsa_sha384[] = {OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3};

static const uint8_t rsa[] = {OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0};

static void put_integer(struct der *der, const uint8_t *octets, size_t len)
{
    size_t end = der->at;

    put(der, octets, len);
    if (len != 0 && *octets >= 0x80) {
        put_octet(der, 0);
    }
    wrap(der, 2, end);
}

size_t trust_public_rsa(uint8_t to[1200], const br_rsa_public_key *key)
{
    static struct der der;
    size_t end = der.at = sizeof der.data;

    put_integer(&der, key->e, key->elen);
    put_integer(&der, key->n, key->nlen);
    wrap(&der, SEQUENCE, end);
    put_octet(&der, 0);
    wrap(&der, 3, end);
    element(&der, SEQUENCE, rsa, sizeof rsa);
    wrap(&der, SEQUENCE, end);
    assert_true(end - der.at <= 1200);
    memcpy(to, der.data + der.at, end - der.at);
    return end - der.at;
}

static void put_name(struct der *der, const char *cn, unsigned tag)
{
    size_t end = der->at;

    if (tag == BMP) {
        for (size_t i = strlen(cn); i-- > 0;) {
            put_octet(der, (uint8_t)cn[i]);
            put_octet(der, 0);
        }
        wrap(der, tag, end);
    } else {
        element(der, tag != 0 ? tag : UTF8, cn, strlen(cn));
    }
    element(der, OID, oid_cn, sizeof oid_cn);
    wrap(der, SEQUENCE, end);
    wrap(der, SET, end);
    wrap(der, SEQUENCE, end);
}

/* What stands in der since end becomes an extension's value; critical is its BOOLEAN, or nothing. */
static void wrap_octets(struct der *der, const uint8_t *oid, size_t len, struct trust_octets critical, size_t end)
{
    wrap(der, OCTET_STRING, end);
    if (critical.len != 0) {
        put(der, critical.data, critical.len);
    }
    element(der, OID, oid, len);
    wrap(der, SEQUENCE, end);
}

static void wrap_extension(struct der *der, const uint8_t *oid, size_t len, bool critical, size_t end)
{
    wrap_octets(der, oid, len, (struct trust_octets){"\1\1\377", critical ? 3 : 0}, end);
}

static void put_extensions(struct der *der, const struct trust_spec *spec)
{
    size_t all = der->at, end = der->at;

    if (spec->extra.len != 0) {
        put(der, spec->extra.data, spec->extra.len);
        wrap_extension(der, oid_unknown, sizeof oid_unknown, false, end);
    }
    end = der->at;
    if (spec->usage.len != 0) {
        put(der, spec->usage.data, spec->usage.len);
        wrap_octets(der, oid_usage, sizeof oid_usage, spec->usage_critical, end);
    }
    end = der->at;
    if (spec->critical) {
        element(der, 5, "", 0);
        wrap_extension(der, oid_unknown, sizeof oid_unknown, true, end);
    }
    end = der->at;
    for (size_t i = 3; i-- > 0;) {
        if (spec->names[i] != NULL) {
            element(der, 0x82, spec->names[i], strlen(spec->names[i]));
        }
    }
    if (der->at != end) {
        wrap(der, SEQUENCE, end);
        wrap_extension(der, oid_san, sizeof oid_san, false, end);
    }
    end = der->at;
    if (spec->ca) {
        element(der, 1, "\377", 1);
    }
    wrap(der, SEQUENCE, end);
    wrap_extension(der, oid_constraints, sizeof oid_constraints, true, end);
    wrap(der, SEQUENCE, all);
    wrap(der, 0xa3, all);
}

static void put_algorithm(struct der *der, const struct trust_spec *spec)
{
    if (trust_key_is_rsa(spec->signer)) {
        element(der, SEQUENCE, rsa_sha256, sizeof rsa_sha256);
    } else if (spec->sha512) {
        element(der, SEQUENCE, ecdsa_sha512, sizeof ecdsa_sha512);
    } else if (spec->signer == P_384) {
        element(der, SEQUENCE, ecdsa_sha384, sizeof ecdsa_sha384);
    } else {
        element(der, SEQUENCE, ecdsa_sha256, sizeof ecdsa_sha256);
    }
}

static void put_date(struct der *der, const char *date)
{
    size_t len = strlen(date);

    element(der, len == 13 ? UTC_TIME : GENERALIZED_TIME, date, len);
}

static void put_certificate_body(struct der *der, const struct trust_spec *spec)
{
    static struct octets public_key;
    size_t end = der->at, inner;

    put_extensions(der, spec);
    if (spec->public_key.len != 0) {
        put(der, spec->public_key.data, spec->public_key.len);
    } else {
        unpem(&public_key, keys[spec->key].public_pem);
        put(der, public_key.data, public_key.len);
    }
    put_name(der, spec->cn, spec->cn_tag);
    inner = der->at;
    put_date(der, spec->till != NULL ? spec->till : "491231235959Z");
    put_date(der, spec->from != NULL ? spec->from : "200101000000Z");
    wrap(der, SEQUENCE, inner);
    put_name(der, spec->issuer != NULL ? spec->issuer : spec->cn, 0);
    put_algorithm(der, spec);
    element(der, 2, "\7", 1);
    inner = der->at;
    element(der, 2, "\2", 1);
    wrap(der, 0xa0, inner);
    wrap(der, SEQUENCE, end);
}

/* Signs len octets; returns the signature's length. */
static size_t sign(uint8_t *to, const struct trust_spec *spec, const uint8_t *octets, size_t len)
{
    const enum trust_key signer = spec->signer;
    const br_hash_class *hash = spec->sha512      ? &br_sha512_vtable
                                : signer == P_384 ? &br_sha384_vtable
                                                  : &br_sha256_vtable;
    br_hash_compat_context ctx;
    uint8_t digest[64];
    size_t n;

    hash->init(&ctx.vtable);
    hash->update(&ctx.vtable, octets, len);
    hash->out(&ctx.vtable, digest);
    if (trust_key_is_rsa(signer)) {
        const br_rsa_private_key *key = trust_key_rsa(signer);

        n = (key->n_bitlen + 7) / 8;
        assert_int_equal(br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, digest, 32, key, to), 1);
    } else {
        n = br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), hash, digest, trust_key_ec(signer), to);
        assert_true(n != 0);
    }
    return n;
}

void trust_cert_make(struct trust_cert *cert, const struct trust_spec *spec)
{
    static struct der der, body;
    uint8_t signature[512];
    size_t len;

    body.at = sizeof body.data;
    put_certificate_body(&body, spec);
    der.at = sizeof der.data;
    len = sign(signature, spec, body.data + body.at, sizeof body.data - body.at);
    put(&der, signature, len);
    put_octet(&der, 0);
    wrap(&der, 3, sizeof der.data);
    put_algorithm(&der, spec);
    put(&der, body.data + body.at, sizeof body.data - body.at);
    wrap(&der, SEQUENCE, sizeof der.data);
    cert->len = sizeof der.data - der.at;
    memcpy(cert->der, der.data + der.at, cert->len);
}

static void append_dn(void *ctx, const void *octets, size_t len)
{
    struct trust_anchor *anchor = ctx;

    assert_true(len <= sizeof anchor->dn - anchor->anchor.dn.len);
    memcpy(anchor->dn + anchor->anchor.dn.len, octets, len);
    anchor->anchor.dn.len += len;
}

void trust_anchor_set(struct trust_anchor *anchor, const struct trust_cert *cert)
{
    memset(anchor, 0, sizeof *anchor);
    anchor->anchor.dn.data = anchor->dn;
    br_x509_decoder_init(&anchor->x509, append_dn, anchor);
    br_x509_decoder_push(&anchor->x509, cert->der, cert->len);
    assert_non_null(br_x509_decoder_get_pkey(&anchor->x509));
    anchor->anchor.pkey = *br_x509_decoder_get_pkey(&anchor->x509);
    anchor->anchor.flags = br_x509_decoder_isCA(&anchor->x509) ? BR_X509_TA_CA : 0;
}

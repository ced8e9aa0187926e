/* SPDX-License-Identifier: MIT
 *
 * Who the relay is: opportunistic, a pinned key, or (chain.c) a chain to trust anchors. Each kind brings the TLS client
 * it needs, so that a program links only the kinds it names. It never weakens a check because something is missing: session.c
 * refuses such a relay first.
 */
#include "trust.h"

#include <string.h>

enum { CHACHA20_SUITES = 2, AES_128_GCM_SUITES = 4, MODERN_SUITES = 6, EPHEMERAL_SUITES = 14 };

/* Forward secrecy and authenticated encryption first, then forward secrecy alone. What has none is for old relays, where
 * it still beats cleartext. */
static const uint16_t suites[] = {
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    /* MODERN_SUITES end here */
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
    BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
    BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
    /* EPHEMERAL_SUITES end here */
    BR_TLS_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_RSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_RSA_WITH_AES_128_CBC_SHA256,
    BR_TLS_RSA_WITH_AES_128_CBC_SHA,
};

/* ---- The TLS client ---------------------------------------------------------------------------------------------- */

void mote_trust_setup_tls_small(struct mote_session *s, const br_x509_class *vtable)
{
    const struct mote_trust *trust = &s->relay->trust;
    br_ssl_engine_context *eng = &s->client.eng;

    s->ec = *trust->ec;
    s->ec.supported_curves &= NIST_CURVES;
    br_ssl_client_zero(&s->client);
    br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
#ifdef MOTE_SMALL_GCM
    br_ssl_engine_set_suites(eng, suites, AES_128_GCM_SUITES);
    br_ssl_engine_set_default_aes_gcm(eng);
#else
    br_ssl_engine_set_suites(eng, suites, CHACHA20_SUITES);
#endif
    br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
    br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
    br_ssl_engine_set_default_chapol(eng);
    br_ssl_engine_set_ec(eng, &s->ec);
    br_ssl_engine_set_ecdsa(eng, br_ecdsa_vrfy_asn1_get_default());
    br_ssl_engine_set_rsavrfy(eng, trust->rsa_verify);
    s->x509.vtable = vtable;
    s->x509.trust = trust;
    br_ssl_engine_set_x509(eng, &s->x509.vtable);
}

static void add_sha384(br_ssl_engine_context *eng)
{
    br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
}

void mote_trust_setup_tls(struct mote_session *s, const br_x509_class *vtable)
{
    br_ssl_engine_context *eng = &s->client.eng;

    mote_trust_setup_tls_small(s, vtable);
    br_ssl_engine_set_ec(eng, s->relay->trust.ec);
    br_ssl_engine_set_suites(eng, suites, MODERN_SUITES);
    br_ssl_engine_set_default_aes_gcm(eng);
    add_sha384(eng);
}

/* ---- What a relay nobody has verified may make us compute -------------------------------------------------------- */

/* An unsigned INTEGER without leading zeros; lead says whether its sign needs one. */
struct integer {
    const uint8_t *octets;
    size_t len, lead;
};

static struct integer integer(const unsigned char *octets, size_t len)
{
    struct integer i = {octets, len, 0};

    while (i.len > 1 && *i.octets == 0) {
        i.octets++;
        i.len--;
    }
    i.lead = i.len != 0 && *i.octets >= 0x80;
    return i;
}

enum { EXPONENT_MAX = 4 }; /* octets */

/* The time of a computation grows with the exponent, up to 70 times. CAs use 65537. */
static bool long_exponent(const br_rsa_public_key *key)
{
    return integer(key->e, key->elen).len > EXPONENT_MAX;
}

/* For the keys of a chain. The relay's own is refused before its first use, by mote_trust_key_error(). */
static uint32_t rsa_verify(const unsigned char *x, size_t xlen, const unsigned char *oid, size_t hash_len,
                           const br_rsa_public_key *key, unsigned char *hash)
{
    return !long_exponent(key) && br_rsa_pkcs1_vrfy_get_default()(x, xlen, oid, hash_len, key, hash);
}

unsigned mote_trust_key_error(const br_x509_pkey *key)
{
    bool slow = key->key_type == BR_KEYTYPE_EC ? key->key.ec.curve == BR_EC_secp521r1 : long_exponent(&key->key.rsa);

    return slow ? BR_ERR_X509_UNSUPPORTED : 0;
}

/* ---- Opportunistic, and what it shares with a pin: the key of the first certificate ------------------------------ */

static void key_start_chain(const br_x509_class **ctx, const char *name)
{
    (void)name;
    x509_of(ctx)->depth = 0;
}

static void key_start_cert(const br_x509_class **ctx, uint32_t len)
{
    struct mote_x509 *x = x509_of(ctx);

    (void)len;
    if (x->depth == 0) {
        br_x509_decoder_init(&x->u.decoder, NULL, NULL);
    }
}

static void key_append(const br_x509_class **ctx, const unsigned char *octets, size_t len)
{
    struct mote_x509 *x = x509_of(ctx);

    if (x->depth == 0) {
        mote_certificate_push(&x->u.decoder, octets, len);
    }
}

static void key_end_cert(const br_x509_class **ctx)
{
    x509_of(ctx)->depth = 1;
}

static unsigned key_end_chain(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);

    if (x->depth == 0) {
        return BR_ERR_X509_EMPTY_CHAIN;
    }
    if (br_x509_decoder_get_pkey(&x->u.decoder) == NULL) {
        return (unsigned)br_x509_decoder_last_error(&x->u.decoder);
    }
    return mote_trust_key_error(&x->u.decoder.pkey);
}

static const br_x509_pkey *key_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const struct mote_x509 *x = (const struct mote_x509 *)(const void *)ctx;

    if (usages != NULL) {
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    }
    return &x->u.decoder.pkey;
}

static const br_x509_class opportunistic_vtable = {
    sizeof(struct mote_x509), key_start_chain, key_start_cert, key_append, key_end_cert, key_end_chain, key_get_pkey,
};

static void setup_opportunistic(struct mote_session *s)
{
    br_ssl_engine_context *eng = &s->client.eng;

    mote_trust_setup_tls(s, &opportunistic_vtable);
    br_ssl_engine_set_versions(eng, BR_TLS10, BR_TLS12);
    br_ssl_engine_set_suites(eng, suites, sizeof suites / sizeof suites[0]);
    br_ssl_engine_set_hash(eng, br_md5_ID, &br_md5_vtable);
    br_ssl_engine_set_hash(eng, br_sha1_ID, &br_sha1_vtable);
    br_ssl_engine_set_hash(eng, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_prf10(eng, &br_tls10_prf);
    br_ssl_engine_set_default_aes_cbc(eng);
    br_ssl_client_set_rsapub(&s->client, s->relay->trust.rsa_encrypt);
}

void mote_trust_set(struct mote_trust *trust, void (*setup_tls)(struct mote_session *), const char *name,
                    const br_ec_impl *ec)
{
    memset(trust, 0, sizeof *trust);
    trust->setup_tls = setup_tls;
    trust->name = name;
    trust->ec = ec;
    trust->rsa_verify = rsa_verify;
}

void mote_trust_opportunistic(struct mote_trust *trust, const char *name)
{
    mote_trust_set(trust, setup_opportunistic, name, &mote_curves);
    trust->rsa_encrypt = br_rsa_public_get_default();
    trust->opportunistic = true;
}

/* ---- CBC for relays that are verified ---------------------------------------------------------------------------- */

/* With SHA-1 for the records' HMAC BearSSL would also take signatures over SHA-1: these two do not. */
enum { SHA2_MIN_OCTETS = 32 };

static uint32_t rsa_verify_sha2(const unsigned char *x, size_t xlen, const unsigned char *oid, size_t hash_len,
                                const br_rsa_public_key *key, unsigned char *hash)
{
    return hash_len >= SHA2_MIN_OCTETS && rsa_verify(x, xlen, oid, hash_len, key, hash);
}

static uint32_t ecdsa_verify_sha2(const br_ec_impl *ec, const void *hash, size_t hash_len, const br_ec_public_key *key,
                                  const void *signature, size_t len)
{
    return hash_len >= SHA2_MIN_OCTETS && br_ecdsa_vrfy_asn1_get_default()(ec, hash, hash_len, key, signature, len);
}

static void setup_cbc(struct mote_session *s)
{
    br_ssl_engine_context *eng = &s->client.eng;

    s->relay->trust.setup_modern(s);
    br_ssl_engine_set_suites(eng, suites, EPHEMERAL_SUITES);
    br_ssl_engine_set_hash(eng, br_sha1_ID, &br_sha1_vtable);
    add_sha384(eng);
    br_ssl_engine_set_default_aes_gcm(eng);
    br_ssl_engine_set_default_aes_cbc(eng);
    br_ssl_engine_set_ecdsa(eng, ecdsa_verify_sha2);
}

void mote_trust_cbc(struct mote_trust *trust)
{
    if (trust->setup_tls == NULL || trust->setup_tls == setup_cbc || trust->opportunistic) {
        return;
    }
    trust->setup_modern = trust->setup_tls;
    trust->setup_tls = setup_cbc;
    trust->rsa_verify = rsa_verify_sha2;
}

/* ---- Pin --------------------------------------------------------------------------------------------------------- */

/* The key is written as DER once more and hashed: what is pinned is the key in use, not some octets near it. */

/* Tag and length of an element (lengths up to 65535). */
static void hash_head(br_sha256_context *hash, uint8_t tag, size_t len)
{
    uint8_t head[4] = {tag};
    size_t n = 1;

    if (len >= 256) {
        head[n++] = 0x82;
        head[n++] = (uint8_t)(len >> 8);
    } else if (len >= 128) {
        head[n++] = 0x81;
    }
    head[n++] = (uint8_t)len;
    br_sha256_update(hash, head, n);
}

static size_t head_len(size_t len)
{
    return len >= 256 ? 4 : len >= 128 ? 3 : 2;
}

static void hash_integer(br_sha256_context *hash, const struct integer *i)
{
    static const uint8_t zero = 0;

    hash_head(hash, 0x02, i->lead + i->len);
    br_sha256_update(hash, &zero, i->lead);
    br_sha256_update(hash, i->octets, i->len);
}

static void hash_rsa(br_sha256_context *hash, const br_rsa_public_key *key)
{
    static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    struct integer n = integer(key->n, key->nlen), e = integer(key->e, key->elen);
    size_t n_len = n.lead + n.len, e_len = e.lead + e.len;
    size_t key_len = head_len(n_len) + n_len + head_len(e_len) + e_len;
    size_t bits_len = 1 + head_len(key_len) + key_len;

    hash_head(hash, 0x30, sizeof algorithm + head_len(bits_len) + bits_len);
    br_sha256_update(hash, algorithm, sizeof algorithm);
    hash_head(hash, 0x03, bits_len);
    br_sha256_update(hash, "", 1);
    hash_head(hash, 0x30, key_len);
    hash_integer(hash, &n);
    hash_integer(hash, &e);
}

static void hash_ec(br_sha256_context *hash, const br_ec_public_key *key)
{
    static const uint8_t algorithm[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    const uint8_t *curve = key->curve == BR_EC_secp256r1 ? p256 : p384;
    size_t curve_len = curve[1] + (size_t)2, algorithm_len = sizeof algorithm + curve_len, bits_len = 1 + key->qlen;

    hash_head(hash, 0x30, head_len(algorithm_len) + algorithm_len + head_len(bits_len) + bits_len);
    hash_head(hash, 0x30, algorithm_len);
    br_sha256_update(hash, algorithm, sizeof algorithm);
    br_sha256_update(hash, curve, curve_len);
    hash_head(hash, 0x03, bits_len);
    br_sha256_update(hash, "", 1);
    br_sha256_update(hash, key->q, key->qlen);
}

static bool is_pinned(const struct mote_trust *trust, const uint8_t digest[br_sha256_SIZE])
{
    bool pinned = trust->pins == NULL && memcmp(digest, trust->pin, br_sha256_SIZE) == 0;

    for (size_t i = 0; i < trust->pin_count; i++) {
        pinned |= memcmp(digest, trust->pins[i], br_sha256_SIZE) == 0;
    }
    return pinned;
}

static unsigned pin_end_chain(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);
    unsigned error = key_end_chain(ctx);
    const br_x509_pkey *key = &x->u.decoder.pkey;
    br_sha256_context hash;
    uint8_t digest[br_sha256_SIZE];

    if (error != 0) {
        return error;
    }
    br_sha256_init(&hash);
    if (key->key_type == BR_KEYTYPE_RSA) {
        hash_rsa(&hash, &key->key.rsa);
    } else {
        hash_ec(&hash, &key->key.ec);
    }
    br_sha256_out(&hash, digest);
    if (is_pinned(x->trust, digest)) {
        return 0;
    }
    x->cause = MOTE_CAUSE_CERT_PIN;
    return BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_class pin_vtable = {
    sizeof(struct mote_x509), key_start_chain, key_start_cert, key_append, key_end_cert, pin_end_chain, key_get_pkey,
};

static void setup_pin(struct mote_session *s)
{
    mote_trust_setup_tls(s, &pin_vtable);
}

void mote_trust_pin(struct mote_trust *trust, const uint8_t sha256[32], const char *name)
{
    mote_trust_set(trust, setup_pin, name, &mote_curves);
    memcpy(trust->pin, sha256, sizeof trust->pin);
}

void mote_trust_pins(struct mote_trust *trust, const uint8_t (*pins)[32], size_t count, const char *name)
{
    mote_trust_set(trust, pins != NULL ? setup_pin : NULL, name, &mote_curves);
    trust->pins = pins;
    trust->pin_count = count;
}

static void setup_pin_small(struct mote_session *s)
{
    mote_trust_setup_tls_small(s, &pin_vtable);
}

void mote_trust_pins_small(struct mote_trust *trust, const uint8_t (*pins)[32], size_t count, const char *name,
                           const br_ec_impl *ec)
{
    mote_trust_set(trust, pins != NULL && ec != NULL ? setup_pin_small : NULL, name, ec);
    trust->pins = pins;
    trust->pin_count = count;
}

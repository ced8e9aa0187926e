/* SPDX-License-Identifier: MIT
 *
 * A relay known by a chain to a trust anchor: BearSSL's validation, and our own look for over-broad wildcards.
 */
#include "trust.h"

#include <string.h>

enum { RSA_MIN_OCTETS = 256, DAYS_TO_1970 = 719528 };

/* ---- Wildcards --------------------------------------------------------------------------------------------------- */

/* BearSSL lets "*.com" stand for any name one label longer. Such a certificate is refused by looking for the length
 * octet and the text of that name in the first certificate, whatever field it stands in. */
static const char *top_level(const char *name)
{
    const char *dot = NULL;

    for (; *name != 0; name++) {
        if (*name == '.') {
            if (dot != NULL) {
                return NULL;
            }
            dot = name;
        }
    }
    return dot;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool in_name(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.';
}

static void look_for_wildcard(struct mote_x509 *x, uint8_t c)
{
    size_t len = strlen(x->wildcard) + 1;

    if (c == 0 || x->matched > len) {
        return;
    }
    if (x->matched == len) {
        x->matched = in_name(c) ? 0 : (uint8_t)(len + 1);
    } else if (x->matched != 0 && lower(c) == lower((uint8_t)x->wildcard[x->matched - 1])) {
        x->matched++;
    } else {
        x->matched = c == '*';
    }
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

static void chain_start_chain(const br_x509_class **ctx, const char *name)
{
    struct mote_x509 *x = x509_of(ctx);

    x->depth = 0;
    x->matched = 0;
    x->wildcard = top_level(name);
    x->u.minimal.vtable->start_chain(&x->u.minimal.vtable, name);
}

static void chain_start_cert(const br_x509_class **ctx, uint32_t len)
{
    struct mote_x509 *x = x509_of(ctx);

    x->u.minimal.vtable->start_cert(&x->u.minimal.vtable, len);
}

static void chain_append(const br_x509_class **ctx, const unsigned char *octets, size_t len)
{
    struct mote_x509 *x = x509_of(ctx);

    x->u.minimal.vtable->append(&x->u.minimal.vtable, octets, len);
    for (size_t i = 0; x->depth == 0 && x->wildcard != NULL && i < len; i++) {
        look_for_wildcard(x, octets[i]);
    }
}

static void chain_end_cert(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);

    x->depth = 1;
    x->u.minimal.vtable->end_cert(&x->u.minimal.vtable);
}

static unsigned chain_end_chain(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);
    unsigned error = x->u.minimal.vtable->end_chain(&x->u.minimal.vtable);

    if (error == 0 && x->wildcard != NULL && x->matched == strlen(x->wildcard) + 2) {
        return BR_ERR_X509_BAD_SERVER_NAME;
    }
    return error;
}

static const br_x509_pkey *chain_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const struct mote_x509 *x = (const struct mote_x509 *)(const void *)ctx;

    return x->u.minimal.vtable->get_pkey(&x->u.minimal.vtable, usages);
}

static const br_x509_class chain_vtable = {
    sizeof(struct mote_x509), chain_start_chain, chain_start_cert, chain_append,
    chain_end_cert,           chain_end_chain,   chain_get_pkey,
};

static void setup_chain(struct mote_session *s, const br_ec_impl *ec)
{
    const struct mote_trust *trust = &s->relay->trust;
    br_x509_minimal_context *minimal = &s->x509.u.minimal;
    uint64_t now = s->setup->unix_s;

    br_x509_minimal_init(minimal, &br_sha256_vtable, trust->anchors, trust->anchor_count);
    br_x509_minimal_set_hash(minimal, br_sha256_ID, &br_sha256_vtable);
    br_x509_minimal_set_rsa(minimal, br_rsa_pkcs1_vrfy_get_default());
    br_x509_minimal_set_ecdsa(minimal, ec, br_ecdsa_vrfy_asn1_get_default());
    br_x509_minimal_set_minrsa(minimal, RSA_MIN_OCTETS);
    /* 86400 is 128 * 675: no division of 64 bits is linked. */
    br_x509_minimal_set_time(minimal, DAYS_TO_1970 + (uint32_t)(now >> 7) / 675,
                             (uint32_t)(now >> 7) % 675 * 128 + (uint32_t)(now & 127));
}

static void setup_anchors(struct mote_session *s)
{
    br_x509_minimal_context *minimal = &s->x509.u.minimal;

    mote_trust_setup_tls(s, &chain_vtable);
    setup_chain(s, br_ec_get_default());
    br_x509_minimal_set_hash(minimal, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(minimal, br_sha512_ID, &br_sha512_vtable);
}

static void setup_anchors_small(struct mote_session *s)
{
    br_ssl_engine_context *eng = &s->client.eng;

    mote_trust_setup_tls_small(s, &chain_vtable);
    br_ssl_engine_set_ec(eng, s->relay->trust.ec);
    br_ssl_engine_set_ecdsa(eng, br_ecdsa_vrfy_asn1_get_default());
    setup_chain(s, s->relay->trust.ec);
}

void mote_trust_anchors(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count, const char *name)
{
    mote_trust_set(trust, anchors != NULL ? setup_anchors : NULL, name);
    trust->anchors = anchors;
    trust->anchor_count = count;
}

void mote_trust_anchors_small(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count,
                              const char *name, const br_ec_impl *ec)
{
    mote_trust_set(trust, anchors != NULL && ec != NULL ? setup_anchors_small : NULL, name);
    trust->anchors = anchors;
    trust->anchor_count = count;
    trust->ec = ec;
}

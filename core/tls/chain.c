/* SPDX-License-Identifier: MIT
 *
 * A relay known by a chain to a trust anchor: BearSSL's validation, and what it does not look at in the relay's own
 * certificate: over-broad wildcards, and what its key is for. Both are looked for in the octets as they stream by.
 */
#include "trust.h"

#include <string.h>

enum { RSA_MIN_OCTETS = 256, DAYS_TO_1970 = 719528 };

/* ---- Wildcards --------------------------------------------------------------------------------------------------- */

/* BearSSL lets "*.com" stand for any name one label longer. Such a certificate is refused by looking for the text of that
 * name with an octet behind it that no name holds, whatever field it stands in. */
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
    const char *next = x->next;

    if (c == 0) {
        return;
    }
    if (next != NULL && *next == 0 && !in_name(c)) {
        x->wide = true;
    }
    if (c == '*') {
        next = x->wildcard;
    } else if (next != NULL) {
        next = *next != 0 && lower(c) == lower((uint8_t)*next) ? next + 1 : NULL;
    }
    x->next = next;
}

/* ---- Purposes ---------------------------------------------------------------------------------------------------- */

/* A certificate that lists purposes (extendedKeyUsage, RFC 5280 4.2.1.12) must list servers, or any; BearSSL passes over that
 * list, or refuses it where it is critical. It stands behind the extension's name, as an OCTET STRING, perhaps with a
 * BOOLEAN between them that says it is not critical. Lists without those
 * purposes are counted: what else looks like such a list, where a certificate's owner chose the octets, can only add to them. */
enum { PURPOSES = 0x03551d25, BOOLEAN = 1, OCTET_STRING = 4, FIRST = 255, NOT_CRITICAL = 254 };

static void look_for_purpose(struct mote_x509 *x, uint8_t c)
{
    uint32_t last = x->last;

    x->last = last << 8 | c;
    if (last == PURPOSES && (c == OCTET_STRING || c == BOOLEAN)) {
        x->unfit++;
        x->length_octets = c == OCTET_STRING ? FIRST : NOT_CRITICAL;
    } else if (x->length_octets == NOT_CRITICAL) {
        x->length_octets = c == OCTET_STRING ? FIRST : NOT_CRITICAL;
    } else if (x->length_octets == FIRST) {
        x->length_octets = c >= 128 ? c & 127 : 0;
        x->left = c >= 128 ? 0 : c;
    } else if (x->length_octets != 0) {
        x->length_octets--;
        x->left = (uint16_t)(x->left << 8 | c);
    } else if (x->left != 0) {
        x->left--;
        if ((last == 0x05050703 && c == 0x01) || (last == 0x04551d25 && c == 0x00)) {
            x->unfit--;
            x->left = 0;
        }
    }
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

static void chain_start_chain(const br_x509_class **ctx, const char *name)
{
    struct mote_x509 *x = x509_of(ctx);

    x->depth = 0;
    x->next = NULL;
    x->wide = false;
    x->unfit = 0;
    x->length_octets = 0;
    x->left = 0;
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
    for (size_t i = 0; x->depth == 0 && i < len; i++) {
        look_for_wildcard(x, octets[i]);
        look_for_purpose(x, octets[i]);
    }
}

static void chain_end_cert(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);

    x->depth = 1;
    x->u.minimal.vtable->end_cert(&x->u.minimal.vtable);
}

unsigned mote_chain_error(const struct mote_x509 *x)
{
    if (x->wide) {
        return BR_ERR_X509_BAD_SERVER_NAME;
    }
    return x->unfit != 0 ? BR_ERR_X509_FORBIDDEN_KEY_USAGE : mote_trust_key_error(&x->u.minimal.pkey);
}

static unsigned chain_end_chain(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);
    unsigned error = x->u.minimal.vtable->end_chain(&x->u.minimal.vtable);

    return error != 0 ? error : mote_chain_error(x);
}

static const br_x509_pkey *chain_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const struct mote_x509 *x = (const struct mote_x509 *)(const void *)ctx;

    return x->u.minimal.vtable->get_pkey(&x->u.minimal.vtable, usages);
}

const br_x509_class mote_chain_vtable = {
    sizeof(struct mote_x509), chain_start_chain, chain_start_cert, chain_append,
    chain_end_cert,           chain_end_chain,   chain_get_pkey,
};

static void setup_chain(struct mote_session *s)
{
    const struct mote_trust *trust = &s->relay->trust;
    br_x509_minimal_context *minimal = &s->x509.u.minimal;
    uint64_t now = s->setup->unix_s;

    br_x509_minimal_init(minimal, &br_sha256_vtable, trust->anchors, trust->anchor_count);
    br_x509_minimal_set_hash(minimal, br_sha256_ID, &br_sha256_vtable);
    br_x509_minimal_set_rsa(minimal, trust->rsa_verify);
    br_x509_minimal_set_ecdsa(minimal, s->client.eng.iec, br_ecdsa_vrfy_asn1_get_default());
    br_x509_minimal_set_minrsa(minimal, RSA_MIN_OCTETS);
    /* 86400 is 128 * 675: no division of 64 bits is linked. */
    br_x509_minimal_set_time(minimal, DAYS_TO_1970 + (uint32_t)(now >> 7) / 675,
                             (uint32_t)(now >> 7) % 675 * 128 + (uint32_t)(now & 127));
}

void mote_chain_setup(struct mote_session *s, const br_x509_class *vtable)
{
    br_x509_minimal_context *minimal = &s->x509.u.minimal;

    mote_trust_setup_tls(s, vtable);
    setup_chain(s);
    br_x509_minimal_set_hash(minimal, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(minimal, br_sha512_ID, &br_sha512_vtable);
}

static void setup_anchors(struct mote_session *s)
{
    mote_chain_setup(s, &mote_chain_vtable);
}

static void setup_anchors_small(struct mote_session *s)
{
    mote_trust_setup_tls_small(s, &mote_chain_vtable);
    setup_chain(s);
}

void mote_trust_anchors(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count, const char *name)
{
    mote_trust_set(trust, anchors != NULL ? setup_anchors : NULL, name, &mote_curves);
    trust->anchors = anchors;
    trust->anchor_count = count;
    trust->chain = anchors != NULL;
}

void mote_trust_anchors_small(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count,
                              const char *name, const br_ec_impl *ec)
{
    mote_trust_set(trust, anchors != NULL && ec != NULL ? setup_anchors_small : NULL, name, ec);
    trust->anchors = anchors;
    trust->anchor_count = count;
    trust->chain = anchors != NULL;
}

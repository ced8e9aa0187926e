/* SPDX-License-Identifier: MIT
 *
 * A relay known by a chain in which some certificate's key is pinned, the relay's own or a CA's: BearSSL's validation without
 * anchors, and a pin in their place. Every certificate up to the pinned one is verified; those behind it are not looked at.
 */
#include "trust.h"

#include <string.h>

/* ---- The octets of a certificate's key --------------------------------------------------------------------------- */

/* Where in a certificate: its SEQUENCE and that in it are entered, then come these elements. */
enum { OUTER, INNER, VERSION, SERIAL, ALGORITHM, ISSUER, VALIDITY, SUBJECT, KEY, DONE };

/* What of an element comes next; a larger number is how many octets of its length are missing, and this. */
enum { TAG, LENGTH, CONTENT, LENGTH_OCTETS };

enum { TAG_VERSION = 0xa0 };

static void begin_element(struct mote_pinned *p, uint8_t tag)
{
    if (p->element == VERSION && tag != TAG_VERSION) {
        p->element = SERIAL;
    }
    p->part = LENGTH;
}

static void take_length(struct mote_pinned *p, uint8_t c)
{
    if (p->part == LENGTH) {
        p->part = c > 0x80 ? (uint8_t)(LENGTH_OCTETS + (c & 0x7f) - 1) : CONTENT;
        p->left = c > 0x80 ? 0 : c;
        return;
    }
    p->left = p->left << 8 | c;
    p->part = p->part == LENGTH_OCTETS ? CONTENT : (uint8_t)(p->part - 1);
}

/* Finds the seventh element as BearSSL's decoder does, by lengths alone, and hashes it. What BearSSL refuses, as a length that
 * is not told, need not be found right. */
static void take_octet(struct mote_pinned *p, uint8_t c)
{
    if (p->element == DONE) {
        return;
    }
    if (p->part == TAG) {
        begin_element(p, c);
    } else if (p->part == CONTENT) {
        p->left--;
    } else {
        take_length(p, c);
    }
    if (p->element == KEY) {
        br_sha256_update(&p->hash, &c, 1);
    }
    if (p->part == CONTENT && (p->left == 0 || p->element <= INNER)) {
        p->element++;
        p->part = TAG;
    }
}

static bool is_pinned(struct mote_pinned *p, const struct mote_trust *trust)
{
    uint8_t digest[br_sha256_SIZE];

    br_sha256_out(&p->hash, digest);
    for (size_t i = 0; p->element == DONE && i < trust->pin_count; i++) {
        if (memcmp(digest, trust->pins[i], sizeof digest) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

static void pinned_start_chain(const br_x509_class **ctx, const char *name)
{
    x509_of(ctx)->pinned.found = false;
    mote_chain_vtable.start_chain(ctx, name);
}

static void pinned_start_cert(const br_x509_class **ctx, uint32_t len)
{
    struct mote_pinned *p = &x509_of(ctx)->pinned;

    if (!p->found) {
        p->element = OUTER;
        p->part = TAG;
        br_sha256_init(&p->hash);
        mote_chain_vtable.start_cert(ctx, len);
    }
}

static void pinned_append(const br_x509_class **ctx, const unsigned char *octets, size_t len)
{
    struct mote_pinned *p = &x509_of(ctx)->pinned;

    if (!p->found) {
        mote_chain_vtable.append(ctx, octets, len);
        for (size_t i = 0; i < len; i++) {
            take_octet(p, octets[i]);
        }
    }
}

/* Without an error so far, the certificate before this one is signed with this one's key, and so on back to the relay's. */
static void pinned_end_cert(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);

    if (!x->pinned.found) {
        mote_chain_vtable.end_cert(ctx);
        x->pinned.found = x->u.minimal.err == 0 && is_pinned(&x->pinned, x->trust);
    }
}

/* BearSSL, which has no anchors, says at best that the chain leads to none. */
static unsigned pinned_end_chain(const br_x509_class **ctx)
{
    struct mote_x509 *x = x509_of(ctx);
    unsigned error = mote_chain_vtable.end_chain(ctx);

    if (error != BR_ERR_X509_NOT_TRUSTED) {
        return error;
    }
    if (x->pinned.found) {
        return mote_chain_error(x);
    }
    x->cause = MOTE_CAUSE_CERT_PIN;
    return error;
}

static const br_x509_pkey *pinned_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    return mote_chain_vtable.get_pkey(ctx, usages);
}

static const br_x509_class pinned_vtable = {
    sizeof(struct mote_x509), pinned_start_chain, pinned_start_cert, pinned_append,
    pinned_end_cert,          pinned_end_chain,   pinned_get_pkey,
};

static void setup_pinned(struct mote_session *s)
{
    mote_chain_setup(s, &pinned_vtable);
}

void mote_trust_pinned_chain(struct mote_trust *trust, const uint8_t (*pins)[32], size_t count, const char *name)
{
    mote_trust_set(trust, pins != NULL ? setup_pinned : NULL, name, &mote_curves);
    trust->pins = pins;
    trust->pin_count = count;
    trust->chain = true;
}

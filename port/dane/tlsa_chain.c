/* SPDX-License-Identifier: MIT
 *
 * A chain under TLSA records. Usage 3: the first certificate, or its key, is the one; no date, no name, no signature (RFC 7671 5.1).
 * Usage 2: a later certificate is the one, and what it has signed is verified as under any anchor, dates and the host's name among it
 * (RFC 7671 5.2); by the check of core/tls, which is lent that certificate as its anchor.
 */
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "posix.h"

#include <string.h>

enum { END_ENTITY = 3, WHOLE = 0, EXACT = 0, SHA256 = 1, SHA512 = 2 };

/* ---- The octets a record is about -------------------------------------------------------------------------------- */

struct octets {
    const unsigned char *at;
    size_t len;
};

/* The first element of in: its octets with their head in all, those behind its head in inside. False: it does not fit. */
static bool element(const struct octets *in, struct octets *all, struct octets *inside)
{
    size_t head = 2, len;

    if (in->len < head) {
        return false;
    }
    len = in->at[1];
    if (len > 0x80) {
        head += len - 0x80;
        len = 0;
        for (size_t i = 2; i < head; i++) {
            if (i == in->len || len > 0xffff) {
                return false;
            }
            len = len << 8 | in->at[i];
        }
    }
    if (head > in->len || len > in->len - head) {
        return false;
    }
    *all = (struct octets){in->at, head + len};
    *inside = (struct octets){in->at + head, len};
    return true;
}

/* SubjectPublicKeyInfo: the seventh element, or the sixth where the version is left out. */
static bool find_key(const struct octets *certificate, struct octets *key)
{
    struct octets all, rest;
    const struct octets *in = certificate;

    if (!element(in, &all, &rest)) {
        return false;
    }
    in = &rest;
    if (!element(in, &all, &rest) || rest.len == 0) {
        return false;
    }
    for (unsigned left = rest.at[0] == 0xa0 ? 7 : 6; left != 0; left--) {
        struct octets inside;

        if (!element(&rest, key, &inside)) {
            return false;
        }
        rest.at += key->len;
        rest.len -= key->len;
    }
    return true;
}

/* Is the key that is computed with, read by another decoder, the one in these octets? It is what they end with. */
static bool is_key_of(const struct octets *info, const br_x509_pkey *key)
{
    struct octets n = {key->key.rsa.n, key->key.rsa.nlen}, e = {key->key.rsa.e, key->key.rsa.elen};
    const unsigned char *end = info->at + info->len;
    size_t e_len;

    if (key->key_type == BR_KEYTYPE_EC) {
        size_t len = key->key.ec.qlen;

        return len < info->len && memcmp(end - len, key->key.ec.q, len) == 0;
    }
    while (n.len > 1 && *n.at == 0) {
        n.at++;
        n.len--;
    }
    while (e.len > 1 && *e.at == 0) {
        e.at++;
        e.len--;
    }
    e_len = (*e.at >= 0x80 ? 3u : 2u) + e.len; /* its head, and a zero in front where it would be negative */
    return e.len != 0 && n.len + e_len < info->len && memcmp(end - e.len, e.at, e.len) == 0 &&
           memcmp(end - e_len - n.len, n.at, n.len) == 0;
}

/* key: the certificate's, as it is computed with. */
static bool matches(const struct mote_tlsa *record, const struct octets *certificate, const br_x509_pkey *key)
{
    union {
        br_sha256_context sha256;
        br_sha512_context sha512;
    } hash;
    unsigned char digest[br_sha512_SIZE];
    struct octets whole = *certificate;
    const unsigned char *is = digest;

    if (record->selector != WHOLE && (!find_key(certificate, &whole) || !is_key_of(&whole, key))) {
        return false;
    }
    if (record->matching == SHA256) {
        br_sha256_init(&hash.sha256);
        br_sha256_update(&hash.sha256, whole.at, whole.len);
        br_sha256_out(&hash.sha256, digest);
    } else if (record->matching == SHA512) {
        br_sha512_init(&hash.sha512);
        br_sha512_update(&hash.sha512, whole.at, whole.len);
        br_sha512_out(&hash.sha512, digest);
    } else {
        is = whole.at;
    }
    return (record->matching != EXACT || whole.len == record->len) && memcmp(is, record->octets, record->len) == 0;
}

/* ---- A certificate as anchor ------------------------------------------------------------------------------------- */

static unsigned judge_for(const br_x509_trust_anchor *anchor, const struct mote_tlsa_chain *chain, const char *name,
                          uint64_t unix_s)
{
    static struct mote_session session;
    struct mote_relay relay = {.host = name};
    struct mote_session_setup setup = {.unix_s = unix_s};
    const br_x509_class **ctx = &session.x509.vtable;

    memset(&session, 0, sizeof session);
    session.relay = &relay;
    session.setup = &setup;
    mote_trust_anchors(&relay.trust, anchor, 1, name);
    relay.trust.setup_tls(&session);
    (*ctx)->start_chain(ctx, name);
    for (unsigned i = 0; i < chain->count; i++) {
        (*ctx)->start_cert(ctx, (uint32_t)chain->len[i]);
        (*ctx)->append(ctx, chain->octets[i], chain->len[i]);
        (*ctx)->end_cert(ctx);
    }
    return (*ctx)->end_chain(ctx);
}

/* Under the names a host may have (RFC 7672 3.2.2). */
static unsigned judge_under(const br_x509_trust_anchor *anchor, const struct mote_dane_host *host,
                            const struct mote_tlsa_chain *chain, uint64_t unix_s)
{
    const char *names[] = {host->base, host->name, host->domain};
    unsigned error = unix_s == 0 ? BR_ERR_X509_TIME_UNKNOWN : BR_ERR_X509_BAD_SERVER_NAME;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && names[i] != NULL && error == BR_ERR_X509_BAD_SERVER_NAME;
         i++) {
        error = judge_for(anchor, chain, names[i], unix_s);
    }
    return error;
}

/* An anchor that the server leaves out can be in the record (RFC 7671 5.2.1). */
static unsigned judge_anchor(const struct mote_tlsa *record, const struct mote_dane_host *host,
                             const struct mote_tlsa_chain *chain, uint64_t unix_s)
{
    unsigned error = BR_ERR_X509_NOT_TRUSTED;
    br_x509_trust_anchor anchor;

    for (unsigned i = 1; i < chain->count && error != 0; i++) {
        struct octets certificate = {chain->octets[i], chain->len[i]};

        if (mote_posix_anchor(&anchor, certificate.at, certificate.len) &&
            matches(record, &certificate, &anchor.pkey)) {
            error = judge_under(&anchor, host, chain, unix_s);
        }
    }
    if (error != 0 && record->selector == WHOLE && record->matching == EXACT &&
        mote_posix_anchor(&anchor, record->octets, record->len)) {
        error = judge_under(&anchor, host, chain, unix_s);
    }
    return error;
}

/* ---- The records ------------------------------------------------------------------------------------------------- */

/* Where the better digest of the same is given, the other one does not count (RFC 7671 9). */
static bool is_outdone(const struct mote_dane_host *host, const struct mote_tlsa *record)
{
    for (unsigned i = 0; i < host->record_count; i++) {
        const struct mote_tlsa *other = &host->records[i];

        if (record->matching == SHA256 && other->matching == SHA512 && other->usage == record->usage &&
            other->selector == record->selector) {
            return true;
        }
    }
    return false;
}

static const struct mote_tlsa *decided;

const struct mote_tlsa *mote_tlsa_decided(void)
{
    return decided;
}

/* The error told is the one of the record that came nearest. */
unsigned mote_tlsa_judge(const struct mote_dane_host *host, const struct mote_tlsa_chain *chain,
                         const br_x509_pkey *key, uint64_t unix_s)
{
    struct octets first = {chain->octets[0], chain->len[0]};
    unsigned nearest = BR_ERR_X509_NOT_TRUSTED;

    decided = NULL;
    for (unsigned i = 0; i < host->record_count; i++) {
        const struct mote_tlsa *record = &host->records[i];
        unsigned error = BR_ERR_X509_NOT_TRUSTED;

        if (is_outdone(host, record)) {
            continue;
        }
        if (record->usage == END_ENTITY) {
            error = matches(record, &first, key) ? 0 : error;
        } else {
            error = judge_anchor(record, host, chain, unix_s);
        }
        if (error == 0) {
            decided = record;
            return 0;
        }
        nearest = error != BR_ERR_X509_NOT_TRUSTED ? error : nearest;
    }
    return nearest;
}

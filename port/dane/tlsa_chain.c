/* SPDX-License-Identifier: MIT
 *
 * A chain under TLSA records. Usage 3: the first certificate, or its key, is the one; no date, no name, no signature (RFC 7671 5.1).
 * Usage 2: a later certificate is the one, and the way up to it is verified, itself included: signatures, dates, what a CA may do, and the
 * host's name (RFC 7671 5.2); by the check of core/tls, for which that certificate's key is pinned.
 */
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "der.h"
#include "posix.h"

#include <string.h>

enum { END_ENTITY = 3, WHOLE = 0, EXACT = 0, SHA256 = 1, SHA512 = 2 };

/* The tag of a version, and places in a certificate that has one. */
enum { VERSION = 0xa0, ISSUER = 4, SUBJECT = 6, KEY = 7 };

/* ---- The octets a record is about -------------------------------------------------------------------------------- */

/* The element at this place of a certificate; it is one less where the version is left out. */
static bool find(const struct mote_der *certificate, unsigned place, struct mote_der *found)
{
    struct mote_der whole = *certificate, content, rest, element;

    if (!mote_der_take(&whole, DER_SEQUENCE, &content) || !mote_der_take(&content, DER_SEQUENCE, &rest) ||
        rest.len == 0) {
        return false;
    }
    for (unsigned left = rest.at[0] == VERSION ? place : place - 1; left != 0; left--) {
        const unsigned char *at = rest.at;

        if (rest.len == 0 || !mote_der_take(&rest, *at, &element)) {
            return false;
        }
        *found = (struct mote_der){at, (size_t)(rest.at - at)};
    }
    return true;
}

/* Is the key that is computed with, read by another decoder, the one in these octets? It is what they end with. */
static bool is_key_of(const struct mote_der *info, const br_x509_pkey *key)
{
    struct mote_der n = {key->key.rsa.n, key->key.rsa.nlen}, e = {key->key.rsa.e, key->key.rsa.elen};
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

static void sha256(unsigned char digest[br_sha256_SIZE], const struct mote_der *octets)
{
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, octets->at, octets->len);
    br_sha256_out(&hash, digest);
}

static bool matches(const struct mote_tlsa *record, const struct mote_der *certificate)
{
    br_sha512_context hash;
    unsigned char digest[br_sha512_SIZE];
    struct mote_der whole = *certificate;
    const unsigned char *is = digest;

    if (record->selector != WHOLE && !find(certificate, KEY, &whole)) {
        return false;
    }
    if (record->matching == SHA256) {
        sha256(digest, &whole);
    } else if (record->matching == SHA512) {
        br_sha512_init(&hash);
        br_sha512_update(&hash, whole.at, whole.len);
        br_sha512_out(&hash, digest);
    } else {
        is = whole.at;
    }
    return (record->matching != EXACT || whole.len == record->len) && memcmp(is, record->octets, record->len) == 0;
}

/* Also the key, where the record is of that alone, is the one that is computed with. */
static bool is_host(const struct mote_tlsa *record, const struct mote_der *certificate, const br_x509_pkey *key)
{
    struct mote_der info;

    return matches(record, certificate) &&
           (record->selector == WHOLE || (find(certificate, KEY, &info) && is_key_of(&info, key)));
}

/* ---- The way to a CA --------------------------------------------------------------------------------------------- */

enum { CERTIFICATES = sizeof((struct mote_tlsa_chain *)0)->len / sizeof((struct mote_tlsa_chain *)0)->len[0] };

struct way {
    struct mote_der list[CERTIFICATES + 1];
    unsigned count;
};

static bool has_signed(const struct mote_der *ca, const struct mote_der *certificate)
{
    struct mote_der subject, issuer;

    return find(ca, SUBJECT, &subject) && find(certificate, ISSUER, &issuer) && subject.len == issuer.len &&
           memcmp(subject.at, issuer.at, subject.len) == 0;
}

/* From the first certificate to that CA by their names, in whatever order they came. */
static bool find_way(struct way *way, const struct mote_tlsa_chain *chain, const struct mote_der *ca)
{
    bool used[CERTIFICATES] = {true};
    unsigned i;

    way->list[0] = (struct mote_der){chain->octets[0], chain->len[0]};
    way->count = 1;
    while (!has_signed(ca, &way->list[way->count - 1])) {
        struct mote_der next = {NULL, 0};

        for (i = 1; i < chain->count; i++) {
            next = (struct mote_der){chain->octets[i], chain->len[i]};
            if (!used[i] && has_signed(&next, &way->list[way->count - 1])) {
                break;
            }
        }
        if (i >= chain->count) {
            return false;
        }
        used[i] = true;
        way->list[way->count++] = next;
    }
    way->list[way->count++] = *ca;
    return true;
}

static unsigned judge_for(const struct way *way, const uint8_t (*pin)[32], const char *name, uint64_t unix_s)
{
    static struct mote_session session;
    struct mote_relay relay = {.host = name};
    struct mote_session_setup setup = {.unix_s = unix_s};
    const br_x509_class **ctx = &session.x509.vtable;

    memset(&session, 0, sizeof session);
    session.relay = &relay;
    session.setup = &setup;
    mote_trust_pinned_chain(&relay.trust, pin, 1, name);
    relay.trust.setup_tls(&session);
    (*ctx)->start_chain(ctx, name);
    for (unsigned i = 0; i < way->count; i++) {
        (*ctx)->start_cert(ctx, (uint32_t)way->list[i].len);
        (*ctx)->append(ctx, way->list[i].at, way->list[i].len);
        (*ctx)->end_cert(ctx);
    }
    return (*ctx)->end_chain(ctx);
}

/* Ways up that are verified in one handshake: each can cost a signature of every certificate. */
enum { WAYS_MAX = 8 };
static unsigned ways;

/* Under the names a host may have (RFC 7672 3.2.2). */
static unsigned judge_under(const struct mote_der *ca, const struct mote_dane_host *host,
                            const struct mote_tlsa_chain *chain, uint64_t unix_s)
{
    const char *names[] = {host->base, host->domain, host->alias};
    unsigned error = unix_s == 0 ? BR_ERR_X509_TIME_UNKNOWN : BR_ERR_X509_BAD_SERVER_NAME;
    struct mote_der key;
    struct way way;
    uint8_t pin[1][32];

    if (!find(ca, KEY, &key) || !find_way(&way, chain, ca) || ways++ >= WAYS_MAX) {
        return BR_ERR_X509_NOT_TRUSTED;
    }
    sha256(pin[0], &key);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && error == BR_ERR_X509_BAD_SERVER_NAME; i++) {
        if (names[i] != NULL) {
            error = judge_for(&way, (const uint8_t(*)[32])pin, names[i], unix_s);
        }
    }
    return error;
}

/* A CA that the server leaves out can be in the record (RFC 7671 5.2.1). */
static unsigned judge_ca(const struct mote_tlsa *record, const struct mote_dane_host *host,
                         const struct mote_tlsa_chain *chain, uint64_t unix_s)
{
    const struct mote_der given = {record->octets, record->len};
    unsigned error = BR_ERR_X509_NOT_TRUSTED;

    for (unsigned i = 1; i < chain->count && error != 0; i++) {
        struct mote_der ca = {chain->octets[i], chain->len[i]};

        if (matches(record, &ca)) {
            error = judge_under(&ca, host, chain, unix_s);
        }
    }
    if (error == BR_ERR_X509_NOT_TRUSTED && record->selector == WHOLE && record->matching == EXACT) {
        error = judge_under(&given, host, chain, unix_s);
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
    struct mote_der first = {chain->octets[0], chain->len[0]};
    unsigned nearest = BR_ERR_X509_NOT_TRUSTED;

    decided = NULL;
    ways = 0;
    for (unsigned i = 0; i < host->record_count; i++) {
        const struct mote_tlsa *record = &host->records[i];
        unsigned error = BR_ERR_X509_NOT_TRUSTED;

        if (is_outdone(host, record)) {
            continue;
        }
        if (record->usage == END_ENTITY) {
            error = is_host(record, &first, key) ? 0 : error;
        } else {
            error = judge_ca(record, host, chain, unix_s);
        }
        if (error == 0) {
            decided = record;
            return 0;
        }
        nearest = error != BR_ERR_X509_NOT_TRUSTED ? error : nearest;
    }
    return nearest;
}

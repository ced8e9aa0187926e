/* SPDX-License-Identifier: MIT
 *
 * TLSA records (RFC 6698, RFC 7672): what of them can be used, the policy that follows, and the trust. Only what DNSSEC proves counts,
 * and that there are no records must be proven as well.
 */
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "posix.h"

#include <stdio.h>
#include <string.h>
#include <unbound.h>

enum { TRUST_ANCHOR = 2, END_ENTITY = 3, KEY = 1, EXACT = 0, SHA256 = 1, SHA512 = 2 };

/* ---- Records ----------------------------------------------------------------------------------------------------- */

/* Those of PKIX (usages 0 and 1) cannot be used between mail servers (RFC 7672 3.1.3). */
static bool is_usable(const struct mote_tlsa *record)
{
    return (record->usage == TRUST_ANCHOR || record->usage == END_ENTITY) && record->selector <= KEY &&
           (record->matching == EXACT    ? record->len > 0
            : record->matching == SHA256 ? record->len == br_sha256_SIZE
                                         : record->matching == SHA512 && record->len == br_sha512_SIZE);
}

/* False: there are too many. */
static bool take_records(struct mote_dane_host *host, const struct ub_result *result)
{
    host->record_count = 0;
    for (int i = 0; result->data[i] != NULL; i++) {
        const unsigned char *octets = (const unsigned char *)result->data[i];
        struct mote_tlsa record = {.octets = octets + 3};

        if (i == MOTE_TLSA_MAX) {
            return false;
        }
        if (result->len[i] > 3) {
            record.usage = octets[0];
            record.selector = octets[1];
            record.matching = octets[2];
            record.len = (size_t)result->len[i] - 3;
        }
        if (record.len != 0 && is_usable(&record)) {
            host->records[host->record_count++] = record;
        }
    }
    return true;
}

/* ---- The look-up ------------------------------------------------------------------------------------------------- */

/* True: the name servers, or DNSSEC, do not tell. */
static bool ask(struct mote_dane_host *host, const char *name, int type, uint32_t until_ms)
{
    struct mote_dane_answer *answer = &host->answer;

    mote_dane_ask(answer, name, type, until_ms);
    if (answer->state == MOTE_DANE_DATA || answer->state == MOTE_DANE_NONE) {
        return false;
    }
    host->policy = MOTE_DANE_UNKNOWN;
    return true;
}

static void refuse_many(struct mote_dane_host *host, const char *name)
{
    host->policy = MOTE_DANE_UNKNOWN;
    host->answer.cause = MOTE_CAUSE_DNS;
    snprintf(host->answer.why, sizeof host->answer.why, "TLSA of %.255s: more than %d records", name, MOTE_TLSA_MAX);
    mote_dane_free(&host->answer);
}

/* False: there is none here, and that is proven or of an insecure zone. */
static bool look_up(struct mote_dane_host *host, const char *base, uint32_t until_ms)
{
    char name[MOTE_DANE_NAME + 16];
    struct mote_dane_answer *answer = &host->answer;

    snprintf(name, sizeof name, "_25._tcp.%s", base);
    if (ask(host, name, MOTE_DANE_TLSA, until_ms)) {
        return true;
    }
    if (answer->state == MOTE_DANE_NONE || !answer->secure) {
        mote_dane_free(answer);
        return false;
    }
    if (!take_records(host, answer->result)) {
        refuse_many(host, name);
        return true;
    }
    host->policy = host->record_count != 0 ? MOTE_DANE_AUTHENTICATED : MOTE_DANE_ENCRYPTED;
    snprintf(host->base, sizeof host->base, "%s", base);
    return true;
}

/* Does DNSSEC prove that the host's name is an alias, though not what that stands for? */
static bool is_proven_alias(struct mote_dane_host *host, uint32_t until_ms)
{
    bool proven;

    if (ask(host, host->name, MOTE_DANE_CNAME, until_ms)) {
        return false;
    }
    proven = host->answer.secure && host->answer.state == MOTE_DANE_DATA;
    mote_dane_free(&host->answer);
    return proven;
}

/* RFC 7672 2.2.2: in a zone that is not signed nobody is asked, as some of their servers never answer; an alias may be in
 * another zone, and what it stands for goes first, where it is proven. */
void mote_tlsa_find(struct mote_dane_host *host, const char *alias_of, bool secure, uint32_t until_ms)
{
    host->policy = MOTE_DANE_OPPORTUNISTIC;
    host->record_count = 0;
    memcpy(host->base, host->name, sizeof host->base);
    if (secure && alias_of != NULL && look_up(host, alias_of, until_ms)) {
        return;
    }
    if (secure || (alias_of != NULL && is_proven_alias(host, until_ms))) {
        look_up(host, host->name, until_ms);
    }
}

/* ---- The trust --------------------------------------------------------------------------------------------------- */

/* Stands between BearSSL and the check of a pin that no key meets, and keeps the chain; where that check has no other objection, a
 * record may decide. One handshake at a time. */
static struct {
    const br_x509_class *vtable, **checks;
    const struct mote_dane_host *host;
    struct mote_session *session;
    void (*setup)(struct mote_session *); /* of that check */
    struct mote_tlsa_chain chain;
    bool too_long;
    size_t used;
    unsigned char octets[65536];
} watch;

static void start_chain(const br_x509_class **ctx, const char *name)
{
    (void)ctx;
    watch.chain.count = 0;
    watch.used = 0;
    watch.too_long = false;
    (*watch.checks)->start_chain(watch.checks, name);
}

static void start_cert(const br_x509_class **ctx, uint32_t len)
{
    struct mote_tlsa_chain *chain = &watch.chain;

    (void)ctx;
    watch.too_long |= chain->count == sizeof chain->len / sizeof chain->len[0];
    if (!watch.too_long) {
        chain->octets[chain->count] = watch.octets + watch.used;
        chain->len[chain->count++] = 0;
    }
    (*watch.checks)->start_cert(watch.checks, len);
}

static void append(const br_x509_class **ctx, const unsigned char *octets, size_t len)
{
    (void)ctx;
    watch.too_long |= len > sizeof watch.octets - watch.used;
    if (!watch.too_long) {
        memcpy(watch.octets + watch.used, octets, len);
        watch.used += len;
        watch.chain.len[watch.chain.count - 1] += len;
    }
    (*watch.checks)->append(watch.checks, octets, len);
}

static void end_cert(const br_x509_class **ctx)
{
    (void)ctx;
    (*watch.checks)->end_cert(watch.checks);
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    (void)ctx;
    return (*watch.checks)->get_pkey(watch.checks, usages);
}

static unsigned end_chain(const br_x509_class **ctx)
{
    const br_x509_class *const *own = &watch.vtable;
    unsigned error = (*watch.checks)->end_chain(watch.checks);

    (void)ctx;
    if (error != BR_ERR_X509_NOT_TRUSTED) {
        return error;
    }
    if (watch.too_long) {
        watch.session->x509.cause = MOTE_CAUSE_CERT_INVALID;
        return error;
    }
    if (watch.host->policy == MOTE_DANE_ENCRYPTED) {
        error = 0;
    } else {
        error = mote_tlsa_judge(watch.host, &watch.chain, get_pkey(own, NULL), watch.session->setup->unix_s);
    }
    if (error != BR_ERR_X509_NOT_TRUSTED) {
        watch.session->x509.cause = MOTE_CAUSE_NONE;
    }
    return error;
}

void mote_tlsa_words(char words[MOTE_TLSA_WORDS])
{
    const struct mote_tlsa *record = mote_tlsa_decided();

    if (watch.host->policy == MOTE_DANE_ENCRYPTED || record == NULL) {
        snprintf(words, MOTE_TLSA_WORDS, ", not verified: no usable TLSA");
    } else {
        snprintf(words, MOTE_TLSA_WORDS, ", verified by TLSA %u %u %u", record->usage, record->selector,
                 record->matching);
    }
}

static const br_x509_class vtable = {
    sizeof watch, start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

/* The host is told by its name's place: relays are copied. */
static const struct mote_dane_host *host_of(const char *base)
{
    return (const struct mote_dane_host *)(const void *)(base - offsetof(struct mote_dane_host, base));
}

static void setup_tls(struct mote_session *session)
{
    br_ssl_engine_context *engine = &session->client.eng;

    watch.setup(session);
    watch.vtable = &vtable;
    watch.checks = engine->x509ctx;
    watch.host = host_of(session->relay->trust.name);
    watch.session = session;
    br_ssl_engine_set_x509(engine, &watch.vtable);
}

void mote_tlsa_trust(struct mote_trust *trust, const struct mote_dane_host *host)
{
    static const uint8_t none[1][32];

    if (host->policy == MOTE_DANE_OPPORTUNISTIC || host->policy == MOTE_DANE_EXEMPT) {
        mote_trust_opportunistic(trust, host->name);
        return;
    }
    mote_trust_pins(trust, none, 0, host->base);
    mote_trust_cbc(trust);
    watch.setup = trust->setup_tls;
    trust->setup_tls = setup_tls;
}

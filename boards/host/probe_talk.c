/* SPDX-License-Identifier: MIT
 *
 * What a relay is asked: one conversation with everything in it, one without short records, and a short one for each cipher and
 * each curve. No mail is offered, no address named, no password said.
 */
#define _POSIX_C_SOURCE 200809L

#include "complain.h"
#include "field.h"
#include "mailmote_posix.h"
#include "probe_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For the one conversation, for each of the others, and when none is begun any more. */
enum { LIMIT_MS = 30000, TRY_MS = 8000, TRIES_S = 20 };

#define PAIR(name)                                                                                                     \
    {                                                                                                                  \
        BR_TLS_ECDHE_ECDSA_WITH_##name, BR_TLS_ECDHE_RSA_WITH_##name                                                   \
    }

/* As in core/tls/trust.c: four for every kind of trust, the others with mote_trust_cbc(). */
static const uint16_t pairs[PROBE_CIPHERS][2] = {
    PAIR(CHACHA20_POLY1305_SHA256), PAIR(AES_128_GCM_SHA256), PAIR(AES_256_GCM_SHA384), PAIR(AES_128_CBC_SHA256),
    PAIR(AES_256_CBC_SHA384),       PAIR(AES_128_CBC_SHA),    PAIR(AES_256_CBC_SHA),
};
const char *const probe_ciphers[PROBE_CIPHERS] = {
    "CHACHA20_POLY1305_SHA256", "AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "AES_128_CBC_SHA256",
    "AES_256_CBC_SHA384",       "AES_128_CBC_SHA",    "AES_256_CBC_SHA",
};
static const int curves[PROBE_CURVES] = {BR_EC_curve25519, BR_EC_secp256r1, BR_EC_secp384r1};
const char *const probe_curves[PROBE_CURVES] = {"X25519", "P-256", "P-384"};

/* ---- Words of the relay ------------------------------------------------------------------------------------------ */

static void keep_address(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    struct probe *probe = ctx;

    (void)who, (void)step;
    if (probe->address_count < PROBE_ADDRESSES) {
        printable(probe->addresses[probe->address_count++], PROBE_TEXT, data, len);
    }
}

/* The lines of a reply without their codes, from the second on where the first is a greeting. */
static void keep_lines(char *to, size_t cap, const struct link *link, bool first)
{
    struct span rest = {link->reply, link->reply_len};
    size_t at = 0;

    to[0] = 0;
    for (; rest.len > 0; first = true) {
        struct span line = take_line(&rest);

        if (first && line.len > 4 && at + 2 < cap) {
            at += printable(to + at, cap - at - 1, line.at + 4, line.len - 4);
            to[at++] = '\n';
            to[at] = 0;
        }
    }
}

static void keep_reply(char to[PROBE_TEXT], const struct link *link)
{
    size_t len = link->reply_len;

    while (len > 0 && (link->reply[len - 1] == '\n' || link->reply[len - 1] == '\r')) {
        len--;
    }
    printable(to, PROBE_TEXT, link->reply, len);
}

/* probe: what is wrong is kept in it; NULL: it is known already. */
static bool trouble(struct probe *probe, const char *what)
{
    if (probe != NULL) {
        snprintf(probe->trouble, sizeof probe->trouble, "%s", what);
    }
    return false;
}

static void tls_trouble(struct probe *probe, const struct link *link, int error)
{
    if (probe == NULL) {
        return;
    }
    if (link->no_tls) {
        trouble(probe, probe->implicit ? "it does not speak TLS from the first octet: try port 587 or 25, without "
                                         "--tls implicit"
                                       : "it grants STARTTLS, and then speaks no TLS");
    } else if (error == BR_ERR_X509_LIMIT_EXCEEDED) {
        trouble(probe, "its certificates are damaged, too long or too many, or there is no memory for them");
    } else if (error >= BR_ERR_SEND_FATAL_ALERT) {
        snprintf(probe->trouble, sizeof probe->trouble, "the handshake failed: we said TLS alert %d", error & 255);
    } else if (error >= BR_ERR_RECV_FATAL_ALERT) {
        snprintf(probe->trouble, sizeof probe->trouble, "the handshake failed: the relay said TLS alert %d",
                 error & 255);
    } else {
        snprintf(probe->trouble, sizeof probe->trouble,
                 error != BR_ERR_IO ? "the handshake failed: BearSSL's error %d"
                 : link->closed     ? "the handshake failed: the relay hung up"
                                    : "the handshake failed: the relay said nothing for 30 s",
                 error);
    }
}

/* ---- Conversations ----------------------------------------------------------------------------------------------- */

static bool greeting_trouble(struct probe *probe, const struct link *link)
{
    if (link->reply_len != 0 && strspn(link->reply, "0123456789") < 3) {
        return trouble(probe, "that is no mail relay: is it the right port (587, 465 or 25)?");
    }
    if (link->reply_len != 0) {
        return trouble(probe, "its greeting is not 220: it takes no mail from this host, or not now");
    }
    if (link->secured) {
        return trouble(probe, "it says nothing in TLS: is it a mail relay?");
    }
    return trouble(probe, link->closed
                              ? "it hung up without a word: it does not want this host, or it wants TLS from the "
                                "first octet (--tls implicit)"
                              : "it said nothing for 30 s: does it want TLS from the first octet (--tls implicit)?");
}

/* Up to where TLS would begin. */
static bool greet(struct link *link, bool implicit, struct probe *probe)
{
    bool greeted = link_reply(link) == 220;

    if (probe != NULL) {
        keep_reply(probe->greeting, link);
    }
    if (!greeted) {
        return greeting_trouble(probe, link);
    }
    if (link_ask(link, link->ehlo) != 250) {
        return trouble(probe, "it refuses EHLO");
    }
    if (probe != NULL) {
        keep_lines(implicit ? probe->offers : probe->offers_clear, PROBE_OFFERS, link, false);
    }
    return true;
}

static bool ask_for_tls(struct link *link, struct probe *probe)
{
    bool go = link_ask(link, "STARTTLS\r\n") == 220;

    if (probe != NULL) {
        keep_reply(probe->starttls, link);
    }
    if (!go) {
        trouble(probe, "it does not do STARTTLS");
    }
    return go;
}

static bool start_tls(struct link *link, const char *name, const struct link_tls *tls, struct probe *probe)
{
    int error;

    if (!link_start_tls(link, name, tls, &error)) {
        tls_trouble(probe, link, error);
    }
    return link->secured;
}

/* To the reply to EHLO inside TLS. keep: what was learned on the way is kept in probe. */
static bool converse(struct probe *probe, struct link *link, const struct link_tls *tls, bool keep)
{
    struct mote_trace trace = {keep_address, probe};
    struct probe *kept = keep ? probe : NULL;

    if (!keep && time(NULL) - probe->began > TRIES_S) {
        return false;
    }
    if (!link_open(link, probe->host, probe->port,
                   !keep                  ? TRY_MS
                   : probe->limit_ms != 0 ? probe->limit_ms
                                          : LIMIT_MS,
                   keep ? &trace : NULL)) {
        return trouble(kept, probe->port == 25
                                 ? "no connection came about: is the way open? Port 25 is closed in most networks"
                                 : "no connection came about: are the name and the port right (587, 465 or 25), and "
                                   "is the way open?");
    }
    if (probe->helo != NULL) {
        snprintf(link->ehlo, sizeof link->ehlo, "EHLO %s\r\n", probe->helo);
    }
    if (probe->implicit) {
        return start_tls(link, probe->name, tls, kept) && greet(link, true, kept);
    }
    if (!greet(link, false, kept)) {
        return false;
    }
    if (keep && probe_offer(probe->offers_clear, "STARTTLS") == NULL) {
        return trouble(kept, "it does not offer STARTTLS");
    }
    if (!ask_for_tls(link, kept) || !start_tls(link, probe->name, tls, kept)) {
        return false;
    }
    if (link_ask(link, link->ehlo) != 250) {
        return trouble(kept, "it refuses EHLO inside TLS");
    }
    if (keep) {
        keep_lines(probe->offers, PROBE_OFFERS, link, false);
    }
    return true;
}

static void take_handshake(struct probe *probe, struct link *link)
{
    br_ssl_session_parameters agreed;

    probe->tls = link->secured;
    probe->reached = link->heard;
    if (!link->secured) {
        return;
    }
    br_ssl_engine_get_session_parameters(&link->session.client.eng, &agreed);
    probe->version = agreed.version;
    probe->suite = agreed.cipher_suite;
    probe->fragments = link_granted(link);
    probe->record = link->record;
}

static void take_chain(struct probe *probe, struct link *link)
{
    probe->chain = link->chain;
    link->chain = (struct certificates){NULL, 0};
}

/* ---- One by one -------------------------------------------------------------------------------------------------- */

static br_ec_impl some_curves(uint32_t set)
{
    br_ec_impl some = mote_curves;

    some.supported_curves = set;
    return some;
}

static bool try_one(struct probe *probe, struct link *link, const struct link_tls *tls)
{
    bool taken = converse(probe, link, tls, false) || link->secured;

    link_close(link);
    return taken;
}

/* A relay whose certificate is on a curve may want that one offered, too; then which one it took decides. */
static bool try_curve(struct probe *probe, struct link *link, const struct link_tls *all, int curve)
{
    const br_x509_pkey *key = probe->chain.list[0]->pkey;
    br_ec_impl some = some_curves((uint32_t)1 << curve);
    struct link_tls tls = *all;

    tls.curves = &some;
    if (try_one(probe, link, &tls)) {
        return true;
    }
    if (key->key_type != BR_KEYTYPE_EC || key->key.ec.curve == curve) {
        return false;
    }
    some = some_curves((uint32_t)1 << curve | (uint32_t)1 << key->key.ec.curve);
    return try_one(probe, link, &tls) && link->session.client.eng.ecdhe_curve == curve;
}

static void try_each(struct probe *probe, struct link *link, const struct link_tls *all)
{
    struct link_tls tls = *all;

    tls.short_records = false;
    converse(probe, link, &tls, false);
    probe->record_free = link->record;
    link_close(link);
    tls.suite_count = 2;
    for (size_t i = 0; i < PROBE_CIPHERS; i++) {
        tls.suites = pairs[i];
        probe->ciphers[i] = try_one(probe, link, &tls);
    }
    for (size_t i = 0; i < PROBE_CURVES; i++) {
        probe->curves[i] = try_curve(probe, link, all, curves[i]);
    }
}

void probe_talk(struct probe *probe)
{
    struct link_tls all = {pairs[0], 2 * PROBE_CIPHERS, &mote_curves, true};
    struct link *link = calloc(1, sizeof *link);

    if (link == NULL) {
        trouble(probe, "no memory");
        return;
    }
    probe->began = time(NULL);
    converse(probe, link, &all, true);
    take_handshake(probe, link);
    take_chain(probe, link);
    link_close(link);
    if (probe->tls) {
        try_each(probe, link, &all);
    }
    free(link);
}

void probe_free(struct probe *probe)
{
    certificates_free(&probe->chain);
    certificates_free(&probe->anchors);
    free(probe);
}

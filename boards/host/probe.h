/* SPDX-License-Identifier: MIT
 *
 * What a relay is asked, and what it has answered.
 */
#ifndef MAILMOTE_HOST_PROBE_H
#define MAILMOTE_HOST_PROBE_H

#include "trust_pem.h"

#include <stdint.h>
#include <time.h>

enum { PROBE_TEXT = 300, PROBE_ADDRESSES = 16, PROBE_OFFERS = 2048 };

/* Ciphers, and curves, that are tried one by one. */
enum { PROBE_CIPHERS = 7, PROBE_CURVES = 3 };
extern const char *const probe_ciphers[PROBE_CIPHERS], *const probe_curves[PROBE_CURVES];

struct probe {
    /* asked */
    const char *host, *name; /* the name is what its certificate must have */
    const char *helo;        /* our own for EHLO; NULL: this host's */
    uint32_t limit_ms;       /* of what is said on the first connection; 0: as always */
    uint16_t port;
    bool implicit;
    const char *trust; /* a file of CAs */

    /* answered; text is as printable() makes it */
    char addresses[PROBE_ADDRESSES][PROBE_TEXT]; /* "192.0.2.7 port 587: Connection refused" */
    size_t address_count;
    bool reached; /* something was heard from it */
    char greeting[PROBE_TEXT], starttls[PROBE_TEXT];
    char offers_clear[PROBE_OFFERS], offers[PROBE_OFFERS]; /* of EHLO, lines with '\n' at their ends; "" = none */
    char trouble[PROBE_TEXT];                              /* why it went no further, or "" */
    bool tls;
    uint16_t version, suite; /* as BearSSL numbers them */
    bool fragments;          /* it grants max_fragment_length */
    size_t record; /* octets of its largest encrypted record, and of that where it is not asked for short ones */
    size_t record_free;
    bool ciphers[PROBE_CIPHERS], curves[PROBE_CURVES];
    struct certificates chain; /* as sent */

    time_t began;

    /* judged */
    bool verified, small; /* small: by mote_trust_anchors_small() with P-256 as well */
    bool stranger;        /* a CA that is not known has signed its certificate */
    char verdict[PROBE_TEXT];
    struct certificates anchors;
    struct certificate *root; /* of anchors: it alone verifies the chain; NULL = none does */
};

/* probe_talk.c: several connections. */
void probe_talk(struct probe *probe);

/* probe_judge.c: the chain under the CAs, as mailmote judges it. */
void probe_judge(struct probe *probe);

/* probe_report.c, for a person: all of it, or what was found alone; probe_json.c, for a program. */
void probe_report_found(const struct probe *probe);
void probe_report(const struct probe *probe);
void probe_json(const struct probe *probe);

/* probe_facts.c: what follows. How many flights a mail takes until it is accepted, in TLS and without a login; the smallest record
 * buffer; is a word among the offers (then what stands behind it, to the end of its line, else NULL); the mechanisms of AUTH that are
 * offered on one line or several, also in the old form "AUTH=", each once, with a blank between two ("" = none). */
unsigned probe_flights(const struct probe *probe);
size_t probe_buffer(const struct probe *probe);
const char *probe_offer(const char *offers, const char *word);
void probe_logins(char to[PROBE_TEXT], const char *offers);
bool probe_is_modern(const struct probe *probe); /* it takes one of the ciphers with authentication */

/* boards/host/dane: `probe --mx'. */
int probe_mx(int argc, char **argv);

/* probe.c, for `mailmote trust --probe': args are those of a probe. Returns EX_OK, or another after it has said why. */
int probe_run(struct probe *probe, int argc, char **argv, bool *json);
/* 0 verified, 1 not, 75 nothing was heard. */
int probe_status(const struct probe *probe);
void probe_free(struct probe *probe);

#endif

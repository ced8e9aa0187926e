/* SPDX-License-Identifier: MIT
 *
 * Mail without a relay: the hosts that take mail for a domain (MX, RFC 5321 5.1), and what DNS says of their certificates (DANE,
 * RFC 7672), as relays for mote_posix_attempt(). Look-ups are libunbound's, which validates DNSSEC itself. Built with
 * `make DANE=1' alone. For one thread and one domain at a time, as the command needs it: what was found is kept in static memory.
 */
#ifndef MOTE_PORT_DANE_H
#define MOTE_PORT_DANE_H

#include "mailmote_posix.h"

#include <netdb.h>

/* Seconds for one question, and for all that a domain takes. */
#ifndef MOTE_QUESTION_S
#define MOTE_QUESTION_S 20
#endif
#ifndef MOTE_QUESTIONS_S
#define MOTE_QUESTIONS_S 90
#endif

#define MOTE_DANE_NAME 256
#define MOTE_DANE_WHY  400

/* ---- resolve.c: one question ------------------------------------------------------------------------------------- */

/* Has DNSSEC validated from the keys in this file, which stays in place, or, NULL, from the root's that are built in. Before the first
 * question; without it nothing is validated. False, and why: they cannot be used. */
bool mote_dane_anchor(const char *file, char why[MOTE_DANE_WHY]);

enum mote_dane_state {
    MOTE_DANE_DATA,    /* there is an answer */
    MOTE_DANE_NONE,    /* there is none of this type, or no such name */
    MOTE_DANE_NO,      /* nobody answered in time, or the name servers could not: SERVFAIL */
    MOTE_DANE_BOGUS,   /* it is not what the zone's owner signed */
    MOTE_DANE_NO_NAME, /* that is no name that DNS could have */
};

struct ub_result;
struct mote_dane_answer {
    uint8_t state;
    uint8_t cause;            /* with any other than MOTE_DANE_DATA and MOTE_DANE_NONE, as why */
    bool secure;              /* DNSSEC proves it */
    struct ub_result *result; /* NULL but with MOTE_DANE_DATA and MOTE_DANE_NONE */
    char why[MOTE_DANE_WHY];  /* for a person; else "" */
};

enum { MOTE_DANE_A = 1, MOTE_DANE_CNAME = 5, MOTE_DANE_MX = 15, MOTE_DANE_AAAA = 28, MOTE_DANE_TLSA = 52 };

/* Asks until mote_posix_now_ms() is until_ms, MOTE_QUESTION_S at most; to be given back. */
void mote_dane_ask(struct mote_dane_answer *answer, const char *name, int type, uint32_t until_ms);
void mote_dane_free(struct mote_dane_answer *answer);

/* ---- addresses.c, ourselves.c: a host's addresses ------------------------------------------------------------------ */

/* Both kinds, to be given back each. */
void mote_dane_ask_addresses(struct mote_dane_answer answers[2], const char *host, uint32_t until_ms);

/* These, or a host that is an address itself: to be given to free(). NULL: there is none, or no memory, which the answers then say. */
struct addrinfo *mote_dane_list(struct mote_dane_answer answers[2], uint16_t port);
struct addrinfo *mote_dane_literal(const char *host, uint16_t port);

/* Is that this host, by its name, the one it says at EHLO or an address? */
bool mote_dane_ourselves(const char *name, const char *helo, const struct addrinfo *addresses);

/* ---- tlsa.c: what is known of a host's certificate ---------------------------------------------------------------- */

/* Records of one host; where there are more, it is not asked. */
enum { MOTE_TLSA_MAX = 64 };

struct mote_tlsa {
    uint8_t usage, selector, matching;
    const unsigned char *octets; /* of the answer */
    size_t len;
};

enum mote_dane_policy {
    MOTE_DANE_OPPORTUNISTIC, /* proven that there are no records, or an insecure zone: POLICY P1 to P6 */
    MOTE_DANE_ENCRYPTED,     /* records, and none of them can be used: TLS, and any certificate */
    MOTE_DANE_AUTHENTICATED, /* a record decides */
    MOTE_DANE_EXEMPT,        /* not looked up, as the caller wishes */
    MOTE_DANE_UNKNOWN        /* the look-up failed: it is not asked */
};

struct mote_dane_host {
    char name[MOTE_DANE_NAME]; /* to connect to */
    char base[MOTE_DANE_NAME]; /* whose records they are: it, or what it is an alias of (RFC 7672 2.2.2) */
    const char *domain;        /* behind the @, where DNSSEC proves that this is a host of it; else NULL */
    const char *alias;         /* of what the domain is one, likewise; else NULL */
    uint16_t preference;
    uint8_t policy;
    struct addrinfo *addresses;              /* to connect to: they were looked at */
    struct mote_dane_answer answer;          /* of its TLSA records */
    struct mote_tlsa records[MOTE_TLSA_MAX]; /* those that can be used */
    unsigned record_count;
};

/* Looks the records up; sets policy. Until until_ms. */
void mote_tlsa_find(struct mote_dane_host *host, const char *alias_of, bool secure, uint32_t until_ms);

/* The trust that follows; the host stays in place as long as it is used. Not for MOTE_DANE_UNKNOWN. */
void mote_tlsa_trust(struct mote_trust *trust, const struct mote_dane_host *host);

/* tlsa_chain.c: does a record decide for this chain, certificates as they came, key that of the first one? 0, or an error of
 * BearSSL's. */
struct mote_tlsa_chain {
    const unsigned char *octets[16];
    size_t len[16];
    unsigned count;
};
unsigned mote_tlsa_judge(const struct mote_dane_host *host, const struct mote_tlsa_chain *chain,
                         const br_x509_pkey *key, uint64_t unix_s);

/* The record that did, the last time; NULL: none. */
const struct mote_tlsa *mote_tlsa_decided(void);

/* tlsa.c: ", verified by TLSA 3 1 1", or why not, of the last handshake with a host that has records. */
#define MOTE_TLSA_WORDS 60
void mote_tlsa_words(char words[MOTE_TLSA_WORDS]);

/* ---- mx.c: a domain ------------------------------------------------------------------------------------------------ */

struct mote_dane_domain {
    /* Hosts in the order they are to be asked. Without any: verdict, cause and why. */
    struct mote_dane_host hosts[MOTE_RELAYS_MAX];
    struct mote_relay relays[MOTE_RELAYS_MAX];
    unsigned count;
    bool partial;               /* of another host DNS does not tell enough: why */
    uint8_t verdict, cause;     /* MOTE_DEFERRED, or MOTE_FAILED: it is for good */
    char why[MOTE_DANE_WHY];    /* for a person; with MOTE_FAILED an enhanced status code (RFC 3463) in front */
    bool mx_secure, mx_none;    /* DNSSEC proves the MX records; there is none, and the domain is its own host */
    bool drawn;                 /* there are equals: another id may have them in another order */
    char alias[MOTE_DANE_NAME]; /* of what the domain is one, or "" */
};

/* Who takes mail for a domain, and how each is trusted. exempt: is no TLSA record of it to be looked up? helo: our own name. id: the
 * mail's; hosts of equal preference have the same order each time. The trace is told each step. What an earlier call found is gone,
 * but its memory stays the domain's. */
void mote_dane_find(struct mote_dane_domain *found, const char *domain, const uint8_t id[8],
                    bool (*exempt)(const void *ctx, const char *name), const void *ctx, const char *helo,
                    const struct mote_trace *trace);
void mote_dane_forget(struct mote_dane_domain *found);

/* ---- known_addresses.c: what is connected to ----------------------------------------------------------------------- */

/* From now on the addresses of this domain's hosts are known: those that were found with each. */
void mote_dane_know(const struct mote_dane_domain *found);

/* Those. NULL: it is no such host, but a relay, which the system's resolver knows. */
const struct addrinfo *mote_dane_addresses(const char *host);

#endif

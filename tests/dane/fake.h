/* SPDX-License-Identifier: MIT
 *
 * In place of libunbound, the clock and the interfaces: answers as a test wants them, and time that passes when somebody waits.
 */
#ifndef MAILMOTE_TESTS_DANE_FAKE_H
#define MAILMOTE_TESTS_DANE_FAKE_H

#include "dane.h"

enum { SECURE = 1, BOGUS = 2, SILENT = 4, SERVFAIL = 8, NXDOMAIN = 16, SYNTAX = 32 };

struct fake {
    uint32_t now_ms;
    uint64_t unix_s;
    const char *why_bogus;
    bool cut_off;      /* there is no way to a name server */
    bool interrupted;  /* each wait is, once in a second */
    unsigned asked;    /* questions */
    bool no_memory;    /* for lists of addresses */
    int results;       /* answers that were not given back */
    bool silent;       /* libunbound writes nothing itself */
    char servers[100]; /* that it asks, a line for each */
    unsigned anchors;  /* keys that libunbound was given */
    char anchor[2048]; /* the last one */
    char options[500]; /* of libunbound, one behind the other */
};
extern struct fake fake;

/* No answers: to all else there is none, which DNSSEC proves. */
void fake_clear(void);

/* An answer, and data of it: of the last one. */
void fake_answer(const char *name, int type, unsigned how);
void fake_alias(const char *canonical);
void fake_data(const void *octets, size_t len);
void fake_mx(unsigned preference, const char *host);
void fake_tlsa(unsigned usage, unsigned selector, unsigned matching, size_t len);

/* A host with an address. */
void fake_host(const char *name, unsigned how, const char *address);

#endif

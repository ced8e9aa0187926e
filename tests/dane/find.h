/* SPDX-License-Identifier: MIT
 *
 * What the tests of a search share.
 */
#ifndef MAILMOTE_TESTS_DANE_FIND_H
#define MAILMOTE_TESTS_DANE_FIND_H

#include "fake.h"

extern struct mote_dane_domain found;
extern uint8_t find_id[8];
extern const char *find_helo, *find_exempted;
extern char find_said[8192];

void find(const char *domain);
void want(bool holds, const char *what, const char *of);

/* The hosts, and no other; none, and why; one host, what is known of it, and whose records these are. */
void want_hosts(const char *domain, const char *hosts);
void want_none(const char *domain, uint8_t verdict, uint8_t cause, const char *why);
void want_policy(const char *domain, uint8_t policy, const char *base);

void test_aliases(void);
void test_proofs(void);
void test_records(void);
void test_odd_data(void);
void test_anchor(void);
void test_ourselves(void);

#endif

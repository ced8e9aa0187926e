/* SPDX-License-Identifier: MIT
 *
 * What the tests of the lwIP port run on: memory that fails when told to, a clock, an outbox with one mail, and one
 * attempt from beginning to end.
 */
#ifndef MOTE_TEST_RIG_H
#define MOTE_TEST_RIG_H

#include "mailmote_lwip.h"
#include "peer.h"

enum { PORT = 25, STEP_MS = 10, HOUR_MS = 3600000 };

/* Allocations in use; of the attempt so far, and of the last one; the number of the one that fails, and for how long
 * all do then. */
extern long allocated, allocations, last_allocations, fail_at;
extern uint32_t fail_ms, now_ms;

extern struct mote_outbox outbox;
extern struct mote_lwip lwip;
extern char text[6100];

/* The outbox holds one mail for this relay, which may be spoken to in clear. */
void post(const char *host);

/* Time and the network go on. */
void step(void);

/* One attempt with this relay; afterwards nothing is left. at: for the message. */
struct mote_result attempt(struct peer *peer, const char *host, long at);

/* Counts and tells what is not as it must be. */
extern int failures;
extern const char *test_name;
void expect(bool good, const char *what, long at);
void expect_delivered(struct peer *peer, const struct mote_result *result, long at);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What the tests of the lwIP port run on: memory that fails when told to, a clock, and attempts from beginning to end.
 */
#ifndef MOTE_TEST_RIG_H
#define MOTE_TEST_RIG_H

#include "outbox.h"
#include "peer.h"
#include "wire.h"

enum { STEP_MS = 10, HOUR_MS = 3600000 };

/* How relays speak: one command at a time; in flights; with STARTTLS, in flights. */
enum way { LOCK_STEP, IN_FLIGHTS, IN_TLS, WAYS };

/* A relay that does, and nothing is wrong with it or with the wire. */
struct peer peer_of(enum way way);

/* Allocations in use; those of the attempt so far; the number of the one that fails, and for how long all do then. Of the
 * last attempt: allocations and packets. */
extern long allocated, allocations, fail_at, last_allocations, last_packets;
extern uint32_t fail_ms;

/* The port's calls of tcp_output in this attempt. */
extern long outputs;

/* The relay, as a literal address of the family that is tested. */
extern const char *relay_host;

/* From here to end() each part of the conversation takes so long; the longest time that lwIP waited for a callback, and
 * what all parts took. */
void slow_down(uint32_t ms);
extern uint32_t longest_ms, taken_ms;

/* Time and the network go on: one packet arrives, or time passes until something happens. */
void step(void);

/* An attempt in three parts: a mail is posted, relay and port begin to work; until it has ended, the result that is
 * reported, or no verdict within two hours; all is given up and given back. at: for the message. */
void begin(struct peer *peer, const char *host);
struct mote_result run(void);
void end(struct peer *peer, long at);

/* Nothing of the last connection is left in the session, nor of the random octets it was seeded with. */
bool session_wiped(void);

/* The same in one. */
struct mote_result attempt(struct peer *peer, const char *host, long at);

/* How many packets it takes when nothing is wrong. */
long packets_of(enum way way);

/* Nothing is wrong any more: the report is seen, and the next one says that the mail was delivered. */
void recover(struct peer *peer, long at);

/* Counts and tells what is not as it must be. */
extern int failures;
extern const char *test_name;
void expect(bool good, const char *what, long at);
void expect_delivered(struct peer *peer, const struct mote_result *result, long at);

/* Deferred, for this cause. */
void expect_deferred(const struct mote_result *result, uint8_t cause, long at);

/* Delivered or not, what is said is true: delivered is with the relay, deferred is not, for one of these causes. */
#define CAUSE(name) ((uint64_t)1 << MOTE_CAUSE_##name)
void expect_truth(const struct peer *peer, const struct mote_result *result, uint64_t causes, long at);

#endif

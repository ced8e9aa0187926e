/* SPDX-License-Identifier: MIT
 *
 * One run of a script and what is done to its engine.
 */
#ifndef RUN_H
#define RUN_H

#include "fuzz.h"

enum { OUT_MAX = 1 << 17, CAPS = 16 };
static const uint16_t caps[CAPS] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 64, 100, 512, 997, 1000, 1024, 4096};

/* What happened. value is a feed's length, a pull's octets at most, a failure's cause, milliseconds of a wait, or before QUIT. */
enum event_kind { FEED, PULL, WAIT, SECURED, COMMIT, FAIL, NEXT, QUIT };
struct event {
    enum event_kind kind;
    uint32_t value;
    uint32_t wait_ms; /* what the engine said after it */
    uint8_t want;
    struct input drawn; /* what the next mail is drawn from */
};

/* One run of a conversation. */
struct run {
    struct scene scene;
    struct mote_engine engine;
    struct model *model; /* looks on; NULL in the second run */
    uint8_t want;
    struct input left; /* behind what the last mail was drawn from */
    uint8_t out[OUT_MAX];
    size_t out_len;
};

void run_begin(struct run *r, struct model *m);
void run_poll(struct run *r);
void run_feed(struct run *r, const uint8_t *data, size_t len);
void run_pull(struct run *r, size_t total, size_t cap);
void run_act(struct run *r, const struct event *event); /* all but FEED and PULL */
bool run_takes_next(const struct run *r);               /* may another mail be handed over now? */
void run_check_done(struct run *r);

#endif

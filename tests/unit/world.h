/* SPDX-License-Identifier: MIT
 *
 * A device with an outbox on flash.h's flash and a relay of sim.h, and an application that posts mail after mail, each
 * with a fate of its own. All of it lies in one struct that points at nothing outside, so that a test can go back in
 * time by assigning it. The ledger knows what became of each mail, and watches what the relay is offered.
 */
#ifndef WORLD_H
#define WORLD_H

#include "flash.h"
#include "sim.h"

enum { WORLD_MAILS = 80, WORLD_SLOTS = 4, WORLD_RCPTS = 2 };

/* What the device does next. */
enum { POST, POLL, CONNECT, TALK, COMMIT, REPORT };

/* What the relay makes of a mail. */
enum fate {
    FATE_GOOD,
    FATE_LATER,   /* 450 to the first attempt */
    FATE_NEVER,   /* 550 */
    FATE_ONE_ONE, /* a is taken, b is told 450, then taken */
    FATE_DOUBT,   /* no answer to the end of the mail, the first time */
    FATE_TLS,     /* STARTTLS is offered and fails, always */
    FATE_DOWN,    /* no connection at the first attempt */
    FATE_HALF,    /* a is taken, b is told 550 */
    FATES
};

struct entry {
    bool posted;   /* post returned MOTE_CAUSE_NONE */
    bool refused;  /* post returned something else */
    bool perhaps;  /* the power went in post */
    bool settled;  /* nothing is left to try, and it was said: must not be offered again */
    bool ended;    /* its end was reported */
    bool ending;   /* the power went while it was, or the storage failed: it may be reported again */
    bool watching; /* tls_since_s is set */
    uint8_t fate;
    uint8_t offers, doubts; /* times it was offered; times its end came and no verdict was kept */
    uint8_t came[WORLD_RCPTS], failed[WORLD_RCPTS];
    uint32_t tls_since_s;      /* seconds the device had run at its first TLS failure */
    struct mote_record record; /* as in memory after the last call */
};

struct world {
    struct flash flash;
    struct sim sim;
    struct mote_outbox outbox;
    struct mote_outbox_setup setup;
    struct mote_relay relay;
    struct mote_relay_state state;
    struct mote_slot slots[WORLD_SLOTS];
    struct mote_session session;
    struct mote_session_setup session_setup;
    char envelope[96];
    unsigned char buf[MOTE_SESSION_BUF_MIN];

    /* The application. */
    struct entry ledger[WORLD_MAILS];
    unsigned mails; /* to post in all */
    unsigned next;  /* the next one */
    uint8_t phase;  /* the next step */
    bool broken;    /* the storage does not keep states: what has ended may be offered again */
    uint32_t ran_s; /* seconds the device has run, whatever its clock says */
    uint32_t random, idle, reports;
    uint8_t opened; /* what mote_outbox_open() returned */
    uint16_t lost;
};

extern struct world w;

void world_set(uint32_t block_size, uint16_t block_count, uint8_t slots, uint8_t cell_blocks, unsigned mails);

/* Switches it on: the outbox is opened. */
void world_boot(void);

/* The next thing the device does: at most one call of the outbox that writes. False when all is done. */
bool world_step(void);

/* Goes on until all is done, or so many steps. */
bool world_go(unsigned steps);

/* After a boot: what is stored must be what was kept before the call in which the power went, or after it. */
void world_check(const struct world *before, const struct world *after);

/* A new device with room for four mails in cells of a block of 512 octets. */
void world_new(void);

/* The mail of this number is in a new device, alone, and no other is posted. */
void world_put_in(unsigned number);

/* Nobody posts any more; the mails there come to their ends. */
void world_finish(void);

uint8_t world_poll(uint32_t random);
void world_sleep(uint32_t seconds);

/* An attempt that ends without a connection; not acknowledged. */
void world_in_vain(uint32_t random);

/* All mails have come to their ends, each as it should. */
void world_check_ends(void);

/* The mail of this number, as the application posts it; its ledger says whether it was taken. */
uint8_t world_post(unsigned number);
void world_id(unsigned number, uint8_t id[8]);

#endif

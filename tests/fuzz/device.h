/* SPDX-License-Identifier: MIT
 *
 * A device with an outbox on the flash of tests/unit, an application, and relays in clear; and the ledger of its mails.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "flash.h"
#include "fuzz.h"
#include "mailmote_outbox.h"

enum { DEVICE_MAILS = 24, DEVICE_SLOTS = 4, DEVICE_RCPTS = 3, DEVICE_RELAYS = 2 };

/* What is known of a mail. */
struct entry {
    bool accepted;
    bool heard_of;            /* its last report was given, or it was taken back; perhaps the power went then */
    bool ended;               /* and that was stored, as far as anybody can know */
    bool told[DEVICE_RCPTS];  /* a report has said that it was delivered to this recipient */
    unsigned rcpts, text_len; /* as it was posted */
};

struct device {
    struct flash flash;
    bool (*program)(void *ctx, uint32_t at, const void *octets, size_t len); /* the flash's own */
    struct mote_outbox outbox;
    struct mote_outbox_setup setup;
    struct mote_relay relays[DEVICE_RELAYS];
    struct mote_relay_state states[DEVICE_RELAYS];
    struct mote_slot slots[DEVICE_SLOTS];
    struct mote_session session;
    struct mote_session_setup session_setup;
    char envelope[160];
    uint8_t buf[MOTE_SESSION_BUF_MIN];

    struct entry ledger[DEVICE_MAILS];
    unsigned mails;
    uint32_t now_ms, random;
    bool open;    /* the outbox is */
    bool trouble; /* the storage did not do its part in this life: what it was told may be forgotten at a boot */
    bool doubt;   /* somebody changed the image: anything may be in it */
};
extern struct device device;

void device_set(struct input *in);
void device_boot(uint32_t off_s);
void device_post(unsigned rcpts, unsigned len);
void device_drive(unsigned steps, unsigned mood); /* mood: what the relays make of it; 0: good */
void device_cancel(unsigned mail);
void device_hurry(void);
void device_doubt(void);
void device_check_end(void);

/* correspondent.c: a relay in clear. Talks until the session is done, or wants another mail. fresh: on a new connection, and in
 * this mood. */
struct heard {
    bool accepted[DEVICE_RCPTS]; /* it said 2xx to them, */
    bool taken;                  /* and to the end of the mail */
    int mail;                    /* the number in the text, -1: none */
};
void correspond(struct mote_session *session, bool fresh, uint32_t *now_ms, unsigned mood, void (*commit)(void),
                void (*taken)(const struct heard *heard));

#endif

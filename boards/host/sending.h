/* SPDX-License-Identifier: MIT
 *
 * A mail on its way from standard input into the spool and to the relays, in the order of these functions.
 */
#ifndef MAILMOTE_HOST_SENDING_H
#define MAILMOTE_HOST_SENDING_H

#include "aliases.h"
#include "attempt.h"

struct sending {
    bool dropped;                /* the spool is another user's: its owner's flush takes the mail */
    bool unkept;                 /* it cannot be stored, of which is told, and is in memory */
    unsigned share, share_count; /* the one at hand; 0: the mail is one */
    uint8_t (*shares)[8];        /* ids of the mails that this one became (shares.h) */
    struct args args;
    struct aliases aliases;
    struct words to;
    struct relays relays;
    struct host_mail mail;
    struct input input;
    struct spool spool;
    struct throttle throttle;
    struct attempt attempt;
    struct mote_posix_connection connection; /* that shares have in common */
};

/* NULL after a complaint. */
struct sending *sending_new(void);

/* The spool, or its drop directory, and the header, when the mail has a sender; then all of it is stored, when it has
 * recipients too. */
int sending_open(struct sending *sending);
int sending_store(struct sending *sending);

/* From here on the mail is kept, whatever happens, unless it could not be stored. */
int sending_try(struct sending *sending);

void sending_free(struct sending *sending);

/* ---- unkept.c: a mail that is not kept ---------------------------------------------------------------------------- */

/* No spool is named: the text is read while it is sent. */
int sending_try_once(struct sending *sending);

/* It could not be stored, and is in memory. */
int sending_try_unkept(struct sending *sending);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The log of the slots' states, for outbox.c. Not for users.
 */
#ifndef MOTE_LOG_H
#define MOTE_LOG_H

#include "mailmote_outbox.h"

/* Brings the slots to their last states. MOTE_CAUSE_NONE; MOTE_CAUSE_STORAGE: no log can be had; MOTE_CAUSE_SETUP: it is that of
 * an outbox of other sizes. */
uint8_t mote_log_open(struct mote_outbox *o);

/* Stores a slot's state; when the log is full, those of all slots. */
bool mote_log_save(struct mote_outbox *o, const struct mote_slot *slot);

#endif

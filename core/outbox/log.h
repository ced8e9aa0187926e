/* SPDX-License-Identifier: MIT
 *
 * The storage as outbox.c and log.c see it. Not for users.
 */
#ifndef MOTE_LOG_H
#define MOTE_LOG_H

#include "mailmote_outbox.h"

/* Octets of a head. */
#define MOTE_HEAD 16

/* The storage. What is programmed is read back: true when it is there, 48 octets at most at a time. */
bool mote_storage_read(struct mote_outbox *o, uint32_t at, void *buf, size_t len);
bool mote_storage_program(struct mote_outbox *o, uint32_t at, const uint8_t *octets, size_t len);
bool mote_storage_erase(const struct mote_outbox *o, uint32_t block, unsigned count);

/* Are the octets as an erase leaves them? */
bool mote_erased(const uint8_t *octets, size_t len);

/* A head with two numbers. */
bool mote_storage_write_head(struct mote_outbox *o, uint32_t at, uint32_t magic, uint32_t a, uint32_t b);
bool mote_storage_read_head(struct mote_outbox *o, uint32_t at, uint32_t magic, uint32_t *a, uint32_t *b);

/* The slot of the mail with this id, or NULL. */
struct mote_slot *mote_slot_of(const struct mote_outbox *o, const uint8_t id[8]);

/* Brings the mails in the slots to their last states, and begins a new log. */
bool mote_log_open(struct mote_outbox *o);

/* Stores the state of a mail; when the log is full, those of all mails. */
bool mote_log_save(struct mote_outbox *o, const struct mote_record *record);

/* Records a log holds. */
unsigned mote_log_cap(const struct mote_outbox *o);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The storage as cell.c and log.c see it. Not for users.
 */
#ifndef MOTE_STORAGE_H
#define MOTE_STORAGE_H

#include "mailmote_outbox.h"

/* Are its functions there, and its sizes such as there may be? */
bool mote_storage_good(const struct mote_storage *storage);

/* Octets on their way into the storage, unit by unit. */
struct mote_storage_writer {
    struct mote_outbox *o;
    uint32_t at;   /* where the next unit goes */
    uint16_t fill; /* octets in it */
    bool good;     /* every unit so far can be read back */
    uint8_t unit[MOTE_PROGRAM_MAX];
};

void mote_storage_start(struct mote_storage_writer *writer, struct mote_outbox *o, uint32_t at);

void mote_storage_write(struct mote_storage_writer *writer, const void *octets, size_t len);

/* Fills the last unit up. True when all of it is there. */
bool mote_storage_finish(struct mote_storage_writer *writer);

/* A second try is made. */
bool mote_storage_read(struct mote_outbox *o, uint32_t at, void *buf, size_t len);

bool mote_storage_erase(const struct mote_outbox *o, uint32_t block);

/* Are the octets as an erase leaves them? */
bool mote_storage_erased(const uint8_t *octets, size_t len);

#endif

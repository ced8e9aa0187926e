/* SPDX-License-Identifier: MIT
 *
 * Mails in their cells, for outbox.c. Not for users.
 */
#ifndef MOTE_CELL_H
#define MOTE_CELL_H

#include "mailmote_outbox.h"

/* Octets of a cell's head. */
#define MOTE_CELL_HEAD 16

/* Is there a storage, do log and cells fit into it, and it into 32 bits? Sets what follows from the sizes. */
bool mote_cell_sizes(struct mote_outbox *o);

/* Is it a mail that a cell can take? It is measured. */
uint8_t mote_cell_check(const struct mote_outbox *o, struct mote_mail *mail);

/* Is nothing in a cell that was erased? */
bool mote_cell_unused(struct mote_outbox *o, const struct mote_slot *slot);

/* Erases one more block of a cell, or says that it is worn. */
void mote_cell_erase(struct mote_outbox *o, struct mote_slot *slot);

/* Writes a mail, with slot->record, into an erased cell. The text is read once more. MOTE_CAUSE_NONE; MOTE_CAUSE_TEXT: it is not the one that
 * was measured; MOTE_CAUSE_STORAGE: it cannot be read, or (then slot->worn is set) not be kept. */
uint8_t mote_cell_write(struct mote_outbox *o, struct mote_slot *slot, const struct mote_mail *mail);

/* At a boot: brings the mail that was written into the slot. False when there is none, or its record cannot be read. */
bool mote_cell_find(struct mote_outbox *o, struct mote_slot *slot);

/* Brings the mail of o->slot into o->mail. False when it cannot be read, or is not what was written; o->mail then has its
 * recipients, without addresses. */
bool mote_cell_load(struct mote_outbox *o);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What a mail has besides its text: files, and the fields that options ask for.
 */
#ifndef MAILMOTE_HOST_ATTACH_H
#define MAILMOTE_HOST_ATTACH_H

#include "args.h"
#include "mailmote_message.h"

#define ATTACHED_MAX ((size_t)64 << 20) /* octets of all files together */

/* Zeros at first. */
struct attached {
    struct mote_fields fields;
    struct mote_part *parts;
    struct attached_file *files; /* open until attached_free() */
    unsigned count;              /* of both */
};

/* Opens the files; nothing of them is in memory but HTML and what shows no size. The message has them, and the fields, as long as
 * *attached lives. EX_USAGE: a value is wrong. EX_NOINPUT: a file cannot be read. */
int attach(struct attached *attached, const struct args *args, struct mote_message *message);

void attached_free(struct attached *attached);

#endif

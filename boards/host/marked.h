/* SPDX-License-Identifier: MIT
 *
 * The text of a mail with another header in front. That of a dropped mail has the number of the user who dropped it: nobody
 * else writes that field.
 */
#ifndef MAILMOTE_HOST_MARKED_H
#define MAILMOTE_HOST_MARKED_H

#include "file.h"
#include "mailmote.h"
#include "raw.h"

#include <stdbool.h>

/* Zeros at first. */
struct marked {
    const struct mote_mail *mail;
    struct buffer header; /* ours in front of the mail's own fields, without those that have its name */
    size_t rest;          /* where the mail goes on behind its header */
};

/* Reads the header of a mail. Returns NULL, or what is wrong with it; *wait: with this host, for now. */
const char *marked_begin(struct marked *marked, const struct mote_mail *mail, uid_t uid, bool *wait);

/* The header of a mail, without CRs that end no line, and perhaps some of what is behind it, into room for so many octets; false where it
 * cannot be read. */
#define MARKED_HEADER_MAX (16 * RAW_HEADER_MAX) /* what is composed of a header is larger than it */
bool marked_fill(const struct mote_mail *mail, struct buffer *into);

/* A reader (mote_mail.read); ctx is a struct marked. */
size_t marked_read(void *ctx, size_t offset, void *buf, size_t cap);

void marked_free(struct marked *marked);

#endif

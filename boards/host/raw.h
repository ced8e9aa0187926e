/* SPDX-License-Identifier: MIT
 *
 * A message that comes with its header (--raw).
 */
#ifndef MAILMOTE_HOST_RAW_H
#define MAILMOTE_HOST_RAW_H

#include "field.h"
#include "file.h"
#include "mailmote_message.h"
#include "utf8.h"

#define RAW_HEADER_MAX ((size_t)256 << 10)
#define RAW_LINE_MAX   998 /* RFC 5322 2.1.1 */

/* Zeros at first. */
struct raw {
    struct span header;                  /* without a mailbox's "From " line and without the empty line */
    bool from, date, id, mime;           /* fields it has */
    struct span type, encoding, subject; /* fields; at is NULL where there is none */
    struct mote_message composed;        /* has the fields it lacks, and those that are written anew */
    char subject_text[RAW_LINE_MAX + 1];
    size_t line_len; /* of the body's last line so far */
    bool eight, long_line;
    struct utf8 text; /* the body so far */
};

/* Takes header, which stays in place, off the message, and the empty line behind it. from, id and unix_s of *known are for
 * the fields it lacks, and may be "" and 0. EX_DATAERR: it has no header. */
int raw_begin(struct raw *raw, struct span *message, const struct mote_message *known);

/* The body, some of it at a time. */
void raw_watch(struct raw *raw, const char *octets, size_t len);

/* Must the body that was watched be made quoted-printable? */
bool raw_encodes(const struct raw *raw);

/* The header as it is to be sent, and the empty line behind it; to be freed. encode: for a quoted-printable body. EX_OSERR:
 * no memory. */
int raw_write(const struct raw *raw, bool encode, struct buffer *header);

#endif

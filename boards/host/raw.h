/* SPDX-License-Identifier: MIT
 *
 * A message that comes with its header (--raw).
 */
#ifndef MAILMOTE_HOST_RAW_H
#define MAILMOTE_HOST_RAW_H

#include "file.h"
#include "header.h"
#include "mailmote_message.h"
#include "utf8.h"

#define RAW_HEADER_MAX ((size_t)512 << 10) /* 15,000 recipients */

/* Says which user dropped a mail (marked.h): it is ours to write, and is left out of what a caller gives. */
#define RAW_UID "X-Mailmote-Uid"

/* What a whole message is to be made of. */
struct raw_rules {
    struct header_rules header; /* charset is the message's to say */
    const char *id;             /* Message-ID, where it has none */
    uint64_t unix_s;            /* Date: the same; 0 = unknown */
    const char *to;             /* To, where it names nobody; NULL: they are not disclosed */
    bool loose;                 /* as callers of sendmail write it: a line that is no field begins the body, there need
                                   not be a header, and To and MIME-Version are added, too */
};

/* Zeros at first. */
struct raw {
    const struct raw_rules *rules;
    struct span header;                /* without a mailbox's "From " lines and without the empty line */
    bool from, date, id, mime, to, cc; /* fields it has; cc: or Bcc */
    struct span type, encoding;        /* fields; at is NULL where there is none */
    char charset[40];                  /* of its type, or "unknown-8bit" */
    size_t line_len;                   /* of the body's last line so far */
    bool eight, long_line;
    struct utf8 text; /* the body so far */
};

/* Octets of a line's name; 0 when it is no field. Loosely, "12:30" is no name. */
size_t raw_name_len(const struct raw_rules *rules, struct span line);

/* A line that a mailbox has in front of a header: "From ", with any number of ">" before it. */
bool raw_mailbox_line(struct span line);

/* Takes header, which stays in place, off the message, and the empty line behind it. EX_DATAERR: it has no header. */
int raw_begin(struct raw *raw, struct span *message, const struct raw_rules *rules);

/* The body, some of it at a time. */
void raw_watch(struct raw *raw, const char *octets, size_t len);

/* Must the body that was watched be made quoted-printable? */
bool raw_encodes(const struct raw *raw);

/* The header as it is to be sent, and the empty line behind it; to be freed. encode: for a quoted-printable body. EX_OSERR:
 * no memory. */
int raw_write(const struct raw *raw, bool encode, struct buffer *header);

#endif

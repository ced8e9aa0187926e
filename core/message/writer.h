/* SPDX-License-Identifier: MIT
 *
 * What a message's steps are written with. message.c calls what may be left out, fields.c and parts.c, through the message
 * alone: put_fields and put_parts write the step at hand, and return true when it was the last one of theirs. Without a
 * writer they check, and return true when nothing is wrong.
 */
#ifndef MAILMOTE_WRITER_H
#define MAILMOTE_WRITER_H

#include "mailmote_message.h"

enum {
    MOTE_AT_DATE,
    MOTE_AT_FIELDS,
    MOTE_AT_FROM,
    MOTE_AT_TO,
    MOTE_AT_CC,
    MOTE_AT_BCC, /* in no field */
    MOTE_AT_ID,
    MOTE_AT_SUBJECT,
    MOTE_AT_TOP, /* of the parts, in the header */
    MOTE_AT_TYPE,
    MOTE_AT_TEXT,
    MOTE_AT_PARTS,
    MOTE_AT_END
};

/* What may be wrong: addresses, then header, then text. */
enum {
    MOTE_WRONG_FROM,
    MOTE_WRONG_TO,
    MOTE_WRONG_CC,
    MOTE_WRONG_BCC,
    MOTE_WRONG_DATE,
    MOTE_WRONG_ID,
    MOTE_WRONG_SUBJECT,
    MOTE_WRONG_FIELD,
    MOTE_WRONG_TEXT,
    MOTE_WRONG_PART,
    MOTE_WRONG_NOTHING
};

struct mote_writer {
    const struct mote_message *message;
    uint8_t *buf;
    size_t cap;
    /* Octets made for buf; wraps below 0 while those given before are made again. MOTE_READ_FAILED: a part's reader failed. */
    size_t len;
    struct mote_message_state next; /* the place after this step */
};

/* message.c: */

/* The first that is: MOTE_WRONG_... */
unsigned mote_message_find(const struct mote_message *message);

/* The addresses of MOTE_WRONG_FROM to _BCC, or what else is written like them, and how many they are. */
size_t mote_message_list(const struct mote_message *m, unsigned which, const char *const **list);

void mote_put(struct mote_writer *w, unsigned c);
void mote_put_string(struct mote_writer *w, const char *s);
void mote_put_hex(struct mote_writer *w, unsigned c); /* two digits */

/* The next octet of a text, quoted-printable; true: it has no more, and its last line has ended. */
bool mote_put_text(struct mote_writer *w, const char *text, size_t len);

/* How a value is written. A plain one is written in words of at most word_max octets. */
enum { MOTE_VALUE_ENCODED, MOTE_VALUE_PLAIN, MOTE_VALUE_NONE, MOTE_VALUE_REFUSED };
enum { MOTE_WORD_MAX = 63 }; /* in front of it a line that begins with "Subject: " has room */
unsigned mote_value_kind(const char *value, size_t word_max);

/* The next octet of a value of the kind in w->next, behind what begins it; true: it has no more. NONE has none. */
bool mote_put_value(struct mote_writer *w, const char *begin, const char *value);

extern const char mote_crlf[];

bool mote_text_valid(const char *text, size_t len);

/* form.c: */

/* A string, in which octet n of 1 to MOTE_ARGS stands for args[n - 1]. */
enum { MOTE_ARGS = 4 };
void mote_put_form(struct mote_writer *w, const char *form, const char *const *args);

/* Can it stand between quotes as it is? Not with "=", for there may be who takes it for the beginning of an encoded-word. */
bool mote_quotable(const char *s);

#endif

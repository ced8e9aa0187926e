/* SPDX-License-Identifier: MIT
 *
 * Standard input as the text of a mail that is stored while it is read.
 */
#ifndef MAILMOTE_HOST_INPUT_H
#define MAILMOTE_HOST_INPUT_H

#include "raw.h"
#include "standard.h"

#define INPUT_WINDOW 4096 /* octets of the text that are composed at a time */

struct input {
    bool ended;
    bool whole; /* standard input is a whole message, which is more than a text */
    struct standard standard;
    size_t given; /* of the `len' composed octets at hand */
    size_t len, window_len;
    struct buffer header;   /* as it is to be sent, and the empty line behind it */
    size_t part_header_len; /* of the fields in front of each part when it is composed */
    size_t message_at;      /* octets of the message that were composed */
    struct buffer head;     /* of a whole message: its header, with what was read behind it */
    struct span rest;       /* of that, what was not given yet */
    size_t stored_at;
    struct mote_mail stored;           /* what was stored of it, when it is read again; zeros before */
    struct raw_rules rules;            /* for it */
    struct raw raw;                    /* of its header */
    struct mote_message message;       /* composed around the text of standard input, unless that is a whole message */
    struct mote_message part;          /* a few lines of the text, composed as a message of their own */
    char window[INPUT_WINDOW];         /* read and not composed yet */
    char out[INPUT_WINDOW * 4 + 1024]; /* composed */
};

/* A whole message on standard input. */
struct input_whole {
    struct raw_rules rules;
    const char *fields; /* NULL, or all of its header: then standard input is its body */
    bool dots; /* a line that is a dot and no more ends it, as a caller of sendmail has it who does not say -i */
};

/* message: all of it without a text; its strings and parts live as long as the input. whole: the input is a whole message, whose header is read at once (EX_DATAERR); else
 * NULL. */
int input_begin(struct input *input, const struct mote_message *message, const struct input_whole *whole);

/* Reader for mote_mail.read, once from beginning to end. MOTE_READ_FAILED after a complaint. */
size_t input_read(void *ctx, size_t offset, void *buf, size_t cap);

/* Of a text whose header was given: has it no octet? Waits for the first ones. */
bool input_empty(const struct input *input);

/* When all was read: must it be encoded? */
bool input_encodes(const struct input *input);

/* Then *mail, which reads what was stored of it, reads it once more, from beginning to end, as it is to be sent (EX_OSERR). */
int input_encode(struct input *input, struct mote_mail *mail);

void input_free(struct input *input);

#endif

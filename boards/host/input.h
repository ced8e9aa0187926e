/* SPDX-License-Identifier: MIT
 *
 * Standard input as the text of a mail that is stored while it is read.
 */
#ifndef MAILMOTE_HOST_INPUT_H
#define MAILMOTE_HOST_INPUT_H

#include "mailmote_message.h"

#define INPUT_MAX    ((size_t)64 << 20)
#define INPUT_WINDOW 4096 /* octets of standard input that are composed at a time */

struct input {
    struct mote_message *header; /* the mail's fields and no text; NULL: the input is a whole message */
    size_t head_len;             /* of the fields in front of each part when it is composed */
    size_t total;                /* octets read */
    size_t given;                /* of those at hand */
    size_t len, window_len;
    bool ended, header_done;
    char window[INPUT_WINDOW];         /* read and not composed yet */
    char out[INPUT_WINDOW * 4 + 1024]; /* composed */
};

/* message: its fields without a text, or NULL for a whole message. It stays in place. */
void input_begin(struct input *input, struct mote_message *message);

/* Reader for mote_mail.read, once from beginning to end. MOTE_READ_FAILED after a complaint. */
size_t input_read(void *ctx, size_t offset, void *buf, size_t cap);

#endif

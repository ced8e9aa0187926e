/* SPDX-License-Identifier: MIT
 *
 * Keeps a copy of the header, so that what was looked at is what is sent, whatever its maker does to his file meanwhile.
 */
#define _GNU_SOURCE

#include "field.h"
#include "marked.h"
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARK_ROOM = 64 /* for our field */, PIECE = 16 << 10 };

/* Whether an end of line follows another one, from so many octets on. */
static bool has_empty_line(const struct buffer *text, size_t from)
{
    for (size_t at = from > 1 ? from : 1; at < text->len; at++) {
        const char *before = text->data + at - 1;

        if (text->data[at] == '\n' && (*before == '\n' || (*before == '\r' && at > 1 && before[-1] == '\n'))) {
            return true;
        }
    }
    return false;
}

bool marked_fill(const struct mote_mail *mail, struct buffer *into)
{
    bool ended = false;

    while (!ended && into->len < MARKED_HEADER_MAX) {
        size_t cap = MARKED_HEADER_MAX - into->len,
               len = mail->read(mail->ctx, into->len, into->data + into->len, cap < PIECE ? cap : PIECE);

        if (len == MOTE_READ_FAILED) {
            return false;
        }
        into->len += len;
        ended = len == 0 || has_empty_line(into, into->len - len);
    }
    blank_crs(into->data, into->len);
    return true;
}

static void append(struct buffer *to, const char *at, size_t len)
{
    memcpy(to->data + to->len, at, len);
    to->len += len;
}

/* Copies the fields, and the empty line behind them unless the text ends before. Returns the octets that they had. */
static size_t copy_fields(struct buffer *to, struct span text)
{
    const char *begin = text.at;
    unsigned lines = 0;

    while (line_len(&text) > 0) {
        const char *at = text.at;
        struct span field = take_field(&text, &lines);

        if (!field_is(field, RAW_UID)) {
            append(to, at, (size_t)(text.at - at));
        }
    }
    if (text.len > 0) {
        take_line(&text);
        append(to, "\r\n", 2);
    }
    return (size_t)(text.at - begin);
}

static const char *mark(struct marked *marked, const struct buffer *text, uid_t uid)
{
    if (text->len == 0 || text->data[0] == ' ' || text->data[0] == '\t') {
        return "its text does not begin with a header field";
    }
    marked->header.len = (size_t)snprintf(marked->header.data, MARK_ROOM, RAW_UID ": %lu\r\n", (unsigned long)uid);
    marked->rest = copy_fields(&marked->header, (struct span){text->data, text->len});
    return marked->rest == MARKED_HEADER_MAX ? "its header is too large" : NULL;
}

const char *marked_begin(struct marked *marked, const struct mote_mail *mail, uid_t uid, bool *wait)
{
    struct buffer text = {malloc(MARKED_HEADER_MAX), 0};
    const char *wrong;

    marked->mail = mail;
    marked->header.data = malloc(MARK_ROOM + MARKED_HEADER_MAX);
    if (text.data == NULL || marked->header.data == NULL) {
        *wait = true;
        wrong = "no memory";
    } else if (!marked_fill(mail, &text)) {
        wrong = "its text cannot be read";
    } else {
        wrong = mark(marked, &text, uid);
    }
    free(text.data);
    return wrong;
}

size_t marked_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct marked *marked = ctx;
    size_t len = marked->header.len;

    if (offset < len) {
        return buffer_read(&marked->header, offset, buf, cap);
    }
    return marked->mail->read(marked->mail->ctx, marked->rest + (offset - len), buf, cap);
}

void marked_free(struct marked *marked)
{
    free(marked->header.data);
    *marked = (struct marked){.mail = NULL};
}

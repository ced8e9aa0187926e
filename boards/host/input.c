/* SPDX-License-Identifier: MIT
 *
 * Reads the mail from standard input, composes a text as it comes, a few lines at a time, and passes the body of a whole
 * message on: a mail of any size needs the same memory. The lines of a part are composed as a message of their own, and its
 * fields are left out.
 *
 * Whether a whole message can go as it is, is known when its last octet is: where it cannot, what was stored of it is read
 * once more.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "input.h"

#include <stdlib.h>
#include <string.h>

static size_t read_standard(struct input *input, char *to, size_t cap)
{
    size_t got = standard_read(&input->standard, to, cap);

    input->ended = input->standard.ended;
    return got;
}

static size_t read_stored(struct input *input, char *to, size_t cap)
{
    size_t got = input->stored.read(input->stored.ctx, input->stored_at, to, cap);

    if (got == MOTE_READ_FAILED) {
        complain("the mail cannot be read again where it was stored: it was not sent");
        return MOTE_READ_FAILED;
    }
    input->stored_at += got;
    input->ended = got == 0;
    return got;
}

/* Octets of the text; 0 is the end. */
static size_t read_some(struct input *input, char *to, size_t cap)
{
    return input->stored.read == NULL ? read_standard(input, to, cap) : read_stored(input, to, cap);
}

/* ---- Composing --------------------------------------------------------------------------------------------------- */

/* Until it is full or the input has ended. */
static bool fill_window(struct input *input)
{
    while (!input->ended && input->window_len < sizeof input->window) {
        size_t got = read_some(input, input->window + input->window_len, sizeof input->window - input->window_len);

        if (got == MOTE_READ_FAILED) {
            return false;
        }
        input->window_len += got;
    }
    return true;
}

/* How many octets of the window make whole lines. 0: its line does not end in it. A CR at the end may be half an end of
 * line. */
static size_t whole_lines(const struct input *input)
{
    const char *text = input->window;
    size_t len = input->window_len;

    if (input->ended) {
        return len;
    }
    while (len > 0 && text[len - 1] != '\n' && (text[len - 1] != '\r' || len == input->window_len)) {
        len--;
    }
    return len;
}

/* Composes the first octets of the window and leaves the fields before them out. */
static void compose(struct input *input, size_t len, bool cut)
{
    size_t got;

    input->part.text = len == 0 ? "" : input->window;
    input->part.text_len = len;
    input->len = 0;
    do {
        got = mote_message_read(&input->part, input->len, input->out + input->len, sizeof input->out - input->len);
        input->len += got;
    } while (got != 0);
    input->given = input->part_header_len;
    if (cut) { /* a line that goes on has a soft break there (RFC 2045 6.7) */
        memcpy(input->out + input->len - 2, "=\r\n", 3);
        input->len++;
    }
    input->window_len -= len;
    memmove(input->window, input->window + len, input->window_len);
}

static bool compose_next(struct input *input)
{
    size_t len;

    if (!fill_window(input)) {
        return false;
    }
    len = whole_lines(input);
    if (len == 0 && input->window_len > 0) {
        compose(input, input->window_len - 1, true); /* there is an octet behind the soft break */
    } else if (len > 0) {
        compose(input, len, false);
    }
    return true;
}

static void begin_composing(struct input *input, const char *from, const char *id)
{
    input->part = (struct mote_message){.from = from, .id = id};
    compose(input, 0, false);
    input->part_header_len = input->given = input->len;
    input->ended = false;
}

static size_t read_composed(struct input *input, void *buf, size_t cap)
{
    size_t len;

    if (input->given == input->len && !compose_next(input)) {
        return MOTE_READ_FAILED;
    }
    len = input->len - input->given < cap ? input->len - input->given : cap;
    memcpy(buf, input->out + input->given, len);
    input->given += len;
    return len;
}

/* ---- A whole message --------------------------------------------------------------------------------------------- */

/* A line that is no part of a header, where there need not be one; a mailbox's may be. */
static bool is_body(const struct raw_rules *rules, struct span line, bool first)
{
    bool folded = *line.at == ' ' || *line.at == '\t';

    return rules->loose && raw_name_len(rules, line) == 0 && !raw_mailbox_line(line) && (first || !folded);
}

/* An empty line, with its end. From *line on, where the last line begins that has not ended. */
static bool header_ends(const struct input *input, size_t *line)
{
    struct span rest = {input->head.data + *line, input->head.len - *line};

    while (rest.len > 0) {
        size_t len = line_len(&rest);

        if (len == rest.len) {
            return false;
        }
        if (len == 0 || is_body(&input->rules, (struct span){rest.at, len}, *line == 0)) {
            return true;
        }
        take_line(&rest);
        *line = (size_t)(rest.at - input->head.data);
    }
    return false;
}

/* Until the header is in memory. *whole: it is; else it is too long, and its last whole lines end at *line. */
static int read_head(struct input *input, size_t *line, bool *whole)
{
    struct buffer *head = &input->head;
    size_t cap = 0;

    while (!(*whole = input->ended || (head->len > 0 && header_ends(input, line))) && head->len <= RAW_HEADER_MAX) {
        int status = buffer_grow(head, &cap);
        size_t got = status == EX_OK ? read_some(input, head->data + head->len, BUFFER_PIECE) : 0;

        if (status != EX_OK || got == MOTE_READ_FAILED) {
            return status != EX_OK ? status : EX_DATAERR;
        }
        head->len += got;
    }
    if (head->len == 0 && !input->rules.loose) {
        complain("standard input is empty: --raw needs a whole message with its header");
        return EX_DATAERR;
    }
    return EX_OK;
}

/* Also of a header that is too long it is told which line is no field: it may be a text. */
static int read_header(struct input *input)
{
    size_t line = 0;
    bool whole;
    int status = read_head(input, &line, &whole);

    if (status != EX_OK) {
        return status;
    }
    input->rest = (struct span){input->head.data, whole || line == 0 ? input->head.len : line};
    status = raw_begin(&input->raw, &input->rest, &input->rules);
    blank_crs(input->head.data, (size_t)(input->rest.at - input->head.data));
    whole = whole || (input->rules.loose && input->rest.len > 0);
    if (status == EX_OK && (!whole || input->raw.header.len > RAW_HEADER_MAX)) {
        complain("the header is longer than %zu octets: name fewer recipients in it; an empty line ends it",
                 RAW_HEADER_MAX);
        status = EX_DATAERR;
    }
    return status;
}

/* The header is given, and lives as long as the input; the first octets of the body are read. */
static int take_header(struct input *input, const char *fields)
{
    struct span message = {fields, strlen(fields)};
    size_t cap = 0;
    int status = raw_begin(&input->raw, &message, &input->rules);

    if (status == EX_OK) {
        status = buffer_grow(&input->head, &cap);
    }
    if (status == EX_OK) {
        input->head.len = read_some(input, input->head.data, BUFFER_PIECE);
        status = input->head.len == MOTE_READ_FAILED ? EX_DATAERR : EX_OK;
    }
    input->rest = (struct span){input->head.data, status == EX_OK ? input->head.len : 0};
    return status;
}

bool input_empty(const struct input *input)
{
    return input->rest.len == 0;
}

static int begin_whole(struct input *input, const struct input_whole *whole)
{
    int status;

    input->rules = whole->rules;
    input->standard.dots = whole->dots;
    input->standard.no_nuls = whole->rules.loose;
    status = whole->fields == NULL ? read_header(input) : take_header(input, whole->fields);
    return status == EX_OK ? raw_write(&input->raw, false, &input->header) : status;
}

/* As it comes: first what was read with the header. */
static size_t pass_on(struct input *input, void *buf, size_t cap)
{
    size_t len = input->rest.len < cap ? input->rest.len : cap;

    if (len == 0) {
        len = read_some(input, buf, cap);
    } else {
        memcpy(buf, input->rest.at, len);
        input->rest.at += len;
        input->rest.len -= len;
    }
    if (len != MOTE_READ_FAILED) {
        raw_watch(&input->raw, buf, len);
    }
    return len;
}

bool input_encodes(const struct input *input)
{
    return input->whole && raw_encodes(&input->raw);
}

int input_encode(struct input *input, struct mote_mail *mail)
{
    input->stored_at = input->header.len;
    free(input->header.data);
    input->header = (struct buffer){NULL, 0};
    input->stored = *mail;
    mail->read = input_read;
    mail->ctx = input;
    begin_composing(input, "nobody@mailmote.invalid", input->rules.id); /* of whom no field is left */
    input->whole = false;
    return raw_write(&input->raw, true, &input->header);
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */

/* Composes the message up to the place of its text, which is the first that is quoted-printable. The rest waits. */
static int begin_message(struct input *input)
{
    static const char end[] = "quoted-printable\r\n\r\n";
    size_t cap = 0, len = sizeof end - 1;
    struct buffer *header = &input->header;

    do {
        if (header->len == cap && buffer_grow(header, &cap) != EX_OK) {
            return EX_OSERR;
        }
        header->len += mote_message_read(&input->message, header->len, header->data + header->len, 1);
    } while (header->len < len || memcmp(header->data + header->len - len, end, len) != 0);
    input->message_at = header->len;
    return EX_OK;
}

/* What is behind the text. */
static size_t read_message(struct input *input, void *buf, size_t cap)
{
    size_t got = mote_message_read(&input->message, input->message_at, buf, cap);

    input->message_at += got != MOTE_READ_FAILED ? got : 0;
    return got;
}

int input_begin(struct input *input, const struct mote_message *message, const struct input_whole *whole)
{
    memset(input, 0, sizeof *input);
    standard_begin(&input->standard);
    input->whole = whole != NULL;
    if (input->whole) {
        return begin_whole(input, whole);
    }
    begin_composing(input, message->from, message->id);
    input->message = *message;
    return begin_message(input);
}

size_t input_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct input *input = ctx;
    size_t got;

    if (offset < input->header.len) {
        return buffer_read(&input->header, offset, buf, cap);
    }
    if (input->whole) {
        return pass_on(input, buf, cap);
    }
    got = read_composed(input, buf, cap);
    return got == 0 && input->message_at != 0 ? read_message(input, buf, cap) : got;
}

void input_free(struct input *input)
{
    free(input->header.data);
    free(input->head.data);
    input->header = input->head = (struct buffer){NULL, 0};
}

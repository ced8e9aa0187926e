/* SPDX-License-Identifier: MIT
 *
 * A message that comes with its header, made fit to be sent: fields that it must have are added (From, Date, Message-ID),
 * those that nobody may see are taken out (Bcc), and so is the "From " line of a mailbox. A text of one part that is not
 * ASCII, or has lines too long for SMTP, is made quoted-printable, as not every relay takes it otherwise, and a Subject in
 * UTF-8 is encoded. All else is left as it is: what has several parts, or is encoded, or is no text.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "raw.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_LEN 998 /* RFC 5322 2.1.1 */

struct span {
    const char *at;
    size_t len;
};

struct raw {
    struct span header, body;
    bool from, date, id, mime;           /* fields it has */
    struct span type, encoding, subject; /* fields; at is NULL where there is none */
    bool encode, encode_subject;         /* the body; the Subject */
    struct mote_message composed;        /* has what this one lacks, and the rest as it is to be */
    FILE *out;
};

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static size_t line_len(const struct span *text)
{
    size_t len = 0;

    while (len < text->len && text->at[len] != '\n' && text->at[len] != '\r') {
        len++;
    }
    return len;
}

/* Takes the first line off, and its end: LF, CR LF or CR. */
static struct span take_line(struct span *text)
{
    struct span line = {text->at, line_len(text)};
    size_t used = line.len;

    if (used < text->len) {
        used += text->at[used] == '\r' && used + 1 < text->len && text->at[used + 1] == '\n' ? 2 : 1;
    }
    text->at += used;
    text->len -= used;
    return line;
}

/* Takes a field off, with the lines that are folded to it. */
static struct span take_field(struct span *text, unsigned *lines)
{
    struct span field = take_line(text);

    for (*lines += 1; text->len > 0 && (*text->at == ' ' || *text->at == '\t'); *lines += 1) {
        struct span more = take_line(text);

        field.len = (size_t)(more.at + more.len - field.at);
    }
    return field;
}

/* Octets of a field's name, 0 when it has none. RFC 5322 4.5 allows blanks before the colon. */
static size_t name_len(struct span line)
{
    size_t len = 0, blanks = 0;

    while (len < line.len && line.at[len] > ' ' && line.at[len] < 127 && line.at[len] != ':') {
        len++;
    }
    while (len + blanks < line.len && (line.at[len + blanks] == ' ' || line.at[len + blanks] == '\t')) {
        blanks++;
    }
    return len + blanks < line.len && line.at[len + blanks] == ':' ? len : 0;
}

static bool is(struct span field, const char *name)
{
    size_t len = name_len(field);

    return len == strlen(name) && strncasecmp(field.at, name, len) == 0;
}

/* Behind the colon, without blanks and ends of lines around it. */
static struct span value_of(struct span field)
{
    static const char blank[] = " \t\r\n";
    const char *end = field.at + field.len, *at = field.at;

    for (at += strcspn(at, ":") + 1; at < end && strchr(blank, *at) != NULL; at++) {
    }
    while (end > at && strchr(blank, end[-1]) != NULL) {
        end--;
    }
    return (struct span){at, (size_t)(end - at)};
}

static bool value_is(struct span field, const char *word)
{
    struct span value = value_of(field);

    return value.len == strlen(word) && strncasecmp(value.at, word, value.len) == 0;
}

static int refuse_line(unsigned number, bool header)
{
    complain(header
                 ? "line %u of standard input is no header field: an empty line ends the header, and --raw needs one"
                 : "line %u of standard input is no header field: --raw needs a whole message; leave it out for a text",
             number);
    return EX_DATAERR;
}

static void note_field(struct raw *raw, struct span field)
{
    raw->from = raw->from || is(field, "From");
    raw->date = raw->date || is(field, "Date");
    raw->id = raw->id || is(field, "Message-ID");
    raw->mime = raw->mime || is(field, "MIME-Version");
    if (is(field, "Content-Type")) {
        raw->type = field;
    } else if (is(field, "Content-Transfer-Encoding")) {
        raw->encoding = field;
    } else if (is(field, "Subject")) {
        raw->subject = field;
    }
}

/* Parts header and body. */
static int read_header(struct raw *raw, const struct buffer *input)
{
    struct span rest = {input->data, input->len};
    unsigned lines = 0;

    if (strncmp(rest.at, "From ", 5) == 0) {
        take_field(&rest, &lines);
    }
    for (raw->header.at = rest.at; rest.len > 0 && line_len(&rest) > 0;) {
        unsigned number = lines + 1;
        struct span field = take_field(&rest, &lines);

        if (name_len(field) == 0) {
            return refuse_line(number, raw->header.len > 0);
        }
        note_field(raw, field);
        raw->header.len = (size_t)(rest.at - raw->header.at);
    }
    if (raw->header.len == 0) {
        return refuse_line(lines + 1, false);
    }
    take_line(&rest);
    raw->body = rest;
    return EX_OK;
}

/* One part, a text, and not encoded. */
static bool plain_text(const struct raw *raw)
{
    struct span type = raw->type.at != NULL ? value_of(raw->type) : (struct span){"text/", 5};

    return type.len >= 5 && strncasecmp(type.at, "text/", 5) == 0 &&
           (raw->encoding.at == NULL || value_is(raw->encoding, "7bit") || value_is(raw->encoding, "8bit") ||
            value_is(raw->encoding, "binary"));
}

static bool has_long_line(struct span text)
{
    while (text.len > 0) {
        if (take_line(&text).len > LINE_MAX_LEN) {
            return true;
        }
    }
    return false;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Its lines unfolded, or NULL when it need not be encoded, or cannot be: it is no UTF-8, or too long. */
static const char *subject_of(const struct raw *raw, char *text, size_t cap)
{
    struct span value = raw->subject.at != NULL ? value_of(raw->subject) : raw->subject;
    char *to = text;

    if (value.len >= cap || !has_8bit(value.at, value.len) || !utf8_valid(value.at, value.len)) {
        return NULL;
    }
    for (; value.len > 0; value.len--, value.at++) {
        if (*value.at != '\r' && *value.at != '\n') {
            *to++ = *value.at == '\t' ? ' ' : *value.at;
        }
    }
    *to = 0;
    return text;
}

static bool contains(struct span text, const char *word)
{
    size_t len = strlen(word);

    for (; text.len >= len; text.len--, text.at++) {
        if (strncasecmp(text.at, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static void write_span(const struct raw *raw, struct span text, const char *end)
{
    fwrite(text.at, 1, text.len, raw->out);
    fputs(end, raw->out);
}

/* Without the character set a reader takes it for ASCII. */
static void write_type(const struct raw *raw)
{
    const char *charset = utf8_valid(raw->body.at, raw->body.len) ? "UTF-8" : "unknown-8bit"; /* RFC 1428 */

    if (raw->type.at == NULL) {
        fprintf(raw->out, "Content-Type: text/plain; charset=%s\r\n", charset);
    } else {
        write_span(raw, raw->type, "");
        fprintf(raw->out, "%s\r\n charset=%s\r\n", raw->type.at[raw->type.len - 1] == ';' ? "" : ";", charset);
    }
}

/* The message's own fields, but those that nobody may see, and those that are written anew. */
static void write_own(const struct raw *raw, bool own_type)
{
    struct span rest = raw->header;
    unsigned lines = 0;

    while (rest.len > 0) {
        struct span field = take_field(&rest, &lines);

        if (!is(field, "Bcc") && !is(field, "Resent-Bcc") && !(raw->encode_subject && is(field, "Subject")) &&
            !(raw->encode && is(field, "Content-Transfer-Encoding")) && (own_type || !is(field, "Content-Type"))) {
            write_span(raw, field, "\r\n");
        }
    }
}

static bool is_wanted(const struct raw *raw, struct span field)
{
    return (is(field, "From") && !raw->from) || (is(field, "Date") && !raw->date) ||
           (is(field, "Message-ID") && !raw->id) || (is(field, "Subject") && raw->encode_subject) ||
           (is(field, "MIME-Version") && raw->encode && !raw->mime) ||
           (is(field, "Content-Transfer-Encoding") && raw->encode);
}

/* The library composes a whole mail: taken are the fields that are wanted, and where it is to be encoded its text. */
static void write_composed(struct raw *raw)
{
    char text[8192]; /* a header at least */
    size_t offset = mote_message_read(&raw->composed, 0, text, sizeof text), len;
    struct span rest = {text, offset};
    unsigned lines = 0;

    while (line_len(&rest) > 0) {
        struct span field = take_field(&rest, &lines);

        if (is_wanted(raw, field)) {
            write_span(raw, field, "\r\n");
        }
    }
    if (!raw->encode) {
        fputs("\r\n", raw->out);
        write_span(raw, raw->body, "");
        return;
    }
    write_span(raw, rest, "");
    while ((len = mote_message_read(&raw->composed, offset, text, sizeof text)) > 0) {
        write_span(raw, (struct span){text, len}, "");
        offset += len;
    }
}

static void write_all(struct raw *raw)
{
    bool type = raw->encode && has_8bit(raw->body.at, raw->body.len) &&
                (raw->type.at == NULL || !contains(raw->type, "charset"));

    write_own(raw, !type);
    if (type) {
        write_type(raw);
    }
    write_composed(raw);
}

int raw_compose(struct buffer *input, const struct mote_message *known)
{
    struct raw raw = {.composed = {.from = known->from, .id = known->id, .unix_s = known->unix_s}};
    char subject[LINE_MAX_LEN + 1];
    struct buffer made = {NULL, 0};
    int status = read_header(&raw, input);
    bool good;

    if (status != EX_OK) {
        return status;
    }
    if (*known->from == 0) {
        raw.composed.from = "nobody@mailmote.invalid"; /* the composer wants one: it is not written */
        raw.from = true;
    }
    raw.composed.subject = subject_of(&raw, subject, sizeof subject);
    raw.encode_subject = raw.composed.subject != NULL && mote_message_check(&raw.composed) == MOTE_CAUSE_NONE;
    if (!raw.encode_subject) {
        raw.composed.subject = NULL;
    }
    raw.encode = plain_text(&raw) && (has_8bit(raw.body.at, raw.body.len) || has_long_line(raw.body));
    if (raw.encode) {
        raw.composed.text = raw.body.at;
        raw.composed.text_len = raw.body.len;
    }
    raw.out = open_memstream(&made.data, &made.len);
    if (raw.out != NULL) {
        write_all(&raw);
    }
    good = raw.out != NULL && !ferror(raw.out);
    if ((raw.out != NULL && fclose(raw.out) != 0) || !good) {
        free(made.data);
        complain("no memory for the mail: send a smaller one");
        return EX_OSERR;
    }
    free(input->data);
    *input = made;
    return EX_OK;
}

/* SPDX-License-Identifier: MIT
 *
 * A message that comes with its header, made fit to be sent: fields that it must have are added (From, Date,
 * Message-ID; of a caller of sendmail To and MIME-Version), those that nobody may see (Bcc), that are ours or others' to write, or
 * that are empty and may not be are taken out, and so are the "From " lines of a mailbox. What header.c mends is mended. A text of one part that is not ASCII, or has lines too long for
 * SMTP, is made quoted-printable, as not every relay takes it otherwise. All else is left as it is: what has several parts,
 * or is encoded, or is no text.
 *
 * Only the header is in memory. Of the body no more is kept than what it is made of.
 */
#define _GNU_SOURCE

#include "args.h"
#include "complain.h"
#include "file.h"
#include "raw.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static bool value_is(struct span field, const char *word)
{
    struct span value = field_value(field);

    return value.len == strlen(word) && strncasecmp(value.at, word, value.len) == 0;
}

static int refuse_line(unsigned number, bool header)
{
    complain("line %u of standard input is no header field: %s", number,
             header ? "an empty line ends the header, and --raw needs one"
                    : "--raw needs a whole message; leave it out for a text");
    return EX_DATAERR;
}

static void note_field(struct raw *raw, struct span field)
{
    if (header_is_void(field)) {
        return;
    }
    raw->from = raw->from || field_is(field, "From");
    raw->date = raw->date || field_is(field, "Date");
    raw->id = raw->id || field_is(field, "Message-ID");
    raw->mime = raw->mime || field_is(field, "MIME-Version");
    raw->to = raw->to || field_is(field, "To");
    raw->cc = raw->cc || field_is(field, "Cc") || field_is(field, "Bcc");
    if (field_is(field, "Content-Type")) {
        raw->type = field;
    } else if (field_is(field, "Content-Transfer-Encoding")) {
        raw->encoding = field;
    }
}

size_t raw_name_len(const struct raw_rules *rules, struct span line)
{
    return rules->loose && line.len > 0 && *line.at >= '0' && *line.at <= '9' ? 0 : field_name_len(line);
}

bool raw_mailbox_line(struct span line)
{
    while (line.len > 0 && *line.at == '>') {
        line.at++;
        line.len--;
    }
    return line.len >= 5 && memcmp(line.at, "From ", 5) == 0;
}

/* Parts header and body. A header that must be there has a line. */
static int read_header(struct raw *raw, struct span *message)
{
    unsigned lines = 0;

    while (raw_mailbox_line(*message)) {
        take_field(message, &lines);
    }
    for (raw->header.at = message->at; line_len(message) > 0;) {
        unsigned number = lines + 1;
        struct span before = *message, field = take_field(message, &lines);

        if (raw_name_len(raw->rules, field) == 0 && raw->rules->loose) {
            *message = before;
            return EX_OK;
        }
        if (field_name_len(field) == 0) {
            return refuse_line(number, raw->header.len > 0);
        }
        note_field(raw, field);
        raw->header.len = (size_t)(message->at - raw->header.at);
    }
    if (raw->header.len == 0 && !raw->rules->loose) {
        return refuse_line(lines + 1, false);
    }
    take_line(message);
    return EX_OK;
}

/* The octets of a word in another one's place, whatever the case of either. */
static const char *find(struct span text, const char *word)
{
    size_t len = strlen(word);

    for (; text.len >= len; text.len--, text.at++) {
        if (strncasecmp(text.at, word, len) == 0) {
            return text.at;
        }
    }
    return NULL;
}

/* What the type says of 8-bit text, if that is a word. RFC 1428 has one for what nobody knows. */
static void read_charset(struct raw *raw)
{
    const char *at = raw->type.at == NULL ? NULL : find(raw->type, "charset="), *end;
    size_t len = 0;

    snprintf(raw->charset, sizeof raw->charset, "unknown-8bit");
    if (at == NULL) {
        return;
    }
    end = raw->type.at + raw->type.len;
    at += sizeof "charset=" - 1;
    at += at < end && *at == '"' ? 1 : 0;
    while (at + len < end && strchr(WORD_OCTETS, at[len]) != NULL) {
        len++;
    }
    if (len > 0 && len < sizeof raw->charset) {
        snprintf(raw->charset, sizeof raw->charset, "%.*s", (int)len, at);
    }
}

int raw_begin(struct raw *raw, struct span *message, const struct raw_rules *rules)
{
    int status;

    raw->rules = rules;
    status = read_header(raw, message);
    read_charset(raw);
    return status;
}

void raw_watch(struct raw *raw, const char *octets, size_t len)
{
    for (; len > 0; len--, octets++) {
        raw->eight = raw->eight || (unsigned char)*octets > 127;
        raw->line_len = *octets == '\n' || *octets == '\r' ? 0 : raw->line_len + 1;
        raw->long_line = raw->long_line || raw->line_len > LINE_OCTETS;
        utf8_take(&raw->text, *octets);
    }
}

/* One part, a text, and not encoded. */
static bool plain_text(const struct raw *raw)
{
    struct span type = raw->type.at != NULL ? field_value(raw->type) : (struct span){"text/", 5};

    return type.len >= 5 && strncasecmp(type.at, "text/", 5) == 0 &&
           (raw->encoding.at == NULL || value_is(raw->encoding, "7bit") || value_is(raw->encoding, "8bit") ||
            value_is(raw->encoding, "binary"));
}

bool raw_encodes(const struct raw *raw)
{
    return (raw->eight || raw->long_line) && plain_text(raw);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static void write_span(FILE *out, struct span text, const char *end)
{
    fwrite(text.at, 1, text.len, out);
    fputs(end, out);
}

static struct header_rules rules_of(const struct raw *raw)
{
    struct header_rules rules = raw->rules->header;

    rules.charset = raw->charset;
    return rules;
}

/* Without the character set a reader takes it for ASCII. */
static void write_type(const struct raw *raw, FILE *out)
{
    const char *charset = utf8_whole(&raw->text) ? "UTF-8" : "unknown-8bit"; /* RFC 1428 */

    if (raw->type.at == NULL) {
        fprintf(out, "Content-Type: text/plain; charset=%s\r\n", charset);
    } else {
        struct header_rules rules = rules_of(raw);

        header_write_type(out, raw->type, &rules);
        fprintf(out, "%s\r\n charset=%s\r\n", raw->type.at[raw->type.len - 1] == ';' ? "" : ";", charset);
    }
}

/* Nobody may see it, its sender may not say it (RFC 5321 4.4: who delivers the mail writes Return-Path), or it says nothing. */
static bool is_left_out(struct span field)
{
    return field_is(field, "Bcc") || field_is(field, "Resent-Bcc") || field_is(field, "Return-Path") ||
           field_is(field, RAW_UID) || header_is_void(field);
}

/* The message's own fields, but those that are written anew. */
static void write_own(const struct raw *raw, bool encode, bool own_type, FILE *out)
{
    struct header_rules rules = rules_of(raw);
    struct span rest = raw->header;
    unsigned lines = 0;
    bool from = false; /* it is written anew, once */

    while (rest.len > 0) {
        struct span field = take_field(&rest, &lines);
        bool again = from && field_is(field, "From");

        if (is_left_out(field)) {
            continue;
        }
        from = from || (rules.from_field == FROM_WRITTEN && *rules.from != 0 && field_is(field, "From"));
        if (!again && !(encode && field_is(field, "Content-Transfer-Encoding")) &&
            (own_type || !field_is(field, "Content-Type"))) {
            header_write(out, field, &rules);
        }
    }
}

static bool is_wanted(const struct raw *raw, struct span field, bool encode)
{
    return (field_is(field, "Date") && !raw->date) || (field_is(field, "Message-ID") && !raw->id) ||
           (field_is(field, "MIME-Version") && !raw->mime && (encode || raw->rules->loose)) ||
           (field_is(field, "Content-Transfer-Encoding") && encode);
}

/* The library composes a whole mail: taken are the fields that are wanted. It wants a sender, which is not. */
static void write_composed(const struct raw *raw, bool encode, FILE *out)
{
    struct mote_message composed = {
        .from = "nobody@mailmote.invalid", .id = raw->rules->id, .unix_s = raw->rules->unix_s};
    char text[8192]; /* the header at least */
    struct span rest = {text, mote_message_read(&composed, 0, text, sizeof text)};
    unsigned lines = 0;

    while (line_len(&rest) > 0) {
        struct span field = take_field(&rest, &lines);

        if (is_wanted(raw, field, encode)) {
            write_span(out, field, "\r\n");
        }
    }
    fputs("\r\n", out);
}

/* Whom the envelope names alone may be told, and that is one who is no secret. */
static void write_people(const struct raw *raw, FILE *out)
{
    struct header_rules rules = rules_of(raw);

    if (!raw->from && *rules.from != 0 && rules.from_field != FROM_LEFT) {
        header_write_from(out, (struct span){NULL, 0}, &rules);
    }
    if (raw->to || !raw->rules->loose) {
        return;
    }
    if (!raw->cc && raw->rules->to != NULL) {
        fprintf(out, "To: %s\r\n", raw->rules->to);
    } else {
        fputs("To: undisclosed-recipients:;\r\n", out);
    }
}

int raw_write(const struct raw *raw, bool encode, struct buffer *header)
{
    FILE *out = open_memstream(&header->data, &header->len);
    bool type = encode && raw->eight && (raw->type.at == NULL || find(raw->type, "charset") == NULL);
    bool good = out != NULL;

    if (good) {
        write_own(raw, encode, !type, out);
        if (type) {
            write_type(raw, out);
        }
        write_people(raw, out);
        write_composed(raw, encode, out);
        good = buffer_close(out, header);
    }
    if (!good) {
        complain("no memory for the mail: send a smaller one");
    }
    return good ? EX_OK : EX_OSERR;
}

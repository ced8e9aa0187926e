/* SPDX-License-Identifier: MIT
 *
 * The parts of a message behind its text (RFC 2046): texts, and attachments, which are read while they are sent and encoded as
 * base64 where they are read to. It refuses parts that could end a line of their header.
 */
#include "writer.h"

enum { LINE_MAX = 76 };

static bool part_valid(const struct mote_part *part)
{
    return mote_value_kind(part->type, SIZE_MAX) == MOTE_VALUE_PLAIN &&
           mote_value_kind(part->name, SIZE_MAX) != MOTE_VALUE_REFUSED &&
           (part->text != NULL ? mote_text_valid(part->text, part->text_len) : part->read != NULL);
}

/* How many parts are alternatives. They are the first ones. */
static uint16_t alternatives(const struct mote_message *m)
{
    uint16_t n = 0;

    while (n < m->part_count && m->parts[n].alternative) {
        n++;
    }
    return n;
}

static bool parts_valid(const struct mote_message *m)
{
    for (uint16_t i = 0, n = alternatives(m); i < m->part_count; i++) {
        if (!part_valid(&m->parts[i]) || m->parts[i].alternative != (i < n)) {
            return false;
        }
    }
    return true;
}

/* A delimiter, or what has one: \1 and \2 are its ends, the one of mixed or of alternative, and a sum over the Message-ID. No line of
 * quoted-printable or base64 can be one, as "=_" is in neither. \3 and \4 are type and name of a part. */
static void put_form(struct mote_writer *w, const char *form, bool alternative, const struct mote_part *part)
{
    char digits[8 + 1] = {0};
    const char *args[] = {alternative ? "alternative" : "mixed", digits, part->type, part->name};
    uint32_t sum = 0;

    for (const char *c = w->message->id; *c != 0; c++) {
        sum = sum * 31 + (uint8_t)*c;
    }
    for (unsigned i = 0; i < 8; i++, sum >>= 4) {
        digits[i] = (char)('A' + (sum & 15));
    }
    mote_put_form(w, form, args);
}

static void put_header(struct mote_writer *w, const struct mote_part *part)
{
    put_form(w,
             part->text != NULL ? "\r\n--=_\1\2\r\n"
                                  "Content-Type: \3; charset=UTF-8\r\n"
                                  "Content-Transfer-Encoding: quoted-printable\r\n"
                                : "\r\n--=_\1\2\r\n"
                                  "Content-Type: \3\r\n"
                                  "Content-Transfer-Encoding: base64\r\n",
             part->alternative, part);
    if (part->name != NULL) {
        mote_put_string(w, "Content-Disposition: attachment;\r\n filename");
        if (mote_quotable(part->name)) {
            mote_put_form(w, "=\"\1\"\r\n", &part->name);
        } else {
            mote_put_string(w, "*=UTF-8''"); /* RFC 2231 */
            for (const char *c = part->name; *c != 0; c++) {
                mote_put(w, '%');
                mote_put_hex(w, (uint8_t)*c);
            }
            mote_put_string(w, mote_crlf);
        }
    }
    mote_put_string(w, mote_crlf);
}

/* One or more groups of three octets, as four digits each. What is written never overtakes what is read. The octet before a group
 * is read along with it, as four are read at once. */
static void encode(uint8_t *out, const uint8_t *in, size_t groups)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    in--;
    do {
        uint32_t bits = (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];

        in += 3;
        out[0] = (uint8_t)digits[bits >> 18 & 63];
        out[1] = (uint8_t)digits[bits >> 12 & 63];
        out[2] = (uint8_t)digits[bits >> 6 & 63];
        out[3] = (uint8_t)digits[bits & 63];
        out += 4;
    } while (--groups != 0);
}

/* The next octets of an attachment; false when they cannot be read. */
static bool fill(struct mote_writer *w, const struct mote_part *part, uint8_t *to, size_t len)
{
    while (len != 0) {
        size_t got = part->read(part->ctx, w->next.at, to, len);

        if (got - 1 >= len) {
            w->len = MOTE_READ_FAILED;
            return false;
        }
        w->next.at += got;
        to += got;
        len -= got;
    }
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Whole groups, as many as the buffer has room for, and ends of lines; false: none. */
static bool put_groups(struct mote_writer *w, const struct mote_part *part)
{
    size_t at = w->next.at, n;

    for (;;) {
        uint8_t *to = w->buf + w->len;

        n = least((part->size - w->next.at) / 3, (LINE_MAX - w->next.column) / 4u);
        n = least(n, (w->cap - w->len) / 4);
        if (n == 0 || !fill(w, part, to + n, 3 * n)) {
            return n != 0 || w->next.at != at;
        }
        encode(to, to + n, n);
        w->len += 4 * n;
        w->next.column = (uint8_t)(w->next.column + 4 * n);
        if (w->next.column == LINE_MAX && w->cap - w->len >= 2) {
            to[4 * n] = '\r';
            to[4 * n + 1] = '\n';
            w->len += 2;
            w->next.column = 0;
        }
    }
}

/* The next octets wait for room as the group. */
static void load_group(struct mote_writer *w, const struct mote_part *part)
{
    uint8_t octets[1 + 3] = {0};
    size_t n = least(part->size - w->next.at, 3);

    if (!fill(w, part, octets + 1, n)) {
        return;
    }
    encode(w->next.group, octets + 1, 1);
    for (; n < 3; n++) {
        w->next.group[n + 1] = '=';
    }
}

/* A step of an attachment; true behind its last one. What was read is never read again. */
static bool put_attachment(struct mote_writer *w, const struct mote_part *part)
{
    if (w->message->measured != NULL) {
        *w->message->measured += (part->size + 2) / 3 * 4ull + (part->size + 56) / 57 * 2ull;
        return true;
    }
    if (w->next.group[0] != 0) {
        for (unsigned i = 0; i < 4; i++) {
            mote_put(w, w->next.group[i]);
        }
        w->next.group[0] = 0;
    } else if (w->next.column == LINE_MAX || (w->next.at == part->size && w->next.column != 0)) {
        mote_put_string(w, mote_crlf);
    } else if (w->next.at == part->size) {
        return true;
    } else if (!put_groups(w, part)) {
        load_group(w, part);
    }
    return false;
}

/* The end of what is open, or the next part's header; true: it was the last end. */
static bool next_part(struct mote_writer *w)
{
    static const char end[] = "\r\n--=_\1\2--\r\n";
    const struct mote_message *m = w->message;
    uint16_t first = alternatives(m);

    if (w->next.item == first && first != 0) {
        put_form(w, end, true, m->parts);
    }
    if (w->next.item == m->part_count) {
        put_form(w, end, false, m->parts);
        return true;
    }
    put_header(w, &m->parts[w->next.item]);
    w->next.kind = 1;
    return false;
}

static bool put_parts(const struct mote_message *m, struct mote_writer *w)
{
    static const char begin[] = "Content-Type: multipart/\1; boundary=\"=_\1\2\"\r\n\r\n--=_\1\2\r\n";
    const struct mote_part *part;

    if (w == NULL) {
        return parts_valid(m);
    }
    if (w->next.step == MOTE_AT_TOP) {
        put_form(w, begin, false, m->parts);
        if (m->parts->alternative) {
            put_form(w, begin, true, m->parts);
        }
        return true;
    }
    if (w->next.kind == 0) {
        return next_part(w);
    }
    part = &m->parts[w->next.item];
    if (part->text != NULL ? mote_put_text(w, part->text, part->text_len) : put_attachment(w, part)) {
        w->next.item++;
        w->next.at = 0;
        w->next.kind = 0;
    }
    return false;
}

void mote_message_parts(struct mote_message *message, const struct mote_part *parts, uint16_t count)
{
    message->parts = parts;
    message->part_count = count;
    message->put_parts = count != 0 ? put_parts : NULL;
}

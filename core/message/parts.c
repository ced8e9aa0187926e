/* SPDX-License-Identifier: MIT
 *
 * The parts of a message behind its text (RFC 2046): texts, and attachments, which are read while they are sent and encoded as
 * base64 where they are read to. It refuses parts that could end a line of their header.
 */
#include "writer.h"

#include <string.h>

enum { LINE_MAX = 76, GROUPS = LINE_MAX / 4 };

/* Octets of a name: percent-encoded it still fits into a line of the header. */
enum { NAME_OCTETS = 255 };

static bool part_valid(const struct mote_part *part)
{
    return mote_value_kind(part->type, SIZE_MAX) == MOTE_VALUE_PLAIN &&
           mote_value_kind(part->name, 0) != MOTE_VALUE_REFUSED &&
           (part->text != NULL ? mote_text_valid(part->text, part->text_len)
                               : part->read != NULL && part->size < (size_t)UINT32_MAX - 56); /* room to round up */
}

static bool parts_valid(const struct mote_message *m)
{
    bool alternative = true;

    for (uint16_t i = 0; i < m->part_count; i++) {
        const struct mote_part *part = &m->parts[i];

        if (!part_valid(part) || (part->name != NULL && strlen(part->name) > NAME_OCTETS) ||
            part->alternative > alternative) {
            return false;
        }
        alternative = part->alternative;
    }
    return true;
}

/* A delimiter, or what has one: \1 is the one of mixed or of alternative. No line of quoted-printable or base64 can be one, as "=_" is
 * in neither. \2 to \4 are of the part. */
static void put_form(struct mote_writer *w, const char *form, bool alternative, const struct mote_part *part)
{
    const char *args[] = {alternative ? "alternative" : "mixed", part->type, "; charset=UTF-8", "quoted-printable"};

    if (part->text == NULL) {
        args[2] = "";
        args[3] = "base64";
    }
    mote_put_form(w, form, args);
}

static void put_header(struct mote_writer *w, const struct mote_part *part)
{
    put_form(w, "\r\n--=_\1\r\nContent-Type: \2\3\r\nContent-Transfer-Encoding: \4", part->alternative, part);
    if (part->name != NULL) {
        mote_put_string(w, "\r\nContent-Disposition: attachment;\r\n filename");
        if (mote_quotable(part->name)) {
            mote_put_form(w, "=\"\1\"", &part->name);
        } else {
            mote_put_string(w, "*=UTF-8''"); /* RFC 2231 */
            for (const char *c = part->name; *c != 0; c++) {
                mote_put(w, '%');
                mote_put_hex(w, (uint8_t)*c);
            }
        }
    }
    mote_put_string(w, "\r\n\r\n");
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Groups of three octets, as four digits each, from a column on; returns where it ends. What is written never overtakes what is read.
 * The octet before a group is read along with it, as four are read at once. */
static uint8_t *encode(uint8_t *out, const uint8_t *in, size_t groups, size_t column)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    in--;
    while (groups != 0) {
        size_t run = least(groups, (LINE_MAX - column) / 4);

        groups -= run;
        column += 4 * run;
        do {
            uint32_t bits = (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];

            in += 3;
            out[0] = (uint8_t)digits[bits >> 18 & 63];
            out[1] = (uint8_t)digits[bits >> 12 & 63];
            out[2] = (uint8_t)digits[bits >> 6 & 63];
            out[3] = (uint8_t)digits[bits & 63];
            out += 4;
        } while (--run != 0);
        if (column == LINE_MAX) {
            *out++ = '\r';
            *out++ = '\n';
            column = 0;
        }
    }
    return out;
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

/* How many groups there is room for: the one that ends a line takes six octets. */
static size_t groups_in(size_t room, size_t column)
{
    room += column;
    return room / (LINE_MAX + 2) * GROUPS + least(room % (LINE_MAX + 2) / 4, GROUPS - 1) - column / 4;
}

/* As many as there is room for, but the last ones. They are read behind where they are encoded to. */
static void put_groups(struct mote_writer *w, const struct mote_part *part, size_t n)
{
    size_t groups = w->next.column / 4u + n;
    uint8_t *to = w->buf + w->len, *in = to + n + groups / GROUPS * 2;

    if (fill(w, part, in, 3 * n)) {
        w->len = (size_t)(encode(to, in, n, w->next.column) - w->buf);
        w->next.column = (uint8_t)(groups % GROUPS * 4);
    }
}

/* The last ones, and those for which there is no room, wait as the group. */
static void load_group(struct mote_writer *w, const struct mote_part *part, size_t left)
{
    uint8_t *group = w->next.group;
    size_t n = least(left, 3);

    memset(group, 0, sizeof w->next.group);
    if (fill(w, part, group + 1, n)) {
        encode(group, group + 1, 1, left <= 3 ? LINE_MAX - 4 : w->next.column);
        for (; n < 3; n++) {
            group[n + 1] = '=';
        }
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
        mote_put_string(w, (const char *)w->next.group);
        w->next.group[0] = 0;
    } else if (w->next.at == part->size) {
        return true;
    } else {
        size_t left = part->size - w->next.at;
        size_t n = least(groups_in(w->cap - w->len, w->next.column), (left - 1) / 3);

        if (n != 0) {
            put_groups(w, part, n);
        } else {
            load_group(w, part, left);
        }
    }
    return false;
}

/* The end of what is open, or the next part's header; true: it was the last end. */
static bool next_part(struct mote_writer *w)
{
    static const char end[] = "\r\n--=_\1--\r\n";
    const struct mote_message *m = w->message;
    const struct mote_part *part = &m->parts[w->next.item];
    bool last = w->next.item == m->part_count;

    if (w->next.item != 0 && part[-1].alternative && (last || !part->alternative)) {
        put_form(w, end, true, m->parts);
    }
    if (last) {
        put_form(w, end, false, m->parts);
    } else {
        put_header(w, part);
        w->next.kind = 1;
    }
    return last;
}

static bool put_parts(const struct mote_message *m, struct mote_writer *w)
{
    static const char begin[] = "Content-Type: multipart/\1; boundary=\"=_\1\"\r\n\r\n--=_\1\r\n";
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

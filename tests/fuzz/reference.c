/* SPDX-License-Identifier: MIT
 *
 * References to compare the core with, written for plainness: the mended and the stuffed text, base64, a search.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void violated(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

void require(bool good, const char *what)
{
    if (!good) {
        violated(what);
    }
}

uint8_t draw(struct input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->at++;
}

static void put(struct reference *r, const void *data, size_t len)
{
    memcpy(r->mended + r->mended_len, data, len);
    r->mended_len += len;
}

/* One line of the mail: 998 octets, then CR LF SP and 997 of them, and so on. */
static void put_line(struct reference *r, const uint8_t *line, size_t len)
{
    size_t room = 998;

    while (len > room) {
        put(r, line, room);
        put(r, "\r\n ", 3);
        line += room;
        len -= room;
        room = 997;
    }
    put(r, line, len);
    put(r, "\r\n", 2);
}

static void stuff(struct reference *r)
{
    bool start = true;

    r->stuffed_len = 0;
    for (size_t i = 0; i < r->mended_len; i++) {
        if (start && r->mended[i] == '.') {
            r->stuffed[r->stuffed_len++] = '.';
        }
        start = r->mended[i] == '\n';
        r->stuffed[r->stuffed_len++] = r->mended[i];
    }
    memcpy(r->stuffed + r->stuffed_len, ".\r\n", 3);
    r->stuffed_len += 3;
}

void reference_make(struct reference *r)
{
    size_t from = 0;

    r->mended_len = 0;
    r->nul = memchr(r->text, 0, r->len) != NULL;
    r->eight_bit = false;
    for (size_t i = 0; i < r->len; i++) {
        r->eight_bit |= r->text[i] > 127;
    }
    while (from < r->len) {
        size_t to = from;

        while (to < r->len && r->text[to] != '\r' && r->text[to] != '\n') {
            to++;
        }
        put_line(r, r->text + from, to - from);
        from = to + 1;
        if (from < r->len && r->text[to] == '\r' && r->text[from] == '\n') {
            from++;
        }
    }
    stuff(r);
}

size_t base64(char *out, const void *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = data;
    size_t n = 0;

    for (size_t i = 0; i < len; i += 3) {
        unsigned a = in[i], b = i + 1 < len ? in[i + 1] : 0, c = i + 2 < len ? in[i + 2] : 0;

        out[n++] = digits[a >> 2];
        out[n++] = digits[(a & 3) << 4 | b >> 4];
        out[n++] = i + 1 < len ? digits[(b & 15) << 2 | c >> 6] : '=';
        out[n++] = i + 2 < len ? digits[c & 63] : '=';
    }
    out[n] = 0;
    return n;
}

bool contains(const uint8_t *data, size_t len, const void *part, size_t part_len)
{
    for (size_t i = 0; part_len != 0 && i + part_len <= len; i++) {
        if (memcmp(data + i, part, part_len) == 0) {
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: MIT
 *
 * What a person is told on stderr. What others wrote is made harmless first.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "utf8.h"

#include <stdarg.h>
#include <string.h>

static char about[300]; /* what every complaint is about, or "" */
static char last[1000];

void complain(const char *form, ...)
{
    char text[5000]; /* the longest path, and words */
    va_list values;

    va_start(values, form);
    vsnprintf(text, sizeof text, form, values);
    va_end(values);
    fputs("mailmote: ", stderr);
    print_text(stderr, about, strlen(about));
    print_text(stderr, text, strlen(text));
    fputc('\n', stderr);
    snprintf(last, sizeof last, "%s%.600s", about, text);
}

const char *complain_last(void)
{
    return last;
}

void complain_about(const char *file, unsigned line)
{
    about[0] = 0;
    if (line != 0) {
        snprintf(about, sizeof about, "%s:%u: ", file, line);
    }
}

/* ---- What a terminal gets ---------------------------------------------------------------------------------------- */

/* Characters beyond ASCII that are not only shown: controls, direction, no width, ends of lines. */
static const uint32_t harmful[][2] = {
    {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

/* The octets of a character that is shown; 0 when this one octet is not. */
static size_t shown_len(const char *text, size_t left)
{
    uint32_t character = 0;
    size_t len = utf8_read(text, left, &character);

    if (character < ' ' || character == 127) {
        return 0;
    }
    for (size_t i = 0; i < sizeof harmful / sizeof harmful[0]; i++) {
        if (character >= harmful[i][0] && character <= harmful[i][1]) {
            return 0;
        }
    }
    return len;
}

enum { UNIT_CAP = 5 }; /* a character of UTF-8, or \xNN, and a NUL */

/* Writes the first character of the text, or one octet in its place. Returns the octets of text it stands for. */
static size_t write_unit(char unit[UNIT_CAP], const char *text, size_t len)
{
    size_t shown = shown_len(text, len);

    if (shown == 0) {
        snprintf(unit, UNIT_CAP, "\\x%02X", (unsigned)(unsigned char)*text);
        return 1;
    }
    memcpy(unit, text, shown);
    unit[shown] = 0;
    return shown;
}

void print_text(FILE *to, const char *text, size_t len)
{
    while (len > 0) {
        char unit[UNIT_CAP];
        size_t used = write_unit(unit, text, len);

        fputs(unit, to);
        text += used;
        len -= used;
    }
}

size_t printable(char *to, size_t cap, const char *text, size_t len)
{
    size_t at = 0;

    while (len > 0) {
        char unit[UNIT_CAP];
        size_t used = write_unit(unit, text, len);

        if (at + strlen(unit) >= cap) {
            break;
        }
        at += strlen(strcpy(to + at, unit));
        text += used;
        len -= used;
    }
    to[at] = 0;
    return at;
}

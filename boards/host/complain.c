/* SPDX-License-Identifier: MIT
 *
 * What a person is told on stderr. What others wrote is made harmless first.
 */
#define _GNU_SOURCE

#include "complain.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static char about[300]; /* what every complaint is about, or "" */

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
}

void complain_about(const char *file, unsigned line)
{
    about[0] = 0;
    if (line != 0) {
        snprintf(about, sizeof about, "%s:%u: ", file, line);
    }
}

/* ---- What a terminal gets ---------------------------------------------------------------------------------------- */

/* Characters beyond ASCII that are not only shown: controls, direction, no width, ends of lines, no characters at all. */
static const uint32_t harmful[][2] = {
    {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f}, {0xd800, 0xdfff}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

/* The character there in UTF-8, in its shortest form, and its octets; 0 octets when there is none. */
static size_t read_character(const unsigned char *at, size_t left, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;

    if (len == 0 || len > left) {
        return 0;
    }
    *character = len == 1 ? *at : *at & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        *character = *character << 6 | (at[i] & 0x3fU);
    }
    return *character >= least[len] && *character <= 0x10ffff ? len : 0;
}

/* The octets of a character that is shown; 0 when this one octet is not. */
static size_t shown_len(const unsigned char *at, size_t left)
{
    uint32_t character = 0;
    size_t len = read_character(at, left, &character);

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

void print_text(FILE *to, const char *text, size_t len)
{
    while (len > 0) {
        size_t shown = shown_len((const unsigned char *)text, len), used = shown > 0 ? shown : 1;

        if (shown > 0) {
            fwrite(text, 1, shown, to);
        } else {
            fprintf(to, "\\x%02X", (unsigned)(unsigned char)*text);
        }
        text += used;
        len -= used;
    }
}

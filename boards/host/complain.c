/* SPDX-License-Identifier: MIT
 *
 * What a person is told on stderr. What others wrote is made harmless first.
 */
#define _GNU_SOURCE

#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

static char about[300]; /* what every complaint is about, or "" */

void complain(const char *form, ...)
{
    va_list values;

    va_start(values, form);
    fprintf(stderr, "mailmote: %s", about);
    vfprintf(stderr, form, values);
    fputc('\n', stderr);
    va_end(values);
}

void complain_about(const char *file, unsigned line)
{
    about[0] = 0;
    if (line != 0) {
        snprintf(about, sizeof about, "%s:%u: ", file, line);
    }
}

size_t printable(char *to, size_t cap, const char *text, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = 0;

    for (; len > 0; len--, text++) {
        unsigned char c = (unsigned char)*text;
        size_t need = c >= ' ' && c < 127 ? 1 : 4;

        if (at + need >= cap) {
            break;
        }
        if (need == 1) {
            to[at++] = (char)c;
            continue;
        }
        to[at++] = '\\';
        to[at++] = 'x';
        to[at++] = digits[c >> 4];
        to[at++] = digits[c & 15];
    }
    to[at] = 0;
    return at;
}

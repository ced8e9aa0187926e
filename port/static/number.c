/* SPDX-License-Identifier: MIT
 *
 * strtoul() and strtoull() for a static program: libc's read from a stream that they make of the text.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NO_DIGIT = 36 };

static unsigned digit(char octet)
{
    unsigned value = (unsigned char)octet, letter = (value | 0x20) - 'a', number = value - '0';

    return number < 10 ? number : letter < 26 ? letter + 10 : NO_DIGIT;
}

/* Behind what stands before a number's digits; *base 0 is what that says. */
static const char *prefix(const char *at, unsigned *base)
{
    bool hex = at[0] == '0' && (at[1] | 0x20) == 'x' && digit(at[2]) < 16;

    if (*base == 0) {
        *base = hex ? 16 : *at == '0' ? 8 : 10;
    }
    return hex && *base == 16 ? at + 2 : at;
}

static unsigned long long scan(const char *text, char **end, unsigned base, unsigned long long limit)
{
    const char *at = text + strspn(text, " \t\n\v\f\r"), *begin;
    bool negative = *at == '-', over = false;
    unsigned long long value = 0;

    at += negative || *at == '+';
    begin = at = prefix(at, &base);
    for (; digit(*at) < base; at++) {
        over = over || value > (limit - digit(*at)) / base;
        value = value * base + digit(*at);
    }
    if (end != NULL) {
        *end = (char *)(size_t)(at == begin ? text : at);
    }
    if (over) {
        errno = ERANGE;
        return limit;
    }
    return negative ? 0 - value : value;
}

unsigned long strtoul(const char *text, char **end, int base)
{
    return (unsigned long)scan(text, end, (unsigned)base, ULONG_MAX);
}

unsigned long long strtoull(const char *text, char **end, int base)
{
    return scan(text, end, (unsigned)base, ULLONG_MAX);
}

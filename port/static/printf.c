/* SPDX-License-Identifier: MIT
 *
 * vfprintf() for a static program: all of libc's printf family calls it, and libc's own, which knows floating point and wide
 * characters, is eight times as large.
 *
 * %c %d %i %s %u %x %X %%, with - and 0, a width and a precision, also as *, and hh h l ll j t z. Anything else is an error: -1.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 20 }; /* of the largest number */

struct values {
    va_list list;
};

struct directive {
    bool left, zeros;
    char length;          /* 'l', 'L' for ll, 0 for an int */
    int width, precision; /* -1: none */
};

struct piece {
    char sign; /* or 0 */
    size_t zeros;
    const char *text;
    size_t len;
};

static void repeat(FILE *to, char octet, size_t count)
{
    while (count-- > 0) {
        putc(octet, to);
    }
}

static size_t write_piece(FILE *to, const struct directive *d, const struct piece *piece)
{
    size_t len = (piece->sign != 0) + piece->zeros + piece->len;
    size_t pad = d->width > 0 && (size_t)d->width > len ? (size_t)d->width - len : 0;
    bool zeros = d->zeros && !d->left;

    repeat(to, ' ', d->left || zeros ? 0 : pad);
    repeat(to, piece->sign, piece->sign != 0);
    repeat(to, '0', piece->zeros + (zeros ? pad : 0));
    fwrite(piece->text, 1, piece->len, to);
    repeat(to, ' ', d->left ? pad : 0);
    return len + pad;
}

static int read_number(const char **form, struct values *values)
{
    int number = 0;

    if (**form == '*') {
        (*form)++;
        return va_arg(values->list, int);
    }
    while (**form >= '0' && **form <= '9') {
        number = number * 10 + (*(*form)++ - '0');
    }
    return number;
}

/* What stands between % and the letter. */
static struct directive read_directive(const char **form, struct values *values)
{
    struct directive d = {.precision = -1};

    for (; **form == '-' || **form == '0'; (*form)++) {
        d.left = d.left || **form == '-';
        d.zeros = d.zeros || **form == '0';
    }
    d.width = read_number(form, values);
    if (d.width < 0) {
        d.left = true;
        d.width = -d.width;
    }
    if (**form == '.') {
        (*form)++;
        d.precision = read_number(form, values);
    }
    for (; **form != 0 && strchr("hljtz", **form) != NULL; (*form)++) {
        d.length = **form == 'h' ? d.length : **form == 'j' || d.length != 0 ? 'L' : 'l';
    }
    return d;
}

static intmax_t signed_value(const struct directive *d, struct values *values)
{
    return d->length == 'L'   ? va_arg(values->list, long long)
           : d->length == 'l' ? va_arg(values->list, long)
                              : va_arg(values->list, int);
}

static uintmax_t unsigned_value(const struct directive *d, struct values *values)
{
    return d->length == 'L'   ? va_arg(values->list, unsigned long long)
           : d->length == 'l' ? va_arg(values->list, unsigned long)
                              : va_arg(values->list, unsigned);
}

static size_t write_number(FILE *to, const struct directive *d, char letter, struct values *values)
{
    const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = letter == 'x' || letter == 'X' ? 16 : 10;
    char text[DIGITS];
    struct piece piece = {.text = text + DIGITS};
    uintmax_t value;

    if (letter == 'd' || letter == 'i') {
        intmax_t number = signed_value(d, values);

        piece.sign = number < 0 ? '-' : 0;
        value = number < 0 ? 0 - (uintmax_t)number : (uintmax_t)number;
    } else {
        value = unsigned_value(d, values);
    }
    for (; value != 0 || (piece.len == 0 && d->precision != 0); value /= base) {
        text[DIGITS - ++piece.len] = digits[value % base];
    }
    piece.text -= piece.len;
    if (d->precision > 0 && (size_t)d->precision > piece.len) {
        piece.zeros = (size_t)d->precision - piece.len;
    }
    return write_piece(to, d, &piece);
}

/* Returns the octets written; -1: there is no such letter. */
static int write_value(FILE *to, const struct directive *d, char letter, struct values *values)
{
    struct piece piece = {.text = &letter, .len = 1};

    switch (letter) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X': return (int)write_number(to, d, letter, values);
    case 'c': letter = (char)va_arg(values->list, int); break;
    case '%': break;
    case 's':
        piece.text = va_arg(values->list, const char *);
        piece.text = piece.text != NULL ? piece.text : "(null)";
        piece.len = d->precision < 0 ? strlen(piece.text) : strnlen(piece.text, (size_t)d->precision);
        break;
    default: return -1;
    }
    return (int)write_piece(to, d, &piece);
}

int vfprintf(FILE *to, const char *form, va_list given)
{
    struct values values;
    int total = 0, len = 0;

    va_copy(values.list, given);
    while (*form != 0 && len >= 0) {
        if (*form == '%') {
            struct directive d;

            form++;
            d = read_directive(&form, &values);
            len = write_value(to, &d, *form, &values);
            form += *form != 0;
        } else {
            len = (int)strcspn(form, "%");
            fwrite(form, 1, (size_t)len, to);
            form += len;
        }
        total += len;
    }
    va_end(values.list);
    return len < 0 || ferror(to) ? -1 : total;
}

/* SPDX-License-Identifier: MIT
 *
 * Pins, and logins as they are sent.
 */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_write(char *to, const void *octets, size_t len)
{
    const unsigned char *at = octets;
    unsigned bits = 0, bit_count = 0;
    size_t written = 0;

    for (; len > 0; len--) {
        bits = bits << 8 | *at++;
        for (bit_count += 8; bit_count >= 6; bit_count -= 6) {
            to[written++] = digits[bits >> (bit_count - 6) & 63];
        }
    }
    if (bit_count != 0) {
        to[written++] = digits[bits << (6 - bit_count) & 63];
    }
    return written;
}

int base64_value(char digit)
{
    const char *at = digit == 0 ? NULL : strchr(digits, digit);

    return at == NULL ? -1 : (int)(at - digits);
}

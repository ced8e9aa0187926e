/* SPDX-License-Identifier: MIT
 *
 * The three functions of <string.h> that move octets, an octet at a time: libc's are quick and ten times as large. What a
 * delivery takes is spent on arithmetic.
 */
#include <stdint.h>
#include <string.h>

void *memmove(void *to, const void *from, size_t len)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if ((uintptr_t)to - (uintptr_t)from >= len) {
        while (len-- != 0) {
            *t++ = *f++;
        }
    } else {
        while (len-- != 0) {
            t[len] = f[len];
        }
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
    return memmove(to, from, len);
}

void *memset(void *to, int octet, size_t len)
{
    uint8_t *t = to;

    while (len-- != 0) {
        *t++ = (uint8_t)octet;
    }
    return to;
}

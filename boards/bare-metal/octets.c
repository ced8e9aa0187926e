/* SPDX-License-Identifier: MIT
 *
 * What is used of <string.h>: three functions that move octets, a word at a time where words lie well, else an octet; and three that
 * look at octets, one at a time. libc's are quick and four times as large. What a delivery takes is spent on arithmetic.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Any object may be read by it. */
struct word {
    uint32_t octets;
} __attribute__((may_alias));

void *memmove(void *to, const void *from, size_t len)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if ((uintptr_t)to - (uintptr_t)from >= len) {
        if ((((uintptr_t)to | (uintptr_t)from) & (sizeof(struct word) - 1)) == 0) {
            for (; len >= sizeof(struct word); len -= sizeof(struct word)) {
                *(struct word *)(void *)t = *(const struct word *)(const void *)f;
                t += sizeof(struct word);
                f += sizeof(struct word);
            }
        }
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
    struct word four = {(uint8_t)octet * 0x01010101u};
    uint8_t *t = to;

    if (((uintptr_t)to & (sizeof four - 1)) == 0) {
        for (; len >= sizeof four; len -= sizeof four) {
            *(struct word *)(void *)t = four;
            t += sizeof four;
        }
    }
    while (len-- != 0) {
        *t++ = (uint8_t)octet;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    int differ = 0;

    while (len-- != 0 && differ == 0) {
        differ = *x++ - *y++;
    }
    return differ;
}

size_t strlen(const char *text)
{
    const char *end = text;

    while (*end != 0) {
        end++;
    }
    return (size_t)(end - text);
}

int strncmp(const char *a, const char *b, size_t len)
{
    int differ = 0;

    for (bool more = true; len-- != 0 && more && differ == 0; a++, b++) {
        differ = (uint8_t)*a - (uint8_t)*b;
        more = *a != 0;
    }
    return differ;
}

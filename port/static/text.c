/* SPDX-License-Identifier: MIT
 *
 * Functions of <string.h> for a static program: libc's look at many octets at a time, which pays who has long texts.
 */
#define _GNU_SOURCE

#include <stdint.h>
#include <string.h>
#include <strings.h>

char *__strchrnul(const char *text, int octet); /* libc's own name for it */

void *memset(void *to, int octet, size_t len)
{
    for (char *at = to; len > 0; len--) {
        *at++ = (char)octet;
    }
    return to;
}

void *memchr(const void *octets, int octet, size_t len)
{
    for (const char *at = octets; len > 0; len--, at++) {
        if (*at == (char)octet) {
            return (void *)(size_t)at;
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    const char *end = text;

    while (*end != 0) {
        end++;
    }
    return (size_t)(end - text);
}

char *__strchrnul(const char *text, int octet)
{
    while (*text != 0 && *text != (char)octet) {
        text++;
    }
    return (char *)(size_t)text;
}

size_t strspn(const char *text, const char *octets)
{
    const char *end = text;

    while (*end != 0 && strchr(octets, *end) != NULL) {
        end++;
    }
    return (size_t)(end - text);
}

size_t strcspn(const char *text, const char *octets)
{
    const char *end = text;

    while (strchr(octets, *end) == NULL) { /* the end is found in each */
        end++;
    }
    return (size_t)(end - text);
}

char *strcpy(char *to, const char *text)
{
    return memcpy(to, text, strlen(text) + 1);
}

static int lower(char octet)
{
    return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : (unsigned char)octet;
}

int strncasecmp(const char *a, const char *b, size_t len)
{
    for (; len > 0; len--, a++, b++) {
        if (*a == 0 || lower(*a) != lower(*b)) {
            return lower(*a) - lower(*b);
        }
    }
    return 0;
}

int strcasecmp(const char *a, const char *b)
{
    return strncasecmp(a, b, SIZE_MAX);
}

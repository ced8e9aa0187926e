/* SPDX-License-Identifier: MIT
 *
 * memmem() and strstr() for a static program. libc's are for long needles; ours are lines' marks and words.
 */
#define _GNU_SOURCE

#include <stddef.h>
#include <string.h>

void *memmem(const void *text, size_t len, const void *wanted, size_t wanted_len)
{
    const char *at = text;

    for (; len >= wanted_len; at++, len--) {
        if (memcmp(at, wanted, wanted_len) == 0) {
            return (void *)(size_t)at;
        }
    }
    return NULL;
}

char *strstr(const char *text, const char *wanted)
{
    return memmem(text, strlen(text), wanted, strlen(wanted));
}

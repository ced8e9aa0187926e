/* SPDX-License-Identifier: MIT
 *
 * inet_ntop() for a static program: IPv6 as RFC 5952 has it, without mixed notation. There is always room.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { GROUPS = 8 };

/* The first of the longest row of zeros, which is two or more; GROUPS: there is none. */
static unsigned longest(const uint8_t *octets, unsigned *len)
{
    unsigned first = GROUPS, row = 0;

    *len = 1;
    for (unsigned i = 0; i < GROUPS; i++) {
        row = (octets[2 * i] | octets[2 * i + 1]) == 0 ? row + 1 : 0;
        if (row > *len) {
            *len = row;
            first = i + 1 - row;
        }
    }
    return first;
}

static void write_groups(const uint8_t *octets, char *text, size_t cap)
{
    unsigned gap_len, gap = longest(octets, &gap_len);
    size_t at = 0;

    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == gap) {
            at += (size_t)snprintf(text + at, cap - at, "::");
            i += gap_len - 1;
        } else {
            at += (size_t)snprintf(text + at, cap - at, at == 0 || text[at - 1] == ':' ? "%x" : ":%x",
                                   octets[2 * i] << 8 | octets[2 * i + 1]);
        }
    }
}

const char *inet_ntop(int family, const void *address, char *restrict text, socklen_t cap)
{
    const uint8_t *octets = address;

    if (family == AF_INET6) {
        write_groups(octets, text, cap);
    } else {
        snprintf(text, cap, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
    }
    return text;
}

/* SPDX-License-Identifier: MIT
 *
 * The hosts of MX records in the order they are asked: the lowest preference first, equals as the mail's id draws them.
 */
#define _POSIX_C_SOURCE 200809L

#include "mx_list.h"

#include <stdlib.h>
#include <unbound.h>

static bool is_host_octet(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A name in the form of DNS, as text. "" is the root. False: it is damaged, or no host's. */
static bool read_name(char name[MOTE_DANE_NAME], const unsigned char *at, size_t len)
{
    size_t used = 0;

    while (len != 0 && *at != 0) {
        size_t label = *at++;

        len--;
        if (label >= len || used + label + 1 >= MOTE_DANE_NAME) {
            return false;
        }
        if (used != 0) {
            name[used++] = '.';
        }
        for (; label != 0; label--, len--) {
            if (!is_host_octet(*at)) {
                return false;
            }
            name[used++] = (char)*at++;
        }
    }
    name[used] = 0;
    return len == 1;
}

/* A number that the mail's id draws for a host (FNV-1a): the same each time, whatever other hosts there are. */
static uint64_t draw(const char *name, const uint8_t id[8])
{
    uint64_t drawn = UINT64_C(0xcbf29ce484222325);

    for (; *name != 0; name++) {
        drawn = (drawn ^ ((uint8_t)*name | 0x20u)) * UINT64_C(0x100000001b3); /* in lower case */
    }
    for (int i = 0; i < 8; i++) {
        drawn = (drawn ^ id[i]) * UINT64_C(0x100000001b3);
    }
    return (drawn ^ drawn >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

static int by_preference(const void *one, const void *other)
{
    const struct mote_mx *a = one, *b = other;

    return a->preference != b->preference ? (a->preference < b->preference ? -1 : 1)
           : a->order != b->order         ? (a->order < b->order ? -1 : 1)
                                          : 0;
}

static unsigned count_data(const struct ub_result *result)
{
    unsigned count = 0;

    while (result->data[count] != NULL) {
        count++;
    }
    return count;
}

struct mote_mx *mote_mx_list(const struct ub_result *result, const uint8_t id[8], unsigned *count)
{
    struct mote_mx *list = calloc(count_data(result) + 1, sizeof *list);

    *count = 0;
    for (int i = 0; list != NULL && result->data[i] != NULL; i++) {
        const unsigned char *octets = (const unsigned char *)result->data[i];
        struct mote_mx *candidate = &list[*count];

        if (result->len[i] < 3 || !read_name(candidate->name, octets + 2, (size_t)result->len[i] - 2)) {
            continue;
        }
        candidate->preference = (uint16_t)(octets[0] << 8 | octets[1]);
        candidate->order = draw(candidate->name, id);
        ++*count;
    }
    if (list != NULL) {
        qsort(list, *count, sizeof *list, by_preference);
    }
    return list;
}

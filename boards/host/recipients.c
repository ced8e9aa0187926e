/* SPDX-License-Identifier: MIT
 *
 * Whom a mail is for: a relay that was told an address twice might deliver twice.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "octets.h"
#include "recipients.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t local_len(const char *address)
{
    return (size_t)(strrchr(address, '@') - address);
}

static bool same(const char *one, const char *other)
{
    size_t len = local_len(one);

    return local_len(other) == len && memcmp(one, other, len) == 0 && strcasecmp(one + len, other + len) == 0;
}

/* Places, found by the local part, hold an index from 1 on; 0 is free. */
static bool is_new(uint16_t *places, uint32_t mask, const struct mote_rcpt *rcpts, unsigned i)
{
    const char *address = rcpts[i].address;
    uint32_t at = crc32(0, (const uint8_t *)address, local_len(address)) & mask;

    for (; places[at] != 0; at = (at + 1) & mask) {
        if (same(rcpts[places[at] - 1].address, address)) {
            return false;
        }
    }
    places[at] = (uint16_t)(i + 1);
    return true;
}

int recipients_once(struct mote_rcpt *rcpts, unsigned *count)
{
    unsigned all = *count;
    uint32_t size = 1;
    uint16_t *places;

    while (size <= 2 * all) {
        size *= 2;
    }
    places = calloc(size, sizeof *places);
    if (places == NULL) {
        complain("no memory for %u recipients: send several mails", all);
        return EX_OSERR;
    }
    *count = 0;
    for (unsigned i = 0; i < all; i++) {
        rcpts[*count].address = rcpts[i].address;
        *count += is_new(places, size - 1, rcpts, *count);
    }
    free(places);
    return EX_OK;
}

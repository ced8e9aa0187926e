/* SPDX-License-Identifier: MIT
 *
 * What lies behind BearSSL's small decoder in a session is room for the large one. AddressSanitizer is told to see an
 * octet written there.
 */
#ifndef GUARD_H
#define GUARD_H

#include "mailmote_session.h"

#include <sanitizer/asan_interface.h>

static inline void guard_decoder(struct mote_session *s, bool on)
{
    uint8_t *behind = (uint8_t *)&s->x509.u + sizeof s->x509.u.decoder;
    size_t len = sizeof s->x509.u - sizeof s->x509.u.decoder;

    if (on && !s->relay->trust.chain) {
        ASAN_POISON_MEMORY_REGION(behind, len);
    } else {
        ASAN_UNPOISON_MEMORY_REGION(behind, len);
    }
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * Writes CA files and has the POSIX port read them, in memory of any size.
 */
#define _GNU_SOURCE

#include "ca_files.h"

#include "mailmote_posix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY_MAX = 1 << 16 };

bool inside(const void *part, size_t len, const void *whole, size_t whole_len)
{
    const uint8_t *p = part, *w = whole;

    return len == 0 || (p >= w && p < w + whole_len && len <= (size_t)(w + whole_len - p));
}

/* ---- POSIX ---------------------------------------------------------------------------------------------------- */

static char text[1 << 18];
static size_t text_len;

static void put(const char *from, size_t len)
{
    require(text_len + len <= sizeof text, "harness: no room");
    memcpy(text + text_len, from, len);
    text_len += len;
}

void ca_text(const char *from, size_t len)
{
    text_len = 0;
    put(from, len < sizeof text ? len : sizeof text);
}

size_t ca_copy(uint8_t *to, size_t cap)
{
    size_t n = text_len < cap ? text_len : cap;

    memcpy(to, text, n);
    return n;
}

void ca_pem(const struct chain *chain, unsigned flags)
{
    static char digits[1 << 17];
    const char *end = (flags & CR_LF) != 0 ? "\r\n" : "\n";
    size_t width = (flags & LONG_LINES) != 0 ? 1000 : 64;

    text_len = 0;
    for (unsigned i = 0; i < chain->count; i++) {
        size_t len = base64(digits, chain->certificates[i].der, chain->certificates[i].len);

        put("-----BEGIN CERTIFICATE-----", 27);
        put(end, strlen(end));
        for (size_t at = 0; at < len; at += width) {
            put(digits + at, len - at < width ? len - at : width);
            put(end, strlen(end));
        }
        put("-----END CERTIFICATE-----", 25);
        put(end, (flags & BEHIND) == 0 || i + 1 < chain->count ? strlen(end) : 0);
    }
}

static size_t load(uint8_t *memory, size_t memory_len, const br_x509_trust_anchor **anchors)
{
    static int fd = -1;
    static char name[40];

    if (fd < 0) {
        fd = memfd_create("ca", 0);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, text, text_len, 0) == (ssize_t)text_len, "harness: no file");
    errno = 0;
    return mote_posix_anchors(name, memory, memory_len, anchors);
}

static void check_anchor(const br_x509_trust_anchor *anchor, const uint8_t *memory, size_t len)
{
    const br_x509_pkey *key = &anchor->pkey;

    require(inside(anchor->dn.data, anchor->dn.len, memory, len), "I5: a name outside the memory");
    if (key->key_type == BR_KEYTYPE_RSA) {
        require(inside(key->key.rsa.n, key->key.rsa.nlen, memory, len) &&
                    inside(key->key.rsa.e, key->key.rsa.elen, memory, len),
                "I5: a key outside the memory");
    } else {
        require(key->key_type == BR_KEYTYPE_EC && inside(key->key.ec.q, key->key.ec.qlen, memory, len),
                "I5: a key outside the memory");
    }
}

static size_t load_in(size_t memory_len)
{
    const br_x509_trust_anchor *anchors = NULL;
    uint8_t *memory = malloc(memory_len + (memory_len == 0));
    size_t count = load(memory, memory_len, &anchors);
    int error = errno;

    require(count != 0 || error != 0, "I5: no anchor, and no reason");
    for (size_t i = 0; i < count; i++) {
        require(inside(anchors + i, sizeof *anchors, memory, memory_len), "I5: an anchor outside the memory");
        check_anchor(anchors + i, memory, memory_len);
    }
    free(memory);
    errno = error;
    return count;
}

void ca_check_posix(size_t memory_len)
{
    size_t count = load_in(MEMORY_MAX), less;

    less = load_in(memory_len);
    require(less == count || (less == 0 && errno == ENOMEM), "I5: less memory, and some anchors are missing");
}

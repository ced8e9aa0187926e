/* SPDX-License-Identifier: MIT
 *
 * Certificates of a PEM file as BearSSL trust anchors, in memory the caller lends: the anchors grow from its low end, their
 * names and keys from its high end; between them the octets of one certificate are gathered.
 *
 * It checks no signature and no date: what is in the file is trusted because the caller says so. A file with a certificate
 * whose base64 is damaged is refused as a whole; one that is none inside, or that BearSSL cannot use, is passed over, and so is all else.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { BANNER_DASHES = 5, PIPE_MS = 5000 };

struct loader {
    br_x509_trust_anchor *anchors;
    size_t count;
    unsigned char *low, *high; /* the memory between the anchors and the octets behind them */
    size_t der_len;            /* octets of a certificate, at low */
    uint32_t bits;             /* of base64; the last bit_count of them are not an octet yet */
    unsigned bit_count;
    bool padded;      /* with '=': no digit may follow */
    bool certificate; /* inside one */
    bool line_begins;
    char banner[32]; /* its beginning */
    size_t banner_len;
    unsigned dashes; /* in a row, at the end of the banner */
    int error;       /* an errno */
};

/* ---- Certificates ------------------------------------------------------------------------------------------------ */

/* Keeps octets at the high end; they may overlap the free memory they move into. */
static unsigned char *keep(struct loader *loader, const void *octets, size_t len)
{
    loader->high -= len;
    return memmove(loader->high, octets, len);
}

/* What stands last in the certificate moves first: so nothing is overwritten that has yet to move. */
static void keep_anchor(struct loader *loader, br_x509_trust_anchor *anchor)
{
    br_x509_pkey *key = &anchor->pkey;

    if (key->key_type == BR_KEYTYPE_RSA) {
        key->key.rsa.e = keep(loader, key->key.rsa.e, key->key.rsa.elen);
        key->key.rsa.n = keep(loader, key->key.rsa.n, key->key.rsa.nlen);
    } else {
        key->key.ec.q = keep(loader, key->key.ec.q, key->key.ec.qlen);
    }
    anchor->dn.data = keep(loader, anchor->dn.data, anchor->dn.len);
    if ((size_t)(loader->high - loader->low) < sizeof *anchor) {
        loader->error = ENOMEM;
        return;
    }
    loader->anchors[loader->count++] = *anchor;
    loader->low += sizeof *anchor;
}

static void begin_certificate(struct loader *loader)
{
    loader->der_len = 0;
    loader->bit_count = 0;
    loader->padded = false;
    loader->certificate = true;
}

static void end_certificate(struct loader *loader)
{
    br_x509_trust_anchor anchor;

    loader->certificate = false;
    if (loader->bit_count != 0) {
        loader->error = EINVAL;
    } else if (mote_posix_anchor(&anchor, loader->low, loader->der_len)) {
        keep_anchor(loader, &anchor);
    }
}

/* ---- PEM (RFC 7468): base64 between two banners ------------------------------------------------------------------ */

enum { NO_DIGIT = 64 };

static uint32_t digit(uint32_t c)
{
    if (c - 'A' < 26) {
        return c - 'A';
    }
    if (c - 'a' < 26) {
        return c - 'a' + 26;
    }
    if (c - '0' < 10) {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

/* Padding stands for the bits that a last octet lacks: two at a time, and none that is set is left over. */
static bool padding(const struct loader *loader, char c)
{
    return c == '=' && (loader->bit_count == 2 || loader->bit_count == 4) &&
           (loader->bits & (((uint32_t)1 << loader->bit_count) - 1)) == 0;
}

static void take_digit(struct loader *loader, char c)
{
    uint32_t value = digit((unsigned char)c);

    if (value != NO_DIGIT && !loader->padded) {
        loader->bits = loader->bits << 6 | value;
        loader->bit_count += 6;
        if (loader->bit_count < 8) {
            return;
        }
        loader->bit_count -= 8;
        if (loader->low + loader->der_len == loader->high) {
            loader->error = ENOMEM;
            return;
        }
        loader->low[loader->der_len++] = (unsigned char)(loader->bits >> loader->bit_count);
    } else if (padding(loader, c)) {
        loader->bit_count -= 2;
        loader->padded = true;
    } else if ((unsigned char)c > ' ') {
        loader->error = EINVAL;
    }
}

/* What a longer one has left behind it is not looked at: the text holds no end of a banner. */
static bool banner_is(const struct loader *loader, const char *text)
{
    return memcmp(loader->banner, text, strlen(text)) == 0;
}

static void end_banner(struct loader *loader)
{
    if (loader->certificate && banner_is(loader, "-----END ")) {
        end_certificate(loader);
    } else if (loader->certificate) {
        loader->error = EINVAL;
    } else if (banner_is(loader, "-----BEGIN CERTIFICATE-") || banner_is(loader, "-----BEGIN X509 CERTIFICATE-")) {
        begin_certificate(loader);
    }
    loader->banner_len = 0;
}

/* A banner ends with its last dashes: where the next one follows without an end of line, a file was put behind one that does
 * not end in any. */
static void take_banner(struct loader *loader, char c)
{
    if (loader->banner_len < sizeof loader->banner) {
        loader->banner[loader->banner_len] = c;
    }
    loader->banner_len++;
    loader->dashes = c == '-' ? loader->dashes + 1 : 0;
    if (c == '\n' || (loader->banner_len >= 2 * BANNER_DASHES && loader->dashes >= BANNER_DASHES)) {
        end_banner(loader);
        loader->line_begins = true;
    }
}

static void push(struct loader *loader, const char *text, size_t len)
{
    for (size_t i = 0; i < len && loader->error == 0; i++) {
        char c = text[i];

        if (loader->banner_len != 0 || (c == '-' && loader->line_begins)) {
            take_banner(loader, c);
            continue;
        }
        loader->line_begins = c == '\n';
        if (loader->certificate) {
            take_digit(loader, c);
        }
    }
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

bool mote_posix_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int count;

    do {
        count = poll(&ready, 1, PIPE_MS);
    } while (count < 0 && errno == EINTR);
    errno = count == 0 ? ETIMEDOUT : errno;
    return count > 0;
}

static ssize_t read_some(int fd, char *text, size_t cap)
{
    ssize_t got;

    do {
        got = read(fd, text, cap);
    } while (got < 0 && (errno == EINTR || (errno == EAGAIN && mote_posix_readable(fd))));
    return got;
}

static void load(struct loader *loader, int fd)
{
    char text[16384];
    ssize_t got;

    do {
        got = read_some(fd, text, sizeof text);
        if (got > 0) {
            push(loader, text, (size_t)got);
        } else if (got < 0) {
            loader->error = errno;
        }
    } while (got != 0 && loader->error == 0);
    push(loader, "\n", 1); /* the last line may lack it */
    if (loader->error == 0 && (loader->certificate || loader->count == 0)) {
        loader->error = EINVAL;
    }
}

size_t mote_posix_anchors(const char *file, void *memory, size_t memory_len, const br_x509_trust_anchor **anchors)
{
    struct loader loader = {.line_begins = true};
    size_t gap = (size_t)(-(uintptr_t)memory % sizeof(void *));
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *anchors = NULL;
    if (fd < 0) {
        return 0;
    }
    loader.low = (unsigned char *)memory + (gap < memory_len ? gap : memory_len);
    loader.high = (unsigned char *)memory + memory_len;
    loader.anchors = (br_x509_trust_anchor *)(void *)loader.low;
    if (mote_posix_readable(fd)) {
        load(&loader, fd);
    } else {
        loader.error = errno;
    }
    close(fd);
    *anchors = loader.anchors;
    if (loader.error == 0) {
        return loader.count;
    }
    errno = loader.error;
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Certificates of a PEM file as BearSSL trust anchors, in memory the caller lends: the anchors grow from its low end, their
 * names and keys from its high end; between them the octets of one certificate are gathered.
 *
 * It checks no signature and no date: what is in the file is trusted because the caller says so. A file with a certificate
 * whose base64 is damaged is refused as a whole; one that is none inside, or that BearSSL cannot use, is passed over, and so is all else.
 */
#define _POSIX_C_SOURCE 200809L

#include "pem.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { PIPE_MS = 5000 };

struct loader {
    br_x509_trust_anchor *anchors;
    size_t count;
    unsigned char *low, *high; /* the memory between the anchors and the octets behind them, lent to pem */
    struct mote_pem pem;
    int error; /* an errno */
};

static void lend(struct loader *loader)
{
    loader->pem.der = loader->low;
    loader->pem.der_cap = (size_t)(loader->high - loader->low);
}

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

static void end_certificate(struct loader *loader)
{
    br_x509_trust_anchor anchor;

    if (mote_posix_anchor(&anchor, loader->pem.der, loader->pem.der_len)) {
        keep_anchor(loader, &anchor);
    }
    lend(loader);
}

static void push(struct loader *loader, const char *text, size_t len)
{
    for (size_t i = 0; i < len && loader->error == 0; i++) {
        switch (mote_pem_push(&loader->pem, text[i])) {
        case MOTE_PEM_CERTIFICATE: end_certificate(loader); break;
        case MOTE_PEM_WRONG: loader->error = EINVAL; break;
        case MOTE_PEM_FULL: loader->error = ENOMEM; break;
        default: break;
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
    if (loader->error == 0 && (loader->pem.begun != 0 || loader->count == 0)) {
        loader->error = EINVAL;
    }
}

size_t mote_posix_anchors(const char *file, void *memory, size_t memory_len, const br_x509_trust_anchor **anchors)
{
    struct loader loader = {.error = 0};
    size_t gap = (size_t)(-(uintptr_t)memory % sizeof(void *));
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *anchors = NULL;
    if (fd < 0) {
        return 0;
    }
    loader.low = (unsigned char *)memory + (gap < memory_len ? gap : memory_len);
    loader.high = (unsigned char *)memory + memory_len;
    loader.anchors = (br_x509_trust_anchor *)(void *)loader.low;
    mote_pem_init(&loader.pem);
    lend(&loader);
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

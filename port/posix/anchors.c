/* SPDX-License-Identifier: MIT
 *
 * Certificates of a PEM file as BearSSL trust anchors, in memory the caller lends: the anchors grow from its low end,
 * their names and keys from its high end.
 *
 * It checks no signature and no date: what is in the file is trusted because the caller says so. A file with a damaged
 * certificate is refused as a whole; a sound one that BearSSL cannot use is passed over, and so is all that is none.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BANNER_DASHES = 5 };

struct loader {
    br_pem_decoder_context pem;
    br_x509_decoder_context x509;
    br_x509_trust_anchor *anchors;
    size_t count;
    unsigned char *low, *high; /* the memory between the anchors and the octets behind them */
    size_t name_len;           /* octets of the certificate's name, gathered at low */
    unsigned dashes;           /* in a row, at the end of what was read */
    bool certificate;          /* inside one */
    bool damaged, full;
};

static void take_name(void *ctx, const void *octets, size_t len)
{
    struct loader *loader = ctx;

    if (len > (size_t)(loader->high - loader->low) - loader->name_len) {
        loader->full = true;
        return;
    }
    memcpy(loader->low + loader->name_len, octets, len);
    loader->name_len += len;
}

static void take_der(void *ctx, const void *octets, size_t len)
{
    struct loader *loader = ctx;

    mote_certificate_push(&loader->x509, octets, len);
}

/* Keeps octets at the high end; they may overlap the free memory they move into. */
static unsigned char *keep(struct loader *loader, const void *octets, size_t len)
{
    if (len > (size_t)(loader->high - loader->low)) {
        loader->full = true;
        return NULL;
    }
    loader->high -= len;
    return memmove(loader->high, octets, len);
}

static void keep_key(struct loader *loader, br_x509_pkey *to, const br_x509_pkey *key)
{
    *to = *key;
    if (key->key_type == BR_KEYTYPE_RSA) {
        to->key.rsa.n = keep(loader, key->key.rsa.n, key->key.rsa.nlen);
        to->key.rsa.e = keep(loader, key->key.rsa.e, key->key.rsa.elen);
    } else {
        to->key.ec.q = keep(loader, key->key.ec.q, key->key.ec.qlen);
    }
}

static void begin_certificate(struct loader *loader)
{
    size_t gap = (size_t)(-(uintptr_t)loader->low % sizeof(void *));

    if (gap + sizeof *loader->anchors > (size_t)(loader->high - loader->low)) {
        loader->full = true;
        return;
    }
    /* Room for this anchor; its name is gathered behind it. */
    if (loader->count == 0) {
        loader->anchors = (br_x509_trust_anchor *)(void *)(loader->low + gap);
    }
    loader->low = (unsigned char *)(loader->anchors + loader->count + 1);
    loader->name_len = 0;
    loader->certificate = true;
    br_x509_decoder_init(&loader->x509, take_name, loader);
    br_pem_decoder_setdest(&loader->pem, take_der, loader);
}

static void end_certificate(struct loader *loader)
{
    const br_x509_pkey *key = br_x509_decoder_get_pkey(&loader->x509);
    br_x509_trust_anchor *anchor = loader->anchors + loader->count;

    loader->certificate = false;
    if (key == NULL || loader->full) {
        loader->low = (unsigned char *)anchor;
        return;
    }
    anchor->dn.len = loader->name_len;
    anchor->dn.data = keep(loader, loader->low, loader->name_len);
    anchor->flags = br_x509_decoder_isCA(&loader->x509) ? BR_X509_TA_CA : 0;
    keep_key(loader, &anchor->pkey, key);
    loader->count++;
}

static void pem_event(struct loader *loader)
{
    const char *name = br_pem_decoder_name(&loader->pem);

    switch (br_pem_decoder_event(&loader->pem)) {
    case BR_PEM_BEGIN_OBJ:
        br_pem_decoder_setdest(&loader->pem, NULL, NULL);
        if (strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0) {
            begin_certificate(loader);
        }
        break;
    case BR_PEM_END_OBJ:
        if (loader->certificate) {
            end_certificate(loader);
        }
        break;
    case BR_PEM_ERROR:
        loader->damaged = loader->certificate;
        br_pem_decoder_init(&loader->pem); /* else the next object would begin with what is left of this one */
        break;
    default: break;
    }
}

static void push(struct loader *loader, const char *text, size_t len)
{
    while (len > 0 && !loader->damaged && !loader->full) {
        size_t used = br_pem_decoder_push(&loader->pem, text, len);

        text += used;
        len -= used;
        pem_event(loader);
    }
}

/* Without CR, which the decoder would take for a part of the object's name; and with the end of line that is missing where
 * a file was put behind one that does not end in any: ten dashes in a row end an object and begin the next. */
static void push_lines(struct loader *loader, const char *text, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r') {
            push(loader, text + from, i - from);
            from = i + 1;
            continue;
        }
        if (text[i] == '-' && loader->dashes == BANNER_DASHES) {
            push(loader, text + from, i - from);
            push(loader, "\n", 1);
            from = i;
            loader->dashes = 0;
        }
        loader->dashes = text[i] == '-' ? loader->dashes + 1 : 0;
    }
    push(loader, text + from, len - from);
}

/* Returns 0 or an errno. */
static int load(struct loader *loader, int fd)
{
    char text[1024];
    ssize_t got;

    do {
        got = read(fd, text, sizeof text);
        if (got > 0) {
            push_lines(loader, text, (size_t)got);
        } else if (got < 0 && errno != EINTR) {
            return errno;
        }
    } while (got != 0 && !loader->damaged && !loader->full);
    push(loader, "\n", 1); /* the last line may lack it */
    if (loader->full) {
        return ENOMEM;
    }
    return loader->damaged || loader->certificate || loader->count == 0 ? EINVAL : 0;
}

size_t mote_posix_anchors(const char *file, void *memory, size_t memory_len, const br_x509_trust_anchor **anchors)
{
    struct loader loader;
    int fd = open(file, O_RDONLY | O_CLOEXEC), error;

    *anchors = NULL;
    if (fd < 0) {
        return 0;
    }
    memset(&loader, 0, sizeof loader);
    loader.low = memory;
    loader.high = loader.low + memory_len;
    br_pem_decoder_init(&loader.pem);
    error = load(&loader, fd);
    close(fd);
    *anchors = loader.anchors;
    if (error == 0) {
        return loader.count;
    }
    errno = error;
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Certificates of PEM files, to be told of: an error has its line.
 */
#define _GNU_SOURCE

#include "../../port/posix/pem.h"
#include "complain.h"
#include "file.h"
#include "trust_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20)

const char *certificates_add(struct certificates *certificates, const unsigned char *octets, size_t len)
{
    struct certificate **list, *own;
    const char *what;

    list = realloc(certificates->list, (certificates->count + 1) * sizeof *list);
    if (list == NULL) {
        return "there is no memory for it";
    }
    certificates->list = list;
    own = malloc(sizeof *own + len);
    if (own == NULL) {
        return "there is no memory for it";
    }
    what = certificate_read(own, memcpy(own + 1, octets, len), len);
    if (what != NULL) {
        free(own);
        return what;
    }
    list[certificates->count++] = own;
    return NULL;
}

void certificates_free(struct certificates *certificates)
{
    for (size_t i = 0; i < certificates->count; i++) {
        free(certificates->list[i]);
    }
    free(certificates->list);
    *certificates = (struct certificates){NULL, 0};
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static int wrong(const char *file, unsigned line, const char *what)
{
    complain("%s:%u: this certificate %s: get the file anew", file, line, what);
    return EX_DATAERR;
}

static bool is_known(const struct certificates *certificates, const struct mote_pem *pem)
{
    for (size_t i = 0; i < certificates->count; i++) {
        struct mote_der *one = &certificates->list[i]->all;

        if (one->len == pem->der_len && memcmp(one->at, pem->der, one->len) == 0) {
            return true;
        }
    }
    return false;
}

/* One character; found: a certificate ended with it, or an earlier one. */
static int take(struct certificates *certificates, const char *file, struct mote_pem *pem, char c, bool *found)
{
    unsigned line = pem->line, begun = pem->begun;
    const char *what = NULL;

    switch (mote_pem_push(pem, c)) {
    case MOTE_PEM_CERTIFICATE:
        *found = true;
        what = is_known(certificates, pem) ? NULL : certificates_add(certificates, pem->der, pem->der_len);
        return what == NULL ? EX_OK : wrong(file, begun, what);
    case MOTE_PEM_MORE: return EX_OK;
    default: return wrong(file, line, "goes on with what is no base64");
    }
}

static int read_text(struct certificates *certificates, const char *file, const struct buffer *text)
{
    struct mote_pem pem;
    bool found = false;
    int status = EX_OK;

    mote_pem_init(&pem);
    pem.der_cap = text->len;
    pem.der = malloc(text->len + 1);
    if (pem.der == NULL) {
        complain("no memory for %s: is it the right file?", file);
        return EX_OSERR;
    }
    for (size_t i = 0; i <= text->len && status == EX_OK; i++) {
        status = take(certificates, file, &pem, i < text->len ? text->data[i] : '\n', &found);
    }
    free(pem.der);
    if (status == EX_OK && pem.begun != 0) {
        return wrong(file, pem.begun, "has no END");
    }
    if (status == EX_OK && !found) {
        complain("%s holds no certificate: give a PEM file, with BEGIN CERTIFICATE in it", file);
        return EX_DATAERR;
    }
    return status;
}

int certificates_read(struct certificates *certificates, const char *file)
{
    struct buffer text = {NULL, 0};
    int fd = file_open(file), status, error;

    error = fd < 0 ? errno : file_read_all(fd, &text, FILE_MAX);
    if (fd >= 0) {
        close(fd);
    }
    if (error != 0) {
        complain("%s cannot be read: %s", file, strerror(error));
        status = EX_NOINPUT;
    } else {
        status = read_text(certificates, file, &text);
    }
    free(text.data);
    return status;
}

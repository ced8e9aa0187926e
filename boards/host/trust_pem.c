/* SPDX-License-Identifier: MIT
 *
 * Reads PEM (RFC 7468) line by line, so that an error has its line. What stands between certificates is passed over, as in the
 * files that CAs hand out.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "file.h"
#include "trust_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20)

struct reader {
    br_pem_decoder_context pem;
    struct certificates *into;
    const char *file;
    unsigned line, begun; /* the line being read, and that of BEGIN; 0 = not in a certificate */
    unsigned char *der;   /* as large as the file */
    size_t len;
    bool found;
};

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

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static int wrong(const struct reader *reader, unsigned line, const char *what)
{
    complain("%s:%u: this certificate %s: get the file anew", reader->file, line, what);
    return EX_DATAERR;
}

static void take_der(void *ctx, const void *octets, size_t len)
{
    struct reader *reader = ctx;

    memcpy(reader->der + reader->len, octets, len);
    reader->len += len;
}

static void begin_object(struct reader *reader)
{
    const char *name = br_pem_decoder_name(&reader->pem);
    bool certificate = strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0;

    reader->begun = certificate ? reader->line : 0;
    reader->len = 0;
    br_pem_decoder_setdest(&reader->pem, certificate ? take_der : NULL, reader);
}

static bool is_known(const struct reader *reader)
{
    for (size_t i = 0; i < reader->into->count; i++) {
        struct der *one = &reader->into->list[i]->all;

        if (one->len == reader->len && memcmp(one->at, reader->der, one->len) == 0) {
            return true;
        }
    }
    return false;
}

static int end_object(struct reader *reader)
{
    unsigned begun = reader->begun;
    const char *what =
        begun != 0 && !is_known(reader) ? certificates_add(reader->into, reader->der, reader->len) : NULL;

    reader->begun = 0;
    reader->found |= begun != 0;
    return what == NULL ? EX_OK : wrong(reader, begun, what);
}

static int take(struct reader *reader, const char *text, size_t len)
{
    int status = EX_OK;

    while (len > 0 && status == EX_OK) {
        size_t used = br_pem_decoder_push(&reader->pem, text, len);

        text += used;
        len -= used;
        switch (br_pem_decoder_event(&reader->pem)) {
        case BR_PEM_BEGIN_OBJ: begin_object(reader); break;
        case BR_PEM_END_OBJ: status = end_object(reader); break;
        case BR_PEM_ERROR:
            status = reader->begun != 0 ? wrong(reader, reader->line, "goes on with what is no base64") : EX_OK;
            br_pem_decoder_init(&reader->pem);
            break;
        default: break;
        }
    }
    return status;
}

/* The decoder takes neither CR nor a last line without its end. Where a file was put behind one that lacks it, ten
 * dashes in a row end a certificate and begin the next. */
static int take_line(struct reader *reader, const char *text, size_t len)
{
    const char *seam = memmem(text, len, "----------", 10);
    size_t before = seam != NULL ? (size_t)(seam + 5 - text) : 0;
    int status = before != 0 ? take(reader, text, before) : EX_OK;

    if (before != 0 && status == EX_OK) {
        status = take(reader, "\n", 1);
    }
    if (status == EX_OK) {
        status = take(reader, text + before, len - before - (len > before && text[len - 1] == '\r'));
    }
    return status == EX_OK ? take(reader, "\n", 1) : status;
}

static int take_text(struct reader *reader, const char *text, size_t len)
{
    const char *stop = text + len;
    int status = EX_OK;

    while (text < stop && status == EX_OK) {
        const char *newline = memchr(text, '\n', (size_t)(stop - text));
        const char *line_end = newline != NULL ? newline : stop;

        reader->line++;
        status = take_line(reader, text, (size_t)(line_end - text));
        text = newline != NULL ? newline + 1 : stop;
    }
    return status != EX_OK || reader->begun == 0 ? status : wrong(reader, reader->begun, "has no END");
}

static int read_text(struct certificates *certificates, const char *file, const struct buffer *text)
{
    struct reader reader = {.into = certificates, .file = file, .der = malloc(text->len + 1)};
    int status;

    if (reader.der == NULL) {
        complain("no memory for %s: is it the right file?", file);
        return EX_OSERR;
    }
    br_pem_decoder_init(&reader.pem);
    status = take_text(&reader, text->data, text->len);
    free(reader.der);
    if (status == EX_OK && !reader.found) {
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

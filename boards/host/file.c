/* SPDX-License-Identifier: MIT
 *
 * Reads secrets and other files whole. A secret is read into one place that never moves, so that it can be wiped; it is
 * never printed, whatever goes wrong.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "file.h"
#include "mailmote_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat about;

    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode) && !mote_posix_readable(fd)) {
        close(fd);
        errno = ETIMEDOUT;
        return -1;
    }
    return fd;
}

/* Reads to the end or until cap octets are there. Returns 0 or an errno. */
static int read_some(int fd, struct buffer *into, size_t cap)
{
    while (into->len < cap) {
        ssize_t got = read(fd, into->data + into->len, cap - into->len);

        if (got < 0 && errno == EAGAIN && mote_posix_readable(fd)) {
            continue;
        }

        if (got == 0) {
            break;
        }
        if (got > 0) {
            into->len += (size_t)got;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int file_read_all(int fd, struct buffer *file, size_t max)
{
    size_t cap = 65536;

    for (;; cap *= 2) {
        char *more = realloc(file->data, cap + 1);
        int error;

        if (more == NULL) {
            return ENOMEM;
        }
        file->data = more;
        error = read_some(fd, file, cap);
        if (error != 0) {
            return error;
        }
        if (file->len > max) {
            return EFBIG;
        }
        if (file->len < cap) {
            break;
        }
    }
    file->data[file->len] = 0;
    return 0;
}

static void skip_mark(struct buffer *text)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t len = sizeof mark - 1;

    if (strncmp(text->data, mark, len) == 0) {
        text->len -= len;
        memmove(text->data, text->data + len, text->len + 1);
    }
}

int file_read_text(const char *file, struct buffer *text, size_t max, struct stat *about)
{
    int fd = file_open(file);
    int error = fd < 0 || fstat(fd, about) != 0 ? errno : file_read_all(fd, text, max);

    if (fd >= 0) {
        close(fd);
    }
    if (error == 0 && strlen(text->data) != text->len) {
        error = EILSEQ;
    }
    if (error == 0) {
        skip_mark(text);
    }
    return error;
}

void file_refuse_text(const char *what, const char *file, const struct buffer *text, int error)
{
    unsigned line = 1;

    if (error != EILSEQ) {
        complain("%s%s cannot be read: %s", what, file, strerror(error));
        return;
    }
    for (const char *at = text->data; *at != 0; at++) {
        line += *at == '\n';
    }
    complain_about(file, line);
    complain("a NUL character: take it out, or write the file anew as UTF-8");
    complain_about(NULL, 0);
}

int buffer_grow(struct buffer *buffer, size_t *cap)
{
    char *more;

    if (*cap - buffer->len >= BUFFER_PIECE) {
        return EX_OK;
    }
    *cap = 2 * *cap + BUFFER_PIECE;
    more = realloc(buffer->data, *cap);
    if (more == NULL) {
        complain("no memory for the mail: send a smaller one");
        return EX_OSERR;
    }
    buffer->data = more;
    return EX_OK;
}

bool buffer_close(FILE *out, const struct buffer *text)
{
    bool good = !ferror(out);

    return fclose(out) == 0 && good && text->data != NULL;
}

int buffer_fill(struct buffer *buffer, size_t (*read)(void *ctx, size_t offset, void *buf, size_t cap), void *ctx)
{
    size_t cap = 0, len;

    do {
        int status = buffer_grow(buffer, &cap);

        if (status != EX_OK) {
            return status;
        }
        len = read(ctx, buffer->len, buffer->data + buffer->len, cap - buffer->len);
        if (len == MOTE_READ_FAILED) {
            return EX_DATAERR;
        }
        buffer->len += len;
    } while (len != 0);
    return EX_OK;
}

size_t buffer_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    const struct buffer *buffer = ctx;
    size_t left = offset < buffer->len ? buffer->len - offset : 0;

    if (left > cap) {
        left = cap;
    }
    memcpy(buf, buffer->data + offset, left);
    return left;
}

int file_check_owner(const struct stat *about, const char *file)
{
    if (about->st_uid != geteuid() && about->st_uid != 0) {
        complain("%s belongs to another user, who may not want it used: chown it to yourself or root", file);
    } else if ((about->st_mode & (S_IROTH | S_IWOTH)) != 0) {
        complain("%s is open to all users: chmod 600 %s, or 640 for its group", file, file);
    } else {
        return EX_OK;
    }
    return EX_CONFIG;
}

/* A login is one line in SMTP. */
static int check_line(const struct buffer *secret, const char *file)
{
    for (size_t i = 0; i < secret->len; i++) {
        unsigned char c = (unsigned char)secret->data[i];

        if (c == '\n' || c == '\r') {
            complain("%s holds more than one line, or an empty one: a password or token is one line", file);
        } else if (c == 0) {
            complain("%s holds a NUL octet: is it the right file?", file);
        } else if (c < ' ') {
            complain("%s holds a control character (octet %zu): take it out", file, i + 1);
        } else {
            continue;
        }
        return EX_CONFIG;
    }
    return EX_OK;
}

int file_check_secret(struct buffer *secret, const char *file)
{
    if (secret->len > 0 && secret->data[secret->len - 1] == '\n') {
        secret->len--;
        if (secret->len > 0 && secret->data[secret->len - 1] == '\r') {
            secret->len--;
        }
    }
    secret->data[secret->len] = 0;
    if (secret->len == 0) {
        complain("%s is empty: put the password or token into it", file);
    } else if (secret->len >= SECRET_MAX) {
        complain("%s is larger than a secret can be: is it the right file?", file);
    } else {
        return check_line(secret, file);
    }
    return EX_CONFIG;
}

static int read_secret(int fd, struct buffer *secret, const char *file)
{
    struct stat about;
    int error = fstat(fd, &about) != 0 ? errno : 0, status = error == 0 ? file_check_owner(&about, file) : EX_OK;

    if (status != EX_OK) {
        return status;
    }
    secret->data = calloc(1, SECRET_MAX + 2);
    if (secret->data == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    error = error != 0 ? error : read_some(fd, secret, SECRET_MAX + 1);
    if (error != 0) {
        complain("%s cannot be read: %s", file, strerror(error));
        return EX_CONFIG;
    }
    return file_check_secret(secret, file);
}

int file_read_secret(struct buffer *secret, const char *file)
{
    int fd = file_open(file), status;

    if (fd < 0) {
        complain("%s cannot be opened: %s", file, strerror(errno));
        return EX_CONFIG;
    }
    status = read_secret(fd, secret, file);
    close(fd);
    return status;
}

void buffer_wipe(struct buffer *buffer)
{
    volatile char *at = buffer->data;
    size_t left = buffer->len;

    while (left-- > 0) {
        *at++ = 0;
    }
    free(buffer->data);
    buffer->data = NULL;
    buffer->len = 0;
}

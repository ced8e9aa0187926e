/* SPDX-License-Identifier: MIT
 *
 * What is read whole: a password, a configuration, a mail that no spool keeps.
 */
#ifndef MAILMOTE_HOST_FILE_H
#define MAILMOTE_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

/* Octets; those of a file have a NUL behind them. */
struct buffer {
    char *data;
    size_t len;
};

/* Room for as many octets more. *cap, at first 0, is how many there are in all. EX_OSERR: there is none. */
#define BUFFER_PIECE ((size_t)4096)
int buffer_grow(struct buffer *buffer, size_t *cap);

/* Ends what open_memstream() writes. False: not all of it is there, or nothing, as glibc can lack memory here and not say so. */
bool buffer_close(FILE *out, const struct buffer *text);

/* All that a reader of a mail gives (mote_mail.read). EX_DATAERR when it fails, of which it has told. */
int buffer_fill(struct buffer *buffer, size_t (*read)(void *ctx, size_t offset, void *buf, size_t cap), void *ctx);

/* Such a reader; ctx is a struct buffer. */
size_t buffer_read(void *ctx, size_t offset, void *buf, size_t cap);

/* For reading; -1 and errno. Neither it nor what reads such a file here waits for the writer of a pipe for long. */
int file_open(const char *file);

/* All of an open file, at most max octets. Returns 0 or an errno. */
int file_read_all(int fd, struct buffer *file, size_t max);

/* The same of a file by its name, and what is known of it. A text has no NUL: else EILSEQ. A byte order mark that an editor
 * put in front of it is left out. */
int file_read_text(const char *file, struct buffer *text, size_t max, struct stat *about);

/* Complains of a text that was not read so; what it is ends with a space. */
void file_refuse_text(const char *what, const char *file, const struct buffer *text, int error);

#define SECRET_MAX ((size_t)64 << 10)

/* A secret that everybody may read is none, and another user's is not ours to use (EX_CONFIG). A group may share one: mode
 * 640. */
int file_check_owner(const struct stat *about, const char *file);

/* Takes the end of its line off. It is one line of at most SECRET_MAX octets, and has no control characters (EX_CONFIG). */
int file_check_secret(struct buffer *secret, const char *name);

/* A password or token that a file holds. */
int file_read_secret(struct buffer *secret, const char *file);

/* Overwrites and frees. */
void buffer_wipe(struct buffer *buffer);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What is read whole: a password, a configuration.
 */
#ifndef MAILMOTE_HOST_FILE_H
#define MAILMOTE_HOST_FILE_H

#include <stddef.h>

/* All of a file, with a NUL behind it. */
struct buffer {
    char *data;
    size_t len;
};

/* All of an open file, at most max octets. Returns 0 or an errno. */
int file_read_all(int fd, struct buffer *file, size_t max);

/* A password or token: the file without its last end of line. */
int file_read_secret(struct buffer *secret, const char *file);

/* Overwrites and frees. */
void buffer_wipe(struct buffer *buffer);

#endif

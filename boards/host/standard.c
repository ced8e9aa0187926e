/* SPDX-License-Identifier: MIT
 *
 * Reads standard input until it ends, or, as callers of sendmail have it, up to a lone dot.
 */
#define _GNU_SOURCE

#include "standard.h"
#include "complain.h"
#include "mailmote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void standard_begin(struct standard *standard)
{
    standard->line = true;
    standard->ahead = -1;
}

/* What is left when NULs are out. */
static size_t without_nuls(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t at = 0; at < len; at++) {
        if (text[at] != 0) {
            text[kept++] = text[at];
        }
    }
    return kept;
}

static size_t read_once(char *to, size_t cap)
{
    ssize_t got;

    do {
        got = read(STDIN_FILENO, to, cap);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EBADF) {
        complain("standard input is closed: give the text of the mail there, or </dev/null for none");
        return MOTE_READ_FAILED;
    }
    if (got < 0) {
        complain("standard input cannot be read: %s", strerror(errno));
        return MOTE_READ_FAILED;
    }
    return (size_t)got;
}

static size_t read_octets(struct standard *standard, char *to, size_t cap)
{
    size_t got, kept;

    do {
        const char *nul;

        got = kept = read_once(to, cap);
        if (got == MOTE_READ_FAILED) {
            return got;
        }
        nul = memchr(to, 0, got);
        if (nul != NULL && !standard->no_nuls) {
            complain("octet %zu of standard input is NUL, which no mail can hold: take it out or encode it",
                     standard->total + (size_t)(nul - to) + 1);
            return MOTE_READ_FAILED;
        }
        standard->total += got;
        if (standard->total > INPUT_MAX) {
            complain("the mail is larger than %zu octets: send a smaller one", INPUT_MAX);
            return MOTE_READ_FAILED;
        }
        kept = nul != NULL ? without_nuls(to, got) : got;
    } while (kept == 0 && got != 0);
    standard->ended = got == 0;
    return kept;
}

/* Octets in front of the lone dot that ends them; len when there is none. What is behind a dot at their end is read. */
static size_t until_dot(struct standard *standard, const char *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        char next = at + 1 < len ? text[at + 1] : '\n';

        if (standard->line && text[at] == '.' && at + 1 == len) {
            size_t got = read_octets(standard, &next, 1);

            if (got == MOTE_READ_FAILED) {
                return got;
            }
            standard->ahead = got == 0 ? -1 : (unsigned char)next;
        }
        if (standard->line && text[at] == '.' && (next == '\n' || next == '\r')) {
            standard->ended = true;
            standard->ahead = -1;
            return at;
        }
        standard->line = text[at] == '\n' || text[at] == '\r';
    }
    return len;
}

size_t standard_read(struct standard *standard, char *to, size_t cap)
{
    size_t got;

    if (standard->ahead >= 0) {
        *to = (char)standard->ahead;
        standard->ahead = -1;
        standard->line = *to == '\n' || *to == '\r';
        return 1;
    }
    got = standard->ended ? 0 : read_octets(standard, to, cap);
    return standard->dots && got != MOTE_READ_FAILED ? until_dot(standard, to, got) : got;
}

void standard_hush(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        close(null);
    }
}

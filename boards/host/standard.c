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
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { NOTHING = -1, FAILED = -2 };

void standard_begin(struct standard *standard)
{
    standard->line = true;
    standard->behind = NOTHING;
}

/* What is left when NULs are out, and of CRs in front of an LF all but one. */
static size_t without_odd(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t at = 0; at < len; at++) {
        while (text[at] == '\n' && kept > 1 && text[kept - 1] == '\r' && text[kept - 2] == '\r') {
            kept--;
        }
        if (text[at] != 0) {
            text[kept++] = text[at];
        }
    }
    return kept;
}

static size_t read_once(char *to, size_t cap)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t got;

    while ((got = read(STDIN_FILENO, to, cap)) < 0 && (errno == EINTR || errno == EAGAIN)) {
        poll(&input, 1, -1); /* a caller's pipe may be one whose reads do not wait */
    }
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

/* Octet number at of what was read, or as many behind it as ahead has room for; NOTHING at the end. */
static int octet_at(struct standard *standard, const char *octets, size_t len, size_t at)
{
    while (at >= len + standard->ahead_len) {
        size_t got = read_once(standard->ahead + standard->ahead_len, 1);

        if (got != 1) {
            return got == 0 ? NOTHING : FAILED;
        }
        standard->ahead_len++;
    }
    return (unsigned char)(at < len ? octets[at] : standard->ahead[at - len]);
}

static size_t read_ahead(struct standard *standard, char *to)
{
    *to = standard->ahead[0];
    standard->ahead[0] = standard->ahead[1];
    standard->ahead_len--;
    return 1;
}

/* Up to the lone dot that ends it, as it came: a dot beside a NUL is none, nor is one beside a CR alone. */
static size_t read_lines(struct standard *standard, char *to, size_t cap)
{
    size_t len = standard->dotted ? 0 : standard->ahead_len > 0 ? read_ahead(standard, to) : read_once(to, cap);

    for (size_t at = 0; standard->dots && len != MOTE_READ_FAILED && at < len; at++) {
        if (standard->line && to[at] == '.') {
            int next = octet_at(standard, to, len, at + 1);

            if (next == '\r') {
                next = octet_at(standard, to, len, at + 2);
            }
            if (next == FAILED) {
                return MOTE_READ_FAILED;
            }
            standard->dotted = next == '\n' || next == NOTHING;
            if (standard->dotted) {
                return at;
            }
        }
        standard->line = to[at] == '\n';
    }
    return len;
}

/* Until there is something to keep, or the end; octets that follow a CR which is held back are read one by one. *crs: so many are in
 * front of it. */
static size_t read_kept(struct standard *standard, char *to, size_t cap, size_t *crs)
{
    size_t got, kept;

    do {
        const char *nul;

        *crs = standard->crs;
        got = read_lines(standard, to, *crs > 0 ? 1 : cap);
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
        for (kept = without_odd(to, got); kept > 0 && to[kept - 1] == '\r'; kept--) {
            standard->crs++;
        }
    } while (kept == 0 && got != 0);
    return kept;
}

/* CRs at the end of what was read wait for what is behind them. */
static size_t read_octets(struct standard *standard, char *to, size_t cap)
{
    size_t crs;

    if (standard->behind < 0) {
        size_t kept = read_kept(standard, to, cap, &crs);

        if (kept == MOTE_READ_FAILED) {
            return kept;
        }
        standard->ended = kept == 0 && crs <= cap;
        if (crs == 0) {
            return kept;
        }
        standard->behind = kept == 0 ? NOTHING : (unsigned char)*to;
        standard->crs = standard->behind == '\n' ? 1 : crs;
    }
    crs = standard->crs < cap ? standard->crs : cap;
    standard->crs -= crs;
    if (crs > 0) {
        memset(to, '\r', crs);
        return crs;
    }
    *to = (char)standard->behind;
    standard->behind = NOTHING;
    return 1;
}

size_t standard_read(struct standard *standard, char *to, size_t cap)
{
    return standard->ended ? 0 : read_octets(standard, to, cap);
}

void standard_hush(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        close(null);
    }
}

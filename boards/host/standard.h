/* SPDX-License-Identifier: MIT
 *
 * Standard input, and output that nobody is to see.
 */
#ifndef MAILMOTE_HOST_STANDARD_H
#define MAILMOTE_HOST_STANDARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_MAX ((size_t)64 << 20)

/* Zeros, but for the first two, until standard_begin(). */
struct standard {
    bool dots;    /* a line that is a dot and no more, between LFs, CRLFs or the ends of it, ends it */
    bool no_nuls; /* they are left out; else one is an error */
    bool ended;
    bool line;     /* it was read up to the beginning of a line */
    bool dotted;   /* and the lone dot was there */
    char ahead[2]; /* what was read behind a dot there, and is not given yet */
    uint8_t ahead_len;
    int behind;   /* the octet behind the CRs, or -1 */
    size_t crs;   /* that were read and are not given yet */
    size_t total; /* octets that were read */
};

void standard_begin(struct standard *standard);

/* Octets, at most cap of them, and of several CRs in front of an LF one, which is 1 or more; 0 is the end. MOTE_READ_FAILED after a complaint. */
size_t standard_read(struct standard *standard, char *to, size_t cap);

/* What is written to standard output from here on is lost: callers of sendmail expect no results. */
void standard_hush(void);

#endif

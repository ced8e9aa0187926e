/* SPDX-License-Identifier: MIT
 *
 * The addresses of a header field (RFC 5322 3.4, and the obsolete forms of 4.4), one after the other.
 */
#ifndef MAILMOTE_HOST_ADDRESS_LIST_H
#define MAILMOTE_HOST_ADDRESS_LIST_H

#include "field.h"

#include <stdint.h>

enum {
    ADDRESS_END,      /* of the list */
    ADDRESS_ONE,      /* spec, and what stands around it */
    ADDRESS_NAMELESS, /* words, and no address: name has them */
    ADDRESS_GROUP,    /* begins, with a name */
    ADDRESS_GROUP_END,
    ADDRESS_WRONG /* it cannot be read from here on */
};

struct address {
    uint8_t kind;
    bool has_domain;     /* spec has an "@" */
    struct span name;    /* the words in front, as they stand there; len is 0 where there are none */
    struct span comment; /* the first comment, without its brackets; the same */
    char spec[320];      /* local-part@domain, or a local-part alone; without blanks, comments and a route */
};

/* Takes the next part of the list off *rest, at first a field's value. */
void address_next(struct span *rest, struct address *address);

/* A name that nothing stands behind which an "@" parts from it; one in quotes is the name's own. */
bool address_bare(struct span name);

/* What a phrase or a comment says: without quotes and backslashes, on one line. It ends with a NUL; what does not fit is
 * left out. Returns how many octets it has. */
size_t address_words(char *to, size_t cap, struct span words);

#endif

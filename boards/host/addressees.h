/* SPDX-License-Identifier: MIT
 *
 * Whom a mail goes to, by the words of a command line or the fields of a header.
 */
#ifndef MAILMOTE_HOST_ADDRESSEES_H
#define MAILMOTE_HOST_ADDRESSEES_H

#include "aliases.h"
#include "field.h"
#include "made.h"

/* Its aliases are opened by whoever has it, with the domain that completes names. */
struct addressees {
    struct aliases aliases;
    struct words to;
    struct made *made; /* what the list points into */
    unsigned named;    /* addresses and names that were read */
    unsigned left_out; /* those that could not be */
    char first[600];   /* of the others, completed */
};

/* Adds the addresses of a list, and those that names in it stand for. Of one that cannot be read it is told where it is. EX_CONFIG
 * as aliases_address(). */
int addressees_add(struct addressees *all, struct span list, const char *where);

/* Those of a header's To, Cc and Bcc; of a message that is sent on, of the first such fields with Resent- in front. */
int addressees_of_header(struct addressees *all, struct span header);

void addressees_free(struct addressees *all);

#endif

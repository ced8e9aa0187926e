/* SPDX-License-Identifier: MIT
 *
 * What is made of the fields of a header that a caller wrote.
 */
#ifndef MAILMOTE_HOST_HEADER_H
#define MAILMOTE_HOST_HEADER_H

#include "address_list.h"

#include <stdio.h>

struct header_rules {
    const char *from;    /* an address: for a From field that is made or written anew; "" = there is none */
    const char *name;    /* the display name that goes with it, or NULL */
    const char *domain;  /* completes addresses that have none; "" = they stay as they are */
    bool local;          /* so it does those at this host */
    const char *charset; /* of 8-bit text that is no UTF-8 */
    uint8_t from_field;  /* FROM_... of args.h */
};

/* A field as it is to be sent, and its end of line: as it came, unless it is not ASCII (RFC 2047), has addresses without a
 * domain, or is a From field that is to be written anew. */
void header_write(FILE *out, struct span field, const struct header_rules *rules);

/* A type without the end of its last line; its parameters are made ASCII (RFC 2231). */
void header_write_type(FILE *out, struct span field, const struct header_rules *rules);

/* "From: ", with the rules' name, or where that is NULL with this one; len 0: none. */
void header_write_from(FILE *out, struct span name, const struct header_rules *rules);

/* Has it nothing where there must be something: no address, or no word and it is no text (RFC 5322 3.6)? Then it is as good as
 * missing. */
bool header_is_void(struct span field);

/* An address as it goes into an envelope: with the rules' domain if it has none. False where it fits no address. */
bool header_complete(char *to, size_t cap, const char *spec, bool has_domain, const char *domain);

#endif

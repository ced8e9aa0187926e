/* SPDX-License-Identifier: MIT
 *
 * Strings that are made on the way, and freed together.
 */
#ifndef MAILMOTE_HOST_MADE_H
#define MAILMOTE_HOST_MADE_H

#include <stddef.h>

struct made; /* a list: NULL at first */

/* Room for len octets and a NUL, which is there. NULL after a complaint. */
char *made_string(struct made **list, size_t len);

void made_free(struct made **list);

#endif

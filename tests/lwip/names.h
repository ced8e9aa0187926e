/* SPDX-License-Identifier: MIT
 *
 * A name server on the far side: it knows the relay's IPv4 address for all names, perhaps an IPv6 address, or
 * nothing, or does not answer.
 */
#ifndef MOTE_TEST_NAMES_H
#define MOTE_TEST_NAMES_H

#include <stdbool.h>

struct names {
    bool silent, ignorant;
    bool wrong_first; /* the first IPv4 address it says is nobody's */
    const char *ipv6; /* NULL = none */
    int questions;
};

/* From now on lwIP asks this one. */
void names_start(struct names *names);
void names_stop(void);

#endif

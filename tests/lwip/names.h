/* SPDX-License-Identifier: MIT
 *
 * A name server on the same stack: it knows one address for all names, of IPv4, or nothing, or does not answer.
 */
#ifndef MOTE_TEST_NAMES_H
#define MOTE_TEST_NAMES_H

#include <stdbool.h>

struct names {
    bool silent, ignorant;
    int questions;
};

/* From now on lwIP asks this one. */
void names_start(struct names *names);
void names_stop(void);

#endif

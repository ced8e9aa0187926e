/* SPDX-License-Identifier: MIT
 *
 * The hosts of MX records.
 */
#ifndef MOTE_PORT_DANE_MX_LIST_H
#define MOTE_PORT_DANE_MX_LIST_H

#include "dane.h"

struct mote_mx {
    char name[MOTE_DANE_NAME]; /* "": the root, which is no host */
    uint16_t preference;
    uint64_t order; /* among equals */
};

/* In the order they are asked, but for records that name what is no host; to be given to free(). NULL: there is no memory. */
struct mote_mx *mote_mx_list(const struct ub_result *result, const uint8_t id[8], unsigned *count);

#endif

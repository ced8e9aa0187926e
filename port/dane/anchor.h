/* SPDX-License-Identifier: MIT
 *
 * The keys that DNSSEC is validated from.
 */
#ifndef MOTE_PORT_DANE_ANCHOR_H
#define MOTE_PORT_DANE_ANCHOR_H

#include "dane.h"

#include <unbound.h>

/* The file's; NULL: those of the root. False, and why: one of them cannot be read, or none of the root's can be used. */
bool mote_dane_add_anchor(struct ub_ctx *ctx, const char *file, char why[MOTE_DANE_WHY]);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A C header of certificates, on standard output.
 */
#ifndef MAILMOTE_HOST_TRUST_HEADER_H
#define MAILMOTE_HOST_TRUST_HEADER_H

#include "trust_pem.h"

/* Their names and keys, for mote_trust_anchors(). Nothing is written where one of them cannot be used. */
int write_anchors(const struct certificates *certificates);

/* The hashes of their keys, for mote_trust_pins(). */
int write_pins(const struct certificates *certificates);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The certificate a relay shows, for -v.
 */
#ifndef MAILMOTE_HOST_WITNESS_H
#define MAILMOTE_HOST_WITNESS_H

#include "mailmote_session.h"

/* From now on each handshake with these relays, MOTE_RELAYS_MAX at most, tells of their certificate on stderr, whether it is
 * accepted or not. Whether it is remains as it was. */
void witness_relays(struct mote_relay *relays, unsigned count);

#endif

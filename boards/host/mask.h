/* SPDX-License-Identifier: MIT
 *
 * What a relay says may repeat what it was told.
 */
#ifndef MAILMOTE_HOST_MASK_H
#define MAILMOTE_HOST_MASK_H

#include "relay.h"

/* Takes the secrets of the relays' logins out of a text, as they are and as they were sent (base64), and parts of them: of each is
 * left "***". Returns how many octets are left; a NUL behind the text, which it must have, is behind them. */
size_t mask_secrets(const struct relays *relays, char *text, size_t len);

#endif

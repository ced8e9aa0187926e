/* SPDX-License-Identifier: MIT
 *
 * What the port is to deliver: an outbox with one mail, in a flash that is memory.
 */
#ifndef MOTE_TEST_OUTBOX_H
#define MOTE_TEST_OUTBOX_H

#include "mailmote_lwip.h"

enum { PORT = 25, TEXT_MAX = 20000 };

extern struct mote_outbox outbox;
extern struct mote_lwip lwip;
extern char text[TEXT_MAX + 1]; /* of the mail */

/* The text has so many octets, in lines. */
void set_text(size_t len);

/* The outbox holds one mail for this relay, which may be spoken to in clear, or only with its certificate checked. */
void post(const char *host, bool secure);

/* Another one for it, of the same text. */
void post_another(int number);

#endif

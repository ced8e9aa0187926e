/* SPDX-License-Identifier: MIT
 *
 * What the server of a script says. Each call adds to a speech; what fits is asked from the model.
 */
#ifndef SERVER_H
#define SERVER_H

#include "fuzz.h"

struct speech {
    uint8_t octets[20000];
    size_t len;
};
void say(struct speech *out, const char *text);
/* A good reply to what is due: to the command that waits longest (0), to the one behind it (1); behind the last it is QUIT's. */
void say_fitting(struct speech *out, const struct model *m, unsigned which);
void say_offers(struct speech *out, unsigned offers, unsigned style); /* to EHLO */
void say_canned(struct speech *out, unsigned which);
void say_code(struct speech *out, unsigned which, unsigned style);
void say_long(struct speech *out, unsigned code, unsigned which);

#endif

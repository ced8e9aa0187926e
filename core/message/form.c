/* SPDX-License-Identifier: MIT
 *
 * What fields.c and parts.c write lines of the header with, and a message without them does not need.
 */
#include "writer.h"

void mote_put_form(struct mote_writer *w, const char *form, const char *const *args)
{
    for (; *form != 0; form++) {
        if ((uint8_t)*form > MOTE_ARGS) {
            mote_put(w, (uint8_t)*form);
        } else {
            mote_put_string(w, args[*form - 1]);
        }
    }
}

bool mote_quotable(const char *s)
{
    while ((uint8_t)*s >= ' ' && (uint8_t)*s < 127 && *s != '"' && *s != '\\' && *s != '=') {
        s++;
    }
    return *s == 0;
}

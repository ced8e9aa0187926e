/* SPDX-License-Identifier: MIT
 *
 * The trace: what -v shows of a conversation.
 */
#ifndef MAILMOTE_HOST_DIALOGUE_H
#define MAILMOTE_HOST_DIALOGUE_H

#include "mailmote_session.h"
#include "relay.h"

struct dialogue {
    bool verbose;
    const struct relays *relays; /* whose secrets are not shown, or NULL */
    char who;                    /* of the line being gathered */
    bool carriage_return;        /* seen, and not yet known to end the line */
    size_t len;                  /* of the line, what does not fit counted as well */
    uint32_t mail_octets;        /* of the text, not yet told */
    uint32_t size_limit;         /* the last that the relay offered; 0 = none */
    char tls[80];                /* the last '*' line about TLS: what was agreed on */
    char event[300];             /* the last '*' line: why there is no connection */
    char line[1001];             /* and a NUL */
};

struct mote_trace dialogue_trace(struct dialogue *dialogue);
void dialogue_event(struct dialogue *dialogue, const char *text);
void dialogue_finish(struct dialogue *dialogue);

#endif

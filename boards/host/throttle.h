/* SPDX-License-Identifier: MIT
 *
 * What the spool remembers of relays (POLICY P12), and how long a run waits for one that wants a pause.
 */
#ifndef MAILMOTE_HOST_THROTTLE_H
#define MAILMOTE_HOST_THROTTLE_H

#include "relay.h"
#include "spool.h"

struct throttle {
    bool changed;
    bool wants_pause; /* said in this attempt */
    uint8_t took;     /* in this run: the relay's last conversation took a mail, a bit each */
    uint32_t now_s;
    uint32_t pause_s; /* until the next attempt may begin */
    struct mote_relay_state states[MOTE_RELAYS_MAX], noted[MOTE_RELAYS_MAX];
    /* Since the boot: of the last failure, the success that ended a row of them, or the end of a pause. */
    uint64_t since_ms[MOTE_RELAYS_MAX];
};

/* A forced round begins: what was remembered is forgotten. */
void throttle_forget(const struct spool *spool);

void throttle_load(struct throttle *throttle, const struct spool *spool, const struct relays *relays);
void throttle_save(struct throttle *throttle, const struct spool *spool, const struct relays *relays);

/* A conversation with the relay has ended, or could not begin. took: it took the mail, for somebody. */
void throttle_note(struct throttle *throttle, unsigned relay, const struct mote_result *result, bool took);

/* A relay that had failed, whichever it is, has taken a mail since this one's state was stored: what was left alone then is
 * due now. It needs no relay to be opened. */
bool throttle_released(const struct spool *spool, const struct host_mail *mail);

/* Waits where a relay that had just taken a mail wants a pause, MOTE_OURS_S at most. */
void throttle_pause(struct throttle *throttle, const struct spool *spool, const struct relays *relays);

#endif

/* SPDX-License-Identifier: MIT
 *
 * An alert, from a message to the port at work on it.
 */
#include "lwip.h"

#include <lwip/sys.h>
#include <lwip/tcpip.h>

uint8_t mote_lwip_alert(struct mote_lwip *m, const struct mote_message *message)
{
    struct mote_message dated = *message;
    uint8_t id[8], cause;

    LWIP_ASSERT_CORE_LOCKED();
    if (m->outbox == NULL || m->entropy == NULL) {
        return MOTE_CAUSE_SETUP;
    }
    if (dated.unix_s == 0 && m->unix_s != NULL) {
        dated.unix_s = m->unix_s(m->ctx);
    }
    cause = mote_outbox_alert(m->outbox, &dated, m->entropy(m->ctx, id, sizeof id) ? id : NULL, sys_now());
    if (cause == MOTE_CAUSE_NONE) {
        mote_lwip_wake(m);
    }
    return cause;
}

/* SPDX-License-Identifier: MIT
 *
 * An alert: a message that is made a mail and posted. Here alone an id becomes a Message-ID.
 */
#include "mailmote_outbox.h"

#include <string.h>

enum { ID_LEN = 8, DOMAIN_MAX = 233 }; /* "@" and domain: the rest of 250 octets, which a Message-ID may have */

/* Where the address is one: its last "@", and what is behind. A Message-ID cannot have UTF-8. */
static const char *domain_of(const char *address)
{
    const char *at = NULL, *c;

    for (c = address; c != NULL && *c != 0; c++) {
        at = *c == '@' ? c : at;
    }
    for (c = at; c != NULL && (int8_t)*c > ' '; c++) {
    }
    return c != NULL && *c == 0 && c - at <= DOMAIN_MAX ? at : "@mailmote.invalid";
}

static void write_id(char *to, const uint8_t *id, const char *domain)
{
    static const char hex[] = "0123456789abcdef";

    for (unsigned i = 0; i < ID_LEN; i++) {
        *to++ = hex[id[i] >> 4];
        *to++ = hex[id[i] & 15];
    }
    memcpy(to, domain, strlen(domain) + 1);
}

uint8_t mote_outbox_alert(struct mote_outbox *outbox, const struct mote_message *message, const uint8_t *id,
                          uint32_t now_ms)
{
    char message_id[2 * ID_LEN + DOMAIN_MAX + 1];
    struct mote_rcpt rcpts[MOTE_OUTBOX_RCPTS];
    struct mote_message with_id = *message;
    struct mote_mail mail;
    uint8_t cause;

    if (id == NULL) {
        return MOTE_CAUSE_NO_ENTROPY;
    }
    write_id(message_id, id, domain_of(message->from));
    with_id.id = message_id;
    cause = mote_message_mail(&with_id, &mail, rcpts, MOTE_OUTBOX_RCPTS);
    return cause == MOTE_CAUSE_NONE ? mote_outbox_post(outbox, &mail, id, now_ms) : cause;
}

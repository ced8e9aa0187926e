/* SPDX-License-Identifier: MIT
 *
 * A message as a mail: whom it goes to, and how large it is. It refuses what cannot be composed, before anything of it is sent
 * or stored.
 */
#include "writer.h"

#include <string.h>

enum { RCPTS_MAX = 65533 };

const char *mote_message_wrong(const struct mote_message *message)
{
    static const char names[] =
        "From\0To\0Cc\0Bcc\0Date\0Message-ID\0Subject\0further field\0text\0part"; /* MOTE_WRONG_... */
    const char *name = names;
    unsigned wrong = mote_message_find(message);

    if (wrong == MOTE_WRONG_NOTHING) {
        return NULL;
    }
    for (; wrong != 0; wrong--) {
        name += strlen(name) + 1;
    }
    return name;
}

static bool same(const char *a, const char *b)
{
    for (; *a == *b && *a != 0; a++, b++) {
    }
    return *a == *b;
}

/* Adds whoever is not among them yet: nobody is sent a mail twice. False: there is no room. */
static bool add(struct mote_mail *mail, size_t cap, const char *address)
{
    size_t i = 0;

    while (i < mail->rcpt_count && !same(mail->rcpts[i].address, address)) {
        i++;
    }
    if (i == cap) {
        return false;
    }
    if (i == mail->rcpt_count) {
        mail->rcpts[i] = (struct mote_rcpt){.address = address};
        mail->rcpt_count++;
    }
    return true;
}

static uint8_t address_mail(const struct mote_message *message, struct mote_mail *mail, size_t cap)
{
    const char *const *list;
    size_t all = 0;

    for (unsigned which = MOTE_WRONG_TO; which <= MOTE_WRONG_BCC; which++) {
        size_t count = mote_message_list(message, which, &list);

        all += count;
        for (; count != 0; count--, list++) {
            if (all > RCPTS_MAX || !add(mail, cap, *list)) {
                return MOTE_CAUSE_TOO_MANY;
            }
        }
    }
    return all != 0 ? MOTE_CAUSE_NONE : MOTE_CAUSE_ADDRESS;
}

uint8_t mote_message_mail(struct mote_message *message, struct mote_mail *mail, struct mote_rcpt *rcpts,
                          size_t rcpts_cap)
{
    uint8_t cause = mote_message_check(message);
    uint64_t attachments = 0;

    *mail = (struct mote_mail){.from = message->from, .read = mote_message_read, .ctx = message};
    if (cause != MOTE_CAUSE_NONE) {
        return cause;
    }
    mail->rcpts = rcpts;
    cause = address_mail(message, mail, rcpts_cap);
    if (cause != MOTE_CAUSE_NONE) {
        mail->rcpts = NULL;
        mail->rcpt_count = 0;
        return cause;
    }
    message->measured = &attachments;
    cause = mote_mail_measure(mail);
    message->measured = NULL;
    attachments += mail->size;
    mail->size = (uint32_t)attachments;
    if (attachments > UINT32_MAX) {
        mail->read = NULL; /* nor is it sent for whoever does not look at this */
        return MOTE_CAUSE_TEXT;
    }
    return cause;
}

/* SPDX-License-Identifier: MIT
 *
 * A message as a mail: whom it goes to, and how large it is. It refuses what cannot be composed, before anything of it is sent
 * or stored.
 */
#include "mailmote_message.h"

#include <string.h>

enum { RCPTS_MAX = 65533 };

/* The fields go, one after another, into a message that has nothing wrong. */
const char *mote_message_wrong(const struct mote_message *message)
{
    struct mote_message good = {.from = message->from, .id = "a@b"};

    if (mote_message_check(&good) != MOTE_CAUSE_NONE) {
        return "From";
    }
    good.to = message->to;
    good.to_count = message->to_count;
    if (mote_message_check(&good) != MOTE_CAUSE_NONE) {
        return "To";
    }
    good.cc = message->cc;
    good.cc_count = message->cc_count;
    if (mote_message_check(&good) != MOTE_CAUSE_NONE) {
        return "Cc";
    }
    good.unix_s = message->unix_s;
    if (mote_message_check(&good) != MOTE_CAUSE_NONE) {
        return "Date";
    }
    good.id = message->id;
    if (mote_message_check(&good) != MOTE_CAUSE_NONE) {
        return "Message-ID";
    }
    good.subject = message->subject;
    if (mote_message_check(&good) != MOTE_CAUSE_NONE) {
        return "Subject";
    }
    return mote_message_check(message) != MOTE_CAUSE_NONE ? "text" : NULL;
}

/* Adds whoever is not among them yet: nobody is sent a mail twice. False: there is no room. */
static bool add(struct mote_mail *mail, size_t cap, const char *const *list, size_t count)
{
    for (; count != 0; count--, list++) {
        size_t i = 0;

        while (i < mail->rcpt_count && strcmp(mail->rcpts[i].address, *list) != 0) {
            i++;
        }
        if (i == cap) {
            return false;
        }
        if (i == mail->rcpt_count) {
            mail->rcpts[i] = (struct mote_rcpt){.address = *list};
            mail->rcpt_count++;
        }
    }
    return true;
}

uint8_t mote_message_mail(struct mote_message *message, struct mote_mail *mail, struct mote_rcpt *rcpts,
                          size_t rcpts_cap)
{
    size_t count = (size_t)message->to_count + message->cc_count;
    uint8_t cause = mote_message_check(message);

    *mail = (struct mote_mail){.from = message->from, .read = mote_message_read, .ctx = message};
    if (cause != MOTE_CAUSE_NONE) {
        return cause;
    }
    if (count == 0) {
        return MOTE_CAUSE_ADDRESS;
    }
    mail->rcpts = rcpts;
    if (count > RCPTS_MAX || !add(mail, rcpts_cap, message->to, message->to_count) ||
        !add(mail, rcpts_cap, message->cc, message->cc_count)) {
        mail->rcpts = NULL;
        mail->rcpt_count = 0;
        return MOTE_CAUSE_TOO_MANY;
    }
    return mote_mail_measure(mail);
}

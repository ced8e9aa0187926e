/* SPDX-License-Identifier: MIT
 *
 * What the files of core/smtp share; session.c in core/tls looks into it for what it tells the trace. Not for users.
 */
#ifndef MOTE_CORE_H
#define MOTE_CORE_H

#include "mailmote.h"
#include "steps.h"

#include <string.h>

/* reply.c: takes an octet of a reply. REPLY_WHOLE: that completes it, and code, subject and detail are those of its last
 * line. REPLY_GOES_ON: more is to come. Anything else is the cause (enum mote_cause) the conversation fails for. */
enum { REPLY_WHOLE = MOTE_CAUSE_NONE, REPLY_GOES_ON = 255 };
uint8_t mote_reply_octet(struct mote_engine *e, uint8_t c);

/* command.c: the line of a step begins, or that of the best login (false: none in common). */
void mote_command_begin(struct mote_engine *e, uint8_t step);
bool mote_command_login(struct mote_engine *e);

/* command.c: has the login more to say after a 334? Then resume says it; else, and cancelled, the line that ends the login. */
static inline bool mote_command_more(const struct mote_engine *e)
{
    return *e->command != 0;
}
void mote_command_resume(struct mote_engine *e);

/* command.c: writes the line. It is out once line_done is set and out is empty. */
size_t mote_command_pull(struct mote_engine *e, uint8_t *buf, size_t cap);

/* text.c: what becomes of an octet of the text: returns up to four for the wire, packed with the first lowest. */
enum {
    MOTE_UNSENDABLE = 128, /* of a text's or a mail's needs: it holds a NUL, or its reader lies */
    MOTE_AS_READ = 64      /* of a mail's: nothing in it is mended, no dot is stuffed */
};
uint32_t mote_text_mend(struct mote_text *text, uint8_t c);

/* text.c: writes the text of the mail and its end; *n: how many octets. It is out once line_done is set and out is empty.
 * Returns MOTE_CAUSE_NONE, or why the text cannot be sent: then nothing of what was written may leave. */
uint8_t mote_text_pull(struct mote_engine *e, uint8_t *buf, size_t cap, size_t *n);

/* The room lent for a reply's text holds none. */
static inline void mote_no_reply(char *text, size_t cap)
{
    if (text != NULL && cap != 0) {
        *text = 0;
    }
}

/* check.c: MOTE_CAUSE_NONE, or what is wrong with the arguments. Marks the recipients to be asked. */
uint8_t mote_check(const struct mote_engine_setup *setup, struct mote_mail *mail);

/* check.c: what the mail needs and the relay did not offer (P10), or MOTE_CAUSE_NONE. Recipients that need SMTPUTF8 where the
 * sender does not are alone in that: they have their result, and are not asked, while there are others. */
uint8_t mote_check_offers(struct mote_engine *e);

/* check.c: moves a cursor on from MAIL, or from RCPT, where it is at recipient *rcpt: to the next one that is asked, or behind
 * them all. Returns the step it is at then. */
uint8_t mote_next_asked(const struct mote_engine *e, uint8_t step, uint16_t *rcpt);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What engine.c, reply.c and command.c share. Not for users.
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
enum { MOTE_UNSENDABLE = 128 }; /* of a text's or a mail's needs: it holds a NUL, or its reader lies */
uint32_t mote_text_mend(struct mote_text *text, uint8_t c);

/* text.c: writes the text of the mail and its end; *n: how many octets. It is out once line_done is set and out is empty.
 * Returns MOTE_CAUSE_NONE, or why the text cannot be sent: then nothing of what was written may leave. */
uint8_t mote_text_pull(struct mote_engine *e, uint8_t *buf, size_t cap, size_t *n);

/* check.c: MOTE_CAUSE_NONE, or what is wrong with the arguments. Marks the recipients to be asked. */
uint8_t mote_check(const struct mote_engine_setup *setup, struct mote_mail *mail);

/* check.c: gives the recipients that need SMTPUTF8 this result and does not ask them. False: nobody is left, or the sender
 * needs it as well. */
bool mote_leave_out_utf8(struct mote_mail *mail, const struct mote_result *result);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What a person should know when the relay's own words are missing, or are no refusal.
 */
#ifndef MAILMOTE_HOST_EXPLAIN_H
#define MAILMOTE_HOST_EXPLAIN_H

#include "dialogue.h"
#include "mail.h"

/* Into the recipient's text. size: the mail's. reply: the relay's, or "". */
void explain(struct host_rcpt *rcpt, const struct mote_result *result, uint32_t size, const struct dialogue *dialogue,
             const char *reply);

#endif

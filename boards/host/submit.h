/* SPDX-License-Identifier: MIT
 *
 * A mail as callers of sendmail and mail hand it over.
 */
#ifndef MAILMOTE_HOST_SUBMIT_H
#define MAILMOTE_HOST_SUBMIT_H

#include "args.h"

/* Stores the mail on standard input, and has it tried: in the background, or where args say so before it returns. EX_OK: it
 * is stored, whatever the relays say then; who is to know of a failure is told by mail. args->rcpts, cc and bcc are lists of
 * addresses and names, and their caller's to free; args->from an address or a name, or "" for nobody; both are completed. The rest of *args is
 * taken over. */
int submit(struct args *args);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A mail that tells of a mail that failed.
 */
#ifndef MAILMOTE_HOST_NOTICE_H
#define MAILMOTE_HOST_NOTICE_H

#include "spool.h"

/* Stores a notice in the spool of the recipients that have failed and were not told of before; to the configuration's admin, or
 * where there is none to the mail's sender. It waits until spool_send_notice(), and storing it again replaces it. name is then
 * the mail it will be, or "": a notice makes none, nor does a mail from nobody where there is no admin. False after a complaint
 * that it could not be stored. */
bool notice_store(const struct spool *spool, const struct host_mail *mail, const struct args *args,
                  char name[SPOOL_NAME]);

#endif

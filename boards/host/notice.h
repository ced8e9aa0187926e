/* SPDX-License-Identifier: MIT
 *
 * A mail that tells of a mail that failed.
 */
#ifndef MAILMOTE_HOST_NOTICE_H
#define MAILMOTE_HOST_NOTICE_H

#include "spool.h"

/* Stores a notice in the spool of the recipients that have failed and were not reported before; to admin, or where that is
 * NULL to the mail's sender. name is then the mail it is or will be, or "": a mail from nobody, as every notice is, makes
 * none. Of a mail that is finished it waits until spool_send_notice(), and storing it again replaces it. False after a
 * complaint that it could not be stored. */
bool notice_store(const struct spool *spool, const struct host_mail *mail, const char *admin, char name[SPOOL_NAME]);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What became of a mail, for a person and for a script.
 */
#ifndef MAILMOTE_HOST_REPORT_H
#define MAILMOTE_HOST_REPORT_H

#include "mail.h"

/* Prints a line for each recipient who has a verdict and was not reported before. Returns the exit status they make. */
int report(const struct host_mail *mail);

/* The worse of two exit statuses. */
int worse(int a, int b);

#endif

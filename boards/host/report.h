/* SPDX-License-Identifier: MIT
 *
 * What became of a mail, told.
 */
#ifndef MAILMOTE_HOST_REPORT_H
#define MAILMOTE_HOST_REPORT_H

#include "mail.h"

/* Tells of each recipient that was not reported before, also the system's log (args.syslog says where), and returns the exit
 * status their verdicts make. When it could not be printed, ferror(stdout) is set. */
int report(const struct host_mail *mail, const char *syslog);

/* The system's log that args.syslog asks for, as of <syslog.h>; -1: none. */
int report_facility(const char *syslog);

/* A complaint that is for the system's log too, at this level of <syslog.h>. */
#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
void report_trouble(const char *syslog, int level, const char *form, ...);

/* Of a complaint the same, where the system's log alone was not told yet. */
void report_to_log(const char *syslog, int level, const char *text);

/* The worse of two exit statuses. */
int worse(int a, int b);

#endif

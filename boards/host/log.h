/* SPDX-License-Identifier: MIT
 *
 * The system's log.
 */
#ifndef MAILMOTE_HOST_LOG_H
#define MAILMOTE_HOST_LOG_H

/* One line, of printable text. priority is the facility and the level of <syslog.h>, or'ed. What no logger takes within a
 * second is lost, and so is what comes behind it; that it is lost is complained of once. */
void log_write(int priority, const char *text);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Who runs this, and where.
 */
#ifndef MAILMOTE_HOST_SELF_H
#define MAILMOTE_HOST_SELF_H

/* The user's name, or NULL. */
const char *self_user(void);

#endif

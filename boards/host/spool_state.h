/* SPDX-License-Identifier: MIT
 *
 * The state of a mail as octets (spool_file.c).
 */
#ifndef MAILMOTE_HOST_SPOOL_STATE_H
#define MAILMOTE_HOST_SPOOL_STATE_H

#include "spool.h"

enum { SPOOL_SECTOR = 512, SPOOL_STATE_LEN = 95, SPOOL_STATES_LEN = SPOOL_SECTOR + SPOOL_STATE_LEN };

void spool_state_write(uint8_t octets[SPOOL_STATE_LEN], const struct host_mail *mail);

/* The one of the two that holds; false: there is none. */
bool spool_state_read(const uint8_t octets[SPOOL_STATES_LEN], struct host_mail *mail);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A password or token that stands in the configuration, or is printed by a command that it names.
 */
#ifndef MAILMOTE_HOST_SECRET_H
#define MAILMOTE_HOST_SECRET_H

#include "args.h"

/* What a relay logs in with, from wherever it is kept (EX_CONFIG). */
int secret_read(struct buffer *secret, const struct args *args, const struct relay_args *relay);

#endif

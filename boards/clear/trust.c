/* SPDX-License-Identifier: MIT
 *
 * core/tls/trust.c for a firmware without TLS: there is nobody to trust but whoever answers.
 */
#include "mailmote_session.h"

#include <string.h>

static void setup_none(struct mote_session *session)
{
    (void)session; /* this bearssl.h has nothing to wire */
}

void mote_trust_opportunistic(struct mote_trust *trust, const char *name)
{
    memset(trust, 0, sizeof *trust);
    trust->setup_tls = setup_none;
    trust->name = name;
    trust->opportunistic = true;
}

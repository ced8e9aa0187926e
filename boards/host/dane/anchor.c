/* SPDX-License-Identifier: MIT
 *
 * What `relay mx:' needs to be used: it stands alone, and there is a trust anchor for DNSSEC.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "dane.h"
#include "relay.h"

#include <string.h>

bool relays_mx(const struct args *args)
{
    return args->relay_count == 1 && strcmp(args->relays[0].relay, RELAY_MX) == 0;
}

int relays_check_mx(const struct args *args, const struct relay_args *relay)
{
    if (args->relay_count != 1) {
        complain("mx: stands in place of relays: give it alone");
        return EX_USAGE;
    }
    for (int i = 0; i < RELAY_OPTIONS; i++) {
        if (relay->options[i] != NULL) {
            complain("mx: has no login and no trust of its own: each domain's DNS says whom to trust");
            return EX_USAGE;
        }
    }
    return EX_OK;
}

int relays_open_mx(const struct args *args)
{
    char why[MOTE_DANE_WHY];

    if (!mote_dane_anchor(args->dnssec_anchor, why)) {
        complain("%s", why);
        return EX_CONFIG;
    }
    return EX_OK;
}

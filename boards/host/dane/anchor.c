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
    return args->relay_count == 1 && relay_is_mx(&args->relays[0]);
}

int relays_check_mx(const struct args *args, const struct relay_args *relay)
{
    if (args->relay_count != 1) {
        complain("%s stands in place of all relays: give it alone", relay_mx_word(relay));
        return EX_USAGE;
    }
    for (int i = 0; i < RELAY_OPTIONS; i++) {
        if (relay->options[i] != NULL) {
            complain(
                "%s takes no login, tls, trust, pin or tls-name: nobody logs in at the hosts of others, and DNS says "
                "whom to trust",
                relay_mx_word(relay));
            return EX_USAGE;
        }
    }
    return EX_OK;
}

int relays_open_mx(const struct args *args)
{
    char why[MOTE_DANE_WHY];

    if (!mote_dane_anchor(args->dnssec_anchor, why)) {
        complain_about(args->config_file, args->anchor_line);
        complain("%s", why);
        complain_about(NULL, 0);
        return EX_CONFIG;
    }
    return EX_OK;
}

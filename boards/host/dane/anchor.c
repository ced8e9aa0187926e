/* SPDX-License-Identifier: MIT
 *
 * What `relay mx:' needs to be used: it stands alone, and there is a trust anchor for DNSSEC.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "dane.h"
#include "relay.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *const system_anchors[] = {
    "/var/lib/unbound/root.key",
    "/usr/share/dns/root.key",
};

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
    const char *file = args->dnssec_anchor;

    for (size_t i = 0; file == NULL && i < sizeof system_anchors / sizeof system_anchors[0]; i++) {
        if (access(system_anchors[i], R_OK) == 0) {
            file = system_anchors[i];
        }
    }
    if (file == NULL) {
        complain("the system has no trust anchor for DNSSEC (in Debian that is the package dns-root-data): give "
                 "dnssec-anchor FILE in the configuration");
        return EX_CONFIG;
    }
    if (access(file, R_OK) != 0) {
        complain("dnssec-anchor %s cannot be read: %s", file, strerror(errno));
        return EX_CONFIG;
    }
    mote_dane_anchor(file);
    return EX_OK;
}

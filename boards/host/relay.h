/* SPDX-License-Identifier: MIT
 *
 * Relays, made of settings.
 */
#ifndef MAILMOTE_HOST_RELAY_H
#define MAILMOTE_HOST_RELAY_H

#include "args.h"

#include <strings.h>

struct host_relay {
    struct mote_relay relay;
    char host[256], name[256];
    struct buffer secret;
    void *anchors;
};

struct relays {
    unsigned count;
    struct mote_relay list[MOTE_RELAYS_MAX]; /* copies of own[].relay side by side, as an attempt wants them */
    struct host_relay own[MOTE_RELAYS_MAX];
};

/* What is wrong with the settings alone (EX_USAGE, in the configuration file EX_CONFIG); then the files they name are
 * opened and read (EX_CONFIG). */
int relays_parse(struct relays *relays, const struct args *args);
int relays_open(struct relays *relays, const struct args *args);
void relays_wipe(struct relays *relays);

/* The system's file of CAs; NULL = it has none that can be read. */
const char *relay_system_anchors(void);

static inline bool relay_is_mx(const struct relay_args *relay)
{
    return strcasecmp(relay->relay, RELAY_MX) == 0;
}

/* As it was said. */
static inline const char *relay_mx_word(const struct relay_args *relay)
{
    return relay->line != 0 ? "relay mx:" : "--mx:";
}

/* RELAY_MX: is it, may it be, and can it be used? */
#ifdef MOTE_DANE
bool relays_mx(const struct args *args);
int relays_check_mx(const struct args *args, const struct relay_args *relay);
int relays_open_mx(const struct args *args);
#else
static inline bool relays_mx(const struct args *args)
{
    (void)args;
    return false;
}
#endif

/* P7, by the words alone: each relay is given what it is verified with, and there is one. */
bool relays_verified_only(const struct args *args);

#endif

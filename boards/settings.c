/* SPDX-License-Identifier: MIT
 *
 * What the firmware is told: the relay, and how it is trusted. A setting that is missing or wrong is named, and ends it.
 */
#include "firmware.h"
#include "trust_anchors.h" /* what TRUST= named when this was built */

#include <string.h>

enum { NAME = 128 };

_Noreturn void refuse(int status, const char *what)
{
    log_pair("refused: ", what);
    board_exit(status);
}

/* Where c stands last, or NULL; less code than strrchr. */
static const char *last(const char *text, char c)
{
    const char *found = NULL;

    for (; *text != 0; text++) {
        if (*text == c) {
            found = text;
        }
    }
    return found;
}

uint32_t number(const char *digits)
{
    uint32_t value = 0;

    while (*digits >= '0' && *digits <= '9' && value < 100000) {
        value = value * 10 + (uint32_t)(*digits++ - '0');
    }
    return *digits == 0 ? value : 0;
}

const char *need(const char *name)
{
    const char *value = board_setting(name);

    if (value == NULL || *value == 0) {
        log_pair("missing: ", name);
        board_exit(BOARD_BAD_CONFIG);
    }
    return value;
}

/* relay=HOST:PORT */
static void set_host(struct mote_relay *relay)
{
    static char host[NAME];
    const char *value = need("relay"), *colon = last(value, ':');
    size_t len = colon != NULL ? (size_t)(colon - value) : strlen(value);
    uint32_t port = colon != NULL ? number(colon + 1) : 25;

    if (len == 0 || len >= sizeof host || port == 0 || port > UINT16_MAX || last(value, '/') != NULL) {
        refuse(BOARD_BAD_CONFIG, "relay is HOST:PORT");
    }
    memcpy(host, value, len);
    relay->host = host;
    relay->port = (uint16_t)port;
    relay->tls = board_setting("implicit") != NULL ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
    relay->login.user = board_setting("user");
    relay->login.password = board_setting("password");
}

#ifdef BOARD_CLEAR
/* Built for an isolated wire: every mail leaves in clear, to whoever answers. */
static void set_trust(struct mote_relay *relay)
{
    mote_trust_opportunistic(&relay->trust, relay->host);
}
#else
/* tls-name=NAME what the relay's certificate says where that is not its host. */
static void set_trust(struct mote_relay *relay)
{
    const char *name = board_setting("tls-name");

    if (name == NULL) {
        name = relay->host;
    }
#ifdef BOARD_OPPORTUNISTIC
    if (board_setting("opportunistic") != NULL) {
        mote_trust_opportunistic(&relay->trust, name);
        return;
    }
#endif
#ifdef TRUST_ANCHORS_H
#ifdef BOARD_CURVES
    mote_trust_anchors_small(&relay->trust, trust_anchors, TRUST_ANCHORS, name, &BOARD_CURVES);
#else
    mote_trust_anchors(&relay->trust, trust_anchors, TRUST_ANCHORS, name);
#endif
#else
    refuse(BOARD_BAD_CONFIG, "this firmware was built without CAs: make it with TRUST=ca.pem");
#endif
}
#endif

void set_relay(struct mote_relay *relay)
{
    set_host(relay);
    set_trust(relay);
}

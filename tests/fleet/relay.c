/* SPDX-License-Identifier: MIT
 *
 * A good relay: takes every mail, in clear, and knows by its sender which device it came from.
 */
#include "fleet.h"

#include <stdio.h>
#include <string.h>

static void say(struct fleet_relay *relay, const char *reply)
{
    size_t len = strlen(reply);

    if (len <= sizeof relay->say - relay->say_len) {
        memcpy(relay->say + relay->say_len, reply, len);
        relay->say_len += len;
    }
}

void fleet_relay_open(struct fleet_relay *relay)
{
    memset(relay, 0, sizeof *relay);
    say(relay, "220 relay.example ESMTP\r\n");
}

static void command(struct fleet_relay *relay)
{
    const char *line = relay->line;

    if (strncmp(line, "EHLO ", 5) == 0) {
        say(relay, "250-relay.example\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n");
    } else if (sscanf(line, "MAIL FROM:<" FLEET_FROM ">", &relay->from) == 1) {
        say(relay, "250 2.1.0 Ok\r\n");
    } else if (strncmp(line, "RCPT TO:<", 9) == 0) {
        say(relay, "250 2.1.5 Ok\r\n");
    } else if (strcmp(line, "DATA") == 0) {
        relay->in_data = true;
        say(relay, "354 Go on\r\n");
    } else if (strcmp(line, "QUIT") == 0) {
        say(relay, "221 2.0.0 Bye\r\n");
    } else {
        say(relay, "500 5.5.1 What?\r\n");
    }
}

static void text(struct fleet_relay *relay)
{
    if (strcmp(relay->line, ".") == 0) {
        relay->in_data = false;
        relay->taken++;
        say(relay, "250 2.0.0 Ok\r\n");
    }
}

void fleet_relay_hear(struct fleet_relay *relay, const char *octets, size_t len)
{
    for (; len != 0; len--, octets++) {
        if (*octets != '\n') {
            relay->line[relay->line_len] = *octets;
            relay->line_len += relay->line_len < sizeof relay->line - 1;
            continue;
        }
        relay->line_len -= relay->line_len != 0 && relay->line[relay->line_len - 1] == '\r';
        relay->line[relay->line_len] = 0;
        relay->line_len = 0;
        if (relay->in_data) {
            text(relay);
        } else {
            command(relay);
        }
    }
}

/* SPDX-License-Identifier: MIT
 *
 * A relay that takes every mail, and knows by its sender which device it came from; with STARTTLS or without, and that
 * good or broken.
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

void fleet_relay_open(struct fleet_relay *relay, bool tls, bool broken)
{
    memset(relay, 0, sizeof *relay);
    relay->tls = tls;
    relay->broken = broken;
    say(relay, "220 relay.example ESMTP\r\n");
}

static void command(struct fleet_relay *relay)
{
    const char *line = relay->line;

    if (strncmp(line, "EHLO ", 5) == 0) {
        say(relay, "250-relay.example\r\n");
        say(relay, relay->tls && !relay->secured ? "250-STARTTLS\r\n" : "250-PIPELINING\r\n");
        say(relay, "250 ENHANCEDSTATUSCODES\r\n");
    } else if (relay->tls && strcmp(line, "STARTTLS") == 0) {
        relay->secured = !relay->broken;
        say(relay, relay->broken ? "454 4.7.0 TLS not available\r\n" : "220 2.0.0 Go on\r\n");
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

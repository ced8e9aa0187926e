/* SPDX-License-Identifier: MIT
 *
 * A fleet of devices with one mail each, and a relay that is down, or whose TLS is broken, and comes back. The devices
 * run the real outbox, delivery, policy, session and engine; clock, flash, network and relay are made here.
 */
#ifndef FLEET_H
#define FLEET_H

#include "mailmote_outbox.h"

/* Seconds a run may take at most: the age a mail expires at. */
enum { FLEET_HORIZON_S = 432000 };

struct fleet {
    unsigned devices;
    unsigned outage_s; /* from 0 to here the relay refuses connections, or STARTTLS */
    bool tls;          /* it refuses STARTTLS, and is verified by all devices: the mail waits */
    unsigned alerts_s; /* each device posts its alert at a moment between 0 and here */
    unsigned seed;
};

/* What the relay sees of a fleet. */
struct fleet_run {
    uint32_t per_s[FLEET_HORIZON_S];     /* connections */
    unsigned in_vain, accepted;          /* during the outage; after it */
    unsigned lost, twice;                /* mails */
    unsigned in_s;                       /* the second the last mail comes in */
    unsigned peak_10, peak_60, first_60; /* after the return: most in so many seconds; the minute it was */
};

/* device.c: one device from its alert to the report. random: P11's random part, or without it. */
void fleet_device(const struct fleet *fleet, unsigned number, bool random, struct fleet_run *run);

/* Connections in the seconds from..from + len - 1. */
unsigned fleet_count(const struct fleet_run *run, unsigned from, unsigned len);

/* chart.c: connections per second over time as SVG. False when the file cannot be written. */
bool fleet_chart(const char *path, const struct fleet *fleet, const struct fleet_run *with,
                 const struct fleet_run *without);

/* ---- relay.c: a relay, as octets in and out of its end of TLS ------------------------------------------------------------ */

struct fleet_relay {
    bool tls, broken; /* it offers STARTTLS, and refuses it */
    bool secured;     /* STARTTLS was answered by 220: all that follows is TLS */
    char say[512];    /* octets for the client */
    size_t say_len;
    char line[512];
    size_t line_len;
    bool in_data;
    unsigned from;  /* the device named in MAIL FROM */
    unsigned taken; /* mails accepted in this conversation */
};

/* The address device number sends from. */
#define FLEET_FROM "device-%u@fleet.example"

void fleet_relay_open(struct fleet_relay *relay, bool tls, bool broken);
void fleet_relay_hear(struct fleet_relay *relay, const char *octets, size_t len);

#endif

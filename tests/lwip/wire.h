/* SPDX-License-Identifier: MIT
 *
 * The wire between the device under test and the far side, which has the relay and the name server: two interfaces of
 * one stack, IPv4 and IPv6. It takes one packet at a time, and may lose, double, hold back, or be pulled out.
 */
#ifndef MOTE_TEST_WIRE_H
#define MOTE_TEST_WIRE_H

#include <stdbool.h>
#include <stdint.h>

/* The far side, as the device's configuration would write it. */
extern const char far_ipv4[], far_ipv6[];

enum wire_cut { WIRE_LINK, WIRE_DOWN, WIRE_ADDRESS, WIRE_CUTS };

struct wire {
    /* Set by the test; packets are counted from 1, and 0 is none. */
    long lose_each; /* every so-many-th is lost */
    long dead_from; /* from this one on all are lost, for so long */
    uint32_t dead_ms;
    long hold, hold_for; /* this one comes after so many later ones, or a second late */
    long twice;          /* this one comes twice */
    unsigned chaos;      /* seed: any of this befalls any packet */
    uint16_t window;     /* the relay seems to have no more room than this; 0 = what it has */
    long event_after;    /* so many have arrived: event() is called, once, outside of lwIP */
    void (*event)(void);

    /* What came of it. */
    long sent, arrived;
    /* Data of the device for the relay: segments, and how few it could have been; a flight lasts until the relay says
     * something. */
    long segments, least, flights, flight_octets;
};
extern struct wire wire;

/* Once, after lwip_init(). */
void wire_start(void);

/* A good wire, for the next attempt. */
void wire_reset(void);

/* One packet arrives; false when there was none. */
bool wire_step(void);

/* The device's interface: the link is lost or it is taken down, and comes back after so long; or its address changes. */
void wire_cut(enum wire_cut how, uint32_t down_ms);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What relays do over time: each goes through spells, and in each it is in one mood. A mood says what a relay of sim.h
 * answers, and what that means for a mail: is it taken, can it be in doubt, how long does an attempt hang there.
 */
#ifndef WEATHER_H
#define WEATHER_H

#include "sim.h"

enum { WEATHER_RELAYS = 3, WEATHER_SPELLS = 96 };

enum mood {
    MOOD_GOOD,
    MOOD_SLOW,
    MOOD_DOWN,
    MOOD_UNREACHABLE, /* connecting takes its 30 s */
    MOOD_GREETING_HANGS,
    MOOD_GREETING_LOST,
    MOOD_GREETING_421,
    MOOD_GREETING_554,
    MOOD_EHLO_HANGS,
    MOOD_EHLO_LOST,
    MOOD_MAIL_HANGS,
    MOOD_MAIL_LOST,
    MOOD_MAIL_421,
    MOOD_MAIL_451,
    MOOD_MAIL_550,
    MOOD_RCPT_HANGS,
    MOOD_RCPT_421,
    MOOD_RCPT_450,
    MOOD_RCPT_550,
    MOOD_DATA_HANGS, /* or its end, where the mail comes in a chunk; and so below */
    MOOD_DATA_LOST,
    MOOD_DATA_451,
    MOOD_END_HANGS,
    MOOD_END_LOST,
    MOOD_END_452,
    MOOD_END_554,
    MOOD_BDAT_500, /* extensions are offered, and do not work */
    MOOD_BDAT_502,
    MOOD_BDAT_HANGS,
    MOOD_BDAT_LOST,
    MOOD_FIRST_ONLY,
    MOODS
};

/* What becomes of STARTTLS, or of implicit TLS. */
enum mood_tls {
    MOOD_TLS_GOOD,
    MOOD_TLS_454,
    MOOD_TLS_CLOSES,
    MOOD_TLS_HANGS,
    MOOD_TLS_GARBAGE,
    MOOD_TLS_ALERT,
    MOOD_TLS_LOST,
    MOOD_TLS
};

struct spell {
    uint32_t until_s; /* of the week; the last one has no end */
    uint8_t mood, tls;
};

/* A relay of the week. */
struct weather_relay {
    bool verified, implicit, plain, pipelining, chunking;
    struct spell spells[WEATHER_SPELLS];
    uint8_t count, at;
};

/* Takes every mail, in the end: in plain speech where it must be. */
bool mood_takes(uint8_t mood);

/* A mail may be in doubt there: then no other relay is asked (P9). */
bool mood_doubts(uint8_t mood);

/* Good, if slow; failing before it can speak of a mail (P12); silent or gone once it was greeted in TLS (P2). */
bool mood_good(uint8_t mood);
bool mood_fails(uint8_t mood);
bool mood_silent(uint8_t mood);

/* It refuses mails for good. */
bool mood_refuses(uint8_t mood);

/* Seconds an attempt may hang there. */
unsigned mood_hangs_s(const struct spell *spell);

/* A spell is added; the last one has no end. */
void weather_add(struct weather_relay *relay, uint32_t until_s, uint8_t mood, uint8_t tls);

/* A week of spells at random, and good weather behind it. */
void weather_draw(struct weather_relay *relay, uint32_t seconds, uint32_t *dice);

/* The spell at this second; time only goes on. */
const struct spell *weather_spell(struct weather_relay *relay, uint32_t now_s);

/* The relay as it is in this spell. */
void weather_set(const struct weather_relay *relay, const struct spell *spell, struct sim_relay *sim);

/* A number of seconds up to most, short ones as likely as long ones. */
uint32_t weather_span_s(uint32_t most, uint32_t *dice);

#endif

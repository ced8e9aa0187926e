/* SPDX-License-Identifier: MIT
 *
 * The weather of weather.h.
 */
#include "weather.h"
#include "flash.h"

#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- Moods ------------------------------------------------------------------------------------------------------- */

enum { TAKES = 1, DOUBTS = 2, REFUSES = 4, GOOD = 8, FAILS = 16, SILENT = 32 };

static const struct {
    uint8_t what;
    uint8_t down;
    bool first_only;
    uint16_t hangs_s;
    uint32_t slow_ms;
    const char *greeting;
    struct sim_answers answers;
} moods[MOODS] = {
    [MOOD_GOOD] = {.what = TAKES | GOOD},
    [MOOD_SLOW] = {.what = TAKES | GOOD, .slow_ms = 15000, .hangs_s = 200},
    [MOOD_DOWN] = {.what = FAILS, .down = MOTE_CAUSE_CONNECT},
    [MOOD_UNREACHABLE] = {.what = FAILS, .down = MOTE_CAUSE_TIMEOUT, .hangs_s = 30},
    [MOOD_GREETING_HANGS] = {.what = FAILS, .greeting = sim_mute, .hangs_s = 300},
    [MOOD_GREETING_LOST] = {.what = FAILS, .greeting = sim_close},
    [MOOD_GREETING_421] = {.what = FAILS, .greeting = "421 4.3.2 busy"},
    [MOOD_GREETING_554] = {.what = FAILS, .greeting = "554 5.3.2 no"},
    [MOOD_EHLO_HANGS] = {.what = FAILS, .answers = {.ehlo = sim_mute}, .hangs_s = 300},
    [MOOD_EHLO_LOST] = {.what = FAILS, .answers = {.ehlo = sim_close}},
    [MOOD_MAIL_HANGS] = {.what = SILENT, .answers = {.mail = sim_mute}, .hangs_s = 300},
    [MOOD_MAIL_LOST] = {.what = SILENT, .answers = {.mail = sim_close}},
    [MOOD_MAIL_421] = {.answers = {.mail = "421 4.3.2 busy"}},
    [MOOD_MAIL_451] = {.answers = {.mail = "451 4.3.0 later"}},
    [MOOD_MAIL_550] = {.what = REFUSES, .answers = {.mail = "550 5.7.1 no"}},
    [MOOD_RCPT_HANGS] = {.what = SILENT, .answers = {.rcpt = {sim_mute, sim_mute}}, .hangs_s = 300},
    [MOOD_RCPT_421] = {.answers = {.rcpt = {"421 4.3.2 busy", "421 4.3.2 busy"}}},
    [MOOD_RCPT_450] = {.answers = {.rcpt = {NULL, "450 4.2.1 later"}}},
    [MOOD_RCPT_550] = {.what = REFUSES, .answers = {.rcpt = {NULL, "550 5.1.1 nobody"}}},
    [MOOD_DATA_HANGS] = {.what = DOUBTS | SILENT, .answers = {.data = sim_mute, .bdat = sim_mute}, .hangs_s = 600},
    [MOOD_DATA_LOST] = {.what = DOUBTS | SILENT, .answers = {.data = sim_close, .bdat = sim_close}},
    [MOOD_DATA_451] = {.answers = {.data = "451 4.3.0 later", .bdat = "451 4.3.0 later"}},
    [MOOD_END_HANGS] = {.what = DOUBTS | SILENT, .answers = {.end = sim_mute}, .hangs_s = 600},
    [MOOD_END_LOST] = {.what = DOUBTS | SILENT, .answers = {.end = sim_close}},
    [MOOD_END_452] = {.answers = {.end = "452 4.2.2 full"}},
    [MOOD_END_554] = {.what = REFUSES, .answers = {.end = "554 5.7.1 no"}},
    [MOOD_BDAT_500] = {.what = TAKES, .answers = {.bdat = "500 5.5.1 what?"}},
    [MOOD_BDAT_502] = {.what = TAKES, .answers = {.bdat = "502 5.5.1 not here"}},
    [MOOD_BDAT_HANGS] = {.what = TAKES | DOUBTS | SILENT, .answers = {.bdat = sim_mute}, .hangs_s = 600},
    [MOOD_BDAT_LOST] = {.what = TAKES | DOUBTS | SILENT, .answers = {.bdat = sim_close}},
    [MOOD_FIRST_ONLY] = {.what = TAKES | DOUBTS | SILENT, .first_only = true, .hangs_s = 600},
};

bool mood_takes(uint8_t mood)
{
    return (moods[mood].what & TAKES) != 0;
}

bool mood_doubts(uint8_t mood)
{
    return (moods[mood].what & DOUBTS) != 0;
}

bool mood_good(uint8_t mood)
{
    return (moods[mood].what & GOOD) != 0;
}

bool mood_fails(uint8_t mood)
{
    return (moods[mood].what & FAILS) != 0;
}

bool mood_silent(uint8_t mood)
{
    return (moods[mood].what & SILENT) != 0;
}

bool mood_refuses(uint8_t mood)
{
    return (moods[mood].what & REFUSES) != 0;
}

unsigned mood_hangs_s(const struct spell *spell)
{
    return moods[spell->mood].hangs_s + (spell->tls == MOOD_TLS_HANGS ? 120u : 0);
}

void weather_set(const struct weather_relay *relay, const struct spell *spell, struct sim_relay *sim)
{
    static const uint8_t handshakes[MOOD_TLS] = {
        SIM_GOOD, SIM_CLOSE, SIM_CLOSE, SIM_MUTE, SIM_GARBAGE, SIM_ALERT, SIM_GOOD,
    };

    *sim = (struct sim_relay){.down = moods[spell->mood].down,
                              .plain = relay->plain,
                              .implicit = relay->implicit,
                              .pipelining = relay->pipelining,
                              .chunking = relay->chunking,
                              .first_only = moods[spell->mood].first_only,
                              .slow_ms = moods[spell->mood].slow_ms,
                              .greeting = moods[spell->mood].greeting,
                              .handshake = handshakes[spell->tls],
                              .clear = moods[spell->mood].answers,
                              .tls = moods[spell->mood].answers};
    if (spell->tls == MOOD_TLS_454) {
        sim->starttls = "454 4.7.0 not now";
    }
    if (spell->tls == MOOD_TLS_LOST) {
        sim->tls.ehlo = sim_close;
    }
}

/* ---- Spells ------------------------------------------------------------------------------------------------------ */

void weather_add(struct weather_relay *r, uint32_t until_s, uint8_t mood, uint8_t tls)
{
    assert_true(r->count < WEATHER_SPELLS);
    r->spells[r->count++] = (struct spell){until_s, mood, tls};
}

uint32_t weather_span_s(uint32_t most, uint32_t *dice)
{
    for (unsigned halves = flash_random(dice) % 12; halves != 0 && most > 120; halves--) {
        most /= 2;
    }
    return 1 + flash_random(dice) % most;
}

void weather_draw(struct weather_relay *r, uint32_t seconds, uint32_t *dice)
{
    uint32_t at = 0;

    while (at < seconds && r->count < WEATHER_SPELLS - 1) {
        bool good = flash_random(dice) % 2 == 0, tls_good = flash_random(dice) % 3 != 0;
        uint8_t mood = good ? MOOD_GOOD : (uint8_t)(flash_random(dice) % MOODS);

        if (mood_refuses(mood) && flash_random(dice) % 4 != 0) {
            mood = MOOD_DOWN; /* which keeps mails in the outbox */
        }
        at += flash_random(dice) % 40 == 0 ? 2 * seconds
                                           : weather_span_s(2 * 86400, dice); /* or until the week is over */
        weather_add(r, at, mood, tls_good ? MOOD_TLS_GOOD : (uint8_t)(flash_random(dice) % MOOD_TLS));
    }
    weather_add(r, UINT32_MAX, MOOD_GOOD, MOOD_TLS_GOOD);
}

const struct spell *weather_spell(struct weather_relay *r, uint32_t now_s)
{
    while (r->at + 1 < r->count && r->spells[r->at].until_s <= now_s) {
        r->at++;
    }
    return &r->spells[r->at];
}

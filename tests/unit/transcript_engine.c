/* SPDX-License-Identifier: MIT
 *
 * Plays a transcript in the engine, in clear: the handshake is mote_engine_secured(). It knows when the engine may speak: never while
 * the relay still has something to say, and then all of the flight at once.
 */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

struct run {
    const struct script *script;
    const struct script_how *how;
    const struct script_event *event;
    struct script_mail mail;
    struct mote_engine_setup setup;
    struct mote_engine engine;
    uint32_t now_ms, random;
    size_t heard, said; /* of this mail */
    size_t before;      /* octets heard of the mails before it */
    uint8_t tls, last;
    bool quits; /* behind a wait for another mail: that begins the time of QUIT */
    size_t column;
};

static const char *what(const struct run *r)
{
    static const char *const feeds[] = {"whole", "split in two at", "in pieces of", "split at random"};
    static const char *const looks[] = {"", ", cut", ", timed"};
    static char text[160];

    snprintf(text, sizeof text, "engine; fed %s %zu; pulled by %zu; now %u; elapsed %u%s", feeds[r->how->feed],
             r->how->at, r->how->cap, (unsigned)r->how->now_ms, (unsigned)r->how->elapsed_ms, looks[r->how->look]);
    return text;
}

#define FAIL(r, ...) script_fail((r)->script, what(r), (r)->event, __VA_ARGS__)

static uint32_t pick(struct run *r, uint32_t below)
{
    r->random = r->random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)r->random * below) >> 32);
}

static uint8_t poll(struct run *r)
{
    return mote_engine_poll(&r->engine, r->now_ms);
}

/* ---- What is tried on the way ------------------------------------------------------------------------------------ */

/* Once done, nothing changes any more, and nothing more is said. */
static void check_done(struct run *r)
{
    struct mote_result result = *mote_engine_result(&r->engine);
    struct script_mail mail = r->mail;
    static const char reply[] = "250 ok\r\n";
    uint8_t octet;

    if (poll(r) != MOTE_DONE || result.verdict == MOTE_PENDING) {
        FAIL(r, "the engine is not done");
    }
    for (unsigned i = 0; i < r->script->rcpt_count; i++) {
        if (mail.rcpts[i].result.verdict == MOTE_PENDING) {
            FAIL(r, "%s has no verdict", mail.rcpts[i].address);
        }
    }
    mote_engine_feed(&r->engine, reply, sizeof reply - 1);
    mote_engine_secured(&r->engine);
    mote_engine_commit(&r->engine);
    mote_engine_fail(&r->engine, MOTE_CAUSE_TIMEOUT);
    if (mote_engine_pull(&r->engine, &octet, 1) != 0 || poll(r) != MOTE_DONE ||
        memcmp(&result, mote_engine_result(&r->engine), sizeof result) != 0 ||
        memcmp(mail.rcpts, r->mail.rcpts, sizeof mail.rcpts) != 0) {
        FAIL(r, "I9: something changed after the end");
    }
}

/* The conversation ended for this cause; before is how it stood. */
static void check_break(struct run *r, const struct run *before, uint8_t cause)
{
    struct script_break b = {cause, r->heard, r->said, r->said, false};

    script_check_break(&before->mail, &before->engine, &r->mail, &r->engine, what(r), r->event, &b);
    check_done(r);
}

static void look_cut(struct run *r)
{
    struct run before = *r;

    mote_engine_fail(&r->engine, MOTE_CAUSE_LOST);
    check_break(r, &before, MOTE_CAUSE_LOST);
    *r = before;
}

/* RFC 5321 4.5.3.2 and POLICY P13. QUIT has its own limit when it leaves alone; behind a text it leaves while the text's reply is due. */
static uint32_t limit_ms(const struct run *r, uint8_t want, uint8_t step)
{
    bool text = r->said >= r->script->text_first && r->said < r->script->end_end;

    if ((want & MOTE_WANT_COMMIT) != 0 || ((want & MOTE_WANT_SEND) != 0 && text)) {
        return 180000;
    }
    if (want == MOTE_WANT_SEND && mote_engine_result(&r->engine)->verdict != MOTE_PENDING) {
        return 10000;
    }
    if (step == MOTE_STEP_STARTTLS || step == MOTE_STEP_HANDSHAKE || step == MOTE_STEP_DATA) {
        return 120000;
    }
    return step == MOTE_STEP_END ? 600000 : 300000;
}

/* The limit passes to the millisecond, not one earlier, wherever the counter wraps. */
static void look_time(struct run *r)
{
    struct run before = *r, polled;
    uint8_t want = poll(r);
    uint32_t wait_ms = mote_engine_wait_ms(&r->engine), attempt_ms = 900000 - (r->quits ? 0 : r->how->elapsed_ms),
             limit;
    uint8_t cause = MOTE_CAUSE_TIMEOUT;

    if ((want & (MOTE_DONE | MOTE_WANT_MAIL)) == 0) {
        polled = *r;
        r->now_ms += wait_ms - 1;
        if (wait_ms == 0 || (poll(r) & MOTE_DONE) != 0 || mote_engine_wait_ms(&r->engine) != 1) {
            FAIL(r, "done, or not to wait, a millisecond before the time is over (%u ms)", (unsigned)wait_ms);
        }
        r->now_ms++;
        if (poll(r) != MOTE_DONE) {
            FAIL(r, "not done after %u ms", (unsigned)wait_ms);
        }
        limit =
            limit_ms(&polled, want,
                     mote_engine_result(&polled.engine)->verdict == MOTE_PENDING ? mote_engine_result(&r->engine)->step
                                                                                 : r->engine.awaiting);
        if (attempt_ms <= limit) {
            limit = attempt_ms;
            cause = MOTE_CAUSE_DEADLINE;
        }
        if (wait_ms != limit) {
            FAIL(r, "waits %u ms at %s, should %u ms", (unsigned)wait_ms,
                 mote_step_name(mote_engine_result(&r->engine)->step), (unsigned)limit);
        }
        check_break(r, &polled, cause);
    }
    *r = before;
}

static void look(struct run *r)
{
    if (r->how->look == LOOK_CUT) {
        look_cut(r);
    } else if (r->how->look == LOOK_TIME) {
        look_time(r);
    }
}

/* ---- The two sides ----------------------------------------------------------------------------------------------- */

/* How many of the left octets go into the engine at once. */
static size_t next_part(struct run *r, size_t left)
{
    size_t n = left;

    switch (r->how->feed) {
    case FEED_PAIR: n = r->before + r->heard < r->how->at ? r->how->at - r->before - r->heard : left; break;
    case FEED_STEPS: n = r->how->at; break;
    case FEED_RANDOM: n = pick(r, pick(r, 4) == 0 ? 300 : 8) + 1; break;
    default: break;
    }
    return n < left ? n : left;
}

static void server(struct run *r)
{
    const struct script_event *event = r->event;
    bool interrupts = event != r->script->events && (event - 1)->partial;
    uint8_t want = poll(r);

    if ((want & MOTE_WANT_RECV) == 0 && want != MOTE_DONE && !r->script->glued) {
        FAIL(r, "the engine does not listen");
    }
    for (size_t at = 0, n; at < event->len; at += n) {
        uint8_t *in;

        if ((want & (MOTE_WANT_SEND | MOTE_WANT_COMMIT)) != 0 && !interrupts && !(r->script->glued && at != 0)) {
            FAIL(r, "the engine wants to speak after %zu octets of this", at);
        }
        n = next_part(r, event->len - at);
        in = script_room(REGION_IN, n);
        memcpy(in, event->data + at, n);
        mote_engine_feed(&r->engine, in, n);
        memset(in, '!', n); /* it must not be looked at later */
        r->heard += n;
        look(r);
        want = poll(r);
    }
}

static void client(struct run *r)
{
    const struct script_event *event = r->event;
    size_t at = 0;
    unsigned nothing = 0;

    while ((poll(r) & MOTE_WANT_SEND) != 0 && !(event->partial && at == event->len)) {
        size_t cap = r->how->cap != 0 ? r->how->cap : pick(r, 64) + 1, n;
        uint8_t *out;

        if (event->partial && cap > event->len - at) {
            cap = event->len - at;
        }
        out = script_room(REGION_OUT, cap);
        memset(out, '!', cap);
        n = mote_engine_pull(&r->engine, out, cap);
        if (n > cap || (n == 0 && ++nothing > 2)) {
            FAIL(r, "it wants to speak and wrote %zu octets of %zu", n, cap);
        }
        for (size_t i = 0; i < n; i++, at++) {
            if (at >= event->len || out[i] != event->data[at]) {
                FAIL(r, "octet %zu of the flight is %u, should be %d; it goes on: %.*s", at, out[i],
                     at < event->len ? event->data[at] : -1, (int)(n - i < 60 ? n - i : 60), (const char *)out + i);
            }
        }
        script_check_lines(r->script, what(r), event, out, n, &r->column, &r->last);
        r->said += n;
        look(r);
    }
    if (at != event->len) {
        FAIL(r, "the flight ends after %zu octets of %zu: %.*s", at, event->len,
             (int)(event->len - at < 60 ? event->len - at : 60), (const char *)event->data + at);
    }
    if (event->partial && (poll(r) & MOTE_WANT_SEND) == 0) {
        FAIL(r, "the engine has nothing more to say");
    }
}

/* The mail has its result, and the engine waits for another one: it says nothing, however long that takes. */
static void check_kept(struct run *r)
{
    if (poll(r) != MOTE_WANT_MAIL || mote_engine_pull(&r->engine, script_room(REGION_OUT, 1), 1) != 0) {
        FAIL(r, "the engine does not wait for another mail");
    }
    r->now_ms += 1000000;
    if (poll(r) != MOTE_WANT_MAIL) {
        FAIL(r, "the engine does not go on waiting for another mail");
    }
}

static void happen(struct run *r)
{
    switch (r->event->kind) {
    case EVENT_SERVER: server(r); break;
    case EVENT_CLIENT: client(r); break;
    case EVENT_TLS:
        if (poll(r) != MOTE_WANT_TLS) {
            FAIL(r, "the engine does not want TLS now");
        }
        look(r);
        mote_engine_secured(&r->engine);
        r->tls = MOTE_TLS_TRIED | MOTE_TLS_SECURED;
        break;
    case EVENT_COMMIT:
        if ((poll(r) & MOTE_WANT_SEND) != 0 && mote_engine_pull(&r->engine, script_room(REGION_OUT, 1), 1) != 0) {
            FAIL(r, "the engine has more to say before it asks to commit");
        }
        if ((poll(r) & (MOTE_WANT_COMMIT | MOTE_WANT_SEND)) != MOTE_WANT_COMMIT) {
            FAIL(r, "the engine does not ask to commit now");
        }
        look(r);
        mote_engine_commit(&r->engine);
        break;
    case EVENT_CLOSE: mote_engine_fail(&r->engine, MOTE_CAUSE_LOST); break;
    case EVENT_QUIT:
        check_kept(r);
        mote_engine_quit(&r->engine);
        r->quits = true;
        break;
    default:
        poll(r);
        r->now_ms += r->event->ms;
        poll(r);
        break;
    }
    if (r->event->kind == EVENT_CLIENT && r->event->len >= 10 &&
        memcmp(r->event->data + r->event->len - 10, "STARTTLS\r\n", 10) == 0) {
        r->tls = MOTE_TLS_TRIED;
    }
}

static void next_mail(struct run *r)
{
    const struct script *s = r->script = r->script->then;

    r->before += r->heard;
    r->heard = r->said = 0;
    script_mail_init(&r->mail, s, r->how->read_max);
    r->setup.hold = s->hold;
    r->setup.plain = s->plain;
    r->setup.keep = s->then != NULL || s->keep;
    mote_engine_next(&r->engine, &r->mail.mail, r->now_ms - r->how->elapsed_ms);
}

static void play(struct run *r)
{
    const struct script *s = r->script;

    for (r->event = s->events; r->event < s->events + s->event_count; r->event++) {
        happen(r);
    }
    r->event--;
    poll(r);
    script_check(&r->mail, what(r), &r->engine, r->tls);
}

void script_play_engine(const struct script *script, const struct script_how *how)
{
    static struct run run;
    struct run *r = &run;

    memset(r, 0, sizeof *r);
    r->script = script;
    r->how = how;
    r->now_ms = how->now_ms;
    r->random = (uint32_t)how->at * 2654435761u + 1;
    script_mail_init(&r->mail, script, how->read_max);
    r->setup.helo = script->helo;
    r->setup.login = script->login;
    r->setup.tls = script->tls;
    r->setup.opportunistic = script->opportunistic;
    r->setup.hold = script->hold;
    r->setup.plain = script->plain;
    r->setup.keep = script->then != NULL || script->keep;
    r->tls = script->tls == MOTE_TLS_IMPLICIT ? MOTE_TLS_TRIED : 0;
    mote_engine_init(&r->engine, &r->setup, &r->mail.mail, how->now_ms - how->elapsed_ms);
    play(r);
    while (r->script->then != NULL) {
        check_kept(r);
        next_mail(r);
        play(r);
    }
    check_done(r);
}

/* SPDX-License-Identifier: MIT
 *
 * What is done to an engine in either run of a script, with what must hold whatever the dialogue is: bounds of
 * buffers, calls that lead somewhere, time limits, an end that lasts.
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>

void run_poll(struct run *r)
{
    uint8_t want = mote_engine_poll(&r->engine, r->scene.now_ms);

    require((r->want & MOTE_DONE) == 0 || want == MOTE_DONE, "I9: MOTE_DONE does not last");
    require(mote_engine_wait_ms(&r->engine) <= 900000 || (want & MOTE_WANT_MAIL) != 0,
            "D7: the wait is longer than the attempt");
    require((want & MOTE_WANT_MAIL) == 0 || mote_engine_wait_ms(&r->engine) == UINT32_MAX,
            "D7: the wait for another mail is limited");
    r->want = want;
}

/* Each feed is an allocation of just its size, so that an octet too far is seen (I5). */
void run_feed(struct run *r, const uint8_t *data, size_t len)
{
    static uint8_t *one;
    uint8_t *copy = len == 1 && one != NULL ? one : malloc(len);

    require(copy != NULL, "harness: no memory");
    memcpy(copy, data, len);
    mote_engine_feed(&r->engine, copy, len);
    if (len == 1) {
        one = copy;
    } else {
        free(copy);
    }
}

/* One pull into a buffer of just the size. */
static size_t pull_once(struct run *r, size_t cap)
{
    uint8_t *buf = malloc(cap);
    size_t n;

    require(buf != NULL, "harness: no memory");
    n = mote_engine_pull(&r->engine, buf, cap);
    require(n <= cap, "I5: pull wrote more than it may");
    require(r->out_len + n <= sizeof r->out, "I6: the engine writes without end");
    memcpy(r->out + r->out_len, buf, n);
    r->out_len += n;
    if (r->model != NULL) {
        model_wrote(r->model, buf, n);
    }
    free(buf);
    return n;
}

/* What was just written starts the step's time limit anew; the shortest is QUIT's. */
static void check_wait(const struct run *r)
{
    uint32_t passed = r->scene.now_ms - r->scene.start_ms, left = passed < 900000 ? 900000 - passed : 0;

    require(r->want == MOTE_DONE || mote_engine_wait_ms(&r->engine) >= (left < 10000 ? left : 10000),
            "D7: progress does not start the time limit anew");
}

/* Pulls total octets, or what there is, so many at a time as the cap says; a cap of 0 takes another one each time. */
void run_pull(struct run *r, size_t total, size_t cap)
{
    unsigned idle = 0, turn = 0;

    while (total != 0 && (r->want & MOTE_WANT_SEND) != 0) {
        size_t room = cap != 0 ? cap : caps[(r->out_len + turn++) % 16], n;

        n = pull_once(r, room < total ? room : total);
        idle = n == 0 ? idle + 1 : 0;
        require(idle < 3, "D4: poll says SEND and nothing comes");
        total -= n;
        run_poll(r);
        check_wait(r);
        if (r->model != NULL) {
            model_check(r->model, r->want);
        }
    }
    require(total == 0 || pull_once(r, 8) == 0, "D4: octets come although poll does not say SEND");
}

/* A jump in time: the limit poll gave before is kept exactly. */
static void run_wait(struct run *r, uint32_t ms)
{
    uint32_t left;
    bool done;

    run_poll(r);
    done = (r->want & MOTE_DONE) != 0;
    left = mote_engine_wait_ms(&r->engine);
    r->scene.now_ms += ms;
    run_poll(r);
    require(done || (r->want == MOTE_DONE) == (ms >= left), "D7: a time limit is not kept, or kept too early");
}

bool run_takes_next(const struct run *r)
{
    return (r->want & (MOTE_WANT_MAIL | MOTE_DONE)) != 0;
}

/* What is for a pause alone does nothing anywhere else. */
static void ill_timed(struct run *r, enum event_kind kind)
{
    static struct mote_engine engine;
    struct mote_rcpt rcpts[RCPTS_MAX];

    engine = r->engine;
    memcpy(rcpts, r->scene.rcpts, sizeof rcpts);
    if (kind == NEXT) {
        mote_engine_next(&r->engine, &r->scene.mail, r->scene.now_ms);
    } else {
        mote_engine_quit(&r->engine);
    }
    require(memcmp(&engine, &r->engine, sizeof engine) == 0 && memcmp(rcpts, r->scene.rcpts, sizeof rcpts) == 0,
            "D4: the call is for a pause, there is none, and it does something");
}

/* A mail has its own deadline, and its first step all of its time. One that cannot go has QUIT. */
static void check_fresh(const struct run *r)
{
    const struct mote_result *result = mote_engine_result(&r->engine);
    uint32_t passed = r->scene.now_ms - r->scene.start_ms, left = passed < 900000 ? 900000 - passed : 0;
    uint32_t limit = result->verdict == MOTE_PENDING ? 300000 : 10000;

    require(result->cause != MOTE_CAUSE_TIMEOUT && (result->cause != MOTE_CAUSE_DEADLINE || left == 0),
            "D7: a mail has no time to begin with");
    require(r->want == MOTE_DONE || mote_engine_wait_ms(&r->engine) == (left < limit ? left : limit),
            "D7: a mail begins with another limit");
}

static void next_mail(struct run *r, struct input drawn)
{
    scene_ended(&r->scene, mote_engine_result(&r->engine));
    scene_next(&r->scene, &drawn);
    r->left = drawn;
    r->want = 0;
    mote_engine_next(&r->engine, &r->scene.mail, r->scene.start_ms);
    run_poll(r);
    check_fresh(r);
}

/* No other mail follows; ms have passed, and nobody polled. */
static void quit(struct run *r, uint32_t ms)
{
    r->scene.start_ms = r->scene.now_ms += ms;
    mote_engine_quit(&r->engine);
    ill_timed(r, NEXT);
    ill_timed(r, QUIT);
    require((mote_engine_poll(&r->engine, r->scene.now_ms) & MOTE_WANT_SEND) != 0, "D4: QUIT is not sent");
}

void run_act(struct run *r, const struct event *event)
{
    if (event->kind == NEXT ? !run_takes_next(r) : event->kind == QUIT && (r->want & MOTE_WANT_MAIL) == 0) {
        ill_timed(r, event->kind);
        return;
    }
    switch (event->kind) {
    case WAIT: run_wait(r, event->value); break;
    case SECURED: mote_engine_secured(&r->engine); break;
    case COMMIT: mote_engine_commit(&r->engine); break;
    case FAIL: mote_engine_fail(&r->engine, (uint8_t)event->value); break;
    case NEXT: next_mail(r, event->drawn); break;
    case QUIT: quit(r, event->value); break;
    default: break;
    }
}

void run_begin(struct run *r, struct model *m)
{
    r->model = m;
    mote_engine_init(&r->engine, &r->scene.setup, &r->scene.mail, r->scene.start_ms);
    r->out_len = 0;
    r->want = 0;
    run_poll(r);
}

/* Nothing wakes an engine that is done, and no verdict changes. */
void run_check_done(struct run *r)
{
    struct mote_result result = *mote_engine_result(&r->engine), results[RCPTS_MAX];
    static const uint8_t octets[] = "250 ok\r\n";
    uint8_t buf[8];

    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        results[i] = r->scene.rcpts[i].result;
    }
    mote_engine_feed(&r->engine, octets, sizeof octets - 1);
    mote_engine_secured(&r->engine);
    mote_engine_commit(&r->engine);
    mote_engine_quit(&r->engine);
    require(mote_engine_pull(&r->engine, buf, sizeof buf) == 0, "I9: an octet is written after MOTE_DONE");
    mote_engine_fail(&r->engine, MOTE_CAUSE_ABORTED);
    r->scene.now_ms += 1000000;
    run_poll(r);
    require(memcmp(&result, mote_engine_result(&r->engine), sizeof result) == 0,
            "I9: the result changes after MOTE_DONE");
    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        require(memcmp(&results[i], &r->scene.rcpts[i].result, sizeof results[i]) == 0,
                "I9: a verdict changes after MOTE_DONE");
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Fuzz harness of the engine. The input is the arguments of a conversation (scene.c) and a script of small operations:
 * pull so many octets, answer fittingly, answer otherwise (server.c), cut, wait, fail, hand over another mail. The script
 * runs twice. First octets are fed one by one and a model of the dialogue (model.c, replies.c, verdicts.c) asserts the
 * invariants of core/DESIGN.md after each; what happened is logged. Then the log runs again, split otherwise, and
 * everything must come out the same (I3).
 */
#include "fuzz.h"
#include "run.h"
#include "server.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { EVENTS_MAX = 700, SCRIPT_EVENTS = 584, FED_MAX = 1 << 16, PULL_ALL = 1 << 20, LONG_MAX = 2 };

static struct run first, second;
static struct model model;
static struct speech speech;
static struct event events[EVENTS_MAX];
static size_t event_count, fed_len;
static uint8_t fed[FED_MAX];
static unsigned long_count;
static struct input script; /* what is left of the input */

/* ---- The first run: the script, with the model ------------------------------------------------------------------- */

static void check_verdicts(const struct mote_rcpt *rcpts, const struct mote_result *before)
{
    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        require(before[i].verdict == MOTE_PENDING || memcmp(&before[i], &rcpts[i].result, sizeof before[i]) == 0,
                "I9: a verdict changed");
    }
}

static void happen(enum event_kind kind, uint32_t value, size_t cap)
{
    const struct mote_rcpt *rcpts = first.scene.rcpts;
    struct mote_result before[RCPTS_MAX];
    struct event *event = &events[event_count];

    if ((first.want & MOTE_DONE) != 0 && kind != NEXT) {
        return;
    }
    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        before[i] = first.scene.rcpts[i].result;
    }
    *event = (struct event){.kind = kind, .value = value, .drawn = script};
    if (kind == PULL) {
        run_pull(&first, value, cap);
    } else {
        if (kind == COMMIT) {
            model.committed |= (first.want & MOTE_WANT_COMMIT) != 0;
        } else if (kind == SECURED) {
            model_secured(&model);
        } else if (kind == FAIL) {
            model.failed_by_us = (uint8_t)value;
        } else if (kind == NEXT && run_takes_next(&first)) {
            model_finish(&model, &first.engine);
            model_next(&model, (first.want & MOTE_DONE) != 0);
        } else if (kind == QUIT) {
            model.quits |= (first.want & MOTE_WANT_MAIL) != 0;
        }
        run_act(&first, event);
        run_poll(&first);
        model_check(&model, first.want);
    }
    event->want = first.want;
    event->wait_ms = mote_engine_wait_ms(&first.engine);
    event_count++;
    check_verdicts(rcpts, before);
}

/* Feeds the speech octet by octet until the engine is done. Feeds side by side become one event. */
static void hear(void)
{
    struct mote_result before[RCPTS_MAX];
    size_t n = 0;

    if (speech.len == 0 || fed_len + speech.len > FED_MAX) {
        model.fitting &= speech.len == 0;
        speech.len = 0;
        return;
    }
    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        before[i] = first.scene.rcpts[i].result;
    }
    for (; n < speech.len && (first.want & MOTE_DONE) == 0; n++) {
        bool pending = mote_engine_result(&first.engine)->verdict == MOTE_PENDING;

        model_heard(&model, speech.octets[n]);
        run_feed(&first, speech.octets + n, 1);
        run_poll(&first);
        model_check(&model, first.want);
        require(model.broken == 0 || !pending || mote_engine_result(&first.engine)->cause == model.broken,
                "D5: a reply that is none has another cause");
        require(first.want != MOTE_DONE || model.broken != 0 || model.completed, "D5: done in the middle of a reply");
    }
    memcpy(fed + fed_len, speech.octets, speech.len);
    fed_len += speech.len;
    if (event_count == 0 || events[event_count - 1].kind != FEED) {
        events[event_count++] = (struct event){.kind = FEED};
    }
    events[event_count - 1].value += (uint32_t)speech.len;
    events[event_count - 1].want = first.want;
    events[event_count - 1].wait_ms = mote_engine_wait_ms(&first.engine);
    speech.len = 0;
    check_verdicts(first.scene.rcpts, before);
}

/* Where several mails go, the server waits for all of a text. */
static bool patient(void)
{
    return first.scene.several && model.due[0] == K_END && !model.end_out;
}

static void answer(unsigned count)
{
    while (count-- != 0 && model.due_count != 0 && (first.want & MOTE_DONE) == 0 && !patient()) {
        say_fitting(&speech, &model, 0);
        hear();
    }
}

/* What a good caller and a good server do until nothing is left to do for either. */
static void turn(unsigned cap)
{
    if ((first.want & MOTE_WANT_TLS) != 0) {
        happen(SECURED, 0, 0);
    }
    if ((first.want & MOTE_WANT_COMMIT) != 0) {
        happen(COMMIT, 0, 0);
    }
    if ((first.want & MOTE_WANT_SEND) != 0) {
        happen(PULL, PULL_ALL, cap);
    }
    answer(8);
}

/* Both do their part until the mail has its result. */
static void finish_kindly(void)
{
    static const unsigned turns_max = 40;
    size_t before = SIZE_MAX;

    for (unsigned i = 0; i < turns_max && !run_takes_next(&first) && event_count + fed_len != before; i++) {
        before = event_count + fed_len;
        turn(caps[CAPS - 1]);
    }
}

/* Part of a fitting reply, and what may happen in its middle. */
static void answer_part(struct input *in, unsigned arg)
{
    static const uint32_t waits_ms[] = {0, 9999, 120000, 300000};
    struct speech whole = {.len = 0};
    size_t cut;

    if (model.due_count == 0) {
        return;
    }
    say_fitting(&whole, &model, 0);
    cut = draw(in) % whole.len;
    memcpy(speech.octets, whole.octets, cut);
    speech.len = cut;
    hear();
    if ((arg & 4) != 0) {
        happen(PULL, 1 + arg, 1);
    }
    happen(WAIT, waits_ms[arg & 3], 0);
    if ((arg & 8) == 0) {
        memcpy(speech.octets, whole.octets + cut, whole.len - cut);
        speech.len = whole.len - cut;
        hear();
    }
}

/* A few octets; in the text perhaps all but a few. */
static void pull_most(unsigned arg)
{
    const struct reference *r = &first.scene.sent;
    size_t end = model.mode == IN_CHUNK ? model.chunk_len : model.mode == IN_DOTS ? r->stuffed_len : 0;

    if (arg < 8 || end < model.text_at + (arg - 8)) {
        happen(PULL, 1 + arg, 1);
    } else {
        happen(PULL, (uint32_t)(end - model.text_at - (arg - 8)), caps[arg]);
    }
}

/* One reply is lost: each that comes is the one to the command behind. */
static void answer_shifted(void)
{
    while (model.due_count != 0 && (first.want & MOTE_DONE) == 0) {
        say_fitting(&speech, &model, 1);
        hear();
    }
}

static void raw(struct input *in, size_t count)
{
    while (count-- != 0) {
        speech.octets[speech.len++] = draw(in);
    }
    hear();
}

static void other(struct input *in, unsigned arg)
{
    unsigned tls = (arg & 1) != 0;

    if (arg < 5) {
        happen(SECURED, 0, 0);
    } else if (arg < 10) {
        happen(COMMIT, 0, 0);
    } else if (arg < 15) {
        first.scene.offers[tls] = draw(in);
        first.scene.style[tls] = draw(in);
        first.scene.mood = draw(in);
    } else {
        answer_shifted();
    }
}

/* What the engine says it waits; without a limit, an attempt's time. */
static uint32_t limit_ms(void)
{
    uint32_t ms = mote_engine_wait_ms(&first.engine);

    return ms == UINT32_MAX ? 900000 : ms;
}

/* Another mail is handed over, or none follows; often there is no pause to do it in. */
static void hand_over(unsigned arg)
{
    static const uint32_t late_ms[] = {0, 1, 10000, 899999, 900000, 7200000};
    bool taken = run_takes_next(&first);

    if (arg >= COUNT(late_ms)) {
        happen(QUIT, late_ms[arg % COUNT(late_ms)], 0);
    } else if (!taken || first.scene.past_count < MAILS_MAX - 1) {
        happen(NEXT, 0, 0);
        script = taken ? first.left : script;
    }
}

static void operation(struct input *in)
{
    static const uint32_t waits_ms[] = {0,      1,      9999,   10000,  29999,  30000,  119999, 120000,
                                        179999, 180000, 299999, 300000, 599999, 600000, 899999, 900000};
    unsigned op = draw(in), arg = op >> 4;

    if (first.scene.several && (op & 15) == 15 && arg >= 4) {
        hand_over(arg - 4);
        return;
    }
    model.fitting &= (op & 15) < 7;
    switch (op & 15) {
    case 0:
    case 1:
    case 2: turn(caps[arg]); break;
    case 3: happen(PULL, PULL_ALL, caps[arg]); break;
    case 4: happen(PULL, draw(in), caps[arg]); break;
    case 5: pull_most(arg); break;
    case 6: answer(1 + arg); break;
    case 7: say_canned(&speech, draw(in)); break;
    case 8: say_code(&speech, draw(in), arg); break;
    case 9: raw(in, 1 + arg); break;
    case 10: answer_part(in, arg); break;
    case 11:
        if (long_count++ < LONG_MAX) {
            say_long(&speech, model.due_count != 0 && model.due[0] == K_DATA ? 354 : 250 + (arg & 8) * 25, draw(in));
        }
        break;
    case 12: happen(WAIT, waits_ms[arg], 0); break;
    case 13: other(in, arg); break;
    case 14: happen(FAIL, draw(in) % 70, 0); break;
    default: happen(WAIT, limit_ms() - arg % 2, 0); break;
    }
    hear();
}

/* ---- The second run ---------------------------------------------------------------------------------------------- */

static void feed_split(struct run *r, const uint8_t *data, size_t len, unsigned seed)
{
    while (len != 0) {
        size_t n = (seed & 1) == 0 ? len : 1 + seed % len;

        run_feed(r, data, n);
        data += n;
        len -= n;
        seed = seed * 1103515245 + 12345;
        seed = seed << 5 | seed >> 27;
    }
}

/* False: a text was not what was measured. How much of it leaves before that is noticed depends on the split, and so may all that follows. */
static bool again(unsigned seed)
{
    const uint8_t *data = fed;

    second.scene.chunk = 1 + second.scene.chunk % 7 + seed % 300;
    for (size_t i = 0; i < event_count; i++) {
        const struct event *event = &events[i];

        if (event->kind == FEED) {
            feed_split(&second, data, event->value, seed);
            data += event->value;
        } else if (event->kind == PULL) {
            run_pull(&second, event->value, (seed & 2) != 0 ? 0 : caps[seed >> 2 & 15]);
        } else {
            run_act(&second, event);
        }
        run_poll(&second);
        if (second.want != event->want && !scene_text_good(&second.scene)) {
            return false;
        }
        require(second.want == event->want, "I3: poll wants something else when octets are split otherwise");
        require(second.want == MOTE_DONE || mote_engine_wait_ms(&second.engine) == event->wait_ms,
                "I3: the time limit depends on the split");
    }
    return true;
}

static void compare(void)
{
    size_t len = first.out_len < second.out_len ? first.out_len : second.out_len;
    bool good = true;

    for (unsigned n = 0; n < first.scene.past_count; n++) {
        past_compare(&first.scene.past[n], &second.scene.past[n]);
        good &= first.scene.past[n].text_good;
    }
    /* A text that must not be sent ends the conversation in the middle of a pull; that pull's octets do not leave. */
    require((first.out_len == second.out_len || !good) && memcmp(first.out, second.out, len) == 0,
            "I3: the octets written depend on the split");
}

static void run_end(struct run *r)
{
    run_check_done(r);
    scene_ended(&r->scene, mote_engine_result(&r->engine));
    scene_check_past(&r->scene);
}

/* More to do: the connection lives, or a mail may be handed over that finds it dead. */
static bool goes_on(void)
{
    return script.left != 0 && event_count < SCRIPT_EVENTS &&
           ((first.want & MOTE_DONE) == 0 || (first.scene.several && first.scene.past_count < MAILS_MAX - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct input in = {data, size};
    unsigned seed = (unsigned)size * 2654435761u;

    event_count = fed_len = speech.len = long_count = 0;
    script = in;
    scene_make(&second.scene, &script);
    script = in;
    scene_make(&first.scene, &script);
    model_begin(&model, &first.scene);
    model.fitting = first.scene.several && first.scene.mood == 0;
    run_begin(&first, &model);
    model_check(&model, first.want);
    run_begin(&second, NULL);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 33 ^ data[i];
    }
    while (goes_on()) {
        operation(&script);
    }
    if (model.fitting) {
        finish_kindly();
        require(first.want == MOTE_DONE || mote_engine_result(&first.engine)->verdict == MOTE_DELIVERED,
                "L: the conversation stands still");
    }
    happen(FAIL, MOTE_CAUSE_LOST, 0);
    require(first.want == MOTE_DONE, "I6: the conversation does not end");
    model_finish(&model, &first.engine);
    run_end(&first);
    if (again(seed)) {
        run_end(&second);
        compare();
    }
    scene_free(&first.scene);
    scene_free(&second.scene);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * What must hold whenever a transcript was played: the outcomes written down, the invariants that need no writing down, and memory
 * that ends where it should.
 */
#define _DEFAULT_SOURCE

#include "transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { REGION_SIZE = 1 << 16, LINE_OCTETS_MAX = 998 };

void script_fail(const struct script *script, const char *what, const struct script_event *event, const char *why, ...)
{
    char text[600];
    va_list args;

    va_start(args, why);
    vsnprintf(text, sizeof text, why, args);
    va_end(args);
    print_error("%s:%u: %s [%s]: %s\n", script->file, event != NULL ? event->line : script->line, script->title, what,
                text);
    fail();
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

void *script_room(enum script_region region, size_t len)
{
    static uint8_t *ends[REGION_COUNT];
    size_t guard = 1 << 16; /* a multiple of every page size */

    if (ends[region] == NULL) {
        uint8_t *start = mmap(NULL, REGION_SIZE + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (start == MAP_FAILED || mprotect(start + REGION_SIZE, guard, PROT_NONE) != 0) {
            fail_msg("no memory with a guard page");
        }
        ends[region] = start + REGION_SIZE;
    }
    assert_true(len <= REGION_SIZE);
    return ends[region] - len;
}

/* The reader of the text: strict about how it is called. */
static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct script_mail *m = ctx;
    size_t n = m->script->text_len - offset;

    if (cap == 0 || (offset != 0 && offset != m->read_next) || offset > m->script->text_len) {
        script_fail(m->script, "reader", NULL, "read(%zu, %zu) after %zu", offset, cap, m->read_next);
    }
    n = n < cap ? n : cap;
    n = m->read_max != 0 && n > m->read_max ? m->read_max : n;
    memcpy(buf, m->script->text + offset, n);
    m->read_next = offset + n;
    return n;
}

void script_mail_init(struct script_mail *m, const struct script *script, size_t read_max)
{
    char *texts = script_room(REGION_RCPT_TEXT, (size_t)script->rcpt_count * SCRIPT_TEXT_CAP);

    memset(m, 0, sizeof *m);
    m->script = script;
    m->read_max = read_max;
    m->mail.from = script->from;
    m->mail.rcpts = m->rcpts;
    m->mail.rcpt_count = script->rcpt_count;
    m->mail.read = read_text;
    m->mail.ctx = m;
    m->mail.reply_text = script_room(REGION_MAIL_TEXT, SCRIPT_TEXT_CAP);
    m->mail.reply_text_cap = SCRIPT_TEXT_CAP;
    m->mail.reply_text[0] = 0;
    for (unsigned i = 0; i < script->rcpt_count; i++) {
        m->rcpts[i].address = script->rcpts[i];
        m->rcpts[i].reply_text = texts + i * SCRIPT_TEXT_CAP;
        m->rcpts[i].reply_text[0] = 0;
        m->rcpts[i].reply_text_cap = SCRIPT_TEXT_CAP;
        if (script->had[i]) {
            m->rcpts[i].result = script->rcpt[i].result;
        }
    }
    if (mote_mail_measure(&m->mail) != MOTE_CAUSE_NONE) {
        script_fail(script, "measure", NULL, "the text is refused");
    }
}

/* ---- Outcomes ---------------------------------------------------------------------------------------------------- */

static const char *in_words(char *buf, size_t cap, const struct mote_result *r)
{
    snprintf(buf, cap, "%s (%s) at %s, %u, %u.%u, tls %u", mote_verdict_name(r->verdict), mote_cause_name(r->cause),
             mote_step_name(r->step), r->code, r->subject, r->detail, r->tls);
    return buf;
}

static bool same(const struct mote_result *a, const struct mote_result *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* no padding: ten octets */
}

static void check_one(const struct script_mail *m, const char *what, const char *who,
                      const struct script_outcome *wanted, const struct mote_result *got, const char *text, uint8_t tls)
{
    struct mote_result want = wanted->result;
    char a[160], b[160];

    want.tls = tls;
    if (!same(&want, got)) {
        script_fail(m->script, what, NULL, "%s:\n  expected %s\n  got      %s", who, in_words(a, sizeof a, &want),
                    in_words(b, sizeof b, got));
    }
    if (wanted->text != NULL && strcmp(wanted->text, text) != 0) {
        script_fail(m->script, what, NULL, "%s:\n  expected the text \"%s\"\n  got               \"%s\"", who,
                    wanted->text, text);
    }
}

void script_check(const struct script_mail *m, const char *what, const struct mote_engine *engine, uint8_t tls)
{
    const struct script *s = m->script;

    check_one(m, what, "the mail", &s->mail, mote_engine_result(engine), m->mail.reply_text, tls);
    if (mote_engine_suspect(engine) != s->suspect) {
        script_fail(s, what, NULL, "P16: an extension is %ssuspect", s->suspect ? "not " : "");
    }
    for (unsigned i = 0; i < s->rcpt_count; i++) {
        check_one(m, what, s->rcpts[i], &s->rcpt[i], &m->rcpts[i].result, m->rcpts[i].reply_text, s->had[i] ? 0 : tls);
    }
}

/* P12: the relay has ended the connection behind the mail before, and has said nothing to this one. */
static bool between_mails(const struct script *s, const struct script_break *b)
{
    return s->again && b->cause == MOTE_CAUSE_LOST && b->heard < s->mail_reply;
}

/* I1, I4, I9 for one of the results of a conversation that was broken off. */
static void check_broken(const struct script *s, const char *what, const struct script_event *event,
                         const struct mote_result *before, const struct mote_result *after,
                         const struct script_break *b)
{
    char x[160], y[160];

    if (before->verdict != MOTE_PENDING) {
        if (!same(before, after)) {
            script_fail(s, what, event, "I9: it was %s and became %s", in_words(x, sizeof x, before),
                        in_words(y, sizeof y, after));
        }
        if (before->verdict == MOTE_DELIVERED && s->end_reply > b->heard) {
            script_fail(s, what, event, "I1: delivered after %zu octets of the relay", b->heard);
        }
        return;
    }
    if (after->code != 0 ||
        (after->cause == MOTE_CAUSE_CLOSED ? !(between_mails(s, b) || (s->again && b->unread))
                                           : after->cause != b->cause || (between_mails(s, b) && !b->unread))) {
        script_fail(s, what, event, "broken off for cause %u and became %s", b->cause, in_words(y, sizeof y, after));
    }
    if (after->verdict != MOTE_DEFERRED && after->verdict != MOTE_IN_DOUBT) {
        script_fail(s, what, event, "broken off and became %s", in_words(y, sizeof y, after));
    }
    if (after->verdict == MOTE_DEFERRED && s->end_end <= b->left_least) {
        script_fail(s, what, event, "I4: the end of the mail has left (%zu octets), and it became %s", b->left_least,
                    in_words(y, sizeof y, after));
    }
    if (after->verdict == MOTE_IN_DOUBT && (s->end_first == SIZE_MAX || s->end_first >= b->left_most)) {
        script_fail(s, what, event, "the end of the mail has not left (%zu octets), and it became %s", b->left_most,
                    in_words(y, sizeof y, after));
    }
}

/* P16: in use for sure, or perhaps, where its first octet may not have left. */
static void check_suspect(const struct script *s, const char *what, const struct script_event *event,
                          const struct mote_engine *before, const struct mote_engine *after,
                          const struct script_break *b)
{
    bool pending = mote_engine_result(before)->verdict == MOTE_PENDING;
    bool had = mote_engine_suspect(before), has = mote_engine_suspect(after);
    bool used = b->left_least > s->flight_first || b->left_least > s->chunk_first;
    bool blamed = pending && mote_engine_result(after)->cause != MOTE_CAUSE_CLOSED;
    bool perhaps = b->left_most >= s->flight_first || b->left_most >= s->chunk_first;

    if (has ? !had && !(blamed && perhaps) : had || (blamed && used)) {
        script_fail(s, what, event, "P16: broken off after %zu octets, and an extension is %ssuspect", b->left_least,
                    has ? "" : "not ");
    }
}

void script_check_break(const struct script_mail *before, const struct mote_engine *engine_before,
                        const struct script_mail *after, const struct mote_engine *engine_after, const char *what,
                        const struct script_event *event, const struct script_break *b)
{
    const struct script *s = before->script;

    check_broken(s, what, event, mote_engine_result(engine_before), mote_engine_result(engine_after), b);
    check_suspect(s, what, event, engine_before, engine_after, b);
    for (unsigned i = 0; i < s->rcpt_count; i++) {
        if (!s->had[i]) {
            check_broken(s, what, event, &before->rcpts[i].result, &after->rcpts[i].result, b);
        }
    }
}

void script_check_lines(const struct script *script, const char *what, const struct script_event *event,
                        const uint8_t *data, size_t len, size_t *column, uint8_t *last)
{
    for (; len != 0; len--, data++) {
        uint8_t c = *data;

        if (c == 0 || (c == '\n') != (*last == '\r')) {
            script_fail(script, what, event, "I7: octet %u behind %u", c, *last);
        }
        if (c == '\n') {
            *column = 0;
        } else if (c != '\r' && ++*column > LINE_OCTETS_MAX + 1) { /* one more: a stuffed dot */
            script_fail(script, what, event, "I7: a line is too long");
        }
        *last = c;
    }
}

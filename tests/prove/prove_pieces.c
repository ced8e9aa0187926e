/* SPDX-License-Identifier: MIT
 *
 * I3: a text leaves the same in whatever pieces it is pulled and read, by induction over one octet.
 */
#include "prove.h"

#include "text.c"

struct mote_engine nondet_engine(void);
struct mote_mail nondet_mail(void);
struct mote_engine_setup nondet_engine_setup(void);

enum { OCTETS = 4, ROOM = 2 };

static uint8_t octets[OCTETS]; /* of the text, from the place on that it is at */
static size_t octets_len, octets_at;
static struct mote_mail mail;
static struct mote_engine_setup setup;

/* In place of the caller's reader: the same octets each time, and as many at a time as it likes. */
static size_t read_pieces(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t left = octets_len - (offset - octets_at), n = nondet_size();

    prove(cap != 0 && offset >= octets_at && offset - octets_at <= octets_len);
    assume(n <= cap && n <= left && (n != 0 || left == 0));
    for (size_t i = 0; i < ROOM; i++) {
        if (i < n) {
            ((uint8_t *)buf)[i] = octets[offset - octets_at + i];
        }
    }
    return n;
}

/* What is true of a place: of what waits to be written the octets are the lowest. */
static bool place_sound(const struct mote_engine *e)
{
    return e->body.column <= LINE_MAX && implies(e->body.cr, e->body.column == 0) &&
           (e->body.needs & ~e->mail->needs) == 0 && e->line_done == e->end_sent &&
           implies((e->out & 0xff) == 0, e->out == 0) && implies((e->out & 0xff00) == 0, e->out <= 0xff) &&
           implies((e->out & 0xff0000) == 0, e->out <= 0xffff);
}

/* Any place in a text, and what may wait to be written there: up to four octets, the first lowest. */
static struct mote_engine any_place(void)
{
    struct mote_engine e = nondet_engine();

    mail = nondet_mail();
    mail.read = read_pieces;
    setup = nondet_engine_setup();
    setup.hold = any_bool();
    e.mail = &mail;
    e.setup = &setup;
    e.bdat = any_bool();
    e.committed = any_bool();
    e.empty = any_bool();
    e.line_done = e.end_sent = any_bool();
    e.commit = false;
    e.body.cr = any_bool();
    octets_len = nondet_size();
    octets_at = e.offset;
    for (unsigned i = 0; i < OCTETS; i++) {
        octets[i] = nondet_u8();
    }
    assume((mail.needs & MOTE_UNSENDABLE) == 0); /* as mote_check() has it */
    assume(octets_len <= OCTETS && e.offset < 1u << 30 && e.body.size < 1u << 30 && mail.size < 1u << 30);
    assume(place_sound(&e));
    return e;
}

static bool same_place(const struct mote_engine *a, const struct mote_engine *b)
{
    return a->out == b->out && a->offset == b->offset && a->commit == b->commit && a->line_done == b->line_done &&
           a->end_sent == b->end_sent && a->body.column == b->body.column && a->body.cr == b->body.cr &&
           a->body.needs == b->body.needs && a->body.size == b->body.size;
}

/* What a pull does, an octet at a time and without a buffer: true if there was one. What it comes to is in cause. */
static uint8_t cause;

static bool step(struct mote_engine *e, uint8_t *octet)
{
    for (unsigned i = 0; i < OCTETS + 2; i++) {
        uint8_t what;

        if (e->out != 0 && !held(e)) {
            *octet = (uint8_t)e->out;
            e->out >>= 8;
            return true;
        }
        if (e->line_done) {
            return false;
        }
        what = e->empty || e->offset - octets_at == octets_len ? text_end(e)
                                                               : text_octet(e, octets[e->offset++ - octets_at]);
        if (what != GOES_ON) {
            cause = what == WRONG ? MOTE_CAUSE_TEXT : MOTE_CAUSE_NONE;
            return false;
        }
    }
    prove(false);
    return false;
}

/* Octets that need no mending are found the same four and eight at a time as one by one.
 *
 * bounds: 13 octets
 * unwind: 15
 * slow: not by itself, but with the others of its kind
 * plant: core/smtp/text.c: s/four - 0x20202020/four - 0x1f1f1f1f/
 * plant: core/smtp/text.c: s/four + 0x01010101/four + 0x00010101/
 * plant: core/smtp/text.c: s/not_visible(at) | not_visible(at + 4)/not_visible(at)/
 */
void prove_I3_visible(void)
{
    uint8_t in[13];
    size_t len = nondet_size(), n = 0;

    assume(len <= sizeof in);
    for (unsigned i = 0; i < sizeof in; i++) {
        in[i] = nondet_u8();
    }
    while (n < len && in[n] >= 32 && in[n] <= 126) {
        n++;
    }
    prove(visible(in, len) == n);
}

/* What is copied as it is is what the same octets come to one by one, and leaves the same behind: from any place in a text.
 *
 * bounds: 4 octets; behind more comes what comes behind them one by one
 * unwind: 6
 * slow: not by itself, but with the others of its kind
 * plant: core/smtp/text.c: s/text->column != 0 || in\[n\] != '.'/true/
 * plant: core/smtp/text.c: s/room = LINE_MAX - text->column/room = LINE_MAX + 1 - text->column/
 * plant: core/smtp/text.c: s/text->cr = text->cr \&\& run == 0;//
 * plant: core/smtp/text.c: s/left = e->mail->size - text->size - 2/left = e->mail->size - text->size/
 */
void prove_I3_copy_plain(void)
{
    struct mote_engine e = any_place(), other;
    uint8_t out[OCTETS], written[2 * OCTETS];
    size_t n, at = 0;

    assume(e.out == 0 || held(&e));
    other = e;
    n = copy_plain(&e, out, octets, octets_len);
    prove(n <= octets_len);
    for (size_t i = 0; i < n; i++) {
        prove(text_octet(&other, octets[i]) == GOES_ON && !held(&other));
        for (; other.out != 0 && at < sizeof written; other.out >>= 8) {
            written[at++] = (uint8_t)other.out;
        }
    }
    prove(implies(n != 0, at == n && other.out == 0));
    for (size_t i = 0; i < n; i++) {
        prove(out[i] == written[i]);
    }
    prove(same_place(&e, &other) && place_sound(&e));
}

/* In place of copy_plain(): each octet goes the long way, which is the same, as prove_I3_copy_plain() says. */
size_t copy_nothing(struct mote_engine *e, uint8_t *buf, const uint8_t *in, size_t len)
{
    return 0;
}

/* A text that goes as it is read may be at the LF of a pair already, or still in front of it: nothing comes of it. */
static void pass_lf(struct mote_engine *e)
{
    size_t at = e->offset - octets_at;

    if (e->out == 0 && e->body.cr && !e->line_done && !e->empty && at < octets_len && octets[at] == '\n') {
        text_octet(e, octets[at]);
        e->offset++;
    }
}

/* A pull of so many octets is as many steps. Of a text that is said to need no mending and does, more octets at a time may be refused. */
static void pull_is_steps(size_t cap)
{
    struct mote_engine e = any_place(), other = e;
    uint8_t buf[ROOM], octet, found;
    size_t n = 0, at = 0;

    found = mote_text_pull(&e, buf, cap, &n);
    for (; at < cap && step(&other, &octet); at++) {
        prove(implies(found == MOTE_CAUSE_NONE, at < n && buf[at] == octet));
    }
    prove(implies(found != MOTE_CAUSE_NONE, cause == found || (mail.needs & MOTE_AS_READ) != 0));
    if (found != MOTE_CAUSE_NONE) {
        return;
    }
    prove(cause == MOTE_CAUSE_NONE && n == at);
    if (cap > 1) {
        pass_lf(&e);
        pass_lf(&other);
    }
    prove(same_place(&e, &other) && place_sound(&e));
}

/* I3: from any place in a text, however its reader gives it: a pull of one octet writes the next octet, and leaves the place behind it.
 *
 * bounds: a text with up to 4 octets left
 * replace: copy_plain:copy_nothing
 * unwind: 7
 * unwindset: mote_text_pull.0:9
 * slow: a quarter of a minute
 * plant: core/smtp/text.c: s/ \&\& !held(e)) {/) {/
 * plant: core/smtp/text.c: s/e->offset += got;//
 * plant: core/smtp/text.c: s/e->out >>= 8;/e->out >>= 16;/
 * plant: core/smtp/text.c: s/if (!e->empty) {$/if (true) {/
 */
void prove_I3_octet(void)
{
    pull_is_steps(1);
}

/* And one of two writes two: what leaves is the same in whatever pieces.
 *
 * bounds: a text with up to 4 octets left
 * replace: copy_plain:copy_nothing
 * unwind: 7
 * unwindset: mote_text_pull.0:12
 * slow: two minutes
 * plant: core/smtp/text.c: s/cap - n < 4 ? 1/cap - n < 2 ? 1/
 * plant: core/smtp/text.c: s/if (n == cap) {/if (n == 1) {/
 */
void prove_I3_two(void)
{
    pull_is_steps(2);
}

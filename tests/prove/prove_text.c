/* SPDX-License-Identifier: MIT
 *
 * The text on its way out, octet by octet and as a whole.
 */
#include "engine.h"

#include "text.c"

/* I7: whatever octet comes, from any place in a line: what leaves holds CR and LF only as a pair, no line is longer than 998 octets,
 * and as many octets leave as are counted.
 *
 * bounds: none
 * unwind: 6
 * plant: core/smtp/text.c: s/text->column++ < LINE_MAX/text->column++ <= LINE_MAX/
 * plant: core/smtp/text.c: s/text->column = 2;/text->column = 1;/
 * plant: core/smtp/text.c: s/text->size += 3;/text->size += 2;/
 * plant: core/smtp/text.c: s/bool pair = c == '.n' \&\& text->cr/bool pair = c == 10/
 */
void prove_I7_mend(void)
{
    struct mote_text text = {.column = nondet_u16(), .needs = nondet_u8(), .cr = any_bool(), .size = nondet_u32()},
                     before = text;
    uint8_t c = nondet_u8(), last = 0;
    uint32_t octets;
    unsigned column = text.column, n = 0;

    assume(text.column <= LINE_MAX && implies(text.cr, text.column == 0));
    octets = mote_text_mend(&text, c);
    for (; octets != 0; octets >>= 8, n++) {
        uint8_t out = (uint8_t)octets;

        prove((out == '\n') == (last == '\r'));
        prove(implies(c != '\r' && c != '\n', out == c || out == '\r' || out == '\n' || out == ' '));
        column = out == '\n' ? 0 : out == '\r' ? column : column + 1;
        prove(column <= LINE_MAX);
        last = out;
    }
    prove(text.column <= LINE_MAX && implies(text.cr, text.column == 0));
    prove(c == 0 || (last != '\r' && text.column == column && text.size - before.size == n)); /* NUL is never sent */
    prove(implies(c == '\n' && before.cr, n == 0) && implies(c != 0 && !(c == '\n' && before.cr), n != 0));
    prove(((text.needs & ~before.needs) == 0) || c == 0 || c > 127);
    prove(implies(c == 0, (text.needs & MOTE_UNSENDABLE) != 0) &&
          implies(c > 127, (text.needs & MOTE_NEEDS_8BITMIME) != 0));
}

/* In place of the caller's reader: any octets, as many as were asked for at most, the end, or a failure. */
static size_t read_any(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t n = nondet_size();

    prove(cap != 0 && offset <= 1000);
    assume(n <= cap || n == MOTE_READ_FAILED);
    for (unsigned i = 0; i < 2; i++) {
        if (i < n && i < cap) {
            ((uint8_t *)buf)[i] = nondet_u8();
        }
    }
    return n;
}

/* I4, I5, P9: from any place in a text, whatever its reader gives: what is written is in the room lent; the end is written once, only when
 * the reader has said that nothing follows, of a text as long as it was measured, and not before it was committed, where that is asked for;
 * the last octet of a chunk is held until then.
 *
 * bounds: pulls of up to 2 octets
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c
 * unwind: 4
 * unwindset: mote_text_pull.0:14
 * slow: a minute
 * plant: core/smtp/text.c: s/if (e->setup->hold \&\& !e->committed)/if (e->setup->hold \&\& e->committed)/
 * plant: core/smtp/text.c: s/if (n == cap) {/if (n > cap) {/
 * plant: core/smtp/text.c: s/if (e->body.size != e->mail->size)/if (e->body.size > e->mail->size)/
 * plant: core/smtp/text.c: s/if (got > want)/if (got > want + 1)/
 */
void prove_I5_text_pull(void)
{
    uint8_t buf[2];
    struct mote_engine e = any_engine(), before;
    size_t cap = nondet_size(), n = 0;
    uint8_t cause;

    mail.read = read_any;
    e.sending = MOTE_STEP_TEXT;
    assume((mail.needs & MOTE_UNSENDABLE) == 0); /* as mote_check() has it */
    assume(!e.commit && !e.end_sent && !e.line_done && cap <= sizeof buf && e.offset < 500);
    assume(e.body.column <= LINE_MAX && implies(e.body.cr, e.body.column == 0) && e.body.size < 1000 &&
           e.out < 1u << 16);
    before = e;
    cause = mote_text_pull(&e, buf, cap, &n);
    if (cause != MOTE_CAUSE_NONE) {
        return;
    }
    prove(n <= cap && e.body.column <= LINE_MAX);
    prove(e.end_sent == e.line_done);
    prove(implies(e.commit, setup.hold && !e.end_sent && !before.committed));
    prove(implies(e.end_sent && setup.hold && !e.empty, before.committed));
    prove(implies(e.end_sent && !e.empty, e.body.size == mail.size));
    prove(implies(e.bdat && !e.end_sent && e.body.size >= mail.size, n == 0 || before.body.size < mail.size));
}

/* SPDX-License-Identifier: MIT
 *
 * The text of the mail on its way out: CR LF everywhere (RFC 5321 2.3.8), lines of at most 998 octets (4.5.3.1.6), dots
 * stuffed for DATA (4.5.2), the end of the mail. It refuses text that is not what was measured.
 */
#include "core.h"

enum { CR_LF = '\r' | '\n' << 8, LINE_MAX = 998 };

/* A CR or LF alone becomes CR LF; a line that grows too long is broken with CR LF SP, as Postfix's client does. */
uint32_t mote_text_mend(struct mote_text *text, uint8_t c)
{
    bool pair = c == '\n' && text->cr;

    text->cr = c == '\r';
    if (pair) {
        return 0;
    }
    if (c == '\r' || c == '\n') {
        text->column = 0;
        text->size += 2;
        return CR_LF;
    }
    if (c == 0 || c > 127) {
        text->needs |= c == 0 ? MOTE_HOLDS_NUL : MOTE_NEEDS_8BITMIME;
    }
    text->size++;
    if (text->column++ < LINE_MAX) {
        return c;
    }
    text->column = 2;
    text->size += 3;
    return CR_LF | ' ' << 16 | (uint32_t)c << 24;
}

/* The last octets of a chunk are the end of the mail: they wait until the reader has said that nothing follows. */
static bool held(const struct mote_engine *e)
{
    return e->bdat && e->text.size >= e->mail->size && !e->whole;
}

/* The reader has no more: owes what ends the mail. False when that must not leave, or not yet. */
static bool text_end(struct mote_engine *e)
{
    if (e->text.column != 0 && e->owed != 0) {
        mote_engine_fail(e, MOTE_CAUSE_TEXT);
        return false;
    }
    if (e->text.column != 0) {
        e->text.column = 0;
        e->text.size += 2;
        e->owed = CR_LF;
        return true;
    }
    if (!e->empty) {
        if (e->text.size != e->mail->size) {
            mote_engine_fail(e, MOTE_CAUSE_TEXT);
            return false;
        }
        if (e->setup->hold && !e->committed) {
            e->commit = true;
            return false;
        }
    }
    if (!e->bdat) {
        e->owed = '.' | CR_LF << 8;
    }
    e->end_left = e->whole = true;
    return true;
}

/* Loads one octet of the text; false when it cannot be sent: what is owed already was the last that was measured, or
 * the octet is not what was announced. */
static bool text_octet(struct mote_engine *e, uint8_t c)
{
    uint32_t octets = mote_text_mend(&e->text, c);

    if ((octets != 0 && e->owed != 0) || (e->text.needs & ~e->mail->needs) != 0) {
        mote_engine_fail(e, MOTE_CAUSE_TEXT);
        return false;
    }
    if (octets == '.' && e->text.column == 1 && !e->bdat) {
        octets = '.' | '.' << 8;
    }
    e->owed |= octets;
    return true;
}

/* Copies octets that need no mending: visible ones and spaces, in the midst of a line and of the text. */
static size_t easy(struct mote_engine *e, uint8_t *buf, const uint8_t *in, size_t len)
{
    struct mote_text *text = &e->text;
    size_t n = 0, left = e->mail->size - text->size - 1;

    if (text->column == 0 || text->size >= e->mail->size) {
        return 0;
    }
    len = len < left ? len : left;
    left = LINE_MAX - text->column;
    len = len < left ? len : left;
    while (n < len && in[n] >= ' ' && in[n] < 127) {
        buf[n] = in[n];
        n++;
    }
    text->column = (uint16_t)(text->column + n);
    text->size += (uint32_t)n;
    return n;
}

/* Text is read into the end of buf and mended towards its start. One octet becomes four at most: reading a quarter of
 * the room never lets the writing overtake the reading. */
size_t mote_text_pull(struct mote_engine *e, uint8_t *buf, size_t cap)
{
    const uint8_t *in = buf;
    size_t n = 0, got = 0;

    for (;;) {
        if (e->owed != 0 && !held(e)) {
            if (n == cap) {
                return n;
            }
            buf[n++] = (uint8_t)e->owed;
            e->owed >>= 8;
        } else if (got != 0) {
            size_t run = easy(e, buf + n, in, got);

            n += run;
            in += run;
            got -= run;
            if (run == 0) {
                got--;
                if (!text_octet(e, *in++)) {
                    return n;
                }
            }
        } else if (n == cap || e->whole) {
            return n;
        } else {
            size_t want = cap - n < 4 ? 1 : (cap - n) / 4;

            in = buf + cap - want;
            if (!e->empty) {
                got = e->mail->read(e->mail->ctx, e->offset, buf + cap - want, want);
            }
            if (got > want) {
                mote_engine_fail(e, MOTE_CAUSE_TEXT);
                return n;
            }
            if (got == 0 && !text_end(e)) {
                return n;
            }
            e->offset += got;
        }
    }
}

/* SPDX-License-Identifier: MIT
 *
 * The text of the mail on its way out: CR LF everywhere (RFC 5321 2.3.8), lines of at most 998 octets (4.5.3.1.6), dots
 * stuffed for DATA (4.5.2), the end of the mail. It refuses text that is not what was measured.
 */
#include "core.h"

#include <string.h>

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
        text->needs |= c == 0 ? MOTE_UNSENDABLE : MOTE_NEEDS_8BITMIME;
    }
    text->size++;
    if (text->column++ < LINE_MAX) {
        return c;
    }
    text->column = 2;
    text->size += 3;
    return CR_LF | (uint32_t)' ' << 16 | (uint32_t)c << 24;
}

/* The last octets of a chunk are the end of the mail: they wait until the reader has said that nothing follows. */
static bool held(const struct mote_engine *e)
{
    return e->bdat && e->body.size >= e->mail->size && !e->line_done;
}

/* What became of a piece of the text. */
enum { GOES_ON, WAITS, WRONG };

/* The reader has no more: loads what ends the mail. WAITS: for mote_engine_commit(). */
static uint8_t text_end(struct mote_engine *e)
{
    if (e->body.column != 0) {
        if (e->out != 0) { /* the end of a chunk was held back, and would not have been its end */
            return WRONG;
        }
        e->body.column = 0;
        e->body.size += 2;
        e->out = CR_LF;
        return GOES_ON;
    }
    if (!e->empty) {
        if (e->body.size != e->mail->size) {
            return WRONG;
        }
        if (e->setup->hold && !e->committed) {
            e->commit = true;
            return WAITS;
        }
    }
    if (!e->bdat) {
        e->out = '.' | (uint32_t)CR_LF << 8;
    }
    e->end_sent = e->line_done = true;
    return GOES_ON;
}

/* Loads one octet of the text. WRONG: what is held back already was the last that was measured, or the octet is not
 * what was announced. */
static uint8_t text_octet(struct mote_engine *e, uint8_t c)
{
    uint32_t octets = mote_text_mend(&e->body, c);

    if ((octets != 0 && e->out != 0) || (e->body.needs & ~e->mail->needs) != 0) {
        return WRONG;
    }
    if (octets == '.' && e->body.column == 1 && !e->bdat) {
        octets = '.' | '.' << 8;
    }
    e->out |= octets;
    return GOES_ON;
}

#ifndef MOTE_SMALL_TEXT
/* Sets an eighth bit unless four octets are visible ones and spaces: one over 126 carries into it, one below a space borrows. */
static uint32_t not_visible(const uint8_t *in)
{
    uint32_t four;

    memcpy(&four, in, sizeof four);
    return (four - 0x20202020) | (four + 0x01010101);
}
#endif

/* How many there are. */
static size_t visible(const uint8_t *in, size_t len)
{
    const uint8_t *at = in;

#ifndef MOTE_SMALL_TEXT
    for (; len >= 8 && ((not_visible(at) | not_visible(at + 4)) & 0x80808080) == 0; len -= 8) {
        at += 8;
    }
#endif
    for (; len != 0 && *at >= ' ' && *at < 127; len--) {
        at++;
    }
    return (size_t)(at - in);
}

/* Copies octets that need no mending, and ends of lines: as far as the text is what it was when it was measured, but for its
 * last two octets. */
static size_t copy_plain(struct mote_engine *e, uint8_t *buf, const uint8_t *in, size_t len)
{
    struct mote_text *text = &e->body;
    size_t n = 0, left = e->mail->size - text->size - 2;

    if (text->size + 2 >= e->mail->size) {
        return 0;
    }
    len = len < left ? len : left;
    while (n < len && (text->column != 0 || in[n] != '.')) {
        size_t room = LINE_MAX - text->column, run = visible(in + n, len - n < room ? len - n : room);

        text->column = (uint16_t)(text->column + run);
        text->cr = text->cr && run == 0;
        n += run;
        if (len - n < 2 || text->cr || in[n] != '\r' || in[n + 1] != '\n') {
            break;
        }
        text->column = 0;
        n += 2;
    }
    if (buf != in) {
        memmove(buf, in, n);
    }
    text->size += (uint32_t)n;
    return n;
}

/* Text is read into the end of buf and mended towards its start:
 *
 *     buf: written | free | raw (got octets, from in)
 *
 * One octet becomes four at most: reading a quarter of the room never lets the writing overtake the reading. A text that goes as it
 * is read is given all of the room: there is no free. */
uint8_t mote_text_pull(struct mote_engine *e, uint8_t *buf, size_t cap, size_t *written)
{
    const uint8_t *in = buf;
    size_t n = 0, got = 0;
    uint8_t step = GOES_ON;

    while (step == GOES_ON) {
        if (e->out != 0 && !held(e)) {
            if (n == cap) {
                break;
            }
            buf[n++] = (uint8_t)e->out;
            e->out >>= 8;
        } else if (got != 0) {
            size_t run = copy_plain(e, buf + n, in, got);

            n += run;
            in += run;
            got -= run;
            if (run == 0) {
                uint8_t c = *in++;

                got--;
                step = text_octet(e, c);
                if ((size_t)(in - buf) == n + 1 && e->out > 255 && got != 0 && (c != '\r' || *in != '\n')) {
                    step = WRONG; /* it would be written over what comes next */
                }
            }
        } else if (n == cap || e->line_done) {
            break;
        } else {
            size_t want = (e->mail->needs & MOTE_AS_READ) != 0 ? cap - n : cap - n < 4 ? 1 : (cap - n) / 4;

            in = buf + cap - want;
            if (!e->empty) {
                got = e->mail->read(e->mail->ctx, e->offset, buf + cap - want, want);
            }
            if (got == MOTE_READ_FAILED) {
                return MOTE_CAUSE_STORAGE;
            }
            if (got > want) {
                return MOTE_CAUSE_TEXT;
            }
            if (got == 0) {
                step = text_end(e);
            }
            e->offset += got;
        }
    }
    *written = n;
    return step == WRONG ? MOTE_CAUSE_TEXT : MOTE_CAUSE_NONE;
}

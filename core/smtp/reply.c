/* SPDX-License-Identifier: MIT
 *
 * Replies of the relay, octet by octet in constant memory (RFC 5321 4.2): the code, the enhanced status code (RFC
 * 3463), what EHLO offers, and as much of the text as the caller lent room for. It refuses a wrong octet where it
 * stands, and replies without end. It decides nothing.
 */
#include "core.h"

enum { LINES_MAX = 128, REPLY_MAX = 16384, LINE_KNOWN = OFFER_STARTTLS };

/* e->status: where in a reply's line. 0..2 are the digits of the code. */
enum { SEPARATOR = 3, TEXT = 4 };

#define HASH(name, hash) hash,
static const uint32_t hashes[] = {MOTE_OFFERS(HASH)};

/* Takes a digit of the code; on a later line it must be the first line's. */
static bool code_octet(struct mote_engine *e, unsigned d)
{
    uint8_t *digit = &e->digits[e->status];
    /* Before all of the mail is out only a refusal may begin (I1). */
    unsigned least = e->awaiting == MOTE_STEP_END && e->sending == MOTE_STEP_TEXT ? 4 : 2;

    if (d > 9 || (e->status == 0 && (d < least || d > 5))) {
        return false;
    }
    if (e->lines == 0) {
        *digit = (uint8_t)d;
        e->reply.code = (uint16_t)(e->reply.code * 10 + d);
    }
    return *digit == d;
}

/* Three numbers with dots between, the first being the code's first digit. e->field_at is the place in them, 3 behind them.
 */
static void enhanced_octet(struct mote_engine *e, uint8_t c)
{
    unsigned d = c - (unsigned)'0';
    uint16_t *field = &e->field[e->field_at];

    if (e->field_at > 2) {
        return;
    }
    if (d <= 9 && *field < 100) {
        *field = (uint16_t)(*field * 10 + d);
        e->digit = true;
        return;
    }
    if (c != '.' || !e->digit) {
        if (e->field_at == 2 && c <= ' ' && e->digit && e->field[0] == e->digits[0]) {
            e->reply.subject = e->field[1];
            e->reply.detail = e->field[2];
        }
        e->field_at = 2;
    }
    e->field_at++;
    e->digit = false;
}

/* A word of an EHLO line ends; only the bits in use can be meant by it. */
static void word_end(struct mote_engine *e, unsigned use)
{
    unsigned bit = 1;

    for (const uint32_t *hash = hashes; hash < hashes + sizeof hashes / sizeof hashes[0]; hash++, bit <<= 1) {
        if (*hash == e->word && (bit & use) != 0) {
            e->offers = (uint16_t)(e->offers | bit);
            e->keyword = (uint16_t)(e->keyword | bit);
        }
    }
}

/* An octet of an EHLO line but the first, which is a greeting. By e->keyword:
 *
 *   0                          in the first word; e->word is its hash so far
 *   LINE_KNOWN                 behind a word that has no arguments for us, or is none of ours: passed over
 *   LINE_KNOWN | OFFER_SIZE    in SIZE's argument; e->word is the number so far
 *   LINE_KNOWN | OFFER_AUTH    in a mechanism; e->word is its hash so far (and the bits of those before are set, too)
 *
 * What a word offers is in e->offers at once, so the bit of STARTTLS can be LINE_KNOWN here. */
static void offer_octet(struct mote_engine *e, uint8_t c)
{
    unsigned d = c - (unsigned)'0';

    if (c > ' ' && (e->keyword & OFFER_SIZE) != 0) {
        if (d > 9) {
            e->keyword = LINE_KNOWN; /* no number: the line says nothing more */
        }
        e->word = e->word > UINT32_MAX / 10 - 1 ? UINT32_MAX : e->word * 10 + d;
        return;
    }
    if (c > ' ' && (c != '=' || e->keyword != 0)) {
        e->word = e->word * 33 ^ (c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
        return;
    }
    if (e->keyword == 0) {
        word_end(e, c == '=' ? OFFER_AUTH : OFFER_KEYWORDS); /* old servers offer AUTH=LOGIN */
        e->keyword |= LINE_KNOWN;
    } else if (e->keyword >= OFFER_AUTH) {
        word_end(e, OFFER_MECHANISMS);
    } else if ((e->keyword & OFFER_SIZE) != 0 && e->word != 0 && e->word - 1 < e->size_limit - 1) {
        e->size_limit = e->word; /* no limit yet, 0, less 1 is more than any */
    }
    e->word = 0;
}

/* Where the reply's text is kept for people: in the recipient's own buffer when the reply is about one. */
static void keep_start(struct mote_engine *e)
{
    char *text = e->mail->reply_text;
    size_t cap = e->mail->reply_text_cap;

    if (e->awaiting == MOTE_STEP_RCPT) {
        text = e->mail->rcpts[e->awaiting_rcpt].reply_text;
        cap = e->mail->rcpts[e->awaiting_rcpt].reply_text_cap;
    } else if (e->result.verdict != MOTE_PENDING) {
        cap = 0;
    }
    e->reply_end = e->reply_at = text;
    if (text != NULL && cap != 0) {
        e->reply_end = text + cap - 1;
        *text = 0;
    }
}

static void line_start(struct mote_engine *e)
{
    e->status = e->field_at = 0;
    e->digit = false;
    e->word = 0;
    e->keyword = 0;
    e->field[0] = e->field[1] = e->field[2] = 0;
}

/* The code, and what stands behind it: "-" says that another line comes, and "250" CR LF is whole. */
static bool code_part(struct mote_engine *e, uint8_t c)
{
    if (e->status < SEPARATOR) {
        return code_octet(e, c - (unsigned)'0');
    }
    e->reply_more = c == '-';
    return c == ' ' || c == '-' || c == '\r' || c == '\n';
}

uint8_t mote_reply_octet(struct mote_engine *e, uint8_t c)
{
    if (e->reply_len == 0) {
        e->reply = (struct mote_result){0};
        e->lines = 0;
        keep_start(e);
        line_start(e);
    }
    if (++e->reply_len > REPLY_MAX || e->lines == LINES_MAX) {
        return MOTE_CAUSE_REPLY_TOO_LONG;
    }
    if (e->status < TEXT) {
        if (!code_part(e, c)) {
            return MOTE_CAUSE_PROTOCOL;
        }
        e->status++;
        if (c != '\n') {
            return REPLY_GOES_ON;
        }
    } else if (e->awaiting != MOTE_STEP_EHLO) {
        enhanced_octet(e, c);
    } else if (e->lines > 0) {
        offer_octet(e, c);
    }
    if (c == '\n') {
        e->lines++;
        if (!e->reply_more) {
            e->reply_len = 0;
            return REPLY_WHOLE;
        }
        line_start(e);
        c = ' ';
    }
    if (c >= ' ' && e->reply_at != e->reply_end) { /* printable, ended by NUL */
        *e->reply_at++ = c > '~' ? '?' : (char)c;
        *e->reply_at = 0;
    }
    return REPLY_GOES_ON;
}

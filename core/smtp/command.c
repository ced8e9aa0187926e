/* SPDX-License-Identifier: MIT
 *
 * Command lines, a few octets at a time, so that writing can stop after any octet. Nothing is put together in a buffer:
 * strings of any length pass through, secrets included. It checks nothing: what stands in the lines was checked before.
 */
#include "core.h"

#include <stddef.h>

enum { CR_LF = '\r' | '\n' << 8, AUTH_LINE_MAX = 512 };
enum { END_OF_LINE = -1 };

/* The lines, one behind the other, each ended by a NUL, and where each begins. */
#define LINE(name, line, limit)  line "\0"
#define ROOM(name, line, limit)  char name[sizeof line];
#define PLACE(name, line, limit) offsetof(struct lines, name),
struct lines {
    MOTE_STEPS(ROOM)
};
static const char lines[] = MOTE_STEPS(LINE);
static const uint8_t places[] = {MOTE_STEPS(PLACE)};

/* In the order of their OFFER_ bits. Behind the NUL stands what is said to a 334 when the login is all said: for the tokens'
 * mechanisms it tells what is wrong, and the relay's refusal follows the answer to it. */
static const char *const logins[] = {
    "AUTH PLAIN" M_BASE64 M_NUL M_USER M_NUL M_SECRET "\0*",
    "AUTH LOGIN" M_WAIT M_USER M_WAIT M_SECRET "\0*",
    "AUTH OAUTHBEARER" M_BASE64 "n,a=" M_USER ",\001auth=Bearer " M_SECRET "\001\001\0AQ==",
    "AUTH XOAUTH2" M_BASE64 "user=" M_USER "\001auth=Bearer " M_SECRET "\001\001\0",
};

static void begin(struct mote_engine *e, const char *line)
{
    e->command = line;
    e->insert = "";
    e->scale = 0;
    e->line_done = e->base64 = false;
}

/* Puts what mark c stands for into the line. */
static void mark(struct mote_engine *e, uint8_t c)
{
    const struct mote_login *login = &e->setup->login;

    switch (c) {
    case MARK_HELO: e->insert = e->setup->helo; break;
    case MARK_FROM: e->insert = e->mail->from; break;
    case MARK_RCPT: e->insert = e->mail->rcpts[e->sending_rcpt].address; break;
    case MARK_USER: e->insert = login->user; break;
    case MARK_SECRET: e->insert = login->token != NULL ? login->token : login->password; break;
    case MARK_SIZE_IF:
        if ((e->offers & OFFER_SIZE) == 0) {
            break;
        }
        e->insert = " SIZE=";
        /* fall through */
    case MARK_SIZE:
        e->scale = 1000000000;
        while (e->scale > e->mail->size && e->scale > 1) {
            e->scale /= 10;
        }
        break;
    case MARK_8BIT_IF:
        if ((e->mail->needs & MOTE_NEEDS_8BITMIME) != 0) {
            e->insert = " BODY=8BITMIME";
        }
        break;
    default: /* MARK_UTF8_IF */
        if ((e->mail->needs & OFFERED_NEEDS(e->offers) & MOTE_NEEDS_SMTPUTF8) != 0) {
            e->insert = " SMTPUTF8";
        }
        break;
    }
}

/* The line's next octet before encoding, or END_OF_LINE, again and again. M_BASE64 is a space, and from there on the
 * octets are to be encoded. */
static int line_octet(struct mote_engine *e)
{
    for (;;) {
        uint8_t c = (uint8_t)*e->insert;

        if (c != 0) {
            e->insert++;
            return c;
        }
        if (e->scale != 0) {
            c = (uint8_t)('0' + e->mail->size / e->scale % 10);
            e->scale /= 10;
            return c;
        }
        c = (uint8_t)*e->command;
        if (c == 0 || c == MARK_WAIT || (c == MARK_BASE64 && e->two_step)) {
            return END_OF_LINE;
        }
        e->command++;
        if (c == MARK_BASE64) {
            e->base64 = true;
            return ' ';
        }
        if (c == MARK_NUL) {
            return 0;
        }
        if (c == 1 || c >= ' ') {
            return c;
        }
        mark(e, c);
    }
}

static uint32_t base64_digit(uint32_t d)
{
    return d < 26 ? d + 'A' : d < 52 ? d - 26 + 'a' : d < 62 ? d - 52 + '0' : d == 62 ? '+' : '/';
}

/* Loads four digits for the next three octets; false at the end of the line. */
static bool base64_next(struct mote_engine *e)
{
    uint32_t bits = 0;
    int n = 0, c;

    while (n < 3 && (c = line_octet(e)) >= 0) {
        bits |= (uint32_t)c << (16 - 8 * n++);
    }
    if (n == 0) {
        return false;
    }
    e->out = 0;
    for (int i = 3; i >= 0; i--, bits >>= 6) {
        e->out = e->out << 8 | (i > n ? '=' : base64_digit(bits & 63));
    }
    return true;
}

/* Loads the next octets of the line; false when it is all out. */
static bool next(struct mote_engine *e)
{
    int c = END_OF_LINE;

    if (e->line_done) {
        return false;
    }
    if (e->base64) {
        if (base64_next(e)) {
            return true;
        }
    } else {
        c = line_octet(e);
    }
    if (c == END_OF_LINE) {
        e->line_done = true;
        e->out = CR_LF;
    } else {
        e->out = (uint32_t)c;
    }
    return true;
}

void mote_command_begin(struct mote_engine *e, uint8_t step)
{
    e->sending = step;
    begin(e, lines + places[step]);
}

void mote_command_resume(struct mote_engine *e)
{
    begin(e, e->command + 1);
    e->base64 = !e->cancelled;
}

/* RFC 4954 4: a line over 512 octets takes two steps. Writing it once to nowhere tells. */
bool mote_command_login(struct mote_engine *e)
{
    unsigned i = e->setup->login.token != NULL ? 2 : 0, offers = (unsigned)e->offers / OFFER_PLAIN >> i, len = 0;

    if ((offers & 3) == 0) {
        return false;
    }
    i += (offers & 1) ^ 1;
    begin(e, logins[i]);
    while (next(e)) {
        for (; e->out != 0; e->out >>= 8) {
            len++;
        }
    }
    e->two_step = len > AUTH_LINE_MAX;
    begin(e, logins[i]);
    return true;
}

size_t mote_command_pull(struct mote_engine *e, uint8_t *buf, size_t cap)
{
    size_t n = 0;

    while (n < cap && (e->out != 0 || next(e))) {
        buf[n++] = (uint8_t)e->out;
        e->out >>= 8;
    }
    return n;
}

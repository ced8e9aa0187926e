/* SPDX-License-Identifier: MIT
 *
 * Command lines, octet by octet, from any state of writing.
 */
#include "engine.h"

#include "command.c"

/* A conversation in the midst of a line: somewhere in a string that was checked, a number, or the line itself. */
static struct mote_engine any_writer(void)
{
    static char rest[2], inserted[2];
    struct mote_engine e = nondet_engine();

    any_arguments();
    rest[0] = (char)nondet_u8();
    inserted[0] = (char)nondet_u8();
    assume(rest[0] == 0 || (uint8_t)rest[0] >= ' ' || (rest[0] >= 1 && rest[0] <= MARK_UTF8_IF) ||
           (rest[0] >= MARK_NUL && rest[0] <= MARK_WAIT));
    assume(inserted[0] == 0 || (uint8_t)inserted[0] >= ' ');
    e.setup = &setup;
    e.mail = &mail;
    e.command = rest;
    e.insert = inserted;
    e.base64 = any_bool();
    e.two_step = any_bool();
    e.line_done = any_bool();
    e.sending_rcpt = nondet_u16();
    assume(e.sending_rcpt < RCPTS && implies(rest[0] == MARK_USER || rest[0] == MARK_SECRET, setup.login.user != NULL));
    e.scale = 0;
    mail.size = 7;
    return e;
}

/* I7: whatever stands in a line next, what is loaded is octets without CR and LF, and without NUL but in base64; CR LF only when the line has
 * ended, and then nothing more.
 *
 * bounds: the rest of a line is one octet or mark, and strings are short: the next one begins where this one ends; a mail of 7 octets
 * with: core/smtp/engine.c core/smtp/check.c core/smtp/text.c
 * unwind: 6
 * unwindset: mark.0:11
 * plant: core/smtp/command.c: s/c == 1 || c >= ' '/c >= 1/
 * plant: core/smtp/command.c: s/e->line_done = true;//
 * plant: core/smtp/command.c: s/d < 62 ? d - 52/d < 63 ? d - 52/
 */
void prove_I7_line(void)
{
    struct mote_engine e = any_writer(), before = e;
    bool more = next(&e);
    uint32_t out = e.out;

    prove(more == !before.line_done);
    if (!more) {
        return;
    }
    if (e.line_done) {
        prove(out == CR_LF);
        prove(!next(&e));
        return;
    }
    prove(out != 0 || (!e.base64 && before.command[0] == MARK_NUL));
    for (unsigned i = 0; i < 4; i++, out >>= 8) {
        uint8_t c = (uint8_t)out;

        prove(c != '\r' && c != '\n');
        if (before.base64) {
            prove((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
                  (c == '=' && i > 1));
        } else {
            prove(i == 0 || c == 0);
        }
    }
}

/* Base64 (RFC 4648 4): four digits say the three octets, or the last one or two.
 *
 * bounds: none
 * with: core/smtp/engine.c core/smtp/check.c core/smtp/text.c
 * unwind: 6
 * plant: core/smtp/command.c: s/16 - 8 \* n++/16 - 7 * n++/
 * plant: core/smtp/command.c: s/d - 26 + 'a'/d - 25 + 'a'/
 */
void prove_base64(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char plain[4];
    struct mote_engine e = {.insert = plain, .command = ""};
    unsigned len = nondet_u8();

    assume(len <= 3);
    for (unsigned i = 0; i < len; i++) {
        plain[i] = (char)nondet_u8();
        assume(plain[i] != 0);
    }
    prove(base64_next(&e) == (len != 0));
    if (len != 0) {
        uint32_t a = (uint8_t)plain[0], b = (uint8_t)plain[1], c = (uint8_t)plain[2];

        prove((uint8_t)e.out == digits[a >> 2]);
        prove((uint8_t)(e.out >> 8) == digits[(a & 3) << 4 | b >> 4]);
        prove((uint8_t)(e.out >> 16) == (len > 1 ? digits[(b & 15) << 2 | c >> 6] : '='));
        prove((uint8_t)(e.out >> 24) == (len > 2 ? digits[c & 63] : '='));
    }
}

/* A size is written as its digits, no 0 in front.
 *
 * bounds: sizes below 2,000, and those of ten digits that differ in the last three
 * with: core/smtp/engine.c core/smtp/check.c core/smtp/text.c
 * unwind: 13
 * plant: core/smtp/command.c: s/e->scale > e->mail->size \&\& e->scale > 1/e->scale >= e->mail->size \&\& e->scale > 1/
 * plant: core/smtp/command.c: s/ \&\& e->scale > 1//
 */
void prove_size(void)
{
    struct mote_engine e = {.setup = &setup, .mail = &mail};
    uint64_t value = 0;
    unsigned digits = 0;
    int c;

    mail.size = any_bool() ? nondet_u32() % 2000 : 4294967000u + nondet_u8();
    begin(&e, M_SIZE);
    while ((c = line_octet(&e)) != END_OF_LINE) {
        prove(c >= '0' && c <= '9' && (digits == 0 || value != 0));
        value = value * 10 + (unsigned)(c - '0');
        digits++;
    }
    prove(value == mail.size && digits >= 1 && digits <= 10);
}

/* SPDX-License-Identifier: MIT
 *
 * Addresses and names of every short string, against the grammar written down once more.
 */
#include "prove.h"

#include "check.c"

enum { LEN = 10 };

static char text[LEN + 1];

static size_t any_text(void)
{
    size_t len = nondet_size();

    assume(len <= LEN);
    for (size_t i = 0; i < LEN; i++) {
        text[i] = i < len ? (char)nondet_u8() : 0;
        assume(i >= len || text[i] != 0);
    }
    return len;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c > 127;
}

/* Labels with dots between, or a literal in brackets. */
static bool is_domain(size_t at, size_t len)
{
    bool literal = len > at && text[at] == '[', label = false;

    if (literal && (text[len - 1] != ']' || len - at < 3)) {
        return false;
    }
    for (size_t i = at + literal; i < len - literal; i++) {
        uint8_t c = (uint8_t)text[i];

        if (!(is_letter(c) || (literal && c == ':') || (c == '.' && label))) {
            return false;
        }
        label = c != '.';
    }
    return label;
}

/* I7: an address that is taken holds no control octet, space or angle bracket, and one that is not quoted is a local-part and a domain with one @
 * between; and every such string is taken. Reading stays in the string, whatever it holds.
 *
 * bounds: strings of 10 octets
 * with: core/smtp/text.c
 * unwind: 14
 * plant: core/smtp/check.c: s/c != 127 \&\& c != '<'/c != '<'/
 * plant: core/smtp/check.c: s/for (n = 1; s\[n\]/for (n = 2; s[n]/
 * plant: core/smtp/check.c: s/if (!visible((uint8_t)s\[n\]))/if (s[n] == 0)/
 */
void prove_I7_address(void)
{
    size_t len = any_text(), at = 0;
    bool valid = mote_address_valid(text), atom = len != 0;

    for (size_t i = 0; i < LEN; i++) {
        uint8_t c = (uint8_t)text[i];

        prove(implies(valid && i<len, c> ' ' && c != 127 && c != '<' && c != '>'));
    }
    while (at < len && text[at] != '@') {
        uint8_t c = (uint8_t)text[at++];

        atom = atom && c > ' ' && c != 127 && c != '<' && c != '>' && c != '(' && c != ')' && c != '[' && c != ']' &&
               c != ':' && c != ';' && c != '\\' && c != ',' && c != '"';
    }
    if (text[0] != '"') {
        prove(valid == (atom && at != 0 && at < len && is_domain(at + 1, len)));
    }
}

/* EHLO's name is a domain of ASCII or a literal, and neither localhost nor a domain of that.
 *
 * bounds: strings of 10 octets
 * with: core/smtp/text.c
 * unwind: 14
 * plant: core/smtp/check.c: s/c == '.' \&\& last == '.'/c == '.' \&\& last == '-'/
 * plant: core/smtp/check.c: s/s\[len - 1\] != ']'/false/
 * plant: core/smtp/check.c: s/size_t i = 0;$/size_t i = 1;/
 */
void prove_helo(void)
{
    static const char local[] = "localhost";
    size_t len = any_text();
    bool plain = true, here = len == 9 || (len > 9 && text[9] == '.');

    for (size_t i = 0; i < len; i++) {
        plain = plain && (uint8_t)text[i] < 128;
        here = here && (i >= 9 || text[i] == local[i] || text[i] == local[i] - ('a' - 'A'));
    }
    prove(mote_helo_valid(text) == (is_domain(0, len) && plain && !here));
}

/* SPDX-License-Identifier: MIT
 *
 * Words for a person, on stderr; and the exit statuses, which are those of sysexits.h. In these headers a function that
 * returns int returns one of them: EX_OK, or another after it has said why.
 */
#ifndef MAILMOTE_HOST_COMPLAIN_H
#define MAILMOTE_HOST_COMPLAIN_H

#include <stddef.h>
#include <stdio.h>
#include <sysexits.h>

/* "mailmote: what was wrong: what to do", printed as by print_text(). */
#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
void complain(const char *form, ...);

/* What was last complained of, as far as there is room; "" = nothing. */
const char *complain_last(void);

/* What stands between "mailmote: " and the complaint from now on: a line of a file, or nothing: NULL and 0. */
void complain_about(const char *file, unsigned line);

/* All text that comes from outside goes through this: what a terminal shows and does nothing else with is printed as it
 * is, in ASCII or UTF-8; every other octet as \xNN, among them TAB, ends of lines, escapes, C1 controls, and what turns
 * the direction of text or is invisible. */
void print_text(FILE *to, const char *text, size_t len);

/* The same into memory. Returns how many octets it wrote before the NUL; what does not fit is left out. */
size_t printable(char *to, size_t cap, const char *text, size_t len);

#endif

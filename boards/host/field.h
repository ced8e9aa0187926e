/* SPDX-License-Identifier: MIT
 *
 * The fields of a message's header (RFC 5322), one after the other. Lines end with LF or CR LF. A CR alone ends none (2.2): whoever
 * takes LFs out of what others wrote would not keep them from making fields of it.
 */
#ifndef MAILMOTE_HOST_FIELD_H
#define MAILMOTE_HOST_FIELD_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *at;
    size_t len;
};

#define LINE_OCTETS 998 /* a line's, at most, without its end (RFC 5322 2.1.1) */

/* Octets in front of the first end of line. */
size_t line_len(const struct span *text);

/* Takes the first line off, and its end. */
struct span take_line(struct span *text);

/* In a header, each CR that is no part of an end of line becomes a blank: on its way out it would end a line. */
void blank_crs(char *text, size_t len);

/* Takes a field off, with the lines that are folded to it, which are added to *lines. It ends without an end of line. */
struct span take_field(struct span *text, unsigned *lines);

/* Octets of a field's name; 0 when it has none, and so is no field. */
size_t field_name_len(struct span field);

bool field_is(struct span field, const char *name);

/* What stands behind the name's colon, without blanks and ends of lines around it. */
struct span field_value(struct span field);

/* A value on one line: the ends of its lines are left out, a TAB is a space. It ends with a NUL; what does not fit is left
 * out. Returns how many octets it has. */
size_t field_unfold(char *to, size_t cap, struct span value);

#endif

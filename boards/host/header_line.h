/* SPDX-License-Identifier: MIT
 *
 * The lines of one field of a header. A line ends in front of a blank where the next one would be too long with what stands
 * behind it: of 998 octets (RFC 5322 2.1.1), or of 76 with an encoded-word on it (RFC 2047 2).
 */
#ifndef MAILMOTE_HOST_HEADER_LINE_H
#define MAILMOTE_HOST_HEADER_LINE_H

#include "field.h"

#include <stdio.h>

enum { ENCODED_LINE_OCTETS = 76 };

/* Begins as {.out = FILE}. What stands behind the last blank is kept until it is known how long it is. */
struct header_line {
    FILE *out;
    bool as_it_came; /* its lines stay, and so do encoded-words on lines that are long for them */
    bool encoded;    /* an encoded-word is on the line */
    bool folds;      /* the piece begins a line, if there is more in it than blanks */
    char blank;      /* in front of the piece, or 0 */
    size_t column;   /* octets of the line that are out */
    size_t len;      /* of the piece */
    char piece[LINE_OCTETS];
};

/* Octets that are not parted but where they fit on no line; ends of lines among them are left out. */
void header_line_put(struct header_line *line, const char *text, size_t len);

/* A blank, and the place for a line to end in front of it. Some that a line has no room for are left out, and so is a line that would have
 * no more than blanks. */
void header_line_gap(struct header_line *line, char blank);

/* A line ends in front of what stands behind the last blank. */
void header_line_fold(struct header_line *line);

/* A text with its blanks. Its lines become one; as it came they stay, and octets that are not ASCII become question marks. */
void header_line_text(struct header_line *line, struct span text);

/* Octets of the line up to here. */
size_t header_line_column(const struct header_line *line);

/* All of it is out now; its last line has no end yet. */
void header_line_flush(struct header_line *line);

#endif

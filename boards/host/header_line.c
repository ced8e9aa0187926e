/* SPDX-License-Identifier: MIT
 *
 * Whoever writes a field says where its blanks are; how long the lines get is decided here alone.
 */
#define _GNU_SOURCE

#include "header_line.h"
#include "utf8.h"

#include <string.h>

void header_line_fold(struct header_line *line)
{
    if (line->column > 0) {
        fputs("\r\n", line->out);
        line->column = 0;
        line->encoded = false;
        line->blank = line->blank != 0 ? line->blank : ' ';
    }
}

size_t header_line_column(const struct header_line *line)
{
    return line->column + (line->blank != 0) + line->len;
}

void header_line_flush(struct header_line *line)
{
    bool encoded = !line->as_it_came && memmem(line->piece, line->len, "=?", 2) != NULL;
    size_t most = line->encoded || encoded ? ENCODED_LINE_OCTETS : LINE_OCTETS;
    bool fits = header_line_column(line) <= most;

    if (!fits && line->len > 0) {
        header_line_fold(line);
    }
    if (line->blank != 0 && (fits || line->len > 0)) {
        fputc(line->blank, line->out);
        line->column++;
    }
    fwrite(line->piece, 1, line->len, line->out);
    line->column += line->len;
    line->encoded = line->encoded || encoded;
    line->blank = 0;
    line->len = 0;
}

void header_line_gap(struct header_line *line, char blank)
{
    header_line_flush(line);
    line->blank = blank;
}

/* Of a piece that fits on no line, what may stand on one: up to its last comma, or all of it but the first half of a quoted pair. */
static size_t part_len(const struct header_line *line)
{
    const char *comma = memrchr(line->piece, ',', line->len);
    size_t first = line->len;

    if (comma != NULL) {
        return (size_t)(comma + 1 - line->piece);
    }
    while (first > 0 && line->piece[first - 1] == '\\') {
        first--;
    }
    return line->len - (line->len - first) % 2;
}

static void part(struct header_line *line)
{
    size_t whole = line->len, len = part_len(line);

    line->len = len;
    header_line_flush(line);
    line->len = whole - len;
    memmove(line->piece, line->piece + len, line->len);
}

void header_line_put(struct header_line *line, const char *text, size_t len)
{
    for (; len > 0; len--, text++) {
        if (line->len + (line->column > 0 || line->blank != 0) == LINE_OCTETS) {
            part(line);
        }
        line->piece[line->len++] = *text;
    }
}

static void text_of_line(struct header_line *line, struct span text)
{
    bool quoted = false; /* the octet is the second one of a quoted pair */

    for (; text.len > 0; text.at++, text.len--) {
        if ((*text.at == ' ' || *text.at == '\t') && !quoted) {
            header_line_gap(line, line->as_it_came ? *text.at : ' ');
        } else {
            header_line_put(line, line->as_it_came && has_8bit(text.at, 1) ? "?" : text.at, 1);
        }
        quoted = *text.at == '\\' && !quoted;
    }
}

void header_line_text(struct header_line *line, struct span text)
{
    for (struct span one = take_line(&text);; one = take_line(&text)) {
        text_of_line(line, one);
        if (text.len == 0) {
            return;
        }
        if (line->as_it_came) {
            header_line_gap(line, *text.at);
            header_line_fold(line);
            text.at++;
            text.len--;
        }
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Whoever writes a field says where its blanks are; how long the lines get is decided here alone.
 */
#define _GNU_SOURCE

#include "header_line.h"
#include "utf8.h"

#include <string.h>

enum { INDENT_OCTETS = 8 }; /* of blanks a line of ours begins with, at most: an encoded-word has room behind them */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool has_blanks_alone(const struct header_line *line)
{
    size_t len = 0;

    while (len < line->len && is_blank(line->piece[len])) {
        len++;
    }
    return len == line->len;
}

void header_line_fold(struct header_line *line)
{
    if (line->column > 0) {
        line->folds = true;
        line->blank = line->blank != 0 ? line->blank : ' ';
    }
}

size_t header_line_column(const struct header_line *line)
{
    return (line->folds ? 0 : line->column) + (line->blank != 0) + line->len;
}

static void put_out(struct header_line *line)
{
    if (line->folds) {
        fputs("\r\n", line->out);
        line->column = 0;
        line->folds = line->encoded = false;
    }
    if (line->blank != 0) {
        fputc(line->blank, line->out);
        line->column++;
    }
    fwrite(line->piece, 1, line->len, line->out);
    line->column += line->len;
}

void header_line_flush(struct header_line *line)
{
    bool encoded = !line->as_it_came && memmem(line->piece, line->len, "=?", 2) != NULL;
    size_t most = line->encoded || encoded ? ENCODED_LINE_OCTETS : LINE_OCTETS;
    bool fits = header_line_column(line) <= most;

    if (!has_blanks_alone(line)) {
        if (!fits) {
            header_line_fold(line);
        }
        put_out(line);
    } else if (!line->folds && fits) {
        put_out(line);
    }
    line->encoded = line->encoded || encoded;
    line->blank = 0;
    line->len = 0;
}

void header_line_gap(struct header_line *line, char blank)
{
    if (!line->folds || !has_blanks_alone(line)) {
        header_line_flush(line);
        line->blank = blank;
    } else if (line->blank == 0) {
        line->blank = blank;
    } else if (line->len < (line->as_it_came ? LINE_OCTETS / 2 : INDENT_OCTETS)) {
        line->piece[line->len++] = blank;
    }
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
        if (*text != '\r' && *text != '\n') {
            line->piece[line->len++] = *text;
        }
    }
}

static void text_of_line(struct header_line *line, struct span text)
{
    bool quoted = false; /* the octet is the second one of a quoted pair */

    for (; text.len > 0; text.at++, text.len--) {
        if (is_blank(*text.at) && !quoted) {
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

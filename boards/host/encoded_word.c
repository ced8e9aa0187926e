/* SPDX-License-Identifier: MIT
 *
 * Encoded-words of a header. What stands between two of them is not shown, so that words side by side are encoded
 * together, with the blanks between them. No character is cut in two.
 */
#define _GNU_SOURCE

#include "encoded_word.h"
#include "utf8.h"

#include <string.h>

enum { CHARSET_MAX = 40, FRAME_OCTETS = 7 /* =? ?Q? ?= */ };

/* Behind a phrase stand ");," at most. */
static size_t octets_of_line(const struct word_writer *words)
{
    return words->phrase ? ENCODED_LINE_OCTETS - 3 : ENCODED_LINE_OCTETS;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t blanks(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && is_blank(text[n])) {
        n++;
    }
    return n;
}

static size_t word_len(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && !is_blank(text[n])) {
        n++;
    }
    return n;
}

/* RFC 5322 3.2.3; a dot may stand in a phrase by RFC 5322 4.1. */
static bool special(char c)
{
    return strchr("()<>[]:;@\\,\"", c) != NULL;
}

/* What was encoded before, and may stand in a phrase, must not be encoded again. */
static bool encoded_before(const char *word, size_t len)
{
    unsigned marks = 0;

    for (size_t i = 0; i < len; i++) {
        if (special(word[i]) || (unsigned char)word[i] <= ' ' || (unsigned char)word[i] > 126) {
            return false;
        }
        marks += word[i] == '?';
    }
    return len > 4 && marks == 4 && memcmp(word, "=?", 2) == 0 && memcmp(word + len - 2, "?=", 2) == 0;
}

static bool must_encode(const struct word_writer *words, const char *word, size_t len)
{
    if (words->phrase && encoded_before(word, len)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)word[i] < ' ' || (unsigned char)word[i] > 126 || (words->phrase && special(word[i]))) {
            return true;
        }
    }
    return false;
}

/* From its first word on, which is to be encoded, to the last one side by side with it. */
static size_t run_len(const struct word_writer *words, const char *text, size_t len)
{
    size_t run = word_len(text, len), gap, next;

    for (;; run += gap + next) {
        gap = blanks(text + run, len - run);
        next = word_len(text + run + gap, len - run - gap);
        if (next == 0 || !must_encode(words, text + run + gap, next)) {
            return run;
        }
    }
}

/* What stands as it is in an encoded-word, in a phrase too (RFC 2047 5). */
static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("!*+-/", c) != NULL);
}

/* Octets of the next character, and what they take when they are encoded. */
static size_t unit_len(const char *text, size_t len, bool utf8, size_t *room)
{
    uint32_t character;
    size_t unit = utf8 ? utf8_read(text, len, &character) : 1;

    *room = unit == 1 && (plain(*text) || is_blank(*text)) ? 1 : unit * 3;
    return unit;
}

static void put(struct word_writer *words, const char *text)
{
    header_line_put(&words->line, text, strlen(text));
}

static void encode_octet(struct word_writer *words, char c)
{
    char text[sizeof "=00"];

    if (c == ' ' || c == '\t') {
        put(words, "_");
    } else if (plain(c)) {
        header_line_put(&words->line, &c, 1);
    } else if (!is_blank(c)) {
        snprintf(text, sizeof text, "=%02X", (unsigned)(unsigned char)c);
        put(words, text);
    }
}

/* On the next line where this one has no room for its first character. */
static void begin_word(struct word_writer *words, const char *charset, size_t room)
{
    size_t len = strnlen(charset, CHARSET_MAX);

    if (header_line_column(&words->line) + len + FRAME_OCTETS + room > octets_of_line(words)) {
        header_line_fold(&words->line);
    }
    put(words, "=?");
    header_line_put(&words->line, charset, len);
    put(words, "?Q?");
}

static void encode_run(struct word_writer *words, const char *text, size_t len)
{
    bool utf8 = utf8_valid(text, len);
    const char *charset = utf8 ? "UTF-8" : words->charset;

    for (bool first = true; len > 0; first = false) {
        size_t room, unit = unit_len(text, len, utf8, &room);

        if (first) {
            begin_word(words, charset, room);
        } else if (header_line_column(&words->line) + room + 2 > octets_of_line(words)) {
            put(words, "?=");
            header_line_gap(&words->line, ' ');
            header_line_fold(&words->line);
            begin_word(words, charset, room);
        }
        for (size_t i = 0; i < unit; i++) {
            encode_octet(words, text[i]);
        }
        text += unit;
        len -= unit;
    }
    put(words, "?=");
}

static void put_gap(struct word_writer *words, const char *text, size_t gap)
{
    for (; gap > 0; gap--, text++) {
        if (*text == ' ' || *text == '\t') {
            header_line_gap(&words->line, ' ');
        }
    }
}

void encoded_words_write(struct word_writer *words, const char *text, size_t len)
{
    bool ours = false, theirs = false; /* the last word was encoded here, or before */

    while (len > 0) {
        size_t gap = blanks(text, len), word = word_len(text + gap, len - gap);
        bool encode = must_encode(words, text + gap, word), before = encoded_before(text + gap, word);

        if ((ours && before) || (theirs && encode)) { /* a blank between the two is shown if it is one itself */
            header_line_gap(&words->line, ' ');
            encode_run(words, " ", 1);
        }
        put_gap(words, text, gap);
        if (encode) {
            word = run_len(words, text + gap, len - gap);
            encode_run(words, text + gap, word);
        } else {
            header_line_put(&words->line, text + gap, word);
        }
        ours = encode;
        theirs = before;
        text += gap + word;
        len -= gap + word;
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Reads a list of addresses as it came, in one pass and without memory of its own. It does not judge an address: that is
 * mote_address_valid()'s to do.
 */
#define _GNU_SOURCE

#include "address_list.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The octets of what begins with a quote or a bracket, up to its end; 0 where it has none. Comments are nested. */
static size_t closed_len(struct span text)
{
    char open = *text.at, close = open == '(' ? ')' : open == '[' ? ']' : '"';
    size_t depth = 1;

    for (size_t at = 1; at < text.len; at++) {
        if (text.at[at] == '\\') {
            at++;
        } else if (text.at[at] == close) {
            if (--depth == 0) {
                return at + 1;
            }
        } else if (text.at[at] == '(' && open == '(') {
            depth++;
        }
    }
    return 0;
}

/* An atom, a quoted string, a comment, a literal, or one special octet; 0 where it has no end. text.len is 1 or more. */
static size_t token_len(struct span text)
{
    static const char specials[] = "()<>[]:;@\\,.\"";
    size_t len = 0;

    if (*text.at == '"' || *text.at == '(' || *text.at == '[') {
        return closed_len(text);
    }
    while (len < text.len && !is_blank(text.at[len]) && (text.at[len] == 0 || strchr(specials, text.at[len]) == NULL)) {
        len++;
    }
    return len == 0 ? 1 : len;
}

struct reading {
    struct address *address;
    struct span *rest;
    size_t spec_len;
    bool apart;   /* blanks stand in front of the token at hand */
    bool dot;     /* the last token was "." or "@", which hold words together */
    bool several; /* words that nothing holds together */
};

static void take(struct span *text, size_t len)
{
    text->at += len;
    text->len -= len;
}

static void note_comment(struct address *address, const char *at, size_t len)
{
    if (address->comment.len == 0) {
        address->comment = (struct span){at + 1, len - 2};
    }
}

/* Blanks and comments; false where a comment has no end. */
static bool skip_blanks(struct reading *reading)
{
    struct span *rest = reading->rest;

    for (reading->apart = false; rest->len > 0; reading->apart = true) {
        size_t len = 1;

        if (*rest->at == '(') {
            len = token_len(*rest);
            if (len == 0) {
                return false;
            }
            note_comment(reading->address, rest->at, len);
        } else if (!is_blank(*rest->at)) {
            break;
        }
        take(rest, len);
    }
    return true;
}

static bool put_spec(struct reading *reading, const char *at, size_t len)
{
    struct address *address = reading->address;

    if (reading->spec_len + len >= sizeof address->spec) {
        return false;
    }
    memcpy(address->spec + reading->spec_len, at, len);
    reading->spec_len += len;
    address->spec[reading->spec_len] = 0;
    return true;
}

static void begin_spec(struct reading *reading)
{
    reading->spec_len = 0;
    reading->address->spec[0] = 0;
    reading->address->has_domain = reading->several = false;
    reading->dot = true;
}

/* Words up to one of the ends, or to the end of the list; all of it is in spec, and where it stands in *words. False where
 * it cannot be read. A phrase may be longer than any address. */
static bool read_words(struct reading *reading, const char *ends, struct span *words)
{
    struct span *rest = reading->rest;
    bool fits = true;

    begin_spec(reading);
    *words = (struct span){rest->at, 0};
    while (skip_blanks(reading) && rest->len > 0 && (*rest->at == 0 || strchr(ends, *rest->at) == NULL)) {
        size_t len = token_len(*rest);
        bool holds = *rest->at == '.' || *rest->at == '@';

        if (len == 0) {
            return false;
        }
        reading->several = reading->several || (reading->apart && !holds && !reading->dot);
        reading->address->has_domain = reading->address->has_domain || *rest->at == '@';
        reading->dot = holds;
        fits = fits && put_spec(reading, rest->at, len);
        if (words->len == 0) {
            words->at = rest->at;
        }
        words->len = (size_t)(rest->at + len - words->at);
        take(rest, len);
    }
    reading->several = reading->several || !fits;
    return rest->len == 0 || *rest->at != '(';
}

/* What stands between < and >, behind a route if there is one (RFC 5322 4.4). */
static bool read_angle(struct reading *reading)
{
    struct span *rest = reading->rest, words;

    take(rest, 1);
    if (!read_words(reading, ",:<>", &words)) {
        return false;
    }
    while (rest->len > 0 && (*rest->at == ',' || *rest->at == ':') && (words.len == 0 || *words.at == '@')) {
        take(rest, 1);
        if (!read_words(reading, ",:<>", &words)) {
            return false;
        }
    }
    if (rest->len == 0 || *rest->at != '>' || reading->several) {
        return false;
    }
    take(rest, 1);
    return skip_blanks(reading) && (rest->len == 0 || *rest->at == ',' || *rest->at == ';');
}

static uint8_t read_address(struct reading *reading)
{
    struct address *address = reading->address;
    struct span *rest = reading->rest, words;

    if (!read_words(reading, ",;:<>", &words)) {
        return ADDRESS_WRONG;
    }
    if (rest->len > 0 && *rest->at == '<') {
        address->name = words;
        return read_angle(reading) ? ADDRESS_ONE : ADDRESS_WRONG;
    }
    if (rest->len > 0 && *rest->at == '>') {
        return ADDRESS_WRONG;
    }
    if (rest->len > 0 && *rest->at == ':') {
        take(rest, 1);
        address->name = words;
        return ADDRESS_GROUP;
    }
    if (words.len == 0) {
        return ADDRESS_END; /* a comment and no more */
    }
    if (reading->several && address->has_domain) {
        return ADDRESS_WRONG;
    }
    if (reading->several) {
        address->name = words;
        return ADDRESS_NAMELESS;
    }
    return ADDRESS_ONE;
}

void address_next(struct span *rest, struct address *address)
{
    struct reading reading = {.address = address, .rest = rest};

    do {
        memset(address, 0, sizeof *address);
        while (rest->len > 0 && (*rest->at == ',' || is_blank(*rest->at))) {
            take(rest, 1);
        }
        if (rest->len > 0 && *rest->at == ';') {
            take(rest, 1);
            address->kind = ADDRESS_GROUP_END;
        } else if (rest->len > 0) {
            address->kind = read_address(&reading);
        }
    } while (address->kind == ADDRESS_END && rest->len > 0);
}

bool address_bare(struct span name)
{
    return memchr(name.at, '@', name.len) == NULL || name.at[name.len - 1] == '"';
}

size_t address_words(char *to, size_t cap, struct span words)
{
    size_t len = 0;

    for (; words.len > 0 && len + 1 < cap; take(&words, 1)) {
        bool quoted = *words.at == '\\' && words.len > 1;

        if (quoted) {
            take(&words, 1);
        }
        if (*words.at != '\r' && *words.at != '\n' && (quoted || *words.at != '"')) {
            to[len++] = *words.at == '\t' ? ' ' : *words.at;
        }
    }
    to[len] = 0;
    return len;
}

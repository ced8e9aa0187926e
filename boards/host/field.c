/* SPDX-License-Identifier: MIT
 *
 * Reads a header as it came: nothing of it is copied, and nothing is believed but that it has so many octets.
 */
#define _GNU_SOURCE

#include "field.h"

#include <string.h>
#include <strings.h>

enum { FIELD_NAME_OCTETS = 900 }; /* more leave no room for a blank behind it where a line is to be folded */

size_t line_len(const struct span *text)
{
    size_t len = 0;

    while (len < text->len && text->at[len] != '\n') {
        len++;
    }
    return len - (len > 0 && len < text->len && text->at[len - 1] == '\r');
}

struct span take_line(struct span *text)
{
    struct span line = {text->at, line_len(text)};
    size_t used = line.len;

    used += used < text->len && text->at[used] == '\r';
    used += used < text->len;
    text->at += used;
    text->len -= used;
    return line;
}

void blank_crs(char *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        if (text[at] == '\r' && (at + 1 == len || text[at + 1] != '\n')) {
            text[at] = ' ';
        }
    }
}

struct span take_field(struct span *text, unsigned *lines)
{
    struct span field = take_line(text);

    for (*lines += 1; text->len > 0 && (*text->at == ' ' || *text->at == '\t'); *lines += 1) {
        struct span more = take_line(text);

        field.len = (size_t)(more.at + more.len - field.at);
    }
    return field;
}

/* RFC 5322 4.5 allows blanks before the colon; some readers of mail take a folded line there for them. */
size_t field_name_len(struct span line)
{
    static const char blank[] = {' ', '\t', '\r', '\n'};
    size_t len = 0, blanks = 0;

    while (len < line.len && line.at[len] > ' ' && line.at[len] < 127 && line.at[len] != ':') {
        len++;
    }
    if (len > FIELD_NAME_OCTETS) {
        return 0;
    }
    while (len + blanks < line.len && memchr(blank, line.at[len + blanks], sizeof blank) != NULL) {
        blanks++;
    }
    return len + blanks < line.len && line.at[len + blanks] == ':' ? len : 0;
}

bool field_is(struct span field, const char *name)
{
    size_t len = field_name_len(field);

    return len == strlen(name) && strncasecmp(field.at, name, len) == 0;
}

struct span field_value(struct span field)
{
    static const char blank[] = " \t\r\n";
    const char *end = field.at + field.len, *at = field.at;

    for (at += strcspn(at, ":") + 1; at < end && strchr(blank, *at) != NULL; at++) {
    }
    while (end > at && strchr(blank, end[-1]) != NULL) {
        end--;
    }
    return (struct span){at, (size_t)(end - at)};
}

size_t field_unfold(char *to, size_t cap, struct span value)
{
    size_t len = 0;

    for (; value.len > 0 && len + 1 < cap; value.len--, value.at++) {
        if (*value.at != '\r' && *value.at != '\n') {
            to[len++] = *value.at == '\t' ? ' ' : *value.at;
        }
    }
    to[len] = 0;
    return len;
}

/* SPDX-License-Identifier: MIT
 *
 * Reads aliases in place: nothing is copied, and nothing is believed but that there are so many octets.
 */
#define _GNU_SOURCE

#include "alias_text.h"

#include <string.h>
#include <strings.h>

static struct span trim(struct span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.at[0]) != NULL) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

/* Octets of a name, or of a target: what stands behind it ends it, the end of a line, or a comment. No quotes reach
 * beyond their line. */
static size_t word_len(struct span text, char behind)
{
    bool quoted = false;
    size_t len;

    for (len = 0; len < text.len; len++) {
        char octet = text.at[len];
        bool blank = len == 0 || strchr(" \t", text.at[len - 1]) != NULL;

        if (octet == '\n' || (!quoted && (octet == behind || (octet == '#' && blank)))) {
            break;
        }
        quoted ^= octet == '"';
    }
    return len;
}

struct span alias_unquote(struct span text)
{
    text = trim(text);
    if (text.len >= 2 && text.at[0] == '"' && memchr(text.at + 1, '"', text.len - 1) == text.at + text.len - 1) {
        text.at++;
        text.len -= 2;
    }
    return text;
}

bool alias_split(struct alias *alias, struct span line)
{
    size_t colon = word_len(line, ':');

    alias->name = alias_unquote((struct span){line.at, colon});
    if (colon == line.len || line.at[colon] != ':' || alias->name.len == 0 || strchr(" \t", line.at[0]) != NULL) {
        return false;
    }
    alias->targets = (struct span){line.at + colon + 1, line.len - colon - 1};
    return true;
}

bool alias_is_comment(struct span line)
{
    line = trim(line);
    return line.len == 0 || line.at[0] == '#';
}

bool alias_same(struct span name, struct span other)
{
    return name.len == other.len && strncasecmp(name.at, other.at, name.len) == 0;
}

struct span alias_take_line(struct span *rest, unsigned *lines, unsigned *number)
{
    const char *line;

    for (; rest->len > 0 && strchr("\r\n#", *rest->at) != NULL; *lines += 1) {
        take_line(rest);
    }
    line = rest->at;
    *number = *lines + 1;
    do {
        take_line(rest);
        *lines += 1;
    } while (rest->len > 0 && strchr(" \t\r\n#", *rest->at) != NULL);
    return (struct span){line, (size_t)(rest->at - line)};
}

/* A comment reaches to the end of its line. */
struct span alias_take_target(struct span *targets)
{
    struct span target = {NULL, 0};

    while (targets->len > 0 && target.len == 0) {
        size_t len;

        *targets = trim(*targets);
        if (targets->len > 0 && targets->at[0] == '#') {
            take_line(targets);
            continue;
        }
        len = word_len(*targets, ',');
        target = trim((struct span){targets->at, len});
        len += len < targets->len && targets->at[len] == ',';
        targets->at += len;
        targets->len -= len;
    }
    return target;
}

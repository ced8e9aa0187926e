/* SPDX-License-Identifier: MIT
 *
 * Text in the form of /etc/aliases: lines NAME: TARGET, ..., with comments, quotes, and lines folded to the one above.
 */
#ifndef MAILMOTE_HOST_ALIAS_TEXT_H
#define MAILMOTE_HOST_ALIAS_TEXT_H

#include "field.h"

struct alias {
    struct span name, targets;
    const char *file;
    unsigned line;
};

/* Takes the next line off, with those that are folded to it, and the empty ones and comments before, between and behind them.
 * *lines counts, *number is its own. */
struct span alias_take_line(struct span *rest, unsigned *lines, unsigned *number);

bool alias_is_comment(struct span line);

/* Sets name and targets. False: the line is no alias. */
bool alias_split(struct alias *alias, struct span line);

/* Takes the next target off: an empty one at the end. */
struct span alias_take_target(struct span *targets);

/* Without blanks and double quotes around it. */
struct span alias_unquote(struct span text);

/* In ASCII, capital letters or small. */
bool alias_same(struct span name, struct span other);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Options of one letter, as callers of sendmail and mail write them: several in one word, a value in the same word or in
 * the next one, and among the other words.
 */
#ifndef MAILMOTE_HOST_LETTERS_H
#define MAILMOTE_HOST_LETTERS_H

#include <stdbool.h>

struct letters {
    char **argv; /* the next word; NULL at the end */
    const char
        *forms; /* each letter that there is; ":" behind it: it has a value; ";": only if that is in the same word */
    char *rest; /* letters of the word at hand; NULL or "" = none is left */
    bool over;  /* "--" was there: what follows is words */
};

/* The next letter, and its value if it has one; or LETTER_WORD with a word. */
enum { LETTER_END = -1, LETTER_WORD = 0, LETTER_UNKNOWN = '?', LETTER_NO_VALUE = ':' };
int letters_next(struct letters *letters, char **value);

/* What the next word would be as a value; NULL = there is none. */
const char *letters_peek(const struct letters *letters);

/* EX_USAGE, of LETTER_UNKNOWN and LETTER_NO_VALUE: *value has the letter. */
int letters_refuse(int letter, const char *value, const char *name);

#endif

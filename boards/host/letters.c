/* SPDX-License-Identifier: MIT
 *
 * Not getopt(): where that stops at the first other word, and what it does with a value that may be missing, differs
 * between C libraries.
 */
#define _GNU_SOURCE

#include "letters.h"
#include "complain.h"

#include <string.h>

/* A value: what is left of the word, or the next word. */
static bool take_value(struct letters *letters, char **value, bool next)
{
    char *rest = letters->rest;

    letters->rest = NULL;
    *value = rest;
    if (*rest == 0 && next) {
        *value = *letters->argv;
        letters->argv += *value != NULL ? 1 : 0;
    }
    return *value != NULL;
}

static int next_letter(struct letters *letters, char **value)
{
    static char shown[2];
    int letter = (unsigned char)*letters->rest++;
    const char *form = letter == ':' || letter == ';' ? NULL : strchr(letters->forms, letter);

    shown[0] = (char)letter;
    *value = shown;
    if (form == NULL) {
        return LETTER_UNKNOWN;
    }
    if ((form[1] == ':' || form[1] == ';') && !take_value(letters, value, form[1] == ':')) {
        *value = shown;
        return LETTER_NO_VALUE;
    }
    return letter;
}

int letters_next(struct letters *letters, char **value)
{
    char *word;

    while (letters->rest == NULL || *letters->rest == 0) {
        word = *letters->argv;
        if (word == NULL) {
            return LETTER_END;
        }
        letters->argv++;
        if (!letters->over && strcmp(word, "--") == 0) {
            letters->over = true;
        } else if (letters->over || word[0] != '-' || word[1] == 0) {
            *value = word;
            return LETTER_WORD;
        } else {
            letters->rest = word + 1;
        }
    }
    return next_letter(letters, value);
}

const char *letters_peek(const struct letters *letters)
{
    return letters->rest != NULL && *letters->rest != 0 ? NULL : *letters->argv;
}

int letters_refuse(int letter, const char *value, const char *name)
{
    complain(letter == LETTER_NO_VALUE ? "%s: -%s needs a value" : "%s: there is no option -%s", name, value);
    return EX_USAGE;
}

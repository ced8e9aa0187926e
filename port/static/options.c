/* SPDX-License-Identifier: MIT
 *
 * getopt_long() for a static program: it prints nothing, and its letters begin with ':'. What is no option moves behind the
 * options.
 */
#define _GNU_SOURCE

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

char *optarg;
int optind = 1, opterr, optopt;

static size_t letters_read; /* of the word at optind */

static int wrong(int option, int what)
{
    optopt = option;
    return what;
}

static int read_letter(char *const *argv, const char *letters)
{
    const char *at = argv[optind] + 1 + letters_read++;
    const char *known = *at != ':' ? strchr(letters, *at) : NULL;
    bool valued = known != NULL && known[1] == ':';

    if (at[1] == 0 || valued) {
        letters_read = 0;
        optind++;
    }
    if (valued) {
        optarg = at[1] != 0 ? argv[optind - 1] + (at + 1 - argv[optind - 1]) : argv[optind++];
        if (optarg == NULL) {
            optind--;
            return wrong(*at, ':');
        }
    }
    return known != NULL ? *at : wrong(*at, '?');
}

/* The option that is called so, or the only one whose name begins so; -1: none. */
static int find(const struct option *options, const char *name, size_t len)
{
    int found = -1;

    for (int i = 0; options[i].name != NULL; i++) {
        if (strncmp(options[i].name, name, len) == 0) {
            if (options[i].name[len] == 0) {
                return i;
            }
            found = found == -1 ? i : -2;
        }
    }
    return found;
}

static int read_word(char *const *argv, const struct option *options, int *index)
{
    char *word = argv[optind++] + 2;
    size_t len = strcspn(word, "=");
    int found = find(options, word, len);

    if (found < 0) {
        return wrong(0, '?');
    }
    *index = found;
    if (word[len] != 0) {
        optarg = word + len + 1;
        return options[found].has_arg ? options[found].val : wrong(options[found].val, '?');
    }
    if (options[found].has_arg && (optarg = argv[optind]) == NULL) {
        return wrong(options[found].val, ':');
    }
    optind += options[found].has_arg;
    return options[found].val;
}

/* The word at from, in front of those from to on. */
static void move(char **argv, int from, int to)
{
    char *word = argv[from];

    memmove(argv + to + 1, argv + to, (size_t)(from - to) * sizeof *argv);
    argv[to] = word;
}

int getopt_long(int argc, char *const *argv, const char *letters, const struct option *options, int *index)
{
    int first = optind, begin, option = -1;

    while (optind < argc && (argv[optind][0] != '-' || argv[optind][1] == 0)) {
        optind++;
    }
    optarg = NULL;
    begin = optind;
    if (begin < argc && strcmp(argv[begin], "--") == 0) {
        optind++;
    } else if (begin < argc) {
        option = argv[begin][1] == '-' ? read_word(argv, options, index) : read_letter(argv, letters);
    }
    for (int i = begin; i < optind; i++) {
        move((char **)(size_t)argv, i, first + i - begin);
    }
    optind = first + optind - begin;
    return option;
}

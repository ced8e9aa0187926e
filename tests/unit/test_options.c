/* SPDX-License-Identifier: MIT
 *
 * The command's options: among other words, shortened, with their values, they are what libc's getopt_long() takes them for.
 */
#define _GNU_SOURCE

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define option command_option
#include "../../boards/host/args.c"
#include "../../boards/host/letters.c"
#undef option

/* ---- What it calls ----------------------------------------------------------------------------------------------- */

void complain(const char *form, ...)
{
    assert_non_null(form);
}

int config_read(struct args *args)
{
    args->relay_count += args->relay_count == 0; /* there is one */
    return EX_OK;
}

uint16_t parse_timeout(const char *text)
{
    return *text != 0;
}

void made_free(struct made **made)
{
    assert_null(*made);
}

void buffer_wipe(struct buffer *buffer)
{
    assert_null(buffer->data);
}

/* ------------------------------------------------------------------------------------------------------------------ */

enum { WORDS = 5, OPTIONS = sizeof options / sizeof options[0] };

/* What was made of the words. */
struct sense {
    int status;
    bool verbose, raw;
    const char *config, *helo, *from;
    unsigned relays, words;
    const char *relay[WORDS], *word[WORDS];
};

static int once(const char **word, const char *value)
{
    int status = *word == NULL ? EX_OK : EX_USAGE;

    *word = *word == NULL ? value : *word;
    return status;
}

static int note(struct sense *sense, const char *name, const char *value)
{
    if (value != NULL && *value == 0 && strcmp(name, "from") != 0) {
        return EX_USAGE; /* the null sender alone is empty, of those in the rows */
    }
    if (strcmp(name, "verbose") == 0) {
        sense->verbose = true;
    } else if (strcmp(name, "raw") == 0) {
        sense->raw = true;
    } else if (strcmp(name, "relay") == 0) {
        sense->relay[sense->relays++] = value;
    } else if (strcmp(name, "config") == 0) {
        return once(&sense->config, value);
    } else if (strcmp(name, "helo") == 0) {
        return once(&sense->helo, value);
    } else if (strcmp(name, "from") == 0) {
        return once(&sense->from, value);
    } else {
        return EX_USAGE; /* no command but another has it, or it is refused */
    }
    return EX_OK;
}

static void read_theirs(struct sense *sense, int argc, char **argv)
{
    struct option theirs[OPTIONS + 1] = {{NULL, 0, NULL, 0}};
    int option, index = 0;

    for (int i = 0; i < OPTIONS; i++) {
        theirs[i] = (struct option){options[i].name, options[i].form > OPTION_MX, NULL, 256 + i};
    }
    optind = 0; /* so that libc begins anew */
    opterr = 0;
    while (sense->status == EX_OK && (option = getopt_long(argc, argv, ":vC:a:", theirs, &index)) != -1) {
        sense->status = option == '?' || option == ':' ? EX_USAGE
                        : option == 'v'                ? note(sense, "verbose", NULL)
                        : option == 'C'                ? note(sense, "config", optarg)
                                                       : note(sense, theirs[index].name, optarg);
    }
    for (int i = optind; i < argc; i++) {
        sense->word[sense->words++] = argv[i];
    }
}

static void read_ours(struct sense *sense, int argc, char **argv)
{
    struct args args;

    sense->status = args_parse(&args, COMMAND_SEND, argc, argv);
    sense->verbose = args.verbose;
    sense->raw = args.raw;
    sense->config = args.config_file;
    sense->helo = args.helo;
    sense->from = args.from;
    for (unsigned i = 0; i < args.relay_count && args.relays[i].relay != NULL; i++) {
        sense->relay[sense->relays++] = args.relays[i].relay;
    }
    memcpy(sense->word, args.rcpts, args.rcpt_count * sizeof *args.rcpts);
    sense->words = args.rcpt_count;
    args_free(&args);
}

/* Each row of three of these words, and one that no mail goes without. */
static void test_rows(void **state)
{
    static char texts[][12] = {"to@x",    "-v",    "-Cfile",  "-C",     "-vvC",     "-vxv",  "--",
                               "-",       "--raw", "--raw=1", "--from", "--from=h", "--fro", "--helo",
                               "--rel=h", "--h",   "--no",    "--",     "",         "-:"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };

    (void)state;
    for (size_t row = 0; row < (size_t)TEXTS * TEXTS * TEXTS; row++) {
        char last[] = "last", name[] = "send";
        char *words[] = {name, texts[row % TEXTS], texts[row / TEXTS % TEXTS], texts[row / TEXTS / TEXTS % TEXTS], last,
                         NULL};
        char *theirs[sizeof words / sizeof words[0]];
        struct sense sense = {.status = EX_OK}, wanted = {.status = EX_OK};

        memcpy(theirs, words, sizeof words);
        read_theirs(&wanted, 5, theirs);
        if (wanted.status == EX_OK && wanted.words == 0) {
            continue; /* last is a value */
        }
        read_ours(&sense, 5, words);
        assert_int_equal(sense.status, wanted.status);
        if (wanted.status == EX_OK) {
            assert_memory_equal(&sense, &wanted, sizeof wanted);
        }
    }
}

/* An option that is given to a command that does not know it; and each of them has a place of its own. */
static void test_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTIONS; i++) {
        char name[20], value[] = "1", word[] = "to@x";
        char *words[] = {word, name, options[i].form > OPTION_MX ? value : NULL, NULL};
        struct args args;

        snprintf(name, sizeof name, "--%.17s", options[i].name);
        for (uint8_t command = 1; command <= COMMAND_QUEUE; command = (uint8_t)(command * 2)) {
            struct args none = {.command = command};
            struct relay_args common = {.relay = NULL}, nothing = {.relay = NULL};
            int status;

            args = none;
            status = parse_options(&args, &common, words);
            args.rcpts = NULL;
            assert_int_equal(
                status, (options[i].commands & command) != 0 && options[i].form != OPTION_SECRET ? EX_OK : EX_USAGE);
            assert_int_equal(status == EX_OK,
                             memcmp(&args, &none, sizeof none) != 0 || memcmp(&common, &nothing, sizeof nothing) != 0);
            args_free(&args);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

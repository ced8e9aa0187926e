/* SPDX-License-Identifier: MIT
 *
 * The part of the board that a host plays over semihosting: console, configuration, exit, time, entropy. A product has
 * its own of each.
 */
#include "chip.h"
#include "semihosting.h"

#include <string.h>

#ifndef BOARD_COMMAND_LINE
#define BOARD_COMMAND_LINE 512
#endif

static char words[BOARD_COMMAND_LINE];
static size_t words_len;

/* The command line, cut into words at its spaces. */
static void read_words(void)
{
    if (!semi_command_line(words, sizeof words)) {
        board_log("the command line is too long\n");
        board_exit(BOARD_BAD_CONFIG);
    }
    words_len = strlen(words);
    for (size_t i = 0; i < words_len; i++) {
        if (words[i] == ' ') {
            words[i] = 0;
        }
    }
}

void board_init(void)
{
    chip_init();
    read_words();
}

const char *board_setting(const char *name)
{
    size_t len = strlen(name);

    for (size_t at = 0; at < words_len; at += strlen(words + at) + 1) {
        const char *word = words + at;

        if (strncmp(word, name, len) == 0 && (word[len] == '=' || word[len] == 0)) {
            return word + len + (word[len] == '=');
        }
    }
    return NULL;
}

void board_log(const char *text)
{
    semi_print(text);
}

void board_exit(int status)
{
    semi_exit(status);
    for (;;) {
    }
}

/* time=SECONDS stands in for a clock, for tests: 0 is "unknown". */
uint64_t board_unix_s(void)
{
    const char *digits = board_setting("time");
    uint32_t value = 0;

    if (digits == NULL) {
        return semi_time();
    }
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        value = value * 10 + (uint32_t)(*digits - '0');
    }
    return value;
}

bool board_entropy(void *ctx, void *octets, size_t len)
{
    int file = semi_open("/dev/urandom", SEMI_READ);
    size_t got;

    (void)ctx;
    if (file < 0) {
        return false;
    }
    got = semi_read(file, -1, octets, len);
    semi_close(file);
    return got == len;
}

/* SPDX-License-Identifier: MIT
 *
 * The settings, from the command line that the host gives. A product has constants in their place, so `make size' counts this file
 * as the harness's.
 */
#include "chip.h"
#include "semihosting.h"

#include <string.h>

#ifndef BOARD_COMMAND_LINE
#define BOARD_COMMAND_LINE 512
#endif

static char words[BOARD_COMMAND_LINE];
static size_t words_len;

static const char settings[] = "relay\0implicit\0tls-name\0from\0to\0subject\0text\0helo\0user\0password\0"
#ifdef BOARD_OPPORTUNISTIC
                               "opportunistic\0"
#endif
#if defined BOARD_LEAN && !defined BOARD_MODEM
                               "ip\0gateway\0"
#endif
#ifdef BOARD_SNTP
                               "ntp\0"
#endif
                               "storage\0resume\0now\0attempts\0alerts\0time\0";

/* "name=value" is that setting; a word without a value is "". NULL: it is another. */
static const char *value_of(const char *word, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(word, name, len) != 0 || (word[len] != '=' && word[len] != 0)) {
        return NULL;
    }
    return word + len + (word[len] == '=');
}

static void check_word(const char *word)
{
    const char *name = settings;

    while (*name != 0 && value_of(word, name) == NULL) {
        name += strlen(name) + 1;
    }
    if (*word != 0 && *name == 0) {
        board_log("unknown setting: ");
        board_log(word);
        board_log("\n");
        board_exit(BOARD_BAD_CONFIG);
    }
}

/* The command line, cut into words at its spaces. The first one is the image's name. */
void board_read_settings(void)
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
    for (size_t at = strlen(words) + 1; at < words_len; at += strlen(words + at) + 1) {
        check_word(words + at);
    }
}

const char *board_setting(const char *name)
{
    const char *value = NULL;

    for (size_t at = 0; at < words_len && value == NULL; at += strlen(words + at) + 1) {
        value = value_of(words + at, name);
    }
    return value;
}

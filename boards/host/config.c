/* SPDX-License-Identifier: MIT
 *
 * The configuration file: the settings of the command line, a relay a line. It is cut into words in place; a word holds
 * no space, and there is no quoting. What is wrong is told with file and line. No secret stands in it, only the names
 * of files.
 */
#define _GNU_SOURCE

#include "args.h"
#include "complain.h"

#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20)

#define SPACE " \t\r"

static const char *const relay_option_names[RELAY_OPTIONS] = {
    [RELAY_TLS] = "tls",
    [RELAY_TRUST] = "trust",
    [RELAY_PIN] = "pin",
    [RELAY_TLS_NAME] = "tls-name",
    [RELAY_USER] = "user",
    [RELAY_PASSWORD_FILE] = "password-file",
    [RELAY_TOKEN_FILE] = "token-file",
};

static int wrong(const char *what, const char *word, const char *todo)
{
    complain("%s%.200s%s", what, word, todo);
    return EX_CONFIG;
}

/* name=value of a relay's line. */
static int parse_option(struct relay_args *relay, char *word)
{
    char *value = strchr(word, '=');
    int i;

    if (value != NULL) {
        *value++ = 0;
    }
    for (i = 0; i < RELAY_OPTIONS; i++) {
        if (strcmp(word, relay_option_names[i]) == 0) {
            break;
        }
    }
    if (i == RELAY_OPTIONS && (strcmp(word, "password") == 0 || strcmp(word, "token") == 0)) {
        return wrong("", word, "=: the file may be read by others: give its name, with -file=FILE");
    }
    if (i == RELAY_OPTIONS) {
        return wrong("a relay has no ", word, "=: give tls, trust, pin, tls-name, user, password-file or token-file");
    }
    if (value == NULL || *value == 0) {
        return wrong("", word, " needs a value: give it as WORD=VALUE, without spaces");
    }
    if (relay->options[i] != NULL) {
        return wrong("", word, " is given twice: which one is meant?");
    }
    relay->options[i] = value;
    return EX_OK;
}

/* Relays of the command line take the place of all those in the file: then the line is read for its errors alone. */
static int parse_relay(struct args *args, char *where, char **rest, unsigned line, bool relays)
{
    struct relay_args unused, *relay = &unused;
    char *word;
    int status = EX_OK;

    if (relays && args->relay_count == MOTE_RELAYS_MAX) {
        complain("more than %d relays: give fewer", MOTE_RELAYS_MAX);
        return EX_CONFIG;
    }
    if (relays) {
        relay = &args->relays[args->relay_count++];
    }
    memset(relay, 0, sizeof *relay);
    relay->relay = where;
    relay->line = line;
    while (status == EX_OK && (word = strtok_r(NULL, SPACE, rest)) != NULL) {
        status = parse_option(relay, word);
    }
    return status;
}

static int parse_setting(const char **word, const char *value, bool *seen, const char *name, const char *more)
{
    if (more != NULL) {
        return wrong("", more, " is one word too many: take it out");
    }
    if (*seen) {
        return wrong("", name, " is given twice: which one is meant?");
    }
    *seen = true;
    if (*word == NULL) {
        *word = value;
    }
    return EX_OK;
}

uint16_t parse_timeout(const char *text)
{
    unsigned value = 0;

    for (; *text >= '0' && *text <= '9' && value <= MOTE_ATTEMPT_S; text++) {
        value = value * 10 + (unsigned)(*text - '0');
    }
    return *text == 0 && value <= MOTE_ATTEMPT_S ? (uint16_t)value : 0;
}

struct seen {
    bool relays; /* are to be taken */
    bool spool, helo, from, admin, timeout;
};

static int parse_line(struct args *args, struct seen *seen, char *text, unsigned line)
{
    char *rest = NULL, *name = strtok_r(text, SPACE, &rest), *value;

    if (name == NULL) {
        return EX_OK;
    }
    value = strtok_r(NULL, SPACE, &rest);
    if (value == NULL) {
        return wrong("", name, " needs a value: see mailmote --help");
    }
    if (strcmp(name, "relay") == 0) {
        return parse_relay(args, value, &rest, line, seen->relays);
    }
    if (strcmp(name, "spool") == 0) {
        return parse_setting(&args->spool, value, &seen->spool, name, strtok_r(NULL, SPACE, &rest));
    }
    if (strcmp(name, "helo") == 0) {
        return parse_setting(&args->helo, value, &seen->helo, name, strtok_r(NULL, SPACE, &rest));
    }
    if (strcmp(name, "from") == 0) {
        return parse_setting(&args->from, value, &seen->from, name, strtok_r(NULL, SPACE, &rest));
    }
    if (strcmp(name, "admin") == 0) {
        return parse_setting(&args->admin, value, &seen->admin, name, strtok_r(NULL, SPACE, &rest));
    }
    if (strcmp(name, "timeout") == 0) {
        if (parse_timeout(value) == 0) {
            return wrong("timeout ", value, " is no number of seconds that an attempt can take: see mailmote --help");
        }
        return parse_setting(&args->timeout, value, &seen->timeout, name, strtok_r(NULL, SPACE, &rest));
    }
    return wrong("", name, " is unknown: a line begins with relay, spool, helo, from, admin or timeout");
}

static int read_file(struct args *args)
{
    struct stat about;
    int error = file_read_text(args->config_file, &args->config, CONFIG_MAX, &about);

    if (error == 0) {
        return EX_OK;
    }
    complain("%s cannot be read: %s", args->config_file, strerror(error));
    return EX_CONFIG;
}

/* A '#' begins a comment where a word could begin. */
static void cut_comment(char *text)
{
    for (char *at = text; *at != 0; at++) {
        if (*at == '#' && (at == text || strchr(SPACE, at[-1]) != NULL)) {
            *at = 0;
            break;
        }
    }
}

int config_read(struct args *args)
{
    struct seen seen = {.relays = args->relay_count == 0};
    char *at, *next;
    unsigned line = 0;
    int status = read_file(args);

    for (at = status == EX_OK ? args->config.data : NULL; at != NULL; at = next) {
        next = strchr(at, '\n');
        if (next != NULL) {
            *next++ = 0;
        }
        cut_comment(at);
        complain_about(args->config_file, ++line);
        if (parse_line(args, &seen, at, line) != EX_OK) {
            status = EX_CONFIG;
        }
    }
    complain_about(NULL, 0);
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * The command line of `mailmote send`: which word belongs to which relay. It opens no file and judges no value.
 */
#define _GNU_SOURCE

#include "host.h"

#include <getopt.h>
#include <string.h>

enum {
    OPTION_RELAY = 256,
    OPTION_HELO,
    OPTION_FROM,
    OPTION_SUBJECT,
    OPTION_RAW,
    OPTION_HELP,
    OPTION_SECRET,
    OPTION_WORD
};

static const struct option options[] = {
    {"relay", required_argument, NULL, OPTION_RELAY},
    {"helo", required_argument, NULL, OPTION_HELO},
    {"from", required_argument, NULL, OPTION_FROM},
    {"subject", required_argument, NULL, OPTION_SUBJECT},
    {"raw", no_argument, NULL, OPTION_RAW},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPTION_HELP},
    {"tls", required_argument, NULL, OPTION_WORD + WORD_TLS},
    {"trust", required_argument, NULL, OPTION_WORD + WORD_TRUST},
    {"pin", required_argument, NULL, OPTION_WORD + WORD_PIN},
    {"tls-name", required_argument, NULL, OPTION_WORD + WORD_TLS_NAME},
    {"user", required_argument, NULL, OPTION_WORD + WORD_USER},
    {"password-file", required_argument, NULL, OPTION_WORD + WORD_PASSWORD_FILE},
    {"token-file", required_argument, NULL, OPTION_WORD + WORD_TOKEN_FILE},
    /* Without these two, getopt would take them for short forms of the two above. */
    {"password", required_argument, NULL, OPTION_SECRET},
    {"token", required_argument, NULL, OPTION_SECRET},
    {NULL, 0, NULL, 0},
};

static int set_once(const char **word, const char *value, const char *name)
{
    if (*word != NULL) {
        complain("--%s is given twice: which one is meant?", name);
        return EX_USAGE;
    }
    *word = value;
    return EX_OK;
}

static int begin_relay(struct send_args *args, const char *value)
{
    if (args->relay_count == RELAY_MAX) {
        complain("more than %d relays: give fewer", RELAY_MAX);
        return EX_USAGE;
    }
    args->relays[args->relay_count++].relay = value;
    return EX_OK;
}

/* The words that exclude each other are taken over together or not at all. */
static void inherit(struct relay_args *relay, const struct relay_args *common)
{
    bool trust = relay->words[WORD_TRUST] != NULL || relay->words[WORD_PIN] != NULL;
    bool secret = relay->words[WORD_PASSWORD_FILE] != NULL || relay->words[WORD_TOKEN_FILE] != NULL;
    int i;

    for (i = 0; i < WORD_COUNT; i++) {
        if (relay->words[i] != NULL || (trust && (i == WORD_TRUST || i == WORD_PIN)) ||
            (secret && (i == WORD_PASSWORD_FILE || i == WORD_TOKEN_FILE)))
            continue;
        relay->words[i] = common->words[i];
    }
}

static int take(struct send_args *args, struct relay_args *common, int option, int index)
{
    struct relay_args *relay = args->relay_count == 0 ? common : &args->relays[args->relay_count - 1];

    switch (option) {
    case OPTION_RELAY: return begin_relay(args, optarg);
    case OPTION_HELO: return set_once(&args->helo, optarg, "helo");
    case OPTION_FROM: return set_once(&args->from, optarg, "from");
    case OPTION_SUBJECT: return set_once(&args->subject, optarg, "subject");
    case OPTION_RAW: args->raw = true; return EX_OK;
    case OPTION_HELP: args->help = true; return EX_OK;
    case 'v': args->verbose = true; return EX_OK;
    case OPTION_SECRET:
        complain("--%s: a command line can be read by others: use --%s-file FILE", options[index].name,
                 options[index].name);
        return EX_USAGE;
    default: return set_once(&relay->words[option - OPTION_WORD], optarg, options[index].name);
    }
}

/* Only the option is shown: what follows a '=' may be anything. */
static int refuse(int option, const char *word)
{
    char letter[] = {'-', (char)optopt, 0};

    if (optopt > 0 && optopt < OPTION_RELAY)
        word = letter;
    complain(option == ':' ? "%.*s needs a value: see mailmote --help"
                           : "option %.*s is unknown, ambiguous or takes no value: see mailmote --help",
             (int)strcspn(word, "="), word);
    return EX_USAGE;
}

static int complete(const struct send_args *args)
{
    if (args->relay_count == 0)
        complain("no relay: give --relay HOST[:PORT]");
    else if (args->rcpt_count == 0)
        complain("no recipient: give at least one address");
    else if (args->rcpt_count > UINT16_MAX)
        complain("more than %d recipients: send several mails", UINT16_MAX);
    else if (args->raw && args->subject != NULL)
        complain("--subject with --raw: put the subject into the message");
    else
        return EX_OK;
    return EX_USAGE;
}

int args_parse(struct send_args *args, int argc, char **argv)
{
    struct relay_args common = {.relay = NULL};
    int option, index = 0, status;
    unsigned i;

    memset(args, 0, sizeof *args);
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":v", options, &index)) != -1) {
        if (option == '?' || option == ':')
            status = refuse(option, argv[optind - 1]);
        else
            status = take(args, &common, option, index);
        if (status != EX_OK || args->help)
            return status;
    }
    args->rcpts = argv + optind;
    args->rcpt_count = (unsigned)(argc - optind);
    for (i = 0; i < args->relay_count; i++)
        inherit(&args->relays[i], &common);
    return complete(args);
}

/* SPDX-License-Identifier: MIT
 *
 * The command line: which option belongs to which relay. It opens no file and judges no value.
 */
#define _GNU_SOURCE

#include "args.h"
#include "complain.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_RELAY = 256,
    OPTION_MX,
    OPTION_HELO,
    OPTION_FROM,
    OPTION_SUBJECT,
    OPTION_CC,
    OPTION_BCC,
    OPTION_REPLY_TO,
    OPTION_NAME,
    OPTION_PRIORITY,
    OPTION_HTML,
    OPTION_ATTACH,
    OPTION_TIMEOUT,
    OPTION_RAW,
    OPTION_SPOOL,
    OPTION_BACKGROUND,
    OPTION_SHOW,
    OPTION_DELETE,
    OPTION_NOW,
    OPTION_HELP,
    OPTION_SECRET,
    OPTION_OF_RELAY
};

static const struct option options[] = {
    {"relay", required_argument, NULL, OPTION_RELAY},
    {"mx", no_argument, NULL, OPTION_MX},
    {"helo", required_argument, NULL, OPTION_HELO},
    {"from", required_argument, NULL, OPTION_FROM},
    {"subject", required_argument, NULL, OPTION_SUBJECT},
    {"cc", required_argument, NULL, OPTION_CC},
    {"bcc", required_argument, NULL, OPTION_BCC},
    {"reply-to", required_argument, NULL, OPTION_REPLY_TO},
    {"name", required_argument, NULL, OPTION_NAME},
    {"priority", required_argument, NULL, OPTION_PRIORITY},
    {"html", required_argument, NULL, OPTION_HTML},
    {"attach", required_argument, NULL, OPTION_ATTACH},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"raw", no_argument, NULL, OPTION_RAW},
    {"spool", required_argument, NULL, OPTION_SPOOL},
    {"background", no_argument, NULL, OPTION_BACKGROUND},
    {"show", required_argument, NULL, OPTION_SHOW},
    {"delete", required_argument, NULL, OPTION_DELETE},
    {"now", no_argument, NULL, OPTION_NOW},
    {"config", required_argument, NULL, 'C'},
    {"account", required_argument, NULL, 'a'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPTION_HELP},
    {"tls", required_argument, NULL, OPTION_OF_RELAY + RELAY_TLS},
    {"trust", required_argument, NULL, OPTION_OF_RELAY + RELAY_TRUST},
    {"pin", required_argument, NULL, OPTION_OF_RELAY + RELAY_PIN},
    {"tls-name", required_argument, NULL, OPTION_OF_RELAY + RELAY_TLS_NAME},
    {"user", required_argument, NULL, OPTION_OF_RELAY + RELAY_USER},
    {"password-file", required_argument, NULL, OPTION_OF_RELAY + RELAY_PASSWORD_FILE},
    {"token-file", required_argument, NULL, OPTION_OF_RELAY + RELAY_TOKEN_FILE},
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

int words_add(struct words *words, char *word)
{
    if ((words->count & (words->count - 1)) == 0) { /* none, or a power of two: it is full */
        char **more = realloc(words->list, (words->count * 2 + 1) * sizeof *more);

        if (more == NULL) {
            complain("no memory: give fewer recipients and files");
            return EX_OSERR;
        }
        words->list = more;
    }
    words->list[words->count++] = word;
    return EX_OK;
}

unsigned args_rcpts(const struct args *args)
{
    return args->rcpt_count + args->cc.count + args->bcc.count;
}

static int begin_relay(struct args *args, const char *value)
{
    if (args->relay_count == MOTE_RELAYS_MAX) {
        complain("more than %d relays: give fewer", MOTE_RELAYS_MAX);
        return EX_USAGE;
    }
    args->relays[args->relay_count++].relay = value;
    return EX_OK;
}

/* Options that exclude each other are taken over together or not at all. */
static void inherit(struct relay_args *relay, const struct relay_args *common)
{
    bool trust = relay->options[RELAY_TRUST] != NULL || relay->options[RELAY_PIN] != NULL;
    bool secret = relay->options[RELAY_PASSWORD_FILE] != NULL || relay->options[RELAY_TOKEN_FILE] != NULL ||
                  relay->options[RELAY_PASSWORD] != NULL || relay->options[RELAY_PASSWORD_COMMAND] != NULL;

    for (int i = 0; i < RELAY_OPTIONS; i++) {
        if (relay->options[i] != NULL || (trust && (i == RELAY_TRUST || i == RELAY_PIN)) ||
            (secret && (i == RELAY_PASSWORD_FILE || i == RELAY_TOKEN_FILE))) {
            continue;
        }
        relay->options[i] = common->options[i];
    }
}

static int apply(struct args *args, struct relay_args *common, int option, int index)
{
    struct relay_args *relay = args->relay_count == 0 ? common : &args->relays[args->relay_count - 1];

    switch (option) {
    case OPTION_RELAY: return begin_relay(args, optarg);
    case OPTION_MX: return begin_relay(args, RELAY_MX);
    case OPTION_HELO: return set_once(&args->helo, optarg, "helo");
    case OPTION_FROM: return set_once(&args->from, optarg, "from");
    case OPTION_SUBJECT: return set_once(&args->subject, optarg, "subject");
    case OPTION_CC: return words_add(&args->cc, optarg);
    case OPTION_BCC: return words_add(&args->bcc, optarg);
    case OPTION_REPLY_TO: return set_once(&args->reply_to, optarg, "reply-to");
    case OPTION_NAME: return set_once(&args->full_name, optarg, "name");
    case OPTION_PRIORITY: return set_once(&args->priority, optarg, "priority");
    case OPTION_HTML: return set_once(&args->html, optarg, "html");
    case OPTION_ATTACH: return words_add(&args->attachments, optarg);
    case OPTION_TIMEOUT: return set_once(&args->timeout, optarg, "timeout");
    case OPTION_SPOOL: return set_once(&args->spool, optarg, "spool");
    case 'C': return set_once(&args->config_file, optarg, "config");
    case 'a': return set_once(&args->account, optarg, "account");
    case OPTION_RAW: args->raw = true; return EX_OK;
    case OPTION_NOW: args->now = true; return EX_OK;
    case OPTION_BACKGROUND: args->background = true; return EX_OK;
    case OPTION_SHOW: return set_once(&args->show, optarg, "show");
    case OPTION_DELETE: return set_once(&args->remove, optarg, "delete");
    case OPTION_HELP: args->help = true; return EX_OK;
    case 'v': args->verbose = true; return EX_OK;
    case OPTION_SECRET:
        complain("--%s: a command line can be read by others: use --%s-file FILE", options[index].name,
                 options[index].name);
        return EX_USAGE;
    default: return set_once(&relay->options[option - OPTION_OF_RELAY], optarg, options[index].name);
    }
}

/* Which commands know an option. */
static unsigned commands_of(int option)
{
    switch (option) {
    case OPTION_FROM:
    case OPTION_SUBJECT:
    case OPTION_CC:
    case OPTION_BCC:
    case OPTION_REPLY_TO:
    case OPTION_NAME:
    case OPTION_PRIORITY:
    case OPTION_HTML:
    case OPTION_ATTACH:
    case OPTION_BACKGROUND:
    case OPTION_RAW: return COMMAND_SEND;
    case OPTION_SHOW:
    case OPTION_DELETE: return COMMAND_QUEUE;
    case OPTION_NOW: return COMMAND_FLUSH;
    case OPTION_HELP:
    case OPTION_SPOOL:
    case 'a':
    case 'C': return COMMAND_SEND | COMMAND_FLUSH | COMMAND_QUEUE;
    default: return COMMAND_SEND | COMMAND_FLUSH;
    }
}

/* Only the option is shown: what follows a '=' may be anything. */
static int refuse(int option, const char *word)
{
    char letter[] = {'-', (char)optopt, 0};

    if (optopt > 0 && optopt < OPTION_RELAY) {
        word = letter;
    }
    complain(option == ':' ? "%.*s needs a value: see mailmote --help"
                           : "option %.*s is unknown, ambiguous or takes no value: see mailmote --help",
             (int)strcspn(word, "="), word);
    return EX_USAGE;
}

static int refuse_for(const char *command, int option, int index)
{
    if (option < OPTION_RELAY) {
        complain("%s does not take -%c: see mailmote --help", command, option);
    } else {
        complain("%s does not take --%s: see mailmote --help", command, options[index].name);
    }
    return EX_USAGE;
}

/* What a whole message must say itself. */
static const char *not_with_raw(const struct args *args)
{
    return args->subject != NULL          ? "subject"
           : args->cc.count != 0          ? "cc"
           : args->reply_to != NULL       ? "reply-to"
           : args->priority != NULL       ? "priority"
           : args->html != NULL           ? "html"
           : args->attachments.count != 0 ? "attach"
                                          : NULL;
}

static int complete_send(const struct args *args)
{
    unsigned rcpts = args_rcpts(args);

    if (args->mta) {
        return EX_OK;
    }
    if (rcpts == 0) {
        complain("no recipient: give at least one address");
    } else if (rcpts > UINT16_MAX) {
        complain("more than %d recipients: send several mails", UINT16_MAX);
    } else if (args->background && args->spool == NULL) {
        complain("--background needs --spool DIR: the mail must be kept somewhere");
    } else if (args->raw && not_with_raw(args) != NULL) {
        complain("--%s with --raw: put it into the message, which is sent as it is", not_with_raw(args));
    } else {
        return EX_OK;
    }
    return EX_USAGE;
}

int args_check_relays(const struct args *args)
{
    if (args->command == COMMAND_QUEUE || args->relay_count != 0) {
        return EX_OK;
    }
    complain("no relay: give --relay HOST[:PORT], or a relay line in " CONFIG_FILE ", or in -C FILE");
    return args->config_file != NULL || args->mta || args->command == COMMAND_FLUSH ? EX_CONFIG : EX_USAGE;
}

int args_misconfigured(struct args *args, int status)
{
    args->misconfigured |=
        status == EX_CONFIG &&
        (args->command == COMMAND_QUEUE || (args->command == COMMAND_SEND && (args->spool != NULL || args->mta)));
    return args->misconfigured && status == EX_CONFIG ? EX_OK : status;
}

static int complete(struct args *args)
{
    if (args->spool == NULL && args->command != COMMAND_SEND) {
        args->spool = SPOOL_DEFAULT;
    }
    args->timeout_s = args->timeout != NULL ? parse_timeout(args->timeout) : 0;
    if (args->timeout != NULL && args->timeout_s == 0) {
        complain("--timeout %s: give seconds from 1 to %d", args->timeout, MOTE_ATTEMPT_S);
    } else if (args->command == COMMAND_SEND) {
        return complete_send(args);
    } else if (args->show != NULL && args->remove != NULL) {
        complain("--show and --delete: give one of them");
    } else if (args->rcpt_count != 0) {
        complain("%s: only send takes recipients: leave it out", args->rcpts[0]);
    } else {
        return EX_OK;
    }
    return EX_USAGE;
}

/* Until --help or an error, or to the end. */
static int parse_options(struct args *args, struct relay_args *common, int argc, char **argv)
{
    int option, index = 0, status = EX_OK;

    opterr = 0;
    while (status == EX_OK && !args->help && (option = getopt_long(argc, argv, ":vC:a:", options, &index)) != -1) {
        if (option == '?' || option == ':') {
            status = refuse(option, argv[optind - 1]);
        } else if ((commands_of(option) & args->command) == 0) {
            status = refuse_for(argv[0], option, index);
        } else {
            status = apply(args, common, option, index);
        }
    }
    return status;
}

int args_settle(struct args *args)
{
    int status;

    args->spool_option = args->spool != NULL;
    status = args_misconfigured(args, config_read(args));
    if (status == EX_OK && !args->misconfigured && !args->mta) {
        status = args_misconfigured(args, args_check_relays(args));
    }
    return status == EX_OK ? complete(args) : status;
}

int args_parse(struct args *args, uint8_t command, int argc, char **argv)
{
    struct relay_args common = {.relay = NULL};
    int status;

    memset(args, 0, sizeof *args);
    args->command = command;
    status = parse_options(args, &common, argc, argv);
    if (status != EX_OK || args->help) {
        return status;
    }
    args->rcpts = argv + optind;
    args->rcpt_count = (unsigned)(argc - optind);
    status = args_settle(args);
    for (unsigned i = 0; i < args->relay_count; i++) {
        inherit(&args->relays[i], &common);
    }
    return status;
}

void args_free(struct args *args)
{
    buffer_wipe(&args->config);
    made_free(&args->made);
    free(args->cc.list);
    free(args->bcc.list);
    free(args->attachments.list);
}

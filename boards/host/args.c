/* SPDX-License-Identifier: MIT
 *
 * The command line: which option belongs to which relay. It opens no file, and judges no value but whether it is
 * empty.
 */
#define _GNU_SOURCE

#include "args.h"
#include "complain.h"
#include "letters.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum form {
    OPTION_FLAG,
    OPTION_MX,
    OPTION_TEXT,
    OPTION_SECRET,
    OPTION_RELAY,
    OPTION_ONCE,
    OPTION_LIST,
    OPTION_OF_RELAY
};

enum { SEND = COMMAND_SEND, SENDING = COMMAND_SEND | COMMAND_FLUSH, ALL = SENDING | COMMAND_QUEUE };

struct option {
    char name[14];
    uint8_t commands; /* that know it */
    uint8_t form;     /* the first two have no value, the next two may have an empty one */
    uint16_t at;      /* of struct args; or which one of a relay's */
};

#define OF(field) offsetof(struct args, field)

static const struct option options[] = {
    {"relay", SENDING, OPTION_RELAY, 0},
    {"mx", SENDING, OPTION_MX, 0},
    {"helo", SENDING, OPTION_ONCE, OF(helo)},
    {"from", SEND, OPTION_TEXT, OF(from)},
    {"subject", SEND, OPTION_TEXT, OF(subject)},
    {"cc", SEND, OPTION_LIST, OF(cc)},
    {"bcc", SEND, OPTION_LIST, OF(bcc)},
    {"reply-to", SEND, OPTION_ONCE, OF(reply_to)},
    {"name", SEND, OPTION_TEXT, OF(full_name)},
    {"priority", SEND, OPTION_ONCE, OF(priority)},
    {"html", SEND, OPTION_ONCE, OF(html)},
    {"attach", SEND, OPTION_LIST, OF(attachments)},
    {"timeout", SENDING, OPTION_ONCE, OF(timeout)},
    {"raw", SEND, OPTION_FLAG, OF(raw)},
    {"spool", ALL, OPTION_ONCE, OF(spool)},
    {"background", SEND, OPTION_FLAG, OF(background)},
    {"show", COMMAND_QUEUE, OPTION_ONCE, OF(show)},
    {"delete", COMMAND_QUEUE, OPTION_ONCE, OF(remove)},
    {"now", COMMAND_FLUSH, OPTION_FLAG, OF(now)},
    {"config", ALL, OPTION_ONCE, OF(config_file)},
    {"account", ALL, OPTION_ONCE, OF(account)},
    {"verbose", SENDING, OPTION_FLAG, OF(verbose)},
    {"help", ALL, OPTION_FLAG, OF(help)},
    {"tls", SENDING, OPTION_OF_RELAY, RELAY_TLS},
    {"trust", SENDING, OPTION_OF_RELAY, RELAY_TRUST},
    {"pin", SENDING, OPTION_OF_RELAY, RELAY_PIN},
    {"tls-name", SENDING, OPTION_OF_RELAY, RELAY_TLS_NAME},
    {"user", SENDING, OPTION_OF_RELAY, RELAY_USER},
    {"password-file", SENDING, OPTION_OF_RELAY, RELAY_PASSWORD_FILE},
    {"token-file", SENDING, OPTION_OF_RELAY, RELAY_TOKEN_FILE},
    /* Without these two, they would be short forms of the two above. */
    {"password", SENDING, OPTION_SECRET, 0},
    {"token", SENDING, OPTION_SECRET, 0},
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

static int apply(struct args *args, struct relay_args *common, const struct option *option, char *value)
{
    struct relay_args *relay = args->relay_count == 0 ? common : &args->relays[args->relay_count - 1];
    void *field = (char *)args + option->at;

    switch (option->form) {
    case OPTION_FLAG: *(bool *)field = true; return EX_OK;
    case OPTION_MX: return begin_relay(args, RELAY_MX);
    case OPTION_RELAY: return begin_relay(args, value);
    case OPTION_LIST: return words_add(field, value);
    case OPTION_SECRET:
        complain("--%s: a command line can be read by others: use --%s-file FILE", option->name, option->name);
        return EX_USAGE;
    case OPTION_OF_RELAY: return set_once(&relay->options[option->at], value, option->name);
    default: return set_once(field, value, option->name);
    }
}

/* The option that is called so, or the only one whose name begins so. */
static const struct option *find(const char *name, size_t len)
{
    const struct option *found = NULL;
    unsigned count = 0;

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strncmp(options[i].name, name, len) == 0) {
            found = &options[i];
            count++;
            if (found->name[len] == 0) {
                return found;
            }
        }
    }
    return count == 1 ? found : NULL;
}

/* Only the option is shown: what follows a '=' may be anything. */
static int refuse(const char *before, int letter, const char *name, const char *behind)
{
    complain("%s%s%.*s%s: see mailmote --help", before, letter == '-' ? "--" : "-", (int)strcspn(name, "="), name,
             behind);
    return EX_USAGE;
}

static const char *word_of(int letter, const char *value)
{
    return letter == 'v' ? "verbose" : letter == 'C' ? "config" : letter == 'a' ? "account" : value;
}

/* A letter and its value; or '-', and what stands behind it in a word that begins with two. */
static int take(struct args *args, struct relay_args *common, const char *command, struct letters *letters, int letter,
                char *value)
{
    const char *name = word_of(letter, value);
    size_t len = strcspn(name, "=");
    const struct option *option = find(name, len);
    bool valued = option != NULL && option->form > OPTION_MX;

    if (letter == LETTER_NO_VALUE) {
        return refuse("", letter, value, " needs a value");
    }
    if (letter == '-') {
        value = name[len] != 0 ? value + len + 1 : NULL;
    }
    if (option == NULL || letter == LETTER_UNKNOWN || (letter == '-' && value != NULL && !valued)) {
        return refuse("option ", letter, name, " is unknown, ambiguous or takes no value");
    }
    if (valued && value == NULL && (value = *letters->argv++) == NULL) {
        return refuse("", letter, name, " needs a value");
    }
    if ((option->commands & args->command) == 0) {
        complain("%s does not take --%s: see mailmote --help", command, option->name);
        return EX_USAGE;
    }
    if (option->form > OPTION_SECRET && *value == 0) {
        complain("--%s is empty: give a value", option->name);
        return EX_USAGE;
    }
    return apply(args, common, option, value);
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
    complain("no relay: give --relay HOST[:PORT]" OR_MX ", or a relay line in " CONFIG_FILE ", or in -C FILE");
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

/* Until --help or an error, or to the end. The words that are no options move to the front. */
static int parse_options(struct args *args, struct relay_args *common, char **argv)
{
    struct letters letters = {.argv = argv + 1, .forms = "vC:a:-;"};
    int letter, status = EX_OK;
    char *value;

    args->rcpts = argv + 1;
    while (status == EX_OK && !args->help && (letter = letters_next(&letters, &value)) != LETTER_END) {
        if (letter == LETTER_WORD) {
            args->rcpts[args->rcpt_count++] = value;
        } else {
            status = take(args, common, argv[0], &letters, letter, value);
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

    (void)argc;
    memset(args, 0, sizeof *args);
    args->command = command;
    status = parse_options(args, &common, argv);
    if (status != EX_OK || args->help) {
        return status;
    }
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

/* SPDX-License-Identifier: MIT
 *
 * The options of sendmail, for those who call it: what is no business of a submitter is accepted and ignored, what it cannot
 * do is refused.
 */
#define _GNU_SOURCE

#include "aliases.h"
#include "commands.h"
#include "complain.h"
#include "letters.h"
#include "standard.h"
#include "submit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of sendmail, Postfix, dma and busybox. */
static const char forms[] = "A:b:B:C:cd:De:F:f:Gh:IiL:mN:no:O:p:q;R:r:sT:tUV:vwX:x";

enum job { JOB_MAIL, JOB_QUEUE, JOB_FLUSH, JOB_ALIASES };

struct call {
    struct args args;
    struct words to;
    char *config;
    uint8_t job;
};

/* A word behind an option that changes nothing is its value, not a recipient. */
static void skip_value(struct letters *letters)
{
    letters->argv += letters_peek(letters) != NULL;
}

/* -oi, -odi and their like: of the rest, nothing is of use here, as of Exim's -oMr VALUE. */
static void take_setting(struct call *call, struct letters *letters, const char *value)
{
    if (*value == 'i') {
        call->args.dots = false;
    } else if (strcmp(value, "di") == 0) {
        call->args.background = false;
    } else if (*value == 'M' && strlen(value) == 2) {
        skip_value(letters);
    }
}

/* A name is no reason to lose a mail. */
static char *one_line(char *name)
{
    for (char *at = name; *at != 0; at++) {
        *at = (unsigned char)*at < ' ' || *at == 127 ? ' ' : *at;
    }
    return name;
}

static int take_mode(struct call *call, const char *value)
{
    switch (*value) {
    case 'm': /* a mail */
    case 'q': /* to be kept first: as always */ return EX_OK;
    case 'p': call->job = JOB_QUEUE; return EX_OK;
    case 'i': call->job = JOB_ALIASES; return EX_OK;
    default:
        complain(
            "sendmail: -b%s: no mail is taken over a connection, and none is looked at: give the message on standard "
            "input, and its recipients",
            value);
        return EX_USAGE;
    }
}

static int take(struct call *call, struct letters *letters, int letter, char *value)
{
    static const char digits[] = "0123456789";
    struct args *args = &call->args;
    const char *next = letters_peek(letters);

    switch (letter) {
    case LETTER_WORD: return words_add(&call->to, value);
    case LETTER_UNKNOWN:
    case LETTER_NO_VALUE: return letters_refuse(letter, value, "sendmail");
    case 'b': return take_mode(call, value);
    case 'C':
        if (*value == 0) {
            complain("%s: -%c is empty: give a file", "sendmail", letter);
            return EX_USAGE;
        }
        args->config_file = call->config = value;
        break;
    case 'D': args->background = false; break;
    case 'F': args->full_name = one_line(value); break;
    case 'f':
    case 'r': args->from = value; break;
    case 'I': call->job = JOB_ALIASES; break;
    case 'i': args->dots = false; break;
    case 'o': take_setting(call, letters, value); break;
    case 'q': call->job = JOB_FLUSH; break;
    case 't': args->header_rcpts = true; break;
    case 'v':
        args->verbose = true;
        args->background = false;
        break;
    case 'w': /* busybox's timeout; of others it has none */
        if (next != NULL && next[strspn(next, digits)] == 0) {
            skip_value(letters);
        }
        letters->rest += strspn(letters->rest, digits);
        break;
    default: break;
    }
    return EX_OK;
}

/* Another command with the same configuration. */
static int run_as(const struct call *call, const char *word, int (*command)(int, char **))
{
    char name[16], config[] = "-C";
    char *argv[4] = {strcpy(name, word)};
    int argc = 1;

    if (call->config != NULL) {
        argv[argc++] = config;
        argv[argc++] = call->config;
    }
    return command(argc, argv);
}

static int flush_quietly(const struct call *call)
{
    if (!call->args.verbose) {
        standard_hush();
    }
    return run_as(call, "flush", flush_command);
}

/* A file that is read as it is has nothing to be rebuilt: it is only looked at. */
static int check_aliases(struct call *call)
{
    struct aliases aliases = {.args = NULL};
    struct args *args = &call->args;
    int status;

    args->command = COMMAND_QUEUE;
    args->spool = SPOOL_DEFAULT;
    status = args_settle(args);
    if (status == EX_OK && args->misconfigured) {
        status = EX_CONFIG;
    }
    if (status == EX_OK) {
        aliases_default(args);
        status = aliases_open(&aliases, args, NULL);
    }
    if (status == EX_OK) {
        status = aliases_check(&aliases);
    }
    aliases_free(&aliases);
    args_free(args);
    return status;
}

static int run(struct call *call)
{
    switch (call->job) {
    case JOB_QUEUE: return run_as(call, "queue", queue_command);
    case JOB_FLUSH: return flush_quietly(call);
    case JOB_ALIASES: return check_aliases(call);
    default: break;
    }
    call->args.rcpts = call->to.list;
    call->args.rcpt_count = call->to.count;
    return submit(&call->args);
}

static int understand(struct call *call, char **argv)
{
    struct letters letters = {.argv = argv + 1, .forms = forms};
    char *value;
    int letter, status = EX_OK;

    while (status == EX_OK && (letter = letters_next(&letters, &value)) != LETTER_END) {
        status = take(call, &letters, letter, value);
    }
    return status;
}

static int call_as(uint8_t job, char **argv)
{
    struct call call = {.args = {.dots = true, .background = true}, .job = job};
    int status = understand(&call, argv);

    status = status == EX_OK ? run(&call) : status;
    free(call.to.list);
    return status;
}

int sendmail_command(int argc, char **argv)
{
    (void)argc;
    return call_as(JOB_MAIL, argv);
}

int mailq_command(int argc, char **argv)
{
    (void)argc;
    return call_as(JOB_QUEUE, argv);
}

int newaliases_command(int argc, char **argv)
{
    (void)argc;
    return call_as(JOB_ALIASES, argv);
}

/* SPDX-License-Identifier: MIT
 *
 * What a caller says to `send`, `flush` or `queue`, to sendmail, mailq or mail: the input is an octet that says which, and the words, with
 * a NUL behind each. They are read to the end, and what would be done is looked at; no file is opened for it. A
 * refusal is one line that a terminal only shows; of relays, what is wrong with each is. Read once more, the same words say the same: nothing is left behind.
 */
#define _GNU_SOURCE

#include "../../boards/host/aliases.h"
#include "../../boards/host/commands.h"
#include "../../boards/host/complain.h"
#include "../../boards/host/field.h"
#include "../../boards/host/relay.h"
#include "../../boards/host/standard.h"
#include "../../boards/host/submit.h"
#include "require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 64, KIND = 7, RELAY_GIVEN = 8 };

static struct {
    char *argv[WORDS_MAX + 2];
    int argc;
    char *text; /* of all of them */
    size_t len;
    bool relay_given, submitted;
    bool relays_wrong;  /* each of what is said of them */
    bool misconfigured; /* which is told; a mail is kept all the same */
} call;

/* ---- In the place of what reads files or sends ------------------------------------------------------------------- */

int __wrap_config_read(struct args *args);
int __wrap_aliases_open(struct aliases *aliases, const struct args *args, const char *domain);
int __wrap_aliases_check(struct aliases *aliases);
int __wrap_flush_command(int argc, char **argv);
int __wrap_queue_command(int argc, char **argv);
void __wrap_standard_hush(void);
int __wrap_submit(struct args *args);

int __wrap_config_read(struct args *args)
{
    if (call.relay_given && args->relay_count == 0) {
        args->relays[args->relay_count++].relay = "relay.test";
    }
    return EX_OK;
}

int __wrap_aliases_open(struct aliases *aliases, const struct args *args, const char *domain)
{
    (void)aliases, (void)args, (void)domain;
    return EX_OK;
}

int __wrap_aliases_check(struct aliases *aliases)
{
    (void)aliases;
    return EX_OK;
}

void __wrap_standard_hush(void)
{
}

/* ---- What must be true ------------------------------------------------------------------------------------------- */

/* Is it the caller's, to its end? Or a constant, which has one. */
static void check_word(const char *word)
{
    require(word == NULL || strlen(word) <= call.len || strcmp(word, "relay.test") == 0 || strcmp(word, RELAY_MX) == 0,
            "a word without an end");
}

static void check_words(char *const *words, unsigned count)
{
    require(count <= (unsigned)call.argc, "more words than there are");
    for (unsigned i = 0; i < count; i++) {
        require(words[i] >= call.text && words[i] < call.text + call.len, "a word that nobody said");
        check_word(words[i]);
    }
}

static void check_args(const struct args *args)
{
    const char *const words[] = {args->config_file, args->spool,     args->helo, args->from,
                                 args->subject,     args->account,   args->show, args->reply_to,
                                 args->priority,    args->full_name, args->html, args->remove};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        check_word(words[i] != NULL && strcmp(words[i], SPOOL_DEFAULT) == 0 ? NULL : words[i]);
    }
    check_words(args->rcpts, args->rcpt_count);
    check_words(args->cc.list, args->cc.count);
    check_words(args->bcc.list, args->bcc.count);
    check_words(args->attachments.list, args->attachments.count);
    require(args->relay_count <= MOTE_RELAYS_MAX, "there is no room for so many relays");
    for (unsigned i = 0; i < args->relay_count; i++) {
        check_word(args->relays[i].relay);
        require(args->relays[i].relay != NULL && args->relays[i].line == 0, "a relay is nowhere");
    }
}

/* Whole lines, each a field or the rest of one, and an empty one behind them. */
static void check_header(const char *fields)
{
    struct span rest = {fields, strlen(fields)};
    bool first = true;

    require(rest.len > 0 && fields[rest.len - 1] == '\n', "a header without an end");
    while (rest.len > 1) {
        struct span line = take_line(&rest);

        require(line.len > 0, "a header that ends too early");
        require(*line.at == ' ' || *line.at == '\t' ? !first : field_name_len(line) != 0, "a line that is no field");
        first = false;
    }
}

/* One of the header is a name and a value, of one line each when it has been read. */
static void check_further(const struct args *args)
{
    for (unsigned i = 0; i < args->further_count; i++) {
        require(args->further[i].name != NULL && *args->further[i].name != 0 && args->further[i].value != NULL &&
                    strpbrk(args->further[i].name, ": \n") == NULL,
                "a field without a name");
    }
}

int __wrap_submit(struct args *args)
{
    struct args own = *args;

    check_args(args);
    check_further(args);
    if (args->fields != NULL) {
        check_header(args->fields);
    }
    call.submitted = true;
    own.cc = own.bcc = (struct words){NULL, 0}; /* as submit() leaves them to the caller */
    args_free(&own);
    return EX_OK;
}

/* ---- The words --------------------------------------------------------------------------------------------------- */

static int parse(uint8_t command, int argc, char **argv)
{
    static struct relays relays;
    struct args args;
    int status;

    status = args_parse(&args, command, argc, argv);
    call.misconfigured = args.misconfigured;
    if (status == EX_OK && !args.help) {
        check_args(&args);
        require(command != COMMAND_SEND || args_rcpts(&args) > 0, "a mail for nobody");
        require(args.timeout == NULL || args.timeout_s != 0, "a time limit that is none");
        memset(&relays, 0, sizeof relays);
        status = command != COMMAND_QUEUE ? relays_parse(&relays, &args) : EX_OK;
        call.relays_wrong = status != EX_OK;
    }
    args_free(&args);
    return status;
}

int __wrap_flush_command(int argc, char **argv)
{
    return parse(COMMAND_FLUSH, argc, argv);
}

int __wrap_queue_command(int argc, char **argv)
{
    return parse(COMMAND_QUEUE, argc, argv);
}

static int run(uint8_t kind)
{
    switch (kind) {
    case 0: return parse(COMMAND_SEND, call.argc, call.argv);
    case 1: return parse(COMMAND_FLUSH, call.argc, call.argv);
    case 2: return parse(COMMAND_QUEUE, call.argc, call.argv);
    case 3: return mailq_command(call.argc, call.argv);
    case 4:
    case 5: return mailx_command(call.argc, call.argv);
    default: return sendmail_command(call.argc, call.argv);
    }
}

/* Each word has a place of its own, to its octet; it may be cut there. */
static void make_words(const uint8_t *data, size_t size)
{
    static char name[] = "name";

    call.text = malloc(size + 1);
    require(call.text != NULL, "harness: no memory");
    memcpy(call.text, data, size);
    call.text[size] = 0;
    call.len = size + 1;
    call.argv[0] = name;
    call.argc = 1;
    for (size_t at = 0; at < size && call.argc <= WORDS_MAX; at += strlen(call.text + at) + 1) {
        call.argv[call.argc++] = call.text + at;
    }
    call.argv[call.argc] = NULL;
}

/* ---- What is told ------------------------------------------------------------------------------------------------ */

static size_t count_lines(const char *told, size_t len)
{
    size_t lines = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char octet = (unsigned char)told[i];

        require(octet == '\n' || (octet >= ' ' && octet != 127), "a terminal is told a control character");
        lines += octet == '\n';
    }
    require(len == 0 || (told[len - 1] == '\n' && strncmp(told, "mailmote: ", 10) == 0), "what is told is no line");
    return lines;
}

static int run_and_hear(const uint8_t *data, size_t size, char **told, size_t *len)
{
    FILE *terminal = stderr;
    int status;

    make_words(data + 1, size - 1);
    call.relay_given = (data[0] & RELAY_GIVEN) != 0;
    call.submitted = call.relays_wrong = call.misconfigured = false;
    stderr = open_memstream(told, len);
    require(stderr != NULL, "harness: no memory");
    status = run(data[0] & KIND);
    fclose(stderr);
    stderr = terminal;
    free(call.text);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *told, *again;
    size_t len, again_len, lines;
    int status;

    if (size < 2 || size > 4096) {
        return 0;
    }
    status = run_and_hear(data, size, &told, &len);
    lines = count_lines(told, len);
    require(status == EX_OK || status == EX_USAGE || status == EX_CONFIG, "a status that words have not");
    require(status == EX_OK || lines == 1u + call.misconfigured || (call.relays_wrong && lines > 1),
            "a refusal is not said once");
    require(lines == 0 || status != EX_OK || call.misconfigured || strncmp(told, "mailmote: warning: ", 19) == 0,
            "what is done is refused");
    require(status == EX_OK || !call.submitted, "what is refused is done");
    require(run_and_hear(data, size, &again, &again_len) == status, "the same words have another status");
    require(len == again_len && memcmp(told, again, len) == 0, "the same words are told of otherwise");
    free(told);
    free(again);
    return 0;
}

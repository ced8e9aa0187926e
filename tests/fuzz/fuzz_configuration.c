/* SPDX-License-Identifier: MIT
 *
 * Fuzz harness of the configuration (an msmtprc as well) and of aliases, which are text that a person wrote, or copied from
 * somewhere. The first octet says which, whether an account is named, for which command, and whether a line of the configuration stands
 * in front of the file of aliases.
 */
#define _GNU_SOURCE

#include "../../boards/host/aliases.h"
#include "../../boards/host/complain.h"
#include "../../boards/host/config.h"
#include "../../boards/host/relay.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALIASES = 1, ACCOUNT = 2, LINE = 2, RELAY_GIVEN = 4, VERBOSE = 8, QUEUE = 16 };

/* In the place of the one that asks the resolver. */
bool __wrap_mote_posix_host_name(char *name, size_t cap);

bool __wrap_mote_posix_host_name(char *name, size_t cap)
{
    snprintf(name, cap, "host.example.test");
    return true;
}

/* ---- What is told ------------------------------------------------------------------------------------------------ */

static char *told;
static size_t told_len;
static FILE *terminal;

/* What is wrong is told on a terminal, that only shows it. */
static void begin_telling(void)
{
    terminal = stderr;
    stderr = open_memstream(&told, &told_len);
    require(stderr != NULL, "harness: no memory");
}

static size_t end_telling(void)
{
    size_t lines = 0;

    fclose(stderr);
    stderr = terminal;
    for (size_t i = 0; i < told_len; i++) {
        unsigned char octet = (unsigned char)told[i];

        lines += octet == '\n';
        require(octet == '\n' || (octet >= ' ' && octet != 127), "a terminal is told a control character");
        require(octet != '\n' || i == 0 || told[i - 1] != '\n', "an empty line is told");
    }
    require(told_len == 0 || (told[told_len - 1] == '\n' && memcmp(told, "mailmote: ", 10) == 0),
            "what is told is no line");
    free(told);
    return lines;
}

/* ---- The configuration ------------------------------------------------------------------------------------------- */

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static void check_relay(const struct relay_args *relay)
{
    const char *tls = relay->options[RELAY_TLS], *auth = relay->options[RELAY_AUTH];

    require(relay->relay != NULL, "a relay is nowhere"); /* where it is nothing, it is refused when it is read */
    require(tls == NULL || is(tls, "starttls") || is(tls, "implicit"), "TLS is neither of the two");
    require(auth == NULL || is(auth, "xoauth2") || is(auth, "oauthbearer"), "a token that is none");
    require(auth == NULL || relay->options[RELAY_USER] != NULL, "a token for nobody");
    require(relay->options[RELAY_STARTTLS] == NULL, "STARTTLS is said twice");
    for (int i = 0; i < RELAY_OPTIONS; i++) {
        require(relay->options[i] == NULL || strlen(relay->options[i]) < 1 << 20, "an option without an end");
    }
}

static void check_settings(const struct args *args)
{
    const char *const words[] = {args->spool,  args->helo,      args->own_from, args->admin,
                                 args->domain, args->full_name, args->aliases,  args->syslog};

    require(args->relay_count <= MOTE_RELAYS_MAX && args->alias_count <= ALIAS_LINES, "there is no room for so many");
    require(!args->from_fixed || args->own_from != NULL, "a fixed sender that is none");
    require(args->timeout == NULL || parse_timeout(args->timeout) != 0, "a time limit that is none");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        require(words[i] == NULL || strchr(words[i], '\n') == NULL, "a setting of two lines");
    }
    for (unsigned i = 0; i < args->alias_count; i++) {
        require(args->alias_lines[i].name.len > 0 && args->alias_lines[i].line > 0, "an alias of none");
    }
}

/* What its pattern has become. */
static void check_sender(const char *from, const char *domain)
{
    const char *at = from == NULL ? NULL : strrchr(from, '@');

    require(from == NULL || *from == 0 || is(from, "<>") || mote_address_valid(from), "a sender that is no address");
    require(at == NULL || domain != NULL, "the sender's domain is lost");
}

/* Whoever gets a login is verified, whatever stands around it. */
static void check_trust(const struct relays *relays, const struct args *args)
{
    for (unsigned i = 0; i < relays->count; i++) {
        const struct mote_relay *relay = &relays->own[i].relay;

        require(relay->host != NULL && strlen(relay->host) < 256, "a relay without a host");
        require((relay->login.user == NULL) == (args->relays[i].options[RELAY_USER] == NULL),
                "a login appears or is lost");
    }
    for (unsigned i = 0; i < args->relay_count; i++) {
        struct args one = {.relay_count = 1, .relays = {args->relays[i]}};

        require(relays_verified_only(&one) || args->relays[i].options[RELAY_USER] == NULL, "P1: a login without trust");
    }
}

static void fuzz_configuration(uint8_t mode, char *text, size_t len)
{
    static struct relays relays;
    static struct args args;
    static char account[] = "a", where[] = "relay.test";
    size_t lines;
    int status, named, parsed;

    args = (struct args){.config_file = "conf", .config = {text, len}, .verbose = (mode & VERBOSE) != 0};
    args.command = mode & QUEUE ? COMMAND_QUEUE : COMMAND_SEND;
    args.account = mode & ACCOUNT ? account : NULL;
    args.relays[0].relay = where;
    args.relay_count = (mode & RELAY_GIVEN) != 0;
    begin_telling();
    status = config_parse(&args);
    memset(&relays, 0, sizeof relays);
    parsed = relays_parse(&relays, &args); /* `send' goes on with the lines that are right */
    check_settings(&args);
    named = account_names(&args);
    lines = end_telling();
    require((status == EX_OK || status == EX_CONFIG) && (named == EX_OK || named == EX_CONFIG),
            "a status that a configuration has not");
    require((status == EX_OK && parsed == EX_OK && named == EX_OK) || lines != 0, "what is wrong is not told");
    if (named == EX_OK && args.command == COMMAND_SEND) {
        check_sender(args.own_from, args.domain);
    }
    for (unsigned i = 0; i < args.relay_count && status == EX_OK; i++) {
        check_relay(&args.relays[i]);
    }
    if (status == EX_OK && parsed == EX_OK) {
        check_trust(&relays, &args);
    }
    args_free(&args);
}

/* ---- Aliases ----------------------------------------------------------------------------------------------------- */

static void check_addresses(const struct words *to, unsigned first, int status)
{
    require(to->count - first <= ALIASES_ADDRESSES, "too many addresses for one name");
    for (unsigned i = first; i < to->count && status == EX_OK; i++) {
        require(strchr(to->list[i], '@') != NULL && mote_address_valid(to->list[i]), "an address that is none");
        for (unsigned k = first; k < i; k++) {
            require(strcmp(to->list[i], to->list[k]) != 0, "an address twice");
        }
    }
}

/* The first line, if it is an alias. Returns what is behind it. */
static char *take_alias_line(struct args *args, char *file)
{
    char *end = strchr(file, '\n');

    struct alias alias = {.file = "conf", .line = 7};

    if (end == NULL || !alias_split(&alias, alias_unquote((struct span){file, (size_t)(end - file)}))) {
        return file;
    }
    *end = 0;
    args->alias_lines[args->alias_count++] = alias;
    return end + 1;
}

/* text: an address or name, an end of line, perhaps a line of the configuration, and the file. */
static void fuzz_aliases(uint8_t mode, char *text, size_t len)
{
    char *file = memchr(text, '\n', len), *copy;
    struct args args = {.aliases = "aliases", .config_file = "conf"};
    struct aliases aliases = {.args = &args, .domain = "example.test"};
    struct words to = {NULL, 0};
    size_t lines;
    int status;

    if (file == NULL) {
        free(text);
        return;
    }
    *file++ = 0;
    file = mode & LINE ? take_alias_line(&args, file) : file;
    aliases.text.len = len - (size_t)(file - text);
    copy = malloc(aliases.text.len + 1);
    require(copy != NULL, "harness: no memory");
    memcpy(copy, file, aliases.text.len + 1);
    aliases.text.data = copy;
    begin_telling();
    status = aliases_expand(&aliases, text, &to);
    lines = end_telling();
    require((status == EX_OK && !aliases.refused) == (lines == 0), "what is wrong is told");
    require(status != EX_OK || to.count != 0, "nobody gets it");
    if (strchr(text, '@') == NULL && *text != 0) {
        check_addresses(&to, 0, status);
    }
    begin_telling();
    status = aliases_check(&aliases);
    end_telling();
    require(status == EX_OK || status == EX_DATAERR, "a status that aliases have not");
    aliases_free(&aliases);
    free(to.list);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0 || memchr(data + 1, 0, size - 1) != NULL) {
        return 0; /* a file with a NUL is not read */
    }
    text = malloc(size);
    require(text != NULL, "harness: no memory");
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] & ALIASES) {
        fuzz_aliases(data[0], text, size - 1);
    } else {
        fuzz_configuration(data[0], text, size - 1);
    }
    return 0;
}

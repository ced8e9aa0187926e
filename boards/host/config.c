/* SPDX-License-Identifier: MIT
 *
 * The configuration file: a setting a line, and accounts, of which one is meant. It is cut into words in place; a word that
 * holds a space stands between double quotes. What is wrong is told with file and line, and without the value where that
 * may be a password.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "config.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)

struct config {
    struct args *args;
    struct account *accounts; /* the first is what stands in front of the others: each begins as its copy */
    unsigned count, at;       /* the one that lines go to */
    unsigned line, section;
};

static int wrong(const char *what, const char *word, const char *advice)
{
    complain("%s%.200s%s", what, word, advice);
    return EX_CONFIG;
}

uint16_t parse_timeout(const char *text)
{
    unsigned value = 0;

    for (; *text >= '0' && *text <= '9' && value <= MOTE_ATTEMPT_S; text++) {
        value = value * 10 + (unsigned)(*text - '0');
    }
    return *text == 0 && value <= MOTE_ATTEMPT_S ? (uint16_t)value : 0;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* name=value of a relay's line. */
static int parse_option(struct relay_args *relay, char *text)
{
    char *value = strchr(text, '=');
    const struct config_word *word;
    int status;

    if (value != NULL) {
        *value++ = 0;
    }
    word = config_word(text);
    if (word == NULL || word->key >= RELAY_OPTIONS) { /* what is nothing like a setting may be the rest of a password */
        bool like = value != NULL && relay->options[RELAY_PASSWORD] == NULL && config_nearest(text) != NULL;

        return wrong(
            "a relay has no ", like ? text : "such word",
            ": give WORD=VALUE, of tls, trust, pin, tls-name, user, password-file, token-file, password or auth; "
            "where there is a space in it, double quotes stand around all of it");
    }
    if (value != NULL && *value == '"') {
        return wrong("", text, ": double quotes stand around all of the word: \"WORD=VALUE\"");
    }
    if (value == NULL || *value == 0) {
        return wrong("", text, " needs a value: give it as WORD=VALUE, without spaces");
    }
    if (relay->options[word->key] != NULL) {
        return wrong("", text, " is given twice: which one is meant?");
    }
    status = config_check(word, value);
    relay->options[word->key] = value;
    return status;
}

static int parse_relay(struct config *config, char *rest)
{
    struct account *account = &config->accounts[config->at];
    struct relay_args *relay;
    char *where, *option;
    int status = config_take_word(&rest, &where);

    if (where == NULL || *where == 0) {
        return status != EX_OK ? status : wrong("", "", "relay is empty: give HOST[:PORT]");
    }
    if (account->relay_section != config->section) { /* its own take the place of those it began with */
        account->relay_section = config->section;
        account->relay_count = 0;
    }
    if (account->relay_count == MOTE_RELAYS_MAX) {
        complain("more than %d relays: give fewer", MOTE_RELAYS_MAX);
        return EX_CONFIG;
    }
    relay = &account->relays[account->relay_count++];
    *relay = (struct relay_args){.relay = where, .line = config->line};
    while (status == EX_OK && (status = config_take_word(&rest, &option)) == EX_OK && option != NULL) {
        status = parse_option(relay, option);
    }
    return status;
}

static int parse_alias(struct config *config, const char *text)
{
    struct args *args = config->args;
    struct alias *alias = &args->alias_lines[args->alias_count];

    if (args->alias_count == ALIAS_LINES) {
        complain("more than %d lines of aliases: put them into a file, with aliases FILE", ALIAS_LINES);
        return EX_CONFIG;
    }
    if (!alias_split(alias, alias_unquote((struct span){text, strlen(text)}))) {
        return wrong("alias ", text, ": give NAME: ADDRESS");
    }
    alias->file = args->config_file;
    alias->line = config->line;
    args->alias_count++;
    return EX_OK;
}

static struct account *find_account(const struct config *config, const char *name)
{
    for (unsigned i = 1; i < config->count; i++) {
        if (strcmp(config->accounts[i].name, name) == 0) {
            return &config->accounts[i];
        }
    }
    return NULL;
}

/* It takes the place of those of other sections that it excludes: an account's, of its defaults'. Without a user there is no
 * login. */
static void set(struct account *account, unsigned key, const struct setting *setting)
{
    enum {
        TRUSTS = 1 << RELAY_TRUST | 1 << RELAY_PIN,
        SECRETS = 1 << RELAY_PASSWORD_FILE | 1 << RELAY_TOKEN_FILE | 1 << RELAY_PASSWORD | 1 << RELAY_PASSWORD_COMMAND
    };
    unsigned keys = (TRUSTS >> key & 1) != 0                      ? TRUSTS
                    : (SECRETS >> key & 1) != 0                   ? SECRETS
                    : key == RELAY_USER && setting->value == NULL ? SECRETS | 1 << RELAY_AUTH
                                                                  : 0;

    for (unsigned i = 0; i < RELAY_OPTIONS; i++) {
        if ((keys >> i & 1) != 0 && account->settings[i].section != setting->section) {
            account->settings[i].value = NULL;
        }
    }
    account->settings[key] = *setting;
}

/* What the other one says holds here, until this one says otherwise; not what it only began with. */
static void take_over(struct config *config, struct account *account, const struct account *other)
{
    for (unsigned i = 0; i < KEYS; i++) {
        struct setting setting = other->settings[i];

        if (setting.section >= other->section) {
            setting.section = config->section;
            set(account, i, &setting);
        }
    }
    if (other->relay_section >= other->section) {
        memcpy(account->relays, other->relays, sizeof account->relays);
        account->relay_count = other->relay_count;
        account->relay_section = config->section;
    }
    config->section++;
}

/* The colon behind a name, or NULL; one in a comment is none. */
static char *find_others(char *rest)
{
    for (bool blank = true; *rest != 0 && !(blank && *rest == '#'); rest++) {
        if (*rest == ':') {
            return rest;
        }
        blank = strchr(CONFIG_SPACE, *rest) != NULL;
    }
    return NULL;
}

/* NAME [: OTHER[, OTHER...]] */
static int parse_account(struct config *config, char *rest)
{
    char *others = find_others(rest), *name, *word;
    struct account *more = realloc(config->accounts, (config->count + 1) * sizeof *more), *account;
    int status;

    if (more == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    config->accounts = more;
    account = &more[config->count];
    if (others != NULL) {
        *others++ = 0;
    }
    status = config_take_word(&rest, &name);
    if (status == EX_OK && (name == NULL || *name == 0)) {
        return wrong("", "", "account is empty: give NAME or NAME : OTHER");
    }
    if (status != EX_OK || find_account(config, name) != NULL) {
        return status != EX_OK ? status : wrong("account ", name, " is there already");
    }
    status = config_take_word(&rest, &word);
    if (status != EX_OK || word != NULL) {
        return status != EX_OK ? status : wrong("", word, " is one word too many: give NAME or NAME : OTHER");
    }
    *account = more[0];
    account->name = name;
    account->section = config->section;
    for (word = others == NULL ? NULL : strtok_r(others, CONFIG_SPACE ",", &rest); word != NULL && *word != '#';
         word = strtok_r(NULL, CONFIG_SPACE ",", &rest)) {
        const struct account *other = find_account(config, word);

        if (other == NULL) {
            return wrong("there is no account ", word, " above this line");
        }
        take_over(config, account, other);
    }
    config->at = config->count++;
    return EX_OK;
}

/* Told where somebody may be looking: a mail of cron's is no place for it. */
static void ignore(const struct config *config, const struct config_word *word)
{
    if (config->args->verbose || isatty(STDERR_FILENO)) {
        complain("warning: %s is ignored: %s", word->name, word->text);
    }
}

static int check_domain(const char *word, const char *domain)
{
    char address[256] = "a@";

    strncat(address, domain, sizeof address - 3);
    return mote_address_valid(address) ? EX_OK : wrong(word, domain, ": give the name behind the @ of addresses");
}

static int parse_setting(struct config *config, const struct config_word *word, char *rest)
{
    struct account *account = &config->accounts[config->at];
    const char *value;
    int status;

    status = config_take_value(word, rest, &value);
    if (status == EX_OK && value == NULL) {
        set(account, word->key, &(struct setting){NULL, config->line, config->section});
        return EX_OK;
    }
    if (status == EX_OK) {
        status = config_check(word, value);
    }
    if (status != EX_OK || word->key >= KEYS) {
        if (status == EX_OK && word->form == FORM_IGNORED) {
            ignore(config, word);
        }
        return status;
    }
    if (word->key == KEY_TIMEOUT && strcmp(value, "off") != 0 && parse_timeout(value) == 0) {
        return wrong("timeout ", value, " is no number of seconds that an attempt can take: see mailmote --help");
    }
    if (word->key == KEY_HOST && strcasecmp(value, RELAY_MX) == 0) {
        return wrong("host ", value, " is no host: write relay " RELAY_MX);
    }
    if (word->key == KEY_MAILDOMAIN && check_domain("maildomain ", value) != EX_OK) {
        return EX_CONFIG;
    }
    if (word->key == KEY_FULL_NAME && has_control(value)) {
        return wrong("", word->name, " holds a control character: take it out");
    }
    if (word->key == KEY_FROM && strpbrk(value, "*?") != NULL) {
        return wrong("from ", value,
                     ": accounts are not chosen by the sender: give an address, and choose by --account");
    }
    if (account->settings[word->key].section == config->section) {
        return wrong("", word->name, " is given twice: which one is meant?");
    }
    set(account, word->key, &(struct setting){value, config->line, config->section});
    return EX_OK;
}

#ifdef MOTE_DANE
/* A dot behind the domain says no more than that it is a whole one. */
static int parse_nodane(struct args *args, const struct config_word *word, char *rest)
{
    const char *value;
    char *domain;
    size_t len;

    if (config_take_value(word, rest, &value) != EX_OK) {
        return EX_CONFIG;
    }
    if (*value == '*') {
        return wrong("nodane ", value, ": give a domain: it holds for all below it, too");
    }
    len = strlen(value);
    len -= len > 1 && value[len - 1] == '.';
    domain = made_string(&args->made, len);
    if (domain == NULL) {
        return EX_OSERR;
    }
    memcpy(domain, value, len);
    if (check_domain("nodane ", domain) != EX_OK) {
        return EX_CONFIG;
    }
    if (args->nodane_count == NODANE_LINES) {
        complain("more than %d lines of nodane: name a domain above some of them, which holds for all below it",
                 NODANE_LINES);
        return EX_CONFIG;
    }
    args->nodane[args->nodane_count++] = domain;
    return EX_OK;
}
#endif

static int parse_line(struct config *config, char *text)
{
    const struct config_word *word;
    const char *nearest;
    char *name, *rest = text + strspn(text, CONFIG_SPACE);

    if (*rest == 0 || *rest == '#') {
        return EX_OK;
    }
    name = rest;
    rest += strcspn(rest, CONFIG_SPACE);
    if (*rest != 0) {
        *rest++ = 0;
    }
    word = config_word(name);
    if (word == NULL) {
        size_t len = strspn(name, WORD_OCTETS);

        if (name[len] != 0) { /* what follows may be a password */
            complain("%.*s...: a setting is a word, then comes a blank; # begins a comment",
                     (int)(len < 200 ? len : 200), name);
            return EX_CONFIG;
        }
        nearest = config_nearest(name);
        complain(nearest == NULL ? "%.200s is unknown: see mailmote --help" : "%.200s is unknown: is %s meant?", name,
                 nearest);
        return EX_CONFIG;
    }
    switch (word->key) {
    case KEY_RELAY: return parse_relay(config, rest);
    case KEY_ALIAS: return parse_alias(config, rest);
#ifdef MOTE_DANE
    case KEY_NODANE: return parse_nodane(config->args, word, rest);
#endif
    case KEY_DEFAULTS:
        config->at = 0;
        config->section++;
        return parse_setting(config, word, rest);
    case KEY_ACCOUNT: config->section++; return parse_account(config, rest);
    default: return parse_setting(config, word, rest);
    }
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

/* The one that is asked for, else `default', else the only one. NULL after a complaint; quiet: something is wrong, and was told. */
static struct account *choose(const struct config *config, bool quiet)
{
    const char *name = config->args->account;
    struct account *account = find_account(config, name != NULL ? name : "default");

    if (account == NULL && quiet) {
        return &config->accounts[config->count - 1];
    }
    if (account == NULL && name != NULL) {
        complain("%s has no account %s", config->args->config_file, name);
    } else if (account == NULL && config->count > 2) {
        complain("%s has several accounts: give --account NAME, or the line `account default : NAME'",
                 config->args->config_file);
    } else if (account == NULL) {
        account = &config->accounts[config->count - 1];
    }
    return account;
}

static int parse(struct config *config, char *text)
{
    char *next;
    int status = EX_OK;

    for (; text != NULL; text = next) {
        next = strchr(text, '\n');
        if (next != NULL) {
            *next++ = 0;
        }
        complain_about(config->args->config_file, ++config->line);
        if (parse_line(config, text) != EX_OK) {
            status = EX_CONFIG;
        }
    }
    complain_about(NULL, 0);
    return status;
}

int config_parse(struct args *args)
{
    struct config config = {.args = args, .accounts = calloc(1, sizeof *config.accounts), .count = 1, .section = 1};
    struct account *account;
    int status, applied;

    if (config.accounts == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    status = parse(&config, args->config.data);
    account = choose(&config, status != EX_OK);
    if (account == NULL) { /* what stands in front of the first is no relay without it */
        memset(config.accounts[0].settings, 0, KEY_SPOOL * sizeof(struct setting));
    }
    applied = account_apply(args, account != NULL ? account : &config.accounts[0]);
    free(config.accounts);
    if (applied == EX_OSERR) { /* a relay is not whole, whatever else is wrong */
        return applied;
    }
    return account == NULL ? EX_CONFIG : status != EX_OK ? status : applied;
}

/* 0, an errno, or -1: there is none, and none is wanted. */
static int read_file(struct args *args)
{
    const char *given = args->config_file != NULL ? args->config_file : getenv("MAILMOTE_CONF");
    int error;

    if (args->config_file == NULL && given != NULL && *given == 0) {
        return -1;
    }
    args->config_file = given != NULL ? given : CONFIG_FILE;
    error = file_read_text(args->config_file, &args->config, CONFIG_MAX, &args->config_about);
    if (given == NULL && (error == ENOENT || (error == EACCES && args->relay_count != 0 && args->account == NULL))) {
        return -1;
    }
    return error;
}

int config_read(struct args *args)
{
    int error = read_file(args), status, named;

    if (error > 0) {
        file_refuse_text("", args->config_file, &args->config, error);
        return EX_CONFIG;
    }
    if (error != 0) {
        args->config_file = NULL;
    }
    if (error != 0 && args->account != NULL) {
        complain("--account %s: there is no " CONFIG_FILE ", and no -C FILE is given", args->account);
        return EX_CONFIG;
    }
    if (error != 0) {
        return EX_OK;
    }
    status = config_parse(args);
    named = account_names(args);
    return status == EX_OK ? named : status;
}

/* SPDX-License-Identifier: MIT
 *
 * How a configuration is read: its words (config_words.c), its lines and accounts (config.c), and what the account that is
 * meant says of a mail and its relays (config_account.c).
 */
#ifndef MAILMOTE_HOST_CONFIG_H
#define MAILMOTE_HOST_CONFIG_H

#include "args.h"

/* What a line sets. The first are a relay's: enum relay_option. */
enum config_key {
    KEY_HOST = RELAY_OPTIONS,
    KEY_PORT,
    KEY_SPOOL,
    KEY_HELO,
    KEY_FROM,
    KEY_ADMIN,
    KEY_TIMEOUT,
    KEY_ALIASES,
    KEY_FULL_NAME,
    KEY_MAILDOMAIN,
    KEY_FROM_HEADER,
    KEY_FROM_OVERRIDE,
    KEY_SYSLOG,
    KEY_DNSSEC_ANCHOR,
    KEYS, /* nothing */
    KEY_RELAY,
    KEY_ALIAS,
    KEY_NODANE,
    KEY_DEFAULTS,
    KEY_ACCOUNT
};

/* FORM_WORD: one word. FORM_PATH: one, a file's name that does not depend on where the caller is. FORM_SWITCH: one, and none is "on".
 * FORM_TEXT: the rest of the line. FORM_REFUSED: the same, and it is an error, but for an empty one of KEYS. FORM_IGNORED: the same, for
 * nothing. */
enum { FORM_WORD, FORM_PATH, FORM_SWITCH, FORM_TEXT, FORM_REFUSED, FORM_IGNORED };

struct config_word {
    const char *name;
    uint8_t key, form;
    /* Why it is refused or ignored. FORM_SWITCH: the choices, between spaces, and behind a NUL what is said of others, or "". */
    const char *text;
};

/* NULL: there is none. */
const struct config_word *config_word(const char *name);

/* The name that may be meant, or NULL. */
const char *config_nearest(const char *name);

/* Is the value one that may stand there (EX_CONFIG)? */
int config_check(const struct config_word *word, const char *value);

#define CONFIG_SPACE " \t\r"

/* Takes a word off a line, perhaps from between double quotes; NULL at the end of the line, and where a comment begins
 * (EX_CONFIG). */
int config_take_word(char **rest, char **word);

/* The value that such a word has, and nothing behind it; an empty one is of `from' alone, or a text (EX_CONFIG).
 * NULL: what was said before is taken back. */
int config_take_value(const struct config_word *word, char *rest, const char **value);

struct setting {
    const char *value;
    unsigned line, section; /* line of the file; sections count from 1, and what is said later has the higher one */
};

struct account {
    const char *name; /* NULL: what stands in front of the first */
    struct setting settings[KEYS];
    struct relay_args relays[MOTE_RELAYS_MAX];
    unsigned relay_count, relay_section;
    unsigned section; /* its first: what has a lower one it began with, and does not say itself */
};

/* Takes over what the command line has not said (EX_CONFIG). No file is opened and nobody is asked. */
int account_apply(struct args *args, struct account *account);

/* Then makes `from' and `helo' of their patterns (%U, %H, %C, %M), for which files and the resolver may be asked, and
 * args->domain (EX_CONFIG). */
int account_names(struct args *args);

/* The configuration's `from', of which `user' is the caller's name; NULL: it has none that is an address. */
const char *account_sender(struct args *args, const char *user);

#endif

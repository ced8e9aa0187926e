/* SPDX-License-Identifier: MIT
 *
 * The words of a configuration: ours, and those of an msmtprc, so that one can be copied. Of these the ones that would make
 * a mail less safe, or send it another way than was meant, are refused; the others that mean nothing here are ignored.
 */
#include "complain.h"
#include "config.h"

#include <string.h>

#define ON_OFF " on off \0"

static const struct config_word words[] = {
    {"relay", KEY_RELAY, FORM_WORD, NULL},
    {"alias", KEY_ALIAS, FORM_WORD, NULL},
    {"defaults", KEY_DEFAULTS, FORM_SWITCH,
     " on \0"
     "it has no value: take it out"},
    {"account", KEY_ACCOUNT, FORM_WORD, NULL},

    {"spool", KEY_SPOOL, FORM_PATH, NULL},
    {"helo", KEY_HELO, FORM_WORD, NULL},
    {"domain", KEY_HELO, FORM_WORD, NULL},
    {"from", KEY_FROM, FORM_WORD, NULL},
    {"from_full_name", KEY_FULL_NAME, FORM_TEXT, NULL},
    {"maildomain", KEY_MAILDOMAIN, FORM_WORD, NULL},
    {"set_from_header", KEY_FROM_HEADER, FORM_SWITCH, " auto on off \0"},
    {"allow_from_override", KEY_FROM_OVERRIDE, FORM_SWITCH, ON_OFF},
    {"admin", KEY_ADMIN, FORM_WORD, NULL},
    {"aliases", KEY_ALIASES, FORM_PATH, NULL},
    {"timeout", KEY_TIMEOUT, FORM_WORD, NULL},
    {"syslog", KEY_SYSLOG, FORM_SWITCH,
     " on off LOG_MAIL LOG_USER LOG_LOCAL0 LOG_LOCAL1 LOG_LOCAL2 LOG_LOCAL3 LOG_LOCAL4 LOG_LOCAL5 LOG_LOCAL6 "
     "LOG_LOCAL7 \0"},

#ifdef MOTE_DANE
    {"nodane", KEY_NODANE, FORM_WORD, NULL},
    {"dnssec-anchor", KEY_DNSSEC_ANCHOR, FORM_PATH, NULL},
#else
    {"nodane", KEY_NODANE, FORM_REFUSED, WITHOUT_DANE},
    {"dnssec-anchor", KEY_DNSSEC_ANCHOR, FORM_REFUSED, WITHOUT_DANE},
#endif

    {"host", KEY_HOST, FORM_WORD, NULL},
    {"port", KEY_PORT, FORM_WORD, NULL},
    {"tls", RELAY_TLS, FORM_SWITCH,
     " on off starttls implicit \0"
     "give starttls or implicit, or as in an msmtprc on or off"},
    {"tls_starttls", RELAY_STARTTLS, FORM_SWITCH, ON_OFF},
    {"trust", RELAY_TRUST, FORM_PATH, NULL},
    {"tls_trust_file", RELAY_TRUST, FORM_PATH, NULL},
    {"pin", RELAY_PIN, FORM_WORD, NULL},
    {"tls-name", RELAY_TLS_NAME, FORM_WORD, NULL},
    {"tls_host_override", RELAY_TLS_NAME, FORM_WORD, NULL},
    {"auth", RELAY_AUTH, FORM_SWITCH,
     " on off plain login xoauth2 oauthbearer \0"
     "give on: the password is only said inside TLS, to a relay that proved who it is"},
    {"user", RELAY_USER, FORM_WORD, NULL},
    {"password-file", RELAY_PASSWORD_FILE, FORM_PATH, NULL},
    {"token-file", RELAY_TOKEN_FILE, FORM_PATH, NULL},
    {"password", RELAY_PASSWORD, FORM_TEXT, NULL},
    {"passwordeval", RELAY_PASSWORD_COMMAND, FORM_TEXT, NULL},

    {"protocol", KEYS, FORM_SWITCH,
     " smtp \0"
     "mailmote speaks smtp alone"},
    {"tls_certcheck", KEYS, FORM_SWITCH,
     " on \0"
     "anybody could be the relay: give `trust FILE.pem' or `pin sha256:BASE64', which mailmote probe HOST prints"},
    {"tls_fingerprint", KEYS, FORM_REFUSED,
     "it is of a certificate, which is renewed: give `pin sha256:BASE64', which mailmote probe HOST prints"},
    {"tls_cert_file", KEYS, FORM_REFUSED, "mailmote has no certificate of its own: log in with a password"},
    {"tls_key_file", KEYS, FORM_REFUSED, "mailmote has no certificate of its own: log in with a password"},
    {"source_ip", KEYS, FORM_REFUSED, "the system chooses the address: take the line out"},
    {"proxy_host", KEYS, FORM_REFUSED, "mailmote knows no proxy: give a relay that can be reached without"},
    {"socket", KEYS, FORM_REFUSED, "mailmote connects by TCP: give host and port"},
    {"undisclosed_recipients", KEYS, FORM_SWITCH,
     " off \0"
     "mailmote leaves To as it is: give recipients as Bcc"},
    {"eval", KEYS, FORM_REFUSED, "the file runs no command but passwordeval: write the line it prints"},

    {"logfile", KEYS, FORM_IGNORED, "each mail is a line of the system's log"},
    {"logfile_time_format", KEYS, FORM_IGNORED, "each mail is a line of the system's log"},
    {"tls_crl_file", KEYS, FORM_IGNORED, "revoked certificates are not looked up"},
    {"tls_priorities", KEYS, FORM_IGNORED, "TLS 1.2 with what BearSSL holds for safe"},
    {"tls_min_dh_prime_bits", KEYS, FORM_IGNORED, "there is no DH but on elliptic curves"},
    {"tls_force_sslv3", KEYS, FORM_IGNORED, "it is TLS 1.2"},
    {"auto_from", KEYS, FORM_IGNORED, "without `from' the sender is your user name, at maildomain or this host"},
    {"proxy_port", KEYS, FORM_IGNORED, "mailmote knows no proxy"},
    {"ntlmdomain", KEYS, FORM_IGNORED, "there is no NTLM"},
    {"dsn_notify", KEYS, FORM_IGNORED, "who failed is told by mailmote itself"},
    {"dsn_return", KEYS, FORM_IGNORED, "who failed is told by mailmote itself"},
    {"keepbcc", KEYS, FORM_IGNORED, "Bcc is always taken out"},
    {"remove_bcc_headers", KEYS, FORM_IGNORED, "Bcc is always taken out"},
    {"set_date_header", KEYS, FORM_IGNORED, "Date is added where it is missing"},
    {"set_msgid_header", KEYS, FORM_IGNORED, "Message-ID is added where it is missing"},
    {"add_missing_date_header", KEYS, FORM_IGNORED, "Date is added where it is missing"},
    {"add_missing_from_header", KEYS, FORM_IGNORED, "From is added where it is missing"},
};

enum { WORDS = sizeof words / sizeof words[0], NAME_MAX_LEN = 31 };

const struct config_word *config_word(const char *name)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (strcmp(words[i].name, name) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

/* Octets to be put in, taken out or changed. Both names have NAME_MAX_LEN at most. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LEN + 1], b_len = (unsigned)strlen(b);

    for (unsigned i = 0; i <= b_len; i++) {
        row[i] = i;
    }
    for (; *a != 0; a++) {
        unsigned corner = row[0]++;

        for (unsigned i = 1; i <= b_len; i++) {
            unsigned change = corner + (*a != b[i - 1]), least = row[i] < row[i - 1] ? row[i] : row[i - 1];

            corner = row[i];
            row[i] = change < least + 1 ? change : least + 1;
        }
    }
    return row[b_len];
}

const char *config_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t least = strlen(name) / 3 + 2;

    for (size_t i = 0; i < WORDS && strlen(name) <= NAME_MAX_LEN; i++) {
        size_t far = distance(name, words[i].name);

        if (far < least) {
            least = far;
            nearest = words[i].name;
        }
    }
    return nearest;
}

static bool among(const char *choices, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = choices; len > 0 && (at = strstr(at, value)) != NULL; at++) {
        if (at > choices && at[-1] == ' ' && at[len] == ' ') {
            return true;
        }
    }
    return false;
}

int config_check(const struct config_word *word, const char *value)
{
    const char *advice;

    if (word->form == FORM_PATH && *value != '/' && strncmp(value, "~/", 2) != 0 &&
        (word->key != RELAY_TRUST || strcmp(value, RELAY_SYSTEM) != 0)) {
        complain("%s %.200s: give the whole path, which begins with / or ~/: callers are in other directories",
                 word->name, value);
        return EX_CONFIG;
    }
    if (word->form == FORM_REFUSED && (*value != 0 || word->key != KEYS)) {
        complain("%s: %s", word->name, word->text);
        return EX_CONFIG;
    }
    if (word->form != FORM_SWITCH || among(word->text, value)) {
        return EX_OK;
    }
    advice = word->text + strlen(word->text) + 1;
    if (*advice != 0) {
        complain("%s %.200s: %s", word->name, value, advice);
    } else {
        complain("%s %.200s: give one of%.*s", word->name, value, (int)strlen(word->text) - 1, word->text);
    }
    return EX_CONFIG;
}

/* ---- In a line --------------------------------------------------------------------------------------------------- */

int config_take_word(char **rest, char **word)
{
    char *at = *rest + strspn(*rest, CONFIG_SPACE), *end;
    bool quoted = *at == '"';

    *word = NULL;
    if (*at == 0 || *at == '#') {
        return EX_OK;
    }
    at += quoted;
    end = quoted ? strchr(at, '"') : at + strcspn(at, CONFIG_SPACE);
    if (end == NULL || (quoted && strchr(CONFIG_SPACE, end[1]) == NULL)) {
        complain("a value in double quotes ends with one, and the line or a space comes behind it");
        return EX_CONFIG;
    }
    *rest = end + (*end != 0);
    *end = 0;
    *word = at;
    return EX_OK;
}

/* All of the rest, a '#' in it as well; without quotes around it. */
static char *take_text(char *rest)
{
    size_t len;

    rest += strspn(rest, CONFIG_SPACE);
    for (len = strlen(rest); len > 0 && strchr(CONFIG_SPACE, rest[len - 1]) != NULL; len--) {
    }
    if (len >= 2 && rest[0] == '"' && rest[len - 1] == '"') {
        rest++;
        len -= 2;
    }
    rest[len] = 0;
    return rest;
}

int config_take_value(const struct config_word *word, char *rest, const char **value)
{
    /* Of an msmtprc: without a value they take back what was said before; a user, the whole login. */
    enum { TAKE_BACK = 1 << RELAY_TLS_NAME | 1 << RELAY_USER | 1 << KEY_ALIASES | 1 << KEY_MAILDOMAIN };
    char *first, *more = NULL;
    int status;

    if (word->form >= FORM_TEXT) {
        *value = take_text(rest);
        return EX_OK;
    }
    status = config_take_word(&rest, &first);
    if (status == EX_OK && first != NULL) {
        status = config_take_word(&rest, &more);
    }
    if (status == EX_OK && more != NULL) {
        complain("%s has one word too many: take it out, or put a value with spaces into double quotes", word->name);
        return EX_CONFIG;
    }
    if (status == EX_OK && (TAKE_BACK >> word->key & 1) != 0 && (first == NULL || *first == 0)) {
        *value = NULL;
        return EX_OK;
    }
    if (status == EX_OK && (first == NULL ? word->form != FORM_SWITCH : *first == 0 && word->key != KEY_FROM)) {
        complain("%s is empty: give a value", word->name);
        return EX_CONFIG;
    }
    *value = first != NULL ? first : "on";
    return status;
}

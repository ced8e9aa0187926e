/* SPDX-License-Identifier: MIT
 *
 * What an account of the configuration says of a mail and its relays. An msmtprc's words mean here what they mean there, but
 * that a login is given to nobody who is not verified.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "config.h"
#include "mailmote_posix.h"
#include "self.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is(const char *value, const char *word)
{
    return value != NULL && strcmp(value, word) == 0;
}

/* ---- Relays ------------------------------------------------------------------------------------------------------ */

static int settle_auth(struct relay_args *relay)
{
    const char **options = relay->options;
    const char *auth = options[RELAY_AUTH];
    bool token = is(auth, "xoauth2") || is(auth, "oauthbearer");

    if (is(auth, "off")) {
        options[RELAY_USER] = options[RELAY_PASSWORD_FILE] = options[RELAY_TOKEN_FILE] = NULL;
        options[RELAY_PASSWORD] = options[RELAY_PASSWORD_COMMAND] = NULL;
    } else if (auth != NULL && options[RELAY_USER] == NULL) {
        complain("auth %s needs user", auth);
        return EX_CONFIG;
    }
    if (!token) {
        options[RELAY_AUTH] = NULL;
    }
    return EX_OK;
}

/* TLS that is asked for is verified, with the system's CAs where nothing else is named. "off": it is not asked for. */
static int settle_tls(struct relay_args *relay)
{
    const char **options = relay->options;
    const char *tls = options[RELAY_TLS], *starttls = options[RELAY_STARTTLS];

    options[RELAY_STARTTLS] = NULL;
    if (is(tls, "off") && options[RELAY_USER] != NULL) {
        complain("tls off, and a login: the password would go in clear: give tls on");
        return EX_CONFIG;
    }
    if (is(tls, "off")) {
        options[RELAY_TLS] = options[RELAY_TRUST] = options[RELAY_PIN] = NULL;
        return EX_OK;
    }
    if (is(tls, "on") && options[RELAY_TRUST] == NULL && options[RELAY_PIN] == NULL) {
        options[RELAY_TRUST] = RELAY_SYSTEM;
    }
    if (tls == NULL || is(tls, "on")) {
        options[RELAY_TLS] = starttls == NULL ? NULL : is(starttls, "on") ? "starttls" : "implicit";
    }
    return EX_OK;
}

/* NULL after a complaint. */
static const char *join(struct args *args, const char *const *parts, size_t count)
{
    size_t len = 0;
    char *text;

    for (size_t i = 0; i < count; i++) {
        len += strlen(parts[i]);
    }
    text = made_string(&args->made, len);
    for (size_t i = 0, at = 0; i < count && text != NULL; at += strlen(parts[i++])) {
        memcpy(text + at, parts[i], strlen(parts[i]));
    }
    return text;
}

/* What `host' and the settings beside it make. */
static int own_relay(struct args *args, struct account *account)
{
    const char *host = account->settings[KEY_HOST].value, *port = account->settings[KEY_PORT].value;
    bool brackets = strchr(host, ':') != strrchr(host, ':') && *host != '['; /* as none stands in HOST:PORT */
    const char *parts[] = {brackets ? "[" : "", host, brackets ? "]" : "", port != NULL ? ":" : "",
                           port != NULL ? port : ""};
    struct relay_args *relay = &args->relays[args->relay_count++];

    for (int i = 0; i < RELAY_OPTIONS; i++) {
        relay->options[i] = account->settings[i].value;
    }
    relay->line = account->settings[KEY_HOST].line;
    relay->relay = join(args, parts, sizeof parts / sizeof parts[0]);
    return relay->relay != NULL ? EX_OK : EX_OSERR;
}

static int check_own(const struct args *args, const struct account *account)
{
    for (int i = 0; i <= KEY_PORT; i++) {
        if (account->settings[i].value != NULL) {
            complain_about(args->config_file, account->settings[i].line);
            complain("of which relay? Give its host, or say this in the line of the relay, as WORD=VALUE");
            return EX_CONFIG;
        }
    }
    return EX_OK;
}

static int apply_relays(struct args *args, struct account *account)
{
    int status = EX_OK;

    if (account->settings[KEY_HOST].value != NULL) {
        status = own_relay(args, account);
    } else {
        status = check_own(args, account);
    }
    for (unsigned i = 0; i < account->relay_count && status == EX_OK; i++) {
        if (args->relay_count < MOTE_RELAYS_MAX) {
            args->relays[args->relay_count++] = account->relays[i];
        } else {
            complain_about(args->config_file, account->relays[i].line);
            complain("more than %d relays: give fewer", MOTE_RELAYS_MAX);
            status = EX_CONFIG;
        }
    }
    for (unsigned i = 0; i < args->relay_count && status == EX_OK; i++) {
        complain_about(args->config_file, args->relays[i].line);
        status = settle_auth(&args->relays[i]);
        status = status == EX_OK ? settle_tls(&args->relays[i]) : status;
    }
    complain_about(NULL, 0);
    return status;
}

/* ---- The mail ---------------------------------------------------------------------------------------------------- */

/* Returns its line, or 0 where it is said already. */
static unsigned take(const char **word, const struct account *account, unsigned key)
{
    const struct setting *setting = &account->settings[key];

    if (*word != NULL || setting->value == NULL) {
        return 0;
    }
    *word = setting->value;
    return setting->line;
}

int account_apply(struct args *args, struct account *account)
{
    const char *header = account->settings[KEY_FROM_HEADER].value, *timeout = account->settings[KEY_TIMEOUT].value;

    take(&args->spool, account, KEY_SPOOL);
    args->helo_line = take(&args->helo, account, KEY_HELO);
    args->admin_line = take(&args->admin, account, KEY_ADMIN);
    args->aliases_line = take(&args->aliases, account, KEY_ALIASES);
    take(&args->full_name, account, KEY_FULL_NAME);
    take(&args->domain, account, KEY_MAILDOMAIN);
    args->from_line = take(&args->own_from, account, KEY_FROM);
    take(&args->syslog, account, KEY_SYSLOG);
#ifdef MOTE_DANE
    args->anchor_line = take(&args->dnssec_anchor, account, KEY_DNSSEC_ANCHOR);
#endif
    if (!is(timeout, "off")) {
        take(&args->timeout, account, KEY_TIMEOUT);
    }
    args->from_fixed = args->own_from != NULL && is(account->settings[KEY_FROM_OVERRIDE].value, "off");
    args->from_field = is(header, "on") ? FROM_WRITTEN : is(header, "off") ? FROM_LEFT : FROM_ADDED;
    return args->relay_count == 0 ? apply_relays(args, account) : EX_OK;
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* What a letter behind '%' stands for, as in an msmtprc; NULL: nothing. "" when it is not known. */
static const char *look_up(char letter, const char *user, char *text, size_t cap)
{
    struct buffer file = {NULL, 0};
    struct stat about;

    text[0] = 0;
    switch (letter) {
    case 'U': return user != NULL ? user : "";
    case 'H': return gethostname(text, cap - 1) == 0 ? text : "";
    case 'C': return mote_posix_host_name(text, cap) ? text : "";
    case 'M':
        if (file_read_text("/etc/mailname", &file, cap - 1, &about) == 0) {
            memcpy(text, file.data, strcspn(file.data, " \t\r\n"));
            text[strcspn(file.data, " \t\r\n")] = 0;
        }
        free(file.data);
        return text;
    default: return NULL;
    }
}

/* A '%' that stands for nothing stays. */
static int fill(struct args *args, const char **value, const char *name, const char *user)
{
    char text[512], found[MOTE_POSIX_HOST_NAME], *made;
    size_t len = 0;

    if (*value == NULL || strchr(*value, '%') == NULL) {
        return EX_OK;
    }
    for (const char *at = *value; *at != 0; at++) {
        const char *word = *at == '%' ? look_up(at[1], user, found, sizeof found) : NULL;
        size_t more = word != NULL ? strlen(word) : 1;

        if (more == 0 || len + more >= sizeof text) {
            complain("%s %.200s: %s", name, *value,
                     more == 0 ? "what a % stands for is not known here: write it out" : "it is too long");
            return EX_CONFIG;
        }
        memcpy(text + len, word != NULL ? word : at, more);
        len += more;
        at += word != NULL;
    }
    made = made_string(&args->made, len);
    if (made == NULL) {
        return EX_OSERR;
    }
    *value = memcpy(made, text, len);
    return EX_OK;
}

/* "~/" is the user's directory, as a shell has it. */
static int expand_home(struct args *args, const char **file)
{
    const char *home = getenv("HOME");

    if (*file == NULL || strncmp(*file, "~/", 2) != 0 || home == NULL) {
        return EX_OK;
    }
    *file = join(args, (const char *[]){home, *file + 1}, 2);
    return *file != NULL ? EX_OK : EX_OSERR;
}

static int expand_homes(struct args *args)
{
    static const uint8_t files[] = {RELAY_TRUST, RELAY_PASSWORD_FILE, RELAY_TOKEN_FILE};
    int status = expand_home(args, &args->aliases);

    if (status == EX_OK) {
        status = expand_home(args, &args->spool);
    }
#ifdef MOTE_DANE
    if (status == EX_OK) {
        status = expand_home(args, &args->dnssec_anchor);
    }
#endif
    for (unsigned i = 0; i < args->relay_count; i++) {
        for (size_t k = 0; k < sizeof files && status == EX_OK; k++) {
            status = expand_home(args, &args->relays[i].options[files[k]]);
        }
    }
    return status;
}

static int check_from(struct args *args)
{
    const char *from = args->own_from;

    if (from == NULL || *from == 0 || strcmp(from, "<>") == 0 || mote_address_valid(from)) {
        return EX_OK;
    }
    complain("from %.200s: give local-part@domain", from);
    args->own_from = NULL;
    return EX_CONFIG;
}

const char *account_sender(struct args *args, const char *user)
{
    const char *from = args->own_from;

    return from != NULL && fill(args, &from, "from", user) == EX_OK && mote_address_valid(from) ? from : NULL;
}

int account_names(struct args *args)
{
    const char *at;
    int status = expand_homes(args);

    if (status == EX_OK && args->command != COMMAND_QUEUE) {
        complain_about(args->config_file, args->helo_line);
        status = fill(args, &args->helo, "helo", self_user());
    }
    if (status == EX_OK && args->command == COMMAND_SEND) {
        complain_about(args->config_file, args->from_line);
        status = fill(args, &args->own_from, "from", self_user());
        status = status == EX_OK ? check_from(args) : status;
    }
    complain_about(NULL, 0);
    if (args->own_from != NULL && (args->from == NULL || args->from_fixed)) {
        args->from = args->own_from;
    }
    at = args->own_from != NULL ? strrchr(args->own_from, '@') : NULL;
    if (args->domain == NULL && at != NULL) {
        args->domain = at + 1;
    }
    return status;
}

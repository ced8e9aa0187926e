/* SPDX-License-Identifier: MIT
 *
 * Makes relays of the settings on the command line or in a configuration file: where, how trusted, who we are there. A
 * relay that gets a login without a trust of its own is given the system's CA file; nothing here makes a verified
 * relay less than verified.
 */
#define _GNU_SOURCE

#include "base64.h"
#include "complain.h"
#include "mailmote_posix.h"
#include "relay.h"
#include "secret.h"
#include "trust_pem.h"
#include "utf8.h"
#include "witness.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Memory for the anchors of a file that is no regular one, and so has no size to tell. */
#define ANCHORS_MEMORY ((size_t)1 << 20)

#define IMPLICIT_PORT 465 /* RFC 8314 3.3 */

static const char *const system_anchors[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
};

/* How long the name is that a text begins with, or the address in brackets, without the last of them. Nothing else is a host: a probe
 * prints it in C and in a configuration. */
static size_t host_len(const char *text)
{
    const char *octets = "%:." WORD_OCTETS;

    return text[0] == '[' ? 1 + strspn(text + 1, octets) : strspn(text, octets + strlen("%:"));
}

/* No more of it is told than the host: a user may be in front, and a password behind. */
static int refuse_where(const char *text, const char *wrong)
{
    size_t len = strchr(text, '@') != NULL ? 0 : host_len(text);

    complain("--relay %.*s%s: %s", (int)len, text, text[len] == 0 ? "" : "...", wrong);
    return EX_USAGE;
}

static int parse_port(uint16_t *port, const char *text, const char *relay)
{
    unsigned long value = 0;
    const char *at;

    for (at = text; *at >= '0' && *at <= '9' && value <= 65535; at++) {
        value = value * 10 + (unsigned long)(*at - '0');
    }
    if (*at != 0 || value == 0 || value > 65535) {
        return refuse_where(relay, "the port is a number from 1 to 65535");
    }
    *port = (uint16_t)value;
    return EX_OK;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT */
static int parse_where(struct host_relay *relay, const char *text)
{
    bool bracket = text[0] == '[';
    size_t len = host_len(text) - bracket;
    const char *end = text + bracket + len, *rest = end + (bracket && *end == ']');

    if (!bracket && *rest == ':' && strchr(rest + 1, ':') != NULL && strpbrk(text, "/@ ") == NULL) {
        return refuse_where(text, "an IPv6 address goes into brackets, as in [2001:db8::7]:587");
    }
    if (len == 0 || len >= sizeof relay->host || (bracket && rest == end) || (*rest != 0 && *rest != ':') ||
        strpbrk(rest, "/@ ") != NULL) {
        return refuse_where(text, "give HOST or HOST:PORT alone: no scheme, path or user");
    }
    memcpy(relay->host, text + bracket, len);
    relay->host[len] = 0;
    relay->relay.host = relay->host;
    return *rest == 0 ? EX_OK : parse_port(&relay->relay.port, rest + 1, text);
}

/* "sha256:" and 32 octets in base64: 43 digits, perhaps a '='. */
static bool parse_pin(uint8_t pin[32], const char *text)
{
    uint32_t bits = 0;
    size_t filled = 0;

    if (strncmp(text, "sha256:", 7) != 0) {
        return false;
    }
    text += 7;
    for (size_t i = 0; i < 43; i++) {
        int value = base64_value(text[i]);

        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0) {
            pin[filled++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
    }
    return (bits & 3) == 0 && strcmp(text + 43 + (text[43] == '='), "") == 0;
}

static bool is_address(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list;

    if (getaddrinfo(host, NULL, &hints, &list) != 0) {
        return false;
    }
    freeaddrinfo(list);
    return true;
}

static bool is_token(const struct relay_args *args)
{
    return args->options[RELAY_TOKEN_FILE] != NULL || args->options[RELAY_AUTH] != NULL;
}

static int check_login(const struct relay_args *args)
{
    static const uint8_t secrets[] = {RELAY_PASSWORD_FILE, RELAY_TOKEN_FILE, RELAY_PASSWORD, RELAY_PASSWORD_COMMAND};
    const char *password = args->options[RELAY_PASSWORD_FILE], *token = args->options[RELAY_TOKEN_FILE];
    const char *user = args->options[RELAY_USER], *file = password != NULL ? password : token;
    unsigned count = 0;

    for (size_t i = 0; i < sizeof secrets; i++) {
        count += args->options[secrets[i]] != NULL;
    }
    if (password != NULL && token != NULL) {
        complain("--password-file and --token-file for relay %s: give one", args->relay);
    } else if (count > 1) {
        complain("relay %s has more than one of password-file, token-file, password and passwordeval: give one",
                 args->relay);
    } else if (user != NULL && has_control(user)) {
        complain("--user for relay %s holds a control character: take it out", args->relay);
    } else if (user != NULL && is_token(args) && strpbrk(user, ",=") != NULL) {
        complain("--user for relay %s holds a ',' or '=', which no user with a token has", args->relay);
    } else if (user != NULL && count == 0) {
        complain("--user for relay %s needs --password-file or --token-file", args->relay);
    } else if (user == NULL && count != 0) {
        complain("a password or token for relay %s needs --user", args->relay);
    } else if (file != NULL && strcmp(file, "-") == 0) {
        complain("a password or token is not read from standard input: put it into a file");
    } else {
        return EX_OK;
    }
    return EX_USAGE;
}

/* The name the relay's certificate is asked for, or NULL: --tls-name, or the host without its final dot. */
static const char *name_of(struct host_relay *relay, const char *tls_name)
{
    const char *name = tls_name != NULL ? tls_name : relay->host;
    size_t len = strlen(name);

    if (tls_name == NULL && is_address(name)) {
        return NULL;
    }
    if (len > 1 && name[len - 1] == '.') {
        len--;
    }
    memcpy(relay->name, name, len);
    relay->name[len] = 0;
    return relay->name;
}

static int parse_options(struct host_relay *relay, const struct relay_args *args)
{
    const char *tls = args->options[RELAY_TLS], *pin = args->options[RELAY_PIN], *name = args->options[RELAY_TLS_NAME];

    if (tls == NULL ? relay->relay.port == IMPLICIT_PORT : strcmp(tls, "implicit") == 0) {
        relay->relay.tls = MOTE_TLS_IMPLICIT;
    } else if (relay->relay.port == IMPLICIT_PORT) {
        complain(
            "warning: --tls %s for relay %s: on port 465 a relay waits for TLS from the first octet: leave --tls out",
            tls, args->relay);
    }
    if (tls != NULL && strcmp(tls, "implicit") != 0 && strcmp(tls, "starttls") != 0) {
        complain("--tls %s: give starttls or implicit", tls);
    } else if (args->options[RELAY_TRUST] != NULL && pin != NULL) {
        complain("--trust and --pin for relay %s: a pin decides alone, give one of them", args->relay);
    } else if (pin != NULL && !parse_pin(relay->relay.trust.pin, pin)) {
        complain("--pin %s: give sha256: and the base64 of 32 octets", pin);
    } else if (name != NULL && (strlen(name) >= sizeof relay->name || is_address(name))) {
        complain("--tls-name %s: give a DNS name; to trust an address, use --pin", name);
    } else {
        return EX_OK;
    }
    return EX_USAGE;
}

static int relay_parse(struct host_relay *relay, const struct relay_args *args)
{
    int status = parse_where(relay, args->relay);

    if (status == EX_OK) {
        status = parse_options(relay, args);
    }
    if (status == EX_OK) {
        status = check_login(args);
    }
    relay->relay.login.user = args->options[RELAY_USER];
    if (relay->relay.login.user != NULL) {
        prctl(PR_SET_DUMPABLE, 0); /* a core would hold the secret, which the configuration may have brought by now */
    }
    return status;
}

const char *relay_system_anchors(void)
{
    for (size_t i = 0; i < sizeof system_anchors / sizeof system_anchors[0]; i++) {
        if (access(system_anchors[i], R_OK) == 0) {
            return system_anchors[i];
        }
    }
    return NULL;
}

/* What is wrong with a file that has no anchors for us, in the words of `mailmote trust'. */
static int refuse_anchors(const char *file)
{
    struct certificates certificates = {NULL, 0};

    if (certificates_read(&certificates, file) == EX_OK) {
        complain("%s holds no certificate with a key that can be used: give one with an RSA, P-256, P-384 or P-521 key",
                 file);
    }
    certificates_free(&certificates);
    return EX_CONFIG;
}

static int load_anchors(struct host_relay *relay, const char *file, const char *name)
{
    struct stat about;
    size_t count, memory = ANCHORS_MEMORY;
    const br_x509_trust_anchor *anchors;

    if (stat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        memory = (size_t)about.st_size + 1;
    }
    relay->anchors = malloc(memory);
    if (relay->anchors == NULL) {
        complain("no memory for the certificates of %s: is it the right file?", file);
        return EX_CONFIG;
    }
    count = mote_posix_anchors(file, relay->anchors, memory, &anchors);
    if (count == 0 && errno == EINVAL) {
        return refuse_anchors(file);
    }
    if (count == 0) {
        complain("%s cannot be read: %s", file, strerror(errno));
        return EX_CONFIG;
    }
    mote_trust_anchors(&relay->relay.trust, anchors, count, name);
    mote_trust_cbc(&relay->relay.trust);
    return EX_OK;
}

static int load_trust(struct host_relay *relay, const struct relay_args *args)
{
    const char *name = name_of(relay, args->options[RELAY_TLS_NAME]), *file = args->options[RELAY_TRUST];
    uint8_t pin[32];

    if (args->options[RELAY_PIN] != NULL) {
        memcpy(pin, relay->relay.trust.pin, sizeof pin);
        mote_trust_pin(&relay->relay.trust, pin, name);
        mote_trust_cbc(&relay->relay.trust);
        return EX_OK;
    }
    if (file == NULL && args->options[RELAY_USER] == NULL) {
        mote_trust_opportunistic(&relay->relay.trust, name);
        return EX_OK;
    }
    if (name == NULL) {
        complain("relay %s is an address, and certificates are checked for a name: give --tls-name NAME, or --pin",
                 args->relay);
        return EX_CONFIG;
    }
    if (file == NULL || strcmp(file, RELAY_SYSTEM) == 0) {
        file = relay_system_anchors();
    }
    if (file == NULL) {
        complain("the system has no CA file to verify relay %s with: give --trust FILE.pem or --pin", args->relay);
        return EX_CONFIG;
    }
    return load_anchors(relay, file, name);
}

static int relay_open(struct host_relay *relay, const struct args *args, const struct relay_args *words)
{
    int status = load_trust(relay, words);

    if (status != EX_OK || relay->relay.login.user == NULL) {
        return status;
    }
    status = secret_read(&relay->secret, args, words);
    if (is_token(words)) {
        relay->relay.login.token = relay->secret.data;
    } else {
        relay->relay.login.password = relay->secret.data;
    }
    return status;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

#ifndef MOTE_DANE
static int relays_check_mx(const struct args *args, const struct relay_args *relay)
{
    (void)args;
    complain("%s %s, or give HOST[:PORT]", relay_mx_word(relay), WITHOUT_DANE);
    return EX_USAGE;
}

static int relays_open_mx(const struct args *args)
{
    (void)args;
    return EX_OK;
}
#endif

int relays_parse(struct relays *relays, const struct args *args)
{
    int status = EX_OK;

    relays->count = args->relay_count;
    for (unsigned i = 0; i < relays->count && status == EX_OK; i++) {
        unsigned line = args->relays[i].line;

        complain_about(args->config_file, line);
        status = relay_is_mx(&args->relays[i]) ? relays_check_mx(args, &args->relays[i])
                                               : relay_parse(&relays->own[i], &args->relays[i]);
        if (status == EX_USAGE && line != 0) {
            status = EX_CONFIG;
        }
    }
    complain_about(NULL, 0);
    if (relays_mx(args)) {
        relays->count = 0; /* they are made for each mail */
    }
    return status;
}

int relays_open(struct relays *relays, const struct args *args)
{
    int status = relays_mx(args) ? relays_open_mx(args) : EX_OK;

    for (unsigned i = 0; i < relays->count && status == EX_OK; i++) {
        complain_about(args->config_file, args->relays[i].line);
        status = relay_open(&relays->own[i], args, &args->relays[i]);
        relays->list[i] = relays->own[i].relay;
    }
    complain_about(NULL, 0);
    if (args->verbose) {
        witness_relays(relays->list, relays->count);
    }
    return status;
}

void relays_wipe(struct relays *relays)
{
    for (unsigned i = 0; i < MOTE_RELAYS_MAX; i++) {
        buffer_wipe(&relays->own[i].secret);
        free(relays->own[i].anchors);
    }
}

bool relays_verified_only(const struct args *args)
{
    bool all = args->relay_count != 0;

    for (unsigned i = 0; i < args->relay_count; i++) {
        const char *const *options = args->relays[i].options;

        all = all && (options[RELAY_TRUST] != NULL || options[RELAY_PIN] != NULL || options[RELAY_USER] != NULL);
    }
    return all;
}

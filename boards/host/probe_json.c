/* SPDX-License-Identifier: MIT
 *
 * What a probe found, for a program: one object of JSON (RFC 8259) on one line. Text is printable already.
 */
#define _POSIX_C_SOURCE 200809L

#include "mailmote_session.h"
#include "probe.h"

#include <stdio.h>
#include <string.h>

static void string_of(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        printf(text[i] == '"' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
    }
    putchar('"');
}

static void member(const char *name, const char *text)
{
    printf(", \"%s\": ", name);
    string_of(text, strlen(text));
}

static void truth(const char *name, bool value)
{
    printf(", \"%s\": %s", name, value ? "true" : "false");
}

static void list_of_lines(const char *name, const char *text)
{
    const char *comma = "";

    printf(", \"%s\": [", name);
    while (*text != 0) {
        size_t len = strcspn(text, "\n");

        printf("%s", comma);
        string_of(text, len);
        comma = ", ";
        text += len + 1;
    }
    printf("]");
}

static void list_of_taken(const char *name, const char *const *names, const bool *which, size_t count)
{
    const char *comma = "";

    printf(", \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        if (which[i]) {
            printf("%s\"%s\"", comma, names[i]);
            comma = ", ";
        }
    }
    printf("]");
}

static void certificate(const struct certificate *one)
{
    unsigned char digest[SHA256_LEN];
    char text[TEXT_LEN], pin[PIN_LEN];

    name_text(text, one->subject);
    printf("{\"subject\": ");
    string_of(text, strlen(text));
    name_text(text, one->issuer);
    member("issuer", text);
    member("from", one->from);
    member("until", one->until);
    key_text(text, one->pkey);
    member("key", text);
    signature_text(text, one);
    member("signature", text);
    sha256(digest, one->key);
    pin_text(pin, digest);
    member("pin", pin);
    printf("}");
}

static void certificates(const struct certificates *chain)
{
    printf(", \"chain\": [");
    for (size_t i = 0; i < chain->count; i++) {
        printf("%s", i != 0 ? ", " : "");
        certificate(chain->list[i]);
    }
    printf("]");
}

static void tls(const struct probe *probe)
{
    char version[8], logins[PROBE_TEXT];

    snprintf(version, sizeof version, "1.%u", (unsigned)(probe->version - BR_TLS10) % 10);
    member("tls", version);
    printf(", \"suite\": %u", (unsigned)probe->suite);
    list_of_taken("ciphers", probe_ciphers, probe->ciphers, PROBE_CIPHERS);
    list_of_taken("curves", probe_curves, probe->curves, PROBE_CURVES);
    list_of_lines("offers_tls", probe->offers);
    probe_logins(logins, probe->offers);
    member("login", logins);
    printf(", \"flights\": %u, \"record\": %zu, \"record_free\": %zu, \"buffer\": %zu", probe_flights(probe),
           probe->record, probe->record_free, probe_buffer(probe));
    truth("max_fragment_length", probe->fragments);
    truth("small", probe->small);
}

void probe_json(const struct probe *probe)
{
    printf("{\"host\": ");
    string_of(probe->host, strlen(probe->host));
    printf(", \"port\": %u, \"addresses\": [", (unsigned)probe->port);
    for (size_t i = 0; i < probe->address_count; i++) {
        printf("%s", i != 0 ? ", " : "");
        string_of(probe->addresses[i], strlen(probe->addresses[i]));
    }
    printf("]");
    truth("verified", probe->verified);
    member("verdict", probe->verdict);
    member("trouble", probe->trouble);
    member("greeting", probe->greeting);
    member("starttls", probe->starttls);
    list_of_lines("offers_clear", probe->offers_clear);
    if (probe->tls) {
        tls(probe);
    }
    certificates(&probe->chain);
    if (probe->root != NULL) {
        printf(", \"root\": ");
        certificate(probe->root);
    }
    printf("}\n");
}

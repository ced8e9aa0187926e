/* SPDX-License-Identifier: MIT
 *
 * What a probe found, for a person; and the lines to configure the relay with.
 */
#define _POSIX_C_SOURCE 200809L

#include "mailmote_session.h"
#include "probe.h"

#include <stdio.h>
#include <string.h>

/* ---- What was found ---------------------------------------------------------------------------------------------- */

static void line(const char *what, const char *value)
{
    printf("%-16s%s\n", what, value);
}

static void lines(const char *what, const char *text)
{
    while (*text != 0) {
        size_t len = strcspn(text, "\n");

        printf("%-16s%.*s\n", what, (int)len, text);
        what = "";
        text += len + 1;
    }
}

static void taken(const char *what, const char *const *names, const bool *which, size_t count)
{
    printf("%-16s", what);
    for (size_t i = 0; i < count; i++) {
        if (which[i]) {
            printf("%s ", names[i]);
        }
    }
    printf("\n");
}

static void certificate(const char *what, const struct certificate *one)
{
    unsigned char digest[SHA256_LEN];
    char text[TEXT_LEN], pin[PIN_LEN];

    name_text(text, one->subject);
    line(what, text);
    name_text(text, one->issuer);
    printf("%16sissued by %s\n", "", text);
    printf("%16sfrom %s until %s UTC\n", "", one->from, one->until);
    key_text(text, one->pkey);
    printf("%16skey %s, ", "", text);
    signature_text(text, one);
    sha256(digest, one->key);
    pin_text(pin, digest);
    printf("signature %s\n%16spin %s\n", text, "", pin);
}

static void report_tls(const struct probe *probe)
{
    char logins[PROBE_TEXT];

    printf("%-16s1.%u\n", "TLS", (unsigned)(probe->version - BR_TLS10));
    taken("ciphers", probe_ciphers, probe->ciphers, PROBE_CIPHERS);
    taken("curves", probe_curves, probe->curves, PROBE_CURVES);
    lines("offers in TLS", probe->offers);
    probe_logins(logins, probe->offers);
    line("login", logins[0] != 0 ? logins : "none offered");
    printf("%-16s%u until a mail is accepted, without a login\n", "flights", probe_flights(probe));
    line("short records", probe->fragments ? "granted (max_fragment_length 512)" : "not granted");
    printf(
        "%-16s%zu octets the longest, %zu when not asked for short ones: a buffer of %zu will do for these replies\n",
        "records", probe->record, probe->record_free, probe_buffer(probe));
}

void probe_report_found(const struct probe *probe)
{
    for (size_t i = 0; i < probe->address_count; i++) {
        line(i == 0 ? "addresses" : "", probe->addresses[i]);
    }
    if (probe->greeting[0] != 0) {
        line("greeting", probe->greeting);
    }
    lines("offers in clear", probe->offers_clear);
    if (probe->starttls[0] != 0) {
        line("STARTTLS", probe->starttls);
    }
    if (probe->tls) {
        report_tls(probe);
    }
    if (probe->trouble[0] != 0) {
        line("trouble", probe->trouble);
    }
    for (size_t i = 0; i < probe->chain.count; i++) {
        certificate(i == 0 ? "certificate" : "its CA", probe->chain.list[i]);
    }
}

static void report_verdict(const struct probe *probe)
{
    char text[TEXT_LEN];

    if (probe->chain.count == 0) {
        line("verdict", probe->verdict);
        return;
    }
    printf("%-16s%s (name %s, CAs of %s)\n", "verdict", probe->verdict, probe->name != NULL ? probe->name : "none",
           probe->trust);
    if (probe->root != NULL) {
        name_text(text, probe->root->subject);
        line("root", text);
    }
}

/* ---- How to configure it ----------------------------------------------------------------------------------------- */

static void leaf_pin(const struct probe *probe, char pin[PIN_LEN])
{
    unsigned char digest[SHA256_LEN];

    sha256(digest, probe->chain.list[0]->key);
    pin_text(pin, digest);
}

static void configuration(const struct probe *probe)
{
    bool address = strchr(probe->host, ':') != NULL;
    char pin[PIN_LEN];

    printf("\nFor mailmote -C FILE:\n  relay %s%s%s:%u%s", address ? "[" : "", probe->host, address ? "]" : "",
           (unsigned)probe->port, probe->implicit ? " tls=implicit" : "");
    if (probe->verified) {
        printf(" trust=%s", probe->trust);
    } else {
        leaf_pin(probe, pin);
        printf(" pin=%s", pin);
    }
    if (probe->name != NULL && strcmp(probe->name, probe->host) != 0) {
        printf(" tls-name=%s", probe->name);
    }
    printf("\n");
}

static void pin_as_c(const struct probe *probe)
{
    unsigned char digest[SHA256_LEN];

    sha256(digest, probe->chain.list[0]->key);
    printf("  static const uint8_t pins[1][32] = {{");
    for (size_t i = 0; i < sizeof digest; i++) {
        printf("%s0x%02x", i == 0 ? "" : i % 12 == 0 ? ",\n      " : ", ", digest[i]);
    }
    printf("}};\n");
}

static void firmware(const struct probe *probe)
{
    printf("\nFor firmware:\n");
    if (probe->verified) {
        printf("  #include \"trust_anchors.h\" /* mailmote trust --probe, with the same words */\n");
    } else {
        pin_as_c(probe);
    }
    printf("  static uint8_t record_buf[%zu];\n  struct mote_relay relay = {.host = \"%s\", .port = %u%s};\n",
           probe_buffer(probe), probe->host, (unsigned)probe->port,
           probe->implicit ? ", .tls = MOTE_TLS_IMPLICIT" : "");
    if (!probe->verified) {
        printf("  mote_trust_pins(&relay.trust, pins, 1, NULL);\n");
    } else {
        printf("  mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, \"%s\");\n", probe->name);
    }
    if (!probe_is_modern(probe)) {
        printf("  mote_trust_cbc(&relay.trust);\n");
    }
    if (probe->verified && probe->small) {
        printf("  /* Smaller, and enough for this chain today; with roots on P-384 or signatures with SHA-384 or "
               "SHA-512 it is "
               "refused:\n"
               "  mote_trust_anchors_small(&relay.trust, trust_anchors, TRUST_ANCHORS, \"%s\", &br_ec_p256_m31); */\n",
               probe->name);
    }
}

void probe_report(const struct probe *probe)
{
    probe_report_found(probe);
    report_verdict(probe);
    if (!probe->tls) {
        return;
    }
    if (!probe->verified) {
        printf("\nIt is not verified. Whoever answered may be anybody: use its pin only when somebody who runs the "
               "relay has told you "
               "the same.\n");
    }
    configuration(probe);
    firmware(probe);
}

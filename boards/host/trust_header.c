/* SPDX-License-Identifier: MIT
 *
 * Certificates as C. The arrays are constants and stay in flash; the casts take away a const that BearSSL's structures lack,
 * in the way no compiler warns of.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "trust_header.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { OCTETS_IN_LINE = 19, ANCHOR_OCTETS = 32 /* of br_x509_trust_anchor, where pointers have 32 bits */ };

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

static void write_octets(const unsigned char *octets, size_t len, const char *indent)
{
    for (size_t i = 0; i < len; i++) {
        printf("%s0x%02x%s", i % OCTETS_IN_LINE == 0 ? indent : " ", octets[i],
               i + 1 == len                               ? "\n"
               : i % OCTETS_IN_LINE == OCTETS_IN_LINE - 1 ? ",\n"
                                                          : ",");
    }
}

static void write_array(const char *what, size_t number, const unsigned char *octets, size_t len)
{
    printf("static const unsigned char trust_%s_%zu[] = {\n", what, number);
    write_octets(octets, len, "    ");
    printf("};\n");
}

/* A comment must not end at a subject's end of a comment, nor hold the trigraph of a backslash. */
static void write_subject(const struct certificate *certificate)
{
    char text[TEXT_LEN];

    name_text(text, certificate->subject);
    for (const char *at = text; *at != 0; at++) {
        printf(*at == '*' || *at == '?' ? "\\x%02X" : "%c", *at);
    }
    printf("\n");
}

static void write_hash(const char *before, struct mote_der octets)
{
    unsigned char digest[SHA256_LEN];

    sha256(digest, octets);
    printf("%s", before);
    for (size_t i = 0; i < sizeof digest; i++) {
        printf("%02x", digest[i]);
    }
    printf("\n");
}

static void write_about(const struct certificate *certificate, size_t number, size_t octets)
{
    unsigned char digest[SHA256_LEN];
    char key[TEXT_LEN], pin[PIN_LEN];

    key_text(key, certificate->pkey);
    sha256(digest, certificate->key);
    pin_text(pin, digest);
    printf("/* %zu: ", number);
    write_subject(certificate);
    printf(" * %s, %s, %zu octets of flash\n", key, certificate->ca ? "a CA" : "no CA: it trusts this server alone",
           octets);
    printf(" * expires %s UTC\n", certificate->until);
    write_hash(" * SHA-256 of the certificate ", certificate->all);
    printf(" * of its key %s */\n", pin);
}

/* ---- What can be used -------------------------------------------------------------------------------------------- */

static int check(const struct certificates *certificates)
{
    char now[24], subject[TEXT_LEN];
    time_t seconds = time(NULL);

    strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S", gmtime(&seconds));
    for (size_t i = 0; i < certificates->count; i++) {
        const struct certificate *one = certificates->list[i];

        name_text(subject, one->subject);
        if (one->pkey == NULL) {
            complain("the key of %s is neither RSA nor on P-256 or P-384: leave this certificate out", subject);
            return EX_DATAERR;
        }
        if (strcmp(one->until, now) < 0) {
            complain("warning: %s has expired at %s UTC", subject, one->until);
        }
    }
    return EX_OK;
}

/* ---- Anchors ----------------------------------------------------------------------------------------------------- */

static void write_arrays(const struct certificate *certificate, size_t number)
{
    const br_x509_pkey *key = certificate->pkey;
    size_t key_len = key->key_type == BR_KEYTYPE_RSA ? key->key.rsa.nlen + key->key.rsa.elen : key->key.ec.qlen;

    write_about(certificate, number, ANCHOR_OCTETS + certificate->subject.len + key_len);
    write_array("name", number, certificate->subject.at, certificate->subject.len);
    if (key->key_type == BR_KEYTYPE_RSA) {
        write_array("modulus", number, key->key.rsa.n, key->key.rsa.nlen);
        write_array("exponent", number, key->key.rsa.e, key->key.rsa.elen);
    } else {
        write_array("point", number, key->key.ec.q, key->key.ec.qlen);
    }
    printf("\n");
}

static void write_pointer(const char *what, size_t number)
{
    printf("(unsigned char *)(uintptr_t)trust_%s_%zu, sizeof trust_%s_%zu", what, number, what, number);
}

static void write_anchor(const struct certificate *certificate, size_t number)
{
    const br_x509_pkey *key = certificate->pkey;

    printf("    {{");
    write_pointer("name", number);
    printf("},\n     %s,\n     ", certificate->ca ? "BR_X509_TA_CA" : "0");
    if (key->key_type == BR_KEYTYPE_RSA) {
        printf("{BR_KEYTYPE_RSA,\n      {.rsa = {");
        write_pointer("modulus", number);
        printf(",\n               ");
        write_pointer("exponent", number);
    } else {
        printf("{BR_KEYTYPE_EC,\n      {.ec = {%s, ",
               key->key.ec.curve == BR_EC_secp256r1 ? "BR_EC_secp256r1" : "BR_EC_secp384r1");
        write_pointer("point", number);
    }
    printf("}}}},\n");
}

int write_anchors(const struct certificates *certificates)
{
    int status = check(certificates);

    if (status != EX_OK) {
        return status;
    }
    printf("/* Made by `mailmote trust'. For mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, name). */\n"
           "#ifndef TRUST_ANCHORS_H\n#define TRUST_ANCHORS_H\n\n#include <bearssl.h>\n#include <stdint.h>\n\n");
    for (size_t i = 0; i < certificates->count; i++) {
        write_arrays(certificates->list[i], i);
    }
    printf("enum { TRUST_ANCHORS = %zu };\n\nstatic const br_x509_trust_anchor trust_anchors[TRUST_ANCHORS] = {\n",
           certificates->count);
    for (size_t i = 0; i < certificates->count; i++) {
        write_anchor(certificates->list[i], i);
    }
    printf("};\n\n#endif\n");
    return EX_OK;
}

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

int write_pins(const struct certificates *certificates)
{
    int status = check(certificates);

    if (status != EX_OK) {
        return status;
    }
    printf("/* Made by `mailmote trust --pin'. For mote_trust_pins(&relay.trust, trust_pins, TRUST_PINS, name); with "
           "keys of CAs for\n   mote_trust_pinned_chain(). */\n"
           "#ifndef TRUST_PINS_H\n#define TRUST_PINS_H\n\n#include <stdint.h>\n\n"
           "enum { TRUST_PINS = %zu };\n\nstatic const uint8_t trust_pins[TRUST_PINS][%d] = {\n",
           certificates->count, SHA256_LEN);
    for (size_t i = 0; i < certificates->count; i++) {
        unsigned char pin[SHA256_LEN];

        sha256(pin, certificates->list[i]->key);
        write_about(certificates->list[i], i, sizeof pin);
        printf("    {\n");
        write_octets(pin, sizeof pin, "        ");
        printf("    },\n");
    }
    printf("};\n\n#endif\n");
    return EX_OK;
}

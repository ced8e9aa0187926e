/* SPDX-License-Identifier: MIT
 *
 * One certificate: what BearSSL makes of it, and what a person wants to know of it.
 */
#ifndef MAILMOTE_HOST_TRUST_CERTIFICATE_H
#define MAILMOTE_HOST_TRUST_CERTIFICATE_H

#include "../../port/posix/der.h"

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>

struct certificate {
    struct mote_der all, subject, issuer, key; /* with their tags and lengths */
    char from[24], until[24];                  /* "2031-01-31 23:59:59", UTC; they compare as text */
    const br_x509_pkey *pkey;                  /* NULL where mailmote cannot compute with a key of its kind */
    bool ca;
    br_x509_decoder_context decoder; /* the key is in here: a certificate does not move */
};

enum { TEXT_LEN = 400, PIN_LEN = 52, SHA256_LEN = 32 };

/* Reads one; the octets are not copied. NULL, or what is wrong with it. */
const char *certificate_read(struct certificate *certificate, const unsigned char *octets, size_t len);

/* "C=US, O=Example, CN=Example Root", as printable() makes it. */
void name_text(char text[TEXT_LEN], struct mote_der name);

/* "RSA 2048", "P-256" */
void key_text(char text[TEXT_LEN], const br_x509_pkey *key);

/* "ECDSA with SHA-256"; how its issuer signed it. */
void signature_text(char text[TEXT_LEN], const struct certificate *certificate);

void sha256(unsigned char digest[SHA256_LEN], struct mote_der octets);

/* "sha256:" and base64, as --pin takes it. */
void pin_text(char text[PIN_LEN], const unsigned char pin[SHA256_LEN]);

#endif

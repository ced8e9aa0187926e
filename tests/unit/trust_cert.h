/* SPDX-License-Identifier: MIT
 *
 * Certificates made to measure, good and bad, from stored keys: an X.509 writer for tests.
 */
#ifndef TRUST_CERT_H
#define TRUST_CERT_H

#include <bearssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trust_key { RSA_1024, RSA_2048, RSA_3072, RSA_4096, P_256, P_384, P_256_CA, P_521, TRUST_KEYS };

struct trust_octets {
    const void *data;
    size_t len;
};

struct trust_spec {
    const char *cn;                     /* subject: one common name */
    const char *names[3];               /* subjectAltName: DNS names; none: no such extension */
    const char *issuer;                 /* its common name; NULL: the subject itself */
    const char *from, *till;            /* UTCTime, or else GeneralizedTime; NULL: 2020, 2049 */
    uint8_t key, signer;                /* enum trust_key */
    uint8_t cn_tag;                     /* 0: UTF8String */
    bool ca;                            /* may sign others */
    bool critical;                      /* holds a critical extension nobody knows */
    bool sha512;                        /* signed over SHA-512 by an EC key */
    struct trust_octets usage;          /* the value of extendedKeyUsage; none: no such extension */
    struct trust_octets usage_critical; /* its BOOLEAN, with tag and length; none: not critical */
    struct trust_octets extra;          /* the value of an extension nobody knows, the last one */
    struct trust_octets public_key;     /* a SubjectPublicKeyInfo in place of key's */
};

/* Its DER. */
struct trust_cert {
    uint8_t der[6000];
    size_t len;
};

void trust_cert_make(struct trust_cert *cert, const struct trust_spec *spec);

/* An anchor lives in one place: it points into itself. */
struct trust_anchor {
    br_x509_trust_anchor anchor;
    br_x509_decoder_context x509;
    uint8_t dn[200];
};

void trust_anchor_set(struct trust_anchor *anchor, const struct trust_cert *cert);

const char *trust_key_name(enum trust_key key);
bool trust_key_is_rsa(enum trust_key key);
const br_rsa_private_key *trust_key_rsa(enum trust_key key);
const br_ec_private_key *trust_key_ec(enum trust_key key);

/* An RSA key as a SubjectPublicKeyInfo; both integers are positive, and have the leading zeros they are given. Returns its
 * length. */
size_t trust_public_rsa(uint8_t to[1200], const br_rsa_public_key *key);

/* SHA-256 of the public key's DER: as openssl said when the keys were made, and computed here from that DER. */
void trust_key_pin(enum trust_key key, uint8_t stored[32], uint8_t computed[32]);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Certificates for the harnesses that feed them to the core: a few good and bad ones made from stored keys, damage that
 * keeps to the structure of DER, and a judge who knows nothing of BearSSL's decoders.
 *
 * A chain in an input is certificates one after the other, each behind two octets of length.
 */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include "fuzz.h"
#include "trust_cert.h"

#define RELAY_NAME "mail.example.test"
enum { CERTIFICATES = 14, CHAIN_MAX = 3, CERTIFICATES_NOW = 1767225600 /* 2026-01-01 00:00:00 UTC */ };

/* The stored ones. The first three are good: for RELAY_NAME, signed by the authority; their keys are P-256, RSA-2048
 * and P-384. */
const struct trust_cert *certificate(unsigned n);
enum trust_key certificate_key(unsigned n);
const br_x509_pkey *certificate_public(unsigned n);
const br_x509_trust_anchor *certificate_authority(void);

struct chain {
    uint8_t octets[1 << 16];
    struct {
        const uint8_t *der;
        size_t len;
    } certificates[CHAIN_MAX];
    unsigned count;
};

/* Takes all that is left of the input. If resign, the first certificate gets a signature by the authority, if it can be
 * taken apart at all. */
void chain_take(struct chain *chain, struct input *in, bool resign);

/* Is the relay's name in the first certificate, and is one of them signed by the authority? No more can be said without
 * a parser, and no less may be true of a chain that was accepted. */
bool chain_vouched(const struct chain *chain);

/* ---- der.c ------------------------------------------------------------------------------------------------------- */

struct element {
    size_t at, head, len; /* where it is, octets of tag and length, octets of contents */
    int parent;           /* the element around it, or -1 */
};

/* The elements of some DER, those in constructed elements and in strings included; those around others come first. */
unsigned der_elements(struct element *elements, unsigned max, const uint8_t *der, size_t len);

/* Damages a chain as it is in an input; returns its new size, at most max. */
size_t chain_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);

/* libFuzzer's own, for a harness with a mutator. replay.c has one that does nothing. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What the kinds of trust share.
 */
#ifndef MOTE_TRUST_H
#define MOTE_TRUST_H

#include "mailmote_session.h"

/* With MOTE_P256_ALONE BearSSL may be built for no curve longer than P-256: see boards/bare-metal/p256.h. */
#ifdef MOTE_P256_ALONE
#define NIST_CURVES ((uint32_t)1 << BR_EC_secp256r1)
#else
#define NIST_CURVES ((uint32_t)1 << BR_EC_secp256r1 | (uint32_t)1 << BR_EC_secp384r1)
#endif

static inline struct mote_x509 *x509_of(const br_x509_class **ctx)
{
    return (struct mote_x509 *)(void *)ctx;
}

/* Sets a trust: nothing but these three, and BearSSL's RSA for exponents that are short. */
void mote_trust_set(struct mote_trust *trust, void (*setup_tls)(struct mote_session *), const char *name,
                    const br_ec_impl *ec);

/* A TLS 1.2 client with what no kind of trust does without: ChaCha20-Poly1305, SHA-256, and of the trust's curves P-256
 * and P-384. */
void mote_trust_setup_tls_small(struct mote_session *s, const br_x509_class *vtable);

/* The same with AES-GCM, SHA-384, and all curves of the trust. */
void mote_trust_setup_tls(struct mote_session *s, const br_x509_class *vtable);

/* The check of chain.c, for the one of pinned.c: its functions; a client for them, or for others with the same context; and what
 * is wrong with the relay's own certificate where BearSSL has no objections, as an error of BearSSL's, or 0. */
extern const br_x509_class mote_chain_vtable;
void mote_chain_setup(struct mote_session *s, const br_x509_class *vtable);
unsigned mote_chain_error(const struct mote_x509 *x);

/* What is wrong with a relay's key, as an error of BearSSL's, or 0: P-521 and long exponents are not computed with. */
unsigned mote_trust_key_error(const br_x509_pkey *key);

#endif

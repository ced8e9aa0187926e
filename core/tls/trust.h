/* SPDX-License-Identifier: MIT
 *
 * What the kinds of trust share.
 */
#ifndef MOTE_TRUST_H
#define MOTE_TRUST_H

#include "mailmote_session.h"

static inline struct mote_x509 *x509_of(const br_x509_class **ctx)
{
    return (struct mote_x509 *)(void *)ctx;
}

/* Sets a trust: nothing but these two. */
void mote_trust_set(struct mote_trust *trust, void (*wire)(struct mote_session *), const char *name);

/* A TLS 1.2 client with what no kind of trust does without: ChaCha20-Poly1305, SHA-256, RSA signatures. No curves yet. */
void mote_trust_setup_tls_small(struct mote_session *s, const br_x509_class *vtable);

/* The same with AES-GCM, SHA-384, and all curves. */
void mote_trust_setup_tls(struct mote_session *s, const br_x509_class *vtable);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Certificates that are none any more, of every kind: what anybody on the path can send in a relay's name, or a damaged CA
 * file holds.
 */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "trust_cert.h"

struct damaged {
    const char *what;
    size_t at; /* which one of this kind: an offset, a length */
    const uint8_t *der;
    size_t len;
    bool keyless;   /* no key may be taken from it */
    bool hopeless;  /* nor may the key that is taken be used, whoever is trusted */
    bool one_octet; /* one of very many */
};

/* Calls use with each. They are made from a certificate of the "Test CA" for the name, with a key on P-256 or of RSA-2048. */
void damage_each(const char *name, void (*use)(const struct damaged *damaged));

#endif

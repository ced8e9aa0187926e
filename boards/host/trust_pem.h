/* SPDX-License-Identifier: MIT
 *
 * The certificates of PEM files.
 */
#ifndef MAILMOTE_HOST_TRUST_PEM_H
#define MAILMOTE_HOST_TRUST_PEM_H

#include "trust_certificate.h"

struct certificates {
    struct certificate **list;
    size_t count;
};

/* Adds those of a file, each once. Anything else in it is passed over; a certificate that is damaged is an error, with its line. */
int certificates_read(struct certificates *certificates, const char *file);

/* Adds a copy of one. NULL, or what is wrong with it. */
const char *certificates_add(struct certificates *certificates, const unsigned char *octets, size_t len);

void certificates_free(struct certificates *certificates);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Elements of DER (X.690), as certificates are made of.
 */
#ifndef MOTE_PORT_DER_H
#define MOTE_PORT_DER_H

#include <stdbool.h>
#include <stddef.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER,
    DER_BIT_STRING,
    DER_OCTET_STRING,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME,
    DER_SEQUENCE = 0x30,
    DER_SET
};

/* Elements, one behind the other. */
struct mote_der {
    const unsigned char *at;
    size_t len;
};

/* Takes the first element off; inside is what it holds. False: it has another tag, or does not fit; then nothing is taken. */
bool mote_der_take(struct mote_der *in, unsigned tag, struct mote_der *inside);

#endif

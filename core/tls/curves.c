/* SPDX-License-Identifier: MIT
 *
 * The curves relays and CAs use, in BearSSL's code for this CPU: X25519, P-256 and P-384. P-521 is not among them: no CA has it,
 * and it keeps a small CPU busy for seconds. -DMOTE_X25519=0 does without X25519, which no relay has alone.
 */
#include "trust.h"

#ifndef MOTE_X25519
#define MOTE_X25519 1
#endif

static const unsigned char *generator(int curve, size_t *len)
{
    return br_ec_get_default()->generator(curve, len);
}

static const unsigned char *order(int curve, size_t *len)
{
    return br_ec_get_default()->order(curve, len);
}

static size_t xoff(int curve, size_t *len)
{
    return br_ec_get_default()->xoff(curve, len);
}

/* A point of low order makes X25519's secret zeros, known to anybody: that is refused here (RFC 8422, 5.11). */
static uint32_t mul(unsigned char *point, size_t len, const unsigned char *x, size_t xlen, int curve)
{
    uint32_t good = br_ec_get_default()->mul(point, len, x, xlen, curve);
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++) {
        any |= point[i];
    }
    return any != 0 ? good : 0;
}

static size_t mulgen(unsigned char *to, const unsigned char *x, size_t xlen, int curve)
{
    return br_ec_get_default()->mulgen(to, x, xlen, curve);
}

static uint32_t muladd(unsigned char *a, const unsigned char *b, size_t len, const unsigned char *x, size_t xlen,
                       const unsigned char *y, size_t ylen, int curve)
{
    return br_ec_get_default()->muladd(a, b, len, x, xlen, y, ylen, curve);
}

const br_ec_impl mote_curves = {
    NIST_CURVES | (uint32_t)MOTE_X25519 << BR_EC_curve25519, generator, order, xoff, mul, mulgen, muladd,
};

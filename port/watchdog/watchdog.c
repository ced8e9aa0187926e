/* SPDX-License-Identifier: MIT
 *
 * mote_watchdog(): before each computation with a public key the application's watchdog is fed. It is not in the core, for it
 * needs variables: BearSSL hands such code its operands and nothing else.
 */
#include "mailmote_session.h"

/* What is fed, and the code that computes. */
static struct {
    void (*feed)(void);
    const br_ec_impl *ec;
    br_rsa_pkcs1_vrfy rsa_verify;
    br_rsa_public rsa_encrypt;
} real;

static br_ec_impl fed_ec;

static uint32_t fed_mul(unsigned char *point, size_t len, const unsigned char *x, size_t xlen, int curve)
{
    real.feed();
    return real.ec->mul(point, len, x, xlen, curve);
}

static size_t fed_mulgen(unsigned char *to, const unsigned char *x, size_t xlen, int curve)
{
    real.feed();
    return real.ec->mulgen(to, x, xlen, curve);
}

static uint32_t fed_muladd(unsigned char *a, const unsigned char *b, size_t len, const unsigned char *x, size_t xlen,
                           const unsigned char *y, size_t ylen, int curve)
{
    real.feed();
    return real.ec->muladd(a, b, len, x, xlen, y, ylen, curve);
}

static uint32_t fed_rsa_verify(const unsigned char *x, size_t xlen, const unsigned char *oid, size_t hash_len,
                               const br_rsa_public_key *key, unsigned char *hash)
{
    real.feed();
    return real.rsa_verify(x, xlen, oid, hash_len, key, hash);
}

static uint32_t fed_rsa_encrypt(unsigned char *x, size_t xlen, const br_rsa_public_key *key)
{
    real.feed();
    return real.rsa_encrypt(x, xlen, key);
}

bool mote_watchdog(struct mote_trust *trust, void (*feed)(void))
{
    bool first = real.feed == NULL, same = trust->ec == real.ec && trust->rsa_verify == real.rsa_verify;

    if (feed == NULL || trust->ec == NULL || (!first && !same)) {
        return false;
    }
    real.feed = feed;
    real.ec = trust->ec;
    real.rsa_verify = trust->rsa_verify;
    fed_ec = *trust->ec;
    fed_ec.mul = fed_mul;
    fed_ec.mulgen = fed_mulgen;
    fed_ec.muladd = fed_muladd;
    trust->ec = &fed_ec;
    trust->rsa_verify = fed_rsa_verify;
    if (trust->rsa_encrypt != NULL) {
        real.rsa_encrypt = trust->rsa_encrypt;
        trust->rsa_encrypt = fed_rsa_encrypt;
    }
    return true;
}

/* SPDX-License-Identifier: MIT
 *
 * BearSSL's curves for a static program: one implementation of P-256 and P-384, in place of a fast one of each. It knows no
 * X25519 (MOTE_X25519).
 */
#include <bearssl.h>

const br_ec_impl *br_ec_get_default(void)
{
    return &br_ec_prime_i31;
}

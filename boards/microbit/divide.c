/* SPDX-License-Identifier: MIT
 *
 * Division, which this processor has not: a bit of the quotient at a time. The compiler's own is four times as quick and takes 700
 * octets. BearSSL divides nothing that is secret by it.
 */
#include <stdint.h>

uint64_t __aeabi_uidivmod(uint32_t number, uint32_t by);
uint32_t __aeabi_uidiv(uint32_t number, uint32_t by);
uint64_t __aeabi_idivmod(int32_t number, int32_t by);
int32_t __aeabi_idiv(int32_t number, int32_t by);

/* The rest in the upper half, the quotient in the lower one: the registers the compiler looks in. */
static uint64_t both(uint32_t rest, uint32_t quotient)
{
    return (uint64_t)rest << 32 | quotient;
}

uint64_t __aeabi_uidivmod(uint32_t number, uint32_t by)
{
    uint32_t rest = 0;

    for (int bit = 0; bit < 32; bit++) {
        rest = rest << 1 | number >> 31;
        number <<= 1;
        if (rest >= by) {
            rest -= by;
            number |= 1;
        }
    }
    return both(rest, number);
}

uint32_t __aeabi_uidiv(uint32_t number, uint32_t by)
{
    return (uint32_t)__aeabi_uidivmod(number, by);
}

int32_t __aeabi_idiv(int32_t number, int32_t by)
{
    uint32_t n = (uint32_t)number, d = (uint32_t)by;
    uint32_t quotient = __aeabi_uidiv(number < 0 ? 0 - n : n, by < 0 ? 0 - d : d);

    return (int32_t)((number ^ by) < 0 ? 0 - quotient : quotient);
}

uint64_t __aeabi_idivmod(int32_t number, int32_t by)
{
    uint32_t quotient = (uint32_t)__aeabi_idiv(number, by);

    return both((uint32_t)number - quotient * (uint32_t)by, quotient);
}

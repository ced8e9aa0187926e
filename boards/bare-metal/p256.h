/* SPDX-License-Identifier: MIT
 *
 * In front of each of BearSSL's sources where P-256 is the longest curve (`p256_alone` of a board.mk): its arrays on the stack are
 * half as long. A longer curve would overrun them, so the core is built with MOTE_P256_ALONE, which uses none.
 */
#include "inner.h"

#undef BR_MAX_EC_SIZE
#define BR_MAX_EC_SIZE 256

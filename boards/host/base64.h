/* SPDX-License-Identifier: MIT
 *
 * base64 (RFC 4648 4), without the padding.
 */
#ifndef MAILMOTE_HOST_BASE64_H
#define MAILMOTE_HOST_BASE64_H

#include <stddef.h>

/* Writes four digits for three octets, two or three for what is left. Returns how many; no NUL is behind them. */
size_t base64_write(char *to, const void *octets, size_t len);

/* What a digit stands for, or -1: it is none. */
int base64_value(char digit);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Text as it comes.
 */
#ifndef MAILMOTE_HOST_UTF8_H
#define MAILMOTE_HOST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character there, in its shortest form, and its octets; 0 octets when there is none. left is 1 or more. */
size_t utf8_read(const char *text, size_t left, uint32_t *character);

/* All of it is such characters. */
bool utf8_valid(const char *text, size_t len);

/* An octet of it is beyond ASCII. */
bool has_8bit(const char *text, size_t len);

#endif

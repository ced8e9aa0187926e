/* SPDX-License-Identifier: MIT
 *
 * CA files, and what must be true of the anchors read from them.
 */
#ifndef CA_FILES_H
#define CA_FILES_H

#include "certificates.h"

/* How PEM is written: bits of flags, next to the harness's own. */
enum { LONG_LINES = 4, CR_LF = 8, BEHIND = 16 };

/* The file: any text, or a chain as PEM; and a copy of it. */
void ca_text(const char *text, size_t len);
void ca_pem(const struct chain *chain, unsigned flags);
size_t ca_copy(uint8_t *to, size_t cap);

/* Reads it with this much memory. */
void ca_check_posix(size_t memory_len);

/* Does part lie in whole? */
bool inside(const void *part, size_t len, const void *whole, size_t whole_len);

#endif

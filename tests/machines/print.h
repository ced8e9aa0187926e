/* SPDX-License-Identifier: MIT
 *
 * What is printed: lines of printable characters, none much longer than 100. put_octets breaks them; put_line_end ends one
 * that has begun.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stddef.h>
#include <stdint.h>

struct mote_result;

void put_start(void);
void put_end(void);
void put_line_end(void);
void put_text(const char *text);
void put_number(const char *name, uint32_t value);
void put_octets(const char *name, const void *octets, size_t len);
void put_result(const char *name, const struct mote_result *result);

/* The next of a row of numbers that is the same each time, and below a bound. */
uint32_t draw(void);
unsigned pick(unsigned below);

#endif

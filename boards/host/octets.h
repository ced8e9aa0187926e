/* SPDX-License-Identifier: MIT
 *
 * Octets of a file of the spool.
 */
#ifndef MAILMOTE_HOST_OCTETS_H
#define MAILMOTE_HOST_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Little-endian, in len octets. */
void put_number(uint8_t *at, uint64_t value, int len);
uint64_t get_number(const uint8_t *at, int len);

/* crc is that of the octets before, at first 0. */
uint32_t crc32(uint32_t crc, const void *octets, size_t len);

/* False with errno. */
bool write_at(int fd, const void *octets, size_t len, uint64_t at);

/* Returns 0, an errno, or EBADMSG where the file is too short. */
int read_at(int fd, void *octets, size_t len, uint64_t at);

#endif

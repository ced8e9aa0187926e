/* SPDX-License-Identifier: MIT
 *
 * Octets in fixed places, for what is stored: shared by record.c and outbox.c.
 */
#ifndef MOTE_RECORD_H
#define MOTE_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of IEEE 802.3; crc is that of the octets before, 0 at the start. */
uint32_t mote_crc32(uint32_t crc, const uint8_t *octets, size_t len);

/* len octets of value, lowest first; mote_put returns the place behind them. */
uint8_t *mote_put(uint8_t *p, uint32_t value, int len);
uint32_t mote_get(const uint8_t *p, int len);

#endif

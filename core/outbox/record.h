/* SPDX-License-Identifier: MIT
 *
 * What the files of core/outbox share of a record: a constant, and octets in fixed places. Not for users.
 */
#ifndef MOTE_RECORD_H
#define MOTE_RECORD_H

#include "mailmote_policy.h"

/* POLICY.md section 4 (P12): until what is tried again soon is due. */
#ifndef MOTE_OURS_S
#define MOTE_OURS_S 10
#endif

/* CRC-32 of IEEE 802.3; crc is that of the octets before, 0 at the start. */
uint32_t mote_crc32(uint32_t crc, const uint8_t *octets, size_t len);

/* 2 or 4 octets of a value, lowest first. */
static inline void mote_put16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void mote_put32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
}

static inline uint16_t mote_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)p[1] << 8);
}

static inline uint32_t mote_get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * The record of a mail as octets: fixed places, little-endian, a version in front and a CRC-32 behind, so that a torn
 * or foreign record is told from a good one. It believes nothing else.
 */
#include "mailmote_policy.h"
#include "record.h"

#include <string.h>

enum { VERSION = 0x4d01 /* "M", 1 */, TLS_FAILED = 1, SENT = 2 };

/* CRC-32 as in IEEE 802.3, bit by bit: small, and records are short. */
uint32_t mote_crc32(uint32_t crc, const uint8_t *octets, size_t len)
{
    crc = ~crc;
    while (len-- != 0) {
        crc ^= *octets++;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

uint8_t *mote_put(uint8_t *p, uint32_t value, int len)
{
    for (; len != 0; len--, value >>= 8) {
        *p++ = (uint8_t)value;
    }
    return p;
}

uint32_t mote_get(const uint8_t *p, int len)
{
    uint32_t value = 0;

    while (len-- != 0) {
        value = value << 8 | p[len];
    }
    return value;
}

void mote_record_write(const struct mote_record *record, uint8_t octets[MOTE_RECORD_LEN])
{
    uint8_t *p = mote_put(octets, VERSION, 2);

    memcpy(p, record->id, sizeof record->id);
    p = mote_put(p + sizeof record->id, record->age_s, 4);
    p = mote_put(p, record->tls_since_s, 4);
    p = mote_put(p, record->wait_s, 4);
    p = mote_put(p, record->attempts, 2);
    p = mote_put(p, record->code, 2);
    p = mote_put(p, record->cause, 1);
    p = mote_put(p, (record->tls_failed ? TLS_FAILED : 0) | (record->sent ? SENT : 0), 1);
    p = mote_put(p, record->rcpt_count, 4);
    p = mote_put(p, record->rcpts_delivered, 4);
    p = mote_put(p, record->rcpts_failed, 4);
    mote_put(p, mote_crc32(0, octets, MOTE_RECORD_LEN - 4), 4);
}

bool mote_record_read(struct mote_record *record, const uint8_t octets[MOTE_RECORD_LEN])
{
    uint32_t flags = mote_get(octets + 27, 1), count = mote_get(octets + 28, 4);

    if (mote_get(octets, 2) != VERSION || mote_get(octets + 40, 4) != mote_crc32(0, octets, MOTE_RECORD_LEN - 4) ||
        flags > (TLS_FAILED | SENT) || count > MOTE_RECORD_RCPTS) {
        return false;
    }
    memcpy(record->id, octets + 2, sizeof record->id);
    record->age_s = mote_get(octets + 10, 4);
    record->tls_since_s = mote_get(octets + 14, 4);
    record->wait_s = mote_get(octets + 18, 4);
    record->attempts = (uint16_t)mote_get(octets + 22, 2);
    record->code = (uint16_t)mote_get(octets + 24, 2);
    record->cause = octets[26];
    record->tls_failed = (flags & TLS_FAILED) != 0;
    record->sent = (flags & SENT) != 0;
    record->rcpt_count = (uint8_t)count;
    record->rcpts_delivered = mote_get(octets + 32, 4);
    record->rcpts_failed = mote_get(octets + 36, 4);
    return true;
}

static uint32_t add(uint32_t a, uint32_t b)
{
    return a + b < a ? UINT32_MAX : a + b;
}

void mote_record_age(struct mote_record *record, uint32_t passed_s)
{
    record->age_s = add(record->age_s, passed_s);
    if (record->tls_failed) {
        record->tls_since_s = add(record->tls_since_s, passed_s);
    }
    record->wait_s = record->wait_s > passed_s ? record->wait_s - passed_s : 0;
}

/* SPDX-License-Identifier: MIT
 *
 * The record of a mail as octets: fixed places, little-endian, a version in front and a CRC-32 behind, so that a torn
 * or foreign record is told from a good one. It believes nothing else.
 */
#include "mailmote_policy.h"
#include "record.h"

#include <string.h>

enum { VERSION = 0x4d01 /* "M", 1 */ };

/* Octets in front of each field. */
enum {
    ID_AT = 2,
    AGE_AT = 10,
    TLS_SINCE_AT = 14,
    WAIT_AT = 18,
    ATTEMPTS_AT = 22,
    CODE_AT = 24,
    CAUSE_AT = 26,
    FLAGS_AT = 27,
    COUNT_AT = 28,
    SLOT_AT = 29,
    NUMBER_AT = 30,
    DELIVERED_AT = 32,
    FAILED_AT = 36,
    CRC_AT = 40
};

/* Bits of the flags; the topmost two are record.ours. Above the last reply's code stands record.first. */
enum { TLS_FAILED = 1, SENT = 2, PLAIN = 4, VERIFIED_ONLY = 8, BEGUN = 16, LEFT_ALONE = 32, OURS_SHIFT = 6 };
enum { CODE = 0x3ff, FIRST_SHIFT = 13 };

/* CRC-32 as in IEEE 802.3, four bits at a time: small, and not slow. */
uint32_t mote_crc32(uint32_t crc, const uint8_t *octets, size_t len)
{
    static const uint32_t of_four_bits[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    crc = ~crc;
    while (len-- != 0) {
        crc ^= *octets++;
        crc = crc >> 4 ^ of_four_bits[crc & 15];
        crc = crc >> 4 ^ of_four_bits[crc & 15];
    }
    return ~crc;
}

static uint8_t flags(const struct mote_record *record)
{
    return (uint8_t)((record->tls_failed ? TLS_FAILED : 0) | (record->sent ? SENT : 0) | (record->plain ? PLAIN : 0) |
                     (record->verified_only ? VERIFIED_ONLY : 0) | (record->begun ? BEGUN : 0) |
                     (record->left_alone ? LEFT_ALONE : 0) | record->ours << OURS_SHIFT);
}

void mote_record_write(const struct mote_record *record, uint8_t octets[MOTE_RECORD_LEN])
{
    mote_put16(octets, VERSION);
    memcpy(octets + ID_AT, record->id, sizeof record->id);
    mote_put32(octets + AGE_AT, record->age_s);
    mote_put32(octets + TLS_SINCE_AT, record->tls_since_s);
    mote_put32(octets + WAIT_AT, record->wait_s);
    mote_put16(octets + ATTEMPTS_AT, record->attempts);
    mote_put16(octets + CODE_AT, (uint16_t)((record->code & CODE) | (unsigned)record->first << FIRST_SHIFT));
    octets[CAUSE_AT] = record->cause;
    octets[FLAGS_AT] = flags(record);
    octets[COUNT_AT] = record->rcpt_count;
    octets[SLOT_AT] = record->slot;
    mote_put16(octets + NUMBER_AT, record->number);
    mote_put32(octets + DELIVERED_AT, record->rcpts_delivered);
    mote_put32(octets + FAILED_AT, record->rcpts_failed);
    mote_put32(octets + CRC_AT, mote_crc32(0, octets, CRC_AT));
}

bool mote_record_read(struct mote_record *record, const uint8_t octets[MOTE_RECORD_LEN])
{
    uint8_t bits = octets[FLAGS_AT];

    if (mote_get16(octets) != VERSION || mote_get32(octets + CRC_AT) != mote_crc32(0, octets, CRC_AT) ||
        octets[COUNT_AT] > MOTE_RECORD_RCPTS) {
        return false;
    }
    memcpy(record->id, octets + ID_AT, sizeof record->id);
    record->age_s = mote_get32(octets + AGE_AT);
    record->tls_since_s = mote_get32(octets + TLS_SINCE_AT);
    record->wait_s = mote_get32(octets + WAIT_AT);
    record->attempts = mote_get16(octets + ATTEMPTS_AT);
    record->code = mote_get16(octets + CODE_AT);
    record->first = (uint8_t)(record->code >> FIRST_SHIFT);
    record->code &= CODE;
    record->cause = octets[CAUSE_AT];
    record->tls_failed = (bits & TLS_FAILED) != 0;
    record->sent = (bits & SENT) != 0;
    record->plain = (bits & PLAIN) != 0;
    record->verified_only = (bits & VERIFIED_ONLY) != 0;
    record->begun = (bits & BEGUN) != 0;
    record->left_alone = (bits & LEFT_ALONE) != 0;
    record->ours = bits >> OURS_SHIFT;
    record->rcpt_count = octets[COUNT_AT];
    record->slot = octets[SLOT_AT];
    record->number = mote_get16(octets + NUMBER_AT);
    record->rcpts_delivered = mote_get32(octets + DELIVERED_AT);
    record->rcpts_failed = mote_get32(octets + FAILED_AT);
    return true;
}

/* ---- What becomes of it ------------------------------------------------------------------------------------------ */

void mote_record_begin(struct mote_record *record)
{
    record->attempts = (uint16_t)(record->attempts + (record->attempts != UINT16_MAX));
    record->begun = true;
}

bool mote_record_resume(struct mote_record *record, uint32_t random)
{
    if (!record->begun && !record->sent) {
        return false;
    }
    if (!record->begun) { /* stored by a release that counted attempts at their end */
        mote_record_begin(record);
    }
    record->begun = record->sent = false;
    record->cause = MOTE_CAUSE_LOST;
    record->code = 0;
    record->ours = 0;
    record->wait_s = mote_policy_wait_s(record, false, false, random);
    return true;
}

bool mote_record_before(const struct mote_record *record, const struct mote_record *other)
{
    if (record->attempts != other->attempts) {
        return record->attempts < other->attempts;
    }
    if (record->age_s != other->age_s) {
        return record->age_s > other->age_s;
    }
    return (uint16_t)(other->number - record->number - 1) < INT16_MAX; /* numbers go round */
}

bool mote_record_release(struct mote_record *record, unsigned i)
{
    uint32_t wait_s = 2u * i + 1;

    if (record->left_alone && record->wait_s > wait_s) {
        record->wait_s = wait_s;
    }
    return record->left_alone;
}

void mote_record_pause(struct mote_record *record)
{
    if (record->wait_s < MOTE_OURS_S) {
        record->wait_s = MOTE_OURS_S;
    }
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

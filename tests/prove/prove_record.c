/* SPDX-License-Identifier: MIT
 *
 * The record: what is written is what is read, and what becomes of it as time and attempts pass (P9, P10, P11, P17, P18).
 */
#include "prove.h"

#include "record.c"
#include "outcome.c"
#include "policy.c"

static bool equal(const struct mote_record *a, const struct mote_record *b)
{
    return memcmp(a->id, b->id, sizeof a->id) == 0 && a->cause == b->cause && a->tls_failed == b->tls_failed &&
           a->begun == b->begun && a->sent == b->sent && a->plain == b->plain && a->verified_only == b->verified_only &&
           a->left_alone == b->left_alone && a->first == b->first && a->ours == b->ours &&
           a->rcpt_count == b->rcpt_count && a->slot == b->slot && a->number == b->number &&
           a->attempts == b->attempts && a->code == b->code && a->age_s == b->age_s &&
           a->tls_since_s == b->tls_since_s && a->wait_s == b->wait_s && a->rcpts_delivered == b->rcpts_delivered &&
           a->rcpts_failed == b->rcpts_failed;
}

/* In place of CRC-32 where that would only cost time: some function of the octets, of which nothing is known but that it is one. */
uint32_t checksum(uint32_t crc, const uint8_t *octets, size_t len)
{
    static uint8_t known[CRC_AT];
    static bool any;
    static uint32_t sum;

    prove(crc == 0 && len == sizeof known);
    if (!any || memcmp(known, octets, sizeof known) != 0) {
        sum = nondet_u32();
        memcpy(known, octets, sizeof known);
        any = true;
    }
    return sum;
}

/* What is written is what is read, for each record there can be.
 *
 * bounds: none; the checksum is any function of the octets
 * unwind: 45
 * replace: mote_crc32:checksum
 * plant: core/outbox/record.c: s/record->plain = (bits & PLAIN)/record->plain = (bits \& SENT)/
 * plant: core/outbox/record.c: s/CODE = 0x3ff/CODE = 0x1ff/
 * plant: core/outbox/record.c: s/mote_get32(octets + WAIT_AT)/mote_get16(octets + WAIT_AT)/
 */
void prove_record_kept(void)
{
    struct mote_record record = any_record(), again;
    uint8_t octets[MOTE_RECORD_LEN];

    mote_record_write(&record, octets);
    prove(mote_record_read(&again, octets));
    prove(equal(&record, &again));
}

/* Of any octets: either they are refused, and the record is left alone; or they have the checksum, what is read is such as functions
 * of the library may be given, and written again it is the same octets.
 *
 * bounds: none; the checksum is any function of the octets
 * unwind: 45
 * replace: mote_crc32:checksum
 * plant: core/outbox/record.c: s/octets\[COUNT_AT\] > MOTE_RECORD_RCPTS/octets[COUNT_AT] > 64/
 * plant: core/outbox/record.c: s/mote_get32(octets + CRC_AT) != mote_crc32(0, octets, CRC_AT) ||//
 */
void prove_record_any_octets(void)
{
    struct mote_record before = any_record(), record = before;
    uint8_t octets[MOTE_RECORD_LEN], again[MOTE_RECORD_LEN];

    for (unsigned i = 0; i < sizeof octets; i++) {
        octets[i] = nondet_u8();
    }
    if (mote_record_read(&record, octets)) {
        prove(record.rcpt_count <= MOTE_RECORD_RCPTS && record.first < MOTE_RELAYS_MAX && record.ours <= 3 &&
              record.code <= CODE);
        prove(mote_get32(octets + CRC_AT) == checksum(0, octets, CRC_AT));
        mote_record_write(&record, again);
        octets[CODE_AT + 1] &= 0xe3; /* bits that nothing is stored in */
        assume(checksum(0, octets, CRC_AT) == mote_get32(octets + CRC_AT));
        prove(memcmp(octets, again, CRC_AT) == 0);
    } else {
        prove(equal(&record, &before));
    }
}

/* The checksum is CRC-32 as IEEE 802.3 has it, octet by octet from any sum so far; so a record in which one octet is another one, or in
 * which up to four in a row are, is not read: sums that differ stay different, and octets that differ make them so.
 *
 * bounds: one octet; behind several comes what comes behind them one by one
 * unwind: 9
 * plant: core/outbox/record.c: s/0x1db71064/0x1db71065/
 * plant: core/outbox/record.c: s/crc ^= \*octets++/crc ^= *octets++ \& 0x7f/
 */
void prove_record_checksum(void)
{
    uint32_t before = nondet_u32(), other = nondet_u32(), sum = ~before;
    uint8_t octets[2] = {nondet_u8(), nondet_u8()};

    sum ^= octets[0];
    for (unsigned i = 0; i < 8; i++) {
        sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
    }
    prove(mote_crc32(before, octets, 1) == ~sum);
    prove(mote_crc32(before, octets, 2) == mote_crc32(~sum, octets + 1, 1));
    prove(implies(before != other, mote_crc32(before, octets, 1) != mote_crc32(other, octets, 1)));
    prove(implies(octets[0] != octets[1], ~sum != mote_crc32(before, octets + 1, 1)));
}

/* Time passes: no age and no time since a failure of TLS goes back, a wait never grows, a mail waits exactly what it should, and nothing
 * else changes.
 *
 * bounds: none
 * unwind: 9
 * plant: core/outbox/record.c: s/a + b < a ? UINT32_MAX : a + b/a + b/
 * plant: core/outbox/record.c: s/record->wait_s > passed_s/record->wait_s >= passed_s \&\& record->wait_s != 9/
 */
void prove_P17_age(void)
{
    struct mote_record before = any_record(), record = before;
    uint32_t passed_s = nondet_u32();
    uint64_t age_s = (uint64_t)before.age_s + passed_s, since_s = (uint64_t)before.tls_since_s + passed_s;

    mote_record_age(&record, passed_s);
    prove(record.age_s == (age_s < UINT32_MAX ? age_s : UINT32_MAX));
    prove(record.tls_since_s == (!before.tls_failed     ? before.tls_since_s
                                 : since_s < UINT32_MAX ? since_s
                                                        : UINT32_MAX));
    prove(record.wait_s == (passed_s < before.wait_s ? before.wait_s - passed_s : 0));
    record.age_s = before.age_s;
    record.tls_since_s = before.tls_since_s;
    record.wait_s = before.wait_s;
    prove(equal(&record, &before));
}

/* P9, P17: an attempt that power ended has ended when the record is opened: it counts once, waits as P11 says, and touches no verdict;
 * the relay that comes first stays.
 *
 * bounds: none
 * unwind: 9
 * plant: core/outbox/record.c: s/record->begun = record->sent = false;/record->begun = false;/
 * plant: core/outbox/record.c: s/record->ours = 0;//
 */
void prove_P17_resume(void)
{
    struct mote_record before = any_record(), record = before;
    bool cut = before.begun || before.sent;

    prove(mote_record_resume(&record, nondet_u32()) == cut);
    if (!cut) {
        prove(equal(&record, &before));
        return;
    }
    prove(!record.begun && !record.sent && record.cause == MOTE_CAUSE_LOST && record.code == 0);
    prove(record.attempts == before.attempts + (!before.begun && before.attempts != UINT16_MAX));
    prove(record.wait_s >= 300 && record.wait_s <= 4000);
    prove(record.rcpts_delivered == before.rcpts_delivered && record.rcpts_failed == before.rcpts_failed);
    prove(record.first == before.first && record.tls_failed == before.tls_failed && record.plain == before.plain &&
          record.verified_only == before.verified_only && record.age_s == before.age_s);
}

/* P18: of two mails exactly one goes first, and the order has no circle; numbers go round, so they are half of them apart at most.
 *
 * bounds: none
 * unwind: 9
 * plant: core/outbox/record.c: s/record->age_s > other->age_s/record->age_s < other->age_s/
 * plant: core/outbox/record.c: s/other->number - record->number - 1/other->number - record->number/
 * plant: core/outbox/record.c: s/record->attempts < other->attempts/record->attempts > other->attempts/
 */
void prove_P18_order(void)
{
    struct mote_record a = any_record(), b = any_record(), c = any_record();
    uint16_t ab = (uint16_t)(b.number - a.number), bc = (uint16_t)(c.number - b.number);

    prove(!mote_record_before(&a, &a));
    prove(implies(a.attempts < b.attempts, mote_record_before(&a, &b)));
    prove(implies(a.attempts == b.attempts && a.age_s > b.age_s, mote_record_before(&a, &b)));
    assume(ab != 0 && ab < INT16_MAX && bc != 0 && bc < INT16_MAX && ab + bc < INT16_MAX);
    prove(mote_record_before(&a, &b) != mote_record_before(&b, &a));
    prove(implies(mote_record_before(&a, &b) && mote_record_before(&b, &c), mote_record_before(&a, &c)));
}

/* P11: an expired mail has failed for exactly those whom it has not reached; what has a verdict for all is due at once, and nothing else
 * changes.
 *
 * bounds: none
 * unwind: 9
 * plant: core/outbox/outcome.c: s/record->rcpts_failed = all & ~record->rcpts_delivered/record->rcpts_failed = all/
 * plant: core/outbox/outcome.c: s/left << (MOTE_RECORD_RCPTS - record->rcpt_count) == 0/left == 0/
 */
void prove_P11_end(void)
{
    struct mote_record before = any_record(), record = before;
    uint32_t age_s = nondet_u32();
    uint32_t all = (uint32_t)(((uint64_t)1 << before.rcpt_count) - 1);
    bool expired = age_s >= 432000, settled;

    mote_record_end(&record, age_s);
    settled = ((record.rcpts_delivered | record.rcpts_failed) & all) == all;
    prove(record.rcpts_delivered == before.rcpts_delivered);
    prove(record.rcpts_failed == (expired ? all & ~before.rcpts_delivered : before.rcpts_failed));
    prove(implies(expired, settled));
    prove(mote_record_settled(&record) == settled);
    prove(record.wait_s == (settled ? 0 : before.wait_s));
}

/* What an attempt may leave: any outcome, any verdicts. */
static struct mote_delivery any_delivery(struct mote_mail *mail)
{
    struct mote_delivery d = {.mail = mail, .result = nondet_result(), .at = nondet_u8(), .back_s = nondet_u32()};

    d.suspect = any_bool();
    d.tls_failed = any_bool();
    d.arming = any_bool();
    d.left_alone = any_bool();
    d.plan.in_doubt = any_bool();
    d.slowest = nondet_u8();
    assume(d.at < MOTE_RELAYS_MAX && d.slowest < MOTE_RELAYS_MAX);
    return d;
}

/* P3, P4, P9, P10, P16, P17: an attempt is taken into the record. Final verdicts stay (I9) and are added to exactly by what the relays said;
 * the bits of TLS and of extensions are only ever set; a doubt leads to the relay behind it, as time that ran out does behind where it went, and our own trouble leaves that as it was; the attempt counts once, and one that
 * asked nobody does not.
 *
 * bounds: 3 recipients
 * unwind: 9
 * plant: core/outbox/outcome.c: s/record->rcpts_failed |= /record->rcpts_failed = /
 * plant: core/outbox/outcome.c: s/ \&\& !record->tls_failed//
 * plant: core/outbox/outcome.c: s/record->attempts--;//
 * plant: core/outbox/outcome.c: s/at + 1u/at/
 * plant: core/outbox/outcome.c: s/behind(d->slowest)/behind(d->at)/
 * plant: core/outbox/outcome.c: s/record->ours != 0 || //
 * plant: core/outbox/outcome.c: s/record->plain |= suspect/record->plain = suspect/
 */
void prove_P9_take(void)
{
    struct mote_rcpt rcpts[3];
    struct mote_mail mail = {.rcpts = rcpts, .rcpt_count = nondet_u8()};
    struct mote_record before = any_record(), record = before;
    struct mote_delivery d = any_delivery(&mail);
    bool asked = d.result.cause != MOTE_CAUSE_LEFT_ALONE;
    uint32_t delivered = before.rcpts_delivered, failed = before.rcpts_failed;
    unsigned first = 0;

    assume(mail.rcpt_count <= 3 && (before.attempts != 0 || !before.begun) && before.attempts < UINT16_MAX);
    for (unsigned i = 0; i < 3; i++) {
        rcpts[i].result = nondet_result();
        delivered |= (uint32_t)(i < mail.rcpt_count && rcpts[i].result.verdict == MOTE_DELIVERED) << i;
        failed |= (uint32_t)(i < mail.rcpt_count && rcpts[i].result.verdict == MOTE_FAILED) << i;
    }
    mote_record_take(&record, &d, nondet_u32());
    prove(record.rcpts_delivered == delivered && record.rcpts_failed == failed);
    prove(!record.begun && !record.sent && record.ours <= 3 && record.first < MOTE_RELAYS_MAX);
    prove(record.tls_failed == (before.tls_failed || d.arming));
    prove(record.tls_since_s == (!before.tls_failed && d.arming ? 0 : before.tls_since_s));
    prove(record.plain == (before.plain || d.suspect));
    prove(record.verified_only == before.verified_only && record.age_s == before.age_s);
    prove(record.attempts == before.attempts + asked - before.begun);
    if (d.plan.in_doubt || d.result.cause == MOTE_CAUSE_DEADLINE) {
        first = ((d.plan.in_doubt ? d.at : d.slowest) + 1) % MOTE_RELAYS_MAX;
    } else if (mote_policy_soon(&d.result) || d.result.cause >= MOTE_CAUSE_ADDRESS) {
        first = before.first;
    }
    prove(record.first == (asked ? first : before.first));
    prove(asked ? record.wait_s >= 1 && record.wait_s <= 4000 : record.wait_s == d.back_s);
    prove(implies(asked && d.suspect && !before.plain, record.wait_s >= 60 && record.wait_s < 120));
}

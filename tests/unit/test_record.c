/* SPDX-License-Identifier: MIT
 *
 * The octets of a record: every one in its place, every wrong bit and every torn write refused; and how a record ages.
 */
#include "../../core/outbox/record.h"
#include "mailmote_outbox.h"
#include "record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct mote_record example = {
    .id = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7},
    .age_s = 0x01020304,
    .tls_since_s = 0x05060708,
    .wait_s = 0x090a0b0c,
    .attempts = 0x0d0e,
    .code = 454,
    .cause = MOTE_CAUSE_TLS_REFUSED,
    .tls_failed = true,
    .sent = true,
    .first = 5,
    .rcpt_count = 32,
    .rcpts_delivered = 0x80000001,
    .rcpts_failed = 0x00ff0002,
};

/* For ever: it is in flash. The checksum is zlib's. */
static const uint8_t written[MOTE_RECORD_LEN] = {
    0x01, 0x4d,                                     /* version */
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, /* id */
    0x04, 0x03, 0x02, 0x01,                         /* age */
    0x08, 0x07, 0x06, 0x05,                         /* since the first TLS failure */
    0x0c, 0x0b, 0x0a, 0x09,                         /* wait */
    0x0e, 0x0d,                                     /* attempts */
    0xc6, 0xa1,                                     /* code; in the three topmost bits the relay to begin with */
    0x15,                                           /* cause */
    0x03,                                           /* TLS failed 1, sent 2 */
    0x20, 0x00, 0x00, 0x00,                         /* recipients */
    0x01, 0x00, 0x00, 0x80,                         /* delivered */
    0x02, 0x00, 0xff, 0x00,                         /* failed */
    0x73, 0xed, 0xa4, 0xde,                         /* CRC-32 of all before */
};

static void assert_same(const struct mote_record *a, const struct mote_record *b)
{
    assert_memory_equal(a->id, b->id, sizeof a->id);
    assert_int_equal(a->age_s, b->age_s);
    assert_int_equal(a->tls_since_s, b->tls_since_s);
    assert_int_equal(a->wait_s, b->wait_s);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->code, b->code);
    assert_int_equal(a->first, b->first);
    assert_int_equal(a->cause, b->cause);
    assert_int_equal(a->tls_failed, b->tls_failed);
    assert_int_equal(a->sent, b->sent);
    assert_int_equal(a->plain, b->plain);
    assert_int_equal(a->verified_only, b->verified_only);
    assert_int_equal(a->begun, b->begun);
    assert_int_equal(a->left_alone, b->left_alone);
    assert_int_equal(a->ours, b->ours);
    assert_int_equal(a->rcpt_count, b->rcpt_count);
    assert_int_equal(a->slot, b->slot);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->rcpts_delivered, b->rcpts_delivered);
    assert_int_equal(a->rcpts_failed, b->rcpts_failed);
}

/* Refused, and the record is left alone. */
static void refuse(const uint8_t octets[MOTE_RECORD_LEN])
{
    struct mote_record record, same;

    memset(&record, 0x5a, sizeof record);
    memcpy(&same, &record, sizeof same);
    assert_false(mote_record_read(&record, octets));
    assert_memory_equal(&record, &same, sizeof record);
}

static void seal(uint8_t octets[MOTE_RECORD_LEN])
{
    mote_put32(octets + MOTE_RECORD_LEN - 4, mote_crc32(0, octets, MOTE_RECORD_LEN - 4));
}

static void layout(void **state)
{
    uint8_t octets[MOTE_RECORD_LEN];
    struct mote_record record;

    mote_record_write(&example, octets);
    assert_memory_equal(octets, written, sizeof written);
    assert_true(mote_record_read(&record, written));
    assert_same(&record, &example);
}

/* All bits of the flags, which the first release did not know but for the lowest two. */
static void all_flags(void **state)
{
    struct mote_record full = example, record;
    uint8_t octets[MOTE_RECORD_LEN], expected[MOTE_RECORD_LEN];

    full.plain = full.verified_only = full.begun = full.left_alone = true;
    full.ours = 3;
    memcpy(expected, written, sizeof expected);
    expected[27] = 0xff;
    memcpy(expected + 40, (const uint8_t[]){0x1b, 0x0d, 0x80, 0x5e}, 4);
    mote_record_write(&full, octets);
    assert_memory_equal(octets, expected, sizeof expected);
    assert_true(mote_record_read(&record, expected));
    assert_same(&record, &full);
}

/* Each field alone at its least and at its most. */
static void round_trip(void **state)
{
    for (unsigned i = 0; i < 42; i++) {
        struct mote_record in, out;
        uint8_t octets[MOTE_RECORD_LEN];
        bool most = i % 2 != 0;

        memset(&in, 0, sizeof in);
        switch (i / 2) {
        case 0: in.age_s = most ? UINT32_MAX : 1; break;
        case 1: in.tls_since_s = most ? UINT32_MAX : 1; break;
        case 2: in.wait_s = most ? UINT32_MAX : 1; break;
        case 3: in.attempts = most ? UINT16_MAX : 1; break;
        case 4: in.code = most ? 999 : 1; break;
        case 5: in.cause = most ? UINT8_MAX : 1; break;
        case 6: in.tls_failed = most; break;
        case 7: in.sent = most; break;
        case 8: in.rcpt_count = most ? 32 : 1; break;
        case 9: in.rcpts_delivered = most ? UINT32_MAX : 1; break;
        case 10: in.rcpts_failed = most ? UINT32_MAX : 1; break;
        case 12: in.plain = most; break;
        case 13: in.verified_only = most; break;
        case 14: in.begun = most; break;
        case 15: in.left_alone = most; break;
        case 16: in.ours = most ? 3 : 1; break;
        case 17: in.slot = most ? UINT8_MAX : 1; break;
        case 18: in.number = most ? UINT16_MAX : 1; break;
        case 19: in.first = most ? 7 : 1; break;
        case 11: in.id[most ? 7 : 0] = 0xff; break;
        default: memset(in.id, most ? 0xff : 0, sizeof in.id); break;
        }
        mote_record_write(&in, octets);
        memset(&out, 0xa5, sizeof out);
        assert_true(mote_record_read(&out, octets));
        assert_same(&in, &out);
    }
}

/* One wrong bit; two of them, anywhere. */
static void wrong_bits(void **state)
{
    uint8_t octets[MOTE_RECORD_LEN];

    for (unsigned a = 0; a < 8 * MOTE_RECORD_LEN; a++) {
        memcpy(octets, written, sizeof octets);
        octets[a / 8] ^= (uint8_t)(1u << a % 8);
        refuse(octets);
        for (unsigned b = 0; b < a; b++) {
            octets[b / 8] ^= (uint8_t)(1u << b % 8);
            refuse(octets);
            octets[b / 8] ^= (uint8_t)(1u << b % 8);
        }
    }
}

/* Written in part, over erased or zeroed octets or an older record; from the front or from behind. */
static void torn(void **state)
{
    struct mote_record older = example;
    uint8_t rests[3][MOTE_RECORD_LEN];

    memset(rests[0], 0xff, sizeof rests[0]);
    memset(rests[1], 0, sizeof rests[1]);
    older.attempts--;
    older.age_s -= 100;
    mote_record_write(&older, rests[2]);
    for (unsigned rest = 0; rest < 3; rest++) {
        for (size_t len = 0; len <= MOTE_RECORD_LEN; len++) {
            uint8_t front[MOTE_RECORD_LEN], back[MOTE_RECORD_LEN];
            struct mote_record record;

            memcpy(front, rests[rest], sizeof front);
            memcpy(back, rests[rest], sizeof back);
            memcpy(front, written, len);
            memcpy(back + MOTE_RECORD_LEN - len, written + MOTE_RECORD_LEN - len, len);
            if (memcmp(front, written, sizeof front) != 0 && memcmp(front, rests[2], sizeof front) != 0) {
                refuse(front);
            } else {
                assert_true(mote_record_read(&record, front));
            }
            if (memcmp(back, written, sizeof back) != 0 && memcmp(back, rests[2], sizeof back) != 0) {
                refuse(back);
            }
        }
    }
}

/* Whole, but not ours: another version or a number of recipients this code does not know. */
static void foreign(void **state)
{
    uint8_t octets[MOTE_RECORD_LEN];

    for (unsigned version = 0; version <= UINT16_MAX; version++) {
        if (version != 0x4d01) {
            memcpy(octets, written, sizeof octets);
            mote_put16(octets, (uint16_t)version);
            seal(octets);
            refuse(octets);
        }
    }
    for (unsigned count = 33; count <= UINT8_MAX; count++) {
        memcpy(octets, written, sizeof octets);
        octets[28] = (uint8_t)count;
        seal(octets);
        refuse(octets);
    }
    srand(1);
    for (unsigned n = 0; n < 20000; n++) {
        for (unsigned i = 0; i < MOTE_RECORD_LEN; i++) {
            octets[i] = (uint8_t)(rand() >> 7);
        }
        refuse(octets);
    }
}

static void checksum(void **state)
{
    static const uint8_t check[] = "123456789";

    assert_int_equal(mote_crc32(0, check, 0), 0);
    assert_int_equal(mote_crc32(0, check, 9), 0xcbf43926);
    assert_int_equal(mote_crc32(mote_crc32(0, check, 4), check + 4, 5), 0xcbf43926);
}

/* Nothing overflows, waits end at 0, and what never failed does not begin to count. */
static void ageing(void **state)
{
    static const uint32_t times[] = {0, 1, 59, 60, 61, 4000, 432000, UINT32_MAX - 60, UINT32_MAX - 1, UINT32_MAX};
    enum { N = sizeof times / sizeof *times };

    for (unsigned a = 0; a < N; a++) {
        for (unsigned b = 0; b < N; b++) {
            for (unsigned failed = 0; failed < 2; failed++) {
                uint64_t sum = (uint64_t)times[a] + times[b];
                uint32_t most = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
                struct mote_record r = example;

                r.age_s = r.tls_since_s = r.wait_s = times[a];
                r.tls_failed = failed != 0;
                mote_record_age(&r, times[b]);
                assert_int_equal(r.age_s, most);
                assert_int_equal(r.tls_since_s, failed ? most : times[a]);
                assert_int_equal(r.wait_s, times[a] > times[b] ? times[a] - times[b] : 0);
                assert_int_equal(r.attempts, example.attempts);
                assert_int_equal(r.rcpts_delivered, example.rcpts_delivered);
            }
        }
    }
}

/* P12: our own trouble counts up to three, also where it is stored in between, and a reset ends the row. */
static void ours(void **state)
{
    struct mote_mail mail = {0};
    const struct mote_delivery no_network = {.result = {.verdict = MOTE_DEFERRED, .cause = MOTE_CAUSE_NO_NETWORK},
                                             .mail = &mail};
    struct mote_record record = {.rcpt_count = 1, .age_s = 1000};
    uint8_t octets[MOTE_RECORD_LEN];

    for (unsigned i = 0; i < 8; i++) {
        mote_record_take(&record, &no_network, 0);
        assert_int_equal(record.wait_s, i < 2 ? 10 : 1000);
        mote_record_write(&record, octets);
        assert_true(mote_record_read(&record, octets));
    }
    mote_record_begin(&record);
    record.code = 450; /* nor has it that of the last reply any more */
    assert_true(mote_record_resume(&record, 0));
    assert_int_equal(record.code, 0);
    assert_int_equal(record.ours, 0);
    mote_record_take(&record, &no_network, 0);
    assert_int_equal(record.wait_s, 10);
}

/* P16: that a relay is suspect changes nothing for a mail that is sent the plain way already. */
static void plain_once(void **state)
{
    struct mote_mail mail = {0};
    const struct mote_delivery suspect = {
        .result = {.verdict = MOTE_DEFERRED, .cause = MOTE_CAUSE_REFUSED}, .mail = &mail, .suspect = true};
    struct mote_record record = {.rcpt_count = 1, .age_s = 1000};
    uint32_t first;

    mote_record_take(&record, &suspect, 0);
    assert_true(record.plain);
    first = record.wait_s;
    mote_record_take(&record, &suspect, 0);
    assert_true(record.plain);
    assert_true(record.wait_s > first);
}

/* P12: nobody is due before some seconds are over, and nobody sooner than before. */
static void pause(void **state)
{
    for (uint32_t wait_s = 0; wait_s < 20; wait_s++) {
        struct mote_record record = {.wait_s = wait_s};

        mote_record_pause(&record);
        assert_int_equal(record.wait_s, wait_s < 10 ? 10 : wait_s);
    }
}

/* P11: all who have not got it, were they as many as a record has. */
static void expired(void **state)
{
    for (unsigned n = 0; n <= MOTE_RECORD_RCPTS; n++) {
        struct mote_record record = {.rcpt_count = (uint8_t)n, .rcpts_delivered = 1, .wait_s = 9};

        mote_record_end(&record, 432000);
        for (unsigned i = 0; i < MOTE_RECORD_RCPTS; i++) {
            assert_int_equal(record.rcpts_failed >> i & 1, i != 0 && i < n);
        }
        assert_true(mote_record_settled(&record));
        assert_int_equal(record.wait_s, 0);
    }
}

/* P9, P10: before the end of a mail leaves, its record knows whom the relay refused, and who is asked first should it end in doubt. */
static void sent(void **state)
{
    struct mote_rcpt rcpts[] = {{.result = {.verdict = MOTE_FAILED}}, {.address = "b@example.test"}};
    struct mote_mail mail = {.rcpts = rcpts, .rcpt_count = 2};
    struct mote_delivery delivery = {.mail = &mail, .at = MOTE_RELAYS_MAX - 1};
    struct mote_record record = {.rcpt_count = 2, .first = 3};

    mote_record_sent(&record, &delivery);
    assert_true(record.sent);
    assert_int_equal(record.rcpts_failed, 1);
    assert_int_equal(record.rcpts_delivered, 0);
    assert_int_equal(record.first, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout),  cmocka_unit_test(all_flags),  cmocka_unit_test(round_trip),
        cmocka_unit_test(ours),    cmocka_unit_test(plain_once), cmocka_unit_test(pause),
        cmocka_unit_test(expired), cmocka_unit_test(wrong_bits), cmocka_unit_test(torn),
        cmocka_unit_test(foreign), cmocka_unit_test(checksum),   cmocka_unit_test(ageing),
        cmocka_unit_test(sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

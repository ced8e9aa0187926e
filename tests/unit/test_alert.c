/* SPDX-License-Identifier: MIT
 *
 * An alert: its id is its Message-ID; what is refused changes nothing; what was refused for want of room is taken later, once.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t id[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
static const char *const to[] = {"a@example.test", "b@example.test"};

static struct mote_message sample(void)
{
    return (struct mote_message){
        .from = "mote@example.test", .to = to, .to_count = 2, .subject = "Fire", .text = "Hall 3"};
}

static uint8_t alert(const struct mote_message *m, uint8_t first)
{
    uint8_t own[8];

    memcpy(own, id, sizeof own);
    own[0] = first;
    return mote_outbox_alert(&w.outbox, m, own, w.sim.now_ms);
}

/* Until it is delivered; what the relay got is in w.sim. */
static void deliver(void)
{
    w.sim.offered = NULL;
    w.sim.came = NULL;
    assert_int_equal(mote_outbox_poll(&w.outbox, w.sim.now_ms, 0), MOTE_CONNECT);
    while (mote_outbox_poll(&w.outbox, w.sim.now_ms, 0) != MOTE_REPORT) {
        if (w.outbox.step == MOTE_CONNECT) {
            w.sim.log[0] = 0;
            sim_connect(&w.sim, &w.outbox.delivery);
        } else if (sim_talk(&w.sim, &w.session) == MOTE_WANT_COMMIT) {
            mote_outbox_commit(&w.outbox);
        }
    }
    assert_true(w.outbox.last);
}

static void assert_empty(void)
{
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
}

static void one_id(void **state)
{
    struct mote_message m = sample();

    world_new();
    m.id = "not looked at";
    assert_int_equal(alert(&m, 1), MOTE_CAUSE_NONE);
    deliver();
    assert_memory_equal(w.outbox.slot->record.id, id, sizeof id);
    assert_int_equal(w.outbox.mail.rcpt_count, 2);
    assert_string_equal(w.outbox.rcpts[1].address, to[1]);
    assert_int_equal(w.outbox.rcpts[1].result.verdict, MOTE_DELIVERED);
    assert_non_null(strstr(w.sim.text, "\r\nMessage-ID: <0123456789abcdef@example.test>\r\n"));
    assert_non_null(strstr(w.sim.text, "\r\nTo: a@example.test,\r\n b@example.test\r\n"));
    assert_non_null(strstr(w.sim.text, "\r\n\r\nHall 3\r\n"));
}

/* The domain is behind the last "@"; it is another one where it cannot be in a Message-ID. */
static void domains(void **state)
{
    char longest[256] = "a@", longer[256];
    struct {
        const char *from, *ends;
    } cases[] = {
        {"\"a@b\"@example.test", "@example.test>\r\n"},
        {"mote@[192.0.2.7]", "@[192.0.2.7]>\r\n"},
        {"mote@\303\244.example.test", "<0123456789abcdef@mailmote.invalid>\r\n"},
        {longest, "xxx.xx>\r\n"},
        {longer, "<0123456789abcdef@mailmote.invalid>\r\n"},
    };

    for (size_t n = 2; n < 234; n++) { /* "@" and 232 octets */
        longest[n] = n % 40 == 38 ? '.' : 'x';
    }
    memcpy(longest + 228, "xxx.xx", 7);
    memcpy(longer, "ax@x", 5);
    memcpy(longer + 4, longest + 2, strlen(longest + 2) + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mote_message m = sample();
        char envelope[300], text[1000];

        world_set(1536, 6, 4, 1, WORLD_MAILS);
        w.setup.envelope = envelope;
        w.setup.envelope_cap = sizeof envelope;
        world_boot();
        m.from = cases[i].from;
        assert_int_equal(alert(&m, 1), MOTE_CAUSE_NONE);
        assert_int_equal(mote_outbox_poll(&w.outbox, w.sim.now_ms, 0), MOTE_CONNECT);
        text[w.outbox.mail.read(w.outbox.mail.ctx, 0, text, sizeof text - 1)] = 0;
        assert_non_null(strstr(text, "Message-ID: <0123456789abcdef@"));
        assert_non_null(strstr(text, cases[i].ends));
    }
}

static void assert_refused(const struct mote_message *m, const uint8_t *with_id, uint8_t cause)
{
    static struct flash before;

    before = w.flash;
    assert_int_equal(mote_outbox_alert(&w.outbox, m, with_id, w.sim.now_ms), cause);
    assert_memory_equal(before.octets, w.flash.octets, sizeof before.octets);
    assert_empty();
}

static void refused(void **state)
{
    static const char *const many[MOTE_OUTBOX_RCPTS + 1] = {"a@x", "b@x", "c@x", "d@x", "e@x",
                                                            "f@x", "g@x", "h@x", "i@x"};
    static char text[600];
    struct mote_message m = sample();

    world_new();
    assert_refused(&m, NULL, MOTE_CAUSE_NO_ENTROPY);
    m.subject = "Fire\tin hall 3";
    assert_refused(&m, id, MOTE_CAUSE_HEADER);
    m = sample();
    m.unix_s = UINT64_C(1795305168000);
    assert_refused(&m, id, MOTE_CAUSE_HEADER);
    m = sample();
    m.from = NULL;
    assert_refused(&m, id, MOTE_CAUSE_ADDRESS);
    m.from = "root";
    assert_refused(&m, id, MOTE_CAUSE_ADDRESS);
    m = sample();
    m.to_count = 0;
    assert_refused(&m, id, MOTE_CAUSE_ADDRESS);
    m.to = many;
    m.to_count = MOTE_OUTBOX_RCPTS + 1;
    assert_refused(&m, id, MOTE_CAUSE_TOO_MANY);
    m.to_count = MOTE_OUTBOX_RCPTS;
    assert_int_equal(alert(&m, 9), MOTE_CAUSE_NONE);
    world_new();
    m = sample();
    m.text = "Hall\0003";
    m.text_len = 6;
    assert_refused(&m, id, MOTE_CAUSE_TEXT);
    memset(text, 'x', sizeof text - 1);
    m.text = text;
    m.text_len = 0;
    assert_refused(&m, id, MOTE_CAUSE_TOO_BIG);
}

/* The same id after that: it is stored once. */
static void full(void **state)
{
    struct mote_message m = sample();

    world_new();
    for (uint8_t i = 1; i <= WORLD_SLOTS; i++) {
        assert_int_equal(alert(&m, i), MOTE_CAUSE_NONE);
    }
    assert_int_equal(alert(&m, 1), MOTE_CAUSE_DUPLICATE);
    assert_int_equal(alert(&m, WORLD_SLOTS + 1), MOTE_CAUSE_FULL);
    deliver();
    mote_outbox_reported(&w.outbox);
    assert_int_equal(alert(&m, WORLD_SLOTS + 1), MOTE_CAUSE_NONE);
    assert_int_equal(alert(&m, WORLD_SLOTS + 1), MOTE_CAUSE_DUPLICATE);
}

/* A flash that keeps nothing: said, and the same alert is taken once it does. */
static void storage_fails(void **state)
{
    struct mote_message m = sample();

    world_new();
    w.flash.fail_at = 1;
    w.flash.fail_on = true;
    assert_int_equal(alert(&m, 1), MOTE_CAUSE_STORAGE);
    flash_boot(&w.flash);
    assert_int_equal(alert(&m, 1), MOTE_CAUSE_NONE);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
}

/* Zeros, as static memory is before mote_outbox_open(): told, and nothing else happens. */
static void not_opened(void **state)
{
    static struct mote_outbox outbox;
    struct mote_message m = sample();
    struct mote_rcpt rcpt = {.address = to[0]};
    struct mote_mail mail = {.from = "", .rcpts = &rcpt, .rcpt_count = 1, .read = mote_message_read, .ctx = &m};

    assert_int_equal(mote_outbox_alert(&outbox, &m, id, 5), MOTE_CAUSE_SETUP);
    assert_int_equal(mote_outbox_post(&outbox, &mail, id, 5), MOTE_CAUSE_SETUP);
    assert_int_equal(mote_outbox_poll(&outbox, 100000, 5), MOTE_IDLE);
    assert_int_equal(mote_outbox_wait_s(&outbox), UINT32_MAX);
    mote_outbox_hurry(&outbox);
    mote_outbox_commit(&outbox);
    mote_outbox_reported(&outbox);
    assert_false(mote_outbox_cancel(&outbox, id));
    assert_int_equal(mote_outbox_poll(&outbox, 200000, 5), MOTE_IDLE);
    assert_int_equal(mote_outbox_alert(&outbox, &m, id, 5), MOTE_CAUSE_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_id), cmocka_unit_test(domains),       cmocka_unit_test(refused),
        cmocka_unit_test(full),   cmocka_unit_test(storage_fails), cmocka_unit_test(not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

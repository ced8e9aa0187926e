/* SPDX-License-Identifier: MIT
 *
 * A mail made of a message: its recipients, its size, and what is said of a message that can be none.
 */
#include "mailmote_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { RCPTS = 3 };

static const char *const to[] = {"a@example.test", "b@example.test"}, *const cc[] = {"c@example.test"};
static const char *const bad[] = {"a@example.test", "root (Cron)"};

static struct mote_message sample(void)
{
    return (struct mote_message){.from = "mote@example.test",
                                 .to = to,
                                 .to_count = 2,
                                 .cc = cc,
                                 .cc_count = 1,
                                 .subject = "Fire",
                                 .id = "1@example.test",
                                 .text = "Hall 3\n"};
}

static void goes_to_all(void **state)
{
    struct mote_message m = sample();
    struct mote_rcpt rcpts[RCPTS];
    struct mote_mail mail;
    char text[600];

    memset(rcpts, 0xa5, sizeof rcpts); /* of an earlier mail */
    memset(&mail, 0xa5, sizeof mail);
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, RCPTS), MOTE_CAUSE_NONE);
    assert_string_equal(mail.from, m.from);
    assert_int_equal(mail.rcpt_count, 3);
    assert_string_equal(mail.rcpts[0].address, to[0]);
    assert_string_equal(mail.rcpts[1].address, to[1]);
    assert_string_equal(mail.rcpts[2].address, cc[0]);
    for (unsigned i = 0; i < RCPTS; i++) {
        assert_int_equal(rcpts[i].result.verdict, MOTE_PENDING);
        assert_null(rcpts[i].reply_text);
        assert_int_equal(rcpts[i].unfit, 0);
    }
    assert_null(mail.reply_text);
    assert_int_equal(mail.read(mail.ctx, 0, text, sizeof text), mail.size);
    assert_int_equal(mail.needs & (MOTE_NEEDS_8BITMIME | MOTE_NEEDS_SMTPUTF8), 0);
}

static void needs_are_found(void **state)
{
    static const char *const umlaut[] = {"m\303\274ller@example.test"};
    struct mote_message m = sample();
    struct mote_rcpt rcpts[1];
    struct mote_mail mail;

    m.to = umlaut;
    m.to_count = 1;
    m.cc_count = 0;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_NONE);
    assert_int_equal(mail.needs & (MOTE_NEEDS_8BITMIME | MOTE_NEEDS_SMTPUTF8), MOTE_NEEDS_8BITMIME);
}

/* Whoever is in To and in Cc, or twice in one, is asked once, and needs room once. */
static void asked_once(void **state)
{
    static const char b[] = "b@example.test\0c",
                      also_b[] = "b@example.test\0d"; /* what stands behind them is not theirs */
    static const char *const twice[] = {b, "bb@example.test", also_b};
    static const char *const again[] = {"bb@example.test", "B@example.test", "b@example.test"};
    struct mote_message m = sample();
    struct mote_rcpt rcpts[RCPTS];
    struct mote_mail mail;

    m.to = twice;
    m.cc = again;
    m.to_count = m.cc_count = 3;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, RCPTS), MOTE_CAUSE_NONE);
    assert_int_equal(mail.rcpt_count, 3);
    assert_string_equal(rcpts[0].address, "b@example.test");
    assert_string_equal(rcpts[1].address, "bb@example.test");
    assert_string_equal(rcpts[2].address, "B@example.test");
}

/* None is made: it has nobody to go to, and behind an array that is too small nothing is written. */
static void assert_refused(struct mote_message *m, size_t cap, uint8_t cause, const char *field)
{
    static const uint8_t untouched[RCPTS * sizeof(struct mote_rcpt)];
    struct mote_rcpt rcpts[RCPTS];
    struct mote_mail mail;

    memset(rcpts, 0, sizeof rcpts);
    assert_int_equal(mote_message_mail(m, &mail, rcpts, cap), cause);
    assert_int_equal(mail.rcpt_count, 0);
    assert_null(mail.rcpts);
    assert_memory_equal(rcpts + cap, untouched, (RCPTS - cap) * sizeof *rcpts);
    if (field == NULL) {
        assert_null(mote_message_wrong(m));
    } else {
        assert_string_equal(mote_message_wrong(m), field);
    }
}

static void recipients_refused(void **state)
{
    struct mote_message m = sample();

    assert_refused(&m, 2, MOTE_CAUSE_TOO_MANY, NULL);
    assert_refused(&m, 0, MOTE_CAUSE_TOO_MANY, NULL);
    m.to_count = m.cc_count = 0;
    assert_refused(&m, RCPTS, MOTE_CAUSE_ADDRESS, NULL);
}

/* More than 65,535 together: the number must not begin again at 0. */
static void many_recipients(void **state)
{
    static const char *list[UINT16_MAX];
    static struct mote_rcpt rcpts[1 << 17];
    struct mote_message m = sample();
    struct mote_mail mail;

    for (unsigned i = 0; i < UINT16_MAX; i++) {
        list[i] = to[i % 2];
    }
    m.to = m.cc = list;
    m.to_count = 65533;
    m.cc_count = 0;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1 << 17), MOTE_CAUSE_NONE);
    assert_int_equal(mail.rcpt_count, 2);
    m.cc_count = 1;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1 << 17), MOTE_CAUSE_TOO_MANY);
    m.cc_count = 4;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1 << 17), MOTE_CAUSE_TOO_MANY);
}

static void fields_are_named(void **state)
{
    struct mote_message m = sample();

    assert_null(mote_message_wrong(&m));
    m.text = "Hall\0003";
    m.text_len = 6;
    assert_refused(&m, RCPTS, MOTE_CAUSE_TEXT, "text");
    m.text = NULL;
    assert_refused(&m, RCPTS, MOTE_CAUSE_TEXT, "text");
    m.subject = "Fire\tin hall 3";
    assert_refused(&m, RCPTS, MOTE_CAUSE_HEADER, "Subject");
    m.id = NULL;
    assert_refused(&m, RCPTS, MOTE_CAUSE_HEADER, "Message-ID");
    m.unix_s = UINT64_C(1795305168000);
    assert_refused(&m, RCPTS, MOTE_CAUSE_HEADER, "Date");
    m.cc = bad + 1;
    assert_refused(&m, RCPTS, MOTE_CAUSE_ADDRESS, "Cc");
    m.to = bad;
    assert_refused(&m, RCPTS, MOTE_CAUSE_ADDRESS, "To");
    m.to = NULL;
    assert_refused(&m, RCPTS, MOTE_CAUSE_ADDRESS, "To");
    m.from = NULL;
    assert_refused(&m, RCPTS, MOTE_CAUSE_ADDRESS, "From");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_to_all),     cmocka_unit_test(needs_are_found),  cmocka_unit_test(recipients_refused),
        cmocka_unit_test(many_recipients), cmocka_unit_test(fields_are_named), cmocka_unit_test(asked_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * A message that fails mote_message_check(), which nobody called: it is never sent, neither whole nor empty, whichever way
 * it takes.
 */
#define _GNU_SOURCE

#include "mailmote_message.h"
#include "mailmote_posix.h"
#include "world.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAYS = 6 };

static const char *const to[] = {"b@example.test"};

/* Wrong in one way each. */
static struct mote_message wrong(unsigned way)
{
    struct mote_message m = {.from = "a@example.test", .to = to, .to_count = 1, .subject = "Fire", .text = "Hall 3\n"};

    m.id = way == 0 ? NULL : "1@example.test";
    m.subject = way == 1 ? "Fire\tin hall 3" : m.subject;
    m.unix_s = way == 2 ? UINT64_C(1795305168000) : 1795305168; /* milliseconds */
    m.from = way == 3 ? "root (Cron)" : m.from;
    m.text = way == 4 ? "Hall\0003" : way == 5 ? NULL : m.text;
    m.text_len = way >= 4 ? 6 : 0;
    return m;
}

static struct mote_mail mail_of(struct mote_message *m, struct mote_rcpt *rcpt)
{
    *rcpt = (struct mote_rcpt){.address = to[0]};
    return (struct mote_mail){
        .from = "a@example.test", .rcpts = rcpt, .rcpt_count = 1, .read = mote_message_read, .ctx = m};
}

static void assert_misuse(const struct mote_result *r)
{
    assert_string_equal(mote_verdict_name(r->verdict), "misuse");
    assert_string_equal(mote_cause_name(r->cause), mote_cause_name(MOTE_CAUSE_TEXT));
}

static void measured(void **state)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct mote_message m = wrong(way);
        struct mote_rcpt rcpt;
        struct mote_mail mail = mail_of(&m, &rcpt);

        assert_int_not_equal(mote_message_check(&m), MOTE_CAUSE_NONE);
        assert_int_equal(mote_mail_measure(&mail), MOTE_CAUSE_TEXT);
    }
}

/* Measured, and the answer not looked at: no octet leaves. */
static void engine(void **state)
{
    static const struct mote_engine_setup setup = {.helo = "device.example.test", .opportunistic = true};

    for (unsigned way = 0; way < WAYS; way++) {
        struct mote_message m = wrong(way);
        struct mote_rcpt rcpt;
        struct mote_mail mail = mail_of(&m, &rcpt);
        struct mote_engine e;
        char buf[100];

        mote_mail_measure(&mail);
        mote_engine_init(&e, &setup, &mail, 0);
        assert_int_equal(mote_engine_poll(&e, 0), MOTE_DONE);
        assert_int_equal(mote_engine_pull(&e, buf, sizeof buf), 0);
        assert_misuse(mote_engine_result(&e));
        assert_misuse(&rcpt.result);
    }
}

/* Without a reader there is no mail, measured or not. */
static void no_reader(void **state)
{
    static const struct mote_engine_setup setup = {.helo = "device.example.test", .opportunistic = true};

    for (unsigned measured = 0; measured < 2; measured++) {
        struct mote_rcpt rcpt = {.address = "a@example.test"};
        struct mote_mail mail = {.from = "", .rcpts = &rcpt, .rcpt_count = 1, .size = 100};
        struct mote_engine e;

        if (measured != 0) {
            assert_int_equal(mote_mail_measure(&mail), MOTE_CAUSE_TEXT);
        }
        mote_engine_init(&e, &setup, &mail, 0);
        assert_int_equal(mote_engine_poll(&e, 0), MOTE_DONE);
        assert_misuse(mote_engine_result(&e));
    }
}

/* In one call: nobody is connected to. */
static void posix_send(void **state)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&here, len), 0);
    assert_int_equal(listen(fd, WAYS), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
    for (unsigned way = 0; way < WAYS; way++) {
        struct mote_relay relay = {.host = "127.0.0.1", .port = ntohs(here.sin_port)};
        struct mote_message m = wrong(way);
        struct mote_rcpt rcpt;
        struct mote_mail mail = mail_of(&m, &rcpt);
        struct mote_result result;

        mote_trust_opportunistic(&relay.trust, NULL);
        result = mote_posix_send(&relay, &mail, "device.example.test", NULL);
        assert_misuse(&result);
        assert_misuse(&rcpt.result);
    }
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 100), 0);
    close(fd);
}

/* Nothing is stored, and nothing is to be done; a right one is taken. */
static void outbox_post(void **state)
{
    static const uint8_t id[8] = {1};
    static struct flash before;
    struct mote_message right = wrong(WAYS);
    struct mote_rcpt rcpt;
    struct mote_mail mail = mail_of(&right, &rcpt);

    world_new();
    before = w.flash;
    for (unsigned way = 0; way < WAYS; way++) {
        struct mote_message m = wrong(way);
        struct mote_mail bad = mail_of(&m, &rcpt);

        assert_int_equal(mote_outbox_post(&w.outbox, &bad, id, 0), MOTE_CAUSE_TEXT);
        assert_memory_equal(before.octets, w.flash.octets, sizeof before.octets);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
    }
    assert_int_equal(mote_outbox_post(&w.outbox, &mail, id, 0), MOTE_CAUSE_NONE);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured),   cmocka_unit_test(engine),      cmocka_unit_test(no_reader),
        cmocka_unit_test(posix_send), cmocka_unit_test(outbox_post),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What an attachment costs in the core, on a Cortex-M3 without anything else: a message with one is made a mail and handed to a
 * relay that takes everything, in records of a firmware's size. Neither the reader nor the wire does anything.
 * attachment.py counts from mark to mark.
 */
#include "mailmote_message.h"

enum { RECORD = 1360, SIZES = 2 };

int main(void);
void mark(void);

/* A Cortex-M begins with the address of its stack's end, and that of its first instruction. */
extern void stack_top(void);
extern void (*const vectors[])(void);
__attribute__((section(".vectors"), used)) void (*const vectors[])(void) = {stack_top, (void (*)(void))main};

/* Where it is counted. */
__attribute__((noinline)) void mark(void)
{
    __asm__ volatile("nop");
}

__attribute__((noinline)) static size_t read(void *ctx, size_t offset, void *buf, size_t cap)
{
    (void)ctx, (void)offset, (void)buf;
    return cap;
}

static void hear(struct mote_engine *engine, const char *said)
{
    size_t len = 0;

    while (said[len] != 0) {
        len++;
    }
    mote_engine_feed(engine, said, len);
}

static void send(struct mote_mail *mail)
{
    static const struct mote_engine_setup setup = {.helo = "mote.example.org", .tls = MOTE_TLS_IMPLICIT};
    static const char *const replies[] = {"220 hello\r\n", "250-hello\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
                                          "250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n"};
    static uint8_t record[RECORD];
    struct mote_engine engine;
    unsigned next = 0;

    mote_engine_init(&engine, &setup, mail, 0);
    for (;;) {
        uint8_t want = mote_engine_poll(&engine, 0);

        if ((want & MOTE_DONE) != 0) {
            return;
        }
        if ((want & MOTE_WANT_TLS) != 0) {
            mote_engine_secured(&engine);
        } else if ((want & MOTE_WANT_SEND) != 0) {
            mote_engine_pull(&engine, record, sizeof record);
        } else if ((want & MOTE_WANT_RECV) != 0) {
            hear(&engine, replies[next++]);
        }
    }
}

int main(void)
{
    static const size_t sizes[SIZES] = {10000, 110000};
    static const char *const to = "a@example.test";

    for (unsigned i = 0; i < SIZES; i++) {
        struct mote_message message = {
            .from = "mote@example.org", .to = &to, .to_count = 1, .id = "1@example.org", .text = "x\n"};
        struct mote_part part = {.type = "image/jpeg", .read = read, .size = sizes[i]};
        struct mote_mail mail;
        struct mote_rcpt rcpt;

        mote_message_parts(&message, &part, 1);
        mark();
        mote_message_mail(&message, &mail, &rcpt, 1);
        mark();
        send(&mail);
        mark();
        if (rcpt.result.verdict != MOTE_DELIVERED) {
            break; /* there is one mark less */
        }
    }
    for (;;) {
        mark();
    }
}

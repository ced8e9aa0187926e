/* SPDX-License-Identifier: MIT
 *
 * What mailmote needs of a stack: threads on a painted one, whose lowest octet that has changed is looked for.
 *
 *     stack PORT BUNDLE    a verified mail to localhost; prints octets of an attempt, and of reading the CA file
 */
#define _POSIX_C_SOURCE 200809L

#include "mailmote_posix.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK = 1 << 18, MEMORY = 1 << 20, PAINT = 0xa5 };

static unsigned char stack[STACK], memory[MEMORY];
static const char *bundle;
static struct mote_relay relay = {.host = "localhost", .login = {.user = "u", .password = "secret"}};
static const br_x509_trust_anchor *anchors;
static size_t anchor_count;

static void *nothing(void *ctx)
{
    (void)ctx;
    return NULL;
}

static void *read_anchors(void *ctx)
{
    anchor_count = mote_posix_anchors(bundle, memory, sizeof memory, &anchors);
    return anchor_count != 0 ? NULL : ctx;
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char text[] = "From: <s@example.org>\r\n\r\nhello\r\n";
    size_t len = sizeof text - 1 - offset;

    (void)ctx;
    len = len < cap ? len : cap;
    memcpy(buf, text + offset, len);
    return len;
}

static void *attempt(void *ctx)
{
    static struct mote_rcpt rcpt = {.address = "a@example.test"};
    static struct mote_mail mail = {.from = "s@example.org", .rcpts = &rcpt, .rcpt_count = 1, .read = read_text};
    struct mote_result result = mote_posix_send(&relay, &mail, "client.example.org", NULL);

    return result.verdict == MOTE_DELIVERED ? NULL : ctx;
}

/* Octets of stack that run has touched. It fails when it does not return NULL. */
static size_t used(void *(*run)(void *))
{
    pthread_attr_t attr;
    pthread_t thread;
    void *failed = stack;
    size_t low = 0;

    memset(stack, PAINT, sizeof stack);
    if (pthread_attr_init(&attr) != 0 || pthread_attr_setstack(&attr, stack, sizeof stack) != 0 ||
        pthread_create(&thread, &attr, run, stack) != 0 || pthread_join(thread, &failed) != 0 || failed != NULL) {
        exit(1);
    }
    while (stack[low] == PAINT) {
        low++;
    }
    return sizeof stack - low;
}

int main(int argc, char **argv)
{
    size_t empty = used(nothing), reading;

    if (argc != 3) {
        return 2;
    }
    bundle = argv[2];
    relay.port = (uint16_t)atoi(argv[1]);
    reading = used(read_anchors);
    mote_trust_anchors(&relay.trust, anchors, anchor_count, "localhost");
    printf("%zu %zu\n", used(attempt) - empty, reading - empty);
    return 0;
}

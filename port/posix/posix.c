/* SPDX-License-Identifier: MIT
 *
 * One conversation with one relay from beginning to end: check, look up, connect, talk, close. The octets are moved in
 * pump.c, the socket is made in connect.c.
 *
 * It never looks into what is said: it knows sockets, time and entropy, and no SMTP.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ENTROPY_LEN 32

uint32_t mote_posix_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* 0 = unknown, as for a clock that was never set. */
static uint64_t unix_s(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0)
        return 0;
    return (uint64_t)now.tv_sec;
}

/* Waits for the kernel's generator to be seeded, early after boot. False: there is none, and the session refuses TLS. */
static bool draw_entropy(unsigned char *entropy)
{
    size_t have = 0;

    while (have < ENTROPY_LEN) {
        ssize_t got = getrandom(entropy + have, ENTROPY_LEN - have, 0);

        if (got > 0)
            have += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

static void wipe(void *octets, size_t len)
{
    volatile unsigned char *at = octets;

    while (len-- > 0)
        *at++ = 0;
}

static uint16_t port_of(const struct mote_relay *relay)
{
    if (relay->port != 0)
        return relay->port;
    if (relay->tls == MOTE_TLS_IMPLICIT)
        return 465;
    return relay->login.user != NULL || relay->login.token != NULL ? 587 : 25;
}

/* An outcome without a conversation, for the mail and for every recipient that has no final one. */
static struct mote_result settle(struct mote_mail *mail, uint8_t verdict, uint8_t cause)
{
    struct mote_result result = {.verdict = verdict, .cause = cause, .step = MOTE_STEP_CONNECT};
    uint16_t i;

    for (i = 0; i < mail->rcpt_count; i++) {
        uint8_t old = mail->rcpts[i].result.verdict;

        if (old != MOTE_DELIVERED && old != MOTE_FAILED)
            mail->rcpts[i].result = result;
    }
    return result;
}

/* Connects and talks. The session's arguments are good but for the EHLO name, which may need the socket. */
static struct mote_result hold_conversation(struct mote_session *session, const struct mote_relay *relay,
                                            struct mote_mail *mail, struct mote_session_setup *setup)
{
    struct mote_result result;
    char literal[MOTE_POSIX_LITERAL];
    uint8_t cause;
    int fd = mote_posix_connect(relay->host, port_of(relay), setup->start_ms, &setup->trace, &cause);

    if (fd < 0)
        return settle(mail, MOTE_DEFERRED, cause);
    if (setup->helo == NULL) {
        mote_posix_literal(fd, literal);
        setup->helo = literal;
    }
    mote_session_init(session, relay, mail, setup);
    mote_posix_pump(fd, session);
    result = *mote_session_result(session);
    close(fd);
    return result;
}

struct mote_result mote_posix_send(const struct mote_relay *relay, struct mote_mail *mail, const char *helo,
                                   const struct mote_trace *trace)
{
    struct mote_session session;
    unsigned char buf[MOTE_SESSION_BUF_FULL], entropy[ENTROPY_LEN];
    char name[MOTE_POSIX_HOST_NAME];
    struct mote_session_setup setup = {.buf = buf, .buf_len = sizeof buf};
    struct mote_posix_ear ear;
    struct mote_result result;

    if (relay->host == NULL || relay->host[0] == 0)
        return settle(mail, MOTE_MISUSE, MOTE_CAUSE_LOOKUP);
    if (mail->size == 0 && mote_mail_measure(mail) != MOTE_CAUSE_NONE)
        return settle(mail, MOTE_FAILED, MOTE_CAUSE_TEXT);
    setup.start_ms = mote_posix_now_ms();
    setup.unix_s = unix_s();
    setup.entropy = draw_entropy(entropy) ? entropy : NULL;
    setup.trace = mote_posix_listen(&ear, &session, trace);
    if (helo == NULL && mote_posix_host_name(name, sizeof name))
        helo = name;

    /* A first session finds wrong arguments before the network is touched. */
    setup.helo = helo != NULL ? helo : "[127.0.0.1]";
    mote_session_init(&session, relay, mail, &setup);
    if (mote_session_poll(&session, setup.start_ms) & MOTE_DONE) {
        result = *mote_session_result(&session);
    } else {
        setup.helo = helo;
        result = hold_conversation(&session, relay, mail, &setup);
    }
    mote_session_wipe(&session);
    wipe(entropy, sizeof entropy);
    return result;
}

/* SPDX-License-Identifier: MIT
 *
 * Moves octets between a non-blocking socket and a session until the session is done, or its mail is. What the session has to say is
 * handed over whole before anything is heard, and all that came is heard before the session says more: octets that came
 * too early meet the session before the command they would answer, and a refusal in the middle of a long text is heard.
 * It waits only when nothing can be said and nothing came. A flight of small records leaves in one segment.
 *
 * It has no time limits of its own: the session's count.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

/* Longest wait in one go: a counter that jumped is noticed. */
#define WAIT_MAX_MS 60000

/* Reads in one go, and interrupted writes of a leave. */
#define HEAR_MAX    16
#define LEAVE_TRIES 8

static bool later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* One try to read. False when nothing came. */
static bool hear(int fd, struct mote_session *session)
{
    size_t room;
    void *buf = mote_session_recv_buf(session, &room);
    ssize_t got;

    if (buf == NULL) {
        return false;
    }
    got = recv(fd, buf, room, 0);
    if (got > 0) {
        mote_session_recv_ack(session, (size_t)got);
    } else if (got == 0 || !later(errno)) {
        mote_session_fail(session, MOTE_CAUSE_LOST);
    }
    return got > 0;
}

/* All that came, its end included, within reason: time limits are found between two calls. False when nothing came. */
static bool hear_all(int fd, struct mote_session *session)
{
    int heard = 0;

    while (heard < HEAR_MAX && hear(fd, session)) {
        heard++;
    }
    return heard > 0;
}

/* The relay takes no more. What it said before it left may be the verdict; what cannot leave is dropped where its room
 * is needed to hear that. */
static void hear_last_words(int fd, struct mote_session *session)
{
    size_t len;

    do {
        if (mote_session_recv_buf(session, &len) == NULL && mote_session_send_buf(session, &len) != NULL) {
            mote_session_send_ack(session, len);
        }
    } while (hear(fd, session) && !(mote_session_poll(session, mote_posix_now_ms()) & MOTE_DONE));
    mote_session_fail(session, MOTE_CAUSE_LOST);
}

/* One try to write; push_out() follows when the session has said all. False when nothing could be written. */
static bool say(int fd, struct mote_session *session)
{
    size_t len;
    const void *buf = mote_session_send_buf(session, &len);
    ssize_t put;

    if (buf == NULL) {
        return false;
    }
    put = send(fd, buf, len, MSG_NOSIGNAL);
    if (put > 0) {
        mote_session_send_ack(session, (size_t)put);
    } else if (put == 0 || later(errno)) {
        return false;
    } else {
        hear_last_words(fd, session);
    }
    return true;
}

/* What the cork (connect.c) has held back leaves when TCP_NODELAY is set, even if it is set already (tcp(7)). From the second flight on
 * nothing waits for an acknowledgement where there is no cork, either. */
static void push_out(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Until the socket is ready for what the session wants, or one of its time limits passes. */
static void wait(int fd, struct mote_session *session)
{
    struct pollfd wanted = {.fd = fd};
    uint32_t wait_ms = mote_session_wait_ms(session);
    size_t len;

    if (mote_session_recv_buf(session, &len) != NULL) {
        wanted.events |= POLLIN;
    }
    if (mote_session_send_buf(session, &len) != NULL) {
        wanted.events |= POLLOUT;
    }
    if (wanted.events == 0) {
        wanted.fd = -1; /* else a closed connection would wake us again and again */
    }
    poll(&wanted, 1, (int)(wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS));
}

/* The verdict is known: QUIT and close_notify are worth one try, and leave with the end of the connection. */
static void take_leave(int fd, struct mote_session *session)
{
    int tries = 0;
    const void *buf;
    size_t len;

    while (tries < LEAVE_TRIES && (buf = mote_session_send_buf(session, &len)) != NULL) {
        ssize_t put = send(fd, buf, len, MSG_NOSIGNAL);

        if (put > 0) {
            mote_session_send_ack(session, (size_t)put);
        } else if (put < 0 && errno == EINTR) {
            tries++;
        } else {
            break;
        }
    }
    shutdown(fd, SHUT_WR);
}

/* The end of the mail is about to leave. It does not when the caller cannot store that it may have been sent (P9). */
static void ask_commit(struct mote_session *session, bool (*commit)(void *ctx), void *ctx)
{
    if (commit == NULL || commit(ctx)) {
        mote_session_commit(session);
    } else {
        mote_session_fail(session, MOTE_CAUSE_STORAGE);
    }
}

/* What was done last: SAID is the end of a flight, to which the answer takes its time. */
enum last { SAID, HEARD, HEARD_NOTHING };

void mote_posix_pump(int fd, struct mote_session *session, bool (*commit)(void *ctx), void *ctx)
{
    enum last last = HEARD_NOTHING;
    size_t len;

    for (;;) {
        uint8_t want = mote_session_poll(session, mote_posix_now_ms());
        bool more = mote_session_send_buf(session, &len) != NULL;

        if (want & MOTE_DONE) {
            break;
        }
        if (want & MOTE_WANT_MAIL) {
            return;
        }
        if (want & MOTE_WANT_COMMIT) {
            ask_commit(session, commit, ctx);
        } else if (more && last != SAID && say(fd, session)) {
            if (mote_session_send_buf(session, &len) == NULL) {
                push_out(fd);
                last = SAID;
            }
        } else {
            if (last == HEARD_NOTHING || (last == SAID && !more)) {
                wait(fd, session);
            }
            last = hear_all(fd, session) ? HEARD : HEARD_NOTHING;
        }
    }
    take_leave(fd, session);
}

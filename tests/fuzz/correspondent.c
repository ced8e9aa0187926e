/* SPDX-License-Identifier: MIT
 *
 * The other end of a session in clear: as much SMTP as tells who got which mail, and moods.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS_MAX = 20000 };

/* The mood: bits 0..2 refuse recipients; then where it refuses or breaks off; the last bits how, and what it offers. */
enum { AT_MAIL = 1, AT_DATA = 2, AT_END = 3, LOSE_MAIL = 4, LOSE_END = 5, LOSE_TAKEN = 6, AT_GREETING = 7 };

struct correspondent {
    unsigned mood;
    struct heard heard;
    void (*taken)(const struct heard *heard);
    char line[2048], say[4096];
    size_t line_len, say_len, chunk;
    bool in_text, lost;
};

static void say(struct correspondent *c, const char *text)
{
    size_t len = strlen(text);

    require(c->say_len + len <= sizeof c->say, "harness: the relay says too much");
    memcpy(c->say + c->say_len, text, len);
    c->say_len += len;
}

static bool at(const struct correspondent *c, unsigned place)
{
    return (c->mood >> 3 & 7) == place;
}

static void say_or_refuse(struct correspondent *c, bool refuse, const char *yes)
{
    say(c, !refuse ? yes : (c->mood & 64) != 0 ? "550 5.1.1 no\r\n" : "450 4.2.1 later\r\n");
}

static void end(struct correspondent *c)
{
    c->in_text = false;
    c->heard.taken = !at(c, AT_END) && !at(c, LOSE_END);
    if (c->heard.taken) {
        c->taken(&c->heard);
    }
    c->lost = at(c, LOSE_END) || at(c, LOSE_TAKEN);
    say_or_refuse(c, at(c, AT_END), "250 2.0.0 taken\r\n");
    c->heard = (struct heard){.mail = -1};
}

static bool is(const struct correspondent *c, const char *command)
{
    return strncmp(c->line, command, strlen(command)) == 0;
}

static void command(struct correspondent *c)
{
    unsigned rcpt = 0;

    if (is(c, "EHLO")) {
        say(c, (c->mood & 128) != 0 ? "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n" : "250 relay\r\n");
    } else if (is(c, "MAIL")) {
        c->heard = (struct heard){.mail = -1};
        c->lost = at(c, LOSE_MAIL);
        say_or_refuse(c, at(c, AT_MAIL), "250 2.1.0 ok\r\n");
    } else if (is(c, "RCPT")) {
        rcpt = sscanf(c->line, "RCPT TO:<r%1u@", &rcpt) == 1 && rcpt < DEVICE_RCPTS ? rcpt : 0;
        c->heard.accepted[rcpt] = (c->mood >> rcpt & 1) == 0;
        say_or_refuse(c, !c->heard.accepted[rcpt], "250 2.1.5 ok\r\n");
    } else if (is(c, "DATA")) {
        c->in_text = !at(c, AT_DATA);
        say_or_refuse(c, at(c, AT_DATA), "354 go\r\n");
    } else if (is(c, "BDAT ")) {
        c->chunk = (size_t)strtoul(c->line + 5, NULL, 10);
    } else {
        say(c, is(c, "QUIT") ? "221 bye\r\n" : "250 ok\r\n");
    }
}

static void line(struct correspondent *c, bool text)
{
    c->line[c->line_len] = 0;
    c->line_len = 0;
    if (!text) {
        command(c);
    } else if (c->in_text && strcmp(c->line, ".\r\n") == 0) {
        end(c);
    } else if (is(c, "Subject: mail ")) {
        c->heard.mail = atoi(c->line + 14);
    }
}

static void hear(struct correspondent *c, const uint8_t *octets, size_t len)
{
    for (; len != 0 && !c->lost; len--, octets++) {
        bool text = c->in_text || c->chunk != 0;

        if (c->line_len + 1 < sizeof c->line) {
            c->line[c->line_len++] = (char)*octets;
        }
        if (c->chunk != 0 && --c->chunk == 0) {
            line(c, true);
            end(c);
        } else if (*octets == '\n') {
            line(c, text);
        }
    }
}

void correspond(struct mote_session *session, bool fresh, uint32_t *now_ms, unsigned mood, void (*commit)(void),
                void (*taken)(const struct heard *heard))
{
    static struct correspondent c;
    uint8_t want = 0;

    if (fresh) {
        memset(&c, 0, sizeof c);
        c.mood = mood;
        c.taken = taken;
        c.heard.mail = -1;
        say(&c, at(&c, AT_GREETING) ? "421 4.3.2 not now\r\n" : "220 relay\r\n");
    }
    for (unsigned turn = 0; (want & (MOTE_DONE | MOTE_WANT_MAIL)) == 0; turn++) {
        size_t len;
        void *to;
        const void *from;

        require(turn < TURNS_MAX, "I6: the conversation goes on without end");
        want = mote_session_poll(session, *now_ms);
        if ((want & MOTE_WANT_COMMIT) != 0) {
            commit();
            continue;
        }
        from = mote_session_send_buf(session, &len);
        if (from != NULL) {
            hear(&c, from, len);
            mote_session_send_ack(session, len);
        }
        to = mote_session_recv_buf(session, &len);
        len = to == NULL ? 0 : c.say_len < len ? c.say_len : len;
        if (c.lost) {
            mote_session_fail(session, MOTE_CAUSE_LOST);
        } else if (len != 0) {
            memcpy(to, c.say, len);
            memmove(c.say, c.say + len, c.say_len -= len);
            mote_session_recv_ack(session, len);
        } else if (from == NULL && (want & (MOTE_DONE | MOTE_WANT_MAIL)) == 0) {
            *now_ms += mote_session_wait_ms(session);
        }
    }
}

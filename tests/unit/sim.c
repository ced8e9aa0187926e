/* SPDX-License-Identifier: MIT
 *
 * The relays of sim.h.
 */
#include "sim.h"
#include "tls_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char sim_close[] = "close", sim_mute[] = "mute";

static const char no_mail[] = "503 there is no mail";

static struct tls_peer peer;

static void note(struct sim *s, const char *word)
{
    size_t len = strlen(s->log);

    if (len != 0 && strchr("[]!", word[0]) == NULL && strchr("[]!", s->log[len - 1]) == NULL) {
        s->log[len++] = ' ';
    }
    assert_true(len + strlen(word) < sizeof s->log);
    memcpy(s->log + len, word, strlen(word) + 1);
}

static void say_octets(struct sim *s, const char *octets, size_t len)
{
    if (s->tls) {
        tls_peer_say(&peer, octets, len);
        return;
    }
    assert_true(s->say_len + len <= sizeof s->say);
    memcpy(s->say + s->say_len, octets, len);
    s->say_len += len;
}

/* Returns whether the answer is of this class. */
static bool answer(struct sim *s, const char *text, const char *good)
{
    text = text == NULL ? good : text;
    if (text == sim_close) {
        s->closed = true;
    } else if (text != sim_mute && !(s->said && s->relay->first_only)) {
        say_octets(s, text, strlen(text));
        say_octets(s, "\r\n", 2);
        s->said = true;
    }
    return text[0] == good[0];
}

static const struct sim_answers *answers_of(const struct sim *s)
{
    return s->secured ? &s->relay->tls : &s->relay->clear;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

/* The octets between < and >. */
static void path(const char *line, char *buf, size_t cap)
{
    const char *from = strchr(line, '<');
    size_t len = from == NULL ? 0 : strcspn(from + 1, ">");

    assert_true(from != NULL && len < cap);
    memcpy(buf, from + 1, len);
    buf[len] = 0;
}

static void take_starttls(struct sim *s)
{
    if (answer(s, s->relay->starttls, "220 go ahead")) {
        s->hello = true;
        s->closed |= s->relay->handshake == SIM_CLOSE;
    }
}

static void take_rcpt(struct sim *s, const struct sim_answers *answers)
{
    char address[128];
    unsigned i;

    path(s->line, address, sizeof address);
    i = (unsigned)(address[0] - 'a');
    assert_true(i < SIM_RCPTS);
    if (answer(s, s->mail ? answers->rcpt[i] : no_mail, "250 ok")) {
        s->to |= (uint8_t)(1u << i);
    }
}

static void take_ehlo(struct sim *s, const char *text)
{
    char offers[120];

    snprintf(offers, sizeof offers, "250-relay%s%s%s\r\n250 HELP", s->relay->pipelining ? "\r\n250-PIPELINING" : "",
             s->relay->chunking ? "\r\n250-CHUNKING" : "",
             s->secured        ? "\r\n250-AUTH PLAIN"
             : s->relay->plain ? ""
                               : "\r\n250-STARTTLS");
    answer(s, text, offers);
}

static void take_line(struct sim *s)
{
    const struct sim_answers *answers = answers_of(s);
    char verb[16] = "";

    sscanf(s->line, "%15s", verb);
    if (strcmp(verb, "QUIT") == 0) {
        s->closed = true;
        return;
    }
    note(s, verb);
    if (strcmp(verb, "EHLO") == 0) {
        take_ehlo(s, answers->ehlo);
    } else if (strcmp(verb, "HELO") == 0) {
        answer(s, answers->helo, "250 relay");
    } else if (strcmp(verb, "STARTTLS") == 0) {
        take_starttls(s);
    } else if (strcmp(verb, "AUTH") == 0) {
        answer(s, answers->auth, "235 welcome");
    } else if (strcmp(verb, "RSET") == 0) {
        s->mail = false;
        answer(s, NULL, "250 ok");
    } else if (strcmp(verb, "MAIL") == 0) {
        path(s->line, s->from, sizeof s->from);
        s->to = 0;
        s->text_len = 0;
        if (s->relay->mails != 0 && s->mails == s->relay->mails) {
            s->closed = s->relay->enough == NULL;
            s->mail = answer(s, s->closed ? "421 4.7.0 enough" : s->relay->enough, "250 ok");
            return;
        }
        if (s->offered != NULL) {
            s->offered(s->ctx, s);
        }
        s->mail = answer(s, answers->mail, "250 ok");
    } else if (strcmp(verb, "RCPT") == 0) {
        take_rcpt(s, answers);
    } else if (strcmp(verb, "DATA") == 0) {
        s->data = answer(s, s->to != 0 ? answers->data : no_mail, "354 go on");
    } else if (strcmp(verb, "BDAT") == 0) {
        s->chunk = (size_t)strtoul(s->line + 5, NULL, 10);
    } else {
        fail_msg("not a command: %s", s->line);
    }
}

/* A mail has come whole. */
static void take_mail(struct sim *s, const char *text)
{
    s->text[s->text_len] = 0;
    note(s, ".");
    if (s->to == 0) {
        text = no_mail;
    } else if (s->came != NULL) {
        s->came(s->ctx, s, text);
    }
    answer(s, text, "250 taken");
    s->mails++;
    s->closed |= s->relay->rude && s->mails == s->relay->mails;
}

static void take_text(struct sim *s, char octet)
{
    assert_true(s->text_len + 1 < sizeof s->text);
    s->text[s->text_len++] = octet;
    if (s->chunk != 0) {
        if (--s->chunk == 0) {
            take_mail(s, answers_of(s)->bdat != NULL ? answers_of(s)->bdat : answers_of(s)->end);
        }
    } else if ((s->text_len == 3 && memcmp(s->text, ".\r\n", 3) == 0) ||
               (s->text_len >= 5 && memcmp(s->text + s->text_len - 5, "\r\n.\r\n", 5) == 0)) {
        s->text_len -= 3;
        s->data = false;
        take_mail(s, answers_of(s)->end);
    }
}

static void take(struct sim *s, const void *octets, size_t len)
{
    const char *in = octets;

    for (; len != 0 && !s->closed; in++, len--) {
        if (s->data || s->chunk != 0) {
            take_text(s, *in);
            continue;
        }
        assert_true(s->line_len + 1 < sizeof s->line);
        s->line[s->line_len++] = *in;
        if (*in == '\n') {
            s->line[s->line_len] = 0;
            s->line_len = 0;
            take_line(s);
        }
    }
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

static void greet(struct sim *s)
{
    answer(s, s->relay->greeting, "220 relay");
}

/* The first octets of the handshake are here. */
static void take_hello(struct sim *s)
{
    s->hello = false;
    s->dead = s->relay->handshake != SIM_GOOD;
    switch (s->relay->handshake) {
    case SIM_GOOD:
        tls_peer_init(&peer);
        tls_peer_start(&peer);
        s->tls = true;
        break;
    case SIM_GARBAGE: say_octets(s, "454 TLS not available today\r\n", 29); break;
    case SIM_ALERT:
        say_octets(s, "\x15\x03\x01\0\x02\x02\x28", 7);
        s->closed = true;
        break;
    default: s->closed = s->relay->handshake == SIM_CLOSE; break;
    }
}

static void hear(struct sim *s, const void *octets, size_t len)
{
    if (s->hello) {
        take_hello(s);
    }
    if (s->closed || s->dead) {
        return;
    }
    if (!s->tls) {
        take(s, octets, len);
        return;
    }
    tls_peer_take(&peer, octets, len);
    if (!s->secured && (br_ssl_engine_current_state(&peer.server.eng) & BR_SSL_SENDAPP) != 0) {
        s->secured = true;
        note(s, "(tls)");
        if (s->relay->implicit) {
            greet(s);
        }
    }
    if (peer.heard != 0) {
        len = peer.heard;
        peer.heard = 0;
        take(s, peer.heard_octets, len);
    }
}

/* Octets for the client, at most cap. */
static size_t give(struct sim *s, void *buf, size_t cap)
{
    size_t n = s->say_len - s->say_at;

    if (s->said) {
        s->said = false;
        s->now_ms += s->relay->slow_ms;
    }
    if (n != 0) {
        n = n < cap ? n : cap;
        memcpy(buf, s->say + s->say_at, n);
        s->say_at += n;
        if (s->say_at == s->say_len) {
            s->say_at = s->say_len = 0;
        }
    } else if (s->tls) {
        n = peer.wire_len - peer.wire_at;
        n = n < cap ? n : cap;
        memcpy(buf, peer.wire + peer.wire_at, n);
        peer.wire_at += n;
        if (peer.wire_at == peer.wire_len) {
            peer.wire_at = peer.wire_len = 0;
        }
    }
    return n;
}

/* ---- The port ---------------------------------------------------------------------------------------------------- */

void sim_set(struct sim *s)
{
    memset(s, 0, sizeof *s);
}

void sim_connect(struct sim *s, struct mote_delivery *d)
{
    size_t i = (size_t)(d->relay - d->relays);
    char number[2] = {(char)('1' + i), 0};

    note(s, number);
    s->relay = &s->relays[i];
    if (s->relay->down != 0) {
        note(s, "!");
        mote_delivery_unreachable(d, s->relay->down);
        return;
    }
    s->secured = s->mail = s->hello = s->tls = s->dead = s->data = s->said = s->closed = false;
    s->line_len = s->say_at = s->say_len = s->chunk = 0;
    s->mails = 0;
    note(s, "[");
    mote_delivery_connected(d);
    if (s->relay->implicit) {
        s->hello = true;
    } else {
        greet(s);
    }
}

uint8_t sim_talk(struct sim *s, struct mote_session *session)
{
    for (;;) {
        uint8_t want = mote_session_poll(session, s->now_ms - (s->polls++ % 2 != 0 ? s->back_ms : 0));
        const void *out;
        void *in;
        size_t len = 0;
        bool moved = false;

        while ((out = mote_session_send_buf(session, &len)) != NULL) {
            hear(s, out, len);
            mote_session_send_ack(session, len);
            moved = true;
        }
        if ((want & MOTE_DONE) != 0) {
            note(s, "]");
            return MOTE_DONE;
        }
        if (moved) {
            continue;
        }
        if ((want & MOTE_WANT_MAIL) != 0) {
            return MOTE_WANT_MAIL;
        }
        if ((in = mote_session_recv_buf(session, &len)) != NULL && (len = give(s, in, len)) != 0) {
            mote_session_recv_ack(session, len);
        } else if (s->closed) {
            mote_session_fail(session, MOTE_CAUSE_LOST);
        } else if ((want & MOTE_WANT_COMMIT) != 0) {
            return MOTE_WANT_COMMIT;
        } else {
            s->now_ms += mote_session_wait_ms(session);
        }
    }
}

const struct mote_result *sim_attempt(struct sim *s, struct mote_delivery *d)
{
    uint32_t start_ms = s->now_ms, start_s = d->now_s;
    uint8_t step;

    s->log[0] = 0;
    while ((d->now_s = start_s + (s->now_ms - start_ms) / 1000, step = mote_delivery_next(d)) != MOTE_FINISHED) {
        if (step == MOTE_CONNECT) {
            sim_connect(s, d);
        } else {
            assert_int_equal(step, MOTE_TALK);
            sim_talk(s, d->session);
        }
    }
    return mote_delivery_result(d);
}

/* SPDX-License-Identifier: MIT
 *
 * Plays a transcript in a session, with real TLS in memory: what the relay says goes through BearSSL's server, and what it hears is
 * compared flight by flight. The connection moves as few octets at once as a test likes.
 */
#include "mailmote_session.h"
#include "tls_peer.h"
#include "transcript.h"

#include <stdio.h>
#include <string.h>

struct run {
    const struct script *script;
    const struct script_wire *how;
    const struct script_event *event;
    struct script_mail mail;
    struct mote_relay relay;
    struct mote_session_setup setup;
    struct mote_session session;
    uint32_t now_ms;
    uint8_t tls, last;
    size_t said;  /* octets of the client in the flights that were compared */
    size_t heard; /* octets of the relay on the wire or beyond */
    size_t until; /* where the last of them are on the wire */
    size_t column;
};

static struct tls_peer peer;

static const char *what(const struct run *r)
{
    static const char *const trusts[] = {"opportunistic", "anchors", "pin"};
    static char text[160];

    snprintf(text, sizeof text, "session; %s%s; buffer %zu; %zu octets at once%s%s", trusts[r->how->trust],
             r->how->wrapped ? ", wrapped in TLS" : "", r->how->buf_len, r->how->step == SIZE_MAX ? 0 : r->how->step,
             r->how->cut ? ", cut" : "", r->how->close_notify ? ", close_notify" : "");
    return text;
}

#define FAIL(r, ...) script_fail((r)->script, what(r), (r)->event, __VA_ARGS__)

/* ---- The connection ---------------------------------------------------------------------------------------------- */

/* The connection is lost here; then all is as before. Only session, buffer and mail can have changed. */
static void look_cut(struct run *r)
{
    static uint8_t records[MOTE_SESSION_BUF_FULL];
    struct run before = *r;
    size_t under_way = r->until > peer.wire_at ? r->until - peer.wire_at : 0;
    struct script_break b = {MOTE_CAUSE_LOST, r->heard, r->said + peer.heard, SIZE_MAX, false};

    b.unread = peer.tls;
    if (under_way != 0) {
        b.heard -= peer.tls ? 1 : under_way; /* a record is nothing before it is whole */
    }
    memcpy(records, r->setup.buf, r->setup.buf_len);
    mote_session_fail(&r->session, MOTE_CAUSE_LOST);
    if ((mote_session_poll(&r->session, r->now_ms) & MOTE_DONE) == 0) {
        FAIL(r, "not done though the connection is lost");
    }
    script_check_break(&before.mail, &before.session.engine, &r->mail, &r->session.engine, what(r), r->event, &b);
    *r = before;
    memcpy(r->setup.buf, records, r->setup.buf_len);
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t n = a < b ? a : b;

    return n < c ? n : c;
}

/* One try to move octets, listening before speaking. At most limit octets reach a relay that listens in clear. */
static bool move(struct run *r, size_t limit)
{
    size_t len, n;
    void *room;
    const void *data;

    mote_session_poll(&r->session, r->now_ms);
    room = peer.wire_at < peer.wire_len ? mote_session_recv_buf(&r->session, &len) : NULL;
    if (room != NULL) {
        n = least(len, peer.wire_len - peer.wire_at, r->how->step);
        memcpy(room, peer.wire + peer.wire_at, n);
        peer.wire_at += n;
        mote_session_recv_ack(&r->session, n);
        return true;
    }
    data = mote_session_send_buf(&r->session, &len);
    if (data == NULL || limit == 0) {
        return false;
    }
    n = least(len, peer.tls ? len : limit, r->how->step);
    tls_peer_take(&peer, data, n);
    mote_session_send_ack(&r->session, n);
    return true;
}

/* Moves octets until nothing moves, or the relay has heard limit octets in clear. */
static uint8_t pump(struct run *r, size_t limit)
{
    while (move(r, limit - peer.heard)) {
        if (r->how->cut) {
            look_cut(r);
        }
    }
    return mote_session_poll(&r->session, r->now_ms);
}

/* ---- The two sides ----------------------------------------------------------------------------------------------- */

static void server(struct run *r)
{
    const struct script_event *event = r->event;

    tls_peer_say(&peer, event->data, event->len);
    r->heard += event->len;
    r->until = peer.wire_len;
    if (event + 1 == r->script->events + r->script->event_count ||
        ((event + 1)->kind != EVENT_TLS && (event + 1)->kind != EVENT_CLIENT)) {
        pump(r, SIZE_MAX); /* the others know how far the client may go now */
    }
}

static void client(struct run *r)
{
    const struct script_event *event = r->event;
    size_t common = 0;

    pump(r, event->partial ? event->len : SIZE_MAX);
    while (common < peer.heard && common < event->len && peer.heard_octets[common] == event->data[common]) {
        common++;
    }
    if (common != event->len || common != peer.heard) {
        FAIL(r, "the relay heard %zu octets, should %zu, and they differ from octet %zu on: %.*s (error %d, %d)",
             peer.heard, event->len, common, (int)least(peer.heard - common, 60, 60),
             (const char *)peer.heard_octets + common, br_ssl_engine_last_error(&r->session.client.eng),
             tls_peer_error(&peer));
    }
    script_check_lines(r->script, what(r), event, peer.heard_octets, peer.heard, &r->column, &r->last);
    r->said += peer.heard;
    peer.heard = 0;
}

static void close_connection(struct run *r)
{
    if (r->how->close_notify && peer.tls) {
        tls_peer_close(&peer);
        pump(r, SIZE_MAX);
        if ((mote_session_poll(&r->session, r->now_ms) & MOTE_DONE) == 0) {
            FAIL(r, "not done after a close_notify");
        }
    }
    mote_session_fail(&r->session, MOTE_CAUSE_LOST);
    peer.heard = 0; /* the relay has not listened any more */
}

static void check_kept(struct run *r)
{
    if ((pump(r, SIZE_MAX) & (MOTE_WANT_MAIL | MOTE_DONE)) != MOTE_WANT_MAIL) {
        FAIL(r, "the session does not wait for another mail");
    }
}

static void happen(struct run *r)
{
    switch (r->event->kind) {
    case EVENT_SERVER: server(r); break;
    case EVENT_CLIENT: client(r); break;
    case EVENT_TLS:
        tls_peer_start(&peer);
        pump(r, SIZE_MAX);
        r->tls = MOTE_TLS_TRIED | MOTE_TLS_SECURED;
        break;
    case EVENT_COMMIT:
        if ((pump(r, SIZE_MAX) & MOTE_WANT_COMMIT) == 0) {
            FAIL(r, "the session does not ask to commit now");
        }
        mote_session_commit(&r->session);
        break;
    case EVENT_CLOSE: close_connection(r); break;
    case EVENT_QUIT:
        check_kept(r);
        mote_session_quit(&r->session);
        break;
    default: /* time passes; whoever was interrupted stays so */
        pump(r, r->event != r->script->events && (r->event - 1)->partial ? 0 : SIZE_MAX);
        r->now_ms += r->event->ms;
        mote_session_poll(&r->session, r->now_ms);
        break;
    }
    if (r->event->kind == EVENT_CLIENT && r->event->len >= 10 &&
        memcmp(r->event->data + r->event->len - 10, "STARTTLS\r\n", 10) == 0) {
        r->tls = MOTE_TLS_TRIED;
    }
}

/* ---- Set up ------------------------------------------------------------------------------------------------------ */

/* The engine's own rules, and what a connection cannot be made to do: octets that come too early come in one piece, and BearSSL's one
 * buffer does not hear the relay while the mail leaves. */
static bool playable(const struct script *s, const struct script_wire *how)
{
    size_t room = how->buf_len / 2;
    bool in_tls = how->wrapped || s->tls == MOTE_TLS_IMPLICIT;

    if (s->only_engine || (how->wrapped && (s->tls != MOTE_TLS_CLEAR || s->only_clear)) ||
        (!s->opportunistic && how->trust == TRUST_OPPORTUNISTIC)) {
        return false;
    }
    if (s->opportunistic && !how->wrapped && how->trust != TRUST_OPPORTUNISTIC) {
        return false;
    }
    for (unsigned i = 0; i < s->event_count; i++) {
        const struct script_event *e = &s->events[i];

        in_tls = in_tls || e->kind == EVENT_TLS;
        if ((e->partial && (in_tls || room >= s->text_len / 2)) ||
            (s->glued && e->kind == EVENT_SERVER && (e->len > room || how->step < e->len))) {
            return false;
        }
    }
    return true;
}

static bool keeps(const struct script *s)
{
    return s->then != NULL || s->keep;
}

static void set_up(struct run *r)
{
    static const uint8_t entropy[32] = "as many octets for the client!!";
    const struct script *s = r->script;
    struct mote_trust *trust = &r->relay.trust;

    script_mail_init(&r->mail, s, 0);
    r->relay.tls = r->how->wrapped ? MOTE_TLS_IMPLICIT : s->tls == MOTE_TLS_CLEAR ? MOTE_TLS_STARTTLS : s->tls;
    r->relay.login = s->login;
    if (r->how->trust == TRUST_OPPORTUNISTIC) {
        mote_trust_opportunistic(trust, NULL);
    } else if (r->how->trust == TRUST_ANCHORS) {
        mote_trust_anchors(trust, &tls_peer_anchor, 1, tls_peer_name);
    } else {
        mote_trust_pin(trust, tls_peer_pin, tls_peer_name);
    }
    r->setup.helo = s->helo;
    r->setup.clear = s->tls == MOTE_TLS_CLEAR && !r->how->wrapped && !keeps(s);
    r->setup.keep = keeps(s);
    r->setup.hold = s->hold;
    r->setup.plain = s->plain;
    r->setup.buf = script_room(REGION_RECORDS, r->how->buf_len);
    r->setup.buf_len = r->how->buf_len;
    r->setup.entropy = r->setup.clear ? NULL : entropy;
    r->setup.unix_s = r->how->trust == TRUST_ANCHORS ? tls_peer_date : 0;
    r->setup.start_ms = r->now_ms;
    r->tls = r->relay.tls == MOTE_TLS_IMPLICIT ? MOTE_TLS_TRIED : 0;
    tls_peer_init(&peer);
    mote_session_init(&r->session, &r->relay, &r->mail.mail, &r->setup);
}

static const struct script *next_mail(struct run *r)
{
    const struct script *s = r->script = r->script->then;

    r->heard = r->said = 0;
    script_mail_init(&r->mail, s, 0);
    r->setup.hold = s->hold;
    r->setup.plain = s->plain;
    r->setup.keep = keeps(s);
    r->setup.start_ms = r->now_ms;
    mote_session_next(&r->session, &r->mail.mail);
    return s;
}

static void play(struct run *r)
{
    const struct script *s = r->script;
    static const struct script_event begin = {.kind = EVENT_TLS};

    r->event = &begin;
    if (r->how->wrapped) {
        happen(r);
    }
    for (;;) {
        for (r->event = s->events; r->event < s->events + s->event_count; r->event++) {
            happen(r);
        }
        r->event--;
        pump(r, SIZE_MAX);
        if (s->then == NULL) {
            break;
        }
        check_kept(r);
        script_check(&r->mail, what(r), &r->session.engine, r->tls);
        s = next_mail(r);
    }
    if ((mote_session_poll(&r->session, r->now_ms) & MOTE_DONE) == 0) {
        FAIL(r, "the session is not done");
    }
    if (peer.heard != 0) {
        FAIL(r, "the relay heard more: %.*s", (int)least(peer.heard, 60, 60), (const char *)peer.heard_octets);
    }
    if (r->session.engine.quitting && tls_peer_error(&peer) != BR_ERR_OK) {
        FAIL(r, "the relay's TLS ended with error %d", tls_peer_error(&peer));
    }
    script_check(&r->mail, what(r), &r->session.engine, r->tls);
}

bool script_play_session(const struct script *script, const struct script_wire *how)
{
    static struct run run;

    if (!playable(script, how)) {
        return false;
    }
    memset(&run, 0, sizeof run);
    run.script = script;
    run.how = how;
    run.now_ms = UINT32_MAX - 1000;
    set_up(&run);
    play(&run);
    return true;
}

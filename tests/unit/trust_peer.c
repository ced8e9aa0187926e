/* SPDX-License-Identifier: MIT
 *
 * The relay of trust_peer.h. It is friendly: whatever a command is, the answer is yes.
 */
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- SMTP -------------------------------------------------------------------------------------------------------- */

static void say(struct trust_peer *p, const char *text)
{
    size_t len = strlen(text);

    assert_true(p->say_len + len <= sizeof p->say);
    memcpy(p->say + p->say_len, text, len);
    p->say_len += len;
}

static bool is(const struct trust_peer *p, const char *command)
{
    return strncmp(p->line, command, strlen(command)) == 0;
}

static void command(struct trust_peer *p)
{
    if (p->in_login != 0) {
        say(p, --p->in_login != 0 ? "334 go on\r\n" : p->refuses_token ? "535 no\r\n" : "235 welcome\r\n");
    } else if (is(p, "EHLO")) {
        const char *offers = p->in_tls ? p->offers : p->clear_offers;

        say(p, offers != NULL ? offers : p->in_tls ? "250 relay\r\n" : "250-relay\r\n250 STARTTLS\r\n");
    } else if (is(p, "STARTTLS")) {
        say(p, "220 go\r\n");
        p->going = true;
    } else if (is(p, "AUTH ")) {
        p->in_login = is(p, "AUTH LOGIN\r") ? 2 : p->refuses_token || strchr(p->line + 5, ' ') == NULL;
        say(p, p->in_login != 0 ? "334 go on\r\n" : "235 welcome\r\n");
    } else if (is(p, "DATA")) {
        p->in_data = true;
        say(p, "354 go\r\n");
    } else if (is(p, "BDAT ")) {
        p->chunk = (size_t)strtoul(p->line + 5, NULL, 10);
    } else if (is(p, "QUIT")) {
        say(p, "221 bye\r\n");
    } else {
        say(p, "250 ok\r\n");
    }
}

static void line(struct trust_peer *p)
{
    p->line[p->line_len] = 0;
    p->line_len = 0;
    if (!p->in_data) {
        assert_true(p->heard_len + strlen(p->line) < sizeof p->heard);
        p->heard_len += (size_t)sprintf(p->heard + p->heard_len, "%s", p->line);
        command(p);
    } else if (strcmp(p->line, ".\r\n") == 0) {
        p->in_data = false;
        p->mails = true;
        say(p, "250 taken\r\n");
    }
}

static void hear(struct trust_peer *p, const uint8_t *octets, size_t len)
{
    for (; len != 0; len--, octets++) {
        if (p->chunk != 0) {
            if (--p->chunk == 0) {
                p->mails = true;
                say(p, "250 taken\r\n");
            }
            continue;
        }
        assert_true(p->line_len + 1 < sizeof p->line);
        p->line[p->line_len++] = (char)*octets;
        if (*octets == '\n') {
            line(p);
        }
    }
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

/* BearSSL's own. */
void br_ssl_engine_new_max_frag_len(br_ssl_engine_context *eng, unsigned len);

/* A relay with a will of its own. */
static int force(const br_ssl_server_policy_class **ctx, const br_ssl_server_context *tls,
                 br_ssl_server_choices *choices)
{
    struct trust_peer *p = (struct trust_peer *)((uintptr_t)tls - offsetof(struct trust_peer, tls));

    if (p->grants_nothing) {
        p->tls.eng.peer_log_max_frag_len = 0;
        br_ssl_engine_new_max_frag_len(&p->tls.eng, 16384);
    }
    if (p->forced != 0) {
        p->tls.curves = (uint32_t)1 << p->forced;
        choices->cipher_suite = BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
        choices->algo_id = 0xff00 + br_sha256_ID;
        choices->chain = p->ders;
        choices->chain_len = 1;
        return 1;
    }
    if (p->chooser->choose(ctx, tls, choices) == 0) {
        return 0;
    }
    choices->algo_id = p->sha1 ? 0xff00 + br_sha1_ID : choices->algo_id;
    return 1;
}

static void begin_tls(struct trust_peer *p)
{
    static unsigned char nobody[] = {0x30, 0};
    static const br_x500_name names[] = {{nobody, sizeof nobody}};
    br_ssl_engine_context *eng = &p->tls.eng;
    static const unsigned char entropy[32] = "not random at all: who cares";
    size_t n = 0;

    p->in_tls = true;
    for (; n < PEER_CHAIN && p->chain[n].len != 0; n++) {
        p->ders[n].data = p->chain[n].der;
        p->ders[n].data_len = p->chain[n].len;
    }
    if (p->raw != NULL) {
        p->ders[0] = (br_x509_certificate){(unsigned char *)(uintptr_t)p->raw->data, p->raw->len};
    }
    n = p->no_chain ? 0 : n;
    if (trust_key_is_rsa(p->key)) {
        br_ssl_server_init_full_rsa(&p->tls, p->ders, n, trust_key_rsa(p->key));
    } else {
        br_ssl_server_init_full_ec(&p->tls, p->ders, n, BR_KEYTYPE_EC, trust_key_ec(p->key));
    }
    if (p->version_min != 0) {
        br_ssl_engine_set_versions(eng, p->version_min, p->version_max);
    }
    for (n = 0; n < 4 && p->suites[n] != 0; n++) {
    }
    if (n != 0) {
        br_ssl_engine_set_suites(eng, p->suites, n);
    }
    if (p->asks || p->insists) {
        br_x509_minimal_init_full(&p->clients, NULL, 0);
        br_ssl_engine_set_x509(eng, &p->clients.vtable);
        br_ssl_server_set_trust_anchor_names(&p->tls, names, 1);
        br_ssl_engine_set_default_rsavrfy(eng);
        br_ssl_engine_set_default_ecdsa(eng);
        br_ssl_engine_add_flags(eng, p->insists ? 0 : BR_OPT_TOLERATE_NO_CLIENT_AUTH);
    }
    if (p->ec != NULL) {
        br_ssl_engine_set_ec(eng, p->ec);
    }
    if (p->forced != 0 || p->sha1 || p->grants_nothing) {
        p->chooser = p->tls.chain_handler.vtable;
        p->policy = *p->chooser;
        p->policy.choose = force;
        p->tls.chain_handler.vtable = &p->policy;
    }
    br_ssl_engine_set_buffer(eng, p->io, sizeof p->io, 1);
    br_ssl_engine_inject_entropy(eng, entropy, sizeof entropy);
    assert_int_equal(br_ssl_server_reset(&p->tls), 1);
    if (p->record != 0) {
        br_ssl_engine_new_max_frag_len(eng, p->record);
    }
}

static void look(struct trust_peer *p)
{
    br_ssl_engine_context *eng = &p->tls.eng;
    br_ssl_session_parameters session;

    p->secured = true;
    br_ssl_engine_get_session_parameters(eng, &session);
    p->version = session.version;
    p->suite = session.cipher_suite;
    snprintf(p->server_name, sizeof p->server_name, "%s", br_ssl_engine_get_server_name(eng));
    p->fragment = eng->max_frag_len;
    if (p->fragments) {
        eng->max_frag_len = 16384;
    }
    if (p->implicit) {
        say(p, "220 relay\r\n");
    }
}

/* Moves octets inside the relay; false when there was nothing to do. */
static bool turn_tls(struct trust_peer *p)
{
    br_ssl_engine_context *eng = &p->tls.eng;
    unsigned char *buf;
    size_t len;

    if ((br_ssl_engine_current_state(eng) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)) != 0 && !p->secured) {
        look(p);
        return true;
    }
    buf = br_ssl_engine_recvapp_buf(eng, &len);
    if (buf != NULL) {
        hear(p, buf, len);
        br_ssl_engine_recvapp_ack(eng, len);
        if (p->renegotiates && p->say_len != 0) {
            assert_int_equal(br_ssl_engine_renegotiate(eng), 1);
            p->renegotiates = false;
        }
        return true;
    }
    buf = br_ssl_engine_sendapp_buf(eng, &len);
    if (buf != NULL && p->say_len != 0) {
        len = p->say_len < len ? p->say_len : len;
        memcpy(buf, p->say, len);
        memmove(p->say, p->say + len, p->say_len -= len);
        br_ssl_engine_sendapp_ack(eng, len);
        br_ssl_engine_flush(eng, 0);
        return true;
    }
    return false;
}

/* ---- The wire ---------------------------------------------------------------------------------------------------- */

/* Takes at most len octets of the client; returns how many. */
static size_t take(struct trust_peer *p, const uint8_t *octets, size_t len)
{
    if (p->in_tls) {
        size_t room;
        unsigned char *buf = br_ssl_engine_recvrec_buf(&p->tls.eng, &room);

        if (buf == NULL) {
            return 0;
        }
        len = len < room ? len : room;
        memcpy(buf, octets, len);
        br_ssl_engine_recvrec_ack(&p->tls.eng, len);
        return len;
    }
    assert_true(p->wire_len + len <= sizeof p->wire);
    memcpy(p->wire + p->wire_len, octets, len);
    p->wire_len += len;
    hear(p, octets, len);
    return len;
}

/* Gives the client at most len octets; returns how many. */
static size_t give(struct trust_peer *p, uint8_t *octets, size_t len)
{
    if (p->in_tls) {
        size_t n;
        const unsigned char *buf = br_ssl_engine_sendrec_buf(&p->tls.eng, &n);

        if (buf == NULL) {
            return 0;
        }
        if (p->secured && n > p->record_max) {
            p->record_max = n;
        }
        len = len < n ? len : n;
        memcpy(octets, buf, len);
        br_ssl_engine_sendrec_ack(&p->tls.eng, len);
        return len;
    }
    len = len < p->say_len ? len : p->say_len;
    memcpy(octets, p->say, len);
    memmove(p->say, p->say + len, p->say_len -= len);
    if (p->say_len == 0 && p->going) {
        p->going = false;
        begin_tls(p);
    }
    return len;
}

void trust_talk(struct mote_session *s, struct trust_peer *p)
{
    bool moved = true;
    uint32_t now_ms = 0;

    if (p->implicit) {
        begin_tls(p);
    } else {
        say(p, "220 relay\r\n");
    }
    while (moved) {
        uint8_t want = mote_session_poll(s, now_ms++);
        size_t len, n;
        const void *out = mote_session_send_buf(s, &len);
        void *in = mote_session_recv_buf(s, &n);

        assert_int_equal((want & MOTE_WANT_SEND) != 0, out != NULL);
        assert_int_equal((want & MOTE_WANT_RECV) != 0, in != NULL);
        moved = false;
        if (out != NULL) {
            n = take(p, out, len);
            mote_session_send_ack(s, n);
            moved = n != 0;
        }
        while (p->in_tls && turn_tls(p)) {
            moved = true;
        }
        in = mote_session_recv_buf(s, &len);
        if (!moved && in != NULL) {
            n = give(p, in, p->piece != 0 && p->piece < len ? p->piece : len);
            mote_session_recv_ack(s, n);
            moved = n != 0;
        }
        if (!moved && (want & MOTE_DONE) == 0) {
            /* the relay has no more to say: it is a lost connection when it is a closed one */
            assert_true(p->in_tls && br_ssl_engine_current_state(&p->tls.eng) == BR_SSL_CLOSED);
            mote_session_fail(s, MOTE_CAUSE_LOST);
            mote_session_poll(s, now_ms);
        }
        assert_true(now_ms < 100000);
    }
}

/* ---- The bench --------------------------------------------------------------------------------------------------- */

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char text[] = "Subject: trust\r\n\r\nThe text of the mail.\r\n";
    size_t len = offset < sizeof text - 1 ? sizeof text - 1 - offset : 0;

    len = len < cap ? len : cap;
    memcpy(buf, text + offset, len);
    return len;
}

static void trace(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    struct trust_bench *b = ctx;

    assert_true(who == 'C' || who == 'S');
    assert_true(step <= MOTE_STEP_RSET);
    assert_true(b->trace_len + len < sizeof b->trace);
    memcpy(b->trace + b->trace_len, data, len);
    b->trace_len += len;
}

void trust_bench_set(struct trust_bench *b)
{
    static const uint8_t entropy[32] = "thirty-two octets, never random";

    memset(b, 0, sizeof *b);
    b->relay.host = "mail.example.test";
    b->setup.helo = "device.example.test";
    b->setup.buf = b->buf;
    b->setup.buf_len = sizeof b->buf;
    b->setup.entropy = entropy;
    b->setup.unix_s = BENCH_NOW;
    b->setup.trace.octets = trace;
    b->setup.trace.ctx = b;
    b->rcpt.address = "b@example.test";
    b->mail.from = "a@example.test";
    b->mail.rcpts = &b->rcpt;
    b->mail.rcpt_count = 1;
    b->mail.read = read_text;
    assert_int_equal(mote_mail_measure(&b->mail), MOTE_CAUSE_NONE);
}

void trust_bench_certify(struct trust_bench *b, const struct trust_spec *spec)
{
    size_t n = 0;

    while (b->peer.chain[n].len != 0) {
        n++;
    }
    assert_true(n < PEER_CHAIN);
    trust_cert_make(&b->peer.chain[n], spec);
    if (n == 0) {
        b->peer.key = spec->key;
    }
}

void trust_bench_kind(struct trust_bench *b, enum trust_kind kind, const struct trust_spec *leaf)
{
    static struct trust_anchor anchor;
    static struct trust_cert cert;
    struct mote_trust *trust = &b->relay.trust;
    uint8_t pin[32], unused[32];

    trust_bench_set(b);
    trust_bench_certify(b, leaf);
    if (cert.len == 0) {
        trust_cert_make(&cert, &(struct trust_spec){.cn = "Test CA", .key = P_256_CA, .signer = P_256_CA, .ca = true});
        trust_anchor_set(&anchor, &cert);
    }
    if (kind == OPPORTUNISTIC) {
        mote_trust_opportunistic(trust, b->relay.host);
    } else if (kind == PIN) {
        trust_key_pin(leaf->key, pin, unused);
        mote_trust_pin(trust, pin, b->relay.host);
    } else if (kind == ANCHORS) {
        mote_trust_anchors(trust, &anchor.anchor, 1, b->relay.host);
    } else {
        mote_trust_anchors_small(trust, &anchor.anchor, 1, b->relay.host, &br_ec_prime_i31);
    }
}

uint8_t trust_bench_run(struct trust_bench *b)
{
    const struct mote_result *result = mote_session_result(&b->session);

    b->peer.implicit = b->relay.tls == MOTE_TLS_IMPLICIT;
    mote_session_init(&b->session, &b->relay, &b->mail, &b->setup);
    trust_talk(&b->session, &b->peer);
    if (result->cause == MOTE_CAUSE_NONE) {
        assert_int_equal(result->verdict, MOTE_DELIVERED);
        assert_int_equal(result->tls, MOTE_TLS_TRIED | MOTE_TLS_SECURED);
        assert_string_equal(b->peer.heard + b->peer.heard_len - 6, "QUIT\r\n");
        /* by a close_notify, which it answers */
        assert_int_equal(
            br_ssl_engine_current_state(&b->peer.tls.eng) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP | BR_SSL_RECVREC), 0);
        assert_int_equal(br_ssl_engine_last_error(&b->peer.tls.eng), BR_ERR_OK);
        assert_true(b->peer.secured && b->peer.mails);
        assert_null(strstr(b->peer.wire, "MAIL"));
    } else {
        assert_int_equal(result->verdict, MOTE_DEFERRED);
        assert_int_equal(result->step, MOTE_STEP_HANDSHAKE);
        assert_int_equal(result->tls, MOTE_TLS_TRIED);
        assert_int_equal(b->rcpt.result.cause, result->cause);
        assert_false(b->peer.mails);
        assert_null(strstr(b->peer.heard, "MAIL"));
        assert_null(strstr(b->peer.heard, "AUTH"));
    }
    return result->cause;
}

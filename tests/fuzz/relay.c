/* SPDX-License-Identifier: MIT
 *
 * The relay of relay.h. Its keys and its entropy never change, so that an input says all.
 */
#include "relay.h"
#include "memo.h"
#include "server.h"

#include <stdlib.h>
#include <string.h>

static struct relay *relay; /* the one at work: BearSSL's hooks have no argument for it */

/* ---- SMTP -------------------------------------------------------------------------------------------------------- */

static void reply(struct relay *r, const char *text)
{
    static uint8_t octets[24000];
    size_t len = strlen(text);

    memcpy(octets, text, len);
    len = tamper_reply(r, octets, len, sizeof octets);
    r->in_text = r->in_text && len != 0 && octets[0] == '3';
    len = len < sizeof r->speech - r->speech_len ? len : 0;
    memcpy(r->speech + r->speech_len, octets, len);
    r->speech_len += len;
}

static bool is(const struct relay *r, const char *command)
{
    return strncmp(r->line, command, strlen(command)) == 0;
}

/* The mood: bits 0..2 refuse recipients, 3 to 5 MAIL, DATA or the end of the mail, 6 and 7 say how. */
static const char *or_refuse(const struct relay *r, unsigned bit, const char *yes)
{
    static const char *const how[] = {"450 4.2.1 later\r\n", "550-5.1.1 no such\r\n550 5.1.1 user\r\n",
                                      "421 4.3.2 bye\r\n", "552 5.2.2 full\r\n"};

    return (r->mood >> bit & 1) != 0 ? how[r->mood >> 6] : yes;
}

static void command(struct relay *r)
{
    static struct speech speech;

    if (r->login_lines != 0) {
        reply(r, --r->login_lines != 0 ? "334 UGFzc3dvcmQ6\r\n" : "235 2.7.0 welcome\r\n");
    } else if (is(r, "EHLO")) {
        speech.len = 0;
        say_offers(&speech, r->in_tls ? r->offers[1] : r->offers[0] | 1u, r->offers[1] >> 1);
        speech.octets[speech.len] = 0;
        reply(r, (const char *)speech.octets);
    } else if (is(r, "STARTTLS")) {
        r->begin_tls = true;
        reply(r, "220 2.0.0 go\r\n");
    } else if (is(r, "AUTH ")) {
        r->login_lines = is(r, "AUTH LOGIN\r") ? 2 : strchr(r->line + 5, ' ') == NULL;
        reply(r, r->login_lines != 0 ? "334 VXNlciBOYW1lAA==\r\n" : "235 2.7.0 welcome\r\n");
    } else if (is(r, "MAIL")) {
        r->rcpts = 0;
        reply(r, or_refuse(r, 3, "250 2.1.0 ok\r\n"));
    } else if (is(r, "RCPT")) {
        reply(r, or_refuse(r, r->rcpts < 3 ? r->rcpts++ : 0, "250 2.1.5 ok\r\n"));
    } else if (is(r, "DATA")) {
        r->in_text = true;
        reply(r, or_refuse(r, 4, "354 go\r\n"));
    } else if (is(r, "BDAT ")) {
        r->chunk = (size_t)strtoul(r->line + 5, NULL, 10);
        if (r->chunk == 0) {
            reply(r, or_refuse(r, 5, "250 2.0.0 taken\r\n"));
        }
    } else {
        reply(r, is(r, "QUIT") ? "221 2.0.0 bye\r\n" : "502 5.5.1 no\r\n");
    }
}

static void line(struct relay *r)
{
    if (!r->in_text) {
        command(r);
    } else if (strcmp(r->line, ".\r\n") == 0) {
        r->in_text = false;
        reply(r, or_refuse(r, 5, "250 2.0.0 taken\r\n"));
    }
}

static void hear(struct relay *r, const uint8_t *octets, size_t len)
{
    size_t *heard_len = &r->heard_len[r->in_tls];

    require(*heard_len + len <= sizeof r->heard[0], "I6: the client writes without end");
    memcpy(r->heard[r->in_tls] + *heard_len, octets, len);
    *heard_len += len;
    for (; len != 0; len--, octets++) {
        if (r->chunk != 0) {
            if (--r->chunk == 0) {
                reply(r, or_refuse(r, 5, "250 2.0.0 taken\r\n"));
            }
            continue;
        }
        if (r->line_len + 1 < sizeof r->line) {
            r->line[r->line_len++] = (char)*octets;
        }
        if (*octets == '\n') {
            r->line[r->line_len] = 0;
            r->line_len = 0;
            line(r);
        }
    }
}

/* ---- Records: they pass through here before they leave, in clear or with ChaCha20-Poly1305 ------------------------ */

static void note(struct relay *r, const uint8_t *octets, size_t len)
{
    require(r->said_len + len <= sizeof r->said, "harness: the relay says too much");
    memcpy(r->said + r->said_len, octets, len);
    r->said_len += len;
}

static size_t leave(int *type, unsigned char *data, size_t len, size_t overhead)
{
    const br_ssl_engine_context *eng = &relay->tls.eng;
    size_t room = (size_t)(eng->obuf + eng->obuf_len - data) - overhead;

    len = tamper_record(relay, type, data, len, room < 16384 ? room : 16384);
    if (*type == 23) {
        note(relay, data, len);
    }
    return len;
}

static unsigned char *clear_encrypt(const br_sslrec_out_class **ctx, int type, unsigned version, void *data,
                                    size_t *len)
{
    *len = leave(&type, data, *len, 0);
    return br_sslrec_out_clear_vtable.encrypt(ctx, type, version, data, len);
}

static unsigned char *chapol_encrypt(const br_sslrec_out_class **ctx, int type, unsigned version, void *data,
                                     size_t *len)
{
    *len = leave(&type, data, *len, 16);
    return br_sslrec_out_chapol_vtable.inner.encrypt(ctx, type, version, data, len);
}

static br_sslrec_out_class clear_out;
static br_sslrec_out_chapol_class chapol_out;

static void chapol_init(const br_sslrec_out_chapol_class **ctx, br_chacha20_run chacha, br_poly1305_run poly,
                        const void *key, const void *iv)
{
    br_sslrec_out_chapol_vtable.init(ctx, chacha, poly, key, iv);
    *ctx = &chapol_out;
}

static void hook_records(br_ssl_engine_context *eng)
{
    clear_out = br_sslrec_out_clear_vtable;
    clear_out.encrypt = clear_encrypt;
    chapol_out = br_sslrec_out_chapol_vtable;
    chapol_out.inner.encrypt = chapol_encrypt;
    chapol_out.init = chapol_init;
    eng->ichapol_out = &chapol_out;
    eng->out.vtable = &clear_out;
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

static void point(uint8_t *at, size_t *len, int curve)
{
    tamper_point(relay, at, len, curve);
}

static void secret(uint8_t *at, size_t len, int curve)
{
    tamper_secret(relay, at, len, curve);
}

static void begin_tls(struct relay *r)
{
    static unsigned char nobody[] = {0x30, 0};
    static const br_x500_name names[] = {{nobody, sizeof nobody}};
    static const unsigned char entropy[32] = "not random at all: who cares";
    br_ssl_engine_context *eng = &r->tls.eng;

    r->in_tls = true;
    for (unsigned i = 0; i < r->chain.count; i++) {
        r->ders[i].data = (unsigned char *)r->chain.octets + (r->chain.certificates[i].der - r->chain.octets);
        r->ders[i].data_len = r->chain.certificates[i].len;
    }
    if (trust_key_is_rsa(r->key)) {
        br_ssl_server_init_full_rsa(&r->tls, r->ders, r->chain.count, trust_key_rsa(r->key));
    } else {
        br_ssl_server_init_full_ec(&r->tls, r->ders, r->chain.count, BR_KEYTYPE_EC, trust_key_ec(r->key));
    }
    memo_server(&r->tls, trust_key_is_rsa(r->key), point, secret);
    if (r->version_min != 0) {
        br_ssl_engine_set_versions(eng, r->version_min, r->version_max);
    }
    if (r->suite != 0) {
        br_ssl_engine_set_suites(eng, &r->suite, 1);
    }
    if (r->asks_certificate) {
        br_x509_minimal_init_full(&r->clients, NULL, 0);
        br_ssl_engine_set_x509(eng, &r->clients.vtable);
        br_ssl_server_set_trust_anchor_names(&r->tls, names, 1);
        br_ssl_engine_set_default_rsavrfy(eng);
        br_ssl_engine_set_default_ecdsa(eng);
        br_ssl_engine_add_flags(eng, BR_OPT_TOLERATE_NO_CLIENT_AUTH);
    }
    br_ssl_engine_set_buffer(eng, r->io, sizeof r->io, 1);
    br_ssl_engine_inject_entropy(eng, entropy, sizeof entropy);
    eng->rng_os_rand_done = 1; /* or the system's would be mixed in */
    require(br_ssl_server_reset(&r->tls) == 1, "harness: the server does not start");
    hook_records(eng);
}

/* One thing to do in TLS; false when there was none. */
static bool turn(struct relay *r)
{
    br_ssl_engine_context *eng = &r->tls.eng;
    unsigned char *buf;
    size_t len;

    if (!r->secured && (br_ssl_engine_current_state(eng) & BR_SSL_SENDAPP) != 0) {
        r->secured = true;
        eng->max_frag_len = r->fragments ? 16384 : eng->max_frag_len;
        if (r->implicit) {
            reply(r, "220 relay\r\n");
        }
    }
    buf = br_ssl_engine_sendrec_buf(eng, &len);
    if (buf != NULL) {
        tamper_wire(r, buf, len);
        br_ssl_engine_sendrec_ack(eng, len);
        return true;
    }
    buf = br_ssl_engine_recvapp_buf(eng, &len);
    if (buf != NULL) {
        hear(r, buf, len);
        br_ssl_engine_recvapp_ack(eng, len);
        return true;
    }
    buf = br_ssl_engine_sendapp_buf(eng, &len);
    if (buf != NULL && r->speech_len != 0) {
        len = r->speech_len < len ? r->speech_len : len;
        if ((const void *)eng->out.vtable != &chapol_out) {
            note(r, r->speech, len);
        }
        memcpy(buf, r->speech, len);
        memmove(r->speech, r->speech + len, r->speech_len -= len);
        br_ssl_engine_sendapp_ack(eng, len);
        br_ssl_engine_flush(eng, 0);
        return true;
    }
    return false;
}

/* Its 220 must have left in clear. */
static void maybe_begin_tls(struct relay *r)
{
    if (r->begin_tls && r->speech_len == 0 && r->wire_at == r->wire_len) {
        r->begin_tls = false;
        begin_tls(r);
    }
}

void relay_turn(struct relay *r)
{
    relay = r;
    if (!r->in_tls && r->speech_len != 0) {
        tamper_wire(r, r->speech, r->speech_len);
        r->speech_len = 0;
    }
    maybe_begin_tls(r);
    while (r->in_tls && turn(r)) {
    }
}

/* ---- The connection ---------------------------------------------------------------------------------------------- */

void relay_begin(struct relay *r)
{
    relay = r;
    if (r->implicit) {
        begin_tls(r);
    } else {
        reply(r, "220 relay\r\n");
    }
}

void relay_hear(struct relay *r, const uint8_t *octets, size_t len)
{
    relay = r;
    while (len != 0 && !r->closed) {
        size_t room = len;
        unsigned char *buf;

        if (!r->in_tls) {
            hear(r, octets, len);
            return;
        }
        buf = br_ssl_engine_recvrec_buf(&r->tls.eng, &room);
        if (buf == NULL) {
            if (!turn(r)) {
                return; /* it takes no more */
            }
            continue;
        }
        room = len < room ? len : room;
        memcpy(buf, octets, room);
        br_ssl_engine_recvrec_ack(&r->tls.eng, room);
        octets += room;
        len -= room;
    }
}

size_t relay_speak(struct relay *r, uint8_t *buf, size_t cap)
{
    size_t n = r->wire_len - r->wire_at;

    n = n < cap ? n : cap;
    memcpy(buf, r->wire + r->wire_at, n);
    if (!r->in_tls) {
        note(r, r->wire + r->wire_at, n);
    }
    r->wire_at += n;
    maybe_begin_tls(r);
    return n;
}

void relay_act(struct relay *r, unsigned what, uint8_t arg)
{
    relay = r;
    if (what % 4 == 0 || !r->in_tls) {
        r->closed = true;
    } else if (what % 4 == 1) {
        br_ssl_engine_close(&r->tls.eng);
    } else if (what % 4 == 2) {
        br_ssl_engine_renegotiate(&r->tls.eng);
    } else {
        r->tls.eng.max_frag_len = (uint16_t)(arg + 1); /* records from here on are small */
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Draws what bench.h holds: good arguments mostly.
 */
#include "bench.h"
#include "guard.h"
#include "memo.h"

#include <stdlib.h>
#include <string.h>

struct bench bench;
struct relay peer;

/* ---- The mail ---------------------------------------------------------------------------------------------------- */

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char start[] = "Subject: x\n\n.A line\r\n";
    struct bench *b = ctx;
    size_t n = 0;

    for (; n < cap && offset < b->text_len; n++, offset++) {
        ((char *)buf)[n] = offset < sizeof start - 1 ? start[offset]
                           : offset % 61 == 60       ? '\n'
                                                     : (char)(b->text_len == TEXT_LONG ? 'a' + offset % 100 : 'b');
    }
    return n;
}

static void trace(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    struct bench *b = ctx;

    require((who == 'C' || who == 'S') && step <= MOTE_STEP_RSET && len != 0, "I5: a trace of nothing");
    len = len < sizeof b->trace - b->trace_len ? len : sizeof b->trace - b->trace_len;
    memcpy(b->trace + b->trace_len, data, len);
    b->trace_len += len;
}

/* ---- The arguments ----------------------------------------------------------------------------------------------- */

/* The trust's own, but nothing that differs from run to run, and what was computed before is remembered. */
static void setup_tls(struct mote_session *s)
{
    bench.setup_tls(s);
    s->client.eng.rng_os_rand_done = 1;
    memo_client(&s->client, bench.kind >= ANCHORS ? &s->x509.u.minimal : NULL);
    guard_decoder(s, true);
}

static void set_trust(struct bench *b, bool cbc)
{
    const br_x509_trust_anchor *anchors = certificate_authority();
    static uint8_t pins[2][TRUST_KEYS][32];
    struct mote_trust *trust = &b->relay.trust;
    unsigned key = b->kind == PIN ? peer.key : RSA_3072;

    switch (b->kind) {
    case OPPORTUNISTIC: mote_trust_opportunistic(trust, RELAY_NAME); break;
    case PIN:
    case WRONG_PIN:
        trust_key_pin(key, pins[0][key], pins[1][key]);
        mote_trust_pin(trust, pins[0][key], NULL);
        break;
    case ANCHORS: mote_trust_anchors(trust, anchors, 1, RELAY_NAME); break;
    default: mote_trust_anchors_small(trust, anchors, 1, RELAY_NAME, &br_ec_p256_m31); break;
    }
    if (cbc && b->kind != OPPORTUNISTIC) {
        mote_trust_cbc(trust);
    }
    b->setup_tls = trust->setup_tls;
    trust->setup_tls = setup_tls;
}

static void set_chain(struct bench *b, unsigned what)
{
    static const enum trust_key keys[] = {P_256, RSA_2048, P_384, P_256_CA};
    struct chain *chain = &peer.chain;
    uint8_t *to = chain->octets;

    b->own_chain = what >= 128;
    b->certificate = what % CERTIFICATES;
    peer.key = b->own_chain ? keys[what % 4] : certificate_key(b->certificate);
    for (chain->count = 0; !b->own_chain && chain->count < (b->certificate == 8 ? 2 : 1); chain->count++) {
        const struct trust_cert *made = certificate(chain->count == 0 ? b->certificate : 7);

        memcpy(to, made->der, made->len);
        chain->certificates[chain->count].der = to;
        chain->certificates[chain->count].len = made->len;
        to += made->len;
    }
}

static void set_buffer(struct bench *b, unsigned what)
{
    static const uint16_t lengths[] = {837, 838, 1348, 1349, 2373, 4420, 4421, 8000, 16708, 16709};

    b->setup.buf_len = what < 10 ? lengths[what] : 837 + what * 977 % (16709 - 837 + 1);
    b->buf = malloc(b->setup.buf_len);
    require(b->buf != NULL, "harness: no memory");
    b->setup.buf = b->buf;
}

static void set_peer(unsigned suite, unsigned version, unsigned flags)
{
    static const uint16_t suites[] = {0,
                                      BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                                      BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
                                      BR_TLS_RSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_RSA_WITH_AES_128_CBC_SHA256,
                                      BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA};
    static const uint16_t versions[][2] = {{0, 0}, {BR_TLS10, BR_TLS10}, {BR_TLS11, BR_TLS11}, {BR_TLS12, BR_TLS12}};

    peer.suite = suite < 10 ? suites[suite] : 0;
    peer.version_min = versions[version % 4][0];
    peer.version_max = versions[version % 4][1];
    peer.implicit = (flags & IMPLICIT) != 0;
    peer.asks_certificate = (flags & ASKS) != 0;
    peer.fragments = (flags & FRAGMENTS) != 0;
}

static void set_mail(struct bench *b, unsigned what)
{
    static const char *const addresses[] = {"a@example.test", "b@example.test", "\"c d\"@example.test"};
    static const size_t lengths[] = {0, 21, 600, TEXT_LONG};

    memset(b->rcpts, 0, sizeof b->rcpts);
    memset(b->texts, 0x7f, sizeof b->texts);
    for (unsigned i = 0; i < 3; i++) {
        b->rcpts[i].address = addresses[i];
    }
    b->rcpts[0].reply_text = b->texts[0];
    b->rcpts[0].reply_text_cap = sizeof b->texts[0];
    b->text_len = lengths[what >> 2 & 3];
    b->mail = (struct mote_mail){.from = (what & 16) != 0 ? "" : "from@example.test",
                                 .rcpts = b->rcpts,
                                 .rcpt_count = (uint16_t)(1 + what % 3),
                                 .read = read_text,
                                 .ctx = b,
                                 .reply_text = b->texts[1],
                                 .reply_text_cap = sizeof b->texts[1]};
    require(mote_mail_measure(&b->mail) == MOTE_CAUSE_NONE, "harness: a text that is none");
}

static void set_login(struct bench *b, unsigned what)
{
    static const struct mote_login logins[] = {
        {NULL, NULL, NULL}, {"user", PASSWORD, NULL}, {"user", NULL, TOKEN}, {NULL, NULL, NULL}};

    b->relay.login = logins[b->kind == OPPORTUNISTIC && what < 250 ? 0 : what % 4];
}

static void set_head(struct bench *b, struct input *in)
{
    static const uint8_t entropies[2][32] = {"thirty-two octets, never random", "thirty-two other octets, as good"};
    static const uint64_t times[] = {CERTIFICATES_NOW, CERTIFICATES_NOW, CERTIFICATES_NOW, 0, 1, 3000000000u};
    static const uint32_t starts[] = {0, 1000, UINT32_MAX - 5, UINT32_MAX / 2};
    unsigned flags, suite, version, length;

    b->kind = draw(in) % KINDS;
    set_chain(b, draw(in));
    flags = draw(in);
    suite = draw(in);
    version = draw(in);
    set_peer(suite, version, flags);
    length = draw(in) * 256u;
    set_buffer(b, length | draw(in));
    set_login(b, draw(in));
    set_mail(b, draw(in));
    peer.offers[0] = draw(in);
    peer.offers[1] = draw(in);
    peer.mood = draw(in);
    b->setup.unix_s = times[draw(in) % 6];
    b->setup.entropy = entropies[draw(in) % 2];
    b->now_ms = b->setup.start_ms = starts[draw(in) % 4];
    b->split[0] = draw(in);
    b->split[1] = draw(in);
    set_trust(b, draw(in) % 2 != 0);
    b->relay.host = RELAY_NAME;
    b->relay.tls = (flags & IMPLICIT) != 0 ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
    b->setup.helo = "device.example.test";
    b->setup.clear = (flags & CLEAR) != 0 && b->kind == OPPORTUNISTIC && (flags & IMPLICIT) == 0;
    b->setup.hold = (flags & HOLD) != 0;
    b->setup.plain = (flags & PLAIN) != 0;
    b->setup.trace.octets = (flags & NO_TRACE) != 0 ? NULL : trace;
    b->setup.trace.ctx = b;
}

static void set_rest(const uint8_t *data, size_t size)
{
    for (unsigned i = 0; i < TAMPERS && size >= HEAD; i++) {
        const uint8_t *from = data + SETTINGS + 5 * i;

        peer.tampers[i] = (struct tamper){from[0] % PLACES, from[1], from[2], (uint16_t)(from[3] << 8 | from[4])};
    }
    if (bench.own_chain && size > HEAD) {
        struct input in = {data + HEAD, size - HEAD};

        chain_take(&peer.chain, &in, (data[2] & RESIGN) != 0);
    }
}

void bench_set(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    memset(&bench, 0, sizeof bench);
    memset(&peer, 0, sizeof peer);
    set_head(&bench, &in);
    set_rest(data, size);
}

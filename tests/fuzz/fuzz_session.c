/* SPDX-License-Identifier: MIT
 *
 * Fuzz harness of the session: our client against BearSSL's server in memory, tampered with on the wire, in the records
 * before they are encrypted, in handshake messages, certificates, points and replies (relay.h). The input is a fixed
 * head, the tampering, and a chain of certificates (certificates.h). Keys and entropy never change. What comes of it is
 * held to the invariants of core/DESIGN.md by what passed (judge.c).
 */
#include "bench.h"
#include "guard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 60000 };

/* ---- The conversation -------------------------------------------------------------------------------------------- */

static size_t part(unsigned *split, size_t len)
{
    static const uint16_t caps[] = {1, 2, 3, 5, 13, 64, 100, 512};
    size_t cap;

    if (*split < 64) {
        return len; /* whole */
    }
    if (*split < 72) {
        cap = caps[*split - 64];
    } else {
        *split = 72 + (*split * 1103515245 + 12345) % 1000003;
        cap = 1 + *split % 777;
    }
    return len < cap ? len : cap;
}

static bool in_buffer(const struct bench *b, const void *at, size_t len)
{
    const uint8_t *from = at;

    return len != 0 && from >= b->buf && from + len <= b->buf + b->setup.buf_len;
}

static bool send(struct bench *b, uint8_t want)
{
    size_t len, n;
    const uint8_t *out = mote_session_send_buf(b->session, &len);

    require((out != NULL) == ((want & MOTE_WANT_SEND) != 0), "I5: poll says SEND and there is nothing, or the reverse");
    if (out == NULL) {
        return false;
    }
    require(in_buffer(b, out, len), "I5: octets to send that do not lie in the buffer");
    n = part(&b->split[0], len);
    relay_hear(&peer, out, n);
    mote_session_send_ack(b->session, n);
    return true;
}

static bool receive(struct bench *b, uint8_t want)
{
    size_t len, n;
    uint8_t *in = mote_session_recv_buf(b->session, &len);

    require((in != NULL) == ((want & MOTE_WANT_RECV) != 0), "I5: poll says RECV and there is no room, or the reverse");
    if (in == NULL) {
        return false;
    }
    require(in_buffer(b, in, len), "I5: room to receive that does not lie in the buffer");
    n = relay_speak(&peer, in, part(&b->split[1], len));
    if (n != 0) {
        mote_session_recv_ack(b->session, n);
    }
    return n != 0;
}

/* What happens at this step besides. */
static void happen(struct bench *b, uint8_t want)
{
    static const uint32_t jumps_ms[] = {1, 9999, 30000, 119999, 120000, 299999, 600000, 900000};

    for (unsigned i = 0; i < TAMPERS; i++) {
        const struct tamper *t = &peer.tampers[i];

        if (t->at % 1024u != b->steps) {
            continue;
        }
        if (t->where == RELAY) {
            relay_act(&peer, t->what, t->arg);
        } else if (t->where == CLOCK) {
            b->now_ms += jumps_ms[t->what % 8] + t->arg % 3;
        } else if (t->where == CALLER && t->what % 4 == 0) {
            mote_session_fail(b->session, t->arg % 70);
        }
    }
    for (unsigned i = 0; (want & MOTE_WANT_COMMIT) != 0 && i < TAMPERS; i++) {
        if (peer.tampers[i].where == CALLER && peer.tampers[i].what % 4 == 1) {
            mote_session_fail(b->session, MOTE_CAUSE_STORAGE);
            return;
        }
    }
    if ((want & MOTE_WANT_COMMIT) != 0) {
        b->committed = true;
        mote_session_commit(b->session);
    }
}

/* Nothing moves any more: the connection is closed, or time passes. */
static void end(struct bench *b)
{
    uint32_t wait_ms = mote_session_wait_ms(b->session);

    require(wait_ms <= 900000, "I6: the wait is longer than the attempt");
    if (peer.closed || (peer.in_tls && br_ssl_engine_current_state(&peer.tls.eng) == BR_SSL_CLOSED)) {
        mote_session_fail(b->session, MOTE_CAUSE_LOST);
    } else {
        b->now_ms += wait_ms;
    }
    require((mote_session_poll(b->session, b->now_ms) & MOTE_DONE) != 0, "I6: the conversation does not end");
}

static void talk(struct bench *b)
{
    uint8_t want = 0;

    relay_begin(&peer);
    while ((want & MOTE_DONE) == 0) {
        bool moved;

        want = mote_session_poll(b->session, b->now_ms);
        happen(b, want);
        want = mote_session_poll(b->session, b->now_ms);
        moved = send(b, want);
        relay_turn(&peer);
        want = moved ? mote_session_poll(b->session, b->now_ms) : want;
        moved |= receive(b, want);
        if (!moved && (want & (MOTE_DONE | MOTE_WANT_COMMIT)) == 0) {
            end(b);
        }
        require(++b->steps < STEPS_MAX, "I6: the conversation goes on without end");
    }
    for (unsigned i = 0; i < 1000 && send(b, mote_session_poll(b->session, b->now_ms)); i++) {
    }
    relay_turn(&peer);
}

/* ---- What must be true of it ------------------------------------------------------------------------------------- */

static bool secret_in(const void *octets, size_t len)
{
    static const char *const plain[] = {PASSWORD, TOKEN, ("\0user\0" PASSWORD)};
    static const size_t lens[] = {sizeof PASSWORD - 1, sizeof TOKEN - 1, sizeof "\0user\0" PASSWORD - 1};
    char coded[80];

    for (unsigned i = 0; i < 3; i++) {
        size_t coded_len = base64(coded, plain[i], lens[i]) - 4; /* the last group depends on what follows */

        if (contains(octets, len, plain[i], lens[i]) || contains(octets, len, coded, coded_len)) {
            return true;
        }
    }
    return false;
}

static bool may_trust(const struct bench *b)
{
    static const bool good[CERTIFICATES] = {
        [0] = true, [1] = true, [2] = true, [4] = true, [8] = true, [10] = true, [12] = true};

    switch (b->kind) {
    case OPPORTUNISTIC: return true;
    case PIN: return true; /* the relay has the key that is pinned, or it could not have got so far */
    case WRONG_PIN: return false;
    default:
        return b->setup.unix_s == CERTIFICATES_NOW &&
               (b->own_chain ? chain_vouched(&peer.chain) : good[b->certificate]);
    }
}

static void check_text(const char *text, size_t cap)
{
    size_t n = 0;

    while (n < cap && text[n] >= ' ' && text[n] <= '~') {
        n++;
    }
    require(text[0] == 0x7f || (n < cap && text[n] == 0), "I5: a reply's text is not printable, or has no end");
}

/* P10: a relay that closes before it has accepted anybody is taken at its word. */
static bool closed_first(const struct judged *j)
{
    unsigned n = 0;

    while (n < j->rcpts && j->rcpt_code[n] >= 400 && j->rcpt_code[n] != 421) {
        n++;
    }
    return n < j->rcpts && j->rcpt_code[n] == 421;
}

static void check_verdict(const struct bench *b, const struct judged *j)
{
    const struct mote_result *result = mote_session_result(b->session);
    bool end = j->end && j->accepted != 0;

    require(result->verdict != MOTE_PENDING && result->verdict <= MOTE_MISUSE, "I6: done, and no verdict");
    require(result->verdict != MOTE_DELIVERED || (end && j->end_code / 100 == 2), "I1: delivered without a 2xx");
    require(result->verdict != MOTE_DEFERRED || !end || closed_first(j) || j->end_code / 100 >= 4, /* 5xx: P16 */
            "I4: deferred though the end of the mail had left");
    for (unsigned i = 0; i < b->mail.rcpt_count; i++) {
        require(b->rcpts[i].result.verdict != MOTE_DELIVERED ||
                    (end && j->end_code / 100 == 2 && i < j->rcpts && j->rcpt_code[i] / 100 == 2),
                "I1: a recipient was delivered to without two 2xx");
    }
}

static void check(const struct bench *b)
{
    bool verified = b->kind != OPPORTUNISTIC;
    struct judged j;

    judge(&j, &peer);
    check_verdict(b, &j);
    require(!verified || !j.foreign_in_clear, "I10: a command of the mail, in clear, to a relay to be verified");
    require(!j.mail_in_clear || b->setup.clear || !j.starttls_offered, "I10: in clear though STARTTLS was offered");
    require(!j.mail_in_tls || may_trust(b), "I10: a command of the mail to a relay that is not verified");
    require(!j.mail_in_tls || !peer.zeros, "I10: the key exchange gave a secret everybody knows");
    require(!secret_in(peer.heard[0], peer.heard_len[0]), "I2: a secret in clear");
    require(!secret_in(b->trace, b->trace_len), "I2: a secret in the trace");
    require(may_trust(b) || !secret_in(peer.heard[1], peer.heard_len[1]), "I2: a secret to a relay not verified");
    require(!b->setup.hold || b->committed || !j.end || j.accepted == 0, "P9: the end left before that was stored");
    check_text(b->texts[0], sizeof b->texts[0]);
    check_text(b->texts[1], sizeof b->texts[1]);
}

/* Nothing wakes a session that is done, and nothing is left in memory of one that was wiped. */
static void check_done(struct bench *b)
{
    struct mote_result before = *mote_session_result(b->session);
    struct mote_rcpt rcpts[3];
    size_t len;

    memcpy(rcpts, b->rcpts, sizeof rcpts);
    mote_session_commit(b->session);
    mote_session_fail(b->session, MOTE_CAUSE_ABORTED);
    require((mote_session_poll(b->session, b->now_ms + 1000000) & MOTE_DONE) != 0, "I9: MOTE_DONE does not last");
    require(mote_session_recv_buf(b->session, &len) == NULL, "I9: it listens after MOTE_DONE");
    require(memcmp(&before, mote_session_result(b->session), sizeof before) == 0 &&
                memcmp(rcpts, b->rcpts, sizeof rcpts) == 0,
            "I9: a verdict changes after MOTE_DONE");
    guard_decoder(b->session, false);
    mote_session_wipe(b->session);
    for (size_t i = 0; i < sizeof *b->session; i++) {
        require(((const uint8_t *)b->session)[i] == 0, "I2: octets of the session are left");
    }
    for (size_t i = 0; i < b->setup.buf_len; i++) {
        require(b->buf[i] == 0, "I2: octets of the session are left in its buffer");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mote_session *session;

    if (session == NULL) {
        session = malloc(sizeof *session);
        require(session != NULL, "harness: no memory");
    }
    bench_set(data, size);
    bench.session = session;
    mote_session_init(session, &bench.relay, &bench.mail, &bench.setup);
    talk(&bench);
    check(&bench);
    check_done(&bench);
    free(bench.buf);
    return 0;
}

/* The head, where most octets mean something by themselves, or the chain. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    unsigned rest = seed / 16;

    if (size < HEAD && max > HEAD + 1000) {
        memset(data + size, 0, HEAD - size);
        size = HEAD;
    }
    if (size < HEAD || seed % 16 == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }
    if (seed % 16 < 4) {
        data[rest % SETTINGS] = (uint8_t)(rest / SETTINGS);
    } else if (seed % 16 < 9) {
        LLVMFuzzerMutate(data + SETTINGS + rest % TAMPERS * 5, 5, 5);
    } else if (seed % 16 == 9) {
        LLVMFuzzerMutate(data, HEAD, HEAD);
    } else {
        data[1] |= 128;
        return HEAD + chain_mutate(data + HEAD, size - HEAD, max - HEAD, rest);
    }
    return size;
}

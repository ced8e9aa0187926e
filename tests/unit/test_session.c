/* SPDX-License-Identifier: MIT
 *
 * The session itself: which port, what a trace is told of a login, what alerts are called, whose entropy is used, the
 * smallest buffer, slow links, and how it ends.
 */
#include "core.h"
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MAIL         "mail.example.test"

static struct trust_bench bench;

static const struct trust_spec ec_leaf = {.cn = MAIL, .key = P_256, .issuer = "Test CA", .signer = P_256_CA};

/* In place of the system's: then there is no entropy but the caller's. */
br_prng_seeder br_prng_seeder_system(const char **name)
{
    if (name != NULL) {
        *name = "none";
    }
    return 0;
}

/* ---- Ports ------------------------------------------------------------------------------------------------------- */

static void test_ports(void **state)
{
    static const struct {
        struct mote_relay relay;
        uint16_t port;
    } cases[] = {
        {{.tls = MOTE_TLS_STARTTLS}, 25},
        {{.tls = MOTE_TLS_STARTTLS, .login = {.user = "u", .password = "p"}}, 587},
        {{.tls = MOTE_TLS_STARTTLS, .login = {.user = "u", .token = "t"}}, 587},
        {{.tls = MOTE_TLS_STARTTLS, .login = {.token = "t"}}, 587},
        {{.tls = MOTE_TLS_IMPLICIT}, 465},
        {{.tls = MOTE_TLS_IMPLICIT, .login = {.user = "u", .password = "p"}}, 465},
        {{.tls = MOTE_TLS_IMPLICIT, .port = 25}, 25},
        {{.tls = MOTE_TLS_STARTTLS, .port = 1}, 1},
        {{.tls = MOTE_TLS_STARTTLS, .port = 65535, .login = {.user = "u", .password = "p"}}, 65535},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(mote_relay_port(&cases[i].relay), cases[i].port);
    }
}

/* ---- The trace --------------------------------------------------------------------------------------------------- */

/* The lines of a login, as the trace has them between the second EHLO and MAIL. */
static void test_trace_of_a_login(void **state)
{
    static const struct {
        const char *mechanism, *lines;
        bool token, two_step;
    } cases[] = {
        {"PLAIN", "AUTH PLAIN (credentials)\r\n235 welcome\r\n", false, false},
        {"PLAIN", "AUTH PLAIN\r\n334 go on\r\n(credentials)\r\n235 welcome\r\n", false, true},
        {"LOGIN", "AUTH LOGIN\r\n334 go on\r\n(credentials)\r\n334 go on\r\n(credentials)\r\n235 welcome\r\n", false,
         false},
        {"XOAUTH2", "AUTH XOAUTH2 (credentials)\r\n235 welcome\r\n", true, false},
        {"XOAUTH2", "AUTH XOAUTH2\r\n334 go on\r\n(credentials)\r\n235 welcome\r\n", true, true},
        {"OAUTHBEARER", "AUTH OAUTHBEARER (credentials)\r\n235 welcome\r\n", true, false},
        {"OAUTHBEARER", "AUTH OAUTHBEARER\r\n334 go on\r\n(credentials)\r\n235 welcome\r\n", true, true},
    };
    char offers[80], secret[700], lines[200];

    for (size_t i = 0; i < COUNT(cases); i++) {
        trust_bench_kind(&bench, ANCHORS, &ec_leaf);
        snprintf(secret, sizeof secret, "secret%0*d", cases[i].two_step ? 600 : 1, 0);
        snprintf(offers, sizeof offers, "250-relay\r\n250 AUTH %s\r\n", cases[i].mechanism);
        snprintf(lines, sizeof lines, "%s%sMAIL FROM:", offers, cases[i].lines);
        bench.peer.offers = offers;
        bench.relay.login.user = "user";
        *(cases[i].token ? &bench.relay.login.token : &bench.relay.login.password) = secret;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        bench.trace[bench.trace_len] = 0;
        if (strstr(bench.trace, lines) == NULL) {
            print_error("%s\nis not in\n%s\n", lines, bench.trace);
        }
        assert_non_null(strstr(bench.trace, lines));
    }
}

/* A relay that says what is wrong with a token is answered before it refuses: that answer is no secret. */
static void test_trace_of_a_refusal(void **state)
{
    static const char *const mechanisms[] = {"OAUTHBEARER", "XOAUTH2"}, *const answers[] = {"AQ==", ""};

    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        char offers[80], lines[200];

        snprintf(offers, sizeof offers, "250-relay\r\n250 AUTH %s\r\n", mechanisms[i]);
        snprintf(lines, sizeof lines, "AUTH %s (credentials)\r\n334 go on\r\n%s\r\n535 no\r\n", mechanisms[i],
                 answers[i]);
        trust_bench_kind(&bench, ANCHORS, &ec_leaf);
        bench.peer.offers = offers;
        bench.peer.refuses_token = true;
        bench.relay.login = (struct mote_login){.user = "user", .token = "token"};
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        trust_talk(&bench.session, &bench.peer);
        assert_int_equal(mote_session_result(&bench.session)->cause, MOTE_CAUSE_LOGIN_REFUSED);
        bench.trace[bench.trace_len] = 0;
        assert_non_null(strstr(bench.trace, lines));
    }
}

/* With implicit TLS the time for the greeting begins when the handshake is done. */
static void test_time_for_the_greeting(void **state)
{
    trust_bench_kind(&bench, ANCHORS, &ec_leaf);
    bench.relay.tls = MOTE_TLS_IMPLICIT;
    mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
    assert_int_equal(mote_engine_poll(&bench.session.engine, 0), MOTE_WANT_TLS);
    assert_int_equal(mote_engine_poll(&bench.session.engine, 119000), MOTE_WANT_TLS);
    mote_engine_secured(&bench.session.engine);
    assert_int_equal(mote_engine_poll(&bench.session.engine, 119000), MOTE_WANT_RECV);
    assert_int_equal(mote_engine_poll(&bench.session.engine, 418999), MOTE_WANT_RECV);
    assert_int_equal(mote_engine_poll(&bench.session.engine, 419000), MOTE_DONE);
}

/* ---- Alerts ------------------------------------------------------------------------------------------------------ */

/* Reads all the session has for the relay. */
static size_t drain(char *to, size_t cap)
{
    size_t all = 0, len;
    const void *out;

    while ((out = mote_session_send_buf(&bench.session, &len)) != NULL) {
        if (all + len <= cap) {
            memcpy(to + all, out, len);
            all += len;
        }
        mote_session_send_ack(&bench.session, len);
        mote_session_poll(&bench.session, 0);
    }
    return all;
}

static void tell(const void *octets, size_t len)
{
    const char *at = octets;

    while (len != 0) {
        size_t room;
        void *in = mote_session_recv_buf(&bench.session, &room);
        size_t n = len < room ? len : room;

        if (in == NULL) {
            return;
        }
        memcpy(in, at, n);
        mote_session_recv_ack(&bench.session, n);
        mote_session_poll(&bench.session, 0);
        at += n;
        len -= n;
    }
}

/* A fatal alert is the answer to ClientHello. */
static void test_alerts(void **state)
{
    static char hello[4096];

    for (unsigned alert = 1; alert < 256; alert++) {
        const uint8_t record[] = {21, 3, 3, 0, 2, 2, (uint8_t)alert};
        bool common = alert != 40 && alert != 70 && alert != 71;

        trust_bench_kind(&bench, ANCHORS, &ec_leaf);
        bench.relay.tls = MOTE_TLS_IMPLICIT;
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        mote_session_poll(&bench.session, 0);
        assert_true(drain(hello, sizeof hello) > 50);
        tell(record, sizeof record);
        assert_int_equal(mote_session_result(&bench.session)->verdict, MOTE_DEFERRED);
        assert_int_equal(mote_session_result(&bench.session)->cause,
                         common ? MOTE_CAUSE_TLS_HANDSHAKE : MOTE_CAUSE_TLS_NO_COMMON);
    }
}

/* ---- Entropy ----------------------------------------------------------------------------------------------------- */

/* ClientHello's random octets come from the entropy that was lent; it is read when the handshake begins, and never again. */
static void test_entropy(void **state)
{
    static char hellos[3][4096];
    uint8_t entropy[32];

    for (unsigned i = 0; i < 3; i++) {
        memset(entropy, 0x5a, sizeof entropy);
        entropy[31] = i == 2;
        trust_bench_kind(&bench, ANCHORS, &ec_leaf);
        bench.setup.entropy = entropy;
        bench.relay.tls = MOTE_TLS_IMPLICIT;
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        mote_session_poll(&bench.session, 0);
        memset(entropy, 0, sizeof entropy);
        assert_true(drain(hellos[i], sizeof hellos[i]) > 50);
    }
    assert_memory_equal(hellos[0], hellos[1], 43);
    assert_memory_not_equal(hellos[0] + 11, hellos[2] + 11, 32);
}

/* ---- The smallest buffer ----------------------------------------------------------------------------------------- */

/* So many octets of offers: one record. */
static const char *offers_of(size_t octets)
{
    static char reply[2048];
    size_t n = (size_t)sprintf(reply, "250-relay\r\n");

    while (octets - n > 300) {
        n += (size_t)sprintf(reply + n, "250-X%0193d\r\n", 0);
    }
    n += (size_t)sprintf(reply + n, "250 X%0*d\r\n", (int)(octets - n - 7), 0);
    assert_int_equal(n, octets);
    return reply;
}

/* A relay that grants no shorter records and has a chain longer than the buffer: its certificates pass in clear; what is encrypted
 * must fit, and that is 21 octets less than the buffer with ChaCha20-Poly1305. */
static void test_a_relay_that_grants_nothing(void **state)
{
    static const struct trust_spec middle = {
        .cn = "Middle", .key = RSA_4096, .ca = true, .issuer = "Top", .signer = RSA_4096};
    static const struct trust_spec top = {
        .cn = "Top", .key = RSA_4096, .ca = true, .issuer = "Test CA", .signer = P_256_CA};
    static const struct trust_spec leaf = {.cn = MAIL, .key = P_256, .issuer = "Middle", .signer = RSA_4096};
    static const struct {
        size_t buffer, octets;
    } sizes[] = {{837, 716},  {837, 794},  {837, 815},   {837, 816},   {837, 817},  {837, 916},
                 {837, 1344}, {1360, 817}, {1360, 1338}, {1360, 1339}, {1360, 1340}};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        const size_t octets = sizes[i].octets, fits = sizes[i].buffer - 21;

        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            const struct mote_result *result = mote_session_result(&bench.session);

            trust_bench_kind(&bench, kind, &leaf);
            trust_bench_certify(&bench, &middle);
            trust_bench_certify(&bench, &top);
            assert_true(bench.peer.chain[0].len + bench.peer.chain[1].len + bench.peer.chain[2].len > 2500);
            bench.peer.suites[0] = BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
            bench.peer.grants_nothing = true;
            bench.peer.offers = offers_of(octets);
            bench.setup.buf_len = sizes[i].buffer;
            mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
            trust_talk(&bench.session, &bench.peer);
            assert_true(bench.peer.secured);
            assert_int_equal(bench.peer.fragment, 16384);
            assert_int_equal(bench.peer.record_max, octets + 21);
            assert_int_equal(result->cause, octets <= fits ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_RECORD);
            assert_int_equal(result->verdict, octets <= fits ? MOTE_DELIVERED : MOTE_DEFERRED);
        }
    }
}

/* ---- Another handshake ------------------------------------------------------------------------------------------- */

/* A relay that asks for one is told no (the alert no_renegotiation, 100), which BearSSL's server takes for the end. */
static void test_no_renegotiation(void **state)
{
    for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
        trust_bench_kind(&bench, kind, &ec_leaf);
        bench.peer.renegotiates = true;
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        trust_talk(&bench.session, &bench.peer);
        assert_true(bench.peer.secured && !bench.peer.renegotiates);
        assert_int_equal(br_ssl_engine_last_error(&bench.peer.tls.eng), BR_ERR_RECV_FATAL_ALERT + 100);
        assert_false(bench.peer.mails);
        assert_int_equal(mote_session_result(&bench.session)->verdict, MOTE_DEFERRED);
    }
}

/* ---- Wildcards behind the first certificate ---------------------------------------------------------------------- */

/* Only the relay's own certificate is looked at: what a CA is called is no name of a relay. */
static void test_wildcard_of_a_ca(void **state)
{
    static const struct trust_spec leaf = {
        .cn = "x", .names = {"example.test"}, .key = P_256, .issuer = "Middle", .signer = P_384};
    static const struct trust_spec middle = {
        .cn = "Middle", .names = {"*.test"}, .key = P_384, .ca = true, .issuer = "Test CA", .signer = P_256_CA};

    trust_bench_kind(&bench, ANCHORS, &leaf);
    trust_bench_certify(&bench, &middle);
    bench.relay.trust.name = "example.test";
    assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

/* The measured text, and then one that ends in a NUL: the session gives up with octets of it in a record that is not full. */
static size_t read_nul(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char text[] = "Subject: x\r\n\r\ntext that goes on for a while\r\n";
    size_t left = offset < sizeof text - 1 ? sizeof text - 1 - offset : 0, n = left < 10 ? left : 10;
    bool *measured = ctx;

    memcpy(buf, text + offset, n);
    if (*measured && n != 0 && offset + n > 40) {
        ((char *)buf)[n - 1] = 0;
    }
    return n;
}

/* Even so the relay is told by a close_notify that this was all. */
static void test_close_notify_behind_half_a_record(void **state)
{
    for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
        bool measured = false;

        trust_bench_kind(&bench, kind, &ec_leaf);
        bench.mail.read = read_nul;
        bench.mail.ctx = &measured;
        assert_int_equal(mote_mail_measure(&bench.mail), MOTE_CAUSE_NONE);
        measured = true;
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        trust_talk(&bench.session, &bench.peer);
        assert_int_equal(mote_session_result(&bench.session)->cause, MOTE_CAUSE_TEXT);
        assert_false(bench.peer.mails);
        assert_int_equal(br_ssl_engine_current_state(&bench.peer.tls.eng) & (BR_SSL_SENDAPP | BR_SSL_RECVREC), 0);
        assert_int_equal(br_ssl_engine_last_error(&bench.peer.tls.eng), BR_ERR_OK);
    }
}

/* ---- Slow links -------------------------------------------------------------------------------------------------- */

static size_t read_much(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char head[] = "Subject: much\r\n\r\n";
    size_t left = offset < 3000 ? 3000 - offset : 0, n = left < cap ? left : cap;

    for (size_t i = 0; i < n; i++) {
        size_t at = offset + i;

        ((char *)buf)[i] = at < sizeof head - 1 ? head[at] : at % 50 == 48 ? '\r' : at % 50 == 49 ? '\n' : 'x';
    }
    return n;
}

/* The limit of a block runs from the last octet the connection took: a link that takes a few every two minutes is slow, one that
 * takes none for three is dead. */
static void test_slow_link(void **state)
{
    for (unsigned dead = 0; dead < 2; dead++) {
        uint32_t now_ms = 1000;
        size_t len;

        trust_bench_set(&bench);
        mote_trust_opportunistic(&bench.relay.trust, NULL);
        bench.setup.clear = true;
        bench.setup.start_ms = now_ms;
        bench.setup.buf_len = 2000;
        bench.mail.read = read_much;
        assert_int_equal(mote_mail_measure(&bench.mail), MOTE_CAUSE_NONE);
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        mote_session_poll(&bench.session, now_ms);
        tell("220 relay\r\n", 11);
        for (const char *reply = "250 relay\r\n"; bench.session.engine.sending != MOTE_STEP_TEXT;
             reply = "250 ok\r\n") {
            char out[2000];

            mote_session_poll(&bench.session, now_ms);
            assert_true(drain(out, sizeof out) != 0);
            if (strncmp(out, "DATA", 4) == 0) {
                reply = "354 go\r\n";
            }
            tell(reply, strlen(reply));
        }
        for (unsigned i = 0; i < 6; i++) {
            bool done = (mote_session_poll(&bench.session, now_ms) & MOTE_DONE) != 0;

            assert_int_equal(done, dead != 0 && i >= 2);
            if (!done) {
                assert_non_null(mote_session_send_buf(&bench.session, &len));
                mote_session_send_ack(&bench.session, dead != 0 ? 0 : 1);
            }
            now_ms += 120000;
        }
        assert_int_equal(mote_session_result(&bench.session)->cause, dead != 0 ? MOTE_CAUSE_TIMEOUT : MOTE_CAUSE_NONE);
    }
}

/* In clear half of the buffer is for sending: a flight fills it, and not an octet of the other half. */
static void test_half_for_sending(void **state)
{
    static const char offers[] = "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
    char out[2000];
    size_t len;

    trust_bench_set(&bench);
    mote_trust_opportunistic(&bench.relay.trust, NULL);
    bench.setup.clear = true;
    bench.setup.buf_len = sizeof out;
    bench.mail.read = read_much;
    assert_int_equal(mote_mail_measure(&bench.mail), MOTE_CAUSE_NONE);
    mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
    mote_session_poll(&bench.session, 0);
    tell("220 relay\r\n", 11);
    mote_session_poll(&bench.session, 0);
    assert_true(drain(out, sizeof out) != 0);
    tell(offers, sizeof offers - 1);
    memset(bench.buf, 0xa5, sizeof bench.buf);
    mote_session_poll(&bench.session, 0);
    assert_non_null(mote_session_send_buf(&bench.session, &len));
    assert_int_equal(len, sizeof out / 2);
    for (size_t i = sizeof out / 2; i < sizeof bench.buf; i++) {
        assert_int_equal(bench.buf[i], 0xa5);
    }
}

/* The first flight of TLS says with what a relay may sign: an opportunistic one, whose certificate nobody looks at, with SHA-512 too. */
static void test_signatures_offered(void **state)
{
    static const uint8_t sha512[] = {6, 1};
    const uint8_t *octets;
    bool found = false;
    size_t len;

    trust_bench_kind(&bench, OPPORTUNISTIC, &ec_leaf);
    bench.relay.tls = MOTE_TLS_IMPLICIT;
    mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
    mote_session_poll(&bench.session, 0);
    octets = mote_session_send_buf(&bench.session, &len);
    assert_non_null(octets);
    for (size_t i = 0; i + 8 < len; i++) { /* signature_algorithms (13), its length, the list's, then pairs */
        if (octets[i] == 0 && octets[i + 1] == 13 && octets[i + 2] == 0 && octets[i + 4] == 0 &&
            octets[i + 3] == octets[i + 5] + 2) {
            for (size_t at = i + 6; at < i + 6 + octets[i + 5] && at + 1 < len; at += 2) {
                found |= memcmp(octets + at, sha512, 2) == 0;
            }
        }
    }
    assert_true(found);
}

/* ---- Zeros: never begun, or wiped -------------------------------------------------------------------------------- */

static void assert_not_begun(const struct mote_result *result)
{
    assert_int_equal(result->verdict, MOTE_MISUSE);
    assert_int_equal(result->cause, MOTE_CAUSE_SETUP);
}

static void test_not_begun(void **state)
{
    static struct mote_session session, zeros;
    struct mote_mail mail = {.from = ""};
    size_t len;

    for (unsigned way = 0; way < 6; way++) {
        session = zeros;
        switch (way) {
        case 0: mote_session_next(&session, &mail); break;
        case 1: mote_session_quit(&session); break;
        case 2: mote_session_commit(&session); break;
        case 3: mote_session_wipe(&session); break;
        case 4: mote_engine_next(&session.engine, &mail, 0); break;
        default: break;
        }
        assert_null(mote_session_send_buf(&session, &len));
        assert_null(mote_session_recv_buf(&session, &len));
        assert_int_equal(mote_session_poll(&session, way * 1000000), MOTE_DONE);
        assert_not_begun(mote_session_result(&session));
        mote_session_next(&session, &mail);
        mote_engine_next(&session.engine, &mail, 0);
        mote_session_fail(&session, MOTE_CAUSE_LOST);
        assert_int_equal(mote_session_poll(&session, 0), MOTE_DONE);
        assert_not_begun(mote_session_result(&session));
    }
    session = zeros;
    mote_session_fail(&session, MOTE_CAUSE_ABORTED);
    assert_int_equal(mote_session_poll(&session, 0), MOTE_DONE);
    session = zeros;
    mote_engine_feed(&session.engine, "220 relay\r\n", 11);
    mote_engine_secured(&session.engine);
    assert_int_equal(mote_engine_pull(&session.engine, &len, sizeof len), 0);
    assert_int_equal(mote_engine_poll(&session.engine, 0), MOTE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_trace_of_a_login),
        cmocka_unit_test(test_trace_of_a_refusal),
        cmocka_unit_test(test_time_for_the_greeting),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_a_relay_that_grants_nothing),
        cmocka_unit_test(test_no_renegotiation),
        cmocka_unit_test(test_wildcard_of_a_ca),
        cmocka_unit_test(test_close_notify_behind_half_a_record),
        cmocka_unit_test(test_slow_link),
        cmocka_unit_test(test_half_for_sending),
        cmocka_unit_test(test_signatures_offered),
        cmocka_unit_test(test_not_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

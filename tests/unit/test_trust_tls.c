/* SPDX-License-Identifier: MIT
 *
 * How a session uses TLS: versions and suites, record buffers, client certificates, what is refused before an octet
 * leaves, and what is left of secrets in traces and memory.
 */
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MAIL         "mail.example.test"

static struct trust_bench bench;

static const struct trust_spec rsa_leaf = {.cn = MAIL, .key = RSA_2048, .issuer = "Test CA", .signer = P_256_CA};
static const struct trust_spec ec_leaf = {.cn = MAIL, .key = P_256, .issuer = "Test CA", .signer = P_256_CA};

static void set(enum trust_kind kind, const struct trust_spec *leaf)
{
    trust_bench_kind(&bench, kind, leaf);
}

/* ---- Versions and suites ----------------------------------------------------------------------------------------- */

static void test_versions(void **state)
{
    static const struct {
        uint16_t min, max;
        bool modern;
    } versions[] = {
        {BR_TLS10, BR_TLS10, false}, {BR_TLS11, BR_TLS11, false}, {BR_TLS10, BR_TLS11, false},
        {BR_TLS10, BR_TLS12, true},  {BR_TLS12, BR_TLS12, true},
    };

    for (size_t i = 0; i < COUNT(versions); i++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            set(kind, i % 2 == 0 ? &rsa_leaf : &ec_leaf);
            bench.peer.version_min = versions[i].min;
            bench.peer.version_max = versions[i].max;
            bench.relay.tls = i % 2 == 0 ? MOTE_TLS_STARTTLS : MOTE_TLS_IMPLICIT;
            assert_int_equal(trust_bench_run(&bench),
                             versions[i].modern || kind == OPPORTUNISTIC ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_NO_COMMON);
            assert_int_equal(bench.peer.secured, versions[i].modern || kind == OPPORTUNISTIC);
            if (bench.peer.secured) {
                assert_int_equal(bench.peer.version, versions[i].max);
            }
        }
    }
}

static void test_suites(void **state)
{
    static const struct {
        uint16_t suite;
        bool modern, any;
    } suites[] = {
        {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, true, true},
        {BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, true, true},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true, true},
        {BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, true, true},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, true, true},
        {BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, true, true},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, false, true},
        {BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, false, true},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false, true},
        {BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, false, true},
        {BR_TLS_RSA_WITH_AES_128_GCM_SHA256, false, true},
        {BR_TLS_RSA_WITH_AES_256_GCM_SHA384, false, true},
        {BR_TLS_RSA_WITH_AES_128_CBC_SHA256, false, true},
        {BR_TLS_RSA_WITH_AES_128_CBC_SHA, false, true},
        {BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA, false, false},
        {BR_TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, false, false},
    };

    for (size_t i = 0; i < COUNT(suites); i++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            bool ecdsa = i < 10 && i % 2 == 0, good = suites[i].modern || (kind == OPPORTUNISTIC && suites[i].any);

            set(kind, ecdsa ? &ec_leaf : &rsa_leaf);
            bench.peer.suites[0] = suites[i].suite;
            assert_int_equal(trust_bench_run(&bench), good ? MOTE_CAUSE_NONE : MOTE_CAUSE_TLS_NO_COMMON);
            if (good) {
                assert_int_equal(bench.peer.suite, suites[i].suite);
            }
        }
    }
}

/* The best suite is ChaCha20-Poly1305 with forward secrecy. */
static void test_preference(void **state)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        set(kind, &rsa_leaf);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(bench.peer.suite, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256);
        set(kind, &ec_leaf);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(bench.peer.suite, BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
    }
}

/* What is left out leaves no trust. */
static void test_left_out(void **state)
{
    struct mote_trust trust = {0};

    mote_trust_cbc(&trust);
    assert_null(trust.setup_tls);
    set(ANCHORS, &ec_leaf);
    for (unsigned i = 0; i < 2; i++) {
        mote_trust_anchors_small(&trust, i == 0 ? NULL : bench.relay.trust.anchors, 1, MAIL,
                                 i == 0 ? &br_ec_p256_m31 : NULL);
        assert_null(trust.setup_tls);
    }
}

/* Chains to anchors with the least code: two suites, one curve. */
static void test_small(void **state)
{
    static const uint16_t chacha[] = {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256};
    static const uint16_t gcm[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                   BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256};
    static const br_ec_impl *const curves[] = {&br_ec_prime_i15, &br_ec_p256_m15, &br_ec_p256_m31};

    for (size_t i = 0; i < 2 * COUNT(curves); i++) {
        const struct trust_spec *leaf = i % 2 == 0 ? &ec_leaf : &rsa_leaf;
        struct mote_trust *trust = &bench.relay.trust;

        set(ANCHORS, leaf);
        mote_trust_anchors_small(trust, trust->anchors, 1, MAIL, curves[i / 2]);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        assert_int_equal(bench.peer.suite, chacha[i % 2]);
        set(ANCHORS, leaf);
        mote_trust_anchors_small(trust, trust->anchors, 1, "other.example.test", curves[i / 2]);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_NAME);
        set(ANCHORS, leaf);
        mote_trust_anchors_small(trust, trust->anchors, 1, MAIL, curves[i / 2]);
        bench.peer.suites[0] = gcm[i % 2];
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_NO_COMMON);
    }
}

static void test_client_certificates(void **state)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        set(kind, kind == PIN ? &ec_leaf : &rsa_leaf);
        bench.peer.asks = true;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        set(kind, kind == PIN ? &ec_leaf : &rsa_leaf);
        bench.peer.insists = true;
        assert_int_not_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    }
}

/* ---- Buffers ----------------------------------------------------------------------------------------------------- */

static const struct {
    size_t len;
    unsigned fragment;
} buffers[] = {{MOTE_SESSION_BUF_MIN, 512},
               {1348, 512},
               {1349, 1024},
               {2373, 2048},
               {4420, 2048},
               {4421, 4096},
               {8000, 4096},
               {16708, 4096},
               {MOTE_SESSION_BUF_FULL, 16384}};

/* A reply of about so many octets. */
static char *long_offers(size_t octets)
{
    static char reply[1 << 14];
    size_t n = (size_t)sprintf(reply, "250-relay\r\n");

    while (n + 412 < octets) {
        n += (size_t)sprintf(reply + n, "250-X%0398d\r\n", 0);
    }
    sprintf(reply + n, "250 PIPELINING\r\n");
    return reply;
}

static void test_buffers(void **state)
{
    for (size_t i = 0; i < COUNT(buffers); i++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            uint8_t *buf = malloc(buffers[i].len); /* so that tools notice an octet too many */

            set(kind, i % 2 == 0 ? &rsa_leaf : &ec_leaf);
            bench.peer.offers = long_offers(4000);
            bench.setup.buf = buf;
            bench.setup.buf_len = buffers[i].len;
            assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
            assert_int_equal(bench.peer.fragment, buffers[i].fragment);
            assert_true(bench.peer.record_max <= buffers[i].fragment + 85);
            assert_non_null(strstr(bench.peer.heard, "RCPT TO:<b@example.test>\r\nDATA\r\n"));
            free(buf);
        }
    }
}

/* A relay that grants the small records and sends long ones: what fits is read, what does not is a cause of its own. */
static void test_records_longer_than_the_buffer(void **state)
{
    static const struct {
        size_t octets, len;
        uint8_t cause;
    } cases[] = {
        {400, 837, MOTE_CAUSE_NONE},
        {4000, 837, MOTE_CAUSE_TLS_RECORD},
        {4000, 4421, MOTE_CAUSE_NONE},
        {16000, 4421, MOTE_CAUSE_TLS_RECORD},
        {16000, MOTE_SESSION_BUF_FULL, MOTE_CAUSE_NONE},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct mote_result *result = mote_session_result(&bench.session);

        set(ANCHORS, &ec_leaf);
        bench.peer.fragments = true;
        bench.peer.offers = long_offers(cases[i].octets);
        bench.setup.buf_len = cases[i].len;
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        trust_talk(&bench.session, &bench.peer);
        assert_int_equal(result->cause, cases[i].cause);
        assert_int_equal(result->verdict, cases[i].cause == MOTE_CAUSE_NONE ? MOTE_DELIVERED : MOTE_DEFERRED);
        assert_int_equal(bench.peer.mails, cases[i].cause == MOTE_CAUSE_NONE);
        if (cases[i].cause != MOTE_CAUSE_NONE) {
            assert_int_equal(result->step, MOTE_STEP_EHLO);
            assert_int_equal(result->tls, MOTE_TLS_TRIED | MOTE_TLS_SECURED);
        }
    }
}

/* ---- Refused before an octet leaves ------------------------------------------------------------------------------ */

static void assert_refused(uint8_t verdict, uint8_t cause)
{
    size_t len;

    mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(mote_session_poll(&bench.session, round), MOTE_DONE);
        assert_null(mote_session_send_buf(&bench.session, &len));
        assert_null(mote_session_recv_buf(&bench.session, &len));
        assert_int_equal(mote_session_result(&bench.session)->verdict, verdict);
        assert_int_equal(mote_session_result(&bench.session)->cause, cause);
    }
    assert_int_equal(bench.trace_len, 0);
}

static void test_trust_that_is_none(void **state)
{
    static const uint8_t zeros[32];

    for (uint8_t tls = 0; tls < 2; tls++) {
        set(OPPORTUNISTIC, &ec_leaf);
        memset(&bench.relay.trust, 0, sizeof bench.relay.trust);
        bench.relay.tls = tls;
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
        bench.relay.trust.name = MAIL;
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
        bench.relay.trust.opportunistic = true;
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
        /* a chain without the code for it */
        set(ANCHORS, &ec_leaf);
        bench.relay.tls = tls;
        mote_trust_anchors_small(&bench.relay.trust, bench.relay.trust.anchors, 1, MAIL, NULL);
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
        /* a chain without a name to look for */
        set(ANCHORS, &ec_leaf);
        bench.relay.tls = tls;
        mote_trust_anchors(&bench.relay.trust, bench.relay.trust.anchors, 1, NULL);
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
        mote_trust_anchors(&bench.relay.trust, bench.relay.trust.anchors, 1, "");
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
    }
    /* modes that are none of a relay */
    for (unsigned tls = 2; tls < 256; tls++) {
        set(OPPORTUNISTIC, &ec_leaf);
        bench.relay.tls = (uint8_t)tls;
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
    }
    /* the cleartext pass is for opportunistic relays */
    set(ANCHORS, &ec_leaf);
    bench.setup.clear = true;
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
    mote_trust_pin(&bench.relay.trust, zeros, MAIL);
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
}

/* A relay to be checked against nothing, by no name: refused like any without a name, not followed into a null pointer. */
static void test_no_anchors_and_no_name(void **state)
{
    set(ANCHORS, &ec_leaf);
    mote_trust_anchors(&bench.relay.trust, NULL, 0, NULL);
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_TRUST);
}

static void test_logins_need_trust(void **state)
{
    set(OPPORTUNISTIC, &ec_leaf);
    bench.relay.login = (struct mote_login){"user", "password", NULL};
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_LOGIN);
    bench.relay.login = (struct mote_login){"user", NULL, "token"};
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_LOGIN);
    bench.relay.tls = MOTE_TLS_IMPLICIT;
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_LOGIN);
    bench.relay.tls = MOTE_TLS_STARTTLS;
    bench.setup.clear = true;
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_LOGIN);
}

static void test_other_misuse(void **state)
{
    set(PIN, &ec_leaf);
    for (size_t len = 0; len < MOTE_SESSION_BUF_MIN; len += len < 800 ? 100 : 1) {
        bench.setup.buf_len = len;
        assert_refused(MOTE_MISUSE, MOTE_CAUSE_BUFFER);
    }
    set(PIN, &ec_leaf);
    bench.setup.helo = "localhost";
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_HELO);
    set(PIN, &ec_leaf);
    bench.rcpt.address = "a@b>\r\nDATA";
    assert_refused(MOTE_MISUSE, MOTE_CAUSE_ADDRESS);
}

static void test_no_entropy(void **state)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (uint8_t tls = 0; tls < 2; tls++) {
            set(kind, &ec_leaf);
            bench.relay.tls = tls;
            bench.setup.entropy = NULL;
            assert_refused(MOTE_DEFERRED, MOTE_CAUSE_NO_ENTROPY);
        }
    }
}

static void test_no_time(void **state)
{
    for (uint8_t tls = 0; tls < 2; tls++) {
        set(ANCHORS, &ec_leaf);
        bench.relay.tls = tls;
        bench.setup.unix_s = 0;
        assert_refused(MOTE_DEFERRED, MOTE_CAUSE_NO_TIME);
        set(PIN, &ec_leaf);
        bench.relay.tls = tls;
        bench.setup.unix_s = 0;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        set(OPPORTUNISTIC, &ec_leaf);
        bench.relay.tls = tls;
        bench.setup.unix_s = 0;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
    }
}

/* The cleartext pass: no STARTTLS though it is offered, and neither entropy nor the time is needed. */
static void test_the_cleartext_pass(void **state)
{
    set(OPPORTUNISTIC, &ec_leaf);
    bench.setup.clear = true;
    bench.setup.entropy = NULL;
    bench.setup.unix_s = 0;
    mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
    trust_talk(&bench.session, &bench.peer);
    assert_int_equal(mote_session_result(&bench.session)->verdict, MOTE_DELIVERED);
    assert_int_equal(mote_session_result(&bench.session)->tls, 0);
    assert_true(bench.peer.mails);
    assert_false(bench.peer.in_tls);
    assert_null(strstr(bench.peer.heard, "STARTTLS"));
}

/* ---- Secrets ----------------------------------------------------------------------------------------------------- */

static bool holds(const char *octets, size_t len, const char *needle)
{
    size_t n = strlen(needle);

    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(octets + i, needle, n) == 0) {
            return true;
        }
    }
    return false;
}

static void assert_not_told(const char *needle)
{
    assert_false(holds(bench.trace, bench.trace_len, needle));
    assert_false(holds(bench.peer.wire, bench.peer.wire_len, needle));
}

/* Every login, in one step and two: the relay hears it, the trace does not, and nothing of it is in the clear part. */
static void test_secrets_are_not_told(void **state)
{
    static const char secret[] = "Tr0ub4dor&3-correct-horse";
    /* its base64, wherever among the threes it begins, without the digits that its neighbours share */
    static const char *const encoded[] = {"VHIwdWI0ZG9yJjMtY29ycmVjdC1ob3Jz", "RyMHViNGRvciYzLWNvcnJlY3QtaG9yc2",
                                          "UcjB1YjRkb3ImMy1jb3JyZWN0LWhvcnNl"};
    static const char *const mechanisms[] = {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"};
    char offers[64], longer[700];

    for (unsigned i = 0; i < 16; i++) {
        bool token = i % 4 >= 2, two_step = i % 8 >= 4;
        unsigned heard = 0;

        set(i % 3 == 0 ? PIN : ANCHORS, &ec_leaf);
        bench.relay.tls = i < 8 ? MOTE_TLS_STARTTLS : MOTE_TLS_IMPLICIT;
        snprintf(offers, sizeof offers, "250-relay\r\n250 AUTH %s\r\n", mechanisms[i % 4]);
        snprintf(longer, sizeof longer, "%s%0*d", secret, two_step ? 600 : 1, 0);
        bench.peer.offers = offers;
        bench.relay.login.user = "user";
        *(token ? &bench.relay.login.token : &bench.relay.login.password) = longer;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        for (size_t n = 0; n < COUNT(encoded); n++) {
            heard += strstr(bench.peer.heard, encoded[n]) != NULL;
            assert_not_told(encoded[n]);
        }
        assert_int_equal(heard, 1);
        assert_not_told(secret);
        assert_not_told("AHVzZXI"); /* nor who we are */
        assert_not_told("dXNlcg==");
        assert_true(holds(bench.trace, bench.trace_len, "(credentials)\r\n"));
        assert_true(holds(bench.trace, bench.trace_len, "MAIL FROM:<a@example.test>\r\n"));
        assert_true(holds(bench.trace, bench.trace_len, "The text of the mail.\r\n"));
        assert_true(holds(bench.trace, bench.trace_len, "250 taken\r\n"));
        assert_false(holds(bench.peer.wire, bench.peer.wire_len, "AUTH"));
    }
}

/* STARTTLS taken out of the offers, AUTH put in: no login, no mail. */
static void test_stripped(void **state)
{
    for (unsigned kind = ANCHORS; kind < KINDS; kind++) {
        set(kind, &ec_leaf);
        bench.relay.login = (struct mote_login){"user", "password", NULL};
        bench.peer.clear_offers = "250-relay\r\n250-AUTH PLAIN LOGIN\r\n250 AUTH=PLAIN LOGIN\r\n";
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        trust_talk(&bench.session, &bench.peer);
        assert_int_equal(mote_session_result(&bench.session)->verdict, MOTE_DEFERRED);
        assert_int_equal(mote_session_result(&bench.session)->cause, MOTE_CAUSE_TLS_NOT_OFFERED);
        assert_string_equal(bench.peer.heard, "EHLO device.example.test\r\nQUIT\r\n");
    }
}

static bool all_zeros(const void *octets, size_t len)
{
    const uint8_t *at = octets;

    while (len != 0 && *at == 0) {
        at++;
        len--;
    }
    return len == 0;
}

static void test_wipe(void **state)
{
    static const size_t lens[] = {MOTE_SESSION_BUF_MIN, 4421, MOTE_SESSION_BUF_FULL};

    for (unsigned i = 0; i < 6; i++) {
        const bool misuse = i >= 3;

        set(ANCHORS, &ec_leaf);
        bench.peer.offers = "250-relay\r\n250 AUTH PLAIN\r\n";
        bench.relay.login = (struct mote_login){"user", misuse ? NULL : "password", NULL};
        memset(bench.buf, 0xa5, sizeof bench.buf);
        bench.setup.buf_len = lens[i % 3];
        if (misuse) {
            assert_refused(MOTE_MISUSE, MOTE_CAUSE_LOGIN);
        } else {
            assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_NONE);
        }
        assert_false(all_zeros(&bench.session, sizeof bench.session));
        assert_false(all_zeros(bench.buf, lens[i % 3]));
        mote_session_wipe(&bench.session);
        assert_true(all_zeros(&bench.session, sizeof bench.session));
        assert_true(all_zeros(bench.buf, lens[i % 3]));
        for (size_t n = lens[i % 3]; n < sizeof bench.buf; n++) {
            assert_int_equal(bench.buf[n], 0xa5);
        }
        /* twice does no harm */
        mote_session_wipe(&bench.session);
        assert_true(all_zeros(&bench.session, sizeof bench.session));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_preference),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_records_longer_than_the_buffer),
        cmocka_unit_test(test_trust_that_is_none),
        cmocka_unit_test(test_no_anchors_and_no_name),
        cmocka_unit_test(test_logins_need_trust),
        cmocka_unit_test(test_other_misuse),
        cmocka_unit_test(test_no_entropy),
        cmocka_unit_test(test_no_time),
        cmocka_unit_test(test_the_cleartext_pass),
        cmocka_unit_test(test_secrets_are_not_told),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

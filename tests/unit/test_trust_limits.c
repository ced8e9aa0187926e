/* SPDX-License-Identifier: MIT
 *
 * What a relay that nobody has verified may make us compute: RSA keys that are too short or whose exponent is too long, curves,
 * and how much of it in one call.
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
#define CA           .issuer = "Test CA", .signer = P_256_CA

static struct trust_bench bench;

/* ---- Keys made to measure ---------------------------------------------------------------------------------------- */

enum { RSA_OCTETS = 256 };

struct made {
    uint8_t n[RSA_OCTETS], e[RSA_OCTETS], der[1200];
    struct trust_octets spki;
};

/* The key RSA_2048, with such an exponent. */
static void make(struct made *to, const void *e, size_t e_len)
{
    br_rsa_public_key key = {to->n, sizeof to->n, to->e, e_len};

    assert_int_equal(br_rsa_compute_modulus_get_default()(to->n, trust_key_rsa(RSA_2048)), RSA_OCTETS);
    memcpy(to->e, e, e_len);
    to->spki.data = to->der;
    to->spki.len = trust_public_rsa(to->der, &key);
}

/* to += sign * octets */
static void add(uint8_t to[RSA_OCTETS], int sign, const uint8_t *octets, size_t len)
{
    int carry = 0;

    for (size_t i = 1; i <= RSA_OCTETS; i++) {
        carry += to[RSA_OCTETS - i] + (i <= len ? sign * octets[len - i] : 0);
        to[RSA_OCTETS - i] = (uint8_t)(carry & 255);
        carry = carry < 0 ? -1 : carry / 256;
    }
}

/* The same key in truth: (p - 1)(q - 1) is added to its exponent 65537, so that its signatures are as good as before. */
static void make_long(struct made *to)
{
    static const uint8_t rest[] = {1, 0, 2};
    const br_rsa_private_key *secret = trust_key_rsa(RSA_2048);
    uint8_t e[RSA_OCTETS];

    assert_int_equal(br_rsa_compute_pubexp_get_default()(secret), 65537);
    assert_int_equal(br_rsa_compute_modulus_get_default()(e, secret), RSA_OCTETS);
    add(e, -1, secret->p, secret->plen);
    add(e, -1, secret->q, secret->qlen);
    add(e, 1, rest, sizeof rest);
    make(to, e, sizeof e);
}

static void pin_made(const struct made *made)
{
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, made->spki.data, made->spki.len);
    br_sha256_out(&hash, bench.relay.trust.pin);
}

/* ---- Exponents --------------------------------------------------------------------------------------------------- */

/* The relay's own key: four octets are computed with, and the signature is found to be wrong; five are not. */
static void test_exponents(void **state)
{
    static const struct {
        struct trust_octets e;
        uint8_t zeros, cause;
    } cases[] = {
        {{"\1\0\1", 3}, 0, MOTE_CAUSE_NONE},
        {{"\0\0\0\0\1\0\1", 7}, 4, MOTE_CAUSE_NONE},
        {{"\377\377\377\373", 4}, 0, MOTE_CAUSE_TLS_HANDSHAKE},
        {{"\0\0\377\377\377\373", 6}, 2, MOTE_CAUSE_TLS_HANDSHAKE},
        {{"\1\0\0\0\17", 5}, 0, MOTE_CAUSE_CERT_INVALID},
        {{"\0\1\0\0\0\17", 6}, 1, MOTE_CAUSE_CERT_INVALID},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            static struct made made, bare;
            struct trust_spec leaf = {.cn = MAIL, .key = RSA_2048, CA};
            size_t zeros = cases[i].zeros;

            make(&made, cases[i].e.data, cases[i].e.len);
            make(&bare, made.e + zeros, cases[i].e.len - zeros);
            leaf.public_key = made.spki;
            trust_bench_kind(&bench, kind, &leaf);
            pin_made(&bare);
            assert_int_equal(trust_bench_run(&bench), cases[i].cause);
        }
    }
}

/* A key with which all would be well, and which takes 70 times as long: as the relay's own, for signatures and for the exchange,
 * and as that of a CA on the way to the anchor. */
static void test_long_exponents(void **state)
{
    static struct made made;

    make_long(&made);
    for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
        struct trust_spec leaf = {.cn = MAIL, .key = RSA_2048, .public_key = made.spki, CA};

        for (unsigned exchange = 0; exchange < (kind == OPPORTUNISTIC ? 2 : 1); exchange++) {
            trust_bench_kind(&bench, kind, &leaf);
            pin_made(&made);
            bench.peer.suites[0] = exchange != 0 ? BR_TLS_RSA_WITH_AES_128_CBC_SHA : 0;
            assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_INVALID);
        }
    }
    for (unsigned kind = 0; kind < 2 * ALL_KINDS; kind++) {
        struct trust_spec leaf = {.cn = MAIL, .key = P_256, .issuer = "Middle", .signer = RSA_2048};
        struct trust_spec middle = {.cn = "Middle", .key = RSA_2048, .public_key = made.spki, .ca = true, CA};
        bool chain = kind / 2 == ANCHORS || kind / 2 == ANCHORS_SMALL;

        trust_bench_kind(&bench, kind / 2, &leaf);
        trust_bench_certify(&bench, &middle);
        if (kind % 2 != 0) {
            mote_trust_cbc(&bench.relay.trust);
        }
        assert_int_equal(trust_bench_run(&bench), chain ? MOTE_CAUSE_CERT_INVALID : MOTE_CAUSE_NONE);
    }
}

/* ---- Short moduli ------------------------------------------------------------------------------------------------ */

/* In a chain 2,048 bits are the least, for the relay's key and for a CA's. */
static void test_shortest_rsa(void **state)
{
    static const char e[] = "\1\0\1";

    for (size_t octets = RSA_OCTETS - 1; octets <= RSA_OCTETS; octets++) {
        for (unsigned kind = 0; kind < ALL_KINDS; kind++) {
            static struct made made;
            struct trust_spec leaf = {.cn = MAIL, .key = RSA_2048, CA};
            bool chain = kind == ANCHORS || kind == ANCHORS_SMALL;
            br_rsa_public_key key = {made.n, octets, (unsigned char *)(uintptr_t)e, 3};

            make(&made, e, 3);
            made.n[octets - 1] |= 1;
            made.spki.len = trust_public_rsa(made.der, &key);
            leaf.public_key = made.spki;
            trust_bench_kind(&bench, kind, &leaf);
            pin_made(&made);
            /* what is computed with is not the relay's key: all but those of 2,048 bits are found out by that */
            assert_int_equal(trust_bench_run(&bench), octets == RSA_OCTETS ? MOTE_CAUSE_NONE
                                                      : chain              ? MOTE_CAUSE_CERT_INVALID
                                                                           : MOTE_CAUSE_TLS_HANDSHAKE);
        }
    }
}

/* The sign of a modulus that begins with this octet needs a zero in front, in a pin as well. */
static void test_pin_of_a_modulus_that_begins_with_0x80(void **state)
{
    static const char e[] = "\1\0\1";

    for (unsigned first = 0x7f; first <= 0x81; first++) {
        static struct made made;
        struct trust_spec leaf = {.cn = MAIL, .key = RSA_2048, CA};
        br_rsa_public_key key = {made.n, RSA_OCTETS, (unsigned char *)(uintptr_t)e, 3};

        make(&made, e, 3);
        made.n[0] = (uint8_t)first;
        made.spki.len = trust_public_rsa(made.der, &key);
        leaf.public_key = made.spki;
        trust_bench_kind(&bench, PIN, &leaf);
        pin_made(&made);
        /* the pin is right, though the relay does not have that key */
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_HANDSHAKE);
        trust_bench_kind(&bench, PIN, &leaf);
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_CERT_PIN);
    }
}

/* ---- Curves ------------------------------------------------------------------------------------------------------ */

/* Of the code it is given the small trust takes P-256 and P-384: X25519 lacks the check for a secret of zeros there. */
static void test_small_trust_has_no_x25519(void **state)
{
    static const struct trust_spec leaf = {.cn = MAIL, .key = P_256, CA};

    for (unsigned forced = 0; forced < 2; forced++) {
        br_ec_impl peers = *br_ec_get_default();

        peers.supported_curves = (uint32_t)1 << BR_EC_curve25519 | (uint32_t)forced << BR_EC_secp256r1;
        trust_bench_kind(&bench, ANCHORS_SMALL, &leaf);
        bench.relay.trust.ec = br_ec_get_default();
        assert_true(bench.relay.trust.ec->supported_curves >> BR_EC_curve25519 & 1);
        bench.peer.ec = &peers;
        bench.peer.forced = forced != 0 ? BR_EC_curve25519 : 0;
        assert_int_equal(trust_bench_run(&bench), forced != 0 ? MOTE_CAUSE_TLS_HANDSHAKE : MOTE_CAUSE_TLS_NO_COMMON);
    }
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

enum { CHAIN = 61, RECORD = 16384, READS = 16, COMPUTATION_MS = 4000 };

static uint8_t message[40000], wire[41000];
static size_t wire_len;

static void number(uint8_t *to, size_t value, size_t octets)
{
    while (octets-- != 0) {
        to[octets] = (uint8_t)value;
        value >>= 8;
    }
}

/* What a relay says first: a ServerHello for ECDHE with an EC key, and certificates that each sign the one before. */
static void make_wire(void)
{
    static const uint8_t hello[42] = {2, 0, 0, 38, 3, 3, [39] = 0xcc, 0xa9};
    static struct trust_cert cert;
    size_t len = sizeof hello + 7;

    memcpy(message, hello, sizeof hello);
    for (unsigned i = 0; i < CHAIN; i++) {
        char name[12], issuer[12];
        struct trust_spec spec = {.cn = i == 0 ? MAIL : name, .key = P_384, .signer = P_384, .issuer = issuer};

        snprintf(name, sizeof name, "CA %u", i);
        snprintf(issuer, sizeof issuer, "CA %u", i + 1);
        spec.ca = i != 0;
        trust_cert_make(&cert, &spec);
        assert_true(len + 3 + cert.len <= sizeof message);
        number(message + len, cert.len, 3);
        memcpy(message + len + 3, cert.der, cert.len);
        len += 3 + cert.len;
    }
    message[sizeof hello] = 11;
    number(message + sizeof hello + 1, len - sizeof hello - 4, 3);
    number(message + sizeof hello + 4, len - sizeof hello - 7, 3);
    for (size_t at = 0; at < len; at += RECORD) {
        size_t n = len - at < RECORD ? len - at : RECORD;
        static const uint8_t head[] = {22, 3, 3};

        memcpy(wire + wire_len, head, sizeof head);
        number(wire + wire_len + 3, n, 2);
        memcpy(wire + wire_len + 5, message + at, n);
        wire_len += 5 + n;
    }
}

static unsigned computations;
static uint32_t now_ms, computation_ms;

static void compute(void)
{
    computations++;
    now_ms += computation_ms;
}

/* Reads as ports do: all that came, within reason, then the time limits. Returns the most computations between two looks. */
static unsigned read_wire(struct mote_session *s)
{
    unsigned most = 0;
    size_t at = 0, room;

    while (at < wire_len && (mote_session_poll(s, now_ms) & MOTE_DONE) == 0) {
        unsigned before = computations;
        void *to;

        if (mote_session_send_buf(s, &room) != NULL) {
            mote_session_send_ack(s, room);
        }
        for (unsigned n = 0; n < READS && at < wire_len && (to = mote_session_recv_buf(s, &room)) != NULL; n++) {
            room = wire_len - at < room ? wire_len - at : room;
            memcpy(to, wire + at, room);
            at += room;
            mote_session_recv_ack(s, room);
        }
        most = computations - before > most ? computations - before : most;
    }
    mote_session_poll(s, now_ms);
    return most;
}

/* All of it is computed with, in a buffer of any size; and a small CPU, which takes minutes for that, ends it in time. */
static void test_long_chains(void **state)
{
    static const struct trust_spec leaf = {.cn = MAIL, .key = P_256, CA};
    const struct mote_result *result = mote_session_result(&bench.session);

    make_wire();
    for (unsigned i = 0; i < 4; i++) {
        trust_bench_kind(&bench, ANCHORS, &leaf);
        bench.relay.tls = MOTE_TLS_IMPLICIT;
        bench.setup.buf_len = i % 2 == 0 ? MOTE_SESSION_BUF_MIN : MOTE_SESSION_BUF_FULL;
        assert_true(mote_watchdog(&bench.relay.trust, compute));
        mote_session_init(&bench.session, &bench.relay, &bench.mail, &bench.setup);
        computations = now_ms = 0;
        computation_ms = i / 2 * COMPUTATION_MS;
        assert_in_range(read_wire(&bench.session), 1, 2);
        if (computation_ms == 0) {
            assert_int_equal(computations, CHAIN - 1);
            assert_int_equal(result->cause, MOTE_CAUSE_CERT_UNTRUSTED);
        } else {
            assert_in_range(now_ms, MOTE_TLS_S * 1000, MOTE_TLS_S * 1000 + 2 * COMPUTATION_MS);
            assert_int_equal(result->cause, MOTE_CAUSE_TIMEOUT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponents),
        cmocka_unit_test(test_long_exponents),
        cmocka_unit_test(test_shortest_rsa),
        cmocka_unit_test(test_pin_of_a_modulus_that_begins_with_0x80),
        cmocka_unit_test(test_small_trust_has_no_x25519),
        cmocka_unit_test(test_long_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

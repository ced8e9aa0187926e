/* SPDX-License-Identifier: MIT
 *
 * Damaged certificates, of every kind (damage.h), from a relay whom nobody has verified yet: through each kind of trust, in pieces of
 * every size, as the TLS engine hands them over, and in whole sessions. That nothing is written over shows best with the
 * sanitizers; some of it shows without.
 */
#include "damage.h"
#include "one.h"
#include "trust_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MAIL         "mail.example.test"

enum { MANY = 20000 }; /* octets, too many to hand them over one by one */

static struct trust_bench bench;
static enum trust_kind kind;
static unsigned used, taken;
static bool quick; /* for tools that take their time */

static const struct trust_spec ec_leaf = {
    .cn = MAIL, .names = {MAIL}, .key = P_256, .issuer = "Test CA", .signer = P_256_CA};

/* ---- Piece by piece ---------------------------------------------------------------------------------------------- */

/* A session that has just begun TLS, in memory of its own. */
static struct mote_session *begin(void)
{
    struct mote_session *session = calloc(1, sizeof *session);

    session->relay = &bench.relay;
    session->setup = &bench.setup;
    bench.relay.trust.setup_tls(session);
    return session;
}

/* What the trust says of it; 0 is good. */
static unsigned judge(const struct damaged *damaged, size_t piece)
{
    struct mote_session *session = begin();
    br_ssl_client_context client = session->client;
    const br_x509_class **x509 = &session->x509.vtable;
    unsigned error;

    (*x509)->start_chain(x509, MAIL);
    (*x509)->start_cert(x509, (uint32_t)damaged->len);
    for (size_t at = 0; at < damaged->len; at += piece) {
        size_t n = damaged->len - at < piece ? damaged->len - at : piece;
        uint8_t *octets = malloc(n); /* and no octet is read behind them */

        memcpy(octets, damaged->der + at, n);
        (*x509)->append(x509, octets, n);
        free(octets);
    }
    (*x509)->end_cert(x509);
    error = (*x509)->end_chain(x509);
    if (kind == OPPORTUNISTIC || kind == PIN) {
        assert_null(session->x509.u.decoder.append_dn);
        assert_null(session->x509.u.decoder.append_dn_ctx);
    }
    assert_memory_equal(&session->client, &client, sizeof client);
    free(session);
    return error;
}

static void piece_by_piece(const struct damaged *damaged)
{
    static const size_t sizes[] = {1, 2, 3, 7, 64, 255, 256, 257, 1000, 200000};
    const bool chain = kind == ANCHORS || kind == ANCHORS_SMALL;
    const size_t step = !damaged->one_octet ? (quick ? 4 : 1) : chain ? COUNT(sizes) : 6;
    const size_t first = damaged->len > MANY ? COUNT(sizes) - 2 : damaged->at % step;
    unsigned error;

    if (quick && damaged->one_octet && used++ % 50 != 0) {
        return;
    }
    error = judge(damaged, sizes[first]);
    if (error == 0 && (damaged->keyless || (chain && damaged->one_octet))) {
        print_error("%s %zu is taken by trust %d\n", damaged->what, damaged->at, kind);
    }
    assert_true(error != 0 || (!damaged->keyless && !(chain && damaged->one_octet)));
    for (size_t i = first + step; i < COUNT(sizes); i += step) {
        assert_int_equal(judge(damaged, sizes[i]), error);
    }
    taken += error == 0;
}

static void test_piece_by_piece(void **state)
{
    for (kind = 0; kind < ALL_KINDS; kind++) {
        trust_bench_kind(&bench, kind, &ec_leaf);
        used = taken = 0;
        damage_each(MAIL, piece_by_piece);
        /* without a check of the signature most octets of a certificate mean nothing; a CA can sign a key that is none */
        assert_true(taken != 0);
    }
}

/* A session that is about to hear a chain. */
static struct mote_session *begin_chain(void)
{
    struct mote_session *session;

    trust_bench_kind(&bench, kind, &ec_leaf);
    session = begin();
    session->x509.vtable->start_chain(&session->x509.vtable, MAIL);
    return session;
}

/* A chain is judged by its first certificate, or from there on: what comes behind it does not reach the decoder of its key. */
static void test_behind_a_good_one(void **state)
{
    static const struct damaged behind = {.der = (const uint8_t *)"\xfe\xfe\xfe\xfe", .len = 4};

    for (kind = 0; kind < ALL_KINDS; kind++) {
        struct mote_session *session = begin_chain();
        const br_x509_class **x509 = &session->x509.vtable;

        (*x509)->start_cert(x509, (uint32_t)bench.peer.chain[0].len);
        (*x509)->append(x509, bench.peer.chain[0].der, bench.peer.chain[0].len);
        (*x509)->end_cert(x509);
        for (unsigned i = 0; i < 1000; i++) {
            (*x509)->start_cert(x509, (uint32_t)behind.len);
            (*x509)->append(x509, behind.der, behind.len);
            (*x509)->end_cert(x509);
        }
        assert_int_equal((*x509)->end_chain(x509), 0);
        free(session);
    }
}

/* Each chain is judged anew, whatever the one before it was: for everybody below a top-level domain, for clients, good, none. */
static void test_chain_behind_chain(void **state)
{
#define AT_TEST .cn = "x", .key = P_256, .issuer = "Test CA", .signer = P_256_CA
    static const struct trust_spec wide = {AT_TEST, .names = {"example.test", "*.test"}},
                                   good = {AT_TEST, .names = {"example.test"}},
                                   clients = {AT_TEST, .names = {"example.test"},
                                              .usage = {"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02", 12}};
    static const struct {
        const struct trust_spec *leaf;
        unsigned error;
    } chains[] = {{&wide, BR_ERR_X509_BAD_SERVER_NAME},        {&good, 0},
                  {&clients, BR_ERR_X509_FORBIDDEN_KEY_USAGE}, {&good, 0},
                  {&wide, BR_ERR_X509_BAD_SERVER_NAME},        {NULL, BR_ERR_X509_EMPTY_CHAIN}};
    static struct trust_cert cert;

    for (kind = 0; kind < ALL_KINDS; kind++) {
        bool looks = kind == ANCHORS || kind == ANCHORS_SMALL;
        struct mote_session *session;
        const br_x509_class **x509;

        trust_bench_kind(&bench, kind, &good);
        session = begin();
        x509 = &session->x509.vtable;
        for (size_t i = 0; i < COUNT(chains); i++) {
            (*x509)->start_chain(x509, "example.test");
            if (chains[i].leaf != NULL) {
                trust_cert_make(&cert, chains[i].leaf);
                (*x509)->start_cert(x509, (uint32_t)cert.len);
                (*x509)->append(x509, cert.der, cert.len);
                (*x509)->end_cert(x509);
            }
            assert_int_equal((*x509)->end_chain(x509), looks || chains[i].leaf == NULL ? chains[i].error : 0);
        }
        free(session);
    }
}

/* ---- Whole sessions ---------------------------------------------------------------------------------------------- */

static void in_a_session(const struct damaged *damaged)
{
    static const struct {
        size_t piece, buf_len;
        uint16_t record;
    } ways[] = {
        {0, MOTE_SESSION_BUF_FULL, 0},  {1, MOTE_SESSION_BUF_MIN, 0},    {7, MOTE_SESSION_BUF_FULL, 100},
        {0, MOTE_SESSION_BUF_FULL, 33}, {1000, MOTE_SESSION_BUF_MIN, 0},
    };
    struct trust_octets octets = {damaged->der, damaged->len};
    size_t way = damaged->len > MANY ? 0 : used % COUNT(ways);
    uint8_t cause;

    used++;
    if (used % (damaged->one_octet ? 151 : damaged->len > MANY ? 7 : 2) != 0 || (quick && used % 5 != 0)) {
        return;
    }
    trust_bench_kind(&bench, kind, &ec_leaf);
    bench.peer.raw = &octets;
    bench.peer.piece = ways[way].piece;
    bench.peer.record = ways[way].record;
    bench.setup.buf_len = ways[way].buf_len;
    cause = trust_bench_run(&bench);
    if (damaged->hopeless || kind == ANCHORS || kind == ANCHORS_SMALL) {
        assert_int_not_equal(cause, MOTE_CAUSE_NONE);
    }
    if (damaged->keyless && damaged->len != 0) {
        assert_int_equal(cause, MOTE_CAUSE_CERT_INVALID);
    }
}

static void test_in_a_session(void **state)
{
    for (kind = 0; kind < ALL_KINDS; kind++) {
        used = 0;
        damage_each(MAIL, in_a_session);
    }
}

/* No certificate at all. */
static void test_empty_chain(void **state)
{
    for (kind = 0; kind < ALL_KINDS; kind++) {
        struct mote_session *session = begin_chain();
        const br_x509_class **x509 = &session->x509.vtable;

        assert_int_equal((*x509)->end_chain(x509), BR_ERR_X509_EMPTY_CHAIN);
        free(session);
        trust_bench_kind(&bench, kind, &ec_leaf);
        bench.peer.no_chain = true;
        assert_int_equal(trust_bench_run(&bench), MOTE_CAUSE_TLS_HANDSHAKE); /* BearSSL does not even ask */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_piece_by_piece),     cmocka_unit_test(test_behind_a_good_one),
        cmocka_unit_test(test_chain_behind_chain), cmocka_unit_test(test_in_a_session),
        cmocka_unit_test(test_empty_chain),
    };

    quick = one_quick();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

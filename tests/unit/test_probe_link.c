/* SPDX-License-Identifier: MIT
 *
 * What `mailmote probe' reads: replies, records of TLS, and in a ServerHello: has the relay granted short records?
 */
#include "mailmote_session.h"
#include "../../boards/host/probe.h"
#include "../../boards/host/probe_link.h"
#include "../../port/posix/posix.h"
#include "trust_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

struct octets {
    const char *at;
    size_t len;
};

/* Behind head, version and random, 38 octets that nobody looks at but the first. */
static bool granted(unsigned char type, struct octets rest)
{
    static struct link link;

    memset(&link, 0, sizeof link);
    link.hello[0] = type;
    memcpy(link.hello + 38, rest.at, rest.len);
    link.hello_len = 38 + rest.len;
    return link_granted(&link);
}

static void test_granted(void **state)
{
    static const struct {
        struct octets rest; /* a session's ID, suite and compression, and extensions */
        bool granted;
    } cases[] = {
        {OCTETS("\0\xc0\x2b\0\0\5\0\1\0\1\1"), true},
        {OCTETS("\2id\xc0\x2b\0\0\5\0\1\0\1\1"), true},
        {OCTETS("\0\xc0\x2b\0\0\12\xff\1\0\1\0\0\1\0\1\1"), true},
        {OCTETS("\0\xc0\x2b\0\0\12\0\1\0\1\1\xff\1\0\1\0"), true},
        {OCTETS("\0\xc0\x2b\0\0\5\xff\1\0\1\0"), false},           /* another one */
        {OCTETS("\0\xc0\x2b\0\0\0"), false},                       /* none */
        {OCTETS("\0\xc0\x2b\0"), false},                           /* not even their length */
        {OCTETS("\0\xc0\x2b\0\0\12\xff\1\0\1\0"), false},          /* one that has not come */
        {OCTETS("\0\xc0\x2b\0\0\5\xff\1\0\1\0\0\1\0\1\1"), false}, /* behind their end */
        {OCTETS("\0\xc0\x2b\0\0\5\xff\1\xff\xff\0\0\1\0\1\1"), false},
        {OCTETS("\xff\xc0\x2b\0\0\5\0\1\0\1\1"), false},
        {OCTETS(""), false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(granted(2, cases[i].rest), cases[i].granted);
        assert_false(granted(1, cases[i].rest)); /* it is no ServerHello */
    }
}

/* Nothing is read behind the end of what is cut, whatever was there before. What the extension holds is not asked. */
static void test_cut(void **state)
{
    static const char rest[] = "\2id\xc0\x2b\0\0\5\0\1\0\1\1";
    static struct link link;

    link.hello[0] = 2;
    memcpy(link.hello + 38, rest, sizeof rest - 1);
    for (link.hello_len = 0; link.hello_len <= 38 + sizeof rest - 1; link.hello_len++) {
        assert_int_equal(link_granted(&link), link.hello_len >= 38 + sizeof rest - 2);
    }
}

static void test_logins(void **state)
{
    static const struct {
        const char *offers, *logins;
    } cases[] = {
        {"", ""},
        {"SIZE\nAUTH PLAIN LOGIN\nAUTH=PLAIN LOGIN\n", "PLAIN LOGIN"},
        {"AUTH=LOGIN\nAUTH PLAIN\nauth login plain\nAUTH X\n", "LOGIN PLAIN X"},
        {"AUTH  PLAIN  X \nAUTH\nAUTH=\nAUTH \n", "PLAIN X"},
        {"AUTHX PLAIN\nXAUTH PLAIN\nAUT\n", ""},
        {"AUTH PLAINX\nAUTH PLAIN XPLAIN PLAIN X\n", "PLAINX PLAIN XPLAIN X"},
    };
    char logins[PROBE_TEXT], offers[2 * PROBE_TEXT], wanted[PROBE_TEXT + 2];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        probe_logins(logins, cases[i].offers);
        assert_string_equal(logins, cases[i].logins);
    }
    for (int len = PROBE_TEXT - 4; len < PROBE_TEXT + 2; len++) { /* what has no room is left out */
        snprintf(offers, sizeof offers, "AUTH %0*d Y\n", len, 0);
        snprintf(wanted, sizeof wanted, len + 2 < PROBE_TEXT ? "%0*d Y" : len < PROBE_TEXT ? "%0*d" : "Y", len, 0);
        probe_logins(logins, offers);
        assert_string_equal(logins, wanted);
    }
}

/* What it said before is not taken for an answer that does not come: it hangs up before it is asked, or when it is. */
static void test_no_answer(void **state)
{
    for (int hears = 0; hears < 2; hears++) {
        static struct link link;
        int pair[2];

        memset(&link, 0, sizeof link);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        link.fd = pair[0];
        link.start_ms = mote_posix_now_ms();
        link.limit_ms = 10000;
        assert_int_equal(write(pair[1], "250-a\r\n250 b\r\n", 14), 14);
        assert_int_equal(link_reply(&link), 250);
        assert_string_equal(link.reply, "250-a\r\n250 b\r\n");
        assert_int_equal(link.reply_len, 14);
        assert_int_equal(shutdown(pair[1], hears != 0 ? SHUT_WR : SHUT_RDWR), 0);
        assert_int_equal(link_ask(&link, "STARTTLS\r\n"), 0);
        assert_string_equal(link.reply, "");
        assert_int_equal(link.reply_len, 0);
        close(pair[0]);
        close(pair[1]);
    }
}

/* ---- Octets that come -------------------------------------------------------------------------------------------- */

static int pair[2];
static char said_to[100];

/* A link that has these octets to read, and then the end. */
static struct link *link_to(const void *octets, size_t len)
{
    static struct link link;

    memset(&link, 0, sizeof link);
    memset(link.reply, 'x', sizeof link.reply);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    link.fd = pair[0];
    link.start_ms = mote_posix_now_ms();
    link.limit_ms = 10000;
    assert_int_equal(write(pair[1], octets, len), len);
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    return &link;
}

static void hang_up(void)
{
    close(pair[0]);
    close(pair[1]);
}

static void test_replies(void **state)
{
    static const struct {
        const char *said;
        unsigned code;
        size_t len;  /* of what is taken */
        bool closed; /* it was read to its end */
    } cases[] = {
        {"220 hi\r\n250 no\r\n", 220, 8, false},
        {"220-hi\r\n250-x\n554 y\n554 z\n", 554, 20, false},
        {"000 \n", 0, 5, false},
        {"999\n", 999, 4, false},
        {"999-\n", 0, 5, true},
        {"109-\n901\nx", 901, 9, false},
        {"220-hi\r\n22 x\r\n220 y\n", 0, 14, false},
        {"220-hi\r\n\n220 y\n", 0, 9, false},
        {"2/0 x\n220 \n", 0, 6, false},
        {"2:0 x\n220 \n", 0, 6, false},
        {"/20 x\n220 \n", 0, 6, false},
        {":20 x\n220 \n", 0, 6, false},
        {"22/ x\n220 \n", 0, 6, false},
        {"22: x\n220 \n", 0, 6, false},
        {"22\n220 \n", 0, 3, false},
        {"220x-\n220 \n", 220, 6, false},
        {"220 hi", 0, 6, true},
        {"\n", 0, 1, false},
        {"", 0, 0, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link *link = link_to(cases[i].said, strlen(cases[i].said));

        assert_int_equal(link_reply(link), cases[i].code);
        assert_int_equal(link->reply_len, cases[i].len);
        assert_memory_equal(link->reply, cases[i].said, cases[i].len);
        assert_int_equal(link->reply[cases[i].len], 0);
        assert_int_equal(link->heard, cases[i].said[0] != 0);
        assert_int_equal(link->closed, cases[i].closed);
        assert_false(link->no_tls);
        assert_int_equal(link->hello_len, 0);
        hang_up();
    }
}

/* The longest reply there is room for has a NUL behind it. */
static void test_longest_reply(void **state)
{
    static char said[REPLY_MAX + 10];

    for (size_t len = REPLY_MAX - 1; len < REPLY_MAX + 2; len++) {
        struct link *link;

        memset(said, 'y', sizeof said);
        memcpy(said, "220 ", 4);
        said[len - 1] = '\n';
        link = link_to(said, len);
        assert_int_equal(link_reply(link), len < REPLY_MAX ? 220 : 0);
        assert_int_equal(link->reply_len, len < REPLY_MAX ? len : REPLY_MAX - 1);
        assert_memory_equal(link->reply, said, link->reply_len);
        assert_int_equal(link->reply[link->reply_len], 0);
        assert_false(link->closed);
        hang_up();
    }
}

/* No time is left: nothing is read, nothing is written, and nobody has hung up. */
static void test_no_time(void **state)
{
    struct link *link = link_to("220 hi\n", 7);
    char octet;

    link->limit_ms = 0;
    assert_int_equal(link_ask(link, "EHLO x\r\n"), 0);
    assert_false(link->heard || link->closed);
    assert_int_equal(recv(pair[1], &octet, 1, MSG_DONTWAIT), -1);
    link->limit_ms = 10000;
    link->start_ms -= 10000;
    assert_int_equal(link_reply(link), 0);
    assert_false(link->heard || link->closed);
    link->start_ms = mote_posix_now_ms();
    assert_int_equal(link_ask(link, "EHLO x\r\n"), 220);
    assert_int_equal(recv(pair[1], said_to, sizeof said_to, MSG_DONTWAIT), 8);
    assert_memory_equal(said_to, "EHLO x\r\n", 8);
    hang_up();
}

/* Records of TLS as they come: what is not encrypted is kept, the longest of the others is told, header and all. */
static void test_records(void **state)
{
    static const struct {
        struct octets said;
        struct octets hello;
        size_t record, left, head;
        bool no_tls, encrypted;
    } cases[] = {
        {OCTETS("\x16\3\3\0\3abc"), OCTETS("abc"), 0, 0, 0, false, false},
        {OCTETS("\x16\3\3\0\3abc\x16\3\3\0\2de"), OCTETS("abcde"), 0, 0, 0, false, false},
        {OCTETS("\x16\3\3\1\2abc"), OCTETS("abc"), 0, 255, 0, false, false},
        {OCTETS("\x16\3\3\0"), OCTETS(""), 0, 0, 4, false, false},
        {OCTETS("\x16\3\3\0\0\x17"), OCTETS(""), 0, 0, 1, false, false},
        {OCTETS("\x16\3\3\0\1a\x14\3\3\0\1\1\x16\3\3\0\4abcd\x17\3\3\0\2ef"), OCTETS("a"), 9, 0, 0, false, true},
        {OCTETS("\x14\3\3\0\1\1\x16\3\3\0\1a\x17\3\3\0\2ef"), OCTETS(""), 7, 0, 0, false, true},
        {OCTETS("\x14\3\3\0\1\1\x17\3\3\1\1abcd"), OCTETS(""), 262, 253, 0, false, true},
        {OCTETS("\x13\3\3\0\1a"), OCTETS("a"), 0, 0, 0, true, false},
        {OCTETS("\x14\3\3\0\1a"), OCTETS(""), 0, 0, 0, false, true},
        {OCTETS("\x15\3\3\0\1a"), OCTETS("a"), 0, 0, 0, false, false},
        {OCTETS("\x17\3\3\0\1a"), OCTETS("a"), 0, 0, 0, false, false},
        {OCTETS("\x18\3\3\0\1a"), OCTETS("a"), 0, 0, 0, true, false},
        {OCTETS("\x18\3\3\0\1a\x17\3\3\0\1a"), OCTETS("aa"), 0, 0, 0, true, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link *link = link_to(cases[i].said.at, cases[i].said.len);

        link->in_tls = true;
        assert_int_equal(link_reply(link), 0);
        assert_int_equal(link->reply_len, cases[i].said.len);
        assert_int_equal(link->hello_len, cases[i].hello.len);
        assert_memory_equal(link->hello, cases[i].hello.at, cases[i].hello.len);
        assert_int_equal(link->record, cases[i].record);
        assert_int_equal(link->left, cases[i].left);
        assert_int_equal(link->head, cases[i].head);
        assert_int_equal(link->no_tls, cases[i].no_tls);
        assert_int_equal(link->encrypted, cases[i].encrypted);
        assert_true(link->heard && link->closed);
        hang_up();
    }
}

/* What there is no room for is passed over. */
static void test_long_hello(void **state)
{
    static char said[5 + 600] = "\x16\3\3\2\x58";
    struct link *link;

    for (size_t i = 5; i < sizeof said; i++) {
        said[i] = (char)('a' + i % 26);
    }
    link = link_to(said, sizeof said);
    link->in_tls = true;
    assert_int_equal(link_reply(link), 0);
    assert_int_equal(link->hello_len, sizeof link->hello);
    assert_memory_equal(link->hello, said + 5, sizeof link->hello);
    assert_int_equal(link->left, 0);
    assert_int_equal(link->head, 0);
    hang_up();
}

/* Who has gone is not written to; who is not in TLS is told the end. */
static void test_close(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        struct link *link = link_to("", 0);
        ssize_t len;

        link->in_tls = kind == 1;
        link_close(link);
        assert_int_equal(link->fd, -1);
        len = recv(pair[1], said_to, sizeof said_to, 0);
        assert_int_equal(len, kind == 0 ? 6 : 0);
        assert_memory_equal(said_to, "QUIT\r\n", (size_t)len);
        assert_int_equal(recv(pair[1], said_to, sizeof said_to, 0), 0);
        close(pair[1]);
        link_close(link);
    }
}

/* One reply behind another: of the first nothing is left. */
static void test_next_reply(void **state)
{
    struct link *link = link_to("220-a long one\n220 b\n250 c\n", 27);

    assert_int_equal(link_reply(link), 220);
    assert_int_equal(link_reply(link), 250);
    assert_string_equal(link->reply, "250 c\n");
    assert_int_equal(link->reply_len, 6);
    hang_up();
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

static struct trust_cert good, strange;

/* g: good; s: its key is strange; d: damaged; e: it has no octets; l: longer than was said; t: too long. In two pieces. */
static void hear(const br_x509_class **x, char kind)
{
    static unsigned char octets[(1 << 16) + 1];
    const struct trust_cert *from = kind == 's' ? &strange : &good;
    size_t len = kind == 't' ? sizeof octets : kind == 'e' ? 0 : from->len;

    memset(octets, 0, sizeof octets);
    memcpy(octets, from->der, from->len);
    octets[0] = kind == 'd' ? 0x31 : octets[0];
    (*x)->start_cert(x, (uint32_t)(kind == 'l' ? len - 1 : len));
    (*x)->append(x, octets, len / 2);
    (*x)->append(x, octets + len / 2, len - len / 2);
    (*x)->end_cert(x);
}

/* All of a chain is taken, or none. */
static void test_chains(void **state)
{
    static const struct {
        const char *chain;
        unsigned error;
    } cases[] = {
        {"", BR_ERR_X509_EMPTY_CHAIN},
        {"g", 0},
        {"gs", 0},
        {"gggggggggggg", 0},
        {"ggggggggggggg", BR_ERR_X509_LIMIT_EXCEEDED},
        {"s", BR_ERR_X509_UNSUPPORTED},
        {"sg", BR_ERR_X509_UNSUPPORTED},
        {"d", BR_ERR_X509_LIMIT_EXCEEDED},
        {"gdg", BR_ERR_X509_LIMIT_EXCEEDED},
        {"geg", BR_ERR_X509_LIMIT_EXCEEDED},
        {"glg", BR_ERR_X509_LIMIT_EXCEEDED},
        {"gtg", BR_ERR_X509_LIMIT_EXCEEDED},
    };
    static const uint16_t suite = BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    static const struct link_tls tls = {&suite, 1, &mote_curves, true};

    trust_cert_make(&good, &(struct trust_spec){.cn = "x", .key = P_256, .signer = P_256});
    trust_cert_make(&strange, &(struct trust_spec){.cn = "x", .key = P_521, .signer = P_256});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link *link = link_to("", 0);
        const br_x509_class **x = &link->x509.vtable;
        unsigned usages = 0;
        int error;

        assert_false(link_start_tls(link, "x", &tls, &error));
        assert_int_equal(error, BR_ERR_IO);
        assert_false(link->no_tls);
        (*x)->start_chain(x, "x");
        for (const char *kind = cases[i].chain; *kind != 0; kind++) {
            hear(x, *kind);
        }
        assert_int_equal((*x)->end_chain(x), cases[i].error);
        if (cases[i].error == 0) {
            assert_int_equal(link->chain.count, strlen(cases[i].chain));
            assert_ptr_equal((*x)->get_pkey((const br_x509_class *const *)x, &usages), link->chain.list[0]->pkey);
            assert_int_equal(usages, BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN);
            assert_ptr_equal((*x)->get_pkey((const br_x509_class *const *)x, NULL), link->chain.list[0]->pkey);
            (*x)->start_chain(x, "x"); /* another one: this one is gone */
            assert_int_equal(link->chain.count, 0);
        }
        link_close(link);
        close(pair[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granted),   cmocka_unit_test(test_cut),        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_no_answer), cmocka_unit_test(test_replies),    cmocka_unit_test(test_longest_reply),
        cmocka_unit_test(test_no_time),   cmocka_unit_test(test_records),    cmocka_unit_test(test_long_hello),
        cmocka_unit_test(test_close),     cmocka_unit_test(test_next_reply), cmocka_unit_test(test_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

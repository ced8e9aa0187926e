/* SPDX-License-Identifier: MIT
 *
 * What callers may pass in: addresses, EHLO names, logins, TLS modes, recipients. What they may not is MISUSE with its
 * cause, and no octet leaves.
 */
#include "rig.h"

static struct rig rig;

#define X16  "xxxxxxxxxxxxxxxx"
#define X64  X16 X16 X16 X16
#define X63  X16 X16 X16 "xxxxxxxxxxxxxxx"
#define X61  X16 X16 X16 "xxxxxxxxxxxxx"
#define D189 X63 "." X61 "." X63 /* 63 + 1 + 61 + 1 + 63 */

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

static const char *const good[] = {
    "a@b",
    "a@b.c",
    "user@example.test",
    "User.Name+tag@Example.TEST",
    "!#$%&'*+-/=?^_`{|}~@example.test",
    "1@2.test",
    "a@1.2.3.4",
    "a@x-y.test",
    "a@xn--bcher-kva.test",
    "postmaster@[192.0.2.7]",
    "postmaster@[1]",
    "postmaster@[IPv6:2001:db8::7]",
    "\"quoted\"@example.test",
    "\"a@b\"@example.test",
    "\"a..b\"@example.test",
    "\".\"@example.test",
    "\"a,b;c:d(e)[f]\"@example.test",
    "\"a\\\"b\"@example.test",
    "\"a\\\\\"@example.test",
    "\"\\a\"@example.test",
    "\303\244@example.test",
    "a@\303\244.test",
    "\"\303\244\"@example.test",
    "\346\227\245\346\234\254@\346\227\245\346\234\254.test",
    X64 "@example.test",
    "\"" X61 "x\"@example.test",
    X64 "@" D189,
    X64 "x@example.test",
    "\"" X61 "xx\"@example.test",
    X64 X64 X64 "@" X61,
};

static const char *const bad[] = {
    "\"@example.com", /* its quotes do not end */
    "",
    "@",
    "a",
    "a@",
    "@b",
    "a@b@c",
    "a@@b",
    "<>",
    "<a@b>",
    "<a@b",
    "a@b>",
    "a<@b",
    "a>@b",
    "a@b<c",
    "a@b> SIZE=1",
    "A User <a@b>",
    " a@b",
    "a@b ",
    "a @b",
    "a@ b",
    "a b@c",
    "a@b c",
    "a@b\r\n",
    "a@b\n",
    "a@b\r",
    "a\r\n@b",
    "a\n@b",
    "a@b\r\nRCPT TO:<c@d",
    "a@b>\r\nDATA",
    "a@b\t",
    "a\t@b",
    "a\1@b",
    "a\33@b",
    "a\177@b",
    "a@b\177",
    "a@b\1",
    "a@.b",
    "a@b.",
    "a@b..c",
    "a@.",
    "a@_dmarc.test",
    "a@b_c.test",
    "a@b,c",
    "a@b;c",
    "a@b/c",
    "a@b:25",
    "a@(b)",
    "a(comment)@b",
    "a,b@c",
    "a;b@c",
    "a:b@c",
    "a[b]@c",
    "a\\b@c",
    "a\"b@c",
    "a\"b\"@c",
    "\"a\"b@c",
    "\"a@b",
    "\"a\"@",
    "\"a\"",
    "\"",
    "\"\\",
    "\"\\\"",
    "\"a\\\"@b",
    "\"a\"\"b\"@c",
    "\"a b\"@c",
    "\"a\\ b\"@c",
    "\"a<b\"@c",
    "\"a>b\"@c",
    "\"a\\>b\"@c",
    "\"a\r\n\"@c",
    "\"a\\\r\n\"@c",
    "\"a\\\n\"@c",
    "\"a\t\"@c",
    "\"a\177\"@c",
    "\"a\\\177\"@c",
    "@relay.test:a@b",
    "mailto:a@b",
    "a@[192.0.2.7",
    "a@192.0.2.7]",
    "a@[]",
    "a@[",
    "a@]",
    "a@[192.0.2.7]x",
    "a@x[192.0.2.7]",
    "a@[192.0.2.7]]",
    "a@[[192.0.2.7]]",
    "a@[192.0.2.7] ",
    "a@[192.0.2.7\r\n]",
    "a@[a>b]",
    X64 "@" D189 "x",
    X64 X64 X64 "x@" X61,
    "a@" D189 "." X64,
};

static void test_addresses(void **state)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(good); i++) {
        if (!mote_address_valid(good[i])) {
            print_error("refused: %s\n", good[i]);
            wrong++;
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (mote_address_valid(bad[i])) {
            print_error("accepted: %s\n", bad[i]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(strlen(X64 "@" D189), 254);
}

/* Every octet in every place: what RFC 5321 lets stand there and nothing else, and no space, bracket or control octet. */
static void test_every_octet_of_an_address(void **state)
{
    for (unsigned c = 1; c < 256; c++) {
        char local[] = "a?b@example.test", host[] = "a@b?c.test", quoted[] = "\"a?b\"@example.test",
             escaped[] = "\"a\\?b\"@example.test";
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c > 127;
        bool quotable = c > ' ' && c != 127 && c != '<' && c != '>';

        local[1] = host[3] = quoted[2] = escaped[3] = (char)c;
        /* "a@b@example.test" would be two addresses; strchr finds no NUL here */
        assert_int_equal(mote_address_valid(local), letter || strchr("!#$%&'*+-/=?^_`{|}~.", (int)c) != NULL);
        assert_int_equal(mote_address_valid(host), letter || c == '-' || c == '.');
        assert_int_equal(mote_address_valid(escaped), quotable);
        if (c != '"' && c != '\\') {
            assert_int_equal(mote_address_valid(quoted), quotable);
        }
    }
}

/* ---- EHLO names -------------------------------------------------------------------------------------------------- */

static void test_helo_names(void **state)
{
    static const char *const names[] = {"device.example.test",
                                        "a",
                                        "A-b.C",
                                        "1",
                                        "192.0.2.7.example",
                                        "[192.0.2.7]",
                                        "[IPv6:::1]",
                                        "[IPv6:2001:db8::7]",
                                        "localhosts",
                                        "xocalhost",
                                        "locahost",
                                        "localhost2.test",
                                        "local",
                                        "l",
                                        "xn--bcher-kva.test",
                                        "local.host",
                                        X63 "." X63 "." X63 "." X63};
    static const char *const none[] = {"",
                                       "localhost",
                                       "LOCALHOST",
                                       "LocalHost",
                                       "localhosT",
                                       "localhost.localdomain",
                                       "LOCALHOST.localdomain",
                                       "localhost.",
                                       "localhost.example.test",
                                       "my_device",
                                       "_",
                                       "a_b.test",
                                       "a b",
                                       " a",
                                       "a ",
                                       "a\t",
                                       "a\r\n",
                                       "a\r\nMAIL FROM:<x@y>",
                                       "a\n",
                                       "a\1",
                                       "a\177",
                                       ".",
                                       ".a",
                                       "a.",
                                       "a..b",
                                       "a/b",
                                       "a:b",
                                       "a@b",
                                       "<a>",
                                       "\"a\"",
                                       "(a)",
                                       "[",
                                       "]",
                                       "[]",
                                       "[192.0.2.7",
                                       "192.0.2.7]",
                                       "[192.0.2.7]x",
                                       "[192.0.2.7] x",
                                       "[192.0.2 7]",
                                       "[a\r\nb]",
                                       "[a_b]",
                                       "\303\244.test",
                                       "device.t\303\244st",
                                       "[\303\244]",
                                       "\377",
                                       X64 X64 X64 X64};

    for (size_t i = 0; i < COUNT(names); i++) {
        if (!mote_helo_valid(names[i])) {
            print_error("refused: %s\n", names[i]);
        }
        assert_true(mote_helo_valid(names[i]));
    }
    for (size_t i = 0; i < COUNT(none); i++) {
        if (mote_helo_valid(none[i])) {
            print_error("accepted: %s\n", none[i]);
        }
        assert_false(mote_helo_valid(none[i]));
    }
}

/* ---- Misuse ------------------------------------------------------------------------------------------------------ */

/* The outcome is final at once; nothing is written, nothing heard changes it. */
static void assert_misuse(uint8_t cause)
{
    char octets[100];

    mote_engine_init(&rig.engine, &rig.setup, &rig.mail, 0);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(mote_engine_poll(&rig.engine, round * 1000000), MOTE_DONE);
        rig_assert_result(&rig, MOTE_MISUSE, cause);
        assert_int_equal(mote_engine_pull(&rig.engine, octets, sizeof octets), 0);
        mote_engine_feed(&rig.engine, "220 relay\r\n250 relay\r\n", 22);
        mote_engine_secured(&rig.engine);
        mote_engine_commit(&rig.engine);
        mote_engine_fail(&rig.engine, MOTE_CAUSE_LOST);
    }
}

static void assert_fine(void)
{
    mote_engine_init(&rig.engine, &rig.setup, &rig.mail, 0);
    assert_int_equal(mote_engine_poll(&rig.engine, 0),
                     rig.setup.tls == MOTE_TLS_IMPLICIT ? MOTE_WANT_TLS : MOTE_WANT_RECV);
    assert_int_equal(mote_engine_result(&rig.engine)->verdict, MOTE_PENDING);
}

static void test_bad_addresses_are_misuse(void **state)
{
    for (size_t i = 0; i < COUNT(bad); i++) {
        rig_set(&rig);
        rig.rcpts[0].address = bad[i];
        assert_misuse(MOTE_CAUSE_ADDRESS);
        rig_set(&rig);
        rig.mail.from = bad[i];
        if (*bad[i] != 0) {
            assert_misuse(MOTE_CAUSE_ADDRESS);
        } else {
            assert_fine(); /* the null sender */
        }
        rig_set(&rig);
        rig.rcpts[1].address = bad[i];
        rig.mail.rcpt_count = 2;
        assert_misuse(MOTE_CAUSE_ADDRESS);
    }
    rig_set(&rig);
    rig.mail.from = NULL;
    assert_misuse(MOTE_CAUSE_ADDRESS);
    rig_set(&rig);
    rig.rcpts[0].address = NULL;
    assert_misuse(MOTE_CAUSE_ADDRESS);
}

static void test_utf8_addresses_are_a_need(void **state)
{
    rig_set(&rig);
    assert_fine();
    assert_int_equal(rig.mail.needs & ~MOTE_AS_READ, 0);
    rig.rcpts[0].address = "\303\244@b";
    assert_fine();
    assert_int_equal(rig.mail.needs & ~MOTE_AS_READ, MOTE_NEEDS_SMTPUTF8);
    for (unsigned octet = 'a'; octet < 256; octet++) { /* any octet over 127, though it is no UTF-8 */
        char address[] = "x@b";

        address[0] = (char)octet;
        rig_set(&rig);
        rig.rcpts[0].address = address;
        if (mote_address_valid(address)) {
            assert_fine();
            assert_int_equal((rig.mail.needs & MOTE_NEEDS_SMTPUTF8) != 0, octet > 127);
        }
    }
    rig_set(&rig);
    rig.mail.from = "a@\303\244";
    assert_fine();
    assert_int_equal(rig.mail.needs & ~MOTE_AS_READ, MOTE_NEEDS_SMTPUTF8);
    rig_set(&rig);
    rig.mail.from = "";
    assert_fine();
    assert_int_equal(rig.mail.needs & ~MOTE_AS_READ, 0);
}

static void test_recipients(void **state)
{
    static const uint8_t final[] = {MOTE_DELIVERED, MOTE_FAILED};
    static const uint8_t open[] = {MOTE_PENDING, MOTE_DEFERRED, MOTE_IN_DOUBT, MOTE_MISUSE};

    rig_set(&rig);
    rig.mail.rcpt_count = 0;
    assert_misuse(MOTE_CAUSE_NOBODY);
    rig_set(&rig);
    rig.mail.rcpts = NULL;
    assert_misuse(MOTE_CAUSE_ADDRESS);
    for (size_t i = 0; i < COUNT(final); i++) {
        rig_set(&rig);
        rig.mail.rcpt_count = 2;
        rig.rcpts[1].address = "no address";
        rig.rcpts[0].result.verdict = rig.rcpts[1].result.verdict = final[i];
        rig.rcpts[0].result.code = 217;
        assert_misuse(MOTE_CAUSE_NOBODY); /* a struct used a second time */
        assert_int_equal(rig.rcpts[0].result.verdict, final[i]);
        assert_int_equal(rig.rcpts[0].result.code, 217);
        assert_false(rig.rcpts[0].in_transaction);
        /* one that is final is left alone, whatever its address; the other is asked */
        for (size_t o = 0; o < COUNT(open); o++) {
            rig.rcpts[0].result = (struct mote_result){.verdict = open[o], .cause = MOTE_CAUSE_LOST, .code = 451};
            assert_fine();
            assert_true(rig.rcpts[0].in_transaction);
            assert_int_equal(rig.rcpts[0].result.verdict, MOTE_PENDING);
            assert_int_equal(rig.rcpts[0].result.code, 0);
            assert_false(rig.rcpts[1].in_transaction);
            assert_int_equal(rig.rcpts[1].result.verdict, final[i]);
        }
    }
}

/* The replies that are due at once are counted in 16 bits: one to MAIL, one to each recipient, one to DATA. */
static void test_too_many_recipients(void **state)
{
    static struct mote_rcpt rcpts[UINT16_MAX];
    static char octets[4096];

    for (size_t i = 0; i < COUNT(rcpts); i++) {
        rcpts[i].address = "b@c";
    }
    rig_set(&rig);
    rig.mail.rcpts = rcpts;
    rig.mail.rcpt_count = UINT16_MAX;
    assert_misuse(MOTE_CAUSE_TOO_MANY);
    rig.mail.rcpt_count = UINT16_MAX - 1;
    assert_misuse(MOTE_CAUSE_TOO_MANY);
    rig.mail.rcpt_count = UINT16_MAX - 2;
    rig_begin(&rig);
    mote_engine_feed(&rig.engine, "220 x\r\n", 7);
    rig_write(&rig);
    mote_engine_feed(&rig.engine, "250-x\r\n250 PIPELINING\r\n", 23);
    while ((mote_engine_poll(&rig.engine, 0) & MOTE_WANT_SEND) != 0) {
        mote_engine_pull(&rig.engine, octets, sizeof octets);
    }
    for (unsigned i = 0; i < UINT16_MAX - 1; i++) {
        mote_engine_feed(&rig.engine, "250\r\n", 5);
        assert_int_not_equal(mote_engine_poll(&rig.engine, 0), MOTE_DONE);
    }
    rig_hear(&rig, "354\r\n");
    rig_hear(&rig, "250\r\n");
    rig_assert_result(&rig, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    assert_int_equal(rcpts[UINT16_MAX - 3].result.verdict, MOTE_DELIVERED);
    assert_int_equal(rcpts[UINT16_MAX - 2].result.verdict, MOTE_MISUSE); /* from before: it was not asked */
}

/* P13: a time a little older than the last one, or than the attempt's beginning, is taken for it. */
static void test_time_a_little_back(void **state)
{
    static const uint32_t backs[] = {1, 10, 60000};

    for (size_t i = 0; i < COUNT(backs); i++) {
        for (uint32_t now = 0; now < 3; now++) {
            rig_set(&rig);
            rig.setup.tls = MOTE_TLS_STARTTLS;
            mote_engine_init(&rig.engine, &rig.setup, &rig.mail, now + backs[i]);
            assert_int_equal(mote_engine_poll(&rig.engine, now + backs[i]), MOTE_WANT_RECV);
            assert_int_equal(mote_engine_poll(&rig.engine, now), MOTE_WANT_RECV);
            assert_int_equal(mote_engine_wait_ms(&rig.engine), 300000);
            assert_int_equal(mote_engine_poll(&rig.engine, now + backs[i] + 299999), MOTE_WANT_RECV);
            assert_int_equal(mote_engine_wait_ms(&rig.engine), 1);
            assert_int_equal(mote_engine_poll(&rig.engine, now + backs[i] + 300000), MOTE_DONE);
            /* the attempt's deadline alone: it begins later than now */
            mote_engine_init(&rig.engine, &rig.setup, &rig.mail, now + backs[i]);
            assert_int_equal(mote_engine_poll(&rig.engine, now), MOTE_WANT_RECV);
            assert_int_equal(mote_engine_wait_ms(&rig.engine), 300000);
        }
    }
}

static void test_bad_names_are_misuse(void **state)
{
    static const char *const names[] = {NULL, "", "localhost", "LocalHost.localdomain", "a_b", "a\r\nb", "\303\244"};

    for (size_t i = 0; i < COUNT(names); i++) {
        rig_set(&rig);
        rig.setup.helo = names[i];
        assert_misuse(MOTE_CAUSE_HELO);
    }
}

static void test_logins(void **state)
{
    static const struct {
        struct mote_login login; /* user, password, token */
        bool good;
    } logins[] = {
        {{NULL, NULL, NULL}, true},
        {{"user", "password", NULL}, true},
        {{"user", NULL, "token"}, true},
        {{"user", "", NULL}, true},
        {{"\303\244", "\303\244 \177", NULL}, true},
        {{"user", NULL, NULL}, false},
        {{NULL, "password", NULL}, false},
        {{NULL, NULL, "token"}, false},
        {{NULL, "password", "token"}, false},
        {{"user", "password", "token"}, false},
        {{"us\ner", "password", NULL}, false},
        {{"us\rer", "password", NULL}, false},
        {{"us\1er", NULL, "token"}, false},
        {{"user", "pass\r\nword", NULL}, false},
        {{"user", "password\n", NULL}, false},
        {{"user", "\tpassword", NULL}, false},
        {{"user", "\33password", NULL}, false},
        {{"user", NULL, "token\n"}, false},
        {{"user", NULL, "to\1ken"}, false},
    };

    for (size_t i = 0; i < COUNT(logins); i++) {
        for (uint8_t tls = 0; tls < 2; tls++) {
            rig_set(&rig);
            rig.setup.tls = tls;
            rig.setup.login = logins[i].login;
            if (logins[i].good) {
                assert_fine();
            } else {
                assert_misuse(MOTE_CAUSE_LOGIN);
            }
            /* P7: never without a relay that proves who it is */
            rig_set(&rig);
            rig.setup.tls = tls;
            rig.setup.opportunistic = true;
            rig.setup.login = logins[i].login;
            if (i == 0) {
                assert_fine();
            } else {
                assert_misuse(MOTE_CAUSE_LOGIN);
            }
        }
    }
}

static void test_tls_modes(void **state)
{
    for (unsigned tls = 0; tls < 256; tls++) {
        rig_set(&rig);
        rig.setup.tls = (uint8_t)tls;
        if (tls < 2) {
            assert_fine();
        } else {
            assert_misuse(MOTE_CAUSE_TRUST);
        }
        rig_set(&rig);
        rig.setup.tls = (uint8_t)tls;
        rig.setup.opportunistic = true;
        if (tls < 3) {
            assert_fine();
        } else {
            assert_misuse(MOTE_CAUSE_TRUST);
        }
    }
    /* a login does not make the cleartext pass possible, nor the other way round */
    rig_set(&rig);
    rig.setup.tls = MOTE_TLS_CLEAR;
    rig.setup.opportunistic = true;
    rig.setup.login = (struct mote_login){"user", "password", NULL};
    assert_misuse(MOTE_CAUSE_LOGIN);
}

/* Each recipient's outcome is in its mote_rcpt, whatever was wrong. */
static void test_misuse_reaches_the_recipients(void **state)
{
    static const uint8_t causes[] = {MOTE_CAUSE_ADDRESS, MOTE_CAUSE_HELO, MOTE_CAUSE_LOGIN, MOTE_CAUSE_TRUST};
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(causes); i++) {
        rig_set(&rig);
        rig.rcpts[1].address = "c@example.test";
        rig.rcpts[2].address = "d@example.test";
        rig.rcpts[2].result = (struct mote_result){.verdict = MOTE_DELIVERED, .code = 250};
        rig.mail.rcpt_count = 3;
        switch (causes[i]) {
        case MOTE_CAUSE_ADDRESS: rig.mail.from = "x"; break;
        case MOTE_CAUSE_HELO: rig.setup.helo = "localhost"; break;
        case MOTE_CAUSE_LOGIN: rig.setup.login.user = "user"; break;
        default: rig.setup.tls = 9; break;
        }
        assert_misuse(causes[i]);
        for (size_t r = 0; r < 2; r++) {
            if (rig.rcpts[r].result.verdict != MOTE_MISUSE || rig.rcpts[r].result.cause != causes[i]) {
                print_error("cause %u: recipient %u is %s\n", causes[i], (unsigned)r,
                            mote_verdict_name(rig.rcpts[r].result.verdict));
                wrong++;
            }
        }
        assert_int_equal(rig.rcpts[2].result.verdict, MOTE_DELIVERED);
        assert_int_equal(rig.rcpts[2].result.code, 250);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_every_octet_of_an_address),
        cmocka_unit_test(test_helo_names),
        cmocka_unit_test(test_bad_addresses_are_misuse),
        cmocka_unit_test(test_utf8_addresses_are_a_need),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_too_many_recipients),
        cmocka_unit_test(test_time_a_little_back),
        cmocka_unit_test(test_bad_names_are_misuse),
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_tls_modes),
        cmocka_unit_test(test_misuse_reaches_the_recipients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

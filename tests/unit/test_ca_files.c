/* SPDX-License-Identifier: MIT
 *
 * Files of CA certificates, as the POSIX port reads them: damaged certificates of every kind (damage.h) between good ones, and
 * files put together in a hurry. And what `mailmote trust' tells of damaged certificates.
 */
#define _GNU_SOURCE

#include "../../boards/host/trust_certificate.h"
#include "damage.h"
#include "mailmote_posix.h"
#include "one.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static struct {
    char text[200000];
    size_t len;
} file;

static void empty(void)
{
    file.len = 0;
}

static void add_text(const char *text)
{
    size_t len = strlen(text);

    assert_true(file.len + len <= sizeof file.text);
    memcpy(file.text + file.len, text, len);
    file.len += len;
}

static void add(const uint8_t *der, size_t len)
{
    static char pem[200000];

    assert_true(br_pem_encode(NULL, der, len, "CERTIFICATE", BR_PEM_LINE64) < sizeof pem);
    br_pem_encode(pem, der, len, "CERTIFICATE", BR_PEM_LINE64);
    add_text(pem);
}

static const struct trust_cert *good(void)
{
    static const struct trust_spec spec = {.cn = "Good CA", .key = P_256, .signer = P_256, .ca = true};
    static struct trust_cert cert;

    if (cert.len == 0) {
        trust_cert_make(&cert, &spec);
    }
    return &cert;
}

static void check_good(const br_x509_trust_anchor *anchor)
{
    assert_int_equal(anchor->flags, BR_X509_TA_CA);
    assert_int_equal(anchor->pkey.key_type, BR_KEYTYPE_EC);
    assert_int_equal(anchor->pkey.key.ec.qlen, 65);
    assert_non_null(memmem(anchor->dn.data, anchor->dn.len, "Good CA", 7));
}

/* ---- The reader -------------------------------------------------------------------------------------------------- */

static unsigned char *memory; /* the anchors of the last read by the port, all its own */

static size_t read_file(const br_x509_trust_anchor **found)
{
    char name[] = "/tmp/mailmote-ca-XXXXXX";
    int fd = mkstemp(name);
    size_t count;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.text, file.len), (ssize_t)file.len);
    close(fd);
    free(memory);
    memory = malloc(file.len); /* is always enough */
    count = mote_posix_anchors(name, memory, file.len, found);
    unlink(name);
    return count;
}

/* ---- Damaged ----------------------------------------------------------------------------------------------------- */

static unsigned used, read_all, told_all;

/* From memory all its own: the sanitizers see an octet too far. */
static void tell(const struct damaged *damaged)
{
    static struct certificate told;
    unsigned char *own = malloc(damaged->len + 1);
    char text[TEXT_LEN];

    memcpy(own + 1, damaged->der, damaged->len);
    if (certificate_read(&told, own + 1, damaged->len) == NULL) {
        assert_true(!damaged->keyless || told.pkey == NULL);
        name_text(text, told.subject);
        assert_true(strlen(text) < TEXT_LEN);
        name_text(text, told.issuer);
        assert_true(strlen(text) < TEXT_LEN);
        told_all++;
    }
    free(own);
}

/* Behind a good one, and in front of one. What is taken of the damaged one may be anything; the good ones stay good. */
static void between_good_ones(const struct damaged *damaged)
{
    const unsigned part = one_quick() ? 40 : damaged->one_octet ? 3 : 4;

    if ((damaged->one_octet || damaged->len > 20000) && used++ % part != 0) {
        return;
    }
    for (unsigned first = 0; first < 2; first++) {
        const br_x509_trust_anchor *found = NULL;
        size_t count;

        empty();
        if (first == 0) {
            add(good()->der, good()->len);
        }
        add(damaged->der, damaged->len);
        if (first != 0) {
            add(good()->der, good()->len);
        }
        count = read_file(&found);
        assert_true(count == 1 || count == 2);
        if (damaged->keyless && count == 2) {
            print_error("%s %zu is taken\n", damaged->what, damaged->at);
        }
        assert_true(!damaged->keyless || count < 2);
        check_good(&found[first == 0 ? 0 : count - 1]);
        read_all += count == 2;
    }
    tell(damaged);
}

static void test_damaged(void **state)
{
    damage_each("mail.example.test", between_good_ones);
    assert_true(read_all != 0 && told_all != 0);
}

/* Lengths that are cut off, and names of any length: from memory of just the size, into as much as there is. */
static void test_told(void **state)
{
    static const unsigned char heads[][4] = {{0x30},       {0x30, 0x80},    {0x30, 0x81},
                                             {0x30, 0x82}, {0x30, 0x83, 1}, {0x30, 0x84, 0, 0}};
    static struct certificate told;

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        for (size_t len = 1; len <= sizeof heads[0]; len++) {
            unsigned char *own = malloc(len);

            memcpy(own, heads[i], len);
            assert_non_null(certificate_read(&told, own, len));
            free(own);
        }
    }
    for (size_t value = 2; value < 118; value++) { /* a country of so many octets, again and again */
        static const unsigned char country[] = {0x06, 3, 0x55, 4, 6, 0x13};
        unsigned char name[4000], *at = name + 4;
        char *text = malloc(TEXT_LEN);

        for (unsigned n = 0; n < 20; n++) {
            *at++ = 0x31;
            *at++ = (unsigned char)(value + 9);
            *at++ = 0x30;
            *at++ = (unsigned char)(value + 7);
            memcpy(at, country, sizeof country);
            at += sizeof country;
            *at++ = (unsigned char)value;
            memset(at, 'x', value);
            at += value;
        }
        memcpy(name,
               (unsigned char[]){0x30, 0x82, (unsigned char)((at - name - 4) >> 8), (unsigned char)(at - name - 4)}, 4);
        name_text(text, (struct mote_der){name, (size_t)(at - name)});
        assert_in_range(strlen(text), 1, TEXT_LEN - 1);
        free(text);
    }
}

/* Dates as BearSSL takes them: with a fraction of a second, which is left out. */
static void test_dates(void **state)
{
    static const struct {
        const char *date, *told;
    } cases[] = {
        {"491231235959Z", "2049-12-31 23:59:59"},
        {"20491231235959Z", "2049-12-31 23:59:59"},
        {"500101000000Z", "1950-01-01 00:00:00"},
        {"20491231235959.25Z", "2049-12-31 23:59:59"},
        {"21061231235959.Z", "2106-12-31 23:59:59"},
        {"20491231235959.x5Z", NULL},
        {"2049123123595925Z", NULL},
        {"20491231235959.25", NULL},
        {"201301000000Z", NULL},
        {"491231235959.5Z", NULL},
    };
    static struct certificate told;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct trust_spec spec = {.cn = "x", .till = cases[i].date, .key = P_256, .signer = P_256};
        struct trust_cert cert;

        trust_cert_make(&cert, &spec);
        if (cases[i].told == NULL) {
            assert_non_null(certificate_read(&told, cert.der, cert.len));
        } else {
            assert_null(certificate_read(&told, cert.der, cert.len));
            assert_string_equal(told.until, cases[i].told);
        }
    }
}

/* ---- Put together in a hurry ------------------------------------------------------------------------------------- */

/* One file behind another that does not end in an end of line: both count. */
static void test_joined(void **state)
{
    const br_x509_trust_anchor *found = NULL;

    empty();
    add(good()->der, good()->len);
    file.len--;
    assert_int_equal(file.text[file.len - 1], '-');
    add(good()->der, good()->len);
    assert_int_equal(read_file(&found), 2);
    check_good(&found[0]);
    check_good(&found[1]);
}

static void test_lines(void **state)
{
    static const char *const between[] = {"",
                                          "\n\n",
                                          "\r\n",
                                          "# some words\n",
                                          "-----\n",
                                          "----------------------------------------\n",
                                          "subject=CN = x\r\nissuer=CN = y\r\n"};

    for (size_t n = 0; n < COUNT(between); n++) {
        const br_x509_trust_anchor *found = NULL;

        empty();
        add_text(between[n]);
        add(good()->der, good()->len);
        add_text(between[n]);
        add(good()->der, good()->len);
        add_text(between[n]);
        assert_int_equal(read_file(&found), 2);
        check_good(&found[0]);
        check_good(&found[1]);
    }
}

/* A certificate whose end is missing is not passed over. */
static void test_no_end(void **state)
{
    for (size_t cut = sizeof "-----END CERTIFICATE-----"; cut < 200; cut++) {
        const br_x509_trust_anchor *found = NULL;

        empty();
        add(good()->der, good()->len);
        file.len -= cut;
        assert_int_equal(read_file(&found), 0);
        add_text("\n");
        add(good()->der, good()->len);
        assert_int_equal(read_file(&found), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_told),  cmocka_unit_test(test_dates),
        cmocka_unit_test(test_joined),  cmocka_unit_test(test_lines), cmocka_unit_test(test_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

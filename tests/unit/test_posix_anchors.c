/* SPDX-License-Identifier: MIT
 *
 * mote_posix_anchors: what is taken from a PEM file, what is passed over, what is refused, and how much memory it needs.
 */
#define _GNU_SOURCE

#include "mailmote_posix.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A certificate authority, RSA-2048: O = mailmote test, CN = RSA CA */
static const char rsa_ca[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIDNTCCAh2gAwIBAgIUAeN2qbkLaeSauyOfpAdYQ8lyaC8wDQYJKoZIhvcNAQEL\n"
                             "BQAwKTEWMBQGA1UECgwNbWFpbG1vdGUgdGVzdDEPMA0GA1UEAwwGUlNBIENBMCAX\n"
                             "DTI2MTEyMjAwMjMzOVoYDzIxMjYxMDI5MDAyMzM5WjApMRYwFAYDVQQKDA1tYWls\n"
                             "bW90ZSB0ZXN0MQ8wDQYDVQQDDAZSU0EgQ0EwggEiMA0GCSqGSIb3DQEBAQUAA4IB\n"
                             "DwAwggEKAoIBAQC/TQtdDeJolSlb/oGzf2DMI8YP1C9dR94JiJezxGYCfVgnVPcc\n"
                             "SHT5Fq8Smzuq5SNEH/d6KFAGkXHBzQmFRNd/00mulKewRe7UJv++qj+MJlfnR5j/\n"
                             "VLK+nPjB79Hdng7m2JsG6fh6t/sT4z7gZ1sQB8FdVQbRQT4ghI3QjQlQ+gTIbMPr\n"
                             "zeGpP3Cx7mRyEPSGGiubkSx3cZjCtHAv2fZ+9mnfsSrnd4ymDkY43NPdRsRR1g3Q\n"
                             "OSshNO75jOJcBuXzlEASmsr+EcVyLka1Ps8+K0t54DN4WvDqz+5GCDobcFRzDnWZ\n"
                             "7B6TUdpDSV+qsSTJqH2XXeyBA0AEj3kKIHqHAgMBAAGjUzBRMB0GA1UdDgQWBBQ8\n"
                             "Jd1gRddJ89OvBM7pYauxH7Ks/jAfBgNVHSMEGDAWgBQ8Jd1gRddJ89OvBM7pYaux\n"
                             "H7Ks/jAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQAvtGPogDdH\n"
                             "p89maVDgZ0cI/JBn760J85P+p6JiBWriYNoZp3c6sf2nYasF83wdJIlFlnO6aLWU\n"
                             "U9CQGObGOJbptboxp4SpUkeo3M6fmUCiwghvhWdjVZgTik0s4eYv2axzBJ/8bq4V\n"
                             "teJWX2wSzGP2VW+JdZtezyQrjxLIR4qXLb/Ig+QVf01BN7YbrwlBpKDM1EAO2hBa\n"
                             "otiR9jMoaJbosxwgmMQ13pBiTTX3F+rSkUNwuMA3Bs8RCFN3+4pXZXdZSctIK5eE\n"
                             "V/7aTWtm0ZbdE38IZe+WNGPoVrsgBhayaSIthvDtG9xr59GC61ODj5Kg2PZkT62p\n"
                             "tb12bZPgmcAm\n"
                             "-----END CERTIFICATE-----\n";

/* A relay's own certificate, P-256, not a CA's: CN = relay.test */
static const char ec_leaf[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBlTCCATugAwIBAgIUKL3KDNdA611ZWQd373VrXD+tTWcwCgYIKoZIzj0EAwIw\n"
                              "FTETMBEGA1UEAwwKcmVsYXkudGVzdDAgFw0yNjExMjIwMDIzMzlaGA8yMTI2MTAy\n"
                              "OTAwMjMzOVowFTETMBEGA1UEAwwKcmVsYXkudGVzdDBZMBMGByqGSM49AgEGCCqG\n"
                              "SM49AwEHA0IABMOuageCEnGCKF8NjFZs+zBqEAjySxqpYvRqNHagA3gP+alovGWJ\n"
                              "ykMkvHY+cKULUqcNym03wb82jnjxQhsTuo6jZzBlMB0GA1UdDgQWBBS0h370xbnV\n"
                              "iT6bgAYphDm8tg/TIDAfBgNVHSMEGDAWgBS0h370xbnViT6bgAYphDm8tg/TIDAM\n"
                              "BgNVHRMBAf8EAjAAMBUGA1UdEQQOMAyCCnJlbGF5LnRlc3QwCgYIKoZIzj0EAwID\n"
                              "SAAwRQIhANbFCyC01H3G9Yu7i/pHKF9/jQmLGdw1Hz2nTjRIHgsRAiBbZqL9Ccbj\n"
                              "qkE9lQKK5BkayvZQrnB8dlto/6Rrv6kuyA==\n"
                              "-----END CERTIFICATE-----\n";

/* Ed25519, which BearSSL does not know */
static const char ed25519[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBPDCB76ADAgECAhQVcql5dXIDGvjDmsrVhvguIYEw4DAFBgMrZXAwEzERMA8G\n"
                              "A1UEAwwIdW51c2FibGUwIBcNMjYxMTIyMDAyMzM5WhgPMjEyNjEwMjkwMDIzMzla\n"
                              "MBMxETAPBgNVBAMMCHVudXNhYmxlMCowBQYDK2VwAyEAa7Cn4iI7Lr1RIK8ojU1O\n"
                              "nkmWh2mbMEXL4gp576NgPVajUzBRMB0GA1UdDgQWBBRdFz+iBVxU5Q15PRPKcfJS\n"
                              "GO4iLTAfBgNVHSMEGDAWgBRdFz+iBVxU5Q15PRPKcfJSGO4iLTAPBgNVHRMBAf8E\n"
                              "BTADAQH/MAUGAytlcANBANtwgbp9b8GG0te90aTqPx/8GJP2SyeghafV01XjebOc\n"
                              "ryrQLCcHfQ9KeJGNbZ8muZ7SaGjfK9V4W726DVDmUwU=\n"
                              "-----END CERTIFICATE-----\n";

static size_t load(const char *text, size_t len, void *memory, size_t memory_len, const br_x509_trust_anchor **anchors)
{
    char file[] = "/tmp/mailmote-anchors-XXXXXX";
    int fd = mkstemp(file);
    size_t count;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    errno = 0;
    count = mote_posix_anchors(file, memory, memory_len, anchors);
    unlink(file);
    return count;
}

static void check_rsa(const br_x509_trust_anchor *anchor)
{
    assert_int_equal(anchor->flags, BR_X509_TA_CA);
    assert_int_equal(anchor->pkey.key_type, BR_KEYTYPE_RSA);
    assert_int_equal(anchor->pkey.key.rsa.nlen, 256);
    assert_int_equal(anchor->pkey.key.rsa.elen, 3);
    assert_memory_equal(anchor->pkey.key.rsa.e, "\x01\x00\x01", 3);
    assert_int_equal(anchor->dn.data[0], 0x30);
    assert_int_equal(anchor->dn.len, 2u + anchor->dn.data[1]);
    assert_non_null(memmem(anchor->dn.data, anchor->dn.len, "RSA CA", 6));
}

static void check_ec(const br_x509_trust_anchor *anchor)
{
    assert_int_equal(anchor->flags, 0);
    assert_int_equal(anchor->pkey.key_type, BR_KEYTYPE_EC);
    assert_int_equal(anchor->pkey.key.ec.curve, BR_EC_secp256r1);
    assert_int_equal(anchor->pkey.key.ec.qlen, 65);
    assert_memory_equal(anchor->pkey.key.ec.q, "\x04\xc3\xae\x6a\x07\x82\x12\x71\x82\x28\x5f\x0d", 12);
    assert_int_equal(anchor->pkey.key.ec.q[64], 0x8e);
    assert_non_null(memmem(anchor->dn.data, anchor->dn.len, "relay.test", 10));
}

static void test_both(void **state)
{
    const br_x509_trust_anchor *anchors;
    unsigned char *memory = malloc(4096);
    char text[8192];
    int len = snprintf(text, sizeof text, "some words\n%sEd25519:\n%s\n%s", rsa_ca, ed25519, ec_leaf);

    /* the last line may lack its end; lines may end with CR LF */
    assert_int_equal(load(text, (size_t)len - 1, memory, 4096, &anchors), 2);
    check_rsa(&anchors[0]);
    check_ec(&anchors[1]);
    len = snprintf(text, sizeof text, "%s%s", ec_leaf, rsa_ca);
    assert_int_equal(load(text, (size_t)len, memory, 4096, &anchors), 2);
    check_ec(&anchors[0]);
    check_rsa(&anchors[1]);
    free(memory);
}

static void test_crlf(void **state)
{
    const br_x509_trust_anchor *anchors;
    char memory[2048], text[4096];
    size_t len = 0, i;

    for (i = 0; i < sizeof rsa_ca - 1; i++) {
        if (rsa_ca[i] == '\n')
            text[len++] = '\r';
        text[len++] = rsa_ca[i];
    }
    assert_int_equal(load(text, len, memory, sizeof memory, &anchors), 1);
    check_rsa(&anchors[0]);
}

/* Every memory size at every alignment: all of it or ENOMEM, and no octet outside (for the sanitizers to see). Enough is what
 * the anchors need, or the largest certificate, whichever is more. */
static void test_memory(void **state)
{
    char text[4096];
    size_t len = (size_t)snprintf(text, sizeof text, "%s%s", rsa_ca, ec_leaf), size, shift, count = 0;

    for (shift = 0; shift < sizeof(void *); shift += 3) {
        for (size = 0; size < 900; size += 7) {
            const br_x509_trust_anchor *anchors;
            char *memory = malloc(shift + size + 1);

            count = load(text, len, memory + shift, size, &anchors);
            if (count == 0) {
                assert_int_equal(errno, ENOMEM);
            } else {
                assert_int_equal(count, 2);
                check_rsa(&anchors[0]);
                check_ec(&anchors[1]);
            }
            free(memory);
        }
        assert_int_equal(count, 2); /* far less than the file's size was enough */
    }
}

static void test_refused(void **state)
{
    const br_x509_trust_anchor *anchors;
    char memory[4096], text[4096];
    size_t i, len = sizeof rsa_ca - 1;

    anchors = (const br_x509_trust_anchor *)(const void *)memory;
    assert_int_equal(mote_posix_anchors("/nonexistent/file", memory, sizeof memory, &anchors), 0);
    assert_null(anchors);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(mote_posix_anchors("/", memory, sizeof memory, &anchors), 0);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(load("", 0, memory, sizeof memory, &anchors), 0);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(load(ed25519, sizeof ed25519 - 1, memory, sizeof memory, &anchors), 0);
    assert_int_equal(errno, EINVAL);

    /* cut anywhere but in the last line */
    for (i = 0; i < len - 20; i += 13) {
        assert_int_equal(load(rsa_ca, i, memory, sizeof memory, &anchors), 0);
        assert_int_equal(errno, EINVAL);
    }

    /* a good one does not excuse a damaged one */
    i = (size_t)snprintf(text, sizeof text, "%s%s", ec_leaf, rsa_ca);
    text[i - 100] = '*';
    assert_int_equal(load(text, i, memory, sizeof memory, &anchors), 0);
    assert_int_equal(errno, EINVAL);

    /* other objects are passed over, damaged or not */
    i = (size_t)snprintf(text, sizeof text,
                         "-----BEGIN PRIVATE KEY-----\nProc-Type: 4\n*\n-----END PRIVATE KEY-----\n%s", ec_leaf);
    assert_int_equal(load(text, i, memory, sizeof memory, &anchors), 1);
    check_ec(&anchors[0]);
}

/* One text in a certificate is another one. */
struct change {
    const char *certificate, *from, *to;
};

/* With more behind it. */
static size_t load_changed(const struct change *change, const char *more)
{
    static char memory[4096];
    const br_x509_trust_anchor *anchors;
    const char *at = strstr(change->certificate, change->from);
    char text[8192];

    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s%s", (int)(at - change->certificate), change->certificate, change->to,
             at + strlen(change->from), more);
    return load(text, strlen(text), memory, sizeof memory, &anchors);
}

static void test_base64(void **state)
{
    static const struct change bad[] = {
        {ec_leaf, "kuyA==", "kuyA="},      {ec_leaf, "kuyA==", "kuyA"},        {ec_leaf, "kuyA==", "kuyA==="},
        {ec_leaf, "kuyA==", "kuyA==AAAA"}, {ec_leaf, "kuyA==", "kuyB=="},      {ec_leaf, "kuyA==", "kuyA=A="},
        {ec_leaf, "qkE9", "qkE9="},        {rsa_ca, "ZPgmcAm", "ZPgmcAmA="},   {rsa_ca, "ZPgmcAm", "ZPgmcAmA==="},
        {rsa_ca, "ZPgmcAm", "ZPgmcAm="},   {rsa_ca, "ZPgmcAm", "ZPgmcAm*"},    {rsa_ca, "ZPgmcAm", "ZPgmc-Am"},
        {rsa_ca, "ZPgmcAm", "ZPgmcAm-"},   {rsa_ca, "ZPgmcAm", "ZPgmcAm\x80"},
    };
    static const struct change good[] = {
        {ec_leaf, "kuyA==", "kuyA=="},
        {ec_leaf, "kuyA==", "k u\ty\nA = = "},
        {rsa_ca, "ZPgmcAm", "\n\nZPgmcAm"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(load_changed(&bad[i], ec_leaf), 0);
        assert_int_equal(errno, EINVAL);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(load_changed(&good[i], ec_leaf), 2);
    }
}

/* Whatever is printed and is no digit of base64, the neighbours of digits among them. */
static void test_no_digits(void **state)
{
    for (int c = ' ' + 1; c < 256; c++) {
        const char to[] = {'Z', 'P', 'g', (char)c, 'c', 'A', 'm', 0};
        const struct change change = {rsa_ca, "ZPgmcAm", to};

        if (c < 128 && (isalnum(c) || c == '+' || c == '/')) {
            continue;
        }
        assert_int_equal(load_changed(&change, ec_leaf), 0);
        assert_int_equal(errno, EINVAL);
    }
}

static void test_banners(void **state)
{
    static const struct change bad[] = {
        {ec_leaf, "-----BEGIN", "x-----BEGIN"},
        {ec_leaf, "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE REQUEST-----"},
        {ec_leaf, "-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----"},
        {ec_leaf, "-----END", "-----BEGIN"},
        {ec_leaf, "-----END", "-----\n-----END"},
    };
    static const struct change good[] = {
        {ec_leaf, "-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----"},
        {ec_leaf, "-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----"},
        {ec_leaf, "-----BEGIN", "--\n-\n- --\n-----BEGIN"},
    };
    const br_x509_trust_anchor *anchors;
    char memory[4096], text[4096];
    int len = snprintf(text, sizeof text, "%s%s", ec_leaf, rsa_ca);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(load_changed(&bad[i], ""), 0);
        assert_int_equal(errno, EINVAL);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(load_changed(&good[i], ""), 1);
    }
    /* the second has no end */
    assert_int_equal(load(text, (size_t)len - 30, memory, sizeof memory, &anchors), 0);
    assert_int_equal(errno, EINVAL);
}

/* A Debian system's CA file, where there is one: in memory of the file's size. */
static void test_system(void **state)
{
    static const char file[] = "/etc/ssl/certs/ca-certificates.crt";
    const br_x509_trust_anchor *anchors;
    FILE *stream = fopen(file, "r");
    size_t size, count, i;
    char *memory;

    if (stream == NULL)
        skip();
    fseek(stream, 0, SEEK_END);
    size = (size_t)ftell(stream);
    fclose(stream);
    memory = malloc(size);
    count = mote_posix_anchors(file, memory, size, &anchors);
    assert_true(count > 0);
    for (i = 0; i < count; i++) {
        assert_int_equal(anchors[i].flags, BR_X509_TA_CA);
        assert_int_equal(anchors[i].dn.data[0], 0x30);
    }
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),    cmocka_unit_test(test_crlf),   cmocka_unit_test(test_memory),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_base64), cmocka_unit_test(test_no_digits),
        cmocka_unit_test(test_banners), cmocka_unit_test(test_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The damaged certificates of damage.h.
 */
#include "damage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

enum { ROOM = 110000, LARGE = 100 * 1024 };

static uint8_t der[ROOM];

static void use_first(const char *what, size_t at, size_t len, bool keyless, void (*use)(const struct damaged *))
{
    struct damaged damaged = {.what = what, .at = at, .der = der, .len = len, .keyless = keyless, .hopeless = true};

    use(&damaged);
}

/* ---- Octets changed, missing, too many --------------------------------------------------------------------------- */

static void flip(const struct trust_cert *cert, void (*use)(const struct damaged *))
{
    static const uint8_t masks[] = {0xff, 0x01, 0x80};
    struct damaged damaged = {.what = "flipped", .der = der, .len = cert->len, .one_octet = true};

    for (damaged.at = 0; damaged.at < cert->len; damaged.at++) {
        memcpy(der, cert->der, cert->len);
        der[damaged.at] ^= masks[damaged.at % COUNT(masks)];
        use(&damaged);
        der[damaged.at] = (uint8_t)(cert->der[damaged.at] ^ masks[(damaged.at + 1) % COUNT(masks)]);
        use(&damaged);
    }
}

static void truncate_at_each(const struct trust_cert *cert, void (*use)(const struct damaged *))
{
    struct damaged damaged = {.what = "truncated", .der = der, .keyless = true, .hopeless = true, .one_octet = true};

    memcpy(der, cert->der, cert->len);
    for (damaged.at = damaged.len = 0; damaged.len < cert->len; damaged.at = ++damaged.len) {
        use(&damaged);
    }
}

static void lengthen(const struct trust_cert *cert, void (*use)(const struct damaged *))
{
    static const uint8_t fillers[] = {0x00, 0x30, 0x42, 0xfe, 0xff};
    static const size_t lens[] = {1, 2, 255, 256, 257, 15 * 256, 5000, LARGE};

    for (size_t i = 0; i < COUNT(fillers); i++) {
        for (size_t n = 0; n < COUNT(lens); n++) {
            memcpy(der, cert->der, cert->len);
            memset(der + cert->len, fillers[i], lens[n]);
            use_first("lengthened", lens[n], cert->len + lens[n], true, use);
        }
    }
}

/* The one that took devices over: a key BearSSL does not know, then 15 times 256 octets that its decoder, pushed on behind its
 * error, took for parts of its program, and whatever the sender wanted behind them. */
static void attack(const struct trust_cert *cert, void (*use)(const struct damaged *))
{
    static const uint8_t fillers[] = {0x00, 0x42, 0xff};
    const size_t len = cert->len + 15 * 256;

    for (size_t i = 0; i < COUNT(fillers); i++) {
        memcpy(der, cert->der, cert->len);
        memset(der + cert->len, 0xfe, 15 * 256);
        memset(der + len, fillers[i], LARGE - len);
        use_first("an attack", len + 4096, len + 4096, true, use);
        use_first("an attack", LARGE, LARGE, true, use);
    }
}

static void no_certificate(void (*use)(const struct damaged *))
{
    static const uint8_t fillers[] = {0x00, 0x02, 0x30, 0xa0, 0xff};

    use_first("nothing", 0, 0, true, use);
    for (size_t i = 0; i < COUNT(fillers); i++) {
        memset(der, fillers[i], LARGE);
        use_first("one octet", fillers[i], 1, true, use);
        use_first("one octet, often", fillers[i], LARGE, true, use);
        memcpy(der, "\x30\x83\x01\x8f\xfb", 5);
        use_first("a large SEQUENCE", fillers[i], LARGE, true, use);
    }
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static const uint8_t rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0};
static const uint8_t p256[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
                               0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3,    1,    7};
static const uint8_t p384[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                               2,    1,    0x06, 0x05, 0x2b, 0x81, 4,    0,    0x22};
static const uint8_t p521[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                               2,    1,    0x06, 0x05, 0x2b, 0x81, 4,    0,    0x23};
static const uint8_t secp256k1[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                    2,    1,    0x06, 0x05, 0x2b, 0x81, 4,    0,    0x0a};
static const uint8_t ed25519[] = {0x30, 5, 0x06, 3, 0x2b, 0x65, 0x70}, ed448[] = {0x30, 5, 0x06, 3, 0x2b, 0x65, 0x71};
static const uint8_t dsa[] = {0x30, 9, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1};

static uint8_t key[6000];
static size_t key_len;

/* Puts tag and length in front of all octets from at on. */
static void wrap(size_t at, uint8_t tag)
{
    size_t len = key_len - at;
    uint8_t head[4] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};

    assert_true(key_len + 4 <= sizeof key);
    memmove(key + at + 4, key + at, len);
    memcpy(key + at, head, 4);
    key_len += 4;
}

static void put(uint8_t octet, size_t len)
{
    assert_true(key_len + len <= sizeof key);
    memset(key + key_len, octet, len);
    key_len += len;
}

static void use_key(const char *name, const char *what, size_t at, bool keyless, void (*use)(const struct damaged *))
{
    static struct trust_cert cert;
    struct trust_spec spec = {.cn = name,
                              .names = {name},
                              .key = P_256,
                              .issuer = "Test CA",
                              .signer = P_256_CA,
                              .public_key = {key, key_len}};

    trust_cert_make(&cert, &spec);
    memcpy(der, cert.der, cert.len);
    use_first(what, at, cert.len, keyless, use);
}

/* Of one algorithm, with len octets in its BIT STRING. */
static void bits(const uint8_t *algorithm, size_t algorithm_len, uint8_t first, size_t len)
{
    memcpy(key, algorithm, algorithm_len);
    key_len = algorithm_len;
    put(0, 1);
    put(first, len != 0);
    put(0x55, len != 0 ? len - 1 : 0);
    wrap(algorithm_len, 3);
    wrap(0, 0x30);
}

static void points(const char *name, void (*use)(const struct damaged *))
{
    static const size_t lens[] = {0,   1,   64,  66,  97,  98,  132, 133,  134, 255,
                                  256, 512, 519, 520, 521, 528, 544, 1024, 4000};

    for (size_t i = 0; i < COUNT(lens); i++) {
        bits(p256, sizeof p256, 4, lens[i]);
        use_key(name, "a point of P-256", lens[i], lens[i] > 520, use);
        bits(p384, sizeof p384, 4, lens[i]);
        use_key(name, "a point of P-384", lens[i], lens[i] > 520, use);
        bits(p521, sizeof p521, 4, lens[i]);
        use_key(name, "a point of P-521", lens[i], lens[i] > 520, use);
    }
}

static void other_algorithms(const char *name, void (*use)(const struct damaged *))
{
    static const size_t lens[] = {0, 32, 57, 65, 600, 4000};

    for (size_t i = 0; i < COUNT(lens); i++) {
        bits(ed25519, sizeof ed25519, 0x55, lens[i]);
        use_key(name, "Ed25519", lens[i], true, use);
        bits(ed448, sizeof ed448, 0x55, lens[i]);
        use_key(name, "Ed448", lens[i], true, use);
        bits(dsa, sizeof dsa, 0x02, lens[i]);
        use_key(name, "DSA", lens[i], true, use);
        bits(secp256k1, sizeof secp256k1, 4, lens[i]);
        use_key(name, "secp256k1", lens[i], true, use);
    }
}

/* Numbers that do not fit where BearSSL keeps them, one or both. */
static void numbers(const char *name, void (*use)(const struct damaged *))
{
    static const size_t lens[] = {1, 505, 512, 519, 520, 521, 768, 2000};

    for (size_t i = 0; i < COUNT(lens); i++) {
        for (size_t n = 0; n < COUNT(lens); n++) {
            size_t integer;

            if (lens[i] + lens[n] <= 520) {
                continue;
            }
            memcpy(key, rsa, sizeof rsa);
            key_len = sizeof rsa;
            put(0, 1);
            integer = key_len;
            put(0x55, lens[i]);
            wrap(integer, 2);
            integer = key_len;
            put(0x41, lens[n]);
            wrap(integer, 2);
            wrap(sizeof rsa + 1, 0x30);
            wrap(sizeof rsa, 3);
            wrap(0, 0x30);
            use_key(name, "a number of RSA", 10000 * lens[i] + lens[n], true, use);
        }
    }
}

/* ---- All --------------------------------------------------------------------------------------------------------- */

void damage_each(const char *name, void (*use)(const struct damaged *damaged))
{
    static struct trust_cert certs[3];
    struct trust_spec spec = {.cn = name, .names = {name}, .key = P_256, .issuer = "Test CA", .signer = P_256_CA};

    trust_cert_make(&certs[0], &spec);
    spec.key = RSA_2048;
    trust_cert_make(&certs[1], &spec);
    bits(ed25519, sizeof ed25519, 0x55, 32);
    spec.public_key = (struct trust_octets){key, key_len};
    trust_cert_make(&certs[2], &spec);
    for (size_t i = 0; i < COUNT(certs); i++) {
        flip(&certs[i], use);
        truncate_at_each(&certs[i], use);
        lengthen(&certs[i], use);
        attack(&certs[i], use);
    }
    no_certificate(use);
    points(name, use);
    numbers(name, use);
    other_algorithms(name, use);
}

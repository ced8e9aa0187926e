/* SPDX-License-Identifier: MIT
 *
 * What `mailmote probe' and `mailmote trust' write, in full, of relays and certificates that never were: reports, JSON, headers.
 */
#define _GNU_SOURCE

#include "mailmote_session.h"
#include "../../boards/host/complain.h"
#include "../../boards/host/probe.h"
#include "../../boards/host/trust_header.h"
#include "trust_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

enum { NEW_YEAR = 1009843200 }; /* 2002 */

static time_t now = NEW_YEAR - 1;

time_t __wrap_time(time_t *at);
time_t __wrap___time64(time_t *at);

time_t __wrap_time(time_t *at)
{
    (void)at;
    return now;
}

time_t __wrap___time64(time_t *at)
{
    (void)at;
    return now;
}

/* ---- What is written --------------------------------------------------------------------------------------------- */

static char output[20000];
static FILE *file;
static int kept[2];

/* To both, in the order in which it comes. */
static void begin(void)
{
    file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    for (int fd = 1; fd <= 2; fd++) {
        kept[fd - 1] = dup(fd);
        assert_true(kept[fd - 1] >= 0 && dup2(fileno(file), fd) == fd);
    }
}

static const char *end(void)
{
    size_t len;

    fflush(stdout);
    for (int fd = 1; fd <= 2; fd++) {
        dup2(kept[fd - 1], fd);
        close(kept[fd - 1]);
    }
    rewind(file);
    len = fread(output, 1, sizeof output - 1, file);
    output[len] = 0;
    fclose(file);
    return output;
}

static const char *written(void (*write)(const struct probe *), const struct probe *probe)
{
    begin();
    write(probe);
    return end();
}

/* ---- Certificates ------------------------------------------------------------------------------------------------ */

static size_t put(unsigned char *to, unsigned tag, const void *data, size_t len)
{
    size_t at = 0;

    to[at++] = (unsigned char)tag;
    if (len >= 256) {
        to[at++] = 0x82;
        to[at++] = (unsigned char)(len >> 8);
    } else if (len >= 128) {
        to[at++] = 0x81;
    }
    to[at++] = (unsigned char)len;
    memmove(to + at, data, len);
    return at + len;
}

/* One pair of a name: a type, and a value. */
static size_t put_pair(unsigned char *to, const char *oid, size_t oid_len, const char *value, size_t len)
{
    static unsigned char pair[2000];
    size_t at = put(pair, 0x06, oid, oid_len);

    at += put(pair + at, 0x0c, value, len);
    at = put(to, 0x30, pair, at);
    memcpy(pair, to, at);
    return put(to, 0x31, pair, at);
}

static struct mote_der name_of(unsigned char *to, const char *cn)
{
    static unsigned char pairs[2000];
    size_t len = put_pair(pairs, "\x55\x04\x03", 3, cn, strlen(cn));

    len += put_pair(pairs + len, "\x55\x04\x0a", 3, "Org", 3);
    return (struct mote_der){to, put(to, 0x30, pairs, len)};
}

static unsigned char ours[4][100], theirs[4][100], numbers[40];
static br_x509_pkey keys[3];
static struct certificate certificates[4];
static struct certificate *const list[] = {&certificates[0], &certificates[1], &certificates[2], &certificates[3]};

/* On P-256, a CA; RSA, expired; on P-384; of a kind that nobody knows. */
static int make(void **state)
{
    static const char *const names[] = {"a*b?\"\\/", "RSA", "x\x1b", "none"};
    static const int kinds[] = {BR_KEYTYPE_EC, BR_KEYTYPE_RSA, BR_KEYTYPE_EC, 0};
    static const int hashes[] = {br_sha256_ID, br_sha1_ID, br_sha384_ID, 0};

    (void)state;
    for (size_t i = 0; i < sizeof numbers; i++) {
        numbers[i] = (unsigned char)(i + 7);
    }
    keys[0] = (br_x509_pkey){BR_KEYTYPE_EC, {.ec = {BR_EC_secp256r1, numbers, 18}}};
    keys[1] = (br_x509_pkey){BR_KEYTYPE_RSA, {.rsa = {numbers, 39, numbers + 1, 3}}};
    keys[2] = (br_x509_pkey){BR_KEYTYPE_EC, {.ec = {BR_EC_secp384r1, numbers, 19}}};
    for (size_t i = 0; i < COUNT(certificates); i++) {
        struct certificate *c = &certificates[i];

        memset(c, 0, sizeof *c);
        c->subject = name_of(ours[i], names[i]);
        c->issuer = name_of(theirs[i], names[(i + 1) % COUNT(names)]);
        c->all = (struct mote_der){numbers, i + 1};
        c->key = (struct mote_der){numbers, i + 10};
        strcpy(c->from, "2000-01-02 03:04:05");
        strcpy(c->until, i == 1 ? "2001-12-31 23:59:58" : "9999-12-31 23:59:59");
        c->pkey = i < COUNT(keys) ? &keys[i] : NULL;
        c->ca = i == 0;
        c->decoder.signer_key_type = (unsigned char)kinds[i];
        c->decoder.signer_hash_id = (unsigned char)hashes[i];
    }
    return 0;
}

/* clang-format off */
#define FIRST_LINES \
    "certificate     CN=a*b?\"\\/, O=Org\n" \
    "                issued by CN=RSA, O=Org\n" \
    "                from 2000-01-02 03:04:05 until 9999-12-31 23:59:59 UTC\n" \
    "                key P-256, signature ECDSA with SHA-256\n" \
    "                pin sha256:kMI47URTKpVLeKcvRA4uSM+/wR0YrE6Ra2mvE4qbjmU=\n"
#define OTHER_LINES \
    "its CA          CN=RSA, O=Org\n" \
    "                issued by CN=x\\x1B, O=Org\n" \
    "                from 2000-01-02 03:04:05 until 2001-12-31 23:59:58 UTC\n" \
    "                key RSA 307, signature RSA with SHA-1\n" \
    "                pin sha256:aJwBXpBM5FSkGNdScjstftDn2JbgrESQ79HaaLwmwnI=\n" \
    "its CA          CN=x\\x1B, O=Org\n" \
    "                issued by CN=none, O=Org\n" \
    "                from 2000-01-02 03:04:05 until 9999-12-31 23:59:59 UTC\n" \
    "                key P-384, signature ECDSA with SHA-384\n" \
    "                pin sha256:lqw/oIIHXVsqtUijSpBPAMy84eP7GaJbqcPLoAtn+hw=\n" \
    "its CA          CN=none, O=Org\n" \
    "                issued by CN=a*b?\"\\/, O=Org\n" \
    "                from 2000-01-02 03:04:05 until 9999-12-31 23:59:59 UTC\n" \
    "                key of a kind mailmote does not know, signature of a kind mailmote does not know\n" \
    "                pin sha256:96Las3po02dMct1V8PeTwfZ2wZ6DPravHtN8JQNkVHI=\n"
#define FIRST_OBJECT \
    "{\"subject\": \"CN=a*b?\\\"\\\\/, O=Org\", \"issuer\": \"CN=RSA, O=Org\", \"from\": \"2000-01-02 03:04:05\", " \
    "\"until\": \"9999-12-31 23:59:59\", \"key\": \"P-256\", \"signature\": \"ECDSA with SHA-256\", " \
    "\"pin\": \"sha256:kMI47URTKpVLeKcvRA4uSM+/wR0YrE6Ra2mvE4qbjmU=\"}"
#define THIRD_OBJECT \
    "{\"subject\": \"CN=x\\\\x1B, O=Org\", \"issuer\": \"CN=none, O=Org\", \"from\": \"2000-01-02 03:04:05\", " \
    "\"until\": \"9999-12-31 23:59:59\", \"key\": \"P-384\", \"signature\": \"ECDSA with SHA-384\", " \
    "\"pin\": \"sha256:lqw/oIIHXVsqtUijSpBPAMy84eP7GaJbqcPLoAtn+hw=\"}"
#define SECOND_OBJECT \
    "{\"subject\": \"CN=RSA, O=Org\", \"issuer\": \"CN=x\\\\x1B, O=Org\", \"from\": \"2000-01-02 03:04:05\", " \
    "\"until\": \"2001-12-31 23:59:58\", \"key\": \"RSA 307\", \"signature\": \"RSA with SHA-1\", " \
    "\"pin\": \"sha256:aJwBXpBM5FSkGNdScjstftDn2JbgrESQ79HaaLwmwnI=\"}"
#define FOURTH_OBJECT \
    "{\"subject\": \"CN=none, O=Org\", \"issuer\": \"CN=a*b?\\\"\\\\/, O=Org\", \"from\": \"2000-01-02 03:04:05\", " \
    "\"until\": \"9999-12-31 23:59:59\", \"key\": \"of a kind mailmote does not know\", " \
    "\"signature\": \"of a kind mailmote does not know\", " \
    "\"pin\": \"sha256:96Las3po02dMct1V8PeTwfZ2wZ6DPravHtN8JQNkVHI=\"}"
#define ABOVE \
    "addresses       192.0.2.7 port 587: Connection refused\n" \
    "                connected to \"192.0.2.8\"\n"
#define ABOVE_OBJECT \
    "\"addresses\": [\"192.0.2.7 port 587: Connection refused\", \"connected to \\\"192.0.2.8\\\"\"], "
#define GREETED \
    "greeting        220 hi \"you\"\n" \
    "offers in clear STARTTLS\n" \
    "                X \"\\\n" \
    "STARTTLS        220 go\n" \
    "TLS             1.2\n"
#define GREETED_OBJECT \
    "\"greeting\": \"220 hi \\\"you\\\"\", \"starttls\": \"220 go\", \"offers_clear\": [\"STARTTLS\", \"X \\\"\\\\\"], " \
    "\"tls\": \"1.2\", \"suite\": 49195, "
#define IN_C \
    "  static const uint8_t pins[1][32] = {{0x90, 0xc2, 0x38, 0xed, 0x44, 0x53, 0x2a, 0x95, 0x4b, 0x78, 0xa7, 0x2f,\n" \
    "      0x44, 0x0e, 0x2e, 0x48, 0xcf, 0xbf, 0xc1, 0x1d, 0x18, 0xac, 0x4e, 0x91,\n" \
    "      0x6b, 0x69, 0xaf, 0x13, 0x8a, 0x9b, 0x8e, 0x65}};\n"
#define STRANGER \
    "\n" \
    "It is not verified. Whoever answered may be anybody: use its pin only when somebody who runs the " \
    "relay has told you the same.\n"

#define EXPIRED "mailmote: warning: CN=RSA, O=Org has expired at 2001-12-31 23:59:58 UTC\n"
static const char anchors[] =
    EXPIRED
    "/* Made by `mailmote trust'. For mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, name). */\n"
    "#ifndef TRUST_ANCHORS_H\n"
    "#define TRUST_ANCHORS_H\n"
    "\n"
    "#include <bearssl.h>\n"
    "#include <stdint.h>\n"
    "\n"
    "/* 0: CN=a\\x2Ab\\x3F\"\\/, O=Org\n"
    " * P-256, a CA, 84 octets of flash\n"
    " * expires 9999-12-31 23:59:59 UTC\n"
    " * SHA-256 of the certificate ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879\n"
    " * of its key sha256:kMI47URTKpVLeKcvRA4uSM+/wR0YrE6Ra2mvE4qbjmU= */\n"
    "static const unsigned char trust_name_0[] = {\n"
    "    0x30, 0x20, 0x31, 0x10, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x07, 0x61, 0x2a, 0x62, "
    "0x3f, 0x22, 0x5c,\n"
    "    0x2f, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x03, 0x4f, 0x72, 0x67\n"
    "};\n"
    "static const unsigned char trust_point_0[] = {\n"
    "    0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18\n"
    "};\n"
    "\n"
    "/* 1: CN=RSA, O=Org\n"
    " * RSA 307, no CA: it trusts this server alone, 104 octets of flash\n"
    " * expires 2001-12-31 23:59:58 UTC\n"
    " * SHA-256 of the certificate bd7c250566c6e99f47c174b589b7551f8b0e930ed056511d1e8f653bc71d3c4a\n"
    " * of its key sha256:aJwBXpBM5FSkGNdScjstftDn2JbgrESQ79HaaLwmwnI= */\n"
    "static const unsigned char trust_name_1[] = {\n"
    "    0x30, 0x1c, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, 0x52, 0x53, 0x41, "
    "0x31, 0x0c, 0x30,\n"
    "    0x0a, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x03, 0x4f, 0x72, 0x67\n"
    "};\n"
    "static const unsigned char trust_modulus_1[] = {\n"
    "    0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, "
    "0x17, 0x18, 0x19,\n"
    "    0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, "
    "0x2a, 0x2b, 0x2c,\n"
    "    0x2d\n"
    "};\n"
    "static const unsigned char trust_exponent_1[] = {\n"
    "    0x08, 0x09, 0x0a\n"
    "};\n"
    "\n"
    "/* 2: CN=x\\x1B, O=Org\n"
    " * P-384, no CA: it trusts this server alone, 80 octets of flash\n"
    " * expires 9999-12-31 23:59:59 UTC\n"
    " * SHA-256 of the certificate 66a6757151f8ee55db127716c7e3dce0be8074b64e20eda542e5c1e46ca9c41e\n"
    " * of its key sha256:lqw/oIIHXVsqtUijSpBPAMy84eP7GaJbqcPLoAtn+hw= */\n"
    "static const unsigned char trust_name_2[] = {\n"
    "    0x30, 0x1b, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, 0x78, 0x1b, 0x31, "
    "0x0c, 0x30, 0x0a,\n"
    "    0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x03, 0x4f, 0x72, 0x67\n"
    "};\n"
    "static const unsigned char trust_point_2[] = {\n"
    "    0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, "
    "0x17, 0x18, 0x19\n"
    "};\n"
    "\n"
    "enum { TRUST_ANCHORS = 3 };\n"
    "\n"
    "static const br_x509_trust_anchor trust_anchors[TRUST_ANCHORS] = {\n"
    "    {{(unsigned char *)(uintptr_t)trust_name_0, sizeof trust_name_0},\n"
    "     BR_X509_TA_CA,\n"
    "     {BR_KEYTYPE_EC,\n"
    "      {.ec = {BR_EC_secp256r1, (unsigned char *)(uintptr_t)trust_point_0, sizeof trust_point_0}}}},\n"
    "    {{(unsigned char *)(uintptr_t)trust_name_1, sizeof trust_name_1},\n"
    "     0,\n"
    "     {BR_KEYTYPE_RSA,\n"
    "      {.rsa = {(unsigned char *)(uintptr_t)trust_modulus_1, sizeof trust_modulus_1,\n"
    "               (unsigned char *)(uintptr_t)trust_exponent_1, sizeof trust_exponent_1}}}},\n"
    "    {{(unsigned char *)(uintptr_t)trust_name_2, sizeof trust_name_2},\n"
    "     0,\n"
    "     {BR_KEYTYPE_EC,\n"
    "      {.ec = {BR_EC_secp384r1, (unsigned char *)(uintptr_t)trust_point_2, sizeof trust_point_2}}}},\n"
    "};\n"
    "\n"
    "#endif\n";
static const char pins[] =
    EXPIRED
    "/* Made by `mailmote trust --pin'. For mote_trust_pins(&relay.trust, trust_pins, TRUST_PINS, name); "
    "with keys of CAs for\n"
    "   mote_trust_pinned_chain(). */\n"
    "#ifndef TRUST_PINS_H\n"
    "#define TRUST_PINS_H\n"
    "\n"
    "#include <stdint.h>\n"
    "\n"
    "enum { TRUST_PINS = 3 };\n"
    "\n"
    "static const uint8_t trust_pins[TRUST_PINS][32] = {\n"
    "/* 0: CN=a\\x2Ab\\x3F\"\\/, O=Org\n"
    " * P-256, a CA, 32 octets of flash\n"
    " * expires 9999-12-31 23:59:59 UTC\n"
    " * SHA-256 of the certificate ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879\n"
    " * of its key sha256:kMI47URTKpVLeKcvRA4uSM+/wR0YrE6Ra2mvE4qbjmU= */\n"
    "    {\n"
    "        0x90, 0xc2, 0x38, 0xed, 0x44, 0x53, 0x2a, 0x95, 0x4b, 0x78, 0xa7, 0x2f, 0x44, 0x0e, 0x2e, "
    "0x48, 0xcf, 0xbf, 0xc1,\n"
    "        0x1d, 0x18, 0xac, 0x4e, 0x91, 0x6b, 0x69, 0xaf, 0x13, 0x8a, 0x9b, 0x8e, 0x65\n"
    "    },\n"
    "/* 1: CN=RSA, O=Org\n"
    " * RSA 307, no CA: it trusts this server alone, 32 octets of flash\n"
    " * expires 2001-12-31 23:59:58 UTC\n"
    " * SHA-256 of the certificate bd7c250566c6e99f47c174b589b7551f8b0e930ed056511d1e8f653bc71d3c4a\n"
    " * of its key sha256:aJwBXpBM5FSkGNdScjstftDn2JbgrESQ79HaaLwmwnI= */\n"
    "    {\n"
    "        0x68, 0x9c, 0x01, 0x5e, 0x90, 0x4c, 0xe4, 0x54, 0xa4, 0x18, 0xd7, 0x52, 0x72, 0x3b, 0x2d, "
    "0x7e, 0xd0, 0xe7, 0xd8,\n"
    "        0x96, 0xe0, 0xac, 0x44, 0x90, 0xef, 0xd1, 0xda, 0x68, 0xbc, 0x26, 0xc2, 0x72\n"
    "    },\n"
    "/* 2: CN=x\\x1B, O=Org\n"
    " * P-384, no CA: it trusts this server alone, 32 octets of flash\n"
    " * expires 9999-12-31 23:59:59 UTC\n"
    " * SHA-256 of the certificate 66a6757151f8ee55db127716c7e3dce0be8074b64e20eda542e5c1e46ca9c41e\n"
    " * of its key sha256:lqw/oIIHXVsqtUijSpBPAMy84eP7GaJbqcPLoAtn+hw= */\n"
    "    {\n"
    "        0x96, 0xac, 0x3f, 0xa0, 0x82, 0x07, 0x5d, 0x5b, 0x2a, 0xb5, 0x48, 0xa3, 0x4a, 0x90, 0x4f, "
    "0x00, 0xcc, 0xbc, 0xe1,\n"
    "        0xe3, 0xfb, 0x19, 0xa2, 0x5b, 0xa9, 0xc3, 0xcb, 0xa0, 0x0b, 0x67, 0xfa, 0x1c\n"
    "    },\n"
    "};\n"
    "\n"
    "#endif\n";
static const char no_anchors[] =
    "/* Made by `mailmote trust'. For mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, name). */\n"
    "#ifndef TRUST_ANCHORS_H\n"
    "#define TRUST_ANCHORS_H\n"
    "\n"
    "#include <bearssl.h>\n"
    "#include <stdint.h>\n"
    "\n"
    "enum { TRUST_ANCHORS = 0 };\n"
    "\n"
    "static const br_x509_trust_anchor trust_anchors[TRUST_ANCHORS] = {\n"
    "};\n"
    "\n"
    "#endif\n";
static const char unusable[] =
    EXPIRED
    "mailmote: the key of CN=none, O=Org is neither RSA nor on P-256 or P-384: leave this certificate out\n";
static const char *const reports[] = {
    "addresses       192.0.2.7\n"
    "greeting        x\n"
    "STARTTLS        y\n"
    "trouble         it \\ hung up\n"
    "verdict         it \"is\" not\\verified\n",
    ABOVE
    GREETED
    "ciphers         CHACHA20_POLY1305_SHA256 AES_128_CBC_SHA256 AES_256_CBC_SHA \n"
    "curves          P-256 P-384 \n"
    "offers in TLS   SIZE 1\n"
    "                auth=LOGIN\n"
    "                AUTH PLAIN\n"
    "                PIPELINING\n"
    "login           LOGIN PLAIN\n"
    "flights         7 until a mail is accepted, without a login\n"
    "short records   not granted\n"
    "records         600 octets the longest, 1234 when not asked for short ones: a buffer of 837 will do "
    "for these replies\n"
    FIRST_LINES
    OTHER_LINES
    "verdict         it \"is\" not\\verified (name relay.test, CAs of /ca.pem)\n"
    STRANGER
    "\n"
    "For mailmote -C FILE:\n"
    "  relay relay.test:587 pin=sha256:kMI47URTKpVLeKcvRA4uSM+/wR0YrE6Ra2mvE4qbjmU=\n"
    "\n"
    "For firmware:\n"
    IN_C
    "  static uint8_t record_buf[837];\n"
    "  struct mote_relay relay = {.host = \"relay.test\", .port = 587};\n"
    "  mote_trust_pins(&relay.trust, pins, 1, NULL);\n",
    ABOVE
    GREETED
    "ciphers         CHACHA20_POLY1305_SHA256 AES_128_CBC_SHA256 AES_256_CBC_SHA \n"
    "curves          P-256 P-384 \n"
    "offers in TLS   CHUNKING\n"
    "login           none offered\n"
    "flights         8 until a mail is accepted, without a login\n"
    "short records   granted (max_fragment_length 512)\n"
    "records         838 octets the longest, 1234 when not asked for short ones: a buffer of 838 will do "
    "for these replies\n"
    FIRST_LINES
    OTHER_LINES
    "verdict         verified (name relay.test, CAs of /ca.pem)\n"
    "root            CN=x\\x1B, O=Org\n"
    "\n"
    "For mailmote -C FILE:\n"
    "  relay relay.test:587 trust=/ca.pem\n"
    "\n"
    "For firmware:\n"
    "  #include \"trust_anchors.h\" /* mailmote trust --probe, with the same words */\n"
    "  static uint8_t record_buf[838];\n"
    "  struct mote_relay relay = {.host = \"relay.test\", .port = 587};\n"
    "  mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, \"relay.test\");\n"
    "  /* Smaller, and enough for this chain today; with roots on P-384 or signatures with SHA-384 or "
    "SHA-512 it is refused:\n"
    "  mote_trust_anchors_small(&relay.trust, trust_anchors, TRUST_ANCHORS, \"relay.test\", &br_ec_p256_m31); */\n",
    ABOVE
    "TLS             1.1\n"
    "ciphers         AES_128_CBC_SHA256 AES_256_CBC_SHA \n"
    "curves          P-256 P-384 \n"
    "offers in TLS   PIPELINING\n"
    "                CHUNKING x\n"
    "login           none offered\n"
    "flights         4 until a mail is accepted, without a login\n"
    "short records   not granted\n"
    "records         600 octets the longest, 1234 when not asked for short ones: a buffer of 837 will do "
    "for these replies\n"
    FIRST_LINES
    OTHER_LINES
    "verdict         verified (name other.test, CAs of /ca.pem)\n"
    "root            CN=x\\x1B, O=Org\n"
    "\n"
    "For mailmote -C FILE:\n"
    "  relay [2001:db8::1]:587 tls=implicit trust=/ca.pem tls-name=other.test\n"
    "\n"
    "For firmware:\n"
    "  #include \"trust_anchors.h\" /* mailmote trust --probe, with the same words */\n"
    "  static uint8_t record_buf[837];\n"
    "  struct mote_relay relay = {.host = \"2001:db8::1\", .port = 587, .tls = MOTE_TLS_IMPLICIT};\n"
    "  mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, \"other.test\");\n"
    "  mote_trust_cbc(&relay.trust);\n",
    ABOVE
    GREETED
    "ciphers         AES_256_GCM_SHA384 \n"
    "curves          X25519 \n"
    "login           none offered\n"
    "flights         9 until a mail is accepted, without a login\n"
    "short records   not granted\n"
    "records         837 octets the longest, 1234 when not asked for short ones: a buffer of 837 will do "
    "for these replies\n"
    "trouble         it refuses EHLO inside TLS\n"
    FIRST_LINES
    "verdict         it \"is\" not\\verified (name none, CAs of /ca.pem)\n"
    STRANGER
    "\n"
    "For mailmote -C FILE:\n"
    "  relay 192.0.2.1:587 pin=sha256:kMI47URTKpVLeKcvRA4uSM+/wR0YrE6Ra2mvE4qbjmU=\n"
    "\n"
    "For firmware:\n"
    IN_C
    "  static uint8_t record_buf[837];\n"
    "  struct mote_relay relay = {.host = \"192.0.2.1\", .port = 587};\n"
    "  mote_trust_pins(&relay.trust, pins, 1, NULL);\n",
};
static const char *const documents[] = {
    "{\"host\": \"relay.test\", \"port\": 587, \"addresses\": [\"192.0.2.7\"], \"verified\": false, "
    "\"verdict\": \"it \\\"is\\\" not\\\\verified\", \"trouble\": \"it \\\\ hung up\", \"greeting\": \"x\", "
    "\"starttls\": \"y\", \"offers_clear\": [], \"chain\": []}\n",
    "{\"host\": \"relay.test\", \"port\": 587, "
    ABOVE_OBJECT
    "\"verified\": false, \"verdict\": \"it \\\"is\\\" not\\\\verified\", \"trouble\": \"\", "
    GREETED_OBJECT
    "\"ciphers\": [\"CHACHA20_POLY1305_SHA256\", \"AES_128_CBC_SHA256\", \"AES_256_CBC_SHA\"], "
    "\"curves\": [\"P-256\", \"P-384\"], \"offers_tls\": [\"SIZE 1\", \"auth=LOGIN\", \"AUTH PLAIN\", "
    "\"PIPELINING\"], \"login\": \"LOGIN PLAIN\", \"flights\": 7, \"record\": 600, \"record_free\": 1234, "
    "\"buffer\": 837, \"max_fragment_length\": false, \"small\": false, \"chain\": ["
    FIRST_OBJECT
    ", "
    SECOND_OBJECT
    ", "
    THIRD_OBJECT
    ", "
    FOURTH_OBJECT
    "]}\n",
    "{\"host\": \"relay.test\", \"port\": 587, "
    ABOVE_OBJECT
    "\"verified\": true, \"verdict\": \"verified\", \"trouble\": \"\", "
    GREETED_OBJECT
    "\"ciphers\": [\"CHACHA20_POLY1305_SHA256\", \"AES_128_CBC_SHA256\", \"AES_256_CBC_SHA\"], "
    "\"curves\": [\"P-256\", \"P-384\"], \"offers_tls\": [\"CHUNKING\"], \"login\": \"\", \"flights\": 8, "
    "\"record\": 838, \"record_free\": 1234, \"buffer\": 838, \"max_fragment_length\": true, \"small\": true, \"chain\": ["
    FIRST_OBJECT
    ", "
    SECOND_OBJECT
    ", "
    THIRD_OBJECT
    ", "
    FOURTH_OBJECT
    "], \"root\": "
    THIRD_OBJECT
    "}\n",
    "{\"host\": \"2001:db8::1\", \"port\": 587, "
    ABOVE_OBJECT
    "\"verified\": true, \"verdict\": \"verified\", \"trouble\": \"\", \"greeting\": \"\", \"starttls\": \"\", "
    "\"offers_clear\": [], \"tls\": \"1.1\", \"suite\": 49195, \"ciphers\": [\"AES_128_CBC_SHA256\", "
    "\"AES_256_CBC_SHA\"], \"curves\": [\"P-256\", \"P-384\"], \"offers_tls\": [\"PIPELINING\", \"CHUNKING x\"], "
    "\"login\": \"\", \"flights\": 4, \"record\": 600, \"record_free\": 1234, \"buffer\": 837, "
    "\"max_fragment_length\": false, \"small\": false, \"chain\": ["
    FIRST_OBJECT
    ", "
    SECOND_OBJECT
    ", "
    THIRD_OBJECT
    ", "
    FOURTH_OBJECT
    "], \"root\": "
    THIRD_OBJECT
    "}\n",
    "{\"host\": \"192.0.2.1\", \"port\": 587, "
    ABOVE_OBJECT
    "\"verified\": false, \"verdict\": \"it \\\"is\\\" not\\\\verified\", "
    "\"trouble\": \"it refuses EHLO inside TLS\", "
    GREETED_OBJECT
    "\"ciphers\": [\"AES_256_GCM_SHA384\"], \"curves\": [\"X25519\"], \"offers_tls\": [], \"login\": \"\", "
    "\"flights\": 9, \"record\": 837, \"record_free\": 1234, \"buffer\": 837, "
    "\"max_fragment_length\": false, \"small\": true, \"chain\": ["
    FIRST_OBJECT
    "]}\n",
};
/* clang-format on */

static void test_headers(void **state)
{
    struct certificates three = {(struct certificate **)(uintptr_t)list, 3}, none = {NULL, 0}, four = three;
    struct certificates fourth = {(struct certificate **)(uintptr_t)list + 3, 1};

    (void)state;
    four.count = 4;
    begin();
    assert_int_equal(write_anchors(&three), EX_OK);
    assert_string_equal(end(), anchors);
    begin();
    assert_int_equal(write_pins(&three), EX_OK);
    assert_string_equal(end(), pins);
    now = NEW_YEAR - 2; /* the last second of one of them */
    begin();
    assert_int_equal(write_pins(&three), EX_OK);
    assert_string_equal(end(), pins + strlen(EXPIRED));
    now = NEW_YEAR - 1;
    begin();
    assert_int_equal(write_anchors(&none), EX_OK);
    assert_string_equal(end(), no_anchors);
    begin();
    assert_int_equal(write_anchors(&four), EX_DATAERR);
    assert_string_equal(end(), unusable);
    begin();
    assert_int_equal(write_pins(&four), EX_DATAERR);
    assert_string_equal(end(), unusable);
    begin();
    assert_int_equal(write_pins(&fourth), EX_DATAERR);
    assert_string_equal(end(), unusable + strlen(EXPIRED));
}

/* ---- Reports ----------------------------------------------------------------------------------------------------- */

static struct probe relay;

static void fill(void)
{
    memset(&relay, 0, sizeof relay);
    relay.host = relay.name = "relay.test";
    relay.port = 587;
    relay.trust = "/ca.pem";
    strcpy(relay.verdict, "it \"is\" not\\verified");
}

static void add_tls(void)
{
    strcpy(relay.addresses[0], "192.0.2.7 port 587: Connection refused");
    strcpy(relay.addresses[1], "connected to \"192.0.2.8\"");
    relay.address_count = 2;
    relay.reached = relay.tls = true;
    strcpy(relay.greeting, "220 hi \"you\"");
    strcpy(relay.starttls, "220 go");
    strcpy(relay.offers_clear, "STARTTLS\nX \"\\\n");
    strcpy(relay.offers, "SIZE 1\nauth=LOGIN\nAUTH PLAIN\nPIPELINING\n");
    relay.version = BR_TLS12;
    relay.suite = 0xc02b;
    relay.record = 600;
    relay.record_free = 1234;
    relay.ciphers[0] = relay.ciphers[3] = relay.ciphers[6] = true;
    relay.curves[1] = relay.curves[2] = true;
    relay.chain = (struct certificates){(struct certificate **)(uintptr_t)list, 4};
}

static void verify(void)
{
    relay.verified = true;
    strcpy(relay.verdict, "verified");
    relay.root = list[2];
}

static void make_relay(unsigned which)
{
    fill();
    if (which == 0) {
        strcpy(relay.trouble, "it \\ hung up");
        strcpy(relay.addresses[0], "192.0.2.7");
        strcpy(relay.greeting, "x");
        strcpy(relay.starttls, "y");
        relay.address_count = 1;
        return;
    }
    add_tls();
    if (which == 2) {
        verify();
        relay.small = relay.fragments = true;
        relay.record = 838;
        strcpy(relay.offers, "CHUNKING\n");
    } else if (which == 3) {
        verify();
        relay.name = "other.test";
        relay.host = "2001:db8::1";
        relay.implicit = true;
        relay.ciphers[0] = false;
        relay.version = BR_TLS11;
        relay.greeting[0] = relay.starttls[0] = relay.offers_clear[0] = 0;
        strcpy(relay.offers, "PIPELINING\nCHUNKING x\n");
    } else if (which == 4) {
        relay.name = NULL;
        relay.host = "192.0.2.1";
        relay.small = true;
        relay.chain.count = 1;
        relay.record = 837;
        relay.offers[0] = 0;
        memset(relay.ciphers, 0, sizeof relay.ciphers);
        memset(relay.curves, 0, sizeof relay.curves);
        relay.curves[0] = relay.ciphers[2] = true;
        strcpy(relay.trouble, "it refuses EHLO inside TLS");
    }
}

static void test_reports(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(reports); i++) {
        make_relay(i);
        assert_string_equal(written(probe_report, &relay), reports[i]);
        assert_string_equal(written(probe_json, &relay), documents[i]);
    }
}

/* Of a port, a name, a cipher each alone. */
static void test_facts(void **state)
{
    (void)state;
    fill();
    for (unsigned i = 0; i < PROBE_CIPHERS; i++) {
        memset(relay.ciphers, 0, sizeof relay.ciphers);
        relay.ciphers[i] = true;
        assert_int_equal(probe_is_modern(&relay), i < 3);
    }
    for (unsigned record = 0; record < 1000; record++) {
        relay.record = record;
        assert_int_equal(probe_buffer(&relay), record < MOTE_SESSION_BUF_MIN ? MOTE_SESSION_BUF_MIN : record);
    }
    for (unsigned i = 0; i < 8; i++) {
        sprintf(relay.offers, "X\n%s%s", i & 1 ? "pipelining\n" : "PIPELININGS\n", i & 2 ? "CHUNKING 1\n" : "CHUNK\n");
        relay.implicit = (i & 4) != 0;
        assert_int_equal(probe_flights(&relay), 9 - (i & 1) * 2 - (i >> 1 & 1) - (i >> 2) * 2);
    }
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *oid;
    size_t len;
    const char *name;
} types[] = {
    {"\x55\x04\x03", 3, "CN"},
    {"\x55\x04\x06", 3, "C"},
    {"\x55\x04\x07", 3, "L"},
    {"\x55\x04\x08", 3, "ST"},
    {"\x55\x04\x0a", 3, "O"},
    {"\x55\x04\x0b", 3, "OU"},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "emailAddress"},
    {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "DC"},
    {"\x55\x04", 2, "5504"},
    {"\x55\x04\x03\x01", 4, "55040301"},
    {"\x55\x04\x03\x00", 4, "55040300"},
    {"\x0f", 1, "0f"},
    {"", 0, ""},
    {"\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10\x11", 17, "0102030405060708090a0b0c0d0e0f1011"},
    {"\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10\x11\x12", 18, "0102030405060708090a0b0c0d0e0f101112"},
    {"\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10\x11\x12\x13", 19, "0102030405060708090a0b0c0d0e0f101112"},
};

static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        unsigned char pairs[200], name[200];
        char text[TEXT_LEN], wanted[TEXT_LEN];
        size_t len = put_pair(pairs, types[i].oid, types[i].len, "v\n", 2);

        len += put_pair(pairs + len, types[0].oid, types[0].len, "", 0);
        name_text(text, (struct mote_der){name, put(name, 0x30, pairs, len)});
        sprintf(wanted, "%s=v\\x0A, CN=", types[i].name);
        assert_string_equal(text, wanted);
        name_text(text, (struct mote_der){name + 1, 1});
        assert_string_equal(text, "");
        name_text(text, (struct mote_der){name, len + 1});
        assert_string_equal(text, "");
    }
}

/* Several pairs in one set; one without a value; what is none ends it. */
static void test_names(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        const char *text;
    } cases[] = {
        {"\x30\x00", 2, ""},
        {"\x31\x00", 2, ""},
        {"\x30\x12\x31\x10\x30\x06\x06\x01\x01\x0c\x01"
         "a\x30\x06\x06\x01\x02\x13\x01"
         "b",
         20, "01=a, 02=b"},
        {"\x30\x0f\x31\x05\x30\x03\x06\x01\x01\x31\x06\x30\x04\x06\x01\x02\x0c", 17, "01=, 02="},
        {"\x30\x0c\x31\x0a\x30\x00\x30\x06\x06\x01\x01\x0c\x01"
         "a",
         14, ""},
        {"\x30\x07\x31\x05\x31\x03\x06\x01\x01", 9, ""},
        {"\x30\x07\x30\x05\x30\x03\x06\x01\x01", 9, ""},
        {"\x30\x07\x31\x05\x30\x03\x04\x01\x01", 9, ""},
    };
    char text[TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        name_text(text, (struct mote_der){(const unsigned char *)cases[i].name, cases[i].len});
        assert_string_equal(text, cases[i].text);
    }
}

/* A pair behind 350 characters is not told, and none behind the end of the text. */
static void test_long_names(void **state)
{
    static unsigned char pairs[2000], name[2000];
    static char value[1000], wanted[2000];

    (void)state;
    memset(value, 'v', sizeof value);
    for (size_t len = 340; len < 420; len++) {
        char text[TEXT_LEN];
        size_t all = put_pair(pairs, types[0].oid, types[0].len, value, len);

        all += put_pair(pairs + all, types[0].oid, types[0].len, value, 100);
        name_text(text, (struct mote_der){name, put(name, 0x30, pairs, all)});
        sprintf(wanted, len < 347 ? "CN=%.*s, CN=%.*s" : "CN=%.*s", (int)len, value, 100, value);
        wanted[TEXT_LEN - 1] = 0;
        assert_string_equal(text, wanted);
    }
}

static void test_keys(void **state)
{
    static const struct {
        const char *modulus;
        size_t len;
        const char *text;
    } cases[] = {
        {"", 0, "RSA 0"},     {"\0\0", 2, "RSA 0"},      {"\1", 1, "RSA 1"},        {"\x7f", 1, "RSA 7"},
        {"\x80", 1, "RSA 8"}, {"\0\x81\2", 3, "RSA 16"}, {"\0\0\3\0", 4, "RSA 10"}, {"\xff\0\0", 3, "RSA 24"},
    };
    char text[TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char octets[4];
        br_x509_pkey key = {BR_KEYTYPE_RSA, {.rsa = {octets, cases[i].len, octets, 1}}};

        memcpy(octets, cases[i].modulus, cases[i].len);
        key_text(text, &key);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_signatures(void **state)
{
    static const char *const hashes[] = {"MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"};
    static struct certificate c;
    char text[TEXT_LEN], wanted[TEXT_LEN];

    (void)state;
    for (unsigned kind = 0; kind < 5; kind++) {
        for (unsigned hash = 0; hash < 9; hash++) {
            bool known = (kind == BR_KEYTYPE_RSA || kind == BR_KEYTYPE_EC) && hash >= 1 && hash <= 6;

            c.decoder.signer_key_type = (unsigned char)kind;
            c.decoder.signer_hash_id = (unsigned char)hash;
            snprintf(wanted, sizeof wanted, known ? "%s with %s" : "of a kind mailmote does not know",
                     kind == BR_KEYTYPE_RSA ? "RSA" : "ECDSA", known ? hashes[hash - 1] : "");
            signature_text(text, &c);
            assert_string_equal(text, wanted);
        }
    }
}

/* Dates of either form, as they are told, or not taken at all; and what a certificate has in it, and is not. */
static void test_dates(void **state)
{
    static const struct {
        const char *date, *told;
    } cases[] = {
        {"010203040506Z", "2001-02-03 04:05:06"},
        {"491231235958Z", "2049-12-31 23:59:58"},
        {"500102030405Z", "1950-01-02 03:04:05"},
        {"20310213141516Z", "2031-02-13 14:15:16"},
        {"20310213141516.7Z", "2031-02-13 14:15:16"},
        {"20310213141516.789Z", "2031-02-13 14:15:16"},
        {"20310213141516,7Z", NULL},
        {"20310213141516.7", NULL},
        {"20310213141516.:Z", NULL},
        {"20310213141516./Z", NULL},
        {"2031021314151Z", NULL},
        {"3102131415160", NULL},
        {"31021314151:Z", NULL},
        {"/10213141516Z", NULL},
        {"310213141516", NULL},
        {"Z", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (int first = 0; first < 2; first++) {
            static struct certificate c;
            struct trust_spec spec = {.cn = "Leaf", .issuer = "CA", .key = P_256, .signer = P_256_CA};
            struct trust_cert cert;
            const char *wrong;

            spec.from = first ? cases[i].date : NULL;
            spec.till = first ? NULL : cases[i].date;
            trust_cert_make(&cert, &spec);
            wrong = certificate_read(&c, cert.der, cert.len);
            assert_int_equal(wrong == NULL, cases[i].told != NULL);
            if (cases[i].told != NULL) {
                char subject[TEXT_LEN], issuer[TEXT_LEN];

                assert_string_equal(first ? c.from : c.until, cases[i].told);
                assert_string_equal(first ? c.until : c.from, first ? "2049-12-31 23:59:59" : "2020-01-01 00:00:00");
                name_text(subject, c.subject);
                name_text(issuer, c.issuer);
                assert_string_equal(subject, "CN=Leaf");
                assert_string_equal(issuer, "CN=CA");
                assert_false(c.ca);
                assert_int_equal(c.all.len, cert.len);
            } else {
                assert_string_equal(wrong, "is damaged, or no certificate at all");
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers), cmocka_unit_test(test_reports),    cmocka_unit_test(test_facts),
        cmocka_unit_test(test_types),   cmocka_unit_test(test_names),      cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_signatures), cmocka_unit_test(test_dates),
    };

    return cmocka_run_group_tests(tests, make, NULL);
}

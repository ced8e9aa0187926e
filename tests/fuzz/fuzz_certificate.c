/* SPDX-License-Identifier: MIT
 *
 * Fuzz harness of what reads certificates: each kind of trust, as BearSSL's client calls it, the reader of CA files, and what
 * tells a person of a certificate. The input is a target, a way to split the octets, and a chain (certificates.h), which libFuzzer damages by
 * its structure. Everything is read twice, split otherwise, and must come out the same.
 */
#include "../../boards/host/trust_certificate.h"
#include "../../boards/host/utf8.h"
#include "ca_files.h"
#include "certificates.h"
#include "guard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPPORTUNISTIC, PIN_EC, PIN_RSA, ANCHORS, ANCHORS_SMALL, CA_FILE, CA_TEXT, TOLD, TARGETS };
enum { HEAD = 4 };

/* Bits of the third octet. */
enum { RESIGN = 1, USE_KEY = 2 };

static struct chain chain;

/* ---- Trust ------------------------------------------------------------------------------------------------------- */

struct outcome {
    unsigned error;
    br_x509_pkey key;
    uint8_t n[BR_X509_BUFSIZE_KEY], e[BR_X509_BUFSIZE_KEY];
};

static void set_trust(struct mote_trust *trust, unsigned target)
{
    uint8_t pin[32], computed[32];

    switch (target) {
    case OPPORTUNISTIC: mote_trust_opportunistic(trust, RELAY_NAME); break;
    case PIN_EC:
    case PIN_RSA:
        trust_key_pin(certificate_key(target == PIN_RSA), pin, computed);
        mote_trust_pin(trust, pin, RELAY_NAME);
        break;
    case ANCHORS: mote_trust_anchors(trust, certificate_authority(), 1, RELAY_NAME); break;
    default: mote_trust_anchors_small(trust, certificate_authority(), 1, RELAY_NAME, &br_ec_p256_m31); break;
    }
}

static void take_key(struct outcome *to, const struct mote_session *s, const br_x509_pkey *key)
{
    const void *x = &s->x509;

    require(key != NULL, "I5: a chain was accepted that has no key");
    to->key = *key;
    if (key->key_type == BR_KEYTYPE_RSA) {
        const br_rsa_public_key *rsa = &key->key.rsa;

        require(inside(rsa->n, rsa->nlen, x, sizeof s->x509) && inside(rsa->e, rsa->elen, x, sizeof s->x509) &&
                    rsa->nlen + rsa->elen <= BR_X509_BUFSIZE_KEY,
                "I5: the key does not lie in the decoder");
        memcpy(to->n, rsa->n, rsa->nlen);
        memcpy(to->e, rsa->e, rsa->elen);
    } else {
        require(key->key_type == BR_KEYTYPE_EC, "I5: a key of no known type");
        require(inside(key->key.ec.q, key->key.ec.qlen, x, sizeof s->x509) && key->key.ec.qlen <= BR_X509_BUFSIZE_KEY,
                "I5: the key does not lie in the decoder");
        memcpy(to->n, key->key.ec.q, key->key.ec.qlen);
    }
}

/* What BearSSL's client does with the relay's key: signatures are checked with it, secrets encrypted to it. */
static void use_key(struct mote_session *s, const br_x509_pkey *key)
{
    br_ssl_engine_context *eng = &s->client.eng;
    uint8_t octets[BR_X509_BUFSIZE_KEY] = {0}, hash[64] = {1};

    if (key->key_type == BR_KEYTYPE_RSA) {
        const br_rsa_public_key *rsa = &key->key.rsa;

        if (rsa->nlen * rsa->elen > 2048) {
            return; /* takes too long here */
        }
        octets[rsa->nlen != 0 ? rsa->nlen - 1 : 0] = 2;
        eng->irsavrfy(octets, rsa->nlen, BR_HASH_OID_SHA256, 32, rsa, hash);
        if (s->client.irsapub != 0) {
            s->client.irsapub(octets, rsa->nlen, rsa);
        }
    } else if (eng->iecdsa != 0) {
        static const uint8_t signature[] = {0x30, 6, 2, 1, 7, 2, 1, 9};

        eng->iecdsa(eng->iec, hash, 32, &key->key.ec, signature, sizeof signature);
    }
}

static void append(struct mote_session *s, const uint8_t *der, size_t len, unsigned split)
{
    while (len != 0) {
        size_t n = split == 0 ? len : 1 + split % 300;
        uint8_t *part;

        n = n < len ? n : len;
        n = n < 256 ? n : 256; /* BearSSL never gives more at a time */
        part = malloc(n);
        require(part != NULL, "harness: no memory");
        memcpy(part, der, n);
        s->x509.vtable->append(&s->x509.vtable, part, n);
        free(part);
        der += n;
        len -= n;
        split = split < 300 ? split : split * 1103515245 + 12345;
    }
}

static void run_trust(struct outcome *to, unsigned target, unsigned split, bool use)
{
    static struct mote_session *s;
    static const uint8_t entropy[32];
    static struct mote_session_setup setup = {.entropy = entropy, .unix_s = CERTIFICATES_NOW};
    static struct mote_relay relay;
    const br_x509_class **x509;
    const br_x509_pkey *key;
    unsigned usages = 0;

    if (s == NULL) {
        s = malloc(sizeof *s);
        require(s != NULL, "harness: no memory");
    }
    memset(s, 0x5a, sizeof *s);
    s->relay = &relay;
    s->setup = &setup;
    s->x509.cause = 0;
    set_trust(&relay.trust, target);
    relay.trust.setup_tls(s);
    guard_decoder(s, true);
    x509 = &s->x509.vtable;
    (*x509)->start_chain(x509, RELAY_NAME);
    for (unsigned i = 0; i < chain.count; i++) {
        (*x509)->start_cert(x509, (uint32_t)chain.certificates[i].len);
        append(s, chain.certificates[i].der, chain.certificates[i].len, split);
        (*x509)->end_cert(x509);
    }
    memset(to, 0, sizeof *to);
    to->error = (*x509)->end_chain(x509);
    if (to->error == 0) {
        key = (*x509)->get_pkey(x509, &usages);
        take_key(to, s, key);
        if (use) {
            use_key(s, key);
        }
    }
    require(s->x509.trust == &relay.trust, "I5: the decoder wrote behind itself");
    guard_decoder(s, false);
}

static bool same_key(const struct outcome *a, const br_x509_pkey *key)
{
    if (a->key.key_type != key->key_type) {
        return false;
    }
    if (key->key_type == BR_KEYTYPE_RSA) {
        const br_rsa_public_key *rsa = &key->key.rsa;
        size_t zeros = a->key.key.rsa.nlen - rsa->nlen;

        return a->key.key.rsa.nlen >= rsa->nlen && memcmp(a->n + zeros, rsa->n, rsa->nlen) == 0;
    }
    return a->key.key.ec.curve == key->key.ec.curve && a->key.key.ec.qlen == key->key.ec.qlen &&
           memcmp(a->n, key->key.ec.q, key->key.ec.qlen) == 0;
}

static void check_trust(unsigned target, unsigned split, bool use)
{
    static struct outcome first, second;

    run_trust(&first, target, split, use);
    run_trust(&second, target, split == 0 ? 1 : 0, false);
    require(first.error == second.error, "I3: a chain's fate depends on how it was split");
    require(memcmp(first.n, second.n, sizeof first.n) == 0 && memcmp(first.e, second.e, sizeof first.e) == 0,
            "I3: a key depends on how it was split");
    if (first.error != 0) {
        return;
    }
    require(chain.count != 0, "I10: no certificate, and accepted");
    if (target == PIN_EC || target == PIN_RSA) {
        require(same_key(&first, certificate_public(target == PIN_RSA)), "I10: another key than the pinned one");
    } else if (target != OPPORTUNISTIC) {
        require(chain_vouched(&chain), "I10: a chain was accepted that nobody vouches for");
    }
}

/* ---- What a person is told of a certificate --------------------------------------------------------------------- */

/* Of UTF-8, what a terminal does not only show: controls, marks of direction, of no width, and of lines' ends. */
static bool harmful(const unsigned char *at)
{
    return *at < ' ' || *at == 127 || (at[0] == 0xc2 && at[1] < 0xa0) ||
           (at[0] == 0xe2 && at[1] == 0x80 && ((at[2] >= 0x8b && at[2] <= 0x8f) || (at[2] >= 0xa8 && at[2] <= 0xae))) ||
           (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa0 && at[2] <= 0xaf);
}

static void check_text(const char text[TEXT_LEN])
{
    size_t len = strlen(text);

    require(len < TEXT_LEN, "I5: a text without an end");
    require(utf8_valid(text, len), "a terminal is told what is no UTF-8");
    for (size_t i = 0; i < len; i++) {
        require(!harmful((const unsigned char *)text + i), "a terminal is told more than to show a text");
    }
}

static void check_one_told(const uint8_t *der, size_t len)
{
    static struct certificate told;
    uint8_t *own = malloc(len + (len == 0)); /* all its own: the sanitizer sees an octet too far */
    char text[TEXT_LEN];

    memcpy(own, der, len);
    if (certificate_read(&told, own, len) == NULL) {
        require(inside(told.subject.at, told.subject.len, own, len) && inside(told.key.at, told.key.len, own, len),
                "I5: a part outside the certificate");
        name_text(text, told.subject);
        check_text(text);
        name_text(text, told.issuer);
        check_text(text);
        key_text(text, told.pkey);
        check_text(text);
        signature_text(text, &told);
        check_text(text);
    }
    free(own);
}

static void check_told(void)
{
    for (size_t i = 0; i < chain.count; i++) {
        check_one_told(chain.certificates[i].der, chain.certificates[i].len);
    }
}

/* ---- The harness ------------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned target = draw(&in) % TARGETS, split = draw(&in), flags = draw(&in), memory = draw(&in);

    if (target == CA_TEXT) {
        ca_text((const char *)in.at, in.left);
        ca_check_posix(memory * 16u);
        return 0;
    }
    chain_take(&chain, &in, (flags & RESIGN) != 0);
    if (target == CA_FILE) {
        ca_pem(&chain, flags);
        ca_check_posix(memory * 16u);
    } else if (target == TOLD) {
        check_told();
    } else {
        check_trust(target, split == 255 ? 12345 : split, (flags & USE_KEY) != 0);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static const uint8_t zeros[HEAD];

    if (size < HEAD && max > HEAD + 1000) {
        memcpy(data + size, zeros, HEAD - size);
        size = HEAD;
    }
    if (size < HEAD || seed % 8 == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }
    if (seed % 8 == 1) {
        data[seed / 8 % HEAD] = (uint8_t)(seed >> 8);
        return size;
    }
    if (data[0] % TARGETS == CA_TEXT && seed % 8 == 2) {
        struct input in = {data + HEAD, size - HEAD};

        chain_take(&chain, &in, false);
        ca_pem(&chain, data[2]);
        return HEAD + ca_copy(data + HEAD, max - HEAD);
    }
    return HEAD + chain_mutate(data + HEAD, size - HEAD, max - HEAD, seed / 8);
}

/* SPDX-License-Identifier: MIT
 *
 * The certificates of certificates.h, made when they are first asked for, and the chain of an input.
 */
#include "certificates.h"

#include <string.h>

static const struct trust_spec specs[CERTIFICATES] = {
    {.cn = RELAY_NAME, .key = P_256, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = RELAY_NAME, .key = RSA_2048, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = RELAY_NAME, .key = P_384, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = "Test CA", .key = P_256_CA, .signer = P_256_CA, .ca = true},
    {.cn = "x", .names = {"other.test", "*.example.test"}, .key = P_256, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = RELAY_NAME, .key = P_256, .issuer = "Test CA", .signer = P_256_CA, .till = "250101000000Z"},
    {.cn = RELAY_NAME, .key = RSA_1024, .signer = RSA_1024},
    {.cn = "Inter", .key = RSA_2048, .issuer = "Test CA", .signer = P_256_CA, .ca = true},
    {.cn = RELAY_NAME, .key = P_256, .issuer = "Inter", .signer = RSA_2048},
    {.cn = RELAY_NAME, .key = P_256, .issuer = "Test CA", .signer = P_256_CA, .critical = true},
    {.cn = RELAY_NAME, .key = RSA_4096, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = "*.test", .names = {"*.test"}, .key = P_256, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = RELAY_NAME, .cn_tag = 0x1e, .key = P_256, .issuer = "Test CA", .signer = P_256_CA},
    {.cn = RELAY_NAME, .key = P_256, .issuer = "Test CA", .signer = P_384},
};

const struct trust_cert *certificate(unsigned n)
{
    static struct trust_cert made[CERTIFICATES];

    if (made[n].len == 0) {
        trust_cert_make(&made[n], &specs[n]);
    }
    return &made[n];
}

enum trust_key certificate_key(unsigned n)
{
    return specs[n].key;
}

static struct trust_anchor *read_certificate(unsigned n)
{
    static struct trust_anchor read[CERTIFICATES];

    if (read[n].anchor.dn.len == 0) {
        trust_anchor_set(&read[n], certificate(n));
    }
    return &read[n];
}

const br_x509_pkey *certificate_public(unsigned n)
{
    return &read_certificate(n)->anchor.pkey;
}

const br_x509_trust_anchor *certificate_authority(void)
{
    return &read_certificate(3)->anchor;
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

/* What is signed, how, and the signature: the three parts of a certificate. */
static bool parts(struct element *part, const uint8_t *der, size_t len)
{
    struct element all[256];
    unsigned count = der_elements(all, 256, der, len), found = 0;

    for (unsigned i = 1; i < count; i++) {
        if (all[i].parent == 0 && found++ < 3) {
            part[found - 1] = all[i];
        }
    }
    return count != 0 && found == 3 && der[part[2].at] == 3 && part[2].len > 1;
}

static void digest(uint8_t *to, const uint8_t *der, const struct element *part)
{
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, der + part->at, part->head + part->len);
    br_sha256_out(&hash, to);
}

static size_t put_head(uint8_t *to, uint8_t tag, size_t len)
{
    to[0] = tag;
    to[1] = 0x82;
    to[2] = (uint8_t)(len >> 8);
    to[3] = (uint8_t)len;
    return 4;
}

static size_t sign(uint8_t *to, const uint8_t *der, size_t len)
{
    static const uint8_t algorithm[] = {0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
    struct element part[3];
    uint8_t hash[32], signature[160];
    size_t body_len, n;

    if (!parts(part, der, len)) {
        memcpy(to, der, len);
        return len;
    }
    digest(hash, der, part);
    body_len = part[0].head + part[0].len;
    n = br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), &br_sha256_vtable, hash, trust_key_ec(P_256_CA),
                                         signature);
    len = put_head(to, 0x30, body_len + sizeof algorithm + 4 + 1 + n);
    memcpy(to + len, der + part[0].at, body_len);
    memcpy(to + len + body_len, algorithm, sizeof algorithm);
    len += body_len + sizeof algorithm;
    len += put_head(to + len, 3, n + 1);
    to[len++] = 0;
    memcpy(to + len, signature, n);
    return len + n;
}

void chain_take(struct chain *chain, struct input *in, bool resign)
{
    uint8_t *to = chain->octets;

    for (chain->count = 0; chain->count < CHAIN_MAX && in->left > 2; chain->count++) {
        size_t len = (size_t)draw(in) << 8;

        len |= draw(in);
        len = len < in->left ? len : in->left;
        len = len < 16000 ? len : 16000;
        chain->certificates[chain->count].der = to;
        if (resign && chain->count == 0) {
            chain->certificates[0].len = sign(to, in->at, len);
        } else {
            memcpy(to, in->at, len);
            chain->certificates[chain->count].len = len;
        }
        to += chain->certificates[chain->count].len;
        in->at += len;
        in->left -= len;
    }
}

static bool signed_by_authority(const uint8_t *der, size_t len)
{
    const br_ec_public_key *key = &certificate_authority()->pkey.key.ec;
    struct element part[3];
    uint8_t hash[32];

    if (!parts(part, der, len)) {
        return false;
    }
    digest(hash, der, part);
    return br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(), hash, sizeof hash, key,
                                            der + part[2].at + part[2].head + 1, part[2].len - 1) == 1;
}

/* In any case of letters, and perhaps in BMPString's sixteen bits. */
static bool holds(const uint8_t *der, size_t len, const char *name, unsigned width)
{
    size_t name_len = strlen(name);

    for (size_t at = 0; at + name_len * width <= len; at++) {
        size_t n = 0;

        while (n < name_len && (der[at + n * width] | 32) == (name[n] | 32)) {
            n++;
        }
        if (n == name_len) {
            return true;
        }
    }
    return false;
}

bool chain_vouched(const struct chain *chain)
{
    const uint8_t *der = chain->certificates[0].der;
    size_t len = chain->certificates[0].len;
    bool named = false, vouched = false;

    for (unsigned width = 1; width <= 4 && chain->count != 0; width++) {
        named |= holds(der, len, RELAY_NAME, width) || holds(der, len, "*.example.test", width);
    }
    for (unsigned i = 0; i < chain->count; i++) {
        vouched |= signed_by_authority(chain->certificates[i].der, chain->certificates[i].len);
    }
    return named && vouched;
}

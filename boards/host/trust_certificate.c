/* SPDX-License-Identifier: MIT
 *
 * Takes a certificate apart. BearSSL's decoder reads the key; names, dates and the octets that a pin is the hash of are
 * found here, as the decoder does not tell them. No signature is checked, and every octet may come from a stranger.
 */
#include "mailmote_session.h"
#include "trust_certificate.h"
#include "base64.h"
#include "complain.h"

#include <stdio.h>
#include <string.h>

enum { VERSION = 0xa0 };

/* ---- DER --------------------------------------------------------------------------------------------------------- */

/* Takes the first element off: all of it, and its content. */
static bool take(struct mote_der *in, unsigned tag, struct mote_der *all, struct mote_der *content)
{
    const unsigned char *at = in->at;
    bool taken = mote_der_take(in, tag, content);

    if (taken) {
        *all = (struct mote_der){at, (size_t)(in->at - at)};
    }
    return taken;
}

/* "310131235959Z", or "20310131235959Z", which may have a fraction: "20310131235959.5Z". BearSSL takes that as well. */
static bool take_date(struct mote_der *in, char text[24])
{
    struct mote_der all, date;
    const char *century = "";
    const unsigned char *at;
    size_t end = 14; /* of the seconds */

    if (take(in, DER_UTC_TIME, &all, &date)) {
        end = 12;
        century = date.len != 0 && date.at[0] >= '5' ? "19" : "20";
    } else if (!take(in, DER_GENERALIZED_TIME, &all, &date)) {
        return false;
    }
    if (date.len <= end || date.at[date.len - 1] != 'Z' || (date.len != end + 1 && date.at[end] != '.')) {
        return false;
    }
    for (size_t i = 0; i + 1 < date.len; i++) {
        if (i != end && (date.at[i] < '0' || date.at[i] > '9')) {
            return false;
        }
    }
    at = date.at + end - 10;
    snprintf(text, 24, "%s%.*s-%.2s-%.2s %.2s:%.2s:%.2s", century, (int)(at - date.at), (const char *)date.at,
             (const char *)at, (const char *)at + 2, (const char *)at + 4, (const char *)at + 6, (const char *)at + 8);
    return true;
}

static bool take_parts(struct certificate *c, const unsigned char *octets, size_t len)
{
    struct mote_der in = {octets, len}, all, content, dates;

    if (!take(&in, DER_SEQUENCE, &c->all, &content) || in.len != 0 || !take(&content, DER_SEQUENCE, &all, &in)) {
        return false;
    }
    take(&in, VERSION, &all, &content);
    return take(&in, DER_INTEGER, &all, &content) && take(&in, DER_SEQUENCE, &all, &content) &&
           take(&in, DER_SEQUENCE, &c->issuer, &content) && take(&in, DER_SEQUENCE, &all, &dates) &&
           take_date(&dates, c->from) && take_date(&dates, c->until) &&
           take(&in, DER_SEQUENCE, &c->subject, &content) && take(&in, DER_SEQUENCE, &c->key, &content);
}

const char *certificate_read(struct certificate *c, const unsigned char *octets, size_t len)
{
    int error;

    memset(c, 0, sizeof *c);
    if (!take_parts(c, octets, len)) {
        return "is damaged, or no certificate at all";
    }
    br_x509_decoder_init(&c->decoder, NULL, NULL);
    mote_certificate_push(&c->decoder, octets, len);
    error = br_x509_decoder_last_error(&c->decoder);
    if (error != 0 && error != BR_ERR_X509_UNSUPPORTED && error != BR_ERR_X509_WRONG_KEY_TYPE) {
        return "is damaged";
    }
    c->pkey = br_x509_decoder_get_pkey(&c->decoder);
    if (c->pkey != NULL && c->pkey->key_type == BR_KEYTYPE_EC && c->pkey->key.ec.curve == BR_EC_secp521r1) {
        c->pkey = NULL;
    }
    c->ca = br_x509_decoder_isCA(&c->decoder) != 0;
    return NULL;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* The numbers of an OBJECT IDENTIFIER, or the short name of one that names have in them. */
static void oid_text(char text[40], struct mote_der oid)
{
    static const struct {
        const char *octets, *name;
    } known[] = {
        {"\x55\x04\x03", "CN"},
        {"\x55\x04\x06", "C"},
        {"\x55\x04\x07", "L"},
        {"\x55\x04\x08", "ST"},
        {"\x55\x04\x0a", "O"},
        {"\x55\x04\x0b", "OU"},
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"},
        {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"},
    };
    size_t at = 0;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].octets) == oid.len && memcmp(known[i].octets, oid.at, oid.len) == 0) {
            strcpy(text, known[i].name);
            return;
        }
    }
    for (size_t i = 0; i < oid.len && at < 36; i++) {
        at += (size_t)snprintf(text + at, 40 - at, "%02x", oid.at[i]);
    }
    text[at] = 0;
}

void name_text(char text[TEXT_LEN], struct mote_der name)
{
    struct mote_der all, sets, set, pair, oid;
    size_t at = 0;

    text[0] = 0;
    if (!take(&name, DER_SEQUENCE, &all, &sets)) {
        return;
    }
    while (take(&sets, DER_SET, &all, &set)) {
        while (take(&set, DER_SEQUENCE, &all, &pair) && take(&pair, DER_OID, &all, &oid) && at < TEXT_LEN - 50) {
            struct mote_der value = {NULL, 0};
            char type[40];

            if (pair.len != 0) {
                take(&pair, pair.at[0], &all, &value);
            }
            oid_text(type, oid);
            at += (size_t)snprintf(text + at, TEXT_LEN - at, "%s%s=", at != 0 ? ", " : "", type);
            at += printable(text + at, TEXT_LEN - at, (const char *)value.at, value.len);
        }
    }
}

static unsigned rsa_bits(const br_rsa_public_key *key)
{
    size_t at = 0;
    unsigned bits;

    while (at < key->nlen && key->n[at] == 0) {
        at++;
    }
    if (at == key->nlen) {
        return 0;
    }
    bits = (unsigned)(key->nlen - at) * 8;
    for (unsigned char top = key->n[at]; top < 0x80; top = (unsigned char)(top << 1)) {
        bits--;
    }
    return bits;
}

void key_text(char text[TEXT_LEN], const br_x509_pkey *key)
{
    if (key == NULL) {
        strcpy(text, "of a kind mailmote does not know");
    } else if (key->key_type == BR_KEYTYPE_RSA) {
        snprintf(text, TEXT_LEN, "RSA %u", rsa_bits(&key->key.rsa));
    } else {
        strcpy(text, key->key.ec.curve == BR_EC_secp256r1 ? "P-256" : "P-384");
    }
}

void signature_text(char text[TEXT_LEN], const struct certificate *c)
{
    static const char *const hashes[] = {"", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"};
    int kind = c->decoder.signer_key_type, hash = c->decoder.signer_hash_id;

    if ((kind != BR_KEYTYPE_RSA && kind != BR_KEYTYPE_EC) || hash < br_md5_ID || hash > br_sha512_ID) {
        strcpy(text, "of a kind mailmote does not know");
        return;
    }
    snprintf(text, TEXT_LEN, "%s with %s", kind == BR_KEYTYPE_RSA ? "RSA" : "ECDSA", hashes[hash]);
}

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

void sha256(unsigned char digest[SHA256_LEN], struct mote_der octets)
{
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, octets.at, octets.len);
    br_sha256_out(&hash, digest);
}

void pin_text(char text[PIN_LEN], const unsigned char pin[SHA256_LEN])
{
    char *to = text + strlen(strcpy(text, "sha256:"));

    strcpy(to + base64_write(to, pin, SHA256_LEN), "=");
}

/* SPDX-License-Identifier: MIT
 *
 * One certificate (RFC 5280) as a BearSSL trust anchor: its subject, its key, and whether it is a CA's. BearSSL's own decoder
 * finds the same; it is made for small memories, and too slow for the hundreds of certificates of a system's CA file.
 *
 * Every length is checked against the element around it, and what must end there does. What is skipped is not looked into.
 */
#include "der.h"
#include "posix.h"

#include <string.h>

enum { VERSION = 0xa0, ISSUER_ID = 0x81, SUBJECT_ID, EXTENSIONS = 0xa3 };
enum { VERSION_3 = 2 };

static bool next_is(const struct mote_der *in, unsigned tag)
{
    return in->len != 0 && in->at[0] == tag;
}

/* True also where there is none. */
static bool skip_optional(struct mote_der *in, unsigned tag)
{
    struct mote_der skipped;

    return !next_is(in, tag) || mote_der_take(in, tag, &skipped);
}

static bool skip(struct mote_der *in, unsigned tag)
{
    return next_is(in, tag) && skip_optional(in, tag);
}

static bool is(const struct mote_der *octets, const char *text, size_t len)
{
    return octets->len == len && memcmp(octets->at, text, len) == 0;
}

/* A BIT STRING of whole octets. */
static bool take_bits(struct mote_der *in, struct mote_der *bits)
{
    if (!mote_der_take(in, DER_BIT_STRING, bits) || bits->len == 0 || bits->at[0] != 0) {
        return false;
    }
    bits->at++;
    bits->len--;
    return true;
}

/* ---- The key ----------------------------------------------------------------------------------------------------- */

/* BearSSL does not write to a key, but its pointers are no const ones. */
static unsigned char *octets_of(const struct mote_der *in)
{
    union {
        const unsigned char *from;
        unsigned char *to;
    } pointer = {in->at};

    return pointer.to;
}

/* A positive INTEGER, without leading zeros. */
static bool take_number(struct mote_der *in, struct mote_der *number)
{
    if (!mote_der_take(in, DER_INTEGER, number) || number->len == 0 || number->at[0] >= 0x80) {
        return false;
    }
    while (number->len != 0 && number->at[0] == 0) {
        number->at++;
        number->len--;
    }
    return number->len != 0;
}

static bool read_rsa(br_x509_pkey *key, struct mote_der bits)
{
    struct mote_der numbers, n, e;

    if (!mote_der_take(&bits, DER_SEQUENCE, &numbers) || bits.len != 0 || !take_number(&numbers, &n) ||
        !take_number(&numbers, &e) || numbers.len != 0 || n.len + e.len > BR_X509_BUFSIZE_KEY) {
        return false;
    }
    key->key_type = BR_KEYTYPE_RSA;
    key->key.rsa = (br_rsa_public_key){octets_of(&n), n.len, octets_of(&e), e.len};
    return true;
}

static bool read_ec(br_x509_pkey *key, struct mote_der parameters, struct mote_der point)
{
    static const struct {
        const char *oid;
        uint8_t oid_len, curve, point_len;
    } curves[] = {
        {"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8, BR_EC_secp256r1, 65},
        {"\x2b\x81\x04\x00\x22", 5, BR_EC_secp384r1, 97},
        {"\x2b\x81\x04\x00\x23", 5, BR_EC_secp521r1, 133},
    };
    struct mote_der oid;

    if (!mote_der_take(&parameters, DER_OID, &oid) || parameters.len != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (is(&oid, curves[i].oid, curves[i].oid_len) && point.len == curves[i].point_len) {
            key->key_type = BR_KEYTYPE_EC;
            key->key.ec = (br_ec_public_key){curves[i].curve, octets_of(&point), point.len};
            return true;
        }
    }
    return false;
}

static bool read_key(br_x509_pkey *key, struct mote_der info)
{
    struct mote_der algorithm, oid, bits;

    if (!mote_der_take(&info, DER_SEQUENCE, &algorithm) || !mote_der_take(&algorithm, DER_OID, &oid) ||
        !take_bits(&info, &bits) || info.len != 0) {
        return false;
    }
    if (is(&oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9)) {
        return read_rsa(key, bits);
    }
    return is(&oid, "\x2a\x86\x48\xce\x3d\x02\x01", 7) && read_ec(key, algorithm, bits);
}

/* ---- Extensions -------------------------------------------------------------------------------------------------- */

static bool read_constraints(br_x509_trust_anchor *anchor, struct mote_der value)
{
    struct mote_der constraints, ca;

    if (!mote_der_take(&value, DER_SEQUENCE, &constraints) || value.len != 0) {
        return false;
    }
    if (!next_is(&constraints, DER_BOOLEAN)) {
        return true;
    }
    if (!mote_der_take(&constraints, DER_BOOLEAN, &ca) || ca.len != 1) {
        return false;
    }
    anchor->flags = ca.at[0] != 0 ? BR_X509_TA_CA : 0;
    return true;
}

static bool read_extensions(br_x509_trust_anchor *anchor, struct mote_der wrapped)
{
    struct mote_der list, extension, oid, value;

    if (!mote_der_take(&wrapped, DER_SEQUENCE, &list) || wrapped.len != 0) {
        return false;
    }
    while (list.len != 0) {
        if (!mote_der_take(&list, DER_SEQUENCE, &extension) || !mote_der_take(&extension, DER_OID, &oid) ||
            !skip_optional(&extension, DER_BOOLEAN) || !mote_der_take(&extension, DER_OCTET_STRING, &value) ||
            extension.len != 0) {
            return false;
        }
        if (is(&oid, "\x55\x1d\x13", 3) && !read_constraints(anchor, value)) {
            return false;
        }
    }
    return true;
}

/* ---- The certificate --------------------------------------------------------------------------------------------- */

static bool take_version(struct mote_der *in)
{
    struct mote_der wrapped, version;

    if (!next_is(in, VERSION)) {
        return true;
    }
    return mote_der_take(in, VERSION, &wrapped) && mote_der_take(&wrapped, DER_INTEGER, &version) && wrapped.len == 0 &&
           version.len == 1 && version.at[0] <= VERSION_3;
}

static bool skip_date(struct mote_der *in)
{
    return skip(in, DER_UTC_TIME) || skip(in, DER_GENERALIZED_TIME);
}

static bool skip_dates(struct mote_der *in)
{
    struct mote_der dates;

    return mote_der_take(in, DER_SEQUENCE, &dates) && skip_date(&dates) && skip_date(&dates) && dates.len == 0;
}

static bool skip_signature(struct mote_der *in)
{
    struct mote_der algorithm, bits;

    return mote_der_take(in, DER_SEQUENCE, &algorithm) && skip(&algorithm, DER_OID) && take_bits(in, &bits);
}

static bool read_content(br_x509_trust_anchor *anchor, struct mote_der in)
{
    struct mote_der subject, key, extensions;
    const unsigned char *name;

    if (!take_version(&in) || !skip(&in, DER_INTEGER) /* serial number */ || !skip(&in, DER_SEQUENCE) /* algorithm */ ||
        !skip(&in, DER_SEQUENCE) /* issuer */ || !skip_dates(&in)) {
        return false;
    }
    name = in.at;
    if (!mote_der_take(&in, DER_SEQUENCE, &subject) || !mote_der_take(&in, DER_SEQUENCE, &key) ||
        !read_key(&anchor->pkey, key)) {
        return false;
    }
    anchor->dn.data = octets_of(&(struct mote_der){name, 0});
    anchor->dn.len = (size_t)(subject.at + subject.len - name);
    if (!skip_optional(&in, ISSUER_ID) || !skip_optional(&in, SUBJECT_ID)) {
        return false;
    }
    if (!next_is(&in, EXTENSIONS)) {
        return in.len == 0;
    }
    return mote_der_take(&in, EXTENSIONS, &extensions) && in.len == 0 && read_extensions(anchor, extensions);
}

bool mote_posix_anchor(br_x509_trust_anchor *anchor, const unsigned char *der, size_t len)
{
    struct mote_der file = {der, len}, certificate, content;

    memset(anchor, 0, sizeof *anchor);
    return mote_der_take(&file, DER_SEQUENCE, &certificate) && file.len == 0 &&
           mote_der_take(&certificate, DER_SEQUENCE, &content) && skip_signature(&certificate) &&
           certificate.len == 0 && read_content(anchor, content);
}

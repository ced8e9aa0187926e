/* SPDX-License-Identifier: MIT
 *
 * One certificate (RFC 5280) as a BearSSL trust anchor: its subject, its key, and whether it is a CA's. BearSSL's own decoder
 * finds the same; it is made for small memories, and too slow for the hundreds of certificates of a system's CA file.
 *
 * Every length is checked against the element around it, and what must end there does. What is skipped is not looked into.
 */
#include "posix.h"

#include <string.h>

enum {
    BOOLEAN = 0x01,
    INTEGER,
    BIT_STRING,
    OCTET_STRING,
    OID = 0x06,
    UTC_TIME = 0x17,
    GENERALIZED_TIME,
    SEQUENCE = 0x30
};
enum { VERSION = 0xa0, ISSUER_ID = 0x81, SUBJECT_ID, EXTENSIONS = 0xa3 };
enum { LENGTH_OCTETS_MAX = 3, VERSION_3 = 2 };

/* Elements, one behind the other. */
struct der {
    const unsigned char *at;
    size_t len;
};

/* Takes the first element off; inside is what it holds. False: it has another tag, or does not fit. */
static bool take(struct der *in, unsigned tag, struct der *inside)
{
    size_t head = 2, len;

    if (in->len < head || in->at[0] != tag) {
        return false;
    }
    len = in->at[1];
    if (len >= 0x80) {
        head += len - 0x80;
        if (len == 0x80 || head > 2 + LENGTH_OCTETS_MAX || in->len < head) {
            return false;
        }
        len = 0;
        for (size_t i = 2; i < head; i++) {
            len = len << 8 | in->at[i];
        }
    }
    if (len > in->len - head) {
        return false;
    }
    *inside = (struct der){in->at + head, len};
    in->at += head + len;
    in->len -= head + len;
    return true;
}

static bool next_is(const struct der *in, unsigned tag)
{
    return in->len != 0 && in->at[0] == tag;
}

/* True also where there is none. */
static bool skip_optional(struct der *in, unsigned tag)
{
    struct der skipped;

    return !next_is(in, tag) || take(in, tag, &skipped);
}

static bool skip(struct der *in, unsigned tag)
{
    return next_is(in, tag) && skip_optional(in, tag);
}

static bool is(const struct der *octets, const char *text, size_t len)
{
    return octets->len == len && memcmp(octets->at, text, len) == 0;
}

/* A BIT STRING of whole octets. */
static bool take_bits(struct der *in, struct der *bits)
{
    if (!take(in, BIT_STRING, bits) || bits->len == 0 || bits->at[0] != 0) {
        return false;
    }
    bits->at++;
    bits->len--;
    return true;
}

/* ---- The key ----------------------------------------------------------------------------------------------------- */

/* BearSSL does not write to a key, but its pointers are no const ones. */
static unsigned char *octets_of(const struct der *in)
{
    union {
        const unsigned char *from;
        unsigned char *to;
    } pointer = {in->at};

    return pointer.to;
}

/* A positive INTEGER, without leading zeros. */
static bool take_number(struct der *in, struct der *number)
{
    if (!take(in, INTEGER, number) || number->len == 0 || number->at[0] >= 0x80) {
        return false;
    }
    while (number->len != 0 && number->at[0] == 0) {
        number->at++;
        number->len--;
    }
    return number->len != 0;
}

static bool read_rsa(br_x509_pkey *key, struct der bits)
{
    struct der numbers, n, e;

    if (!take(&bits, SEQUENCE, &numbers) || bits.len != 0 || !take_number(&numbers, &n) || !take_number(&numbers, &e) ||
        numbers.len != 0 || n.len + e.len > BR_X509_BUFSIZE_KEY) {
        return false;
    }
    key->key_type = BR_KEYTYPE_RSA;
    key->key.rsa = (br_rsa_public_key){octets_of(&n), n.len, octets_of(&e), e.len};
    return true;
}

static bool read_ec(br_x509_pkey *key, struct der parameters, struct der point)
{
    static const struct {
        const char *oid;
        uint8_t oid_len, curve, point_len;
    } curves[] = {
        {"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8, BR_EC_secp256r1, 65},
        {"\x2b\x81\x04\x00\x22", 5, BR_EC_secp384r1, 97},
        {"\x2b\x81\x04\x00\x23", 5, BR_EC_secp521r1, 133},
    };
    struct der oid;

    if (!take(&parameters, OID, &oid) || parameters.len != 0) {
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

static bool read_key(br_x509_pkey *key, struct der info)
{
    struct der algorithm, oid, bits;

    if (!take(&info, SEQUENCE, &algorithm) || !take(&algorithm, OID, &oid) || !take_bits(&info, &bits) ||
        info.len != 0) {
        return false;
    }
    if (is(&oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9)) {
        return read_rsa(key, bits);
    }
    return is(&oid, "\x2a\x86\x48\xce\x3d\x02\x01", 7) && read_ec(key, algorithm, bits);
}

/* ---- Extensions -------------------------------------------------------------------------------------------------- */

static bool read_constraints(br_x509_trust_anchor *anchor, struct der value)
{
    struct der constraints, ca;

    if (!take(&value, SEQUENCE, &constraints) || value.len != 0) {
        return false;
    }
    if (!next_is(&constraints, BOOLEAN)) {
        return true;
    }
    if (!take(&constraints, BOOLEAN, &ca) || ca.len != 1) {
        return false;
    }
    anchor->flags = ca.at[0] != 0 ? BR_X509_TA_CA : 0;
    return true;
}

static bool read_extensions(br_x509_trust_anchor *anchor, struct der wrapped)
{
    struct der list, extension, oid, value;

    if (!take(&wrapped, SEQUENCE, &list) || wrapped.len != 0) {
        return false;
    }
    while (list.len != 0) {
        if (!take(&list, SEQUENCE, &extension) || !take(&extension, OID, &oid) || !skip_optional(&extension, BOOLEAN) ||
            !take(&extension, OCTET_STRING, &value) || extension.len != 0) {
            return false;
        }
        if (is(&oid, "\x55\x1d\x13", 3) && !read_constraints(anchor, value)) {
            return false;
        }
    }
    return true;
}

/* ---- The certificate --------------------------------------------------------------------------------------------- */

static bool take_version(struct der *in)
{
    struct der wrapped, version;

    if (!next_is(in, VERSION)) {
        return true;
    }
    return take(in, VERSION, &wrapped) && take(&wrapped, INTEGER, &version) && wrapped.len == 0 && version.len == 1 &&
           version.at[0] <= VERSION_3;
}

static bool skip_date(struct der *in)
{
    return skip(in, UTC_TIME) || skip(in, GENERALIZED_TIME);
}

static bool skip_dates(struct der *in)
{
    struct der dates;

    return take(in, SEQUENCE, &dates) && skip_date(&dates) && skip_date(&dates) && dates.len == 0;
}

static bool skip_signature(struct der *in)
{
    struct der algorithm, bits;

    return take(in, SEQUENCE, &algorithm) && skip(&algorithm, OID) && take_bits(in, &bits);
}

static bool read_content(br_x509_trust_anchor *anchor, struct der in)
{
    struct der subject, key, extensions;
    const unsigned char *name;

    if (!take_version(&in) || !skip(&in, INTEGER) /* serial number */ || !skip(&in, SEQUENCE) /* algorithm */ ||
        !skip(&in, SEQUENCE) /* issuer */ || !skip_dates(&in)) {
        return false;
    }
    name = in.at;
    if (!take(&in, SEQUENCE, &subject) || !take(&in, SEQUENCE, &key) || !read_key(&anchor->pkey, key)) {
        return false;
    }
    anchor->dn.data = octets_of(&(struct der){name, 0});
    anchor->dn.len = (size_t)(subject.at + subject.len - name);
    if (!skip_optional(&in, ISSUER_ID) || !skip_optional(&in, SUBJECT_ID)) {
        return false;
    }
    if (!next_is(&in, EXTENSIONS)) {
        return in.len == 0;
    }
    return take(&in, EXTENSIONS, &extensions) && in.len == 0 && read_extensions(anchor, extensions);
}

bool mote_posix_anchor(br_x509_trust_anchor *anchor, const unsigned char *der, size_t len)
{
    struct der file = {der, len}, certificate, content;

    memset(anchor, 0, sizeof *anchor);
    return take(&file, SEQUENCE, &certificate) && file.len == 0 && take(&certificate, SEQUENCE, &content) &&
           skip_signature(&certificate) && certificate.len == 0 && read_content(anchor, content);
}

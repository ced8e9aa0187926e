/* SPDX-License-Identifier: MIT
 *
 * Takes DER apart and damages it where it hurts: a tag, a length, contents with every length around them made right.
 */
#include "certificates.h"

#include <string.h>

enum { ELEMENTS_MAX = 256, DER_MAX = 16000 };

/* ---- Elements ---------------------------------------------------------------------------------------------------- */

static bool head(struct element *e, const uint8_t *der, size_t at, size_t end)
{
    size_t octets;

    if (end - at < 2) {
        return false;
    }
    e->at = at;
    e->head = 2;
    e->len = der[at + 1];
    if (e->len >= 0x80) {
        octets = e->len & 127;
        if (octets < 1 || octets > 2 || end - at < 2 + octets) {
            return false;
        }
        e->head += octets;
        e->len = octets == 1 ? der[at + 2] : (size_t)der[at + 2] << 8 | der[at + 3];
    }
    return e->len <= end - at - e->head;
}

/* Where elements inside this one may begin. */
static size_t inside(const struct element *e, const uint8_t *der)
{
    uint8_t tag = der[e->at];
    size_t skip = tag == 3 && e->len != 0;

    if ((tag & 0x20) == 0 && (e->len < 4 + skip || (tag != 3 && tag != 4) || der[e->at + e->head + skip] != 0x30)) {
        return e->at + e->head + e->len;
    }
    return e->at + e->head + skip;
}

unsigned der_elements(struct element *all, unsigned max, const uint8_t *der, size_t len)
{
    unsigned count = 0;

    if (!head(&all[0], der, 0, len)) {
        return 0;
    }
    all[count++].parent = -1;
    for (unsigned i = 0; i < count; i++) {
        size_t at = inside(&all[i], der), end = all[i].at + all[i].head + all[i].len;

        while (count < max && at < end && head(&all[count], der, at, end)) {
            at = all[count].at + all[count].head + all[count].len;
            all[count++].parent = (int)i;
        }
    }
    return count;
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

struct der {
    uint8_t octets[DER_MAX + 16];
    size_t len;
    struct element all[ELEMENTS_MAX];
    unsigned count;
    unsigned seed;
};

static unsigned pick(struct der *d, unsigned below)
{
    d->seed = d->seed * 1664525 + 1013904223;
    return (d->seed >> 8) % below;
}

static bool replace(struct der *d, size_t at, size_t cut, const uint8_t *put, size_t n)
{
    if (d->len - cut + n > DER_MAX) {
        return false;
    }
    memmove(d->octets + at + n, d->octets + at + cut, d->len - at - cut);
    if (n != 0) {
        memcpy(d->octets + at, put, n);
    }
    d->len += n - cut;
    return true;
}

/* The same inside element i; its length and those around it are made right. */
static void splice(struct der *d, int i, size_t at, size_t cut, const uint8_t *put, size_t n)
{
    size_t grown = n - cut;

    if (!replace(d, at, cut, put, n)) {
        return;
    }
    for (; i >= 0; i = d->all[i].parent) {
        const struct element *e = &d->all[i];
        size_t len = e->len + grown, octets = 0;
        uint8_t field[3];

        if (len >= 0x80) {
            field[octets++] = len < 256 ? 0x81 : 0x82;
        }
        if (len >= 256) {
            field[octets++] = (uint8_t)(len >> 8);
        }
        field[octets++] = (uint8_t)len;
        if (replace(d, e->at + 1, e->head - 1, field, octets)) {
            grown += octets - (e->head - 1);
        }
    }
}

static void damage_length(struct der *d, const struct element *e)
{
    static const uint8_t lengths[][5] = {
        {1, 0},          {1, 0x7f},           {1, 0x80},          {2, 0x81, 0xff},    {3, 0x82, 1, 0},
        {3, 0x82, 2, 9}, {3, 0x82, 255, 255}, {4, 0x83, 0, 1, 0}, {4, 0x84, 1, 1, 1}, {1, 0xff}};
    const uint8_t *field = lengths[pick(d, 10)];

    if (pick(d, 2) == 0) {
        d->octets[e->at + e->head - 1] = (uint8_t)(d->octets[e->at + e->head - 1] + (pick(d, 2) != 0 ? 1 : -1));
    } else {
        replace(d, e->at + 1, e->head - 1, field + 1, field[0]);
    }
}

/* Contents of another size: shorter, a little longer, or about as long as a buffer might be. */
static void damage_size(struct der *d, int i)
{
    static const unsigned sizes[] = {0, 1, 33, 66, 255, 256, 257, 511, 512, 513, 520, 521, 600, 1024};
    static uint8_t fill[1100];
    const struct element *e = &d->all[i];
    size_t want = pick(d, 3) != 0 ? sizes[pick(d, 14)] : e->len + pick(d, 9), at = e->at + e->head;

    want = pick(d, 4) == 0 && e->len != 0 ? e->len - 1 : want;
    memset(fill, (int)pick(d, 256), sizeof fill);
    if (want < e->len) {
        splice(d, i, at + want, e->len - want, fill, 0);
    } else {
        want -= e->len;
        splice(d, i, at + (pick(d, 2) != 0 ? e->len : 0), 0, fill, want < sizeof fill ? want : sizeof fill);
    }
}

/* The element again, or one of another certificate, before it. */
static void damage_order(struct der *d, int i)
{
    static struct der other;
    const struct element *e = &d->all[i], *from = e;
    const struct trust_cert *made = certificate(pick(d, CERTIFICATES));

    memcpy(other.octets, d->octets, d->len);
    if (pick(d, 2) != 0) {
        memcpy(other.octets, made->der, made->len);
        from = &other.all[pick(d, der_elements(other.all, ELEMENTS_MAX, made->der, made->len))];
    }
    splice(d, e->parent, e->at, pick(d, 2) != 0 ? e->head + e->len : 0, other.octets + from->at,
           from->head + from->len);
}

static void damage(struct der *d)
{
    int i = (int)pick(d, d->count);
    const struct element *e = &d->all[i];

    switch (pick(d, 8)) {
    case 0: d->octets[e->at] = (uint8_t)(pick(d, 2) != 0 ? pick(d, 256) : d->octets[e->at] ^ 1u << pick(d, 8)); break;
    case 1: damage_length(d, e); break;
    case 2:
    case 3: damage_size(d, i); break;
    case 4: splice(d, e->parent, e->at, e->head + e->len, NULL, 0); break;
    case 5: damage_order(d, i); break;
    case 6:
        if (e->len != 0) {
            d->octets[e->at + e->head + pick(d, (unsigned)e->len)] ^= (uint8_t)(1u << pick(d, 8));
        }
        break;
    default: d->len = pick(d, 8) == 0 ? pick(d, (unsigned)d->len + 1) : d->len; break;
    }
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

/* Where the nth certificate begins, its two octets of length included. */
static size_t find(const uint8_t *data, size_t size, unsigned n, size_t *len)
{
    size_t at = 0;

    for (;; n--) {
        *len = size - at < 2 ? 0 : (size_t)data[at] << 8 | data[at + 1];
        *len = size - at < *len + 2 ? (size - at < 2 ? 0 : size - at - 2) : *len;
        if (n == 0 || size - at < 2) {
            return at;
        }
        at += *len + 2;
    }
}

size_t chain_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static struct der d;
    size_t len, at, rest;

    d.seed = seed;
    at = find(data, size, pick(&d, CHAIN_MAX), &len);
    rest = size - at < len + 2 ? 0 : size - at - len - 2;
    d.len = len < DER_MAX ? len : DER_MAX;
    memcpy(d.octets, data + at + (d.len != 0 ? 2 : 0), d.len);
    if (d.len == 0 || pick(&d, 16) == 0) {
        const struct trust_cert *made = certificate(pick(&d, CERTIFICATES));

        memcpy(d.octets, made->der, d.len = made->len);
    }
    for (unsigned times = 1 + pick(&d, 3); times != 0; times--) {
        d.count = der_elements(d.all, ELEMENTS_MAX, d.octets, d.len);
        if (d.count != 0) {
            damage(&d);
        } else if (d.len != 0) {
            d.octets[pick(&d, (unsigned)d.len)] ^= (uint8_t)(1u << pick(&d, 8));
        }
    }
    if (at + 2 + d.len + rest > max) {
        return size;
    }
    memmove(data + at + 2 + d.len, data + size - rest, rest);
    data[at] = (uint8_t)(d.len >> 8);
    data[at + 1] = (uint8_t)d.len;
    memcpy(data + at + 2, d.octets, d.len);
    return at + 2 + d.len + rest;
}

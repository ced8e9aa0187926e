/* SPDX-License-Identifier: MIT
 *
 * What is done to the relay's octets on the wire, in its records before they are encrypted, in handshake messages, in
 * its replies, and in its half of the key exchange.
 */
#include "relay.h"
#include "server.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One change to len octets somewhere about at; returns the new length, at most room. */
static size_t change(const struct tamper *t, uint8_t *data, size_t len, size_t room)
{
    size_t at = len == 0 ? 0 : ((size_t)t->at >> 6 | (size_t)(t->what & 0xf8) << 7) % len, n = 1 + t->arg % 64u;

    switch (t->what & 7) {
    case 0:
        if (len != 0) {
            data[at] ^= (uint8_t)(1u << (t->arg & 7));
        }
        return len;
    case 1:
        if (len != 0) {
            data[at] = t->arg;
        }
        return len;
    case 2: return least(len, t->arg);
    case 3: /* octets more */
        n = least(n, room - len);
        memmove(data + at + n, data + at, len - at);
        memset(data + at, t->arg, n);
        return len + n;
    case 4: /* octets less */
        n = least(n, len - at);
        memmove(data + at, data + at + n, len - at - n);
        return len - n;
    case 5: /* octets twice */
        n = least(least(n, room - len), len - at);
        memmove(data + at + n, data + at, len - at);
        return len + n;
    case 6: memset(data, t->arg, least(len, 1 + t->arg)); return len;
    default: return 0;
    }
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

/* Records and alerts nobody expects; type, length, octets. */
static const uint8_t foreign[][8] = {
    {22, 4, 0, 0, 0, 0},
    {21, 2, 1, 0},
    {21, 2, 2, 40},
    {21, 2, 1, 100},
    {20, 1, 1},
    {20, 1, 2},
    {22, 4, 20, 0, 0, 0},
    {24, 3, 1, 0, 9},
    {23, 0},
    {21, 1, 1},
    {22, 1, 11},
    {22, 5, 4, 0, 0, 1, 0},
    {21, 4, 1, 90, 1, 0},
    {22, 4, 1, 0, 0, 0},
    {22, 4, 11, 255, 255, 255},
    {0, 0},
};

static size_t change_record(const struct tamper *t, int *type, uint8_t *data, size_t len, size_t room)
{
    const uint8_t *other = foreign[t->arg % 16];

    if ((t->what & 0xc0) == 0x40) {
        *type = other[0];
        return len;
    }
    if ((t->what & 0xc0) == 0x80 && other[1] <= room) {
        *type = other[0];
        memcpy(data, other + 2, other[1]);
        return other[1];
    }
    return change(t, data, len, room);
}

/* A handshake message; its length is made right, unless that is what is wrong. */
static size_t change_message(const struct tamper *t, uint8_t *data, size_t len, size_t room)
{
    size_t at = 0, n, was;

    for (unsigned skip = t->at & 3; at + 4 <= len; skip--) {
        was = (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | data[at + 3];
        if (was > len - at - 4) {
            return len;
        }
        if (skip == 0) {
            struct tamper inner = *t;
            static uint8_t rest[1 << 15];
            size_t rest_len = len - at - 4 - was;

            inner.at = (uint16_t)((t->at >> 2) << 6);
            memcpy(rest, data + at + 4 + was, rest_len);
            n = change(&inner, data + at + 4, was, room - len + was);
            memcpy(data + at + 4 + n, rest, rest_len);
            data[at + 1] = (uint8_t)(n >> 16);
            data[at + 2] = (uint8_t)(n >> 8);
            data[at + 3] = (uint8_t)n;
            return len + n - was;
        }
        at += 4 + was;
    }
    return len;
}

size_t tamper_record(struct relay *r, int *type, uint8_t *data, size_t len, size_t room)
{
    for (unsigned i = 0; i < TAMPERS; i++) {
        const struct tamper *t = &r->tampers[i];

        if (t->where == RECORD && (t->at & 63) == r->records) {
            len = change_record(t, type, data, len, room);
        } else if (t->where == HANDSHAKE && *type == 22 && (t->arg >> 6) == r->records) {
            len = change_message(t, data, len, room);
        }
    }
    r->records++;
    return len;
}

/* ---- The wire ---------------------------------------------------------------------------------------------------- */

static void put_wire(struct relay *r, const uint8_t *octets, size_t len)
{
    len = least(len, sizeof r->wire - r->wire_len);
    memcpy(r->wire + r->wire_len, octets, len);
    r->wire_len += len;
}

static void change_wire(struct relay *r, const struct tamper *t, uint8_t c)
{
    static uint8_t again[4096];
    size_t n = least(r->wire_len, 16u * t->arg);

    switch (t->what % 6) {
    case 0: c ^= (uint8_t)(1u << (t->arg & 7)); break;
    case 1: put_wire(r, &t->arg, 1); break;
    case 2: return; /* the octet is lost */
    case 3:         /* what came before comes again */
        memcpy(again, r->wire + r->wire_len - n, n);
        put_wire(r, again, n);
        break;
    case 4: r->closed = true; return;
    default: c = t->arg; break;
    }
    put_wire(r, &c, 1);
}

void tamper_wire(struct relay *r, const uint8_t *octets, size_t len)
{
    for (; len != 0 && !r->closed; len--, octets++, r->wire_count++) {
        const struct tamper *found = NULL;

        for (unsigned i = 0; i < TAMPERS; i++) {
            if (r->tampers[i].where == WIRE && r->tampers[i].at % 8192u == r->wire_count) {
                found = &r->tampers[i];
            }
        }
        if (found != NULL) {
            change_wire(r, found, *octets);
        } else {
            put_wire(r, octets, 1);
        }
    }
}

/* ---- Replies ----------------------------------------------------------------------------------------------------- */

size_t tamper_reply(struct relay *r, uint8_t *reply, size_t len, size_t room)
{
    static struct speech speech;

    for (unsigned i = 0; i < TAMPERS; i++) {
        const struct tamper *t = &r->tampers[i];

        if (t->where != REPLY || (t->at & 31) != r->replies) {
            continue;
        }
        speech.len = 0;
        if ((t->what & 0xc0) == 0x40) {
            say_canned(&speech, t->arg);
        } else if ((t->what & 0xc0) == 0x80) {
            say_code(&speech, t->arg, t->what & 15);
        } else if (t->what == 0xc0) {
            say_long(&speech, 250, t->arg);
        } else {
            len = change(t, reply, len, room);
            continue;
        }
        len = least(speech.len, room);
        memcpy(reply, speech.octets, len);
    }
    r->replies++;
    return len;
}

/* ---- The key exchange -------------------------------------------------------------------------------------------- */

void tamper_point(struct relay *r, uint8_t *point, size_t *len, int curve)
{
    /* Points of X25519 of small order (RFC 7748 6.1, 7) */
    static const uint8_t small[][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
         0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
         0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };

    for (unsigned i = 0; i < TAMPERS; i++) {
        const struct tamper *t = &r->tampers[i];

        if (t->where == SECRET && curve == BR_EC_curve25519) {
            memcpy(point, small[t->arg % 5], *len);
            r->zeros = true;
        } else if (t->where == POINT) {
            *len = change(t, point, *len, *len);
        }
    }
}

void tamper_secret(struct relay *r, uint8_t *secret, size_t len, int curve)
{
    if (r->zeros && curve == BR_EC_curve25519) {
        memset(secret, 0, len);
    }
}

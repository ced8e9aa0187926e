/* SPDX-License-Identifier: MIT
 *
 * The CA certificates of a PEM file (trust=FILE) as BearSSL trust anchors in static memory. One that is damaged or does
 * not fit ends it all: a firmware that starts with fewer CAs than it was given would surprise later.
 */
#include "chip.h"
#include "semihosting.h"

#include <string.h>

#ifndef BOARD_ANCHORS
#define BOARD_ANCHORS 2
#endif
#ifndef BOARD_ANCHOR_OCTETS
#define BOARD_ANCHOR_OCTETS 1024
#endif

static br_x509_trust_anchor anchors[BOARD_ANCHORS];
static uint8_t octets[BOARD_ANCHOR_OCTETS]; /* their names and keys */

enum { BANNER_DASHES = 5 };

struct reader {
    br_x509_decoder_context x509;
    size_t count, used, name;
    char line[32]; /* the beginning of the line */
    size_t line_len;
    uint32_t bits; /* of base64; the last bit_count of them are not an octet yet */
    unsigned bit_count, dashes;
    bool inside, good;
};

/* Keeps octets; NULL when there is no room. */
static uint8_t *keep(struct reader *reader, const void *from, size_t len)
{
    uint8_t *to = octets + reader->used;

    if (len > sizeof octets - reader->used) {
        reader->good = false;
        return NULL;
    }
    reader->used += len;
    return memcpy(to, from, len);
}

static void take_name(void *ctx, const void *from, size_t len)
{
    keep(ctx, from, len);
}

static void begin(struct reader *reader)
{
    reader->name = reader->used;
    reader->bit_count = 0;
    reader->good &= !reader->inside; /* the last one had no end */
    reader->inside = true;
    br_x509_decoder_init(&reader->x509, take_name, reader);
}

static void end(struct reader *reader)
{
    const br_x509_pkey *key = br_x509_decoder_get_pkey(&reader->x509);
    br_x509_trust_anchor *anchor = anchors + reader->count;

    if (key == NULL || reader->count == BOARD_ANCHORS) {
        reader->good = false;
        return;
    }
    anchor->dn.data = octets + reader->name;
    anchor->dn.len = reader->used - reader->name;
    anchor->flags = br_x509_decoder_isCA(&reader->x509) ? BR_X509_TA_CA : 0;
    anchor->pkey = *key;
    if (key->key_type == BR_KEYTYPE_RSA) {
        anchor->pkey.key.rsa.n = keep(reader, key->key.rsa.n, key->key.rsa.nlen);
        anchor->pkey.key.rsa.e = keep(reader, key->key.rsa.e, key->key.rsa.elen);
    } else {
        anchor->pkey.key.ec.q = keep(reader, key->key.ec.q, key->key.ec.qlen);
    }
    reader->count++;
}

/* ---- PEM (RFC 7468): base64 between two lines ----------------------------------------------------------------------
 */

/* The six bits of a base64 digit; 64 for what is none. */
static uint32_t digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

static void take_digit(struct reader *reader, char c)
{
    uint32_t value = digit(c);
    uint8_t octet;

    if (value == 64) {
        reader->good &= c == '=' || c == '\r'; /* the last bits are padding then */
        return;
    }
    reader->bits = reader->bits << 6 | value;
    reader->bit_count += 6;
    if (reader->bit_count >= 8) {
        reader->bit_count -= 8;
        octet = (uint8_t)(reader->bits >> reader->bit_count);
        mote_certificate_push(&reader->x509, &octet, 1);
    }
}

static void end_line(struct reader *reader)
{
    static const char first[] = "-----BEGIN CERTIFICATE-----", last[] = "-----END CERTIFICATE-----";

    if (memcmp(reader->line, first, sizeof first - 1) == 0) {
        begin(reader);
    } else if (reader->inside && memcmp(reader->line, last, sizeof last - 1) == 0) {
        reader->inside = false;
        end(reader);
    }
    memset(reader->line, 0, sizeof reader->line);
    reader->line_len = 0;
}

/* Ten dashes in a row end a certificate and begin the next: the end of line between them is missing. */
static void take(struct reader *reader, char c)
{
    if (c == '\n' || (c == '-' && reader->dashes == BANNER_DASHES)) {
        end_line(reader);
        reader->dashes = 0;
    }
    if (c == '\n') {
        return;
    }
    reader->dashes = c == '-' ? reader->dashes + 1 : 0;
    if (reader->line_len < sizeof reader->line) {
        reader->line[reader->line_len++] = c;
    }
    if (reader->inside && reader->line[0] != '-') {
        take_digit(reader, c);
    }
}

size_t board_anchors(const br_x509_trust_anchor **found)
{
    struct reader reader = {.good = true};
    int file = semi_open(board_setting("trust"), SEMI_READ);
    char text[64];
    size_t len;

    if (file < 0) {
        return 0;
    }
    while ((len = semi_read(file, -1, text, sizeof text)) != 0) {
        for (size_t i = 0; i < len; i++) {
            take(&reader, text[i]);
        }
    }
    take(&reader, '\n'); /* the last line may lack it */
    semi_close(file);
    *found = anchors;
    return reader.good && !reader.inside ? reader.count : 0;
}

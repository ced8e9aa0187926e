/* SPDX-License-Identifier: MIT
 *
 * PEM, character by character. It is strict with a certificate's base64, and takes files as people put them together: CR before
 * LF, lines of any length, blanks, and one file right behind another that ends in no line.
 */
#include "pem.h"

#include <string.h>

enum { BANNER_DASHES = 5, NO_DIGIT = 64 };

void mote_pem_init(struct mote_pem *pem)
{
    memset(pem, 0, sizeof *pem);
    pem->line = 1;
    pem->line_begins = true;
}

/* ---- base64 ------------------------------------------------------------------------------------------------------ */

static uint32_t digit(uint32_t c)
{
    if (c - 'A' < 26) {
        return c - 'A';
    }
    if (c - 'a' < 26) {
        return c - 'a' + 26;
    }
    if (c - '0' < 10) {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

/* Padding stands for the bits that a last octet lacks: two at a time, and none that is set is left over. */
static bool padding(const struct mote_pem *pem, char c)
{
    return c == '=' && (pem->bit_count == 2 || pem->bit_count == 4) &&
           (pem->bits & (((uint32_t)1 << pem->bit_count) - 1)) == 0;
}

static enum mote_pem_event take_digit(struct mote_pem *pem, char c)
{
    uint32_t value = digit((unsigned char)c);

    if (value != NO_DIGIT && !pem->padded) {
        pem->bits = pem->bits << 6 | value;
        pem->bit_count += 6;
        if (pem->bit_count < 8) {
            return MOTE_PEM_MORE;
        }
        pem->bit_count -= 8;
        if (pem->der_len == pem->der_cap) {
            return MOTE_PEM_FULL;
        }
        pem->der[pem->der_len++] = (unsigned char)(pem->bits >> pem->bit_count);
    } else if (padding(pem, c)) {
        pem->bit_count -= 2;
        pem->padded = true;
    } else if ((unsigned char)c > ' ') {
        return MOTE_PEM_WRONG;
    }
    return MOTE_PEM_MORE;
}

/* ---- Banners ----------------------------------------------------------------------------------------------------- */

/* What a longer one has left behind it is not looked at: the text holds no end of a banner. */
static bool banner_is(const struct mote_pem *pem, const char *text)
{
    return memcmp(pem->banner, text, strlen(text)) == 0;
}

static enum mote_pem_event end_banner(struct mote_pem *pem)
{
    pem->banner_len = 0;
    if (pem->begun != 0) {
        bool whole = banner_is(pem, "-----END ") && pem->bit_count == 0;

        pem->begun = 0;
        return whole ? MOTE_PEM_CERTIFICATE : MOTE_PEM_WRONG;
    }
    if (banner_is(pem, "-----BEGIN CERTIFICATE-") || banner_is(pem, "-----BEGIN X509 CERTIFICATE-")) {
        pem->begun = pem->line;
        pem->der_len = 0;
        pem->padded = false;
    }
    return MOTE_PEM_MORE;
}

/* A banner ends with its last dashes: where the next one follows without an end of line, a file was put behind one that does
 * not end in any. */
static enum mote_pem_event take_banner(struct mote_pem *pem, char c)
{
    if (pem->banner_len < sizeof pem->banner) {
        pem->banner[pem->banner_len] = c;
    }
    pem->banner_len++;
    pem->dashes = c == '-' ? pem->dashes + 1 : 0;
    if (c == '\n' || (pem->banner_len >= 2 * BANNER_DASHES && pem->dashes >= BANNER_DASHES)) {
        pem->line_begins = true;
        return end_banner(pem);
    }
    return MOTE_PEM_MORE;
}

enum mote_pem_event mote_pem_push(struct mote_pem *pem, char c)
{
    enum mote_pem_event event = MOTE_PEM_MORE;

    if (pem->banner_len != 0 || (c == '-' && pem->line_begins)) {
        event = take_banner(pem, c);
    } else {
        pem->line_begins = c == '\n';
        if (pem->begun != 0) {
            event = take_digit(pem, c);
        }
    }
    pem->line += c == '\n';
    return event;
}

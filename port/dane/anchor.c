/* SPDX-License-Identifier: MIT
 *
 * The keys that DNSSEC is validated from: those of the root, or a file's. libunbound passes over a key it cannot use without a word, and
 * what is below none that is left counts as not signed: so each is looked at here, none is taken that not every libunbound can use,
 * and one is the root's.
 */
#define _POSIX_C_SOURCE 200809L

#include "anchor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 40, FILE_MAX = 65536 };
enum { ZONE_KEY = 0x100, REVOKED = 0x80, DNSSEC = 3, SHA256 = 2, SHA384 = 4, KEY_OCTETS = 64 };

/* KSK-2017 and KSK-2024 (https://data.iana.org/root-anchors/root-anchors.xml). */
static const char *const root[] = {
    ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

/* ---- A record ---------------------------------------------------------------------------------------------------- */

enum kind { USABLE, UNUSABLE, DAMAGED };

struct words {
    char *list[WORDS];
    unsigned count;
};

static struct words split(char *line)
{
    struct words words = {.count = 0};
    char *at, *word = strtok_r(line, " \t\r", &at);

    for (; word != NULL && words.count < WORDS; word = strtok_r(NULL, " \t\r", &at)) {
        words.list[words.count++] = word;
    }
    if (word != NULL) {
        words.count = 0;
    }
    return words;
}

/* A number of decimal digits up to max, or -1. */
static long number(const char *word, long max)
{
    char *end;
    long is = strtol(word, &end, 10);

    return word[0] >= '0' && word[0] <= '9' && *end == 0 && is <= max ? is : -1;
}

/* The octets of these letters that the words from one on hold; or none, where they hold another. */
static size_t count_letters(const struct words *words, unsigned from, const char *letters)
{
    size_t count = 0;

    for (; from < words->count; from++) {
        size_t len = strlen(words->list[from]);

        if (strspn(words->list[from], letters) != len) {
            return 0;
        }
        count += len;
    }
    return count;
}

/* RSA or ECDSA, with SHA-256 or better. */
static bool is_known(long algorithm)
{
    return algorithm == 8 || algorithm == 10 || algorithm == 13 || algorithm == 14;
}

/* tag, algorithm, digest type, digest */
static enum kind judge_ds(const struct words *words, unsigned at)
{
    long algorithm, type;
    size_t digits;

    if (words->count < at + 4 || number(words->list[at], 0xffff) < 0) {
        return DAMAGED;
    }
    algorithm = number(words->list[at + 1], 0xff);
    type = number(words->list[at + 2], 0xff);
    digits = count_letters(words, at + 3, "0123456789abcdefABCDEF");
    if (algorithm < 0 || type < 0 || digits == 0 || (type == SHA256 && digits != 64) ||
        (type == SHA384 && digits != 96)) {
        return DAMAGED;
    }
    return is_known(algorithm) && (type == SHA256 || type == SHA384) ? USABLE : UNUSABLE;
}

/* flags, protocol, algorithm, key */
static enum kind judge_key(const struct words *words, unsigned at)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    long flags, algorithm;
    size_t letters;

    if (words->count < at + 4 || number(words->list[at + 1], 0xff) != DNSSEC) {
        return DAMAGED;
    }
    flags = number(words->list[at], 0xffff);
    algorithm = number(words->list[at + 2], 0xff);
    letters = count_letters(words, at + 3, base64);
    if (flags < 0 || algorithm < 0 || letters % 4 != 0 || letters < KEY_OCTETS / 3 * 4) {
        return DAMAGED;
    }
    return is_known(algorithm) && (flags & (ZONE_KEY | REVOKED)) == ZONE_KEY ? USABLE : UNUSABLE;
}

/* NAME [TTL] [IN] DS|DNSKEY ... */
static enum kind judge(const struct words *words)
{
    unsigned at = 1;

    if (at < words->count && number(words->list[at], INT32_MAX) >= 0) {
        at++;
    }
    if (at < words->count && (strcmp(words->list[at], "IN") == 0 || strcmp(words->list[at], "in") == 0)) {
        at++;
    }
    if (at >= words->count) {
        return DAMAGED;
    }
    return strcmp(words->list[at], "DS") == 0       ? judge_ds(words, at + 1)
           : strcmp(words->list[at], "DNSKEY") == 0 ? judge_key(words, at + 1)
                                                    : DAMAGED;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

struct reading {
    const char *file;
    char *why;
    unsigned line;
    unsigned unusable; /* the last line with such a key */
    bool any;          /* of the root's that can be used */
};

/* What keeps an anchor up to date (RFC 5011) says in a remark which keys are not valid yet, or any more: 2 and 3 are. */
static bool is_valid_yet(const char *remark)
{
    const char *state = remark != NULL ? strstr(remark, ";;state=") : NULL;

    return state == NULL || state[8] == '2' || state[8] == '3';
}

/* False after a sentence. */
static bool take_line(struct reading *reading, struct ub_ctx *ctx, char *line)
{
    char copy[2048], *remark = strchr(line, ';');
    bool valid = is_valid_yet(remark);
    struct words words;
    enum kind kind;

    if (remark != NULL) {
        *remark = 0;
    }
    if (line[strspn(line, " \t\r")] == 0) {
        return true;
    }
    snprintf(copy, sizeof copy, "%s", line);
    words = split(line);
    kind = strlen(copy) + 1 == sizeof copy ? DAMAGED : judge(&words);
    if (kind == DAMAGED || (kind == USABLE && valid && ub_ctx_add_ta(ctx, copy) != 0)) {
        snprintf(reading->why, MOTE_DANE_WHY,
                 "line %u of dnssec-anchor %.255s is no DS or DNSKEY record: NAME DS TAG ALGORITHM DIGEST-TYPE DIGEST",
                 reading->line, reading->file);
        return false;
    }
    if (kind == USABLE && valid) {
        reading->any |= strcmp(words.list[0], ".") == 0;
    } else {
        reading->unusable = reading->line;
    }
    return true;
}

static bool take_file(struct reading *reading, struct ub_ctx *ctx, char *text)
{
    char *next = text;

    while (next != NULL) {
        char *line = next;

        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = 0;
        }
        reading->line++;
        if (!take_line(reading, ctx, line)) {
            return false;
        }
    }
    if (reading->any) {
        return true;
    }
    if (reading->unusable == 0) {
        snprintf(reading->why, MOTE_DANE_WHY, "dnssec-anchor %.255s has no DS or DNSKEY record of the root (.)",
                 reading->file);
    } else {
        snprintf(
            reading->why, MOTE_DANE_WHY,
            "line %u of dnssec-anchor %.200s cannot be used, nor any other, for the root (.): a key that is valid, "
            "with algorithm 8, 10, 13 or 14, as a digest of type 2 or 4",
            reading->unusable, reading->file);
    }
    return false;
}

static bool read_text(const char *file, char *text, char *why)
{
    FILE *from = fopen(file, "rb");
    size_t len = from != NULL ? fread(text, 1, FILE_MAX, from) : 0;
    int error = from == NULL || ferror(from)   ? errno
                : len == FILE_MAX              ? EFBIG
                : memchr(text, 0, len) != NULL ? EINVAL
                                               : 0;

    if (from != NULL) {
        fclose(from);
    }
    text[len < FILE_MAX ? len : 0] = 0;
    if (error != 0) {
        snprintf(why, MOTE_DANE_WHY, "dnssec-anchor %.255s cannot be read: %s", file, strerror(error));
    }
    return error == 0;
}

bool mote_dane_add_anchor(struct ub_ctx *ctx, const char *file, char why[MOTE_DANE_WHY])
{
    struct reading reading = {.file = file, .why = why};
    char *text;
    bool good = true;

    for (size_t i = 0; file == NULL && i < sizeof root / sizeof root[0]; i++) {
        good = ub_ctx_add_ta(ctx, root[i]) == 0 && good;
    }
    if (file == NULL) {
        return good;
    }
    text = malloc(FILE_MAX);
    good = text != NULL && read_text(file, text, why) && take_file(&reading, ctx, text);
    free(text);
    return good;
}

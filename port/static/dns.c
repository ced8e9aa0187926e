/* SPDX-License-Identifier: MIT
 *
 * Questions of DNS, and what its answers say. Every octet of an answer may come from a stranger.
 */
#define _GNU_SOURCE

#include "dns.h"

#include <resolv.h>
#include <string.h>

enum { LABEL_MAX = 63, TYPE_LEN = 4 /* with the class, IN */, RECORD_HEAD = 10, NO_SUCH_NAME = 3 };

/* ---- Questions --------------------------------------------------------------------------------------------------- */

/* Behind it; NULL: a label is too long or there is none, or they are too many. A last dot says that the name is whole. */
static uint8_t *put_name(uint8_t *to, const uint8_t *end, const char *name)
{
    do {
        size_t len = strcspn(name, ".");

        if (len == 0 || len > LABEL_MAX || len + 2 > (size_t)(end - to)) {
            return NULL;
        }
        *to++ = (uint8_t)len;
        memcpy(to, name, len);
        to += len;
        name += len + (name[len] != 0);
    } while (*name != 0);
    *to = 0;
    return to + 1;
}

size_t dns_ask(uint8_t question[DNS_QUESTION_MAX], const uint8_t id[2], const char *name, uint8_t type)
{
    const uint8_t header[DNS_HEADER] = {id[0], id[1], 1 /* recursion desired */, 0, 0, 1 /* question */};
    const uint8_t types[TYPE_LEN] = {0, type, 0, 1};
    uint8_t *end = put_name(question + DNS_HEADER, question + DNS_QUESTION_MAX - TYPE_LEN, name);

    if (end == NULL) {
        return 0;
    }
    memcpy(question, header, sizeof header);
    memcpy(end, types, sizeof types);
    return (size_t)(end + TYPE_LEN - question);
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

/* A server may write a name's letters in another case. */
static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned letter = a[i] | 0x20u;

        if (a[i] != b[i] && ((a[i] ^ b[i]) != 0x20 || letter < 'a' || letter > 'z')) {
            return false;
        }
    }
    return true;
}

enum dns_answer dns_judge(const uint8_t *question, size_t question_len, const uint8_t *answer, size_t len)
{
    if (len < question_len || memcmp(answer, question, 2) != 0 || (answer[2] & 0xf8) != 0x80 ||
        memcmp(answer + 4, question + 4, 2) != 0 ||
        !same(answer + DNS_HEADER, question + DNS_HEADER, question_len - DNS_HEADER)) {
        return DNS_NO_ANSWER;
    }
    if ((answer[3] & 15) != 0) {
        return (answer[3] & 15) == NO_SUCH_NAME ? DNS_TOLD : DNS_REFUSED;
    }
    return (answer[2] & 2) != 0 ? DNS_TRUNCATED : DNS_TOLD;
}

/* Behind the name: its end, or the two octets that point to the rest of it. At most end. */
static const uint8_t *skip_name(const uint8_t *at, const uint8_t *end)
{
    size_t last;

    while (at < end && *at != 0 && *at <= LABEL_MAX) {
        at = *at < (size_t)(end - at) ? at + *at + 1 : end;
    }
    last = at < end && *at != 0 ? 2 : 1;
    return last < (size_t)(end - at) ? at + last : end;
}

static void read_name(struct found *found, const uint8_t *answer, const uint8_t *end, const uint8_t *at)
{
    char name[FOUND_NAME];

    if (dn_expand(answer, end, at, name, sizeof name) > 0) {
        strcpy(found->canonical, name);
    }
}

/* One whose class is IN; at is behind its name. */
static void read_record(struct found *found, const uint8_t *answer, const uint8_t *end, const uint8_t *at, size_t len)
{
    const uint8_t *octets = at + RECORD_HEAD;

    switch (at[1]) {
    case DNS_A:
        if (len == 4) {
            found_add(found, AF_INET, octets);
        }
        break;
    case DNS_AAAA:
        if (len == 16) {
            found_add(found, AF_INET6, octets);
        }
        break;
    case DNS_CNAME: read_name(found, answer, end, octets); break;
    default: break;
    }
}

void dns_read(struct found *found, unsigned most, size_t question_len, const uint8_t *answer, size_t len)
{
    const uint8_t *at = answer + question_len, *end = answer + len;
    unsigned records = (unsigned)answer[6] << 8 | answer[7];

    for (; records > 0 && found->count < most; records--) {
        size_t octets;

        at = skip_name(at, end);
        if (end - at < RECORD_HEAD) {
            return;
        }
        octets = (size_t)at[8] << 8 | at[9];
        if (octets > (size_t)(end - at) - RECORD_HEAD) {
            return;
        }
        if (at[0] == 0 && at[2] == 0 && at[3] == 1) {
            read_record(found, answer, end, at, octets);
        }
        at += RECORD_HEAD + octets;
    }
}

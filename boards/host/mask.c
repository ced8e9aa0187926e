/* SPDX-License-Identifier: MIT
 *
 * A relay's refusal may hold the line that it refuses, in capitals, cut, folded or decoded: and replies are printed, logged, stored
 * and mailed.
 */
#define _GNU_SOURCE

#include "base64.h"
#include "field.h"
#include "mask.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MASK     "***"
#define MASK_LEN (sizeof MASK - 1)

/* Octets that two texts must have in common. Of a password parts that are shorter may be words that any relay says; one that is
 * shorter as a whole is no secret. */
enum { LEAST_ENCODED = 6, LEAST_PLAIN = 8, LEAST_SECRET = 4 };

/* A reply is in ASCII, with "?" for what is not. */
static bool same(char said, char secret)
{
    return (said == '?' && (unsigned char)secret > '~') || strncasecmp(&said, &secret, 1) == 0;
}

/* Octets of the text that begin a part of the secret, blanks where it was folded included; 0 when it is too short. */
static size_t common_len(struct span text, struct span secret, size_t least)
{
    size_t at = 0, found = 0, end = 0;

    while (at < text.len && found < secret.len) {
        if (same(text.at[at], secret.at[found])) {
            found++;
            end = ++at;
        } else if (text.at[at] == ' ' && found > 0) {
            at++;
        } else {
            break;
        }
    }
    return found < least ? 0 : end;
}

static size_t longest_len(struct span text, struct span secret, size_t least)
{
    size_t longest = 0;

    for (; secret.len >= least; secret.at++, secret.len--) {
        size_t len = common_len(text, secret, least);

        longest = len > longest ? len : longest;
    }
    return longest;
}

/* Returns the octets that are left. */
static size_t mask(char *text, size_t len, struct span secret, size_t least)
{
    if (secret.len < least) {
        least = secret.len;
    }
    for (size_t at = 0; at < len; at++) {
        size_t found = longest_len((struct span){text + at, len - at}, secret, least);

        if (found != 0) { /* and it is longer than the mask */
            memcpy(text + at, MASK, MASK_LEN);
            memmove(text + at + MASK_LEN, text + at + found, len - at - found + 1);
            len -= found - MASK_LEN;
            at += MASK_LEN - 1;
        }
    }
    return len;
}

/* ---- As it was sent ---------------------------------------------------------------------------------------------- */

#define SPAN(text)                                                                                                     \
    {                                                                                                                  \
        (text), sizeof(text) - 1                                                                                       \
    }

/* AUTH PLAIN, LOGIN, OAUTHBEARER, XOAUTH2: the user between the first two, the secret between the last two. */
static const struct form {
    struct span before, between, behind;
    bool named;
} forms[] = {{SPAN("\0"), SPAN("\0"), SPAN(""), true},
             {SPAN(""), SPAN(""), SPAN(""), false},
             {SPAN("n,a="), SPAN(",\1auth=Bearer "), SPAN("\1\1"), true},
             {SPAN("user="), SPAN("\1auth=Bearer "), SPAN("\1\1"), true}};

static void append(struct buffer *to, struct span text)
{
    memcpy(to->data + to->len, text.at, text.len);
    to->len += text.len;
}

static struct buffer compose(const struct form *form, struct span user, struct span secret)
{
    struct buffer octets = {malloc(form->before.len + user.len + form->between.len + secret.len + form->behind.len + 1),
                            0};

    if (octets.data != NULL) {
        append(&octets, form->before);
        append(&octets, form->named ? user : (struct span)SPAN(""));
        append(&octets, form->between);
        append(&octets, secret);
        append(&octets, form->behind);
    }
    return octets;
}

/* What cannot be looked for is not shown at all. */
static size_t mask_form(char *text, size_t len, const struct form *form, struct span user, struct span secret)
{
    struct buffer octets = compose(form, user, secret), sent = {NULL, 0};

    if (octets.data != NULL) {
        sent.data = malloc((octets.len + 2) / 3 * 4);
    }
    if (sent.data != NULL) {
        sent.len = base64_write(sent.data, octets.data, octets.len);
    }
    len = sent.data == NULL ? 0 : mask(text, len, (struct span){sent.data, sent.len}, LEAST_ENCODED);
    text[len] = sent.data == NULL ? 0 : text[len];
    buffer_wipe(&octets);
    buffer_wipe(&sent);
    return len;
}

size_t mask_secrets(const struct relays *relays, char *text, size_t len)
{
    for (unsigned i = 0; i < relays->count && len > 0; i++) {
        const struct mote_login *login = &relays->list[i].login;
        const char *user = login->user, *secret = login->token != NULL ? login->token : login->password;

        if (user == NULL || secret == NULL || strlen(secret) < LEAST_SECRET) {
            continue;
        }
        for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
            len = mask_form(text, len, &forms[k], (struct span){user, strlen(user)},
                            (struct span){secret, strlen(secret)});
        }
        len = mask(text, len, (struct span){secret, strlen(secret)}, LEAST_PLAIN);
    }
    return len;
}

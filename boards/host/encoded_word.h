/* SPDX-License-Identifier: MIT
 *
 * Text in a header that is not ASCII (RFC 2047).
 */
#ifndef MAILMOTE_HOST_ENCODED_WORD_H
#define MAILMOTE_HOST_ENCODED_WORD_H

#include "header_line.h"

struct word_writer {
    struct header_line line;
    const char *charset; /* of octets that are no UTF-8 */
    bool phrase;         /* as in front of an address: a word that would have to be quoted is encoded too */
};

/* Writes a text, folded anew: words that cannot stand as they are as encoded-words, all others as they are. */
void encoded_words_write(struct word_writer *words, const char *text, size_t len);

#endif

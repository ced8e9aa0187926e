/* SPDX-License-Identifier: MIT
 *
 * Text as it comes.
 */
#ifndef MAILMOTE_HOST_UTF8_H
#define MAILMOTE_HOST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a word is made of: of a setting's name, of a charset's, of a host's between two dots. */
#define WORD_OCTETS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* The character there, in its shortest form, and its octets; 0 octets when there is none. left is 1 or more. */
size_t utf8_read(const char *text, size_t left, uint32_t *character);

/* A text that is read an octet at a time; zeros at first. */
struct utf8 {
    char open[4]; /* of a character that has not ended */
    uint8_t len;
    bool bad;
};
void utf8_take(struct utf8 *text, char octet);

/* All of it is such characters. */
bool utf8_whole(const struct utf8 *text);
bool utf8_valid(const char *text, size_t len);

/* An octet of it is beyond ASCII. */
bool has_8bit(const char *text, size_t len);

/* An octet of it is a control character of ASCII. */
bool has_control(const char *text);

#endif

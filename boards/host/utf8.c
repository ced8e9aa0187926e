/* SPDX-License-Identifier: MIT
 *
 * Reads UTF-8 (RFC 3629) and believes nothing else.
 */
#include "utf8.h"

size_t utf8_read(const char *text, size_t left, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    size_t len = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;

    if (len == 0 || len > left) {
        return 0;
    }
    *character = len == 1 ? *at : *at & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        *character = *character << 6 | (at[i] & 0x3fU);
    }
    if (*character < least[len] || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff)) {
        return 0;
    }
    return len;
}

void utf8_take(struct utf8 *text, char octet)
{
    uint32_t character;

    text->open[text->len++] = octet;
    if (utf8_read(text->open, text->len, &character) != 0) {
        text->len = 0;
    } else if (text->len == sizeof text->open || (unsigned char)text->open[0] < 0xc2) {
        text->bad = true;
        text->len = 0;
    }
}

bool utf8_whole(const struct utf8 *text)
{
    return !text->bad && text->len == 0;
}

bool utf8_valid(const char *text, size_t len)
{
    struct utf8 all = {{0}, 0, false};

    for (; len > 0; len--) {
        utf8_take(&all, *text++);
    }
    return utf8_whole(&all);
}

bool has_8bit(const char *text, size_t len)
{
    for (; len > 0; len--, text++) {
        if ((unsigned char)*text > 127) {
            return true;
        }
    }
    return false;
}

bool has_control(const char *text)
{
    while ((unsigned char)*text >= ' ' && *text != 127) {
        text++;
    }
    return *text != 0;
}

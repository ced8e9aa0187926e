/* SPDX-License-Identifier: MIT
 *
 * Numbers, checksums, and reads and writes that go on until they are done.
 */
#define _GNU_SOURCE

#include "octets.h"

#include <errno.h>
#include <unistd.h>

void put_number(uint8_t *at, uint64_t value, int len)
{
    for (; len > 0; len--, value >>= 8) {
        *at++ = (uint8_t)value;
    }
}

uint64_t get_number(const uint8_t *at, int len)
{
    uint64_t value = 0;

    while (len-- > 0) {
        value = value << 8 | at[len];
    }
    return value;
}

/* That of IEEE 802.3, four bits at a time. */
uint32_t crc32(uint32_t crc, const void *octets, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *at = octets;

    for (crc = ~crc; len > 0; len--) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

bool write_at(int fd, const void *octets, size_t len, uint64_t at)
{
    const char *from = octets;

    while (len > 0) {
        ssize_t put_len = pwrite(fd, from, len, (off_t)at);

        if (put_len < 0 && errno == EINTR) {
            continue;
        }
        if (put_len <= 0) {
            return false;
        }
        from += put_len;
        at += (uint64_t)put_len;
        len -= (size_t)put_len;
    }
    return true;
}

int read_at(int fd, void *octets, size_t len, uint64_t at)
{
    char *to = octets;

    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)at);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? EBADMSG : errno;
        }
        to += got;
        at += (uint64_t)got;
        len -= (size_t)got;
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Frames through a controller's FIFO, a word at a time, straight from and into lwIP's pbufs.
 */
#include "ethernet.h"

#include <string.h>

/* first is the word that was read to learn the length. */
struct pbuf *ethernet_read_fifo(volatile const uint32_t *fifo, uint32_t first, size_t len, size_t words)
{
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL), *p = frame;
    size_t at = 0;

    for (uint32_t word = first; words != 0; word = --words != 0 ? *fifo : 0) {
        while (p != NULL && at == p->len) {
            p = p->next;
            at = 0;
        }
        if (p != NULL) {
            size_t n = p->len - at < sizeof word ? p->len - at : sizeof word;

            memcpy((uint8_t *)p->payload + at, &word, n);
            at += n;
        }
    }
    return frame;
}

/* first takes the place of the padding. */
void ethernet_write_fifo(volatile uint32_t *fifo, uint32_t first, const struct pbuf *frame)
{
    uint32_t word = first & 0xffff;
    unsigned filled = 2;

    for (const struct pbuf *p = frame; p != NULL; p = p->next) {
        const uint8_t *octets = p->payload;

        for (size_t i = p == frame ? ETH_PAD_SIZE : 0; i < p->len; i++) {
            word |= (uint32_t)octets[i] << 8 * filled;
            if (++filled == sizeof word) {
                *fifo = word;
                word = 0;
                filled = 0;
            }
        }
    }
    if (filled != 0) {
        *fifo = word;
    }
}

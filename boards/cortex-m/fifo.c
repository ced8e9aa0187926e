/* SPDX-License-Identifier: MIT
 *
 * Frames through a controller's FIFO, a word at a time, straight from and into lwIP's pbufs. A controller that does not
 * answer costs some milliseconds and the frame, never the firmware.
 */
#include "ethernet.h"

#include <string.h>

bool ethernet_clear(volatile const uint32_t *reg, uint32_t bits)
{
    uint32_t since = board_now_ms();

    while ((*reg & bits) != 0) {
        if (board_now_ms() - since > ETHERNET_STUCK_MS) {
            return false;
        }
    }
    return true;
}

/* first is the word that was read to learn the length. Behind the frame comes the FCS, and the pool's buffers are whole
 * words: there is always a word to read for each one that is kept. */
struct pbuf *ethernet_read_fifo(volatile const uint32_t *fifo, uint32_t first, size_t len, size_t words)
{
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);

    for (struct pbuf *p = frame; p != NULL; p = p->next) {
        uint8_t *to = p->payload, *end = to + p->len;

        for (; to < end; to += sizeof first) {
            memcpy(to, &first, sizeof first);
            first = *fifo;
            words--;
        }
    }
    while (--words != 0) {
        (void)*fifo;
    }
    return frame;
}

/* first takes the place of the padding. Where one pbuf ends and the next begins a word is put together. */
void ethernet_write_fifo(volatile uint32_t *fifo, uint32_t first, const struct pbuf *frame)
{
    uint32_t word = 0;
    unsigned filled = 0;

    memcpy(frame->payload, &first, ETH_PAD_SIZE);
    for (const struct pbuf *p = frame; p != NULL; p = p->next) {
        const uint8_t *octets = p->payload, *end = octets + p->len;

        while (octets < end) {
            if (filled == 0 && end - octets >= (int)sizeof word) {
                memcpy(&word, octets, sizeof word);
                octets += sizeof word;
                filled = sizeof word;
            } else {
                word |= (uint32_t)*octets++ << 8 * filled++;
            }
            if (filled == sizeof word) {
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

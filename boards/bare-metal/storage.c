/* SPDX-License-Identifier: MIT
 *
 * A small flash area, played by a file of the host (storage=FILE), which outlives the firmware as flash outlives a
 * reset. What was never written reads as erased.
 */
#include "chip.h"
#include "semihosting.h"

#include <string.h>

static int file = -1;

static bool read(void *ctx, uint32_t at, void *buf, size_t len)
{
    (void)ctx;
    return semi_read(file, (long)at, buf, len) == len;
}

static bool program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    (void)ctx;
    return semi_write(file, (long)at, octets, len) == len;
}

static bool erase(void *ctx, uint32_t block)
{
    uint8_t erased[64];
    uint32_t at = block * BOARD_BLOCK, end = at + BOARD_BLOCK;

    memset(erased, 0xff, sizeof erased);
    while (at < end && program(ctx, at, erased, sizeof erased)) {
        at += sizeof erased;
    }
    return at == end;
}

const struct mote_storage *board_storage(void)
{
    static const struct mote_storage storage = {read, program, erase, NULL, BOARD_BLOCK, BOARD_BLOCKS, BOARD_UNIT};
    const char *name = board_setting("storage");
    uint32_t block;

    name = name != NULL ? name : "flash.bin";
    file = semi_open(name, SEMI_UPDATE);
    if (file < 0) {
        file = semi_open(name, SEMI_CREATE);
    }
    if (file < 0) {
        board_log("storage= cannot be opened: ");
        board_log(name);
        board_log("\n");
        return NULL;
    }
    for (block = (uint32_t)semi_length(file) / BOARD_BLOCK; block < BOARD_BLOCKS; block++) {
        if (!erase(NULL, block)) {
            return NULL;
        }
    }
    return &storage;
}

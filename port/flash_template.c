/* SPDX-License-Identifier: MIT
 *
 * A driver for flash, to be filled in. It compiles as it is, and keeps nothing: mote_outbox_open() says MOTE_CAUSE_STORAGE. The first
 * part are the duties, each with what goes wrong when it is not done; the second part is what an outbox is given, and stays as it
 * is. tests/unit/test_flash_template.c fills it in with the tests' flash, and shows how it is tested.
 */
#include "mailmote_outbox.h"

/* ==== Duties: fill in ============================================================================================= */

#ifndef FLASH_CHIP /* defined by who includes this file behind a first part of his own */

enum { /* the application needs some of them, for MOTE_OUTBOX(): put them into a header, as README.md's device.h */
       /* Where in the chip the mails are. Nothing else is there: no program, no bootloader, no other driver's data. */
       FLASH_REGION = 0,
       /* What one erase erases: at least that. Too small a number, and an erase takes other mails with it. */
       FLASH_BLOCK = 4096,
       /* 2 for the log, and those of the cells: MOTE_STORAGE_BLOCKS(). Changed in a new firmware, the old mails are not found. */
       FLASH_BLOCKS = 2 + 4,
       /* What the chip programs at once: a multiple of the octets that share an ECC or a write buffer's page, 8 .. 256. Too small a
     * number, and the chip is asked to program the same place twice: it refuses, or what was there is spoilt. */
       FLASH_UNIT = 8
};

/* False when the chip reports an error (ECC, bus). Where that is an interrupt or a fault, the handler must come back here: a unit
 * whose program was cut by a power cut is read at the next start, and a device that faults then never starts again. */
static bool chip_read(uint32_t address, void *octets, size_t len)
{
    (void)address, (void)octets, (void)len;
    return false;
}

/* FLASH_UNIT octets, at a multiple of FLASH_UNIT; never twice between two erases. Returns when the chip has finished, not when it has begun:
 * after true a power cut changes nothing of it. False when the chip says that it failed, and then other units are as they were.
 * What it keeps mailmote reads back itself. octets may lie anywhere: a DMA may want them aligned, or in another memory. */
static bool chip_program(uint32_t address, const void *octets)
{
    (void)address, (void)octets;
    return false;
}

/* The block that begins there; then it reads as 0xff. Returns when the chip has finished. A chip that runs its program from the
 * same bank stands still meanwhile, for up to a second: the watchdog must allow that. */
static bool chip_erase(uint32_t address)
{
    (void)address;
    return false;
}

#endif

/* ==== What an outbox is given: stays as it is ===================================================================== */

static bool inside(uint32_t at, size_t len)
{
    const uint32_t size = (uint32_t)FLASH_BLOCK * FLASH_BLOCKS;

    return at <= size && len <= size - at;
}

static bool flash_read(void *ctx, uint32_t at, void *octets, size_t len)
{
    (void)ctx;
    return inside(at, len) && chip_read(FLASH_REGION + at, octets, len);
}

static bool flash_program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    (void)ctx;
    return inside(at, len) && at % FLASH_UNIT == 0 && len == FLASH_UNIT && chip_program(FLASH_REGION + at, octets);
}

static bool flash_erase(void *ctx, uint32_t block)
{
    (void)ctx;
    return block < FLASH_BLOCKS && chip_erase(FLASH_REGION + block * FLASH_BLOCK);
}

extern const struct mote_storage flash;
const struct mote_storage flash = {.read = flash_read,
                                   .program = flash_program,
                                   .erase = flash_erase,
                                   .block_size = FLASH_BLOCK,
                                   .block_count = FLASH_BLOCKS,
                                   .program_size = FLASH_UNIT};

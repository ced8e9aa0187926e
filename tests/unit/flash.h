/* SPDX-License-Identifier: MIT
 *
 * NOR flash in memory, as cruel as flash is: power goes in the middle of a program or an erase, calls fail, places wear
 * out, what was cut reads as an error. It checks what struct mote_storage promises about its callers: one whole unit at a
 * time, inside the storage, programmed once between two erases.
 */
#ifndef FLASH_H
#define FLASH_H

#include "mailmote_outbox.h"

#include <setjmp.h>

enum { FLASH_UNIT_MIN = 8, FLASH_BLOCKS_MAX = 10, FLASH_SIZE = 16384 };

struct flash {
    struct mote_storage storage;
    bool ecc; /* a unit whose program or erase was cut may read as an error until it is erased */

    /* Set by the test. Calls are counted from 1; 0: never. */
    uint32_t cut_at;             /* power goes in this write or erase, and flash_power is jumped to */
    uint32_t seed;               /* how that one is torn */
    uint32_t fail_at;            /* this call, reads included, returns false */
    bool fail_on;                /* and so does every later one */
    bool fail_done;              /* though a write or erase is done as it should be */
    bool failed;                 /* a call has failed since the last boot */
    uint32_t worn_from, worn_to; /* these octets keep no zero in bit 4, without a word */
    uint32_t dead_block;         /* cannot be erased; counted from 1 */
    uint32_t full_to;            /* up to here nothing can be programmed */
    uint32_t glitch_at, glitch;  /* in this read one octet is another one: this one, modulo the octets read */

    uint32_t writes, calls;            /* so far: writes and erases; all */
    uint32_t erases[FLASH_BLOCKS_MAX]; /* of each block */
    uint8_t octets[FLASH_SIZE];
    uint8_t units[FLASH_SIZE / FLASH_UNIT_MIN];
};

extern jmp_buf flash_power;

/* An erased flash of so many blocks, with units of 8; another size is set in storage. */
void flash_set(struct flash *flash, uint32_t block_size, uint16_t block_count);

/* The unit at this place reads as an error until it is erased. */
void flash_spoil(struct flash *flash, uint32_t at);

/* The power is back. */
void flash_boot(struct flash *flash);

/* All as it may come from a factory, or out of a fire. */
void flash_foul(struct flash *flash);

uint32_t flash_random(uint32_t *seed);

#endif

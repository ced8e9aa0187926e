/* SPDX-License-Identifier: MIT
 *
 * The flash of flash.h.
 */
#include "flash.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A spent unit is to be erased before it is programmed: one that was, all or in part, or whose erase was cut. A torn one
 * cannot be read either. A rotten one came to that by itself: nobody can know, and the flash refuses to program it. */
enum { FRESH, SPENT, TORN, ROTTEN };

jmp_buf flash_power;

uint32_t flash_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Does this call fail? */
static bool fails(struct flash *f)
{
    bool failed = f->fail_at != 0 && (f->fail_on ? f->calls + 1 >= f->fail_at : f->calls + 1 == f->fail_at);

    f->calls++;
    f->failed |= failed;
    return failed;
}

static bool cut(struct flash *f)
{
    f->writes++;
    return f->writes == f->cut_at;
}

static uint8_t *unit_of(struct flash *f, uint32_t at)
{
    return &f->units[at / f->storage.program_size];
}

static bool torn(struct flash *f, uint32_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (*unit_of(f, at + (uint32_t)i) >= TORN) {
            return true;
        }
    }
    return false;
}

void flash_spoil(struct flash *f, uint32_t at)
{
    *unit_of(f, at) = ROTTEN;
}

static bool flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    struct flash *f = ctx;

    assert_true(at <= f->storage.block_size * f->storage.block_count);
    assert_true(len <= f->storage.block_size * f->storage.block_count - at);
    if (fails(f) || torn(f, at, len)) {
        memset(buf, 0x5a, len);
        return false;
    }
    memcpy(buf, f->octets + at, len);
    if (f->calls == f->glitch_at) {
        ((uint8_t *)buf)[f->glitch % len] ^= 0x40;
    }
    return true;
}

static void put(struct flash *f, uint32_t at, uint8_t octet)
{
    if (at >= f->worn_from && at < f->worn_to) {
        octet |= 0x10;
    }
    f->octets[at] &= octet;
}

/* Nothing, all, or the first octets, of which the last may be half there. */
static void tear_write(struct flash *f, uint32_t at, const uint8_t *octets, size_t len)
{
    uint32_t how = flash_random(&f->seed) % 8;
    size_t n = how == 0 ? 0 : how == 1 ? len : flash_random(&f->seed) % len;

    for (size_t i = 0; i < n; i++) {
        put(f, at + (uint32_t)i, octets[i]);
    }
    if (how >= 5) {
        put(f, at + (uint32_t)n, (uint8_t)(octets[n] | flash_random(&f->seed)));
    }
    for (size_t i = 0; i < len; i++) {
        if (f->octets[at + i] != 0xff) {
            *unit_of(f, at) = SPENT;
        }
    }
    if (f->ecc && n < len && *unit_of(f, at) == SPENT) {
        *unit_of(f, at) = TORN;
    }
}

static bool flash_program(void *ctx, uint32_t at, const void *data, size_t len)
{
    struct flash *f = ctx;
    const uint8_t *octets = data;
    bool failed = fails(f) || at < f->full_to;

    assert_true(at % f->storage.program_size == 0 && len == f->storage.program_size);
    assert_true(at + len <= f->storage.block_size * f->storage.block_count);
    if (*unit_of(f, at) == ROTTEN) {
        return false;
    }
    assert_int_equal(*unit_of(f, at), FRESH);
    if (cut(f)) {
        tear_write(f, at, octets, len);
        longjmp(flash_power, 1);
    }
    for (uint32_t i = 0; (!failed || f->fail_done) && i < len; i++) {
        put(f, at + i, octets[i]);
        *unit_of(f, at) = SPENT;
    }
    return !failed;
}

/* Nothing, all, the first part, the last part, or bits at random. */
static void tear_octets(struct flash *f, uint8_t *octets, uint32_t len)
{
    uint32_t how = flash_random(&f->seed) % 8, from = flash_random(&f->seed) % len;

    if (how % 2 == 0) {
        from = from % 64 / FLASH_UNIT_MIN * FLASH_UNIT_MIN; /* where the heads are */
    }
    if (how >= 6) {
        for (uint32_t i = 0; i < len; i++) {
            octets[i] |= (uint8_t)flash_random(&f->seed);
        }
    } else if (how >= 4) {
        memset(octets + from, 0xff, len - from);
    } else if (how >= 2) {
        memset(octets, 0xff, from);
    } else if (how == 1) {
        memset(octets, 0xff, len);
    }
}

static bool reads_erased(const struct flash *f, uint32_t at)
{
    const uint8_t *unit = f->octets + at;

    return unit[0] == 0xff && memcmp(unit, unit + 1, f->storage.program_size - 1u) == 0;
}

/* Half an erase mends nothing, but that an outbox whose storage has failed it may have to erase the one log it has: a boot after that
 * cannot know, and what reads as erased there is taken. */
static void tear_erase(struct flash *f, uint32_t at, uint32_t size)
{
    tear_octets(f, f->octets + at, size);
    for (uint32_t i = 0; i < size; i += f->storage.program_size) {
        bool lost = *unit_of(f, at + i) >= TORN || (f->ecc && flash_random(&f->seed) % 3 == 0);

        *unit_of(f, at + i) = lost ? TORN : f->failed && reads_erased(f, at + i) ? FRESH : SPENT;
    }
}

static bool flash_erase(void *ctx, uint32_t block)
{
    struct flash *f = ctx;
    uint32_t size = f->storage.block_size, at = block * size;
    bool failed = fails(f) || block + 1 == f->dead_block;

    assert_true(block < f->storage.block_count);
    f->failed |= failed;
    f->erases[block]++;
    if (cut(f)) {
        tear_erase(f, at, size);
        longjmp(flash_power, 1);
    }
    if (!failed || f->fail_done) {
        memset(f->octets + at, 0xff, size);
        memset(unit_of(f, at), FRESH, size / f->storage.program_size);
    }
    return !failed;
}

void flash_set(struct flash *f, uint32_t block_size, uint16_t block_count)
{
    assert_true(block_count <= FLASH_BLOCKS_MAX && block_size * block_count <= FLASH_SIZE);
    memset(f, 0, sizeof *f);
    memset(f->octets, 0xff, sizeof f->octets);
    f->storage =
        (struct mote_storage){flash_read, flash_program, flash_erase, f, block_size, block_count, FLASH_UNIT_MIN};
}

void flash_boot(struct flash *f)
{
    f->cut_at = f->fail_at = 0;
    f->failed = false;
    f->fail_on = f->fail_done = false;
}

void flash_foul(struct flash *f)
{
    for (size_t i = 0; i < sizeof f->octets; i++) {
        f->octets[i] = (uint8_t)flash_random(&f->seed);
    }
    memset(f->units, SPENT, sizeof f->units);
}

/* SPDX-License-Identifier: MIT
 *
 * Fuzz harness of the outbox and its storage. The input is a script: mails are posted, sent, taken back; time passes, the
 * power goes, calls fail, units are spoilt, and octets of the image are changed, with right checksums if the script says
 * so. A ledger knows what must be true of the mails: none is delivered again behind its final report or to whom it was
 * delivered, and none that was accepted is gone without a word.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPERATIONS_MAX = 200, DRIVE_MAX = 20000 };

/* ---- The image, changed while the device is off ------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t crc32(const uint8_t *octets, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= octets[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
    }
    return ~crc;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void mend_record(uint8_t *record)
{
    if (record[0] == 1 && record[1] == 0x4d) {
        put32(record + 40, crc32(record, 40));
    }
}

/* Every checksum is right again. */
static void mend_image(void)
{
    const struct mote_storage *s = &device.flash.storage;
    uint32_t state = (MOTE_RECORD_LEN + s->program_size - 1u) / s->program_size * s->program_size;
    uint32_t head_len = s->program_size < 16 ? 16 : s->program_size;
    uint32_t cell_len = s->block_size * device.setup.cell_blocks;

    for (uint32_t block = 0; block < 2; block++) {
        for (uint32_t at = 0; at + state <= s->block_size; at += state) {
            mend_record(device.flash.octets + block * s->block_size + at);
        }
    }
    for (unsigned i = 0; i < device.setup.slot_count; i++) {
        uint8_t *head = device.flash.octets + 2 * s->block_size + i * cell_len;

        if (head[0] == 0x41 && head[1] == 0x4d) {
            uint32_t len = get32(head + 4),
                     room = (uint32_t)(device.flash.octets + sizeof device.flash.octets - head) - head_len;

            mend_record(head + head_len);
            put32(head + 8, crc32(head + head_len, len < room ? len : room));
            put32(head + 12, crc32(head, 12));
        }
    }
}

/* The nth place where a record, or a head with a record behind it, may be. */
static uint8_t *place(unsigned n)
{
    const struct mote_storage *s = &device.flash.storage;
    uint32_t state = (MOTE_RECORD_LEN + s->program_size - 1u) / s->program_size * s->program_size;
    uint32_t in_log = s->block_size / state;

    if ((n & 1) != 0) {
        n = n / 2 % device.setup.slot_count;
        return device.flash.octets + 2 * s->block_size + n * s->block_size * device.setup.cell_blocks;
    }
    n = n / 2 % (2 * in_log);
    return device.flash.octets + n / in_log * s->block_size + n % in_log * state;
}

/* What was changed is programmed now, or reads as erased and is. */
static void note_changes(const uint8_t *before)
{
    uint32_t len = device.flash.storage.program_size;

    for (uint32_t at = 0; at < sizeof device.flash.octets; at += len) {
        const uint8_t *unit = device.flash.octets + at;

        if (memcmp(unit, before + at, len) != 0) {
            bool erased = unit[0] == 0xff && memcmp(unit, unit + 1, len - 1) == 0;

            device.flash.units[at / len] = !erased;
        }
    }
}

static void foul(struct input *in, unsigned how)
{
    static uint8_t before[sizeof device.flash.octets];
    /* of a record: attempts, cause, flags, recipients, slot, number, verdicts; of a head: number, length, checksum */
    static const uint8_t fields[] = {22, 26, 27, 28, 28, 29, 30, 31, 32, 36, 2, 4, 4, 5, 7, 8};
    uint8_t *to = place(draw(in)), *from;
    unsigned at = draw(in), value = draw(in),
             behind = device.flash.storage.program_size < 16 ? 16 : device.flash.storage.program_size;

    /* of a cell, the record behind its head as well */
    at = at < 128 ? at : fields[at % 16] + ((at & 64) != 0 ? behind : 0);

    memcpy(before, device.flash.octets, sizeof before);
    switch (how % 4) {
    case 0: to[at] = (uint8_t)value; break;
    case 1: to[at] ^= (uint8_t)(1u << (value & 7)); break;
    case 2:
        from = place(value);
        memmove(to + (at & 16), from + (at & 32) / 2, MOTE_RECORD_LEN);
        break;
    default: memset(to + at, (int)value, 1 + at % 16); break;
    }
    if (value == 255 && how == 7) {
        flash_foul(&device.flash);
    }
    if (how >= 4) {
        mend_image();
    }
    note_changes(before);
}

/* ---- The script ---------------------------------------------------------------------------------------------------- */

static void fail(struct input *in)
{
    unsigned how = draw(in);

    device.flash.fail_at = device.flash.calls + 1 + draw(in) % 200;
    device.flash.fail_on = (how & 1) != 0;
    device.flash.fail_done = (how & 2) != 0;
}

/* A unit that was written cannot be read any more. */
static void spoil(uint32_t at)
{
    if (device.flash.units[at / device.flash.storage.program_size] != 0) {
        flash_spoil(&device.flash, at);
    }
}

static void pass(unsigned arg)
{
    static const uint32_t waits_s[] = {1, 30, 60, 299, 300, 4000, 86400, 432000};

    device.now_ms += waits_s[arg % 8] * 1000;
}

/* One operation; false when the script is over. The power may go in it. */
static bool operation(struct input *in)
{
    unsigned op = draw(in), arg = op >> 4;

    switch (op & 15) {
    case 0:
    case 1:
    case 2: device_post(arg, draw(in)); break;
    case 3:
    case 4:
    case 5:
    case 6: device_drive(1 + arg * 2, draw(in)); break;
    case 7: pass(arg); break;
    case 8: device_boot(arg < 8 ? 0 : arg * 10000u); break;
    case 9: fail(in); break;
    case 10: device.flash.cut_at = device.flash.writes + 1 + draw(in) % 64 * (arg + 1); break;
    case 11: device_cancel(draw(in)); break;
    case 12: device_hurry(); break;
    case 13:
        spoil((draw(in) * 256u + arg * 16) % FLASH_SIZE);
        device_doubt();
        break;
    default:
        foul(in, arg % 8);
        device_doubt();
        device_boot(0);
        break;
    }
    return in->left != 0;
}

static void run(struct input *in)
{
    static volatile unsigned operations;

    operations = 0;
    if (setjmp(flash_power) != 0) {
        device_boot(0);
    }
    while (operations++ < OPERATIONS_MAX && operation(in)) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;

    in = (struct input){data, size};
    device_set(&in);
    run(&in);
    flash_boot(&device.flash);
    device.flash.worn_to = 0;
    device_boot(0);
    device_drive(DRIVE_MAX, 0);
    device_check_end();
    return 0;
}

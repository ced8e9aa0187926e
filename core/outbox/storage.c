/* SPDX-License-Identifier: MIT
 *
 * The storage in units of program_size: each is programmed once between two erases, and read back. Heads carry their own
 * checksum. It believes no driver that says it was programmed.
 *
 *     head:  magic (2) number (2) number (4) number (4) checksum of them (4)
 */
#include "storage.h"
#include "record.h"

#include <string.h>

bool mote_storage_read(struct mote_outbox *o, uint32_t at, void *buf, size_t len)
{
    const struct mote_storage *storage = o->setup->storage;
    bool good = storage->read(storage->ctx, at, buf, len) || storage->read(storage->ctx, at, buf, len);

    o->readable |= good;
    return good;
}

bool mote_storage_erase(const struct mote_outbox *o, uint32_t block)
{
    const struct mote_storage *storage = o->setup->storage;

    return storage->erase(storage->ctx, block);
}

/* Can the unit be read back? */
static bool kept(const struct mote_writer *w, uint32_t unit)
{
    uint8_t back[8];

    for (uint32_t i = 0; i < unit; i += sizeof back) {
        if (!mote_storage_read(w->o, w->at + i, back, sizeof back) || memcmp(back, w->unit + i, sizeof back) != 0) {
            return false;
        }
    }
    return true;
}

static void program_unit(struct mote_writer *w)
{
    const struct mote_storage *storage = w->o->setup->storage;

    w->good = w->good && storage->program(storage->ctx, w->at, w->unit, storage->program_size) &&
              kept(w, storage->program_size);
    w->at += storage->program_size;
    w->fill = 0;
}

void mote_storage_write(struct mote_writer *w, const void *octets, size_t len)
{
    const uint8_t *in = octets;

    while (len-- != 0) {
        w->unit[w->fill++] = *in++;
        if (w->fill == w->o->setup->storage->program_size) {
            program_unit(w);
        }
    }
}

bool mote_storage_finish(struct mote_writer *w)
{
    if (w->fill != 0) {
        memset(w->unit + w->fill, 0xff, sizeof w->unit - w->fill);
        program_unit(w);
    }
    return w->good;
}

bool mote_storage_write_head(struct mote_outbox *o, uint32_t at, uint32_t magic, uint32_t a, uint32_t b)
{
    struct mote_writer w = {.o = o, .at = at, .good = true};
    uint8_t head[MOTE_HEAD];

    mote_put(mote_put(mote_put(head, magic, 4), a, 4), b, 4);
    mote_put(head + 12, mote_crc32(0, head, 12), 4);
    mote_storage_write(&w, head, sizeof head);
    return mote_storage_finish(&w);
}

uint8_t mote_storage_read_head(struct mote_outbox *o, uint32_t at, uint16_t magic, uint32_t head[3])
{
    uint8_t octets[MOTE_HEAD];

    if (!mote_storage_read(o, at, octets, sizeof octets)) {
        return MOTE_HEAD_UNREADABLE;
    }
    for (int i = 0; i < 3; i++) {
        head[i] = mote_get(octets + 4 * i, 4);
    }
    return (uint16_t)head[0] == magic && mote_get(octets + 12, 4) == mote_crc32(0, octets, 12) ? MOTE_HEAD_GOOD
                                                                                               : MOTE_HEAD_NONE;
}

bool mote_storage_erased(const uint8_t *octets, size_t len)
{
    uint8_t all = 0xff;

    while (len-- != 0) {
        all &= *octets++;
    }
    return all == 0xff;
}

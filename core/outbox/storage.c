/* SPDX-License-Identifier: MIT
 *
 * The storage in units of program_size: each is programmed once between two erases, and read back. It believes no driver that
 * says it was programmed.
 */
#include "storage.h"

#include <string.h>

bool mote_storage_good(const struct mote_storage *s)
{
    return s != NULL && s->read != NULL && s->program != NULL && s->erase != NULL && s->program_size >= 8 &&
           s->program_size <= MOTE_PROGRAM_MAX && (s->program_size & (s->program_size - 1)) == 0 &&
           s->block_size % s->program_size == 0;
}

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

void mote_storage_start(struct mote_storage_writer *w, struct mote_outbox *o, uint32_t at)
{
    w->o = o;
    w->at = at;
    w->fill = 0;
    w->good = true;
}

/* Does the storage have the unit, or before that, is its place erased? */
static bool reads(const struct mote_storage_writer *w, uint32_t len, bool programmed)
{
    uint8_t piece[32];
    uint32_t n = len < sizeof piece ? len : sizeof piece;

    for (uint32_t i = 0; i < len; i += n) {
        if (!mote_storage_read(w->o, w->at + i, piece, n) ||
            !(programmed ? memcmp(piece, w->unit + i, n) == 0 : mote_storage_erased(piece, n))) {
            return false;
        }
    }
    return true;
}

static void program_unit(struct mote_storage_writer *w)
{
    const struct mote_storage *storage = w->o->setup->storage;
    uint32_t len = storage->program_size;

    w->good =
        w->good && reads(w, len, false) && storage->program(storage->ctx, w->at, w->unit, len) && reads(w, len, true);
    w->at += len;
    w->fill = 0;
}

void mote_storage_write(struct mote_storage_writer *w, const void *octets, size_t len)
{
    const uint8_t *in = octets;

    while (len-- != 0) {
        w->unit[w->fill++] = *in++;
        if (w->fill == w->o->setup->storage->program_size) {
            program_unit(w);
        }
    }
}

bool mote_storage_finish(struct mote_storage_writer *w)
{
    if (w->fill != 0) {
        memset(w->unit + w->fill, 0xff, w->o->setup->storage->program_size - w->fill);
        program_unit(w);
    }
    return w->good;
}

bool mote_storage_erased(const uint8_t *octets, size_t len)
{
    uint8_t all = 0xff;

    while (len-- != 0) {
        all &= *octets++;
    }
    return all == 0xff;
}

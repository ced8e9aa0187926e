/* SPDX-License-Identifier: MIT
 *
 * malloc() and its family for a static program with one thread: a fifteenth of libc's.
 *
 * Small blocks come from pages that are never given back, first fit, and grow together again when they are freed. A large block
 * has pages of its own, which go back with it.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { UNIT = 16, PAGE = 4096, STEP = 4 * PAGE, LARGE = 16 * PAGE };

/* Before each block; the last octets of a unit, so that what follows is aligned. */
struct block {
    size_t size; /* with this header: a multiple of UNIT, or of PAGE where it is large */
    union {
        struct block *next; /* of the free ones, by address */
        char align[UNIT - sizeof(size_t)];
    } u;
};

static struct block *free_list;

static size_t rounded(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static struct block *map(size_t size)
{
    struct block *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (block == MAP_FAILED) {
        return NULL;
    }
    block->size = size;
    return block;
}

static char *end_of(struct block *block)
{
    return (char *)block + block->size;
}

/* Among its neighbours, and one with those it touches. */
static void give_back(struct block *block)
{
    struct block **link = &free_list, *before = NULL;

    while (*link != NULL && *link < block) {
        before = *link;
        link = &before->u.next;
    }
    block->u.next = *link;
    *link = block;
    if (block->u.next != NULL && end_of(block) == (char *)block->u.next) {
        block->size += block->u.next->size;
        block->u.next = block->u.next->u.next;
    }
    if (before != NULL && end_of(before) == (char *)block) {
        before->size += block->size;
        before->u.next = block->u.next;
    }
}

/* The end of what is free stays free. */
static struct block *take(struct block **link, size_t size)
{
    struct block *block = *link;

    if (block->size == size) {
        *link = block->u.next;
        return block;
    }
    block->size -= size;
    block = (struct block *)(void *)end_of(block);
    block->size = size;
    return block;
}

static struct block *find(size_t size)
{
    struct block *more;

    for (struct block **link = &free_list; *link != NULL; link = &(*link)->u.next) {
        if ((*link)->size >= size) {
            return take(link, size);
        }
    }
    more = map(rounded(size, STEP));
    if (more == NULL) {
        return NULL;
    }
    give_back(more);
    return find(size);
}

void *malloc(size_t size)
{
    struct block *block = NULL;

    if (size <= PTRDIFF_MAX - PAGE) {
        size = rounded(size + UNIT, UNIT);
        block = size >= LARGE ? map(rounded(size, PAGE)) : find(size);
    }
    if (block == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    return (char *)block + UNIT;
}

static struct block *block_of(void *memory)
{
    return (struct block *)(void *)((char *)memory - UNIT);
}

void free(void *memory)
{
    struct block *block;
    int error = errno;

    if (memory == NULL) {
        return;
    }
    block = block_of(memory);
    if (block->size >= LARGE) {
        munmap(block, block->size);
    } else {
        give_back(block);
    }
    errno = error;
}

void *calloc(size_t count, size_t size)
{
    void *memory = size != 0 && count > PTRDIFF_MAX / size ? malloc(SIZE_MAX) : malloc(count * size);

    return memory == NULL ? NULL : memset(memory, 0, count * size);
}

static void *grow_large(struct block *block, size_t size)
{
    block = mremap(block, block->size, size, MREMAP_MAYMOVE);
    if (block == MAP_FAILED) {
        return NULL;
    }
    block->size = size;
    return (char *)block + UNIT;
}

void *realloc(void *memory, size_t size)
{
    struct block *block;
    void *moved;

    if (memory == NULL) {
        return malloc(size);
    }
    block = block_of(memory);
    if (size <= block->size - UNIT) {
        return memory;
    }
    if (block->size >= LARGE && size <= PTRDIFF_MAX - PAGE) {
        return grow_large(block, rounded(size + UNIT, PAGE));
    }
    moved = malloc(size);
    if (moved != NULL) {
        memcpy(moved, memory, block->size - UNIT);
        free(memory);
    }
    return moved;
}

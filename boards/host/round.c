/* SPDX-License-Identifier: MIT
 *
 * Names that were seen are kept in order, so that a spool of many mails costs little each time it is listed.
 */
#define _GNU_SOURCE

#include "round.h"
#include "complain.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *one, const void *other)
{
    return strcmp(one, other);
}

static time_t seconds(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool make_room(struct round *round, size_t more)
{
    void *seen = realloc(round->seen, (round->seen_count + more + 1) * sizeof *round->seen);

    if (seen == NULL) {
        complain("no memory for a list of %zu mails: try again", more);
        return false;
    }
    round->seen = seen;
    return true;
}

/* Of a list, those that are new, in its order; returns how many. */
static size_t keep_new(struct round *round, struct spool_entry *entries, size_t count)
{
    size_t before = round->seen_count, left = 0;

    for (size_t i = 0; i < count; i++) {
        if (bsearch(entries[i].name, round->seen, before, sizeof *round->seen, by_name) == NULL) {
            strcpy(round->seen[round->seen_count++], entries[i].name);
            entries[left++] = entries[i];
        }
    }
    qsort(round->seen, round->seen_count, sizeof *round->seen, by_name);
    return left;
}

struct spool_entry *round_list(struct round *round, const struct spool *spool, size_t *count)
{
    struct spool_entry *entries = spool_list(spool, count);

    round->listed_s = seconds();
    if (entries != NULL && !make_room(round, *count)) {
        free(entries);
        return NULL;
    }
    if (entries != NULL) {
        *count = keep_new(round, entries, *count);
    }
    return entries;
}

void round_note(struct round *round, const char *name)
{
    struct spool_entry entry = {.record = {.attempts = 0}};

    strcpy(entry.name, name);
    if (make_room(round, 1)) {
        keep_new(round, &entry, 1);
    }
}

bool round_passed(const struct round *round)
{
    return seconds() != round->listed_s;
}

void round_end(struct round *round)
{
    free(round->seen);
    *round = (struct round){.seen = NULL};
}

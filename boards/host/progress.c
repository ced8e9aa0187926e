/* SPDX-License-Identifier: MIT
 *
 * Tells how much of a mail was read by whoever sends it. It never says that a mail has arrived.
 */
#define _GNU_SOURCE

#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 250 };

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t read_and_show(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct progress *progress = ctx;
    uint32_t size = progress->mail->size;
    int64_t now = now_ms();

    if (now - progress->shown_ms >= EVERY_MS) {
        progress->shown_ms = now;
        fprintf(stderr, "\rmailmote: %u %% of %u.%u MB ", (unsigned)((uint64_t)offset * 100 / size),
                (unsigned)(size / 1000000), (unsigned)(size / 100000 % 10));
        fflush(stderr);
    }
    return progress->read(progress->ctx, offset, buf, cap);
}

void progress_begin(struct progress *progress, struct mote_mail *mail)
{
    *progress = (struct progress){.mail = NULL};
    if (mail->size > PROGRESS_MIN && isatty(STDERR_FILENO)) {
        *progress = (struct progress){.mail = mail, .read = mail->read, .ctx = mail->ctx};
        mail->read = read_and_show;
        mail->ctx = progress;
    }
}

void progress_end(struct progress *progress)
{
    if (progress->mail == NULL) {
        return;
    }
    progress->mail->read = progress->read;
    progress->mail->ctx = progress->ctx;
    fputs("\r                                \r", stderr);
}

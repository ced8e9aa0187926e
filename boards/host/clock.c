/* SPDX-License-Identifier: MIT
 *
 * Time for waits: it passes while the system runs or sleeps, and no one can set it. What passes while the system is
 * off is not known, and not guessed from the time of day.
 */
#define _GNU_SOURCE

#include "clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hexadecimal digits and four hyphens; zeros when it cannot be read. */
static void read_boot_id(uint8_t boot[16])
{
    char text[64];
    int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text);
    unsigned digits = 0;

    if (fd >= 0) {
        close(fd);
    }
    memset(boot, 0, 16);
    for (ssize_t i = 0; i < len && digits < 32; i++) {
        int value = hex_value(text[i]);

        if (value >= 0) {
            boot[digits / 2] = (uint8_t)(boot[digits / 2] << 4 | value);
            digits++;
        }
    }
    if (digits != 32) {
        memset(boot, 0, 16);
    }
}

struct uptime uptime_now(void)
{
    struct uptime now;
    struct timespec boottime = {0, 0};

    read_boot_id(now.boot);
    clock_gettime(CLOCK_BOOTTIME, &boottime);
    now.ms = (uint64_t)boottime.tv_sec * 1000 + (uint64_t)boottime.tv_nsec / 1000000;
    return now;
}

bool uptime_known(const struct uptime *moment)
{
    static const uint8_t unknown[16];

    return memcmp(moment->boot, unknown, sizeof unknown) != 0;
}

uint64_t uptime_passed_ms(const struct uptime *then, const struct uptime *now, bool *strict)
{
    bool both = uptime_known(then) && uptime_known(now),
         same = both && memcmp(then->boot, now->boot, sizeof now->boot) == 0;
    bool forward = then->ms <= now->ms;

    *strict = same && forward;
    if (forward && (same || !both)) {
        return now->ms - then->ms;
    }
    return same ? 0 : now->ms; /* a clock that ran backwards, or another boot */
}

uint32_t clock_unix_s(void)
{
    time_t now = time(NULL);

    return now < MOTE_BUILT_S || (int64_t)now > (int64_t)UINT32_MAX ? 0 : (uint32_t)now;
}

uint32_t random_32(void)
{
    uint32_t random;
    struct timespec now;

    if (mote_posix_random(&random, sizeof random)) {
        return random;
    }
    clock_gettime(CLOCK_REALTIME, &now); /* unlikely enough to be worth no more */
    return (uint32_t)now.tv_nsec << 8 ^ (uint32_t)now.tv_sec ^ (uint32_t)getpid();
}

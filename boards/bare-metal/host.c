/* SPDX-License-Identifier: MIT
 *
 * The part of the board that a host plays over semihosting: console, exit, time, entropy. A product has
 * its own of each.
 */
#include "chip.h"
#include "semihosting.h"

void board_init(void)
{
    chip_init();
    board_read_settings();
}

void board_log(const char *text)
{
    semi_print(text);
}

void board_exit(int status)
{
    semi_exit(status);
    for (;;) {
    }
}

/* time=SECONDS stands in for a clock, for tests: 0 is "unknown". */
uint64_t board_unix_s(void)
{
    const char *digits = board_setting("time");
    uint32_t value = 0;

    if (digits == NULL) {
        return semi_time();
    }
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        value = value * 10 + (uint32_t)(*digits - '0');
    }
    return value;
}

bool board_entropy(void *ctx, void *octets, size_t len)
{
    int file = semi_open("/dev/urandom", SEMI_READ);
    size_t got;

    (void)ctx;
    if (file < 0) {
        return false;
    }
    got = semi_read(file, -1, octets, len);
    semi_close(file);
    return got == len;
}

/* SPDX-License-Identifier: MIT
 *
 * gmtime(), gmtime_r() and strftime() for a static program, without time zones and languages: %a %b %d %e %H %m %M %S %Y.
 * tm_yday stays 0.
 */
#define _POSIX_C_SOURCE 200809L

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DAY_S = 86400,
    ERA_DAYS = 146097,
    ERA_YEARS = 400,
    CENTURY_DAYS = 36524,
    FOUR_YEARS_DAYS = 1461,
    YEAR_DAYS = 365
};
enum { DAYS_TO_MARCH_2000 = 11017, MARCH_1_WEEKDAY = 3 }; /* since 1970; 2000-03-01 was a Wednesday */

/* Years begin in March here, so that a leap day is the last of a year, of four years and of four centuries. */
struct tm *gmtime_r(const time_t *when, struct tm *utc)
{
    long long days = *when / DAY_S - (*when % DAY_S < 0), eras;
    int second = (int)(*when - days * DAY_S), rest, centuries, fours, years, month = 0;

    days -= DAYS_TO_MARCH_2000;
    eras = days / ERA_DAYS - (days % ERA_DAYS < 0);
    rest = (int)(days - eras * ERA_DAYS);
    centuries = rest / CENTURY_DAYS - rest / (ERA_DAYS - 1);
    rest -= centuries * CENTURY_DAYS;
    fours = rest / FOUR_YEARS_DAYS;
    rest -= fours * FOUR_YEARS_DAYS;
    years = rest / YEAR_DAYS - rest / (FOUR_YEARS_DAYS - 1);
    rest -= years * YEAR_DAYS;

    memset(utc, 0, sizeof *utc);
    for (int len; rest >= (len = 30 + (0x6B5 >> month & 1)); month++) { /* 1: 31 days */
        rest -= len;
    }
    utc->tm_year = (int)(eras * ERA_YEARS) + centuries * 100 + fours * 4 + years + (month < 10 ? 100 : 101);
    utc->tm_mon = month < 10 ? month + 2 : month - 10;
    utc->tm_mday = rest + 1;
    utc->tm_wday = (int)(((days + MARCH_1_WEEKDAY) % 7 + 7) % 7);
    utc->tm_hour = second / 3600;
    utc->tm_min = second / 60 % 60;
    utc->tm_sec = second % 60;
    return utc;
}

struct tm *gmtime(const time_t *when)
{
    static struct tm utc;

    return gmtime_r(when, &utc);
}

static const char *name(const char *names, int number)
{
    return names + number * 3;
}

size_t strftime(char *to, size_t cap, const char *form, const struct tm *utc)
{
    size_t at = 0;

    for (; *form != 0 && at < cap; form++) {
        size_t left = cap - at;

        if (*form != '%') {
            to[at++] = *form;
            continue;
        }
        switch (*++form) {
        case 'a': at += (size_t)snprintf(to + at, left, "%.3s", name("SunMonTueWedThuFriSat", utc->tm_wday)); break;
        case 'b':
            at += (size_t)snprintf(to + at, left, "%.3s", name("JanFebMarAprMayJunJulAugSepOctNovDec", utc->tm_mon));
            break;
        case 'd': at += (size_t)snprintf(to + at, left, "%02d", utc->tm_mday); break;
        case 'e': at += (size_t)snprintf(to + at, left, "%2d", utc->tm_mday); break;
        case 'H': at += (size_t)snprintf(to + at, left, "%02d", utc->tm_hour); break;
        case 'm': at += (size_t)snprintf(to + at, left, "%02d", utc->tm_mon + 1); break;
        case 'M': at += (size_t)snprintf(to + at, left, "%02d", utc->tm_min); break;
        case 'S': at += (size_t)snprintf(to + at, left, "%02d", utc->tm_sec); break;
        case 'Y': at += (size_t)snprintf(to + at, left, "%d", utc->tm_year + 1900); break;
        default: return 0;
        }
    }
    if (at >= cap) {
        return 0;
    }
    to[at] = 0;
    return at;
}

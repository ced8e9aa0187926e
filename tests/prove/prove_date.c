/* SPDX-License-Identifier: MIT
 *
 * The field Date, for every second that 32 bits can count: which day each number of a day stands for, by induction; how the seconds are
 * parted; and that it is all written.
 */
#include "prove.h"

#include "message.c"

enum { LAST_DAY = UINT32_MAX / 86400 };

struct date {
    unsigned week_day, day, month, year; /* the first two as find_date() has them; January is month 0 */
};

static struct date date_of(uint32_t number)
{
    uint32_t values[5];

    find_date(values, number);
    prove(values[2] >= 7 && values[2] < 19 && values[3] < 100 && values[4] < 100);
    return (struct date){values[0], values[1], (values[2] - 5) % 12, 100 * values[3] + values[4]};
}

static unsigned days_in(unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month] + (month == 1 && leap);
}

/* Day 0 is Thursday, 1 January 1970, and behind each day comes the calendar's next one, and the week's. So each day's date is right.
 *
 * bounds: none
 * unwind: 13
 * slow: half a minute
 * plant: core/message/message.c: s/48212/48211/
 * plant: core/message/message.c: s/4 \* day + 3/4 * day + 2/
 * plant: core/message/message.c: s/0x6B5u/0x6B6u/
 * plant: core/message/message.c: s/month < 10 ? 68/month < 9 ? 68/
 * plant: core/message/message.c: s/day % 7;/(day + 1) % 7;/
 * plant: core/message/message.c: s/day += 671;/day += 670;/
 */
void prove_date_next_day(void)
{
    uint32_t number = nondet_u32();
    struct date first = date_of(0), day, next;
    bool month_ends, year_ends;

    assume(number < LAST_DAY);
    prove(first.week_day == 0 && first.day == 1 && first.month == 0 && first.year == 1970);
    day = date_of(number);
    next = date_of(number + 1);
    month_ends = day.day == days_in(day.month, day.year);
    year_ends = month_ends && day.month == 11;
    prove(next.week_day == (day.week_day + 1) % 7);
    prove(next.day == (month_ends ? 1 : day.day + 1));
    prove(next.month == (year_ends ? 0 : day.month + month_ends));
    prove(next.year == day.year + year_ends);
}

/* What is divided is what comes of it: times and what is over.
 *
 * bounds: none
 * slow: not by itself, but with the others of its kind
 * plant: core/message/message.c: s/return all - \*rest \* by;/return all % (by + 1);/
 */
void prove_date_split(void)
{
    uint32_t by = any_bool() ? 60 : 24, all = nondet_u32(), times = all, over = split(&times, by);

    prove(over < by && over <= all && times <= UINT32_MAX / by && times * by + over == all);
}

/* In place of split(): any numbers; prove_date_split() says what else is true of them. */
static uint32_t divided, overs[3];
static unsigned splits;

uint32_t any_split(uint32_t *rest, uint32_t by)
{
    prove(splits < 3 && by == (splits < 2 ? 60 : 24) && *rest == divided);
    *rest = divided = nondet_u32();
    overs[splits] = nondet_u32();
    assume(overs[splits] < by);
    return overs[splits++];
}

static uint32_t number_asked, given[5];

/* In place of find_date(): any date. */
void any_date(uint32_t values[5], uint32_t number)
{
    number_asked = number;
    for (unsigned i = 0; i < 5; i++) {
        values[i] = given[i] = nondet_u32();
    }
    assume(given[0] < 7 && given[1] < 100 && given[2] >= 7 && given[2] < 19 && given[3] < 100 && given[4] < 100);
}

static unsigned two(const char *at)
{
    prove(at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9');
    return 10u * (unsigned)(at[0] - '0') + (unsigned)(at[1] - '0');
}

static bool begins(const char *at, const char *with, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        if (at[i] != with[i]) {
            return false;
        }
    }
    return true;
}

/* The second is divided by 60, 60 and 24, which leaves the number of the day; what is over is the time of the day; and all is written as
 * RFC 5322 has it.
 *
 * bounds: none
 * replace: split:any_split
 * replace: find_date:any_date
 * unwind: 45
 * slow: not by itself, but with the others of its kind
 * plant: core/message/message.c: s/values\[6\] = split(&rest, 60)/values[6] = split(\&rest, 24)/
 * plant: core/message/message.c: s/put_digit(w, \*value \/ 10)/put_digit(w, *value \/ 10 % 5)/
 * plant: core/message/message.c: s/"Jun", "Jul"/"Jul", "Jun"/
 * plant: core/message/message.c: s/+0000/-0000/
 */
void prove_date_time(void)
{
    char line[39];
    struct mote_writer w = {.buf = (uint8_t *)line, .cap = sizeof line};

    divided = nondet_u32();
    put_date(&w, divided);
    prove(w.len == sizeof line);
    prove(two(line + 23) == overs[2] && two(line + 26) == overs[1] && two(line + 29) == overs[0]);
    prove(splits == 3 && number_asked == divided);
    prove(begins(line + 6, &"ThuFriSatSunMonTueWed"[3 * given[0]], 3));
    prove(two(line + 11) == given[1]);
    prove(begins(line + 14, &"MarAprMayJunJulAugSepOctNovDecJanFeb"[3 * (given[2] - 7)], 3));
    prove(two(line + 18) == given[3] && two(line + 20) == given[4]);
    prove(begins(line, "Date: ", 6) && begins(line + 9, ", ", 2) && line[13] == ' ' && line[17] == ' ' &&
          line[22] == ' ' && line[25] == ':' && line[28] == ':' && begins(line + 31, " +0000\r\n", 8));
}

/* SPDX-License-Identifier: MIT
 *
 * To standard output, or to the first UART of an AVR.
 */
#include "print.h"

#include "mailmote.h"

#include <stdio.h>

#ifdef __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

static void put(char c)
{
    while ((UCSR0A & 1 << UDRE0) == 0) {
    }
    UDR0 = (uint8_t)c;
}

void put_start(void)
{
    UCSR0B = 1 << TXEN0;
}

/* The emulator ends at a sleep that nothing can end. */
void put_end(void)
{
    cli();
    sleep_mode();
}
#else
static void put(char c)
{
    putchar(c);
}

void put_start(void)
{
}

void put_end(void)
{
}
#endif

/* ---- What is printed: lines of printable characters, none longer than LINE ---------------------------------------- */

enum { LINE = 100 };

static unsigned column;

void put_line_end(void)
{
    if (column != 0) {
        put('\n');
    }
    column = 0;
}

void put_text(const char *text)
{
    for (; *text != 0; text++) {
        put(*text);
        column++;
    }
}

void put_number(const char *name, uint32_t value)
{
    char digits[12];

    snprintf(digits, sizeof digits, "%lu", (unsigned long)value);
    put_text(name);
    put_text(digits);
}

void put_octets(const char *name, const void *octets, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *at = octets;

    put_text(name);
    for (; len != 0; len--, at++) {
        bool plain = *at >= ' ' && *at < 127 && *at != '\\';
        char escape[] = {'\\', hex[*at >> 4], hex[*at & 15], 0}, one[] = {(char)*at, 0};

        put_text(plain ? one : escape);
        if (column >= LINE) {
            put_line_end();
        }
    }
}

void put_result(const char *name, const struct mote_result *result)
{
    put_text(name);
    put_text(mote_verdict_name(result->verdict));
    put_number(" tls=", result->tls);
    put_number(" ", result->code);
    put_number(" ", result->subject);
    put_number(".", result->detail);
    put_text(" ");
    put_text(mote_step_name(result->step));
    put_text(": ");
    put_text(mote_cause_name(result->cause));
    put_line_end();
}

/* ---- What is drawn ------------------------------------------------------------------------------------------------ */

static uint32_t seed;

uint32_t draw(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

unsigned pick(unsigned below)
{
    return (unsigned)(draw() % below);
}

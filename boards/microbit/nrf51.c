/* SPDX-License-Identifier: MIT
 *
 * The nRF51822: time by TIMER0, for its processor has no SysTick, and its UART. The UART is polled; flow control by RTS
 * and CTS keeps octets from being lost while nobody looks.
 */
#include "cortex-m.h"
#include "uart.h"

#define TIMER_START     REGISTER(0x40008000u)
#define TIMER_CAPTURE   REGISTER(0x40008040u)
#define TIMER_BITMODE   REGISTER(0x40008508u)
#define TIMER_PRESCALER REGISTER(0x40008510u)
#define TIMER_COUNT     REGISTER(0x40008540u)

#define UART_STARTRX  REGISTER(0x40002000u)
#define UART_STARTTX  REGISTER(0x40002008u)
#define UART_RXDRDY   REGISTER(0x40002108u)
#define UART_TXDRDY   REGISTER(0x4000211cu)
#define UART_ENABLE   REGISTER(0x40002500u)
#define UART_PSELTXD  REGISTER(0x4000250cu)
#define UART_PSELRXD  REGISTER(0x40002514u)
#define UART_RXD      REGISTER(0x40002518u)
#define UART_TXD      REGISTER(0x4000251cu)
#define UART_BAUDRATE REGISTER(0x40002524u)
#define UART_CONFIG   REGISTER(0x4000256cu)

#define BAUD_115200 0x01d7e000u

enum {
    BITMODE_32 = 3,
    PRESCALE_512 = 9,
    COUNTS = 125,
    COUNTS_MS = 4,
    ENABLE_UART = 4,
    FLOW_CONTROL = 1,
    PIN_TXD = 24,
    PIN_RXD = 25
};

void chip_init(void)
{
    TIMER_BITMODE = BITMODE_32;
    TIMER_PRESCALER = PRESCALE_512;
    TIMER_START = 1;
    UART_PSELTXD = PIN_TXD;
    UART_PSELRXD = PIN_RXD;
    UART_BAUDRATE = BAUD_115200;
    UART_CONFIG = FLOW_CONTROL;
    UART_ENABLE = ENABLE_UART;
    UART_STARTRX = 1;
    UART_STARTTX = 1;
}

/* Nothing interrupts. */
void chip_tick(void)
{
}

void chip_interrupt(void)
{
}

/* 125 counts are 4 ms. What does not make 4 ms yet waits; to be called once a day at least. */
uint32_t board_now_ms(void)
{
    static uint32_t now_ms, counted;
    uint32_t passed;

    TIMER_CAPTURE = 1;
    passed = (TIMER_COUNT - counted) / COUNTS;
    counted += passed * COUNTS;
    now_ms += passed * COUNTS_MS;
    return now_ms;
}

/* ---- UART -------------------------------------------------------------------------------------------------------- */

bool uart_get(uint8_t *octet)
{
    if (UART_RXDRDY == 0) {
        return false;
    }
    UART_RXDRDY = 0;
    *octet = (uint8_t)UART_RXD;
    return true;
}

bool uart_put(uint8_t octet)
{
    uint32_t since = board_now_ms();

    UART_TXDRDY = 0;
    UART_TXD = octet;
    while (UART_TXDRDY == 0) {
        if (board_now_ms() - since >= UART_STUCK_MS) {
            return false;
        }
    }
    return true;
}

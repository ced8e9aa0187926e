/* SPDX-License-Identifier: MIT
 *
 * QEMU's RISC-V machine `virt`: where the processor begins, time by the CLINT's counter, and the 16550 UART, which is
 * polled. Nothing interrupts.
 */
#include "chip.h"
#include "uart.h"

#define CLINT_MTIME REGISTER(0x0200bff8u) /* its lower half */

#define UART(n)   (*(volatile uint8_t *)(0x10000000u + (n)))
#define UART_DATA UART(0)
#define UART_LSR  UART(5)

enum { COUNTS_MS = 10000, LSR_RECEIVED = 1, LSR_ROOM = 0x20 };

void start(void);

/* The first instructions: a stack, and where faults go. */
__attribute__((naked, used, section(".vectors"))) void start(void)
{
    __asm__ volatile("la sp, link_stack_end\n\t"
                     "la t0, %1\n\t"
                     "csrw mtvec, t0\n\t"
                     "j %0"
                     :
                     : "i"(reset), "i"(fault));
}

void chip_init(void)
{
}

/* What does not make a millisecond yet waits; to be called every seven minutes at least. */
uint32_t board_now_ms(void)
{
    static uint32_t now_ms, counted;
    uint32_t passed = (CLINT_MTIME - counted) / COUNTS_MS;

    counted += passed * COUNTS_MS;
    now_ms += passed;
    return now_ms;
}

/* ---- UART -------------------------------------------------------------------------------------------------------- */

bool uart_get(uint8_t *octet)
{
    if ((UART_LSR & LSR_RECEIVED) == 0) {
        return false;
    }
    *octet = UART_DATA;
    return true;
}

bool uart_put(uint8_t octet)
{
    uint32_t since = board_now_ms();

    while ((UART_LSR & LSR_ROOM) == 0) {
        if (board_now_ms() - since >= UART_STUCK_MS) {
            return false;
        }
    }
    UART_DATA = octet;
    return true;
}

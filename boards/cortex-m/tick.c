/* SPDX-License-Identifier: MIT
 *
 * Time by SysTick, sleep, and the interrupt controller, for boards whose processor has a SysTick.
 */
#include "cortex-m.h"

#define SYST_CSR     REGISTER(0xe000e010u)
#define SYST_RVR     REGISTER(0xe000e014u)
#define SYST_CVR     REGISTER(0xe000e018u)
#define NVIC_ISER(n) REGISTER(0xe000e100u + 4u * (n))

/* Milliseconds between two ticks. */
#define TICK_MS 10u

static volatile uint32_t now_ms;

void chip_tick(void)
{
    now_ms += TICK_MS;
}

void cortex_tick_start(uint32_t clock_hz)
{
    SYST_RVR = clock_hz / 1000 * TICK_MS - 1;
    SYST_CVR = 0;
    SYST_CSR = 7; /* the processor's clock, interrupt, on */
}

uint32_t board_now_ms(void)
{
    return now_ms;
}

void cortex_irq_enable(unsigned irq)
{
    NVIC_ISER(irq / 32) = 1u << irq % 32;
}

void cortex_sleep(const volatile bool *pending)
{
    __asm__ volatile("cpsid i" ::: "memory");
    if (!*pending) {
        __asm__ volatile("wfi" ::: "memory");
    }
    __asm__ volatile("cpsie i" ::: "memory");
}

/* SPDX-License-Identifier: MIT
 *
 * What the Cortex-M boards share, and what each of them gives to it.
 */
#ifndef MOTE_CORTEX_M_H
#define MOTE_CORTEX_M_H

#include "chip.h"

/* The board's: what runs at a tick of SysTick, and at its one interrupt besides. */
void chip_tick(void);
void chip_interrupt(void);

/* tick.c: time by SysTick, at so many ticks of the processor's clock a second. */
void cortex_tick_start(uint32_t clock_hz);
void cortex_irq_enable(unsigned irq);

/* Sleeps until an interrupt, unless *pending is set already: an interrupt between the look and the sleep is not missed.
 */
void cortex_sleep(const volatile bool *pending);

#endif

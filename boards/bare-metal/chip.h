/* SPDX-License-Identifier: MIT
 *
 * What boards without an operating system share, and what each of them gives to it.
 */
#ifndef MOTE_CHIP_H
#define MOTE_CHIP_H

#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* The board's: its clocks and its time. */
void chip_init(void);

/* command_line.c: what board_setting() tells then. What is wrong is said, and ends the firmware. */
void board_read_settings(void);

/* start.c: from reset on, with a stack; what the processor does at a fault. */
_Noreturn void reset(void);
void fault(void) __attribute__((aligned(4))); /* as mtvec of RISC-V wants it */

#endif

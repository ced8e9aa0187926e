/* SPDX-License-Identifier: MIT
 *
 * A Cortex-M's vectors: the stack, and who is called at reset, at a fault, at an interrupt.
 */
#include "cortex-m.h"

extern uint32_t link_stack_end[]; /* the linker script's: a place, no variable */

#define FOUR(f)    f, f, f, f
#define SIXTEEN(f) FOUR(f), FOUR(f), FOUR(f), FOUR(f)

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*reset)(void);
    void (*exceptions[13])(void);
    void (*tick)(void);
    void (*interrupts[48])(void);
} vectors = {
    link_stack_end,
    reset,
    {FOUR(fault), FOUR(fault), FOUR(fault), fault},
    chip_tick,
    {SIXTEEN(chip_interrupt), SIXTEEN(chip_interrupt), SIXTEEN(chip_interrupt)},
};

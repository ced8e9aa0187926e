/* SPDX-License-Identifier: MIT
 *
 * From reset to main: the memory as C expects it. The stack is painted, so that its peak can be read.
 */
#include "chip.h"

enum { PAINT = 0x5a5aa5a5, MARGIN = 16 };

/* The linker script's: places, not variables. */
extern uint32_t link_data_load[], link_data[], link_data_end[], link_bss[], link_bss_end[], link_stack_end[];

int main(void);

void fault(void)
{
    board_log("fault\n");
    board_exit(BOARD_FAULT);
}

static void prepare_memory(void)
{
    volatile uint32_t *to = link_data, *top = (uint32_t *)__builtin_frame_address(0) - MARGIN;
    const uint32_t *from = link_data_load;

    while (to < link_data_end) {
        *to++ = *from++;
    }
    for (to = link_bss; to < link_bss_end; to++) {
        *to = 0;
    }
    for (; to < top; to++) {
        *to = PAINT;
    }
}

void reset(void)
{
    prepare_memory();
    main();
    board_exit(BOARD_FAULT);
}

size_t board_stack_used(void)
{
    const volatile uint32_t *at = link_bss_end;

    while (at < link_stack_end && *at == PAINT) {
        at++;
    }
    return (size_t)(link_stack_end - at) * sizeof *at;
}

/* SPDX-License-Identifier: MIT
 *
 * What the firmware says: to the console, in words and numbers.
 */
#include "firmware.h"

static void log_number(uint32_t number)
{
    char digits[11];
    char *at = digits + sizeof digits - 1;

    *at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    board_log(at);
}

void log_pair(const char *before, const char *after)
{
    board_log(before);
    board_log(after);
    board_log("\n");
}

/* "deferred at STARTTLS: the relay's certificate is for another name" */
uint8_t report(const struct mote_outbox *outbox)
{
    const struct mote_result *result = &outbox->rcpts[0].result;

    board_log(mote_verdict_name(result->verdict));
    if (result->verdict != MOTE_MISUSE) { /* that was at no step: nothing was said to the relay */
        board_log(" at ");
        board_log(mote_step_name(result->step));
    }
    if (result->code != 0) {
        board_log(", reply ");
        log_number(result->code);
    }
    if ((result->tls & MOTE_TLS_SECURED) != 0) {
        board_log(", in TLS");
    }
    log_pair(": ", mote_cause_name(result->cause));
    if (!outbox->last) {
        board_log("next attempt in ");
        log_number(outbox->slot->record.wait_s);
        board_log(" s\n");
    }
    return result->verdict;
}

/* Static memory is the linker's to tell; this is the rest. */
void log_stack(void)
{
    board_log("stack ");
    log_number((uint32_t)board_stack_used());
    board_log(" octets, ");
    log_number(board_now_ms());
    board_log(" ms\n");
}

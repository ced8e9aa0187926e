/* SPDX-License-Identifier: MIT
 *
 * The firmware of every board: an input fired, so post an alert, run until it is delivered, and report. The alert is in
 * the storage before the network is touched: after a reset it goes on where it was.
 */
#include "firmware.h"

#include <string.h>

enum { ENVELOPE = 160 };

static struct mote_relay relays[1];
MOTE_OUTBOX(alerts, relays, NULL, BOARD_SLOTS, BOARD_CELL_BLOCKS, ENVELOPE, BOARD_RECORD_BUF);

static void open_outbox(void)
{
    uint32_t random = 0;
    uint16_t lost = 0;
    uint8_t cause = MOTE_CAUSE_STORAGE;

    set_relay(relays);
    alerts_session_setup.helo = board_setting("helo");
    alerts_setup.storage = board_storage();
    if (alerts_setup.storage != NULL) {
        board_entropy(NULL, &random, sizeof random);
        cause = mote_outbox_open(&alerts, &alerts_setup, board_now_ms(), board_now_ms() / 1000, random, &lost);
    }
    if (cause != MOTE_CAUSE_NONE) {
        refuse(BOARD_BAD_CONFIG, mote_cause_name(cause));
    }
    if (lost != 0) {
        log_pair("lost: ", "a stored mail");
    }
}

#ifdef BOARD_ATTACH
static size_t read_flash(void *ctx, size_t offset, void *buf, size_t cap)
{
    memcpy(buf, (const uint8_t *)ctx + offset, cap);
    return cap;
}

/* The flash behind its vectors, which is this firmware. */
static void attach_flash(struct mote_message *message, struct mote_part *part)
{
    static uintptr_t volatile flash = 256;

    *part = (struct mote_part){.type = "application/octet-stream",
                               .name = "flash.bin",
                               .read = read_flash,
                               .ctx = (void *)flash,
                               .size = BOARD_ATTACH};
    mote_message_parts(message, part, 1);
}
#endif

/* A function of its own, in the image too: its stack is given back before TLS needs it. */
__attribute__((noinline)) static uint8_t alert(uint32_t left)
{
    const char *to = need("to"), *text = board_setting("text");
    struct mote_message message = {.from = need("from"), .to = &to, .to_count = 1, .subject = board_setting("subject")};
    uint8_t id[8];

    message.text = text != NULL ? text : "The input fired.\n";
    message.unix_s = board_unix_s();
#ifdef BOARD_ATTACH
    struct mote_part part;

    attach_flash(&message, &part);
#endif
    if (!board_entropy(NULL, id, sizeof id)) {
        return MOTE_CAUSE_NO_ENTROPY;
    }
    id[0] ^= (uint8_t)left; /* of several they are different, were they drawn from zeros */
    return mote_outbox_alert(&alerts, &message, id, board_now_ms());
}

/* Until the outbox is empty, attempts=N attempts were reported, or one was misuse: waiting does not mend that. Returns
 * the verdict of the last one. */
static uint8_t run(void)
{
    const char *limit = board_setting("attempts");
    uint32_t left = limit != NULL ? number(limit) : 0;
    uint8_t verdict = MOTE_DELIVERED;

    board_network_start(&alerts);
    while (mote_outbox_wait_s(&alerts) != UINT32_MAX) {
        if (board_network_step() == MOTE_REPORT) {
            verdict = report(&alerts);
            board_network_reported();
            if (verdict == MOTE_MISUSE || (left != 0 && --left == 0)) {
                break;
            }
        }
    }
    return verdict;
}

static int status_of(uint8_t verdict)
{
    switch (verdict) {
    case MOTE_DELIVERED: return BOARD_OK;
    case MOTE_FAILED: return BOARD_FAILED;
    case MOTE_MISUSE: return BOARD_BAD_CONFIG;
    default: return BOARD_DEFERRED;
    }
}

/* What is stored already does not suffer for an alert that cannot be. */
int main(void)
{
    const char *many;
    uint32_t left;
    uint8_t cause = MOTE_CAUSE_NONE, verdict;

    board_init();
    open_outbox();
    if (board_setting("now") != NULL) {
        mote_outbox_hurry(&alerts);
    }
    many = board_setting("alerts");
    left = board_setting("resume") != NULL ? 0 : many != NULL ? number(many) : 1;
    for (; left != 0 && cause == MOTE_CAUSE_NONE; left--) {
        cause = alert(left - 1);
        log_pair(cause == MOTE_CAUSE_NONE ? "the alert is stored" : "refused: ",
                 cause == MOTE_CAUSE_NONE ? "" : mote_cause_name(cause));
    }
    verdict = run();
    log_stack();
    board_exit(cause == MOTE_CAUSE_NONE ? status_of(verdict) : BOARD_BAD_INPUT);
}

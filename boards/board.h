/* SPDX-License-Identifier: MIT
 *
 * What a board gives to its firmware: the contract between alert.c and its helpers, which are the same on all boards, and a board's own
 * files. Each function is called from the main loop only, never from an interrupt.
 */
#ifndef MOTE_BOARD_H
#define MOTE_BOARD_H

#include "mailmote_outbox.h"

/* Clock, tick and console; the first call. */
void board_init(void);

/* Ends the firmware: the status of QEMU under `make run`, a halt on hardware. */
enum {
    BOARD_OK = 0,
    BOARD_BAD_INPUT = 65,
    BOARD_FAILED = 69,
    BOARD_FAULT = 70,
    BOARD_DEFERRED = 75,
    BOARD_BAD_CONFIG = 78
};
_Noreturn void board_exit(int status);

/* Milliseconds since start; wraps. */
uint32_t board_now_ms(void);

/* Seconds since 1970 UTC; 0 = unknown: then no certificate chain can be checked, and none is trusted. */
uint64_t board_unix_s(void);

/* Octets from a true random source. False = there is none: then there is no TLS, and the firmware refuses to start. */
bool board_entropy(void *ctx, void *octets, size_t len);

/* Text to the console, ends of line included. */
void board_log(const char *text);

/* The value of a setting, given as "name=value", or NULL; of one given without a value it is "". */
const char *board_setting(const char *name);

/* Where mails wait. NULL = it does not work. */
const struct mote_storage *board_storage(void);

/* The network. It works on the outbox from start on. step: does what can be done, sleeps when that is nothing, and says
 * how it stands: MOTE_IDLE, MOTE_CONNECT, MOTE_TALK, or MOTE_REPORT until board_network_reported(). */
void board_network_start(struct mote_outbox *outbox);
uint8_t board_network_step(void);
void board_network_reported(void);

/* Octets of stack used at most since start. */
size_t board_stack_used(void);

/* Sizes a board's board.mk may set. With BOARD_CURVES=br_ec_... as well, its chains are checked by
 * mote_trust_anchors_small(). */
#if defined BOARD_CLEAR && !defined BOARD_LEAN /* no TLS at all: boards/clear */
#define BOARD_LEAN
#endif
#ifdef BOARD_LEAN
#ifndef BOARD_RECORD_BUF
#define BOARD_RECORD_BUF MOTE_SESSION_BUF_MIN
#endif
#ifndef BOARD_CURVES
#define BOARD_CURVES br_ec_p256_m31
#endif
#endif
#ifndef BOARD_RECORD_BUF
#define BOARD_RECORD_BUF 1360 /* TLS records: a segment of Ethernet's 1,460 holds one; asks for 1,024 octets in it */
#endif
#ifdef BOARD_MANY /* a longer queue, to see what many mails cost together */
#define BOARD_SLOTS 20
#define BOARD_BLOCK 4096
#endif
#ifdef BOARD_ATTACH /* so many octets of its flash go with an alert */
#define BOARD_SLOTS       1
#define BOARD_BLOCK       4096
#define BOARD_CELL_BLOCKS (2 + BOARD_ATTACH / 2900)
#endif
#ifndef BOARD_SLOTS
#define BOARD_SLOTS 4 /* mails that can wait */
#endif
#ifndef BOARD_BLOCK
#define BOARD_BLOCK 1024 /* octets the storage erases at once */
#endif
#define BOARD_UNIT 64 /* octets it programs at once */
#ifndef BOARD_CELL_BLOCKS
#define BOARD_CELL_BLOCKS 2 /* of them for one mail */
#endif
#define BOARD_BLOCKS (2 + BOARD_SLOTS * BOARD_CELL_BLOCKS)

#endif

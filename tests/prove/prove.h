/* SPDX-License-Identifier: MIT
 *
 * What the proofs share. A proof is a function prove_NAME() that CBMC runs with every value of every any_...() and nondet_...() at once; assume()
 * leaves values out, and prove() must hold for all that are left. Above it stands what it proves, and:
 *
 *   bounds   what is not unlimited in it
 *   unwind   how often a loop goes round at most; CBMC proves that it does not go round once more
 *   with     other files of the source that are needed
 *   replace  a function whose calls go to another one: NAME:OTHER
 *   plant    a fault: FILE: what sed makes of it. The proof must find it, or it proves nothing. There may be several
 *   slow     `make check` leaves it out
 */
#ifndef PROVE_H
#define PROVE_H

#include "mailmote_outbox.h"

#define assume(condition) __CPROVER_assume(condition)
#define prove(condition)  __CPROVER_assert((condition), #condition)
#define implies(a, b)     (!(a) || (b))

/* CBMC gives any value to what a function without a body returns whose name begins so. A bool in it is an octet of any value: each is set
 * once more. */
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
int nondet_int(void);
size_t nondet_size(void);
struct mote_record nondet_record(void);
struct mote_result nondet_result(void);
struct mote_plan nondet_plan(void);

static inline bool any_bool(void)
{
    return (nondet_u8() & 1) != 0;
}

/* A record as mote_record_read() and the functions of the library leave them. */
static inline struct mote_record any_record(void)
{
    struct mote_record record = nondet_record();

    record.tls_failed = any_bool();
    record.begun = any_bool();
    record.sent = any_bool();
    record.plain = any_bool();
    record.verified_only = any_bool();
    record.left_alone = any_bool();

    assume(record.rcpt_count <= MOTE_RECORD_RCPTS && record.first < MOTE_RELAYS_MAX && record.ours <= 3);
    assume(record.code <= 0x3ff);
    return record;
}

static inline struct mote_plan any_plan(void)
{
    struct mote_plan plan = nondet_plan();

    plan.armed = any_bool();
    plan.rcpts_left = any_bool();
    plan.accepted_any = any_bool();
    plan.in_doubt = any_bool();
    assume(plan.count >= 1 && plan.count <= MOTE_RELAYS_MAX);
    return plan;
}

#endif

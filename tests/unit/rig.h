/* SPDX-License-Identifier: MIT
 *
 * An engine on a bench: a mail whose text lies in memory, the relay's octets as strings, and all the engine writes
 * gathered in one place. Time stands still unless a test moves it.
 */
#ifndef RIG_H
#define RIG_H

#include "core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { RIG_OUT = 1 << 18 };

struct rig {
    struct mote_engine engine;
    struct mote_engine_setup setup;
    struct mote_mail mail;
    struct mote_rcpt rcpts[4];
    const char *source; /* the mail's text */
    size_t source_len;
    size_t source_step; /* most octets per read; 0: no limit */
    size_t cap;         /* octets per pull */
    size_t out_len;
    char out[RIG_OUT]; /* what the engine wrote since rig_hear(), ended by NUL */
    char text[256], rcpt_text[256];
};

/* A good mail of one recipient for an implicit TLS relay, measured. Tests change it before rig_begin(). */
void rig_set(struct rig *rig);
void rig_source(struct rig *rig, const char *text, size_t len);

/* The engine begins; the handshake is done where there is one. */
void rig_begin(struct rig *rig);

/* Octets of the relay; then all the engine has to say to them, in pulls of cap octets. */
const char *rig_hear(struct rig *rig, const char *octets);
const char *rig_write(struct rig *rig);

/* rig_begin(), the greeting and an answer to EHLO; returns what follows. */
const char *rig_open(struct rig *rig, const char *offers);

bool rig_done(struct rig *rig);

/* Done, with this outcome. */
#define rig_assert_result(rig, verdict_, cause_)                                                                       \
    do {                                                                                                               \
        assert_true(rig_done(rig));                                                                                    \
        assert_int_equal(mote_engine_result(&(rig)->engine)->verdict, verdict_);                                       \
        assert_int_equal(mote_engine_result(&(rig)->engine)->cause, cause_);                                           \
    } while (0)

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#endif

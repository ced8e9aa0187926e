/* SPDX-License-Identifier: MIT
 *
 * The fixed policy (core/POLICY.md) as pure functions, and the record: the few octets of a mail that survive a power cut.
 * Facts in, decision out. Ports that keep their own records use these; the outbox uses them for everybody else.
 */
#ifndef MAILMOTE_POLICY_H
#define MAILMOTE_POLICY_H

#include "mailmote.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Record: what of a mail survives a power cut -------------------------------------------------------------------- */

/* Times are on a clock that counts while the device runs; what passes while it is off counts where the port knows it. */
struct mote_record {
    uint8_t id[8];      /* random; its 16 hexadecimal digits are the left part of the Message-ID, on every attempt */
    uint8_t cause;      /* why it was deferred last, enum mote_cause */
    bool tls_failed;    /* P3 */
    bool begun;         /* P17: the last attempt has not ended */
    bool sent;          /* P9: and the end of the mail may have left in it */
    bool plain;         /* P16: neither PIPELINING nor CHUNKING any more */
    bool verified_only; /* P7: accepted for verified relays only; set when the mail is accepted, for ever */
    bool left_alone;    /* P12: a relay was passed over as left alone in the last attempt */
    uint8_t first;      /* P9, P13: the relay the next attempt begins with, by its place: behind a doubt or lost time */
    uint8_t ours;       /* P12: deferrals in a row for which mote_policy_soon() held, up to 3 */
    uint8_t rcpt_count; /* MOTE_RECORD_RCPTS at most */
    uint8_t slot;       /* the outbox's own: where it is */
    uint16_t number;    /* the outbox's own: a later mail's is higher; it goes round */
    uint16_t attempts;  /* those begun */
    uint16_t code;      /* last reply's, 0 = none */
    uint32_t age_s;     /* since it was accepted */
    uint32_t tls_since_s;                   /* since its first TLS failure */
    uint32_t wait_s;                        /* until the next attempt */
    uint32_t rcpts_delivered, rcpts_failed; /* those with a final verdict, a bit each */
};
#define MOTE_RECORD_RCPTS 32

/* Fixed little-endian layout with version and CRC-32. */
#define MOTE_RECORD_LEN 44
void mote_record_write(const struct mote_record *record, uint8_t octets[MOTE_RECORD_LEN]);

/* False when the octets are torn, foreign, or of a version this code does not know; *record is then left alone. */
bool mote_record_read(struct mote_record *record, const uint8_t octets[MOTE_RECORD_LEN]);

/* P17: an attempt begins: to be stored before the network is touched. */
void mote_record_begin(struct mote_record *record);

/* P17, P9: to be called when a record is taken from the storage again. An attempt that had begun and never ended counts as
 * ended, in doubt if the end of the mail may have left; its wait is P11's, from now on. True when there was one: then the
 * record is to be stored. random: any 32 random bits. */
bool mote_record_resume(struct mote_record *record, uint32_t random);

/* P11, behind an attempt: the mail has failed for whom it has not reached if it was too old by then, at age_s. What has ended for all
 * is to be reported, and due at once. */
void mote_record_end(struct mote_record *record, uint32_t age_s);

/* P18: does this mail go before the other? Fewer attempts first, then the older one, then the lower number. */
bool mote_record_before(const struct mote_record *record, const struct mote_record *other);

/* Time passes for a mail. */
void mote_record_age(struct mote_record *record, uint32_t passed_s);

/* P12: a relay has ended its connection behind a mail: no mail is due before MOTE_OURS_S are over. */
void mote_record_pause(struct mote_record *record);

/* P12: a relay that had failed has just answered for a mail (mote_delivery.relay_back). Makes a mail due within seconds
 * whose last attempt passed a relay over as left alone; i-th of those that are released now, so that they come a few
 * seconds apart. True when it was one. */
bool mote_record_release(struct mote_record *record, unsigned i);

/* ---- Policy: POLICY.md as pure functions. No option turns a rule off. --------------------------------------------- */

/* P2: did TLS fail here? tls is the relay's enum mote_tls. An SMTP reply heard inside TLS never is a TLS failure, a
 * mail in doubt neither (P9), and implicit TLS has no STARTTLS to fail. */
bool mote_policy_tls_failure(uint8_t tls, const struct mote_result *result);

/* P10: the relay cannot take the mail as it is (SIZE, 8BITMIME, SMTPUTF8); another one perhaps can. */
bool mote_policy_unfit(const struct mote_result *result);

/* P12: is it tried again within seconds? Deferred for our own trouble (no network, memory, entropy or time), or the relay
 * took no other mail on the connection. */
bool mote_policy_soon(const struct mote_result *result);

/* P5: may this attempt have a cleartext pass? since_s counts from the mail's first TLS failure on a clock nobody can
 * set. */
bool mote_policy_armed(bool tls_failed, uint32_t since_s);

/* P3, P5: the facts an attempt goes by. Relays are bits, the first the lowest; MOTE_RELAYS_MAX at most. */
#define MOTE_RELAYS_MAX 8
struct mote_plan {
    uint8_t count;                /* relays */
    uint8_t first;                /* to begin with, by its place (P9, P13); the others follow, and it goes round */
    uint8_t relays_up;            /* may be asked: not left alone by P12, not barred by P7 */
    uint8_t relays_opportunistic; /* and STARTTLS: the only ones that may ever be spoken to in clear */
    uint8_t relays_tls_failed;    /* in this attempt */
    bool armed;                   /* P5 */
    bool rcpts_left;              /* without a final verdict */
    bool accepted_any;            /* a relay took the mail in this attempt, for one recipient at least */
    bool in_doubt;                /* P9 */
};

/* An attempt is up to 2 * count legs: leg i < count is the i-th relay from the first one on, with STARTTLS, leg count + i the same relay
 * in clear. The leg that follows `leg` (first call: -1), or 2 * count: none. */
int mote_policy_next(const struct mote_plan *plan, int leg);

/* The place of the relay of a leg. */
unsigned mote_policy_relay(const struct mote_plan *plan, int leg);

/* P4, P11, P12, P16: seconds until the next attempt of a mail whose record has taken in the one that ended. tls_failure:
 * the TLS of a relay failed in it. suspect: P16 took the extensions for the fault, for the first time. random: any 32
 * random bits, to spread a fleet. */
uint32_t mote_policy_wait_s(const struct mote_record *record, bool tls_failure, bool suspect, uint32_t random);

/* P11: is a mail of this age given up after the attempt? */
bool mote_policy_expired(uint32_t age_s);

/* ---- Relays that are left alone (P12) ----------------------------------------------------------------------------- */

/* What is remembered of a relay; start with zeros, keep it as long as the program runs. */
struct mote_relay_state {
    uint32_t since_s; /* of the last failure */
    uint8_t failures; /* in a row, without the first of its TLS; 0 and no tls: not left alone */
    uint8_t tls;      /* its TLS has failed in this row: 1 = just now and for the first time, 2 = before */
};

/* What the end of a conversation says of the relay as a whole. */
enum mote_relay_news {
    MOTE_RELAY_NO_NEWS = 0,
    MOTE_RELAY_UP = 1,      /* it answered for the mail: whatever was remembered is forgotten */
    MOTE_RELAY_DOWN = 2,    /* connect, greeting, EHLO, time limits, login, a 421 */
    MOTE_RELAY_TLS_DOWN = 3 /* the TLS of a verified relay: no mail can use it */
};

/* tls: the relay's enum mote_tls. verified: it is not opportunistic. suspect: mote_engine_suspect(). */
uint8_t mote_policy_relay_news(uint8_t tls, bool verified, bool suspect, const struct mote_result *result);

void mote_policy_relay_note(struct mote_relay_state *state, uint8_t news, uint32_t now_s);

/* Seconds the relay is left alone, from its last failure on: 300 twice, then doubling with each failure in a row; after the
 * first failure of its TLS 60. */
uint32_t mote_policy_relay_wait_s(const struct mote_relay_state *state);

/* Is that over? now_s: seconds of a monotonic clock. */
bool mote_policy_relay_up(const struct mote_relay_state *state, uint32_t now_s);

#ifdef __cplusplus
}
#endif

#endif

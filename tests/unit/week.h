/* SPDX-License-Identifier: MIT
 *
 * A device with an outbox on flash.h's flash, relays that go through the weather of weather.h, resets, and a clock nobody
 * should trust. A week passes in milliseconds. The ledger knows what became of each mail, what it cost, and how long it
 * waited while a relay would have taken it.
 */
#ifndef WEEK_H
#define WEEK_H

#include "flash.h"
#include "weather.h"

enum { WEEK_MAILS = 400, WEEK_SLOTS = 8, WEEK_RCPTS = 2, WEEK_S = 7 * 86400 };

/* Where a mail is, as far as the application can know. */
enum { NOT_POSTED, PERHAPS, STORED, ENDING, ENDED };

/* How a reset comes: at once, in a write to the flash, when a relay is offered the mail, when it has it. */
enum { RESET_NONE, RESET_NOW, RESET_WRITE, RESET_OFFERED, RESET_CAME, RESETS };

struct week_mail {
    uint8_t where;                         /* NOT_POSTED .. ENDED */
    uint8_t rcpts;                         /* a bit each */
    bool verified_only;                    /* all relays were verified when it was posted */
    bool last;                             /* its last report was read */
    bool may_fail;                         /* a relay that refuses mails for good was asked */
    uint8_t failed;                        /* recipients, a bit each */
    uint64_t posted_ms, came_ms, ended_ms; /* of the week: posted, first copy, last report; 0: not yet */
    uint64_t ran_ms;                       /* what the device had run when it was posted */
    uint64_t tls_ran_ms;                   /* and at its first TLS failure; 0: none */
    uint64_t life_ms;                      /* the device ran for so long from post to last report, */
    uint64_t first_ms;                     /* and to the first attempt */
    unsigned fresh;                        /* mails nobody had tried yet when it was posted */
    unsigned copies[WEEK_RCPTS], connections;
    unsigned doubts;              /* conversations behind which the mail may have been taken, or not */
    unsigned tries, attempts;     /* in which a relay was asked for; that the record counts */
    unsigned extra;               /* attempts that POLICY.md gives it beside P4, P11 and P16 */
    unsigned ours, resets;        /* attempts in a row that failed for want of a network; resets since it was posted */
    uint64_t wait_ms, longest_ms; /* while a relay would have taken it: now; the longest */
};

/* The attempt at work; relays are a bit each. */
struct week_attempt {
    bool begun;         /* a relay was asked for */
    bool took;          /* a relay has said that it took the mail, and that may not be stored yet */
    bool in_doubt;      /* a relay took it, and did not say so */
    uint8_t tls_failed; /* asked while it could not keep up TLS */
    uint8_t failed;     /* asked while P12 may have something against it */
};

struct week {
    struct flash flash;
    struct sim sim;
    struct mote_outbox outbox;
    struct mote_outbox_setup setup;
    struct mote_relay relays[WEATHER_RELAYS];
    struct mote_relay_state states[WEATHER_RELAYS];
    struct mote_slot slots[WEEK_SLOTS];
    struct mote_session session;
    struct mote_session_setup session_setup;
    char envelope[96];
    unsigned char buf[MOTE_SESSION_BUF_MIN];

    /* Set by the test. */
    struct weather_relay weather[WEATHER_RELAYS];
    struct weather_relay network; /* the device's own: not there unless MOOD_GOOD */
    uint8_t relays_most;          /* with each boot the device may know so many of them; 0: it knows them all */
    uint32_t crashes_to_s;        /* until then each attempt ends in a reset */
    uint32_t off_most_s;          /* behind a reset the device is off, so long at most */
    uint32_t quiet_s;             /* from then on no posts, no resets and no trouble with clocks */
    uint64_t reset_ms, post_ms;   /* the next ones; UINT64_MAX: none */
    void (*prepare)(unsigned number, unsigned relay,
                    struct sim_relay *sim); /* has the last word on what a mail finds */
    uint32_t dice;

    uint64_t time_ms;                 /* of the week */
    uint64_t ran_ms;                  /* that the device has run */
    uint32_t clock_ms;                /* the device's, as it was last seen */
    uint8_t reset_how;                /* the reset that is due, RESET_NONE .. RESET_CAME */
    uint8_t failed;                   /* relays that were not good, and have taken nothing since; a bit each */
    uint64_t down_ms[WEATHER_RELAYS]; /* what the device had run when this relay failed as a whole; 0: it has not */
    unsigned posted, full, resets, connections, kept; /* mails that went over a connection of another one */
    unsigned connected;                               /* the relay spoken to, */
    const struct spell *spell;                        /* and its weather when that began */
    struct week_attempt attempt;
    struct week_mail mails[WEEK_MAILS];
};

extern struct week week;

/* A week of good weather with so many relays, opportunistic ones that offer no TLS. Nothing is posted, nothing goes wrong. */
void week_set(unsigned relays, uint32_t seed);
void week_verified(unsigned relay);

/* Everything is drawn at random. */
void week_draw(uint32_t seed);

/* Posts a mail to these recipients, a bit each. Returns its number. */
unsigned week_post(uint8_t rcpts);

/* The second of the week. */
uint32_t week_s(void);

/* Lives on: to this second of the week; until no mail is left. */
void week_go(uint32_t until_s);
void week_end(void);

/* ---- week_mails.c: for week.c ------------------------------------------------------------------------------------- */

struct week_mail *week_mail(const struct mote_record *record);

/* A reset comes now, if it is due in this way. */
void week_reset(uint8_t how);

/* The attempt at work is about to ask for its first relay. */
void week_begins(struct week_mail *mail);

/* It asks this one. A relay that has just failed is left alone (P12). */
void week_asks(struct week_mail *mail, unsigned relay, const struct spell *spell);

/* For sim.h. Nothing is offered that has ended; nothing behind doubt (P9); nothing to relays the mail is barred from (P7); in
 * clear only with P5's leave; and what came is what was posted. */
void week_offered(void *ctx, struct sim *sim);
void week_came(void *ctx, struct sim *sim, const char *answer);

/* May an attempt of this mail, sooner or later, be taken by a relay as they are now? Not where one in front of it leaves
 * the mail in doubt (P9), or lets the attempt's time pass (P13). */
bool week_takes(const struct week_mail *mail);

/* After a boot: what is stored is what the application knows. No mail is lost, none comes back. */
void week_reconcile(void);

/* Reads the records in memory. They know of each attempt (P17). */
void week_note(void);

/* Reads a report, and takes note of it. No mail fails that no relay refused and that is not five days old; no relay is back
 * that never failed (P12). */
void week_report(void);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Relays and time: one attempt of one mail over all its relays (delivery), and many mails over hours and days (outbox).
 * Still no I/O and no clock: the port connects, talks and tells the time when asked.
 */
#ifndef MAILMOTE_OUTBOX_H
#define MAILMOTE_OUTBOX_H

#include "mailmote_policy.h"
#include "mailmote_session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Delivery: one attempt --------------------------------------------------------------------------------------- */

/* What mote_delivery_next() asks of the port. */
enum {
    MOTE_CONNECT = 1, /* connect to delivery.relay, then mote_delivery_connected() or mote_delivery_unreachable() */
    MOTE_TALK = 2,    /* pump delivery.session until it is MOTE_DONE, close the connection, and ask again */
    MOTE_FINISHED = 3 /* the attempt has ended: mote_delivery_result() */
};

/* One attempt. The fields are the delivery's own but where they say so. */
struct mote_delivery {
    const struct mote_relay *relay;   /* the port's to read: whom to connect to, and in clear or not: setup->clear */
    struct mote_session *session;     /* the port's to pump */
    struct mote_session_setup *setup; /* lent; helo, buffer, entropy and time are the port's, the rest is set here */
    const struct mote_relay *relays;
    struct mote_relay_state *states; /* one per relay, or NULL: no relay is left alone */
    struct mote_mail *mail;
    struct mote_plan plan;
    struct mote_result result;
    uint32_t now_s; /* the port's to set when a conversation has ended: for states */
    int8_t leg;
    uint8_t step;         /* MOTE_CONNECT .. MOTE_FINISHED */
    uint8_t relays_noted; /* P12: those whose failure was counted in this attempt */
    bool tls_failed;      /* P4: a relay's TLS failed in this attempt */
    bool arming;          /* P3: it was an opportunistic one's */
    bool suspect;         /* P16: mote_engine_suspect() of a conversation */
    bool left_alone;      /* P12: a relay was passed over */
    bool relay_up;        /* P12: a relay answered for the mail: time for mote_record_release() */
};

/* Begins an attempt. relays: in order of preference, 1..MOTE_RELAYS_MAX. record: the mail's, read here only (P5, P7,
 * P16); NULL: a first attempt, of which nothing is kept. now_s: seconds of a monotonic clock, for states. Session and setup are lent until MOTE_FINISHED; setup->helo, buf, buf_len and trace
 * are set by the caller, and before each mote_delivery_connected() fresh entropy, unix_s and (once) start_ms.
 * What is wrong with relays or recipients is MOTE_FINISHED with MOTE_MISUSE at the first
 * mote_delivery_next(): MOTE_CAUSE_TRUST (credentials without trust, no relay, too many), MOTE_CAUSE_TOO_MANY (more than
 * MOTE_RECORD_RCPTS recipients and a record), MOTE_CAUSE_NOBODY (each recipient has a final verdict). */
void mote_delivery_init(struct mote_delivery *delivery, const struct mote_relay *relays, size_t count,
                        struct mote_relay_state *states, struct mote_mail *mail, struct mote_session *session,
                        struct mote_session_setup *setup, const struct mote_record *record, uint32_t now_s);

/* P7: are all of them verified? Then a mail accepted for them has record.verified_only. */
bool mote_relays_verified(const struct mote_relay *relays, size_t count);

/* What to do next. */
uint8_t mote_delivery_next(struct mote_delivery *delivery);

/* The connection stands: the session begins. */
void mote_delivery_connected(struct mote_delivery *delivery);

/* It does not: MOTE_CAUSE_LOOKUP, MOTE_CAUSE_CONNECT, MOTE_CAUSE_TIMEOUT, or MOTE_CAUSE_ABORTED, which ends the
 * attempt. */
void mote_delivery_unreachable(struct mote_delivery *delivery, uint8_t cause);

/* Outcome of the attempt as a whole; each recipient's is in its mote_rcpt. DELIVERED and FAILED: no recipient is left.
 */
const struct mote_result *mote_delivery_result(const struct mote_delivery *delivery);

/* Takes the recipients' final verdicts into the record. To be stored before the end of the mail leaves for a later relay:
 * after a power cut it must not be asked about them again. */
void mote_record_verdicts(struct mote_record *record, const struct mote_mail *mail);

/* Takes the outcome of a finished attempt into the mail's record: attempts, P3's bit, final verdicts, the wait until
 * the next attempt (P4, P11). random: any 32 random bits. */
void mote_record_take(struct mote_record *record, const struct mote_delivery *delivery, uint32_t random);

/* ---- Storage: a piece of NOR flash, or a file that behaves like one ---------------------------------------------- */

/* Erased octets read 0xff. What is programmed is a multiple of 8 octets at a multiple of 8, once between two erases, and
 * perhaps once more with zeros (flash allows that even where it keeps an ECC for each 8 octets). Each function returns
 * false on failure. Power may go at any moment in any of them. */
struct mote_storage {
    bool (*read)(void *ctx, uint32_t at, void *buf, size_t len);
    bool (*program)(void *ctx, uint32_t at, const void *octets, size_t len);
    bool (*erase)(void *ctx, uint32_t block);
    void *ctx;
    uint32_t block_size; /* octets, a multiple of 8 */
    uint16_t block_count;
};

/* ---- Outbox: many mails over time -------------------------------------------------------------------------------- */

/* A mail in memory: 40 octets on a 32-bit machine; its envelope and text are in the storage. */
struct mote_slot {
    uint32_t len; /* octets in the storage; 0 = the slot is free */
    struct mote_record record;
};

/* Recipients of one mail in an outbox, at most. */
#define MOTE_OUTBOX_RCPTS 8

/* What the caller lends; it stays in place as long as the outbox is used. Two blocks of the storage are the log of the
 * mails' states, the others hold a mail each, or several of them one: cell_blocks. A block holds the states of
 * block_size / 48 / 2 mails. */
struct mote_outbox_setup {
    const struct mote_storage *storage;
    const struct mote_relay *relays; /* in order of preference */
    struct mote_relay_state *states; /* one per relay, zeros */
    uint8_t relay_count;
    struct mote_slot *slots;
    uint8_t slot_count;  /* mails at a time: (block_count - 2) / cell_blocks at most */
    uint8_t cell_blocks; /* blocks one mail may take */
    char *envelope;      /* room for the addresses of one mail, each with its NUL */
    uint16_t envelope_cap;
    struct mote_session *session;
    struct mote_session_setup *session_setup; /* as for mote_delivery_init() */
};

/* What mote_outbox_poll() asks of the port, besides MOTE_CONNECT and MOTE_TALK, which are delivery's (outbox.delivery).
 */
enum {
    MOTE_IDLE = 4,  /* nothing to do for mote_outbox_wait_s() seconds */
    MOTE_REPORT = 5 /* an attempt has ended: look at outbox.mail and outbox.last, then call mote_outbox_reported() */
};

/* The fields are the outbox's own but where they say so. To read what a relay replied, set text and text_cap of mail and
 * of rcpts, once, after mote_outbox_open(): at MOTE_REPORT they hold the reply whose code the result has, where it has one. */
struct mote_outbox {
    struct mote_delivery delivery; /* the port's, while MOTE_CONNECT and MOTE_TALK */
    struct mote_mail mail;         /* the application's to read at MOTE_REPORT: recipients and their results */
    struct mote_slot *slot;        /* likewise: the record; NULL when no mail is being worked on */
    bool last;    /* likewise: nothing more will be tried: all verdicts are final, or the mail expired */
    bool expired; /* likewise: P11; recipients without a final verdict are given up */
    struct mote_rcpt rcpts[MOTE_OUTBOX_RCPTS];
    const struct mote_outbox_setup *setup;
    uint32_t now_ms, now_s; /* of the last poll; seconds since the outbox was opened */
    uint32_t envelope;      /* octets of the mail's envelope */
    uint32_t log_seq;       /* of the log in use */
    uint16_t log_used;      /* records in it */
    bool unreadable;        /* a read of the storage has failed */
    uint8_t log;            /* its block */
    uint8_t next;           /* the slot the last mail went to: cells are worn evenly */
    uint8_t step;
};

/* Opens the outbox: finds the mails that are stored and their last states. Waits begin anew. Returns MOTE_CAUSE_NONE;
 * MOTE_CAUSE_STORAGE when the storage does not work; MOTE_CAUSE_FULL when it is too small for so many slots. *lost
 * counts stored mails that cannot be read any more. */
uint8_t mote_outbox_open(struct mote_outbox *outbox, const struct mote_outbox_setup *setup, uint32_t now_ms,
                         uint16_t *lost);

/* Accepts a mail: from then on it survives power cuts until its end was reported. id: 8 random octets, the left part of
 * the mail's Message-ID in hexadecimal. Returns MOTE_CAUSE_NONE, or why the mail was not taken: MOTE_CAUSE_FULL,
 * MOTE_CAUSE_ADDRESS, MOTE_CAUSE_TEXT, MOTE_CAUSE_STORAGE. The mails that are stored stay as they are. A mail whose id
 * is stored already is taken for the same one. Reads the text twice. */
uint8_t mote_outbox_post(struct mote_outbox *outbox, struct mote_mail *mail, const uint8_t id[8], uint32_t now_ms);

/* What to do next. Call it when the wait is over, after a post, and after each thing it asked for. random: any 32
 * random bits. */
uint8_t mote_outbox_poll(struct mote_outbox *outbox, uint32_t now_ms, uint32_t random);

/* Seconds until a mail is due; UINT32_MAX when there is none. */
uint32_t mote_outbox_wait_s(const struct mote_outbox *outbox);

/* At MOTE_WANT_COMMIT of the session: stores that the mail may have been sent, then lets its end leave. */
void mote_outbox_commit(struct mote_outbox *outbox);

/* The application has seen the report. */
void mote_outbox_reported(struct mote_outbox *outbox);

#ifdef __cplusplus
}
#endif

#endif

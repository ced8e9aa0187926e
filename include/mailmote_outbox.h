/* SPDX-License-Identifier: MIT
 *
 * Relays and time: one attempt of one mail over all its relays (delivery), and many mails over hours and days (outbox).
 * Still no I/O and no clock: the port connects, talks and tells the time when asked.
 */
#ifndef MAILMOTE_OUTBOX_H
#define MAILMOTE_OUTBOX_H

#include "mailmote_message.h"
#include "mailmote_policy.h"
#include "mailmote_session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Delivery: one attempt --------------------------------------------------------------------------------------- */

/* What mote_delivery_next() asks of the port. */
enum {
    MOTE_CONNECT = 1, /* connect to delivery.relay, then mote_delivery_connected() or mote_delivery_unreachable() */
    /* Pump delivery.session until it is MOTE_DONE or MOTE_WANT_MAIL. At MOTE_DONE close the connection. Ask again, which reads the
     * session's result: who wipes the session does it behind that. */
    MOTE_TALK = 2,
    MOTE_FINISHED = 3 /* the attempt has ended: mote_delivery_result() */
};

/* One attempt. The fields are the delivery's own but where they say so. */
struct mote_delivery {
    const struct mote_relay *relay;   /* the port's to read: whom to connect to, and in clear or not: setup->clear */
    struct mote_session *session;     /* the port's to pump */
    struct mote_session_setup *setup; /* lent; helo, buffer, entropy and time are the port's, the rest is set here */
    int8_t leg;
    uint8_t at, bit; /* the relay of the leg: its place among relays; and as a bit */
    uint8_t step;    /* MOTE_CONNECT .. MOTE_FINISHED */
    bool tls_failed; /* P4: a relay's TLS failed in this attempt */
    bool arming;     /* P3: it was an opportunistic one's */
    bool suspect;    /* P16: mote_engine_suspect() of a conversation */
    bool left_alone; /* P12: a relay was passed over */
    uint32_t back_s; /* and the first of those will be asked again so many seconds after the attempt began */
    struct mote_plan plan;
    uint16_t all;    /* P10: a bit of each relay; the port's to add to, for those that there are besides */
    bool kept;       /* the session has a connection on which the relay may be given another mail */
    bool closed;     /* P12: a relay took no other mail on such a connection, whoever it is from */
    bool relay_back; /* P12: a relay that had failed answered for the mail: time for mote_record_release() */
    const struct mote_relay *relays;
    struct mote_relay_state *states; /* one per relay, or NULL: no relay is left alone */
    struct mote_mail *mail;
    struct mote_result result;
    uint32_t now_s;   /* the port's to set when a conversation has ended: for states, and for what follows */
    uint32_t since_s; /* when the leg began */
    uint32_t most_s;  /* P13: what the leg took that took the longest so far */
    uint8_t slowest;  /* and its relay, by its place */
};

/* Begins an attempt. relays: in order of preference, 1..MOTE_RELAYS_MAX. record: the mail's, read here only (P5, P7,
 * P16); NULL: a first attempt, of which nothing is kept. now_s: seconds of a monotonic clock, for states. Session and
 * setup are lent until MOTE_FINISHED; setup->helo, buf, buf_len and trace are set by the caller, and before each
 * mote_delivery_connected() fresh entropy, unix_s and (once) start_ms.
 * What is wrong with relays or recipients is MOTE_FINISHED with MOTE_MISUSE at the first mote_delivery_next():
 *   MOTE_CAUSE_SETUP      no relay, or more than MOTE_RELAYS_MAX
 *   MOTE_CAUSE_TRUST      a relay's trust is not set, or its tls is neither MOTE_TLS_STARTTLS nor MOTE_TLS_IMPLICIT
 *   MOTE_CAUSE_LOGIN      a login for an opportunistic relay
 *   MOTE_CAUSE_ADDRESS    rcpts is NULL
 *   MOTE_CAUSE_TOO_MANY   more than MOTE_RECORD_RCPTS recipients, and a record
 *   MOTE_CAUSE_NOBODY     each recipient has a final verdict */
void mote_delivery_init(struct mote_delivery *delivery, const struct mote_relay *relays, size_t count,
                        struct mote_relay_state *states, struct mote_mail *mail, struct mote_session *session,
                        struct mote_session_setup *setup, const struct mote_record *record, uint32_t now_s);

/* P7: are all of them verified? Then a mail accepted for them has record.verified_only. */
bool mote_relays_verified(const struct mote_relay *relays, size_t count);

/* What to do next. */
uint8_t mote_delivery_next(struct mote_delivery *delivery);

/* The connection stands: the session begins. */
void mote_delivery_connected(struct mote_delivery *delivery);

/* A connection is kept from the mail before, which was delivered with the same session (delivery.kept, which mote_delivery_init()
 * leaves false), and the delivery asks to connect. True: it leads to the relay that is asked, and the session has the mail now. False: it does
 * not, and the session says QUIT. Either way pump the session, and ask again. */
bool mote_delivery_resume(struct mote_delivery *delivery);

/* It does not: MOTE_CAUSE_LOOKUP, MOTE_CAUSE_CONNECT, MOTE_CAUSE_TIMEOUT; MOTE_CAUSE_NO_NETWORK or
 * MOTE_CAUSE_NO_MEMORY, which is no failure of the relay (P12); or MOTE_CAUSE_ABORTED or MOTE_CAUSE_DEADLINE, which end
 * the attempt. */
void mote_delivery_unreachable(struct mote_delivery *delivery, uint8_t cause);

/* The attempt cannot go on, for a cause of the caller's: the mail is deferred. Not while a session is under way. */
void mote_delivery_fail(struct mote_delivery *delivery, uint8_t cause);

/* Outcome of the attempt as a whole; each recipient's is in its mote_rcpt. DELIVERED and FAILED: no recipient is left.
 */
static inline const struct mote_result *mote_delivery_result(const struct mote_delivery *delivery)
{
    return &delivery->result;
}

/* Takes the recipients' final verdicts into the record. */
void mote_record_verdicts(struct mote_record *record, const struct mote_mail *mail);

/* P9: the end of the mail may leave now (MOTE_WANT_COMMIT). Takes that into the record, with the verdicts there are, and that another
 * relay is asked first should this end in doubt. To be stored, and only then committed. */
void mote_record_sent(struct mote_record *record, const struct mote_delivery *delivery);

/* Has each recipient a final verdict? */
bool mote_record_settled(const struct mote_record *record);

/* Takes the outcome of a finished attempt into the mail's record: attempts, P3's bit, final verdicts, the wait until
 * the next attempt (P4, P11). random: any 32 random bits. */
void mote_record_take(struct mote_record *record, const struct mote_delivery *delivery, uint32_t random);

/* ---- Storage: a piece of NOR flash, or a file that behaves like one ---------------------------------------------- */

/* Blocks are erased, and then read as 0xff. Units are programmed, one at a time, and never again before the next erase of
 * their block: flash that refuses a second write, or keeps an ECC for each unit, is fine. Power may go at any moment in any
 * of the functions. A unit whose program was cut may read as anything, or not at all; what is in other units stays.
 * Each function returns false on failure, and true only when it is done. */
struct mote_storage {
    /* Any octets. False also on an ECC error. */
    bool (*read)(void *ctx, uint32_t at, void *buf, size_t len);
    /* A unit: len is program_size, at a multiple of it. */
    bool (*program)(void *ctx, uint32_t at, const void *octets, size_t len);
    bool (*erase)(void *ctx, uint32_t block);
    void *ctx;
    uint32_t block_size;  /* octets; a multiple of program_size */
    uint16_t block_count; /* all of the storage is less than 4 GiB */
    /* Octets of a unit: 8, 16, 32, 64, 128 or 256. What the flash programs at once, or more: fewer calls. */
    uint16_t program_size;
};
#define MOTE_PROGRAM_MAX 256

/* ---- Outbox: many mails over time -------------------------------------------------------------------------------- */

/* Recipients of one mail in an outbox, at most. */
#define MOTE_OUTBOX_RCPTS 8

/* A mail in memory: 56 octets on a 32-bit machine; its envelope and text are in the storage. */
struct mote_slot {
    struct mote_record record; /* the application's to read at MOTE_REPORT, through outbox.slot */

    /* The outbox's own. */
    uint32_t len;   /* octets in the storage; 0 = the slot is free */
    uint8_t erased; /* blocks of its cell that are erased */
    bool worn;      /* its cell could not be read, erased or programmed: the last one to be used */
};

/* What the caller lends. It stays in place, and is not changed, as long as the outbox is used. A new release of the firmware has
 * the same sizes, and no smaller envelope_cap, or the mails that are stored are not found.
 *
 * The first two blocks of the storage are a log of what becomes of the mails. Behind them each slot has a cell: cell_blocks
 * blocks that hold one mail. With
 *     head  = 16, or program_size where that is more
 *     state = 48, rounded up to a multiple of program_size
 * there may be as many slots as
 *     (block_count - 2) / cell_blocks, and
 *     block_size / state / 2;
 * and the largest mail has, with its addresses (each with a NUL) and its size on the wire (mote_mail.size),
 *     cell_blocks * block_size - head - 44 octets.
 *
 * Wear: a mail that is delivered at its first attempt erases its cell once and adds 5 states to the log, 2 more for each failed
 * attempt before. The cells are used in turn. After each block_size / state - slot_count - 2 states a block of the log is erased,
 * the two in turn. With blocks of 4,096 octets, units of 8 and 8 slots each block of the log is erased once in 30 mails. */
struct mote_outbox_setup {
    const struct mote_storage *storage;
    const struct mote_relay *relays; /* in order of preference */
    struct mote_relay_state *states; /* one per relay, zeros; NULL: no relay is left alone (P12) */
    uint8_t relay_count;             /* 1..MOTE_RELAYS_MAX */
    struct mote_slot *slots;
    uint8_t slot_count;  /* mails at a time */
    uint8_t cell_blocks; /* more of them: larger mails */
    char *envelope;      /* room for the addresses of one mail, each with its NUL */
    uint16_t envelope_cap;
    struct mote_session *session;
    struct mote_session_setup *session_setup; /* as for mote_delivery_init() */
};

/* Mails on one connection, at most; another one is begun after MOTE_ATTEMPT_S as well. */
#ifndef MOTE_CONNECTION_MAILS
#define MOTE_CONNECTION_MAILS 100
#endif

/* Blocks of a cell whose mail has up to so many octets, addresses included; and blocks of a storage. */
#define MOTE_CELL_BLOCKS(mail_octets, block_size, program_size)                                                        \
    (((mail_octets) + 44 + ((program_size) > 16 ? (program_size) : 16) + (block_size)-1) / (block_size))
#define MOTE_STORAGE_BLOCKS(slots, cell_blocks) (2 + (slots) * (cell_blocks))

/* Declares an outbox, NAME, and all that is lent to it, in static memory:
 *     MOTE_OUTBOX(alerts, relays, &flash, 4, MOTE_CELL_BLOCKS(2000, 4096, 8), 256, MOTE_SESSION_BUF_FULL);
 * After the name: the array of relays; a pointer to the storage, or NULL and set later; slots; blocks of a cell; octets for the
 * addresses of one mail; and for a TLS record, MOTE_SESSION_BUF_MIN .. MOTE_SESSION_BUF_FULL. Besides NAME it declares NAME_setup, for
 * mote_outbox_open(), and what that points to; in NAME_session_setup a helo may be set. In C only, and at file scope. */
#define MOTE_OUTBOX(name, relays_, storage_, slots_, cell_blocks_, envelope_octets, record_buf_octets)                 \
    MOTE_OUTBOX_HAS(name##_relays_1_to_8, sizeof(relays_) / sizeof *(relays_), MOTE_RELAYS_MAX);                       \
    MOTE_OUTBOX_HAS(name##_slots_1_to_255, slots_, UINT8_MAX);                                                         \
    MOTE_OUTBOX_HAS(name##_cell_blocks_1_to_255, cell_blocks_, UINT8_MAX);                                             \
    MOTE_OUTBOX_HAS(name##_envelope_octets_1_to_65535, envelope_octets, UINT16_MAX);                                   \
    static struct mote_session name##_session;                                                                         \
    static uint8_t name##_records[record_buf_octets];                                                                  \
    static struct mote_session_setup name##_session_setup = {.buf = name##_records, .buf_len = sizeof name##_records}; \
    static struct mote_relay_state name##_states[sizeof(relays_) / sizeof *(relays_)];                                 \
    static struct mote_slot name##_slots[slots_];                                                                      \
    static char name##_envelope[envelope_octets];                                                                      \
    static struct mote_outbox_setup name##_setup = {.storage = (storage_),                                             \
                                                    .relays = (relays_),                                               \
                                                    .states = name##_states,                                           \
                                                    .relay_count = sizeof(relays_) / sizeof *(relays_),                \
                                                    .slots = name##_slots,                                             \
                                                    .slot_count = (slots_),                                            \
                                                    .cell_blocks = (cell_blocks_),                                     \
                                                    .envelope = name##_envelope,                                       \
                                                    .envelope_cap = sizeof name##_envelope,                            \
                                                    .session = &name##_session,                                        \
                                                    .session_setup = &name##_session_setup};                           \
    static struct mote_outbox name

/* A number that the outbox's setup cannot hold does not compile, and the compiler names the array that says why. */
#define MOTE_OUTBOX_HAS(what, number, most) typedef char what[(number) > 0 && (number) <= (most) ? 1 : -1]

/* What mote_outbox_poll() asks of the port, besides MOTE_CONNECT and MOTE_TALK, which are delivery's (outbox.delivery). */
enum {
    /* Nothing to do for mote_outbox_wait_s() seconds; but where outbox.tidying is set better ask again at once. */
    MOTE_IDLE = 4,
    /* An attempt has ended: look at mail, slot->record, last and expired; then mote_outbox_reported(). */
    MOTE_REPORT = 5
};

/* What the outbox sets. What is for the application to read, at MOTE_REPORT, and for the port is marked so; the rest is the
 * outbox's own. To be told what relays reply, set reply_text and reply_text_cap in mail and in rcpts once, after
 * mote_outbox_open(): at MOTE_REPORT they hold the reply whose code the result has, that to a recipient alone in its own, and never
 * one to another mail; the room stays lent from mail to mail. */
struct mote_outbox {
    /* Application: this mail is not tried again. */
    bool last;
    /* Application: it is too old (P11), and has failed for whom it has not reached. */
    bool expired;
    /* Port, at MOTE_IDLE: a block was erased for mails to come, and there may be another one. */
    bool tidying;

    uint8_t step;                 /* of the mail being worked on: MOTE_CONNECT .. MOTE_REPORT; 0 when there is none */
    uint8_t log;                  /* block of the log in use */
    uint8_t mails, mails_max;     /* begun on the connection; as many as the relay takes on one */
    bool log_worn;                /* the log's other block failed when it was begun last */
    bool leaving;                 /* the session says QUIT on a connection that no mail is left for */
    uint8_t next;                 /* the slot the mail accepted last went to */
    uint8_t closed;               /* why it could not be opened, MOTE_CAUSE_NONE when it is open */
    bool hurried;                 /* mote_outbox_hurry() during an attempt */
    bool readable;                /* something could be read */
    uint16_t number;              /* of the mail accepted last */
    uint32_t log_used, log_cap;   /* states in the log; it holds */
    uint16_t head_len, state_len; /* of a head and a state in the storage: whole units */
    const struct mote_outbox_setup *setup;
    struct mote_slot *slots, *slots_end; /* the first, and behind the last; NULL where it could not be opened */
    uint32_t room;                       /* octets a cell has for record, envelope and text */
    uint32_t log_seq;                    /* of the log in use */
    uint32_t now_ms, now_s;              /* of the last call; seconds since the outbox was opened */
    uint32_t connected_s;                /* when the connection was begun */
    uint32_t lived_s;                    /* when states are stored next though nothing happened */
    uint32_t front_len;                  /* octets in front of the mail's text */
    uint32_t front_crc, crc, whole_crc;  /* of them; of what was read of the mail so far; of all of it */

    /* Application: slot->record is the mail's. NULL when no mail is being worked on. */
    struct mote_slot *slot;
    /* Application: recipients and their results. The addresses are empty where the mail cannot be read in the storage
     * (MOTE_CAUSE_STORAGE). */
    struct mote_mail mail;
    struct mote_rcpt rcpts[MOTE_OUTBOX_RCPTS]; /* those of mail */
    /* Port, from MOTE_CONNECT until the next step. */
    struct mote_delivery delivery;
};

/* Opens the outbox: finds the mails that are stored, with their last states.
 *   now_ms   a monotonic millisecond counter, here and below. It may wrap; it must be shown at least every 24 days
 *   off_s    seconds before now_ms that the outbox has not seen: the device was off or asleep, or has been up for so long;
 *            0 = unknown: each mail then waits again for what it had left to wait at its last attempt. Never makes a
 *            cleartext attempt possible (P5)
 *   random   any 32 random bits, for the wait of an attempt that never ended (P17)
 *   *lost    how many stored mails cannot be read any more. Each is counted at every boot, until another mail takes its place. A
 *            mail that was never tried and has lost its head is not counted: a post that a power cut ended looks the same
 * Returns
 *   MOTE_CAUSE_NONE
 *   MOTE_CAUSE_SETUP     a pointer is NULL, a count is 0, a size is none that is allowed, slots do not fit; or the storage is of an
 *                        outbox with another slot_count, cell_blocks, block_size or program_size: open it with those, or erase
 *                        all of it. Nothing was touched
 *   MOTE_CAUSE_STORAGE   nothing can be read, or no log be written: try again later
 * Any change of these four sizes is seen, wherever in the storage the log of the other outbox is, as long as a mark in it can be read:
 * where no log is found all of the storage is looked through once, 44 octets at every eighth, or at every 48th where it is erased. Not
 * seen is what the storage does not have any more: it must not begin behind where it began, nor end in front of that log. Marks that
 * earlier releases have written tell only one sum of the four: where two are equal, as with 4,096 and 16 and with 8,192 and 32 octets, a
 * change may not be seen. */
uint8_t mote_outbox_open(struct mote_outbox *outbox, const struct mote_outbox_setup *setup, uint32_t now_ms,
                         uint32_t off_s, uint32_t random, uint16_t *lost);

/* Accepts a mail: from then on it survives power cuts until its end was reported. id: 8 octets that no other mail has,
 * best random ones; in hexadecimal they are the left part of the Message-ID, which the text is to say. The text is read
 * twice, and once more for each cell that turns out not to keep it; nothing of the mail is needed afterwards. May be called while
 * another mail is being sent. Returns
 *   MOTE_CAUSE_NONE        it is stored
 *   MOTE_CAUSE_DUPLICATE   a mail with this id is stored already; this one was not taken
 *   MOTE_CAUSE_FULL        every slot holds a mail: later
 * and, for this mail never,
 *   MOTE_CAUSE_TOO_BIG     it does not fit into a cell
 *   MOTE_CAUSE_TOO_MANY    it has more than MOTE_OUTBOX_RCPTS recipients
 *   MOTE_CAUSE_ADDRESS     it has no recipient, or an address is NULL or none
 *   MOTE_CAUSE_BUFFER      its addresses do not fit into envelope_cap
 *   MOTE_CAUSE_TEXT        the text holds a NUL, or was another one when it was read again
 * and
 *   MOTE_CAUSE_STORAGE     no free cell keeps it, or the text's own source cannot be read
 * and, where the outbox is not open, what mote_outbox_open() returned; before that, of an outbox of zeros, MOTE_CAUSE_SETUP, and all
 * that is below does nothing.
 * The mails that are stored stay as they are. */
uint8_t mote_outbox_post(struct mote_outbox *outbox, struct mote_mail *mail, const uint8_t id[8], uint32_t now_ms);

/* Posts a message, to all addresses of its To and Cc. id: as for mote_outbox_post(); the Message-ID is made of it and of the domain of
 * From ("@mailmote.invalid" where that is UTF-8 or longer than a Message-ID may be), and message->id is not looked at. To try again
 * after MOTE_CAUSE_FULL or MOTE_CAUSE_STORAGE, give the same id: the mail cannot be stored twice. Nothing of message is needed
 * afterwards. Returns what mote_outbox_post() returns, and
 *   MOTE_CAUSE_NO_ENTROPY  id is NULL: there were no random octets for it
 *   MOTE_CAUSE_HEADER      mote_message_check() refused a field; mote_message_wrong() says which one, once message->id is set */
uint8_t mote_outbox_alert(struct mote_outbox *outbox, const struct mote_message *message, const uint8_t *id,
                          uint32_t now_ms);

/* What to do next. Call it when the wait is over, after a post, and after each thing it asked for. random: any 32
 * random bits. Reports a mail whose storage fails, as an attempt with MOTE_CAUSE_STORAGE. One call erases one block of a cell at
 * most, and one of the log; of a log that cannot be erased or programmed up to four. */
uint8_t mote_outbox_poll(struct mote_outbox *outbox, uint32_t now_ms, uint32_t random);

/* Seconds until a mail is due; UINT32_MAX when there is none. */
uint32_t mote_outbox_wait_s(const struct mote_outbox *outbox);

/* At MOTE_WANT_COMMIT of the session: stores that the mail may have been sent, then lets its end leave. Where that cannot be
 * stored the session fails with MOTE_CAUSE_STORAGE (P9). */
void mote_outbox_commit(struct mote_outbox *outbox);

/* The application has seen the report. Until then poll answers MOTE_REPORT and NO OTHER MAIL IS SENT. After a last report
 * the mail is gone; if the power goes before, it is reported again at the next boot. */
void mote_outbox_reported(struct mote_outbox *outbox);

/* Takes a mail back: it is not tried again, and not reported. False when there is none with this id, when it is being
 * sent or reported right now, or when that cannot be stored (then it is not tried again before the next boot). */
bool mote_outbox_cancel(struct mote_outbox *outbox, const uint8_t id[8]);

/* The network is there, the clock is set, somebody pressed "send now": every mail is due, and no relay is left alone (P12).
 * An attempt that is under way goes on; what it finds is not held against relay or mail. Does not bring a mail nearer to a
 * cleartext attempt (P5). */
void mote_outbox_hurry(struct mote_outbox *outbox);

#ifdef __cplusplus
}
#endif

#endif

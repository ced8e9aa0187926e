/* SPDX-License-Identifier: MIT
 *
 * mailmote: submits mail by SMTP (RFC 5321) from small systems. This header is the one must-read: the mail, its
 * outcome, and the engine that holds one SMTP conversation. Most programs want mailmote_session.h (the engine with TLS)
 * or mailmote_posix.h (all of it on sockets).
 *
 * Conventions of all headers:
 *
 * NULL       A pointer must not be NULL where its comment does not say what NULL means.
 * Strings    end with NUL, are UTF-8, and are not changed.
 * Zero       Start every struct with zeros, then set what you need: 0 is the strict choice, or refused. A struct whose fields say
 *            "the library's own" is read and written by the functions that take it, and by nobody else.
 * Lifetimes  What a struct points to must live, unchanged, as long as the functions that take the struct are called,
 *            where nothing else is said. Results are yours to keep.
 * Units      stand in the names: _ms milliseconds, _s seconds, _len octets used, _cap octets there is room for. now_ms is any
 *            counter of milliseconds that never jumps; it may wrap, and a value a little older than the last is taken for it.
 * Threads    Nothing is shared: several objects may be used side by side, each by one thread at a time.
 * Callbacks  must not call mailmote, but for what their comment names.
 * Errors     Functions that can fail return MOTE_CAUSE_NONE or a cause. A conversation never returns an error: it ends, and
 *            its result has a verdict (what to do), a cause (why) and a step (where).
 */
#ifndef MAILMOTE_H
#define MAILMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version: the numbers for comparing, the string for people. */
#define MAILMOTE_VERSION        "0.2.0"
#define MAILMOTE_VERSION_NUMBER 0x000200 /* two digits each of major, minor, patch */

/* ---- Outcomes. The values are fixed for ever: they are stored in flash. ---------------------------------------- */

/* What to do with a recipient or a mail. */
enum mote_verdict {
    MOTE_PENDING = 0,   /* nothing is known yet */
    MOTE_DELIVERED = 1, /* the relay answered 2xx to the end of the mail: it is its mail now */
    MOTE_DEFERRED = 2,  /* not taken: try again later, or another relay now */
    MOTE_FAILED = 3,    /* refused for good: tell the sender, do not try again */
    MOTE_IN_DOUBT = 4,  /* the whole mail may have arrived and no answer came: try later, same Message-ID */
    MOTE_MISUSE = 5 /* the caller's arguments are wrong. No relay was given this mail, unless an earlier one took it:
                         * a recipient it delivered to stays delivered. Mend them, then try again */
};

/* Why. The tens tell whose side: 1x link, 2x TLS and trust, 3x the relay's protocol, 4x its refusal, 5x and 6x ours. */
enum mote_cause {
    MOTE_CAUSE_NONE = 0,
    MOTE_CAUSE_LOOKUP = 10,     /* the relay's name has no address */
    MOTE_CAUSE_CONNECT = 11,    /* no connection to the relay */
    MOTE_CAUSE_LOST = 12,       /* connection closed or reset before the reply */
    MOTE_CAUSE_TIMEOUT = 13,    /* a step's time limit passed (RFC 5321 4.5.3.2) */
    MOTE_CAUSE_DEADLINE = 14,   /* the attempt's time passed (MOTE_ATTEMPT_S) */
    MOTE_CAUSE_LEFT_ALONE = 15, /* every relay failed a short while ago and is left alone for now */
    MOTE_CAUSE_BARRED = 16,     /* accepted for verified relays only, and those that are left are not (P7) */
    MOTE_CAUSE_CLOSED = 17,     /* the relay takes no other mail on this connection; try again on a new one (P12) */
    MOTE_CAUSE_TLS_NOT_OFFERED = 20,   /* TLS is required and STARTTLS was not offered */
    MOTE_CAUSE_TLS_REFUSED = 21,       /* STARTTLS was answered by something else than 220 */
    MOTE_CAUSE_TLS_HANDSHAKE = 22,     /* garbage, alert or error in the handshake */
    MOTE_CAUSE_TLS_NO_COMMON = 23,     /* no version or cipher suite in common */
    MOTE_CAUSE_CERT_UNTRUSTED = 24,    /* no chain to a trust anchor */
    MOTE_CAUSE_CERT_NAME = 25,         /* the certificate is for another name, or for all of a top-level domain */
    MOTE_CAUSE_CERT_DATE = 26,         /* expired or not yet valid */
    MOTE_CAUSE_CERT_INVALID = 27,      /* malformed, weak or unsupported certificate */
    MOTE_CAUSE_CERT_PIN = 28,          /* the public key is not the pinned one */
    MOTE_CAUSE_TLS_RECORD = 29,        /* a record broken, or larger than the buffer lent, after the handshake */
    MOTE_CAUSE_PROTOCOL = 30,          /* a reply that is not SMTP, or not one this command can have */
    MOTE_CAUSE_UNEXPECTED = 31,        /* octets that no command explains, e.g. after the 220 to STARTTLS */
    MOTE_CAUSE_REPLY_TOO_LONG = 32,    /* over 128 lines or 16 KiB */
    MOTE_CAUSE_LOGIN_NOT_OFFERED = 33, /* no AUTH mechanism in common */
    MOTE_CAUSE_NO_8BITMIME = 34,       /* the mail is 8-bit and the relay takes 7-bit only (RFC 6152) */
    MOTE_CAUSE_NO_SMTPUTF8 = 35,       /* an address is not ASCII and the relay wants ASCII (RFC 6531) */
    MOTE_CAUSE_REFUSED = 40,           /* 4xx or 5xx; the step says to what. To AUTH: 4xx, 500 to 504, 530, 538 */
    MOTE_CAUSE_LOGIN_REFUSED = 41,     /* 535 to AUTH, or its like: user name, password or token refused */
    MOTE_CAUSE_TOO_BIG = 42,           /* over the SIZE the relay offered (RFC 1870) */
    MOTE_CAUSE_ADDRESS = 50,           /* sender or recipient is no RFC 5321 address */
    MOTE_CAUSE_HELO = 51,              /* EHLO name is empty, "localhost" or no host name */
    MOTE_CAUSE_LOGIN = 52,             /* half a login, or a login for a relay that is not verified */
    MOTE_CAUSE_TRUST = 53,             /* trust not set, or without the name it needs; TLS mode unknown */
    MOTE_CAUSE_BUFFER = 54,            /* the buffer lent is too small */
    MOTE_CAUSE_TEXT = 55,              /* the text holds a NUL, or is not what was measured, if it was */
    MOTE_CAUSE_NO_ENTROPY = 56,        /* TLS needs 32 random octets, an alert 8 for its id, and got none */
    MOTE_CAUSE_NO_TIME = 57,           /* the chain's dates need the time and it is unknown */
    MOTE_CAUSE_HEADER = 58,            /* a header value holds CR, LF or another control octet */
    MOTE_CAUSE_ABORTED = 59,           /* the caller gave up */
    MOTE_CAUSE_FULL = 60,              /* no room for another mail */
    MOTE_CAUSE_STORAGE = 61,           /* the storage does not keep what it is given, or cannot be read */
    MOTE_CAUSE_NO_NETWORK = 62,        /* no route, no address of our own, no name server */
    MOTE_CAUSE_NO_MEMORY = 63,         /* no memory, socket or descriptor for a connection */
    MOTE_CAUSE_TOO_MANY = 64,          /* more recipients than one mail may have here */
    MOTE_CAUSE_NOBODY = 65,            /* no recipient is left: each has a final verdict, perhaps of an earlier mail */
    MOTE_CAUSE_DUPLICATE = 66,         /* a mail with this id is stored already */
    MOTE_CAUSE_SETUP = 67, /* a size or pointer of the setup is wrong, or there is none: not opened, not begun */
    MOTE_CAUSE_DNS = 68,   /* DNS did not tell who takes mail for the domain, or how it proves who it is (port/dane) */
    MOTE_CAUSE_BOGUS = 69, /* DNSSEC refuses what DNS tells (port/dane) */
    MOTE_CAUSE_TLSA = 70   /* of the command alone: MOTE_CAUSE_CERT_PIN where TLSA records decided (port/dane) */
};

/* The step of the conversation an outcome comes from. mote_step_name() gives its name. */
enum mote_step {
    MOTE_STEP_CONNECT = 0,
    MOTE_STEP_GREETING = 1,
    MOTE_STEP_EHLO = 2,
    MOTE_STEP_HELO = 3,
    MOTE_STEP_STARTTLS = 4,
    MOTE_STEP_HANDSHAKE = 5,
    MOTE_STEP_AUTH = 6,
    MOTE_STEP_MAIL = 7,
    MOTE_STEP_RCPT = 8,
    MOTE_STEP_DATA = 9,
    MOTE_STEP_END = 10, /* end of the mail: the final dot, or the last octet of BDAT LAST */
    MOTE_STEP_QUIT = 11,
    MOTE_STEP_RSET = 12 /* before a mail that follows, on one connection, a mail that was not delivered */
};

/* Bits of mote_result.tls. */
enum {
    MOTE_TLS_TRIED = 1,  /* STARTTLS was written, or implicit TLS begun */
    MOTE_TLS_SECURED = 2 /* the handshake was good (and the relay verified, where trust asks for it) */
};

struct mote_result {
    uint8_t verdict;  /* enum mote_verdict */
    uint8_t cause;    /* enum mote_cause */
    uint8_t step;     /* enum mote_step; with MISUSE it says nothing */
    uint8_t tls;      /* MOTE_TLS_TRIED | MOTE_TLS_SECURED as they stood then */
    uint16_t code;    /* reply code 200..599, 0 without a reply. A 221 that no QUIT asked for is a 421 here (P14) */
    uint16_t subject; /* enhanced status code (RFC 3463): "550 5.7.1 go away" is code 550, subject 7, detail 1; */
    uint16_t detail;  /* 0 and 0 when the reply had none */
};

/* ---- The mail ---------------------------------------------------------------------------------------------------- */

struct mote_rcpt {
    const char *address; /* local-part@domain, no angle brackets */
    /* Where to keep the text of this recipient's own reply, or NULL: printable, ended by NUL. A conversation that asks about the
     * recipient begins with an empty one. */
    char *reply_text;
    uint16_t reply_text_cap; /* octets at reply_text, the NUL included */

    /* Final once its verdict is DELIVERED or FAILED: such a recipient is not asked again. So a struct that served one mail
     * must be zeroed before it serves the next; a mail with nobody left to ask is MISUSE with MOTE_CAUSE_NOBODY. */
    struct mote_result result;

    /* The library's own. */
    bool excluded;       /* left out of the next conversation */
    bool in_transaction; /* offered in this conversation */
    uint8_t unfit;       /* relays that cannot carry the mail to it as it is (P10), a bit each */
    uint8_t deferred_by; /* relays that said 4xx to it inside TLS in this attempt, a bit each */
};

/* The needs of a mail, found by mote_mail_measure(). */
enum {
    MOTE_NEEDS_8BITMIME = 1, /* the text has octets over 127 */
    MOTE_NEEDS_SMTPUTF8 = 2  /* an address has */
};

/* What mote_mail.read returns when its source fails. */
#define MOTE_READ_FAILED SIZE_MAX

struct mote_mail {
    const char *from;        /* envelope sender, or "" for the null sender <> */
    struct mote_rcpt *rcpts; /* 1 to 65,533 of them */
    uint16_t rcpt_count;

    /* The text: a whole RFC 5322 message, lines ended by CR LF, LF or CR. Writes at most cap octets (cap > 0) to buf
     * and returns how many; 0 is the end. offset is where the last call ended; 0 starts the text again (measuring, and
     * each conversation). It must give the same octets each time. MOTE_READ_FAILED: the text cannot be read now, and the
     * mail is deferred with MOTE_CAUSE_STORAGE. */
    size_t (*read)(void *ctx, size_t offset, void *buf, size_t cap);
    void *ctx;

    /* Set by mote_mail_measure(). */
    uint32_t size; /* octets on the wire */
    uint8_t needs; /* MOTE_NEEDS_..., and marks of the library's own */

    /* Where to keep the relay's last reply to the mail as a whole, or NULL: printable, ended by NUL. A conversation begins with an
     * empty one. */
    char *reply_text;
    uint16_t reply_text_cap; /* octets at reply_text, the NUL included */
};

/* Reads the text once to its end and sets size and needs; it costs one reading of the text. Who begins conversations with an
 * engine, a session or a delivery calls it first, once for each mail and again when the text is another one. mote_outbox_post()
 * calls it by itself, and the POSIX port where size is 0. A text that was not measured, or is not what was measured, is sent
 * up to its end and not submitted: MISUSE with MOTE_CAUSE_TEXT. Returns
 *
 *   MOTE_CAUSE_NONE
 *   MOTE_CAUSE_TEXT     it holds a NUL, which no mail may; read() returned more than cap; or it has 4 GiB
 *   MOTE_CAUSE_STORAGE  read() returned MOTE_READ_FAILED */
uint8_t mote_mail_measure(struct mote_mail *mail);

/* Is this an address an SMTP command can carry (RFC 5321 4.1.2: at most 254 octets, no control, space, angle bracket; quoted
 * local-part by its grammar)? How long a local-part may be is left to the relay. UTF-8 is allowed; it then needs SMTPUTF8. */
bool mote_address_valid(const char *address);

/* Is this a name or address literal EHLO can carry? "localhost", with or without a domain, is not. */
bool mote_helo_valid(const char *helo);

/* ---- Time limits a port knows too, in seconds (POLICY P13). Another value, for tests, goes to every file as a -D. --- */

#ifndef MOTE_CONNECT_S
#define MOTE_CONNECT_S 30 /* one address */
#endif
#ifndef MOTE_ATTEMPT_S
#define MOTE_ATTEMPT_S 900 /* the whole attempt, connecting included */
#endif

/* ---- The engine -------------------------------------------------------------------------------------------------- */

/* Who we are for a relay. All NULL: no login. Else user, and either password or token. */
struct mote_login {
    const char *user;
    const char *password; /* AUTH PLAIN (RFC 4616) or LOGIN */
    const char *token; /* AUTH OAUTHBEARER (RFC 7628) or XOAUTH2: the bare access token; user has no "," and "=" then */
};

enum mote_tls {
    MOTE_TLS_STARTTLS = 0, /* RFC 3207, usually port 587 or 25 */
    MOTE_TLS_IMPLICIT = 1, /* TLS from the first octet (RFC 8314), usually port 465 */
    MOTE_TLS_CLEAR = 2     /* the cleartext pass of POLICY P5: refused unless opportunistic */
};

/* All zero but helo is the strict choice: STARTTLS or nothing. */
struct mote_engine_setup {
    const char *helo;        /* EHLO argument: our full host name, or "[192.0.2.7]", "[IPv6:2001:db8::7]" */
    struct mote_login login; /* used inside TLS only */
    uint8_t tls;             /* enum mote_tls */
    bool opportunistic;      /* STARTTLS not offered: go on in clear (P1). Refused together with a login (P7) */
    bool hold;               /* stop with MOTE_WANT_COMMIT just before the end of the mail */
    bool keep;  /* another mail may follow on this connection: MOTE_WANT_MAIL, and no QUIT behind this one */
    bool plain; /* use neither PIPELINING nor CHUNKING, whatever is offered (P16) */
};

/* What mote_engine_poll() answers; several may be set. */
enum {
    MOTE_WANT_SEND = 1,   /* mote_engine_pull() has octets for the relay */
    MOTE_WANT_RECV = 2,   /* octets of the relay are awaited: mote_engine_feed() */
    MOTE_WANT_TLS = 4,    /* do the TLS handshake now, then mote_engine_secured() or mote_engine_fail() */
    MOTE_WANT_COMMIT = 8, /* store that the mail may have been sent, then mote_engine_commit() */
    MOTE_DONE = 16,       /* mote_engine_result() is final: close the connection */
    /* It alone: mote_engine_result() is final, and the relay may be given another mail: mote_engine_next(), or mote_engine_quit().
     * There is no time limit. Octets of the relay meanwhile are fed as ever: they are its good-bye, and MOTE_DONE follows. */
    MOTE_WANT_MAIL = 32
};

struct mote_engine; /* one conversation; defined at the end of this header, as nothing in it is the caller's */

/* Begins a conversation on a fresh connection. setup, mail and what they point to are used until poll says MOTE_DONE, and not
 * after; the mail until MOTE_WANT_MAIL. start_ms is when the attempt began, on the clock of poll: its deadline, MOTE_ATTEMPT_S, counts from it. Wrong
 * arguments are told at the first poll: MOTE_DONE, verdict MOTE_MISUSE, and no octet leaves. Their cause:
 *
 *   MOTE_CAUSE_ADDRESS   rcpts, a recipient's address or from is NULL or no address
 *   MOTE_CAUSE_NOBODY    no recipients, or each has its final verdict
 *   MOTE_CAUSE_TOO_MANY  over 65,533 recipients
 *   MOTE_CAUSE_TEXT      mote_mail_measure() refused the text
 *   MOTE_CAUSE_LOGIN     half a login, two secrets, a control octet, or a login for an opportunistic relay
 *   MOTE_CAUSE_HELO      helo is NULL or no host name
 *   MOTE_CAUSE_TRUST     tls is none of enum mote_tls, or MOTE_TLS_CLEAR and not opportunistic */
void mote_engine_init(struct mote_engine *engine, const struct mote_engine_setup *setup, struct mote_mail *mail,
                      uint32_t start_ms);

/* What to do next: MOTE_WANT_... Call it after every other call, and when mote_engine_wait_ms() has passed: time limits are
 * found here. Of an engine of zeros, which was never begun: MOTE_DONE, MOTE_MISUSE with MOTE_CAUSE_SETUP. */
uint8_t mote_engine_poll(struct mote_engine *engine, uint32_t now_ms);

/* Milliseconds from the last poll until a time limit passes if nothing happens. */
static inline uint32_t mote_engine_wait_ms(const struct mote_engine *engine);

/* Writes the next octets for the relay to buf and returns how many: at most cap, never of two commands, and 0 now and then.
 * Go on, poll and pull, until poll no longer says MOTE_WANT_SEND; what was pulled until then is one flight. Send it all, and
 * only then wait for the relay. */
size_t mote_engine_pull(struct mote_engine *engine, void *buf, size_t cap);

/* Octets from the relay, split anyhow. All of them are used; data may go afterwards. */
void mote_engine_feed(struct mote_engine *engine, const void *data, size_t len);

/* The handshake is done. What the relay said before is forgotten (RFC 3207 4.2). */
void mote_engine_secured(struct mote_engine *engine);

/* At MOTE_WANT_MAIL: the next mail, on the same connection. Before, setup->hold and keep may be changed, and plain set (once set, it holds
 * for the connection); a mail that is the last to go has keep = false, and QUIT leaves with it. start_ms as in mote_engine_init(). A
 * mail that the relay ends the connection on before it has answered anything to it, or whose RSET, or MAIL behind one it took, it refuses, is DEFERRED, or
 * IN_DOUBT, with MOTE_CAUSE_CLOSED (P12); so is one that is given to a conversation behind its MOTE_DONE. At any other moment nothing happens. */
void mote_engine_next(struct mote_engine *engine, struct mote_mail *mail, uint32_t start_ms);

/* At MOTE_WANT_MAIL: no other mail follows. QUIT is sent, then MOTE_DONE; the result stays what it was. At any other moment nothing
 * happens. */
void mote_engine_quit(struct mote_engine *engine);

/* It is stored that the mail may have been sent: its end may leave. If it cannot be stored, call mote_engine_fail() with
 * MOTE_CAUSE_STORAGE. */
void mote_engine_commit(struct mote_engine *engine);

/* The connection is lost, or TLS failed, or the caller gives up: cause says which. The recipients that have no verdict yet
 * are in doubt once the end of the mail may have left. Before that they are deferred, or MISUSE where the cause is one of the
 * caller's (MOTE_CAUSE_ADDRESS..TEXT, and from MOTE_CAUSE_TOO_MANY on). No effect once done. */
void mote_engine_fail(struct mote_engine *engine, uint8_t cause);

/* Outcome of the conversation as a whole; each recipient's is in its mote_rcpt. Valid once poll said MOTE_DONE, and as long as
 * engine lives. */
static inline const struct mote_result *mote_engine_result(const struct mote_engine *engine);

/* P16: were PIPELINING or CHUNKING in use, and may they be why it went wrong? Then the next attempt sets
 * mote_engine_setup.plain. Valid once poll said MOTE_DONE. */
static inline bool mote_engine_suspect(const struct mote_engine *engine);

/* ---- Names, for people. Each returns a constant string. ---------------------------------------------------------- */

const char *mote_step_name(uint8_t step);       /* "STARTTLS" */
const char *mote_verdict_name(uint8_t verdict); /* "deferred" */
const char *mote_cause_name(uint8_t cause);     /* "the certificate is for another name" */
/* With -DMOTE_NAMES_SHORT the last one has 2 KB less: it says "CERT_NAME", as its enum does. */

/* ---- The engine's own --------------------------------------------------------------------------------------------- */

/* In the order that makes the code for a Cortex-M smallest: short instructions reach 32 octets, 32 halfwords, 32 words.
 * Do not rely on any of it. */
struct mote_engine {
    uint16_t awaiting_rcpt, sending_rcpt; /* recipients the two cursors are at */
    bool end_sent;                        /* the end of the mail may have left */
    bool suspect, extended; /* P16: an extension may be why it went wrong; PIPELINING or CHUNKING is in use */
    bool cancelled;         /* the login is being ended, or was */
    bool committed;         /* mote_engine_commit() came */
    bool empty;             /* nobody takes the mail: DATA is ended at once */
    uint8_t field_at;       /* of the reply line being read: number of the field of its enhanced code */
    bool digit;             /* which has a digit */
    bool line_done;         /* all of the step was generated: what is left of it is in out */
    bool two_step;          /* the login's line is cut before its base64 */
    uint8_t tls;            /* MOTE_TLS_TRIED | MOTE_TLS_SECURED */
    bool commit;            /* waiting for mote_engine_commit() */
    bool done;
    bool kept;                 /* the mail has its result, and the connection waits for another one */
    bool bdat;                 /* the mail goes by BDAT */
    bool between;              /* P12: an earlier mail went over it, and nothing was answered to MAIL yet */
    uint8_t lines;             /* of the reply being read */
    uint8_t digits[3];         /* of its code */
    uint16_t accepted;         /* recipients the relay said 2xx to */
    bool timer_restart;        /* the step's time limit starts anew at the next poll */
    bool quitting;             /* QUIT is being written, or is */
    uint8_t awaiting, sending; /* the two cursors: the step whose reply comes next, the step being written */
    uint16_t replies_due;
    uint16_t reply_len;       /* octets of the reply being read */
    uint16_t offers;          /* what EHLO offered */
    uint16_t keyword;         /* of the EHLO line being read */
    uint16_t field[3];        /* of the enhanced status code being read */
    uint32_t start_ms;        /* when the attempt began */
    struct mote_result reply; /* what the reply being read makes of it */
    bool base64;              /* the line being written is in base64 now */
    struct mote_text {
        uint16_t column; /* octets in the line so far */
        uint8_t needs;   /* MOTE_NEEDS_8BITMIME, or 128: holds a NUL */
        bool cr;         /* the last octet was a CR */
        uint32_t size;   /* octets so far, as they are on the wire (without stuffed dots) */
    } body;
    uint32_t size_limit;        /* SIZE offered; 0 = none */
    uint32_t wait_ms;           /* until a time limit passes, as of the last poll */
    uint32_t word;              /* of the EHLO line being read: hash of a word, or SIZE's number */
    char *reply_end, *reply_at; /* where the reply's text is kept: up to where, and from where on */
    const char *command;        /* rest of the line being written */
    struct mote_mail *mail;
    bool reset; /* and that one was not delivered */
    const struct mote_engine_setup *setup;
    uint8_t status;     /* place in the reply line being read */
    uint32_t scale;     /* of the next digit of the number being written */
    uint32_t since_ms;  /* when the step began */
    const char *insert; /* rest of the string that stands in the line now */
    uint32_t out;       /* the output register: up to four octets to write next, lowest first; 0 = none */
    size_t offset;      /* octets read from the mail's text */
    struct mote_result result;
    bool reply_more; /* another line of it comes */
};

static inline uint32_t mote_engine_wait_ms(const struct mote_engine *engine)
{
    return engine->wait_ms;
}

static inline const struct mote_result *mote_engine_result(const struct mote_engine *engine)
{
    return &engine->result;
}

static inline bool mote_engine_suspect(const struct mote_engine *engine)
{
    return engine->suspect;
}

#ifdef __cplusplus
}
#endif

#endif

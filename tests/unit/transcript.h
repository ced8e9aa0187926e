/* SPDX-License-Identifier: MIT
 *
 * Dialogues with a relay, written down in tests/transcripts/ (the format: README.md there), and what the runners share. A transcript
 * says what either side says and what becomes of the mail; transcript_engine.c and transcript_session.c play it.
 */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "mailmote.h"

enum { SCRIPT_EVENTS = 64, SCRIPT_RCPTS = 8, SCRIPT_TEXT_CAP = 160 };

enum script_kind { EVENT_SERVER, EVENT_CLIENT, EVENT_TLS, EVENT_COMMIT, EVENT_CLOSE, EVENT_TIME, EVENT_QUIT };

struct script_event {
    uint8_t kind;
    bool partial; /* of the client: it has more to say, and the server interrupts */
    unsigned line;
    const uint8_t *data; /* a run of lines of one side; of the client: one flight */
    size_t len;
    uint32_t ms;
};

struct script_outcome {
    struct mote_result result; /* tls is not set here */
    const char *text;          /* text of the reply, or NULL: any */
};

struct script {
    const char *file, *title;
    unsigned line;
    uint8_t tls; /* enum mote_tls */
    bool opportunistic, hold, plain;
    bool only_engine; /* more exact than a connection can be */
    bool only_clear;  /* means something else inside TLS */
    bool glued;       /* octets of the server come before their time */
    const char *helo, *from;
    struct mote_login login;
    const char *rcpts[SCRIPT_RCPTS];
    bool had[SCRIPT_RCPTS]; /* has had its final verdict before */
    uint16_t rcpt_count;
    const uint8_t *text;
    size_t text_len;
    struct script_event events[SCRIPT_EVENTS];
    unsigned event_count;
    struct script_outcome mail, rcpt[SCRIPT_RCPTS];
    bool suspect;              /* P16: a conversation in lock-step might have survived */
    const struct script *then; /* the next mail, on the same connection */
    bool again;                /* it is such a mail: it begins where the one before has ended */
    bool keep;                 /* another mail might follow, and none does */

    /* Found in the dialogue. Offsets in all the client says; SIZE_MAX = it does not come to that. */
    size_t flight_first;       /* MAIL, where other commands leave with it */
    size_t chunk_first;        /* the BDAT line */
    size_t text_first;         /* the text, with the BDAT line if there is one */
    size_t end_first, end_end; /* the end of the mail: the dot and its CR LF, or the last octets of the chunk */
    size_t quit_first;
    size_t mail_reply; /* offset in all the server says, behind the reply to MAIL, and to RSET before it */
    size_t end_reply;  /* offset in all the server says, behind the reply to the end of the mail */
    size_t server_len; /* all it says */
    bool timed;        /* has an EVENT_TIME */
};

/* Reads one file of transcripts; returns how many. Ends the program with a message when it is malformed. */
size_t script_load(const char *path, struct script *scripts, size_t cap);

/* Its parts: the value of a word, or -1; what is found in the dialogue. */
enum script_words { WORDS_VERDICT, WORDS_CAUSE, WORDS_STEP, WORDS_TLS };
int script_word(enum script_words words, const char *name);
void script_understand(struct script *script);

/* All the server says to this mail and those that follow. */
size_t script_server_len(const struct script *script);

/* The mail of a script. It is not to be moved once it is set. */
struct script_mail {
    const struct script *script;
    struct mote_mail mail;
    struct mote_rcpt rcpts[SCRIPT_RCPTS];
    size_t read_max;  /* octets the reader gives at once, 0 = what there is room for */
    size_t read_next; /* where the next call must go on, if not at 0 */
};

/* Its texts of replies end at guard pages. */
void script_mail_init(struct script_mail *m, const struct script *script, size_t read_max);

/* Prints where and what, and fails the test. what is the run, event the place (NULL = the end). */
void script_fail(const struct script *script, const char *what, const struct script_event *event, const char *why, ...);

/* The outcomes at the end of a transcript. */
void script_check(const struct script_mail *m, const char *what, const struct mote_engine *engine, uint8_t tls);

/* A conversation that was broken off: who had a final verdict keeps it (I9); everyone else is deferred or in doubt for this cause
 * (I4), nobody is delivered before the reply to the end is heard (I1), and an extension is suspect if one was in use (P16). */
struct script_break {
    uint8_t cause;
    size_t heard;      /* octets of the server the engine has been given */
    size_t left_least; /* octets of the client that have left for sure */
    size_t left_most;  /* and that may have left */
    bool unread;       /* what was heard last may be in a record that is not whole, or not looked into */
};
void script_check_break(const struct script_mail *before, const struct mote_engine *engine_before,
                        const struct script_mail *after, const struct mote_engine *engine_after, const char *what,
                        const struct script_event *event, const struct script_break *b);

/* What goes over the wire has no bare CR, bare LF or NUL and no line over 998 octets (I7). *column and *last start at 0. */
void script_check_lines(const struct script *script, const char *what, const struct script_event *event,
                        const uint8_t *data, size_t len, size_t *column, uint8_t *last);

/* Room of exactly len octets (up to 64 KiB) that ends where a guard page begins. Each region has its own. */
enum script_region { REGION_IN, REGION_OUT, REGION_MAIL_TEXT, REGION_RCPT_TEXT, REGION_RECORDS, REGION_COUNT };
void *script_room(enum script_region region, size_t len);

/* ---- Playing it in the engine ------------------------------------------------------------------------------------ */

enum script_feed { FEED_WHOLE, FEED_PAIR, FEED_STEPS, FEED_RANDOM };
enum script_look { LOOK_NOT, LOOK_CUT, LOOK_TIME };

struct script_how {
    uint8_t feed;        /* how the server's octets are split */
    size_t at;           /* FEED_PAIR: behind which octet; FEED_STEPS: octets at once; FEED_RANDOM: seed */
    size_t cap;          /* octets to pull at once, 0 = at random */
    size_t read_max;     /* as in struct script_mail */
    uint8_t look;        /* what is tried after every octet that moved */
    uint32_t now_ms;     /* time at the start */
    uint32_t elapsed_ms; /* of the attempt then */
};

void script_play_engine(const struct script *script, const struct script_how *how);

/* ---- Playing it in a session ------------------------------------------------------------------------------------- */

enum script_trust { TRUST_OPPORTUNISTIC, TRUST_ANCHORS, TRUST_PIN };

struct script_wire {
    uint8_t trust;     /* enum script_trust */
    bool wrapped;      /* a transcript in clear is played in implicit TLS */
    bool close_notify; /* EVENT_CLOSE is a close_notify, not a lost connection */
    bool cut;          /* try a cut after every octet */
    size_t step;       /* octets at once on the wire */
    size_t buf_len;
};

/* False when the transcript cannot be played so. */
bool script_play_session(const struct script *script, const struct script_wire *how);

#endif

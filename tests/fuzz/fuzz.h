/* SPDX-License-Identifier: MIT
 *
 * What the parts of the engine's fuzz harness share: a scene (arguments drawn from the input), a reference of the text
 * on the wire, and a model of the dialogue that is independent of the core and asserts the invariants of
 * core/DESIGN.md by number.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "mailmote.h"
#include "require.h"

enum { MAILS_MAX = 3, RCPTS_MAX = 4, TEXT_MAX = 4096, LINE_ROOM = 4096, CLEAR_ROOM = 8192 };

/* The input, used up from its start. */
struct input {
    const uint8_t *at;
    size_t left;
};
uint8_t draw(struct input *in); /* the next octet; 0 once it is used up */

/* ---- reference.c: what the text must be on the wire, done the slow way ------------------------------------------- */

struct reference {
    uint8_t text[TEXT_MAX]; /* as the reader gives it */
    size_t len;
    uint8_t mended[3 * TEXT_MAX]; /* what BDAT carries */
    size_t mended_len;
    uint8_t stuffed[5 * TEXT_MAX]; /* what DATA carries, the final dot included */
    size_t stuffed_len;
    bool nul, eight_bit;
};
void reference_make(struct reference *r); /* from text and len */
size_t base64(char *out, const void *data, size_t len);
bool contains(const uint8_t *data, size_t len, const void *part, size_t part_len);

/* ---- scene.c: the arguments of a conversation -------------------------------------------------------------------- */

/* A mail that has its result. */
struct past {
    struct mote_mail mail;
    const struct mote_rcpt *rcpts;
    struct mote_result result, results[RCPTS_MAX];
    bool text_good;
};

struct scene {
    struct mote_engine_setup setup;
    struct mote_mail mail;
    struct mote_rcpt *rcpts;              /* RCPTS_MAX of them; each mail has its own */
    struct mote_result before[RCPTS_MAX]; /* results the mail came with */
    struct reference measured, sent;      /* the text when it was measured and when it is sent */
    const struct reference *read;         /* the one the reader gives */
    size_t next;                          /* offset the reader is called with next */
    unsigned chunk;                       /* octets it gives at most in one call */
    size_t lie_at;                        /* where it breaks its word and says that it wrote more than it may */
    uint32_t start_ms, now_ms;
    uint8_t offers[2], style[2]; /* what the server offers before and in TLS */
    uint8_t mood;                /* what it refuses: see server.c */
    struct past past[MAILS_MAX];
    unsigned past_count;
    bool several; /* mails, perhaps, on one connection */
    void *owned[48];
    unsigned owned_count;
};
void scene_make(struct scene *s, struct input *in);
void scene_next(struct scene *s, struct input *in); /* another mail, or the same one again */
void scene_free(struct scene *s);
bool scene_text_good(const struct scene *s);   /* it is sent as it was measured */
void scene_check_texts(const struct scene *s); /* the lent buffers hold printable text ended by NUL */

/* ---- past.c: mails that have their result ------------------------------------------------------------------------ */

void scene_ended(struct scene *s, const struct mote_result *result);
void scene_check_past(const struct scene *s); /* no verdict has changed */
void past_compare(const struct past *a, const struct past *b);

/* ---- model.c, replies.c: the dialogue as an outsider sees it --------------------------------------------------- */

enum kind { K_GREETING, K_EHLO, K_HELO, K_STARTTLS, K_AUTH, K_RSET, K_MAIL, K_RCPT, K_DATA, K_END };
enum stage { AT_START, GREETED, EHLO_REFUSED, IN_SESSION, TURNED_AWAY };
enum mode { IN_LINE, IN_CHUNK, IN_DOTS, AFTER_QUIT };

/* Bits of model.offers; the mechanisms from M_PLAIN on. */
enum {
    M_STARTTLS = 1,
    M_PIPELINING = 2,
    M_CHUNKING = 4,
    M_SIZE = 8,
    M_8BITMIME = 16,
    M_SMTPUTF8 = 32,
    M_AUTH = 64,
    M_PLAIN = 128,
    M_LOGIN = 256,
    M_OAUTHBEARER = 512,
    M_XOAUTH2 = 1024
};

struct model {
    struct scene *scene;
    bool fitting; /* the script has been kind: nothing keeps the mail from being delivered */
    bool secured, awaiting_tls, tried_tls;
    enum stage stage;
    enum kind due[16]; /* replies that are due, oldest first */
    unsigned due_rcpt[16], due_count;

    /* What the client wrote. */
    enum mode mode;
    char line[LINE_ROOM];
    size_t line_len, written;
    uint8_t clear[CLEAR_ROOM]; /* all of it, from before TLS */
    size_t clear_len;
    bool again; /* another mail went over the connection, or was to */
    bool gone;  /* it had ended before this one came */
    bool reset; /* RSET must come before MAIL */
    bool quits; /* the caller has said that no other mail follows */
    bool mail_sent, ended, committed;
    unsigned rcpt_next;
    size_t text_at, chunk_len, column;
    uint8_t last;
    bool empty, end_begun, end_out, fold;
    char auth_want[2][LINE_ROOM]; /* the lines a login still has to write */
    unsigned auth_lines, auth_at;
    const char *auth_end; /* what ends a login to which a 334 comes when it is all said */
    bool auth_more, auth_ok, cancelled;

    /* What the server said. */
    unsigned status, code, first_code, reply_lines;
    size_t reply_len;
    bool more;
    char word_line[16384]; /* the line of the EHLO reply being read */
    size_t word_len;
    unsigned offers, offering;
    uint32_t size_limit, size_offering;
    uint8_t broken; /* cause the engine must end with now */
    bool completed; /* the last octet completed a reply */
    unsigned reset_code, mail_code, rcpt_code[RCPTS_MAX], data_code, end_code;
    bool end_code_late; /* it came after the end of the mail was out */
    unsigned closing;   /* 421 or 221: the relay closes (P10, P14) */
    enum kind closing_kind;
    bool closing_begun, closing_out; /* the end of the mail was, then */
    uint8_t failed_by_us;            /* cause the script gave mote_engine_fail() */
};
void model_begin(struct model *m, struct scene *scene);
void model_wrote(struct model *m, const uint8_t *data, size_t len); /* the octets of one pull */
void model_heard(struct model *m, uint8_t c);                       /* before the engine does */
void model_secured(struct model *m);
void model_next(struct model *m, bool gone); /* before the scene changes */
void model_check(const struct model *m, uint8_t want);
void model_finish(const struct model *m, const struct mote_engine *engine);
void model_due(struct model *m, enum kind kind, unsigned rcpt);
unsigned model_accepted(const struct model *m);
bool model_pipelines(const struct model *m);               /* PIPELINING is offered and may be used */
bool model_chunks(const struct model *m);                  /* CHUNKING is, and there is something to put into a chunk */
bool model_left_out(const struct model *m, unsigned rcpt); /* needs SMTPUTF8 where it is not offered (P10) */
bool model_ascii(const char *s);
bool model_follows(const struct model *m); /* the mail before it on the connection was taken: no RSET is between them */
bool model_over(const struct model *m);    /* no other mail may follow: P10 and P14, or P12 */

#endif

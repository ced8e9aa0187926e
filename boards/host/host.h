/* SPDX-License-Identifier: MIT
 *
 * What the files of the command share, in calling order: arguments, files, relays, the dialogue, the mail, the spool,
 * an attempt, the commands.
 */
#ifndef MAILMOTE_HOST_H
#define MAILMOTE_HOST_H

#include "mailmote_message.h"
#include "mailmote_posix.h"

#include <sysexits.h>

/* Every function below that returns int returns an exit status: EX_OK, or another after it has said why on stderr. */

/* main.c: "mailmote: what was wrong: what to do" on stderr. */
#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
void complain(const char *form, ...);

/* What stands between "mailmote: " and the complaint from now on: a place in a file, or NULL. */
void complain_about(const char *file, unsigned line);

void print_help(void);

/* ---- args.c: the words of the command line. Strings are argv's, or the configuration file's.
 * ------------------------ */

/* What can be said of a relay. Said before the first --relay, it holds for all that say nothing else. */
enum relay_word {
    WORD_TLS,
    WORD_TRUST,
    WORD_PIN,
    WORD_TLS_NAME,
    WORD_USER,
    WORD_PASSWORD_FILE,
    WORD_TOKEN_FILE,
    WORD_COUNT
};
extern const char *const relay_words[WORD_COUNT]; /* "tls", "trust", ... */

struct relay_args {
    const char *relay; /* HOST[:PORT] */
    const char *words[WORD_COUNT];
    unsigned line; /* of the configuration file; 0 = the command line's */
};

/* The rest of a file, with a NUL behind it. */
struct octets {
    char *data;
    size_t len;
};

enum { COMMAND_SEND = 1, COMMAND_FLUSH = 2, COMMAND_QUEUE = 4 };

struct args {
    uint8_t command;
    bool help, verbose, raw, now;
    const char *config_file, *spool, *helo, *from, *subject;
    struct octets config; /* the configuration file, cut into words */
    struct relay_args relays[MOTE_RELAYS_MAX];
    unsigned relay_count;
    char **rcpts;
    unsigned rcpt_count;
};

int args_parse(struct args *args, uint8_t command, int argc, char **argv);
void args_free(struct args *args);

/* ---- config.c: the same words from a file. What the command line says too is the command line's to say.
 * ------------ */

int config_read(struct args *args);

/* ---- file.c: what is read
 * -------------------------------------------------------------------------------------------- */

/* Standard input to its end. */
int file_read_mail(struct octets *mail);

/* All of an open file, at most max octets. Returns 0 or an errno. */
int file_read_all(int fd, struct octets *file, size_t max);

/* A password or token: the file without its last end of line. */
int file_read_secret(struct octets *secret, const char *file);

/* Overwrites and frees. */
void octets_wipe(struct octets *octets);

/* ---- relay.c: arguments to relays
 * ------------------------------------------------------------------------------------ */

struct host_relay {
    struct mote_relay relay;
    char host[256], name[256];
    struct octets secret;
    void *anchors;
};

struct relays {
    struct host_relay own[MOTE_RELAYS_MAX];
    struct mote_relay list[MOTE_RELAYS_MAX]; /* the same, as an attempt wants them */
    unsigned count;
};

/* What is wrong with the words alone (EX_USAGE, in the configuration file EX_CONFIG), then what they name
 * (EX_CONFIG). */
int relays_read(struct relays *relays, const struct args *args);
int relays_load(struct relays *relays, const struct args *args);
void relays_wipe(struct relays *relays);

/* ---- dialogue.c: the trace --------------------------------------------------------------------------------------- */

struct dialogue {
    bool verbose;
    char who;             /* of the line being gathered */
    bool carriage_return; /* seen, and not yet known to end the line */
    size_t len;
    char line[1000];
    uint32_t mail_octets; /* of the text, not yet told */
    char event[300];      /* the last '*' line: why there is no connection */
};

struct mote_trace dialogue_trace(struct dialogue *dialogue);
void dialogue_event(struct dialogue *dialogue, const char *text);
void dialogue_finish(struct dialogue *dialogue);

/* Copies text so that a terminal shows it and does nothing else: printable ASCII as it is, the rest as \xNN. Returns
 * how many octets it wrote before the NUL; what does not fit is left out. */
size_t printable(char *to, size_t cap, const char *text, size_t len);

/* ---- clock.c: time that no one sets
 * ---------------------------------------------------------------------------------- */

/* A moment: this boot of the system, and milliseconds since then, those asleep included. */
struct uptime {
    uint8_t boot[16]; /* zeros = unknown */
    uint64_t ms;
};

struct uptime uptime_now(void);

/* Whether the two are on one clock: the same boot, and not running backwards. */
bool uptime_same(const struct uptime *then, const struct uptime *now);

uint32_t random_32(void);

/* ---- mail.c: the mail
 * ------------------------------------------------------------------------------------------------ */

#define REPLY_TEXT_LEN 256

struct host_rcpt {
    char reply[REPLY_TEXT_LEN];
    char text[REPLY_TEXT_LEN * 4 + 200]; /* the last field of its line on stdout */
    bool told;                           /* its verdict was final before this attempt */
    bool final;                          /* before this conversation */
    bool skip;                           /* it is left out of this conversation */
};

/* A mail's place in the spool. */
struct kept {
    int fd;              /* its file, locked; -1 = the mail is not in a spool */
    uint32_t seq;        /* of the state last stored */
    struct uptime since; /* when the record's times were right */
    uint16_t spare_ms;   /* that passed before, and are no whole second of the record yet */
};

struct host_mail {
    struct mote_mail mail;
    struct mote_record record;
    struct mote_message message;
    struct octets input; /* standard input, or the mail's file */
    char id[300];        /* Message-ID; up to the '@' it is the record's id, printed first on every line */
    char from[400];
    char full_name[MOTE_POSIX_HOST_NAME]; /* of this host, as for EHLO; "" when it has none */
    char reply[REPLY_TEXT_LEN];
    struct host_rcpt *rcpts;
    struct kept kept;
};

/* Sender, recipients, subject and Message-ID (EX_USAGE); then the text, from standard input (EX_DATAERR). */
int mail_address(struct host_mail *mail, const struct args *args);
int mail_compose(struct host_mail *mail, const struct args *args);

/* --helo, or NULL (EX_CONFIG). */
int check_helo(const char *helo);

/* Memory for so many recipients; false when there is none. */
bool mail_make_room(struct host_mail *mail, unsigned rcpt_count);
void mail_init(struct host_mail *mail);
void mail_free(struct host_mail *mail);

/* The 16 digits of a record's id. */
#define ID_LEN 16
void id_write(char text[ID_LEN + 1], const uint8_t id[8]);

/* ---- spool_file.c: a mail as octets
 * ---------------------------------------------------------------------------------- */

/* All of the mail, in its first state. False with errno. */
bool spool_file_write(int fd, struct host_mail *mail);

/* The state anew: the record, and since when. What was stored before stays until this is. False with errno. */
bool spool_file_save(struct host_mail *mail);

/* Reads a mail whose id is said to be this. Returns 0, an errno, or EBADMSG when the file is damaged. */
int spool_file_read(int fd, struct host_mail *mail, const char *id);

/* ---- spool.c: a directory of mails
 * ------------------------------------------------------------------------------------- */

#define SPOOL_NAME (ID_LEN + sizeof ".mail")

struct spool {
    const char *dir;
    int fd;
};

/* create: make the directory if it is missing. */
int spool_open(struct spool *spool, const char *dir, bool create);
void spool_close(struct spool *spool);

/* Accepts the mail: from then on it is not lost. It stays locked until it is released. */
int spool_store(const struct spool *spool, struct host_mail *mail);

/* The names of the mails, sorted; to be freed. NULL after a complaint. */
char (*spool_list(const struct spool *spool, size_t *count))[SPOOL_NAME];

/* Removes what a run left behind that was ended in the middle. */
void spool_clean(const struct spool *spool);

enum { SPOOL_GOOD, SPOOL_PASS, SPOOL_TROUBLE };

/* Locks and reads a mail. SPOOL_PASS: another run is at work on it, or it is gone, or it was damaged and is set
 * aside. SPOOL_TROUBLE: it is there and cannot be had. */
int spool_take(const struct spool *spool, const char *name, struct host_mail *mail);

/* Reads a mail to look at it: as above, but that nothing is locked or set aside. */
int spool_look(const struct spool *spool, const char *name, struct host_mail *mail);

/* Time that has passed goes into the record. */
void spool_age(struct host_mail *mail);

/* Stores the state; a complaint if that cannot be. */
void spool_save(struct host_mail *mail);

/* The mail is finished. */
void spool_remove(const struct spool *spool, struct host_mail *mail);

/* A file of the spool in one piece or not at all. False with errno. */
struct spool_temp {
    char name[32];
    int fd;
};
bool spool_temp_open(const struct spool *spool, struct spool_temp *temp);
bool spool_temp_keep(const struct spool *spool, struct spool_temp *temp, const char *name); /* the descriptor stays */
void spool_temp_drop(const struct spool *spool, struct spool_temp *temp);

/* ---- throttle.c: what the spool remembers of relays (POLICY P12)
 * -------------------------------------------------------- */

struct throttle {
    struct mote_relay_state states[MOTE_RELAYS_MAX];
    uint64_t since_ms[MOTE_RELAYS_MAX]; /* the boot, of the last failure */
    uint8_t before[MOTE_RELAYS_MAX];    /* failures as they were stored */
    uint32_t now_s;
};

/* force: no relay is left alone. */
void throttle_load(struct throttle *throttle, const struct spool *spool, const struct relays *relays, bool force);
void throttle_heard(struct throttle *throttle, unsigned relay);
void throttle_save(struct throttle *throttle, const struct spool *spool, const struct relays *relays);

/* ---- attempt.c: one attempt of one mail
 * -------------------------------------------------------------------------------- */

struct attempt {
    const struct args *args;
    const struct relays *relays;
    const struct spool *spool; /* NULL: nothing is kept */
    struct host_mail *mail;
    struct dialogue dialogue;
    struct throttle throttle;
    struct mote_posix_attempt posix;
};

/* Tries the mail, stores what became of it, prints a line per recipient, removes it when it is finished. Returns the
 * exit status the verdicts make. */
int attempt_run(struct attempt *attempt);

/* The worse of two exit statuses. */
int worse(int a, int b);

bool mail_settled(const struct host_mail *mail);

/* ---- send.c, flush.c, queue.c
 * ------------------------------------------------------------------------------------------ */

int send_command(int argc, char **argv);
int flush_command(int argc, char **argv);
int queue_command(int argc, char **argv);

#endif

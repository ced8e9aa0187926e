/* SPDX-License-Identifier: MIT
 *
 * What the files of the command share, in calling order: arguments, files, relays, the mail, the dialogue.
 */
#ifndef MAILMOTE_HOST_H
#define MAILMOTE_HOST_H

#include "mailmote_message.h"
#include "mailmote_posix.h"

#include <sysexits.h>

#define MAILMOTE_VERSION "0.1.0"

/* Every function below that returns int returns an exit status: EX_OK, or another after it has said why on stderr. */

/* main.c: "mailmote: what was wrong: what to do" on stderr. */
#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
void complain(const char *form, ...);

void print_help(void);

/* ---- args.c: the words of the command line. Strings are argv's. -------------------------------------------------- */

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

#define RELAY_MAX 16

struct relay_args {
    const char *relay; /* HOST[:PORT] */
    const char *words[WORD_COUNT];
};

struct send_args {
    bool help, verbose, raw;
    const char *helo, *from, *subject;
    struct relay_args relays[RELAY_MAX];
    unsigned relay_count;
    char **rcpts;
    unsigned rcpt_count;
};

int args_parse(struct send_args *args, int argc, char **argv);

/* ---- file.c: what is read -------------------------------------------------------------------------------------------- */

/* The rest of a file, with a NUL behind it. */
struct octets {
    char *data;
    size_t len;
};

/* Standard input to its end. */
int file_read_mail(struct octets *mail);

/* A password or token: the file without its last end of line. */
int file_read_secret(struct octets *secret, const char *file);

/* Overwrites and frees. */
void octets_wipe(struct octets *octets);

/* ---- relay.c: arguments to relays ------------------------------------------------------------------------------------ */

struct host_relay {
    struct mote_relay relay;
    char host[256], name[256];
    struct octets secret;
    void *anchors;
};

/* What is wrong with the words alone (EX_USAGE), then what they name (EX_CONFIG). */
int relay_read(struct host_relay *relay, const struct relay_args *args);
int relay_load(struct host_relay *relay, const struct relay_args *args);
void relay_wipe(struct host_relay *relay);

/* ---- dialogue.c: the trace ---------------------------------------------------------------------------------------- */

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

/* Copies text so that a terminal shows it and does nothing else: printable ASCII as it is, the rest as \xNN. Returns how many
 * octets it wrote before the NUL; what does not fit is left out. */
size_t printable(char *to, size_t cap, const char *text, size_t len);

/* ---- mail.c: the mail ------------------------------------------------------------------------------------------------ */

#define REPLY_TEXT_LEN 256

struct host_rcpt {
    char reply[REPLY_TEXT_LEN];
    char text[REPLY_TEXT_LEN * 4 + 200]; /* the last field of its line on stdout */
    bool final;
};

struct host_mail {
    struct mote_mail mail;
    struct mote_message message;
    struct octets input;
    char id[300]; /* Message-ID; up to the '@' it is ours, printed first on every line */
    char from[400];
    char full_name[MOTE_POSIX_HOST_NAME]; /* of this host, as for EHLO; "" when it has none */
    char reply[REPLY_TEXT_LEN];
    struct host_rcpt *rcpts;
};

/* Sender, recipients, subject and Message-ID (EX_USAGE); then the text, from standard input (EX_DATAERR). */
int mail_address(struct host_mail *mail, const struct send_args *args);
int mail_compose(struct host_mail *mail, const struct send_args *args);
void mail_free(struct host_mail *mail);

/* ---- send.c ---------------------------------------------------------------------------------------------------------- */

int send_command(int argc, char **argv);

#endif

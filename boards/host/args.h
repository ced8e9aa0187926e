/* SPDX-License-Identifier: MIT
 *
 * The settings, from the command line (args.c) and from a configuration file (config.c). Strings are argv's, or the
 * file's.
 */
#ifndef MAILMOTE_HOST_ARGS_H
#define MAILMOTE_HOST_ARGS_H

#include "alias_text.h"
#include "file.h"
#include "made.h"
#include "mailmote_message.h"
#include "mailmote_outbox.h"

/* Read where neither -C nor MAILMOTE_CONF names another; it may be missing. An empty MAILMOTE_CONF: none is read. */
#define CONFIG_FILE "/etc/mailmote.conf"

/* What can be said of a relay. Said before the first --relay, it holds for all that say nothing else. */
enum relay_option {
    RELAY_TLS,
    RELAY_TRUST,
    RELAY_PIN,
    RELAY_TLS_NAME,
    RELAY_USER,
    RELAY_PASSWORD_FILE,
    RELAY_TOKEN_FILE,
    /* Of the configuration alone: */
    RELAY_PASSWORD,
    RELAY_PASSWORD_COMMAND, /* prints it */
    RELAY_AUTH,             /* not NULL: the secret is a token */
    RELAY_STARTTLS,         /* for RELAY_TLS */
    RELAY_OPTIONS
};

/* For RELAY_TRUST: the system's file of CAs. */
#define RELAY_SYSTEM "system"

/* In place of a relay: the hosts of each recipient's domain (mx.h). The name of a host has no colon behind it. */
#define RELAY_MX "mx:"

/* What a mailmote that cannot do that says of the words for it. */
#define WITHOUT_DANE "this mailmote was built without DANE=1: build it with make DANE=1"

/* What else there is than --relay. */
#ifdef MOTE_DANE
#define OR_MX ", or --mx"
#else
#define OR_MX ""
#endif

struct relay_args {
    const char *relay; /* HOST[:PORT] */
    const char *options[RELAY_OPTIONS];
    unsigned line; /* of the configuration file; 0 = the command line's */
};

/* `alias' lines of the configuration file. */
enum { ALIAS_LINES = 32 };

/* `nodane' lines. */
enum { NODANE_LINES = 32 };

/* What an option that may be given more than once was given. */
struct words {
    char **list;
    unsigned count;
};

/* The From field of a message: added where it is missing, always made of `from' (a display name stays), or left alone. */
enum { FROM_ADDED, FROM_WRITTEN, FROM_LEFT };

enum { COMMAND_SEND = 1, COMMAND_FLUSH = 2, COMMAND_QUEUE = 4 };

/* What the code asks for most stands first: that is smaller there. */
struct args {
    uint8_t command, from_field; /* COMMAND_...; FROM_... */
    bool help, verbose, raw, now, background;
    bool spool_option;  /* the spool is one of the command line */
    bool from_fixed;    /* own_from is the sender, whatever the caller says */
    bool misconfigured; /* it was told why; the mail is to be kept, and no relay is to be asked */
    /* Called as sendmail or mail: nothing is printed, a mail need not have a header, and what is wrong with a configuration is
     * told once it is stored. */
    bool mta;
    bool header_rcpts;  /* the header's recipients get it too */
    bool dots;          /* a line that is a dot and no more ends it */
    bool skip_empty;    /* an empty text is not sent */
    uint16_t timeout_s; /* 0 = none is given */
    unsigned relay_count, rcpt_count;
    char **rcpts; /* To */
    const char *config_file, *spool, *from;
    const char *own_from;     /* the configuration's `from', or NULL */
    const char *domain;       /* completes a name that has none; NULL = this host's full name */
    struct words cc, bcc;     /* addresses; Bcc are in the envelope only */
    struct words attachments; /* FILE or FILE:TYPE each */
    const char *syslog;       /* NULL, "on", "off", or a facility as "LOG_USER" */
    const char *helo, *subject, *timeout;
    const char *full_name;            /* of the sender, for a From field that is made or written anew */
    const char *aliases;              /* a file as /etc/aliases; NULL = none */
    const char *admin;                /* who is told of mails that failed; NULL = their senders */
    const char *account;              /* of the configuration; NULL = its default one */
    const char *reply_to;             /* an address, or NULL */
    const char *priority;             /* "high", "normal" or "low"; NULL = normal */
    const char *html;                 /* a file: the text once more, in HTML; NULL = none */
    const char *show, *remove;        /* ids of mails */
    const char *fields;               /* all of its header: standard input is the body; NULL = it has its own */
    const char *to;                   /* the To field, where it has none; NULL = nobody is named */
    const struct mote_field *further; /* fields, besides those; NULL = none */
    unsigned further_count;
    unsigned alias_count;
    /* The configuration's lines that say so; 0 = none does. */
    unsigned helo_line, admin_line, from_line, aliases_line;
    struct buffer config; /* the configuration file, cut into words */
    struct made *made;    /* strings */
#ifdef MOTE_DANE
    const char *dnssec_anchor; /* a file; NULL = the root's keys, which are built in */
    unsigned anchor_line;      /* of the configuration; 0 = the command line's */
    unsigned nodane_count;
    const char *nodane[NODANE_LINES]; /* domains whose TLSA records are not looked up */
#endif
    struct stat config_about;
    struct relay_args relays[MOTE_RELAYS_MAX];
    struct alias alias_lines[ALIAS_LINES];
};

int args_parse(struct args *args, uint8_t command, int argc, char **argv);
void args_free(struct args *args);

/* A mail is not lost for a slip in the configuration: of EX_CONFIG, where `send' has a spool or it is sendmail, a note is taken, and it is EX_OK. */
int args_misconfigured(struct args *args, int status);

/* What options left open: the configuration file says it (EX_CONFIG), or something is missing (EX_USAGE). */
int args_settle(struct args *args);

/* A command that asks relays has one. Of sendmail that is no part of the above: a mail that is dropped needs none. */
int args_check_relays(const struct args *args);

/* The spool of whoever names none. */
#define SPOOL_DEFAULT "/var/spool/mailmote"

/* The word must live as long as the list, which args_free() frees. EX_OSERR. */
int words_add(struct words *words, char *word);

/* Of the mail, all together. */
unsigned args_rcpts(const struct args *args);

/* config.c: adds what the configuration says: args->config_file, else the file that MAILMOTE_CONF names, else CONFIG_FILE. What
 * the command line says too is the command line's to say. Of lines that are wrong each is told, and the others hold (EX_CONFIG). */
int config_read(struct args *args);

/* The same of the file's text, args->config: octets in, settings out. */
int config_parse(struct args *args);

/* 1 to MOTE_ATTEMPT_S, or 0 when the text is no such number. */
uint16_t parse_timeout(const char *text);

#endif

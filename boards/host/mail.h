/* SPDX-License-Identifier: MIT
 *
 * A mail in memory: addresses, text, record, and what a person is told of each recipient.
 */
#ifndef MAILMOTE_HOST_MAIL_H
#define MAILMOTE_HOST_MAIL_H

#include "args.h"
#include "clock.h"
#include "mailmote_message.h"
#include "mailmote_posix.h"

#define REPLY_TEXT_LEN 256

struct host_rcpt {
    char reply[REPLY_TEXT_LEN];
    char text[REPLY_TEXT_LEN + 500]; /* the last field of its line on stdout */
    bool reported_before;            /* its verdict was final before this attempt */
    bool final_before;               /* before this conversation */
    bool excluded;                   /* from this conversation */
};

/* A mail's place in the spool. */
struct kept {
    int fd;               /* its file, locked; -1 = the mail is not in a spool */
    uint32_t seq;         /* of the state last stored */
    struct uptime since;  /* when the record's times were right */
    struct uptime stored; /* the same of the state last read */
    uint16_t spare_ms;    /* that had passed by then, and are no whole second of the record yet */
};

struct host_mail {
    struct mote_mail mail;
    struct mote_record record;
    struct mote_message message;
    struct buffer input; /* standard input, or the mail's file */
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

/* Each recipient has a final verdict. */
bool mail_final(const struct host_mail *mail);
bool rcpt_final(const struct mote_rcpt *rcpt);

/* The 16 digits of a record's id. */
#define ID_LEN 16
void id_write(char text[ID_LEN + 1], const uint8_t id[8]);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A mail in memory: addresses, text, record, and what a person is told of each recipient.
 */
#ifndef MAILMOTE_HOST_MAIL_H
#define MAILMOTE_HOST_MAIL_H

#include "args.h"
#include "attach.h"
#include "clock.h"
#include "input.h"
#include "mailmote_posix.h"
#include "marked.h"

#define REPLY_TEXT_LEN 256

/* Here, and below, what is large stands last: the code that asks for the rest is smaller. */
struct host_rcpt {
    bool reported_before;           /* its verdict was final before this attempt */
    bool final_before;              /* before this conversation */
    bool excluded;                  /* from this conversation */
    const struct mote_relay *relay; /* the last that was asked, or NULL */
    char tls[80];                   /* what was agreed on with it; "" = in clear */
    char reply[REPLY_TEXT_LEN];
    char text[REPLY_TEXT_LEN + 500]; /* the last field of its line on stdout */
};

/* A mail's place in the spool. */
struct kept {
    int fd;            /* its file, locked; -1 = the mail is not in a spool */
    int error;         /* why the text could not be read; 0 = it could */
    uint32_t seq;      /* of the state last stored */
    uint32_t told;     /* a bit per recipient: that it failed was reported, by a notice too if there is one */
    uint32_t printed;  /* the same, but that its notice could not be stored yet */
    uint16_t spare_ms; /* that had passed by `stored', and are no whole second of the record yet */
    uint32_t envelope_len;
    uint32_t body_crc;
    uint64_t body_len;    /* of its file */
    struct uptime since;  /* when the record's times were right */
    struct uptime stored; /* the same of the state last read */
    uint64_t ahead_at;    /* of the octets of the text that were read ahead */
    size_t ahead_len;
    char ahead[4096];
};

enum {
    MAIL_NOTICE = 1, /* it tells of a mail that failed */
    MAIL_MX = 2      /* it was tried last without a relay (mx.h): where its TLS failed, a host's did */
};

struct host_mail {
    struct mote_mail mail;
    struct mote_record record;
    struct host_rcpt *rcpts;
    uint8_t marks;        /* MAIL_NOTICE and MAIL_MX */
    bool at_once;         /* where it cannot be stored it is tried all the same */
    uint32_t others;      /* a bit each: of other domains than the one it is tried for, in memory alone (mx_run()) */
    struct buffer input;  /* the text, or of a mail in a spool the envelope */
    struct input *source; /* of a text that is read from standard input, or NULL */
    struct mote_message message;
    struct mote_mail as_kept; /* of a mail that is sent otherwise than it is kept (later.h), and then */
    struct marked completed;  /* its text */
    char id[300];             /* Message-ID; up to the '@' it is the record's id, printed first on every line */
    char from[400];
    char full_name[MOTE_POSIX_HOST_NAME]; /* of this host, as for EHLO; "" when it has none */
    char reply[REPLY_TEXT_LEN];
    struct attached attached; /* of the message */
    struct kept kept;
};

/* While one domain is tried, the recipients of others count as delivered, in memory alone: in what is stored they have no verdict, and
 * what that domain's hosts did is forgotten (POLICY D7). */
static inline void record_rejoin(struct mote_record *record, const struct host_mail *mail)
{
#ifdef MOTE_DANE
    if (mail->others != 0) {
        record->rcpts_delivered &= ~mail->others;
        record->tls_failed = false;
        record->first = 0;
    }
#else
    (void)record, (void)mail;
#endif
}

/* A name that is completed when the mail is tried (later.h) has this domain (RFC 2606). */
#define LATER_DOMAIN "name.mailmote.invalid"
bool later_name(const char *address);

/* Recipients; sender, subject and Message-ID (EX_USAGE). */
int mail_recipients(struct host_mail *mail, const struct args *args);
int mail_sender(struct host_mail *mail, const struct args *args);

/* Then the text, from standard input (EX_DATAERR): to be read once, by whom the mail is given to. */
int mail_stream(struct host_mail *mail, struct input *input, const struct args *args);

/* All of such a text into memory, as it is to be sent, wherever it is read from by now. */
int mail_hold(struct host_mail *mail);

/* A text that can be read again: what it needs of relays. EX_DATAERR when it cannot be sent, EX_CANTCREAT when it cannot
 * be read. */
int mail_measure(struct host_mail *mail);

/* Memory for so many recipients; false when there is none. */
bool mail_make_room(struct host_mail *mail, unsigned rcpt_count);
void mail_init(struct host_mail *mail);
void mail_free(struct host_mail *mail);

/* Each recipient has a final verdict. */
bool mail_final(const struct host_mail *mail);
bool record_final(const struct mote_record *record);
bool rcpt_final(const struct mote_rcpt *rcpt);

/* The 16 digits of a record's id. */
#define ID_LEN 16
void id_write(char text[ID_LEN + 1], const uint8_t id[8]);

/* 64 random bits: unique wherever and whenever else they are drawn, whatever the time is thought to be. */
void mail_draw_id(struct host_mail *mail);

/* ---- check.c ------------------------------------------------------------------------------------------------------ */

/* EX_USAGE after a complaint that begins with the role. */
int check_address(const char *address, const char *role);

/* --helo and the configuration's admin, or NULL (EX_CONFIG). */
int check_helo(const struct args *args);
int check_admin(const struct args *args);

/* The admin as the recipient of a mail: a name, or one at this host, is completed when that is tried. */
struct address_text {
    char text[400];
};
struct address_text admin_address(const struct args *args);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The first share is stored as it is read from standard input, the others are copies of it with an id and recipients of
 * their own. Where one cannot be stored, none stays.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "mx.h"
#include "shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void name_share(const struct sending *sending, unsigned share, char name[SPOOL_NAME])
{
    char id[ID_LEN + 1];

    id_write(id, sending->shares[share]);
    snprintf(name, SPOOL_NAME, "%s" SPOOL_MAIL, id);
}

bool share_copy(const struct host_mail *first, struct host_mail *mail, const struct mote_rcpt *rcpts, unsigned count)
{
    if (!mail_make_room(mail, count)) {
        complain("no memory for %u recipients: send several mails", count);
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        mail->mail.rcpts[i].address = rcpts[i].address;
    }
    mail_draw_id(mail);
    mail->record.verified_only = first->record.verified_only;
    mail->marks = first->marks;
    mail->mail.from = first->mail.from;
    mail->mail.read = first->mail.read;
    mail->mail.ctx = first->mail.ctx;
    return true;
}

static int store(struct sending *sending, struct host_mail *mail, unsigned first, unsigned count)
{
    int status = share_copy(&sending->mail, mail, sending->mail.mail.rcpts + first, count) ? EX_OK : EX_OSERR;

    mail->at_once = true;
    if (status == EX_OK) {
        status = spool_store(&sending->spool, mail);
    }
    if (status == EX_OK) {
        memcpy(sending->shares[sending->share_count++], mail->record.id, sizeof mail->record.id);
    }
    mail_free(mail);
    return status;
}

/* How many of so many recipients the next mail has. */
static unsigned size_of_share(const struct sending *sending, unsigned first, unsigned all)
{
    unsigned count = mx_first(&sending->args, sending->mail.mail.rcpts + first, all - first);

    return count < MOTE_RECORD_RCPTS ? count : MOTE_RECORD_RCPTS;
}

/* The others, behind those of the first mail, of so many recipients in all. */
static int store_others(struct sending *sending, unsigned all)
{
    struct host_mail *mail = malloc(sizeof *mail);
    unsigned first = sending->mail.mail.rcpt_count, count;
    int status = mail == NULL ? EX_OSERR : EX_OK;

    if (mail == NULL) {
        complain("no memory: try again");
    }
    for (; first < all && status == EX_OK; first += count) {
        count = size_of_share(sending, first, all);
        mail_init(mail);
        status = store(sending, mail, first, count);
    }
    free(mail);
    return status;
}

/* The others may be in the hands of a flush by now. The first is in ours. */
static bool remove_share(const struct sending *sending, unsigned share)
{
    char name[SPOOL_NAME];

    name_share(sending, share, name);
    if (share == 0) {
        return unlinkat(sending->spool.fd, name, 0) == 0;
    }
    name[ID_LEN] = 0;
    return spool_delete(&sending->spool, name) == EX_OK;
}

/* What is not stored for all is stored for nobody: it is to be tried once. */
static int take_back(struct sending *sending, int status)
{
    struct kept *kept = &sending->mail.kept;

    while (sending->share_count > 0) {
        if (!remove_share(sending, --sending->share_count)) {
            complain("mail %.*s is not sent to all of its recipients, but to some: see mailmote queue", ID_LEN,
                     sending->mail.id);
            return EX_OSERR;
        }
    }
    if (status == EX_CANTCREAT) {
        status = spool_hold(&sending->mail);
    }
    close(kept->fd);
    kept->fd = -1;
    return status;
}

/* Names that are completed later are in one share, as far as it has room: who is behind two of them gets one mail. */
static void names_first(struct mote_rcpt *rcpts, unsigned all)
{
    unsigned names = 0;

    for (unsigned i = 0; i < all; i++) {
        const char *address = rcpts[i].address;

        if (later_name(address)) {
            rcpts[i].address = rcpts[names].address;
            rcpts[names++].address = address;
        }
    }
}

int shares_store(struct sending *sending)
{
    struct mote_mail *mail = &sending->mail.mail;
    unsigned all = mail->rcpt_count;
    int status;

    sending->shares = calloc(all, sizeof *sending->shares);
    if (sending->shares == NULL) {
        complain("no memory for %u recipients: send several mails", all);
        return EX_OSERR;
    }
    if (all > MOTE_RECORD_RCPTS) {
        names_first(mail->rcpts, all);
    }
    mx_group(&sending->args, mail->rcpts, all);
    mail->rcpt_count = (uint16_t)size_of_share(sending, 0, all);
    status = spool_store(&sending->spool, &sending->mail);
    if (status == EX_OK && mail->rcpt_count < all) {
        memcpy(sending->shares[sending->share_count++], sending->mail.record.id, sizeof sending->mail.record.id);
        status = store_others(sending, all);
        status = status == EX_OK ? EX_OK : take_back(sending, status);
    }
    if (status != EX_OK) {
        mail->rcpt_count = (uint16_t)all;
    }
    return status;
}

int shares_take(struct sending *sending, const char *name)
{
    int had;

    mail_free(&sending->mail);
    had = spool_take(&sending->spool, name, &sending->mail);
    return had == SPOOL_GOOD ? spool_read(&sending->spool, name, &sending->mail) : had;
}

bool shares_next(struct sending *sending, char name[SPOOL_NAME])
{
    if (++sending->share >= sending->share_count) {
        return false;
    }
    name_share(sending, sending->share, name);
    return true;
}

/* SPDX-License-Identifier: MIT
 *
 * A mail is stored: in a file that has no name of a mail before it is whole and on the disk. Where that cannot be, what was
 * read of standard input is not lost: it is read back from there, and the rest behind it.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "report.h"
#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

static int cannot_store(const struct spool *spool, const struct host_mail *mail, int error)
{
    report_trouble(spool->syslog, LOG_ERR, "the mail cannot be stored in %s: %s%s", spool->dir, strerror(error),
                   mail->at_once ? SPOOL_WITHOUT : "");
    return EX_CANTCREAT;
}

/* As in <linux/fs.h>, which musl comes without; its ioctl() takes no number as large as these. */
#define GET_FLAGS _IOR('f', 1, long)
#define SET_FLAGS _IOW('f', 2, long)
enum { NO_COPY_ON_WRITE = 0x00800000 };

/* A file system that writes each time to a new place (Btrfs) has none left for a state when the disk is full: there a file
 * that is empty yet is set to be written over in place. Others refuse that. */
static void keep_in_place(int fd)
{
    int flags = 0;

    if (syscall(SYS_ioctl, fd, GET_FLAGS, &flags) == 0) {
        flags |= NO_COPY_ON_WRITE;
        syscall(SYS_ioctl, fd, SET_FLAGS, &flags);
    }
}

/* What has no room for another name makes some, as writing does. */
static bool open_new(const struct spool *spool, struct spool_temp *temp)
{
    bool good;

    do {
        good = spool_temp_open(spool, temp);
    } while (!good && spool->make_room != NULL && spool->make_room(spool));
    if (good) {
        keep_in_place(temp->fd);
    }
    return good;
}

struct storing {
    const struct spool *spool;
    struct host_mail *mail;
    struct spool_temp temp;
    struct spool_temp first_temp; /* of a text that is encoded: as it came */
    struct kept first;
};

/* Envelope and text into a file that has no name yet: its descriptor is -1 where there is none. Returns an exit status after a
 * complaint. */
static int store_text(struct storing *storing)
{
    const struct spool *spool = storing->spool;
    int error = open_new(spool, &storing->temp) ? spool_file_begin(spool, storing->temp.fd, storing->mail) : errno;

    if (error == EBADMSG) {
        return EX_DATAERR; /* of which its reader has told */
    }
    return error == 0 ? EX_OK : cannot_store(spool, storing->mail, error);
}

/* From the file it is in, into another one. */
static int store_encoded(struct storing *storing)
{
    struct host_mail *mail = storing->mail;
    int status;

    storing->first_temp = storing->temp;
    storing->temp.fd = -1;
    storing->first = mail->kept;
    mail->mail.ctx = &storing->first;
    status = input_encode(mail->source, &mail->mail);
    if (status == EX_OK) {
        status = store_text(storing);
    }
    if (status == EX_OK) {
        spool_temp_drop(storing->spool, &storing->first_temp);
    }
    return status;
}

static int store_rest(struct storing *storing, const char *name)
{
    struct host_mail *mail = storing->mail;
    int status = mail_measure(mail), error;

    if (status != EX_OK) {
        return status;
    }
    error = spool_file_finish(storing->spool, mail);
    if (error == 0 && !spool_temp_keep(storing->spool, &storing->temp, name)) {
        error = errno;
    }
    return error == 0 ? EX_OK : cannot_store(storing->spool, mail, error);
}

int spool_hold(struct host_mail *mail)
{
    int status = mail_hold(mail);

    if (status != EX_OK) {
        complain("the mail is not sent: it cannot be held in memory either");
    }
    return status == EX_OK ? EX_CANTCREAT : status;
}

static void drop(const struct storing *storing, struct spool_temp *temp)
{
    if (temp->fd >= 0) {
        spool_temp_drop(storing->spool, temp);
    }
}

int spool_store_as(const struct spool *spool, struct host_mail *mail, const char *name)
{
    struct storing storing = {.spool = spool, .mail = mail, .temp.fd = -1, .first_temp.fd = -1};
    int status;

    mail->record.rcpt_count = (uint8_t)mail->mail.rcpt_count;
    mail->kept.since = uptime_now();
    status = store_text(&storing);
    if (status == EX_OK && mail->source != NULL && input_encodes(mail->source)) {
        status = store_encoded(&storing);
    }
    if (status == EX_OK) {
        status = store_rest(&storing, name);
    }
    if (status == EX_CANTCREAT && mail->source != NULL) {
        status = spool_hold(mail);
    }
    drop(&storing, &storing.first_temp);
    if (status == EX_OK) {
        spool_sync(spool);
        return EX_OK;
    }
    drop(&storing, &storing.temp);
    mail->kept.fd = -1;
    return status;
}

int spool_store(const struct spool *spool, struct host_mail *mail)
{
    char name[SPOOL_NAME];

    snprintf(name, sizeof name, "%.*s" SPOOL_MAIL, ID_LEN, mail->id);
    return spool_store_as(spool, mail, name);
}

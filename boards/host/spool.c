/* SPDX-License-Identifier: MIT
 *
 * A directory of mails: one file each, ID.mail, mode 0600. A mail gets its name when it is whole and on the disk, and
 * leaves when it is finished. One that failed for somebody becomes ID.failed, and stays until a person deletes it; the
 * notice of it is ID.notice until then, so that it is neither lost nor made twice.
 *
 * The lock is on the mail's file and held while the mail is worked on, from before the file has its name: so two runs
 * never work on the same mail, and `send` never waits for a `flush` that is at work for minutes on others. Nothing
 * ever waits for a lock: what is locked is in good hands. A file that was finished meanwhile has no name, and is left.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void spool_sync(const struct spool *spool)
{
    if (fsync(spool->fd) != 0 && errno != EBADF) { /* a drop directory may not be read: drop_sync() */
        complain("%s cannot be written to the disk: %s", spool->dir, strerror(errno));
    }
}

/* ---- Locks and temporary files ------------------------------------------------------------------------------------ */

int spool_lock(int fd)
{
    struct stat file;
    int failed;

    do {
        failed = flock(fd, LOCK_EX | LOCK_NB);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0 || fstat(fd, &file) != 0) {
        return errno;
    }
    return file.st_nlink > 0 ? 0 : EWOULDBLOCK;
}

int spool_claim(const struct spool *spool)
{
    int error = spool_lock(spool->fd);

    if (error != 0 && error != EWOULDBLOCK) {
        complain("spool %s cannot be locked: %s: nothing is tried", spool->dir, strerror(error));
    }
    return error;
}

void spool_release(const struct spool *spool)
{
    flock(spool->fd, LOCK_UN);
}

bool spool_temp_open(const struct spool *spool, struct spool_temp *temp)
{
    int error = EEXIST;

    /* EWOULDBLOCK: spool_clean() of another run was faster than our lock */
    for (int tries = 0; tries < 10 && (error == EEXIST || error == EWOULDBLOCK); tries++) {
        snprintf(temp->name, sizeof temp->name, SPOOL_TEMP "%08lx%08lx", (unsigned long)random_32(),
                 (unsigned long)random_32());
        temp->fd = openat(spool->fd, temp->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        error = temp->fd < 0 || fchmod(temp->fd, 0600) != 0 ? errno : spool_lock(temp->fd);
        if (error == 0) {
            return true;
        }
        if (temp->fd >= 0) {
            spool_temp_drop(spool, temp);
        }
    }
    errno = error;
    return false;
}

bool spool_temp_keep(const struct spool *spool, struct spool_temp *temp, const char *name)
{
    return renameat(spool->fd, temp->name, spool->fd, name) == 0;
}

void spool_temp_drop(const struct spool *spool, struct spool_temp *temp)
{
    int error = errno;

    unlinkat(spool->fd, temp->name, 0);
    close(temp->fd);
    temp->fd = -1;
    errno = error;
}

/* ---- Mails ------------------------------------------------------------------------------------------------------- */

static void set_aside(const struct spool *spool, const char *name)
{
    char aside[SPOOL_NAME + sizeof SPOOL_ASIDE];

    snprintf(aside, sizeof aside, "%s" SPOOL_ASIDE, name);
    if (renameat(spool->fd, name, spool->fd, aside) == 0) {
        complain("%s/%s is damaged: it is %s now, see what can be saved", spool->dir, name, aside);
    } else {
        complain("%s/%s is damaged, and cannot be renamed: %s", spool->dir, name, strerror(errno));
    }
    spool_sync(spool);
}

/* The state of a mail. Returns 0, or an errno; EBADMSG for what is no regular file, too. */
static int open_mail(const struct spool *spool, const char *name, struct host_mail *mail, bool locked)
{
    struct stat file;
    int error = 0;

    mail_init(mail);
    mail->kept.fd = openat(spool->fd, name, (locked ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (mail->kept.fd < 0) {
        return errno == ELOOP || errno == EISDIR || errno == ENXIO ? EBADMSG : errno;
    }
    if (locked) {
        error = spool_lock(mail->kept.fd);
    }
    if (error != 0) {
        return error == EWOULDBLOCK ? ENOENT : error;
    }
    if (fstat(mail->kept.fd, &file) != 0) {
        return errno;
    }
    if (!S_ISREG(file.st_mode)) {
        return EBADMSG;
    }
    error = spool_file_read_state(mail->kept.fd, mail);
    return error == 0 && strncmp(mail->id, name, ID_LEN) != 0 ? EBADMSG : error;
}

/* Complains where there is need to. */
static int judge(const struct spool *spool, const char *name, int error)
{
    if (error == 0) {
        return SPOOL_GOOD;
    }
    if (error == EBADMSG || error == ENOENT) {
        return error == ENOENT ? SPOOL_PASS : SPOOL_DAMAGED;
    }
    complain("%s/%s cannot be read: %s: it is left alone", spool->dir, name, strerror(error));
    return SPOOL_TROUBLE;
}

/* Whether so much time has passed that it must not be lost when the system goes down: an eighth of a wait at the mail's age, be it
 * due or not. An eighth of what is left of it would be stored each minute in the end, and wear the flash. */
static bool worth_storing(const struct host_mail *mail)
{
    const struct mote_record as_old = {.age_s = mail->record.age_s};
    const struct uptime *stored = &mail->kept.stored, *since = &mail->kept.since;
    bool new_clock = memcmp(stored->boot, since->boot, sizeof since->boot) != 0 || stored->ms > since->ms;

    return new_clock || (since->ms - stored->ms) / 1000 >= mote_policy_wait_s(&as_old, false, false, 0) / 8;
}

/* What cannot be used is let go. */
static int judge_taken(const struct spool *spool, const char *name, struct host_mail *mail, int error)
{
    if (error == EBADMSG) {
        set_aside(spool, name);
    }
    if (error != 0) {
        mail_free(mail);
    }
    return judge(spool, name, error);
}

int spool_status(int had)
{
    return had == SPOOL_GOOD || had == SPOOL_PASS ? EX_OK : had == SPOOL_DAMAGED ? EX_DATAERR : EX_TEMPFAIL;
}

int spool_take(const struct spool *spool, const char *name, struct host_mail *mail)
{
    int error = open_mail(spool, name, mail, true);
    uint32_t age_s = mail->record.age_s;

    if (error == 0) {
        spool_age(mail);
        if (mote_record_resume(&mail->record, random_32())) {
            mote_record_end(&mail->record, age_s); /* what has passed since expires no mail */
            spool_save(mail);
        } else if (worth_storing(mail)) {
            spool_save(mail);
        }
    }
    return judge_taken(spool, name, mail, error);
}

int spool_read(const struct spool *spool, const char *name, struct host_mail *mail)
{
    return judge_taken(spool, name, mail, spool_file_read_body(mail));
}

int spool_resume(const struct spool *spool, const char *name, struct host_mail *mail)
{
    int error = spool_file_read_state(mail->kept.fd, mail);

    return error == 0 ? spool_read(spool, name, mail) : judge_taken(spool, name, mail, error);
}

int spool_look(const struct spool *spool, const char *name, struct host_mail *mail, bool whole)
{
    int error = open_mail(spool, name, mail, false);

    if (error == 0) {
        error = whole ? spool_file_read_body(mail) : spool_file_read_envelope(mail);
    }
    if (error == EBADMSG) {
        complain(strcmp(name + ID_LEN, SPOOL_MAIL) == 0 ? "%s/%s is damaged: flush will set it aside"
                                                        : "%s/%s is damaged: see what can be saved, then remove it",
                 spool->dir, name);
    }
    if (error != 0) {
        mail_free(mail);
    } else {
        spool_age(mail);
    }
    return judge(spool, name, error);
}

void spool_age(struct host_mail *mail)
{
    struct kept *kept = &mail->kept;
    struct uptime now = uptime_now();
    bool strict;
    uint64_t ms = kept->spare_ms + uptime_passed_ms(&kept->since, &now, &strict);
    uint32_t passed_s = ms / 1000 < UINT32_MAX ? (uint32_t)(ms / 1000) : UINT32_MAX;
    uint32_t tls_since_s = mail->record.tls_since_s;

    mote_record_age(&mail->record, passed_s);
    kept->spare_ms = (uint16_t)(ms % 1000);
    if (!strict) { /* P5: it waits, and comes no nearer to cleartext */
        mail->record.tls_since_s = tls_since_s;
        kept->spare_ms = 0;
    }
    kept->since = now;
}

bool spool_save(struct host_mail *mail)
{
    bool stored = spool_file_save(mail);

    if (!stored) {
        complain("the state of mail %.*s cannot be stored: %s", ID_LEN, mail->id, strerror(errno));
    }
    return stored;
}

bool spool_save_reasons(struct host_mail *mail)
{
    if (mail->record.rcpts_failed != 0 && !spool_file_write_reasons(mail)) {
        complain("why mail %.*s failed cannot be stored: %s", ID_LEN, mail->id, strerror(errno));
    }
    return spool_save(mail);
}

bool spool_finish(const struct spool *spool, const struct host_mail *mail)
{
    char name[SPOOL_NAME], failed[SPOOL_NAME];
    bool good;

    snprintf(name, sizeof name, "%.*s" SPOOL_MAIL, ID_LEN, mail->id);
    snprintf(failed, sizeof failed, "%.*s" SPOOL_FAILED, ID_LEN, mail->id);
    good = mail->record.rcpts_failed != 0 ? renameat(spool->fd, name, spool->fd, failed) == 0
                                          : unlinkat(spool->fd, name, 0) == 0;
    if (!good) {
        complain("%s/%s is finished and cannot be removed: %s: remove it", spool->dir, name, strerror(errno));
    }
    return good; /* No fsync: a finished mail that comes back after a power cut knows that it is finished. */
}

/* And the notice of it that waits: whoever deletes a mail knows of it. Returns 0 or an errno. */
static int delete_file(const struct spool *spool, const char *name)
{
    char notice[SPOOL_NAME];
    int fd = openat(spool->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int error = fd < 0 ? (errno == ELOOP || errno == ENXIO ? 0 : errno) : spool_lock(fd);

    snprintf(notice, sizeof notice, "%.*s" SPOOL_NOTICE, ID_LEN, name);
    if (error == 0 && unlinkat(spool->fd, notice, 0) != 0 && errno != ENOENT) {
        error = errno;
    }
    if (error == 0 && unlinkat(spool->fd, name, 0) != 0 &&
        (errno != EISDIR || unlinkat(spool->fd, name, AT_REMOVEDIR) != 0)) {
        error = errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

int spool_delete(const struct spool *spool, const char *id)
{
    static const char *const endings[] = {SPOOL_MAIL, SPOOL_FAILED, SPOOL_MAIL SPOOL_ASIDE};
    char name[SPOOL_NAME + sizeof SPOOL_ASIDE];
    int error = ENOENT;

    for (size_t i = 0; i < sizeof endings / sizeof endings[0] && error == ENOENT; i++) {
        snprintf(name, sizeof name, "%.*s%s", ID_LEN, id, endings[i]);
        error = delete_file(spool, name);
    }
    if (error == ENOENT) {
        complain("there is no mail %s in %s: see mailmote queue", id, spool->dir);
        return EX_DATAERR;
    }
    if (error == EWOULDBLOCK) {
        complain("mail %s is being tried: delete it later", id);
        return EX_TEMPFAIL;
    }
    if (error != 0) {
        complain("%s/%s cannot be removed: %s", spool->dir, name, strerror(error));
        return EX_OSERR;
    }
    spool_sync(spool);
    return EX_OK;
}

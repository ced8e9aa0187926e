/* SPDX-License-Identifier: MIT
 *
 * A dropped mail is copied, never adopted: its maker may still hold its file open. So that it becomes one mail of the
 * spool, whatever is cut short when, the copy is first DROPPED.taken; then the dropped file goes; then the copy is ID.mail,
 * with an id of its own. A copy that is found as DROPPED.taken goes the rest of this way.
 *
 * What is wrong is set aside (drop_aside.c). Each user has so many files and octets taken at a time, and the rest of his waits:
 * nobody's mail waits for another's.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "drop.h"
#include "marked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAKEN ".taken"

enum {
    FILES_OF_USER = 16,   /* taken at a time */
    FILES_AT_ONCE = 1024, /* of all users */
    FILE_MAX =
        4 * INPUT_MAX, /* octets: what is composed of a text is larger than it; and so many are taken of one user */
    NAME_LEN = 255
};

/* ---- What was dropped -------------------------------------------------------------------------------------------- */

struct dropped {
    char name[NAME_LEN + 1];
    struct stat about;
};

struct taking {
    const struct spool *spool;
    struct spool drop;
    uid_t owner;
    bool verified_only;
    bool took, left; /* has one become a mail; is there one more than is taken at a time */
    int status;
    size_t count;
    struct dropped files[FILES_AT_ONCE];
    struct host_mail foreign, mail;
    struct marked text;
};

static const char *wrong_file(const struct taking *taking, const struct dropped *file)
{
    const struct stat *about = &file->about;

    return !S_ISREG(about->st_mode)                 ? "it is no regular file"
           : about->st_nlink != 1                   ? "it has other names"
           : about->st_uid == taking->owner         ? "it is a file of the spool's owner, who drops none"
           : about->st_size > (off_t)FILE_MAX       ? "it is too large"
           : !spool_is_mail(file->name, SPOOL_MAIL) ? "its name is no mail's"
                                                    : NULL;
}

static const char *wrong_mail(struct host_mail *foreign, const char *name)
{
    const struct mote_mail *mail = &foreign->mail;

    if (strncmp(foreign->id, name, ID_LEN) != 0) {
        return "its id is not that of its name";
    }
    if (mail->from[0] != 0 && !mote_address_valid(mail->from)) {
        return "its sender is no address";
    }
    for (unsigned i = 0; i < mail->rcpt_count; i++) {
        if (!mote_address_valid(mail->rcpts[i].address)) {
            return "a recipient is no address";
        }
    }
    return mote_mail_measure(&foreign->mail) == MOTE_CAUSE_NONE ? NULL : "its text cannot be read or holds a NUL";
}

/* Is it the file that is wrong? All else is the system's trouble, and may pass: the file waits. ENXIO: a socket; ENOENT: its
 * maker was faster. */
static bool at_fault(int error)
{
    return error == EBADMSG || error == ELOOP || error == ENXIO || error == ENOENT;
}

/* Reads it once; returns what is wrong. What is read is what is checked, but for the text behind its header, which is checked
 * again when it is ours. */
static const char *read_foreign(struct taking *taking, struct dropped *file, bool *wait)
{
    struct host_mail *foreign = &taking->foreign;
    const char *wrong;
    int error;

    foreign->kept.fd = openat(taking->drop.fd, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (foreign->kept.fd < 0 || fstat(foreign->kept.fd, &file->about) != 0) {
        *wait = !at_fault(errno);
        return errno == ELOOP ? "it is a symbolic link" : strerror(errno);
    }
    wrong = wrong_file(taking, file);
    if (wrong != NULL) {
        return wrong;
    }
    error = spool_file_read_state(foreign->kept.fd, foreign);
    if (error == 0) {
        error = spool_file_read_body(foreign);
    }
    if (error != 0) {
        *wait = !at_fault(error);
        return error == EBADMSG ? "it is damaged" : strerror(error);
    }
    wrong = wrong_mail(foreign, file->name);
    return wrong != NULL ? wrong : marked_begin(&taking->text, &foreign->mail, file->about.st_uid, wait);
}

/* ---- Ours -------------------------------------------------------------------------------------------------------- */

/* Sender, recipients and text; of the record nothing but that it may want verified relays. The id is drawn anew: names of files
 * come of it, also of its notice's, and its maker might have chosen one that makes them another mail's. */
static bool copy(struct taking *taking)
{
    const struct host_mail *foreign = &taking->foreign;
    struct host_mail *mail = &taking->mail;

    if (!mail_make_room(mail, foreign->mail.rcpt_count)) {
        return false;
    }
    mail->mail.from = foreign->mail.from;
    for (unsigned i = 0; i < foreign->mail.rcpt_count; i++) {
        mail->mail.rcpts[i].address = foreign->mail.rcpts[i].address;
    }
    mail_draw_id(mail);
    mail->record.verified_only = taking->verified_only || foreign->record.verified_only;
    mail->mail.read = marked_read;
    mail->mail.ctx = &taking->text;
    return true;
}

static bool stuck(const struct taking *taking, const char *name, const char *what, int error)
{
    complain("%s/%s cannot be %s: %s: until it can, its mail waits", taking->spool->dir, name, what, strerror(error));
    return false;
}

/* The rest of the way of a copy; one that is damaged is met as a mail that is. False after a complaint. */
static bool settle(struct taking *taking, const char *taken)
{
    char dropped[sizeof DROP_NAME + SPOOL_NAME], name[SPOOL_NAME];
    struct host_mail mail;
    int drop = taking->drop.fd, error = spool_peek(taking->spool, taken, &mail);

    if (error != 0 && error != EBADMSG) {
        return stuck(taking, taken, "read", error);
    }
    if (error == EBADMSG) {
        mail_draw_id(&mail);
    }
    snprintf(dropped, sizeof dropped, DROP_NAME "/%.*s" SPOOL_MAIL, ID_LEN, taken);
    snprintf(name, sizeof name, "%.*s" SPOOL_MAIL, ID_LEN, mail.id);
    /* EISDIR: its maker has put a directory where the file was */
    if (drop >= 0 && ((unlinkat(drop, dropped + sizeof DROP_NAME, 0) != 0 && errno != ENOENT && errno != EISDIR) ||
                      fsync(drop) != 0)) {
        return stuck(taking, dropped, "removed", errno);
    }
    return renameat(taking->spool->fd, taken, taking->spool->fd, name) == 0 || stuck(taking, taken, "renamed", errno);
}

static int take_mail(struct taking *taking, const struct dropped *file)
{
    char taken[SPOOL_NAME];
    int status;

    if (!copy(taking)) {
        complain("no memory for a dropped mail: it waits");
        return EX_OSERR;
    }
    snprintf(taken, sizeof taken, "%.*s" TAKEN, ID_LEN, file->name);
    status = spool_store_as(taking->spool, &taking->mail, taken);
    if (status != EX_OK) {
        return status;
    }
    if (!settle(taking, taken)) {
        return EX_OSERR;
    }
    taking->took = true;
    return EX_OK;
}

static int take_one(struct taking *taking, struct dropped *file)
{
    const struct kept *foreign = &taking->foreign.kept;
    const char *wrong;
    char shown[4 * NAME_LEN + 1];
    bool wait = false;
    int status = EX_OK;

    mail_init(&taking->foreign);
    mail_init(&taking->mail);
    wrong = read_foreign(taking, file, &wait);
    if (wrong == NULL) {
        status = take_mail(taking, file);
        wrong = status == EX_DATAERR ? "its text changed while it was read" : NULL;
    }
    if (wrong != NULL && foreign->error != 0 && !at_fault(foreign->error)) {
        wait = true;
        wrong = strerror(foreign->error);
    }
    if (wrong != NULL && wait) {
        printable(shown, sizeof shown, file->name, strlen(file->name));
        complain("%s/" DROP_NAME "/%s of user %lu cannot be read: %s: it waits", taking->spool->dir, shown,
                 (unsigned long)file->about.st_uid, wrong);
        status = EX_OSERR;
    } else if (wrong != NULL) {
        if (drop_set_aside(taking->spool, taking->drop.fd, file->name, &file->about, wrong)) {
            taking->status = EX_DATAERR;
        }
        status = EX_OK;
    }
    marked_free(&taking->text);
    mail_free(&taking->mail);
    mail_free(&taking->foreign);
    return status;
}

/* Is it this user's turn? What is wrong by its size alone takes none of his octets. */
static bool has_room(const struct taking *taking, const struct stat *about)
{
    off_t octets = about->st_size > (off_t)FILE_MAX ? 0 : about->st_size;
    size_t files = 0;

    for (size_t i = 0; i < taking->count; i++) {
        if (taking->files[i].about.st_uid == about->st_uid) {
            files++;
            octets += taking->files[i].about.st_size > (off_t)FILE_MAX ? 0 : taking->files[i].about.st_size;
        }
    }
    return taking->count < FILES_AT_ONCE && files < FILES_OF_USER && octets <= (off_t)FILE_MAX;
}

/* Where its maker was not faster. */
static void cannot_look(struct taking *taking, const char *what)
{
    if (errno != ENOENT) {
        complain("%s%s cannot be looked at: %s: what was dropped waits", taking->spool->dir, what, strerror(errno));
        taking->status = EX_OSERR;
    }
}

static bool choose(const struct spool *drop, const char *name, void *ctx)
{
    struct taking *taking = ctx;
    struct dropped *file;
    struct stat about;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strncmp(name, SPOOL_TEMP, strlen(SPOOL_TEMP)) == 0 ||
        strlen(name) > NAME_LEN) {
        return true;
    }
    if (fstatat(drop->fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0) {
        cannot_look(taking, "/" DROP_NAME);
        return true;
    }
    if (!has_room(taking, &about)) {
        taking->left = true;
        return true;
    }
    file = &taking->files[taking->count++];
    strcpy(file->name, name);
    file->about = about;
    return true;
}

static bool settle_one(const struct spool *spool, const char *name, void *ctx)
{
    struct taking *taking = ctx;

    (void)spool;
    if (spool_is_mail(name, TAKEN) && !settle(taking, name)) {
        taking->status = EX_OSERR;
    }
    return true;
}

/* A directory in which users can take each other's files away is not used. */
static bool fit(struct taking *taking)
{
    struct stat drop, spool;

    if (fstat(taking->drop.fd, &drop) != 0 || fstat(taking->spool->fd, &spool) != 0) {
        cannot_look(taking, "");
        return false;
    }
    taking->owner = spool.st_uid;
    if (drop.st_uid == spool.st_uid && ((drop.st_mode & S_ISVTX) != 0 || (drop.st_mode & 022) == 0)) {
        return true;
    }
    complain("%s/" DROP_NAME " must belong to the spool's owner and have mode 1733: nothing is taken from it",
             taking->spool->dir);
    return false;
}

static int take_all(struct taking *taking)
{
    int status = EX_OK;

    if (!spool_each_name(taking->spool, settle_one, taking)) {
        return EX_OSERR;
    }
    if (taking->drop.fd < 0) {
        return taking->status;
    }
    if (!fit(taking)) {
        return EX_CANTCREAT;
    }
    if (!spool_clean(&taking->drop, false) || !spool_each_name(&taking->drop, choose, taking)) {
        return EX_OSERR;
    }
    /* One that cannot be taken, as there is no room for it, holds up no other. */
    for (size_t i = 0; i < taking->count; i++) {
        int taken = take_one(taking, &taking->files[i]);

        status = status == EX_OK ? taken : status;
    }
    return status == EX_OK ? taking->status : status;
}

int drop_take(const struct spool *spool, bool verified_only, bool *more)
{
    struct taking *taking = calloc(1, sizeof *taking);
    int status = EX_OK;

    *more = false;
    if (taking == NULL) {
        complain("no memory: what was dropped waits");
        return EX_OSERR;
    }
    taking->spool = spool;
    taking->verified_only = verified_only;
    taking->drop.dir = spool->dir;
    taking->drop.fd = openat(spool->fd, DROP_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (taking->drop.fd < 0 && errno != ENOENT) {
        complain("%s/" DROP_NAME " cannot be opened: %s: nothing is taken from it", spool->dir, strerror(errno));
        status = EX_OSERR;
    } else {
        status = take_all(taking);
        *more = taking->took && taking->left;
    }
    spool_close(&taking->drop);
    free(taking);
    return status;
}

bool drop_changed(const struct spool *spool, struct timespec *when)
{
    struct stat about;
    struct timespec before = *when;

    if (fstatat(spool->fd, DROP_NAME, &about, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    *when = about.st_mtim;
    return before.tv_sec != when->tv_sec || before.tv_nsec != when->tv_nsec;
}

/* SPDX-License-Identifier: MIT
 *
 * A spool is made, opened, and looked at whose it is. Who may write into it can have mails sent with our login, have them lost, or have every relay left
 * alone; so it is used only where that is nobody but us and root.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "drop.h"
#include "report.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* What is wrong, or NULL. */
static const char *what_is_wrong(const struct stat *file)
{
    if (file->st_uid != geteuid() && file->st_uid != 0) {
        return "belongs to another user";
    }
    return (file->st_mode & 022) != 0 ? "can be written by other users" : NULL;
}

static bool is_no_mail(const struct spool *spool, const char *name, void *ctx)
{
    (void)spool;
    (void)ctx;
    return !spool_is_mail(name, SPOOL_MAIL);
}

/* Who may read it may lock it, and so keep every flush from it. A directory that is none yet may have been named by mistake. */
static void hide(const struct spool *spool, const struct stat *file, bool create)
{
    if (file->st_uid == geteuid() && (file->st_mode & 044) != 0 &&
        (create || spool_has(spool, DROP_NAME) || !spool_each_name(spool, is_no_mail, NULL))) {
        fchmod(spool->fd, file->st_mode & 07733);
    }
}

/* Nobody else may write into it, and what it knows of relays is ours. False after a complaint. */
static bool safe(const struct spool *spool, bool create)
{
    struct stat file;
    bool known = fstat(spool->fd, &file) == 0;
    const char *wrong = known ? what_is_wrong(&file) : NULL;

    if (wrong != NULL) {
        complain("spool %s %s: %s", spool->dir, wrong,
                 (file.st_mode & S_ISVTX) != 0 ? "it is everybody's, as /tmp: give a directory of your own"
                                               : "make it yours alone with chown and chmod 700");
        return false;
    }
    if (known) {
        hide(spool, &file, create);
    }
    wrong = fstatat(spool->fd, SPOOL_RELAYS, &file, AT_SYMLINK_NOFOLLOW) == 0 ? what_is_wrong(&file) : NULL;
    if (wrong != NULL) {
        complain("%s/" SPOOL_RELAYS " %s: remove it", spool->dir, wrong);
    }
    return wrong == NULL;
}

/* A directory is not on the disk before its name is. */
static void sync_own_name(const struct spool *spool)
{
    int parent = openat(spool->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0 || fsync(parent) != 0) {
        complain("the name of %s cannot be written to the disk: %s", spool->dir, strerror(errno));
    }
    if (parent >= 0) {
        close(parent);
    }
}

/* Each with the rights it needs at once: who makes them may be ended in between. */
static bool make_directory(int fd, const char *name, mode_t mode)
{
    mode_t mask = umask(0);
    bool made = mkdirat(fd, name, mode) == 0;

    umask(mask);
    return made;
}

void spool_make(const char *dir)
{
    struct spool spool = {.dir = dir, .fd = -1};
    struct stat file;
    bool made;

    if (geteuid() != 0) {
        return;
    }
    made = make_directory(AT_FDCWD, dir, 0711);
    spool.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool.fd < 0) {
        return;
    }
    if (made) {
        sync_own_name(&spool);
    }
    if (fstat(spool.fd, &file) == 0 && file.st_uid == 0 && (file.st_mode & 0777) == 0711) {
        make_directory(spool.fd, DROP_NAME, 01733);
    }
    spool_close(&spool);
}

int spool_open(struct spool *spool, const char *dir, bool create)
{
    /* What is for all of the system is root's: who else made it would have everybody's mails. */
    bool ours = geteuid() == 0 || strcmp(dir, SPOOL_DEFAULT) != 0, made = create && ours && mkdir(dir, 0700) == 0;
    int error = create && ours && !made && errno != EEXIST ? errno : 0;

    spool->dir = dir;
    spool->fd = error != 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->fd >= 0 && made) {
        sync_own_name(spool);
    }
    if (spool->fd >= 0 && safe(spool, create)) {
        spool->make_room = spool_make_room;
        return EX_OK;
    }
    if (spool->fd >= 0) {
        spool_close(spool);
        return EX_CONFIG;
    }
    if (error == 0) {
        error = errno;
    }
    if (create && !ours && error == ENOENT) {
        report_trouble(spool->syslog, LOG_ERR,
                       "there is no spool %s, which root makes with a first mail or mailmote flush" SPOOL_WITHOUT, dir);
    } else if (create) {
        report_trouble(spool->syslog, LOG_ERR, "spool %s cannot be created or opened: %s" SPOOL_WITHOUT, dir,
                       strerror(error));
    } else if (error == ENOENT) {
        complain("there is no spool %s: send --spool makes it with the first mail; is it the right directory?", dir);
    } else {
        complain("spool %s cannot be opened: %s", dir, strerror(error));
    }
    return create ? EX_CANTCREAT : EX_CONFIG;
}

bool spool_read_only(const struct spool *spool)
{
    if (access(spool->dir, W_OK) == 0 || errno != EROFS) {
        return false;
    }
    report_trouble(spool->syslog, LOG_ERR, "spool %s cannot be written: %s: its mails are not tried, and wait",
                   spool->dir, strerror(EROFS));
    return true;
}

bool spool_absent(const struct args *args)
{
    struct stat about; /* of a link: it was made, and leads to what is away */

    return (!args->spool_option || strcmp(args->spool, SPOOL_DEFAULT) == 0) &&
           fstatat(AT_FDCWD, args->spool, &about, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

static bool has_mail(const char *dir)
{
    struct spool spool = {.dir = dir, .fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    bool found = spool.fd >= 0 && !spool_each_name(&spool, is_no_mail, NULL);

    spool_close(&spool);
    return found;
}

void spool_tell_other(const struct args *args)
{
    struct stat here = {0}, there;

    (void)stat(args->spool, &here);
    if (!args->spool_option && args->account == NULL && args->config_file != NULL &&
        strcmp(args->config_file, CONFIG_FILE) == 0 && stat(SPOOL_DEFAULT, &there) == 0 &&
        (here.st_ino != there.st_ino || here.st_dev != there.st_dev) &&
        (has_mail(SPOOL_DEFAULT) || has_mail(SPOOL_DEFAULT "/" DROP_NAME))) {
        report_trouble(args->syslog, LOG_WARNING, "mails wait in another spool: flush --spool " SPOOL_DEFAULT);
    }
}

void spool_close(struct spool *spool)
{
    if (spool->fd >= 0) {
        close(spool->fd);
    }
    spool->fd = -1;
}

/* SPDX-License-Identifier: MIT
 *
 * What is in the directory of the spool: mails, those set aside as damaged, and leftovers.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "octets.h"
#include "report.h"
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

bool spool_each_name(const struct spool *spool, bool (*visit)(const struct spool *, const char *, void *), void *ctx)
{
    int fd = openat(spool->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    bool good = true;

    if (names != NULL) {
        errno = 0;
    }
    while (names != NULL && good && (entry = readdir(names)) != NULL) {
        good = visit(spool, entry->d_name, ctx);
        errno = 0;
    }
    if (errno != 0) {
        complain("%s cannot be read: %s", spool->dir, strerror(errno));
        good = false;
    }
    if (names != NULL) {
        closedir(names);
    } else if (fd >= 0) {
        close(fd);
    }
    return good;
}

bool spool_is_mail(const char *name, const char *ending)
{
    return strspn(name, "0123456789abcdef") == ID_LEN && strcmp(name + ID_LEN, ending) == 0;
}

bool spool_has(const struct spool *spool, const char *name)
{
    struct stat about;

    return fstatat(spool->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0;
}

int spool_peek(const struct spool *spool, const char *name, struct host_mail *mail)
{
    int fd = openat(spool->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int error = errno;

    mail_init(mail);
    if (fd >= 0) {
        error = spool_file_read_state(fd, mail);
        close(fd);
    }
    return error;
}

/* ---- Notices ----------------------------------------------------------------------------------------------------- */

void spool_notice_id(uint8_t notice[8], const uint8_t mail[8], uint32_t told_of)
{
    for (size_t i = 0; i < 8; i++) {
        notice[i] = (uint8_t)(~mail[i] ^ (i < 4 ? told_of >> 8 * i : 0));
    }
}

/* Is it known for good who was told by a notice with this id? */
static bool settled(const struct spool *spool, const char *id, const uint8_t notice[8])
{
    char name[SPOOL_NAME];
    struct host_mail mail;
    uint8_t expected[8];
    int error;

    snprintf(name, sizeof name, "%.*s" SPOOL_MAIL, ID_LEN, id);
    error = spool_peek(spool, name, &mail);
    if (error != 0) {
        return error == ENOENT;
    }
    spool_notice_id(expected, mail.record.id, 0);
    for (unsigned i = 0; i < 4; i++) {
        expected[i] ^= notice[i];
    }
    return (get_number(expected, 4) & ~(uint64_t)mail.kept.told) == 0;
}

/* One that is damaged is met as a mail that is. */
bool spool_send_notice(const struct spool *spool, const char *id)
{
    char name[SPOOL_NAME], to[SPOOL_NAME];
    struct host_mail notice;
    int error;

    snprintf(name, sizeof name, "%.*s" SPOOL_NOTICE, ID_LEN, id);
    error = spool_peek(spool, name, &notice);
    if (error == ENOENT || (error == 0 && !settled(spool, id, notice.record.id))) {
        return true;
    }
    snprintf(to, sizeof to, "%.*s" SPOOL_MAIL, ID_LEN, error == EBADMSG ? id : notice.id);
    if (error == EBADMSG && spool_has(spool, to)) {
        return true;
    }
    if (error == 0 || error == EBADMSG) {
        error = renameat(spool->fd, name, spool->fd, to) == 0 || errno == ENOENT ? 0 : errno;
    }
    if (error != 0) {
        complain("%s/%s cannot be read or renamed: %s: it is not sent", spool->dir, name, strerror(error));
    }
    return error == 0;
}

/* ---- Cleaning ---------------------------------------------------------------------------------------------------- */

/* A temporary file that nobody holds a lock on has lost its maker. False after a complaint. */
static bool clean_one(const struct spool *spool, const char *name, void *ctx)
{
    bool prefixed = strncmp(name, SPOOL_TEMP, strlen(SPOOL_TEMP)) == 0;
    bool leftover = prefixed && spool_is_mail(name + strlen(SPOOL_TEMP), "");
    int fd = leftover ? openat(spool->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    int error;

    if (*(const bool *)ctx && spool_is_mail(name, SPOOL_NOTICE)) {
        return spool_send_notice(spool, name);
    }
    if (fd < 0) {
        return true;
    }
    error = spool_lock(fd);
    if (error == 0) {
        unlinkat(spool->fd, name, 0);
    } else if (error != EWOULDBLOCK) {
        complain("%s/%s cannot be locked: %s: it is left alone", spool->dir, name, strerror(error));
    }
    close(fd);
    return error == 0 || error == EWOULDBLOCK;
}

bool spool_clean(const struct spool *spool, bool notices)
{
    return spool_each_name(spool, clean_one, &notices);
}

static bool tell_damaged(const struct spool *spool, const char *name, void *ctx)
{
    (void)ctx;
    if (spool_is_mail(name, SPOOL_MAIL SPOOL_ASIDE)) {
        complain("%s/%s was damaged, and is not tried: see what can be saved, then remove it with queue --delete %.*s",
                 spool->dir, name, ID_LEN, name);
    }
    return true;
}

bool spool_tell_damaged(const struct spool *spool)
{
    return spool_each_name(spool, tell_damaged, NULL);
}

static int compare(const void *a, const void *b)
{
    const struct spool_entry *one = a, *other = b;

    if (mote_record_before(&one->record, &other->record)) {
        return -1;
    }
    return mote_record_before(&other->record, &one->record) ? 1 : strcmp(one->name, other->name);
}

/* How long it has waited and how often it was tried. */
static void look_up_record(const struct spool *spool, struct spool_entry *entry, const struct uptime *now)
{
    struct host_mail mail;
    struct stat about = {0};
    bool strict, good = spool_peek(spool, entry->name, &mail) == 0;

    if (spool_is_mail(entry->name, SPOOL_FAILED)) {
        fstatat(spool->fd, entry->name, &about, AT_SYMLINK_NOFOLLOW);
    }
    entry->stored_ms = uptime_passed_ms(&mail.kept.stored, now, &strict);
    entry->modified = about.st_mtim;
    entry->notice = (mail.marks & MAIL_NOTICE) != 0;
    if (good) {
        spool_age(&mail);
    }
    entry->record = mail.record;
}

static int compare_age(const void *a, const void *b)
{
    const struct spool_entry *one = a, *other = b;

    if (one->record.age_s != other->record.age_s) {
        return one->record.age_s > other->record.age_s ? -1 : 1;
    }
    return strcmp(one->name, other->name);
}

/* Of those that failed, which one goes first: notices, then whichever failed first. All of earlier boots are stored equally
 * long ago; of these the clock may know. */
static int compare_failed(const void *a, const void *b)
{
    const struct spool_entry *one = a, *other = b;

    if (one->notice != other->notice) {
        return one->notice ? -1 : 1;
    }
    if (one->stored_ms != other->stored_ms) {
        return one->stored_ms > other->stored_ms ? -1 : 1;
    }
    if (one->modified.tv_sec != other->modified.tv_sec) {
        return one->modified.tv_sec < other->modified.tv_sec ? -1 : 1;
    }
    if (one->modified.tv_nsec != other->modified.tv_nsec) {
        return one->modified.tv_nsec < other->modified.tv_nsec ? -1 : 1;
    }
    return strcmp(one->name, other->name);
}

struct list {
    struct spool_entry *entries; /* room for one more */
    size_t count;
    bool waiting, failed; /* which ones */
    struct uptime now;
};

static bool make_room(struct list *list)
{
    struct spool_entry *more = realloc(list->entries, (list->count + 1) * sizeof *more);

    if (more == NULL) {
        complain("no memory for a list of %zu mails: try again", list->count);
        return false;
    }
    list->entries = more;
    return true;
}

static bool add(const struct spool *spool, const char *name, void *ctx)
{
    struct list *list = ctx;

    if (!(list->waiting && spool_is_mail(name, SPOOL_MAIL)) && !(list->failed && spool_is_mail(name, SPOOL_FAILED))) {
        return true;
    }
    strcpy(list->entries[list->count].name, name);
    look_up_record(spool, &list->entries[list->count++], &list->now);
    return make_room(list);
}

static struct spool_entry *sorted(const struct spool *spool, size_t *count, struct list list,
                                  int (*order)(const void *, const void *))
{
    list.now = uptime_now();
    if (!make_room(&list) || !spool_each_name(spool, add, &list)) {
        free(list.entries);
        return NULL;
    }
    qsort(list.entries, list.count, sizeof *list.entries, order);
    *count = list.count;
    return list.entries;
}

struct spool_entry *spool_list(const struct spool *spool, size_t *count)
{
    return sorted(spool, count, (struct list){.waiting = true}, compare);
}

struct spool_entry *spool_list_all(const struct spool *spool, size_t *count)
{
    return sorted(spool, count, (struct list){.waiting = true, .failed = true}, compare_age);
}

/* ---- Those that failed ------------------------------------------------------------------------------------------- */

static struct spool_entry *list_failed(const struct spool *spool, size_t *count)
{
    return sorted(spool, count, (struct list){.failed = true}, compare_failed);
}

/* Told of where it is gone. */
static bool remove_failed(const struct spool *spool, const char *name, const char *why)
{
    if (unlinkat(spool->fd, name, 0) != 0) {
        return false;
    }
    report_trouble(spool->syslog, LOG_WARNING, "%s is removed: %s", name, why);
    return true;
}

void spool_trim_failed(const struct spool *spool)
{
    size_t count = 0;
    struct spool_entry *entries = list_failed(spool, &count);
    char why[50];

    snprintf(why, sizeof why, "the newest %d that failed are kept", SPOOL_FAILED_MAX);
    for (size_t i = 0; entries != NULL && i + SPOOL_FAILED_MAX < count; i++) {
        remove_failed(spool, entries[i].name, why);
    }
    free(entries);
}

bool spool_make_room(const struct spool *spool)
{
    int error = errno;
    bool full = error == ENOSPC || error == EDQUOT, removed = false;
    size_t count = 0;
    struct spool_entry *entries = full ? list_failed(spool, &count) : NULL;

    for (size_t i = 0; entries != NULL && i < count && !removed; i++) {
        removed = remove_failed(spool, entries[i].name, "the disk is full, and a new mail needs its room");
    }
    free(entries);
    errno = error;
    return removed;
}

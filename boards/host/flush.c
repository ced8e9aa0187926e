/* SPDX-License-Identifier: MIT
 *
 * `mailmote flush`: an attempt of each mail of the spool that is due, or with --now of each. Asking early brings no
 * cleartext any nearer (POLICY P5): that goes by time alone. One flush works on a spool at a time; another one leaves it that work,
 * with a mark in the spool where it was called with --now. Between mails it looks for that mark, and for new mails.
 */
#define _GNU_SOURCE

#include "attempt.h"
#include "commands.h"
#include "complain.h"
#include "drop.h"
#include "later.h"
#include "mx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds until a mail is tried again whose relay ended the connection behind another one. */
enum { CLOSED_S = 11 };

struct flushing {
    struct args args;
    struct relays relays;
    struct host_mail mail;
    struct spool spool;
    struct throttle throttle;
    struct attempt attempt;
    struct mote_posix_connection connection; /* mails share it */
    struct timespec drop_changed;            /* when it was last looked into */
    bool drop_more;                          /* than what is taken at a time */
    char (*seen)[SPOOL_NAME];                /* the mails of this round and those that came meanwhile, by name */
    size_t seen_count;
    time_t listed_s; /* when they were last listed, by a clock that nobody sets */
    bool opened;     /* the relays' files were read, with this result: */
    int open_status;
    bool asked;  /* another flush has left the mark: begin anew */
    bool closed; /* a relay ended one behind a mail: there is one to be tried again soon */
    bool others; /* than mails of which all recipients were refused */
};

/* --now tries a mail once in a round: one that was tried since the list was made has had it. */
static bool due(const struct flushing *flushing, const struct spool_entry *entry)
{
    const struct host_mail *mail = &flushing->mail;
    bool tried =
        entry->record.rcpt_count != 0 && mail->record.attempts != entry->record.attempts; /* 0: not looked at */

    return (flushing->args.now && !tried) || mail->record.wait_s == 0 || throttle_released(&flushing->spool, mail);
}

/* When the first mail is due: as long as none is, no secret is read and no command run for one. */
static int open_relays(struct flushing *flushing)
{
    if (!flushing->opened) {
        flushing->opened = true;
        flushing->open_status = relays_open(&flushing->relays, &flushing->args);
    }
    return flushing->open_status;
}

static int status_of(int had)
{
    return had == SPOOL_GOOD || had == SPOOL_PASS ? EX_OK : had == SPOOL_DAMAGED ? EX_DATAERR : EX_TEMPFAIL;
}

/* Or only tells, of one that is not due, who has failed. */
static int try_mail(struct flushing *flushing, bool due, bool more)
{
    struct attempt *attempt = &flushing->attempt;
    struct host_mail *mail = &flushing->mail;
    char text[40];
    int status;

    if (due && !mx_split(&flushing->args, &flushing->spool, mail)) {
        return EX_CANTCREAT;
    }
    *attempt = (struct attempt){.args = &flushing->args,
                                .relays = &flushing->relays,
                                .spool = &flushing->spool,
                                .throttle = &flushing->throttle,
                                .mail = &flushing->mail,
                                .connection = &flushing->connection,
                                .more = more,
                                .notify = true};
    attempt->dialogue.verbose = flushing->args.verbose;
    snprintf(text, sizeof text, "mail %.*s", ID_LEN, mail->id);
    dialogue_event(&attempt->dialogue, text);
    if (due) {
        throttle_load(&flushing->throttle, &flushing->spool, &flushing->relays);
    }
    status = due ? attempt_run(attempt) : attempt_tell(attempt);
    flushing->others |= status != EX_NOUSER && mail->mail.from[0] != 0; /* notices are not counted */
    flushing->closed |= !mail_final(mail) && mail->record.cause == MOTE_CAUSE_CLOSED;
    return status;
}

static int flush_mail(struct flushing *flushing, const struct spool_entry *entry, bool more)
{
    const char *name = entry->name;
    struct host_mail *mail = &flushing->mail;
    int status = EX_OK, had = spool_take(&flushing->spool, name, mail);
    bool cut, is_due;

    if (had != SPOOL_GOOD) {
        return status_of(had);
    }
    cut = attempt_was_cut(mail);
    is_due = !record_final(&mail->record) && due(flushing, entry);
    if (is_due) {
        status = open_relays(flushing);
        is_due = status == EX_OK;
    }
    if (is_due || cut) {
        had = spool_read(&flushing->spool, name, mail);
        had = had == SPOOL_GOOD ? later_store(&flushing->args, &flushing->spool, mail) : had;
        status = worse(status, had == SPOOL_GOOD ? try_mail(flushing, is_due, more) : status_of(had));
    }
    mail_free(mail);
    return status;
}

/* And the notice that came of it. */
static int flush_one(struct flushing *flushing, const struct spool_entry *entry, bool more)
{
    struct spool_entry notice = {.record = {.rcpt_count = 0}};
    int status;

    flushing->attempt.notice[0] = 0;
    status = flush_mail(flushing, entry, more);
    if (flushing->attempt.notice[0] == 0) {
        return status;
    }
    strcpy(notice.name, flushing->attempt.notice);
    return worse(status, flush_mail(flushing, &notice, more));
}

/* ---- What comes meanwhile ---------------------------------------------------------------------------------------- */

static bool asked_for_now(struct flushing *flushing)
{
    if (unlinkat(flushing->spool.fd, SPOOL_NOW, 0) == 0) {
        flushing->args.now = flushing->asked = true;
    }
    return flushing->asked;
}

/* What it takes away itself is no change. */
static int take_dropped(struct flushing *flushing)
{
    int status = drop_take(&flushing->spool, relays_verified_only(&flushing->args), &flushing->drop_more);

    drop_changed(&flushing->spool, &flushing->drop_changed);
    return status;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(one, other);
}

/* Of a list, those that were not seen before, in its order, and how many they are. */
static size_t keep_new(struct flushing *flushing, struct spool_entry *entries, size_t count)
{
    size_t before = flushing->seen_count, left = 0;

    for (size_t i = 0; i < count; i++) {
        if (before == 0 || bsearch(entries[i].name, flushing->seen, before, sizeof *flushing->seen, by_name) == NULL) {
            strcpy(flushing->seen[flushing->seen_count++], entries[i].name);
            entries[left++] = entries[i];
        }
    }
    qsort(flushing->seen, flushing->seen_count, sizeof *flushing->seen, by_name);
    return left;
}

static time_t seconds(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* NULL after a complaint. */
static struct spool_entry *list_new(struct flushing *flushing, size_t *count)
{
    struct spool_entry *entries = spool_list(&flushing->spool, count);
    void *more =
        entries == NULL ? NULL : realloc(flushing->seen, (flushing->seen_count + *count + 1) * sizeof *flushing->seen);

    if (entries != NULL && more == NULL) {
        complain("no memory for a list of %zu mails: try again", *count);
        free(entries);
        return NULL;
    }
    if (entries != NULL) {
        flushing->seen = more;
        *count = keep_new(flushing, entries, *count);
    }
    flushing->listed_s = seconds();
    return entries;
}

/* Who has just come waits for none of the mails that were tried before (POLICY P18). Looked at is what was dropped, and each second
 * what was stored. */
static int flush_new(struct flushing *flushing, bool more)
{
    size_t count;
    struct spool_entry *entries;
    int status = EX_OK;

    if (drop_changed(&flushing->spool, &flushing->drop_changed) || flushing->drop_more) {
        status = take_dropped(flushing);
    } else if (seconds() == flushing->listed_s) {
        return EX_OK;
    }
    entries = list_new(flushing, &count);
    if (entries == NULL) {
        return worse(status, EX_OSERR);
    }
    for (size_t i = 0; i < count && entries[i].record.attempts == 0 && status != EX_CONFIG; i++) {
        status = worse(status, flush_one(flushing, &entries[i], more || flushing->drop_more || i + 1 < count));
    }
    free(entries);
    return status;
}

/* ---- The round --------------------------------------------------------------------------------------------------- */

/* Mails share connections; QUIT behind the last one. */
static int flush_each(struct flushing *flushing, const struct spool_entry *entries, size_t count)
{
    int status = EX_OK;

    for (size_t i = 0; i < count && status != EX_CONFIG && !asked_for_now(flushing); i++) {
        bool more = i + 1 < count;

        status = worse(status, flush_one(flushing, &entries[i], more || flushing->drop_more));
        if (status != EX_CONFIG && (!more || entries[i + 1].record.attempts != 0)) { /* else that one is older */
            status = worse(status, flush_new(flushing, more));
        }
    }
    while (flushing->drop_more && status != EX_CONFIG && !flushing->asked) {
        status = worse(status, flush_new(flushing, false));
    }
    mote_posix_leave(&flushing->connection);
    return status;
}

static int flush_all(struct flushing *flushing)
{
    struct uptime now = uptime_now();
    size_t count;
    struct spool_entry *entries;
    int status = spool_clean(&flushing->spool, true) ? EX_OK : EX_OSERR;

    asked_for_now(flushing);
    flushing->asked = false;
    flushing->seen_count = 0;
    status = worse(status, take_dropped(flushing));
    entries = list_new(flushing, &count);
    if (entries == NULL) {
        return EX_OSERR;
    }
    if (count != 0 && !uptime_known(&now)) {
        complain("the kernel's boot id cannot be read: is /proc mounted? Without it no mail may ever leave in clear");
        status = EX_OSERR;
    }
    if (flushing->args.now) {
        throttle_forget(&flushing->spool);
    }
    status = worse(status, flush_each(flushing, entries, count));
    if (flushing->closed && status != EX_CONFIG &&
        !flushing->asked) { /* POLICY P12: the rest, on a connection of its own */
        sleep(CLOSED_S);
        flushing->args.now = false;
        status = worse(status, flush_each(flushing, entries, count));
    }
    free(entries);
    return status == EX_NOUSER && flushing->others ? EX_UNAVAILABLE : status; /* as `send' of one mail to all of them */
}

/* The spool, or the mark for the flush that has it. That one may just have looked for it the last time: then it is free
 * now, or will be looked at once more. */
static int claim(const struct flushing *flushing)
{
    const struct spool *spool = &flushing->spool;
    int error = spool_claim(spool), mark;

    if (error == EWOULDBLOCK && flushing->args.now) {
        mark = openat(spool->fd, SPOOL_NOW, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (mark < 0) {
            complain("another flush is at work on %s, and cannot be told to try every mail: %s", spool->dir,
                     strerror(errno));
        } else {
            close(mark);
            error = spool_claim(spool);
        }
    }
    if (error == EWOULDBLOCK && flushing->args.verbose) {
        complain("another flush is at work on %s", spool->dir);
    }
    return error;
}

static int flush_spool(struct flushing *flushing)
{
    int status = EX_OK, error;

    do {
        error = claim(flushing);
        if (error == 0) {
            status = worse(status, flush_all(flushing));
            spool_release(&flushing->spool);
        }
    } while (error == 0 && status != EX_CONFIG && asked_for_now(flushing));
    return error == 0 || error == EWOULDBLOCK ? status : EX_OSERR;
}

static int flush(struct flushing *flushing)
{
    int status = relays_parse(&flushing->relays, &flushing->args);

    if (status == EX_OK) {
        status = check_helo(flushing->args.helo);
    }
    if (status == EX_OK) {
        status = check_admin(flushing->args.admin);
    }
    if (status == EX_OK && !flushing->args.spool_option) {
        spool_make(flushing->args.spool);
    }
    if (status != EX_OK || spool_absent(flushing->args.spool)) {
        return status;
    }
    flushing->spool.syslog = flushing->args.syslog;
    status = spool_open(&flushing->spool, flushing->args.spool, false);
    return status != EX_OK ? status : flush_spool(flushing);
}

int flush_command(int argc, char **argv)
{
    struct flushing *flushing = calloc(1, sizeof *flushing);
    int status;

    if (flushing == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    mail_init(&flushing->mail);
    flushing->spool.fd = -1;
    status = args_parse(&flushing->args, COMMAND_FLUSH, argc, argv);
    if (status == EX_OK && flushing->args.help) {
        print_help();
    } else if (status == EX_OK) {
        status = flush(flushing);
    }
    spool_close(&flushing->spool);
    relays_wipe(&flushing->relays);
    args_free(&flushing->args);
    free(flushing->seen);
    free(flushing);
    return status;
}

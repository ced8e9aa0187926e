/* SPDX-License-Identifier: MIT
 *
 * `mailmote flush`: an attempt of each mail of the spool that is due, or with --now of each. Asking early brings no
 * cleartext any nearer (POLICY P5): that goes by time alone. One flush works on a spool at a time; another one leaves it that work,
 * with a mark in the spool where it was called with --now. Between mails it looks for that mark, and for new mails.
 */
#define _GNU_SOURCE

#include "attempt.h"
#include "claim.h"
#include "commands.h"
#include "complain.h"
#include "drop.h"
#include "later.h"
#include "mx.h"
#include "report.h"
#include "round.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum {
    CLOSED_S = 11,    /* until a mail is tried again whose relay ended the connection behind another one */
    DROPS_AT_END = 16 /* times the drop directory is looked into behind the last mail */
};

struct flushing {
    bool drop_more; /* than what is taken at a time */
    bool asked;     /* another flush has left the mark: begin anew */
    bool closed;    /* a relay ended one behind a mail: there is one to be tried again soon */
    bool others;    /* than mails of which all recipients were refused */
    bool opened;    /* the relays' files were read, with this result: */
    int open_status;
    struct timespec drop_changed; /* when it was last looked into */
    struct spool spool;
    struct round round;
    struct args args;
    struct relays relays;
    struct host_mail mail;
    struct throttle throttle;
    struct attempt attempt;
    struct mote_posix_connection connection; /* mails share it */
};

/* --now tries a mail once in a round: one that was tried since the list was made has had it. */
static bool due(const struct flushing *flushing, const struct spool_entry *entry)
{
    const struct host_mail *mail = &flushing->mail;
    bool tried =
        entry->record.rcpt_count != 0 && mail->record.attempts != entry->record.attempts; /* 0: not looked at */

    return !mx_held(entry->name) &&
           ((flushing->args.now && !tried) || mail->record.wait_s == 0 || throttle_released(&flushing->spool, mail));
}

/* No mail can be tried, of which was told. They expire all the same. */
static int bar(struct flushing *flushing, int status)
{
    char text[1300];

    snprintf(text, sizeof text, "no mail of %.200s is tried: %s", flushing->args.spool, complain_last());
    report_to_log(flushing->args.syslog, LOG_ERR, text);
    flushing->opened = true;
    flushing->open_status = status;
    return status;
}

/* When the first mail is due: as long as none is, no secret is read and no command run for one. */
static int open_relays(struct flushing *flushing)
{
    if (!flushing->opened) {
        flushing->opened = true;
        flushing->open_status = relays_open(&flushing->relays, &flushing->args);
        if (flushing->open_status != EX_OK) {
            bar(flushing, flushing->open_status);
        }
    }
    return flushing->open_status;
}

static int try_mail(struct flushing *flushing)
{
    struct attempt *attempt = &flushing->attempt;
    struct host_mail *mail = &flushing->mail;
    int status = later_store(&flushing->args, &flushing->spool, mail);

    if (status != EX_OK && mail->kept.fd < 0) {
        return EX_TEMPFAIL;
    }
    if (status != EX_OK) {
        return attempt_wait(attempt, status == EX_CONFIG ? CAUSE_ALIASES : MOTE_CAUSE_STORAGE);
    }
    if (!mx_split(&flushing->args, &flushing->spool, mail)) {
        return worse(EX_CANTCREAT, attempt_wait(attempt, MOTE_CAUSE_STORAGE));
    }
    throttle_load(&flushing->throttle, &flushing->spool, &flushing->relays);
    status = mx_run(attempt);
    if (status == EX_CONFIG) {
        bar(flushing, status);
        status = worse(status, attempt_wait(attempt, MOTE_CAUSE_NONE));
    }
    flushing->closed |= !mail_final(mail) && mail->record.cause == MOTE_CAUSE_CLOSED;
    return status;
}

static void begin_mail(struct flushing *flushing, bool more)
{
    struct attempt *attempt = &flushing->attempt;
    char text[40];

    *attempt = (struct attempt){.args = &flushing->args,
                                .relays = &flushing->relays,
                                .spool = &flushing->spool,
                                .throttle = &flushing->throttle,
                                .mail = &flushing->mail,
                                .connection = &flushing->connection,
                                .more = more,
                                .notify = true};
    attempt->dialogue.verbose = flushing->args.verbose;
    snprintf(text, sizeof text, "mail %.*s", ID_LEN, flushing->mail.id);
    dialogue_event(&attempt->dialogue, text);
}

/* A mail is read when it can be tried, has waited long enough, or an earlier run has not told all of it. */
static int flush_mail(struct flushing *flushing, const struct spool_entry *entry, bool more)
{
    struct host_mail *mail = &flushing->mail;
    int status = EX_OK, had = spool_take(&flushing->spool, entry->name, mail);
    bool cut, is_due, barred;

    if (had != SPOOL_GOOD) {
        return spool_status(had);
    }
    cut = attempt_was_cut(mail);
    is_due = !record_final(&mail->record) && due(flushing, entry);
    if (is_due) {
        status = open_relays(flushing);
    }
    barred = status != EX_OK;
    if (cut || (is_due && (!barred || mote_policy_expired(mail->record.age_s)))) {
        had = spool_read(&flushing->spool, entry->name, mail);
        status = worse(status, spool_status(had));
    } else {
        had = SPOOL_PASS;
    }
    if (had == SPOOL_GOOD) {
        begin_mail(flushing, more);
        status = worse(status, is_due && !barred ? try_mail(flushing)
                               : cut             ? attempt_tell(&flushing->attempt)
                                                 : attempt_wait(&flushing->attempt, MOTE_CAUSE_NONE));
        flushing->others |=
            status != EX_NOUSER && mail->mail.from != NULL && mail->mail.from[0] != 0; /* notices are not counted */
    }
    mail_free(mail);
    return status;
}

/* And the notice that came of it. */
static int flush_told(struct flushing *flushing, const struct spool_entry *entry, bool more)
{
    struct spool_entry notice = {.record = {.rcpt_count = 0}};
    int status;

    flushing->attempt.notice[0] = 0;
    status = flush_mail(flushing, entry, more);
    if (flushing->attempt.notice[0] == 0) {
        return status;
    }
    strcpy(notice.name, flushing->attempt.notice);
    round_note(&flushing->round, notice.name);
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

/* Whether a mail is for verified relays only is not known where the configuration is not. What comes while this takes others is a
 * change, and so is what it takes away itself: it is looked at once more. */
static int take_dropped(struct flushing *flushing)
{
    drop_changed(&flushing->spool, &flushing->drop_changed);
    return flushing->args.misconfigured
               ? EX_OK
               : drop_take(&flushing->spool, relays_verified_only(&flushing->args), &flushing->drop_more);
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
    } else if (!round_passed(&flushing->round)) {
        return EX_OK;
    }
    entries = round_list(&flushing->round, &flushing->spool, &count);
    if (entries == NULL) {
        return worse(status, EX_OSERR);
    }
    for (size_t i = 0; i < count && entries[i].record.attempts == 0; i++) {
        status = worse(status, flush_told(flushing, &entries[i], more || flushing->drop_more || i + 1 < count));
    }
    free(entries);
    return status;
}

/* And the mails of which those are one no more, behind what has just come. */
static int flush_parts(struct flushing *flushing, bool more)
{
    struct spool_entry part = {.record = {.rcpt_count = 0}};
    int status = EX_OK;

    while (status != EX_CONFIG && mx_part(part.name)) {
        round_note(&flushing->round, part.name);
        status = worse(status, flush_told(flushing, &part, more));
        status = worse(status, flush_new(flushing, more));
    }
    return status;
}

/* ---- The round --------------------------------------------------------------------------------------------------- */

/* Mails share connections; QUIT behind the last one. A run ends though somebody drops mails without end: the next one tries those
 * that are due by then. */
static int flush_each(struct flushing *flushing, const struct spool_entry *entries, size_t count)
{
    int status = EX_OK;

    for (size_t i = 0; i < count && !asked_for_now(flushing); i++) {
        bool more = i + 1 < count;

        status = worse(status, flush_told(flushing, &entries[i], more || flushing->drop_more));
        if (!more || entries[i + 1].record.attempts != 0) { /* else that one is older */
            status = worse(status, flush_new(flushing, more));
        }
        status = worse(status, flush_parts(flushing, more));
    }
    for (unsigned i = 0; i < DROPS_AT_END && flushing->drop_more && !asked_for_now(flushing); i++) {
        status = worse(status, flush_new(flushing, false));
        status = worse(status, flush_parts(flushing, false));
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
    round_end(&flushing->round);
    status = worse(status, take_dropped(flushing));
    entries = round_list(&flushing->round, &flushing->spool, &count);
    if (entries == NULL) {
        return EX_OSERR;
    }
    if (count != 0 && spool_read_only(&flushing->spool)) {
        free(entries);
        return worse(status, EX_TEMPFAIL);
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

static int flush_spool(struct flushing *flushing)
{
    int status = EX_OK, error;

    do {
        error = claim_for_flush(&flushing->spool, flushing->args.now, flushing->args.verbose);
        if (error == 0) {
            status = worse(status, flush_all(flushing));
            spool_release(&flushing->spool);
        }
    } while (error == 0 && status != EX_CONFIG && asked_for_now(flushing));
    if (error == EBUSY) {
        return worse(status, EX_TEMPFAIL);
    }
    return error == 0 || error == EWOULDBLOCK ? status : EX_OSERR;
}

static int understand(struct flushing *flushing)
{
    struct args *args = &flushing->args;
    int status = relays_parse(&flushing->relays, args);

    if (status == EX_OK) {
        status = check_helo(args);
    }
    if (status == EX_OK) {
        status = check_admin(args);
        args->admin = status == EX_OK ? args->admin : NULL;
    }
    return status;
}

/* A configuration that is wrong tries no mail, and tells of those that have waited long enough. */
static int flush_misconfigured(struct flushing *flushing, int status)
{
    struct args *args = &flushing->args;

    if (args->spool == NULL) {
        args->spool = SPOOL_DEFAULT;
    }
    if (access(args->spool, R_OK | W_OK | X_OK) != 0) {
        return status;
    }
    bar(flushing, status);
    args->misconfigured = true;
    args->now = false;
    flushing->spool.syslog = args->syslog;
    if (spool_open(&flushing->spool, args->spool, false) == EX_OK) {
        flush_spool(flushing);
    }
    return status;
}

static int flush(struct flushing *flushing)
{
    struct args *args = &flushing->args;
    int status = understand(flushing);

    if (status == EX_CONFIG) {
        return flush_misconfigured(flushing, status);
    }
    if (status == EX_OK && !args->spool_option) {
        spool_make(args->spool);
        spool_tell_other(args);
    }
    if (status != EX_OK || spool_absent(args)) {
        return status;
    }
    flushing->spool.syslog = args->syslog;
    status = spool_open(&flushing->spool, args->spool, false);
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
    } else if (status == EX_CONFIG) {
        status = flush_misconfigured(flushing, status);
    }
    spool_close(&flushing->spool);
    relays_wipe(&flushing->relays);
    args_free(&flushing->args);
    round_end(&flushing->round);
    free(flushing);
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * `mailmote flush`: an attempt of each mail of the spool that is due, or with --now of each. Asking early brings no
 * cleartext any nearer (POLICY P5): that goes by time alone. One flush works on a spool at a time; another one leaves it that work.
 */
#define _GNU_SOURCE

#include "attempt.h"
#include "commands.h"
#include "complain.h"
#include "drop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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
    bool closed;                             /* a relay ended one behind a mail: there is one to be tried again soon */
    bool others;                             /* than mails of which all recipients were refused */
};

static bool due(const struct flushing *flushing)
{
    const struct host_mail *mail = &flushing->mail;

    return flushing->args.now || mail->record.wait_s == 0 || record_final(&mail->record) ||
           throttle_released(&flushing->throttle, &flushing->relays, mail);
}

static int status_of(int had)
{
    return had == SPOOL_GOOD || had == SPOOL_PASS ? EX_OK : had == SPOOL_DAMAGED ? EX_DATAERR : EX_TEMPFAIL;
}

static int try_mail(struct flushing *flushing, bool more)
{
    struct attempt *attempt = &flushing->attempt;
    const struct host_mail *mail = &flushing->mail;
    char text[40];
    int status;

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
    status = attempt_run(attempt);
    flushing->others |= status != EX_NOUSER && mail->mail.from[0] != 0; /* notices are not counted */
    flushing->closed |= !mail_final(mail) && mail->record.cause == MOTE_CAUSE_CLOSED;
    return status;
}

static int flush_one(struct flushing *flushing, const char *name, bool more)
{
    struct host_mail *mail = &flushing->mail;
    int status = EX_OK, had = spool_take(&flushing->spool, name, mail);

    if (had != SPOOL_GOOD) {
        return status_of(had);
    }
    throttle_load(&flushing->throttle, &flushing->spool, &flushing->relays);
    if (due(flushing)) {
        had = spool_read(&flushing->spool, name, mail);
        status = had == SPOOL_GOOD ? try_mail(flushing, more) : status_of(had);
    }
    mail_free(mail);
    return status;
}

/* Mails share connections; QUIT behind the last one. */
static int flush_each(struct flushing *flushing, const struct spool_entry *entries, size_t count)
{
    int status = EX_OK;

    for (size_t i = 0; i < count && status != EX_CONFIG; i++) {
        status = worse(status, flush_one(flushing, entries[i].name, i + 1 < count));
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

    status = worse(status, drop_take(&flushing->spool, relays_verified_only(&flushing->args)));
    entries = spool_list(&flushing->spool, &count);
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
    if (flushing->closed && status != EX_CONFIG) { /* POLICY P12: the rest, on a connection of its own */
        sleep(CLOSED_S);
        flushing->args.now = false;
        status = worse(status, flush_each(flushing, entries, count));
    }
    free(entries);
    return status == EX_NOUSER && flushing->others ? EX_UNAVAILABLE : status; /* as `send' of one mail to all of them */
}

static int flush(struct flushing *flushing)
{
    int status = relays_parse(&flushing->relays, &flushing->args), error;

    if (status == EX_OK) {
        status = check_helo(flushing->args.helo);
    }
    if (status == EX_OK) {
        status = check_admin(flushing->args.admin);
    }
    if (status == EX_OK) {
        status = relays_open(&flushing->relays, &flushing->args);
    }
    if (status != EX_OK || spool_absent(flushing->args.spool)) {
        return status;
    }
    status = spool_open(&flushing->spool, flushing->args.spool, false);
    if (status != EX_OK) {
        return status;
    }
    error = spool_claim(&flushing->spool);
    if (error == EWOULDBLOCK && flushing->args.verbose) {
        complain("another flush is at work on %s", flushing->args.spool);
    }
    return error == 0 ? flush_all(flushing) : error == EWOULDBLOCK ? EX_OK : EX_OSERR;
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
    free(flushing);
    return status;
}

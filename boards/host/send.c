/* SPDX-License-Identifier: MIT
 *
 * `mailmote send`: one attempt of one mail, then a line per recipient. With --spool the mail is stored as soon as the
 * words of the command line are understood: files, resolver and network come later, and what fails there costs no mail.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "drop.h"
#include "later.h"
#include "mx.h"
#include "report.h"
#include "sending.h"
#include "shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

/* A mail that is to be kept is not lost for an alias that is wrong. */
static int expand_into(struct aliases *aliases, char **names, unsigned count, struct words *to)
{
    bool kept = aliases->args->spool != NULL;
    int status = EX_OK;

    for (unsigned i = 0; i < count && status == EX_OK; i++) {
        status = kept ? aliases_address(aliases, names[i], to) : aliases_expand(aliases, names[i], to);
    }
    return status;
}

static int expand_words(struct aliases *aliases, struct words *words)
{
    struct words names = *words;
    int status;

    *words = (struct words){NULL, 0};
    status = expand_into(aliases, names.list, names.count, words);
    free(names.list);
    return status;
}

/* Names become addresses. */
static int expand(struct sending *sending)
{
    struct args *args = &sending->args;
    int status = args_misconfigured(args, aliases_open(&sending->aliases, args, args->domain));

    if (args->misconfigured && args->domain == NULL) {
        sending->aliases.domain = LATER_DOMAIN;
    }
    if (status == EX_OK) {
        status = expand_into(&sending->aliases, args->rcpts, args->rcpt_count, &sending->to);
    }
    args->rcpts = sending->to.list;
    args->rcpt_count = sending->to.count;
    if (status == EX_OK) {
        status = expand_words(&sending->aliases, &args->cc);
    }
    if (status == EX_OK) {
        status = expand_words(&sending->aliases, &args->bcc);
    }
    if (status == EX_OK && args->spool != NULL && args_rcpts(args) > MOTE_RECORD_RCPTS) {
        complain("more than %d recipients with --spool: send several mails", MOTE_RECORD_RCPTS);
        status = EX_USAGE;
    }
    return status;
}

/* The words, before anything of the relays is opened. */
static int understand(struct sending *sending)
{
    int status = relays_parse(&sending->relays, &sending->args);

    if (status == EX_OK) {
        status = check_helo(&sending->args);
    }
    if (status == EX_OK) {
        status = check_admin(&sending->args);
    }
    status = args_misconfigured(&sending->args, status);
    if (status == EX_OK) {
        status = expand(sending);
    }
    if (status == EX_OK) {
        status = mail_recipients(&sending->mail, &sending->args);
    }
    return status == EX_OK ? mail_sender(&sending->mail, &sending->args) : status;
}

/* Of a mail that cannot be stored a note is taken: it may be one that says so. */
static int without_spool(struct sending *sending, int status)
{
    sending->unkept = sending->unkept || status == EX_CANTCREAT;
    return status == EX_CANTCREAT ? EX_OK : status;
}

int sending_open(struct sending *sending)
{
    const char *dir = sending->args.spool;
    int status;

    sending->dropped = drop_needed(dir);
    sending->spool.syslog = sending->args.syslog;
    status = sending->dropped ? drop_open(&sending->spool, dir) : spool_open(&sending->spool, dir, true);
    if (status == EX_CONFIG && sending->args.mta) { /* who calls sendmail cannot put the spool right */
        status = EX_CANTCREAT;
    }
    status = without_spool(sending, status);
    return status == EX_OK ? mail_stream(&sending->mail, &sending->input, &sending->args) : status;
}

int sending_store(struct sending *sending)
{
    int status;

    if (sending->unkept) {
        return mail_hold(&sending->mail);
    }
    sending->mail.record.verified_only = relays_verified_only(&sending->args);
    status = shares_store(sending);
    if (status == EX_OK && sending->dropped) {
        drop_sync(&sending->mail);
    }
    return without_spool(sending, status);
}

/* All that can be done for a mail that was dropped: its owner's flush does the rest. */
static int leave_dropped(const struct sending *sending)
{
    if (sending->args.background) {
        return EX_OK;
    }
    complain("the mail is kept, and will be sent by the next flush of the owner of %s", sending->args.spool);
    return attempt_put_off(&sending->attempt);
}

/* Nothing of the caller's: not its session, not its standard streams nor any other descriptor, which somebody may be
 * waiting for to be closed. */
static void let_go(const struct sending *sending)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), spool = sending->spool.fd, mail = sending->mail.kept.fd, fd;

    setsid();
    for (fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++) {
        dup2(null, fd);
    }
    for (fd = STDERR_FILENO + 1; fd < 1024 || fd <= spool || fd <= mail; fd++) {
        if (fd != spool && fd != mail) {
            close(fd);
        }
    }
#ifdef SYS_close_range
    syscall(SYS_close_range, fd, ~0u, 0); /* Linux 5.9 */
#endif
}

/* What cannot be tried waits, of which is told. */
static int try_at_hand(struct sending *sending)
{
    struct attempt *attempt = &sending->attempt;

    if (later_store(&sending->args, &sending->spool, &sending->mail) != EX_OK) {
        return sending->mail.kept.fd >= 0 ? attempt_put_off(attempt) : EX_TEMPFAIL;
    }
    if (!mx_split(&sending->args, &sending->spool, &sending->mail)) {
        return attempt_put_off(attempt);
    }
    throttle_load(attempt->throttle, attempt->spool, attempt->relays);
    return mx_run(attempt);
}

static int try_taken(struct sending *sending)
{
    struct attempt *attempt = &sending->attempt;

    *attempt = (struct attempt){.args = attempt->args,
                                .relays = attempt->relays,
                                .spool = attempt->spool,
                                .throttle = attempt->throttle,
                                .mail = attempt->mail,
                                .connection = attempt->connection,
                                .more = sending->share + 1 < sending->share_count,
                                .notify = attempt->notify};
    attempt->dialogue.verbose = sending->args.verbose;
    return try_at_hand(sending);
}

static int try_other(struct sending *sending, const char *name)
{
    int had = shares_take(sending, name);

    return had == SPOOL_GOOD ? try_taken(sending) : spool_status(had);
}

/* The mail that was tried has failed: its notice does not wait for a flush. */
static int try_notice(struct sending *sending)
{
    char name[SPOOL_NAME];

    strcpy(name, sending->attempt.notice);
    sending->attempt.notice[0] = 0;
    return name[0] != 0 ? try_other(sending, name) : EX_OK;
}

/* Nor do the mails of which it is one no more. */
static int try_parts(struct sending *sending)
{
    char name[SPOOL_NAME];
    int status = EX_OK;

    while (status != EX_CONFIG && mx_part(name)) {
        status = worse(status, try_other(sending, name));
        status = worse(status, try_notice(sending));
    }
    return status;
}

static int try_others(struct sending *sending)
{
    char name[SPOOL_NAME];
    int status = EX_OK;

    while (status != EX_CONFIG && shares_next(sending, name)) {
        status = worse(status, try_other(sending, name));
        status = worse(status, try_notice(sending));
        status = worse(status, try_parts(sending));
    }
    mote_posix_leave(&sending->connection);
    return status;
}

/* From here on the mail is in the spool, whatever happens. */
static int try_stored(struct sending *sending)
{
    struct attempt *attempt = &sending->attempt;
    int status = relays_open(&sending->relays, &sending->args);

    attempt->spool = &sending->spool;
    attempt->throttle = &sending->throttle;
    if (status == EX_OK) {
        sending->mail.record.verified_only =
            !relays_mx(&sending->args) && mote_relays_verified(sending->relays.list, sending->relays.count);
        if (sending->share_count != 0) {
            attempt->connection = &sending->connection;
            attempt->more = true;
        }
        status = try_at_hand(sending);
        status = worse(status, try_notice(sending));
        status = status != EX_CONFIG ? worse(status, try_parts(sending)) : status;
    }
    if (sending->share_count != 0 && status != EX_CONFIG && status != EX_OSERR) {
        return worse(status, try_others(sending));
    }
    return status == EX_CONFIG || status == EX_OSERR ? attempt_put_off(attempt) : status;
}

static int leave_misconfigured(const struct sending *sending)
{
    report_to_log(sending->spool.syslog, LOG_ERR, complain_last());
    report_trouble(sending->spool.syslog, LOG_ERR,
                   "the mail is kept: mailmote flush --spool %s sends it when the configuration has been put right",
                   sending->args.spool);
    return sending->args.background ? EX_OK : attempt_put_off(&sending->attempt);
}

static int try_in_background(struct sending *sending)
{
    pid_t child = fork();

    if (child > 0) {
        return EX_OK;
    }
    if (child < 0) {
        complain("no process for --background: %s: the mail is kept for mailmote flush", strerror(errno));
        return EX_OK;
    }
    let_go(sending);
    sending->attempt.notify = true;
    return try_stored(sending);
}

int sending_try(struct sending *sending)
{
    if (sending->unkept) {
        return sending_try_unkept(sending);
    }
    if (sending->dropped) {
        return leave_dropped(sending);
    }
    if (sending->args.misconfigured) {
        return leave_misconfigured(sending);
    }
    return sending->args.background ? try_in_background(sending) : try_stored(sending);
}

static int send(struct sending *sending)
{
    int status = understand(sending);

    sending->attempt.dialogue.verbose = sending->args.verbose;
    if (status == EX_OK && sending->args.spool == NULL) {
        return sending_try_once(sending);
    }
    if (status == EX_OK) {
        status = sending_open(sending);
    }
    if (status == EX_OK) {
        status = sending_store(sending);
    }
    return status == EX_OK ? sending_try(sending) : status;
}

struct sending *sending_new(void)
{
    struct sending *sending = calloc(1, sizeof *sending);

    if (sending == NULL) {
        complain("no memory: try again");
        return NULL;
    }
    mail_init(&sending->mail);
    sending->spool.fd = -1;
    sending->attempt.args = &sending->args;
    sending->attempt.relays = &sending->relays;
    sending->attempt.mail = &sending->mail;
    return sending;
}

void sending_free(struct sending *sending)
{
    mail_free(&sending->mail);
    input_free(&sending->input);
    spool_close(&sending->spool);
    relays_wipe(&sending->relays);
    free(sending->shares);
    free(sending->to.list);
    aliases_free(&sending->aliases);
    args_free(&sending->args);
    free(sending);
}

int send_command(int argc, char **argv)
{
    struct sending *sending = sending_new();
    int status;

    if (sending == NULL) {
        return EX_OSERR;
    }
    status = args_parse(&sending->args, COMMAND_SEND, argc, argv);
    if (status == EX_OK && sending->args.help) {
        print_help();
    } else if (status == EX_OK) {
        status = send(sending);
    }
    sending_free(sending);
    return status;
}

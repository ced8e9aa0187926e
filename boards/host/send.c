/* SPDX-License-Identifier: MIT
 *
 * `mailmote send`: one attempt of one mail, then a line per recipient. With --spool the mail is stored before the
 * network is touched, and what is not finished stays.
 */
#define _GNU_SOURCE

#include "attempt.h"
#include "commands.h"
#include "complain.h"

#include <stdio.h>
#include <stdlib.h>

struct sending {
    struct args args;
    struct relays relays;
    struct host_mail mail;
    struct spool spool;
    struct throttle throttle;
    struct attempt attempt;
};

/* Everything that can be wrong before the network is touched: words, then files, then the input. */
static int prepare(struct sending *sending)
{
    int status = relays_parse(&sending->relays, &sending->args);

    if (status == EX_OK) {
        status = check_helo(sending->args.helo);
    }
    if (status == EX_OK) {
        status = mail_address(&sending->mail, &sending->args);
    }
    if (status == EX_OK) {
        status = relays_open(&sending->relays, &sending->args);
    }
    if (status == EX_OK && sending->args.spool != NULL) {
        status = spool_open(&sending->spool, sending->args.spool, true);
    }
    if (status == EX_OK) {
        status = mail_compose(&sending->mail, &sending->args);
    }
    if (status == EX_OK && sending->args.spool != NULL) {
        sending->mail.record.verified_only = mote_relays_verified(sending->relays.list, sending->relays.count);
        status = spool_store(&sending->spool, &sending->mail);
    }
    return status;
}

static int send(struct sending *sending)
{
    const struct args *args = &sending->args;
    struct attempt *attempt = &sending->attempt;
    int status = prepare(sending);

    if (status != EX_OK) {
        return status;
    }
    attempt->args = args;
    attempt->relays = &sending->relays;
    if (args->spool != NULL) {
        attempt->spool = &sending->spool;
        attempt->throttle = &sending->throttle;
        throttle_load(attempt->throttle, attempt->spool, attempt->relays);
    }
    attempt->mail = &sending->mail;
    attempt->dialogue.verbose = args->verbose;
    status = attempt_run(attempt);
    /* A mail that could not be tried at all is the caller's again. */
    if (args->spool != NULL && (status == EX_CONFIG || status == EX_DATAERR) &&
        (sending->mail.record.rcpts_delivered | sending->mail.record.rcpts_failed) == 0) {
        spool_remove(&sending->spool, &sending->mail);
    }
    if (args->spool == NULL && status == EX_TEMPFAIL) {
        complain(
            "nothing is kept: send it again later to those deferred, or give --spool DIR to have it kept for mailmote "
            "flush");
    }
    return status;
}

int send_command(int argc, char **argv)
{
    struct sending *sending = calloc(1, sizeof *sending);
    int status;

    if (sending == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    mail_init(&sending->mail);
    sending->spool.fd = -1;
    status = args_parse(&sending->args, COMMAND_SEND, argc, argv);
    if (status == EX_OK && sending->args.help) {
        print_help();
    } else if (status == EX_OK) {
        status = send(sending);
    }
    mail_free(&sending->mail);
    spool_close(&sending->spool);
    relays_wipe(&sending->relays);
    args_free(&sending->args);
    free(sending);
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * `mailmote queue`: what is in the spool, a line per recipient. It changes nothing and waits for nobody: a mail that
 * is being worked on is shown as it was last stored.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why a recipient still waits. */
static void print_last(const struct mote_record *record)
{
    if (record->sent) {
        puts("cut short, the mail may have arrived");
    } else if (record->begun) {
        puts("being tried, or cut short");
    } else if (record->attempts == 0) {
        puts("not tried yet");
    } else if (record->code != 0) {
        printf("%03u %s\n", (unsigned)record->code, mote_cause_name(record->cause));
    } else {
        puts(mote_cause_name(record->cause));
    }
}

static void print_mail(const struct host_mail *mail)
{
    const struct mote_record *record = &mail->record;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        bool delivered = (record->rcpts_delivered >> i & 1) != 0, failed = (record->rcpts_failed >> i & 1) != 0;

        const char *address = mail->mail.rcpts[i].address;

        printf("%.*s\t%lu\t%u\t%lu\t", ID_LEN, mail->id, (unsigned long)record->age_s, (unsigned)record->attempts,
               (unsigned long)record->wait_s);
        print_text(stdout, address, strlen(address));
        fputs(delivered ? "\tdelivered\t" : failed ? "\tfailed\t" : "\twaiting\t", stdout);
        if (delivered || failed) {
            puts("-");
        } else {
            print_last(record);
        }
    }
}

static int list(const struct spool *spool)
{
    size_t count;
    struct spool_entry *entries = spool_list(spool, &count);

    if (entries == NULL) {
        return EX_OSERR;
    }
    for (size_t i = 0; i < count; i++) {
        struct host_mail mail;

        if (spool_look(spool, entries[i].name, &mail) != SPOOL_GOOD) {
            continue;
        }
        print_mail(&mail);
        mail_free(&mail);
    }
    free(entries);
    return spool_tell_damaged(spool) ? EX_OK : EX_OSERR;
}

int queue_command(int argc, char **argv)
{
    struct args args;
    struct spool spool = {NULL, -1};
    int status = args_parse(&args, COMMAND_QUEUE, argc, argv);

    if (status == EX_OK && args.help) {
        print_help();
    } else if (status == EX_OK) {
        status = spool_open(&spool, args.spool, false);
    }
    if (spool.fd >= 0) {
        status = list(&spool);
    }
    spool_close(&spool);
    args_free(&args);
    return status;
}

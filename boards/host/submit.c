/* SPDX-License-Identifier: MIT
 *
 * What sendmail does that `mailmote send' does not: a mail need have no header, recipients stand in it or are names, the
 * spool is made where there is none, and whoever calls is back as soon as the mail is stored.
 */
#define _GNU_SOURCE

#include "submit.h"
#include "addressees.h"
#include "complain.h"
#include "drop.h"
#include "header.h"
#include "later.h"
#include "self.h"
#include "sending.h"
#include "standard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct submission {
    struct sending *sending;
    struct args *args; /* of sending */
    struct addressees addressees;
    unsigned to, cc, bcc; /* where To, Cc and Bcc end in their list */
    bool skipped;         /* there was no text */
    char domain[MOTE_POSIX_HOST_NAME], from[600], name[300];
};

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* What completes names: the configuration's, which has its sender's, or this host's name. Where the configuration is not known, or
 * the resolver would have to be asked, the mail is stored first. */
static void choose_domain(struct submission *submission, bool known)
{
    struct args *args = submission->args;

    if (args->domain == NULL) {
        args->domain = known && self_in_full() ? later_domain(args, submission->domain) : LATER_DOMAIN;
    }
}

/* The caller's, unless the configuration has one that holds for all. */
static int choose_sender(struct submission *submission, const char *sender)
{
    struct args *args = submission->args;
    struct span rest = {sender, sender == NULL ? 0 : strlen(sender)};
    struct address address;

    if (sender == NULL || (args->from_fixed && args->from != NULL)) {
        return EX_OK;
    }
    address_next(&rest, &address);
    self_name(&address, args->domain);
    if (address.kind == ADDRESS_END || (address.kind == ADDRESS_ONE && address.spec[0] == 0)) {
        args->from = "";
        return EX_OK;
    }
    if (address.kind != ADDRESS_ONE ||
        !header_complete(submission->from, sizeof submission->from, address.spec, address.has_domain, args->domain)) {
        complain("sender \"%.300s\": give local-part@domain, a name, or <> for nobody", sender);
        return EX_USAGE;
    }
    args->from = submission->from;
    if (args->full_name == NULL && address.name.len > 0 &&
        address_words(submission->name, sizeof submission->name, address.name) > 0) {
        args->full_name = submission->name;
    }
    return EX_OK;
}

/* Of names that are completed later, aliases are not looked up before. */
static int open_aliases(struct submission *submission)
{
    static struct args none; /* no constant: its zeros would stand in the file */
    struct args *args = submission->args;
    struct aliases *aliases = &submission->addressees.aliases;

    if (strcmp(args->domain, LATER_DOMAIN) == 0) {
        return aliases_open(aliases, &none, args->domain);
    }
    aliases_default(args);
    return args_misconfigured(args, aliases_open(aliases, args, args->domain));
}

static struct words part_of(const struct words *all, unsigned from, unsigned to)
{
    return (struct words){from == to ? NULL : all->list + from, to - from};
}

/* Of what was added, all that the message is to know. */
static void set_lists(struct submission *submission)
{
    struct args *args = submission->args;
    const struct words *all = &submission->addressees.to;

    args->rcpts = all->list;
    args->rcpt_count = submission->to;
    args->cc = part_of(all, submission->to, submission->cc);
    args->bcc = part_of(all, submission->cc, submission->bcc);
}

static int add_words(struct submission *submission, const struct words *words, unsigned *count)
{
    int status = EX_OK;

    for (unsigned i = 0; i < words->count && status == EX_OK; i++) {
        status =
            addressees_add(&submission->addressees, (struct span){words->list[i], strlen(words->list[i])}, "recipient");
    }
    *count = submission->addressees.to.count;
    return status;
}

/* Those of the words, one list behind the other. If it is one, who is no secret to himself, the message may name him. */
static int add_recipients(struct submission *submission)
{
    struct args *args = submission->args;
    const struct words to = {args->rcpts, args->rcpt_count};
    int status = add_words(submission, &to, &submission->to);

    if (status == EX_OK) {
        status = add_words(submission, &args->cc, &submission->cc);
    }
    if (status == EX_OK) {
        status = add_words(submission, &args->bcc, &submission->bcc);
    }
    if (status == EX_OK && submission->addressees.named == 0 && !args->header_rcpts) {
        complain("no recipient: give an address, or -t for those in the message");
        status = EX_USAGE;
    }
    set_lists(submission);
    args->to = submission->addressees.named == 1 ? submission->addressees.first : NULL;
    return status;
}

/* Then those of the header, who are in it already, and all of them go into the envelope. */
static int set_recipients(struct submission *submission)
{
    struct args *args = submission->args;
    int status = EX_OK;

    if (args->header_rcpts) {
        status = addressees_of_header(&submission->addressees, submission->sending->input.raw.header);
        submission->bcc = submission->addressees.to.count;
        set_lists(submission);
    }
    if (status == EX_OK && args_rcpts(args) == 0) {
        complain("no recipient: neither a word nor To, Cc or Bcc of the message names one");
        return submission->addressees.left_out != 0 ? EX_DATAERR : EX_USAGE;
    }
    if (status == EX_OK) {
        status = mail_recipients(&submission->sending->mail, args);
    }
    return status;
}

/* ---- The spool --------------------------------------------------------------------------------------------------- */

/* A configuration that only its owner may read is none to users, whose mails are dropped. */
static bool not_for_us(const struct args *args)
{
    const char *given = args->config_file != NULL ? args->config_file : getenv("MAILMOTE_CONF");

    return access(given != NULL ? given : CONFIG_FILE, R_OK) != 0 && errno == EACCES && drop_needed(SPOOL_DEFAULT);
}

static int check_settings(struct submission *submission)
{
    struct args *args = submission->args;
    int status = args->misconfigured || drop_needed(args->spool) ? EX_OK : args_check_relays(args);

    if (status == EX_OK && !args->misconfigured) {
        status = relays_parse(&submission->sending->relays, args);
    }
    if (status == EX_OK) {
        status = check_helo(args);
    }
    return status == EX_OK ? check_admin(args) : status;
}

/* What is wrong with the settings is told, and costs no mail. */
static int settle(struct submission *submission)
{
    struct args *args = submission->args;
    const char *sender = args->from;
    bool hidden = not_for_us(args);
    int status = EX_OK;

    args->from = NULL;
    if (!hidden) {
        status = args_settle(args);
    }
    if (args->spool == NULL) {
        args->spool = SPOOL_DEFAULT;
    }
    if (status == EX_OK) {
        status = args_misconfigured(args, check_settings(submission));
    }
    choose_domain(submission, !hidden && !args->misconfigured);
    return status == EX_OK ? choose_sender(submission, sender) : status;
}

static int store(struct submission *submission)
{
    struct sending *sending = submission->sending;
    int status = mail_sender(&sending->mail, submission->args);

    if (status == EX_OK) {
        spool_make(submission->args->spool);
        status = sending_open(sending);
    }
    if (status == EX_OK) {
        status = set_recipients(submission);
    }
    if (status == EX_OK && submission->args->skip_empty && input_empty(&sending->input)) {
        submission->skipped = true;
        return EX_OK;
    }
    return status == EX_OK ? sending_store(sending) : status;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static int run(struct submission *submission)
{
    struct args *args = submission->args;
    struct sending *sending = submission->sending;
    int status = settle(submission);

    if (status == EX_OK) {
        status = open_aliases(submission);
    }
    if (status == EX_OK) {
        status = add_recipients(submission);
    }
    if (status == EX_OK) {
        status = store(submission);
    }
    if (status != EX_OK || submission->skipped) {
        return status;
    }
    args->background = args->background || sending->dropped;
    sending->attempt.dialogue.verbose = args->verbose;
    sending->attempt.notify = true;
    if (!args->verbose) {
        standard_hush();
    }
    status = sending_try(sending);
    return sending->unkept ? status : EX_OK;
}

int submit(struct args *args)
{
    struct submission submission = {.sending = sending_new()};
    int status;

    if (submission.sending == NULL) {
        return EX_OSERR;
    }
    submission.args = &submission.sending->args;
    *submission.args = *args;
    submission.args->command = COMMAND_SEND;
    submission.args->mta = true;
    submission.args->raw = args->attachments.count == 0;
    status = run(&submission);
    submission.args->cc = submission.args->bcc = (struct words){NULL, 0};
    addressees_free(&submission.addressees);
    sending_free(submission.sending);
    return status;
}

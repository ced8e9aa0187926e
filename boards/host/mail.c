/* SPDX-License-Identifier: MIT
 *
 * Makes the mail of standard input and the command line. What cannot be sent is refused with the place where it is
 * wrong.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "mail.h"
#include "recipients.h"
#include "self.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value of an option that is a header field. */
static int check_line(const char *value, const char *option)
{
    for (const char *at = value; at != NULL && *at != 0; at++) {
        if (*at == '\r' || *at == '\n') {
            complain("--%s has more than one line: give one line", option);
        } else if ((unsigned char)*at < ' ' || *at == 127) {
            complain("--%s holds a control character: take it out", option);
        } else {
            continue;
        }
        return EX_USAGE;
    }
    return EX_OK;
}

static bool domain_name(const char *name)
{
    static const char octets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
    size_t len = name == NULL ? 0 : strspn(name, octets);

    return len > 0 && len < 200 && name[len] == 0 && strchr(name, '.') != NULL;
}

bool later_name(const char *address)
{
    const char *at = strrchr(address, '@');

    return at != NULL && strcmp(at + 1, LATER_DOMAIN) == 0;
}

/* The user at this host, or "" when either has no name. A mail that is to be kept has one, which may be completed later.
 * False: this host has none. */
static bool default_from(struct host_mail *mail, const struct args *args)
{
    const char *user = self_user(), *domain = args->domain != NULL ? args->domain : mail->full_name;

    if (args->spool != NULL && args->domain == NULL && (*domain == 0 || args->misconfigured)) {
        domain = LATER_DOMAIN;
    }
    for (const char *at = user != NULL && args->mta ? user : ""; *at != 0; at++) {
        user = (unsigned char)*at < 128 ? user : NULL; /* which takes a relay with SMTPUTF8, and so would its notices */
    }
    if (user == NULL || snprintf(mail->from, sizeof mail->from, "%s@%s", user, domain) >= (int)sizeof mail->from ||
        !mote_address_valid(mail->from)) {
        mail->from[0] = 0;
    }
    if (mail->from[0] == 0 && args->mta) {
        snprintf(mail->from, sizeof mail->from, "nobody@%s", domain);
    }
    return *domain != 0;
}

/* Sets the sender of the envelope; a composed mail also needs one for its From: field. */
static int choose_from(struct host_mail *mail, const struct args *args)
{
    bool null_sender = args->from != NULL && (args->from[0] == 0 || strcmp(args->from, "<>") == 0);
    bool named = default_from(mail, args);

    mail->mail.from = mail->message.from = mail->from;
    if (args->from != NULL) {
        mail->mail.from = null_sender ? "" : args->from;
    }
    if (args->from != NULL && !null_sender) {
        mail->message.from = args->from;
        return check_address(args->from, "sender");
    }
    if (mail->from[0] != 0 || (null_sender && args->raw)) {
        return EX_OK;
    }
    complain("%s to make a %s", named ? "this user has no valid name" : "this host has no full name",
             null_sender ? "From: field of: send a whole message with --raw"
                         : "sender address of: give --from ADDRESS");
    return EX_USAGE;
}

static int add_recipients(struct mote_rcpt *rcpts, char *const *list, unsigned count)
{
    int status = EX_OK;

    for (unsigned i = 0; i < count && status == EX_OK; i++) {
        status = check_address(list[i], "recipient");
        rcpts[i].address = list[i];
    }
    return status;
}

int mail_recipients(struct host_mail *mail, const struct args *args)
{
    struct mote_rcpt *rcpts;
    unsigned count = args_rcpts(args);
    int status;

    if (count > UINT16_MAX) { /* they are counted in 16 bits; names have become more than they were */
        complain("more than %d recipients: send several mails", UINT16_MAX);
        return EX_USAGE;
    }
    if (!mail_make_room(mail, count)) {
        complain("no memory for %u recipients: send several mails", count);
        return EX_OSERR;
    }
    rcpts = mail->mail.rcpts;
    status = add_recipients(rcpts, args->rcpts, args->rcpt_count);
    if (status == EX_OK) {
        status = add_recipients(rcpts + args->rcpt_count, args->cc.list, args->cc.count);
    }
    if (status == EX_OK) {
        status = add_recipients(rcpts + args->rcpt_count + args->cc.count, args->bcc.list, args->bcc.count);
    }
    if (status == EX_OK) {
        status = recipients_once(rcpts, &count);
        mail->mail.rcpt_count = (uint16_t)count;
    }
    return status;
}

static void make_id(struct host_mail *mail, const struct args *args)
{
    const char *sender = strrchr(mail->mail.from, '@');
    const char *domain = domain_name(mail->full_name) ? mail->full_name : args->domain;

    if (!domain_name(domain) || strcmp(domain, LATER_DOMAIN) == 0) {
        domain = sender != NULL && domain_name(sender + 1) && !later_name(sender) ? sender + 1 : "mailmote.invalid";
    }
    mail_draw_id(mail);
    snprintf(mail->id + ID_LEN, sizeof mail->id - ID_LEN, "@%s", domain);
}

/* The fields, without a text yet. */
static int set_fields(struct host_mail *mail, const struct args *args)
{
    uint8_t cause;
    int status;

    mail->message.to = (const char *const *)args->rcpts;
    mail->message.to_count = (uint16_t)args->rcpt_count;
    mail->message.cc = (const char *const *)args->cc.list;
    mail->message.cc_count = (uint16_t)args->cc.count;
    mail->message.subject = args->subject;
    mail->message.id = mail->id;
    mail->message.unix_s = clock_unix_s();
    if (args->raw) {
        return EX_OK;
    }
    status = attach(&mail->attached, args, &mail->message);
    cause = status == EX_OK ? mote_message_check(&mail->message) : MOTE_CAUSE_NONE;
    if (cause != MOTE_CAUSE_NONE) {
        complain("the mail cannot be composed: %s: %s", mote_message_wrong(&mail->message),
                 cause == MOTE_CAUSE_TEXT ? "give its TYPE/SUBTYPE in ASCII, right behind the colon"
                                          : mote_cause_name(cause));
        status = EX_DATAERR;
    }
    return status;
}

int mail_measure(struct host_mail *mail)
{
    uint8_t cause = mote_mail_measure(&mail->mail);

    if (cause == MOTE_CAUSE_STORAGE) {
        complain("the mail cannot be read again where it was stored: it was not sent");
        return EX_CANTCREAT;
    }
    if (cause != MOTE_CAUSE_NONE) {
        complain("standard input cannot be sent as a mail: %s", mote_cause_name(cause));
        return EX_DATAERR;
    }
    return EX_OK;
}

static void set_rules(struct input_whole *whole, const struct host_mail *mail, const struct args *args)
{
    const char *domain = args->domain != NULL ? args->domain : mail->full_name;
    bool own = args->from_field == FROM_WRITTEN && args->own_from != NULL;

    *whole = (struct input_whole){.rules = {.header = {.from = own ? args->own_from : mail->message.from,
                                                       .name = args->full_name,
                                                       .domain = domain,
                                                       .local = args->mta,
                                                       .from_field = args->from_field},
                                            .id = mail->id,
                                            .unix_s = mail->message.unix_s,
                                            .to = args->to,
                                            .loose = args->mta},
                                  .fields = args->fields,
                                  .dots = args->dots};
}

int mail_stream(struct host_mail *mail, struct input *input, const struct args *args)
{
    struct input_whole whole;
    int status = set_fields(mail, args);

    set_rules(&whole, mail, args);
    if (status == EX_OK) {
        status = input_begin(input, &mail->message, args->raw ? &whole : NULL);
    }
    mail->mail.read = input_read;
    mail->mail.ctx = mail->source = input;
    mail->at_once = true;
    return status;
}

/* All of its text, in place of what was there. */
static int into_memory(struct host_mail *mail)
{
    struct buffer text = {NULL, 0};
    int status = buffer_fill(&text, mail->mail.read, mail->mail.ctx);

    free(mail->input.data);
    mail->input = text;
    mail->mail.read = buffer_read;
    mail->mail.ctx = &mail->input;
    return status;
}

int mail_hold(struct host_mail *mail)
{
    int status = into_memory(mail);

    if (status == EX_OK && input_encodes(mail->source)) {
        status = input_encode(mail->source, &mail->mail);
        status = status == EX_OK ? into_memory(mail) : status;
    }
    return status == EX_OK ? mail_measure(mail) : status;
}

/* A mail that is to be kept does not wait for the resolver. */
static bool needs_name(const struct args *args)
{
    return args->domain == NULL && (args->spool == NULL || self_in_full());
}

int mail_sender(struct host_mail *mail, const struct args *args)
{
    int status;

    if (domain_name(args->helo)) {
        snprintf(mail->full_name, sizeof mail->full_name, "%s", args->helo);
    } else if (!needs_name(args) || !mote_posix_host_name(mail->full_name, sizeof mail->full_name)) {
        mail->full_name[0] = 0;
    }
    status = choose_from(mail, args);
    if (status == EX_OK) {
        status = check_line(args->subject, "subject");
    }
    if (status == EX_OK) {
        status = check_line(args->full_name, "name");
    }
    if (status == EX_OK && args->reply_to != NULL) {
        status = check_address(args->reply_to, "--reply-to");
    }
    if (status == EX_OK) {
        make_id(mail, args);
    }
    return status;
}

void id_write(char text[ID_LEN + 1], const uint8_t id[8])
{
    for (unsigned i = 0; i < 8; i++) {
        snprintf(text + i * 2, 3, "%02x", (unsigned)id[i]);
    }
}

void mail_draw_id(struct host_mail *mail)
{
    uint32_t random[2] = {random_32(), random_32()};

    memcpy(mail->record.id, random, sizeof mail->record.id);
    id_write(mail->id, mail->record.id);
}

bool mail_make_room(struct host_mail *mail, unsigned rcpt_count)
{
    mail->rcpts = calloc(rcpt_count, sizeof *mail->rcpts);
    mail->mail.rcpts = calloc(rcpt_count, sizeof *mail->mail.rcpts);
    if (mail->rcpts == NULL || mail->mail.rcpts == NULL) {
        return false;
    }
    mail->mail.reply_text = mail->reply;
    mail->mail.reply_text_cap = sizeof mail->reply;
    mail->mail.rcpt_count = (uint16_t)rcpt_count;
    for (unsigned i = 0; i < rcpt_count; i++) {
        mail->mail.rcpts[i].reply_text = mail->rcpts[i].reply;
        mail->mail.rcpts[i].reply_text_cap = REPLY_TEXT_LEN;
    }
    return true;
}

void mail_init(struct host_mail *mail)
{
    memset(mail, 0, sizeof *mail);
    mail->kept.fd = -1;
}

bool rcpt_final(const struct mote_rcpt *rcpt)
{
    return rcpt->result.verdict == MOTE_DELIVERED || rcpt->result.verdict == MOTE_FAILED;
}

bool mail_final(const struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (!rcpt_final(&mail->mail.rcpts[i])) {
            return false;
        }
    }
    return true;
}

bool record_final(const struct mote_record *record)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << record->rcpt_count) - 1);

    return (record->rcpts_delivered | record->rcpts_failed) == all;
}

void mail_free(struct host_mail *mail)
{
    free(mail->mail.rcpts);
    free(mail->rcpts);
    free(mail->input.data);
    attached_free(&mail->attached);
    marked_free(&mail->completed);
    if (mail->kept.fd >= 0) {
        close(mail->kept.fd); /* and unlocked */
    }
    mail_init(mail);
}

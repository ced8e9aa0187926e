/* SPDX-License-Identifier: MIT
 *
 * A mail whose names are completed becomes another file in the place of the one before, in one step: whoever is ended in
 * between has not tried it.
 */
#define _GNU_SOURCE

#include "later.h"
#include "aliases.h"
#include "complain.h"
#include "config.h"
#include "field.h"
#include "file.h"
#include "marked.h"
#include "recipients.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

struct later {
    struct args *args;
    const struct host_mail *old;
    struct aliases aliases;
    struct words to;
    struct marked text;
    struct host_mail mail;
    char own[MOTE_POSIX_HOST_NAME], from[400];
};

const char *later_domain(const struct args *args, char own[MOTE_POSIX_HOST_NAME])
{
    if (args->domain != NULL && strcmp(args->domain, LATER_DOMAIN) != 0 && strchr(args->domain, '%') == NULL) {
        return args->domain;
    }
    if (!mote_posix_host_name(own, MOTE_POSIX_HOST_NAME) && !mote_helo_valid(own)) {
        snprintf(own, MOTE_POSIX_HOST_NAME, "localhost");
    }
    return own;
}

/* A sender and recipients may be known, and others that the header names may not. One that cannot be read may have such. */
static bool header_waits(const struct mote_mail *mail)
{
    char text[4096];
    size_t at = 0, kept = 0, len; /* kept: of a line whose end may be missing; of a long one its last octets */

    while ((len = mail->read(mail->ctx, at, text + kept, sizeof text - kept)) != 0) {
        struct span line, rest = {text, kept + len};

        if (len == MOTE_READ_FAILED) {
            return true;
        }
        do {
            line = take_line(&rest);
            if (line.len == 0) {
                return false;
            }
            if (memmem(line.at, line.len, "@" LATER_DOMAIN, sizeof "@" LATER_DOMAIN - 1) != NULL) {
                return true;
            }
        } while (rest.len > 0);
        at += len;
        kept = (size_t)(rest.at - line.at);
        kept = kept == sizeof text ? sizeof LATER_DOMAIN : kept;
        memmove(text, rest.at - kept, kept);
    }
    return false;
}

static bool recipient_waits(const struct mote_mail *mail)
{
    bool found = false;

    for (unsigned i = 0; i < mail->rcpt_count && !found; i++) {
        found = later_name(mail->rcpts[i].address);
    }
    return found;
}

static bool waits(const struct mote_mail *mail)
{
    return later_name(mail->from) || recipient_waits(mail) || header_waits(mail);
}

/* ---- The envelope ------------------------------------------------------------------------------------------------ */

/* The configuration's, or the caller, who has such a name, at the domain. */
static void choose_sender(struct later *all)
{
    const char *from = all->old->mail.from;

    if (later_name(from)) {
        int len = snprintf(all->from, sizeof all->from, "%.*s", (int)(strrchr(from, '@') - from), from);

        from = account_sender(all->args, all->from);
        if (from == NULL) {
            snprintf(all->from + len, sizeof all->from - (size_t)len, "@%s", all->aliases.domain);
            from = all->from;
        }
    }
    all->mail.mail.from = from;
}

/* A name that stands for more than there is room for is one. */
static int add_recipient(struct later *all, const char *address, unsigned left)
{
    unsigned count = all->to.count;
    char *made = made_string(&all->aliases.made, strlen(address));
    int status;

    if (made == NULL) {
        return EX_OSERR;
    }
    strcpy(made, address);
    if (later_name(address)) {
        *strrchr(made, '@') = 0;
    }
    status = aliases_address(&all->aliases, made, &all->to);
    if (status == EX_OK && all->to.count + left > MOTE_RECORD_RCPTS) {
        all->to.count = count;
        status = aliases_bare(&all->aliases, made, &all->to, ": its alias names more than a mail has room for");
    }
    return status;
}

static int choose_recipients(struct later *all)
{
    const struct mote_mail *old = &all->old->mail;
    unsigned count;
    int status = EX_OK;

    for (unsigned i = 0; i < old->rcpt_count && status == EX_OK; i++) {
        status = add_recipient(all, old->rcpts[i].address, old->rcpt_count - 1 - i);
    }
    count = all->to.count;
    if (status == EX_OK && !mail_make_room(&all->mail, count)) {
        status = EX_OSERR;
    }
    if (status != EX_OK) {
        return status;
    }
    for (unsigned i = 0; i < count; i++) {
        all->mail.mail.rcpts[i].address = all->to.list[i];
    }
    status = recipients_once(all->mail.mail.rcpts, &count);
    all->mail.mail.rcpt_count = (uint16_t)count;
    return status;
}

/* ---- The header -------------------------------------------------------------------------------------------------- */

static void write_replaced(FILE *out, struct span text, const char *what, const char *with)
{
    size_t len = strlen(what);
    const char *at;

    while ((at = memmem(text.at, text.len, what, len)) != NULL) {
        size_t before = (size_t)(at - text.at);

        fwrite(text.at, 1, before, out);
        fputs(with, out);
        text.at += before + len;
        text.len -= before + len;
    }
    fwrite(text.at, 1, text.len, out);
}

/* The author who is the sender is the one that he is now. */
static void write_field(const struct later *all, FILE *out, struct span field)
{
    const char *sender = all->old->mail.from;

    if (later_name(sender) && field_is(field, "From") && memmem(field.at, field.len, sender, strlen(sender)) != NULL) {
        write_replaced(out, field, sender, all->mail.mail.from);
    } else {
        write_replaced(out, field, LATER_DOMAIN, all->aliases.domain);
    }
}

/* Up to the empty line, or the end. */
static bool write_header(struct later *all, struct span text)
{
    const char *begin = text.at;
    FILE *out = open_memstream(&all->text.header.data, &all->text.header.len);
    unsigned lines = 0;

    if (out == NULL) {
        return false;
    }
    while (line_len(&text) > 0) {
        const char *at = text.at;

        take_field(&text, &lines);
        write_field(all, out, (struct span){at, (size_t)(text.at - at)});
    }
    all->text.rest = (size_t)(text.at - begin);
    return buffer_close(out, &all->text.header);
}

static int choose_header(struct later *all)
{
    const struct mote_mail *old = &all->old->mail;
    struct buffer text = {malloc(MARKED_HEADER_MAX), 0};
    bool good = text.data != NULL && marked_fill(old, &text) && write_header(all, (struct span){text.data, text.len});

    free(text.data);
    all->text.mail = old;
    all->mail.mail.read = marked_read;
    all->mail.mail.ctx = &all->text;
    return good ? EX_OK : EX_OSERR;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static int complete(struct later *all)
{
    int status;

    all->mail.record = all->old->record;
    all->mail.marks = all->old->marks;
    memcpy(all->mail.id, all->old->id, sizeof all->mail.id);
    aliases_default(all->args);
    status = aliases_open(&all->aliases, all->args, later_domain(all->args, all->own));
    if (status != EX_OK && all->old->kept.fd >= 0 && recipient_waits(&all->old->mail)) {
        return status;
    }
    choose_sender(all);
    status = choose_recipients(all);
    return status == EX_OK ? choose_header(all) : status;
}

struct host_mail *later_mail(struct later *later)
{
    return &later->mail;
}

int later_begin(struct later **later, struct args *args, const struct host_mail *mail)
{
    int status = EX_OSERR;

    *later = NULL;
    if (!waits(&mail->mail)) {
        return EX_OK;
    }
    *later = calloc(1, sizeof **later);
    if (*later != NULL) {
        (*later)->args = args;
        (*later)->old = mail;
        mail_init(&(*later)->mail);
        status = complete(*later);
    }
    if (status == EX_OSERR) {
        complain("the names of mail %.*s cannot be completed: %s", ID_LEN, mail->id,
                 strerror(mail->kept.error != 0 ? mail->kept.error : ENOMEM));
    }
    if (status != EX_OK) {
        later_end(*later);
        *later = NULL;
    }
    return status;
}

void later_end(struct later *later)
{
    if (later != NULL) {
        mail_free(&later->mail);
        marked_free(&later->text);
        aliases_free(&later->aliases);
        free(later->to.list);
        free(later);
    }
}

/* ---- In the spool ------------------------------------------------------------------------------------------------ */

/* Its file is locked, and has the mail's name by now. */
static int take_file(struct later *later, const struct spool *spool, const char *name, struct host_mail *mail)
{
    int fd = later->mail.kept.fd;

    later->mail.kept.fd = -1;
    mail_free(mail);
    mail->kept.fd = fd;
    return spool_resume(spool, name, mail) == SPOOL_GOOD ? EX_OK : EX_TEMPFAIL;
}

/* The state of the file that is there holds for one recipient, whatever he is called. */
static int take_words(struct later *later, struct host_mail *mail)
{
    const struct mote_mail *made = &later->mail.mail;
    size_t from_len = strlen(made->from) + 1, to_len = strlen(made->rcpts[0].address) + 1;
    char *words = malloc(from_len + to_len);

    if (words == NULL) {
        return EX_OSERR;
    }
    memcpy(words, made->from, from_len);
    memcpy(words + from_len, made->rcpts[0].address, to_len);
    free(mail->input.data);
    mail->input = (struct buffer){words, from_len + to_len};
    mail->as_kept = mail->mail;
    mail->completed = later->text;
    mail->completed.mail = &mail->as_kept;
    later->text = (struct marked){.mail = NULL};
    mail->mail.from = words;
    mail->mail.rcpts[0].address = words + from_len;
    mail->mail.read = marked_read;
    mail->mail.ctx = &mail->completed;
    return mail_measure(mail);
}

static int store_made(struct later *later, const struct spool *spool, struct host_mail *mail)
{
    char name[SPOOL_NAME];
    int status;

    snprintf(name, sizeof name, "%.*s" SPOOL_MAIL, ID_LEN, mail->id);
    status = spool_store_as(spool, &later->mail, name);
    if (status == EX_OK) {
        return take_file(later, spool, name, mail);
    }
    return status == EX_CANTCREAT && mail->mail.rcpt_count == 1 && later->mail.mail.rcpt_count == 1
               ? take_words(later, mail)
               : status;
}

/* In the system's log the first mail's line does for all of a run. */
static void tell_waiting(const struct spool *spool, const struct host_mail *mail)
{
    static bool logged;
    char text[1300];

    snprintf(text, sizeof text, "mail %.*s waits, as its names cannot be completed: %s", ID_LEN, mail->id,
             complain_last());
    complain("%s", text);
    if (!logged) {
        report_to_log(spool->syslog, LOG_ERR, text);
    }
    logged = true;
}

int later_store(struct args *args, const struct spool *spool, struct host_mail *mail)
{
    struct later *later;
    int status = later_begin(&later, args, mail);

    if (later != NULL) {
        status = store_made(later, spool, mail);
        later_end(later);
    }
    if (status != EX_OK && mail->kept.fd >= 0) {
        tell_waiting(spool, mail);
    }
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * `mailmote queue`: what is in the spool, a line per recipient; or one mail's text; or one mail less. To look waits for
 * nobody: a mail that is being worked on is shown as it was last stored.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "field.h"
#include "later.h"
#include "mx.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_code(uint16_t code)
{
    if (code != 0) {
        printf("%03u ", (unsigned)code);
    }
}

/* Another build knows more causes. */
static void print_cause(uint8_t cause)
{
    const char *name = mote_cause_name(cause);

    if (*name == '?') {
        printf("another mailmote's cause %u", (unsigned)cause);
    } else {
        fputs(name, stdout);
    }
}

/* Why a recipient still waits. */
static void print_last(const struct mote_record *record)
{
    if (record->sent) {
        printf("cut short, the mail may have arrived");
    } else if (record->begun) {
        printf("being tried, or cut short");
    } else if (record->attempts == 0 && record->cause == MOTE_CAUSE_NONE) {
        printf("not tried yet");
    } else if (record->cause == CAUSE_ALIASES) {
        printf("its names cannot be completed");
    } else {
        print_code(record->code);
        print_cause(record->cause);
    }
}

static void print_failure(const struct host_mail *mail, unsigned i)
{
    const char *text = mail->rcpts[i].text[0] == 0 ? "it is not known why" : mail->rcpts[i].text;

    print_code(mail->mail.rcpts[i].result.code);
    print_text(stdout, text, strlen(text));
}

/* Where it is among the first octets. */
static void print_subject(const struct host_mail *mail)
{
    char head[4096], subject[1000];
    size_t len = mail->mail.read(mail->mail.ctx, 0, head, sizeof head);
    struct span rest = {head, len == MOTE_READ_FAILED ? 0 : len};
    unsigned lines = 0;

    while (line_len(&rest) > 0) {
        struct span field = take_field(&rest, &lines);

        if (field_is(field, "Subject")) {
            print_text(stdout, subject, field_unfold(subject, sizeof subject, field_value(field)));
            break;
        }
    }
    putchar('\n');
}

/* ---- The list ---------------------------------------------------------------------------------------------------- */

/* Not of those who are done with as they have a mail of their own: their line is that mail's. */
static void print_mail(const struct spool *spool, const struct host_mail *mail)
{
    const struct mote_record *record = &mail->record;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        bool delivered = (record->rcpts_delivered >> i & 1) != 0, failed = (record->rcpts_failed >> i & 1) != 0;
        const char *address = mail->mail.rcpts[i].address;

        if (delivered && mx_parted(spool, mail, &mail->mail.rcpts[i])) {
            continue;
        }
        printf("%.*s\t%lu\t%u\t", ID_LEN, mail->id, (unsigned long)record->age_s, (unsigned)record->attempts);
        printf(delivered || failed ? "-\t" : "%lu\t", (unsigned long)record->wait_s);
        print_text(stdout, address, strlen(address));
        fputs(delivered ? "\tdelivered\t" : failed ? "\tfailed\t" : "\twaiting\t", stdout);
        if (delivered) {
            printf("-");
        } else if (failed) {
            print_failure(mail, i);
        } else {
            print_last(record);
        }
        fputs("\t<", stdout);
        print_text(stdout, mail->mail.from, strlen(mail->mail.from));
        printf(">\t%lu\t", (unsigned long)mail->mail.size);
        print_subject(mail);
    }
}

static int list(const struct spool *spool)
{
    size_t count;
    struct spool_entry *entries = spool_list_all(spool, &count);
    int status = EX_OK;

    if (entries == NULL) {
        return EX_OSERR;
    }
    for (size_t i = 0; i < count; i++) {
        struct host_mail mail;
        int looked = spool_look(spool, entries[i].name, &mail, false);

        if (looked == SPOOL_GOOD) {
            print_mail(spool, &mail);
            mail_free(&mail);
        }
        status = looked == SPOOL_TROUBLE ? EX_OSERR : status;
    }
    free(entries);
    return spool_tell_damaged(spool) ? status : EX_OSERR;
}

/* ---- One mail ---------------------------------------------------------------------------------------------------- */

/* For a person's eyes: an end of line is one. */
static void print_lines(const char *text, size_t len)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t line = end == NULL ? len : (size_t)(end - text), used = end == NULL ? len : line + 1;

        print_text(stdout, text, line > 0 && text[line - 1] == '\r' ? line - 1 : line);
        if (end != NULL) {
            putchar('\n');
        }
        text += used;
        len -= used;
    }
}

/* A program gets every octet. */
static int print_mail_text(const struct host_mail *mail)
{
    char text[8192];
    size_t offset = 0, len;
    bool person = isatty(STDOUT_FILENO) == 1;

    while ((len = mail->mail.read(mail->mail.ctx, offset, text, sizeof text)) != 0 && len != MOTE_READ_FAILED) {
        if (person) {
            print_lines(text, len);
        } else {
            fwrite(text, 1, len, stdout);
        }
        offset += len;
    }
    if (len == MOTE_READ_FAILED) {
        complain("mail %.*s cannot be read to its end", ID_LEN, mail->id);
        return EX_OSERR;
    }
    return EX_OK;
}

static int show(const struct spool *spool, const char *id)
{
    static const char *const endings[] = {SPOOL_MAIL, SPOOL_FAILED};
    char name[SPOOL_NAME + sizeof SPOOL_ASIDE];
    struct host_mail mail;
    int looked = SPOOL_PASS, status;

    for (size_t i = 0; i < 2 && looked == SPOOL_PASS; i++) {
        snprintf(name, sizeof name, "%s%s", id, endings[i]);
        looked = spool_look(spool, name, &mail, true);
    }
    if (looked == SPOOL_PASS) {
        snprintf(name, sizeof name, "%s" SPOOL_MAIL SPOOL_ASIDE, id);
        complain(spool_has(spool, name) ? "mail %s was damaged: see in %s/%s what can be saved"
                                        : "there is no mail %s in %s: see mailmote queue",
                 id, spool->dir, name);
    }
    if (looked != SPOOL_GOOD) {
        return looked == SPOOL_TROUBLE ? EX_OSERR : EX_DATAERR;
    }
    status = print_mail_text(&mail);
    mail_free(&mail);
    return status;
}

static int check_id(const char *id)
{
    if (id == NULL || (strspn(id, "0123456789abcdef") == ID_LEN && id[ID_LEN] == 0)) {
        return EX_OK;
    }
    complain("%s is no mail's ID: give its %d digits, as mailmote queue shows them", id, ID_LEN);
    return EX_USAGE;
}

static int look(const struct args *args, const struct spool *spool)
{
    if (args->show != NULL) {
        return show(spool, args->show);
    }
    return args->remove != NULL ? spool_delete(spool, args->remove) : list(spool);
}

/* What is wrong in the configuration is told, and hides no mail: a spool needs none of it but its name. */
static int run(const struct args *args)
{
    struct spool spool = {.fd = -1};
    const char *id = args->show != NULL ? args->show : args->remove;
    int status = check_id(id);

    spool_tell_other(args);
    if (status == EX_OK && (id != NULL || !spool_absent(args))) {
        status = spool_open(&spool, args->spool, false);
        status = status == EX_OK ? look(args, &spool) : status;
        spool_close(&spool);
    }
    return status == EX_OK && args->misconfigured ? EX_CONFIG : status;
}

int queue_command(int argc, char **argv)
{
    struct args args;
    int status = args_parse(&args, COMMAND_QUEUE, argc, argv);

    if (status == EX_OK && args.help) {
        print_help();
    } else if (status == EX_OK) {
        status = run(&args);
    }
    args_free(&args);
    return status;
}

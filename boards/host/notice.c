/* SPDX-License-Identifier: MIT
 *
 * A notice that a mail failed (RFC 3464): what happened in words, the same for programs, and the header of the mail. It
 * comes from nobody, so that nothing ever answers it, and no notice is made of it when it fails itself.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "file.h"
#include "later.h"
#include "notice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_MAX 8192 /* octets of the mail's header that are shown */

static bool tells_of(const struct host_mail *mail, unsigned i)
{
    return mail->mail.rcpts[i].result.verdict == MOTE_FAILED && (mail->kept.told >> i & 1) == 0;
}

/* In ASCII, which every relay carries. */
static void put_text(FILE *to, const char *text)
{
    for (; *text != 0; text++) {
        fprintf(to, *text >= ' ' && *text < 127 ? "%c" : "\\x%02X", (unsigned)(unsigned char)*text);
    }
}

struct notice {
    const struct host_mail *about;
    const char *from, *to; /* who tells, and whom */
    struct host_mail mail;
};

static void put_header(FILE *to, const struct notice *notice)
{
    time_t now = (time_t)clock_unix_s();
    struct tm utc;
    char date[64] = "";
    const char *id = notice->mail.id;

    if (now != 0 && gmtime_r(&now, &utc) != NULL) {
        strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", &utc);
    }
    fprintf(to,
            "%sFrom: mailmote <%s>\r\nTo: <%s>\r\nMessage-ID: <%s>\r\nSubject: Mail %.*s failed\r\n"
            "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"=_%.*s\"\r\n\r\n",
            date, notice->from, notice->to, id, ID_LEN, notice->about->id, ID_LEN, id);
}

static void begin_part(FILE *to, const char *id, const char *type)
{
    fprintf(to, "--=_%.*s\r\nContent-Type: %s\r\n\r\n", ID_LEN, id, type);
}

static void put_reply(FILE *to, const struct host_mail *mail, unsigned i)
{
    if (mail->mail.rcpts[i].result.code != 0) {
        fprintf(to, "%03u ", (unsigned)mail->mail.rcpts[i].result.code);
    }
    put_text(to, mail->rcpts[i].text);
    fprintf(to, "\r\n");
}

static void put_words(FILE *to, const struct host_mail *mail)
{
    fprintf(to, "This mail could not be delivered to all of its recipients, and is not tried again:\r\n");
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (tells_of(mail, i)) {
            fprintf(to, "\r\n");
            put_text(to, mail->mail.rcpts[i].address);
            fprintf(to, "\r\n    ");
            put_reply(to, mail, i);
        }
    }
    fprintf(to,
            "\r\nmailmote queue --show %.*s prints it, --delete removes it. It goes by itself when %d others have "
            "failed\r\n"
            "since, or the disk is full.\r\n",
            ID_LEN, mail->id, SPOOL_FAILED_MAX);
}

/* The enhanced code in front of a reply, or one that says no more than that it failed. */
static void put_status(FILE *to, const char *text)
{
    size_t len = strspn(text, "0123456789.");

    if (len < 5 || len > 9 || text[0] != '5' || text[1] != '.') {
        text = "5.0.0";
        len = 5;
    }
    fprintf(to, "Status: %.*s\r\n", (int)len, text);
}

static void put_status_fields(FILE *to, const struct host_mail *mail, const char *domain)
{
    fprintf(to, "Reporting-MTA: dns; %s\r\n", domain);
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (!tells_of(mail, i)) {
            continue;
        }
        fprintf(to, "\r\nFinal-Recipient: rfc822; ");
        put_text(to, mail->mail.rcpts[i].address);
        fprintf(to, "\r\nAction: failed\r\n");
        put_status(to, mail->rcpts[i].text);
        if (mail->mail.rcpts[i].result.code != 0) {
            fprintf(to, "Diagnostic-Code: smtp; ");
            put_reply(to, mail, i);
        }
    }
    fprintf(to, "\r\n");
}

/* Up to the first empty line; what is not ASCII is masked, so that every relay can carry the notice. */
static void put_mail_header(FILE *to, const struct host_mail *mail)
{
    char text[512];
    size_t offset = 0, len, column = 0;

    while (offset < HEADER_MAX && (len = mail->mail.read(mail->mail.ctx, offset, text, sizeof text)) != 0 &&
           len != MOTE_READ_FAILED) {
        for (size_t i = 0; i < len; i++) {
            if (text[i] == '\n' && column == 0) {
                return;
            }
            if (text[i] == '\n') {
                fprintf(to, "\r\n");
                column = 0;
            } else if (text[i] != '\r') {
                fputc((unsigned char)text[i] < 128 ? text[i] : '?', to);
                column++;
            }
        }
        offset += len;
    }
    fprintf(to, "\r\n");
}

/* False when there is no memory. */
static bool compose(struct notice *notice)
{
    struct buffer *into = &notice->mail.input;
    const char *id = notice->mail.id;
    FILE *to = open_memstream(&into->data, &into->len);

    if (to == NULL) {
        return false;
    }
    put_header(to, notice);
    begin_part(to, id, "text/plain; charset=us-ascii");
    put_words(to, notice->about);
    begin_part(to, id, "message/delivery-status");
    put_status_fields(to, notice->about, strchr(id, '@') + 1);
    begin_part(to, id, "text/rfc822-headers");
    put_mail_header(to, notice->about);
    fprintf(to, "--=_%.*s--\r\n", ID_LEN, id);
    return buffer_close(to, into);
}

/* Whom it tells of is in its id: however often it is made, it is one mail. */
static void make_id(struct notice *notice, const struct args *args)
{
    struct host_mail *mail = &notice->mail;
    const char *domain = strrchr(notice->from, '@') + 1;
    char own[MOTE_POSIX_HOST_NAME];
    uint32_t told_of = 0;

    for (unsigned i = 0; i < notice->about->mail.rcpt_count; i++) {
        told_of |= (uint32_t)tells_of(notice->about, i) << i;
    }
    spool_notice_id(mail->record.id, notice->about->record.id, told_of);
    id_write(mail->id, mail->record.id);
    snprintf(mail->id + ID_LEN, sizeof mail->id - ID_LEN, "@%s",
             later_name(notice->from) ? later_domain(args, own) : domain);
}

static bool wanted(const struct host_mail *mail, const char *to)
{
    bool news = false;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        news = news || tells_of(mail, i);
    }
    return news && (mail->marks & MAIL_NOTICE) == 0 && mote_address_valid(to);
}

static bool make(struct notice *notice, const struct args *args)
{
    struct host_mail *mail = &notice->mail;

    make_id(notice, args);
    if (!mail_make_room(mail, 1) || !compose(notice)) {
        complain("no memory for a notice of mail %.*s", ID_LEN, notice->about->id);
        return false;
    }
    mail->marks = MAIL_NOTICE;
    mail->mail.from = "";
    mail->mail.rcpts[0].address = notice->to;
    mail->mail.read = buffer_read;
    mail->mail.ctx = &mail->input;
    mail->record.verified_only = notice->about->record.verified_only;
    return true;
}

/* One that was made before, of others, is not written over before it is sent. */
static bool store(const struct spool *spool, struct notice *notice)
{
    const char *about = notice->about->id;
    char name[SPOOL_NAME];

    snprintf(name, sizeof name, "%.*s" SPOOL_NOTICE, ID_LEN, about);
    return spool_send_notice(spool, about) && spool_store_as(spool, &notice->mail, name) == EX_OK;
}

bool notice_store(const struct spool *spool, const struct host_mail *mail, const struct args *args,
                  char name[SPOOL_NAME])
{
    struct address_text admin;
    const char *from = mail->mail.from, *to = from;
    struct notice *notice;
    bool stored;

    name[0] = 0;
    if (args->admin != NULL) {
        admin = admin_address(args);
        to = admin.text;
    }
    if (!wanted(mail, to)) {
        return true;
    }
    notice = malloc(sizeof *notice);
    if (notice == NULL) {
        complain("no memory for a notice of mail %.*s", ID_LEN, mail->id);
        return false;
    }
    *notice = (struct notice){.about = mail, .from = *from != 0 ? from : to, .to = to};
    mail_init(&notice->mail);
    stored = make(notice, args) && store(spool, notice);
    if (stored) {
        snprintf(name, SPOOL_NAME, "%.*s" SPOOL_MAIL, ID_LEN, notice->mail.id);
    }
    mail_free(&notice->mail);
    free(notice);
    return stored;
}

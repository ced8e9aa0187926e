/* SPDX-License-Identifier: MIT
 *
 * A notice that a mail failed (RFC 3464): what happened in words, the same for programs, and the header of the mail. It
 * comes from nobody, so that nothing ever answers it, and no notice is made of it when it fails itself.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "notice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_MAX 8192 /* octets of the mail's header that are shown */

static bool tells_of(const struct host_mail *mail, unsigned i)
{
    return mail->mail.rcpts[i].result.verdict == MOTE_FAILED && !mail->rcpts[i].reported_before;
}

/* In ASCII, which every relay carries. */
static void put_text(FILE *to, const char *text)
{
    for (; *text != 0; text++) {
        fprintf(to, *text >= ' ' && *text < 127 ? "%c" : "\\x%02X", (unsigned)(unsigned char)*text);
    }
}

static void put_header(FILE *to, const struct host_mail *mail, const char *id, const char *admin)
{
    time_t now = (time_t)clock_unix_s();
    struct tm utc = {0};
    char date[64] = "";

    if (now != 0 && gmtime_r(&now, &utc) != NULL) {
        strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", &utc);
    }
    fprintf(to,
            "%sFrom: mailmote <%s>\r\nTo: <%s>\r\nMessage-ID: <%s>\r\nSubject: Mail %.*s failed\r\n"
            "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"=_%.*s\"\r\n\r\n",
            date, mail->mail.from, admin, id, ID_LEN, mail->id, ID_LEN, id);
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
    fprintf(to, "\r\nIt is kept: mailmote queue --show %.*s prints it, --delete removes it.\r\n", ID_LEN, mail->id);
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
static bool compose(struct buffer *into, const struct host_mail *mail, const char *id, const char *admin)
{
    FILE *to = open_memstream(&into->data, &into->len);

    if (to == NULL) {
        return false;
    }
    put_header(to, mail, id, admin);
    begin_part(to, id, "text/plain; charset=us-ascii");
    put_words(to, mail);
    begin_part(to, id, "message/delivery-status");
    put_status_fields(to, mail, strchr(id, '@') + 1);
    begin_part(to, id, "text/rfc822-headers");
    put_mail_header(to, mail);
    fprintf(to, "--=_%.*s--\r\n", ID_LEN, id);
    return fclose(to) == 0;
}

/* That of a finished mail has the mail's id with each bit turned: it has one such notice, however often it is made. */
static void make_id(struct host_mail *notice, const struct host_mail *mail)
{
    uint32_t random[2] = {random_32(), random_32()};

    memcpy(notice->record.id, random, sizeof notice->record.id);
    for (size_t i = 0; mail_final(mail) && i < sizeof notice->record.id; i++) {
        notice->record.id[i] = (uint8_t)~mail->record.id[i];
    }
    id_write(notice->id, notice->record.id);
    snprintf(notice->id + ID_LEN, sizeof notice->id - ID_LEN, "%s", strrchr(mail->mail.from, '@'));
}

static int store(const struct spool *spool, const struct host_mail *mail, struct host_mail *notice)
{
    char name[SPOOL_NAME];

    snprintf(name, sizeof name, "%.*s" SPOOL_NOTICE, ID_LEN, mail->id);
    return mail_final(mail) ? spool_store_as(spool, notice, name) : spool_store(spool, notice);
}

static bool wanted(const struct host_mail *mail, const char *to)
{
    bool news = false;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        news = news || tells_of(mail, i);
    }
    return news && mote_address_valid(mail->mail.from) && mote_address_valid(to);
}

bool notice_store(const struct spool *spool, const struct host_mail *mail, const char *admin, char name[SPOOL_NAME])
{
    const char *to = admin != NULL ? admin : mail->mail.from;
    struct host_mail *notice;
    bool stored = false;

    name[0] = 0;
    if (!wanted(mail, to)) {
        return true;
    }
    notice = malloc(sizeof *notice);
    if (notice != NULL) {
        mail_init(notice);
        make_id(notice, mail);
        snprintf(name, SPOOL_NAME, "%.*s" SPOOL_MAIL, ID_LEN, notice->id);
    }
    if (notice != NULL && mail_make_room(notice, 1) && compose(&notice->input, mail, notice->id, to)) {
        notice->mail.from = "";
        notice->mail.rcpts[0].address = to;
        notice->mail.read = buffer_read;
        notice->mail.ctx = &notice->input;
        notice->record.verified_only = mail->record.verified_only;
        stored = store(spool, mail, notice) == EX_OK;
    } else {
        complain("no memory for a notice of mail %.*s", ID_LEN, mail->id);
    }
    if (notice != NULL) {
        mail_free(notice);
    }
    free(notice);
    if (!stored) {
        name[0] = 0;
    }
    return stored;
}

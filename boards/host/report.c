/* SPDX-License-Identifier: MIT
 *
 * What became of a mail: a line per recipient on stdout, one in the system's log, and the exit status. Without a spool
 * whoever is deferred is the caller's to try again: that is not to be hidden by a refusal.
 */
#define _GNU_SOURCE

#include "report.h"
#include "complain.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

static int rank(int status)
{
    return status == EX_OK            ? 0
           : status == EX_TEMPFAIL    ? 1
           : status == EX_NOUSER      ? 2
           : status == EX_UNAVAILABLE ? 3
           : status == EX_CONFIG      ? 5 /* it ends the run */
                                      : 4;
}

int worse(int a, int b)
{
    return rank(b) > rank(a) ? b : a;
}

struct code {
    char text[8];
};

static struct code code_of(const struct mote_rcpt *rcpt)
{
    struct code code = {"-"};

    if (rcpt->result.code != 0) {
        snprintf(code.text, sizeof code.text, "%03u", (unsigned)rcpt->result.code);
    }
    return code;
}

static void print_line(const struct host_mail *mail, unsigned i)
{
    const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
    const char *verdict = mote_verdict_name(rcpt_final(rcpt) ? rcpt->result.verdict : MOTE_DEFERRED);

    printf("%.*s\t", ID_LEN, mail->id);
    print_text(stdout, rcpt->address, strlen(rcpt->address));
    printf("\t%s\t%s\t", verdict, code_of(rcpt).text);
    print_text(stdout, mail->rcpts[i].text, strlen(mail->rcpts[i].text));
    putchar('\n');
}

int report_facility(const char *word)
{
    static const char local[] = "LOG_LOCAL";

    if (word != NULL && strncmp(word, local, sizeof local - 1) == 0) {
        return LOG_LOCAL0 + ((word[sizeof local - 1] - '0') << 3);
    }
    return word == NULL                    ? LOG_MAIL
           : strcmp(word, "off") == 0      ? -1
           : strcmp(word, "LOG_USER") == 0 ? LOG_USER
                                           : LOG_MAIL;
}

static void log_text(int priority, const char *text)
{
    char shown[10000];

    printable(shown, sizeof shown, text, strlen(text));
    log_write(priority, shown);
}

void report_to_log(const char *syslog, int level, const char *text)
{
    int facility = report_facility(syslog);

    if (facility >= 0) {
        log_text(facility | level, text);
    }
}

void report_trouble(const char *syslog, int level, const char *form, ...)
{
    char text[5000]; /* the longest path, and words */
    va_list values;

    va_start(values, form);
    vsnprintf(text, sizeof text, form, values);
    va_end(values);
    complain("%s", text);
    report_to_log(syslog, level, text);
}

/* One line of the system's log, for who reads no output: of a flush in the background, say. */
static void log_line(const struct host_mail *mail, unsigned i, int status, int facility)
{
    const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
    const struct host_rcpt *own = &mail->rcpts[i];
    int level = status == EX_OK ? LOG_INFO : rcpt_final(rcpt) ? LOG_ERR : LOG_NOTICE;
    char line[2500];

    snprintf(line, sizeof line, "%.*s: relay=%s:%u, tls=\"%s\", from=<%s>, to=<%s>, size=%lu, exit=%d, reply=%s %s",
             ID_LEN, mail->id, own->relay == NULL ? "none" : own->relay->host,
             own->relay == NULL ? 0U : (unsigned)mote_relay_port(own->relay), own->tls[0] == 0 ? "none" : own->tls,
             mail->mail.from, rcpt->address, (unsigned long)mail->mail.size, status, code_of(rcpt).text, own->text);
    log_text(facility | level, line);
}

/* What one recipient makes of the exit status. Where the mail is kept, deferred is no more than that. */
static int status_of(const struct mote_result *result, bool kept)
{
    if (result->verdict == MOTE_DELIVERED) {
        return EX_OK;
    }
    if (result->verdict == MOTE_FAILED) {
        return result->step == MOTE_STEP_RCPT && result->code >= 500 ? EX_NOUSER : EX_UNAVAILABLE;
    }
    if (kept) {
        return EX_TEMPFAIL;
    }
    switch (result->cause) {
    case MOTE_CAUSE_LOOKUP: return EX_NOHOST;
    case MOTE_CAUSE_LOGIN_REFUSED: return EX_NOPERM;
    case MOTE_CAUSE_CERT_UNTRUSTED:
    case MOTE_CAUSE_CERT_NAME:
    case MOTE_CAUSE_CERT_DATE:
    case MOTE_CAUSE_CERT_INVALID:
    case MOTE_CAUSE_CERT_PIN:
    case MOTE_CAUSE_TLSA: return EX_UNAVAILABLE;
    default: return EX_TEMPFAIL;
    }
}

/* Of two recipients: what both have, else the general one. */
static int common(int so_far, int status, int general)
{
    return so_far == EX_OK || so_far == status ? status : general;
}

int report(const struct host_mail *mail, const char *syslog)
{
    int facility = report_facility(syslog);
    int left = EX_OK, failed = EX_OK;
    bool kept = mail->kept.fd >= 0, others = false; /* than those who failed */

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_result *result = &mail->mail.rcpts[i].result;
        uint8_t verdict = result->verdict;
        int status = status_of(result, kept);

        others = others || verdict != MOTE_FAILED;
        if (mail->rcpts[i].reported_before || verdict == MOTE_MISUSE || verdict == MOTE_PENDING) {
            continue;
        }
        print_line(mail, i);
        if (facility >= 0) {
            log_line(mail, i, status, facility);
        }
        if (verdict == MOTE_FAILED) {
            failed = common(failed, status, EX_UNAVAILABLE);
        } else if (verdict != MOTE_DELIVERED) {
            left = common(left, status, EX_TEMPFAIL);
        }
    }
    fflush(stdout); /* which sets ferror(stdout) when it fails */
    if (failed == EX_OK || (left != EX_OK && !kept)) {
        return left;
    }
    return others ? EX_UNAVAILABLE : failed; /* EX_NOUSER is for all of them */
}

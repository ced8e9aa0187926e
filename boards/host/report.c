/* SPDX-License-Identifier: MIT
 *
 * What became of a mail: a line per recipient on stdout, one in the system's log, and the exit status of all of it.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

static int rank(int status)
{
    return status == EX_OK            ? 0
           : status == EX_TEMPFAIL    ? 1
           : status == EX_UNAVAILABLE ? 2
           : status == EX_CONFIG      ? 4 /* it ends the run */
                                      : 3;
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

    printf("%.*s\t%s\t%s\t%s\t%s\n", ID_LEN, mail->id, rcpt->address, verdict, code_of(rcpt).text, mail->rcpts[i].text);
}

/* One line of the system's log, for who reads no output: of a flush in the background, say. */
static void log_line(const struct host_mail *mail, unsigned i, int status)
{
    const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
    const struct host_rcpt *own = &mail->rcpts[i];
    int level = status == EX_OK ? LOG_INFO : status == EX_TEMPFAIL ? LOG_NOTICE : LOG_ERR;
    char from[4 * 255], to[4 * 255];

    printable(from, sizeof from, mail->mail.from, strlen(mail->mail.from));
    printable(to, sizeof to, rcpt->address, strlen(rcpt->address));
    openlog("mailmote", LOG_PID, LOG_MAIL);
    syslog(LOG_MAIL | level, "%.*s: relay=%s:%u, tls=\"%s\", from=<%s>, to=<%s>, size=%lu, exit=%d, reply=%s %s",
           ID_LEN, mail->id, own->relay == NULL ? "none" : own->relay->host,
           own->relay == NULL ? 0U : (unsigned)mote_relay_port(own->relay), own->tls[0] == 0 ? "none" : own->tls, from,
           to, (unsigned long)mail->mail.size, status, code_of(rcpt).text, own->text);
}

/* Without a spool whoever is deferred is the caller's to try again: that is not to be hidden by a refusal. */
int report(const struct host_mail *mail)
{
    int status = EX_OK, one;
    bool left = false;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        uint8_t verdict = mail->mail.rcpts[i].result.verdict;

        if (mail->rcpts[i].reported_before || verdict == MOTE_MISUSE || verdict == MOTE_PENDING) {
            continue;
        }
        one = verdict == MOTE_FAILED ? EX_UNAVAILABLE : verdict == MOTE_DELIVERED ? EX_OK : EX_TEMPFAIL;
        print_line(mail, i);
        log_line(mail, i, one);
        left = left || !rcpt_final(&mail->mail.rcpts[i]);
        status = worse(status, one);
    }
    fflush(stdout); /* which sets ferror(stdout) when it fails */
    return left && mail->kept.fd < 0 ? EX_TEMPFAIL : status;
}

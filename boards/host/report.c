/* SPDX-License-Identifier: MIT
 *
 * What became of a mail: a line per recipient on stdout, and the exit status. Without a spool whoever is deferred is the
 * caller's to try again: that is not to be hidden by a refusal.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

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

static void print_line(const struct host_mail *mail, unsigned i)
{
    const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
    const char *verdict = mote_verdict_name(rcpt_final(rcpt) ? rcpt->result.verdict : MOTE_DEFERRED);
    char code[8] = "-";

    if (rcpt->result.code != 0) {
        snprintf(code, sizeof code, "%03u", (unsigned)rcpt->result.code);
    }
    printf("%.*s\t", ID_LEN, mail->id);
    print_text(stdout, rcpt->address, strlen(rcpt->address));
    printf("\t%s\t%s\t", verdict, code);
    print_text(stdout, mail->rcpts[i].text, strlen(mail->rcpts[i].text));
    putchar('\n');
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
    case MOTE_CAUSE_CERT_PIN: return EX_UNAVAILABLE;
    default: return EX_TEMPFAIL;
    }
}

/* Of two recipients: what both have, else the general one. */
static int common(int so_far, int status, int general)
{
    return so_far == EX_OK || so_far == status ? status : general;
}

int report(const struct host_mail *mail)
{
    int left = EX_OK, failed = EX_OK;
    bool kept = mail->kept.fd >= 0, others = false; /* than those who failed */

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_result *result = &mail->mail.rcpts[i].result;
        uint8_t verdict = result->verdict;

        others = others || verdict != MOTE_FAILED;
        if (mail->rcpts[i].reported_before || verdict == MOTE_MISUSE || verdict == MOTE_PENDING) {
            continue;
        }
        print_line(mail, i);
        if (verdict == MOTE_FAILED) {
            failed = common(failed, status_of(result, kept), EX_UNAVAILABLE);
        } else if (verdict != MOTE_DELIVERED) {
            left = common(left, status_of(result, kept), EX_TEMPFAIL);
        }
    }
    fflush(stdout);
    if (failed == EX_OK || (left != EX_OK && !kept)) {
        return left;
    }
    return others ? EX_UNAVAILABLE : failed; /* EX_NOUSER is for all of them */
}

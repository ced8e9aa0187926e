/* SPDX-License-Identifier: MIT
 *
 * A mail that nobody keeps, as it has no spool or none had room, is tried at once; whoever called is told what becomes of it.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "later.h"
#include "mx.h"
#include "sending.h"

/* Somebody is deferred. The exit status does not tell: it may be that of a wrong password (77), a certificate (69), a name
 * (68). */
static bool is_left(const struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        uint8_t verdict = mail->mail.rcpts[i].result.verdict;

        if (verdict == MOTE_DEFERRED || verdict == MOTE_IN_DOUBT) {
            return true;
        }
    }
    return false;
}

static void tell_left(const struct sending *sending)
{
    if (is_left(sending->attempt.mail)) {
        complain("nothing is kept: send it again later to those deferred%s",
                 sending->unkept ? "" : ", or give --spool DIR to have it kept for mailmote flush");
    }
}

int sending_try_once(struct sending *sending)
{
    int status = relays_open(&sending->relays, &sending->args);

    if (status == EX_OK) {
        status = mail_stream(&sending->mail, &sending->input, &sending->args);
    }
    if (status == EX_OK) {
        status = mail_hold(&sending->mail);
    }
    if (status == EX_OK) {
        status = mx_run(&sending->attempt);
    }
    tell_left(sending);
    return status;
}

/* The reasons of those who do not have the mail, where what is printed is not read. */
static void tell_reasons(const struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_result *result = &mail->mail.rcpts[i].result;

        if (result->verdict != MOTE_DELIVERED) {
            complain("the mail to %s is not delivered: %s", mail->mail.rcpts[i].address, mail->rcpts[i].text);
        }
    }
}

/* A disk that is full is what some mails have to tell. It is tried in the foreground, as nobody else would tell what became
 * of it. */
int sending_try_unkept(struct sending *sending)
{
    struct args *args = &sending->args;
    struct attempt *attempt = &sending->attempt;
    struct later *later;
    int status = args->misconfigured || args->relay_count == 0 ? EX_CONFIG : relays_open(&sending->relays, args);

    if (status != EX_OK) {
        complain("the mail is not sent: %s", args->relay_count == 0 ? "no relay is known" : "no relay can be asked");
        return args->mta ? EX_TEMPFAIL : EX_CANTCREAT;
    }
    status = later_begin(&later, args, &sending->mail);
    if (later != NULL) {
        attempt->mail = later_mail(later);
    }
    if (status == EX_OK) {
        status = mx_run(attempt);
    }
    if (args->mta) {
        tell_reasons(attempt->mail);
    }
    tell_left(sending);
    if (is_left(attempt->mail)) {
        status = args->mta ? EX_TEMPFAIL : EX_CANTCREAT; /* of `send', 75 would say that it is kept */
    }
    later_end(later);
    return status;
}

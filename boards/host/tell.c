/* SPDX-License-Identifier: MIT
 *
 * Who has failed is told once, in words and by a notice, whatever ends a run in between: the notice is stored, then that they
 * were told, then it is sent. A mail that is finished knows that by its name.
 */
#define _GNU_SOURCE

#include "attempt.h"
#include "complain.h"
#include "mx.h"
#include "notice.h"

#include <stdio.h>
#include <string.h>

/* The mail stays for others. When this cannot be stored, the next flush tells again and makes the same notice again: so it
 * is not sent, and a state of which half was stored is taken back. */
static void note_told(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;
    uint32_t before = mail->kept.told;

    mail->kept.told = mail->record.rcpts_failed;
    if (mail->kept.told != before && !spool_save(mail)) {
        mail->kept.told = before;
        spool_file_save(mail);
        attempt->notice[0] = 0;
    }
    if (attempt->notice[0] != 0) {
        spool_send_notice(attempt->spool, mail->id);
    }
}

/* That the mail has failed is on the disk before its notice leaves: else it would be sent again when power goes behind it. */
static void leave(struct attempt *attempt)
{
    const struct host_mail *mail = attempt->mail;

    if (!spool_finish(attempt->spool, mail)) {
        return;
    }
    if (attempt->notice[0] != 0) {
        spool_sync(attempt->spool);
        spool_send_notice(attempt->spool, mail->id);
    }
    if (mail->record.rcpts_failed != 0) {
        spool_trim_failed(attempt->spool);
    }
}

/* Its notice is stored by another flush, which does not print again what was printed. */
static int note_printed(struct host_mail *mail)
{
    uint32_t before = mail->kept.printed;

    mail->kept.printed = mail->record.rcpts_failed;
    if (mail->kept.printed != before) {
        spool_save(mail);
    }
    return EX_TEMPFAIL;
}

/* POLICY P11: a mail whose report could not be printed, or whose notice could not be stored, is reported by the next flush.
 * The notice is not sent before that is settled: a mail that stays would make one with each flush. */
int attempt_finish(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;

    mx_rejoin(mail);
    if (ferror(stdout)) {
        return EX_OK; /* of which is told when the run ends */
    }
    if (attempt->notify && !notice_store(attempt->spool, mail, attempt->args, attempt->notice)) {
        return note_printed(mail);
    }
    if (mail_final(mail)) {
        leave(attempt);
    } else {
        note_told(attempt);
    }
    return EX_OK;
}

/* ---- What was told ----------------------------------------------------------------------------------------------- */

/* A mail that is not kept may have more recipients than there are bits. */
void attempt_recall(struct host_mail *mail)
{
    uint32_t told = mail->kept.told, printed = mail->kept.printed;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++, told >>= 1, printed >>= 1) {
        struct host_rcpt *rcpt = &mail->rcpts[i];
        uint8_t verdict = mail->mail.rcpts[i].result.verdict;

        rcpt->reported_before = verdict == MOTE_DELIVERED || ((told | printed) & 1) != 0;
        if (verdict == MOTE_FAILED && (told & 1) == 0 && rcpt->text[0] == 0) {
            strcpy(rcpt->text, "refused or expired, in a run that was ended before it told why");
        }
    }
}

bool attempt_was_cut(const struct host_mail *mail)
{
    return record_final(&mail->record) || mail->kept.told != mail->record.rcpts_failed;
}

int attempt_tell(struct attempt *attempt)
{
    int status;

    attempt_recall(attempt->mail);
    status = report(attempt->mail, attempt->args->syslog);
    return worse(status, attempt_finish(attempt));
}

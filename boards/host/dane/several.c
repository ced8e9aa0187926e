/* SPDX-License-Identifier: MIT
 *
 * Mails to several domains. Each domain has its attempts, waits and TLS failures for itself (POLICY P4, P5): what one domain's host
 * did brings no other's mail nearer to cleartext.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "domains.h"
#include "mx.h"
#include "shares.h"

#include <stdlib.h>

/* Without a spool they are tried as one, domain by domain. Where some are deferred, theirs is the status. */
int mx_run(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;
    struct mote_rcpt *rcpts = mail->mail.rcpts;
    struct host_rcpt *own = mail->rcpts;
    uint16_t all = mail->mail.rcpt_count;
    int status = EX_OK;
    bool left = false;

    mx_group(attempt->args, rcpts, all);
    for (unsigned first = 0; first < all && status != EX_CONFIG; first += mail->mail.rcpt_count) {
        int next;

        mail->mail.rcpts = rcpts + first;
        mail->rcpts = own + first;
        mail->mail.rcpt_count = (uint16_t)mx_first(attempt->args, mail->mail.rcpts, all - first);
        next = attempt_run(attempt);
        if (domains_waiting(mail) == NULL) {
            status = left ? status : worse(status, next);
        } else {
            status = left ? worse(status, next) : next;
            left = true;
        }
    }
    mail->mail.rcpts = rcpts;
    mail->rcpts = own;
    mail->mail.rcpt_count = all;
    return status;
}

/* Those that wait and are of this domain become a mail of their own, as old as this one. */
static bool part(const struct spool *spool, struct host_mail *mail, const struct mote_rcpt *of)
{
    struct mote_rcpt rcpts[MOTE_RECORD_RCPTS];
    struct host_mail *copy = malloc(sizeof *copy);
    unsigned count = 0;
    bool good = copy != NULL;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (!rcpt_final(&mail->mail.rcpts[i]) && domains_same(of, &mail->mail.rcpts[i])) {
            rcpts[count++] = mail->mail.rcpts[i];
        }
    }
    if (good) {
        mail_init(copy);
        good = share_copy(mail, copy, rcpts, count);
        copy->record.age_s = mail->record.age_s;
        good = good && spool_store(spool, copy) == EX_OK;
        mail_free(copy);
        free(copy);
    }
    return good;
}

/* The copy is stored first: who is killed in between sends it twice, and never not at all. */
bool mx_split(const struct args *args, const struct spool *spool, struct host_mail *mail)
{
    const struct mote_rcpt *first = domains_waiting(mail);

    for (unsigned i = 0; first != NULL && relays_mx(args) && i < mail->mail.rcpt_count; i++) {
        struct mote_rcpt *of = &mail->mail.rcpts[i];

        if (rcpt_final(of) || domains_same(first, of)) {
            continue;
        }
        if (!part(spool, mail, of)) {
            return false;
        }
        for (unsigned k = mail->mail.rcpt_count; k-- > i;) {
            if (!rcpt_final(&mail->mail.rcpts[k]) && domains_same(of, &mail->mail.rcpts[k])) {
                mail->mail.rcpts[k].result.verdict = MOTE_DELIVERED; /* here it is done with */
                mail->record.rcpts_delivered |= UINT32_C(1) << k;
            }
        }
        if (!spool_save(mail)) {
            return false;
        }
    }
    return true;
}

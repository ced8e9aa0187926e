/* SPDX-License-Identifier: MIT
 *
 * Recipients by their domains.
 */
#define _GNU_SOURCE

#include "domains.h"
#include "clock.h"
#include "mx.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *domain_of_address(const char *address)
{
    const char *at = strrchr(address, '@');

    return at != NULL ? at + 1 : "";
}

bool domains_same(const struct mote_rcpt *one, const struct mote_rcpt *other)
{
    return strcasecmp(domain_of_address(one->address), domain_of_address(other->address)) == 0;
}

struct place {
    const char *address;
    unsigned at;
};

static int by_domain(const void *one, const void *other)
{
    const struct place *a = one, *b = other;
    int order = strcasecmp(domain_of_address(a->address), domain_of_address(b->address));

    return order != 0 ? order : a->at < b->at ? -1 : 1;
}

/* Without memory they stay as they are, and make more mails. */
void mx_group(const struct args *args, struct mote_rcpt *rcpts, unsigned count)
{
    struct place *places = relays_mx(args) ? calloc(count, sizeof *places) : NULL;

    if (places == NULL) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        places[i] = (struct place){rcpts[i].address, i};
    }
    qsort(places, count, sizeof *places, by_domain);
    for (unsigned i = 0; i < count; i++) {
        rcpts[i].address = places[i].address;
    }
    free(places);
}

unsigned mx_first(const struct args *args, const struct mote_rcpt *rcpts, unsigned count)
{
    unsigned same = 1;

    if (!relays_mx(args)) {
        return count;
    }
    while (same < count && domains_same(&rcpts[0], &rcpts[same])) {
        same++;
    }
    return same;
}

struct mote_rcpt *domains_waiting(const struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (!rcpt_final(&mail->mail.rcpts[i])) {
            return &mail->mail.rcpts[i];
        }
    }
    return NULL;
}

void mx_rejoin(struct host_mail *mail)
{
    if (mail->others == 0) { /* nor are there bits for all where no spool has them */
        return;
    }
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if ((mail->others >> i & 1) != 0) {
            mail->mail.rcpts[i].result.verdict = MOTE_DEFERRED;
        }
    }
    record_rejoin(&mail->record, mail);
    mail->others = 0;
}

/* What TLS did is forgotten, so each failure is the first one: its short wait (POLICY P4) is for the mail's first attempt. */
void mx_back_off(struct host_mail *mail)
{
    if (mail->others != 0 && mail->record.tls_failed && mail->record.attempts > 1) {
        mail->record.wait_s = mote_policy_wait_s(&mail->record, false, false, random_32());
    }
}

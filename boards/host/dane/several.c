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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without a spool, one domain after the other. Where somebody is deferred, the status is of those domains. */
static int run_unkept(struct attempt *attempt)
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

/* The recipients of `from', a bit each, in the domain of its first one. All others count as delivered until mx_rejoin(). */
static uint32_t choose(struct host_mail *mail, uint32_t from)
{
    const struct mote_rcpt *rcpts = mail->mail.rcpts, *first = NULL;
    uint32_t same = 0;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if ((from >> i & 1) != 0 && (first == NULL || domains_same(first, &rcpts[i]))) {
            first = &rcpts[i];
            same |= UINT32_C(1) << i;
        }
    }
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if ((same >> i & 1) == 0 && !rcpt_final(&rcpts[i])) {
            mail->others |= UINT32_C(1) << i;
            mail->mail.rcpts[i].result.verdict = MOTE_DELIVERED;
        }
    }
    return same;
}

static uint32_t waiting(const struct host_mail *mail)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        bits |= (uint32_t)!rcpt_final(&mail->mail.rcpts[i]) << i;
    }
    return bits;
}

/* In the spool a mail has several where there is no room to part it (mx_split()). */
int mx_run(struct attempt *attempt)
{
    uint32_t left;
    int status = EX_OK;

    if (attempt->spool == NULL) {
        return run_unkept(attempt);
    }
    left = relays_mx(attempt->args) ? waiting(attempt->mail) : 0;
    do {
        if (left != 0) {
            left &= ~choose(attempt->mail, left);
        }
        status = worse(status, attempt_run(attempt));
        mx_rejoin(attempt->mail);
    } while (left != 0 && status != EX_CONFIG);
    return status;
}

/* ---- In the spool ------------------------------------------------------------------------------------------------ */

enum { PARTS = 2 * MOTE_RECORD_RCPTS };

/* The mails that others became, and that are to be tried behind them: those of a mail, and on top those of its notice. And those that
 * are not to be tried in this run. */
static struct {
    char names[PARTS][SPOOL_NAME];
    unsigned count;
} parts, held;

/* The same for the same mail and domain: who was killed before the mail was stored without that domain's recipients finds here
 * what is stored already. */
static void name_part(uint8_t id[8], char text[ID_LEN + 1], const struct host_mail *mail, const struct mote_rcpt *of)
{
    unsigned char digest[br_sha256_SIZE];
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, mail->record.id, sizeof mail->record.id);
    for (const char *at = domain_of_address(of->address); *at != 0; at++) {
        char lower = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);

        br_sha256_update(&hash, &lower, 1);
    }
    br_sha256_out(&hash, digest);
    memcpy(id, digest, 8);
    id_write(text, id);
}

bool mx_parted(const struct spool *spool, const struct host_mail *mail, const struct mote_rcpt *rcpt)
{
    uint8_t octets[8];
    char id[ID_LEN + 1], waits[SPOOL_NAME], failed[SPOOL_NAME];

    name_part(octets, id, mail, rcpt);
    snprintf(waits, sizeof waits, "%s" SPOOL_MAIL, id);
    snprintf(failed, sizeof failed, "%s" SPOOL_FAILED, id);
    return spool_has(spool, waits) || spool_has(spool, failed);
}

/* It is as old as the mail, but counts as tried once more, so that it comes behind it for as long as both are there (P18): a flush
 * looks at the mail first. */
static bool store_part(const struct spool *spool, struct host_mail *mail, const struct mote_rcpt *of,
                       const uint8_t id[8])
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
        memcpy(copy->record.id, id, sizeof copy->record.id);
        id_write(copy->id, id);
        copy->record.age_s = mail->record.age_s;
        copy->record.attempts = (uint16_t)(mail->record.attempts + 1);
        good = good && spool_store(spool, copy) == EX_OK;
        mail_free(copy);
        free(copy);
    }
    return good;
}

/* Those that wait and are of this domain have a mail of their own: where there is no room for one, if it is there already. */
static bool part(const struct spool *spool, struct host_mail *mail, const struct mote_rcpt *of, bool room)
{
    char id[ID_LEN + 1], *name = parts.names[parts.count];
    uint8_t octets[8];

    if (parts.count == PARTS) {
        return false;
    }
    name_part(octets, id, mail, of);
    snprintf(name, SPOOL_NAME, "%s" SPOOL_MAIL, id);
    if (!spool_has(spool, name) && !(room && store_part(spool, mail, of, octets))) {
        return false;
    }
    parts.count++;
    for (unsigned k = mail->mail.rcpt_count; k-- > 0;) {
        struct mote_rcpt *rcpt = &mail->mail.rcpts[k];

        if (!rcpt_final(rcpt) && domains_same(of, rcpt)) {
            rcpt->result.verdict = MOTE_DELIVERED;
            mail->record.rcpts_delivered |= UINT32_C(1) << k;
        }
    }
    return true;
}

/* The mail on the disk is due whenever a part is. */
static bool save_due(struct host_mail *mail)
{
    mail->record.wait_s = 0;
    return spool_save(mail);
}

/* What the disk has by then may be the mail with them or without: the parts stay, and are tried when it is certain. */
static void take_back(struct host_mail *mail, uint32_t delivered, unsigned before)
{
    for (unsigned k = 0; k < mail->mail.rcpt_count; k++) {
        if (((mail->record.rcpts_delivered & ~delivered) >> k & 1) != 0) {
            mail->mail.rcpts[k].result.verdict = MOTE_DEFERRED;
        }
    }
    mail->record.rcpts_delivered = delivered;
    while (parts.count > before) {
        parts.count--;
        if (held.count < PARTS) {
            strcpy(held.names[held.count++], parts.names[parts.count]);
        }
    }
    spool_save(mail);
}

bool mx_held(const char *name)
{
    bool found = held.count == PARTS; /* there may have been more */

    for (unsigned i = 0; i < held.count && !found; i++) {
        found = strcmp(held.names[i], name) == 0;
    }
    return found;
}

/* The parts are stored first: who is killed in between leaves the mail as it was, and parts that are tried behind it. */
bool mx_split(const struct args *args, const struct spool *spool, struct host_mail *mail)
{
    const struct mote_rcpt *first = domains_waiting(mail);
    uint32_t delivered = mail->record.rcpts_delivered;
    unsigned before = parts.count;
    bool room = true;

    for (unsigned i = 0; first != NULL && relays_mx(args) && i < mail->mail.rcpt_count; i++) {
        const struct mote_rcpt of = mail->mail.rcpts[i];

        if (!rcpt_final(&of) && !domains_same(first, &of)) {
            room = room && (parts.count != before || save_due(mail));
            room = part(spool, mail, &of, room) && room;
        }
    }
    if (parts.count != before && !spool_save(mail)) {
        take_back(mail, delivered, before);
        return false;
    }
    return true;
}

bool mx_part(char name[SPOOL_NAME])
{
    if (parts.count == 0) {
        return false;
    }
    strcpy(name, parts.names[--parts.count]);
    return true;
}

/* SPDX-License-Identifier: MIT
 *
 * What came of an attempt, taken into the mail's record: for the outbox, and for ports that keep records by themselves.
 */
#include "mailmote_outbox.h"
#include "record.h"

void mote_record_verdicts(struct mote_record *record, const struct mote_mail *mail)
{
    for (unsigned i = 0; i < mail->rcpt_count && i < MOTE_RECORD_RCPTS; i++) {
        uint8_t verdict = mail->rcpts[i].result.verdict;

        if (verdict == MOTE_DELIVERED) {
            record->rcpts_delivered |= (uint32_t)1 << i;
        } else if (verdict == MOTE_FAILED) {
            record->rcpts_failed |= (uint32_t)1 << i;
        }
    }
}

bool mote_record_settled(const struct mote_record *record)
{
    uint32_t left = ~(record->rcpts_delivered | record->rcpts_failed);

    return record->rcpt_count == 0 || left << (MOTE_RECORD_RCPTS - record->rcpt_count) == 0;
}

/* Another one than this relay is asked first. */
static uint8_t behind(unsigned at)
{
    return (at + 1u) % MOTE_RELAYS_MAX;
}

/* P9: behind the relay of which it is in doubt whether it has the mail. P13: behind the one where the attempt's time went;
 * our own trouble leaves it where it is. */
static uint8_t first(const struct mote_record *record, const struct mote_delivery *d)
{
    if (d->plan.in_doubt) {
        return behind(d->at);
    }
    if (d->result.cause == MOTE_CAUSE_DEADLINE) {
        return behind(d->slowest);
    }
    return record->ours != 0 || d->result.cause >= MOTE_CAUSE_ADDRESS ? record->first : 0;
}

void mote_record_sent(struct mote_record *record, const struct mote_delivery *d)
{
    record->sent = true;
    record->first = behind(d->at);
    mote_record_verdicts(record, d->mail);
}

void mote_record_take(struct mote_record *record, const struct mote_delivery *d, uint32_t random)
{
    bool suspect = d->suspect && !record->plain, asked = d->result.cause != MOTE_CAUSE_LEFT_ALONE;

    /* P12: an attempt that asked nobody is none, though a port may have stored that it began */
    if (asked && !record->begun) {
        mote_record_begin(record);
    } else if (!asked && record->begun) {
        record->attempts--;
    }
    record->begun = record->sent = false;
    record->cause = d->result.cause;
    record->code = d->result.code;
    record->left_alone = d->left_alone;
    record->ours = mote_policy_soon(&d->result) ? (uint8_t)(record->ours + (record->ours < 3)) : 0;
    record->plain |= suspect;
    if (asked) {
        record->first = first(record, d);
    }
    if (d->arming && !record->tls_failed) {
        record->tls_failed = true;
        record->tls_since_s = 0;
    }
    mote_record_verdicts(record, d->mail);
    record->wait_s = asked ? mote_policy_wait_s(record, d->tls_failed, suspect, random) : d->back_s;
}

void mote_record_end(struct mote_record *record, uint32_t age_s)
{
    if (mote_policy_expired(age_s)) {
        uint32_t all = record->rcpt_count != 0 ? UINT32_MAX >> (MOTE_RECORD_RCPTS - record->rcpt_count) : 0;

        record->rcpts_failed = all & ~record->rcpts_delivered;
    }
    if (mote_record_settled(record)) {
        record->wait_s = 0;
    }
}

/* SPDX-License-Identifier: MIT
 *
 * One attempt of one mail: the port walks over the relays, and what is heard on the way is kept, first on the disk,
 * then in words for a person. Nothing is printed that is not stored, and nothing leaves the spool that was not
 * printed: who is killed in between tells it twice, and sends nothing twice.
 */
#define _GNU_SOURCE

#include "attempt.h"
#include "complain.h"
#include "explain.h"
#include "mask.h"
#include "mx.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- What is heard ----------------------------------------------------------------------------------------------- */

/* The words of what decided it. A 421 to a recipient is for all of them, and the last that any was told. */
static const char *words_for(const struct host_mail *mail, unsigned i)
{
    const struct mote_result *result = &mail->mail.rcpts[i].result;

    if (result->code == 0) {
        return "";
    }
    if (result->step != MOTE_STEP_RCPT) {
        return mail->reply;
    }
    if (result->code == 421) {
        for (i = mail->mail.rcpt_count - 1; i != 0 && mail->rcpts[i].reply[0] == 0; i--) {
        }
    }
    return mail->rcpts[i].reply;
}

/* Keeps the words for one recipient: the next relay overwrites the buffers. */
static void note_text(struct attempt *attempt, unsigned i)
{
    struct host_rcpt *rcpt = &attempt->mail->rcpts[i];
    const struct mote_result *result = &attempt->mail->mail.rcpts[i].result;
    const char *reply = words_for(attempt->mail, i);

    snprintf(rcpt->tls, sizeof rcpt->tls, "%s", attempt->dialogue.tls);
    if (*reply != 0 && result->verdict != MOTE_IN_DOUBT &&
        (result->cause == MOTE_CAUSE_NONE || result->cause == MOTE_CAUSE_REFUSED)) {
        snprintf(rcpt->text, sizeof rcpt->text, "%s", reply);
    } else if (result->verdict == MOTE_DELIVERED) {
        snprintf(rcpt->text, sizeof rcpt->text, "accepted");
    } else {
        explain(rcpt, result, attempt->mail->mail.size, &attempt->dialogue, reply);
    }
}

/* For the next conversation: no words yet, and whom it leaves out is known by now. */
static void begin_conversation(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;

    attempt->dialogue.event[0] = attempt->dialogue.tls[0] = 0;
    attempt->dialogue.size_limit = 0;
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        mail->rcpts[i].final_before = rcpt_final(&mail->mail.rcpts[i]);
        mail->rcpts[i].excluded = mail->mail.rcpts[i].excluded;
        mail->rcpts[i].reply[0] = 0;
    }
}

/* Final verdicts go to the disk before another relay is asked: nobody who has the mail is asked again. */
static void store_verdicts(struct host_mail *mail)
{
    bool news = mail->record.sent;

    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];

        if (rcpt->result.verdict == MOTE_IN_DOUBT) {
            return; /* and so it stays until the attempt has ended, which is now */
        }
        if (rcpt_final(rcpt) && !mail->rcpts[i].final_before) {
            news = true;
        }
    }
    mail->record.sent = false;
    mote_record_verdicts(&mail->record, &mail->mail);
    if (news) {
        spool_save_reasons(mail);
    }
}

/* In this conversation, for somebody. */
static bool took_mail(const struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (mail->mail.rcpts[i].result.verdict == MOTE_DELIVERED && !mail->rcpts[i].final_before) {
            return true;
        }
    }
    return false;
}

static void conversation_done(void *ctx, const struct mote_relay *relay, const struct mote_result *result)
{
    struct attempt *attempt = ctx;
    struct host_mail *mail = attempt->mail;
    unsigned at = (unsigned)(relay - attempt->relays->list);

    dialogue_finish(&attempt->dialogue);
    mask_secrets(attempt->relays, mail->reply, strlen(mail->reply));
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        mask_secrets(attempt->relays, mail->rcpts[i].reply, strlen(mail->rcpts[i].reply));
        if (!mail->rcpts[i].final_before && !mail->rcpts[i].excluded) {
            mail->rcpts[i].relay = relay;
            note_text(attempt, i);
        }
    }
    if (attempt->spool != NULL) {
        if (relays_mx(attempt->args) &&
            result->cause == MOTE_CAUSE_CERT_NAME) { /* POLICY D7: it may be that of another of its domains */
            attempt->throttle->states[at] = attempt->throttle->noted[at];
        }
        throttle_note(attempt->throttle, at, result, took_mail(mail));
        store_verdicts(mail);
    }
    begin_conversation(attempt);
}

/* POLICY P9: the mail may have been sent from now on. */
static bool commit(void *ctx)
{
    struct attempt *attempt = ctx;

    mote_record_sent(&attempt->mail->record, &attempt->posix.delivery);
    return spool_save(attempt->mail);
}

/* ---- What is kept ------------------------------------------------------------------------------------------------ */

/* POLICY P11: who has waited long enough is told. */
static void expire(struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
        char *text = mail->rcpts[i].text, last[sizeof mail->rcpts[i].text];

        if (rcpt_final(rcpt)) {
            continue;
        }
        memcpy(last, text, sizeof last);
        snprintf(text, sizeof last, "expired, given up after %lu hours: %.*s",
                 (unsigned long)(mail->record.age_s / 3600), (int)sizeof last - 60, last);
        rcpt->result.verdict = MOTE_FAILED;
        mail->record.rcpts_failed |= UINT32_C(1) << i;
    }
}

/* The queue tells why those wait who wait, not what the others were told. */
static void note_cause(struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];

        if (!rcpt_final(rcpt)) {
            mail->record.cause = rcpt->result.cause;
            mail->record.code = rcpt->result.code;
            break;
        }
    }
}

/* Takes the outcome into the spool. */
static void keep(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;
    struct mote_record *record = &mail->record;
    bool tls_failed = record->tls_failed;

    spool_age(mail);
    mote_record_take(record, &attempt->posix.delivery, random_32());
    mx_back_off(mail);
    if (attempt->throttle->wants_pause && record->wait_s > attempt->throttle->pause_s) {
        record->wait_s = attempt->throttle->pause_s;
    }
    /* What has passed must not count for what begins now. Only P5's time began earlier. */
    if (!tls_failed || mote_policy_armed(true, record->tls_since_s)) {
        mail->kept.spare_ms = 0;
    }
    note_cause(mail);
    if (mote_policy_expired(record->age_s)) {
        expire(mail);
    }
    spool_save_reasons(mail);
}

/* Nobody was asked, and the mail has waited long enough. */
static int give_up(struct attempt *attempt)
{
    int status;

    expire(attempt->mail);
    spool_save_reasons(attempt->mail);
    status = report(attempt->mail, attempt->args->syslog);
    return worse(status, attempt_finish(attempt));
}

/* What was complained of is why it is not tried: standard error may be nobody's. */
static void note_complaint(struct host_mail *mail)
{
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (!rcpt_final(&mail->mail.rcpts[i])) {
            snprintf(mail->rcpts[i].text, sizeof mail->rcpts[i].text, "%s", complain_last());
        }
    }
}

int attempt_wait(struct attempt *attempt, uint8_t cause)
{
    struct host_mail *mail = attempt->mail;
    bool news = cause != MOTE_CAUSE_NONE && cause != mail->record.cause;

    if (news) {
        mail->record.cause = cause;
        mail->record.code = 0;
    }
    if (!mote_policy_expired(mail->record.age_s)) {
        if (news) {
            spool_save(mail);
        }
        return EX_TEMPFAIL;
    }
    attempt_recall(mail);
    note_complaint(mail);
    return give_up(attempt);
}

/* ---- The attempt ------------------------------------------------------------------------------------------------- */

static void talk(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;
    struct mote_trace trace = dialogue_trace(&attempt->dialogue);
    struct progress progress = {.mail = NULL};
    const char *helo = attempt->args->helo;

    if (helo == NULL && mail->full_name[0] != 0) {
        helo = mail->full_name;
    }
    attempt->dialogue.relays = attempt->relays;
    attempt->posix = (struct mote_posix_attempt){
        .relays = attempt->relays->list,
        .relay_count = attempt->relays->count,
        .partial = mx_partial(attempt->args),
        .mail = &mail->mail,
        .helo = helo,
        .trace = &trace,
        .limit_s = attempt->args->timeout_s,
        .conversation_done = conversation_done,
        .ctx = attempt,
        .connection = attempt->connection,
        .more = attempt->more,
    };
    if (attempt->spool != NULL) {
        attempt->posix.states = attempt->throttle->states;
        attempt->posix.now_s = attempt->throttle->now_s;
        attempt->posix.record = &mail->record;
        attempt->posix.commit = commit;
    }
    if (!attempt->dialogue.verbose) {
        progress_begin(&progress, &mail->mail);
    }
    mote_posix_attempt(&attempt->posix);
    progress_end(&progress);
    attempt->posix.trace = NULL;
}

/* Nobody was asked: there are no words yet. */
static void note_silence(struct attempt *attempt)
{
    for (unsigned i = 0; i < attempt->mail->mail.rcpt_count; i++) {
        if (!attempt->mail->rcpts[i].reported_before && attempt->mail->rcpts[i].text[0] == 0) {
            note_text(attempt, i);
        }
    }
}

/* Wrong arguments, told before any octet was sent to that relay. What others took is stored already. */
static int misuse(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;
    const struct mote_relay *relay = attempt->posix.delivery.relay;
    uint8_t cause = mote_delivery_result(&attempt->posix.delivery)->cause;
    bool own = cause == MOTE_CAUSE_ADDRESS || cause == MOTE_CAUSE_TEXT || cause == MOTE_CAUSE_TOO_MANY ||
               cause == MOTE_CAUSE_NOBODY;

    if (own) {
        complain("mail %.*s cannot be sent: %s", ID_LEN, mail->id, mote_cause_name(cause));
        return EX_DATAERR;
    }
    complain("relay %s is not asked: %s", relay == NULL ? "" : relay->host, mote_cause_name(cause));
    if (attempt->spool != NULL) { /* no attempt: it will be one when that has been put right */
        mail->record.begun = mail->record.sent = false;
        mail->record.attempts--;
        spool_save(mail);
    }
    return EX_CONFIG;
}

/* What a relay did brings no host of a domain nearer to cleartext, nor the other way round, and its place in the list says nothing of the
 * other list (POLICY D7): in each build, as the spool may be another's. */
static void note_kind(const struct args *args, struct host_mail *mail)
{
    uint8_t kind = relays_mx(args) ? MAIL_MX : 0;

    if ((mail->marks & MAIL_MX) != kind) {
        mail->record.tls_failed = false;
        mail->record.first = 0;
        mail->marks ^= MAIL_MX;
    }
}

/* POLICY P17: who cannot store that an attempt begins does not begin it. */
static bool begin(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;

    note_kind(attempt->args, mail);
    mote_record_begin(&mail->record);
    if (spool_save(mail)) {
        return true;
    }
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        struct mote_rcpt *rcpt = &mail->mail.rcpts[i];

        if (!rcpt_final(rcpt)) {
            rcpt->result = (struct mote_result){.verdict = MOTE_DEFERRED, .cause = MOTE_CAUSE_STORAGE};
        }
    }
    note_silence(attempt);
    return false;
}

int attempt_run(struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;
    bool keeping = attempt->spool != NULL;
    int status = EX_OK;

    if (mail_final(mail)) {
        return attempt_tell(attempt);
    }
    attempt_recall(mail);
    if (keeping) {
        throttle_pause(attempt->throttle, attempt->spool, attempt->relays);
    }
    begin_conversation(attempt);
    if (keeping && !begin(attempt)) {
        return mote_policy_expired(mail->record.age_s) ? give_up(attempt) : report(mail, attempt->args->syslog);
    }
    if (mx_route(attempt)) {
        talk(attempt);
    }
    if (keeping) {
        throttle_save(attempt->throttle, attempt->spool, attempt->relays);
    }
    if (mote_delivery_result(&attempt->posix.delivery)->verdict == MOTE_MISUSE) {
        status = misuse(attempt);
    }
    if (status != EX_CONFIG) {
        note_silence(attempt);
        mx_note(attempt);
    }
    if (keeping && status != EX_CONFIG) {
        keep(attempt);
    }
    status = worse(status, report(mail, attempt->args->syslog));
    return keeping ? worse(status, attempt_finish(attempt)) : status;
}

int attempt_put_off(const struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;

    note_complaint(mail);
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        if (!rcpt_final(&mail->mail.rcpts[i])) {
            mail->mail.rcpts[i].result = (struct mote_result){.verdict = MOTE_DEFERRED};
        }
        mail->rcpts[i].reported_before = rcpt_final(&mail->mail.rcpts[i]);
    }
    report(mail, attempt->args->syslog);
    return EX_TEMPFAIL;
}

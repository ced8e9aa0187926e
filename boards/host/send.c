/* SPDX-License-Identifier: MIT
 *
 * `mailmote send`: one walk over the relays with one mail, then a line per recipient. A mail that is in doubt is not
 * offered to a further relay (POLICY P9).
 */
#define _GNU_SOURCE

#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sending {
    struct send_args args;
    struct host_relay relays[RELAY_MAX];
    struct host_mail mail;
    struct dialogue dialogue;
};

static bool final(const struct mote_rcpt *rcpt)
{
    return rcpt->result.verdict == MOTE_DELIVERED || rcpt->result.verdict == MOTE_FAILED;
}

/* What a person should know when the relay's own words are missing, or are no refusal. */
static void explain(char *text, size_t cap, const struct mote_result *result, const char *reply, const char *event)
{
    const char *doubt = result->verdict == MOTE_IN_DOUBT ? "the mail may have arrived: " : "";
    const char *cause = mote_cause_name(result->cause);

    if (result->step == MOTE_STEP_CONNECT && event[0] != 0)
        snprintf(text, cap, "%s (%s)", cause, event);
    else
        snprintf(text, cap, "%s%s, at %s%s%s", doubt, cause, mote_step_name(result->step), *reply == 0 ? "" : ": ",
                 reply);
}

/* Keeps the words for one recipient: the next relay overwrites the buffers. */
static void note_text(struct sending *sending, unsigned i)
{
    struct host_rcpt *rcpt = &sending->mail.rcpts[i];
    const struct mote_result *result = &sending->mail.mail.rcpts[i].result;
    bool own = result->step == MOTE_STEP_RCPT && rcpt->reply[0] != 0;
    const char *said = own ? rcpt->reply : sending->mail.reply;
    char reply[REPLY_TEXT_LEN * 4];

    printable(reply, sizeof reply, result->code == 0 ? "" : said, result->code == 0 ? 0 : strlen(said));
    if (*reply != 0 && (result->cause == MOTE_CAUSE_NONE || result->cause == MOTE_CAUSE_REFUSED))
        snprintf(rcpt->text, sizeof rcpt->text, "%s", reply);
    else if (result->verdict == MOTE_DELIVERED)
        snprintf(rcpt->text, sizeof rcpt->text, "accepted");
    else
        explain(rcpt->text, sizeof rcpt->text, result, reply, sending->dialogue.event);
}

/* One relay. Returns its verdict on the mail. */
static uint8_t try_relay(struct sending *sending, const struct host_relay *relay)
{
    struct mote_mail *mail = &sending->mail.mail;
    struct mote_trace trace = dialogue_trace(&sending->dialogue);
    const char *helo = sending->args.helo != NULL ? sending->args.helo : sending->mail.full_name;
    struct mote_result result;
    unsigned i;

    sending->mail.reply[0] = 0;
    for (i = 0; i < mail->rcpt_count; i++) {
        sending->mail.rcpts[i].final = final(&mail->rcpts[i]);
        sending->mail.rcpts[i].reply[0] = 0;
    }
    sending->dialogue.event[0] = 0;
    result = mote_posix_send(&relay->relay, mail, *helo == 0 && sending->args.helo == NULL ? NULL : helo, &trace);
    dialogue_finish(&sending->dialogue);
    for (i = 0; i < mail->rcpt_count; i++)
        if (!sending->mail.rcpts[i].final)
            note_text(sending, i);
    if (result.verdict == MOTE_MISUSE)
        complain("relay %s is not asked: %s", relay->host, mote_cause_name(result.cause));
    return result.verdict;
}

static bool open_recipients(const struct mote_mail *mail)
{
    unsigned i;

    for (i = 0; i < mail->rcpt_count; i++)
        if (!final(&mail->rcpts[i]))
            return true;
    return false;
}

/* Returns EX_OK, or EX_CONFIG when a relay could not be asked. */
static int walk(struct sending *sending)
{
    unsigned i;

    for (i = 0; i < sending->args.relay_count && open_recipients(&sending->mail.mail); i++) {
        const struct host_relay *relay = &sending->relays[i];
        char text[300];
        uint8_t verdict;

        if (sending->args.relay_count > 1) {
            snprintf(text, sizeof text, strchr(relay->host, ':') == NULL ? "relay %s:%u" : "relay [%s]:%u", relay->host,
                     (unsigned)relay->relay.port);
            dialogue_event(&sending->dialogue, text);
        }
        verdict = try_relay(sending, relay);
        if (verdict == MOTE_MISUSE)
            return EX_CONFIG;
        if (verdict == MOTE_IN_DOUBT)
            break;
    }
    return EX_OK;
}

static void print_line(const struct host_mail *mail, unsigned i)
{
    const struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
    const char *verdict = mote_verdict_name(final(rcpt) ? rcpt->result.verdict : MOTE_DEFERRED);
    char code[8] = "-";

    if (rcpt->result.code != 0)
        snprintf(code, sizeof code, "%03u", (unsigned)rcpt->result.code);
    printf("%.*s\t%s\t%s\t%s\t%s\n", (int)strcspn(mail->id, "@"), mail->id, rcpt->address, verdict, code,
           mail->rcpts[i].text);
}

static int report(const struct host_mail *mail)
{
    unsigned i;
    int status = EX_OK;

    for (i = 0; i < mail->mail.rcpt_count; i++) {
        uint8_t verdict = mail->mail.rcpts[i].result.verdict;

        if (verdict == MOTE_MISUSE || verdict == MOTE_PENDING)
            continue;
        print_line(mail, i);
        if (verdict == MOTE_FAILED)
            status = EX_UNAVAILABLE;
        else if (verdict != MOTE_DELIVERED && status == EX_OK)
            status = EX_TEMPFAIL;
    }
    return status;
}

/* Everything that can be wrong before the network is touched: words, then files, then the input. */
static int prepare(struct sending *sending)
{
    unsigned i, count = sending->args.relay_count;
    int status = EX_OK;

    sending->dialogue.verbose = sending->args.verbose;
    for (i = 0; i < count && status == EX_OK; i++)
        status = relay_read(&sending->relays[i], &sending->args.relays[i]);
    if (status == EX_OK)
        status = mail_address(&sending->mail, &sending->args);
    for (i = 0; i < count && status == EX_OK; i++)
        status = relay_load(&sending->relays[i], &sending->args.relays[i]);
    if (status == EX_OK)
        status = mail_compose(&sending->mail, &sending->args);
    return status;
}

int send_command(int argc, char **argv)
{
    struct sending *sending = calloc(1, sizeof *sending);
    int status, reported;
    unsigned i;

    if (sending == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    status = args_parse(&sending->args, argc, argv);
    if (status == EX_OK && sending->args.help) {
        print_help();
        free(sending);
        return EX_OK;
    }
    if (status == EX_OK)
        status = prepare(sending);
    if (status == EX_OK) {
        status = walk(sending);
        reported = report(&sending->mail);
        if (status == EX_OK)
            status = reported;
    }
    for (i = 0; i < RELAY_MAX; i++)
        relay_wipe(&sending->relays[i]);
    mail_free(&sending->mail);
    free(sending);
    return status;
}

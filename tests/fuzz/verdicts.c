/* SPDX-License-Identifier: MIT
 *
 * The verdicts the model allows: what poll may say while the conversation goes on, and what each recipient may have at
 * its end.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

/* P16: a code that may be for the extension its command was sent with. */
static bool doubtful(const struct model *m, enum kind kind, unsigned code)
{
    return code >= 500 && code <= 504 && (kind == K_END ? model_chunks(m) : model_pipelines(m));
}

/* A refusal that leaves hope: a 4xx, "use TLS" or "log in" (P8), too many recipients (P10), and a doubtful one. */
static bool later(const struct model *m, enum kind kind, unsigned code)
{
    return code / 100 == 4 || code == 530 || (code == 552 && kind == K_RCPT) || doubtful(m, kind, code);
}

void model_check(const struct model *m, uint8_t want)
{
    require(want != 0, "D4: poll wants nothing and is not done");
    if ((want & MOTE_DONE) != 0) {
        return;
    }
    require((want & MOTE_WANT_MAIL) == 0 ||
                (want == MOTE_WANT_MAIL && m->scene->setup.keep && m->mail_sent && m->due_count == 0 &&
                 m->mode == IN_LINE && m->line_len == 0 && !model_over(m) && !m->quits),
            "D4: WANT_MAIL where no other mail can follow");
    require(m->broken != MOTE_CAUSE_UNEXPECTED, "P14: octets that no command explains are taken");
    require(m->broken == 0, "D5: a reply that is none is taken");
    require(((want & MOTE_WANT_RECV) != 0) == (m->due_count != 0), "D4: WANT_RECV does not say that a reply is due");
    require(((want & MOTE_WANT_TLS) != 0) == m->awaiting_tls, "D4: WANT_TLS does not say that TLS is due");
    require((want & (MOTE_WANT_SEND | MOTE_WANT_COMMIT)) != (MOTE_WANT_SEND | MOTE_WANT_COMMIT), "D4: poll wants both");
    require((want & MOTE_WANT_COMMIT) == 0 || m->scene->setup.hold, "D4: a commit nobody asked for");
}

/* A code of 2xx to 5xx or none, printable names, known numbers. */
static void check_result(const struct mote_result *r)
{
    require(r->verdict <= MOTE_MISUSE && r->cause <= 69 && r->step <= MOTE_STEP_RSET && r->tls <= 3,
            "D6: no such result");
    require(r->code == 0 || (r->code >= 200 && r->code <= 599), "D6: no such reply code");
    require(r->subject <= 999 && r->detail <= 999, "D6: no such enhanced code");
    require(mote_verdict_name(r->verdict) != NULL && mote_step_name(r->step) != NULL &&
                mote_cause_name(r->cause) != NULL,
            "D6: a result without a name");
}

/* P12: a mail that another one went before, and nothing was answered to it. */
static bool between_mails(const struct model *m)
{
    return m->again && m->mail_code == 0 && m->reset_code < 400;
}

/* P12: the relay ended the connection then, and only then, the cause is CLOSED. */
static void check_closed(const struct model *m, const struct mote_result *r)
{
    bool said = m->closing != 0 && (m->closing_kind == K_RSET || m->closing_kind == K_MAIL);
    bool ended = r->code != 0 ? said : m->gone || m->failed_by_us == MOTE_CAUSE_LOST;

    require(r->cause != MOTE_CAUSE_CLOSED || (between_mails(m) && ended) || m->reset_code >= 400 ||
                m->failed_by_us == MOTE_CAUSE_CLOSED,
            "P12: CLOSED, and the relay did not end the connection between two mails");
    require(r->cause != MOTE_CAUSE_LOST || !between_mails(m), "P12: a connection lost between two mails is not CLOSED");
    require(!m->gone || r->verdict == MOTE_MISUSE || (r->cause == MOTE_CAUSE_CLOSED && r->verdict == MOTE_DEFERRED),
            "P12: a mail behind the end of the connection has another result");
}

/* Without a refusal of its own: DELIVERED, or whatever ended the conversation. */
static void check_unrefused(const struct model *m, const struct mote_result *r)
{
    bool closed = m->closing != 0 && r->code == 421;
    /* a 421 between the reply to a recipient who was accepted and the one to the end */
    bool open = m->closing == 421 && m->closing_kind != K_END && model_accepted(m) != 0;

    require(r->verdict != MOTE_FAILED, "P10: FAILED without a 5xx");
    require(r->step != MOTE_STEP_AUTH || r->code == 0 ||
                r->cause == (r->code <= 504 || r->code == 530 || r->code == 538 ? MOTE_CAUSE_REFUSED
                                                                                : MOTE_CAUSE_LOGIN_REFUSED),
            "D6: a refused login, and AUTH refused for another reason, have the other's cause");
    require(!closed ||
                r->cause == (between_mails(m) && m->closing_kind <= K_MAIL ? MOTE_CAUSE_CLOSED : MOTE_CAUSE_REFUSED),
            "P10: a 421 has another cause");
    check_closed(m, r);
    require(!closed || m->closing == 221 || r->verdict == (open && m->closing_begun ? MOTE_IN_DOUBT : MOTE_DEFERRED) ||
                (open && m->closing_begun && !m->closing_out),
            "P10: a 421 has another result");
    require(!closed || m->closing == 421 || r->verdict == (m->closing_begun ? MOTE_IN_DOUBT : MOTE_DEFERRED) ||
                (m->closing_begun && !m->closing_out),
            "P14: a 221 that no QUIT asked for has another result");
    require(m->closing == 0 || closed || m->mail_code + m->data_code + m->end_code != 0 || r->verdict == MOTE_IN_DOUBT,
            "P10: the relay closes and it has another result");
    require(m->reset_code < 400 ||
                (r->step == MOTE_STEP_RSET && r->code == m->reset_code && r->cause == MOTE_CAUSE_CLOSED),
            "P12: RSET was refused, and the result says something else");
    if (m->end_out && !(closed && ((m->closing == 421 && !open) || !m->closing_out))) {
        require(r->verdict == MOTE_DELIVERED || r->verdict == MOTE_IN_DOUBT,
                "I4: the end of the mail was out, no 4xx or 5xx came, and the verdict is not IN_DOUBT");
    }
}

/* What one recipient may have. code is the reply to its RCPT. */
static void check_verdict(const struct model *m, const struct mote_result *r, unsigned code)
{
    const unsigned replies[] = {m->mail_code, code, m->data_code, m->end_code};
    static const enum kind kinds[] = {K_MAIL, K_RCPT, K_DATA, K_END};
    unsigned first = 4;
    bool taken = m->end_code / 100 == 2 && m->end_code_late && m->mail_code / 100 == 2 && code / 100 == 2;

    for (unsigned i = 4; i-- != 0;) {
        first = replies[i] >= 400 ? i : first;
    }
    require(r->tls == (m->tried_tls ? MOTE_TLS_TRIED : 0) + (m->secured ? MOTE_TLS_SECURED : 0),
            "P2: the result's tls is not so");
    require(r->verdict != MOTE_PENDING, "I6: done and a recipient is pending");
    require((r->verdict == MOTE_DELIVERED) == taken,
            "I1: DELIVERED, and not DELIVERED, are not with and without a complete 2xx to the end of the mail");
    require(r->verdict != MOTE_IN_DOUBT || m->end_begun, "I4: IN_DOUBT, and the end of the mail was not out");
    require(r->verdict != MOTE_MISUSE || m->written == 0 || m->failed_by_us == r->cause ||
                (r->cause == MOTE_CAUSE_TEXT && !scene_text_good(m->scene)),
            "D9: misuse, and octets were sent before it");
    if (first == 4) {
        check_unrefused(m, r);
    } else if (model_follows(m) && first == 0) {
        require(
            r->verdict == MOTE_DEFERRED && r->cause == MOTE_CAUSE_CLOSED && r->code == m->mail_code,
            "P12: MAIL is refused behind a mail that was taken, and that is not taken for the end of the connection");
    } else if (later(m, kinds[first], replies[first])) {
        require(r->verdict == MOTE_DEFERRED && r->cause == MOTE_CAUSE_REFUSED && r->code == replies[first],
                "P10: the first refusal leaves hope, the verdict is not DEFERRED");
    } else {
        require(r->verdict == MOTE_FAILED && r->cause == MOTE_CAUSE_REFUSED && r->code == replies[first],
                "P10: the first refusal is a 5xx, the verdict is not FAILED");
    }
}

/* P16: is an extension suspect? Of the mail's result step and cause tell what ended the conversation. */
static bool suspect(const struct model *m, const struct mote_result *r)
{
    bool flight = model_pipelines(m), accepted = model_accepted(m) != 0, used;
    bool code = (!model_follows(m) && doubtful(m, K_MAIL, m->mail_code)) ||
                (accepted && doubtful(m, K_DATA, m->data_code)) || (accepted && doubtful(m, K_END, m->end_code));

    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        code |= m->mail_code / 100 == 2 && doubtful(m, K_RCPT, m->rcpt_code[i]);
    }
    used = r->step >= MOTE_STEP_MAIL && r->step <= MOTE_STEP_RSET && r->cause != MOTE_CAUSE_CLOSED &&
           (flight || (r->step == MOTE_STEP_END && model_chunks(m)));
    return code || (used && r->cause >= MOTE_CAUSE_LOST && r->cause <= MOTE_CAUSE_REPLY_TOO_LONG) ||
           (used && m->closing == 221 && r->code == 421);
}

/* A relay that answers as it should, and a caller who does his part: the mail is delivered, or it is said what cannot be. */
static void check_kind(const struct model *m, const struct mote_result *r)
{
    bool late = m->scene->now_ms - m->scene->start_ms >= 900000;

    switch (r->cause) {
    case MOTE_CAUSE_TOO_BIG:
    case MOTE_CAUSE_NO_8BITMIME:
    case MOTE_CAUSE_NO_SMTPUTF8:
    case MOTE_CAUSE_LOGIN_NOT_OFFERED:
    case MOTE_CAUSE_TLS_NOT_OFFERED: return; /* see check_offers() */
    default: break;
    }
    require(r->verdict == MOTE_DELIVERED || r->verdict == MOTE_MISUSE || m->gone ||
                (r->cause == MOTE_CAUSE_DEADLINE && late) ||
                (r->cause == MOTE_CAUSE_REFUSED && r->step == MOTE_STEP_EHLO && r->code == 502),
            "L: each reply fits, nothing was cut, and the mail is not delivered");
}

/* Causes that say what was not offered: true only of the last EHLO (I8). */
static void check_offers(const struct model *m, const struct mote_result *r)
{
    const struct mote_mail *mail = &m->scene->mail;
    unsigned logins = m->scene->setup.login.token != NULL ? M_OAUTHBEARER | M_XOAUTH2 : M_PLAIN | M_LOGIN;
    bool good = true;

    switch (r->cause) {
    case MOTE_CAUSE_TOO_BIG: good = m->size_limit != 0 && mail->size > m->size_limit; break;
    case MOTE_CAUSE_NO_8BITMIME:
        good = (mail->needs & MOTE_NEEDS_8BITMIME) != 0 && (m->offers & M_8BITMIME) == 0;
        break;
    case MOTE_CAUSE_NO_SMTPUTF8:
        good = (mail->needs & MOTE_NEEDS_SMTPUTF8) != 0 && (m->offers & M_SMTPUTF8) == 0;
        break;
    case MOTE_CAUSE_LOGIN_NOT_OFFERED: good = m->secured && (m->offers & logins) == 0; break;
    case MOTE_CAUSE_TLS_NOT_OFFERED: good = !m->secured && (m->offers & M_STARTTLS) == 0; break;
    default: break;
    }
    require(good || r->cause == m->failed_by_us, "D3: the cause is something that was, or was not, offered");
}

/* No octet of a secret in clear, as it is or in base64 at any of its three places; as it is, never. */
static void check_secrets(const struct model *m)
{
    const struct mote_login *login = &m->scene->setup.login;
    const char *secret = login->token != NULL ? login->token : login->password;
    size_t len = secret != NULL ? strlen(secret) : 0;
    char encoded[LINE_ROOM];

    if (len < 16) {
        return;
    }
    require(!contains(m->clear, m->clear_len, secret, 16), "I2: a secret is written in clear");
    for (size_t skip = 0; skip < 3; skip++) {
        size_t n = base64(encoded, secret + skip, 12);

        require(!contains(m->clear, m->clear_len, encoded, n), "I2: a secret is written in base64 and without TLS");
    }
    require(!contains(m->clear, m->clear_len, "AUTH", 4), "I2: AUTH without TLS");
}

void model_finish(const struct model *m, const struct mote_engine *engine)
{
    const struct scene *s = m->scene;
    const struct mote_result *result = mote_engine_result(engine);
    bool invalid =
        result->verdict == MOTE_MISUSE && result->cause != m->failed_by_us && result->cause != MOTE_CAUSE_TEXT;

    check_result(result);
    check_offers(m, result);
    if (m->fitting) {
        check_kind(m, result);
    }
    check_secrets(m);
    scene_check_texts(s);
    for (unsigned i = 0; i < s->mail.rcpt_count; i++) {
        const struct mote_rcpt *rcpt = &s->rcpts[i];

        check_result(&rcpt->result);
        if (s->before[i].verdict == MOTE_DELIVERED || s->before[i].verdict == MOTE_FAILED) {
            require(memcmp(&rcpt->result, &s->before[i], sizeof rcpt->result) == 0, "I9: a final verdict changed");
        } else if (!invalid && model_left_out(m, i) && rcpt->result.cause == MOTE_CAUSE_NO_SMTPUTF8) {
            require(rcpt->result.verdict == MOTE_DEFERRED && rcpt->result.code == 0,
                    "P10: a recipient that SMTPUTF8 is missing for has another result");
        } else if (!invalid) {
            require(!m->mail_sent || !model_left_out(m, i),
                    "P10: a recipient that SMTPUTF8 is missing for has another result");
            check_verdict(m, &rcpt->result, m->rcpt_code[i]);
        }
    }
    require(result->verdict != MOTE_PENDING, "I6: done without a verdict");
    require(result->verdict != MOTE_DELIVERED || (m->end_code / 100 == 2 && m->end_code_late && model_accepted(m) != 0),
            "I1: the mail is DELIVERED without a complete 2xx to its end");
    require(!invalid || m->written == 0, "D9: misuse, and octets were sent before it");
    require(mote_engine_suspect(engine) == suspect(m, result), "P16: an extension is, or is not, suspect");
}

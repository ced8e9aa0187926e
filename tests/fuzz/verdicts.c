/* SPDX-License-Identifier: MIT
 *
 * The verdicts the model allows: what poll may say while the conversation goes on, and what each recipient may have at
 * its end.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

/* A refusal that leaves hope: a 4xx, and "use TLS" in the cleartext pass (P8). */
static bool later(const struct model *m, unsigned code)
{
    return code / 100 == 4 || (code == 530 && m->scene->setup.tls == MOTE_TLS_CLEAR);
}

static bool never(const struct model *m, unsigned code)
{
    return code / 100 == 5 && !later(m, code);
}

void model_check(const struct model *m, uint8_t want)
{
    require(want != 0, "I6: poll wants nothing and is not done");
    if ((want & MOTE_DONE) != 0) {
        return;
    }
    require(m->broken != MOTE_CAUSE_UNEXPECTED, "I8: octets that no command explains are taken");
    require(m->broken == 0, "R4: a reply that is none is taken");
    require(((want & MOTE_WANT_RECV) != 0) == (m->due_count != 0), "I6: WANT_RECV does not say that a reply is due");
    require(((want & MOTE_WANT_TLS) != 0) == m->awaiting_tls, "I8: WANT_TLS does not say that TLS is due");
    require((want & (MOTE_WANT_SEND | MOTE_WANT_COMMIT)) != (MOTE_WANT_SEND | MOTE_WANT_COMMIT), "I6: poll wants both");
    require((want & MOTE_WANT_COMMIT) == 0 || m->scene->setup.hold, "hold: a commit nobody asked for");
}

/* A code of 2xx to 5xx or none, printable names, known numbers. */
static void check_result(const struct mote_result *r)
{
    require(r->verdict <= MOTE_MISUSE && r->cause <= 69 && r->step <= MOTE_STEP_QUIT && r->tls <= 3,
            "I9: no such result");
    require(r->code == 0 || (r->code >= 200 && r->code <= 599), "I9: no such reply code");
    require(r->subject <= 999 && r->detail <= 999, "I9: no such enhanced code");
    require(mote_verdict_name(r->verdict) != NULL && mote_step_name(r->step) != NULL &&
                mote_cause_name(r->cause) != NULL,
            "I9: a result without a name");
}

/* What one recipient may have. code is the reply to its RCPT. */
static void check_verdict(const struct model *m, const struct mote_result *r, unsigned code)
{
    const unsigned replies[] = {m->mail_code, code, m->data_code, m->end_code};
    unsigned first = 0;
    bool taken = m->end_code / 100 == 2 && m->end_code_late && m->mail_code / 100 == 2 && code / 100 == 2;

    for (unsigned i = 4; i-- != 0;) {
        first = later(m, replies[i]) || never(m, replies[i]) ? replies[i] : first;
    }
    require(r->tls == (m->tried_tls ? MOTE_TLS_TRIED : 0) + (m->secured ? MOTE_TLS_SECURED : 0),
            "P2: the result's tls is not so");
    require(r->verdict != MOTE_PENDING, "I6: done and a recipient is pending");
    require(r->verdict != MOTE_DELIVERED || taken, "I1: DELIVERED without a complete 2xx to the end of the mail");
    require(!taken || r->verdict == MOTE_DELIVERED, "I9: a complete 2xx to the end of the mail is not DELIVERED");
    require(!later(m, first) || r->verdict == MOTE_DEFERRED,
            "P10: the first refusal is a 4xx, the verdict is not DEFERRED");
    require(!never(m, first) || r->verdict == MOTE_FAILED,
            "P10: the first refusal is a 5xx, the verdict is not FAILED");
    if (m->end_out && first == 0) {
        require(r->verdict == MOTE_DELIVERED || r->verdict == MOTE_IN_DOUBT,
                "I4: the end of the mail was out, no 4xx or 5xx came, and the verdict is not IN_DOUBT");
    }
    require(r->verdict != MOTE_IN_DOUBT || m->end_begun, "I4: IN_DOUBT, and the end of the mail was not out");
    require(r->verdict != MOTE_FAILED || first != 0 || r->cause == MOTE_CAUSE_TEXT || r->cause == MOTE_CAUSE_TOO_BIG ||
                r->cause == MOTE_CAUSE_NO_8BITMIME || r->cause == MOTE_CAUSE_NO_SMTPUTF8,
            "P10: FAILED without a 5xx");
    require(r->verdict != MOTE_MISUSE || m->written == 0 || m->failed_by_us == r->cause,
            "misuse: octets were sent before it");
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
    require(good || r->cause == m->failed_by_us, "I8: the cause is something that was, or was not, offered");
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

void model_finish(const struct model *m, const struct mote_result *result)
{
    const struct scene *s = m->scene;
    bool invalid = result->verdict == MOTE_MISUSE && result->cause != m->failed_by_us;

    check_result(result);
    check_offers(m, result);
    check_secrets(m);
    scene_check_texts(s);
    for (unsigned i = 0; i < s->mail.rcpt_count; i++) {
        const struct mote_rcpt *rcpt = &s->rcpts[i];

        check_result(&rcpt->result);
        if (s->before[i].verdict == MOTE_DELIVERED || s->before[i].verdict == MOTE_FAILED) {
            require(memcmp(&rcpt->result, &s->before[i], sizeof rcpt->result) == 0, "I9: a final verdict changed");
        } else if (!invalid) {
            check_verdict(m, &rcpt->result, m->rcpt_code[i]);
        }
    }
    require(result->verdict != MOTE_PENDING, "I6: done without a verdict");
    require(result->verdict != MOTE_DELIVERED || (m->end_code / 100 == 2 && m->end_code_late && model_accepted(m) != 0),
            "I1: the mail is DELIVERED without a complete 2xx to its end");
    require(!invalid || m->written == 0, "misuse: octets were sent before it");
}

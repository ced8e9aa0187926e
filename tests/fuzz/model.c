/* SPDX-License-Identifier: MIT
 *
 * The client's half of the model: reads what the engine wrote as a server would, line by line, and refuses whatever
 * the dialogue so far does not allow.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

static bool offered(const struct model *m, unsigned what)
{
    return (m->offers & what) != 0;
}

static bool has_login(const struct model *m)
{
    return m->scene->setup.login.user != NULL;
}

/* A string of the caller that may stand in a line: no control octet and, unless spaces are good, no angle bracket. */
static bool clean(const char *s, bool spaces)
{
    while ((uint8_t)*s >= (spaces ? ' ' : '!') && (spaces || (*s != 127 && *s != '<' && *s != '>'))) {
        s++;
    }
    return *s == 0;
}

/* Once the reply is known the client may go on; RFC 2920 lets it go on before. */
static void line_starts(const struct model *m)
{
    require(m->mode != AFTER_QUIT, "D1: an octet follows QUIT");
    require(!m->awaiting_tls, "I8: an octet is written in clear between the 220 to STARTTLS and TLS");
    if (m->due_count != 0) {
        enum kind last = m->due[m->due_count - 1];

        require(model_pipelines(m), "P14: a command does not wait for the reply before it, PIPELINING is not offered");
        require(last == K_RSET || last == K_MAIL || last == K_RCPT || last == K_END,
                "P14: a command follows one that ends a flight");
    }
}

static void wrote_ehlo(struct model *m, const char *rest)
{
    require(m->stage == GREETED || (m->secured && m->stage == AT_START && m->scene->setup.tls == MOTE_TLS_STARTTLS),
            "D1: EHLO at a wrong place");
    require(clean(rest, false) && strcmp(rest, m->scene->setup.helo) == 0, "D2: EHLO does not carry the name");
    m->stage = TURNED_AWAY;
    m->offers = m->size_limit = 0;
    model_due(m, K_EHLO, 0);
}

static void wrote_helo(struct model *m, const char *rest)
{
    require(m->stage == EHLO_REFUSED && !has_login(m), "P7: HELO where EHLO was not refused, or with a login");
    require(m->secured || m->scene->setup.opportunistic, "P7: HELO hides STARTTLS");
    require(strcmp(rest, m->scene->setup.helo) == 0, "D2: HELO does not carry the name");
    m->stage = TURNED_AWAY;
    model_due(m, K_HELO, 0);
}

static void wrote_starttls(struct model *m)
{
    require(m->stage == IN_SESSION && !m->secured && m->scene->setup.tls == MOTE_TLS_STARTTLS && offered(m, M_STARTTLS),
            "D3: STARTTLS where it was not offered or not wanted");
    m->tried_tls = true;
    model_due(m, K_STARTTLS, 0);
}

/* Sets the lines of a login that is one message: on the line of the command, or alone when that would be too long. */
static void want_message(struct model *m, const char *name, const char *message, size_t len)
{
    char whole[LINE_ROOM + 32];

    base64(m->auth_want[0], message, len);
    snprintf(whole, sizeof whole, "AUTH %s %s", name, m->auth_want[0]);
    m->auth_lines = strlen(whole) + 2 > 512;
    require(strcmp(m->line + 5, m->auth_lines != 0 ? name : whole + 5) == 0,
            "D2: AUTH is not followed by the login alone");
    require(m->line_len <= 512, "D2: the AUTH line is over 512 octets");
}

static void wrote_auth(struct model *m, const char *rest)
{
    const struct mote_login *login = &m->scene->setup.login;
    char message[LINE_ROOM];
    int n = 0;

    require(m->secured, "I2: AUTH in clear");
    require(clean(login->user, true) && clean(login->token != NULL ? login->token : login->password, true),
            "I7: a login has a control octet");
    require(m->stage == IN_SESSION && has_login(m) && !m->auth_ok && !m->auth_more && m->auth_at == 0,
            "D1: AUTH at a wrong place");
    m->auth_lines = 0;
    m->auth_end = "*";
    if (login->token != NULL && strncmp(rest, "OAUTHBEARER", 11) == 0) {
        require(offered(m, M_OAUTHBEARER), "I8: OAUTHBEARER is not offered in TLS");
        n = snprintf(message, sizeof message, "n,a=%s,\001auth=Bearer %s\001\001", login->user, login->token);
        want_message(m, "OAUTHBEARER", message, (size_t)n);
        m->auth_end = "AQ==";
    } else if (login->token != NULL && strncmp(rest, "XOAUTH2", 7) == 0) {
        require(offered(m, M_XOAUTH2), "I8: XOAUTH2 is not offered in TLS");
        n = snprintf(message, sizeof message, "user=%s\001auth=Bearer %s\001\001", login->user, login->token);
        want_message(m, "XOAUTH2", message, (size_t)n);
        m->auth_end = "";
    } else if (login->password != NULL && strncmp(rest, "PLAIN", 5) == 0) {
        require(offered(m, M_PLAIN), "I8: PLAIN is not offered in TLS");
        n = snprintf(message, sizeof message, "%c%s%c%s", 0, login->user, 0, login->password);
        want_message(m, "PLAIN", message, (size_t)n);
    } else {
        require(login->password != NULL && strcmp(rest, "LOGIN") == 0, "D2: AUTH with another mechanism");
        require(offered(m, M_LOGIN), "I8: LOGIN is not offered in TLS");
        base64(m->auth_want[0], login->user, strlen(login->user));
        base64(m->auth_want[1], login->password, strlen(login->password));
        m->auth_lines = 2;
    }
    model_due(m, K_AUTH, 0);
}

static void wrote_auth_more(struct model *m)
{
    m->auth_more = false;
    if (m->auth_at == m->auth_lines) {
        require(strcmp(m->line, m->auth_end) == 0, "D2: a login that is all said is not ended as its mechanism says");
        m->cancelled = true;
    } else {
        require(strcmp(m->line, m->auth_want[m->auth_at++]) == 0, "D2: a line of the login is not the expected one");
    }
    model_due(m, K_AUTH, 0);
}

/* Those who have their verdict, and those the relay cannot be told of. */
static void skip_unasked(struct model *m)
{
    while (m->rcpt_next < m->scene->mail.rcpt_count &&
           (m->scene->before[m->rcpt_next].verdict == MOTE_DELIVERED ||
            m->scene->before[m->rcpt_next].verdict == MOTE_FAILED || model_left_out(m, m->rcpt_next))) {
        m->rcpt_next++;
    }
}

static bool needs_utf8(const struct model *m)
{
    bool needed = !model_ascii(m->scene->mail.from);

    for (unsigned i = 0; i < m->scene->mail.rcpt_count; i++) {
        needed |= m->scene->before[i].verdict != MOTE_DELIVERED && m->scene->before[i].verdict != MOTE_FAILED &&
                  !model_ascii(m->scene->rcpts[i].address);
    }
    return needed;
}

static void wrote_rset(struct model *m)
{
    require(m->stage == IN_SESSION && m->again && m->reset && !m->mail_sent, "D1: RSET at a wrong place");
    m->reset = false;
    model_due(m, K_RSET, 0);
}

static void wrote_mail(struct model *m)
{
    const struct mote_mail *mail = &m->scene->mail;
    char want[LINE_ROOM];
    int n = snprintf(want, sizeof want, "MAIL FROM:<%s>", mail->from);

    require(m->stage == IN_SESSION && !m->mail_sent && !m->gone && m->due_count <= (m->due[0] == K_RSET),
            "D1: MAIL at a wrong place");
    require(!m->reset, "D1: MAIL without RSET behind a mail that was not delivered");
    require(m->secured || m->scene->setup.opportunistic, "I10: MAIL in clear to a relay that is not opportunistic");
    require(m->secured || m->scene->setup.tls == MOTE_TLS_CLEAR || !offered(m, M_STARTTLS), "P1: STARTTLS is offered");
    require(!has_login(m) || m->auth_ok, "P7: MAIL without the login");
    require(m->size_limit == 0 || mail->size <= m->size_limit, "P10: the mail is over the SIZE offered");
    if (offered(m, M_SIZE)) {
        n += snprintf(want + n, sizeof want - (size_t)n, " SIZE=%lu", (unsigned long)m->scene->measured.mended_len);
    }
    if ((mail->needs & MOTE_NEEDS_8BITMIME) != 0) {
        require(offered(m, M_8BITMIME), "D3: 8BITMIME is not offered");
        n += snprintf(want + n, sizeof want - (size_t)n, " BODY=8BITMIME");
    }
    require(offered(m, M_SMTPUTF8) || model_ascii(mail->from), "P10: the sender needs SMTPUTF8 and it is not offered");
    if (offered(m, M_SMTPUTF8) && needs_utf8(m)) {
        snprintf(want + n, sizeof want - (size_t)n, " SMTPUTF8");
    }
    require(clean(mail->from, false) && strcmp(m->line, want) == 0, "D2: MAIL is not as it must be");
    m->mail_sent = true;
    skip_unasked(m);
    require(m->rcpt_next < mail->rcpt_count, "P10: MAIL and nobody to ask");
    model_due(m, K_MAIL, 0);
}

static void wrote_rcpt(struct model *m)
{
    char want[LINE_ROOM];

    require(m->mail_sent && !m->ended && m->rcpt_next < m->scene->mail.rcpt_count, "D1: RCPT at a wrong place");
    require(model_pipelines(m) || m->mail_code / 100 == 2, "D1: RCPT after MAIL was refused");
    snprintf(want, sizeof want, "RCPT TO:<%s>", m->scene->rcpts[m->rcpt_next].address);
    require(clean(m->scene->rcpts[m->rcpt_next].address, false), "I7: a recipient has an octet that no address has");
    require(strcmp(m->line, want) == 0, "D2: RCPT is not for the next recipient that is asked");
    model_due(m, K_RCPT, m->rcpt_next++);
    skip_unasked(m);
}

/* DATA or BDAT: all recipients were asked, and without PIPELINING one was accepted. */
static void wrote_data(struct model *m, bool bdat)
{
    char want[40];

    require(m->mail_sent && !m->ended && m->rcpt_next == m->scene->mail.rcpt_count,
            "D1: the mail begins at a wrong place");
    require(model_pipelines(m) || model_accepted(m) != 0, "D1: the mail begins and nobody takes it");
    m->ended = true;
    if (!bdat) {
        require(!model_chunks(m), "D3: DATA where CHUNKING is offered");
        model_due(m, K_DATA, 0);
        return;
    }
    require(model_chunks(m), "P16: CHUNKING is not offered, or not to be used");
    m->chunk_len = m->scene->mail.size;
    snprintf(want, sizeof want, "BDAT %lu LAST", (unsigned long)m->chunk_len);
    require(strcmp(m->line, want) == 0, "D2: BDAT does not carry the size of the mail");
    model_due(m, K_END, 0);
    m->mode = IN_CHUNK;
}

static void wrote_line(struct model *m)
{
    if (m->auth_more) {
        wrote_auth_more(m);
    } else if (strncmp(m->line, "EHLO ", 5) == 0) {
        wrote_ehlo(m, m->line + 5);
    } else if (strncmp(m->line, "HELO ", 5) == 0) {
        wrote_helo(m, m->line + 5);
    } else if (strcmp(m->line, "STARTTLS") == 0) {
        wrote_starttls(m);
    } else if (strncmp(m->line, "AUTH ", 5) == 0) {
        wrote_auth(m, m->line + 5);
    } else if (strcmp(m->line, "RSET") == 0) {
        wrote_rset(m);
    } else if (strncmp(m->line, "MAIL ", 5) == 0) {
        wrote_mail(m);
    } else if (strncmp(m->line, "RCPT ", 5) == 0) {
        wrote_rcpt(m);
    } else if (strcmp(m->line, "DATA") == 0 || strncmp(m->line, "BDAT ", 5) == 0) {
        wrote_data(m, m->line[0] == 'B');
    } else {
        require(strcmp(m->line, "QUIT") == 0, "D1: the line is no command");
        require(m->due_count == 0 || m->end_out, "D1: QUIT comes too early");
        require(!m->scene->setup.keep || m->quits || model_over(m) || !m->mail_sent,
                "D1: QUIT though another mail may follow");
        m->mode = AFTER_QUIT;
    }
}

static void line_octet(struct model *m, uint8_t c)
{
    bool after_cr = m->line_len != 0 && m->line[m->line_len - 1] == '\r';

    if (m->line_len == 0) {
        line_starts(m);
    }
    require(c != 0 && after_cr == (c == '\n'), "I7: a command line has a bare CR, a bare LF or a NUL");
    require(m->line_len + 1 < sizeof m->line && (m->auth_more || m->line_len < 512 + 26 + 17 + 10),
            "D2: a command line is too long");
    m->line[m->line_len++] = (char)c;
    if (c == '\n') {
        m->line[m->line_len - 2] = 0;
        wrote_line(m);
        m->line_len = 0;
    }
}

/* The rules of a line of text, apart from the reference. A stuffed dot does not count. */
static void text_rules(struct model *m, uint8_t c)
{
    require(c != 0, "I7: the text has a NUL");
    require((c == '\n') == (m->last == '\r'), "I7: the text has a bare CR or LF");
    require(c < 128 || (offered(m, M_8BITMIME) && (m->scene->mail.needs & MOTE_NEEDS_8BITMIME) != 0),
            "D3: the text is 8-bit and was not announced so");
    if (c == '\n') {
        m->column = 0;
    } else if (c != '\r') {
        m->column++;
        require(m->column <= 998u + (m->fold && m->mode == IN_DOTS), "I7: a line of the text is over 998 octets");
        m->fold = m->column == 1 ? c == '.' : m->fold;
    }
    m->last = c;
}

static void text_octet(struct model *m, uint8_t c)
{
    const struct reference *r = &m->scene->sent;
    bool dots = m->mode == IN_DOTS;
    const uint8_t *want = dots ? r->stuffed : r->mended;
    size_t len = dots ? r->stuffed_len : r->mended_len, end = dots ? len : m->chunk_len;

    if (dots && m->empty) {
        want += len - 3;
        len = end = 3;
    }
    text_rules(m, c);
    require(m->text_at < len && m->text_at < end && want[m->text_at] == c, "D8: the text is not the mended mail");
    m->text_at++;
    m->end_begun |= m->text_at + (dots ? 2 : 4) >= end;
    m->end_out = m->text_at == end;
    if (m->end_out) {
        require(m->empty || r->mended_len == m->scene->mail.size, "D8: a text of another size was sent whole");
        m->mode = IN_LINE;
    }
}

void model_begin(struct model *m, struct scene *scene)
{
    memset(m, 0, sizeof *m);
    m->scene = scene;
    if (scene->setup.tls == MOTE_TLS_IMPLICIT) {
        m->awaiting_tls = m->tried_tls = true;
    } else {
        model_due(m, K_GREETING, 0);
    }
}

/* What was heard and said of the connection stays; of the mail, nothing does. Who was told to be plain remains so. */
void model_next(struct model *m, bool gone)
{
    m->reset = m->end_code / 100 != 2 || !m->end_code_late || model_accepted(m) == 0;
    m->again = true;
    m->gone = gone;
    if (m->scene->setup.plain) {
        m->offers &= ~(unsigned)(M_PIPELINING | M_CHUNKING);
    }
    m->mail_sent = m->ended = m->committed = m->empty = m->end_begun = m->end_out = m->fold = false;
    m->end_code_late = m->closing_begun = m->closing_out = false;
    m->rcpt_next = 0;
    m->written = m->text_at = m->chunk_len = m->column = 0;
    m->last = m->broken = m->failed_by_us = 0;
    m->reset_code = m->mail_code = m->data_code = m->end_code = m->closing = 0;
    memset(m->rcpt_code, 0, sizeof m->rcpt_code);
}

void model_secured(struct model *m)
{
    if (m->awaiting_tls) {
        m->awaiting_tls = false;
        m->secured = true;
        m->stage = AT_START;
        m->offers = m->size_limit = 0;
        if (m->scene->setup.tls == MOTE_TLS_IMPLICIT) {
            model_due(m, K_GREETING, 0);
        }
    }
}

void model_wrote(struct model *m, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        m->written++;
        if (!m->secured && m->clear_len < sizeof m->clear) {
            m->clear[m->clear_len++] = data[i];
        }
        if (m->mode == IN_LINE || m->mode == AFTER_QUIT) {
            line_octet(m, data[i]);
            require(m->line_len != 0 || i + 1 == len, "D4: one pull has octets of two commands");
        } else {
            text_octet(m, data[i]);
        }
        if (m->mode == IN_CHUNK && m->chunk_len == 0) {
            m->end_begun = m->end_out = true;
            m->mode = IN_LINE;
        }
        require(!m->end_out || !m->scene->setup.hold || m->committed || m->empty, "P9: the end left before the commit");
    }
}

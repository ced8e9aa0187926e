/* SPDX-License-Identifier: MIT
 *
 * The server's half of the model: which replies were complete, to what, and what they offered. It reads the octets by
 * RFC 5321 4.2 once more, with a buffer and string functions, so that it shares no mistake with the core's reader.
 */
#include "fuzz.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const keywords[] = {"STARTTLS", "PIPELINING", "CHUNKING", "SIZE", "8BITMIME", "SMTPUTF8", "AUTH"};
static const char *const mechanisms[] = {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"};

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static bool same(const char *word, size_t len, const char *name)
{
    size_t i = 0;

    while (i < len && name[i] != 0 && upper(word[i]) == name[i]) {
        i++;
    }
    return i == len && name[i] == 0;
}

static size_t word_length(const char *s, size_t len, char stop)
{
    size_t n = 0;

    while (n < len && (uint8_t)s[n] > ' ' && s[n] != stop) {
        n++;
    }
    return n;
}

/* The argument of SIZE: the smallest plain number. What comes behind a word that is none does not count. */
static void hear_size(struct model *m, const char *s, size_t len)
{
    while (len != 0) {
        size_t n = word_length(s, len, ' ');
        uint64_t value = 0;

        for (size_t i = 0; i < n; i++) {
            if (s[i] < '0' || s[i] > '9') {
                return;
            }
            value = value > UINT32_MAX ? value : value * 10 + (unsigned)(s[i] - '0');
        }
        value = value > UINT32_MAX ? UINT32_MAX : value;
        if (value != 0 && (m->size_offering == 0 || value < m->size_offering)) {
            m->size_offering = (uint32_t)value;
        }
        s += n + (n < len);
        len -= n + (n < len);
    }
}

static void hear_mechanisms(struct model *m, const char *s, size_t len)
{
    while (len != 0) {
        size_t n = word_length(s, len, ' ');

        for (unsigned i = 0; i < COUNT(mechanisms); i++) {
            if (same(s, n, mechanisms[i])) {
                m->offering |= (unsigned)M_PLAIN << i;
            }
        }
        s += n + (n < len);
        len -= n + (n < len);
    }
}

/* A line of an EHLO reply, but the first: its first word counts. Old servers write AUTH=LOGIN. */
static void hear_offer(struct model *m)
{
    const char *s = m->word_line;
    size_t len = m->word_len, n = word_length(s, len, ' ');

    n = len > 4 && s[4] == '=' && same(s, 4, "AUTH") ? 4 : n;
    for (unsigned i = 0; i < COUNT(keywords); i++) {
        if (same(s, n, keywords[i])) {
            m->offering |= 1u << i;
            n += n < len;
            if (1u << i == M_SIZE) {
                hear_size(m, s + n, len - n);
            } else if (1u << i == M_AUTH) {
                hear_mechanisms(m, s + n, len - n);
            }
            return;
        }
    }
}

void model_due(struct model *m, enum kind kind, unsigned rcpt)
{
    require(m->due_count < COUNT(m->due), "D4: more commands are outstanding than there are");
    m->due[m->due_count] = kind;
    m->due_rcpt[m->due_count++] = rcpt;
}

unsigned model_accepted(const struct model *m)
{
    unsigned count = 0;

    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        count += m->rcpt_code[i] / 100 == 2;
    }
    return m->mail_code / 100 == 2 ? count : 0;
}

bool model_pipelines(const struct model *m)
{
    return (m->offers & M_PIPELINING) != 0 && !m->scene->setup.plain;
}

bool model_chunks(const struct model *m)
{
    return (m->offers & M_CHUNKING) != 0 && !m->scene->setup.plain && m->scene->mail.size != 0;
}

bool model_ascii(const char *s)
{
    while (*s != 0 && (uint8_t)*s < 128) {
        s++;
    }
    return *s == 0;
}

bool model_left_out(const struct model *m, unsigned rcpt)
{
    return (m->offers & M_SMTPUTF8) == 0 && !model_ascii(m->scene->rcpts[rcpt].address);
}

bool model_follows(const struct model *m)
{
    return m->again && m->reset_code == 0;
}

bool model_over(const struct model *m)
{
    return m->closing != 0 || m->reset_code >= 400 || (model_follows(m) && m->mail_code >= 400);
}

/* P10 and P14: the relay closes. What it says then is about nobody. */
static void heard_closing(struct model *m, enum kind kind)
{
    m->stage = TURNED_AWAY;
    if (m->closing == 0) {
        m->closing = m->first_code;
        m->closing_kind = kind;
        m->closing_begun = m->end_begun;
        m->closing_out = m->end_out;
    }
}

/* A complete reply to what is due. One that the command cannot have ends the conversation. */
static void heard(struct model *m, enum kind kind, unsigned rcpt)
{
    unsigned code = m->first_code, class = code / 100;
    bool fits = class != 3;

    if ((code == 421 || code == 221) && kind != K_STARTTLS) {
        heard_closing(m, kind);
        return;
    }
    if (m->closing != 0) {
        m->broken = class == 3 || (kind == K_END && class == 2 && !m->end_out) ? MOTE_CAUSE_PROTOCOL : 0;
        return;
    }
    switch (kind) {
    case K_GREETING: m->stage = class == 2 ? GREETED : TURNED_AWAY; break;
    case K_EHLO:
        m->stage = class == 2 ? IN_SESSION : class == 5 ? EHLO_REFUSED : TURNED_AWAY;
        m->offers = class == 2 ? m->offering : 0;
        m->size_limit = class == 2 ? m->size_offering : 0;
        break;
    case K_HELO: m->stage = class == 2 ? IN_SESSION : TURNED_AWAY; break;
    case K_STARTTLS:
        m->stage = TURNED_AWAY;
        m->awaiting_tls = code == 220;
        fits = true;
        break;
    case K_AUTH:
        m->auth_more = class == 3 && !m->cancelled;
        m->auth_ok = class == 2 && !m->cancelled && m->auth_at == m->auth_lines;
        m->stage = m->auth_more || m->auth_ok ? IN_SESSION : TURNED_AWAY;
        fits = m->auth_more || m->auth_ok || class > 3;
        break;
    case K_RSET:
        m->reset_code = code;
        m->stage = class == 2 ? IN_SESSION : TURNED_AWAY;
        break;
    case K_MAIL: m->mail_code = code; break;
    case K_RCPT: m->rcpt_code[rcpt] = code; break;
    case K_DATA:
        m->data_code = code;
        fits = class != 2;
        if (class == 3) {
            m->empty = model_accepted(m) == 0;
            m->mode = IN_DOTS;
            model_due(m, K_END, 0);
        }
        break;
    case K_END:
        m->end_code = code;
        m->end_code_late = m->end_out;
        fits = class > 3 || (class == 2 && m->end_out);
        break;
    }
    m->broken = fits ? 0 : MOTE_CAUSE_PROTOCOL;
}

static void line_done(struct model *m)
{
    m->reply_lines++;
    m->status = 0;
    if (m->due[0] == K_EHLO && m->reply_lines > 1) {
        hear_offer(m);
    }
    m->word_len = 0;
    if (!m->more) {
        enum kind kind = m->due[0];
        unsigned rcpt = m->due_rcpt[0];

        m->due_count--;
        memmove(m->due, m->due + 1, m->due_count * sizeof m->due[0]);
        memmove(m->due_rcpt, m->due_rcpt + 1, m->due_count * sizeof m->due_rcpt[0]);
        m->reply_lines = 0;
        m->reply_len = 0;
        m->completed = true;
        heard(m, kind, rcpt);
        m->offering = 0;
        m->size_offering = 0;
    }
}

void model_heard(struct model *m, uint8_t c)
{
    m->completed = false;
    if (m->due_count == 0) {
        m->broken = MOTE_CAUSE_UNEXPECTED;
        return;
    }
    if (++m->reply_len > 16384 || m->reply_lines == 128) {
        m->broken = MOTE_CAUSE_REPLY_TOO_LONG;
        return;
    }
    if (m->status < 3) {
        /* Before all of the mail is out it may only be refused. */
        char least = m->due[0] == K_END && !m->end_out ? '4' : '2';

        m->code = m->status == 0 ? 0 : m->code;
        m->code = m->code * 10 + c - '0';
        if (c < '0' || c > '9' || (m->status == 0 && (c < least || c > '5'))) {
            m->broken = MOTE_CAUSE_PROTOCOL;
        } else if (m->reply_lines == 0) {
            m->first_code = m->code;
        } else if (m->code != m->first_code / (m->status == 0 ? 100 : m->status == 1 ? 10 : 1)) {
            m->broken = MOTE_CAUSE_PROTOCOL;
        }
        m->status++;
    } else if (m->status == 3) {
        m->more = c == '-';
        m->status++;
        if (c != ' ' && c != '-' && c != '\r' && c != '\n') {
            m->broken = MOTE_CAUSE_PROTOCOL;
        }
    } else {
        m->word_line[m->word_len++] = (char)c;
    }
    if (m->broken == 0 && c == '\n') {
        line_done(m);
    }
}

/* SPDX-License-Identifier: MIT
 *
 * What the words of a transcript mean, and as little of SMTP as it takes to find in a dialogue where the text is, where the mail
 * ends and which reply answers that. It shares nothing with the core.
 */
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *name;
    uint8_t value;
};

static const struct word verdicts[] = {{"delivered", MOTE_DELIVERED},
                                       {"deferred", MOTE_DEFERRED},
                                       {"failed", MOTE_FAILED},
                                       {"in-doubt", MOTE_IN_DOUBT},
                                       {NULL, 0}};

static const struct word causes[] = {{"NONE", MOTE_CAUSE_NONE},
                                     {"LOST", MOTE_CAUSE_LOST},
                                     {"CLOSED", MOTE_CAUSE_CLOSED},
                                     {"TIMEOUT", MOTE_CAUSE_TIMEOUT},
                                     {"DEADLINE", MOTE_CAUSE_DEADLINE},
                                     {"TLS_NOT_OFFERED", MOTE_CAUSE_TLS_NOT_OFFERED},
                                     {"TLS_REFUSED", MOTE_CAUSE_TLS_REFUSED},
                                     {"PROTOCOL", MOTE_CAUSE_PROTOCOL},
                                     {"UNEXPECTED", MOTE_CAUSE_UNEXPECTED},
                                     {"REPLY_TOO_LONG", MOTE_CAUSE_REPLY_TOO_LONG},
                                     {"LOGIN_NOT_OFFERED", MOTE_CAUSE_LOGIN_NOT_OFFERED},
                                     {"NO_8BITMIME", MOTE_CAUSE_NO_8BITMIME},
                                     {"NO_SMTPUTF8", MOTE_CAUSE_NO_SMTPUTF8},
                                     {"REFUSED", MOTE_CAUSE_REFUSED},
                                     {"LOGIN_REFUSED", MOTE_CAUSE_LOGIN_REFUSED},
                                     {"TOO_BIG", MOTE_CAUSE_TOO_BIG},
                                     {NULL, 0}};

static const struct word steps[] = {{"GREETING", MOTE_STEP_GREETING},
                                    {"EHLO", MOTE_STEP_EHLO},
                                    {"HELO", MOTE_STEP_HELO},
                                    {"STARTTLS", MOTE_STEP_STARTTLS},
                                    {"HANDSHAKE", MOTE_STEP_HANDSHAKE},
                                    {"AUTH", MOTE_STEP_AUTH},
                                    {"RSET", MOTE_STEP_RSET},
                                    {"MAIL", MOTE_STEP_MAIL},
                                    {"RCPT", MOTE_STEP_RCPT},
                                    {"DATA", MOTE_STEP_DATA},
                                    {"END", MOTE_STEP_END},
                                    {NULL, 0}};

static const struct word tls_modes[] = {
    {"clear", MOTE_TLS_CLEAR}, {"starttls", MOTE_TLS_STARTTLS}, {"implicit", MOTE_TLS_IMPLICIT}, {NULL, 0}};

int script_word(enum script_words words, const char *name)
{
    static const struct word *const lists[] = {verdicts, causes, steps, tls_modes};

    for (const struct word *word = lists[words]; word->name != NULL; word++) {
        if (strcmp(word->name, name) == 0) {
            return word->value;
        }
    }
    return -1;
}

/* ---- What the dialogue means ------------------------------------------------------------------------------------- */

static uint8_t all[1 << 17]; /* all that one side says */

static size_t join(const struct script *s, uint8_t kind)
{
    size_t len = 0;

    for (unsigned i = 0; i < s->event_count; i++) {
        const struct script_event *e = &s->events[i];

        if (e->kind == kind) {
            if (len + e->len >= sizeof all) {
                fprintf(stderr, "%s:%u: too long\n", s->file, s->line);
                exit(2);
            }
            memcpy(all + len, e->data, e->len);
            len += e->len;
        }
    }
    all[len] = 0;
    return len;
}

/* Where the line at `at` ends, its LF included; 0 = it does not end. */
static size_t line_end(size_t at, size_t len)
{
    const uint8_t *lf = memchr(all + at, '\n', len - at);

    return lf == NULL ? 0 : (size_t)(lf - all) + 1;
}

static bool starts(size_t at, const char *with)
{
    return strncmp((const char *)all + at, with, strlen(with)) == 0;
}

/* A flight of several commands that has MAIL in it. */
static void find_flight(struct script *s)
{
    size_t said = 0;

    s->flight_first = SIZE_MAX;
    for (unsigned i = 0; i < s->event_count; i++) {
        const struct script_event *e = &s->events[i];

        if (e->kind == EVENT_CLIENT) {
            const uint8_t *lf = memchr(e->data, '\n', e->len);

            if (e->len > 5 && (memcmp(e->data, "MAIL ", 5) == 0 || memcmp(e->data, "RSET\r", 5) == 0) && lf != NULL &&
                lf + 1 < e->data + e->len) {
                s->flight_first = said;
            }
            said += e->len;
        }
    }
}

static void find_text(struct script *s)
{
    size_t len = join(s, EVENT_CLIENT), at = 0, next;
    bool data = false;

    s->chunk_first = s->text_first = s->end_first = s->end_end = s->quit_first = SIZE_MAX;
    for (; at < len && (next = line_end(at, len)) != 0; at = next) {
        if (data && s->text_first == SIZE_MAX && !starts(at, "QUIT\r\n")) {
            s->text_first = at;
        }
        if (data && starts(at, ".\r\n")) {
            s->end_first = at;
            s->end_end = next;
            data = false;
        } else if (!data && starts(at, "BDAT ")) {
            size_t n = strtoul((const char *)all + at + 5, NULL, 10);

            s->text_first = s->chunk_first = at;
            if (len - next >= n) {
                s->end_end = next + n;
                s->end_first = s->end_end - (n == 1 ? 1 : 2);
            }
            next += n;
        } else if (starts(at, "QUIT\r\n") && s->text_first == SIZE_MAX) {
            s->quit_first = at;
        } else if (starts(at, "QUIT\r\n") && s->end_end <= at) {
            s->quit_first = at;
        }
        data = data || (s->text_first == SIZE_MAX && starts(at, "DATA\r\n"));
    }
}

/* The last line with the code expected is the reply to the end, if the mail came that far. */
static void find_end_reply(struct script *s)
{
    size_t len = join(s, EVENT_SERVER), at = 0, next;
    char code[8];

    s->server_len = len;
    s->end_reply = SIZE_MAX;
    snprintf(code, sizeof code, "%u", (unsigned)s->mail.result.code);
    for (; at < len && (next = line_end(at, len)) != 0; at = next) {
        if (s->mail.result.step == MOTE_STEP_END && starts(at, code) && all[at + 3] != '-') {
            s->end_reply = next;
        }
    }
}

/* Of a mail on the connection of another one. */
static void find_mail_reply(struct script *s)
{
    size_t len = join(s, EVENT_CLIENT), at = 0, next;
    unsigned replies = len > 4 && starts(0, "RSET") ? 2 : 1;

    len = join(s, EVENT_SERVER);
    s->mail_reply = SIZE_MAX;
    for (; replies != 0 && at < len && (next = line_end(at, len)) != 0; at = next) {
        if (all[at + 3] != '-' && --replies == 0) {
            s->mail_reply = next;
        }
    }
}

size_t script_server_len(const struct script *s)
{
    size_t len = 0;

    for (; s != NULL; s = s->then) {
        len += s->server_len;
    }
    return len;
}

void script_understand(struct script *s)
{
    find_mail_reply(s);
    find_flight(s);
    find_text(s);
    find_end_reply(s);
}

/* SPDX-License-Identifier: MIT
 *
 * Reads a conversation again from the octets that passed: the client's commands in their order, the relay's replies in
 * theirs, and which answers which. It knows nothing of either's state.
 */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

enum { REPLIES_MAX = 2048 };

struct reply {
    unsigned code;
    const char *text;
    size_t len;
};

struct reader {
    struct judged *j;
    struct reply replies[REPLIES_MAX];
    size_t reply_count, due;           /* number of the next command's reply */
    bool in_tls, in_text, login, mail; /* mail: MAIL was accepted */
    bool records;                      /* STARTTLS was answered by 220: TLS begins, whether or not the relay sees it */
    size_t chunk;
    bool chunk_last;
    char line[2048];
    size_t len;
};

/* A reply ends with the first line that has no "-" behind its code. */
static void read_replies(struct reader *to, const char *said, size_t len)
{
    size_t start = 0, line = 0;

    for (size_t at = 0; at < len && to->reply_count < REPLIES_MAX; at++) {
        if (said[at] != '\n') {
            continue;
        }
        if (at - line < 4 || said[line + 3] != '-') {
            char code[4] = {0};

            memcpy(code, said + line, at - line < 3 ? at - line : 3);
            to->replies[to->reply_count++] = (struct reply){(unsigned)atoi(code), said + start, at + 1 - start};
            start = at + 1;
        }
        line = at + 1;
    }
}

static const struct reply *next_reply(struct reader *r)
{
    static const struct reply none;
    size_t n = r->due++;

    return n < r->reply_count ? &r->replies[n] : &none;
}

static bool is(const char *line, const char *command)
{
    return strncmp(line, command, strlen(command)) == 0;
}

static bool offers_starttls(const struct reply *reply)
{
    static const char word[] = "STARTTLS";

    for (size_t at = 0; reply->code == 250 && at + 4 + 8 < reply->len; at++) {
        size_t n = 0;

        if (at != 0 && reply->text[at - 1] != '\n') {
            continue;
        }
        while (n < 8 && (reply->text[at + 4 + n] & ~32) == word[n]) {
            n++;
        }
        if (n == 8 && (uint8_t)reply->text[at + 12] <= ' ') {
            return true;
        }
    }
    return false;
}

static void end(struct reader *r)
{
    r->j->end = true;
    r->j->end_code = next_reply(r)->code;
}

static void command(struct reader *r, const char *line)
{
    struct judged *j = r->j;
    const struct reply *reply;

    j->foreign_in_clear |=
        !r->in_tls && !is(line, "EHLO ") && !is(line, "HELO ") && !is(line, "STARTTLS\r") && !is(line, "QUIT\r");
    if (is(line, "BDAT ")) {
        r->chunk = (size_t)strtoul(line + 5, NULL, 10);
        r->chunk_last = strstr(line, "LAST") != NULL;
        if (r->chunk == 0 && r->chunk_last) {
            end(r);
        } else if (r->chunk == 0) {
            next_reply(r);
        }
        return;
    }
    reply = next_reply(r);
    if (is(line, "EHLO ")) {
        j->starttls_offered |= !r->in_tls && offers_starttls(reply);
    } else if (is(line, "STARTTLS\r")) {
        r->records = reply->code == 220;
    } else if (is(line, "MAIL FROM")) {
        j->mail_in_clear |= !r->in_tls;
        j->mail_in_tls |= r->in_tls;
        r->mail = reply->code / 100 == 2;
    } else if (is(line, "RCPT TO") && j->rcpts < RCPTS_MAX) {
        j->rcpt_code[j->rcpts++] = reply->code;
        j->accepted += r->mail && reply->code / 100 == 2;
    } else if (is(line, "DATA\r")) {
        r->in_text = reply->code / 100 == 3;
    } else if (is(line, "AUTH ")) {
        r->login = reply->code == 334;
    }
}

static void line(struct reader *r)
{
    if (r->in_text) {
        if (strcmp(r->line, ".\r\n") == 0) {
            r->in_text = false;
            end(r);
        }
    } else if (r->login) {
        r->login = next_reply(r)->code == 334;
    } else {
        command(r, r->line);
    }
}

static void hear(struct reader *r, const uint8_t *octets, size_t len)
{
    for (; len != 0; len--, octets++) {
        if (r->records && !r->in_tls && r->len == 0 && (*octets == 21 || *octets == 22)) {
            return; /* an alert, or a handshake */
        }
        if (r->chunk != 0) {
            if (--r->chunk == 0 && r->chunk_last) {
                end(r);
            } else if (r->chunk == 0) {
                next_reply(r);
            }
            continue;
        }
        if (r->len + 1 < sizeof r->line) {
            r->line[r->len++] = (char)*octets;
        }
        if (*octets == '\n') {
            r->line[r->len] = 0;
            r->len = 0;
            line(r);
        }
    }
}

void judge(struct judged *j, const struct relay *relay)
{
    static struct reader r;

    memset(j, 0, sizeof *j);
    r.j = j;
    r.reply_count = 0;
    r.due = 1; /* behind the greeting */
    r.in_tls = relay->implicit;
    r.in_text = r.login = r.mail = r.chunk_last = r.records = false;
    r.chunk = r.len = 0;
    read_replies(&r, (const char *)relay->said, relay->said_len);
    hear(&r, relay->heard[0], relay->heard_len[0]);
    r.in_tls = true;
    hear(&r, relay->heard[1], relay->heard_len[1]);
}

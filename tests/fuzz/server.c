/* SPDX-License-Identifier: MIT
 *
 * What the server of a script says: replies that fit, replies that do not, and replies without end.
 */
#include "fuzz.h"
#include "server.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const canned[] = {
    "250 ok\r\n",
    "220 go\r\n",
    "354 go\r\n",
    "334 \r\n",
    "421 x\r\n",
    "250-PIPELINING\r\n250 CHUNKING\r\n",
    "250\r\n",
    "250\n",
    "250-\n250 \n",
    "550 5.7.1 no\r\n",
    "451 4.3.0 later\r\n",
    "530 5.7.0 Must issue a STARTTLS command first\r\n",
    "250-a\r\n251 b\r\n",
    "250-x\r\n250-STARTTLS\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250 SIZE\r\n",
    "250-x\r\n250-XFOO PIPELINING CHUNKING\r\n250-SIZE 1000 5 x 1\r\n250 AUTH=OAUTHBEARER PLAIN\r\n",
    "250-x\r\n250-size 100000\r\n250-8bitmime \r\n250-smtputf8\t1\r\n250-auth plain\r\n250 Pipelining\r\n",
    "250-x\r\n250-SIZE=99999999999\r\n250- CHUNKING\r\n250 AUTH XOAUTH2\n",
    "25a no\r\n",
    "600 no\r\n",
    "2500 no\r\n",
    "199 no\r\n",
    "250-2.1.0 a\r\n250 2.1.5.6 b\r\n",
    "550 5.1000.1 \033[31mred\a \xe2\x82\xac\r\n",
    "450 4.70.\r\n",
    "334 UGFzc3dvcmQ6\r\n",
    "235 2.7.0 in\r\n",
    "535 5.7.8 out\r\n",
    "\r\n",
    "\n",
    "2",
    "25",
    "250-",
    "250 ok\r",
    "250 ok\r\n250 ok\r\n250 ok\r\n",
    "220 go\r\n250 injected\r\n",
    "250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n",
    "504 5.5.4 no\r\n",
    "501 x\r\n",
    "503 x\r\n",
    "252 perhaps\r\n",
    "300 x\r\n",
    "221 2.0.0 bye\r\n",
    "552 5.5.3 too many\r\n",
    "505 5.7.1 no\r\n",
    "454 4.7.0 later\r\n",
    "500 what?\r\n",
    "502 5.5.1 not here\r\n",
};

void say(struct speech *out, const char *text)
{
    size_t len = strlen(text);

    require(out->len + len <= sizeof out->octets, "harness: the server says too much");
    memcpy(out->octets + out->len, text, len);
    out->len += len;
}

/* An EHLO reply: which keywords, and how they are written. */
void say_offers(struct speech *out, unsigned offers, unsigned style)
{
    static const char *const sizes[] = {
        "SIZE",    "SIZE 7\r\n250-SIZE 900", "SIZE 10000000", "SIZE 2000", "SIZE 1", "size=5000",
        "SIZE -1", "SIZE 99999999999"};
    static const char *const auths[] = {
        "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER",
        "AUTH LOGIN XOAUTH2",
        "AUTH=PLAIN OAUTHBEARER",
        "auth cram-md5 login plain",
    };
    static const char *const words[] = {"STARTTLS", "PIPELINING", "CHUNKING", NULL,
                                        "8BITMIME", "SMTPUTF8",   NULL,       "ENHANCEDSTATUSCODES"};

    say(out, "250-relay greets you");
    for (unsigned i = 0; i < 8; i++) {
        if ((offers >> i & 1) != 0) {
            say(out, "\r\n250-");
            say(out, i == 3 ? sizes[style & 7] : i == 6 ? auths[style >> 3 & 3] : words[i]);
        }
    }
    say(out, (style & 32) != 0 ? "\n250 HELP\n" : "\r\n250 HELP STARTTLS\r\n");
}

/* The mood: bits 0..3 refuse recipients, 4 and 5 MAIL, DATA or the end of the mail, 6 and 7 say how. */
static const char *refusal(const struct model *m, unsigned which)
{
    static const char *const how[] = {"450 4.2.1 later\r\n", "550-5.1.1 no such\r\n550 5.1.1 user\r\n",
                                      "530 5.7.0 Must issue a STARTTLS command first\r\n", "421 4.3.2 bye\r\n"};
    unsigned mood = m->scene->mood, step = mood >> 4 & 3;
    enum kind kind = m->due[which];
    bool refuse = (kind == K_RCPT && (mood >> m->due_rcpt[which] & 1) != 0) || (kind == K_MAIL && step == 1) ||
                  (kind == K_DATA && step == 2) || (kind == K_END && step == 3);

    return refuse ? how[mood >> 6] : NULL;
}

void say_fitting(struct speech *out, const struct model *m, unsigned which)
{
    const struct scene *s = m->scene;
    const char *no;

    if (which == m->due_count) {
        say(out, "221 2.0.0 bye\r\n");
        return;
    }
    no = refusal(m, which);
    if (no != NULL) {
        say(out, no);
        return;
    }
    switch (m->due[which]) {
    case K_GREETING: say(out, "220 relay ready\r\n"); break;
    case K_EHLO:
        if (s->style[m->secured] >= 192) {
            say(out, "502 5.5.1 EHLO is too new\r\n");
            break;
        }
        say_offers(out, s->offers[m->secured], s->style[m->secured]);
        break;
    case K_STARTTLS: say(out, "220 2.0.0 go\r\n"); break;
    case K_AUTH: say(out, m->auth_at < m->auth_lines ? "334 VXNlciBOYW1lAA==\r\n" : "235 2.7.0 in\r\n"); break;
    case K_DATA: say(out, "354 go\r\n"); break;
    case K_END: say(out, "250 2.0.0 taken\r\n"); break;
    default: say(out, "250 2.1.0 ok\r\n"); break;
    }
}

void say_canned(struct speech *out, unsigned which)
{
    say(out, canned[which % COUNT(canned)]);
}

void say_code(struct speech *out, unsigned which, unsigned style)
{
    static const unsigned codes[] = {250, 421, 450, 550, 530, 554, 334, 354, 220, 235, 251, 300, 299, 535, 500, 452,
                                     221, 552, 501, 502, 503, 504, 505, 454, 221, 552, 503, 553, 334, 421, 354, 250};
    static const char *const tails[] = {" ok\r\n", "\r\n", "\n", " 5.1.1 x\r\n", " 4.7.12\r\n", " 2.0.0 y\n"};
    char line[64];
    unsigned code = which < 128 ? codes[which & 31] : 200 + (which - 128) * 400 / 128;

    if (style >= 12) {
        snprintf(line, sizeof line, "%u-4.1.2 first\r\n", code);
        say(out, line);
    }
    snprintf(line, sizeof line, "%u%s", code, tails[style % COUNT(tails)]);
    say(out, line);
}

/* Around the limits of a reply: 128 lines, 16384 octets. */
void say_long(struct speech *out, unsigned code, unsigned which)
{
    static const struct {
        unsigned lines, len;
    } shapes[] = {{1, 16384}, {1, 16385}, {128, 30}, {129, 30}, {4, 4096}, {5, 3277}, {127, 129}, {128, 128}};
    unsigned lines = shapes[which & 7].lines, len = shapes[which & 7].len;

    while (lines-- != 0) {
        char start[8];

        snprintf(start, sizeof start, "%u%c", code, lines != 0 ? '-' : ' ');
        say(out, start);
        require(out->len + len <= sizeof out->octets, "harness: the server says too much");
        memset(out->octets + out->len, (which & 8) != 0 ? ' ' : '.', len - 6);
        out->len += len - 6;
        say(out, "\r\n");
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Reads transcripts: the format, and nothing about SMTP.
 */
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_SIZE = 2 << 20, LINE_MAX_OCTETS = 4096 };

static char pool[POOL_SIZE]; /* all strings and octets; lives as long as the program */
static size_t pool_len;
static const char *path_now;
static unsigned line_now;

static void malformed(const char *why)
{
    fprintf(stderr, "%s:%u: %s\n", path_now, line_now, why);
    exit(2);
}

static void put(uint8_t c)
{
    if (pool_len == POOL_SIZE) {
        malformed("no room for more transcripts");
    }
    pool[pool_len++] = (char)c;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static uint8_t meaning(enum script_words words, const char *name)
{
    int value = script_word(words, name);

    if (value < 0) {
        malformed("unknown word");
    }
    return (uint8_t)value;
}

/* The rest of line behind word and a space or the line's end, or NULL. */
static const char *after(const char *line, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(line, word, n) != 0 || (line[n] != 0 && line[n] != ' ')) {
        return NULL;
    }
    return line[n] == 0 ? line + n : line + n + 1;
}

static uint32_t number(const char *s, char **rest)
{
    unsigned long n = strtoul(s, rest, 10);

    if (*rest == s || n > 100000000) {
        malformed("a number is missing");
    }
    return (uint32_t)n;
}

/* ---- Octets ------------------------------------------------------------------------------------------------------ */

static uint8_t hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == 0 ? NULL : strchr(digits, c);

    if (at == NULL) {
        malformed("\\x takes two hexadecimal digits, a to f in lower case");
        return 0;
    }
    return (uint8_t)(at - digits);
}

/* Puts what an escape stands for; returns what follows it. s is behind the backslash. */
static const char *escape(const char *s)
{
    char *rest;

    switch (*s) {
    case 'r': put('\r'); return s + 1;
    case 'n': put('\n'); return s + 1;
    case 't': put('\t'); return s + 1;
    case '\\': put('\\'); return s + 1;
    case 'x': put((uint8_t)(hex(s[1]) << 4 | hex(s[2]))); return s + 3;
    case '{': break;
    default: malformed("unknown escape");
    }
    if (s[1] == 0 || s[2] != '*') {
        malformed("\\{c*N} is N times c");
    }
    for (uint32_t n = number(s + 3, &rest); n != 0; n--) {
        put((uint8_t)s[1]);
    }
    if (*rest != '}') {
        malformed("\\{c*N} is N times c");
    }
    return rest + 1;
}

/* Puts the octets of s; false when a backslash at the end says that the line has no CR LF. */
static bool octets(const char *s)
{
    while (*s != 0) {
        if (*s != '\\') {
            put((uint8_t)*s++);
        } else if (s[1] == 0) {
            return false;
        } else {
            s = escape(s + 1);
        }
    }
    return true;
}

static void line_octets(const char *s)
{
    if (octets(s)) {
        put('\r');
        put('\n');
    }
}

/* s up to the character until (0: all of it) as a string. */
static const char *string(const char *s, char until)
{
    const char *start = pool + pool_len;
    char copy[LINE_MAX_OCTETS];
    size_t n = 0;

    for (; s[n] != 0 && s[n] != until; n++) {
        copy[n] = s[n];
    }
    copy[n] = 0;
    octets(copy);
    put(0);
    return start;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static struct script_event *event(struct script *s, uint8_t kind)
{
    struct script_event *e = &s->events[s->event_count];

    if (s->event_count++ == SCRIPT_EVENTS) {
        malformed("too many turns");
    }
    e->kind = kind;
    e->line = line_now;
    return e;
}

/* "S: ..." or "C x3: ...": joins the run of its side. */
static void said(struct script *s, uint8_t kind, const char *rest)
{
    struct script_event *e = s->event_count != 0 ? &s->events[s->event_count - 1] : NULL;
    uint32_t times = 1;
    char *colon = NULL;

    if (*rest == ' ') {
        times = number(rest + 2, &colon);
        rest = colon;
    }
    if (*rest != ':') {
        malformed("S: or C: or S xN: or C xN:");
    }
    rest += rest[1] == ' ' ? 2 : 1;
    if (e == NULL || e->kind != kind || e->partial) {
        e = event(s, kind);
        e->data = (const uint8_t *)pool + pool_len;
    }
    while (times-- != 0) {
        line_octets(rest);
    }
    e->len = (size_t)((const uint8_t *)pool + pool_len - e->data);
}

/* "-- TLS --" and the like. */
static void happened(struct script *s, const char *what)
{
    char *unit;

    if (strcmp(what, "quit --") == 0) {
        event(s, EVENT_QUIT);
        s->keep = true;
        return;
    }
    if (strcmp(what, "TLS --") == 0) {
        event(s, EVENT_TLS);
    } else if (strcmp(what, "commit --") == 0) {
        event(s, EVENT_COMMIT);
    } else if (strcmp(what, "close --") == 0) {
        event(s, EVENT_CLOSE);
    } else if (strcmp(what, "interrupted --") == 0) {
        if (s->event_count == 0 || s->events[s->event_count - 1].kind != EVENT_CLIENT) {
            malformed("only the client can be interrupted");
        }
        s->events[s->event_count - 1].partial = true;
    } else {
        uint32_t n = number(what, &unit);

        event(s, EVENT_TIME)->ms = strcmp(unit, " ms --") == 0 ? n : n * 1000;
        if (strcmp(unit, " ms --") != 0 && strcmp(unit, " s --") != 0) {
            malformed("unknown event");
        }
        s->timed = true;
    }
}

/* "=> mail VERDICT CAUSE STEP CODE [ENHANCED] [| TEXT]" */
static void expected(struct script *s, const char *line, unsigned *rcpts)
{
    char who[8], verdict[16], cause[32], step[16];
    unsigned code = 0, class = 0, subject = 0, detail = 0;
    int n = 0;
    struct script_outcome o = {{0}, NULL};
    const char *text = strstr(line, " | ");

    if (sscanf(line, "%7s %15s %31s %15s %u%n", who, verdict, cause, step, &code, &n) != 5) {
        malformed("=> mail VERDICT CAUSE STEP CODE");
    }
    sscanf(line + n, " %u.%u.%u", &class, &subject, &detail);
    o.result.verdict = meaning(WORDS_VERDICT, verdict);
    o.result.cause = meaning(WORDS_CAUSE, cause);
    o.result.step = meaning(WORDS_STEP, step);
    o.result.code = (uint16_t)code;
    o.result.subject = (uint16_t)subject;
    o.result.detail = (uint16_t)detail;
    o.text = text == NULL ? NULL : string(text + 3, 0);
    if (strcmp(who, "rcpt") == 0) {
        if (*rcpts == s->rcpt_count) {
            malformed("no such recipient");
        }
        s->rcpt[(*rcpts)++] = o;
        return;
    }
    s->mail = o;
    o.text = NULL;
    for (; strcmp(who, "all") == 0 && *rcpts < s->rcpt_count; ++*rcpts) {
        s->rcpt[*rcpts] = o;
    }
}

static void recipient(struct script *s, const char *address, bool had)
{
    if (s->rcpt_count == SCRIPT_RCPTS) {
        malformed("too many recipients");
    }
    s->had[s->rcpt_count] = had;
    s->rcpts[s->rcpt_count++] = string(address, 0);
}

static void text_line(struct script *s, const char *rest)
{
    uint32_t times = 1;
    char *end;

    if (s->text == NULL) {
        s->text = (const uint8_t *)pool + pool_len;
    }
    if (*rest == 'x' && rest[1] >= '0' && rest[1] <= '9') {
        times = number(rest + 1, &end);
        rest = *end == ' ' ? end + 1 : end;
    }
    while (times-- != 0) {
        line_octets(rest);
    }
    s->text_len = (size_t)((const uint8_t *)pool + pool_len - s->text);
}

static void login(struct script *s, const char *rest, bool token)
{
    const char *secret = strchr(rest, ' ');

    if (secret == NULL) {
        malformed("login USER PASSWORD, token USER TOKEN");
        return;
    }
    s->login.user = string(rest, ' ');
    secret = string(secret + 1, 0);
    if (token) {
        s->login.token = secret;
    } else {
        s->login.password = secret;
    }
}

static void configured(struct script *s, const char *line)
{
    const char *rest;

    if ((rest = after(line, "text")) != NULL) {
        text_line(s, rest);
    } else if ((rest = after(line, "rcpt")) != NULL) {
        recipient(s, rest, false);
    } else if ((rest = after(line, "had")) != NULL) {
        recipient(s, rest, true);
    } else if ((rest = after(line, "from")) != NULL) {
        s->from = string(rest, 0);
    } else if ((rest = after(line, "helo")) != NULL) {
        s->helo = string(rest, 0);
    } else if ((rest = after(line, "login")) != NULL) {
        login(s, rest, false);
    } else if ((rest = after(line, "token")) != NULL) {
        login(s, rest, true);
    } else if ((rest = after(line, "tls")) != NULL) {
        s->tls = meaning(WORDS_TLS, rest);
    } else if (strcmp(line, "trust required") == 0) {
        s->opportunistic = false;
    } else if (strcmp(line, "no text") == 0) {
        s->text = (const uint8_t *)pool + pool_len;
    } else if (strcmp(line, "hold") == 0) {
        s->hold = true;
    } else if (strcmp(line, "plain") == 0) {
        s->plain = true;
    } else if (strcmp(line, "only engine") == 0) {
        s->only_engine = true;
    } else if (strcmp(line, "only clear") == 0) {
        s->only_clear = true;
    } else if (strcmp(line, "glued") == 0) {
        s->glued = true;
    } else {
        malformed("unknown line");
    }
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

static void finish(struct script *s, unsigned rcpts)
{
    static const char text[] = "Subject: hello\r\n\r\nHello.\r\n";

    if (s->rcpt_count == 0) {
        s->rcpts[s->rcpt_count++] = "bob@example.org";
        s->rcpt[0] = s->mail;
        s->rcpt[0].text = NULL;
    } else if (rcpts != s->rcpt_count) {
        malformed("each recipient takes one line of =>, in their order");
    }
    if (s->text == NULL) {
        s->text = (const uint8_t *)text;
        s->text_len = sizeof text - 1;
    }
    if (s->login.user != NULL) {
        s->opportunistic = false;
    }
    script_understand(s);
}

/* Another mail on the connection of the one before: what is not said is as before, but for recipients and text. */
static struct script *next_mail(struct script *s, struct script *next)
{
    *next = (struct script){.file = s->file,
                            .title = s->title,
                            .line = line_now,
                            .tls = s->tls,
                            .opportunistic = s->opportunistic,
                            .hold = s->hold,
                            .plain = s->plain,
                            .only_engine = s->only_engine,
                            .only_clear = s->only_clear,
                            .helo = s->helo,
                            .from = s->from,
                            .login = s->login,
                            .again = true};
    s->then = next;
    return next;
}

size_t script_load(const char *path, struct script *scripts, size_t cap)
{
    FILE *file = fopen(path, "r");
    char line[LINE_MAX_OCTETS];
    size_t count = 0;
    unsigned rcpts = 0;
    struct script *s = NULL;

    path_now = path;
    line_now = 0;
    if (file == NULL) {
        malformed("cannot be read");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line_now++;
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "== ", 3) == 0) {
            if (s != NULL) {
                finish(s, rcpts);
            }
            if (count == cap) {
                malformed("too many transcripts");
            }
            s = &scripts[count++];
            *s = (struct script){0};
            s->file = path;
            s->title = string(line + 3, 0);
            s->line = line_now;
            s->tls = MOTE_TLS_CLEAR;
            s->opportunistic = true;
            s->helo = "mote.example.com";
            s->from = "ann@example.com";
            rcpts = 0;
        } else if (*line == 0 || *line == '#') {
            continue;
        } else if (s == NULL) {
            malformed("a transcript begins with ==");
        } else if (strcmp(line, "=> suspect") == 0) {
            s->suspect = true;
        } else if (strncmp(line, "=> ", 3) == 0) {
            expected(s, line + 3, &rcpts);
        } else if (strcmp(line, "-- next --") == 0) {
            finish(s, rcpts);
            if (count == cap) {
                malformed("too many transcripts");
            }
            s = next_mail(s, &scripts[count++]);
            rcpts = 0;
        } else if (strncmp(line, "-- ", 3) == 0) {
            happened(s, line + 3);
        } else if ((*line == 'S' || *line == 'C') && (line[1] == ':' || line[1] == ' ')) {
            said(s, *line == 'S' ? EVENT_SERVER : EVENT_CLIENT, line + 1);
        } else {
            configured(s, line);
        }
    }
    if (s != NULL) {
        finish(s, rcpts);
    }
    fclose(file);
    return count;
}

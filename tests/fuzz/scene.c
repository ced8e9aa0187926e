/* SPDX-License-Identifier: MIT
 *
 * Draws the arguments of a conversation from the input: good ones mostly, now and then wrong ones. Every string and
 * every buffer is an allocation of just its size, so that AddressSanitizer sees an octet too far.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { UNTOUCHED = 0x7f };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void *own(struct scene *s, size_t size)
{
    void *p = malloc(size + (size == 0));

    require(p != NULL && s->owned_count < COUNT(s->owned), "harness: no memory");
    s->owned[s->owned_count++] = p;
    return p;
}

static char *own_string(struct scene *s, const char *from, size_t len)
{
    char *p = own(s, len + 1);

    memcpy(p, from, len);
    p[len] = 0;
    return p;
}

/* A string as it stands in the input. */
static char *raw_string(struct scene *s, struct input *in, size_t len)
{
    char text[256];

    for (size_t i = 0; i < len; i++) {
        text[i] = (char)draw(in);
    }
    return own_string(s, text, len);
}

/* One of the list or, one behind it, a raw string or the list's first with one octet changed. */
static char *pick(struct scene *s, struct input *in, const char *const *list, size_t count, unsigned which)
{
    char *p;
    unsigned b;

    which %= (unsigned)count + 1;
    if (which < count) {
        return list[which] == NULL ? NULL : own_string(s, list[which], strlen(list[which]));
    }
    b = draw(in);
    if (b >= 128) {
        return raw_string(s, in, b - 128);
    }
    p = own_string(s, list[0], strlen(list[0]));
    p[b % (strlen(p) + 1)] = (char)draw(in);
    p[strlen(list[0])] = 0;
    return p;
}

#define TEN   "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static const char *const addresses[] = {
    "ada@example.com",
    "b@[192.0.2.7]",
    "\"a\\\"@b..\"@[IPv6:2001:db8::7]",
    "j\xc3\xb6rg@example.org",
    SIXTY "abcd@" SIXTY "." SIXTY "." SIXTY ".ab",
    "first.last+tag@b\xc3\xbc.example",
    "nobody",
};
static const char *const senders[] = {
    "mote@example.com", "", "s@x", "\xc3\xbc@example.com", SIXTY "abcd@" SIXTY "." SIXTY "." SIXTY ".ab", NULL, "x@",
};
static const char *const helos[] = {
    "mote.example.com", "m", "[192.0.2.1]", "[IPv6:2001:db8::1]", "localhosted", "localhost", NULL,
};

/* A string of len octets around a pattern nothing else contains. */
static char *filled(struct scene *s, const char *pattern, size_t len)
{
    char *p = own(s, len + 1);
    size_t n = strlen(pattern);

    for (size_t i = 0; i < len; i++) {
        p[i] = pattern[i % n];
    }
    p[len] = 0;
    return p;
}

static void draw_login(struct scene *s, struct input *in, unsigned b)
{
    static const uint16_t user_lens[] = {9, 0, 1, 2, 40, 255, 500, 3};
    static const uint16_t secret_lens[] = {16, 17, 18, 1, 300, 340, 900, 0};
    struct mote_login *login = &s->setup.login;
    unsigned lens = draw(in);
    unsigned len = secret_lens[lens >> 3 & 7];
    char *user = filled(s, "User=Zed;", user_lens[lens & 7]);
    char *secret = filled(s,
                          "SeCrEt#Q9z\xff"
                          "w&k~7^",
                          len == 340 ? len + draw(in) % 32 : len);

    login->user = user;
    if ((b & 7) == 7) { /* something is wrong with it */
        if ((lens & 64) != 0) {
            login->user = NULL;
        } else if ((lens & 128) != 0) {
            login->token = login->password = secret;
        } else {
            login->user = raw_string(s, in, draw(in) % 16);
            login->token = raw_string(s, in, draw(in) % 16);
        }
    } else if ((b & 7) > 4) {
        login->token = secret;
    } else {
        login->password = secret;
    }
    if ((b & 128) == 0) {
        s->setup.opportunistic = false;
        s->setup.tls = s->setup.tls == MOTE_TLS_CLEAR ? MOTE_TLS_STARTTLS : s->setup.tls;
    }
}

static void draw_setup(struct scene *s, struct input *in)
{
    unsigned b = draw(in), login = draw(in);

    s->setup = (struct mote_engine_setup){0};
    s->setup.tls = (uint8_t)((b & 15) == 15 ? 7 : b % 4 == 3 ? MOTE_TLS_IMPLICIT : b % 4 == 2 ? MOTE_TLS_CLEAR : 0);
    s->setup.opportunistic = (b & 16) != 0 || (s->setup.tls == MOTE_TLS_CLEAR && (b & 64) != 0);
    s->setup.hold = (b & 32) != 0;
    s->setup.plain = (login & 96) == 96;
    s->several = s->setup.keep = (b & 128) != 0 && (login & 24) == 16;
    if ((login & 7) > 2) {
        draw_login(s, in, login);
    }
    b = draw(in);
    s->setup.helo = pick(s, in, helos, COUNT(helos), (b & 8) != 0 ? b >> 4 : 0);
}

/* A buffer for reply text, often an odd one. */
static char *text_buffer(struct scene *s, unsigned which, uint16_t *cap)
{
    static const uint16_t caps[] = {0, 80, 0, 1, 2, 3, 17, 600};
    char *p = own(s, caps[which & 7]);

    *cap = caps[which & 7];
    memset(p, UNTOUCHED, *cap);
    return (which & 7) == 0 ? NULL : p;
}

/* A result the mail comes with. */
static void had_result(struct scene *s, unsigned rcpt, unsigned had, bool deferred)
{
    struct mote_result *result = &s->rcpts[rcpt].result;

    if (had > 1) {
        result->verdict = had == 2 ? MOTE_DELIVERED : deferred ? MOTE_DEFERRED : MOTE_FAILED;
        result->cause = (uint8_t)(had == 2 ? MOTE_CAUSE_NONE : MOTE_CAUSE_REFUSED);
        result->code = 250;
    }
    s->before[rcpt] = *result;
}

static void own_rcpts(struct scene *s)
{
    s->rcpts = own(s, RCPTS_MAX * sizeof *s->rcpts);
    memset(s->rcpts, 0, RCPTS_MAX * sizeof *s->rcpts);
}

static void draw_envelope(struct scene *s, struct input *in)
{
    unsigned count = draw(in), final = draw(in), who = draw(in), texts = draw(in);

    s->mail = (struct mote_mail){0};
    own_rcpts(s);
    s->mail.rcpts = count >= 252 ? NULL : s->rcpts;
    s->mail.rcpt_count = (uint16_t)(count >= 252 ? 0 : 1 + count % RCPTS_MAX);
    s->mail.from = pick(s, in, senders, COUNT(senders), who & 7);
    s->mail.reply_text = text_buffer(s, texts & 7, &s->mail.reply_text_cap);
    for (unsigned i = 0; i < s->mail.rcpt_count; i++) {
        struct mote_rcpt *rcpt = &s->rcpts[i];

        rcpt->address = pick(s, in, addresses, COUNT(addresses), (who >> 3) / (i + 1));
        rcpt->reply_text = text_buffer(s, texts >> 3 & 7, &rcpt->reply_text_cap);
        had_result(s, i, final >> 2 * i & 3, (count & 64) != 0);
    }
}

/* Each octet drawn becomes one of the text, or a run, or what is hard to send. */
static void draw_text(struct reference *r, struct input *in, unsigned kind)
{
    static const char *const hard[] = {"\r", "\n", "\r\n", ".", "\r\n.", "x", "\xc3\xb6", "\n.\r"};
    size_t count = draw(in);

    r->len = 0;
    while (count-- != 0 && r->len < TEXT_MAX - 1100) {
        uint8_t c = draw(in);

        if (kind == 0) {
            r->text[r->len++] = c;
        } else if (c >= 224) {
            size_t run = c >= 252 ? 2100 / 2 : 970u + c - 224;

            memset(r->text + r->len, kind == 1 ? 'y' : '.', run);
            r->len += run;
        } else {
            const char *part = hard[c & 7];
            size_t len = strlen(part);

            memcpy(r->text + r->len, part, len);
            r->len += len;
        }
    }
}

/* The text when it is sent: almost always what was measured. */
static void change_text(struct scene *s, struct input *in, unsigned kind)
{
    struct reference *r = &s->sent;

    memcpy(r->text, s->measured.text, s->measured.len);
    r->len = s->measured.len;
    s->lie_at = kind == 4 ? draw(in) % (r->len + 1) : SIZE_MAX;
    if (kind == 3 && r->len != 0) {
        r->text[r->len - 1] = draw(in);
        r->text[r->len++] = draw(in);
    } else if (kind == 5 && r->len != 0) {
        r->len--;
    } else if (kind == 6) {
        r->text[r->len++] = draw(in);
    } else if (kind == 7 && r->len != 0) {
        size_t at = draw(in) % r->len;

        r->text[at] = draw(in);
    }
    reference_make(r);
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct scene *s = ctx;
    const struct reference *r = s->read;
    size_t len = cap < s->chunk ? cap : s->chunk;

    require(cap != 0, "D8: the reader is called without room");
    require(offset == s->next || (offset == 0 && s->next == SIZE_MAX), "D8: the reader is called with another offset");
    require(offset <= r->len, "D8: the reader is called behind the end");
    len = len < r->len - offset ? len : r->len - offset;
    if (s->read == &s->sent && len >= s->lie_at - offset) {
        len = s->lie_at - offset;
        if (len == 0) {
            return cap + 1;
        }
    }
    memset(buf, 0xee, cap); /* all of it is the reader's */
    memcpy(buf, r->text + offset, len);
    s->next = offset + len;
    return len;
}

static void measure(struct scene *s)
{
    const struct reference *r = &s->measured;
    uint8_t cause;

    s->read = r;
    s->next = SIZE_MAX;
    cause = mote_mail_measure(&s->mail);
    require((cause == MOTE_CAUSE_TEXT) == r->nul && (r->nul || cause == MOTE_CAUSE_NONE), "D8: a NUL was not measured");
    require(s->mail.size == r->mended_len, "D8: the size measured is not the size on the wire");
    require((s->mail.needs & ~64) == (r->eight_bit ? MOTE_NEEDS_8BITMIME : 0) + (r->nul ? 128 : 0),
            "D8: the needs measured are not the text's");
    s->read = &s->sent;
    s->next = SIZE_MAX;
}

/* How long ago the attempt began. */
static const uint32_t early_s[] = {0, 0, 1, 595, 890, 899, 900, 1000};

void scene_make(struct scene *s, struct input *in)
{
    unsigned text, clock;

    s->owned_count = s->past_count = 0;
    draw_setup(s, in);
    draw_envelope(s, in);
    text = draw(in);
    clock = draw(in);
    for (unsigned i = 0; i < 2; i++) {
        s->offers[i] = draw(in);
        s->style[i] = draw(in);
    }
    s->mood = draw(in);
    draw_text(&s->measured, in, text & 3);
    reference_make(&s->measured);
    change_text(s, in, text >> 2 & 7);
    s->chunk = (text & 32) == 0 ? TEXT_MAX : 1 + (text >> 6) * 3;
    s->mail.read = read_text;
    s->mail.ctx = s;
    measure(s);
    s->start_ms = (clock & 8) != 0 ? 0u - 1000u * clock : clock;
    s->now_ms = s->start_ms + 1000u * early_s[clock >> 5];
}

/* The envelope once more: none of its recipients has been asked, or some have. */
static void same_envelope(struct scene *s, struct input *in)
{
    const struct mote_rcpt *old = s->rcpts;
    unsigned final = draw(in);

    own_rcpts(s);
    for (unsigned i = 0; i < s->mail.rcpt_count; i++) {
        s->rcpts[i].address = old[i].address;
        s->rcpts[i].reply_text = old[i].reply_text;
        s->rcpts[i].reply_text_cap = old[i].reply_text_cap;
        had_result(s, i, final >> 2 * i & 3, false);
    }
    if (s->mail.rcpts != NULL) {
        s->mail.rcpts = s->rcpts;
    }
}

void scene_next(struct scene *s, struct input *in)
{
    unsigned b = draw(in), text;

    s->setup.keep = (b & 1) != 0;
    s->setup.hold = (b & 2) != 0;
    s->setup.plain = (b & 4) != 0;
    s->start_ms = s->now_ms - 1000u * early_s[b >> 5];
    if ((b & 8) == 0) {
        same_envelope(s, in);
    } else {
        draw_envelope(s, in);
        text = draw(in);
        draw_text(&s->measured, in, text & 3);
        reference_make(&s->measured);
        change_text(s, in, text >> 2 & 7);
        s->mail.read = read_text;
        s->mail.ctx = s;
    }
    measure(s);
}

void scene_free(struct scene *s)
{
    while (s->owned_count != 0) {
        free(s->owned[--s->owned_count]);
    }
}

/* A buffer is left alone until there is a reply to keep. */
static void check_text(const char *text, size_t cap)
{
    size_t n = 0;

    if (text == NULL || cap == 0 || text[0] == UNTOUCHED) {
        return;
    }
    while (n < cap && text[n] != 0) {
        require(text[n] >= ' ' && text[n] <= '~', "D6: a reply kept for people has an octet that is not printable");
        n++;
    }
    require(n < cap, "D6: a reply kept for people is not ended by NUL");
}

void scene_check_texts(const struct scene *s)
{
    check_text(s->mail.reply_text, s->mail.reply_text_cap);
    for (unsigned i = 0; i < s->mail.rcpt_count; i++) {
        check_text(s->rcpts[i].reply_text, s->rcpts[i].reply_text_cap);
    }
}

bool scene_text_good(const struct scene *s)
{
    return s->sent.len == s->measured.len && memcmp(s->sent.text, s->measured.text, s->sent.len) == 0 && !s->sent.nul &&
           s->lie_at == SIZE_MAX;
}

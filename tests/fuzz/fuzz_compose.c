/* SPDX-License-Identifier: MIT
 *
 * Fuzz harness of the composer. A message is drawn from the input, good or not; what is read is decoded here (RFC 5322
 * unfolding, RFC 2047, quoted-printable) and must be what was put in, whatever the sizes of the reads.
 */
#include "fuzz.h"
#include "mailmote_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRINGS = 80, OUT_MAX = 1 << 18, ADDRESSES_MAX = 40 };

static char *owned[STRINGS];
static unsigned owned_count;

struct text {
    char octets[OUT_MAX];
    size_t len;
};

static void put(struct text *t, const char *s, size_t len)
{
    require(t->len + len <= sizeof t->octets, "harness: no room");
    if (len != 0) {
        memcpy(t->octets + t->len, s, len);
    }
    t->len += len;
}

static bool same(const struct text *t, const char *s, size_t len)
{
    return t->len == len && memcmp(t->octets, s, len) == 0;
}

/* ---- The message ------------------------------------------------------------------------------------------------- */

/* A string of just its size. */
static char *own(const uint8_t *octets, size_t len)
{
    char *s = malloc(len + 1);

    require(s != NULL && owned_count < STRINGS, "harness: no memory");
    if (len != 0) {
        memcpy(s, octets, len);
    }
    s[len] = 0;
    return owned[owned_count++] = s;
}

static char *draw_string(struct input *in)
{
    static uint8_t octets[4 * 256];
    static const char *const pieces[] = {" ",
                                         "  ",
                                         "=?",
                                         "?=",
                                         "_",
                                         "\xc3\xa4",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x94\xa5",
                                         "=",
                                         "?",
                                         "=?UTF-8?Q?",
                                         "\r\n",
                                         "\t",
                                         "aaaaaaaaaaaaaaaa",
                                         ".",
                                         "From "};
    size_t count = draw(in), len = 0;

    while (count-- != 0 && len + 20 < sizeof octets && in->left != 0) {
        uint8_t c = draw(in);

        if (c >= 0xf0) {
            len += (size_t)sprintf((char *)octets + len, "%s", pieces[c & 15]);
        } else {
            octets[len++] = c;
        }
    }
    return own(octets, len);
}

static const char *draw_address(struct input *in)
{
    static const char *const good[] = {"a@example.test",
                                       "first.last+tag@a-rather-long-name-of-a-host.example.test",
                                       "\"with space\"@example.test",
                                       "\"a\\\"b,c\"@[192.0.2.7]",
                                       "gr\xc3\xbc@example.test",
                                       "a@[IPv6:2001:db8::7]"};
    unsigned which = draw(in);

    return which < 240 ? good[which % 6] : which < 250 ? draw_string(in) : which < 252 ? NULL : "";
}

static const char *addresses[2][ADDRESSES_MAX];

static uint16_t draw_list(struct input *in, const char **list)
{
    unsigned count = draw(in);

    count = count < 240 ? count % 4 : ADDRESSES_MAX;
    for (unsigned i = 0; i < count; i++) {
        list[i] = i < 4 ? draw_address(in) : list[i % 4];
    }
    return (uint16_t)count;
}

static void draw_message(struct mote_message *m, struct input *in)
{
    unsigned flags = draw(in), id = draw(in);

    memset(m, 0, sizeof *m);
    memset(&m->state, 0x55, sizeof m->state);
    m->from = draw_address(in);
    m->to = addresses[0];
    m->to_count = draw_list(in, addresses[0]);
    m->cc = addresses[1];
    m->cc_count = draw_list(in, addresses[1]);
    m->subject = (flags & 1) != 0 ? NULL : draw_string(in);
    m->id = id < 200 ? "unique.4711@device.example.test" : id < 250 ? draw_string(in) : NULL;
    m->unix_s = 0;
    for (unsigned i = 0; (flags & 2) == 0 && i < ((flags & 4) != 0 ? 5u : 4u); i++) {
        m->unix_s = m->unix_s << 8 | draw(in);
    }
    m->text_len = in->left;
    m->text = own(in->at, in->left);
    if ((flags & 8) != 0) {
        m->text_len = 0; /* up to its NUL */
    } else if (in->left != 0) {
        m->text = memmove(malloc(in->left), m->text, in->left); /* without one */
        require(owned_count < STRINGS, "harness: no memory");
        owned[owned_count++] = (char *)(uintptr_t)m->text;
    }
}

/* ---- What must be refused ---------------------------------------------------------------------------------------- */

static bool addresses_good(const char *const *list, size_t count)
{
    while (count-- != 0) {
        if (list[count] == NULL || !mote_address_valid(list[count])) {
            return false;
        }
    }
    return true;
}

static bool visible(const char *s)
{
    while (*s > ' ' && *s < 127 && *s != '<' && *s != '>') {
        s++;
    }
    return *s == 0;
}

static bool id_good(const char *id)
{
    const char *at = id != NULL ? strchr(id, '@') : NULL;

    return at != NULL && at != id && at[1] != 0 && strchr(at + 1, '@') == NULL && strlen(id) <= 250 && visible(id);
}

static bool subject_good(const char *subject)
{
    for (; subject != NULL && *subject != 0; subject++) {
        if ((uint8_t)*subject < ' ' || *subject == 127) {
            return false;
        }
    }
    return true;
}

static uint8_t expect(const struct mote_message *m)
{
    if (!addresses_good(&m->from, 1) || !addresses_good(m->to, m->to_count) || !addresses_good(m->cc, m->cc_count)) {
        return MOTE_CAUSE_ADDRESS;
    }
    if (m->unix_s >> 32 != 0 || !id_good(m->id) || !subject_good(m->subject)) {
        return MOTE_CAUSE_HEADER;
    }
    return m->text_len != 0 && memchr(m->text, 0, m->text_len) != NULL ? MOTE_CAUSE_TEXT : MOTE_CAUSE_NONE;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* All of it; seed says how much at a time, 0 as much as there is. A read that is not the first may begin anew. */
static void read_all(struct text *to, struct mote_message *m, unsigned seed)
{
    size_t n = 1, restart = seed != 0 ? seed % 500 : SIZE_MAX;

    for (to->len = 0; n != 0; to->len += n) {
        size_t cap = seed == 0 ? sizeof to->octets - to->len : 1 + (seed >> 8) % ((seed & 3) == 0 ? 400 : 9);
        char *buf = malloc(cap);

        if (to->len > restart) {
            to->len = 0;
            restart = SIZE_MAX;
        }
        require(buf != NULL && cap != 0, "harness: no memory");
        n = mote_message_read(m, to->len, buf, cap);
        require(n <= cap, "I5: the reader wrote more than it may");
        require(to->len + n < sizeof to->octets, "I6: the message has no end");
        memcpy(to->octets + to->len, buf, n);
        free(buf);
        seed = seed != 0 ? seed * 1103515245 + 12345 : 0;
    }
}

/* ---- Decoding ---------------------------------------------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "=" and two digits. */
static char quoted(const char *at, const char *end)
{
    require(end - at >= 3 && at[0] == '=' && hex(at[1]) >= 0 && hex(at[2]) >= 0, "I7: half an encoded octet");
    return (char)(hex(at[1]) << 4 | hex(at[2]));
}

static void decode_text(struct text *to, const char *at, const char *end)
{
    const char *line = at;

    to->len = 0;
    while (at < end) {
        if (end - at >= 3 && memcmp(at, "=\r\n", 3) == 0) {
            require(at - line <= 75, "I7: a line of the text is over 76 octets");
            line = at += 3;
        } else if (*at == '\r') {
            require(end - at >= 2 && at[1] == '\n' && at - line <= 76, "I7: a line of the text is over 76 octets");
            require(at == line || (at[-1] != ' ' && at[-1] != '\t'), "I7: a space at the end of a line");
            put(to, "\r\n", 2);
            line = at += 2;
        } else if (*at == '=') {
            char c = quoted(at, end);

            put(to, &c, 1);
            at += 3;
        } else {
            require(*at >= ' ' && *at <= '~', "I7: an octet of the text that is not printable");
            put(to, at++, 1);
        }
    }
    require(line == end, "I7: the last line has no end");
}

static void canonical(struct text *to, const char *text, size_t len)
{
    to->len = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' || text[i] == '\n') {
            put(to, "\r\n", 2);
            i += text[i] == '\r' && i + 1 < len && text[i + 1] == '\n';
        } else {
            put(to, text + i, 1);
        }
    }
    if (to->len != 0 && to->octets[to->len - 1] != '\n') {
        put(to, "\r\n", 2);
    }
}

static bool utf8(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint8_t c = (uint8_t)s[i++];
        unsigned more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

        if ((c >= 0x80 && c < 0xc2) || c > 0xf4) {
            return false;
        }
        for (; more != 0; more--, i++) {
            if (i >= len || ((uint8_t)s[i] & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

/* One encoded-word; returns its end. */
static const char *decode_word(struct text *to, const char *at, const char *end, bool whole_characters)
{
    static const char head[] = "=?UTF-8?Q?";
    const char *start = at;
    size_t from = to->len;

    require(end - at > 12 && memcmp(at, head, sizeof head - 1) == 0, "I7: no encoded-word where one belongs");
    for (at += sizeof head - 1; at < end && *at != '?';) {
        char c = *at == '=' ? quoted(at, end) : *at == '_' ? ' ' : *at;

        require(*at > ' ' && *at <= '~', "I7: an octet that no encoded-word may hold");
        at += *at == '=' ? 3 : 1;
        put(to, &c, 1);
    }
    require(end - at >= 2 && at[1] == '=', "I7: an encoded-word without an end");
    require(at + 2 - start <= 75, "I7: an encoded-word over 75 octets");
    require(!whole_characters || utf8(to->octets + from, to->len - from), "I7: half a character in an encoded-word");
    return at + 2;
}

static void decode_words(struct text *to, const struct text *value, bool whole_characters)
{
    const char *at = value->octets, *end = at + value->len;

    to->len = 0;
    if (value->len < 2 || memcmp(at, "=?", 2) != 0) {
        put(to, at, value->len);
        require(!contains((const uint8_t *)at, value->len, "=?", 2), "I7: plain words that look encoded");
        return;
    }
    while (at < end) {
        at = decode_word(to, at, end, whole_characters);
        require(at == end || *at == ' ', "I7: encoded-words without a space between");
        at += at < end;
    }
}

/* ---- The header -------------------------------------------------------------------------------------------------- */

/* The next field, unfolded, must have this name; its value. Returns where the next begins. */
static const char *field(struct text *value, const char *at, const char *end, const char *name)
{
    size_t len = strlen(name);

    require((size_t)(end - at) > len + 2 && memcmp(at, name, len) == 0 && memcmp(at + len, ": ", 2) == 0,
            "I7: another field than the one due");
    value->len = 0;
    for (at += len + 2;; at++) {
        require(end - at >= 2, "I7: a field without an end");
        if (at[0] == '\r' && at[1] == '\n' && (end - at < 3 || at[2] != ' ')) {
            return at + 2;
        }
        if (at[0] == '\r' && at[1] == '\n') {
            require(at[3] != '\r' && at[3] != ' ', "I7: a folded line of spaces");
            at++;
        } else {
            put(value, at, 1);
        }
    }
}

static void require_field(const char **at, const char *end, const char *name, const char *value)
{
    static struct text found;

    *at = field(&found, *at, end, name);
    require(same(&found, value, strlen(value)), "I7: a field that does not say what was put in");
}

/* Likewise where it may be encoded. */
static void require_words(const char **at, const char *end, const char *name, const char *value)
{
    static struct text found, words;

    *at = field(&found, *at, end, name);
    decode_words(&words, &found, utf8(value, strlen(value)));
    require(same(&words, value, strlen(value)), "I7: other words than were put in");
}

static void require_list(const char **at, const char *end, const char *name, const char *const *list, size_t count)
{
    static struct text joined;

    joined.len = 0;
    for (size_t i = 0; i < count; i++) {
        put(&joined, ", ", i == 0 ? 0 : 2);
        put(&joined, list[i], strlen(list[i]));
    }
    put(&joined, "", 1);
    if (count != 0) {
        require_field(at, end, name, joined.octets);
    }
}

static const char *check_header(const struct mote_message *m, const char *at, const char *end)
{
    char date[64], id[300];
    time_t unix_s = (time_t)m->unix_s;

    if (m->unix_s != 0) {
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", gmtime(&unix_s));
        require_field(&at, end, "Date", date);
    }
    require_field(&at, end, "From", m->from);
    require_list(&at, end, "To", m->to, m->to_count);
    require_list(&at, end, "Cc", m->cc, m->cc_count);
    snprintf(id, sizeof id, "<%s>", m->id);
    require_field(&at, end, "Message-ID", id);
    if (m->subject != NULL && *m->subject != 0) {
        require_words(&at, end, "Subject", m->subject);
    }
    require_field(&at, end, "Auto-Submitted", "auto-generated");
    require_field(&at, end, "MIME-Version", "1.0");
    require_field(&at, end, "Content-Type", "text/plain; charset=UTF-8");
    require_field(&at, end, "Content-Transfer-Encoding", "quoted-printable");
    require(end - at >= 2 && memcmp(at, "\r\n", 2) == 0, "I7: no empty line behind the header");
    return at + 2;
}

/* Lines as a whole: ends, lengths, octets. Only what holds an address or the Message-ID may be longer, and only an
 * address 8-bit. */
static void check_lines(const struct text *t)
{
    size_t line = 0;

    for (size_t i = 0; i < t->len; i++) {
        char c = t->octets[i];

        require(c != 0 && (c != '\r' || (i + 1 < t->len && t->octets[i + 1] == '\n')), "I7: a bare CR, or a NUL");
        require(c != '\n' || (i != 0 && t->octets[i - 1] == '\r'), "I7: a bare LF");
        if (c == '\n') {
            bool value = contains((const uint8_t *)t->octets + line, i - line, "@", 1);

            require(i - 1 - line <= (value ? 998 : 78), "I7: a line is too long");
            line = i + 1;
        }
    }
    require(line == t->len, "I7: the last line has no end");
}

static void check_good(struct mote_message *m, const struct text *t)
{
    static struct text found, wanted;
    struct mote_mail mail = {.read = mote_message_read, .ctx = m};
    const char *end = t->octets + t->len, *body;

    check_lines(t);
    body = check_header(m, t->octets, end);
    decode_text(&found, body, end);
    canonical(&wanted, m->text, m->text_len != 0 ? m->text_len : strlen(m->text));
    require(same(&found, wanted.octets, wanted.len), "I7: another text than was put in");
    require(mote_mail_measure(&mail) == MOTE_CAUSE_NONE && mail.size == t->len, "I3: it is measured otherwise");
}

/* ---- Parts and fields ------------------------------------------------------------------------------------------- */

enum { PARTS = 3 };

static struct attachment {
    const uint8_t *octets;
    size_t len, at; /* where the last read ended */
} attachments[PARTS];

/* Each octet is read once, in order, and as many at a time as it likes. */
static size_t read_attachment(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct attachment *a = ctx;
    size_t n = a->len - offset;

    require(cap != 0 && (offset == a->at || offset == 0), "I6: an attachment is read out of order");
    n = n < cap ? n : cap;
    n = n > 40 ? 40 : n;
    memcpy(buf, a->octets + offset, n);
    a->at = offset + n;
    return n;
}

static void draw_parts(struct mote_part *parts, struct input *in)
{
    static const char *const types[] = {"image/jpeg", "a/b; c=\"d e\"", "text/html", "application/x-rather-long-name"};

    for (unsigned i = 0; i < PARTS; i++) {
        unsigned flags = draw(in), len = draw(in) * (flags & 8 ? 1u : 9u);

        len = len < in->left ? len : (unsigned)in->left;
        attachments[i] = (struct attachment){(const uint8_t *)own(in->at, len), len, 0};
        parts[i] =
            (struct mote_part){.type = types[flags & 3], .read = read_attachment, .ctx = &attachments[i], .size = len};
        parts[i].name = (flags & 4) != 0 ? own(in->at, len < 30 ? len : 30) : NULL;
        if ((flags & 16) != 0) {
            parts[i].text = (const char *)attachments[i].octets;
        }
        in->at += len;
        in->left -= len;
    }
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == 0 ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

/* From a header's end to an empty line. */
static void decode_base64(struct text *to, const char *at, const char *end)
{
    to->len = 0;
    while (end - at >= 4 && memcmp(at, "\r\n", 2) != 0) {
        unsigned bits = 0, pad = at[3] != '=' ? 0 : at[2] != '=' ? 1 : 2;
        char octets[3];

        for (unsigned i = 0; i < 4; i++) {
            require(i >= 4 - pad || digit(at[i]) >= 0, "I7: no digit of base64");
            bits = bits << 6 | (i < 4 - pad ? (unsigned)digit(at[i]) : 0);
        }
        for (unsigned i = 0; i < 3; i++) {
            octets[i] = (char)(bits >> (16 - 8 * i));
        }
        put(to, octets, 3 - pad);
        at += 4;
        if (end - at >= 4 && at[0] == '\r') {
            at += 2;
        }
    }
}

static const char *find(const char *at, const char *end, const char *what)
{
    size_t len = strlen(what);

    while (at < end && ((size_t)(end - at) < len || memcmp(at, what, len) != 0)) {
        at++;
    }
    require(at < end, "I7: a part is missing");
    return at + len;
}

/* Behind each header of a part comes what was put in. */
static void check_parts(const struct text *t, const struct mote_part *parts)
{
    static struct text found, wanted;
    const char *at = t->octets, *end = at + t->len;

    at = find(find(at, end, "Content-Type: multipart/mixed"), end, "Content-Type: text/plain");
    for (unsigned i = 0; i < PARTS; i++) {
        const char *type = parts[i].type;

        at = find(find(find(at, end, "\r\n--=_mixed"), end, "Content-Type: "), end, type);
        at = find(at, end, parts[i].text != NULL ? "quoted-printable\r\n" : "base64\r\n");
        at = find(at - 2, end, "\r\n\r\n");
        if (parts[i].text != NULL) {
            decode_text(&found, at, find(at, end, "\r\n--=_mixed") - strlen("\r\n--=_mixed"));
            canonical(&wanted, parts[i].text, strlen(parts[i].text));
        } else {
            decode_base64(&found, at, end);
            wanted.len = 0;
            put(&wanted, (const char *)attachments[i].octets, attachments[i].len);
        }
        require(same(&found, wanted.octets, wanted.len), "I7: another part than was put in");
    }
}

/* The message once more, with parts and fields. */
static void check_extended(struct mote_message *m, struct input *in, unsigned seed)
{
    static struct text first, second;
    struct mote_part parts[PARTS];
    struct mote_field own = {draw(in) < 200 ? "X-Site" : draw_string(in), draw_string(in)};
    struct mote_fields fields = {.name = draw_string(in), .list = &own, .count = 1, .priority = MOTE_PRIORITY_HIGH};
    struct mote_rcpt rcpts[2 * ADDRESSES_MAX];
    struct mote_mail mail;
    const char *at;
    uint8_t cause;

    draw_parts(parts, in);
    mote_message_parts(m, parts, PARTS);
    mote_message_fields(m, &fields);
    cause = mote_message_check(m);
    require((cause == MOTE_CAUSE_NONE) == (mote_message_wrong(m) == NULL),
            "I7: wrong and not refused, or the other way round");
    read_all(&first, m, 0);
    read_all(&second, m, seed);
    require(same(&first, second.octets, second.len), "I3: what is read depends on how");
    if (cause != MOTE_CAUSE_NONE) {
        require(same(&first, "", 1), "I7: something of a message that is refused");
        return;
    }
    for (size_t i = 0; i < first.len; i++) {
        require(first.octets[i] != 0 && (first.octets[i] != '\n' || (i != 0 && first.octets[i - 1] == '\r')),
                "I7: a bare LF, or a NUL");
    }
    at = m->unix_s != 0 ? field(&second, first.octets, first.octets + first.len, "Date") : first.octets;
    require_words(&at, first.octets + first.len, own.name, own.value);
    check_parts(&first, parts);
    require(mote_message_mail(m, &mail, rcpts, 2 * ADDRESSES_MAX) != MOTE_CAUSE_NONE || mail.size >= first.len,
            "I3: it is measured otherwise");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text first, second;
    struct input in = {data, size};
    struct mote_message m;
    unsigned seed = (unsigned)size * 2654435761u | 1;
    uint8_t cause;

    for (size_t i = 0; i < size; i++) {
        seed = (seed * 33 ^ data[i]) | 1;
    }
    draw_message(&m, &in);
    cause = mote_message_check(&m);
    require(cause == expect(&m), "I7: it is refused for another reason, or not");
    read_all(&first, &m, 0);
    read_all(&second, &m, seed);
    require(same(&first, second.octets, second.len), "I3: what is read depends on how");
    if (cause == MOTE_CAUSE_NONE) {
        check_good(&m, &first);
    } else {
        require(same(&first, "", 1), "I7: something of a message that is refused");
    }
    in = (struct input){data, size};
    check_extended(&m, &in, seed);
    while (owned_count != 0) {
        free(owned[--owned_count]);
    }
    return 0;
}

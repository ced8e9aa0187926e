/* SPDX-License-Identifier: MIT
 *
 * Composes a mail while it is read: the header fields (RFC 5322), then the text as quoted-printable
 * (RFC 2045). It writes in steps: a field, an address, an octet of the subject, an octet of the text. A step that does
 * not fit the reader's buffer is made again by the next read, less the octets already given; so nothing is kept but a
 * place in the message, and what is read does not depend on the sizes of the reads.
 *
 * It refuses every message mote_message_check() refuses, so that no value of the caller's can end its own line.
 */
#include "writer.h"

#include <string.h>

enum {
    COLUMN_MAX = 74, /* leaves room for "?=", and "=": lines of 76, encoded-words of 75 */
    ID_MAX = 250
};

const char mote_crlf[] = "\r\n";
static const char top[] = "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
static const char type[] =
    "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";

/* Forms to write octets in: the printable ones that are encoded, NUL, what folds a line. */
static const char form_text[] = "=\0=\r\n";
static const char form_plain[] = "\0\r\n";
static const char form_encoded[] = " =?_\"#$%&'(),.:;<>@[\\]^`{|}~\0?=\r\n =?UTF-8?Q?"; /* RFC 2047 4.2, 5 (3) */
#define ENCODED_WORD (form_encoded + sizeof form_encoded - sizeof "=?UTF-8?Q?")

void mote_put(struct mote_writer *w, unsigned c)
{
    unsigned column = w->next.column + 1u;

    if (w->len < w->cap) {
        w->buf[w->len] = (uint8_t)c;
    }
    w->len++;
    column -= column >> 8; /* it stays at 255 */
    w->next.column = c == '\n' ? 0 : (uint8_t)column;
}

void mote_put_string(struct mote_writer *w, const char *s)
{
    while (*s != 0) {
        mote_put(w, (uint8_t)*s++);
    }
}

static void put_digit(struct mote_writer *w, unsigned v)
{
    mote_put(w, v < 10 ? '0' + v : 'A' - 10 + v);
}

void mote_put_hex(struct mote_writer *w, unsigned c)
{
    put_digit(w, c >> 4);
    put_digit(w, c & 15);
}

/* Divides, and returns what is over. */
static uint32_t split(uint32_t *rest, uint32_t by)
{
    uint32_t all = *rest;

    *rest = all / by;
    return all - *rest * by;
}

/* Weekday, day, month, century and year; day 0 is 1970-01-01. Years begin in March here, so that the leap day is their last. */
static void find_date(uint32_t values[5], uint32_t day)
{
    uint32_t year, month, len;

    values[0] = day % 7;
    day += 671; /* days since 1968-03-01 */
    if (day >= 48212) {
        day++; /* 2100 has no leap day */
    }
    year = (4 * day + 3) / 1461;
    day -= 1461 * year / 4;
    for (month = 0; day >= (len = 30 + (0x6B5u >> month & 1)); month++) { /* 1: 31 days; 0: 30 */
        day -= len;
    }
    year += month < 10 ? 68 : 69;
    values[1] = day + 1;
    values[2] = month + 7;
    values[4] = split(&year, 100);
    values[3] = year + 19;
}

/* RFC 5322 3.3 */
static void put_date(struct mote_writer *w, uint32_t unix_s)
{
    static const char names[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed", "Mar", "Apr", "May",
                                    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"};
    const char *form = "Date: \1, \2 \1 \2\2 \2:\2:\2 +0000\r\n"; /* 1: a name, 2: two digits */
    uint32_t values[8], *value = values, rest = unix_s;

    values[7] = split(&rest, 60);
    values[6] = split(&rest, 60);
    values[5] = split(&rest, 24);
    find_date(values, rest);
    for (; *form != 0; form++) {
        if (*form == 1) {
            mote_put_string(w, names[*value++]);
        } else if (*form == 2) {
            put_digit(w, *value / 10);
            put_digit(w, *value++ % 10);
        } else {
            mote_put(w, (uint8_t)*form);
        }
    }
}

size_t mote_message_list(const struct mote_message *m, unsigned which, const char *const **list)
{
    switch (which) {
    case MOTE_WRONG_FROM: *list = &m->from; return 1;
    case MOTE_WRONG_TO: *list = m->to; return m->to_count;
    case MOTE_WRONG_CC: *list = m->cc; return m->cc_count;
    case MOTE_WRONG_BCC: *list = m->bcc; return m->bcc_count;
    default: *list = &m->id; return 1;
    }
}

/* The next value of a field, one to a line. This and the steps below return true when their part is complete. */
static bool put_list(struct mote_writer *w)
{
    static const char *const names[] = {"From: ", "\r\nTo: ", "\r\nCc: ", "", "\r\nMessage-ID: <"};
    const char *const *list;
    unsigned which = w->next.step - (unsigned)MOTE_AT_FROM;
    size_t i = w->next.at++;

    if (i == mote_message_list(w->message, which, &list)) {
        return true;
    }
    mote_put_string(w, i == 0 ? names[which] : ",\r\n ");
    mote_put_string(w, list[i]);
    return false;
}

/* The next octet of the subject or the text. A line is folded before a word, or an encoded character of UTF-8, that
 * does not fit. A space with no word after it is encoded, as it may stand at the end of a line; so is TAB, anywhere. */
static bool put_octet(struct mote_writer *w, const char *s, size_t len, const char *form)
{
    size_t at = w->next.at++;
    unsigned c = at < len ? (uint8_t)s[at] : 0;
    unsigned room = c >= 0xC0 ? 12 : 3; /* what the line must have left; 3 is any octet encoded */
    bool encode = c < ' ' || c > 126 || (c == '.' && w->next.column == 0); /* a dot there would be stuffed */

    if (c == 0) {
        return true;
    }
    if (c == '\n' && at > 0 && s[at - 1] == '\r') {
        return false;
    }
    if (c == '\n' || c == '\r') {
        mote_put_string(w, mote_crlf);
        return false;
    }
    if (c == ' ' && *form != ' ') {
        while (++at < len && (uint8_t)s[at] > ' ') {
            room++;
        }
        encode = room == 3;
    }
    for (; *form != 0; form++) {
        if (*form == (char)c) {
            encode = true;
        }
    }
    if (w->next.column + room > COLUMN_MAX && (c == ' ' || form != form_plain)) {
        mote_put_string(w, form + 1);
    }
    if (encode) {
        mote_put(w, '=');
        mote_put_hex(w, c);
    } else {
        mote_put(w, c);
    }
    return false;
}

/* Plain are words of printable ASCII with one space between, that do not look like an encoded-word. */
unsigned mote_value_kind(const char *value, size_t word_max)
{
    unsigned kind = MOTE_VALUE_PLAIN, c;
    size_t word = 0;

    if (value == NULL || *value == 0) {
        return MOTE_VALUE_NONE;
    }
    do {
        c = (uint8_t)*value++;
        if (c == ' ' || c == 0) {
            if (word - 1 >= word_max) {
                kind = MOTE_VALUE_ENCODED;
            }
            word = 0;
        } else if (c < ' ' || c == 127) {
            return MOTE_VALUE_REFUSED;
        } else {
            word++;
            if (c > 127 || (c == '=' && *value == '?')) {
                kind = MOTE_VALUE_ENCODED;
            }
        }
    } while (c != 0);
    return kind;
}

bool mote_put_value(struct mote_writer *w, const char *begin, const char *value)
{
    unsigned kind = w->next.kind;
    const char *form = kind == MOTE_VALUE_PLAIN ? form_plain : form_encoded;

    if (kind == MOTE_VALUE_NONE) {
        return true;
    }
    if (w->next.at == 0) {
        mote_put_string(w, begin);
        if (kind == MOTE_VALUE_ENCODED) {
            mote_put_string(w, ENCODED_WORD);
        }
    }
    if (!put_octet(w, value, SIZE_MAX, form)) {
        return false;
    }
    if (kind == MOTE_VALUE_ENCODED) {
        mote_put_string(w, "?=");
    }
    return true;
}

/* The end of Message-ID, Subject, and the fields that are always the same. */
static bool put_subject(struct mote_writer *w)
{
    const char *subject = w->message->subject;

    if (w->next.at == 0) {
        mote_put(w, '>');
        w->next.kind = (uint8_t)mote_value_kind(subject, MOTE_WORD_MAX);
    }
    if (!mote_put_value(w, "\r\nSubject: ", subject)) {
        return false;
    }
    mote_put_string(w, top);
    return true;
}

bool mote_put_text(struct mote_writer *w, const char *text, size_t len)
{
    if (!put_octet(w, text, len == 0 && text != NULL ? SIZE_MAX : len, form_text)) { /* up to its NUL */
        return false;
    }
    if (w->next.column != 0) {
        mote_put_string(w, mote_crlf);
    }
    return true;
}

static bool put_step(struct mote_writer *w)
{
    const struct mote_message *m = w->message;

    switch (w->next.step) {
    case MOTE_AT_DATE:
        if (m->unix_s != 0) {
            put_date(w, (uint32_t)m->unix_s);
        }
        return true;
    case MOTE_AT_FIELDS: return m->put_fields == NULL || m->put_fields(m, w);
    case MOTE_AT_SUBJECT: return put_subject(w);
    case MOTE_AT_TYPE: mote_put_string(w, type); return true;
    case MOTE_AT_TEXT: return mote_put_text(w, m->text, m->text_len);
    case MOTE_AT_TOP:
    case MOTE_AT_PARTS: return m->put_parts == NULL || m->put_parts(m, w);
    case MOTE_AT_BCC: return true;
    default: return put_list(w);
    }
}

static bool addresses_valid(const struct mote_message *m, unsigned what)
{
    const char *const *list;

    for (size_t count = mote_message_list(m, what, &list); count > 0; count--, list++) {
        if (list == NULL || *list == NULL || !mote_address_valid(*list)) {
            return false;
        }
    }
    return true;
}

/* RFC 5322 3.6.4, with any visible octet but "<", ">" and a second "@". */
static bool id_valid(const char *id)
{
    size_t len = 0, at = 0;

    if (id == NULL) {
        return false;
    }
    for (; *id != 0; id++) {
        len++;
        if (*id <= ' ' || *id >= 127 || *id == '<' || *id == '>') {
            return false;
        }
        if (*id == '@') {
            if (at != 0) {
                return false;
            }
            at = len;
        }
    }
    return at > 1 && at < len && len <= ID_MAX;
}

bool mote_text_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text == NULL || text[i] == 0) {
            return false;
        }
    }
    return true;
}

static bool valid(const struct mote_message *m, unsigned what)
{
    switch (what) {
    case MOTE_WRONG_DATE: return m->unix_s <= UINT32_MAX;
    case MOTE_WRONG_ID: return id_valid(m->id);
    case MOTE_WRONG_SUBJECT: return mote_value_kind(m->subject, MOTE_WORD_MAX) != MOTE_VALUE_REFUSED;
    case MOTE_WRONG_FIELD: return m->put_fields == NULL || m->put_fields(m, NULL);
    case MOTE_WRONG_TEXT: return mote_text_valid(m->text, m->text_len);
    case MOTE_WRONG_PART: return m->put_parts == NULL || m->put_parts(m, NULL);
    default: return addresses_valid(m, what);
    }
}

unsigned mote_message_find(const struct mote_message *m)
{
    unsigned what = 0;

    while (what != MOTE_WRONG_NOTHING && valid(m, what)) {
        what++;
    }
    return what;
}

uint8_t mote_message_check(const struct mote_message *message)
{
    unsigned wrong = mote_message_find(message);

    return wrong < MOTE_WRONG_DATE      ? MOTE_CAUSE_ADDRESS
           : wrong < MOTE_WRONG_TEXT    ? MOTE_CAUSE_HEADER
           : wrong < MOTE_WRONG_NOTHING ? MOTE_CAUSE_TEXT
                                        : MOTE_CAUSE_NONE;
}

size_t mote_message_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct mote_message *m = ctx;
    struct mote_writer w;

    if (offset == 0) {
        memset(&m->state, 0, sizeof m->state);
        if (mote_message_check(m) != MOTE_CAUSE_NONE) {
            m->state.step = MOTE_AT_END;
            if (cap != 0) {
                *(uint8_t *)buf = 0; /* no mail may hold it: refused by the reader, whoever forgot to check */
            }
            return cap != 0;
        }
    }
    w.message = m;
    w.buf = buf;
    w.cap = cap;
    w.len = 0 - m->state.given;
    m->state.given = 0;
    while (m->state.step != MOTE_AT_END) {
        size_t before = w.len;

        w.next = m->state;
        if (put_step(&w)) {
            w.next.step++;
            w.next.at = w.next.item = 0;
            w.next.kind = 0;
        }
        if (w.len == MOTE_READ_FAILED) {
            return MOTE_READ_FAILED;
        }
        if (w.len > cap) {
            m->state.given = cap - before;
            return cap;
        }
        m->state = w.next;
    }
    return w.len;
}

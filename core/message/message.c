/* SPDX-License-Identifier: MIT
 *
 * Composes a plain text mail while it is read: the header fields (RFC 5322), then the text as quoted-printable
 * (RFC 2045). It writes in steps: a field, an address, an octet of the subject, an octet of the text. A step that does
 * not fit the reader's buffer is made again by the next read, less the octets already given; so nothing is kept but a
 * place in the message, and what is read does not depend on the sizes of the reads.
 *
 * It refuses every message mote_message_check() refuses, so that no value of the caller's can end its own line.
 */
#include "mailmote_message.h"

enum part { PART_DATE, PART_FROM, PART_TO, PART_CC, PART_ID, PART_SUBJECT, PART_TEXT, PART_END };

/* How Subject is written. The first two are also where in mime[] its line ends. */
enum subject { SUBJECT_ENCODED = 0, SUBJECT_PLAIN = 2, SUBJECT_NONE, SUBJECT_REFUSED };

enum {
    COLUMN_MAX = 74, /* leaves room for "?=", and "=": lines of 76, encoded-words of 75 */
    WORD_MAX = 63,   /* of a plain subject: a line that begins with "Subject: " has room for it */
    ID_MAX = 250
};

static const char mime[] = "?=\r\n"
                           "Auto-Submitted: auto-generated\r\n"
                           "MIME-Version: 1.0\r\n"
                           "Content-Type: text/plain; charset=UTF-8\r\n"
                           "Content-Transfer-Encoding: quoted-printable\r\n"
                           "\r\n";
#define CRLF (mime + sizeof mime - sizeof "\r\n")

/* Forms to write octets in: the printable ones that are encoded, NUL, what folds a line. */
static const char form_text[] = "=\0=\r\n";
static const char form_plain[] = "\0\r\n";
static const char form_encoded[] = " =?_\0?=\r\n =?UTF-8?Q?"; /* RFC 2047 4.2 */
#define ENCODED_WORD (form_encoded + sizeof form_encoded - sizeof "=?UTF-8?Q?")

struct writer {
    const struct mote_message *message;
    uint8_t *buf;
    size_t cap;
    size_t len;                     /* octets made for buf; wraps below 0 while those given before are made again */
    struct mote_message_state next; /* the place after this step */
};

static void put(struct writer *w, unsigned c)
{
    if (w->len < w->cap) {
        w->buf[w->len] = (uint8_t)c;
    }
    w->len++;
    w->next.column = c == '\n' ? 0 : (uint8_t)(w->next.column + 1);
}

static void put_string(struct writer *w, const char *s)
{
    while (*s != 0) {
        put(w, (uint8_t)*s++);
    }
}

static void put_digit(struct writer *w, unsigned v)
{
    put(w, v < 10 ? '0' + v : 'A' - 10 + v);
}

/* RFC 5322 3.3. Years begin in March here, so that the leap day is the last of a year. */
static void put_date(struct writer *w, uint32_t unix_s)
{
    static const char names[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed", "Mar", "Apr", "May",
                                    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"};
    const char *form = "Date: \1, \2 \1 \2\2 \2:\2:\2 +0000\r\n"; /* 1: a name, 2: two digits */
    uint32_t values[8], *value = values;
    uint32_t rest = unix_s, year, month, len;

    values[7] = rest % 60;
    rest /= 60;
    values[6] = rest % 60;
    rest /= 60;
    values[5] = rest % 24;
    rest /= 24;
    values[0] = rest % 7;
    rest += 671; /* days since 1968-03-01 */
    if (rest >= 48212) {
        rest++; /* 2100 has no leap day */
    }
    year = (4 * rest + 3) / 1461;
    rest -= 1461 * year / 4;
    for (month = 0; rest >= (len = 30 + (0x6B5u >> month & 1)); month++) { /* 1: 31 days; 0: 30 */
        rest -= len;
    }
    year += month < 10 ? 68 : 69;
    values[1] = rest + 1;
    values[2] = month + 7;
    values[3] = year / 100 + 19;
    values[4] = year % 100;
    for (; *form != 0; form++) {
        if (*form == 1) {
            put_string(w, names[*value++]);
        } else if (*form == 2) {
            put_digit(w, *value / 10);
            put_digit(w, *value++ % 10);
        } else {
            put(w, (uint8_t)*form);
        }
    }
}

/* The next value of a field, one to a line. This and the steps below return true when their part is complete. */
static bool put_value(struct writer *w, const char *name, const char *const *values, size_t count)
{
    size_t i = w->next.at++;

    if (i == count) {
        return true;
    }
    put_string(w, i == 0 ? name : ",\r\n ");
    put_string(w, values[i]);
    return false;
}

/* The next octet of the subject or the text. A line is folded before a word, or an encoded character of UTF-8, that
 * does not fit. A space with no word after it is encoded, as it may stand at the end of a line; so is TAB, anywhere. */
static bool put_octet(struct writer *w, const char *s, size_t len, const char *form)
{
    size_t at = w->next.at++;
    unsigned c = at < len ? (uint8_t)s[at] : 0;
    unsigned room = c >= 0xC0 ? 12 : 3; /* what the line must have left; 3 is any octet encoded */
    bool encode = c < ' ' || c > 126;

    if (c == 0) {
        return true;
    }
    if (c == '\n' && at > 0 && s[at - 1] == '\r') {
        return false;
    }
    if (c == '\n' || c == '\r') {
        put_string(w, CRLF);
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
    if (w->next.column + room > COLUMN_MAX) {
        put_string(w, form + 1);
    }
    if (encode) {
        put(w, '=');
        put_digit(w, c >> 4);
        put_digit(w, c & 15);
    } else {
        put(w, c);
    }
    return false;
}

/* Plain are words of printable ASCII with one space between, that fit a line and do not look like an encoded-word. */
static unsigned subject_kind(const char *subject)
{
    unsigned kind = SUBJECT_PLAIN, word = 0, c;

    if (subject == NULL || *subject == 0) {
        return SUBJECT_NONE;
    }
    do {
        c = (uint8_t)*subject++;
        if (c == ' ' || c == 0) {
            if (word - 1 >= WORD_MAX) {
                kind = SUBJECT_ENCODED;
            }
            word = 0;
        } else if (c < ' ' || c == 127) {
            return SUBJECT_REFUSED;
        } else {
            word++;
            if (c > 127 || (c == '=' && *subject == '?')) {
                kind = SUBJECT_ENCODED;
            }
        }
    } while (c != 0);
    return kind;
}

/* The end of Message-ID, Subject, and the fields that are always the same. */
static bool put_subject(struct writer *w)
{
    const char *subject = w->message->subject;

    if (w->next.at == 0) {
        put(w, '>');
        w->next.subject = (uint8_t)subject_kind(subject);
        if (w->next.subject == SUBJECT_NONE) {
            put_string(w, mime + SUBJECT_PLAIN);
            return true;
        }
        put_string(w, "\r\nSubject: ");
        if (w->next.subject == SUBJECT_ENCODED) {
            put_string(w, ENCODED_WORD);
        }
    }
    if (!put_octet(w, subject, SIZE_MAX, w->next.subject == SUBJECT_PLAIN ? form_plain : form_encoded)) {
        return false;
    }
    put_string(w, mime + w->next.subject);
    return true;
}

static bool put_text(struct writer *w)
{
    const struct mote_message *m = w->message;
    size_t len = m->text_len == 0 && m->text != NULL ? SIZE_MAX : m->text_len; /* up to its NUL */

    if (!put_octet(w, m->text, len, form_text)) {
        return false;
    }
    if (w->next.column != 0) {
        put_string(w, CRLF);
    }
    return true;
}

static bool put_step(struct writer *w)
{
    const struct mote_message *m = w->message;

    switch (w->next.part) {
    case PART_DATE:
        if (m->unix_s != 0) {
            put_date(w, (uint32_t)m->unix_s);
        }
        return true;
    case PART_FROM: return put_value(w, "From: ", &m->from, 1);
    case PART_TO: return put_value(w, "\r\nTo: ", m->to, m->to_count);
    case PART_CC: return put_value(w, "\r\nCc: ", m->cc, m->cc_count);
    case PART_ID: return put_value(w, "\r\nMessage-ID: <", &m->id, 1);
    case PART_SUBJECT: return put_subject(w);
    default: return put_text(w);
    }
}

static bool addresses_valid(const char *const *list, size_t count)
{
    for (; count > 0; count--, list++) {
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

uint8_t mote_message_check(const struct mote_message *message)
{
    if (!addresses_valid(&message->from, 1) || !addresses_valid(message->to, message->to_count) ||
        !addresses_valid(message->cc, message->cc_count)) {
        return MOTE_CAUSE_ADDRESS;
    }
    if (message->unix_s > UINT32_MAX || !id_valid(message->id) || subject_kind(message->subject) == SUBJECT_REFUSED) {
        return MOTE_CAUSE_HEADER;
    }
    for (size_t i = 0; i < message->text_len; i++) {
        if (message->text == NULL || message->text[i] == 0) {
            return MOTE_CAUSE_TEXT;
        }
    }
    return MOTE_CAUSE_NONE;
}

size_t mote_message_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct mote_message *m = ctx;
    struct writer w;

    if (offset == 0) {
        m->state.at = m->state.given = 0;
        m->state.column = 0;
        m->state.part = PART_DATE;
        if (mote_message_check(m) != MOTE_CAUSE_NONE) {
            m->state.part = PART_END;
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
    while (m->state.part != PART_END) {
        size_t before = w.len;

        w.next = m->state;
        if (put_step(&w)) {
            w.next.part++;
            w.next.at = 0;
        }
        if (w.len > cap) {
            m->state.given = cap - before;
            return cap;
        }
        m->state = w.next;
    }
    return w.len;
}

/* SPDX-License-Identifier: MIT
 *
 * The composer: every field, every cut of the output, and the way back: what is composed is decoded by the strict
 * decoders below (quoted-printable of RFC 2045, encoded-words of RFC 2047) and must be what went in.
 */
#include "mailmote_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { OUTPUT_MAX = 1 << 20 };

static char output[OUTPUT_MAX]; /* the last message read, ended by NUL */
static size_t output_len;
static uint32_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* ---- Messages -------------------------------------------------------------------------------------------------- */

static const char *const one_to[] = {"ann@example.org"};

static struct mote_message sample(void)
{
    struct mote_message m;

    memset(&m, 0, sizeof m);
    memset(&m.state, 0xA5, sizeof m.state); /* the reader clears its own part */
    m.from = "mote@example.com";
    m.to = one_to;
    m.to_count = 1;
    m.cc = NULL;
    m.cc_count = 0;
    m.subject = "Pump 3 is dry";
    m.id = "1.2@example.com";
    m.unix_s = 1795305168;
    m.text = "Level 0.\n";
    m.text_len = strlen(m.text);
    return m;
}

/* A block of exactly len octets, so that a checker of memory sees a read beyond it. */
static char *exactly(const void *octets, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, octets, len);
    return copy;
}

static size_t fixed_cap(uint32_t cap)
{
    return cap;
}

/* Reads the message to its end into output[]; cap(of) says how much each time. */
static void read_by(struct mote_message *m, size_t (*cap)(uint32_t of), uint32_t of)
{
    output_len = 0;
    for (;;) {
        size_t room = cap(of), got;
        char *buf = exactly(output, room);

        got = mote_message_read(m, output_len, buf, room);
        assert_true(got <= room && output_len + got < sizeof output);
        memcpy(output + output_len, buf, got);
        free(buf);
        if (got == 0) {
            break;
        }
        output_len += got;
    }
    output[output_len] = 0;
}

/* The lines are legal: CR LF only, no octet that is not ASCII, no line over 78, no encoded-word over 75. */
static void assert_lines(void)
{
    const char *line = output;

    while (*line != 0) {
        const char *end = strstr(line, "\r\n"), *word = strstr(line, "=?");

        assert_non_null(end);
        assert_true(end - line <= 78);
        for (const char *c = line; c < end; c++) {
            assert_true(*c >= ' ' && *c < 127);
        }
        if (word != NULL && word < end && strncmp(line + strcspn(line, " "), " =?UTF-8?", 9) == 0) {
            assert_true(end - line <= 76 && end - word <= 75);
        }
        line = end + 2;
    }
    assert_int_equal(strlen(output), output_len);
}

static void compose(struct mote_message *m)
{
    assert_int_equal(mote_message_check(m), MOTE_CAUSE_NONE);
    read_by(m, fixed_cap, 512);
    assert_true(output_len > 0);
}

static const char *body(void)
{
    const char *empty_line = strstr(output, "\r\n\r\n");

    assert_non_null(empty_line);
    return empty_line + 4;
}

/* The field's value as it stands, folds included; NULL when the field is not there. The next call overwrites it. */
static const char *raw_field(const char *name)
{
    static char value[OUTPUT_MAX];
    const char *start = output, *end;
    size_t len = strlen(name);

    while (strncmp(start, name, len) != 0 || strncmp(start + len, ": ", 2) != 0) {
        start = strstr(start, "\r\n") + 2;
        if (strncmp(start, "\r\n", 2) == 0) {
            return NULL;
        }
    }
    start += len + 2;
    for (end = strstr(start, "\r\n"); end[2] == ' '; end = strstr(end + 2, "\r\n")) {
    }
    memcpy(value, start, (size_t)(end - start));
    value[end - start] = 0;
    return value;
}

/* ---- Decoders, strict ------------------------------------------------------------------------------------------ */

static int hex(char c)
{
    const char *digits = "0123456789ABCDEF", *at = c != 0 ? strchr(digits, c) : NULL;

    assert_non_null(at);
    return (int)(at - digits);
}

/* RFC 2045 6.7, its canonical form. Returns the length written to out. */
static size_t decode_text(const char *in, char *out)
{
    size_t len = 0, column = 0;

    for (; *in != 0; in++) {
        if (strncmp(in, "=\r\n", 3) == 0) {
            assert_true(column + 1 <= 76);
            in += 2;
            column = 0;
        } else if (strncmp(in, "\r\n", 2) == 0) {
            assert_true(column <= 76);
            assert_true(column == 0 || (in[-1] != ' ' && in[-1] != '\t'));
            memcpy(out + len, "\r\n", 2);
            len += 2;
            in++;
            column = 0;
        } else if (*in == '=') {
            out[len++] = (char)(hex(in[1]) << 4 | hex(in[2]));
            in += 2;
            column += 3;
        } else {
            assert_true(*in >= ' ' && *in < 127);
            out[len++] = *in;
            column++;
        }
    }
    assert_int_equal(column, 0);
    return len;
}

/* How many octets the character of UTF-8 at s has; 0 if it is none. */
static size_t utf8_len(const char *s)
{
    unsigned c = (uint8_t)*s;
    size_t len = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;

    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* RFC 2047, encoded-words only: each is "=?UTF-8?Q?...?=", separated by folds. With whole, none splits a character. */
static void decode_words(const char *in, char *out, bool whole)
{
    for (;;) {
        const char *word = in, *first = out;

        assert_memory_equal(in, "=?UTF-8?Q?", 10);
        for (in += 10; *in != '?'; in++) {
            assert_true(*in > ' ' && *in < 127);
            if (*in == '=') {
                *out++ = (char)(hex(in[1]) << 4 | hex(in[2]));
                in += 2;
            } else {
                *out++ = *in == '_' ? ' ' : *in;
            }
        }
        assert_memory_equal(in, "?=", 2);
        in += 2;
        assert_true(in - word <= 75 && out > first);
        *out = 0;
        while (whole && first < out) {
            assert_int_not_equal(utf8_len(first), 0);
            first += utf8_len(first);
        }
        if (*in == 0) {
            return;
        }
        assert_memory_equal(in, "\r\n ", 3);
        in += 3;
    }
}

/* Takes the folds out (RFC 5322 2.2.3). */
static void unfold(const char *in, char *out)
{
    for (; *in != 0; in++) {
        if (strncmp(in, "\r\n ", 3) == 0) {
            in += 2;
        }
        *out++ = *in;
    }
    *out = 0;
}

/* ---- Random text ----------------------------------------------------------------------------------------------- */

static size_t put_random_char(char *out)
{
    static const char *const some[] = {"\xC3\xA4",
                                       "\xC3\xB6",
                                       "\xE2\x82\xAC",
                                       "\xE6\xB0\xB4",
                                       "\xF0\x9F\x9A\xB1",
                                       "=",
                                       "?",
                                       "_",
                                       "=?",
                                       "?=",
                                       ".",
                                       "\xF4\x8F\xBF\xBF",
                                       " ",
                                       "  "};
    const char *s = some[pick(COUNT(some))];

    switch (pick(4)) {
    case 0: memcpy(out, s, strlen(s)); return strlen(s);
    case 1: *out = ' '; return 1;
    default: *out = (char)('!' + pick(94)); return 1;
    }
}

/* UTF-8 without control characters, ended by NUL; out holds len + 5 octets. */
static void random_utf8(char *out, size_t len)
{
    size_t at = 0;

    while (at < len) {
        at += put_random_char(out + at);
    }
    out[at] = 0;
}

/* What the reader of a text gets: each line ends in CR LF, the last one too. */
static size_t canonical(const char *in, size_t len, char *out)
{
    size_t made = 0;

    for (size_t i = 0; i < len; i++) {
        if (in[i] == '\r' || in[i] == '\n') {
            if (in[i] == '\r' && i + 1 < len && in[i + 1] == '\n') {
                i++;
            }
            out[made++] = '\r';
            out[made++] = '\n';
        } else {
            out[made++] = in[i];
        }
    }
    if (made > 0 && out[made - 1] != '\n') {
        out[made++] = '\r';
        out[made++] = '\n';
    }
    return made;
}

static void assert_text_comes_back(const char *text, size_t len)
{
    static char expected[OUTPUT_MAX], decoded[OUTPUT_MAX];
    struct mote_message m = sample();
    char *copy = exactly(text, len);
    size_t expected_len = canonical(text, len, expected);

    m.text = len != 0 ? copy : NULL;
    m.text_len = len;
    compose(&m);
    assert_lines();
    assert_int_equal(decode_text(body(), decoded), expected_len);
    assert_memory_equal(decoded, expected, expected_len);
    free(copy);
}

static void assert_subject_comes_back(const char *subject, bool whole)
{
    static char decoded[OUTPUT_MAX];
    struct mote_message m = sample();
    char *copy = exactly(subject, strlen(subject) + 1);
    const char *raw;

    m.subject = copy;
    compose(&m);
    assert_lines();
    raw = raw_field("Subject");
    assert_non_null(raw);
    if (strncmp(raw, "=?", 2) == 0) {
        decode_words(raw, decoded, whole);
    } else {
        unfold(raw, decoded);
        assert_null(strstr(decoded, "=?"));
    }
    assert_string_equal(decoded, subject);
    free(copy);
}

/* ---- Fields ---------------------------------------------------------------------------------------------------- */

#define MIME_FIELDS                                                                                                    \
    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"               \
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"

static void every_field_in_order(void **state)
{
    static const char *const to[] = {"a@example.org", "b@example.org", "\"c,d\"@[192.0.2.7]"};
    static const char *const cc[] = {"e@example.net", "f@example.net"};
    struct mote_message m = sample();

    m.to = to;
    m.to_count = 3;
    m.cc = cc;
    m.cc_count = 2;
    compose(&m);
    assert_string_equal(output, "Date: Sat, 21 Nov 2026 23:52:48 +0000\r\n"
                                "From: mote@example.com\r\n"
                                "To: a@example.org,\r\n b@example.org,\r\n \"c,d\"@[192.0.2.7]\r\n"
                                "Cc: e@example.net,\r\n f@example.net\r\n"
                                "Message-ID: <1.2@example.com>\r\n"
                                "Subject: Pump 3 is dry\r\n" MIME_FIELDS "Level 0.\r\n");
}

/* A text without a length ends at its NUL. */
static void length_left_out(void **state)
{
    static char with[OUTPUT_MAX];
    struct mote_message m = sample();

    m.text = "100 % and a line\nmore = less ";
    m.text_len = strlen(m.text);
    compose(&m);
    memcpy(with, output, output_len + 1);
    m.text_len = 0;
    compose(&m);
    assert_string_equal(output, with);
}

static void fields_left_out(void **state)
{
    static const char *const subjects[] = {NULL, ""};
    struct mote_message m = sample();

    m.to = NULL;
    m.to_count = 0;
    m.unix_s = 0;
    m.text = NULL;
    m.text_len = 0;
    for (size_t i = 0; i < COUNT(subjects); i++) {
        m.subject = subjects[i];
        compose(&m);
        assert_string_equal(output, "From: mote@example.com\r\nMessage-ID: <1.2@example.com>\r\n" MIME_FIELDS);
    }
}

static void utf8_address_stays(void **state)
{
    struct mote_message m = sample();

    m.from = "s\xC3\xA4ili\xC3\xB6@example.com";
    compose(&m);
    assert_string_equal(raw_field("From"), m.from);
}

static void many_addresses(void **state)
{
    enum { MANY = 1000 };
    static const char *list[MANY];
    struct mote_message m = sample();
    const char *at;
    size_t count = 0;

    for (size_t i = 0; i < MANY; i++) {
        list[i] = i % 2 == 0 ? "ann@example.org" : "bob@example.org";
    }
    m.to = m.cc = list;
    m.to_count = m.cc_count = MANY;
    compose(&m);
    assert_lines();
    for (at = output; (at = strchr(at, '@')) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 2 * MANY + 2);
}

/* ---- Date ------------------------------------------------------------------------------------------------------ */

static void dates(void **state)
{
    static const struct {
        uint64_t unix_s;
        const char *date;
    } rows[] = {
        {1, "Thu, 01 Jan 1970 00:00:01 +0000"},          {68255999, "Tue, 29 Feb 1972 23:59:59 +0000"},
        {946684799, "Fri, 31 Dec 1999 23:59:59 +0000"},  {946684800, "Sat, 01 Jan 2000 00:00:00 +0000"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},  {951868800, "Wed, 01 Mar 2000 00:00:00 +0000"},
        {1709164800, "Thu, 29 Feb 2024 00:00:00 +0000"}, {1735689599, "Tue, 31 Dec 2024 23:59:59 +0000"},
        {2147483648, "Tue, 19 Jan 2038 03:14:08 +0000"}, {4102444799, "Thu, 31 Dec 2099 23:59:59 +0000"},
        {4102444800, "Fri, 01 Jan 2100 00:00:00 +0000"}, {4107542399, "Sun, 28 Feb 2100 23:59:59 +0000"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 +0000"}, {4233686399, "Thu, 28 Feb 2104 23:59:59 +0000"},
        {4233686400, "Fri, 29 Feb 2104 00:00:00 +0000"}, {4294967295, "Sun, 07 Feb 2106 06:28:15 +0000"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mote_message m = sample();

        m.unix_s = rows[i].unix_s;
        compose(&m);
        assert_string_equal(raw_field("Date"), rows[i].date);
    }
}

static void every_day_as_the_c_library_has_it(void **state)
{
    struct mote_message m = sample();

    for (uint64_t day = 0; day < 49710; day++) {
        char expected[64], date[64] = "";
        uint64_t unix_s = day * 86400 + 1 + day * 7919 % 86399;
        time_t t = (time_t)unix_s;

        if (t < 0) { /* a C library of 32 bits ends in 2038, we do not */
            break;
        }
        m.unix_s = unix_s;
        strftime(expected, sizeof expected, "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", gmtime(&t));
        assert_int_equal(mote_message_read(&m, 0, date, 39), 39);
        assert_string_equal(date, expected);
    }
}

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

static void assert_refused(struct mote_message *m, uint8_t cause)
{
    char buf[8];

    assert_int_equal(mote_message_check(m), cause);
    for (size_t cap = 0; cap <= sizeof buf; cap++) {
        memset(buf, 'x', sizeof buf);
        assert_int_equal(mote_message_read(m, 0, buf, cap), cap != 0);
        assert_int_equal(buf[0], cap != 0 ? 0 : 'x'); /* NUL: no mail may hold it */
        assert_int_equal(buf[1], 'x');
        assert_int_equal(mote_message_read(m, 1, buf, cap), 0);
    }
}

/* CR, LF and every other control octet, at the start, inside and at the end of every value of a field. */
static void control_octets_refused(void **state)
{
    static const char good[] = "ab@cd";

    for (int c = 1; c < 128; c = c == 31 ? 127 : c + 1) {
        for (size_t at = 0; at < sizeof good; at++) {
            const char *bad[1];
            char value[sizeof good + 1];
            struct mote_message m;

            memcpy(value, good, at);
            value[at] = (char)c;
            memcpy(value + at + 1, good + at, sizeof good - at);
            bad[0] = value;
            m = sample(), m.from = value;
            assert_refused(&m, MOTE_CAUSE_ADDRESS);
            m = sample(), m.to = bad;
            assert_refused(&m, MOTE_CAUSE_ADDRESS);
            m = sample(), m.cc = bad, m.cc_count = 1;
            assert_refused(&m, MOTE_CAUSE_ADDRESS);
            m = sample(), m.id = value;
            assert_refused(&m, MOTE_CAUSE_HEADER);
            m = sample(), m.subject = value;
            assert_refused(&m, MOTE_CAUSE_HEADER);
        }
    }
}

static void injections_refused(void **state)
{
    static const char *const bad[] = {"a@b\r\nBcc: c@d", "a@b\nBcc: c@d", "a@b\rBcc: c@d",
                                      "a@b\r\n\r\ntext", "a@b\r\n c@d",   "a@b\t"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *list[] = {"ann@example.org", bad[i]};
        struct mote_message m;

        m = sample(), m.from = bad[i];
        assert_refused(&m, MOTE_CAUSE_ADDRESS);
        m = sample(), m.to = list, m.to_count = 2;
        assert_refused(&m, MOTE_CAUSE_ADDRESS);
        m = sample(), m.cc = list, m.cc_count = 2;
        assert_refused(&m, MOTE_CAUSE_ADDRESS);
        m = sample(), m.id = bad[i];
        assert_refused(&m, MOTE_CAUSE_HEADER);
        m = sample(), m.subject = bad[i];
        assert_refused(&m, MOTE_CAUSE_HEADER);
    }
}

static void addresses_missing(void **state)
{
    static const char *const bad[] = {NULL, "", "ann", "@example.org", "ann@", "<ann@example.org>", "ann @example.org"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *list[] = {"ann@example.org", bad[i]};
        struct mote_message m;

        m = sample(), m.from = bad[i];
        assert_refused(&m, MOTE_CAUSE_ADDRESS);
        m = sample(), m.to = list, m.to_count = 2;
        assert_refused(&m, MOTE_CAUSE_ADDRESS);
        m = sample(), m.cc = NULL, m.cc_count = 1;
        assert_refused(&m, MOTE_CAUSE_ADDRESS);
    }
}

static void message_ids(void **state)
{
    static const struct {
        const char *id;
        bool good;
    } rows[] = {
        {"a@b", true},
        {"1.2-3_4+5@[192.0.2.7]", true},
        {"!#$%&'*/=?^`{|}~@x", true},
        {NULL, false},
        {"", false},
        {"a", false},
        {"@", false},
        {"@b", false},
        {"a@", false},
        {"a@b@c", false},
        {"@@b", false},
        {"a@@b", false},
        {"a b@c", false},
        {"a@b c", false},
        {"<a@b", false},
        {"a@b>", false},
        {"a@b ", false},
        {"\xC3\xA4@b", false},
        {"a@b\xFF", false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mote_message m = sample();

        m.id = rows[i].id;
        if (rows[i].good) {
            compose(&m);
            assert_int_equal(strncmp(raw_field("Message-ID") + 1, m.id, strlen(m.id)), 0);
        } else {
            assert_refused(&m, MOTE_CAUSE_HEADER);
        }
    }
}

static void message_id_length(void **state)
{
    struct mote_message m = sample();
    char id[252];

    memset(id, 'i', sizeof id);
    id[7] = '@';
    id[250] = 0;
    m.id = id;
    compose(&m);
    id[250] = 'i';
    id[251] = 0;
    assert_refused(&m, MOTE_CAUSE_HEADER);
}

static void milliseconds_refused(void **state)
{
    struct mote_message m = sample();

    m.unix_s = (uint64_t)UINT32_MAX + 1;
    assert_refused(&m, MOTE_CAUSE_HEADER);
    m.unix_s = 1795305168000;
    assert_refused(&m, MOTE_CAUSE_HEADER);
}

static void nul_in_text_refused(void **state)
{
    struct mote_message m = sample();
    char text[20];

    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'x', sizeof text);
        text[at] = 0;
        m.text = text;
        m.text_len = at;
        assert_int_equal(mote_message_check(&m), MOTE_CAUSE_NONE);
        m.text_len = sizeof text;
        assert_refused(&m, MOTE_CAUSE_TEXT);
    }
}

/* ---- Subject --------------------------------------------------------------------------------------------------- */

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static void subjects(void **state)
{
    static const struct {
        const char *subject, *raw;
    } rows[] = {
        {"x", "x"},
        {"Is 1 = 1? _yes_", "Is 1 = 1? _yes_"},
        {" x", "=?UTF-8?Q?=20x?="},
        {"x ", "=?UTF-8?Q?x=20?="},
        {" ", "=?UTF-8?Q?=20?="},
        {"a  b", "=?UTF-8?Q?a=20=20b?="},
        {"a =?b", "=?UTF-8?Q?a=20=3D=3Fb?="},
        {"=?UTF-8?Q?x?=", "=?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?="},
        {"a_b \xC3\xA4", "=?UTF-8?Q?a=5Fb=20=C3=A4?="},
        {"\xFF", "=?UTF-8?Q?=FF?="},
        {X60 "xxx", X60 "xxx"},
        {X60 "xxxx", "=?UTF-8?Q?" X10 X10 X10 X10 X10 "xxx?=\r\n =?UTF-8?Q?" X10 "x?="},
        {" " X60, "=?UTF-8?Q?=20" X10 X10 X10 X10 X10 "?=\r\n =?UTF-8?Q?" X10 "?="},
        {"a " X60 "xxx b", "a\r\n " X60 "xxx b"},
        {X60 " a b c d", X60 " a\r\n b c d"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mote_message m = sample();

        m.subject = rows[i].subject;
        compose(&m);
        assert_string_equal(raw_field("Subject"), rows[i].raw);
    }
}

static void ascii_subjects_stay_readable(void **state)
{
    static char subject[4096];

    seed = 1;
    for (int round = 0; round < 500; round++) {
        size_t at = 0, words = 1 + pick(60);

        for (size_t w = 0; w < words; w++) {
            for (size_t n = 1 + pick(w % 8 == 0 ? 63 : 9); n > 0; n--) {
                subject[at++] = (char)('a' + pick(26));
            }
            subject[at++] = ' ';
        }
        subject[at - 1] = 0;
        assert_subject_comes_back(subject, true);
        assert_null(strstr(output, "=?"));
    }
}

static void random_subjects_come_back(void **state)
{
    char subject[600];

    seed = 2;
    for (int round = 0; round < 3000; round++) {
        random_utf8(subject, 1 + pick(round % 10 == 0 ? 500 : 90));
        assert_subject_comes_back(subject, true);
    }
}

static void invalid_utf8_in_subjects(void **state)
{
    static const uint8_t octets[] = {0x80, 0xBF, 0xC0, 0xC3, 0xE2, 0xF0, 0xF4, 0xF8, 0xFC, 0xFE, 0xFF, 'a', ' ', '='};
    char subject[400];

    seed = 3;
    for (int round = 0; round < 3000; round++) {
        size_t len = 1 + pick(sizeof subject - 1);
        uint32_t few = 1 + pick(COUNT(octets));

        for (size_t i = 0; i < len; i++) {
            subject[i] = (char)octets[(pick(few) + (uint32_t)round) % COUNT(octets)];
        }
        subject[len] = 0;
        assert_subject_comes_back(subject, false);
    }
}

/* ---- Text ------------------------------------------------------------------------------------------------------ */

static void texts(void **state)
{
    static const struct {
        const char *text, *sent;
    } rows[] = {
        {"", ""},
        {"x", "x\r\n"},
        {"x\n", "x\r\n"},
        {"x\r", "x\r\n"},
        {"x\r\n", "x\r\n"},
        {"\n", "\r\n"},
        {"\r", "\r\n"},
        {"\r\r\n\n", "\r\n\r\n\r\n"},
        {"a\rb\nc\r\nd", "a\r\nb\r\nc\r\nd\r\n"},
        {"a\n\rb", "a\r\n\r\nb\r\n"},
        {" ", "=20\r\n"},
        {"a b \nc ", "a b=20\r\nc=20\r\n"},
        {"a \rb \r\nc", "a=20\r\nb=20\r\nc\r\n"},
        {"a  b", "a=20 b\r\n"},
        {"a\tb\t", "a=09b=09\r\n"},
        {"1=1", "1=3D1\r\n"},
        {"\x01\x1F\x7F\x80\xFF", "=01=1F=7F=80=FF\r\n"},
        {"\xC3\xA4 \xE2\x82\xAC", "=C3=A4 =E2=82=AC\r\n"},
        {"a \xC3\xA4", "a =C3=A4\r\n"},
        {".\n..\nFrom x\n?_", "=2E\r\n=2E.\r\nFrom x\r\n?_\r\n"},
        {X60 X10 "xx", X60 X10 "xx\r\n"},
        {X60 X10 "xxx", X60 X10 "xx=\r\nx\r\n"},
        {X60 " " X10 " " X10, X60 " " X10 "=\r\n " X10 "\r\n"},
        {X60 "=", X60 "=3D\r\n"},
        {X60 X10 "==", X60 X10 "=3D=\r\n=3D\r\n"},
        {X60 "\xC3\xA4\xC3\xA4\xF0\x9F\x9A\xB1", X60 "=C3=A4=\r\n=C3=A4=F0=9F=9A=B1\r\n"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mote_message m = sample();
        char text[200];

        snprintf(text, sizeof text, "\r%s", rows[i].text);
        m.text = text + 1; /* what stands in front of it is not of it */
        m.text_len = strlen(m.text);
        compose(&m);
        assert_string_equal(body(), rows[i].sent);
        assert_text_comes_back(m.text, m.text_len);
    }
}

static void random_texts_come_back(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", " \n", "\t\r\n", "\n\n", "\r\r", "\n\r", "\t"};
    char text[3000];

    seed = 4;
    for (int round = 0; round < 1500; round++) {
        size_t at = 0, len = pick(round % 10 == 0 ? sizeof text - 8 : 200);

        while (at < len) {
            const char *end = ends[pick(COUNT(ends))];

            if (pick(1 + (uint32_t)round % 60) == 0) {
                memcpy(text + at, end, strlen(end));
                at += strlen(end);
            } else {
                at += put_random_char(text + at);
            }
        }
        assert_text_comes_back(text, at);
    }
}

static void random_octets_come_back(void **state)
{
    char text[500];

    seed = 5;
    for (int round = 0; round < 1500; round++) {
        size_t len = pick(sizeof text);

        for (size_t i = 0; i < len; i++) {
            text[i] = (char)(1 + pick(255));
        }
        assert_text_comes_back(text, len);
    }
}

static void long_runs_come_back(void **state)
{
    static const char runs[] = " \t=x\n\r\xA4\xF0\x7F";
    static char text[20000];

    for (size_t i = 0; i < sizeof runs - 1; i++) {
        memset(text, runs[i], sizeof text);
        assert_text_comes_back(text, sizeof text);
        text[0] = 'a';
        text[1] = ' ';
        text[sizeof text - 1] = '\r';
        assert_text_comes_back(text, sizeof text);
    }
}

/* ---- Cuts ------------------------------------------------------------------------------------------------------ */

static size_t random_cap(uint32_t below)
{
    return 1 + pick(below);
}

static struct mote_message cut_sample(int which)
{
    static const char *const list[] = {"a@example.org", "b@example.org", "c@example.org"};
    static const char *const some[] = {
        NULL, "x", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
        "S\xC3\xA4ili\xC3\xB6n pinta \xE2\x82\xAC \xF0\x9F\x9A\xB1 S\xC3\xA4ili\xC3\xB6n pinta on matala, "
        "S\xC3\xA4ili\xC3\xB6n pinta on matala"};
    struct mote_message m = sample();

    m.to = list;
    m.to_count = (uint16_t)(which % 4);
    m.cc = list;
    m.cc_count = (uint16_t)((which + 2) % 4);
    m.subject = some[which % 4];
    m.unix_s = which == 1 ? 0 : m.unix_s;
    m.text = "A line.\r\n \r\t\nP\xC3\xA4iv\xC3\xA4\xC3\xA4. A line that is longer than the others, so that it must be "
             "broken, at least once, perhaps \xF0\x9F\x9A\xB1 twice\r\n.\r\n\r\rThe last";
    m.text_len = strlen(m.text);
    return m;
}

static void any_cut_reads_the_same(void **state)
{
    seed = 6;
    for (int which = 0; which < 4; which++) {
        struct mote_message m = cut_sample(which);
        char *whole;
        size_t len;

        compose(&m);
        assert_lines();
        len = output_len;
        whole = exactly(output, len + 1);
        for (uint32_t cap = 1; cap <= 300; cap++) {
            bool random = cap > 100;

            read_by(&m, random ? random_cap : fixed_cap, random ? cap - 100 : cap);
            assert_int_equal(output_len, len);
            assert_memory_equal(output, whole, len + 1);
        }
        free(whole);
    }
}

static void offset_zero_starts_again(void **state)
{
    struct mote_message m = cut_sample(3);
    char *whole, *buf;

    compose(&m);
    whole = exactly(output, output_len);
    buf = exactly(output, output_len);
    for (size_t stop = 1; stop < output_len; stop++) {
        memset(buf, 0, output_len);
        assert_int_equal(mote_message_read(&m, 0, buf, stop), stop);
        assert_memory_equal(buf, whole, stop);
        assert_int_equal(mote_message_read(&m, stop, buf, 0), 0);
        assert_int_equal(mote_message_read(&m, stop, buf, output_len - stop), output_len - stop);
        assert_memory_equal(buf, whole + stop, output_len - stop);
        assert_int_equal(mote_message_read(&m, output_len, buf, output_len), 0);
    }
    free(whole);
    free(buf);
}

/* A line is used to its end: a character of UTF-8 that needs up to 12 columns stays where 12 are left of 74, and begins the next
 * line where there are 11. */
static void folded_where_it_must(void **state)
{
    static const char x63[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    struct mote_message m = sample();
    char text[70];

    for (size_t n = 62; n <= 63; n++) {
        snprintf(text, sizeof text, "%s\303\251", x63 + 63 - n);
        m.text = text;
        m.text_len = strlen(text);
        compose(&m);
        assert_non_null(strstr(body(), n == 62 ? "x=C3=A9\r\n" : "x=\r\n=C3=A9\r\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_where_it_must),
        cmocka_unit_test(every_field_in_order),
        cmocka_unit_test(length_left_out),
        cmocka_unit_test(fields_left_out),
        cmocka_unit_test(utf8_address_stays),
        cmocka_unit_test(many_addresses),
        cmocka_unit_test(dates),
        cmocka_unit_test(every_day_as_the_c_library_has_it),
        cmocka_unit_test(control_octets_refused),
        cmocka_unit_test(injections_refused),
        cmocka_unit_test(addresses_missing),
        cmocka_unit_test(message_ids),
        cmocka_unit_test(message_id_length),
        cmocka_unit_test(milliseconds_refused),
        cmocka_unit_test(nul_in_text_refused),
        cmocka_unit_test(subjects),
        cmocka_unit_test(ascii_subjects_stay_readable),
        cmocka_unit_test(random_subjects_come_back),
        cmocka_unit_test(invalid_utf8_in_subjects),
        cmocka_unit_test(texts),
        cmocka_unit_test(random_texts_come_back),
        cmocka_unit_test(random_octets_come_back),
        cmocka_unit_test(long_runs_come_back),
        cmocka_unit_test(any_cut_reads_the_same),
        cmocka_unit_test(offset_zero_starts_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

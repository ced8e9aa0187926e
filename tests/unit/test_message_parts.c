/* SPDX-License-Identifier: MIT
 *
 * Further fields and parts of a message: as they are written, at every cut of the output, and the attachments decoded again. The
 * reader of an attachment is asked for each octet once, in order, and gives as many at a time as it likes.
 */
#include "mailmote_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUTPUT_MAX = 1 << 16 };

static char output[OUTPUT_MAX];
static size_t output_len;
static uint32_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* ---- A source of octets ------------------------------------------------------------------------------------------ */

struct source {
    const uint8_t *octets;
    size_t len, at;
    size_t at_most; /* octets at a time; 0: any */
    size_t fails_at;
};

static size_t read_source(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct source *source = ctx;
    size_t n = source->len - offset;

    assert_true(cap > 0 && (offset == source->at || offset == 0));
    if (offset >= source->fails_at) {
        return MOTE_READ_FAILED;
    }
    n = n < cap ? n : cap;
    n = source->at_most != 0 && n > source->at_most ? source->at_most : n;
    memcpy(buf, source->octets + offset, n);
    source->at = offset + n;
    return n;
}

static uint8_t octets[5000];

static struct source source_of(size_t len)
{
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)pick(256);
    }
    return (struct source){.octets = octets, .len = len, .fails_at = SIZE_MAX};
}

static struct mote_part attachment(struct source *source)
{
    return (struct mote_part){
        .type = "image/jpeg", .name = "hall.jpg", .read = read_source, .ctx = source, .size = source->len};
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static const char *const to[] = {"ann@example.org"};

static struct mote_message sample(void)
{
    return (struct mote_message){.from = "mote@example.com",
                                 .to = to,
                                 .to_count = 1,
                                 .subject = "Hall 3",
                                 .id = "1@example.com",
                                 .text = "Fire\n"};
}

/* Into a block of just the size, so that a write behind it is seen. */
static size_t read_some(struct mote_message *m, size_t offset, size_t cap)
{
    char *buf = malloc(cap);
    size_t got;

    assert_non_null(buf);
    got = mote_message_read(m, offset, buf, cap);
    if (got != MOTE_READ_FAILED) {
        assert_true(got <= cap && offset + got < sizeof output);
        memcpy(output + offset, buf, got);
    }
    free(buf);
    return got;
}

/* cap 0: another one each time. */
static void read_all(struct mote_message *m, size_t cap)
{
    size_t got;

    output_len = 0;
    do {
        got = read_some(m, output_len, cap != 0 ? cap : 1 + pick(100));
        assert_true(got != MOTE_READ_FAILED);
        output_len += got;
    } while (got != 0);
    output[output_len] = 0;
}

#define HEADER_OF(from)                                                                                                \
    from "To: ann@example.org\r\n"                                                                                     \
         "Message-ID: <1@example.com>\r\n"                                                                             \
         "Subject: Hall 3\r\n"                                                                                         \
         "Auto-Submitted: auto-generated\r\n"                                                                          \
         "MIME-Version: 1.0\r\n"
#define HEADER HEADER_OF("From: mote@example.com\r\n")
#define TEXT                                                                                                           \
    "Content-Type: text/plain; charset=UTF-8\r\n"                                                                      \
    "Content-Transfer-Encoding: quoted-printable\r\n"                                                                  \
    "\r\n"                                                                                                             \
    "Fire\r\n"

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

static void an_attachment(void **state)
{
    struct mote_message m = sample();
    struct source source = {.octets = (const uint8_t *)"\0\1\2\377", .len = 4, .fails_at = SIZE_MAX};
    struct mote_part part = attachment(&source);

    mote_message_parts(&m, &part, 1);
    read_all(&m, 512);
    assert_string_equal(output, HEADER "Content-Type: multipart/mixed; boundary=\"=_mixed\"\r\n"
                                       "\r\n"
                                       "--=_mixed\r\n" TEXT "\r\n"
                                       "--=_mixed\r\n"
                                       "Content-Type: image/jpeg\r\n"
                                       "Content-Transfer-Encoding: base64\r\n"
                                       "Content-Disposition: attachment;\r\n filename=\"hall.jpg\"\r\n"
                                       "\r\n"
                                       "AAEC/w==\r\n"
                                       "\r\n"
                                       "--=_mixed--\r\n");
}

static void texts_and_alternatives(void **state)
{
    static const struct mote_part parts[] = {
        {.type = "text/html", .text = "<b>Fire</b>", .alternative = true},
        {.type = "text/csv", .text = "a,\303\244\n", .name = "\303\244 \"1\".csv"},
    };
    struct mote_message m = sample();

    mote_message_parts(&m, parts, 2);
    read_all(&m, 512);
    assert_string_equal(output, HEADER
                        "Content-Type: multipart/mixed; boundary=\"=_mixed\"\r\n"
                        "\r\n"
                        "--=_mixed\r\n"
                        "Content-Type: multipart/alternative; boundary=\"=_alternative\"\r\n"
                        "\r\n"
                        "--=_alternative\r\n" TEXT "\r\n"
                        "--=_alternative\r\n"
                        "Content-Type: text/html; charset=UTF-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "<b>Fire</b>\r\n"
                        "\r\n"
                        "--=_alternative--\r\n"
                        "\r\n"
                        "--=_mixed\r\n"
                        "Content-Type: text/csv; charset=UTF-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "Content-Disposition: attachment;\r\n filename*=UTF-8''%C3%A4%20%22%31%22%2E%63%73%76\r\n"
                        "\r\n"
                        "a,=C3=A4\r\n"
                        "\r\n"
                        "--=_mixed--\r\n");
}

static void alternatives_alone(void **state)
{
    static const struct mote_part parts[] = {
        {.type = "text/html", .text = "<b>Fire</b>", .alternative = true},
        {.type = "text/enriched", .text = "Fire!", .alternative = true},
    };
    struct mote_message m = sample();

    mote_message_parts(&m, parts, 2);
    read_all(&m, 512);
    assert_string_equal(strstr(output, "<b>"), "<b>Fire</b>\r\n"
                                               "\r\n"
                                               "--=_alternative\r\n"
                                               "Content-Type: text/enriched; charset=UTF-8\r\n"
                                               "Content-Transfer-Encoding: quoted-printable\r\n"
                                               "\r\n"
                                               "Fire!\r\n"
                                               "\r\n"
                                               "--=_alternative--\r\n"
                                               "\r\n"
                                               "--=_mixed--\r\n");
}

static void no_parts_is_a_text(void **state)
{
    struct mote_message m = sample();
    struct mote_part part = {.type = "text/plain", .text = ""};

    mote_message_parts(&m, &part, 1);
    mote_message_parts(&m, NULL, 0);
    mote_message_fields(&m, NULL);
    read_all(&m, 512);
    assert_string_equal(output, HEADER TEXT);
}

/* Strict: lines of 76, one shorter one at the end, whole groups. Returns how many octets. */
static size_t decode(const char *at, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = 0;

    while (strncmp(at, "\r\n", 2) != 0) {
        size_t line = strcspn(at, "\r\n");

        assert_true(line % 4 == 0 && line <= 76 && strncmp(at + line, "\r\n", 2) == 0);
        assert_true(line == 76 || strncmp(at + line + 2, "\r\n", 2) == 0);
        for (size_t i = 0; i < line; i += 4) {
            uint32_t bits = 0;
            size_t pad = at[i + 3] != '=' ? 0 : at[i + 2] != '=' ? 1 : 2;

            for (size_t j = 0; j < 4; j++) {
                const char *digit = j < 4 - pad ? strchr(digits, at[i + j]) : digits;

                assert_true(digit != NULL && at[i + j] != 0);
                bits = bits << 6 | (uint32_t)(digit - digits);
            }
            assert_true(pad == 0 || strncmp(at + i + 4, "\r\n\r\n", 4) == 0);
            for (size_t j = 0; j < 3 - pad; j++) {
                out[len++] = (uint8_t)(bits >> (16 - 8 * j));
            }
        }
        at += line + 2;
    }
    return len;
}

static const char *body_of(const char *header)
{
    const char *at = strstr(output, header);

    assert_non_null(at);
    at = strstr(at, "\r\n\r\n");
    assert_non_null(at);
    return at + 4;
}

static void every_size_comes_back(void **state)
{
    static uint8_t decoded[sizeof octets];

    for (size_t len = 0; len <= 400; len++) {
        struct source source = source_of(len);
        struct mote_message m = sample();
        struct mote_part part = attachment(&source);

        source.at_most = len % 7;
        mote_message_parts(&m, &part, 1);
        read_all(&m, len % 3 == 0 ? 4096 : 0);
        assert_int_equal(decode(body_of("base64"), decoded), len);
        assert_memory_equal(decoded, octets, len);
    }
}

/* ---- Cuts -------------------------------------------------------------------------------------------------------- */

static const struct mote_field own_fields[] = {
    {"X-Site", "Gr\303\274n 7, Haus 3 (\303\266stlich vom Bach, am Ende der Welt)"},
    {"List-Unsubscribe", "<https://example.com/a/quite/long/path/that/goes/on/and/on/for/ever/and/ever>, <x>"}};

static const struct mote_fields fields = {.name = "Pump \"3\" \303\274ber uns",
                                          .reply_to = "ops@example.com",
                                          .list = own_fields,
                                          .count = 2,
                                          .priority = MOTE_PRIORITY_HIGH};

static struct source cut_sources[3];
static struct mote_part cut_parts[6];

static void all_of_it(struct mote_message *m)
{
    *m = sample();
    cut_sources[0] = source_of(700);
    cut_sources[1] = source_of(0);
    cut_sources[2] = source_of(58);
    cut_sources[2].at_most = 1;
    cut_parts[0] = (struct mote_part){.type = "text/html", .text = "<p>F\303\274r alle</p>", .alternative = true};
    cut_parts[1] = (struct mote_part){.type = "text/x-amp-html", .text = "", .alternative = true};
    cut_parts[2] = attachment(&cut_sources[0]);
    cut_parts[2].name = "B\303\244r.jpg";
    cut_parts[3] = (struct mote_part){.type = "text/csv", .text = "1,2,3\n", .text_len = 3, .name = "a.csv"};
    cut_parts[4] = attachment(&cut_sources[1]);
    cut_parts[5] = attachment(&cut_sources[2]);
    cut_parts[5].name = NULL;
    mote_message_parts(m, cut_parts, 6);
    mote_message_fields(m, &fields);
}

static void any_cut_reads_the_same(void **state)
{
    static char whole[OUTPUT_MAX];
    struct mote_message m;
    size_t len;

    seed = 1;
    all_of_it(&m);
    assert_int_equal(mote_message_check(&m), MOTE_CAUSE_NONE);
    read_all(&m, OUTPUT_MAX / 2);
    memcpy(whole, output, sizeof whole);
    len = output_len;
    for (size_t cap = 0; cap <= 300; cap++) {
        read_all(&m, cap);
        assert_int_equal(output_len, len);
        assert_memory_equal(output, whole, len);
    }
}

static void offset_zero_starts_again(void **state)
{
    static char whole[OUTPUT_MAX];
    struct mote_message m;
    size_t len;

    seed = 2;
    all_of_it(&m);
    read_all(&m, 100);
    memcpy(whole, output, sizeof whole);
    len = output_len;
    for (size_t stop = 1; stop < len; stop++) {
        assert_int_equal(read_some(&m, 0, stop), stop);
        assert_int_equal(read_some(&m, 0, len), len);
        assert_int_equal(read_some(&m, len, 1), 0);
        assert_memory_equal(output, whole, len);
    }
}

/* No line is over 78 octets but where a name, a type, an address or a long word is. */
static void lines_are_short(void **state)
{
    struct mote_message m;

    seed = 3;
    all_of_it(&m);
    read_all(&m, 100);
    for (const char *line = output; *line != 0; line = strstr(line, "\r\n") + 2) {
        size_t len = strcspn(line, "\r\n");

        assert_true(len <= 78 || strncmp(line, "List-Unsubscribe: <https:", 25) == 0);
        assert_true(strncmp(line + len, "\r\n", 2) == 0);
    }
}

/* ---- A reader that fails ----------------------------------------------------------------------------------------- */

static void reader_fails(void **state)
{
    for (size_t cap = 1; cap < 200; cap++) {
        for (size_t at = 0; at < 120; at += 7) {
            struct source source = source_of(120);
            struct mote_message m = sample();
            struct mote_part part = attachment(&source);
            size_t got, len = 0;

            source.at_most = 1;
            source.fails_at = at;
            mote_message_parts(&m, &part, 1);
            while ((got = read_some(&m, len, cap)) != MOTE_READ_FAILED) {
                assert_true(got != 0);
                len += got;
            }
            source.fails_at = SIZE_MAX;
            read_all(&m, cap); /* and starts again */
        }
    }
}

static size_t read_nothing(void *ctx, size_t offset, void *buf, size_t cap)
{
    return 0;
}

static size_t read_too_much(void *ctx, size_t offset, void *buf, size_t cap)
{
    return cap + 1;
}

static void reader_is_wrong(void **state)
{
    size_t (*const readers[])(void *, size_t, void *, size_t) = {read_nothing, read_too_much};

    for (size_t i = 0; i < 2; i++) {
        struct mote_message m = sample();
        struct mote_part part = {.type = "a/b", .read = readers[i], .size = 10};
        struct mote_mail mail = {.read = mote_message_read, .ctx = &m};

        mote_message_parts(&m, &part, 1);
        assert_int_equal(mote_mail_measure(&mail), MOTE_CAUSE_STORAGE);
    }
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void assert_refused(struct mote_message *m, uint8_t cause, const char *wrong)
{
    char octet = 1;

    assert_int_equal(mote_message_check(m), cause);
    assert_string_equal(mote_message_wrong(m), wrong);
    assert_int_equal(mote_message_read(m, 0, &octet, 1), 1);
    assert_int_equal(octet, 0);
    assert_int_equal(mote_message_read(m, 1, &octet, 1), 0);
}

#define OCTETS_51  "0123456789012345678901234567890123456789012345678\303\244"
#define OCTETS_255 OCTETS_51 OCTETS_51 OCTETS_51 OCTETS_51 OCTETS_51

static void parts_refused(void **state)
{
    static const struct mote_part bad[] = {
        {.type = NULL, .text = ""},
        {.type = "", .text = ""},
        {.type = "text/html\r\nX: y", .text = ""},
        {.type = "text/h\303\274", .text = ""},
        {.type = "text/html", .text = "a\0b", .text_len = 3},
        {.type = "text/html", .name = "a\nb", .text = ""},
        {.type = "text/html", .name = "a\tb", .text = ""},
        {.type = "text/html", .name = OCTETS_255 "x", .text = ""},
        {.type = "image/png", .size = 1},
        {.type = "image/png", .size = 0},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mote_message m = sample();

        mote_message_parts(&m, &bad[i], 1);
        assert_refused(&m, MOTE_CAUSE_TEXT, "part");
    }
}

/* Each arrives as it is: in one line, which no relay breaks, and no reader takes it for an encoded-word. */
static void file_names(void **state)
{
    static const struct {
        const char *name, *written;
    } cases[] = {{"", "=\"\""},
                 {"a b.csv", "=\"a b.csv\""},
                 {"x\\y", "*=UTF-8''%78%5C%79"},
                 {"=?utf-8?q?x?=", "*=UTF-8''%3D%3F%75%74%66%2D%38%3F%71%3F%78%3F%3D"},
                 {OCTETS_255, "*=UTF-8''%30%31%32"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mote_part part = {.type = "text/html", .name = cases[i].name, .text = ""};
        struct mote_message m = sample();
        const char *at;

        mote_message_parts(&m, &part, 1);
        assert_int_equal(mote_message_check(&m), MOTE_CAUSE_NONE);
        read_all(&m, 512);
        at = strstr(output, " filename");
        assert_non_null(at);
        assert_memory_equal(at + 9, cases[i].written, strlen(cases[i].written));
        assert_true(strcspn(at, "\r") <= 998);
    }
}

static void alternatives_come_first(void **state)
{
    static const struct mote_part parts[] = {{.type = "text/html", .text = "", .alternative = true},
                                             {.type = "text/css", .text = ""},
                                             {.type = "text/html", .text = "", .alternative = true}};
    struct mote_message m = sample();

    mote_message_parts(&m, parts, 3);
    assert_refused(&m, MOTE_CAUSE_TEXT, "part");
}

static void fields_refused(void **state)
{
    static const struct mote_field bad[] = {
        {"X-A", "a\r\nBcc: b"}, {"X-A", "a\tb"}, {"X-A", NULL}, {"X-A", ""},        {"", "a"},
        {"X A", "a"},           {"X:A", "a"},    {"X\n", "a"},  {"X\303\244", "a"}, {"X\177", "a"}};
    static const struct mote_fields others[] = {
        {.name = "a\rb"}, {.reply_to = "a b@c"}, {.reply_to = ""}, {.reply_to = "a@b\nX: y"}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mote_fields list = {.list = &bad[i], .count = 1};
        struct mote_message m = sample();

        mote_message_fields(&m, &list);
        assert_refused(&m, MOTE_CAUSE_HEADER, "further field");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct mote_message m = sample();

        mote_message_fields(&m, &others[i]);
        assert_refused(&m, MOTE_CAUSE_HEADER, "further field");
    }
}

/* Of 60 octets at most. */
static void long_names(void **state)
{
    static char name[62];
    static const struct mote_field own = {name, "a"};
    static const struct mote_fields list = {.list = &own, .count = 1};
    struct mote_message m = sample();

    memset(name, 'X', 60);
    mote_message_fields(&m, &list);
    assert_int_equal(mote_message_check(&m), MOTE_CAUSE_NONE);
    name[60] = 'X';
    assert_refused(&m, MOTE_CAUSE_HEADER, "further field");
}

static void bcc_is_refused_too(void **state)
{
    static const char *const bcc[] = {"a@b", "a b"};
    struct mote_message m = sample();

    m.bcc = bcc;
    m.bcc_count = 2;
    assert_refused(&m, MOTE_CAUSE_ADDRESS, "Bcc");
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

static void named(const struct mote_fields *f, const char *header)
{
    struct mote_message m = sample();

    mote_message_fields(&m, f);
    for (size_t cap = 1; cap < 200; cap++) {
        read_all(&m, cap);
        assert_string_equal(output, header);
    }
}

static void names(void **state)
{
    named(&(struct mote_fields){.name = "Pump 3 (hall)"},
          HEADER_OF("From: \"Pump 3 (hall)\"\r\n <mote@example.com>\r\n") TEXT);
    named(&(struct mote_fields){.name = "J\303\274rgen, R."},
          HEADER_OF("From: =?UTF-8?Q?J=C3=BCrgen=2C=20R=2E?=\r\n <mote@example.com>\r\n") TEXT);
    named(&(struct mote_fields){.name = "a \"b\""},
          HEADER_OF("From: =?UTF-8?Q?a=20=22b=22?=\r\n <mote@example.com>\r\n") TEXT);
    named(&(struct mote_fields){.name = "a\\b"}, HEADER_OF("From: =?UTF-8?Q?a=5Cb?=\r\n <mote@example.com>\r\n") TEXT);
    named(&(struct mote_fields){.name = ""}, HEADER TEXT);
}

static void other_fields(void **state)
{
    static const struct mote_field own = {"X-Site", "Hall 3"};

    named(&(struct mote_fields){.reply_to = "ops@example.com", .priority = MOTE_PRIORITY_LOW, .list = &own, .count = 1},
          HEADER_OF("X-Site: Hall 3\r\n"
                    "Importance: low\r\nX-Priority: 5\r\n"
                    "Reply-To: ops@example.com\r\n"
                    "From: mote@example.com\r\n") TEXT);
    named(&(struct mote_fields){.priority = MOTE_PRIORITY_HIGH},
          HEADER_OF("Importance: high\r\nX-Priority: 1\r\nFrom: mote@example.com\r\n") TEXT);
}

/* A word that is not encoded is folded nowhere, and so it is on one line with the name; the next word has one of its own. */
static void long_words(void **state)
{
    static const size_t lens[] = {64, 65, 247, 250, 899, 900};
    static char value[904], line[1000];
    struct mote_field own = {"X-Word", value};
    struct mote_fields list = {.list = &own, .count = 1};
    struct mote_message m = sample();

    mote_message_fields(&m, &list);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        memset(value, 'x', lens[i]);
        memcpy(value + lens[i], " y", 3);
        read_all(&m, 0);
        memcpy(line, "X-Word: ", 8);
        memcpy(line + 8, value, lens[i]);
        memcpy(line + 8 + lens[i], "\r\n y\r\nFrom: ", 13);
        assert_int_equal(strncmp(output, line, strlen(line)), 0);
    }
    memset(value, 'x', 901); /* longer ones are encoded */
    value[901] = 0;
    read_all(&m, 0);
    assert_null(
        strstr(output, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
}

/* ---- The mail ---------------------------------------------------------------------------------------------------- */

static void is_measured(void **state)
{
    static const char *const bcc[] = {"boss@example.org"};
    struct mote_rcpt rcpts[2];
    struct mote_message m;
    struct mote_mail mail;

    seed = 4;
    all_of_it(&m);
    m.bcc = bcc;
    m.bcc_count = 1;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_TOO_MANY);
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 2), MOTE_CAUSE_NONE);
    assert_int_equal(mail.rcpt_count, 2);
    assert_string_equal(mail.rcpts[1].address, bcc[0]);
    assert_int_equal(cut_sources[0].at, 0); /* nothing of an attachment was read */
    read_all(&m, 100);
    assert_int_equal(mail.size, output_len);
    assert_null(strstr(output, bcc[0]));
}

/* The size is what is read, for every size of an attachment; 4 GiB are no mail. */
static void sizes_are_exact(void **state)
{
    struct mote_rcpt rcpts[1];
    struct mote_mail mail;

    for (size_t len = 0; len < 300; len++) {
        struct source source = source_of(len);
        struct mote_message m = sample();
        struct mote_part part = attachment(&source);

        mote_message_parts(&m, &part, 1);
        assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_NONE);
        read_all(&m, 4096);
        assert_int_equal(mail.size, output_len);
        if (len == 0) {
            part.size = UINT32_MAX / 79 * 57;
            assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_NONE);
            part.size = UINT32_MAX / 78 * 57;
            assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_TEXT);
            assert_null(mail.read);
        }
    }
}

/* Nor is any size beyond those, as of a file whose length could not be told. */
static void sizes_of_no_mail(void **state)
{
    const size_t sizes[] = {SIZE_MAX,         SIZE_MAX - 1,       SIZE_MAX - 57,           SIZE_MAX / 2,
                            SIZE_MAX / 4 * 3, (size_t)UINT32_MAX, (size_t)UINT32_MAX - 57, SIZE_MAX / 26 * 19};
    struct mote_rcpt rcpts[1];
    struct mote_mail mail;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct source source = source_of(0);
        struct mote_part part[2] = {attachment(&source), attachment(&source)};
        struct mote_message m = sample();

        part[0].size = part[1].size = sizes[i];
        mote_message_parts(&m, part, 1);
        assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1),
                         sizes[i] < UINT32_MAX / 79 * 57 ? MOTE_CAUSE_NONE : MOTE_CAUSE_TEXT);
        mote_message_parts(&m, part, 2);
        assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_TEXT);
    }
}

/* To the octet: an attachment as long as it can be, and then a subject that grows. */
static void largest_size(void **state)
{
    static const char subject[] = "12345678";
    struct source source = source_of(0);
    struct mote_part part = attachment(&source);
    struct mote_message m = sample();
    struct mote_rcpt rcpts[1];
    struct mote_mail mail;
    uint32_t left;

    mote_message_parts(&m, &part, 1);
    m.subject = subject + 7;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_NONE);
    left = UINT32_MAX - mail.size;
    part.size = left / 78 * 57 + left % 78 / 4 * 3 - 3;
    assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), MOTE_CAUSE_NONE);
    left = UINT32_MAX - mail.size;
    assert_in_range(left, 1, 6);
    for (unsigned more = 0; more < 8; more++) {
        m.subject = subject + 7 - more;
        assert_int_equal(mote_message_mail(&m, &mail, rcpts, 1), more <= left ? MOTE_CAUSE_NONE : MOTE_CAUSE_TEXT);
        assert_int_equal(mail.read == NULL, more > left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attachment),
        cmocka_unit_test(texts_and_alternatives),
        cmocka_unit_test(alternatives_alone),
        cmocka_unit_test(no_parts_is_a_text),
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(any_cut_reads_the_same),
        cmocka_unit_test(offset_zero_starts_again),
        cmocka_unit_test(lines_are_short),
        cmocka_unit_test(reader_fails),
        cmocka_unit_test(reader_is_wrong),
        cmocka_unit_test(parts_refused),
        cmocka_unit_test(file_names),
        cmocka_unit_test(alternatives_come_first),
        cmocka_unit_test(fields_refused),
        cmocka_unit_test(bcc_is_refused_too),
        cmocka_unit_test(names),
        cmocka_unit_test(other_fields),
        cmocka_unit_test(long_names),
        cmocka_unit_test(long_words),
        cmocka_unit_test(is_measured),
        cmocka_unit_test(sizes_are_exact),
        cmocka_unit_test(sizes_of_no_mail),
        cmocka_unit_test(largest_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

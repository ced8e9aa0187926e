/* SPDX-License-Identifier: MIT
 *
 * The header of a message as callers of sendmail write it: lists of addresses, and what is made of a field. Then fields put
 * together at random.
 */
#define _GNU_SOURCE

#include "../../boards/host/args.h"
#include "../../boards/host/header.h"
#include "../../boards/host/header_line.h"
#include "../../boards/host/utf8.h"
#include "one.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

/* A list, told: addresses as name|address|comment, groups as name: and ;, what has no address as (name), the end of what can
 * be read as !. */
static const char *told_of(struct span rest)
{
    static char text[4000];
    size_t at = 0;
    struct address a;

    text[0] = 0;
    for (address_next(&rest, &a); a.kind != ADDRESS_END; address_next(&rest, &a)) {
        const char *blank = at == 0 ? "" : " ";

        if (a.kind == ADDRESS_ONE) {
            assert_true(!a.has_domain || strchr(a.spec, '@') != NULL);
            at += (size_t)sprintf(text + at, "%s%.*s|%s|%.*s", blank, (int)a.name.len, a.name.len ? a.name.at : "",
                                  a.spec, (int)a.comment.len, a.comment.len ? a.comment.at : "");
        } else if (a.kind == ADDRESS_WRONG) {
            at += (size_t)sprintf(text + at, "%s!", blank);
            break;
        } else {
            at += (size_t)sprintf(text + at,
                                  a.kind == ADDRESS_GROUP       ? "%s%.*s:"
                                  : a.kind == ADDRESS_GROUP_END ? "%s%.*s;"
                                                                : "%s(%.*s)",
                                  blank, (int)a.name.len, a.name.len ? a.name.at : "");
        }
    }
    return text;
}

/* The list lies at the end of a block of its own, so that reading too far is seen by the sanitizers. */
static const char *told(const char *list)
{
    size_t len = strlen(list);
    char *copy = malloc(len + 1);
    const char *text;

    assert_non_null(copy);
    memcpy(copy + 1, list, len);
    text = told_of((struct span){copy + 1, len});
    free(copy);
    return text;
}

static const struct {
    const char *list, *told;
} lists[] = {
    {"", ""},
    {" \t\r\n ", ""},
    {",, ,", ""},
    {"(nobody)", ""},
    {"(nobody), a@b", "|a@b|"},
    {"root", "|root|"},
    {"a@b.test", "|a@b.test|"},
    {"a@b,c@d", "|a@b| |c@d|"},
    {"a@b , c@d,", "|a@b| |c@d|"},
    {"<a@b>,<c@d>", "|a@b| |c@d|"},
    {"Ann B. Cee <a@b>", "Ann B. Cee|a@b|"},
    {"\"Cee, Ann\" <a@b>, root", "\"Cee, Ann\"|a@b| |root|"},
    {"\"q \\\" , <x@y>\" <a@b>", "\"q \\\" , <x@y>\"|a@b|"},
    {"root (Cron Daemon)", "|root|Cron Daemon"},
    {"root (a (nested, one) b)", "|root|a (nested, one) b"},
    {"(x) a (y) @ (z) b.test", "|a@b.test|x"},
    {"a . b @ c . test", "|a.b@c.test|"},
    {"Ann\r\n <a@b>,\r\n\tc@d", "Ann|a@b| |c@d|"},
    {"Ann <a@b> (home)", "Ann|a@b|home"},
    {"a@b <a@b>", "a@b|a@b|"},
    {"<@relay.test,@other.test:a@b>", "|a@b|"},
    {"<>", "||"},
    {"undisclosed-recipients:;", "undisclosed-recipients: ;"},
    {"Staff: Ann <a@b>, c@d; e@f", "Staff: Ann|a@b| |c@d| ; |e@f|"},
    {"Staff: (nobody);", "Staff: ;"},
    {"Empty:;, Other: a@b;", "Empty: ; Other: |a@b| ;"},
    {"a@b; c@d", "|a@b| ; |c@d|"},
    {"a@[192.0.2.1]", "|a@[192.0.2.1]|"},
    {"\"a b\"@c.test", "|\"a b\"@c.test|"},
    {"Gr\xc3\xbc\xc3\x9f <a@b>", "Gr\xc3\xbc\xc3\x9f|a@b|"},
    {"Ann Bee", "(Ann Bee)"},
    {"Ann Bee, a@b", "(Ann Bee) |a@b|"},
    {"a@b c@d", "!"},
    {"a@b Ann", "!"},
    {"Ann <a@b", "!"},
    {"Ann <a b@c>", "!"},
    {"<a@b> Ann", "!"},
    {"a@b>", "!"},
    {"\"Ann <a@b>", "!"},
    {"a@b, (open", "|a@b| !"},
    {"a@[192.0.2.1", "!"},
    {"\"x\\", "!"},
};

static void list_is_read(void **state)
{
    for (size_t i = 0; i < COUNT(lists); i++) {
        assert_string_equal(told(lists[i].list), lists[i].told);
    }
}

/* What stands behind a list is no part of it, whatever it is. */
static void list_has_an_end(void **state)
{
    static const char behind[] = "()<>[]:;@\\,.\" a";

    for (size_t i = 0; i < COUNT(lists); i++) {
        for (const char *octet = behind; *octet != 0; octet++) {
            char text[100];
            int len = snprintf(text, sizeof text, "%s%c", lists[i].list, *octet);

            assert_string_equal(told_of((struct span){text, (size_t)len - 1}), lists[i].told);
        }
    }
}

/* Longer than any address: it is none, and nothing is written behind the place for one. */
static void list_long(void **state)
{
    static char text[100000];

    memset(text, 'a', sizeof text - 1);
    struct span rest = {text, strlen(text)};
    struct address address;

    address_next(&rest, &address);
    assert_int_equal(address.kind, ADDRESS_NAMELESS);
    memcpy(text + sizeof text - 8, " <b@c>", 7);
    rest = (struct span){text, strlen(text)};
    address_next(&rest, &address);
    assert_int_equal(address.kind, ADDRESS_ONE);
    assert_string_equal(address.spec, "b@c");
    memset(text, '(', sizeof text - 1);
    assert_string_equal(told(text), "!");
}

/* A NUL is an octet of a word, and ends no list. */
static void list_with_nul(void **state)
{
    static const char text[] = "A\0n\0 (x) <a@b>, c@d";
    struct span rest = {text, sizeof text - 1};
    struct address address;

    address_next(&rest, &address);
    assert_int_equal(address.kind, ADDRESS_ONE);
    assert_string_equal(address.spec, "a@b");
    assert_true(address.name.len == 4 && memcmp(address.name.at, "A\0n\0", 4) == 0);
    address_next(&rest, &address);
    assert_string_equal(address.spec, "c@d");
}

static void too_little_room(void **state)
{
    char to[6];

    assert_int_equal(address_words(to, sizeof to, (struct span){"\"An\tn\" Bee", 10}), 5);
    assert_string_equal(to, "An n ");
    assert_int_equal(field_unfold(to, sizeof to, (struct span){"An\r\n\tn Bee", 11}), 5);
    assert_string_equal(to, "An n ");
    assert_true(header_complete(to, sizeof to, "a@b", true, "c"));
    assert_true(header_complete(to, sizeof to, "a", false, "b.c"));
    assert_string_equal(to, "a@b.c");
    assert_false(header_complete(to, sizeof to, "a", false, "b.cd"));
    assert_false(header_complete(to, sizeof to, "a", false, ""));
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

static const struct header_rules complete = {.from = "s@own.test", .domain = "nas.test", .charset = "unknown-8bit"};
static const struct header_rules written = {
    .from = "s@own.test", .name = "Own", .domain = "nas.test", .charset = "iso-8859-1", .from_field = FROM_WRITTEN};
static const struct header_rules nobody = {
    .from = "", .domain = "nas.test", .charset = "us-ascii", .from_field = FROM_WRITTEN};
static const struct header_rules left = {
    .from = "s@own.test", .domain = "", .charset = "unknown-8bit", .from_field = FROM_LEFT};

static char *made_of(struct span field, const struct header_rules *rules)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    header_write(out, field, rules);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Of a field that lies at the end of a block of its own. */
static char *made(const char *field, const struct header_rules *rules)
{
    size_t len = strlen(field);
    char *copy = malloc(len), *text;

    assert_non_null(copy);
    memcpy(copy, field, len);
    text = made_of((struct span){copy, len}, rules);
    free(copy);
    return text;
}

static const struct {
    const struct header_rules *rules;
    const char *field, *made;
} fields[] = {
    {&complete, "Subject: plain,  as it\tis", "Subject: plain,  as it\tis\r\n"},
    {&complete, "To: Ann <a@b.test>,\r\n c@d", "To: Ann <a@b.test>,\r\n c@d\r\n"},
    {&complete, "Subject \t: x", "Subject \t: x\r\n"},
    {&complete, "X: a\r\n \r\n\tb", "X: a\r\n \tb\r\n"},
    {&complete, "X: a\r\n \t\r\n  ", "X: a\r\n"},
    {&complete, "X:\r\n \r\n a  b ", "X:\r\n  a  b \r\n"},
    {&complete, "Content-Type: a;\r\n          b=\xc3\xbc", "Content-Type: a;\r\n          b*=UTF-8''%C3%BC\r\n"},
    {&complete, "To: \"a\r\n\tb\"@c, root", "To: \"a\tb\"@c,\r\n root@nas.test\r\n"},
    {&complete, "X-Text\r\n :\r\n x\r\n y", "X-Text:\r\n x\r\n y\r\n"},
    {&complete, "Content-Type\n : text/plain; name=\xfc", "Content-Type: text/plain; name*=unknown-8bit''%FC\r\n"},
    {&complete, "To: root", "To: root@nas.test\r\n"},
    {&complete, "cc : root, Ann <ann> (x), c@d", "cc: root@nas.test,\r\n Ann <ann@nas.test> (x),\r\n c@d\r\n"},
    {&complete, "To: Staff: root, \"B, C\" <b@c>;, d",
     "To: Staff: root@nas.test,\r\n \"B, C\" <b@c>;,\r\n d@nas.test\r\n"},
    {&complete, "To: none:;", "To: none:;\r\n"},
    {&complete, "To: root, none: (nobody);", "To: root@nas.test,\r\n none:;\r\n"},
    {&complete, "To: none:;, root, No: ;, d", "To: none:;,\r\n root@nas.test,\r\n No:;,\r\n d@nas.test\r\n"},
    {&complete, "Cc: B\xc3\xbc: a@b;", "Cc: =?UTF-8?Q?B=C3=BC?= : a@b;\r\n"},
    {&complete, "To: Ann Bee", "To: Ann Bee\r\n"},
    {&complete, "X-To: root", "X-To: root\r\n"},
    {&complete, "From: root (Cron Daemon)", "From: Cron Daemon <root@nas.test>\r\n"},
    {&complete, "From: root (Cron (a) Daemon)", "From: \"Cron (a) Daemon\" <root@nas.test>\r\n"},
    {&complete, "From: a@b (Cron Daemon)", "From: a@b (Cron Daemon)\r\n"},
    {&complete, "From: Cron Daemon", "From: Cron Daemon <s@own.test>\r\n"},
    {&complete, "From: \"Cron Daemon\"", "From: Cron Daemon <s@own.test>\r\n"},
    {&complete, "From: a@b c@d", "From: \"a@b c@d\" <s@own.test>\r\n"},
    {&complete, "From:", "From: s@own.test\r\n"},
    {&complete, "From: <>", "From: \"<>\" <s@own.test>\r\n"},
    {&complete, "From: J\xc3\xb6rg M <a@b>", "From: =?UTF-8?Q?J=C3=B6rg?= M <a@b>\r\n"},
    {&complete, "From: \"M, J\xc3\xb6rg\" <a@b>", "From: =?UTF-8?Q?M=2C_J=C3=B6rg?= <a@b>\r\n"},
    {&complete, "To: a@b (J\xc3\xb6rg)", "To: =?UTF-8?Q?J=C3=B6rg?= <a@b>\r\n"},
    {&complete, "To: root (x), Y <b> (z), c (\"\"), d ()",
     "To: x <root@nas.test>,\r\n Y <b@nas.test> (z),\r\n c@nas.test,\r\n d@nas.test\r\n"},
    {&complete, "To: Ann <a@b> (J\xc3\xb6rg), c", "To: Ann <a@b> (=?UTF-8?Q?J=C3=B6rg?=),\r\n c@nas.test\r\n"},
    {&complete, "To: =?UTF-8?Q?J=C3=B6rg?= \xc3\xbc <a@b>",
     "To: =?UTF-8?Q?J=C3=B6rg?= =?UTF-8?Q?_?= =?UTF-8?Q?=C3=BC?= <a@b>\r\n"},
    {&complete, "Subject: \xc3\xbc =?UTF-8?Q?x?= =?UTF-8?Q?y?= b",
     "Subject: =?UTF-8?Q?=C3=BC?= =?UTF-8?Q?_?= =?UTF-8?Q?x?= =?UTF-8?Q?y?= b\r\n"},
    {&complete, "Subject: a \xc3\xbc  \xc3\xb6 b", "Subject: a =?UTF-8?Q?=C3=BC__=C3=B6?= b\r\n"},
    {&complete, "Subject: \xc3\xbc\r\n\tb", "Subject: =?UTF-8?Q?=C3=BC?= b\r\n"},
    {&complete,
     "Subject: Gr\xfc\xdf"
     "e",
     "Subject: =?unknown-8bit?Q?Gr=FC=DFe?=\r\n"},
    {&written,
     "Subject: Gr\xfc\xdf"
     "e",
     "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n"},
    {&complete, "Content-Disposition: attachment;\r\n filename=\"Gr\xc3\xbc n.txt\"; size=3",
     "Content-Disposition: attachment;\r\n filename*=UTF-8''Gr%C3%BC%20n.txt; size=3\r\n"},
    {&complete, "Content-Type: text/plain; name=\xfc; x=\"a\\\"\xc3\xbc\"",
     "Content-Type: text/plain; name*=unknown-8bit''%FC; x*=UTF-8''a%22%C3%BC\r\n"},
    {&complete, "Content-Type: \xc3\xbc/x; a=\"b", "Content-Type: ?\?/x; a=\"b\r\n"},
    {&complete, "Content-Type: text/plain; name=\"\xc3\xbc", "Content-Type: text/plain; name*=UTF-8''%C3%BC\r\n"},
    {&complete, "Content-Type: text/plain; name=\"\xc3\xbc\\", "Content-Type: text/plain; name*=UTF-8''%C3%BC%5C\r\n"},
    {&complete, "Content-Description: \xc3\xbc", "Content-Description: =?UTF-8?Q?=C3=BC?=\r\n"},
    {&written, "From: Ann <a@b>", "From: Ann <s@own.test>\r\n"},
    {&written, "From: a@b", "From: Own <s@own.test>\r\n"},
    {&written, "From: root (Ann)", "From: Ann <s@own.test>\r\n"},
    {&written, "From: A <a@b>", "From: A <s@own.test>\r\n"},
    {&nobody, "From: Ann <a@b>", "From: Ann <a@b>\r\n"},
    {&complete, "Subject: \xc3\xbc{", "Subject: =?UTF-8?Q?=C3=BC=7B?=\r\n"},
    {&complete, "Content-Type: text/plain; name=\xc3\xbc{_-.",
     "Content-Type: text/plain; name*=UTF-8''%C3%BC%7B_-.\r\n"},
    {&complete, "Content-Type: text/plain; name=\xc3\xbc`az{@AZ[/09:,+^",
     "Content-Type: text/plain; name*=UTF-8''%C3%BC%60az%7B%40AZ%5B%2F09%3A%2C%2B%5E\r\n"},
    {&left, "From: root (Ann)", "From: root (Ann)\r\n"},
    {&left, "To: root", "To: root\r\n"},
};

static void field_is_made(void **state)
{
    for (size_t i = 0; i < COUNT(fields); i++) {
        char *text = made(fields[i].field, fields[i].rules);

        assert_string_equal(text, fields[i].made);
        free(text);
    }
}

static void field_with_nul(void **state)
{
    char *text = made_of((struct span){"Subject: \xc3\xbc\0x", 13}, &complete);

    assert_string_equal(text, "Subject: =?UTF-8?Q?=C3=BC=00x?=\r\n");
    free(text);
}

/* A name of more than 998 octets, the room of a line, is cut behind them, in each kind of field; one that has as many is whole. */
static void field_with_a_long_name(void **state)
{
    static const char *const forms[] = {"From: %s <a@b>", "To: \xc3\xbc%s <a@b>", "To: root (\xc3\xbc%s)",
                                        "Content-Disposition: inline; filename=\"\xc3\xbc%s\""};

    for (size_t i = 0; i < COUNT(forms); i++) {
        unsigned most = i == 0 ? 998 : 996;

        for (unsigned len = most - 1; len < most + 3; len++) {
            char name[1001] = "", field[1100], *text;
            unsigned count = 0;

            snprintf(field, sizeof field, forms[i], (char *)memset(name, 'z', len));
            text = made(field, &written);
            for (const char *at = text; (at = strchr(at, 'z')) != NULL; at++) {
                count++;
            }
            assert_int_equal(count, len < most ? len : most);
            free(text);
        }
    }
}

/* An address as long as one may be, 254 octets, is one, given whole or completed; with one more it is a name of nobody. */
static void field_with_a_long_address(void **state)
{
    for (int more = 0; more < 2; more++) {
        char domain[200], local[65] = "", field[600], wanted[600], *text;
        struct header_rules rules = complete;

        memset(local, 'a', sizeof local - 1);
        memset(domain, 'b', sizeof domain);
        domain[63] = domain[127] = '.';
        domain[189 + more] = 0;
        rules.domain = domain;
        for (int bare = 0; bare < 2; bare++) {
            sprintf(field, "From: %s%s%s (x)", local, bare ? "" : "@", bare ? "" : domain);
            sprintf(wanted,
                    more   ? "From: \"%s%s%s (x)\" <s@own.test>\r\n"
                    : bare ? "From: x <%s%s%s>\r\n"
                           : "From: %s%s%s (x)\r\n",
                    local, bare && more ? "" : "@", bare && more ? "" : domain);
            text = made(field, &rules);
            assert_string_equal(text, wanted);
            free(text);
        }
    }
}

/* Where it was folded makes no difference: those octets take no room in an encoded-word. */
static void field_folded(void **state)
{
    for (unsigned i = 0; i < 30 * 8; i++) {
        char straight[200], folded[200], *once, *twice;

        sprintf(straight, "Subject: %.*s\xc3\xbc", (int)(i % 8), "xxxxxxx");
        strcpy(folded, straight);
        for (unsigned more = 0; more < i / 8; more++) {
            strcat(straight, " \xc3\xb6");
            strcat(folded, "\r\n \xc3\xb6");
        }
        once = made(straight, &complete);
        twice = made(folded, &complete);
        assert_string_equal(once, twice);
        free(once);
        free(twice);
    }
}

/* Encoded-words end where a line with them may (RFC 2047 2), and not long before, whatever the name of the field and what stands in
 * front of them. */
static void field_encoded_in_short_lines(void **state)
{
    static const char *const starts[] = {"To: ",
                                         "Resent-Reply-To: ",
                                         "Subject: ",
                                         "X-Rather-Long-Name-Of-A-Field: ",
                                         "From: ",
                                         "Reply-To: a@b,\r\n c@d, ",
                                         "Cc: Staff of the house: "};

    for (size_t i = 0; i < COUNT(starts) * 150; i++) {
        char field[1000] = "", *text;
        long longest = 0;

        strcat(field, starts[i / 150]);
        for (size_t n = 0; n <= i % 150; n++) {
            strcat(field, n % 7 == 6 ? " \xc3\xbc" : "\xc3\xbc");
        }
        strcat(field, " <r@x>");
        text = made(field, &complete);
        for (const char *line = text, *at = text; (at = strstr(at, "?=")) != NULL; at += 2) {
            for (const char *end = strstr(line, "\r\n"); end < at; end = strstr(line, "\r\n")) {
                line = end + 2;
            }
            longest = at + 2 - line > longest ? at + 2 - line : longest;
        }
        assert_in_range(longest, i % 150 < 20 ? 1 : 67, 76);
        free(text);
    }
}

/* The first of them goes up to the 76th octet of its line, or the 73rd where ");," may follow, whatever stands in front of it; %s is a
 * name that is parted. */
static void field_encoded_in_whole_lines(void **state)
{
    static const struct {
        const char *start, *end;
    } forms[] = {
        {"To: ", " <r@x>"},
        {"Cc: a@b,\r\n ", " <r@x>"},
        {"Cc: Staff: ", " <r@x>;"},
        {"Cc: J\xc3\xb6: ", " <r@x>;"},
        {"Cc: %s: ", " <r@x>;"},
        {"Cc: Ann <a@b> (", ")"},
        {"Cc: %s <a@b> (", ")"},
        {"Cc: No: a, Ann <root> (", ");"},
        {"Cc: %s <a>, Ann <b> (", ")"},
        {"From: x ", ""},
        {"Subject: ", ""},
    };
    char name[501] = "";

    memset(name, 'a', sizeof name - 1);
    for (size_t i = 0; i < COUNT(forms) * 80; i++) {
        char start[600], field[800], *text, *first, *line;
        size_t wanted, most = strncmp(forms[i / 80].start, "Subject", 7) == 0 ? 76 : 73;

        sprintf(start, forms[i / 80].start, name);
        sprintf(field, "%s\xc3\xbc%0*zu%s", start, (int)(i % 80) + 1, (size_t)0, forms[i / 80].end);
        text = made(field, &complete);
        first = strstr(text, "=?UTF-8?Q?=C3=BC0");
        assert_non_null(first);
        for (line = first; line != text && line[-1] != '\n'; line--) {
        }
        wanted = (size_t)(first - line) + strlen("=?UTF-8?Q?=C3=BC") + i % 80 + 1 + strlen("?=");
        assert_int_equal(strstr(first + strlen("=?UTF-8?Q?"), "?=") + 2 - line, wanted < most ? wanted : most);
        free(text);
    }
}

/* ---- At random --------------------------------------------------------------------------------------------------- */

static uint32_t drawn(uint32_t below)
{
    static uint64_t state = 88172645463325252U;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 20) % below);
}

static const char *const pieces[] = {"a",    "root",     "b.test",
                                     "@",    ",",        ";",
                                     ":",    "<",        ">",
                                     "(",    ")",        "[",
                                     "]",    "\"",       "\\",
                                     ".",    " ",        "\r\n ",
                                     "\t",   "\xc3\xbc", "\xfc",
                                     "=?",   "?=",       "=?UTF-8?Q?x?=",
                                     "=",    "=\"",      "\xf0\x9f\x90\x81",
                                     "word", "x@y"};

static void draw_field(char *text)
{
    static const char *const names[] = {"From", "To", "Cc", "Subject", "X-Text", "Reply-To", "Content-Type"};
    static const char *const blanks[] = {"", "", " ", "\r\n\t"};

    sprintf(text, "%s%s: ", names[drawn(COUNT(names))], blanks[drawn(COUNT(blanks))]);
    for (uint32_t count = drawn(40); count > 0; count--) {
        strcat(text, pieces[drawn(COUNT(pieces))]);
    }
}

/* What stands behind a text is no part of its fields, wherever it is cut off. */
static void field_has_an_end(void **state)
{
    static const char whole[] = "A: b\r\n c\r\n\td\nE: f\r\n", behind[] = " \t\r\n:x";

    for (size_t len = 0; len < sizeof whole; len++) {
        char text[sizeof whole + 1] = {0};
        unsigned lines = 0;

        memcpy(text, whole, len);
        struct span rest = {text, len}, field = take_field(&rest, &lines);
        size_t named = field.len > 1, value = named != 0 ? field_value(field).len : 0;

        for (const char *octet = behind; *octet != 0; octet++) {
            struct span again = {text, len};
            unsigned count = 0;

            text[len] = *octet;
            assert_int_equal(take_field(&again, &count).len, field.len);
            assert_true(again.len == rest.len && count == lines);
            assert_int_equal(field_name_len(field), named);
            assert_int_equal(named != 0 ? field_value(field).len : 0, value);
        }
    }
}

/* Of lines that belong together, none of which is too long where there were words to fold between, and no encoded-word begins with
 * the rest of a character (80 to BF). */
static void check_made(const char *field, const char *text)
{
    struct span rest = {text, strlen(text)};
    unsigned lines = 0;
    struct span whole = take_field(&rest, &lines);

    assert_int_equal(rest.len, 0);
    assert_int_equal(whole.len + 2, strlen(text));
    assert_int_equal(field_name_len(whole), field_name_len((struct span){field, strlen(field)}));
    assert_true(line_len(&whole) > strcspn(text, ":"));
    for (const char *at = strpbrk(text, "\r\n"); at != NULL; at = strpbrk(at + 2, "\r\n")) {
        assert_memory_equal(at, "\r\n", 2);
    }
    for (const char *at = strstr(text, "=?UTF-8?Q?="); at != NULL; at = strstr(at + 1, "=?UTF-8?Q?=")) {
        assert_null(strchr("89AB", at[11]));
    }
    if (field_is(whole, "Subject") || field_is(whole, "X-Text")) {
        assert_false(has_8bit(text, strlen(text)));
    }
}

/* It is folded, but not at the blank in front of its colon; its lines are as long as they may be. */
static void field_long(void **state)
{
    char field[3200] = "X-Text :", *text, *second;

    memset(field + strlen(field), 'a', sizeof field - 1 - strlen(field));
    text = made(field, &complete);
    check_made(field, text);
    second = strstr(text, "\r\n") + 2;
    assert_int_equal(second - text, LINE_OCTETS + 2);
    assert_int_equal(strcspn(second, "\r"), LINE_OCTETS);
    free(text);
}

/* Where a line is parted: at the last blank that stands on it. Where no blank stands on a whole line's octets, behind the last comma
 * of these, else where it is full. */
static void field_parted(void **state)
{
    enum { FULL = LINE_OCTETS };
    static const struct {
        const char *field, *made;
        int len[2], parted[3];
    } rows[] = {
        {"X: %0*d %0*d", "X: %0*d\r\n %0*d\r\n", {FULL - 3, 600}, {FULL - 3, 600, 0}},
        {"X: %0*d %0*d", "X:\r\n %0*d\r\n %0*d\r\n", {FULL - 2, 600}, {FULL - 2, 600, 0}},
        {"X: %0*d,%0*d", "X: %0*d,\r\n %0*d\r\n", {FULL - 4, 600}, {FULL - 4, 600, 0}},
        {"X: %0*d,%0*d", "X:\r\n %0*d,\r\n %0*d\r\n", {FULL - 3, 600}, {FULL - 3, 600, 0}},
        {"X: %0*d,%0*d", "X:\r\n %0*d,\r\n %0*d\r\n", {FULL - 2, 600}, {FULL - 2, 600, 0}},
        {"X:%0*d,%0*d", "X:%0*d,\r\n %0*d\r\n", {FULL - 3, 600}, {FULL - 3, 600, 0}},
        {"X:%0*d,%0*d", "X:%0*d\r\n ,\r\n %0*d\r\n", {FULL - 2, 1000 - 3}, {FULL - 2, 1000 - 3, 0}},
        {"X: %0*d,%0*d,", "X: %0*d,\r\n %0*d,\r\n", {1, FULL - 2}, {1, FULL - 2, 0}},
        {"X: ,%0*d%0*d", "X: ,\r\n %0*d%0*d\r\n", {600, FULL - 601}, {600, FULL - 601, 0}},
        {"X:,%0*d%0*d", "X:,\r\n %0*d%0*d\r\n %0*d\r\n", {600, FULL - 600}, {600, FULL - 601, 1}},
        {"X: %0*d%0*d", "X:\r\n %0*d%0*d\r\n %0*d\r\n", {600, FULL - 600}, {600, FULL - 601, 1}},
        {"X:%0*d%0*d", "X:%0*d%0*d\r\n %0*d\r\n", {600, FULL - 601}, {600, FULL - 602, 1}},
        {"X : %0*d%0*d", "X : %0*d%0*d\r\n", {1, FULL - 5}, {1, FULL - 5, 0}},
        {"X : %0*d%0*d", "X: %0*d%0*d\r\n", {1, FULL - 4}, {1, FULL - 4, 0}},
        {"X:a %0*d,%0*d", "X:a %0*d,\r\n %0*d\r\n", {500, 600}, {500, 600, 0}},
        {"X: a %0*d,%0*d", "X: a\r\n %0*d,\r\n %0*d\r\n", {994, 600}, {994, 600, 0}},
        {"X: a, %0*d,%0*d", "X: a, %0*d,\r\n %0*d\r\n", {500, 600}, {500, 600, 0}},
        {"X: %0*d,a %0*d", "X: %0*d,a\r\n %0*d\r\n", {500, 600}, {500, 600, 0}},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char field[2500], wanted[2500], *text;

        sprintf(field, rows[i].field, rows[i].len[0], 0, rows[i].len[1], 0);
        sprintf(wanted, rows[i].made, rows[i].parted[0], 0, rows[i].parted[1], 0, rows[i].parted[2], 0);
        text = made(field, &complete);
        assert_string_equal(text, wanted);
        free(text);
    }
}

/* A name is parted where what stands behind the last blank has no room, be it in quotes or not, and no earlier. */
static void field_of_a_long_name(void **state)
{
    char field[1400], wanted[1400], *text;

    for (int quoted = 0; quoted < 2; quoted++) {
        const char *quote = quoted != 0 ? "\"" : "";

        for (int len = 300; len < 700; len++) {
            int whole = 4 + len + 1 + 500 + 2 * quoted;
            const char *first = whole > LINE_OCTETS ? "\r\n " : " ",
                       *second = *first == ' ' && whole + (int)strlen(" <root@nas.test>") > LINE_OCTETS ? "\r\n " : " ";

            sprintf(field, "To: %s%0*d %0500d%s <root>", quote, len, 0, 0, quote);
            sprintf(wanted, "To: %s%0*d%s%0500d%s%s<root@nas.test>\r\n", quote, len, 0, first, 0, quote, second);
            text = made(field, &complete);
            assert_string_equal(text, wanted);
            free(text);
        }
    }
}

/* More blanks than a line has room for are left out: no line has blanks alone, which some take for the end of the header. What fits is
 * as it was. */
static void field_gap(void **state)
{
    static const char *const starts[] = {"X-Text: a", "To: root, \"a", "Subject: \xc3\xbc a"};

    for (size_t gap = 1; gap < 3100; gap += gap < 100 || gap > 960 ? 1 : 97) {
        for (size_t i = 0; i < COUNT(starts); i++) {
            char field[3200] = "", *text, *end;
            size_t blanks = 0;

            strcat(field, starts[i]);
            memset(field + strlen(field), gap % 2 == 0 || i > 0 ? ' ' : '\t', gap);
            strcat(field, i == 1 ? "b\" <c@d>" : "b");
            text = made(field, &complete);
            check_made(field, text);
            for (const char *line = text; *line != 0; line = end + 2) {
                end = strstr(line, "\r\n");
                assert_true((size_t)(end - line) <= (i == 2 ? ENCODED_LINE_OCTETS : LINE_OCTETS));
                assert_true(strspn(line, " \t") < (size_t)(end - line));
            }
            for (const char *at = strrchr(text, 'a') + 1; *at != 'b'; at++) {
                blanks += *at == ' ' || *at == '\t';
            }
            assert_true(blanks == gap || (blanks < gap && blanks > (i == 2 ? 40 : 970)));
            free(text);
        }
    }
}

/* Nor within a quoted pair, wherever the line has to end: what is behind a quoted quote is no address. */
static void field_folded_at_pairs(void **state)
{
    static const char *const tails[] = {"\\\" <e@x.test>, \\\"z\" <g@y.test>", "\\\\\\\" <e@x.test>\" <g@y.test>",
                                        "\\ \\ \\ \\ \\ \" <g@y.test>"};

    for (size_t i = 0; i < COUNT(tails) * 1021; i++) {
        char field[1200], *text;

        memset(field, 'a', sizeof field);
        memcpy(field, "To: \"", 5);
        sprintf(field + 5 + i % 1021, "%s%s", tails[i / 1021], i % 2 == 0 ? "" : ", bare");
        text = made(field, &complete);
        check_made(field, text);
        for (const char *end = strstr(text, "\r\n"), *at; end != NULL; end = strstr(end + 2, "\r\n")) {
            for (at = end; at[-1] == '\\'; at--) {
            }
            assert_int_equal((end - at) % 2, 0);
        }
        free(text);
    }
}

/* No line is longer than it may be: one with an encoded-word has 76 octets (RFC 2047 2), another one 998; none has blanks alone. */
static void check_lines(const char *text)
{
    for (const char *line = text, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
        size_t len = (size_t)(end - line);

        assert_true(len > 0 && len <= LINE_OCTETS);
        assert_true(strspn(line, " \t") < len);
        assert_true(memmem(line, len, "=?", 2) == NULL || len <= ENCODED_LINE_OCTETS);
    }
}

/* What stands beside an encoded-word counts, too: an address, a group's colon, a comment, and what ends them. %1$s: a name that is
 * encoded, %2$s: an address, %3$s: a name that is not. */
static const char *const beside[] = {"To: %1$s <%2$s>",
                                     "To: %1$s: %2$s, b@c;",
                                     "To: %1$s <%2$s> (%3$s)",
                                     "To: Ann <%2$s> (%1$s)",
                                     "To: %2$s (%1$s)",
                                     "To: B: %1$s <%2$s>;, c@d",
                                     "To: B: Ann <%2$s> (%1$s);, c@d",
                                     "To: %3$s: %1$s <%2$s>;",
                                     "To: \xc3\xbc: %3$s <%2$s> (%3$s);",
                                     "Cc: \xc3\xbc:;;;;; %3$s <%2$s>,,, root",
                                     "From: %1$s",
                                     "From: %2$s (%1$s)",
                                     "From: \"%3$s\" <%2$s>",
                                     "Subject: %3$s %1$s %3$s",
                                     "Subject: %1$s %3$s"};

static void field_with_an_encoded_word_in_short_lines(void **state)
{
    static const struct header_rules *const all[] = {&complete, &written};

    for (size_t i = 0; i < COUNT(beside) * 60 * 60; i++) {
        char name[80], other[80], address[80], field[400];
        size_t names = i % 60 + 1, addresses = i / 60 % 60 + 1;

        snprintf(name, sizeof name, "\xc3\xbc%.*s", (int)names,
                 "aaaaaaaaa aaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        snprintf(other, sizeof other, "%.*s", (int)names,
                 "bbbbb bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbbbbbbbb");
        snprintf(address, sizeof address, "%0*u@x", (int)addresses, 0U);
        snprintf(field, sizeof field, beside[i / 3600], name, address, other);

        char *text = made(field, all[i % 7 == 0]);

        check_lines(text);
        free(text);
    }
}

/* And what is longer than any line: a name, a comment, a group, a field's name, a charset's, what is repeated. */
static void field_with_an_encoded_word_beside_what_is_long(void **state)
{
    static const char *const repeated[] = {"a ", "b,", "a:", ";", "(x) ", "\xc3\xbc ", "\xc3\xbc", "\\\"", "\" ", "\t"};
    struct header_rules rules = complete;

    rules.charset = "a-charset-with-a-name-of-some-40-octets-and-more";
    for (size_t i = 0; i < COUNT(beside) * COUNT(repeated) * 3; i++) {
        static char name[3000], field[12000];
        const char *piece = repeated[i % COUNT(repeated)], *form = beside[i / COUNT(repeated) % COUNT(beside)];
        static const size_t octets[] = {200, 1200, 2800};

        name[0] = 0;
        while (strlen(name) < octets[i / (COUNT(repeated) * COUNT(beside))]) {
            strcat(name, piece);
        }
        rules.from_field = i % 2 == 0 ? FROM_WRITTEN : FROM_LEFT;
        for (int charset = 0; charset < 2; charset++) {
            snprintf(field, sizeof field, form, charset == 0 ? "\xc3\xbc" : "\xfc", "a@b", name);

            char *text = made(field, &rules);

            check_lines(text);
            free(text);
        }
    }
    for (size_t len = 1; len < 900; len++) {
        char field[1000], *text;

        memset(field, 'X', len);
        sprintf(field + len, ": \xc3\xbc \xfc");
        text = made(field, &rules);
        for (char *line = strstr(text, "\r\n") + 2; *line != 0; line = strstr(line, "\r\n") + 2) {
            assert_true(strstr(line, "\r\n") - line <= ENCODED_LINE_OCTETS);
        }
        check_made(field, text);
        free(text);
    }
}

static void field_at_random(void **state)
{
    static const struct header_rules *const all[] = {&complete, &written, &left};

    for (unsigned i = 0; i < (one_quick() ? 5000 : 200000); i++) {
        char field[1000];

        draw_field(field);
        char *text = made(field, all[i % COUNT(all)]);

        check_made(field, text);
        told(field + strcspn(field, ":") + 1);
        free(text);
    }
}

/* Can all of the list be read? */
static bool readable(const char *field)
{
    const char *text = told(field + strcspn(field, ":") + 1);

    return strpbrk(text, "!(") == NULL;
}

/* What was made once is good: to make it again changes nothing. */
static void field_made_twice(void **state)
{
    for (unsigned i = 0; i < (one_quick() ? 5000 : 50000); i++) {
        char field[1000];

        draw_field(field);
        char *once = made(field, &complete);

        once[strlen(once) - 2] = 0;
        char *twice = made(once, &complete);

        twice[strlen(twice) - 2] = 0;
        if (readable(field) && !has_8bit(once, strlen(once))) {
            assert_string_equal(once, twice);
        }
        free(once);
        free(twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_is_read),
        cmocka_unit_test(list_has_an_end),
        cmocka_unit_test(list_long),
        cmocka_unit_test(list_with_nul),
        cmocka_unit_test(too_little_room),
        cmocka_unit_test(field_with_nul),
        cmocka_unit_test(field_with_a_long_name),
        cmocka_unit_test(field_is_made),
        cmocka_unit_test(field_at_random),
        cmocka_unit_test(field_made_twice),
        cmocka_unit_test(field_long),
        cmocka_unit_test(field_parted),
        cmocka_unit_test(field_of_a_long_name),
        cmocka_unit_test(field_gap),
        cmocka_unit_test(field_has_an_end),
        cmocka_unit_test(field_with_a_long_address),
        cmocka_unit_test(field_folded),
        cmocka_unit_test(field_folded_at_pairs),
        cmocka_unit_test(field_encoded_in_short_lines),
        cmocka_unit_test(field_encoded_in_whole_lines),
        cmocka_unit_test(field_with_an_encoded_word_in_short_lines),
        cmocka_unit_test(field_with_an_encoded_word_beside_what_is_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * getaddrinfo() of a static program: addresses as this libc reads them, lines of /etc/hosts and /etc/resolv.conf, questions of
 * DNS, and answers that lie. How it talks to servers is in tests/interop/test_static.py.
 */
#define _GNU_SOURCE

#include "one.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static const char *hosts = "", *resolv = "";

static FILE *open_text(const char *path, const char *mode)
{
    const char *text = strcmp(path, "/etc/hosts") == 0 ? hosts : resolv;

    assert_string_equal(mode, "re");
    return *text == 0 ? NULL : fmemopen((char *)(size_t)text, strlen(text), "r");
}

/* As POSIX lets a libc do it, and musl does: nothing is behind a last word, not even an end. */
static char *take_word(char *text, const char *blanks, char **rest)
{
    size_t len;

    text = text != NULL ? text : *rest;
    if (text == NULL) {
        return NULL;
    }
    text += strspn(text, blanks);
    len = strcspn(text, blanks);
    if (len == 0) {
        return *rest = NULL;
    }
    *rest = text[len] != 0 ? text + len + 1 : NULL;
    text[len] = 0;
    return text;
}

#undef strtok_r
#define strtok_r       take_word
#define if_nametoindex static_if_nametoindex
#define getaddrinfo    static_getaddrinfo
#define freeaddrinfo   static_freeaddrinfo
#define gai_strerror   static_gai_strerror
#define fopen          open_text
#define inet_ntop      static_inet_ntop
const char *static_inet_ntop(int family, const void *address, char *restrict text, socklen_t cap);
unsigned static_if_nametoindex(const char *name);
int static_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **list);
void static_freeaddrinfo(struct addrinfo *list);
const char *static_gai_strerror(int status);
#include "../../port/static/address.c"
#include "../../port/static/dns.c"
#include "../../port/static/found.c"
#include "../../port/static/interface.c"
#include "../../port/static/names.c"
#include "../../port/static/servers.c"

/* dn_expand() is libc's, and writes where MemorySanitizer does not look. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define SET_BY_LIBC(name) __msan_unpoison_string(name)
#endif
#endif
#ifndef SET_BY_LIBC
#define SET_BY_LIBC(name) (void)(name)
#endif
#undef inet_ntop
#undef strtok_r
#undef if_nametoindex
#undef getaddrinfo
#undef freeaddrinfo
#undef gai_strerror
#undef fopen

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

static void same_address(const char *text)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *ours, *theirs;
    int status = static_getaddrinfo(text, "587", &hints, &ours);

    assert_int_equal(status != 0, getaddrinfo(text, "587", &hints, &theirs) != 0);
    if (status != 0) {
        return;
    }
    assert_null(ours->ai_next);
    assert_int_equal(ours->ai_family, theirs->ai_family);
    assert_int_equal(ours->ai_socktype, theirs->ai_socktype);
    assert_int_equal(ours->ai_addrlen, theirs->ai_addrlen);
    assert_memory_equal(ours->ai_addr, theirs->ai_addr, ours->ai_addrlen);
    static_freeaddrinfo(ours);
    freeaddrinfo(theirs);
}

static void test_addresses(void **state)
{
    static const char *const texts[] = {"192.0.2.7",
                                        "127.1",
                                        "0x7f.0.0.1",
                                        "256.0.0.1",
                                        "1.2.3.4.5",
                                        "::1",
                                        "2001:db8::7",
                                        "::ffff:192.0.2.7",
                                        "fe80::1%1",
                                        "fe80::1%lo",
                                        "fe80::1%",
                                        "fe80::1%nothing",
                                        "2001:db8::7%",
                                        "",
                                        ":",
                                        "relay.example.test",
                                        "2001:db8::7:",
                                        "%1",
                                        "1:2:3:4:5:6:7:8:9",
                                        "[::1]",
                                        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        same_address(texts[i]);
    }
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static struct found found;

static void test_hosts(void **state)
{
    static const uint8_t four[] = {192, 0, 2, 7};

    hosts = "# 192.0.2.9 box\nnonsense box\n192.0.2.7.1 box\n::1%none box\n192.0.2.6 "
            "bad..name\n192.0.2.7\tbox.example.org  Box#other\n\n::1 box\n192.0.2.8 another\n192.0.2.9";
    memset(&found, 0, sizeof found);
    assert_true(read_hosts("BOX", &found));
    assert_int_equal(found.count, 2);
    assert_memory_equal(&found.addresses[0].four.sin_addr, four, 4);
    assert_int_equal(found.addresses[1].any.sa_family, AF_INET6);
    assert_string_equal(found.canonical, "box.example.org");
    memset(&found, 0, sizeof found);
    assert_false(read_hosts("other", &found));
    assert_false(read_hosts("192.0.2.7", &found));
    hosts = "";
    assert_false(read_hosts("box", &found));
}

static void test_more_hosts_than_there_is_room_for(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    for (unsigned i = 0; i < 3 * FOUND_MAX; i++) {
        fprintf(to, "192.0.2.%u box %*s\n", i, i == 1 ? 2 * LINE : 1, "box");
    }
    fclose(to);
    hosts = text;
    memset(&found, 0, sizeof found);
    assert_true(read_hosts("box", &found));
    assert_int_equal(found.count, FOUND_MAX);
    hosts = "";
    free(text);
}

static void test_servers(void **state)
{
    struct servers servers;

    resolv = "";
    servers_read(&servers);
    assert_int_equal(servers.count, 1);
    assert_int_equal(servers.list[0].four.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(servers.list[0].four.sin_port, htons(53));
    resolv = "; nameserver 192.0.2.1\nsearch one.test\nnameserver 1.2.3.4.5\nnameserver fe80::1%none\nnameserver "
             "192.0.2.7\n nameserver fe80::1%1\nnameserver none\n"
             "domain two.test three.test\noptions ndots:20 timeout:0 rotate\noptions attempts:0\nnameserver "
             "::1\nnameserver ::2";
    servers_read(&servers);
    assert_int_equal(servers.count, 3);
    assert_int_equal(servers.list[1].six.sin6_scope_id, 1);
    assert_int_equal(servers.list[2].six.sin6_port, htons(53));
    assert_int_equal(servers.dots, 15);
    assert_int_equal(servers.timeout_s, 1);
    assert_int_equal(servers.attempts, 1);
    assert_string_equal(servers.search, "two.test three.test\n");
}

/* What is behind the address of a server is none. */
static void test_words_behind_a_server(void **state)
{
    struct servers servers;

    resolv = "nameserver 192.0.2.7 # not any more: 192.0.2.8\nnameserver 192.0.2.9;192.0.2.1\nnameserver\nnameserver "
             "::1 ::2";
    servers_read(&servers);
    assert_int_equal(servers.count, 2);
    assert_int_equal(servers.list[0].four.sin_addr.s_addr, htonl(0xc0000207));
    assert_int_equal(servers.list[1].any.sa_family, AF_INET6);
}

/* Wherever a file ends: without a word behind a keyword, without the end of a line. */
static void test_files_cut_short(void **state)
{
    static const char *const files[] = {
        "\n \t\nsearch\ndomain \t\nnameserver\noptions\r\nsearch one.test two.test",
        "domain \nsearch\tone.test\ndomain",
        "#\n;\nnameserver 192.0.2.7\r\nnameserver \noptions ndots: timeout:x attempts:-1 ndots:2\nsearch",
        "192.0.2.7\n192.0.2.7 \n::1\tbox.test box#\n#\n 192.0.2.9 # box\n%\n192.0.2.6 other.test\tbox",
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        for (size_t len = 0; len <= strlen(files[i]); len++) {
            char *text = strndup(files[i], len);
            struct servers servers;

            hosts = resolv = text;
            servers_read(&servers);
            assert_int_equal(servers.count, 1);
            assert_true(servers.dots <= 2 && servers.attempts >= 1 && servers.timeout_s >= 1);
            assert_non_null(memchr(servers.search, 0, sizeof servers.search));
            memset(&found, 0, sizeof found);
            assert_true(read_hosts("box", &found) ? found.count - 1 < 2 : found.count == 0);
            free(text);
        }
    }
    hosts = resolv = "";
}

static void test_searched(void **state)
{
    assert_true(is_searched("relay", 1));
    assert_false(is_searched("relay", 0));
    assert_false(is_searched("relay.test", 1));
    assert_true(is_searched("relay.test", 2));
    assert_false(is_searched("relay.", 2));
}

/* ---- DNS --------------------------------------------------------------------------------------------------------- */

static const uint8_t id[2] = {0x12, 0x34};

static size_t ask_for(uint8_t question[DNS_QUESTION_MAX], const char *name)
{
    return dns_ask(question, id, name, DNS_A);
}

static void test_questions(void **state)
{
    static const uint8_t wanted[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\2ab\1c\0\0\1\0\1";
    uint8_t question[DNS_QUESTION_MAX];
    char label[65], name[300];

    assert_int_equal(ask_for(question, "ab.c"), sizeof wanted - 1);
    assert_memory_equal(question, wanted, sizeof wanted - 1);
    assert_int_equal(ask_for(question, "ab.c."), sizeof wanted - 1);
    assert_memory_equal(question, wanted, sizeof wanted - 1);
    assert_int_equal(ask_for(question, ""), 0);
    assert_int_equal(ask_for(question, "."), 0);
    assert_int_equal(ask_for(question, "a..b"), 0);
    assert_int_equal(ask_for(question, ".a"), 0);
    memset(label, 'x', 64);
    label[64] = 0;
    assert_int_equal(ask_for(question, label), 0);
    label[63] = 0;
    assert_int_not_equal(ask_for(question, label), 0);
    snprintf(name, sizeof name, "%s.%s.%s.%.61s", label, label, label, label); /* 253 octets: the most */
    assert_int_equal(ask_for(question, name), DNS_QUESTION_MAX);
    snprintf(name, sizeof name, "%s.%s.%s.%.62s", label, label, label, label);
    assert_int_equal(ask_for(question, name), 0);
}

/* An answer to the question for ab.c, with so many records. */
struct answer {
    uint8_t question[DNS_QUESTION_MAX], octets[2000];
    size_t question_len, len;
};

static void begin(struct answer *answer, uint8_t flags, uint8_t code, uint8_t records)
{
    answer->len = answer->question_len = ask_for(answer->question, "ab.c");
    memcpy(answer->octets, answer->question, answer->len);
    answer->octets[2] = flags;
    answer->octets[3] = code;
    answer->octets[7] = records;
}

static void add(struct answer *answer, const void *octets, size_t len)
{
    memcpy(answer->octets + answer->len, octets, len);
    answer->len += len;
}

#define PUT(answer, text) add(answer, text, sizeof(text) - 1)
#define NAME              "\xc0\x0c"
#define HEAD(type, len)   "\0" type "\0\1\0\0\0\x3c\0" len

static enum dns_answer judge(const struct answer *answer)
{
    return dns_judge(answer->question, answer->question_len, answer->octets, answer->len);
}

static void test_whose_answer(void **state)
{
    struct answer answer;

    begin(&answer, 0x80, 0, 0);
    assert_int_equal(judge(&answer), DNS_TOLD);
    answer.octets[13] ^= 0x20; /* "Ab.c" */
    assert_int_equal(judge(&answer), DNS_TOLD);
    answer.octets[12] ^= 0x20; /* a length is no letter */
    assert_int_equal(judge(&answer), DNS_NO_ANSWER);
    for (size_t at = 0; at < answer.question_len; at++) {
        bool counts =
            at < 3 || at == 4 || at == 5 || at >= DNS_HEADER; /* the code is another test's, and what follows */

        begin(&answer, 0x80, 0, 0);
        answer.octets[at] ^= at == 2 ? 0x80 : 1;
        assert_int_equal(judge(&answer) == DNS_NO_ANSWER, counts);
    }
    begin(&answer, 0x80, 0, 0);
    while (answer.len-- > 0) {
        assert_int_equal(judge(&answer), DNS_NO_ANSWER);
    }
    begin(&answer, 0x80, 3, 0);
    assert_int_equal(judge(&answer), DNS_TOLD);
    begin(&answer, 0x80, 2, 0);
    assert_int_equal(judge(&answer), DNS_REFUSED);
    begin(&answer, 0x82, 0, 0);
    assert_int_equal(judge(&answer), DNS_TRUNCATED);
}

static unsigned count_of(const struct answer *answer)
{
    uint8_t *copy = malloc(answer->len); /* all its own: a sanitizer sees an octet too far */

    assert_non_null(copy);
    memcpy(copy, answer->octets, answer->len);
    memset(&found, 0, sizeof found);
    dns_read(&found, FOUND_MAX / 2, answer->question_len, copy, answer->len);
    free(copy);
    SET_BY_LIBC(found.canonical);
    return found.count;
}

static void test_records(void **state)
{
    static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    struct answer answer;

    begin(&answer, 0x80, 0, 5);
    PUT(&answer, NAME HEAD("\5", "\4") "\1d\xc0\x0f"); /* d.c is its true name */
    PUT(&answer, "\1d" NAME HEAD("\1", "\4") "\xc0\0\2\7");
    PUT(&answer, "\0" HEAD("\1", "\3") "\xc0\0\2");
    PUT(&answer, NAME "\0\1\0\3\0\0\0\x3c\0\4\xc0\0\2\x9"); /* not of the Internet */
    PUT(&answer, NAME HEAD("\x1c", "\x10"));
    add(&answer, six, sizeof six);
    assert_int_equal(count_of(&answer), 2);
    assert_string_equal(found.canonical, "d.c");
    assert_int_equal(found.addresses[0].four.sin_addr.s_addr, htonl(0xc0000207));
    assert_memory_equal(&found.addresses[1].six.sin6_addr, six, sizeof six);
    answer.octets[7] = 2;
    assert_int_equal(count_of(&answer), 1);
    answer.octets[7] = 0;
    assert_int_equal(count_of(&answer), 0);
    for (answer.octets[6] = 0xff; answer.len > answer.question_len; answer.len--) {
        assert_in_range(count_of(&answer), 0, 2);
    }
}

static void test_names_in_circles(void **state)
{
    struct answer answer;

    begin(&answer, 0x80, 0, 3);
    PUT(&answer, "\xc0\x16" HEAD("\5", "\2") "\xc0\x22"); /* its true name is where it stands itself */
    PUT(&answer, NAME HEAD("\5", "\5") "\3abcd");         /* one that goes on behind the end of the record */
    PUT(&answer, NAME HEAD("\1", "\4") "\xc0\0\2\7");
    assert_int_equal(count_of(&answer), 1);
    begin(&answer, 0x80, 0, 2);
    PUT(&answer, NAME HEAD("\5", "\2") "\xff\xff"); /* behind the end of all */
    PUT(&answer, "\x3f" HEAD("\1", "\4") "\xc0\0\2\7");
    assert_int_equal(count_of(&answer), 0);
    assert_string_equal(found.canonical, "");
}

static void test_more_records_than_there_is_room_for(void **state)
{
    struct answer answer;

    begin(&answer, 0x80, 0, 40);
    for (unsigned i = 0; i < 40; i++) {
        PUT(&answer, NAME HEAD("\1", "\4") "\xc0\0\2\7");
    }
    assert_int_equal(count_of(&answer), FOUND_MAX / 2);
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

static void test_order(void **state)
{
    static const char *const texts[] = {"255.255.255.255", "127.0.0.2", "127.0.0.1"}; /* to the first there is no way */
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;

    memset(&found, 0, sizeof found);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(address_read(&found.addresses[found.count++], texts[i]));
    }
    list = found_list(&found, &hints, htons(25));
    assert_ptr_equal(list, &found.infos[1]);
    assert_ptr_equal(list->ai_next, &found.infos[2]);
    assert_ptr_equal(list->ai_next->ai_next, &found.infos[0]);
    assert_null(list->ai_next->ai_next->ai_next);
    assert_int_equal(found.addresses[0].four.sin_port, htons(25));
}

static unsigned place_of(const char *text)
{
    union address address;

    assert_true(address_read(&address, text));
    return place(&address);
}

static void test_places(void **state)
{
    assert_int_equal(place_of("2001:db8::1"), place_of("2a00:1::1"));
    assert_int_not_equal(place_of("2001:db8::1"), place_of("fd00::1"));
    assert_int_equal(place_of("fc00::1"), place_of("fd00::1"));
    assert_int_not_equal(place_of("2001:db8::1"), place_of("fe80::1%1"));
    assert_int_equal(place_of("2002::1"), 0);
    assert_int_equal(place_of("2001::1"), 0);
}

/* Each row of groups of these, but for those that libc writes as IPv4 addresses in the end. */
static void test_written(void **state)
{
    static const uint8_t groups[][2] = {{0, 0}, {0, 1}, {0xab, 0}};
    uint8_t octets[16];
    char text[64], wanted[64];

    (void)state;
    for (unsigned row = 0; row < 3 * 3 * 3 * 3 * 3 * 3 * 3 * 3; row++) {
        unsigned left = row;

        for (size_t i = 0; i < sizeof octets; i += 2, left /= 3) {
            memcpy(octets + i, groups[left % 3], 2);
        }
        assert_non_null(inet_ntop(AF_INET6, octets, wanted, sizeof wanted));
        assert_ptr_equal(static_inet_ntop(AF_INET6, octets, text, sizeof text), text);
        if (strchr(wanted, '.') == NULL) {
            assert_string_equal(text, wanted);
        }
        inet_ntop(AF_INET, octets + row % 8, wanted, sizeof wanted);
        static_inet_ntop(AF_INET, octets + row % 8, text, sizeof text);
        assert_string_equal(text, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_more_hosts_than_there_is_room_for),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_words_behind_a_server),
        cmocka_unit_test(test_files_cut_short),
        cmocka_unit_test(test_searched),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_whose_answer),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_names_in_circles),
        cmocka_unit_test(test_more_records_than_there_is_room_for),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

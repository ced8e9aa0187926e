/* SPDX-License-Identifier: MIT
 *
 * The POSIX port where the system fails: each call it makes for random octets, its name, the date and a connection fails in turn, and what
 * is told is whose trouble it is (POLICY P12).
 */
#define _GNU_SOURCE

#include "../../port/posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Calls that fail so many times, with errno, or with what getaddrinfo() returns; DONE is one that succeeds without being made. */
enum { DONE = -1000 };

static struct fault {
    const char *call;
    int error;
    unsigned times;
} faults[3];

static const char *own_name, *full_name;
static bool unknown; /* what a name has is an address of a family that nobody knows */
static time_t date;
static unsigned passed_s,
    passes_s; /* the clock that counts is ahead of the system's, and by so much more with each fault */

/* The kernel gives so many random octets at once. */
static size_t at_once = SIZE_MAX;

static size_t part(size_t len)
{
    return len < at_once ? len : at_once;
}

/* How often what time it is was asked. */
static unsigned asked;

/* Nobody answers who is called at so many addresses: what is waited for passes at once, and is noted. */
static unsigned silent, waits;
static int waits_ms[20];
static uint32_t waited_ms;

/* The relay's end of a connection, -1 = none: nothing that is said there is waited behind before it is pushed out. */
static int peer = -1;
static char said[200];

static bool pushed(void)
{
    char octet;

    return peer < 0 || said[0] != 0 || recv(peer, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

static bool noted(int ms)
{
    if (silent != 0 && ms > 0) {
        assert_true(waits < sizeof waits_ms / sizeof waits_ms[0]);
        waits_ms[waits++] = ms;
        waited_ms += (uint32_t)ms;
    }
    return true;
}

static int fault(const char *call)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (faults[i].call != NULL && faults[i].times != 0 && strcmp(faults[i].call, call) == 0) {
            faults[i].times--;
            passed_s += passes_s;
            return faults[i].error;
        }
    }
    if (silent != 0 && (strcmp(call, "connect") == 0 || strcmp(call, "poll") == 0)) {
        return *call == 'c' ? EINPROGRESS : DONE;
    }
    return 0;
}

static void plan(size_t i, const char *call, int error, unsigned times)
{
    faults[i] = (struct fault){call, error, times};
}

static int forget(void **state)
{
    memset(faults, 0, sizeof faults);
    own_name = full_name = NULL;
    unknown = false;
    date = 0;
    passed_s = passes_s = 0;
    silent = waits = waited_ms = asked = 0;
    peer = -1;
    at_once = SIZE_MAX;
    return 0;
}

/* as_agreed: what each call of this name has to be like. */
#define WRAPPED(type, name, args, call, as_agreed)                                                                     \
    type __real_##name args;                                                                                           \
    type __wrap_##name args;                                                                                           \
    type __wrap_##name args                                                                                            \
    {                                                                                                                  \
        int error = fault(#name);                                                                                      \
        assert_true(as_agreed);                                                                                        \
        if (error == DONE) {                                                                                           \
            return 0;                                                                                                  \
        }                                                                                                              \
        errno = error != 0 ? error : errno;                                                                            \
        return error != 0 ? -1 : __real_##name call;                                                                   \
    }

WRAPPED(ssize_t, getrandom, (void *buf, size_t len, unsigned flags), (buf, part(len), flags), flags == 0)
WRAPPED(ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, part(len)), true)
WRAPPED(int, poll, (struct pollfd * fds, nfds_t count, int ms), (fds, count, ms), count == 1 && pushed() && noted(ms))
WRAPPED(int, socket, (int family, int type, int protocol), (family, type, protocol), true)
WRAPPED(int, connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len), true)
WRAPPED(int, getsockopt, (int fd, int level, int name, void *to, socklen_t *len), (fd, level, name, to, len), true)
WRAPPED(int, getsockname, (int fd, struct sockaddr *to, socklen_t *len), (fd, to, len), true)

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    if (peer >= 0 && level == IPPROTO_TCP && name == TCP_NODELAY) {
        assert_true(recv(peer, said, sizeof said - 1, 0) > 0);
        shutdown(peer, SHUT_RDWR);
    }
    return __real_setsockopt(fd, level, name, value, len);
}

int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...)
{
    va_list more;
    unsigned mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_start(more, flags);
        mode = va_arg(more, unsigned);
        va_end(more);
    }
    assert_true((flags & (O_CLOEXEC | O_CREAT)) != 0); /* what measures coverage creates its files */
    return fault("open") != 0 ? -1 : __real_open(name, flags, mode);
}

int __real_gethostname(char *name, size_t cap);
int __wrap_gethostname(char *name, size_t cap);
int __wrap_gethostname(char *name, size_t cap)
{
    if (fault("gethostname") != 0) {
        return -1;
    }
    if (own_name == NULL) {
        return __real_gethostname(name, cap);
    }
    strncpy(name, own_name, cap);
    return 0;
}

int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    if (id == CLOCK_REALTIME && date != 0) {
        *now = (struct timespec){.tv_sec = date};
        return fault("clock_gettime") != 0 ? -1 : 0;
    }
    if (__real_clock_gettime(id, now) != 0) {
        return -1;
    }
    if (id == CLOCK_MONOTONIC) {
        asked++;
        now->tv_nsec += (long)(waited_ms % 1000) * 1000000;
        now->tv_sec += (time_t)(passed_s + waited_ms / 1000) + now->tv_nsec / 1000000000;
        now->tv_nsec %= 1000000000;
    }
    return 0;
}

/* glibc's name for the one of POSIX, which need not write a word for an error that it does not know. */
int __real___xpg_strerror_r(int error, char *text, size_t cap);
int __wrap___xpg_strerror_r(int error, char *text, size_t cap);
int __wrap___xpg_strerror_r(int error, char *text, size_t cap)
{
    return fault("strerror_r") != 0 ? EINVAL : __real___xpg_strerror_r(error, text, cap);
}

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    int error = fault("getaddrinfo");

    if (error != 0) {
        return error;
    }
    if (hints != NULL && (hints->ai_flags & AI_CANONNAME) != 0) { /* one's own name: the answer is ours */
        struct addrinfo of_address = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};

        error = __real_getaddrinfo("127.0.0.1", NULL, &of_address, list);
        if (error == 0 && full_name != NULL) {
            (*list)->ai_canonname = strdup(full_name);
        }
        return error;
    }
    for (unsigned i = 1; i < silent; i++, list = &(*list)->ai_next) {
        assert_int_equal(__real_getaddrinfo(host, port, hints, list), 0);
    }
    error = __real_getaddrinfo(host, port, hints, list);
    if (error == 0 && unknown) {
        (*list)->ai_addr->sa_family = AF_UNIX;
    }
    return error;
}

/* ---- Random octets ----------------------------------------------------------------------------------------------- */

static void test_random(void **state)
{
    static const struct {
        struct fault faults[3];
        bool got;
    } cases[] = {
        {{{"getrandom", EINTR, 2}}, true},
        {{{"getrandom", EIO, 1}}, false},
        {{{"getrandom", DONE, 1}}, false},
        {{{"getrandom", ENOSYS, 1}}, true},
        {{{"getrandom", ENOSYS, 1}, {"poll", EINTR, 2}}, true},
        {{{"getrandom", ENOSYS, 1}, {"poll", EBADF, 1}}, true},
        {{{"getrandom", ENOSYS, 1}, {"read", EINTR, 3}}, true},
        {{{"getrandom", ENOSYS, 1}, {"read", EIO, 1}}, false},
        {{{"getrandom", ENOSYS, 1}, {"read", DONE, 1}}, false},
        {{{"getrandom", ENOSYS, 1}, {"read", ENOSYS, 1}}, false},
        {{{"getrandom", ENOSYS, 1}, {"open", ENOENT, 1}}, true},
        {{{"getrandom", ENOSYS, 1}, {"open", EMFILE, 2}}, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char octets[32] = {0}, none[32] = {0};

        memcpy(faults, cases[i].faults, sizeof faults);
        assert_int_equal(mote_posix_random(octets, sizeof octets), cases[i].got);
        assert_int_equal(memcmp(octets, none, sizeof none) != 0, cases[i].got);
    }
}

/* What comes in parts fills all of it, and no more. */
static void test_random_in_parts(void **state)
{
    for (at_once = 1; at_once < 32; at_once += 10) {
        unsigned char octets[33] = {0}, any[32] = {0};

        for (unsigned times = 0; times < 40; times++) {
            plan(0, "getrandom", ENOSYS, times % 2);
            assert_true(mote_posix_random(octets, 32));
            for (size_t i = 0; i < sizeof any; i++) {
                any[i] |= octets[i];
            }
        }
        assert_null(memchr(any, 0, sizeof any));
        assert_int_equal(octets[32], 0);
    }
}

/* Descriptor 0 is one as any other where a program runs without standard input. Returns where that is meanwhile. */
static int without_input(void)
{
    int kept = dup(0);

    close(0);
    return kept;
}

static void with_input(int kept)
{
    assert_int_equal(fcntl(0, F_GETFD), -1);
    if (kept >= 0) {
        assert_int_equal(dup2(kept, 0), 0);
        close(kept);
    }
}

static void test_random_without_input(void **state)
{
    unsigned char octets[32];
    int kept = without_input();

    plan(0, "getrandom", ENOSYS, 2);
    assert_true(mote_posix_random(octets, sizeof octets));
    with_input(kept);
}

/* ---- Name and date ----------------------------------------------------------------------------------------------- */

static void test_own_name(void **state)
{
    static const struct {
        const char *own, *full, *name;
    } cases[] = {
        {"mote.example.org", NULL, "mote.example.org"},
        {"mote.example.org.", NULL, "mote.example.org"},
        {"mote", "mote.example.org", "mote.example.org"},
        {"mote", "mote.example.org.", "mote.example.org"},
        {"mote", NULL, NULL},
        {"mote", "mote", NULL},
        {"mote", "mote.of-a-name-that-is-longer-than-there-is-room-for.example.org", NULL},
        {"mote", "mote.a23456789.b23456789.exampl", "mote.a23456789.b23456789.exampl"},
        {"mote", "mote.a23456789.b23456789.example", NULL},
        {"mote.a23456789.b23456789.exam", NULL, "mote.a23456789.b23456789.exam"},
        {"mote.a23456789.b23456789.examp", NULL, "mote.a23456789.b23456789.examp"},
        {"mote.a23456789.b23456789.exampl", NULL, NULL},
        {"mote.a23456789.b23456789.example", NULL, NULL},
        {"", "", NULL},
        {"[192.0.2.7]", NULL, NULL},
        {"mote.example_.org", NULL, NULL},
    };
    char room[33] = ".", *name = room + 1;
    size_t cap = sizeof room - 1;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool got;

        own_name = cases[i].own;
        full_name = cases[i].full;
        got = mote_posix_host_name(name, cap);
        assert_non_null(memchr(name, 0, cap)); /* which the system leaves out of a name that it cuts */
        assert_int_equal(room[0], '.');        /* what is in front of it is another's, where it is empty, too */
        assert_int_equal(got, cases[i].name != NULL);
        if (got) {
            assert_string_equal(name, cases[i].name);
        }
    }
    own_name = "mote";
    plan(0, "getaddrinfo", EAI_NONAME, 1);
    assert_false(mote_posix_host_name(name, cap));
    plan(0, "gethostname", ENAMETOOLONG, 1);
    assert_false(mote_posix_host_name(name, cap));
    assert_false(mote_posix_host_name(name, 0));
}

static void test_address(void **state)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un other = {.sun_family = AF_UNIX};
    char text[MOTE_POSIX_LITERAL];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(mote_posix_address((struct sockaddr *)&six, text));
    assert_string_equal(text, "::1");
    memcpy(six.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07", 16);
    assert_true(mote_posix_address((struct sockaddr *)&six, text));
    assert_string_equal(text, "192.0.2.7");
    assert_false(mote_posix_address((struct sockaddr *)&other, text));
    mote_posix_literal(fd, text);
    assert_string_equal(text, "");
    plan(0, "getsockname", ENOBUFS, 1);
    mote_posix_literal(fd, text);
    assert_string_equal(text, "");
    close(fd);
}

/* What a relay is greeted with by a host without a name (RFC 5321 4.1.3), here of sockets that have no address yet. */
static void test_literal(void **state)
{
    static const struct {
        int family;
        const char *literal;
    } cases[] = {{AF_INET, "[0.0.0.0]"}, {AF_INET6, "[IPv6:::]"}};
    char text[MOTE_POSIX_LITERAL];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = socket(cases[i].family, SOCK_STREAM, 0);

        if (fd >= 0) { /* a system may lack IPv6 */
            mote_posix_literal(fd, text);
            assert_string_equal(text, cases[i].literal);
            close(fd);
        }
    }
}

static void test_date(void **state)
{
    date = (time_t)MOTE_BUILT_S;
    assert_true(mote_posix_unix_s() == (uint64_t)date);
    plan(0, "clock_gettime", EINVAL, 1);
    assert_true(mote_posix_unix_s() == 0);
    date--;
    assert_true(mote_posix_unix_s() == 0);
}

/* A day and more has its milliseconds, or time limits would be others than those that are told. */
static void test_counts_milliseconds(void **state)
{
    uint32_t start_ms = mote_posix_now_ms();

    passed_s = 100000;
    assert_in_range(mote_posix_now_ms() - start_ms, 100000000, 100060000);
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

/* A socket as pump.c needs it: it does not wait, no other program gets it, and what is small is held back. */
static void check_prepared(int fd)
{
    int corked = 1;

#ifdef TCP_CORK
    corked = 0;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, &(socklen_t){sizeof corked}), 0);
#endif
    assert_int_equal(corked, 1);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

/* The cause of a connection to a port of this host where nobody listens, or to nobody. */
static int cause_of(const char *host, bool connected)
{
    uint8_t cause = MOTE_CAUSE_NONE;
    int fd = mote_posix_connect(host, 1, mote_posix_now_ms(), NULL, &cause);

    assert_int_equal(fd >= 0, connected);
    if (fd >= 0) {
        check_prepared(fd);
        close(fd);
    }
    return cause;
}

static void test_whose_trouble(void **state)
{
    static const struct {
        const char *call;
        int error, cause;
    } cases[] = {
        {"getaddrinfo", EAI_MEMORY, MOTE_CAUSE_NO_MEMORY},
        {"getaddrinfo", EAI_AGAIN, MOTE_CAUSE_NO_NETWORK},
        {"getaddrinfo", EAI_NONAME, MOTE_CAUSE_LOOKUP},
        {"getaddrinfo", EAI_FAIL, MOTE_CAUSE_LOOKUP},
        {"socket", ENOBUFS, MOTE_CAUSE_NO_MEMORY},
        {"socket", ENOMEM, MOTE_CAUSE_NO_MEMORY},
        {"socket", EMFILE, MOTE_CAUSE_NO_MEMORY},
        {"socket", ENFILE, MOTE_CAUSE_NO_MEMORY},
        {"socket", EAFNOSUPPORT, MOTE_CAUSE_NO_NETWORK},
        {"socket", EACCES, MOTE_CAUSE_NO_NETWORK},
        {"socket", EINVAL, MOTE_CAUSE_CONNECT},
        {"connect", ENETUNREACH, MOTE_CAUSE_NO_NETWORK},
        {"connect", EHOSTUNREACH, MOTE_CAUSE_NO_NETWORK},
        {"connect", ENETDOWN, MOTE_CAUSE_NO_NETWORK},
        {"connect", EADDRNOTAVAIL, MOTE_CAUSE_NO_NETWORK},
        {"connect", EPERM, MOTE_CAUSE_NO_NETWORK},
        {"connect", ECONNREFUSED, MOTE_CAUSE_CONNECT},
        {"poll", EBADF, MOTE_CAUSE_CONNECT},
        {"getsockopt", ENOBUFS, MOTE_CAUSE_CONNECT},
        {"poll", EINTR, MOTE_CAUSE_CONNECT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forget(NULL);
        plan(0, cases[i].call, cases[i].error, 1);
        if (strcmp(cases[i].call, "poll") == 0 || strcmp(cases[i].call, "getsockopt") == 0) {
            plan(1, "connect", i % 2 != 0 ? EINPROGRESS : EINTR,
                 1); /* never begun: a socket at rest is ready, with no peer */
        }
        assert_int_equal(cause_of("127.0.0.1", strcmp(cases[i].call, "poll") == 0 && cases[i].error == EINTR),
                         cases[i].error == EINTR ? MOTE_CAUSE_NONE : cases[i].cause);
    }
    forget(NULL);
    plan(0, "getaddrinfo", EAI_SYSTEM, 2);
    errno = ENOMEM;
    assert_int_equal(cause_of("127.0.0.1", false), MOTE_CAUSE_NO_MEMORY);
    errno = ECONNREFUSED;
    assert_int_equal(cause_of("127.0.0.1", false), MOTE_CAUSE_NO_NETWORK);
}

static void test_no_time_left(void **state)
{
    uint8_t cause = MOTE_CAUSE_NONE;

    assert_int_equal(
        mote_posix_connect("127.0.0.1", 1, mote_posix_now_ms() - MOTE_ATTEMPT_S * UINT32_C(1000), NULL, &cause), -1);
    assert_int_equal(cause, MOTE_CAUSE_DEADLINE);
}

/* Each address has its share of what is left of the attempt, a second at least and MOTE_CONNECT_S at most. */
static void test_silent_addresses(void **state)
{
    static const struct {
        uint32_t left_ms;
        unsigned addresses, tried;
        int share_ms, cause;
    } cases[] = {{5000, 1, 1, 5000, MOTE_CAUSE_DEADLINE},    {5000, 2, 2, 2500, MOTE_CAUSE_DEADLINE},
                 {120000, 2, 2, 30000, MOTE_CAUSE_CONNECT},  {40000, 4, 4, 10000, MOTE_CAUSE_DEADLINE},
                 {600, 2, 1, 600, MOTE_CAUSE_DEADLINE},      {5900, 9, 5, 1000, MOTE_CAUSE_DEADLINE},
                 {900000, 20, 16, 30000, MOTE_CAUSE_CONNECT}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t start_ms = mote_posix_now_ms() - MOTE_ATTEMPT_S * UINT32_C(1000) + cases[i].left_ms;
        uint8_t cause = MOTE_CAUSE_NONE;

        silent = cases[i].addresses;
        waits = 0;
        assert_int_equal(mote_posix_connect("127.0.0.1", 1, start_ms, NULL, &cause), -1);
        assert_int_equal(cause, cases[i].cause);
        assert_in_range(waits, cases[i].tried, cases[i].tried + (cases[i].share_ms == 1000));
        for (unsigned k = 0; k < cases[i].tried; k++) {
            assert_in_range(waits_ms[k], cases[i].share_ms - 400, cases[i].share_ms);
        }
    }
}

/* A name server that takes all of the time is our own trouble (POLICY P12), and none is asked when it is over. */
static void test_slow_lookup(void **state)
{
    uint32_t start_ms = mote_posix_now_ms();
    uint8_t cause = MOTE_CAUSE_NONE;

    plan(0, "getaddrinfo", 0, 1);
    passes_s = MOTE_ATTEMPT_S;
    assert_int_equal(mote_posix_connect("127.0.0.1", 1, start_ms, NULL, &cause), -1);
    assert_int_equal(cause, MOTE_CAUSE_NO_NETWORK);
    plan(0, "getaddrinfo", EAI_FAIL, 1);
    assert_int_equal(mote_posix_connect("127.0.0.1", 1, start_ms, NULL, &cause), -1);
    assert_int_equal(cause, MOTE_CAUSE_DEADLINE);
    plan(0, "getaddrinfo", EAI_FAIL, 1);
    assert_int_equal(mote_posix_connect("127.0.0.1", 1, mote_posix_now_ms(), NULL, &cause), -1);
    assert_int_equal(cause, MOTE_CAUSE_LOOKUP);
}

static size_t told;

static void keep(void *ctx, char who, uint8_t step, const char *octets, size_t len)
{
    char *kept = ctx;

    memcpy(kept + strlen(kept), octets, len);
    told += len;
}

/* It is our own trouble only if no address could be tried; and the first such is told. */
static void test_two_addresses(void **state)
{
    static const struct {
        int errors[2], cause;
    } cases[] = {{{ECONNREFUSED, ENETUNREACH}, MOTE_CAUSE_CONNECT},
                 {{ENETUNREACH, ECONNREFUSED}, MOTE_CAUSE_CONNECT},
                 {{ENETUNREACH, ENOBUFS}, MOTE_CAUSE_NO_NETWORK}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        silent = 2;
        for (size_t k = 0; k < 2; k++) {
            plan(k, "connect", cases[i].errors[k], 1);
        }
        assert_int_equal(cause_of("127.0.0.1", false), cases[i].cause);
    }
}

static void check_told(const char *words, bool connected)
{
    char kept[200] = "";
    struct mote_trace trace = {.octets = keep, .ctx = kept};
    uint8_t cause;
    int fd = mote_posix_connect("127.0.0.1", 1, mote_posix_now_ms(), &trace, &cause);

    assert_string_equal(kept, words);
    assert_int_equal(fd >= 0, connected);
    if (connected) {
        close(fd);
    }
}

/* What came of a name and of an address, whatever errno was before. */
static void test_told(void **state)
{
    char words[200];

    plan(0, "connect", DONE, 1);
    check_told("connected to 127.0.0.1 port 1", true);
    plan(0, "connect", DONE, 1);
    unknown = true;
    check_told("connected to address port 1", true);
    unknown = false;
    snprintf(words, sizeof words, "127.0.0.1: %s", gai_strerror(EAI_FAIL));
    plan(0, "getaddrinfo", EAI_FAIL, 1);
    check_told(words, false);
    snprintf(words, sizeof words, "127.0.0.1 port 1: %s", strerror(ETIMEDOUT));
    silent = 1;
    check_told(words, false);
}

/* A name that is none for its length is told with its error behind it: its first 299 octets, or all of a shorter one. */
static void test_long_names(void **state)
{
    static const size_t lens[] = {1, 297, 298, 299, 300, 500};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        char host[501], kept[501] = "", words[600];
        struct mote_trace trace = {.octets = keep, .ctx = kept};
        uint8_t cause;

        memset(host, 'x', lens[i]);
        host[lens[i]] = 0;
        strcpy(words, host);
        strcat(words, ": ");
        words[299] = 0;
        strcat(words, gai_strerror(EAI_FAIL));
        plan(0, "getaddrinfo", EAI_FAIL, 1);
        assert_int_equal(mote_posix_connect(host, 1, mote_posix_now_ms(), &trace, &cause), -1);
        assert_int_equal(cause, MOTE_CAUSE_LOOKUP);
        assert_string_equal(kept, words);
    }
}

/* An error that the system has no words for is told by its number. */
static void test_unknown_error(void **state)
{
    char kept[200] = "";
    struct mote_trace trace = {.octets = keep, .ctx = kept};
    uint8_t cause;

    plan(0, "connect", 9999, 1);
    assert_int_equal(mote_posix_connect("127.0.0.1", 1, mote_posix_now_ms(), &trace, &cause), -1);
    assert_non_null(strstr(kept, "127.0.0.1 port 1: "));
    assert_non_null(strstr(kept, "9999"));
#ifdef __GLIBC__
    memset(kept, 0, sizeof kept);
    plan(0, "connect", 9999, 1);
    plan(1, "strerror_r", EINVAL, 1);
    assert_int_equal(mote_posix_connect("127.0.0.1", 1, mote_posix_now_ms(), &trace, &cause), -1);
    assert_string_equal(kept, "127.0.0.1 port 1: error 9999");
#endif
}

static void test_connected_at_once(void **state)
{
    plan(0, "connect", DONE, 1);
    assert_int_equal(cause_of("127.0.0.1", true), MOTE_CAUSE_NONE);
}

/* What errno was before is nobody's trouble. */
static void test_connection_without_input(void **state)
{
    int kept = without_input();

    plan(0, "connect", EINPROGRESS, 1);
    plan(1, "getsockopt", ENOBUFS, 1);
    errno = ENOMEM;
    assert_int_equal(cause_of("127.0.0.1", false), MOTE_CAUSE_CONNECT);
    plan(0, "connect", DONE, 1);
    assert_int_equal(cause_of("127.0.0.1", true), MOTE_CAUSE_NONE);
    with_input(kept);
}

static size_t read_line(void *ctx, size_t offset, void *buf, size_t cap)
{
    memcpy(buf, &"\r\n"[offset], offset < 2 ? 1 : 0);
    return offset < 2 ? 1 : 0;
}

/* A relay that failed is left alone from when it failed, not from when the attempt began. */
static void test_time_of_a_failure(void **state)
{
    struct mote_relay relay = {.host = "127.0.0.1", .port = 1};
    struct mote_relay_state since = {0};
    struct mote_rcpt rcpt = {.address = "b@example.org"};
    struct mote_mail mail = {.from = "a@example.org", .rcpts = &rcpt, .rcpt_count = 1, .read = read_line};
    struct mote_posix_attempt attempt = {.relays = &relay, .relay_count = 1, .states = &since, .now_s = 100};
    uint32_t started_ms = mote_posix_now_ms();

    attempt.mail = &mail;
    attempt.helo = "mote.example.org";
    mote_trust_opportunistic(&relay.trust, NULL);
    passes_s = 25;
    plan(0, "connect", ECONNREFUSED, 1);
    assert_int_equal(mote_posix_attempt(&attempt).cause, MOTE_CAUSE_CONNECT);
    assert_int_equal(since.failures, 1);
    assert_in_range(since.since_s, 125, 100 + (mote_posix_now_ms() - started_ms) / 1000);
}

/* What the relay reads when all has been said, and what that read returns which finds no more. */
static char last[200];
static ssize_t behind;

/* A conversation over a pair of sockets in which the relay has said so many lines of its greeting, or with 0 has refused; returns its cause. */
static int talk(int type, unsigned lines)
{
    static struct mote_session session;
    static unsigned char buf[MOTE_SESSION_BUF_FULL], entropy[32];
    struct mote_relay relay = {.host = "127.0.0.1"};
    struct mote_rcpt rcpt = {.address = "b@example.org"};
    struct mote_mail mail = {.from = "a@example.org", .rcpts = &rcpt, .rcpt_count = 1, .read = read_line};
    struct mote_session_setup setup = {.helo = "mote.example.org", .buf = buf, .buf_len = sizeof buf};
    bool refused = lines == 0;
    int ends[2];

    setup.entropy = entropy;
    setup.start_ms = mote_posix_now_ms();
    mote_trust_opportunistic(&relay.trust, NULL);
    mote_mail_measure(&mail);
    mote_session_init(&session, &relay, &mail, &setup);
    assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (lines-- > 0) {
        assert_int_equal(send(ends[1], lines > 0 ? "220-hello\r\n" : "220 hello\r\n", 11, 0), 11);
    }
    if (refused) {
        assert_int_equal(send(ends[1], "554 no\r\n", 8, 0), 8);
    }
    peer = refused ? -1 : ends[1];
    asked = 0;
    said[0] = 0;
    mote_posix_pump(ends[0], &session, NULL, NULL);
    memset(last, 0, sizeof last);
    recv(ends[1], last, sizeof last - 1, MSG_DONTWAIT);
    behind = recv(ends[1], (char[1]){0}, 1, MSG_DONTWAIT);
    close(ends[0]);
    close(ends[1]);
    return mote_session_result(&session)->cause;
}

/* What is said is pushed out before it waits for the answer, or the cork keeps it for a while. */
static void test_pushed_out(void **state)
{
    assert_int_equal(talk(SOCK_STREAM, 1), MOTE_CAUSE_LOST);
    assert_string_equal(said, "EHLO mote.example.org\r\n");
}

/* QUIT leaves with the end of the connection: a close would send neither where octets have come that nobody reads. */
static void test_end_behind_quit(void **state)
{
    assert_int_equal(talk(SOCK_STREAM, 0), MOTE_CAUSE_REFUSED);
    assert_string_equal(last, "QUIT\r\n");
    assert_int_equal(behind, 0);
}

/* However much comes, octet behind octet: after 16 reads it looks at the clock, or a relay that never ends would keep it for ever. */
static void test_clock_while_heard(void **state)
{
    unsigned once;

    assert_int_equal(talk(SOCK_SEQPACKET, 1), MOTE_CAUSE_LOST); /* a line in each read */
    once = asked;
    assert_int_equal(talk(SOCK_SEQPACKET, 1 + 3 * 16), MOTE_CAUSE_LOST);
    assert_int_equal(asked, once + 3);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static void test_files(void **state)
{
    static const struct {
        struct fault faults[3];
        int error;
    } cases[] = {
        {{{NULL, 0, 0}}, EINVAL}, /* no certificate in it */
        {{{"poll", EINTR, 2}}, EINVAL}, {{{"poll", EBADF, 1}}, EBADF},   {{{"poll", DONE, 1}}, ETIMEDOUT},
        {{{"read", EINTR, 2}}, EINVAL}, {{{"read", EAGAIN, 2}}, EINVAL}, {{{"read", EIO, 1}}, EIO},
    };
    const br_x509_trust_anchor *anchors;
    char memory[100];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memcpy(faults, cases[i].faults, sizeof faults);
        assert_int_equal(mote_posix_anchors("/dev/null", memory, sizeof memory, &anchors), 0);
        assert_int_equal(errno, cases[i].error);
    }
}

/* A program without an input reads its file as well. */
static void test_file_without_input(void **state)
{
    const br_x509_trust_anchor *anchors;
    char memory[100];
    int kept = without_input();

    errno = 0;
    assert_int_equal(mote_posix_anchors("/dev/null", memory, sizeof memory, &anchors), 0);
    assert_int_equal(errno, EINVAL);
    with_input(kept);
}

/* ---- The trace --------------------------------------------------------------------------------------------------- */

static void test_long_events(void **state)
{
    static const size_t lens[] = {0, 1, 398, 399, 400, 401, 500};
    char text[501], kept[501];
    struct mote_trace trace = {.octets = keep, .ctx = kept};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        memset(text, 'x', sizeof text);
        text[lens[i]] = kept[0] = 0;
        memset(kept, 0, sizeof kept);
        told = 0;
        mote_posix_trace_event(&trace, text, NULL);
        assert_int_equal(told, lens[i] < 399 ? lens[i] : 399);
        assert_memory_equal(kept, text, told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_random, forget),
        cmocka_unit_test_teardown(test_random_in_parts, forget),
        cmocka_unit_test_teardown(test_own_name, forget),
        cmocka_unit_test_teardown(test_address, forget),
        cmocka_unit_test_teardown(test_literal, forget),
        cmocka_unit_test_teardown(test_date, forget),
        cmocka_unit_test_teardown(test_counts_milliseconds, forget),
        cmocka_unit_test_teardown(test_whose_trouble, forget),
        cmocka_unit_test_teardown(test_connected_at_once, forget),
        cmocka_unit_test_teardown(test_no_time_left, forget),
        cmocka_unit_test_teardown(test_silent_addresses, forget),
        cmocka_unit_test_teardown(test_slow_lookup, forget),
        cmocka_unit_test_teardown(test_two_addresses, forget),
        cmocka_unit_test_teardown(test_told, forget),
        cmocka_unit_test_teardown(test_long_names, forget),
        cmocka_unit_test_teardown(test_unknown_error, forget),
        cmocka_unit_test_teardown(test_pushed_out, forget),
        cmocka_unit_test_teardown(test_end_behind_quit, forget),
        cmocka_unit_test_teardown(test_clock_while_heard, forget),
        cmocka_unit_test_teardown(test_long_events, forget),
        cmocka_unit_test_teardown(test_files, forget),
        cmocka_unit_test_teardown(test_file_without_input, forget),
        cmocka_unit_test_teardown(test_time_of_a_failure, forget),
        cmocka_unit_test_teardown(test_connection_without_input, forget),
        cmocka_unit_test_teardown(test_random_without_input, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * From a host name to a connected socket: every address in the resolver's order, one at a time, each for
 * MOTE_CONNECT_S, or its share where the attempt has less time.
 *
 * It does not race addresses, and it does not look further when a connection fails later: that is the next relay's
 * turn.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a person is told of one address: "192.0.2.7 port 587". */
#define WHERE_LEN 80

static void trace_error(const struct mote_trace *trace, const char *where, int error)
{
    char why[200], text[2 + sizeof why];

    if (strerror_r(error, why, sizeof why) != 0) {
        snprintf(why, sizeof why, "error %d", error);
    }
    snprintf(text, sizeof text, ": %s", why);
    mote_posix_trace_event(trace, where, text);
}

static void name_address(const struct addrinfo *address, uint16_t port, char where[WHERE_LEN])
{
    char host[MOTE_POSIX_LITERAL];

    if (!mote_posix_address(address->ai_addr, host)) {
        strcpy(host, "address");
    }
    snprintf(where, WHERE_LEN, "%s port %u", host, (unsigned)port);
}

/* ---- What is our own trouble (POLICY P12) ------------------------------------------------------------------------ */

/* A socket that could not be made, or a connection that the system refused to begin: nothing has left this host. */
static uint8_t own_cause(int error)
{
    switch (error) {
    case ENOBUFS:
    case ENOMEM:
    case EMFILE:
    case ENFILE: return MOTE_CAUSE_NO_MEMORY;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES: /* a packet filter of ours */
    case EPERM: return MOTE_CAUSE_NO_NETWORK;
    default: return MOTE_CAUSE_CONNECT;
    }
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

#ifdef MOTE_DANE
#include "dane.h"
#define known_addresses mote_dane_addresses
#else
#define known_addresses(host) NULL
#endif

/* EAI_AGAIN: no name server answered. */
static uint8_t lookup_cause(int error)
{
    switch (error) {
    case EAI_MEMORY: return MOTE_CAUSE_NO_MEMORY;
    case EAI_AGAIN: return MOTE_CAUSE_NO_NETWORK;
    case EAI_SYSTEM: return own_cause(errno) == MOTE_CAUSE_NO_MEMORY ? MOTE_CAUSE_NO_MEMORY : MOTE_CAUSE_NO_NETWORK;
    default: return MOTE_CAUSE_LOOKUP;
    }
}

/* The system's resolver keeps its own time limits. NULL, and *cause. */
static struct addrinfo *look_up(const char *host, uint16_t port, const struct mote_trace *trace, uint8_t *cause)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char service[8], text[300];
    int error;

    snprintf(service, sizeof service, "%u", (unsigned)port);
    error = getaddrinfo(host, service, &hints, &list);
    if (error == 0) {
        return list;
    }
    *cause = lookup_cause(error);
    snprintf(text, sizeof text, "%s: ", host);
    mote_posix_trace_event(trace, text, gai_strerror(error));
    return NULL;
}

/* ---- One relay --------------------------------------------------------------------------------------------------- */

/* Whether the connection comes about until limit_ms from start_ms; errno says why not. */
static bool wait_connected(int fd, uint32_t start_ms, uint32_t limit_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof errno;
    int error = 0;

    for (;;) {
        uint32_t passed_ms = mote_posix_now_ms() - start_ms;
        int ready = poll(&wait, 1, passed_ms < limit_ms ? (int)(limit_ms - passed_ms) : 0);

        if (ready > 0) {
            break;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
        if (passed_ms >= limit_ms) {
            errno = ETIMEDOUT;
            return false;
        }
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        return false;
    }
    errno = error;
    return error == 0;
}

static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

#ifdef TCP_CORK
    /* Records of one flight share a segment: pump.c says where it ends. */
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &(int){1}, sizeof(int));
#endif
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* One address. Returns a socket, or -1 with errno and *cause: an error that comes with the call is this host's. */
static int try_address(const struct addrinfo *address, uint32_t limit_ms, uint8_t *cause)
{
    uint32_t start_ms = mote_posix_now_ms();
    int error, fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);

    *cause = fd < 0 ? own_cause(errno) : MOTE_CAUSE_CONNECT;
    if (fd < 0) {
        return -1;
    }
    if (prepare(fd)) {
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
            return fd;
        }
        /* After EINTR the connection goes on being made, as after EINPROGRESS. */
        if (errno != EINPROGRESS && errno != EINTR) {
            *cause = own_cause(errno);
        } else if (wait_connected(fd, start_ms, limit_ms)) {
            return fd;
        }
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Milliseconds that are left of the attempt. */
static uint32_t time_left(uint32_t start_ms)
{
    uint32_t passed_ms = mote_posix_now_ms() - start_ms, attempt_ms = MOTE_ATTEMPT_S * UINT32_C(1000);

    return passed_ms < attempt_ms ? attempt_ms - passed_ms : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Milliseconds for the first of so many addresses: a silent one leaves the others their share. In less than a second nobody answers who
 * is far away. */
static uint32_t share(uint32_t left_ms, unsigned addresses)
{
    uint32_t share_ms = left_ms / addresses;

    return least(share_ms < 1000 ? least(left_ms, 1000) : share_ms, MOTE_CONNECT_S * UINT32_C(1000));
}

static unsigned count(const struct addrinfo *address)
{
    unsigned n = 0;

    while (address != NULL && n < MOTE_POSIX_ADDRESSES) {
        address = address->ai_next;
        n++;
    }
    return n;
}

int mote_posix_connect(const char *host, uint16_t port, uint32_t start_ms, const struct mote_trace *trace,
                       uint8_t *cause)
{
    const struct addrinfo *known = known_addresses(host), *address;
    struct addrinfo *list = NULL;
    unsigned addresses, tries = 0;
    char where[WHERE_LEN];
    int fd = -1;

    if (time_left(start_ms) == 0) {
        *cause = MOTE_CAUSE_DEADLINE;
        return -1;
    }
    if (known == NULL) {
        list = look_up(host, port, trace, cause);
    }
    address = known != NULL ? known : list;
    for (addresses = count(address); tries < addresses; address = address->ai_next, tries++) {
        uint32_t left_ms = time_left(start_ms);
        uint8_t why;

        if (left_ms == 0) {
            break;
        }
        name_address(address, port, where);
        fd = try_address(address, share(left_ms, addresses - tries), &why);
        if (fd >= 0) {
            mote_posix_trace_event(trace, "connected to ", where);
            break;
        }
        trace_error(trace, where, errno);
        /* It is ours if no address could be tried. */
        *cause = tries == 0 || why == MOTE_CAUSE_CONNECT ? why : *cause;
    }
    if (fd < 0 && addresses != 0 && time_left(start_ms) == 0) {
        *cause = tries != 0 ? MOTE_CAUSE_DEADLINE : MOTE_CAUSE_NO_NETWORK; /* the name server took all of it */
    }
    if (list != NULL) {
        freeaddrinfo(list);
    }
    return fd;
}

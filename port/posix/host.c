/* SPDX-License-Identifier: MIT
 *
 * What this host is called: a full name a relay may believe, or the address it sees us come from.
 *
 * It never answers "localhost", nor a name without a dot, nor one that is no host name: relays refuse those.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool mote_posix_host_name(char *name, size_t cap)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo *list = NULL;
    size_t len;

    if (cap == 0 || gethostname(name, cap) != 0) {
        return false;
    }
    name[cap - 1] = 0;
    if (strlen(name) == cap - 1) { /* it may be cut */
        return false;
    }
    if (strchr(name, '.') == NULL && getaddrinfo(name, NULL, &hints, &list) == 0) {
        if (list->ai_canonname != NULL && strlen(list->ai_canonname) < cap) {
            strcpy(name, list->ai_canonname);
        }
        freeaddrinfo(list);
    }
    len = strlen(name);
    if (len > 0 && name[len - 1] == '.') {
        name[len - 1] = 0;
    }
    return name[0] != '[' && strchr(name, '.') != NULL && mote_helo_valid(name);
}

bool mote_posix_address(const struct sockaddr *any, char text[MOTE_POSIX_LITERAL])
{
    const void *octets = &((const struct sockaddr_in *)(const void *)any)->sin_addr;
    int family = any->sa_family;

    if (family == AF_INET6) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)(const void *)any)->sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(address);

        octets = mapped ? address->s6_addr + 12 : address->s6_addr;
        family = mapped ? AF_INET : AF_INET6;
    }
    return inet_ntop(family, octets, text, MOTE_POSIX_LITERAL) != NULL;
}

void mote_posix_literal(int fd, char literal[MOTE_POSIX_LITERAL])
{
    union {
        struct sockaddr any;
        struct sockaddr_storage room;
    } own;
    socklen_t len = sizeof own;
    char text[MOTE_POSIX_LITERAL];

    memset(&own, 0, sizeof own);
    literal[0] = 0;
    if (getsockname(fd, &own.any, &len) == 0 && mote_posix_address(&own.any, text)) {
        snprintf(literal, MOTE_POSIX_LITERAL, strchr(text, ':') == NULL ? "[%s]" : "[IPv6:%s]", text);
    }
}

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

void mote_posix_literal(int fd, char literal[MOTE_POSIX_LITERAL])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } own;
    socklen_t len = sizeof own;
    char text[INET6_ADDRSTRLEN];
    const void *address;
    int family;

    memset(&own, 0, sizeof own);
    literal[0] = 0;
    if (getsockname(fd, &own.any, &len) != 0) {
        return;
    }
    family = own.any.sa_family;
    address = &own.v4.sin_addr;
    if (family == AF_INET6) {
        address = &own.v6.sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&own.v6.sin6_addr)) {
            family = AF_INET;
            address = own.v6.sin6_addr.s6_addr + 12;
        }
    }
    if (inet_ntop(family, address, text, sizeof text) != NULL) {
        snprintf(literal, MOTE_POSIX_LITERAL, family == AF_INET ? "[%s]" : "[IPv6:%s]", text);
    }
}

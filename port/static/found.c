/* SPDX-License-Identifier: MIT
 *
 * The addresses of a name, and in which order to try them: what of RFC 6724 tells a way that works from one that does not.
 */
#define _GNU_SOURCE

#include "found.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NO_ROUTE, UNLIKELY, IPV4, IPV6, RANKS };

bool line_read(FILE *file, char line[LINE])
{
    int rest = 0;

    if (fgets(line, LINE, file) == NULL) {
        return false;
    }
    if (strchr(line, '\n') == NULL) {
        while (rest != '\n' && rest != EOF) {
            rest = getc(file);
        }
    }
    return true;
}

socklen_t address_len(const union address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->four : sizeof address->six;
}

static bool read_scope(uint32_t *scope, const char *name)
{
    char *end;

    *scope = (uint32_t)strtoul(name, &end, 10);
    if (end == name || *end != 0) {
        *scope = if_nametoindex(name);
    }
    return *scope != 0;
}

bool address_read(union address *address, const char *text)
{
    char six[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "%");

    memset(address, 0, sizeof *address);
    if (inet_aton(text, &address->four.sin_addr) != 0) {
        address->any.sa_family = AF_INET;
        return true;
    }
    if (len >= sizeof six) {
        return false;
    }
    memcpy(six, text, len);
    six[len] = 0;
    address->any.sa_family = AF_INET6;
    return inet_pton(AF_INET6, six, &address->six.sin6_addr) == 1 &&
           (text[len] == 0 || read_scope(&address->six.sin6_scope_id, text + len + 1));
}

void found_add(struct found *found, sa_family_t family, const void *octets)
{
    union address *address = &found->addresses[found->count];

    if (found->count == FOUND_MAX) {
        return;
    }
    memset(address, 0, sizeof *address);
    address->any.sa_family = family;
    if (family == AF_INET) {
        memcpy(&address->four.sin_addr, octets, sizeof address->four.sin_addr);
    } else {
        memcpy(&address->six.sin6_addr, octets, sizeof address->six.sin6_addr);
    }
    found->count++;
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

/* Where in the world an IPv6 address is: from one place there is a way to the same. Tunnels are no place. */
static unsigned place(const union address *address)
{
    static const uint8_t teredo[4] = {0x20, 0x01};
    const uint8_t *octets = address->six.sin6_addr.s6_addr;
    bool tunnel = (octets[0] == 0x20 && octets[1] == 0x02) || memcmp(octets, teredo, sizeof teredo) == 0;

    return tunnel ? 0 : octets[0] >= 0xfc ? octets[0] & 0xfeu : 0x20;
}

static bool route(const union address *to, union address *from)
{
    socklen_t len = sizeof *from;
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool routed = fd >= 0 && connect(fd, &to->any, address_len(to)) == 0 && getsockname(fd, &from->any, &len) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return routed;
}

/* A private address (fc00::/7) is not for a name of the world. */
static unsigned rank(const union address *to)
{
    union address from;

    if (!route(to, &from)) {
        return NO_ROUTE;
    }
    if (to->any.sa_family == AF_INET) {
        return IPV4;
    }
    return place(to) == place(&from) && place(to) != 0 && place(to) != 0xfc ? IPV6 : UNLIKELY;
}

struct addrinfo *found_list(struct found *found, const struct addrinfo *hints, in_port_t port)
{
    struct addrinfo *list = NULL, **end = &list;
    uint8_t ranks[FOUND_MAX];

    for (unsigned i = 0; i < found->count; i++) {
        union address *address = &found->addresses[i];

        address->four.sin_port = port; /* IPv6 has it at the same place */
        found->infos[i] = (struct addrinfo){.ai_family = address->any.sa_family,
                                            .ai_socktype = hints->ai_socktype,
                                            .ai_addrlen = address_len(address),
                                            .ai_addr = &address->any,
                                            .ai_canonname = found->canonical};
        ranks[i] = (uint8_t)(found->count == 1 ? 0 : rank(address));
    }
    for (unsigned best = RANKS; best-- > 0;) {
        for (unsigned i = 0; i < found->count; i++) {
            if (ranks[i] == best) {
                *end = &found->infos[i];
                end = &found->infos[i].ai_next;
            }
        }
    }
    return list;
}

/* SPDX-License-Identifier: MIT
 *
 * getaddrinfo() for a static program: an address as it is written, a line of /etc/hosts, or what name servers say, in both
 * families. A port is a number.
 */
#define _GNU_SOURCE

#include "found.h"
#include "servers.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool read_literal(const char *name, struct found *found)
{
    union address *one = &found->addresses[0];

    snprintf(found->canonical, FOUND_NAME, "%s", name);
    found->count = address_read(one, name);
    return found->count != 0;
}

/* A line of /etc/hosts: an address, the true name, other names. */
static void read_host(struct found *found, char *line, const char *name)
{
    char *rest, *address, *first, *word;

    line[strcspn(line, "#")] = 0;
    address = strtok_r(line, BLANKS, &rest);
    first = word = address != NULL ? strtok_r(NULL, BLANKS, &rest) : NULL;
    while (word != NULL && strcasecmp(word, name) != 0) {
        word = strtok_r(NULL, BLANKS, &rest);
    }
    if (word == NULL || found->count == FOUND_MAX || !address_read(&found->addresses[found->count], address)) {
        return;
    }
    if (found->count++ == 0) {
        snprintf(found->canonical, FOUND_NAME, "%s", first);
    }
}

static bool read_hosts(const char *name, struct found *found)
{
    FILE *file = fopen("/etc/hosts", "re");
    char line[LINE];

    while (file != NULL && line_read(file, line)) {
        read_host(found, line, name);
    }
    if (file != NULL) {
        fclose(file);
    }
    return found->count != 0;
}

/* A last dot says that the name is whole. */
static bool is_searched(const char *name, unsigned dots)
{
    for (; *name != 0; name++) {
        if (*name == '.' && (dots-- == 0 || name[1] == 0)) {
            return false;
        }
    }
    return dots != 0;
}

/* A name with few dots is first looked for in the domains of search. */
static int ask(const char *name, struct found *found)
{
    struct servers servers;
    int status = EAI_NONAME;
    char whole[FOUND_NAME], *rest, *domain;

    servers_read(&servers);
    domain = is_searched(name, servers.dots) ? strtok_r(servers.search, BLANKS, &rest) : NULL;
    for (; domain != NULL && status == EAI_NONAME; domain = strtok_r(NULL, BLANKS, &rest)) {
        if (snprintf(whole, sizeof whole, "%s.%s", name, domain) < (int)sizeof whole) {
            status = servers_ask(&servers, whole, found);
        }
    }
    return status == EAI_NONAME ? servers_ask(&servers, name, found) : status;
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    struct found *found = calloc(1, sizeof *found);
    int status = 0;

    if (found == NULL) {
        return EAI_MEMORY;
    }
    if (!read_literal(name, found)) {
        if (hints->ai_flags & AI_NUMERICHOST) {
            status = EAI_NONAME;
        } else if (!read_hosts(name, found)) {
            status = ask(name, found);
        }
    }
    if (status != 0) {
        free(found);
        return status;
    }
    *list = found_list(found, hints, htons((in_port_t)(port != NULL ? strtoul(port, NULL, 10) : 0)));
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    free(list->ai_canonname);
}

const char *gai_strerror(int status)
{
    switch (status) {
    case EAI_NONAME: return "No such name, or it has no address";
    case EAI_AGAIN: return "No name server answers";
    case EAI_MEMORY: return "Out of memory";
    default: return "No name server can be asked";
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Addresses on their way to whom getaddrinfo() answers: in one piece of memory, with its list already in it.
 */
#ifndef MAILMOTE_STATIC_FOUND_H
#define MAILMOTE_STATIC_FOUND_H

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

enum { FOUND_MAX = 32, FOUND_NAME = 256 /* with its NUL */, LINE = 1024 };

#define BLANKS " \t\r\n"

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

struct found {
    char canonical[FOUND_NAME]; /* the first: so freeaddrinfo() finds the piece */
    struct addrinfo infos[FOUND_MAX];
    union address addresses[FOUND_MAX];
    unsigned count;
};

/* The next line of a file, or as much of it as there is room for. */
bool line_read(FILE *file, char line[LINE]);

socklen_t address_len(const union address *address);

/* An address as it is written, with its interface: "192.0.2.7", "fe80::1%eth0". False: it is none. */
bool address_read(union address *address, const char *text);

/* Adds one, of 4 or 16 octets, if there is room. */
void found_add(struct found *found, sa_family_t family, const void *octets);

/* The list in the order to try them in. */
struct addrinfo *found_list(struct found *found, const struct addrinfo *hints, in_port_t port);

#endif

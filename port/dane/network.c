/* SPDX-License-Identifier: MIT
 *
 * Is it the network that is missing? libunbound says of that what it says of name servers that have no answer. No octet is sent.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "network.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_way(const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *list;
    bool way;
    int fd;

    if (getaddrinfo(address, "53", &hints, &list) != 0) {
        return false;
    }
    fd = socket(list->ai_family, SOCK_DGRAM, 0);
    way = fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) == 0;
    if (fd >= 0) {
        close(fd);
    }
    freeaddrinfo(list);
    return way;
}

bool mote_dane_cut_off(void)
{
    char line[300], address[64];
    FILE *from = fopen("/etc/resolv.conf", "r");
    bool listed = false, way = false;

    while (from != NULL && !way && fgets(line, sizeof line, from) != NULL) {
        if (sscanf(line, "nameserver %63s", address) == 1) {
            listed = true;
            way = has_way(address);
        }
    }
    if (from != NULL) {
        fclose(from);
    }
    return !way && (listed || (!has_way("198.41.0.4") && !has_way("2001:503:ba3e::2:30"))); /* a.root-servers.net */
}

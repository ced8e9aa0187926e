/* SPDX-License-Identifier: MIT
 *
 * Would mail to a host come back to this one?
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "posix.h"

#include <ifaddrs.h>
#include <string.h>
#include <strings.h>

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    char one[MOTE_POSIX_LITERAL], other[MOTE_POSIX_LITERAL];

    return mote_posix_address(a, one) && mote_posix_address(b, other) && strcmp(one, other) == 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    char text[MOTE_POSIX_LITERAL];

    return mote_posix_address(address, text) && (strncmp(text, "127.", 4) == 0 || strncmp(text, "0.", 2) == 0 ||
                                                 strcmp(text, "::1") == 0 || strcmp(text, "::") == 0);
}

static bool is_own_address(const struct addrinfo *list)
{
    struct ifaddrs *own = NULL, *at;
    bool found = false;

    getifaddrs(&own);
    for (; list != NULL && !found; list = list->ai_next) {
        found = is_loopback(list->ai_addr);
        for (at = own; at != NULL && !found; at = at->ifa_next) {
            found = at->ifa_addr != NULL && same_address(at->ifa_addr, list->ai_addr);
        }
    }
    if (own != NULL) {
        freeifaddrs(own);
    }
    return found;
}

static bool is_own_name(const char *name, const char *helo)
{
    char own[MOTE_POSIX_HOST_NAME];

    return (helo != NULL && strcasecmp(helo, name) == 0) ||
           (mote_posix_host_name(own, sizeof own) && strcasecmp(own, name) == 0);
}

bool mote_dane_ourselves(const char *name, const char *helo, const struct addrinfo *addresses)
{
    return is_own_name(name, helo) || is_own_address(addresses);
}

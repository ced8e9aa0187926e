/* SPDX-License-Identifier: MIT
 *
 * The name a user goes by is what he logged in with, if an address can have it, else his number's. That of the host is not
 * looked up.
 */
#define _GNU_SOURCE

#include "mailmote.h"
#include "self.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool self_in_full(void)
{
    char name[HOST_NAME_MAX + 1] = "";

    return gethostname(name, sizeof name) == 0 && strchr(name, '.') != NULL;
}

bool self_is(const char *host, const char *domain)
{
    char own[HOST_NAME_MAX + 1] = "";
    size_t len;

    gethostname(own, sizeof own);
    len = strlen(own);
    if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.localdomain") == 0) {
        return true;
    }
    return len > 0 && strncasecmp(host, own, len) == 0 &&
           (host[len] == 0 || (host[len] == '.' && strcasecmp(host + len + 1, domain) == 0));
}

void self_name(struct address *address, const char *domain)
{
    char *at = address->kind == ADDRESS_ONE && address->has_domain ? strrchr(address->spec, '@') : NULL;

    if (at != NULL && *domain != 0 && self_is(at + 1, domain) &&
        address_bare((struct span){address->spec, (size_t)(at - address->spec)})) {
        *at = 0;
        address->has_domain = false;
    }
}

static bool names_sender(const char *user)
{
    char address[LOGIN_NAME_MAX + sizeof "@localhost"];

    return snprintf(address, sizeof address, "%s@localhost", user) < (int)sizeof address && mote_address_valid(address);
}

const char *self_user(void)
{
    const char *user = getenv("LOGNAME");
    const struct passwd *entry;

    if (user != NULL && names_sender(user)) {
        return user;
    }
    entry = getpwuid(getuid());
    return entry != NULL ? entry->pw_name : NULL;
}

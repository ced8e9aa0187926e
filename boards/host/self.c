/* SPDX-License-Identifier: MIT
 *
 * The name a user goes by is what he logged in with, else his number's.
 */
#define _GNU_SOURCE

#include "self.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

const char *self_user(void)
{
    const char *user = getenv("LOGNAME");
    const struct passwd *entry;

    if (user != NULL && *user != 0) {
        return user;
    }
    entry = getpwuid(getuid());
    return entry != NULL ? entry->pw_name : NULL;
}

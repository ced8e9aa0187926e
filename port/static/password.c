/* SPDX-License-Identifier: MIT
 *
 * getpwuid() and getpwnam() for a static program: lines of /etc/passwd, and no other source. What they return is
 * overwritten by the next call.
 */
#define _POSIX_C_SOURCE 200809L

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char line[1024];

/* The field that begins here, and the one behind it in *text. */
static char *field(char **text)
{
    char *begin = *text, *end = begin + strcspn(begin, ":\n");

    *text = end + (*end != 0);
    *end = 0;
    return begin;
}

static bool read_entry(FILE *file, struct passwd *entry)
{
    char *at = line;

    if (fgets(line, sizeof line, file) == NULL) {
        return false;
    }
    entry->pw_name = field(&at);
    entry->pw_passwd = field(&at);
    entry->pw_uid = (uid_t)strtoul(field(&at), NULL, 10);
    entry->pw_gid = (gid_t)strtoul(field(&at), NULL, 10);
    entry->pw_gecos = field(&at);
    entry->pw_dir = field(&at);
    entry->pw_shell = *at != 0 ? field(&at) : NULL; /* "" where it is the usual one; NULL: that is no entry */
    return true;
}

/* By name, or by number where that is NULL. */
static struct passwd *look_up(const char *name, uid_t uid)
{
    static struct passwd entry;
    FILE *file = fopen("/etc/passwd", "re");
    bool found = false;

    while (file != NULL && !found && read_entry(file, &entry)) {
        found = entry.pw_shell != NULL && (name != NULL ? strcmp(entry.pw_name, name) == 0 : entry.pw_uid == uid);
    }
    if (file != NULL) {
        fclose(file);
    }
    return found ? &entry : NULL;
}

struct passwd *getpwnam(const char *name)
{
    return look_up(name, 0);
}

struct passwd *getpwuid(uid_t uid)
{
    return look_up(NULL, uid);
}

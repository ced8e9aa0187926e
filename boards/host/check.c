/* SPDX-License-Identifier: MIT
 *
 * Names and addresses of the caller and the configuration: what is wrong with one is told with its place.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "mail.h"
#include "self.h"

#include <stdio.h>
#include <string.h>

static const char *what_is_wrong(const char *address)
{
    const char *at;

    for (at = address; *at != 0; at++) {
        if ((unsigned char)*at < ' ' || *at == 127) {
            return "it holds a control character";
        }
        if (*at == '<' || *at == '>') {
            return "leave the angle brackets out";
        }
        if (*at == ' ') {
            return "it holds a space";
        }
        if (*at == ',') {
            return "it holds a comma: give one address; each recipient is an argument of its own";
        }
    }
    at = strrchr(address, '@');
    if (at == NULL || at == address || at[1] == 0) {
        return "give local-part@domain";
    }
    if (strlen(address) > 254) {
        return "it is longer than SMTP allows";
    }
    return "it is not an address of RFC 5321";
}

int check_address(const char *address, const char *role)
{
    if (mote_address_valid(address)) {
        return EX_OK;
    }
    complain("%s \"%.300s\": %s", role, address, what_is_wrong(address));
    return EX_USAGE;
}

int check_helo(const struct args *args)
{
    if (args->helo == NULL || mote_helo_valid(args->helo)) {
        return EX_OK;
    }
    complain_about(args->config_file, args->helo_line);
    complain("%shelo: %s: give this host's full name", args->helo_line == 0 ? "--" : "",
             mote_cause_name(MOTE_CAUSE_HELO));
    complain_about(NULL, 0);
    return EX_CONFIG;
}

struct address_text admin_address(const struct args *args)
{
    const char *admin = args->admin, *at = strrchr(admin, '@');
    bool name = at == NULL || self_is(at + 1, args->domain == NULL ? "" : args->domain);
    struct address_text address;

    snprintf(address.text, sizeof address.text, "%.*s%s",
             (int)(name && at != NULL ? (size_t)(at - admin) : strlen(admin)), admin, name ? "@" LATER_DOMAIN : "");
    return address;
}

int check_admin(const struct args *args)
{
    const char *admin = args->admin;
    struct address_text name;
    int status;

    if (admin != NULL && strchr(admin, '@') == NULL) {
        snprintf(name.text, sizeof name.text, "%s@" LATER_DOMAIN, admin);
        admin = mote_address_valid(name.text) ? NULL : admin;
    }
    complain_about(args->config_file, args->admin_line);
    status = admin == NULL || check_address(admin, "admin") == EX_OK ? EX_OK : EX_CONFIG;
    complain_about(NULL, 0);
    return status;
}

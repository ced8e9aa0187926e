/* SPDX-License-Identifier: MIT
 *
 * Collects recipients. One that cannot be read is told of and left out: the others do not miss a mail for it.
 */
#define _GNU_SOURCE

#include "addressees.h"
#include "complain.h"
#include "header.h"
#include "report.h"
#include "self.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

/* So many of a list may be left out, then the rest of it is: each may be a bracket, whose end is looked for up to the end of the list. */
enum { LEFT_OUT_MAX = 1000 };

/* A name without a domain is what its alias says. The text lives as long as the recipients do. */
static int add(struct addressees *all, const char *spec)
{
    char *made = made_string(&all->made, strlen(spec));

    return made == NULL ? EX_OSERR : aliases_address(&all->aliases, strcpy(made, spec), &all->to);
}

/* Up to the next comma, or the rest of the list. */
static void leave_out(struct addressees *all, const char *begin, struct span *rest, const char *where, bool all_of_it)
{
    size_t len;

    while (rest->len > 0 && (*rest->at != ',' || all_of_it)) {
        rest->at++;
        rest->len--;
    }
    begin += strspn(begin, ", \t\r\n");
    len = begin < rest->at ? (size_t)(rest->at - begin) : 0;
    report_trouble(
        all->aliases.args->syslog, LOG_WARNING,
        "%s \"%.*s\": it%s cannot be read as an address, and gets no mail: give local-part@domain, several with "
        "commas between",
        where, (int)(len < 300 ? len : 300), begin, all_of_it ? ", and all behind it," : "");
    all->left_out++;
}

static bool has_spec(const struct address *address)
{
    return address->kind == ADDRESS_ONE && address->spec[0] != 0;
}

static int add_named(struct addressees *all, struct address *address, const char *full)
{
    if (all->named++ == 0) {
        snprintf(all->first, sizeof all->first, "%s", full);
    }
    return add(all, address->spec);
}

int addressees_add(struct addressees *all, struct span list, const char *where)
{
    struct span rest = list;
    struct address address;
    char full[sizeof address.spec + 256];
    const char *domain = all->aliases.domain == NULL ? "" : all->aliases.domain;
    unsigned wrong = 0;
    int status = EX_OK;

    while (status == EX_OK) {
        const char *begin = rest.at;

        address_next(&rest, &address);
        self_name(&address, domain);
        if (address.kind == ADDRESS_END) {
            break;
        }
        if (address.kind == ADDRESS_WRONG || address.kind == ADDRESS_NAMELESS ||
            (has_spec(&address) && !header_complete(full, sizeof full, address.spec, address.has_domain, domain))) {
            leave_out(all, begin, &rest, where, wrong++ == LEFT_OUT_MAX);
        } else if (has_spec(&address)) {
            status = add_named(all, &address, full);
        }
    }
    return status;
}

/* ---- A header ---------------------------------------------------------------------------------------------------- */

static bool names_recipients(struct span field, bool resent)
{
    return resent ? field_is(field, "Resent-To") || field_is(field, "Resent-Cc") || field_is(field, "Resent-Bcc")
                  : field_is(field, "To") || field_is(field, "Cc") || field_is(field, "Bcc");
}

static bool is_resent(struct span field)
{
    return field.len > 7 && strncasecmp(field.at, "Resent-", 7) == 0;
}

/* Each time a message is sent on, such fields are put in front of those before, and all of one time are side by side
 * (RFC 5322 3.6.6), or are to be: they reach to the first recipients at least. */
static bool resent_part(struct span *header)
{
    struct span rest = *header;
    unsigned lines = 0;
    bool found = false, named = false;

    while (rest.len > 0) {
        struct span before = rest, field = take_field(&rest, &lines);

        if (is_resent(field) && header_is_void(field)) {
            continue; /* it is not sent, so nobody has sent the message on */
        }
        named = named || names_recipients(field, true);
        if (!found && is_resent(field)) {
            found = true;
            *header = before;
        } else if (named && !is_resent(field)) {
            header->len = (size_t)(before.at - header->at);
            break;
        }
    }
    return found;
}

int addressees_of_header(struct addressees *all, struct span header)
{
    bool resent = resent_part(&header);
    unsigned lines = 0;
    int status = EX_OK;

    while (status == EX_OK && header.len > 0) {
        struct span field = take_field(&header, &lines);
        char where[40];

        if (names_recipients(field, resent)) {
            snprintf(where, sizeof where, "field %.*s", (int)field_name_len(field), field.at);
            status = addressees_add(all, field_value(field), where);
        }
    }
    return status;
}

void addressees_free(struct addressees *all)
{
    made_free(&all->made);
    free(all->to.list);
    aliases_free(&all->aliases);
}

/* SPDX-License-Identifier: MIT
 *
 * Aliases, looked up in the text as it is. The text is trusted to say who gets a mail, and nothing more: no command is run and
 * no file is written or read for it. That is refused when such a name gets a mail, so that the other names still work, and those
 * beside it get theirs.
 */
#define _GNU_SOURCE

#include "address_list.h"
#include "alias_text.h"
#include "aliases.h"
#include "complain.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ALIASES_DEFAULT "/etc/aliases"
#define ALIASES_MAX     ((size_t)1 << 20)

enum {
    EXPANDED_MAX = 256,       /* names on the way from one to its addresses */
    TOO_MANY = EX_UNAVAILABLE /* of them, or of addresses: nobody else is looked for */
};

static bool find(const struct aliases *aliases, struct span name, struct alias *alias)
{
    const struct args *args = aliases->args;
    struct span rest = {aliases->text.data, aliases->text.len};
    unsigned lines = 0;

    for (unsigned i = 0; i < args->alias_count; i++) {
        *alias = args->alias_lines[i];
        if (alias_same(alias->name, name)) {
            return true;
        }
    }
    alias->file = args->aliases;
    while (rest.len > 0) {
        if (alias_split(alias, alias_take_line(&rest, &lines, &alias->line)) && alias_same(alias->name, name)) {
            return true;
        }
    }
    return false;
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

/* NULL after a complaint. */
static char *make(struct aliases *aliases, struct span name, const char *domain)
{
    size_t more = domain == NULL ? 0 : strlen(domain) + 1;
    char *made = made_string(&aliases->made, name.len + more);

    if (made != NULL) {
        memcpy(made, name.at, name.len);
    }
    if (made != NULL && domain != NULL) {
        made[name.len] = '@';
        memcpy(made + name.len + 1, domain, more - 1);
    }
    return made;
}

/* What one name stands for. first: in the list, of those that count for the limit. */
struct expansion {
    struct aliases *aliases;
    struct words *to;
    unsigned first;
};

#define NOBODY "its alias names nobody: give an address"

static int refuse(struct aliases *aliases, struct span name, const char *why)
{
    aliases->refused = true;
    complain("%.*s: %s", (int)(name.len < 200 ? name.len : 200), name.at, why);
    return EX_CONFIG;
}

static int add(const struct expansion *all, struct span name, const char *domain)
{
    char *address = make(all->aliases, name, domain);

    if (address == NULL) {
        return EX_OSERR;
    }
    if (strchr(address, '@') != NULL && !mote_address_valid(address)) {
        return refuse(all->aliases, name, "it is not an address of RFC 5321");
    }
    for (unsigned i = 0; i < all->to->count; i++) {
        if (strcmp(all->to->list[i], address) == 0) {
            return EX_OK;
        }
    }
    if (all->to->count - all->first == ALIASES_ADDRESSES) {
        complain("more than %d addresses for one name: a mail has no more recipients", ALIASES_ADDRESSES);
        return TOO_MANY;
    }
    return words_add(all->to, address);
}

/* ---- Expansion --------------------------------------------------------------------------------------------------- */

/* The names that led here. */
struct step {
    struct span name;
    const struct step *from;
    bool any; /* it was nobody's, and stood for `*' */
};

static int expand(const struct expansion *all, const struct step *step);

static void write_path(char *text, size_t cap, const struct step *step)
{
    if (step->from != NULL) {
        write_path(text, cap, step->from);
        strncat(text, " -> ", cap - strlen(text) - 1);
    }
    strncat(text, step->name.at, step->name.len < cap - strlen(text) ? step->name.len : cap - strlen(text) - 1);
}

/* A name that was met on the way here. */
static int check_circle(struct aliases *aliases, const struct step *step)
{
    char text[1000] = "";

    for (const struct step *at = step->from; at != NULL; at = at->from) {
        if (alias_same(at->name, step->name)) {
            write_path(text, sizeof text, step);
            aliases->refused = true;
            complain("aliases go in a circle: %s: take one of them out", text);
            return EX_CONFIG;
        }
    }
    return EX_OK;
}

static int expand_target(const struct expansion *all, const struct step *from, struct span target)
{
    enum { LOCAL = sizeof "@localhost" - 1 };
    struct step step = {.name = alias_unquote(target), .from = from, .any = from->any};
    struct span name = step.name;
    bool bare = name.len > 0 && *name.at == '\\';
    int status;

    if (name.len >= LOCAL && strncasecmp(name.at + name.len - LOCAL, "@localhost", LOCAL) == 0 &&
        address_bare((struct span){name.at, name.len - LOCAL})) {
        step.name.len = name.len -= LOCAL;
    }
    if (name.len - bare == 0) {
        return refuse(all->aliases, from->name, NOBODY);
    }
    if (name.at[0] == '|' || name.at[0] == '/') {
        return refuse(all->aliases, name, "an alias runs no command and writes no file: give an address");
    }
    if (name.len >= 9 && strncasecmp(name.at, ":include:", 9) == 0) {
        return refuse(all->aliases, name, "an alias reads no list: give the addresses here");
    }
    if (!address_bare(name)) {
        return add(all, name, NULL);
    }
    if (bare || alias_same(name, from->name)) { /* who is his own alias is whom it would go to without */
        return add(all, (struct span){name.at + bare, name.len - bare}, all->aliases->domain);
    }
    status = check_circle(all->aliases, &step);
    return status == EX_OK ? expand(all, &step) : status;
}

static bool find_any(const struct aliases *aliases, struct alias *alias)
{
    return find(aliases, (struct span){"*", 1}, alias) || find(aliases, (struct span){"default", 7}, alias);
}

static int expand(const struct expansion *all, const struct step *step)
{
    struct step here = *step;
    struct alias alias;
    struct span target;
    int status = EX_OK;
    bool somebody = false;

    if (all->aliases->expanded++ == EXPANDED_MAX) {
        refuse(all->aliases, step->name, "its alias leads through too many names");
        return TOO_MANY;
    }
    if (!find(all->aliases, here.name, &alias)) {
        if (here.any || !find_any(all->aliases, &alias)) {
            return add(all, here.name, all->aliases->domain);
        }
        here.any = true;
    }
    complain_about(alias.file, alias.line);
    target = alias_take_target(&alias.targets);
    if (target.len == 0) {
        status = refuse(all->aliases, here.name, NOBODY);
    }
    while ((status == EX_OK || status == EX_CONFIG) && target.len > 0) {
        status = expand_target(all, &here, target);
        somebody = somebody || status == EX_OK;
        complain_about(alias.file, alias.line);
        target = alias_take_target(&alias.targets);
    }
    complain_about(NULL, 0);
    return status == EX_CONFIG && somebody ? EX_OK : status;
}

int aliases_expand(struct aliases *aliases, char *recipient, struct words *to)
{
    struct expansion all = {aliases, to, to->count};
    struct step step = {.name = {recipient, strlen(recipient)}};
    int status;

    if (step.name.len == 0 || !address_bare(step.name)) {
        return words_add(to, recipient);
    }
    if (*recipient == '\\') {
        return add(&all, (struct span){recipient + 1, step.name.len - 1}, aliases->domain);
    }
    aliases->expanded = 0;
    status = expand(&all, &step);
    return status == TOO_MANY ? EX_CONFIG : status;
}

int aliases_bare(struct aliases *aliases, char *recipient, struct words *to, const char *why)
{
    const struct expansion all = {aliases, to, to->count};
    int status = add(&all, (struct span){recipient, strlen(recipient)}, aliases->domain);

    if (status == EX_OK) {
        complain("%.200s is sent to %.200s@%.200s%s", recipient, recipient, aliases->domain, why);
    }
    return status;
}

int aliases_address(struct aliases *aliases, char *recipient, struct words *to)
{
    unsigned count = to->count;
    int status = aliases_expand(aliases, recipient, to);

    if (status != EX_CONFIG || aliases->domain == NULL || *aliases->domain == 0) {
        return status;
    }
    to->count = count;
    return aliases_bare(aliases, recipient, to, ", as if it had no alias");
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static void warn(const struct aliases *aliases)
{
    struct span rest = {aliases->text.data, aliases->text.len};
    unsigned lines = 0;

    while (rest.len > 0) {
        struct alias alias;
        struct span text = alias_take_line(&rest, &lines, &alias.line);

        if (!alias_is_comment(text) && !alias_split(&alias, text)) {
            complain_about(aliases->args->aliases, alias.line);
            complain("warning: no alias, and left out: give NAME: ADDRESS");
        }
    }
    complain_about(NULL, 0);
}

int aliases_open(struct aliases *aliases, const struct args *args, const char *domain)
{
    struct stat about;
    int error;

    aliases->args = args;
    aliases->domain = domain;
    if (args->aliases == NULL) {
        return EX_OK;
    }
    error = file_read_text(args->aliases, &aliases->text, ALIASES_MAX, &about);
    if (error != 0) {
        complain_about(args->config_file, args->aliases_line);
        file_refuse_text("aliases ", args->aliases, &aliases->text, error);
        complain_about(NULL, 0);
        return EX_CONFIG;
    }
    warn(aliases);
    return EX_OK;
}

void aliases_default(struct args *args)
{
    if (args->aliases == NULL && args->alias_count == 0 && access(ALIASES_DEFAULT, R_OK) == 0) {
        args->aliases = ALIASES_DEFAULT;
    }
}

static int check(struct aliases *aliases, const struct alias *alias)
{
    struct words to = {NULL, 0};
    char *name = make(aliases, alias->name, NULL);
    int status = name == NULL ? EX_OSERR : aliases_expand(aliases, name, &to);
    free(to.list);
    return status == EX_CONFIG || (status == EX_OK && aliases->refused) ? EX_DATAERR : status;
}

int aliases_check(struct aliases *aliases)
{
    const struct args *args = aliases->args;
    struct span rest = {aliases->text.data, aliases->text.len};
    unsigned lines = 0;
    int status = EX_OK;

    for (unsigned i = 0; i < args->alias_count; i++) {
        status = worse(status, check(aliases, &args->alias_lines[i]));
    }
    while (rest.len > 0) {
        struct alias alias;
        struct span text = alias_take_line(&rest, &lines, &alias.line);

        if (alias_split(&alias, text)) {
            status = worse(status, check(aliases, &alias));
        } else if (!alias_is_comment(text)) {
            status = worse(status, EX_DATAERR); /* it was told when it was opened */
        }
    }
    return status;
}

void aliases_free(struct aliases *aliases)
{
    made_free(&aliases->made);
    free(aliases->text.data);
    aliases->text = (struct buffer){NULL, 0};
}

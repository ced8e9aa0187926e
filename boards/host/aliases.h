/* SPDX-License-Identifier: MIT
 *
 * Whom a local name stands for: lines `alias NAME: ADDRESS, ...' of the configuration, and behind them a file in the form of
 * /etc/aliases. A name that nobody has is `*' or `default', where that is an alias, else NAME@DOMAIN.
 */
#ifndef MAILMOTE_HOST_ALIASES_H
#define MAILMOTE_HOST_ALIASES_H

#include "args.h"
#include "made.h"

/* At most so many addresses for one name. */
#define ALIASES_ADDRESSES MOTE_RECORD_RCPTS

/* Zeros at first. */
struct aliases {
    const struct args *args;
    const char *domain;
    struct buffer text; /* of the file that args->aliases names */
    struct made *made;  /* what lists point into */
    unsigned expanded;  /* names, of the recipient at hand */
    bool refused;       /* there was a target that nobody can be sent to */
};

/* Reads the file, if there is one (EX_CONFIG); a line that is none is told of and left out. domain completes names; NULL: they
 * stay as they are. */
int aliases_open(struct aliases *aliases, const struct args *args, const char *domain);

/* Adds a recipient: as it is where it has an '@', else the addresses it stands for, each of which is added once. What is added
 * lives until aliases_free(), or as long as the recipient. A target that goes in a circle, is no address, or wants what no alias
 * may, a command, a file, a list in a file, is told of and left out. EX_CONFIG: nobody is left, or it leads to too many. */
int aliases_expand(struct aliases *aliases, char *recipient, struct words *to);

/* The same for a mail that must not be lost: whose alias is wrong, of which is told, is NAME@DOMAIN. */
int aliases_address(struct aliases *aliases, char *recipient, struct words *to);

/* A name at that domain, which is told, and why: ", as if it had no alias". */
int aliases_bare(struct aliases *aliases, char *recipient, struct words *to, const char *why);

/* For those who call sendmail: without aliases of its own, the configuration has those of /etc/aliases, if it is there. */
void aliases_default(struct args *args);

/* Expands each alias that there is, and tells what is wrong (EX_DATAERR). */
int aliases_check(struct aliases *aliases);

void aliases_free(struct aliases *aliases);

#endif

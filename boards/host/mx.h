/* SPDX-License-Identifier: MIT
 *
 * Without a relay (`relay mx:', --mx): the hosts that take mail for the recipients' domain. All that is in boards/host/dane is
 * built by `make DANE=1' alone; else such a relay is refused.
 */
#ifndef MAILMOTE_HOST_MX_H
#define MAILMOTE_HOST_MX_H

#include "attempt.h"

/* The recipients of a mail, grouped by their domains; and how many of the first have the same one: all, where it goes by relays. */
#ifdef MOTE_DANE
void mx_group(const struct args *args, struct mote_rcpt *rcpts, unsigned count);
unsigned mx_first(const struct args *args, const struct mote_rcpt *rcpts, unsigned count);

/* A mail of several domains, which the spool may have from when it was to go by a relay, becomes one of the first domain; the
 * others are stored as mails of their own, as far as there is room. False after a complaint: what is stored is not known. */
bool mx_split(const struct args *args, const struct spool *spool, struct host_mail *mail);

/* One of these others, which is to be tried now. False: there is none any more. */
bool mx_part(char name[SPOOL_NAME]);

/* Such a mail is not to be tried, as the one it comes from may be stored with its recipients. */
bool mx_held(const char *name);

/* Whether this recipient's verdict is in such a mail, and not here. */
bool mx_parted(const struct spool *spool, const struct host_mail *mail, const struct mote_rcpt *rcpt);

/* attempt_run(), domain by domain. */
int mx_run(struct attempt *attempt);

/* Who was left out of an attempt, as of another domain, is one of the mail's recipients again. */
void mx_rejoin(struct host_mail *mail);

/* An attempt has ended, perhaps of one of several domains. */
void mx_back_off(struct host_mail *mail);

/* Finds the relays of the mail's domain, and gives them to the attempt. False: nobody can be asked, and the recipients know why. */
bool mx_route(struct attempt *attempt);

/* There are hosts besides these relays, of which DNS does not tell enough. */
bool mx_partial(const struct args *args);

/* Says of each recipient what must be said each time. */
void mx_note(const struct attempt *attempt);

/* args: the domain, or one above it, is in a line `nodane'. */
bool mx_exempt(const void *args, const char *name);
#else
static inline void mx_group(const struct args *args, struct mote_rcpt *rcpts, unsigned count)
{
    (void)args, (void)rcpts, (void)count;
}

static inline unsigned mx_first(const struct args *args, const struct mote_rcpt *rcpts, unsigned count)
{
    (void)args, (void)rcpts;
    return count;
}

static inline bool mx_split(const struct args *args, const struct spool *spool, struct host_mail *mail)
{
    (void)args, (void)spool, (void)mail;
    return true;
}

static inline bool mx_part(char name[SPOOL_NAME])
{
    (void)name;
    return false;
}

static inline bool mx_held(const char *name)
{
    (void)name;
    return false;
}

static inline bool mx_parted(const struct spool *spool, const struct host_mail *mail, const struct mote_rcpt *rcpt)
{
    (void)spool, (void)mail, (void)rcpt;
    return false;
}

static inline int mx_run(struct attempt *attempt)
{
    return attempt_run(attempt);
}

static inline void mx_rejoin(struct host_mail *mail)
{
    (void)mail;
}

static inline void mx_back_off(struct host_mail *mail)
{
    (void)mail;
}

static inline bool mx_route(struct attempt *attempt)
{
    (void)attempt;
    return true;
}

static inline bool mx_partial(const struct args *args)
{
    (void)args;
    return false;
}

static inline void mx_note(const struct attempt *attempt)
{
    (void)attempt;
}
#endif

#endif

/* SPDX-License-Identifier: MIT
 *
 * Names of which it is not known yet what completes them, as the configuration cannot be read, or the resolver would have to be
 * asked before the mail is stored. They are stored with a domain that nobody has, and completed when the mail is tried.
 */
#ifndef MAILMOTE_HOST_LATER_H
#define MAILMOTE_HOST_LATER_H

#include "spool.h"

/* What completes names, at once: the configuration's domain, else this host's name, in full if it has one. */
const char *later_domain(const struct args *args, char own[MOTE_POSIX_HOST_NAME]);

/* Of a mail with such names in its envelope or header, another one without them; of recipients aliases are looked
 * up, and the sender is the configuration's, if that has one. NULL: it has none. Aliases that cannot be read are none for a mail that
 * is not kept; one that is waits for them (EX_CONFIG). EX_OSERR: after a complaint. */
struct later;
int later_begin(struct later **later, struct args *args, const struct host_mail *mail);
struct host_mail *later_mail(struct later *later);
void later_end(struct later *later);

/* Beside the causes of enum mote_cause, in the spool alone: a mail's names cannot be completed, as aliases cannot be read, or what
 * they make is no address. */
enum { CAUSE_ALIASES = 255 };

/* That is what a mail of the spool becomes, which was taken and read, and stays so: its file in one step, or where that cannot be
 * the mail at hand alone, if it has one recipient. An exit status after a complaint: it is what it was; or was let go, if
 * mail->kept.fd is -1. */
int later_store(struct args *args, const struct spool *spool, struct host_mail *mail);

#endif

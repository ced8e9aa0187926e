/* SPDX-License-Identifier: MIT
 *
 * The spool: a directory of mails (spool.c, spool_names.c), each a file (spool_file.c).
 */
#ifndef MAILMOTE_HOST_SPOOL_H
#define MAILMOTE_HOST_SPOOL_H

#include "mail.h"

/* ---- One file ---------------------------------------------------------------------------------------------------- */

/* All of the mail, in its first state. False with errno. */
bool spool_file_write(int fd, struct host_mail *mail);

/* The state anew: the record, and since when. What was stored before stays until this is. False with errno. */
bool spool_file_save(struct host_mail *mail);

/* Reads a mail whose id is said to be this. Returns 0, an errno, or EBADMSG when the file is damaged. */
int spool_file_read(int fd, struct host_mail *mail, const char *id);

/* Its state alone: nothing else of *mail is set. The same. */
int spool_file_read_state(int fd, struct host_mail *mail);

/* ---- The directory ----------------------------------------------------------------------------------------------- */

#define SPOOL_NAME   (ID_LEN + sizeof ".mail")
#define SPOOL_TEMP   "tmp."
#define SPOOL_ASIDE  ".damaged"
#define SPOOL_RELAYS "relays" /* throttle.c */

struct spool {
    const char *dir;
    int fd;
};

/* create: make the directory if it is missing. */
int spool_open(struct spool *spool, const char *dir, bool create);
void spool_close(struct spool *spool);

/* Nobody else may write into it, and what it knows of relays is ours. False after a complaint. */
bool spool_safe(const struct spool *spool);

/* Accepts the mail: from then on it is not lost. It stays locked until it is released. */
int spool_store(const struct spool *spool, struct host_mail *mail);

struct spool_entry {
    char name[SPOOL_NAME];
    struct mote_record record; /* as of now; zeros when it cannot be read: then it is among the first */
};

/* The mails, in the order they are to be tried (P18); to be freed. NULL after a complaint. */
struct spool_entry *spool_list(const struct spool *spool, size_t *count);

/* Removes what a run left behind that was ended in the middle. False after a complaint. */
bool spool_clean(const struct spool *spool);

/* Tells of the mails that were set aside as damaged. False after a complaint that there may be more. */
bool spool_tell_damaged(const struct spool *spool);

enum { SPOOL_GOOD, SPOOL_PASS, SPOOL_DAMAGED, SPOOL_TROUBLE };

/* Locks and reads a mail; time that has passed is in its record, and an attempt that never ended is one that ended (P17).
 * SPOOL_PASS: another run is at work on it, or it is gone. SPOOL_DAMAGED: it is set aside. SPOOL_TROUBLE: it is there
 * and cannot be had. */
int spool_lock_and_read(const struct spool *spool, const char *name, struct host_mail *mail);

/* Reads a mail to look at it: as above, but that nothing is locked, ended or set aside. */
int spool_look(const struct spool *spool, const char *name, struct host_mail *mail);

/* Time that has passed goes into the record. */
void spool_age(struct host_mail *mail);

/* Stores the state; false after a complaint if that cannot be. */
bool spool_save(struct host_mail *mail);

/* The mail is finished. */
void spool_remove(const struct spool *spool, struct host_mail *mail);

/* Without waiting. Returns 0 or an errno: EWOULDBLOCK when another run has it, or it was finished or taken for a leftover
 * in the meantime. */
int spool_lock(int fd);

/* A file of the spool in one piece or not at all. False with errno. */
struct spool_temp {
    char name[32];
    int fd;
};
bool spool_temp_open(const struct spool *spool, struct spool_temp *temp);
bool spool_temp_keep(const struct spool *spool, struct spool_temp *temp, const char *name); /* the descriptor stays */
void spool_temp_drop(const struct spool *spool, struct spool_temp *temp);

#endif

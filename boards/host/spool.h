/* SPDX-License-Identifier: MIT
 *
 * The spool: a directory (spool_open.c) of mails (spool.c, spool_store.c, spool_names.c), each a file (spool_file.c).
 */
#ifndef MAILMOTE_HOST_SPOOL_H
#define MAILMOTE_HOST_SPOOL_H

#include "mail.h"

/* ---- One file ---------------------------------------------------------------------------------------------------- */

/* Sender, recipients and text, which is read once: from then on mail->mail.read reads it from the file, again and again.
 * Returns 0, an errno, or EBADMSG when the text could not be read. After an errno a text of standard input can be read once
 * more, while the file is open. Then, when the mail is measured, all the rest, and to the disk with it. Returns 0 or an errno.
 * Both make room in the spool where the disk is full. */
struct spool;
int spool_file_begin(const struct spool *spool, int fd, struct host_mail *mail);
int spool_file_finish(const struct spool *spool, struct host_mail *mail);

/* The state anew: the record, and since when. What was stored before stays until this is. False with errno. */
bool spool_file_save(struct host_mail *mail);

/* Why recipients have failed, which reading the body reads; to the disk with the next state. False with errno. */
bool spool_file_write_reasons(const struct host_mail *mail);

/* The state and the id, however large the file is. Returns 0, an errno, or EBADMSG when it is damaged. */
int spool_file_read_state(int fd, struct host_mail *mail);

/* Then sender, recipients, and where the text is: all of it is read and checked. The same. */
int spool_file_read_body(struct host_mail *mail);

/* The same, but that the text is neither read nor checked. */
int spool_file_read_envelope(struct host_mail *mail);

/* ---- The directory ----------------------------------------------------------------------------------------------- */

/* Endings of names, behind the id; a temporary file's is in front. */
#define SPOOL_MAIL   ".mail"
#define SPOOL_FAILED ".failed"
#define SPOOL_NOTICE ".notice"  /* that this mail failed: to be sent when the mail knows that it was told */
#define SPOOL_ASIDE  ".damaged" /* behind one of these */
#define SPOOL_TEMP   "tmp."
#define SPOOL_NAME   (ID_LEN + sizeof SPOOL_FAILED)
#define SPOOL_RELAYS "relays"       /* throttle.c */
#define SPOOL_NOW    "mailmote-now" /* flush.c; nobody else's file has that name */

struct spool {
    const char *dir;
    int fd;
    const char *syslog;                           /* args.syslog: where else is told what is removed */
    bool (*make_room)(const struct spool *spool); /* spool_make_room(), or NULL where names may not be read */
};

/* Root's own, which is for all of the system: made if it is missing, and so is its drop directory, into which users drop mails. */
void spool_make(const char *dir);

/* Why a mail is not stored, and what is done instead. */
#define SPOOL_WITHOUT ": it is tried at once, and not kept"

/* create: make the directory if it is missing, for a mail to be stored there; EX_CANTCREAT where that cannot be. EX_CONFIG where
 * others may write into it. */
int spool_open(struct spool *spool, const char *dir, bool create);
void spool_close(struct spool *spool);

/* After a complaint: nothing of it can be stored, so nothing is tried that would come again. */
bool spool_read_only(const struct spool *spool);

/* A spool that the command line does not name is made with its first mail: until then none waits there. */
bool spool_absent(const struct args *args);

/* Of flush and queue, which look into the spool of /etc/mailmote.conf: mails came into the other one while nobody knew of this. */
void spool_tell_other(const struct args *args);

/* What became of names is on the disk when it returns, or it complains. */
void spool_sync(const struct spool *spool);

/* One flush at a time: this one works on the spool until it is released or closed. Returns 0, EWOULDBLOCK when another one
 * does, or an errno after a complaint. */
int spool_claim(const struct spool *spool);
void spool_release(const struct spool *spool);

/* spool_store.c: accepts the mail: from then on it is not lost. It stays locked until it is released. EX_CANTCREAT, after a complaint: it
 * cannot be stored; a text of standard input is in memory then, whole. */
int spool_store(const struct spool *spool, struct host_mail *mail);

/* The same under another name, where no other run looks for mails. */
int spool_store_as(const struct spool *spool, struct host_mail *mail, const char *name);

/* A text of standard input, of which some or all is in a file that is not to stay, into memory: EX_CANTCREAT, or another status
 * after a complaint that it cannot be held there either. */
int spool_hold(struct host_mail *mail);

/* Until a visit returns false. False then, and after a complaint when they cannot be read to the end. */
bool spool_each_name(const struct spool *spool, bool (*visit)(const struct spool *, const char *, void *), void *ctx);

struct spool_entry {
    char name[SPOOL_NAME];
    struct mote_record record; /* as of now; zeros when it cannot be read: then it is among the first */
    bool notice;
    uint64_t stored_ms;       /* how long ago that was stored, as far as is known */
    struct timespec modified; /* by the clock, which may be wrong */
};

/* The mails that wait, in the order they are to be tried (P18); to be freed. NULL after a complaint. */
struct spool_entry *spool_list(const struct spool *spool, size_t *count);

/* Those and the ones that failed, the oldest first. The same. */
struct spool_entry *spool_list_all(const struct spool *spool, size_t *count);

/* Removes what a run left behind that was ended in the middle, and with notices sends those it did not send: not in a drop
 * directory, where users choose the names. False after a complaint. */
bool spool_clean(const struct spool *spool, bool notices);

/* Tells of the mails that were set aside as damaged. False after a complaint that there may be more. */
bool spool_tell_damaged(const struct spool *spool);

enum { SPOOL_GOOD, SPOOL_PASS, SPOOL_DAMAGED, SPOOL_TROUBLE };

/* The exit status that makes. */
int spool_status(int had);

/* Locks a mail and reads its state; time that has passed is in its record, and an attempt that never ended is one that
 * ended (P17). SPOOL_PASS: another run is at work on it, or it is gone. SPOOL_DAMAGED: it is set aside. SPOOL_TROUBLE: it
 * is there and cannot be had. */
int spool_take(const struct spool *spool, const char *name, struct host_mail *mail);

/* All the rest of it, when it is to be tried. The same. */
int spool_read(const struct spool *spool, const char *name, struct host_mail *mail);

/* The same of a file that is at hand and locked: its state, and all the rest. */
int spool_resume(const struct spool *spool, const char *name, struct host_mail *mail);

/* To look at a mail: as above, but that nothing is locked, ended or set aside. whole: its text is read and checked too. */
int spool_look(const struct spool *spool, const char *name, struct host_mail *mail, bool whole);

/* Time that has passed goes into the record. */
void spool_age(struct host_mail *mail);

/* Stores the state; false after a complaint if that cannot be. */
bool spool_save(struct host_mail *mail);

/* The same, and before it why recipients have failed. */
bool spool_save_reasons(struct host_mail *mail);

/* The mail is finished: it goes, or stays as one that failed. False after a complaint that it is where it was. */
bool spool_finish(const struct spool *spool, const struct host_mail *mail);

/* Of those that failed the newest so many stay, notices last; the others go, and each is told of. */
#define SPOOL_FAILED_MAX 100
void spool_trim_failed(const struct spool *spool);

/* When errno says that the disk or the quota is full, the first one to go of those that failed goes, and is told of: then what failed is
 * to be tried again. False, with errno as it was, when none has gone. */
bool spool_make_room(const struct spool *spool);

/* The state and the id of a mail as they are, under whatever name: 0, an errno, or EBADMSG when it is damaged. Nothing is to be freed. */
int spool_peek(const struct spool *spool, const char *name, struct host_mail *mail);

/* Whether a name is an id, and this behind it. */
bool spool_is_mail(const char *name, const char *ending);

/* Whether there is such a file, of whatever kind. */
bool spool_has(const struct spool *spool, const char *name);

/* The id of the notice that tells of these recipients of a mail, a bit each. */
void spool_notice_id(uint8_t notice[8], const uint8_t mail[8], uint32_t told_of);

/* The notice ID.notice becomes a mail of its own, if its mail has gone or knows that they were told. False after a complaint. */
bool spool_send_notice(const struct spool *spool, const char *id);

/* Locks and removes the mail with this id, whatever has become of it. */
int spool_delete(const struct spool *spool, const char *id);

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

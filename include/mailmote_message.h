/* SPDX-License-Identifier: MIT
 *
 * Composes a mail (RFC 5322, MIME) as it is read, octet by octet: nothing is stored, any text length works. Optional to link.
 * A text is a mail by itself; further fields and parts are added by two functions, each of which alone links what it needs.
 * What it writes is 7-bit ASCII in lines of at most 78 octets; only an address, the Message-ID, a field's long word, a part's
 * type or its name may need more, and only an address that is UTF-8 itself stays so (RFC 6532: the relay must offer
 * SMTPUTF8).
 */
#ifndef MAILMOTE_MESSAGE_H
#define MAILMOTE_MESSAGE_H

#include "mailmote.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_fields;
struct mote_part;
struct mote_writer;

/* The fields up to text_len are the caller's; the strings are not copied and live as long as the message. */
struct mote_message {
    const char *from;       /* From: one address; required */
    const char *const *to;  /* To: addresses */
    const char *const *cc;  /* Cc: addresses */
    const char *const *bcc; /* they get the mail, and are in no field of it */
    uint16_t to_count;      /* 0 leaves the field out */
    uint16_t cc_count;
    uint16_t bcc_count;
    const char *subject; /* UTF-8, encoded (RFC 2047) where it must be; NULL or "" leaves it out */
    const char *id;      /* Message-ID without < >: "unique@our.host"; required, the same on every attempt */
    uint64_t unix_s;     /* Date: seconds since 1970-01-01 UTC, below 2^32; 0 = unknown: no Date field */
    const char *text;    /* UTF-8 text, lines ended by LF, CR LF or CR; sent as quoted-printable */
    size_t text_len;     /* octets at text; 0: up to its NUL (none where text is NULL) */

    /* Zeros, until mote_message_fields() and mote_message_parts() set them. */
    uint16_t part_count;
    const struct mote_part *parts;
    const struct mote_fields *fields;
    bool (*put_parts)(const struct mote_message *message, struct mote_writer *writer);
    bool (*put_fields)(const struct mote_message *message, struct mote_writer *writer);

    /* The rest is the library's own. */
    uint64_t *measured; /* while it is measured: octets of attachments, which are not read then */
    struct mote_message_state {
        size_t at;     /* in the list, the subject, the text or the attachment */
        size_t given;  /* octets of the step at hand that earlier reads took */
        uint16_t item; /* which further field, which part */
        uint8_t step, kind, column;
        uint8_t group[4 + 2 + 1]; /* of an attachment: a string that is encoded and not given yet; "": none */
    } state;
};

/* ---- Further fields ---------------------------------------------------------------------------------------------- */

enum mote_priority { MOTE_PRIORITY_NORMAL = 0, MOTE_PRIORITY_HIGH = 1, MOTE_PRIORITY_LOW = 2 };

/* A field of the caller's own. Names that this header's structs stand for are not for it, nor are MIME's. */
struct mote_field {
    const char *name;  /* "X-Site": visible ASCII without ":", at most 60 octets */
    const char *value; /* UTF-8 in one line, encoded (RFC 2047) where it is not ASCII; words of at most 900 octets */
};

struct mote_fields {
    const char *name;     /* shown with From's address: "Pump 3"; UTF-8; NULL or "" leaves it out */
    const char *reply_to; /* Reply-To: one address; NULL leaves it out */
    const struct mote_field *list;
    uint16_t count;
    uint8_t priority; /* enum mote_priority: Importance and X-Priority */
};

/* The message has these fields, or no more where fields is NULL. They live as long as the message. */
void mote_message_fields(struct mote_message *message, const struct mote_fields *fields);

/* ---- Further parts ----------------------------------------------------------------------------------------------- */

/* A text, which is sent as quoted-printable, or an attachment, which is read while it is sent, as base64. */
struct mote_part {
    const char *type; /* "image/jpeg": visible ASCII; that of a text without its character set */
    const char *name; /* its file name, UTF-8, at most 255 octets; encoded (RFC 2231) where it must be; NULL: none */
    const char *text; /* as that of the message; NULL: an attachment */
    size_t text_len;  /* as that of the message */
    bool alternative; /* the message's text once more, as HTML for example. Such parts are the first ones */

    /* Of an attachment: its octets. Writes at most cap of them (cap > 0) to buf and returns how many. offset is where the last
     * call ended; 0 starts again. MOTE_READ_FAILED, and 0 before size octets are read: they cannot be read now, and the mail is
     * deferred with MOTE_CAUSE_STORAGE. */
    size_t (*read)(void *ctx, size_t offset, void *buf, size_t cap);
    void *ctx;
    size_t size; /* how many it has */
};

/* The message has these parts behind its text, or no more where count is 0. They live as long as the message. */
void mote_message_parts(struct mote_message *message, const struct mote_part *parts, uint16_t count);

/* ---- The mail ---------------------------------------------------------------------------------------------------- */

/* Can it be composed? MOTE_CAUSE_NONE, or the first of:
 * MOTE_CAUSE_ADDRESS  From is missing, or From, To, Cc or Bcc holds what mote_address_valid() refuses;
 * MOTE_CAUSE_HEADER   unix_s is 2^32 or more (milliseconds?); Message-ID is missing, malformed or over 250 octets; Subject or a
 *                     further field holds CR, LF, TAB or another control octet; Reply-To is no address; a field's name is none, or
 *                     over 60 octets; its value is NULL or empty;
 * MOTE_CAUSE_TEXT     the text, or that of a part, holds a NUL; a part has no type, or one that is not ASCII; its type or name holds
 *                     a control octet, or its name has over 255; it has neither text nor reader; it has 4 GiB less 57 octets or more, or such a size where
 *                     there are no 4 GiB, as (size_t)-1; an alternative comes behind another part.
 * Nothing is ever mended silently. Reads every string once, a part's name twice. */
uint8_t mote_message_check(const struct mote_message *message);

/* For a person: what the check refuses first, as "Subject": From, To, Cc, Bcc, Date, Message-ID, Subject, "further field", "text" or
 * "part". NULL: nothing. */
const char *mote_message_wrong(const struct mote_message *message);

/* The mail of a message, checked and measured; it goes to all addresses of To, Cc and Bcc, once to each: mail->rcpts has them in this
 * order. All of mail, and of as many rcpts as it has, is set anew; rcpts has room for rcpts_cap. Message, its strings and rcpts live as
 * long as the mail. Returns MOTE_CAUSE_NONE, or
 *   what mote_message_check() refused
 *   MOTE_CAUSE_ADDRESS   besides: To, Cc and Bcc are empty
 *   MOTE_CAUSE_TOO_MANY  To, Cc and Bcc have more than rcpts_cap different addresses, or more than a mail may have
 *   MOTE_CAUSE_TEXT      besides: the mail would have 4 GiB
 * What is in mail then cannot be sent. */
uint8_t mote_message_mail(struct mote_message *message, struct mote_mail *mail, struct mote_rcpt *rcpts,
                          size_t rcpts_cap);

/* Reader for mote_mail.read; ctx is the struct mote_message. offset 0 checks and starts again; any other offset is
 * taken to be where the last call ended. MOTE_READ_FAILED when a part's reader fails. A message that does not pass the check reads as one NUL, which no mail may hold:
 * mote_mail_measure() says MOTE_CAUSE_TEXT, and nothing of it is sent. */
size_t mote_message_read(void *ctx, size_t offset, void *buf, size_t cap);

#ifdef __cplusplus
}
#endif

#endif

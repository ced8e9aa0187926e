/* SPDX-License-Identifier: MIT
 *
 * Composes a plain text mail (RFC 5322, MIME) as it is read, octet by octet: nothing is stored, any text length works.
 * Optional to link. What it writes is 7-bit ASCII in lines of at most 78 octets; only an address or the Message-ID may
 * need more, and only an address that is UTF-8 itself stays so (RFC 6532: the relay must offer SMTPUTF8).
 */
#ifndef MAILMOTE_MESSAGE_H
#define MAILMOTE_MESSAGE_H

#include "mailmote.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The fields up to text_len are the caller's; the strings are not copied and live as long as the message. */
struct mote_message {
    const char *from;      /* From: one address; required */
    const char *const *to; /* To: addresses */
    const char *const *cc; /* Cc: addresses */
    uint16_t to_count;     /* 0 leaves the field out */
    uint16_t cc_count;
    const char *subject; /* UTF-8, encoded (RFC 2047) where it must be; NULL or "" leaves it out */
    const char *id;      /* Message-ID without < >: "unique@our.host"; required, the same on every attempt */
    uint64_t unix_s;     /* Date: seconds since 1970-01-01 UTC, below 2^32; 0 = unknown: no Date field */
    const char *text;    /* UTF-8 text, lines ended by LF, CR LF or CR; sent as quoted-printable */
    size_t text_len;     /* octets at text; 0: up to its NUL (none where text is NULL) */

    /* The rest is the reader's own. */
    struct mote_message_state {
        size_t at;    /* in the list, the subject or the text */
        size_t given; /* octets of the step at hand that earlier reads took */
        uint8_t part, subject, column;
    } state;
};

/* Can it be composed? MOTE_CAUSE_NONE, or the first of:
 * MOTE_CAUSE_ADDRESS  From is missing, or From, To or Cc holds what mote_address_valid() refuses;
 * MOTE_CAUSE_HEADER   unix_s is 2^32 or more (milliseconds?); Message-ID is missing, malformed or over 250 octets;
 *                     Subject holds CR, LF, TAB or another control octet;
 * MOTE_CAUSE_TEXT     the text holds a NUL.
 * Nothing is ever mended silently. Reads every string once. */
uint8_t mote_message_check(const struct mote_message *message);

/* For a person: the first field the check refuses, as "Subject": From, To, Cc, Date, Message-ID, Subject, or "text". NULL: none. */
const char *mote_message_wrong(const struct mote_message *message);

/* The mail of a message, checked and measured; it goes to all addresses of To and Cc, once to each: mail->rcpts has them in this
 * order. All of mail, and of as many rcpts as it has, is set anew; rcpts has room for rcpts_cap. Message, its strings and rcpts live as
 * long as the mail. Returns MOTE_CAUSE_NONE, or
 *   what mote_message_check() refused
 *   MOTE_CAUSE_ADDRESS   besides: To and Cc are empty
 *   MOTE_CAUSE_TOO_MANY  To and Cc have more than rcpts_cap different addresses, or more than a mail may have
 *   MOTE_CAUSE_TEXT      besides: the mail would have 4 GiB
 * What is in mail then cannot be sent. */
uint8_t mote_message_mail(struct mote_message *message, struct mote_mail *mail, struct mote_rcpt *rcpts,
                          size_t rcpts_cap);

/* Reader for mote_mail.read; ctx is the struct mote_message. offset 0 checks and starts again; any other offset is
 * taken to be where the last call ended. A message that does not pass the check reads as one NUL, which no mail may hold:
 * mote_mail_measure() says MOTE_CAUSE_TEXT, and nothing of it is sent. */
size_t mote_message_read(void *ctx, size_t offset, void *buf, size_t cap);

#ifdef __cplusplus
}
#endif

#endif

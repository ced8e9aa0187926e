/* SPDX-License-Identifier: MIT
 *
 * A mail of the spool as octets. Numbers are little-endian; each part has its CRC-32, and nothing without a good one
 * is believed.
 *
 *     0     state   "mailmot1", seq (4), record (44), boot id (16), ms since boot (8), spare ms (2), crc (4)
 *                   | printed (4), notice (1), crc of all before (4), which earlier releases do not write
 *     512   state   the same: the one whose seq follows the other's holds, the other is written next
 *     1024  body    len (4), crc (4) | size (4), needs (1), length of the envelope (3) | envelope | text
 *     then  reasons len (4), crc (4) | code and step (2), and text of each recipient, once one has failed
 *
 * In the record, who is both delivered and failed has failed, and nobody was told yet.
 * The envelope is sender and recipients, each with its NUL, as have the texts. The body is written once. Reasons that are
 * torn are none. A state is written over in place, in a sector of its own: that needs no room on a full disk, leaves the
 * last state whole when power goes, and the file keeps its lock.
 */
#define _GNU_SOURCE

#include "octets.h"
#include "spool.h"
#include "spool_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BODY_AT = 2 * SPOOL_SECTOR,
    FIXED_AT = BODY_AT + 8,
    ENVELOPE_AT = FIXED_AT + 8,
    HEAD_LEN = ENVELOPE_AT,
    ENVELOPE_MAX = (MOTE_RECORD_RCPTS + 1) * 400,
    STEP_SHIFT = 10, /* above the code */
    REASON_MAX = 2 + sizeof((struct host_rcpt *)0)->text,
    REASONS_MAX = MOTE_RECORD_RCPTS * REASON_MAX
};

/* ---- The body ---------------------------------------------------------------------------------------------------- */

/* Of the sizes, the envelope and the text. Returns 0, an errno, or EBADMSG. */
static int checksum(int fd, uint64_t len, uint32_t *crc)
{
    uint8_t octets[8192];
    uint64_t at = 0;
    int error = 0;

    *crc = 0;
    while (at < len && error == 0) {
        size_t part = len - at < sizeof octets ? (size_t)(len - at) : sizeof octets;

        error = read_at(fd, octets, part, FIXED_AT + at);
        *crc = crc32(*crc, octets, error == 0 ? part : 0);
        at += part;
    }
    return error;
}

static uint64_t text_len(const struct kept *kept)
{
    return kept->body_len - (ENVELOPE_AT - FIXED_AT) - kept->envelope_len;
}

/* Reads ahead: who sends a mail asks for a few octets at a time. */
static bool read_ahead(struct kept *kept, uint64_t offset)
{
    uint64_t left = text_len(kept) - offset;
    size_t len = left < sizeof kept->ahead ? (size_t)left : sizeof kept->ahead;

    kept->ahead_len = 0;
    kept->error = read_at(kept->fd, kept->ahead, len, ENVELOPE_AT + kept->envelope_len + offset);
    if (kept->error != 0) {
        return false;
    }
    kept->ahead_at = offset;
    kept->ahead_len = len;
    return true;
}

/* The offset is one of those. */
static size_t take_ahead(const struct kept *kept, size_t offset, void *buf, size_t cap)
{
    size_t at = (size_t)(offset - kept->ahead_at), left = kept->ahead_len - at;

    memcpy(buf, kept->ahead + at, left < cap ? left : cap);
    return left < cap ? left : cap;
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct kept *kept = ctx;

    if (offset >= text_len(kept)) {
        return 0;
    }
    if ((offset < kept->ahead_at || offset - kept->ahead_at >= kept->ahead_len) && !read_ahead(kept, offset)) {
        return MOTE_READ_FAILED;
    }
    return take_ahead(kept, offset, buf, cap);
}

static void read_from_file(struct host_mail *mail)
{
    mail->mail.read = read_text;
    mail->mail.ctx = &mail->kept;
    mail->kept.ahead_len = 0;
}

/* What was written of a text, what was read of it behind that, and the rest where it comes from. */
static size_t read_on(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct host_mail *mail = ctx;
    const struct kept *kept = &mail->kept;
    uint64_t written = text_len(kept);

    if (offset >= written + kept->ahead_len) {
        return input_read(mail->source, offset, buf, cap);
    }
    if (offset >= written) {
        return take_ahead(kept, offset, buf, cap);
    }
    cap = written - offset < cap ? (size_t)(written - offset) : cap;
    return read_at(kept->fd, buf, cap, ENVELOPE_AT + kept->envelope_len + offset) == 0 ? cap : MOTE_READ_FAILED;
}

/* So many octets were read ahead, and cannot be written. */
static void rescue(struct host_mail *mail, size_t len)
{
    mail->kept.ahead_at = text_len(&mail->kept);
    mail->kept.ahead_len = len;
    mail->mail.read = read_on;
    mail->mail.ctx = mail;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* What was read of the text is not to be had again: so this is tried again, and not the whole mail. */
static bool write_new(const struct spool *spool, int fd, const void *octets, size_t len, uint64_t at)
{
    bool good;

    do {
        good = write_at(fd, octets, len, at);
    } while (!good && spool->make_room != NULL && spool->make_room(spool));
    return good;
}

static bool write_envelope(const struct spool *spool, int fd, struct host_mail *mail)
{
    const struct mote_mail *envelope = &mail->mail;
    const char *word = envelope->from;
    uint32_t len = 0;

    for (unsigned i = 0; i <= envelope->rcpt_count; i++) {
        if (!write_new(spool, fd, word, strlen(word) + 1, ENVELOPE_AT + len)) {
            return false;
        }
        len += (uint32_t)strlen(word) + 1;
        word = i < envelope->rcpt_count ? envelope->rcpts[i].address : NULL;
    }
    mail->kept.envelope_len = len;
    return true;
}

int spool_file_begin(const struct spool *spool, int fd, struct host_mail *mail)
{
    struct kept *kept = &mail->kept;
    size_t len;

    if (!write_envelope(spool, fd, mail)) {
        return errno;
    }
    kept->fd = fd;
    kept->body_len = ENVELOPE_AT - FIXED_AT + kept->envelope_len;
    while ((len = mail->mail.read(mail->mail.ctx, (size_t)text_len(kept), kept->ahead, sizeof kept->ahead)) != 0) {
        if (len == MOTE_READ_FAILED) {
            return EBADMSG;
        }
        if (!write_new(spool, fd, kept->ahead, len, FIXED_AT + kept->body_len)) {
            rescue(mail, len);
            return errno;
        }
        kept->body_len += len;
    }
    read_from_file(mail);
    return 0;
}

int spool_file_finish(const struct spool *spool, struct host_mail *mail)
{
    uint8_t head[HEAD_LEN] = {0};
    struct kept *kept = &mail->kept;
    int error;

    kept->seq = 2;
    spool_state_write(head, mail);
    put_number(head + FIXED_AT, mail->mail.size, 4);
    put_number(head + FIXED_AT + 4, mail->mail.needs, 1);
    put_number(head + FIXED_AT + 5, kept->envelope_len, 3);
    put_number(head + BODY_AT, kept->body_len, 4);
    if (!write_new(spool, kept->fd, head, sizeof head, 0)) {
        return errno;
    }
    error = checksum(kept->fd, kept->body_len, &kept->body_crc);
    put_number(head + BODY_AT + 4, kept->body_crc, 4);
    if (error != 0) {
        return error;
    }
    return write_new(spool, kept->fd, head + BODY_AT, 8, BODY_AT) && fsync(kept->fd) == 0 ? 0 : errno;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

int spool_file_read_state(int fd, struct host_mail *mail)
{
    uint8_t head[HEAD_LEN];
    struct kept *kept = &mail->kept;
    struct stat file;
    int error = read_at(fd, head, sizeof head, 0);

    if (error == 0 && fstat(fd, &file) != 0) {
        error = errno;
    }
    if (error != 0) {
        return error;
    }
    kept->body_len = get_number(head + BODY_AT, 4);
    kept->body_crc = (uint32_t)get_number(head + BODY_AT + 4, 4);
    kept->envelope_len = (uint32_t)get_number(head + FIXED_AT + 5, 3);
    mail->mail.size = (uint32_t)get_number(head + FIXED_AT, 4);
    mail->mail.needs = head[FIXED_AT + 4];
    if (!spool_state_read(head, mail) || mail->record.rcpt_count == 0 ||
        (uint64_t)file.st_size < FIXED_AT + kept->body_len ||
        (uint64_t)file.st_size > FIXED_AT + kept->body_len + 8 + REASONS_MAX || kept->envelope_len == 0 ||
        kept->envelope_len > ENVELOPE_MAX || kept->body_len < ENVELOPE_AT - FIXED_AT + (uint64_t)kept->envelope_len) {
        return EBADMSG;
    }
    id_write(mail->id, mail->record.id);
    return 0;
}

/* Sender and recipients. */
static int parse_envelope(struct host_mail *mail)
{
    char *at = mail->input.data;
    const char *end = at + mail->input.len;

    mail->mail.from = at;
    for (unsigned i = 0; i < mail->record.rcpt_count; i++) {
        at += strlen(at) + 1;
        if (at >= end) {
            return EBADMSG;
        }
        mail->mail.rcpts[i].address = at;
        if ((mail->record.rcpts_delivered >> i & 1) != 0) {
            mail->mail.rcpts[i].result.verdict = MOTE_DELIVERED;
        } else if ((mail->record.rcpts_failed >> i & 1) != 0) {
            mail->mail.rcpts[i].result.verdict = MOTE_FAILED;
        }
    }
    return at + strlen(at) + 1 == end ? 0 : EBADMSG;
}

/* What was stored of those that failed. */
static void read_reasons(struct host_mail *mail)
{
    uint64_t at = FIXED_AT + mail->kept.body_len;
    uint8_t head[8], *reasons, *next;
    size_t len = read_at(mail->kept.fd, head, sizeof head, at) == 0 ? (size_t)get_number(head, 4) : 0;

    reasons = len == 0 || len > REASONS_MAX ? NULL : malloc(len);
    if (reasons != NULL && read_at(mail->kept.fd, reasons, len, at + sizeof head) == 0 && reasons[len - 1] == 0 &&
        crc32(0, reasons, len) == get_number(head + 4, 4)) {
        next = reasons;
        for (unsigned i = 0; i < mail->mail.rcpt_count && next + 2 < reasons + len; i++) {
            uint16_t both = (uint16_t)get_number(next, 2);

            mail->mail.rcpts[i].result.code = both & ((1 << STEP_SHIFT) - 1);
            mail->mail.rcpts[i].result.step = (uint8_t)(both >> STEP_SHIFT);
            snprintf(mail->rcpts[i].text, sizeof mail->rcpts[i].text, "%s", (const char *)next + 2);
            next += 2 + strlen((const char *)next + 2) + 1;
        }
    }
    free(reasons);
}

bool spool_file_write_reasons(const struct host_mail *mail)
{
    uint8_t *reasons = malloc(8 + REASONS_MAX), *at;
    bool good;

    if (reasons == NULL) {
        return false;
    }
    at = reasons + 8;
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_result *result = &mail->mail.rcpts[i].result;
        bool failed = (mail->record.rcpts_failed >> i & 1) != 0;

        put_number(at, failed ? result->code | (uint64_t)result->step << STEP_SHIFT : 0, 2);
        strcpy((char *)at + 2, failed ? mail->rcpts[i].text : "");
        at += 2 + strlen((char *)at + 2) + 1;
    }
    put_number(reasons, (uint64_t)(at - reasons - 8), 4);
    put_number(reasons + 4, crc32(0, reasons + 8, (size_t)(at - reasons - 8)), 4);
    good = write_at(mail->kept.fd, reasons, (size_t)(at - reasons), FIXED_AT + mail->kept.body_len);
    free(reasons);
    return good;
}

int spool_file_read_body(struct host_mail *mail)
{
    uint32_t crc;
    int error = checksum(mail->kept.fd, mail->kept.body_len, &crc);

    if (error != 0 || crc != mail->kept.body_crc) {
        return error != 0 ? error : EBADMSG;
    }
    return spool_file_read_envelope(mail);
}

int spool_file_read_envelope(struct host_mail *mail)
{
    struct kept *kept = &mail->kept;
    int error;

    mail->input.len = kept->envelope_len;
    mail->input.data = malloc(mail->input.len);
    if (mail->input.data == NULL || !mail_make_room(mail, mail->record.rcpt_count)) {
        return ENOMEM;
    }
    error = read_at(kept->fd, mail->input.data, mail->input.len, ENVELOPE_AT);
    if (error == 0 && mail->input.data[mail->input.len - 1] != 0) {
        error = EBADMSG;
    }
    read_from_file(mail);
    error = error == 0 ? parse_envelope(mail) : error;
    if (error == 0 && mail->record.rcpts_failed != 0) {
        read_reasons(mail);
    }
    return error;
}

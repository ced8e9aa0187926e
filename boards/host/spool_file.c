/* SPDX-License-Identifier: MIT
 *
 * A mail of the spool as octets. Numbers are little-endian; each part has its CRC-32, and nothing without a good one
 * is believed.
 *
 *     0     state   "mailmot1", seq (4), record (44), boot id (16), ms since boot (8), spare ms (2), crc (4)
 *     512   state   the same: the one with the higher seq holds, the other is written next
 *     1024  body    len (4), crc (4) | size (4), needs (1), length of the envelope (3) | envelope | text
 *
 * The envelope is sender and recipients, each with its NUL. The body is written once. A state is written over in
 * place, in a sector of its own: that needs no room on a full disk, leaves the last state whole when power goes, and
 * the file keeps its lock.
 */
#define _GNU_SOURCE

#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SECTOR = 512,
    SEQ_AT = 8,
    RECORD_AT = 12,
    BOOT_AT = RECORD_AT + MOTE_RECORD_LEN,
    MS_AT = BOOT_AT + 16,
    SPARE_AT = MS_AT + 8,
    STATE_CRC_AT = SPARE_AT + 2,
    STATE_LEN = STATE_CRC_AT + 4,
    BODY_AT = 2 * SECTOR,
    FIXED_AT = BODY_AT + 8,
    ENVELOPE_AT = FIXED_AT + 8,
    HEAD_LEN = ENVELOPE_AT,
    ENVELOPE_MAX = (MOTE_RECORD_RCPTS + 1) * 400
};

static const char magic[SEQ_AT + 1] = "mailmot1";

static void put(uint8_t *at, uint64_t value, int len)
{
    for (; len > 0; len--, value >>= 8) {
        *at++ = (uint8_t)value;
    }
}

static uint64_t get(const uint8_t *at, int len)
{
    uint64_t value = 0;

    while (len-- > 0) {
        value = value << 8 | at[len];
    }
    return value;
}

/* That of IEEE 802.3, four bits at a time. crc is that of the octets before. */
static uint32_t crc32(uint32_t crc, const void *octets, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *at = octets;

    for (crc = ~crc; len > 0; len--) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static bool write_at(int fd, const void *octets, size_t len, uint64_t at)
{
    const char *from = octets;

    while (len > 0) {
        ssize_t put_len = pwrite(fd, from, len, (off_t)at);

        if (put_len < 0 && errno == EINTR) {
            continue;
        }
        if (put_len <= 0) {
            return false;
        }
        from += put_len;
        at += (uint64_t)put_len;
        len -= (size_t)put_len;
    }
    return true;
}

/* Returns 0, an errno, or EBADMSG where the file is too short. */
static int read_at(int fd, void *octets, size_t len, uint64_t at)
{
    char *to = octets;

    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)at);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? EBADMSG : errno;
        }
        to += got;
        at += (uint64_t)got;
        len -= (size_t)got;
    }
    return 0;
}

/* ---- The state --------------------------------------------------------------------------------------------------- */

static void encode_state(uint8_t octets[STATE_LEN], const struct host_mail *mail)
{
    memcpy(octets, magic, SEQ_AT);
    put(octets + SEQ_AT, mail->kept.seq, 4);
    mote_record_write(&mail->record, octets + RECORD_AT);
    memcpy(octets + BOOT_AT, mail->kept.since.boot, 16);
    put(octets + MS_AT, mail->kept.since.ms, 8);
    put(octets + SPARE_AT, mail->kept.spare_ms, 2);
    put(octets + STATE_CRC_AT, crc32(0, octets, STATE_CRC_AT), 4);
}

static bool decode_state(const uint8_t octets[STATE_LEN], struct host_mail *mail)
{
    uint32_t seq = (uint32_t)get(octets + SEQ_AT, 4);

    if (memcmp(octets, magic, SEQ_AT) != 0 || get(octets + STATE_CRC_AT, 4) != crc32(0, octets, STATE_CRC_AT) ||
        seq <= mail->kept.seq || !mote_record_read(&mail->record, octets + RECORD_AT)) {
        return false;
    }
    mail->kept.seq = seq;
    memcpy(mail->kept.since.boot, octets + BOOT_AT, 16);
    mail->kept.since.ms = get(octets + MS_AT, 8);
    mail->kept.spare_ms = (uint16_t)get(octets + SPARE_AT, 2);
    mail->kept.stored = mail->kept.since;
    return true;
}

/* The one of the two that holds. */
static bool decode_states(const uint8_t octets[SECTOR + STATE_LEN], struct host_mail *mail)
{
    bool first, second;

    mail->kept.seq = 0;
    first = decode_state(octets, mail);
    second = decode_state(octets + SECTOR, mail);
    return first || second;
}

bool spool_file_save(struct host_mail *mail)
{
    uint8_t octets[STATE_LEN];

    mail->kept.seq++;
    encode_state(octets, mail);
    return write_at(mail->kept.fd, octets, sizeof octets, (mail->kept.seq & 1) * SECTOR) &&
           fdatasync(mail->kept.fd) == 0;
}

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
    if (read_at(kept->fd, kept->ahead, len, ENVELOPE_AT + kept->envelope_len + offset) != 0) {
        return false;
    }
    kept->ahead_at = offset;
    kept->ahead_len = len;
    return true;
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct kept *kept = &((struct host_mail *)ctx)->kept;
    size_t len;

    if (offset >= text_len(kept)) {
        return 0;
    }
    if ((offset < kept->ahead_at || offset - kept->ahead_at >= kept->ahead_len) && !read_ahead(kept, offset)) {
        return MOTE_READ_FAILED;
    }
    len = kept->ahead_len - (size_t)(offset - kept->ahead_at);
    len = len < cap ? len : cap;
    memcpy(buf, kept->ahead + (offset - kept->ahead_at), len);
    return len;
}

static void read_from_file(struct host_mail *mail)
{
    mail->mail.read = read_text;
    mail->mail.ctx = mail;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static bool write_envelope(int fd, struct host_mail *mail)
{
    const struct mote_mail *envelope = &mail->mail;
    const char *word = envelope->from;
    uint32_t len = 0;

    for (unsigned i = 0; i <= envelope->rcpt_count; i++) {
        if (!write_at(fd, word, strlen(word) + 1, ENVELOPE_AT + len)) {
            return false;
        }
        len += (uint32_t)strlen(word) + 1;
        word = i < envelope->rcpt_count ? envelope->rcpts[i].address : NULL;
    }
    mail->kept.envelope_len = len;
    return true;
}

int spool_file_begin(int fd, struct host_mail *mail)
{
    uint64_t at, offset = 0;
    size_t len;
    char text[8192];

    if (!write_envelope(fd, mail)) {
        return errno;
    }
    at = ENVELOPE_AT + mail->kept.envelope_len;
    while ((len = mail->mail.read(mail->mail.ctx, (size_t)offset, text, sizeof text)) != 0) {
        if (len == MOTE_READ_FAILED) {
            return EBADMSG;
        }
        if (!write_at(fd, text, len, at + offset)) {
            return errno;
        }
        offset += len;
    }
    mail->kept.fd = fd;
    mail->kept.body_len = at + offset - FIXED_AT;
    read_from_file(mail);
    return 0;
}

int spool_file_finish(struct host_mail *mail)
{
    uint8_t head[HEAD_LEN] = {0};
    struct kept *kept = &mail->kept;
    int error;

    kept->seq = 2;
    encode_state(head, mail);
    put(head + FIXED_AT, mail->mail.size, 4);
    put(head + FIXED_AT + 4, mail->mail.needs, 1);
    put(head + FIXED_AT + 5, kept->envelope_len, 3);
    put(head + BODY_AT, kept->body_len, 4);
    if (!write_at(kept->fd, head, sizeof head, 0)) {
        return errno;
    }
    error = checksum(kept->fd, kept->body_len, &kept->body_crc);
    put(head + BODY_AT + 4, kept->body_crc, 4);
    if (error != 0) {
        return error;
    }
    return write_at(kept->fd, head + BODY_AT, 8, BODY_AT) && fsync(kept->fd) == 0 ? 0 : errno;
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
    kept->body_len = get(head + BODY_AT, 4);
    kept->body_crc = (uint32_t)get(head + BODY_AT + 4, 4);
    kept->envelope_len = (uint32_t)get(head + FIXED_AT + 5, 3);
    mail->mail.size = (uint32_t)get(head + FIXED_AT, 4);
    mail->mail.needs = head[FIXED_AT + 4];
    if (!decode_states(head, mail) || mail->record.rcpt_count == 0 ||
        (uint64_t)file.st_size != FIXED_AT + kept->body_len || kept->envelope_len == 0 ||
        kept->envelope_len > ENVELOPE_MAX || kept->body_len < ENVELOPE_AT - FIXED_AT + (uint64_t)kept->envelope_len) {
        return EBADMSG;
    }
    id_write(mail->id, mail->record.id);
    return 0;
}

/* Sender and recipients, from a body with a good checksum. */
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

int spool_file_read_body(struct host_mail *mail)
{
    struct kept *kept = &mail->kept;
    uint32_t crc;
    int error = checksum(kept->fd, kept->body_len, &crc);

    if (error != 0 || crc != kept->body_crc) {
        return error != 0 ? error : EBADMSG;
    }
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
    return error != 0 ? error : parse_envelope(mail);
}

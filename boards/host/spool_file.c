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
    ENVELOPE_MAX = (MOTE_RECORD_RCPTS + 1) * 400
};

static const char magic[SEQ_AT + 1] = "mailmot1";

#define FILE_MAX ((size_t)1 << 30)

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

static bool write_at(int fd, const void *octets, size_t len, size_t at)
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
        at += (size_t)put_len;
        len -= (size_t)put_len;
    }
    return true;
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

int spool_file_read_state(int fd, struct host_mail *mail)
{
    uint8_t octets[SECTOR + STATE_LEN];
    ssize_t got = pread(fd, octets, sizeof octets, 0);

    if (got < 0) {
        return errno;
    }
    return got == (ssize_t)sizeof octets && decode_states(octets, mail) ? 0 : EBADMSG;
}

/* ---- The whole file ---------------------------------------------------------------------------------------------- */

struct writer {
    int fd;
    size_t at;
    uint32_t crc;
    bool good;
};

static void append(struct writer *w, const void *octets, size_t len)
{
    w->good = w->good && write_at(w->fd, octets, len, w->at);
    w->crc = crc32(w->crc, octets, len);
    w->at += len;
}

static void append_envelope(struct writer *w, const struct mote_mail *mail)
{
    append(w, mail->from, strlen(mail->from) + 1);
    for (unsigned i = 0; i < mail->rcpt_count; i++) {
        append(w, mail->rcpts[i].address, strlen(mail->rcpts[i].address) + 1);
    }
}

static void append_text(struct writer *w, const struct mote_mail *mail)
{
    size_t offset = 0, len;
    char text[8192];

    while (w->good && (len = mail->read(mail->ctx, offset, text, sizeof text)) > 0) {
        append(w, text, len);
        offset += len;
    }
}

static size_t envelope_len(const struct mote_mail *mail)
{
    size_t len = strlen(mail->from) + 1;

    for (unsigned i = 0; i < mail->rcpt_count; i++) {
        len += strlen(mail->rcpts[i].address) + 1;
    }
    return len;
}

bool spool_file_write(int fd, struct host_mail *mail)
{
    uint8_t octets[FIXED_AT] = {0}, fixed[ENVELOPE_AT - FIXED_AT];
    struct writer w = {.fd = fd, .at = FIXED_AT, .good = true};

    put(fixed, mail->mail.size, 4);
    put(fixed + 4, mail->mail.needs, 1);
    put(fixed + 5, envelope_len(&mail->mail), 3);
    append(&w, fixed, sizeof fixed);
    append_envelope(&w, &mail->mail);
    append_text(&w, &mail->mail);
    mail->kept.seq = 2;
    encode_state(octets, mail);
    put(octets + BODY_AT, w.at - FIXED_AT, 4);
    put(octets + BODY_AT + 4, w.crc, 4);
    return w.good && write_at(fd, octets, sizeof octets, 0) && fsync(fd) == 0;
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    const struct host_mail *mail = ctx;
    const uint8_t *file = (const uint8_t *)mail->input.data;
    size_t at = ENVELOPE_AT + (size_t)get(file + FIXED_AT + 5, 3) + offset;
    size_t left = at < mail->input.len ? mail->input.len - at : 0;

    if (left > cap) {
        left = cap;
    }
    memcpy(buf, file + at, left);
    return left;
}

/* Sender and recipients, from a body with a good checksum. */
static int parse_envelope(struct host_mail *mail, char *at, size_t len)
{
    const char *end = at + len;

    if (!mail_make_room(mail, mail->record.rcpt_count)) {
        return ENOMEM;
    }
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

static int decode(struct host_mail *mail, const char *id)
{
    const uint8_t *file = (const uint8_t *)mail->input.data;
    size_t len = mail->input.len, envelope;

    if (len < ENVELOPE_AT) {
        return EBADMSG;
    }
    if (!decode_states(file, mail)) {
        return EBADMSG;
    }
    id_write(mail->id, mail->record.id);
    envelope = (size_t)get(file + FIXED_AT + 5, 3);
    if (strcmp(mail->id, id) != 0 || mail->record.rcpt_count == 0 || get(file + BODY_AT, 4) != len - FIXED_AT ||
        get(file + BODY_AT + 4, 4) != crc32(0, file + FIXED_AT, len - FIXED_AT) || envelope == 0 ||
        envelope > ENVELOPE_MAX || envelope > len - ENVELOPE_AT || file[ENVELOPE_AT + envelope - 1] != 0) {
        return EBADMSG;
    }
    mail->mail.size = (uint32_t)get(file + FIXED_AT, 4);
    mail->mail.needs = file[FIXED_AT + 4];
    mail->mail.read = read_text;
    mail->mail.ctx = mail;
    return parse_envelope(mail, mail->input.data + ENVELOPE_AT, envelope);
}

int spool_file_read(int fd, struct host_mail *mail, const char *id)
{
    int error = file_read_all(fd, &mail->input, FILE_MAX);

    return error == EFBIG ? EBADMSG : error != 0 ? error : decode(mail, id);
}

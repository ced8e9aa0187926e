/* SPDX-License-Identifier: MIT
 *
 * The state is written over in place, in the sector of the two that does not hold. Their numbers go round. The octet of the record's
 * slot, of which a spool has none, says MAIL_MX: to earlier releases any mark is a notice's.
 */
#define _GNU_SOURCE

#include "octets.h"
#include "spool_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    SEQ_AT = 8,
    RECORD_AT = 12,
    BOOT_AT = RECORD_AT + MOTE_RECORD_LEN,
    MS_AT = BOOT_AT + 16,
    SPARE_AT = MS_AT + 8,
    CRC_AT = SPARE_AT + 2,
    PRINTED_AT = CRC_AT + 4,
    NOTICE_AT = PRINTED_AT + 4,
    MORE_CRC_AT = SPOOL_STATE_LEN - 4
};

static const char magic[SEQ_AT + 1] = "mailmot1";

void spool_state_write(uint8_t octets[SPOOL_STATE_LEN], const struct host_mail *mail)
{
    struct mote_record record = mail->record;

    record_rejoin(&record, mail);
    record.rcpts_delivered |= record.rcpts_failed & ~mail->kept.told;
    record.slot = (mail->marks & MAIL_MX) != 0;
    memcpy(octets, magic, SEQ_AT);
    put_number(octets + SEQ_AT, mail->kept.seq, 4);
    mote_record_write(&record, octets + RECORD_AT);
    memcpy(octets + BOOT_AT, mail->kept.since.boot, 16);
    put_number(octets + MS_AT, mail->kept.since.ms, 8);
    put_number(octets + SPARE_AT, mail->kept.spare_ms, 2);
    put_number(octets + CRC_AT, crc32(0, octets, CRC_AT), 4);
    put_number(octets + PRINTED_AT, mail->kept.printed, 4);
    octets[NOTICE_AT] = mail->marks & MAIL_NOTICE;
    put_number(octets + MORE_CRC_AT, crc32(0, octets, MORE_CRC_AT), 4);
}

/* Earlier releases did not store who was told: of a mail that is finished it is told again, rather than never. */
static void decode_told(struct host_mail *mail)
{
    struct mote_record *record = &mail->record;
    uint32_t untold = record->rcpts_delivered & record->rcpts_failed;

    record->rcpts_delivered &= ~untold;
    mail->kept.told = untold == 0 && record_final(record) ? 0 : record->rcpts_failed & ~untold;
}

static void decode_more(const uint8_t octets[SPOOL_STATE_LEN], struct host_mail *mail)
{
    bool good = get_number(octets + MORE_CRC_AT, 4) == crc32(0, octets, MORE_CRC_AT);

    mail->kept.printed = good ? (uint32_t)get_number(octets + PRINTED_AT, 4) : 0;
    mail->marks = good && octets[NOTICE_AT] != 0 ? MAIL_NOTICE : 0;
    mail->marks |= mail->record.slot != 0 ? MAIL_MX : 0;
    mail->record.slot = 0;
}

/* other: one has been read, which this one follows if it holds. */
static bool decode_state(const uint8_t octets[SPOOL_STATE_LEN], struct host_mail *mail, bool other)
{
    uint32_t seq = (uint32_t)get_number(octets + SEQ_AT, 4);

    if (memcmp(octets, magic, SEQ_AT) != 0 || get_number(octets + CRC_AT, 4) != crc32(0, octets, CRC_AT) ||
        (other && (uint32_t)(seq - mail->kept.seq - 1) >= INT32_MAX) ||
        !mote_record_read(&mail->record, octets + RECORD_AT)) {
        return false;
    }
    decode_told(mail);
    decode_more(octets, mail);
    mail->kept.seq = seq;
    memcpy(mail->kept.since.boot, octets + BOOT_AT, 16);
    mail->kept.since.ms = get_number(octets + MS_AT, 8);
    mail->kept.spare_ms = (uint16_t)get_number(octets + SPARE_AT, 2);
    mail->kept.stored = mail->kept.since;
    return true;
}

bool spool_state_read(const uint8_t octets[SPOOL_STATES_LEN], struct host_mail *mail)
{
    bool first = decode_state(octets, mail, false);

    return decode_state(octets + SPOOL_SECTOR, mail, first) || first;
}

bool spool_file_save(struct host_mail *mail)
{
    uint8_t octets[SPOOL_STATE_LEN];
    bool good;

    mail->kept.seq++;
    spool_state_write(octets, mail);
    good = write_at(mail->kept.fd, octets, sizeof octets, (mail->kept.seq & 1) * SPOOL_SECTOR) &&
           fdatasync(mail->kept.fd) == 0;
    if (!good) {
        mail->kept.seq--; /* the next one goes there, and not over the one that holds */
    }
    return good;
}

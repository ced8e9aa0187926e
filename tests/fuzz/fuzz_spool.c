/* SPDX-License-Identifier: MIT
 *
 * A mail's file in a spool or a drop directory, as anybody or a failing disk may have written it. An octet of the input says whether
 * the checksums are made right; then come the two states and the body, without the gaps the file has. Either the file is damaged,
 * or what is read of it can be given to the rest: a sender, recipients, a text that can be read again; and the states and
 * reasons that are stored next are read as they were.
 */
#define _GNU_SOURCE

#include "../../boards/host/mail.h"
#include "../../boards/host/octets.h"
#include "../../boards/host/spool.h"
#include "require.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As spool_state.c and spool_file.c have them, but that a state may be one of an earlier release. */
enum { RIGHT = 1, SECTOR = 512, RECORD_AT = 12, STATE_LEN = 86, BODY_AT = 2 * SECTOR, FIXED_AT = BODY_AT + 8 };

static void put_crc(uint8_t *at, size_t len)
{
    put_number(at + len, crc32(0, at, len), 4);
}

/* Octets behind their length and checksum. Returns where they end. */
static size_t put_sum(uint8_t *file, size_t len, size_t at)
{
    size_t octets = at + 8 <= len ? (size_t)get_number(file + at, 4) : len;

    if (at + 8 > len || octets > len - at - 8) {
        return len;
    }
    put_number(file + at + 4, crc32(0, file + at + 8, octets), 4);
    return at + 8 + octets;
}

static size_t make_file(uint8_t *file, const uint8_t *data, size_t size, bool right)
{
    size_t states = size < (size_t)2 * STATE_LEN ? size : 2 * STATE_LEN, len = BODY_AT + size - states;

    memset(file, 0, BODY_AT);
    for (size_t i = 0; i < states; i++) {
        file[i % STATE_LEN + i / STATE_LEN * SECTOR] = data[i];
    }
    memcpy(file + BODY_AT, data + states, size - states);
    for (unsigned i = 0; right && i < 2; i++) {
        memcpy(file + i * SECTOR, "mailmot1", 8);
        put_crc(file + i * SECTOR + RECORD_AT, MOTE_RECORD_LEN - 4);
        put_crc(file + i * SECTOR, STATE_LEN - 4);
    }
    if (right) {
        put_sum(file, len, put_sum(file, len, BODY_AT));
    }
    return len;
}

static void check_mail(struct host_mail *mail)
{
    const struct mote_mail *envelope = &mail->mail;
    char octets[100];
    size_t len, at = 0;

    require(envelope->from != NULL && envelope->rcpt_count > 0 && envelope->rcpt_count <= MOTE_RECORD_RCPTS,
            "a mail for nobody");
    for (unsigned i = 0; i < envelope->rcpt_count; i++) {
        require(strlen(envelope->rcpts[i].address) < 400, "an address without an end");
        require(memchr(mail->rcpts[i].text, 0, sizeof mail->rcpts[i].text) != NULL, "a reason without an end");
    }
    while ((len = envelope->read(envelope->ctx, at, octets, sizeof octets)) != 0) {
        require(len <= sizeof octets, "the text cannot be read again");
        at += len;
    }
}

/* One state more, which differs from the one before. */
static void check_save(struct host_mail *mail, int fd)
{
    struct mote_record before;
    uint32_t told = mail->kept.told;

    mail->record.attempts ^= 1;
    before = mail->record;
    mail->kept.fd = fd;
    require(spool_file_save(mail) && spool_file_read_state(fd, mail) == 0, "what was stored is not read");
    require(memcmp(&before, &mail->record, sizeof before) == 0 && (told == mail->kept.told || record_final(&before)),
            "what was stored is read as something else");
}

/* Why recipients failed, stored once more and read from the file. */
static void check_reasons(const struct host_mail *mail, int fd)
{
    static struct host_mail again;

    mail_init(&again);
    require(spool_file_write_reasons(mail) && spool_file_read_state(fd, &again) == 0, "the reasons are not stored");
    again.kept.fd = fd;
    require(spool_file_read_body(&again) == 0, "the reasons are stored over the mail");
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        const struct mote_result *a = &mail->mail.rcpts[i].result, *b = &again.mail.rcpts[i].result;

        require((mail->record.rcpts_failed >> i & 1) == 0 ||
                    (a->code == b->code && a->step == b->step && strcmp(mail->rcpts[i].text, again.rcpts[i].text) == 0),
                "a reason is read as something else");
    }
    again.kept.fd = -1;
    mail_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[1 << 17];
    static struct host_mail mail;
    int fd;
    size_t len;

    if (size == 0 || size > sizeof file / 2) {
        return 0;
    }
    len = make_file(file, data + 1, size - 1, (data[0] & RIGHT) != 0);
    fd = memfd_create("mail", MFD_CLOEXEC);
    require(fd >= 0 && write_at(fd, file, len, 0), "harness: no memory");
    mail_init(&mail);
    if (spool_file_read_state(fd, &mail) == 0) {
        mail.kept.fd = fd;
        if (spool_file_read_body(&mail) == 0) {
            check_mail(&mail);
            check_save(&mail, fd);
            check_save(&mail, fd);
            check_reasons(&mail, fd);
        }
    }
    mail.kept.fd = -1;
    mail_free(&mail);
    close(fd);
    return 0;
}

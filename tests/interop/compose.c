/* SPDX-License-Identifier: MIT
 *
 * Composes messages by a script on standard input, for test_messages.py: lines of fields that end with TAB. "part TYPE NAME KIND FILE": the next
 * message has it; KIND is text, other (an alternative) or file. "mail FILE FROM NAME REPLY-TO PRIORITY SUBJECT TEXT-FILE CAP": the
 * message, read into FILE in pieces of CAP octets.
 */
#include <mailmote_message.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 16, FIELDS = 9 };

static struct mote_part parts[PARTS];
static uint16_t part_count;

static void need(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "compose: %s\n", what);
        exit(1);
    }
}

static char *own(const char *text, size_t len)
{
    char *copy = malloc(len + 1);

    need(copy != NULL, "no memory");
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

static char *whole(const char *name, size_t *len)
{
    static char octets[1 << 20];
    FILE *file = fopen(name, "rb");

    need(file != NULL, name);
    *len = fread(octets, 1, sizeof octets, file);
    fclose(file);
    return own(octets, *len);
}

static size_t read_file(void *ctx, size_t offset, void *buf, size_t cap)
{
    FILE *file = ctx;

    if (offset == 0) {
        rewind(file);
    }
    need(ftell(file) == (long)offset, "an offset that is not where the last read ended");
    return fread(buf, 1, cap < 100 ? cap : 100, file);
}

static void add_part(char **field)
{
    struct mote_part *part = &parts[part_count++];

    need(part_count < PARTS, "too many parts");
    *part = (struct mote_part){.type = own(field[1], strlen(field[1]))};
    part->name = *field[2] != 0 ? own(field[2], strlen(field[2])) : NULL;
    part->alternative = strcmp(field[3], "other") == 0;
    if (strcmp(field[3], "file") != 0) {
        part->text = whole(field[4], &part->text_len);
        return;
    }
    part->ctx = fopen(field[4], "rb");
    need(part->ctx != NULL && fseek(part->ctx, 0, SEEK_END) == 0, field[4]);
    part->size = (size_t)ftell(part->ctx);
    part->read = read_file;
}

static void write_mail(char **field)
{
    static const char *const to = "a@example.org";
    static uint8_t buf[1 << 16];
    struct mote_fields fields = {.name = field[3], .priority = (uint8_t)atoi(field[5])};
    struct mote_message m = {.from = field[2], .to = &to, .to_count = 1, .id = "1@example.org", .subject = field[6]};
    struct mote_rcpt rcpt;
    struct mote_mail mail;
    size_t cap = (size_t)atoi(field[8]), offset = 0, got;
    FILE *out = fopen(field[1], "wb");

    fields.reply_to = *field[4] != 0 ? field[4] : NULL;
    m.text = whole(field[7], &m.text_len);
    mote_message_fields(&m, &fields);
    mote_message_parts(&m, parts, part_count);
    need(out != NULL, field[1]);
    need(mote_message_mail(&m, &mail, &rcpt, 1) == MOTE_CAUSE_NONE, "it cannot be composed");
    while ((got = mail.read(mail.ctx, offset, buf, cap)) != 0) {
        need(got <= cap && fwrite(buf, 1, got, out) == got, "it cannot be written");
        offset += got;
    }
    need(offset == mail.size && fclose(out) == 0, "it has another size than was measured");
    for (unsigned i = 0; i < part_count; i++) {
        if (parts[i].ctx != NULL) {
            fclose(parts[i].ctx);
        }
    }
    part_count = 0;
}

int main(void)
{
    static char line[1 << 16];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *field[FIELDS] = {NULL}, *at = line;

        for (unsigned i = 0; i < FIELDS && strchr(at, '\t') != NULL; i++) {
            field[i] = at;
            at = strchr(at, '\t');
            *at++ = 0;
        }
        need(field[0] != NULL, "an empty line");
        if (strcmp(field[0], "part") == 0) {
            add_part(field);
        } else {
            write_mail(field);
        }
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Opens the files of a mail before anything of it is stored, and reads them while it is. It refuses what is no regular file: a
 * pipe, a device, a directory.
 */
#define _GNU_SOURCE

#include "attach.h"
#include "complain.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { WINDOW = 4096 };

struct attached_file {
    const char *name; /* as it was given, without a type */
    int fd;           /* or -1 */
    struct buffer text;
    size_t at, len; /* what is in the window */
    char window[WINDOW];
};

/* ---- Names and types --------------------------------------------------------------------------------------------- */

/* What most readers show; the others get application/octet-stream. */
static const char *type_of(const char *file)
{
    static const char *const types[][2] = {
        {"txt", "text/plain; charset=UTF-8"},
        {"log", "text/plain; charset=UTF-8"},
        {"csv", "text/csv; charset=UTF-8"},
        {"html", "text/html; charset=UTF-8"},
        {"json", "application/json"},
        {"pdf", "application/pdf"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"png", "image/png"},
        {"gif", "image/gif"},
    };
    const char *dot = strrchr(file, '.');

    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(dot + 1, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash == NULL ? file : slash + 1;
}

/* The ":TYPE/SUBTYPE" at the end of a word, or NULL: a path may have colons too, but what is behind this one has one slash,
 * and nothing that no type has. */
static char *type_at_end(char *word)
{
    char *colon = strrchr(word, ':');
    char *slash = colon == NULL ? NULL : strchr(colon, '/');

    return slash != NULL && slash > colon + 1 && slash[1] != 0 && strchr(slash + 1, '/') == NULL && !has_control(colon)
               ? colon
               : NULL;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static size_t read_file(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct attached_file *file = ctx;

    if (file->text.data != NULL) {
        cap = file->text.len - offset < cap ? file->text.len - offset : cap;
        memcpy(buf, file->text.data + offset, cap);
        return cap;
    }
    if (offset < file->at || offset >= file->at + file->len) {
        ssize_t got;

        do {
            got = pread(file->fd, file->window, WINDOW, (off_t)offset);
        } while (got < 0 && errno == EINTR);
        if (got <= 0) {
            complain("%s: %s", file->name,
                     got < 0 ? strerror(errno) : "it became shorter while it was read: send it again");
            return MOTE_READ_FAILED;
        }
        file->at = offset;
        file->len = (size_t)got;
    }
    cap = file->at + file->len - offset < cap ? file->at + file->len - offset : cap;
    memcpy(buf, file->window + (offset - file->at), cap);
    return cap;
}

/* size: octets of all files so far. */
static int open_file(struct attached_file *file, size_t *size)
{
    struct stat about;

    file->fd = open(file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0 || fstat(file->fd, &about) != 0) {
        complain("%s cannot be read: %s: nothing was sent", file->name, strerror(errno));
    } else if (!S_ISREG(about.st_mode)) {
        complain("%s is no regular file: only those can be attached", file->name);
    } else if ((unsigned long long)about.st_size > ATTACHED_MAX - *size) {
        complain("%s: the files have more than %zu octets: send several mails", file->name, ATTACHED_MAX);
    } else {
        *size += (size_t)about.st_size;
        return EX_OK;
    }
    return EX_NOINPUT;
}

/* What shows no size until it is read, as the files of /proc, is read at once. */
static int read_whole(struct attached_file *file, size_t *size)
{
    int error = file_read_all(file->fd, &file->text, ATTACHED_MAX - *size);

    if (error != 0) {
        complain("%s cannot be read: %s: nothing was sent", file->name, strerror(error));
        return EX_NOINPUT;
    }
    *size += file->text.len;
    return EX_OK;
}

static int open_attachment(struct attached *attached, char *word, size_t *size)
{
    struct attached_file *file = &attached->files[attached->count];
    struct mote_part *part = &attached->parts[attached->count++];
    char *colon = access(word, F_OK) == 0 ? NULL : type_at_end(word);
    size_t before = *size;
    int status;

    if (colon != NULL) {
        *colon = 0;
        part->type = colon + 1;
    } else {
        part->type = type_of(word);
    }
    file->name = word;
    status = open_file(file, size);
    if (status == EX_OK && *size == before) {
        status = read_whole(file, size);
    }
    part->name = base_name(word);
    if (status == EX_OK && has_control(part->name)) {
        complain("%s: its name holds a control character: rename it", word);
        status = EX_DATAERR;
    }
    part->read = read_file;
    part->ctx = file;
    part->size = *size - before;
    return status;
}

/* HTML is a text: it is read at once. */
static int open_html(struct attached *attached, const char *name, size_t *size)
{
    struct attached_file *file = &attached->files[attached->count];
    struct mote_part *part = &attached->parts[attached->count++];
    int error, status;

    file->name = name;
    status = open_file(file, size);
    if (status != EX_OK) {
        return status;
    }
    error = file_read_all(file->fd, &file->text, ATTACHED_MAX);
    if (error == 0 && memchr(file->text.data, 0, file->text.len) != NULL) {
        complain("%s holds a NUL: it is no HTML", name);
        return EX_NOINPUT;
    }
    if (error != 0) {
        complain("%s cannot be read: %s: nothing was sent", name, strerror(error));
        return EX_NOINPUT;
    }
    part->type = "text/html";
    part->text = file->text.data;
    part->text_len = file->text.len;
    part->alternative = true;
    return EX_OK;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static int set_fields(struct mote_fields *fields, const struct args *args)
{
    static const char *const priorities[] = {"normal", "high", "low"}; /* enum mote_priority */

    fields->name = args->full_name;
    fields->reply_to = args->reply_to;
    fields->list = args->further;
    fields->count = (uint16_t)args->further_count;
    while (args->priority != NULL && strcmp(args->priority, priorities[fields->priority]) != 0) {
        if (++fields->priority > MOTE_PRIORITY_LOW) {
            complain("--priority %s: give high, normal or low", args->priority);
            return EX_USAGE;
        }
    }
    return EX_OK;
}

int attach(struct attached *attached, const struct args *args, struct mote_message *message)
{
    unsigned count = args->attachments.count + (args->html != NULL);
    size_t size = 0;
    int status = set_fields(&attached->fields, args);

    mote_message_fields(message, &attached->fields);
    if (count == 0 || status != EX_OK) {
        return status;
    }
    attached->parts = calloc(count, sizeof *attached->parts);
    attached->files = calloc(count, sizeof *attached->files);
    if (count > UINT16_MAX || attached->parts == NULL || attached->files == NULL) {
        complain("no memory for %u files: send several mails", count);
        return EX_OSERR;
    }
    if (args->html != NULL) {
        status = open_html(attached, args->html, &size);
    }
    for (unsigned i = 0; i < args->attachments.count && status == EX_OK; i++) {
        status = open_attachment(attached, args->attachments.list[i], &size);
    }
    mote_message_parts(message, attached->parts, (uint16_t)attached->count);
    return status;
}

void attached_free(struct attached *attached)
{
    for (unsigned i = 0; i < attached->count; i++) {
        free(attached->files[i].text.data);
        if (attached->files[i].fd >= 0) {
            close(attached->files[i].fd);
        }
    }
    free(attached->parts);
    free(attached->files);
    *attached = (struct attached){.parts = NULL};
}

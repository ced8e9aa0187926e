/* SPDX-License-Identifier: MIT
 *
 * Reads the mail from standard input and composes it as it comes, a few lines at a time: a mail of any size needs the
 * same memory. The lines of a part are composed as a message of their own, and its fields are left out.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Octets of standard input; 0 is the end. */
static size_t read_some(struct input *input, char *to, size_t cap)
{
    const char *nul;
    ssize_t got;

    do {
        got = read(STDIN_FILENO, to, cap);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EBADF) {
        complain("standard input is closed: give the text of the mail there, or </dev/null for none");
        return MOTE_READ_FAILED;
    }
    if (got < 0) {
        complain("standard input cannot be read: %s", strerror(errno));
        return MOTE_READ_FAILED;
    }
    nul = memchr(to, 0, (size_t)got);
    if (nul != NULL) {
        complain("octet %zu of standard input is NUL, which no mail can hold: take it out or encode it",
                 input->total + (size_t)(nul - to) + 1);
        return MOTE_READ_FAILED;
    }
    input->total += (size_t)got;
    if (input->total > INPUT_MAX) {
        complain("the mail is larger than %zu octets: send a smaller one", INPUT_MAX);
        return MOTE_READ_FAILED;
    }
    input->ended = got == 0;
    return (size_t)got;
}

static size_t read_whole(struct input *input, void *buf, size_t cap)
{
    size_t got = read_some(input, buf, cap);

    if (got == 0 && input->total == 0) {
        complain("standard input is empty: --raw needs a whole message with its header");
        return MOTE_READ_FAILED;
    }
    return got;
}

/* ---- Composing --------------------------------------------------------------------------------------------------- */

/* Until it is full or the input has ended. */
static bool fill_window(struct input *input)
{
    while (!input->ended && input->window_len < sizeof input->window) {
        size_t got = read_some(input, input->window + input->window_len, sizeof input->window - input->window_len);

        if (got == MOTE_READ_FAILED) {
            return false;
        }
        input->window_len += got;
    }
    return true;
}

/* How many octets of the window make whole lines. 0: its line does not end in it. A CR at the end may be half an end of
 * line. */
static size_t whole_lines(const struct input *input)
{
    const char *text = input->window;
    size_t len = input->window_len;

    if (input->ended) {
        return len;
    }
    while (len > 0 && text[len - 1] != '\n' && (text[len - 1] != '\r' || len == input->window_len)) {
        len--;
    }
    return len;
}

/* Composes the first octets of the window and leaves the fields before them out. */
static void compose(struct input *input, size_t len, bool cut)
{
    struct mote_message part = {.from = input->header->from, .id = input->header->id};
    size_t got;

    part.text = len == 0 ? "" : input->window;
    part.text_len = len;
    input->len = 0;
    do {
        got = mote_message_read(&part, input->len, input->out + input->len, sizeof input->out - input->len);
        input->len += got;
    } while (got != 0);
    input->given = input->head_len;
    if (cut) { /* a line that goes on has a soft break there (RFC 2045 6.7) */
        memcpy(input->out + input->len - 2, "=\r\n", 3);
        input->len++;
    }
    input->window_len -= len;
    memmove(input->window, input->window + len, input->window_len);
}

static bool compose_next(struct input *input)
{
    size_t len;

    if (!fill_window(input)) {
        return false;
    }
    len = whole_lines(input);
    if (len == 0 && input->window_len > 0) {
        compose(input, input->window_len - 1, true); /* there is an octet behind the soft break */
    } else if (len > 0) {
        compose(input, len, false);
    }
    return true;
}

void input_begin(struct input *input, struct mote_message *message)
{
    memset(input, 0, sizeof *input);
    input->header = message;
    if (message != NULL) {
        compose(input, 0, false);
        input->head_len = input->given = input->len;
    }
}

size_t input_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct input *input = ctx;
    size_t len;

    if (input->header == NULL) {
        return read_whole(input, buf, cap);
    }
    if (!input->header_done) {
        len = mote_message_read(input->header, offset, buf, cap);
        if (len != 0) {
            return len;
        }
        input->header_done = true;
    }
    if (input->given == input->len && !compose_next(input)) {
        return MOTE_READ_FAILED;
    }
    len = input->len - input->given < cap ? input->len - input->given : cap;
    memcpy(buf, input->out + input->given, len);
    input->given += len;
    return len;
}

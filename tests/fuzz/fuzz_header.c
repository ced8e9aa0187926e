/* SPDX-License-Identifier: MIT
 *
 * A message that a caller of sendmail or of `send --raw` wrote, and what is made of its header. The input is an octet of
 * switches, one that says where its body is split, and the message. What leaves is a header as relays and readers want it: whole
 * lines, each a field or the rest of one, and no field of Bcc.
 */
#define _GNU_SOURCE

#include "../../boards/host/args.h"
#include "../../boards/host/raw.h"
#include "require.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOOSE = 1, WRITTEN = 2, DOMAIN = 4, NAMED = 8, LOCAL = 16, TOLD = 32 };

struct seen {
    bool from, date, id, encoding;
};

static void check_field(struct seen *seen, struct span field)
{
    require(field_name_len(field) != 0, "a line is no field");
    require(!field_is(field, "Bcc") && !field_is(field, "Resent-Bcc"), "who gets it in secret is told");
    seen->from |= field_is(field, "From");
    seen->date |= field_is(field, "Date");
    seen->id |= field_is(field, "Message-ID");
    seen->encoding |= field_is(field, "Content-Transfer-Encoding");
}

/* An LF alone in a field stays as it came: the engine mends it. */
static void check_header(const char *header, size_t len, bool encoded)
{
    struct seen seen = {false, false, false, false};
    struct span rest = {header, len};
    bool first = true;

    require(len >= 4 && memcmp(header + len - 4, "\r\n\r\n", 4) == 0, "the header has no end");
    while (rest.len > 2) {
        struct span line = take_line(&rest);

        require(line.len != 0, "the header ends too early");
        require(memchr(line.at, '\r', line.len) == NULL, "a CR alone is in the header: it would end a line");
        if (*line.at != ' ' && *line.at != '\t') {
            check_field(&seen, line);
        } else {
            require(!first, "the header begins with the rest of a field");
        }
        first = false;
    }
    require(seen.from && seen.date && seen.id, "From, Date or Message-ID is missing");
    require(!encoded || seen.encoding, "the body's encoding is not told");
}

/* What is wrong is told in one line, which nobody needs here. */
static int begin(struct raw *raw, struct span *message, const struct raw_rules *rules)
{
    FILE *terminal = stderr;
    char *told;
    size_t len;
    int status;

    stderr = open_memstream(&told, &len);
    require(stderr != NULL, "harness: no memory");
    status = raw_begin(raw, message, rules);
    fclose(stderr);
    stderr = terminal;
    require((status == EX_OK) == (len == 0), "what is wrong is not told");
    free(told);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct raw_rules rules = {.header = {.from = "s@example.test", .charset = "unknown-8bit", .domain = ""},
                              .id = "1@example.test",
                              .unix_s = 1795860000};
    struct raw raw;
    struct buffer header = {NULL, 0};
    struct span message;
    char *copy;
    bool encoded;

    if (size < 2 || memchr(data + 2, 0, size - 2) != NULL) {
        return 0; /* a NUL is refused before */
    }
    rules.loose = (data[0] & LOOSE) != 0;
    rules.header.from_field = data[0] & WRITTEN ? FROM_WRITTEN : FROM_ADDED;
    rules.header.domain = data[0] & DOMAIN ? "example.test" : "";
    rules.header.local = (data[0] & LOCAL) != 0;
    rules.to = data[0] & TOLD ? "r@example.test" : NULL;
    rules.header.name = data[0] & NAMED ? "J\303\266rg" : NULL;
    copy = malloc(size - 2 + (size == 2)); /* all its own: the sanitizer sees an octet too far */
    require(copy != NULL, "harness: no memory");
    memcpy(copy, data + 2, size - 2);
    message = (struct span){copy, size - 2};
    memset(&raw, 0, sizeof raw);
    if (begin(&raw, &message, &rules) == EX_OK) {
        size_t first = message.len * data[1] / 255;

        blank_crs(copy, size - 2 - message.len);
        raw_watch(&raw, message.at, first);
        raw_watch(&raw, message.at + first, message.len - first);
        encoded = raw_encodes(&raw);
        require(raw_write(&raw, encoded, &header) == EX_OK, "harness: no memory");
        check_header(header.data, header.len, encoded);
    }
    free(header.data);
    free(copy);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Callers write what was good enough for a mail system of the house: names without a domain, 8-bit text, a user's name in
 * brackets behind his login. A field that needs nothing of it is left as it is; one that does is written anew.
 */
#define _GNU_SOURCE

#include "header.h"
#include "args.h"
#include "utf8.h"
#include "encoded_word.h"
#include "self.h"

#include <string.h>
#include <strings.h>

enum { NAME_MAX_OCTETS = 998 };

static const char *const address_fields[] = {
    "From",        "Sender",        "Reply-To",        "To",        "Cc",        "Bcc",
    "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc", "Resent-Bcc",
};

static bool has_addresses(struct span field)
{
    for (size_t i = 0; i < sizeof address_fields / sizeof address_fields[0]; i++) {
        if (field_is(field, address_fields[i])) {
            return true;
        }
    }
    return false;
}

bool header_is_void(struct span field)
{
    struct span rest = field_value(field);
    struct address address;

    if (!has_addresses(field)) {
        return rest.len == 0 && !field_is(field, "Subject") && !field_is(field, "Comments") &&
               strncasecmp(field.at, "X-", 2) != 0;
    }
    address_next(&rest, &address);
    return address.kind == ADDRESS_END && address.comment.len == 0;
}

bool header_complete(char *to, size_t cap, const char *spec, bool has_domain, const char *domain)
{
    bool bare = !has_domain && *domain != 0;
    int len = snprintf(to, cap, "%s%s%s", spec, bare ? "@" : "", bare ? domain : "");

    return (size_t)len < cap && mote_address_valid(to);
}

/* ---- Long lines -------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Is the octet there the second one of a quoted pair, which is not parted? */
static bool is_quoted(struct span line, size_t at)
{
    size_t first = at;

    while (first > 0 && line.at[first - 1] == '\\') {
        first--;
    }
    return (at - first) % 2 != 0;
}

/* Of a line that is too long, what may stand on one: up to a blank, or where there is none behind a comma, or as much as fits. */
static size_t piece_len(struct span line, size_t cap)
{
    size_t len = cap, comma = 0;

    for (; len > 0 && (!is_blank(line.at[len]) || is_quoted(line, len)); len--) {
        comma = comma == 0 && line.at[len - 1] == ',' ? len : comma;
    }
    return len > 1 ? len : comma > 0 ? comma : len > 0 ? len : cap - is_quoted(line, cap);
}

/* As it came, but that its lines are no longer than they may be, the first no longer than cap; without the end of the last one. */
static void write_folded(FILE *out, struct span field, size_t cap)
{
    for (; field.len > 0; cap = LINE_OCTETS) {
        struct span line = take_line(&field);

        while (line.len > cap) {
            size_t len = piece_len(line, cap);

            fwrite(line.at, 1, len, out);
            line.at += len;
            line.len -= len;
            fputs(is_blank(*line.at) ? "\r\n" : "\r\n ", out);
            cap = LINE_OCTETS - !is_blank(*line.at);
        }
        fwrite(line.at, 1, line.len, out);
        fputs(field.len > 0 ? "\r\n" : "", out);
    }
}

/* ---- Phrases ----------------------------------------------------------------------------------------------------- */

static bool all_atoms(const char *text)
{
    return strpbrk(text, "()<>[]:;@\\,\"") == NULL;
}

/* A name that is a text: encoded, as it is, or in quotes. */
static void write_name(struct word_writer *words, const char *name)
{
    size_t len = strlen(name);

    if (has_8bit(name, len) || all_atoms(name)) {
        encoded_words_write(words, name, len);
        return;
    }
    fputc('"', words->out);
    for (; *name != 0; name++) {
        if (*name == '"' || *name == '\\') {
            fputc('\\', words->out);
        }
        fputc(*name, words->out);
    }
    fputc('"', words->out);
}

/* A phrase as it stands in a field: its quotes are left alone where they can be. A line ends behind one that is long. */
static void write_phrase(struct word_writer *words, struct span phrase)
{
    char text[NAME_MAX_OCTETS + 1];

    if (has_8bit(phrase.at, phrase.len)) {
        encoded_words_write(words, text, address_words(text, sizeof text, phrase));
    } else if (phrase.len > LINE_OCTETS / 2) {
        write_folded(words->out, phrase, LINE_OCTETS / 2);
        fputs("\r\n ", words->out);
        words->column = 1;
    } else {
        words->column += fwrite(text, 1, field_unfold(text, sizeof text, phrase), words->out);
    }
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

/* Another line where this one has no room for an encoded-word and what stands beside it (RFC 2047 2); a blank follows. */
static void make_room(struct word_writer *words, bool encoded, size_t len)
{
    if (encoded && words->column + len > ENCODED_LINE_OCTETS) {
        fputs("\r\n", words->out);
        words->column = 0;
    }
}

static void write_comment(struct word_writer *words, struct span comment)
{
    make_room(words, has_8bit(comment.at, comment.len), ENCODED_LINE_OCTETS / 2);
    fputs(" (", words->out);
    words->column += 2;
    write_phrase(words, comment);
    fputc(')', words->out);
}

static void next(struct span *rest, struct address *address, const struct header_rules *rules)
{
    address_next(rest, address);
    if (rules->local) {
        self_name(address, rules->domain);
    }
}

/* A comment behind an address that has no name is one. */
static void write_address(struct word_writer *words, const struct address *address, const struct header_rules *rules)
{
    char full[sizeof address->spec + 256], name[NAME_MAX_OCTETS + 1] = "";
    bool named = address->name.len > 0;

    if (named) {
        write_phrase(words, address->name);
    } else if (address_words(name, sizeof name, address->comment) > 0) {
        write_name(words, name);
    }
    if (!header_complete(full, sizeof full, address->spec, address->has_domain, rules->domain)) {
        snprintf(full, sizeof full, "%s", address->spec);
    }
    make_room(words, has_8bit(address->name.at, address->name.len) || has_8bit(name, strlen(name)),
              strlen(full) + sizeof " <>;," - 1);
    words->column += (size_t)fprintf(words->out, named || name[0] != 0 ? " <%s>" : "%s", full);
    if (named && address->comment.len > 0) {
        write_comment(words, address->comment);
    }
}

static void write_list(FILE *out, struct span field, const struct header_rules *rules)
{
    struct word_writer words = {.out = out, .charset = rules->charset, .phrase = true};
    struct span rest = field_value(field);
    struct address address;
    const char *between = "", *beside = " ";

    fprintf(out, "%.*s: ", (int)field_name_len(field), field.at);
    words.column = field_name_len(field) + 2;
    for (next(&rest, &address, rules); address.kind != ADDRESS_END; next(&rest, &address, rules)) {
        if (address.kind == ADDRESS_GROUP_END) {
            fputc(';', out);
            between = ",\r\n ";
            continue;
        }
        fputs(between, out);
        words.column = strchr(between, '\n') != NULL ? 1 : words.column + strlen(between);
        if (address.kind == ADDRESS_GROUP) {
            bool eight = has_8bit(address.name.at, address.name.len);

            write_phrase(&words, address.name);
            fputs(eight ? " :" : ":", out); /* an encoded-word ends in a blank */
            words.column += eight ? 2 : 1;
            beside = eight ? "\r\n " : " ";
        } else {
            write_address(&words, &address, rules);
        }
        between = address.kind == ADDRESS_GROUP ? beside : ",\r\n ";
    }
    fputs("\r\n", out);
}

enum list { LIST_GOOD, LIST_BARE, LIST_WRONG };

/* Can it be read, and is there an address without a domain? */
static enum list look_at_list(struct span rest, const struct header_rules *rules)
{
    struct address address;
    enum list found = LIST_GOOD;
    char full[sizeof address.spec + 256];

    for (next(&rest, &address, rules); address.kind != ADDRESS_END; next(&rest, &address, rules)) {
        if (address.kind == ADDRESS_WRONG || address.kind == ADDRESS_NAMELESS) {
            return LIST_WRONG;
        }
        if (address.kind == ADDRESS_ONE && !address.has_domain && *rules->domain != 0 &&
            header_complete(full, sizeof full, address.spec, false, rules->domain)) {
            found = LIST_BARE;
        }
    }
    return found;
}

/* ---- From -------------------------------------------------------------------------------------------------------- */

void header_write_from(FILE *out, struct span name, const struct header_rules *rules)
{
    struct word_writer words = {.out = out, .charset = rules->charset, .column = sizeof "From: " - 1, .phrase = true};
    char text[NAME_MAX_OCTETS + 1];

    fputs("From: ", out);
    if (name.len > 0) {
        address_words(text, sizeof text, name);
    } else {
        snprintf(text, sizeof text, "%s", rules->name == NULL ? "" : rules->name);
    }
    if (text[0] != 0) {
        write_name(&words, text);
    }
    fprintf(out, text[0] == 0 ? "%s\r\n" : " <%s>\r\n", rules->from);
}

/* A From field must be written anew because it is so set, or because there is no address in it: then all of it is a name. */
static bool from_anew(struct span value, const struct header_rules *rules, struct span *name)
{
    struct span rest = value;
    struct address address;
    char full[sizeof address.spec + 256];

    next(&rest, &address, rules);
    *name = address.name.len > 0 ? address.name : address.comment;
    if (address.kind != ADDRESS_ONE ||
        !header_complete(full, sizeof full, address.spec, address.has_domain, rules->domain)) {
        *name = address.kind == ADDRESS_END || address.kind == ADDRESS_GROUP ? *name : value;
        return *rules->from != 0;
    }
    return rules->from_field == FROM_WRITTEN && *rules->from != 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void write_text(FILE *out, struct span field, const struct header_rules *rules)
{
    struct word_writer words = {.out = out, .charset = rules->charset, .column = field_name_len(field) + 2};
    struct span value = field_value(field);

    fprintf(out, "%.*s: ", (int)field_name_len(field), field.at);
    encoded_words_write(&words, value.at, value.len);
    fputs("\r\n", out);
}

/* ---- Parameters -------------------------------------------------------------------------------------------------- */

/* Octets of a parameter's value, with its quotes if it has any. */
static size_t value_len(struct span text)
{
    size_t len = 0;

    if (*text.at != '"') {
        while (len < text.len && text.at[len] != ';' && !strchr(" \t\r\n", text.at[len])) {
            len++;
        }
        return len;
    }
    for (len = 1; len < text.len && text.at[len] != '"'; len++) {
        len += text.at[len] == '\\';
    }
    return len < text.len ? len + 1 : text.len;
}

/* RFC 2231 4: letters and digits stand for themselves. */
static void write_extended(FILE *out, struct span value, const char *charset)
{
    char text[NAME_MAX_OCTETS + 1];
    size_t len = address_words(text, sizeof text, value);

    fprintf(out, "*=%s''", utf8_valid(text, len) ? "UTF-8" : charset);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
            c == '_') {
            fputc(c, out);
        } else {
            fprintf(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

/* Of a type or a disposition, whose parameters are no text for people: values that are not ASCII. */
static void write_parameters(FILE *out, struct span field, const struct header_rules *rules)
{
    while (field.len > 0) {
        struct span value = {field.at + 1, field.len - 1};
        size_t len = *field.at == '=' && value.len > 0 ? value_len(value) : 0;

        if (len > 0 && has_8bit(value.at, len)) {
            write_extended(out, (struct span){value.at, len}, rules->charset);
            len++;
        } else {
            len++;
            for (size_t i = 0; i < len; i++) {
                fputc((unsigned char)field.at[i] > 127 ? '?' : field.at[i], out);
            }
        }
        field.at += len;
        field.len -= len;
    }
}

/* ---- All fields -------------------------------------------------------------------------------------------------- */

/* Blanks in front of the colon stay where no line ends there, or would: to most relays a line without a colon is no field. */
void header_write_type(FILE *out, struct span field, const struct header_rules *rules)
{
    size_t colon = strcspn(field.at, ":"), len = line_len(&field);
    size_t name = len > colon && len <= LINE_OCTETS ? colon : field_name_len(field);
    struct span rest = {field.at + colon, field.len - colon};

    fwrite(field.at, 1, name, out);
    if (has_8bit(field.at, field.len)) {
        write_parameters(out, rest, rules);
    } else {
        write_folded(out, rest, LINE_OCTETS - name);
    }
}

void header_write(FILE *out, struct span field, const struct header_rules *rules)
{
    struct span value = field_value(field), name;
    enum list list = has_addresses(field) ? look_at_list(value, rules) : LIST_WRONG;
    bool eight = has_8bit(field.at, field.len);

    if (field_is(field, "From") && rules->from_field != FROM_LEFT && from_anew(value, rules, &name)) {
        header_write_from(out, name, rules);
    } else if (list == LIST_BARE || (list == LIST_GOOD && eight)) {
        write_list(out, field, rules);
    } else if (eight && !field_is(field, "Content-Type") && !field_is(field, "Content-Disposition")) {
        write_text(out, field, rules);
    } else {
        header_write_type(out, field, rules);
        fputs("\r\n", out);
    }
}

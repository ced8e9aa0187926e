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

enum {
    NAME_MAX_OCTETS = 998,
    SECTION_OCTETS = 800, /* of a parameter's value that is continued: a line has room for its name, too */
};

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

/* ---- Phrases ----------------------------------------------------------------------------------------------------- */

static void put(struct header_line *line, const char *text)
{
    header_line_put(line, text, strlen(text));
}

static void begin_field(struct header_line *line, struct span field)
{
    header_line_put(line, field.at, field_name_len(field));
    put(line, ":");
    header_line_gap(line, ' ');
}

static void end_field(struct header_line *line)
{
    header_line_flush(line);
    fputs("\r\n", line->out);
}

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
    put(&words->line, "\"");
    for (; *name != 0; name++) {
        if (*name == '"' || *name == '\\') {
            put(&words->line, "\\");
        }
        if (*name == ' ') {
            header_line_gap(&words->line, ' ');
        } else {
            header_line_put(&words->line, name, 1);
        }
    }
    put(&words->line, "\"");
}

/* A phrase as it stands in a field: its quotes are left alone where they can be. */
static void write_phrase(struct word_writer *words, struct span phrase)
{
    char text[NAME_MAX_OCTETS + 1];

    if (has_8bit(phrase.at, phrase.len)) {
        encoded_words_write(words, text, address_words(text, sizeof text, phrase));
    } else {
        header_line_text(&words->line, phrase);
    }
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

static void next(struct span *rest, struct address *address, const struct header_rules *rules)
{
    address_next(rest, address);
    if (rules->local) {
        self_name(address, rules->domain);
    }
}

static void write_spec(struct header_line *line, const char *spec, bool named)
{
    if (named) {
        header_line_gap(line, ' ');
    }
    put(line, named ? "<" : "");
    put(line, spec);
    put(line, named ? ">" : "");
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
    write_spec(&words->line, full, named || name[0] != 0);
    if (named && address->comment.len > 0) {
        header_line_gap(&words->line, ' ');
        put(&words->line, "(");
        write_phrase(words, address->comment);
        put(&words->line, ")");
    }
}

static void begin_group(struct word_writer *words, struct span name)
{
    write_phrase(words, name);
    if (has_8bit(name.at, name.len)) {
        header_line_gap(&words->line, ' '); /* an encoded-word ends in a blank */
    }
    put(&words->line, ":");
}

static void write_list(FILE *out, struct span field, const struct header_rules *rules)
{
    struct word_writer words = {.line = {.out = out}, .charset = rules->charset, .phrase = true};
    struct span rest = field_value(field);
    struct address address;
    uint8_t last = ADDRESS_END;

    begin_field(&words.line, field);
    for (next(&rest, &address, rules); address.kind != ADDRESS_END; next(&rest, &address, rules)) {
        bool ends = address.kind == ADDRESS_GROUP_END;

        if (!ends && (last == ADDRESS_ONE || last == ADDRESS_GROUP_END)) {
            put(&words.line, ",");
        }
        if (last == ADDRESS_GROUP_END || (!ends && last != ADDRESS_END)) {
            header_line_gap(&words.line, ' ');
        }
        if (!ends && (last == ADDRESS_ONE || last == ADDRESS_GROUP_END)) {
            header_line_fold(&words.line);
        }
        if (ends) {
            put(&words.line, ";");
        } else if (address.kind == ADDRESS_GROUP) {
            begin_group(&words, address.name);
        } else {
            write_address(&words, &address, rules);
        }
        last = address.kind;
    }
    end_field(&words.line);
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
    struct word_writer words = {.line = {.out = out}, .charset = rules->charset, .phrase = true};
    char text[NAME_MAX_OCTETS + 1];

    begin_field(&words.line, (struct span){"From:", 5});
    if (name.len > 0) {
        address_words(text, sizeof text, name);
    } else {
        snprintf(text, sizeof text, "%s", rules->name == NULL ? "" : rules->name);
    }
    if (text[0] != 0) {
        write_name(&words, text);
    }
    write_spec(&words.line, rules->from, text[0] != 0);
    end_field(&words.line);
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
    struct word_writer words = {.line = {.out = out}, .charset = rules->charset};
    struct span value = field_value(field);

    begin_field(&words.line, field);
    encoded_words_write(&words, value.at, value.len);
    end_field(&words.line);
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

/* Of a text in octets as they stand in a parameter that is not ASCII (RFC 2231 4): letters and digits stand for themselves. */
static const char *extended(char to[sizeof "%00"], char c)
{
    bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';

    snprintf(to, sizeof "%00", plain ? "%c" : "%%%02X", (unsigned char)c);
    return to;
}

/* The name of the parameter is out. What fits on no line is continued in a section of its own (RFC 2231 3). */
static void write_extended(struct header_line *line, struct span name, struct span value, const char *charset)
{
    char text[NAME_MAX_OCTETS + 1], octet[sizeof "%00"], begin[sizeof "*4294967295*="];
    size_t len = address_words(text, sizeof text, value), room = 0;
    const char *set = utf8_valid(text, len) ? "UTF-8" : charset;
    unsigned sections = 0;

    for (size_t i = 0; i < len; i++) {
        room += strlen(extended(octet, text[i]));
    }
    bool several = room > SECTION_OCTETS && name.len > 0 && name.len < 100;

    put(line, several ? "*0*=" : "*=");
    put(line, set);
    put(line, "''");
    room = 0;
    for (size_t i = 0; i < len; i++) {
        if (several && room > SECTION_OCTETS - 3) {
            put(line, ";");
            header_line_gap(line, ' ');
            header_line_put(line, name.at, name.len);
            snprintf(begin, sizeof begin, "*%u*=", ++sections);
            put(line, begin);
            room = 0;
        }
        put(line, extended(octet, text[i]));
        room += strlen(octet);
    }
}

/* Of a type or a disposition, whose parameters are no text for people: values that are not ASCII. */
static void write_parameters(struct header_line *line, struct span rest, const struct header_rules *rules)
{
    struct span before = {rest.at, 0},
                name = before; /* what is not out yet, and its end that may be a parameter's name */

    while (rest.len > 0) {
        struct span value = {rest.at + 1, rest.len - 1};

        value.len = *rest.at == '=' && value.len > 0 ? value_len(value) : 0;
        if (has_8bit(value.at, value.len)) {
            header_line_text(line, before);
            write_extended(line, name, value, rules->charset);
            before = (struct span){value.at + value.len, 0};
        } else {
            before.len += 1 + value.len;
        }
        name.len++;
        if (strchr("; \t\r\n=", *rest.at) != NULL) {
            name = (struct span){value.at + value.len, 0};
        }
        rest.at += 1 + value.len;
        rest.len -= 1 + value.len;
    }
    header_line_text(line, before);
}

/* ---- All fields -------------------------------------------------------------------------------------------------- */

/* Blanks in front of the colon stay where no line ends there, or would: to most relays a line without a colon is no field. */
void header_write_type(FILE *out, struct span field, const struct header_rules *rules)
{
    struct header_line line = {.out = out, .as_it_came = true};
    size_t colon = strcspn(field.at, ":"), len = line_len(&field);
    struct span rest = {field.at + colon, field.len - colon};

    header_line_put(&line, field.at, len > colon && len <= LINE_OCTETS ? colon : field_name_len(field));
    if (has_8bit(field.at, field.len)) {
        write_parameters(&line, rest, rules);
    } else {
        header_line_text(&line, rest);
    }
    header_line_flush(&line);
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

/* SPDX-License-Identifier: MIT
 *
 * The fields that few messages have: Importance and X-Priority, Reply-To, the caller's own, and From where it has a name.
 * They come first in the header. It refuses what would be no field, or more than one.
 */
#include "writer.h"

enum { FIELD_NAME_MAX = 60, FIELD_WORD_MAX = 900 };

/* RFC 5322 3.6.8 */
static bool name_valid(const char *name)
{
    size_t n = 0;

    while (name[n] > ' ' && name[n] < 127 && name[n] != ':') {
        n++;
    }
    return name[n] == 0 && n - 1 < FIELD_NAME_MAX;
}

static bool fields_valid(const struct mote_fields *f)
{
    const struct mote_field *field = f->list;

    for (unsigned n = f->count; n != 0; n--, field++) {
        if (!name_valid(field->name) || mote_value_kind(field->value, FIELD_WORD_MAX) >= MOTE_VALUE_NONE) {
            return false;
        }
    }
    return (f->reply_to == NULL || mote_address_valid(f->reply_to)) &&
           mote_value_kind(f->name, MOTE_WORD_MAX) != MOTE_VALUE_REFUSED;
}

static void put_fixed(struct mote_writer *w, const struct mote_fields *f)
{
    const char *args[] = {"low", "5", f->reply_to};

    if (f->priority == MOTE_PRIORITY_HIGH) {
        args[0] = "high";
        args[1] = "1";
    }
    if (f->priority != MOTE_PRIORITY_NORMAL) {
        mote_put_form(w, "Importance: \1\r\nX-Priority: \2\r\n", args);
    }
    if (f->reply_to != NULL) {
        mote_put_form(w, "Reply-To: \3\r\n", args);
    }
}

/* Behind the caller's fields: From, where it has a name, as a quoted string or in encoded-words. */
static bool put_from(struct mote_writer *w, const struct mote_fields *f)
{
    const char *from = w->message->from;

    if (w->next.at == 0) {
        put_fixed(w, f);
        w->next.kind = (uint8_t)mote_value_kind(f->name, MOTE_WORD_MAX);
        if (w->next.kind == MOTE_VALUE_PLAIN && !mote_quotable(f->name)) {
            w->next.kind = MOTE_VALUE_ENCODED;
        }
    }
    if (w->next.kind == MOTE_VALUE_NONE) {
        return true;
    }
    if (mote_put_value(w, w->next.kind == MOTE_VALUE_PLAIN ? "From: \"" : "From: ", f->name)) {
        mote_put_form(w, w->next.kind == MOTE_VALUE_PLAIN ? "\"\r\n <\1>" : "\r\n <\1>", &from);
        w->next.step = MOTE_AT_FROM; /* which is passed over */
        return true;
    }
    return false;
}

static bool put_fields(const struct mote_message *m, struct mote_writer *w)
{
    const struct mote_fields *f = m->fields;
    const struct mote_field *field;

    if (w == NULL) {
        return fields_valid(f);
    }
    if (w->next.item == f->count) {
        return put_from(w, f);
    }
    field = &f->list[w->next.item];
    if (w->next.at == 0) {
        mote_put_form(w, "\1: ", &field->name);
        w->next.kind = (uint8_t)mote_value_kind(field->value, FIELD_WORD_MAX);
    }
    if (mote_put_value(w, "", field->value)) {
        mote_put_string(w, mote_crlf);
        w->next.item++;
        w->next.at = 0;
    }
    return false;
}

void mote_message_fields(struct mote_message *message, const struct mote_fields *fields)
{
    message->fields = fields;
    message->put_fields = fields != NULL ? put_fields : NULL;
}

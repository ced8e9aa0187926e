/* SPDX-License-Identifier: MIT
 *
 * Mails that have their result: it stays what it was, whatever becomes of the connection, and is the same in both runs.
 */
#include "fuzz.h"

#include <string.h>

void scene_ended(struct scene *s, const struct mote_result *result)
{
    struct past *past = &s->past[s->past_count++];

    past->mail = s->mail;
    past->rcpts = s->rcpts;
    past->result = *result;
    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        past->results[i] = s->rcpts[i].result;
    }
    past->text_good = scene_text_good(s);
}

void scene_check_past(const struct scene *s)
{
    for (unsigned n = 0; n < s->past_count; n++) {
        for (unsigned i = 0; i < RCPTS_MAX; i++) {
            require(memcmp(&s->past[n].results[i], &s->past[n].rcpts[i].result, sizeof s->past[n].results[i]) == 0,
                    "I9: a verdict of an earlier mail changed");
        }
    }
}

static bool same_text(const char *a, const char *b, size_t cap)
{
    return a == NULL || memcmp(a, b, cap) == 0;
}

void past_compare(const struct past *a, const struct past *b)
{
    require(memcmp(&a->result, &b->result, sizeof a->result) == 0, "I3: the result depends on the split");
    require(same_text(a->mail.reply_text, b->mail.reply_text, a->mail.reply_text_cap),
            "I3: the reply text depends on the split");
    for (unsigned i = 0; i < RCPTS_MAX; i++) {
        require(memcmp(&a->results[i], &b->results[i], sizeof a->results[i]) == 0,
                "I3: a verdict depends on the split");
        require(same_text(a->rcpts[i].reply_text, b->rcpts[i].reply_text, a->rcpts[i].reply_text_cap),
                "I3: a recipient's reply text depends on the split");
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Replies, octet by octet: what is true before an octet is true behind it, so of replies of any length.
 */
#include "engine.h"

#include "reply.c"

/* What is true of a reply that is being read. */
static bool reading(const struct mote_engine *e)
{
    bool good = e->reply_len <= REPLY_MAX && e->lines <= LINES_MAX && e->status <= TEXT && e->field_at <= 3;

    for (unsigned i = 0; i < 3; i++) {
        good = good && e->field[i] < 1000;
    }
    if (e->reply_len == 0) {
        return good;
    }
    for (unsigned i = 0; i < 3; i++) { /* the digits of the code that are known */
        good = good && implies(e->lines != 0 || e->status > i,
                               e->digits[i] <= 9 && (i != 0 || (e->digits[0] >= 2 && e->digits[0] <= 5)));
    }
    if (e->lines != 0 || e->status >= SEPARATOR) {
        good = good && e->reply.code == e->digits[0] * 100 + e->digits[1] * 10 + e->digits[2];
    } else {
        good = good && e->reply.code == (e->status == 0   ? 0
                                         : e->status == 1 ? e->digits[0]
                                                          : e->digits[0] * 10 + e->digits[1]);
    }
    return good && implies(e->status < TEXT && e->lines == 0, e->reply_len == e->status) &&
           implies(e->status == TEXT, e->reply_len != 0);
}

/* A conversation that reads a reply; what is kept of it for people is somewhere in the room lent, and ended. */
static struct mote_engine any_reader(void)
{
    struct mote_engine e = any_engine();
    unsigned which = nondet_u8(), at = nondet_u8();
    char *text = texts[which % (RCPTS + 1)];

    assume(e.replies_due != 0 && !e.done && reading(&e));
    if (any_bool()) {
        assume(at < TEXT_CAP);
        e.reply_end = text + TEXT_CAP - 1;
        e.reply_at = text + at;
    }
    return e;
}

/* Any octet, anywhere in a reply: memory stays as it should be, lines and octets are counted and bounded (I6), the code is that of the
 * octets, a whole reply has one of 200 to 599; and a wrong octet is refused where it stands. What is kept for people is printable and
 * ended within the room lent.
 *
 * bounds: none; 2 recipients, room for 4 octets of text
 * with: core/smtp/check.c core/smtp/engine.c core/smtp/command.c core/smtp/text.c
 * unwind: 13
 * plant: core/smtp/reply.c: s/e->reply_end = text + cap - 1/e->reply_end = text + cap/
 * plant: core/smtp/reply.c: s/(d < 2 || d > 5)/(d < 2 || d > 6)/
 * plant: core/smtp/reply.c: s/\*field < 100/*field < 1000/
 * plant: core/smtp/reply.c: s/ || e->lines == LINES_MAX//
 * plant: core/smtp/reply.c: s/if (e->field_at > 2)/if (e->field_at > 3)/
 */
void prove_I6_reply_octet(void)
{
    struct mote_engine e = any_reader(), before = e;
    uint8_t c = nondet_u8(), becomes = mote_reply_octet(&e, c);
    bool room = e.reply_end == NULL;

    for (unsigned i = 0; i <= RCPTS; i++) {
        unsigned cap = i < RCPTS ? rcpts[i].reply_text_cap : mail.reply_text_cap;

        room = room || (e.reply_end >= texts[i] && e.reply_end <= texts[i] + (cap != 0 ? cap - 1 : 0));
    }
    prove(implies(before.reply_len == 0, room));
    prove(reading(&e) || (becomes != REPLY_WHOLE && becomes != REPLY_GOES_ON));
    if (becomes == REPLY_WHOLE) {
        prove(c == '\n' && e.reply.code >= 200 && e.reply.code <= 599 && e.digits[0] == e.reply.code / 100);
        prove(e.reply.verdict == MOTE_PENDING || before.reply.verdict != MOTE_PENDING);
    }
    prove(
        implies(before.reply_len != 0 && before.status < SEPARATOR && becomes == REPLY_GOES_ON, c >= '0' && c <= '9'));
    prove(implies(e.reply.subject != before.reply.subject && before.reply_len != 0,
                  e.reply.subject < 1000 && e.reply.detail < 1000));
    prove(implies(e.reply_at != NULL && e.reply_at != before.reply_at, *e.reply_at == 0));
    prove(e.result.verdict == before.result.verdict && e.awaiting == before.awaiting &&
          e.replies_due == before.replies_due);
    prove(implies(e.awaiting != MOTE_STEP_EHLO, e.offers == before.offers && e.size_limit == before.size_limit));
}

/* Offers: an octet of an EHLO line offers at most a keyword, or behind AUTH mechanisms, never both; what was offered stays; SIZE's limit is the
 * least that was said. No two words that we know have the same hash.
 *
 * bounds: none
 * unwind: 13
 * plant: core/smtp/reply.c: s/word_end(e, OFFER_MECHANISMS)/word_end(e, OFFER_MECHANISMS | OFFER_STARTTLS)/
 * plant: core/smtp/reply.c: s/e->word - 1 < e->size_limit - 1/e->word < e->size_limit/
 * plant: core/smtp/steps.h: s/X(LOGIN, 0x05363c43)/X(LOGIN, 0x058c2ffa)/
 */
void prove_offers(void)
{
    struct mote_engine e = nondet_engine(), before = e;
    uint8_t c = nondet_u8();
    unsigned i = nondet_u8(), j = nondet_u8(), added;

    assume(i < 12 && j < 12 && i != j);
    prove(hashes[i] != hashes[j]);
    assume(implies(e.keyword != 0, (e.keyword & LINE_KNOWN) != 0));
    offer_octet(&e, c);
    added = (unsigned)(e.offers & ~before.offers);
    prove((e.offers & before.offers) == before.offers && (added & (added - 1)) == 0);
    prove(implies(added != 0, c <= ' ' || c == '='));
    prove(implies((added & OFFER_KEYWORDS) != 0, before.keyword == 0));
    prove(implies((added & OFFER_MECHANISMS) != 0, before.keyword >= OFFER_AUTH));
    if (before.size_limit != 0 && e.size_limit != before.size_limit) {
        prove(e.size_limit < before.size_limit && e.size_limit != 0);
    }
    prove(implies(before.size_limit == 0 && c <= ' ' && before.keyword == (LINE_KNOWN | OFFER_SIZE),
                  e.size_limit == before.word));
    prove(implies(e.keyword != 0, (e.keyword & LINE_KNOWN) != 0));
}

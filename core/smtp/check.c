/* SPDX-License-Identifier: MIT
 *
 * What the caller's arguments must be before an octet leaves: addresses and names by RFC 5321 4.1.2 and 4.5.3.1 (no
 * control octet, space or angle bracket, ever), logins only for relays that prove who they are (P7), a text without NUL,
 * which is measured; and whether a relay offers what the mail needs (P10). It mends nothing.
 */
#include "core.h"

enum { DOMAIN_MAX = 255, PATH_MAX_OCTETS = 254 };

static bool no_control(const char *s)
{
    while ((uint8_t)*s >= ' ') {
        s++;
    }
    return *s == 0;
}

static bool ascii(const char *s)
{
    while ((uint8_t)*s - 1u < 127) {
        s++;
    }
    return *s == 0;
}

static bool visible(uint8_t c)
{
    return c > ' ' && c != 127 && c != '<' && c != '>';
}

static bool special(uint8_t c)
{
    static const char specials[] = "()[]:;\\,\"@";
    size_t i = 0;

    if (c >= 'a' && c <= 'z') { /* as most are */
        return false;
    }
    while (specials[i] != 0 && (uint8_t)specials[i] != c) {
        i++;
    }
    return specials[i] != 0;
}

/* Letters, digits, "-" and "."; a literal adds ":". UTF-8 is left to the relay. */
static bool domain_octet(uint8_t c, bool literal)
{
    uint8_t lower = c | 0x20;

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c > 127 ||
           (literal && c == ':');
}

/* A domain, or an address literal in brackets; every label has an octet. */
static bool domain(const char *s)
{
    bool literal = *s == '[';
    size_t len = strlen(s);
    uint8_t last = '.';

    if (len > DOMAIN_MAX || (literal && (len < 3 || s[len - 1] != ']'))) {
        return false;
    }
    if (literal) {
        s++;
        len -= 2;
    }
    for (; len != 0; len--, s++) {
        uint8_t c = (uint8_t)*s;

        if (!domain_octet(c, literal) || (c == '.' && last == '.')) {
            return false;
        }
        last = c;
    }
    return last != '.';
}

/* Length of the local-part, 0 when it is none. */
static size_t local_part(const char *s)
{
    size_t n = 0;

    if (*s != '"') {
        while (visible((uint8_t)s[n]) && !special((uint8_t)s[n])) {
            n++;
        }
        return n;
    }
    for (n = 1; s[n] != '"'; n++) {
        if (s[n] == '\\') {
            n++;
        }
        if (!visible((uint8_t)s[n])) {
            return 0;
        }
    }
    return n + 1;
}

bool mote_address_valid(const char *address)
{
    size_t n = local_part(address);

    return n != 0 && address[n] == '@' && strlen(address) <= PATH_MAX_OCTETS && domain(address + n + 1);
}

bool mote_helo_valid(const char *helo)
{
    static const char refused[] = "localhost";
    size_t i = 0;

    while (refused[i] != 0 && ((uint8_t)helo[i] | 0x20) == refused[i]) {
        i++;
    }
    return domain(helo) && (refused[i] != 0 || (helo[i] != 0 && helo[i] != '.')) && ascii(helo);
}

/* OAUTHBEARER's header would need "," and "=" escaped (RFC 5801 4); no mail system names its users so. */
static bool plain_user(const char *user)
{
    while (*user != 0 && *user != ',' && *user != '=') {
        user++;
    }
    return *user == 0;
}

/* A login is whole, of one kind, clean, and only for a relay that proves who it is (P7). */
static bool login_good(const struct mote_engine_setup *setup)
{
    const struct mote_login *login = &setup->login;
    const char *secret = login->token != NULL ? login->token : login->password;

    if (login->user == NULL || secret == NULL) {
        return login->user == secret;
    }
    if (login->token != NULL && (login->password != NULL || !plain_user(login->user))) {
        return false;
    }
    return !setup->opportunistic && no_control(login->user) && no_control(secret);
}

/* An address of the envelope; UTF-8 in it is a need of the mail. */
static bool address_good(struct mote_mail *mail, const char *address)
{
    if (address == NULL) {
        return false;
    }
    if (!ascii(address)) {
        mail->needs |= MOTE_NEEDS_SMTPUTF8;
    }
    return mote_address_valid(address);
}

/* Marks the recipients without a final verdict, to whom nothing was replied yet. */
static uint8_t envelope_cause(struct mote_mail *mail)
{
    struct mote_rcpt *rcpt = mail->rcpts;
    unsigned asked = 0, good = 0;

    mote_no_reply(mail->reply_text, mail->reply_text_cap);
    if (rcpt == NULL) {
        mail->rcpt_count = 0;
        return MOTE_CAUSE_ADDRESS;
    }
    mail->needs &= (uint8_t)~MOTE_NEEDS_SMTPUTF8;
    for (unsigned n = mail->rcpt_count; n != 0; n--, rcpt++) {
        rcpt->in_transaction =
            rcpt->result.verdict != MOTE_DELIVERED && rcpt->result.verdict != MOTE_FAILED && !rcpt->excluded;
        if (rcpt->in_transaction) {
            memset(&rcpt->result, 0, sizeof rcpt->result);
            mote_no_reply(rcpt->reply_text, rcpt->reply_text_cap);
            asked++;
            good += address_good(mail, rcpt->address);
        }
    }
    if (asked == 0) {
        return MOTE_CAUSE_NOBODY;
    }
    if (mail->rcpt_count >
        UINT16_MAX - 2) { /* the engine counts replies in 16 bits: to MAIL, to each RCPT, to the mail */
        return MOTE_CAUSE_TOO_MANY;
    }
    if (asked != good || mail->from == NULL || (*mail->from != 0 && !address_good(mail, mail->from))) {
        return MOTE_CAUSE_ADDRESS;
    }
    return MOTE_CAUSE_NONE;
}

uint8_t mote_check(const struct mote_engine_setup *setup, struct mote_mail *mail)
{
    uint8_t cause = envelope_cause(mail);

    if (mail->read == NULL ||
        (mail->needs & MOTE_UNSENDABLE) != 0) { /* for a caller who did not look at what measuring said */
        cause = MOTE_CAUSE_TEXT;
    }
    if (!login_good(setup)) {
        cause = MOTE_CAUSE_LOGIN;
    }
    if (setup->helo == NULL || !mote_helo_valid(setup->helo)) {
        cause = MOTE_CAUSE_HELO;
    }
    if (setup->tls > MOTE_TLS_CLEAR || (setup->tls == MOTE_TLS_CLEAR && !setup->opportunistic)) {
        cause = MOTE_CAUSE_TRUST;
    }
    return cause;
}

/* SMTPUTF8 is needed and not offered; false when nobody is left to ask. */
static bool leave_out_utf8(struct mote_engine *e)
{
    struct mote_rcpt *rcpt = e->mail->rcpts;
    bool any = false;

    if (!ascii(e->mail->from)) {
        return false;
    }
    for (unsigned n = e->mail->rcpt_count; n != 0; n--, rcpt++) {
        if (rcpt->in_transaction && !ascii(rcpt->address)) {
            rcpt->result.verdict = MOTE_DEFERRED;
            rcpt->result.cause = MOTE_CAUSE_NO_SMTPUTF8;
            rcpt->result.step = e->awaiting;
            rcpt->result.tls = e->tls;
            rcpt->in_transaction = false;
        }
        any |= rcpt->in_transaction;
    }
    return any;
}

uint8_t mote_check_offers(struct mote_engine *e)
{
    unsigned missing = e->mail->needs & ~OFFERED_NEEDS(e->offers) & ~(unsigned)MOTE_AS_READ;

    if ((missing & MOTE_NEEDS_8BITMIME) != 0) {
        return MOTE_CAUSE_NO_8BITMIME;
    }
    if (e->size_limit != 0 && e->mail->size > e->size_limit) {
        return MOTE_CAUSE_TOO_BIG;
    }
    return missing != 0 && !leave_out_utf8(e) ? MOTE_CAUSE_NO_SMTPUTF8 : MOTE_CAUSE_NONE;
}

uint8_t mote_next_asked(const struct mote_engine *e, uint8_t step, uint16_t *rcpt)
{
    unsigned i = step == MOTE_STEP_MAIL ? 0 : *rcpt + 1u;

    while (i < e->mail->rcpt_count && !e->mail->rcpts[i].in_transaction) {
        i++;
    }
    *rcpt = (uint16_t)i;
    return i < e->mail->rcpt_count ? MOTE_STEP_RCPT : e->bdat ? MOTE_STEP_BDAT : MOTE_STEP_DATA;
}

uint8_t mote_mail_measure(struct mote_mail *mail)
{
    struct mote_text text = {0};
    uint8_t buf[64];
    size_t offset = 0, len;
    bool dots = false;

    if (mail->read == NULL) {
        mail->needs |= MOTE_UNSENDABLE;
        return MOTE_CAUSE_TEXT;
    }
    while ((len = mail->read(mail->ctx, offset, buf, sizeof buf)) != 0 && len <= sizeof buf) {
        uint32_t before = text.size;

        offset += len;
        for (size_t i = 0; i < len; i++) {
            dots = (mote_text_mend(&text, buf[i]) == '.' && text.column == 1) || dots;
        }
        if (offset < len || text.size < before) {
            break; /* more than can be counted, and perhaps without end */
        }
    }
    mail->size = text.size + (text.column != 0 ? 2 : 0);
    mail->needs = text.needs;
    if (mail->size == offset && !dots) {
        mail->needs |= MOTE_AS_READ;
    }
    if (len == MOTE_READ_FAILED) {
        return MOTE_CAUSE_STORAGE;
    }
    if (len != 0) {
        mail->needs |= MOTE_UNSENDABLE;
    }
    return (mail->needs & MOTE_UNSENDABLE) != 0 ? MOTE_CAUSE_TEXT : MOTE_CAUSE_NONE;
}

/* SPDX-License-Identifier: MIT
 *
 * The firmware of every board: an input fired, so post an alert, run until it is delivered, and report. The alert is in
 * the storage before the network is touched: after a reset it goes on where it was.
 */
#include "board.h"
#include "mailmote_message.h"
#include "trust_anchors.h" /* what TRUST= named when this was built */

#include <string.h>

enum { ENVELOPE = 160, NAME = 128, ID_LEN = 16 };

static struct mote_session session;
static uint8_t record_buf[BOARD_RECORD_BUF];
static struct mote_session_setup session_setup = {.buf = record_buf, .buf_len = sizeof record_buf};
static struct mote_relay relay;
static struct mote_relay_state relay_state;
static struct mote_slot slots[BOARD_SLOTS];
static char envelope[ENVELOPE];
static struct mote_outbox_setup setup;
static struct mote_outbox outbox;

/* ---- Words and numbers ------------------------------------------------------------------------------------------- */

static void log_number(uint32_t number)
{
    char digits[11];
    char *at = digits + sizeof digits - 1;

    *at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    board_log(at);
}

static void log_pair(const char *before, const char *after)
{
    board_log(before);
    board_log(after);
    board_log("\n");
}

static _Noreturn void refuse(int status, const char *what)
{
    log_pair("refused: ", what);
    board_exit(status);
}

/* Where c stands last, or NULL; less code than strrchr. */
static const char *last(const char *text, char c)
{
    const char *found = NULL;

    for (; *text != 0; text++) {
        if (*text == c) {
            found = text;
        }
    }
    return found;
}

/* ---- Configuration ----------------------------------------------------------------------------------------------- */

static uint32_t number(const char *digits)
{
    uint32_t value = 0;

    while (*digits >= '0' && *digits <= '9' && value < 100000) {
        value = value * 10 + (uint32_t)(*digits++ - '0');
    }
    return *digits == 0 ? value : 0;
}

static const char *need(const char *name)
{
    const char *value = board_setting(name);

    if (value == NULL || *value == 0) {
        log_pair("missing: ", name);
        board_exit(BOARD_BAD_CONFIG);
    }
    return value;
}

/* relay=HOST:PORT */
static void set_relay(void)
{
    static char host[NAME];
    const char *value = need("relay"), *colon = last(value, ':');
    size_t len = colon != NULL ? (size_t)(colon - value) : strlen(value);
    uint32_t port = colon != NULL ? number(colon + 1) : 25;

    if (len == 0 || len >= sizeof host || port == 0 || port > UINT16_MAX || last(value, '/') != NULL) {
        refuse(BOARD_BAD_CONFIG, "relay is HOST:PORT");
    }
    memcpy(host, value, len);
    relay.host = host;
    relay.port = (uint16_t)port;
    relay.tls = board_setting("implicit") != NULL ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
    relay.login.user = board_setting("user");
    relay.login.password = board_setting("password");
}

#ifdef BOARD_CLEAR
/* Built for an isolated wire: every mail leaves in clear, to whoever answers. */
static void set_trust(void)
{
    mote_trust_opportunistic(&relay.trust, relay.host);
}
#else
/* name=NAME what the relay's certificate says where that is not its host. */
static void set_trust(void)
{
    const char *name = board_setting("name");

    if (name == NULL) {
        name = relay.host;
    }
#ifdef BOARD_OPPORTUNISTIC
    if (board_setting("opportunistic") != NULL) {
        mote_trust_opportunistic(&relay.trust, name);
        return;
    }
#endif
#ifdef TRUST_ANCHORS_H
#ifdef BOARD_CURVES
    mote_trust_anchors_small(&relay.trust, trust_anchors, TRUST_ANCHORS, name, &BOARD_CURVES);
#else
    mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, name);
#endif
#else
    refuse(BOARD_BAD_CONFIG, "this firmware was built without CAs: make it with TRUST=ca.pem");
#endif
}
#endif

/* ---- The alert --------------------------------------------------------------------------------------------------- */

/* Message-ID: the record's id, at the sender's domain. */
static void write_id(char *to, const uint8_t id[8], const char *from)
{
    static const char hex[] = "0123456789abcdef";
    const char *domain = last(from, '@');

    for (int i = 0; i < 8; i++) {
        *to++ = hex[id[i] >> 4];
        *to++ = hex[id[i] & 15];
    }
    domain = domain != NULL && strlen(domain) < NAME ? domain : "@mailmote.invalid";
    memcpy(to, domain, strlen(domain) + 1);
}

static uint8_t post(void)
{
    static char id_text[ID_LEN + NAME];
    struct mote_rcpt rcpt = {.address = need("to")};
    struct mote_message message = {.from = need("from"), .to = &rcpt.address, .to_count = 1, .id = id_text};
    struct mote_mail mail = {.from = message.from, .rcpts = &rcpt, .rcpt_count = 1};
    uint8_t id[8], cause;

    message.subject = board_setting("subject");
    message.text = board_setting("text");
    message.text = message.text != NULL ? message.text : "The input fired.\n";
    message.text_len = strlen(message.text);
    message.unix_s = board_unix_s();
    mail.read = mote_message_read;
    mail.ctx = &message;
    if (!board_entropy(NULL, id, sizeof id)) {
        return MOTE_CAUSE_NO_ENTROPY;
    }
    write_id(id_text, id, message.from);
    cause = mote_message_check(&message);
    return cause != MOTE_CAUSE_NONE ? cause : mote_outbox_post(&outbox, &mail, id, board_now_ms());
}

/* ---- The outbox -------------------------------------------------------------------------------------------------- */

static void open_outbox(void)
{
    uint32_t random = 0;
    uint16_t lost = 0;
    uint8_t cause = MOTE_CAUSE_STORAGE;

    session_setup.helo = board_setting("helo");
    setup = (struct mote_outbox_setup){.storage = board_storage(), .relays = &relay, .states = &relay_state};
    setup.relay_count = 1;
    setup.slots = slots;
    setup.slot_count = BOARD_SLOTS;
    setup.cell_blocks = BOARD_CELL_BLOCKS;
    setup.envelope = envelope;
    setup.envelope_cap = sizeof envelope;
    setup.session = &session;
    setup.session_setup = &session_setup;
    if (setup.storage != NULL) {
        board_entropy(NULL, &random, sizeof random);
        cause = mote_outbox_open(&outbox, &setup, board_now_ms(), board_now_ms() / 1000, random, &lost);
    }
    if (cause != MOTE_CAUSE_NONE) {
        refuse(BOARD_BAD_CONFIG, mote_cause_name(cause));
    }
    if (board_setting("now") != NULL) {
        mote_outbox_hurry(&outbox);
    }
    if (lost != 0) {
        log_pair("lost: ", "a stored mail cannot be read any more");
    }
}

/* "deferred at STARTTLS: the relay's certificate is for another name" */
static uint8_t report(void)
{
    const struct mote_result *result = &outbox.rcpts[0].result;

    board_log(mote_verdict_name(result->verdict));
    if (result->verdict != MOTE_MISUSE) { /* that was at no step: nothing was said to the relay */
        board_log(" at ");
        board_log(mote_step_name(result->step));
    }
    if (result->code != 0) {
        board_log(", reply ");
        log_number(result->code);
    }
    if ((result->tls & MOTE_TLS_SECURED) != 0) {
        board_log(", in TLS");
    }
    log_pair(": ", mote_cause_name(result->cause));
    if (!outbox.last) {
        board_log("next attempt in ");
        log_number(outbox.slot->record.wait_s);
        board_log(" s\n");
    }
    return result->verdict;
}

/* Until the outbox is empty, attempts=N attempts were reported, or one was misuse: waiting does not mend that. Returns
 * the verdict of the last one. */
static uint8_t run(void)
{
    const char *limit = board_setting("attempts");
    uint32_t left = limit != NULL ? number(limit) : 0;
    uint8_t verdict = MOTE_DELIVERED;

    board_network_start(&outbox);
    while (mote_outbox_wait_s(&outbox) != UINT32_MAX) {
        if (board_network_step() == MOTE_REPORT) {
            verdict = report();
            board_network_reported();
            if (verdict == MOTE_MISUSE || (left != 0 && --left == 0)) {
                break;
            }
        }
    }
    return verdict;
}

/* Static memory is the linker's to tell; this is the rest. */
static void log_stack(void)
{
    board_log("stack ");
    log_number((uint32_t)board_stack_used());
    board_log(" octets, ");
    log_number(board_now_ms());
    board_log(" ms\n");
}

static int status_of(uint8_t verdict)
{
    switch (verdict) {
    case MOTE_DELIVERED: return BOARD_OK;
    case MOTE_FAILED: return BOARD_FAILED;
    case MOTE_MISUSE: return BOARD_BAD_CONFIG;
    default: return BOARD_DEFERRED;
    }
}

/* What is stored already does not suffer for an alert that cannot be. */
int main(void)
{
    uint8_t cause = MOTE_CAUSE_NONE, verdict;

    board_init();
    set_relay();
    set_trust();
    open_outbox();
    if (board_setting("resume") == NULL) {
        cause = post();
        if (cause == MOTE_CAUSE_NONE) {
            board_log("the alert is stored\n");
        } else {
            log_pair("refused: ", mote_cause_name(cause));
        }
    }
    verdict = run();
    log_stack();
    board_exit(cause == MOTE_CAUSE_NONE ? status_of(verdict) : BOARD_BAD_INPUT);
}

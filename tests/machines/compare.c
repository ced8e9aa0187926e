/* SPDX-License-Identifier: MIT
 *
 * Prints what the core makes of many replies, texts, messages, records and attempts. It is compiled twice: for this machine,
 * where the other tests hold the core to its word, and for one whose int and size_t have 16 bits, an AVR. What they print
 * must be the same.
 */
#include "mailmote_message.h"
#include "mailmote_outbox.h"
#include "print.h"
#include "record.h"

#include <string.h>

/* ---- Texts -------------------------------------------------------------------------------------------------------- */

enum { TEXT_CAP = 2100 };

static char text[TEXT_CAP];
static size_t text_len;

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t n = text_len - offset;

    n = n < cap ? n : cap;
    memcpy(buf, text + offset, n);
    return n;
}

/* More line ends than 16 bits count, on the wire. */
enum { MANY_ENDS = 40000 };

static size_t read_line_ends(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t n = MANY_ENDS - offset;

    n = n < cap ? n : cap;
    memset(buf, '\n', n);
    return n;
}

static void draw_text(void)
{
    static const char some[] = "\n\n\r\r\r\n.. \t=?";
    unsigned ends = 1 + pick(300);

    text_len = pick(TEXT_CAP);
    for (size_t i = 0; i < text_len; i++) {
        text[i] = pick(ends) == 0 ? some[pick(sizeof some - 1)] : (char)('!' + pick(94));
    }
}

/* ---- Conversations ------------------------------------------------------------------------------------------------ */

#define OFFERS "250-relay.example.test\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n"
#define GOOD   "250 2.1.0 ok\r\n250 2.1.5 ok\r\n"

/* Replies in the order they are given. AUTH and what is behind it are said inside TLS. */
static const char *const relays[] = {
    "220 relay\r\n250 relay\r\n" GOOD "354 go on\r\n250 2.0.0 taken\r\n221 bye\r\n",
    "220 relay\r\n" OFFERS "250 CHUNKING\r\n" GOOD "250 2.6.0 taken\r\n221 bye\r\n",
    "220-relay\r\n220 ESMTP\r\n" OFFERS "250 HELP\r\n" GOOD "354 go on\r\n452 4.3.1 full\r\n221 bye\r\n",
    "220 relay\r\n" OFFERS "250 HELP\r\n250 ok\r\n550 5.1.1 nobody\r\n554 no recipients\r\n221 bye\r\n",
    "220 relay\r\n" OFFERS "250 STARTTLS\r\n220 go on\r\n" OFFERS "250-CHUNKING\r\n250 AUTH PLAIN LOGIN OAUTHBEARER\r\n"
    "235 2.7.0 in\r\n" GOOD "250 taken\r\n221 bye\r\n",
    "220 relay\r\n" OFFERS "250 STARTTLS\r\n220 go on\r\n" OFFERS "250 AUTH LOGIN XOAUTH2\r\n334 VXNlcm5hbWU6\r\n334 "
    "UGFzc3dvcmQ6\r\n535 5.7.8 no\r\n221 bye\r\n",
    "220 relay\r\n250-relay\r\n250-SIZE 65537\r\n250 PIPELINING\r\n" GOOD "354 go on\r\n250 taken\r\n221 bye\r\n",
    "220 relay\r\n250-relay\r\n250 SIZE 4294967297\r\n" GOOD "354 go on\r\n250 2.65535.65536 taken\r\n221 bye\r\n",
    "220 relay\r\n502 what\r\n250 relay\r\n250 ok\r\n421 4.3.2 leaving\r\n",
    "554 go away\r\n221 bye\r\n",
    "220 relay\r\n250-relay\r\n250 STARTTLS\r\n454 4.7.0 not now\r\n",
};
enum { RELAYS = sizeof relays / sizeof relays[0] };

/* Octets of the next reply, its last line included. */
static size_t reply_len(const char *replies)
{
    const char *line = replies;
    bool last;

    do {
        last = line[3] == ' ';
        line = strchr(line, '\n') + 1;
    } while (!last);
    return (size_t)(line - replies);
}

/* With cap octets at a time; where there are many, their checksum only. */
static void converse(const struct mote_engine_setup *setup, struct mote_mail *mail, const char *replies, size_t cap)
{
    static struct mote_engine engine;
    uint32_t now_ms = UINT32_C(0xffffe000), crc = 0;
    uint8_t want, buf[64];

    mote_engine_init(&engine, setup, mail, now_ms);
    while (((want = mote_engine_poll(&engine, now_ms)) & (MOTE_DONE | MOTE_WANT_SEND)) != MOTE_DONE) {
        if ((want & MOTE_WANT_SEND) != 0) {
            size_t n = mote_engine_pull(&engine, buf, cap);

            crc = mote_crc32(crc, buf, n);
            if (mail->size < 10 * TEXT_CAP) {
                put_octets("", buf, n);
            }
        } else if ((want & MOTE_WANT_COMMIT) != 0) {
            mote_engine_commit(&engine);
        } else if ((want & MOTE_WANT_TLS) != 0) {
            mote_engine_secured(&engine);
        } else if (*replies == 0) {
            mote_engine_fail(&engine, MOTE_CAUSE_LOST);
        } else {
            now_ms += 700;
            put_number(" wait ", mote_engine_wait_ms(&engine));
            put_line_end();
            mote_engine_feed(&engine, replies, reply_len(replies));
            replies += reply_len(replies);
        }
    }
    put_number(" crc ", crc);
    put_result(" result ", mote_engine_result(&engine));
    put_result("rcpt ", &mail->rcpts[0].result);
}

static struct mote_mail new_mail(struct mote_rcpt *rcpt, size_t (*read)(void *, size_t, void *, size_t), void *ctx)
{
    struct mote_mail mail = {.from = "mote@example.org", .rcpts = rcpt, .rcpt_count = 1, .read = read, .ctx = ctx};

    *rcpt = (struct mote_rcpt){.address = "ops@example.test"};
    return mail;
}

static void conversations(void)
{
    static const struct mote_login logins[] = {
        {NULL, NULL, NULL}, {"user@example.org", "a longer secret than 16 octets", NULL}, {"user", NULL, "ya29.token"}};
    static const size_t caps[] = {1, 3, 64};

    for (unsigned n = 0; n < 6 * RELAYS; n++) {
        struct mote_rcpt rcpt;
        struct mote_mail mail = new_mail(&rcpt, n % 19 == 18 ? read_line_ends : read_text, NULL);
        struct mote_engine_setup setup = {.helo = "mote.example.org", .hold = n % 2 != 0};

        setup.login = logins[n % RELAYS == 4 ? 1 + n / RELAYS % 2 : n % RELAYS == 5];
        setup.opportunistic = setup.login.user == NULL;
        draw_text();
        put_number("conversation ", n);
        put_number(" measured ", mote_mail_measure(&mail));
        put_number(" size ", mail.size);
        put_line_end();
        converse(&setup, &mail, relays[n % RELAYS], caps[pick(3)]);
    }
}

/* ---- Messages ----------------------------------------------------------------------------------------------------- */

static void messages(void)
{
    static const char *const to[] = {"ops@example.test", "j\xc3\xb6rg@example.test"};
    static const char *const subjects[] = {NULL, "Boiler at 92 degrees",
                                           "Kessel \303\274berhitzt: 92 \302\260C, seit 3 Uhr"};
    static const uint32_t dates[] = {0, 1, 951868799, 1709164800, 2147483648u, 4102444800u, 4294967295u};

    for (unsigned n = 0; n < 42; n++) {
        struct mote_message message = {
            .from = "mote@example.org", .to = to, .to_count = (uint16_t)(n % 3), .id = "1@example.org"};
        struct mote_rcpt rcpt;
        struct mote_mail mail = new_mail(&rcpt, mote_message_read, &message);
        uint8_t buf[50];
        size_t offset = 0, len;

        draw_text();
        text_len %= 300;
        message.subject = subjects[n / 2 % 3];
        message.text = text;
        message.text_len = text_len;
        message.unix_s = n == 41 ? UINT64_C(1) << 32 : dates[n % 7];
        put_number("message ", mote_mail_measure(&mail));
        put_number(" size ", mail.size);
        put_line_end();
        while ((len = mote_message_read(&message, offset, buf, 1 + pick(sizeof buf))) != 0) {
            put_octets("", buf, len);
            offset += len;
        }
        put_line_end();
    }
}

/* ---- Policy and records -------------------------------------------------------------------------------------------- */

static void records(void)
{
    for (unsigned n = 0; n < 60; n++) {
        struct mote_record record = {.age_s = draw() >> n % 24,
                                     .tls_since_s = draw() >> n % 20,
                                     .wait_s = draw() >> n % 16},
                           copy;
        struct mote_relay_state state = {.failures = (uint8_t)(n % 9), .tls = (uint8_t)(n % 3)};
        uint8_t octets[MOTE_RECORD_LEN];

        record.attempts = (uint16_t)draw();
        record.code = (uint16_t)(200 + pick(400));
        record.cause = (uint8_t)pick(70);
        record.tls_failed = n % 3 == 0;
        record.begun = n % 5 == 0;
        record.sent = n % 10 == 0;
        record.plain = n % 7 == 0;
        record.rcpt_count = (uint8_t)(1 + n % 32);
        record.rcpts_delivered = draw() & ((UINT32_C(1) << (n % 32)) - 1);
        record.rcpts_failed = draw() & ~record.rcpts_delivered & ((UINT32_C(1) << (n % 32)) - 1);
        put_number("wait ", mote_policy_wait_s(&record, n % 4 == 0, n % 11 == 0, draw()));
        put_number(" relay ", mote_policy_relay_wait_s(&state));
        put_number(" up ", mote_policy_relay_up(&state, draw() >> n % 24));
        put_number(" armed ", mote_policy_armed(record.tls_failed, record.tls_since_s));
        put_number(" expired ", mote_policy_expired(record.age_s));
        put_line_end();
        mote_record_age(&record, draw() >> n % 24);
        mote_record_write(&record, octets);
        put_octets("record ", octets, sizeof octets);
        put_number(" read ", mote_record_read(&copy, octets));
        put_number(" resumed ", mote_record_resume(&copy, draw()));
        put_number(" age ", copy.age_s);
        put_number(" wait ", copy.wait_s);
        put_number(" before ", mote_record_before(&copy, &record));
        put_line_end();
    }
}

/* What became of each recipient, of as many as a record has room for. */
static void verdicts(void)
{
    static const uint8_t some[] = {MOTE_DELIVERED, MOTE_FAILED, MOTE_DEFERRED, MOTE_PENDING};
    static struct mote_rcpt rcpts[MOTE_RECORD_RCPTS];

    for (unsigned n = 1; n <= MOTE_RECORD_RCPTS; n++) {
        struct mote_mail mail = {.rcpts = rcpts, .rcpt_count = (uint16_t)n};
        struct mote_record record = {.rcpt_count = (uint8_t)n};

        for (unsigned i = 0; i < n; i++) {
            rcpts[i].result.verdict = some[pick(n % 2 == 0 ? 2 : 4)];
        }
        mote_record_verdicts(&record, &mail);
        put_number("delivered ", record.rcpts_delivered);
        put_number(" failed ", record.rcpts_failed);
        put_number(" settled ", mote_record_settled(&record));
        put_line_end();
    }
}

/* ---- An outbox ------------------------------------------------------------------------------------------------------ */

enum { BLOCK = 512, BLOCKS = 6, PAGE = 8 };

static uint8_t flash[BLOCK * BLOCKS];

static bool flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    memcpy(buf, flash + at, len);
    return true;
}

static bool flash_program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    memcpy(flash + at, octets, len);
    return true;
}

static bool flash_erase(void *ctx, uint32_t block)
{
    memset(flash + block * BLOCK, 0xff, BLOCK);
    return true;
}

static const struct mote_storage storage = {.read = flash_read,
                                            .program = flash_program,
                                            .erase = flash_erase,
                                            .block_size = BLOCK,
                                            .block_count = BLOCKS,
                                            .program_size = PAGE};
static struct mote_session session;
static uint8_t session_buf[MOTE_SESSION_BUF_MIN];
static struct mote_session_setup session_setup = {
    .helo = "mote.example.org", .buf = session_buf, .buf_len = sizeof session_buf, .entropy = text};
static struct mote_relay relay = {.host = "relay.example.test"};
static struct mote_relay_state relay_state;
static struct mote_slot slots[2];
static char envelope[100];
static const struct mote_outbox_setup outbox_setup = {.storage = &storage,
                                                      .relays = &relay,
                                                      .states = &relay_state,
                                                      .relay_count = 1,
                                                      .slot_count = 2,
                                                      .slots = slots,
                                                      .cell_blocks = 2,
                                                      .envelope = envelope,
                                                      .envelope_cap = sizeof envelope,
                                                      .session = &session,
                                                      .session_setup = &session_setup};
static struct mote_outbox outbox;
static uint32_t now_ms;

/* The session's octets, until it is done. */
static void talk(const char *replies)
{
    uint8_t want;

    while (((want = mote_session_poll(&session, now_ms += 20)) & (MOTE_DONE | MOTE_WANT_SEND)) != MOTE_DONE) {
        size_t len, room;
        const void *out = mote_session_send_buf(&session, &len);
        void *in = mote_session_recv_buf(&session, &room);

        if (out != NULL) {
            put_octets("", out, len);
            mote_session_send_ack(&session, len);
        } else if ((want & MOTE_WANT_COMMIT) != 0) {
            mote_outbox_commit(&outbox);
        } else if (*replies == 0 || in == NULL) {
            mote_session_fail(&session, MOTE_CAUSE_LOST);
        } else {
            len = reply_len(replies);
            memcpy(in, replies, len < room ? len : room);
            mote_session_recv_ack(&session, len < room ? len : room);
            replies += len;
        }
    }
}

/* Until nothing is left; every reboot-th attempt is followed by a reset. */
static void attempts(unsigned reboot)
{
    for (unsigned n = 1; n < 40 && mote_outbox_wait_s(&outbox) != UINT32_MAX; n++) {
        uint32_t wait_s = mote_outbox_wait_s(&outbox);
        uint8_t step;
        uint16_t lost = 0;

        now_ms += wait_s * 1000;
        do {
            step = mote_outbox_poll(&outbox, now_ms, draw());
        } while (step == MOTE_IDLE && outbox.tidying);
        put_number("after ", wait_s);
        put_number(" step ", step);
        put_line_end();
        if (step == MOTE_CONNECT && pick(3) == 0) {
            mote_delivery_unreachable(&outbox.delivery, MOTE_CAUSE_CONNECT);
        } else if (step == MOTE_CONNECT) {
            session_setup.start_ms = now_ms;
            mote_delivery_connected(&outbox.delivery);
            talk(relays[pick(RELAYS)]);
        } else if (step == MOTE_REPORT) {
            put_number("last ", outbox.last);
            put_number(" attempts ", outbox.slot->record.attempts);
            put_number(" age ", outbox.slot->record.age_s);
            put_result(" ", &outbox.mail.rcpts[0].result);
            mote_outbox_reported(&outbox);
        }
        if (n % reboot == 0) {
            mote_outbox_open(&outbox, &outbox_setup, now_ms, 5, draw(), &lost);
            put_number("lost ", lost);
            put_line_end();
        }
    }
    put_number("flash ", mote_crc32(0, flash, sizeof flash));
    put_line_end();
}

static void mails_in_flash(void)
{
    uint16_t lost = 0;

    mote_trust_opportunistic(&relay.trust, NULL);
    for (unsigned n = 0; n < 12; n++) {
        struct mote_rcpt rcpt;
        struct mote_mail mail = new_mail(&rcpt, read_text, NULL);
        uint8_t id[8] = {(uint8_t)n, 1};

        memset(flash, 0xff, sizeof flash);
        memset(&relay_state, 0, sizeof relay_state);
        put_number("opened ", mote_outbox_open(&outbox, &outbox_setup, now_ms, 0, draw(), &lost));
        for (; id[1] < 4; id[1]++) {
            draw_text();
            text_len %= 700;
            put_number(" posted ", mote_outbox_post(&outbox, &mail, id, now_ms));
        }
        put_line_end();
        attempts(1 + n * 3);
    }
}

int main(void)
{
    put_start();
    conversations();
    messages();
    records();
    verdicts();
    mails_in_flash();
    put_end();
    return 0;
}

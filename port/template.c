/* SPDX-License-Identifier: MIT
 *
 * A port to be filled in. It compiles and links as it is, and reaches nobody. The first part are the duties: functions
 * that do nothing yet, each with what it must do and what goes wrong when it does not. The second part is the pump; it
 * stays as it is for a network that is asked. For one that calls back, the same calls are made from its callbacks: see
 * port/lwip. port/README.md names the test that checks each duty.
 */
#include "mailmote_outbox.h"

/* ==== Duties: fill in ============================================================================================= */

/* ---- Board ------------------------------------------------------------------------------------------------------- */

/* Milliseconds that nothing moves but time; may wrap. If it stands still, a silent relay holds the device for ever; if
 * setting the clock moves it, good conversations time out. */
static uint32_t now_ms(void)
{
    return 0;
}

/* Seconds since 1970 UTC; 0 = unknown: a relay known by its chain is then refused. A guess is worse: it makes an
 * expired certificate good. */
static uint64_t unix_s(void)
{
    return 0;
}

/* Octets from a true random source, fresh ones each time. False = there is none: TLS is refused. Octets that can be
 * guessed, or are the same after each reset, give every session's keys away, and nothing tells. */
static bool draw_random(void *octets, size_t len)
{
    (void)octets, (void)len;
    return false;
}

/* Sleeps until octets came (if hear), can be written (if say), a connection stands or failed, an input fired, or so
 * many milliseconds have passed. Too short a sleep costs power only; one that octets do not end costs up to minutes a
 * flight; one that the time does not end leaves the device asleep with a relay that is silent. */
static void sleep_ms(uint32_t ms, bool hear, bool say)
{
    (void)ms, (void)hear, (void)say;
}

/* ---- Connection: none of these waits ----------------------------------------------------------------------------- */

enum dial { DIALLING, STANDS, UNREACHABLE };

/* Begins to look the host up (a name or an address; perhaps NULL) and to connect. Anything left of an earlier attempt
 * is given up first, else each failure costs one more connection until there are none. */
static void dial_begin(const char *host, uint16_t port)
{
    (void)host, (void)port;
}

/* How it stands. All addresses are tried before it is UNREACHABLE. Whatever may come back (memory, a link, a route) is
 * tried again, as DIALLING: an error that is final too early defers the mail for minutes. While DIALLING, and with
 * UNREACHABLE, *cause is why: MOTE_CAUSE_LOOKUP, MOTE_CAUSE_CONNECT, or our own trouble, which is no failure of the relay
 * and is over soon: MOTE_CAUSE_NO_NETWORK, MOTE_CAUSE_NO_MEMORY. It is what the user is told. */
static enum dial dial_poll(uint8_t *cause)
{
    *cause = MOTE_CAUSE_LOOKUP;
    return UNREACHABLE;
}

/* What EHLO says, in place until the attempt has ended: the device's full name, or the address literal of the standing
 * connection, "[192.0.2.1]" or "[IPv6:2001:db8::1]". Anything else ("localhost") is refused as MOTE_MISUSE; another
 * device's name makes relays take the mail for spam. */
static const char *own_name(void)
{
    return "[192.0.2.1]";
}

/* Octets taken for the relay: less than len when there is no more room, 0 when none. Say only what was taken: the rest
 * is offered again, and would be sent twice or never. *broken: this and all later writing fails. */
static size_t wire_write(const void *octets, size_t len, bool *broken)
{
    (void)octets, (void)len, (void)broken;
    return 0;
}

/* No more is to be said now: sends what was taken. Sent any earlier, a flight of commands becomes many packets; kept
 * any longer (Nagle), each flight costs 200 ms. */
static void wire_flush(void)
{
}

/* Octets that came, at most len; 0 = none now. *closed: the connection was closed or reset, and all that had come was
 * read before. If it is said too early, the verdict that came with the end is lost, and the mail is sent again. */
static size_t wire_read(void *room, size_t len, bool *closed)
{
    (void)room, (void)len, (void)closed;
    return 0;
}

/* Gives the connection, or the attempt at one, back, without waiting: what was written still leaves. Not all of it
 * given back: a device that works for a week and then does not. */
static void hang_up(void)
{
}

/* Seconds before now_ms() began to count for the outbox: off, asleep, or booting; 0 = unknown. A device that wakes for
 * seconds and says 0 each time never tries a mail again whose wait is longer than that. */
static uint32_t off_s(void)
{
    return 0;
}

/* ---- Storage: see struct mote_storage ---------------------------------------------------------------------------- */

/* False on failure, and only true when it is done: after true, a power cut changes nothing of it. Else a mail is lost,
 * or sent twice, by a power cut at the wrong moment. flash_program() gets UNIT octets at a multiple of UNIT, once between two
 * erases. */
static bool flash_read(void *ctx, uint32_t at, void *octets, size_t len)
{
    (void)ctx, (void)at, (void)octets, (void)len;
    return false;
}

static bool flash_program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    (void)ctx, (void)at, (void)octets, (void)len;
    return false;
}

static bool flash_erase(void *ctx, uint32_t block)
{
    (void)ctx, (void)block;
    return false;
}

/* ---- Application ------------------------------------------------------------------------------------------------- */

/* Something happened? mote_outbox_post(). Called each time around. */
static void post_alerts(struct mote_outbox *to)
{
    (void)to;
}

/* An attempt has ended: from->mail has each recipient's verdict, from->last says whether it was the last one. */
static void report(const struct mote_outbox *from)
{
    (void)from;
}

/* ==== The pump: stays as it is ==================================================================================== */

enum { ENTROPY = 32, HEAR_MAX = 16, WAIT_MAX_S = 3600, MAILS = 4, BLOCK = 1024, UNIT = 8 };

static struct mote_outbox outbox;
static struct mote_session session;
static uint8_t records[MOTE_SESSION_BUF_FULL];
static struct mote_session_setup session_setup = {.buf = records, .buf_len = sizeof records};

static uint8_t drawn[ENTROPY + sizeof(uint32_t)]; /* for the session; to spread the next attempt */
static uint32_t dialled_ms;
static bool begun;    /* the attempt: its time limit counts from its first relay on */
static bool dialling; /* the relay at hand */
static bool talked;   /* the session holds secrets */

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

/* Milliseconds left for it; 0 when the time is over. */
static uint32_t dial_time_left(void)
{
    uint32_t spent = now_ms() - dialled_ms;

    return spent < MOTE_CONNECT_S * 1000u ? MOTE_CONNECT_S * 1000u - spent : 0;
}

static bool attempt_over(void)
{
    return now_ms() - session_setup.start_ms >= MOTE_ATTEMPT_S * 1000u;
}

static void start_dialling(void)
{
    dialling = true;
    dialled_ms = now_ms();
    if (!begun) {
        begun = true;
        session_setup.start_ms = dialled_ms;
    }
    dial_begin(outbox.delivery.relay->host, mote_relay_port(outbox.delivery.relay));
}

static void reach(void)
{
    uint8_t cause;
    enum dial dial;

    if (!dialling) {
        start_dialling();
    }
    dial = dial_poll(&cause);
    if (dial != STANDS && attempt_over()) {
        dial = UNREACHABLE;
        cause = MOTE_CAUSE_DEADLINE; /* no failure of a relay that perhaps was never dialled */
    }
    if (dial == STANDS) {
        session_setup.entropy = draw_random(drawn, sizeof drawn) ? drawn : NULL;
        session_setup.unix_s = unix_s();
        session_setup.helo = own_name();
        dialling = false;
        mote_delivery_connected(&outbox.delivery);
    } else if (dial == UNREACHABLE || dial_time_left() == 0) {
        hang_up();
        dialling = false;
        mote_delivery_unreachable(&outbox.delivery, cause);
    } else {
        sleep_ms(dial_time_left(), false, false);
    }
}

/* ---- Talking ----------------------------------------------------------------------------------------------------- */

static bool more_to_say(void)
{
    size_t len;

    return mote_session_send_buf(&session, &len) != NULL;
}

static bool room_to_hear(void)
{
    size_t len;

    return mote_session_recv_buf(&session, &len) != NULL;
}

/* One try to read. False when nothing came. */
static bool hear(void)
{
    bool closed = false;
    size_t room, len;
    void *buf = mote_session_recv_buf(&session, &room);

    if (buf == NULL) {
        return false;
    }
    len = wire_read(buf, room, &closed);
    if (len != 0) {
        mote_session_recv_ack(&session, len);
    } else if (closed) {
        mote_session_fail(&session, MOTE_CAUSE_LOST);
    }
    return len != 0 || closed;
}

/* All that came, within reason: time limits are found between two calls. */
static bool hear_all(void)
{
    int heard = 0;

    while (heard < HEAR_MAX && hear()) {
        heard++;
    }
    return heard > 0;
}

/* The relay takes no more. What it said before may be the verdict; what cannot leave is dropped where its room is
 * needed to hear that. */
static void hear_last_words(void)
{
    size_t len;

    do {
        if (!room_to_hear() && mote_session_send_buf(&session, &len) != NULL) {
            mote_session_send_ack(&session, len);
        }
    } while (hear() && (mote_session_poll(&session, now_ms()) & MOTE_DONE) == 0);
    mote_session_fail(&session, MOTE_CAUSE_LOST);
}

/* One try to write. False when nothing could be. */
static bool say(void)
{
    bool broken = false;
    size_t len, put;
    const void *buf = mote_session_send_buf(&session, &len);

    if (buf == NULL) {
        return false;
    }
    put = wire_write(buf, len, &broken);
    if (put != 0) {
        mote_session_send_ack(&session, put);
    } else if (broken) {
        hear_last_words();
    }
    return put != 0 || broken;
}

/* The verdict is known: QUIT and close_notify are worth one try. */
static void leave(void)
{
    bool broken = false;
    size_t len, put = 1;
    const void *buf;

    while (put != 0 && (buf = mote_session_send_buf(&session, &len)) != NULL) {
        put = wire_write(buf, len, &broken);
        mote_session_send_ack(&session, put);
    }
    wire_flush();
    hang_up();
    talked = true;
}

/* Until nothing moves; then sleeps. */
static void talk(void)
{
    bool moved;

    do {
        uint8_t want = mote_session_poll(&session, now_ms());

        if ((want & MOTE_DONE) != 0) {
            leave();
            return;
        }
        if ((want & MOTE_WANT_MAIL) != 0) { /* the next mail, if there is one, goes over this connection */
            return;
        }
        if ((want & MOTE_WANT_COMMIT) != 0) {
            mote_outbox_commit(&outbox);
            moved = true;
            continue;
        }
        moved = say();
        if (!moved || !more_to_say()) {
            moved |= hear_all();
        }
    } while (moved);
    wire_flush();
    sleep_ms(mote_session_wait_ms(&session), room_to_hear(), more_to_say());
}

/* The verdict was read: nothing of the session is kept. */
static void forget(void)
{
    volatile uint8_t *at = drawn;

    for (size_t i = 0; talked && i < ENTROPY; i++) {
        at[i] = 0;
    }
    if (talked) {
        mote_session_wipe(&session);
    }
    talked = false;
}

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

static uint8_t next_step(void)
{
    uint32_t spread = 0;
    uint8_t step;

    for (size_t i = ENTROPY; i < sizeof drawn; i++) {
        spread = spread << 8 | drawn[i];
    }
    step = mote_outbox_poll(&outbox, now_ms(), spread);
    forget();
    return step;
}

/* Longest wait in one go: the outbox must see each turn of the millisecond counter. */
static void rest(void)
{
    uint32_t wait_s = mote_outbox_wait_s(&outbox);

    sleep_ms((wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S) * 1000u, false, false);
}

static void run(void)
{
    for (;;) {
        uint8_t step;

        post_alerts(&outbox);
        step = next_step();
        if (step == MOTE_CONNECT) {
            reach();
        } else if (step == MOTE_TALK) {
            talk();
        } else if (step == MOTE_REPORT) {
            begun = false;
            report(&outbox);
            mote_outbox_reported(&outbox);
        } else if (!outbox.tidying) {
            rest();
        }
    }
}

int main(void)
{
    static const struct mote_storage storage = {.read = flash_read,
                                                .program = flash_program,
                                                .erase = flash_erase,
                                                .block_size = BLOCK,
                                                .block_count = 2 + 2 * MAILS,
                                                .program_size = UNIT};
    static struct mote_relay relay = {.host = "mail.example.com"};
    static struct mote_relay_state state;
    static struct mote_slot slots[MAILS];
    static char envelope[512];
    static const struct mote_outbox_setup setup = {.storage = &storage,
                                                   .relays = &relay,
                                                   .states = &state,
                                                   .relay_count = 1,
                                                   .slots = slots,
                                                   .slot_count = MAILS,
                                                   .cell_blocks = 2,
                                                   .envelope = envelope,
                                                   .envelope_cap = sizeof envelope,
                                                   .session = &session,
                                                   .session_setup = &session_setup};
    uint32_t random = 0;
    uint16_t lost;

    draw_random(&random, sizeof random);
    mote_trust_opportunistic(&relay.trust, relay.host); /* better: mote_trust_anchors(), mote_trust_pin() */
    if (mote_outbox_open(&outbox, &setup, now_ms(), off_s(), random, &lost) != MOTE_CAUSE_NONE) {
        return 1;
    }
    run();
}

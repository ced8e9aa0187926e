/* SPDX-License-Identifier: MIT
 *
 * The modem at the other end of the UART: it answers in words (ITU-T V.250), as an analogue one does, or one on a
 * mobile network. ATD dials, and from CONNECT on it carries octets until NO CARRIER. Nothing else happens meanwhile on this
 * board, so dialling and hanging up wait for its answer.
 */
#include "modem.h"

#include "uart.h"

enum {
    GUARD_MS = 1500, /* silence before and behind "+++": more than the second of S12 = 50 */
    ANSWER_MS = 3000,
    QUIET_MS = 500, /* nothing of the relay's is on its way any more */
    WORD_MS = 200   /* between two octets of its words */
};

static bool up;   /* it carries octets, as far as is known */
static bool open; /* it may still: a relay can say NO CARRIER, too */

static const char gone[] = "\r\nNO CARRIER\r\n";

/* What may be this is kept back until it is something else, or nothing has come for WORD_MS: its first end of line would be that of a
 * reply that was cut short. */
static struct {
    uint32_t heard_ms;
    uint8_t matched, given; /* octets of it that have come; that were given all the same */
    bool behind;            /* one has come that is none of it */
    uint8_t next;
} kept;

/* How much of a word has come with this octet, when so much of it had before. */
static uint8_t match(const char *word, uint8_t had, uint8_t octet)
{
    return octet == (uint8_t)word[had] ? (uint8_t)(had + 1) : octet == (uint8_t)*word;
}

static void forget_word(void)
{
    kept.matched = kept.given = 0;
    kept.behind = false;
}

static bool come(void)
{
    if (!kept.behind && uart_get(&kept.next)) {
        kept.behind = true;
        kept.heard_ms = board_now_ms();
    }
    return kept.behind;
}

static void read_word(void)
{
    while (come() && kept.next == (uint8_t)gone[kept.matched]) {
        kept.behind = false;
        kept.matched++;
        if (gone[kept.matched] == 0) {
            forget_word();
            up = false;
            return;
        }
    }
}

/* An octet from the relay or the modem; false = none. */
bool modem_get(uint8_t *octet)
{
    read_word();
    if (kept.given < kept.matched) {
        if (!kept.behind && board_now_ms() - kept.heard_ms < WORD_MS) {
            return false;
        }
        *octet = (uint8_t)gone[kept.given++];
        return true;
    }
    if (!kept.behind) {
        return false;
    }
    kept.matched = kept.given = 0;
    if (kept.next == (uint8_t)gone[0]) { /* it begins once more */
        return false;
    }
    kept.behind = false;
    *octet = kept.next;
    return true;
}

/* False: the modem takes nothing. */
static bool tell(const char *text)
{
    while (*text != 0 && uart_put((uint8_t)*text)) {
        text++;
    }
    return *text == 0;
}

static bool tell_number(unsigned number)
{
    unsigned unit = 1;

    while (number / unit >= 10) {
        unit *= 10;
    }
    while (unit != 0 && uart_put((uint8_t)('0' + number / unit % 10))) {
        unit /= 10;
    }
    return unit == 0;
}

/* Passes over what comes, until a line that begins with this word is complete, the modem says NO CARRIER, or the time is
 * over. */
static bool answered(const char *word, uint32_t limit_ms)
{
    uint32_t since = board_now_ms();
    uint8_t had = 0, octet;

    while (up && board_now_ms() - since < limit_ms) {
        if (!modem_get(&octet)) {
            continue;
        }
        if (word[had] != 0) {
            had = match(word, had, octet);
        } else if (octet == '\n') {
            return true;
        }
    }
    return false;
}

/* Passes over what comes until nothing has come for so long; false = it does not end within the limit. */
static bool quiet(uint32_t quiet_ms, uint32_t limit_ms)
{
    uint32_t since = board_now_ms(), heard = since, now = since;
    uint8_t octet;

    while (now - heard < quiet_ms && now - since < limit_ms) {
        now = board_now_ms();
        if (uart_get(&octet)) {
            heard = now;
        }
    }
    return now - heard >= quiet_ms;
}

/* Until the modem is through with "+++", any word may be the relay's: the silence makes it listen, not its OK. */
void modem_hang_up(void)
{
    if (!open) {
        return;
    }
    up = false;
    quiet(GUARD_MS, GUARD_MS);
    if (!tell("+++")) {
        return;
    }
    quiet(GUARD_MS, GUARD_MS);
    up = true;
    forget_word();
    open = !(tell("\rATH\r") && (answered("\r\nOK", ANSWER_MS) || !up) && quiet(QUIET_MS, ANSWER_MS));
    up = false;
}

bool modem_up(void)
{
    return up;
}

bool modem_dial(const char *host, uint16_t port, uint32_t limit_ms)
{
    bool connected;

    modem_hang_up();
    if (open) {
        return false;
    }
    up = true;
    forget_word();
    /* what was said to a relay that had left already is no part of it: a new line */
    connected = tell("\rATD") && tell(host) && tell(":") && tell_number(port) && tell("\r") &&
                answered("\r\nCONNECT", limit_ms);
    open = up;
    return connected;
}

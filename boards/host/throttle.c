/* SPDX-License-Identifier: MIT
 *
 * Which relays are left alone (POLICY P12), kept in the spool's file `relays` so that the next run knows. It is a
 * help, not a promise: a file that is lost, damaged or of another boot is no file, and every relay is asked.
 *
 *     mailmote-relays 2 BOOT-ID
 *     FAILURES TLS MS tls|starttls PORT HOST LOGIN      a line per relay: those of the last run, and 64 of runs before
 *
 * FAILURES and TLS are the relay's state, MS is when it failed last, in milliseconds since the boot; with 0 and 0 it is
 * when it took a mail after it had failed, or until when it wants a pause. LOGIN tells user and secret from others, and what the relay is
 * verified with: 32 bits of a SHA-256, too few to find a secret with; "-" is neither.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "octets.h"
#include "throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NAME SPOOL_RELAYS

enum { DAY_MS = 86400000, TITLE_LEN = 64, LOGIN_LEN = 9, LINE_CAP = 400, OTHERS_MAX = 64 };
enum { FILE_CAP = TITLE_LEN + (MOTE_RELAYS_MAX + OTHERS_MAX) * LINE_CAP };

struct line {
    uint64_t failures, tls_failures, since_ms, port;
    char tls[16], host[256], login[LOGIN_LEN];
};

static size_t write_title(char title[TITLE_LEN], const struct uptime *now)
{
    int len = snprintf(title, TITLE_LEN, "mailmote-relays 2 ");

    for (unsigned i = 0; i < sizeof now->boot; i++) {
        len += snprintf(title + len, TITLE_LEN - (size_t)len, "%02x", (unsigned)now->boot[i]);
    }
    return (size_t)(len + snprintf(title + len, TITLE_LEN - (size_t)len, "\n"));
}

static const char *kind(const struct mote_relay *relay)
{
    return relay->tls == MOTE_TLS_IMPLICIT ? "tls" : "starttls";
}

static void hash_text(br_sha256_context *hash, const char *text)
{
    if (text != NULL) {
        br_sha256_update(hash, text, strlen(text) + 1);
    }
}

/* The anchors themselves: a file may have been put right. */
static void hash_anchor(br_sha256_context *hash, const br_x509_trust_anchor *anchor)
{
    const br_x509_pkey *key = &anchor->pkey;
    bool rsa = key->key_type == BR_KEYTYPE_RSA;

    br_sha256_update(hash, anchor->dn.data, anchor->dn.len);
    br_sha256_update(hash, rsa ? key->key.rsa.n : key->key.ec.q, rsa ? key->key.rsa.nlen : key->key.ec.qlen);
}

static void write_login(char text[LOGIN_LEN], const struct mote_relay *relay)
{
    const struct mote_login *login = &relay->login;
    const struct mote_trust *trust = &relay->trust;
    unsigned char digest[br_sha256_SIZE];
    br_sha256_context hash;

    if (login->user == NULL && trust->opportunistic) {
        strcpy(text, "-");
        return;
    }
    br_sha256_init(&hash);
    hash_text(&hash, login->user);
    hash_text(&hash, login->password);
    hash_text(&hash, login->token);
    hash_text(&hash, trust->name);
    br_sha256_update(&hash, trust->pin, sizeof trust->pin);
    br_sha256_update(&hash, trust->pins, trust->pin_count * sizeof *trust->pins);
    for (size_t i = 0; i < trust->anchor_count; i++) {
        hash_anchor(&hash, &trust->anchors[i]);
    }
    br_sha256_out(&hash, digest);
    snprintf(text, LOGIN_LEN, "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* MOTE_OURS_S, of which the policy knows. */
static uint32_t pause_s(void)
{
    const struct mote_record record = {.attempts = 2, .ours = 1};

    return mote_policy_wait_s(&record, false, false, 0);
}

/* The word that *text begins with; *text is then behind it. False: there is none, or it has no room. */
static bool take_word(const char **text, char *word, size_t cap)
{
    size_t len = strcspn(*text, " \n");

    if (len == 0 || len >= cap) {
        return false;
    }
    memcpy(word, *text, len);
    word[len] = 0;
    *text += len + ((*text)[len] != 0);
    return true;
}

static bool take_number(const char **text, uint64_t max, uint64_t *number)
{
    char word[24], *end;

    if (!take_word(text, word, sizeof word) || *word < '0' || *word > '9') {
        return false;
    }
    *number = strtoull(word, &end, 10);
    return *end == 0 && *number <= max;
}

/* All of a line: a NUL, or what has no room, cuts it short. */
static bool parse_line(struct line *line, const char *text, const struct uptime *now)
{
    return take_number(&text, UINT8_MAX, &line->failures) && take_number(&text, UINT8_MAX, &line->tls_failures) &&
           take_number(&text, UINT64_MAX, &line->since_ms) && take_word(&text, line->tls, sizeof line->tls) &&
           take_number(&text, UINT16_MAX, &line->port) && take_word(&text, line->host, sizeof line->host) &&
           take_word(&text, line->login, sizeof line->login) && text[-1] == '\n' && *text == 0 &&
           line->since_ms <= now->ms + (line->failures + line->tls_failures == 0 ? pause_s() * 1000 : 0);
}

static bool is_about(const struct line *line, const struct mote_relay *relay)
{
    char login[LOGIN_LEN];

    if (line->port != mote_relay_port(relay) || strcasecmp(line->host, relay->host) != 0 ||
        strcmp(line->tls, kind(relay)) != 0) {
        return false;
    }
    write_login(login, relay);
    return strcmp(line->login, login) == 0;
}

static FILE *open_file(const struct spool *spool, const struct uptime *now)
{
    int fd = openat(spool->fd, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    char text[LINE_CAP], title[TITLE_LEN];

    if (file == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    write_title(title, now);
    if (fgets(text, sizeof text, file) != NULL && strcmp(text, title) == 0) {
        return file;
    }
    fclose(file);
    return NULL;
}

static void load_line(struct throttle *throttle, const struct relays *relays, const struct line *line, uint64_t now_ms)
{
    for (unsigned i = 0; i < relays->count; i++) {
        struct mote_relay_state *state = &throttle->states[i];

        if (!is_about(line, &relays->list[i])) {
            continue;
        }
        throttle->since_ms[i] = line->since_ms;
        *state = (struct mote_relay_state){.failures = (uint8_t)line->failures, .tls = (uint8_t)line->tls_failures};
        if (line->failures + line->tls_failures != 0) {
            state->since_s = throttle->now_s - (uint32_t)((now_ms - line->since_ms) / 1000);
        } else if (line->since_ms > now_ms) {
            throttle->pause_s = (uint32_t)((line->since_ms - now_ms + 999) / 1000);
        }
        throttle->noted[i] = *state;
    }
}

void throttle_load(struct throttle *throttle, const struct spool *spool, const struct relays *relays)
{
    struct uptime now = uptime_now();
    FILE *file = open_file(spool, &now);
    uint8_t took = throttle->took;
    char text[LINE_CAP];

    memset(throttle, 0, sizeof *throttle);
    throttle->now_s = (uint32_t)(now.ms / 1000);
    throttle->took = took;
    while (file != NULL && fgets(text, sizeof text, file) != NULL) {
        struct line line;

        if (parse_line(&line, text, &now)) {
            load_line(throttle, relays, &line, now.ms);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

void throttle_forget(const struct spool *spool)
{
    struct uptime now = uptime_now();
    FILE *file = open_file(spool, &now);

    if (file != NULL) {
        unlinkat(spool->fd, NAME, 0); /* where that cannot be, no mail can be tried either, which is told */
        fclose(file);
    }
}

bool throttle_released(const struct spool *spool, const struct host_mail *mail)
{
    struct uptime now = uptime_now();
    const struct uptime *stored = &mail->kept.stored;
    bool left_alone = mail->record.left_alone && memcmp(stored->boot, now.boot, sizeof now.boot) == 0;
    FILE *file = left_alone ? open_file(spool, &now) : NULL;
    char text[LINE_CAP];
    bool released = false;

    while (file != NULL && !released && fgets(text, sizeof text, file) != NULL) {
        struct line line;

        released =
            parse_line(&line, text, &now) && line.failures + line.tls_failures == 0 && line.since_ms > stored->ms;
    }
    if (file != NULL) {
        fclose(file);
    }
    return released;
}

/* ---- Noting ------------------------------------------------------------------------------------------------------ */

/* A relay that has just taken a mail and now wants no more, before MAIL or with a 421, has not failed. */
static bool wants_pause(const struct mote_result *result)
{
    return result->code == 421 || (result->cause == MOTE_CAUSE_LOST && result->step < MOTE_STEP_MAIL);
}

void throttle_note(struct throttle *throttle, unsigned relay, const struct mote_result *result, bool took)
{
    struct mote_relay_state *state = &throttle->states[relay], *noted = &throttle->noted[relay];
    uint8_t bit = (uint8_t)(1u << relay);

    if ((throttle->took & bit) != 0 && wants_pause(result)) {
        *state = *noted;
        throttle->pause_s = pause_s();
        throttle->since_ms[relay] = uptime_now().ms + throttle->pause_s * UINT64_C(1000);
        throttle->wants_pause = throttle->changed = true;
    }
    throttle->took = (uint8_t)((throttle->took & ~bit) | (took ? bit : 0));
    /* Its wait begins now, not when the attempt began. */
    if (state->failures != noted->failures || state->tls != noted->tls || state->since_s != noted->since_s) {
        throttle->since_ms[relay] = uptime_now().ms;
        *noted = *state;
        throttle->changed = true;
    }
}

void throttle_pause(struct throttle *throttle, const struct spool *spool, const struct relays *relays)
{
    if (throttle->pause_s != 0) {
        sleep(throttle->pause_s);
        throttle_load(throttle, spool, relays);
    }
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static size_t write_own(char *to, const struct throttle *throttle, const struct relays *relays)
{
    size_t len = 0;

    for (unsigned i = 0; i < relays->count; i++) {
        const struct mote_relay *relay = &relays->list[i];
        const struct mote_relay_state *state = &throttle->states[i];
        char login[LOGIN_LEN];

        if (throttle->since_ms[i] != 0) {
            write_login(login, relay);
            len += (size_t)snprintf(to + len, LINE_CAP, "%u %u %" PRIu64 " %s %u %.255s %s\n",
                                    (unsigned)state->failures, (unsigned)state->tls, throttle->since_ms[i], kind(relay),
                                    (unsigned)mote_relay_port(relay), relay->host, login);
        }
    }
    return len;
}

static bool is_own(const struct line *line, const struct relays *relays)
{
    for (unsigned i = 0; i < relays->count; i++) {
        if (is_about(line, &relays->list[i])) {
            return true;
        }
    }
    return false;
}

/* What other configurations and domains know of theirs: those that were written last come first, and the rest are dropped. It is of no use
 * after a day. */
static size_t copy_others(char *to, const struct spool *spool, const struct relays *relays, const struct uptime *now)
{
    FILE *file = open_file(spool, now);
    char text[LINE_CAP];
    size_t len = 0;

    for (unsigned count = 0; file != NULL && count < OTHERS_MAX && fgets(text, sizeof text, file) != NULL;) {
        struct line line;

        if (parse_line(&line, text, now) && !is_own(&line, relays) && now->ms < line.since_ms + DAY_MS) {
            strcpy(to + len, text);
            len += strlen(text);
            count++;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return len;
}

static bool write_file(const struct throttle *throttle, const struct spool *spool, const struct relays *relays, int fd)
{
    struct uptime now = uptime_now();
    char *text = malloc(FILE_CAP);
    size_t len;
    bool good;

    if (text == NULL) {
        return false;
    }
    len = write_title(text, &now);
    len += write_own(text + len, throttle, relays);
    len += copy_others(text + len, spool, relays, &now);
    good = write_at(fd, text, len, 0);
    free(text);
    return good;
}

void throttle_save(struct throttle *throttle, const struct spool *spool, const struct relays *relays)
{
    struct spool_temp temp;

    if (!throttle->changed) {
        return;
    }
    if (!spool_temp_open(spool, &temp)) {
        complain("%s/" NAME " cannot be written: %s", spool->dir, strerror(errno));
    } else if (!write_file(throttle, spool, relays, temp.fd) || !spool_temp_keep(spool, &temp, NAME)) {
        complain("%s/" NAME " cannot be written: %s", spool->dir, strerror(errno));
        spool_temp_drop(spool, &temp);
    } else {
        close(temp.fd);
    }
}

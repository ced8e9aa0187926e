/* SPDX-License-Identifier: MIT
 *
 * Which relays are left alone (POLICY P12), kept in the spool's file `relays` so that the next run knows. It is a
 * help, not a promise: a file that is lost, damaged or of another boot is no file, and every relay is asked.
 *
 *     mailmote-relays 1 BOOT-ID
 *     FAILURES MS tls|starttls PORT HOST      a line per relay; milliseconds since the boot when it failed last
 */
#define _GNU_SOURCE

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "relays"

/* A failure that is so long ago that no wait lasts. */
#define LONG_AGO_S (UINT32_C(1) << 30)

static void write_title(char title[64], const struct uptime *now)
{
    int len = snprintf(title, 64, "mailmote-relays 1 ");

    for (unsigned i = 0; i < sizeof now->boot; i++) {
        len += snprintf(title + len, 64 - (size_t)len, "%02x", (unsigned)now->boot[i]);
    }
    snprintf(title + len, 64 - (size_t)len, "\n");
}

static const char *kind(const struct mote_relay *relay)
{
    return relay->tls == MOTE_TLS_IMPLICIT ? "tls" : "starttls";
}

static void take_line(struct throttle *throttle, const struct relays *relays, const char *line, uint64_t now_ms)
{
    unsigned failures, port, i;
    uint64_t since_ms;
    char tls[16], host[256];

    if (sscanf(line, "%u %" SCNu64 " %15s %u %255s", &failures, &since_ms, tls, &port, host) != 5 ||
        failures > UINT8_MAX || since_ms > now_ms) {
        return;
    }
    for (i = 0; i < relays->count; i++) {
        const struct mote_relay *relay = &relays->list[i];

        if (relay->port != port || strcmp(relay->host, host) != 0 || strcmp(kind(relay), tls) != 0) {
            continue;
        }
        throttle->since_ms[i] = since_ms;
        throttle->before[i] = throttle->states[i].failures = (uint8_t)failures;
        throttle->states[i].since_s = throttle->now_s - (uint32_t)((now_ms - since_ms) / 1000);
    }
}

static void read_lines(struct throttle *throttle, const struct relays *relays, FILE *file, const struct uptime *now)
{
    char line[400], title[64];

    write_title(title, now);
    if (fgets(line, sizeof line, file) == NULL || strcmp(line, title) != 0) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        take_line(throttle, relays, line, now->ms);
    }
}

void throttle_load(struct throttle *throttle, const struct spool *spool, const struct relays *relays, bool force)
{
    struct uptime now = uptime_now();
    int fd = openat(spool->fd, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

    memset(throttle, 0, sizeof *throttle);
    throttle->now_s = (uint32_t)(now.ms / 1000);
    if (file != NULL) {
        read_lines(throttle, relays, file, &now);
        fclose(file);
    } else if (fd >= 0) {
        close(fd);
    }
    for (unsigned i = 0; force && i < MOTE_RELAYS_MAX; i++) {
        throttle->states[i].since_s = throttle->now_s - LONG_AGO_S;
    }
}

/* A relay's wait begins when it has failed, not when the attempt began. */
void throttle_heard(struct throttle *throttle, unsigned relay)
{
    if (throttle->states[relay].failures > throttle->before[relay]) {
        throttle->since_ms[relay] = uptime_now().ms;
    }
}

static bool changed(const struct throttle *throttle, const struct relays *relays)
{
    for (unsigned i = 0; i < relays->count; i++) {
        if (throttle->states[i].failures != throttle->before[i]) {
            return true;
        }
    }
    return false;
}

/* What others wrote of relays that are none of ours in this run is forgotten: they will be asked once too often. */
static bool write_lines(const struct throttle *throttle, const struct relays *relays, int fd)
{
    struct uptime now = uptime_now();
    char title[64];

    write_title(title, &now);
    if (dprintf(fd, "%s", title) < 0) {
        return false;
    }
    for (unsigned i = 0; i < relays->count; i++) {
        if (throttle->states[i].failures != 0 &&
            dprintf(fd, "%u %" PRIu64 " %s %u %s\n", (unsigned)throttle->states[i].failures, throttle->since_ms[i],
                    kind(&relays->list[i]), (unsigned)relays->list[i].port, relays->list[i].host) < 0) {
            return false;
        }
    }
    return true;
}

void throttle_save(struct throttle *throttle, const struct spool *spool, const struct relays *relays)
{
    struct spool_temp temp;

    if (!changed(throttle, relays)) {
        return;
    }
    if (!spool_temp_open(spool, &temp)) {
        complain("%s/" NAME " cannot be written: %s", spool->dir, strerror(errno));
    } else if (!write_lines(throttle, relays, temp.fd) || !spool_temp_keep(spool, &temp, NAME)) {
        complain("%s/" NAME " cannot be written: %s", spool->dir, strerror(errno));
        spool_temp_drop(spool, &temp);
    } else {
        close(temp.fd);
    }
}

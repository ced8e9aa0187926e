/* SPDX-License-Identifier: MIT
 *
 * The spool's file `relays`, as anybody or a failing disk may have written it. The input is an octet of switches, the time since the
 * boot in seconds, and the file, in front of which the title of this boot is put if a switch says so. It is read, a relay's state is
 * judged by it, and it is written: what is written is what was read, and written again it is the same. A line with a NUL is
 * none, and the others are what they are without it.
 */
#define _GNU_SOURCE

#include "../../boards/host/clock.h"
#include "../../boards/host/throttle.h"
#include "require.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TITLE = 1, LEFT_ALONE = 2, SAVED_MAX = 1 << 18, LINE_MAX_LEN = 400 };

static struct uptime moment = {.boot = {1}};
static const char title[] = "mailmote-relays 2 01000000000000000000000000000000\n";

/* In the place of the clock's, and of the disk's. */
struct uptime __wrap_uptime_now(void);
int __wrap_fsync(int fd);

struct uptime __wrap_uptime_now(void)
{
    return moment;
}

int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static void write_file(const struct spool *own, const char *first, const uint8_t *data, size_t size)
{
    int fd = openat(own->fd, SPOOL_RELAYS, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    require(fd >= 0 && write(fd, first, strlen(first)) == (ssize_t)strlen(first) &&
                write(fd, data, size) == (ssize_t)size,
            "harness: the file cannot be written");
    close(fd);
}

static size_t read_file(const struct spool *own, char *text)
{
    int fd = openat(own->fd, SPOOL_RELAYS, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, SAVED_MAX);

    require(len >= 0 && len < SAVED_MAX, "what was read is not written");
    close(fd);
    return (size_t)len;
}

static char dir[] = "/dev/shm/fuzz-throttle-XXXXXX"; /* no disk: a file is replaced a thousand times a second */
static struct spool spool = {.fd = -1};

static void remove_spool(void)
{
    unlinkat(spool.fd, SPOOL_RELAYS, 0);
    rmdir(dir);
}

static const struct spool *spool_of_ours(void)
{
    if (spool.fd < 0) {
        require(mkdtemp(dir) != NULL, "harness: no directory");
        spool.dir = dir;
        atexit(remove_spool);
        spool.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        require(spool.fd >= 0, "harness: no directory");
    }
    return &spool;
}

/* ---- What must be true ------------------------------------------------------------------------------------------- */

static const struct relays *relays_of_ours(void)
{
    static struct relays relays = {.count = 3};

    relays.list[0] = (struct mote_relay){.host = "a.test", .port = 587, .trust.opportunistic = true};
    relays.list[1] =
        (struct mote_relay){.host = "b.test", .port = 465, .tls = MOTE_TLS_IMPLICIT, .trust.opportunistic = true};
    relays.list[2] = (struct mote_relay){.host = "a.test", .port = 587, .login = {.user = "u", .password = "p"}};
    return &relays;
}

static void check_states(const struct throttle *throttle, unsigned count)
{
    require(!throttle->changed && !throttle->wants_pause, "what was read has changed");
    require(throttle->pause_s <= 60, "a pause without an end");
    for (unsigned i = 0; i < count; i++) {
        const struct mote_relay_state *state = &throttle->states[i];

        require(memcmp(state, &throttle->noted[i], sizeof *state) == 0, "what was read is news");
        require(throttle->since_ms[i] <= moment.ms + UINT64_C(60000), "a relay failed in the future");
        require(state->failures + state->tls == 0 || throttle->now_s - state->since_s <= moment.ms / 1000,
                "a relay failed before the boot");
    }
}

/* But for whoever failed in the very moment of the boot, which is the time of no failure. */
static void check_same(const struct throttle *before, const struct throttle *after, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct mote_relay_state *a = &before->states[i], *b = &after->states[i];

        require(before->since_ms[i] == 0 || (before->since_ms[i] == after->since_ms[i] && a->failures == b->failures &&
                                             a->tls == b->tls && a->since_s == b->since_s),
                "what was written is read as something else");
    }
}

/* What was left alone is due by a success that came later, of whichever relay. */
static void check_released(const struct spool *own, const struct throttle *throttle, unsigned count, bool left_alone)
{
    static struct host_mail mail;
    bool released, expected = false;

    mail_init(&mail);
    mail.record.left_alone = left_alone;
    mail.kept.stored = moment;
    mail.kept.stored.ms /= 2;
    released = throttle_released(own, &mail);
    for (unsigned i = 0; i < count; i++) {
        expected |=
            throttle->states[i].failures + throttle->states[i].tls == 0 && throttle->since_ms[i] > mail.kept.stored.ms;
    }
    require(left_alone ? released || !expected : !released, "who was left alone is released by nobody, or not at all");
    mail.kept.fd = -1;
    mail_free(&mail);
}

static void load_and_save(struct throttle *throttle, const struct spool *own, const struct relays *relays)
{
    memset(throttle, 0, sizeof *throttle);
    throttle_load(throttle, own, relays);
    check_states(throttle, relays->count);
    throttle->changed = true;
    throttle_save(throttle, own, relays);
}

/* Takes out the lines that have one. Returns what is left; more than there was: a line is too long to be looked at. */
static size_t without_nuls(uint8_t *to, const uint8_t *data, size_t size)
{
    size_t kept = 0, len;

    for (size_t at = 0; at < size; at += len) {
        const uint8_t *end = memchr(data + at, '\n', size - at);

        len = end == NULL ? size - at : (size_t)(end - data) + 1 - at;
        if (len >= LINE_MAX_LEN) {
            return size + 1;
        }
        if (memchr(data + at, 0, len) == NULL) {
            memcpy(to + kept, data + at, len);
            kept += len;
        }
    }
    return kept;
}

static void check_nuls(const struct throttle *before, const struct spool *own, const struct relays *relays, bool titled,
                       const uint8_t *data, size_t size)
{
    static uint8_t clean[SAVED_MAX];
    size_t len = without_nuls(clean, data, size);
    struct throttle after;

    if (!titled || len > size) {
        return;
    }
    write_file(own, title, clean, len);
    memset(&after, 0, sizeof after);
    throttle_load(&after, own, relays);
    require(memcmp(before->states, after.states, sizeof after.states) == 0 &&
                memcmp(before->since_ms, after.since_ms, sizeof after.since_ms) == 0 &&
                before->pause_s == after.pause_s,
            "a line is what a NUL has cut it to");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char first[SAVED_MAX], second[SAVED_MAX];
    const struct spool *own = spool_of_ours();
    const struct relays *relays = relays_of_ours();
    struct throttle before, after;
    bool titled;
    size_t len;

    if (size < 5 || size > SAVED_MAX / 4) {
        return 0;
    }
    titled = (data[0] & TITLE) != 0;
    moment.ms = ((uint64_t)data[1] << 24 | (uint64_t)data[2] << 16 | (uint64_t)data[3] << 8 | data[4]) * 1000;
    write_file(own, titled ? title : "", data + 5, size - 5);
    load_and_save(&before, own, relays);
    len = read_file(own, first);
    require(len >= sizeof title - 1 && memcmp(first, title, sizeof title - 1) == 0, "a file without a title");
    require(first[len - 1] == '\n' && memchr(first, 0, len) == NULL, "a line without an end");
    check_released(own, &before, relays->count, (data[0] & LEFT_ALONE) != 0);
    load_and_save(&after, own, relays);
    check_same(&before, &after, relays->count);
    require(read_file(own, second) == len && memcmp(first, second, len) == 0, "it is not written as it was");
    check_nuls(&before, own, relays, titled, data + 5, size - 5);
    return 0;
}

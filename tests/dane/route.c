/* SPDX-License-Identifier: MIT
 *
 * How long what was found of a domain serves the mails that follow, and what the spool remembers of its hosts; with a clock and a DNS of
 * the test's own.
 */
#define _GNU_SOURCE

#include "../../boards/host/mx.h"
#include "dane.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct uptime moment = {.boot = {1}, .ms = 5000000};
static unsigned checks, finds, slept_s;
static bool drawn;

static struct relay_args mx = {.relay = RELAY_MX};
static struct args args;
static struct host_mail mail;
static struct spool spool;
static struct throttle throttle;

static void want(bool holds, const char *what)
{
    checks++;
    if (!holds) {
        printf("%s: %u look-ups, %u s slept\n", what, finds, slept_s);
        exit(1);
    }
}

/* ---- In place of DNS, the clock and sleep() ---------------------------------------------------------------------- */

void __wrap_mote_dane_find(struct mote_dane_domain *found, const char *domain, const uint8_t id[8],
                           bool (*exempt)(const void *ctx, const char *name), const void *ctx, const char *helo,
                           const struct mote_trace *trace);
struct uptime __wrap_uptime_now(void);
unsigned __wrap_sleep(unsigned seconds);

/* A host that is called as the domain, or the address in its brackets. */
void __wrap_mote_dane_find(struct mote_dane_domain *found, const char *domain, const uint8_t id[8],
                           bool (*exempt)(const void *ctx, const char *name), const void *ctx, const char *helo,
                           const struct mote_trace *trace)
{
    (void)id, (void)exempt, (void)ctx, (void)helo, (void)trace;
    finds++;
    memset(found, 0, sizeof *found);
    snprintf(found->hosts[0].name, MOTE_DANE_NAME, "%s", domain + (*domain == '[' ? 6 : 0));
    found->hosts[0].name[strcspn(found->hosts[0].name, "]")] = 0;
    found->hosts[0].policy = MOTE_DANE_OPPORTUNISTIC;
    found->relays[0] = (struct mote_relay){.host = found->hosts[0].name, .port = 25, .tls = MOTE_TLS_STARTTLS};
    mote_trust_opportunistic(&found->relays[0].trust, found->relays[0].host);
    found->count = 1;
    found->drawn = drawn;
}

struct uptime __wrap_uptime_now(void)
{
    return moment;
}

unsigned __wrap_sleep(unsigned seconds)
{
    slept_s += seconds;
    moment.ms += seconds * UINT64_C(1000);
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

/* How often DNS was asked. */
static unsigned asked(const char *address, uint8_t id, bool kept)
{
    struct attempt attempt = {.args = &args, .mail = &mail, .spool = kept ? &spool : NULL, .throttle = &throttle};
    unsigned before = finds;

    mail.mail.rcpts[0].address = address;
    mail.record.id[0] = id;
    want(mx_route(&attempt) && attempt.relays->count == 1, "no route");
    return finds - before;
}

static void test_fresh(void)
{
    want(asked("a@d.example", 1, false) == 1, "the first look-up");
    moment.ms += 60000;
    want(asked("b@D.example", 2, false) == 0, "for a minute it is known, whatever the mail");
    moment.ms += 1;
    want(asked("a@d.example", 1, false) == 1, "then it is asked again");
    moment.ms += 59999;
    want(asked("a@d.example", 1, false) == 0, "which is known for a minute");
    moment.ms += 2;
    want(asked("a@d.example", 1, false) == 1, "which has passed");
    for (unsigned n = 1; n < 8; n++) {
        char address[] = "a@1.example";

        address[2] = (char)('0' + n);
        moment.ms++;
        want(asked(address, 1, false) == 1 && asked("a@d.example", 1, false) == 0, "eight domains are known");
    }
    moment.ms++;
    want(asked("a@8.example", 1, false) == 1 && asked("a@1.example", 1, false) == 0, "the ninth takes a place");
    want(asked("a@d.example", 1, false) == 1, "the oldest one's");
    drawn = true;
    want(asked("a@f.example", 1, false) == 1 && asked("a@f.example", 1, false) == 0, "the same mail has its draw");
    want(asked("a@f.example", 2, false) == 1, "another mail has another draw");
    drawn = false;
}

static void remember(const char *line)
{
    static const char title[] = "mailmote-relays 2 01000000000000000000000000000000\n";
    int fd = openat(spool.fd, SPOOL_RELAYS, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    want(fd >= 0 && dprintf(fd, "%s%s", title, line) > 0 && close(fd) == 0, "the file cannot be written");
}

/* POLICY P12, of a host that another run has asked: by its name, or its address. */
static void test_remembered(void)
{
    static const struct {
        const char *address, *host;
    } rows[] = {{"a@d.example", "d.example"}, {"a@[IPv6:2001:db8::7]", "2001:db8::7"}};
    char line[100];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(line, sizeof line, "2 1 %llu starttls 25 %s -\n", (unsigned long long)moment.ms - 7000, rows[i].host);
        remember(line);
        asked(rows[i].address, 1, true);
        want(throttle.states[0].failures == 2 && throttle.states[0].tls == 1 &&
                 throttle.states[0].since_s == throttle.now_s - 7,
             "what another run knew of a host");
        asked("a@other.example", 1, true);
        want(throttle.states[0].failures == 0, "of another host");

        snprintf(line, sizeof line, "0 0 %llu starttls 25 %s -\n", (unsigned long long)moment.ms + 3000, rows[i].host);
        remember(line);
        slept_s = 0;
        asked("a@other.example", 1, true);
        want(slept_s == 0, "the pause is another host's");
        asked(rows[i].address, 1, true);
        want(slept_s == 3, "a host has the pause it wants");
        asked(rows[i].address, 1, true);
        want(slept_s == 3, "which is over then");
    }
}

int main(void)
{
    char directory[] = "/tmp/mailmote-route-XXXXXX";

    args = (struct args){.relays = {mx}, .relay_count = 1};
    mail_init(&mail);
    want(mail_make_room(&mail, 1), "memory");
    mail.mail.rcpt_count = 1;
    want(mkdtemp(directory) != NULL && (spool.fd = open(directory, O_RDONLY | O_DIRECTORY)) >= 0, "no directory");
    test_fresh();
    test_remembered();
    unlinkat(spool.fd, SPOOL_RELAYS, 0);
    rmdir(directory);
    close(spool.fd);
    mail_free(&mail);
    printf("%u checks\n", checks);
    return 0;
}

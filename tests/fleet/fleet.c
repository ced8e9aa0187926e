/* SPDX-License-Identifier: MIT
 *
 * What a fleet does to its relay: every device has an alert at nearly the same moment, and the relay is
 * down; then the same with a relay whose TLS is broken, and that all devices verify. Prints connections per second
 * over time, with the random part of P11 and without it, and draws them.
 *
 *     fleet [--devices N] [--outage SECONDS] [--alerts SECONDS] [--seed N] [--svg FILE]
 *
 * Exit status 1: a mail was lost or came twice, or with the random part of P11 the busiest minute after the relay's
 * return is twice the mean of the recovery or more. Minutes are judged: in 10 seconds there are so few connections that
 * chance alone makes some of them busy.
 */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned fleet_count(const struct fleet_run *run, unsigned from, unsigned len)
{
    unsigned n = 0;

    for (; len != 0 && from < FLEET_HORIZON_S; len--, from++) {
        n += run->per_s[from];
    }
    return n;
}

static unsigned peak(const struct fleet *fleet, const struct fleet_run *run, unsigned len, unsigned *where)
{
    unsigned most = 0;

    for (unsigned from = fleet->outage_s; from <= run->in_s; from += len) {
        unsigned n = fleet_count(run, from, len);

        if (n > most) {
            most = n;
            *where = from;
        }
    }
    return most;
}

static void live(const struct fleet *fleet, bool random, struct fleet_run *run)
{
    unsigned where;

    for (unsigned i = 1; i <= fleet->devices; i++) {
        fleet_device(fleet, i, random, run);
    }
    run->peak_10 = peak(fleet, run, 10, &where);
    run->peak_60 = peak(fleet, run, 60, &run->first_60);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

/* Connections per second on the mean from the return until all mail is in. */
static double mean(const struct fleet *fleet, const struct fleet_run *run)
{
    unsigned len = run->in_s + 1 > fleet->outage_s ? run->in_s + 1 - fleet->outage_s : 1;

    return fleet_count(run, fleet->outage_s, len) / (double)len;
}

static void print_rate(const struct fleet_run *run, unsigned from, unsigned len)
{
    unsigned most = 0;

    for (unsigned at = from; at < from + len; at += 60) {
        unsigned n = fleet_count(run, at, 60);

        most = n > most ? n : most;
    }
    printf("   %7.2f %7.2f", fleet_count(run, from, len) / (double)len, most / 60.0);
}

/* without: NULL where it was not run. */
static void print_times(const struct fleet *fleet, const struct fleet_run *with, const struct fleet_run *without)
{
    enum { ROW = 300 };
    unsigned end = without != NULL && without->in_s > with->in_s ? without->in_s : with->in_s;

    printf("connections per second   with random part%s\n", without != NULL ? "   without it" : "");
    printf("from minute   relay         mean    peak%s\n", without != NULL ? "      mean    peak" : "");
    for (unsigned from = 0; from <= end; from += ROW) {
        printf("%11u   %s", from / 60, from < fleet->outage_s ? "down" : "up  ");
        print_rate(with, from, ROW);
        if (without != NULL) {
            print_rate(without, from, ROW);
        }
        putchar('\n');
    }
    puts("(peak: the busiest minute)\n");
}

static void print_run(const char *name, const struct fleet *fleet, const struct fleet_run *run)
{
    double m = mean(fleet, run);

    printf("%s\n", name);
    printf("  connections: %u in vain, %u accepted; mails: %u in, %u lost, %u twice\n", run->in_vain, run->accepted,
           fleet->devices - run->lost, run->lost, run->twice);
    if (run->accepted != 0) {
        printf("  all mail is in %u s after the return: %.2f connections per second on the mean\n",
               run->in_s - fleet->outage_s, m);
        printf("  busiest minute: %.2f per second, %.2f x the mean, %u s after the return\n", run->peak_60 / 60.0,
               run->peak_60 / 60.0 / m, run->first_60 - fleet->outage_s);
        printf("  busiest 10 s: %.2f per second, %.2f x the mean\n", run->peak_10 / 10.0, run->peak_10 / 10.0 / m);
    }
}

/* ---- Beginning --------------------------------------------------------------------------------------------------- */

static const char *options(int argc, char **argv, struct fleet *fleet)
{
    const char *svg = NULL;

    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        unsigned number = (unsigned)strtoul(value, NULL, 10);

        if (strcmp(name, "--svg") == 0 && *value != 0) {
            svg = value;
        } else if (strcmp(name, "--devices") == 0 && number - 1 < 1000000) {
            fleet->devices = number;
        } else if (strcmp(name, "--outage") == 0 && number - 1 < FLEET_HORIZON_S / 2) {
            fleet->outage_s = number;
        } else if (strcmp(name, "--alerts") == 0 && number - 1 < FLEET_HORIZON_S / 2) {
            fleet->alerts_s = number;
        } else if (strcmp(name, "--seed") == 0 && *value != 0) {
            fleet->seed = number;
        } else {
            fprintf(stderr, "fleet: %s %s?\n", name, value);
            exit(2);
        }
    }
    return svg;
}

/* One kind of outage. False when the fleet misbehaves. */
static bool judge(const struct fleet *fleet, const char *svg)
{
    static struct fleet_run with, without;
    bool whole, spread;

    memset(&with, 0, sizeof with);
    memset(&without, 0, sizeof without);
    printf("%u devices; %s for %u s, and within its first %u s each of them has an alert (seed %u)\n\n", fleet->devices,
           fleet->tls ? "the TLS of the relay, which they verify, is broken" : "the relay is down", fleet->outage_s,
           fleet->alerts_s, fleet->seed);
    live(fleet, true, &with);
    if (!fleet->tls) { /* one run of handshakes takes long enough */
        live(fleet, false, &without);
    }
    print_times(fleet, &with, fleet->tls ? NULL : &without);
    print_run("with the random part of P11", fleet, &with);
    if (!fleet->tls) {
        print_run("without it", fleet, &without);
    }
    if (svg != NULL && !fleet_chart(svg, fleet, &with, &without)) {
        perror(svg);
        exit(2);
    }
    whole = with.lost + with.twice + without.lost + without.twice == 0;
    spread = with.peak_60 / 60.0 < 2 * mean(fleet, &with);
    printf("\n%s: every mail comes in once\n", whole ? "good" : "NOT SO");
    printf("%s: with the random part the busiest minute is less than twice the mean\n\n", spread ? "good" : "NOT SO");
    return whole && spread;
}

int main(int argc, char **argv)
{
    struct fleet fleet = {.devices = 10000, .outage_s = 3600, .alerts_s = 60, .seed = 1};
    const char *svg = options(argc, argv, &fleet);
    bool good = judge(&fleet, svg);

    fleet.tls = true;
    return judge(&fleet, NULL) && good ? 0 : 1;
}

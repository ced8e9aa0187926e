/* SPDX-License-Identifier: MIT
 *
 * `mailmote probe --mx DOMAIN': who takes mail for a domain, what DNS says of their certificates and DNSSEC of that, and for each host
 * what `probe' tells of a relay and whether its records decide for it.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "dane.h"
#include "probe.h"
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EX_UNVERIFIED = 1 };

static const char usage[] = "mailmote probe --mx [--dnssec-anchor FILE] DOMAIN";

static int parse(struct args *args, const char **domain, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dnssec-anchor") == 0 && i + 1 < argc) {
            args->dnssec_anchor = argv[++i];
        } else if (argv[i][0] == '-' || *domain != NULL) {
            complain("%s is not understood: %s", argv[i], usage);
            return EX_USAGE;
        } else {
            *domain = argv[i];
        }
    }
    if (*domain != NULL) {
        return EX_OK;
    }
    complain("no domain is given: %s", usage);
    return EX_USAGE;
}

static void line(const char *what, const char *text)
{
    printf("%-16s", what);
    print_text(stdout, text, strlen(text));
    putchar('\n');
}

static void hear(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    char text[MOTE_DANE_WHY + MOTE_DANE_NAME];

    (void)ctx, (void)who, (void)step;
    snprintf(text, sizeof text, "%.*s", (int)len, data);
    line("DNS", text);
}

static void tell_record(const struct mote_tlsa *record)
{
    printf("%-16s%u %u %u ", "TLSA", record->usage, record->selector, record->matching);
    for (size_t i = 0; i < record->len && i < br_sha512_SIZE; i++) {
        printf("%02x", record->octets[i]);
    }
    puts(record->len > br_sha512_SIZE ? "..." : "");
}

/* Does a record decide for the chain it sent? */
static bool is_known(const struct probe *probe, const struct mote_dane_host *host)
{
    struct mote_tlsa_chain chain = {.count = 0};

    for (size_t i = 0; i < probe->chain.count && i < sizeof chain.len / sizeof chain.len[0]; i++) {
        chain.octets[i] = probe->chain.list[i]->all.at;
        chain.len[i] = probe->chain.list[i]->all.len;
        chain.count++;
    }
    return chain.count != 0 && probe->chain.list[0]->pkey != NULL &&
           mote_tlsa_judge(host, &chain, probe->chain.list[0]->pkey, (uint64_t)time(NULL)) == 0;
}

static const char *policy_of(const struct mote_dane_host *host)
{
    return host->policy == MOTE_DANE_AUTHENTICATED
               ? "TLS, and a certificate that a TLSA record knows; else it gets no mail"
           : host->policy == MOTE_DANE_ENCRYPTED
               ? "TLS, with any certificate, as none of its TLSA records can be used; else it gets no mail"
               : "TLS if it offers it, with any certificate; in clear if it does not, or at a later attempt if TLS "
                 "fails again";
}

static const char *verdict_of(const struct probe *probe, const struct mote_dane_host *host, bool known)
{
    if (!probe->reached) {
        return "nothing was heard of it";
    }
    if (host->policy == MOTE_DANE_AUTHENTICATED) {
        return known ? "it is the one its TLSA records know" : "it gets no mail: no TLSA record knows its certificate";
    }
    return probe->tls                            ? "mail goes there in TLS, unauthenticated"
           : host->policy == MOTE_DANE_ENCRYPTED ? "it gets no mail: its TLS does not work"
                                                 : "mail goes there, unauthenticated; TLS does not work";
}

static int probe_host(const struct mote_dane_host *host, const struct mote_relay *relay)
{
    struct probe *probe = calloc(1, sizeof *probe);
    char name[MOTE_DANE_NAME + 16];
    bool known;
    int status;

    if (probe == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    snprintf(name, sizeof name, "%u %s", host->preference, relay->host);
    putchar('\n');
    line("host", name);
    for (unsigned i = 0; i < host->record_count; i++) {
        tell_record(&host->records[i]);
    }
    line("policy", policy_of(host));
    probe->host = relay->host;
    probe->name = host->base;
    probe->port = relay->port;
    probe_talk(probe);
    known = probe->tls && host->policy == MOTE_DANE_AUTHENTICATED && is_known(probe, host);
    probe_report_found(probe);
    line("verdict", verdict_of(probe, host, known));
    status = !probe->reached ? EX_TEMPFAIL : known ? EX_OK : EX_UNVERIFIED;
    probe_free(probe);
    return status;
}

/* 0: a host is authenticated; 1: none is; 75: nothing was heard of any. */
static int probe_hosts(const struct mote_dane_domain *found)
{
    int best = EX_TEMPFAIL;

    for (unsigned i = 0; i < found->count; i++) {
        int status = probe_host(&found->hosts[i], &found->relays[i]);

        if (status == EX_OK || best == EX_TEMPFAIL) {
            best = status;
        }
    }
    return best;
}

int probe_mx_command(int argc, char **argv)
{
    static struct mote_dane_domain found;
    const struct mote_trace trace = {hear, NULL};
    const uint8_t id[8] = {0};
    struct args args = {.command = 0};
    const char *domain = NULL;
    int status = parse(&args, &domain, argc, argv);

    if (status == EX_OK) {
        status = relays_open_mx(&args);
    }
    if (status != EX_OK) {
        return status;
    }
    line("domain", domain);
    mote_dane_find(&found, domain, id, NULL, NULL, NULL, &trace);
    if (found.count == 0) {
        line("verdict", found.why);
        return found.verdict == MOTE_FAILED ? EX_UNVERIFIED : EX_TEMPFAIL;
    }
    line("MX", found.mx_none     ? (found.mx_secure ? "none, which DNSSEC proves: the domain is its own host"
                                                    : "none: the domain is its own host")
               : found.mx_secure ? "proven by DNSSEC"
                                 : "not proven: the domain's zone is not signed");
    return probe_hosts(&found);
}

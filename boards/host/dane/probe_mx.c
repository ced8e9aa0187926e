/* SPDX-License-Identifier: MIT
 *
 * `mailmote probe --mx DOMAIN': who takes mail for a domain, what DNS says of their certificates and DNSSEC of that, and for each host
 * what `probe' tells of a relay and whether its records decide for it.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "dane.h"
#include "mx.h"
#include "probe.h"
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EX_UNVERIFIED = 1 };

static const char usage[] = "mailmote probe --mx [-C FILE] [--account NAME] [--dnssec-anchor FILE] DOMAIN";

static int wrong(const char *what, const char *word)
{
    complain("%s%s: %s", what, word, usage);
    return EX_USAGE;
}

/* A dot behind it says no more than that it is a whole one. */
static int check_domain(char *domain)
{
    char address[MOTE_DANE_NAME + 3];
    size_t len = domain != NULL ? strlen(domain) : 0;

    if (len == 0) {
        return wrong("no domain is given", "");
    }
    if (len > 1 && domain[len - 1] == '.') {
        domain[--len] = 0;
    }
    snprintf(address, sizeof address, "a@%s", domain);
    return len < MOTE_DANE_NAME && mote_address_valid(address)
               ? EX_OK
               : wrong(domain, " is no domain: give what stands behind the @ of addresses");
}

static int parse(struct args *args, char **domain, int argc, char **argv)
{
    const struct {
        const char *word;
        const char **value;
    } known[] = {{"-C", &args->config_file},
                 {"--config", &args->config_file},
                 {"-a", &args->account},
                 {"--account", &args->account},
                 {"--dnssec-anchor", &args->dnssec_anchor}};

    for (int i = 1; i < argc; i++) {
        const char **value = NULL;

        for (size_t at = 0; at < sizeof known / sizeof known[0] && value == NULL; at++) {
            value = strcmp(argv[i], known[at].word) == 0 ? known[at].value : NULL;
        }
        if (value != NULL && ++i == argc) {
            return wrong(argv[i - 1], " has no value");
        }
        if (value == NULL && argv[i][0] == '-' && strcmp(argv[i], "--mx") != 0) {
            return wrong("unknown option ", argv[i]);
        }
        if (value == NULL && argv[i][0] != '-' && *domain != NULL) {
            return wrong("one domain at a time, and not also ", argv[i]);
        }
        if (value != NULL) {
            *value = argv[i];
        } else if (argv[i][0] != '-') {
            *domain = argv[i];
        }
    }
    return check_domain(*domain);
}

/* What `send' would go by: nodane, timeout, helo and the anchor. */
static int settle(struct args *args)
{
    int status = config_read(args);

    args->timeout_s = args->timeout != NULL ? parse_timeout(args->timeout) : 0;
    if (status == EX_OK) {
        status = check_helo(args);
    }
    return status == EX_OK ? relays_open_mx(args) : status;
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

static void tell_records(const struct mote_dane_host *host, bool literal)
{
    for (unsigned i = 0; i < host->record_count; i++) {
        tell_record(&host->records[i]);
    }
    if (host->record_count == 0) {
        line("TLSA", literal                               ? "none: an address has none"
                     : host->policy == MOTE_DANE_ENCRYPTED ? "none that can be used, which DNSSEC proves"
                     : host->policy == MOTE_DANE_EXEMPT    ? "not looked up: nodane"
                                                           : "none, which DNSSEC proves, or the zone is not signed");
    }
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

static void tell_verdict(const struct probe *probe, const struct mote_dane_host *host, const struct mote_tlsa *record)
{
    bool needs_tls = host->policy == MOTE_DANE_AUTHENTICATED || host->policy == MOTE_DANE_ENCRYPTED;
    char text[PROBE_TEXT + 80];

    if (record != NULL) {
        snprintf(text, sizeof text, "verified by TLSA %u %u %u", record->usage, record->selector, record->matching);
    } else if (!probe->reached) {
        strcpy(text, "nothing was heard of it");
    } else if (!probe->tls) {
        snprintf(text, sizeof text, "%s: %s",
                 needs_tls ? "it gets no mail" : "mail goes there, unauthenticated, and without TLS", probe->trouble);
    } else {
        strcpy(text, host->policy == MOTE_DANE_AUTHENTICATED ? "it gets no mail: no TLSA record knows its certificate"
                                                             : "mail goes there in TLS, unauthenticated");
    }
    line("verdict", text);
}

/* With the name and the time that `send' would have. */
static struct probe *ask(const struct args *args, const struct mote_dane_host *host, const struct mote_relay *relay)
{
    struct probe *probe = calloc(1, sizeof *probe);

    if (probe == NULL) {
        complain("no memory: try again");
        return NULL;
    }
    probe->host = relay->host;
    probe->name = host->base;
    probe->port = relay->port;
    probe->helo = args->helo;
    probe->limit_ms = args->timeout_s * UINT32_C(1000);
    probe_talk(probe);
    return probe;
}

static int probe_host(const struct args *args, const struct mote_dane_host *host, const struct mote_relay *relay,
                      bool literal)
{
    char name[MOTE_DANE_NAME + 16];
    const struct mote_tlsa *record = NULL;
    struct probe *probe;
    int status;

    snprintf(name, sizeof name, "%u %s", host->preference, relay->host);
    putchar('\n');
    line("host", name);
    tell_records(host, literal);
    line("policy", policy_of(host));
    probe = ask(args, host, relay);
    if (probe == NULL) {
        return EX_OSERR;
    }
    if (probe->tls && host->policy == MOTE_DANE_AUTHENTICATED && is_known(probe, host)) {
        record = mote_tlsa_decided();
    }
    probe_report_found(probe);
    tell_verdict(probe, host, record);
    status = !probe->reached ? EX_TEMPFAIL : record != NULL ? EX_OK : EX_UNVERIFIED;
    probe_free(probe);
    return status;
}

/* 0: a host is authenticated; 1: none is; 75: nothing was heard of any. */
static int probe_hosts(const struct args *args, const struct mote_dane_domain *found, bool literal)
{
    int best = EX_TEMPFAIL;

    for (unsigned i = 0; i < found->count; i++) {
        int status = probe_host(args, &found->hosts[i], &found->relays[i], literal);

        if (status == EX_OK || best == EX_TEMPFAIL) {
            best = status;
        }
    }
    return best;
}

static int probe_domain(struct args *args, const char *domain)
{
    static struct mote_dane_domain found;
    const struct mote_trace trace = {hear, NULL};
    const uint8_t id[8] = {0};
    const bool literal = domain[0] == '[';

    line("domain", domain);
    mote_dane_find(&found, domain, id, mx_exempt, args, args->helo, &trace);
    if (found.count == 0) {
        line("verdict", found.why);
        return found.verdict == MOTE_FAILED ? EX_UNVERIFIED : EX_TEMPFAIL;
    }
    line("MX", literal           ? "none is asked for: an address is its own host"
               : found.mx_none   ? (found.mx_secure ? "none, which DNSSEC proves: the domain is its own host"
                                                    : "none: the domain is its own host")
               : found.mx_secure ? "proven by DNSSEC"
                                 : "not proven: the domain's zone is not signed");
    return probe_hosts(args, &found, literal);
}

int probe_mx(int argc, char **argv)
{
    static struct args args;
    char *domain = NULL;
    int status;

    args.command = COMMAND_FLUSH; /* as it reads a configuration: without a caller's sender */
    status = parse(&args, &domain, argc, argv);
    if (status == EX_OK) {
        status = settle(&args);
    }
    if (status == EX_OK) {
        status = probe_domain(&args, domain);
    }
    args_free(&args);
    return status;
}

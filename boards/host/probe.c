/* SPDX-License-Identifier: MIT
 *
 * `mailmote probe': asks a relay what it can do and who it is, and says how to configure it. Everything a stranger said is made
 * printable before it is kept.
 */
#define _POSIX_C_SOURCE 200809L

#include "commands.h"
#include "complain.h"
#include "probe.h"
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EX_UNVERIFIED = 1 };

static const char usage[] = "mailmote probe [--trust FILE.pem] [--tls implicit] [--tls-name NAME] [--json] HOST[:PORT]";

static int wrong(const char *what, const char *word)
{
    complain("%s%.*s: %s", what, (int)strcspn(word, "="), word, usage);
    return EX_USAGE;
}

/* Options as for a relay of send. */
static int parse(struct args *args, int argc, char **argv, bool *json)
{
    static const struct {
        const char *word;
        enum relay_option option;
    } known[] = {{"--trust", RELAY_TRUST}, {"--tls", RELAY_TLS}, {"--tls-name", RELAY_TLS_NAME}};
    struct relay_args *relay = args->relays;

    for (int i = 1; i < argc; i++) {
        size_t at = 0;

        while (at < sizeof known / sizeof known[0] && strcmp(argv[i], known[at].word) != 0) {
            at++;
        }
        if (strcmp(argv[i], "--json") == 0) {
            *json = true;
        } else if (at < sizeof known / sizeof known[0]) {
            if (++i == argc || *argv[i] == 0) {
                return wrong(argv[i - 1], " has no value");
            }
            relay->options[known[at].option] = argv[i];
        } else if (argv[i][0] == '-') {
            return wrong("unknown option ", argv[i]);
        } else if (relay->relay != NULL) {
            return wrong("one relay at a time, and not also ", argv[i]);
        } else {
            relay->relay = argv[i];
        }
    }
    args->relay_count = 1;
    return relay->relay == NULL || *relay->relay == 0 ? wrong("no relay is given", "") : EX_OK;
}

static int fill(struct probe *probe, const struct relays *relays, const struct args *args)
{
    const struct host_relay *relay = &relays->own[0];

    probe->host = relay->host;
    probe->name = relay->relay.trust.name;
    probe->implicit = relay->relay.tls == MOTE_TLS_IMPLICIT || relay->relay.port == 465;
    probe->port = relay->relay.port != 0 ? relay->relay.port : probe->implicit ? 465 : 587;
    probe->trust = args->relays[0].options[RELAY_TRUST];
    if (probe->trust == NULL) {
        probe->trust = relay_system_anchors();
    }
    if (probe->trust == NULL) {
        complain("the system has no CA file to verify the relay with: give --trust FILE.pem");
        return EX_CONFIG;
    }
    return certificates_read(&probe->anchors, probe->trust);
}

int probe_run(struct probe *probe, int argc, char **argv, bool *json)
{
    static struct relays relays; /* the probe's names are in it */
    static struct args args;
    const char *trust;
    int status = parse(&args, argc, argv, json);

    if (status == EX_OK) {
        status = relays_parse(&relays, &args);
    }
    if (status == EX_OK && relays_mx(&args)) {
        return wrong("a relay, or --mx DOMAIN, and not ", args.relays[0].relay);
    }
    trust = args.relays[0].options[RELAY_TRUST];
    if (status == EX_OK) {
        args.relays[0].options[RELAY_TRUST] = NULL; /* read below, certificate by certificate */
        status = relays_open(&relays, &args);
        args.relays[0].options[RELAY_TRUST] = trust;
    }
    if (status == EX_OK) {
        status = fill(probe, &relays, &args);
    }
    if (status == EX_OK) {
        probe_talk(probe);
        probe_judge(probe);
    }
    return status;
}

int probe_status(const struct probe *probe)
{
    return probe->verified ? EX_OK : probe->reached ? EX_UNVERIFIED : EX_TEMPFAIL;
}

#ifndef MOTE_DANE
int probe_mx(int argc, char **argv)
{
    (void)argc, (void)argv;
    complain("--mx: " WITHOUT_DANE ", or give HOST[:PORT] alone");
    return EX_USAGE;
}
#endif

static bool asks_for_mx(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--mx") == 0) {
            return true;
        }
    }
    return false;
}

int probe_command(int argc, char **argv)
{
    struct probe *probe;
    bool json = false;
    int status;

    if (asks_for_mx(argc, argv)) {
        return probe_mx(argc, argv);
    }
    probe = calloc(1, sizeof *probe);
    if (probe == NULL) {
        complain("no memory: try again");
        return EX_OSERR;
    }
    status = probe_run(probe, argc, argv, &json);
    if (status == EX_OK) {
        (json ? probe_json : probe_report)(probe);
        status = probe_status(probe);
    }
    probe_free(probe);
    return status;
}

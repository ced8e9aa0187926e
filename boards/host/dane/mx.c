/* SPDX-License-Identifier: MIT
 *
 * A mail without a relay: one domain at a time, whose hosts are looked up when it is tried. What DNS does not tell is a deferral, and
 * never a reason to go on with less.
 */
#define _GNU_SOURCE

#include "mx.h"
#include "dane.h"
#include "domains.h"
#include "witness.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FRESH_MS = 60000 };

/* What was found of a few domains, or that nothing was: mails that are due together may be of one, and a domain whose DNS is silent is
 * not waited for with each of them. */
static struct route {
    struct relays relays;
    struct mote_dane_domain found;
    char domain[MOTE_DANE_NAME];
    uint8_t id[8];     /* of the mail whose order of equals that is */
    uint64_t found_ms; /* since the boot */
} routes[8], *route = routes;

/* ---- The hosts --------------------------------------------------------------------------------------------------- */

bool mx_exempt(const void *ctx, const char *name)
{
    const struct args *args = ctx;
    size_t len = strlen(name);

    for (unsigned i = 0; i < args->nodane_count; i++) {
        size_t of = strlen(args->nodane[i]);

        if (len >= of && strcasecmp(name + len - of, args->nodane[i]) == 0 &&
            (len == of || name[len - of - 1] == '.')) {
            return true;
        }
    }
    return false;
}

/* The connection leads to a host of another domain, or of other relays. */
static void turn(struct attempt *attempt)
{
    if (attempt->connection != NULL) {
        mote_posix_leave(attempt->connection);
        memset(attempt->connection, 0, sizeof *attempt->connection);
    }
    if (attempt->spool != NULL) {
        attempt->throttle->took = 0;
    }
}

static void find(struct attempt *attempt, const char *domain)
{
    const struct args *args = attempt->args;
    const char *helo = args->helo != NULL ? args->helo : attempt->mail->full_name;
    struct mote_trace trace = dialogue_trace(&attempt->dialogue);

    snprintf(route->domain, sizeof route->domain, "%s", domain);
    memcpy(route->id, attempt->mail->record.id, sizeof route->id);
    mote_dane_find(&route->found, route->domain, route->id, mx_exempt, args, helo, &trace);
    route->found_ms = uptime_now().ms;
    attempt->dialogue.event[0] = 0;
}

/* POLICY P7: what was accepted for verified relays only is not for a host that is only encrypted to. Made an opportunistic relay, such a
 * host is barred as those are. */
static void take(struct attempt *attempt)
{
    struct relays *relays = &route->relays;

    relays->count = route->found.count;
    memcpy(relays->list, route->found.relays, sizeof relays->list);
    for (unsigned i = 0; i < relays->count; i++) {
        if (attempt->mail->record.verified_only && route->found.hosts[i].policy != MOTE_DANE_AUTHENTICATED) {
            mote_trust_opportunistic(&relays->list[i].trust, relays->list[i].host);
        }
    }
    if (attempt->args->verbose) {
        witness_relays(relays->list, relays->count);
    }
}

/* Nobody can be asked. */
static void refuse(struct attempt *attempt)
{
    struct mote_delivery *delivery = &attempt->posix.delivery;
    struct host_mail *mail = attempt->mail;
    const struct mote_dane_domain *found = &route->found;

    mote_delivery_init(delivery, NULL, 0, NULL, &mail->mail, NULL, NULL, NULL, 0);
    mote_delivery_fail(delivery, found->cause);
    for (unsigned i = 0; i < mail->mail.rcpt_count; i++) {
        struct mote_rcpt *rcpt = &mail->mail.rcpts[i];
        char *text = mail->rcpts[i].text;

        if (rcpt_final(rcpt)) {
            continue;
        }
        rcpt->result.verdict = found->verdict;
        if (found->verdict == MOTE_FAILED) {
            snprintf(text, sizeof mail->rcpts[i].text, "%s", found->why);
        } else {
            snprintf(text, sizeof mail->rcpts[i].text, "%s (%s)", mote_cause_name(found->cause), found->why);
        }
    }
}

/* The domain's, or else the one that has been there longest. */
static struct route *route_of(const char *domain)
{
    struct route *oldest = routes;

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcasecmp(domain, routes[i].domain) == 0) {
            return &routes[i];
        }
        if (routes[i].found_ms < oldest->found_ms) {
            oldest = &routes[i];
        }
    }
    return oldest;
}

/* POLICY P9: where a mail begins is said by a host's place, so each mail has its own order of equals. */
static bool serves(const struct route *one, const struct host_mail *mail, const char *domain)
{
    return one->domain[0] != 0 && strcasecmp(domain, one->domain) == 0 && uptime_now().ms - one->found_ms <= FRESH_MS &&
           (!one->found.drawn || memcmp(one->id, mail->record.id, sizeof one->id) == 0);
}

static void choose_route(struct attempt *attempt, const char *domain)
{
    struct route *one = route_of(domain);
    bool known = serves(one, attempt->mail, domain);

    if (one != route || !known) {
        turn(attempt);
    }
    route = one;
    if (known) {
        mote_dane_know(&route->found);
    } else {
        find(attempt, domain);
    }
}

bool mx_route(struct attempt *attempt)
{
    const struct mote_rcpt *rcpt = domains_waiting(attempt->mail);

    if (!relays_mx(attempt->args)) {
        return true;
    }
    choose_route(attempt, rcpt != NULL ? domain_of_address(rcpt->address) : "");
    take(attempt);
    attempt->relays = &route->relays;
    if (attempt->spool != NULL) {
        throttle_load(attempt->throttle, attempt->spool, attempt->relays);
        throttle_pause(attempt->throttle, attempt->spool, attempt->relays);
    }
    if (route->found.count == 0) {
        refuse(attempt);
    }
    return route->found.count != 0;
}

bool mx_partial(const struct args *args)
{
    return relays_mx(args) && route->found.partial;
}

/* The domain, or else the host that was asked last, is one whose records are not looked up. NULL: neither. */
static const char *exempt_name(const struct attempt *attempt, const struct host_rcpt *rcpt)
{
    const struct args *args = attempt->args;

    return mx_exempt(args, route->domain)                              ? route->domain
           : rcpt->relay != NULL && mx_exempt(args, rcpt->relay->host) ? rcpt->relay->host
                                                                       : NULL;
}

/* A host that no record knows is no relay with a pin. */
static void note_stranger(struct host_rcpt *rcpt, struct mote_result *result)
{
    if (result->cause == MOTE_CAUSE_CERT_PIN && rcpt->relay != NULL) {
        result->cause = MOTE_CAUSE_TLSA;
        snprintf(rcpt->text, sizeof rcpt->text, "no TLSA record knows the certificate of %.255s", rcpt->relay->host);
    }
}

/* POLICY P10: what no host that is known can take, another may. */
static void note_partial(struct host_rcpt *rcpt, const struct mote_result *result)
{
    size_t len = strlen(rcpt->text);

    if (route->found.partial && mote_policy_unfit(result)) {
        snprintf(rcpt->text + len, sizeof rcpt->text - len, " (and of another host: %s)", route->found.why);
    }
}

static void note_exemption(struct host_rcpt *rcpt, const char *name)
{
    size_t len = strlen(rcpt->text);

    snprintf(rcpt->text + len, sizeof rcpt->text - len, " (nodane: DANE was not asked about %.255s)", name);
}

void mx_note(const struct attempt *attempt)
{
    struct host_mail *mail = attempt->mail;

    for (unsigned i = 0; relays_mx(attempt->args) && i < mail->mail.rcpt_count; i++) {
        struct host_rcpt *rcpt = &mail->rcpts[i];
        const char *exempt;

        if (rcpt->reported_before) {
            continue;
        }
        exempt = exempt_name(attempt, rcpt);
        note_stranger(rcpt, &mail->mail.rcpts[i].result);
        note_partial(rcpt, &mail->mail.rcpts[i].result);
        if (exempt != NULL) {
            note_exemption(rcpt, exempt);
        }
    }
}

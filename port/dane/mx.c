/* SPDX-License-Identifier: MIT
 *
 * Who takes mail for a domain (RFC 5321 5.1, RFC 7505), and with which trust (tlsa.c). What DNS does not answer, or answers wrongly, is
 * never taken for "there is none": the host is not asked, or the mail waits. A host that is ourselves ends the list.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "mx_list.h"
#include "posix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unbound.h>

struct search {
    struct mote_dane_domain *found;
    const char *domain;
    const uint8_t *id;
    bool (*exempt)(const void *ctx, const char *name);
    const void *ctx;
    const char *helo;
    const struct mote_trace *trace;
    uint32_t until_ms;
    uint8_t cause;             /* of the first host that DNS did not tell enough of */
    char why[MOTE_DANE_WHY];   /* likewise */
    char loop[MOTE_DANE_NAME]; /* a host that is ourselves; or empty */
};

static void say(const struct search *search, const char *what, const char *rest)
{
    mote_posix_trace_event(search->trace, what, rest);
}

static bool is_ascii(const char *name)
{
    while (*name > 0) {
        name++;
    }
    return *name == 0;
}

/* ---- A host ------------------------------------------------------------------------------------------------------ */

static void note_trouble(struct search *search, const struct mote_dane_answer *answer)
{
    say(search, answer->why, NULL);
    if (search->cause == MOTE_CAUSE_NONE) {
        search->cause = answer->cause;
        snprintf(search->why, sizeof search->why, "%s", answer->why);
    }
}

struct address {
    bool any, secure;           /* all that there are */
    bool own;                   /* one of them, or the name, is this host's */
    struct addrinfo *list;      /* to be given to free() */
    char alias[MOTE_DANE_NAME]; /* of what the host is one, or "" */
};

/* The name an answer is of, where that is another than was asked for; else "". */
static void take_alias(char alias[MOTE_DANE_NAME], const char *name, const struct mote_dane_answer *answer)
{
    const char *canonical = answer->result->canonname;
    size_t len = canonical == NULL ? 0 : strlen(canonical);

    len -= len > 0 && canonical[len - 1] == '.';
    if (len > 0 && len < MOTE_DANE_NAME && (strlen(name) != len || strncasecmp(name, canonical, len) != 0)) {
        memcpy(alias, canonical, len);
        alias[len] = 0;
    }
}

static void take_address(struct address *address, const char *name, const struct mote_dane_answer *answer)
{
    address->secure = answer->secure && (address->secure || !address->any);
    address->any = true;
    take_alias(address->alias, name, answer);
}

static bool is_ourselves(struct search *search, const char *name, const struct addrinfo *addresses)
{
    bool own = mote_dane_ourselves(name, search->helo, addresses);

    if (own) {
        say(search, name, ": that is this host: neither it nor its equals nor those behind it are asked");
        snprintf(search->loop, sizeof search->loop, "%s", name);
    }
    return own;
}

/* False: it has none, or that is not known. */
static bool find_address(struct search *search, const char *name, struct address *address)
{
    struct mote_dane_answer answers[2];

    mote_dane_ask_addresses(answers, name, search->until_ms);
    *address = (struct address){.list = mote_dane_list(answers, 25)};
    for (int i = 0; address->list != NULL && i < 2; i++) {
        if (answers[i].state == MOTE_DANE_DATA) {
            take_address(address, name, &answers[i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (!address->any && answers[i].why[0] != 0) {
            note_trouble(search, &answers[i]);
        }
        mote_dane_free(&answers[i]);
    }
    address->own = is_ourselves(search, name, address->list);
    return address->any;
}

static const char *words_of(uint8_t policy)
{
    return policy == MOTE_DANE_AUTHENTICATED ? ": TLSA records say which certificate it must have"
           : policy == MOTE_DANE_ENCRYPTED   ? ": TLS is required: it has TLSA records, and none that can be used"
           : policy == MOTE_DANE_EXEMPT      ? ": nodane: its TLSA records are not looked up"
                                             : ": no TLSA records: TLS if it offers it, any certificate";
}

static void find_records(struct search *search, struct mote_dane_host *host, const struct address *address)
{
    if (search->exempt != NULL &&
        (search->exempt(search->ctx, search->domain) || search->exempt(search->ctx, host->name))) {
        host->policy = MOTE_DANE_EXEMPT;
        memcpy(host->base, host->name, sizeof host->base);
    } else {
        mote_tlsa_find(host, address->alias[0] != 0 ? address->alias : NULL, address->secure, search->until_ms);
    }
    if (host->policy == MOTE_DANE_UNKNOWN) {
        note_trouble(search, &host->answer);
    } else {
        say(search, host->name, words_of(host->policy));
    }
}

static void forget_host(struct mote_dane_host *host)
{
    mote_dane_free(&host->answer);
    free(host->addresses);
    host->addresses = NULL;
}

static bool is_listed(const struct mote_dane_domain *found, const char *name)
{
    unsigned i = 0;

    while (i < found->count && strcasecmp(found->hosts[i].name, name) != 0) {
        i++;
    }
    return i < found->count;
}

static void list_host(struct mote_dane_domain *found, struct mote_dane_host *host)
{
    struct mote_relay *relay = &found->relays[found->count++];

    *relay = (struct mote_relay){.host = host->name, .port = 25, .tls = MOTE_TLS_STARTTLS};
    mote_tlsa_trust(&relay->trust, host);
}

static void take_host(struct search *search, const struct mote_mx *candidate, const struct address *address)
{
    struct mote_dane_domain *found = search->found;
    struct mote_dane_host *host = &found->hosts[found->count];

    *host = (struct mote_dane_host){.preference = candidate->preference, .addresses = address->list};
    memcpy(host->name, candidate->name, sizeof host->name);
    host->domain = found->mx_secure ? search->domain : NULL;
    host->alias = found->mx_secure && found->alias[0] != 0 ? found->alias : NULL;
    find_records(search, host, address);
    if (host->policy != MOTE_DANE_UNKNOWN) {
        list_host(found, host);
    } else {
        forget_host(host);
    }
}

/* Looks a host up and lists it, if there is room. False: it is ourselves, and the list ends. */
static bool add_host(struct search *search, const struct mote_mx *candidate)
{
    struct address address;

    if (is_listed(search->found, candidate->name)) {
        return true;
    }
    if (!find_address(search, candidate->name, &address) && !address.own && search->cause == MOTE_CAUSE_NONE) {
        say(search, candidate->name, ": it has no address");
    }
    if (address.any && !address.own && search->found->count < MOTE_RELAYS_MAX) {
        take_host(search, candidate, &address);
    } else {
        free(address.list);
    }
    return !address.own;
}

/* ---- The list ---------------------------------------------------------------------------------------------------- */

static void end(struct search *search, uint8_t verdict, uint8_t cause, const char *form)
{
    search->found->verdict = verdict;
    search->found->cause = cause;
    snprintf(search->found->why, sizeof search->found->why, form, search->domain, search->loop);
}

/* Nobody can be asked: why. What DNS did not tell may be a host that takes the mail. */
static void end_without(struct search *search)
{
    struct mote_dane_domain *found = search->found;

    if (search->cause != MOTE_CAUSE_NONE) {
        found->verdict = MOTE_DEFERRED;
        found->cause = search->cause;
        memcpy(found->why, search->why, sizeof found->why);
    } else if (search->loop[0] != 0) {
        end(search, MOTE_FAILED, MOTE_CAUSE_LOOKUP,
            "5.4.6 mail for %.255s would come back to this host: %.255s is its name, its helo or an address");
    } else {
        end(search, MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.4.4 no host that takes mail for %.255s has an address");
    }
}

static void end_list(struct search *search)
{
    struct mote_dane_domain *found = search->found;

    found->partial = found->count != 0 && search->cause != MOTE_CAUSE_NONE;
    if (found->partial) {
        memcpy(found->why, search->why, sizeof found->why);
    } else if (found->count == 0) {
        end_without(search);
    }
}

/* RFC 5321 5.1: where a host is ourselves, neither it nor its equals nor those behind it are asked, whatever the draw. */
static void add_hosts(struct search *search, const struct mote_mx *list, unsigned count)
{
    struct mote_dane_domain *found = search->found;
    unsigned better = 0;             /* hosts listed of a lower preference */
    uint8_t cause = MOTE_CAUSE_NONE; /* search->cause, as it was behind them */

    for (unsigned i = 0; i < count; i++) {
        if (i == 0 || list[i].preference != list[i - 1].preference) {
            better = found->count;
            cause = search->cause;
        }
        if (better == MOTE_RELAYS_MAX) {
            break;
        }
        if (list[i].name[0] != 0 && !add_host(search, &list[i])) {
            found->count = better;
            search->cause = cause;
            break;
        }
    }
}

static void find_mx(struct search *search, const struct mote_dane_answer *answer)
{
    struct mote_dane_domain *found = search->found;
    unsigned count;
    struct mote_mx *list;

    found->mx_secure = answer->secure;
    take_alias(found->alias, search->domain, answer);
    list = mote_mx_list(answer->result, search->id, &count);
    if (list == NULL) {
        end(search, MOTE_DEFERRED, MOTE_CAUSE_NO_MEMORY, "no memory");
        return;
    }
    for (unsigned i = 1; i < count; i++) {
        found->drawn |= list[i].preference == list[i - 1].preference;
    }
    if (answer->result->data[count] != NULL) {
        say(search, "an MX record names what is no host", NULL);
    }
    if (count == 1 && list[0].name[0] == 0) {
        end(search, MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.10 %.255s takes no mail (null MX, RFC 7505)");
    } else {
        add_hosts(search, list, count);
        end_list(search);
    }
    free(list);
}

/* No MX: the domain is its own host. */
static void find_itself(struct search *search, bool secure)
{
    struct mote_mx itself = {.preference = 0};

    search->found->mx_none = true;
    search->found->mx_secure = secure;
    snprintf(itself.name, sizeof itself.name, "%s", search->domain);
    add_host(search, &itself);
    end_list(search);
}

/* [192.0.2.7], [IPv6:2001:db8::7] (RFC 5321 4.1.3). False: it is none. */
static bool read_literal(char address[MOTE_DANE_NAME], const char *text)
{
    unsigned char octets[16];
    bool six = strncasecmp(text, "[IPv6:", 6) == 0;
    size_t len = strlen(text), head = six ? 6 : 1;

    if (len >= MOTE_DANE_NAME || len < head + 1 || text[len - 1] != ']') {
        return false;
    }
    len -= head + 1;
    memcpy(address, text + head, len);
    address[len] = 0;
    return inet_pton(six ? AF_INET6 : AF_INET, address, octets) == 1;
}

/* DNS says nothing of it. */
static void find_literal(struct search *search)
{
    struct mote_dane_domain *found = search->found;
    struct mote_dane_host *host = &found->hosts[0];

    if (!read_literal(host->name, search->domain)) {
        end(search, MOTE_FAILED, MOTE_CAUSE_LOOKUP,
            "5.1.2 %.255s is no address literal, as [192.0.2.7] or [IPv6:2001:db8::7] is");
        return;
    }
    host->addresses = mote_dane_literal(host->name, 25);
    if (host->addresses == NULL) {
        end(search, MOTE_DEFERRED, MOTE_CAUSE_NO_MEMORY, "no memory");
        return;
    }
    if (is_ourselves(search, host->name, host->addresses)) {
        end_without(search);
        return;
    }
    host->policy = MOTE_DANE_OPPORTUNISTIC;
    memcpy(host->base, host->name, sizeof host->base);
    list_host(found, host);
}

static void find_domain(struct search *search)
{
    struct mote_dane_answer answer;

    mote_dane_ask(&answer, search->domain, MOTE_DANE_MX, search->until_ms);
    switch (answer.state) {
    case MOTE_DANE_DATA: find_mx(search, &answer); break;
    case MOTE_DANE_NONE:
        if (answer.result->nxdomain) {
            end(search, MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.2 there is no domain %.255s");
        } else {
            find_itself(search, answer.secure);
        }
        break;
    case MOTE_DANE_NO_NAME: end(search, MOTE_FAILED, MOTE_CAUSE_LOOKUP, "5.1.2 %.255s is no name of DNS"); break;
    default: note_trouble(search, &answer); end_without(search);
    }
    mote_dane_free(&answer);
}

void mote_dane_find(struct mote_dane_domain *found, const char *domain, const uint8_t id[8],
                    bool (*exempt)(const void *ctx, const char *name), const void *ctx, const char *helo,
                    const struct mote_trace *trace)
{
    struct search search = {
        .found = found,
        .domain = domain,
        .id = id,
        .exempt = exempt,
        .ctx = ctx,
        .helo = helo,
        .trace = trace,
        .until_ms = mote_posix_now_ms() + MOTE_QUESTIONS_S * UINT32_C(1000),
        .cause = MOTE_CAUSE_NONE,
    };

    mote_dane_forget(found);
    mote_dane_know(found);
    if (domain[0] == '[') {
        find_literal(&search);
    } else if (!is_ascii(domain)) {
        end(&search, MOTE_FAILED, MOTE_CAUSE_LOOKUP,
            "5.1.2 %.255s is not ASCII: give the domain as DNS has it (xn--...)");
    } else {
        find_domain(&search);
    }
}

void mote_dane_forget(struct mote_dane_domain *found)
{
    for (unsigned i = 0; i < MOTE_RELAYS_MAX; i++) {
        forget_host(&found->hosts[i]);
    }
    memset(found, 0, sizeof *found);
}

/* SPDX-License-Identifier: MIT
 *
 * One question to DNS, answered in bounded time, and validated. libunbound asks the name servers of /etc/resolv.conf, and believes
 * them nothing that the anchor does not prove. Names that are addresses, or stand in /etc/hosts, are asked of nobody.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "posix.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

enum { CLASS_IN = 1, RCODE_NOERROR = 0, RCODE_NXDOMAIN = 3 };

static struct ub_ctx *resolver;
static const char *anchor;

void mote_dane_anchor(const char *file)
{
    anchor = file;
}

/* Its thread takes no signals: they are for the program. NULL: there is no memory, or the anchor cannot be used. */
static struct ub_ctx *open_resolver(void)
{
    struct ub_ctx *ctx = ub_ctx_create();

    if (ctx == NULL) {
        return NULL;
    }
    ub_ctx_resolvconf(ctx, NULL); /* where there is none, from the root on */
    ub_ctx_hosts(ctx, NULL);
    if ((anchor != NULL && ub_ctx_add_ta_file(ctx, anchor) != 0) || ub_ctx_async(ctx, 1) != 0) {
        ub_ctx_delete(ctx);
        return NULL;
    }
    return ctx;
}

struct question {
    bool over;
    int error; /* libunbound's */
    struct ub_result *result;
};

static void take(void *to, int error, struct ub_result *result)
{
    struct question *question = to;

    question->over = true;
    question->error = error;
    question->result = error == 0 ? result : NULL;
}

/* Until the answer is there, or the time is over. */
static void wait_for(struct question *question, int id, uint32_t until_ms)
{
    struct pollfd fd = {.fd = ub_fd(resolver), .events = POLLIN};

    while (!question->over) {
        int32_t left_ms = (int32_t)(until_ms - mote_posix_now_ms());

        if (left_ms <= 0 || (poll(&fd, 1, left_ms) > 0 && ub_process(resolver) != 0)) {
            ub_cancel(resolver, id);
            break;
        }
    }
}

static struct question ask(const char *name, int type, uint32_t until_ms)
{
    struct question question = {.error = UB_INITFAIL};
    sigset_t all, before;
    int id = 0;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    if (resolver == NULL) {
        resolver = open_resolver();
    }
    if (resolver != NULL) {
        question.error = ub_resolve_async(resolver, name, type, CLASS_IN, &question, take, &id);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (question.error == 0) {
        wait_for(&question, id, until_ms);
    }
    return question;
}

static void judge(struct mote_dane_answer *answer, const struct ub_result *result)
{
    answer->secure = result->secure != 0;
    if (result->bogus) {
        answer->state = MOTE_DANE_BOGUS;
    } else if (result->havedata) {
        answer->state = MOTE_DANE_DATA;
    } else if (result->rcode == RCODE_NOERROR || result->rcode == RCODE_NXDOMAIN) {
        answer->state = MOTE_DANE_NONE;
    }
}

static const char *type_name(int type)
{
    return type == MOTE_DANE_MX ? "MX" : type == MOTE_DANE_TLSA ? "TLSA" : type == MOTE_DANE_AAAA ? "AAAA" : "A";
}

static void tell(struct mote_dane_answer *answer, const char *name, int type, int error)
{
    const char *bogus = answer->result != NULL ? answer->result->why_bogus : NULL;
    const char *why = answer->state == MOTE_DANE_BOGUS ? "refused by DNSSEC"
                      : error != 0                     ? ub_strerror(error)
                      : answer->result == NULL         ? "no name server answered in time"
                                                       : "the name servers have no answer (SERVFAIL)";

    snprintf(answer->why, sizeof answer->why, "%s of %.255s: %s%s%s", type_name(type), name, why,
             bogus != NULL ? ": " : "", bogus != NULL ? bogus : "");
}

void mote_dane_ask(struct mote_dane_answer *answer, const char *name, int type, uint32_t until_ms)
{
    uint32_t own_ms = mote_posix_now_ms() + MOTE_QUESTION_S * UINT32_C(1000);
    struct question question = ask(name, type, (int32_t)(until_ms - own_ms) < 0 ? until_ms : own_ms);

    *answer = (struct mote_dane_answer){.state = MOTE_DANE_NO, .result = question.result};
    if (answer->result != NULL) {
        judge(answer, answer->result);
    }
    if (answer->state != MOTE_DANE_DATA && answer->state != MOTE_DANE_NONE) {
        tell(answer, name, type, question.error);
        mote_dane_free(answer);
    }
}

void mote_dane_free(struct mote_dane_answer *answer)
{
    ub_resolve_free(answer->result);
    answer->result = NULL;
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

/* One piece of memory, the first of them at its beginning. */
struct place {
    struct addrinfo info;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
};

struct places {
    struct place *list;
    unsigned count;
    uint16_t port;
};

static void add(struct places *places, int family, socklen_t len)
{
    struct place *place = &places->list[places->count++];

    if (places->count > 1) {
        place[-1].info.ai_next = &place->info;
    }
    place->info.ai_family = family;
    place->info.ai_socktype = SOCK_STREAM;
    place->info.ai_addr = &place->address.any;
    place->info.ai_addrlen = len;
}

static void add_each(struct places *places, const struct mote_dane_answer *answer, int type)
{
    size_t len = type == MOTE_DANE_A ? 4 : 16;

    for (int i = 0; answer->state == MOTE_DANE_DATA && answer->result->data[i] != NULL; i++) {
        struct place *place = &places->list[places->count];

        if (places->count == MOTE_POSIX_ADDRESSES || answer->result->len[i] != (int)len) {
            continue;
        }
        if (type == MOTE_DANE_A) {
            place->address.v4.sin_family = AF_INET;
            place->address.v4.sin_port = htons(places->port);
            memcpy(&place->address.v4.sin_addr, answer->result->data[i], len);
            add(places, AF_INET, sizeof place->address.v4);
        } else {
            place->address.v6.sin6_family = AF_INET6;
            place->address.v6.sin6_port = htons(places->port);
            memcpy(&place->address.v6.sin6_addr, answer->result->data[i], len);
            add(places, AF_INET6, sizeof place->address.v6);
        }
    }
}

/* A host that is an address itself; the system asks nobody for that. */
static void add_literal(struct places *places, const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *list;
    char service[8];

    snprintf(service, sizeof service, "%u", (unsigned)places->port);
    if (getaddrinfo(host, service, &hints, &list) == 0) {
        if (list->ai_addrlen <= sizeof places->list->address) {
            memcpy(&places->list->address, list->ai_addr, list->ai_addrlen);
            add(places, list->ai_family, list->ai_addrlen);
        }
        freeaddrinfo(list);
    }
}

/* As where getaddrinfo() is asked: who does not answer is our own trouble (POLICY P12). */
static uint8_t cause_of(uint8_t state)
{
    return state == MOTE_DANE_BOGUS ? MOTE_CAUSE_BOGUS
           : state == MOTE_DANE_NO  ? MOTE_CAUSE_NO_NETWORK
                                    : MOTE_CAUSE_LOOKUP;
}

static void ask_each(struct places *places, const char *host, const struct mote_trace *trace, uint8_t *cause)
{
    static const int types[] = {MOTE_DANE_AAAA, MOTE_DANE_A};
    uint32_t until_ms = mote_posix_now_ms() + MOTE_QUESTIONS_S * UINT32_C(1000);
    struct mote_dane_answer answer;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        mote_dane_ask(&answer, host, types[i], until_ms);
        add_each(places, &answer, types[i]);
        if (answer.why[0] != 0) {
            mote_posix_trace_event(trace, answer.why, NULL);
            *cause = cause_of(answer.state);
        }
        mote_dane_free(&answer);
    }
    if (places->count == 0 && *cause == MOTE_CAUSE_LOOKUP) {
        mote_posix_trace_event(trace, host, ": it has no address");
    }
}

struct addrinfo *mote_dane_addresses(const char *host, uint16_t port, const struct mote_trace *trace, uint8_t *cause)
{
    struct places places = {calloc(MOTE_POSIX_ADDRESSES, sizeof *places.list), 0, port};

    if (places.list == NULL) {
        *cause = MOTE_CAUSE_NO_MEMORY;
        return NULL;
    }
    *cause = MOTE_CAUSE_LOOKUP;
    add_literal(&places, host);
    if (places.count == 0) {
        ask_each(&places, host, trace, cause);
    }
    if (places.count == 0) {
        free(places.list);
        return NULL;
    }
    return &places.list->info; /* to be given to free() */
}

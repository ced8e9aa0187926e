/* SPDX-License-Identifier: MIT
 *
 * One question to DNS, answered in bounded time, and validated. libunbound asks the name servers of /etc/resolv.conf, and believes
 * them nothing that the anchor does not prove. /etc/hosts says nothing: what it has would be as what nobody has signed.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "anchor.h"
#include "network.h"
#include "posix.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CLASS_IN = 1, RCODE_NOERROR = 0, RCODE_NXDOMAIN = 3 };

static struct ub_ctx *resolver;
static struct {
    bool given;
    const char *file;
} anchor;

/* A name server that was silent is asked again with the next question; names that others may have signed are asked like any; and
 * however many iterations NSEC3 has, what it denies is looked at: above a limit it would deny anything, as in a zone that is not signed. */
static bool set_options(struct ub_ctx *ctx)
{
    return ub_ctx_debugout(ctx, NULL) == 0 && /* what it says of name servers is for nobody who sends mail */
           ub_ctx_set_option(ctx, "infra-host-ttl:", "0") == 0 &&
           ub_ctx_set_option(ctx, "val-nsec3-keysize-iterations:", "1024 65535") == 0 &&
           ub_ctx_set_option(ctx, "local-zone:", "test. nodefault") == 0 &&
           ub_ctx_set_option(ctx, "local-zone:", "home.arpa. nodefault") == 0;
}

/* One that libunbound cannot ask is passed over, as by libc. Its own reader of the file ends there, and drops scopes. */
static bool add_server(void *ctx, const char *address)
{
    ub_ctx_set_fwd(ctx, address);
    return false;
}

/* NULL: there is no memory, or, and why, the anchor cannot be used. */
static struct ub_ctx *open_resolver(char why[MOTE_DANE_WHY])
{
    struct ub_ctx *ctx = ub_ctx_create();
    bool good = ctx != NULL && set_options(ctx);

    if (good && anchor.given) {
        good = mote_dane_add_anchor(ctx, anchor.file, why);
    }
    if (good) {
        mote_dane_servers(add_server, ctx); /* where there is none, from the root on */
        good = ub_ctx_async(ctx, 1) == 0 && ub_ctx_zone_remove(ctx, "test.") == 0; /* which has it read the anchor */
    }
    if (!good && ctx != NULL) {
        ub_ctx_delete(ctx);
        ctx = NULL;
    }
    return ctx;
}

bool mote_dane_anchor(const char *file, char why[MOTE_DANE_WHY])
{
    struct ub_ctx *ctx;

    anchor.given = true;
    anchor.file = file;
    snprintf(why, MOTE_DANE_WHY, "libunbound refuses %s%.255s, or has no memory", file != NULL ? "dnssec-anchor " : "",
             file != NULL ? file : "the root's keys");
    ctx = open_resolver(why);
    if (ctx != NULL) {
        ub_ctx_delete(ctx);
    }
    return ctx != NULL;
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

/* libunbound's thread takes no signals: they are for the program. */
static struct question ask(const char *name, int type, uint32_t until_ms)
{
    struct question question = {.error = UB_INITFAIL};
    sigset_t all, before;
    char why[MOTE_DANE_WHY];
    int id = 0;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    if (resolver == NULL) {
        resolver = open_resolver(why);
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
    return type == MOTE_DANE_MX      ? "MX"
           : type == MOTE_DANE_TLSA  ? "TLSA"
           : type == MOTE_DANE_AAAA  ? "AAAA"
           : type == MOTE_DANE_CNAME ? "CNAME"
                                     : "A";
}

/* A clock that goes on from the last shutdown is behind the signatures of the anchor's own keys. */
static bool clock_behind(const struct ub_result *result)
{
    const char *why = result->why_bogus;

    return mote_posix_unix_s() == 0 ||
           (why != NULL && strstr(why, "before inception") != NULL && strstr(why, "trust anchor") != NULL);
}

static uint8_t cause_of(const struct mote_dane_answer *answer)
{
    if (answer->state == MOTE_DANE_BOGUS) {
        return clock_behind(answer->result) ? MOTE_CAUSE_NO_TIME : MOTE_CAUSE_BOGUS;
    }
    return answer->state == MOTE_DANE_NO && mote_dane_cut_off() ? MOTE_CAUSE_NO_NETWORK : MOTE_CAUSE_DNS;
}

static void tell(struct mote_dane_answer *answer, const char *name, int type, int error)
{
    const char *bogus = answer->result != NULL ? answer->result->why_bogus : NULL;
    const char *why = answer->cause == MOTE_CAUSE_NO_TIME ? "not validated: this host's clock is not set, or behind"
                      : answer->cause == MOTE_CAUSE_BOGUS ? "refused by DNSSEC"
                      : answer->cause == MOTE_CAUSE_NO_NETWORK ? "there is no way to a name server"
                      : error != 0                             ? ub_strerror(error)
                      : answer->result == NULL                 ? "no name server answered in time"
                                               : "the name servers have no answer (SERVFAIL), or refuse";

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
    if (question.error == UB_SYNTAX) {
        answer->state = MOTE_DANE_NO_NAME;
    }
    if (answer->state != MOTE_DANE_DATA && answer->state != MOTE_DANE_NONE) {
        answer->cause = cause_of(answer);
        tell(answer, name, type, question.error);
        mote_dane_free(answer);
    }
}

void mote_dane_free(struct mote_dane_answer *answer)
{
    ub_resolve_free(answer->result);
    answer->result = NULL;
}

/* SPDX-License-Identifier: MIT
 *
 * In place of getaddrinfo(), and in bounded time: what is connected to. Addresses of a domain's host are those that were found with it.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "posix.h"

static const struct mote_dane_domain *dialled;

void mote_dane_dial(const struct mote_dane_domain *found)
{
    dialled = found;
}

/* A relay is no such host, though it may be of that name: hosts are told by their names' places, as relays are copied. */
static const struct mote_dane_host *find_host(const char *name)
{
    for (unsigned i = 0; dialled != NULL && i < dialled->count; i++) {
        if (dialled->hosts[i].name == name) {
            return &dialled->hosts[i];
        }
    }
    return NULL;
}

/* As where getaddrinfo() is asked: who does not answer is our own trouble (POLICY P12). */
static struct addrinfo *ask(const char *host, uint16_t port, const struct mote_trace *trace, uint8_t *cause)
{
    struct mote_dane_answer answers[2];
    struct addrinfo *list;

    mote_dane_ask_addresses(answers, host, mote_posix_now_ms() + 2 * MOTE_QUESTION_S * UINT32_C(1000));
    list = mote_dane_list(answers, port);
    *cause = MOTE_CAUSE_LOOKUP;
    for (int i = 0; i < 2; i++) {
        if (answers[i].why[0] != 0) {
            mote_posix_trace_event(trace, answers[i].why, NULL);
            *cause = answers[i].cause == MOTE_CAUSE_DNS ? MOTE_CAUSE_NO_NETWORK : answers[i].cause;
        }
        mote_dane_free(&answers[i]);
    }
    if (list == NULL && *cause == MOTE_CAUSE_LOOKUP) {
        mote_posix_trace_event(trace, host, ": it has no address");
    }
    return list;
}

struct addrinfo *mote_dane_addresses(const char *host, uint16_t port, const struct mote_trace *trace, uint8_t *cause)
{
    const struct mote_dane_host *known = find_host(host);
    struct addrinfo *list;

    if (known != NULL) { /* another answer could be of a host that nobody has looked at */
        *cause = MOTE_CAUSE_NO_MEMORY;
        return mote_dane_copy(known->addresses);
    }
    list = mote_dane_literal(host, port); /* the system asks nobody for that */
    return list != NULL ? list : ask(host, port, trace, cause);
}

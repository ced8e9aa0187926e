/* SPDX-License-Identifier: MIT
 *
 * A cause in words for who is at the command line: what is known of it there, and what to do.
 */
#define _GNU_SOURCE

#include "explain.h"

#include <stdio.h>
#include <time.h>

/* The dates of a certificate are looked at by our own clock: it may be the one that is wrong. */
static void explain_date(char *text, size_t cap, const char *cause)
{
    time_t now = time(NULL);
    struct tm utc = {0};
    char date[32] = "?";

    if (gmtime_r(&now, &utc) != NULL) {
        strftime(date, sizeof date, "%Y-%m-%d", &utc);
    }
    snprintf(text, cap, "%s: this system's clock says %s%s", cause, date, now < MOTE_BUILT_S ? ": set it" : "");
}

static void explain_size(char *text, size_t cap, uint32_t size, uint32_t limit)
{
    int len = snprintf(text, cap, "the mail has %lu octets, more than the relay takes", (unsigned long)size);

    if (limit != 0) {
        snprintf(text + len, cap - (size_t)len, ": %lu", (unsigned long)limit);
    }
}

/* A relay that is silent may be waiting for TLS. */
static bool waits_for_tls(const struct mote_relay *relay, const struct mote_result *result)
{
    return result->step == MOTE_STEP_GREETING && relay != NULL && relay->tls != MOTE_TLS_IMPLICIT &&
           (result->cause == MOTE_CAUSE_TIMEOUT || result->cause == MOTE_CAUSE_DEADLINE);
}

void explain(struct host_rcpt *rcpt, const struct mote_result *result, uint32_t size, const struct dialogue *dialogue,
             const char *reply)
{
    const char *doubt = result->verdict == MOTE_IN_DOUBT ? "the mail may have arrived: " : "";
    const char *cause = mote_cause_name(result->cause), *event = dialogue->event;
    size_t cap = sizeof rcpt->text;

    if (result->cause == MOTE_CAUSE_CERT_DATE || result->cause == MOTE_CAUSE_NO_TIME) {
        explain_date(rcpt->text, cap, cause);
    } else if (result->cause == MOTE_CAUSE_TOO_BIG) {
        explain_size(rcpt->text, cap, size, dialogue->size_limit);
    } else if (waits_for_tls(rcpt->relay, result)) {
        snprintf(rcpt->text, cap, "%s, at %s: does it want TLS from the first octet (--tls implicit, or tls=implicit)?",
                 cause, mote_step_name(result->step));
    } else if (result->step != MOTE_STEP_CONNECT && result->verdict != MOTE_MISUSE) {
        snprintf(rcpt->text, cap, "%s%s, at %s%s%s", doubt, cause, mote_step_name(result->step),
                 *reply == 0 ? "" : ": ", reply);
    } else if (event[0] != 0) {
        snprintf(rcpt->text, cap, "%s (%s)", cause, event);
    } else {
        snprintf(rcpt->text, cap, "%s", cause); /* nobody was asked */
    }
}

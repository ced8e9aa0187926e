/* SPDX-License-Identifier: MIT
 *
 * What the trace is told besides the dialogue, as who '*': addresses tried, and what the TLS handshake agreed on, between
 * the lines where it happened. Nothing here changes a conversation.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"
#ifdef MOTE_DANE
#include "dane.h"
#endif

#include <stdio.h>

struct suite {
    uint16_t id;
    const char *name;
};

#define SUITE(name)                                                                                                    \
    {                                                                                                                  \
        BR_TLS_##name, #name                                                                                           \
    }

static const struct suite suites[] = {
    SUITE(ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    SUITE(ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    SUITE(ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    SUITE(ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    SUITE(ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    SUITE(ECDHE_ECDSA_WITH_AES_128_CBC_SHA256),
    SUITE(ECDHE_RSA_WITH_AES_128_CBC_SHA256),
    SUITE(ECDHE_ECDSA_WITH_AES_256_CBC_SHA384),
    SUITE(ECDHE_RSA_WITH_AES_256_CBC_SHA384),
    SUITE(ECDHE_ECDSA_WITH_AES_128_CBC_SHA),
    SUITE(ECDHE_RSA_WITH_AES_128_CBC_SHA),
    SUITE(ECDHE_ECDSA_WITH_AES_256_CBC_SHA),
    SUITE(ECDHE_RSA_WITH_AES_256_CBC_SHA),
    SUITE(RSA_WITH_AES_128_GCM_SHA256),
    SUITE(RSA_WITH_AES_256_GCM_SHA384),
    SUITE(RSA_WITH_AES_128_CBC_SHA256),
    SUITE(RSA_WITH_AES_128_CBC_SHA),
};

void mote_posix_trace_event(const struct mote_trace *trace, const char *text, const char *rest)
{
    char line[400];
    int len;

    if (trace == NULL || trace->octets == NULL) {
        return;
    }
    len = snprintf(line, sizeof line, "%s%s", text, rest == NULL ? "" : rest);
    if (len >= (int)sizeof line) {
        len = (int)sizeof line - 1;
    }
    if (len > 0) {
        trace->octets(trace->ctx, '*', MOTE_STEP_CONNECT, line, (size_t)len);
    }
}

static void trace_handshake(const struct mote_posix_tracer *tracer)
{
    const struct mote_trust *trust = &tracer->session->relay->trust;
    const char *suite = "a cipher suite without a name";
    br_ssl_session_parameters agreed;
    char text[80];

    br_ssl_engine_get_session_parameters(&tracer->session->client.eng, &agreed);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (suites[i].id == agreed.cipher_suite) {
            suite = suites[i].name;
        }
    }
    snprintf(text, sizeof text, "TLS 1.%u, %s", (unsigned)(agreed.version - BR_TLS10), suite);
#ifdef MOTE_DANE
    if (trust->pins != NULL && trust->pin_count == 0) {
        char words[MOTE_TLSA_WORDS];

        mote_tlsa_words(words);
        mote_posix_trace_event(tracer->trace, text, words);
        return;
    }
#endif
    mote_posix_trace_event(tracer->trace, text,
                           trust->opportunistic ? ", certificate not checked"
                           : trust->chain       ? ", certificate verified"
                                                : ", the pinned key");
}

static void pass_on(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    struct mote_posix_tracer *tracer = ctx;

    if (tracer->trace == NULL) { /* between two attempts */
        return;
    }
    if (!tracer->handshake_told && (tracer->session->engine.tls & MOTE_TLS_SECURED) != 0) {
        tracer->handshake_told = true;
        trace_handshake(tracer);
    }
    tracer->trace->octets(tracer->trace->ctx, who, step, data, len);
}

struct mote_trace mote_posix_trace_wrap(struct mote_posix_tracer *tracer, const struct mote_session *session,
                                        const struct mote_trace *trace)
{
    struct mote_trace through = {NULL, NULL};

    if (trace != NULL && trace->octets != NULL) {
        *tracer = (struct mote_posix_tracer){trace, session, false};
        through = (struct mote_trace){pass_on, tracer};
    }
    return through;
}

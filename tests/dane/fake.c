/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE

#include "fake.h"

#include "network.h"
#include "posix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unbound.h>

struct fake fake;

/* ---- What is answered -------------------------------------------------------------------------------------------- */

enum { ANSWERS = 256, DATA = 200, OCTETS = 300 };

struct answer {
    char name[300], canonical[300];
    int type;
    unsigned how, count;
    int len[DATA];
    unsigned char *octets[DATA];
};
static struct answer answers[ANSWERS];
static unsigned answer_count;

void fake_clear(void)
{
    for (unsigned i = 0; i < answer_count; i++) {
        while (answers[i].count != 0) {
            free(answers[i].octets[--answers[i].count]);
        }
    }
    answer_count = 0;
    fake.now_ms = UINT32_MAX - 50000; /* which goes round */
    fake.unix_s = 2000000000;
    fake.why_bogus = "signature expired";
    fake.cut_off = fake.interrupted = fake.no_memory = false;
    fake.asked = 0;
}

void fake_answer(const char *name, int type, unsigned how)
{
    struct answer *answer = &answers[answer_count++];

    answer->canonical[0] = 0;
    answer->count = 0;
    snprintf(answer->name, sizeof answer->name, "%s", name);
    answer->type = type;
    answer->how = how;
}

void fake_alias(const char *canonical)
{
    snprintf(answers[answer_count - 1].canonical, sizeof answers->canonical, "%s", canonical);
}

void fake_data(const void *octets, size_t len)
{
    struct answer *answer = &answers[answer_count - 1];

    answer->octets[answer->count] = malloc(len + 1);
    memcpy(answer->octets[answer->count], octets, len);
    answer->len[answer->count++] = (int)len;
}

void fake_mx(unsigned preference, const char *host)
{
    unsigned char octets[OCTETS] = {(unsigned char)(preference >> 8), (unsigned char)preference};
    size_t used = 2;

    while (*host != 0) {
        size_t label = strcspn(host, ".");

        octets[used++] = (unsigned char)label;
        memcpy(octets + used, host, label);
        used += label;
        host += label + (host[label] == '.');
    }
    octets[used++] = 0;
    fake_data(octets, used);
}

void fake_tlsa(unsigned usage, unsigned selector, unsigned matching, size_t len)
{
    unsigned char *octets = calloc(len + 3, 1);

    memcpy(octets, ((unsigned char[]){(unsigned char)usage, (unsigned char)selector, (unsigned char)matching}), 3);
    fake_data(octets, len);
    free(octets);
}

void fake_host(const char *name, unsigned how, const char *address)
{
    unsigned char octets[16];
    bool six = strchr(address, ':') != NULL;

    fake_answer(name, six ? MOTE_DANE_AAAA : MOTE_DANE_A, how);
    inet_pton(six ? AF_INET6 : AF_INET, address, octets);
    fake_data(octets, six ? 16 : 4);
}

/* ---- libunbound -------------------------------------------------------------------------------------------------- */

static struct {
    void *to;
    ub_callback_type call;
    struct ub_result *result; /* NULL: nobody answers */
} pending;

static struct ub_result *result_of(const struct answer *answer)
{
    struct ub_result *result = calloc(1, sizeof *result);
    unsigned how = answer == NULL ? SECURE : answer->how, count = answer == NULL ? 0 : answer->count;

    result->data = calloc(count + 1, sizeof *result->data);
    result->len = calloc(count + 1, sizeof *result->len);
    for (unsigned i = 0; i < count; i++) { /* in memory of its own size */
        result->data[i] = malloc((size_t)answer->len[i] + 1);
        memcpy(result->data[i], answer->octets[i], (size_t)answer->len[i]);
        result->len[i] = answer->len[i];
    }
    result->secure = (how & SECURE) != 0;
    result->bogus = (how & BOGUS) != 0;
    result->why_bogus = result->bogus ? strdup(fake.why_bogus) : NULL;
    result->nxdomain = (how & NXDOMAIN) != 0;
    result->rcode = (how & SERVFAIL) != 0 ? 2 : (how & NXDOMAIN) != 0 ? 3 : 0;
    result->havedata = count != 0 && result->rcode == 0;
    result->canonname = answer != NULL && answer->canonical[0] != 0 ? strdup(answer->canonical) : NULL;
    fake.results++;
    return result;
}

int ub_resolve_async(struct ub_ctx *ctx, const char *name, int type, int class, void *to, ub_callback_type call,
                     int *id)
{
    const struct answer *found = NULL;

    (void)ctx, (void)class;
    fake.asked++;
    *id = 1;
    for (unsigned i = 0; i < answer_count; i++) {
        if (strcasecmp(answers[i].name, name) == 0 && answers[i].type == type) {
            found = &answers[i];
        }
    }
    if (found != NULL && (found->how & SYNTAX) != 0) {
        return UB_SYNTAX;
    }
    pending.to = to;
    pending.call = call;
    pending.result = found != NULL && (found->how & SILENT) != 0 ? NULL : result_of(found);
    return 0;
}

int ub_process(struct ub_ctx *ctx)
{
    (void)ctx;
    pending.call(pending.to, 0, pending.result);
    return 0;
}

void ub_resolve_free(struct ub_result *result)
{
    if (result != NULL) {
        for (unsigned i = 0; result->data[i] != NULL; i++) {
            free(result->data[i]);
        }
        free(result->data);
        free(result->len);
        free(result->canonname);
        free(result->why_bogus);
        free(result);
        fake.results--;
    }
}

struct ub_ctx *ub_ctx_create(void)
{
    fake.anchors = 0;
    fake.silent = false;
    fake.servers[0] = 0;
    fake.options[0] = 0;
    return malloc(1);
}

void ub_ctx_delete(struct ub_ctx *ctx)
{
    free(ctx);
}

int ub_ctx_add_ta(struct ub_ctx *ctx, const char *key)
{
    (void)ctx;
    fake.anchors++;
    snprintf(fake.anchor, sizeof fake.anchor, "%s", key);
    return 0;
}

int ub_ctx_debugout(struct ub_ctx *ctx, void *file)
{
    (void)ctx;
    fake.silent = file == NULL;
    return 0;
}

/* As the real one: what is no address is refused. */
int ub_ctx_set_fwd(struct ub_ctx *ctx, const char *address)
{
    size_t used = strlen(fake.servers);

    (void)ctx;
    if (strspn(address, "0123456789.") == strlen(address)) {
        snprintf(fake.servers + used, sizeof fake.servers - used, "%s\n", address);
        return 0;
    }
    return UB_SYNTAX;
}

int ub_ctx_set_option(struct ub_ctx *ctx, const char *name, const char *value)
{
    size_t used = strlen(fake.options);

    (void)ctx;
    snprintf(fake.options + used, sizeof fake.options - used, "%s %s\n", name, value);
    return 0;
}

int ub_ctx_async(struct ub_ctx *ctx, int thread)
{
    (void)ctx, (void)thread;
    return 0;
}

int ub_ctx_zone_remove(struct ub_ctx *ctx, const char *name)
{
    (void)ctx, (void)name;
    return 0;
}

int ub_fd(struct ub_ctx *ctx)
{
    (void)ctx;
    return 0;
}

int ub_cancel(struct ub_ctx *ctx, int id)
{
    (void)ctx, (void)id;
    ub_resolve_free(pending.result);
    pending.result = NULL;
    return 0;
}

const char *ub_strerror(int error)
{
    return error == UB_SYNTAX ? "syntax error" : "error";
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fake.no_memory && count == MOTE_POSIX_ADDRESSES ? NULL : __real_calloc(count, size);
}

/* ---- Time, and the system ---------------------------------------------------------------------------------------- */

uint32_t mote_posix_now_ms(void)
{
    return fake.now_ms;
}

uint64_t mote_posix_unix_s(void)
{
    return fake.unix_s;
}

bool mote_dane_servers(bool (*use)(void *ctx, const char *address), void *ctx)
{
    return use(ctx, "dns.example") || use(ctx, "192.0.2.53") || use(ctx, "192.0.2.54");
}

bool mote_dane_cut_off(void)
{
    return fake.cut_off;
}

int poll(struct pollfd *fds, nfds_t count, int limit_ms)
{
    (void)fds, (void)count;
    if (pending.result != NULL) {
        fake.now_ms += 10;
        return 1;
    }
    if (fake.interrupted && limit_ms > 1000) {
        fake.now_ms += 1000;
        errno = EINTR;
        return -1;
    }
    fake.now_ms += (uint32_t)limit_ms;
    return 0;
}

static struct sockaddr_in own_v4 = {.sin_family = AF_INET};
static struct sockaddr_in6 own_v6 = {.sin6_family = AF_INET6};

int getifaddrs(struct ifaddrs **list)
{
    static struct ifaddrs own[3] = {{.ifa_addr = (struct sockaddr *)&own_v4}, {.ifa_addr = (struct sockaddr *)&own_v6}};

    inet_pton(AF_INET, "198.51.100.1", &own_v4.sin_addr);
    inet_pton(AF_INET6, "2001:db8::1", &own_v6.sin6_addr);
    own[0].ifa_next = &own[1];
    own[1].ifa_next = &own[2]; /* an interface without an address */
    *list = own;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    (void)list;
}

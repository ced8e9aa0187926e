/* SPDX-License-Identifier: MIT
 *
 * A connection to a relay that is asked and not trusted: it takes any certificate and keeps the chain, and it measures the
 * records. Nothing secret passes here. One time limit holds for all of it.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "../../port/posix/posix.h"
#include "probe_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHAIN_MAX = 12, CERTIFICATE_MAX = 1 << 16, SHORT_RECORDS = 9 };

/* RFC 5246, RFC 6066 */
enum { RECORD_CHANGE = 20, RECORD_LAST = 23, SERVER_HELLO = 2, MAX_FRAGMENT_LENGTH = 1 };

/* ---- Octets ------------------------------------------------------------------------------------------------------ */

static bool wait_for(const struct link *link, short events)
{
    struct pollfd wanted = {.fd = link->fd, .events = events};
    uint32_t passed_ms;
    int ready;

    do {
        passed_ms = mote_posix_now_ms() - link->start_ms;
        ready = passed_ms < link->limit_ms ? poll(&wanted, 1, (int)(link->limit_ms - passed_ms)) : 0;
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static void measure(struct link *link, const unsigned char *octets, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (link->left != 0) {
            link->left--;
            if (!link->encrypted && link->hello_len < sizeof link->hello) {
                link->hello[link->hello_len++] = octets[i];
            }
            continue;
        }
        link->header[link->head++] = octets[i];
        if (link->head == sizeof link->header) {
            link->head = 0;
            link->no_tls |= link->header[0] < RECORD_CHANGE || link->header[0] > RECORD_LAST;
            link->left = (size_t)link->header[3] << 8 | link->header[4];
            if (link->encrypted && link->left + sizeof link->header > link->record) {
                link->record = link->left + sizeof link->header;
            }
            link->encrypted |= link->header[0] == RECORD_CHANGE;
        }
    }
}

static int read_socket(void *ctx, unsigned char *to, size_t len)
{
    struct link *link = ctx;
    bool ready = wait_for(link, POLLIN);
    ssize_t got = ready ? recv(link->fd, to, len, 0) : -1;

    link->heard |= got > 0;
    link->closed |= ready && got <= 0;
    if (got <= 0) {
        return -1;
    }
    if (link->in_tls) {
        measure(link, to, (size_t)got);
    }
    return (int)got;
}

static int write_socket(void *ctx, const unsigned char *from, size_t len)
{
    struct link *link = ctx;
    bool ready = wait_for(link, POLLOUT);
    ssize_t put = ready ? send(link->fd, from, len, MSG_NOSIGNAL) : -1;

    link->closed |= ready && put < 0;
    return put > 0 ? (int)put : -1;
}

/* ---- SMTP -------------------------------------------------------------------------------------------------------- */

static bool write_all(struct link *link, const char *text, size_t len)
{
    if (link->secured) {
        return br_sslio_write_all(&link->io, text, len) == 0 && br_sslio_flush(&link->io) == 0;
    }
    while (len > 0) {
        int put = write_socket(link, (const unsigned char *)text, len);

        if (put < 0) {
            return false;
        }
        text += put;
        len -= (size_t)put;
    }
    return true;
}

/* "250 " or "250-", three digits; the code, or 0: the line has an end, which is no digit. */
static unsigned code_of(const char *line)
{
    unsigned code = 0;

    for (size_t i = 0; i < 3; i++) {
        if (line[i] < '0' || line[i] > '9') {
            return 0;
        }
        code = code * 10 + (unsigned)(line[i] - '0');
    }
    return code;
}

/* The last line has no '-' behind its code. It is read octet by octet: behind the reply to STARTTLS come TLS records. */
unsigned link_reply(struct link *link)
{
    size_t line = 0;
    unsigned code;

    link->reply_len = 0;
    while (link->reply_len + 1 < sizeof link->reply) {
        char *to = link->reply + link->reply_len;
        int got = link->secured ? br_sslio_read(&link->io, to, 1) : read_socket(link, (unsigned char *)to, 1);

        if (got <= 0) {
            break;
        }
        link->reply_len++;
        if (*to != '\n') {
            continue;
        }
        code = code_of(link->reply + line);
        if (code == 0 || link->reply[line + 3] != '-') {
            link->reply[link->reply_len] = 0;
            return code;
        }
        line = link->reply_len;
    }
    link->reply[link->reply_len] = 0;
    return 0;
}

unsigned link_ask(struct link *link, const char *line)
{
    link->reply[link->reply_len = 0] = 0; /* if none comes, the last one is not taken for it */
    return write_all(link, line, strlen(line)) ? link_reply(link) : 0;
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

static struct link_x509 *x509_of(const br_x509_class **ctx)
{
    return (struct link_x509 *)(void *)ctx;
}

static void start_chain(const br_x509_class **ctx, const char *name)
{
    (void)name;
    certificates_free(x509_of(ctx)->chain);
}

static void start_cert(const br_x509_class **ctx, uint32_t len)
{
    struct link_x509 *x = x509_of(ctx);

    x->failed |= len == 0 || len > CERTIFICATE_MAX || x->chain->count == CHAIN_MAX;
    x->len = 0;
    x->cap = x->failed ? 0 : len;
    x->der = x->failed ? NULL : malloc(len);
    x->failed |= x->der == NULL;
}

static void append(const br_x509_class **ctx, const unsigned char *octets, size_t len)
{
    struct link_x509 *x = x509_of(ctx);

    x->failed |= len > x->cap - x->len;
    if (!x->failed) {
        memcpy(x->der + x->len, octets, len);
        x->len += len;
    }
}

static void end_cert(const br_x509_class **ctx)
{
    struct link_x509 *x = x509_of(ctx);

    x->failed |= !x->failed && certificates_add(x->chain, x->der, x->len) != NULL;
    free(x->der);
    x->der = NULL;
}

static unsigned end_chain(const br_x509_class **ctx)
{
    struct link_x509 *x = x509_of(ctx);

    if (x->failed) {
        return BR_ERR_X509_LIMIT_EXCEEDED;
    }
    if (x->chain->count == 0) {
        return BR_ERR_X509_EMPTY_CHAIN;
    }
    return x->chain->list[0]->pkey == NULL ? BR_ERR_X509_UNSUPPORTED : 0;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const struct link_x509 *x = (const struct link_x509 *)(const void *)ctx;

    if (usages != NULL) {
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    }
    return x->chain->list[0]->pkey;
}

static const br_x509_class any_chain = {
    sizeof(struct link_x509), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

/* Where one curve alone is offered for the key exchange, the relay's certificate may still be on another. */
static uint32_t verify_on_any_curve(const br_ec_impl *curves, const void *hash, size_t hash_len,
                                    const br_ec_public_key *key, const void *signature, size_t len)
{
    (void)curves;
    return br_ecdsa_vrfy_asn1_get_default()(&mote_curves, hash, hash_len, key, signature, len);
}

bool link_start_tls(struct link *link, const char *name, const struct link_tls *tls, int *error)
{
    br_ssl_engine_context *eng = &link->session.client.eng;
    struct mote_relay relay = {.port = 0};
    unsigned char entropy[32];

    mote_trust_opportunistic(&relay.trust, name);
    link->session.relay = &relay;
    relay.trust.setup_tls(&link->session);
    br_ssl_engine_set_suites(eng, tls->suites, tls->suite_count);
    br_ssl_engine_set_ec(eng, tls->curves);
    link->x509.vtable = &any_chain;
    link->x509.chain = &link->chain;
    br_ssl_engine_set_x509(eng, &link->x509.vtable);
    br_ssl_engine_set_ecdsa(eng, verify_on_any_curve);
    br_ssl_engine_set_buffer(eng, link->buffer, sizeof link->buffer, 1);
    if (tls->short_records) {
        eng->log_max_frag_len = SHORT_RECORDS;
    }
    if (getrandom(entropy, sizeof entropy, 0) == (ssize_t)sizeof entropy) {
        br_ssl_engine_inject_entropy(eng, entropy, sizeof entropy);
    }
    br_ssl_client_reset(&link->session.client, name, 0);
    br_sslio_init(&link->io, eng, read_socket, link, write_socket, link);
    link->in_tls = true;
    link->secured = br_sslio_flush(&link->io) == 0;
    *error = br_ssl_engine_last_error(eng);
    return link->secured;
}

static size_t number(const unsigned char *octets)
{
    return (size_t)octets[0] << 8 | octets[1];
}

/* A ServerHello: its head, version and random (38 octets), a session's ID, suite and compression (3), and extensions. */
bool link_granted(const struct link *link)
{
    const unsigned char *hello = link->hello;
    size_t at = 39, end;

    if (link->hello_len < at || hello[0] != SERVER_HELLO) {
        return false;
    }
    at += hello[38] + (size_t)3;
    if (at + 2 > link->hello_len) {
        return false;
    }
    end = at + 2 + number(hello + at);
    for (at += 2; at + 4 <= end && at + 4 <= link->hello_len; at += 4 + number(hello + at + 2)) {
        if (number(hello + at) == MAX_FRAGMENT_LENGTH) {
            return true;
        }
    }
    return false;
}

/* ---- From beginning to end --------------------------------------------------------------------------------------- */

/* The POSIX port has a cork in, and says where a flight ends. Here nobody does: what is written leaves at once. */
static void uncork(int fd)
{
#ifdef TCP_CORK
    int off = 0;

    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
#else
    (void)fd;
#endif
}

bool link_open(struct link *link, const char *host, uint16_t port, uint32_t limit_ms, const struct mote_trace *trace)
{
    char name[MOTE_POSIX_HOST_NAME];
    uint8_t cause;

    memset(link, 0, sizeof *link);
    link->limit_ms = limit_ms;
    link->start_ms = mote_posix_now_ms();
    link->fd = mote_posix_connect(host, port, link->start_ms, trace, &cause);
    link->start_ms = mote_posix_now_ms();
    if (link->fd >= 0) {
        uncork(link->fd);
    }
    if (link->fd >= 0 && !mote_posix_host_name(name, sizeof name)) {
        mote_posix_literal(link->fd, name);
    }
    snprintf(link->ehlo, sizeof link->ehlo, "EHLO %s\r\n", link->fd >= 0 ? name : "");
    return link->fd >= 0;
}

void link_close(struct link *link)
{
    if (link->fd >= 0) {
        if (link->secured || !link->in_tls) {
            write_all(link, "QUIT\r\n", 6);
        }
        close(link->fd);
    }
    certificates_free(&link->chain);
    free(link->x509.der);
    link->x509.der = NULL;
    link->secured = false;
    link->fd = -1;
}

/* SPDX-License-Identifier: MIT
 *
 * The relay of the tests. What it cannot send for want of memory it sends later, so that only the port under test is
 * judged.
 */
#include "peer.h"

#include "../unit/tls_peer.h"

#include <lwip/priv/tcp_priv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tls_peer tls; /* both directions of the one connection, in clear as well */

/* ---- Octets ------------------------------------------------------------------------------------------------------ */

static void forget(struct peer *peer)
{
    if (peer->pcb != NULL) {
        tcp_arg(peer->pcb, NULL);
        tcp_err(peer->pcb, NULL);
        tcp_recv(peer->pcb, NULL);
        tcp_poll(peer->pcb, NULL, 0);
        tcp_sent(peer->pcb, NULL);
        peer->pcb = NULL;
    }
}

static void push(struct peer *peer)
{
    while (peer->pcb != NULL && tls.wire_at != tls.wire_len) {
        size_t n = LWIP_MIN(tls.wire_len - tls.wire_at, tcp_sndbuf(peer->pcb));

        if (peer->split != 0 && peer->split < n) {
            n = peer->split;
        }
        if (n == 0 || tcp_write(peer->pcb, tls.wire + tls.wire_at, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            break;
        }
        tcp_output(peer->pcb);
        tls.wire_at += n;
    }
}

/* Not in tcp_sent: lwIP loses what came with the same segment when that closes. */
static void flush(struct peer *peer)
{
    struct tcp_pcb *pcb = peer->pcb;

    push(peer);
    if (pcb != NULL && peer->closing && tls.wire_at == tls.wire_len) {
        forget(peer);
        tcp_recved(pcb, (u16_t)peer->unread); /* else lwIP resets, and the last reply may be lost */
        tcp_close(pcb);
    }
}

static void say(struct peer *peer, const char *text)
{
    if (!peer->broken) {
        tls_peer_say(&tls, text, strlen(text));
    }
}

static void drop(struct peer *peer)
{
    struct tcp_pcb *pcb = peer->pcb;

    forget(peer);
    if (pcb != NULL) {
        tcp_abort(pcb);
    }
}

/* What comes is acknowledged, and its room in the window not given back. */
static err_t unheard(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg, (void)pcb, (void)err;
    if (p != NULL) {
        pbuf_free(p);
    }
    return ERR_OK;
}

static void leave(struct peer *peer)
{
    struct tcp_pcb *pcb = peer->pcb;

    if (pcb == NULL || !peer->clings) {
        drop(peer);
        return;
    }
    forget(peer);
    tcp_recv(pcb, unheard);
}

static err_t break_off(struct peer *peer, enum peer_break how)
{
    peer->broken = how != PEER_NEVER;
    peer->closing |= how == PEER_FIN;
    if (how == PEER_RST) {
        drop(peer);
        return ERR_ABRT;
    }
    return ERR_OK;
}

void peer_break(struct peer *peer, enum peer_break how)
{
    break_off(peer, how);
    flush(peer);
}

/* ---- SMTP -------------------------------------------------------------------------------------------------------- */

static void ehlo(struct peer *peer)
{
    snprintf(peer->helo, sizeof peer->helo, "%.*s", (int)peer->line_len - 7, peer->line + 5);
    say(peer, "250-relay.test\r\n");
    if (peer->secure && !tls.tls) {
        say(peer, "250-STARTTLS\r\n");
    } else if (peer->offers != NULL) {
        say(peer, peer->offers);
    }
    say(peer, "250 SIZE 100000\r\n");
}

static void bye(struct peer *peer)
{
    if (peer->broken) {
        return;
    }
    say(peer, "221 bye\r\n");
    if (tls.tls) {
        tls_peer_close(&tls);
    }
    peer->closing = true;
}

static err_t reply(struct peer *peer)
{
    const char *line = peer->line;

    if (peer->how != PEER_NEVER && peer->lines++ == peer->after) {
        return break_off(peer, peer->how);
    }
    if (peer->line_len == 0) {
        say(peer, "220 relay.test\r\n");
    } else if (memcmp(line, "EHLO", 4) == 0) {
        ehlo(peer);
    } else if (memcmp(line, "STARTTLS", 8) == 0) {
        say(peer, "220 go on\r\n");
        tls_peer_start(&tls);
    } else if (memcmp(line, "BDAT", 4) == 0) {
        peer->chunk = (size_t)strtoul(line + 5, NULL, 10);
        peer->text_len = 0;
    } else if (memcmp(line, "DATA", 4) == 0) {
        say(peer, "354 go on\r\n");
        peer->text = true;
        peer->text_len = 0;
    } else if (memcmp(line, "AUTH", 4) == 0) {
        say(peer, "235 welcome\r\n");
    } else if (memcmp(line, "QUIT", 4) == 0) {
        bye(peer);
    } else {
        say(peer, "250 ok\r\n");
    }
    return ERR_OK;
}

/* Octets of the mail's text. */
static void taken(struct peer *peer, const char *octets, size_t len)
{
    for (size_t i = 0; i < len; i++, peer->text_len++) {
        peer->text_wrong |= peer->expected == NULL || peer->expected[peer->text_len] != octets[i];
        if (peer->refuse_at != 0 && peer->text_len == peer->refuse_at) {
            say(peer, "552 too much\r\n");
            peer->resetting = peer->how == PEER_RST;
            break_off(peer, peer->how == PEER_RST ? PEER_SILENT : peer->how);
        }
    }
}

static err_t mail(struct peer *peer)
{
    peer->text = false;
    peer->mails++;
    if (peer->taken != NULL) {
        peer->taken();
    }
    return reply(peer);
}

static err_t take(struct peer *peer, char c)
{
    err_t err = ERR_OK;

    if (peer->chunk != 0) {
        taken(peer, &c, 1);
        if (--peer->chunk == 0) {
            err = mail(peer);
        }
        return err;
    }
    peer->line[peer->line_len++] = c;
    if (c == '\n' || peer->line_len == sizeof peer->line) {
        if (!peer->text) {
            err = reply(peer);
        } else if (peer->line_len == 3 && peer->line[0] == '.') {
            err = mail(peer);
        } else {
            taken(peer, peer->line, peer->line_len);
        }
        peer->line_len = 0;
    }
    return err;
}

/* ---- What lwIP calls --------------------------------------------------------------------------------------------- */

static err_t heard(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct peer *peer = arg;
    size_t len = p != NULL ? p->tot_len : 0;

    (void)err;
    peer->closing |= p == NULL && !peer->clings;
    for (struct pbuf *q = p; q != NULL; q = q->next) {
        tls_peer_take(&tls, q->payload, q->len);
    }
    if (p != NULL) {
        pbuf_free(p);
    }
    for (err = ERR_OK; err == ERR_OK && peer->heard < tls.heard;) {
        err = take(peer, (char)tls.heard_octets[peer->heard++]);
    }
    if (err == ERR_OK && peer->refuse_at != 0 && peer->text_len > peer->refuse_at && !peer->clings) {
        say(peer, "250 and more\r\n"); /* with the acknowledgement, in one segment */
    }
    if (err == ERR_OK) {
        peer->unread += len;
        if (!peer->slow_window && !peer->deaf) {
            tcp_recved(pcb, (u16_t)len);
            peer->unread = 0;
        }
        flush(peer);
    }
    return err;
}

static err_t poll(void *arg, struct tcp_pcb *pcb)
{
    struct peer *peer = arg;
    size_t n = peer->unread < 100 ? peer->unread : 100;

    if (peer->resetting) {
        return break_off(peer, PEER_RST);
    }
    if (n != 0 && !peer->deaf) {
        tcp_recved(pcb, (u16_t)n);
        peer->unread -= n;
    }
    flush(peer);
    return ERR_OK;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb, (void)len;
    push(arg);
    return ERR_OK;
}

static void gone(void *arg, err_t err)
{
    struct peer *peer = arg;

    (void)err;
    peer->pcb = NULL;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct peer *peer = arg;

    if (err != ERR_OK || pcb == NULL) {
        return ERR_OK;
    }
    leave(peer);
    tls_peer_init(&tls);
    peer->connections++;
    peer->pcb = pcb;
    peer->line_len = peer->heard = peer->unread = peer->chunk = peer->text_len = 0;
    peer->text = peer->closing = peer->resetting = peer->broken = false;
    tcp_arg(pcb, peer);
    tcp_recv(pcb, heard);
    tcp_poll(pcb, poll, 1);
    tcp_sent(pcb, sent);
    tcp_err(pcb, gone);
    tcp_nagle_disable(pcb);
    err = reply(peer);
    if (err == ERR_OK) {
        flush(peer);
    }
    return err;
}

void peer_start(struct peer *peer, uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    tcp_bind(pcb, IP_ANY_TYPE, port);
    peer->listener = tcp_listen(pcb);
    tcp_arg(peer->listener, peer);
    tcp_accept(peer->listener, accepted);
}

void peer_stop(struct peer *peer)
{
    uint16_t port = peer->listener->local_port;
    struct tcp_pcb *next;

    drop(peer);
    tcp_close(peer->listener);
    for (struct tcp_pcb *pcb = tcp_active_pcbs; peer->clings && pcb != NULL; pcb = next) {
        next = pcb->next;
        if (pcb->local_port == port) {
            tcp_abort(pcb);
        }
    }
}

int peer_callers(uint16_t port)
{
    int count = 0;

    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        count += pcb->remote_port == port;
    }
    return count;
}

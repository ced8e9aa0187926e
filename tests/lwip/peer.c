/* SPDX-License-Identifier: MIT
 *
 * The relay of the tests. What it cannot send for want of memory it sends later, so that only the port under test is
 * judged.
 */
#include "peer.h"

#include <string.h>

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

static void flush(struct peer *peer)
{
    while (peer->pcb != NULL && peer->out_len != 0) {
        size_t n = peer->split != 0 && peer->split < peer->out_len ? peer->split : peer->out_len;

        if (n > tcp_sndbuf(peer->pcb) || tcp_write(peer->pcb, peer->out, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            break;
        }
        tcp_output(peer->pcb);
        peer->out_len -= n;
        memmove(peer->out, peer->out + n, peer->out_len);
    }
    if (peer->pcb != NULL && peer->closing && peer->out_len == 0) {
        struct tcp_pcb *pcb = peer->pcb;

        forget(peer);
        tcp_close(pcb);
    }
}

static void say(struct peer *peer, const char *text)
{
    memcpy(peer->out + peer->out_len, text, strlen(text));
    peer->out_len += strlen(text);
}

/* The reply to a line; false when it broke off. */
static err_t reply(struct peer *peer)
{
    struct tcp_pcb *pcb = peer->pcb;
    const char *line = peer->line;

    if (peer->how != PEER_NEVER && peer->lines++ == peer->after) {
        if (peer->how == PEER_RST) {
            forget(peer);
            tcp_abort(pcb);
            return ERR_ABRT;
        }
        peer->closing = peer->how == PEER_FIN;
        peer->how = peer->how == PEER_SILENT ? PEER_SILENT : PEER_NEVER;
        return ERR_OK;
    }
    if (peer->how == PEER_SILENT && peer->lines > peer->after) {
        return ERR_OK;
    }
    if (line == NULL || peer->line_len == 0) {
        say(peer, "220 relay.test\r\n");
    } else if (memcmp(line, "EHLO", 4) == 0) {
        say(peer, "250-relay.test\r\n250 SIZE 100000\r\n");
    } else if (memcmp(line, "DATA", 4) == 0) {
        say(peer, "354 go on\r\n");
        peer->text = true;
    } else if (memcmp(line, "QUIT", 4) == 0) {
        say(peer, "221 bye\r\n");
        peer->closing = true;
    } else {
        say(peer, "250 ok\r\n");
    }
    return ERR_OK;
}

static err_t take(struct peer *peer, char c)
{
    err_t err = ERR_OK;

    peer->line[peer->line_len++] = c;
    if (c == '\n' || peer->line_len == sizeof peer->line) {
        if (!peer->text) {
            err = reply(peer);
        } else if (peer->line_len == 3 && peer->line[0] == '.') {
            peer->text = false;
            peer->mails++;
            err = reply(peer);
        } else {
            peer->text_len += peer->line_len;
        }
        peer->line_len = 0;
    }
    return err;
}

static err_t heard(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct peer *peer = arg;
    size_t len = p != NULL ? p->tot_len : 0;

    (void)err;
    if (p == NULL) {
        peer->closing = true;
    }
    err = ERR_OK;
    for (size_t i = 0; i < len && err == ERR_OK; i++) {
        err = take(peer, (char)pbuf_get_at(p, (u16_t)i));
    }
    if (p != NULL) {
        pbuf_free(p);
    }
    if (err == ERR_OK) {
        if (peer->slow_window) {
            peer->unread += len;
        } else if (len != 0) {
            tcp_recved(pcb, (u16_t)len);
        }
        flush(peer);
    }
    return err;
}

static err_t poll(void *arg, struct tcp_pcb *pcb)
{
    struct peer *peer = arg;
    size_t n = peer->unread < 100 ? peer->unread : 100;

    if (n != 0) {
        tcp_recved(pcb, (u16_t)n);
        peer->unread -= n;
    }
    flush(peer);
    return ERR_OK;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb, (void)len;
    flush(arg);
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
    peer->connections++;
    forget(peer);
    peer->pcb = pcb;
    peer->line_len = peer->out_len = peer->unread = 0;
    peer->text = peer->closing = false;
    tcp_arg(pcb, peer);
    tcp_recv(pcb, heard);
    tcp_poll(pcb, poll, 1);
    tcp_sent(pcb, sent);
    tcp_err(pcb, gone);
    err = reply(peer);
    if (err == ERR_OK) {
        flush(peer);
    }
    return err;
}

void peer_start(struct peer *peer, uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new();

    tcp_bind(pcb, IP_ANY_TYPE, port);
    peer->listener = tcp_listen(pcb);
    tcp_arg(peer->listener, peer);
    tcp_accept(peer->listener, accepted);
}

void peer_stop(struct peer *peer)
{
    struct tcp_pcb *pcb = peer->pcb;

    forget(peer);
    if (pcb != NULL) {
        tcp_abort(pcb);
    }
    tcp_close(peer->listener);
}

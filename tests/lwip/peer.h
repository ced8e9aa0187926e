/* SPDX-License-Identifier: MIT
 *
 * A relay on the same stack, in clear or with STARTTLS: it answers each line of the client by the script, and may break
 * off anywhere.
 */
#ifndef MOTE_TEST_PEER_H
#define MOTE_TEST_PEER_H

#include <lwip/tcp.h>
#include <stdbool.h>

enum peer_break { PEER_NEVER, PEER_FIN, PEER_RST, PEER_SILENT };

struct peer {
    /* Set by the test. */
    bool secure;         /* has STARTTLS */
    const char *offers;  /* more lines of the reply to EHLO, as "250-PIPELINING\r\n" */
    enum peer_break how; /* break off instead of the reply to the line after; the greeting is that to line 0 */
    int after;           /* -1: only when told to, see peer_break() */
    unsigned split;      /* octets of each write; 0 = whole */
    bool slow_window;    /* opens its window some octets at a time */
    bool deaf;           /* never opens it again */
    bool clings;         /* never closes: what the client has left is kept open as it is */
    size_t refuse_at; /* refuses the mail after so many octets of its text, then breaks off, or talks on; 0 = never */
    void (*taken)(void);  /* called when it has all of the mail */
    const char *expected; /* the text, to compare */

    /* What came of it. */
    int lines, mails, connections;
    char helo[64];
    size_t text_len;
    bool text_wrong;
    struct tcp_pcb *listener, *pcb;
    char line[600];
    size_t line_len, heard, unread, chunk;
    bool text, closing, resetting, broken; /* of this connection */
};

void peer_start(struct peer *peer, uint16_t port);
void peer_stop(struct peer *peer);

/* Connections that its clients have not given back to lwIP. */
int peer_callers(uint16_t port);

/* It breaks off now. Not for lwIP's callbacks. */
void peer_break(struct peer *peer, enum peer_break how);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A relay on the same stack: it answers each line of the client by the script, and may break off anywhere.
 */
#ifndef MOTE_TEST_PEER_H
#define MOTE_TEST_PEER_H

#include <lwip/tcp.h>
#include <stdbool.h>

enum peer_break { PEER_NEVER, PEER_FIN, PEER_RST, PEER_SILENT };

struct peer {
    /* Set by the test. */
    enum peer_break how;
    int after;        /* break off instead of the reply to this line; the greeting is that to line 0 */
    unsigned split;   /* octets of each write; 0 = whole */
    bool slow_window; /* opens its window an octet at a time */

    /* What came of it. */
    int lines, mails, connections;
    size_t text_len;
    struct tcp_pcb *listener, *pcb;
    char line[600], out[600];
    size_t line_len, out_len, unread;
    bool text, closing;
};

void peer_start(struct peer *peer, uint16_t port);
void peer_stop(struct peer *peer);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The relay's end of a connection in memory: in clear, then BearSSL's own TLS server. It has a P-256 key with a certificate
 * from a CA of ours, and no idea of SMTP.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <bearssl.h>
#include <stdbool.h>

enum { TLS_PEER_ROOM = 1 << 17 };

struct tls_peer {
    br_ssl_server_context server;
    bool tls;
    size_t heard, wire_at, wire_len;
    unsigned char heard_octets[TLS_PEER_ROOM]; /* what the client said, decrypted */
    unsigned char wire[TLS_PEER_ROOM];         /* from wire_at to wire_len: octets on their way to the client */
    unsigned char records[BR_SSL_BUFSIZE_BIDI];
};

/* For the client: whom to trust. The name is in the certificate; the date lies within its validity. */
extern const char tls_peer_name[];
extern const uint64_t tls_peer_date;
extern const br_x509_trust_anchor tls_peer_anchor;
extern const uint8_t tls_peer_pin[32];

void tls_peer_init(struct tls_peer *p);
void tls_peer_start(struct tls_peer *p);                              /* all that follows is TLS */
void tls_peer_take(struct tls_peer *p, const void *data, size_t len); /* octets from the wire */
void tls_peer_say(struct tls_peer *p, const void *data, size_t len);  /* octets for the client */
void tls_peer_close(struct tls_peer *p);                              /* sends a close_notify */
int tls_peer_error(const struct tls_peer *p);                         /* BearSSL's last error */

#endif

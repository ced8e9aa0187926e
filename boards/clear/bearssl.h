/* SPDX-License-Identifier: MIT
 *
 * BearSSL for a firmware that has none: what the core names of it, and every handshake fails before it begins. A relay
 * that offers STARTTLS is therefore one whose TLS is broken, and the policy decides what that means.
 */
#ifndef BEARSSL_H__
#define BEARSSL_H__

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BR_SSL_BUFSIZE_MONO 837 /* the session's smallest buffer */

enum { BR_SSL_CLOSED = 1, BR_SSL_RECVAPP = 4, BR_SSL_SENDAPP = 16 };

enum {
    BR_ERR_OK,
    BR_ERR_UNSUPPORTED_VERSION,
    BR_ERR_BAD_CIPHER_SUITE,
    BR_ERR_NO_RANDOM,
    BR_ERR_X509_OK = 32,
    BR_ERR_X509_EXPIRED,
    BR_ERR_X509_TIME_UNKNOWN,
    BR_ERR_X509_BAD_SERVER_NAME,
    BR_ERR_X509_NOT_TRUSTED,
    BR_ERR_X509_DN_MISMATCH,
    BR_ERR_RECV_FATAL_ALERT = 256,
    BR_ALERT_HANDSHAKE_FAILURE = 40,
    BR_ALERT_PROTOCOL_VERSION = 70,
    BR_ALERT_INSUFFICIENT_SECURITY = 71
};

typedef struct {
    uint8_t none;
} br_x509_class, br_x509_trust_anchor, br_x509_minimal_context, br_x509_decoder_context, br_sha256_context, br_ec_impl,
    br_ssl_engine_context, *br_rsa_pkcs1_vrfy, *br_rsa_public;

typedef struct {
    br_ssl_engine_context eng;
} br_ssl_client_context;

static inline void br_ssl_engine_set_buffer(br_ssl_engine_context *eng, void *buf, size_t len, int two)
{
    (void)eng, (void)buf, (void)len, (void)two;
}

static inline void br_ssl_engine_inject_entropy(br_ssl_engine_context *eng, const void *octets, size_t len)
{
    (void)eng, (void)octets, (void)len;
}

static inline int br_ssl_client_reset(br_ssl_client_context *client, const char *name, int resume)
{
    (void)client, (void)name, (void)resume;
    return 0;
}

static inline unsigned br_ssl_engine_current_state(const br_ssl_engine_context *eng)
{
    (void)eng;
    return BR_SSL_CLOSED;
}

static inline int br_ssl_engine_last_error(const br_ssl_engine_context *eng)
{
    (void)eng;
    return BR_ERR_UNSUPPORTED_VERSION; /* no TLS version in common */
}

static inline unsigned char *br_ssl_engine_no_buf(const br_ssl_engine_context *eng, size_t *len)
{
    (void)eng;
    *len = 0;
    return NULL;
}

static inline void br_ssl_engine_no_ack(br_ssl_engine_context *eng, size_t len)
{
    (void)eng, (void)len;
}

#define br_ssl_engine_sendapp_buf br_ssl_engine_no_buf
#define br_ssl_engine_recvapp_buf br_ssl_engine_no_buf
#define br_ssl_engine_sendrec_buf br_ssl_engine_no_buf
#define br_ssl_engine_recvrec_buf br_ssl_engine_no_buf
#define br_ssl_engine_sendapp_ack br_ssl_engine_no_ack
#define br_ssl_engine_recvapp_ack br_ssl_engine_no_ack
#define br_ssl_engine_sendrec_ack br_ssl_engine_no_ack
#define br_ssl_engine_recvrec_ack br_ssl_engine_no_ack

static inline void br_ssl_engine_flush(br_ssl_engine_context *eng, int force)
{
    (void)eng, (void)force;
}

static inline void br_ssl_engine_close(br_ssl_engine_context *eng)
{
    (void)eng;
}

#endif

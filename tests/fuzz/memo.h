/* SPDX-License-Identifier: MIT
 *
 * Public-key operations that remember what they were asked: with keys and entropy that never change, most handshakes
 * of a fuzzer do the same ones again. What is asked for the first time is computed by the implementation wrapped.
 */
#ifndef MEMO_H
#define MEMO_H

#include <bearssl.h>

#include <stdbool.h>

/* Wraps what a client was set up with, its certificate check included if that is BearSSL's. */
void memo_client(br_ssl_client_context *client, br_x509_minimal_context *minimal);

/* A server's. Its half of the key exchange passes through the two hooks, which may change it: a point it made, and a
 * secret it found. */
void memo_server(br_ssl_server_context *server, bool rsa, void (*point)(uint8_t *point, size_t *len, int curve),
                 void (*secret)(uint8_t *secret, size_t len, int curve));

#endif

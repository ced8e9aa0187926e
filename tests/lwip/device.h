/* SPDX-License-Identifier: MIT
 *
 * The device that README.md's example is compiled for.
 */
#ifndef MOTE_TEST_DEVICE_H
#define MOTE_TEST_DEVICE_H

#include "mailmote_lwip.h"

#define FLASH_BLOCK 1024
#define FLASH_UNIT  8

extern const struct mote_storage flash;
extern const br_x509_trust_anchor tls_peer_anchor;
#define trust_anchors (&tls_peer_anchor)
#define TRUST_ANCHORS 1
bool random_octets(void *ctx, void *octets, size_t len);
uint64_t unix_s(void *ctx);
void log_line(const char *text);

/* What the example defines. */
uint8_t alerts_start(uint16_t *lost);
uint8_t alert(const char *subject, const char *words);
void alerts_step(void);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The boards' lwIP with what its SMTP client needs for TLS. The client's own options are lwIP's defaults.
 */
#ifndef BENCH_LWIPOPTS_H
#define BENCH_LWIPOPTS_H

#include "../../boards/cortex-m/lwipopts.h"

#define LWIP_ALTCP             1
#define LWIP_ALTCP_TLS         1
#define LWIP_ALTCP_TLS_MBEDTLS 1
#define ALTCP_MBEDTLS_AUTHMODE MBEDTLS_SSL_VERIFY_REQUIRED

/* mbedTLS allocates from lwIP's heap. With 11,904 octets a delivery to a relay with an RSA certificate fails; the length of a
 * certificate varies with its signature's. */
#undef MEM_SIZE
#define MEM_SIZE 12160

#endif

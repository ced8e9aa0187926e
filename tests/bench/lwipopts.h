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

/* mbedTLS allocates from lwIP's heap. The least, in steps of 256 octets, with which both deliveries of the comparison succeed. */
#undef MEM_SIZE
#ifndef BENCH_HEAP
#define BENCH_HEAP 20480
#endif
#define MEM_SIZE BENCH_HEAP

#endif

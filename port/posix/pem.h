/* SPDX-License-Identifier: MIT
 *
 * Reads the certificates of PEM files (RFC 7468): base64 between two banners. All else in a file is passed over.
 */
#ifndef MOTE_PORT_PEM_H
#define MOTE_PORT_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mote_pem_event {
    MOTE_PEM_MORE,
    MOTE_PEM_CERTIFICATE, /* its octets are there: der is to be set again */
    MOTE_PEM_WRONG,       /* one goes on with what is no base64: it is of no more use */
    MOTE_PEM_FULL         /* der has no room for the next octet */
};

struct mote_pem {
    unsigned char *der; /* lent: where a certificate's octets go */
    size_t der_len, der_cap;
    unsigned line, begun; /* the line being read, and that of BEGIN; 0: not in a certificate */

    /* Private. */
    uint32_t bits; /* of base64; the last bit_count of them are not an octet yet */
    unsigned bit_count;
    bool padded; /* with '=': no digit may follow */
    bool line_begins;
    char banner[32]; /* its beginning */
    size_t banner_len;
    unsigned dashes; /* in a row, at the end of the banner */
};

void mote_pem_init(struct mote_pem *pem);

/* One more character. A file's last line may lack its end: give it one, and see if a certificate is still begun. */
enum mote_pem_event mote_pem_push(struct mote_pem *pem, char c);

#endif

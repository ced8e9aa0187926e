/* SPDX-License-Identifier: MIT
 *
 * The only way octets of a certificate reach BearSSL's decoder. Such octets come from anybody on the path, before
 * anything is verified.
 */
#include "mailmote_session.h"

/* The decoder is a coroutine that keeps its error but does not stop at it: pushed again, it resumes behind the check that
 * failed. It may be pushed while it lacks octets, and when it has them all: then one more is its error. */
void mote_certificate_push(br_x509_decoder_context *decoder, const void *octets, size_t len)
{
    int error = br_x509_decoder_last_error(decoder);

    if (error == 0 || error == BR_ERR_X509_TRUNCATED) {
        br_x509_decoder_push(decoder, octets, len);
    }
}

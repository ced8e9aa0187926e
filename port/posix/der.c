/* SPDX-License-Identifier: MIT
 *
 * The length of an element is checked against what is around it.
 */
#include "der.h"

enum { LENGTH_OCTETS_MAX = 3 };

bool mote_der_take(struct mote_der *in, unsigned tag, struct mote_der *inside)
{
    size_t head = 2, len;

    if (in->len < head || in->at[0] != tag) {
        return false;
    }
    len = in->at[1];
    if (len >= 0x80) {
        head += len - 0x80;
        if (len == 0x80 || head > 2 + LENGTH_OCTETS_MAX || in->len < head) {
            return false;
        }
        len = 0;
        for (size_t i = 2; i < head; i++) {
            len = len << 8 | in->at[i];
        }
    }
    if (len > in->len - head) {
        return false;
    }
    *inside = (struct mote_der){in->at + head, len};
    in->at += head + len;
    in->len -= head + len;
    return true;
}

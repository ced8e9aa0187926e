/* SPDX-License-Identifier: MIT
 *
 * header CA.pem [PORT]: a header of `mailmote trust` against what the port reads from the same file, octet by octet; then a mail
 * to localhost, whose chain the header's anchors verify. "trust_anchors.h" is found where the test has put it.
 */
#include "trust_anchors.h"

#include <mailmote_message.h>
#include <mailmote_posix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int same(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static int same_key(const br_x509_pkey *a, const br_x509_pkey *b)
{
    if (a->key_type != b->key_type) {
        return 0;
    }
    if (a->key_type == BR_KEYTYPE_RSA) {
        return same(a->key.rsa.n, a->key.rsa.nlen, b->key.rsa.n, b->key.rsa.nlen) &&
               same(a->key.rsa.e, a->key.rsa.elen, b->key.rsa.e, b->key.rsa.elen);
    }
    return a->key.ec.curve == b->key.ec.curve && same(a->key.ec.q, a->key.ec.qlen, b->key.ec.q, b->key.ec.qlen);
}

static int compare(const char *file)
{
    static unsigned char memory[1 << 20];
    const br_x509_trust_anchor *read;
    size_t count = mote_posix_anchors(file, memory, sizeof memory, &read);

    if (count != TRUST_ANCHORS) {
        printf("%d anchors in the header, %zu in the file\n", TRUST_ANCHORS, count);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        const br_x509_trust_anchor *a = &trust_anchors[i], *b = &read[i];

        if (!same(a->dn.data, a->dn.len, b->dn.data, b->dn.len) || a->flags != b->flags ||
            !same_key(&a->pkey, &b->pkey)) {
            printf("anchor %zu differs\n", i);
            return 1;
        }
    }
    return 0;
}

static int send_mail(int port)
{
    const char *to = "a@example.test";
    struct mote_rcpt rcpt = {.address = to};
    struct mote_message message = {.from = "mote@example.org", .to = &to, .to_count = 1, .id = "1@example.org"};
    struct mote_mail mail = {.from = message.from, .rcpts = &rcpt, .rcpt_count = 1, .read = mote_message_read};
    struct mote_relay relay = {.host = "localhost", .port = (uint16_t)port};

    message.text = "The input fired.\n";
    mail.ctx = &message;
    mote_trust_anchors(&relay.trust, trust_anchors, TRUST_ANCHORS, relay.host);
    mote_posix_send(&relay, &mail, NULL, NULL);
    printf("%s: %s\n", mote_verdict_name(rcpt.result.verdict), mote_cause_name(rcpt.result.cause));
    return rcpt.result.verdict == MOTE_DELIVERED ? 0 : 75;
}

int main(int argc, char **argv)
{
    int status = argc > 1 ? compare(argv[1]) : 64;

    return status != 0 || argc < 3 ? status : send_mail(atoi(argv[2]));
}

/* SPDX-License-Identifier: MIT
 *
 * send PORT CA SUBJECT: one mail to localhost, its certificate checked. Built by each build system in turn.
 */
#ifdef MAILMOTE_POSIX /* the amalgamation */
#include "mailmote.h"
#else
#include <mailmote_message.h>
#include <mailmote_posix.h>
#endif
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static unsigned char memory[65536];
    const br_x509_trust_anchor *anchors;
    const char *to = "a@example.test";
    struct mote_rcpt rcpt = {.address = to};
    struct mote_message message = {.from = "mote@example.org", .to = &to, .to_count = 1, .id = "1@example.org"};
    struct mote_mail mail = {.from = message.from, .rcpts = &rcpt, .rcpt_count = 1, .read = mote_message_read};
    struct mote_relay relay = {.host = "localhost"};
    size_t count = argc == 4 ? mote_posix_anchors(argv[2], memory, sizeof memory, &anchors) : 0;

    if (count == 0) {
        fprintf(stderr, "usage: send PORT CA SUBJECT\n");
        return 64;
    }
    message.subject = argv[3];
    message.text = "The input fired.\n";
    mail.ctx = &message;
    relay.port = (uint16_t)atoi(argv[1]);
    mote_trust_anchors(&relay.trust, anchors, count, relay.host);
    mote_posix_send(&relay, &mail, NULL, NULL);
    printf("%s: %s\n", mote_verdict_name(rcpt.result.verdict), mote_cause_name(rcpt.result.cause));
    return rcpt.result.verdict == MOTE_DELIVERED ? 0 : 75;
}

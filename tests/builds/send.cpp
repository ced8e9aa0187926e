/* SPDX-License-Identifier: MIT
 *
 * send PORT CA SUBJECT, as send.c, in C++17. All public headers that need no lwIP are included, each first in turn.
 */
#include <mailmote.h>
#include <mailmote_message.h>
#include <mailmote_outbox.h>
#include <mailmote_policy.h>
#include <mailmote_posix.h>
#include <mailmote_session.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char **argv)
{
    std::vector<unsigned char> memory(65536);
    const br_x509_trust_anchor *anchors = nullptr;
    std::size_t count = argc == 4 ? mote_posix_anchors(argv[2], memory.data(), memory.size(), &anchors) : 0;

    if (count == 0) {
        std::fprintf(stderr, "usage: send PORT CA SUBJECT\n");
        return 64;
    }

    const char *to = "a@example.test";
    mote_message message{};
    message.from = "mote@example.org";
    message.to = &to;
    message.to_count = 1;
    message.id = "1@example.org";
    message.subject = argv[3];
    message.text = "The input fired.\n";

    mote_rcpt rcpt{};
    rcpt.address = to;
    mote_mail mail{};
    mail.from = message.from;
    mail.rcpts = &rcpt;
    mail.rcpt_count = 1;
    mail.read = mote_message_read;
    mail.ctx = &message;

    mote_relay relay{};
    relay.host = "localhost";
    relay.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    mote_trust_anchors(&relay.trust, anchors, count, relay.host);
    mote_posix_send(&relay, &mail, nullptr, nullptr);
    std::printf("%s: %s\n", mote_verdict_name(rcpt.result.verdict), mote_cause_name(rcpt.result.cause));
    return rcpt.result.verdict == MOTE_DELIVERED ? 0 : 75;
}

/* SPDX-License-Identifier: MIT
 *
 * What a name server, or whoever is in between, answers to the static command's question for an address. The input is the answer, from
 * its third octet: flags, counts, and what is behind the question.
 */
#define _GNU_SOURCE

#include "../../port/static/dns.c"
#include "../../port/static/found.c"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ID_LEN = 2, COUNTS = DNS_HEADER - ID_LEN };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t id[ID_LEN] = {0x12, 0x34};
    struct found *found = calloc(1, sizeof *found);
    uint8_t question[DNS_QUESTION_MAX], *answer;
    size_t len = dns_ask(question, id, "relay.example.test", DNS_A);

    if (size < COUNTS) {
        free(found);
        return 0;
    }
    answer = malloc(len + size - COUNTS); /* all its own: the sanitizer sees an octet too far */
    require(found != NULL && answer != NULL, "harness: no memory");
    memcpy(answer, question, len);
    memcpy(answer + ID_LEN, data, COUNTS);
    memcpy(answer + len, data + COUNTS, size - COUNTS);
    if (dns_judge(question, len, answer, len + size - COUNTS) >= DNS_TRUNCATED) {
        dns_read(found, FOUND_MAX / 2, len, answer, len + size - COUNTS);
        require(found->count <= FOUND_MAX / 2, "more addresses than were to be taken");
        require(memchr(found->canonical, 0, FOUND_NAME) != NULL, "a name without an end");
    }
    for (unsigned i = 0; i < found->count; i++) {
        require(found->addresses[i].any.sa_family == AF_INET || found->addresses[i].any.sa_family == AF_INET6,
                "an address of no family");
    }
    free(answer);
    free(found);
    return 0;
}

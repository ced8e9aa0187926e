/* SPDX-License-Identifier: MIT
 *
 * Addresses of a name, as messages of DNS (RFC 1035, RFC 3596) ask for them and tell them. No I/O.
 */
#ifndef MAILMOTE_STATIC_DNS_H
#define MAILMOTE_STATIC_DNS_H

#include "found.h"

#include <stddef.h>
#include <stdint.h>

enum { DNS_HEADER = 12, DNS_QUESTION_MAX = DNS_HEADER + 255 + 4, DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28 };

/* What comes of a question. What is not for it, or damaged, is no answer. */
enum dns_answer { DNS_NO_ANSWER, DNS_REFUSED, DNS_TRUNCATED, DNS_TOLD };

/* Writes the question for a name's records of that type. Returns its octets; 0: it is no name. */
size_t dns_ask(uint8_t question[DNS_QUESTION_MAX], const uint8_t id[2], const char *name, uint8_t type);

/* What it says of the question; that there is no such name is told, too. */
enum dns_answer dns_judge(const uint8_t *question, size_t question_len, const uint8_t *answer, size_t len);

/* Adds the addresses of an answer to that question, until there are so many, and the last name that is called a true one. */
void dns_read(struct found *found, unsigned most, size_t question_len, const uint8_t *answer, size_t len);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What name servers say of a name. For each question there are sockets of its own, so their ports cannot be foretold, nor can the
 * question's id; and they are connected: the system passes on what comes from the server asked, and says if nobody is there.
 */
#define _GNU_SOURCE

#include "servers.h"
#include "../posix/posix.h"
#include "dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORT = 53, QUESTIONS = 2, ANSWER_MAX = 4096 };

/* ---- /etc/resolv.conf -------------------------------------------------------------------------------------------- */

/* The number behind the name of an option. */
static void read_option(const char *word, const char *name, unsigned least, unsigned most, unsigned *value)
{
    size_t len = strlen(name);

    if (strncmp(word, name, len) == 0) {
        unsigned long number = strtoul(word + len, NULL, 10);

        *value = number < least ? least : number > most ? most : (unsigned)number;
    }
}

static void add_server(struct servers *servers, const char *text)
{
    union address *one = &servers->list[servers->count];

    if (servers->count < SERVERS_MAX && address_read(one, text)) {
        one->four.sin_port = htons(PORT); /* IPv6 has it at the same place */
        servers->count++;
    }
}

static void read_line(struct servers *servers, char *line)
{
    char *rest, *name = strtok_r(line, BLANKS, &rest), *word;

    if (name == NULL) {
        return;
    }
    if (strcmp(name, "search") == 0 || strcmp(name, "domain") == 0) {
        strcpy(servers->search, rest != NULL ? rest : ""); /* NULL: the word ends the line, and musl says so */
        return;
    }
    while ((word = strtok_r(NULL, BLANKS, &rest)) != NULL) {
        if (strcmp(name, "nameserver") == 0) {
            add_server(servers, word); /* what is behind it may be a comment */
            return;
        } else if (strcmp(name, "options") == 0) {
            read_option(word, "ndots:", 0, 15, &servers->dots);
            read_option(word, "attempts:", 1, 10, &servers->attempts);
            read_option(word, "timeout:", 1, 60, &servers->timeout_s);
        }
    }
}

void servers_read(struct servers *servers)
{
    FILE *file = fopen("/etc/resolv.conf", "re");
    char line[LINE];

    *servers = (struct servers){.dots = 1, .attempts = 2, .timeout_s = 5};
    while (file != NULL && line_read(file, line)) {
        read_line(servers, line);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (servers->count == 0) {
        add_server(servers, "127.0.0.1");
    }
}

/* ---- Links ------------------------------------------------------------------------------------------------------- */

struct question {
    uint8_t octets[DNS_QUESTION_MAX];
    size_t len;
    bool told;
};

/* An attempt: both questions to all servers. */
struct asking {
    struct question questions[QUESTIONS];
    struct found *found;
    uint32_t start_ms, limit_ms;
    struct pollfd links[SERVERS_MAX]; /* to each server; -1: none */
    unsigned due[SERVERS_MAX];        /* answers that it owes */
    bool asked;                       /* a question has left */
};

/* Whether one of the sockets has something to tell, in time. */
static bool wait_for(const struct asking *asking, struct pollfd *links, nfds_t count)
{
    int found;

    do {
        uint32_t passed_ms = mote_posix_now_ms() - asking->start_ms;

        if (passed_ms >= asking->limit_ms) {
            return false;
        }
        found = poll(links, count, (int)(asking->limit_ms - passed_ms));
    } while (found < 0 && errno == EINTR);
    return found > 0;
}

/* A socket that does not wait. */
static int open_link(const union address *server, int type)
{
    int error, fd = socket(server->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, &server->any, address_len(server)) != 0 && errno != EINPROGRESS) {
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* ---- TCP --------------------------------------------------------------------------------------------------------- */

/* As much of an answer as there is room for, with its length in front. False: it did not come. */
static bool read_by_tcp(const struct asking *asking, struct pollfd *link, uint8_t *answer)
{
    size_t got = 0, size = 2;

    while (got < size) {
        ssize_t more = wait_for(asking, link, 1) ? recv(link->fd, answer + got, size - got, 0) : 0;

        if (more <= 0) {
            return false;
        }
        got += (size_t)more;
        if (got == 2) {
            size = 2 + ((size_t)answer[0] << 8 | answer[1]);
            size = size < 2 + ANSWER_MAX ? size : 2 + ANSWER_MAX;
        }
    }
    return true;
}

/* The question once more, where an answer was too long. Its octets begin behind the two of its length; returns how many; 0: none. */
static size_t ask_by_tcp(const struct asking *asking, const union address *server, const struct question *question,
                         uint8_t answer[2 + ANSWER_MAX])
{
    uint8_t message[2 + DNS_QUESTION_MAX] = {(uint8_t)(question->len >> 8), (uint8_t)question->len};
    struct pollfd link = {.fd = open_link(server, SOCK_STREAM), .events = POLLOUT};
    size_t len = 0;

    if (link.fd < 0) {
        return 0;
    }
    memcpy(message + 2, question->octets, question->len);
    if (wait_for(asking, &link, 1) && send(link.fd, message, 2 + question->len, MSG_NOSIGNAL) > 0) {
        link.events = POLLIN;
        if (read_by_tcp(asking, &link, answer)) {
            len = (size_t)answer[0] << 8 | answer[1];
        }
    }
    close(link.fd);
    return len < ANSWER_MAX ? len : ANSWER_MAX;
}

/* ---- UDP --------------------------------------------------------------------------------------------------------- */

/* What an answer says of the question. Where the rest of it cannot be had, it is taken as it is. */
static void take(struct asking *asking, const union address *server, struct question *question, const uint8_t *answer,
                 size_t len, enum dns_answer said)
{
    uint8_t whole[2 + ANSWER_MAX];
    unsigned before = asking->found->count;

    if (said == DNS_TRUNCATED) {
        size_t whole_len = ask_by_tcp(asking, server, question, whole);
        enum dns_answer more = dns_judge(question->octets, question->len, whole + 2, whole_len);

        if (more >= DNS_TRUNCATED) {
            said = more;
            answer = whole + 2;
            len = whole_len;
        }
    }
    if (said >= DNS_TRUNCATED) {
        dns_read(asking->found, before + FOUND_MAX / QUESTIONS, question->len, answer, len);
    }
    question->told = said == DNS_TOLD || asking->found->count != before;
}

static void hear(struct asking *asking, unsigned i, const union address *server)
{
    uint8_t answer[ANSWER_MAX];
    ssize_t len = recv(asking->links[i].fd, answer, sizeof answer, 0);

    if (len < 0) {
        asking->due[i] = 0; /* nobody is there */
        return;
    }
    for (struct question *question = asking->questions; question < asking->questions + QUESTIONS; question++) {
        enum dns_answer said = dns_judge(question->octets, question->len, answer, (size_t)len);

        if (said != DNS_NO_ANSWER) {
            asking->due[i] -= asking->due[i] != 0;
            if (!question->told) {
                take(asking, server, question, answer, (size_t)len, said);
            }
        }
    }
}

static void send_questions(struct asking *asking, unsigned i, const union address *server)
{
    int fd = open_link(server, SOCK_DGRAM);

    asking->links[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    asking->due[i] = 0;
    for (const struct question *question = asking->questions; question < asking->questions + QUESTIONS; question++) {
        if (fd >= 0 && !question->told && send(fd, question->octets, question->len, MSG_NOSIGNAL) > 0) {
            asking->asked = true;
            asking->due[i]++;
        }
    }
}

static bool all_told(const struct asking *asking)
{
    return asking->questions[0].told && asking->questions[1].told;
}

static bool is_due(const struct asking *asking, unsigned count)
{
    unsigned due = 0;

    for (unsigned i = 0; i < count; i++) {
        due |= asking->due[i];
    }
    return due != 0 && !all_told(asking);
}

static void attempt(struct asking *asking, const struct servers *servers)
{
    asking->start_ms = mote_posix_now_ms();
    for (unsigned i = 0; i < servers->count; i++) {
        send_questions(asking, i, &servers->list[i]);
    }
    while (is_due(asking, servers->count) && wait_for(asking, asking->links, servers->count)) {
        for (unsigned i = 0; i < servers->count; i++) {
            if (asking->links[i].revents != 0) {
                hear(asking, i, &servers->list[i]);
            }
        }
    }
    for (unsigned i = 0; i < servers->count; i++) {
        if (asking->links[i].fd >= 0) {
            close(asking->links[i].fd);
        }
    }
}

int servers_ask(const struct servers *servers, const char *name, struct found *found)
{
    static const uint8_t types[QUESTIONS] = {DNS_A, DNS_AAAA};
    struct asking asking = {.found = found, .limit_ms = servers->timeout_s * UINT32_C(1000) / servers->attempts};
    uint8_t ids[QUESTIONS][2];

    if (!mote_posix_random(ids, sizeof ids)) {
        return EAI_AGAIN;
    }
    for (unsigned i = 0; i < QUESTIONS; i++) {
        asking.questions[i].len = dns_ask(asking.questions[i].octets, ids[i], name, types[i]);
        if (asking.questions[i].len == 0) {
            return EAI_NONAME;
        }
    }
    strcpy(found->canonical, name);
    for (unsigned i = 0; i < servers->attempts && !all_told(&asking); i++) {
        attempt(&asking, servers);
    }
    if (found->count != 0) {
        return 0;
    }
    return all_told(&asking) ? EAI_NONAME : asking.asked ? EAI_AGAIN : EAI_SYSTEM;
}

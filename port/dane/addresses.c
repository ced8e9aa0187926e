/* SPDX-License-Identifier: MIT
 *
 * A host's addresses, as getaddrinfo() gives them.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "dane.h"
#include "posix.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

/* One piece of memory, the first of them at its beginning. */
struct place {
    struct addrinfo info;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
};

struct places {
    struct place *list; /* NULL: there is no memory */
    unsigned count;
    uint16_t port;
};

static void add(struct places *places, int family, socklen_t len)
{
    struct place *place = &places->list[places->count++];

    if (places->count > 1) {
        place[-1].info.ai_next = &place->info;
    }
    place->info.ai_family = family;
    place->info.ai_socktype = SOCK_STREAM;
    place->info.ai_addr = &place->address.any;
    place->info.ai_addrlen = len;
}

static void add_each(struct places *places, const struct mote_dane_answer *answer, int type)
{
    size_t len = type == MOTE_DANE_A ? 4 : 16;

    for (int i = 0; answer->state == MOTE_DANE_DATA && answer->result->data[i] != NULL; i++) {
        struct place *place = &places->list[places->count];

        if (places->count == MOTE_POSIX_ADDRESSES || answer->result->len[i] != (int)len) {
            continue;
        }
        if (type == MOTE_DANE_A) {
            place->address.v4.sin_family = AF_INET;
            place->address.v4.sin_port = htons(places->port);
            memcpy(&place->address.v4.sin_addr, answer->result->data[i], len);
            add(places, AF_INET, sizeof place->address.v4);
        } else {
            place->address.v6.sin6_family = AF_INET6;
            place->address.v6.sin6_port = htons(places->port);
            memcpy(&place->address.v6.sin6_addr, answer->result->data[i], len);
            add(places, AF_INET6, sizeof place->address.v6);
        }
    }
}

static struct places new_places(uint16_t port)
{
    return (struct places){calloc(MOTE_POSIX_ADDRESSES, sizeof(struct place)), 0, port};
}

/* To be given to free(). */
static struct addrinfo *list_of(struct places *places)
{
    if (places->count == 0) {
        free(places->list);
        return NULL;
    }
    return &places->list->info;
}

static const int types[] = {MOTE_DANE_AAAA, MOTE_DANE_A};

void mote_dane_ask_addresses(struct mote_dane_answer answers[2], const char *host, uint32_t until_ms)
{
    for (int i = 0; i < 2; i++) {
        mote_dane_ask(&answers[i], host, types[i], until_ms);
    }
}

/* A host with addresses is not told to have none. */
static void note_no_memory(struct mote_dane_answer *answer)
{
    if (answer->state == MOTE_DANE_DATA) {
        mote_dane_free(answer);
        *answer = (struct mote_dane_answer){.state = MOTE_DANE_NO, .cause = MOTE_CAUSE_NO_MEMORY, .why = "no memory"};
    }
}

struct addrinfo *mote_dane_list(struct mote_dane_answer answers[2], uint16_t port)
{
    struct places places = new_places(port);

    for (int i = 0; i < 2; i++) {
        if (places.list != NULL) {
            add_each(&places, &answers[i], types[i]);
        } else {
            note_no_memory(&answers[i]);
        }
    }
    return list_of(&places);
}

struct addrinfo *mote_dane_literal(const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *list;
    struct places places = new_places(port);
    char service[8];

    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (places.list != NULL && getaddrinfo(host, service, &hints, &list) == 0) {
        memcpy(&places.list->address, list->ai_addr, list->ai_addrlen);
        add(&places, list->ai_family, list->ai_addrlen);
        freeaddrinfo(list);
    }
    return list_of(&places);
}

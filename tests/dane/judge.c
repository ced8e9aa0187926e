/* SPDX-License-Identifier: MIT
 *
 * judge BASE DOMAIN ALIAS UNIX-S USAGE SELECTOR MATCHING DATA [... DATA] -- CERTIFICATE...: does a record decide for a chain? Data and
 * certificates are files; a name that is not given is -. Prints 0, or BearSSL's error.
 */
#include "dane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAP = 8192, FILES = 90 };

static unsigned char *read_file(const char *name, size_t *len)
{
    unsigned char *octets = malloc(CAP), *exact;
    FILE *from = fopen(name, "rb");

    if (from == NULL) {
        perror(name);
        exit(2);
    }
    *len = fread(octets, 1, CAP, from);
    fclose(from);
    exact = realloc(octets, *len + !*len); /* a sanitizer sees what is read behind it */
    return exact;
}

static const char *given(const char *name)
{
    return strcmp(name, "-") == 0 ? NULL : name;
}

int main(int argc, char **argv)
{
    static struct mote_dane_host host = {.policy = MOTE_DANE_AUTHENTICATED};
    struct mote_tlsa_chain chain = {.count = 0};
    unsigned char *files[FILES];
    unsigned used = 0;
    br_x509_decoder_context decoder;
    const br_x509_pkey *key;
    int i = 5;

    if (argc < 10) {
        return 2;
    }
    snprintf(host.base, sizeof host.base, "%s", argv[1]);
    snprintf(host.name, sizeof host.name, "another.example");
    host.domain = given(argv[2]);
    host.alias = given(argv[3]);
    for (; i + 3 < argc && strcmp(argv[i], "--") != 0; i += 4) {
        struct mote_tlsa *record = &host.records[host.record_count++];

        record->usage = (uint8_t)atoi(argv[i]);
        record->selector = (uint8_t)atoi(argv[i + 1]);
        record->matching = (uint8_t)atoi(argv[i + 2]);
        files[used] = read_file(argv[i + 3], &record->len);
        record->octets = files[used++];
    }
    for (i++; i < argc; i++) {
        files[used] = read_file(argv[i], &chain.len[chain.count]);
        chain.octets[chain.count++] = files[used++];
    }
    br_x509_decoder_init(&decoder, NULL, NULL);
    mote_certificate_push(&decoder, chain.octets[0], chain.len[0]);
    key = br_x509_decoder_get_pkey(&decoder);
    if (key == NULL) {
        puts("its key cannot be used");
    } else {
        printf("%u\n", mote_tlsa_judge(&host, &chain, key, strtoull(argv[4], NULL, 10)));
    }
    while (used != 0) {
        free(files[--used]);
    }
    return 0;
}

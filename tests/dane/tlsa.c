/* SPDX-License-Identifier: MIT
 *
 * tlsa LEAF LEAF-KEY CA CA-KEY, all in DER: a chain under TLSA records, with each bit of it flipped and cut at each octet. Whatever
 * arrives, a record decides for the key alone that it is of, and for the octets alone that it is of.
 */
#include "dane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CAP = 4096, SIGNED = 31 /* a signature takes its time */ };

struct file {
    unsigned char octets[CAP];
    size_t len;
};

static unsigned checks;

static void want(bool holds, const char *what, size_t at)
{
    checks++;
    if (!holds) {
        printf("%s, at %zu\n", what, at);
        exit(1);
    }
}

static struct file read_file(const char *name)
{
    struct file file = {.len = 0};
    FILE *from = fopen(name, "rb");

    if (from == NULL || (file.len = fread(file.octets, 1, CAP, from)) == 0 || fclose(from) != 0) {
        perror(name);
        exit(2);
    }
    return file;
}

/* As the session has it: NULL where BearSSL refuses the certificate. */
static const br_x509_pkey *decode(br_x509_decoder_context *decoder, const unsigned char *octets, size_t len)
{
    br_x509_decoder_init(decoder, NULL, NULL);
    mote_certificate_push(decoder, octets, len);
    return br_x509_decoder_get_pkey(decoder);
}

static bool same_key(const br_x509_pkey *one, const br_x509_pkey *other)
{
    return one->key_type == BR_KEYTYPE_EC && other->key_type == BR_KEYTYPE_EC &&
           one->key.ec.qlen == other->key.ec.qlen && memcmp(one->key.ec.q, other->key.ec.q, one->key.ec.qlen) == 0;
}

static struct mote_dane_host host_with(uint8_t usage, uint8_t selector, const struct file *of)
{
    static unsigned char digests[4][br_sha256_SIZE];
    static unsigned used;
    struct mote_dane_host host = {
        .name = "mx.ta211.example", .base = "mx.ta211.example", .policy = MOTE_DANE_AUTHENTICATED};
    unsigned char *digest = digests[used++ % 4];
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, of->octets, of->len);
    br_sha256_out(&hash, digest);
    host.records[0] = (struct mote_tlsa){usage, selector, 1, digest, br_sha256_SIZE};
    host.record_count = 1;
    return host;
}

static uint64_t now_s(void)
{
    return (uint64_t)time(NULL);
}

/* A copy in memory of its own size: a sanitizer sees each octet that is read behind it. */
static unsigned judge(const struct mote_dane_host *host, const struct file *leaf, size_t leaf_len,
                      const struct file *ca, size_t ca_len, const br_x509_pkey *key)
{
    struct mote_tlsa_chain chain = {.count = 2, .len = {leaf_len, ca_len}};
    unsigned char *one = malloc(leaf_len + !leaf_len), *other = malloc(ca_len + !ca_len);
    unsigned error;

    memcpy(one, leaf->octets, leaf_len);
    memcpy(other, ca->octets, ca_len);
    chain.octets[0] = one;
    chain.octets[1] = other;
    error = mote_tlsa_judge(host, &chain, key, now_s());
    free(one);
    free(other);
    return error;
}

int main(int argc, char **argv)
{
    static br_x509_decoder_context good, changed;
    struct file leaf, leaf_key, ca, ca_key;
    struct mote_dane_host ee_key, ee, ta_key, ta;
    const br_x509_pkey *key, *other;

    if (argc != 5) {
        return 2;
    }
    leaf = read_file(argv[1]);
    leaf_key = read_file(argv[2]);
    ca = read_file(argv[3]);
    ca_key = read_file(argv[4]);
    ee_key = host_with(3, 1, &leaf_key);
    ee = host_with(3, 0, &leaf);
    ta_key = host_with(2, 1, &ca_key);
    ta = host_with(2, 0, &ca);
    key = decode(&good, leaf.octets, leaf.len);
    want(key != NULL, "the certificate is none", 0);
    want(judge(&ee_key, &leaf, leaf.len, &ca, ca.len, key) == 0, "3 1 1 refused", 0);
    want(judge(&ee, &leaf, leaf.len, &ca, ca.len, key) == 0, "3 0 1 refused", 0);
    want(judge(&ta_key, &leaf, leaf.len, &ca, ca.len, key) == 0, "2 1 1 refused", 0);
    want(judge(&ta, &leaf, leaf.len, &ca, ca.len, key) == 0, "2 0 1 refused", 0);
    other = decode(&changed, ca.octets, ca.len);
    want(judge(&ee_key, &leaf, leaf.len, &ca, ca.len, other) != 0, "another key than the one that is computed with", 0);

    for (size_t i = 0; i < leaf.len * 8; i++) {
        leaf.octets[i / 8] ^= (unsigned char)(1u << i % 8);
        other = decode(&changed, leaf.octets, leaf.len);
        if (other != NULL) {
            want(judge(&ee_key, &leaf, leaf.len, &ca, ca.len, other) != 0 || same_key(key, other),
                 "3 1 1 of another key", i);
            want(judge(&ee, &leaf, leaf.len, &ca, ca.len, other) != 0, "3 0 1 of another certificate", i);
            want(i % SIGNED != 0 || judge(&ta, &leaf, leaf.len, &ca, ca.len, other) != 0 || same_key(key, other),
                 "2 0 1 of another key", i);
        }
        leaf.octets[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    for (size_t i = 0; i < ca.len * 8; i++) {
        ca.octets[i / 8] ^= (unsigned char)(1u << i % 8);
        want(judge(&ta, &leaf, leaf.len, &ca, ca.len, key) != 0, "2 0 1 of another CA", i);
        if (i % SIGNED == 0) {
            judge(&ta_key, &leaf, leaf.len, &ca, ca.len, key);
        }
        ca.octets[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    for (size_t len = 0; len < leaf.len; len++) {
        want(judge(&ee_key, &leaf, len, &ca, ca.len, key) != 0 || len > 200, "3 1 1 of a stub", len);
        want(len % SIGNED != 0 || judge(&ta, &leaf, len, &ca, ca.len, key) != 0, "2 0 1 of a stub", len);
    }
    for (size_t len = 0; len < ca.len; len++) {
        want(len % SIGNED != 0 || judge(&ta_key, &leaf, leaf.len, &ca, len, key) != 0, "2 1 1 of half a CA", len);
    }
    printf("%u checks\n", checks);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * The chain a relay has sent, as a session of mailmote's would judge it: the same code, called with the same octets. So a root
 * can be tried alone, and the smallest image's trust as well.
 */
#define _POSIX_C_SOURCE 200809L

#include "mailmote_posix.h"
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* BearSSL's error, or 0. */
static unsigned judge(const struct probe *probe, const struct mote_trust *trust)
{
    static struct mote_session session;
    struct mote_relay relay = {.trust = *trust};
    struct mote_session_setup setup = {.unix_s = (uint64_t)time(NULL)};
    const br_x509_class **ctx = &session.x509.vtable;

    memset(&session, 0, sizeof session);
    session.relay = &relay;
    session.setup = &setup;
    trust->setup_tls(&session);
    (*ctx)->start_chain(ctx, probe->name);
    for (size_t i = 0; i < probe->chain.count; i++) {
        const struct mote_der *der = &probe->chain.list[i]->all;

        (*ctx)->start_cert(ctx, (uint32_t)der->len);
        (*ctx)->append(ctx, der->at, der->len);
        (*ctx)->end_cert(ctx);
    }
    return (*ctx)->end_chain(ctx);
}

static void set_anchor(br_x509_trust_anchor *anchor, const struct certificate *certificate)
{
    anchor->dn.data = (unsigned char *)(uintptr_t)certificate->subject.at; /* nobody writes there */
    anchor->dn.len = certificate->subject.len;
    anchor->flags = certificate->ca ? BR_X509_TA_CA : 0;
    anchor->pkey = *certificate->pkey;
}

static const char *verdict(unsigned error)
{
    switch (error) {
    case 0: return "verified";
    case BR_ERR_X509_EXPIRED: return "a certificate is expired or not yet valid";
    case BR_ERR_X509_BAD_SERVER_NAME: return "the certificate is for another name";
    case BR_ERR_X509_NOT_TRUSTED: return "no trusted CA has signed it";
    case BR_ERR_X509_DN_MISMATCH: return "the chain is out of order, or not signed by a trusted CA";
    case BR_ERR_X509_BAD_SIGNATURE: return "a signature in the chain is wrong";
    case BR_ERR_X509_NOT_CA: return "a certificate in the chain is no CA's";
    case BR_ERR_X509_WEAK_PUBLIC_KEY: return "a key of less than 2048 bits is in the chain";
    case BR_ERR_X509_FORBIDDEN_KEY_USAGE: return "the certificate is not for servers";
    case BR_ERR_X509_UNSUPPORTED: return "a certificate has a key or a signature mailmote does not know";
    default: return NULL;
    }
}

static bool is_small(const struct probe *probe, const br_x509_trust_anchor *root)
{
    struct mote_trust trust;

    mote_trust_anchors_small(&trust, root, 1, probe->name, &br_ec_p256_m31);
    return probe->ciphers[0] && probe->curves[1] && judge(probe, &trust) == 0;
}

/* The first root that does alone. */
static void find_root(struct probe *probe, const br_x509_trust_anchor *anchors, struct certificate *const *owners,
                      size_t count)
{
    for (size_t i = 0; i < count && probe->root == NULL; i++) {
        struct mote_trust trust;

        mote_trust_anchors(&trust, anchors + i, 1, probe->name);
        if (judge(probe, &trust) == 0) {
            probe->root = owners[i];
            probe->small = is_small(probe, anchors + i);
        }
    }
}

static void judge_under(struct probe *probe, br_x509_trust_anchor *anchors, struct certificate **owners)
{
    struct mote_trust trust;
    size_t count = 0;
    unsigned error;

    for (size_t i = 0; i < probe->anchors.count; i++) {
        if (probe->anchors.list[i]->pkey != NULL) {
            owners[count] = probe->anchors.list[i];
            set_anchor(anchors + count++, probe->anchors.list[i]);
        }
    }
    mote_trust_anchors(&trust, anchors, count, probe->name);
    error = judge(probe, &trust);
    probe->verified = error == 0;
    probe->stranger = error == BR_ERR_X509_NOT_TRUSTED || error == BR_ERR_X509_DN_MISMATCH;
    if (verdict(error) != NULL) {
        strcpy(probe->verdict, verdict(error));
    } else {
        snprintf(probe->verdict, sizeof probe->verdict, "BearSSL refuses the chain with error %u", error);
    }
    if (probe->verified) {
        find_root(probe, anchors, owners, count);
    }
}

void probe_judge(struct probe *probe)
{
    br_x509_trust_anchor *anchors = calloc(probe->anchors.count + 1, sizeof *anchors);
    struct certificate **owners = calloc(probe->anchors.count + 1, sizeof *owners);

    if (anchors == NULL || owners == NULL) {
        strcpy(probe->verdict, "no memory to verify it");
    } else if (probe->chain.count == 0) {
        strcpy(probe->verdict, "not verified: it has shown no certificate");
    } else if (probe->name == NULL) {
        strcpy(probe->verdict, "an address has no name to verify: give --tls-name");
    } else {
        judge_under(probe, anchors, owners);
    }
    free(anchors);
    free(owners);
}

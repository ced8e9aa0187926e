/* SPDX-License-Identifier: MIT
 *
 * Stands between BearSSL and the check of who the relay is, hands everything on as it is, and keeps the relay's own
 * certificate until the chain has ended: then it is told. One handshake at a time.
 */
#include "complain.h"
#include "mailmote_outbox.h"
#include "trust_certificate.h"
#include "witness.h"

#include <string.h>

enum { CERTIFICATE_MAX = 16384 }; /* as tell_certificate() says */

static struct witness {
    const br_x509_class *vtable, **checks; /* who decides */
    const struct mote_relay *relays;
    void (*setup_tls[MOTE_RELAYS_MAX])(struct mote_session *); /* of their trusts */
    bool first;                                                /* certificate, at the moment */
    size_t len;                                                /* what does not fit counted as well */
    unsigned char octets[CERTIFICATE_MAX];
} witness;

static void tell(const char *what, const char *text)
{
    fprintf(stderr, "* %s ", what);
    print_text(stderr, text, strlen(text));
    fputc('\n', stderr);
}

static void tell_certificate(void)
{
    static struct certificate certificate;
    unsigned char digest[SHA256_LEN];
    char text[TEXT_LEN];
    bool cut = witness.len > sizeof witness.octets;

    if (cut || certificate_read(&certificate, witness.octets, witness.len) != NULL) {
        tell("certificate", cut ? "longer than 16384 octets" : "that cannot be read");
        return;
    }
    name_text(text, certificate.subject);
    tell("certificate of", text);
    name_text(text, certificate.issuer);
    tell("issued by", text);
    tell("valid until", certificate.until);
    sha256(digest, certificate.key);
    pin_text(text, digest);
    tell("pin", text);
}

static void start_chain(const br_x509_class **ctx, const char *name)
{
    (void)ctx;
    witness.first = true;
    witness.len = 0;
    (*witness.checks)->start_chain(witness.checks, name);
}

static void start_cert(const br_x509_class **ctx, uint32_t len)
{
    (void)ctx;
    (*witness.checks)->start_cert(witness.checks, len);
}

static void append(const br_x509_class **ctx, const unsigned char *octets, size_t len)
{
    (void)ctx;
    if (witness.first) {
        if (len <= sizeof witness.octets && witness.len <= sizeof witness.octets - len) {
            memcpy(witness.octets + witness.len, octets, len);
        }
        witness.len += len;
    }
    (*witness.checks)->append(witness.checks, octets, len);
}

static void end_cert(const br_x509_class **ctx)
{
    (void)ctx;
    witness.first = false;
    (*witness.checks)->end_cert(witness.checks);
}

static unsigned end_chain(const br_x509_class **ctx)
{
    (void)ctx;
    if (!witness.first) {
        tell_certificate();
    }
    return (*witness.checks)->end_chain(witness.checks);
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    (void)ctx;
    return (*witness.checks)->get_pkey(witness.checks, usages);
}

static const br_x509_class vtable = {
    sizeof(struct witness), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

static void setup_tls(struct mote_session *session)
{
    br_ssl_engine_context *engine = &session->client.eng;

    witness.setup_tls[session->relay - witness.relays](session);
    witness.vtable = &vtable;
    witness.checks = engine->x509ctx;
    br_ssl_engine_set_x509(engine, &witness.vtable);
}

void witness_relays(struct mote_relay *relays, unsigned count)
{
    witness.relays = relays;
    for (unsigned i = 0; i < count; i++) {
        witness.setup_tls[i] = relays[i].trust.setup_tls;
        relays[i].trust.setup_tls = setup_tls;
    }
}

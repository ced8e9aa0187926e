/* SPDX-License-Identifier: MIT
 *
 * Outcomes in words, for people: logs, consoles, command lines. Linked only where they are used.
 */
#include "core.h"

#define NAME(name, line, limit) #name,

const char *mote_step_name(uint8_t step)
{
    static const char *const names[] = {MOTE_STEPS(NAME)};

    return step <= MOTE_STEP_RSET ? names[step] : "?";
}

const char *mote_verdict_name(uint8_t verdict)
{
    static const char *const names[] = {"pending", "delivered", "deferred", "failed", "in doubt", "misuse"};

    return verdict < sizeof names / sizeof names[0] ? names[verdict] : "?";
}

/* Every cause, and what people are told of it. With MOTE_NAMES_SHORT they are told its name in enum mote_cause. */
/* clang-format off */
#ifdef MOTE_DANE
#define CAUSES_OF_BUILD(X) \
    X(DNS, "DNS does not tell who takes mail for the domain, or whom to believe") \
    X(BOGUS, "DNSSEC refuses what DNS tells") \
    X(TLSA, "no TLSA record knows the host's certificate") \
    X(NO_TIME, "the time is unknown and the dates of certificates and DNSSEC need it")
#else
#define CAUSES_OF_BUILD(X) \
    X(NO_TIME, "the time is unknown and the certificate's dates need it")
#endif
#define CAUSES(X) \
    CAUSES_OF_BUILD(X) \
    X(NONE, "no trouble") \
    X(LOOKUP, "the relay's name has no address") \
    X(CONNECT, "no connection to the relay") \
    X(LOST, "the connection was lost before the reply") \
    X(TIMEOUT, "the relay did not answer in time") \
    X(DEADLINE, "the attempt took too long") \
    X(LEFT_ALONE, "the relays failed a short while ago and are left alone for now") \
    X(CLOSED, "the relay takes no other mail on this connection: a new one is made soon") \
    X(BARRED, "accepted for verified relays only, and no such relay is left: it waits") \
    X(TLS_NOT_OFFERED, "TLS is required and the relay does not offer STARTTLS") \
    X(TLS_REFUSED, "the relay offers STARTTLS and then refuses it") \
    X(TLS_HANDSHAKE, "the TLS handshake failed") \
    X(TLS_NO_COMMON, "no TLS version or cipher suite in common, or no TLS on this port") \
    X(CERT_UNTRUSTED, "the relay's certificate comes from no trusted CA") \
    X(CERT_NAME, "the relay's certificate is for another name") \
    X(CERT_DATE, "the relay's certificate is expired or not yet valid") \
    X(CERT_INVALID, "the relay's certificate is malformed, weak or unsupported") \
    X(CERT_PIN, "the relay's public key is not the pinned one") \
    X(TLS_RECORD, "a TLS record was broken, or larger than the buffer") \
    X(PROTOCOL, "the relay does not speak SMTP as it should") \
    X(UNEXPECTED, "the relay sent octets nothing asked for") \
    X(REPLY_TOO_LONG, "the relay's reply is too long") \
    X(LOGIN_NOT_OFFERED, "the relay offers no login mechanism we have") \
    X(NO_8BITMIME, "the mail is 8-bit and the relay does not offer 8BITMIME") \
    X(NO_SMTPUTF8, "an address is not ASCII and the relay does not offer SMTPUTF8") \
    X(REFUSED, "refused by the relay") \
    X(LOGIN_REFUSED, "user name, password or token refused by the relay") \
    X(TOO_BIG, "the mail is larger than the relay, or a cell of the outbox, takes") \
    X(ADDRESS, "sender or recipient is no mail address") \
    X(HELO, "the EHLO name is no host name or address literal") \
    X(LOGIN, "a login needs a user, one secret, and a relay that is verified") \
    X(TRUST, "how to trust the relay is not set, or lacks the relay's name") \
    X(BUFFER, "the room lent is too small: the record buffer, or that for addresses") \
    X(TEXT, "the text holds a NUL, is not what was measured, or is a message that mote_message_check() refuses") \
    X(NO_ENTROPY, "no random octets, for TLS or for the mail's id") \
    X(HEADER, "a header value holds a control character, or Message-ID or date is none") \
    X(ABORTED, "given up by the caller") \
    X(FULL, "no room for another mail") \
    X(STORAGE, "the storage does not keep what it is given, or cannot be read") \
    X(NO_NETWORK, "no network here: no route, no address of our own, or no name server") \
    X(NO_MEMORY, "no memory, socket or descriptor for a connection") \
    X(TOO_MANY, "more recipients than one mail may have") \
    X(NOBODY, "no recipient is left to ask: each has a final verdict, perhaps of an earlier mail") \
    X(DUPLICATE, "a mail with this id is stored already") \
    X(SETUP, "not opened, or a size or pointer of the setup is wrong")
/* clang-format on */

#ifdef MOTE_NAMES_SHORT
#define WORDS(name, words) #name
#else
#define WORDS(name, words) words
#endif
#define ROOM(name, words)  char name[sizeof(WORDS(name, words))];
#define SAID(name, words)  WORDS(name, words),
#define PLACE(name, words) [MOTE_CAUSE_##name] = (uint16_t)offsetof(struct texts, name),

/* They stand one behind the other, and a place takes half a pointer. What is no cause has the first one's. */
struct texts {
    char unknown[2];
    CAUSES(ROOM)
};

const char *mote_cause_name(uint8_t cause)
{
    static const struct texts texts = {"?", CAUSES(SAID)};
    static const uint16_t places[] = {CAUSES(PLACE)};

    return (const char *)&texts + (cause < sizeof places / sizeof places[0] ? places[cause] : 0);
}

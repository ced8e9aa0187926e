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

const char *mote_cause_name(uint8_t cause)
{
    switch (cause) {
    case MOTE_CAUSE_NONE: return "no trouble";
    case MOTE_CAUSE_LOOKUP: return "the relay's name has no address";
    case MOTE_CAUSE_CONNECT: return "no connection to the relay";
    case MOTE_CAUSE_LOST: return "the connection was lost before the reply";
    case MOTE_CAUSE_TIMEOUT: return "the relay did not answer in time";
    case MOTE_CAUSE_DEADLINE: return "the attempt took too long";
    case MOTE_CAUSE_LEFT_ALONE: return "the relays failed a short while ago and are left alone for now";
    case MOTE_CAUSE_CLOSED: return "the relay ended the connection after an earlier mail: a new one is made soon";
    case MOTE_CAUSE_BARRED: return "accepted for verified relays only, and no such relay is left: it waits";
    case MOTE_CAUSE_TLS_NOT_OFFERED: return "TLS is required and the relay does not offer STARTTLS";
    case MOTE_CAUSE_TLS_REFUSED: return "the relay offers STARTTLS and then refuses it";
    case MOTE_CAUSE_TLS_HANDSHAKE: return "the TLS handshake failed";
    case MOTE_CAUSE_TLS_NO_COMMON: return "no TLS version or cipher suite in common, or no TLS on this port";
    case MOTE_CAUSE_CERT_UNTRUSTED: return "the relay's certificate comes from no trusted CA";
    case MOTE_CAUSE_CERT_NAME: return "the relay's certificate is for another name";
    case MOTE_CAUSE_CERT_DATE: return "the relay's certificate is expired or not yet valid";
    case MOTE_CAUSE_CERT_INVALID: return "the relay's certificate is malformed, weak or unsupported";
    case MOTE_CAUSE_CERT_PIN: return "the relay's public key is not the pinned one";
    case MOTE_CAUSE_TLS_RECORD: return "a TLS record was broken, or larger than the buffer";
    case MOTE_CAUSE_PROTOCOL: return "the relay does not speak SMTP as it should";
    case MOTE_CAUSE_UNEXPECTED: return "the relay sent octets nothing asked for";
    case MOTE_CAUSE_REPLY_TOO_LONG: return "the relay's reply is too long";
    case MOTE_CAUSE_LOGIN_NOT_OFFERED: return "the relay offers no login mechanism we have";
    case MOTE_CAUSE_NO_8BITMIME: return "the mail is 8-bit and the relay does not offer 8BITMIME";
    case MOTE_CAUSE_NO_SMTPUTF8: return "an address is not ASCII and the relay does not offer SMTPUTF8";
    case MOTE_CAUSE_REFUSED: return "refused by the relay";
    case MOTE_CAUSE_LOGIN_REFUSED: return "user name, password or token refused by the relay";
    case MOTE_CAUSE_TOO_BIG: return "the mail is larger than the relay, or a cell of the outbox, takes";
    case MOTE_CAUSE_ADDRESS: return "sender or recipient is no mail address";
    case MOTE_CAUSE_HELO: return "the EHLO name is no host name or address literal";
    case MOTE_CAUSE_LOGIN: return "a login needs a user, one secret, and a relay that is verified";
    case MOTE_CAUSE_TRUST: return "how to trust the relay is not set, or lacks the relay's name";
    case MOTE_CAUSE_BUFFER: return "the room lent is too small: the record buffer, or that for addresses";
    case MOTE_CAUSE_TEXT:
        return "the text holds a NUL, is not what was measured, or is a message that mote_message_check() refuses";
    case MOTE_CAUSE_NO_ENTROPY: return "no random octets for TLS";
    case MOTE_CAUSE_NO_TIME: return "the time is unknown and the certificate's dates need it";
    case MOTE_CAUSE_HEADER: return "a header value holds a control character, or Message-ID or date is none";
    case MOTE_CAUSE_ABORTED: return "given up by the caller";
    case MOTE_CAUSE_FULL: return "no room for another mail";
    case MOTE_CAUSE_STORAGE: return "the storage does not keep what it is given, or cannot be read";
    case MOTE_CAUSE_NO_NETWORK: return "no network here: no route, no address of our own, or no name server";
    case MOTE_CAUSE_NO_MEMORY: return "no memory, socket or descriptor for a connection";
    case MOTE_CAUSE_TOO_MANY: return "more recipients than one mail may have";
    case MOTE_CAUSE_NOBODY: return "no recipient is left to ask: each has a final verdict, perhaps of an earlier mail";
    case MOTE_CAUSE_DUPLICATE: return "a mail with this id is stored already";
    case MOTE_CAUSE_SETUP: return "a size or pointer of the setup is wrong";
    default: return "?";
    }
}

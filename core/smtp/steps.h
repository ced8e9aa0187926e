/* SPDX-License-Identifier: MIT
 *
 * The one list of steps: names, command lines and time limits come from it. A step up to RSET is public (enum
 * mote_step) and has its reply; the two behind it are written without one of their own: END has it.
 */
#ifndef MOTE_STEPS_H
#define MOTE_STEPS_H

/* Marks in a command line; every other octet stands for itself, \001 too (OAUTH's separator). The line's CR LF is added. As they
 * stand in strings, then as numbers. */
/* clang-format off */
#define M_HELO "\002"
#define M_FROM "\003"
#define M_RCPT "\004"
#define M_USER "\005"
#define M_SECRET "\006"
#define M_SIZE "\007"    /* size of the mail, decimal */
#define M_SIZE_IF "\010" /* the option SIZE=, when it was offered */
#define M_8BIT_IF "\011" /* the option BODY=8BITMIME, when the text is 8-bit */
#define M_UTF8_IF "\012" /* the option SMTPUTF8, when an address is UTF-8 and it was offered */
#define M_NUL "\016"     /* one NUL; only where base64 follows, as an octet 0 in the output register is none */
#define M_BASE64 "\017"  /* the rest in base64: on this line, or after a 334 when it would be too long */
#define M_WAIT "\020"    /* the rest in base64 on the next line, after a 334 */
/* clang-format on */
enum {
    MARK_HELO = 2,
    MARK_FROM = 3,
    MARK_RCPT = 4,
    MARK_USER = 5,
    MARK_SECRET = 6,
    MARK_SIZE = 7,
    MARK_SIZE_IF = 8,
    MARK_8BIT_IF = 9,
    MARK_UTF8_IF = 10,
    MARK_NUL = 14,
    MARK_BASE64 = 15,
    MARK_WAIT = 16
};

/* Time limits in seconds, RFC 5321 4.5.3.2 (POLICY P13); those that ports know too are in mailmote.h. */
#ifndef MOTE_REPLY_S
#define MOTE_REPLY_S 300 /* greeting, EHLO, AUTH, RSET, MAIL, RCPT */
#endif
#ifndef MOTE_TLS_S
#define MOTE_TLS_S 120 /* STARTTLS; the handshake */
#endif
#ifndef MOTE_DATA_S
#define MOTE_DATA_S 120
#endif
#ifndef MOTE_TEXT_S
#define MOTE_TEXT_S 180 /* a block of the text is taken by the connection */
#endif
#ifndef MOTE_END_S
#define MOTE_END_S 600
#endif
#ifndef MOTE_QUIT_S
#define MOTE_QUIT_S 10
#endif

/* clang-format off */
/* X(name, command line, limit in seconds) */
#define MOTE_STEPS(X)                                                                                                  \
    X(CONNECT, "", MOTE_CONNECT_S)                                                                                     \
    X(GREETING, "", MOTE_REPLY_S)                                                                                      \
    X(EHLO, "EHLO " M_HELO, MOTE_REPLY_S)                                                                              \
    X(HELO, "HELO " M_HELO, MOTE_REPLY_S)                                                                              \
    X(STARTTLS, "STARTTLS", MOTE_TLS_S)                                                                              \
    X(HANDSHAKE, "", MOTE_TLS_S)                                                                                     \
    X(AUTH, "", MOTE_REPLY_S)                                                                                         \
    X(MAIL, "MAIL FROM:<" M_FROM ">" M_SIZE_IF M_8BIT_IF M_UTF8_IF, MOTE_REPLY_S)                                      \
    X(RCPT, "RCPT TO:<" M_RCPT ">", MOTE_REPLY_S)                                                                      \
    X(DATA, "DATA", MOTE_DATA_S)                                                                                       \
    X(END, "", MOTE_END_S)                                                                                             \
    X(QUIT, "QUIT", MOTE_QUIT_S)                                                                                       \
    X(RSET, "RSET", MOTE_REPLY_S)                                                                                      \
    X(BDAT, "BDAT " M_SIZE " LAST", MOTE_TEXT_S)                                                                       \
    X(TEXT, "", MOTE_TEXT_S)
/* clang-format on */

enum { MOTE_STEP_NONE = 0, MOTE_STEP_BDAT = 13, MOTE_STEP_TEXT = 14 };

/* EHLO keywords (first words of a line), then AUTH mechanisms, the better one of a pair first, in the order of the bits
 * below. The number is the word's hash: for each octet, hash * 33 XOR octet, modulo 2^32. X(name, hash) */
/* clang-format off */
#define MOTE_OFFERS(X) \
    X(STARTTLS, 0xa11bb00b) \
    X(PIPELINING, 0x0224d407) \
    X(CHUNKING, 0x0d4a453b) \
    X(SIZE, 0x002eb625) \
    X(8BITMIME, 0x065e694b) \
    X(SMTPUTF8, 0x930ea065) \
    X(ENHANCEDSTATUSCODES, 0xcd07b7e4) \
    X(AUTH, 0x0022eaa8) \
    X(PLAIN, 0x058c2ffa) \
    X(LOGIN, 0x05363c43) \
    X(OAUTHBEARER, 0xf19ba0e4) \
    X(XOAUTH2, 0xd9a143ed)
/* clang-format on */

enum {
    OFFER_STARTTLS = 1 << 0,
    OFFER_PIPELINING = 1 << 1,
    OFFER_CHUNKING = 1 << 2,
    OFFER_SIZE = 1 << 3,
    OFFER_8BITMIME = 1 << 4,
    OFFER_SMTPUTF8 = 1 << 5,
    OFFER_ENHANCEDSTATUSCODES = 1 << 6,
    OFFER_AUTH = 1 << 7,
    OFFER_PLAIN = 1 << 8,
    OFFER_LOGIN = 1 << 9,
    OFFER_OAUTHBEARER = 1 << 10,
    OFFER_XOAUTH2 = 1 << 11,
    OFFER_KEYWORDS = OFFER_PLAIN - 1,
    OFFER_MECHANISMS = OFFER_PLAIN | OFFER_LOGIN | OFFER_OAUTHBEARER | OFFER_XOAUTH2
};

/* The needs of a mail that an EHLO's offers meet; the enum divides by zero where the bits are not in that order. */
#define OFFERED_NEEDS(offers) ((unsigned)(offers) / OFFER_8BITMIME)
enum {
    NEEDS_ARE_OFFERS = 1 / (OFFERED_NEEDS(OFFER_8BITMIME) == MOTE_NEEDS_8BITMIME &&
                            OFFERED_NEEDS(OFFER_SMTPUTF8) == MOTE_NEEDS_SMTPUTF8)
};

#endif

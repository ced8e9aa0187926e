/* SPDX-License-Identifier: MIT
 *
 * Relays in memory that follow a script, one connection at a time, for tests of delivery and outbox. Time passes only
 * when nobody has anything to say.
 */
#ifndef SIM_H
#define SIM_H

#include "mailmote_outbox.h"

enum { SIM_RELAYS = 9, SIM_RCPTS = 8 };

/* Instead of an answer: the connection is closed; or nothing is said. */
extern const char sim_close[], sim_mute[];

/* Answers without their last CR LF; NULL: a good one. RCPT is answered by the first letter of the address: a, b, ... */
struct sim_answers {
    const char *ehlo, *helo, *auth, *mail, *data, *end;
    const char *bdat; /* instead of end, where the mail came in a chunk */
    const char *rcpt[SIM_RCPTS];
};

/* What follows the 220 to STARTTLS, or stands for the handshake of implicit TLS. */
enum { SIM_GOOD, SIM_CLOSE, SIM_MUTE, SIM_GARBAGE, SIM_ALERT };

struct sim_relay {
    uint8_t down; /* cause of not being connected to; 0: it is up */
    bool plain;   /* does not offer STARTTLS */
    bool implicit;
    bool pipelining, chunking; /* it offers these */
    bool first_only;           /* of the commands that come together it answers the first */
    uint8_t mails;      /* on one connection; then it is enough, or, rude, it hangs up behind the last. 0: any number */
    const char *enough; /* to MAIL; NULL: 421 */
    bool rude;
    uint32_t slow_ms; /* it takes this long for an answer */
    uint8_t handshake;
    const char *greeting, *starttls;
    struct sim_answers clear, tls;
};

struct sim {
    struct sim_relay relays[SIM_RELAYS];
    uint32_t now_ms;
    uint32_t back_ms; /* each other time stamp is this much older */

    /* Told when MAIL comes, and when a mail has come whole (before it is answered); may be NULL. */
    void (*offered)(void *ctx, struct sim *sim);
    void (*came)(void *ctx, struct sim *sim, const char *answer);
    void *ctx;

    /* Commands: "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA .]2[". A dot is a mail that came whole; "1!" a
     * connection that did not come about. QUIT is left out. */
    char log[1024];

    /* The connection. */
    const struct sim_relay *relay;
    bool secured;    /* inside TLS */
    bool mail;       /* MAIL was accepted */
    char from[128];  /* address in MAIL */
    uint8_t to;      /* recipients accepted, a bit each */
    char text[1200]; /* of the mail, as on the wire */
    size_t text_len;
    size_t chunk;          /* octets of it still to come */
    unsigned polls, mails; /* mails on the connection */
    bool hello, tls, dead, data, said, closed;
    char line[600];
    size_t line_len;
    char say[1024];
    size_t say_at, say_len;
};

/* Relays that are good and offer STARTTLS. */
void sim_set(struct sim *sim);

/* The relay delivery asks for: connected or not. */
void sim_connect(struct sim *sim, struct mote_delivery *delivery);

/* Talks until the session is done, or wants a commit. */
uint8_t sim_talk(struct sim *sim, struct mote_session *session);

/* A whole attempt. The log begins anew. */
const struct mote_result *sim_attempt(struct sim *sim, struct mote_delivery *delivery);

#endif

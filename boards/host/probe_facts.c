/* SPDX-License-Identifier: MIT
 *
 * What follows from a relay's answers.
 */
#define _POSIX_C_SOURCE 200809L

#include "mailmote_session.h"
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *probe_offer(const char *offers, const char *word)
{
    size_t len = strlen(word);

    for (; *offers != 0; offers = strchr(offers, '\n') + 1) {
        if (strncasecmp(offers, word, len) == 0 && (offers[len] == ' ' || offers[len] == '\n')) {
            return offers + len + (offers[len] == ' ');
        }
    }
    return NULL;
}

static bool has_word(const char *words, const char *word, size_t len)
{
    for (; *words != 0; words += strcspn(words, " "), words += strspn(words, " ")) {
        if (strcspn(words, " ") == len && strncasecmp(words, word, len) == 0) {
            return true;
        }
    }
    return false;
}

void probe_logins(char to[PROBE_TEXT], const char *offers)
{
    size_t at = 0, len;

    to[0] = 0;
    for (const char *line = offers; *line != 0; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, "AUTH", 4) != 0 || (line[4] != ' ' && line[4] != '=')) {
            continue;
        }
        for (const char *word = line + 5; *word != '\n'; word += len + (word[len] == ' ')) {
            len = strcspn(word, " \n");
            if (len > 0 && !has_word(to, word, len) && at + (at > 0) + len < PROBE_TEXT) {
                at += (size_t)snprintf(to + at, PROBE_TEXT - at, "%s%.*s", at > 0 ? " " : "", (int)len, word);
            }
        }
    }
}

/* EHLO, STARTTLS, two of the handshake, EHLO; then the mail. The answer to QUIT is not waited for. */
unsigned probe_flights(const struct probe *probe)
{
    bool pipelining = probe_offer(probe->offers, "PIPELINING") != NULL;
    bool chunking = probe_offer(probe->offers, "CHUNKING") != NULL;
    unsigned before = probe->implicit ? 3 : 5, envelope = pipelining ? 0 : 2;

    return before + envelope + (chunking ? 1 : 2);
}

/* A record's header and payload lie in the buffer, and nothing else. */
size_t probe_buffer(const struct probe *probe)
{
    return probe->record > MOTE_SESSION_BUF_MIN ? probe->record : MOTE_SESSION_BUF_MIN;
}

bool probe_is_modern(const struct probe *probe)
{
    return probe->ciphers[0] || probe->ciphers[1] || probe->ciphers[2];
}

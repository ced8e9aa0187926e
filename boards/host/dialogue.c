/* SPDX-License-Identifier: MIT
 *
 * The dialogue for a person's eyes: runs of octets become lines, whatever a relay sends becomes harmless, the mail's
 * text becomes its size. Secrets are not in what we say, and are masked in what a relay repeats.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "dialogue.h"
#include "mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void gather(struct dialogue *d, char octet)
{
    if (d->len < sizeof d->line - 1) {
        d->line[d->len] = octet;
    }
    d->len++;
}

/* SIZE of a reply to EHLO. */
static void note_size(struct dialogue *d)
{
    char text[40];
    unsigned long limit;

    snprintf(text, sizeof text, "%.*s", (int)(d->len < sizeof text ? d->len : 0), d->line);
    if (strncmp(text, "250", 3) == 0 && text[3] != 0 && strncasecmp(text + 4, "SIZE ", 5) == 0) {
        limit = strtoul(text + 9, NULL, 10);
        d->size_limit = limit <= UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
    }
}

static void print_line(struct dialogue *d)
{
    bool cut = d->len > sizeof d->line - 1;
    size_t len = cut ? sizeof d->line - 1 : d->len;

    d->line[len] = 0;
    if (d->who == 'S' && d->relays != NULL) {
        len = mask_secrets(d->relays, d->line, len);
    }
    fprintf(stderr, "%c: ", d->who);
    print_text(stderr, d->line, len);
    fputs(cut ? " (cut here)\n" : "\n", stderr);
}

static void end_line(struct dialogue *d)
{
    if (d->who == 0) {
        return;
    }
    if (d->who == 'S') {
        note_size(d);
    }
    if (d->verbose) {
        print_line(d);
    }
    d->who = 0;
    d->len = 0;
    d->carriage_return = false;
}

static void end_mail(struct dialogue *d)
{
    if (d->mail_octets > 0 && d->verbose) {
        fprintf(stderr, "C: (%lu octets of mail)\n", (unsigned long)d->mail_octets);
    }
    d->mail_octets = 0;
}

static void hear_octet(struct dialogue *d, char who, char octet)
{
    if (d->who != who) {
        end_line(d);
        d->who = who;
    }
    if (octet == '\n') {
        end_line(d);
        return;
    }
    if (d->carriage_return) {
        gather(d, '\r');
    }
    d->carriage_return = octet == '\r';
    if (octet != '\r') {
        gather(d, octet);
    }
}

static void hear(void *ctx, char who, uint8_t step, const char *data, size_t len)
{
    struct dialogue *d = ctx;

    if (who == '*') {
        char text[sizeof d->event];

        snprintf(text, sizeof text, "%.*s", (int)len, data);
        if (strncmp(text, "TLS ", 4) == 0) {
            snprintf(d->tls, sizeof d->tls, "%.*s", (int)sizeof d->tls - 1, text);
        }
        dialogue_event(d, text);
        return;
    }
    if (who == 'C' && step == MOTE_STEP_END) {
        end_line(d);
        d->mail_octets += (uint32_t)len;
        return;
    }
    if (who == 'C' || step == MOTE_STEP_END) {
        end_mail(d);
    }
    for (; len > 0; len--) {
        hear_octet(d, who, *data++);
    }
}

struct mote_trace dialogue_trace(struct dialogue *dialogue)
{
    struct mote_trace trace = {hear, dialogue};

    return trace;
}

void dialogue_event(struct dialogue *dialogue, const char *text)
{
    dialogue_finish(dialogue);
    snprintf(dialogue->event, sizeof dialogue->event, "%s", text);
    if (dialogue->verbose) {
        fputs("* ", stderr);
        print_text(stderr, text, strlen(text));
        fputc('\n', stderr);
    }
}

void dialogue_finish(struct dialogue *dialogue)
{
    end_line(dialogue);
    end_mail(dialogue);
}

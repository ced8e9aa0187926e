/* SPDX-License-Identifier: MIT
 *
 * What configurations say, in full: the cases of config.txt, each with its lines and what becomes of them. A case is
 *
 *     == TITLE
 *     send ACCOUNT           the command, and --account, or -
 *     LINES
 *     --
 *     what is told of them
 *
 * in which \n, \t, \r, \e stand for an end of line, a TAB, a CR, an escape, and N*C for so many octets C (N > 9).
 */
#define _GNU_SOURCE

#include "../../boards/host/complain.h"
#include "../../boards/host/config.h"
#include "../../boards/host/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 1 << 16 };

/* ---- What is told ------------------------------------------------------------------------------------------------ */

static void word(FILE *out, const char *name, const char *value, unsigned line)
{
    if (value != NULL) {
        fprintf(out, line != 0 ? "%s=%s@%u\n" : "%s=%s\n", name, value, line);
    }
}

static void tell_relay(FILE *out, const struct relay_args *relay)
{
    static const char *const names[RELAY_OPTIONS] = {"tls",          "trust",         "pin",        "tls-name",
                                                     "user",         "password-file", "token-file", "password",
                                                     "passwordeval", "auth",          "starttls"};

    fprintf(out, "%u: relay %s", relay->line, relay->relay);
    for (size_t i = 0; i < RELAY_OPTIONS; i++) {
        if (relay->options[i] != NULL) {
            fprintf(out, " %s=%s", names[i], relay->options[i]);
        }
    }
    fprintf(out, "\n");
}

static void tell_parsed(FILE *out, const struct host_relay *own)
{
    static const uint8_t none[32];
    const struct mote_relay *relay = &own->relay;

    fprintf(out, "%s port %u%s%s%s", relay->host, relay->port, relay->tls == MOTE_TLS_IMPLICIT ? " implicit" : "",
            relay->login.user != NULL ? " user " : "", relay->login.user != NULL ? relay->login.user : "");
    if (memcmp(relay->trust.pin, none, sizeof none) != 0) {
        fprintf(out, " pin ");
        for (size_t i = 0; i < sizeof relay->trust.pin; i++) {
            fprintf(out, "%02x", relay->trust.pin[i]);
        }
    }
    fprintf(out, "\n");
}

static void tell(FILE *out, struct args *args, int status)
{
    static const char *const fields[] = {"added", "written", "left"};
    struct relays relays;

    word(out, "spool", args->spool, 0);
    word(out, "helo", args->helo, args->helo_line);
    word(out, "admin", args->admin, args->admin_line);
    word(out, "aliases", args->aliases, args->aliases_line);
    word(out, "name", args->full_name, 0);
    word(out, "domain", args->domain, 0);
    word(out, "from", args->own_from, args->from_line);
    word(out, "sender", args->from, 0);
    word(out, "syslog", args->syslog, 0);
    word(out, "timeout", args->timeout, 0);
    word(out, "field", args->from_field != FROM_ADDED ? fields[args->from_field] : NULL, 0);
    word(out, "fixed", args->from_fixed ? "yes" : NULL, 0);
    for (unsigned i = 0; i < args->alias_count; i++) {
        const struct alias *alias = &args->alias_lines[i];

        fprintf(out, "%s:%u: alias %.*s to %.*s\n", alias->file, alias->line, (int)alias->name.len, alias->name.at,
                (int)alias->targets.len, alias->targets.at);
    }
    for (unsigned i = 0; i < args->relay_count; i++) {
        tell_relay(out, &args->relays[i]);
    }
    if (status != EX_OK) {
        fprintf(out, "status %d\n", status);
        return;
    }
    memset(&relays, 0, sizeof relays);
    fflush(out);
    status = relays_parse(&relays, args);
    for (unsigned i = 0; i < relays.count && status == EX_OK; i++) {
        tell_parsed(out, &relays.own[i]);
    }
    if (status != EX_OK) {
        fprintf(out, "status %d\n", status);
    } else if (relays_verified_only(args)) {
        fprintf(out, "verified\n");
    }
}

/* ---- Cases ------------------------------------------------------------------------------------------------------- */

/* Into text, with what stands for other octets. Returns the rest. */
static const char *take_lines(const char *from, const char *end, char *to)
{
    while (strncmp(from, end, strlen(end)) != 0) {
        unsigned count;
        char octet;
        int used;

        assert_int_not_equal(*from, 0);
        if (*from >= '1' && *from <= '9' && sscanf(from, "%4u*%c%n", &count, &octet, &used) == 2 && count > 9) {
            memset(to, octet, count);
            to += count;
            from += used;
        } else if (*from == '\\' && strchr("nrte", from[1]) != NULL) {
            *to++ = "\n\r\t\033"[strchr("nrte", from[1]) - "nrte"];
            from += 2;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
    return from + strlen(end);
}

static const char *outcome(const char *command, const char *account, const char *lines)
{
    static char text[ROOM];
    size_t len = strlen(lines);
    struct args args = {.config_file = "conf", .verbose = true};
    FILE *usual = stderr;
    int status, named;

    args.command = strcmp(command, "send") == 0    ? COMMAND_SEND
                   : strcmp(command, "flush") == 0 ? COMMAND_FLUSH
                                                   : COMMAND_QUEUE;
    args.account = strcmp(account, "-") != 0 ? account : NULL;
    args.config.data = malloc(len + 1); /* what is read behind the end is seen by the sanitizers */
    assert_non_null(args.config.data);
    memcpy(args.config.data, lines, len + 1);
    args.config.len = len;
    text[0] = 0;
    stderr = fmemopen(text, sizeof text, "w");
    assert_non_null(stderr);
    status = config_parse(&args);
    named = account_names(&args);
    tell(stderr, &args, status == EX_OK ? named : status);
    fclose(stderr);
    stderr = usual;
    made_free(&args.made);
    free(args.config.data);
    return text[0] != 0 ? text : "nothing\n";
}

static void test_cases(void **state)
{
    static char all[ROOM * 4], lines[ROOM], told[ROOM];
    FILE *file = fopen("tests/unit/config.txt", "r");
    const char *at = all;
    unsigned wrong = 0, count = 0;

    assert_non_null(file);
    all[fread(all, 1, sizeof all - 1, file)] = 0;
    fclose(file);
    while ((at = strstr(at, "== ")) != NULL) {
        char title[100], command[8], account[20];
        int used;

        assert_int_equal(sscanf(at, "== %99[^\n]\n%7s %19s%*[\n]%n", title, command, account, &used), 3);
        at = take_lines(at + used, "--\n", lines);
        at = take_lines(at, "\n\n", told);
        strcat(told, "\n");
        const char *is = outcome(command, account, lines);

        if (strcmp(is, told) != 0) {
            wrong++;
            printf("== %s\n%s--\n%s\n", title, is, told);
        }
        count++;
    }
    assert_int_equal(wrong, 0);
    assert_true(count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    setenv("LOGNAME", "me", 1);
    setenv("HOME", "/home/me", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

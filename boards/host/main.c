/* SPDX-License-Identifier: MIT
 *
 * The mailmote command: one word says what to do. Results go to stdout, everything else to stderr; exit statuses are
 * those of sysexits.h.
 */
#define _GNU_SOURCE

#include "host.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: mailmote send [-v] --relay HOST[:PORT] [--spool DIR] [OPTION...] RCPT... < TEXT\n"
                            "       mailmote flush [-v] --spool DIR [--now] --relay HOST[:PORT] [OPTION...]\n"
                            "       mailmote queue --spool DIR\n"
                            "       mailmote --help | --version\n";

static const char help[] =
    "\n"
    "send submits the text on standard input as a mail to each RCPT, through the first relay that takes it. flush "
    "tries\n"
    "the mails of a spool again that are due, queue lists them.\n"
    "\n"
    "Relays, at most 8, tried in the order given (an IPv6 address as [2001:db8::7]:587):\n"
    "  --relay HOST[:PORT]   port 587 with a login, 25 without, 465 with implicit TLS\n"
    "  --tls starttls        STARTTLS (default)\n"
    "  --tls implicit        TLS from the first octet\n"
    "  --trust FILE.pem      certificates the relay's chain must lead to\n"
    "  --pin sha256:BASE64   the relay's public key (SHA-256 of its SubjectPublicKeyInfo) instead\n"
    "  --tls-name NAME       name the relay's certificate must have, if not HOST\n"
    "  --user USER           log in, with one of:\n"
    "  --password-file FILE  the password\n"
    "  --token-file FILE     an OAuth access token\n"
    "Options after a --relay are that relay's; before the first --relay they are every relay's, unless it has its "
    "own.\n"
    "With --trust, --pin or a login the relay is verified and nothing leaves outside TLS; a login without --trust or\n"
    "--pin trusts the system's CA file. A relay without any of them gets TLS if it offers it, any certificate.\n"
    "\n"
    "The mail:\n"
    "  --from ADDRESS        sender (default: your user name at this host's full name; \"\" for the null sender)\n"
    "  --subject TEXT        subject, UTF-8\n"
    "  --raw                 standard input is a whole message with its header (RFC 5322)\n"
    "  --helo NAME           our name for EHLO (default: this host's full name, or its address)\n"
    "  -v                    show the dialogue on standard error, without secrets\n"
    "\n"
    "Keeping it:\n"
    "  --spool DIR           store the mail in DIR before it is tried, and keep it there until it is delivered or "
    "failed\n"
    "                        (at most 32 recipients); DIR is created if it is missing\n"
    "  --now                 flush mails that are not yet due, and ask relays that are left alone; TLS is not given "
    "up\n"
    "                        any sooner\n"
    "  -C FILE               a line each: `relay HOST[:PORT] [tls=starttls|implicit] [trust=FILE] [pin=sha256:BASE64]\n"
    "                        [tls-name=NAME] [user=USER] [password-file=FILE] [token-file=FILE]', `spool DIR',\n"
    "                        `helo NAME', `from ADDRESS'; # begins a comment. Options take the place of its lines, and "
    "a\n"
    "                        --relay the place of all its relays\n"
    "\n"
    "send and flush print a line per recipient, tab separated: ID ADDRESS delivered|deferred|failed CODE TEXT\n"
    "queue prints: ID AGE ATTEMPTS NEXT ADDRESS waiting|delivered|failed LAST; AGE and NEXT in seconds.\n"
    "Without --spool nothing is kept: a deferred mail is to be sent again by the caller. With it, it is not: call "
    "flush\n"
    "every minute or so.\n"
    "\n"
    "Exit status: 0 all delivered, 75 some deferred and none failed, 69 some failed, 64 wrong usage, 65 bad input,\n"
    "73 the mail cannot be stored, 78 bad configuration (a password or trust file, for example).\n";

static char about[300]; /* what every complaint is about, or "" */

void complain(const char *form, ...)
{
    va_list values;

    va_start(values, form);
    fprintf(stderr, "mailmote: %s", about);
    vfprintf(stderr, form, values);
    fputc('\n', stderr);
    va_end(values);
}

void complain_about(const char *file, unsigned line)
{
    about[0] = 0;
    if (line != 0) {
        snprintf(about, sizeof about, "%s:%u: ", file, line);
    }
}

void print_help(void)
{
    fputs(usage, stdout);
    fputs(help, stdout);
}

/* A socket must not get the number of a standard stream that was closed: it would hear what is meant for a person. */
static bool open_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (strcmp(word, "send") == 0) {
        return send_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "flush") == 0) {
        return flush_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "queue") == 0) {
        return queue_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help();
        return EX_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        puts("mailmote " MAILMOTE_VERSION);
        return EX_OK;
    }
    if (argc > 1) {
        complain("unknown command %s: see mailmote --help", word);
    } else {
        fputs(usage, stderr);
    }
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    int status;

    if (!open_standard_streams()) {
        return EX_OSERR;
    }
    /* Whoever closes our output early still gets the right exit status. */
    signal(SIGPIPE, SIG_IGN);
    status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("standard output cannot be written: the exit status %d is still right", status);
    }
    return status;
}

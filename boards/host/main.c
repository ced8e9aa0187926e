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

static const char usage[] = "usage: mailmote send [-v] --relay HOST[:PORT] [OPTION...] RCPT... < TEXT\n"
                            "       mailmote --help | --version\n";

static const char help[] =
    "\n"
    "Submits the text on standard input as a mail to each RCPT, through the first relay that takes it.\n"
    "\n"
    "Relays, tried in the order given (an IPv6 address as [2001:db8::7]:587):\n"
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
    "Prints one line per recipient, tab separated: ID ADDRESS delivered|deferred|failed CODE TEXT\n"
    "Nothing is kept: a deferred mail is to be sent again by the caller.\n"
    "\n"
    "Exit status: 0 all delivered, 75 some deferred and none failed, 69 some failed, 64 wrong usage, 65 bad input,\n"
    "78 bad configuration (a password or trust file, for example).\n";

void complain(const char *form, ...)
{
    va_list values;

    va_start(values, form);
    fputs("mailmote: ", stderr);
    vfprintf(stderr, form, values);
    fputc('\n', stderr);
    va_end(values);
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

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (strcmp(word, "send") == 0)
        return send_command(argc - 1, argv + 1);
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help();
        return EX_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        puts("mailmote " MAILMOTE_VERSION);
        return EX_OK;
    }
    if (argc > 1)
        complain("unknown command %s: see mailmote --help", word);
    else
        fputs(usage, stderr);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    int status;

    if (!open_standard_streams())
        return EX_OSERR;
    /* Whoever closes our output early still gets the right exit status. */
    signal(SIGPIPE, SIG_IGN);
    status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        complain("standard output cannot be written: the exit status %d is still right", status);
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * How the command is called, in a few lines, and its version.
 */
#include "commands.h"
#include "mailmote_session.h"

static const char usage[] = "usage: mailmote send [-v] --relay HOST[:PORT] [--spool DIR] [OPTION...] RCPT... < TEXT\n"
                            "       mailmote flush [-v] --spool DIR [--now] --relay HOST[:PORT] [OPTION...]\n"
                            "       mailmote queue --spool DIR [--show ID | --delete ID]\n"
                            "       mailmote trust [--pin] FILE.pem...\n"
                            "       mailmote trust [--pin] --probe [--trust FILE.pem] [...] HOST[:PORT]\n"
                            "       mailmote probe [--trust FILE.pem] [--tls implicit] [--tls-name NAME] [--json] "
                            "HOST[:PORT]\n"
#ifdef MOTE_DANE
                            "       mailmote probe --mx [-C FILE] [--dnssec-anchor FILE] DOMAIN\n"
#endif
                            "       mailmote sendmail|mail|mailx|mailq|newaliases [OPTION...] [RCPT...]\n"
                            "       mailmote --help | --version\n";

/* BearSSL says its version nowhere. 0.6 is its last release; what was written since then defines this. */
#ifdef BR_FEATURE_X509_TIME_CALLBACK
#define BEARSSL_VERSION "newer than 0.6"
#else
#define BEARSSL_VERSION "0.6"
#endif

void print_version(void)
{
    puts("mailmote " MAILMOTE_VERSION " with BearSSL " BEARSSL_VERSION);
}

void print_usage(FILE *to)
{
    fputs(usage, to);
}

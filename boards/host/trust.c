/* SPDX-License-Identifier: MIT
 *
 * `mailmote trust`: certificates as constants for a firmware, which then needs no PEM and no memory for them. The same
 * certificates give the same header.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "trust_header.h"

#include <stdio.h>
#include <string.h>

static int usage(const char *what, const char *word)
{
    complain("%s%s: mailmote trust [--pin] FILE.pem...", what, word);
    return EX_USAGE;
}

int trust_command(int argc, char **argv)
{
    struct certificates certificates = {NULL, 0};
    bool pins = false, options = true;
    int files = 0, status = EX_OK;

    for (int i = 1; i < argc && status == EX_OK; i++) {
        if (options && strcmp(argv[i], "--pin") == 0) {
            pins = true;
        } else if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-') {
            status = usage("unknown option ", argv[i]);
        } else {
            files++;
            status = certificates_read(&certificates, argv[i]);
        }
    }
    if (status == EX_OK && files == 0) {
        status = usage("no file is given", "");
    }
    if (status == EX_OK) {
        status = pins ? write_pins(&certificates) : write_anchors(&certificates);
    }
    certificates_free(&certificates);
    return status == EX_OK && fflush(stdout) != 0 ? EX_IOERR : status; /* half a header is none; main() complains */
}

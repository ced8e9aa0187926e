/* SPDX-License-Identifier: MIT
 *
 * `mailmote trust`: certificates as constants for a firmware, which then needs no PEM and no memory for them. The same
 * certificates give the same header.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "probe.h"
#include "trust_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(const char *what, const char *word)
{
    complain("%s%.*s: mailmote trust [--pin] FILE.pem..., or mailmote trust --probe [--trust FILE.pem] HOST[:PORT]",
             what, (int)strcspn(word, "="), word);
    return EX_USAGE;
}

/* Half a header is none; main() complains. */
static int finish(int status)
{
    return status == EX_OK && fflush(stdout) != 0 ? EX_IOERR : status;
}

/* The root that verifies a relay, where one does; or the keys of the chain that it has sent, its own first. */
static int trust_probed(int argc, char **argv, bool pins)
{
    struct probe *probe = calloc(1, sizeof *probe);
    bool json = false;
    int status = EX_OSERR;

    if (probe == NULL) {
        complain("no memory: try again");
        return status;
    }
    status = probe_run(probe, argc, argv, &json);
    if (status == EX_OK && probe->root == NULL) {
        complain("%s port %u: %s%s%s%s%s%s", probe->host, (unsigned)probe->port, probe->trouble,
                 probe->trouble[0] != 0 ? "; " : "", probe->verdict, probe->stranger ? " (asked were those of " : "",
                 probe->stranger ? probe->trust : "", probe->stranger ? "): give its CA with --trust FILE.pem" : "");
        status = probe_status(probe);
    } else if (status == EX_OK) {
        status = pins ? write_pins(&probe->chain) : write_anchors(&(struct certificates){&probe->root, 1});
    }
    probe_free(probe);
    return status;
}

static int trust_files(int argc, char **argv, bool pins)
{
    struct certificates certificates = {NULL, 0};
    bool options = true;
    int files = 0, status = EX_OK;

    for (int i = 1; i < argc && status == EX_OK; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-') {
            status = usage("unknown option ", argv[i]);
        } else if (argv[i][0] == 0) {
            status = usage("a file's name is empty", "");
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
    return status;
}

/* Takes a word of ours out, wherever it stands in front of "--". */
static bool take(const char *word, int *argc, char **argv)
{
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], word) == 0) {
            memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
            --*argc;
            return true;
        }
    }
    return false;
}

int trust_command(int argc, char **argv)
{
    bool pins = take("--pin", &argc, argv), probed = take("--probe", &argc, argv);

    return finish(probed ? trust_probed(argc, argv, pins) : trust_files(argc, argv, pins));
}
